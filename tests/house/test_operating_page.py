"""Every command of ours in docs/operating.md and docs/commands.md can be parsed, and the page answers its questions."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from sensor_gateway.cli.main import parser

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGE = (DOCS / "operating.md").read_text("utf-8")
STOPS = {"|", ">", "#", "&&", "<", ";"}


def commands(text: str) -> list[str]:
    """What stands in backquotes or alone on a line of a block, and begins with our name."""
    shown = re.findall(r"`((?:sudo )?sensor-gateway [^`]*)`", text)
    return shown + re.findall(r"^((?:sudo )?sensor-gateway .*)$", text, re.MULTILINE)


def words(command: str) -> list[str]:
    found = shlex.split(command, comments=True)
    found = found[found.index("sensor-gateway") + 1 :]
    ends = [place for place, word in enumerate(found) if word in STOPS]
    return found[: ends[0] if ends else None]


def test_the_page_has_commands_in_it() -> None:
    assert len(commands(PAGE)) > 15


@pytest.mark.parametrize("command", sorted(set(commands(PAGE))))
def test_every_command_can_be_parsed(command: str) -> None:
    parser().parse_args(words(command))


@pytest.mark.parametrize("wrong", ["sensor-gateway outbox statuz", "sudo sensor-gateway doctor --jsn"])
def test_a_command_that_is_none_would_be_found(wrong: str) -> None:
    """The control."""
    assert commands(f"`{wrong}`") == [wrong]
    with pytest.raises(SystemExit):
        parser().parse_args(words(wrong))


def test_every_page_that_is_pointed_to_is_there() -> None:
    assert all((DOCS / name).is_file() for name in re.findall(r"\]\(([a-z-]+\.md)", PAGE))


def test_the_drop_in_runs_a_command_of_ours() -> None:
    (line,) = re.findall(r"^ExecStart=/usr/bin/(sensor-gateway .+)$", PAGE, re.MULTILINE)
    parser().parse_args(words(line))
