from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from sensor_gateway.service.doctor.doors.system import SystemDoor

SIMULATED = """\
mqtt: {url: "mqtt://127.0.0.1:1", username: CANARY-user, password_file: login}
gateway: {label: the attic}
buses: {wire: {type: simulated, kind: i2c}}
sensors: {attic: {driver: bme280, bus: wire}}
"""


@pytest.fixture
def simulated(file: Callable[..., Path], tmp_path: Path) -> Path:
    login = tmp_path / "login"
    login.write_text("CANARY-password\n")
    login.chmod(0o600)
    return file(SIMULATED)


@pytest.fixture(autouse=True)
def _own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("NOISY_TOKEN", "CANARY-variable")
    monkeypatch.chdir(tmp_path)


def findings(out: str) -> dict[str, dict[str, Any]]:
    return {finding["subject"]: finding for finding in map(json.loads, out.splitlines())}


def test_the_doctor_tells_what_is_well_and_what_is_wrong_with_its_remedy(
    cli: Callable[..., Any], simulated: Path
) -> None:
    ended = cli("doctor", simulated, "--json")
    assert ended.code == 2
    found = findings(ended.out)
    assert found["configuration"]["grade"] == "ok"
    assert (found["sensors"]["grade"], found["sensors"]["sentence"]) == ("ok", "attic answers")
    assert found["broker"]["grade"] == "wrong"
    assert found["outbox"]["grade"] == "unseen"
    assert {"clock", "disk", "user", "state directory", "versions", "service"} <= set(found)
    assert all(set(one) == {"grade", "subject", "sentence", "remedy"} for one in found.values())


def test_the_doctor_goes_on_where_the_configuration_is_missing_or_wrong(
    cli: Callable[..., Any], file: Callable[..., Path], tmp_path: Path
) -> None:
    for path in (tmp_path / "nowhere.yaml", file("sensors: [\n"), file("mqtt: {url: 7}\nsensors: {a: {}}\n")):
        ended = cli("doctor", path, "--json")
        assert ended.code == 2
        found = findings(ended.out)
        assert found["configuration"]["grade"] == "wrong"
        assert {"clock", "disk", "versions"} <= set(found)


def test_on_a_terminal_or_not_each_remedy_stands_alone_on_its_line(cli: Callable[..., Any], simulated: Path) -> None:
    ended = cli("doctor", simulated)
    lines = ended.out.splitlines()
    at = next(number for number, line in enumerate(lines) if line.startswith("WRONG   broker: "))
    assert lines[at + 1].strip().startswith("nc -vz 127.0.0.1 1")
    assert ended.err == "something is wrong\n"
    assert "\x1b" not in ended.out


def texts(archive: Path) -> Iterator[tuple[str, str]]:
    with tarfile.open(fileobj=io.BytesIO(archive.read_bytes())) as packed:
        for member in packed:
            content = packed.extractfile(member)
            assert content is not None
            yield member.name.partition("/")[2], content.read().decode()


CANARIES = ("CANARY-password", "CANARY-user", "CANARY-variable")


class Telling(SystemDoor):
    """A service whose log and state tell everything that they should not."""

    def unit(self) -> dict[str, str]:
        return {"LoadState": "loaded", "StatusText": "CANARY-variable", "UnitFileState": "enabled"}

    def log(self, lines: int) -> str:
        return f'connecting as CANARY-user\n{{"password": "CANARY-password", "lines": {lines}}}\n'


@pytest.mark.parametrize("name", ["report.tar.gz", "report.txt"])
def test_no_secret_is_in_a_bug_report_whatever_the_log_says(
    cli: Callable[..., Any], simulated: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr("sensor_gateway.service.doctor.doors.system.SystemDoor", Telling)
    report = tmp_path / name
    ended = cli("bugreport", report, "--config", simulated)
    assert ended.code == 0
    parts = dict(texts(report)) if name.endswith("gz") else {"": report.read_text()}
    whole = "".join(parts.values())
    assert not [canary for canary in CANARIES if canary in whole + ended.err]
    assert whole.count("(hidden)") >= 4
    assert "label: the attic" in whole
    assert "connecting as (hidden)" in whole
    assert report.stat().st_mode & 0o777 == 0o600


def test_the_canaries_would_be_found(
    cli: Callable[..., Any], simulated: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: without redaction, all of them are in it but the password, which the configuration itself hides."""
    monkeypatch.setattr("sensor_gateway.service.doctor.doors.system.SystemDoor", Telling)
    monkeypatch.setattr("sensor_gateway.service.bug_report.redaction.redacted", lambda text, _secrets: text)
    assert cli("bugreport", tmp_path / "report.txt", "--config", simulated).code == 0
    whole = (tmp_path / "report.txt").read_text()
    assert all(canary in whole for canary in CANARIES)


@pytest.mark.parametrize(
    "wrong",
    [
        "mqtt: {url: mqtt://b, pasword: CANARY-a, password: [CANARY-b]}\n",
        "mqtt:\n  url: mqtt://u:CANARY-c@b\n",
        "mqtt:\n  password: 'CANARY-d\n",
        "mqtt: {url: mqtt://b, password: {x: CANARY-e}}\n",
    ],
)
def test_no_secret_of_a_wrong_configuration_is_in_a_bug_report(
    cli: Callable[..., Any], file: Callable[..., Path], tmp_path: Path, wrong: str
) -> None:
    path = file(wrong)
    path.chmod(0o600)
    assert cli("bugreport", tmp_path / "report.txt", "--config", path).code == 0
    whole = (tmp_path / "report.txt").read_text()
    assert "my.yaml:" in whole
    assert "CANARY-" not in whole.replace("CANARY-a", "")


def test_a_bug_report_says_what_is_in_it_and_what_could_not_be_had(
    cli: Callable[..., Any], simulated: Path, tmp_path: Path
) -> None:
    ended = cli("bugreport", "--config", simulated)
    (report,) = tmp_path.glob("sensor-gateway-bugreport-*.tar.gz")
    parts = dict(texts(report))
    assert {"contents.txt", "versions.txt", "doctor.txt", "doctor.jsonl", "configuration.yaml", "drivers.txt"} <= set(
        parts
    )
    assert all(name in ended.err and name in parts["contents.txt"] + "contents.txt" for name in parts)
    assert "outbox.json" in parts["missing.txt"]
    assert parts["drivers.txt"].startswith("bme280: ")
    assert len(parts["drivers.txt"].splitlines()) == 1


def test_a_bug_report_is_written_over_nothing(cli: Callable[..., Any], simulated: Path, tmp_path: Path) -> None:
    taken = tmp_path / "taken.txt"
    taken.write_text("mine")
    ended = cli("bugreport", taken, "--config", simulated)
    assert (ended.code, taken.read_text()) == (73, "mine")
    assert cli("bugreport", tmp_path / "no" / "where.txt", "--config", simulated).code == 73


def test_a_bug_report_on_standard_output_is_text(cli: Callable[..., Any], simulated: Path) -> None:
    ended = cli("bugreport", "-", "--config", simulated)
    assert ended.code == 0
    assert ended.out.startswith("===== contents.txt =====\n")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_knows_every_command(cli: Callable[..., Any], shell: str) -> None:
    ended = cli("completion", shell)
    assert (ended.code, ended.err) == (0, "")
    assert all(name in ended.out for name in ("doctor", "outbox", "peek", "state-dir", "check-config"))
