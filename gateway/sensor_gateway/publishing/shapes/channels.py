"""Every topic with what is published there: the table from which schemas and the AsyncAPI document are made."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from sensor_gateway.publishing.messages import Topics
from sensor_gateway.publishing.receiving.topic_filter import matches
from sensor_gateway.publishing.shapes.commands import REQUESTS, request_schema, response_schema
from sensor_gateway.publishing.shapes.events import stream_schema
from sensor_gateway.publishing.shapes.health import health_schema
from sensor_gateway.publishing.shapes.json_schema import Schema, standing_alone
from sensor_gateway.publishing.shapes.retained import availability_schema, meta_schema, state_schema, status_schema

JSON_TEXT: Final = "application/json"
PLAIN_TEXT: Final = "text/plain"
DEFAULT_PREFIX: Final = "sensors/v1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One kind of payload: its name, what it is, and what it looks like."""

    name: str
    title: str
    schema: Schema
    content_type: str = JSON_TEXT


@dataclass(frozen=True, slots=True, kw_only=True)
class MqttChannel:
    """One kind of topic. ``address`` holds ``{gateway}``, ``{sensor}``, ``{channel}``, ``{command}`` for any id.

    ``is_heard``: the gateway listens there, and answers on the channel ``response``.
    """

    name: str
    address: str
    summary: str
    messages: tuple[Message, ...]
    qos: int = 1
    retain: bool = True
    expires: bool = False
    is_heard: bool = False

    def matches(self, topic: str) -> bool:
        """Whether ``topic`` is one of these."""
        return matches(re.sub(r"\{\w+\}", "+", self.address), topic)


NUMBER: Final[Schema] = {
    "type": "string",
    "description": "The value as a decimal number, or None where there is no value (a fault, or too old).",
    "pattern": r"^(-?[0-9]+(\.[0-9]+)?(e[+-]?[0-9]+)?|None)$",
}
"""A state topic under ``mqtt.payload: value``: the text as a whole, which is no JSON string."""


STATUS: Final = Message(name="status", title="Status of a gateway", schema=status_schema())
AVAILABILITY: Final = Message(name="availability", title="Availability of a sensor", schema=availability_schema())
STATE: Final = Message(name="state", title="State of a channel", schema=state_schema())
BARE_STATE: Final = Message(
    name="number", title="State of a channel, with mqtt.payload: value", schema=NUMBER, content_type=PLAIN_TEXT
)
EVENTS: Final = Message(name="events", title="Events", schema=stream_schema())
META: Final = Message(name="meta", title="What a gateway is made of", schema=meta_schema())
HEALTH: Final = Message(name="health", title="Health of a gateway", schema=health_schema())
RESPONSE: Final = Message(name="response", title="Answer to a command", schema=response_schema())


def channels(prefix: str = DEFAULT_PREFIX) -> tuple[MqttChannel, ...]:
    """All topics below ``prefix``."""
    topics = Topics(prefix=prefix, gateway="{gateway}")
    return (
        MqttChannel(
            name="status",
            address=topics.status,
            summary="Whether the gateway is connected; also the topic of its last will.",
            messages=(STATUS,),
        ),
        MqttChannel(
            name="availability",
            address=topics.availability("{sensor}"),
            summary="Whether a sensor works, and why not.",
            messages=(AVAILABILITY,),
        ),
        MqttChannel(
            name="state",
            address=topics.state("{sensor}", "{channel}"),
            summary="The newest event of a channel, for whoever subscribes next. Expires (MQTT 5) when it is too old.",
            messages=(STATE, BARE_STATE),
            qos=0,
            expires=True,
        ),
        MqttChannel(
            name="events",
            address=topics.events,
            summary="The event stream: everything, in order, at least once.",
            messages=(EVENTS,),
            retain=False,
        ),
        MqttChannel(name="meta", address=topics.meta, summary="What the gateway is made of.", messages=(META,)),
        MqttChannel(
            name="health",
            address=topics.health,
            summary="Counters, states and alarms of the gateway; nothing with gateway.health_interval: false.",
            messages=(HEALTH,),
        ),
        *_commands(topics),
    )


def _commands(topics: Topics) -> tuple[MqttChannel, ...]:
    return (
        *(_command(topics, name) for name in REQUESTS),
        MqttChannel(
            name="response",
            address=topics.response("{command}"),
            summary="Answers to requests that named no response topic (MQTT 5) of their own.",
            messages=(RESPONSE,),
            retain=False,
        ),
    )


def _command(topics: Topics, name: str) -> MqttChannel:
    key, schema = name.replace("-", "_"), request_schema(name)
    return MqttChannel(
        name=f"command_{key}",
        address=topics.command(name),
        summary=f"{schema['description']} Heard where `commands.allow` has `{name}`.",
        messages=(Message(name=f"{key}_request", title=f"Request: {name}", schema=schema),),
        retain=False,
        is_heard=True,
    )


def json_messages() -> Iterator[Message]:
    """All that are JSON, each once."""
    for channel in channels():
        yield from (message for message in channel.messages if message.content_type == JSON_TEXT)


def schema_files() -> dict[str, Schema]:
    """The JSON Schema of each message by the name of its file."""
    return {
        f"{message.name}.schema.json": standing_alone(message.schema, name=message.name, title=message.title)
        for message in json_messages()
    }
