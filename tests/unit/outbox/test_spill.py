"""When events go to flash, in which order that happens, and what a failure of the medium costs."""

from __future__ import annotations

import errno
import json
from typing import Any

import pytest

from sensor_gateway.model.event import Gap
from sensor_gateway.outbox.settings import Durability


def values(items: list[Any]) -> list[float]:
    facts = [json.loads(item.body) for item in items if not isinstance(item, Gap)]
    return [fact["value"] for fact in facts if fact["type"] == "value"]


def segments(site: Any) -> list[str]:
    return sorted(path.name for path in site.flash.glob("*.seg"))


def in_memory(site: Any) -> list[int]:
    return [
        seq
        for record in site.box._tiers._tail
        for seq in range(record.first_seq, record.first_seq + len(record.bodies))
    ]


def test_nothing_is_written_to_flash_while_events_are_acknowledged(site: Any) -> None:
    site.open()
    site.drain()
    site.disk.calls.clear()
    for _ in range(100):
        site.box.append(site.news(2))
        site.drain()
        site.clock.advance(1)
        site.box.tend()
    assert {name for call, name in site.disk.calls if call != "read_at"} <= {"hot.log", "hot.log.new"}
    assert segments(site) == []


def test_events_go_to_flash_once_they_have_waited(site: Any) -> None:
    site.open()
    site.drain()
    site.box.append(site.news(3))
    site.offline(4)
    assert segments(site) == []
    site.offline(4)
    assert segments(site)
    assert in_memory(site) == []
    site.cut_power()
    site.open()
    assert values(site.drain()) == [1.0, 2.0, 3.0]


def test_age_is_boot_time_and_survives_restarts(site: Any) -> None:
    """Restarts more often than spill_after, and a wall clock that is set back, must not keep events off flash."""
    site.open()
    site.box.append(site.news(3))
    for _ in range(4):
        site.offline(3)
        site.kill()
        site.clock.jump_wall(-86_400)
        site.open()
    site.cut_power()
    site.open()
    assert values(site.drain()) == [1.0, 2.0, 3.0]


def test_the_order_of_a_spill(slow_site: Any) -> None:
    """The name is synced, then the cursor that it adjoins, then written, then synced; memory keeps all until then."""
    site = slow_site
    site.open()
    site.drain()
    site.box.append(site.news(3))
    site.disk.calls.clear()
    steps: list[tuple[list[str], int]] = []
    for _ in range(8):
        site.offline(6, step_s=6)
        steps.append(([job.name for job in site.syncer.jobs], len(in_memory(site))))
        site.syncer.let_through()
    assert steps[:3] == [(["cursor"], 3), (["prepare"], 3), (["flush"], 3)]
    assert in_memory(site) == []
    calls = [call for call in site.disk.calls if call[0] in {"write_at", "sync", "sync_data", "replace"}]
    segment = segments(site)[0]
    written = [at for at, call in enumerate(calls) if call == ("write_at", segment)]
    named = calls.index(("sync", "outbox"), calls.index(("write_at", segment)))
    assert written[0] < named < written[-1] < len(calls) - 1 - calls[::-1].index(("sync_data", segment))


def test_hot_keeps_what_is_written_until_the_sync_has_answered(slow_site: Any) -> None:
    site = slow_site
    site.open()
    site.drain()
    site.box.append(site.news(3))
    for _ in range(3):
        site.offline(6, step_s=6)
        if [job.name for job in site.syncer.jobs] != ["flush"]:
            site.syncer.let_through()
    assert [job.name for job in site.syncer.jobs] == ["flush"]
    assert len(in_memory(site)) == 3
    site.kill()
    site.open()
    found = site.box.read(None, max_events=100, max_bytes=10**6)
    assert values(found) == [1.0, 2.0, 3.0]


def test_a_slow_card_stops_nothing(slow_site: Any) -> None:
    site = slow_site
    site.open()
    site.drain()
    for _ in range(30):
        site.box.append(site.news(2))
        site.offline(1)
    assert values(site.drain()) == [float(number) for number in range(1, 61)]
    assert len(site.syncer.jobs) == 1


def test_after_a_failed_sync_the_segment_is_given_up_and_all_is_written_again(slow_site: Any) -> None:
    site = slow_site
    site.open()
    site.drain()
    site.box.append(site.news(3))
    while [job.name for job in site.syncer.jobs] != ["flush"]:
        site.syncer.let_through()
        site.offline(6, step_s=6)
    first = segments(site)
    site.syncer.let_through(OSError(errno.EIO, "worn"))
    site.syncer.is_held = False
    site.offline(20)
    assert in_memory(site) == []
    assert segments(site) != first
    assert not set(first) & set(segments(site))
    assert "outbox_flash_failed" in site.log.names()
    assert "outbox_flash_recovered" in site.log.names()
    site.cut_power()
    site.open()
    assert values(site.drain()) == [1.0, 2.0, 3.0]


def test_what_was_synced_before_a_failed_sync_is_read_once(slow_site: Any) -> None:
    site = slow_site
    site.syncer.is_held = False
    site.open()
    site.drain()
    site.box.append(site.news(3))
    site.offline(12)
    site.syncer.is_held = True
    site.box.append(site.news(3))
    site.offline(12)
    assert [job.name for job in site.syncer.jobs] == ["flush"]
    site.syncer.let_through(OSError(errno.EIO, "worn"))
    site.syncer.is_held = False
    site.offline(20)
    assert len(segments(site)) == 2
    assert values(site.drain()) == [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]


def test_a_process_killed_between_sync_and_trim_delivers_each_event_once(site: Any) -> None:
    site.open()
    site.drain()
    site.box.append(site.news(3))
    site.offline(12)
    assert in_memory(site) == []
    site.kill()
    site.open()
    assert values(site.drain()) == [1.0, 2.0, 3.0]


def test_out_of_order_acknowledgements_leave_no_hole_in_cold(site: Any) -> None:
    """9 is refused, 10 is acknowledged: what is spilled then still has both."""
    site.open()
    site.drain()
    items = site.box.append(site.news(5))
    for index in (1, 3):
        site.box.acknowledge(items[index].position, items[index].position)
    site.offline(12)
    found = site.drain()
    assert values(found) == [1.0, 3.0, 5.0]
    assert not [item for item in found if isinstance(item, Gap)]


def test_short_writes_are_finished(site: Any) -> None:
    site.disk.shortest = 7
    site.open()
    site.box.append(site.news(5))
    site.offline(12)
    site.cut_power()
    site.open()
    assert values(site.drain()) == [1.0, 2.0, 3.0, 4.0, 5.0]


def test_segments_are_rolled_recycled_and_never_the_same_generation(site: Any) -> None:
    site.open()
    seen: list[str] = []
    for _ in range(12):
        for _ in range(6):
            site.box.append(site.news(20))
            site.offline(6)
        seen += [name for name in segments(site) if name not in seen]
        site.drain()
        site.offline(22)
        assert segments(site) == []
        assert len(list(site.flash.glob("*.free"))) <= 2
    assert len(seen) >= 12
    generations = [int(name[:16]) for name in seen]
    assert generations == sorted(set(generations))


def test_a_generation_is_not_used_again_after_a_restart(site: Any) -> None:
    site.open()
    highest = 0
    for _ in range(6):
        site.box.append(site.news(20))
        site.offline(12)
        generations = [int(name[:16]) for name in segments(site)]
        assert min(generations) > highest
        highest = max(generations)
        site.drain()
        site.offline(22)
        site.cut_power()
        site.open()


def test_the_cursor_remembers_the_generation_of_segments_that_are_gone(site: Any) -> None:
    site.open()
    for _ in range(4):
        site.box.append(site.news(20))
        site.offline(12)
        site.drain()
        site.offline(22)
    site.kill()
    for path in site.flash.glob("0*.free"):
        path.unlink()
    site.open()
    site.box.append(site.news(20))
    site.offline(12)
    assert int(segments(site)[0][:16]) >= 4


def test_a_segment_is_not_freed_before_the_cursor_is_safe(slow_site: Any) -> None:
    site = slow_site
    site.syncer.is_held = False
    site.open()
    site.box.append(site.news(3))
    site.offline(12)
    site.syncer.is_held = True
    site.drain()
    site.box.tend()
    assert segments(site)
    assert [job.name for job in site.syncer.jobs] == ["cursor"]
    site.syncer.let_through()
    site.box.tend()
    assert segments(site) == []


def test_the_cursor_is_synced_every_ten_seconds_while_cold_drains(site: Any) -> None:
    site.open()
    site.box.append(site.news(8))
    site.offline(30)
    site.disk.calls.clear()
    for _ in range(4):
        items = site.box.read(None, max_events=1, max_bytes=10**6)
        site.acknowledge(items)
        site.offline(11)
    assert site.disk.calls.count(("sync_data", "cursor-mqtt")) == 4
    site.cut_power()
    site.open()
    assert values(site.drain()) == [float(number) for number in range(4, 9)]


def test_a_stop_of_the_machine_puts_everything_on_flash(site: Any) -> None:
    site.open()
    site.box.append(site.news(5))
    site.box.close(to_flash=True)
    site.cut_power()
    site.open()
    assert values(site.drain()) == [1.0, 2.0, 3.0, 4.0, 5.0]


def test_a_stop_of_the_daemon_alone_writes_nothing_to_flash(site: Any) -> None:
    site.open()
    site.box.append(site.news(5))
    site.disk.calls.clear()
    site.box.close(to_flash=False)
    assert {name for _, name in site.disk.calls} <= {"hot.log", "hot.log.new"}


def test_a_stop_with_a_dead_card_ends(site: Any) -> None:
    site.open()
    site.box.append(site.news(5))
    site.disk.rule = lambda call, path: errno.EIO if "state" in path else None
    site.box.close(to_flash=True)
    site.disk.heal()
    site.kill()
    site.open()
    assert values(site.drain()) == [1.0, 2.0, 3.0, 4.0, 5.0]


@pytest.mark.parametrize("has_hot", [True, False])
def test_always_loses_nothing_to_a_power_cut_after_one_group_commit(site: Any, *, has_hot: bool) -> None:
    site.has_hot = has_hot
    site.open(durability=Durability.ALWAYS)
    site.box.append(site.news(3))
    site.offline(0.6, step_s=0.1)
    assert in_memory(site) == []
    site.box.append(site.news(70))
    site.box.tend()
    site.offline(0.1, step_s=0.1)
    site.cut_power()
    site.open(durability=Durability.ALWAYS)
    assert values(site.drain()) == [float(number) for number in range(1, 74)]


def test_without_a_hot_directory_always_is_used_and_said_once(site: Any) -> None:
    site.has_hot = False
    site.open()
    (facts,) = [facts for name, facts in site.log.lines if name == "outbox_has_no_hot_directory"]
    assert facts["durability"] == "always"
    assert "outbox.hot_directory" in str(facts["reason"])
    site.box.append(site.news(3))
    site.kill()
    site.open()
    assert values(site.drain()) == [1.0, 2.0, 3.0]


def test_without_hot_a_long_run_rolls_and_acknowledges(site: Any) -> None:
    site.has_hot = False
    site.open()
    found: list[Any] = []
    for _ in range(60):
        site.box.append(site.news(10))
        site.offline(0.2, step_s=0.1)
        found += site.drain()
    assert values(found) == [float(number) for number in range(1, 601)]
    assert site.box.pending == 0
    assert len(segments(site)) <= 2


def test_memory_writes_no_event_anywhere(site: Any) -> None:
    site.open(durability=Durability.MEMORY)
    site.disk.calls.clear()
    site.box.append(site.news(50))
    site.offline(30)
    assert {call for call, _ in site.disk.calls} <= {"read_at"}
    assert len(values(site.drain())) == 50


def test_tend_says_when_it_wants_the_next_turn(site: Any) -> None:
    site.open()
    site.drain()
    assert site.box.tend() is None
    site.box.append(site.news(1))
    wait_s = site.box.tend()
    assert wait_s == pytest.approx(5.0)
    site.clock.advance(5.0)
    for _ in range(5):
        wait_s = site.box.tend()
    assert segments(site)
    assert wait_s == pytest.approx(10.0)


def test_reading_can_begin_at_any_position(site: Any) -> None:
    site.open()
    for _ in range(10):
        site.box.append(site.news(5))
        site.offline(3)
    everything = site.box.read(None, max_events=1000, max_bytes=10**7)
    assert len(everything) == 51
    for number, item in enumerate(everything[:-1]):
        found = site.box.read(item.position, max_events=3, max_bytes=10**6)
        assert found == everything[number + 1 : number + 4]


def test_a_million_bytes_are_not_read_for_a_limit_of_a_hundred(site: Any) -> None:
    site.open()
    site.box.append(site.news(9))
    assert len(site.box.read(None, max_events=100, max_bytes=1)) == 1
    assert len(site.box.read(None, max_events=100, max_bytes=1000)) <= 5


class PatientSyncer:
    """A card that never answers; adds up how long it was waited for."""

    def __init__(self) -> None:
        self.waited_s = 0.0

    def submit(self, job: Any) -> None:
        pass

    def answers(self) -> list[Any]:
        return []

    def wait(self, timeout_s: float) -> list[Any]:
        self.waited_s += timeout_s
        return []

    def stop(self) -> None:
        pass


@pytest.mark.parametrize("to_flash", [True, False])
def test_a_stop_waits_for_a_stalled_card_no_longer_than_it_may_and_keeps_what_was_written(
    site: Any, *, to_flash: bool
) -> None:
    """Without a hot directory all goes to flash; written is safe from the end of a process, synced or not."""
    site.has_hot = False
    site.open()
    site.drain()
    site.box.close(to_flash=False, within_s=5.0)
    site.syncer = syncer = PatientSyncer()
    site.open()
    opening_s = syncer.waited_s
    site.box.append(site.news(3))
    site.box.close(to_flash=to_flash, within_s=2.0)
    assert syncer.waited_s - opening_s <= 2.0
    site.syncer = None
    site.open()
    assert values(site.drain()) == [1.0, 2.0, 3.0]
