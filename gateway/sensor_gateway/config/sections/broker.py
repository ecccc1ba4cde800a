"""What concerns the broker: ``mqtt:``, and the sections ``home_assistant:`` and ``commands:`` of those behind it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from sensor_gateway.config.values.broker_url import BrokerUrl
from sensor_gateway.config.values.notation import Mark, Within
from sensor_gateway.config.values.secret import Secret, SecretFile
from sensor_gateway.model.units import Bytes, Seconds


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
class CommandsSection:
    """What may be asked of this gateway through the broker, and how much of it. Off unless ``allow`` names something.

    Whoever may publish on the command topics can use it: the broker's access list decides who that is.
    """

    allow: Annotated[
        tuple[Literal["read", "reload", "log-level"], ...],
        "Commands that are carried out; all others are refused. read: poll a sensor now; reload: read this file anew; "
        "log-level: log more for a while.",
    ] = ()
    per_minute: Annotated[
        int, "Most commands carried out in a minute; a sixth of them may come at once.", Within(1, 600)
    ] = 30
    max_size: Annotated[Bytes, "Largest request; a larger one is refused unread.", Within(64, 65_536)] = Bytes(4000)
