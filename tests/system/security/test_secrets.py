"""A secret that is like no other text is put wherever one can stand, and searched for wherever text comes out."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from proving.certificates import Authority, openssl
from proving.kills.gateway import GatewayProcess
from proving.shipped_broker import Person, ShippedBroker, with_passwords

pytestmark = [pytest.mark.system]

CANARY = "c4n4ry-9d41f7"
PLACES = ["password", "password_file", "credential", "environment"]
Wait = Callable[..., None]

CRASH = """
from sensor_gateway.publishing.publisher import Publisher

sound = Publisher._take_in

def _take_in(self, now_s, now):
    sound(self, now_s, now)
    if self.progress > 60:
        connector = self._link._connector
        raise RuntimeError(f"on purpose: {vars(self)!r} {vars(self._link)!r} {vars(connector)!r} {connector._broker!r}")

Publisher._take_in = _take_in
"""
CARELESS = """
from sensor_gateway.publishing.settings import BrokerSettings

BrokerSettings.__repr__ = lambda self: f"BrokerSettings(password={self.password})"
"""


@pytest.fixture
def broker(tmp_path: Path, authority: Authority) -> Iterator[ShippedBroker]:
    """One that asks for passwords, and knows the secret one."""
    folder = tmp_path / "broker"
    folder.mkdir()
    (folder / "passwords").touch()
    for name, password in (("house", CANARY), ("reader", "reader")):
        command = ["mosquitto_passwd", "-b", folder / "passwords", name, password]
        subprocess.run(command, check=True, capture_output=True)
    broker = ShippedBroker(folder, authority, change=with_passwords).start()
    yield broker
    broker.kill()


@pytest.fixture
def reader(broker: ShippedBroker) -> Iterator[Person]:
    person = Person(broker.port)
    person.client.username_pw_set("reader", "reader")
    person.connect().subscribe("sensors/v1/#")
    yield person
    person.close()


class Home:
    """A gateway's folder with the secret in one place. ``said`` is what its commands print."""

    def __init__(self, folder: Path, port: int, place: str, *, change: str = "") -> None:
        folder.mkdir()
        self._folder = folder
        self.environ: dict[str, str] = {}
        key = "password_file: mqtt-password"
        if place == "password":
            key = f"password: {CANARY}"
        elif place == "password_file":
            self._write(folder / "mqtt-password")
        elif place == "credential":
            (folder / "credentials").mkdir()
            self._write(folder / "credentials" / "secret_mqtt-password")
            self.environ["CREDENTIALS_DIRECTORY"] = str(folder / "credentials")
        else:
            key, self.environ["MQTT_PASSWORD"] = 'password: "${MQTT_PASSWORD}"', CANARY
        config = f"""
gateway: {{id: house}}
mqtt:
  url: mqtt://127.0.0.1:{port}
  username: house
  retry_max: 1s
  {key}
clock: {{hold: 0s}}
outbox: {{keep_free: 0MB, spill_after: 0s, flush_every: 100ms}}
buses: {{wire: {{type: simulated, kind: i2c}}}}
defaults: {{interval: 100ms}}
sensors:
  attic: {{driver: tmp1075, bus: wire, address: 0x48, channels: {{temperature: {{deadband: 0}}}}}}
"""
        self.gateway = GatewayProcess(folder, config, change=change)
        self.gateway.config.chmod(0o600)
        self.said: list[str] = []

    @staticmethod
    def _write(file: Path) -> None:
        file.write_text(CANARY)
        file.chmod(0o600)

    def start(self) -> None:
        before = dict(os.environ)
        os.environ.update(self.environ)
        self.gateway.start()
        for key in self.environ:
            os.environ.pop(key)
        os.environ.update(before)

    def command(self, *arguments: str) -> int:
        ended = subprocess.run(
            [sys.executable, "-m", "sensor_gateway", *arguments],
            env={**os.environ, **self.environ},
            capture_output=True,
            text=True,
            check=False,
        )
        self.said.append(ended.stdout + ended.stderr)
        return ended.returncode

    def leaks(self, reader: Person) -> list[str]:
        """Where the secret came out: printed, logged, on the disk, or sent."""
        found = [f"said: {text}" for text in self.said if CANARY in text]
        kept = {self._folder / "gateway.yaml", self._folder / "mqtt-password"}
        for file in self._folder.rglob("*"):
            if not file.is_file() or file in kept or file.parent.name == "credentials":
                continue
            if CANARY.encode() in file.read_bytes():
                found.append(f"file: {file}")
        found += [f"sent: {topic}" for topic, payload in reader.heard if CANARY.encode() in topic.encode() + payload]
        return found


@pytest.mark.parametrize("place", PLACES)
def test_no_command_log_file_or_message_shows_the_secret_not_even_in_a_crash(
    tmp_path: Path, broker: ShippedBroker, reader: Person, wait_until: Wait, place: str
) -> None:
    home = Home(tmp_path / "home", broker.port, place, change=CRASH)
    file = str(home.gateway.config)
    home.start()
    wait_until(lambda: len(reader.events("house")) > 5)
    wait_until(lambda: "on purpose" in home.gateway.log.read_text())
    for arguments in (
        ("config", "show", "--config", file),
        ("check-config", file),
        ("check-config", "--json", file),
        ("check-config", "--here", file),
        ("outbox", "status", "--json", "--state-directory", str(home.gateway.state)),
        ("outbox", "peek", "--state-directory", str(home.gateway.state)),
        ("drivers",),
        ("simulate", file, "--for", "1s"),
    ):
        home.command(*arguments)
    broker.kill()
    time.sleep(0.5)  # offline, what waits goes to the disk
    home.gateway.kill()
    assert "(hidden)" in home.said[0] or place not in ("password", "environment")
    assert home.leaks(reader) == []


def test_a_careless_object_is_found(tmp_path: Path, broker: ShippedBroker, reader: Person, wait_until: Wait) -> None:
    """The control: one object that shows its password, and a crash that shows the object."""
    home = Home(tmp_path / "home", broker.port, "password", change=CARELESS + CRASH)
    home.start()
    wait_until(lambda: "on purpose" in home.gateway.log.read_text())
    home.gateway.kill()
    assert home.leaks(reader) == [f"file: {home.gateway.log}"]


@pytest.mark.parametrize(
    "lines",
    [
        f"  username: u\n  password: {{a: {CANARY}}}",
        f"  username: u\n  password: [{CANARY}]",
        f"  username: u\n  pasword: {CANARY}",
        f"  username: u\n  password: {CANARY}\n  password: {CANARY}",
        f"  username: u\n  password: {CANARY}\n  password_file: x",
        f"  password: {CANARY}",
        f"  username: u\n  password: '{CANARY}",
        f"  username: u\n  password: {CANARY}\n   x: 1",
        f"  username: u\n  password: !secret {CANARY}",
        f"  username: u\n  passphrase: {CANARY}",
        f"  tls: {{key_password: {CANARY}}}",
    ],
)
def test_no_fault_shows_a_secret_that_is_written_in_the_wrong_way(tmp_path: Path, lines: str) -> None:
    file = tmp_path / "gateway.yaml"
    file.write_text(f"mqtt:\n  url: mqtts://h\n{lines}\n")
    file.chmod(0o600)
    for command in (("check-config", file), ("config", "show", "--config", file), ("run", "--config", file)):
        ended = subprocess.run(
            [sys.executable, "-m", "sensor_gateway", *map(str, command)], capture_output=True, text=True, check=False
        )
        assert ended.returncode == 78
        assert CANARY not in ended.stdout + ended.stderr


def test_an_address_with_a_password_in_it_is_refused_and_not_repeated(tmp_path: Path) -> None:
    file = tmp_path / "gateway.yaml"
    file.write_text(f"mqtt:\n  url: mqtt://house:{CANARY}@h\n")
    ended = subprocess.run(
        [sys.executable, "-m", "sensor_gateway", "check-config", str(file)], capture_output=True, text=True, check=False
    )
    assert ended.returncode == 78
    assert CANARY not in ended.stdout + ended.stderr


def test_a_key_locked_with_a_passphrase_is_told_without_the_key(
    tmp_path: Path, authority: Authority, wait_until: Wait
) -> None:
    pair = authority.sign("locked")
    locked = tmp_path / "locked.key"
    openssl("pkey", "-in", pair.key, "-aes128", "-passout", f"pass:{CANARY}", "-out", locked)
    tls = f"{{ca_file: {authority.file}, cert_file: {pair.certificate}, key_file: {locked}}}"
    folder = tmp_path / "home"
    folder.mkdir()
    gateway = GatewayProcess(folder, f"mqtt: {{url: 'mqtts://127.0.0.1:1', tls: {tls}}}\n")
    gateway.start()
    try:
        wait_until(lambda: "locked with a passphrase" in gateway.log.read_text())
    finally:
        gateway.kill()
    body = locked.read_text().splitlines()[1]
    assert body not in gateway.log.read_text()
