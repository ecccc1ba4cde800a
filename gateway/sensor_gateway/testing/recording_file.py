"""The file that a recording is kept in: JSON lines, a header first, then each step with its time.

Version 1. The header holds the configuration of the bus and its sensors as YAML, every default written out, so that
the file says by itself what was asked, by which driver, and why. Times are seconds since the recording began.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, TextIO, TypeAlias

from sensor_gateway.model import errors
from sensor_gateway.model.errors import GatewayError, MeasurementError, OperatorError
from sensor_gateway.model.reading import ClockState, Stamp
from sensor_gateway.testing.playback import Transfer

VERSION: Final = 1
MARK: Final = "sensor_gateway_recording"

_ERRORS: Final[Mapping[str, type[GatewayError]]] = MappingProxyType(
    {
        kind.__name__: kind
        for kind in (
            errors.WireError,
            errors.Nack,
            errors.NoAnswer,
            errors.BusStuck,
            errors.BusMissing,
            errors.BusRefused,
            OperatorError,
        )
    }
)


class NotARecording(OperatorError):
    """A file that is no recording, or one that a later release wrote."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """What was recorded: the bus, when it began, and by which program and drivers (by the names that users write)."""

    bus: str
    is_i2c: bool
    began: Stamp
    monotonic_s: float
    program: str
    drivers: Mapping[str, str]
    configuration: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """The bus was opened, or could not be."""

    at_s: float
    error: GatewayError | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Transferred:
    """One transaction on I2C; ``count`` is how many bytes were to be read."""

    at_s: float
    took_s: float
    transfer: Transfer
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """Bytes that were sent on a line, and the error where that failed."""

    at_s: float
    data: bytes
    error: MeasurementError | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Came:
    """Bytes that came on a line, or the error that reading ended with."""

    at_s: float
    data: bytes | MeasurementError


@dataclass(frozen=True, slots=True, kw_only=True)
class Discarded:
    """Bytes that had come on a line, and that nobody wanted."""

    at_s: float
    count: int


Step: TypeAlias = Opened | Transferred | Sent | Came | Discarded


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingFile:
    """A whole recording. ``end_s`` is how long it took."""

    header: Header
    steps: tuple[Step, ...]
    end_s: float


class RecordingWriter:
    """Writes a recording as it comes; what was written so far is one, wherever it ends."""

    def __init__(self, out: TextIO, header: Header) -> None:
        """Write the header at once."""
        self.steps = 0
        self._out = out
        self._write(
            {
                MARK: VERSION,
                "program": header.program,
                "bus": header.bus,
                "kind": "i2c" if header.is_i2c else "serial",
                "wall_ms": header.began.wall_ms,
                "uptime_ms": header.began.uptime_ms,
                "clock": header.began.clock.value,
                "monotonic": round(header.monotonic_s, 6),
                "drivers": dict(header.drivers),
                "configuration": header.configuration,
            }
        )

    def write(self, step: Step) -> None:
        """Write one step."""
        self.steps += 1
        self._write(_written(step))

    def end(self, at_s: float) -> None:
        """Say that nothing more came until then."""
        self._write({"at": round(at_s, 6), "end": True})

    def _write(self, line: Mapping[str, object]) -> None:
        self._out.write(json.dumps(line, ensure_ascii=False) + "\n")
        self._out.flush()


def read_recording(file: Path) -> RecordingFile:
    """The recording in a file; a last line that was cut off is left out. NotARecording for anything else; OSError."""
    lines = file.read_text("utf-8", "replace").splitlines()
    if not lines:
        raise NotARecording(f"{file} is empty")
    header = _header(file, lines[0])
    steps: list[Step] = []
    end_s = 0.0
    for number, line in enumerate(lines[1:], 2):
        try:
            content = json.loads(line)
            end_s = max(end_s, float(content["at"]) + float(content.get("took", 0)))
            if "end" not in content:
                steps.append(_step(content))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            if number == len(lines):
                break
            raise NotARecording(f"{file}:{number} is no step of a recording ({error!r})") from error
    return RecordingFile(header=header, steps=tuple(steps), end_s=end_s)


def _header(file: Path, line: str) -> Header:
    try:
        content = json.loads(line)
        version = content[MARK]
    except (ValueError, KeyError, TypeError) as error:
        raise NotARecording(f"{file} is no recording: its first line has no {MARK}") from error
    if version != VERSION:
        raise NotARecording(f"{file} is a recording of version {version}; this release reads version {VERSION}")
    try:
        began = Stamp(
            uptime_ms=int(content["uptime_ms"]), wall_ms=int(content["wall_ms"]), clock=ClockState(content["clock"])
        )
        return Header(
            bus=str(content["bus"]),
            is_i2c=content["kind"] == "i2c",
            began=began,
            monotonic_s=float(content["monotonic"]),
            program=str(content["program"]),
            drivers=dict(content["drivers"]),
            configuration=str(content["configuration"]),
        )
    except (ValueError, KeyError, TypeError) as error:
        raise NotARecording(f"{file}:1 is no header of a recording ({error!r})") from error


def _written(step: Step) -> dict[str, object]:
    line: dict[str, object] = {"at": round(step.at_s, 6)}
    match step:
        case Opened(error=error):
            return {**line, "open": True, **_error_facts(error)}
        case Transferred(took_s=took_s, transfer=transfer, count=count):
            line |= {"took": round(took_s, 6), "address": f"0x{transfer.address:02x}"}
            line |= {"write": transfer.written.hex(" ")} if transfer.written or not count else {}
            line |= {"read": count} if count else {}
            if isinstance(transfer.answer, MeasurementError):
                return {**line, **_error_facts(transfer.answer)}
            return {**line, "answer": transfer.answer.hex(" ")} if count else line
        case Sent(data=data, error=error):
            return {**line, "send": data.hex(" "), **_error_facts(error)}
        case Came(data=data):
            return {
                **line,
                **({"came": data.hex(" ")} if isinstance(data, bytes) else {"came": "", **_error_facts(data)}),
            }
        case Discarded(count=count):
            return {**line, "discarded": count}
        case _:
            raise TypeError(f"{step!r} is no step")


def _error_facts(error: GatewayError | None) -> dict[str, object]:
    if error is None:
        return {}
    name = next((kind.__name__ for kind in type(error).__mro__ if kind.__name__ in _ERRORS), "WireError")
    return {"error": name, "message": str(error)}


def _step(content: Mapping[str, Any]) -> Step:
    at_s = float(content["at"])
    error = _error(content)
    if "open" in content:
        return Opened(at_s=at_s, error=error)
    if "discarded" in content:
        return Discarded(at_s=at_s, count=int(content["discarded"]))
    failure = error if isinstance(error, MeasurementError) else None
    if "send" in content:
        return Sent(at_s=at_s, data=bytes.fromhex(content["send"]), error=failure)
    if "came" in content:
        return Came(at_s=at_s, data=failure or bytes.fromhex(content["came"]))
    transfer = Transfer(
        int(content["address"], 16),
        bytes.fromhex(content.get("write", "")),
        failure or bytes.fromhex(content.get("answer", "")),
    )
    return Transferred(at_s=at_s, took_s=float(content["took"]), transfer=transfer, count=int(content.get("read", 0)))


def _error(content: Mapping[str, Any]) -> GatewayError | None:
    if "error" not in content:
        return None
    return _ERRORS[content["error"]](content.get("message", ""))
