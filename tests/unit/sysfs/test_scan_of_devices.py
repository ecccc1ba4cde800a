"""What a scan tells of the kernel's devices, and the sections that it proposes for them."""

from __future__ import annotations

from typing import Any

import pytest

from sensor_drivers import ds18b20, linux
from sensor_gateway.cli.wires import scan_page
from sensor_gateway.cli.wires.survey import Survey, Surveyor
from sensor_gateway.config.loading import load_text
from sensor_gateway.config.settings import Configuration
from sensor_gateway.driver import DriverSpec
from sensor_gateway.sensing.plan import plan_alone
from sensor_gateway.sensing.scan.machine import Machine
from sensor_gateway.sensing.sysfs.devices import devices
from sensor_gateway.sensing.sysfs.proposal import THERMOMETERS, as_sensor, device_of
from sensor_gateway.simulation.virtual_clock import VirtualClock

NUMBER = "28-0316a2794cff"


class Kernel:
    def names(self) -> tuple[str, ...]:
        return ("linux", *ds18b20.SPEC.variants)

    def spec(self, name: str) -> DriverSpec:
        return linux.SPEC if name == "linux" else ds18b20.SPEC


def configured(text: str) -> Configuration:
    loaded = load_text(text, catalogue=Kernel(), environ={}, needs_broker=False)
    assert loaded.configuration is not None, loaded.faults
    return loaded.configuration


@pytest.fixture
def full(tree: Any) -> Any:
    tree.w1(NUMBER, "x")
    tree.w1("10-000802824e58", "x")
    tree.hwmon(0, "virtual/thermal/thermal_zone0", "cpu_thermal", temp1_input="1", temp1_crit="2")
    tree.hwmon(1, "platform/rpi_volt", "rpi_volt", in0_lcrit_alarm="0")
    tree.hwmon(2, "i2c-1/1-0040", "ina3221", in1_input="1", in2_input="1", curr1_input="1", in2_label="x")
    tree.iio(0, "i2c-1/1-0076", "bme280", in_temp_input="1", in_pressure_input="1", in_humidityrelative_input="1")
    tree.iio(1, "i2c-3/3-0076", "bme280", in_temp_input="1", in_pressure_input="1", in_humidityrelative_input="1")
    tree.iio(2, "platform/dht11@11", "dht11@11", in_temp_input="1", in_humidityrelative_input="1")
    tree.iio(3, "i2c-1/1-0062", "scd4x", in_temp_raw="1", in_temp_scale="1", in_concentration_co2_raw="1")
    return tree


def survey(tree: Any, configuration: Configuration) -> Survey:
    return Surveyor(Machine(tree.root.parent), Kernel(), configuration, VirtualClock()).look(())  # type: ignore[arg-type]


CLIMATE = {
    "humidity": "in_humidityrelative_input",
    "pressure": "in_pressure_input",
    "temperature": "in_temp_input",
}


def test_each_device_is_proposed_by_what_finds_it_again(full: Any) -> None:
    there = devices(full.root)
    assert [as_sensor(device, there) for device in there] == [
        {"driver": "linux", "chip": "cpu_thermal", "reads": {"temperature": "temp1_input"}},
        None,
        {
            "driver": "linux",
            "chip": "ina3221",
            "reads": {"current": "curr1_input", "voltage_1": "in1_input", "voltage_2": "in2_input"},
        },
        {"driver": "linux", "chip": "bme280", "path": "1-0076", "reads": CLIMATE},
        {"driver": "linux", "chip": "bme280", "path": "3-0076", "reads": CLIMATE},
        {
            "driver": "linux",
            "chip": "dht11",
            "reads": {"humidity": "in_humidityrelative_input", "temperature": "in_temp_input"},
        },
        {
            "driver": "linux",
            "chip": "scd4x",
            "reads": {"carbon_dioxide": "in_concentration_co2_raw", "temperature": "in_temp_raw"},
        },
        {"driver": "ds18s20", "id": "10-000802824e58"},
        {"driver": "ds18b20", "id": NUMBER},
    ]


def test_what_is_proposed_loads_and_finds_exactly_that_device(full: Any) -> None:
    text = "\n".join(scan_page.yaml(survey(full, Configuration())))
    configuration = configured(text)
    assert len(configuration.sensors) == 8
    again = survey(full, configuration)
    assert [len(seen.sensors) for seen in again.devices if seen.proposal is not None] == [1] * 8
    assert again.lost == ()
    assert "\n".join(scan_page.yaml(again)).startswith("# no chip was found that is not configured yet")


def test_the_page_shows_what_is_configured_and_what_is_missing(full: Any) -> None:
    text = f"sensors: {{boiler: {{driver: ds18b20, id: {NUMBER}}}, twin: {{driver: linux, chip: bme280}}}}"
    seen = survey(full, configured(text))
    lines = "\n".join(scan_page.page(seen))
    assert f"  {NUMBER:50}  boiler\n" in lines
    assert "cpu_thermal (virtual/thermal/thermal_zone0)" in lines
    assert "rpi_volt (platform/rpi_volt)" in lines
    assert "measures nothing that there is a driver for" in lines
    assert "twin (linux) is missing" in lines  # there are two that fit
    facts: Any = scan_page.facts(seen)
    assert facts["lost"] == ["twin"]
    assert {"kind": "w1", "name": NUMBER, "place": f"w1_bus_master1/{NUMBER}"}.items() <= facts["kernel"][-1].items()


def test_a_machine_without_such_devices_says_nothing_of_them(tree: Any) -> None:
    assert "devices of the kernel" not in "\n".join(scan_page.page(survey(tree, Configuration())))


def test_the_device_of_a_sensor_is_the_one_that_its_driver_asks_for() -> None:
    plan = plan_alone("boiler", ds18b20.SPEC, "ds18b20", ds18b20.Options(id=NUMBER), 0)
    found = device_of(plan)
    assert found is not None
    assert (found.kind, found.name) == ("w1", NUMBER)


def test_the_families_are_those_of_the_driver() -> None:
    assert {family: name for name, family in ds18b20.FAMILIES.items()} == THERMOMETERS
