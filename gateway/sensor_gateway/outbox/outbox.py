"""Store and forward. One owner, one thread: nothing in here waits for the medium except ``open`` and ``close``.

An event is in memory and in the hot journal until it is acknowledged, or until its copy on flash is safe.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from sensor_gateway.model.clock import Clock
from sensor_gateway.model.event import ChangeEvent, EpochStart, Gap
from sensor_gateway.model.event_json import EventEncoder, relabelled
from sensor_gateway.model.log import Log
from sensor_gateway.model.position import Epoch, Position, Seq
from sensor_gateway.model.reading import ClockState
from sensor_gateway.outbox.counters import OutboxCounters
from sensor_gateway.outbox.files.hot import HotHeader
from sensor_gateway.outbox.files.moment import Moment
from sensor_gateway.outbox.files.record import Record, framed_size
from sensor_gateway.outbox.held import Held
from sensor_gateway.outbox.identity import Machine
from sensor_gateway.outbox.opening import Hands, Opened, Setting
from sensor_gateway.outbox.recovery import Places
from sensor_gateway.outbox.settings import OutboxSettings
from sensor_gateway.outbox.stored import Stored

_OPEN_WITHIN_S: Final = 10.0
_CLOSE_WITHIN_S: Final = 60.0
_NOW_GOOD_FOR_S: Final = 0.05
_SEGMENT_PER_EVENT: Final = 4096


class Outbox:
    """The durable queue of one gateway. Made by ``open``."""

    def __init__(self, setting: Setting) -> None:
        """Recover, and go on in the same epoch or begin a new one. Rather use ``open``."""
        self._opened = Opened(setting)
        self._tiers = self._opened.tiers
        self._clock = setting.clock
        self._epoch = self._opened.recovered.epoch
        self._epoch_text = str(self._epoch)
        self._next_seq = self._opened.recovered.next_seq
        self._marks = self._opened.recovered.marks
        self._boot = int(setting.machine.boot, 16)
        self._encoder = EventEncoder(setting.gateway, setting.machine.boot)
        self._held = Held()
        self._segment_size = self._opened.settings.segment_size
        # What append gave last: a reader that is up to date is given the same again, and nothing is built twice. Only
        # until the next turn or acknowledgement, which may take events away.
        self._just: list[Stored] = []
        self._chunk = max(1, self._segment_size // _SEGMENT_PER_EVENT)
        self._counters = self._opened.counters
        self._look_at_clock(self._clock.monotonic())
        self._begin()

    @classmethod
    def open(  # noqa: PLR0913 (each is a thing of its own, and the service has them all in one place)
        cls,
        *,
        state_directory: Path,
        hot_directory: Path | None,
        gateway: str,
        settings: OutboxSettings,
        clock: Clock,
        machine: Machine,
        log: Log,
        hands: Hands | None = None,
    ) -> Outbox:
        """Recover what is there, and go on. It starts with any files whatsoever, and may wait for the medium.

        AlreadyRunning when another process owns one of the directories. Without a hot directory every event goes
        to flash at once (``durability: always``). ``hands`` says how the disk is reached and who is woken after a
        sync.
        """
        return cls(
            Setting(
                places=Places(state_directory=state_directory, hot_directory=hot_directory),
                gateway=gateway,
                settings=settings,
                clock=clock,
                machine=machine,
                log=log,
                hands=hands or Hands.real(),
            )
        )

    @property
    def epoch(self) -> Epoch:
        """The epoch in which events are stored now."""
        return self._epoch

    @property
    def client_suffix(self) -> str:
        """Random digits kept with the directory, and changed when it moves to other hardware."""
        return self._opened.recovered.identity.client_suffix

    @property
    def counters(self) -> OutboxCounters:
        """What was counted since the process began."""
        return self._opened.counters

    @property
    def alarms(self) -> tuple[str, ...]:
        """What does not work now: ``outbox_flash``, ``outbox_hot``, ``outbox_room``, ``outbox_reading``."""
        return tuple(name for name, alarm in self._opened.alarms.items() if alarm.is_raised)

    @property
    def acknowledged_through(self) -> Position | None:
        """The highest position through which everything is acknowledged; None at the beginning of an epoch."""
        return self._marks.position

    @property
    def pending(self) -> int:
        """How many events are not acknowledged; what damage took counts until the reader has passed it."""
        return self._tiers.pending

    def append(self, events: Sequence[ChangeEvent]) -> list[Stored]:
        """Store events, and give them their seqs. What is returned survives the end of the process.

        Events that were held back for want of room come first. Nothing is returned when there is no room now.
        """
        waiting = events if self._held.is_empty else [*self._held.events, *events]
        if not waiting:
            return []
        if len(waiting) <= self._chunk:
            return self._append(waiting)
        stored: list[Stored] = []
        for start in range(0, len(waiting), self._chunk):
            stored += self._append(waiting[start : start + self._chunk])
        return stored

    def read(self, after: Position | None, *, max_events: int, max_bytes: int) -> list[Stored | Gap]:
        """The next events and gaps after a position (None: after the cursor), in order, acknowledged ones left out.

        At least one is given if there is any. Go on from the last one's seq (of a gap its ``to_seq``). A gap is
        acknowledged by its range; one of events without a seq is always followed by the event it stands before,
        belongs into one message with it, and is acknowledged with it.
        """
        if after is None:
            epoch, seq = self._marks.epoch, self._marks.seq
        else:
            epoch, seq = after.epoch, after.seq
            if self._just and self._is_just_behind(epoch, seq, max_events, max_bytes):
                return [*self._just]
        reader = self._opened.reader
        items = reader.read(epoch, seq, max_events=max_events, max_bytes=max_bytes)
        if reader.failure is None:
            self._opened.alarms["outbox_reading"].clear()
        else:
            self._opened.alarms["outbox_reading"].raise_for(error=str(reader.failure))
        return items

    def acknowledge(self, first: Position, last: Position) -> None:
        """The destination has these, of one epoch. Any order; what it had before, or was dropped, is ignored."""
        self._just = []
        if last.epoch is self._epoch or last.epoch == self._epoch:
            self._tiers.acknowledge(self._epoch, first.seq, min(last.seq, self._next_seq - 1))
        else:
            self._tiers.acknowledge(last.epoch, first.seq, last.seq)

    def tend(self) -> float | None:
        """One turn: spill, flush, free, limits. Gives the seconds until it wants the next; None: when something comes.

        Never waits for a sync: its answer is taken in at a later turn.
        """
        now_s = self._clock.monotonic()
        self._just = []
        wait_s = self._tiers.turn(self._header, self._look_at_clock(now_s), now_s)
        self._take_in(self._tiers.late_strays())
        return wait_s

    def close(self, *, to_flash: bool) -> None:
        """Stop. ``to_flash``: the machine goes down, so everything is put on flash, and the sync is waited for.

        Otherwise the hot journal keeps what is not acknowledged, and the same epoch goes on at the next start.
        """
        goes_on = self._tiers.is_hot and not to_flash
        is_settled = False
        if not goes_on:
            self._tiers.put_on_flash(_CLOSE_WITHIN_S)
            is_settled = self._opened.end_epoch(self._next_seq - 1, _CLOSE_WITHIN_S)
        self._tiers.close(self._header, is_settled=is_settled)
        self._opened.release()

    def _begin(self) -> None:
        recovered = self._opened.recovered
        self._tiers.begin(self._header(), self._clock.monotonic())
        if recovered.is_new_epoch:
            stamp = self._clock.stamp()
            start = EpochStart(previous=recovered.previous, previous_last_seq=recovered.previous_last_seq, stamp=stamp)
            body = self._encoder.epoch_start(start, self._epoch_text, 1)
            self._store((body,), framed_size((body,)))
        self._take_in(recovered.strays)
        if self._tiers.is_direct:
            self._tiers.put_on_flash(_OPEN_WITHIN_S)

    def _take_in(self, strays: Sequence[bytes]) -> None:
        """Events of another directory, whose positions do not fit in here: they are stored anew."""
        for stray in strays:
            body = relabelled(stray, self._epoch_text, self._next_seq)
            if body is not None and len(body) * 2 < self._segment_size:
                self._store((body,), framed_size((body,)))

    def _append(self, events: Sequence[ChangeEvent]) -> list[Stored]:
        encode, text, seq = self._encoder.value, self._epoch_text, self._next_seq
        bodies = tuple([encode(event, text, number) for number, event in enumerate(events, seq)])
        size = framed_size(bodies)
        if size * 2 > self._segment_size:
            return self._append_singly(events)
        if not self._tiers.has_room(size):
            self.counters.refused += self._held.refuse(events)
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

    def _is_just_behind(self, epoch: Epoch, seq: int, max_events: int, max_bytes: int) -> bool:
        """Whether what was appended a moment ago is all that follows this position, and fits."""
        just = self._just
        return (
            epoch is self._epoch
            and just[0].position.seq == seq + 1
            and len(just) <= max_events
            and sum(len(stored.body) for stored in just) <= max_bytes
        )

    def _look_at_clock(self, now_s: float) -> Moment:
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

    def _header(self) -> HotHeader:
        return self._opened.header(self._next_seq)

    def _append_singly(self, events: Sequence[ChangeEvent]) -> list[Stored]:
        """Too long for one record together. An event that is too long alone is lost, counted and announced."""
        if len(events) == 1:
            self._held.lose(events[0])
            self.counters.refused += 1
            return []
        return [stored for event in events for stored in self._append([event])]

    def _store(self, bodies: tuple[bytes, ...], size: int) -> None:
        now_s = self._clock.monotonic()
        is_fresh = now_s - self._now_at_s <= _NOW_GOOD_FOR_S
        record = Record(
            epoch=self._epoch,
            first_seq=self._next_seq,
            bodies=bodies,
            size=size,
            began=self._now if is_fresh else self._look_at_clock(now_s),
            refused=self._held.lost,
        )
        self._tiers.add(record)
        self._next_seq += len(bodies)
        self._counters.appended += len(bodies)
        if not self._held.is_empty:
            self._held.clear()
