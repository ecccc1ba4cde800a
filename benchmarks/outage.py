"""An outage of a minute at 100 events/s: what is lost, how fast the backlog drains, and what it costs in memory.

usage: python benchmarks/outage.py [SECONDS]
"""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from load import rss_mb

from sensor_gateway.config.loading import load_text
from sensor_gateway.publishing.settings import BrokerSettings
from sensor_gateway.publishing.subscriber import Subscriber
from sensor_gateway.publishing.wire.dialing import dial
from sensor_gateway.sensing.catalogue import DriverCatalogue
from sensor_gateway.service.assembly import assemble
from sensor_gateway.service.demonstration.local_broker import Door, wait_until_open
from sensor_gateway.service.demonstration.loopback_ports import free_port
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
        f"  s{number}: {{driver: bh1750, mode: high, bus: wire, address: {8 + number:#x}, {channel}}}"
        for number in range(SENSORS)
    ]
    return "\n".join(lines) + "\n"


def listen(port: int) -> None:
    """Be the subscriber, in a process of its own so that the memory measured is the gateway's."""
    seqs: list[int] = []
    moments: list[tuple[float, int]] = []

    def hear(_topic: str, payload: bytes) -> None:
        events = json.loads(payload)
        seqs.extend(event["seq"] for event in events)
        moments.append((time.monotonic(), len(events)))

    broker = BrokerSettings(host="127.0.0.1", port=port, client_id="")
    subscriber = Subscriber(broker, ["sensors/v1/load/events"], hear, dial=dial)
    subscriber.connect()
    print("listening", flush=True)
    while select.select([sys.stdin], [], [], 0)[0] == []:
        subscriber.listen(0.2)
    print(json.dumps({"seqs": seqs, "moments": moments}))


def main() -> None:
    if sys.argv[1:2] == ["listen"]:
        listen(int(sys.argv[2]))
        return
    outage_s = float(sys.argv[1]) if len(sys.argv) > 1 else 60.0
    port, pause = free_port(), threading.Event()
    door = Door(port)
    with tempfile.TemporaryDirectory(dir="/dev/shm") as hot, tempfile.TemporaryDirectory() as state:
        startable = load_text(configuration_text(door.port), catalogue=DriverCatalogue(), environ={}).startable
        assert startable is not None  # noqa: S101 - the text above is right
        gateway = assemble(
            startable,
            DriverCatalogue(),
            directories=Directories(state=Path(state), hot=Path(hot)),
            environ=os.environ,
            clock=SystemClock(),
            log=open_log(Path(os.devnull).open("w")),  # noqa: SIM115 - as long as the process
        )
        file = Path(state) / "mosquitto.conf"
        file.write_text(f"listener {port} 127.0.0.1\nallow_anonymous true\nmax_queued_messages 1000000\n")
        broker = subprocess.Popen(["/usr/sbin/mosquitto", "-c", str(file)], stderr=subprocess.DEVNULL)
        wait_until_open(port, 10)
        subscriber = subprocess.Popen(
            [sys.executable, __file__, "listen", str(port)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert subscriber.stdout is not None  # noqa: S101 - a pipe was asked for
        subscriber.stdout.readline()
        door.open()
        gateway.supervisor.start()
        pause.wait(8.0)
        before_mb = rss_mb()
        door.shut()
        pause.wait(outage_s)
        waiting, peak_mb, began_cpu_s = gateway.outbox.pending, rss_mb(), time.process_time()
        door.open()
        opened_s = time.monotonic()
        while gateway.outbox.pending > 0 and time.monotonic() < opened_s + 30:
            pause.wait(0.005)
        drained_cpu_s = time.process_time() - began_cpu_s
        drained_mb = rss_mb()
        pause.wait(0.5)
        gateway.supervisor.stop(5.0)
        pause.wait(0.5)
        heard = json.loads(subscriber.communicate("enough")[0])
        moments = [(at, count) for at, count in heard["moments"] if opened_s <= at < opened_s + 30]
        burst_s = next((at for at, _ in moments), opened_s)
        arrived, last_s = 0, burst_s
        for at, count in moments:
            if arrived >= waiting:
                break
            arrived, last_s = arrived + count, at
        seqs = set(heard["seqs"])
        figures = {
            "waiting": waiting,
            "appended": gateway.outbox.counters.appended,
            "distinct": len(seqs),
            "lost": gateway.outbox.counters.appended - len(seqs),
            "duplicates": len(heard["seqs"]) - len(seqs),
            "first_after_s": round(burst_s - opened_s, 2),
            "drain_wall_s": round(last_s - burst_s, 3),
            "drain_events_per_s": round(waiting / max(last_s - burst_s, 1e-3)),
            "cpu_s_of_the_process_while_draining": round(drained_cpu_s, 3),
            "rss_before_mb": round(before_mb, 1),
            "rss_at_the_end_of_the_outage_mb": round(peak_mb, 1),
            "rss_after_the_drain_mb": round(drained_mb, 1),
        }
        gateway.close(to_flash=False)
        broker.terminate()
        broker.wait()
    print(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()
