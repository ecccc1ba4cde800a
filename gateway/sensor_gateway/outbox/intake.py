"""Where events come in: each gets its seq and its JSON, once, and goes into the tiers as part of a record."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sensor_gateway.model.clock import Clock
from sensor_gateway.model.event import ChangeEvent, EpochStart
from sensor_gateway.model.event_json import EventEncoder, relabelled
from sensor_gateway.model.position import Epoch, Position, Seq
from sensor_gateway.model.reading import ClockState
from sensor_gateway.outbox.clocks.boot_clock import BootClock
from sensor_gateway.outbox.files.moment import Moment
from sensor_gateway.outbox.files.record import Record, framed_size
from sensor_gateway.outbox.held import Held
from sensor_gateway.outbox.opening import Opened
from sensor_gateway.outbox.stored import Stored

_NOW_GOOD_FOR_S: Final = 0.05
_SEGMENT_PER_EVENT: Final = 4096


class Intake:
    """Gives out the seqs of one epoch. ``next_seq`` is the one that comes next."""

    def __init__(self, opened: Opened, encoder: EventEncoder, clock: Clock, held: Held, boot_clock: BootClock) -> None:
        """Nothing is stored before ``begin``; what is held is first."""
        self._opened, self._tiers = opened, opened.tiers
        self._encoder = encoder
        self._clock = clock
        self._counters = opened.counters
        self.held = held
        self._boot_clock = boot_clock
        self._segment_size = opened.settings.segment_size
        self._chunk = max(1, self._segment_size // _SEGMENT_PER_EVENT)
        self.epoch = opened.recovered.epoch
        self._epoch_text = str(self.epoch)
        self._just: list[Stored] = []
        self.next_seq = opened.recovered.next_seq
        self.look_at_clock(clock.monotonic())

    def begin(self) -> None:
        """Go on where the last start ended, or begin the new epoch with its first event; take strays in."""
        recovered = self._opened.recovered
        if recovered.is_new_epoch:
            self._begin_epoch(recovered.previous, recovered.previous_last_seq)
        self.take_in(recovered.strays)

    def append(self, events: Sequence[ChangeEvent]) -> list[Stored]:
        """Store events, those held back first; nothing is returned for those that find no room."""
        waiting = events if self.held.is_empty else [*self.held.take(), *events]
        if not waiting:
            return []
        if len(waiting) <= self._chunk:
            return self._append(waiting)
        # Behind a part that finds no room nothing is stored, however short: order is kept.
        parts = [waiting[at : at + self._chunk] for at in range(0, len(waiting), self._chunk)]
        return [stored for part in parts for stored in self._append(part)]

    def just_behind(self, epoch: Epoch, seq: int, max_events: int, max_bytes: int) -> list[Stored]:
        """What was appended last, if it is all that follows this position, and fits: nothing is built twice then."""
        just = self._just
        if not just or epoch is not self.epoch or just[0].position.seq != seq + 1 or len(just) > max_events:
            return []
        return just if sum(len(stored.body) for stored in just) <= max_bytes else []

    def forget_just(self) -> None:
        """A turn or an acknowledgement may take events away: what was appended last has to be read."""
        self._just = []

    def take_in(self, strays: Sequence[bytes]) -> None:
        """Events of another journal, whose positions do not fit in here: they are stored anew."""
        for stray in strays:
            body = relabelled(stray, self._epoch_text, self.next_seq)
            if body is None or len(body) * 2 >= self._segment_size:
                continue
            if not self._store((body,), framed_size((body,))):
                self._leave_epoch(self.epoch, self.next_seq - 1)
                self.take_in([stray])

    def look_at_clock(self, now_s: float) -> Moment:
        """Now; append takes it as good for a moment, because a stamp costs a third of what it does with one event."""
        self._now_at_s = now_s
        self._now = self._boot_clock.look(self._clock.stamp())
        return self._now

    def tell_clock(self) -> list[Stored]:
        """Store the event that tells of this boot's clock; nothing where there is no room for it now."""
        stamp, epoch, seq = self._clock.stamp(), self.epoch, self.next_seq
        body = self._encoder.clock(self._boot_clock.offset_ms, stamp, self._epoch_text, seq)
        size = framed_size((body,))
        if self.held.has_some or not self._tiers.has_room(size):
            return []
        if not self._store((body,), size):
            self._leave_epoch(self.epoch, self.next_seq - 1)
            return self.tell_clock()
        self._just = []
        self._boot_clock.told(stamp)
        return [Stored(position=Position(epoch=epoch, seq=Seq(seq)), body=body)]

    def _append(self, events: Sequence[ChangeEvent]) -> list[Stored]:
        bodies = _written(events, self._encoder, self._epoch_text, self.next_seq)
        if any(event.stamp.clock is ClockState.UNSYNCED for event in events):
            bodies = tuple(map(self._boot_clock.improved, bodies))
        size = framed_size(bodies)
        if size * 2 > self._segment_size:
            return self._append_singly(events)
        if self.held.has_some or not self._tiers.has_room(size):
            self._counters.refused += self.held.refuse(events)
            return []
        epoch, seq = self.epoch, self.next_seq
        is_whole = self.held.lost is None
        if not self._store(bodies, size):
            self._leave_epoch(self.epoch, self.next_seq - 1)
            return self._append(events)
        if len(bodies) == 1:
            stored = [Stored(position=Position(epoch=epoch, seq=Seq(seq)), body=bodies[0], event=events[0])]
        else:
            stored = [
                Stored(position=Position(epoch=epoch, seq=Seq(number)), body=body, event=event)
                for number, (body, event) in enumerate(zip(bodies, events, strict=True), seq)
            ]
        self._just = stored if is_whole else []
        return stored

    def _append_singly(self, events: Sequence[ChangeEvent]) -> list[Stored]:
        """Too long for one record together. An event that is too long alone is lost, counted and announced."""
        if len(events) == 1:
            self.held.lose(events[0])
            self._counters.refused += 1
            return []
        return [stored for event in events for stored in self._append([event])]

    def _begin_epoch(self, previous: Epoch | None, last_seq: int | None) -> None:
        start = EpochStart(previous=previous, previous_last_seq=last_seq, stamp=self._clock.stamp())
        body = self._encoder.epoch_start(start, self._epoch_text, 1)
        if not self._store((body,), framed_size((body,))):
            self._leave_epoch(previous, last_seq)

    def _leave_epoch(self, previous: Epoch | None, last_seq: int | None) -> None:
        """A restart could go on in this epoch from too low a seq: nothing more may be given out in it.

        The next one names the last that holds anything, which this one may not do, if it is on flash itself.
        """
        is_on_flash = self._opened.begin_epoch()
        self.epoch, self.next_seq = self._opened.recovered.epoch, 1
        self._epoch_text = str(self.epoch)
        self._begin_epoch(previous if is_on_flash else None, last_seq if is_on_flash else None)

    def _store(self, bodies: tuple[bytes, ...], size: int) -> bool:
        """Give out the next seqs; False where this epoch has to be left first."""
        now_s = self._clock.monotonic()
        is_fresh = now_s - self._now_at_s <= _NOW_GOOD_FOR_S
        record = Record(
            epoch=self.epoch,
            first_seq=self.next_seq,
            bodies=bodies,
            size=size,
            began=self._now if is_fresh else self.look_at_clock(now_s),
            refused=self.held.lost,
        )
        if not self._tiers.add(record):
            return False
        self.next_seq += len(bodies)
        self._counters.appended += len(bodies)
        if not self.held.is_empty:
            self.held.told()
        return True


def _written(events: Sequence[ChangeEvent], encoder: EventEncoder, epoch: str, seq: int) -> tuple[bytes, ...]:
    if len(events) == 1:
        return (encoder.value(events[0], epoch, seq),)
    return tuple([encoder.value(event, epoch, number) for number, event in enumerate(events, seq)])
