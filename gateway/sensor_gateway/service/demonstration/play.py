"""The demonstration: the whole gateway, a broker that goes away and comes back, and a subscriber that keeps count.

Chips in software answer on the byte level; drivers, engine, change detection, outbox and delivery are the real ones.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from queue import SimpleQueue
from typing import Any, Final

from sensor_gateway.config.loading import load_text
from sensor_gateway.model.clock import Clock
from sensor_gateway.model.errors import OperatorError
from sensor_gateway.model.log import Log
from sensor_gateway.publishing.settings import BrokerSettings
from sensor_gateway.publishing.subscriber import Subscriber
from sensor_gateway.publishing.wire.dialing import dial
from sensor_gateway.sensing.catalogue import DriverCatalogue
from sensor_gateway.service.assembly import Gateway, assemble
from sensor_gateway.service.demonstration.local_broker import Door, LocalBroker
from sensor_gateway.service.directories import Directories

ONLINE_S: Final = 10.0
OUTAGE_S: Final = 10.0
DRAIN_WITHIN_S: Final = 20.0
STOP_WITHIN_S: Final = 5.0
ARRIVE_WITHIN_S: Final = 5.0
SETTLE_S: Final = 0.2
LATE_AFTER_S: Final = 5.0
"""``spill_after``: what is sent later than that is marked as replayed."""

CONFIGURATION: Final = """\
gateway: {{id: demo}}
mqtt:
  url: mqtt://127.0.0.1:{port}
  version: "{version}"
  retry_max: 1s
clock: {{hold: 0s}}
outbox: {{keep_free: 0MB, spill_after: {late_after_s:g}s}}
buses:
  wire: {{type: simulated, kind: i2c}}
  rs485: {{type: simulated, kind: serial}}
defaults: {{interval: 1s, heartbeat: 10s}}
sensors:
  attic: {{driver: bme280, bus: wire}}
  cellar: {{driver: sht40, bus: wire}}
  fridge: {{driver: tmp102, bus: wire}}
  window: {{driver: bh1750, bus: wire}}
  boiler:
    driver: modbus
    bus: rs485
    unit: 9
    registers:
      flow: {{function: input, register: 1, type: s16, scale: 0.1, quantity: temperature, deadband: 0.1}}
      return: {{function: input, register: 2, type: s16, scale: 0.1, quantity: temperature, deadband: 0.1}}
"""


@dataclass(slots=True)
class Count:
    """What the subscriber has counted."""

    arrived: int = 0
    ids: set[str] = field(default_factory=set)
    gaps: int = 0

    def take(self, event: dict[str, Any]) -> None:
        """Count an event that arrived. A gap is no event: it says that some are missing."""
        if event.get("type") == "gap":
            self.gaps += 1
        else:
            self.arrived += 1
            self.ids.add(event["id"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What the demonstration showed. ``drain_s`` is None where the backlog was not delivered in time."""

    measured: int
    delivered: int
    duplicates: int
    gaps: int
    waited: int
    drain_s: float | None

    @property
    def lost(self) -> int:
        """Events that were measured and never came."""
        return self.measured - self.delivered

    @property
    def failure(self) -> str:
        """Why it is no success; empty for a success."""
        if self.lost or self.gaps:
            return "events were lost"
        if self.waited == 0:
            return "nothing was measured while the broker was away"
        if self.drain_s is None:
            return f"what had waited was not delivered within {DRAIN_WITHIN_S:g} s"
        return ""


class Demonstration:
    """One demonstration, in ``directory``. ``show`` prints a line, ``show_event`` an event that arrived.

    Both are called in the caller's thread, and what they raise ends it in good order.
    """

    def __init__(
        self,
        directory: Path,
        broker: LocalBroker,
        *,
        clock: Clock,
        log: Log,
        show: Callable[[str], None],
        show_event: Callable[[dict[str, Any]], None],
    ) -> None:
        """Prepare subscriber and gateway for ``broker``; nothing runs yet."""
        self._clock = clock
        self._show = show
        self._show_event = show_event
        self._pause = threading.Event()
        self._arrived: SimpleQueue[bytes] = SimpleQueue()
        self._count = Count()
        self._broker = broker
        self._door = Door(broker.port)
        self._listener: threading.Thread | None = None
        self._gateway = self._assemble(directory, log)

    def _assemble(self, directory: Path, log: Log) -> Gateway:
        catalogue = DriverCatalogue()
        text = CONFIGURATION.format(port=self._door.port, version=self._broker.version, late_after_s=LATE_AFTER_S)
        loaded = load_text(text, catalogue=catalogue, environ={}, file=Path("demo.yaml"))
        if loaded.startable is None:
            raise OperatorError("\n".join(map(str, loaded.faults)))
        state, hot = directory / "state", directory / "hot"
        hot.mkdir()
        directories = Directories(state=state, hot=hot)
        return assemble(
            loaded.startable, catalogue, directories=directories, environ=os.environ, clock=self._clock, log=log
        )

    def play(self) -> Result:
        """Ten seconds online, ten without a broker, then the backlog. Everything is stopped at the end."""
        try:
            self._show(f"broker: {self._broker.name} on 127.0.0.1:{self._broker.port}")
            self._come_back()
            self._gateway.supervisor.start()
            self._show_until(ONLINE_S, lambda: False)
            self._show(f"--- the broker goes away; the gateway measures on for {OUTAGE_S:g} s ---")
            self._go_away()
            waited = self._watch_the_backlog()
            self._show("--- the broker is back: what waited arrives, and what is measured now ---")
            self._show(
                f"    `replayed` marks what is sent more than {LATE_AFTER_S:g} s after it was stored (spill_after)"
            )
            self._come_back()
            began_s = self._clock.monotonic()
            is_drained = self._show_until(DRAIN_WITHIN_S, lambda: self._gateway.outbox.pending == 0)
            drain_s = self._clock.monotonic() - began_s
            self._gateway.supervisor.stop(STOP_WITHIN_S)
            self._show_until(ARRIVE_WITHIN_S, lambda: len(self._count.ids) >= self._gateway.outbox.counters.appended)
            return self._result(waited, drain_s if is_drained else None)
        finally:
            self._gateway.supervisor.stop(STOP_WITHIN_S)
            self._go_away()
            self._gateway.close(to_flash=False)

    def _come_back(self) -> None:
        self._broker.start()
        broker = BrokerSettings(host="127.0.0.1", port=self._broker.port, client_id="", version=self._broker.version)
        subscriber = Subscriber(
            broker, ["sensors/v1/demo/events"], lambda _topic, payload: self._arrived.put(payload), dial=dial
        )
        subscriber.connect()
        self._listener = threading.Thread(target=self._listen, args=(subscriber,), daemon=True)
        self._listener.start()
        self._door.open()

    def _go_away(self) -> None:
        self._door.shut()
        self._pause.wait(SETTLE_S)  # what the broker has acknowledged reaches the subscriber
        self._broker.stop()
        if self._listener is not None:
            self._listener.join(5.0)
            self._listener = None

    def _listen(self, subscriber: Subscriber) -> None:
        while subscriber.listen(60.0):
            pass
        subscriber.close()

    def _show_until(self, seconds: float, is_enough: Callable[[], bool]) -> bool:
        """Show what arrives, for so long, or until it is enough; whether it was."""
        deadline_s = self._clock.monotonic() + seconds
        while True:
            # What is enough may be known by what has arrived, or from elsewhere: shown is shown in both cases.
            is_over = is_enough()
            self._show_arrived()
            if is_over or self._clock.monotonic() >= deadline_s:
                return is_over
            self._pause.wait(0.05)

    def _show_arrived(self) -> None:
        for _ in range(self._arrived.qsize()):
            for event in json.loads(self._arrived.get()):
                self._count.take(event)
                self._show_event(event)

    def _watch_the_backlog(self) -> int:
        for second in range(int(OUTAGE_S)):
            self._show_until(1.0, lambda: False)
            self._show(f"    {second + 1:2} s without a broker: {self._gateway.outbox.pending} events wait")
        return self._gateway.outbox.pending

    def _result(self, waited: int, drain_s: float | None) -> Result:
        return Result(
            measured=self._gateway.outbox.counters.appended,
            delivered=len(self._count.ids),
            duplicates=self._count.arrived - len(self._count.ids),
            gaps=self._count.gaps,
            waited=waited,
            drain_s=drain_s,
        )
