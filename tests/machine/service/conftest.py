"""This checkout on a machine, with a bus in software."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from booting.checkout import install_checkout
from booting.machine import Machine

FILE = "etc/sensor-gateway/gateway.yaml"
DROP_IN = "etc/systemd/system/sensor-gateway.service.d/test.conf"


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """A machine with the gateway on it."""

    machine: Machine

    def boot(self, config: str, *, service: str = "") -> None:
        """``service``: lines of a drop-in, as an operator writes them."""
        self.machine.write(FILE, config)
        if service:
            self.machine.write(DROP_IN, f"[Service]\n{service}\n")
        self.machine.boot()

    @property
    def status(self) -> str:
        return self.machine.unit()["StatusText"]


@pytest.fixture
def house(machine: Machine) -> House:
    install_checkout(machine.root)
    return House(machine=machine)
