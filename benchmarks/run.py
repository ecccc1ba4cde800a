"""Prints the figures of benchmarks/README.md: each load in a process of its own, against a mosquitto of its own.

Then what each driver costs (``drivers.py``).

usage: python benchmarks/run.py [quick]
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sensor_gateway.service.demonstration.local_broker import wait_until_open
from sensor_gateway.service.demonstration.loopback_ports import free_port

HERE = Path(__file__).parent

ENVIRONMENT = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
"""As on a machine where the program is installed: compiled once."""

LOADS: dict[str, list[str]] = {
    "100 BH1750, 1 bus, all change": ["--sensors", "100"],
    "100 BH1750, 1 bus, states off": ["--sensors", "100", "--no-states"],
    "100 BH1750, 1 bus, none changes": ["--sensors", "100", "--still"],
    "100 mixed, 1 bus, all change": ["--sensors", "100", "--mix"],
    "1000 BH1750, 10 buses, all change": ["--sensors", "1000", "--buses", "10"],
    "1000 BH1750, 10 buses, states off": ["--sensors", "1000", "--buses", "10", "--no-states"],
    "1000 BH1750, 10 buses, none changes": ["--sensors", "1000", "--buses", "10", "--still"],
    "1000 mixed, 10 buses, all change": ["--sensors", "1000", "--buses", "10", "--mix"],
    "100 BH1750 through smbus2": ["--sensors", "100", "--smbus2"],
    "1000 BH1750, 10 buses, through smbus2": ["--sensors", "1000", "--buses", "10", "--smbus2"],
    "idle: 4 BH1750, all change": ["--sensors", "4", "--seconds", "30"],
    "idle: 4 BH1750, none changes": ["--sensors", "4", "--seconds", "30", "--still"],
}


@contextmanager
def mosquitto() -> Iterator[int]:
    """A broker with wide limits on a free loopback port."""
    port = free_port()
    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory) / "mosquitto.conf"
        file.write_text(
            f"listener {port} 127.0.0.1\nallow_anonymous true\n"
            "max_queued_messages 1000000\nmax_inflight_messages 1000\n"
        )
        program = "/usr/sbin/mosquitto"
        with subprocess.Popen([program, "-c", str(file)], stderr=subprocess.DEVNULL) as process:
            wait_until_open(port, 10)
            try:
                yield port
            finally:
                process.terminate()


def measure(load: list[str]) -> dict[str, object]:
    """One run of one load."""
    with mosquitto() as port:
        command = [sys.executable, str(HERE / "load.py"), "--port", str(port), *load]
        done = subprocess.run(command, check=True, capture_output=True, text=True, env=ENVIRONMENT)
    figures: dict[str, object] = json.loads(done.stdout)
    return figures


def main() -> None:
    quick = "quick" in sys.argv[1:]
    columns = ("readings", "events", "cpu_us_per_reading", "cpu_s_per_min", "wakeups_per_s", "rss_mb", "start_cpu_s")
    print(f"{'load':40} " + " ".join(f"{column:>18}" for column in columns))
    for name, load in LOADS.items():
        rounds = [] if not quick else ["--seconds", "5", "--warm-up", "2"]
        figures = measure([*load, *rounds])
        print(f"{name:40} " + " ".join(f"{figures[column]!s:>18}" for column in columns), flush=True)
        threading.Event().wait(0.5)
    print(flush=True)
    subprocess.run([sys.executable, str(HERE / "drivers.py"), *sys.argv[1:]], check=True, env=ENVIRONMENT)


if __name__ == "__main__":
    main()
