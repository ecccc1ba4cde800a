"""From the configuration to the desk where requests come in, or to none where nothing is allowed."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sensor_gateway.config.sections.broker import CommandsSection
from sensor_gateway.model.log import Log
from sensor_gateway.service.commands.desk import CommandDesk
from sensor_gateway.service.commands.judge import CommandLimits
from sensor_gateway.service.commands.log_level import LogLevelCommand
from sensor_gateway.service.commands.outcome import Command
from sensor_gateway.service.commands.reading import AskedBus, ReadCommand
from sensor_gateway.service.commands.reloading import ReloadCommand
from sensor_gateway.service.logs import AdjustableLog


def open_desk(
    section: CommandsSection, *, prefix: str, gateway: str, buses: Callable[[], Sequence[AskedBus]], log: Log
) -> CommandDesk | None:
    """The desk, or None: then nothing is subscribed to."""
    if not section.allow:
        return None
    limits = CommandLimits(
        prefix=prefix,
        gateway=gateway,
        allowed=tuple(dict.fromkeys(section.allow)),
        per_minute=section.per_minute,
        max_size=section.max_size,
    )
    leveled = log if isinstance(log, AdjustableLog) else AdjustableLog(log)
    commands: dict[str, Command] = {
        "read": ReadCommand(buses),
        "reload": ReloadCommand(),
        "log-level": LogLevelCommand(leveled),
    }
    return CommandDesk(limits, commands, log=log)
