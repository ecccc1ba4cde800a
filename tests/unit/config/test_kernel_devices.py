"""What the kernel measures, in a file: without a bus, with one that is shared, and wrong."""

from __future__ import annotations

from pathlib import Path

import jsonschema
import pytest

from sensor_drivers import ds18b20, linux
from sensor_gateway.config.loading import Loaded, load_text
from sensor_gateway.config.schema import json_schema
from sensor_gateway.config.sections.buses import LinuxBusSection
from sensor_gateway.config.show import show
from sensor_gateway.config.text.faults import Report
from sensor_gateway.config.text.files import read_nodes
from sensor_gateway.config.text.nodes import plain
from sensor_gateway.model.driver_spec import DriverSpec


class Kernel:
    """A catalogue of the two drivers of the kernel's devices."""

    def names(self) -> tuple[str, ...]:
        return ("linux", *ds18b20.SPEC.variants)

    def spec(self, name: str) -> DriverSpec:
        return linux.SPEC if name == "linux" else ds18b20.SPEC


def loaded(sensor: str, buses: str = "") -> Loaded:
    return load_text(f"{buses}\nsensors:\n  it: {sensor}\n", catalogue=Kernel(), environ={}, needs_broker=False)


def faults(sensor: str, buses: str = "") -> list[str]:
    return [str(fault) for fault in loaded(sensor, buses).faults]


EXAMPLE = """
sensors:
  boiler:
    driver: ds18b20
    id: 28-0316a2794cff
  garden:
    driver: ds18b20
    id: 28-00000495db35
    bus: linux-garden
  cpu: {driver: linux, chip: cpu_thermal, bus: linux}
  rack: {driver: linux, chip: bme280, path: 1-0076, bus: linux, channels: {humidity: {deadband: 2}}}
  tank: {driver: linux, chip: ads1015, reads: {level: in_voltage2_raw}}
"""


def test_each_is_read_in_a_thread_of_its_own_unless_several_name_a_bus() -> None:
    configuration = load_text(EXAMPLE, catalogue=Kernel(), environ={}, needs_broker=False).configuration
    assert configuration is not None
    assert {sensor.name: sensor.bus for sensor in configuration.sensors.values()} == {
        "boiler": "linux-boiler",
        "garden": "linux-garden",
        "cpu": "linux",
        "rack": "linux",
        "tank": "linux-tank",
    }
    assert set(configuration.buses.values()) == {LinuxBusSection()}
    rack = configuration.sensors["rack"]
    assert list(rack.channels) == ["temperature", "humidity", "pressure"]


def test_what_is_shown_loads_as_the_same() -> None:
    configuration = load_text(EXAMPLE, catalogue=Kernel(), environ={}, needs_broker=False).configuration
    assert configuration is not None
    again = load_text(show(configuration), catalogue=Kernel(), environ={}, needs_broker=False)
    assert again.configuration == configuration


def test_the_schema_takes_a_kernel_device_without_a_bus() -> None:
    validator = jsonschema.Draft202012Validator(json_schema(Kernel()))

    def errors(text: str) -> int:
        return len(list(validator.iter_errors(plain(read_nodes(text, Path("f.yaml"), {}, Report())))))  # type: ignore[arg-type]

    assert errors(EXAMPLE) == 0
    assert errors("buses: {quick: {type: linux}, sim: {type: simulated, kind: linux}}") == 0
    assert errors("sensors: {a: {driver: ds18b20, address: 1}}") == 1
    assert errors("sensors: {a: {driver: ds18b20, ids: 1}}") == 1


@pytest.mark.parametrize(
    ("sensor", "fault"),
    [
        ("{driver: ds18b20, id: 28-03}", "sensors.it.id: id 28-03 is none of a thermometer: expected one like"),
        ("{driver: ds18b20, id: 28-0316A2794CFF}", "sensors.it.id: did you mean 28-0316a2794cff? (lower case"),
        ("{driver: ds18b20, id: 0316a2794cff}", "sensors.it.id: did you mean 28-0316a2794cff? (28- in front is the"),
        (
            "{driver: ds18b20, id: 10-000802824e58}",
            "sensors.it.id: 10-000802824e58 is a DS18S20: write `driver: ds18s20`",
        ),
        (
            "{driver: ds1822, id: 28-0316a2794cff}",
            "sensors.it.id: 28-0316a2794cff is a DS18B20: write `driver: ds18b20`",
        ),
        (
            "{driver: ds18b20, bus: i2c1}",
            "sensors.it.bus: ds18b20 is read through the kernel, which owns its bus; remove",
        ),
        (
            "{driver: ds18b20, bus: w1}",
            "sensors.it.bus: ds18b20 is read through the kernel, which owns its bus; remove",
        ),
        ("{driver: ds18b20, address: 0x28}", "sensors.it.address: ds18b20 is read through the kernel"),
        ("{driver: ds18b20, unit: 1}", "sensors.it.unit: ds18b20 is read through the kernel"),
        ("{driver: ds18b2}", "sensors.it.driver: unknown driver `ds18b2`"),
        ("{driver: linux}", "sensors.it: chip or `path` is needed to find the device"),
        ("{driver: linux, chip: hwmon0}", "sensors.it.chip: chip is a number that changes"),
        ("{driver: linux, chip: unheard}", "sensors.it: reads is needed for unheard, like `reads:"),
        ("{driver: linux, chip: lm75, reads: {T: temp1_input}}", "sensors.it.reads: channel 'T' has a name"),
        ("{driver: linux, chip: lm75, reads: {t: temp1}}", "sensors.it.reads: temp1 is no file with a measured"),
        ("{driver: linux, chip: lm75, channels: {t: {deadband: 1}}}", "unknown channel `t`"),
        ("{driver: linux, name: lm75}", "unknown key `name`"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(sensor: str, fault: str) -> None:
    said = faults(sensor)
    assert said, sensor
    assert any(fault in sentence for sentence in said), said
    assert all(sentence.startswith("gateway.yaml:3:") for sentence in said), said


def test_a_bus_of_the_file_must_be_one_of_the_kernel() -> None:
    buses = (
        "buses: {line: {type: serial, port: /dev/ttyUSB0}, quick: {type: linux}, sim: {type: simulated, kind: linux}}"
    )
    assert len(faults("{driver: ds18b20, bus: line}", buses)) == 1
    assert faults("{driver: ds18b20, bus: quick}", buses) == []
    assert faults("{driver: ds18b20, bus: sim}", buses) == []


def test_no_load_is_reckoned_for_what_the_kernel_reads() -> None:
    assert loaded("{driver: ds18b20, interval: 10ms}").warnings == ()


def two(first: str, second: str, buses: str = "") -> list[str]:
    text = f"{buses}\nsensors:\n  a: {first}\n  b: {second}\n"
    return [str(fault) for fault in load_text(text, catalogue=Kernel(), environ={}, needs_broker=False).faults]


@pytest.mark.parametrize(
    ("first", "second", "fault"),
    [
        (
            "{driver: ds18b20, id: 28-0316a2794cff}",
            "{driver: ds18b20, id: 28-0316a2794cff, bus: linux}",
            "4:28 sensors.b.id: id 28-0316a2794cff is taken by sensor `a` at gateway.yaml:3:28; expected another id",
        ),
        (
            "{driver: ds18b20}",
            "{driver: ds18b20}",
            "sensors.b.id: sensor `a` at gateway.yaml:3:3 is ds18b20 without `id`",
        ),
        (
            "{driver: ds18b20}",
            "{driver: ds18b20, id: 28-0316a2794cff}",
            "sensors.a.id: without `id` this is any ds18b20, and sensor `b` at gateway.yaml:4:28 is one",
        ),
        (
            "{driver: ds18b20, id: 28-0316a2794cff}",
            "{driver: ds18b20}",
            "sensors.b.id: without `id` this is any ds18b20, and sensor `a` at gateway.yaml:3:28 is one",
        ),
        (
            "{driver: linux, chip: lm75}",
            "{driver: linux, chip: lm75}",
            "sensors.b.chip: chip lm75 is taken by sensor `a`",
        ),
        ("{driver: linux, chip: lm75}", "{driver: linux, chip: lm75, path: 1-0048}", "sensors.a.path: without `path`"),
    ],
)
def test_two_sensors_are_not_one_device(first: str, second: str, fault: str) -> None:
    (said,) = two(first, second)
    assert fault in said


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("{driver: ds18b20, id: 28-0316a2794cff}", "{driver: ds18b20, id: 28-00000495db35}"),
        ("{driver: ds18b20}", "{driver: ds18s20}"),
        ("{driver: ds18b20, id: 28-0316a2794cff}", "{driver: ds18s20, id: 10-000802824e58}"),
        ("{driver: linux, chip: lm75, path: 1-0048}", "{driver: linux, chip: lm75, path: 1-0049}"),
        ("{driver: linux, chip: x, reads: {t: temp1_input}}", "{driver: linux, chip: x, reads: {t: temp2_input}}"),
        ("{driver: linux, chip: x, reads: {t: temp1_input}}", "{driver: linux, path: y, reads: {t: temp1_input}}"),
    ],
)
def test_two_devices_are_two_sensors(first: str, second: str) -> None:
    assert two(first, second) == []


def test_two_buses_in_software_may_each_have_one() -> None:
    buses = "buses: {x: {type: simulated, kind: linux}, y: {type: simulated, kind: linux}}"
    assert two("{driver: ds18b20, bus: x}", "{driver: ds18b20, bus: y}", buses) == []
    assert len(two("{driver: ds18b20, bus: x}", "{driver: ds18b20, bus: x}", buses)) == 1
