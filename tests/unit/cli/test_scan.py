"""``scan`` on a likeness of a Raspberry Pi below another root: all but the kernel's own calls is real."""

from __future__ import annotations

import ctypes
import fcntl
import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import smbus2.smbus2

from sensor_gateway.cli.main import parser
from sensor_gateway.config.loading import load_text
from sensor_gateway.sensing.catalogue import DriverCatalogue

PLAIN_I2C = 0x0FFF8001
BMP280 = {b"\xd0": b"\x58"}


class FakeKernel:
    """Chips by bus and address, each a table of answers."""

    def __init__(self) -> None:
        self.chips: dict[tuple[str, int], dict[bytes, bytes]] = {}
        self.written: list[tuple[str, int, bytes]] = []

    def ioctl(self, descriptor: int, request: int, argument: Any) -> int:
        if request == smbus2.smbus2.I2C_FUNCS:
            argument.value = PLAIN_I2C
            return 0
        node = Path(f"/proc/self/fd/{descriptor}").readlink().name
        written = b""
        for message in (argument.msgs[place] for place in range(argument.nmsgs)):
            chip = self.chips.get((node, message.addr))
            if chip is None:
                raise OSError(121, "Remote I/O error")
            if message.flags & smbus2.smbus2.I2C_M_RD:
                answer = chip.get(written, b"")[: message.len].ljust(message.len, b"\xff")
                ctypes.memmove(message.buf, answer, message.len)
            else:
                written = ctypes.string_at(message.buf, message.len)
                self.written.append((node, message.addr, written))
        return 0


@pytest.fixture
def kernel(monkeypatch: pytest.MonkeyPatch) -> FakeKernel:
    fake = FakeKernel()
    monkeypatch.setattr(smbus2.smbus2, "ioctl", fake.ioctl)
    return fake


@pytest.fixture
def root(tmp_path: Path, kernel: FakeKernel) -> Path:
    """A Pi 4 with a multiplexer on its bus, two equal chips behind it, a clock that the kernel owns, and an adapter."""
    devices = tmp_path / "sys/bus/i2c/devices"
    adapters = {1: "bcm2835 (i2c@7e804000)", 20: "fef04500.i2c"}
    adapters |= {11 + channel: f"i2c-1-mux (chan_id {channel})" for channel in range(2)}
    (tmp_path / "dev/serial/by-id").mkdir(parents=True)
    for number, adapter in adapters.items():
        (tmp_path / f"dev/i2c-{number}").touch()
        (devices / f"i2c-{number}").mkdir(parents=True)
        (devices / f"i2c-{number}/name").write_text(f"{adapter}\n")
    for device, driver in (("1-0068", "rtc-ds1307"), ("1-0070", "pca954x")):
        (devices / device).mkdir()
        (tmp_path / f"sys/bus/i2c/drivers/{driver}").mkdir(parents=True)
        (devices / device / "driver").symlink_to(tmp_path / f"sys/bus/i2c/drivers/{driver}")
    (tmp_path / "dev/ttyUSB0").touch()
    (tmp_path / "dev/serial/by-id/usb-FTDI-if00").symlink_to(tmp_path / "dev/ttyUSB0")
    for node in ("i2c-1", "i2c-11", "i2c-12"):
        kernel.chips[node, 0x23] = {}
        kernel.chips[node, 0x68] = kernel.chips[node, 0x70] = {}
    kernel.chips["i2c-11", 0x76] = kernel.chips["i2c-12", 0x76] = BMP280
    return tmp_path


def test_every_bus_is_shown_with_what_is_on_it(cli: Callable[..., Any], root: Path) -> None:
    ended = cli("scan", "--root", root)
    assert (ended.code, ended.err) == (0, "")
    lines = [" ".join(line.split()) for line in ended.out.splitlines()]
    assert "0x68 owned by the kernel driver rtc-ds1307: left alone" in lines
    assert lines.count("0x76 BMP280 (bmp280) not configured") == 2
    assert lines.count("0x23 on i2c1, which this bus is a channel of") == 2
    assert any(line.startswith("0x23 may be bh1750") for line in lines)
    assert any(line.startswith("the bus of a display: left alone") for line in lines)
    assert any(line.endswith("usb-FTDI-if00 -> " + str(root / "dev/ttyUSB0") + " not configured") for line in lines)


def test_nothing_is_written_but_identifications(cli: Callable[..., Any], root: Path, kernel: FakeKernel) -> None:
    cli("scan", "--root", root)
    assert {(address, data) for _, address, data in kernel.written if data} <= {(0x76, b"\xd0"), (0x76, b"\x00")}
    assert not [node for node, _, _ in kernel.written if node == "i2c-20"]
    assert not [address for _, address, _ in kernel.written if address in (0x68, 0x70)]


def test_the_bus_of_a_display_is_scanned_when_it_is_named(cli: Callable[..., Any], root: Path) -> None:
    for name in ("i2c20", str(root / "dev/i2c-20")):
        ended = cli("scan", name, "--root", root)
        assert (ended.code, ended.out.splitlines()[1]) == (0, "  nobody answers")


def test_a_bus_that_is_none_is_wrong_usage(cli: Callable[..., Any], root: Path) -> None:
    ended = cli("scan", "i2c7", "--root", root)
    assert ended.code == 64
    assert "there is no I2C bus i2c7; there are:" in ended.err


def test_the_yaml_can_be_pasted(cli: Callable[..., Any], root: Path) -> None:
    text = cli("scan", "--yaml", "--root", root).out
    loaded = load_text(text, catalogue=DriverCatalogue(), environ={}, needs_broker=False)
    assert loaded.faults == ()
    assert loaded.configuration is not None
    wired = [(sensor.driver, sensor.bus, sensor.address) for sensor in loaded.configuration.sensors.values()]
    assert wired == [("bmp280", "i2c11", 0x76), ("bmp280", "i2c12", 0x76)]
    assert "# bh1750: {driver: bh1750, bus: i2c1, address: 0x23}" in text
    assert f"serial1: {{type: serial, port: {root}/dev/serial/by-id/usb-FTDI-if00, baudrate: 9600}}" in text


def test_the_comments_of_the_yaml_are_yaml_too(cli: Callable[..., Any], root: Path) -> None:
    lines = cli("scan", "--yaml", "--root", root).out.splitlines()
    port = [line.removeprefix("# ").replace("#   ", "  ") for line in lines if "serial1" in line or line == "# buses:"]
    unsure = [line.replace("# ", "", 1) for line in lines if "bh1750" in line]
    text = "\n".join([*port, "sensors:", *unsure])
    assert load_text(text, catalogue=DriverCatalogue(), environ={}, needs_broker=False).faults == ()


def test_json_is_one_object(cli: Callable[..., Any], root: Path) -> None:
    seen = json.loads(cli("scan", "--json", "--root", root).out)
    by_name = {bus["bus"]: bus for bus in seen["i2c"]}
    assert by_name["i2c11"]["chips"][0]["driver"] == "bmp280"
    assert by_name["i2c1"]["kernel"] == [
        {"address": "0x68", "driver": "rtc-ds1307"},
        {"address": "0x70", "driver": "pca954x"},
    ]
    assert not by_name["i2c20"]["scanned"]
    assert seen["serial"][0]["trouble"] is None


CONFIGURED = """\
buses:
  roof: {{type: i2c, path: {root}/dev/i2c-11}}
  line: {{type: serial, port: {root}/dev/ttyUSB0}}
sensors:
  attic: {{driver: bme280, bus: roof}}
  gone: {{driver: sht40, bus: roof}}
  window: {{driver: bh1750, bus: i2c1}}
  boiler: {{driver: line, bus: line, format: csv, fields: {{t: {{index: 1, quantity: temperature}}}}}}
"""


@pytest.fixture
def ended(cli: Callable[..., Any], root: Path, file: Callable[..., Path], kernel: FakeKernel) -> Any:
    # `window` names the machine's own /dev/i2c-1, which the likeness has at another place: it is found by its name.
    return cli("scan", "--config", file(CONFIGURED.format(root=root)), "--root", root)


def test_what_is_configured_is_told_and_a_missing_sensor_is_a_failed_check(ended: Any) -> None:
    lines = [" ".join(line.split()) for line in ended.out.splitlines()]
    assert ended.code == 1
    assert "0x44 nobody answers gone (sht40) is missing: check supply and wiring" in lines
    assert any(line.startswith("0x23 may be bh1750") and line.endswith("window (bh1750)") for line in lines)
    assert any(line.endswith("line: boiler") for line in lines)


def test_a_part_that_is_not_what_its_seller_said_is_told_with_its_remark(ended: Any) -> None:
    lines = [" ".join(line.split()) for line in ended.out.splitlines()]
    place = next(place for place, line in enumerate(lines) if line.startswith("0x76 BMP280 (bme280) attic"))
    assert "it has no humidity sensor" in lines[place + 1]


UNPLUGGED = """\
buses:
  rs485: {{type: serial, port: {root}/dev/ttyUSB7, parity: none}}
  line: {{type: serial, port: {root}/dev/ttyUSB0}}
  odd: {{type: serial, port: {root}/dev/i2c-1}}
sensors:
  hall: {{device: xy-md02, bus: rs485, unit: 1}}
  stairs: {{device: xy-md02, bus: line, unit: 2}}
"""


def test_a_serial_port_that_is_missing_is_told_with_its_sensors(
    cli: Callable[..., Any], root: Path, file: Callable[..., Path]
) -> None:
    config = file(UNPLUGGED.format(root=root))
    ended = cli("scan", "--config", config, "--root", root)
    lines = [" ".join(line.split()) for line in ended.out.splitlines()]
    assert ended.code == 1
    assert f"{root}/dev/ttyUSB7 rs485 is missing: hall (unit 1)" in lines
    assert any(line.endswith("line: stairs (unit 2)") for line in lines)
    assert f"{root}/dev/i2c-1 odd: no sensor" in lines  # a name that no serial port usually has, and that is there
    seen = json.loads(cli("scan", "--json", "--config", config, "--root", root).out)
    assert seen["lost"] == ["hall"]
    assert [port["missing"] for port in seen["serial"]] == [False, True, False]


def test_a_serial_port_that_is_there_again_is_no_failure(
    cli: Callable[..., Any], root: Path, file: Callable[..., Path]
) -> None:
    (root / "dev/ttyUSB7").touch()
    config = file(UNPLUGGED.format(root=root))
    ended = cli("scan", "--config", config, "--root", root)
    assert ended.code == 0
    assert "is missing" not in ended.out


def test_yaml_leaves_out_what_is_configured(
    cli: Callable[..., Any], root: Path, file: Callable[..., Path], kernel: FakeKernel
) -> None:
    text = cli("scan", "--yaml", "--config", file(CONFIGURED.format(root=root)), "--root", root).out
    assert "bus: i2c12" in text
    assert "bus: roof" not in text
    assert "serial1" not in text


def test_a_bus_that_somebody_holds_is_left_to_them_and_named(
    cli: Callable[..., Any], root: Path, kernel: FakeKernel
) -> None:
    holder = os.open(root / "dev/i2c-1", os.O_RDWR)
    fcntl.flock(holder, fcntl.LOCK_EX)
    try:
        ended = cli("scan", "i2c1", "--root", root)
    finally:
        os.close(holder)
    assert ended.code == 75
    assert "is used by this process itself" in ended.out
    assert "tail` shows what it reads; stop it to scan this bus" in ended.out
    assert kernel.written == []


def test_without_permission_the_group_is_named(cli: Callable[..., Any], root: Path) -> None:
    if os.geteuid() == 0:
        pytest.skip("root may open anything")
    (root / "dev/i2c-1").chmod(0)
    ended = cli("scan", "i2c1", "--root", root)
    assert ended.code == 77
    assert "usermod -aG i2c" in ended.out


def test_a_machine_without_buses_says_how_they_are_enabled(cli: Callable[..., Any], tmp_path: Path) -> None:
    ended = cli("scan", "--root", tmp_path)
    assert ended.code == 1
    assert "do_i2c 0" in ended.out
    assert "dtparam=i2c_arm=on" in ended.out
    assert "no serial port: no USB serial port is plugged in" in ended.out


def test_the_yaml_of_a_machine_without_buses_says_why_it_is_empty(cli: Callable[..., Any], tmp_path: Path) -> None:
    ended = cli("scan", "--yaml", "--root", tmp_path)
    assert ended.code == 1
    assert all(line.startswith("#") for line in ended.out.splitlines())
    assert "# no I2C bus: " in ended.out
    assert "do_i2c 0" in ended.out
    assert "# no serial port: no USB serial port is plugged in" in ended.out


def test_the_yaml_says_which_bus_could_not_be_looked_at(
    cli: Callable[..., Any], root: Path, kernel: FakeKernel
) -> None:
    holder = os.open(root / "dev/i2c-11", os.O_RDWR)
    fcntl.flock(holder, fcntl.LOCK_EX)
    try:
        ended = cli("scan", "--yaml", "--root", root)
    finally:
        os.close(holder)
    assert ended.code == 75
    assert any(line.startswith("# i2c11: ") and "is used by" in line for line in ended.out.splitlines())
    assert load_text(ended.out, catalogue=DriverCatalogue(), environ={}, needs_broker=False).faults == ()


def test_a_machine_that_has_only_a_serial_port_lacks_nothing(cli: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "dev").mkdir()
    (tmp_path / "dev/ttyUSB0").touch()
    for form in ((), ("--yaml",), ("--json",)):
        assert cli("scan", *form, "--root", tmp_path).code == 0


def test_a_bus_without_its_device_node_says_which_module_is_missing(cli: Callable[..., Any], root: Path) -> None:
    for node in (root / "dev").glob("i2c-*"):
        node.unlink()
    ended = cli("scan", "--root", root)
    assert "sudo modprobe i2c-dev" in ended.out


def test_a_configuration_with_faults_is_78(cli: Callable[..., Any], root: Path, file: Callable[..., Path]) -> None:
    assert cli("scan", "--config", file("sensors: {a: {driver: nope, bus: i2c1}}"), "--root", root).code == 78


def test_a_simulated_bus_of_the_configuration_is_scanned_too(
    cli: Callable[..., Any], file: Callable[..., Path], tmp_path: Path
) -> None:
    sensors = "{attic: {driver: bme280, bus: bench}, m: {driver: sht40, bus: bench}}"
    text = f"buses: {{bench: {{type: simulated, kind: i2c}}}}\nsensors: {sensors}"
    ended = cli("scan", "--config", file(text), "--root", tmp_path)
    lines = [" ".join(line.split()) for line in ended.out.splitlines()]
    assert ended.code == 0
    assert "0x76 BME280 (bme280) attic (bme280)" in lines
    assert any(line.startswith("0x44 SHT4x") and line.endswith("m (sht40)") for line in lines)


PAGE = (Path(__file__).resolve().parents[3] / "docs" / "buses.md").read_text("utf-8")


def test_the_yaml_in_the_page_on_buses_can_be_loaded() -> None:
    blocks = re.findall(r"^```yaml\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    assert blocks
    for text in (*blocks, "buses: {i2c1: {frequency: 400kHz}}"):
        assert load_text(text, catalogue=DriverCatalogue(), environ={}, needs_broker=False).faults == ()


def test_the_commands_in_the_page_on_buses_can_be_parsed() -> None:
    commands = re.findall(r"^sensor-gateway ([^#\n]+)", PAGE, re.MULTILINE)
    assert {command.split()[0] for command in commands} == {"scan", "record", "replay"}
    for command in commands:
        parser().parse_args(command.split())
