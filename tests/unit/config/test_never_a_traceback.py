"""Whatever a file says, loading it gives a configuration or faults, never an exception."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import given, settings
from hypothesis import strategies as st
from proving.examples import examples

from sensor_gateway.config.loading import Loaded
from sensor_gateway.config.show import show

FULL = """\
gateway: {id: greenhouse, label: North, slack: 50ms}
mqtt:
  url: mqtts://broker.lan:8883
  username: u
  password_file: mqtt-password
  tls: {ca_file: ca.pem}
  version: auto
  first_retry_spread: 0s
clock: {hold: 60s}
outbox: {max_size: 64MB, max_age: 30d, when_full: drop_oldest, drain_rate: 500}
buses:
  rs485: {type: serial, port: /dev/ttyUSB0, baudrate: 9600, parity: none}
  game: {type: simulated, kind: serial, seed: 1}
defaults: {interval: 10s, heartbeat: false}
sensors:
  attic:
    driver: chip
    bus: i2c1
    address: 0x44
    interval: 1s
    oversampling: 4
    channels:
      temperature:
        deadband: 0.1
        filters:
          - median: 5
          - linear: [[0, 0], [1, 1.5]]
          - clamp: {min: 0, max: 5}
      humidity:
        deadband: {relative: 2%, at_least: 1}
  boiler:
    driver: meter
    bus: rs485
    unit: 9
    timeout: 300ms
    registers:
      flow: {register: 0, type: s16, scale: 0.1}
  talk: {driver: talker, bus: game, columns: [a], window: [1, 2], silence: 5s, either: all}
"""
LINES = FULL.splitlines()
WORDS = """
~ null true no 5 -1 1e999 .nan '5' [] {} [[[]]] % 2% -5% 1m 5s 99999999999999d
0x *x ${V} ${ "${V:-x}" @ mqtt:// é # 0x7fffffffffffffff
"""
STRANGE = st.one_of(
    st.sampled_from(WORDS.split()),
    st.sampled_from(
        ["", "9" * 400, "{a: {b: c}}", "&x 1", "!t v", "<<: 1", "a: b", "\t", "- 1", "| \n", "? x", "\U0001f600"]
    ),
    st.text(st.characters(codec="utf-8"), max_size=8),
)


@st.composite
def mutated(draw: st.DrawFn) -> str:
    lines = list(LINES)
    for _ in range(draw(st.integers(1, 4))):
        number = draw(st.integers(0, len(lines) - 1))
        line = lines[number]
        how = draw(st.integers(0, 5))
        if how == 0:
            del lines[number]
        elif how == 1:
            lines.insert(draw(st.integers(0, len(lines))), line)
        elif how == 2:
            head, colon, _ = line.rpartition(": ")
            lines[number] = f"{head}{colon}{draw(STRANGE)}"
        elif how == 3:
            head, colon, rest = line.partition(":")
            indent = head[: len(head) - len(head.lstrip())]
            lines[number] = f"{indent}{draw(STRANGE)}{colon}{rest}"
        elif how == 4:
            lines[number] = draw(st.sampled_from(["", "  ", "    ", "\t"])) + line.lstrip()
        else:
            cut = draw(st.integers(0, len(line)))
            lines[number] = line[:cut] + draw(STRANGE) + line[cut:]
    return "\n".join(lines)


def check(result: Loaded) -> None:
    assert (result.configuration is None) == bool(result.faults)
    for fault in (*result.faults, *result.warnings):
        assert "\n" not in str(fault)
        assert str(fault).startswith("gateway.yaml:")
        assert fault.line >= 1
        assert fault.column >= 1
        assert len(fault.message) < 1000
        assert "__init__" not in fault.message
    if result.configuration is not None:
        assert show(result.configuration)


def test_the_file_is_right_before_it_is_mutated(loading: Callable[..., Loaded]) -> None:
    assert [str(fault) for fault in loading(FULL).faults] == []


@settings(max_examples=examples(300), deadline=None)
@given(text=mutated())
def test_a_mutated_file_gives_faults_or_a_configuration(loading: Callable[..., Loaded], *, text: str) -> None:
    check(loading(text, V="1"))


@settings(max_examples=examples(200), deadline=None)
@given(text=st.text(st.characters(), max_size=80))
def test_any_text_gives_faults_or_a_configuration(loading: Callable[..., Loaded], *, text: str) -> None:
    check(loading(text))


VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats().map(repr), st.text("ab0.%-s", max_size=4)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(
        ["driver", "bus", "type", "kind", "url", "tls", "channels", "deadband", "relative", "filters", "median", "unit",
         "registers", "register", "address", "temperature", "window", "clamp", "min", "interval", "x"]
    ), inner, max_size=4)),
    max_leaves=12,
)  # fmt: skip


@settings(max_examples=examples(300), deadline=None)
@given(
    tree=st.dictionaries(
        st.sampled_from(["mqtt", "gateway", "clock", "outbox", "buses", "defaults"]), VALUES, max_size=3
    ),
    sensor=st.dictionaries(st.sampled_from(["channels", "registers", "unit", "address", "window", "interval"]), VALUES),
    driver=st.sampled_from(["chip", "meter", "talker", "nowhere", "broken"]),
)
def test_any_tree_gives_faults_or_a_configuration(
    loading: Callable[..., Loaded], *, tree: dict[str, object], sensor: dict[str, object], driver: str
) -> None:
    whole = {**tree, "sensors": {"a": {"driver": driver, "bus": "i2c1", **sensor}}}
    check(loading(flow(whole)))


def flow(value: object) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {flow(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(flow, value)) + "]"
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: "null"}[value]
    return str(value) or "''"
