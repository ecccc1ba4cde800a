from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensor_gateway.config.values.broker_url import BrokerUrl


@pytest.mark.parametrize(
    ("text", "host", "port", "is_tls"),
    [
        ("mqtt://broker.lan", "broker.lan", 1883, False),
        ("mqtts://broker.lan", "broker.lan", 8883, True),
        ("MQTT://Broker.lan:1884/", "broker.lan", 1884, False),
        ("mqtt://10.0.0.5:1883", "10.0.0.5", 1883, False),
        ("mqtts://[fe80::1]:9000", "fe80::1", 9000, True),
    ],
)
def test_the_scheme_decides_about_encryption_and_port(text: str, host: str, port: int, *, is_tls: bool) -> None:
    url = BrokerUrl.parse(text)
    assert url == BrokerUrl(host=host, port=port, is_tls=is_tls)
    assert BrokerUrl.parse(str(url)) == url


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("broker.lan", "expected mqtt://broker.lan"),
        ("", "expected mqtt://broker.lan"),
        ("tcp://b:1883", "did you mean mqtt://b:1883"),
        ("ssl://b", "did you mean mqtts://b"),
        ("ws://b", "WebSocket"),
        ("amqp://b", "expected mqtt://host"),
        ("mqtt://u:p@b", "username"),
        ("mqtt://b/topic", "topic_prefix"),
        ("mqtt://b:0", "is no address"),
        ("mqtt://b:99999", "is no address"),
        ("mqtt://b:x", "is no address"),
        ("mqtt://", "is no address"),
        ("mqtt://[::1", "is no address"),
        ("mqtt://a b", "is no address"),
    ],
)
def test_another_address_says_what_to_write(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=r".") as caught:
        BrokerUrl.parse(text)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    "text", ["mqtt://user:hunter2@b", "mqtt://user:hunter2@b:x", "user:hunter2@b", "tcp://u:hunter2@b"]
)
def test_a_refused_address_does_not_repeat_the_password(text: str) -> None:
    with pytest.raises(ValueError, match="username") as caught:
        BrokerUrl.parse(text)
    assert "hunter2" not in str(caught.value)


@given(st.text(st.sampled_from("mqts:/[]@?#%.a1 \t"), max_size=30).map("mqtt://".__add__))
def test_any_text_is_an_address_or_a_sentence(text: str) -> None:
    with contextlib.suppress(ValueError):
        assert 0 < BrokerUrl.parse(text).port < 65536


@pytest.mark.parametrize(
    ("host", "is_loopback"),
    [
        ("localhost", True),
        ("LocalHost.", True),
        ("broker.localhost", True),
        ("127.0.0.1", True),
        ("127.9.8.7", True),
        ("[::1]", True),
        ("localhost.lan", False),
        ("broker.lan", False),
        ("192.168.1.2", False),
        ("10.0.0.1", False),
        ("[fe80::1]", False),
    ],
)
def test_loopback_is_what_stays_on_this_machine(host: str, *, is_loopback: bool) -> None:
    assert BrokerUrl.parse(f"mqtt://{host}").is_loopback is is_loopback
