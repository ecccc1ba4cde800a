from __future__ import annotations

import argparse
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from sensor_gateway import __version__
from sensor_gateway.cli.main import parser

README = Path(__file__).resolve().parents[3] / "README.md"

COMMANDS = [
    "run", "check-config", "config", "config show", "config schema", "simulate", "demo", "read", "tail", "drivers",
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
        ("check-config",),
        ("simulate",),
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


def test_the_version_is_told(cli: Callable[..., Any]) -> None:
    assert cli("--version").out == f"sensor-gateway {__version__}\n"


def test_the_epilog_names_every_exit_code(cli: Callable[..., Any]) -> None:
    text = cli("--help").out
    for code in ("0 done", "1 a check failed", "64", "69", "70", "74", "75", "77", "78", "130"):
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
