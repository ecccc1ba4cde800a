"""The page for authors of device files is executable: what it says is written to files, loaded and tried out."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from sensor_drivers.frame import SPEC
from sensor_drivers.frame_request import SPEC as ASKED
from sensor_gateway.config.device_files.shelf import DeviceShelf
from sensor_gateway.config.loading import Loaded, load
from sensor_gateway.config.sensors.reader import SensorReader
from sensor_gateway.config.settings import DefaultsSection
from sensor_gateway.config.text.faults import Report
from sensor_gateway.driver import DriverSpec, crc16_modbus
from sensor_gateway.sensing.catalogue import DriverCatalogue
from sensor_gateway.testing.device_evidence import disagreements

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "device-files.md").read_text("utf-8")
BLOCK = re.compile(r"^```yaml\n# (?P<path>\S+)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)


class Catalogue:
    """The installed drivers, and those for frames."""

    def __init__(self) -> None:
        self._installed = DriverCatalogue()

    def names(self) -> tuple[str, ...]:
        return tuple(sorted({*self._installed.names(), "frame", "frame_request"}))

    def spec(self, name: str) -> DriverSpec:
        return {"frame": SPEC, "frame_request": ASKED}.get(name) or self._installed.spec(name)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "devices").mkdir()
    for block in BLOCK.finditer(PAGE):
        (tmp_path / block["path"]).write_text(block["text"], "utf-8")
    return tmp_path


def loaded(file: Path) -> Loaded:
    return load(file, catalogue=Catalogue(), environ={})


def test_every_code_block_of_the_page_is_a_file_here() -> None:
    assert PAGE.count("```") == 2 * len(BLOCK.findall(PAGE)) == 8


@pytest.mark.parametrize("name", ["gateway.yaml", "network.yaml"])
def test_a_configuration_of_the_page_is_right(folder: Path, name: str) -> None:
    found = loaded(folder / name)
    assert [*map(str, found.faults), *map(str, found.warnings)] == []


def test_the_sensor_of_the_page_says_only_what_is_its_own(folder: Path) -> None:
    configuration = loaded(folder / "gateway.yaml").configuration
    assert configuration is not None
    hall, attic = configuration.sensors["hall"], configuration.sensors["attic"]
    assert (hall.unit, attic.unit) == (5, 6)
    assert hall.options.registers["temperature"].scale == 0.1
    assert attic.options.registers["temperature"].scale == 0.01
    assert attic.options.registers["humidity"] == hall.options.registers["humidity"]


@pytest.mark.parametrize("name", ["tx300", "co2"])
def test_the_evidence_of_the_page_agrees(folder: Path, name: str) -> None:
    report = Report()
    shelf = DeviceShelf((folder / "devices",))
    device = shelf.find(name, report)
    assert device is not None
    entry = SensorReader(Catalogue(), shelf, DefaultsSection(), report).judge(device)
    assert report.faults == []
    assert entry.section is not None
    assert entry.spec is not None
    assert disagreements(device.about.vectors, entry.spec, entry.section) == ()


def test_the_frames_of_the_page_have_the_checksums_that_it_shows() -> None:
    for frame in re.findall(r"`?((?:[0-9A-F]{2} ){5,}[0-9A-F]{2})", PAGE):
        raw = bytes.fromhex(frame)
        if raw[0] == 5:
            assert crc16_modbus(raw[:-2]) == raw[-2:], crc16_modbus(raw[:-2]).hex(" ")


def test_a_port_without_the_parity_of_the_page_is_a_warning(folder: Path) -> None:
    file = folder / "gateway.yaml"
    file.write_text(file.read_text("utf-8").replace("    parity: even\n", ""), "utf-8")
    warnings = [str(warning) for warning in loaded(file).warnings]
    assert len(warnings) == 2
    assert "tx300 expects `parity: even` unless it was set otherwise, and `rs485` has `parity: none`" in warnings[0]
