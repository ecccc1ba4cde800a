"""The kernel's I2C calls answered by a function, and a serial line that speaks when it was told to."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import smbus2.smbus2

from sensor_gateway.model.errors import NoAnswer
from sensor_gateway.sensing.i2c import KernelI2cBus
from sensor_gateway.simulation.virtual_clock import VirtualClock

PLAIN_I2C = 0x0FFF8001


class FakeKernel:
    """Answers the ioctls that smbus2 makes. ``chip`` is told address, written bytes and the count to read."""

    def __init__(self) -> None:
        self.functions = PLAIN_I2C
        self.transactions: list[list[tuple[int, bytes | int]]] = []
        self.chip: Callable[[int, bytes, int], bytes] = lambda _address, _data, count: bytes(count)

    def ioctl(self, _descriptor: int, request: int, argument: Any) -> int:
        if request == smbus2.smbus2.I2C_FUNCS:
            argument.value = self.functions
            return 0
        if request != smbus2.smbus2.I2C_RDWR:
            raise OSError(25, "Inappropriate ioctl for device")
        messages = [argument.msgs[place] for place in range(argument.nmsgs)]
        self.transactions.append([])
        written = b""
        for message in messages:
            if message.flags & smbus2.smbus2.I2C_M_RD:
                self.transactions[-1].append((message.addr, message.len))
                answer = self.chip(message.addr, written, message.len)
                ctypes.memmove(message.buf, answer, message.len)
            else:
                written = ctypes.string_at(message.buf, message.len)
                self.transactions[-1].append((message.addr, written))
                if message is messages[-1]:
                    self.chip(message.addr, written, 0)
        return int(argument.nmsgs)


@pytest.fixture
def kernel(monkeypatch: pytest.MonkeyPatch) -> FakeKernel:
    """smbus2's own seam: everything but the system call itself is the real thing."""
    fake = FakeKernel()
    monkeypatch.setattr(smbus2.smbus2, "ioctl", fake.ioctl)
    return fake


@pytest.fixture
def node(tmp_path: Path) -> Path:
    path = tmp_path / "i2c-7"
    path.touch()
    return path


@pytest.fixture
def sysfs(tmp_path: Path) -> Path:
    path = tmp_path / "sys"
    (path / "bus" / "i2c" / "devices").mkdir(parents=True)
    return path


@pytest.fixture
def bus(kernel: FakeKernel, node: Path, sysfs: Path) -> Any:
    bus = KernelI2cBus("i2c7", node, sysfs=sysfs)
    yield bus
    bus.close()


class ScriptedLine:
    """A line whose device answers each request by ``answers``: seconds after the request, and bytes."""

    name = "scripted"

    def __init__(self, clock: VirtualClock) -> None:
        self.clock = clock
        self.answers: Callable[[bytes], list[tuple[float, bytes]]] = lambda _request: []
        self.coming: list[tuple[float, bytes]] = []
        self.sent: list[tuple[float, bytes]] = []
        self.blocks = False
        self.woken = False

    def open(self) -> None: ...

    def close(self) -> None: ...

    def say(self, after_s: float, content: bytes) -> None:
        self.coming = sorted([*self.coming, (self.clock.monotonic() + after_s, content)], key=lambda item: item[0])

    def write(self, data: bytes, timeout_s: float) -> None:
        if self.blocks:
            self.clock.advance(timeout_s)
            raise NoAnswer("the device takes nothing")
        self.sent.append((self.clock.monotonic(), data))
        for after_s, content in self.answers(data):
            self.say(after_s, content)

    def read(self, timeout_s: float) -> bytes:
        if self.woken:
            self.woken = False
            return b""
        if self.coming and self.coming[0][0] <= self.clock.monotonic() + timeout_s:
            moment_s, content = self.coming.pop(0)
            self.clock.advance_to(moment_s)
            return content
        self.clock.advance(timeout_s)
        return b""

    def discard(self) -> int:
        now_s = self.clock.monotonic()
        arrived = [content for moment_s, content in self.coming if moment_s <= now_s]
        self.coming = [item for item in self.coming if item[0] > now_s]
        return sum(map(len, arrived))

    def wake(self) -> None:
        self.woken = True


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock(start_s=100.0)


@pytest.fixture
def line(clock: VirtualClock) -> ScriptedLine:
    return ScriptedLine(clock)
