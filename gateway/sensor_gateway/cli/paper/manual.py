"""The manual page sensor-gateway(8), in the man macros (man(7)), made from the command line. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from sensor_gateway.cli.paper.outline import Argument, Command

_SUMMARY: Final = "sensors on I2C and serial lines, as change events on MQTT, with nothing lost"
_FILES: Final = (
    ("/etc/sensor-gateway/gateway.yaml", "the configuration, where no other file is named"),
    ("/etc/sensor-gateway/conf.d/*.yaml", "read after it, in the order of their names"),
    ("/etc/sensor-gateway/devices/*.yaml", "device files of your own"),
    ("/etc/sensor-gateway/credentials/", "secrets that systemd hands to the service"),
    ("/usr/local/lib/sensor-gateway/drivers/", "drivers of third parties, where the Debian package is installed"),
    ("/var/lib/sensor-gateway/", "the state directory: identity, waiting events, the last configuration that ran"),
    ("/run/sensor-gateway/", "the runtime directory: events that wait in memory"),
)
_VARIABLES: Final = (
    ("STATE_DIRECTORY, RUNTIME_DIRECTORY, CREDENTIALS_DIRECTORY", "as systemd sets them for the service"),
    ("XDG_STATE_HOME", "where the state directory is without systemd; ~/.local/state by default"),
    ("NO_COLOR", "plain output on a terminal too"),
)
CODES: Final = (
    ("0", "done"),
    ("1", "a check failed, or there is advice"),
    ("2", "something is wrong (doctor, and with --check)"),
    ("64", "wrong usage"),
    ("66", "no outbox, recording or secrets there"),
    ("69", "broker or gateway not reachable"),
    ("70", "internal error"),
    ("73, 74", "a file cannot be made, or written"),
    ("75", "another instance runs"),
    ("77", "no permission; the message names the group"),
    ("78", "the configuration is wrong; starting again does not help"),
    ("130", "ended by Ctrl-C"),
)


def manual_page(program: Command) -> str:
    """The whole page."""
    return "\n".join(_lines(program)) + "\n"


def _lines(program: Command) -> Iterator[str]:
    yield '.\\" Made by tests/house/test_paper.py from the command line itself.'
    yield '.TH SENSOR\\-GATEWAY 8 "" sensor\\-gateway "System administration"'
    yield ".SH NAME"
    yield f"sensor\\-gateway \\- {_SUMMARY}"
    yield ".SH SYNOPSIS"
    yield ".B sensor\\-gateway"
    yield ".I COMMAND"
    yield "[\\fIargument\\fR ...]"
    yield ".br"
    yield ".B sensor\\-gateway"
    yield ".I COMMAND"
    yield ".B \\-\\-help"
    yield ".SH DESCRIPTION"
    yield _text(program.about)
    yield "The service runs"
    yield '.BR "sensor\\-gateway run" ;'
    yield "every other command looks at it, prepares for it, or treats what it keeps."
    yield ".SH COMMANDS"
    for command in program.walk():
        if command.words[1:]:
            yield from _command(command)
    yield from _table("FILES", _FILES)
    yield from _table("ENVIRONMENT", _VARIABLES)
    yield from _table("EXIT STATUS", CODES)
    yield ".SH SEE ALSO"
    yield ".BR systemctl (1),"
    yield ".BR journalctl (1),"
    yield ".BR mosquitto (8)"


def _command(command: Command) -> Iterator[str]:
    yield f".SS {_text(' '.join(command.words))}"
    yield from _synopsis(command)
    yield from _about(command.about)
    for argument in command.arguments:
        if argument.names == ("-h", "--help"):
            continue
        yield ".TP"
        yield _tag(argument)
        yield _text(argument.help or f"one of: {', '.join(argument.choices)}")


def _synopsis(command: Command) -> Iterator[str]:
    places = " ".join(f"\\fI{_text(place.value)}\\fR" for place in command.places)
    following = " \\fICOMMAND\\fR" if command.commands else ""
    options = " [\\fIoption\\fR ...]" if len(command.options) > 1 else ""
    yield f"\\fB{_text(' '.join(command.words))}\\fR{following}{options}{' ' + places if places else ''}"
    yield ".PP"


def _about(about: str) -> Iterator[str]:
    """Paragraphs as they are; what is indented stays as it stands, without a break of its own in front."""
    for number, paragraph in enumerate(about.strip().split("\n\n")):
        lines = paragraph.splitlines()
        is_example = [line.startswith("  ") for line in lines]
        if number:
            yield ".PP"
        for place, line in enumerate(lines):
            was = place > 0 and is_example[place - 1]
            if is_example[place] != was:
                yield ".nf" if is_example[place] else ".fi"
            yield _text(line)
        if is_example[-1]:
            yield ".fi"


def _tag(argument: Argument) -> str:
    value = f" \\fI{_text(argument.value)}\\fR" if argument.value else ""
    if not argument.names:
        return value.strip()
    return ", ".join(f"\\fB{_text(name)}\\fR" for name in argument.names) + value


def _table(title: str, rows: tuple[tuple[str, str], ...]) -> Iterator[str]:
    yield f".SH {title}"
    for name, meaning in rows:
        yield ".TP"
        yield f"\\fB{_text(name)}\\fR"
        yield _text(meaning)


def _text(text: str) -> str:
    r"""As roff reads it: a backslash and a minus are written out, and no line begins with a control character.

    groff_char(7): a bare ``-`` is a hyphen, which nobody can paste as an option; quotes and
    accents change as well.
    """
    written = text.replace("\\", "\\e").replace("-", "\\-")
    for plain, roff in (("'", "\\(aq"), ("`", "\\(ga"), ("^", "\\(ha"), ("~", "\\(ti")):
        written = written.replace(plain, roff)
    written = re.sub(r"[^\x00-\x7f]", lambda found: f"\\[u{ord(found[0]):04X}]", written)
    return re.sub(r"^([.\"'])", r"\\&\1", written, flags=re.MULTILINE)
