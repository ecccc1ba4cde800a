"""What a retained state costs, as JSON and as a bare number: from the stored event to the socket.

usage: python benchmarks/states.py

CPU of the process in microseconds per state, the least of several rounds, and the ratio of the two, which is what
carries over to other machines. 100 channels change together; who reads the socket is another process.
"""

from __future__ import annotations

import os
import socket
import time

from sensor_gateway.model.channel import Channel, Source
from sensor_gateway.model.event import ChangeEvent, Quality, Reason
from sensor_gateway.model.quantity import TEMPERATURE
from sensor_gateway.model.reading import ClockState, Stamp
from sensor_gateway.publishing.messages import Topics
from sensor_gateway.publishing.settings import StatePayload
from sensor_gateway.publishing.states import PublishedChannel, RetainedStates
from sensor_gateway.publishing.wire.packets import StatePackets
from sensor_gateway.testing.memory_outbox import MemoryOutbox

CHANNELS = 100
TURNS = 50
ROUNDS = 40
LARGEST = 1 << 20


class Bench:
    """One form of states, from stored events to a socket."""

    def __init__(self, payload: StatePayload, sink: socket.socket) -> None:
        self._sink = sink
        channel = Channel(name="temperature", quantity=TEMPERATURE, low=-40, high=125, resolution=0.01)
        self._sources = [Source(sensor=f"sensor-{number}", channel=channel) for number in range(CHANNELS)]
        self._states = RetainedStates(
            [PublishedChannel(source=source, lifetime_ms=900_000) for source in self._sources],
            topics=Topics(prefix="sensors/v1", gateway="greenhouse"),
            boot="1b4e28ba",
            start_uptime_ms=0,
            payload=payload,
        )
        self._packets = StatePackets(has_properties=True, has_expiry=True)
        self._outbox = MemoryOutbox()
        self._uptime_ms = 0

    def round_us(self) -> float:
        """CPU of a round, in microseconds per state."""
        spent_s = 0.0
        for _ in range(TURNS):
            self._uptime_ms += 1000
            stamp = Stamp(uptime_ms=self._uptime_ms, wall_ms=self._uptime_ms, clock=ClockState.SYNCED)
            stored = self._outbox.append([self._event(source, stamp) for source in self._sources])
            began_s = time.process_time()
            self._states.offer(stored)
            for chunk in self._packets.chunks(self._states.take(stamp), largest=LARGEST):
                self._sink.sendall(chunk)
            spent_s += time.process_time() - began_s
        return spent_s * 1e6 / (TURNS * CHANNELS)

    def _event(self, source: Source, stamp: Stamp) -> ChangeEvent:
        value = round(20 + stamp.uptime_ms % 7919 / 1000, 3)
        return ChangeEvent(
            source=source, value=value, quality=Quality.GOOD, reason=Reason.CHANGE, code=None, stamp=stamp
        )


def main() -> None:
    ours, theirs = socket.socketpair()
    if os.fork() == 0:
        ours.close()
        while theirs.recv(1 << 20):
            pass
        os._exit(0)
    theirs.close()
    benches: dict[StatePayload, Bench] = {"json": Bench("json", ours), "value": Bench("value", ours)}
    least = dict.fromkeys(benches, float("inf"))
    for _ in range(ROUNDS):
        for payload, bench in benches.items():
            least[payload] = min(least[payload], bench.round_us())
    for payload, spent_us in least.items():
        print(f"{payload:6} {spent_us:6.2f} us of CPU per state")
    print(f"value / json = {least['value'] / least['json']:.2f}")


if __name__ == "__main__":
    main()
