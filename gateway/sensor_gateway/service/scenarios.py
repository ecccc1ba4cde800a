"""Scenario files: read and checked, with every fault at its line, as those of a configuration are."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from pathlib import Path

from sensor_gateway.config.loading import read_plain
from sensor_gateway.config.sections.buses import BusSection, SimulatedBusSection
from sensor_gateway.config.settings import Configuration
from sensor_gateway.config.text.faults import Fault, Place, Report, in_order
from sensor_gateway.config.text.nodes import ListNode, MapNode, Node
from sensor_gateway.config.text.yaml_nodes import parse
from sensor_gateway.model.errors import OperatorError
from sensor_gateway.simulation.scenario import Scenario
from sensor_gateway.simulation.scenario_text import ScenarioError, read_scenario


class ScenarioFaults(OperatorError):
    """A scenario file that cannot be played, with all that is wrong with it."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        """Say all of it at once, a line for each fault."""
        self.faults = tuple(faults)
        super().__init__("\n".join(map(str, self.faults)))


def load_scenario(file: Path) -> Scenario:
    """The scenario in ``file``; ScenarioFaults where there are any."""
    decoded, faults = read_plain(file)
    if faults:
        raise ScenarioFaults(faults)
    try:
        return read_scenario(decoded)
    except ScenarioError as error:
        raise ScenarioFaults(_located(file, error.faults)) from None


def scenario_for(file: Path, configuration: Configuration, unread: Collection[str] = ()) -> Scenario:
    """The scenario in ``file``; ScenarioFaults also where it names what ``configuration`` does not have.

    ``unread`` are sensors that it leaves out, since their drivers cannot be used: what is said of them is void.
    """
    scenario = load_scenario(file).without(unread)
    strangers = scenario.strangers(
        channels={
            f"{sensor.name}.{channel}" for sensor in configuration.sensors.values() for channel in sensor.channels
        },
        buses=configuration.buses,
    )
    if strangers:
        raise ScenarioFaults(_located(file, strangers))
    return scenario


def scenario_of(section: BusSection) -> Scenario | None:
    """The scenario that a simulated bus names, if it names one. ScenarioFaults as above."""
    file = _file_of(section)
    return None if file is None else load_scenario(file)


def scenario_faults(configuration: Configuration, unread: Collection[str] = ()) -> tuple[Fault, ...]:
    """What is wrong with the scenarios that the simulated buses name; ``unread`` as above."""
    faults: list[Fault] = []
    for file in dict.fromkeys(map(_file_of, configuration.buses.values())):
        if file is not None:
            try:
                scenario_for(file, configuration, unread)
            except ScenarioFaults as error:
                faults += error.faults
    return tuple(faults)


def _file_of(section: BusSection) -> Path | None:
    return section.scenario if isinstance(section, SimulatedBusSection) else None


def _located(file: Path, sentences: Iterable[str]) -> tuple[Fault, ...]:
    """Sentences that begin with a path, as faults at the place where that path is written."""
    root = parse(file.read_text("utf-8-sig"), file, Report())
    faults = []
    for sentence in sentences:
        path, _, message = sentence.partition(": ")
        place = Place(file, 1, 1) if root is None else _place(root, path)
        faults.append(Fault.at(place, path, message))
    return in_order(faults, [file])


def _place(root: Node, path: str) -> Place:
    """Where ``path`` is written, or as much of it as is written at all."""
    node, place, rest = root, root.place, path
    while rest:
        if isinstance(node, MapNode):
            # The names of channels have a dot in them: the longest key that fits is the one that is meant.
            fitting = [key for key in node.entries if rest == key or rest.startswith((f"{key}.", f"{key}["))]
            if not fitting:
                break
            key = max(fitting, key=len)
            entry = node.entries[key]
            node, place, rest = entry.node, entry.place, rest[len(key) :].removeprefix(".")
        elif isinstance(node, ListNode) and rest.startswith("["):
            number, _, rest = rest[1:].partition("]")
            if not (number.isdecimal() and int(number) < len(node.items)):
                break
            node = node.items[int(number)]
            place, rest = node.place, rest.removeprefix(".")
        else:
            break
    return place
