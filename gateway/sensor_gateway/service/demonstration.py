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
from sensor_gateway.service.directories import Directories
from sensor_gateway.service.local_broker import Door, LocalBroker

ONLINE_S: Final = 10.0
OUTAGE_S: Final = 10.0
DRAIN_WITHIN_S: Final = 20.0

CONFIGURATION: Final = """\
gateway: {{id: demo}}
mqtt:
  url: mqtt://127.0.0.1:{port}
  retry_max: 1s
clock: {{hold: 0s}}
outbox: {{keep_free: 0MB}}
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
    seqs: set[tuple[str, int]] = field(default_factory=set)

    @property
    def duplicates(self) -> int:
        """Events that came more than once."""
        return self.arrived - len(self.seqs)


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What the demonstration showed."""

    measured: int
    delivered: int
    duplicates: int
    waited: int
    drain_s: float

    @property
    def lost(self) -> int:
        """Events that were measured and never came."""
        return self.measured - self.delivered


class Demonstration:
    """One demonstration, in ``directory``. ``show`` prints a line, ``show_event`` an event that arrived."""

    def __init__(
        self,
        directory: Path,
        *,
        clock: Clock,
        log: Log,
        show: Callable[[str], None],
        show_event: Callable[[dict[str, Any]], None],
    ) -> None:
        """Prepare broker, subscriber and gateway; nothing runs yet. OperatorError where no broker can be had."""
        self._clock = clock
        self._show = show
        self._show_event = show_event
        self._pause = threading.Event()
        self._count = Count()
        self._broker = LocalBroker(directory)
        self._door = Door(self._broker.port)
        self._listener: threading.Thread | None = None
        self._gateway = self._assemble(directory, log)

    def _assemble(self, directory: Path, log: Log) -> Gateway:
        catalogue = DriverCatalogue()
        text = CONFIGURATION.format(port=self._door.port)
        loaded = load_text(text, catalogue=catalogue, environ={}, file=Path("demo.yaml"))
        if loaded.configuration is None:
            raise OperatorError("\n".join(map(str, loaded.faults)))
        state, hot = directory / "state", directory / "hot"
        hot.mkdir()
        directories = Directories(state=state, hot=hot)
        return assemble(
            loaded.configuration, catalogue, directories=directories, environ=os.environ, clock=self._clock, log=log
        )

    def play(self) -> Result:
        """Ten seconds online, ten without a broker, then the backlog. Everything is stopped at the end."""
        try:
            self._show(f"broker: {self._broker.name} on 127.0.0.1:{self._broker.port}")
            self._come_back()
            self._gateway.supervisor.start()
            self._pause.wait(ONLINE_S)
            self._show(f"--- the broker goes away; the gateway measures on for {OUTAGE_S:g} s ---")
            self._go_away()
            waited = self._watch_the_backlog()
            self._show("--- the broker is back ---")
            self._come_back()
            began_s = self._clock.monotonic()
            self._wait_until_drained(began_s, waited)
            drain_s = self._clock.monotonic() - began_s
            self._gateway.supervisor.stop(5.0)
            self._pause.wait(0.5)
            return self._result(waited, drain_s)
        finally:
            self._go_away()
            self._gateway.close(to_flash=False)

    def _come_back(self) -> None:
        self._broker.start()
        broker = BrokerSettings(host="127.0.0.1", port=self._broker.port, client_id="")
        subscriber = Subscriber(broker, ["sensors/v1/demo/events"], self._heard, dial=dial)
        subscriber.connect()
        self._listener = threading.Thread(target=self._listen, args=(subscriber,), daemon=True)
        self._listener.start()
        self._door.open()

    def _go_away(self) -> None:
        self._door.shut()
        self._broker.stop()
        if self._listener is not None:
            self._listener.join(5.0)
            self._listener = None

    def _listen(self, subscriber: Subscriber) -> None:
        while subscriber.listen(60.0):
            pass
        subscriber.close()

    def _heard(self, _topic: str, payload: bytes) -> None:
        for event in json.loads(payload):
            self._count.arrived += 1
            self._count.seqs.add((event["epoch"], event.get("seq", 0)))
            self._show_event(event)

    def _watch_the_backlog(self) -> int:
        for second in range(int(OUTAGE_S)):
            self._pause.wait(1.0)
            self._show(f"    {second + 1:2} s without a broker: {self._gateway.outbox.pending} events wait")
        return self._gateway.outbox.pending

    def _wait_until_drained(self, began_s: float, waited: int) -> None:
        while self._clock.monotonic() - began_s < DRAIN_WITHIN_S:
            if self._gateway.outbox.pending == 0 or (waited == 0):
                return
            self._pause.wait(0.05)

    def _result(self, waited: int, drain_s: float) -> Result:
        return Result(
            measured=self._gateway.outbox.counters.appended,
            delivered=len(self._count.seqs),
            duplicates=self._count.duplicates,
            waited=waited,
            drain_s=drain_s,
        )
