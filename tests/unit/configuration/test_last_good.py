"""The last configuration that ran: what is kept of it, when, and what damage to it costs."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from proving.logs import Journal

from sensor_gateway.outbox.files.disk import Disk
from sensor_gateway.service.configuration.copies import Copies, unpacked
from sensor_gateway.service.configuration.last_good import FILE, PROVEN_AFTER_S, LastGood
from sensor_gateway.service.configuration.reading import ConfigurationSource, Reading

WITH_COLON = "hunter2: and more"


class House:
    """A configuration of several files, and the state directory of a gateway that runs by it."""

    def __init__(self, directory: Path, text: str) -> None:
        self.file = directory / "etc" / "gateway.yaml"
        self.part = directory / "etc" / "conf.d" / "more.yaml"
        self.device = directory / "etc" / "devices" / "odd-slave.yaml"
        self.state = directory / "state"
        for file in (self.part, self.device, self.state / "x"):
            file.parent.mkdir(parents=True)
        self.file.write_text(text)
        self.source = ConfigurationSource(self.file, {"PLACE": "i2c1"})
        self.log = Journal()

    def keep(self, reading: Reading) -> bytes:
        last_good = LastGood(self.state)
        last_good.ran(reading.copies, 0.0)
        last_good.turn(PROVEN_AFTER_S, self.log)
        return (self.state / FILE).read_bytes()

    def kept(self) -> Reading | None:
        copies = LastGood(self.state).read(self.file)
        return None if copies is None else self.source.read_copies(copies)


@pytest.fixture
def place(tmp_path: Path, house: str) -> House:
    return House(tmp_path, house)


def test_file_parts_and_device_files_come_back_as_they_were(place: House) -> None:
    place.part.write_text(
        "buses: {rs485: {type: simulated, kind: serial}}\n"
        "sensors:\n  hall: {device: odd-slave, bus: rs485, unit: 3}\n  den: {driver: bme280, bus: '${PLACE}'}\n"
    )
    place.device.write_text(
        "title: an odd slave\nsources: [its manual]\n"
        "driver: modbus\nregisters:\n"
        "  temperature: {function: input, register: 1, type: s16, scale: 0.1, quantity: temperature}\n"
    )
    now = place.source.read()
    assert now.configuration is not None, now.faults
    place.keep(now)
    for file in (place.file, place.part, place.device):
        file.unlink()
    kept = place.kept()
    assert kept is not None
    assert kept.configuration == now.configuration
    assert set(kept.configuration.sensors) == {"attic", "bench", "cellar", "hall", "den"}


def test_nothing_is_kept_before_it_has_run_for_a_while(place: House) -> None:
    last_good = LastGood(place.state)
    last_good.ran(place.source.read().copies, 100.0)
    last_good.turn(100.0 + PROVEN_AFTER_S - 0.1, place.log)
    assert not (place.state / FILE).exists()


def test_the_same_configuration_is_not_written_twice(place: House) -> None:
    class Counting(Disk):
        written = 0

        def replace(self, source: Path, target: Path) -> None:
            self.written += 1
            super().replace(source, target)

    disk = Counting()
    for _ in range(3):
        last_good = LastGood(place.state, disk=disk)
        last_good.ran(place.source.read().copies, 0.0)
        last_good.turn(PROVEN_AFTER_S, place.log)
        last_good.turn(2 * PROVEN_AFTER_S, place.log)
    assert disk.written == 1
    place.file.write_text(place.file.read_text() + "\n")
    place.keep(place.source.read())
    assert unpacked((place.state / FILE).read_bytes()) == place.source.read().copies


def test_a_disk_that_takes_nothing_is_told_once_and_stops_nobody(place: House) -> None:
    class Full(Disk):
        def write_at(self, descriptor: int, data: bytes | memoryview, offset: int) -> int:
            raise OSError(28, "No space left on device")

    last_good = LastGood(place.state, disk=Full())
    last_good.ran(place.source.read().copies, 0.0)
    for _ in range(3):
        last_good.turn(PROVEN_AFTER_S, place.log)
    assert place.log.names() == ["configuration_not_kept"]


@pytest.mark.parametrize("quote", ["", "'", '"'])
def test_a_password_in_the_file_is_not_copied(place: House, quote: str) -> None:
    secret = WITH_COLON if quote else "hunter2"
    text = place.file.read_text().replace(
        "mqtt: {url: mqtt://localhost}",
        f"mqtt:\n  url: mqtt://localhost\n  username: me\n  password: {quote}{secret}{quote}  # mine",
    )
    place.file.write_text(text)
    place.file.chmod(0o600)
    now = place.source.read()
    assert now.configuration is not None, now.faults
    assert b"hunter2" not in place.keep(now)
    kept = place.kept()
    assert kept is not None
    assert kept.configuration is not None, kept.faults
    assert kept.configuration.mqtt is not None
    assert kept.configuration.mqtt.password is None
    assert kept.configuration.sensors == now.configuration.sensors


def test_a_password_that_cannot_be_left_out_keeps_the_whole_file_from_being_copied(place: House) -> None:
    text = place.file.read_text().replace(
        "mqtt: {url: mqtt://localhost}", 'mqtt: {url: mqtt://localhost, username: me, password: "hunter\\x32"}'
    )
    place.file.write_text(text)
    place.file.chmod(0o600)
    now = place.source.read()
    assert now.configuration is not None, now.faults
    assert now.copies is None


def test_a_password_of_a_file_or_of_the_environment_is_not_copied(place: House) -> None:
    secret = place.file.parent / "mqtt-password"
    secret.write_text("hunter2\n")
    secret.chmod(0o600)
    place.file.write_text(
        place.file.read_text().replace("localhost}", "localhost, username: me, password_file: mqtt-password}")
    )
    now = place.source.read()
    assert now.configuration is not None, now.faults
    assert b"hunter2" not in place.keep(now)
    kept = place.kept()
    assert kept is not None
    assert kept.configuration == now.configuration, "the secret is read from where it is"


def test_what_was_kept_of_another_file_is_not_taken(
    place: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.keep(place.source.read())
    assert LastGood(place.state).read(tmp_path / "other.yaml") is None
    monkeypatch.chdir(place.file.parent)
    assert LastGood(place.state).read(Path(place.file.name)) is not None


COPIES = Copies(parts=(Path("/etc/gateway.yaml"),), texts={Path("/etc/gateway.yaml"): "mqtt: {url: mqtt://é}\n"})


@given(st.data())
def test_whatever_happens_to_the_copy_it_is_read_whole_or_not_at_all(data: st.DataObject) -> None:
    packed = COPIES.packed()
    cut = packed[: data.draw(st.integers(0, len(packed) - 1))]
    place = data.draw(st.integers(0, len(packed) - 1))
    flipped = packed[:place] + bytes([packed[place] ^ data.draw(st.integers(1, 255))]) + packed[place + 1 :]
    assert unpacked(packed) == COPIES
    assert unpacked(cut) is None
    assert unpacked(flipped) is None
    assert unpacked(data.draw(st.binary())) is None


def test_a_faulty_file_is_never_kept(place: House) -> None:
    place.file.write_text("sensors: [\n")
    assert place.source.read().copies is None
