"""The conformance suite is worth something only if it finds what is wrong: each test breaks one thing."""

from __future__ import annotations

import struct
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from sensor_gateway.driver import (
    TEMPERATURE,
    BadFrame,
    BusKind,
    Channel,
    DriverSpec,
    Exchange,
    Heeds,
    Identifying,
    Identity,
    MeasurementError,
    Measuring,
    Nack,
    NoAnswer,
    OverRange,
    Preparing,
    Read,
    Values,
    Variant,
    Vector,
    Wait,
    Write,
    WriteRead,
    WrongChip,
    read_twice,
)
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
        ({"heeds": b"\x01"}, "heeds is a Heeds"),
        ({"heeds": Heeds(with_data=(1,))}, "heeds.with_data are the first bytes"),  # type: ignore[arg-type]
        ({"heeds": Heeds(alone="01")}, "heeds.alone are the first bytes"),  # type: ignore[arg-type]
        ({"heeds": Heeds(), "bus": BusKind.SERIAL_REQUEST}, "heeds are for I2C"),
        (
            {"variants": {"x1": Variant(addresses=(0x48,), channels=(CHANNEL,), has_identity="yes")}},  # type: ignore[arg-type]
            "True or False",
        ),
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
    said = complaint(spec(replay=lambda vector: {"temperature": float(struct.unpack("b", vector.frames[0])[0])}))
    assert "x1, frames [''] in place of 'by hand': convert raises struct.error (unpack requires a buffer of 1" in said
    assert "at test_conformance.py:" in said
    assert "raise BadFrame" in said


def test_a_vector_whose_bytes_convert_refuses_is_found() -> None:
    first, second = spec().vectors
    broken = replace(first, frames=(b"\x01\x02",))
    assert "convert refuses its bytes (BadFrame: one byte: got 01 02)" in complaint(spec(vectors=(broken, second)))


def test_all_that_is_wrong_is_told_at_once() -> None:
    first, second = spec().vectors
    wrong = (replace(first, values={"temperature": 2.0}), replace(second, values={"temperature": 3.0}))
    said = complaint(spec(Endless, vectors=wrong, replay=lambda vector: {"temperature": float(vector.frames[0][0])}))
    assert said.startswith("x1, 4 complaints:\n- ")
    assert [line for line in said.splitlines() if "temperature is 2.0, got 1.0" in line]
    assert [line for line in said.splitlines() if "temperature is 3.0, got 25.0" in line]
    assert [line for line in said.splitlines() if "convert raises IndexError" in line]
    assert [line for line in said.splitlines() if "does not end" in line]


def test_what_a_shape_hides_is_looked_at_when_the_shape_is_right() -> None:
    assert "does not end" not in complaint(spec(Endless, summary=""))


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


class Careless(Good):
    """Divides by what comes, in the step that is named."""

    step = "measure"

    def identify(self) -> Identifying:
        if self.step == "identify":
            _ = 100 // (yield Read(1))[0]
        return (yield from super().identify())

    def setup(self) -> Preparing:
        if self.step == "setup":
            _ = 100 // (yield Read(1))[0]
        yield from super().setup()

    def measure(self) -> Measuring:
        answer = yield Read(1)
        return {"temperature": 100 / answer[0] if self.step == "measure" else 1.0}


@pytest.mark.parametrize("step", ["identify", "setup", "measure"])
def test_an_error_that_is_not_ours_is_found_with_its_place_its_bytes_and_what_to_do(step: str) -> None:
    with pytest.raises(AssertionError) as failure:
        check_driver(spec(type("Careless", (Careless,), {"step": step})))
    assert f"x1, variant x1, {step} raises ZeroDivisionError" in str(failure.value)
    assert "at test_conformance.py:" in str(failure.value)
    assert "on the answer 00: look at what came first" in str(failure.value)
    assert isinstance(failure.value.__cause__, ZeroDivisionError)


def test_an_error_before_the_first_operation_and_one_that_answers_an_error_are_found() -> None:
    class Early(Good):
        def measure(self) -> Measuring:
            raise KeyError("mode")
            yield

    class Late(Good):
        def measure(self) -> Measuring:
            try:
                return convert((yield Read(1)))
            except Nack as error:
                raise RuntimeError("gone") from error

    assert "measure raises KeyError ('mode')" in complaint(spec(Early))
    assert "measure raises RuntimeError (gone)" in complaint(spec(Late))
    assert "on the error Nack(" in complaint(spec(Late))


def test_a_create_that_cannot_use_its_options_is_found() -> None:
    def create(*_: object) -> Good:
        raise TypeError("no address")

    assert "create raises TypeError (no address)" in complaint(spec(create=create))


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


class Thrown(Stream):
    def feed(self, data: bytes) -> Iterator[Values | Exception]:
        if len(data) > 2:
            raise BadFrame("too much", got=data)
        yield from super().feed(data)


class Bare(Stream):
    def feed(self, data: bytes) -> Iterator[Values | Exception]:
        yield {"temperature": float(data[500])}


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
    ("driver", "sentence"),
    [
        (Forgetful, "byte by byte"),
        (Wordy, "gives Nack"),
        (Good, "does not measure"),
        (Thrown, "give it instead, and go on reading"),
        (Bare, "feed raises IndexError"),
    ],
)
def test_a_stream_that_does_not_do_its_work_is_found(driver: type, sentence: str) -> None:
    assert sentence in complaint(stream_spec(driver))


class Known(Good):
    """A chip with an id."""

    def identify(self) -> Identifying:
        found = yield WriteRead(b"\x06", 2)
        if found != b"\x12\x34":
            raise WrongChip("id, register 06", expected=b"\x12\x34", got=found)
        return Identity(part="X1", channels=("temperature",))


def sure(driver: type) -> DriverSpec:
    return spec(driver, variants={"x1": Variant(addresses=(0x48,), channels=(CHANNEL,), has_identity=True)})


def test_a_driver_that_knows_its_chip_passes() -> None:
    check_driver(sure(Known))


class Parity(Good):
    """A bit of a checksum is no identity, though an empty wire is refused."""

    def identify(self) -> Identifying:
        found = yield WriteRead(b"\x06", 1)
        if found[0] in (0x00, 0xFF) or found[0] % 2:
            raise BadFrame("parity", got=found)
        return Identity(part="X1", channels=("temperature",))


class Inverted(Known):
    """Takes whatever is not the id."""

    def identify(self) -> Identifying:
        found = yield WriteRead(b"\x06", 2)
        if found == b"\x12\x34":
            raise WrongChip("id, register 06", expected="another", got=found)
        return Identity(part="X1", channels=("temperature",))


@pytest.mark.parametrize(
    ("driver", "sentence"),
    [
        (Good, "takes a wire that reads ff all the time for its chip: check an id and raise WrongChip"),
        (Inverted, "takes a wire that reads ff all the time"),
        (Parity, "takes noise for its chip"),
    ],
)
def test_an_identity_that_anything_has_is_found(driver: type, sentence: str) -> None:
    assert sentence in complaint(sure(driver))


def guarded(driver: type, *answers: bytes, expected: object) -> type:
    """The driver behind an identity of these answers, one read each."""

    def identify(self: object) -> Identifying:
        for answer in answers:
            found = yield WriteRead(b"\x06", len(answer))
            if found != answer:
                raise WrongChip("id", expected=expected, got=found)
        return Identity(part="X1", channels=("temperature",))

    return type(f"Guarded{driver.__name__}", (driver,), {"identify": identify})


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ((b"\x12\x34",), b"\x12\x34"),
        ((b"\x12\x34",), "1234 at register 06"),
        ((b"\x7b", b"\x04\x00"), "something else"),
        ((b"\x00\x01", b"\x00\x19\x03"), "00 19 03"),
        ((bytes.fromhex("be ef 92"),), "beef and its checksum"),
    ],
)
def test_what_stands_behind_an_identity_is_looked_at(answers: tuple[bytes, ...], expected: object) -> None:
    check_driver(sure(guarded(Good, *answers, expected=expected)))
    assert "does not end" in complaint(sure(guarded(Endless, *answers, expected=expected)))
    assert "gives just what was identified" in complaint(sure(guarded(Partial, *answers, expected=expected)))


def test_two_answers_that_are_looked_at_together_are_found() -> None:
    class Twofold(Partial):
        def identify(self) -> Identifying:
            maker, product = (yield WriteRead(b"\xfe", 1)), (yield WriteRead(b"\xfd", 1))
            if maker != b"\x53" or product not in (b"\x00", b"\x01"):
                raise WrongChip("ids, registers FE and FD", expected="53 and 00 or 01", got=maker + product)
            return Identity(part="X1", channels=("temperature",))

    class Twice(Partial):
        def identify(self) -> Identifying:
            found = yield from read_twice(WriteRead(b"\xfe", 1))
            if found != b"\x53":
                raise WrongChip("id, register FE", expected="the other one", got=found)
            return Identity(part="X1", channels=("temperature",))

    assert "gives just what was identified" in complaint(sure(Twofold))
    assert "gives just what was identified" in complaint(sure(Twice))


def test_a_secret_that_cannot_be_found_hides_the_rest_and_fails_nothing() -> None:
    check_driver(sure(guarded(Partial, b"\x12\x34\x56", expected="a word that only the chip knows")))


class Ranges(Good):
    """Two ranges; saturated in the dark one, starved in the bright one."""

    tries = 5

    def __init__(self) -> None:
        self.is_bright = False

    def measure(self) -> Measuring:
        tries = 0
        while self.tries is None or tries < self.tries:
            tries += 1
            answer = yield WriteRead(b"\x00", 1)
            if answer[0] == 0xFF and not self.is_bright:
                self.is_bright = True
            elif answer[0] == 0x00 and self.is_bright:
                self.is_bright = False
            else:
                return convert(answer)
            yield Write(bytes((0x01, self.is_bright)))
            yield Wait(0.01)
        raise NoAnswer("the light changes faster than the ranges")


class Chased(Ranges):
    """Its ranges chase each other as long as the light flickers."""

    tries = None  # type: ignore[assignment]


class Slow(Good):
    def measure(self) -> Measuring:
        for _ in range(10):
            yield Wait(9)
        return convert((yield WriteRead(b"\x00", 1)))


@pytest.mark.parametrize("identified", [False, True])
def test_ranges_that_chase_each_other_are_found(identified: bool) -> None:  # noqa: FBT001 - two cases
    def behind(driver: type) -> DriverSpec:
        return sure(guarded(driver, b"\x12", expected=b"\x12")) if identified else spec(driver)

    check_driver(behind(Ranges))
    assert "does not end, 1000 operations: bound its tries" in complaint(behind(Chased))
    assert "waits 63 s and more in all: bound its tries" in complaint(behind(Slow))


@pytest.mark.parametrize(
    ("heeds", "sentence"),
    [
        (
            Heeds(with_data=b"\x02"),
            "writes 01 00, and heeds does not say that the chip acts on it: put 01 into with_data",
        ),
        (Heeds(alone=b"\x01"), "put 01 into with_data"),
    ],
)
def test_a_setup_that_heeds_does_not_know_is_found(heeds: Heeds, sentence: str) -> None:
    check_driver(spec(heeds=Heeds(with_data=b"\x01")))
    assert sentence in complaint(spec(heeds=heeds))


def test_a_cost_that_is_far_too_low_is_found() -> None:
    cheap = {"x1": Variant(addresses=(0x48,), channels=(CHANNEL,), wire_bits=1)}
    assert "measure takes 39 bits on the wire and more, and wire_bits says 1" in complaint(spec(variants=cheap))
    right = {"x1": Variant(addresses=(0x48,), channels=(CHANNEL,), wire_bits=39)}
    check_driver(spec(variants=right))


def test_a_command_of_one_byte_has_to_be_heeded_and_a_pointer_has_not() -> None:
    class Commanded(Good):
        def setup(self) -> Preparing:
            yield Write(b"\xfe")
            yield Wait(0.1)

    class Pointing(Good):
        def setup(self) -> Preparing:
            yield Write(b"\x06")
            yield Read(1)

    check_driver(spec(Pointing, heeds=Heeds()))
    check_driver(spec(Commanded, heeds=Heeds(alone=b"\xfe")))
    assert "put fe into alone" in complaint(spec(Commanded, heeds=Heeds()))


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("import sensor_gateway.driver as gw", None),
        ("from sensor_gateway import driver", None),
        ("from sensor_gateway.driver import Write", None),
        ("from sensor_gateway.testing import check_driver", None),
        ("import math, struct", None),
        ("from sensor_gateway.outbox import files", "import from sensor_gateway.driver"),
        ("from sensor_gateway import model", "imports sensor_gateway.model"),
        ("import sensor_gateway.drivers", "imports sensor_gateway.drivers"),
        ("from time import sleep", "imports time: yield Wait(seconds)"),
        ("def setup():\n    import threading", "imports threading"),
    ],
)
def test_an_import_that_no_driver_needs_is_found(
    line: str, sentence: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "strange_chip.py").write_text(f"def never():\n    {line.replace(chr(10), chr(10) + '    ')}\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "strange_chip", raising=False)

    def create(*_: object) -> Good:
        return Good()

    __import__("strange_chip")
    create.__module__ = "strange_chip"
    if sentence is None:
        check_driver(spec(create=create))
    else:
        assert sentence in complaint(spec(create=create))
    del sys.modules["strange_chip"]
