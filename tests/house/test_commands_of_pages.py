"""Every command of ours that a page shows can be parsed, its flags exist, and so does every file that it points to."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from sensor_gateway.cli.main import parser
from sensor_gateway.cli.paper.outline import Command, outline_of

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted(
    [
        *(ROOT / "docs").rglob("*.md"),
        *ROOT.glob("*.md"),
        *(page for folder in ("systemd", "packaging", "benchmarks", "tests") for page in (ROOT / folder).rglob("*.md")),
    ]
)
STOPS = {"|", ">", "#", "&&", "<", ";"}
NAME = r"(?:sudo )?(?:\S*/)?sensor-gateway "
COMMANDS: dict[tuple[str, ...], Command] = {command.words[1:]: command for command in outline_of(parser()).walk()}


def commands(text: str) -> list[str]:
    """What stands in backquotes or alone on a line of a block, and begins with our name."""
    shown = re.findall(rf"`({NAME}[^`]*)`", text)
    shown = [one for one in shown if not re.search(r"\S[|]\S", one)]  # `completion bash|zsh|fish` is three
    return shown + re.findall(rf"^(?:\$ )?(?:ExecStart=)?({NAME}.*)$", text, re.MULTILINE)


def words(command: str) -> list[str]:
    found = shlex.split(command, comments=True)
    found = found[next(place for place, word in enumerate(found) if Path(word).name == "sensor-gateway") + 1 :]
    ends = [place for place, word in enumerate(found) if word in STOPS]
    return found[: ends[0] if ends else None]


def unknown_flags(text: str) -> list[str]:
    """Flags that stand behind a subcommand in backquotes, as `run --strict` does, and that it has not."""
    found = []
    for shown in re.findall(r"`([a-z][a-z -]* --[a-z][^`]*)`", text):
        place = tuple(shown.partition(" --")[0].split())
        command = COMMANDS.get(place) or COMMANDS.get(place[:1])
        if command is None:
            continue  # of another program
        names = {name for option in command.options for name in option.names}
        found += [f"{shown}: {flag}" for flag in re.findall(r"(?<= )--[a-z-]+", shown) if flag not in names]
    return found


SHOWN = sorted(
    {(str(page.relative_to(ROOT)), command) for page in PAGES for command in commands(page.read_text("utf-8"))}
)


def test_the_pages_have_commands_in_them() -> None:
    assert len(SHOWN) > 80
    assert len({page for page, _ in SHOWN}) > 8


@pytest.mark.parametrize(("page", "command"), SHOWN)
def test_every_command_can_be_parsed(page: str, command: str) -> None:
    if not {"--help", "--version"} & set(words(command)):
        assert parser().parse_args(words(command)), page


def test_every_flag_that_a_page_shows_is_one_of_that_command() -> None:
    assert [one for page in PAGES for one in unknown_flags(page.read_text("utf-8"))] == []


@pytest.mark.parametrize("wrong", ["sensor-gateway outbox statuz", "sudo /usr/bin/sensor-gateway doctor --jsn"])
def test_a_command_that_is_none_would_be_found(wrong: str) -> None:
    """The control."""
    assert commands(f"`{wrong}`") == [wrong]
    assert commands(f"```\n{wrong}\n```") == [wrong]
    with pytest.raises(SystemExit):
        parser().parse_args(words(wrong))


def test_a_flag_that_is_none_would_be_found() -> None:
    """The control."""
    assert unknown_flags("`run --strickt`, `outbox status --check`, `mosquitto_sub --quiet`, `run --strict`") == [
        "run --strickt: --strickt"
    ]


@pytest.mark.parametrize(
    "command", sorted(set(re.findall(r"\./dev ([a-z-]+)", "".join(page.read_text("utf-8") for page in PAGES))))
)
def test_every_command_of_the_developers_script_is_there(command: str) -> None:
    assert re.search(rf"^    {command}\)", (ROOT / "dev").read_text("utf-8"), re.MULTILINE)


def anchors(page: Path) -> set[str]:
    """As GitHub makes them of the titles."""
    titles = re.findall(r"^#+ (.*)$", re.sub(r"```.*?```", "", page.read_text("utf-8"), flags=re.DOTALL), re.MULTILINE)
    bare = [re.sub(r"[`*]", "", re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", title)).strip().lower() for title in titles]
    return {re.sub(r"[^\w\- ]", "", title).replace(" ", "-") for title in bare}


def dead_anchors(page: Path, text: str) -> list[str]:
    pointed = [
        (page.parent / name if name else page, at) for name, at in re.findall(r"\]\(([^)#:\s]*)#([^)]*)\)", text)
    ]
    return [f"{file.name}#{at}" for file, at in pointed if file.suffix == ".md" and at not in anchors(file)]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_title_that_a_page_points_to_is_there(page: Path) -> None:
    assert dead_anchors(page, page.read_text("utf-8")) == []


def test_a_title_that_is_not_there_would_be_found() -> None:
    """The control."""
    page = ROOT / "docs" / "alerts.md"
    assert dead_anchors(page, "[a](security.md#ports) [b](#rules) [c](security.md#ports-and-sockets)") == [
        "security.md#ports"
    ]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_file_that_a_page_points_to_is_there(page: Path) -> None:
    named = re.findall(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)", page.read_text("utf-8"))
    assert [name for name in named if not (page.parent / name).exists()] == []
