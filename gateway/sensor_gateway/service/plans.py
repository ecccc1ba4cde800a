"""From a loaded configuration to what the other rooms are built with. Pure: values in, values out."""

from __future__ import annotations

from sensor_gateway.changes.rules import ChangeRules
from sensor_gateway.config.sections.broker import MqttSection, TlsSection
from sensor_gateway.config.sections.buses import ModbusTcpBusSection, SerialBusSection, TcpBusSection
from sensor_gateway.config.settings import Configuration, OutboxSection, SensorSection
from sensor_gateway.model.channel import Channel, Source
from sensor_gateway.model.driver_spec import DriverSpec
from sensor_gateway.model.units import Seconds
from sensor_gateway.outbox.settings import Durability, OutboxSettings, WhenFull
from sensor_gateway.publishing.meta import Labels
from sensor_gateway.publishing.settings import BrokerSettings, StreamSettings, TlsSettings
from sensor_gateway.sensing.catalogue import DriverCatalogue
from sensor_gateway.sensing.plan import ChannelPlan, SensorPlan
from sensor_gateway.sensing.serial_port import PortSettings
from sensor_gateway.sensing.tcp.line import TcpSettings


def sensor_plans(configuration: Configuration, catalogue: DriverCatalogue) -> tuple[SensorPlan, ...]:
    """What to read, in the order of the file. The drivers were found when the file was loaded."""
    return tuple(_sensor_plan(section, catalogue.spec(section.driver)) for section in configuration.sensors.values())


def channels_of(section: SensorSection, spec: DriverSpec) -> tuple[Channel, ...]:
    """The channels that a sensor delivers: its options' where these make them, else its variant's."""
    if spec.channels_of is not None:
        return spec.channels_of(section.options)
    return spec.variants[section.driver].channels


def _sensor_plan(section: SensorSection, spec: DriverSpec) -> SensorPlan:
    return SensorPlan(
        name=section.name,
        spec=spec,
        variant=section.driver,
        options=section.options,
        address=section.number,
        interval_s=section.interval,
        channels=tuple(_channel_plan(section, channel) for channel in channels_of(section, spec)),
    )


def _channel_plan(section: SensorSection, channel: Channel) -> ChannelPlan:
    wanted = section.channels[channel.name]
    rules = ChangeRules(
        deadband=wanted.deadband,
        heartbeat_ms=None if wanted.heartbeat is None else _ms(wanted.heartbeat),
        at_most_ms=_ms(wanted.at_most),
        interval_ms=_ms(section.interval),
        filters=wanted.filters,
    )
    source = Source(sensor=section.name, channel=channel)
    return ChannelPlan(source=source, rules=rules, is_published=wanted.publish)


def port_settings(section: SerialBusSection) -> PortSettings:
    """How a serial port is opened."""
    return PortSettings(
        port=str(section.port),
        baudrate=section.baudrate,
        parity=section.parity,
        stopbits=section.stopbits,
        bytesize=section.bytesize,
    )


def tcp_settings(section: TcpBusSection | ModbusTcpBusSection) -> TcpSettings:
    """How a TCP connection is made."""
    return TcpSettings(host=section.host, port=section.port, connect_timeout_s=section.connect_timeout)


def _ms(duration: Seconds) -> int:
    return round(duration * 1000)


def broker_settings(section: MqttSection, *, client_id: str) -> BrokerSettings:
    """How the broker is reached."""
    tls = section.tls or TlsSection()
    return BrokerSettings(
        host=section.url.host,
        port=section.url.port,
        client_id=client_id,
        tls=TlsSettings(ca_file=tls.ca_file, certificate_file=tls.cert_file, key_file=tls.key_file)
        if section.url.is_tls
        else None,
        username=section.username,
        password=None if section.password is None else section.password.reveal(),
        version=section.version,
        keepalive_s=section.keepalive,
        ack_timeout_s=section.ack_timeout,
        first_retry_spread_s=section.first_retry_spread,
        retry_max_s=section.retry_max,
        states=section.states,
        payload=section.payload,
        expiry=section.expiry,
    )


def outbox_settings(section: OutboxSection) -> OutboxSettings:
    """What the outbox may hold."""
    return OutboxSettings(
        max_size=section.max_size,
        max_age_s=section.max_age,
        keep_free=section.keep_free,
        when_full=WhenFull(section.when_full),
        durability=Durability(section.durability),
        spill_after_s=section.spill_after,
        flush_every_s=section.flush_every,
    )


def stream_settings(configuration: Configuration, section: MqttSection, *, gateway: str) -> StreamSettings:
    """Where the stream of events goes, and how fast."""
    return StreamSettings(
        gateway=gateway,
        topic_prefix=section.topic_prefix,
        drain_rate=configuration.outbox.drain_rate,
        spill_after_s=configuration.outbox.spill_after,
        clock_hold_s=configuration.clock.hold,
        hold_when_no_subscriber=configuration.outbox.hold_when_no_subscriber,
    )


def labels_of(configuration: Configuration) -> Labels:
    """The names for people."""
    sensors = configuration.sensors
    return Labels(
        gateway=configuration.gateway.label,
        sensors={name: sensor.label for name, sensor in sensors.items() if sensor.label},
        channels={
            (name, channel): wanted.label
            for name, sensor in sensors.items()
            for channel, wanted in sensor.channels.items()
            if wanted.label
        },
    )
