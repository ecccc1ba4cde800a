"""What goes to the service manager, as sd_notify(3) and sd_watchdog_enabled(3) describe it."""

from __future__ import annotations

import os
import socket
import time
from pathlib import Path

import pytest

from sensor_gateway.service.systemd.notification import Notifier, watchdog_s


def listener(address: str) -> socket.socket:
    heard = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    heard.bind(address)
    heard.settimeout(0)
    return heard


def test_states_go_out_in_one_message_a_line_for_each(tmp_path: Path) -> None:
    with listener(str(tmp_path / "notify")) as heard:
        notifier = Notifier({"NOTIFY_SOCKET": str(tmp_path / "notify")})
        assert notifier.is_heard
        notifier.tell("READY=1", "STATUS=all well")
        assert heard.recv(4096) == b"READY=1\nSTATUS=all well"


def test_an_abstract_socket_is_written_with_an_at_sign() -> None:
    name = f"sensor-gateway-test-{os.getpid()}"
    with listener(f"\0{name}") as heard:
        Notifier({"NOTIFY_SOCKET": f"@{name}"}).tell("WATCHDOG=1")
        assert heard.recv(4096) == b"WATCHDOG=1"


def test_a_status_cannot_carry_a_state_of_its_own(tmp_path: Path) -> None:
    with listener(str(tmp_path / "notify")) as heard:
        Notifier({"NOTIFY_SOCKET": str(tmp_path / "notify")}).tell("STATUS=a\nWATCHDOG=1")
        assert heard.recv(4096) == b"STATUS=a WATCHDOG=1"


def test_a_reload_is_told_with_the_moment_at_which_it_began(tmp_path: Path) -> None:
    with listener(str(tmp_path / "notify")) as heard:
        before_us = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
        Notifier({"NOTIFY_SOCKET": str(tmp_path / "notify")}).tell_reloading()
        after_us = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
        first, second = heard.recv(4096).decode().split("\n")
    assert first == "RELOADING=1"
    name, _, moment_us = second.partition("=")
    assert name == "MONOTONIC_USEC"
    assert before_us <= int(moment_us) <= after_us


@pytest.mark.parametrize("environ", [{}, {"NOTIFY_SOCKET": ""}, {"NOTIFY_SOCKET": "vsock:2:1234"}])
def test_without_a_socket_that_we_know_nothing_is_told(environ: dict[str, str]) -> None:
    notifier = Notifier(environ)
    assert not notifier.is_heard
    notifier.tell("READY=1")
    notifier.tell_reloading()


def test_a_manager_that_is_gone_or_does_not_read_stops_nobody(tmp_path: Path) -> None:
    Notifier({"NOTIFY_SOCKET": str(tmp_path / "nobody")}).tell("READY=1")
    with listener(str(tmp_path / "notify")) as heard:
        notifier = Notifier({"NOTIFY_SOCKET": str(tmp_path / "notify")})
        for _ in range(2000):
            notifier.tell("STATUS=" + "x" * 100)
        assert heard.recv(4096).startswith(b"STATUS=x")


@pytest.mark.parametrize(
    ("environ", "seconds"),
    [
        ({"WATCHDOG_USEC": "60000000"}, 60.0),
        ({"WATCHDOG_USEC": "60000000", "WATCHDOG_PID": "17"}, 60.0),
        ({"WATCHDOG_USEC": "60000000", "WATCHDOG_PID": "18"}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "-5"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
        ({}, None),
    ],
)
def test_a_watchdog_is_heeded_where_it_waits_for_this_process(environ: dict[str, str], seconds: float | None) -> None:
    assert watchdog_s(environ, pid=17) == seconds
