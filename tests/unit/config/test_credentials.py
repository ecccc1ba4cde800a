from __future__ import annotations

from pathlib import Path

import pytest

from sensor_gateway.config.credentials import resolve_secrets
from sensor_gateway.config.drivers import Catalogue
from sensor_gateway.config.loading import load, load_text
from sensor_gateway.config.settings import Configuration
from sensor_gateway.config.values.secret import Secret

BY_FILE = "mqtt:\n  url: mqtt://h\n  username: u\n  password_file: mqtt-password\n"
INLINE = "mqtt:\n  url: mqtt://h\n  username: u\n  password: hunter2\n"


class Home:
    """A directory with a configuration, and perhaps credentials."""

    def __init__(self, root: Path, catalogue: Catalogue) -> None:
        self.root = root
        self.file = root / "gateway.yaml"
        self.secret = root / "mqtt-password"
        self.credentials = root / "credentials"
        self.credentials.mkdir()
        self._catalogue = catalogue

    def load(self, text: str) -> Configuration:
        self.file.write_text(text)
        configuration = load(self.file, catalogue=self._catalogue, environ={}).configuration
        assert configuration is not None
        return configuration

    def password(self, text: str, **environ: str) -> str:
        configuration, faults = resolve_secrets(self.load(text), environ=environ)
        assert faults == ()
        assert configuration.mqtt is not None
        assert configuration.mqtt.password is not None
        return configuration.mqtt.password.reveal()

    def fault(self, text: str, **environ: str) -> str:
        _, (fault,) = resolve_secrets(self.load(text), environ=environ)
        return str(fault)


@pytest.fixture
def home(tmp_path: Path, drivers: Catalogue) -> Home:
    return Home(tmp_path, drivers)


def test_loading_opens_no_secret(home: Home) -> None:
    configuration = home.load(BY_FILE)
    assert configuration.mqtt is not None
    assert configuration.mqtt.password is None


def test_a_private_file_beside_the_configuration_is_read_without_its_last_line_break(home: Home) -> None:
    home.secret.write_text(" pass word \r\n")
    home.secret.chmod(0o600)
    assert home.password(BY_FILE) == " pass word "


def test_a_credential_goes_before_the_file_and_the_prefixed_one_before_the_other(home: Home) -> None:
    home.secret.write_text("file")
    home.secret.chmod(0o600)
    (home.credentials / "mqtt-password").write_text("plain")
    assert home.password(BY_FILE, CREDENTIALS_DIRECTORY=str(home.credentials)) == "plain"
    (home.credentials / "secret_mqtt-password").write_text("prefixed")
    assert home.password(BY_FILE, CREDENTIALS_DIRECTORY=str(home.credentials)) == "prefixed"


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o666])
def test_a_file_that_others_can_read_is_refused_with_the_command_that_repairs_it(home: Home, mode: int) -> None:
    home.secret.write_text("x")
    home.secret.chmod(mode)
    assert home.fault(BY_FILE) == (
        f"{home.file}:4:18 mqtt.password_file: others can read {home.secret}; "
        f"expected it to be private: chmod 600 {home.secret}"
    )


def test_a_missing_secret_names_the_command_that_makes_it(home: Home) -> None:
    assert home.fault(BY_FILE).endswith(f"expected the password in it: install -m 600 /dev/stdin {home.secret}")


@pytest.mark.parametrize(
    ("content", "said"), [(b"", "is empty"), (b"\n", "is empty"), (b"\xff", "no"), (b"x" * 70_000, "is too large")]
)
def test_a_file_that_holds_no_password_is_a_fault(home: Home, content: bytes, said: str) -> None:
    home.secret.write_bytes(content)
    home.secret.chmod(0o600)
    assert said in home.fault(BY_FILE)


def test_a_directory_is_no_secret(home: Home) -> None:
    home.secret.mkdir()
    assert "cannot be read" in home.fault(BY_FILE)


def test_an_inline_password_needs_a_file_that_others_cannot_read(home: Home) -> None:
    home.file.touch()
    home.file.chmod(0o644)
    fault = home.fault(INLINE)
    assert fault.endswith(f"expected `password_file:`, or chmod o-rwx {home.file}")
    assert "hunter2" not in fault
    home.file.chmod(0o640)
    assert home.password(INLINE) == "hunter2"


def test_a_password_from_the_environment_needs_no_private_file(home: Home) -> None:
    home.file.write_text("mqtt:\n  url: mqtt://h\n  username: u\n  password: ${PW}\n")
    home.file.chmod(0o644)
    configuration = load(home.file, catalogue=home._catalogue, environ={"PW": "x"}).configuration
    assert configuration is not None
    assert resolve_secrets(configuration, environ={})[1] == ()


def test_without_a_broker_there_is_nothing_to_open(home: Home) -> None:
    assert resolve_secrets(Configuration(), environ={}) == (Configuration(), ())


def test_a_secret_hides_itself(home: Home) -> None:
    configuration = home.load(INLINE)
    assert "hunter2" not in repr(configuration)
    secret = Secret("hunter2")
    assert "hunter2" not in f"{secret} {secret!r}"
    assert secret == Secret("hunter2")
    assert secret != Secret("other")
    assert hash(secret) == hash(Secret("hunter2"))


@pytest.mark.parametrize("key", ["password: hunter2", "password_file: mqtt-password", "password: ${PW}"])
def test_a_password_that_would_travel_unencrypted_is_one_warning_at_its_place(home: Home, key: str) -> None:
    def warnings(url: str, key: str) -> list[str]:
        text = f"mqtt:\n  url: {url}\n  username: u\n  {key}\n"
        loaded = load_text(text, catalogue=home._catalogue, environ={"PW": "hunter2"}, file=Path("gateway.yaml"))
        assert loaded.faults == ()
        return [str(warning) for warning in loaded.warnings]

    name = key.partition(":")[0]
    column = len(name) + 5
    said = "the password goes to broker.lan unencrypted, and all events too; expected `url: mqtts://broker.lan`"
    assert warnings("mqtt://broker.lan", key) == [f"gateway.yaml:4:{column} mqtt.{name}: {said}"]
    assert warnings("mqtts://broker.lan", key) == []
    assert warnings("mqtt://127.0.0.1", key) == []
    assert warnings("mqtt://localhost", key) == []
    assert warnings("mqtt://broker.lan", "topic_prefix: sensors/v1") == []
