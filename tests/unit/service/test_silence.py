"""When it is the bus that is silent."""

from __future__ import annotations

import pytest

from sensor_gateway.model.health import Availability, SensorState
from sensor_gateway.model.reading import ClockState, FailureCode, Stamp
from sensor_gateway.model.vitals.bus_report import BusReport, BusState, SensorTally
from sensor_gateway.service.health.silence import Hearing, SilenceLog, hearing_of, silence_of

AT = Stamp(uptime_ms=0, wall_ms=0, clock=ClockState.SYNCED)
ONLINE = (Availability.ONLINE, None, "")
NACK_A = (Availability.OFFLINE, FailureCode.NACK, "no answer at 0x48")
NACK_B = (Availability.OFFLINE, FailureCode.NACK, "no answer at 0x49")
MISSING = (Availability.OFFLINE, FailureCode.MISSING, "there is no /dev/ttyUSB0")
DEGRADED = (Availability.DEGRADED, FailureCode.NACK, "no answer at 0x49")

Facts = tuple[Availability, FailureCode | None, str]


def bus(*names: str, state: BusState = BusState.ALIVE) -> BusReport:
    sensors = tuple(SensorTally(sensor=name, polls=1, failures=1, last_good=None) for name in names)
    return BusReport(
        bus="wire", state=state, load=None, error_rate=None, transfers=0, errors=0, missed=0, put_off=0, sensors=sensors
    )


def states(**found: Facts) -> dict[str, SensorState]:
    return {
        name: SensorState(sensor=name, state=state, code=code, reason=reason, since=AT)
        for name, (state, code, reason) in found.items()
    }


@pytest.mark.parametrize(
    ("found", "sentence"),
    [
        ({"a": NACK_A, "b": NACK_B}, "all its 2 sensors are silent: look first at what they share"),
        ({"a": MISSING, "b": MISSING}, "all its 2 sensors are silent: there is no /dev/ttyUSB0"),
        ({"a": MISSING}, "its sensor is silent: there is no /dev/ttyUSB0"),
    ],
)
def test_a_bus_is_silent_when_all_its_sensors_are_and_it_has_several_or_its_device_is_gone(
    found: dict[str, Facts], sentence: str
) -> None:
    assert silence_of(bus(*found), states(**found)).startswith(sentence)


@pytest.mark.parametrize(
    "found",
    [{}, {"a": NACK_A}, {"a": NACK_A, "b": ONLINE}, {"a": NACK_A, "b": DEGRADED}, {"a": ONLINE}],
)
def test_otherwise_it_is_the_sensors(found: dict[str, Facts]) -> None:
    assert silence_of(bus(*found), states(**found)) == ""


def test_sensors_of_another_bus_do_not_count_and_a_bus_that_hangs_says_so_itself() -> None:
    both = states(a=NACK_A, b=NACK_B, other=ONLINE)
    assert silence_of(bus("a", "b"), both)
    assert silence_of(bus("a", "b", state=BusState.HUNG), both) == ""


STARTING = (Availability.STARTING, None, "waiting for the first reading")
BROKEN = (Availability.OFFLINE, FailureCode.DRIVER_ERROR, "the driver failed")


@pytest.mark.parametrize(
    ("found", "hearing"),
    [
        ({}, Hearing.UNCLEAR),
        ({"a": STARTING}, Hearing.UNCLEAR),
        ({"a": NACK_A}, Hearing.SILENT),
        ({"a": NACK_A, "b": MISSING}, Hearing.SILENT),
        ({"a": NACK_A, "b": STARTING}, Hearing.UNCLEAR),
        ({"a": NACK_A, "b": DEGRADED}, Hearing.UNCLEAR),
        ({"a": NACK_A, "b": ONLINE}, Hearing.HEARD),
        ({"a": BROKEN}, Hearing.UNCLEAR),
        ({"a": BROKEN, "b": NACK_B}, Hearing.SILENT),
    ],
)
def test_a_bus_is_heard_by_a_good_reading_and_silent_when_nothing_comes_even_of_one_sensor(
    found: dict[str, Facts], hearing: Hearing
) -> None:
    assert hearing_of(bus(*found), states(**found)) is hearing
    assert hearing_of(bus(*found, state=BusState.HUNG), states(**found)) is Hearing.SILENT


def test_each_silence_is_told_once_and_its_end_too() -> None:
    said: list[tuple[str, object]] = []

    class FakeLog:
        def info(self, event: str, /, **facts: object) -> None:
            said.append((event, facts["bus"]))

        debug = warning = error = info

    log = SilenceLog(FakeLog())
    ill, well = states(a=NACK_A, b=NACK_B), states(a=NACK_A, b=ONLINE)
    for now in (well, ill, ill, ill, well, well, ill):
        log.note([bus("a", "b")], now)
    assert said == [("bus_silent", "wire"), ("bus_heard_again", "wire"), ("bus_silent", "wire")]
    log.note([], {})
    assert said[-1] == ("bus_heard_again", "wire")
