"""A gateway whose broker is away for days, in virtual time: the outbox and the stream as they are, and who judges them.

Nothing here grows with the number of events, so that the memory of the process is that of the gateway.
"""

from __future__ import annotations

import json
import os
from collections import Counter, deque
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from proving.logs import Quiet
from sensor_gateway.model.channel import Channel, Source
from sensor_gateway.model.event import ChangeEvent, Quality, Reason
from sensor_gateway.model.event_json import EventEncoder
from sensor_gateway.model.quantity import TEMPERATURE
from sensor_gateway.outbox.files.disk import Disk
from sensor_gateway.outbox.files.syncer import SyncerInPlace
from sensor_gateway.outbox.identity import Machine
from sensor_gateway.outbox.opening import Hands
from sensor_gateway.outbox.outbox import Outbox
from sensor_gateway.outbox.settings import OutboxSettings
from sensor_gateway.publishing.stream.batch import Batch, Packer
from sensor_gateway.publishing.stream.events import EventStream
from sensor_gateway.publishing.stream.freshness import Freshness
from sensor_gateway.publishing.stream.pace import Pace
from sensor_gateway.simulation.virtual_clock import VirtualClock

HOUR_S = 3600.0
DAY_S = 24 * HOUR_S
DRAIN_RATE = 500.0
_BOOT_ID = "1b4e28ba-2fa1-11d2-883f-0016d3cca427"
_ONLINE_STEP_S = 0.25
_LONGEST_END_S = 60.0
_MOST_UNANSWERED = 8
_MOST_FAULTS = 10
_PAGE = os.sysconf("SC_PAGE_SIZE")


class PromptDisk(Disk):
    """The real disk, whose medium is never waited for: no power is cut here."""

    def sync_data(self, descriptor: int) -> None:
        pass

    def sync(self, descriptor: int) -> None:
        pass


@dataclass
class Subscriber:
    """Takes messages in, and tells what is wrong with them. Event number n has seq n + 1: the epoch event comes first.

    ``lost`` counts what was announced as missing, by cause; ``oldest_ms`` is when the first event was measured.
    """

    next_seq: int = 1
    events: int = 0
    gaps: int = 0
    lost: Counter[str] = field(default_factory=Counter)
    oldest_ms: int | None = None
    faults: list[str] = field(default_factory=list)

    def take(self, payload: bytes) -> None:
        for fact in json.loads(payload):
            if fact["type"] == "gap":
                self._take_gap(fact)
                continue
            seq = fact["seq"]
            if seq != self.next_seq:
                self._say(f"{self.next_seq} was expected, and {seq} came")
            self.next_seq = seq + 1
            self.events += 1
            if fact["type"] == "value":
                if fact["value"] != seq - 1:
                    self._say(f"{seq} has the value {fact['value']}")
                if self.oldest_ms is None:
                    self.oldest_ms = fact["uptime_ms"]

    def _take_gap(self, gap: dict[str, Any]) -> None:
        self.gaps += 1
        self.lost[gap["cause"]] += gap["count"]
        if gap["from_seq"] != self.next_seq or gap["to_seq"] != gap["from_seq"] + gap["count"] - 1:
            self._say(f"{self.next_seq} was expected, and a gap {gap['from_seq']} to {gap['to_seq']} came")
        self.next_seq = gap["to_seq"] + 1

    def _say(self, fault: str) -> None:
        if len(self.faults) < _MOST_FAULTS:
            self.faults.append(fault)


@dataclass
class Growth:
    """How far memory and flash went, looked at now and then. Memory is counted from when it was looked at first."""

    directory: Path
    rss_at_first: int = 0
    most_rss: int = 0
    most_on_flash: int = 0
    most_files: int = 0

    def look(self) -> None:
        files = [path.stat().st_size for path in self.directory.rglob("*") if path.is_file()]
        self.most_files = max(self.most_files, len(files))
        self.most_on_flash = max(self.most_on_flash, sum(files))
        rss = int(Path("/proc/self/statm").read_text("ascii").split()[1]) * _PAGE
        self.rss_at_first = self.rss_at_first or rss
        self.most_rss = max(self.most_rss, rss)

    @property
    def of_memory(self) -> int:
        return self.most_rss - self.rss_at_first


class Site:
    """One gateway that says ``rate`` events a second, all the time: offline those of ``step_s`` in one turn."""

    def __init__(
        self, folder: Path, *, rate: float, step_s: float = 60.0, disk: Disk | None = None, **settings: Any
    ) -> None:
        self._rate = rate
        self._step_s = step_s
        self.clock = VirtualClock(boot_s=1000.0)
        disk = disk or PromptDisk()
        self.settings = OutboxSettings(**{"keep_free": 0, **settings})
        self.box = Outbox.open(
            state_directory=folder / "state",
            hot_directory=folder / "hot",
            gateway="greenhouse",
            settings=self.settings,
            clock=self.clock,
            machine=Machine(boot_id=_BOOT_ID, hardware_id="test"),
            log=Quiet(),
            hands=Hands(disk=disk, syncer=SyncerInPlace(disk), is_woken=False),
        )
        encoder = EventEncoder("greenhouse", _BOOT_ID[:8])
        self._freshness = Freshness(boot=_BOOT_ID[:8], late_after_ms=5000)
        self._stream = EventStream(
            self.box,
            Packer(freshness=self._freshness, gap_json=encoder.gap),
            Pace(drain_rate=DRAIN_RATE, now_s=self.clock.monotonic()),
            set_aside=lambda event, why: None,
            log=Quiet(),
        )
        channel = Channel(name="temperature", quantity=TEMPERATURE, low=-1e9, high=1e9, resolution=1)
        self._sources = [Source(sensor=f"sensor{number}", channel=channel) for number in range(8)]
        self._owed = 0.0
        self.said = 0
        self.subscriber = Subscriber()
        self.growth = Growth(folder)

    def stay_offline(self, seconds: float) -> None:
        """Nobody takes anything for so long."""
        every = round(HOUR_S / self._step_s)
        for step in range(round(seconds / self._step_s)):
            self._live(self._step_s)
            if step % every == every - 1:
                self.growth.look()

    def drain(self, *, most_s: float) -> float:
        """The broker is back: send what waits, while events go on; gives how long that took. Then all is settled."""
        began_s = self.clock.monotonic()
        unanswered: deque[Batch] = deque()
        sent = 0
        self._stream.rewind(64_000)
        for step in range(round(most_s / _ONLINE_STEP_S)):
            self._live(_ONLINE_STEP_S)
            sent += self._exchange(unanswered)
            elapsed_s = self.clock.monotonic() - began_s
            if sent > self.limit * (elapsed_s + 1) + 1:
                self.subscriber.faults.append(f"{sent} events in {elapsed_s} s")
            if step % 400 == 0:
                self.growth.look()
            if self.box.pending <= self._rate:
                break
        took_s = self.clock.monotonic() - began_s
        while self.box.pending and self.clock.monotonic() < began_s + took_s + _LONGEST_END_S:
            self.clock.advance(_ONLINE_STEP_S)
            self.box.tend()
            self._exchange(unanswered)
        self.growth.look()
        return took_s

    def _exchange(self, unanswered: deque[Batch]) -> int:
        """The broker answers what was sent a turn ago, and takes more; gives how many events."""
        now_s, uptime_ms = self.clock.monotonic(), self.clock.stamp().uptime_ms
        sent = 0
        while unanswered:
            self._stream.answered(unanswered.popleft(), 0, now_s)
        while len(unanswered) < _MOST_UNANSWERED and (batch := self._stream.next_batch(now_s, uptime_ms)):
            self.subscriber.take(batch.payload)
            sent += len(batch.entries)
            unanswered.append(batch)
        return sent

    @property
    def limit(self) -> float:
        """Events per second that may be sent."""
        return max(DRAIN_RATE, 2 * self._rate * 1.5)

    def close(self) -> None:
        self.box.close(to_flash=False)

    def _live(self, seconds: float) -> None:
        """So much time passes, with a turn in it."""
        self.clock.advance(seconds)
        self._owed += self._rate * seconds
        count = int(self._owed)
        if count:
            self._owed -= count
            stamp = self.clock.stamp()
            stored = self.box.append(
                [
                    ChangeEvent(
                        source=self._sources[number % 8],
                        value=float(number),
                        quality=Quality.GOOD,
                        reason=Reason.CHANGE,
                        code=None,
                        stamp=stamp,
                    )
                    for number in range(self.said + 1, self.said + count + 1)
                ]
            )
            self.said += count
            self._freshness.note(stored[0].position, stored[-1].position, stamp.uptime_ms)
            self._stream.note_stored(len(stored), stored[-1].position, self.clock.monotonic())
        self.box.tend()
