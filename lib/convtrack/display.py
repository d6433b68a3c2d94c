"""How a notebook shows tables, sentences and gaps: takes one of these and displays it, readable, safe, the same each time.

Everything leaves through `emit` as a bundle of several forms of one thing (HTML for eyes, text for comparison and
for screen readers, CSV for the report), and every text that came with the data is escaped on the way. How a single
value is written is the business of `texts`; figures are that of `plots`.
"""

from __future__ import annotations

import csv
import datetime
import io
import math
import re
import string
from collections.abc import Mapping, Sequence
from decimal import Decimal
from numbers import Real
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from IPython import display as notebook
from IPython.core.interactiveshell import InteractiveShell

from convtrack.gaps import GAP_MARK, Gap, gap_of
from convtrack.texts import (
    MISSING, NOISE, clean, csv_text, currency_digits, fmt, html_text, is_list, is_missing, is_number, joined, kind_of, listed,
    markdown_text, places,
)

NOT_ENOUGH = Gap("There is not enough data for the number that belongs here.")
_LONGEST_TEXT = 170  # room for two sentences, such as what a metric misleads about

# ----------------------------------------------------------------------------------------------------- tables


class _Column(NamedTuple):
    name: str
    texts: list[str]
    side: str  # "right" for numbers, "left" for the others
    heading: bool


class _Page(NamedTuple):
    """What a reader sees of a table: a sentence, a caption, the columns with so many rows, and notes below."""

    sentence: str
    caption: str
    columns: list[_Column]
    rows: int
    notes: list[str]


def show(table: Any, name: str = "", caption: str = "", rows: int = 10, kinds: Mapping[str, str] | None = None) -> None:
    """Nothing; displays `table` as HTML, aligned text and CSV (all rows, 10 significant digits).

    Parameters
    ----------
    table : DataFrame, Series, Gap, or a result with `.table` and `.sentence`
        A gap is shown as its sentence; a result as its sentence above its table.
    name : str
        What a report calls the CSV file.
    caption : str
        A line above the table.
    rows : int
        A table with more than twice as many rows shows this many, and says of how many.
    kinds : mapping of column to {"", "share", "money"}, optional
        Where the name of a column does not tell what its numbers are (see `kind_of`). Money has the decimals of the
        currency that the table's column `currency` names in its row, else two.

    Raises
    ------
    TypeError
        If `table` is nothing that has rows.

    Examples
    --------
    >>> show(pd.DataFrame({"channel": ["Email", "<b>"], "visits": [1200, 7], "visit_share": [0.031, 0.2]}))
    channel  visits  visit_share
    Email     1,200         3.1%
    <b>           7        20.0%
    """
    frame = frame_of(table)
    if isinstance(frame, Gap):
        return show_gap(frame)
    sentence = "" if isinstance(table, pd.DataFrame | pd.Series) else str(getattr(table, "sentence", ""))
    shown = frame if len(frame) <= 2 * rows else frame.head(rows)
    page = _Page(sentence, caption, _columns(shown, kinds or {}), len(shown), _notes(frame, shown))
    emit({"text/html": _html(page), "text/plain": _plain(page), "text/csv": csv_of(frame)}, {"text/csv": {"name": name}})


def csv_of(table: pd.DataFrame) -> str:
    """`table` as CSV: every row, 10 significant digits, paths joined by " > ", no cell that would run.

    >>> csv_of(pd.DataFrame({"path": [["Email", "SMS"]], "share": [1 / 3], "note": ["=1+1"]}))
    "path,share,note\\nEmail > SMS,0.3333333333,'=1+1\\n"
    """
    out = io.StringIO()
    columns = [map(_csv_cell, [name, *values]) for name, values, _ in _series(table)]
    csv.writer(out, lineterminator="\n").writerows(zip(*columns, strict=True))
    return out.getvalue()


def frame_of(thing: Any, unnamed: str = "") -> pd.DataFrame | Gap:
    """The table in a DataFrame, a Series or a result with `.table`.

    The column of a Series without a name is called `unnamed`. A gap is given back. Raises a TypeError if there is no table.

    >>> frame_of(pd.Series([1, 2]), "value").columns.tolist()
    ['value']
    """
    if isinstance(thing, pd.Series):
        return thing.to_frame(unnamed if thing.name is None else thing.name)
    if isinstance(thing, pd.DataFrame | Gap):
        return thing
    if not hasattr(thing, "table"):
        raise TypeError(f"This takes a table, not {type(thing).__name__}. A sentence goes to say().")
    return frame_of(thing.table, unnamed)


def _series(table: pd.DataFrame) -> list[tuple[str, pd.Series, bool]]:
    """Name, values and "is a row heading" of every column, those of the index first unless it only counts."""
    levels = 0 if isinstance(table.index, pd.RangeIndex) else table.index.nlevels
    headings = [table.index.get_level_values(level) for level in range(levels)]
    named = [("" if level.name is None else str(level.name), level.to_series(), True) for level in headings]
    return named + [(_header(name), table.iloc[:, i], False) for i, name in enumerate(table.columns)]


def _header(name: Any) -> str:
    if isinstance(name, tuple):
        return " ".join(_header(part) for part in name)
    return str(name) if isinstance(name, Real | str) else fmt(name)


def _columns(table: pd.DataFrame, kinds: Mapping[str, str]) -> list[_Column]:
    digits = [currency_digits(code) for code in table["currency"]] if "currency" in table else [2] * len(table)
    return [_column(name, values, kinds.get(name, kind_of(name)), heading, digits) for name, values, heading in _series(table)]


def _column(name: str, values: pd.Series, kind: str, heading: bool, digits: list[int]) -> _Column:
    """A column as texts; `digits` are the decimals of money in each row."""
    present = [value for value in values if not is_missing(value)]
    numeric = bool(present) and all(map(is_number, present))
    decimals = digits if kind == "money" else [places(present, kind) if numeric else None] * len(values)
    texts = [_cut(fmt(value, kind, count if numeric else None)) for value, count in zip(values, decimals, strict=True)]
    return _Column(name, texts, "right" if numeric else "left", heading)


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST_TEXT else text[: _LONGEST_TEXT - 1] + "…"


def _notes(table: pd.DataFrame, shown: pd.DataFrame) -> list[str]:
    """What stands below the table: how much of it is shown, and why some cells are empty."""
    gaps = {cell.sentence for _, values, _ in _series(shown) for cell in values if isinstance(cell, Gap)}
    count = [] if len(shown) == len(table) > 0 else [f"{fmt(len(shown))} of {fmt(len(table))} rows"]
    return (count if len(table) else ["0 rows"]) + [f"{MISSING} {gap}" for gap in sorted(gaps)]


def _html(page: _Page) -> str:
    sentence = f"<p>{html_text(page.sentence)}</p>\n" if page.sentence else ""
    caption = f'<caption style="caption-side: top; text-align: left">{html_text(page.caption)}</caption>'
    head = "".join(_html_cell("th", "col", column, column.name) for column in page.columns)
    rows = ("".join(_html_body_cell(column, row) for column in page.columns) for row in range(page.rows))
    body = "".join(f"<tr>{cells}</tr>\n" for cells in rows)
    notes = "".join(f"<p><small>{html_text(note)}</small></p>\n" for note in page.notes)
    table = (f'<table class="dataframe">{caption if page.caption else ""}\n<thead><tr>{head}</tr></thead>\n'
             f"<tbody>\n{body}</tbody></table>")
    return f'<div style="overflow-x: auto">\n{sentence}{table}\n{notes}</div>'


def _html_body_cell(column: _Column, row: int) -> str:
    return _html_cell(*("th", "row") if column.heading else ("td", ""), column, column.texts[row])


def _html_cell(tag: str, scope: str, column: _Column, text: str) -> str:
    scoped = f' scope="{scope}"' if scope else ""
    return f'<{tag}{scoped} style="text-align: {column.side}">{html_text(text)}</{tag}>'


def _plain(page: _Page) -> str:
    above = [clean(text) for text in (page.sentence, page.caption) if text]
    lines = ["  ".join(cells).rstrip() for cells in zip(*map(_aligned, page.columns), strict=True)]
    return "\n".join([*above, *lines, *map(clean, page.notes)])


def _aligned(column: _Column) -> list[str]:
    cells = [clean(column.name), *column.texts]
    width = max(map(len, cells))
    return [cell.rjust(width) if column.side == "right" else cell.ljust(width) for cell in cells]


def _csv_cell(value: Any) -> str:
    if is_missing(value):
        return ""
    if isinstance(value, bool | np.bool_ | int | np.integer):
        return str(value)
    if isinstance(value, Real | Decimal):
        return f"{0.0 if abs(value) < NOISE else float(value):.10g}"
    if isinstance(value, datetime.date):
        return value.isoformat()
    text = csv_text(joined(value, " > ") if is_list(value) else str(value))
    return text.replace("\r\n", "\n").replace("\r", "\n")  # one kind of line end, which the CSV writer knows to quote


# -------------------------------------------------------------------------------------------- sentences, gaps


def say(template: str, /, **values: Any) -> None:
    """Nothing; displays `template` as Markdown, with its fields filled from `values`.

    A gap among the values, or a number that is missing or not finite, is shown as a gap in place of the
    sentence: a sentence never carries a number that the data cannot support.

    Parameters
    ----------
    template : str
        Markdown of the author, with `{name}`, `{name:,.1f}`, `{table.column}` or `{row[column]}` in it.
        A field without a format is written by `fmt`; `{names:words}` lists names in words.
    values
        What the fields are filled with. Text is escaped; the template is not.

    Raises
    ------
    KeyError
        If a field has no value.

    Examples
    --------
    >>> say("**{channel}** brought {n} conversions, {share:.0%}.", channel="Email", n=1200, share=0.31)
    **Email** brought 1,200 conversions, 31%.
    >>> say("They agree: {models:words}.", models=["last_touch", "markov"])
    They agree: last touch and Markov.
    >>> say("Each cost {cost} pounds.", cost=Gap("There is no spend table."))
    > **Not in this data.** There is no spend table.
    """
    marked, read = _Sentence(markdown_text), _Sentence(clean)
    texts = marked.vformat(template, (), values), read.vformat(template, (), values)
    gap = gap_of(*values.values(), *read.gaps)
    if gap is None and GAP_MARK in texts[1]:  # a gap that was made into text before it came here
        gap = NOT_ENOUGH
    if gap is not None:
        return show_gap(gap)
    emit({"text/markdown": texts[0], "text/plain": texts[1]})


class _Sentence(string.Formatter):
    """Fills a template; keeps the gaps that it met."""

    def __init__(self, escape: Any) -> None:
        self.escape, self.gaps = escape, list[Gap]()

    def get_value(self, key: int | str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        if key not in kwargs:
            raise KeyError(f"The sentence has a field {{{key}}}, and no value was given for it.")
        return kwargs[str(key)]

    def get_field(self, field_name: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        if "._" in field_name:
            raise KeyError(f"The field {{{field_name}}} is private.")
        return super().get_field(field_name, args, kwargs)

    def format_field(self, value: Any, format_spec: str) -> str:
        if is_missing(value) or (is_number(value) and not math.isfinite(value)):
            self.gaps.append(value if isinstance(value, Gap) else NOT_ENOUGH)
            return GAP_MARK
        text = listed(value) if format_spec == "words" else format(value, format_spec) if format_spec else fmt(value)
        return re.sub(r"^-(?=[0.,]*%?$)", "", text) if is_number(value) else self.escape(text)  # no negative zero


def show_gap(gap: Gap) -> None:
    """Nothing; displays what is missing and what to do about it, as a note that a report can list.

    >>> show_gap(Gap("There is no spend table.", "Add `spend` to study.yaml."))
    > **Not in this data.** There is no spend table. Add `spend` to study.yaml.
    """
    start = "> **Not in this data.** "
    emit({"text/markdown": start + _around_code(gap.sentence), "text/plain": start + clean(gap.sentence)},
         {"convtrack": {"gap": gap.reason, "remedy": gap.remedy}})


def _around_code(text: str) -> str:
    """`text` escaped for Markdown except in `code`, which is literal already."""
    parts = re.split(r"(`[^`]+`)", clean(text))
    return "".join(part if i % 2 else markdown_text(part) for i, part in enumerate(parts))


def emit(forms: dict[str, str], metadata: dict[str, Any] | None = None) -> None:
    """Nothing; hands the forms of one thing, by media type, to the notebook; outside of one, prints the plain text."""
    if InteractiveShell.initialized():
        notebook.display(forms, raw=True, metadata=metadata or {})
    elif "text/plain" in forms:
        print(forms["text/plain"])
