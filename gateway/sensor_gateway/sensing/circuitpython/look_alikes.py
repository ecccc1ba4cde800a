"""The bus and the clock that foreign code is given: they hand everything over to its worker.

Both work in a worker's thread. Elsewhere the clock is the real one, and the bus refuses.
"""

from __future__ import annotations

import threading
import time
from errno import ENXIO
from types import ModuleType
from typing import Final, TypeAlias

from sensor_gateway.model.operations import Read, Write, WriteRead
from sensor_gateway.sensing.circuitpython.worker import BusTrouble, Worker
from sensor_gateway.sensing.driver_fault import DriverFault

Buffer: TypeAlias = bytes | bytearray | memoryview
"""An array of bytes; foreign code also passes ``array.array``."""

CLOCKS: Final = ("monotonic", "perf_counter", "time")


def _worker() -> Worker | None:
    thread = threading.current_thread()
    return thread if isinstance(thread, Worker) else None


class ForeignI2c:
    """Looks like ``busio.I2C``, with one chip on it. There is nothing to lock: each transaction is handed over."""

    def __init__(self, address: int) -> None:
        """Transactions with another address are refused."""
        self._address = address

    def __enter__(self) -> ForeignI2c:
        """Nothing: the bus is not theirs."""
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing."""

    def deinit(self) -> None:
        """Nothing."""

    def try_lock(self) -> bool:
        """Whether the bus is free: always."""
        return True

    def unlock(self) -> None:
        """Nothing."""

    def scan(self) -> list[int]:
        """The addresses of the chips."""
        return [self._address]

    def writeto(
        self, address: int, buffer: Buffer, *, start: int = 0, end: int | None = None, stop: bool = True
    ) -> None:
        """Write a part of ``buffer``; of nothing, the address alone. OSError where the wire fails."""
        del stop
        self._transfer(address, Write(memoryview(buffer)[start:end].tobytes()))

    def readfrom_into(
        self, address: int, buffer: bytearray | memoryview, *, start: int = 0, end: int | None = None, stop: bool = True
    ) -> None:
        """Fill a part of ``buffer``. OSError where the wire fails."""
        del stop
        target = memoryview(buffer).cast("B")[start:end]
        target[:] = self._transfer(address, Read(len(target)))

    def writeto_then_readfrom(  # noqa: PLR0913 - as it is in CircuitPython
        self,
        address: int,
        out_buffer: Buffer,
        in_buffer: bytearray | memoryview,
        *,
        out_start: int = 0,
        out_end: int | None = None,
        in_start: int = 0,
        in_end: int | None = None,
        stop: bool = False,
    ) -> None:
        """Write a part of one buffer, and fill a part of the other after a repeated start."""
        del stop
        data = memoryview(out_buffer)[out_start:out_end].tobytes()
        target = memoryview(in_buffer).cast("B")[in_start:in_end]
        target[:] = self._transfer(address, WriteRead(data, len(target)))

    def _transfer(self, address: int, operation: Write | Read | WriteRead) -> bytes:
        worker = _worker()
        if worker is None:
            raise RuntimeError("this bus is for the thread that the driver was called in")
        if address != self._address:
            worker.trouble = DriverFault(
                f"the class asks for address 0x{address:02x}, and this sensor's is 0x{self._address:02x}: write that "
                "`address:` (a class that uses several addresses cannot be run)"
            )
            raise BusTrouble(ENXIO, str(worker.trouble))
        return worker.transfer(operation)


class ForeignTime(ModuleType):
    """Looks like ``time``. In a worker, its sleep is a wait on our side, and its clocks show the worker's time."""

    def __getattr__(self, name: str) -> object:
        """What is not replaced is the real one."""
        return getattr(time, name)

    @staticmethod
    def sleep(seconds: float) -> None:
        """Let time pass. ValueError for a negative one."""
        worker = _worker()
        if worker is None:
            vars(time)["sleep"](seconds)
        elif seconds < 0:
            raise ValueError("sleep length must be non-negative")
        else:
            worker.sleep(float(seconds))


def foreign_time() -> ForeignTime:
    """The module that foreign code imports as ``time``."""
    module = ForeignTime("time")
    for name in CLOCKS:
        setattr(module, name, _clock(name))
        if name + "_ns" in vars(time):
            setattr(module, name + "_ns", _clock(name + "_ns", unit=10**9))
    return module


def _clock(name: str, *, unit: int = 0) -> object:
    real = vars(time)[name]

    def clock() -> float:
        worker = _worker()
        if worker is None:
            return float(real())
        now_s = worker.now_s()
        return int(now_s * unit) if unit else now_s

    return clock
