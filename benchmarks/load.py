"""One process that is measured: a whole gateway on simulated buses, against a broker. Prints its figures as JSON.

CPU is that of the process, chip simulation included; broker and subscriber run elsewhere. See benchmarks/README.md.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import resource
import tempfile
import threading
import time
from pathlib import Path

STARTED_CPU_S = time.process_time()

from sensor_gateway.config.loading import load_text  # noqa: E402 - the imports are a part of what is measured
from sensor_gateway.model.clock import Clock  # noqa: E402
from sensor_gateway.sensing.catalogue import DriverCatalogue  # noqa: E402
from sensor_gateway.sensing.poller import Poller  # noqa: E402
from sensor_gateway.service.assembly import Gateway, assemble  # noqa: E402
from sensor_gateway.service.directories import Directories  # noqa: E402
from sensor_gateway.service.logs import open_log  # noqa: E402
from sensor_gateway.service.system_clock import SystemClock  # noqa: E402
from sensor_gateway.simulation.build import simulated_bus  # noqa: E402

MIXED = ("bme280", "bh1750", "sht40")


def bus_text(arguments: argparse.Namespace, number: int) -> str:
    """One bus: simulated, or a device node that smbus2 opens."""
    if arguments.smbus2:
        node = Path(arguments.nodes) / f"bus{number}"
        node.touch()
        return f"{{type: i2c, path: '{node}'}}"
    return f"{{type: simulated, kind: i2c, seed: {number}}}"


def configuration_text(arguments: argparse.Namespace) -> str:
    """A file with so many sensors, spread evenly over so many buses."""
    lines = [
        "gateway: {id: load}",
        f"mqtt: {{url: 'mqtt://127.0.0.1:{arguments.port}', states: {str(arguments.states).lower()}, retry_max: 1s}}",
        f"home_assistant: {str(arguments.home_assistant).lower()}",
        "clock: {hold: 0s}",
        "outbox: {keep_free: 0MB, drain_rate: 0}",
        f"defaults: {{interval: {arguments.interval}, heartbeat: false}}",
        *(["commands: {allow: [read, log-level]}"] if arguments.commands else []),
        "buses:",
        *(f"  bus{number}: {bus_text(arguments, number)}" for number in range(arguments.buses)),
        "sensors:",
    ]
    deadband = "0" if arguments.changing else "1000000"
    channels = {
        "bme280": ("temperature", "humidity", "pressure"),
        "bh1750": ("illuminance",),
        "sht40": ("temperature", "humidity"),
    }
    for number in range(arguments.sensors):
        driver = MIXED[number % 3] if arguments.mix else arguments.driver
        wanted = ", ".join(f"{channel}: {{deadband: {deadband}}}" for channel in channels[driver])
        address = 0x08 + number // arguments.buses
        mode = "mode: high, " if driver == "bh1750" else ""
        lines.append(
            f"  s{number}: {{driver: {driver}, {mode}bus: bus{number % arguments.buses}, address: {address:#x},"
            f" channels: {{{wanted}}}}}"
        )
    return "\n".join(lines) + "\n"


def readings(gateway: Gateway) -> int:
    """How many values were measured since the start."""
    pollers = [bus.life.runner for bus in gateway.buses if bus.life is not None]
    return sum(poller.counters.readings for poller in pollers if isinstance(poller, Poller))


def switches() -> int:
    """Voluntary context switches of all threads so far: wake-ups."""
    total = 0
    for task in Path("/proc/self/task").iterdir():
        for line in (task / "status").read_text().splitlines():
            if line.startswith("voluntary_ctxt_switches"):
                total += int(line.split()[1])
    return total


def rss_mb() -> float:
    """Resident memory now."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    return 0.0


def put_chips_behind(gateway: Gateway, nodes: str, clock: Clock) -> None:
    """Answer smbus2's ioctl with the chips of each bus."""
    from smbus2_seam import put_chips_behind_smbus2  # noqa: PLC0415 - not a part of the start that is measured

    buses = {}
    for number, keeper in enumerate(gateway.buses):
        bus = simulated_bus(keeper.plan.name, "i2c", keeper.plan.sensors, seed=number, clock=clock)
        bus.open()
        buses[str(Path(nodes) / keeper.plan.name)] = bus
    put_chips_behind_smbus2(buses)


def parser() -> argparse.ArgumentParser:
    """What a load can be."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--sensors", type=int, default=100)
    parser.add_argument("--buses", type=int, default=1)
    parser.add_argument("--interval", default="1s")
    parser.add_argument("--driver", default="bh1750")
    parser.add_argument("--mix", action="store_true")
    parser.add_argument("--still", dest="changing", action="store_false")
    parser.add_argument("--no-states", dest="states", action="store_false")
    parser.add_argument("--home-assistant", action="store_true", help="announce every sensor")
    parser.add_argument("--commands", action="store_true", help="listen, and let commands be asked")
    parser.add_argument("--smbus2", action="store_true", help="through smbus2, its ioctl answered by the chips")
    parser.add_argument("--warm-up", type=float, default=4.0)
    parser.add_argument("--seconds", type=float, default=12.0)
    return parser


def main() -> None:
    arguments = parser().parse_args()
    logging.disable()
    arguments.nodes = tempfile.mkdtemp()
    catalogue = DriverCatalogue()
    loaded = load_text(configuration_text(arguments), catalogue=catalogue, environ={})
    if loaded.startable is None:
        raise SystemExit("\n".join(map(str, loaded.faults[:5])))
    pause = threading.Event()
    with tempfile.TemporaryDirectory(dir="/dev/shm") as hot, tempfile.TemporaryDirectory() as state:
        directories = Directories(state=Path(state), hot=Path(hot))
        clock = SystemClock()
        with open(os.devnull, "w") as nowhere:  # noqa: PTH123 - a stream for the log
            gateway = assemble(
                loaded.startable,
                catalogue,
                directories=directories,
                environ=os.environ,
                clock=clock,
                log=open_log(nowhere),
            )
            del loaded  # as `run` does
            if arguments.smbus2:
                put_chips_behind(gateway, arguments.nodes, clock)
            gateway.supervisor.start()
            while gateway.publisher.counters.acknowledged <= 1:
                pause.wait(0.002)
            first_event_cpu_s = time.process_time()
            pause.wait(arguments.warm_up)
            before = (
                time.process_time(),
                time.monotonic(),
                readings(gateway),
                gateway.outbox.counters.appended,
                switches(),
            )
            pause.wait(arguments.seconds)
            after = (
                time.process_time(),
                time.monotonic(),
                readings(gateway),
                gateway.outbox.counters.appended,
                switches(),
            )
            cpu_s, wall_s, measured, events, woken = (b - a for a, b in zip(before, after, strict=True))
            written = resource.getrusage(resource.RUSAGE_SELF).ru_oublock
            figures = {
                "sensors": arguments.sensors,
                "readings": measured,
                "events": events,
                "cpu_us_per_reading": round(cpu_s / measured * 1e6, 1) if measured else None,
                "cpu_s_per_min": round(cpu_s / wall_s * 60, 3),
                "wakeups_per_s": round(woken / wall_s, 1),
                "rss_mb": round(rss_mb(), 1),
                "start_cpu_s": round(first_event_cpu_s, 3),
                "blocks_written": written,
            }
            gateway.supervisor.stop(5.0)
            gateway.close(to_flash=False)
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
