"""What the commands show of sensors that the kernel measures with."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sensor_drivers import ds18b20, linux
from sensor_gateway.cli import driver_page
from sensor_gateway.cli.read import _read
from sensor_gateway.config.loading import load_text
from sensor_gateway.driver import DriverSpec
from sensor_gateway.sensing.plan import plan_alone
from sensor_gateway.sensing.sysfs.door import KernelFiles

NUMBER = "28-0316a2794cff"
TEXT = "a3 01 4b 46 7f ff 0d 10 ce : crc=ce YES\na3 01 4b 46 7f ff 0d 10 ce t=26187\n"
BOILER = plan_alone("boiler", ds18b20.SPEC, "ds18b20", ds18b20.Options(id=NUMBER), 0)


def test_a_thermometer_is_shown_with_its_files(tree: Any, capsys: pytest.CaptureFixture[str]) -> None:
    tree.w1(NUMBER, TEXT)
    assert _read(KernelFiles("linux", sysfs=tree.root), BOILER, as_json=False) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith(f"boiler: ds18b20 (DS18B20 {NUMBER})")
    assert any(line.endswith(f"{NUMBER} w1_slave -> {TEXT.strip().replace(chr(10), ' | ')}") for line in lines)
    assert lines[-1] == "  temperature              26.1875 °C"


def test_the_power_on_value_is_shown_as_what_it_is(tree: Any, capsys: pytest.CaptureFixture[str]) -> None:
    tree.w1(NUMBER, "50 05 4b 46 7f ff 0c 10 1c : crc=1c YES\n50 05 4b 46 7f ff 0c 10 1c t=85000\n")
    assert _read(KernelFiles("linux", sysfs=tree.root), BOILER, as_json=True) == 1
    facts = json.loads(capsys.readouterr().out)
    assert facts["values"] == {"temperature": 85.0}
    assert "before it has measured" in facts["complaints"]["temperature"]


def test_a_machine_without_1_wire_says_what_to_write(tree: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert _read(KernelFiles("linux", sysfs=tree.root), BOILER, as_json=False) == 1
    assert "no value (missing): the kernel drives no 1-wire bus: on a Raspberry Pi write `dtoverlay=w1-gpio`" in (
        capsys.readouterr().out
    )


@pytest.mark.parametrize("spec", [ds18b20.SPEC, linux.SPEC], ids=["ds18b20", "linux"])
def test_the_example_of_a_driver_loads(spec: DriverSpec) -> None:
    class One:
        def names(self) -> tuple[str, ...]:
            return tuple(spec.variants)

        def spec(self, name: str) -> DriverSpec:
            return spec

    for name in spec.variants:
        text = "\n".join(driver_page.example(name, spec))
        assert load_text(text, catalogue=One(), environ={}, needs_broker=False).faults == ()
        assert "bus:" not in text
        assert "  bus        linux" in list(driver_page.page(name, spec, "ours"))
