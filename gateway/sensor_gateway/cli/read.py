"""``read``: sensors once, with everything that went over the wire."""

from __future__ import annotations

import argparse
import json
import os
import sys
from typing import TYPE_CHECKING

from sensor_gateway.cli.arguments import Subparsers, Unusable, add_config, load_or_complain

if TYPE_CHECKING:
    from sensor_gateway.sensing.once import OnceResult, Performed
    from sensor_gateway.sensing.plan import SensorPlan


def add(subparsers: Subparsers) -> None:
    """Add the subcommand."""
    parser = subparsers.add_parser(
        "read",
        help="read sensors once: raw bytes, values, timing",
        description="Reads each sensor once, without the daemon (stop it first: it owns the buses). "
        "Exit code 1 when one gave nothing.",
    )
    parser.add_argument("sensors", nargs="*", metavar="SENSOR", help="which ones, as the configuration names them")
    parser.add_argument("--all", action="store_true", help="every sensor of the configuration")
    parser.add_argument("--json", action="store_true", help="one JSON object per sensor")
    add_config(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Read; the exit code."""
    from sensor_gateway.sensing.catalogue import DriverCatalogue
    from sensor_gateway.sensing.once import read_once
    from sensor_gateway.service.buses import make_bus
    from sensor_gateway.service.plans import sensor_plans
    from sensor_gateway.service.system_clock import SystemClock

    catalogue, clock = DriverCatalogue(), SystemClock()
    try:
        configuration = load_or_complain(arguments.config, catalogue, needs_broker=False)
    except Unusable:
        return os.EX_CONFIG
    plans = {plan.name: plan for plan in sensor_plans(configuration, catalogue)}
    names = list(plans) if arguments.all else arguments.sensors
    unknown = [name for name in names if name not in plans]
    if unknown or not names:
        what = f"no such sensor: {unknown[0]}" if unknown else "name a sensor, or --all"
        print(f"{what}; the configuration has: {', '.join(plans) or 'none yet'}", file=sys.stderr)
        return os.EX_USAGE
    code = os.EX_OK
    for name in names:
        bus_name = configuration.sensors[name].bus
        on_bus = [plan for plan in plans.values() if configuration.sensors[plan.name].bus == bus_name]
        bus = make_bus(bus_name, configuration.buses[bus_name], on_bus, clock)
        result = read_once(bus, plans[name], clock)
        bus.close()
        if arguments.json:
            print(json.dumps(_facts(plans[name], result), ensure_ascii=False))
        else:
            _show(plans[name], result)
        if result.values is None:
            code = 1
    return code


def _show(plan: SensorPlan, result: OnceResult) -> None:
    part = f" ({result.identity.part})" if result.identity is not None else ""
    print(f"{plan.name}: {plan.variant}{part}, {result.duration_s * 1000:.1f} ms")
    if result.identity is not None and result.identity.note:
        print(f"  note       {result.identity.note}")
    for performed in result.operations:
        print(f"  {performed.elapsed_s * 1000:7.1f} ms {_described(performed)}")
    if result.values is None:
        print(f"  no value ({result.code}): {result.failure}")
        if result.trace:
            print(result.trace, file=sys.stderr)
        return
    for channel in plan.channels:
        quantity = channel.source.channel.quantity
        name = channel.source.channel.name
        shown = f"{result.values[name]:.6g} {quantity.unit}" if name in result.values else "not measured by this part"
        print(f"  {name:24} {shown}")


def _described(performed: Performed) -> str:
    from sensor_gateway.model.operations import Exchange, Read, Wait, Write, WriteRead

    match performed.operation:
        case Write(data=data):
            asked = f"write {data.hex(' ')}"
        case Read(count=count):
            asked = f"read {count}"
        case WriteRead(data=data, count=count):
            asked = f"write {data.hex(' ')}, read {count}"
        case Wait(seconds=seconds):
            asked = f"wait {seconds * 1000:g} ms"
        case Exchange(request=request):
            asked = f"send {request.hex(' ')}"
        case _:
            asked = "listen"
    answer = f" -> {performed.answer.hex(' ')}" if performed.answer else ""
    return f"{asked}{answer}{' -> ' + performed.error if performed.error else ''}"


def _facts(plan: SensorPlan, result: OnceResult) -> dict[str, object]:
    return {
        "sensor": plan.name,
        "driver": plan.variant,
        "part": None if result.identity is None else result.identity.part,
        "values": None if result.values is None else dict(result.values),
        "code": result.code,
        "failure": result.failure or None,
        "raw": result.raw.hex(" "),
        "operations": [_described(performed) for performed in result.operations],
        "duration_ms": round(result.duration_s * 1000, 3),
    }
