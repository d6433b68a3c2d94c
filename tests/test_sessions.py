"""Sessions: each event on the site lies in one, none spans a silence over the timeout, given ids are kept."""

from __future__ import annotations

import doctest

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from convtrack import sessions as module
from convtrack.errors import ConvtrackError
from convtrack.gaps import Gap
from convtrack.sessions import SESSION_COLUMNS, assign_sessions, has_conversion, sessionize

MONDAY = pd.Timestamp("2026-01-05 10:00", tz="UTC")
WITH_IDS = "visitor_id minute event_name session_id"
quick = settings(max_examples=25, deadline=None)


def log(*rows: tuple, columns: str = "visitor_id minute event_name") -> pd.DataFrame:
    """Events from tuples; `minute` counts from Monday, 10:00."""
    table = pd.DataFrame(list(rows), columns=columns.split())
    times = pd.to_datetime(MONDAY + pd.to_timedelta(table["minute"], unit="min"))
    ids = [f"e{n:03}" for n in range(len(table))]
    return table.drop(columns="minute").assign(event_time=times, event_id=ids)


@st.composite
def logs(draw: st.DrawFn, ids: bool = False) -> pd.DataFrame:
    row = st.tuples(st.sampled_from("abc"), st.integers(0, 24).map(lambda n: 10 * n),
                    st.sampled_from(["page_view", "purchase", "phone_call"]),
                    st.sampled_from([None, None, "click", "visit", "view", "open"]),
                    st.sampled_from([None, "Email", "SMS"]), st.sampled_from([None, "1", "2", "a-1"]))
    table = log(*draw(st.lists(row, min_size=1, max_size=25)),
                columns="visitor_id minute event_name interaction channel session_id")
    return table if ids else table.drop(columns="session_id")


def on_site(events: pd.DataFrame) -> pd.Series:
    here = ~events["interaction"].isin(["view", "open", "delivery"])
    called = events["event_name"] == "phone_call"
    return here & (~called | events["session_id"].notna() if "session_id" in events else ~called)


def same(left: pd.DataFrame, right: pd.DataFrame) -> None:
    pd.testing.assert_frame_equal(left, right)


def test_the_examples_in_the_docstrings_are_true():
    assert doctest.testmod(module).failed == 0


def test_a_silence_of_exactly_the_timeout_stays_in_the_session():
    sessions = sessionize(log(("a", 0, "page_view"), ("a", 30, "page_view")))
    assert sessions[["session_id", "duration_seconds", "events"]].values.tolist() == [["a-1", 1800, 2]]


def test_a_moment_more_than_the_timeout_begins_a_new_session():
    events = log(("a", 0, "page_view"), ("a", 30, "page_view"))
    events.loc[1, "event_time"] += pd.Timedelta(microseconds=1)
    assert sessionize(events)["session_id"].tolist() == ["a-1", "a-2"]


def test_midnight_and_a_new_campaign_do_not_cut():
    events = log(("a", 13 * 60 + 50, "page_view", "Email"), ("a", 14 * 60 + 10, "page_view", "SMS"),
                 columns="visitor_id minute event_name channel")
    sessions = sessionize(events)
    assert (len(sessions), sessions.loc[0, "channel"]) == (1, "Email")


def test_a_session_of_one_event_lasts_0_seconds():
    assert sessionize(log(("a", 0, "purchase")))[["duration_seconds", "pages"]].values.tolist() == [[0.0, 0]]


def test_a_session_has_the_columns_of_the_contract_in_order_even_from_a_bare_log():
    sessions = sessionize(log(("a", 0, "page_view")))
    assert list(sessions) == SESSION_COLUMNS
    assert sessions[["campaign", "landing_page", "device", "country"]].isna().all(axis=None)
    assert sessions.loc[0, "channel"] == "Direct"


def test_the_campaign_is_that_of_the_row_that_names_the_channel():
    events = log(("a", 0, None, None), ("a", 1, "Organic Search", None), ("a", 2, "Email", "spring"),
                 columns="visitor_id minute channel campaign").assign(event_name="page_view")
    sessions = sessionize(events)
    assert sessions.loc[0, "channel"] == "Organic Search" and pd.isna(sessions.loc[0, "campaign"])


def test_the_landing_page_is_the_first_page_without_its_query():
    events = log(("a", 0, None), ("a", 1, "https://shop.example/tea?utm_source=x&y=1"),
                 ("a", 2, "https://shop.example/"), columns="visitor_id minute page_url")
    events = events.assign(event_name="page_view", device="mobile", country="GB")
    assert sessionize(events)[["landing_page", "device", "country"]].values.tolist() == [
        ["https://shop.example/tea", "mobile", "GB"]]


def test_what_happens_in_an_ad_slot_an_inbox_or_on_the_phone_is_in_no_session():
    events = log(("a", 0, "ad_impression", "view"), ("a", 1, "email_open", "open"),
                 ("a", 2, "sms_delivered", "delivery"), ("a", 3, "phone_call", None),
                 ("a", 4, "page_view", "click"),
                 columns="visitor_id minute event_name interaction")
    assert assign_sessions(events)["session_id"].notna().tolist() == [False] * 4 + [True]
    assert sessionize(events)["events"].tolist() == [1]


def test_a_call_with_a_session_id_was_made_from_the_site():
    events = log(("a", 0, "page_view", "s"), ("a", 1, "phone_call", "s"), columns=WITH_IDS)
    assert sessionize(events)["events"].tolist() == [2]


def test_a_given_session_id_is_kept_across_a_long_silence():
    events = log(("a", 0, "page_view", "s"), ("a", 90, "page_view", "s"), columns=WITH_IDS)
    assert sessionize(events)[["session_id", "duration_seconds"]].values.tolist() == [["s", 5400.0]]


def test_an_event_without_an_id_joins_the_session_going_on():
    events = log(("a", 0, "page_view", None), ("a", 5, "page_view", "s"), ("a", 9, "purchase", None),
                 ("a", 99, "page_view", None), columns=WITH_IDS)
    assert assign_sessions(events)["session_id"].tolist() == ["s", "s", "s", "a-2"]


def test_a_derived_id_does_not_fall_on_a_given_one():
    events = log(("a", 0, "page_view", None), ("a", 99, "page_view", "a-1"), columns=WITH_IDS)
    assert assign_sessions(events)["session_id"].nunique() == 2


def test_the_same_session_id_of_two_visitors_is_two_sessions():
    events = log(("a", 0, "page_view", "17"), ("b", 0, "page_view", "17"), columns=WITH_IDS)
    sessions = sessionize(events)
    assert len(sessions) == 2
    bought = pd.DataFrame({"visitor_id": ["b"], "session_id": ["17"]})
    assert has_conversion(sessions, bought).tolist() == [False, True]


def test_conversions_without_any_session_id_leave_a_gap():
    sessions = sessionize(log(("a", 0, "purchase")))
    bought = pd.DataFrame({"visitor_id": ["a"], "session_id": [None]})
    assert isinstance(has_conversion(sessions, bought), Gap)
    assert has_conversion(sessions, bought.iloc[:0]).tolist() == [False]


@pytest.mark.parametrize("timeout", [0, -1, float("nan")])
def test_a_timeout_must_be_above_0(timeout: float):
    with pytest.raises(ConvtrackError, match="Write timeout_minutes=30"):
        sessionize(log(("a", 0, "page_view")), timeout_minutes=timeout)


def test_a_missing_column_is_named_with_the_nearest_one():
    with pytest.raises(ConvtrackError, match="no column 'event_time'. Closest: 'eventTime'"):
        sessionize(log(("a", 0, "page_view")).rename(columns={"event_time": "eventTime"}))


def test_no_event_on_the_site_is_a_gap_and_gaps_pass_through():
    assert isinstance(sessionize(log(("a", 0, "phone_call"))), Gap)
    gap = Gap("There are no events.")
    assert sessionize(gap) is gap and assign_sessions(gap) is gap


@quick
@given(logs(ids=True))
def test_every_event_on_the_site_lies_in_exactly_one_session(events: pd.DataFrame):
    placed = assign_sessions(events)
    assert (placed["session_id"].notna() == on_site(events)).all()
    same(placed.drop(columns="session_id"), events.drop(columns="session_id"))
    if on_site(events).any():
        sessions = sessionize(events)
        assert not sessions.duplicated(["visitor_id", "session_id"]).any()
        placed = placed[["visitor_id", "session_id", "event_time"]].dropna()
        joined = placed.merge(sessions, on=["visitor_id", "session_id"])
        assert len(joined) == on_site(events).sum() == sessions["events"].sum()
        assert joined["event_time"].between(joined["start_time"], joined["end_time"]).all()


@quick
@given(logs(), st.sampled_from([10, 15, 30]))
def test_derived_sessions_end_at_a_silence_over_the_timeout_and_only_there(events, timeout):
    placed = assign_sessions(events, timeout).dropna(subset="session_id").sort_values("event_time")
    for _, rows in placed.groupby("visitor_id"):
        silent = rows["event_time"].diff() > pd.Timedelta(minutes=timeout)
        assert (silent.iloc[1:] == (rows["session_id"] != rows["session_id"].shift()).iloc[1:]).all()
        assert rows["session_id"].nunique() == silent.sum() + 1


@quick
@given(logs(ids=True), st.randoms(use_true_random=False))
def test_the_order_of_the_rows_changes_nothing(events: pd.DataFrame, random):
    order = random.sample(range(len(events)), len(events))
    same(assign_sessions(events.iloc[order]).sort_index(), assign_sessions(events))
    if on_site(events).any():
        same(sessionize(events.iloc[order]), sessionize(events))


@quick
@given(logs(), st.randoms(use_true_random=False))
def test_ids_that_were_derived_and_partly_lost_are_derived_again(events: pd.DataFrame, random):
    placed = assign_sessions(events)
    is_kept = [random.random() < 0.5 for _ in range(len(events))]
    same(assign_sessions(placed.assign(session_id=placed["session_id"].where(is_kept))), placed)


def test_a_long_log_is_sessionized_as_one_would_by_hand():
    rng = np.random.default_rng(5)
    visitors, minutes = rng.integers(0, 40, 3000), rng.integers(0, 20_000, 3000)
    rows = [(f"v{visitor}", int(minute), "page_view") for visitor, minute in zip(visitors, minutes)]
    by_hand = 0
    for visitor in {row[0] for row in rows}:
        minutes = sorted(minute for who, minute, _ in rows if who == visitor)
        by_hand += 1 + sum(later - earlier > 30 for earlier, later in zip(minutes, minutes[1:]))
    assert len(sessionize(log(*rows))) == by_hand


@pytest.mark.parametrize("ids", [[99, 100, 101], ["p99", "p100", "p101"]])
def test_pages_of_one_second_are_in_the_order_of_their_running_numbers(ids):
    pages = log(*[("v", 0, "page_view")] * 3).assign(event_id=ids, page_url=["/landing", "/teas", "/basket"])
    for order in ([0, 1, 2], [2, 0, 1]):
        assert sessionize(pages.iloc[order])["landing_page"].tolist() == ["/landing"]


def test_pages_of_one_second_without_running_numbers_are_in_the_order_of_the_rows():
    pages = log(*[("v", 0, "page_view")] * 3).assign(event_id=["x", "b", "k"], page_url=["/landing", "/teas", "/basket"])
    assert sessionize(pages)["landing_page"].tolist() == ["/landing"]
