"""An outage of a minute at 100 events/s: what is lost, how fast the backlog drains, and what it costs in memory.

usage: python benchmarks/outage.py [SECONDS]
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from array import array
from pathlib import Path

from load import rss_mb

from sensor_gateway.config.loading import load_text
from sensor_gateway.publishing.settings import BrokerSettings
from sensor_gateway.publishing.subscriber import Subscriber
from sensor_gateway.publishing.wire.dialing import dial
from sensor_gateway.sensing.catalogue import DriverCatalogue
from sensor_gateway.service.assembly import assemble
from sensor_gateway.service.demonstration.local_broker import Door, free_port, wait_until_open
from sensor_gateway.service.directories import Directories
from sensor_gateway.service.logs import open_log
from sensor_gateway.service.system_clock import SystemClock

SENSORS = 100


def configuration_text(port: int) -> str:
    lines = [
        f"gateway: {{id: load}}\nmqtt: {{url: 'mqtt://127.0.0.1:{port}', retry_max: 1s}}\nclock: {{hold: 0s}}",
        "outbox: {keep_free: 0MB, drain_rate: 0}",
        "buses: {wire: {type: simulated, kind: i2c}}\ndefaults: {interval: 1s, heartbeat: false}\nsensors:",
    ]
    channel = "channels: {illuminance: {deadband: 0, filters: [{multiply: 1.0001}]}}"
    lines += [
        f"  s{number}: {{driver: bh1750, bus: wire, address: {8 + number}, {channel}}}" for number in range(SENSORS)
    ]
    return "\n".join(lines) + "\n"


class Heard:
    """What has arrived, and when."""

    def __init__(self) -> None:
        self.seqs = array("L")  # small, so that the memory measured is the gateway's
        self.moments: list[tuple[float, int]] = []

    def hear(self, _topic: str, payload: bytes) -> None:
        seqs = [event["seq"] for event in json.loads(payload)]
        self.seqs.extend(seqs)
        self.moments.append((time.monotonic(), len(seqs)))


def listen(subscriber: Subscriber) -> None:
    while subscriber.listen(1.0):
        pass


def main() -> None:
    outage_s = float(sys.argv[1]) if len(sys.argv) > 1 else 60.0
    port, heard, pause = free_port(), Heard(), threading.Event()
    door = Door(port)
    with tempfile.TemporaryDirectory(dir="/dev/shm") as hot, tempfile.TemporaryDirectory() as state:
        configuration = load_text(configuration_text(door.port), catalogue=DriverCatalogue(), environ={}).configuration
        assert configuration is not None  # noqa: S101 - the text above is right
        gateway = assemble(
            configuration,
            DriverCatalogue(),
            directories=Directories(state=Path(state), hot=Path(hot)),
            environ=os.environ,
            clock=SystemClock(),
            log=open_log(Path(os.devnull).open("w")),  # noqa: SIM115 - as long as the process
        )
        file = Path(state) / "mosquitto.conf"
        file.write_text(f"listener {port} 127.0.0.1\nallow_anonymous true\nmax_queued_messages 0\n")
        broker = subprocess.Popen(["/usr/sbin/mosquitto", "-c", str(file)], stderr=subprocess.DEVNULL)
        wait_until_open(port, 10)
        subscriber = Subscriber(
            BrokerSettings(host="127.0.0.1", port=port, client_id=""), ["sensors/v1/load/events"], heard.hear, dial=dial
        )
        subscriber.connect()
        threading.Thread(target=lambda: listen(subscriber), daemon=True).start()
        door.open()
        gateway.supervisor.start()
        pause.wait(8.0)
        before_mb = rss_mb()
        door.shut()
        pause.wait(outage_s)
        waiting, peak_mb, began_cpu_s = gateway.outbox.pending, rss_mb(), time.process_time()
        mark = len(heard.moments)
        door.open()
        opened_s = time.monotonic()
        while gateway.outbox.pending > 0 and time.monotonic() < opened_s + 30:
            pause.wait(0.005)
        drained_cpu_s = time.process_time() - began_cpu_s
        pause.wait(0.5)
        gateway.supervisor.stop(5.0)
        pause.wait(0.5)
        moments = [moment for moment in heard.moments[mark:] if moment[0] < opened_s + 30]
        burst_s = next((at for at, _ in moments), opened_s)
        arrived, last_s = 0, burst_s
        for at, count in moments:
            if arrived >= waiting:
                break
            arrived, last_s = arrived + count, at
        seqs = set(heard.seqs)
        figures = {
            "waiting": waiting,
            "appended": gateway.outbox.counters.appended,
            "distinct": len(seqs),
            "lost": gateway.outbox.counters.appended - len(seqs),
            "duplicates": len(heard.seqs) - len(seqs),
            "first_after_s": round(burst_s - opened_s, 2),
            "drain_wall_s": round(last_s - burst_s, 3),
            "drain_events_per_s": round(waiting / max(last_s - burst_s, 1e-3)),
            "cpu_s_of_the_process_while_draining": round(drained_cpu_s, 3),
            "rss_before_mb": round(before_mb, 1),
            "rss_peak_mb": round(max(peak_mb, rss_mb()), 1),
        }
        gateway.close(to_flash=False)
        broker.terminate()
        broker.wait()
    print(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()
