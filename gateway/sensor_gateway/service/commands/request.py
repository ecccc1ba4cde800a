"""One request as it came in, read or refused. Pure: nothing in it is trusted, and no payload raises."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NoReturn

from sensor_gateway.model.commands.refusal_code import RefusalCode
from sensor_gateway.publishing.messages import Topics

_LONGEST_TRANSACTION: Final = 64
_LONGEST_RESPONSE_TOPIC: Final = 256
_TIME: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)")


class RequestRefused(Exception):
    """The request is refused: a code for programs, and a sentence for people."""

    def __init__(self, code: RefusalCode, reason: str) -> None:
        """``reason`` says what to do."""
        super().__init__(reason)
        self.code = code


@dataclass(frozen=True, slots=True, kw_only=True)
class ReturnAddress:
    """Where an answer goes, by what it will be known, and how long anybody waits for it (monotonic time)."""

    topic: str
    correlation: bytes | None
    transaction: str | None
    until_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A command to carry out."""

    name: str
    arguments: Mapping[str, object]
    answer_to: ReturnAddress


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What a payload says. ``expires_ms``: after this wall time it is not wanted any more."""

    transaction: str | None
    expires_ms: int | None
    arguments: Mapping[str, object]


def read_order(payload: bytes) -> Order:
    """The JSON object in ``payload``; RequestRefused for anything else."""
    try:
        table = json.loads(payload.decode(), object_pairs_hook=_once, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        reason = f"the payload is no JSON object: {_short(str(error))}"
        raise RequestRefused(RefusalCode.MALFORMED, reason) from None
    if not isinstance(table, dict):
        raise RequestRefused(RefusalCode.MALFORMED, 'the payload is no JSON object; expected {"key": value, ...}')
    transaction, expires = table.pop("transaction", None), table.pop("expires", None)
    return Order(transaction=_transaction(transaction), expires_ms=_expires_ms(expires), arguments=table)


def check_response_topic(topic: str, *, prefix: str, gateway: str) -> None:
    """RequestRefused where an answer must not go: it would command a gateway, or pass for what one publishes."""
    own = Topics(prefix=prefix, gateway=gateway).response("")
    if (
        any(mark in topic for mark in "+#\0")
        or not topic.isprintable()
        or not 0 < len(topic) <= _LONGEST_RESPONSE_TOPIC
    ):
        reason = f"expected a topic of at most {_LONGEST_RESPONSE_TOPIC} characters without + and #"
    elif topic.startswith("$"):
        reason = "topics that begin with $ belong to the broker"
    elif (topic == prefix or topic.startswith(f"{prefix}/")) and not topic.startswith(own):
        reason = f"topics below {prefix} are the gateways' own; expected one elsewhere, or below {own[:-1]}"
    else:
        return
    raise RequestRefused(RefusalCode.RESPONSE_TOPIC, f"no answer can go to this response topic: {reason}")


def _transaction(value: object) -> str | None:
    if value is None:
        return None
    if isinstance(value, str) and 0 < len(value) <= _LONGEST_TRANSACTION and value.isprintable():
        return value
    reason = f"expected a `transaction` of 1 to {_LONGEST_TRANSACTION} printable characters, in quotes"
    raise RequestRefused(RefusalCode.MALFORMED, reason)


def _expires_ms(value: object) -> int | None:
    if value is None:
        return None
    if isinstance(value, str) and _TIME.fullmatch(value):
        try:
            return round(datetime.fromisoformat(value).timestamp() * 1000)
        except (ValueError, OverflowError):
            pass  # a 31st of February
    reason = "expected `expires` as a time like 2026-11-23T16:00:00Z (RFC 3339)"
    raise RequestRefused(RefusalCode.MALFORMED, reason)


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    table = dict(pairs)
    if len(table) < len(pairs):
        raise ValueError("a key stands in it twice")
    return table


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number of JSON")


def _short(text: str) -> str:
    return text if len(text) <= 100 else f"{text[:100]}..."
