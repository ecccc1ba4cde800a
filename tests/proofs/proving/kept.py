"""What a broker keeps retained, told at once: no client has to wait whether more comes."""

from __future__ import annotations

import threading

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from proving.let_go import let_go

_MARK = "kept/mark"
_PATIENCE_S = 20.0


def kept(port: int, *filters: str) -> dict[str, bytes]:
    """The retained messages of these filters, as a client that comes now is given them.

    A broker sends them upon the subscription (MQTT 5, section 3.3.1.3), so before a message that is published after it.
    """
    found: dict[str, bytes] = {}
    is_all = threading.Event()

    def hear(_client: Client, _data: object, message: MQTTMessage) -> None:
        if message.topic == _MARK:
            is_all.set()
        elif message.retain and not is_all.is_set():
            found[message.topic] = message.payload

    client = Client(CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv5)
    client.max_queued_messages_set(0)
    client.on_connect = lambda *_: client.subscribe([(one, 1) for one in (*filters, _MARK)])
    client.on_subscribe = lambda *_: client.publish(_MARK, b"", qos=1)
    client.on_message = hear
    client.connect("127.0.0.1", port)
    client.loop_start()
    try:
        assert is_all.wait(_PATIENCE_S), "the broker does not give back what it is told"
    finally:
        let_go(client)
    return found
