from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest

from sensor_gateway.model.errors import (
    BadFrame,
    BusMissing,
    BusRefused,
    BusStuck,
    Nack,
    NoAnswer,
    OperatorError,
    OverRange,
    WireError,
    WrongChip,
)

IDENTIFY, SETUP, MEASURE = b"\x1d", b"\x5e", b"\x00"


def failing(times: int, error: Callable[[], Exception], *, at: bytes = MEASURE, after: int = 0) -> Any:
    """A chip whose answers to ``at`` fail so many times, after so many good ones."""
    seen = 0

    def chip(data: bytes, count: int) -> bytes:
        nonlocal seen
        if data == at:
            seen += 1
            if after < seen <= after + times:
                raise error()
        return bytes([20] * count)

    return chip


def test_a_sensor_is_identified_and_set_up_once_and_then_only_measured(rig: Any) -> None:
    rig.add()
    rig.run(3)
    assert [data for _, _, data, _ in rig.bus.transfers] == [IDENTIFY, SETUP, MEASURE, MEASURE, MEASURE, MEASURE]


def test_two_transient_errors_cost_retries_with_set_up_and_nobody_hears_of_them(rig: Any) -> None:
    rig.add(chip=failing(2, lambda: Nack("busy"), after=3))
    rig.run(5)
    assert rig.news() == [("first", 20.0, None)]
    assert rig.health() == [("starting", None), ("online", None)]
    assert rig.poller.counters.failures == 0
    sent = [data for _, _, data, _ in rig.bus.transfers]
    retry = [IDENTIFY, SETUP, MEASURE]
    assert sent == [*retry, MEASURE, MEASURE, MEASURE, *retry, *retry, MEASURE, MEASURE]


def test_a_third_error_in_one_poll_is_a_fault_and_the_sensor_is_degraded(rig: Any) -> None:
    rig.add(chip=failing(3, lambda: BadFrame("wrong checksum"), after=3))
    rig.run(10)
    assert rig.news() == [("first", 20.0, None), ("fault", None, "crc"), ("recovery", 20.0, None)]
    assert rig.health() == [("starting", None), ("online", None), ("degraded", "crc"), ("online", None)]


def test_retries_happen_within_the_poll(rig: Any) -> None:
    rig.add(chip=failing(2, lambda: Nack("busy"), after=1))
    rig.run(1.99)
    assert max(rig.bus.moments(0x10, MEASURE)) < 1.1


def test_what_no_retry_can_help_is_not_tried_again(rig: Any) -> None:
    rig.add(chip=failing(1, lambda: WrongChip("id", expected=1, got=2), at=IDENTIFY))
    rig.run(0.4)
    assert len(rig.bus.transfers) == 1
    assert rig.news() == [("fault", None, "missing")]


def test_a_dead_sensor_is_tried_at_growing_intervals_once_each_time(rig: Any) -> None:
    rig.add("attic")
    rig.add("dead", address=0x40)
    del rig.bus.chips[0x40]
    rig.run(150)
    tries = rig.bus.moments(0x40, IDENTIFY)
    gaps = [later - sooner for sooner, later in pairwise(tries[2:])]
    assert gaps == pytest.approx([0.5, 1, 2, 4, 8, 16, 30, 30, 30], abs=0.051)
    assert rig.health("dead") == [("starting", None), ("degraded", "nack"), ("offline", "nack")]
    assert rig.news("dead") == [("fault", None, "nack")]
    assert len(rig.log.facts("sensor_lost")) == 1


def test_a_dead_sensor_costs_the_others_nothing(rig: Any, make_rig: Any) -> None:
    alone = make_rig()
    for each in (alone, rig):
        each.add("attic", interval_s=0.5)
    rig.add("dead", address=0x40)
    del rig.bus.chips[0x40]
    alone.run(60)
    rig.run(60)
    assert rig.bus.moments(0x10, MEASURE) == pytest.approx(alone.bus.moments(0x10, MEASURE), abs=0.051)
    assert rig.news("attic") == alone.news("attic")
    assert rig.poller.counters.missed == 0


def test_a_sensor_that_comes_back_is_set_up_and_returns_to_its_beat(rig: Any) -> None:
    rig.add()
    rig.run(2.5)
    chip = rig.bus.chips.pop(0x10)
    rig.run(9.7)
    rig.bus.chips[0x10] = chip
    rig.run(40)
    assert rig.news() == [("first", 20.0, None), ("fault", None, "nack"), ("recovery", 20.0, None)]
    assert [state for state, _ in rig.health()] == ["starting", "online", "degraded", "offline", "online"]
    assert rig.log.facts("sensor_recovered") == [{"sensor": "attic", "failures": 4}]
    late = [moment for moment in rig.bus.moments(0x10, MEASURE) if moment > 20]
    assert late == pytest.approx([round(moment) for moment in late])
    assert rig.poller.counters.missed == 0
    setups = [moment for moment in rig.bus.moments(0x10, SETUP) if moment > 9.7]
    assert len(setups) == 1


def test_a_sensor_that_comes_and_goes_fills_no_log(rig: Any) -> None:
    seen = 0

    def moody(data: bytes, count: int) -> bytes:
        nonlocal seen
        seen += data == MEASURE
        if seen // 20 % 2:
            raise Nack("loose wire")
        return bytes([20] * count)

    rig.add(chip=moody)
    rig.run(600)
    assert len(rig.log.lines) < 40


def test_over_range_is_an_answer_so_the_sensor_stays_on_its_schedule(rig: Any) -> None:
    rig.add(chip=failing(5, lambda: OverRange("too bright"), after=2))
    rig.run(10)
    assert rig.news() == [("first", 20.0, None), ("fault", None, "range"), ("recovery", 20.0, None)]
    assert [state for state, _ in rig.health()] == ["starting", "online", "degraded", "online"]
    assert rig.bus.moments(0x10, MEASURE) == pytest.approx(range(11))
    assert len(rig.bus.moments(0x10, SETUP)) == 1


def test_a_bus_on_which_everything_fails_at_once_is_stuck_and_said_so_once(rig: Any) -> None:
    for number in range(3):
        rig.add(f"s{number}", address=0x10 + number)
    rig.run(5.5)
    rig.bus.trouble = NoAnswer("timed out")
    rig.run(100)
    for number in range(3):
        assert rig.news(f"s{number}") == [("first", 20.0, None), ("fault", None, "bus_stuck")]
        assert rig.health(f"s{number}")[2:] == [("degraded", "bus_stuck"), ("offline", "bus_stuck")]
    assert [name for name, _ in rig.log.lines if name.startswith("bus")] == ["bus_stuck"]
    assert rig.log.facts("sensor_lost") == []
    assert 7 <= rig.bus.opened <= 11


def test_a_stuck_bus_that_works_again_brings_its_sensors_back(rig: Any) -> None:
    for number in range(3):
        rig.add(f"s{number}", address=0x10 + number)
    rig.run(5.5)
    rig.bus.trouble = NoAnswer("timed out")
    rig.run(20)
    rig.bus.trouble = None
    del rig.bus.chips[0x12]
    rig.run(80)
    assert rig.news("s0")[-1] == ("recovery", 20.0, None)
    assert rig.news("s1")[-1] == ("recovery", 20.0, None)
    assert rig.health("s2")[-1] == ("offline", "nack")
    assert [name for name, _ in rig.log.lines if name.startswith("bus")] == ["bus_stuck", "bus_recovered"]
    reads = [moment for moment in rig.bus.moments(0x10, MEASURE) if moment > 60]
    assert reads == pytest.approx([round(moment) for moment in reads])


@pytest.mark.parametrize("error", [lambda: BusRefused("owned by the kernel"), lambda: SystemExit(1)])
def test_a_stuck_bus_comes_back_whatever_else_is_wrong_with_one_of_its_sensors(rig: Any, error: Any) -> None:
    rig.add("odd", address=0x10, chip=failing(10_000, error, at=IDENTIFY))
    for number in (1, 2, 3):
        rig.add(f"s{number}", address=0x10 + number)
    rig.run(5)
    rig.bus.trouble = BusStuck("SDA is low")
    rig.run(20)
    rig.bus.trouble = None
    rig.bus.chips[0x11] = failing(10_000, lambda: NoAnswer("timed out"), at=IDENTIFY)
    rig.run(100)
    assert rig.news("s2")[-1] == rig.news("s3")[-1] == ("recovery", 20.0, None)
    assert rig.health("s1")[-1] == ("offline", "timeout")
    assert rig.log.facts("bus_recovered") == [{"bus": "i2c1"}]


def test_a_bus_whose_only_sensor_is_refused_after_it_was_stuck_is_tried_again(rig: Any) -> None:
    """It waited for the bus to recover, and nobody was left to ask whether it had."""
    rig.add()
    rig.bus.trouble = NoAnswer("timed out")
    rig.run(5)
    assert rig.health()[-1] == ("offline", "bus_stuck")
    rig.bus.trouble = BusRefused("owned by the kernel")
    rig.run(30)
    rig.bus.trouble = None
    rig.run(70)
    assert rig.news()[-1] == ("recovery", 20.0, None)
    assert rig.health()[-1] == ("online", None)


def test_a_stuck_bus_is_told_from_one_sensor_that_never_reaches_it(rig: Any) -> None:
    rig.add("rogue", address=0x10, chip=failing(10_000, lambda: SystemExit(1), at=IDENTIFY))
    rig.add("attic", address=0x11)
    rig.run(5)
    rig.bus.trouble = NoAnswer("timed out")
    rig.run(30)
    rig.bus.trouble = None
    rig.run(70)
    assert rig.news("attic")[-1] == ("recovery", 20.0, None)


def test_a_bus_that_says_that_it_is_stuck_is_believed_at_once(rig: Any) -> None:
    rig.add()
    rig.run(1.5)
    rig.bus.trouble = BusStuck("SDA is low")
    rig.run(30)
    assert rig.news() == [("first", 20.0, None), ("fault", None, "bus_stuck")]


def test_a_missing_bus_is_no_error_at_start_and_is_opened_when_it_comes(rig: Any) -> None:
    rig.bus.open_trouble = BusMissing("there is no /dev/i2c-1: enable it with raspi-config")
    rig.add("a")
    rig.add("b", address=0x11)
    rig.run(60)
    assert rig.news("a") == [("fault", None, "missing")]
    assert rig.health("b")[-1] == ("offline", "missing")
    assert "raspi-config" in rig.states[-1].reason
    assert len(rig.log.facts("bus_missing")) == 1
    assert rig.bus.opened == 7
    rig.bus.open_trouble = None
    rig.run(120)
    assert rig.news("a")[-1] == ("recovery", 20.0, None)
    assert len(rig.log.facts("bus_opened")) == 1
    assert rig.log.facts("sensor_lost") == []


def test_a_bus_that_may_not_be_used_is_retried_and_says_why(rig: Any) -> None:
    rig.bus.open_trouble = OperatorError("permission denied: add the user to the group i2c")
    rig.add()
    rig.run(3)
    assert rig.health()[-1] == ("offline", "missing")
    assert "group i2c" in rig.states[-1].reason


def test_another_reason_why_a_bus_cannot_be_used_is_told_with_the_time_since_when_it_is_so(rig: Any) -> None:
    rig.bus.open_trouble = BusMissing("there is no such port")
    rig.add()
    rig.run(10)
    before = rig.states[-1]
    rig.bus.open_trouble = OperatorError("permission denied: add the user to the group dialout")
    rig.run(60)
    assert rig.states[-1].reason == "permission denied: add the user to the group dialout"
    assert rig.states[-1].since == before.since
    assert rig.health()[-2:] == [("offline", "missing"), ("offline", "missing")]
    told = len(rig.states)
    rig.run(120)
    assert len(rig.states) == told, "once"


def test_a_bus_that_is_unplugged_is_closed_and_opened_again(rig: Any) -> None:
    rig.add("a")
    rig.add("b", address=0x11)
    rig.run(2.5)
    rig.bus.trouble = rig.bus.open_trouble = BusMissing("the adapter was unplugged")
    rig.run(10)
    assert rig.health("a")[-1] == ("offline", "missing")
    assert not rig.bus.is_open
    rig.bus.trouble = rig.bus.open_trouble = None
    rig.run(60)
    assert rig.news("b") == [("first", 20.0, None), ("fault", None, "missing"), ("recovery", 20.0, None)]


def test_a_bus_that_is_pulled_out_is_one_line_of_log_whatever_opening_it_says_then(rig: Any) -> None:
    rig.add("a")
    rig.run(2.5)
    rig.bus.trouble = BusMissing("the adapter is gone: was it unplugged?")
    rig.bus.open_trouble = BusMissing("there is no such node: what is plugged in is another one")
    rig.run(10)
    assert [facts["reason"] for facts in rig.log.facts("bus_missing")] == ["the adapter is gone: was it unplugged?"]
    rig.bus.open_trouble = OperatorError("permission denied: add the user to the group i2c")
    rig.run(40)
    assert len(rig.log.facts("bus_missing")) == 2, "that is another trouble"
    rig.bus.trouble = rig.bus.open_trouble = None
    rig.run(80)
    assert len(rig.log.facts("bus_opened")) == 1


def test_first_values_are_logged_once(rig: Any) -> None:
    rig.add()
    rig.run(100)
    assert rig.log.facts("sensor_first_reading") == [{"sensor": "attic", "values": {"temperature": 20.0}}]
    assert len(rig.log.lines) == 1


def test_every_error_of_a_wire_has_its_code(rig: Any) -> None:
    codes = {WireError: "timeout", Nack: "nack", NoAnswer: "timeout"}
    for number, error in enumerate(codes):
        rig.add(f"s{number}", address=0x10 + number, chip=failing(99, lambda error=error: error("no"), at=IDENTIFY))
    rig.add("good", address=0x30)
    rig.run(5)
    for number, code in enumerate(codes.values()):
        assert rig.news(f"s{number}") == [("fault", None, code)]
