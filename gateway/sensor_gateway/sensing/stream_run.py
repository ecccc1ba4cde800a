"""Runs the driver of one sensor that talks by itself: bytes in, measurements out, and nothing else gets out."""

from __future__ import annotations

from itertools import islice
from typing import Any

from sensor_gateway.model.driver_spec import StreamDriver, Values
from sensor_gateway.model.errors import MeasurementError
from sensor_gateway.sensing.driver_fault import DriverFault, fault_of, mapping_of, numbers_of
from sensor_gateway.sensing.plan import SensorPlan


class StreamRun:
    """The driver of one sensor that talks by itself."""

    def __init__(self, plan: SensorPlan) -> None:
        """The driver is made when the first bytes come."""
        self._plan = plan
        self._names = frozenset(channel.source.channel.name for channel in plan.channels)
        self._driver: StreamDriver | None = None

    def feed(self, data: bytes) -> list[Values | MeasurementError]:
        """The measurements that ``data`` completes, a BadFrame for each damaged one; a DriverFault comes last."""
        found: list[Values | MeasurementError] = []
        # Each item takes a byte at least, so that a driver that never ends is found out.
        most = len(data) + 1000
        try:
            for item in islice(self._made().feed(data), most):
                found.append(self._checked(item))  # noqa: PERF401 - what came before an error counts
        except BaseException as error:  # noqa: BLE001 - a driver may raise anything at all
            self._driver = None
            found.append(fault_of(error))
        if len(found) == most:
            self._driver = None
            found.append(DriverFault(f"the driver gave {most} measurements for {len(data)} bytes"))
        return found

    def reset(self) -> None:
        """Forget half a frame."""
        try:
            if self._driver is not None:
                self._driver.reset()
        except BaseException:  # noqa: BLE001 - a driver that cannot forget is made anew
            self._driver = None

    def _made(self) -> StreamDriver:
        if self._driver is None:
            plan = self._plan
            created: Any = plan.spec.create(plan.variant, plan.options, plan.address)
            self._driver = created
        return self._driver

    def _checked(self, item: Values | Exception) -> Values | MeasurementError:
        if isinstance(item, MeasurementError):
            return item
        if isinstance(item, BaseException):
            raise item
        values = item if type(item) is dict else mapping_of(item)
        if not values.keys() <= self._names:
            raise DriverFault(f"the driver measured channels that it does not have: {sorted(values)!r:.200}")
        return numbers_of(values)
