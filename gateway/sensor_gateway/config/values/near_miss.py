"""Words that people write instead of ours: typing errors, and the words of neighbours.

The tables know the configuration languages of ESPHome, zigbee2mqtt, Telegraf and Home Assistant.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from types import MappingProxyType
from typing import Final

FOREIGN: Final = MappingProxyType(
    {
        # Home Assistant
        "platform": ("driver", "type"),
        "scan_interval": ("interval",),
        "friendly_name": ("label",),
        "name": ("label",),
        "unit_of_measurement": ("quantity",),
        "device_class": ("quantity",),
        "broker": ("url",),
        "host": ("url",),
        "user": ("username",),
        "certificate": ("ca_file", "tls"),
        "client_cert": ("cert_file", "tls"),
        "client_key": ("key_file", "tls"),
        "protocol": ("version",),
        "hub": ("bus",),
        "slave": ("unit",),
        "device_address": ("unit", "address"),
        "data_type": ("type",),
        "input_type": ("function",),
        "swap": ("order",),
        "i2c_address": ("address",),
        "i2c_bus_number": ("bus",),
        "sensor": ("sensors",),
        # ESPHome
        "esphome": ("gateway",),
        "update_interval": ("interval",),
        "delta": ("deadband",),
        "throttle": ("at_most",),
        "debounce": ("at_most",),
        "i2c_id": ("bus",),
        "uart_id": ("bus",),
        "modbus_id": ("bus",),
        "i2c": ("buses",),
        "uart": ("buses",),
        "modbus": ("buses",),
        "register_type": ("function",),
        "value_type": ("type",),
        "baud_rate": ("baudrate",),
        "data_bits": ("bytesize",),
        "stop_bits": ("stopbits",),
        "reboot_timeout": ("ack_timeout",),
        "accuracy_decimals": ("filters",),
        "internal": ("publish",),
        # zigbee2mqtt
        "server": ("url",),
        "base_topic": ("topic_prefix",),
        "ca": ("ca_file", "tls"),
        "cert": ("cert_file", "tls"),
        "key": ("key_file", "tls"),
        "precision": ("filters",),
        "calibration": ("filters",),
        "disabled": ("publish",),
        # Telegraf
        "servers": ("url",),
        "agent": ("gateway",),
        "inputs": ("sensors",),
        "outputs": ("mqtt",),
        "flush_interval": ("flush_every",),
        "metric_buffer_limit": ("max_size",),
        "collection_jitter": ("slack",),
        "round_interval": ("slack",),
        "hostname": ("id",),
        "tls_ca": ("ca_file", "tls"),
        "tls_cert": ("cert_file", "tls"),
        "tls_key": ("key_file", "tls"),
        "slave_id": ("unit",),
        "controller": ("bus", "port"),
        "byte_order": ("order",),
        "name_override": ("label",),
        "alias": ("label",),
        "keep_alive": ("keepalive",),
        # other tools and habits
        "hysteresis": ("deadband",),
        "threshold": ("deadband",),
        "min_change": ("deadband",),
        "report_on_change": ("deadband",),
        "period": ("interval",),
        "poll_interval": ("interval",),
        "sample_interval": ("interval",),
        "min_interval": ("at_most",),
        "max_interval": ("heartbeat",),
        "expire_after": ("heartbeat",),
        "device_path": ("port", "path"),
        "tty": ("port",),
        "speed": ("baudrate", "frequency"),
        "bus_number": ("bus",),
        "chip": ("driver",),
        "model": ("driver",),
        "filter": ("filters",),
        "title": ("label",),
        "description": ("label",),
        "enabled": ("publish",),
        "loop": ("seed",),
        "state_topic": ("topic_prefix",),
        "topic": ("topic_prefix",),
        "prefix": ("topic_prefix",),
        "ssl": ("tls",),
        "bits": ("bytesize",),
        "logger": ("gateway",),
    }
)
"""A neighbour's word, and our keys that may be meant by it."""

FOREIGN_FILTERS: Final = MappingProxyType(
    {
        "sliding_window_moving_average": "moving_average",
        "throttle_average": "moving_average",
        "exponential_moving_average": "exponential_average",
        "lowpass": "exponential_average",
        "calibrate_linear": "linear",
        "calibrate_polynomial": "linear",
        "map_linear": "linear",
        "scale": "multiply",
        "calibration": "offset",
        "range": "clamp",
        "precision": "round",
        "outlier": "median",
        "mean": "moving_average",
    }
)
"""A neighbour's filter, and ours."""

MOVED_FILTERS: Final = MappingProxyType(
    {
        "delta": "it is `deadband:` of the channel",
        "throttle": "it is `at_most:` of the channel",
        "debounce": "it is `at_most:` of the channel",
        "heartbeat": "it is `heartbeat:` of the channel",
        "lambda": "only the listed filters exist; subscribers compute the rest",
    }
)
"""What is a filter elsewhere, and a key or nothing at all here."""

ELSEWHERE: Final = MappingProxyType(
    {
        "qos": "events always travel at QoS 1, states at QoS 0; remove it",
        "retain": "states are retained, events are not; remove it",
        "discovery": "Home Assistant discovery comes with a later release; remove it for now",
        "discovery_prefix": "Home Assistant discovery comes with a later release; remove it for now",
        "birth_message": "the gateway publishes its status itself; remove it",
        "will_message": "the gateway publishes its status itself; remove it",
        "value_template": "values are published in one fixed form and subscribers convert; remove it",
        "substitutions": "an environment variable is written ${NAME}",
        "secrets": "a password stands in a file of its own: password_file: NAME",
        "include": "every file in conf.d/ beside this one is read without being named",
        "insecure_skip_verify": "a certificate is always verified; name its authority with tls: {ca_file: ...}",
        "tls_insecure": "a certificate is always verified; name its authority with tls: {ca_file: ...}",
        "reject_unauthorized": "a certificate is always verified; name its authority with tls: {ca_file: ...}",
        "unique_id": "the id of a channel is made of gateway, sensor and channel names; remove it",
        "log_level": "the journal holds what matters; remove it",
    }
)
"""Words that have no key here, with what to do."""

LATER: Final = frozenset(
    {
        "home_assistant",
        "destinations",
        "devices",
        "device",
        "commands",
        "historian",
        "status_page",
        "sparkplug",
        "standby",
    }
)
"""Keys of a later release."""


def meant_by(key: str, known: Collection[str]) -> str | None:
    """The one of ``known`` that is most likely meant by ``key``, a neighbour's word or a typing error."""
    foreign = next((ours for ours in FOREIGN.get(key.lower(), ()) if ours in known), None)
    return foreign or (None if key.lower() in ELSEWHERE else near_miss(key, known))


def unknown_key(key: str, known: Collection[str], meant: str | None) -> str:
    """The sentence about a key that does not exist among ``known``, and for which ``meant`` may be meant."""
    if key in LATER:
        return f"`{key}` comes with a later release; remove it for now"
    if meant is None and key.lower() in ELSEWHERE:
        return f"there is no key `{key}`: {ELSEWHERE[key.lower()]}"
    return f"unknown key `{_cut(key)}`; {expectation(key, known, meant)}"


def expectation(word: str, known: Collection[str], meant: str | None = None) -> str:
    """``did you mean X``, where there is a near miss, else what can be written."""
    meant = meant or near_miss(word, known)
    if meant:
        return f"did you mean `{meant}`?"
    if not known:
        return "expected nothing here; remove it"
    return f"expected one of {listed(known)}"


def near_miss(word: str, known: Iterable[str]) -> str | None:
    """The one of ``known`` that ``word`` is most like, if any is."""
    from difflib import get_close_matches  # noqa: PLC0415 - needed for faults only, and slow to import

    simple = {_simple(ours): ours for ours in known}
    written = _simple(word[:100])
    shuffled = next((ours for ours in simple if sorted(ours) == sorted(written)), None)
    found = [shuffled] if shuffled else get_close_matches(written, simple, n=1, cutoff=0.7)
    return simple[found[0]] if found else None


def listed(words: Iterable[str], most: int = 24) -> str:
    """``a, b, c``, cut where there are too many to read."""
    names = list(words)
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def _simple(word: str) -> str:
    return word.lower().replace("-", "_")


def _cut(word: str, most: int = 60) -> str:
    return word if len(word) <= most else f"{word[:most]}..."
