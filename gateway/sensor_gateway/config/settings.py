"""The configuration file, section by section: this page is its manual.

One dataclass per YAML section, with the same names and nesting; each field carries its meaning, and its default
where it has one. The decoder, the JSON Schema and ``config show`` are made from this page.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, Final, Literal, TypeAlias

from sensor_gateway.changes.filters import FilterSpec
from sensor_gateway.changes.rules import Deadband
from sensor_gateway.config.commands import CommandsSection
from sensor_gateway.config.values.broker_url import BrokerUrl
from sensor_gateway.config.values.notation import Mark, Within
from sensor_gateway.config.values.secret import Secret, SecretFile
from sensor_gateway.config.values.units import Hertz
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
class TlsSection:
    """Encryption towards the broker. The system's certificates are trusted unless ``ca_file`` names others."""

    ca_file: Annotated[Path | None, "Certificates of the authorities to trust, in PEM."] = None
    cert_file: Annotated[Path | None, "Certificate of this client, in PEM, for brokers that ask for one."] = None
    key_file: Annotated[Path | None, "Private key that belongs to cert_file, in PEM."] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MqttSection:
    """The broker that all events go to."""

    url: Annotated[BrokerUrl, "mqtt://host or mqtts://host, with :port where it is not 1883 or 8883."]
    username: Annotated[str | None, "User name, for brokers that ask for one."] = None
    password_file: Annotated[
        SecretFile | None,
        "Name of the password's credential (systemd), else a file beside this one that nobody else can read.",
    ] = None
    password: Annotated[Secret | None, "The password itself; allowed only in a file that nobody else can read."] = None
    tls: Annotated[
        TlsSection | None, "Encryption; on where the address says mqtts://, and only there.", Mark.FALSE_IS_NONE
    ] = None
    topic_prefix: Annotated[str, "First levels of every topic.", Mark.TOPIC] = "sensors/v1"
    client_id: Annotated[str | None, "MQTT client id; by default the gateway's id and random digits, kept."] = None
    version: Annotated[
        Literal["auto", "5", "3.1.1"], "Protocol version; auto tries 5 first and falls back to 3.1.1."
    ] = "auto"
    keepalive: Annotated[Seconds, "Longest silence on the connection.", Within(5, 65535)] = Seconds(60.0)
    ack_timeout: Annotated[
        Seconds, "A message that the broker left unacknowledged for so long renews the connection.", Within(1, 3600)
    ] = Seconds(30.0)
    first_retry_spread: Annotated[
        Seconds,
        "Longest random wait before the first try, and before a renewal for new TLS files; later waits double from it.",
        Within(0, 86400),
    ] = Seconds(0.0)
    retry_max: Annotated[Seconds, "Longest wait between two tries to connect.", Within(1, 86400)] = Seconds(300.0)
    states: Annotated[bool, "Publish the newest event of each channel as a retained message too."] = True
    payload: Annotated[
        Literal["json", "value"], "What a state topic gets: json, the newest event; value, its number alone, or None."
    ] = "json"
    expiry: Annotated[bool, "Let retained messages expire where the broker can (MQTT 5)."] = True


@dataclass(frozen=True, slots=True, kw_only=True)
class HomeAssistantSection:
    """Home Assistant's MQTT discovery: every sensor appears there by itself. Needs the state topics."""

    form: Annotated[
        Literal["device", "single"],
        "device: one message for each device (Home Assistant 2024.11 and later); single: one for each entity.",
    ] = "device"
    discovery_prefix: Annotated[str, "First levels of the topics that Home Assistant listens to.", Mark.TOPIC] = (
        "homeassistant"
    )
    birth_topic: Annotated[
        str, "Where Home Assistant says that it has started; everything is announced again then.", Mark.TOPIC
    ] = "homeassistant/status"
    birth_payload: Annotated[str, "What it says there."] = "online"
    birth_spread: Annotated[
        Seconds,
        "After its start, wait a random time up to this, so that many gateways do not answer at once.",
        Within(0, 300),
    ] = Seconds(5.0)


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
    max_age: Annotated[Seconds, "Waiting events older than this are dropped.", Within(60, None)] = Seconds(2_592_000.0)
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
class I2cBusSection:
    """An I2C bus. ``i2c0``, ``i2c1`` and so on need no section of their own."""

    type: Annotated[Literal["i2c"], "An I2C bus of this computer."] = "i2c"
    path: Annotated[Path, "The device of the bus."]
    frequency: Annotated[
        Hertz,
        "The bus clock as the system set it (dtparam=i2c_arm_baudrate); only to judge whether the bus keeps up.",
        Within(1000, 5_000_000),
    ] = Hertz(100_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class SerialBusSection:
    """A serial port, with one talker or with several units on one line (RS-485)."""

    type: Annotated[Literal["serial"], "A serial port of this computer."] = "serial"
    port: Annotated[Path, "The device of the port; /dev/serial/by-id/... stays the same when plugs move."]
    baudrate: Annotated[int, "Bits per second.", Within(50, 4_000_000)] = 9600
    parity: Annotated[Literal["none", "even", "odd"], "Parity bit."] = "none"
    stopbits: Annotated[Literal[1, 2], "Stop bits."] = 1
    bytesize: Annotated[Literal[7, 8], "Data bits."] = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class LinuxBusSection:
    """Devices that the kernel measures with, read one after the other. ``linux`` and ``linux-NAME`` need no section."""

    type: Annotated[Literal["linux"], "Devices of this computer's kernel."] = "linux"


@dataclass(frozen=True, slots=True, kw_only=True)
class TcpBusSection:
    """A serial line behind a TCP port, whose bytes a device server passes on (ser2net, RTU over TCP)."""

    type: Annotated[Literal["tcp"], "A serial line behind a TCP port."] = "tcp"
    host: Annotated[str, "Address or name of the device server; an address needs no name server that answers."]
    port: Annotated[int, "The TCP port on which it waits.", Within(1, 65535)]
    connect_timeout: Annotated[Seconds, "Longest time to connect, look-up included.", Within(0.1, 30)] = Seconds(3.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class ModbusTcpBusSection:
    """A Modbus TCP server: a device with a network socket, or a gateway with units on a line behind it."""

    type: Annotated[Literal["modbus_tcp"], "A Modbus TCP server."] = "modbus_tcp"
    host: Annotated[str, "Address or name of the server; an address needs no name server that answers."]
    port: Annotated[int, "The TCP port on which it waits.", Within(1, 65535)] = 502
    connect_timeout: Annotated[Seconds, "Longest time to connect, look-up included.", Within(0.1, 30)] = Seconds(3.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedBusSection:
    """A bus in software, with chips that answer on the byte level."""

    type: Annotated[Literal["simulated"], "A bus in software."] = "simulated"
    kind: Annotated[Literal["i2c", "serial", "linux"], "The kind of bus it stands for."]
    seed: Annotated[int, "Another seed, other values.", Within(0, 2**63 - 1)] = 0
    scenario: Annotated[Path | None, "File that drives values over time and injects faults."] = None


BusSection: TypeAlias = (
    I2cBusSection | SerialBusSection | TcpBusSection | ModbusTcpBusSection | LinuxBusSection | SimulatedBusSection
)

BUS_TYPES: Final[Mapping[str, type]] = MappingProxyType(
    {
        "i2c": I2cBusSection,
        "serial": SerialBusSection,
        "tcp": TcpBusSection,
        "modbus_tcp": ModbusTcpBusSection,
        "linux": LinuxBusSection,
        "simulated": SimulatedBusSection,
    }
)
"""The sections of buses by what is written behind ``type:``."""


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
    buses: Annotated[
        Mapping[str, BusSection], "Serial ports and simulated buses; i2c0, i2c1 and so on are known without."
    ] = field(default_factory=dict)
    defaults: Annotated[DefaultsSection, "What a sensor does that says nothing else."] = DefaultsSection()
    sensors: Annotated[Mapping[str, SensorSection], "The sensors, by name."] = field(default_factory=dict)
