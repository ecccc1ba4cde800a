"""What Home Assistant discovery costs: messages, bytes and CPU to make them; when a broker has them; CPU per reading.

The last is one load with discovery and without, in turn, each in a process of its own (``load.py``): take the
ratio, not the microseconds. 100 mixed sensors make 201 channels.

usage: python benchmarks/discovery.py [rounds]
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import threading
import time

from load import configuration_text, parser
from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion
from run import ENVIRONMENT, HERE, measure, mosquitto

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


class _Subscriber:
    """Hears when the gateway is online, and each discovery message, as Home Assistant does."""

    def __init__(self, port: int, wanted: int) -> None:
        self.online_s = 0.0
        self.arrivals_s: list[float] = []
        self.is_complete = threading.Event()
        self._wanted = wanted
        self._client = Client(CallbackAPIVersion.VERSION2)
        self._client.on_message = self._hear
        self._client.connect("127.0.0.1", port)
        self._client.subscribe([("homeassistant/#", 1), ("sensors/v1/load/status", 1)])
        self._client.loop_start()

    def _hear(self, _client: Client, _data: object, message: MQTTMessage) -> None:
        if message.topic.endswith("/status"):
            self.online_s = self.online_s or time.monotonic()
        else:
            self.arrivals_s.append(time.monotonic())
        if len(self.arrivals_s) == self._wanted:
            self.is_complete.set()

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


def arrival(wanted: int) -> tuple[float, float]:
    """Seconds from the program's start, and from the gateway's `online`, until the last of the messages is here."""
    load = [*LOAD, "--seconds", "1", "--home-assistant"]
    with mosquitto() as port:
        subscriber = _Subscriber(port, wanted)
        command = [sys.executable, str(HERE / "load.py"), "--port", str(port), *load]
        began_s = time.monotonic()
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, env=ENVIRONMENT) as process:
            if not subscriber.is_complete.wait(60):
                raise SystemExit(f"{len(subscriber.arrivals_s)} of {wanted} discovery messages came in a minute")
            process.wait(60)
        subscriber.close()
    last_s = subscriber.arrivals_s[wanted - 1]
    return last_s - began_s, last_s - subscriber.online_s


def main() -> None:
    rounds = int(sys.argv[1]) if sys.argv[1:] else 3
    for form in ("device", "single"):
        messages, ms = making(form)
        total = sum(len(message.topic) + len(message.payload) for message in messages)
        largest = max(len(message.payload) for message in messages)
        print(f"{form:8} {len(messages):4} messages, {total} bytes, the largest {largest}; made in {ms:.1f} ms of CPU")
        if form == "device":
            times = [arrival(len(messages)) for _ in range(rounds)]
            whole_s, after_s = (statistics.median(one) for one in zip(*times, strict=True))
            print(
                f"all are at a subscriber {after_s:.3f} s after `online`, {whole_s:.2f} s after the program was started"
            )
    on, off = [], []
    for _ in range(rounds):
        off.append(measure(LOAD))
        on.append(measure([*LOAD, "--home-assistant"]))
    for name in ("cpu_us_per_reading", "start_cpu_s", "rss_mb"):
        without, within = (statistics.median(float(str(one[name])) for one in part) for part in (off, on))
        print(f"{name:20} without {without:8.3f}  with {within:8.3f}  ratio {within / without:.3f}")


if __name__ == "__main__":
    main()
