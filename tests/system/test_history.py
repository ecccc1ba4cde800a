"""How a life ended, as the next one tells it: real processes that are stopped, killed and broken."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from proving.ear import Ear, small_config
from proving.kills.gateway import GatewayProcess

pytestmark = [pytest.mark.system, pytest.mark.timeout(300)]

CRASHES = """
from sensor_gateway.service.supervision import Supervisor

def step(self):
    raise LookupError("nobody expected this")

Supervisor.step = step
"""

STANDS_STILL = """
import time
from sensor_gateway.publishing.publisher import Publisher

made = Publisher.step

def step(self, wait_s=0.0):
    if self.progress > 20:
        time.sleep(1000)
    return made(self, wait_s)

Publisher.step = step
"""


def told(gateway: GatewayProcess) -> dict[str, Any]:
    environ = {**os.environ, "RUNTIME_DIRECTORY": str(gateway.hot)}
    command = [sys.executable, "-m", "sensor_gateway", "status", "--json"]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, env=environ)
    return dict(json.loads(ended.stdout)) if ended.returncode == 0 else {}


def test_the_next_life_tells_how_the_one_before_it_ended(
    ear: Ear, tmp_path: Path, wait_until: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SENSOR_GATEWAY_BOOT_ID", "1" * 32)
    text = small_config("barn", ear.port)
    gateway = GatewayProcess(tmp_path, text)

    def past() -> tuple[Any, ...]:
        gateway.start()
        wait_until(lambda: bool(told(gateway)))
        found = told(gateway)["past"]
        return found["starts"], found["starts_this_boot"], found["ended"]

    try:
        assert past() == (1, 1, None)
        assert gateway.terminate()[0] == 0
        assert past() == (2, 2, "clean")
        gateway.kill()
        assert past() == (3, 3, "killed")
        gateway.kill()
        monkeypatch.setenv("SENSOR_GATEWAY_BOOT_ID", "2" * 32)
        assert past() == (4, 1, "machine")
        gateway.kill()
        broken = GatewayProcess(tmp_path, text, change=CRASHES)
        broken.start()
        assert broken.process is not None
        assert broken.process.wait(30) != 0
        assert past() == (6, 3, "crashed")
        assert told(gateway)["past"]["reason"] == "LookupError: nobody expected this"
        (gateway.state / "history").write_bytes(b"\0" * 100)
        gateway.kill()
        assert past() == (1, 1, None)
    finally:
        gateway.kill()


def test_an_end_by_the_watchdog_is_told_as_that(
    ear: Ear, tmp_path: Path, wait_until: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """systemd's part is played: SIGABRT where no sign of life came for so long (systemd.service(5), WatchdogSec=)."""
    text = small_config("barn", ear.port)
    manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    manager.bind(str(tmp_path / "notify"))
    monkeypatch.setenv("SENSOR_GATEWAY_BOOT_ID", "1" * 32)
    with monkeypatch.context() as served, manager:
        served.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        served.setenv("WATCHDOG_USEC", "9000000")
        still = GatewayProcess(tmp_path, text, change=STANDS_STILL)
        still.start()
        assert still.process is not None
        history = still.state / "history"
        wait_until(lambda: history.exists() and b"watchdog" in history.read_bytes(), 90)
        still.process.send_signal(signal.SIGABRT)
        assert still.process.wait(30) == -signal.SIGABRT
    gateway = GatewayProcess(tmp_path, text)
    try:
        gateway.start()
        wait_until(lambda: bool(told(gateway)), 30)
        past = told(gateway)["past"]
        assert past["ended"] == "watchdog"
        assert "the publisher made no progress" in past["reason"]
    finally:
        gateway.kill()
