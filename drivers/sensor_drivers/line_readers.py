"""What a line says, in each of the formats: the fields that it has, as they are written.

Formats: RFC 8259 (JSON); RFC 4180 without quotes (csv); NMEA 0183; Python's regular expressions. Pure: text in, what is
written for each field out; None, or no entry, where the line does not have it. BadFrame for a line that is damaged.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Final

import sensor_gateway.driver as gw
from sensor_drivers.line_format import Options

PAIR: Final = re.compile(r"\s*[=:]\s*")
SENTENCE: Final = re.compile(r"[!$](?P<body>[^!$*]*)\*(?P<check>[0-9A-Fa-f]{2})\s*")


def _json(text: str, options: Options) -> Mapping[str, object]:
    if not text.startswith("{"):
        return {}  # Start-up messages and the like.
    try:
        # Every number as float: a whole number of a thousand digits becomes infinite instead of taking its time.
        content = json.loads(text, parse_int=float, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise gw.BadFrame(f"line is no valid JSON ({error})", expected="one object", got=short(text)) from error
    return {name: _at(content, field.key or name) for name, field in options.fields.items()}


def _refuse_constant(constant: str) -> float:
    raise ValueError(f"no {constant}")


def _at(content: object, key: str) -> object:
    """What stands at a path like ``a.b``, or ``0.b`` in a list; None where there is nothing."""
    if isinstance(content, dict) and key in content:
        return content[key]
    for part in key.split("."):
        if isinstance(content, dict):
            content = content.get(part)
        elif isinstance(content, list) and part.isdecimal() and len(part) < 6 and int(part) < len(content):
            content = content[int(part)]
        else:
            return None
    return content


def _key_value(text: str, options: Options) -> Mapping[str, object]:
    text = PAIR.sub("=", text)
    pairs = dict(item.split("=", 1) for item in _items(text, options) if "=" in item)
    return {name: pairs.get((field.key or name).strip()) for name, field in options.fields.items()}


def _csv(text: str, options: Options) -> Mapping[str, object]:
    return _by_place(_items(text, options), options)


def _nmea(text: str, options: Options) -> Mapping[str, object]:
    start = max(text.rfind("$"), text.rfind("!"), 0)
    name, _, rest = text[start + 1 :].partition(",")
    if text[start : start + 1] not in ("$", "!") or not (name == options.sentence or name[2:] == options.sentence):
        return {}
    match = SENTENCE.fullmatch(text[start:])
    if match is None:
        raise gw.BadFrame("end of the sentence", expected="* and two hexadecimal digits", got=short(text))
    computed = gw.nmea_checksum(match["body"].encode("latin-1"))
    if computed != int(match["check"], 16):
        raise gw.BadFrame("checksum of the sentence", expected=f"{computed:02X}", got=match["check"])
    return _by_place(rest.rpartition("*")[0].split(","), options)


def _regex(text: str, options: Options) -> Mapping[str, object]:
    match = re.search(options.pattern, text)
    return {} if match is None else {name: match[field.key or name] for name, field in options.fields.items()}


def _items(text: str, options: Options) -> list[str]:
    items = text.split(options.delimiter) if options.delimiter else re.split(r"\s*[,;]\s*|\s+", text)
    return [item.strip() for item in items]


def _by_place(items: list[str], options: Options) -> Mapping[str, object]:
    places = {name: field.index or 0 for name, field in options.fields.items()}
    return {name: items[place - 1] for name, place in places.items() if 0 < place <= len(items)}


def short(written: object) -> str:
    """What was written, for a sentence about it."""
    text = repr(written)
    return text if len(text) <= 80 else f"{text[:80]}..."


READERS: Final = {"json": _json, "key_value": _key_value, "csv": _csv, "nmea": _nmea, "regex": _regex}
