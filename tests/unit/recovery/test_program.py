"""Real programs that hang, fail, refuse to end, leave children behind, and write without end. Time is passed in."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from sensor_gateway.service.recovery.program import GRACE_S, MOST_OUTPUT, Ended, Program, missing

Script = Callable[[str], list[str]]
Watched = Callable[..., Ended]
FOREVER_S = 1e9


def started(command: list[str], until_s: float = FOREVER_S) -> Program:
    return Program(command, {"SENSOR_GATEWAY_BUS": "i2c1"}, until_s=until_s)


def is_alive(pid: int) -> bool:
    """Whether it runs; a zombie does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def wait_until(condition: Callable[[], bool]) -> None:
    pause = threading.Event()
    for _ in range(2000):
        if condition():
            return
        pause.wait(0.005)
    raise AssertionError("it did not come to pass")


def number_in(file: Path) -> int:
    wait_until(lambda: file.exists() and bool(file.read_text()))
    return int(file.read_text())


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def test_a_program_that_ends_tells_its_code_and_what_it_wrote(script: Script, watched: Watched) -> None:
    ended = watched(started(script("import sys; print('out'); print('err', file=sys.stderr); sys.exit(3)")))
    assert (ended.exit_code, ended.was_stopped) == (3, False)
    assert set(ended.output.split()) == {"out", "err"}


def test_it_inherits_nothing_but_its_facts(
    script: Script, watched: Watched, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", "/nowhere")
    monkeypatch.setenv("SECRET_CANARY", "x")
    read, write = os.pipe()
    os.set_inheritable(read, True)  # noqa: FBT003 - the name says what is set
    text = """
import json, os, sys
print(json.dumps({
    "environ": dict(os.environ), "cwd": os.getcwd(), "files": len(os.listdir("/proc/self/fd")),
    "stdin": os.readlink("/proc/self/fd/0"), "session": os.getsid(0) == os.getpid(),
}))
"""
    try:
        told = json.loads(watched(started(script(text))).output)
    finally:
        os.close(read)
        os.close(write)
    environ = {name: value for name, value in told["environ"].items() if name != "LC_CTYPE"}  # Python's own
    assert environ == {
        "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "LANG": "C.UTF-8",
        "HOME": "/",
        "SENSOR_GATEWAY_BUS": "i2c1",
    }
    assert (told["cwd"], told["stdin"], told["session"]) == ("/", "/dev/null", True)
    assert told["files"] == 4  # three, and the folder that is looked into


def test_nobody_waits_for_a_program_that_hangs_and_it_is_ended_in_time(script: Script, watched: Watched) -> None:
    program = started(script("import time; time.sleep(3600)"), until_s=10.0)
    began_s = time.monotonic()
    assert program.look(9.9) is None
    assert program.look(10.0) is None
    assert time.monotonic() - began_s < 1.0
    ended = watched(program, 10.0)
    assert (ended.exit_code, ended.was_stopped) == (-signal.SIGTERM, True)


def test_one_that_ignores_the_polite_signal_is_killed_a_second_later(
    script: Script, watched: Watched, tmp_path: Path
) -> None:
    ready = tmp_path / "ready"
    text = (
        f"import signal, time; signal.signal(15, signal.SIG_IGN); open({str(ready)!r}, 'w').close(); time.sleep(3600)"
    )
    program = started(script(text), until_s=10.0)
    wait_until(ready.exists)
    assert program.look(10.0) is None
    assert program.look(10.0 + GRACE_S / 2) is None
    assert watched(program, 10.0 + GRACE_S).exit_code == -signal.SIGKILL


@pytest.mark.parametrize("ignores", [False, True])
def test_a_grandchild_that_keeps_the_pipe_open_blocks_nobody_and_is_killed(
    script: Script, watched: Watched, tmp_path: Path, *, ignores: bool
) -> None:
    file = tmp_path / "pid"
    grandchild = f"import signal, time{'; signal.signal(15, signal.SIG_IGN)' if ignores else ''}; time.sleep(3600)"
    text = f"""
import subprocess, sys
child = subprocess.Popen([sys.executable, "-I", "-S", "-c", {grandchild!r}])
open({str(file)!r}, "w").write(str(child.pid))
print("done")
"""
    began_s = time.monotonic()
    ended = watched(started(script(text)))
    assert (ended.exit_code, ended.output, ended.was_stopped) == (0, "done", False)
    assert time.monotonic() - began_s < 10
    wait_until(lambda: not is_alive(number_in(file)))


def test_a_grandchild_in_a_session_of_its_own_blocks_nobody(script: Script, watched: Watched, tmp_path: Path) -> None:
    file = tmp_path / "pid"
    text = f"""
import subprocess, sys
command = [sys.executable, "-I", "-S", "-c", "import time; time.sleep(3600)"]
child = subprocess.Popen(command, start_new_session=True)
open({str(file)!r}, "w").write(str(child.pid))
"""
    assert watched(started(script(text))).exit_code == 0
    os.kill(number_in(file), signal.SIGKILL)  # it is beyond a group, and systemd's to end


def test_ten_megabytes_of_output_are_taken_and_the_end_of_them_is_kept(script: Script, watched: Watched) -> None:
    text = """
import sys
for _ in range(160):
    sys.stdout.write("x" * 65536)
print("the end")
"""
    ended = watched(started(script(text)))
    assert ended.exit_code == 0
    assert ended.output.startswith("... xxx")
    assert ended.output.endswith("xxx" + "the end")
    assert MOST_OUTPUT - 10 < len(ended.output) < MOST_OUTPUT + 10


def test_one_that_writes_without_end_is_ended_in_time_and_no_look_lasts(script: Script, watched: Watched) -> None:
    program = started(["yes"], until_s=10.0)
    for _ in range(5):
        began_s = time.thread_time()
        assert program.look(9.0) is None
        assert time.thread_time() - began_s < 1.0
    ended = watched(program, 10.0)
    assert ended.was_stopped
    assert len(ended.output) < MOST_OUTPUT + 10


def test_bytes_that_are_no_text_and_signs_for_terminals_do_no_harm(script: Script, watched: Watched) -> None:
    ended = watched(started(script(r"import sys; sys.stdout.buffer.write(b'a\xff\x1b[31mb\x00\n\tc')")))
    assert ended.output == "a\ufffd\ufffd[31mb\ufffd\n\tc"


def test_what_cannot_be_run_is_an_error_of_the_system_and_leaves_nothing_behind(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    plain = tmp_path / "plain"
    plain.write_text("#!/bin/sh\n")
    broken = tmp_path / "broken"
    broken.write_text("#!/no/such/shell\n")
    broken.chmod(0o755)
    files = descriptors()
    for program in ("no-such-program-anywhere", str(tmp_path / "nothing"), str(folder), str(plain), str(broken)):
        with pytest.raises(OSError, match=r"."):
            started([program])
    assert descriptors() == files
    assert "there is no program no-such-program-anywhere in /usr/local/sbin:" in missing("no-such-program-anywhere")
    assert missing(str(tmp_path / "nothing")) == f"there is no {tmp_path / 'nothing'}"
    assert "may not be run" in missing(str(plain))
    assert "may not be run" in missing(str(folder))
    assert missing("sh") == missing("/bin/sh") == ""


def children() -> set[str]:
    return set(Path(f"/proc/self/task/{os.getpid()}/children").read_text().split())


def test_two_hundred_runs_leave_no_zombie_and_no_descriptor(watched: Watched) -> None:
    before, files = children(), descriptors()
    for number in range(200):
        program = started(["sleep", "3600"] if number % 2 else ["true"], until_s=10.0)
        watched(program, 20.0 if number % 2 else 0.0)
    assert children() == before
    assert descriptors() == files
    left = started(["true"])  # the control: one at which nobody looks is seen by both
    assert children() != before
    assert descriptors() != files
    watched(left)
    assert children() == before
