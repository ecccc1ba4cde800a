"""``sensor-gateway run`` on simulated buses, as it is or broken on purpose."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

CHEATS = {
    "acknowledges before the PUBACK": """
from sensor_gateway.publishing.stream.events import EventStream

sound = EventStream.next_batch

def next_batch(self, now_s, uptime_ms):
    batch = sound(self, now_s, uptime_ms)
    if batch is not None:
        self.feed.delivered(batch)
    return batch

EventStream.next_batch = next_batch
""",
    "keeps no hot journal": """
import os
from sensor_gateway.outbox.files.hot import HotJournal

def begin(self, *_new):
    self.close()
    self._descriptor, self.size = os.open("/dev/null", os.O_WRONLY), 0

HotJournal.begin = begin
""",
    "gives a seq twice": """
from sensor_gateway.outbox.marks import Marks
from sensor_gateway.outbox.recovery import Recovery
from sensor_gateway.outbox.tiers.tail import Tail

sound = Recovery.decide

def decide(self, machine):
    recovered = sound(self, machine)
    if recovered.next_seq > 10:
        recovered.next_seq -= 2
        recovered.marks = Marks(recovered.epoch, recovered.next_seq - 1, ())
        recovered.tail = Tail()
    return recovered

Recovery.decide = decide
""",
}
"""What is done to the installed package before it runs."""

_RUN = """
import sys
from sensor_gateway.cli.main import main

sys.exit(main())
"""


class GatewayProcess:
    """One gateway, life after life on the same directories.

    ``change`` is code that breaks it, ``environ`` what stands in its environment beside ours.
    """

    def __init__(
        self, directory: Path, config: str, *, change: str = "", environ: Mapping[str, str] | None = None
    ) -> None:
        self.directory = directory
        self.log = directory / "log"
        self.config = directory / "gateway.yaml"
        self.config.write_text(config)
        self.state = directory / "state"
        self.hot = directory / "hot"
        self.hot.mkdir(exist_ok=True)
        self.process: subprocess.Popen[bytes] | None = None
        self._log_read = 0
        self._environ = environ or {}
        self._program = ["-m", "sensor_gateway"]
        if change:
            script = directory / "changed_gateway.py"
            script.write_text(change + _RUN)
            self._program = [str(script)]

    @property
    def is_running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def start(self) -> None:
        self.process = self.run()

    def run(self, *arguments: str) -> subprocess.Popen[bytes]:
        """One more process on the same directories."""
        environ = {**os.environ, "RUNTIME_DIRECTORY": str(self.hot), **self._environ}
        command = [
            sys.executable, *self._program, "run", "--config", str(self.config), "--state-directory", str(self.state),
            *arguments,
        ]  # fmt: skip
        with self.log.open("ab") as out:
            return subprocess.Popen(command, stdout=out, stderr=out, env=environ)

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def abort(self) -> None:
        """As the service manager's watchdog does: the log tells where each thread stood."""
        assert self.process is not None
        self.process.send_signal(signal.SIGABRT)
        self.process.wait(30)

    def terminate(self) -> tuple[int, float]:
        """Stop cleanly; the exit code, and the seconds that it took."""
        assert self.process is not None
        began_s = time.monotonic()
        self.process.terminate()
        code = self.process.wait(30)
        return code, time.monotonic() - began_s

    def entries(self) -> list[dict[str, Any]]:
        """What the log says, of all lives."""
        return _entries(self.log.read_text())

    def new_entries(self) -> list[dict[str, Any]]:
        """What the log says since the last time, by whole lines."""
        with self.log.open("rb") as log:
            log.seek(self._log_read)
            text = log.read()
        text = text[: text.rfind(b"\n") + 1]
        self._log_read += len(text)
        return _entries(text.decode())


def _entries(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines() if line.startswith("{") and line.endswith("}")]


def house_config(port: int, sensors: int = 20, interval: str = "200ms", outbox: str = "") -> str:
    """A gateway named house that says each reading of its sensors. ``outbox``: other keys than the usual ones."""
    lines = [
        "gateway: {id: house}",
        f"mqtt: {{url: 'mqtt://127.0.0.1:{port}', retry_max: 1s}}",
        "clock: {hold: 0s}",
        f"outbox: {{keep_free: 0MB, {outbox or 'drain_rate: 0, spill_after: 1s, flush_every: 500ms'}}}",
        "buses: {wire: {type: simulated, kind: i2c}}",
        f"defaults: {{interval: {interval}, heartbeat: 5s}}",
        "sensors:",
    ]
    channels = "channels: {temperature: {deadband: 0}}"
    lines += [
        f"  s{number}: {{driver: tmp1075, bus: wire, address: {0x08 + number:#x}, {channels}}}"
        for number in range(sensors)
    ]
    return "\n".join(lines) + "\n"
