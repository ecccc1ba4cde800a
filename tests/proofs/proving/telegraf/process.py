"""A real Telegraf as a process, with the settings of docs/recipes.md: other addresses, and its client is traced."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from proving.telegraf.recipe import RECIPE

AGENT = '[agent]\n  interval = "1s"\n  omit_hostname = true\n  debug = true\n'
"""``interval`` is how often Telegraf tries again to reach a broker that was not there when it started."""


def program() -> str | None:
    """Telegraf's file: what ``TELEGRAF`` names, or one on the path; None where there is none."""
    return os.environ.get("TELEGRAF") or shutil.which("telegraf")


class Telegraf:
    """``changes`` are made to the settings: each text for another."""

    def __init__(self, folder: Path, *, broker: int, database: str, changes: dict[str, str] | None = None) -> None:
        self._config = folder / "telegraf.conf"
        self._log = folder / "telegraf.log"
        self._process: subprocess.Popen[bytes] | None = None
        self._began = 0
        text = RECIPE
        addresses = {"tcp://broker.lan:1883": f"tcp://127.0.0.1:{broker}", "http://influxdb.lan:8086": database}
        for old, new in {**addresses, **(changes or {})}.items():
            assert old in text, f"the recipe has no {old!r}"
            text = text.replace(old, new)
        self._config.write_text(AGENT + text.replace("  qos = 1\n", "  qos = 1\n  client_trace = true\n"), "utf-8")

    def start(self) -> None:
        found = program()
        assert found is not None
        self._began = self._log.stat().st_size if self._log.exists() else 0
        with self._log.open("ab") as log:
            self._process = subprocess.Popen([found, "--config", str(self._config)], stdout=log, stderr=log)

    @property
    def log(self) -> str:
        """What it has said since it was started."""
        return self._log.read_bytes()[self._began :].decode() if self._log.exists() else ""

    @property
    def has_subscribed(self) -> bool:
        """Whether the broker has answered its subscription; 1.33 asks for none in a session that was kept."""
        return "received suback" in self.log or "Session found" in self.log

    @property
    def held(self) -> int:
        """The most points that were in the buffer of the output, by the log."""
        return max(map(int, re.findall(r"Buffer fullness: (\d+) /", self.log)), default=0)

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def end(self, sign: signal.Signals = signal.SIGTERM) -> None:
        """End it, if it runs; SIGKILL leaves it no time for anything."""
        if self._process is not None:
            self._process.send_signal(sign)
            self._process.wait(20)
            self._process = None


def wait_until(condition: Callable[[], bool], seconds: float = 30.0) -> None:
    """Return when it is so; fails when that takes too long."""
    deadline_s = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline_s, "it did not come to pass in time"
        time.sleep(0.05)
