"""What is kept of every request: a line of log, and a count. MQTT does not say who asked; the broker's log does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from sensor_gateway.model.commands.refusal_code import RefusalCode
from sensor_gateway.model.log import Log
from sensor_gateway.service.commands.judge import Bucket, Refused
from sensor_gateway.service.commands.outcome import Outcome
from sensor_gateway.service.commands.request import Request

_LINES_PER_MINUTE: Final = 30.0
_LONGEST: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandCounters:
    """Requests since the start: ``done``, ``failed`` ones that were carried out in vain, and ``refused`` by code."""

    done: int
    failed: int
    refused: Mapping[RefusalCode, int]


class Audit:
    """Counts and logs. A refusal gets a line too, but a flood of them does not fill the log."""

    def __init__(self, log: Log) -> None:
        """Nothing was asked yet."""
        self._log = log
        self._lines = Bucket(_LINES_PER_MINUTE)
        self._unlogged = 0
        self._done = self._failed = 0
        self._refused = dict.fromkeys(RefusalCode, 0)

    @property
    def counters(self) -> CommandCounters:
        """What happened since the start."""
        return CommandCounters(done=self._done, failed=self._failed, refused=MappingProxyType({**self._refused}))

    def accepted(self, request: Request) -> None:
        """It is carried out now: always worth a line, since they are few."""
        arguments = _short(str({key: _plain(value) for key, value in request.arguments.items()}))
        self._log.info(
            "command_accepted",
            command=request.name,
            arguments=arguments,
            transaction=request.answer_to.transaction,
            answer_to=_short(request.answer_to.topic),
        )

    def ended(self, request: Request, outcome: Outcome) -> None:
        """It was carried out."""
        self._done += outcome.is_done
        self._failed += not outcome.is_done
        if not outcome.is_done:
            self._log.warning(
                "command_failed",
                command=request.name,
                transaction=request.answer_to.transaction,
                code=outcome.facts.get("code"),
                reason=outcome.facts.get("reason"),
            )

    def refused(self, refused: Refused, now_s: float) -> None:
        """It is not carried out."""
        self._refused[refused.code] += 1
        if not self._lines.take(now_s):
            self._unlogged += 1
            return
        more = {"unlogged": self._unlogged} if self._unlogged else {}
        self._unlogged = 0
        self._log.warning(
            "command_refused", command=_short(refused.name), code=refused.code.value, reason=refused.reason, **more
        )


def _plain(value: object) -> object:
    """A value that can be shown: what is nested may be too deep for that, and no command has such an argument."""
    return value if value is None or isinstance(value, str | int | float) else "..."


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."
