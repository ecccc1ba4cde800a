"""``read``: sensors once, with everything that went over the wire."""

from __future__ import annotations

import argparse
import errno
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from sensor_gateway.cli.arguments import (
    EX_FAILED,
    Subparsers,
    add_command,
    add_named_config,
    config_file,
    ended_by_ctrl_c,
    load_startable,
    say,
    unknown_name,
)

if TYPE_CHECKING:
    from sensor_gateway.model.errors import GatewayError
    from sensor_gateway.model.health import UnreadSensor
    from sensor_gateway.sensing.bus import Bus
    from sensor_gateway.sensing.once import OnceResult, Performed
    from sensor_gateway.sensing.plan import SensorPlan

_ABOUT = """\
Reads each sensor once, and shows the part that was found, every byte on the wire with its time, and the values as
the chip gives them (before filters). It does so without the daemon: stop that first, since it owns the buses.

  sensor-gateway read attic --config my.yaml
  sensor-gateway read --all --json --config my.yaml | jq .values

Exit code 1 when a sensor gave nothing, or something that cannot be; 75 when another process owns the bus, 77 when
the bus may not be used (the group to join is named), 78 when the configuration is wrong.
"""

_WORTH_SHOWING_S: Final = 0.0005
"""A pause between two operations that is at least as long was asked for by the driver."""


def add(subparsers: Subparsers) -> None:
    """Add the subcommand."""
    parser = add_command(subparsers, "read", summary="read sensors once: raw bytes, values, timing", about=_ABOUT)
    parser.add_argument(
        "words",
        nargs="*",
        metavar="SENSOR|FILE",
        help="which ones, as the configuration names them; what ends in .yaml or holds a / is the configuration file",
    )
    parser.add_argument("--all", action="store_true", help="every sensor of the configuration")
    parser.add_argument("--json", action="store_true", help="one JSON object per sensor")
    add_named_config(parser)
    parser.set_defaults(run=run)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One sensor's measurement as it is told: values rounded as in events, and what is wrong with them."""

    result: OnceResult
    values: Mapping[str, float]
    complaints: Mapping[str, str]


def run(arguments: argparse.Namespace) -> int:
    """Read; the exit code."""
    from sensor_gateway.sensing.catalogue import DriverCatalogue
    from sensor_gateway.service.buses import make_bus
    from sensor_gateway.service.plans import sensor_plans
    from sensor_gateway.service.system_clock import SystemClock

    catalogue, clock = DriverCatalogue(), SystemClock()
    files = [Path(word) for word in arguments.words if _is_file(word)]
    startable = load_startable(config_file(arguments, files), catalogue, needs_broker=False)
    configuration, unread = startable.configuration, {sensor.name: sensor for sensor in startable.unread}
    plans = {plan.name: plan for plan in sensor_plans(configuration, catalogue)}
    known = [*plans, *unread]
    names = list(known if arguments.all else dict.fromkeys(word for word in arguments.words if not _is_file(word)))
    unknown = [unknown_name("sensor", name, known) for name in names if name not in known]
    if unknown or not names:
        say("\n".join(unknown) or f"name a sensor, or --all (there are: {', '.join(known) or 'none yet'})")
        return os.EX_USAGE
    code = os.EX_OK
    for name in names:
        if name in unread:
            _tell_unread(unread[name], as_json=arguments.json)
            code = max(code, EX_FAILED)
            continue
        bus_name = configuration.sensors[name].bus
        on_bus = [plan for plan in plans.values() if configuration.sensors[plan.name].bus == bus_name]
        bus = make_bus(bus_name, configuration.buses[bus_name], on_bus, clock)
        with ended_by_ctrl_c():
            code = max(code, _read(bus, plans[name], as_json=arguments.json))
    return code


def _is_file(word: str) -> bool:
    """No name of a sensor holds a dot or a slash."""
    return "/" in word or word.endswith((".yaml", ".yml"))


def _read(bus: Bus, plan: SensorPlan, *, as_json: bool) -> int:
    from sensor_gateway.model.driver_spec import BusKind
    from sensor_gateway.model.errors import GatewayError
    from sensor_gateway.sensing.once import LISTEN_INTERVALS, read_once
    from sensor_gateway.service.system_clock import SystemClock

    if plan.spec.bus is BusKind.SERIAL_STREAM:
        say(f"{plan.name}: listening for up to {LISTEN_INTERVALS * plan.interval_s:g} s")
    code = os.EX_OK
    try:
        try:
            bus.open()
        except GatewayError as error:
            code = refusal_code(error)
        outcome = _judged(plan, read_once(bus, plan, SystemClock()))
    finally:
        bus.close()
    if as_json:
        print(json.dumps(_facts(plan, outcome), ensure_ascii=False))
    else:
        print("\n".join(_lines(plan, outcome)))
        if outcome.result.trace:
            say(outcome.result.trace)
    return max(code, EX_FAILED if outcome.result.values is None or outcome.complaints else os.EX_OK)


def _tell_unread(sensor: UnreadSensor, *, as_json: bool) -> None:
    """A sensor whose driver cannot be used gives nothing, and the others are read."""
    from sensor_gateway.model.reading import FailureCode

    failure = f"{sensor.reason} ({sensor.place})"
    if as_json:
        facts = {"sensor": sensor.name, "driver": sensor.driver, "values": None, "code": FailureCode.DRIVER_ERROR}
        print(json.dumps({**facts, "failure": failure}, ensure_ascii=False))
    else:
        print(f"{sensor.name}: {sensor.driver}\n  no value ({FailureCode.DRIVER_ERROR}): {failure}")


def refusal_code(error: GatewayError) -> int:
    """The exit code for a bus that cannot be opened."""
    from sensor_gateway.model.errors import OperatorError

    cause = error.__cause__
    if isinstance(error, OperatorError) and isinstance(cause, OSError):
        if cause.errno in (errno.EACCES, errno.EPERM):
            return os.EX_NOPERM
        if cause.errno in (errno.EBUSY, errno.EAGAIN):
            return os.EX_TEMPFAIL
    return EX_FAILED


def _judged(plan: SensorPlan, result: OnceResult) -> Outcome:
    """The values, judged as the daemon does."""
    from sensor_gateway.changes.grid import Grid
    from sensor_gateway.sensing.polling.verdicts import ChannelJudge

    values, complaints = {}, {}
    for channel in (planned.source.channel for planned in plan.channels):
        value = None if result.values is None else result.values.get(channel.name)
        if value is None:
            continue
        values[channel.name] = Grid(channel.resolution).rounded(value)
        judge = ChannelJudge(channel, power_on=plan.spec.power_on.get(channel.name), frozen_after=None)
        if judge.is_power_on(value):
            complaints[channel.name] = "what the chip shows before it has measured; the daemon would ask again"
        elif (complaint := judge.judge(value)) is not None:
            complaints[channel.name] = complaint.detail
    return Outcome(result=result, values=values, complaints=complaints)


def _lines(plan: SensorPlan, outcome: Outcome) -> Iterator[str]:
    from sensor_gateway.service.logs import escape

    result = outcome.result
    part = f" ({escape(result.identity.part)})" if result.identity is not None else ""
    yield f"{plan.name}: {plan.variant}{part}, {result.duration_s * 1000:.1f} ms"
    if result.identity is not None and result.identity.note:
        yield f"  note       {escape(result.identity.note)}"
    ready_s = 0.0
    for performed in result.operations:
        if performed.at_s - ready_s >= _WORTH_SHOWING_S:
            yield f"  {ready_s * 1000:8.1f} ms  wait {(performed.at_s - ready_s) * 1000:.1f} ms"
        yield f"  {performed.at_s * 1000:8.1f} ms  {escape(_described(performed))}"
        ready_s = performed.at_s + performed.elapsed_s
    if result.values is None:
        yield f"  no value ({result.code}): {escape(result.failure)}"
        return
    for channel in (planned.source.channel for planned in plan.channels):
        name = channel.name
        if name in outcome.values:
            remark = f"  {outcome.complaints[name]}" if name in outcome.complaints else ""
            yield f"  {name:24} {outcome.values[name]} {channel.quantity.unit}{remark}"
        else:
            yield f"  {name:24} not measured by this part"


def _described(performed: Performed) -> str:
    from sensor_gateway.model.operations import Exchange, Read, ReadFile, Write, WriteRead

    match performed.operation:
        case Write(data=data):
            asked = f"write {data.hex(' ')}"
        case Read(count=count):
            asked = f"read {count}"
        case WriteRead(data=data, count=count):
            asked = f"write {data.hex(' ')}, read {count}"
        case Exchange(request=request):
            asked = f"send {request.hex(' ')}"
        case ReadFile(device=device, name=name):
            shown = " | ".join(performed.answer.decode("utf-8", "replace").splitlines())
            return f"{device.name or device.path} {name} -> {performed.error or shown or 'nothing'}"
        case _:
            asked = "listen"
    answer = f" -> {performed.answer.hex(' ')}" if performed.answer else ""
    return f"{asked}{answer}{' -> ' + performed.error if performed.error else ''}"


def _facts(plan: SensorPlan, outcome: Outcome) -> dict[str, object]:
    result = outcome.result
    return {
        "sensor": plan.name,
        "driver": plan.variant,
        "part": None if result.identity is None else result.identity.part,
        "note": (result.identity.note or None) if result.identity is not None else None,
        "values": None if result.values is None else dict(outcome.values),
        "units": {planned.source.channel.name: planned.source.channel.quantity.unit for planned in plan.channels},
        "complaints": dict(outcome.complaints),
        "code": result.code,
        "failure": result.failure or None,
        "raw": result.raw.hex(" "),
        "operations": [
            {"at_ms": round(performed.at_s * 1000, 3), "what": _described(performed)} for performed in result.operations
        ],
        "duration_ms": round(result.duration_s * 1000, 3),
    }
