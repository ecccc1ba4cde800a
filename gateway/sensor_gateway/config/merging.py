"""Several files as one: mappings are joined key by key. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from sensor_gateway.config.faults import Report
from sensor_gateway.config.nodes import Entry, MapNode, Node, ScalarNode, described, shortened
from sensor_gateway.config.readers import joined


def merge(roots: Sequence[Node], report: Report) -> Node:
    """All of ``roots`` as one; the same key in two of them is a fault that names both places."""
    merged = roots[0]
    for root in roots[1:]:
        merged = _joined(merged, root, "", report)
    return merged


def _joined(first: Node, second: Node, path: str, report: Report) -> Node:
    if isinstance(first, MapNode) and isinstance(second, MapNode):
        entries = dict(first.entries)
        for key, entry in second.entries.items():
            if key in entries:
                here = joined(path, key)
                entries[key] = Entry(entries[key].place, _joined(entries[key].node, entry.node, here, report))
            else:
                entries[key] = entry
        return MapNode(entries, first.place)
    if _is_nothing(second):
        return first
    if _is_nothing(first):
        return second
    if path:
        key = shortened(path.rpartition(".")[2])
        message = f"the key {key!r} is written in two files; first at {first.place}"
    else:
        message = f"expected a mapping with `mqtt:`, `sensors:` and so on, got {described(second)}"
    report.fault(second.place, path, message)
    return first


def _is_nothing(node: Node) -> bool:
    return isinstance(node, ScalarNode) and node.value is None
