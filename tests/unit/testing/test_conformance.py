"""The conformance suite is worth something only if it finds what is wrong: each test breaks one thing."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest

from sensor_gateway.driver import (
    TEMPERATURE,
    BadFrame,
    BusKind,
    Channel,
    DriverSpec,
    Exchange,
    Identifying,
    Identity,
    Measuring,
    OverRange,
    Preparing,
    Read,
    Values,
    Variant,
    Vector,
    Wait,
    Write,
    WriteRead,
)
from sensor_gateway.model.errors import MeasurementError, Nack
from sensor_gateway.testing import check_driver, repeatable_noise

CHANNEL = Channel(name="temperature", quantity=TEMPERATURE, low=-128, high=127, resolution=1)


def convert(frame: bytes) -> Values:
    if len(frame) != 1:
        raise BadFrame("one byte", got=frame)
    return {"temperature": float(struct.unpack("b", frame)[0])}


class Good:
    def identify(self) -> Identifying:
        yield WriteRead(b"\x06", 1)
        return Identity(part="X1", channels=("temperature",))

    def setup(self) -> Preparing:
        yield Write(b"\x01\x00")
        yield Wait(0.1)

    def measure(self) -> Measuring:
        return convert((yield WriteRead(b"\x00", 1)))


def spec(driver: type = Good, **changes: Any) -> DriverSpec:
    made = DriverSpec(
        name="x1",
        summary="a chip of one byte",
        bus=BusKind.I2C,
        variants={"x1": Variant(addresses=(0x48,), channels=(CHANNEL,))},
        create=lambda *_: driver(),
        replay=lambda vector: convert(*vector.frames),
        vectors=tuple(
            Vector(variant="x1", frames=(bytes((count,)),), values={"temperature": count}, source="by hand")
            for count in (1, 25)
        ),
    )
    return replace(made, **changes)


def complaint(broken: DriverSpec, options: object | None = None) -> str:
    with pytest.raises(AssertionError) as failure:
        check_driver(broken, options=options)
    return str(failure.value)


def test_a_good_driver_passes() -> None:
    check_driver(spec())


def test_noise_is_the_same_in_each_run_and_never_repeats_itself() -> None:
    first, second = repeatable_noise("a"), repeatable_noise("a")
    pieces = [first(4) for _ in range(100)]
    assert pieces == [second(4) for _ in range(100)]
    assert len(set(pieces)) == 100
    assert repeatable_noise("b")(4) != pieces[0]


@dataclass
class Thawed:
    """Options that can be changed."""


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"contract": 99}, "made for contract 99"),
        ({"name": "X 1"}, "called like bme280"),
        ({"summary": ""}, "one line"),
        ({"summary": "two\nlines"}, "one line"),
        ({"variants": {}}, "at least one variant"),
        ({"variants": {"X1": Variant(addresses=(0x48,), channels=(CHANNEL,))}}, "called like bme280"),
        ({"variants": {"x1": Variant(addresses=(0x48,))}}, "channels_of"),
        ({"variants": {"x1": Variant(channels=(CHANNEL,))}}, "the addresses of the chip"),
        ({"variants": {"x1": Variant(addresses=(0x90,), channels=(CHANNEL,))}}, "seven bits"),
        ({"variants": {"x1": Variant(addresses=(0x48,), channels=(CHANNEL, CHANNEL))}}, "two channels of one name"),
        ({"variants": {"x1": Variant(addresses=(0x48,), channels=(CHANNEL,), wire_bits=0)}}, "wire_bits"),
        ({"options": Thawed}, "frozen dataclass"),
        ({"power_on": {"humidity": 0.0}}, "power_on names unknown channels"),
        ({"frozen_after": {"temperature": 1}}, "freezes nothing"),
        ({"vectors": spec().vectors[:1]}, "at least 2 vectors"),
        ({"check": lambda _: ("no",)}, "its own options are refused"),
    ],
)
def test_a_spec_of_another_shape_is_found(changes: dict[str, Any], sentence: str) -> None:
    assert sentence in complaint(spec(**changes))


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"values": {"temperature": 2.0}}, "temperature is 2.0, got 1.0"),
        ({"values": {"humidity": 1.0}}, "expected ['humidity'], got ['temperature']"),
        ({"values": {}}, "has values"),
        ({"source": " "}, "names its source"),
        ({"variant": "x2"}, "no variant 'x2'"),
    ],
)
def test_a_vector_that_does_not_hold_is_found(changes: dict[str, Any], sentence: str) -> None:
    first, second = spec().vectors
    assert sentence in complaint(spec(vectors=(second, replace(first, **changes))))


def test_a_convert_that_is_not_total_is_found() -> None:
    with pytest.raises(struct.error):
        check_driver(spec(replay=lambda vector: {"temperature": float(struct.unpack("b", vector.frames[0])[0])}))


def test_a_value_beyond_the_limits_is_found() -> None:
    narrow = replace(CHANNEL, high=100)
    variants = {"x1": Variant(addresses=(0x48,), channels=(narrow,))}
    assert "not within -128..100" in complaint(spec(variants=variants))


def test_a_value_that_is_no_number_is_found() -> None:
    def nan(vector: Vector) -> Values:
        values = convert(*vector.frames)
        return {"temperature": float("nan")} if values["temperature"] < 0 else values

    assert "temperature is nan" in complaint(spec(replay=nan))


class Yields(Good):
    operation: object = None

    def measure(self) -> Measuring:
        answer = yield self.operation  # type: ignore[misc]
        return convert(answer or b"\x00")


@pytest.mark.parametrize(
    ("operation", "sentence"),
    [
        (None, "yields None"),
        (0.5, "yields 0.5"),
        (Exchange(b"?", lambda received: (0, None), 1), "yields Exchange"),
        (Write(b""), "writes nothing"),
        (Read(0), "reads nothing"),
        (Wait(-1), "waits -1 s"),
        (Wait(float("nan")), "waits nan s"),
        (Wait(3600), "waits 3600 s"),
    ],
)
def test_something_else_than_a_sound_operation_is_found(operation: object, sentence: str) -> None:
    assert sentence in complaint(spec(type("Odd", (Yields,), {"operation": operation})))


class Endless(Good):
    def measure(self) -> Measuring:
        while True:
            yield Wait(0.001)


class Hides(Good):
    def measure(self) -> Measuring:
        try:
            answer = yield Read(1)
        except MeasurementError:
            answer = b"\x00"
        return convert(answer)


class Plain(Good):
    def measure(self) -> Values:  # type: ignore[override]
        return {"temperature": 1.0}


class Partial(Good):
    def measure(self) -> Measuring:
        yield Read(1)
        return {}


class Talkative(Good):
    def setup(self) -> Preparing:
        yield Write(b"\x01")
        return True  # type: ignore[return-value]


class Unknown(Good):
    def identify(self) -> Identifying:
        yield Read(1)
        return Identity(part="X1", channels=("humidity",))


class Anonymous(Good):
    def identify(self) -> Identifying:
        yield Read(1)
        return "X1"  # type: ignore[return-value]


class Fed(Good):
    def feed(self, data: bytes) -> list[Values]:
        return []


@pytest.mark.parametrize(
    ("driver", "sentence"),
    [
        (Endless, "does not end"),
        (Hides, "hides"),
        (Plain, "generator function"),
        (Partial, "gives just what was identified"),
        (Talkative, "returns nothing"),
        (Unknown, "unknown ('humidity',)"),
        (Anonymous, "returns an Identity"),
        (Fed, "only a stream driver is fed"),
        (type("Empty", (), {}), "has identify"),
    ],
)
def test_misconduct_is_found(driver: type, sentence: str) -> None:
    assert sentence in complaint(spec(driver))


def test_an_error_that_is_not_ours_comes_out_as_it_is() -> None:
    class Careless(Good):
        def measure(self) -> Measuring:
            answer = yield Read(1)
            return {"temperature": 100 / answer[0]}

    with pytest.raises(ZeroDivisionError):
        check_driver(spec(Careless))


@dataclass(frozen=True, slots=True, kw_only=True)
class Needed:
    """Options without a default."""

    register: int


def test_options_without_defaults_are_given_to_the_suite() -> None:
    check_driver(spec(Endless, options=Needed))
    assert "does not end" in complaint(spec(Endless, options=Needed), options=Needed(register=1))


class Asking(Good):
    def identify(self) -> Identifying:
        return Identity(part="X1", channels=("temperature",))
        yield

    def setup(self) -> Preparing:
        return
        yield

    def measure(self) -> Measuring:
        answer = yield Exchange(b"?", lambda received: (len(received), received[:1] or None), 1)
        return convert(answer)


def test_a_driver_that_asks_on_a_line_passes_and_may_not_speak_i2c() -> None:
    variants = {"x1": Variant(channels=(CHANNEL,))}
    check_driver(spec(Asking, bus=BusKind.SERIAL_REQUEST, variants=variants))
    assert "on a bus of kind serial" in complaint(spec(Good, bus=BusKind.SERIAL_REQUEST, variants=variants))


def test_an_exchange_that_the_gateway_would_refuse_is_found() -> None:
    class Patient(Asking):
        def measure(self) -> Measuring:
            return convert((yield Exchange(b"?", lambda received: (len(received), received[:1] or None), 45)))

    variants = {"x1": Variant(channels=(CHANNEL,))}
    assert "waits 45 s for an answer" in complaint(spec(Patient, bus=BusKind.SERIAL_REQUEST, variants=variants))


def test_a_framing_that_drops_more_than_there_is_is_found() -> None:
    class Greedy(Asking):
        def measure(self) -> Measuring:
            return convert((yield Exchange(b"?", lambda received: (len(received) + 1, None), 1)))

    variants = {"x1": Variant(channels=(CHANNEL,))}
    assert "framing drops" in complaint(spec(Greedy, bus=BusKind.SERIAL_REQUEST, variants=variants))


class Stream:
    """Frames of two equal bytes."""

    def __init__(self) -> None:
        self.buffer = b""

    def reset(self) -> None:
        self.buffer = b""

    def feed(self, data: bytes) -> Iterator[Values | Exception]:
        self.buffer += data
        while len(self.buffer) >= 2:
            pair, self.buffer = self.buffer[:2], self.buffer[2:]
            yield convert(pair[:1]) if pair[0] == pair[1] else BadFrame("two bytes are not equal", got=pair)


class Forgetful(Stream):
    def feed(self, data: bytes) -> Iterator[Values | Exception]:
        self.buffer = b""
        return super().feed(data)


class Wordy(Stream):
    def feed(self, data: bytes) -> Iterator[Values | Exception]:
        yield Nack("a stream has no addresses")


def stream_spec(driver: type) -> DriverSpec:
    vectors = tuple(replace(vector, frames=(vector.frames[0] * 2,)) for vector in spec().vectors)

    def replay(vector: Vector) -> Values:
        for found in Stream().feed(vector.frames[0]):
            if isinstance(found, dict):
                return found
        raise OverRange("nothing")

    variants = {"x1": Variant(channels=(CHANNEL,))}
    return spec(driver, bus=BusKind.SERIAL_STREAM, variants=variants, vectors=vectors, replay=replay)


def test_a_good_stream_passes() -> None:
    check_driver(stream_spec(Stream))


@pytest.mark.parametrize(
    ("driver", "sentence"), [(Forgetful, "byte by byte"), (Wordy, "gives Nack"), (Good, "does not measure")]
)
def test_a_stream_that_does_not_do_its_work_is_found(driver: type, sentence: str) -> None:
    assert sentence in complaint(stream_spec(driver))
