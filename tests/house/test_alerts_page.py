"""docs/alerts.md: its rules speak of metrics that there are, and sound when they must, and only then."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import yaml

from sensor_gateway.model.health import Availability
from sensor_gateway.model.reading import ClockState
from sensor_gateway.model.vitals.bus_report import BusState
from sensor_gateway.model.vitals.gateway_health import GatewayAlarm, Health, LinkState, SensorCounts
from sensor_gateway.service.metrics.exposition import PREFIX
from sensor_gateway.service.metrics.families import FAMILIES

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "alerts.md").read_text("utf-8")
TURNED_ON, SCRAPED, RULES, HOME_ASSISTANT = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
ALERTS: list[dict[str, Any]] = yaml.safe_load(RULES)["groups"][0]["rules"]
NAMES = {f"{PREFIX}{family.name}" for family in FAMILIES}
VALUES = {
    "link_state": {state.value for state in LinkState},
    "bus_state": {state.value for state in BusState},
    "sensor_state": {state.value for state in Availability},
    "clock_state": {state.value for state in ClockState},
    "alarm": {alarm.value for alarm in GatewayAlarm},
}

WELL = {
    'up{job="sensor-gateway"}': "1x1500",
    "sensor_gateway_starts_total": "5x1500",
    'sensor_gateway_link_state{state="connected"}': "1x1500",
    "sensor_gateway_health_timestamp_seconds": "0+60x1500",
    "sensor_gateway_oldest_event_timestamp_seconds": "-5+60x1500",
    'sensor_gateway_lost_events_total{cause="limit"}': "7x1500",
    'sensor_gateway_bus_silent{bus="i2c1"}': "0x1500",
    'sensor_gateway_bus_state{bus="i2c1",state="hung"}': "0x1500",
    'sensor_gateway_sensor_state{sensor="attic",state="offline"}': "0x1500",
    'sensor_gateway_sensors{state="online"}': "2x1500",
    'sensor_gateway_sensors{state="offline"}': "1x1500",
    'sensor_gateway_sensor_polls_total{sensor="attic"}': "0+6x1500",
    'sensor_gateway_sensor_failed_polls_total{sensor="attic"}': "0x1500",
    'sensor_gateway_clock_state{state="unsynced"}': "0x1500",
    "sensor_gateway_written_bytes_total": "0+100000x1500",
    'sensor_gateway_alarm{alarm="outbox_flash"}': "0x1500",
}
"""A day of a gateway that is well, a sample a minute."""

ILL = {
    "GatewayDown": {'up{job="sensor-gateway"}': "0x1500"},
    "GatewayRestarts": {"sensor_gateway_starts_total": "0+1x1500"},
    "BrokerUnreachable": {'sensor_gateway_link_state{state="connected"}': "0x1500"},
    "EventsWait": {"sensor_gateway_oldest_event_timestamp_seconds": "0x1500"},
    "BufferFullSoon": {"sensor_gateway_buffer_room_seconds": "80000x1500"},
    "EventsLost": {'sensor_gateway_lost_events_total{cause="limit"}': "0x1435 9x64"},
    "BusSilent": {'sensor_gateway_bus_silent{bus="i2c1"}': "1x1500"},
    "NothingMeasured": {'sensor_gateway_sensors{state="online"}': "0x1500"},
    "SensorSilent": {'sensor_gateway_sensor_state{sensor="attic",state="offline"}': "1x1500"},
    "SensorFalters": {'sensor_gateway_sensor_failed_polls_total{sensor="attic"}': "0+1x1500"},
    "ClockNotSet": {'sensor_gateway_clock_state{state="unsynced"}': "1x1500"},
    "CardWear": {"sensor_gateway_written_bytes_total": "0+2000000x1500"},
    "GatewayAlarm": {'sensor_gateway_alarm{alarm="outbox_flash"}': "1x1500"},
}
"""The one thing that is otherwise, for each alert."""

AFTER = "1440m"


def test_the_page_turns_on_what_the_page_reads() -> None:
    assert yaml.safe_load(TURNED_ON) == {"metrics": True}
    (job,) = yaml.safe_load(SCRAPED)["scrape_configs"]
    assert job["static_configs"] == [{"targets": ["127.0.0.1:9756"]}]
    assert f'up{{job="{job["job_name"]}"}}' in RULES


def test_the_rules_speak_of_metrics_and_values_that_there_are() -> None:
    assert set(re.findall(r"sensor_gateway_\w+", RULES)) <= NAMES
    for name, values in VALUES.items():
        found = re.findall(rf'{name}{{(?:[^}}]*,)?(?:state|alarm)[!~=]+"([^"]+)"', RULES)
        assert found, name
        for written in found:
            assert set(written.split("|")) <= values


def test_each_alert_has_its_row_and_says_what_is_wrong() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (.+?) \| (.+) \|$", PAGE.partition("## Home Assistant")[0], re.MULTILINE)
    assert [name for name, _, _ in rows] == [alert["alert"] for alert in ALERTS]
    assert all(alert["labels"]["severity"] in {"warning", "critical"} for alert in ALERTS)
    assert all(alert["annotations"]["summary"] for alert in ALERTS)


def test_the_page_names_each_metric_and_no_other() -> None:
    table = PAGE.partition("## Metrics")[2]
    assert re.findall(r"^\| `(sensor_gateway_\w+)`", table, re.MULTILINE) == [f"{PREFIX}{one.name}" for one in FAMILIES]
    public = {field.name for field in fields(Health)}
    assert {key.partition(".")[0] for key in re.findall(r"`([a-z_]+[a-zA-Z._]*)` \|$", table, re.MULTILINE)} <= public


def test_home_assistant_is_given_keys_that_there_are() -> None:
    (sensor,) = yaml.safe_load(HOME_ASSISTANT)["mqtt"]["binary_sensor"]
    used = set(re.findall(r"value_json\.([a-z_.]+)", sensor["value_template"]))
    public = {field.name for field in fields(Health)} | {f"sensor_counts.{one.name}" for one in fields(SensorCounts)}
    assert len(used) == 4
    assert used <= public


def promtool(*words: str, within: Path) -> subprocess.CompletedProcess[str]:
    if shutil.which("promtool") is None:
        pytest.skip("promtool is not installed (apt: prometheus)")
    (within / "rules.yml").write_text(RULES)
    command = ["promtool", *words]
    return subprocess.run(command, cwd=within, capture_output=True, text=True, timeout=60, check=False)


def test_prometheus_own_tool_takes_the_rules(tmp_path: Path) -> None:
    ended = promtool("check", "rules", "rules.yml", within=tmp_path)
    assert ended.returncode == 0, ended.stderr
    assert f"{len(ALERTS)} rules found" in ended.stdout


def sounding(series: dict[str, str], alert: str, within: Path) -> bool:
    """Whether an alert fires after a day of these series."""
    test = {
        "interval": "1m",
        "input_series": [{"series": name, "values": values} for name, values in series.items()],
        "alert_rule_test": [{"eval_time": AFTER, "alertname": alert, "exp_alerts": []}],
    }
    (within / "test.yml").write_text(yaml.safe_dump({"rule_files": ["rules.yml"], "tests": [test]}))
    ended = promtool("test", "rules", "test.yml", within=within)
    assert ended.returncode == 0 or "got:" in ended.stdout + ended.stderr, ended.stdout + ended.stderr
    return ended.returncode != 0


@pytest.mark.parametrize("alert", [alert["alert"] for alert in ALERTS])
def test_an_alert_sounds_for_what_it_names_and_not_for_a_gateway_that_is_well(alert: str, tmp_path: Path) -> None:
    assert not sounding(WELL, alert, tmp_path)
    assert sounding({**WELL, **ILL[alert]}, alert, tmp_path)
