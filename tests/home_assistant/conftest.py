"""A broker, the whole gateway, and a real Home Assistant between them."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from proving.kills.broker import Broker
from proving.kills.gateway import GatewayProcess

PYTHON = os.environ.get("HOME_ASSISTANT_PYTHON", "")
HEADLESS = Path(__file__).with_name("headless.py")
MISSING = "HOME_ASSISTANT_PYTHON names no Python with Home Assistant (see tests/README.md)"
ABOUT_ITSELF = ("async_forward_entry_setups",)
"""What Home Assistant's own code complains of in Home Assistant's own code."""


class HomeAssistant:
    """A Home Assistant as a process; each question brings all that it shows then."""

    def __init__(self, folder: Path, port: int) -> None:
        self._folder = folder
        self._command = [PYTHON, str(HEADLESS), str(folder), str(port), "homeassistant"]
        self._errors = (folder / "stderr").open("wb")
        self._process = subprocess.Popen(
            self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._errors
        )

    def ask(self, what: str = "look") -> dict[str, Any]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{what}\n".encode())
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        assert line, (self._folder / "stderr").read_text()[-2000:]
        answer: dict[str, Any] = json.loads(line)
        return answer

    def entity(self, unique_id: str) -> dict[str, Any]:
        """One entity; empty where there is none."""
        found: dict[str, Any] = self.ask()["entities"].get(f"sensor-gateway.{unique_id}", {})
        return found

    def state(self, unique_id: str) -> str | None:
        return self.entity(unique_id).get("state")

    def judge(self, text: str) -> str:
        """What it says to an ``mqtt:`` section of its own configuration; nothing where it takes it."""
        file = self._folder / "section.yaml"
        file.write_text(text)
        said: str = self.ask(f"judge {file}")["said"]
        return said

    def complaints(self) -> list[str]:
        """Everything at WARNING or above that is not about Home Assistant's own code."""
        return [line for line in self.ask()["complaints"] if not any(own in line for own in ABOUT_ITSELF)]

    def stop(self) -> None:
        if self._process.poll() is None:
            assert self._process.stdin is not None
            self._process.stdin.write(b"stop\n")
            self._process.stdin.close()
            try:
                self._process.wait(20)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()
        self._errors.close()


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    broker = Broker(tmp_path)
    broker.start()
    yield broker
    broker.stop()


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[GatewayProcess]:
    process = GatewayProcess(tmp_path, "")
    yield process
    if process.is_running:
        process.kill()


@pytest.fixture
def start_home_assistant(tmp_path: Path, broker: Broker) -> Iterator[Callable[[], HomeAssistant]]:
    """Starts one; again, it is a Home Assistant that has never seen us."""
    made: list[HomeAssistant] = []

    def start() -> HomeAssistant:
        if not PYTHON:
            pytest.skip(MISSING)
        folder = tmp_path / f"hass{len(made)}"
        folder.mkdir()
        made.append(HomeAssistant(folder, broker.port))
        made[-1].ask()
        return made[-1]

    yield start
    for each in made:
        each.stop()
