"""What the stream makes of a directory on flash that could be loaded only while it ran."""

from __future__ import annotations

import errno
from typing import Any

import pytest

from sensor_gateway.model.event import Gap
from sensor_gateway.model.event_json import EventEncoder
from sensor_gateway.publishing.stream.batch import Batch, Entry, Packer, end
from sensor_gateway.publishing.stream.events import EventStream
from sensor_gateway.publishing.stream.feed import Feed
from sensor_gateway.publishing.stream.freshness import Freshness
from sensor_gateway.publishing.stream.pace import Pace

ROOM = 1200


def stream_of(site: Any) -> EventStream:
    boot = site.boot_id[:8]
    packer = Packer(freshness=Freshness(boot=boot, late_after_ms=5000), gap_json=EventEncoder("gw", boot).gap)
    pace = Pace(drain_rate=0, now_s=site.clock.monotonic())
    stream = EventStream(site.box, packer, pace, set_aside=lambda event, why: None, log=site.log)
    stream.rewind(ROOM)
    return stream


def sent(site: Any, stream: EventStream) -> list[Batch]:
    """What goes out while nothing is answered; no window is larger."""
    found: list[Batch] = []
    while len(found) < 100 and (batch := stream.next_batch(site.clock.monotonic(), 1000)) is not None:
        found.append(batch)
    return found


def load_late(site: Any) -> EventStream:
    """A backlog on flash that is loaded after the stream has read what came meanwhile, which gets new positions."""
    site.open()
    site.box.append(site.news(30))
    site.offline(12)
    site.cut_power()
    site.disk.rule = lambda call, path: errno.EMFILE if call == "open" and path.endswith("cursor-mqtt") else None
    site.open()
    site.box.append(site.news(3))
    stream = stream_of(site)
    for batch in sent(site, stream):
        stream.answered(batch, 0, site.clock.monotonic())
    site.disk.heal()
    site.offline(40, step_s=5)
    assert site.box.alarms == ()
    stored = site.box.append(site.news(1))
    stream.note_stored(len(stored), stored[-1].position, site.clock.monotonic())
    return stream


def positions(batches: list[Batch]) -> list[Any]:
    return [entry.position for batch in batches for entry in batch.entries if not isinstance(entry, Gap)]


def test_a_backlog_that_is_loaded_late_is_sent_once_and_in_order(site: Any) -> None:
    stream = load_late(site)
    found = positions(sent(site, stream))
    assert len(found) >= 31
    assert found == sorted(set(found))
    assert found[-1].epoch == site.box.epoch


def test_a_reading_place_that_moves_only_upward_is_caught(site: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The negative control: from the epoch that was left, nothing of the backlog lies upward."""
    pass_entry = Feed._pass

    def upward(feed: Feed, entry: Entry) -> None:
        before = feed._after
        pass_entry(feed, entry)
        last = end(entry)
        if before is not None and last is not None and last < before:
            feed._after = before

    monkeypatch.setattr(Feed, "_pass", upward)
    found = positions(sent(site, load_late(site)))
    assert found != sorted(set(found))
