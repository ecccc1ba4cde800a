"""This checkout on a machine, with a bus in software."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import pytest
from booting.checkout import install_checkout
from booting.machine import Machine

CONFIG = """
gateway: {id: box}
mqtt: {url: 'mqtt://127.0.0.1'}
clock: {hold: 0s}
defaults: {interval: 1s}
buses: {wire: {type: simulated, kind: i2c}}
sensors:
  attic: {driver: bme280, bus: wire}
"""
FILE = "etc/sensor-gateway/gateway.yaml"
DROP_IN = "etc/systemd/system/sensor-gateway.service.d/test.conf"


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """A machine with the gateway on it."""

    machine: Machine

    def boot(self, config: str = CONFIG, *, service: str = "") -> None:
        """``service``: lines of a drop-in, as an operator writes them."""
        self.machine.write(FILE, config)
        if service:
            self.machine.write(DROP_IN, f"[Service]\n{service}\n")
        self.machine.boot()

    @property
    def status(self) -> str:
        return self.machine.unit()["StatusText"]

    def retained(self, topic: str) -> Any:
        said = self.machine.run("mosquitto_sub", "-t", f"sensors/v1/box/{topic}", "-C", "1", "-W", "10").stdout
        return json.loads(said)


@pytest.fixture
def house(machine: Machine) -> House:
    install_checkout(machine.root)
    return House(machine=machine)
