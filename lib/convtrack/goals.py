"""From events to conversions: what counts, how often, and what it is worth."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict, Field

from .errors import ConvtrackError, nearest
from .gaps import passes_gaps
from .sessions import SESSION_KEY, moment_order

KINDS = {
    "site": "an action on the website",
    "ad": "an interaction with an advertisement",
    "opt_in": "an opt-in to messages",
    "app": "an install or an action in an app",
    "offline": "something that happens off the site and is booked later",
}
CONVERSION_COLUMNS = ["conversion_id", "goal", "visitor_id", "session_id", "conversion_time", "value", "currency",
                      "transaction_id", "event_id"]


class Goal(BaseModel):
    """What counts as one conversion; an entry under `goals:` in study.yaml.

    `event` is the event's name, and `where` may narrow it: {"interaction": "click"} takes the rows with that in that column.
    `value` is "column" (the event's own value), a number (each is worth that much), or "none" (worth is not known).
    `once_per` is what a visitor can convert once per: "event" (each counts), "session" or "visitor".
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    event: str
    kind: Literal["site", "ad", "opt_in", "app", "offline"]
    value: Literal["column", "none"] | Annotated[float, Field(ge=0, allow_inf_nan=False)]
    once_per: Literal["event", "session", "visitor"]
    where: dict[str, str] = {}
    why: str = ""


def goal_table(goals: Mapping[str, Goal]) -> pd.DataFrame:
    """The goals as a table, one row each: kind, event, what it is worth, how often it counts, and why it is tracked.

    >>> goal_table({"lead": Goal(event="lead_form", kind="site", value=40, once_per="visitor")})["once_per"].tolist()
    ['visitor']
    """
    rows = [{"goal": name, **goal.model_dump()} for name, goal in goals.items()]
    return pd.DataFrame(rows).set_index("goal")[["kind", "event", "value", "once_per", "why"]].astype({"value": "str"})


def kind_table(goals: Mapping[str, Goal]) -> pd.DataFrame:
    """The five kinds of conversion, and which goals are of each kind.

    >>> kind_table({"lead": Goal(event="lead_form", kind="site", value=40, once_per="visitor")})["goals"].tolist()
    ['lead', '', '', '', '']
    """
    named = {kind: ", ".join(name for name, goal in goals.items() if goal.kind == kind) for kind in KINDS}
    rows = [(kind, meaning, named[kind]) for kind, meaning in KINDS.items()]
    return pd.DataFrame(rows, columns=["kind", "what it is", "goals"]).set_index("kind")


@passes_gaps
def mark_conversions(events: pd.DataFrame, goals: Mapping[str, Goal]) -> pd.DataFrame:
    """Every firing of a goal's event, with its `status`: counted, test, repeat, or again.

    Parameters
    ----------
    events : DataFrame
        Table `events`.
    goals : mapping of str to Goal
        The goals by name.

    Returns
    -------
    DataFrame
        Columns of `conversions` and `status`. "test" is the shop's own traffic, "repeat" a transaction id that has
        been counted before (the page was loaded again), "again" a firing beyond the goal's `once_per`.

    Raises
    ------
    ConvtrackError
        If no event has the name that a goal asks for.

    Examples
    --------
    >>> events = pd.DataFrame({"event_id": ["a", "b"], "event_name": "purchase", "visitor_id": "v", "value": 9.0,
    ...     "transaction_id": "t1", "event_time": pd.to_datetime(["2026-01-05 10:00", "2026-01-05 10:05"], utc=True)})
    >>> goals = {"purchase": Goal(event="purchase", kind="site", value="column", once_per="event")}
    >>> mark_conversions(events, goals)["status"].tolist()
    ['counted', 'repeat']
    """
    ordered = events.iloc[np.lexsort([moment_order(events), events["event_time"].astype("int64")])]
    fired = [_firings(ordered, name, goal) for name, goal in goals.items()]
    return pd.concat(fired, ignore_index=True)


@passes_gaps
def find_conversions(events: pd.DataFrame, goals: Mapping[str, Goal]) -> pd.DataFrame:
    """The conversions: one row for each firing that counts. See `mark_conversions` for what does not, and why.

    >>> events = pd.DataFrame({"event_id": ["a"], "event_name": ["lead_form"], "visitor_id": ["v"],
    ...                        "event_time": pd.to_datetime(["2026-01-05 10:00"], utc=True)})
    >>> goals = {"lead": Goal(event="lead_form", kind="site", value=40, once_per="visitor")}
    >>> find_conversions(events, goals)[["goal", "value"]].values.tolist()
    [['lead', 40.0]]
    """
    marked = mark_conversions(events, goals)
    return marked.loc[marked["status"] == "counted", CONVERSION_COLUMNS].reset_index(drop=True)


@passes_gaps
def count_firings(events: pd.DataFrame, goals: Mapping[str, Goal]) -> pd.DataFrame:
    """Firings by goal and status: fired = counted + test + repeat + again, for each goal."""
    marked = mark_conversions(events, goals)
    counts = pd.crosstab(marked["goal"], marked["status"])
    counts = counts.reindex(index=list(goals), columns=["counted", "test", "repeat", "again"], fill_value=0)
    return counts.rename_axis(columns=None).assign(fired=counts.sum(axis=1))[["fired", *counts.columns]]


def _firings(events: pd.DataFrame, name: str, goal: Goal) -> pd.DataFrame:
    rows = _matching(events, name, goal)
    optional = {c: rows.get(c) for c in ("session_id", "currency", "transaction_id")}
    table = pd.DataFrame({"conversion_id": name + ":" + rows["event_id"], "goal": name, "visitor_id": rows["visitor_id"],
                          "conversion_time": rows["event_time"], "value": _worth(rows, goal),
                          "event_id": rows["event_id"], **optional})
    table["status"] = _status(rows, table, goal)
    return table[[*CONVERSION_COLUMNS, "status"]]


def _matching(events: pd.DataFrame, name: str, goal: Goal) -> pd.DataFrame:
    rows = events[events["event_name"] == goal.event]
    if rows.empty:
        raise ConvtrackError(f"study.yaml, goals: {name}: no event is called '{goal.event}'."
                             f"{nearest(goal.event, events['event_name'].unique())}")
    for column, wanted in goal.where.items():
        if column not in rows:
            raise ConvtrackError(f"study.yaml, goals: {name}: where: the events have no column '{column}'."
                                 f"{nearest(column, rows.columns)}")
        rows = rows[rows[column] == wanted]
    return rows


def _worth(rows: pd.DataFrame, goal: Goal) -> pd.Series | float:
    if goal.value == "column":
        return rows["value"] if "value" in rows else float("nan")
    return float("nan") if goal.value == "none" else float(goal.value)


def _status(rows: pd.DataFrame, table: pd.DataFrame, goal: Goal) -> pd.Series:
    status = pd.Series("counted", index=rows.index, dtype="str")
    if "is_test" in rows:
        status[rows["is_test"].astype("boolean").fillna(False).astype(bool)] = "test"
    order = table["transaction_id"].where(status == "counted")
    status[order.notna() & order.duplicated()] = "repeat"
    if goal.once_per != "event":
        key = _once_key(table, goal).where(status == "counted")
        status[key.notna().all(axis=1) & key.duplicated()] = "again"
    return status


def _once_key(table: pd.DataFrame, goal: Goal) -> pd.DataFrame:
    if goal.once_per == "visitor":
        return table[["visitor_id"]]
    if table["session_id"].isna().all():
        raise ConvtrackError(f"study.yaml, goals: once_per: session needs session_id, which no '{goal.event}' event has. "
                             f"Write once_per: event or visitor.")
    return table[SESSION_KEY]
