"""What Home Assistant discovery costs: messages, bytes and CPU to make them, at the start; then CPU per reading.

The second is one load with discovery and without, in turn, each in a process of its own (``load.py``): take the
ratio, not the microseconds. 100 mixed sensors make 201 channels.

usage: python benchmarks/discovery.py [rounds]
"""

from __future__ import annotations

import statistics
import sys
import time

from load import configuration_text, parser
from run import measure

from sensor_gateway.config.loading import load_text
from sensor_gateway.config.settings import Configuration
from sensor_gateway.publishing.announcements import Announcement
from sensor_gateway.publishing.messages import Topics
from sensor_gateway.sensing.catalogue import DriverCatalogue
from sensor_gateway.sensing.plan import SensorPlan
from sensor_gateway.service.plans import labels_of, sensor_plans
from sensor_gateway.service.retained.home_assistant import discovery_documents

ROUNDS = 20
LOAD = ["--sensors", "100", "--mix", "--seconds", "10", "--warm-up", "3"]


def house(form: str) -> tuple[Configuration, tuple[SensorPlan, ...]]:
    """100 sensors of three kinds, and what they are planned to do."""
    arguments = parser().parse_args(["--port", "1883", "--sensors", "100", "--mix", "--home-assistant"])
    text = configuration_text(arguments).replace("home_assistant: true", f"home_assistant: {{form: {form}}}")
    catalogue = DriverCatalogue()
    loaded = load_text(text, catalogue=catalogue, environ={})
    if loaded.configuration is None:
        raise SystemExit("\n".join(map(str, loaded.faults)))
    return loaded.configuration, tuple(sensor_plans(loaded.configuration, catalogue))


def making(form: str) -> tuple[list[Announcement], float]:
    """All messages, and the least CPU in milliseconds that it took to make them."""
    configuration, plans = house(form)
    topics = Topics(prefix="sensors/v1", gateway="load")
    least_s = float("inf")
    messages: list[Announcement] = []
    for _ in range(ROUNDS):
        began_s = time.process_time()
        told = discovery_documents(configuration, plans, topics, labels_of(configuration))
        messages = [document.announcement() for document in told]
        least_s = min(least_s, time.process_time() - began_s)
    return messages, least_s * 1000


def main() -> None:
    rounds = int(sys.argv[1]) if sys.argv[1:] else 3
    for form in ("device", "single"):
        messages, ms = making(form)
        total = sum(len(message.topic) + len(message.payload) for message in messages)
        largest = max(len(message.payload) for message in messages)
        print(f"{form:8} {len(messages):4} messages, {total} bytes, the largest {largest}; made in {ms:.1f} ms of CPU")
    on, off = [], []
    for _ in range(rounds):
        off.append(measure(LOAD))
        on.append(measure([*LOAD, "--home-assistant"]))
    for name in ("cpu_us_per_reading", "start_cpu_s", "rss_mb"):
        without, within = (statistics.median(float(str(one[name])) for one in part) for part in (off, on))
        print(f"{name:20} without {without:8.3f}  with {within:8.3f}  ratio {within / without:.3f}")


if __name__ == "__main__":
    main()
