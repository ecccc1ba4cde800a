"""Whose fault is it, and does a retry help? The tree answers both.

Errors carry facts as attributes, and their message reads as a sentence for the operator.
"""

from __future__ import annotations

from typing import ClassVar, Final

from sensor_gateway.model.reading import FailureCode

LONGEST_MESSAGE: Final = 300
"""Of what a stranger's error says, in characters."""


class GatewayError(Exception):
    """Anything that this project raises on purpose."""

    is_transient: ClassVar[bool] = False
    """Whether the same try may succeed a moment later."""


class OperatorError(GatewayError):
    """The set-up is wrong: a person has to change something."""


class MeasurementError(GatewayError):
    """One try to measure failed. ``code`` is what subscribers are told."""

    code: ClassVar[FailureCode] = FailureCode.DRIVER_ERROR


class BadFrame(MeasurementError):
    """Bytes that are no valid answer: wrong checksum, length or content."""

    is_transient = True
    code = FailureCode.CRC

    def __init__(self, what: str, *, expected: object = None, got: object = None) -> None:
        """Say what is wrong, and where it helps what was expected and what came."""
        self.expected = expected
        self.got = got
        facts = (("expected", expected), ("got", got))
        detail = ", ".join(f"{name} {_shown(fact)}" for name, fact in facts if fact is not None)
        super().__init__(f"{what}: {detail}" if detail else what)


class OverRange(MeasurementError):
    """The chip says that the value is beyond what it can measure (saturation, over-range flag)."""

    code = FailureCode.RANGE


class NotReady(MeasurementError):
    """The chip answers with the value it holds before its first conversion."""

    is_transient = True
    code = FailureCode.POWER_ON


class WrongChip(MeasurementError):
    """Another chip answers at this address. ``expected`` and ``got`` are identity values."""

    code = FailureCode.MISSING

    def __init__(self, what: str, *, expected: object, got: object) -> None:
        """Say which identity was expected, and which one came."""
        self.expected = expected
        self.got = got
        super().__init__(f"{what}: expected {_shown(expected)}, got {_shown(got)}")


class Rejected(MeasurementError):
    """The device understood the request and says that it cannot: asking again gives the same answer."""


class DeviceBusy(MeasurementError):
    """The device understood the request and says that it cannot at the moment."""

    is_transient = True
    code = FailureCode.TIMEOUT


class WireError(MeasurementError):
    """The bus carried no answer."""

    is_transient = True
    code = FailureCode.TIMEOUT


class Nack(WireError):
    """Nobody acknowledged: absent chip, loose wire, chip busy."""

    code = FailureCode.NACK


class NoAnswer(WireError):
    """Nothing, or not enough, came before the deadline."""

    code = FailureCode.TIMEOUT


class BusStuck(WireError):
    """The whole bus is held: every address fails."""

    is_transient = False
    code = FailureCode.BUS_STUCK


class BusMissing(WireError):
    """The bus is not there (any more). The message says which command enables it."""

    is_transient = False
    code = FailureCode.MISSING


class DeviceMissing(WireError):
    """The kernel has no such device (any more), or several that fit. The message says what there is."""

    is_transient = False
    code = FailureCode.MISSING


class FileMissing(WireError):
    """The device has no such file: it does not measure this."""

    is_transient = False
    code = FailureCode.MISSING


class BusRefused(WireError):
    """The system does not let us: a kernel driver owns the address, or the adapter cannot do what is asked."""

    is_transient = False
    code = FailureCode.MISSING


def message_of(error: BaseException) -> str:
    """What an error says that a stranger's code raised, cut to LONGEST_MESSAGE. Raises nothing, whatever it is."""
    try:
        return str(error)[:LONGEST_MESSAGE]
    except BaseException:  # noqa: BLE001 - it runs the stranger's code once more
        return "an error whose message cannot be read"


def _shown(fact: object) -> str:
    if isinstance(fact, bytes):
        return fact.hex(" ") or "nothing"
    return str(fact)
