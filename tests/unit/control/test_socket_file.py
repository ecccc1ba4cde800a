"""The file of the control socket."""

from __future__ import annotations

import os
import socket
import stat
from pathlib import Path

import pytest

from sensor_gateway.service.control.socket_file import SocketTaken, connect, listen, socket_file, take_away


def test_it_is_in_the_runtime_directory_and_without_one_in_the_state_directory() -> None:
    assert socket_file({"RUNTIME_DIRECTORY": "/run/a:/run/b"}, Path("/s")) == Path("/run/a/control.sock")
    assert socket_file({}, Path("/s")) == Path("/s/control.sock")


@pytest.mark.parametrize("umask", [0o000, 0o027, 0o077])
def test_owner_and_group_may_connect_and_nobody_else_whatever_the_umask_is(tmp_path: Path, umask: int) -> None:
    file = tmp_path / "control.sock"
    before = os.umask(umask)
    try:
        listener = listen(file)
    finally:
        os.umask(before)
    with listener:
        assert stat.S_IMODE(file.stat().st_mode) == 0o660
        assert [one.name for one in tmp_path.iterdir()] == ["control.sock"]


def test_what_a_killed_process_left_is_replaced(tmp_path: Path) -> None:
    file = tmp_path / "control.sock"
    listen(file).close()
    with pytest.raises(ConnectionRefusedError):
        connect(file, 1.0)
    with listen(file) as listener, connect(file, 1.0):
        listener.accept()[0].close()


def test_the_socket_of_a_process_that_listens_is_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "control.sock"
    with listen(file) as first:
        with pytest.raises(SocketTaken, match="another process listens"):
            listen(file)
        with connect(file, 1.0):
            first.accept()[0].close()


def test_a_file_that_is_no_socket_is_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "control.sock"
    file.write_text("precious")
    with pytest.raises(SocketTaken, match="move it away"):
        listen(file)
    assert file.read_text() == "precious"


def test_a_path_that_the_kernel_finds_too_long_will_do(tmp_path: Path) -> None:
    directory = tmp_path / ("d" * 120)
    directory.mkdir()
    with socket.socket(socket.AF_UNIX) as plain, pytest.raises(OSError, match="too long"):
        plain.bind(str(directory / "control.sock"))
    with listen(directory / "control.sock") as listener, connect(directory / "control.sock", 1.0):
        listener.accept()[0].close()


def test_only_the_own_file_is_taken_away(tmp_path: Path) -> None:
    file = tmp_path / "control.sock"
    with listen(file):
        inode = file.stat().st_ino
        take_away(file, inode + 1)
        assert file.exists()
        take_away(file, inode)
        take_away(file, inode)
    assert not file.exists()


def test_a_directory_that_is_not_there_is_an_error_and_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        listen(tmp_path / "no" / "control.sock")
