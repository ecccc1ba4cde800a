"""From configured sensors to a bus with chips in software behind it.

``models.py`` tells which model stands in for which driver; third parties' models come by an entry point named like the
driver. Where there is none, the driver's own vectors are played.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from importlib.metadata import entry_points
from typing import Final, Literal, cast, overload

from sensor_gateway.model.clock import Clock
from sensor_gateway.model.driver_spec import BusKind
from sensor_gateway.model.errors import OperatorError, message_of
from sensor_gateway.sensing.plan import SensorPlan
from sensor_gateway.simulation.chips.chip import FilesModel, I2cModel, Mounting, SlaveModel, TalkerModel
from sensor_gateway.simulation.chips.vectors import VectorChip, VectorFiles, VectorSlave, VectorTalker
from sensor_gateway.simulation.device_files import Shelf, SimulatedFiles
from sensor_gateway.simulation.i2c_bus import SimulatedI2cBus, Socket
from sensor_gateway.simulation.models import MODELS, Model
from sensor_gateway.simulation.scenario import Scenario
from sensor_gateway.simulation.serial_line import SimulatedLine, WiredSlave, WiredTalker
from sensor_gateway.simulation.world import World

GROUP: Final = "sensor_gateway.chip_models"
"""Entry points: the driver's name, and an I2cModel, SlaveModel, TalkerModel or FilesModel as its bus kind asks for."""


class BrokenChipModel(OperatorError):
    """A third party's chip model that cannot be loaded."""


@overload
def simulated_bus(
    name: str,
    kind: Literal["i2c"],
    sensors: Sequence[SensorPlan],
    *,
    seed: int = 0,
    scenario: Scenario | None = None,
    clock: Clock,
) -> SimulatedI2cBus: ...


@overload
def simulated_bus(
    name: str,
    kind: Literal["serial"],
    sensors: Sequence[SensorPlan],
    *,
    seed: int = 0,
    scenario: Scenario | None = None,
    clock: Clock,
) -> SimulatedLine: ...


@overload
def simulated_bus(
    name: str,
    kind: Literal["linux"],
    sensors: Sequence[SensorPlan],
    *,
    seed: int = 0,
    scenario: Scenario | None = None,
    clock: Clock,
) -> SimulatedFiles: ...


def simulated_bus(
    name: str,
    kind: Literal["i2c", "serial", "linux"],
    sensors: Sequence[SensorPlan],
    *,
    seed: int = 0,
    scenario: Scenario | None = None,
    clock: Clock,
) -> SimulatedI2cBus | SimulatedLine | SimulatedFiles:
    """The bus of these sensors, whose time begins now. BrokenChipModel where a model cannot be loaded.

    A model that refuses its sensor's options (ValueError, KeyError) is a fault of the model.
    """
    world = World(seed=seed, scenario=scenario)
    faults = () if scenario is None else scenario.faults
    if kind == "i2c":
        i2c = SimulatedI2cBus(name, _sockets(world, sensors), clock=clock, faults=faults)
        i2c.sockets_of = partial(_sockets, world)
        return i2c
    if kind == "linux":
        files = SimulatedFiles(name, _shelves(world, sensors), clock=clock, faults=faults)
        files.shelves_of = partial(_shelves, world)
        return files
    slaves, talkers = _wired(world, sensors)
    line = SimulatedLine(name, slaves=slaves, talkers=talkers, clock=clock, faults=faults)
    line.wired_of = partial(_wired, world)
    return line


def has_model(driver: str) -> bool:
    """Whether a chip in software answers to this driver; where there is none, the driver's own vectors are played."""
    return driver in MODELS or bool(tuple(entry_points(group=GROUP, name=driver)))


def _sockets(world: World, plans: Sequence[SensorPlan]) -> list[Socket]:
    mountings = [_mounting(plan, world) for plan in plans]
    # A driver's bus kind tells which of the four kinds its model is; a third party's promises to keep to it.
    return [Socket(model=cast("I2cModel", _model(mounting, VectorChip)), mounting=mounting) for mounting in mountings]


def _shelves(world: World, plans: Sequence[SensorPlan]) -> list[Shelf]:
    mountings = [_mounting(plan, world) for plan in plans]
    # As above: the bus kind tells.
    return [Shelf(model=cast("FilesModel", _model(mounting, VectorFiles)), mounting=mounting) for mounting in mountings]


def _wired(world: World, plans: Sequence[SensorPlan]) -> tuple[list[WiredSlave], list[WiredTalker]]:
    mountings = [_mounting(plan, world) for plan in plans]
    return _slaves(mountings), _talkers(mountings)


def _mounting(plan: SensorPlan, world: World) -> Mounting:
    channels = [planned.source.channel for planned in plan.channels]
    return Mounting(
        sensor=plan.name,
        spec=plan.spec,
        variant=plan.variant,
        options=plan.options,
        address=plan.address,
        interval_s=plan.interval_s,
        courses={channel.name: world.course(plan.name, channel) for channel in channels},
    )


def _slaves(mountings: Sequence[Mounting]) -> list[WiredSlave]:
    """One slave for each unit, however many sensors read it."""
    units: dict[tuple[str, int], list[Mounting]] = {}
    for mounting in mountings:
        if mounting.spec.bus is BusKind.SERIAL_REQUEST:
            units.setdefault((mounting.spec.name, mounting.address), []).append(mounting)
    return [
        WiredSlave(
            # As above: the bus kind tells.
            device=cast("SlaveModel", _model(shared[0], VectorSlave))(shared),
            sensors=tuple(mounting.sensor for mounting in shared),
        )
        for shared in units.values()
    ]


def _talkers(mountings: Sequence[Mounting]) -> list[WiredTalker]:
    return [
        WiredTalker(
            # As above: the bus kind tells.
            device=cast("TalkerModel", _model(mounting, VectorTalker))(mounting),
            sensors=(mounting.sensor,),
        )
        for mounting in mountings
        if mounting.spec.bus is BusKind.SERIAL_STREAM
    ]


def _model(mounting: Mounting, stand_in: Model) -> Model:
    name = mounting.spec.name
    ours = MODELS.get(name)
    if ours is not None:
        return ours
    for found in entry_points(group=GROUP, name=name):
        try:
            loaded: Model = found.load()
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            why = f"{type(error).__name__}: {message_of(error)}"
            raise BrokenChipModel(f"the chip model {found.value} of driver {name} cannot be loaded: {why}") from error
        return loaded
    return stand_in
