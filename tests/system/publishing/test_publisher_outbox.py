"""Publisher and the real outbox together: restarts, outages, and what a subscriber can prove from it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from proving.broker_bench import Watched
from proving.logs import Quiet

from sensor_gateway.model.units import Seconds
from sensor_gateway.outbox.identity import Machine
from sensor_gateway.outbox.outbox import Outbox
from sensor_gateway.outbox.settings import OutboxSettings
from sensor_gateway.service.system_clock import SystemClock
from sensor_gateway.testing.fake_broker import Ack, Answer, Connack, FakeBroker, Silence
from sensor_gateway.testing.mqtt_packets import Packet

pytestmark = [pytest.mark.system]

Rigs = Callable[..., Any]


@pytest.fixture
def open_outbox(tmp_path: Path) -> Callable[[], Watched]:
    def make() -> Watched:
        return Watched(
            Outbox.open(
                state_directory=tmp_path / "state",
                hot_directory=tmp_path / "hot",
                gateway="greenhouse",
                settings=OutboxSettings(spill_after_s=Seconds(0.5), flush_every_s=Seconds(0.2)),
                clock=SystemClock(),
                machine=Machine(boot_id="1b4e28ba-2fa1-11d2-883f-0016d3cca427", hardware_id="test"),
                log=Quiet(),
            ),
        )

    for name in ("state", "hot"):
        (tmp_path / name).mkdir()
    return make


def _entries(broker: FakeBroker) -> list[dict[str, Any]]:
    return [entry for packet in broker.published("/events") for entry in json.loads(packet.payload)]


def test_a_run_begins_with_its_epoch_and_every_event_arrives_once(rig: Rigs, open_outbox: Any) -> None:
    with FakeBroker() as broker:
        outbox = open_outbox()
        gateway = rig(broker.port, outbox=outbox).start()
        for start in range(0, 100, 10):
            gateway.put_values(10, first=float(start))
            gateway.until(lambda: not gateway.basket.events)
        assert gateway.until_acknowledged(101)
        gateway.stop()
        outbox.close(to_flash=False)
        entries = _entries(broker)
        assert entries[0]["type"] == "epoch"
        assert [entry["seq"] for entry in entries] == list(range(1, 102))
        assert outbox.pending == 0


def test_events_of_a_former_run_are_sent_first_in_the_same_epoch_and_marked(rig: Rigs, open_outbox: Any) -> None:
    with FakeBroker(lambda packet: Silence() if packet.topic.endswith("/events") else Ack()) as broker:
        outbox = open_outbox()
        gateway = rig(broker.port, outbox=outbox).start()
        gateway.put_values(20)
        assert gateway.until(lambda: broker.published("/events"))
        gateway.until(lambda: False, 0.9)
        gateway.stop()
        outbox.close(to_flash=False)
        broker.packets.clear()
        broker.policy = lambda _packet: Ack()
        again = open_outbox()
        gateway = rig(broker.port, outbox=again, stream={"spill_after_s": 0.5})
        gateway.put_values(5, first=20.0)
        gateway.start()
        assert gateway.until_acknowledged(26)
        gateway.stop()
        again.close(to_flash=False)
        entries = _entries(broker)
        assert [entry["seq"] for entry in entries] == list(range(1, 27))
        assert len({entry["epoch"] for entry in entries}) == 1
        assert [entry.get("replayed", False) for entry in entries] == [True] * 21 + [False] * 5


def test_a_backlog_on_flash_drains_in_order_behind_the_live_states(rig: Rigs, open_outbox: Any, free_port: int) -> None:
    outbox = open_outbox()
    gateway = rig(free_port, outbox=outbox).start()
    for start in range(0, 3000, 100):
        gateway.put_values(100, first=float(start))
        gateway.until(lambda: not gateway.basket.events)
    gateway.until(lambda: False, 1.5)
    with FakeBroker(port=free_port) as broker:
        assert gateway.until_acknowledged(3001)
        assert [entry["seq"] for entry in _entries(broker)] == list(range(1, 3002))
        first_state = next(packet for packet in broker.published() if "/state/" in packet.topic)
        assert json.loads(first_state.payload)["value"] == 2999.0
    gateway.stop()
    outbox.close(to_flash=False)


def test_refusals_out_of_order_leave_nothing_behind(rig: Rigs, open_outbox: Any) -> None:
    refused = iter([True, False, False, True, False, True] + [False] * 1000)

    def policy(packet: Packet) -> Answer:
        return Ack(reason=0x97) if packet.topic.endswith("/events") and next(refused) else Ack()

    with FakeBroker(policy, connack=Connack(receive_maximum=5)) as broker:
        outbox = open_outbox()
        gateway = rig(broker.port, outbox=outbox)
        gateway.start()
        for start in range(0, 60, 3):
            gateway.put_values(3, first=float(start))
            gateway.until(lambda: not gateway.basket.events)
        assert gateway.until_acknowledged(61)
        assert gateway.until(lambda: outbox.pending == 0)
        gateway.stop()
        outbox.close(to_flash=False)


def test_an_event_that_the_broker_never_takes_is_announced_and_passed(rig: Rigs, open_outbox: Any) -> None:
    def policy(packet: Packet) -> Answer:
        return Ack(reason=0x99) if b'"value":3.0' in packet.payload else Ack()

    with FakeBroker(lambda p: policy(p) if p.topic.endswith("/events") else Ack()) as broker:
        outbox = open_outbox()
        gateway = rig(broker.port, outbox=outbox).start()
        gateway.put_values(8)
        assert gateway.until_acknowledged(9)
        assert gateway.until(lambda: outbox.pending == 0)
        assert set(gateway.quarantined) == {5}
        gaps = [entry for entry in _entries(broker) if entry["type"] == "gap"]
        assert [(gap["from_seq"], gap["to_seq"], gap["cause"]) for gap in gaps] == [(5, 5, "quarantine")]
        gateway.stop()
        outbox.close(to_flash=False)
