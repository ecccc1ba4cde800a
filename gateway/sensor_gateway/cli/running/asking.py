"""Asks the gateway that runs on this machine, over its control socket: one line there, one line back."""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

from sensor_gateway.cli.arguments import program, say
from sensor_gateway.cli.outbox.place import say_who_may
from sensor_gateway.model.errors import OperatorError

if TYPE_CHECKING:
    import socket

    from sensor_gateway.publishing.fleet.fields import Fields

_SYSTEM: Final = (Path("/run/sensor-gateway"), Path("/var/lib/sensor-gateway"))
_MOST: Final = 64_000_000
_PIECE: Final = 65_536


class NobodyAnswers(OperatorError):
    """No gateway runs here, or the one that runs does not answer."""


def add_place(parser: argparse.ArgumentParser) -> None:
    """``--state-directory``."""
    parser.add_argument(
        "--state-directory",
        "--state-dir",
        type=Path,
        metavar="DIR",
        help="the gateway's state directory, where it is not the usual one of a service or of this user",
    )


def ask_or_tell(arguments: argparse.Namespace, request: str, within_s: float) -> Fields | int:
    """The answer; or, where there is none, the exit code, once the operator was told why."""
    try:
        return ask(arguments, request, within_s)
    except NobodyAnswers as error:
        say(f"sensor-gateway: {error}")
        return os.EX_UNAVAILABLE
    except PermissionError as error:
        say_who_may(error)
        return os.EX_NOPERM


def ask(arguments: argparse.Namespace, request: str, within_s: float) -> Fields:
    """The answer, which is whole within that time. PermissionError names the file.

    NobodyAnswers, also where it refuses to give one.
    """
    from sensor_gateway.publishing.fleet.fields import fields_of, text
    from sensor_gateway.service.control.socket_file import connect

    looked: list[Path] = []
    for file in dict.fromkeys(_candidates(arguments)):
        until_s = time.monotonic() + within_s
        try:
            connection = connect(file, within_s)
        except PermissionError as error:
            raise PermissionError(error.errno, error.strerror, str(file)) from None
        except OSError:
            looked.append(file)
            continue
        with connection:
            answer = fields_of(_exchange(connection, file, request, until_s))
        if answer is None:
            raise NobodyAnswers(f"what listens at {file} gives no answer that can be read: is it a gateway?")
        if answer.get("answer") != request:
            raise NobodyAnswers(f"the gateway does not answer: {text(answer, 'reason') or 'it says nothing'}")
        return answer
    raise NobodyAnswers(_nobody(looked))


def _exchange(connection: socket.socket, file: Path, request: str, until_s: float) -> bytes:
    heard = bytearray()
    try:
        connection.settimeout(_left_s(until_s))
        connection.sendall(json.dumps({"request": request}).encode() + b"\n")
        while not heard.endswith(b"\n") and len(heard) < _MOST:
            connection.settimeout(_left_s(until_s))
            piece = connection.recv(_PIECE)
            if not piece:
                break
            heard += piece
    except TimeoutError:
        raise NobodyAnswers(f"the gateway at {file} hangs: `systemctl status sensor-gateway` shows its log") from None
    except OSError as error:
        raise NobodyAnswers(f"the gateway at {file} hung up: {error}") from None
    if not heard:
        raise NobodyAnswers(f"the gateway at {file} hung up: it is stopping, or too many ask; try again")
    return bytes(heard)


def _left_s(until_s: float) -> float:
    """TimeoutError where nothing is left."""
    left_s = until_s - time.monotonic()
    if left_s <= 0:
        raise TimeoutError
    return left_s


def _nobody(looked: list[Path]) -> str:
    where = "".join(f"\n  {file}" for file in looked)
    return (
        "no gateway runs here: nobody listens at"
        f"{where}\n"
        f"start it (`sudo systemctl start sensor-gateway`, or `{program()} run FILE`), or name its --state-directory; "
        "`systemctl status sensor-gateway` tells why it ended"
    )


def _candidates(arguments: argparse.Namespace) -> Iterator[Path]:
    """Where a gateway may listen: the state directory that was named, else as `run` would have it, else the service."""
    from sensor_gateway.service.control.socket_file import NAME, socket_file
    from sensor_gateway.service.directories import find_directories

    named = arguments.state_directory
    if named is not None:
        yield named / NAME
        if named.absolute() != _SYSTEM[1]:
            return
    else:
        yield socket_file(os.environ, find_directories(os.environ, state=None, hot=None).state)
    for directory in _SYSTEM:
        yield directory / NAME
