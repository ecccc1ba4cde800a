"""The words of neighbours, and what they are called here: keys, filters and values.

The tables know the configuration languages of ESPHome, zigbee2mqtt, Telegraf and Home Assistant.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

FOREIGN: Final = MappingProxyType(
    {
        # Home Assistant
        "platform": ("driver", "type"),
        "scan_interval": ("interval",),
        "friendly_name": ("label",),
        "suggested_area": ("area",),
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
        "port": ("url", "bus"),
        # other tools and habits
        "prometheus": ("metrics",),
        "prometheus_client": ("metrics",),
        "exporter": ("metrics",),
        "bind": ("host",),
        "listen": ("host", "port"),
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
        "calibrate_polynomial": "`linear` takes any number of points: `linear: [[raw, true], [raw, true]]`",
        "lambda": "only the listed filters exist; subscribers compute the rest",
    }
)
"""What is a filter elsewhere, and a key or nothing at all here."""

ELSEWHERE: Final = MappingProxyType(
    {
        "qos": "events always travel at QoS 1, states at QoS 0; remove it",
        "retain": "states are retained, events are not; remove it",
        "discovery": "Home Assistant discovery is turned on with `home_assistant: true`",
        "discovery_prefix": "it is a key of Home Assistant's section: home_assistant: {discovery_prefix: NAME}",
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
        "devices": "a device is a file of its own, devices/NAME.yaml; a sensor names it with device: NAME",
        "log_level": "the journal holds what matters; remove it",
    }
)
"""Words that have no key here, with what to do."""

LATER: Final = frozenset(
    {
        "destinations",
        "historian",
        "status_page",
        "sparkplug",
        "standby",
    }
)
"""Keys of a later release."""

FORMS: Final = MappingProxyType(
    {
        "accuracy_decimals": "filters: [{round: N}]",
        "precision": "filters: [{round: N}]",
        "calibration": "filters: [{offset: N}]",
        "port": "url: mqtt://HOST:PORT",
    }
)
"""How a neighbour's word is written, where our key alone does not say it."""

FOREIGN_VALUES: Final = MappingProxyType(
    {
        # quantities
        "co2": "carbon_dioxide",
        "lux": "illuminance",
        "light": "illuminance",
        "temp": "temperature",
        # function codes of Modbus
        "3": "holding",
        "4": "input",
        "0x03": "holding",
        "0x04": "input",
        "read": "input",
        # types of registers
        **dict.fromkeys(("float", "float32", "fp32", "real", "float32-ieee"), "f32"),
        **dict.fromkeys(("int16", "i16", "short", "s_word"), "s16"),
        **dict.fromkeys(("uint16", "word", "u_word"), "u16"),
        **dict.fromkeys(("int32", "i32", "dint", "s_dword"), "s32"),
        **dict.fromkeys(("uint32", "dword", "u_dword"), "u32"),
    }
)
"""A neighbour's value, and the one of ours that it stands for where ours can be chosen."""
