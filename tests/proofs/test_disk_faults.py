"""Full, read-only, failing and slow disks, and damage: it goes on, says so, heals, and accounts for each event.

Full and read-only are real file systems. Damage is done to the files of a process that was killed.
"""

from __future__ import annotations

import itertools
import os
import random
import resource
import shutil
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from proving import disks
from proving.damage import Damage, Remains, faults, flips, looks_whole, truncations, used, zeroed_pages
from proving.disks import Bench, ForgetfulDisk, PromptDisk
from proving.kills.broker import Broker
from proving.kills.gateway import GatewayProcess, house_config
from proving.kills.judge import objections

from sensor_gateway.model.position import Position
from sensor_gateway.outbox.files import record, segment_writer
from sensor_gateway.outbox.files.disk import Disk
from sensor_gateway.outbox.files.syncer import SyncAnswer, Syncer, SyncerInPlace, SyncJob, ThreadSyncer, perform
from sensor_gateway.outbox.settings import WhenFull

POLICIES = [WhenFull.DROP_OLDEST, WhenFull.DROP_NEWEST]
LOST_AFTER_S = 5.0 + 5.0 + 3 * 3.0
"""spill_after and flush_every, and turns that come every 3 s: a segment may have to be made ready first."""

LASTING = 10**9
"""So many syncs are never made."""


@pytest.fixture
def mounts(tmp_path: Path) -> Iterator[ExitStack]:
    """Ends every mount that a test made, whatever becomes of the test."""
    reason = disks.why_no_mounts(tmp_path)
    if reason:
        pytest.skip(reason)
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def in_memory(tmp_path: Path) -> Iterator[Path]:
    """A directory in memory where there is one: many files are made."""
    shared = Path("/dev/shm")  # noqa: S108 (a directory is made in it, with a name of its own)
    if not shared.is_dir():
        yield tmp_path
        return
    directory = shared / f"disk-faults-{os.getpid()}"
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir()
    yield directory
    shutil.rmtree(directory, ignore_errors=True)


FILLED: dict[str, tuple[str, Callable[[Path], Path]]] = {
    "no room": ("size=160k", disks.fill_up),
    "no inodes": ("size=400k,nr_inodes=24", disks.use_up_inodes),
}


def free(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


@pytest.mark.parametrize("what", FILLED)
@pytest.mark.parametrize("where", [("state",), ("hot",), ("state", "hot")], ids="+".join)
@pytest.mark.parametrize("policy", POLICIES)
def test_a_full_disk_costs_by_policy_and_heals_by_itself(
    tmp_path: Path, mounts: ExitStack, policy: WhenFull, where: tuple[str, ...], what: str
) -> None:
    options, fill = FILLED[what]
    for name in where:
        mounts.enter_context(disks.tmpfs(tmp_path / name, options))
    bench = Bench(tmp_path / "state", tmp_path / "hot", settings={"when_full": policy})
    mounts.callback(bench.kill)
    bench.disk.believed_free = 10**12
    bench.open()
    bench.live(4)
    foreign = [fill(tmp_path / name) for name in where]
    for _ in range(8):
        bench.live(5)
        for name in where:
            fill(tmp_path / name)
    assert [name for name in bench.log.names() if name.endswith("_failed")], "it says that something is wrong"
    bench.drain()
    bench.live(8)
    if policy is WhenFull.DROP_NEWEST:
        assert bench.box.counters.dropped == 0
    else:
        assert bench.box.counters.refused == 0
    if where == ("hot",):
        assert bench.box.counters.lost == 0, "flash takes what memory cannot keep"
    for path in foreign:
        free(path)
    bench.live(24)
    assert bench.box.alarms == ()
    bench.drain()
    assert bench.judge() == []
    bench.live(6)
    bench.kill()
    bench.open()
    bench.live(2)
    bench.drain()
    assert bench.judge() == []


def test_somebodys_files_stop_growth_and_delete_nothing(tmp_path: Path, mounts: ExitStack) -> None:
    state = mounts.enter_context(disks.tmpfs(tmp_path / "state", "size=512k"))
    bench = Bench(state, tmp_path / "hot", settings={"keep_free": 200_000})
    mounts.callback(bench.kill)
    bench.open()
    bench.live(20)
    before = {path.name for path in bench.flash.glob("*.seg")}
    assert before
    foreign = state / "foreign"
    foreign.write_bytes(bytes(280_000))
    bench.live(60, events=40)
    assert "outbox_room" in bench.box.alarms
    segments = {path.name for path in bench.flash.glob("*.seg")}
    assert before <= segments
    assert len(segments) <= len(before) + 2
    foreign.unlink()
    bench.live(20)
    assert bench.box.alarms == ()
    bench.drain()
    assert bench.judge() == []


def test_a_file_system_that_is_read_only_at_the_start_and_later_is_not(tmp_path: Path, mounts: ExitStack) -> None:
    state = mounts.enter_context(disks.tmpfs(tmp_path / "state", "size=1m"))
    bench = Bench(state, tmp_path / "hot", settings={"hot_cap": 256 * 1024})
    mounts.callback(bench.kill)
    bench.open()
    bench.live(10)
    bench.kill()
    disks.remount(state, "ro")
    bench.open()
    bench.live(10)
    assert "outbox_flash" in bench.box.alarms
    disks.remount(state, "rw")
    bench.live(30)
    assert bench.box.alarms == ()
    assert bench.box.counters.spilled > 0
    bench.live(6, events=0)
    bench.cut()
    bench.open()
    bench.drain()
    assert bench.judge() == []


def test_a_file_system_that_turns_read_only_while_it_is_written(tmp_path: Path, mounts: ExitStack) -> None:
    path, image = mounts.enter_context(disks.ext4(tmp_path / "card"))
    bench = Bench(path / "state", tmp_path / "hot", settings={"hot_cap": 256 * 1024})
    mounts.callback(bench.kill)
    bench.open()
    bench.live(10)
    disks.break_ext4(path)
    bench.live(10)
    assert "outbox_flash" in bench.box.alarms
    bench.drain()
    bench.live(5)
    bench.kill()
    disks.unmount(path)
    disks.repair(image)
    disks.mount_image(image, path)
    bench.open()
    bench.live(5)
    assert bench.box.alarms == ()
    bench.drain()
    assert bench.judge() == []


def live_and_cut(directory: Path, fails: range, *, is_silent: bool = False) -> Bench:
    """Offline, with syncs that fail, then long enough for all to be safe again, and a power cut."""
    disk = ForgetfulDisk()
    bench = Bench(directory / "state", directory / "hot", disk=disk, settings={"hot_cap": 256 * 1024})
    disk.is_silent = is_silent
    disk.fails = fails
    bench.open()
    bench.live(4)
    bench.drain()
    bench.live(14)
    if fails.stop == LASTING and not is_silent:
        disk.fails = range(0)
        bench.live(20)
    bench.live(12, events=1)
    cut_s = bench.clock.monotonic()
    bench.cut()
    disk.cut(bench.flash)
    disk.fails = range(0)
    bench.open()
    bench.drain()
    missing = bench.missing(cut_s - LOST_AFTER_S)
    if missing:
        bench.faults.append(f"{len(missing)} were lost that had {LOST_AFTER_S} s, {missing[0]} the first")
    if disk.rewritten:
        bench.faults.append(f"used again after a failed sync: {disk.rewritten[0]}")
    bench.kill()
    return bench


@pytest.mark.parametrize("how", ["once", "for a while"])
def test_a_sync_that_fails_and_drops_its_pages_loses_nothing(in_memory: Path, how: str) -> None:
    number = 0
    while True:
        number += 1
        fails = range(number, number + 1) if how == "once" else range(number, LASTING)
        bench = live_and_cut(in_memory / f"{number}", fails)
        assert isinstance(bench.disk, ForgetfulDisk)
        if not bench.disk.failed:
            break
        assert bench.faults == [], f"sync {number} failed {how}"
    assert number > 10


def test_a_failed_sync_that_is_taken_for_success_is_caught(in_memory: Path) -> None:
    bench = live_and_cut(in_memory, range(10, LASTING), is_silent=True)
    assert any("were lost" in fault for fault in bench.faults)


def test_a_short_write_that_is_taken_for_a_whole_one_is_caught(
    in_memory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Short(PromptDisk):
        def write_at(self, descriptor: int, data: bytes | memoryview, offset: int) -> int:
            return super().write_at(descriptor, data[: 200 if len(data) < 4000 else None], offset)

    def live(directory: Path) -> list[str]:
        bench = Bench(directory / "state", directory / "hot", disk=Short())
        bench.open()
        bench.live(20)
        bench.drain()
        bench.kill()
        return [*bench.judge(), *bench.causes]

    assert live(in_memory / "sound") == []

    def write_once(disk: Disk, descriptor: int, data: bytes, offset: int) -> None:
        disk.write_at(descriptor, data, offset)

    monkeypatch.setattr(segment_writer, "write_all", write_once)
    assert live(in_memory / "broken") != []


def test_out_of_descriptors_it_goes_on_and_heals(in_memory: Path) -> None:
    bench = Bench(in_memory / "state", in_memory / "hot", settings={"hot_cap": 256 * 1024})
    bench.open()
    bench.live(6)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    taken: list[int] = []
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(soft, 512), hard))
    try:
        while True:
            try:
                taken.append(os.open("/dev/null", os.O_RDONLY))
            except OSError:
                break
        bench.live(30)
        assert bench.box.alarms
    finally:
        for descriptor in taken:
            os.close(descriptor)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    bench.live(12)
    assert bench.box.alarms == ()
    bench.drain()
    assert bench.box.counters.lost == 0
    assert bench.judge() == []
    bench.kill()


class StallingSyncer:
    """A card that answers each sync ``stall_s`` of virtual time later, one after the other."""

    def __init__(self, disk: Disk, now: Callable[[], float], stall_s: float) -> None:
        self._disk, self._now, self._stall_s = disk, now, stall_s
        self._jobs: list[tuple[float, SyncJob]] = []
        self._free_s = 0.0

    def submit(self, job: SyncJob) -> None:
        self._free_s = max(self._now(), self._free_s) + self._stall_s
        self._jobs.append((self._free_s, job))

    def answers(self) -> list[SyncAnswer]:
        due = [job for at_s, job in self._jobs if at_s <= self._now()]
        self._jobs = self._jobs[len(due) :]
        return [perform(self._disk, job) for job in due]

    def wait(self, timeout_s: float) -> list[SyncAnswer]:
        return self.answers()

    def stop(self) -> None: ...


@pytest.mark.parametrize("stall_s", [20.0, 30.0])
def test_a_card_that_stalls_each_sync_refuses_nothing_and_says_nothing(in_memory: Path, stall_s: float) -> None:
    bench = Bench(in_memory / "state", in_memory / "hot", settings={"hot_cap": 512 * 1024})
    bench.syncer = StallingSyncer(bench.disk, bench.clock.monotonic, stall_s)
    bench.open()
    for _ in range(6):
        bench.live(20, events=10)
        assert bench.box.alarms == ()
        bench.drain()
    assert bench.box.counters.lost == 0
    assert bench.box.counters.spilled > 0
    assert bench.judge() == []
    bench.kill()


class StallingDisk(PromptDisk):
    """A card that takes real time for each sync."""

    def __init__(self, stall_s: float) -> None:
        super().__init__()
        self._stall_s = stall_s
        self.stalls = 0
        self._end = threading.Event()

    def sync_data(self, descriptor: int) -> None:
        self.stalls += 1
        self._end.wait(self._stall_s)

    def let_go(self) -> None:
        self._end.set()


@pytest.fixture
def is_large(request: pytest.FixtureRequest) -> bool:
    """Whether this is the release."""
    return int(request.config.getoption("states")) >= 100_000


@pytest.fixture
def stall_s(*, is_large: bool) -> float:
    """As long as a worn card takes, or long enough to tell."""
    return 20.0 if is_large else 1.0


def longest_turn_s(directory: Path, stall_s: float, make_syncer: Callable[[Disk], Syncer]) -> float:
    """The longest time that one turn took while each sync took ``stall_s``, in real time; all else was as it should."""
    disk = StallingDisk(stall_s)
    bench = Bench(directory / "state", directory / "hot", disk=disk, settings={"hot_cap": 512 * 1024})
    bench.syncer = make_syncer(disk)
    bench.open()
    longest_s = 0.0
    end_s = time.monotonic() + 2.5 * stall_s
    for number in itertools.count():
        if time.monotonic() > end_s:
            break
        began_s = time.monotonic()
        bench.live(1, step_s=1.0)
        if number % 10 == 0:
            bench.drain()
        longest_s = max(longest_s, time.monotonic() - began_s)
        time.sleep(0.02)
    assert disk.stalls
    assert bench.box.alarms == ()
    assert bench.box.counters.lost == 0
    disk.let_go()
    bench.drain()
    assert bench.judge() == []
    bench.syncer.stop()
    time.sleep(0.1)
    bench.kill()
    return longest_s


@pytest.mark.timeout(120)
def test_nobody_waits_for_the_thread_that_waits_for_the_card(in_memory: Path, stall_s: float) -> None:
    assert longest_turn_s(in_memory, stall_s, lambda disk: ThreadSyncer(disk, lambda: None)) < stall_s / 2


def test_a_turn_that_waits_for_the_card_is_caught(in_memory: Path) -> None:
    assert longest_turn_s(in_memory, 0.2, SyncerInPlace) > 0.2 / 2


def remains(directory: Path, *, turns: int, events: int, settles: bool = True, **settings: Any) -> Remains:
    """A gateway that was offline for some turns, each a record on flash where there was time for it."""
    bench = Bench(directory / "state", directory / "hot", settings=settings)
    bench.open()
    if settles:
        bench.drain()
    for _ in range(turns):
        bench.live(1, events=events, step_s=0.0)
        bench.live(4 if settles else 1, events=0)
    return Remains.of(bench)


def judged(left: Remains, path: Path, cases: Iterable[tuple[str, Damage]], **judging: Any) -> list[str]:
    """What is wrong after each of these damages."""
    is_cut = path.name != "hot.log"
    return [
        f"{name}: {fault}"
        for name, damage in cases
        for fault in faults(left.start_with(path, damage, is_cut=is_cut), **judging)
    ]


def test_a_segment_that_ends_anywhere_costs_what_lay_behind(in_memory: Path) -> None:
    left = remains(in_memory, turns=2, events=3)
    path = left.path("*.seg")
    assert judged(left, path, truncations(range(used(left.files[path]) + 2))) == []


def test_a_flipped_bit_in_a_segment_costs_one_record(in_memory: Path, seed: int) -> None:
    left = remains(in_memory, turns=3, events=3)
    path = left.path("*.seg")
    assert judged(left, path, flips(range(used(left.files[path]))), most_lost=3) == []
    chance = random.Random(seed)
    large = remains(in_memory / "large", turns=40, events=12, segment_size=16384)
    for place, path in enumerate(sorted(large.path("*.seg", at) for at in range(2))):
        places = [chance.randrange(used(large.files[path])) for _ in range(15)]
        assert judged(large, path, flips(places), most_lost=12) == [], f"segment {place}"
        assert judged(large, path, zeroed_pages(range(4))) == []


def test_a_hot_journal_that_ends_anywhere_gives_no_seq_to_two_events(in_memory: Path) -> None:
    left = remains(in_memory, turns=2, events=1, settles=False)
    path = left.path("hot.log")
    data = left.files[path]
    offsets = [offset for offset in range(len(data)) if not looks_whole(data[:offset])]
    assert len(data) - len(offsets) <= 6, "between two records a journal looks as it did when it ended there"
    assert judged(left, path, truncations(offsets)) == []


def test_a_flipped_bit_in_the_hot_journal_costs_one_record(in_memory: Path, seed: int) -> None:
    left = remains(in_memory, turns=3, events=1, settles=False)
    path = left.path("hot.log")
    places = range(seed % 3, len(left.files[path]), 3)
    assert judged(left, path, flips(places), most_lost=1) == []


def test_a_cursor_that_ends_or_is_damaged_anywhere_costs_nothing(in_memory: Path) -> None:
    left = remains(in_memory, turns=3, events=3)
    path = left.path("cursor-mqtt")
    ends = [*range(130), *range(4090, 4230), *range(0, 8192, 256)]
    assert judged(left, path, truncations(ends), most_lost=0) == []
    assert judged(left, path, flips([*range(60), *range(4096, 4156)]), most_lost=0) == []


def test_damage_without_a_checksum_is_caught(in_memory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(record.zlib, "crc32", lambda data, value=0: 0)
    left = remains(in_memory, turns=3, events=1, settles=False)
    path = left.path("hot.log")
    digit = left.files[path].rindex(b'"value":') + len('"value":')
    found = judged(left, path, flips([digit]), most_lost=1)
    assert any("another content" in fault for fault in found)


SLOW_CARD = """
import os
import time
from pathlib import Path

sync = os.fdatasync

def fdatasync(descriptor):
    if Path(__file__).with_name("slow").exists():
        Path(__file__).with_name("stalls").open("a").write("x")
        time.sleep({stall_s})
    sync(descriptor)

os.fdatasync = fdatasync
"""


@pytest.mark.system
@pytest.mark.timeout(300)
def test_the_whole_gateway_keeps_its_connection_while_the_card_stalls(tmp_path: Path, stall_s: float) -> None:
    stall_s *= 2 if stall_s < 2 else 1
    broker = Broker(tmp_path)
    config = house_config(broker.door.port, outbox="drain_rate: 0, spill_after: 300ms, flush_every: 300ms")
    config = config.replace("retry_max: 1s", "retry_max: 1s, keepalive: 5s")
    gateway = GatewayProcess(tmp_path, config, change=SLOW_CARD.format(stall_s=stall_s))
    try:
        broker.start()
        gateway.start()
        wait_for(lambda: len(broker.heard) > 40)
        broker.kill()
        time.sleep(2.0)
        (tmp_path / "slow").touch()
        time.sleep(stall_s / 2)
        broker.start()
        time.sleep(1.5 * stall_s)
        begun = len(broker.heard)
        wait_for(lambda: any("replayed" not in event for event in broker.heard[begun:]))
        broker.settle()
        names = [entry["event"] for entry in gateway.entries()]
        assert (tmp_path / "stalls").exists(), "a sync stalled"
        assert names.count("broker_connected") == 2, "no connection was renewed"
        assert not {name for name in names if "hung" in name or name.endswith("_failed")}
        assert objections(broker.heard) == []
    finally:
        if gateway.is_running:
            gateway.kill()
        broker.stop()


def wait_for(condition: Callable[[], bool], seconds: float = 60.0) -> None:
    end_s = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end_s, "it did not come to pass in time"
        time.sleep(0.02)


def removed(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink()


def emptied(path: Path) -> None:
    for file in path.rglob("*") if path.is_dir() else (path,):
        if file.is_file():
            os.truncate(file, 0)


TARGETS: dict[str, Callable[[Bench], Path]] = {
    "the oldest segment": lambda bench: min(bench.flash.glob("*.seg")),
    "the segment that is written": lambda bench: max(bench.flash.glob("*.seg")),
    "a free segment": lambda bench: min(bench.flash.glob("*.free")),
    "the hot journal": lambda bench: bench.state.parent / "hot" / "hot.log",
    "the cursor": lambda bench: bench.flash / "cursor-mqtt",
    "the identity": lambda bench: bench.flash / "identity",
    "the epoch": lambda bench: bench.flash / "epoch",
    "the outbox's directory": lambda bench: bench.flash,
    "the hot directory": lambda bench: bench.state.parent / "hot",
    "both directories": lambda bench: bench.state.parent,
}


ENDS = ("killed at once", "killed later", "cut later")


@pytest.mark.parametrize("how", [removed, emptied], ids=["removed", "emptied"])
@pytest.mark.parametrize("target", TARGETS)
def test_files_that_go_while_it_runs_cost_what_was_in_them(
    in_memory: Path, target: str, how: Callable[[Path], None], *, is_large: bool
) -> None:
    """In ./dev test one end of each: which one, the place in the list says."""
    place = list(TARGETS).index(target) + (how is emptied)
    for end in ENDS if is_large else ENDS[place % 3 : place % 3 + 1]:
        bench = Bench(in_memory / end / "state", in_memory / end / "hot")
        bench.open()
        bench.live(20, events=20)
        bench.drain()
        bench.live(20)
        how(TARGETS[target](bench))
        bench.say(3)
        since: set[Position] = set()
        if end != "killed at once":
            bench.live(12)
            assert bench.box.alarms == ()
            assert [name for name in bench.log.names() if name.endswith(("_gone", "_failed"))] or "free" in target
            after_s = bench.clock.monotonic()
            bench.live(5)
            since = {position for position, at_s in bench.given_at.items() if at_s >= after_s}
        (bench.cut if end.startswith("cut") else bench.kill)()
        bench.open()
        bench.say(3)
        bench.drain()
        bench.kill()
        if target == "both directories" and end == "killed at once":
            assert bench.faults == [], "nothing is left that tells how far it was"
        else:
            assert faults(bench) == [], end
        if end == "killed later":
            assert not since & set(bench.missing())
