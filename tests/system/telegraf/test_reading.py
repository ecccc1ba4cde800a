"""The recipe for Telegraf by what a real one made of it, on machines that have none."""

from __future__ import annotations

import gzip
import json
from typing import Any

import jsonschema
from proving.telegraf.point import Point, parse
from proving.telegraf.recipe import ANSWER, ROOT, TIME, consumer, output, points

from sensor_gateway.publishing.stream.feed import MOST_EVENTS

RECORDED: dict[str, Any] = json.loads(ANSWER.read_text("utf-8"))


def test_the_recipe_is_the_one_that_a_real_telegraf_was_asked_with() -> None:
    assert consumer()["json_v2"] == RECORDED["parser"], (
        "Telegraf was asked with other settings of its parser: record its answer anew (tests/README.md)"
    )


def test_telegraf_was_asked_with_messages_that_a_gateway_may_send() -> None:
    schema = json.loads((ROOT / "docs" / "schemas" / "events.schema.json").read_text("utf-8"))
    for message in RECORDED["messages"]:
        jsonschema.Draft202012Validator(schema).validate(message)


def test_the_second_reading_makes_the_points_that_telegraf_made() -> None:
    made = [point for message in RECORDED["messages"] for point in points(message)]
    assert made == [Point(**row) for row in RECORDED["points"]]


def test_each_event_of_a_bad_day_is_a_point_unless_its_time_is_wrong() -> None:
    recording = ROOT / "tests" / "data" / "chaos.jsonl.gz"
    events = [json.loads(line) for line in gzip.decompress(recording.read_bytes()).splitlines()]
    values = [event for event in events if event["type"] == "value" and event["clock"] != "unsynced"]
    made = points(events)
    assert len(values) > 1000
    assert [(one.fields["epoch"], one.fields["seq"]) for one in made] == [(one["epoch"], one["seq"]) for one in values]
    assert len({one.key for one in made}) == len({one["id"] for one in values}), "no event is written over another"


def test_two_gaps_of_one_message_are_two_points() -> None:
    gaps = [point for message in RECORDED["messages"] for point in points(message) if "cause" in point.tags]
    told = {event["id"] for message in RECORDED["messages"] for event in message if event["type"] == "gap"}
    assert len({gap.key for gap in gaps}) == len(told)


def test_what_the_broker_may_hand_out_fits_into_the_buffer_of_the_output() -> None:
    assert consumer()["max_undelivered_messages"] * MOST_EVENTS <= output()["metric_buffer_limit"]


def test_the_broker_is_asked_to_keep_what_telegraf_has_not_written() -> None:
    asked = consumer()
    assert asked["qos"] == 1
    assert asked["persistent_session"]
    assert asked["client_id"]
    assert asked["json_v2"][0]["object"][0]["timestamp_format"] == TIME


def test_a_line_is_read_as_the_line_protocol_says() -> None:
    # https://docs.influxdata.com/influxdb/v2/reference/syntax/line-protocol/ : escapes, quotes, types, nanoseconds.
    assert parse(
        r'my\ name,a\,b=c\=d,unit=°C s="say \"a, b = c\" \\",i=-3i,f=1e+22,yes=true 1740787200000000001'
    ) == Point(
        measurement="my name",
        tags={"a,b": "c=d", "unit": "°C"},
        fields={"s": 'say "a, b = c" \\', "i": -3, "f": 1e22, "yes": True},
        time_ns=1740787200000000001,
    )
