"""What the tests of a running gateway's configuration share: files to load, and what they come to."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from sensor_gateway.config.loading import Startable
from sensor_gateway.sensing.catalogue import DriverCatalogue
from sensor_gateway.service.configuration.reading import ConfigurationSource
from sensor_gateway.service.configuration.setup import Setup, setup_of

HOUSE = """\
gateway: {id: house}
mqtt: {url: mqtt://localhost}
buses:
  wire: {type: simulated, kind: i2c}
sensors:
  attic: {driver: tmp1075, bus: wire, address: 0x48}
  bench: {driver: tmp1075, bus: wire, address: 0x49}
  cellar: {driver: bh1750, bus: i2c1}
"""


@pytest.fixture(scope="session")
def catalogue() -> DriverCatalogue:
    return DriverCatalogue()


@pytest.fixture
def house() -> str:
    return HOUSE


@pytest.fixture
def setup_from(tmp_path: Path) -> Callable[[str], Setup]:
    """The setup that a text comes to, read as from a file."""

    def make(text: str) -> Setup:
        file = tmp_path / "gateway.yaml"
        file.write_text(text)
        reading = ConfigurationSource(file, {}).read()
        assert reading.configuration is not None, reading.faults
        gateway = reading.configuration.gateway.id or "house"
        return setup_of(
            Startable(configuration=reading.configuration), reading.catalogue, gateway=gateway, own_client_id="house-1"
        )

    return make
