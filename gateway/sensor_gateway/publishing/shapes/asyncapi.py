"""The AsyncAPI 3.0 document: all topics, what is published there and how (MQTT bindings 0.2.0). Pure."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from sensor_gateway.publishing.messages import Program, last_will
from sensor_gateway.publishing.meta import SCHEMA_VERSION
from sensor_gateway.publishing.shapes.channels import DEFAULT_PREFIX, JSON_TEXT, Message, MqttChannel, channels
from sensor_gateway.publishing.shapes.json_schema import Schema

_BINDINGS: Final = "0.2.0"
_PARAMETERS: Final = MappingProxyType(
    {
        "gateway": "Id of the gateway (`gateway.id`), made of a-z, 0-9, _ and -.",
        "sensor": "Id of the sensor, made of a-z, 0-9, _ and -.",
        "channel": "Id of the channel, made of a-z, 0-9, _ and -.",
        "command": "Name of the command, as in the topic of its request.",
    }
)
_LIFETIME: Final[Schema] = {
    "type": "integer",
    "minimum": 1,
    "description": "Seconds that are left of three heartbeats (without a heartbeat: of ten intervals, and at least a "
    "minute), counted from the measurement. What takes a value back stays.",
}


def asyncapi_document(prefix: str = DEFAULT_PREFIX) -> Schema:
    """The document for gateways below ``prefix``."""
    all_channels = channels(prefix)
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "sensor-gateway",
            "version": f"{SCHEMA_VERSION}.0.0",
            "description": "What a sensor-gateway publishes, and what it can be asked. Payloads are UTF-8; every "
            "object is closed.",
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": JSON_TEXT,
        "servers": {"broker": _server(prefix)},
        "channels": {channel.name: _channel(channel) for channel in all_channels},
        "operations": {
            f"{'hear' if channel.is_heard else 'publish'}_{channel.name}": _operation(channel)
            for channel in all_channels
        },
        "components": {
            "messages": {message.name: _message(message) for channel in all_channels for message in channel.messages}
        },
    }


def _server(prefix: str) -> Schema:
    will = last_will(Program(instance="INSTANCE", version="VERSION")).decode()
    status = next(channel.address for channel in channels(prefix) if channel.name == "status")
    return {
        "host": "{host}:{port}",
        "protocol": "mqtt",
        "description": "The broker of `mqtt.url`; MQTT 5, or 3.1.1 where the broker speaks that alone.",
        "variables": {"host": {"default": "localhost"}, "port": {"default": "1883"}},
        "bindings": {
            "mqtt": {
                "cleanSession": True,
                "keepAlive": 60,
                "lastWill": {"topic": status, "qos": 1, "message": will, "retain": True},
                "bindingVersion": _BINDINGS,
            }
        },
    }


def _channel(channel: MqttChannel) -> Schema:
    parameters = {
        name: {"description": description}
        for name, description in _PARAMETERS.items()
        if f"{{{name}}}" in channel.address
    }
    return {
        "address": channel.address,
        "summary": channel.summary,
        "parameters": parameters,
        "messages": {message.name: {"$ref": f"#/components/messages/{message.name}"} for message in channel.messages},
    }


def _operation(channel: MqttChannel) -> Schema:
    binding: Schema = {"qos": channel.qos, "retain": channel.retain, "bindingVersion": _BINDINGS}
    if channel.expires:
        binding["messageExpiryInterval"] = dict(_LIFETIME)
    reply: Schema = {"reply": {"channel": {"$ref": "#/channels/response"}}} if channel.is_heard else {}
    return {
        "action": "receive" if channel.is_heard else "send",
        "channel": {"$ref": f"#/channels/{channel.name}"},
        "summary": channel.summary,
        "messages": [{"$ref": f"#/channels/{channel.name}/messages/{message.name}"} for message in channel.messages],
        "bindings": {"mqtt": binding},
        **reply,
    }


def _message(message: Message) -> Schema:
    return {
        "name": message.name,
        "title": message.title,
        "contentType": message.content_type,
        "payload": message.schema,
    }
