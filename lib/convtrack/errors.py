"""The one kind of error that people see: a line that says where, what, and what to type next."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


class ConvtrackError(Exception):
    """Something is wrong with the data, the study file or the command; the message is one line for people."""

    def __init__(self, message: str) -> None:
        super().__init__(" ".join(message.splitlines()))  # a cell or a header may hold a line break


def nearest(word: str, choices: Iterable[str]) -> str:
    """" Closest: 'x'." for the choice most like `word`, or nothing if none is alike.

    >>> nearest("lookback_day", ["lookback_days", "top"])
    " Closest: 'lookback_days'."
    >>> nearest("zzz", ["lookback_days"])
    ''
    """
    names = {str(choice).casefold().replace("_", ""): str(choice) for choice in choices}
    match = get_close_matches(str(word).casefold().replace("_", ""), names, n=1, cutoff=0.6)
    return f" Closest: '{names[match[0]]}'." if match else ""
