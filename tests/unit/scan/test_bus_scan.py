from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from sensor_gateway.model.driver_spec import Heeds
from sensor_gateway.model.errors import BusMissing, BusRefused, Nack, NoAnswer, OperatorError
from sensor_gateway.model.operations import WriteRead
from sensor_gateway.sensing.plan import plan_alone
from sensor_gateway.sensing.scan.bus_scan import BusScan, Place, scan_bus
from sensor_gateway.sensing.scan.machine import Machine
from sensor_gateway.sensing.scan.presence import ADDRESSES, READ_ONLY, Presence, presence
from sensor_gateway.simulation.virtual_clock import VirtualClock

ID = WriteRead(b"\xd0", 1)


def scanned(bus: Any, kinds: Any = (), place: Place | None = None) -> BusScan:
    clock = VirtualClock()
    return scan_bus(bus, kinds, place or Place(), clock=clock, wait=clock.advance)


def test_presence_is_asked_without_a_byte_being_written(lab: SimpleNamespace) -> None:
    chips = {address: lab.Chip() for address in (0x23, 0x52, 0x76)}
    bus = lab.Bus(chips)
    scanned(bus)
    assert {address for address, _, _ in bus.asked} == set(ADDRESSES)
    assert all(data == b"" for _, data, _ in bus.asked)


def test_where_an_empty_write_may_change_a_memory_a_byte_is_read_instead(lab: SimpleNamespace) -> None:
    bus = lab.Bus({})
    scanned(bus)
    assert {address for address, _, count in bus.asked if count} == {*range(0x30, 0x38), *range(0x50, 0x60)}
    assert {address for address, _, count in bus.asked if count} == READ_ONLY


def test_an_adapter_without_empty_writes_is_asked_by_reading_everywhere(lab: SimpleNamespace) -> None:
    bus = lab.Bus({0x23: lab.Chip()}, has_quick_write=False)
    found = scanned(bus)
    assert all((data, count) == (b"", 1) for _, data, count in bus.asked)
    assert [finding.address for finding in found.findings] == [0x23]


def test_an_adapter_that_promises_empty_writes_and_refuses_them_is_asked_by_reading(lab: SimpleNamespace) -> None:
    class Promising:
        def transfer(self, _address: int, _data: bytes, count: int) -> bytes:
            if not count:
                raise BusRefused("not supported")
            return b"\x00"

    assert presence(Promising(), 0x23, has_quick_write=True) is Presence.ANSWERS  # type: ignore[arg-type]


def test_a_chip_that_answers_no_read_is_found_by_its_identity(lab: SimpleNamespace) -> None:
    """Sensirion's at 58 and 59 refuse a read that nothing was asked for."""

    class Sensirion:
        def __init__(self) -> None:
            self.is_asked = False

        def transfer(self, _address: int, data: bytes, count: int) -> bytes:
            if data == b"\x89":
                self.is_asked = True
            elif not self.is_asked:
                raise Nack("nothing was asked for")
            return b"\x60"[:count]

    known = lab.kinds(lab.spec("sgp40", WriteRead(b"\x89", 1), addresses=(0x59,), heeds=Heeds()))
    assert [finding.address for finding in scanned(lab.Bus({0x59: Sensirion()}), known).findings] == [0x59]
    assert scanned(lab.Bus({}), known).findings == ()


def test_what_the_kernel_owns_and_what_is_on_the_parent_is_never_touched(lab: SimpleNamespace) -> None:
    known = lab.kinds(lab.spec("a", ID, addresses=(0x48, 0x70, 0x76), heeds=Heeds()))
    bus = lab.Bus({address: lab.Chip({b"\xd0": b"\x60"}) for address in (0x48, 0x70, 0x76)})
    found = scanned(bus, known, Place(owned={0x48: "lm75"}, behind={0x70: "i2c1"}))
    assert [finding.address for finding in found.findings] == [0x76]
    assert not {0x48, 0x70} & {address for address, _, _ in bus.asked}


def test_an_address_that_the_kernel_takes_meanwhile_is_left_out(lab: SimpleNamespace) -> None:
    class Taken:
        def transfer(self, _address: int, _data: bytes, _count: int) -> bytes:
            raise BusRefused("the kernel driver lm75 owns it")

    assert scanned(lab.Bus({0x48: Taken(), 0x49: lab.Chip()})).findings[0].address == 0x49


def test_a_bus_that_cannot_be_opened_says_why_and_is_not_asked(lab: SimpleNamespace) -> None:
    bus = lab.Bus({})
    bus.trouble = OperatorError("used by process 1234 (sensor-gateway)")
    assert scanned(bus).trouble is bus.trouble
    assert bus.asked == []


def test_a_bus_that_vanishes_keeps_what_was_found(lab: SimpleNamespace) -> None:
    class Pulled:
        def transfer(self, _address: int, _data: bytes, count: int) -> bytes:
            if count or _data:
                raise BusMissing("gone")
            return b""

    known = lab.kinds(lab.spec("a", ID, addresses=(0x40, 0x76), heeds=Heeds()))
    found = scanned(lab.Bus({0x40: lab.Chip({b"\xd0": b"\x60"}), 0x76: Pulled()}), known)
    assert [finding.address for finding in found.findings] == [0x40]
    assert isinstance(found.trouble, BusMissing)


def test_a_data_line_that_is_held_low_is_no_bus_full_of_chips(lab: SimpleNamespace) -> None:
    bus = lab.Bus({address: lab.Chip() for address in range(128)})
    found = scanned(bus)
    assert found.findings == ()
    assert "every address seems to answer" in str(found.trouble)


def test_a_bus_that_takes_a_time_limit_for_each_address_is_given_up(lab: SimpleNamespace) -> None:
    clock = VirtualClock()

    class Stuck(lab.Bus):  # type: ignore[misc,name-defined]  # comes from a fixture
        def transfer(self, address: int, data: bytes, count: int) -> bytes:
            clock.advance(1.0)
            raise NoAnswer("timed out")

    found = scan_bus(Stuck({}), (), Place(), clock=clock, wait=clock.advance)
    assert "is stuck" in str(found.trouble)
    assert clock.monotonic() < 15


def test_absent_chips_that_time_out_quickly_are_absent(lab: SimpleNamespace) -> None:
    """USB bridges say ETIMEDOUT for what nobody acknowledges."""

    class Bridge(lab.Bus):  # type: ignore[misc,name-defined]  # comes from a fixture
        def transfer(self, address: int, data: bytes, count: int) -> bytes:
            if address != 0x23:
                raise NoAnswer("timed out")
            return bytes(count)

    assert [finding.address for finding in scanned(Bridge({})).findings] == [0x23]


def test_the_bus_is_closed_after_all(lab: SimpleNamespace) -> None:
    bus = lab.Bus({})
    scanned(bus)
    assert not bus.is_open


def test_the_configured_sensor_is_asked_with_its_own_options(lab: SimpleNamespace) -> None:
    spec = lab.spec("a", ID, addresses=(0x40,), heeds=Heeds(), note="a remark")
    plan = plan_alone("attic", spec, "a", spec.options(), 0x40)
    bus = lab.Bus({0x40: lab.Chip({b"\xd0": b"\x60"})})
    (finding,) = scanned(bus, lab.kinds(spec), Place(expected={0x40: plan})).findings
    assert finding.chip is not None
    assert finding.chip.identity is not None
    assert finding.chip.identity.note == "a remark"


# What the machine says of itself.


def test_buses_come_with_their_adapters_and_parents_first(machine: Callable[..., Path]) -> None:
    root = machine({11: "i2c-1-mux (chan_id 0)", 1: "bcm2835 (i2c@7e804000)", 0: "i2c-22-mux (chan_id 0)", 22: "bcm"})
    nodes = Machine(root).i2c_nodes()
    assert [node.number for node in nodes] == ["1", "22", "0", "11"]
    assert [(node.name, node.parent, node.channel) for node in nodes][-1] == ("i2c11", "1", "0")
    assert nodes[0].path == root / "dev" / "i2c-1"


def test_kernel_drivers_own_addresses(machine: Callable[..., Path]) -> None:
    root = machine({1: "bcm2835"}, {"1-0070": "pca954x", "1-0068": "rtc-ds1307", "11-0048": "lm75"})
    assert Machine(root).i2c_nodes()[0].owned == {0x68: "rtc-ds1307", 0x70: "pca954x"}


def test_a_device_that_the_kernel_knows_without_a_driver_is_free(machine: Callable[..., Path]) -> None:
    root = machine({1: "bcm2835"})
    (root / "sys/bus/i2c/devices/1-0048").mkdir()
    assert Machine(root).i2c_nodes()[0].owned == {}


@pytest.mark.parametrize(
    "adapter", ["fef04500.i2c", "107d508280.i2c", "bcm2835 (i2c@7e805000)", "i915 gmbus dpb", "NVIDIA i2c adapter 3"]
)
def test_the_buses_of_displays_are_known(machine: Callable[..., Path], adapter: str) -> None:
    assert Machine(machine({20: adapter})).i2c_nodes()[0].is_display


@pytest.mark.parametrize("adapter", ["bcm2835 (i2c@7e804000)", "Synopsys DesignWare I2C adapter", "CP2112 SMBus Br"])
def test_the_buses_of_sensors_are_none(machine: Callable[..., Path], adapter: str) -> None:
    assert not Machine(machine({1: adapter})).i2c_nodes()[0].is_display


def test_a_machine_without_anything_has_nothing(tmp_path: Path) -> None:
    assert Machine(tmp_path).i2c_nodes() == ()
    assert Machine(tmp_path).ports() == ()


def test_a_port_is_named_once_by_the_name_that_stays(machine: Callable[..., Path]) -> None:
    ports = {
        "ttyUSB0": "",
        "ttyACM0": "",
        "ttyAMA0": "",
        "serial0": "ttyAMA0",
        "serial/by-id/usb-FTDI_X-if00": "ttyUSB0",
    }
    root = machine({}, ports=ports)
    found = [port.path.relative_to(root / "dev").as_posix() for port in Machine(root).ports()]
    assert found == ["serial/by-id/usb-FTDI_X-if00", "serial0", "ttyACM0"]


def test_the_console_of_the_system_is_no_free_port(machine: Callable[..., Path]) -> None:
    root = machine({}, ports={"ttyAMA0": "", "serial0": "ttyAMA0"})
    (root / "proc").mkdir()
    (root / "proc" / "consoles").write_text("tty1 -WU (EC p  )    4:1\nttyAMA0 -W- (EC p a)  204:64\n")
    (port,) = Machine(root).ports()
    assert "do_serial_cons 1" in port.trouble
