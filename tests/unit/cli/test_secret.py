"""``secret``: where a password goes, who can read it, and that it is shown nowhere."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from sensor_gateway.cli.upkeep import secret
from sensor_gateway.config.credentials import resolve_secrets
from sensor_gateway.config.loading import load
from sensor_gateway.sensing.catalogue import DriverCatalogue

Cli = Callable[..., Any]


@pytest.fixture
def give(monkeypatch: pytest.MonkeyPatch) -> Callable[[bytes], None]:
    """What comes on standard input."""

    def give(data: bytes) -> None:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data), "utf-8"))

    return give


def names(directory: Path) -> list[str]:
    return [file.name for file in directory.iterdir()]


def opened(directory: Path, name: str, environ: Mapping[str, str]) -> str | None:
    """The password that the gateway finds by this name, with the credentials that systemd made of the directory."""
    file = directory.parent / "gateway.yaml"
    file.write_text(f"mqtt: {{url: mqtt://broker.invalid, username: house, password_file: {name}}}\n")
    loaded = load(file, catalogue=DriverCatalogue(), environ={}, needs_broker=True)
    assert loaded.configuration is not None
    configuration, faults = resolve_secrets(loaded.configuration, environ=environ)
    assert faults == ()
    assert configuration.mqtt is not None
    return None if configuration.mqtt.password is None else configuration.mqtt.password.reveal()


def test_what_is_set_is_what_the_gateway_uses(cli: Cli, give: Callable[[bytes], None], tmp_path: Path) -> None:
    directory = tmp_path / "credentials"
    directory.mkdir(mode=0o700)
    give("sésame, 日本\n".encode())
    ended = cli("secret", "set", "mqtt-password", "--directory", directory)
    assert ended.code == os.EX_OK
    assert ended.out == ""
    assert "sésame" not in ended.err
    assert f"password_file: {directory}/mqtt-password" in ended.err
    assert oct((directory / "mqtt-password").stat().st_mode & 0o777) == "0o600"
    assert names(directory) == ["mqtt-password"]
    assert opened(directory, "mqtt-password", {"CREDENTIALS_DIRECTORY": str(directory)}) == "sésame, 日本"
    assert opened(directory, str(directory / "mqtt-password"), {}) == "sésame, 日本"


def test_a_later_one_takes_the_place_of_an_earlier_one_whatever_its_mode(
    cli: Cli, give: Callable[[bytes], None], tmp_path: Path
) -> None:
    (tmp_path / "mqtt-password").write_text("old")
    (tmp_path / "mqtt-password").chmod(0o644)
    (tmp_path / ".mqtt-password.new").symlink_to("/dev/full")
    give(b"new")
    assert cli("secret", "set", "mqtt-password", "--directory", tmp_path).code == os.EX_OK
    assert (tmp_path / "mqtt-password").read_text() == "new"
    assert oct((tmp_path / "mqtt-password").stat().st_mode & 0o777) == "0o600"


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty"),
        (b"\n", "empty"),
        (b"\xff\xfe", "UTF-8"),
        (b"a\0b", "a zero"),
        (b"x" * (secret.LONGEST_SECRET + 1), "longer than 65536"),
    ],
)
def test_what_can_be_no_password_is_refused_and_the_earlier_one_stays(
    cli: Cli, give: Callable[[bytes], None], tmp_path: Path, data: bytes, reason: str
) -> None:
    (tmp_path / "mqtt-password").write_text("old")
    give(data)
    ended = cli("secret", "set", "mqtt-password", "--directory", tmp_path)
    assert ended.code == os.EX_USAGE
    assert reason in ended.err
    assert "nothing was written" in ended.err
    assert (tmp_path / "mqtt-password").read_text() == "old"
    assert names(tmp_path) == ["mqtt-password"]


@pytest.mark.parametrize("name", ["../evil", "a/b", ".hidden", "", "with space", "x" * 65, "-x:y"])
def test_a_name_that_leads_elsewhere_is_refused(
    cli: Cli, give: Callable[[bytes], None], tmp_path: Path, name: str
) -> None:
    give(b"x")
    assert cli("secret", "set", "--directory", tmp_path, "--", name).code == os.EX_USAGE
    assert names(tmp_path) == []


def test_white_space_at_an_end_is_kept_and_told_of(cli: Cli, give: Callable[[bytes], None], tmp_path: Path) -> None:
    give(b" x \n\n")
    ended = cli("secret", "set", "p", "--directory", tmp_path)
    assert ended.code == os.EX_OK
    assert "white space" in ended.err
    assert (tmp_path / "p").read_bytes() == b" x \n"


def test_where_there_is_no_directory_it_says_how_to_make_one(
    cli: Cli, give: Callable[[bytes], None], tmp_path: Path
) -> None:
    give(b"x")
    ended = cli("secret", "set", "p", "--directory", tmp_path / "none")
    assert ended.code == os.EX_CANTCREAT
    assert f"sudo install -d -m 700 {tmp_path}/none" in ended.err
    assert cli("secret", "list", "--directory", tmp_path / "none").code == os.EX_NOINPUT


def test_a_disk_that_is_full_leaves_the_earlier_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "p").write_text("old")

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        secret.write_secret(tmp_path / "p", "new")
    assert (tmp_path / "p").read_text() == "old"
    assert names(tmp_path) == ["p"]


def test_the_list_has_names_alone(cli: Cli, tmp_path: Path) -> None:
    for name in ("b", "a", ".a.new"):
        (tmp_path / name).write_text("sesame")
    (tmp_path / "folder").mkdir()
    ended = cli("secret", "list", "--directory", tmp_path)
    assert (ended.code, ended.out, ended.err) == (os.EX_OK, "a\nb\n", "")


def test_on_a_terminal_it_is_asked_for_twice(
    cli: Cli, give: Callable[[bytes], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = iter(["sesame", "sesam", "sesame", "sesame"])
    asked: list[str] = []

    def answer(prompt: str) -> str:
        asked.append(prompt)
        return next(answers)

    give(b"")
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    monkeypatch.setattr("getpass.getpass", answer)
    assert cli("secret", "set", "p", "--directory", tmp_path).code == os.EX_USAGE
    assert cli("secret", "set", "p", "--directory", tmp_path).code == os.EX_OK
    assert (tmp_path / "p").read_text() == "sesame"
    assert asked == ["p: ", "and once more: "] * 2
