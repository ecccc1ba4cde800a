"""One measurement of one sensor, with all that went over the wire: what ``read`` shows.

It owns the bus while it runs, and waits in the caller's thread.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Final, TypeAlias

from sensor_gateway.model.clock import Clock
from sensor_gateway.model.driver_spec import BusKind, Identity
from sensor_gateway.model.errors import BadFrame, GatewayError, MeasurementError, NoAnswer, OperatorError
from sensor_gateway.model.operations import Exchange, KernelDevice, Operation, Read, ReadFile, Write, WriteRead
from sensor_gateway.model.reading import FailureCode
from sensor_gateway.sensing.bus import Bus, DeviceFiles, I2cBus, line_of
from sensor_gateway.sensing.driver_fault import DriverFault, facts_of
from sensor_gateway.sensing.engine import DriverRun
from sensor_gateway.sensing.exchange import Exchanger
from sensor_gateway.sensing.plan import SensorPlan
from sensor_gateway.sensing.stream_run import StreamRun

LISTEN_INTERVALS: Final = 3
_LONGEST_READ_S: Final = 1.0

Waiting: TypeAlias = Callable[[float], object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Performed:
    """One operation: what came back, or what went wrong, and how long it took. None: bytes that a stream sent.

    ``at_s`` is when it began, since the measurement began. Waits are no operations on the wire: they are the time
    between two of them.
    """

    operation: Operation | None
    answer: bytes
    error: str
    at_s: float
    elapsed_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class OnceResult:
    """What one measurement gave.

    ``values`` is None where it failed; then ``code`` and ``failure`` say why, and ``trace`` where, if it was the
    driver. ``raw`` is all that was read, in order.
    """

    values: Mapping[str, float] | None
    raw: bytes
    code: FailureCode | None
    failure: str
    trace: str
    operations: tuple[Performed, ...]
    duration_s: float
    identity: Identity | None


class WireProtocol:
    """Writes down what goes over the wire."""

    def __init__(self, bus: Bus, clock: Clock) -> None:
        """Nothing has gone over it yet."""
        self.operations: list[Performed] = []
        self._bus = bus
        self._clock = clock
        self._began_s = clock.monotonic()
        self._line = line_of(bus)
        self._exchanger = None if self._line is None else Exchanger(self._line, clock)

    def transfer(self, address: int, data: bytes, count: int) -> bytes:
        """As that of the bus."""
        if not isinstance(self._bus, I2cBus):
            raise DriverFault(f"the driver asked for an I2C operation, and {self._bus.name} is no I2C bus")
        operation: Operation = Read(count)
        if data or not count:  # an address alone is a write of nothing
            operation = WriteRead(data, count) if count else Write(data)
        return self._noted(operation, partial(self._bus.transfer, address, data, count))

    def exchange(self, operation: Exchange, unit: int) -> bytes:
        """As that of the exchanger."""
        if self._exchanger is None:
            raise DriverFault(f"the driver asked for an exchange, and {self._bus.name} is no serial line")
        return self._noted(operation, partial(self._exchanger.exchange, operation, unit))

    def listen(self, timeout_s: float) -> bytes:
        """What a stream sends."""
        if self._line is None:
            raise DriverFault(f"{self._bus.name} is no serial line, on which the driver could listen")
        return self._noted(None, partial(self._line.read, timeout_s))

    def read_file(self, device: KernelDevice, name: str) -> bytes:
        """As that of the kernel's devices."""
        if not isinstance(self._bus, DeviceFiles):
            raise DriverFault(f"the driver asked for a file, and {self._bus.name} is a bus of wires")
        return self._noted(ReadFile(device, name), partial(self._bus.read_file, device, name))

    def _noted(self, operation: Operation | None, perform: Callable[[], bytes]) -> bytes:
        start_s = self._clock.monotonic()
        answer, complaint = b"", ""
        try:
            answer = perform()
        except MeasurementError as error:
            complaint = str(error)
            raise
        finally:
            elapsed_s = self._clock.monotonic() - start_s
            at_s = start_s - self._began_s
            self.operations.append(
                Performed(operation=operation, answer=answer, error=complaint, at_s=at_s, elapsed_s=elapsed_s)
            )
        return answer


def read_once(bus: Bus, plan: SensorPlan, clock: Clock, *, wait: Waiting | None = None) -> OnceResult:
    """Identify, set up and measure once. Opens the bus where it is closed, and leaves it open; raises nothing of ours.

    ``wait`` lets seconds pass (a test's or a simulation's way of it; none: really).
    """
    protocol = WireProtocol(bus, clock)
    run = DriverRun(plan, transfer=protocol.transfer, asking=protocol.exchange, read_file=protocol.read_file)
    start_s = clock.monotonic()
    values: Mapping[str, float] | None = None
    error: GatewayError | None = None
    try:
        bus.open()
        if plan.spec.bus is BusKind.SERIAL_STREAM:
            values = _listened(protocol, plan, clock)
        else:
            values = _measured(run, wait or threading.Event().wait)
    except (MeasurementError, OperatorError) as caught:
        error = caught
        run.abort()
    return OnceResult(
        values=values,
        raw=b"".join(performed.answer for performed in protocol.operations),
        code=None if error is None else _code(error),
        failure="" if error is None else str(error),
        trace=error.trace if isinstance(error, DriverFault) else "",
        operations=tuple(protocol.operations),
        duration_s=clock.monotonic() - start_s,
        identity=run.identity,
    )


def _measured(run: DriverRun, wait: Waiting) -> Mapping[str, float]:
    while (pause_s := run.resume()) is not None:
        wait(pause_s)
    return run.values


def _listened(protocol: WireProtocol, plan: SensorPlan, clock: Clock) -> Mapping[str, float]:
    """The first measurement of a stream, within three of its intervals."""
    run = StreamRun(plan)
    limit_s = LISTEN_INTERVALS * plan.interval_s
    deadline_s = clock.monotonic() + limit_s
    damaged = 0
    while (left_s := deadline_s - clock.monotonic()) > 0:
        data = protocol.listen(min(left_s, _LONGEST_READ_S))
        for item in run.feed(data) if data else ():
            if isinstance(item, DriverFault):
                raise item
            if not isinstance(item, MeasurementError):
                return item
            damaged += 1
    heard = sum(len(performed.answer) for performed in protocol.operations)
    if heard:
        raise BadFrame(
            f"{heard} bytes came in {limit_s:g} s, {damaged} damaged frames and no good one: check the baud rate"
        )
    raise NoAnswer(f"nothing came for {limit_s:g} s: check power and wiring")


def _code(error: GatewayError) -> FailureCode:
    return facts_of(error)[0] if isinstance(error, MeasurementError) else FailureCode.MISSING
