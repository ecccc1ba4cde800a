"""The command line as values: what argparse knows of it, in the order of its help."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Argument:
    """One option (``names`` like ``--json``) or one place (no names).

    ``value`` is what stands for its value, empty for a flag; ``choices`` are all values there are, if they are known;
    ``is_file`` and ``is_directory``: the value is a path.
    """

    names: tuple[str, ...]
    value: str
    choices: tuple[str, ...]
    help: str
    is_file: bool
    is_directory: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """``words`` name it, the program's name first; ``summary`` is one line, ``about`` what --help prints first."""

    words: tuple[str, ...]
    summary: str
    about: str
    arguments: tuple[Argument, ...]
    commands: tuple[Command, ...]

    def walk(self) -> Iterator[Command]:
        """This one, then all below it."""
        yield self
        for command in self.commands:
            yield from command.walk()

    @property
    def options(self) -> tuple[Argument, ...]:
        """Those with names."""
        return tuple(argument for argument in self.arguments if argument.names)

    @property
    def places(self) -> tuple[Argument, ...]:
        """Those without."""
        return tuple(argument for argument in self.arguments if not argument.names)


def outline_of(parser: argparse.ArgumentParser, summary: str = "") -> Command:
    """The whole command line."""
    commands: list[Command] = []
    arguments: list[Argument] = []
    for action in parser._actions:  # noqa: SLF001 - argparse has no public way to them
        if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001 - the same
            summaries = {choice.dest: choice.help or "" for choice in action._choices_actions}  # noqa: SLF001 - the same
            commands += [outline_of(one, summaries.get(name, "")) for name, one in action.choices.items()]
        else:
            arguments.append(_argument(action))
    return Command(
        words=tuple(parser.prog.split()),
        summary=summary,
        about=parser.description or "",
        arguments=tuple(arguments),
        commands=tuple(commands),
    )


def _argument(action: argparse.Action) -> Argument:
    takes_value = action.nargs != 0
    shown = action.metavar if isinstance(action.metavar, str) else action.dest.upper()
    is_path = action.type is Path or shown == "FILE" or "|FILE" in shown
    is_directory = is_path and shown in ("DIR", "DIRECTORY")
    return Argument(
        names=tuple(sorted(action.option_strings, key=len)),
        value=shown if takes_value else "",
        choices=tuple(map(str, action.choices or ())),
        help=(action.help or "") % {"default": action.default, "prog": ""} if action.help else "",
        is_file=takes_value and is_path and not is_directory,
        is_directory=takes_value and is_directory,
    )
