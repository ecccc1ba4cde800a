"""Drivers as a configuration asks for them: found by name, once each, or with a sentence that says why not."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Protocol

from sensor_gateway.config.settings import SensorSection
from sensor_gateway.config.values.decoder import UnsupportedType, fields_of
from sensor_gateway.config.values.foreign_words import LATER
from sensor_gateway.config.values.near_miss import chip_meant_by
from sensor_gateway.config.values.objections import OBJECTIONS
from sensor_gateway.model.channel import Channel
from sensor_gateway.model.driver_spec import DriverSpec
from sensor_gateway.model.errors import OperatorError, message_of


class Catalogue(Protocol):
    """Where drivers are found."""

    def names(self) -> tuple[str, ...]:
        """What can be written behind ``driver:``."""
        ...

    def spec(self, name: str) -> DriverSpec:
        """The driver of that name. OperatorError for one that cannot be loaded."""
        ...


class DriverFailed(OperatorError):
    """Code of a driver raised what is no objection to what a file says: it is the driver's fault."""


class DriverShelf:
    """Asks the catalogue for each driver once, and keeps the answer for the sensors that follow."""

    def __init__(self, catalogue: Catalogue) -> None:
        """Over ``catalogue``."""
        self._catalogue = catalogue
        self._names = catalogue.names()
        self._found: dict[str, DriverSpec | str] = {}

    def find(self, name: str) -> DriverSpec | str:
        """The driver that users write as ``name``, or a sentence."""
        if name not in self._found:
            self._found[name] = self._ask(name)
        return self._found[name]

    def why_unusable(self, name: str) -> str:
        """What is wrong with an installed driver; empty for one that can be used, and for one that is not there."""
        found = self.find(name) if name in self._names else ""
        return found if isinstance(found, str) else ""

    def knows(self, name: str) -> bool:
        """Whether there is a driver of that name, usable or not."""
        return name in self._names

    def meant_by(self, name: str) -> str:
        """The driver that ``name`` is or stands for; empty where there is none, or none that can be used."""
        meant = name if name in self._names else chip_meant_by(name, self._names)
        return meant if meant and not isinstance(self.find(meant), str) else ""

    def _ask(self, name: str) -> DriverSpec | str:
        if name not in self._names:
            meant = chip_meant_by(name, self._names)
            hint = f"did you mean `{meant}`?" if meant else "`sensor-gateway drivers` lists those that there are"
            return f"unknown driver `{name[:60]}`; {hint}"
        try:
            spec = self._catalogue.spec(name)
        except OperatorError as error:
            return str(error)
        return _objection(name, spec) or spec


@contextmanager
def code_of(driver: str) -> Iterator[None]:
    """Around code of a driver: one of OBJECTIONS passes, and DriverFailed stands for whatever else it raises.

    Ctrl-C passes too.
    """
    try:
        yield
    except (KeyboardInterrupt, DriverFailed, *OBJECTIONS):
        raise
    except BaseException as error:  # noqa: BLE001 - a driver may do anything when it is asked about its options
        why = f"{type(error).__name__}: {message_of(error)}"
        raise DriverFailed(f"driver `{driver}` cannot be used: its own code failed on these options ({why})") from None


def sentences_of(driver: str, objections: Iterable[str]) -> tuple[str, ...]:
    """What a driver objects to. DriverFailed where that is no text, whatever the types promise."""
    sentences = tuple(objections)
    for sentence in sentences:
        one: object = sentence
        if not isinstance(one, str):
            what = f"its objection to these options is no text, but {type(one).__name__}"
            raise DriverFailed(f"driver `{driver}` cannot be used: {what}")
    return sentences


def told_apart(made: Iterable[Channel]) -> tuple[Channel, ...]:
    """The channels that a driver made of its options. TypeError or ValueError for what can be told apart by no name."""
    channels = tuple(made)
    seen: set[str] = set()
    for channel in channels:
        one: object = channel  # whatever the types promise: strangers wrote it
        name: object = one.name if isinstance(one, Channel) else one
        if not (isinstance(one, Channel) and isinstance(name, str)):
            raise TypeError(f"its driver makes a channel that has no name of letters: {name!r:.60}")
        if name in seen:
            raise ValueError(f"its driver makes two channels of one name, {name:.60}")
        seen.add(name)
    return channels


def _objection(name: str, spec: DriverSpec) -> str:
    try:
        options = fields_of(spec.options)
    except UnsupportedType as error:
        return f"driver `{name}` cannot be used: {error}"
    clash = [key for key in options if key in fields_of(SensorSection) or key in LATER]
    if clash:
        return f"driver `{name}` cannot be used: its option `{clash[0]}` is named like a key of every sensor"
    if name not in spec.variants:
        return f"driver `{name}` cannot be used: it has no variant {name}, only {', '.join(spec.variants)}"
    return ""
