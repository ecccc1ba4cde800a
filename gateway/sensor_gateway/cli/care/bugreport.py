"""``bugreport``: one file that shows a gateway to somebody else, without its secrets."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias

from sensor_gateway import __version__
from sensor_gateway.cli.arguments import DEFAULT_FILE, Subparsers, add_command, ended_by_ctrl_c, say
from sensor_gateway.cli.care.doctor import add_state_directory, as_json, asked_of, lines

if TYPE_CHECKING:
    from sensor_gateway.service.doctor.examination import Asked

_ABOUT: Final = """\
Writes one file for whoever is to help: versions, the findings of `doctor`, the configuration with every default and
without secrets, drivers and where they come from, what the running gateway tells of itself, what it noted of earlier
lives, what waits in the outbox, and the last lines of the service's log.
Nothing is asked and nothing is sent; the file lists what is in it. Look it through before you publish it: names of
hosts, sensors and places are in it, and the log may hold measured values.

  sensor-gateway bugreport
  sensor-gateway bugreport report.tar.gz --config my.yaml
  sensor-gateway bugreport - --config my.yaml | less

A name that ends in .tar.gz or .tgz gives an archive, any other one a text; - is standard output. Exit code 73 where
the file is there already.
"""

_LOG_LINES: Final = 500
_ANSWERS_WITHIN_S: Final = 5.0
_ARCHIVES: Final = (".tar.gz", ".tgz")
_MEANINGS: Final = {
    "versions.txt": "versions of the gateway, Python, the kernel, the computer",
    "doctor.txt": "what `sensor-gateway doctor` finds",
    "doctor.jsonl": "the same, for programs",
    "configuration.yaml": "the configuration with every default; passwords and the user name are taken out",
    "faults.txt": "what is wrong with the configuration, and what is hardly meant",
    "drivers.txt": "the drivers that are used or not ours, and where each comes from",
    "status.json": "what the running gateway tells of itself: the message of the health topic, as it is now",
    "history.txt": "what it noted last of this life and of those before",
    "outbox.json": "what `sensor-gateway outbox status` tells",
    "service.txt": "what systemd tells of the service",
    "log.txt": f"the last {_LOG_LINES} lines of the service's log",
    "missing.txt": "what could not be had, and why",
}
_NO_ENTRIES: Final = "-- No entries --"
_BY_HAND: Final = "a gateway that is started by hand logs to its terminal, and nothing of that is kept"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Missing:
    """A part that could not be had, and why, in a sentence."""

    why: str


def add(subparsers: Subparsers) -> None:
    """Add the subcommand."""
    parser = add_command(
        subparsers, "bugreport", summary="one file for whoever is to help, without secrets", about=_ABOUT
    )
    parser.add_argument(
        "output", nargs="?", metavar="FILE", help="what to write (default: sensor-gateway-bugreport-TIME.tar.gz, here)"
    )
    parser.add_argument(
        "--config", type=Path, metavar="FILE", help=f"the gateway's configuration (default {DEFAULT_FILE})"
    )
    add_state_directory(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Write it, and say what is in it; the exit code."""
    from sensor_gateway.service.bug_report.parcel import as_archive, as_text

    made_s = int(time.time())
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(made_s))
    output = arguments.output or f"sensor-gateway-bugreport-{stamp}.tar.gz"
    if output != "-" and Path(output).exists():
        say(f"sensor-gateway: {output} is there already: name another file")
        return os.EX_CANTCREAT
    with ended_by_ctrl_c():
        parts = _parts(asked_of(arguments), arguments.state_dir)
    if output == "-":
        print(as_text(parts), end="")
        return os.EX_OK
    is_archive = output.endswith(_ARCHIVES)
    content = as_archive(parts, made_s) if is_archive else as_text(parts).encode("utf-8", "backslashreplace")
    try:
        descriptor = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        say(f"sensor-gateway: {output} cannot be made: {error.strerror}")
        return os.EX_CANTCREAT
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
    say(f"{output}: {len(content):,} bytes, for you alone to read. In it:")
    for name in parts:
        say(f"  {name:20} {_MEANINGS.get(name, 'what is in here')}")
    say("secrets are taken out; names of hosts, sensors and places are not")
    return os.EX_OK


def _parts(asked: Asked, state_directory: Path | None) -> Mapping[str, str]:
    """All of them, redacted, the list of them first."""
    from sensor_gateway.service.bug_report.redaction import redacted

    secrets = set(_secrets(asked))
    collected: dict[str, str] = {}
    missing: list[str] = []
    running = partial(_running, state_directory)
    for collect in (_versions, _findings, _configuration, _drivers, running, _history, _outbox, _service):
        for name, part in collect(asked):
            if isinstance(part, _Missing):
                missing.append(f"{name}: {redacted(part.why, secrets)}\n")
            elif part.strip():
                collected[name] = redacted(part, secrets)
    if missing:
        collected["missing.txt"] = "".join(missing)
    contents = "".join(f"{name:20} {_MEANINGS[name]}\n" for name in collected)
    return {"contents.txt": contents, **collected}


_Parts: TypeAlias = "Iterator[tuple[str, str | _Missing]]"


def _versions(_asked: Asked) -> _Parts:
    from sensor_gateway.service.doctor.doors.system import versions

    facts = {**versions(), "computer": _model(), "architecture": platform.machine(), "program": sys.executable}
    yield "versions.txt", "".join(f"{name}: {value}\n" for name, value in facts.items())


def _model() -> str:
    try:
        return Path("/proc/device-tree/model").read_text("utf-8", "replace").strip("\0\n")
    except OSError:
        return "not told by a device tree"


def _findings(asked: Asked) -> _Parts:
    from sensor_gateway.service.doctor.examination import Examination
    from sensor_gateway.service.system_clock import SystemClock

    findings = list(Examination(asked, SystemClock()).findings())
    yield "doctor.txt", "".join(f"{line}\n" for one in findings for line in lines(one, is_coloured=False))
    yield "doctor.jsonl", "".join(f"{as_json(one)}\n" for one in findings)


def _configuration(asked: Asked) -> _Parts:
    from sensor_gateway.config.show import show
    from sensor_gateway.config.values.secret import HIDDEN

    faults = [*(f"{fault}" for fault in asked.reading.faults), *(f"{one} (warning)" for one in asked.reading.warnings)]
    yield "faults.txt", "".join(f"{line}\n" for line in faults)
    if asked.reading.startable is None:
        yield "configuration.yaml", _Missing(why="it has faults, or may not be read: see faults.txt and doctor.txt")
        return
    configuration = asked.reading.startable.configuration
    mqtt = configuration.mqtt
    if mqtt is not None and mqtt.username is not None:
        configuration = replace(configuration, mqtt=replace(mqtt, username=HIDDEN))
    yield "configuration.yaml", show(configuration)


def _drivers(asked: Asked) -> _Parts:
    catalogue, startable = asked.reading.catalogue, asked.reading.startable
    used = set() if startable is None else {sensor.driver for sensor in startable.configuration.sensors.values()}
    rows = [(name, catalogue.origin(name)) for name in catalogue.names()]
    ours = f"sensor-gateway {__version__} "
    told = [f"{name}: {origin}\n" for name, origin in rows if name in used or not origin.startswith(ours)]
    yield "drivers.txt", "".join(told) or "none is used, and none comes from elsewhere\n"


def _running(state_directory: Path | None, _asked: Asked) -> _Parts:
    """Asked as ``status`` asks. It may hang, which is why it is reported: it is not waited for."""
    from sensor_gateway.cli.running.asking import NobodyAnswers, ask

    name, place = "status.json", argparse.Namespace(state_directory=state_directory)
    try:
        yield name, _json(ask(place, "status", _ANSWERS_WITHIN_S))
    except NobodyAnswers as error:
        yield name, _Missing(why=" ".join(str(error).split()))
    except PermissionError as error:
        yield name, _barred(error)


def _history(asked: Asked) -> _Parts:
    from sensor_gateway.service.history.history import FILE
    from sensor_gateway.service.history.note import MOST_BYTES

    name, file = "history.txt", asked.state_directory / FILE
    try:
        with file.open("rb") as noted:
            yield name, noted.read(MOST_BYTES).decode("utf-8", "replace")
    except PermissionError as error:
        yield name, _barred(error)
    except OSError as error:
        yield name, _Missing(why=f"{file}: {error.strerror}")


def _outbox(asked: Asked) -> _Parts:
    from sensor_gateway.cli.outbox.status import facts_of

    name = "outbox.json"
    if asked.inspected is None:
        yield name, _Missing(why=asked.barred or f"there is no outbox in {asked.state_directory}")
        return
    try:
        yield name, _json(facts_of(asked.inspected))
    except PermissionError as error:
        yield name, _barred(error)


def _service(_asked: Asked) -> _Parts:
    from sensor_gateway.service.doctor.doors.system import SystemDoor

    system = SystemDoor()
    unit = system.unit()
    if unit is None:
        yield "service.txt", _Missing(why="systemd does not run here, or does not answer")
        yield "log.txt", _Missing(why=f"there is no service; {_BY_HAND}")
        return
    yield "service.txt", "".join(f"{key}={value}\n" for key, value in unit.items())
    log = system.log(_LOG_LINES)
    if log is None:
        yield "log.txt", _Missing(why="the journal of the service could not be read")
    elif not log.strip() or log.startswith(_NO_ENTRIES):
        why = f"the journal shows this user nothing of the service (group systemd-journal may read it); {_BY_HAND}"
        yield "log.txt", _Missing(why=why)
    else:
        yield "log.txt", log


def _json(facts: Mapping[str, object]) -> str:
    return json.dumps(facts, indent=1, ensure_ascii=False) + "\n"


def _barred(error: PermissionError) -> _Missing:
    return _Missing(why=f"no permission: {error.filename}")


def _secrets(asked: Asked) -> Iterator[str]:
    """Everything that must not be in it: what was read as a secret, and what looks like one where it is written."""
    from sensor_gateway.service.bug_report.redaction import secrets_among, secrets_in

    startable = asked.reading.startable
    mqtt = None if startable is None else startable.configuration.mqtt
    if mqtt is not None:
        yield from (mqtt.username or "", "" if mqtt.password is None else mqtt.password.reveal())
    for file in (asked.file, *sorted((asked.file.parent / "conf.d").glob("*.yaml"))):
        yield from secrets_in(_text(file))
    for directory in (asked.file.parent / "credentials", Path(os.environ.get("CREDENTIALS_DIRECTORY") or "/nowhere")):
        for text in map(_text, _files(directory)):
            yield from (text.strip(), *text.splitlines())
    yield from secrets_among(os.environ)


def _files(directory: Path) -> list[Path]:
    try:
        return [file for file in directory.iterdir() if file.is_file()]
    except OSError:
        return []


def _text(file: Path) -> str:
    try:
        return file.read_bytes()[:1_000_000].decode("utf-8", "replace")
    except OSError:
        return ""
