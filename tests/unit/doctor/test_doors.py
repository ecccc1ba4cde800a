"""What the doors read, on likenesses of a computer."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any

import pytest

from sensor_gateway.config.loading import load
from sensor_gateway.config.settings import Configuration
from sensor_gateway.publishing.settings import BrokerSettings, TlsSettings
from sensor_gateway.sensing.catalogue import DriverCatalogue
from sensor_gateway.service.doctor.doors.account import account_of, nearest, node_of
from sensor_gateway.service.doctor.doors.broker import look_at_broker
from sensor_gateway.service.doctor.doors.configuration import read_configuration
from sensor_gateway.service.doctor.doors.machine import MachineDoor
from sensor_gateway.service.doctor.doors.system import SystemDoor, output_of
from sensor_gateway.service.doctor.doors.wires import WireDoor
from sensor_gateway.service.doctor.examination import Asked, Examination
from sensor_gateway.service.plans import sensor_plans
from sensor_gateway.service.system_clock import SystemClock
from sensor_gateway.service.time_sources.timesyncd import Timesyncd


def put(root: Path, name: str, content: str | bytes = "") -> Path:
    file = root / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return file


def test_the_clock_is_as_its_time_source_says(tmp_path: Path) -> None:
    source = Timesyncd(tmp_path / "timesync")
    before = MachineDoor(tmp_path).clock(source, may_guess=True)
    assert (before.is_set, before.may_guess, before.has_rtc) == (False, True, False)
    assert "systemd-timesyncd does not run here" in before.why
    put(tmp_path, "timesync/synchronized")
    put(tmp_path, "dev/rtc0")
    after = MachineDoor(tmp_path).clock(source, may_guess=False)
    assert (after.is_set, after.why, after.has_rtc) == (True, "systemd-timesyncd has set the clock", True)


@pytest.mark.parametrize(
    ("text", "says"),
    [("clock: {source: assume}\n", "always right"), ("clock: {source: rtc}\n", "real-time clock"),
     ("clock: {source: timesyncd}\n", "systemd-timesyncd")],
)  # fmt: skip
def test_the_time_source_of_the_configuration_is_asked(tmp_path: Path, text: str, says: str) -> None:
    file = put(tmp_path, "my.yaml", f"mqtt: {{url: 'mqtt://127.0.0.1:1'}}\n{text}")
    reading, unread = read_configuration(file, {})
    asked = Asked(
        file=file, reading=reading, unread=unread, state_directory=tmp_path, inspected=None, barred="", gateway="+"
    )
    (clock,) = (one for one in Examination(asked, SystemClock()).findings() if one.subject == "clock")
    assert says in clock.sentence


def test_a_disk_is_that_of_the_longest_mount_point_even_where_the_directory_is_still_missing(tmp_path: Path) -> None:
    spaced = str(tmp_path).replace("/", "/") + "/my\\040disk"
    mounts = f"/dev/root / ext4 rw,noatime 0 0\ntmpfs {tmp_path} tmpfs rw 0 0\n/dev/sda1 {spaced} f2fs rw,sync 0 0\n"
    put(tmp_path, "proc/self/mounts", mounts)
    (tmp_path / "my disk").mkdir()
    door = MachineDoor(tmp_path)
    disk = door.disk(tmp_path / "my disk" / "state" / "deep")
    assert disk is not None
    assert (disk.mount, disk.kind) == (f"{tmp_path}/my disk", "f2fs")
    assert {"rw", "sync"} <= disk.options
    assert disk.free > 0
    other = door.disk(tmp_path / "elsewhere")
    assert other is not None
    assert other.kind == "tmpfs"


def test_a_card_tells_its_wear_and_the_kernel_what_was_written(tmp_path: Path) -> None:
    """Documentation/block/stat.rst: the seventh number is of sectors written, of 512 bytes."""
    put(tmp_path, "sys/block/mmcblk0/stat", "  10 1 2 3 40 5 2000 7 0 8 9 0 0 0 0\n")
    put(tmp_path, "sys/block/mmcblk0/device/life_time", "0x02 0x04\n")
    put(tmp_path, "sys/block/mmcblk0/device/pre_eol_info", "0x01\n")
    put(tmp_path, "sys/block/mmcblk1/stat", "")
    (tmp_path / "sys/block/sda").mkdir()
    emmc, bare = MachineDoor(tmp_path).cards()
    assert (emmc.name, emmc.life, emmc.pre_eol, emmc.written) == ("mmcblk0", 4, 1, 2000 * 512)
    assert (bare.name, bare.life, bare.pre_eol, bare.written) == ("mmcblk1", None, None, 0)


@pytest.mark.parametrize(
    ("files", "is_kept"),
    [
        ({}, False),
        ({"var/log/journal/x": ""}, True),
        (
            {"var/log/journal/x": "", "usr/lib/systemd/journald.conf.d/40-rpi.conf": "[Journal]\nStorage=volatile\n"},
            False,
        ),
        (
            {
                "usr/lib/systemd/journald.conf.d/40-rpi.conf": "Storage=volatile",
                "etc/systemd/journald.conf.d/90-keep.conf": "[Journal]\nStorage=persistent\n",
            },
            True,
        ),
        (
            {
                "usr/lib/systemd/journald.conf.d/40-rpi.conf": "Storage=volatile",
                "etc/systemd/journald.conf.d/40-rpi.conf": "#nothing",
                "var/log/journal/x": "",
            },
            True,
        ),
        ({"etc/systemd/journald.conf": "[Journal]\n#Storage=auto\n"}, False),
    ],
)
def test_whether_the_journal_is_kept_follows_the_last_setting(
    tmp_path: Path, files: dict[str, str], *, is_kept: bool
) -> None:
    (tmp_path / "run" / "systemd" / "system").mkdir(parents=True)
    for name, text in files.items():
        put(tmp_path, name, text)
    assert SystemDoor(tmp_path).look().is_journal_kept is is_kept


def test_without_systemd_nothing_is_asked_of_it(tmp_path: Path) -> None:
    facts = SystemDoor(tmp_path).look()
    assert (facts.unit, facts.is_journal_kept) == (None, None)
    assert {"sensor-gateway", "Python", "Linux", "paho-mqtt"} <= set(facts.versions)


def test_a_program_that_is_missing_or_fails_tells_nothing() -> None:
    assert output_of(["no-such-program-anywhere"]) is None
    assert output_of(["false"]) is None
    assert output_of(["echo", "said"]) == "said\n"


def test_the_account_is_the_units_user_with_its_groups_and_whoever_asks_without_one() -> None:
    root = account_of({"User": "root", "SupplementaryGroups": "tty no-such-group"})
    assert (root.name, root.uid, root.is_service) == ("root", 0, True)
    assert 0 in root.groups
    assert len(root.groups) >= 2
    nobody = account_of({"User": "no-such-user-here"})
    assert (nobody.uid, nobody.is_service) == (os.geteuid(), False)


def test_what_is_missing_has_no_node_and_the_nearest_above_has(tmp_path: Path) -> None:
    assert node_of(tmp_path / "missing") is None
    found = nearest(tmp_path / "missing" / "deep")
    assert found is not None
    assert found.path == tmp_path
    assert stat.S_ISDIR(found.mode)


def configured(tmp_path: Path, text: str) -> tuple[Configuration, Any]:
    file = put(tmp_path, "my.yaml", text)
    catalogue = DriverCatalogue()
    loaded = load(file, catalogue=catalogue, environ={}, needs_broker=False)
    assert loaded.startable is not None, loaded.faults
    configuration = loaded.startable.configuration
    return configuration, sensor_plans(configuration, catalogue)


def test_a_bus_is_opened_and_its_sensors_asked_only_where_no_gateway_runs(tmp_path: Path) -> None:
    text = "buses: {wire: {type: simulated, kind: i2c}}\nsensors: {attic: {driver: bme280, bus: wire}}\n"
    configuration, plans = configured(tmp_path, text)
    ((wire, (attic,)),) = WireDoor(configuration, plans, SystemClock(), is_running=False).look()
    assert (wire.trouble, attic.failure) == ("", "")
    ((wire, (attic,)),) = WireDoor(configuration, plans, SystemClock(), is_running=True).look()
    assert (wire.trouble, attic.failure, attic.reason) == (None, None, "a gateway runs")


def test_a_bus_in_software_that_cannot_be_made_is_a_finding(tmp_path: Path) -> None:
    scenario = put(tmp_path, "storm.yaml", "values: {attic.temperature: [[0s, 20]]}\n")
    text = (
        "buses: {wire: {type: simulated, kind: i2c, scenario: storm.yaml}}\n"
        "sensors: {attic: {driver: bme280, bus: wire}}\n"
    )
    configuration, plans = configured(tmp_path, text)
    scenario.write_text("values: 7\n")
    ((wire, (attic,)),) = WireDoor(configuration, plans, SystemClock(), is_running=False).look()
    assert "cannot be made" in (wire.trouble or "")
    assert "storm.yaml:1:" in (wire.trouble or "")
    assert (attic.failure, attic.reason) == (None, "its bus cannot be made")


def test_the_device_tree_tells_the_real_clock_of_a_bus_and_sysfs_who_owns_an_address(tmp_path: Path) -> None:
    """Device tree specification 0.4, 2.2.4: a cell is 32 bits, big-endian."""
    device = tmp_path / "i2c-7"
    text = f"buses: {{i2c7: {{type: i2c, path: {device}}}}}\nsensors: {{attic: {{driver: lm75, bus: i2c7}}}}\n"
    configuration, plans = configured(tmp_path, text)
    adapter = "bus/i2c/devices/i2c-7/of_node/clock-frequency"
    put(tmp_path / "sys", adapter, (400_000).to_bytes(4, "big"))
    owned = tmp_path / "sys" / "bus" / "i2c" / "devices" / "7-0048"
    owned.mkdir(parents=True)
    (owned / "driver").symlink_to("../../../../bus/i2c/drivers/lm75")
    door = WireDoor(configuration, plans, SystemClock(), is_running=False, sysfs=tmp_path / "sys")
    ((wire, (attic,)),) = door.look()
    assert (wire.set_hz, wire.real_hz) == (100_000, 400_000)
    assert [(one.sensor, one.address, one.driver, one.bus_number) for one in wire.taken] == [
        ("attic", 0x48, "lm75", "7")
    ]
    assert (wire.is_there, attic.failure) == (False, None)
    assert "there is no" in (wire.trouble or "")


@pytest.mark.parametrize(("mode", "is_exposed"), [(0o600, False), (0o640, False), (0o644, True)])
@pytest.mark.parametrize("is_apart", [True, False])
def test_a_private_key_is_exposed_where_everybody_can_read_it(
    tmp_path: Path, mode: int, *, is_exposed: bool, is_apart: bool
) -> None:
    """The group may: it is the service's. Without ``key_file`` the key stands in the certificate's file."""
    key = put(tmp_path, "key.pem")
    key.chmod(mode)
    certificate = put(tmp_path, "certificate.pem") if is_apart else key
    tls = TlsSettings(certificate_file=certificate, key_file=key if is_apart else None)
    facts = look_at_broker(BrokerSettings(host="127.0.0.1", port=1, client_id="", tls=tls), "a/status")
    assert facts.exposed_key == (key if is_exposed else None)


WITH_LOGIN = "mqtt: {url: mqtt://b, username: u, password_file: mqtt}\n"


def test_a_password_is_looked_for_among_the_services_credentials_too(tmp_path: Path) -> None:
    file = put(tmp_path, "gateway.yaml", WITH_LOGIN)
    reading, unread = read_configuration(file, {})
    assert [fault.path for fault in reading.faults] == ["mqtt.password_file"]
    put(tmp_path, "credentials/mqtt", "sesame\n")
    reading, unread = read_configuration(file, {})
    assert (reading.faults, unread) == ((), "")
    assert reading.startable is not None
    assert reading.startable.configuration.mqtt is not None
    assert reading.startable.configuration.mqtt.password is not None


@pytest.mark.parametrize("barred", ["gateway.yaml", "mqtt", "credentials"])
def test_what_may_not_be_read_is_said_and_is_no_fault(
    tmp_path: Path, barred: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Root may read everything: the system's refusal is played here."""
    file = put(tmp_path, "gateway.yaml", WITH_LOGIN)
    if barred == "mqtt":
        put(tmp_path, "mqtt", "sesame").chmod(0o644)  # a fault, so that it is asked whether we may read it
    if barred == "credentials":
        (tmp_path / "credentials").mkdir()
    allowed = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path).name != barred and allowed(path, mode))
    reading, unread = read_configuration(file, {})
    assert (reading.faults, barred in unread) == ((), True)
