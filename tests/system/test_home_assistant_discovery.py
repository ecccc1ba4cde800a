"""The whole gateway and a real mosquitto: what Home Assistant would find there, over restarts and changes.

The messages are judged by Home Assistant's own rules (proving/discovery_rules.py). Whether Home Assistant itself agrees
is the question of tests/home_assistant.
"""

from __future__ import annotations

import json
import re
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from proving.discovery_rules import complaints, entities
from proving.kept import kept
from proving.kills.gateway import GatewayProcess

from sensor_gateway.service.demonstration.local_broker import wait_until_open
from sensor_gateway.service.demonstration.loopback_ports import free_port

pytestmark = [pytest.mark.system]

Wait = Callable[..., None]


def config(port: int, home_assistant: str = "true", *, attic: str = "", with_bench: bool = True, more: str = "") -> str:
    lines = [
        "gateway: {id: house, label: The house, area: Ground floor}",
        f"mqtt: {{url: 'mqtt://127.0.0.1:{port}', retry_max: 1s{more}}}",
        f"home_assistant: {home_assistant}",
        "clock: {hold: 0s}",
        "outbox: {keep_free: 0MB}",
        "buses: {wire: {type: simulated, kind: i2c}}",
        "defaults: {interval: 300ms, heartbeat: 5s}",
        "sensors:",
        f"  attic: {{driver: bme280, bus: wire, label: Attic{attic}}}",
    ]
    if with_bench:
        lines.append("  bench: {driver: bh1750, bus: wire}")
    return "\n".join(lines) + "\n"


def retained(port: int) -> dict[str, bytes]:
    """What the broker keeps, asked by another client."""
    return kept(port, "homeassistant/#", "sensors/v1/#", "home/#")


def discovery(port: int) -> dict[str, bytes]:
    return {topic: payload for topic, payload in retained(port).items() if topic.startswith("homeassistant/")}


def announced(port: int) -> dict[str, dict[str, Any]]:
    return {
        unique_id: entity
        for topic, payload in discovery(port).items()
        for unique_id, entity in entities(topic, payload).items()
    }


def run_with(gateway: Any, broker: Any, wait_until: Wait, text: str) -> None:
    """A new life with another configuration, until the broker has an event of each sensor.

    Events come behind all that is announced, and behind the states of their sensors.
    """
    if gateway.is_running:
        assert gateway.terminate()[0] == 0
        broker.settle()
    if gateway.log.exists():
        gateway.new_entries()
    gateway.config.write_text(text)
    heard = len(broker.heard)
    gateway.start()
    seen: list[str] = []

    def is_up() -> bool:
        seen.extend(entry["event"] for entry in gateway.new_entries())
        count = text.count("driver:")
        told = {event["sensor"] for event in broker.heard[heard:] if "sensor" in event}
        return seen.count("sensor_first_reading") == count and (len(told) == count or "topic_prefix" in text)

    wait_until(is_up)


@pytest.mark.parametrize("form", ["device", "single"])
def test_home_assistant_has_nothing_to_object_to(gateway: Any, broker: Any, wait_until: Wait, form: str) -> None:
    broker.start()
    run_with(gateway, broker, wait_until, config(broker.door.port, f"{{form: {form}}}"))
    found = discovery(broker.port)
    assert len(found) == (3 if form == "device" else 11)
    for topic, payload in found.items():
        assert complaints(topic, payload) == [], topic
    wait_until(lambda: "sensors/v1/house/state/bench/illuminance" in retained(broker.port))
    published = retained(broker.port)
    for unique_id, entity in announced(broker.port).items():
        assert unique_id.startswith("sensor-gateway.house.")
        if not entity["state_topic"].endswith("/health"):
            assert entity["state_topic"] in published
        for one in entity.get("availability", []):
            assert one["t"] in published


def test_the_lifetime_told_is_that_of_the_retained_state(gateway: Any, broker: Any, wait_until: Wait) -> None:
    broker.start()
    run_with(gateway, broker, wait_until, config(broker.door.port))
    entity = announced(broker.port)["sensor-gateway.house.attic.state.temperature"]
    command = ["mosquitto_sub", "-h", "127.0.0.1", "-p", str(broker.port), "-V", "5", "-C", "1", "-W", "5"]
    command += ["-t", entity["state_topic"], "-F", "%E"]
    left_s = int(subprocess.run(command, capture_output=True, check=True).stdout)
    assert entity["expire_after"] == 15
    assert 0 < left_s <= entity["expire_after"]


def test_what_left_the_configuration_leaves_the_broker_over_a_restart(
    gateway: Any, broker: Any, wait_until: Wait
) -> None:
    broker.start()
    run_with(gateway, broker, wait_until, config(broker.door.port))
    assert "sensors/v1/house/state/bench/illuminance" in retained(broker.port)
    attic = ", channels: {pressure: {publish: false}}"
    run_with(gateway, broker, wait_until, config(broker.door.port, attic=attic, with_bench=False))
    wait_until(lambda: not any("bench" in topic for topic in retained(broker.port)))
    left = retained(broker.port)
    assert "sensors/v1/house/state/attic/pressure" not in left
    assert "sensors/v1/house/state/attic/temperature" in left
    body = json.loads(left["homeassistant/device/house/sensor_attic/config"])
    assert body["cmps"]["state.pressure"] == {"p": "sensor"}, "so that Home Assistant removes it"
    run_with(gateway, broker, wait_until, config(broker.door.port, attic=attic, with_bench=False))
    body = json.loads(retained(broker.port)["homeassistant/device/house/sensor_attic/config"])
    assert "state.pressure" not in body["cmps"], "and it is said once"


def test_a_gateway_without_memory_would_leave_a_dead_sensor_alive(gateway: Any, broker: Any, wait_until: Wait) -> None:
    """The control of the test above."""
    broker.start()
    run_with(gateway, broker, wait_until, config(broker.door.port))
    assert gateway.terminate()[0] == 0
    (gateway.state / "retained-topics").unlink()
    run_with(gateway, broker, wait_until, config(broker.door.port, with_bench=False))
    assert any("bench" in topic for topic in retained(broker.port))


def test_what_was_removed_while_the_broker_was_away_is_taken_back_later(
    gateway: Any, broker: Any, wait_until: Wait
) -> None:
    broker.start()
    run_with(gateway, broker, wait_until, config(broker.door.port))
    broker.door.shut()
    gateway.kill()
    gateway.config.write_text(config(broker.door.port, with_bench=False))
    gateway.start()
    wait_until(lambda: "broker_unreachable" in [entry["event"] for entry in gateway.new_entries()])
    gateway.kill()
    gateway.start()
    assert any("bench" in topic for topic in retained(broker.port))
    broker.door.open()
    wait_until(lambda: not any("bench" in topic for topic in retained(broker.port)))


def test_turned_off_it_takes_everything_back_and_keeps_the_rest(gateway: Any, broker: Any, wait_until: Wait) -> None:
    broker.start()
    run_with(gateway, broker, wait_until, config(broker.door.port))
    assert discovery(broker.port)
    run_with(gateway, broker, wait_until, config(broker.door.port, "false"))
    wait_until(lambda: not discovery(broker.port))
    assert "sensors/v1/house/state/attic/temperature" in retained(broker.port)


def test_another_form_takes_the_place_of_the_first(gateway: Any, broker: Any, wait_until: Wait) -> None:
    broker.start()
    run_with(gateway, broker, wait_until, config(broker.door.port))
    before = announced(broker.port)
    run_with(gateway, broker, wait_until, config(broker.door.port, "{form: single}"))
    wait_until(lambda: not any("/device/" in topic for topic in discovery(broker.port)))
    assert announced(broker.port).keys() == before.keys()


def test_another_prefix_leaves_nothing_of_the_first(gateway: Any, broker: Any, wait_until: Wait) -> None:
    broker.start()
    run_with(gateway, broker, wait_until, config(broker.door.port))
    run_with(gateway, broker, wait_until, config(broker.door.port, more=", topic_prefix: home/air"))
    wait_until(lambda: not any(topic.startswith("sensors/v1/") for topic in retained(broker.port)))
    wait_until(lambda: "home/air/house/status" in retained(broker.port))
    wait_until(lambda: b"sensors/v1" not in b"".join(discovery(broker.port).values()))
    assert len(discovery(broker.port)) == 3


def test_a_broker_that_lost_its_store_is_told_again(gateway: Any, broker: Any, wait_until: Wait) -> None:
    broker.start()
    run_with(gateway, broker, wait_until, config(broker.door.port))
    before = discovery(broker.port)
    broker.kill()
    broker.start()
    wait_until(lambda: discovery(broker.port) == before)


def test_the_memory_is_not_written_again_while_nothing_changes(gateway: Any, broker: Any, wait_until: Wait) -> None:
    broker.start()
    run_with(gateway, broker, wait_until, config(broker.door.port))
    assert gateway.terminate()[0] == 0
    first = (gateway.state / "retained-topics").stat()
    run_with(gateway, broker, wait_until, config(broker.door.port))
    assert gateway.terminate()[0] == 0
    second = (gateway.state / "retained-topics").stat()
    assert (first.st_ino, first.st_mtime_ns) == (second.st_ino, second.st_mtime_ns)


def test_after_home_assistants_birth_everything_is_announced_again(gateway: Any, broker: Any, wait_until: Wait) -> None:
    """Somebody has removed what is retained; the control is a death, upon which nothing comes."""
    broker.start()
    run_with(gateway, broker, wait_until, config(broker.door.port, "{birth_spread: 500ms}"))
    before = discovery(broker.port)
    for topic in before:
        say(broker.port, topic, "")
    assert discovery(broker.port) == {}
    say(broker.port, "homeassistant/status", "offline")
    time.sleep(1.5)
    assert discovery(broker.port) == {}
    say(broker.port, "homeassistant/status", "online")
    wait_until(lambda: discovery(broker.port) == before)
    assert "message_refused" not in [entry["event"] for entry in gateway.entries()]


def test_a_reload_adds_and_removes_a_sensor_and_a_birth_brings_the_new_set(
    gateway: Any, broker: Any, wait_until: Wait
) -> None:
    """With its control: before the reload nothing of the new sensor is there, and of the old one all is."""
    broker.start()
    first = config(broker.door.port, "{birth_spread: 500ms}")
    run_with(gateway, broker, wait_until, first)
    wait_until(lambda: _of(broker.port, "bench") == {"config", "availability", "state"})
    assert _of(broker.port, "cellar") == set()
    gateway.config.write_text(first.replace("bench: {driver: bh1750", "cellar: {driver: tmp1075"))
    gateway.process.send_signal(signal.SIGHUP)
    wait_until(lambda: _of(broker.port, "bench") == set())
    wait_until(lambda: _of(broker.port, "cellar") == {"config", "availability", "state"})
    assert len(discovery(broker.port)) == 3
    after = discovery(broker.port)
    for topic in after:
        say(broker.port, topic, "")
    assert discovery(broker.port) == {}
    say(broker.port, "homeassistant/status", "online")
    wait_until(lambda: discovery(broker.port) == after)


def _of(port: int, sensor: str) -> set[str]:
    """The kinds of messages that the broker keeps of a sensor."""
    kinds = {"device": "config", "availability": "availability", "state": "state"}
    topics = [topic.split("/") for topic in retained(port) if sensor in topic]
    return {next(kinds[level] for level in levels if level in kinds) for levels in topics}


BROKEN_WHILE_MARKED = """
from pathlib import Path
from sensor_gateway.sensing.catalogue import DriverBroken, DriverCatalogue

sound = DriverCatalogue.spec

def spec(self, name):
    if name == "bh1750" and (Path(__file__).parent / "broken").exists():
        raise DriverBroken(name, "a package", "it was upgraded to nothing")
    return sound(self, name)

DriverCatalogue.spec = spec
"""


def test_a_sensor_whose_driver_is_broken_at_a_start_stays_a_device(
    tmp_path: Path, broker: Any, wait_until: Wait
) -> None:
    """With its control: taken out of the file, it goes."""
    broker.start()
    gateway = GatewayProcess(tmp_path, "", change=BROKEN_WHILE_MARKED)
    topic = "homeassistant/device/house/sensor_bench/config"
    try:
        run_with(gateway, broker, wait_until, config(broker.door.port))
        wait_until(lambda: topic in discovery(broker.port))
        device = discovery(broker.port)[topic]
        assert gateway.terminate()[0] == 0
        (tmp_path / "broken").touch()
        gateway.start()
        wait_until(lambda: b"upgraded to nothing" in retained(broker.port)["sensors/v1/house/availability/bench"])
        wait_until(lambda: "sensors/v1/house/state/bench/illuminance" not in retained(broker.port))
        assert discovery(broker.port)[topic] == device
        assert gateway.terminate()[0] == 0
        (tmp_path / "broken").unlink()
        run_with(gateway, broker, wait_until, config(broker.door.port))
        assert discovery(broker.port)[topic] == device
        run_with(gateway, broker, wait_until, config(broker.door.port, with_bench=False))
        wait_until(lambda: topic not in discovery(broker.port))
    finally:
        if gateway.is_running:
            gateway.kill()


def say(port: int, topic: str, payload: str) -> None:
    command = ["mosquitto_pub", "-h", "127.0.0.1", "-p", str(port), "-t", topic]
    command += ["-m", payload] if payload else ["-r", "-n"]
    subprocess.run(command, check=True)


def acl() -> str:
    """The access list of docs/home-assistant.md."""
    page = (Path(__file__).parents[2] / "docs" / "home-assistant.md").read_text("utf-8")
    (text,) = re.findall(r"```\n(user .*?)```", page, re.DOTALL)
    return str(text)


@pytest.mark.parametrize("is_allowed", [True, False])
def test_the_access_list_of_the_page_is_enough_and_without_its_line_it_is_said(
    gateway: Any, tmp_path: Path, wait_until: Wait, *, is_allowed: bool
) -> None:
    port, rules = free_port(), acl()
    assert rules.count("homeassistant/+/greenhouse/#") == 1
    if not is_allowed:
        rules = rules.replace("topic write homeassistant/+/greenhouse/#\n", "")
    (tmp_path / "acl").write_text(rules)
    (tmp_path / "acl").chmod(0o600)
    subprocess.run(["mosquitto_passwd", "-b", "-c", str(tmp_path / "passwords"), "greenhouse", "secret"], check=True)
    settings = tmp_path / "guarded.conf"
    settings.write_text(
        f"listener {port} 127.0.0.1\nuser root\npassword_file {tmp_path}/passwords\nacl_file {tmp_path}/acl\n"
    )
    text = config(port).replace("id: house", "id: greenhouse")
    text = text.replace("mqtt: {", "mqtt: {username: greenhouse, password: secret, ")
    gateway.config.write_text(text)
    gateway.config.chmod(0o600)

    def denied() -> list[str]:
        return [entry["topic"] for entry in gateway.entries() if entry["event"] == "topic_denied"]

    with subprocess.Popen(["mosquitto", "-c", str(settings)], stderr=subprocess.DEVNULL) as process:
        try:
            wait_until_open(port, 10)
            gateway.start()
            for event in ("sensor_first_reading", "broker_connected"):
                wait_until(lambda event=event: event in [entry["event"] for entry in gateway.entries()])
            if is_allowed:
                time.sleep(1.0)
            else:
                wait_until(lambda: len(denied()) == 3)
            assert len(denied()) == (0 if is_allowed else 3)
            assert not [entry for entry in gateway.entries() if "subscri" in entry["event"]]
            assert gateway.terminate()[0] == 0
        finally:
            process.terminate()
