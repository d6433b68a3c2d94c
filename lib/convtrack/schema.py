"""The contract of every table: its columns, their types and units, and what may be missing.

Written once, here. Validation, the data dictionary and the mapping of a stranger's columns all read it.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pandas as pd
import pandera.pandas as pa
from pandera.errors import SchemaErrors

Kind = Literal["id", "text", "time", "date", "money", "amount", "count", "flag"]
INTERACTIONS = ("view", "click", "visit", "open", "delivery")
OFF_SITE_EVENTS = ("ad_impression", "email_delivered", "email_open", "sms_delivered")  # known by name where no `interaction` says so
ORDER_STATUSES = ("paid", "refunded", "cancelled", "test")


@dataclass(frozen=True)
class Column:
    """One column: its name, kind, meaning, and whether every row must have it."""

    name: str
    kind: Kind
    meaning: str
    required: bool = False
    unique: bool = False
    allowed: tuple[str, ...] = ()


def _must(name: str, kind: Kind, meaning: str, **more: Any) -> Column:
    return Column(name, kind, meaning, required=True, **more)


TABLES: dict[str, tuple[Column, ...]] = {
    "events": (
        _must("event_id", "id", "identifies the event; made from the row number where a file has none", unique=True),
        _must("event_name", "text", "what happened, in GA4's snake_case: session_start, add_to_cart, purchase"),
        _must("event_time", "time", "when it happened, by the visitor's clock"),
        Column("received_time", "time", "when the collector received it"),
        _must("visitor_id", "id", "the browser or device, as far as tracking can tell"),
        Column("user_id", "id", "the known customer, once signed in"),
        Column("session_id", "id", "the visit; derived from 30 minutes of silence where a file has none"),
        Column("page_url", "text", "the page on which it happened"),
        Column("referrer", "text", "the page that led here"),
        Column("utm_source", "text", "campaign tag: where the link stood"),
        Column("utm_medium", "text", "campaign tag: the kind of link"),
        Column("utm_campaign", "text", "campaign tag: which campaign"),
        Column("utm_content", "text", "campaign tag: which advertisement or link"),
        Column("utm_term", "text", "campaign tag: which search term"),
        Column("click_id", "id", "the advertising platform's own id of the click"),
        Column("channel", "text", "the marketing channel, on rows that begin a touch"),
        Column("campaign", "text", "the campaign within the channel"),
        Column("interaction", "text", "how the touch happened; missing on rows that are no touch",
               allowed=INTERACTIONS),
        Column("transaction_id", "id", "the order's number; the key for removing duplicates"),
        Column("value", "money", "what the event is worth, without tax and shipping, in `currency`"),
        Column("currency", "text", "three-letter code of `value`"),
        Column("device", "text", "mobile, desktop or tablet"),
        Column("browser", "text", "the browser's family"),
        Column("country", "text", "two-letter code of the country"),
        Column("consent", "text", "what the visitor allowed"),
        Column("is_test", "flag", "true for the shop's own test traffic"),
        Column("user_agent", "text", "what the browser said of itself"),
    ),
    "spend": (
        _must("date", "date", "the day, in the study's time zone"),
        _must("channel", "text", "the channel paid for"),
        Column("campaign", "text", "the campaign paid for"),
        Column("impressions", "count", "how often it was shown or sent"),
        Column("clicks", "count", "how often it was clicked, by the platform's count"),
        _must("cost", "money", "what was paid, in `currency`"),
        Column("currency", "text", "three-letter code of `cost`"),
    ),
    "orders": (
        _must("transaction_id", "id", "the order's number in the books", unique=True),
        _must("order_time", "time", "when the order was booked"),
        _must("value", "money", "what it is worth, without tax and shipping"),
        Column("currency", "text", "three-letter code of `value`"),
        _must("status", "text", "what became of it", allowed=ORDER_STATUSES),
    ),
    "platform_reports": (
        _must("date", "date", "the day on which the platform books the conversion"),
        _must("platform", "text", "the advertising platform"),
        Column("campaign", "text", "the campaign it credits"),
        _must("conversions", "count", "conversions that it claims"),
        Column("value", "money", "value that it claims"),
    ),
    "visitors": (
        _must("visitor_id", "id", "as in `events`", unique=True),
        Column("user_id", "id", "as in `events`"),
    ),
    "assignments": (
        _must("experiment", "text", "which experiment"),
        _must("visitor_id", "id", "who was assigned"),
        _must("arm", "text", "to which arm"),
        Column("assigned_time", "time", "when"),
    ),
    "truth": (
        _must("channel", "text", "the channel that is switched off"),
        _must("incremental_conversions", "amount", "expected conversions that would not have happened without it"),
        _must("incremental_value", "amount", "expected value that would not have come without it"),
    ),
}

MUST_NOT_BE_NEGATIVE: tuple[Kind, ...] = ("money", "count")


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


def _checks(column: Column) -> list[pa.Check]:
    checks = []
    if column.required:
        checks.append(pa.Check(lambda s: s.notna(), ignore_na=False, error="missing"))
    if column.kind in MUST_NOT_BE_NEGATIVE:
        checks.append(pa.Check.ge(0, error="negative"))
    if column.allowed:
        checks.append(pa.Check.isin(column.allowed, error="not one of " + ", ".join(column.allowed)))
    if column.unique:
        checks.append(pa.Check(lambda s: ~s.duplicated() | s.isna(), error="already used in an earlier row"))
    return checks


def contract(table: str, columns: pd.Index | None = None) -> pa.DataFrameSchema:
    """The contract of a table as a pandera schema, for the columns that are there.

    >>> sorted(contract("visitors").columns)
    ['user_id', 'visitor_id']
    """
    present = [c for c in TABLES[table] if columns is None or c.name in columns]
    return pa.DataFrameSchema({c.name: pa.Column(nullable=True, checks=_checks(c)) for c in present})


def _failures(frame: pd.DataFrame, table: str) -> pd.DataFrame:
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
    lines = ["# Data dictionary", "", "Times are in UTC with microseconds, money in the row's currency, ids are text. This page is made by",
             "`python -m convtrack.schema docs/data_dictionary.md` from `lib/convtrack/schema.py`."]
    for table in TABLES:
        lines += ["", f"## {table}", "", "| column | kind | required | meaning |", "|---|---|---|---|"]
        lines += [f"| `{row.Index}` | {row.kind} | {row.required} | {row.meaning} |" for row in dictionary(table).itertuples()]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(dictionary_page(), encoding="utf-8")
