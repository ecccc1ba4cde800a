from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sensor_gateway.cli.machine_check import lacks
from sensor_gateway.config.loading import load
from sensor_gateway.sensing.catalogue import DriverCatalogue
from sensor_gateway.service.system_clock import SystemClock

WRONG = "mqtt: {url: mqtt://b}\nsensors:\n  attic: {driver: bme281, bus: i2c1}\n  cellar: {bus: i2c1}\n"

WITH_SCENARIO = """\
mqtt: {url: mqtt://b}
buses: {wire: {type: simulated, kind: i2c, scenario: storm.yaml}}
sensors: {attic: {driver: bme280, bus: wire}}
"""


def test_a_right_file_is_fine(cli: Callable[..., Any], file: Callable[..., Path]) -> None:
    ended = cli("check-config", path := file())
    assert (ended.code, ended.out, ended.err) == (0, f"{path}: fine, 1 sensor\n", "")


def test_a_file_without_sensors_is_fine_and_says_what_comes_next(
    cli: Callable[..., Any], file: Callable[..., Path]
) -> None:
    ended = cli("check-config", file("mqtt: {url: mqtt://b}\n"))
    assert ended.code == 0
    assert "0 sensors: add one below `sensors:`" in ended.out


def test_every_fault_of_every_file_is_told_with_its_place(cli: Callable[..., Any], file: Callable[..., Path]) -> None:
    right, wrong = file(), file(WRONG, "wrong.yaml")
    ended = cli("check-config", wrong, right, wrong)
    assert ended.code == 78
    assert ended.out == f"{right}: fine, 1 sensor\n"
    lines = ended.err.splitlines()
    assert len(lines) == 4
    assert lines[0].startswith(f"{wrong}:3:19 sensors.attic.driver: unknown driver `bme281`")


def test_as_json_each_fault_is_an_object_and_nothing_else_is_said(
    cli: Callable[..., Any], file: Callable[..., Path]
) -> None:
    right, wrong = file(), file(WRONG, "wrong.yaml")
    assert cli("check-config", "--json", right).out == ""
    ended = cli("check-config", "--json", wrong, right)
    assert (ended.code, ended.err) == (78, "")
    faults = [json.loads(line) for line in ended.out.splitlines()]
    assert [(fault["level"], fault["line"], fault["path"]) for fault in faults] == [
        ("fault", 3, "sensors.attic.driver"),
        ("fault", 4, "sensors.cellar.driver"),
    ]
    assert {fault["file"] for fault in faults} == {str(wrong)}
    assert all(fault["message"] and fault["column"] > 0 for fault in faults)


@pytest.mark.parametrize("kind", ["missing", "directory", "binary", "empty", "nul"])
def test_what_is_no_configuration_file_is_a_fault(cli: Callable[..., Any], tmp_path: Path, kind: str) -> None:
    path = tmp_path / "it"
    if kind == "directory":
        path.mkdir()
    elif kind != "missing":
        path.write_bytes({"binary": bytes(range(256)), "empty": b"", "nul": b"a: \0"}[kind])
    for command in ("check-config", "simulate") if kind != "empty" else ("check-config",):
        ended = cli(command, path)
        assert (ended.code, ended.out) == (78, "")
        assert ended.err.startswith(f"{path}:")
    assert cli("read", "--all", "--config", path).code == (78 if kind != "empty" else 64)


def test_secrets_are_looked_for_only_here(cli: Callable[..., Any], file: Callable[..., Path]) -> None:
    path = file("mqtt: {url: mqtt://b, username: u, password_file: nowhere}\n")
    assert cli("check-config", path).code == 0
    ended = cli("check-config", "--here", path)
    assert ended.code == 78
    assert "mqtt.password_file: there is no" in ended.err


def test_the_program_of_a_recover_command_is_looked_for_only_here(
    cli: Callable[..., Any], file: Callable[..., Path]
) -> None:
    text = (
        "buses: {wire: {type: simulated, kind: i2c, recover: {command: [%s]}}}\n"
        "sensors: {attic: {driver: tmp1075, bus: wire}}\nmqtt: {url: 'mqtt://127.0.0.1:1'}\n"
    )
    path = file(text % "no-such-program-anywhere")
    assert cli("check-config", path).code == 0
    ended = cli("check-config", "--here", path)
    assert ended.code == 1
    assert "here: buses.wire.recover.command: there is no program no-such-program-anywhere in /usr/local/" in ended.err
    assert "recover" not in cli("check-config", "--here", file(text % "true")).err


@pytest.mark.parametrize(
    ("mqtt", "left"),
    [
        ("username: u, password_file: nowhere", "mqtt.password_file was"),
        ("username: u, password: p", "mqtt.password was"),
        ("tls: {ca_file: nowhere.pem}", "mqtt.tls was"),
        ("username: u, password_file: nowhere, tls: {ca_file: nowhere.pem}", "mqtt.password_file and mqtt.tls were"),
        ("tls: {}", ""),
        ("username: u", ""),
    ],
)
def test_a_secret_that_was_not_looked_at_is_told_with_the_word_that_does(
    cli: Callable[..., Any], file: Callable[..., Path], mqtt: str, left: str
) -> None:
    path = file(f"mqtt: {{url: mqtts://b, {mqtt}}}\nsensors: {{attic: {{driver: bme280, bus: i2c1}}}}\n")
    ended = cli("check-config", path)
    assert (ended.code, ended.out) == (
        0,
        f"{path}: fine, 1 sensor{f'; {left} not looked at: --here does' * bool(left)}\n",
    )
    assert cli("check-config", "--json", path).out == ""


def test_a_password_that_may_not_be_read_leaves_the_broker_alone_and_is_told(file: Callable[..., Path]) -> None:
    path = file("mqtt: {url: mqtt://127.0.0.1:1, username: u, password_file: mqtt-password}\n")
    catalogue = DriverCatalogue()
    configuration = load(path, catalogue=catalogue, environ={}).configuration
    assert configuration is not None
    unseen = [*map(str, lacks(configuration, catalogue, SystemClock(), "x may not be read"))]
    assert unseen == ["mqtt.password_file: x may not be read"]
    (asked,) = map(str, lacks(configuration, catalogue, SystemClock()))
    assert asked.startswith("mqtt.url: ")


def test_here_reads_the_credentials_of_the_service_that_stand_beside_the_file(
    cli: Callable[..., Any], file: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    path = file("mqtt: {url: mqtt://127.0.0.1:1, username: u, password_file: mqtt-password}\n")
    assert cli("check-config", "--here", path).code == 78
    (path.parent / "credentials").mkdir()
    (path.parent / "credentials" / "mqtt-password").write_text("s3cret\n")
    ended = cli("check-config", "--here", path)
    assert (ended.code, "here: mqtt.url: " in ended.err, "password_file" in ended.err) == (1, True, False)


def test_the_scenario_of_a_simulated_bus_is_checked_too(cli: Callable[..., Any], file: Callable[..., Path]) -> None:
    path = file(WITH_SCENARIO)
    scenario = path.with_name("storm.yaml")
    assert f"{scenario}:1:1 the file cannot be read" in cli("check-config", path).err
    scenario.write_text("values:\n  attic.temprature: 20\n")
    ended = cli("check-config", path)
    assert (ended.code, ended.err) == (78, f"{scenario}:2:3 values.attic.temprature: no such channel is configured\n")
    scenario.write_text("values:\n  attic.temperature: 20\n")
    assert cli("check-config", path).code == 0


def test_the_configuration_is_shown_as_yaml_that_is_right_itself(
    cli: Callable[..., Any], file: Callable[..., Path]
) -> None:
    ended = cli("config", "show", "--config", file())
    assert (ended.code, ended.err) == (0, "")
    assert cli("check-config", file(ended.out, "shown.yaml")).code == 0


def test_the_schema_is_json(cli: Callable[..., Any]) -> None:
    assert "sensors" in json.loads(cli("config", "schema").out)["properties"]
