"""A sensor that a class of a CircuitPython library reads, as a driver like any other.

The class blocks, sleeps, probes and raises as it likes, in a worker. What comes out of here are operations, values, and
errors of ours. Its arithmetic is not ours, and has no vectors here: tests/drivers/test_independent_readers.py holds it
against our own drivers.
"""

from __future__ import annotations

import re
import traceback
from collections.abc import Callable, Generator, Mapping
from typing import Final

from sensor_gateway.model.driver_spec import (
    BusKind,
    DriverSpec,
    Identifying,
    Identity,
    Measuring,
    Preparing,
    Values,
    Variant,
    Vector,
)
from sensor_gateway.model.errors import BadFrame, DeviceBusy, MeasurementError, message_of
from sensor_gateway.model.operations import Operation, Wait
from sensor_gateway.sensing.circuitpython.library import ClassMissing, class_of, objections, with_address
from sensor_gateway.sensing.circuitpython.look_alikes import ForeignI2c
from sensor_gateway.sensing.circuitpython.options import Options, channels_of, value_of
from sensor_gateway.sensing.circuitpython.worker import ForeignClock, Outcome, Worker, carried_out, pause
from sensor_gateway.sensing.driver_fault import DriverFault

BETWEEN_POLLS_S: Final = 60.0
"""What passes on the class's clock from one poll to the next: no value that it keeps for a while is a new one."""

READY_EVERY_S: Final = 0.05
READY_TRIES: Final = 240

_CHECKSUM: Final = re.compile(r"\bcrc|checksum", re.IGNORECASE)
_TOO_LATE: Final = re.compile(r"time[d ]*-?out", re.IGNORECASE)


class CircuitPython:
    """One sensor. ``setup`` makes the object of the class, ``measure`` reads its properties."""

    def __init__(self, options: Options, address: int) -> None:
        """Nothing is imported or asked yet."""
        self._options = options
        self._address = address
        self._made: object = None
        self._clock = ForeignClock()
        self._is_fresh = False

    def identify(self) -> Identifying:
        """Ask nothing: what a class checks it checks when it is made."""
        yield from ()
        return Identity(part=self._options.class_, channels=tuple(self._options.properties))

    def setup(self) -> Preparing:
        """Make the object anew, which sets the chip up."""
        self._made = yield from self._done(self._make)
        self._is_fresh = True
        if self._options.settle:
            yield Wait(self._options.settle)
            self._clock.now_s += self._options.settle

    def measure(self) -> Measuring:
        """Read each property once, one after the other, and make channels of them."""
        if not self._is_fresh:
            self._clock.now_s += BETWEEN_POLLS_S
        self._is_fresh = False
        seen = yield from self._done(self._look)
        values: dict[str, float] = {}
        if isinstance(seen, Mapping):
            for name, wanted in self._options.properties.items():
                source = wanted.property or name
                values[name] = value_of(seen[source], wanted, f"{self._options.class_}.{source}")
        return values

    def _done(self, errand: Callable[[], object]) -> Generator[Operation, bytes, object]:
        name = f"{self._options.class_} at 0x{self._address:02x}"
        worker = Worker(errand, self._clock, owner=self._options, name=name)
        outcome = yield from carried_out(worker)
        if outcome.error is not None:
            raise error_of(outcome, self._options.class_)
        return outcome.result

    # In the worker.

    def _make(self) -> object:
        options = self._options
        found: Callable[..., object] = class_of(options.class_)
        arguments = {**with_address(class_of(options.class_), self._address), **options.arguments}
        made = found(ForeignI2c(self._address), **arguments)
        for name, value in options.settings.items():
            setattr(made, name, value)
        for name in options.calls:
            getattr(made, name)()
        return made

    def _look(self) -> object:
        self._wait_until_ready()
        return {source: _value(self._made, source) for source in dict.fromkeys(self._options.sources.values())}

    def _wait_until_ready(self) -> None:
        ready = self._options.ready
        if not ready:
            return
        for _ in range(READY_TRIES):
            if _value(self._made, ready):
                return
            pause(READY_EVERY_S)
        raise TimeoutError(f"timeout: {ready} did not become true in {READY_TRIES * READY_EVERY_S:g} s")


def _value(made: object, name: str) -> object:
    """A property, or what a method gives."""
    found = getattr(made, name)
    return found() if callable(found) else found


def error_of(outcome: Outcome, class_: str) -> MeasurementError:
    """What foreign code raised, as an error of ours: the wire's, where the wire had just failed."""
    error = outcome.error
    if outcome.trouble is not None:
        return outcome.trouble
    if isinstance(error, MeasurementError):
        return error
    if isinstance(error, ClassMissing):
        return DriverFault(str(error))
    said = f"{class_} raised {type(error).__name__}: {'' if error is None else message_of(error)}"
    if isinstance(error, Exception) and _CHECKSUM.search(said):
        return BadFrame(said)
    if isinstance(error, TimeoutError) or (isinstance(error, Exception) and _TOO_LATE.search(said)):
        return DeviceBusy(said)
    trace = "" if error is None else "".join(traceback.format_exception(error, limit=-20))
    return DriverFault(said, trace=trace)


def create(_variant: str, options: Options, address: int) -> CircuitPython:
    """Make the driver of one sensor."""
    return CircuitPython(options, address)


def check(options: Options) -> tuple[str, ...]:
    """A sentence for each thing that the class does not have. Imports its module."""
    return tuple(objections(options))


def replay(vector: Vector) -> Values:
    """There is nothing of ours to replay."""
    raise DriverFault(f"the arithmetic is the class's own, and {vector.source} cannot be checked without it")


SPEC: Final = DriverSpec(
    name="circuitpython",
    summary="Any chip on I2C, by the class of a CircuitPython library (without Blinka)",
    bus=BusKind.I2C,
    variants={"circuitpython": Variant(part="chip that a CircuitPython class reads")},
    create=create,
    replay=replay,
    vectors=(),
    evidence="the library's own: its arithmetic is not ours",
    example={
        "class": "adafruit_sht31d.SHT31D",
        "properties": {
            "temperature": {"quantity": "temperature"},
            "humidity": {"property": "relative_humidity", "quantity": "humidity"},
        },
    },
    options=Options,
    channels_of=channels_of,
    check=check,
)
