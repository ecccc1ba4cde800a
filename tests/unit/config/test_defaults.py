"""What is not written has the default that the documentation promises."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from sensor_gateway.changes.filters import (
    Clamp,
    ExponentialAverage,
    Linear,
    Median,
    MovingAverage,
    Multiply,
    Offset,
    Round,
    SkipInitial,
)
from sensor_gateway.changes.rules import Absolute, Relative
from sensor_gateway.config.loading import Loaded
from sensor_gateway.config.sections.broker import CommandsSection, TlsSection
from sensor_gateway.config.sections.buses import I2cBusSection, SerialBusSection, SimulatedBusSection
from sensor_gateway.config.settings import (
    ClockSection,
    Configuration,
    DefaultsSection,
    GatewaySection,
    OutboxSection,
    SensorSection,
)

Load = Callable[..., Loaded]


def whole(result: Loaded) -> Configuration:
    assert [str(fault) for fault in result.faults] == []
    assert result.configuration is not None
    return result.configuration


def sensor(loading: Load, text: str, rest: str = "") -> SensorSection:
    return whole(loading(f"{rest}\nsensors:\n  attic: {text}\n")).sensors["attic"]


@pytest.mark.parametrize(("written", "seconds"), [("10s", 10), ("1d", 86_400), ("5min", 300), ("false", None)])
def test_the_interval_of_health_messages_is_a_duration_or_false(loading: Load, written: str, seconds: int) -> None:
    configuration = whole(loading(f"gateway: {{health_interval: {written}}}\nmqtt: {{url: mqtt://h}}"))
    assert configuration.gateway.health_interval == seconds


def test_a_minimal_file_has_every_default(loading: Load) -> None:
    configuration = whole(loading("mqtt: {url: mqtt://h}", needs_broker=True))
    assert configuration.gateway == GatewaySection(
        id=None,
        label="",
        slack=0.05,  # type: ignore[arg-type]
        health_interval=60,  # type: ignore[arg-type]
    )
    assert configuration.clock == ClockSection(hold=60, source="auto")  # type: ignore[arg-type]
    assert configuration.outbox == OutboxSection(
        max_size=64_000_000,  # type: ignore[arg-type]
        max_age=30 * 86400,  # type: ignore[arg-type]
        keep_free=100_000_000,  # type: ignore[arg-type]
        when_full="drop_oldest",
        durability="spill",
        spill_after=5,  # type: ignore[arg-type]
        flush_every=5,  # type: ignore[arg-type]
        drain_rate=500,
        hold_when_no_subscriber=False,
        hot_directory=None,
    )
    assert configuration.defaults == DefaultsSection(interval=10, heartbeat=300)  # type: ignore[arg-type]
    mqtt = configuration.mqtt
    assert mqtt is not None
    assert (mqtt.keepalive, mqtt.ack_timeout, mqtt.retry_max, mqtt.first_retry_spread) == (60, 30, 300, 0)
    assert (mqtt.topic_prefix, mqtt.client_id, mqtt.version) == ("sensors/v1", None, "auto")
    assert mqtt.states
    assert mqtt.payload == "json"
    assert mqtt.expiry
    assert (mqtt.tls, mqtt.username, mqtt.password) == (None, None, None)


def test_mqtts_means_tls_and_mqtt_means_none(loading: Load) -> None:
    for text in ("{url: mqtts://h}", "{url: mqtts://h, tls: true}", "{url: mqtts://h, tls: {}}"):
        mqtt = whole(loading(f"mqtt: {text}")).mqtt
        assert mqtt is not None
        assert mqtt.tls == TlsSection()
    plain = whole(loading("mqtt: {url: mqtt://h, tls: false}")).mqtt
    assert plain is not None
    assert plain.tls is None


def test_a_sensor_takes_interval_and_heartbeat_from_the_defaults(loading: Load) -> None:
    attic = sensor(loading, "{driver: chip, bus: i2c1}", "defaults: {interval: 2s, heartbeat: false}")
    assert (attic.interval, attic.heartbeat) == (2, None)
    attic = sensor(loading, "{driver: chip, bus: i2c1, interval: 500ms, heartbeat: 1h}", "defaults: {heartbeat: 5s}")
    assert (attic.interval, attic.heartbeat) == (0.5, 3600)


def test_every_channel_of_the_driver_has_a_section_with_the_drivers_deadband(loading: Load) -> None:
    attic = sensor(loading, "{driver: chip, bus: i2c1, heartbeat: 1h, channels: {humidity: {heartbeat: false}}}")
    assert list(attic.channels) == ["temperature", "humidity"]
    assert attic.channels["temperature"].deadband == Absolute(by=0.1)
    assert attic.channels["temperature"].heartbeat == 3600
    assert attic.channels["humidity"].deadband == Absolute(by=0.5)
    assert attic.channels["humidity"].heartbeat is None


def test_the_address_is_the_chips_first_where_none_is_written(loading: Load) -> None:
    assert sensor(loading, "{driver: chip, bus: i2c1}").address == 0x44
    assert sensor(loading, "{driver: chip, bus: i2c1, address: 0x45}").address == 0x45
    assert sensor(loading, "{driver: chip2, bus: i2c1}").address == 0x46


def test_an_address_outside_the_list_is_only_a_warning(loading: Load) -> None:
    result = loading("sensors: {attic: {driver: chip, bus: i2c1, address: 0x22}}")
    assert whole(result).sensors["attic"].address == 0x22
    assert [str(warning) for warning in result.warnings] == [
        "gateway.yaml:1:53 sensors.attic.address: 0x22 is no address of chip; expected 0x44 or 0x45"
    ]


def test_every_numbered_i2c_bus_is_known(loading: Load) -> None:
    configuration = whole(loading("sensors: {attic: {driver: chip, bus: i2c13}}"))
    bus = configuration.buses["i2c13"]
    assert isinstance(bus, I2cBusSection)
    assert (str(bus.path), bus.frequency) == ("/dev/i2c-13", 100_000)


def test_declared_buses_keep_what_is_written(loading: Load) -> None:
    buses = whole(
        loading(
            """
buses:
  i2c1: {frequency: 400kHz}
  outside: {type: i2c, path: /dev/i2c-7}
  rs485: {type: serial, port: /dev/ttyUSB0}
  game: {type: simulated, kind: serial, seed: 3, scenario: /x.yaml}
"""
        )
    ).buses
    i2c1, outside, rs485, game = buses.values()
    assert isinstance(i2c1, I2cBusSection)
    assert (str(i2c1.path), i2c1.frequency) == ("/dev/i2c-1", 400_000)
    assert isinstance(outside, I2cBusSection)
    assert str(outside.path) == "/dev/i2c-7"
    assert isinstance(rs485, SerialBusSection)
    assert (rs485.baudrate, rs485.parity, rs485.stopbits, rs485.bytesize) == (9600, "none", 1, 8)
    assert isinstance(game, SimulatedBusSection)
    assert (game.kind, game.seed, str(game.scenario)) == ("serial", 3, "/x.yaml")


def test_options_of_the_driver_stand_beside_the_keys_of_every_sensor(loading: Load) -> None:
    attic = sensor(loading, "{driver: chip, bus: i2c1, oversampling: 4, label: Attic}")
    assert attic.options.oversampling == 4
    assert attic.options.mode == "fine"
    assert attic.label == "Attic"


def test_options_of_every_type(loading: Load) -> None:
    options = sensor(
        loading,
        '{driver: talker, bus: p, pattern: "T=(.*)", columns: [a, b], window: [1, 2], buffer: 1KiB, silence: 5s, '
        "either: 3, names: {x: 1}, log: /tmp/x}",
        "buses: {p: {type: serial, port: /dev/ttyS0}}",
    ).options
    assert (options.pattern, options.columns, options.window) == ("T=(.*)", ("a", "b"), (1.0, 2))
    assert (options.buffer, options.silence, options.either) == (1024, 5, 3)
    assert (options.names, str(options.log)) == ({"x": 1}, "/tmp/x")  # noqa: S108 - not opened


def test_channels_may_be_made_by_options(loading: Load) -> None:
    meter = sensor(
        loading,
        "{driver: meter, bus: rs485, unit: 7, registers: {flow: {register: 1, scale: 0.1}}}",
        "buses: {rs485: {type: serial, port: /dev/ttyUSB0}}",
    )
    assert list(meter.channels) == ["flow"]
    assert (meter.unit, meter.address) == (7, 0)


def test_a_deadband_is_a_number_or_a_part_with_a_floor(loading: Load) -> None:
    channels = sensor(
        loading,
        "{driver: chip, bus: i2c1, channels: {temperature: {deadband: 0},"
        " humidity: {deadband: {relative: 2.5%, at_least: 1}}}}",
    ).channels
    assert channels["temperature"].deadband == Absolute(by=0)
    assert channels["humidity"].deadband == Relative(fraction=0.025, at_least=1)


def test_filters_keep_the_order_in_which_they_are_written(loading: Load) -> None:
    text = """
      - median: 5
      - moving_average: 3
      - exponential_average: 0.5
      - offset: -0.3
      - multiply: 2
      - linear: [[0, 1], [10, 12]]
      - clamp: {min: -5, max: 5}
      - round: 1
      - skip_initial: 2
"""
    attic = whole(
        loading(
            "sensors:\n  attic:\n    driver: chip\n    bus: i2c1\n    channels:\n     temperature:\n      filters:"
            + text
        )
    ).sensors["attic"]
    assert attic.channels["temperature"].filters == (
        Median(n=5),
        MovingAverage(n=3),
        ExponentialAverage(alpha=0.5),
        Offset(by=-0.3),
        Multiply(by=2),
        Linear(points=((0, 1), (10, 12))),
        Clamp(low=-5, high=5),
        Round(digits=1),
        SkipInitial(n=2),
    )


@pytest.mark.parametrize("version", ["auto", "'5'"])
def test_events_can_be_held_for_a_subscriber_where_mqtt_5_may_be_spoken(loading: Load, version: str) -> None:
    text = f"mqtt: {{url: mqtt://h, version: {version}}}\noutbox: {{hold_when_no_subscriber: true}}"
    configuration = whole(loading(text))
    assert configuration.outbox.hold_when_no_subscriber


@pytest.mark.parametrize("text", ["yes", "1", "'true'", "[]"])
def test_a_truth_value_is_true_or_false_only(loading: Load, text: str) -> None:
    assert "expected true or false" in str(loading(f"outbox: {{hold_when_no_subscriber: {text}}}").faults[0])


def test_a_relative_path_starts_at_the_file_it_is_written_in(loading: Load) -> None:
    mqtt = whole(loading("mqtt: {url: mqtts://h, tls: {ca_file: ca.pem}}")).mqtt
    assert mqtt is not None
    assert mqtt.tls is not None
    assert mqtt.tls.ca_file is not None
    assert mqtt.tls.ca_file.is_absolute()


def test_nothing_may_be_asked_unless_it_is_written(loading: Load) -> None:
    assert whole(loading("")).commands == CommandsSection(allow=(), per_minute=30, max_size=4000)  # type: ignore[arg-type]
    assert whole(loading("commands: {}")).commands == CommandsSection()


def test_what_may_be_asked_is_read(loading: Load) -> None:
    text = "commands: {allow: [log-level, read], per_minute: 6, max_size: 1kB}"
    commands = whole(loading(text)).commands
    assert (commands.allow, commands.per_minute, commands.max_size) == (("log-level", "read"), 6, 1000)


@pytest.mark.parametrize(
    ("mqtt", "is_warned"),
    [
        ("{url: mqtt://h}", True),
        ("{url: mqtts://h}", True),
        ("{url: mqtt://h, username: greenhouse}", False),
        ("{url: mqtts://h, tls: {cert_file: a.pem, key_file: b.pem}}", False),
    ],
)
def test_commands_on_a_broker_that_asks_nobody_who_he_is_are_warned_of(
    loading: Load, mqtt: str, *, is_warned: bool
) -> None:
    result = loading(f"mqtt: {mqtt}\ncommands: {{allow: [read]}}")
    whole(result)
    places = [str(warning).partition(": ")[0] for warning in result.warnings]
    assert places == (["gateway.yaml:2:19 commands.allow"] if is_warned else [])
    assert not loading(f"mqtt: {mqtt}").warnings


def test_what_a_section_asks_of_the_broker_is_told_by_its_key_as_written(loading: Load) -> None:
    found = loading("mqtt: {url: mqtt://localhost}\ncomands: {allow: [read]}\n")
    (warning,) = found.warnings
    assert (warning.line, warning.path) == (2, "comands.allow")
    found = loading("mqtt: {url: mqtt://h, version: '3.1.1'}\noutbx: {hold_when_no_subscriber: true}\n")
    assert "outbx.hold_when_no_subscriber" in {fault.path for fault in found.faults}
