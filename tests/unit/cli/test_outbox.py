"""``outbox``: which directory it is about, what it says, and what it refuses."""

from __future__ import annotations

import errno
import io
import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sensor_gateway.cli.outbox import discard, place
from sensor_gateway.model.channel import Channel, Source
from sensor_gateway.model.event import ChangeEvent, Quality, Reason
from sensor_gateway.model.quantity import TEMPERATURE
from sensor_gateway.model.writing.figures import counted, duration, events, size
from sensor_gateway.outbox.files.disk import Disk
from sensor_gateway.outbox.files.syncer import SyncerInPlace
from sensor_gateway.outbox.identity import Machine
from sensor_gateway.outbox.inspection import complaints
from sensor_gateway.outbox.inspection.looking import LookingDisk, Unheard
from sensor_gateway.outbox.opening import Hands
from sensor_gateway.outbox.outbox import Outbox
from sensor_gateway.outbox.purge_request import read_request, requests_in, write_request
from sensor_gateway.outbox.settings import OutboxSettings
from sensor_gateway.service.directories import Directories, HotNote, note_hot, noted_hot
from sensor_gateway.service.identity import read_machine
from sensor_gateway.service.system_clock import SystemClock


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No gateway of this machine is touched."""
    for name in ("STATE_DIRECTORY", "RUNTIME_DIRECTORY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "xdg"))
    monkeypatch.setattr(place, "DEFAULT_FILE", tmp_path / "gateway.yaml")
    monkeypatch.setattr(place, "SYSTEM_STATE", tmp_path / "system")
    monkeypatch.setattr(place, "_SYSTEM_HOT", tmp_path / "system-hot")


def open_box(state: Path, hot: Path | None) -> Outbox:
    disk = Disk()
    return Outbox.open(
        state_directory=state,
        hot_directory=hot,
        gateway="attic",
        settings=OutboxSettings(keep_free=0),  # type: ignore[arg-type]
        clock=SystemClock(),
        machine=Machine(boot_id=read_machine(os.environ).boot_id, hardware_id=""),
        log=Unheard(),
        hands=Hands(disk=disk, syncer=SyncerInPlace(disk), is_woken=False),
    )


def append(box: Outbox, count: int) -> list[Any]:
    channel = Channel(name="temperature", quantity=TEMPERATURE, low=-1e9, high=1e9, resolution=0.1)
    source = Source(sensor="shelf", channel=channel)
    stamp = SystemClock().stamp()
    facts: dict[str, Any] = {"source": source, "quality": Quality.GOOD, "reason": Reason.CHANGE, "code": None}
    return box.append([ChangeEvent(value=float(number), stamp=stamp, **facts) for number in range(count)])


@pytest.fixture
def left(tmp_path: Path) -> tuple[Path, Path]:
    """What a stopped gateway left: three events, and the first of the epoch."""
    state, hot = tmp_path / "state", tmp_path / "hot"
    box = open_box(state, hot)
    append(box, 3)
    box.close(to_flash=False)
    return state, hot


def test_the_directories_are_found_as_run_finds_them(
    cli: Callable[..., Any], left: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    state, hot = left
    assert cli("outbox", "status").code == 66
    assert json.loads(cli("outbox", "status", "--json", "--state-dir", state).out)["hot_journal"] is None
    monkeypatch.setenv("STATE_DIRECTORY", str(state))
    monkeypatch.setenv("RUNTIME_DIRECTORY", str(hot))
    found = json.loads(cli("outbox", "status", "--json").out)
    assert (found["directory"], found["hot_journal"]) == (str(state / "outbox"), str(hot / "hot.log"))
    assert found["waiting"]["events"] == 4
    monkeypatch.delenv("STATE_DIRECTORY")
    monkeypatch.delenv("RUNTIME_DIRECTORY")
    state.rename(tmp_path / "system")
    hot.rename(tmp_path / "system-hot")
    assert json.loads(cli("outbox", "status", "--json").out)["waiting"]["events"] == 4


@pytest.mark.parametrize("words", [("status",), ("peek",), ("verify",), ("export",), ("purge", "--yes")])
def test_a_directory_without_an_outbox_is_told_with_a_code_of_its_own(
    cli: Callable[..., Any], tmp_path: Path, words: tuple[str, ...]
) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    ended = cli("outbox", *words, "--state-dir", empty)
    assert (ended.code, ended.out) == (66, "")
    assert f"no outbox in {empty}" in ended.err
    assert list(empty.iterdir()) == []


def test_the_configuration_names_hot_directory_and_limits(
    cli: Callable[..., Any], left: tuple[Path, Path], file: Callable[..., Path]
) -> None:
    state, hot = left
    text = f"outbox: {{hot_directory: {hot}, max_size: 5MB}}\nmqtt: {{url: mqtt://broker.invalid}}\n"
    path = file(text, "outbox.yaml")
    found = json.loads(cli("outbox", "status", "--json", "--state-dir", state, "--config", path).out)
    assert found["waiting"]["in_memory"] == 4
    assert found["flash"]["max_size_bytes"] == 5_000_000
    assert cli("outbox", "status", "--state-dir", state, "--config", file("nonsense: 1", "bad.yaml")).code == 78


def note(state: Path, hot: Path | None, *, has_journal: bool = True) -> None:
    """As the daemon does at its start."""
    note_hot(Directories(state=state, hot=hot), Unheard(), has_journal=has_journal)


def test_the_hot_directory_that_the_daemon_used_last_is_looked_into(
    cli: Callable[..., Any], left: tuple[Path, Path]
) -> None:
    state, hot = left
    note(state, hot)
    found = cli("outbox", "export", "--state-dir", state)
    assert (found.code, found.out.count("\n"), found.err) == (0, 4, "")
    status = json.loads(cli("outbox", "status", "--json", "--state-dir", state).out)
    assert (status["waiting"]["in_memory"], status["is_memory_known"], status["alarms"]) == (4, True, status["alarms"])
    verified = json.loads(cli("outbox", "verify", "--json", "--state-dir", state).out)
    assert (verified["events"], verified["is_memory_known"]) == (4, True)
    assert len(cli("outbox", "peek", "--state-dir", state).out.splitlines()) == 4


def test_what_the_configuration_names_goes_before_what_the_daemon_noted(
    cli: Callable[..., Any], left: tuple[Path, Path], file: Callable[..., Path], tmp_path: Path
) -> None:
    note(left[0], tmp_path / "former")
    path = file(f"outbox: {{hot_directory: {left[1]}}}\nmqtt: {{url: mqtt://broker.invalid}}\n", "outbox.yaml")
    assert cli("outbox", "export", "--state-dir", left[0], "--config", path).out.count("\n") == 4


def test_memory_that_nobody_can_look_into_is_told_by_every_command(
    cli: Callable[..., Any], left: tuple[Path, Path]
) -> None:
    words = ("--state-dir", left[0])
    for command, code in (("export", 74), ("verify", 74), ("peek", 0), ("status", 0)):
        ended = cli("outbox", command, *words)
        assert (ended.code, "what waits in memory is not counted" in ended.out + ended.err) == (code, True), command
    assert "what waits in memory is not counted" in cli("outbox", "export", *words).err
    for command in ("verify", "status"):
        assert json.loads(cli("outbox", command, "--json", *words).out)["is_memory_known"] is False


def test_what_waits_in_the_process_alone_is_told_as_what_it_is(
    cli: Callable[..., Any], left: tuple[Path, Path]
) -> None:
    """With `durability: memory` no directory that could be named would help."""
    note(left[0], None, has_journal=False)
    words = ("--state-dir", left[0])
    box = open_box(*left)
    for command, code in (("export", 74), ("verify", 74), ("peek", 0), ("status", 0)):
        ended = cli("outbox", command, *words)
        told = ended.out + ended.err
        assert (ended.code, "--hot-dir" in told) == (code, False), command
        assert "what waits is in the daemon's process alone (durability: memory), where nobody can look" in told
    assert json.loads(cli("outbox", "status", "--json", *words).out)["is_memory_known"] is False
    assert "--hot-dir" not in cli("outbox", "purge", "--yes", *words).err
    box.close(to_flash=False)
    ended = cli("outbox", "export", *words)
    assert (ended.code, "what waited in the process is gone with it (durability: memory)" in ended.err) == (0, True)


def test_a_gateway_without_a_hot_directory_has_nothing_in_memory(cli: Callable[..., Any], tmp_path: Path) -> None:
    state = tmp_path / "state"
    box = open_box(state, None)
    append(box, 3)
    box.close(to_flash=False)
    note(state, None)
    for command in ("export", "verify", "peek"):
        ended = cli("outbox", command, "--state-dir", state)
        assert (ended.code, ended.err) == (0, ""), command
    found = json.loads(cli("outbox", "status", "--json", "--state-dir", state).out)
    assert (found["alarms"], found["is_memory_known"], found["waiting"]["events"]) == ([], True, 4)


def test_a_hot_journal_that_went_with_the_memory_is_told_and_hides_nothing_else(
    cli: Callable[..., Any], left: tuple[Path, Path]
) -> None:
    """As after a power cut: the directory is the right one, and empty."""
    note(*left)
    (left[1] / "hot.log").unlink()
    for command in ("export", "verify", "peek", "status"):
        ended = cli("outbox", command, "--state-dir", left[0])
        assert (ended.code, f"no hot journal in {left[1]}" in ended.err + ended.out) == (0, True), command


def test_a_hot_directory_that_is_named_and_holds_no_journal_is_refused(
    cli: Callable[..., Any], left: tuple[Path, Path], tmp_path: Path
) -> None:
    note(*left)
    empty = tmp_path / "empty"
    empty.mkdir()
    for wrong in (empty, tmp_path / "absent", left[1] / "hot.log"):
        for words in (("status",), ("peek",), ("verify",), ("export",), ("purge", "--yes")):
            ended = cli("outbox", *words, "--state-dir", left[0], "--hot-dir", wrong)
            assert (ended.code, ended.out) == (66, ""), words
            assert f"no hot journal in {wrong}" in ended.err


def test_the_note_is_written_only_where_it_differs(tmp_path: Path) -> None:
    (tmp_path / "outbox").mkdir()
    file = tmp_path / "outbox" / "hot-directory"
    assert noted_hot(tmp_path) is None
    note(tmp_path, tmp_path / "a b")
    assert file.read_text() == f"{tmp_path}/a b\n"
    before = file.stat().st_ino
    note(tmp_path, tmp_path / "a b")
    assert (file.stat().st_ino, noted_hot(tmp_path)) == (before, HotNote(directory=tmp_path / "a b"))
    note(tmp_path, None)
    assert noted_hot(tmp_path) == HotNote(directory=None)
    file.write_bytes(b"\0\0\0")
    assert noted_hot(tmp_path) is None
    note(tmp_path / "not-there", None)
    assert noted_hot(tmp_path / "not-there") is None


def test_status_fits_a_screen_and_names_what_is_wrong(cli: Callable[..., Any], left: tuple[Path, Path]) -> None:
    ended = cli("outbox", "status", "--state-dir", left[0])
    lines = ended.out.splitlines()
    assert ended.code == 0
    assert len(lines) <= 20
    assert "owner       nobody: no daemon runs on it" in lines
    assert any("name the hot directory with --hot-dir" in line for line in lines)


def test_a_check_is_one_line_and_a_code_for_scripts(
    cli: Callable[..., Any], tmp_path: Path, file: Callable[..., Path]
) -> None:
    state = tmp_path / "state"
    box = open_box(state, None)
    append(box, 3)
    note(state, None)
    words = ("outbox", "status", "--check", "--state-dir", state)
    named = ("--config", file("outbox: {keep_free: 0MB}\nmqtt: {url: mqtt://broker.invalid}\n", "o.yaml"))
    ended = cli(*words, *named)
    assert (ended.code, ended.out, ended.err) == (0, "well: 4 events wait\n", "")
    box.close(to_flash=False)
    ended = cli(*words, *named)
    assert (ended.code, ended.out) == (1, "degraded: 4 events wait; no daemon runs on it\n")
    (segment,) = (state / "outbox").glob("*.seg")
    segment.write_bytes(bytes(segment.stat().st_size))
    ended = cli(*words)
    assert ended.code == 2
    assert ended.out.startswith("bad: ")
    assert "cannot be read any more" in ended.out
    assert ended.out.count("\n") == 1
    assert cli(*words, "--json").code == 64


def test_by_which_limits_the_room_is_judged_is_told_where_no_configuration_says_them(
    cli: Callable[..., Any], left: tuple[Path, Path], file: Callable[..., Path]
) -> None:
    told = "judged by the usual limits: --config FILE names those of the gateway"
    named = ("--config", file("outbox: {max_size: 8MB}\nmqtt: {url: mqtt://broker.invalid}\n", "o.yaml"))
    words = ("outbox", "status", "--state-dir", left[0], "--hot-dir", left[1])
    for form in ((), ("--check",)):
        assert told in cli(*words, *form).out
        assert told not in cli(*words, *form, *named).out
    assert json.loads(cli(*words, "--json").out)["is_configured"] is False
    assert json.loads(cli(*words, "--json", *named).out)["is_configured"] is True


def test_a_hot_directory_on_the_same_disk_is_a_note_and_no_alarm(
    cli: Callable[..., Any], tmp_path: Path, file: Callable[..., Path]
) -> None:
    """It may be meant, so nothing is degraded by it, as `status` sees it too."""
    state, hot = tmp_path / "state", tmp_path / "hot"
    box = open_box(state, hot)
    config = file("outbox: {keep_free: 0MB}\nmqtt: {url: mqtt://broker.invalid}\n", "o.yaml")
    words = ("outbox", "status", "--state-dir", state, "--hot-dir", hot, "--config", config)
    lines = cli(*words).out.splitlines()
    assert f"note        {hot} lies on the same disk as the outbox: each event is written to it" in lines
    assert "alarm       none" in lines
    told = json.loads(cli(*words, "--json").out)
    assert (told["alarms"], [one["name"] for one in told["notes"]]) == ([], ["hot_on_disk"])
    ended = cli(*words, "--check")
    assert (ended.code, ended.out) == (0, "well: 1 event waits\n")
    box.close(to_flash=False)


def test_each_complaint_that_is_bad_is_one_that_can_be_raised() -> None:
    source = Path(complaints.__file__).read_text()
    assert all(f'name="{name}"' in source for name in complaints.BAD)


def test_peek_prints_as_tail_does_and_is_told_how_many(cli: Callable[..., Any], left: tuple[Path, Path]) -> None:
    words = ("--state-dir", left[0], "--hot-dir", left[1])
    lines = cli("outbox", "peek", *words).out.splitlines()
    assert len(lines) == 4
    assert "epoch: a new numbering of events begins" in lines[0]
    assert "shelf.temperature" in lines[1]
    (event,) = cli("outbox", "peek", "1", "--json", *words).out.splitlines()
    assert json.loads(event)["type"] == "epoch"
    assert cli("outbox", "peek", "0", *words).out == ""
    assert cli("outbox", "peek", "-1", *words).code == 64
    assert cli("outbox", "peek", "many", *words).code == 64


def test_an_export_is_exactly_what_is_stored(cli: Callable[..., Any], left: tuple[Path, Path], tmp_path: Path) -> None:
    box = open_box(*left)
    bodies = [item.body for item in box.read(None, max_events=9, max_bytes=9**9)]  # type: ignore[union-attr]
    box.close(to_flash=False)
    out = tmp_path / "out.jsonl"
    ended = cli("outbox", "export", "--output", out, "--state-dir", left[0], "--hot-dir", left[1])
    assert ended.code == 0
    assert f"4 events written to {out}" in ended.err
    assert out.read_bytes() == b"".join(body + b"\n" for body in bodies)


def test_an_export_that_fails_leaves_the_file_as_it_was(
    cli: Callable[..., Any], left: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "there.jsonl"
    out.write_text("old")

    def fail(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", fail)
    ended = cli("outbox", "export", "--output", out, "--state-dir", left[0], "--hot-dir", left[1])
    assert ended.code == 74
    assert out.read_text() == "old"
    assert [path.name for path in tmp_path.iterdir() if "there" in path.name] == ["there.jsonl"]


def test_an_export_writes_through_a_device_or_a_link_and_replaces_neither(
    cli: Callable[..., Any], left: tuple[Path, Path], tmp_path: Path
) -> None:
    pipe, link, target = tmp_path / "pipe", tmp_path / "link", tmp_path / "target"
    os.mkfifo(pipe)
    link.symlink_to(target)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    words = ("outbox", "export", "--state-dir", left[0], "--hot-dir", left[1], "--output")
    assert cli(*words, pipe).code == 0
    assert os.read(reader, 65536).count(b"\n") == 4
    os.close(reader)
    assert pipe.is_fifo()
    assert cli(*words, link).code == 0
    assert link.is_symlink()
    assert target.read_bytes().count(b"\n") == 4


def test_an_output_that_cannot_be_a_file_is_told_by_its_own_name(
    cli: Callable[..., Any], left: tuple[Path, Path], tmp_path: Path
) -> None:
    words = ("outbox", "export", "--state-dir", left[0], "--hot-dir", left[1], "--output")
    for wrong, why in (
        (str(tmp_path), "is a directory"),
        (f"{tmp_path}/not-there.d/", "no such directory"),
        (f"{tmp_path}/not-there/x", "no such directory"),
        (f"{left[1]}/hot.log/x", "no such directory"),
    ):
        ended = cli(*words, wrong)
        assert (ended.code, ended.out) == (74, "")
        assert f"{wrong.rstrip('/')}" in ended.err
        assert why in ended.err
        assert ".new" not in ended.err
    assert not (tmp_path / "not-there.d").exists()


def test_gaps_are_counted_apart_from_events(
    cli: Callable[..., Any], left: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ("--state-dir", left[0], "--hot-dir", left[1])
    assert cli("outbox", "purge", "--yes", *words).code == 0
    box = open_box(*left)
    append(box, 3)
    box.close(to_flash=False)
    ended = cli("outbox", "export", "--output", tmp_path / "out", *words)
    assert "3 events and 1 gap written to" in ended.err
    lines = cli("outbox", "peek", "2", "--json", *words).out.splitlines()
    assert [json.loads(line)["type"] for line in lines] == ["gap", "value", "value"]


def test_a_state_directory_that_is_none_is_told_what_it_is(
    cli: Callable[..., Any], left: tuple[Path, Path], tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    for wrong, why in (
        (left[0] / "outbox", f"{left[0] / 'outbox'} is the outbox itself: name its parent, {left[0]}"),
        (tmp_path / "absent", f"{tmp_path / 'absent'} does not exist"),
        (tmp_path / "file", f"{tmp_path / 'file'} is not a directory"),
    ):
        ended = cli("outbox", "status", "--state-dir", wrong)
        assert (ended.code, why in ended.err) == (66, True), ended.err


def test_the_help_says_what_the_configuration_is_for(cli: Callable[..., Any]) -> None:
    text = " ".join(cli("outbox", "status", "--help").out.split())
    assert "where it is not FILE" not in text
    assert "limits and hot directory" in text


def test_verify_says_sound_or_explains_each_damage(cli: Callable[..., Any], left: tuple[Path, Path]) -> None:
    words = ("outbox", "verify", "--state-dir", left[0], "--hot-dir", left[1])
    assert cli(*words).code == 0
    assert cli(*words).out.startswith("sound: 0 segments")
    journal = left[1] / "hot.log"
    data = bytearray(journal.read_bytes())
    data[-40] ^= 1
    journal.write_bytes(data)
    (left[0] / "outbox" / "epoch").write_text("nonsense")
    ended = cli(*words)
    assert ended.code == 1
    damaged, epoch, summary = ended.out.splitlines()
    assert damaged.startswith("hot.log: at byte ")
    assert epoch == "epoch: at byte 0, 8 bytes: bad checksum; costs no event; epochs are counted on from the records"
    assert summary.startswith("2 damaged: ")


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("answer", "code", "count"), [("yes\n", 0, 0), ("n\n", 1, 4), ("", 1, 4)])
def test_a_purge_asks_on_a_terminal(
    cli: Callable[..., Any],
    left: tuple[Path, Path],
    monkeypatch: pytest.MonkeyPatch,
    answer: str,
    code: int,
    count: int,
) -> None:
    words = ("--state-dir", left[0], "--hot-dir", left[1])
    monkeypatch.setattr("sys.stdin", Terminal(answer))
    ended = cli("outbox", "purge", *words)
    assert ended.code == code
    assert "4 events, measured from 20" in ended.err
    assert json.loads(cli("outbox", "status", "--json", *words).out)["waiting"]["events"] == count


def test_a_purge_without_a_terminal_says_in_one_sentence_what_to_say(
    cli: Callable[..., Any], left: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As with `echo y |`: what is piped in is no answer."""
    words = ("--state-dir", left[0], "--hot-dir", left[1])
    (left[0] / "outbox" / "cursor-nats").touch()
    for more in ((), ("--destination", "nats")):
        monkeypatch.setattr("sys.stdin", io.StringIO("y\n"))
        ended = cli("outbox", "purge", *more, *words)
        assert (ended.code, ended.out, ended.err.count("\n")) == (64, "", 1)
        assert ended.err.startswith("sensor-gateway: ")
        assert "add --yes, since there is no terminal to ask on" in ended.err
    assert json.loads(cli("outbox", "status", "--json", *words).out)["waiting"]["events"] == 4


def test_a_dry_run_says_what_would_go_and_asks_and_changes_nothing(
    cli: Callable[..., Any], left: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ("--dry-run", "--state-dir", left[0], "--hot-dir", left[1])
    cursor = left[0] / "outbox" / "cursor-nats"
    cursor.touch()
    monkeypatch.setattr("sys.stdin", io.StringIO())
    before = {path: path.read_bytes() for path in left[0].rglob("*") if path.is_file()}
    ended = cli("outbox", "purge", *words)
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.startswith("4 events, measured from 20")
    assert ended.out.endswith(", would be discarded\n")
    assert cli("outbox", "purge", "--yes", *words).out == ended.out
    ended = cli("outbox", "purge", "--destination", "nats", *words)
    assert (ended.code, ended.out) == (0, f"the file {cursor}, and no event, would be discarded\n")
    assert {path: path.read_bytes() for path in left[0].rglob("*") if path.is_file()} == before


def test_a_purge_of_nothing_asks_nothing(cli: Callable[..., Any], left: tuple[Path, Path]) -> None:
    words = ("--state-dir", left[0], "--hot-dir", left[1])
    assert cli("outbox", "purge", "--yes", *words).code == 0
    ended = cli("outbox", "purge", *words)
    assert (ended.code, "nothing waits" in ended.err) == (0, True)
    assert cli("outbox", "purge", "--before", "yesterday", *words).code == 64


def test_a_daemon_that_does_not_answer_is_not_waited_for_longer_than_said(
    cli: Callable[..., Any], left: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The request is taken back, so that nothing happens behind the back of whoever gave up."""
    monkeypatch.setattr(discard, "WITHIN_S", 0.4)
    words = ("--state-dir", left[0], "--hot-dir", left[1])
    box = open_box(*left)
    ended = cli("outbox", "purge", "--yes", *words)
    assert (ended.code, "the request is taken back" in ended.err) == (69, True)
    assert requests_in(Disk(), left[0] / "outbox") == []
    box.close(to_flash=False)
    assert json.loads(cli("outbox", "status", "--json", *words).out)["waiting"]["events"] == 4


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EROFS])
def test_a_directory_that_takes_no_request_is_told_in_a_sentence(
    cli: Callable[..., Any], left: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    def refuse(_disk: Disk, path: Path, _flags: int) -> int:
        raise OSError(code, os.strerror(code), str(path))

    monkeypatch.setattr(Disk, "open", refuse)
    monkeypatch.setattr(LookingDisk, "open", lambda _disk, path, flags: os.open(path, flags))
    ended = cli("outbox", "purge", "--yes", "--state-dir", left[0], "--hot-dir", left[1])
    assert ended.code == 74
    assert f"nothing was discarded: {left[0] / 'outbox'} takes not even an empty file: {os.strerror(code)}" in ended.err
    assert "Errno" not in ended.err


def test_who_gives_up_leaves_the_request_of_another(
    cli: Callable[..., Any], left: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(discard, "WITHIN_S", 0.4)
    directory = left[0] / "outbox"

    def another(_said: str) -> None:
        files = requests_in(Disk(), directory)
        mine = read_request(files[0])
        assert mine is not None
        if len(files) == 1:
            write_request(Disk(), directory, replace(mine, nonce="another"))

    monkeypatch.setattr(discard, "say", another)
    box = open_box(*left)
    assert cli("outbox", "purge", "--yes", "--state-dir", left[0], "--hot-dir", left[1]).code == 69
    (request,) = map(read_request, requests_in(Disk(), directory))
    assert request is not None
    assert request.nonce == "another"
    box.close(to_flash=False)


def test_of_a_destination_that_is_not_configured_only_its_cursor_file_goes(
    cli: Callable[..., Any], left: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ("--state-dir", left[0], "--hot-dir", left[1])
    assert "there are: mqtt" in cli("outbox", "purge", "--destination", "nats", "--yes", *words).err
    cursor = left[0] / "outbox" / "cursor-nats"
    cursor.write_bytes(b"x")
    monkeypatch.setattr("sys.stdin", Terminal("no\n"))
    assert cli("outbox", "purge", "--destination", "nats", *words).code == 1
    assert cursor.exists()
    ended = cli("outbox", "purge", "--destination", "nats", "--yes", *words)
    assert f"the file {cursor}, and no event, will be discarded" in ended.err
    assert (ended.code, ended.out) == (0, f"{cursor} is removed\n")
    assert not cursor.exists()
    assert json.loads(cli("outbox", "status", "--json", *words).out)["waiting"]["events"] == 4
    assert cli("outbox", "purge", "--destination", "mqtt", "--yes", *words).code == 0
    assert json.loads(cli("outbox", "status", "--json", *words).out)["waiting"]["events"] == 0


def test_a_cursor_file_that_cannot_be_removed_is_told_in_a_sentence(
    cli: Callable[..., Any], left: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    cursor = left[0] / "outbox" / "cursor-nats"
    cursor.touch()

    def refuse(path: Path, **_: bool) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(path))

    monkeypatch.setattr(Path, "unlink", refuse)
    ended = cli("outbox", "purge", "--destination", "nats", "--yes", "--state-dir", left[0], "--hot-dir", left[1])
    monkeypatch.undo()
    assert (ended.code, ended.out) == (74, "")
    assert f"sensor-gateway: {cursor} cannot be removed: Read-only file system\n" in ended.err


def test_a_refusal_to_look_names_owner_group_and_what_to_do(
    cli: Callable[..., Any], left: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    (left[0] / "outbox").chmod(0o750)
    os.chown(left[0] / "outbox", os.getuid(), 12345) if os.getuid() == 0 else None
    monkeypatch.setattr("os.access", lambda path, mode, **_: Path(path) != left[0] / "outbox")
    file = left[0] / "outbox" / "identity"

    def refuse(_state: Path) -> bool:
        raise PermissionError(13, "Permission denied", str(file))

    monkeypatch.setattr("sensor_gateway.outbox.inspection.snapshot.holds_an_outbox", refuse)
    ended = cli("outbox", "status", "--state-dir", left[0])
    assert ended.code == 77
    assert f"no permission: {left[0] / 'outbox'} belongs to user " in ended.err
    assert "run this with sudo, or as a member of the group" in ended.err


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 B"), (999, "999 B"), (1000, "1 kB"), (12_345, "12.3 kB"), (999_499, "999 kB"), (64_000_000, "64 MB")],
)
def test_sizes_are_for_people(count: int, text: str) -> None:
    assert size(count) == text


def test_times_and_counts_are_for_people() -> None:
    assert [duration(seconds) for seconds in (5, 300, 90_000, 20 * 86_400)] == [
        "5 seconds", "5 minutes", "25 hours", "20 days",
    ]  # fmt: skip
    assert [events(count) for count in (0, 1, 12_345)] == ["0 events", "1 event", "12,345 events"]
    assert [counted(count, "fault") for count in (0, 1, 2)] == ["0 faults", "1 fault", "2 faults"]
