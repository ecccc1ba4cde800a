"""How a life ended, as the next one tells it: real processes that are stopped, killed and broken."""

from __future__ import annotations

import json
import os
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
        wait_until(lambda: bool(told(gateway)), 30)
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
