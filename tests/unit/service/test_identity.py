from __future__ import annotations

import json
from pathlib import Path

import pytest
from sensor_gateway.outbox.identity import Machine

from sensor_gateway.model.log import Log
from sensor_gateway.service.directories import find_directories
from sensor_gateway.service.identity import keep_identity, read_machine, slug

PI = Machine(boot_id="1b4e28ba2fa111d2883f0016d3cca427", hardware_id="10000000abcdef01")
OTHER_PI = Machine(boot_id="1b4e28ba2fa111d2883f0016d3cca427", hardware_id="10000000abcdef02")


class Notebook:
    def __init__(self) -> None:
        self.events: list[str] = []

    def info(self, event: str, /, **facts: object) -> None:
        self.events.append(event)

    warning = error = info


@pytest.fixture
def log() -> Log:
    return Notebook()


def test_an_id_is_taken_once_and_kept(tmp_path: Path, log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("socket.gethostname", lambda: "Green House.local")
    first = keep_identity(tmp_path, gateway=None, client_id=None, machine=PI, log=log)
    monkeypatch.setattr("socket.gethostname", lambda: "renamed")
    second = keep_identity(tmp_path, gateway=None, client_id=None, machine=PI, log=log)
    assert first == second
    assert first.gateway == "green-house"
    assert first.client_id.startswith("green-house-")


def test_a_cloned_card_gets_a_client_id_of_its_own(tmp_path: Path, log: Log) -> None:
    original = keep_identity(tmp_path, gateway="shed", client_id=None, machine=PI, log=log)
    clone = keep_identity(tmp_path, gateway="shed", client_id=None, machine=OTHER_PI, log=log)
    assert original.client_id != clone.client_id


def test_what_the_configuration_says_goes_first(tmp_path: Path, log: Log) -> None:
    identity = keep_identity(tmp_path, gateway="shed", client_id="shed-1", machine=PI, log=log)
    assert (identity.gateway, identity.client_id) == ("shed", "shed-1")


@pytest.mark.parametrize("damage", ["", "{", "[]", '{"suffix": 3}', "\0\0"])
def test_a_damaged_identity_file_never_stops_the_start(tmp_path: Path, log: Log, damage: str) -> None:
    (tmp_path / "identity.json").write_text(damage)
    assert keep_identity(tmp_path, gateway="shed", client_id=None, machine=PI, log=log).gateway == "shed"
    assert json.loads((tmp_path / "identity.json").read_text())["hardware"] == PI.hardware_id


def test_a_state_directory_that_cannot_be_written_never_stops_the_start(tmp_path: Path) -> None:
    notebook = Notebook()
    (tmp_path / "file").write_text("")
    keep_identity(tmp_path / "file" / "below", gateway="shed", client_id=None, machine=PI, log=notebook)
    assert "identity_not_kept" in notebook.events


def test_a_machine_is_known_by_its_device_tree_serial(tmp_path: Path) -> None:
    serial = tmp_path / "proc/device-tree/serial-number"
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
