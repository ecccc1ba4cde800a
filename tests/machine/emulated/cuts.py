"""Who judges what arrived of a gateway whose machine lost its power, again and again."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Final

from emulated.subscriber import Event, kept

SYNC_S: Final = 2.0
"""One sync of the disk, and what the clocks of the test are apart, on a machine with other things to do."""


def wrong_after_cuts(heard: Sequence[Event], cuts_s: Sequence[float], last_s: float) -> list[str]:
    """What is not as promised. ``cuts_s``: the uptimes at the cuts; ``last_s``: what may be lost, in seconds.

    Each life of the machine is an epoch, without a hole in what arrived of it, and with nothing missing that was
    measured ``last_s`` before its end; the epoch after a cut says that it does not know its predecessor's end.
    """
    epochs: dict[str, dict[int, Event]] = defaultdict(dict)
    subscriber = kept(heard)
    gaps = [event for event in subscriber.events if event["type"] == "gap"]
    for event in subscriber.events:
        if event["type"] != "gap":
            epochs[event["epoch"]][event["seq"]] = event
    found = [f"a gap: {gap}" for gap in gaps if not names_what_was_heard(gap, epochs[gap["epoch"]])]
    found += [f"the subscriber misses {ranges} of {epoch}" for epoch, ranges in subscriber.missing.items()]
    lives = sorted(epochs)
    if len(lives) != len(cuts_s) + 1:
        found.append(f"{len(cuts_s)} cuts, and the epochs {lives}")
    for name, cut_s in zip(lives, cuts_s, strict=False):
        events = epochs[name]
        missing = set(range(1, max(events) + 1)) - events.keys()
        if missing:
            found.append(f"{name} lacks {sorted(missing)[:5]}")
        newest_s = max(event.get("uptime_ms", 0) for event in events.values()) / 1000
        if newest_s < cut_s - last_s:
            found.append(f"{name} ends at {newest_s:.1f} s, and the power at {cut_s:.1f} s")
    for before, after in itertools.pairwise(lives):
        told = epochs[after].get(1, {})
        if (told.get("type"), told.get("previous"), told.get("previous_last_seq")) != ("epoch", before, None):
            found.append(f"{after} begins with {told}")
    return found


def names_what_was_heard(gap: Event, heard: Mapping[int, Event]) -> bool:
    """After a cut, the store may not know that what it misses has been acknowledged, and says "at most"."""
    return bool(gap["cause"] == "unknown" and set(range(gap["from_seq"], gap["to_seq"] + 1)) <= heard.keys())
