"""Cells that name somebody or something: their text as the source wrote it, and texts that stand where an id is missing."""

from __future__ import annotations

from collections.abc import Iterable
from importlib import resources

import pandas as pd

from .schema import TABLES

EXACT = 2**53  # from here on a float no longer tells two whole numbers apart
LOST = r"\d(?:[.,]\d+)?[eE]\+\d+"  # what a spreadsheet leaves of a long number
LOST_DIGITS = "a long number without its last digits; export it as text"
ZEROS = r"[0-]*0[0-]*"
NUMBERED_FROM_0 = ("event_id", "session_id")  # where 0 is a number like any other


def _read_placeholders() -> tuple[str, ...]:
    file = resources.files("convtrack").joinpath("placeholders.csv")
    with file.open(encoding="utf-8") as rows:
        return tuple(pd.read_csv(rows, dtype="str", keep_default_na=False)["text"])


PLACEHOLDERS = _read_placeholders()


def id_text(cells: pd.Series) -> pd.Series:
    """Ids as text, without the blanks around them; whole numbers without the point that a column with gaps gives them.

    A number that is too long for a float is not written out, because its last digits are lost.

    >>> id_text(pd.Series([1001.0, None])).tolist(), id_text(pd.Series(["0042", "7 "])).tolist()
    (['1001', nan], ['0042', '7'])
    >>> id_text(pd.Series([5e18, 1.0])).tolist()
    ['5e+18', '1']
    """
    if pd.api.types.is_float_dtype(cells):
        return _whole(cells)
    text = cells.astype("str").str.strip()
    filled = text[text != ""].dropna()
    pointed = filled.str.endswith(".0").any() and filled.str.fullmatch(r"\d+(?:\.0)?").all()
    return text.str.removesuffix(".0") if pointed else text


def _whole(cells: pd.Series) -> pd.Series:
    exact = cells.abs() < EXACT
    known = cells[exact]
    if (known % 1 != 0).any():
        return cells.astype("str")
    return known.astype("Int64").astype("str").reindex(cells.index).fillna(cells[~exact].astype("str"))


def is_lost(text: pd.Series) -> pd.Series:
    """Which ids are what a float or a spreadsheet left of a longer number.

    >>> is_lost(pd.Series(["1.23457E+19", "12e4", None])).tolist()
    [True, False, False]
    """
    return text.str.fullmatch(LOST, na=False)


def is_placeholder(text: pd.Series, column: str, words: Iterable[str] = PLACEHOLDERS) -> pd.Series:
    """Which ids of a column are none, but what a system writes where it has none.

    `words` are compared without regard to case; "0" among them stands for every text of zeros and hyphens, but not in
    the columns that some systems number from 0: event_id and session_id.

    >>> is_placeholder(pd.Series(["(Not Set)", "0000-00", "4711", "u0"]), "visitor_id").tolist()
    [True, True, False, False]
    >>> is_placeholder(pd.Series(["0", "null"]), "session_id").tolist()
    [False, True]
    """
    known = {word.casefold() for word in words}
    found = text.str.casefold().isin(known - {"0"})
    return found | text.str.fullmatch(ZEROS, na=False) if "0" in known and column not in NUMBERED_FROM_0 else found


def id_columns(table: str) -> list[str]:
    """The columns of a table that hold ids.

    >>> id_columns("assignments")
    ['visitor_id']
    """
    return [column.name for column in TABLES[table] if column.kind == "id"]
