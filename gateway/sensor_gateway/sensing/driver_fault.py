"""What a driver gave, held against the contract: errors, measurements and numbers. What breaks it is a DriverFault."""

from __future__ import annotations

import math
import traceback
from collections.abc import Mapping

from sensor_gateway.model.driver_spec import Values
from sensor_gateway.model.errors import MeasurementError, message_of
from sensor_gateway.model.reading import FailureCode


class DriverFault(MeasurementError):
    """A driver broke its contract. ``trace`` tells where, for its author."""

    code = FailureCode.DRIVER_ERROR

    def __init__(self, what: str, *, trace: str = "") -> None:
        """Say what it did."""
        self.trace = trace
        super().__init__(what)


def facts_of(error: MeasurementError) -> tuple[FailureCode, str]:
    """The code and the sentence of an error, whatever a driver made of it."""
    code: object = error.code
    if not isinstance(code, FailureCode):
        code = FailureCode.DRIVER_ERROR
    return code, message_of(error) or type(error).__name__


def mapping_of(values: object) -> dict[str, float]:
    """A measurement as a dictionary of our own. DriverFault where it is no mapping."""
    if not isinstance(values, Mapping):
        raise DriverFault(f"the driver measured what is no mapping of channels to values: {values!r:.200}")
    return dict(values)


def numbers_of(values: Values) -> Mapping[str, float]:
    """The same values, all of them floats: a NaN is one, a bool is not."""
    for value in values.values():
        if type(value) is not float:
            return {name: _number(name, each) for name, each in values.items()}
    return values


def _number(name: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise DriverFault(f"the driver gave {value!r:.100} for {name}, expected a number")
    return float(value) if abs(value) < 1e300 else math.inf


def fault_of(error: BaseException) -> MeasurementError:
    """Whatever a driver raised, as an error of ours."""
    fault = error
    if not isinstance(fault, MeasurementError):
        trace = "".join(traceback.format_exception(error, limit=-20))
        fault = DriverFault(f"the driver raised {type(error).__name__}: {message_of(error)}", trace=trace)
    error.__traceback__ = None  # it holds frames, and grows with each time that the same error is raised
    return fault
