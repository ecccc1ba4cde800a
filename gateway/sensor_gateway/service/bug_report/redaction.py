"""Takes secrets out of a text, in every form in which they may have got into it. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Final
from urllib.parse import quote

from sensor_gateway.config.values.secret import HIDDEN

_NAME: Final = r"[A-Za-z0-9_.-]*(?:password|passwd|passphrase|secret|token|credential|api_?key)"
_IN_YAML: Final = re.compile(rf"""(?mi)(?:^|[{{,\s])["']?{_NAME}["']?\s*:[ \t]*(?P<value>[^\n]+)""")
_BLOCK: Final = re.compile(
    rf"(?mi)^(?P<indent>[ ]*){_NAME}\s*:[ \t]*[|>][^\n]*\n(?P<lines>(?:(?P=indent)[ ]+[^\n]*\n?)+)"
)
_IN_URL: Final = re.compile(r"(?i)\b[a-z][a-z0-9+.-]*://([^/\s@]+)@")
_NAMED: Final = re.compile(rf"(?i){_NAME}$")
_SHORT: Final = 4
_YAML_WORDS: Final = frozenset({"~", "null", "true", "false", "|", ">"})


def secrets_in(text: str) -> Iterator[str]:
    """What stands in the text of a configuration where a secret is expected, also in one that is full of faults."""
    yield from (secret for secret in _written_in(text) if secret not in _YAML_WORDS)


def _written_in(text: str) -> Iterator[str]:
    for found in _IN_YAML.finditer(text):
        yield from _readings(found["value"])
    for found in _BLOCK.finditer(text):
        yield from (line.strip() for line in found["lines"].splitlines())
    yield from (user.partition(":")[2] or user for user in _IN_URL.findall(text))


def secrets_among(environ: Mapping[str, str]) -> Iterator[str]:
    """The values of variables whose names say that they are secret."""
    yield from (value for name, value in environ.items() if _NAMED.search(name))


def redacted(text: str, secrets: Iterable[str]) -> str:
    """The text without them: plain, in JSON, in an address, and as Python shows them. The longest go first."""
    forms = {form for secret in secrets for form in _forms(secret.strip()) if form}
    for form in sorted(forms, key=len, reverse=True):
        pattern = re.escape(form)
        text = re.sub(rf"(?<!\w){pattern}(?!\w)" if len(form) < _SHORT else pattern, HIDDEN, text)
    return _IN_URL.sub(lambda found: found[0].replace(f"{found[1]}@", f"{HIDDEN}@"), text)


def _readings(written: str) -> Iterator[str]:
    """What a value may mean: what is quoted, or all to the end of the line, to a comment, a comma or a brace."""
    whole = written.strip()
    for quotes in ("'", '"'):
        if whole.startswith(quotes):
            inner, _, _ = whole[1:].partition(quotes)
            yield inner
            return
    for end in (" #", ",", "}"):
        whole = whole.partition(end)[0].strip()
        yield whole


def _forms(secret: str) -> Iterator[str]:
    yield secret
    yield json.dumps(secret)[1:-1]
    yield json.dumps(secret, ensure_ascii=False)[1:-1]
    yield quote(secret, safe="")
    yield repr(secret)[1:-1]
