"""No object that holds a secret shows it, however it is turned into text."""

from __future__ import annotations

import copy
import dataclasses
import traceback
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from sensor_gateway.config.credentials import resolve_secrets
from sensor_gateway.config.drivers import Catalogue
from sensor_gateway.config.loading import load
from sensor_gateway.config.sections.broker import MqttSection
from sensor_gateway.config.settings import Configuration
from sensor_gateway.config.show import show
from sensor_gateway.config.values.broker_url import BrokerUrl
from sensor_gateway.config.values.secret import Secret
from sensor_gateway.service.plans import broker_settings

CANARY = "c4n4ry-9d41f7"


@pytest.fixture(params=["password", "password_file", "credential", "environment"])
def configuration(request: pytest.FixtureRequest, tmp_path: Path, drivers: Catalogue) -> Configuration:
    """A configuration with its secret opened, from each place where one can stand."""
    environ: dict[str, str] = {}
    file = tmp_path / "gateway.yaml"
    key = "password_file: mqtt-password"
    if request.param == "password":
        key = f"password: {CANARY}"
    elif request.param == "password_file":
        (tmp_path / "mqtt-password").write_text(CANARY)
        (tmp_path / "mqtt-password").chmod(0o600)
    elif request.param == "credential":
        credentials = tmp_path / "credentials"
        credentials.mkdir()
        (credentials / "secret_mqtt-password").write_text(CANARY)
        environ["CREDENTIALS_DIRECTORY"] = str(credentials)
    else:
        key, environ["MQTT_PASSWORD"] = "password: ${MQTT_PASSWORD}", CANARY
    file.write_text(f"mqtt:\n  url: mqtt://h\n  username: u\n  {key}\n")
    file.chmod(0o600)
    loaded = load(file, catalogue=drivers, environ=environ)
    assert loaded.configuration is not None
    opened, faults = resolve_secrets(loaded.configuration, environ=environ)
    assert faults == ()
    return opened


def _texts(thing: object) -> Iterator[str]:
    """Every way in which ``thing`` and all that it holds is turned into text."""
    yield from (repr(thing), str(thing), f"{thing}", f"{[thing]}", f"{ {'key': thing} }", ascii(thing))
    if dataclasses.is_dataclass(thing):
        for field in dataclasses.fields(thing):
            if field.repr:
                yield from _texts(getattr(thing, field.name))
    if isinstance(thing, Mapping):
        for inner in thing.values():
            yield from _texts(inner)
    if isinstance(thing, tuple):
        for inner in thing:
            yield from _texts(inner)


def _section(configuration: Configuration) -> MqttSection:
    assert configuration.mqtt is not None
    return configuration.mqtt


def test_the_secret_is_there_and_in_no_text_of_any_object(configuration: Configuration) -> None:
    section = _section(configuration)
    assert section.password is not None
    assert section.password.reveal() == CANARY
    broker = broker_settings(section, client_id="x")
    assert broker.password == CANARY
    for thing in (configuration, broker, broker_settings, copy.copy(section), dataclasses.replace(broker, port=1)):
        assert not [text for text in _texts(thing) if CANARY in text]
    assert CANARY not in show(configuration)


def test_a_traceback_shows_no_secret(configuration: Configuration) -> None:
    section = _section(configuration)

    def fail(*things: object) -> None:
        raise RuntimeError(*things)

    with pytest.raises(RuntimeError) as caught:
        fail(section, broker_settings(section, client_id="x"))
    told = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
    assert CANARY not in "".join(told.format())


def test_the_search_can_find() -> None:
    """The control: what shows its text is found, on whatever level."""

    @dataclasses.dataclass(frozen=True)
    class Careless:
        inner: tuple[object, ...]

    assert [text for text in _texts(Careless((Careless((CANARY,)),))) if CANARY in text]


def test_a_secret_equals_its_like_and_stays_hidden_in_a_dictionary() -> None:
    assert Secret(CANARY) == Secret(CANARY)
    assert Secret(CANARY) != CANARY
    section = MqttSection(url=BrokerUrl(host="h", port=1, is_tls=True), password=Secret(CANARY))
    assert CANARY not in repr(dataclasses.asdict(section))
