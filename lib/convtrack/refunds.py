"""What was given back: orders that were refunded after they were counted, and the totals before and after."""

from __future__ import annotations

from typing import Any

import pandas as pd

from .gaps import Gap
from .settings import Study
from .texts import currency_digits, fmt

REFUND = "refund"  # the event, by GA4's name
GIVEN_BACK = ("refunded", "cancelled")  # statuses of an order
NEGATIVE = "value: negative"


def refund_findings(study: Study, conversions: pd.DataFrame) -> list[str]:
    """For each goal, what came back of its conversions, which are counted before it; nothing where nothing came back.

    Refunds are events called `refund` and rows of a goal's own event with a negative value, matched by transaction_id, and orders
    whose status says so.
    """
    return [finding for name in study.goals for finding in _of_goal(study, name, conversions[conversions["goal"] == name])]


def _of_goal(study: Study, name: str, won: pd.DataFrame) -> list[str]:
    known = won.dropna(subset=["transaction_id"]).set_index("transaction_id")["value"]
    back = pd.concat([_refund_events(study), _negative_rows(study, study.goals[name].event), _orders(study, known)])
    back = back[back.index.isin(known.index)].groupby(level=0).sum(min_count=1)
    if back.empty:
        return []
    lost = back.fillna(known.reindex(back.index)).clip(upper=known.reindex(back.index))
    whole = int((lost >= known.reindex(back.index)).sum())
    return [f"goal {name}: {_worth(lost.sum(), study)} came back of {len(back):,} of its orders, {whole:,} of them whole. Counted are "
            f"{len(won):,} conversions, {_worth(won['value'].sum(), study)}; without what came back it would be "
            f"{len(won) - whole:,} and {_worth(won['value'].sum() - lost.sum(), study)}"]


def _refund_events(study: Study) -> pd.Series:
    events = study.events
    its = events[events["event_name"] == REFUND].reindex(columns=["transaction_id", "value"])
    return its.dropna(subset="transaction_id").set_index("transaction_id")["value"].astype(float)


def _negative_rows(study: Study, event: str) -> pd.Series:
    """Rows that were set aside for their negative value alone."""
    aside = study.loaded("events").quarantined.reindex(columns=["transaction_id", "value", "event_name", "reason"])
    its = aside[aside["event_name"].isin([event, REFUND]) & (aside["reason"] == NEGATIVE)].dropna(subset="transaction_id")
    return -its.set_index("transaction_id")["value"].astype(float)


def _orders(study: Study, known: pd.Series) -> pd.Series:
    """Orders of the books that were refunded or cancelled, at what was counted for them."""
    orders = study.orders
    if isinstance(orders, Gap):
        return known.head(0)
    ids = orders.loc[orders["status"].isin(GIVEN_BACK), "transaction_id"]
    return known[known.index.isin(ids)]


def _worth(value: Any, study: Study) -> str:
    return f"{fmt(value, 'money', currency_digits(study.currency))} {study.currency}"
