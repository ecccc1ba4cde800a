from __future__ import annotations

from pathlib import Path

import pytest

from sensor_gateway.model.log import Log
from sensor_gateway.outbox.identity import Machine
from sensor_gateway.service.directories import find_directories
from sensor_gateway.service.identity import keep_gateway_id, read_machine, slug


class Notebook:
    def __init__(self) -> None:
        self.events: list[str] = []

    def info(self, event: str, /, **facts: object) -> None:
        self.events.append(event)

    debug = warning = error = info


@pytest.fixture
def log() -> Log:
    return Notebook()


def test_an_id_is_taken_once_and_kept(tmp_path: Path, log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("socket.gethostname", lambda: "Green House.local")
    assert keep_gateway_id(tmp_path, log) == "green-house"
    monkeypatch.setattr("socket.gethostname", lambda: "renamed")
    assert keep_gateway_id(tmp_path, log) == "green-house"


@pytest.mark.parametrize("damage", [b"", b"\0\0", b"Not A Slug", b"\xff\xfe", b"a/b", b"+", b"x" * 65])
def test_a_damaged_id_file_never_stops_the_start(tmp_path: Path, log: Log, damage: bytes) -> None:
    (tmp_path / "gateway-id").write_bytes(damage)
    name = keep_gateway_id(tmp_path, log)
    assert (tmp_path / "gateway-id").read_text() == name + "\n"


def test_a_state_directory_that_cannot_be_written_never_stops_the_start(tmp_path: Path) -> None:
    notebook = Notebook()
    (tmp_path / "file").write_text("")
    assert keep_gateway_id(tmp_path / "file" / "below", notebook)
    assert notebook.events == ["gateway_id_not_kept"]


def test_a_machine_is_known_by_its_device_tree_serial(tmp_path: Path) -> None:
    serial = tmp_path / "sys/firmware/devicetree/base/serial-number"
    serial.parent.mkdir(parents=True)
    serial.write_bytes(b"10000000abcdef01\0")
    boot = tmp_path / "proc/sys/kernel/random/boot_id"
    boot.parent.mkdir(parents=True)
    boot.write_text("1b4e28ba-2fa1-11d2-883f-0016d3cca427\n")
    machine = read_machine({}, root=tmp_path)
    assert machine == Machine(boot_id="1b4e28ba-2fa1-11d2-883f-0016d3cca427", hardware_id="10000000abcdef01")
    assert read_machine({"SENSOR_GATEWAY_BOOT_ID": "ab12"}, root=tmp_path).boot_id == "ab12"


def test_a_machine_without_a_serial_is_known_by_its_first_hardware_address(tmp_path: Path) -> None:
    for name, address in (("lo", "00:00:00:00:00:00"), ("eth0", "00:00:00:00:00:00"), ("wlan0", "b8:27:eb:00:00:01")):
        (tmp_path / "sys/class/net" / name).mkdir(parents=True)
        (tmp_path / "sys/class/net" / name / "address").write_text(address + "\n")
    assert read_machine({}, root=tmp_path).hardware_id == "b8:27:eb:00:00:01"


@pytest.mark.parametrize(("name", "expected"), [("Pi 4.lan", "pi-4-lan"), ("Tür", "t-r"), ("...", "gateway")])
def test_a_slug_is_a_valid_id(name: str, expected: str) -> None:
    assert slug(name) == expected


def test_directories_come_from_the_command_line_then_systemd_then_xdg() -> None:
    environ = {"STATE_DIRECTORY": "/var/lib/a:/var/lib/b", "RUNTIME_DIRECTORY": "/run/a", "HOME": "/home/u"}
    assert find_directories(environ, state=Path("/x"), hot=None).state == Path("/x")
    assert find_directories(environ, state=None, hot=None).state == Path("/var/lib/a")
    assert find_directories(environ, state=None, hot=None).hot == Path("/run/a")
    bare = find_directories({"HOME": "/home/u", "XDG_RUNTIME_DIR": "/run/user/1000"}, state=None, hot=None)
    assert bare.state == Path("/home/u/.local/state/sensor-gateway")
    assert bare.hot is None
