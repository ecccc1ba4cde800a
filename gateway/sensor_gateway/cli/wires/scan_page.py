"""What ``scan`` saw: as a page for people, as facts for programs, and as YAML to paste."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Final

from sensor_gateway.cli.arguments import program
from sensor_gateway.cli.wires import network_lines
from sensor_gateway.cli.wires.survey import BusSeen, DeviceSeen, PortSeen, Survey, is_of_kind
from sensor_gateway.model.errors import GatewayError
from sensor_gateway.sensing.scan.candidates import Candidate
from sensor_gateway.sensing.scan.identification import Finding, Verdict
from sensor_gateway.sensing.serial_port import NO_PORT
from sensor_gateway.service.logs import escape

_MOST_NAMED: Final = 6
_NO_ID: Final = re.compile(r"[^a-z0-9_-]+")
_PLAIN: Final = re.compile(r"[A-Za-z][A-Za-z0-9_.-]*|[0-9a-f]+-[0-9a-f]+")


def page(survey: Survey) -> Iterator[str]:
    """For people, line by line."""
    for bus in survey.buses:
        yield from _bus(bus)
    if survey.no_bus is not None:
        yield f"no I2C bus: {survey.no_bus}"
    if survey.devices or survey.lost:
        yield "devices of the kernel"
        yield from map(_device, survey.devices)
    for plan in survey.lost:
        yield f"  {plan.name} ({plan.variant}) is missing: `{program()} read {plan.name}` says what is there"
    if survey.ports:
        yield "serial ports"
        for port in survey.ports:
            yield from _port(port)
    elif not any(bus.node is None for bus in survey.buses):
        yield f"no serial port: {NO_PORT}"
    yield from network_lines.rows(survey.lines)


def yaml(survey: Survey) -> Iterator[str]:
    """The sensors that are not configured yet, as they are written into a file; what is uncertain as comments."""
    names = set(survey.taken)
    known: list[str] = []
    unsure: list[str] = []
    for bus in survey.buses:
        for finding in bus.scan.findings if bus.scan is not None else ():
            if finding.address in bus.sensors:
                continue
            kind = finding.chip.candidate if finding.chip is not None else next(iter(finding.may_be), None)
            if kind is None:
                continue
            name = _free_name(kind.name, f"{kind.name}-{bus.name}-{finding.address:02x}", names)
            entry = f"{name}: {{driver: {kind.name}, bus: {bus.name}, address: 0x{finding.address:02x}}}"
            if finding.chip is not None:
                known.append(f"  {entry}  # {_one_line(_part(finding))}")
            else:
                unsure.append(f"  # {entry}  # one of: {_listed(finding.may_be)}")
    known.extend(_yaml_devices(survey, names))
    if known or unsure:
        yield "sensors:" if known else "# sensors:"
        yield from known
        yield from unsure
    else:
        yield "# no chip was found that is not configured yet"
    yield from _yaml_ports(survey, names)
    yield from _yaml_reasons(survey)


def _yaml_reasons(survey: Survey) -> Iterator[str]:
    """Why there may be more than was found."""
    if survey.no_bus is not None:
        yield f"# no I2C bus: {_one_line(str(survey.no_bus))}"
    for bus in survey.buses:
        if bus.scan is not None and bus.scan.trouble is not None:
            yield f"# {bus.name}: {_one_line(escape(str(bus.scan.trouble)))}"
    if not survey.ports and not any(bus.node is None for bus in survey.buses):
        yield f"# no serial port: {NO_PORT}"


def facts(survey: Survey) -> dict[str, object]:
    """For programs."""
    return {
        "i2c": [_bus_facts(bus) for bus in survey.buses],
        "serial": [
            {
                "path": str(port.node.path),
                "device": str(port.node.device),
                "bus": port.bus or None,
                "sensors": [plan.name for plan in port.sensors],
                "missing": port.is_missing,
                "trouble": port.node.trouble or None,
            }
            for port in survey.ports
        ],
        "network": network_lines.facts(survey.lines),
        "kernel": [
            {
                "kind": seen.device.kind,
                "name": seen.device.name,
                "place": seen.device.place,
                "sensors": list(seen.sensors),
                "section": None if seen.proposal is None else dict(seen.proposal),
            }
            for seen in survey.devices
        ],
        "lost": [
            plan.name
            for plans in (
                survey.lost,
                *(port.sensors for port in survey.ports if port.is_missing),
                *(line.sensors for line in survey.lines if line.trouble),
            )
            for plan in plans
        ],
        "trouble": None if survey.no_bus is None else str(survey.no_bus),
    }


def _device(seen: DeviceSeen) -> str:
    nothing = "not configured" if seen.proposal is not None else "measures nothing that there is a driver for"
    return f"  {escape(str(seen.device)):50}  {', '.join(seen.sensors) or nothing}"


def _yaml_devices(survey: Survey, names: set[str]) -> Iterator[str]:
    for seen in survey.devices:
        if seen.proposal is not None and not seen.sensors:
            slug = _NO_ID.sub("-", seen.device.name.lower()).strip("-") or "device"
            name = _free_name(slug, f"{slug}-{seen.device.kind}", names)
            yield f"  {name}: {_flow(seen.proposal)}"


def _flow(value: object) -> str:
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{key}: {_flow(inner)}' for key, inner in value.items())}}}"
    text = str(value)
    return text if _PLAIN.fullmatch(text) else json.dumps(text)


def _bus(bus: BusSeen) -> Iterator[str]:
    where = "" if bus.node is None else f"  {bus.node.path}  {escape(bus.node.adapter)}"
    yield f"{bus.name}{where}"
    if bus.scan is None:
        yield f"  the bus of a display: left alone, unless you name it (`{program()} scan {bus.name}`)"
        return
    rows = {finding.address: list(_finding(bus, finding)) for finding in bus.scan.findings}
    for address, driver in bus.owned.items():
        rows[address] = [_row(address, f"owned by the kernel driver {driver}: left alone", _configured(bus, address))]
    for plan in bus.missing:
        rows[plan.address] = [
            _row(plan.address, "nobody answers", f"{plan.name} ({plan.variant}) is missing: check supply and wiring")
        ]
    for address in sorted(rows):
        yield from rows[address]
    for address, parent in sorted(bus.behind.items()):
        yield _row(address, f"on {parent}, which this bus is a channel of", "")
    if bus.scan.trouble is not None:
        yield from _trouble(bus, bus.scan.trouble)
    elif not rows:
        yield "  nobody answers"


def _trouble(bus: BusSeen, trouble: GatewayError) -> Iterator[str]:
    yield f"  {escape(str(trouble))}"
    if isinstance(trouble.__cause__, BlockingIOError):
        yield f"  if that is the gateway itself: `{program()} tail` shows what it reads; stop it to scan this bus"
    for address, plan in sorted(bus.sensors.items()):
        yield _row(address, "not asked", f"{plan.name} ({plan.variant})")


def _finding(bus: BusSeen, finding: Finding) -> Iterator[str]:
    plan = bus.sensors.get(finding.address)
    chip = finding.chip
    if chip is not None and chip.identity is not None:
        status = _configured(bus, finding.address) or "not configured"
        if plan is not None and not is_of_kind(plan, chip.candidate):
            status = f"{plan.name} is configured as {plan.variant}: write `driver: {chip.candidate.name}`"
        yield _row(finding.address, f"{_part(finding)} ({chip.candidate.name})", status)
        if chip.identity.note:
            yield f"        {escape(chip.identity.note)}"
        return
    status = "not configured" if plan is None else _doubt(finding, plan.name, plan.variant)
    names = [*(kind.name for kind in finding.may_be), *finding.others]
    shown = [*names[:_MOST_NAMED], *([f"{len(names) - _MOST_NAMED} more"] if len(names) > _MOST_NAMED else [])]
    yield _row(finding.address, f"may be {', '.join(shown)}" if names else "none that there is a driver for", status)
    for entry in finding.asked:
        if entry.verdict is not Verdict.NOT_ASKED:
            yield f"        no {entry.candidate.name}: {escape(entry.reason)}"


def _doubt(finding: Finding, sensor: str, variant: str) -> str:
    if any(variant in kind.names for kind in finding.may_be):
        return f"{sensor} ({variant})"
    return f"{sensor} is configured as {variant}, and that is another chip"


def _configured(bus: BusSeen, address: int) -> str:
    plan = bus.sensors.get(address)
    return "" if plan is None else f"{plan.name} ({plan.variant})"


def _part(finding: Finding) -> str:
    identity = finding.chip.identity if finding.chip is not None else None
    return "" if identity is None else escape(identity.part)


def _row(address: int, what: str, status: str) -> str:
    return f"  0x{address:02x}  {what:44}  {status}".rstrip()


def _port(port: PortSeen) -> Iterator[str]:
    behind = "" if port.node.path == port.node.device else f" -> {port.node.device}"
    sensors = ", ".join(map(network_lines.on_line, port.sensors)) or "no sensor"
    status = f"{port.bus}{' is missing' if port.is_missing else ''}: {sensors}" if port.bus else "not configured"
    yield f"  {port.node.path}{behind}  {status}"
    if port.node.trouble:
        yield f"        {escape(port.node.trouble)}"


def _yaml_ports(survey: Survey, names: set[str]) -> Iterator[str]:
    free = [port for port in survey.ports if not port.bus]
    if free:
        yield "# buses:"
    for number, port in enumerate(free, 1):
        name = _free_name(f"serial{number}", f"port{number}", names)
        yield f"#   {name}: {{type: serial, port: {port.node.path}, baudrate: 9600}}"


def _free_name(short: str, long: str, taken: set[str]) -> str:
    stems = (short, long, *(f"{long}-{number}" for number in range(2, 1000)))
    name = next(stem for stem in stems if stem not in taken)
    taken.add(name)
    return name


def _listed(kinds: tuple[Candidate, ...]) -> str:
    return ", ".join(kind.name for kind in kinds)


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _bus_facts(bus: BusSeen) -> dict[str, object]:
    return {
        "bus": bus.name,
        "path": None if bus.node is None else str(bus.node.path),
        "adapter": None if bus.node is None else bus.node.adapter,
        "scanned": bus.scan is not None,
        "trouble": str(bus.scan.trouble) if bus.scan is not None and bus.scan.trouble is not None else None,
        "chips": [_chip_facts(bus, finding) for finding in (bus.scan.findings if bus.scan is not None else ())],
        "kernel": [{"address": f"0x{address:02x}", "driver": driver} for address, driver in bus.owned.items()],
        "missing": [
            {"sensor": plan.name, "driver": plan.variant, "address": f"0x{plan.address:02x}"} for plan in bus.missing
        ],
    }


def _chip_facts(bus: BusSeen, finding: Finding) -> dict[str, object]:
    identity = finding.chip.identity if finding.chip is not None else None
    plan = bus.sensors.get(finding.address)
    return {
        "address": f"0x{finding.address:02x}",
        "sensor": None if plan is None else plan.name,
        "driver": None if finding.chip is None else finding.chip.candidate.name,
        "part": None if identity is None else identity.part,
        "note": (identity.note or None) if identity is not None else None,
        "may_be": [kind.name for kind in finding.may_be],
        "others": list(finding.others),
        "asked": [
            {"driver": entry.candidate.name, "verdict": entry.verdict.value, "reason": entry.reason or None}
            for entry in finding.asked
        ],
    }
