"""The brokers that are tried: what is installed where, its configuration, and the command that starts it."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from proving.brokers import installed
from proving.brokers.advised import advised_lines

HERE = Path(__file__).resolve().parent
EVENTS = "sensors/v1/greenhouse/events"


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """How one broker is to be set up.

    ``is_advised``: as docs/brokers.md advises. ``denies``: a topic that the gateway may not publish to.
    """

    folder: Path
    port: int
    is_advised: bool = False
    denies: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One broker, and the version of MQTT that the gateway is set to.

    ``speaks_5``: what subscribers use. ``user``: their name, where names are advised.
    """

    title: str
    version: Literal["auto", "3.1.1"]
    command: Callable[[Setting], list[str]]
    speaks_5: bool = False
    user: str | None = None


def mosquitto(setting: Setting) -> list[str]:
    """As Debian ships it, but for listener and speed: persistence on, saved every half hour."""
    lines = [
        f"listener {setting.port} 127.0.0.1",
        "user root",
        "allow_anonymous true",
        "set_tcp_nodelay true",  # or its answers come 40 ms late, and the tests take seconds longer
        "persistence true",
        f"persistence_location {setting.folder}/",
    ]
    if setting.is_advised:
        lines += [line for line in advised_lines() if not line.startswith("persistence")]
    if setting.denies is not None:
        rules = setting.folder / "acl"
        rules.write_text(f"topic readwrite #\ntopic deny {setting.denies}\n", "utf-8")
        rules.chmod(0o600)
        lines.append(f"acl_file {rules}")
    file = _written(setting, "mosquitto.conf", "\n".join(lines) + "\n")
    return [shutil.which("mosquitto") or "/usr/sbin/mosquitto", "-c", str(file)]


def amqtt(setting: Setting) -> list[str]:
    """In memory alone. Advised: users with names, since it keeps no session for one without."""
    who = "named" if setting.is_advised else "anyone"
    return [sys.executable, str(HERE / "amqtt_server.py"), str(setting.port), who, setting.denies or ""]


def aedes(setting: Setting) -> list[str]:
    """With the persistence that it brings, which is in memory."""
    return ["node", str(HERE / "aedes_server.mjs"), str(installed.aedes()), str(setting.port), setting.denies or ""]


def nats(setting: Setting) -> list[str]:
    """One server with JetStream. Advised: each write is synced before it is acknowledged."""
    subject = (setting.denies or "").replace("/", ".")
    configuration: dict[str, object] = {
        "listen": "127.0.0.1:-1",
        "server_name": "house",
        "jetstream": {"store_dir": str(setting.folder / "jetstream")},
        "mqtt": {"listen": f"127.0.0.1:{setting.port}", "no_auth_user": "anyone"},
        "authorization": {"users": [{"user": "anyone", "password": "anyone"}]},
    }
    if setting.is_advised:
        configuration["jetstream"] = {"store_dir": str(setting.folder / "jetstream"), "sync_interval": "always"}
    if subject:
        user = {"user": "anyone", "password": "anyone", "permissions": {"publish": {"deny": [subject]}}}
        configuration["authorization"] = {"users": [user]}
    file = _written(setting, "nats.conf", json.dumps(configuration, indent=1))
    return [str(installed.nats_server()), "-c", str(file)]


KINDS: dict[str, Kind] = {
    "mosquitto": Kind(title="mosquitto 2.0.11", version="auto", command=mosquitto, speaks_5=True),
    "mosquitto-3.1.1": Kind(title="mosquitto, `version: '3.1.1'`", version="3.1.1", command=mosquitto),
    "amqtt": Kind(title="amqtt 0.12.1", version="3.1.1", command=amqtt, user="reader"),
    "aedes": Kind(title="aedes 1.2.0", version="auto", command=aedes),
    "nats": Kind(title="NATS 2.15.1", version="auto", command=nats),
}

ALWAYS = ("mosquitto", "mosquitto-3.1.1", "amqtt")
"""Those that every run of the tests has; the others are installed when they are asked for."""


def _written(setting: Setting, name: str, text: str) -> Path:
    file = setting.folder / name
    file.write_text(text, "utf-8")
    return file
