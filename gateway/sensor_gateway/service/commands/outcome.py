"""What came of a command, what a command is, and how its answer is written. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from sensor_gateway.publishing.incoming import Reply
from sensor_gateway.service.commands.request import Request, ReturnAddress


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """``facts`` go into the answer; where it is not done, ``code`` and ``reason`` are among them."""

    is_done: bool
    facts: Mapping[str, object]


class Command(Protocol):
    """Something that can be asked for. All of it runs on the publisher's thread, and never waits."""

    def begin(self, request: Request, now_s: float, /) -> Outcome | None:
        """Carry it out; None where the outcome comes later."""
        ...

    def tend(self, now_s: float) -> Sequence[tuple[Request, Outcome]]:
        """What has come to an end by now; called with every turn."""
        ...

    def wait_s(self, now_s: float) -> float:
        """Seconds until ``tend`` is wanted, if nothing happens before."""
        ...


def failed(code: str, reason: str, **facts: object) -> Outcome:
    """It came to nothing: a code for programs, and a sentence that says what to do."""
    return Outcome(is_done=False, facts={"code": code, "reason": reason, **facts})


def answer(name: str, result: str, facts: Mapping[str, object], address: ReturnAddress) -> Reply:
    """The message that answers a request: ``result`` is done, failed or refused."""
    table = {"command": name, "transaction": address.transaction, "result": result, **facts}
    payload = json.dumps(table, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode(errors="replace")
    return Reply(topic=address.topic, payload=payload, until_s=address.until_s, correlation=address.correlation)
