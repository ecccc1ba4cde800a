"""Each source against what the real one says: chronyd's own bytes, the kernel's own structure and files."""

from __future__ import annotations

import errno
import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import get_args, get_type_hints

import pytest

from sensor_gateway.config.settings import ClockSection
from sensor_gateway.service.time_sources.choice import SOURCES, Assumed, Automatic, time_source
from sensor_gateway.service.time_sources.chrony import Chrony, is_synchronised, request
from sensor_gateway.service.time_sources.finding import PLAUSIBLE_MS
from sensor_gateway.service.time_sources.kernel_clock import KernelClock, largest_error_us
from sensor_gateway.service.time_sources.rtc import Rtc
from sensor_gateway.service.time_sources.timesyncd import Timesyncd

# What chronyd 4.3 (Debian 12) answered to sequence 77: with `local stratum 8`, and with no source at all.
SYNCHRONISED = bytes.fromhex(
    "060200000021000500000000000000000000004d00000000000000007f7f01010000000000000000000000000000000000000000000800"
    "00000000006b0caadc27c7ae1e000000000000000000000000000000000000000000000000000000000000000000000000"
)
UNSYNCHRONISED = bytes.fromhex(
    "060200000021000500000000000000000000004d0000000000000000000000000000000000000000000000000000000000000000000000"
    "03000000000000000000000000000000000000000000000000000000000000000000000000048000000480000000000000"
)
NOW_MS = PLAUSIBLE_MS + 10**10


def test_the_names_of_the_configuration_are_the_sources_that_there_are() -> None:
    assert set(get_args(get_args(get_type_hints(ClockSection, include_extras=True)["source"])[0])) == set(SOURCES)
    for name in SOURCES:
        assert time_source(name).look(NOW_MS).why


# --- timesyncd ---------------------------------------------------------------------------------------------------


def test_timesyncd_has_set_the_clock_once_its_mark_is_there(tmp_path: Path) -> None:
    source = Timesyncd(tmp_path)
    assert source.look(NOW_MS).is_set is False
    (tmp_path / "synchronized").touch()
    assert source.look(NOW_MS).is_set is True


def test_without_timesyncd_its_source_says_that_it_does_not_run(tmp_path: Path) -> None:
    finding = Timesyncd(tmp_path / "none").look(NOW_MS)
    assert finding.is_set is False
    assert "does not run here" in finding.why


# --- chrony ------------------------------------------------------------------------------------------------------


def test_chronyds_own_answers_are_understood() -> None:
    assert is_synchronised(SYNCHRONISED, 77) is True
    assert is_synchronised(UNSYNCHRONISED, 77) is False


def test_a_request_is_as_long_as_its_answer_and_says_what_the_protocol_wants() -> None:
    question = request(77)
    assert len(question) == len(SYNCHRONISED)
    assert question[:12] == bytes((6, 1, 0, 0, 0, 33, 0, 0, 0, 0, 0, 77))
    assert not any(question[12:])


@pytest.mark.parametrize("at", [0, 1, 5, 7, 9, 19])
def test_an_answer_with_another_header_is_none(at: int) -> None:
    damaged = bytearray(SYNCHRONISED)
    damaged[at] ^= 1
    assert is_synchronised(bytes(damaged), 77) is None


def test_an_answer_of_any_shorter_length_is_none() -> None:
    assert all(is_synchronised(SYNCHRONISED[:length], 77) is None for length in range(len(SYNCHRONISED)))


@contextmanager
def chronyd(answer: Callable[[bytes], bytes | None]) -> Iterator[int]:
    """Something that answers one question on a UDP port."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listening:
        listening.bind(("127.0.0.1", 0))
        listening.settimeout(5)

        def serve() -> None:
            question, asker = listening.recvfrom(512)
            said = answer(question)
            if said is not None:
                listening.sendto(said, asker)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield listening.getsockname()[1]
        finally:
            thread.join()


def _echo(answer: bytes) -> Callable[[bytes], bytes]:
    return lambda question: answer[:16] + question[8:12] + answer[20:]


@pytest.mark.parametrize(("answer", "is_set"), [(SYNCHRONISED, True), (UNSYNCHRONISED, False)])
def test_chrony_is_asked_over_the_loopback(*, answer: bytes, is_set: bool) -> None:
    with chronyd(_echo(answer)) as port:
        assert Chrony(port).look(NOW_MS).is_set is is_set


def test_a_chronyd_that_does_not_answer_is_waited_for_no_longer_than_a_moment() -> None:
    with chronyd(lambda _: None) as port:
        assert Chrony(port).look(NOW_MS).is_set is None


def test_an_answer_to_another_question_is_not_believed() -> None:
    with chronyd(lambda _: SYNCHRONISED) as port:
        finding = Chrony(port).look(NOW_MS)
    assert finding.is_set is None
    assert "protocol 6" in finding.why


def test_where_no_chronyd_runs_the_reason_names_the_port() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    finding = Chrony(port).look(NOW_MS)
    assert finding.is_set is None
    assert str(port) in finding.why


# --- the kernel --------------------------------------------------------------------------------------------------


def test_the_kernels_structure_is_read_in_its_right_place() -> None:
    try:
        error_us = largest_error_us()
    except PermissionError:
        pytest.skip("this place may not ask the kernel for its clock")
    assert 0 <= error_us <= 16_000_000  # NTP_PHASE_LIMIT, where the kernel stops counting (ntp.c)


@pytest.mark.parametrize(("error_us", "is_set"), [(0, True), (15_999_999, True), (16_000_000, False)])
def test_the_kernels_clock_is_set_while_its_error_is_below_16_s(*, error_us: int, is_set: bool) -> None:
    assert KernelClock(lambda: error_us).look(NOW_MS).is_set is is_set


def test_a_sandbox_that_refuses_the_question_is_named_with_its_remedy() -> None:
    def refuse() -> int:
        raise OSError(errno.EPERM, os.strerror(errno.EPERM))

    finding = KernelClock(refuse).look(NOW_MS)
    assert finding.is_set is None
    assert "ProtectClock=no" in finding.why
    assert "SystemCallFilter=adjtimex" in finding.why


# --- a clock with a battery ----------------------------------------------------------------------------------------


def _rtc(directory: Path, *, shown_s: int, origin: int) -> None:
    device = directory / "rtc0"
    device.mkdir()
    (device / "since_epoch").write_text(f"{shown_s}\n")
    (device / "hctosys").write_text(f"{origin}\n")


def test_a_real_time_clock_that_set_the_clock_is_believed(tmp_path: Path) -> None:
    _rtc(tmp_path, shown_s=NOW_MS // 1000 + 60, origin=1)
    assert Rtc(tmp_path).look(NOW_MS).is_set is True


def test_a_real_time_clock_that_agrees_with_the_clock_is_believed(tmp_path: Path) -> None:
    _rtc(tmp_path, shown_s=NOW_MS // 1000 + 2, origin=0)
    assert Rtc(tmp_path).look(NOW_MS).is_set is True
    assert Rtc(tmp_path).look(NOW_MS - 3000).is_set is False


def test_a_real_time_clock_with_an_empty_battery_is_not_believed(tmp_path: Path) -> None:
    _rtc(tmp_path, shown_s=946_684_800, origin=1)  # 2000-01-01, where a DS3231 starts
    assert Rtc(tmp_path).look(946_684_800_000).is_set is False


def test_where_there_is_no_real_time_clock_the_reason_says_so(tmp_path: Path) -> None:
    assert Rtc(tmp_path).look(NOW_MS).is_set is None
    assert "no real-time clock" in Rtc(tmp_path / "none").look(NOW_MS).why


# --- auto ---------------------------------------------------------------------------------------------------------


def test_auto_asks_timesyncd_alone_where_it_runs(tmp_path: Path) -> None:
    with chronyd(_echo(SYNCHRONISED)) as port:
        assert Automatic(Timesyncd(tmp_path), Chrony(port)).look(NOW_MS).is_set is False
        Chrony(port).look(NOW_MS)  # so that the one that answers ends


def test_auto_asks_chronyd_where_there_is_no_timesyncd(tmp_path: Path) -> None:
    with chronyd(_echo(UNSYNCHRONISED)) as port:
        assert Automatic(Timesyncd(tmp_path / "none"), Chrony(port)).look(NOW_MS).is_set is False


def test_auto_cannot_tell_where_there_is_neither(tmp_path: Path) -> None:
    with chronyd(lambda _: None) as port:
        assert Automatic(Timesyncd(tmp_path / "none"), Chrony(port)).look(NOW_MS).is_set is None


def test_whoever_assumes_that_the_clock_is_right_has_it_so() -> None:
    assert Assumed().look(0).is_set is True
