"""Every row of the events has one use, and those that could be touches and are none are named with their number."""

from __future__ import annotations

import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from convtrack.accounts import USES, account_for_rows
from convtrack.goals import Goal
from convtrack.journeys import find_touches
from convtrack.schema import OFF_SITE_EVENTS

GOALS = {"sale": Goal(event="purchase", kind="site", value="none", once_per="event")}
ROWS = st.lists(st.tuples(st.sampled_from("vw"), st.integers(0, 200), st.sampled_from(["page_view", "purchase", *OFF_SITE_EVENTS]),
                          st.sampled_from([None, "Email", "SMS"]), st.sampled_from([None, "click", "view", "visit", "open"])), min_size=1)
KINDS = st.lists(st.sampled_from(["view", "click", "visit", "open", "delivery"]), min_size=1, unique=True)


def events_of(rows: list[tuple]) -> pd.DataFrame:
    table = pd.DataFrame(rows, columns=["visitor_id", "minute", "event_name", "channel", "interaction"]).astype(
        {"channel": "str", "interaction": "str"})
    times = pd.Timestamp("2026-01-05", tz="UTC") + pd.to_timedelta(table.pop("minute"), unit="min")
    return table.assign(event_time=times, event_id=[f"e{n}" for n in range(len(table))])


@settings(max_examples=40, deadline=None)
@given(ROWS, KINDS, st.booleans())
def test_every_row_is_counted_once_and_touches_are_those_of_the_journeys(rows: list[tuple], kinds: list[str], says: bool) -> None:
    events = events_of(rows) if says else events_of(rows).drop(columns="interaction")
    uses = account_for_rows(events, GOALS, kinds).uses
    assert list(uses) == list(USES) and sum(uses.values()) == len(events)
    touches = find_touches(events, kinds)
    assert uses["touches"] == (len(touches) if isinstance(touches, pd.DataFrame) else 0)


def test_views_that_are_no_touch_are_named_and_those_that_are_one_are_not() -> None:
    events = events_of([("v", 0, "ad_impression", "SMS", None), ("v", 5, "ad_impression", "SMS", None), ("v", 9, "page_view", "Email", None)])
    (said,) = account_for_rows(events, GOALS, ["click", "visit"]).findings
    assert said.startswith("2 rows name a channel and are no touch: 2 ad_impression (view);")
    counted = account_for_rows(events, GOALS, ["visit", "view"])
    assert not counted.findings and counted.uses["touches"] == 3
