"""Events that wait in the real outbox although nobody told the stream of them: they go without waiting for news."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from math import inf
from pathlib import Path
from typing import Any

import pytest
from proving.broker_bench import BrokerBench

from sensor_gateway.outbox.files.disk import Disk
from sensor_gateway.publishing.stream.events import EventStream
from sensor_gateway.simulation.virtual_clock import VirtualClock

pytestmark = [pytest.mark.system]

Benches = Callable[..., BrokerBench]


class IllDisk(Disk):
    """The real disk, which cannot read what lies below ``folder`` until it is well."""

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self.is_ill = True
        self.failures = 0
        self._paths: dict[int, Path] = {}

    def open(self, path: Path, flags: int) -> int:
        is_reading = not flags & (os.O_WRONLY | os.O_RDWR)
        if self.folder == "hot" and is_reading:
            self._check(path)
        descriptor = super().open(path, flags)
        self._paths[descriptor] = path
        return descriptor

    def read_at(self, descriptor: int, count: int, offset: int) -> bytes:
        if self.folder == "state":
            self._check(self._paths[descriptor])
        return super().read_at(descriptor, count, offset)

    def _check(self, path: Path) -> None:
        if self.is_ill and self.folder in path.parts:
            self.failures += 1
            raise OSError(errno.EIO, os.strerror(errno.EIO), str(path))


def _late_strays(bench: Benches, make_outbox: Any) -> BrokerBench:
    """A former life left 20 events in a journal that cannot be read at the start, but a minute later."""
    clock = VirtualClock(start_s=500.0, boot_s=500.0)
    former = make_outbox(clock)
    table = bench()
    former.append([*table.events(20)])
    former.close(to_flash=False)
    disk = IllDisk("hot")
    table = bench(outbox=lambda clock: make_outbox(clock, disk=disk))
    table.put(3)
    table.run(60.0)
    assert disk.failures
    assert table.last_seq == 4
    disk.is_ill = False
    table.run(70.0)
    assert table.last_seq > 20, "taken in, and nothing else has happened"
    return table


def test_events_of_a_journal_that_could_be_read_late_are_sent_without_news(bench: Benches, make_outbox: Any) -> None:
    table = _late_strays(bench, make_outbox)
    assert not table.outbox.pending
    assert not table.faults()
    values = [entry["value"] for entry in table.view.promised.values() if entry["type"] == "value"]
    assert sorted(values) == sorted([*map(float, range(1, 21)), 1.0, 2.0, 3.0])


def _unreadable(bench: Benches, make_outbox: Any) -> tuple[BrokerBench, IllDisk]:
    """Events that have gone to flash cannot be read for two minutes, while the connection is fine."""
    disk = IllDisk("state")
    disk.is_ill = False
    table = bench(outbox=lambda clock: make_outbox(clock, disk=disk, spill_after_s=1.0, flush_every_s=1.0))
    table.connector.due_s = inf
    table.put(30)
    table.run(20.0)
    assert table.outbox.counters.spilled, "they are on flash"
    disk.is_ill = True
    table.connector.due_s = table.clock.monotonic()
    table.run(120.0)
    assert disk.failures
    disk.is_ill = False
    table.run(40.0)
    return table, disk


def test_events_that_could_not_be_read_are_tried_again_in_time(bench: Benches, make_outbox: Any) -> None:
    table, disk = _unreadable(bench, make_outbox)
    assert not table.outbox.pending
    assert not table.faults()
    assert 3 <= disk.failures <= 20, "each half minute, and no more"
    assert table.outbox.alarms == ()


@pytest.mark.parametrize("what", [_late_strays, _unreadable])
def test_control_overlooked(
    bench: Benches, make_outbox: Any, monkeypatch: pytest.MonkeyPatch, what: Callable[..., Any]
) -> None:
    monkeypatch.setattr(EventStream, "_is_overlooked", property(lambda _self: False))
    made = what(bench, make_outbox)
    table = made[0] if isinstance(made, tuple) else made
    assert table.outbox.pending
