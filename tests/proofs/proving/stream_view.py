"""What the broker said and what a subscriber heard, and what speaks against the publisher in it."""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Any

from sensor_gateway.testing.mqtt_packets import Packet

FREE = {"time", "clock", "replayed"}
"""What may differ between two copies of an event."""


class StreamView:
    """The event stream as the broker received it (``take``), and what of it the broker said yes to (``promise``)."""

    def __init__(self) -> None:
        self.sent: list[dict[str, Any]] = []
        self.promised: dict[str, dict[str, Any]] = {}
        self.copies = 0
        self._first: dict[str, dict[str, Any]] = {}
        self._two_contents: list[str] = []

    def take(self, packet: Packet) -> None:
        """A message of the stream came in."""
        for entry in json.loads(packet.payload):
            self.sent.append(entry)
            known = self._first.setdefault(entry["id"], entry)
            if _fixed(known) != _fixed(entry):
                self._two_contents.append(f"{entry['id']} has two contents: {known} and {entry}")

    def promise(self, packet: Packet) -> None:
        """The broker said that it has this message: from here on it is the broker's, and subscribers hear it."""
        for entry in json.loads(packet.payload):
            self.copies += entry["id"] in self.promised
            self.promised[entry["id"]] = entry

    @property
    def seqs(self) -> list[int]:
        """Of the events that were promised, without duplicates, in the order of the first promise."""
        return [entry["seq"] for entry in self.promised.values() if entry["type"] != "gap"]

    @property
    def gaps(self) -> list[tuple[int, int, str]]:
        """First, last and cause of each gap that was promised."""
        return [
            (entry["from_seq"], entry["to_seq"], entry["cause"])
            for entry in self.promised.values()
            if entry["type"] == "gap"
        ]

    def faults(self, *, last_seq: int, acknowledged: Collection[int], quarantined: Collection[int] = ()) -> list[str]:
        """What is wrong, when events 1 to ``last_seq`` should have arrived. Empty: nothing."""
        faults = [*self._two_contents]
        order = [entry["seq"] for entry in self._first.values() if entry["type"] != "gap"]
        if order != sorted(order):
            faults.append(f"first sent out of order: {order}")
        announced = {seq for first, last, _ in self.gaps for seq in range(first, last + 1)}
        heard = set(self.seqs)
        # A gap whose answer was lost may turn out to have been wrong: then what it announced comes all the same.
        if announced - heard - set(quarantined) or set(quarantined) - announced:
            faults.append(f"announced as missing: {sorted(announced)}, set aside: {sorted(quarantined)}")
        if missing := set(range(1, last_seq + 1)) - heard - announced:
            faults.append(f"never arrived: {sorted(missing)}")
        if unpromised := set(acknowledged) - heard - announced:
            faults.append(f"acknowledged, and no broker said so: {sorted(unpromised)}")
        return faults


def _fixed(entry: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in entry.items() if key not in FREE}
