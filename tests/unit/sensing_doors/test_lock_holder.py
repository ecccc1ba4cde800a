from __future__ import annotations

import os
from pathlib import Path

from sensor_gateway.sensing.lock_holder import holder_of, pid_of

LOCKS = """\
1: POSIX  ADVISORY  WRITE 801 fd:01:77 0 EOF
2: FLOCK  ADVISORY  WRITE 802 00:06:77 0 EOF
2: -> FLOCK  ADVISORY  WRITE 803 00:06:78 0 EOF
3: FLOCK  ADVISORY  WRITE 0 00:06:79 0 EOF
4: OFDLCK ADVISORY  READ -1 00:06:80 0 EOF
rubbish
"""


def test_the_flock_on_that_very_file_counts() -> None:
    device = os.makedev(0, 6)
    assert pid_of(LOCKS, device, 77) == 802
    assert pid_of(LOCKS, os.makedev(0xFD, 1), 77) is None  # another kind of lock
    assert pid_of(LOCKS, device, 78) is None  # only waits
    assert pid_of(LOCKS, device, 79) is None  # a process of another container
    assert pid_of(LOCKS, device, 80) is None
    assert pid_of("", device, 77) is None


def proc(tmp_path: Path, node: Path, pid: int) -> Path:
    file = node.stat()
    place = f"{os.major(file.st_dev):02x}:{os.minor(file.st_dev):02x}:{file.st_ino}"
    (tmp_path / "proc" / str(pid)).mkdir(parents=True)
    (tmp_path / "proc" / "locks").write_text(f"1: FLOCK  ADVISORY  WRITE {pid} {place} 0 EOF\n")
    return tmp_path / "proc"


def test_a_holder_is_named_with_its_command(tmp_path: Path, node: Path) -> None:
    folder = proc(tmp_path, node, 4242)
    (folder / "4242" / "comm").write_text("minicom\n")
    assert holder_of(node, folder) == "process 4242 (minicom)"


def test_a_holder_without_a_command_is_a_number(tmp_path: Path, node: Path) -> None:
    assert holder_of(node, proc(tmp_path, node, 4242)) == "process 4242"


def test_this_process_is_named_as_such(tmp_path: Path, node: Path) -> None:
    assert holder_of(node, proc(tmp_path, node, os.getpid())) == "this process itself"


def test_where_nothing_can_be_read_it_is_another_process(tmp_path: Path, node: Path) -> None:
    assert holder_of(node, tmp_path / "nothing") == "another process"
    assert holder_of(tmp_path / "no-node") == "another process"
    (tmp_path / "locks").write_text("")
    assert holder_of(node, tmp_path) == "another process"
