"""The commands of the outbox on a gateway that runs, on one that was killed, and on files that were damaged."""

from __future__ import annotations

import dataclasses
import io
import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from proving.kills.gateway import GatewayProcess, house_config

from sensor_gateway.cli.main import main
from sensor_gateway.outbox.files.disk import Disk
from sensor_gateway.outbox.files.record import scan
from sensor_gateway.outbox.identity import read_identity, write_identity

pytestmark = pytest.mark.system

RATE = 100
"""Events in a second of the configuration that the gateways run."""
NOBODY = 9
"""A port where no broker is."""


@dataclass(frozen=True, slots=True)
class Ended:
    """What a command said."""

    stdout: str
    stderr: str


class Commands:
    """``sensor-gateway outbox``, on one gateway's directories; in this process, which is not the daemon's."""

    def __init__(self, state: Path, hot: Path | None) -> None:
        self._places = ["--state-dir", str(state), *(["--hot-dir", str(hot)] if hot else [])]

    def __call__(self, *words: str, code: int = 0) -> Ended:
        out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True) for _ in range(2))
        with redirect_stdout(out), redirect_stderr(err):
            given = main(["outbox", *words, *self._places])
        ended = Ended(*(text.detach().getvalue().decode() for text in (out, err)))  # type: ignore[attr-defined]
        assert given == code, ended
        return ended

    def status(self) -> dict[str, Any]:
        return dict(json.loads(self("status", "--json").stdout))

    def export(self, *words: str) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self("export", *words).stdout.splitlines()]

    def verify(self, code: int = 0) -> dict[str, Any]:
        return dict(json.loads(self("verify", "--json", code=code).stdout))


def run_until_it_spills(gateway: Any, wait_until: Callable[..., None]) -> None:
    gateway.start()
    wait_until(lambda: len(records_of(gateway)) > 3)


def records_of(gateway: Any) -> list[tuple[Any, int]]:
    """The records in the first segment, each with its place."""
    path = gateway.state / "outbox" / f"{1:016d}.seg"
    return [(header, at) for header, at, _ in scan(path.read_bytes(), generation=1)] if path.exists() else []


def seqs(events: list[dict[str, Any]]) -> list[int]:
    return [event["seq"] for event in events if event["type"] != "gap"]


def is_contiguous(found: list[int]) -> bool:
    return found == list(range(found[0], found[0] + len(found)))


@pytest.fixture(scope="module")
def once_killed(tmp_path_factory: pytest.TempPathFactory, wait_until: Callable[..., None]) -> Path:
    """Where a gateway ran that had no broker, until it was killed."""
    home = tmp_path_factory.mktemp("killed")
    process = GatewayProcess(home, house_config(NOBODY))
    try:
        run_until_it_spills(process, wait_until)
    finally:
        process.kill()
    return home


@pytest.fixture
def killed(once_killed: Path, tmp_path: Path, broker: Any) -> Iterator[GatewayProcess]:
    """A gateway that was killed, with directories that are this test's own, and not started again yet."""
    home = tmp_path / "gateway"
    shutil.copytree(once_killed, home, ignore=shutil.ignore_patterns("*.sock"))
    process = GatewayProcess(home, house_config(broker.door.port))
    _stand_for_the_original(process.state / "outbox")
    yield process
    if process.is_running:
        process.kill()


def _stand_for_the_original(outbox: Path) -> None:
    """A copy is told by its inode, and would begin an epoch of its own."""
    disk, identity = Disk(), read_identity(Disk(), outbox)
    assert identity is not None
    write_identity(disk, outbox, dataclasses.replace(identity, node=disk.node(outbox)))


def has_more_than(commands: Commands, events: int) -> bool:
    return bool(commands.status()["waiting"]["events"] > events)


def test_all_five_work_while_the_daemon_appends_and_a_subscriber_hears_of_its_purge(
    gateway: Any, broker: Any, wait_until: Callable[..., None]
) -> None:
    run_until_it_spills(gateway, wait_until)
    live = Commands(gateway.state, None)  # the hot directory is the daemon's own, and found through it
    seen = 0
    for _ in range(2):
        wait_until(partial(has_more_than, live, seen))
        status = live.status()
        assert status["owner"] == {"is_running": True, "pid": gateway.process.pid}
        assert status["waiting"]["in_memory"] > 0
        assert status["waiting"]["on_flash"] > 0
        assert status["waiting"]["events"] > seen
        assert status["written"]["outbox_bytes_at_most"] > status["written"]["made_ready_bytes"] > 0
        assert status["alarms"] == []
        exported = live.export()
        assert len(exported) >= status["waiting"]["events"]
        assert is_contiguous(seqs(exported))
        seen = status["waiting"]["events"]
        assert live.verify()["is_sound"]
    assert live("peek", "5").stdout.splitlines()[1:][0].split()[1].startswith("s")
    purged = live("purge", "--yes")
    assert "asked the daemon" in purged.stderr
    assert "discarded" in purged.stdout
    (logged,) = [entry for entry in gateway.entries() if entry["event"] == "outbox_purged"]
    assert logged["events"] >= seen
    gap, *later = live.export()
    assert (gap["type"], gap["cause"], gap["from_seq"], gap["count"]) == ("gap", "purge", 1, logged["events"])
    assert seqs(later)[0] == gap["to_seq"] + 1
    assert is_contiguous(seqs(later))

    broker.start()
    wait_until(lambda: len(broker.heard) > RATE)
    first, *later = broker.heard
    assert first == gap
    assert is_contiguous(seqs(later))
    assert seqs(later)[0] == first["to_seq"] + 1


def test_all_five_work_after_the_daemon_was_killed_and_a_subscriber_hears_of_the_purge(
    killed: GatewayProcess, broker: Any, wait_until: Callable[..., None], tmp_path: Path
) -> None:
    dead = Commands(killed.state, killed.hot)
    status = dead.status()
    assert status["owner"] == {"is_running": False, "pid": None}
    file = tmp_path / "waiting.jsonl"
    assert "written to" in dead("export", "--output", str(file)).stderr
    exported = [json.loads(line) for line in file.read_text().splitlines()]
    assert len(exported) == status["waiting"]["events"]
    assert [one for one in dead.verify()["damage"] if one["wrong"] != "torn"] == []
    assert "no daemon runs" in dead("status").stdout
    assert len(json.loads(dead("peek", "1", "--json").stdout)) > 5

    purged = dead("purge", "--yes")
    assert "asked the daemon" not in purged.stderr
    assert dead.status()["waiting"]["events"] == 0
    broker.start()
    killed.start()
    wait_until(lambda: len(broker.heard) > RATE)
    first = broker.heard[0]
    assert (first["type"], first["cause"], first["from_seq"]) == ("gap", "purge", 1)
    assert first["to_seq"] == exported[-1]["seq"]
    assert [event for event in broker.heard[1:] if event["type"] == "gap"] == []
    assert [event["seq"] for event in broker.heard[1:4]] == [first["to_seq"] + 1 + number for number in range(3)]


def test_a_purge_of_what_is_old_leaves_what_is_new(killed: GatewayProcess) -> None:
    dead = Commands(killed.state, killed.hot)
    events = dead.export()
    cut = events[len(events) // 2]
    dead("purge", "--before", cut["time"], "--yes")
    gap, *left = dead.export()
    assert gap["cause"] == "purge"
    assert left[0]["time"] >= cut["time"]
    assert left == events[-len(left) :]


def test_a_purge_asks_and_nobody_to_ask_is_wrong_usage(killed: GatewayProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    dead = Commands(killed.state, killed.hot)
    before = dead.status()["waiting"]
    monkeypatch.setattr("sys.stdin", io.StringIO())
    assert "--yes" in dead("purge", code=64).stderr
    assert "there are: mqtt" in dead("purge", "--destination", "nats", "--yes", code=64).stderr
    assert dead.status()["waiting"] == before


def test_verify_after_a_flipped_byte_finds_exactly_that_record(killed: GatewayProcess) -> None:
    dead = Commands(killed.state, killed.hot)
    path = killed.state / "outbox" / f"{1:016d}.seg"
    data = bytearray(path.read_bytes())
    header, at = records_of(killed)[1]
    data[at + 111] ^= 0x01
    path.write_bytes(data)
    (found,) = dead.verify(code=1)["damage"]
    assert (found["file"], found["offset"], found["length"]) == (path.name, at, header.extent)
    assert (found["wrong"], found["events"]) == ("bad checksum", header.count)
    assert "kept in quarantine/" in dead("verify", code=1).stdout
    events = dead.export()
    (gap,) = [event for event in events if event["type"] == "gap"]
    assert (gap["cause"], gap["from_seq"], gap["to_seq"]) == ("damage", header.first_seq, header.last_seq)


READS_ALL_AT_ONCE = """
from sensor_gateway.outbox.inspection.waiting import WaitingEvents

one_by_one = WaitingEvents.__iter__
WaitingEvents.__iter__ = lambda self: iter(list(one_by_one(self)))
"""
AND_TELL_THE_PEAK = """
import re, sys
from pathlib import Path
from sensor_gateway.cli.main import main

code = main()
print(re.search("VmHWM:[^0-9]*([0-9]+) kB", Path("/proc/self/status").read_text())[1])
sys.exit(code)
"""
"""Linux counts what the parent had as its child's peak in ru_maxrss, where exec comes after it: VmHWM begins anew."""
ALLOWED_KB = 8_000
"""How much more memory the export of a hundred thousand events may take than that of a thousand."""


def test_a_hundred_thousand_events_are_exported_in_the_memory_of_a_thousand(tmp_path: Path) -> None:
    few, many = backlog(tmp_path / "few", 1_000), backlog(tmp_path / "many", 100_000)
    (few_count, few_kb), (many_count, many_kb) = export_of(few), export_of(many)
    assert (few_count, many_count) == (1_001, 100_001)
    assert many_kb - few_kb < ALLOWED_KB, f"{few_kb} kB for a thousand, {many_kb} kB for a hundred thousand"
    careless_count, careless_kb = export_of(many, READS_ALL_AT_ONCE)
    assert careless_count == many_count
    assert careless_kb - few_kb > ALLOWED_KB, f"an export that reads all at once is not noticed: {careless_kb} kB"


def export_of(state: Path, change: str = "") -> tuple[int, int]:
    """Lines, and the peak of memory in kB. ``change`` is code that breaks the program."""
    file = state.parent / "out.jsonl"
    command = [
        sys.executable, "-c", change + AND_TELL_THE_PEAK,
        "outbox", "export", "--state-dir", str(state), "--output", str(file),
    ]  # fmt: skip
    ended = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True, timeout=100)
    with file.open("rb") as lines:
        return sum(1 for _ in lines), int(ended.stdout)


BACKLOG = """
import sys
from functools import partial
from pathlib import Path
from sensor_gateway.model.channel import Channel, Source
from sensor_gateway.model.event import ChangeEvent, Quality, Reason
from sensor_gateway.model.quantity import TEMPERATURE
from sensor_gateway.outbox.files.disk import Disk
from sensor_gateway.outbox.files.syncer import SyncerInPlace
from sensor_gateway.outbox.identity import Machine
from sensor_gateway.outbox.inspection.looking import Unheard
from sensor_gateway.outbox.opening import Hands
from sensor_gateway.outbox.outbox import Outbox
from sensor_gateway.outbox.settings import OutboxSettings
from sensor_gateway.service.directories import Directories, note_hot
from sensor_gateway.service.system_clock import SystemClock

clock, disk = SystemClock(), Disk()
box = Outbox.open(
    state_directory=Path(sys.argv[1]), hot_directory=None, gateway="gw", settings=OutboxSettings(keep_free=0),
    clock=clock, machine=Machine(boot_id="", hardware_id=""), log=Unheard(),
    hands=Hands(disk=disk, syncer=SyncerInPlace(disk), is_woken=False),
)
source = Source(sensor="s", channel=Channel(name="t", quantity=TEMPERATURE, low=-1e9, high=1e9, resolution=0.1))
for number in range(0, int(sys.argv[2]), 100):
    box.append([
        ChangeEvent(source=source, value=number + n / 10, quality=Quality.GOOD, reason=Reason.CHANGE, code=None,
                    stamp=clock.stamp())
        for n in range(100)
    ])
    box.tend()
box.close(to_flash=False)
note_hot(Directories(state=Path(sys.argv[1]), hot=None), Unheard(), has_journal=True)
"""


def backlog(root: Path, count: int) -> Path:
    """A state directory in which so many events wait on flash."""
    root.mkdir()
    subprocess.run([sys.executable, "-c", BACKLOG, str(root / "state"), str(count)], check=True, timeout=100)
    return root / "state"
