"""Who is put to the test: every installed driver that has a model, each variant with each choice of options."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import MISSING, dataclass, fields
from importlib.metadata import entry_points
from typing import Any, Literal, get_args, get_origin, get_type_hints

from sensor_gateway.model.channel import Channel
from sensor_gateway.model.driver_spec import BusKind, DriverSpec
from sensor_gateway.sensing.plan import SensorPlan, plan_alone
from sensor_gateway.simulation.chips.chip import Mounting
from sensor_gateway.simulation.models import MODELS

TRUE = {
    "temperature": 21.37,
    "humidity": 47.3,
    "pressure": 987.6,
    "illuminance": 417.5,
    "carbon_dioxide": 654.0,
    "gas_resistance": 87_654.0,
    "uv_index": 3.1,
    "clear": 9_000.0,
    "red": 4_000.0,
    "green": 3_000.0,
    "blue": 2_000.0,
}
"""The weather. A channel that is not named has a value in the lower half of its limits."""

LIGHTS = {"dim": 3.3, "glaring": 40_000.0}
"""Other light, for chips that find their range by themselves."""

COARSE = {"ads1015": 0.0031, "ads1115": 0.0002, "mcp9808": 0.51}
"""Variants with a coarser step than the channel's, by option or in their widest range: a finer value is as right."""

SHARES = {"illuminance": 0.015, "uv_index": 0.015, "gas_resistance": 0.01}
"""How far two right values may be apart, as a share of them: each range of a chip rounds in its own way."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """One chip in its weather, and the driver that is to read it.

    ``name`` tells it from all others; ``chosen`` is what its options differ in from the defaults.
    """

    name: str
    spec: DriverSpec
    variant: str
    options: Any
    true: Mapping[str, float]
    interval_s: float = 1.0
    chosen: str = ""
    light: str = ""

    @property
    def channels(self) -> tuple[Channel, ...]:
        """What the sensor measures with these options."""
        row = self.spec.variants[self.variant]
        return row.channels if self.spec.channels_of is None else self.spec.channels_of(self.options)

    @property
    def address(self) -> int:
        """Where the chip answers; unit 1 on a serial line."""
        addresses = self.spec.variants[self.variant].addresses
        return addresses[0] if addresses else 1

    def plan(self) -> SensorPlan:
        """For the poller: each value that differs from the one before is news."""
        return plan_alone("probe", self.spec, self.variant, self.options, self.address, interval_s=self.interval_s)

    def mounting(self) -> Mounting:
        """For the chip."""
        return Mounting(
            sensor="probe",
            spec=self.spec,
            variant=self.variant,
            options=self.options,
            address=self.address,
            interval_s=self.interval_s,
            courses={name: lambda _at_s, value=value: value for name, value in self.true.items()},  # type: ignore[misc]
        )

    def slack(self, channel: Channel, value: float) -> float:
        """How far another right value may be from this one."""
        return max(SHARES.get(channel.name, 0.0) * abs(value), COARSE.get(self.variant, 1.01 * channel.resolution))


def installed(*kinds: BusKind) -> dict[str, DriverSpec]:
    """Drivers with a model, by name."""
    specs = {point.value: point.load() for point in entry_points(group="sensor_gateway.drivers")}
    found = {
        spec.name: spec
        for spec in specs.values()
        if spec.bus in kinds and spec.name in MODELS and not spec.evidence  # whose verdicts are its own
    }
    return dict(sorted(found.items()))


SERIAL: Mapping[str, Mapping[str, Mapping[str, Any]]] = {
    "modbus": {
        "u32 and s16": {
            "registers": {
                "temperature": {
                    "register": 1,
                    "function": "input",
                    "type": "s16",
                    "scale": 0.1,
                    "quantity": "temperature",
                },
                "illuminance": {"register": 2, "type": "u32", "scale": 0.001, "quantity": "illuminance"},
            }
        }
    },
    "frame": {
        "of a fixed length": {
            "header": "42 4D",
            "length": 8,
            "checksum": "sum16",
            "fields": {"temperature": {"at": 2, "type": "s16", "scale": 0.1, "quantity": "temperature"}},
        }
    },
    "frame_request": {
        "with a sum": {
            "request": "FF 01 86 00 00 00 00 00 79",
            "header": "FF 86",
            "length": 9,
            "checksum": "neg_sum8",
            "checksum_from": 1,
            "fields": {"carbon_dioxide": {"at": 2, "type": "u16", "quantity": "carbon_dioxide"}},
        }
    },
    "line": {
        "json": {
            "format": "json",
            "fields": {"temperature": {"quantity": "temperature"}, "humidity": {"quantity": "humidity"}},
        },
        "key_value": {"format": "key_value", "fields": {"temperature": {"key": "T", "quantity": "temperature"}}},
        "csv": {"format": "csv", "fields": {"temperature": {"index": 2, "quantity": "temperature"}}},
        "nmea": {
            "format": "nmea",
            "sentence": "MTW",
            "fields": {"temperature": {"index": 1, "quantity": "temperature"}},
        },
    },
}
"""Options of drivers that have none by default: their kinds of messages."""


def serial_subjects() -> Iterator[Subject]:
    """Drivers of serial lines, each kind of message; those that need no options join by themselves."""
    for spec in installed(BusKind.SERIAL_REQUEST, BusKind.SERIAL_STREAM).values():
        if spec.name in SERIAL:
            for chosen, options in SERIAL[spec.name].items():
                yield _subject(spec, next(iter(spec.variants)), _built(spec, options), chosen=chosen)
        elif all(field.default is not MISSING for field in fields(spec.options)):
            for variant in spec.variants:
                yield _subject(spec, variant, spec.options())


def _built(spec: DriverSpec, options: Mapping[str, Any]) -> Any:
    """Options from plain tables: those of channels become the driver's own rows."""
    hints = get_type_hints(spec.options)
    built = dict(options)
    for name, table in options.items():
        if isinstance(table, dict):
            _, row = get_args(hints[name])
            built[name] = {channel: row(**values) for channel, values in table.items()}
    return spec.options(**built)


def subjects_of(spec: DriverSpec, variant: str) -> Iterator[Subject]:
    """The variant with its default options first; then with each other choice, and in other light."""
    options = spec.options()
    plain = _subject(spec, variant, options)
    yield plain
    for light, lux in LIGHTS.items():
        if "illuminance" in plain.true:
            yield _subject(spec, variant, options, light=light, illuminance=lux)
    for chosen, other in _choices(spec):
        yield _subject(spec, variant, other, chosen=chosen)


def _subject(
    spec: DriverSpec, variant: str, options: Any, *, chosen: str = "", light: str = "", **true: float
) -> Subject:
    channels = spec.variants[variant].channels if spec.channels_of is None else spec.channels_of(options)
    weather = {channel.name: _true(channel) for channel in channels} | true
    name = " ".join(part for part in (variant, chosen, light) if part)
    interval_s = 6.0 if "carbon_dioxide" in weather else 1.0
    return Subject(
        name=name,
        spec=spec,
        variant=variant,
        options=options,
        true=weather,
        chosen=chosen,
        light=light,
        interval_s=interval_s,
    )


def _true(channel: Channel) -> float:
    return TRUE.get(channel.name, channel.low + 0.37 * (channel.high - channel.low))


def _choices(spec: DriverSpec) -> Iterator[tuple[str, Any]]:
    """Options that differ from the defaults in one choice of a list: the first and the last other one."""
    hints = get_type_hints(spec.options)
    for field in fields(spec.options):
        if field.default is MISSING:
            continue
        kind = hints[field.name]
        others = [choice for choice in _listed(kind) if choice != field.default]
        for choice in dict.fromkeys((*others[:1], *others[-1:])):
            options = spec.options(**{field.name: choice})
            if spec.check is None or not spec.check(options):
                yield f"{field.name}={choice}", options


def _listed(kind: Any) -> tuple[Any, ...]:
    if kind is bool:
        return (False, True)
    return get_args(kind) if get_origin(kind) is Literal else ()
