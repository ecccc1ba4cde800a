"""The real gateway's metrics, over a real socket, read by Prometheus' own parser."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families
from proving.breakages import HANGING_PUBLISHER
from proving.ear import Ear, small_config
from proving.kills.gateway import GatewayProcess

from sensor_gateway.service.demonstration.loopback_ports import free_port

pytestmark = [pytest.mark.system, pytest.mark.timeout(120)]

Start = Callable[..., GatewayProcess]
Wait = Callable[..., None]

TRIES_OFTEN = """
from sensor_gateway.service.metrics import exporter

exporter.TRIES_EVERY_S = 0.5
"""


def with_metrics(text: str, port: int, host: str = "127.0.0.1") -> str:
    return f"{text}metrics: {{host: {host}, port: {port}}}\n"


def fetched(port: int, path: str = "/metrics") -> tuple[int, str]:
    """Status and body; 0 where nobody listens."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=20) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as refusal:
        return refusal.code, refusal.read().decode()
    except OSError:
        return 0, ""


def scraped(port: int) -> dict[str, float]:
    """Each series as it is written, without the prefix; empty where there is no page."""
    status, page = fetched(port)
    if status != 200:
        return {}
    return {
        sample.name.removeprefix("sensor_gateway_")
        + "".join(f" {value}" for value in sample.labels.values()): sample.value
        for family in text_string_to_metric_families(page)
        for sample in family.samples
    }


def asked(gateway: GatewayProcess, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "sensor_gateway", *words]
    environ = {**os.environ, "RUNTIME_DIRECTORY": str(gateway.hot)}
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, env=environ)


def listening(pid: int) -> set[tuple[str, int]]:
    """Where a process listens for TCP, as the kernel tells it: the address in hexadecimal, and the port."""
    links = [str(link.readlink()) for link in Path(f"/proc/{pid}/fd").iterdir()]
    ours = {found[1] for link in links if (found := re.fullmatch(r"socket:\[(\d+)\]", link))}
    rows = [line.split() for kind in ("tcp", "tcp6") for line in Path(f"/proc/net/{kind}").read_text().splitlines()[1:]]
    places = [row[1].split(":") for row in rows if row[3] == "0A" and row[9] in ours]
    return {(address, int(port, 16)) for address, port in places}


@pytest.fixture
def taken() -> Iterator[socket.socket]:
    """A port that another program has."""
    other = socket.socket()
    other.bind(("127.0.0.1", 0))
    other.listen()
    yield other
    other.close()


def test_a_scrape_says_what_the_status_says(ear: Ear, gateways: Start, wait_until: Wait) -> None:
    port = free_port()
    gateway = gateways("barn", with_metrics(small_config("barn", ear.port), port))
    wait_until(lambda: scraped(port).get("sensors online") == 2 and scraped(port).get("sensor_polls_total s0", 0) > 9)
    before = scraped(port)
    told = json.loads(asked(gateway, "status", "--json").stdout)
    at_s = datetime.fromisoformat(told["time"]).timestamp()
    wait_until(lambda: scraped(port)["health_timestamp_seconds"] > at_s)
    after = scraped(port)
    assert after["link_state connected"] == 1
    assert after["lost_events_total limit"] == 0
    assert before["sent_events_total"] <= told["sent"] <= after["sent_events_total"]
    assert before["uptime_seconds"] <= told["uptime_s"] <= after["uptime_seconds"]
    assert before["sensor_polls_total s0"] <= told["sensors"]["s0"]["polls"] <= after["sensor_polls_total s0"]
    assert abs(after["health_timestamp_seconds"] - time.time()) < 60
    assert fetched(port, "/") == (404, "there is /metrics here, and nothing else\n")
    assert gateway.process is not None
    assert listening(gateway.process.pid) == {("0100007F", port)}, "this machine alone"
    assert gateway.terminate()[0] == 0
    assert fetched(port)[0] == 0


def test_without_the_section_no_port_is_opened(ear: Ear, gateways: Start, wait_until: Wait) -> None:
    gateway = gateways("barn", small_config("barn", ear.port))
    wait_until(lambda: ear.health("barn").get("sensor_counts", {}).get("online") == 2)
    assert gateway.process is not None
    assert listening(gateway.process.pid) == set()


def test_a_restart_is_seen_as_prometheus_expects_it(ear: Ear, gateways: Start, wait_until: Wait) -> None:
    """Counters begin at zero, which ``rate`` takes for a restart, and the starts are counted."""
    port = free_port()
    gateway = gateways("barn", with_metrics(small_config("barn", ear.port), port))
    wait_until(lambda: scraped(port).get("sent_events_total", 0) >= 4 and scraped(port)["uptime_seconds"] >= 3)
    before = scraped(port)
    gateway.kill()
    gateway.start()
    wait_until(lambda: bool(scraped(port)))
    after = scraped(port)
    assert after["uptime_seconds"] < before["uptime_seconds"]
    assert after["starts_total"] == before["starts_total"] + 1


def test_idle_clients_and_half_requests_disturb_neither_readings_nor_delivery(
    ear: Ear, gateways: Start, wait_until: Wait
) -> None:
    port = free_port()
    gateways("barn", with_metrics(small_config("barn", ear.port), port))
    wait_until(lambda: scraped(port).get("sensors online") == 2)
    before, clients = scraped(port), []
    deadline_s = time.monotonic() + 4
    while time.monotonic() < deadline_s or len(clients) < 100:
        client = socket.create_connection(("127.0.0.1", port), timeout=10)
        client.sendall(b"GET /metrics HTTP/1.1\r\n" if len(clients) % 2 else b"")
        clients.append(client)
        time.sleep(0.03)
    wait_until(lambda: scraped(port)["sensor_polls_total s0"] > before["sensor_polls_total s0"])
    after = scraped(port)
    for client in clients:
        client.close()
    assert after["sensor_state s0 online"] == 1
    assert after["acknowledged_events_total"] > before["acknowledged_events_total"]
    assert after["bus_missed_deadlines_total wire"] == before["bus_missed_deadlines_total wire"]


def test_a_port_that_is_taken_is_told_once_and_opened_when_it_is_free(
    ear: Ear, tmp_path: Path, wait_until: Wait, taken: socket.socket
) -> None:
    port = taken.getsockname()[1]
    gateway = GatewayProcess(tmp_path, with_metrics(small_config("barn", ear.port), port), change=TRIES_OFTEN)
    gateway.start()
    try:
        wait_until(lambda: ear.health("barn").get("sensor_counts", {}).get("online") == 2)
        taken.close()
        wait_until(lambda: bool(scraped(port)), 30)
        said = [entry for entry in gateway.entries() if entry["event"].startswith("metrics_")]
        assert [entry["event"] for entry in said] == ["metrics_not_open", "metrics_opened"]
        assert said[0]["address"] == f"127.0.0.1:{port}"
        assert said[0]["mind"] == "another program listens there: set `metrics.port`"
    finally:
        gateway.kill()


def test_a_reload_opens_moves_and_closes_the_port(
    ear: Ear, gateways: Start, wait_until: Wait, taken: socket.socket
) -> None:
    gateway, (first, second) = gateways("barn", small_config("barn", ear.port)), (free_port(), free_port())
    wait_until(lambda: ear.health("barn").get("sensor_counts", {}).get("online") == 2)
    text = gateway.config.read_text()

    def reloaded(section: str) -> str:
        gateway.config.write_text(text + section)
        ended = asked(gateway, "reload")
        assert ended.returncode == 0, ended.stderr
        return ended.stdout + ended.stderr

    assert f"metrics are to be served at 127.0.0.1:{first}" in reloaded(f"metrics: {{port: {first}}}\n")
    assert scraped(first)
    reloaded(f"metrics: {{port: {second}}}\n")
    assert (fetched(first)[0], bool(scraped(second))) == (0, True)
    told = reloaded(f"metrics: {{port: {taken.getsockname()[1]}}}\n")
    assert "cannot be opened, Address already in use: another program listens there: set `metrics.port`" in told
    assert "metrics end" in reloaded("metrics: false\n")
    assert fetched(second)[0] == 0
    assert "missed" not in gateway.log.read_text()


def test_figures_of_a_publisher_that_hangs_are_not_given(ear: Ear, tmp_path: Path, wait_until: Wait) -> None:
    port = free_port()
    config = with_metrics(small_config("barn", ear.port), port)
    gateway = GatewayProcess(tmp_path, config, change=HANGING_PUBLISHER)
    gateway.start()
    try:
        wait_until(lambda: fetched(port)[0] == 503, 30)
        assert "its publisher has not answered within 5 s" in fetched(port)[1]
    finally:
        gateway.kill()
