"""Times eight BH1750 on one simulated bus, each with a real conversion of 180 ms, until the last one is read.

Addresses beyond the chip's two are what a multiplexer would give. Prints, per round, the milliseconds from the moment
all fell due to the last reading.
"""

from __future__ import annotations

import os
import threading
from pathlib import Path

from sensor_gateway.config.loading import load_text
from sensor_gateway.sensing.catalogue import DriverCatalogue
from sensor_gateway.sensing.outlet import Outlet
from sensor_gateway.sensing.poller import Poller
from sensor_gateway.service.logs import open_log
from sensor_gateway.service.plans import sensor_plans
from sensor_gateway.service.system_clock import SystemClock
from sensor_gateway.simulation.build import simulated_bus

CHANNELS = "{illuminance: {deadband: 0}}"


def main() -> None:
    sensors = "".join(
        f"  s{number}: {{driver: bh1750, mode: high, bus: wire, address: {0x20 + number:#x}, channels: {CHANNELS}}}\n"
        for number in range(8)
    )
    text = "buses: {wire: {type: simulated, kind: i2c}}\ndefaults: {interval: 1s}\nsensors:\n" + sensors
    catalogue, clock = DriverCatalogue(), SystemClock()
    configuration = load_text(text, catalogue=catalogue, environ={}, needs_broker=False).configuration
    assert configuration is not None  # noqa: S101 - the text above is right
    plans = sensor_plans(configuration, catalogue)
    outlet = Outlet(1000, lambda: None)
    log = open_log(Path(os.devnull).open("w"))  # noqa: SIM115 - as long as the process
    bus = simulated_bus("wire", "i2c", plans, clock=clock)
    poller = Poller(bus=bus, sensors=plans, clock=clock, outlet=outlet, log=log, slack_s=0.05)
    offset_ms = clock.stamp().uptime_ms - clock.monotonic() * 1000
    thread = threading.Thread(target=poller.run)
    thread.start()
    threading.Event().wait(6.0)
    poller.stop()
    thread.join()
    rounds: dict[int, float] = {}
    for event in outlet.take()[0]:
        late_ms = (event.stamp.uptime_ms - offset_ms) % 1000
        second = int((event.stamp.uptime_ms - offset_ms) // 1000)
        rounds[second] = max(rounds.get(second, 0.0), late_ms)
    for late_ms in list(rounds.values())[1:]:
        print(f"all eight read {late_ms:.0f} ms after they fell due")


if __name__ == "__main__":
    main()
