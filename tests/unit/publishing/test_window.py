"""The window counts what one connection owes, and nothing of any other."""

from __future__ import annotations

import pytest

from sensor_gateway.publishing.window import MOST_IDS, MOST_UNANSWERED, Window


def _window(receive_maximum: int = 65_535, most_bytes: int = 1000) -> Window[str]:
    return Window(receive_maximum=receive_maximum, most_bytes=most_bytes)


def test_the_broker_s_receive_maximum_is_kept() -> None:
    window = _window(receive_maximum=2)
    window.open(1, "status", size=1, sent_s=0.0)
    assert window.has_room
    window.open(2, "batch", size=1, sent_s=0.0)
    assert not window.has_room
    window.settle(1)
    assert window.has_room


def test_never_more_than_a_hundred_are_unanswered() -> None:
    window = _window()
    for packet_id in range(MOST_UNANSWERED):
        assert window.has_room
        window.open(packet_id + 1, "batch", size=1, sent_s=0.0)
    assert not window.has_room


def test_bytes_are_bounded_but_one_message_always_goes() -> None:
    window = _window(most_bytes=10)
    assert window.has_room
    window.open(1, "large", size=5000, sent_s=0.0)
    assert not window.has_room
    window.settle(1)
    assert window.has_room


def test_an_answer_to_an_unknown_id_means_nothing() -> None:
    window = _window()
    window.open(1, "batch", size=1, sent_s=0.0)
    assert window.settle(7) is None
    packet = window.settle(1)
    assert packet is not None
    assert packet.content == "batch"
    assert window.settle(1) is None, "answered twice counts once"


def test_an_unanswered_id_is_never_given_out_again() -> None:
    window = _window()
    window.open(1, "batch", size=1, sent_s=0.0)
    with pytest.raises(ValueError, match="unanswered"):
        window.open(1, "other", size=1, sent_s=0.0)


def test_sending_stops_before_ids_wrap_onto_an_unanswered_one() -> None:
    window = _window()
    window.open(1, "forgotten", size=1, sent_s=0.0)
    for count in range(MOST_IDS):
        assert window.has_room
        window.open(2 + count, "batch", size=1, sent_s=0.0)
        window.settle(2 + count)
    assert not window.has_room


def test_the_oldest_and_the_order_are_known() -> None:
    window = _window()
    assert window.oldest_s is None
    window.open(5, "first", size=1, sent_s=1.0)
    window.open(6, "second", size=1, sent_s=2.0)
    assert list(window) == ["first", "second"]
    assert window.oldest_s == 1.0
    window.settle(5)
    assert window.oldest_s == 2.0
