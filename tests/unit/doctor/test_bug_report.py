"""No secret gets through, in whatever form it is written."""

from __future__ import annotations

import io
import json
import tarfile
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensor_gateway.config.values.secret import HIDDEN
from sensor_gateway.service.bug_report.parcel import as_archive, as_text
from sensor_gateway.service.bug_report.redaction import redacted, secrets_among, secrets_in

SECRETS = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Zs", "Zl", "Zp"]), min_size=4, max_size=30)


@given(SECRETS.filter(lambda text: text not in HIDDEN))
def test_a_secret_is_taken_out_plain_in_json_in_an_address_and_in_python(secret: str) -> None:
    told = "\n".join((secret, json.dumps(secret), quote(secret, safe=""), repr(secret), f"<{secret}>"))
    left = redacted(told, [secret]).replace(HIDDEN, "")
    for form in (secret, json.dumps(secret)[1:-1], quote(secret, safe=""), repr(secret)[1:-1]):
        assert form not in left


@pytest.mark.parametrize(
    "written",
    [
        "mqtt:\n  password: CANARY-7f3a",
        "mqtt: {url: mqtt://b, password: CANARY-7f3a, states: true}",
        "mqtt: {password: 'CANARY-7f3a'}",
        'mqtt:\n  "password": "CANARY-7f3a"  # the house',
        "mqtt:\n  Password : CANARY-7f3a",
        "  pasword: no\n  password:   CANARY-7f3a # why",
        "broker_password: CANARY-7f3a",
        "mqtt:\n  password: |\n    CANARY-7f3a\n  url: x",
        "api_key: CANARY-7f3a",
        "mqtt:\n  url: mqtt://user:CANARY-7f3a@broker.lan",
    ],
)
def test_what_is_written_where_a_secret_belongs_is_one_even_in_a_file_full_of_faults(written: str) -> None:
    report = f"{written}\nlog: connecting with CANARY-7f3a"
    assert "CANARY-7f3a" not in redacted(report, secrets_in(written))


def test_the_name_of_a_secrets_file_and_what_is_around_stay() -> None:
    text = "mqtt: {url: mqtt://broker.lan, password_file: mqtt, topic_prefix: house}"
    assert redacted(text, secrets_in(text)) == text


def test_a_short_secret_goes_where_it_stands_alone_and_leaves_words_whole() -> None:
    assert redacted("pin 12: 12 of 4123", ["12"]) == f"pin {HIDDEN}: {HIDDEN} of 4123"


def test_variables_are_secret_by_their_names() -> None:
    environ = {"MQTT_PASSWORD": "a", "HOME": "b", "GITHUB_TOKEN": "c", "TOKENS": "d"}
    assert sorted(secrets_among(environ)) == ["a", "c"]


def test_an_archive_is_the_same_for_the_same_parts_and_holds_them() -> None:
    parts = {"a.txt": "eins\n", "b.txt": "zwei °C\n"}
    packed = as_archive(parts, 1_800_000_000)
    assert packed == as_archive(parts, 1_800_000_000)
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        assert archive.getnames() == ["sensor-gateway-bugreport/a.txt", "sensor-gateway-bugreport/b.txt"]
        content = archive.extractfile("sensor-gateway-bugreport/b.txt")
        assert content is not None
        assert content.read().decode() == parts["b.txt"]
    assert as_text(parts) == "===== a.txt =====\neins\n\n===== b.txt =====\nzwei °C\n"
