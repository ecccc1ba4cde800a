"""Which topics a filter selects, judged by paho's own function and by the examples of MQTT 5.0, section 4.7."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from paho.mqtt.client import topic_matches_sub

from sensor_gateway.publishing.receiving.topic_filter import is_topic_name, matches

levels = st.sampled_from(["", "a", "bc", "$x"])
topics = st.lists(levels, min_size=1, max_size=4).map("/".join).filter(bool)
filters = st.builds(
    lambda parts, end: "/".join([*parts, *end]),
    st.lists(levels | st.just("+"), min_size=1, max_size=4),
    st.sampled_from([[], ["#"]]),
).filter(bool)


@given(filters, topics)
def test_it_selects_what_paho_s_own_function_selects(topic_filter: str, topic: str) -> None:
    assert matches(topic_filter, topic) == topic_matches_sub(topic_filter, topic)


@pytest.mark.parametrize(
    ("topic_filter", "topic", "is_selected"),
    [
        ("sport/tennis/player1/#", "sport/tennis/player1", True),
        ("sport/tennis/player1/#", "sport/tennis/player1/score/wimbledon", True),
        ("sport/tennis/+", "sport/tennis/player1/ranking", False),
        ("sport/+", "sport", False),
        ("sport/+", "sport/", True),
        ("+/+", "/finance", True),
        ("+", "/finance", False),
        ("#", "$SYS/broker", False),
        ("$SYS/#", "$SYS/broker", True),
    ],
)
def test_it_selects_what_the_specification_s_examples_say(topic_filter: str, topic: str, *, is_selected: bool) -> None:
    assert matches(topic_filter, topic) is is_selected


@pytest.mark.parametrize("topic", ["", "a/+", "#", "a\0b", "\ud800", "ä" * 32_768])
def test_what_cannot_be_published_to_is_no_topic_name(topic: str) -> None:
    assert not is_topic_name(topic)


@pytest.mark.parametrize("topic", ["a", "/", "ä/b c", "x" * 65_535])
def test_any_other_text_is_a_topic_name(topic: str) -> None:
    assert is_topic_name(topic)
