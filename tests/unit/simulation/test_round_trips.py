"""Chip models and drivers know nothing of each other: what goes in as physics must come out as a value."""

from __future__ import annotations

import importlib
import math
from collections.abc import Generator, Iterable, Mapping
from dataclasses import dataclass
from importlib.metadata import entry_points
from typing import Any, get_args, get_type_hints

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from proving.examples import examples

from sensor_gateway.model.channel import Channel
from sensor_gateway.model.driver_spec import BusKind, DriverSpec
from sensor_gateway.model.errors import BadFrame, NoAnswer, WireError
from sensor_gateway.model.operations import Exchange, Operation, Read, Wait, Write, WriteRead
from sensor_gateway.sensing.exchange import Exchanger
from sensor_gateway.simulation.chips.chip import Mounting
from sensor_gateway.simulation.chips.line_talker import LineTalker, UnwritableLine
from sensor_gateway.simulation.chips.modbus_slave import slave_of
from sensor_gateway.simulation.i2c_bus import SimulatedI2cBus, Socket
from sensor_gateway.simulation.models import MODELS
from sensor_gateway.simulation.scenario import FaultKind, LinkFault
from sensor_gateway.simulation.serial_line import SimulatedLine, WiredSlave
from sensor_gateway.simulation.virtual_clock import VirtualClock


def spec_of(name: str) -> DriverSpec:
    spec = importlib.import_module(f"sensor_drivers.{name}").SPEC
    assert isinstance(spec, DriverSpec)
    return spec


def installed() -> list[tuple[str, str]]:
    """Each variant of each I2C driver that has a chip model, by the entry points."""
    specs = {spec.name: spec for spec in (point.load() for point in entry_points(group="sensor_gateway.drivers"))}
    return [
        (name, variant)
        for name, spec in sorted(specs.items())
        if spec.bus is BusKind.I2C and name in MODELS and not spec.evidence  # whose arithmetic is its own
        for variant in spec.variants
    ]


I2C_VARIANTS = installed()


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """Where a round trip has other bounds than the channel's limits and its resolution.

    ``low`` and ``high`` are where the default options end; a value may be off by ``share`` of it, or by ``step``.
    """

    low: float = -math.inf
    high: float = math.inf
    share: float = 0.0
    step: float = 0.0


COUNTS = Bounds(high=37_800)
EXCEPTIONS: Mapping[str, Bounds] = {
    # The ADS1015's step in its widest range.
    "ads1115 a0": Bounds(step=0.0031),
    # 103 ms are 37 cycles of 1024 counts.
    **{f"apds9960 {name}": COUNTS for name in ("clear", "red", "green", "blue")},
    # A step of its middle range, where the finest one ends.
    "bh1750 illuminance": Bounds(high=120_000, share=0.006, step=0.06),
    # Its own formula rounds the gas resistance; below and above, the converter has no range for it.
    "bme680 gas_resistance": Bounds(low=2_000, high=10e6, share=0.01),
    "bme680 pressure": Bounds(step=0.003),
    # Its last number is the end, and no value.
    "hdc1080 temperature": Bounds(high=124.98),
    # TMP102 and TMP112 reach further in extended mode only.
    "lm75 temperature": Bounds(high=124.9),
    "ltr390 illuminance": Bounds(high=130_000, share=0.0002, step=0.0043),
    "ltr390 uv_index": Bounds(high=455.0),
    # 8 bits
    "max44009 illuminance": Bounds(high=130_000, share=0.004, step=0.023),
    # 12 bits
    "opt3001 illuminance": Bounds(high=83_000, share=0.0003, step=0.0051),
    # A count is 0.02 lx, and its fellow in the infrared as much again.
    "tsl2561 illuminance": Bounds(high=40_000, share=0.003, step=0.05),
    # 315 counts where the second range begins, and half a count of the infrared weighs more than one of all light
    "tsl2591 illuminance": Bounds(high=110_000, share=0.008, step=0.001),
    # 1 % where the maker's correction begins
    "veml7700 illuminance": Bounds(high=130_000, share=0.012, step=0.0042),
}


def perform(steps: Generator[Operation, bytes, Any], bus: SimulatedI2cBus, clock: VirtualClock, address: int) -> Any:
    answer, refusal = None, None
    while True:
        try:
            operation = steps.send(answer) if refusal is None else steps.throw(refusal)  # type: ignore[arg-type]
        except StopIteration as end:
            return end.value
        answer, refusal = b"", None
        try:
            match operation:
                case Write(data):
                    bus.transfer(address, data, 0)
                case Read(count):
                    answer = bus.transfer(address, b"", count)
                case WriteRead(data, count):
                    answer = bus.transfer(address, data, count)
                case Wait(seconds):
                    clock.advance(seconds)
                case Exchange():
                    raise AssertionError("no I2C driver exchanges")
        except WireError as error:
            refusal = error


def measured(
    spec: DriverSpec, variant: str, options: object, true: Mapping[str, float], *, powered_s: float = -10.0
) -> Mapping[str, float]:
    """What the real driver makes of a chip in this weather."""
    clock = VirtualClock()
    address = spec.variants[variant].addresses[0]
    mounting = Mounting(
        sensor="probe",
        spec=spec,
        variant=variant,
        options=options,
        address=address,
        interval_s=1.0,
        powered_s=powered_s,
        courses={name: lambda _at_s, value=value: value for name, value in true.items()},  # type: ignore[misc]
    )
    bus = SimulatedI2cBus("i2c1", [Socket(model=MODELS[spec.name], mounting=mounting)], clock=clock)  # type: ignore[arg-type]
    bus.open()
    driver: Any = spec.create(variant, options, address)
    perform(driver.identify(), bus, clock, address)
    perform(driver.setup(), bus, clock, address)
    values: Mapping[str, float] = perform(driver.measure(), bus, clock, address)
    return values


def bounds_of(name: str, channel: Channel) -> Bounds:
    return EXCEPTIONS.get(f"{name} {channel.name}", Bounds())


def inside(channel: Channel, bounds: Bounds) -> tuple[float, float]:
    """The limits, without the last step, and without what only other options reach."""
    return max(channel.low, bounds.low) + channel.resolution, min(channel.high, bounds.high) - channel.resolution


@pytest.mark.parametrize(("name", "variant"), I2C_VARIANTS)
@settings(max_examples=examples(30), suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(data=st.data())
def test_a_driver_reads_what_the_weather_is(name: str, variant: str, data: st.DataObject) -> None:
    spec = spec_of(name)
    options = spec.options()
    channels = spec.variants[variant].channels if spec.channels_of is None else spec.channels_of(options)
    true = {
        channel.name: data.draw(st.floats(*inside(channel, bounds_of(name, channel))), label=channel.name)
        for channel in channels
    }
    compare(channels, true, measured(spec, variant, options, true), name)


@pytest.mark.parametrize("end", [0, 1], ids=["low", "high"])
@pytest.mark.parametrize(("name", "variant"), I2C_VARIANTS)
def test_both_ends_of_what_a_chip_measures_are_values(name: str, variant: str, end: int) -> None:
    """Where a chip's last number means that it is beyond its end, the limit of its channel lies before it."""
    spec = spec_of(name)
    options = spec.options()
    channels = spec.variants[variant].channels if spec.channels_of is None else spec.channels_of(options)
    true = {channel.name: inside(channel, bounds_of(name, channel))[end] for channel in channels}
    compare(channels, true, measured(spec, variant, options, true), name)


def compare(channels: Iterable[Channel], true: Mapping[str, float], found: Mapping[str, float], name: str) -> None:
    for channel in channels:
        value, bound = true[channel.name], bounds_of(name, channel)
        step = bound.step or 1.01 * channel.resolution
        assert found[channel.name] == pytest.approx(value, abs=max(step, bound.share * abs(value)))


@pytest.mark.parametrize("variant", ["tmp102", "tmp112"])
@pytest.mark.parametrize("celsius", [-54.0, -0.0625, 20.0, 127.9375, 149.5])
def test_the_extended_range_is_read_too(variant: str, celsius: float) -> None:
    spec = spec_of("lm75")
    found = measured(spec, variant, spec.options(range="extended"), {"temperature": celsius})
    assert found["temperature"] == celsius


@pytest.mark.parametrize("variant", [variant for name, variant in I2C_VARIANTS if name == "lm75"])
def test_a_driver_waits_for_the_first_conversion_instead_of_reading_zero(variant: str) -> None:
    spec = spec_of("lm75")
    assert measured(spec, variant, spec.options(), {"temperature": 31.0}, powered_s=0.0)["temperature"] == 31.0


@pytest.mark.parametrize("mode", ["high", "high2", "low"])
@pytest.mark.parametrize("mtreg", [31, 69, 138, 254])
def test_light_is_read_in_every_mode(mode: str, mtreg: int) -> None:
    spec = spec_of("bh1750")
    found = measured(spec, "bh1750", spec.options(mode=mode, mtreg=mtreg), {"illuminance": 417.5})
    assert found["illuminance"] == pytest.approx(417.5, abs=69 / mtreg / 1.2)


@pytest.mark.parametrize("repeatability", ["high", "medium", "low"])
def test_an_sht4x_is_read_at_every_repeatability(repeatability: str) -> None:
    spec = spec_of("sht4x")
    true = {"temperature": -12.34, "humidity": 98.7}
    assert measured(spec, "sht4x", spec.options(repeatability=repeatability), true) == pytest.approx(true, abs=0.01)


@pytest.mark.parametrize("oversampling", [1, 16])
@pytest.mark.parametrize("filtering", [0, 16])
def test_a_bme280_is_read_however_often_it_samples(oversampling: int, filtering: int) -> None:
    spec = spec_of("bme280")
    options = spec.options(
        temperature_oversampling=oversampling,
        pressure_oversampling=oversampling,
        humidity_oversampling=oversampling,
        filter=filtering,
    )
    true = {"temperature": 21.5, "pressure": 998.7, "humidity": 44.4}
    assert measured(spec, "bme280", options, true) == pytest.approx(true, abs=0.01)


def asked(options: Any, true: Mapping[str, float], faults: tuple[LinkFault, ...] = ()) -> Mapping[str, float]:
    """What the real Modbus driver makes of a slave with these values, over a simulated line."""
    clock = VirtualClock()
    mounting = Mounting(
        sensor="probe",
        spec=spec_of("modbus"),
        variant="modbus",
        options=options,
        address=7,
        interval_s=1.0,
        courses={name: lambda _at_s, value=value: value for name, value in true.items()},  # type: ignore[misc]
    )
    slave = slave_of([mounting])
    line = SimulatedLine("rs485", slaves=[WiredSlave(device=slave, sensors=("probe",))], clock=clock, faults=faults)
    line.open()
    exchanger = Exchanger(line, clock)
    driver: Any = spec_of("modbus").create("modbus", options, 7)
    steps = driver.measure()
    answer = None
    while True:
        try:
            operation = steps.send(answer)
        except StopIteration as end:
            values: Mapping[str, float] = end.value
            return values
        answer = exchanger.exchange(operation, 7)


REGISTER_MAP = {
    "air": {"register": 1, "function": "input", "type": "s16", "scale": 0.1, "quantity": "temperature"},
    "damp": {"register": 2, "function": "input", "type": "u16", "scale": 0.01, "quantity": "humidity"},
    "light": {"register": 2, "type": "u32", "order": "CDAB", "scale": 0.001, "quantity": "illuminance"},
    "grid": {"register": 8, "type": "f32", "order": "DCBA", "quantity": "voltage"},
    "flow": {"register": 10, "type": "s32", "order": "BADC", "scale": 0.5, "offset": 10.0, "quantity": "temperature"},
}


def modbus_options(**others: object) -> Any:
    options = spec_of("modbus").options
    _, register = get_args(get_type_hints(options)["registers"])
    return options(registers={name: register(**row) for name, row in REGISTER_MAP.items()}, **others)


@settings(max_examples=examples(60), deadline=None)
@given(
    air=st.floats(-200, 2000),
    damp=st.floats(0, 100),
    light=st.floats(0, 200_000),
    grid=st.floats(-1000, 1000),
    flow=st.floats(-273, 2000),
)
def test_a_register_map_is_read_as_it_was_written(**true: float) -> None:
    found = asked(modbus_options(), true)
    assert found == {
        "air": pytest.approx(true["air"], abs=0.051),
        "damp": pytest.approx(true["damp"], abs=0.0051),
        "light": pytest.approx(true["light"], abs=0.00051),
        "grid": pytest.approx(true["grid"], rel=1e-6),
        "flow": pytest.approx(true["flow"], abs=0.2501),
    }


MIDDLING = {"air": 20.0, "damp": 50.0, "light": 100.0, "grid": 230.0, "flow": 40.0}


def test_an_adapter_that_hears_itself_is_no_hindrance() -> None:
    assert asked(modbus_options(echo=True), MIDDLING) == pytest.approx(MIDDLING, rel=1e-6)


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        (FaultKind.SILENCE, NoAnswer),
        (FaultKind.UNPLUG, NoAnswer),
        (FaultKind.CRC, BadFrame),
        (FaultKind.SHORT, NoAnswer),
    ],
)
def test_a_bad_line_gives_the_error_that_a_real_one_gives(kind: FaultKind, error: type[Exception]) -> None:
    with pytest.raises(error):
        asked(modbus_options(), MIDDLING, (LinkFault(kind=kind, sensor="probe"),))


def line_options(fields: Mapping[str, Mapping[str, object]], **others: object) -> Any:
    options = spec_of("line").options
    _, field = get_args(get_type_hints(options)["fields"])
    return options(fields={name: field(**row) for name, row in fields.items()}, **others)


def talking(options: Any, true: Mapping[str, float]) -> LineTalker:
    mounting = Mounting(
        sensor="probe",
        spec=spec_of("line"),
        variant="line",
        options=options,
        address=0,
        interval_s=1.0,
        courses={name: lambda _at_s, value=value: value for name, value in true.items()},  # type: ignore[misc]
    )
    return LineTalker(mounting)


T: dict[str, object] = {"quantity": "temperature"}
H: dict[str, object] = {"quantity": "humidity"}

LINES: dict[str, tuple[dict[str, dict[str, object]], dict[str, object]]] = {
    "json": ({"t": {**T, "key": "outside.temperature_C"}, "h": {**H, "key": "rooms.1.rh"}}, {}),
    "json scaled": ({"t": {**T, "scale": 0.1, "offset": -40.0}, "h": H}, {}),
    "key_value": ({"t": {**T, "key": "T"}, "h": {**H, "key": "H"}}, {}),
    "key_value by semicolon": ({"t": T, "h": H}, {"delimiter": ";"}),
    "csv": ({"t": {**T, "index": 2}, "h": {**H, "index": 5}}, {}),
    "nmea": ({"t": {**T, "index": 1}, "h": {**H, "index": 3}}, {"sentence": "MTW"}),
    "regex": ({"t": T, "h": H}, {"pattern": r"^(?P<t>-?\d+(?:\.\d+)?)C,(?P<h>\d+(?:\.\d+)?)%$"}),
    "regex with much around": (
        {"t": {**T, "key": "temp"}, "h": H},
        {"pattern": r"(?:OK|ER)\s+\[\w+\] T[:=]\s*(?P<temp>[-+.0-9]+)\s*°?C(?:\s+RH\s+(?P<h>[\d.]{1,6})\s?%)?"},
    ),
}


@pytest.mark.parametrize("name", LINES)
@settings(max_examples=examples(30), deadline=None)
@given(t=st.floats(-200, 2000), h=st.floats(0, 100))
def test_what_a_device_says_is_what_its_driver_hears(name: str, t: float, h: float) -> None:
    fields, others = LINES[name]
    options = line_options(fields, format=name.split(maxsplit=1)[0], **others)
    device = talking(options, {"t": t, "h": h})
    driver: Any = spec_of("line").create("line", options, 0)
    heard = [values for _ in range(3) for values in driver.feed(device.say())]
    assert heard[-1] == {"t": pytest.approx(t, abs=0.0051), "h": pytest.approx(h, abs=0.0051)}
    assert all(values == heard[-1] for values in heard)


def test_a_pattern_for_whole_numbers_is_told_whole_numbers() -> None:
    options = line_options({"t": {**T, "scale": 0.1}}, format="regex", pattern=r"t(?P<t>[0-9]+)$")
    assert talking(options, {"t": 21.53}).say() == b"t215\r\n"


def test_a_pattern_that_nobody_can_turn_round_is_told_so() -> None:
    options = line_options({"t": T}, format="regex", pattern=r"(?P<t>[0-9.]+)(?<!7)(?=never)")
    with pytest.raises(UnwritableLine, match="probe"):
        talking(options, {"t": 21.57})
