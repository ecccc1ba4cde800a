"""Where things are kept: the state directory (survives a reboot) and the hot directory (survives the process)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Directories:
    """``hot`` is None where no directory is known to outlive the process."""

    state: Path
    hot: Path | None


def find_directories(environ: Mapping[str, str], *, state: Path | None, hot: Path | None) -> Directories:
    """What the command line or the file names, else what systemd gives, else the XDG state home.

    The runtime directory that a login session has is no hot directory: it does not outlive the session.
    """
    given_state = environ.get("STATE_DIRECTORY", "").partition(":")[0]
    given_hot = environ.get("RUNTIME_DIRECTORY", "").partition(":")[0]
    if state is None:
        home = environ.get("XDG_STATE_HOME") or str(Path(environ.get("HOME", "/var/lib")) / ".local" / "state")
        state = Path(given_state) if given_state else Path(home) / "sensor-gateway"
    if hot is None and given_hot:
        hot = Path(given_hot)
    return Directories(state=state, hot=hot)
