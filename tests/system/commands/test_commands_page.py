"""What docs/commands.md shows is what happens: its file, its access list, its commands, answers and lines of log."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from typing import Any

import pytest

pytestmark = [
    pytest.mark.system,
    pytest.mark.skipif(shutil.which("mosquitto_rr") is None, reason="needs mosquitto-clients"),
]


def _shape(value: Any) -> Any:
    """What an answer promises: its keys, and the words that programs look at."""
    if isinstance(value, dict):
        fixed = ("command", "transaction", "result", "code", "reason", "unit", "quality", "event", "level")
        return {key: inner if key in fixed else _shape(inner) for key, inner in value.items()}
    return type(value).__name__


def test_each_example_gives_the_answer_beside_it_and_leaves_the_lines_of_the_audit(
    house: Any, page_blocks: Callable[[str], list[str]], wait_until: Callable[..., None]
) -> None:
    wait_until(lambda: len(house.named("sensor_first_reading")) == 2)
    wait_until(lambda: bool(house.named("broker_connected")))
    for script, answer in zip(page_blocks("sh"), page_blocks("json"), strict=True):
        done = subprocess.run(
            ["bash", "-c", script.replace("broker.lan", f"127.0.0.1 -p {house.port}")],
            env={**os.environ, "PASSWORD": "only-here"},
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
        assert done.stdout, (script, done.stderr)
        assert _shape(json.loads(done.stdout)) == _shape(json.loads(answer))
    told = [_shape(entry) for entry in house.gateway.entries()]
    for line in page_blocks("jsonl")[0].splitlines():
        assert _shape(json.loads(line)) in told, line
    assert house.named("gateway_started")[0]["commands"] == ["read", "reload", "log-level"]


def test_who_is_not_on_the_access_list_is_not_heard(
    house: Any, page_blocks: Callable[[str], list[str]], wait_until: Callable[..., None]
) -> None:
    """With its control: the operator is heard with the same message."""
    wait_until(lambda: len(house.named("sensor_first_reading")) == 2)
    wait_until(lambda: bool(house.named("broker_connected")))
    heard = []
    for user in ("guest", "operator"):
        script = page_blocks("sh")[0].replace("broker.lan", f"127.0.0.1 -p {house.port}").replace("operator", user, 1)
        script = script.replace('"42"', f'"{user}"').replace("-W 10", "-W 2")
        subprocess.run(
            ["bash", "-c", script],
            env={**os.environ, "PASSWORD": "only-here"},
            capture_output=True,
            timeout=30,
            check=False,
        )
        heard.append([entry["transaction"] for entry in house.named("command_accepted")])
    assert heard == [[], ["operator"]]
