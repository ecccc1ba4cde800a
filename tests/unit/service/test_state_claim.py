"""A state directory that cannot be used: what is said, and that there is still only one instance."""

from __future__ import annotations

import errno
import os
import pwd
from collections.abc import Callable
from pathlib import Path

import pytest

from sensor_gateway.outbox.files.locks import AlreadyRunning
from sensor_gateway.service.state_claim import claim_state


class Told:
    """A Log that remembers errors, and has no other."""

    def __init__(self) -> None:
        self.errors: list[tuple[str, dict[str, object]]] = []

    def debug(self, event: str, /, **facts: object) -> None: ...
    def info(self, event: str, /, **facts: object) -> None: ...
    def warning(self, event: str, /, **facts: object) -> None: ...
    def error(self, event: str, /, **facts: object) -> None:
        self.errors.append((event, facts))


def bar(monkeypatch: pytest.MonkeyPatch, directory: Path) -> None:
    """Nobody may write there; root, who runs the tests in places, may everywhere."""
    monkeypatch.setattr("os.access", lambda path, mode, **_: Path(path) != directory)


def stand_in_the_way(_monkeypatch: pytest.MonkeyPatch, directory: Path) -> None:
    directory.touch()


def test_a_directory_of_use_is_made_and_needs_no_claim(tmp_path: Path) -> None:
    told = Told()
    for _ in range(2):
        assert claim_state(tmp_path / "a" / "b", told) is None
    assert (tmp_path / "a" / "b").is_dir()
    assert told.errors == []


def test_each_directory_that_is_made_is_synced_by_name_and_none_that_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = Told()
    synced: list[Path] = []
    monkeypatch.setattr("os.fsync", lambda descriptor: synced.append(Path(f"/proc/self/fd/{descriptor}").readlink()))
    for _ in range(2):
        assert claim_state(tmp_path / "a" / "b" / "c", told) is None
    assert synced == [tmp_path, tmp_path / "a", tmp_path / "a" / "b"]
    assert told.errors == []


def test_a_directory_whose_name_the_medium_does_not_take_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_descriptor: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    told = Told()
    monkeypatch.setattr("os.fsync", fail)
    claim = claim_state(tmp_path / "state", told)
    assert claim is not None
    claim.close()
    ((_, facts),) = told.errors
    assert facts["reason"] == "Input/output error"


def test_no_permission_is_told_with_user_group_and_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told, state = Told(), tmp_path / "state"
    bar(monkeypatch, state)
    claim = claim_state(state, told)
    assert claim is not None
    claim.close()
    ((event, facts),) = told.errors
    assert (event, facts["directory"]) == ("state_directory_not_usable", str(state))
    me = pwd.getpwuid(os.geteuid()).pw_name
    assert str(facts["reason"]).startswith(f"Permission denied: {state} belongs to user {me} and group ")
    assert str(facts["reason"]).endswith(f", and this is user {me}")
    assert "--state-directory" in str(facts["mind"])


@pytest.mark.parametrize("spoil", [bar, stand_in_the_way])
def test_a_second_instance_is_refused_until_the_first_one_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spoil: Callable[[pytest.MonkeyPatch, Path], None]
) -> None:
    told, state = Told(), tmp_path / "state"
    spoil(monkeypatch, state)
    first = claim_state(state, told)
    assert first is not None
    with pytest.raises(AlreadyRunning, match="in use by another instance"):
        claim_state(state, told)
    monkeypatch.undo()
    state.unlink() if state.is_file() else None
    with pytest.raises(AlreadyRunning):
        claim_state(state, told)  # the first one may use it too by now, and holds no lock on it
    other = claim_state(tmp_path / "other", told)
    assert other is None
    first.close()
    assert claim_state(state, told) is None


def test_the_same_name_in_another_place_is_another_directory(tmp_path: Path) -> None:
    claims = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "state").touch()
        claims.append(claim_state(tmp_path / name / "state", Told()))
    assert None not in claims
    for claim in claims:
        if claim is not None:
            claim.close()
