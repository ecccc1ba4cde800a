"""Which drivers there are: entry points, each loaded only when it is asked for.

Our own drivers and those of third parties come by the same door. One that cannot be loaded is a fault of the sensors
that want it, and of nobody else; it is told with its origin.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import is_dataclass
from importlib.metadata import EntryPoint, entry_points
from typing import Final

from sensor_gateway.model.channel import Channel
from sensor_gateway.model.driver_spec import CONTRACT_VERSION, BusKind, DriverSpec, Variant
from sensor_gateway.model.errors import OperatorError, message_of
from sensor_gateway.model.names.topic_level import MAX_LENGTH, is_level

GROUP: Final = "sensor_gateway.drivers"
OURS: Final = "sensor-gateway"


class DriverUnknown(OperatorError):
    """There is no driver of this name."""

    def __init__(self, name: str) -> None:
        """Say which name."""
        self.name = name
        super().__init__(f"there is no driver {name}")


class DriverBroken(OperatorError):
    """A driver is installed and cannot be used. ``origin`` is who installed it, ``why`` what is wrong with it."""

    def __init__(self, name: str, origin: str, why: str) -> None:
        """Say which one, and what is wrong."""
        self.name = name
        self.origin = origin
        self.why = why
        super().__init__(f"driver {name} of {origin} cannot be used: {why}")


class DriverCatalogue:
    """Drivers by the names that users write. A name that two packages offer is ours, else that of the first by name."""

    def __init__(self, found: Iterable[EntryPoint] | None = None) -> None:
        """``found`` stands in for the entry points of this environment, which are read when first needed."""
        self._found = found
        self._entries: dict[str, EntryPoint] | None = None
        self._specs: dict[str, DriverSpec | DriverBroken] = {}

    def names(self) -> tuple[str, ...]:
        """What can be written behind ``driver:``, sorted. Nothing is loaded for it."""
        return tuple(sorted(self._read()))

    def spec(self, name: str) -> DriverSpec:
        """The driver of that name. DriverUnknown, or DriverBroken where it cannot be loaded or breaks the contract.

        Ctrl-C while it is loaded passes, and nothing is kept.
        """
        if name not in self._specs:
            self._specs[name] = self._load(name)
        found = self._specs[name]
        if isinstance(found, DriverBroken):
            raise DriverBroken(found.name, found.origin, found.why)
        return found

    def origin(self, name: str) -> str:
        """Who installed it: distribution, version and module. DriverUnknown for a name that is not there."""
        return _origin(self._entry(name))

    def _read(self) -> dict[str, EntryPoint]:
        if self._entries is None:
            found = entry_points(group=GROUP) if self._found is None else self._found
            entries: dict[str, EntryPoint] = {}
            for entry in found:
                rival = entries.get(entry.name)  # rare: asking for precedence reads the metadata of a distribution
                if rival is None or _precedence(entry) < _precedence(rival):
                    entries[entry.name] = entry
            self._entries = entries
        return self._entries

    def _entry(self, name: str) -> EntryPoint:
        try:
            return self._read()[name]
        except KeyError:
            raise DriverUnknown(name) from None

    def _load(self, name: str) -> DriverSpec | DriverBroken:
        entry = self._entry(name)
        try:
            spec = entry.load()
            why = _objection(name, spec)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # noqa: BLE001 - a driver may do anything when it is imported
            why = f"{type(error).__name__}: {message_of(error)}"
        if why:
            return DriverBroken(name, _origin(entry), why)
        checked: DriverSpec = spec
        return checked


def _precedence(entry: EntryPoint) -> tuple[bool, str]:
    distribution = "" if entry.dist is None else entry.dist.name
    return distribution != OURS, distribution


def _origin(entry: EntryPoint) -> str:
    module = entry.value.partition(":")[0]
    return module if entry.dist is None else f"{entry.dist.name} {entry.dist.version} ({module})"


def _objection(name: str, spec: object) -> str:
    """What about ``spec`` breaks the contract; empty for nothing."""
    if not isinstance(spec, DriverSpec):
        return f"its entry point is no DriverSpec, but {spec!r:.100}"
    if spec.contract != CONTRACT_VERSION:
        return f"it is for version {spec.contract} of the driver contract, and this gateway has {CONTRACT_VERSION}"
    # Whatever the types promise: strangers wrote it.
    bus: object = spec.bus
    options: object = spec.options
    functions: tuple[object, ...] = (spec.create, spec.replay)
    objections = (
        "" if name in spec.variants else f"it has no variant {name}, only {', '.join(map(str, spec.variants))}",
        "" if isinstance(bus, BusKind) else f"its bus {bus!r:.100} is none of {', '.join(BusKind)}",
        "" if isinstance(options, type) and is_dataclass(options) else "its options are no dataclass",
        "" if all(map(callable, functions)) else "create and replay must be functions",
        *(_objection_to(key, spec) for key in spec.variants),
    )
    return next(filter(None, objections), "")


def _objection_to(key: str, spec: DriverSpec) -> str:
    variant: object = spec.variants[key]
    if not isinstance(variant, Variant):
        return f"its variant {key} is no Variant"
    if not all(isinstance(channel, Channel) for channel in variant.channels):
        return f"its variant {key} has channels that are no Channel"
    names: list[object] = [channel.name for channel in variant.channels]
    for channel in names:
        if not (isinstance(channel, str) and is_level(channel)):
            return (
                f"its variant {key} has a channel {channel!r:.80}, which cannot stand in a topic (a-z, 0-9, _ and -, "
                f"at most {MAX_LENGTH} of them)"
            )
    if len(set(names)) < len(names):
        return f"its variant {key} has two channels of one name"
    if spec.channels_of is None and not names:
        return f"its variant {key} has no channels"
    return ""
