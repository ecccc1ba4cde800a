"""What of ours the broker still keeps, and what becomes of it under another configuration. Pure.

A record names every retained topic that this gateway has published, and the Home Assistant entities that each one
announces. It outlives the process, so that a sensor that left the configuration leaves the broker too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, TypeAlias

Record: TypeAlias = Mapping[str, Mapping[str, str]]
"""Topics, each with the unique ids of its entities and their platforms (none for what is no discovery)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement:
    """What is to be done.

    ``moved``: topics whose entities another topic announces from now on; ``cleared``: topics that are nobody's any
    more, what was published last first; ``removed``: entities that left a topic which stays. ``meanwhile`` is the
    record until that has been done, and ``wanted`` the one from then on.
    """

    moved: tuple[str, ...] = ()
    cleared: tuple[str, ...] = ()
    removed: Record = field(default_factory=dict)
    meanwhile: Record = field(default_factory=dict)
    wanted: Record = field(default_factory=dict)


NOTHING_TO_SETTLE: Final = Settlement()


def settle(remembered: Record, wanted: Record) -> Settlement:
    """From what the broker keeps of us to what it is to keep."""
    announced = {unique_id for entities in wanted.values() for unique_id in entities}
    gone = [topic for topic in reversed(list(remembered)) if topic not in wanted]
    moved = tuple(topic for topic in gone if announced & remembered[topic].keys())
    removed = {
        topic: left
        for topic in wanted
        if (left := _without(remembered.get(topic, {}), announced)) and topic in remembered
    }
    return Settlement(
        moved=moved,
        cleared=tuple(topic for topic in gone if topic not in moved),
        removed=removed,
        meanwhile={
            **{topic: remembered[topic] for topic in remembered if topic not in wanted},
            **{topic: {**removed.get(topic, {}), **entities} for topic, entities in wanted.items()},
        },
        wanted=wanted,
    )


def _without(entities: Mapping[str, str], announced: Iterable[str]) -> dict[str, str]:
    return {unique_id: platform for unique_id, platform in entities.items() if unique_id not in announced}
