"""What is said of a configuration that the gateway runs by and that cannot be kept."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from proving.logs import Journal

from sensor_gateway.config.text.faults import Fault
from sensor_gateway.service.configuration.last_good import LastGood
from sensor_gateway.service.configuration.reading import ConfigurationSource, Reading
from sensor_gateway.service.reloading.reload import Reloader
from sensor_gateway.simulation.virtual_clock import VirtualClock


@pytest.fixture
def reading(tmp_path: Path, house: str) -> Reading:
    file = tmp_path / "gateway.yaml"
    file.write_text(house)
    return ConfigurationSource(file, {}).read()


def said_of(reading: Reading, directory: Path) -> list[str]:
    gateway: Any = SimpleNamespace(setup=None, publishing=None)
    log, source = Journal(), ConfigurationSource(directory / "gateway.yaml", {})
    reloader = Reloader(
        gateway, source, state_directory=directory, last_good=LastGood(directory), clock=VirtualClock(), log=log
    )
    reloader.began(reading)
    return log.names()


def test_a_password_that_cannot_be_left_out_is_told(reading: Reading, tmp_path: Path) -> None:
    assert said_of(reading, tmp_path) == []
    assert said_of(replace(reading, copies=None), tmp_path) == ["configuration_not_kept"]


def test_a_driver_that_cannot_be_used_is_not_taken_for_a_password(reading: Reading, tmp_path: Path) -> None:
    fault = Fault(file=tmp_path / "gateway.yaml", line=8, column=19, path="sensors.bench.driver", message="unusable")
    assert said_of(replace(reading, configuration=None, copies=None, faults=(fault,)), tmp_path) == []


def test_a_password_in_a_file_is_read_anew_each_time_and_a_credential_goes_first(tmp_path: Path) -> None:
    file, secret, credentials = tmp_path / "gateway.yaml", tmp_path / "login", tmp_path / "credentials"
    file.write_text("mqtt: {url: mqtt://localhost, username: me, password_file: login}\n")

    def password(source: ConfigurationSource) -> str:
        configuration = source.read().configuration
        assert configuration is not None
        assert configuration.mqtt is not None
        assert configuration.mqtt.password is not None
        return configuration.mqtt.password.reveal()

    source = ConfigurationSource(file, {"CREDENTIALS_DIRECTORY": str(credentials)})
    for text in ("sesame", "open"):
        secret.write_text(text)
        secret.chmod(0o600)
        assert password(source) == text
    credentials.mkdir()
    (credentials / "secret_login").write_text("from systemd")
    assert password(source) == "from systemd"
