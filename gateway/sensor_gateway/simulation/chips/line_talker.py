"""A device that says its values in a line of text at its interval: JSON, key=value, csv, NMEA 0183, or by a pattern."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from typing import Final, Protocol, cast

from sensor_gateway.model.checksums import nmea_checksum
from sensor_gateway.model.errors import OperatorError
from sensor_gateway.simulation.chips.chip import Mounting
from sensor_gateway.simulation.chips.pattern import written

LINE_END: Final = "\r\n"
TALKER: Final = "II"
"""Integrated instrumentation: who speaks a sentence whose option names only its kind."""
MOST_DECIMALS: Final = 6


class LineField(Protocol):
    """What a line's options say of one value; ``value = written * scale + offset``."""

    key: str
    index: int | None
    scale: float
    offset: float


class LineOptions(Protocol):
    """The options of the line driver, as far as a device needs them."""

    format: str
    fields: Mapping[str, LineField]
    pattern: str
    sentence: str
    delimiter: str


class UnwritableLine(OperatorError):
    """A format for which simulation can think of no line."""


class LineTalker:
    """One device. It speaks first when one interval has passed."""

    def __init__(self, mounting: Mounting) -> None:
        """UnwritableLine for a pattern that cannot be turned round."""
        # The model of the driver `line` is given that driver's options.
        self._options = cast("LineOptions", mounting.options)
        self._write = WRITERS[self._options.format]
        self._courses = mounting.courses
        self._interval_s = mounting.interval_s
        self.next_s = mounting.interval_s
        channels = () if mounting.spec.channels_of is None else mounting.spec.channels_of(mounting.options)
        self._decimals = {channel.name: self._decimals_for(channel.name, channel.resolution) for channel in channels}
        if self._options.format == "regex":
            self._decimals = self._matching(mounting.sensor)

    def say(self) -> bytes:
        """The line of its next moment."""
        words = self._words(self.next_s, self._decimals)
        self.next_s += self._interval_s
        return (self._write(words, self._options) + LINE_END).encode()

    def _decimals_for(self, name: str, resolution: float) -> int:
        step = resolution / abs(self._options.fields[name].scale)
        return min(MOST_DECIMALS, max(0, math.ceil(-math.log10(step) - 1e-9)))

    def _words(self, at_s: float, decimals: Mapping[str, int]) -> dict[str, str]:
        return {
            name: f"{(self._courses[name](at_s) - field.offset) / field.scale:.{decimals[name]}f}"
            for name, field in self._options.fields.items()
        }

    def _matching(self, sensor: str) -> dict[str, int]:
        """So many decimals that the pattern finds all words again: as the resolution says, or fewer."""
        options = self._options
        for fewer in range(MOST_DECIMALS + 1):
            decimals = {name: max(0, count - fewer) for name, count in self._decimals.items()}
            words = self._words(0.0, decimals)
            try:
                found = re.search(options.pattern, _regex(words, options))
            except ValueError:
                break
            if found is not None and all(found[options.fields[name].key or name] == words[name] for name in words):
                return decimals
        raise UnwritableLine(
            f"simulation can think of no line that the pattern of {sensor} matches ({options.pattern}): "
            "make it simpler, or leave this sensor out"
        )


def _json(words: Mapping[str, str], options: LineOptions) -> str:
    content: dict[str, object] = {}
    for name, word in words.items():
        *folders, last = (options.fields[name].key or name).split(".")
        place = content
        for folder in folders:
            # Only folders are put in here before the last part of a key.
            place = cast("dict[str, object]", place.setdefault(folder, {}))
        place[last] = float(word)
    return json.dumps(_with_lists(content))


def _with_lists(content: object) -> object:
    """Folders that are numbered from 0 become lists."""
    if not isinstance(content, dict):
        return content
    inside = {key: _with_lists(value) for key, value in content.items()}
    if not inside or not all(key.isdecimal() for key in inside):
        return inside
    return [inside.get(str(place)) for place in range(max(map(int, inside)) + 1)]


def _key_value(words: Mapping[str, str], options: LineOptions) -> str:
    pairs = (f"{options.fields[name].key or name}={word}" for name, word in words.items())
    return (options.delimiter or " ").join(pairs)


def _placed(words: Mapping[str, str], options: LineOptions) -> list[str]:
    places = {options.fields[name].index or 1: word for name, word in words.items()}
    return [places.get(place, "0") for place in range(1, max(places, default=0) + 1)]


def _csv(words: Mapping[str, str], options: LineOptions) -> str:
    return (options.delimiter or ",").join(_placed(words, options))


def _nmea(words: Mapping[str, str], options: LineOptions) -> str:
    name = TALKER + options.sentence if len(options.sentence) == 3 else options.sentence
    body = ",".join([name, *_placed(words, options)])
    return f"${body}*{nmea_checksum(body.encode()):02X}"


def _regex(words: Mapping[str, str], options: LineOptions) -> str:
    return written(options.pattern, {options.fields[name].key or name: word for name, word in words.items()})


WRITERS: Final[Mapping[str, Callable[[Mapping[str, str], LineOptions], str]]] = {
    "json": _json,
    "key_value": _key_value,
    "csv": _csv,
    "nmea": _nmea,
    "regex": _regex,
}
