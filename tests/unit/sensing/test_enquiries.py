"""A sensor is read when somebody asks, and its deadlines stay as they are."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensor_gateway.model.errors import BusMissing, Nack
from sensor_gateway.model.event import Quality
from sensor_gateway.model.reading import FailureCode
from sensor_gateway.sensing.polling.enquiries import MOST_ASKED
from sensor_gateway.sensing.polling.knowledge import ChannelKnowledge, ReadAnswer, ReadRequest
from sensor_gateway.sensing.polling.schedule import Schedule

MEASURE = b"\x00"


def ask(rig: Any, number: int = 1, sensor: str = "attic") -> bool:
    """Ask now; the next turn comes now, as the bell makes it."""
    is_taken = rig.poller.enquiries.put(ReadRequest(number=number, sensor=sensor))
    rig._next_s = rig.clock.monotonic()
    return bool(is_taken)


def answers(rig: Any) -> list[ReadAnswer]:
    return list(rig.outlet.take_answers())


def test_the_answer_has_value_unit_and_quality_of_now(rig: Any) -> None:
    rig.add(interval_s=10.0)
    rig.run(3.0)
    rig.bus.chips[0x10] = lambda *_: bytes([25])
    ask(rig)
    rig.run(3.0)
    (answer,) = answers(rig)
    assert (answer.number, answer.code, answer.stamp.uptime_ms) == (1, None, 5_003_000)
    assert answer.channels == (
        ChannelKnowledge(channel="temperature", value=25.0, unit="°C", quality=Quality.GOOD, code=None, reason=""),
    )
    assert rig.news()[-1] == ("change", 25.0, None), "what it finds is news like any other"


def test_the_deadlines_stay_as_they_are_and_none_is_missed(rig: Any) -> None:
    rig.add(interval_s=10.0)
    rig.run(3.0)
    ask(rig)
    rig.run(40.0)
    assert rig.bus.moments(0x10, MEASURE) == [0.0, 3.0, 10.0, 20.0, 30.0, 40.0]
    assert rig.poller.counters.missed == 0


def test_a_poll_under_way_answers_everybody_who_asks_meanwhile(rig: Any, plain_driver: Any) -> None:
    from sensor_gateway.model.operations import Wait, WriteRead  # noqa: PLC0415

    class Slow(plain_driver):  # type: ignore[misc]
        def measure(self) -> Any:
            yield Wait(0.5)
            answer = yield WriteRead(MEASURE, 1)
            return {"temperature": float(answer[0])}

    rig.add(driver=Slow, interval_s=10.0)
    rig.run(3.0)
    for number in (1, 2, 3):
        ask(rig, number)
        rig.run(3.0 + number / 10)
    assert not answers(rig)
    rig.run(12.0)
    assert [answer.number for answer in answers(rig)] == [1, 2, 3]
    assert rig.bus.moments(0x10, MEASURE) == [0.5, 3.5, 10.5]


def test_a_poll_that_fails_is_answered_with_code_and_reason(rig: Any) -> None:
    rig.add(interval_s=10.0)
    rig.run(3.0)

    def dead(*_: Any) -> bytes:
        raise Nack("nobody there")

    rig.bus.chips[0x10] = dead
    ask(rig)
    rig.run(4.0)
    (answer,) = answers(rig)
    assert (answer.code, answer.channels) == (FailureCode.NACK, ())
    assert "nobody there" in answer.reason


def test_asking_for_what_is_left_alone_neither_hastens_nor_delays_its_next_try(rig: Any, make_rig: Any) -> None:
    tries = []
    for asks in (0, 5):
        each = make_rig()
        each.add(interval_s=1.0)
        del each.bus.chips[0x10]
        each.run(20.0)
        began = len(each.bus.transfers)
        for number in range(asks):
            ask(each, number)
            each.run(20.0 + number / 10)
        each.run(300.0)
        later = [moment for moment, *_ in each.bus.transfers[began:] if moment > 21.0]
        tries.append(later)
        assert len(answers(each)) == asks
    assert tries[0] == tries[1]


@pytest.mark.parametrize(
    ("ahead_s", "takes_s"),
    [
        pytest.param(0.03, 0.0, id="the next try is due within the slack"),
        pytest.param(0.2, 0.3, id="the one asked for outlasts the moment of the next"),
        pytest.param(0.2, 0.17, id="it ends within the slack before that"),
    ],
)
def test_asking_for_what_is_about_to_be_tried_anyway_takes_the_place_of_that_try(
    make_rig: Any, ahead_s: float, takes_s: float
) -> None:
    """It used to be tried twice in a row."""

    def dead() -> Any:
        rig = make_rig()
        rig.add(interval_s=1.0)
        del rig.bus.chips[0x10]
        rig.bus.takes_s = takes_s
        return rig

    unasked = dead()
    unasked.run(150.0)
    *_, due_s = (moment - takes_s for moment, *_ in unasked.bus.transfers)
    asked = dead()
    asked.run(due_s - ahead_s)
    ask(asked)
    began = len(asked.bus.transfers)
    asked.run(due_s + 29.0)
    assert [moment for moment, *_ in asked.bus.transfers[began:]] == pytest.approx([due_s - ahead_s + takes_s])
    asked.run(due_s + 31.0)
    assert len(asked.bus.transfers) == began + 2, "and the next one comes after the longest wait, as ever"


def test_a_sensor_that_answers_when_asked_is_back_at_once(rig: Any) -> None:
    rig.add(interval_s=10.0)
    del rig.bus.chips[0x10]
    rig.run(100.0)
    rig.bus.chips[0x10] = lambda *_: bytes([21])
    ask(rig)
    rig.run(100.1)
    (answer,) = answers(rig)
    assert answer.channels[0].value == 21.0
    assert rig.health()[-1] == ("online", None)


def test_without_a_bus_the_answer_is_why_and_nothing_is_tried(rig: Any) -> None:
    rig.add(interval_s=10.0)
    rig.bus.open_trouble = BusMissing("no such device: i2c1")
    rig.run(3.0)
    tried = rig.bus.opened
    ask(rig)
    rig.run(3.0)
    (answer,) = answers(rig)
    assert (answer.code, answer.channels) == (FailureCode.MISSING, ())
    assert "no such device" in answer.reason
    assert rig.bus.opened == tried


def test_a_bus_that_is_lost_while_somebody_waits_is_the_answer(rig: Any) -> None:
    rig.add(interval_s=10.0)
    rig.run(3.0)
    rig.bus.trouble = BusMissing("it was pulled out")
    ask(rig)
    rig.run(3.0)
    assert [answer.code for answer in answers(rig)] == [FailureCode.MISSING]


def test_a_sensor_of_another_bus_is_not_polled_here(rig: Any) -> None:
    rig.add()
    rig.run(0.5)
    ask(rig, sensor="cellar")
    rig.run(0.5)
    assert [answer.code for answer in answers(rig)] == [FailureCode.MISSING]


def test_many_who_ask_do_not_starve_the_neighbours(rig: Any) -> None:
    """Each turn begins one request, and serves all that is due beside it."""
    rig.add(interval_s=1.0)
    rig.add("cellar", interval_s=0.1, address=0x11)
    rig.bus.takes_s = 0.01
    rig.run(5.0)
    for number in range(200):
        ask(rig, number)
        rig.run(5.0 + number / 20)
    rig.run(20.0)
    assert len(answers(rig)) == 64, "what nobody takes is bounded"
    assert rig.poller.counters.missed == 0
    polls = [moment for moment in rig.bus.moments(0x11, MEASURE) if 5.0 < moment <= 15.0]
    assert len(polls) == 100


def test_more_than_a_bus_takes_are_refused_at_once(rig: Any) -> None:
    rig.add()
    assert [ask(rig, number) for number in range(MOST_ASKED + 1)] == [True] * MOST_ASKED + [False]


def test_a_thread_that_waits_for_its_next_deadline_is_woken(make_rig: Any) -> None:
    """On the real thread; a poller that only looked when it is due would take ten seconds."""
    rig = make_rig()
    rig.add(interval_s=10_000.0)
    answered = threading.Event()
    rig.takes = False
    poller = rig.poller
    put = rig.outlet.answer
    rig.outlet.answer = lambda answers: (put(answers), answered.set() if answers else None)
    thread = threading.Thread(target=poller.run)
    thread.start()
    try:
        poller.enquiries.put(ReadRequest(number=1, sensor="attic"))
        assert answered.wait(5.0)
        answered.clear()
        poller.enquiries.put(ReadRequest(number=2, sensor="attic"))
        assert answered.wait(5.0)
    finally:
        poller.stop()
        thread.join(5.0)
    assert not thread.is_alive()


@pytest.mark.parametrize("interval_s", [0.1, 1.0, 7.3])
@given(calls=st.lists(st.floats(0.001, 0.999), max_size=20), lasts_s=st.floats(0.0, 0.01))
def test_whoever_calls_and_when_each_deadline_is_served_as_without_them(
    interval_s: float, calls: list[float], lasts_s: float
) -> None:
    """As long as the polls fit between the deadlines."""
    schedule = Schedule(interval_s=interval_s, slack_s=0.0)
    schedule.serve(0.0)
    schedule.end(0.0)
    served = []
    for turn in range(1, 6):
        for part in sorted(calls):
            now_s = (turn - 1 + 0.05 + 0.8 * part) * interval_s
            schedule.call(now_s)
            assert schedule.from_s <= now_s
            schedule.serve(now_s)
            schedule.end(now_s + lasts_s * interval_s)
            assert not schedule.is_called
        assert schedule.at_s == pytest.approx(turn * interval_s)
        served.append(schedule.at_s)
        schedule.serve(schedule.at_s)
        schedule.end(schedule.at_s)
    assert served == pytest.approx([number * interval_s for number in range(1, 6)])
    assert schedule.missed == 0
