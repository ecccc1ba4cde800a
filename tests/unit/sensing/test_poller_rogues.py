"""Drivers that do all that a driver must not. Each costs its own sensor, and nobody else."""

from __future__ import annotations

from collections.abc import Callable
from types import MappingProxyType
from typing import Any

import pytest

from sensor_gateway.model.driver_spec import Identity
from sensor_gateway.model.errors import MeasurementError, Nack
from sensor_gateway.model.operations import Exchange, Read, Wait, Write, WriteRead

ASK = WriteRead(b"\x00", 1)


class Unspeakable(BaseException):
    def __str__(self) -> str:
        raise RuntimeError("not even this")


def raising(error: BaseException) -> Callable[[], Any]:
    def measure() -> Any:
        yield ASK
        raise error

    return measure


def yielding(*operations: Any) -> Callable[[], Any]:
    def measure() -> Any:
        yield from operations
        return {"temperature": 20.0}

    return measure


def returning(values: Any) -> Callable[[], Any]:
    def measure() -> Any:
        yield ASK
        return values

    return measure


def never_ending() -> Any:
    while True:
        yield ASK


def deaf_to_closing() -> Any:
    while True:
        try:
            yield Wait(1.0)
        except GeneratorExit:
            yield ASK


def recursing() -> Any:
    yield ASK

    def deeper() -> float:
        return deeper()

    return {"temperature": deeper()}


class Rogue:
    def __init__(self, measure: Callable[[], Any]) -> None:
        self.measure = measure

    def identify(self) -> Any:
        yield WriteRead(b"\x1d", 1)
        return Identity(part="rogue", channels=("temperature",))

    def setup(self) -> Any:
        yield WriteRead(b"\x5e", 1)


ROGUES: dict[str, Callable[[], Any]] = {
    "raises": raising(ValueError("oops")),
    "exits": raising(SystemExit(3)),
    "interrupts": raising(KeyboardInterrupt()),
    "has no memory": raising(MemoryError()),
    "raises generator exit": raising(GeneratorExit()),
    "raises stop iteration": raising(StopIteration()),
    "raises what cannot be printed": raising(Unspeakable()),
    "recurses": recursing,
    "never ends": never_ending,
    "yields nothing": yielding(None),
    "yields text": yielding("read"),
    "yields a class": yielding(Read),
    "waits for text": yielding(Wait("a while")),  # type: ignore[arg-type]
    "waits backwards": yielding(Wait(-1.0)),
    "waits for no number": yielding(Wait(float("nan"))),
    "waits for ever": yielding(Wait(float("inf"))),
    "reads too much": yielding(Read(1_000_000)),
    "reads less than nothing": yielding(Read(-1)),
    "writes text": yielding(Write("text")),  # type: ignore[arg-type]
    "exchanges on i2c": yielding(Exchange(b"?", lambda _: (0, None), 1.0)),
    "is no generator": lambda: {"temperature": 20.0},
    "is a list": lambda: [ASK],
    "gives nothing": returning(None),
    "gives a number": returning(20.0),
    "gives text": returning({"temperature": "warm"}),
    "gives a truth": returning({"temperature": True}),
    "gives none": returning({"temperature": None}),
    "gives an unknown channel": returning({"temperature": 20.0, "mood": 1.0}),
    "gives a wrong channel": returning({"mood": 1.0}),
    "gives no channel": returning({}),
}


@pytest.mark.parametrize("kind", ROGUES)
def test_a_rogue_costs_only_its_own_sensor(rig: Any, kind: str) -> None:
    rig.add("rogue", lambda *_: Rogue(ROGUES[kind]))
    rig.add("good", address=0x11)
    rig.run(20)
    assert rig.news("rogue") == [("fault", None, "driver_error")]
    assert rig.health("rogue") == [("starting", None), ("degraded", "driver_error"), ("offline", "driver_error")]
    assert rig.news("good") == [("first", 20.0, None)]
    assert rig.bus.moments(0x11, b"\x00") == pytest.approx(range(21))
    assert len(rig.log.facts("driver_failed")) == 1


def test_a_rogue_is_reported_with_its_traceback(rig: Any) -> None:
    rig.add("rogue", lambda *_: Rogue(ROGUES["raises"]))
    rig.run(1)
    [report] = rig.log.facts("driver_failed")
    assert report["reason"] == "the driver raised ValueError: oops"
    assert "test_poller_rogues.py" in report["exception"]


def test_a_driver_that_cannot_be_made_costs_only_its_own_sensor(rig: Any) -> None:
    def create(*_: object) -> Any:
        raise SystemExit("I will not")

    rig.add("rogue", create)
    rig.add("good", address=0x11)
    rig.run(20)
    assert rig.news("rogue") == [("fault", None, "driver_error")]
    assert rig.news("good") == [("first", 20.0, None)]


@pytest.mark.parametrize(
    "identity", [None, "BME280", Identity(part="x", channels=("mood",)), Identity(part="x", channels=())]
)
def test_an_identity_that_is_none_is_a_driver_error(rig: Any, identity: Any) -> None:
    class Nobody(Rogue):
        def identify(self) -> Any:
            yield WriteRead(b"\x1d", 1)
            return identity

    rig.add("rogue", lambda *_: Nobody(returning({"temperature": 20.0})))
    rig.add("good", address=0x11)
    rig.run(3)
    assert rig.news("rogue") == [("fault", None, "driver_error")]


def test_values_that_are_no_number_are_out_of_range(rig: Any) -> None:
    for number, value in enumerate((float("nan"), float("inf"), -float("inf"), 10**400)):
        rig.add(f"s{number}", lambda *_, value=value: Rogue(returning({"temperature": value})), address=0x10 + number)
    rig.run(3)
    assert [rig.news(f"s{number}") for number in range(4)] == [[("fault", None, "range")]] * 4


def test_whole_numbers_are_numbers(rig: Any) -> None:
    rig.add(driver=lambda *_: Rogue(returning({"temperature": 21})))
    rig.run(1)
    assert rig.news() == [("first", 21.0, None)]


def test_a_driver_may_catch_an_error_of_the_wire_and_go_on(rig: Any) -> None:
    def patient() -> Any:
        while True:
            try:
                answer = yield ASK
            except Exception:  # noqa: BLE001 - as careless drivers do
                yield Wait(0.02)
            else:
                return {"temperature": float(answer[0])}

    def busy(data: bytes, count: int) -> bytes:
        if data == b"\x00" and rig.clock.monotonic() % 1.0 < 0.05:
            raise Nack("still measuring")
        return bytes([20] * count)

    rig.add(driver=lambda *_: Rogue(patient), chip=busy)
    rig.run(3)
    assert rig.news() == [("first", 20.0, None)]
    assert rig.poller.counters.failures == 0


def test_a_driver_that_waits_without_end_fails_its_poll(rig: Any) -> None:
    def dreaming() -> Any:
        while True:
            yield Wait(5.0)

    rig.add("rogue", lambda *_: Rogue(dreaming))
    rig.add("good", address=0x11)
    rig.run(70)
    assert rig.news("rogue") == [("fault", None, "timeout")]
    assert rig.bus.moments(0x11, b"\x00") == pytest.approx(range(71))


def test_a_driver_that_will_not_be_closed_is_left_behind(rig: Any) -> None:
    rig.add("rogue", lambda *_: Rogue(deaf_to_closing))
    rig.add("good", address=0x11)
    rig.run(150)
    rig.poller.stop()
    rig.poller.run()
    assert rig.news("rogue")[0] == ("fault", None, "timeout")
    assert rig.news("good") == [("first", 20.0, None)]


def test_a_driver_that_failed_is_made_anew(rig: Any) -> None:
    made = []

    def create(*_: object) -> Any:
        made.append(1)
        return Rogue(raising(ValueError("once")) if len(made) == 1 else returning({"temperature": 20.0}))

    rig.add(driver=create)
    rig.run(3)
    assert rig.news() == [("fault", None, "driver_error"), ("recovery", 20.0, None)]
    assert len(made) == 2


def test_an_error_with_a_code_of_its_own_making_is_a_driver_error(rig: Any) -> None:
    class Invented(MeasurementError):
        code = "mood"  # type: ignore[assignment]

    rig.add(driver=lambda *_: Rogue(raising(Invented("low"))))
    rig.run(1)
    assert rig.news() == [("fault", None, "driver_error")]


def test_an_identity_whose_part_is_no_text_is_a_driver_error(rig: Any) -> None:
    class Nameless(Rogue):
        def identify(self) -> Any:
            yield WriteRead(b"\x1d", 1)
            return Identity(part=280, channels=("temperature",))  # type: ignore[arg-type]

    rig.add(driver=lambda *_: Nameless(returning({"temperature": 20.0})))
    rig.run(1)
    assert rig.news() == [("fault", None, "driver_error")]


def test_any_mapping_of_channels_to_numbers_will_do(rig: Any) -> None:
    rig.add(driver=lambda *_: Rogue(returning(MappingProxyType({"temperature": 20.0}))))
    rig.run(1)
    assert rig.news() == [("first", 20.0, None)]
