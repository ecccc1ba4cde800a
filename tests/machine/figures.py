"""What the installed service costs on a whole machine.

    sudo env PYTHONPATH=tests/proofs .venv/bin/python tests/machine/figures.py MINUTES

The machine boots, the broker is outside; each phase lasts MINUTES (default 10; 0: no phases). Prints one fact per line.
The processor is emulated: CPU seconds are told as they are in there, and divided by how much slower Python is there
than here.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import mean
from typing import Final

from emulated.bench import Bench
from emulated.bridge import NODE
from emulated.chips import configuration
from emulated.machine import Machine
from emulated.making.image import image
from emulated.making.ready import CHIPS, installed
from emulated.service import Service
from emulated.waiting import wait_for_fresh
from proving.kills.broker import Broker

UNIT: Final = "sensor-gateway"
NORMAL: Final = "defaults: {interval: 1s}"
"""Once a second each, four chips, seven channels; deadbands, heartbeat and outbox as they are by default."""
SECTOR: Final = 512
WORK: Final = "import json, time; a = time.process_time(); [json.dumps({'value': n / 7}) for n in range(50000)]; "
WORK_TOLD: Final = WORK + "print(time.process_time() - a)"


def main() -> None:
    minutes = float(sys.argv[1]) if len(sys.argv) > 1 else 10.0
    with tempfile.TemporaryDirectory(prefix="sensor-gateway-figures-") as name:
        directory = Path(name)
        built = image()
        disk = installed(built, directory / "ready")
        (package,) = (directory / "ready").glob("*.deb")
        say("size of the package, kB", package.stat().st_size / 1000)
        with broker_outside(directory) as broker:
            bench = Bench(directory / "machine", built, disk)
            try:
                measure(bench.machine, broker, minutes * 60)
            finally:
                bench.machine.stop()


def measure(machine: Machine, broker: Broker, seconds: float) -> None:
    """One boot, and three phases: without the service, with the broker there, with the broker away."""
    bus = f"  wire: {{type: i2c, path: {NODE}}}"
    service = Service(machine, configuration(CHIPS, bus, NORMAL, broker=broker.door.port))
    machine.run("sync")
    machine.stop()
    began_s = time.monotonic()
    machine.boot()
    wait_for_fresh(broker)
    say("from power-on to the first event at the subscriber, s (wall)", time.monotonic() - began_s)
    say("the same, CPU s of QEMU, which is its time on a host that is idle", machine.cpu_s())
    first = next(event for event in broker.heard if event["type"] == "value")
    say("from the start of the kernel to the first measurement, s", first["uptime_ms"] / 1000)
    begun = machine.run(f"systemctl show -P ExecMainStartTimestampMonotonic {UNIT}")
    say("from the start of the kernel to the start of the service, s", int(begun) / 1e6)
    exposure = machine.run(f"systemd-analyze security --no-pager {UNIT} | tail -1").split(":")
    say("exposure, of 10", exposure[1].split()[0])
    for phase in ("without the service", "online", "offline") if seconds else ():
        if phase == "without the service":
            service.stop()
        elif phase == "online":
            service.start()
            wait_for_fresh(broker)
            time.sleep(30)
        else:
            broker.door.shut()
            time.sleep(30)
        watch(machine, broker, phase, seconds)


def watch(machine: Machine, broker: Broker, phase: str, seconds: float) -> None:
    """What the disk was told to write in this time, and what the service took."""
    machine.run("sync")
    broker.settle()
    slower = [slowness(machine)]
    heard, written, cpu_s, began_s = len(broker.heard), sectors(machine), cpu(machine), uptime(machine)
    time.sleep(seconds)
    slower.append(slowness(machine))
    machine.run("sync")
    hours = (uptime(machine) - began_s) / 3600
    say(f"{phase}: written to the disk, kB per hour", (sectors(machine) - written) * SECTOR / 1000 / hours)
    if phase == "without the service":
        return
    per_minute = (cpu(machine) - cpu_s) / (hours * 60)
    say(f"{phase}: CPU s per minute, emulated", per_minute)
    say(f"{phase}: the emulated processor is so many times slower", mean(slower))
    say(f"{phase}: CPU s per minute, by that", per_minute / mean(slower))
    pid = machine.run(f"systemctl show -P MainPID {UNIT}").strip()
    rss = machine.run(f"grep VmRSS /proc/{pid}/status").split()[1]
    say(f"{phase}: RSS, MB", int(rss) / 1024)
    say(
        f"{phase}: memory of the control group, MB", int(machine.run(f"systemctl show -P MemoryCurrent {UNIT}")) / 2**20
    )
    if phase == "online":
        say(f"{phase}: events per minute", (len(broker.heard) - heard) / (hours * 60))


def sectors(machine: Machine) -> int:
    """Linux, Documentation/block/stat.rst: the seventh field, always of 512 bytes."""
    return int(machine.run("cat /sys/block/vda/stat").split()[6])


def cpu(machine: Machine) -> float:
    said = machine.run(f"systemctl show -P CPUUsageNSec {UNIT}").strip()
    return int(said) / 1e9 if said.isdecimal() else 0.0


def uptime(machine: Machine) -> float:
    return float(machine.run("cat /proc/uptime").split()[0])


def slowness(machine: Machine) -> float:
    """CPU time of the same work there and here; here the least of five."""
    return float(machine.run(f'python3 -c "{WORK_TOLD}"')) / min(_worked() for _ in range(5))


def _worked() -> float:
    began_s = time.process_time()
    _ = [json.dumps({"value": n / 7}) for n in range(50000)]
    return time.process_time() - began_s


def say(what: str, value: float | str) -> None:
    print(f"{what}: {value if isinstance(value, str) else format(value, '.4g')}", flush=True)  # noqa: T201 - a script


@contextmanager
def broker_outside(directory: Path) -> Iterator[Broker]:
    broker = Broker(directory)
    broker.start()
    try:
        yield broker
    finally:
        broker.stop()


if __name__ == "__main__":
    main()
