from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sensor_gateway.model.operations import KernelDevice
from sensor_gateway.sensing.sysfs.devices import devices, devices_of, has_one_wire, inputs

I2C = "platform/soc/fe804000.i2c/i2c-1"


def fitting(tree: Any, **wanted: Any) -> list[str]:
    device = KernelDevice(**wanted)
    return [found.folder.name for found in devices_of(device.kind, tree.root) if found.fits(device)]


def test_a_device_is_found_by_its_name_whatever_number_it_has(tree: Any) -> None:
    tree.hwmon(0, "virtual/thermal/thermal_zone0", "cpu_thermal")
    tree.hwmon(10, f"{I2C}/1-0048", "lm75")
    assert fitting(tree, kind="hwmon", name="cpu_thermal") == ["hwmon0"]
    assert fitting(tree, kind="hwmon", name="lm75") == ["hwmon10"]
    assert fitting(tree, kind="hwmon", name="lm7*") == ["hwmon10"]
    assert fitting(tree, kind="hwmon") == ["hwmon0", "hwmon10"]
    assert fitting(tree, kind="hwmon", name="LM75") == []
    assert fitting(tree, kind="iio", name="lm75") == []


@pytest.mark.parametrize(
    "path", ["1-0076", "i2c-1/1-0076", "/sys/devices/platform/soc/fe804000.i2c", "bme280@76", "i2c@7e804000/bme280@76"]
)
def test_a_device_is_told_from_its_twin_by_a_part_of_its_place_or_of_the_device_tree(tree: Any, path: str) -> None:
    tree.iio(1, f"{I2C}/1-0076", "bme280", node="soc/i2c@7e804000/bme280@76")
    tree.iio(0, "platform/soc/fe205600.i2c/i2c-3/3-0076", "bme280", node="soc/i2c@7e205600/bme280@77")
    assert fitting(tree, kind="iio", name="bme280") == ["iio:device0", "iio:device1"]
    assert fitting(tree, kind="iio", path=path) == ["iio:device1"]


@pytest.mark.parametrize("path", ["1-007", "0076", "iio:device1", "hwmon3", "hwmon", "/", "i2c-1//1-0077"])
def test_half_a_part_and_mere_numbers_tell_nothing(tree: Any, path: str) -> None:
    tree.iio(1, f"{I2C}/1-0076", "bme280")
    tree.hwmon(3, f"{I2C}/1-0048", "lm75")
    assert fitting(tree, kind="iio", path=path) == []
    assert fitting(tree, kind="hwmon", path=path) == []


def test_what_stands_behind_an_at_sign_is_no_part_of_the_name(tree: Any) -> None:
    tree.iio(0, "platform/dht11@11", "dht11@11")
    assert fitting(tree, kind="iio", name="dht11") == ["iio:device0"]
    assert fitting(tree, kind="iio", name="dht11@11") == ["iio:device0"]


def test_a_thermometer_on_1_wire_is_listed_once(tree: Any) -> None:
    tree.w1("28-0316a2794cff", "")
    tree.hwmon(2, "w1_bus_master1/28-0316a2794cff", "w1_slave_temp", temp1_input="20000")
    assert [(found.kind, str(found)) for found in devices(tree.root)] == [("w1", "28-0316a2794cff")]
    assert has_one_wire(tree.root)


def test_what_measures_is_listed_and_what_only_sets_limits_is_not(tree: Any) -> None:
    tree.hwmon(0, "virtual/thermal/thermal_zone0", "cpu_thermal", temp1_input="1", temp1_crit="2", temp1_label="x")
    tree.iio(
        0,
        f"{I2C}/1-0023",
        "bh1750",
        in_illuminance_raw="1",
        in_illuminance_scale="1",
        in_temp_input="1",
        in_temp_raw="1",
    )
    cpu, light = devices(tree.root)
    assert inputs(cpu) == ("temp1_input",)
    assert inputs(light) == ("in_temp_input", "in_illuminance_raw")
    assert str(light) == f"bh1750 ({I2C}/1-0023)"


def test_a_machine_without_any_has_none(tmp_path: Path) -> None:
    assert devices(tmp_path) == ()
    assert not has_one_wire(tmp_path)


def test_a_device_without_a_name_is_passed_over(tree: Any) -> None:
    folder = tree.hwmon(0, "platform/odd", "odd")
    (folder / "name").unlink()
    assert devices(tree.root) == ()


def test_the_devices_of_this_machine_can_be_listed_and_read() -> None:
    there = [device for device in devices() if device.kind != "w1"]
    if not there:
        pytest.skip("this machine has no /sys/class/hwmon and no IIO device")
    for device in there:
        assert device.name
        for file in inputs(device):
            assert (device.folder / file).exists()
