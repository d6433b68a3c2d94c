"""The contract's rules as expressions, which any engine runs: what `sources` does with the rows of a file.

An engine's columns have types, so nothing is parsed here: a column whose type says less than the contract needs is refused by name.
"""

from __future__ import annotations

from collections.abc import Iterable

import ibis
import ibis.expr.types as ir
import pandas as pd

from .clocks import Clocks, latest_of_days
from .errors import ConvtrackError
from .id_cells import EXACT, LOST, LOST_DIGITS, NUMBERED_FROM_0, ZEROS
from .schema import REPEATED, TABLES, Column, rules
from .sources import TRUTHS, TableSource

SPACES = "\t\n\x0b\x0c\r\x1c\x1d\x1e\x1f \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"  # what Python takes off a text
AROUND = f"^[{SPACES}]+|[{SPACES}]+$"
COLUMNS = {column.name: column for column in TABLES["events"]}
AS_A_FILE = "Export the rows and leave out connection:, or give the column that type there"


def cleaned(rows: ir.Table, source: TableSource, placeholders: Iterable[str]) -> ir.Table:
    """The events with their cells as the contract has them, and a column `unread`: why a cell could not be, or "".

    Text has no blanks around it, and is missing where nothing is left; so is an id that is a placeholder. `values` of the study
    file have replaced the source's spellings.

    Raises
    ------
    ConvtrackError
        If the type of a column is one of which the contract's cannot be made without guessing.
    """
    there = [COLUMNS[name] for name in COLUMNS if name in rows.columns]
    for column in there:
        _check_type(rows[column.name], column, source)
    texts = [column.name for column in there if column.kind in ("id", "text", "flag") and not rows[column.name].type().is_boolean()]
    rows = rows.mutate(**{name: _written(rows, name, source) for name in texts if not rows[name].type().is_string()})
    untidy = _which(rows, {name: rows[name].re_search(f"{AROUND}|^$") for name in texts})
    rows = rows.mutate(**{name: rows[name].re_replace(AROUND, "").nullif("") for name in untidy})
    rows = rows.mutate(**{name: _respelled(rows[name], spellings) for name, spellings in source.values.items() if spellings})
    ids = [column.name for column in there if column.kind == "id"]
    rows = rows.mutate(**{name: rows[name].re_replace(r"\.0$", "") for name in _pointed(rows, ids)})
    words = {word.casefold() for word in placeholders}
    none = _which(rows, {name: _is_placeholder(rows[name], name, words) for name in ids})
    rows = rows.mutate(**{name: _is_placeholder(rows[name], name, words).ifelse(ibis.null("string"), rows[name]) for name in none})
    doubts = {column.name: _is_unread(rows[column.name], column) for column in there}
    unread = ibis.literal("")
    for name in _which(rows, {name: doubt for name, doubt in doubts.items() if doubt is not None}):
        unread = unread + _because(doubts[name], f"{name}: {_unread(COLUMNS[name])}")
    return rows.mutate(unread=unread, **{column.name: _typed(rows[column.name], column) for column in there})


def _which(rows: ir.Table, tests: dict[str, ir.Value]) -> list[str]:
    """The columns of which any cell passes its test: most data are clean, and need not be cleaned each time they are asked for."""
    if not tests:
        return []
    found = rows.agg(**{name: test.fill_null(False).any() for name, test in tests.items()}).to_pyarrow().to_pylist()[0]
    return [name for name in tests if found[name]]


def off_clock(rows: ir.Table, clocks: Clocks) -> ir.Value:
    """For each event, why its time cannot be, or ""; by the same days as for a file."""
    low, high = pd.Timestamp(clocks.earliest, tz="UTC"), latest_of_days(_days(rows, "event_time"), clocks, _days(rows, "received_time"))
    if pd.isna(high):
        return ibis.literal("")
    time = rows.event_time
    return _because((time < ibis.literal(low)) | (time > ibis.literal(high)), f"event_time: {clocks.reason(high)}")


def broken(rows: ir.Table) -> ir.Value:
    """For each event, which rules of the contract it breaks, or "". Of events with one id the earliest counts."""
    reason: ir.Value = ibis.literal("")
    for column in (COLUMNS[name] for name in COLUMNS if name in rows.columns):
        cell = rows[column.name]
        for why, is_broken in rules(column).items():
            reason = reason + _because(is_broken(cell), f"{column.name}: {why}")
        if column.unique and _repeats(cell):
            reason = reason + _because(_is_repeated(rows, column.name), f"{column.name}: {REPEATED}")
    return reason


def _repeats(cells: ir.Value) -> bool:
    """Whether any is there twice: nearly always none, and then no engine need sort them all."""
    found = cells.as_table().agg(all=cells.count(), different=cells.nunique()).to_pyarrow().to_pylist()[0]
    return found["all"] != found["different"]


def _is_repeated(rows: ir.Table, name: str) -> ir.Value:
    rest = [rows[column] for column in COLUMNS if column in rows.columns and column not in (name, "event_time")]
    same = ibis.window(group_by=rows[name], order_by=[rows.event_time, *rest])
    return rows[name].notnull() & (ibis.row_number().over(same) > 0)


def _because(is_so: ir.Value, reason: str) -> ir.Value:
    return is_so.fill_null(False).ifelse(f"{reason}; ", "")


def _check_type(cells: ir.Value, column: Column, source: TableSource) -> None:
    kind, needed = cells.type(), {"time": "a timestamp", "money": "a number", "flag": "true or false, or text"}.get(column.kind, "text")
    fits = {"time": kind.is_timestamp(), "money": kind.is_numeric() and not kind.is_boolean(),
            "flag": kind.is_boolean() or kind.is_string() or kind.is_integer()}.get(
                column.kind, kind.is_string() or kind.is_integer() or kind.is_floating() or kind.is_uuid())
    if not fits:
        raise ConvtrackError(f"{source.label}, column {column.name} is {kind} in the engine, and must be {needed}. {AS_A_FILE}.")
    if column.name in source.values and not kind.is_string():
        raise ConvtrackError(f"study.yaml, values: '{column.name}' is {kind} in the engine, and not text. {AS_A_FILE}.")


def _written(rows: ir.Table, name: str, source: TableSource) -> ir.Value:
    """A column as text; whole floats as whole numbers, others are refused."""
    cells = rows[name]
    if not cells.type().is_floating():
        return cells.cast("string")
    whole = ((cells == cells.floor()) & (cells.abs() < EXACT)) | cells.isnan()
    if not bool(rows.agg(all=whole.fill_null(True).all()).to_pyarrow().to_pylist()[0]["all"] in (True, None)):
        raise ConvtrackError(f"{source.label}, column {name} has floats that are not whole, or too long to be exact. {AS_A_FILE}.")
    return cells.isnan().ifelse(ibis.null("string"), cells.cast("int64").cast("string"))


def _respelled(cells: ir.Value, spellings: dict[str, str]) -> ir.Value:
    """Our spelling of each; one that is mapped to nothing is missing."""
    return cells.cases(*spellings.items(), else_=cells).nullif("")


def _pointed(rows: ir.Table, names: list[str]) -> list[str]:
    """The columns of which every id is a whole number and some have the point of a float."""
    some = {f"some {name}": rows[name].endswith(".0").any() for name in names}
    every = {f"all {name}": rows[name].re_search(r"^\d+(\.0)?$").all() for name in names}
    found = rows.agg(**some, **every).to_pyarrow().to_pylist()[0]
    return [name for name in names if found[f"some {name}"] and found[f"all {name}"]]


def _is_placeholder(cells: ir.Value, name: str, words: set[str]) -> ir.Value:
    found = cells.lower().isin(sorted(words - {"0"}) or [""])
    if "0" in words and name not in NUMBERED_FROM_0:
        found = found | cells.re_search(f"^(?:{ZEROS})$")
    return found.fill_null(False)


def _is_unread(cells: ir.Value, column: Column) -> ir.Value | None:
    """Whether a cell cannot be what its column holds; None where any can."""
    if column.kind == "id":
        return cells.re_search(f"^(?:{LOST})$")
    if column.kind == "flag" and cells.type().is_string():
        return cells.notnull() & cells.lower().notin(list(TRUTHS))
    if column.kind == "money" and cells.type().is_floating():
        return cells.isinf()
    return None


def _unread(column: Column) -> str:
    return {"id": LOST_DIGITS, "flag": "not true or false", "money": "not a number with decimal '.'"}.get(column.kind, "")


def _typed(cells: ir.Value, column: Column) -> ir.Value:
    if column.kind == "money":
        number = cells.cast("float64")
        return (number.isnan() | number.isinf()).ifelse(ibis.null("float64"), number)
    if column.name == "currency":
        return cells.upper()
    if column.kind == "flag" and cells.type().is_string():
        truths = [[word for word, is_true in TRUTHS.items() if is_true is wanted] for wanted in (True, False)]
        return ibis.cases((cells.lower().isin(truths[0]), True), (cells.lower().isin(truths[1]), False))
    return cells


def _days(rows: ir.Table, name: str) -> pd.DataFrame:
    """The days of a column of times, in order: its first and last time, and how many there are."""
    if name not in rows.columns:
        return pd.DataFrame({"first": [], "last": [], "count": []})
    time = rows[name]
    days = rows.filter(time.notnull()).group_by(day=time.truncate("D")).agg(first=time.min(), last=time.max(), count=time.count())
    table = days.to_pyarrow().to_pandas().sort_values("first", kind="stable", ignore_index=True)
    return table.assign(**{part: pd.to_datetime(table[part], utc=True) for part in ("first", "last")})
