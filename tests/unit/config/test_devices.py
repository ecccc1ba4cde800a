"""Device files: found in the first directory, laid under the sensor's own keys, and judged at their own places."""

from __future__ import annotations

from pathlib import Path

import pytest

from sensor_gateway.config.drivers import Catalogue
from sensor_gateway.config.loading import Loaded, load, load_text
from sensor_gateway.config.settings import SensorSection

GOOD = """\
title: A meter
sources: [its manual]
serial: {baudrate: 9600, parity: even}
driver: meter
unit: 3
interval: 7s
registers:
  flow: {register: 1, scale: 0.1}
  room: {register: 2}
channels:
  room: {publish: false}
"""

FILE = Path("/nowhere/gateway.yaml")
BUS = "buses: {p: {type: serial, port: /dev/x, parity: even}}\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "devices").mkdir()
    (tmp_path / "devices/good.yaml").write_text(GOOD, "utf-8")
    return tmp_path / "devices"


def loaded(text: str, drivers: Catalogue, *folders: Path) -> Loaded:
    return load_text(
        BUS + text, catalogue=drivers, environ={}, file=Path("g.yaml"), devices=folders, needs_broker=False
    )


def sensor(text: str, drivers: Catalogue, *folders: Path) -> SensorSection:
    found = loaded(f"sensors: {{a: {{device: good, bus: p{text}}}}}", drivers, *folders)
    assert [*map(str, found.faults), *map(str, found.warnings)] == []
    assert found.configuration is not None
    return found.configuration.sensors["a"]


def faults(text: str, drivers: Catalogue, *folders: Path) -> list[str]:
    return [str(fault) for fault in loaded(text, drivers, *folders).faults]


def test_a_sensor_has_what_its_device_says(drivers: Catalogue, folder: Path) -> None:
    read = sensor("", drivers, folder)
    assert (read.driver, read.unit, read.interval, read.device) == ("meter", 3, 7.0, "")
    assert read.options.registers["flow"].scale == 0.1
    assert list(read.channels) == ["flow", "room"]
    assert not read.channels["room"].publish


def test_its_own_keys_win_mapping_by_mapping(drivers: Catalogue, folder: Path) -> None:
    own = ", unit: 9, registers: {flow: {scale: 0.01}, more: {register: 5}}, channels: {flow: {deadband: 2}}"
    read = sensor(own, drivers, folder)
    assert (read.unit, read.interval) == (9, 7.0)
    assert read.options.registers["flow"].register == 1
    assert read.options.registers["flow"].scale == 0.01
    assert list(read.options.registers) == ["flow", "room", "more"]
    assert not read.channels["room"].publish


def test_the_first_directory_shadows_the_others(drivers: Catalogue, folder: Path, tmp_path: Path) -> None:
    first = tmp_path / "first"
    first.mkdir()
    (first / "good.yaml").write_text(GOOD.replace("unit: 3", "unit: 8"), "utf-8")
    assert sensor("", drivers, first, tmp_path / "absent", folder).unit == 8
    assert sensor("", drivers, folder, first).unit == 3


def test_devices_beside_the_configuration_are_found_and_told(drivers: Catalogue, folder: Path) -> None:
    file = folder.parent / "gateway.yaml"
    file.write_text(f"{BUS}sensors: {{a: {{device: good, bus: p}}}}\n", "utf-8")
    read = load(file, catalogue=drivers, environ={}, needs_broker=False)
    assert read.faults == ()
    assert read.files == (file, folder / "good.yaml")


def test_an_unknown_device_is_told_with_those_that_there_are(drivers: Catalogue, folder: Path) -> None:
    (said,) = faults("sensors: {a: {device: god, bus: p}}", drivers, folder)
    assert said.startswith("g.yaml:2:23 sensors.a.device: unknown device `god`; did you mean `good`? There are good; ")
    assert said.endswith(f"a file god.yaml in {folder} makes one")
    (said,) = faults("sensors: {a: {device: ../../etc/passwd, bus: p}}", drivers, folder)
    assert said.endswith("There are good")


@pytest.mark.parametrize(
    ("wrong", "right", "said"),
    [
        ("scale: 0.1", "scale: x", "8:30 registers.flow.scale: expected a number, got the text 'x'"),
        (
            "register: 2",
            "register: 40002",
            "9:20 registers.room.register: register 40002 is a manual's number; did you mean 1?",
        ),
        ("driver: meter", "driver: metre", "4:9 driver: unknown driver `metre`; did you mean `meter`?"),
        ("driver: meter\n", "", "1:1 driver: `driver` is missing; expected the name of the chip"),
        ("title:", "titel:", "1:1 titel: unknown key `titel`; did you mean `title`?"),
        ("baudrate:", "baudrat:", "3:10 serial.baudrat: unknown key `baudrat`; did you mean `baudrate`?"),
        ("unit: 3", "unit: 3\nbus: p", "6:1 bus: `bus` is said by each sensor; remove it here"),
        ("unit: 3", "unit: 3\ndevice: good", "6:1 device: `device` is said by each sensor; remove it here"),
        ("interval: 7s", "interval: 7", "6:11 interval: 7 has no unit"),
        ("  room: {publish", "  rom: {publish", "11:3 channels.rom: unknown channel `rom`; did you mean `room`?"),
        ("title: A meter", "title: {", "3:1 a `{` is not closed"),
        (GOOD, "[]", "1:1 expected a mapping"),
    ],
)
def test_a_fault_of_a_device_file_is_told_once_at_its_own_place(
    drivers: Catalogue, folder: Path, wrong: str, right: str, said: str
) -> None:
    (folder / "good.yaml").write_text(GOOD.replace(wrong, right), "utf-8")
    found = faults("sensors: {a: {device: good, bus: p}, b: {device: good, bus: p, unit: 5}}", drivers, folder)
    assert len(found) == 1 or right == "title: {", found
    assert found[0].startswith(f"{folder / 'good.yaml'}:{said}"), found


def test_what_the_sensor_adds_is_judged_at_the_sensor(drivers: Catalogue, folder: Path) -> None:
    own = "registers: {flow: {scale: x}, more: {register: 1}}"
    (said,) = faults(f"sensors: {{a: {{device: good, bus: p, {own}}}}}", drivers, folder)
    assert said.startswith("g.yaml:2:63 sensors.a.registers.flow.scale: expected a number")


def test_a_driver_beside_a_device_is_a_fault(drivers: Catalogue, folder: Path) -> None:
    (said,) = faults("sensors: {a: {device: good, driver: meter, bus: p}}", drivers, folder)
    assert said == "g.yaml:2:29 sensors.a.driver: `device: good` says the driver; remove `driver`, or `device`"


def test_a_port_that_is_set_otherwise_is_a_warning_at_the_device(drivers: Catalogue, folder: Path) -> None:
    text = "buses: {q: {type: serial, port: /dev/y, baudrate: 4800}}\nsensors: {a: {device: good, bus: q}}"
    found = load_text(text, catalogue=drivers, environ={}, devices=(folder,), needs_broker=False)
    assert found.faults == ()
    (said,) = map(str, found.warnings)
    assert said == (
        "gateway.yaml:2:23 sensors.a.device: good expects `baudrate: 9600, parity: even` unless it was set otherwise, "
        "and `q` has `baudrate: 4800, parity: none`"
    )


def test_evidence_without_bytes_is_a_fault(drivers: Catalogue, folder: Path) -> None:
    for wrong, said in (("", "frames is missing"), ("frames: [0x], ", "'0x' is not hexadecimal")):
        vector = f"vectors:\n  - {{{wrong}values: {{flow: 1}}, source: somebody}}\n"
        (folder / "good.yaml").write_text(GOOD + vector, "utf-8")
        (found,) = faults("sensors: {a: {device: good, bus: p}}", drivers, folder)
        assert said in found


def test_a_unit_of_the_device_that_is_taken_is_told_where_the_sensors_stand(drivers: Catalogue, folder: Path) -> None:
    (said,) = faults("sensors:\n  e: {device: good, bus: p}\n  f: {device: good, bus: p}", drivers, folder)
    assert said == (
        "g.yaml:4:15 sensors.f.unit: unit 3 on p is taken by sensor `e` at g.yaml:3:15, as `device: good` says; "
        "write `unit:` in one of them, with the number that it is set to"
    )
    (said,) = faults("sensors:\n  e: {device: good, bus: p, unit: 3}\n  f: {device: good, bus: p}", drivers, folder)
    assert said.startswith("g.yaml:4:15 sensors.f.unit: unit 3 on p is taken by sensor `e` at g.yaml:3:35, as")
    (said,) = faults("sensors:\n  e: {device: good, bus: p}\n  f: {device: good, bus: p, unit: 3}", drivers, folder)
    assert said.startswith("g.yaml:4:35 sensors.f.unit: unit 3 on p is taken by sensor `e` at g.yaml:3:15, as")
    text = "sensors:\n  e: {device: good, bus: p, unit: 3}\n  f: {device: good, bus: p, unit: 3}"
    (said,) = faults(text, drivers, folder)
    assert said.endswith("at g.yaml:3:35; expected another unit, or one sensor for both")


def test_a_device_written_as_a_driver_and_a_driver_written_as_a_device_are_told(
    drivers: Catalogue, folder: Path
) -> None:
    said = faults("sensors: {a: {driver: good, bus: p, unit: 1}}", drivers, folder)
    assert said == ["g.yaml:2:23 sensors.a.driver: `good` is a device file: write `device: good`"]
    said = faults("sensors: {a: {device: meter, bus: p, unit: 1}}", drivers, folder)
    assert said == ["g.yaml:2:23 sensors.a.device: `meter` is a driver: write `driver: meter`"]
