"""Retained states: the newest stored event of each channel, and how long it may still be shown. Pure.

A lifetime counts from the measurement. Past it, the topic is told that nothing is known (quality ``stale``), so that no
old value looks fresh. QoS 0 is enough: the stream carries the guarantee, and each connection gets all states again.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from sensor_gateway.model.channel import Source
from sensor_gateway.model.event import ChangeEvent
from sensor_gateway.model.event_json import boot_of, corrected, is_unsynced, uptime_of, value_of
from sensor_gateway.model.reading import Stamp
from sensor_gateway.publishing.messages import NO_VALUE, Topics, stale
from sensor_gateway.publishing.settings import StatePayload

_NULL: Final = b"null"
_HEARTBEATS: Final = 3
_INTERVALS: Final = 10
_LEAST_MS: Final = 60_000


def lifetime_ms(*, heartbeat_ms: int | None, interval_ms: int) -> int:
    """How long a value may be shown: three heartbeats; without one ten intervals, and at least a minute."""
    if heartbeat_ms is not None:
        return _HEARTBEATS * heartbeat_ms
    return max(_INTERVALS * interval_ms, _LEAST_MS)


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedChannel:
    """A channel that has a state topic, and the lifetime of its values."""

    source: Source
    lifetime_ms: int


@dataclass(frozen=True, slots=True)
class StateMessage:
    """What a state topic gets now. ``lifetime_s`` is what is left of it; None keeps the message for good."""

    topic: str
    payload: bytes
    lifetime_s: int | None


class StoredValue(Protocol):
    """What was stored, with the event that it holds."""

    @property
    def body(self) -> bytes:
        """The event's JSON."""
        ...

    @property
    def event(self) -> ChangeEvent | None:
        """News of a channel; None for the other types."""
        ...


@dataclass(slots=True, kw_only=True)
class _Slot:
    channel: PublishedChannel
    topic: str
    measured_ms: int
    body: bytes | None = None
    is_stale: bool = False
    is_due: bool = False

    @property
    def expiry_ms(self) -> int:
        """When the value has outlived itself."""
        return self.measured_ms + self.channel.lifetime_ms

    def is_newer_than(self, measured_ms: int) -> bool:
        """Whether a value measured then comes too late: this one is newer, or as old and has outlived itself."""
        if self.is_stale:
            return measured_ms <= self.measured_ms
        return self.body is not None and measured_ms < self.measured_ms


class RetainedStates:
    """Which state topics are due, and with what. Another ``payload`` counts for what is said from then on."""

    def __init__(
        self,
        channels: Iterable[PublishedChannel],
        *,
        topics: Topics,
        boot: str,
        start_uptime_ms: int,
        payload: StatePayload = "json",
    ) -> None:
        """Know the channels. One of which nothing is heard for its lifetime after the start is stale too."""
        self._topics = topics
        self.payload = payload
        self._boot = boot
        self._slots = {
            (channel.source.sensor, channel.source.channel.name): _Slot(
                channel=channel,
                topic=topics.state(channel.source.sensor, channel.source.channel.name),
                measured_ms=start_uptime_ms,
            )
            for channel in channels
        }
        self._due: list[_Slot] = []
        self._next_expiry_ms = 0

    @property
    def has_due(self) -> bool:
        """Whether anything waits to be published."""
        return bool(self._due)

    def offer(self, stored: Sequence[StoredValue]) -> None:
        """Take what was stored. An event whose measurement is older than the shown one's never replaces it."""
        for event in stored:
            news = event.event
            if news is None:
                continue
            source = news.source
            slot = self._slots.get((source.sensor, source.channel.name))
            measured_ms = news.stamp.uptime_ms
            if slot is None or slot.is_newer_than(measured_ms):
                continue
            slot.body = event.body
            slot.measured_ms = measured_ms
            slot.is_stale = False
            self._next_expiry_ms = min(self._next_expiry_ms, slot.expiry_ms)
            self._make_due(slot)

    def change(self, channels: Iterable[PublishedChannel], uptime_ms: int) -> None:
        """Know these channels from now on, and no others.

        What is shown of a channel that stays goes on, with its new lifetime. A topic whose channel became another one
        (of another quantity, say) is told at once that nothing is known.
        """
        before, self._slots = self._slots, {}
        strangers = []
        for channel in channels:
            key = (channel.source.sensor, channel.source.channel.name)
            old = before.pop(key, None)
            if old is not None and old.channel.source == channel.source:
                old.channel = channel
                self._slots[key] = old
            else:
                topic = self._topics.state(*key)
                self._slots[key] = slot = _Slot(channel=channel, topic=topic, measured_ms=uptime_ms)
                if old is not None:
                    strangers.append(slot)
        known = set(map(id, self._slots.values()))
        self._due = [slot for slot in self._due if id(slot) in known]
        for slot in strangers:
            self._make_stale(slot)
        self._next_expiry_ms = 0

    def correct(self, offset_ms: int) -> None:
        """The clock of this boot is known: what was stamped before gets its right time, and is due again.

        A bare number has no time, and stays as it is.
        """
        for slot in () if self.payload == "value" else self._slots.values():
            body = slot.body
            if body is not None and is_unsynced(body) and boot_of(body) == self._boot:
                slot.body = corrected(body, uptime_of(body) + offset_ms)
                self._make_due(slot)

    def renew(self) -> None:
        """A new connection: everything known is due."""
        for slot in self._slots.values():
            if slot.body is not None or slot.is_stale:
                self._make_due(slot)

    def expire(self, uptime_ms: int) -> None:
        """Make stale what has outlived itself."""
        if uptime_ms < self._next_expiry_ms:
            return
        next_expiry_ms = uptime_ms + _LEAST_MS
        for slot in self._slots.values():
            if slot.is_stale:
                continue
            if slot.expiry_ms <= uptime_ms:
                self._make_stale(slot)
            else:
                next_expiry_ms = min(next_expiry_ms, slot.expiry_ms)
        self._next_expiry_ms = next_expiry_ms

    def expiry_in_s(self, uptime_ms: int) -> float:
        """Seconds until ``expire`` has something to look at."""
        return max(self._next_expiry_ms - uptime_ms, 0) / 1000

    def retract(self) -> None:
        """A clean stop: nobody will look after these values any more."""
        for slot in self._slots.values():
            self._make_stale(slot)

    def take(self, now: Stamp) -> list[StateMessage]:
        """All that is due, the newest of each topic; it then counts as published."""
        self.expire(now.uptime_ms)
        messages = [self._message(slot, now) for slot in self._due]
        self._due = []
        return messages

    def _make_due(self, slot: _Slot) -> None:
        if not slot.is_due:
            slot.is_due = True
            self._due.append(slot)

    def _make_stale(self, slot: _Slot) -> None:
        slot.is_stale = True
        slot.body = None
        self._make_due(slot)

    def _message(self, slot: _Slot, now: Stamp) -> StateMessage:
        slot.is_due = False
        is_bare = self.payload == "value"
        if slot.body is None:
            taken_back = NO_VALUE if is_bare else stale(slot.channel.source, self._topics.gateway, self._boot, now)
            return StateMessage(slot.topic, taken_back, None)
        # Rounded up: all fresh events of a channel then share one lifetime, and one set of prepared properties.
        left_ms = slot.expiry_ms - now.uptime_ms
        payload = slot.body
        if is_bare and (payload := value_of(payload)) == _NULL:
            payload = NO_VALUE
        return StateMessage(slot.topic, payload, -(-left_ms // 1000))
