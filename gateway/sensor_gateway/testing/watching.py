"""Drivers that are looked over the shoulder: what they read, and what they made of it. They notice nothing."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass, replace
from typing import Any, Final, TypeAlias, TypeVar

from sensor_gateway.model.driver_spec import (
    BusKind,
    Identifying,
    Identity,
    Measuring,
    PolledDriver,
    Preparing,
    StreamDriver,
    Values,
)
from sensor_gateway.model.errors import MeasurementError
from sensor_gateway.model.operations import Operation
from sensor_gateway.sensing.plan import SensorPlan
from sensor_gateway.testing.played_doors import RecordedTime

_MOST_HEARD: Final = 65_536

Result = TypeVar("Result")
Steps: TypeAlias = Generator[Operation, bytes, Result]


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """One try of a driver to measure: values, or the error that ended it.

    ``passed_s`` is when it ended, in seconds since the recording began; ``reads`` is all that was read since the chip
    was last identified, newest last (of a stream: what came since its last measurement, in one piece).
    """

    plan: SensorPlan
    passed_s: float
    part: str
    values: Values | None
    error: MeasurementError | None
    reads: tuple[bytes, ...]


Hearing: TypeAlias = Callable[[Measurement], object]


def watched(plan: SensorPlan, time: RecordedTime, hear: Hearing) -> SensorPlan:
    """The same sensor; its driver tells ``hear`` of each measurement."""
    create = plan.spec.create

    def make(variant: str, options: Any, address: int) -> PolledDriver | StreamDriver:  # noqa: ANN401 - as the contract has it
        made: Any = create(variant, options, address)
        is_stream = plan.spec.bus is BusKind.SERIAL_STREAM
        return _WatchedStream(made, plan, time, hear) if is_stream else _WatchedDriver(made, plan, time, hear)

    return replace(plan, spec=replace(plan.spec, create=make))


class _WatchedDriver:
    def __init__(self, driver: PolledDriver, plan: SensorPlan, time: RecordedTime, hear: Hearing) -> None:
        self._driver = driver
        self._plan = plan
        self._time = time
        self._hear = hear
        self._reads: list[bytes] = []
        self._part = ""

    def identify(self) -> Identifying:
        self._reads.clear()
        identity: Identity = yield from self._through(self._driver.identify())
        self._part = identity.part
        return identity

    def setup(self) -> Preparing:
        yield from self._through(self._driver.setup())

    def measure(self) -> Measuring:
        before = len(self._reads)
        try:
            values: Values = yield from self._through(self._driver.measure())
            self._tell(values, None)
        finally:
            del self._reads[before:]
        return values

    def _through(self, steps: Steps[Result]) -> Steps[Result]:
        """``steps``, operation for operation."""
        try:
            operation = next(steps)
            while True:
                try:
                    answer = yield operation
                except MeasurementError as error:
                    operation = steps.throw(error)
                else:
                    if answer:
                        self._reads.append(answer)
                    operation = steps.send(answer)
        except StopIteration as end:
            result: Result = end.value
            return result
        except MeasurementError as error:
            self._tell(None, error)
            raise
        finally:
            steps.close()

    def _tell(self, values: Values | None, error: MeasurementError | None) -> None:
        self._hear(
            Measurement(
                plan=self._plan,
                passed_s=self._time.passed_s,
                part=self._part,
                values=values,
                error=error,
                reads=tuple(self._reads),
            )
        )


class _WatchedStream:
    def __init__(self, driver: StreamDriver, plan: SensorPlan, time: RecordedTime, hear: Hearing) -> None:
        self._driver = driver
        self._plan = plan
        self._time = time
        self._hear = hear
        self._heard = bytearray()

    def feed(self, data: bytes) -> Iterable[Values | Exception]:
        """Byte by byte, so that it is known where each measurement ended."""
        for byte in data:
            self._heard.append(byte)
            for item in self._driver.feed(bytes((byte,))):
                if isinstance(item, MeasurementError):
                    self._tell(None, item)
                elif not isinstance(item, Exception):
                    self._tell(item, None)
                yield item
        del self._heard[:-_MOST_HEARD]

    def reset(self) -> None:
        self._driver.reset()
        self._heard.clear()

    def _tell(self, values: Values | None, error: MeasurementError | None) -> None:
        self._hear(
            Measurement(
                plan=self._plan,
                passed_s=self._time.passed_s,
                part=self._plan.spec.variants[self._plan.variant].part,
                values=values,
                error=error,
                reads=(bytes(self._heard),),
            )
        )
        self._heard.clear()
