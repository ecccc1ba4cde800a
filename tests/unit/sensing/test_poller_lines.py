from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

from sensor_gateway.model.driver_spec import BusKind, Identity
from sensor_gateway.model.operations import Exchange, WriteRead


class Slave:
    """Asks ``?`` and its unit, and takes two bytes: the unit and the value."""

    def __init__(self, _variant: str, _options: object, unit: int) -> None:
        self.ask = Exchange(b"?" + bytes([unit]), self.frame, 0.2)
        self.unit = unit

    def frame(self, data: bytes) -> tuple[int, bytes | None]:
        if data[0] != self.unit:
            return 1, None
        return (2, data[:2]) if len(data) > 1 else (0, None)

    def identify(self) -> Any:
        yield self.ask
        return Identity(part="slave", channels=("temperature",))

    def setup(self) -> Any:
        return
        yield

    def measure(self) -> Any:
        answer = yield self.ask
        return {"temperature": float(answer[1])}


def answering(*units: int) -> Any:
    return lambda request: (0.02, bytes([request[1], 20])) if request[1] in units else None


def make(*args: object) -> Slave:
    return Slave(*args)  # type: ignore[arg-type]


def test_slaves_share_a_line(rig: Any) -> None:
    line = rig.on_a_line()
    line.answer = answering(1, 2)
    rig.add("a", make, kind=BusKind.SERIAL_REQUEST, address=1)
    rig.add("b", make, kind=BusKind.SERIAL_REQUEST, address=2)
    rig.run(5)
    assert rig.news("a") == rig.news("b") == [("first", 20.0, None)]
    assert rig.poller.counters.missed == 0


def test_a_dead_slave_costs_one_timeout_and_then_back_off(rig: Any) -> None:
    line = rig.on_a_line()
    line.answer = answering(1)
    rig.add("a", make, kind=BusKind.SERIAL_REQUEST, address=1)
    rig.add("dead", make, kind=BusKind.SERIAL_REQUEST, address=2)
    rig.run(120)
    asked = [moment for moment, data in line.written if data[1] == 2]
    gaps = [later - sooner for sooner, later in pairwise(asked)]
    # The first gap ends with the turn of the others, which is the turn of the retry too.
    assert gaps == pytest.approx([0.7, 1.2, 2.2, 4.2, 8.2, 16.2, 30.2, 30.2], abs=0.06)
    assert rig.news("dead") == [("fault", None, "timeout")]
    assert rig.news("a") == [("first", 20.0, None)]
    assert rig.health("dead")[-1] == ("offline", "timeout"), "silence of all slaves is no stuck bus on a line"


def test_a_turn_of_many_dead_slaves_shows_that_the_thread_lives(rig: Any) -> None:
    """Supervision took a line of a hundred silent slaves for hung: all their time limits fell into one turn."""
    line = rig.on_a_line()
    seen: list[int] = []
    line.answer = lambda _: seen.append(rig.poller.progress)
    for unit in range(1, 101):
        rig.add(f"s{unit}", make, kind=BusKind.SERIAL_REQUEST, address=unit)
    rig.turn()
    assert seen == sorted(set(seen))
    assert len(seen) == 100


def test_an_exchange_that_a_stop_cuts_short_is_no_fault(rig: Any) -> None:
    """A clean stop told that the slave had timed out, where in truth nobody waited for its answer any more."""
    line = rig.on_a_line()
    line.answer = answering(1)
    rig.add("a", make, kind=BusKind.SERIAL_REQUEST, address=1)
    rig.run(2.5)

    def stop(_request: bytes) -> None:
        rig.poller.stop()
        line.until_s = rig.clock.monotonic()  # wake() has this effect: the read gives nothing, and at once

    line.answer = stop
    rig.run(3.1)
    assert rig.news("a") == [("first", 20.0, None)]
    assert rig.health("a")[-1] == ("online", None)


def test_an_i2c_operation_on_a_line_is_a_driver_error(rig: Any) -> None:
    class Lost(Slave):
        def measure(self) -> Any:
            yield WriteRead(b"\x00", 1)

    def make_lost(*args: Any) -> Lost:
        return Lost(*args)

    rig.on_a_line().answer = answering(1)
    rig.add("lost", make_lost, kind=BusKind.SERIAL_REQUEST, address=1)
    rig.run(3)
    assert rig.news("lost") == [("fault", None, "driver_error")]


@pytest.mark.parametrize("deed", ["raises", "junk", "no request", "no time"])
def test_a_rogue_framing_costs_only_its_own_sensor(rig: Any, deed: str) -> None:
    class Rogue(Slave):
        def __init__(self, *args: Any) -> None:
            super().__init__(*args)
            if deed == "no request":
                self.ask = Exchange("?", self.frame, 0.2)  # type: ignore[arg-type]
            if deed == "no time":
                self.ask = Exchange(b"?\x02", self.frame, float("nan"))

        def frame(self, data: bytes) -> tuple[int, bytes | None]:
            if deed == "raises":
                raise SystemExit(1)
            return "junk"  # type: ignore[return-value]

    def make_rogue(*args: Any) -> Rogue:
        return Rogue(*args)

    rig.on_a_line().answer = answering(1, 2)
    rig.add("rogue", make_rogue, kind=BusKind.SERIAL_REQUEST, address=2)
    rig.add("good", make, kind=BusKind.SERIAL_REQUEST, address=1)
    rig.run(10)
    assert rig.news("rogue") == [("fault", None, "driver_error")]
    assert rig.news("good") == [("first", 20.0, None)]
