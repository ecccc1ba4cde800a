"""A sentence that has to be short. Pure."""

from __future__ import annotations


def shortened(sentence: str, most: int) -> str:
    """At most so many characters (two or more): what is too long ends behind a word, with ``…`` to say so.

    A word that is longer than half of that is cut.
    """
    if len(sentence) <= most:
        return sentence
    words = sentence[:most].rpartition(" ")[0]
    return f"{(words if len(words) * 2 >= most else sentence[: most - 1]).rstrip(' ,;:(')}…"
