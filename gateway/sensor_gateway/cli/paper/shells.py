"""What bash, zsh and fish need to complete the command line. Pure: an outline in, a text out; nothing runs at a TAB.

bash: GNU bash manual, 8.6 "Programmable Completion". zsh: zshcompsys(1), ``_arguments``. fish: ``complete``(1).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Final

from sensor_gateway.cli.paper.outline import Argument, Command

_MADE: Final = "# Made by `sensor-gateway completion {}` from the command line itself."


def bash(program: Command) -> str:
    """One function, with a table of what may follow each command."""
    name = program.words[0]
    lines = [
        _MADE.format("bash"),
        "_sensor_gateway() {",
        '    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} path="" next i',
        "    local -a answers=()",
        "    for ((i = 1; i < COMP_CWORD; i++)); do",
        '        next="$path ${COMP_WORDS[i]}"',
        '        case "$next" in',
        f"            {_alternatives(program)}) path=$next ;;",
        "        esac",
        "    done",
        '    case "$path:$before" in',
    ]
    for command in program.walk():
        lines += [
            f"        {_patterns(command, option)}) {_bash_values(option)}; return ;;"
            for option in command.options
            if option.value
        ]
    lines += ["    esac", '    case "$path" in']
    for command in program.walk():
        words = [one.words[-1] for one in command.commands] + [name for o in command.options for name in o.names]
        words += [choice for place in command.places for choice in place.choices]
        path = "" if not command.words[1:] else " " + " ".join(command.words[1:])
        files = ' && mapfile -t -O ${#answers[@]} answers < <(compgen -f -- "$word")' if _takes_paths(command) else ""
        lines.append(f"        '{path}') mapfile -t answers < <(compgen -W '{' '.join(words)}' -- \"$word\"){files} ;;")
    lines += ["    esac", '    COMPREPLY=("${answers[@]}")', "}", f"complete -o filenames -F _sensor_gateway {name}"]
    return "\n".join(lines) + "\n"


def zsh(program: Command) -> str:
    """One function for each command, of ``_arguments``."""
    lines = [f"#compdef {program.words[0]}", _MADE.format("zsh")]
    for command in program.walk():
        lines += _zsh_function(command)
    lines += ["", f'{_function(program)} "$@"']
    return "\n".join(lines) + "\n"


def fish(program: Command) -> str:
    """One line for each command and option, under the condition that its words have been typed."""
    name = program.words[0]
    lines = [_MADE.format("fish"), f"complete -c {name} -f"]
    for command in program.walk():
        seen = _fish_condition(command, program)
        begin = f"complete -c {name} -n {_quoted(seen)}"
        lines += [f"{begin} -a {one.words[-1]} -d {_quoted(one.summary)}" for one in command.commands]
        lines += [f"{begin}{_fish_argument(argument)}" for argument in command.arguments]
    return "\n".join(lines) + "\n"


SHELLS: Final[Mapping[str, Callable[[Command], str]]] = MappingProxyType({"bash": bash, "zsh": zsh, "fish": fish})


def _takes_paths(command: Command) -> bool:
    return any(place.is_file or place.is_directory for place in command.places)


def _alternatives(program: Command) -> str:
    return " | ".join(f"' {' '.join(command.words[1:])}'" for command in program.walk() if command.words[1:])


def _patterns(command: Command, option: Argument) -> str:
    path = "" if not command.words[1:] else " " + " ".join(command.words[1:])
    return " | ".join(f"'{path}:{name}'" for name in option.names)


def _bash_values(option: Argument) -> str:
    if option.is_directory:
        generator = "compgen -d"
    elif option.is_file:
        generator = "compgen -f"
    else:
        generator = f"compgen -W '{' '.join(option.choices)}'"
    return f'mapfile -t COMPREPLY < <({generator} -- "$word")'


def _function(command: Command) -> str:
    return "_" + "_".join(command.words).replace("-", "_")


def _zsh_function(command: Command) -> Iterator[str]:
    specs = [spec for option in command.options for spec in _zsh_options(option)]
    specs += [_quoted(_zsh_place(place)) for place in command.places]
    yield ""
    yield f"{_function(command)}() {{"
    if not command.commands:
        yield "    _arguments -S \\"
        yield "        " + " \\\n        ".join(specs)
        yield "}"
        return
    yield "    local context state state_descr line"
    yield "    typeset -A opt_args"
    yield "    _arguments -C -S \\"
    yield "        " + " \\\n        ".join([*specs, "'1: :->command'", "'*:: :->rest'"])
    yield "    case $state in"
    yield "        command)"
    yield "            local -a commands=("
    for one in command.commands:
        yield f"                {_quoted(f'{one.words[-1]}:{one.summary}')}"
    yield "            )"
    yield "            _describe command commands"
    yield "            ;;"
    yield "        rest)"
    yield "            case $line[1] in"
    for one in command.commands:
        yield f"                {one.words[-1]}) {_function(one)} ;;"
    yield "            esac"
    yield "            ;;"
    yield "    esac"
    yield "}"


def _zsh_options(option: Argument) -> Iterator[str]:
    for name in option.names:
        value = f":{_zsh_text(option.value)}:{_zsh_action(option)}" if option.value else ""
        yield _quoted(f"{name}[{_zsh_text(option.help)}]{value}")


def _zsh_place(place: Argument) -> str:
    return f"*:{_zsh_text(place.value)}:{_zsh_action(place)}"


def _zsh_action(argument: Argument) -> str:
    if argument.choices:
        return f"({' '.join(argument.choices)})"
    if argument.is_directory:
        return "_files -/"
    return "_files" if argument.is_file else " "


def _zsh_text(text: str) -> str:
    return "".join(f"\\{character}" if character in "[]:\\" else character for character in text)


def _fish_condition(command: Command, program: Command) -> str:
    """That its words were typed, and none that makes another command of them: `status` is one of `outbox` too."""
    words = command.words[1:]
    seen = [f"__fish_seen_subcommand_from {word}" for word in words]
    following = [one.words[-1] for one in command.commands]
    if following:
        seen.append(f"not __fish_seen_subcommand_from {' '.join(following)}")
    others = [one.words[1:] for one in program.walk() if one.words[: len(command.words)] != command.words]
    strangers = [word for other in others if set(words) < set(other) for word in other if word not in words]
    if strangers:
        seen.append(f"not __fish_seen_subcommand_from {' '.join(dict.fromkeys(strangers))}")
    return "; and ".join(seen) or "true"


def _fish_argument(argument: Argument) -> str:
    flags = [f" -l {name[2:]}" if name.startswith("--") else f" -s {name[1:]}" for name in argument.names]
    takes = " -r" if argument.names and argument.value else ""
    if argument.choices:
        values: Sequence[str] = [f" -a {_quoted(' '.join(argument.choices))}"]
    else:
        values = [" -F"] if argument.is_file or argument.is_directory else []
    return f"{''.join(flags)}{takes}{''.join(values)} -d {_quoted(argument.help)}"


def _quoted(text: str) -> str:
    """For all three shells: in single quotes, and a single quote by way of the double ones."""
    return "'" + text.replace("'", "'\"'\"'") + "'"
