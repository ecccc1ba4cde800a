"""A bug report shows the gateway that runs, without waiting for one that hangs, and says what could not be had."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from sensor_gateway.service.doctor.doors.system import SystemDoor

TEXT = """\
mqtt: {url: "mqtt://127.0.0.1:1", username: CANARY-user}
buses: {wire: {type: simulated, kind: i2c}}
sensors: {attic: {driver: bme280, bus: wire}}
"""
HEALTH = {"gateway": "barn", "lost_total": 7, "link": {"state": "refused", "reason": "not for CANARY-user"}}


class NoSystemd(SystemDoor):
    def unit(self) -> None:
        return None


class NoEntries(SystemDoor):
    def unit(self) -> dict[str, str]:
        return {"LoadState": "not-found"}

    def log(self, lines: int) -> str:
        return "-- No entries --\n"


@pytest.fixture
def listener(tmp_path: Path) -> Iterator[socket.socket]:
    """The control socket of a gateway whose state directory is ``state``."""
    (tmp_path / "state").mkdir()
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "state" / "control.sock"))
        listening.listen()
        yield listening


@pytest.fixture
def report(
    cli: Callable[..., Any], file: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., dict[str, str]]:
    """The parts of a report on the gateway whose state directory is ``state``."""

    def made(door: type[SystemDoor] = NoSystemd) -> dict[str, str]:
        monkeypatch.setattr("sensor_gateway.service.doctor.doors.system.SystemDoor", door)
        ended = cli("bugreport", "-", "--config", file(TEXT), "--state-dir", tmp_path / "state")
        assert ended.code == 0
        pieces = ended.out.split("===== ")[1:]
        return {name: text for name, _, text in (piece.partition(" =====\n") for piece in pieces)}

    return made


def serving(listener: socket.socket, answer: Callable[[socket.socket], None]) -> threading.Thread:
    def serve() -> None:
        client, _ = listener.accept()
        with client, suppress(OSError):
            client.recv(1000)
            answer(client)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    return thread


def test_what_the_running_gateway_tells_is_in_it_without_secrets(
    report: Callable[..., dict[str, str]], listener: socket.socket
) -> None:
    line = json.dumps({"answer": "status", "is_fresh": False, "health": HEALTH}).encode() + b"\n"
    thread = serving(listener, lambda client: client.sendall(line))
    parts = report()
    thread.join(10)
    told = json.loads(parts["status.json"])
    assert (told["is_fresh"], told["health"]["lost_total"]) == (False, 7)
    assert told["health"]["link"]["reason"] == "not for (hidden)"
    assert "status.json" in parts["contents.txt"]


def _for_ever(client: socket.socket) -> None:
    while True:
        client.sendall(b" " * 100)


@pytest.mark.parametrize("answer", [lambda _client: threading.Event().wait(10), _for_ever])
def test_a_gateway_that_hangs_or_never_ends_its_answer_is_not_waited_for(
    report: Callable[..., dict[str, str]],
    listener: socket.socket,
    monkeypatch: pytest.MonkeyPatch,
    answer: Callable[[socket.socket], None],
) -> None:
    monkeypatch.setattr("sensor_gateway.cli.care.bugreport._ANSWERS_WITHIN_S", 0.05)
    serving(listener, answer)
    parts = report()
    assert "status.json" not in parts
    assert "status.json: the gateway at " in parts["missing.txt"]
    assert " hangs: " in parts["missing.txt"]


def test_without_a_gateway_it_says_so(report: Callable[..., dict[str, str]]) -> None:
    missing = report()["missing.txt"].splitlines()
    assert any(line.startswith("status.json: no gateway runs here: ") for line in missing)
    assert any(line.startswith("history.txt: ") and line.endswith("No such file or directory") for line in missing)


def test_what_was_noted_of_earlier_lives_is_in_it(report: Callable[..., dict[str, str]], tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "history").write_text('0badcafe {"ended":"crashed","reason":"CANARY-user"}\n')
    assert report()["history.txt"].strip() == '0badcafe {"ended":"crashed","reason":"(hidden)"}'


@pytest.mark.parametrize("door", [NoSystemd, NoEntries])
def test_a_gateway_by_hand_has_no_log_and_the_report_says_why(
    report: Callable[..., dict[str, str]], door: type[SystemDoor]
) -> None:
    parts = report(door)
    assert "log.txt" not in parts
    (line,) = [line for line in parts["missing.txt"].splitlines() if line.startswith("log.txt: ")]
    assert "a gateway that is started by hand logs to its terminal" in line
