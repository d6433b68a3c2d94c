"""From events to conversions: what counts, how often, and what it is worth."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Annotated, Any, Literal

import numpy as np
import pandas as pd
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from .channels import channel_rules
from .errors import ConvtrackError, nearest
from .gaps import passes_gaps
from .schema import TABLES
from .sessions import SESSION_KEY, moment_order, need_columns
from .sources import TRUTHS

KINDS = {
    "site": "an action on the website",
    "ad": "an interaction with an advertisement",
    "opt_in": "an opt-in to messages",
    "app": "an install or an action in an app",
    "offline": "something that happens off the site and is booked later",
}
CONVERSION_COLUMNS = ["conversion_id", "goal", "visitor_id", "session_id", "conversion_time", "value", "currency",
                      "transaction_id", "event_id"]
MISSING = -1  # the code of a cell in which nothing stands
VALUES_TO_COMPARE = 1_000  # the most frequent ones, when the nearest is looked for


def _as_written(value: Any) -> Any:
    """A value of YAML's as the text that it was written as: 20, true, 2026-01-05."""
    return str(value).lower() if isinstance(value, bool | int | float | dt.date) else value


class Goal(BaseModel):
    """What counts as one conversion; an entry under `goals:` in study.yaml.

    `event` is the event's name, and `where` may narrow it: {"interaction": "click"} takes the rows with that in that column,
    where a number or a flag is compared as one.
    `value` is "column" (the event's own value), a number (each is worth that much), "none" (worth is not known), or "refunded"
    (what came back of it; conversions of which nothing came back are left out).
    `once_per` is what a visitor can convert once per: "event" (each counts), "session" or "visitor".
    `refunds` says what becomes of a conversion whose order came back: "ignore" (it counts as it was), "subtract" (what came back
    is taken off its value, and where that was the whole it does not count), or "own goal" (it counts as it was, and a goal called
    after this one with "_refunds" at its end counts what came back).
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    event: str
    kind: Literal["site", "ad", "opt_in", "app", "offline"]
    value: Literal["column", "none", "refunded"] | Annotated[float, Field(ge=0, allow_inf_nan=False)]
    once_per: Literal["event", "session", "visitor"]
    where: dict[str, Annotated[str, BeforeValidator(_as_written)]] = {}
    refunds: Literal["ignore", "subtract", "own goal"] = "ignore"
    why: str = ""

    @model_validator(mode="after")
    def _counts_refunds_once(self) -> Goal:
        if self.refunds == "own goal" and self.value != "column":
            raise ValueError("refunds: own goal counts what came back of the event's own value, so it needs value: column")
        if self.value == "refunded" and self.refunds != "ignore":
            raise ValueError(f"value: refunded counts what came back, and refunds: {self.refunds} would count it again. Leave out one")
        return self


def with_own_goals(goals: Mapping[str, Goal]) -> dict[str, Goal]:
    """The goals, each followed by one that counts what came back of it, where its `refunds` asks for that.

    >>> sale = Goal(event="purchase", kind="site", value="column", once_per="event", refunds="own goal")
    >>> list(with_own_goals({"sale": sale}))
    ['sale', 'sale_refunds']

    Raises
    ------
    ConvtrackError
        If another goal has the name already.
    """
    found: dict[str, Goal] = {}
    for name, goal in goals.items():
        found[name] = goal
        if goal.refunds == "own goal":
            if f"{name}_refunds" in goals:
                raise ConvtrackError(f"study.yaml, goals: '{name}_refunds' is what `refunds: own goal` of {name} is called. Rename yours.")
            found[f"{name}_refunds"] = goal.model_copy(update={"value": "refunded", "refunds": "ignore", "why": "What came back."})
    return found


def goal_table(goals: Mapping[str, Goal]) -> pd.DataFrame:
    """The goals as a table, one row each: kind, event, what it is worth, how often it counts, and why it is tracked.

    >>> goal_table({"lead": Goal(event="lead_form", kind="site", value=40, once_per="visitor")})["once_per"].tolist()
    ['visitor']
    """
    rows = [{"goal": name, **goal.model_dump()} for name, goal in goals.items()]
    refunds = ["refunds"] if any(goal.refunds != "ignore" for goal in goals.values()) else []
    columns = ["kind", "event", "value", "once_per", *refunds, "why"]
    return pd.DataFrame(rows).set_index("goal")[columns].astype({"value": "str"})


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
    """Every firing of a goal's event, with its `status`: counted, test, repeat, again, or refunded.

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
        been counted before (the page was loaded again), "again" a firing beyond the goal's `once_per`, "refunded" one whose
        whole value came back, where the goal's `refunds` subtracts it.

        A goal whose event did not happen has no row; `missing_events` says so, with the nearest name that there is.

    Raises
    ------
    ConvtrackError
        If a column is missing, or a goal's `where` names a column or a value that no event has.

    Examples
    --------
    >>> events = pd.DataFrame({"event_id": ["a", "b"], "event_name": "purchase", "visitor_id": "v", "value": 9.0,
    ...     "transaction_id": "t1", "event_time": pd.to_datetime(["2026-01-05 10:00", "2026-01-05 10:05"], utc=True)})
    >>> goals = {"purchase": Goal(event="purchase", kind="site", value="column", once_per="event")}
    >>> mark_conversions(events, goals)["status"].tolist()
    ['counted', 'repeat']
    """
    need_columns(events, ["event_id", "event_name", "event_time", "visitor_id"], "events")
    check_conditions(events, goals)
    if any(goal.refunds == "subtract" or goal.value == "refunded" for goal in goals.values()):
        need_columns(events, ["refunded", "is_refunded"], "events")  # `refunds.with_refunds` makes them
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
    """Firings by goal and status: fired is the sum of the others; "refunded" is there where a goal subtracts refunds."""
    marked = mark_conversions(events, goals)
    counts = pd.crosstab(marked["goal"], marked["status"])
    named = ["counted", "test", "repeat", "again", *["refunded"] * any(goal.refunds == "subtract" for goal in goals.values())]
    counts = counts.reindex(index=list(goals), columns=named, fill_value=0)
    return counts.rename_axis(columns=None).assign(fired=counts.sum(axis=1))[["fired", *counts.columns]]


def missing_events(events: pd.DataFrame, goals: Mapping[str, Goal]) -> list[str]:
    """A sentence for each goal whose event did not happen: that it counts 0, and the nearest name that there is.

    >>> events = pd.DataFrame({"event_name": ["purchase"]})
    >>> missing_events(events, {"sale": Goal(event="purchse", kind="site", value="none", once_per="event")})
    ["goal sale: no event is called 'purchse', so it counts 0. Closest: 'purchase'"]
    """
    there = events["event_name"].dropna().unique()
    return [f"goal {name}: no event is called '{goal.event}', so it counts 0.{nearest(goal.event, there)}".removesuffix(".")
            for name, goal in goals.items() if goal.event not in there]


def check_conditions(events: pd.DataFrame, goals: Mapping[str, Goal]) -> None:
    """Nothing, if the columns and values that goals are narrowed by exist among the events.

    A value that no event has, and that is not like one that some have, is not wrong: it did not happen.

    Raises
    ------
    ConvtrackError
        One line: the goal, the name that does not exist, and the nearest that does.

    Examples
    --------
    >>> sale = Goal(event="purchase", kind="site", value="none", once_per="event", where={"channel": "email"})
    >>> check_conditions(pd.DataFrame({"channel": ["Email"]}), {"sale": sale})
    Traceback (most recent call last):
    convtrack.errors.ConvtrackError: study.yaml, goals: sale: where: channel: no event has 'email'. Closest: 'Email'.
    """
    for name, goal in goals.items():
        for column, wanted in goal.where.items():
            where = f"study.yaml, goals: {name}: where:"
            if column not in events:
                raise ConvtrackError(f"{where} the events have no column '{column}'.{nearest(column, events.columns)}")
            if not _holds(events[column], wanted, where).any():
                _check_value(events[column], wanted, where)


def _holds(cells: pd.Series, wanted: str, where: str) -> pd.Series:
    """Whether each cell is the value that is written as `wanted`."""
    if pd.api.types.infer_dtype(cells, skipna=True) == "boolean":  # with gaps, pandas takes it for any kind of object
        cells = cells.astype("boolean")
    if pd.api.types.is_bool_dtype(cells):
        value = TRUTHS.get(wanted.casefold())
        kind = "true or false"
    elif pd.api.types.is_numeric_dtype(cells):
        value = _number(wanted)
        kind = "a number"
    else:
        return cells == wanted
    if value is None:
        raise ConvtrackError(f"{where} {cells.name}: '{wanted}' is not {kind}, as that column is. Correct it.")
    return (cells == value).fillna(False).astype(bool)


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _check_value(cells: pd.Series, wanted: str, where: str) -> None:
    """The error that names the nearest value, where a text that no cell holds is like one that some hold."""
    allowed = next((column.allowed for column in TABLES["events"] if column.name == cells.name), ())
    known = set(allowed) or (set(channel_rules()["channel"]) if cells.name == "channel" else set())
    is_text = not (pd.api.types.is_bool_dtype(cells) or pd.api.types.is_numeric_dtype(cells))
    near = nearest(wanted, allowed or cells.value_counts().index[:VALUES_TO_COMPARE])
    if is_text and wanted not in known and (near or allowed):
        raise ConvtrackError(f"{where} {cells.name}: no event has '{wanted}'.{near}")


def _firings(events: pd.DataFrame, name: str, goal: Goal) -> pd.DataFrame:
    rows = _matching(events, name, goal)
    optional = {c: rows.get(c) for c in ("session_id", "currency", "transaction_id")}
    table = pd.DataFrame({"conversion_id": name + ":" + rows["event_id"], "goal": name, "visitor_id": rows["visitor_id"],
                          "conversion_time": rows["event_time"], "value": _worth(rows, goal),
                          "event_id": rows["event_id"], **optional})
    table["status"] = _status(rows, table, goal)
    kept = table if goal.value != "refunded" else table[table["value"].notna()]
    return kept[[*CONVERSION_COLUMNS, "status"]]


def _matching(events: pd.DataFrame, name: str, goal: Goal) -> pd.DataFrame:
    rows = events[events["event_name"] == goal.event]
    for column, wanted in goal.where.items():
        rows = rows[_holds(rows[column], wanted, f"study.yaml, goals: {name}: where:")]
    return rows


def _worth(rows: pd.DataFrame, goal: Goal) -> pd.Series | float:
    if goal.value == "refunded":
        return rows["refunded"]
    if goal.value == "column":
        value = rows["value"] if "value" in rows else pd.Series(float("nan"), index=rows.index)
        return value - rows["refunded"].fillna(0.0) if goal.refunds == "subtract" else value
    return float("nan") if goal.value == "none" else float(goal.value)


def _status(rows: pd.DataFrame, table: pd.DataFrame, goal: Goal) -> list[str]:
    """Why each firing counts or not, in order of time: an order number, a session or a visitor is used up by what counted."""
    is_test = rows["is_test"].astype("boolean").fillna(False) if "is_test" in rows else np.zeros(len(rows), dtype=bool)
    is_back = rows["is_refunded"] if goal.refunds == "subtract" else np.zeros(len(rows), dtype=bool)
    statuses, orders, keys = [], set(), set()
    for test, order, key, back in zip(is_test, pd.factorize(table["transaction_id"])[0], _once_key(table, goal), is_back, strict=True):
        status = "test" if test else "repeat" if order in orders else "refunded" if back else "again" if key in keys else "counted"
        statuses.append(status)
        if status in ("counted", "refunded") and order != MISSING:
            orders.add(order)
        if status == "counted" and key != MISSING:
            keys.add(key)
    return statuses


def _once_key(table: pd.DataFrame, goal: Goal) -> np.ndarray:
    """The number of what a firing uses up, its visitor or session; MISSING where it uses up nothing."""
    if goal.once_per == "event":
        return np.full(len(table), MISSING)
    key = ["visitor_id"] if goal.once_per == "visitor" else SESSION_KEY
    if goal.once_per == "session" and table["session_id"].isna().all() and len(table):
        raise ConvtrackError(f"study.yaml, goals: once_per: session needs session_id, which no '{goal.event}' event has. "
                             f"Write once_per: event or visitor.")
    return table.groupby(key, sort=False).ngroup().fillna(MISSING).to_numpy(int)
