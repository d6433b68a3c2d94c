"""What was given back: orders that were refunded after they were counted."""

from __future__ import annotations

import pandas as pd

from .gaps import Gap

REFUND = "refund"  # the event, by GA4's name
GIVEN_BACK = ("refunded", "cancelled")  # statuses of an order
NEGATIVE = "value: negative"
ROUNDING = 1e-9  # of a value: parts of it that were paid back add up to no more


def with_refunds(events: pd.DataFrame, back: pd.Series) -> pd.DataFrame:
    """The events, with what came back of each.

    Parameters
    ----------
    events : DataFrame
        Table `events`.
    back : Series
        Amounts by transaction_id, as `given_back` returns them.

    Returns
    -------
    DataFrame
        The events and two columns: `refunded`, how much of the value came back (never more than the value; missing where nothing
        did), and `is_refunded`, whether that was the whole.

    Examples
    --------
    >>> events = pd.DataFrame({"event_name": "purchase", "transaction_id": ["a", "b", "c"], "value": [30.0, 20.0, 10.0]})
    >>> with_refunds(events, pd.Series({"a": 5.0, "b": float("nan")}))[["refunded", "is_refunded"]].values.tolist()
    [[5.0, False], [20.0, True], [nan, False]]
    """
    ids = events["transaction_id"] if "transaction_id" in events else pd.Series(index=events.index, dtype="str")
    value = events["value"].astype(float) if "value" in events else pd.Series(float("nan"), index=events.index)
    came = ids.isin(back.index[back.isna() | (back > 0)]) & (events["event_name"] != REFUND)
    amount = ids.map(back).astype(float)
    known = amount.fillna(value.fillna(0.0)).clip(upper=value.fillna(float("inf")))
    return events.assign(refunded=known.where(came), is_refunded=came & (amount.isna() | (amount >= value * (1 - ROUNDING))))


def given_back(events: pd.DataFrame, aside: pd.DataFrame, orders: pd.DataFrame | Gap) -> pd.Series:
    """How much came back of each order.

    It is read from events called `refund`, from rows that were set aside for their negative value alone, and from orders whose
    status says so.

    Parameters
    ----------
    events, aside : DataFrame
        Table `events`: the rows that are used, and those that were set aside, with their `reason`; all in one currency.
    orders : DataFrame or Gap
        Table `orders`.

    Returns
    -------
    Series
        Amounts by transaction_id; missing where it was the whole, whatever that is.

    Examples
    --------
    >>> events = pd.DataFrame({"event_name": ["purchase", "refund", "refund"], "transaction_id": "a", "value": [30.0, 5.0, 2.0]})
    >>> given_back(events, events.head(0), Gap("There are no orders.")).to_dict()
    {'a': 7.0}
    """
    named = [_refund_events(events), _negative_rows(aside), _orders(orders)]
    back = pd.concat([part for part in named if len(part)] or [named[0]])
    return back.groupby(level=0).sum(skipna=False)


def real_refunds(events: pd.DataFrame) -> pd.DataFrame:
    """The events called `refund` that are no tests."""
    its = events[events["event_name"] == REFUND]
    return its[~its["is_test"].astype("boolean").fillna(False).astype(bool)] if "is_test" in its else its


def _refund_events(events: pd.DataFrame) -> pd.Series:
    its = real_refunds(events).reindex(columns=["transaction_id", "value"])
    return its.dropna(subset="transaction_id").set_index("transaction_id")["value"].astype(float)


def _negative_rows(aside: pd.DataFrame) -> pd.Series:
    its = aside.reindex(columns=["transaction_id", "value", "reason"])
    its = its[its["reason"] == NEGATIVE].dropna(subset="transaction_id")
    return -its.set_index("transaction_id")["value"].astype(float)


def _orders(orders: pd.DataFrame | Gap) -> pd.Series:
    ids = [] if isinstance(orders, Gap) else orders.loc[orders["status"].isin(GIVEN_BACK), "transaction_id"]
    return pd.Series(float("nan"), index=pd.Index(ids, dtype="str"))
