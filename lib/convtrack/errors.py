"""The one kind of error that people see: a line that says where, what, and what to type next."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


MOST_LETTERS = 1_000
CONTROLS = dict.fromkeys([*range(32), *range(127, 160)], "?")


class ConvtrackError(Exception):
    """Something is wrong with the data, the study file or the command; the message is one line for people.

    A cell or a header in it may hold line breaks, codes that a terminal would obey, or a whole page.
    """

    def __init__(self, message: str) -> None:
        line = " ".join(message.splitlines()).translate(CONTROLS)
        half = MOST_LETTERS // 2
        super().__init__(line if len(line) <= MOST_LETTERS else f"{line[:half]} ... {line[-half:]}")


class Stopped(ConvtrackError):
    """A person stopped the work; the message says what is kept."""


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
