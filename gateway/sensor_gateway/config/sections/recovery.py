"""The ``recover:`` section of a bus: a program that may bring it back."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from typing import Annotated

from sensor_gateway.config.values.notation import Within
from sensor_gateway.config.values.units import Argument
from sensor_gateway.model.units import Seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class RecoverSection:
    """A program to run when all sensors of the bus are silent: it resets an adapter, or switches its supply.

    The bus is closed while the program runs, and opened anew when it has ended. No shell reads the words.
    """

    command: Annotated[
        tuple[Argument, ...],
        "A list of the program, by its absolute path or its name, and its arguments.",
    ]
    after: Annotated[Seconds, "How long all sensors of the bus have to be silent before.", Within(1, 86400)] = Seconds(
        60.0
    )
    within: Annotated[Seconds, "How long the program may run; it is ended then.", Within(1, 300)] = Seconds(10.0)
    at_most_every: Annotated[
        Seconds,
        "Shortest time from one run to the next. It doubles up to a day while the runs do not help, and is back with "
        "the first good reading.",
        Within(10, 86400),
    ] = Seconds(600.0)

    def __post_init__(self) -> None:
        """ValueError for words of which no program can be made."""
        program = self.command[0] if self.command else ""
        if not program:
            raise ValueError("command: expected a list of the program and its arguments, got none")
        if re.search(r"\s-", program) or (re.search(r"\s", program) and not program.startswith("/")):
            raise ValueError(f"command: no shell divides this into words{_divided(program, self.command[1:])}")
        if "/" in program and not program.startswith("/"):
            raise ValueError(f"command: expected an absolute path or a program's name, got {program}")


def _divided(line: str, rest: tuple[Argument, ...]) -> str:
    try:
        words = shlex.split(line)
    except ValueError:
        return "; expected a list of them"
    return f"; did you mean [{', '.join((*words, *rest))}]?"
