"""Any bytes make values within limits or an error of ours: every installed driver, from the shapes of its own vectors.

Where a vector's frame has checksums, half of the examples get right ones again: what is behind the check is tried too.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from importlib.metadata import entry_points

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from proving.examples import examples

from sensor_gateway.driver import DriverSpec, MeasurementError, Values, Vector, crc8, crc16_modbus

SPECS: dict[str, DriverSpec] = {
    spec.name: spec
    for spec in (point.load() for point in entry_points(group="sensor_gateway.drivers"))
    if not spec.evidence  # a driver without arithmetic of its own has none to try
}
Mending = Callable[[bytes], bytes]


def in_words(initial: int) -> Mending:
    """Behind every two bytes their CRC-8."""

    def mended(frame: bytes) -> bytes:
        pairs = [frame[at : at + 2] for at in range(0, len(frame) - 2, 3)]
        return b"".join(pair + bytes((crc8(pair, initial=initial),)) for pair in pairs)

    return mended


def at_the_end(frame: bytes) -> bytes:
    """The CRC-8 of all that is before it."""
    return frame[:-1] + bytes((crc8(frame[:-1]),))


def as_in_modbus(frame: bytes) -> bytes:
    """The CRC-16 of all that is before it."""
    return frame[:-2] + crc16_modbus(frame[:-2])


MENDINGS = (in_words(0xFF), in_words(0x00), at_the_end, as_in_modbus)


def mending(frame: bytes) -> Mending | None:
    """How this frame's checksums are made; None where it has none."""
    return next((mended for mended in MENDINGS if len(frame) > 2 and mended(frame) == frame), None)


def frames_like(frame: bytes) -> st.SearchStrategy[bytes]:
    """As it is, some of its bits turned over, of its length, or of any other."""
    length = len(frame)
    turned = st.lists(st.integers(0, max(0, 8 * length - 1)), max_size=4).map(lambda bits: _turned(frame, bits))
    like = st.one_of(st.just(frame), turned, st.binary(min_size=length, max_size=length))
    mended = mending(frame)
    others = st.binary(max_size=length + 3)
    return st.one_of(like, others) if mended is None else st.one_of(like.map(mended), like, others)


def _turned(frame: bytes, bits: list[int]) -> bytes:
    turned = bytearray(frame)
    for bit in bits:
        if frame:
            turned[bit // 8] ^= 1 << bit % 8
    return bytes(turned)


def objection(spec: DriverSpec, vector: Vector, values: Values) -> str | None:
    """What is wrong with values of any bytes at all."""
    limits = {channel.name: (channel.low, channel.high) for channel in spec.variants[vector.variant].channels}
    for name, value in values.items():
        low, high = limits.get(name, (-math.inf, math.inf))
        if not (math.isfinite(value) and low <= value <= high):
            return f"{name} of {value} from {[frame.hex(' ') for frame in vector.frames]}"
    return None


def replayed(spec: DriverSpec, vector: Vector) -> Values:
    """The values of a vector; none for an error of ours."""
    try:
        return spec.replay(vector)
    except MeasurementError:
        return {}


@pytest.mark.parametrize("name", sorted(SPECS))
@settings(max_examples=examples(30))
@given(data=st.data())
def test_any_bytes_are_values_within_limits_or_an_error_of_ours(name: str, data: st.DataObject) -> None:
    spec = SPECS[name]
    vector = data.draw(st.sampled_from(spec.vectors), label="vector")
    frames = tuple(data.draw(frames_like(frame), label="frame") for frame in vector.frames)
    damaged = replace(vector, frames=frames)
    assert objection(spec, damaged, replayed(spec, damaged)) is None


def test_the_checksums_of_frames_are_found_and_made() -> None:
    found = {name: mending(spec.vectors[0].frames[0]) is not None for name, spec in SPECS.items()}
    assert {"sht3x", "sht4x", "shtc3", "si7021", "aht20", "scd4x", "hdc302x"} <= {name for name in found if found[name]}


def test_a_driver_that_lets_a_value_through_is_caught() -> None:
    """A driver without its limits: a zero word of an SHT4x is -45 °C."""
    spec = SPECS["sht4x"]
    careless = replace(spec, replay=lambda vector: {"temperature": -45 + 175 * vector.frames[0][0] / 255})
    vector = replace(spec.vectors[0], frames=(in_words(0xFF)(bytes(6)),))
    assert objection(careless, vector, replayed(careless, vector)) is not None
    assert objection(spec, vector, replayed(spec, vector)) is None
