"""``log-level``: log more for a while. It goes back by itself, and never logs less: the audit stays."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf
from typing import Final, Protocol

from sensor_gateway.config.values.units import parse_duration
from sensor_gateway.model.log import Log
from sensor_gateway.service.commands.outcome import Outcome, failed
from sensor_gateway.service.commands.request import Request

USUAL: Final = "info"
_LEVELS: Final = (USUAL, "debug")
_DEFAULT: Final = "10min"
_LEAST_S: Final = 1.0
_MOST_S: Final = 86_400.0


class LeveledLog(Log, Protocol):
    """A log whose least level can be set: ``debug`` or ``info``."""

    level: str


class LogLevelCommand:
    """Sets the level of the log, and sets it back."""

    def __init__(self, log: LeveledLog) -> None:
        """Nothing changes yet."""
        self._log = log
        self._until_s = inf

    def begin(self, request: Request, now_s: float) -> Outcome:
        """Set it."""
        arguments = request.arguments
        level, duration = arguments.get("level"), arguments.get("for", _DEFAULT)
        if not isinstance(level, str) or level not in _LEVELS or not arguments.keys() <= {"level", "for"}:
            return failed("bad_argument", 'expected {"level": "debug", "for": "10min"}; `level` is debug or info')
        if not isinstance(duration, str):
            return failed("bad_argument", 'expected `for` as a duration in quotes, like "10min"')
        try:
            for_s = parse_duration(duration)
        except ValueError as error:
            return failed("bad_argument", f"for: {error}")
        if not _LEAST_S <= for_s <= _MOST_S:
            return failed("bad_argument", "expected `for` between 1s and 24h")
        self._set(level)
        self._until_s = inf if level == USUAL else now_s + for_s
        return Outcome(is_done=True, facts={"level": level, "for_s": 0 if level == USUAL else for_s})

    def tend(self, now_s: float) -> Sequence[tuple[Request, Outcome]]:
        """Set it back when the time is over."""
        if self._until_s <= now_s:
            self._until_s = inf
            self._set(USUAL)
        return ()

    def wait_s(self, now_s: float) -> float:
        """Seconds until it goes back."""
        return max(0.0, self._until_s - now_s)

    def _set(self, level: str) -> None:
        self._log.level = level
        self._log.info("log_level_changed", level=level)
