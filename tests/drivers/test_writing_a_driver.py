"""The page for authors of drivers is executable: what it says is written to files, imported and run."""

from __future__ import annotations

import importlib
import inspect
import re
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import EntryPoint
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from sensor_gateway.driver import DriverSpec
from sensor_gateway.simulation.chips.chip import Mounting
from sensor_gateway.testing import play

PAGE = Path(__file__).resolve().parents[2] / "docs" / "writing-a-driver.md"
BLOCK = re.compile(r"^```(?:python|toml)\n# (?P<path>\S+)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)


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
    monkeypatch.delitem(sys.modules, "test_mcp9808", raising=False)
    return importlib.import_module("test_mcp9808")


def loaded(package: Path, group: str) -> Any:
    table = tomllib.loads((package / "pyproject.toml").read_text("utf-8"))
    ((name, value),) = table["project"]["entry-points"][group].items()
    assert name == "mcp9808"
    return EntryPoint(name, value, group).load()


def test_every_code_block_of_the_page_is_a_file_here() -> None:
    text = PAGE.read_text("utf-8")
    assert len(re.findall(r"^```(?:python|toml)$", text, re.MULTILINE)) == len(BLOCK.findall(text))


def test_the_entry_point_of_the_page_is_a_driver(package: Path) -> None:
    spec = loaded(package, "sensor_gateway.drivers")
    assert isinstance(spec, DriverSpec)
    assert "mcp9808" in spec.variants


def test_the_tests_of_the_page_pass(tests_of_the_page: ModuleType) -> None:
    tests = [test for name, test in inspect.getmembers(tests_of_the_page) if name.startswith("test_")]
    assert len(tests) == 4
    for test in tests:
        test()


def test_the_chip_model_of_the_page_answers_the_driver_of_the_page(package: Path) -> None:
    spec = loaded(package, "sensor_gateway.drivers")
    model = loaded(package, "sensor_gateway.chip_models")
    chip = model(
        Mounting(
            sensor="cellar",
            spec=spec,
            variant="mcp9808",
            options=spec.options(),
            address=0x18,
            interval_s=10,
            courses={"temperature": lambda _: -10.0625},
        )
    )

    class Bus:
        name = "software"

        def open(self) -> None: ...

        def close(self) -> None: ...

        def transfer(self, address: int, data: bytes, count: int) -> bytes:
            chip.write(data, 0.0)
            return chip.read(count, 0.0) if count else b""

    driver = spec.create("mcp9808", spec.options(), 0x18)
    play(driver.identify(), Bus(), address=0x18)
    play(driver.setup(), Bus(), address=0x18)
    assert play(driver.measure(), Bus(), address=0x18).result == {"temperature": -10.0625}


def test_the_recording_of_the_page_prints_what_goes_over_the_bus(
    package: Path, tests_of_the_page: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    record = importlib.import_module("record").record
    page = tests_of_the_page
    script = [*page.IDENTITY, *page.SETUP, page.Transfer(page.ADDRESS, b"\x05", b"\x00\xa0")]
    with page.Playback(script) as bus:
        record(page.Mcp9808(page.Options()), bus, page.ADDRESS)
    assert capsys.readouterr().out.splitlines()[-1] == ('Transfer(0x18, bytes.fromhex("05"), bytes.fromhex("00 a0")),')
