"""docs/security.md and SECURITY.md say what is so."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from sensor_gateway.config.loading import load_text
from sensor_gateway.publishing.tls import refusals
from sensor_gateway.publishing.tls.certificate import validity_of
from sensor_gateway.sensing.catalogue import DriverCatalogue

ROOT = Path(__file__).resolve().parents[4]
PAGE = (ROOT / "docs" / "security.md").read_text("utf-8")
POLICY = (ROOT / "SECURITY.md").read_text("utf-8")
SENTENCES = [*refusals._CERTIFICATES.values(), *refusals._ALERTS.values()]


def blocks(language: str) -> list[str]:
    found = re.findall(r"^```(\w*)\n(.*?)^```$", PAGE, flags=re.MULTILINE | re.DOTALL)
    return [text for name, text in found if name == language]


@pytest.mark.parametrize("number", range(2))
def test_the_examples_load_without_a_word(number: int) -> None:
    loaded = load_text(blocks("yaml")[number], catalogue=DriverCatalogue(), environ={})
    assert [*loaded.faults, *loaded.warnings] == []
    assert len(blocks("yaml")) == 2


def test_every_sentence_in_the_table_is_one_that_is_said() -> None:
    told = re.findall(r"^\| (the broker[^|]*?) \|", PAGE.partition("## Ports and sockets")[0], flags=re.MULTILINE)
    assert len(told) == 8
    for sentence in told:
        assert any(said.startswith(sentence) for said in SENTENCES), sentence


def test_the_commands_for_certificates_make_one_that_is_valid_for_a_year(tmp_path: Path) -> None:
    (commands,) = [block for block in blocks("") if block.startswith("openssl")]
    for command in commands.splitlines():
        subprocess.run(["sh", "-c", command], cwd=tmp_path, check=True, capture_output=True)
    validity = validity_of((tmp_path / "greenhouse.pem").read_bytes())
    assert validity.until_ms - validity.from_ms == 365 * 86_400_000


@pytest.mark.parametrize("text", [PAGE, POLICY], ids=["security.md", "SECURITY.md"])
def test_what_the_pages_name_is_there(text: str) -> None:
    folder = ROOT / "docs" if text is PAGE else ROOT
    links = re.findall(r"\]\(([^)#:]+)\)", text)
    assert links
    assert [link for link in links if not (folder / link).exists()] == []
    files = re.findall(r"`((?:tests|config|packaging)/[\w/.-]+)`", text)
    assert [file for file in files if not (ROOT / file).exists()] == []
