from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import pytest

from sensor_gateway.model.errors import (
    BusMissing,
    BusRefused,
    DeviceMissing,
    FileMissing,
    Nack,
    NoAnswer,
    WireError,
)
from sensor_gateway.model.operations import KernelDevice
from sensor_gateway.sensing.sysfs import door as door_file
from sensor_gateway.sensing.sysfs.door import KernelFiles

CPU = KernelDevice(kind="hwmon", name="cpu_thermal")
BOILER = KernelDevice(kind="w1", name="28-0316a2794cff")


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def test_a_file_is_read_whole_and_anew_each_time(tree: Any, door: KernelFiles) -> None:
    folder = tree.hwmon(1, "virtual/thermal/thermal_zone0", "cpu_thermal", temp1_input="48312\n")
    assert door.read_file(CPU, "temp1_input") == b"48312\n"
    (folder / "temp1_input").write_text("49000\n")
    assert door.read_file(CPU, "temp1_input") == b"49000\n"
    (folder / "temp1_input").write_text("1" * 10_000)
    assert door.read_file(CPU, "temp1_input") == b"1" * 4096


def test_a_number_that_now_belongs_to_another_device_gives_nothing_of_that_one(tree: Any, door: KernelFiles) -> None:
    old = tree.hwmon(1, "virtual/thermal/thermal_zone0", "cpu_thermal", temp1_input="48312\n")
    assert door.read_file(CPU, "temp1_input") == b"48312\n"
    tree.unplug(old)
    tree.hwmon(1, "virtual/thermal/thermal_zone0", "nvme", temp1_input="99\n")
    with pytest.raises(DeviceMissing, match="cpu_thermal is gone"):
        door.read_file(CPU, "temp1_input")
    with pytest.raises(DeviceMissing, match=r"no hwmon device cpu_thermal; there are: nvme \(virtual/thermal"):
        door.read_file(CPU, "temp1_input")
    tree.hwmon(2, "virtual/thermal/thermal_zone1", "cpu_thermal", temp1_input="50000\n")
    assert door.read_file(CPU, "temp1_input") == b"50000\n"


def test_a_path_that_is_remembered_would_have_read_the_wrong_device(tree: Any) -> None:
    """The control for the test above: what holds the number reads the device that took its place."""
    old = tree.hwmon(1, "virtual/thermal/thermal_zone0", "cpu_thermal", temp1_input="48312\n")
    tree.unplug(old)
    tree.hwmon(1, "virtual/thermal/thermal_zone0", "nvme", temp1_input="99\n")
    assert (old / "temp1_input").read_bytes() == b"99\n"


def test_a_file_that_the_device_lacks_is_told_from_a_device_that_is_gone(tree: Any, door: KernelFiles) -> None:
    tree.hwmon(1, "virtual/thermal/thermal_zone0", "cpu_thermal", temp1_input="1")
    with pytest.raises(FileMissing, match="cpu_thermal has no file humidity1_input"):
        door.read_file(CPU, "humidity1_input")


def test_several_that_fit_are_named_and_none_is_chosen(tree: Any, door: KernelFiles) -> None:
    tree.iio(0, "i2c-1/1-0076", "bme280", in_temp_input="1")
    tree.iio(1, "i2c-3/3-0076", "bme280", in_temp_input="2")
    with pytest.raises(DeviceMissing, match=r"several.*i2c-1/1-0076.*i2c-3/3-0076.*`path:`"):
        door.read_file(KernelDevice(kind="iio", name="bme280"), "in_temp_input")
    assert door.read_file(KernelDevice(kind="iio", name="bme280", path="3-0076"), "in_temp_input") == b"2"


def test_without_1_wire_the_overlay_is_named(tree: Any, door: KernelFiles) -> None:
    with pytest.raises(DeviceMissing, match="dtoverlay=w1-gpio"):
        door.read_file(BOILER, "w1_slave")
    tree.master()
    with pytest.raises(DeviceMissing, match=r"no 28-0316a2794cff answers on 1-wire \(there are none at all\).*4.7 kΩ"):
        door.read_file(BOILER, "w1_slave")
    tree.w1("28-00000495db35", "x")
    with pytest.raises(DeviceMissing, match="there are: 28-00000495db35"):
        door.read_file(BOILER, "w1_slave")
    tree.w1("28-00000495db36", "x")
    with pytest.raises(DeviceMissing, match="write the `id:` of one"):
        door.read_file(KernelDevice(kind="w1", name="28-*"), "w1_slave")


@pytest.mark.parametrize(
    ("number", "kind", "sentence"),
    [
        (errno.ENXIO, Nack, "does not acknowledge"),
        (errno.EREMOTEIO, Nack, "does not acknowledge"),
        (errno.ETIMEDOUT, NoAnswer, "in time"),
        (errno.ENODATA, NoAnswer, "no value"),
        (errno.EACCES, BusRefused, "udev"),
        (errno.EIO, WireError, r"temp1_input of cpu_thermal.*cannot read it from the chip \(EIO\)"),
    ],
)
def test_what_the_kernel_says_is_told_apart_and_nothing_leaks(
    tree: Any, door: KernelFiles, monkeypatch: pytest.MonkeyPatch, number: int, kind: type[WireError], sentence: str
) -> None:
    tree.hwmon(1, "virtual/thermal/thermal_zone0", "cpu_thermal", temp1_input="1")
    before = open_files()

    def fail(*_: object) -> bytes:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(door_file.os, "read", fail)
    for _ in range(3):
        with pytest.raises(kind, match=sentence) as caught:
            door.read_file(CPU, "temp1_input")
        assert type(caught.value) is kind
    assert open_files() == before


@pytest.mark.parametrize("name", ["../name", "", ".", "..", "a/b", "x\0y", "/etc/passwd"])
def test_only_files_of_the_device_itself_are_read(tree: Any, door: KernelFiles, name: str) -> None:
    tree.hwmon(1, "virtual/thermal/thermal_zone0", "cpu_thermal", temp1_input="1")
    with pytest.raises(FileMissing):
        door.read_file(CPU, name)


def test_a_closed_door_reads_nothing_and_holds_nothing(tree: Any) -> None:
    tree.hwmon(1, "virtual/thermal/thermal_zone0", "cpu_thermal", temp1_input="1")
    before = open_files()
    door = KernelFiles("linux", sysfs=tree.root)
    with pytest.raises(BusMissing, match="not open"):
        door.read_file(CPU, "temp1_input")
    door.open()
    door.read_file(CPU, "temp1_input")
    assert open_files() == before + 1
    door.close()
    door.close()
    assert open_files() == before


def test_a_machine_without_sys_says_so(tmp_path: Path) -> None:
    with pytest.raises(BusMissing, match="is it mounted"):
        KernelFiles("linux", sysfs=tmp_path / "nowhere").open()
