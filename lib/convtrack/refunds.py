"""What was given back: orders that were refunded after they were counted, and the totals with and without it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pandas as pd

from .gaps import Gap
from .goals import Goal, find_conversions
from .texts import currency_digits, fmt

if TYPE_CHECKING:
    from .settings import Study

REFUND = "refund"  # the event, by GA4's name
GIVEN_BACK = ("refunded", "cancelled")  # statuses of an order
NEGATIVE = "value: negative"


def with_refunds(events: pd.DataFrame, back: pd.Series) -> pd.DataFrame:
    """The events with a column `refunded`: how much of an event's value came back; missing where nothing did.

    Parameters
    ----------
    events : DataFrame
        Table `events`.
    back : Series
        Amounts by transaction_id, as `given_back` returns them. What is missing is the whole value, and no more than that comes back.

    Examples
    --------
    >>> events = pd.DataFrame({"event_name": "purchase", "transaction_id": ["a", "b", "c"], "value": [30.0, 20.0, 10.0]})
    >>> with_refunds(events, pd.Series({"a": 5.0, "b": float("nan")}))["refunded"].tolist()
    [5.0, 20.0, nan]
    """
    ids = events["transaction_id"] if "transaction_id" in events else pd.Series(index=events.index, dtype="str")
    value = events["value"].astype(float) if "value" in events else pd.Series(float("nan"), index=events.index)
    came = ids.isin(back.index) & (events["event_name"] != REFUND)
    whole = value.fillna(0.0)
    amount = ids.map(back).astype(float).fillna(whole).clip(upper=whole)
    return events.assign(refunded=amount.where(came))


def given_back(events: pd.DataFrame, aside: pd.DataFrame, orders: pd.DataFrame | Gap, rates: Mapping[str, float]) -> pd.Series:
    """How much came back of each order, by transaction_id; missing where it was the whole of an unknown value.

    It is read from events called `refund`, from rows that were set aside for their negative value alone, and from orders whose
    status says so.

    Parameters
    ----------
    events, aside : DataFrame
        Table `events`: the rows that are used, and those that were set aside, with their `reason`.
    orders : DataFrame or Gap
        Table `orders`.
    rates : mapping of str to float
        What one unit of a foreign currency is worth; `aside` is not converted yet.
    """
    named = [_refund_events(events), _negative_rows(aside, rates), _orders(orders)]
    back = pd.concat([part for part in named if len(part)] or [named[0]])
    return back.groupby(level=0).agg(lambda amounts: amounts.sum(skipna=False))


def _refund_events(events: pd.DataFrame) -> pd.Series:
    its = events[events["event_name"] == REFUND].reindex(columns=["transaction_id", "value"])
    return its.dropna(subset="transaction_id").set_index("transaction_id")["value"].astype(float)


def _negative_rows(aside: pd.DataFrame, rates: Mapping[str, float]) -> pd.Series:
    its = aside.reindex(columns=["transaction_id", "value", "currency", "reason"])
    its = its[its["reason"] == NEGATIVE].dropna(subset="transaction_id")
    rate = its["currency"].map(rates).astype(float).fillna(1.0)
    return (-its["value"].astype(float) * rate).set_axis(its["transaction_id"])


def _orders(orders: pd.DataFrame | Gap) -> pd.Series:
    ids = [] if isinstance(orders, Gap) else orders.loc[orders["status"].isin(GIVEN_BACK), "transaction_id"]
    return pd.Series(float("nan"), index=pd.Index(ids, dtype="str"))


def refund_findings(study: Study) -> list[str]:
    """For each goal, what came back of its conversions, the totals with and without it, and which of them count."""
    events = with_refunds(study.events, study.given_back)
    if events["refunded"].isna().all():
        return []
    return [line for name, goal in study.goals.items() if goal.value != "refunded" for line in _of_goal(study, events, name, goal)]


def _of_goal(study: Study, events: pd.DataFrame, name: str, goal: Goal) -> list[str]:
    """What is to be said of one goal."""
    before, after = (find_conversions(events, {name: goal.model_copy(update={"refunds": how})}) for how in ("ignore", "subtract"))
    came = before["event_id"].isin(events.loc[events["refunded"].notna(), "event_id"])
    if not came.any():
        return []
    counted = "the latter" if goal.refunds == "subtract" else "the former"
    lost = before["value"].sum() - after["value"].sum()
    return [f"goal {name}: {_worth(lost, study)} came back of {came.sum():,} of its orders, {len(before) - len(after):,} of them whole. "
            f"With them it is {len(before):,} conversions, {_worth(before['value'].sum(), study)}; without what came back {len(after):,}, "
            f"{_worth(after['value'].sum(), study)}. Counted is {counted} (refunds: {goal.refunds})"]


def _worth(value: Any, study: Study) -> str:
    return f"{fmt(value, 'money', currency_digits(study.currency))} {study.currency}"
