from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sensor_gateway.model.driver_spec import Vector
from sensor_gateway.sensing.catalogue import DriverCatalogue

BENCH = """\
buses: {bench: {type: simulated, kind: i2c}}
sensors:
  attic: {driver: bme280, bus: bench, interval: 1s}
  cellar: {driver: sht40, bus: bench, interval: 1s}
  real: {driver: sht40, bus: i2c97}
"""


@pytest.fixture
def config(file: Callable[..., Path]) -> Path:
    return file(BENCH)


@pytest.fixture
def recorded(cli: Callable[..., Any], config: Path, tmp_path: Path) -> Path:
    out = tmp_path / "out.jsonl"
    ended = cli("record", "bench", out, "--config", config, "--for", "10s")
    assert (ended.code, ended.out) == (0, "")
    assert f"replay {out}` plays it" in ended.err
    return out


def test_a_sensor_is_recorded_alone_and_a_bus_whole(
    cli: Callable[..., Any], config: Path, tmp_path: Path, recorded: Path
) -> None:
    one = tmp_path / "one.jsonl"
    assert cli("record", "cellar", one, "--config", config, "--for", "5s").code == 0
    assert {json.loads(line).get("address") for line in one.read_text().splitlines()} == {None, "0x44"}
    assert {json.loads(line).get("address") for line in recorded.read_text().splitlines()} == {None, "0x44", "0x76"}


def test_a_file_that_is_there_is_never_overwritten(cli: Callable[..., Any], config: Path, recorded: Path) -> None:
    before = recorded.read_text()
    ended = cli("record", "bench", recorded, "--config", config, "--for", "1s")
    assert ended.code == 73
    assert "goes into a new file" in ended.err
    assert recorded.read_text() == before


def test_an_unknown_name_is_wrong_usage_with_the_ones_there_are(
    cli: Callable[..., Any], config: Path, tmp_path: Path
) -> None:
    ended = cli("record", "cella", tmp_path / "x.jsonl", "--config", config)
    assert ended.code == 64
    assert "did you mean cellar?" in ended.err
    assert not (tmp_path / "x.jsonl").exists()


def test_a_bus_that_cannot_be_opened_leaves_no_file(cli: Callable[..., Any], config: Path, tmp_path: Path) -> None:
    ended = cli("record", "real", tmp_path / "x.jsonl", "--config", config)
    assert ended.code == 1
    assert "there is no /dev/i2c-97" in ended.err
    assert not (tmp_path / "x.jsonl").exists()


def test_a_replay_shows_each_measurement(cli: Callable[..., Any], recorded: Path) -> None:
    ended = cli("replay", recorded)
    assert (ended.code, ended.err) == (0, "")
    lines = ended.out.splitlines()
    assert len(lines) >= 18
    assert lines[0].split()[1:4] == ["s", "attic", "temperature"]
    assert "hPa" in ended.out


def test_a_replay_shows_the_events_as_they_would_be_published(cli: Callable[..., Any], recorded: Path) -> None:
    ended = cli("replay", recorded, "--events")
    events = [json.loads(line) for line in ended.out.splitlines()]
    assert ended.code == 0
    assert {(event["sensor"], event["channel"]) for event in events} == {
        ("attic", "temperature"), ("attic", "pressure"), ("attic", "humidity"),
        ("cellar", "temperature"), ("cellar", "humidity"),
    }  # fmt: skip
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))


def test_a_replay_prints_a_vector_for_each_sensor_that_its_driver_accepts(
    cli: Callable[..., Any], recorded: Path
) -> None:
    ended = cli("replay", recorded, "--vector")
    vectors: tuple[Vector, ...] = eval("(" + ended.out + ")", {"Vector": Vector})  # noqa: S307 - it is our own
    assert {vector.variant for vector in vectors} == {"bme280", "sht40"}
    for vector in vectors:
        assert DriverCatalogue().spec(vector.variant).replay(vector) == pytest.approx(vector.values)
    assert ended.out.startswith("# The values are what this driver made of the bytes")


def test_a_difference_is_told_and_is_a_failed_check(cli: Callable[..., Any], recorded: Path) -> None:
    recorded.write_text(recorded.read_text().replace('"write": "fd"', '"write": "f6"'))
    ended = cli("replay", recorded)
    assert ended.code == 1
    assert "the driver asks to write fd (address 0x44), and recorded is: write f6" in ended.err


def test_what_is_no_recording_is_66(cli: Callable[..., Any], tmp_path: Path, config: Path) -> None:
    for place, reason in (
        (tmp_path / "nowhere.jsonl", "there is no such file; `sensor-gateway record` writes one"),
        (tmp_path, "it is a directory"),
        (config / "x.jsonl", "Not a directory"),
    ):
        ended = cli("replay", place)
        assert (ended.code, ended.err) == (66, f"sensor-gateway: {place} cannot be replayed: {reason}\n")
    ended = cli("replay", config)
    assert ended.code == 66
    assert "is no recording" in ended.err


def test_a_recording_with_a_driver_that_is_not_installed_is_78(cli: Callable[..., Any], recorded: Path) -> None:
    recorded.write_text(recorded.read_text().replace("driver: sht40", "driver: shtxx"))
    ended = cli("replay", recorded)
    assert ended.code == 78
    assert "unknown driver `shtxx`" in ended.err


def test_a_recording_without_a_good_measurement_is_a_failed_check(
    cli: Callable[..., Any], file: Callable[..., Path], tmp_path: Path
) -> None:
    file("faults: [{sensor: cellar, kind: nack}]", "faults.yaml")
    config = file(BENCH.replace("kind: i2c}", "kind: i2c, scenario: faults.yaml}"))
    out = tmp_path / "x.jsonl"
    assert cli("record", "cellar", out, "--config", config, "--for", "5s").code == 1
    ended = cli("replay", out)
    assert ended.code == 1
    assert "no value (nack)" in ended.out
    assert "no good measurement" in cli("replay", out, "--vector").err
