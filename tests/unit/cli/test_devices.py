from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sensor_gateway.config.loading import load_text
from sensor_gateway.sensing.catalogue import DriverCatalogue

TITLE = "title: A thermometer\nsources: [its manual]\ndriver: modbus\n"
MAP = "registers: {temperature: {register: 1, function: input, type: s16, scale: 0.1, quantity: temperature}}\n"
VECTOR = "vectors: [{frames: [01 04 02 01 31 79 74], values: {temperature: 30.5}, source: its manual}]\n"


@pytest.fixture
def own(tmp_path: Path) -> Callable[[str], tuple[str, ...]]:
    """Writes a device file beside a configuration; the arguments that name it."""

    def write(text: str) -> tuple[str, ...]:
        (tmp_path / "devices").mkdir(exist_ok=True)
        (tmp_path / "devices/mine.yaml").write_text(text, "utf-8")
        return ("devices", "mine", "--config", str(tmp_path / "gateway.yaml"))

    return write


def test_every_device_is_listed_with_its_driver_its_channels_and_its_origin(cli: Callable[..., Any]) -> None:
    lines = cli("devices").out.splitlines()
    row = next(line for line in lines if line.startswith("xy-md02 "))
    assert row.split() == ["xy-md02", "modbus", "temperature,", "humidity", "shipped"]


def test_a_device_is_shown_with_an_example_that_is_right(cli: Callable[..., Any]) -> None:
    ended = cli("devices", "xy-md02")
    assert (ended.code, ended.err) == (0, "")
    assert "  evidence   2 tried out, all agree" in ended.out
    example = ended.out.partition("\n\n")[2]
    loaded = load_text(example, catalogue=DriverCatalogue(), environ={}, needs_broker=False)
    assert (loaded.faults, loaded.warnings) == ((), ())


def test_one_of_ones_own_is_tried_out_too(cli: Callable[..., Any], own: Callable[[str], tuple[str, ...]]) -> None:
    ended = cli(*own(TITLE + MAP + VECTOR))
    assert (ended.code, ended.err) == (0, "")
    assert "mine: A thermometer" in ended.out
    assert "      unit: 1" in ended.out


def test_one_whose_evidence_disagrees_fails(cli: Callable[..., Any], own: Callable[[str], tuple[str, ...]]) -> None:
    ended = cli(*own(TITLE + MAP.replace("0.1", "0.01") + VECTOR))
    assert ended.code == 1
    assert "vector 1: expected {'temperature': 30.5}, got {'temperature': 3.05" in ended.err
    ended = cli(*own(TITLE + MAP.replace("input", "holding") + VECTOR), "--json")
    assert "is no answer to 01 03 00 01 00 01" in json.loads(ended.out)["complaints"][0]


def test_one_with_a_fault_fails_with_its_place(cli: Callable[..., Any], own: Callable[[str], tuple[str, ...]]) -> None:
    ended = cli(*own(TITLE + MAP.replace("s16", "int16")))
    assert ended.code == 1
    assert "mine.yaml:4:" in ended.err
    assert "did you mean `s16`?" in ended.err
    assert cli(*own("[")).code == 1


def test_an_unknown_name_is_wrong_usage(cli: Callable[..., Any]) -> None:
    ended = cli("devices", "xy-md20")
    assert ended.code == 64
    assert "did you mean xy-md02?" in ended.err


def test_an_unknown_name_says_where_it_was_looked_for(
    cli: Callable[..., Any], own: Callable[[str], tuple[str, ...]]
) -> None:
    words = own(TITLE + MAP)
    said = cli("devices", "mine").err
    assert "looked for mine.yaml in /etc/sensor-gateway/devices; for files beside your own configuration" in said
    assert "add `--config gateway.yaml`" in said
    said = cli("devices", "mien", *words[2:]).err
    assert "did you mean mine?" in said
    assert f"looked for mien.yaml in {Path(words[-1]).parent}/devices and /etc/sensor-gateway/devices" in said
    assert "add `--config" not in said
