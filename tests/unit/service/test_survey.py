"""One value of many answers."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from sensor_gateway.model.commands.refusal_code import RefusalCode
from sensor_gateway.model.event import GapCause
from sensor_gateway.model.health import Availability, SensorState
from sensor_gateway.model.reading import ClockState, FailureCode, Stamp
from sensor_gateway.model.vitals.bus_report import BusReport, BusState, SensorTally
from sensor_gateway.model.vitals.gateway_health import (
    GatewayAlarm,
    LinkState,
    LostEvents,
    RecoveryCondition,
    RecoveryOutcome,
)
from sensor_gateway.model.vitals.moment import Rfc3339
from sensor_gateway.model.vitals.past import Ending, Past, Recalled
from sensor_gateway.outbox.counters import OutboxCounters
from sensor_gateway.outbox.opening import ALARMS
from sensor_gateway.outbox.tiers.outlook import Outlook
from sensor_gateway.publishing.health.report import PublisherCounters, PublisherReport
from sensor_gateway.publishing.linking.link import LinkReport
from sensor_gateway.publishing.mqtt import Protocol
from sensor_gateway.service.commands.audit import CommandCounters
from sensor_gateway.service.health.silence import Hearing
from sensor_gateway.service.health.survey import HealthSurvey, Subject

WALL_MS = 1_795_449_600_000  # 2026-11-23T16:00:00Z


def at(seconds: float) -> Stamp:
    """So long after the start, which was 1000 s after the boot."""
    ms = round(seconds * 1000)
    return Stamp(uptime_ms=1_000_000 + ms, wall_ms=WALL_MS + ms, clock=ClockState.SYNCED)


class FakeOutbox:
    def __init__(self) -> None:
        self.pending = 0
        self.counters = OutboxCounters()
        self.alarms: tuple[str, ...] = ()
        self.seen = Outlook(oldest=None, full_in_s=None)
        self.looks = 0

    def outlook(self) -> Outlook:
        self.looks += 1
        return self.seen


class FakeBus:
    def __init__(self) -> None:
        self.report: BusReport | None = None


BUS = BusReport(
    bus="i2c1",
    state=BusState.ALIVE,
    load=0.25,
    error_rate=0.5,
    transfers=10,
    errors=5,
    missed=1,
    put_off=2,
    sensors=(SensorTally(sensor="attic", polls=7, failures=3, last_good=at(40)),),
)
REPORT = PublisherReport(
    link=LinkReport(state=LinkState.CONNECTED, since=at(1), protocol=Protocol.V5),
    counters=PublisherCounters(
        connections=3, messages=1, sent=9, acknowledged=8, no_subscriber=2, refused=0, held=0, quarantined=0
    ),
    is_denied=False,
    is_held=False,
)


class FakeDesk:
    def __init__(self, counters: CommandCounters) -> None:
        self.counters = counters


class House:
    def __init__(self) -> None:
        self.outbox = FakeOutbox()
        self.bus = FakeBus()
        self.written: int | None = 4096
        self.report = REPORT
        self.start = at(0)
        self.survey = self.surveyed()

    def surveyed(self, desk: FakeDesk | None = None) -> HealthSurvey:
        subject = Subject(
            gateway="greenhouse",
            instance="i1",
            boot="1b4e28ba",
            version="0.1.0",
            python="3.11.7",
            sensors=("attic", "bench"),
            start=self.start,
            interval_s=60.0,
        )
        return HealthSurvey(
            subject, outbox=self.outbox, buses=lambda: [self.bus], written=lambda: self.written, desk=desk
        )

    def beat(self, seconds: float) -> dict[str, Any] | None:
        if not self.survey.is_due(seconds):
            return None
        payload = self.survey.beat(self.report, room=64_000, now_s=seconds, now=at(seconds))
        return None if payload is None else json.loads(payload)

    def told(self, seconds: float) -> dict[str, Any]:
        found = self.beat(seconds)
        assert found is not None
        return found


@pytest.fixture
def house() -> House:
    return House()


def test_everything_that_is_known_is_in_it(house: House) -> None:
    house.bus.report = BUS
    house.outbox.pending = 4
    house.outbox.seen = Outlook(oldest="2026-11-23T15:00:00.000Z", full_in_s=3600.4)
    house.survey.note_sensors(
        [SensorState(sensor="attic", state=Availability.DEGRADED, code=FailureCode.CRC, reason="bad", since=at(50))]
    )
    found = house.told(60)
    assert (found["time"], found["clock"], found["uptime_s"]) == ("2026-11-23T16:01:00.000Z", "synced", 60)
    assert (found["gateway"], found["instance"], found["boot"]) == ("greenhouse", "i1", "1b4e28ba")
    assert (found["version"], found["python"], found["interval_s"]) == ("0.1.0", "3.11.7", 60.0)
    assert found["link"] == {
        "state": "connected",
        "since": "2026-11-23T16:00:01.000Z",
        "reason": "",
        "protocol": "5",
    }
    assert (found["reconnects"], found["buffered"], found["oldest"]) == (2, 4, "2026-11-23T15:00:00.000Z")
    assert (found["full_in_s"], found["sent"], found["acknowledged"], found["no_subscriber"]) == (3600, 9, 8, 2)
    assert found["buses"] == {
        "i2c1": {
            "state": "alive",
            "reason": "",
            "load": 0.25,
            "error_rate": 0.5,
            "transfers": 10,
            "errors": 5,
            "missed": 1,
            "put_off": 2,
            "recovery": None,
        }
    }
    assert found["sensors"]["attic"] == {
        "state": "degraded",
        "code": "crc",
        "reason": "bad",
        "since": "2026-11-23T16:00:50.000Z",
        "last_good": "2026-11-23T16:00:40.000Z",
        "polls": 7,
        "failures": 3,
        "failures_before": 0,
    }
    assert found["sensors"]["bench"]["state"] == "starting"
    assert found["sensor_counts"] == {"starting": 1, "online": 0, "degraded": 1, "offline": 0}
    assert house.survey.newest is not None
    assert house.survey.newest.buffered == 4


def test_each_cause_of_a_loss_has_its_place_and_what_an_operator_purged_is_no_loss(house: House) -> None:
    counters = house.outbox.counters
    for number, cause in enumerate((GapCause.LIMIT, GapCause.AGE, GapCause.DAMAGE, GapCause.MEMORY, GapCause.UNKNOWN)):
        counters.drop(cause, 1 << number)
    counters.drop(GapCause.PURGE, 1000)
    counters.refused = 1 << 5
    house.report = replace(REPORT, counters=replace(REPORT.counters, quarantined=1 << 6, damaged=100, unexplained=200))
    found = house.told(1)
    expected = LostEvents(limit=1, age=2, damage=4 + 100, memory=8, unknown=16 + 200, refused=32, quarantine=64)
    assert found["lost"] == {name: getattr(expected, name) for name in found["lost"]}
    assert found["lost_total"] == expected.total == 127 + 300
    assert found["purged"] == 1000


def test_every_alarm_of_the_outbox_is_in_the_closed_list(house: House) -> None:
    house.outbox.alarms = ALARMS
    house.report = replace(REPORT, is_denied=True, is_held=True, link=replace(REPORT.link, state=LinkState.REFUSED))
    house.bus.report = replace(BUS, state=BusState.HUNG)
    expected = [*ALARMS, "broker_refused", "stream_denied", "stream_held", "bus_hung"]
    assert house.told(1)["alarms"] == expected
    house.bus.report = replace(BUS, state=BusState.ENDED)
    house.survey.note_configuration("the configuration file has 1 fault")
    assert set(house.told(6)["alarms"]) | {"bus_hung", "bus_silent", "recover_failed"} == set(GatewayAlarm)


def test_why_the_gateway_runs_by_another_configuration_is_told_until_it_does_not(house: House) -> None:
    assert (house.told(0)["configuration"], house.survey.newest and house.survey.newest.alarms) == ("", ())
    house.survey.note_configuration("x" * 1000)
    found = house.told(6)
    assert (found["configuration"], found["alarms"]) == ("x" * 199 + "…", ["configuration"])
    house.survey.note_configuration("")
    found = house.told(12)
    assert (found["configuration"], found["alarms"]) == ("", [])


def test_commands_are_counted_where_some_are_allowed(house: House) -> None:
    assert house.told(0)["commands"] is None
    refused = {RefusalCode.EXPIRED: 4, RefusalCode.NOT_ALLOWED: 5, RefusalCode.CLOCK: 0}
    house.survey = house.surveyed(FakeDesk(CommandCounters(done=1, failed=2, refused=refused)))
    assert house.told(0)["commands"] == {"done": 1, "failed": 2, "refused": 9}


def test_a_clock_that_was_set_later_is_a_corrected_one(house: House) -> None:
    def clock(start: ClockState, now: ClockState) -> str:
        house.start = replace(at(0), clock=start)
        found = house.surveyed().examine(REPORT, replace(at(60), clock=now))
        return found.clock

    assert clock(ClockState.UNSYNCED, ClockState.UNSYNCED) == "unsynced"
    assert clock(ClockState.UNSYNCED, ClockState.SYNCED) == "corrected"
    assert clock(ClockState.SYNCED, ClockState.SYNCED) == "synced"


def test_another_interval_counts_at_once_and_without_one_nothing_is_said(house: House) -> None:
    def change(interval_s: float | None, seconds: float) -> None:
        house.survey.change(("attic", "bench"), interval_s=interval_s, now=at(seconds))

    house.told(0)
    change(10.0, 1)
    assert [second for second in range(1, 22) if house.beat(second)] == [1, 11, 21]
    change(None, 22)
    house.survey.note_configuration("news")
    assert [second for second in range(22, 200) if house.beat(second)] == []
    assert house.survey.newest is not None
    assert house.survey.newest.configuration == "news", "what others look at is brought up to date all the same"
    change(60.0, 200)
    assert house.told(200)["interval_s"] == 60.0


def test_while_nothing_changes_a_look_costs_no_look_at_files(house: House) -> None:
    said = [second for second in range(301) if house.beat(second)]
    assert said == [0, 60, 120, 180, 240, 300]
    assert house.outbox.looks == len(said)


@pytest.mark.parametrize(
    "change",
    [
        lambda house: house.outbox.counters.drop(GapCause.LIMIT, 1),
        lambda house: setattr(house.outbox, "alarms", ("outbox_flash",)),
        lambda house: setattr(house.bus, "report", replace(BUS, state=BusState.HUNG)),
        lambda house: setattr(house, "report", replace(REPORT, link=replace(REPORT.link, since=at(9)))),
        lambda house: house.survey.note_sensors(
            [SensorState(sensor="attic", state=Availability.ONLINE, code=None, reason="", since=at(9))]
        ),
    ],
)
def test_a_change_of_state_is_told_within_five_seconds(house: House, change: Any) -> None:
    house.told(0)
    assert all(house.beat(second) is None for second in range(1, 12))
    change(house)
    assert any(house.beat(second) for second in range(12, 17))
    assert all(house.beat(second) is None for second in range(17, 60)), "and once"


@pytest.mark.parametrize(
    "change",
    [
        lambda house: setattr(house.outbox, "pending", 5),
        lambda house: setattr(house.bus, "report", replace(BUS, load=0.9, transfers=99)),
        lambda house: setattr(house, "report", replace(REPORT, counters=replace(REPORT.counters, sent=999))),
    ],
)
def test_counters_alone_wait_for_the_interval(house: House, change: Any) -> None:
    house.bus.report = BUS
    house.told(0)
    change(house)
    assert all(house.beat(second) is None for second in range(1, 60))
    house.told(60)


def test_the_end_of_a_backlog_is_told_within_five_seconds_and_once(house: House) -> None:
    house.told(0)
    house.outbox.counters.appended = house.outbox.pending = 5
    assert [second for second in range(1, 128) if house.beat(second)] == [60, 120]
    house.outbox.pending = 0
    found = [(second, told["buffered"]) for second in range(128, 200) if (told := house.beat(second))]
    assert found[0][0] <= 133
    assert found[0][1] == 0
    assert len(found) == 2, "the second one is that of the interval"


def test_a_new_connection_is_told_at_once(house: House) -> None:
    house.told(0)
    assert house.beat(1) is None
    house.survey.begin()
    house.told(1)


@pytest.mark.parametrize(
    ("written", "seconds", "expected"),
    [
        (8192, 3599, {"total": 8192, "per_day": None}),
        (3600, 3600, {"total": 3600, "per_day": 86_400}),
        (172_800, 172_800, {"total": 172_800, "per_day": 86_400}),
        (None, 7200, {"total": None, "per_day": None}),
    ],
)
def test_the_wear_of_a_day_is_told_after_an_hour(
    house: House, written: int | None, seconds: int, expected: dict[str, object]
) -> None:
    house.written = written
    assert house.told(seconds)["bytes_written"] == expected


def test_without_a_connection_the_newest_is_kept_up_to_date_and_nothing_is_written(house: House) -> None:
    """For surfaces that show it on this machine."""
    lost = replace(REPORT, link=LinkReport(state=LinkState.CONNECTING, since=at(10), why="nobody listens there"))
    assert house.survey.beat(lost, room=None, now_s=10, now=at(10)) is None
    assert house.survey.newest is not None
    assert (house.survey.newest.link.state, house.survey.newest.link.reason) == ("connecting", "nobody listens there")
    house.survey.begin()
    house.told(11)


def test_who_asks_is_told_in_the_next_turn_and_no_message_is_sent_for_it(house: House) -> None:
    house.told(5)
    rung: list[str] = []
    assert not house.survey.is_due(6)
    house.survey.ask(lambda: rung.append("one"))
    house.survey.ask(lambda: rung.append("two"))
    before, looks = house.survey.newest, house.outbox.looks
    assert house.beat(6) is None
    assert (rung, house.outbox.looks - looks) == (["one", "two"], 1)
    assert house.survey.newest is not before
    assert house.survey.newest is not None
    assert house.survey.newest.time == "2026-11-23T16:00:06.000Z"
    assert not house.survey.is_due(6)


def test_without_messages_who_asks_is_told_all_the_same(house: House) -> None:
    subject = replace(house.survey._subject, interval_s=None)
    house.survey = HealthSurvey(subject, outbox=house.outbox, buses=lambda: [house.bus], written=lambda: None)
    house.survey.begin()
    house.survey.ask(lambda: None)
    assert house.beat(7) is None
    assert house.survey.newest is not None


def test_earlier_lives_are_in_it(house: House) -> None:
    house.survey.recalled = Recalled(past=Past(starts=4, ended=Ending.KILLED), failures={"attic": 12})
    found = house.told(5)
    assert (found["past"]["starts"], found["past"]["ended"]) == (4, "killed")
    assert {name: one["failures_before"] for name, one in found["sensors"].items()} == {"attic": 12, "bench": 0}


def test_a_silent_bus_is_an_alarm_and_a_sentence(house: House) -> None:
    house.bus.report = BUS
    reason = "there is no /dev/i2c-1"
    gone = SensorState(
        sensor="attic", state=Availability.OFFLINE, code=FailureCode.MISSING, reason=reason, since=at(50)
    )
    assert "bus_silent" not in house.told(5)["alarms"]
    house.survey.note_sensors([gone])
    found = house.told(60)
    assert found["alarms"] == ["bus_silent"]
    assert found["buses"]["i2c1"]["reason"] == f"its sensor is silent: {reason}"


def test_what_recover_commands_came_to_is_told_at_once_and_one_that_failed_is_an_alarm(house: House) -> None:
    house.bus.report = BUS
    recoveries = {"i2c1": RecoveryCondition()}
    house.survey.recoveries = lambda: recoveries
    assert house.told(5)["buses"]["i2c1"]["recovery"] == {
        "runs": 0, "failures": 0, "last": None, "outcome": None, "reason": "",
    }  # fmt: skip
    last = Rfc3339("2026-11-23T16:00:06.000Z")
    recoveries["i2c1"] = RecoveryCondition(runs=1, last=last, outcome=RecoveryOutcome.DONE)
    found = house.told(11)
    assert (found["buses"]["i2c1"]["recovery"]["outcome"], found["alarms"]) == ("done", [])
    recoveries["i2c1"] = RecoveryCondition(runs=2, failures=1, outcome=RecoveryOutcome.FAILED, reason="it ended with 1")
    assert house.told(17)["alarms"] == ["recover_failed"]
    assert house.beat(23) is None


def test_what_comes_from_each_bus_is_known_with_each_state(house: House) -> None:
    house.bus.report = BUS
    for state, hearing in (
        (Availability.ONLINE, Hearing.HEARD),
        (Availability.DEGRADED, Hearing.UNCLEAR),
        (Availability.OFFLINE, Hearing.SILENT),
    ):
        house.survey.note_sensors(
            [SensorState(sensor="attic", state=state, code=FailureCode.NACK, reason="", since=at(1))]
        )
        assert house.survey.hearings == {"i2c1": hearing}
