from __future__ import annotations

import shlex
import stat
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensor_gateway.config.text.faults import Fault
from sensor_gateway.publishing.settings import TlsSettings
from sensor_gateway.publishing.tls.certificate import Validity
from sensor_gateway.service.doctor.finding import Finding, Grade, advice, exit_code, ok, unseen, wrong
from sensor_gateway.service.doctor.judges.access import (
    Account,
    Node,
    judge_account,
    judge_nodes,
    judge_state_directory,
    may_use,
)
from sensor_gateway.service.doctor.judges.broker import BrokerFacts, Step, judge_broker
from sensor_gateway.service.doctor.judges.clock import ClockFacts, judge_clock
from sensor_gateway.service.doctor.judges.configuration import judge_configuration
from sensor_gateway.service.doctor.judges.disk import CardFacts, DiskFacts, judge_card, judge_disk
from sensor_gateway.service.doctor.judges.outbox import OutboxFacts, judge_outbox
from sensor_gateway.service.doctor.judges.system import SystemFacts, judge_system
from sensor_gateway.service.doctor.judges.wires import SensorFacts, Taken, WireFacts, judge_sensors, judge_wire

DAY_MS = 86_400_000
NOW_MS = 1_800_000_000_000
FILE = Path("/etc/sensor-gateway/gateway.yaml")

SERVICE = Account(name="sensor-gateway", uid=990, groups=frozenset({990, 44}), is_service=True)
I2C = Node(path=Path("/dev/i2c-1"), uid=0, gid=44, mode=stat.S_IFCHR | 0o660, owner="root", group="i2c")
WIRE = WireFacts(
    name="i2c1",
    device="/dev/i2c-1",
    trouble="",
    is_there=True,
    holder="",
    set_hz=100_000,
    real_hz=100_000,
    taken=(),
)
BROKER = BrokerFacts(host="broker.lan", port=8883, tls=TlsSettings(), failed=Step.ALL, why="")
CLOCK = ClockFacts(wall_ms=NOW_MS, is_set=True, why="somebody says so", may_guess=False, has_rtc=False)
DISK = DiskFacts(
    directory=Path("/var/lib/sensor-gateway"),
    mount="/",
    kind="ext4",
    options=frozenset({"rw", "noatime"}),
    free=10_000_000_000,
    inodes=1_000_000,
    free_inodes=900_000,
)
CARD = CardFacts(name="mmcblk0", life=None, pre_eol=None, written=1_000_000_000, uptime_s=86_400.0)
OUTBOX = OutboxFacts(waiting=0, complaints=(), damaged=0, days_left=None, write_per_day=None, is_owned=True)
UNIT = {"LoadState": "loaded", "ActiveState": "active", "Result": "success", "UnitFileState": "enabled"}


def grades(findings: Iterable[Finding]) -> list[str]:
    """As they are; each that is amiss has a remedy that a shell can read, and each sentence is one line."""
    found = list(findings)
    for finding in found:
        assert finding.sentence
        assert "\n" not in finding.sentence + finding.remedy
        if finding.grade is not Grade.OK:
            assert finding.remedy
        if not finding.remedy.startswith("buses:"):
            shlex.split(finding.remedy)
    return [str(finding.grade) for finding in found]


@pytest.mark.parametrize(
    ("findings", "code"),
    [
        ([], 0),
        ([ok("a", "b")], 0),
        ([ok("a", "b"), unseen("a", "b", "c")], 0),
        ([unseen("a", "b", "c"), advice("a", "b", "c")], 1),
        ([wrong("a", "b", "c"), advice("a", "b", "c"), ok("a", "b")], 2),
    ],
)
def test_the_exit_code_is_that_of_the_worst_and_what_was_not_seen_is_no_fault(
    findings: list[Finding], code: int
) -> None:
    assert exit_code(findings) == code


def test_every_fault_of_the_configuration_is_wrong_and_a_warning_is_advice() -> None:
    fault = Fault(file=FILE, line=3, column=7, path="mqtt.url", message="expected an address")
    found = list(judge_configuration(FILE, [fault, fault], [fault], None))
    assert grades(found) == ["wrong", "wrong", "advice"]
    assert "gateway.yaml:3:7 mqtt.url: expected an address" in found[0].sentence
    assert grades(judge_configuration(FILE, [], [], 3)) == ["ok"]
    assert grades(judge_configuration(FILE, [], [], 0)) == ["advice"]


@given(
    uid=st.integers(1, 3), gid=st.integers(1, 3), groups=st.frozensets(st.integers(1, 3)), mode=st.integers(0, 0o777)
)
def test_who_may_use_a_node_follows_the_first_class_that_fits(
    uid: int, gid: int, groups: frozenset[int], mode: int
) -> None:
    """POSIX.1-2017, 4.5: the owner's bits for the owner, the group's for its members, the others' for the rest."""
    account = Account(name="a", uid=2, groups=groups, is_service=True)
    node = replace(I2C, uid=uid, gid=gid, mode=mode)
    shift = 6 if uid == 2 else 3 if gid in groups else 0
    assert may_use(account, node) is (mode >> shift & 0o6 == 0o6)
    assert may_use(replace(account, uid=0), node)


def test_a_user_outside_the_group_of_a_bus_is_told_which_group_to_join() -> None:
    outside = replace(SERVICE, groups=frozenset({990}))
    (finding,) = judge_nodes(outside, [("i2c1", I2C)])
    assert grades([finding]) == ["wrong"]
    assert finding.subject == "buses.i2c1"
    assert finding.remedy.startswith("sudo usermod -aG i2c sensor-gateway")
    assert grades(judge_nodes(SERVICE, [("i2c1", I2C)])) == ["ok"]
    root_only = replace(I2C, gid=0, mode=stat.S_IFCHR | 0o600)
    (finding,) = judge_nodes(SERVICE, [("i2c1", root_only)])
    assert "usermod" not in finding.remedy


def test_root_is_not_needed_and_a_service_user_is_well() -> None:
    assert grades([judge_account(SERVICE)]) == ["ok"]
    assert grades([judge_account(Account(name="root", uid=0, groups=frozenset(), is_service=False))]) == ["advice"]
    assert grades([judge_account(Account(name="pi", uid=1000, groups=frozenset(), is_service=False))]) == ["ok"]


def test_a_state_directory_of_somebody_else_is_wrong() -> None:
    place = Path("/var/lib/sensor-gateway")
    theirs = replace(I2C, path=place, gid=0, mode=stat.S_IFDIR | 0o755)
    assert grades([judge_state_directory(SERVICE, place, theirs)]) == ["wrong"]
    assert grades([judge_state_directory(SERVICE, place, replace(theirs, uid=990))]) == ["ok"]
    assert grades([judge_state_directory(SERVICE, place, replace(theirs, path=Path("/var/lib")))]) == ["ok"]
    assert grades([judge_state_directory(SERVICE, place, None)]) == ["wrong"]


def test_a_bus_that_is_missing_slow_or_taken_is_told() -> None:
    assert grades(judge_wire(WIRE)) == ["ok"]
    gone = replace(WIRE, trouble="there is no /dev/i2c-1: enable I2C with `sudo raspi-config nonint do_i2c 0`")
    (finding,) = judge_wire(gone)
    assert (grades([finding]), finding.remedy) == (["wrong"], "sudo raspi-config nonint do_i2c 0")
    assert grades(judge_wire(replace(WIRE, trouble=None, is_there=False))) == ["wrong"]
    assert grades(judge_wire(replace(WIRE, trouble=None, holder="process 7 (sensor-gateway)"))) == ["ok"]
    _, finding = judge_wire(replace(WIRE, real_hz=400_000))
    assert (grades([finding]), "400000Hz" in finding.remedy) == (["advice"], True)
    assert grades(judge_wire(replace(WIRE, real_hz=None))) == ["ok"]
    taken = Taken(sensor="attic", address=0x48, driver="lm75", bus_number="1")
    _, finding = judge_wire(replace(WIRE, taken=(taken,)))
    assert finding.remedy == "echo 1-0048 | sudo tee /sys/bus/i2c/drivers/lm75/unbind"


def test_silent_sensors_are_told_each_and_those_that_answer_together() -> None:
    asked = [
        SensorFacts(name="attic", bus="i2c1", failure=""),
        SensorFacts(name="cellar", bus="i2c1", failure="nobody acknowledges address 0x76 on i2c1"),
        SensorFacts(name="garage", bus="i2c1", failure=""),
        SensorFacts(name="meter", bus="line", failure=None, reason="it talks by itself"),
    ]
    found = list(judge_sensors(asked, Path("/my files/my.yaml")))
    assert grades(found) == ["wrong", "unseen", "ok"]
    assert found[1].remedy == "sensor-gateway read meter --config '/my files/my.yaml'"
    assert found[2].sentence == "attic, garage answer"


@pytest.mark.parametrize(
    ("step", "grade"),
    [("name", "wrong"), ("port", "wrong"), ("greeting", "wrong"), ("subscription", "advice"), ("all", "ok")],
)
def test_where_the_way_to_the_broker_ends_is_told(step: str, grade: str) -> None:
    (finding,) = judge_broker(
        replace(BROKER, failed=Step(step), why="for a reason"), NOW_MS, file=FILE, is_clock_set=True
    )
    assert grades([finding]) == [grade]
    assert "broker.lan" in finding.sentence
    assert step == "all" or "for a reason" in finding.sentence


@pytest.mark.parametrize("tls", [None, TlsSettings(ca_file=Path("/ca.pem"))])
def test_the_command_to_try_a_login_takes_the_password_from_its_file(tls: TlsSettings | None) -> None:
    """A command line can be read by everybody on a machine, and stays in the history of a shell."""
    facts = replace(BROKER, failed=Step.GREETING, why="for a reason", tls=tls)
    (finding,) = judge_broker(facts, NOW_MS, file=Path("/my files/my.yaml"), is_clock_set=True)
    words = shlex.split(finding.remedy, comments=True)
    assert words == ["sensor-gateway", "tail", "--config", "/my files/my.yaml"]
    assert "-P" not in finding.remedy


@pytest.mark.parametrize(
    ("from_days", "until_days", "grade"),
    [(-100, 265, "ok"), (-300, 29, "advice"), (-300, 31, "ok"), (-365, -1, "wrong"), (1, 365, "wrong"), (-5, 1.1, "ok"),
     (-5.1, 0.9, "advice"), (-365, 0, "wrong")],
)  # fmt: skip
def test_certificates_are_judged_by_their_dates(from_days: float, until_days: float, grade: str) -> None:
    """Soon is the last sixth of its life, and at most a month."""
    validity = Validity(from_ms=NOW_MS + round(from_days * DAY_MS), until_ms=NOW_MS + round(until_days * DAY_MS))
    for facts in (replace(BROKER, brokers=validity), replace(BROKER, ours=validity)):
        _, finding = judge_broker(facts, NOW_MS, file=FILE, is_clock_set=True)
        assert grades([finding]) == [grade]
        assert grades(judge_broker(facts, NOW_MS, file=FILE, is_clock_set=False)) == ["ok"]


def test_a_private_key_that_everybody_can_read_is_told_with_what_to_do() -> None:
    facts = replace(BROKER, exposed_key=Path("/etc/my key.pem"))
    _, finding = judge_broker(facts, NOW_MS, file=FILE, is_clock_set=True)
    assert (finding.subject, finding.grade) == ("certificates", "advice")
    assert finding.remedy == "sudo chmod o-rwx '/etc/my key.pem'"


@pytest.mark.parametrize(
    ("changes", "grade"),
    [
        ({}, "ok"),
        ({"wall_ms": 0}, "ok"),
        ({"wall_ms": 0, "is_set": False}, "wrong"),
        ({"wall_ms": 0, "is_set": None, "may_guess": True}, "wrong"),
        ({"is_set": False}, "advice"),
        ({"is_set": False, "may_guess": True}, "advice"),
        ({"is_set": None}, "advice"),
        ({"is_set": None, "may_guess": True}, "advice"),
        ({"is_set": None, "may_guess": True, "has_rtc": True}, "advice"),
    ],
)
def test_the_clock_is_judged_by_its_time_source(changes: dict[str, object], grade: str) -> None:
    finding = judge_clock(replace(CLOCK, **changes))  # type: ignore[arg-type]
    assert grades([finding]) == [grade]
    assert grade == "wrong" or finding.sentence.startswith("somebody says so")
    assert ("RTC" in finding.sentence) is bool(changes.get("has_rtc"))


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, ["ok"]),
        ({"options": frozenset({"ro"})}, ["wrong", "ok"]),
        ({"kind": "tmpfs"}, ["advice", "ok"]),
        ({"kind": "overlay"}, ["advice", "ok"]),
        ({"free": 99_000_000}, ["wrong"]),
        ({"free": 150_000_000}, ["advice"]),
        ({"free_inodes": 9_000}, ["wrong"]),
        ({"inodes": 0, "free_inodes": 0}, ["ok"]),
        ({"options": frozenset({"rw", "sync"})}, ["ok", "advice"]),
    ],
)
def test_the_disk_is_judged_by_room_and_mount(changes: dict[str, object], expected: list[str]) -> None:
    assert grades(judge_disk(replace(DISK, **changes), keep_free=100_000_000)) == expected  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, ["ok"]),
        ({"uptime_s": 60.0}, []),
        ({"written": 6_000_000_000}, ["advice"]),
        ({"life": 1}, ["ok", "ok"]),
        ({"life": 9}, ["advice", "ok"]),
        ({"life": 11, "uptime_s": 1.0}, ["advice"]),
        ({"pre_eol": 3, "uptime_s": 1.0}, ["wrong"]),
        ({"pre_eol": 1, "uptime_s": 1.0}, []),
    ],
)
def test_a_card_is_judged_by_what_it_says_and_by_what_is_written_to_it(
    changes: dict[str, object], expected: list[str]
) -> None:
    """JEDEC eMMC 5.1, EXT_CSD: life 0x01 to 0x0a are tenths, 0x0b is beyond; pre-EOL 0x03 is urgent."""
    assert grades(judge_card(replace(CARD, **changes))) == expected  # type: ignore[arg-type]


def test_an_outbox_is_judged_by_alarms_damage_room_and_owner() -> None:
    assert grades(judge_outbox(OUTBOX)) == ["ok", "ok"]
    assert grades(judge_outbox(replace(OUTBOX, is_owned=None))) == ["ok"]
    assert grades(judge_outbox(replace(OUTBOX, is_owned=False))) == ["ok", "wrong"]
    assert grades(judge_outbox(replace(OUTBOX, damaged=2))) == ["wrong", "ok"]
    assert grades(judge_outbox(replace(OUTBOX, complaints=(("full", True), ("odd", False))))) == [
        "wrong",
        "advice",
        "ok",
    ]
    assert grades(judge_outbox(replace(OUTBOX, days_left=0.0))) == ["wrong", "ok", "ok"]
    assert grades(judge_outbox(replace(OUTBOX, days_left=0.5))) == ["advice", "ok", "ok"]


@pytest.mark.parametrize(
    ("unit", "grade"),
    [
        (UNIT, "ok"),
        (None, "unseen"),
        ({"LoadState": "not-found"}, "advice"),
        ({**UNIT, "ActiveState": "failed", "Result": "exit-code", "ExecMainStatus": "78"}, "wrong"),
        ({**UNIT, "ActiveState": "activating", "Result": "watchdog"}, "wrong"),
        ({**UNIT, "ActiveState": "activating"}, "ok"),
        ({**UNIT, "UnitFileState": "disabled"}, "advice"),
        ({**UNIT, "ActiveState": "inactive"}, "wrong"),
        ({**UNIT, "ActiveState": "inactive", "UnitFileState": "disabled"}, "advice"),
    ],
)
def test_the_service_is_judged_by_what_systemd_says(unit: dict[str, str] | None, grade: str) -> None:
    facts = SystemFacts(versions={"Python": "3.11"}, unit=unit, is_journal_kept=None)
    assert grades(judge_system(facts)) == ["ok", grade]


def test_a_log_in_memory_is_no_fault_and_how_to_keep_it_is_told() -> None:
    facts = SystemFacts(versions={"Python": "3.11"}, unit=UNIT, is_journal_kept=False)
    found = list(judge_system(facts))
    assert grades(found) == ["ok", "ok", "ok"]
    assert "Storage=persistent" in found[-1].remedy
