"""Where events come in: each gets its seq and its JSON, once, and goes into the tiers as part of a record."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sensor_gateway.model.clock import Clock
from sensor_gateway.model.event import ChangeEvent, EpochStart
from sensor_gateway.model.event_json import EventEncoder, relabelled
from sensor_gateway.model.position import Epoch, Position, Seq
from sensor_gateway.model.reading import ClockState
from sensor_gateway.outbox.counters import OutboxCounters
from sensor_gateway.outbox.files.moment import Moment
from sensor_gateway.outbox.files.record import Record, framed_size
from sensor_gateway.outbox.held import Held
from sensor_gateway.outbox.recovery import Recovered
from sensor_gateway.outbox.stored import Stored
from sensor_gateway.outbox.tiers.tiers import Tiers

_NOW_GOOD_FOR_S: Final = 0.05
_SEGMENT_PER_EVENT: Final = 4096


class Intake:
    """Gives out the seqs of one epoch. ``next_seq`` is the one that comes next."""

    def __init__(
        self, tiers: Tiers, encoder: EventEncoder, clock: Clock, counters: OutboxCounters, *, segment_size: int
    ) -> None:
        """Nothing is stored before ``begin``."""
        self._tiers = tiers
        self._encoder = encoder
        self._clock = clock
        self._counters = counters
        self._held = Held()
        self._boot = int(encoder.boot, 16)
        self._segment_size = segment_size
        self._chunk = max(1, segment_size // _SEGMENT_PER_EVENT)
        self._epoch = Epoch(ordinal=0, random=0)
        self._epoch_text = ""
        self._just: list[Stored] = []
        self.next_seq = 1
        self.look_at_clock(clock.monotonic())

    def begin(self, recovered: Recovered) -> None:
        """Go on where the last start ended, or begin the new epoch with its first event; take strays in."""
        self._epoch, self._epoch_text = recovered.epoch, str(recovered.epoch)
        self.next_seq = recovered.next_seq
        if recovered.is_new_epoch:
            start = EpochStart(
                previous=recovered.previous,
                previous_last_seq=recovered.previous_last_seq,
                stamp=self._clock.stamp(),
            )
            body = self._encoder.epoch_start(start, self._epoch_text, 1)
            self._store((body,), framed_size((body,)))
        self.take_in(recovered.strays)

    def append(self, events: Sequence[ChangeEvent]) -> list[Stored]:
        """Store events, those held back first; nothing is returned for those that find no room."""
        waiting = events if self._held.is_empty else [*self._held.events, *events]
        if not waiting:
            return []
        if len(waiting) <= self._chunk:
            return self._append(waiting)
        stored: list[Stored] = []
        for start in range(0, len(waiting), self._chunk):
            stored += self._append(waiting[start : start + self._chunk])
        return stored

    def just_behind(self, epoch: Epoch, seq: int, max_events: int, max_bytes: int) -> list[Stored]:
        """What was appended last, if it is all that follows this position, and fits: nothing is built twice then."""
        just = self._just
        if not just or epoch is not self._epoch or just[0].position.seq != seq + 1 or len(just) > max_events:
            return []
        return just if sum(len(stored.body) for stored in just) <= max_bytes else []

    def forget_just(self) -> None:
        """A turn or an acknowledgement may take events away: what was appended last has to be read."""
        self._just = []

    def take_in(self, strays: Sequence[bytes]) -> None:
        """Events of another journal, whose positions do not fit in here: they are stored anew."""
        for stray in strays:
            body = relabelled(stray, self._epoch_text, self.next_seq)
            if body is not None and len(body) * 2 < self._segment_size:
                self._store((body,), framed_size((body,)))

    def look_at_clock(self, now_s: float) -> Moment:
        """Now; append takes it as good for a moment, because a stamp costs a third of what it does with one event."""
        stamp = self._clock.stamp()
        self._now_at_s = now_s
        self._now = Moment(
            boot=self._boot,
            uptime_ms=stamp.uptime_ms,
            wall_ms=stamp.wall_ms,
            is_unsynced=stamp.clock is ClockState.UNSYNCED,
        )
        return self._now

    def _append(self, events: Sequence[ChangeEvent]) -> list[Stored]:
        encode, text, seq = self._encoder.value, self._epoch_text, self.next_seq
        if len(events) == 1:
            bodies: tuple[bytes, ...] = (encode(events[0], text, seq),)
        else:
            bodies = tuple([encode(event, text, number) for number, event in enumerate(events, seq)])
        size = framed_size(bodies)
        if size * 2 > self._segment_size:
            return self._append_singly(events)
        if not self._tiers.has_room(size):
            self._counters.refused += self._held.refuse(events)
            return []
        is_whole = self._held.lost is None
        self._store(bodies, size)
        epoch = self._epoch
        stored = [
            Stored(position=Position(epoch=epoch, seq=Seq(number)), body=body, event=event)
            for number, (body, event) in enumerate(zip(bodies, events, strict=True), seq)
        ]
        self._just = stored if is_whole else []
        return stored

    def _append_singly(self, events: Sequence[ChangeEvent]) -> list[Stored]:
        """Too long for one record together. An event that is too long alone is lost, counted and announced."""
        if len(events) == 1:
            self._held.lose(events[0])
            self._counters.refused += 1
            return []
        return [stored for event in events for stored in self._append([event])]

    def _store(self, bodies: tuple[bytes, ...], size: int) -> None:
        now_s = self._clock.monotonic()
        is_fresh = now_s - self._now_at_s <= _NOW_GOOD_FOR_S
        record = Record(
            epoch=self._epoch,
            first_seq=self.next_seq,
            bodies=bodies,
            size=size,
            began=self._now if is_fresh else self.look_at_clock(now_s),
            refused=self._held.lost,
        )
        self._tiers.add(record)
        self.next_seq += len(bodies)
        self._counters.appended += len(bodies)
        if not self._held.is_empty:
            self._held.clear()
