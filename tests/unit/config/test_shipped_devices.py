"""The device files that are shipped: each is right, names its sources, and means what its evidence says."""

from __future__ import annotations

from pathlib import Path

import pytest

from sensor_drivers.frame import SPEC
from sensor_drivers.frame_request import SPEC as ASKED
from sensor_gateway.config.device_files.shelf import SHIPPED, Device, DeviceShelf
from sensor_gateway.config.drivers import Catalogue
from sensor_gateway.config.loading import load_text
from sensor_gateway.config.sensors.reader import SensorEntry, SensorReader
from sensor_gateway.config.settings import DefaultsSection
from sensor_gateway.config.text.faults import Report
from sensor_gateway.model.driver_spec import DriverSpec
from sensor_gateway.sensing.catalogue import DriverCatalogue
from sensor_gateway.testing.device_evidence import disagreements

FILES = sorted(SHIPPED.glob("*.yaml"))


class WithFrames:
    """The installed drivers, and those for frames."""

    def __init__(self) -> None:
        self._installed = DriverCatalogue()

    def names(self) -> tuple[str, ...]:
        return tuple(sorted({*self._installed.names(), "frame", "frame_request"}))

    def spec(self, name: str) -> DriverSpec:
        return {"frame": SPEC, "frame_request": ASKED}.get(name) or self._installed.spec(name)


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return WithFrames()


def judged(shelf: DeviceShelf, name: str, catalogue: Catalogue) -> tuple[Device, SensorEntry]:
    report = Report()
    device = shelf.find(name, report)
    assert device is not None, report.faults
    entry = SensorReader(catalogue, shelf, DefaultsSection(), report).judge(device)
    assert [*map(str, report.faults), *map(str, report.warnings)] == []
    return device, entry


def test_there_are_some() -> None:
    names = {file.stem for file in FILES}
    assert names >= {"xy-md02", "sen0644", "mh-z19", "pms5003", "arduino-dht", "arduino-json"}


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_it_is_right_and_means_what_its_evidence_says(file: Path, catalogue: Catalogue) -> None:
    device, entry = judged(DeviceShelf((SHIPPED,)), file.stem, catalogue)
    assert device.origin == "shipped"
    assert device.about.sources
    assert device.about.vectors
    assert entry.section is not None
    assert entry.spec is not None
    assert disagreements(device.about.vectors, entry.spec, entry.section) == ()
    seen = {name for vector in device.about.vectors for name in vector.values}
    assert seen == {channel.name for channel in entry.channels}


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_sensor_that_names_it_on_a_port_as_it_expects_is_whole(file: Path, catalogue: Catalogue) -> None:
    device, _ = judged(DeviceShelf((SHIPPED,)), file.stem, catalogue)
    baudrate = device.about.serial.baudrate or 9600
    bus = f"buses: {{p: {{type: serial, port: /dev/x, baudrate: {baudrate}}}}}"
    text = f"{bus}\nsensors: {{a: {{device: {file.stem}, bus: p}}}}"
    loaded = load_text(text, catalogue=catalogue, environ={}, needs_broker=False)
    assert [*map(str, loaded.faults), *map(str, loaded.warnings)] == []


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
@pytest.mark.parametrize(
    ("right", "wrong"), [("scale: 0.", "scale: 1."), ("at: 2", "at: 3"), ("type: u32", "type: s16"), ("Temp", "Tmp")]
)
def test_a_map_that_is_wrong_disagrees_with_its_evidence(
    file: Path, right: str, wrong: str, catalogue: Catalogue, tmp_path: Path
) -> None:
    """The control: each of these mistakes, where the file has room for it, is found by its evidence."""
    head, _, vectors = file.read_text("utf-8").partition("\nvectors:")
    about, _, keys = head.partition("\ndriver:")
    if right not in keys or "length_field" in keys:
        return
    (tmp_path / file.name).write_text(f"{about}\ndriver:{keys.replace(right, wrong)}\nvectors:{vectors}", "utf-8")
    device, entry = judged(DeviceShelf((tmp_path,)), file.stem, catalogue)
    assert entry.section is not None
    assert entry.spec is not None
    assert disagreements(device.about.vectors, entry.spec, entry.section)
