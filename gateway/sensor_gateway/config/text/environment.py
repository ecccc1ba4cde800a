"""``${NAME}`` and ``${NAME:-default}`` in values. Pure: the environment is an argument.

Resolved after parsing, so that no value can change the structure. An unquoted value is read anew afterwards (a
number stays a number), a quoted one stays text. ``$${`` stands for ``${`` itself.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from sensor_gateway.config.text.faults import Report
from sensor_gateway.config.text.nodes import Entry, ListNode, MapNode, Node, ScalarNode, joined, read_plain, shortened

_REFERENCE: Final = re.compile(r"\$\$\{|\$\{([^}]*)(\}?)")
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def resolve(node: Node, environ: Mapping[str, str], report: Report, path: str = "") -> Node:
    """``node`` with every reference replaced; one that cannot be is a fault."""
    if isinstance(node, MapNode):
        entries = {
            key: Entry(entry.place, resolve(entry.node, environ, report, joined(path, key)))
            for key, entry in node.entries.items()
        }
        return MapNode(entries, node.place)
    if isinstance(node, ListNode):
        items = (resolve(item, environ, report, f"{path}[{index}]") for index, item in enumerate(node.items))
        return ListNode(tuple(items), node.place)
    if "${" not in node.text:
        return node
    return _resolved(node, environ, report, path)


def _resolved(node: ScalarNode, environ: Mapping[str, str], report: Report, path: str) -> ScalarNode:
    is_substituted = False

    def replacement(found: re.Match[str]) -> str:
        nonlocal is_substituted
        if found[0] == "$${":
            return "${"
        name, has_default, default = found[1].partition(":-")
        if not found[2]:
            report.last_fault(
                node.place, path, "`${` is not closed; expected ${NAME}, or $${ for the characters themselves"
            )
        elif not _NAME.fullmatch(name):
            message = f"`{shortened(name)}` is no name of a variable; expected ${{NAME}} or ${{NAME:-default}}"
            report.last_fault(node.place, path, message)
        elif environ.get(name) or (name in environ and not has_default):
            is_substituted = True
            return environ[name]
        elif not has_default:
            shown = shortened(name)
            message = f"the variable {shown} is not set; expected it in the environment, or ${{{shown}:-default}}"
            report.last_fault(node.place, path, message)
        return default

    text = _REFERENCE.sub(replacement, node.text)
    return ScalarNode(text if node.is_quoted else read_plain(text), text, node.is_quoted, node.place, is_substituted)


def escaped(text: str) -> str:
    """``text`` so that ``resolve`` gives it back as it is."""
    return text.replace("${", "$${")
