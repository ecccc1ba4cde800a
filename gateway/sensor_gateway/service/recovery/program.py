"""One run of a program: in a session of its own, never waited for, ended with all that it started, and reaped.

The door to processes of the operator's. It inherits nothing of the gateway but its user and its limits: no
descriptor, no environment, no working directory, and nothing to read.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

MOST_OUTPUT: Final = 4096
"""Bytes of a run's output that are kept: the last ones, which say how it ended."""

GRACE_S: Final = 1.0
"""Between the polite signal and the one that nobody can refuse."""

PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
ENVIRON: Final[Mapping[str, str]] = MappingProxyType({"PATH": PATH, "LANG": "C.UTF-8", "HOME": "/"})
"""What every program finds in its environment; the caller adds facts."""

_PIPE_BYTES: Final = 1 << 20
_MOST_READ: Final = 16 << 20
"""In one look: what writes without end waits for the next one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a run ended: its exit code, or minus the number of the signal. ``output`` is the end of what it wrote."""

    exit_code: int
    output: str
    was_stopped: bool


class Program:
    """A program that runs. Whoever owns it looks now and then, until ``look`` has said how it ended."""

    def __init__(self, command: Sequence[str], facts: Mapping[str, str], *, until_s: float) -> None:
        """Start it; ``until_s`` is when it is ended. OSError where that cannot be."""
        self._until_s = until_s
        self._killed_at_s: float | None = None
        self._output = b""
        self._size = 0
        self._process = subprocess.Popen(  # noqa: S603 - the operator's own command, and no shell
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            bufsize=0,
            cwd="/",
            env={**ENVIRON, **facts},
            start_new_session=True,
        )
        self._pipe = -1 if self._process.stdout is None else self._process.stdout.fileno()
        os.set_blocking(self._pipe, False)
        with suppress(OSError):  # the kernel's own size will do, for what writes less
            fcntl.fcntl(self._pipe, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)

    def look(self, now_s: float) -> Ended | None:
        """How it ended, once it has. What it left running is killed; one whose time is over is ended."""
        self._read()
        if not self._is_over():
            if self._killed_at_s is not None:
                if now_s >= self._killed_at_s:
                    self._signal(signal.SIGKILL)
            elif now_s >= self._until_s:
                self.stop(now_s)
            return None
        self._signal(signal.SIGKILL)  # before it is reaped, so that its number still is nobody else's
        self._read()
        if self._process.stdout is not None:
            self._process.stdout.close()
        was_cut = self._size > len(self._output)
        shown = "".join(map(_shown, self._output.decode(errors="replace"))).strip()
        return Ended(
            exit_code=self._process.wait(),
            output=f"... {shown}" if was_cut else shown,
            was_stopped=self._killed_at_s is not None,
        )

    def stop(self, now_s: float) -> None:
        """Ask it to end; it is killed GRACE_S later."""
        if self._killed_at_s is None:
            self._killed_at_s = now_s + GRACE_S
            self._signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it, as soon as the kernel can."""
        self._signal(signal.SIGKILL)

    def _is_over(self) -> bool:
        """Whether it has ended. It is not reaped by that."""
        return os.waitid(os.P_PID, self._process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None

    def _signal(self, number: signal.Signals) -> None:
        """To it and to all in its group. Its number is its own until it is reaped."""
        with suppress(ProcessLookupError, PermissionError):  # none is left, or it has taken other rights
            os.killpg(self._process.pid, number)

    def _read(self) -> None:
        """Take what it wrote, and keep the end of it."""
        for _ in range(_MOST_READ // _PIPE_BYTES):
            try:
                data = os.read(self._pipe, _PIPE_BYTES)
            except BlockingIOError:
                return
            if not data:
                return
            self._size += len(data)
            self._output = (self._output + data[-MOST_OUTPUT:])[-MOST_OUTPUT:]


def missing(program: str) -> str:
    """Why a program cannot be run, as far as a look from outside tells; empty where it can."""
    if shutil.which(program, path=PATH) is not None:
        return ""
    if not program.startswith("/"):
        return f"there is no program {program} in {PATH}"
    if not os.path.exists(program):  # noqa: PTH110 - a look, and no more is done with it
        return f"there is no {program}"
    return f"{program} may not be run, or is no program"


def _shown(character: str) -> str:
    return character if character.isprintable() or character in "\n\t" else "\N{REPLACEMENT CHARACTER}"
