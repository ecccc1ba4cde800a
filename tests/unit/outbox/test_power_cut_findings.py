"""What cuts of the power at a block device have found, each as the smallest course of events that shows it."""

from __future__ import annotations

from typing import Any

from sensor_gateway.model.event import Gap
from sensor_gateway.outbox.settings import Durability


def acknowledge_all(site: Any) -> None:
    site.acknowledge(site.box.read(None, max_events=100, max_bytes=10**6))


def test_what_was_acknowledged_from_memory_behind_a_segment_is_not_announced_as_lost(site: Any) -> None:
    site.open(durability=Durability.ALWAYS)
    site.box.append(site.news(3))
    site.offline(1.0, step_s=0.1)
    acknowledge_all(site)
    site.box.append(site.news(5))
    acknowledge_all(site)
    kept = site.box.append(site.news(2))
    site.offline(1.0, step_s=0.1)
    site.cut_power()
    site.open(durability=Durability.ALWAYS)
    items = site.drain()
    assert not [item for item in items if isinstance(item, Gap)]
    assert {stored.position for stored in kept} <= {item.position for item in items}


def test_what_a_killed_process_wrote_and_did_not_sync_is_synced_by_the_next_one(slow_site: Any) -> None:
    slow_site.open()
    slow_site.box.append(slow_site.news(3))
    writer = slow_site.box._opened._parts.cold.writer
    while not writer.is_flushing:
        slow_site.syncer.let_through()
        slow_site.offline(1.0)
    slow_site.kill()
    slow_site.disk.calls.clear()
    slow_site.open()
    assert slow_site.box._opened._parts.tail.first is None
    assert ("sync_data", "0000000000000001.seg") in slow_site.disk.calls


def test_what_finds_no_room_in_a_segment_waits_for_no_further_interval(site: Any) -> None:
    box = site.open(hot_cap=2**20)
    box.append(site.news(300))
    site.offline(11.0)
    assert len(box._opened._parts.cold.shelf.segments) > 1
    assert box._opened._parts.tail.first is None


def test_what_was_written_during_a_slow_sync_is_synced_right_after_it(slow_site: Any) -> None:
    box = slow_site.open()
    box.append(slow_site.news(3))
    writer = box._opened._parts.cold.writer
    while not writer.is_flushing:
        slow_site.syncer.let_through()
        slow_site.offline(1.0)
    box.append(slow_site.news(3))
    slow_site.offline(8.0)
    assert writer.has_unsynced
    slow_site.syncer.let_through()
    slow_site.offline(1.0)
    slow_site.syncer.let_through()
    slow_site.offline(1.0)
    assert box._opened._parts.tail.first is None
