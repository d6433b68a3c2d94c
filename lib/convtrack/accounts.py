"""What becomes of each row of the events: a touch, a conversion, a step on the way, or a channel that no touch is made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from .gaps import Gap
from .goals import Goal
from .journeys import find_touches
from .schema import OFF_SITE_INTERACTIONS

USES = ("touches", "other conversions", "other rows with a channel", "steps on the way")


class Account(NamedTuple):
    """How many rows have which use, each row once; and, in words, those that could be touches and are none."""

    uses: dict[str, int]
    findings: list[str]


def account_for_rows(events: pd.DataFrame, goals: Mapping[str, Goal], interactions: Sequence[str]) -> Account:
    """What becomes of each row.

    Parameters
    ----------
    events : DataFrame
        Table `events`.
    goals : mapping of str to Goal
        The goals by name; a row with the event of one is a conversion, whether it counts or not, unless it is a touch.
    interactions : sequence of str
        Which interactions make a touch.

    Examples
    --------
    >>> events = pd.DataFrame({"visitor_id": "v", "event_name": ["ad_impression", "page_view", "page_view", "purchase"],
    ...     "channel": ["Display", "Email", None, None],
    ...     "event_time": pd.to_datetime(["2026-01-05 10:00Z", "2026-01-05 11:00Z", "2026-01-05 11:01Z", "2026-01-05 11:02Z"])})
    >>> goals = {"sale": Goal(event="purchase", kind="site", value="none", once_per="event")}
    >>> list(account_for_rows(events, goals, ["click", "visit"]).uses.values())
    [1, 1, 1, 1]
    >>> account_for_rows(events, goals, ["click", "visit"]).findings
    ['1 rows name a channel and are no touch: 1 ad_impression (view); to count a kind of them, add it to touches: in study.yaml']
    """
    place = np.arange(len(events))
    found = find_touches(events.assign(_row=place), interactions, keep=["_row"])
    is_touch = np.isin(place, [] if isinstance(found, Gap) else found["_row"])
    is_goal = events["event_name"].isin([goal.event for goal in goals.values()]).to_numpy() & ~is_touch
    named = events["channel"].notna().to_numpy() if "channel" in events else np.zeros(len(events), dtype=bool)
    unused = named & ~is_touch & ~is_goal
    counts = (is_touch, is_goal, unused, ~(is_touch | is_goal | unused))
    return Account(dict(zip(USES, (int(rows.sum()) for rows in counts), strict=True)), _left_out(events[unused], interactions))


def _left_out(rows: pd.DataFrame, interactions: Sequence[str]) -> list[str]:
    """The rows with a channel that are of another interaction than those that make a touch."""
    said = rows["interaction"] if "interaction" in rows and rows["interaction"].notna().any() else rows["event_name"].map(
        OFF_SITE_INTERACTIONS)
    kinds = rows.assign(kind=said).dropna(subset="kind")
    counts = kinds[~kinds["kind"].isin(interactions)].value_counts(["event_name", "kind"])
    named = [f"{count:,} {event} ({kind})" for (event, kind), count in counts.items()]
    return [f"{counts.sum():,} rows name a channel and are no touch: {', '.join(named)}; to count a kind of them, add it to touches: in "
            f"study.yaml"] if named else []
