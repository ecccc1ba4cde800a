"""``record`` on a real terminal in real time, ended by Ctrl-C; and the replay of what it wrote."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
import threading
import tty
from pathlib import Path

import pytest

pytestmark = pytest.mark.system


def gateway(*words: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "sensor_gateway", *map(str, words)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_a_talking_device_is_recorded_until_ctrl_c_and_replayed(tmp_path: Path) -> None:
    controller, terminal = pty.openpty()
    tty.setraw(terminal)
    config, out = tmp_path / "my.yaml", tmp_path / "lamp.jsonl"
    config.write_text(
        f"buses: {{line: {{type: serial, port: {os.ttyname(terminal)}}}}}\n"
        "sensors: {lamp: {driver: line, bus: line, interval: 1s, format: csv, "
        "fields: {t: {index: 1, quantity: temperature}}}}\n"
    )
    stopped = threading.Event()

    def talk() -> None:
        number = 0
        while not stopped.wait(0.05):
            number += 1
            os.write(controller, f"{20 + number % 10}.5\r\n".encode())

    talker = threading.Thread(target=talk)
    talker.start()
    try:
        recorder = gateway("record", "lamp", out, "--config", config, "--for", "10min")
        for _ in range(400):
            if out.exists() and out.read_text().count('"came"') >= 10:
                break
            stopped.wait(0.05)
        recorder.send_signal(signal.SIGINT)
        _, told = recorder.communicate(timeout=20)
    finally:
        stopped.set()
        talker.join()
        os.close(controller)
        os.close(terminal)
    assert recorder.returncode == 0, told
    assert "good readings" in told
    replay = gateway("replay", out)
    shown, told = replay.communicate(timeout=20)
    assert (replay.returncode, told) == (0, "")
    lines = shown.splitlines()
    assert len(lines) >= 8
    assert all(line.endswith(".5 °C") for line in lines)
