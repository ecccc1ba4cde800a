"""Runs the driver of one sensor, one step after the other, and lets nothing that a driver does get out.

It performs a driver's operations on the wire and knows neither schedules nor what values mean. Whatever a driver
raises, yields or returns that is no part of the contract becomes a DriverFault: it costs its own sensor only.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from contextlib import suppress
from functools import lru_cache
from types import GeneratorType
from typing import Any, Final, TypeAlias

from sensor_gateway.model.driver_spec import Identity, Measuring, PolledDriver, Values
from sensor_gateway.model.errors import MeasurementError, OverRange
from sensor_gateway.model.operations import Exchange, KernelDevice, Operation, Read, ReadFile, Wait, Write, WriteRead
from sensor_gateway.sensing.driver_fault import DriverFault, fault_of, mapping_of, numbers_of
from sensor_gateway.sensing.plan import SensorPlan

MOST_OPERATIONS: Final = 2000
"""In one poll, identification and set-up included."""

LONGEST_WAIT_S: Final = 60.0
LONGEST_TRANSFER: Final = 8192  # the kernel's own limit for one I2C message
LONGEST_EXCHANGE_S: Final = 30.0

_NUMBER: Final = (float, int)

Transfer: TypeAlias = Callable[[int, bytes, int], bytes]
Asking: TypeAlias = Callable[[Exchange, int], bytes]
Reading: TypeAlias = Callable[[KernelDevice, str], bytes]


class DriverRun:
    """The driver of one polled sensor.

    ``resume`` takes it to its next wait, or to the end of its poll; then ``values`` holds what was measured. A poll
    begins with identification and set-up where the last one failed, or where somebody unset ``is_prepared``;
    ``identity`` is then what was found, until whoever asks sets it to None.
    """

    __slots__ = (
        "_address",
        "_asking",
        "_driver",
        "_expected",
        "_generator",
        "_left",
        "_plan",
        "_read_file",
        "_transfer",
        "identity",
        "is_prepared",
        "values",
    )

    def __init__(
        self,
        plan: SensorPlan,
        *,
        transfer: Transfer | None = None,
        asking: Asking | None = None,
        read_file: Reading | None = None,
    ) -> None:
        """Operations of I2C go to ``transfer``, exchanges to ``asking``, reads of files to ``read_file``."""
        self.identity: Identity | None = None
        self.values: Mapping[str, float] = {}
        self.is_prepared = False
        self._plan = plan
        self._expected: frozenset[str] = frozenset()
        self._address = plan.address
        self._transfer = transfer
        self._asking = asking
        self._read_file = read_file
        self._driver: PolledDriver | None = None
        self._generator: Measuring | None = None
        self._left = 0

    def resume(self) -> float | None:
        """Go on. Gives the seconds to let pass before the next call; None at the end of the poll.

        Raises MeasurementError (DriverFault is one); the poll has then ended, and the next one prepares again.
        """
        try:
            return self._resume()
        except StopIteration as end:
            result = end.value
        except BaseException as error:  # noqa: BLE001 - a driver may raise anything at all
            raise self._ended(error) from None
        self._generator = None
        try:
            self.values = self._checked(result)
        except BaseException as error:  # noqa: BLE001 - what it returned may do so too
            raise self._ended(error) from None
        return None

    def abort(self) -> None:
        """End the poll here, if there is one."""
        self.is_prepared = False
        generator, self._generator = self._generator, None
        if generator is not None:
            with suppress(BaseException):  # the driver's last words interest nobody
                generator.close()

    def _resume(self) -> float:
        generator = self._generator
        if generator is None:
            generator = self._generator = self._begun()
            self._left = MOST_OPERATIONS
            operation = generator.send(None)  # type: ignore[arg-type]  # how a generator is started
        else:
            operation = generator.send(b"")
        while True:
            self._left -= 1
            if self._left < 0:
                raise DriverFault(f"the driver asked for more than {MOST_OPERATIONS} operations in one poll")
            if type(operation) is Wait:
                return _pause(operation.seconds)
            try:
                answer = self._performed(operation)
            except DriverFault:
                raise
            except MeasurementError as error:
                operation = generator.throw(error)
            else:
                operation = generator.send(answer)

    def _performed(self, operation: Operation) -> bytes:
        data, count = b"", 0
        if type(operation) is WriteRead:
            data, count = operation.data, operation.count
        elif type(operation) is Read:
            count = operation.count
        elif type(operation) is Write:
            data = operation.data
        elif type(operation) is ReadFile:
            return self._file_read(operation)
        else:
            return self._exchanged(operation)
        if type(data) is not bytes or type(count) is not int or not 0 <= count <= LONGEST_TRANSFER:
            raise DriverFault(f"the driver asked for an operation that cannot be: {operation!r:.200}")
        if self._transfer is None:
            raise DriverFault(f"the driver asked for an I2C operation, and this is no I2C bus: {operation!r:.200}")
        return self._transfer(self._address, data, count)

    def _file_read(self, operation: ReadFile) -> bytes:
        if self._read_file is None:
            raise DriverFault("the driver asked for a file, and this is a bus of wires")
        if type(operation.device) is not KernelDevice or type(operation.name) is not str:
            raise DriverFault(f"the driver asked for a file that cannot be: {operation!r:.200}")
        return self._read_file(operation.device, operation.name)

    def _exchanged(self, operation: object) -> bytes:
        if not isinstance(operation, Exchange):
            raise DriverFault(f"the driver yielded what is no operation: {operation!r:.200}")
        if self._asking is None:
            raise DriverFault("the driver asked for an exchange, and this is no serial line")
        if type(operation.request) is not bytes or not 0 < operation.timeout_s <= LONGEST_EXCHANGE_S:
            raise DriverFault(f"the driver asked for an exchange that cannot be: {operation!r:.200}")
        return self._asking(operation, self._address)

    def _begun(self) -> Measuring:
        if self._driver is None:
            plan = self._plan
            created: Any = plan.spec.create(plan.variant, plan.options, plan.address)
            self._driver = created
        driver = self._driver
        begun = driver.measure() if self.is_prepared else self._from_the_start(driver)
        if type(begun) is not GeneratorType and not isinstance(begun, Generator):
            raise DriverFault(f"measure() of the driver is no generator of operations: {begun!r:.200}")
        return begun

    def _from_the_start(self, driver: PolledDriver) -> Measuring:
        identity = yield from driver.identify()
        self._identified(identity)
        yield from driver.setup()
        self.is_prepared = True
        return (yield from driver.measure())

    def _identified(self, identity: object) -> None:
        if not isinstance(identity, Identity):
            raise DriverFault(f"identify() of the driver gave no Identity: {identity!r:.200}")
        expected = _set_of(tuple(identity.channels))
        if not expected or not expected <= {channel.source.channel.name for channel in self._plan.channels}:
            raise DriverFault(
                f"identify() of the driver found channels that it does not have: {sorted(expected)!r:.200}"
            )
        if not all(isinstance(text, str) for text in (identity.part, identity.note)):
            raise DriverFault("identify() of the driver gave a part or a note that is no text")
        self.identity = identity
        self._expected = expected

    def _checked(self, values: Values) -> Mapping[str, float]:
        if type(values) is not dict:
            values = mapping_of(values)
        if values.keys() != self._expected:
            raise DriverFault(f"the driver measured {sorted(values)!r:.200}, expected {sorted(self._expected)!r:.200}")
        return numbers_of(values)

    def _ended(self, error: BaseException) -> MeasurementError:
        """What the poll ends with, once the generator is gone and the chip has to be prepared again."""
        # A value beyond the chip's range is no fault of the chip.
        is_prepared = self.is_prepared and isinstance(error, OverRange)
        self.abort()
        self.is_prepared = is_prepared
        fault = fault_of(error)
        if isinstance(fault, DriverFault):
            self._driver = None  # who knows what it holds: made anew for the next poll
        return fault


@lru_cache(maxsize=64)
def _set_of(channels: tuple[str, ...]) -> frozenset[str]:
    """Sensors of one kind share it: a set takes as much memory as all the rest of a run."""
    return frozenset(channels)


def _pause(seconds: object) -> float:
    if isinstance(seconds, _NUMBER) and 0 <= seconds <= LONGEST_WAIT_S:
        return float(seconds)
    raise DriverFault(f"the driver wants to wait for {seconds!r:.100} s, expected 0 to {LONGEST_WAIT_S:g}")
