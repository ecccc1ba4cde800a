"""The manual page, made from what ``--help`` prints."""  # noqa: INP001 - a part of a script

from __future__ import annotations

import argparse
from collections.abc import Iterator

from sensor_gateway import __version__
from sensor_gateway.cli.main import parser


def man_page() -> str:
    """sensor-gateway(8), in the language of man(7)."""
    top = parser()
    lines = [
        f'.TH SENSOR-GATEWAY 8 "" "sensor-gateway {__version__}" "System administration"',
        ".SH NAME",
        r"sensor-gateway \- sensors on I2C and serial lines, as change events on MQTT",
        ".SH SYNOPSIS",
        r".B sensor-gateway",
        r"\fICOMMAND\fR [\fIOPTIONS\fR]",
        ".SH DESCRIPTION",
        *_text(top.description or ""),
        ".SH COMMANDS",
    ]
    for name, command in _commands(top):
        lines += [f".SS {name}", ".nf", *_text(command.format_help()), ".fi"]
    lines += [".SH EXAMPLES AND EXIT CODES", ".nf", *_text(top.epilog or ""), ".fi"]
    lines += [".SH FILES", *_files()]
    return "\n".join(lines) + "\n"


def _commands(top: argparse.ArgumentParser) -> Iterator[tuple[str, argparse.ArgumentParser]]:
    for action in top._actions:  # noqa: SLF001 - argparse has no public name for it
        if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001
            yield from action.choices.items()


def _files() -> list[str]:
    places = {
        "/etc/sensor-gateway/gateway.yaml": "the configuration, with conf.d beside it",
        "/etc/sensor-gateway/credentials": "secrets, one in each file",
        "/etc/sensor-gateway/devices": "device files of your own",
        "/usr/local/lib/sensor-gateway/drivers": "drivers of third parties",
        "/var/lib/sensor-gateway": "what waits for the broker, and what must survive a reboot",
    }
    return [line for place, meaning in places.items() for line in (".TP", f".I {_escaped(place)}", meaning)]


def _text(text: str) -> list[str]:
    return [_escaped(line) for line in text.strip("\n").splitlines()]


def _escaped(line: str) -> str:
    escaped = line.replace("\\", r"\e").replace("-", r"\-").replace("~", r"\(ti").replace("`", r"\(ga")
    return rf"\&{escaped}" if escaped.startswith((".", "'")) else escaped
