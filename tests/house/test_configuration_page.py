"""The tables of docs/configuration.md are made from the sections: ``python tests/house/test_configuration_page.py``.

It writes them anew. What stands around them is written by hand.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from types import MappingProxyType, NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

from sensor_gateway.changes.filters import FilterSpec
from sensor_gateway.changes.rules import Deadband
from sensor_gateway.config.sections.broker import CommandsSection, HomeAssistantSection, MqttSection, TlsSection
from sensor_gateway.config.sections.buses import BUS_TYPES
from sensor_gateway.config.sections.metrics import MetricsSection
from sensor_gateway.config.sections.recovery import RecoverSection
from sensor_gateway.config.settings import (
    ChannelSection,
    ClockSection,
    Configuration,
    DefaultsSection,
    GatewaySection,
    OutboxSection,
    SensorSection,
)
from sensor_gateway.config.values.decoder import Field, fields_of, unwrap
from sensor_gateway.config.values.kinds import KINDS
from sensor_gateway.config.values.notation import Mark, Within, attribute_of

PAGE = Path(__file__).resolve().parents[2] / "docs" / "configuration.md"
BEGIN, END = "<!-- keys: made by tests/house/test_configuration_page.py -->\n", "<!-- end of keys -->\n"
SECTIONS = MappingProxyType(
    {
        "gateway": GatewaySection,
        "mqtt": MqttSection,
        "mqtt.tls": TlsSection,
        "home_assistant": HomeAssistantSection,
        "commands": CommandsSection,
        "metrics": MetricsSection,
        "outbox": OutboxSection,
        "clock": ClockSection,
        "defaults": DefaultsSection,
        **{f"buses.NAME, with `type: {name}`": section for name, section in BUS_TYPES.items()},
        "buses.NAME.recover": RecoverSection,
        "sensors.NAME": SensorSection,
        "sensors.NAME.channels.CHANNEL": ChannelSection,
    }
)
_RULES = {Deadband: "a number, or a mapping", FilterSpec: "filter steps"}
_FILLED_IN = {
    **dict.fromkeys(("deadband", "heartbeat", "interval", "path", "channels"), ""),
    "driver": "**required**, unless a device file says it",
    "bus": "**required**, but for what the kernel measures",
}
"""Required in a loaded section, and not in a file: what is filled in stands in the meaning."""


def test_the_tables_are_what_the_sections_say() -> None:
    text = PAGE.read_text("utf-8")
    assert text == with_keys(text), "python tests/house/test_configuration_page.py writes it anew"


def test_every_section_of_a_file_has_its_table() -> None:
    shown = {title.partition(".")[0].partition(",")[0] for title in SECTIONS}
    assert shown == set(fields_of(Configuration))


def with_keys(page: str) -> str:
    """The page with today's tables."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}{''.join(_tables())}{END}{after}"


def _tables() -> Iterator[str]:
    for title, section in SECTIONS.items():
        name, _, more = title.partition(",")
        said = " ".join((section.__doc__ or "").replace("``", "`").split())
        yield f"\n### `{name}`{more}\n\n{said}\n\n| key | what may stand there | default | meaning |\n"
        yield "|---|---|---|---|\n"
        given = {field.name: field for field in dataclasses.fields(section)}
        for key, field in fields_of(section).items():
            meaning = field.description.replace("|", "\\|").replace(" (Loaded: ", "\0").partition("\0")[0]
            cells = (f"`{key}`", _values(field), _default(given[attribute_of(key)], field), meaning)
            yield f"| {' | '.join(cells)} |\n"


def _values(field: Field) -> str:
    told = " or ".join(dict.fromkeys(_told(field.type, field.marks)))
    limits = next((mark for mark in field.marks if isinstance(mark, Within)), None)
    return f"{told}{_limits(limits, field.type)}" if limits else told


def _told(hint: object, marks: tuple[object, ...]) -> Iterator[str]:
    bare, _ = unwrap(hint)
    origin, parts = get_origin(bare), get_args(bare)
    if bare in _RULES:
        yield _RULES[bare]
    elif origin in (Union, UnionType):
        for part in parts:
            if part is not NoneType:
                yield from _told(part, marks)
        if Mark.FALSE_IS_NONE in marks:
            has_defaults = parts[0] not in KINDS and not any(one.is_required for one in fields_of(parts[0]).values())
            yield "`true` or `false`" if has_defaults else "`false`"
    elif origin is Literal:
        yield ", ".join(f"`{part}`" for part in parts)
    elif origin is tuple:
        yield f"a list of {' or '.join(_told(parts[0], ()))}"
    elif Mark.IDENTIFIER in marks:
        yield "lower-case letters, digits, `_`, `-`"
    elif bare in KINDS:
        kind = KINDS[bare]
        yield kind.expected + (f" like `{kind.scale.example.partition(',')[0]}`" if kind.scale else "")
    else:
        yield "a section"


def _limits(limits: Within, hint: object) -> str:
    parts = [part for part in (get_args(hint) or (hint,)) if part is not NoneType]
    write = KINDS[parts[0]].write
    low, high = (None if end is None else f"{write(end)}" for end in (limits.low, limits.high))
    return f", {low} to {high}" if low and high else f", at least {low}" if low else f", at most {high}"


def _default(field: dataclasses.Field[Any], told: Field) -> str:
    if told.is_required:
        return _FILLED_IN.get(field.name, "**required**")
    value = field.default
    if value is None:
        return "`false`" if Mark.FALSE_IS_NONE in told.marks else ""
    if isinstance(value, Enum):
        return f"`{value.value}`"
    bare = next((part for part in (get_args(told.type) or (told.type,)) if part in KINDS), None)
    if bare is not None:
        value = KINDS[bare].write(value)
    if value in ("", (), -1) or field.name == "address":
        return ""
    return f"`{value if isinstance(value, str) else json.dumps(value)}`"


if __name__ == "__main__":
    PAGE.write_text(with_keys(PAGE.read_text("utf-8")), "utf-8")
