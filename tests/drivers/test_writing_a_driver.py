"""The page for authors of drivers is executable: what it says is written to files, imported and run.

That the package is built, installed and used from outside: tests/system/test_third_party.py.
"""

from __future__ import annotations

import ast
import importlib
import re
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from sensor_gateway.driver import DriverSpec, NotReady, OverRange
from sensor_gateway.simulation.chips.chip import Mounting
from sensor_gateway.testing import play

PAGE = Path(__file__).resolve().parents[2] / "docs" / "writing-a-driver.md"
BLOCK = re.compile(r"^```(?:python|toml|yaml)\n# (?P<path>\S+)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
MOST_LINES = 60
"""A driver for a simple chip takes less, as one counts a file: with its docstrings, vectors and empty lines."""


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The files of the page, in a folder that is on the path."""
    folder = tmp_path_factory.mktemp("acme")
    for block in BLOCK.finditer(PAGE.read_text("utf-8")):
        file = folder / block["path"]
        file.parent.mkdir(exist_ok=True)
        file.write_text(block["text"], "utf-8")
    (folder / "acme_sensors" / "__init__.py").touch()
    sys.path.insert(0, str(folder))
    yield folder
    sys.path.remove(str(folder))
    for name in [name for name in sys.modules if name.startswith("acme_sensors")]:
        del sys.modules[name]


@pytest.fixture
def tests_of_the_page(package: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(package / "tests")
    monkeypatch.delitem(sys.modules, "test_tc74", raising=False)
    return importlib.import_module("test_tc74")


def loaded(package: Path, group: str) -> Any:
    table = tomllib.loads((package / "pyproject.toml").read_text("utf-8"))
    ((name, value),) = table["project"]["entry-points"][group].items()
    assert name == "tc74"
    return EntryPoint(name, value, group).load()


def test_every_code_block_of_the_page_is_a_file_here_or_a_script_of_the_system_test() -> None:
    text = PAGE.read_text("utf-8")
    kinds = re.findall(r"^```(\w*)$", text, re.MULTILINE)[::2]
    assert kinds.count("sh") == 1
    assert len(kinds) == len(BLOCK.findall(text)) + 1


def test_the_driver_of_the_page_is_short(package: Path) -> None:
    lines = (package / "acme_sensors" / "tc74.py").read_text("utf-8").splitlines()
    assert len(lines) < MOST_LINES
    assert f": {len(lines)} lines\n" in PAGE.read_text("utf-8")
    assert max(map(len, lines)) <= 120


def test_the_driver_of_the_page_imports_the_page_of_the_contract_alone(package: Path) -> None:
    tree = ast.parse((package / "acme_sensors" / "tc74.py").read_text("utf-8"))
    imports = [node for node in ast.walk(tree) if isinstance(node, (ast.Import, ast.ImportFrom))]
    assert [ast.unparse(node) for node in imports] == ["import sensor_gateway.driver as gw"]


def test_the_entry_point_of_the_page_is_a_driver_that_is_not_shipped(package: Path) -> None:
    spec = loaded(package, "sensor_gateway.drivers")
    assert isinstance(spec, DriverSpec)
    assert list(spec.variants) == ["tc74"]
    assert "tc74" not in entry_points(group="sensor_gateway.drivers").names


@pytest.fixture
def bus(package: Path) -> Any:
    """The chip model of the page on a bus of its own, powered when the simulation begins; ``celsius`` and ``now_s``."""
    spec = loaded(package, "sensor_gateway.drivers")
    model = loaded(package, "sensor_gateway.chip_models")

    class Bus:
        name = "software"
        celsius = -10.5
        now_s = 0.0

        def open(self) -> None: ...

        def close(self) -> None: ...

        def transfer(self, address: int, data: bytes, count: int) -> bytes:
            if data:
                chip.write(data, self.now_s)
            return bytes(chip.read(count, self.now_s)) if count else b""

    made = Bus()
    chip = model(
        Mounting(
            sensor="cellar",
            spec=spec,
            variant="tc74",
            options=spec.options(),
            address=0x4D,
            interval_s=10,
            courses={"temperature": lambda _: made.celsius},
            powered_s=0.0,
        )
    )
    return made


def test_the_chip_model_of_the_page_answers_the_driver_of_the_page(package: Path, bus: Any) -> None:
    spec = loaded(package, "sensor_gateway.drivers")
    driver = spec.create("tc74", spec.options(), 0x4D)
    play(driver.identify(), bus, address=0x4D)
    play(driver.setup(), bus, address=0x4D)
    with pytest.raises(NotReady):
        play(driver.measure(), bus, address=0x4D)
    bus.now_s = 0.25
    assert play(driver.measure(), bus, address=0x4D).result == {"temperature": -11}  # table 4-4: it rounds down
    bus.celsius = 130
    with pytest.raises(OverRange):
        play(driver.measure(), bus, address=0x4D)
    bus.transfer(0x4D, b"\x01\x80", 0)
    with pytest.raises(NotReady):
        play(driver.measure(), bus, address=0x4D)


def test_the_chip_model_of_the_page_says_what_the_table_of_the_datasheet_says(bus: Any) -> None:
    """DS21462D, table 4-4: actual temperature and register, with those between two steps."""
    bus.now_s = 1.0
    table = {
        130: 0x7F,
        127: 0x7F,
        126.5: 0x7E,
        25.25: 0x19,
        0.5: 0,
        0: 0,
        -0.25: 0xFF,
        -1: 0xFF,
        -25: 0xE7,
        -25.25: 0xE6,
    }
    for celsius, register in (table | {-54.75: 0xC9, -55: 0xC9, -65: 0xBF}).items():
        bus.celsius = celsius
        assert bus.transfer(0x4D, b"\x00", 1)[0] == register, celsius


def test_the_recording_of_the_page_prints_what_goes_over_the_bus(
    package: Path, tests_of_the_page: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    record = importlib.import_module("record").record
    page = tests_of_the_page
    answer = page.Transfer(page.ADDRESS, b"\x00", b"\x19")
    with page.Playback([page.READY, page.START, page.READY, answer]) as played:
        record(page.tc74.Tc74(), played, page.ADDRESS)
    assert capsys.readouterr().out.splitlines()[-1] == 'Transfer(0x4d, bytes.fromhex("00"), bytes.fromhex("19")),'
