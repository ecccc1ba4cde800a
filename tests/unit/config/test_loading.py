from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from sensor_gateway.config.drivers import Catalogue
from sensor_gateway.config.loading import Loaded, load, read_plain
from sensor_gateway.config.sections.broker import MqttSection
from sensor_gateway.config.settings import Configuration
from sensor_gateway.config.text.files import MAX_SIZE
from sensor_gateway.config.values.secret import Secret

GATEWAY = """\
mqtt:
  url: mqtt://h
sensors:
  attic:
    driver: chip
    bus: i2c1
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "conf.d").mkdir()
    (tmp_path / "gateway.yaml").write_text(GATEWAY)
    return tmp_path


def loaded(folder: Path, drivers: Catalogue, **environ: str) -> Loaded:
    return load(folder / "gateway.yaml", catalogue=drivers, environ=environ)


def whole(result: Loaded) -> Configuration:
    assert messages(result) == []
    assert result.configuration is not None
    return result.configuration


def broker(result: Loaded) -> MqttSection:
    mqtt = whole(result).mqtt
    assert mqtt is not None
    return mqtt


def messages(result: Loaded) -> list[str]:
    return [str(fault) for fault in result.faults]


def test_parts_in_conf_d_join_the_file_key_by_key_in_the_order_of_their_names(folder: Path, drivers: Catalogue) -> None:
    (folder / "conf.d" / "20-b.yaml").write_text("sensors:\n  hall: {driver: chip, bus: i2c2}\n")
    (folder / "conf.d" / "10-a.yaml").write_text(
        "mqtt:\n  keepalive: 10s\nsensors:\n  zero: {driver: chip, bus: i2c3}\n"
    )
    (folder / "conf.d" / "notes.txt").write_text("no: yaml")
    (folder / "conf.d" / ".hidden.yaml").write_text("no: yaml")
    result = loaded(folder, drivers)
    assert messages(result) == []
    assert list(whole(result).sensors) == ["attic", "zero", "hall"]
    assert broker(result).keepalive == 10
    assert [file.name for file in result.files] == ["gateway.yaml", "10-a.yaml", "20-b.yaml"]


def test_the_same_key_in_two_files_names_both_places(folder: Path, drivers: Catalogue) -> None:
    part = folder / "conf.d" / "a.yaml"
    part.write_text("mqtt:\n  url: mqtt://other\nsensors:\n  attic: 5\n")
    main = folder / "gateway.yaml"
    assert messages(loaded(folder, drivers)) == [
        f"{part}:2:8 mqtt.url: the key 'url' is written in two files; first at {main}:2:8",
        f"{part}:4:10 sensors.attic: the key 'attic' is written in two files; first at {main}:5:5",
    ]


def test_an_empty_part_and_one_that_is_no_mapping(folder: Path, drivers: Catalogue) -> None:
    (folder / "conf.d" / "a.yaml").write_text("# nothing yet\n")
    assert messages(loaded(folder, drivers)) == []
    (folder / "conf.d" / "b.yaml").write_text("- a\n")
    assert "expected a mapping" in messages(loaded(folder, drivers))[0]


def test_faults_come_file_by_file_and_then_by_line(folder: Path, drivers: Catalogue) -> None:
    (folder / "gateway.yaml").write_text("mqtt:\n  url: x\n  b: 1\n")
    (folder / "conf.d" / "a.yaml").write_text("z: 1\ny: 1\n")
    places = [(fault.file.name, fault.line) for fault in loaded(folder, drivers).faults]
    assert places == [("gateway.yaml", 2), ("gateway.yaml", 3), ("a.yaml", 1), ("a.yaml", 2)]


def test_a_sequence_of_files_is_read_without_conf_d(folder: Path, drivers: Catalogue) -> None:
    (folder / "conf.d" / "a.yaml").write_text("not read: 1\n")
    other = folder / "other.yaml"
    other.write_text("gateway: {id: x}\n")
    result = load([folder / "gateway.yaml", other], catalogue=drivers, environ={})
    assert whole(result).gateway.id == "x"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"mqtt:\n  url: \xff", "2:8 this is not UTF-8; expected the file to be saved as UTF-8"),
        (b"a" * (MAX_SIZE + 1), "1:1 the file is too large; expected at most 4MB"),
        (b"a: \x00", "1:4 the character U+0000 is not allowed"),
    ],
)
def test_what_is_no_text_is_a_fault(folder: Path, drivers: Catalogue, content: bytes, said: str) -> None:
    file = folder / "gateway.yaml"
    file.write_bytes(content)
    assert messages(loaded(folder, drivers)) == [f"{file}:{said}"]


def test_a_byte_order_mark_is_no_fault(folder: Path, drivers: Catalogue) -> None:
    (folder / "gateway.yaml").write_bytes(b"\xef\xbb\xbf" + GATEWAY.encode())
    assert messages(loaded(folder, drivers)) == []


@pytest.mark.parametrize("name", ["absent.yaml", ".", "a\0b"])
def test_a_file_that_cannot_be_read_is_a_fault(folder: Path, drivers: Catalogue, name: str) -> None:
    result = load(folder / name, catalogue=drivers, environ={})
    assert "the file cannot be read" in messages(result)[0]
    assert result.configuration is None


def test_no_files_at_all_give_no_configuration(drivers: Catalogue) -> None:
    assert load([], catalogue=drivers, environ={}).configuration is None


def test_an_empty_file_lacks_a_broker_and_nothing_else(folder: Path, drivers: Catalogue) -> None:
    file = folder / "gateway.yaml"
    file.write_text("")
    assert messages(loaded(folder, drivers)) == [
        f"{file}:1:1 mqtt: `mqtt` is missing; expected `mqtt: {{url: mqtt://BROKER}}`"
    ]
    result = load(file, catalogue=drivers, environ={}, needs_broker=False)
    assert whole(result).mqtt is None
    assert dict(whole(result).sensors) == {}


def test_sensors_are_not_needed(loading: Callable[..., Loaded]) -> None:
    assert loading("mqtt: {url: mqtt://h}", needs_broker=True).faults == ()
    assert loading("mqtt: {url: mqtt://h}\nsensors:\n", needs_broker=True).faults == ()


def test_variables_keep_their_type_where_they_are_not_quoted(loading: Callable[..., Loaded]) -> None:
    text = """
gateway: {label: "${NUMBER}"}
mqtt: {url: "mqtt://${HOST:-fallback}:${NUMBER}"}
outbox:
  drain_rate: ${NUMBER}
  when_full: ${EMPTY:-drop_newest}
clock:
  hold: ${NUMBER}s
"""
    result = loading(text, NUMBER="7", EMPTY="")
    assert [str(fault) for fault in result.faults] == []
    assert whole(result).gateway.label == "7"
    assert str(broker(result).url) == "mqtt://fallback:7"
    assert whole(result).outbox.drain_rate == 7
    assert whole(result).outbox.when_full == "drop_newest"
    assert whole(result).clock.hold == 7


def test_a_variable_cannot_change_the_structure_nor_is_it_resolved_again(loading: Callable[..., Loaded]) -> None:
    result = loading("gateway: {label: '${V}'}", V="}\nx: ${W}")
    assert whole(result).gateway.label == "}\nx: ${W}"


def test_a_doubled_dollar_stands_for_the_characters_themselves(loading: Callable[..., Loaded]) -> None:
    assert whole(loading("gateway: {label: 'a $${b} $c'}")).gateway.label == "a ${b} $c"


def test_a_numeric_password_from_the_environment_is_text(loading: Callable[..., Loaded]) -> None:
    result = loading("mqtt:\n  url: mqtt://h\n  username: u\n  password: ${PW}\n", PW="0123")
    assert broker(result).password == Secret("0123")


def test_a_scenario_is_read_by_the_same_rules(tmp_path: Path) -> None:
    file = tmp_path / "scenario.yaml"
    file.write_text("values:\n  attic.temperature: [[0s, 20], [10s, 2e1]]\non: no\n")
    assert read_plain(file) == ({"values": {"attic.temperature": [["0s", 20], ["10s", 20.0]]}, "on": "no"}, ())
    file.write_text("a: 1\na: 2\n")
    value, faults = read_plain(file)
    assert value is None
    assert "written twice" in str(faults[0])
    assert "cannot be read" in str(read_plain(Path("/absent.yaml"))[1][0])


def test_what_only_faults_and_editors_need_is_not_imported_at_a_start() -> None:
    program = "import sys, sensor_gateway.config.loading; print(*{'difflib', 'json', 'unicodedata'} & {*sys.modules})"
    assert subprocess.check_output([sys.executable, "-S", "-c", program], env={"PYTHONPATH": _path()}) == b"\n"


def _path() -> str:
    return ":".join(filter(None, sys.path))
