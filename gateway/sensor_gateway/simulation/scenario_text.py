"""From a decoded scenario file (mappings, lists, texts and numbers) to a Scenario, with every fault named by its path.

values:
attic.temperature: [[0s, 20], [10s, 25]]          # straight lines between
hall.illuminance: {steps: [[0s, 100], [5s, 300]]}
bench.illuminance: 120
faults:
- {sensor: attic, kind: nack, from: 5s, for: 3s, every: 2}
- {bus: i2c1, kind: unplug, from: 20s, until: 30s}
- {sensor: hall, kind: delay, by: 200ms}
- {kind: clock_jump, at: 40s, by: -1h}
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from difflib import get_close_matches
from itertools import pairwise
from typing import Final

from sensor_gateway.config.values.units import parse_duration
from sensor_gateway.model.errors import OperatorError
from sensor_gateway.model.units import Seconds
from sensor_gateway.simulation.scenario import FOREVER, ClockJump, FaultKind, LinkFault, Scenario, WrittenCourse

LINK_KEYS: Final = ("kind", "sensor", "bus", "from", "for", "until", "every")
CLOCK_KEYS: Final = ("kind", "at", "by")
LASTING: Final = {FaultKind.STUCK, FaultKind.UNPLUG}
"""States rather than mishaps: they have a time, and no ``every``."""


class ScenarioError(OperatorError):
    """A scenario that cannot be played. ``faults`` holds a sentence for each fault, beginning with its path."""

    def __init__(self, faults: Sequence[str]) -> None:
        """Say all of it at once."""
        self.faults = tuple(faults)
        super().__init__("the scenario cannot be played:\n" + "\n".join(f"  {fault}" for fault in faults))


def read_scenario(decoded: object) -> Scenario:
    """The scenario that ``decoded`` describes (None: an empty one). ScenarioError lists every fault."""
    nodes = _Nodes()
    scenario = _Reader(nodes).scenario({} if decoded is None else decoded)
    if nodes.faults:
        raise ScenarioError(nodes.faults)
    return scenario


class _Reader:
    """Walks the mapping from the top."""

    def __init__(self, nodes: _Nodes) -> None:
        self._nodes = nodes

    def scenario(self, decoded: object) -> Scenario:
        top = self._nodes.mapping("scenario", decoded, keys=("values", "faults"))
        courses = {}
        for name, written in self._nodes.mapping("values", top.get("values", {})).items():
            sensor, dot, channel = name.partition(".")
            if not (sensor and dot and channel):
                self._nodes.fault(f"values.{name}", "expected sensor.channel as a name, like attic.temperature")
            courses[name] = self._course(f"values.{name}", written)
        links: list[LinkFault] = []
        jumps: list[ClockJump] = []
        for place, entry in enumerate(self._nodes.listed("faults", top.get("faults", []))):
            self._fault_entry(f"faults[{place}]", entry, links, jumps)
        return Scenario(
            courses={name: course for name, course in courses.items() if course is not None},
            faults=tuple(links),
            clock_jumps=tuple(sorted(jumps, key=lambda jump: jump.at_s)),
        )

    def _course(self, path: str, written: object) -> WrittenCourse | None:
        if isinstance(written, Mapping):
            kinds = self._nodes.mapping(path, written, keys=("steps", "linear"))
            if len(kinds) != 1:
                self._nodes.fault(path, "expected either steps or linear")
                return None
            kind, written = next(iter(kinds.items()))
            return self._points(f"{path}.{kind}", written, is_stepped=kind == "steps")
        if isinstance(written, list | tuple):
            return self._points(path, written, is_stepped=False)
        value = self._nodes.number(path, written)
        return None if value is None else WrittenCourse((0.0,), (value,), is_stepped=True)

    def _points(self, path: str, written: object, *, is_stepped: bool) -> WrittenCourse | None:
        points = []
        for place, pair in enumerate(self._nodes.listed(path, written)):
            if not (isinstance(pair, list | tuple) and len(pair) == 2):
                self._nodes.fault(f"{path}[{place}]", f"expected a moment and a value, like [10s, 21.5], got {pair!r}")
                continue
            moment, value = (
                self._nodes.duration(f"{path}[{place}][0]", pair[0]),
                self._nodes.number(f"{path}[{place}][1]", pair[1]),
            )
            if moment is not None and value is not None:
                points.append((moment, value))
        if not points:
            self._nodes.fault(path, "expected at least one moment with its value, like [[0s, 20]]")
            return None
        moments = [moment for moment, _ in points]
        if any(later <= sooner for sooner, later in pairwise(moments)):
            self._nodes.fault(path, "expected moments that rise")
            return None
        return WrittenCourse(tuple(moments), tuple(value for _, value in points), is_stepped=is_stepped)

    def _fault_entry(self, path: str, entry: object, links: list[LinkFault], jumps: list[ClockJump]) -> None:
        if not isinstance(entry, Mapping):
            self._nodes.fault(path, f"expected a mapping with sensor or bus, and kind, got {entry!r}")
            return
        try:
            kind = FaultKind(str(entry.get("kind")))
        except ValueError:
            self._nodes.fault(f"{path}.kind", _expected_one(str(entry.get("kind")), [kind.value for kind in FaultKind]))
            return
        if kind is FaultKind.CLOCK_JUMP:
            self._nodes.mapping(path, entry, keys=CLOCK_KEYS)
            at_s = self._nodes.duration(f"{path}.at", entry.get("at"))
            by_s = self._nodes.duration(f"{path}.by", entry.get("by"), may_be_negative=True)
            if at_s is not None and by_s is not None:
                jumps.append(ClockJump(at_s=at_s, by_s=by_s))
            return
        self._link_fault(path, kind, entry, links)

    def _link_fault(self, path: str, kind: FaultKind, entry: Mapping[str, object], links: list[LinkFault]) -> None:
        before = len(self._nodes.faults)
        self._nodes.mapping(path, entry, keys=(*LINK_KEYS, "by") if kind is FaultKind.DELAY else LINK_KEYS)
        if ("sensor" in entry) == ("bus" in entry):
            self._nodes.fault(path, "expected either sensor or bus")
        from_s = self._nodes.duration(f"{path}.from", entry.get("from", "0s")) or Seconds(0.0)
        until_s = self._until(path, entry, from_s)
        every = self._every(f"{path}.every", entry.get("every", 1), kind)
        by_s = self._nodes.duration(f"{path}.by", entry.get("by")) if kind is FaultKind.DELAY else Seconds(0.0)
        if len(self._nodes.faults) == before and by_s is not None:
            sensor, bus = entry.get("sensor"), entry.get("bus")
            links.append(
                LinkFault(
                    kind=kind,
                    sensor=None if sensor is None else str(sensor),
                    bus=None if bus is None else str(bus),
                    from_s=from_s,
                    until_s=until_s,
                    every=every,
                    by_s=by_s,
                )
            )

    def _until(self, path: str, entry: Mapping[str, object], from_s: Seconds) -> Seconds:
        if "for" in entry and "until" in entry:
            self._nodes.fault(path, "expected either for or until, not both")
        if "for" in entry:
            for_s = self._nodes.duration(f"{path}.for", entry["for"])
            return FOREVER if for_s is None else Seconds(from_s + for_s)
        if "until" not in entry:
            return FOREVER
        until_s = self._nodes.duration(f"{path}.until", entry["until"])
        if until_s is not None and until_s <= from_s:
            self._nodes.fault(f"{path}.until", f"expected a moment after from, got {entry['until']}")
        return FOREVER if until_s is None else until_s

    def _every(self, path: str, every: object, kind: FaultKind) -> int:
        if not isinstance(every, int) or isinstance(every, bool) or every < 1:
            self._nodes.fault(path, f"expected a whole number from 1, got {every!r}")
            return 1
        if every > 1 and kind in LASTING:
            self._nodes.fault(
                path, f"{kind.value} lasts, so that it has no every; give its time by from, for and until"
            )
        return every


class _Nodes:
    """Takes plain values apart, and gathers faults instead of stopping at the first."""

    def __init__(self) -> None:
        self.faults: list[str] = []

    def duration(self, path: str, text: object, *, may_be_negative: bool = False) -> Seconds | None:
        if not isinstance(text, str):
            self.fault(path, "missing; expected a duration like 10s" if text is None else _bare(text))
            return None
        is_negative = may_be_negative and text.startswith("-")
        try:
            seconds = parse_duration(text.removeprefix("-") if is_negative else text)
        except ValueError as error:
            self.fault(path, str(error))
            return None
        return Seconds(-seconds) if is_negative else seconds

    def number(self, path: str, value: object) -> float | None:
        if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
            return float(value)
        self.fault(path, f"expected a number in the channel's unit, got {value!r}")
        return None

    def mapping(self, path: str, value: object, *, keys: Collection[str] | None = None) -> Mapping[str, object]:
        if not isinstance(value, Mapping):
            self.fault(path, f"expected a mapping, got {value!r}")
            return {}
        if keys is not None:
            for key in value:
                if key not in keys:
                    self.fault(f"{path}.{key}", _expected_one(str(key), list(keys)))
        return {str(key): content for key, content in value.items()}

    def listed(self, path: str, value: object) -> Sequence[object]:
        if isinstance(value, list | tuple):
            return value
        self.fault(path, f"expected a list, got {value!r}")
        return ()

    def fault(self, path: str, sentence: str) -> None:
        self.faults.append(f"{path}: {sentence}")


def _bare(value: object) -> str:
    return f"{value!r} has no unit; expected a duration like {value}s"


def _expected_one(got: str, expected: Sequence[str]) -> str:
    near = get_close_matches(got, expected, n=1)
    hint = f"; did you mean {near[0]}" if near else ""
    return f"{got!r} is not known here; expected one of {', '.join(expected)}{hint}"
