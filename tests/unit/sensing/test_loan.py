"""A bus is given up for a while, and taken back: nobody asks it anything meanwhile, and nobody is told anything."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from sensor_gateway.model.driver_spec import BusKind
from sensor_gateway.model.errors import BusMissing, Nack
from sensor_gateway.model.operations import Wait, WriteRead
from sensor_gateway.model.reading import FailureCode
from sensor_gateway.sensing.polling.knowledge import ReadRequest


class Lines:
    """A number, and a newline."""

    def feed(self, data: bytes) -> Iterator[Any]:
        yield from ({"temperature": float(line)} for line in data.split())

    def reset(self) -> None:
        """Keeps nothing."""


def silent(*_: object) -> bytes:
    raise Nack("nobody")


def ask(rig: Any) -> None:
    """Ask for the bus; the next turn comes now, as the bell makes it."""
    rig.poller.loan.ask()
    rig._next_s = rig.clock.monotonic()


def end(rig: Any) -> None:
    rig.poller.loan.end()
    rig._next_s = rig.clock.monotonic()


def test_a_lent_bus_is_closed_and_left_alone_until_it_is_given_back(rig: Any) -> None:
    rig.add()
    rig.run(3.5)
    ask(rig)
    rig.run(3.6)
    assert rig.poller.loan.is_lent
    assert not rig.bus.is_open
    asked = len(rig.bus.transfers)
    rig.run(60.0)
    assert (len(rig.bus.transfers), rig.bus.opened) == (asked, 1)
    end(rig)
    rig.run(61.0)
    assert not rig.poller.loan.is_lent
    assert rig.bus.is_open
    assert rig.bus.opened == 2
    assert len(rig.bus.transfers) > asked


def test_a_lent_bus_wakes_nobody_more_often_than_supervision_wants(rig: Any) -> None:
    rig.add()
    rig.run(0.5)
    ask(rig)
    rig.run(1.0)
    turns = len(rig.turns)
    rig.run(101.0)
    assert 9 <= len(rig.turns) - turns <= 11


def test_nobody_is_told_of_it_and_a_fault_is_repeated_as_ever(rig: Any) -> None:
    rig.add(chip=silent, heartbeat_ms=20_000)
    rig.run(10.0)
    events, states = len(rig.events), len(rig.states)
    ask(rig)
    rig.run(65.0)
    assert len(rig.states) == states
    assert [event.reason.value for event in rig.events[events:]] == ["heartbeat"] * 3
    end(rig)
    rig.bus.chips[0x10] = lambda _, count: bytes([20] * count)
    rig.run(66.0)
    assert rig.events[-1].reason.value == "recovery"
    assert rig.states[-1].state.value == "online"


def test_a_bus_that_had_been_left_alone_is_opened_at_once_when_it_is_given_back(rig: Any) -> None:
    rig.add()
    rig.bus.open_trouble = BusMissing("gone")
    rig.run(100.0)
    ask(rig)
    rig.run(100.5)
    rig.bus.open_trouble = None
    end(rig)
    rig.run(100.5)
    assert rig.bus.is_open


def test_one_that_cannot_be_opened_is_tried_as_ever(rig: Any) -> None:
    rig.add()
    rig.run(1.0)
    ask(rig)
    rig.run(2.0)
    rig.bus.open_trouble = BusMissing("gone")
    end(rig)
    rig.run(2.1)
    assert rig.bus.opened == 2
    assert rig.states[-1].code is FailureCode.MISSING
    rig.run(30.0)
    assert 4 <= rig.bus.opened <= 8


def test_a_poll_under_way_ends_and_who_asked_for_it_is_answered(rig: Any, plain_driver: Any) -> None:
    class Slow(plain_driver):  # type: ignore[misc]
        def measure(self) -> Any:
            yield WriteRead(b"\x00", 1)
            yield Wait(5.0)
            return {"temperature": 20.0}

    rig.add(driver=Slow, interval_s=60.0)
    rig.run(10.0)
    rig.poller.enquiries.put(ReadRequest(number=7, sensor="attic"))
    rig._next_s = 10.0
    rig.run(11.0)
    ask(rig)
    rig.run(12.0)
    (answer,) = rig.outlet.take_answers()
    assert (answer.number, answer.code) == (7, FailureCode.MISSING)
    assert "given up" in answer.reason
    end(rig)
    rig.run(20.0)
    assert rig.states[-1].state.value == "online"


def test_asked_for_and_given_back_before_its_turn_comes_nothing_happens(rig: Any) -> None:
    rig.add()
    rig.run(1.0)
    ask(rig)
    end(rig)
    rig.run(5.0)
    assert rig.bus.opened == 1


@pytest.mark.parametrize("kind", [BusKind.SERIAL_STREAM, BusKind.SERIAL_REQUEST])
def test_a_line_that_waits_for_bytes_is_woken_and_one_of_questions_is_not(rig: Any, kind: BusKind) -> None:
    line = rig.on_a_line()
    if kind is BusKind.SERIAL_STREAM:
        rig.add(driver=Lines, kind=kind)
        rig.run(1.0)
    else:
        rig.add(kind=kind)
        rig.poller  # noqa: B018 - made by being asked for
    rig.poller.loan.ask()
    rig.poller.loan.ask()
    assert line.wakes == (1 if kind is BusKind.SERIAL_STREAM else 0)


def test_a_stream_is_closed_while_it_is_lent_and_heard_again_afterwards(rig: Any) -> None:
    line = rig.on_a_line()
    for second in (1, 2, 30):
        line.say(second, b"20\n")
    rig.add(driver=Lines, kind=BusKind.SERIAL_STREAM)
    rig.run(5.0)
    rig.poller.loan.ask()
    rig.poller.step()
    assert not line.is_open
    rig.clock.advance_to(29.0)
    rig.poller.loan.end()
    rig._next_s = 29.0
    rig.run(31.0)
    assert line.is_open
    assert rig.states[-1].state.value == "online"
