"""The configuration file, section by section: this page is its manual, with those of ``sections/``.

One dataclass per YAML section, with the same names and nesting; each field carries its meaning, and its default
where it has one. The decoder, the JSON Schema and ``config show`` are made from these pages.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

from sensor_gateway.changes.filters import FilterSpec
from sensor_gateway.changes.rules import Deadband
from sensor_gateway.config.sections.broker import CommandsSection, HomeAssistantSection, MqttSection
from sensor_gateway.config.sections.buses import BusSection
from sensor_gateway.config.sections.metrics import MetricsSection
from sensor_gateway.config.values.notation import Mark, Within
from sensor_gateway.model.units import Bytes, Seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewaySection:
    """This gateway among others."""

    id: Annotated[
        str | None,
        "Name of this gateway on every topic; the host name by default, taken once and kept in the state directory.",
        Mark.IDENTIFIER,
    ] = None
    label: Annotated[str, "Name for people, in any letters."] = ""
    area: Annotated[str, "Where it is, for Home Assistant: the area of its devices, where a sensor says no other."] = ""
    slack: Annotated[
        Seconds, "What falls due within this time is read in one wake-up; more slack, fewer wake-ups.", Within(0, 1)
    ] = Seconds(0.05)
    health_interval: Annotated[
        Seconds | None,
        "Longest time between two health messages; false for none.",
        Mark.FALSE_IS_NONE,
        Within(10, 86400),
    ] = Seconds(60.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockSection:
    """The wall clock, which a Raspberry Pi does not have until the network tells it."""

    hold: Annotated[
        Seconds,
        "After a start, hold events back for so long while the clock is not set, so that they get their right time.",
        Within(0, 86400),
    ] = Seconds(60.0)
    source: Annotated[
        Literal["auto", "timesyncd", "chrony", "adjtimex", "rtc", "assume"],
        "Who tells that the clock is set: auto asks systemd-timesyncd, else chronyd, else a plausible year will do; "
        "rtc trusts a clock with a battery, adjtimex the kernel, assume everything.",
    ] = "auto"


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxSection:
    """What happens to events that the broker has not acknowledged yet."""

    max_size: Annotated[Bytes, "Most that waiting events may take on the disk.", Within(4 * 1024**2, None)] = Bytes(
        64_000_000
    )
    max_age: Annotated[
        Seconds,
        "Waiting events older than this are dropped: in memory one by one, on the disk by whole segments of 1 MiB, "
        "each when the newest event in it is older. So a backlog that fits into one segment stays while new events "
        "join it.",
        Within(60, None),
    ] = Seconds(2_592_000.0)
    keep_free: Annotated[Bytes, "Stop growing when the disk has less than this left.", Within(0, None)] = Bytes(
        100_000_000
    )
    when_full: Annotated[
        Literal["drop_oldest", "drop_newest"], "Which events are given up at a limit; each loss is announced."
    ] = "drop_oldest"
    durability: Annotated[
        Literal["spill", "always", "memory"],
        "spill: to the disk when an event waits longer than spill_after; always: at once; memory: never.",
    ] = "spill"
    spill_after: Annotated[Seconds, "An event unacknowledged for so long goes to the disk.", Within(0, 3600)] = Seconds(
        5.0
    )
    flush_every: Annotated[Seconds, "Shortest time between two writes to the disk.", Within(0.1, 3600)] = Seconds(5.0)
    drain_rate: Annotated[int, "Most events per second out of a backlog; 0 is no limit.", Within(0, None)] = 500
    hold_when_no_subscriber: Annotated[
        bool,
        "Count an event that no subscriber received as not delivered, and wait for one; the limits still apply. Needs "
        "MQTT 5: the stream stays held on a broker that speaks 3.1.1 only.",
    ] = False
    hot_directory: Annotated[
        Path | None, "Directory in memory that outlives this process; by default the service's runtime directory."
    ] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DefaultsSection:
    """What a sensor does that says nothing else."""

    interval: Annotated[Seconds, "Time between two measurements of a sensor.", Within(0.01, 86400)] = Seconds(10.0)
    heartbeat: Annotated[
        Seconds | None,
        "Longest silence of a channel: then its value is published again, changed or not; false for never.",
        Mark.FALSE_IS_NONE,
        Within(0.1, 2_592_000),
    ] = Seconds(300.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelSection:
    """How one channel of a sensor is published. Loading fills in the driver's and the sensor's defaults."""

    publish: Annotated[bool, "Whether this channel is published at all."] = True
    label: Annotated[str, "Name for people, in any letters."] = ""
    deadband: Annotated[
        Deadband,
        "How far the value moves before it is news, in the channel's unit; by default the driver's. "
        "Or a mapping: `relative: 2%` of the last published value, and never less than `at_least`.",
    ]
    at_most: Annotated[Seconds, "Shortest time between two events of this channel.", Within(0, 86400)] = Seconds(0.0)
    heartbeat: Annotated[
        Seconds | None,
        "Longest silence of this channel; by default the sensor's; false for never.",
        Mark.FALSE_IS_NONE,
        Within(0.1, 2_592_000),
    ]
    filters: Annotated[
        tuple[FilterSpec, ...],
        "Applied in this order before the deadband: median, moving_average, exponential_average, offset, multiply, "
        "linear, clamp, round, skip_initial.",
    ] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SensorSection:
    """One sensor. The driver's own options stand beside these keys (``sensor-gateway drivers NAME`` lists them).

    ``channels`` holds every channel of the driver once loaded, in the driver's order. What the kernel measures needs no
    ``bus``: it is read in a thread of its own, or in one with all that say ``bus: linux``.
    """

    name: Annotated[str, "Key of the sensor in `sensors:`, and its name on every topic.", Mark.NOT_WRITTEN]
    label: Annotated[str, "Name for people, in any letters."] = ""
    area: Annotated[str, "Where it is, for Home Assistant; by default that of the gateway."] = ""
    device: Annotated[
        str,
        "Name of a device file, which says the driver and all that is not said here (`sensor-gateway devices` lists "
        "them). (Loaded: empty; what it says is filled in.)",
    ] = ""
    driver: Annotated[str, "The name of the chip or protocol (`sensor-gateway drivers` lists them)."]
    bus: Annotated[str, "The bus it is connected to: i2c1, or a key of `buses:`."]
    address: Annotated[int, "I2C address, like 0x76; by default the chip's first. (Loaded: 0 on a serial line.)"] = 0
    unit: Annotated[
        int, "Number of a Modbus device: 1 to 247, on modbus_tcp 0 to 255. (Loaded: -1 without.)", Within(0, 255)
    ] = -1
    interval: Annotated[Seconds, "Time between two measurements; by default that of `defaults:`.", Within(0.01, 86400)]
    heartbeat: Annotated[
        Seconds | None,
        "Longest silence of its channels; by default that of `defaults:`; false for never.",
        Mark.FALSE_IS_NONE,
        Within(0.1, 2_592_000),
    ]
    channels: Annotated[Mapping[str, ChannelSection], "How its channels are published, where defaults do not fit."]
    options: Annotated[Any, "The driver's own options.", Mark.NOT_WRITTEN]

    @property
    def number(self) -> int:
        """By which it is told from others on its bus: the I2C address or the Modbus unit; 0 where it has neither."""
        return self.unit if self.unit >= 0 else self.address


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """A whole configuration, every default filled in.

    ``buses`` holds the undeclared buses too that sensors use. ``mqtt`` is None only where the caller said
    that no broker is needed.
    """

    gateway: Annotated[GatewaySection, "This gateway among others."] = GatewaySection()
    mqtt: Annotated[MqttSection | None, "The broker that all events go to."] = None
    home_assistant: Annotated[
        HomeAssistantSection | None,
        "Announce every sensor to Home Assistant; true, or a mapping where its defaults do not fit.",
        Mark.FALSE_IS_NONE,
    ] = None
    clock: Annotated[ClockSection, "The wall clock."] = ClockSection()
    outbox: Annotated[OutboxSection, "Events that the broker has not acknowledged yet."] = OutboxSection()
    commands: Annotated[CommandsSection, "What may be asked through the broker."] = CommandsSection()  # noqa: RUF009
    metrics: Annotated[
        MetricsSection | None,
        "A port for Prometheus; true, or a mapping where its defaults do not fit.",
        Mark.FALSE_IS_NONE,
    ] = None
    buses: Annotated[
        Mapping[str, BusSection], "Serial ports and simulated buses; i2c0, i2c1 and so on are known without."
    ] = field(default_factory=dict)
    defaults: Annotated[DefaultsSection, "What a sensor does that says nothing else."] = DefaultsSection()
    sensors: Annotated[Mapping[str, SensorSection], "The sensors, by name."] = field(default_factory=dict)
