"""The published schemas, held against everything that a gateway really publishes on a bad day."""

from __future__ import annotations

import io
import json
import subprocess
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout
from copy import deepcopy
from typing import Any

import jsonschema
import pytest
from proving.kills.broker import Broker, Heard
from proving.kills.gateway import GatewayProcess

from sensor_gateway.cli.main import main
from sensor_gateway.model.reading import ClockState
from sensor_gateway.publishing.shapes.channels import JSON_TEXT, MqttChannel, channels

pytestmark = [pytest.mark.system]

Wait = Callable[..., None]

CLOCK_NOT_SET = """
import time
from pathlib import Path
from sensor_gateway.model.reading import ClockState, Stamp
from sensor_gateway.service.system_clock import SystemClock

is_set = Path(__file__).parent / "clock-is-set"

def stamp(self):
    uptime_ms = time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1_000_000
    if is_set.exists():
        return Stamp(uptime_ms=uptime_ms, wall_ms=time.time_ns() // 1_000_000, clock=ClockState.SYNCED)
    return Stamp(uptime_ms=uptime_ms, wall_ms=uptime_ms, clock=ClockState.UNSYNCED)

SystemClock.stamp = stamp
"""
"""What a machine without a clock does until the network tells it the time."""

CONFIG = """
gateway: {{id: house, label: The house}}
mqtt: {{url: 'mqtt://127.0.0.1:{port}', retry_max: 1s}}
clock: {{hold: 0s}}
outbox: {{keep_free: 0MB, drain_rate: 0, spill_after: 1s, flush_every: 500ms}}
commands: {{allow: [read, reload, log-level], per_minute: 600}}
buses: {{wire: {{type: simulated, kind: i2c, scenario: faults.yaml}}}}
defaults: {{interval: 200ms, heartbeat: 1s}}
sensors:
  cellar: {{driver: tmp1075, bus: wire, address: 0x48, channels: {{temperature: {{deadband: 0}}}}}}
  attic:
    driver: bme280
    bus: wire
    channels:
      humidity: {{deadband: {{relative: 2%, at_least: 1}}, filters: [median: 15], label: Feuchte}}
"""
SCENARIO = """
faults:
  - {sensor: cellar, kind: nack, from: 2s, for: 2s}
"""


class Judge:
    """Says of each message whether the tables and schemas know it."""

    def __init__(self) -> None:
        self._channels = channels()
        self._validators = {
            message.name: jsonschema.Draft202012Validator(message.schema)
            for channel in self._channels
            for message in channel.messages
            if message.content_type == JSON_TEXT
        }

    def channel(self, topic: str) -> MqttChannel:
        (channel,) = (channel for channel in self._channels if channel.matches(topic))
        return channel

    def objection(self, message: Heard) -> str:
        """Empty where all is well."""
        if message.topic.endswith("/command/restart"):
            return ""  # nobody is told what to write there
        channel = self.channel(message.topic)
        if (message.qos, message.retain) != (channel.qos, channel.retain):
            return f"{message.topic}: QoS {message.qos}, retain {message.retain}"
        if message.expiry_s is not None and not channel.expires:
            return f"{message.topic}: it expires"
        return self.misfit(channel, json.loads(message.payload))

    def misfit(self, channel: MqttChannel, decoded: object) -> str:
        found = self._validators[channel.messages[0].name].iter_errors(decoded)
        return "; ".join(f"{channel.name} {error.json_path}: {error.message[:200]}" for error in found)


@pytest.fixture(scope="module")
def bad_day(tmp_path_factory: pytest.TempPathFactory, wait_until: Wait) -> Iterator[list[Heard]]:
    """Everything heard: a start without a clock, a fault, an outage with a purge, kills, a restart, a clean stop."""
    directory = tmp_path_factory.mktemp("bad_day")
    broker = Broker(directory, keeps_messages=True)
    (directory / "faults.yaml").write_text(SCENARIO)
    gateway = GatewayProcess(directory, CONFIG.format(port=broker.door.port), change=CLOCK_NOT_SET)
    try:
        broker.start()
        gateway.start()
        wait_until(lambda: any(event.get("reason") == "recovery" for event in broker.heard))
        (directory / "clock-is-set").touch()
        wait_until(lambda: broker.heard[-1].get("clock") == "synced")
        broker.kill()
        wait_until(lambda: _waiting(gateway) > 10)
        with redirect_stdout(io.StringIO()):
            places = ["--state-dir", str(gateway.state), "--hot-dir", str(gateway.hot)]
            assert main(["outbox", "purge", "--yes", *places]) == 0
        wait_until(lambda: _waiting(gateway) > 10)
        gateway.kill()
        gateway.start()
        broker.start()
        wait_until(lambda: any(event.get("replayed") for event in broker.heard))
        wait_until(lambda: any(event["type"] == "gap" for event in broker.heard))
        mark = len(broker.heard)
        wait_until(lambda: any("replayed" not in event for event in broker.heard[mark:]))
        gateway.kill()  # the broker says the last will
        wait_until(lambda: b'"since"' not in broker.retained["sensors/v1/house/status"])
        gateway.start()
        wait_until(lambda: b'"online"' in broker.retained["sensors/v1/house/status"])
        wait_until(lambda: b'"online"' in broker.retained["sensors/v1/house/availability/attic"])
        _ask_for_everything(broker, wait_until)
        assert gateway.terminate()[0] == 0
        broker.settle()
        yield list(broker.messages)
    finally:
        if gateway.is_running:
            gateway.kill()
        broker.stop()


ASKED = (
    ("read", {"sensor": "attic", "transaction": "1", "expires": "2100-01-01T00:00:00Z"}),
    ("read", {"sensor": "nobody"}),
    ("reload", {"transaction": "2"}),
    ("reload", {}),
    ("log-level", {"level": "debug", "for": "1s"}),
    ("log-level", {"level": "info"}),
)


def _ask_for_everything(broker: Broker, wait_until: Wait) -> None:
    """Each command, done and in vain, and one that nobody carries out; once this life has read its sensors."""

    def kept(name: str) -> Any:
        return json.loads(broker.retained[f"sensors/v1/house/{name}"])

    wait_until(lambda: kept("health")["instance"] == kept("status")["instance"])
    wait_until(lambda: kept("health")["sensor_counts"]["online"] == 2)
    for command, request in (*ASKED, ("restart", {})):
        topic = f"sensors/v1/house/command/{command}"
        pub = ["mosquitto_pub", "-p", str(broker.port), "-q", "1", "-t", topic, "-m", json.dumps(request)]
        before = _answers(broker)
        subprocess.run(pub, check=True)
        wait_until(lambda before=before: _answers(broker) > before)


def _answers(broker: Broker) -> int:
    return sum("/response/" in message.topic for message in [*broker.messages])


def _waiting(gateway: GatewayProcess) -> int:
    out = io.StringIO()
    with redirect_stdout(out):
        main(["outbox", "status", "--json", "--state-dir", str(gateway.state), "--hot-dir", str(gateway.hot)])
    return int(json.loads(out.getvalue())["waiting"]["events"])


def of(bad_day: list[Heard], name: str) -> list[Any]:
    judge = Judge()
    return [
        json.loads(message.payload)
        for message in bad_day
        if not message.topic.endswith("/command/restart") and judge.channel(message.topic).name == name
    ]


def test_everything_that_was_published_fits(bad_day: list[Heard]) -> None:
    judge = Judge()
    objections = {objection for message in bad_day if (objection := judge.objection(message))}
    assert not objections


def test_the_day_was_bad_enough(bad_day: list[Heard]) -> None:
    events = [event for message in of(bad_day, "events") for event in message]
    assert {event["type"] for event in events} >= {"value", "gap", "epoch"}
    values = [event for event in events if event["type"] == "value"]
    assert {event["reason"] for event in values} == {"first", "change", "heartbeat", "fault", "recovery"}
    assert {event["quality"] for event in values} == {"good", "uncertain", "bad"}
    assert {event["clock"] for event in values} == {"synced", "unsynced"}
    assert any(event.get("replayed") for event in values)
    assert {state["quality"] for state in of(bad_day, "state")} == {"good", "uncertain", "bad", "stale"}
    assert {state["state"] for state in of(bad_day, "availability")} == {"starting", "online", "degraded", "offline"}
    assert {(status["state"], "since" in status) for status in of(bad_day, "status")} == {
        ("online", True), ("offline", True), ("offline", False),
    }  # fmt: skip
    assert of(bad_day, "meta")[-1]["sensors"]["attic"]["channels"]["humidity"]["deadband"] == {
        "relative": 0.02, "at_least": 1.0,
    }  # fmt: skip
    assert any(message.expiry_s for message in bad_day)


def objects(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
    for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from objects(item)


def test_everything_was_asked_and_health_told_of_it(bad_day: list[Heard]) -> None:
    answers = {(answer["command"], answer["result"]) for answer in of(bad_day, "response")}
    assert answers == {
        ("read", "done"), ("read", "failed"), ("reload", "done"), ("reload", "failed"), ("log-level", "done"),
        ("restart", "refused"),
    }  # fmt: skip
    clocks = [health["clock"] for health in of(bad_day, "health")]
    assert {"unsynced", "synced"} <= {*clocks} <= {*ClockState}
    assert all(health["commands"] is not None for health in of(bad_day, "health"))


@pytest.mark.parametrize(
    "name",
    [
        "status", "availability", "state", "events", "meta", "health", "response",
        "command_read", "command_log_level",
    ],
)  # fmt: skip
def test_a_key_too_many_one_too_few_and_another_type_would_be_found(bad_day: list[Heard], name: str) -> None:
    judge = Judge()
    channel = next(channel for channel in channels() if channel.name == name)
    sound = of(bad_day, name)[-1]
    assert not judge.misfit(channel, sound)
    for place, found in enumerate(objects(sound)):
        if not found or found.keys() & {"attic", "temperature", "humidity", "wire"}:
            continue  # these keys are names, and a bus is not known from the first moment on

        def broken(change: Callable[[dict[str, Any]], object], place: int = place) -> Any:
            copy = deepcopy(sound)
            change(list(objects(copy))[place])
            return copy

        first = next(iter(found))
        assert judge.misfit(channel, broken(lambda one: one.update(extra=1)))
        assert judge.misfit(channel, broken(lambda one, key=first: one.pop(key)))
        assert judge.misfit(channel, broken(lambda one, key=first: one.update({key: {"no": "such"}})))


def test_another_qos_and_a_forgotten_retain_flag_would_be_found(bad_day: list[Heard]) -> None:
    judge = Judge()
    sound = bad_day[0]
    for changes in ({"qos": 1 - sound.qos}, {"retain": not sound.retain}):
        fields = {name: getattr(sound, name) for name in ("topic", "payload", "qos", "retain", "expiry_s")}
        assert judge.objection(Heard(**{**fields, **changes}))
