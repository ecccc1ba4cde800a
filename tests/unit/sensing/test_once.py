from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sensor_gateway.model.driver_spec import BusKind, Identity
from sensor_gateway.model.errors import BadFrame, BusMissing, Nack
from sensor_gateway.model.operations import Exchange, Read, Wait, Write, WriteRead
from sensor_gateway.sensing.once import OnceResult, read_once


class Slow:
    def identify(self) -> Any:
        yield WriteRead(b"\x1d", 1)
        return Identity(part="slow", channels=("temperature",))

    def setup(self) -> Any:
        yield Write(b"\x5e")

    def measure(self) -> Any:
        yield Wait(0.18)
        answer = yield Read(2)
        return {"temperature": float(answer[0])}


def once(rig: Any) -> OnceResult:
    return read_once(rig.bus, rig.plans[0], rig.clock, wait=rig.clock.advance)


def test_one_measurement_shows_all_that_went_over_the_wire(rig: Any) -> None:
    rig.bus.takes_s = 0.001
    rig.add(driver=Slow)
    result = once(rig)
    assert result.values == {"temperature": 20.0}
    assert [performed.operation for performed in result.operations] == [WriteRead(b"\x1d", 1), Write(b"\x5e"), Read(2)]
    assert result.raw == bytes([20, 20, 20])
    assert result.identity is not None
    assert (result.identity.part, result.failure) == ("slow", "")
    assert round(result.duration_s, 6) == 0.183
    assert round(result.operations[0].elapsed_s, 6) == 0.001
    assert [round(performed.at_s, 6) for performed in result.operations] == [0.0, 0.001, 0.182]


def test_a_failed_measurement_says_where_it_failed(rig: Any) -> None:
    def chip(data: bytes, count: int) -> bytes:
        if not data:
            raise Nack("nobody acknowledges")
        return bytes(count)

    rig.add(driver=Slow, chip=chip)
    result = once(rig)
    assert (result.values, result.code, result.failure) == (None, "nack", "nobody acknowledges")
    assert result.operations[-1].error == "nobody acknowledges"
    assert result.identity is not None


def test_a_bus_that_is_not_there_is_told(rig: Any) -> None:
    rig.bus.open_trouble = BusMissing("there is no /dev/i2c-1")
    rig.add()
    result = once(rig)
    assert (result.code, result.failure, result.operations) == ("missing", "there is no /dev/i2c-1", ())


def test_a_rogue_driver_is_told_with_its_traceback(rig: Any) -> None:
    class Rogue(Slow):
        def measure(self) -> Any:
            yield Read(1)
            raise SystemExit(1)

    rig.add(driver=Rogue)
    result = once(rig)
    assert result.code == "driver_error"
    assert "test_once.py" in result.trace


def test_an_exchange_is_read_once(rig: Any) -> None:
    class Slave(Slow):
        def identify(self) -> Any:
            return Identity(part="slave", channels=("temperature",))
            yield

        def setup(self) -> Any:
            return
            yield

        def measure(self) -> Any:
            answer = yield Exchange(b"?", lambda data: (len(data), data), 0.5)
            return {"temperature": float(answer[0])}

    rig.on_a_line().answer = lambda _: (0.02, b"\x15")
    rig.add(driver=Slave, kind=BusKind.SERIAL_REQUEST, address=7)
    assert once(rig).values == {"temperature": 21.0}


class Bytes:
    def feed(self, data: bytes) -> Iterator[Any]:
        for byte in data:
            yield {"temperature": float(byte)} if byte < 128 else BadFrame("high bit")

    def reset(self) -> None:
        pass


def test_a_stream_is_listened_to_until_it_says_something(rig: Any) -> None:
    line = rig.on_a_line()
    line.say(1.7, b"\xff\x16\x17")
    rig.add(driver=Bytes, kind=BusKind.SERIAL_STREAM)
    result = once(rig)
    assert result.values == {"temperature": 22.0}
    assert result.duration_s == 1.7
    assert result.raw == b"\xff\x16\x17"


def test_a_stream_that_says_nothing_or_garbage_is_told_apart(rig: Any) -> None:
    line = rig.on_a_line()
    rig.add(driver=Bytes, kind=BusKind.SERIAL_STREAM)
    assert once(rig).code == "timeout"
    line.say(rig.clock.monotonic() + 1, b"\xff\xff")
    assert "baud rate" in once(rig).failure


def test_the_wrong_kind_of_bus_is_a_driver_error(rig: Any) -> None:
    rig.add(driver=Bytes, kind=BusKind.SERIAL_STREAM)
    assert once(rig).code == "driver_error"
