"""Packets of retained states: byte for byte what MQTT says, and what paho would have sent."""

from __future__ import annotations

from typing import Any

import paho.mqtt.client as mqtt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties, VariableByteIntegers

from sensor_gateway.publishing.states import StateMessage
from sensor_gateway.publishing.wire.packets import StatePackets, expiry_properties, payload_room, variable_length
from sensor_gateway.testing.mqtt_packets import PacketReader


class _Recorder(mqtt.Client):
    """paho, with its socket left out."""

    def __init__(self, protocol: mqtt.MQTTProtocolVersion) -> None:
        super().__init__(mqtt.CallbackAPIVersion.VERSION2, protocol=protocol)
        self.packets: list[bytes] = []
        self._sock = object()  # type: ignore[assignment]

    def _sock_close(self) -> None:
        pass

    def _packet_queue(self, _command: int, packet: bytes, _mid: int, _qos: int, _info: Any = None) -> Any:
        self.packets.append(bytes(packet))
        return mqtt.MQTT_ERR_SUCCESS


@pytest.mark.parametrize("size", [0, 1, 100, 127, 128, 16_000, 16_383, 16_500, 70_000])
@pytest.mark.parametrize("lifetime_s", [None, 900])
def test_a_state_is_the_same_bytes_as_paho_s(size: int, lifetime_s: int | None) -> None:
    paho = _Recorder(mqtt.MQTTv5)
    properties = None
    if lifetime_s is not None:
        properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
        properties.MessageExpiryInterval = lifetime_s
    paho.publish("a/b", b"x" * size, 0, retain=True, properties=properties)
    packets = StatePackets(has_properties=True, has_expiry=True)
    assert list(packets.chunks([StateMessage("a/b", b"x" * size, lifetime_s)], largest=10**6)) == paho.packets


def test_mqtt_3_1_1_has_no_properties() -> None:
    paho = _Recorder(mqtt.MQTTv311)
    paho.publish("a/b", b"xyz", 0, retain=True)
    packets = StatePackets(has_properties=False, has_expiry=True)
    assert list(packets.chunks([StateMessage("a/b", b"xyz", 900)], largest=10**6)) == paho.packets


def test_many_states_go_in_few_pieces_and_too_large_ones_are_left_out() -> None:
    messages = [StateMessage(f"a/{number}", b"x" * 1000, 60) for number in range(300)]
    messages.insert(7, StateMessage("a/large", b"x" * 5000, 60))
    packets = StatePackets(has_properties=True, has_expiry=True)
    pieces = list(packets.chunks(messages, largest=2000))
    assert len(pieces) == 3
    read = PacketReader(1).feed(b"".join(pieces))
    assert [packet.topic for packet in read] == [f"a/{number}" for number in range(300)]
    assert {packet.expiry_s for packet in read} == {60}
    assert all(packet.is_retained and packet.qos == 0 for packet in read)


@given(st.integers(0, 268_435_455))
def test_lengths_are_written_as_paho_writes_them(length: int) -> None:
    assert variable_length(length) == VariableByteIntegers.encode(length)


@given(st.text("abc/é", min_size=1, max_size=40), st.integers(60, 100_000))
def test_a_payload_that_fits_the_room_never_exceeds_the_packet_size(topic: str, largest: int) -> None:
    room = max(payload_room(topic, largest), 0)
    paho = _Recorder(mqtt.MQTTv5)
    if room:
        paho.publish(topic, b"x" * room, 1)
        assert len(paho.packets[0]) <= largest


def test_a_lifetime_is_a_second_at_least() -> None:
    assert expiry_properties(0) == b"\x05\x02\x00\x00\x00\x01"
