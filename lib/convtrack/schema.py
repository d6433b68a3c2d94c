"""The contract of every table: its columns, their types and units, and what may be missing.

Written once, in `tables.yaml`. Validation, the data dictionary and the mapping of a stranger's columns all read it from here.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pandas as pd
import yaml
from pydantic import BaseModel, ConfigDict

if TYPE_CHECKING:
    import pandera.pandas as pa  # half a second, so that it is loaded where a table is checked

Kind = Literal["id", "text", "time", "date", "money", "amount", "count", "flag"]
MUST_NOT_BE_NEGATIVE: tuple[Kind, ...] = ("money", "count")
REPEATED = "already used in an earlier row"
# what happens off the site, and the interaction that it is: known by name where no column `interaction` says so
OFF_SITE_INTERACTIONS = {"ad_impression": "view", "email_delivered": "delivery", "email_open": "open", "sms_delivered": "delivery"}
OFF_SITE_EVENTS = tuple(OFF_SITE_INTERACTIONS)

PAGE_HEAD = """\
# Data dictionary

Times are in UTC with microseconds, money in the row's currency, ids are text. This page is made by
`python -m convtrack.schema docs/data_dictionary.md` from `lib/convtrack/tables.yaml`.
"""


class Column(BaseModel):
    """One column: its name, kind, meaning, whether every row must have it and have its own, and what it may hold."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    kind: Kind
    meaning: str
    required: bool = False
    unique: bool = False
    allowed: tuple[str, ...] = ()


def _read_tables() -> dict[str, tuple[Column, ...]]:
    text = resources.files("convtrack").joinpath("tables.yaml").read_text(encoding="utf-8")
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # ten times as fast, where it was compiled
    return {table: tuple(Column(name=name, **said) for name, said in columns.items())
            for table, columns in yaml.load(text, loader).items()}


TABLES = _read_tables()
INTERACTIONS = next(column.allowed for column in TABLES["events"] if column.name == "interaction")


def column_names(table: str) -> list[str]:
    """The names of a table's columns, in the order of its contract.

    >>> column_names("visitors")
    ['visitor_id', 'user_id']
    """
    return [column.name for column in TABLES[table]]


def dictionary(table: str) -> pd.DataFrame:
    """The data dictionary of a table: one row a column, with kind, whether it is required, and meaning.

    >>> dictionary("visitors").loc["visitor_id", "kind"]
    'id'
    """
    rows = [(c.name, c.kind, "yes" if c.required else "no", c.meaning) for c in TABLES[table]]
    return pd.DataFrame(rows, columns=["column", "kind", "required", "meaning"]).set_index("column")


def rules(column: Column) -> dict[str, Callable[[Any], Any]]:
    """What a cell of the column must not be: the reason, and the expression that finds it, in pandas and in Ibis alike.

    >>> broken = rules(Column(name="cost", kind="money", meaning="", required=True))
    >>> {reason: is_broken(pd.Series([2.0, -1.0, None])).tolist() for reason, is_broken in broken.items()}
    {'missing': [False, False, True], 'negative': [False, True, False]}
    """
    among = "not one of " + ", ".join(column.allowed)
    every = [(column.required, "missing", lambda cells: cells.isnull()),
             (column.kind in MUST_NOT_BE_NEGATIVE, "negative", lambda cells: cells < 0),
             (column.allowed, among, lambda cells: cells.notnull() & ~cells.isin(column.allowed))]
    return {reason: is_broken for is_asked, reason, is_broken in every if is_asked}


def _checks(column: Column) -> list[pa.Check]:
    """The rules of a column as pandera's checks, each called by what it finds; which of several rows is the first, pandas knows."""
    import pandera.pandas as pa

    broken = rules(column) | ({REPEATED: lambda cells: cells.duplicated() & cells.notnull()} if column.unique else {})
    return [pa.Check(lambda cells, is_broken=is_broken: ~is_broken(cells), ignore_na=False, error=reason)
            for reason, is_broken in broken.items()]


def contract(table: str, columns: pd.Index | None = None) -> pa.DataFrameSchema:
    """The contract of a table as a pandera schema, for the columns that are there.

    >>> sorted(contract("visitors").columns)
    ['user_id', 'visitor_id']
    """
    import pandera.pandas as pa

    present = [c for c in TABLES[table] if columns is None or c.name in columns]
    return pa.DataFrameSchema({c.name: pa.Column(nullable=True, checks=_checks(c)) for c in present})


def _failures(frame: pd.DataFrame, table: str) -> pd.DataFrame:
    from pandera.errors import SchemaErrors

    try:
        contract(table, frame.columns).validate(frame, lazy=True)
    except SchemaErrors as errors:
        found = errors.failure_cases
        return pd.DataFrame({"row": found["index"], "reason": found["column"] + ": " + found["check"].astype("str")})
    return pd.DataFrame({"row": [], "reason": []})


def validate(frame: pd.DataFrame, table: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The rows that keep the contract, and the others with a column `reason`; together, every row once.

    Parameters
    ----------
    frame : DataFrame
        A table with typed columns and a unique index (the row numbers of its file).
    table : str
        Which contract: a key of `TABLES`.

    Returns
    -------
    (good, quarantined) : two DataFrames
        Both keep the index. All reasons of a row are joined with "; ".

    Examples
    --------
    >>> orders = pd.DataFrame({"transaction_id": ["t1", "t1"], "order_time": pd.to_datetime(["2026-01-05"] * 2, utc=True),
    ...                        "value": [9.5, -1.0], "status": ["paid", "paid"]}, index=[2, 3])
    >>> good, bad = validate(orders, "orders")
    >>> len(good), bad.loc[3, "reason"]
    (1, 'transaction_id: already used in an earlier row; value: negative')
    """
    failures = _failures(frame, table)
    if failures.empty:  # nearly every table: do not copy it
        return frame, frame.head(0).assign(reason=pd.Series(dtype="str"))
    reasons = failures.groupby("row")["reason"].agg(lambda r: "; ".join(dict.fromkeys(r)))
    is_bad = frame.index.isin(reasons.index)
    bad = frame[is_bad]
    return frame[~is_bad], bad.assign(reason=reasons.reindex(bad.index).astype("str"))


def dictionary_page() -> str:
    """The data dictionary of every table as a Markdown page."""
    return PAGE_HEAD + "".join(_page_section(table) for table in TABLES)


def _page_section(table: str) -> str:
    rows = [f"| `{row.Index}` | {row.kind} | {row.required} | {row.meaning} |\n" for row in dictionary(table).itertuples()]
    return f"\n## {table}\n\n| column | kind | required | meaning |\n|---|---|---|---|\n" + "".join(rows)


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(dictionary_page(), encoding="utf-8")
