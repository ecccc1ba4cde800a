"""The ``recover:`` section of a bus: what is a command, and what is said of one that is none."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from sensor_gateway.config.loading import Loaded
from sensor_gateway.config.sections.buses import BUS_TYPES
from sensor_gateway.config.show import show

MQTT = "mqtt: {url: mqtt://h}\n"
KINDS = {
    "i2c": "path: /dev/i2c-1",
    "serial": "port: /dev/ttyUSB0",
    "tcp": "host: h, port: 1",
    "modbus_tcp": "host: h",
    "linux": "",
    "simulated": "kind: i2c",
}


@pytest.mark.parametrize("kind", BUS_TYPES)
def test_every_kind_of_bus_may_have_one_and_it_is_shown_as_it_was_written(
    loading: Callable[..., Loaded], kind: str
) -> None:
    keys = ", ".join(filter(None, (f"type: {kind}", KINDS[kind])))
    loaded = loading(f"{MQTT}buses: {{a: {{{keys}, recover: {{command: [uhubctl, -p, 2, 'a b', \"\"]}}}}}}")
    assert loaded.faults == ()
    assert loaded.configuration is not None
    recover = loaded.configuration.buses["a"].recover
    assert recover is not None
    assert recover.command == ("uhubctl", "-p", "2", "a b", "")
    assert (recover.after, recover.within, recover.at_most_every) == (60, 10, 600)
    assert loading(show(loaded.configuration)).configuration == loaded.configuration


def test_a_bus_that_needs_no_section_gets_one_for_it(loading: Callable[..., Loaded]) -> None:
    loaded = loading(MQTT + "buses: {i2c1: {recover: {command: [/bin/x], after: 5min}}}")
    assert loaded.configuration is not None
    assert loaded.configuration.buses["i2c1"].recover is not None


def test_it_is_off_unless_it_is_written(loading: Callable[..., Loaded]) -> None:
    for text in ("{}", "{recover: false}"):
        loaded = loading(f"{MQTT}buses: {{i2c1: {text}}}")
        assert loaded.configuration is not None
        assert loaded.configuration.buses["i2c1"].recover is None


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("{}", "`command` is missing; expected a list of the program"),
        ("true", "`command` is missing; expected a list of the program"),
        ("{command: []}", "recover.command: expected a list of the program and its arguments, got none"),
        ("{command: ['']}", "recover.command: expected a list of the program and its arguments, got none"),
        ("{command: uhubctl -a cycle}", "expected a list, got the text 'uhubctl -a cycle'; did you mean [uhubctl, -a"),
        ("{command: [uhubctl -a cycle]}", "no shell divides this into words; did you mean [uhubctl, -a, cycle]?"),
        ("{command: [/bin/x -a, b]}", "no shell divides this into words; did you mean [/bin/x, -a, b]?"),
        ('{command: ["x \'a"]}', "no shell divides this into words; expected a list of them"),
        ("{command: [bin/x]}", "recover.command: expected an absolute path or a program's name, got bin/x"),
        ("{command: [./x]}", "expected an absolute path or a program's name, got ./x"),
        ("{command: [~/x]}", "expected an absolute path or a program's name, got ~/x"),
        ("{command: [x, [y]]}", "recover.command[1]: expected a word, got a list"),
        ("{command: [x, null]}", 'recover.command[1]: expected a word, got nothing; an empty one is written ""'),
        ('{command: ["x\\0"]}', "recover.command[0]: a word for a program cannot hold the character NUL"),
        ("{command: [x], after: 60}", "recover.after: 60 has no unit"),
        ("{command: [x], after: 0s}", "recover.after: 0s is too small; expected at least 1s"),
        ("{command: [x], within: 6min}", "recover.within: 6min is too large; expected at most 5min"),
        ("{command: [x], at_most_every: 9s}", "recover.at_most_every: 9s is too small; expected at least 10s"),
        ("{command: [x], every: 10min}", "recover.every: unknown key `every`"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(loading: Callable[..., Loaded], text: str, fault: str) -> None:
    loaded = loading(f"{MQTT}buses: {{i2c1: {{recover: {text}}}}}")
    assert loaded.configuration is None
    (found,) = loaded.faults
    assert str(found).startswith("gateway.yaml:2:")
    assert fault in str(found)


def test_a_path_with_a_space_in_it_is_one_word(loading: Callable[..., Loaded]) -> None:
    assert loading(MQTT + "buses: {i2c1: {recover: {command: [/opt/my tools/reset]}}}").configuration is not None
