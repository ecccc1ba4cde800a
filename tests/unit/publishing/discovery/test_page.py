"""The examples in docs/home-assistant.md: what the gateway reads loads, what Home Assistant reads fits its rules."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from proving.discovery_rules import entities, rules, wrong_in

from sensor_gateway.config.loading import load_text
from sensor_gateway.config.text.faults import Report
from sensor_gateway.config.text.nodes import plain
from sensor_gateway.config.text.yaml_nodes import parse
from sensor_gateway.model.channel import configured_channel
from sensor_gateway.model.quantity import QUANTITIES
from sensor_gateway.publishing.discovery.documents import Document
from sensor_gateway.sensing.catalogue import DriverCatalogue
from sensor_gateway.sensing.plan import SensorPlan

PAGE = (Path(__file__).resolve().parents[4] / "docs" / "home-assistant.md").read_text("utf-8")
BLOCKS = re.findall(r"^```yaml\n(.*?)^```$", PAGE, flags=re.MULTILINE | re.DOTALL)
OURS = [block for block in BLOCKS if "state_topic" not in block]
THEIRS = [block for block in BLOCKS if "state_topic" in block]


def read(text: str) -> Any:
    node = parse(text, Path("f.yaml"), Report())
    assert node is not None
    return plain(node)


def test_the_page_has_examples_of_both_kinds() -> None:
    assert (len(OURS), len(THEIRS)) == (3, 1)


@pytest.mark.parametrize("text", OURS)
def test_what_the_gateway_reads_loads(text: str) -> None:
    loaded = load_text(text, catalogue=DriverCatalogue(), environ={})
    assert [str(fault) for fault in (*loaded.faults, *loaded.warnings)] == []
    assert loaded.configuration is not None
    assert loaded.configuration.home_assistant is not None


def test_what_home_assistant_reads_fits_its_rules_and_shows_what_discovery_would(
    make_plan: Callable[..., SensorPlan], tell: Callable[..., tuple[Document, ...]]
) -> None:
    (text,) = THEIRS
    written = read(text)["mqtt"]
    assert written.keys() == {"sensor", "binary_sensor"}
    for platform, each in written.items():
        for one in each:
            assert list(wrong_in(one["name"], platform, one)) == []
            assert not one.keys() & rules()["abbreviations"].keys() - {"name"}
    temperature = configured_channel("temperature", quantity=QUANTITIES["temperature"])
    told = [document.announcement() for document in tell(make_plan("attic", temperature))]
    found = {key: one for message in told for key, one in entities(message.topic, message.payload).items()}
    same = {
        "sensor-gateway.greenhouse.attic.state.temperature": written["sensor"][0],
        "sensor-gateway.greenhouse.status": written["binary_sensor"][0],
    }
    for unique_id, by_hand in same.items():
        announced = found[unique_id]
        for key in by_hand.keys() - {"name", "unique_id", "availability"}:
            assert by_hand[key] == announced[key], key
    short = [{"t": one["topic"], "val_tpl": one["value_template"]} for one in written["sensor"][0]["availability"]]
    assert short == found["sensor-gateway.greenhouse.attic.state.temperature"]["availability"]
