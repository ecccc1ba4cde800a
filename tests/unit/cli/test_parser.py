from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from sensor_gateway import __version__
from sensor_gateway.cli.arguments import DEFAULT_FILE, program
from sensor_gateway.cli.main import parser

README = Path(__file__).resolve().parents[3] / "README.md"

COMMANDS = [
    "run", "status", "reload", "check-config", "config", "config show", "config schema", "simulate", "demo", "scan",
    "read", "record", "replay", "tail", "fleet", "drivers", "devices",
    "outbox", "outbox status", "outbox peek", "outbox verify", "outbox export", "outbox purge",
    "doctor", "bugreport", "schemas", "completion",
    "secret", "secret set", "secret list", "install-service",
]  # fmt: skip


def subparser(name: str) -> argparse.ArgumentParser:
    found: argparse.ArgumentParser = parser()
    for word in name.split():
        choices = next(action.choices for action in found._actions if isinstance(action.choices, dict))
        found = choices[word]
    return found


def arguments_of(name: str) -> Iterator[argparse.Action]:
    return (action for action in subparser(name)._actions if not isinstance(action, argparse._HelpAction))


def test_these_are_the_commands() -> None:
    choices = next(action.choices for action in parser()._actions if isinstance(action.choices, dict))
    assert set(choices) == {name.partition(" ")[0] for name in COMMANDS}


@pytest.mark.parametrize("name", COMMANDS)
def test_the_help_of_every_command_explains_it_and_gives_an_example(cli: Callable[..., Any], name: str) -> None:
    ended = cli(*name.split(), "--help")
    assert (ended.code, ended.err) == (0, "")
    assert f"\n  sensor-gateway {name}" in ended.out
    assert len((subparser(name).description or "").splitlines()) >= 3


@pytest.mark.parametrize("name", COMMANDS)
def test_every_argument_says_what_it_is(name: str) -> None:
    assert not [action.dest for action in arguments_of(name) if not action.help and not action.choices]


@pytest.mark.parametrize("name", COMMANDS)
def test_every_example_in_a_help_can_be_parsed(name: str) -> None:
    lines = (subparser(name).description or "").splitlines()
    examples = [line.split() for line in lines if line.startswith("  sensor-gateway ")]
    assert examples
    for words in examples:
        stops = [place for place, word in enumerate(words) if word in ("|", ">")]
        parser().parse_args(words[1 : stops[0] if stops else None])


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("chek",),
        ("config",),
        ("drivers", "a", "b"),
        ("run", "--no-such"),
        ("run", "--conf", "x"),
        ("read", "--al"),
    ],
)
def test_wrong_usage_is_64_and_says_where_to_read_on(cli: Callable[..., Any], words: tuple[str, ...]) -> None:
    ended = cli(*words)
    assert (ended.code, ended.out) == (64, "")
    assert "--help tells more" in ended.err


@pytest.mark.parametrize(
    "words",
    [("check-config", "--no-such"), ("simulate", "a.yaml", "b.yaml"), ("run", "--no-such"), ("config", "show", "--x")],
)
def test_wrong_usage_shows_the_usage_of_its_own_command(cli: Callable[..., Any], words: tuple[str, ...]) -> None:
    """A newcomer wrote `check-config --config F`, and was shown the usage of the whole program."""
    command = " ".join(word for word in words if not word.startswith("-") and "." not in word)
    ended = cli(*words)
    assert ended.code == 64
    assert ended.err.startswith(f"usage: sensor-gateway {command} [-h]")
    assert ended.err.endswith(f"sensor-gateway {command} --help tells more\n")


WITH_A_FILE = [("check-config",), ("simulate",), ("config", "show"), ("read", "attic"), ("run",), ("tail",)]


@pytest.mark.parametrize("command", WITH_A_FILE, ids=" ".join)
def test_a_configuration_is_named_by_its_place_or_by_the_option(
    cli: Callable[..., Any], tmp_path: Path, command: tuple[str, ...]
) -> None:
    path, other = tmp_path / "mine.yaml", tmp_path / "other.yaml"
    for words in ((path,), ("--config", path), (path, "--config", path)):
        ended = cli(*command, *words)
        assert (ended.code, ended.out) == (78, "")
        assert ended.err.startswith(f"{path}:1:1 the file cannot be read")
        assert len(ended.err.splitlines()) == 1
    ended = cli(*command, path, "--config", other)
    assert (ended.code, ended.out) == (64, "")
    assert "usage: sensor-gateway " + command[0] in ended.err
    assert f"one configuration file is expected, got {path} and {other}" in ended.err


@pytest.mark.parametrize("command", WITH_A_FILE, ids=" ".join)
def test_without_a_name_it_is_the_usual_file_and_a_first_one_is_pointed_at(
    cli: Callable[..., Any], command: tuple[str, ...]
) -> None:
    if DEFAULT_FILE.exists():
        pytest.skip("this machine has a gateway")
    ended = cli(*command)
    assert ended.code == 78
    assert ended.err.startswith(f"{DEFAULT_FILE}:1:1 ")
    assert "simulate --help` shows a first one" in ended.err


def test_several_files_are_checked_but_not_with_yet_another_as_an_option(
    cli: Callable[..., Any], file: Callable[..., Path]
) -> None:
    one, two = file(name="one.yaml"), file(name="two.yaml")
    assert cli("check-config", one, two).code == 0
    assert cli("check-config", one, two, "--config", two).code == 64


def test_the_program_is_named_so_that_it_is_found_from_anywhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The demonstration ended with a command that the shell did not find: a venv is not on the PATH."""
    installed = tmp_path / "a venv" / "sensor-gateway"
    installed.parent.mkdir()
    installed.touch(mode=0o755)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setenv("HOME", "/home/nobody")
    assert program("a venv/sensor-gateway") == f"'{installed}'"
    assert program("/home/nobody/gw/bin/sensor-gateway") == "~/gw/bin/sensor-gateway"
    assert program("gateway/__main__.py") == f"{sys.executable} -m sensor_gateway"
    monkeypatch.setenv("PATH", str(installed.parent))
    assert program(str(installed)) == "sensor-gateway"


def test_the_version_is_told(cli: Callable[..., Any]) -> None:
    assert cli("--version").out == f"sensor-gateway {__version__}\n"


def test_the_epilog_names_every_exit_code(cli: Callable[..., Any]) -> None:
    text = cli("--help").out
    for code in ("0 done", "1 a check failed", "64", "66", "69", "70", "74", "75", "77", "78", "130"):
        assert code in text


def test_every_command_in_the_readme_can_be_parsed() -> None:
    text = README.read_text("utf-8")
    commands = re.findall(r"^venv/bin/sensor-gateway ([^#\n]+)", text, re.MULTILINE)
    assert {command.split()[0] for command in commands} >= {"check-config", "simulate", "read", "run", "tail"}
    for command in commands:
        parser().parse_args(command.split())


def test_the_configuration_in_the_readme_is_right_and_can_be_simulated(
    cli: Callable[..., Any], file: Callable[..., Path]
) -> None:
    path = file(re.findall(r"^```yaml\n(.*?)^```", README.read_text("utf-8"), re.MULTILINE | re.DOTALL)[0])
    assert cli("check-config", path).out == f"{path}: fine, 1 sensor\n"
    assert cli("simulate", path, "--for", "20s", "--expect", "attic.temperature").code == 0
