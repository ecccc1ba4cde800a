"""Judges what surrounds the gateway: versions, the systemd unit, the journal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from sensor_gateway.model.writing.figures import counted
from sensor_gateway.service.doctor.finding import Finding, advice, ok, unseen, wrong

_SETTLING: Final = frozenset({"activating", "deactivating", "reloading"})


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemFacts:
    """``unit``: what ``systemctl show`` says of the service, None where it cannot be asked.

    ``is_journal_kept``: whether the log outlives a restart of this computer; None where that is not known.
    """

    versions: Mapping[str, str]
    unit: Mapping[str, str] | None
    is_journal_kept: bool | None


def judge_system(system: SystemFacts) -> Iterator[Finding]:
    """One finding each."""
    yield ok("versions", ", ".join(f"{name} {version}" for name, version in system.versions.items()))
    yield _unit(system.unit)
    if system.is_journal_kept is not None:
        yield _journal(is_kept=system.is_journal_kept)


def _unit(unit: Mapping[str, str] | None) -> Finding:
    if unit is None:
        return unseen("service", "systemd cannot be asked here", "systemctl status sensor-gateway")
    if unit.get("LoadState") != "loaded":
        return advice(
            "service",
            "there is no systemd unit sensor-gateway: nothing starts the gateway after a restart of this computer",
            "systemctl list-unit-files 'sensor-gateway*'",
        )
    active, result = unit.get("ActiveState", ""), unit.get("Result", "")
    if active == "failed" or (active in _SETTLING and result not in ("", "success")):
        told = f"the service has failed ({result}, exit code {unit.get('ExecMainStatus', '?')})"
        return wrong("service", told, "journalctl -u sensor-gateway -n 50 --no-pager")
    if unit.get("UnitFileState") not in ("enabled", "enabled-runtime", "static"):
        return advice(
            "service", "the service does not start with this computer", "sudo systemctl enable --now sensor-gateway"
        )
    if active == "inactive":
        return wrong("service", "the service is stopped", "sudo systemctl start sensor-gateway")
    restarts = int(unit.get("NRestarts") or 0)
    again = "" if not restarts else f", restarted {counted(restarts, 'time')} since it was started"
    return ok("service", f"the service is {active}{again}")


def _journal(*, is_kept: bool) -> Finding:
    if is_kept:
        return ok("journal", "the log outlives a restart of this computer")
    return ok(
        "journal",
        "the log is in memory, and gone after a restart of this computer; that spares the card",
        "sudo mkdir -p /etc/systemd/journald.conf.d && printf '[Journal]\\nStorage=persistent\\n' "
        "| sudo tee /etc/systemd/journald.conf.d/90-keep.conf && sudo systemctl restart systemd-journald",
    )
