"""The daemon as systemd starts it: found by the environment alone, and heard on its socket."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from proving.kills.gateway import house_config

pytestmark = [pytest.mark.system]

Wait = Callable[..., None]

HANGS = """
import time
from sensor_gateway.publishing.publisher import Publisher

sound = Publisher.step

def step(self, wait_s=0.0):
    if self.progress > 20:
        time.sleep(600)
    return sound(self, wait_s)

Publisher.step = step
"""
HANGS_IN_BOTH_BUSES = """
import time
from sensor_gateway.sensing.poller import Poller

sound = Poller.step

def step(self):
    if self.progress > 5:
        time.sleep(600)
    return sound(self)

Poller.step = step
"""
RUNS = "import sys\nfrom sensor_gateway.cli.main import main\nsys.exit(main())\n"


class Manager:
    """What systemd gives a service, and what it hears of it."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.heard: list[str] = []
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(directory / "notify"))
        self._socket.settimeout(0)
        for name in ("state", "runtime", "credentials"):
            (directory / name).mkdir()
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, config: str, *, change: str = "", **more: str) -> None:
        file = self.directory / "gateway.yaml"
        file.write_text(config)
        program = self.directory / "program.py"
        program.write_text(change + RUNS)
        environ = {
            "PATH": os.environ["PATH"],
            "STATE_DIRECTORY": str(self.directory / "state"),
            "RUNTIME_DIRECTORY": str(self.directory / "runtime"),
            "CREDENTIALS_DIRECTORY": str(self.directory / "credentials"),
            "SENSOR_GATEWAY_BOOT_ID": "1b4e28ba2fa111d2883f0016d3cca427",
            "NOTIFY_SOCKET": str(self.directory / "notify"),
            "WATCHDOG_USEC": "2000000",
            **more,
        }
        with (self.directory / "log").open("ab") as out:
            self.process = subprocess.Popen(
                [sys.executable, str(program), "run", "--config", str(file)],
                env=environ, cwd="/", stdin=subprocess.DEVNULL, stdout=out, stderr=out,
            )  # fmt: skip

    def listen(self) -> list[str]:
        """All that was heard so far."""
        while True:
            try:
                self.heard += self._socket.recv(4096).decode().split("\n")
            except BlockingIOError:
                return self.heard

    def entry(self, event: str) -> dict[str, Any]:
        lines = (self.directory / "log").read_text().splitlines()
        return next((entry for entry in map(json.loads, lines) if entry["event"] == event), {})

    def close(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
        self._socket.close()


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[Manager]:
    manager = Manager(tmp_path)
    yield manager
    manager.close()


def test_it_says_that_it_is_ready_how_it_is_that_it_lives_and_that_it_stops(
    manager: Manager, broker: Any, wait_until: Wait
) -> None:
    broker.start()
    manager.start(house_config(broker.door.port, sensors=2))
    well = re.compile(r"STATUS=2/2 sensors ok; mqtt up; \d+ buffered; clock synced")
    wait_until(lambda: any(well.fullmatch(state) for state in manager.listen()))
    assert manager.heard[0] == "READY=1"
    wait_until(lambda: manager.listen().count("WATCHDOG=1") > 3)
    assert manager.process is not None
    manager.process.terminate()
    assert manager.process.wait(10) == 0
    assert manager.listen()[-2:] == ["STOPPING=1", "STATUS=stopping"]


def test_everything_it_keeps_is_where_systemd_says(manager: Manager, broker: Any, wait_until: Wait) -> None:
    """State and journal in their directories, the password from the credentials, the boot from the unit."""
    broker.start()
    (manager.directory / "credentials" / "secret_mqtt-password").write_text("sesame\n")
    config = house_config(broker.door.port, sensors=1).replace(
        "retry_max: 1s", "retry_max: 1s, username: house, password_file: mqtt-password"
    )
    manager.start(config)
    wait_until(lambda: "READY=1" in manager.listen())
    wait_until(lambda: any(state.startswith("STATUS=1/1 sensors ok; mqtt up") for state in manager.listen()))
    assert list((manager.directory / "runtime").iterdir())
    assert list((manager.directory / "state").iterdir())
    health = json.loads(broker.retained["sensors/v1/house/health"])
    assert health["boot"] == "1b4e28ba"
    assert not (manager.directory / ".local").exists()


def test_a_publisher_that_hangs_is_not_spoken_for(manager: Manager, broker: Any, wait_until: Wait) -> None:
    broker.start()
    manager.start(house_config(broker.door.port, sensors=2), change=HANGS)
    assert_silence_follows(manager, wait_until)


def test_buses_that_all_hang_are_not_spoken_for(manager: Manager, broker: Any, wait_until: Wait) -> None:
    broker.start()
    manager.start(house_config(broker.door.port, sensors=2), change=HANGS_IN_BOTH_BUSES)
    assert_silence_follows(manager, wait_until)


def test_a_process_that_is_ended_for_its_silence_shows_where_it_stood(
    manager: Manager, broker: Any, wait_until: Wait
) -> None:
    broker.start()
    manager.start(house_config(broker.door.port, sensors=2), change=HANGS)
    assert_silence_follows(manager, wait_until)
    assert manager.process is not None
    manager.process.send_signal(signal.SIGABRT)
    assert manager.process.wait(10) == -signal.SIGABRT
    log = (manager.directory / "log").read_text()
    assert 'program.py", line 9 in step' in log


def assert_silence_follows(manager: Manager, wait_until: Wait) -> None:
    """For longer than the watchdog waits, while the main thread goes on: it would stop at once if asked."""
    wait_until(lambda: "READY=1" in manager.listen())
    heard: list[int] = []

    def is_silent() -> bool:
        heard.append(manager.listen().count("WATCHDOG=1"))
        return len(heard) > 200 and heard[-1] == heard[-200]  # 200 looks are four seconds

    wait_until(is_silent, 40.0)
    assert manager.process is not None
    assert manager.process.poll() is None


def test_a_reload_is_told_from_its_begin_to_its_end(manager: Manager, broker: Any, wait_until: Wait) -> None:
    broker.start()
    manager.start(house_config(broker.door.port, sensors=1))
    wait_until(lambda: "READY=1" in manager.listen())
    (manager.directory / "gateway.yaml").write_text("sensors: 1\n")
    assert manager.process is not None
    manager.process.send_signal(1)
    wait_until(lambda: "RELOADING=1" in manager.listen())
    wait_until(lambda: manager.listen().count("READY=1") == 2)
    behind = manager.heard[manager.heard.index("RELOADING=1") :]
    assert behind[1].startswith("MONOTONIC_USEC=")
    assert any("the configuration file has" in state for state in behind)
