"""Whether a request is carried out. Pure but for its memory: time arrives as an argument.

It remembers transactions, so that one that is delivered twice runs once, and how many ran lately. Refusals are
answered where somebody may wait for that, and no more often than commands run: nobody can make us talk without end.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from math import ceil
from typing import Final

from sensor_gateway.model.commands.refusal_code import RefusalCode
from sensor_gateway.model.reading import ClockState, Stamp
from sensor_gateway.publishing.incoming import Incoming
from sensor_gateway.publishing.messages import Topics
from sensor_gateway.service.commands.request import (
    Order,
    Request,
    RequestRefused,
    ReturnAddress,
    check_response_topic,
    read_order,
)

ANSWER_WITHIN_S: Final = 70.0
"""Nobody is taken to wait longer: the longest poll takes a minute."""

REMEMBERED_S: Final = 600.0
"""How long a transaction is remembered; as many are kept as may be carried out in that time."""

_NAME: Final = re.compile(r"[a-z0-9_-]{1,32}")
_UNANSWERED: Final = {RefusalCode.RETAINED, RefusalCode.EXPIRED, RefusalCode.DUPLICATE}


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandLimits:
    """What is allowed. ``prefix`` and ``gateway`` are the first levels of our topics."""

    prefix: str
    gateway: str
    allowed: tuple[str, ...]
    per_minute: int
    max_size: int

    @property
    def topics(self) -> Topics:
        """The tree of the gateway."""
        return Topics(prefix=self.prefix, gateway=self.gateway)


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """Why a request is not carried out, and where to say so; None where nobody is told."""

    name: str
    code: RefusalCode
    reason: str
    answer_to: ReturnAddress | None


class Bucket:
    """Tokens that come back over time: ``per_minute`` of them, and at most a sixth of that at once."""

    def __init__(self, per_minute: float) -> None:
        """Full."""
        self._most = max(1.0, per_minute / 6)
        self._per_s = per_minute / 60
        self._tokens = self._most
        self._at_s: float | None = None

    def take(self, now_s: float) -> bool:
        """Whether there is one; it is gone then."""
        if self._at_s is not None:
            self._tokens = min(self._most, self._tokens + max(0.0, now_s - self._at_s) * self._per_s)
        self._at_s = now_s
        if self._tokens < 1.0 - 1e-9:
            return False
        self._tokens -= 1.0
        return True

    def most_within(self, span_s: float) -> int:
        """How many can be had in any span of this length at most."""
        return ceil(self._most + self._per_s * span_s)


class Judge:
    """Judges the requests of one gateway, in the order in which they come."""

    def __init__(self, limits: CommandLimits) -> None:
        """Nothing has been asked yet."""
        self._limits = limits
        self._running = Bucket(limits.per_minute)
        self._telling = Bucket(limits.per_minute)
        self._most_remembered = self._running.most_within(REMEMBERED_S)
        self._seen: dict[tuple[str, str], float] = {}

    def judge(self, incoming: Incoming, now_s: float, now: Stamp) -> Request | Refused:
        """The verdict on one message of a command topic. Whatever it holds, nothing is raised."""
        name = incoming.topic.rpartition("/")[2]
        address = self._address(incoming, name, now_s)
        try:
            order = self._order(incoming, name, address)
            address = self._with_transaction(address, order, now_s, now)
            self._admit(name, order, now_s)
        except RequestRefused as error:
            return Refused(
                name=name,
                code=error.code,
                reason=str(error),
                answer_to=address if self._is_told(name, error.code, now_s) else None,
            )
        return Request(name=name, arguments=order.arguments, answer_to=address)

    def _order(self, incoming: Incoming, name: str, address: ReturnAddress) -> Order:
        limits = self._limits
        if incoming.is_retained:
            raise RequestRefused(RefusalCode.RETAINED, "a retained command is never carried out; publish it without -r")
        if len(incoming.payload) > limits.max_size:
            reason = f"the request has {len(incoming.payload)} bytes; at most {limits.max_size} are read"
            raise RequestRefused(RefusalCode.TOO_LARGE, reason)
        if name not in limits.allowed:
            reason = f"this gateway does not carry it out; `commands.allow` has {', '.join(limits.allowed)}"
            raise RequestRefused(RefusalCode.NOT_ALLOWED, reason)
        if incoming.response_topic is not None and address.topic != incoming.response_topic:
            check_response_topic(incoming.response_topic, prefix=limits.prefix, gateway=limits.gateway)
        if incoming.expiry_s == 0:
            raise RequestRefused(RefusalCode.EXPIRED, "its message expiry is over")
        return read_order(incoming.payload)

    def _with_transaction(self, address: ReturnAddress, order: Order, now_s: float, now: Stamp) -> ReturnAddress:
        until_s = address.until_s
        if order.expires_ms is not None:
            if now.clock is ClockState.UNSYNCED:
                reason = "this gateway does not know the time yet, and cannot judge `expires`; use MQTT 5's expiry"
                raise RequestRefused(RefusalCode.CLOCK, reason)
            left_s = (order.expires_ms - now.wall_ms) / 1000
            if left_s <= 0:
                raise RequestRefused(RefusalCode.EXPIRED, "`expires` is over; do the clocks differ?")
            until_s = min(until_s, now_s + left_s)
        return ReturnAddress(
            topic=address.topic,
            correlation=address.correlation,
            transaction=order.transaction,
            until_s=until_s,
        )

    def _admit(self, name: str, order: Order, now_s: float) -> None:
        """The last questions, which change what is remembered: is it new, and is there room."""
        key = None if order.transaction is None else (name, order.transaction)
        if key is not None and self._seen.get(key, now_s) > now_s:
            raise RequestRefused(RefusalCode.DUPLICATE, "this transaction was carried out already")
        if not self._running.take(now_s):
            reason = f"more than {self._limits.per_minute} commands in a minute; try again later"
            raise RequestRefused(RefusalCode.TOO_FREQUENT, reason)
        if key is not None:
            self._seen.pop(key, None)
            self._seen[key] = now_s + REMEMBERED_S
            while len(self._seen) > self._most_remembered:
                del self._seen[next(iter(self._seen))]

    def _address(self, incoming: Incoming, name: str, now_s: float) -> ReturnAddress:
        """Where to answer: as the request wants it, and on our own topic where it says nothing, or what cannot be."""
        limits = self._limits
        topic, correlation = limits.topics.response(name), None
        if incoming.response_topic is not None:
            try:
                check_response_topic(incoming.response_topic, prefix=limits.prefix, gateway=limits.gateway)
            except RequestRefused:
                pass  # said when its turn comes
            else:
                topic, correlation = incoming.response_topic, incoming.correlation
        within_s = ANSWER_WITHIN_S if incoming.expiry_s is None else min(ANSWER_WITHIN_S, incoming.expiry_s)
        return ReturnAddress(topic=topic, correlation=correlation, transaction=None, until_s=now_s + within_s)

    def _is_told(self, name: str, code: RefusalCode, now_s: float) -> bool:
        return code not in _UNANSWERED and _NAME.fullmatch(name) is not None and self._telling.take(now_s)


def command_topics(limits: CommandLimits) -> Collection[str]:
    """What to subscribe to: every command, the refused ones too, so that somebody learns that they are."""
    return (limits.topics.command("+"),)
