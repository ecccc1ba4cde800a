"""The line driver: what a line means in each format, and that any cutting of a stream gives the same lines."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sensor_drivers.line import SPEC, Line, convert
from sensor_drivers.line_format import Field, Options, channels_of, check
from sensor_gateway.config.loading import load_text
from sensor_gateway.driver import BadFrame, DriverSpec, Values, nmea_checksum
from sensor_gateway.testing import check_driver


def options(format_: str, fields: Mapping[str, Mapping[str, Any]] | None = None, **more: Any) -> Options:
    chosen = fields or {"temperature": {"key": "t"}, "humidity": {"key": "h"}}
    made = {name: Field(**{"quantity": name.partition("-")[0], **field}) for name, field in chosen.items()}
    return Options(format=format_, fields=made, **more)  # type: ignore[arg-type]  # tests write any word


BY_PLACE = {"temperature": {"index": 1}, "humidity": {"index": 2}}
PATTERN = r"T (?P<t>\S+)( H (?P<h>\S+))?"
JSON, PAIRS = options("json"), options("key_value")
CSV, NMEA = options("csv", BY_PLACE), options("nmea", BY_PLACE, sentence="XDR")
REGEX = options("regex", pattern=PATTERN)
EVERY_FORMAT = [JSON, PAIRS, CSV, NMEA, REGEX]


def sentence(body: str) -> bytes:
    return f"${body}*{nmea_checksum(body.encode()):02X}".encode()


WHOLE = {
    "json": b'{"t": 21.5, "h": 40}',
    "key_value": b"t=21.5 h=40",
    "csv": b"21.5,40",
    "nmea": sentence("WIXDR,21.5,40"),
    "regex": b"T 21.5 H 40",
}


def outcomes(found: Iterable[Values | Exception]) -> list[object]:
    return [str(item) if isinstance(item, Exception) else dict(item) for item in found]


@pytest.mark.parametrize("chosen", EVERY_FORMAT, ids=lambda chosen: chosen.format)
def test_it_conforms_in_every_format(chosen: Options) -> None:
    check_driver(SPEC, options=chosen)


# One line


@pytest.mark.parametrize(
    ("chosen", "line", "values"),
    [
        (JSON, b'{"t": 21.5, "h": 40}', {"temperature": 21.5, "humidity": 40}),
        (JSON, b'  {"h": "40.5", "t": "-2e1"}\r', {"temperature": -20, "humidity": 40.5}),
        (JSON, b'{"t": 21.5, "h": null}', {"temperature": 21.5}),
        (JSON, b'{"t": -0.0, "h": ""}', {"temperature": 0.0}),
        (JSON, b'{"t": 21.5, "name": "B\xfcro"}', {"temperature": 21.5}),
        (JSON, b"{}", {}),
        (JSON, b"[ 0.0] boot", {}),
        (JSON, b"starting {", {}),
        (PAIRS, b"t=21.5 h=40", {"temperature": 21.5, "humidity": 40}),
        (PAIRS, b"t:21.5,h:40;x:1", {"temperature": 21.5, "humidity": 40}),
        (PAIRS, b"h = +40. , t = .5", {"temperature": 0.5, "humidity": 40}),
        (PAIRS, b"t=,h=40", {"humidity": 40}),
        (PAIRS, b"hello world", {}),
        (options("key_value", delimiter="|"), b"t=21.5|h=40", {"temperature": 21.5, "humidity": 40}),
        (CSV, b"21.5,40", {"temperature": 21.5, "humidity": 40}),
        (CSV, b" 21.5 ;\t40 ", {"temperature": 21.5, "humidity": 40}),
        (CSV, b"21.5", {"temperature": 21.5}),
        (CSV, b",40", {"humidity": 40}),
        (options("csv", BY_PLACE, delimiter="\t"), b"21.5\t40", {"temperature": 21.5, "humidity": 40}),
        (NMEA, sentence("WIXDR,21.5,40"), {"temperature": 21.5, "humidity": 40}),
        (NMEA, b"\xff\x00$WIX" + sentence("IIXDR,21.5,,x"), {"temperature": 21.5}),
        (NMEA, sentence("WIMWV,214.8,R,0.1,K,A"), {}),
        (NMEA, b"$WIMWV,214.8,R*00", {}),
        (REGEX, b"now T 21.5 H 40 ok", {"temperature": 21.5, "humidity": 40}),
        (REGEX, b"T 21.5", {"temperature": 21.5}),
        (REGEX, b"nothing", {}),
    ],
)
def test_a_line_means(chosen: Options, line: bytes, values: dict[str, float]) -> None:
    assert convert(line, chosen) == values


@pytest.mark.parametrize(
    ("chosen", "line", "sentence_"),
    [
        (JSON, b'{"t": NaN}', "no NaN"),
        (JSON, b'{"t": -Infinity}', "no -Infinity"),
        (JSON, b'{"t": 1e999}', "value of temperature: expected a finite number, got"),
        (JSON, b'{"t": ' + b"9" * 900 + b"}", "value of temperature: expected a finite number, got"),
        (JSON, b'{"t": true}', "value of temperature: expected a number, got"),
        (JSON, b'{"t": [21]}', "value of temperature: expected a number, got"),
        (JSON, b'{"t": "1_000"}', "value of temperature: expected a number, got"),
        (JSON, '{"t": "٣"}'.encode(), "value of temperature: expected a number, got"),
        (JSON, b'{"t": 21.5', "line is no valid JSON"),
        (JSON, b'{"t": 1}{"t": 2}', "line is no valid JSON"),
        (JSON, b'{"t":' * 200, "line is no valid JSON"),
        (PAIRS, b"t=21.5C", "value of temperature: expected a number, got"),
        (PAIRS, b"t=nan", "value of temperature: expected a number, got"),
        (CSV, b"warm,40", "value of temperature: expected a number, got"),
        (NMEA, b"$WIXDR,21.5,40", "end of the sentence: expected "),
        (NMEA, b"$WIXDR,21.5,40*", "end of the sentence: expected "),
        (NMEA, b"$WIXDR,21.5,40*00", "checksum of the sentence: expected 4C, got 00"),
        (REGEX, b"T inf", "value of temperature: expected a number, got"),
    ],
)
def test_a_damaged_line_is_a_bad_frame(chosen: Options, line: bytes, sentence_: str) -> None:
    with pytest.raises(BadFrame, match=sentence_):
        convert(line, chosen)


def test_json_nested_deeper_than_python_goes_is_a_bad_frame() -> None:
    with pytest.raises(BadFrame):
        convert(b'{"a":' + b"[" * 60_000, options("json", max_line=65536))


def test_a_path_leads_into_objects_and_lists_and_a_dotted_name_stays_one() -> None:
    chosen = options(
        "json",
        {
            "temperature": {"key": "outside.0.air.t"},
            "humidity": {"key": "a.b"},
            "pressure": {"key": "missing.7"},
            "voltage": {"key": "outside.9.t"},
        },
    )
    line = b'{"outside": [{"air": {"t": 3}}], "a.b": 50, "a": {"b": 99}, "missing": {}}'
    assert convert(line, chosen) == {"temperature": 3, "humidity": 50}


def test_a_field_without_a_key_has_the_channels_name_and_scale_and_offset_are_applied() -> None:
    chosen = options("json", {"temperature": {"scale": 0.1, "offset": -40}})
    assert convert(b'{"temperature": 605}', chosen) == {"temperature": 20.5}


@pytest.mark.parametrize(
    "line",
    [
        "$IIMTW,10.5,C*17",
        "$IIMTW,22.5,C*16",
        "$IIMTW,17.9,C*1C",
        "$IIMTW,016,C*3A",
    ],
)
def test_sentences_of_other_peoples_tests_hold_their_checksum(line: str) -> None:
    """From a Go, a C++, a Zig and a Kotlin parser of NMEA 0183."""
    chosen = options("nmea", {"temperature": {"index": 1}}, sentence="MTW")
    assert convert(line.encode(), chosen) == {"temperature": float(line.split(",")[1])}


def test_a_whole_talker_may_be_asked_for() -> None:
    chosen = options("nmea", BY_PLACE, sentence="WIXDR")
    assert convert(sentence("WIXDR,1,2"), chosen) == {"temperature": 1, "humidity": 2}
    assert convert(sentence("IIXDR,1,2"), chosen) == {}


@pytest.mark.parametrize("chosen", EVERY_FORMAT, ids=lambda chosen: chosen.format)
@given(noise=st.binary(max_size=80), part=st.integers(0, 40))
def test_any_bytes_are_finite_values_or_a_bad_frame(chosen: Options, noise: bytes, part: int) -> None:
    whole = WHOLE[chosen.format]
    for line in (noise, whole[:part] + noise, noise + whole[part:], whole[:part] + noise + whole[part:]):
        try:
            values = convert(line, chosen)
        except BadFrame:
            continue
        assert all(math.isfinite(value) for value in values.values())


# A stream


@pytest.mark.parametrize("chosen", EVERY_FORMAT, ids=lambda chosen: chosen.format)
@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r", b"\n\r\n\n"])
def test_lines_may_end_in_any_way(chosen: Options, end: bytes) -> None:
    line = Line(chosen)
    found = line.feed(end + (WHOLE[chosen.format] + end) * 3)
    assert outcomes(found) == [{"temperature": 21.5, "humidity": 40}] * 3
    assert line.ignored == 0


PIECES = st.lists(
    st.one_of(
        st.sampled_from(
            [*WHOLE.values(), b"\n", b"\r\n", b"\r", b'{"t": NaN}', b"$WIXDR,1*00", b"t=x", b"boot ok", b"x" * 70]
        ),
        st.binary(max_size=20),
    ),
    max_size=14,
)


@pytest.mark.parametrize("format_", WHOLE)
@given(pieces=PIECES, data=st.data())
def test_any_cutting_gives_the_same_lines(format_: str, pieces: list[bytes], data: st.DataObject) -> None:
    chosen = next(chosen for chosen in EVERY_FORMAT if chosen.format == format_)
    content = b"".join(pieces)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(content)), max_size=20)))
    parts = [content[start:end] for start, end in zip([0, *cuts], [*cuts, len(content)], strict=True)]
    fed = {"whole": [content], "cut": parts, "dribbled": [content[n : n + 1] for n in range(len(content))]}
    found = {}
    for way, portions in fed.items():
        line = Line(
            Options(
                format=chosen.format,
                fields=chosen.fields,
                pattern=chosen.pattern,
                sentence=chosen.sentence,
                max_line=64,
            )
        )
        found[way] = ([outcome for portion in portions for outcome in outcomes(line.feed(portion))], line.ignored)
    assert found["cut"] == found["whole"]
    assert found["dribbled"] == found["whole"]


@pytest.mark.parametrize("format_", WHOLE)
@given(noise=st.binary(max_size=200))
@example(noise=b"")
def test_a_line_behind_noise_is_found_and_twice_is_twice(format_: str, noise: bytes) -> None:
    chosen = next(chosen for chosen in EVERY_FORMAT if chosen.format == format_)
    line = Line(chosen)
    line.feed(noise + b"\n")
    for _ in range(2):
        assert outcomes(line.feed(WHOLE[format_] + b"\r\n")) == [{"temperature": 21.5, "humidity": 40}]


@given(lost=st.data())
def test_a_sentence_that_lost_a_character_is_never_a_value(lost: st.DataObject) -> None:
    whole = WHOLE["nmea"]
    place = lost.draw(st.integers(0, len(whole) - 1))
    line = Line(NMEA)
    found = line.feed(b"\n" + whole[:place] + whole[place + 1 :] + b"\n" + whole + b"\n")
    assert outcomes(found)[-1] == {"temperature": 21.5, "humidity": 40}
    assert len([item for item in found if not isinstance(item, Exception)]) == 1


@pytest.mark.parametrize("chosen", [PAIRS, CSV, REGEX], ids=lambda chosen: chosen.format)
def test_the_rest_of_a_line_that_we_did_not_hear_begin_is_no_value(chosen: Options) -> None:
    """Of `t=121.5` the end may be heard first, and 21.5 would be a lie."""
    line = Line(chosen)
    assert line.feed(WHOLE[chosen.format] + b"\n") == []
    assert line.ignored == 1
    assert len(line.feed(WHOLE[chosen.format] + b"\n")) == 1


@pytest.mark.parametrize("chosen", [JSON, NMEA], ids=lambda chosen: chosen.format)
def test_a_line_that_shows_where_it_begins_counts_from_the_first(chosen: Options) -> None:
    whole = WHOLE[chosen.format]
    assert len(Line(chosen).feed(whole + b"\n")) == 1
    line = Line(chosen)
    assert line.feed(whole[3:] + b"\n") == [], "half a line heard at the start is no damage"
    assert line.ignored == 1


def test_a_line_within_another_is_half_a_line_at_the_start_and_damage_later() -> None:
    rest = b'{"t": 1}, "h": 40}\n'  # the end of {"x": {"t": 1}, "h": 40}
    line = Line(JSON)
    assert line.feed(rest) == []
    (damage,) = line.feed(rest)
    assert isinstance(damage, BadFrame)


def test_after_a_reset_half_a_line_is_forgotten() -> None:
    line = Line(JSON)
    line.feed(b'\n{"t": 2')
    line.reset()
    assert outcomes(line.feed(b'{"t": 21.5}\n')) == [{"temperature": 21.5}]


def test_a_line_too_long_is_one_bad_frame_and_the_next_line_is_read() -> None:
    line = Line(options("json", max_line=64))
    found = line.feed(b"\n" + b"x" * 10_000)
    found += line.feed(b"y" * 10_000)
    found += line.feed(b'z\n{"t": 21.5}\n')
    assert outcomes(found)[1:] == [{"temperature": 21.5}]
    assert "longer than 64 bytes" in str(found[0])
    assert len(line._buffer) == 0


def test_the_longest_line_that_is_allowed_is_read() -> None:
    exact = b'{"t": 21.5}'.ljust(64)
    assert outcomes(Line(options("json", max_line=64)).feed(b"\n" + exact + b"\n")) == [{"temperature": 21.5}]


def test_a_device_that_never_ends_its_line_costs_no_memory() -> None:
    line = Line(JSON)
    found = [outcome for _ in range(1000) for outcome in line.feed(b"\x00\xfe" * 500)]
    assert len(found) == 1
    assert len(line._buffer) <= 2 * 1024 + 1


def test_lines_about_something_else_are_counted() -> None:
    line = Line(JSON)
    assert line.feed(b'\nboot\n{"uptime": 7}\n\n{"t": 1}\n') == [{"temperature": 1}]
    assert line.ignored == 2


# Options


@pytest.mark.parametrize(
    ("changes", "sentence_"),
    [
        ({"fields": {}}, "fields is empty"),
        ({"fields": {"Air T": Field(quantity="temperature")}}, "fields: channel 'Air T' has a name"),
        ({"pattern": "("}, "pattern is no regular expression"),
        ({"max_line": 8}, "max_line has to be between"),
        ({"max_line": 100_000}, "max_line has to be between"),
    ],
)
def test_options_that_cannot_be_are_refused_by_their_key(changes: dict[str, Any], sentence_: str) -> None:
    with pytest.raises(ValueError, match=f"^{sentence_}"):
        Options(**{"format": "json", "fields": {"t": Field(quantity="temperature")}, **changes})


@pytest.mark.parametrize(
    ("changes", "sentence_"),
    [
        ({"index": 0}, "index counts from 1"),
        ({"scale": 0}, "scale has to be"),
        ({"offset": math.nan}, "offset has to be"),
        ({"unit": "F"}, "unit of temperature is °C"),
    ],
)
def test_a_field_that_cannot_be_is_refused_by_its_key(changes: dict[str, Any], sentence_: str) -> None:
    with pytest.raises(ValueError, match=f"^{sentence_}"):
        Field(**{"quantity": "temperature", **changes})


@pytest.mark.parametrize("chosen", EVERY_FORMAT, ids=lambda chosen: chosen.format)
def test_options_that_go_together_have_nothing_said_about_them(chosen: Options) -> None:
    assert check(chosen) == ()


@pytest.mark.parametrize(
    ("chosen", "sentences"),
    [
        (options("regex"), ["pattern is missing"]),
        (options("nmea", BY_PLACE), ["sentence is missing"]),
        (options("nmea", BY_PLACE, sentence="mtw"), ["sentence is missing"]),
        (
            options("json", pattern="x", sentence="MTW", delimiter=";"),
            ["pattern is for", "sentence is for", "delimiter is"],
        ),
        (options("csv"), ["fields.temperature: index is missing", "fields.humidity: index is missing"]),
        (options("json", BY_PLACE), ["fields.temperature: index is for", "fields.humidity: index is for"]),
        (options("regex", pattern="(?P<t>.)"), ["fields.humidity: the pattern has no group (?P<h>...)"]),
    ],
)
def test_options_that_do_not_go_together_are_all_named(chosen: Options, sentences: list[str]) -> None:
    found = check(chosen)
    assert len(found) == len(sentences)
    for said, expected in zip(found, sentences, strict=True):
        assert said.startswith(expected)


def test_channels_are_those_of_the_file_in_its_order() -> None:
    chosen = options("json", {"humidity": {}, "temperature": {"low": -40, "high": 60, "resolution": 0.5}})
    first, second = channels_of(chosen)
    assert (first.name, first.high, first.resolution) == ("humidity", 100, 0.01)
    assert (second.name, second.low, second.high, second.resolution) == ("temperature", -40, 60, 0.5)


class OnlyLine:
    def names(self) -> tuple[str, ...]:
        return ("line",)

    def spec(self, name: str) -> DriverSpec:
        assert name == "line"
        return SPEC


def test_a_configuration_file_makes_the_options() -> None:
    text = """\
buses:
  arduino:
    type: serial
    port: /dev/ttyACM0
    baudrate: 115200
sensors:
  bench:
    driver: line
    bus: arduino
    format: regex
    pattern: '^T (?P<t>\\S+)'
    fields:
      temperature: {key: t, quantity: temperature}
"""
    found = load_text(text, catalogue=OnlyLine(), environ={}, needs_broker=False)
    assert found.faults == ()
    assert found.configuration is not None
    expected = Options(
        format="regex", pattern=r"^T (?P<t>\S+)", fields={"temperature": Field(key="t", quantity="temperature")}
    )
    assert found.configuration.sensors["bench"].options == expected
