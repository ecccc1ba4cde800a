"""Records as https://systemd.io/JOURNAL_NATIVE_PROTOCOL/ has them, read back by a reader of our own of that page."""

from __future__ import annotations

import io
import json
import os
import re
import socket
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensor_gateway.service.logs import open_log
from sensor_gateway.service.systemd.journal import Journal, is_journal, message, record


def fields(datagram: bytes) -> list[tuple[str, str]]:
    """Each field by the two forms of the protocol: NAME=value, or NAME, a 64-bit length, and that many bytes."""
    found, at = [], 0
    while at < len(datagram):
        line = datagram[at : datagram.index(b"\n", at)]
        name, equals, value = line.partition(b"=")
        if equals:
            at += len(line) + 1
        else:
            (length,) = struct.unpack_from("<Q", datagram, at + len(line) + 1)
            start = at + len(line) + 9
            value = datagram[start : start + length]
            assert datagram[start + length : start + length + 1] == b"\n"
            at = start + length + 1
        found.append((name.decode("ascii"), value.decode("utf-8")))
    return found


def test_each_fact_is_a_field_and_the_line_says_all_of_it() -> None:
    found = dict(fields(record("warning", "sensor_lost", {"sensor": "attic", "failures": 3, "reason": "no answer"})))
    assert found == {
        "MESSAGE": 'sensor_lost sensor=attic failures=3 reason="no answer"',
        "PRIORITY": "4",
        "SYSLOG_IDENTIFIER": "sensor-gateway",
        "EVENT": "sensor_lost",
        "SENSOR": "attic",
        "FAILURES": "3",
        "REASON": "no answer",
    }


@pytest.mark.parametrize(("level", "priority"), [("debug", "7"), ("info", "6"), ("warning", "4"), ("error", "3")])
def test_levels_are_those_of_syslog(level: str, priority: str) -> None:
    assert dict(fields(record(level, "x", {})))["PRIORITY"] == priority


def test_a_traceback_of_many_lines_arrives_whole() -> None:
    exception = "Traceback (most recent call last):\n  line\nValueError: no"
    found = dict(fields(record("error", "bus_thread_failed", {"bus": "i2c1", "exception": exception})))
    assert found["EXCEPTION"] == exception
    assert found["MESSAGE"] == f"bus_thread_failed bus=i2c1\n{exception}"


@pytest.mark.parametrize("key", ["message", "priority", "event", "syslog_identifier", "code_file", "_pid", "1wire"])
def test_no_fact_takes_the_place_of_a_field_that_means_something(key: str) -> None:
    found = fields(record("info", "x", {key: "forged"}))
    names = [name for name, _ in found]
    assert len(names) == len(set(names))
    assert [value for name, value in found if value == "forged" and not name.startswith("FACT_")] == []


anything = st.recursive(st.none() | st.text() | st.integers(), st.lists, max_leaves=10)


@given(st.dictionaries(st.text(min_size=1), anything, max_size=6))
def test_whatever_the_facts_are_the_record_is_one_that_journald_takes(facts: dict[str, object]) -> None:
    """Names of systemd.journal-fields(7): upper case, digits and underscores, not at the beginning, 64 at most."""
    datagram = record("info", "x", facts)
    assert len(datagram) < 212_992, "the usual size of a socket's buffer"
    for name, _ in fields(datagram):
        assert re.fullmatch(r"[A-Z][A-Z0-9_]{0,63}", name)


def test_what_is_too_long_is_cut_short() -> None:
    found = dict(fields(record("info", "x", {"reason": "y" * 300_000, **{f"k{n}": n for n in range(200)}})))
    assert len(found["REASON"]) < 10_000
    assert len(found["MESSAGE"]) < 20_000
    assert len(found) < 50


@pytest.fixture
def journald(tmp_path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(tmp_path / "journal"))
        listener.settimeout(0)
        yield listener


def test_a_record_goes_to_journald_and_nothing_elsewhere(journald: socket.socket, tmp_path: Path) -> None:
    elsewhere: list[str] = []
    journal = Journal(otherwise=elsewhere.append, address=str(tmp_path / "journal"))
    journal.write("info", "gateway_started", {"version": "1"})
    assert dict(fields(journald.recv(65536)))["MESSAGE"] == "gateway_started version=1"
    assert elsewhere == []
    journal.close()


def test_without_journald_the_line_goes_to_standard_error(tmp_path: Path) -> None:
    elsewhere: list[str] = []
    journal = Journal(otherwise=elsewhere.append, address=str(tmp_path / "nobody"))
    journal.write("info", "gateway_started", {"version": "1"})
    assert elsewhere == [message("gateway_started", {"version": "1"})]
    journal.close()


def test_a_journal_that_does_not_read_holds_nobody_up_for_long(journald: socket.socket, tmp_path: Path) -> None:
    elsewhere: list[str] = []
    journal = Journal(otherwise=elsewhere.append, address=str(tmp_path / "journal"))
    journal._socket.settimeout(0.001)
    for _ in range(600):
        journal.write("info", "x", {})
    assert elsewhere == []
    assert journald.recv(65536)
    journal.close()


def test_it_is_the_journal_where_the_stream_is_the_one_that_systemd_names(tmp_path: Path) -> None:
    with (tmp_path / "log").open("w") as out:
        found = os.fstat(out.fileno())
        named = f"{found.st_dev}:{found.st_ino}"
        assert is_journal(out, {"JOURNAL_STREAM": named})
        assert not is_journal(out, {"JOURNAL_STREAM": f"{found.st_dev}:{found.st_ino + 1}"})
        assert not is_journal(out, {})
    assert not is_journal(io.StringIO(), {"JOURNAL_STREAM": named})


def test_a_log_whose_stream_is_another_than_the_journals_is_lines_of_json(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where the output of a service is redirected to a file: $JOURNAL_STREAM is inherited all the same."""
    monkeypatch.setenv("JOURNAL_STREAM", "1:1")
    with (tmp_path / "log").open("w") as out:
        open_log(out).info("gateway_started", version="1")
    assert json.loads((tmp_path / "log").read_text())["event"] == "gateway_started"
