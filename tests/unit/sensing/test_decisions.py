from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from sensor_gateway.model.channel import Channel
from sensor_gateway.model.errors import BadFrame, Nack, NoAnswer
from sensor_gateway.model.health import Availability
from sensor_gateway.model.quantity import TEMPERATURE
from sensor_gateway.model.reading import ClockState, FailureCode, Stamp
from sensor_gateway.sensing.polling.back_off import BackOff
from sensor_gateway.sensing.polling.health import SensorHealth
from sensor_gateway.sensing.polling.stuck import WireRecord, is_bus_to_blame
from sensor_gateway.sensing.polling.verdicts import ChannelJudge

T = Channel(name="temperature", quantity=TEMPERATURE, low=-55, high=125, resolution=0.0625)
NOW = Stamp(uptime_ms=1000, wall_ms=1000, clock=ClockState.SYNCED)


def judge(*, power_on: float | None = None, frozen_after: int | None = None) -> ChannelJudge:
    return ChannelJudge(T, power_on=power_on, frozen_after=frozen_after)


def test_waits_double_up_to_thirty_seconds_and_begin_anew_after_success() -> None:
    back_off = BackOff()
    assert [back_off.next_s() for _ in range(8)] == [0.5, 1, 2, 4, 8, 16, 30, 30]
    back_off.reset()
    assert back_off.next_s() == 0.5


@given(st.floats())
def test_a_value_within_the_limits_is_good_and_any_other_is_out_of_range(value: float) -> None:
    complaint = judge().judge(value)
    assert (complaint is None) == (-55 <= value <= 125)
    assert complaint is None or complaint.code is FailureCode.RANGE


def test_what_is_no_number_is_out_of_range() -> None:
    for value in (math.nan, math.inf, -math.inf):
        complaint = judge().judge(value)
        assert complaint is not None
        assert complaint.code is FailureCode.RANGE


def test_equal_values_are_frozen_from_the_chosen_number_on_until_one_differs() -> None:
    it = judge(frozen_after=3)
    verdicts = [it.judge(value) is None for value in (20.0, 20.0, 20.0, 20.0, 20.5, 20.5, 20.5)]
    assert verdicts == [True, True, False, False, True, True, False]


def test_the_power_on_value_is_refused_after_a_set_up_only_or_out_of_the_blue() -> None:
    it = judge(power_on=85.0)
    assert it.is_power_on(85.0)
    assert not it.is_power_on(84.9375)
    it.judge(21.0)
    assert it.is_power_on(85.0), "a drop of the supply looks so"
    it.judge(84.9375)
    assert not it.is_power_on(85.0), "a boiler may get there"
    it.was_set_up()
    assert it.is_power_on(85.0)


def test_health_is_told_on_change_only() -> None:
    health = SensorHealth("attic")
    assert health.started(NOW).state is Availability.STARTING
    online = health.answered(None, NOW)
    assert online is not None
    assert online.state is Availability.ONLINE
    assert health.answered(None, NOW) is None
    degraded = health.failed(FailureCode.NACK, "no answer", NOW)
    assert degraded is not None
    assert (degraded.state, degraded.code) == (Availability.DEGRADED, FailureCode.NACK)
    offline = health.failed(FailureCode.NACK, "no answer", NOW)
    assert offline is not None
    assert offline.state is Availability.OFFLINE
    assert health.failed(FailureCode.NACK, "no answer still", NOW) is None
    changed = health.failed(FailureCode.BUS_STUCK, "stuck", NOW)
    assert changed is not None
    assert health.failures == 4


def test_a_complaint_degrades_and_its_end_puts_online() -> None:
    health = SensorHealth("attic")
    health.answered(None, NOW)
    degraded = health.answered((FailureCode.RANGE, "too much"), NOW)
    assert degraded is not None
    assert degraded.state is Availability.DEGRADED
    assert health.answered((FailureCode.RANGE, "too much"), NOW) is None
    online = health.answered(None, NOW)
    assert online is not None
    assert (online.state, online.code) == (Availability.ONLINE, None)


def test_what_identification_noted_stands_with_online() -> None:
    health = SensorHealth("attic")
    health.identified("this is a BMP280", lacks_channels=True)
    online = health.answered(None, NOW)
    assert online is not None
    assert (online.state, online.code, online.reason) == (
        Availability.ONLINE,
        FailureCode.MISSING,
        "this is a BMP280",
    )
    health.identified("this is a BMP280", lacks_channels=True)
    assert health.answered(None, NOW) is None
    health.identified("", lacks_channels=False)
    replaced = health.answered(None, NOW)
    assert replaced is not None
    assert (replaced.code, replaced.reason) == (None, "")


def unheard(*moments: float) -> WireRecord:
    record = WireRecord()
    for moment_s in moments:
        record.failed(NoAnswer("silence"), moment_s)
    return record


def blames(records: list[WireRecord], error: Exception, *, is_known: bool = False) -> bool:
    assert isinstance(error, Nack | NoAnswer | BadFrame)
    return is_bus_to_blame(records, error, since_s=0.0, longest_interval_s=1.0, is_known=is_known)


def test_the_bus_is_to_blame_when_two_sensors_fall_silent_together_and_no_other_answers() -> None:
    assert blames([unheard(10.0), unheard(10.0)], Nack("x"))
    answering = WireRecord()
    answering.answered(10.0)
    assert not blames([unheard(10.0), unheard(10.0), answering], Nack("x"))
    assert blames([unheard(10.0), unheard(10.0), unheard(3.0)], Nack("x"))


def test_a_sensor_that_dies_long_after_another_is_one_more_dead_sensor() -> None:
    assert not blames([unheard(10.0), unheard(5000.0)], Nack("x"))


def test_a_chip_that_says_something_wrong_clears_the_bus() -> None:
    record = unheard(10.0)
    record.failed(BadFrame("crc"), 11.0)
    assert not blames([record, unheard(10.0)], Nack("x"))


def test_an_only_sensor_blames_the_bus_for_silence_but_not_for_its_own_absence() -> None:
    assert not blames([unheard(1.0, 2.0)], NoAnswer("x"))
    assert blames([unheard(1.0, 2.0, 3.0)], NoAnswer("x"))
    assert not blames([unheard(1.0, 2.0, 3.0)], Nack("x"))


def test_a_known_trouble_lasts_until_somebody_answers() -> None:
    assert blames([unheard(10.0), unheard(5000.0)], Nack("x"), is_known=True)
