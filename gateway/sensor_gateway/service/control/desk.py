"""What may be asked over the control socket, and the answers: a line of JSON for a line of JSON.

Nothing is done here: the publisher examines the gateway, the main thread reloads, and both are only rung for.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from sensor_gateway.model.log import Log
from sensor_gateway.model.vitals.gateway_health import Health
from sensor_gateway.model.vitals.health_json import encoded
from sensor_gateway.service.health.examined import Examined
from sensor_gateway.service.reload_requests.answer import ReloadAnswer
from sensor_gateway.service.reload_requests.requests import ReloadRequests
from sensor_gateway.service.visitors.visitor import Pending, Said

STATUS_WITHIN_S: Final = 2.0
"""Later, the last health that is known is given: the publisher does not answer."""

RELOAD_WITHIN_S: Final = 30.0

_SHOWN: Final = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlBells:
    """Whom the desk rings for: the publisher, the main thread, and who waits for their answers."""

    publisher: Callable[[], None]
    main: Callable[[], None]
    own: Callable[[], None]


class ControlDesk:
    """Takes a request, and gives its answer. For the control socket's thread, but for ``reloads.serve``."""

    def __init__(self, examined: Examined, *, bells: ControlBells, log: Log) -> None:
        """Ask ``examined``, and ring ``bells``."""
        self.reloads = ReloadRequests()
        self._examined = examined
        self._bells = bells
        self._log = log

    def begin(self, line: bytes, asker: str, now_s: float) -> Pending:
        """A request came in, without its end of line. ``asker`` is who it is from, for the log."""
        try:
            found = json.loads(line)
        except (ValueError, RecursionError):
            return Said(_refusal("bad_request", 'expected one line of JSON, like {"request":"status"}'))
        name = found.get("request") if isinstance(found, dict) else None
        if name == "status":
            return self._status(now_s)
        if name == "reload":
            return self._reload(asker, now_s)
        shown = "none" if name is None else repr(name)[:_SHOWN]
        return Said(_refusal("unknown_request", f"there are the requests status and reload, and this names {shown}"))

    def _status(self, now_s: float) -> Pending:
        before = self._examined.newest
        self._examined.ask(self._bells.own)
        self._bells.publisher()
        return _Status(examined=self._examined, before=before, until_s=now_s + STATUS_WITHIN_S)

    def _reload(self, asker: str, now_s: float) -> Pending:
        self._log.info("reload_asked_for", by=asker)
        number = self.reloads.ask()
        self._bells.main()
        return _Reload(requests=self.reloads, number=number, until_s=now_s + RELOAD_WITHIN_S)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Status:
    examined: Examined
    before: Health | None
    until_s: float

    def answer(self, now_s: float) -> bytes | None:
        health = self.examined.newest
        is_fresh = health is not None and health is not self.before
        if not is_fresh and now_s < self.until_s:
            return None
        if health is None:
            return _refusal("no_answer", "the gateway is starting, and its publisher has not taken a turn yet")
        head = json.dumps({"answer": "status", "is_fresh": is_fresh})
        return head[:-1].encode() + b', "health": ' + encoded(health) + b"}\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reload:
    requests: ReloadRequests
    number: int
    until_s: float

    def answer(self, now_s: float) -> bytes | None:
        told = self.requests.answer(self.number)
        if told is not None:
            return _line(_reload_facts(told))
        if now_s < self.until_s:
            return None
        reason = f"the reload has not ended within {RELOAD_WITHIN_S:g} s; the log will tell"
        return _refusal("no_answer", reason)


def _reload_facts(told: ReloadAnswer) -> Mapping[str, object]:
    return {
        "answer": "reload",
        "outcome": told.outcome.value,
        "changes": told.changes,
        "problems": told.problems,
        "notes": told.notes,
    }


def _refusal(code: str, reason: str) -> bytes:
    return _line({"answer": "refused", "code": code, "reason": reason})


def _line(facts: Mapping[str, object]) -> bytes:
    return json.dumps(facts, ensure_ascii=False).encode("utf-8", "backslashreplace") + b"\n"
