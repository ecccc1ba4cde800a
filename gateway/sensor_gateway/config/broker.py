"""The ``mqtt:`` section, and what its keys mean together."""

from __future__ import annotations

import dataclasses
from typing import Final

from sensor_gateway.config.sections.broker import MqttSection, TlsSection
from sensor_gateway.config.text.faults import NOWHERE, Report
from sensor_gateway.config.text.nodes import NO_ENTRIES, MapNode, Node, ScalarNode, joined
from sensor_gateway.config.values.broker_url import BrokerUrl
from sensor_gateway.config.values.decoder import fields_of, read_section
from sensor_gateway.config.values.near_miss import meant_by

_SCHEME_OF: Final = {1883: "mqtt", 8883: "mqtts"}
"""The registered ports (IANA), and what is spoken there."""

_AWS: Final = (".amazonaws.com", ".amazonaws.com.cn")
_MOST_SLASHES_OF_AWS: Final = 7
_SLASHES_BEHIND_PREFIX: Final = 4
"""Of a state: gateway, kind, sensor, channel."""


def read_broker(node: Node, path: str, report: Report) -> MqttSection | None:
    """The section with encryption as its scheme says; None beside faults, those where its keys contradict included."""
    section = read_section(MqttSection, node, path, report)
    table = node if isinstance(node, MapNode) else MapNode(NO_ENTRIES, node.place)
    whole = section if isinstance(section, MqttSection) else None
    url = whole.url if whole else _url(table)
    if url is not None:
        _check_encryption(url, table, path, report)
        _check_port(url, table, path, report)
    _check_key_file(table, path, report)
    _check_password(table, path, report)
    if whole is None:
        return None
    if whole.password or whole.password_file:
        _check_clear_text(whole.url, table, path, report)
    _check_depth(whole, table, path, report)
    if whole.payload != "json" and not whole.states:
        entry = table.entries["payload"]
        report.warning(entry.node.place, joined(path, "payload"), "this is about states, and `states` is false")
    return dataclasses.replace(whole, tls=TlsSection()) if whole.url.is_tls and whole.tls is None else whole


def _url(table: MapNode) -> BrokerUrl | None:
    entry = table.entries.get("url")
    text = entry.node.value if entry and isinstance(entry.node, ScalarNode) else None
    try:
        return BrokerUrl.parse(text) if isinstance(text, str) else None
    except ValueError:
        return None


def _is_written(table: MapNode, key: str) -> bool:
    entry = table.entries.get(key)
    return entry is not None and not (isinstance(entry.node, ScalarNode) and entry.node.value is None)


def _fault(key: str, message: str, table: MapNode, path: str, report: Report) -> None:
    entry = table.entries.get(key)
    report.fault(entry.node.place if entry else table.place, joined(path, key), message)


def _check_encryption(url: BrokerUrl, table: MapNode, path: str, report: Report) -> None:
    node = table.entries["tls"].node if _is_written(table, "tls") else None
    wanted = isinstance(node, MapNode) or (isinstance(node, ScalarNode) and node.value is True)
    refused = isinstance(node, ScalarNode) and node.value is False
    if wanted and not url.is_tls:
        message = f"mqtt:// is not encrypted; expected `url: mqtts://{url.host}`, or no `tls:`"
        _fault("tls", message, table, path, report)
    if refused and url.is_tls:
        message = f"mqtts:// is encrypted; expected `url: mqtt://{url.host}`, or no `tls: false`"
        _fault("tls", message, table, path, report)


def _check_key_file(table: MapNode, path: str, report: Report) -> None:
    node = table.entries["tls"].node if "tls" in table.entries else None
    if isinstance(node, MapNode) and _is_written(node, "key_file") and not _is_written(node, "cert_file"):
        _fault("tls", "`key_file` without `cert_file`; expected both, or neither", table, path, report)


def _check_port(url: BrokerUrl, table: MapNode, path: str, report: Report) -> None:
    ours = "mqtts" if url.is_tls else "mqtt"
    usual = _SCHEME_OF.get(url.port, ours)
    if usual != ours:
        tls = "with" if usual == "mqtts" else "without"
        message = f"{ours}:// on port {url.port}, where brokers speak {tls} TLS; did you mean {usual}://{url.host}?"
        entry = table.entries.get("url")
        report.warning(entry.node.place if entry else NOWHERE, joined(path, "url"), message)


def _check_depth(section: MqttSection, table: MapNode, path: str, report: Report) -> None:
    """AWS IoT Core takes 7 slashes in a topic, and a state has four behind the prefix (its page of service quotas)."""
    slashes = section.topic_prefix.count("/") + _SLASHES_BEHIND_PREFIX
    if section.url.host.endswith(_AWS) and slashes > _MOST_SLASHES_OF_AWS:
        entry = table.entries.get("topic_prefix")
        message = (
            f"AWS takes at most {_MOST_SLASHES_OF_AWS} slashes in a topic, and those of states have {slashes}; "
            f"expected at most {_MOST_SLASHES_OF_AWS - _SLASHES_BEHIND_PREFIX} in the prefix"
        )
        report.warning(entry.node.place if entry else NOWHERE, joined(path, "topic_prefix"), message)


def _check_password(table: MapNode, path: str, report: Report) -> None:
    keys = [key for key in ("password", "password_file") if _is_written(table, key)]
    if len(keys) > 1:
        message = "both `password` and `password_file` are written; expected one of them"
        _fault("password", message, table, path, report)
    if keys and not _is_written(table, "username") and not _is_user_meant(table):
        _fault(keys[0], "a password without `username:`", table, path, report)


def _check_clear_text(url: BrokerUrl, table: MapNode, path: str, report: Report) -> None:
    key = next((key for key in ("password_file", "password") if _is_written(table, key)), None)
    if key is None or url.is_tls or url.is_loopback:
        return
    message = f"the password goes to {url.host} unencrypted, and all events too; expected `url: mqtts://{url.host}`"
    report.warning(table.entries[key].node.place, joined(path, key), message)


def _is_user_meant(table: MapNode) -> bool:
    fields = fields_of(MqttSection)
    return any(meant_by(key, fields) == "username" for key in table.entries if key not in fields)
