"""What was probably meant by a word that is none of ours: a typing error, or a neighbour's word."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from typing import Final

from sensor_gateway.config.values.foreign_words import ELSEWHERE, FOREIGN, FORMS, LATER

_WIRE: Final = re.compile(r"[-_](?:i2c|uart|serial|rtu)$")
_NO_DIGIT: Final = re.compile("[^0-9]")


def meant_by(key: str, known: Collection[str]) -> str | None:
    """The one of ``known`` that is most likely meant by ``key``, a neighbour's word or a typing error."""
    return foreign_key(key, known) or (None if key.lower() in ELSEWHERE else near_miss(key, known))


def foreign_key(key: str, known: Collection[str]) -> str | None:
    """The one of ``known`` that ``key`` is called by a neighbour."""
    return next((ours for ours in FOREIGN.get(key.lower(), ()) if ours in known), None)


def unknown_key(key: str, known: Collection[str], meant: str | None) -> str:
    """The sentence about a key that does not exist among ``known``, and for which ``meant`` may be meant."""
    if key in LATER:
        return f"`{key}` comes with a later release; remove it for now"
    if meant is None and key.lower() in ELSEWHERE:
        return f"there is no key `{key}`: {ELSEWHERE[key.lower()]}"
    form = FORMS.get(key.lower(), "")
    meant = form if meant and form.startswith(f"{meant}:") else meant
    return f"unknown key `{_cut(key)}`; {expectation(key, known, meant)}"


def expectation(word: str, known: Collection[str], meant: str | None = None) -> str:
    """``did you mean X``, where there is a near miss, else what can be written."""
    meant = meant or near_miss(word, known)
    if meant:
        return f"did you mean `{meant}`?"
    if not known:
        return "expected nothing here; remove it"
    return f"expected one of {listed(known)}"


def is_misspelt(key: str, meant: str) -> bool:
    """Whether ``key`` is ``meant`` with a typing error, so that the value behind it is one of ours."""
    return meant not in FOREIGN.get(key.lower(), ())


def near_miss(word: str, known: Iterable[str]) -> str | None:
    """The one of ``known`` that ``word`` is most like, if any is."""
    from difflib import get_close_matches  # noqa: PLC0415 - needed for faults only, and slow to import

    simple = {_simple(ours): ours for ours in known}
    written = _simple(word[:100])
    shuffled = next((ours for ours in simple if sorted(ours) == sorted(written)), None)
    found = [shuffled] if shuffled else get_close_matches(written, simple, n=1, cutoff=0.7)
    return simple[found[0]] if found else None


def chip_meant_by(word: str, known: Iterable[str]) -> str | None:
    """The driver of ``known`` that is meant by ``word``.

    Other digits are another chip, however alike the names are; the same ones in another order are a typing error.
    """
    plain = _WIRE.sub("", word.lower())
    digits = _NO_DIGIT.sub("", plain)
    names = list(known)
    shuffled = (name for name in names if sorted(_simple(name)) == sorted(_simple(plain)))
    return near_miss(plain, [name for name in names if _NO_DIGIT.sub("", name) == digits]) or next(shuffled, None)


def listed(words: Iterable[str], most: int = 24) -> str:
    """``a, b, c``, cut where there are too many to read."""
    names = list(words)
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def _simple(word: str) -> str:
    return word.lower().replace("-", "_")


def _cut(word: str, most: int = 60) -> str:
    return word if len(word) <= most else f"{word[:most]}..."
