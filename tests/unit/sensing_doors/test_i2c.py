from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import Any

import pytest

from sensor_gateway.model.errors import BusMissing, BusRefused, Nack, NoAnswer, OperatorError, WireError
from sensor_gateway.sensing.bus import I2cBus
from sensor_gateway.sensing.i2c import KernelI2cBus

SMBUS_ONLY = 0x0FFF0000


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def failing(number: int) -> Any:
    def chip(_address: int, _data: bytes, _count: int) -> bytes:
        raise OSError(number, os.strerror(number))

    return chip


def test_the_bus_is_what_the_engine_asks_for(bus: KernelI2cBus) -> None:
    asked: I2cBus = bus
    assert asked.name == "i2c7"


def test_write_and_read_are_one_transaction(bus: KernelI2cBus, kernel: Any) -> None:
    kernel.chip = lambda _address, data, count: (data + b"\x10\x20\x30")[:count]
    bus.open()
    assert bus.transfer(0x76, b"\xf7", 3) == b"\xf7\x10\x20"
    assert kernel.transactions == [[(0x76, b"\xf7"), (0x76, 3)]]


def test_a_write_alone_and_a_read_alone_are_one_message_each(bus: KernelI2cBus, kernel: Any) -> None:
    kernel.chip = lambda _address, _data, count: b"\xab" * count
    bus.open()
    assert bus.transfer(0x23, b"\x20\x00", 0) == b""
    assert bus.transfer(0x23, b"", 2) == b"\xab\xab"
    assert bus.transfer(0x23, b"", 0) == b""
    assert kernel.transactions == [[(0x23, b"\x20\x00")], [(0x23, 2)], [(0x23, b"")]]


def test_an_answer_never_shows_bytes_of_an_older_one(bus: KernelI2cBus, kernel: Any) -> None:
    """An adapter that stops half-way and reports no error must not repeat the last measurement."""
    answers = [b"\x12\x34", None]

    kernel.chip = lambda _address, _data, count: answers.pop(0) or bytes(count)
    bus.open()
    assert bus.transfer(0x48, b"\x00", 2) == b"\x12\x34"
    assert bus.transfer(0x48, b"\x00", 2) == b"\x00\x00"


def test_the_same_command_is_the_same_message_again(bus: KernelI2cBus, kernel: Any) -> None:
    bus.open()
    for number in range(600):
        bus.transfer(0x40, bytes((number & 0xFF, number >> 8)), 0)
    assert len(bus._writes) <= 256
    assert [written for ((_, written),) in kernel.transactions] == [
        bytes((number & 0xFF, number >> 8)) for number in range(600)
    ]


@pytest.mark.parametrize(
    ("number", "kind"), [(121, Nack), (6, Nack), (110, NoAnswer), (5, WireError), (11, WireError), (95, BusRefused)]
)
def test_an_error_of_the_wire_has_its_kind_and_the_bus_stays_open(
    bus: KernelI2cBus, kernel: Any, number: int, kind: type[WireError]
) -> None:
    bus.open()
    kernel.chip = failing(number)
    with pytest.raises(WireError) as caught:
        bus.transfer(0x76, b"\xd0", 1)
    assert type(caught.value) is kind
    kernel.chip = lambda _address, _data, _count: b"\x60"
    assert bus.transfer(0x76, b"\xd0", 1) == b"\x60"


def test_a_bus_that_is_gone_closes_itself_and_opens_again(bus: KernelI2cBus, kernel: Any) -> None:
    bus.open()
    kernel.chip = failing(19)
    with pytest.raises(BusMissing, match="gone"):
        bus.transfer(0x76, b"\xd0", 1)
    with pytest.raises(BusMissing, match="not open"):
        bus.transfer(0x76, b"\xd0", 1)
    kernel.chip = lambda _address, _data, _count: b"\x60"
    bus.open()
    assert bus.transfer(0x76, b"\xd0", 1) == b"\x60"


def test_timeouts_of_an_unplugged_adapter_are_a_bus_that_is_gone(bus: KernelI2cBus, kernel: Any, node: Path) -> None:
    """The old descriptor of a USB bridge goes on timing out after the bridge was pulled."""
    bus.open()
    kernel.chip = failing(110)
    node.unlink()
    with pytest.raises(BusMissing, match="any more"):
        bus.transfer(0x76, b"\xd0", 1)


def test_an_adapter_that_came_back_under_another_number_is_opened_anew(
    bus: KernelI2cBus, kernel: Any, node: Path
) -> None:
    """A link of udev leads to the new node, and the old descriptor times out for ever."""
    bus.open()
    kernel.chip = failing(110)
    node.unlink()
    node.symlink_to("/dev/null")
    with pytest.raises(BusMissing, match="leads to another adapter now"):
        bus.transfer(0x76, b"\xd0", 1)
    kernel.chip = lambda _address, _data, _count: b"\x60"
    bus.open()
    assert bus.transfer(0x76, b"\xd0", 1) == b"\x60"


def test_opening_and_closing_twice_is_once(bus: KernelI2cBus) -> None:
    bus.open()
    bus.open()
    bus.close()
    bus.close()
    bus.open()
    assert bus.transfer(0x76, b"\xd0", 1) == b"\x00"


def bound(sysfs: Path, address: str, driver: str) -> Path:
    device = sysfs / "bus" / "i2c" / "devices" / address
    device.mkdir()
    folder = sysfs / "bus" / "i2c" / "drivers" / driver
    folder.mkdir(parents=True)
    (device / "driver").symlink_to(folder)
    return device / "driver"


def test_an_address_that_a_kernel_driver_owns_is_refused_by_name(bus: KernelI2cBus, kernel: Any, sysfs: Path) -> None:
    """I2C_RDWR would go through all the same, and both would disturb each other."""
    bound(sysfs, "7-0048", "lm75")
    bus.open()
    with pytest.raises(BusRefused, match=r"kernel driver lm75 owns address 0x48 .*echo 7-0048"):
        bus.transfer(0x48, b"\x00", 2)
    assert kernel.transactions == []
    assert bus.transfer(0x49, b"\x00", 2) == b"\x00\x00"


def test_an_address_that_was_freed_is_found_free(bus: KernelI2cBus, sysfs: Path) -> None:
    link = bound(sysfs, "7-0048", "lm75")
    bus.open()
    with pytest.raises(BusRefused):
        bus.transfer(0x48, b"\x00", 2)
    link.unlink()
    assert bus.transfer(0x48, b"\x00", 2) == b"\x00\x00"


def test_owners_are_looked_for_once_per_opening(bus: KernelI2cBus, sysfs: Path) -> None:
    bus.open()
    bus.transfer(0x48, b"\x00", 2)
    bound(sysfs, "7-0048", "lm75")
    assert bus.transfer(0x48, b"\x00", 2) == b"\x00\x00"
    bus.close()
    bus.open()
    with pytest.raises(BusRefused):
        bus.transfer(0x48, b"\x00", 2)


def test_a_device_without_a_driver_is_free(bus: KernelI2cBus, sysfs: Path) -> None:
    (sysfs / "bus" / "i2c" / "devices" / "7-0048").mkdir()
    bus.open()
    assert bus.transfer(0x48, b"\x00", 2) == b"\x00\x00"


def test_a_link_to_the_node_is_the_same_bus(kernel: Any, node: Path, sysfs: Path, tmp_path: Path) -> None:
    link = tmp_path / "greenhouse-bus"
    link.symlink_to(node)
    bound(sysfs, "7-0048", "lm75")
    bus = KernelI2cBus("i2c7", link, sysfs=sysfs)
    bus.open()
    with pytest.raises(BusRefused):
        bus.transfer(0x48, b"\x00", 2)
    bus.close()


def test_a_bus_that_another_program_holds_is_refused(bus: KernelI2cBus, node: Path) -> None:
    with node.open("r+b") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(OperatorError, match=r"is used by .*process"):
            bus.open()
    bus.open()  # The holder is gone.


def test_the_lock_ends_with_closing(bus: KernelI2cBus, node: Path) -> None:
    bus.open()
    with node.open("r+b") as other:
        with pytest.raises(BlockingIOError):
            fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
        bus.close()
        fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)


@pytest.mark.parametrize(
    ("name", "remedy"),
    [("i2c-1", "raspi-config nonint do_i2c 0"), ("i2c-3", "dtoverlay=i2c3"), ("i2c-bridge", "a rule of udev")],
)
def test_a_missing_bus_says_how_it_is_enabled(tmp_path: Path, sysfs: Path, name: str, remedy: str) -> None:
    bus = KernelI2cBus("i2c", tmp_path / name, sysfs=sysfs)
    with pytest.raises(BusMissing, match=remedy):
        bus.open()


def test_a_bus_without_a_node_names_the_module(tmp_path: Path, sysfs: Path) -> None:
    (sysfs / "bus" / "i2c" / "devices" / "i2c-1").mkdir()
    with pytest.raises(BusMissing, match="modprobe i2c-dev"):
        KernelI2cBus("i2c1", tmp_path / "i2c-1", sysfs=sysfs).open()


def test_an_adapter_without_plain_i2c_is_refused(bus: KernelI2cBus, kernel: Any) -> None:
    kernel.functions = SMBUS_ONLY
    with pytest.raises(OperatorError, match="SMBus only"):
        bus.open()
    kernel.functions = SMBUS_ONLY | 1
    bus.open()


def test_what_is_no_i2c_bus_is_refused_without_a_leak(node: Path, sysfs: Path) -> None:
    """A plain file: here the real ioctl answers."""
    before = open_files()
    for _ in range(3):
        with pytest.raises(OperatorError, match="cannot be opened as an I2C bus"):
            KernelI2cBus("i2c7", node, sysfs=sysfs).open()
    assert open_files() == before


def test_permission_names_the_group(bus: KernelI2cBus, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_arguments: object) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("smbus2.smbus2.os.open", refused)
    with pytest.raises(OperatorError, match=r"usermod -aG i2c"):
        bus.open()


def test_what_the_unit_of_the_service_refuses_is_no_matter_of_groups(
    bus: KernelI2cBus, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_arguments: object) -> int:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr("smbus2.smbus2.os.open", refused)
    with pytest.raises(OperatorError, match=r"DeviceAllow=char-i2c rw") as caught:
        bus.open()
    assert "usermod" not in str(caught.value)
