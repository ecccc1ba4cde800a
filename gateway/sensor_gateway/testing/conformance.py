"""The conformance suite for drivers: all that the gateway counts on, checked with assertions.

For the authors of drivers: ``check_driver(SPEC)`` in one test. It needs no bus and no chip.
"""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial

from sensor_gateway.model.driver_spec import CONTRACT_VERSION, BusKind, DriverSpec, Heeds, Variant, Vector
from sensor_gateway.model.errors import MeasurementError, message_of
from sensor_gateway.testing.conforming.conduct import check_conduct
from sensor_gateway.testing.conforming.imports import check_imports
from sensor_gateway.testing.conforming.noise import ROUNDS, Noise, repeatable_noise
from sensor_gateway.testing.conforming.strange_errors import code_of_driver

NAME = re.compile(r"[a-z0-9][a-z0-9_-]*")
FEWEST_VECTORS = 2
LOWEST_ADDRESS, HIGHEST_ADDRESS = 0x08, 0x77  # the others are reserved (UM10204, section 3.1.12)


def check_driver(spec: DriverSpec, *, options: object | None = None, noise: Noise | None = None) -> None:
    """Check a driver's shape, vectors, totality and conduct; AssertionError says all that is wrong, and where.

    ``options`` are needed where the driver's have no defaults: conduct is checked with them. ``noise`` gives the
    bytes of the checks for totality and conduct; by default the same ones in each run.
    """
    noise = noise or repeatable_noise(spec.name)
    _check_all(spec.name, [partial(check_shape, spec), partial(check_imports, spec)])
    chosen = options if options is not None else _default_options(spec)
    vectors = [partial(check_vector, spec, vector) for vector in spec.vectors]
    conduct = [] if chosen is None else [partial(_check_conduct, spec, chosen, noise)]
    _check_all(spec.name, [*vectors, partial(check_totality, spec, noise), *conduct])


def _check_all(name: str, checks: Sequence[Callable[[], None]]) -> None:
    """Carry out all of these, though some find something; one AssertionError with what each of them found."""
    found: list[AssertionError] = []
    for check in checks:
        try:
            check()
        except AssertionError as error:
            found.append(error)
    if len(found) == 1:
        raise found[0]
    if found:
        complaints = "".join(f"\n- {complaint}" for complaint in dict.fromkeys(map(str, found)))
        raise AssertionError(f"{name}, {len(found)} complaints:{complaints}") from found[0]


def _check_conduct(spec: DriverSpec, options: object, noise: Noise) -> None:
    """One variant after the other, until one does something wrong: the others would do the same."""
    with code_of_driver(f"{spec.name}, check", f" on {options!r}", "return a sentence for each thing that is wrong"):
        complaints = spec.check(options) if spec.check is not None else ()
    assert not complaints, f"{spec.name}: its own options are refused: {complaints}"
    for variant in spec.variants:
        check_conduct(spec, variant, options, noise)


def check_shape(spec: DriverSpec) -> None:
    """Check what the SPEC says of itself."""
    name = spec.name
    assert spec.contract == CONTRACT_VERSION, (
        f"{name}: made for contract {spec.contract}, not {CONTRACT_VERSION}: see what changed, and leave contract out"
    )
    assert NAME.fullmatch(name), f"a driver is called like bme280, not {name!r}"
    assert len(spec.summary.splitlines()) == 1, f"{name}: the summary is one line: maker, part, what it measures"
    assert spec.variants, f"{name}: at least one variant, under the name that users write"
    for variant_name, variant in spec.variants.items():
        _check_variant(spec, variant_name, variant)
    parameters = getattr(spec.options, "__dataclass_params__", None)
    assert getattr(parameters, "frozen", False), (
        f"{name}: options are a frozen dataclass: @dataclass(frozen=True, slots=True, kw_only=True)"
    )
    assert spec.options.__doc__, f"{name}: the docstring of the options is their manual"
    known = {channel.name for variant in spec.variants.values() for channel in variant.channels}
    for what, table in (("power_on", spec.power_on), ("frozen_after", spec.frozen_after)):
        assert spec.channels_of is not None or set(table) <= known, f"{name}: {what} names unknown channels"
    assert all(count > 1 for count in spec.frozen_after.values()), (
        f"{name}: one measurement freezes nothing: frozen_after is a count of equal ones"
    )
    assert spec.evidence or len(spec.vectors) >= FEWEST_VECTORS, (
        f"{name}: at least {FEWEST_VECTORS} vectors, from a datasheet or from another implementation's tests"
    )
    _check_heeds(spec)


def _check_heeds(spec: DriverSpec) -> None:
    heeds: object = spec.heeds  # strangers are checked by nobody else
    if heeds is None:
        return
    assert isinstance(heeds, Heeds), f"{spec.name}: heeds is a Heeds, not {heeds!r}"
    assert spec.bus is BusKind.I2C, f"{spec.name}: heeds are for I2C, where a scan writes: leave them out"
    for name in ("alone", "with_data"):
        first: object = getattr(heeds, name)
        assert isinstance(first, bytes), (
            f"{spec.name}: heeds.{name} are the first bytes of writes, as bytes like b'\\x01\\x02', not {first!r}"
        )


def _check_variant(spec: DriverSpec, name: str, variant: Variant) -> None:
    where = f"{spec.name}, variant {name!r}"
    channels = [channel.name for channel in variant.channels]
    assert NAME.fullmatch(name), f"{where}: a variant is called like bme280"
    assert channels or spec.channels_of is not None, f"{where}: a variant without channels needs channels_of"
    assert len(set(channels)) == len(channels), f"{where}: two channels of one name"
    assert all(NAME.fullmatch(channel) for channel in channels), f"{where}: channels are called like temperature"
    assert variant.wire_bits > 0, (
        f"{where}: wire_bits is what one measurement costs; on I2C, wire_bits(...) of its operations counts it"
    )
    has_identity: object = variant.has_identity
    assert isinstance(has_identity, bool), f"{where}: has_identity is True or False, not {has_identity!r}"
    if spec.bus is BusKind.I2C:
        assert variant.addresses or spec.channels_of is not None, (
            f"{where}: the addresses of the chip, the default first"
        )
        assert all(LOWEST_ADDRESS <= address <= HIGHEST_ADDRESS for address in variant.addresses), (
            f"{where}: addresses are {LOWEST_ADDRESS:02x} to {HIGHEST_ADDRESS:02x}: seven bits, no R/W bit"
        )


def check_vector(spec: DriverSpec, vector: Vector) -> None:
    """Check that a vector's bytes mean what it says, within its tolerance."""
    where = f"{spec.name}, vector {vector.source!r}"
    assert vector.variant in spec.variants, f"{where}: there is no variant {vector.variant!r}"
    assert vector.source.strip(), f"{where}: a vector names its source"
    assert vector.values, f"{where}: a vector has values"
    try:
        with code_of_driver(f"{where}: convert", " on its own bytes"):
            got = spec.replay(vector)
    except MeasurementError as error:
        raise AssertionError(
            f"{where}: convert refuses its bytes ({type(error).__name__}: {message_of(error)}): one of the two is wrong"
        ) from error
    assert set(got) == set(vector.values), f"{where}: expected {sorted(vector.values)}, got {sorted(got)}"
    for name, value in vector.values.items():
        assert abs(got[name] - value) <= vector.tolerance, f"{where}: {name} is {value}, got {got[name]!r}"
    _check_values(spec, vector.variant, got, where)


def check_totality(spec: DriverSpec, noise: Noise) -> None:
    """Check that any bytes give values within limits, or a MeasurementError."""
    for vector in (vector for vector in spec.vectors if vector.variant in spec.variants):
        for frames in _damaged(vector.frames, noise):
            where = f"{spec.name}, frames {[frame.hex(' ') for frame in frames]} in place of {vector.source!r}"
            try:
                with code_of_driver(f"{where}: convert", ""):
                    values = spec.replay(dataclasses.replace(vector, frames=frames))
            except MeasurementError:
                continue
            _check_values(spec, vector.variant, values, where)


def _damaged(frames: tuple[bytes, ...], noise: Noise) -> Iterator[tuple[bytes, ...]]:
    """Each frame cut off, too long, of equal bytes, with one bit turned, and of noise; then all of noise."""
    rounds = max(1, ROUNDS // len(frames))
    for place, frame in enumerate(frames):
        length, number = len(frame), int.from_bytes(frame, "big")
        others = [
            *(frame[:shorter] for shorter in range(length)),
            frame + noise(1),
            b"\x00" * length,
            b"\xff" * length,
            *((number ^ 1 << bit).to_bytes(length, "big") for bit in range(length * 8)),
            *(noise(length) for _ in range(rounds)),
        ]
        yield from ((*frames[:place], other, *frames[place + 1 :]) for other in others)
    yield from (tuple(noise(len(frame)) for frame in frames) for _ in range(rounds))


def _check_values(spec: DriverSpec, variant: str, values: Mapping[str, float], where: str) -> None:
    limits = {channel.name: channel for channel in spec.variants[variant].channels}
    for name, value in values.items():
        assert math.isfinite(value), f"{where}: {name} is {value}"
        assert not limits or name in limits, f"{where}: there is no channel {name}"
        if name in limits:
            low, high = limits[name].low, limits[name].high
            assert low <= value <= high, (
                f"{where}: {name} of {value} is not within {low}..{high}: raise OverRange, like within(channel, value)"
            )


def _default_options(spec: DriverSpec) -> object | None:
    """What a user who wrote no options gets; None where some must be written."""
    missing = dataclasses.MISSING
    for field in dataclasses.fields(spec.options):
        if field.default is missing and field.default_factory is missing:
            return None
    try:
        options: object = spec.options()
    except ValueError:
        return None  # one of several must be written
    return options
