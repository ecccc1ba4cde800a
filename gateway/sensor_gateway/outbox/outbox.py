"""Store and forward. One owner, one thread: nothing in here waits for the medium except ``open`` and ``close``.

An event is in memory and in the hot journal until it is acknowledged, or until its copy on flash is safe.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from sensor_gateway.model.clock import Clock
from sensor_gateway.model.event import ChangeEvent, Gap
from sensor_gateway.model.event_json import EventEncoder, time_of
from sensor_gateway.model.log import Log
from sensor_gateway.model.position import Epoch, Position
from sensor_gateway.outbox.alarm import RETRY_S
from sensor_gateway.outbox.clocks.boot_clock import BootClock
from sensor_gateway.outbox.counters import OutboxCounters
from sensor_gateway.outbox.files.hot import HotHeader
from sensor_gateway.outbox.held import Held
from sensor_gateway.outbox.identity import Machine
from sensor_gateway.outbox.intake import Intake
from sensor_gateway.outbox.opening import Hands, Opened, Setting
from sensor_gateway.outbox.recovery import Places
from sensor_gateway.outbox.settings import OutboxSettings
from sensor_gateway.outbox.stored import Stored
from sensor_gateway.outbox.tiers.outlook import Outlook

_OLDEST: Final = 3
"""So far is looked for an event, behind gaps."""

_OPEN_WITHIN_S: Final = 10.0
LONGEST_CLOSE_S: Final = 60.0


class Outbox:
    """The durable queue of one gateway. Made by ``open``."""

    def __init__(self, setting: Setting) -> None:
        """Recover, and go on in the same epoch or begin a new one. Rather use ``open``."""
        self._setting = setting
        self._clock = setting.clock
        self._left: set[Epoch] = set()
        self._boot_clock = BootClock(setting.machine.boot, setting.log)
        self._load_at_s = self._clock.monotonic() + RETRY_S
        self._begin(Opened(setting), Held())

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
        return self._intake.epoch

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

        Events that were held back for want of room come first. Nothing is returned when there is no room now. Once
        the clock of this boot is known after it was not, an event that tells so comes before all.
        """
        if not events:
            self._intake.look_at_clock(self._clock.monotonic())
        told = self._intake.tell_clock() if self._boot_clock.is_due else []
        return [*told, *self._intake.append(events)] if told else self._intake.append(events)

    def read(self, after: Position | None, *, max_events: int, max_bytes: int) -> list[Stored | Gap]:
        """The next events and gaps after a position (None: after the cursor), in order, acknowledged ones left out.

        At least one is given if there is any. Go on from the last one's seq (of a gap its ``to_seq``). A gap is
        acknowledged by its range; one of events without a seq is always followed by the event it stands before,
        belongs into one message with it, and is acknowledged with it.
        """
        if after is None or after.epoch in self._left:
            epoch, seq = self._marks.epoch, self._marks.seq
        else:
            epoch, seq = after.epoch, after.seq
            just = self._intake.just_behind(epoch, seq, max_events, max_bytes)
            if just:
                return [*just]
        reader = self._opened.reader
        items = reader.read(epoch, seq, max_events=max_events, max_bytes=max_bytes)
        if reader.failure is None:
            self._opened.alarms["outbox_reading"].clear()
        else:
            self._opened.alarms["outbox_reading"].raise_for(error=str(reader.failure))
        improved = self._boot_clock.improved
        for at, item in enumerate(items):
            if isinstance(item, Stored) and (body := improved(item.body)) is not item.body:
                items[at] = Stored(position=item.position, body=body)
        return items

    def acknowledge(self, first: Position, last: Position) -> None:
        """The destination has these, of one epoch. Any order; what it had before, or was dropped, is ignored."""
        self._intake.forget_just()
        epoch = self._intake.epoch
        if last.epoch is epoch or last.epoch == epoch:
            self._tiers.acknowledge(epoch, first.seq, min(last.seq, self._intake.next_seq - 1))
        elif last.epoch not in self._left:
            self._tiers.acknowledge(last.epoch, first.seq, last.seq)

    def tend(self) -> float | None:
        """One turn: spill, flush, free, limits, purge. Gives the seconds until it wants the next; None: when news come.

        Never waits for a sync: its answer is taken in at a later turn. It does only where the directory could not be
        loaded at the start, and now can be: then it goes on as a restart would.
        """
        now_s = self._clock.monotonic()
        self._intake.forget_just()
        if not self._opened.is_loaded and now_s >= self._load_at_s:
            self._load(now_s)
        now = self._intake.look_at_clock(now_s)
        self._opened.lookout.turn(self._header, now_s)
        is_urgent = self._opened.purge is not None and self._opened.purge.turn(now, now_s)
        wait_s = self._tiers.turn(self._header, now, now_s)
        self._intake.take_in(self._tiers.late_strays())
        return 0.0 if is_urgent else wait_s

    def outlook(self) -> Outlook:
        """Since when something waits, and how long there is room. It looks at files: once a minute is often enough."""
        if not self.pending:
            return Outlook(oldest=None, full_in_s=None)
        waiting = self.read(None, max_events=_OLDEST, max_bytes=1)
        times = (time_of(item.body) for item in waiting if isinstance(item, Stored))
        return Outlook(oldest=next(times, "") or None, full_in_s=self._opened.full_in_s)

    def close(self, *, to_flash: bool, within_s: float = LONGEST_CLOSE_S) -> None:
        """Stop. ``to_flash``: the machine goes down, so everything is put on flash, and the sync is waited for.

        Otherwise the hot journal keeps what is not acknowledged, and the same epoch goes on at the next start. Where
        there is none, what is written to flash outlives the process too. A medium that does not answer is waited for
        no longer than ``within_s``.
        """
        is_settled = False
        if to_flash or not self._tiers.is_hot:
            self._opened.put_on_flash(within_s / 2)
            is_settled = self._opened.end_epoch(self._intake.next_seq - 1, within_s / 2)
            self._tell_of_the_lost()
        self._tiers.close(self._header, is_settled=is_settled)
        self._opened.release()

    def _tell_of_the_lost(self) -> None:
        """What is left in memory now is nowhere else."""
        lost = len(self._opened.recovered.tail.unacknowledged(self._marks))
        if lost:
            self._setting.log.warning("outbox_events_lost", events=lost, reason="they could not be put on flash")

    def _begin(self, opened: Opened, held: Held) -> None:
        setting = self._setting
        self._opened, self._tiers, self._marks = opened, opened.tiers, opened.recovered.marks
        self._boot_clock.begin(opened.clocks, setting.clock.stamp())
        encoder = EventEncoder(setting.gateway, setting.machine.boot)
        self._intake = Intake(opened, encoder, setting.clock, held, self._boot_clock)
        self._intake.begin()
        self._tiers.begin(self._header(), self._clock.monotonic())
        if self._tiers.is_direct and opened.put_on_flash(_OPEN_WITHIN_S):
            opened.note_taken()

    def _load(self, now_s: float) -> None:
        """Try again. What is only in memory gets new positions behind what is on flash, unless nothing is there."""
        self._load_at_s = now_s + RETRY_S
        before = self._opened
        if not before.can_load():
            return
        is_hot = self._tiers.is_hot
        waiting = [] if is_hot else before.recovered.tail.unacknowledged(self._marks)
        self._tiers.close(self._header, is_settled=False)
        opened = Opened(self._setting, before)
        if not is_hot or not opened.is_bare:
            self._left.add(self._intake.epoch)
        opened.recovered.strays += waiting
        self._begin(opened, self._intake.held)

    def _header(self) -> HotHeader:
        return self._opened.header(self._intake.next_seq)
