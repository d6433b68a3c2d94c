"""Funnels and flows: counts that a reader can redo, laws of every funnel, and a slow program that agrees."""

from __future__ import annotations

import doctest
import itertools

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from convtrack import funnels as module
from convtrack.errors import ConvtrackError
from convtrack.funnels import (count_funnel, drop_off_pages, flow_links, follow_story, funnel_by, immature_from,
                               lag_quantiles, landing_and_exit, last_touch_rates, path_lengths, read_journey,
                               time_to_convert, top_paths)
from convtrack.gaps import Gap

MONDAY = pd.Timestamp("2026-01-05 10:00", tz="UTC")
STEPS = ["see", "add", "buy"]
quick = settings(max_examples=25, deadline=None)


def log(*rows: tuple, columns: str = "visitor_id hour event_name") -> pd.DataFrame:
    """Events from tuples; `hour` counts from Monday, 10:00."""
    table = pd.DataFrame(list(rows), columns=columns.split())
    times = pd.to_datetime(MONDAY + pd.to_timedelta(table["hour"], unit="h"))
    ids = [f"e{n:03}" for n in range(len(table))]
    return table.drop(columns="hour").assign(event_time=times, event_id=ids)


@st.composite
def logs(draw: st.DrawFn) -> pd.DataFrame:
    hour, step = st.integers(0, 8).map(lambda n: 12 * n), st.sampled_from([*STEPS, "read"])
    rows = draw(st.lists(st.tuples(st.sampled_from("abcd"), hour, step), max_size=20))
    return log(*rows, *[("z", 12 * n, step) for n, step in enumerate(STEPS)])  # so that no step is missing


def journeys(*rows: tuple) -> pd.DataFrame:
    """Journeys from (path, converted, days before the end of the first touch)."""
    hours = [[24.0 * days, *[0.0] * (len(path) - 1)] if path else [] for path, _, days in rows]
    return pd.DataFrame({"journey_id": [f"j{n}" for n in range(len(rows))], "hours": hours,
                         "path": [list(path) for path, *_ in rows], "converted": [won for _, won, _ in rows]})


def some_journeys() -> st.SearchStrategy[pd.DataFrame]:
    path = st.lists(st.sampled_from(["A", "B", "C", "(start)", "A > B"]), max_size=5)
    row = st.tuples(path, st.booleans(), st.integers(0, 40))
    return st.lists(row, min_size=1, max_size=12).map(lambda rows: journeys(*rows))


def slow_count(events: pd.DataFrame, steps: list[str], ordered: bool, days: float | None) -> int:
    """How many visitors have one event of each step that go together: every combination tried in turn."""
    limit = pd.Timedelta(days=1000 if days is None else days)
    visitors = 0
    for _, rows in events.groupby("visitor_id"):
        times = [rows.loc[rows["event_name"] == step, "event_time"] for step in steps]
        visitors += any(max(pick) - min(pick) <= limit and (not ordered or list(pick) == sorted(pick))
                        for pick in itertools.product(*times))
    return visitors


def same(left: pd.DataFrame, right: pd.DataFrame) -> None:
    pd.testing.assert_frame_equal(left, right)


def test_the_examples_in_the_docstrings_are_true():
    assert doctest.testmod(module).failed == 0


# Ten look, four add, one of them buys; one buys without adding.
SHOP = log(*[(f"v{n}", 0, "see") for n in range(10)], *[(f"v{n}", 0.1, "add") for n in range(4)],
           ("v0", 0.2, "buy"), ("v9", 0.2, "buy"))


def test_a_closed_funnel_counts_those_who_did_every_step():
    funnel = count_funnel(SHOP, STEPS)
    assert funnel["count"].tolist() == [10, 4, 1]
    assert funnel["rate_from_previous"].iloc[1:].tolist() == [0.4, 0.25]
    assert funnel["rate_from_start"].tolist() == [1.0, 0.4, 0.1]
    assert funnel["drop_off"].iloc[:2].tolist() == [0.6, 0.75]
    assert pd.isna(funnel["rate_from_previous"].iloc[0]) and pd.isna(funnel["drop_off"].iloc[2])


def test_an_open_funnel_counts_whoever_did_the_step_and_its_rates_stay_about_the_same_people():
    funnel = count_funnel(SHOP, STEPS, closed=False)
    assert funnel["count"].tolist() == [10, 4, 2]
    assert funnel["rate_from_previous"].iloc[1:].tolist() == [0.4, 0.25]
    assert funnel["rate_from_start"].tolist() == [1.0, 0.4, 0.1]


def test_a_step_before_the_one_it_follows_counts_in_any_order_only():
    events = log(("a", 1, "see"), ("a", 0, "buy"))
    assert count_funnel(events, ["see", "buy"], by="visitor")["count"].tolist() == [1, 0]
    assert count_funnel(events, ["see", "buy"], by="visitor", ordered=False)["count"].tolist() == [1, 1]


def test_steps_at_the_same_moment_are_in_order_whichever_row_comes_first():
    events = log(("a", 0, "buy"), ("a", 0, "see"))
    assert count_funnel(events, ["see", "buy"])["count"].tolist() == [1, 1]


def test_a_session_ends_where_a_visitor_goes_on():
    events = log(("a", 0, "see"), ("a", 24, "buy"))
    assert count_funnel(events, ["see", "buy"])["count"].tolist() == [1, 0]
    assert count_funnel(events, ["see", "buy"], by="visitor")["count"].tolist() == [1, 1]


def test_a_late_second_start_can_still_finish_in_time():
    events = log(("a", 0, "see"), ("a", 24 * 9, "see"), ("a", 24 * 10, "buy"))
    assert count_funnel(events, ["see", "buy"], by="visitor", within_days=1)["count"].tolist() == [1, 1]
    assert count_funnel(events, ["see", "buy"], by="visitor", within_days=0.99)["count"].tolist() == [1, 0]


def test_steps_can_have_labels():
    steps = ["see", {"event": "buy", "label": "Bought"}]
    assert count_funnel(SHOP, steps)["step"].tolist() == ["see", "Bought"]


def test_a_step_that_never_happens_is_a_gap_with_the_nearest_event():
    gap = count_funnel(SHOP, ["see", "ad", "buy"])
    assert isinstance(gap, Gap) and "No event 'ad'" in gap.sentence and "Closest: 'add'" in gap.sentence


def test_a_step_on_the_phone_is_a_gap_per_session_and_a_count_per_visitor():
    events = log(("a", 0, "see"), ("a", 30, "contract_signed"))
    assert "happened in a session" in count_funnel(events, ["see", "contract_signed"]).sentence
    assert count_funnel(events, ["see", "contract_signed"], by="visitor")["count"].tolist() == [1, 1]


@pytest.mark.parametrize("steps", [[], "see", ["see", "see"], [{"label": "See"}]])
def test_a_funnel_takes_a_list_of_different_events(steps):
    with pytest.raises(ConvtrackError, match="list of different events"):
        count_funnel(SHOP, steps)


def test_wrong_use_says_what_to_write():
    with pytest.raises(ConvtrackError, match="Closest: 'visitor'"):
        count_funnel(SHOP, STEPS, by="visitors")
    with pytest.raises(ConvtrackError, match="within_days=7"):
        count_funnel(SHOP, STEPS, within_days=-1)
    with pytest.raises(ConvtrackError, match="Write stages=3, top=6"):
        flow_links(journeys(("A", True, 0)), stages=1)


def test_gaps_pass_through():
    gap = Gap("There are no journeys.")
    assert all(f(gap) is gap for f in (time_to_convert, lag_quantiles, path_lengths, top_paths, flow_links))
    assert all(f(gap, STEPS) is gap for f in (count_funnel, drop_off_pages))


@quick
@given(logs(), st.booleans(), st.sampled_from([None, 0, 0.5, 1, 2]))
def test_closed_funnels_agree_with_trying_every_combination(events, ordered, days):
    counts = count_funnel(events, STEPS, by="visitor", ordered=ordered, within_days=days)["count"].tolist()
    assert counts == [slow_count(events, STEPS[:k], ordered, days) for k in (1, 2, 3)]


@quick
@given(logs(), st.booleans(), st.sampled_from([None, 0.5, 2]))
def test_open_funnels_agree_with_trying_every_combination(events, ordered, days):
    funnel = count_funnel(events, STEPS, by="visitor", closed=False, ordered=ordered, within_days=days)
    assert funnel["count"].tolist() == [slow_count(events, [step], ordered, days) for step in STEPS]
    pairs = [slow_count(events, [*pair], ordered, days) for pair in itertools.pairwise(STEPS)]
    assert (funnel["rate_from_previous"] * funnel["count"].shift()).iloc[1:].round(9).tolist() == pairs


@quick
@given(logs(), st.sampled_from(["session", "visitor"]), st.booleans(), st.sampled_from([None, 1]))
def test_every_funnel_keeps_the_laws(events: pd.DataFrame, by: str, ordered: bool, days: float | None):
    closed = count_funnel(events, STEPS, by, ordered=ordered, within_days=days)
    opened = count_funnel(events, STEPS, by, closed=False, ordered=ordered, within_days=days)
    assert closed["count"].is_monotonic_decreasing
    assert (opened["count"] >= closed["count"]).all()
    for table in (closed, opened):
        rates = table[["rate_from_previous", "rate_from_start", "drop_off"]].stack().dropna()
        assert rates.between(0, 1).all()
    shuffled = events.sample(frac=1, random_state=1)
    same(count_funnel(shuffled, STEPS, by, closed=False, ordered=ordered, within_days=days), opened)


@quick
@given(logs(), st.booleans())
def test_any_order_finds_at_least_what_the_order_finds(events: pd.DataFrame, closed: bool):
    strict = count_funnel(events, STEPS, "visitor", closed)
    assert (count_funnel(events, STEPS, "visitor", closed, ordered=False)["count"] >= strict["count"]).all()


@quick
@given(logs(), st.sampled_from(["session", "visitor"]), st.booleans())
def test_segments_add_up_to_the_whole(events: pd.DataFrame, by: str, closed: bool):
    events = events.assign(device=events["visitor_id"].map({"a": "mobile", "b": "desktop", "z": "mobile"}))
    parts = funnel_by(events, STEPS, "device", by, closed)
    whole = count_funnel(events, STEPS, by, closed)
    assert parts.groupby("step", sort=False)["count"].sum().tolist() == whole["count"].tolist()
    mobile = events[events["device"] == "mobile"]
    if set(STEPS) <= set(mobile["event_name"]):
        part = parts[parts["device"] == "mobile"].drop(columns="device").reset_index(drop=True)
        same(part, count_funnel(mobile, STEPS, by, closed))


def test_a_segment_that_no_event_names_is_a_gap_and_a_session_without_channel_is_direct():
    assert isinstance(funnel_by(SHOP, STEPS, "device"), Gap)
    assert isinstance(funnel_by(SHOP, ["see", "pay"], "visitor_id"), Gap)
    events = log(("a", 0, "see", "Email"), ("a", 0.1, "buy", None), ("b", 0, "see", None),
                 columns="visitor_id hour event_name channel")
    assert funnel_by(events, ["see", "buy"], "channel").values.tolist()[0][:3] == ["Direct", "see", 1]


def test_pages_where_people_enter_and_leave_each_add_up_to_the_sessions():
    events = log(("a", 0, "/?x=1"), ("a", 0.1, "/tea"), ("a", 50, "/tea"), ("b", 0, "/"),
                 ("b", 0.1, "/basket"), ("b", 0.2, "/"), columns="visitor_id hour page_url")
    events = events.assign(event_name="page_view")
    pages = landing_and_exit(events).set_index("page")
    assert pages.loc["/"].tolist() == [3, 2, 1, 1 / 3] and pages.loc["/tea"].tolist() == [2, 1, 2, 1.0]
    assert pages[["entries", "exits"]].sum().tolist() == [3, 3] and pages["views"].sum() == 6


def test_drop_off_pages_leaves_out_the_sessions_that_converted():
    events = log(("a", 0, "/"), ("a", 0.1, "/thanks"), ("b", 0, "/"), ("c", 0, "/"), ("d", 0, "/tea"),
                 columns="visitor_id hour page_url").assign(event_name="page_view")
    won = pd.DataFrame({"visitor_id": ["a"], "session_id": ["a-1"]})
    assert drop_off_pages(events, won).values.tolist() == [["/", 2, 2 / 3], ["/tea", 1, 1 / 3]]
    every = pd.DataFrame({"visitor_id": list("abcd"), "session_id": [f"{v}-1" for v in "abcd"]})
    assert isinstance(drop_off_pages(events, every), Gap)
    assert isinstance(drop_off_pages(events, won.assign(session_id=None)), Gap)
    assert isinstance(drop_off_pages(events.drop(columns="page_url"), won), Gap)
    assert isinstance(landing_and_exit(events.drop(columns="page_url")), Gap)


def test_time_to_convert_has_a_row_for_each_conversion_and_no_made_up_times():
    times = time_to_convert(journeys(("AB", True, 2.5), ("", True, 0), ("A", False, 9)))
    assert times["touches"].tolist() == [2, 0]
    assert times.loc[0, "days"] == 2.5 and pd.isna(times.loc[1, "days"])
    assert isinstance(time_to_convert(journeys(("A", False, 1))), Gap)
    assert isinstance(lag_quantiles(time_to_convert(journeys(("", True, 0)))), Gap)


def test_lags_are_quantiles_of_the_known_days():
    times = pd.DataFrame({"days": [0.0, 10.0, None]})
    assert lag_quantiles(times, q=(0, 0.5, 0.51, 1))["days"].tolist() == [0.0, 0.0, 10.0, 10.0]
    with pytest.raises(ConvtrackError, match="50 is no share"):
        lag_quantiles(times, q=(50,))


def test_days_are_immature_from_the_day_whose_last_touch_has_had_less_than_the_lag():
    times = pd.DataFrame({"days": [2.0, 2.0]})
    midnight = pd.Timestamp("2026-04-05", tz="UTC")
    assert immature_from(times, midnight) == pd.Timestamp("2026-04-03", tz="UTC")
    assert immature_from(times, midnight - pd.Timedelta(minutes=1)) == pd.Timestamp("2026-04-02", tz="UTC")
    assert isinstance(immature_from(pd.DataFrame({"days": [None]}, dtype=float), MONDAY), Gap)


def test_top_paths_are_the_most_frequent_with_their_own_rates():
    paths = pd.DataFrame({"path": [["B"], ["A"], ["A > B"]], "total_conversions": [2, 2, 0],
                          "total_null": [2, 6, 5]})
    assert top_paths(paths).values.tolist() == [[["A"], 2, 0.5, 0.25], [["B"], 2, 0.5, 0.5]]
    assert list(top_paths(paths.drop(columns="total_null"))) == ["path", "conversions", "share"]
    assert isinstance(top_paths(paths.assign(total_conversions=0)), Gap)


@quick
@given(some_journeys(), st.integers(2, 5), st.integers(1, 4))
def test_flows_and_lengths_lose_no_journey(table: pd.DataFrame, stages: int, top: int):
    flows = flow_links(table, stages, top)
    assert flows["count"].sum() == len(table)
    assert flows.loc[flows["outcome"] == "converted", "count"].sum() == table["converted"].sum()
    touched = table["path"].map(len) > 0
    assert flows.loc[flows["stage_1"].notna(), "count"].sum() == touched.sum()
    assert (flows[f"stage_{stages}"].notna() == flows["stage_1"].notna()).all()
    assert flows.iloc[:, :stages].stack().nunique() <= top + 1
    same(flow_links(table.sample(frac=1, random_state=1), stages, top), flows)
    lengths = path_lengths(table)
    if table["converted"].any():
        assert lengths["conversions"].sum() == table["converted"].sum()
        assert lengths["share"].sum() == pytest.approx(1)


def test_a_flow_goes_from_the_first_to_the_last_touch_and_names_the_rest():
    table = journeys(("ABBAA", True, 0), ("AB", True, 0), ("C", False, 0), ("", True, 0))
    assert flow_links(table, stages=3, top=2, other="Rest").fillna("").values.tolist() == [
        ["A", "A", "B", "converted", 1], ["A", "B", "A", "converted", 1],
        ["Rest", "Rest", "Rest", "not converted", 1], ["", "", "", "converted", 1]]
    assert isinstance(flow_links(table.head(0)), Gap)


def test_a_journey_is_read_from_its_first_touch_to_its_end_and_holds_nobody_else():
    events = log(("a", 0, "see", "Ad"), ("a", 24, "see", "SMS"), ("a", 25, "page_view", None), ("b", 30, "see", "SMS"),
                 ("a", 36, "buy", None), ("a", 48, "see", "Ad"), columns="visitor_id hour event_name channel")
    one = pd.DataFrame({"visitor_id": ["a"], "end_time": [MONDAY + pd.Timedelta(hours=36)], "hours": [[12.0]]})
    told = read_journey(one, events.sample(frac=1, random_state=1))
    assert told.fillna("").values.tolist() == [[0.5, "see", "SMS"], [0.0, "buy", ""]]
    assert list(told) == ["days_before", "event_name", "channel"]
    assert isinstance(read_journey(one.head(0), events), Gap)


def test_the_rates_of_last_touches_count_every_journey_with_a_touch_once():
    table = journeys(("AB", True, 0), ("B", False, 0), ("A", False, 0), ("", True, 0))
    rates = last_touch_rates(table)
    assert rates.iloc[:, :4].values.tolist() == [["B", 2, 1, 0.5], ["A", 1, 0, 0.0]]
    assert rates["low"].between(0, rates["rate"]).all() and rates["high"].between(rates["rate"], 1).all()
    assert isinstance(last_touch_rates(table.tail(1)), Gap)


def test_a_story_is_followed_in_its_order_with_anything_in_between():
    touches = log(("a", 0, "Ad"), ("a", 3, "Web"), ("a", 4, "SMS"), ("b", 0, "SMS"), ("b", 2, "Ad"), ("c", 0, "Ad"),
                  columns="visitor_id hour channel").rename(columns={"event_time": "touch_time"})
    events = log(("a", 2, "join"), ("b", 1, "join"), ("a", 5, "buy"))
    won = pd.DataFrame({"conversion_id": ["p"], "visitor_id": ["a"], "value": [1.0],
                        "conversion_time": [MONDAY + pd.Timedelta(hours=5)]})
    followed = follow_story(touches, events, won, ["Ad", "join", "SMS,Email"]).set_index("visitor_id")
    assert followed.loc["a", "path"] == ["Ad", "join", "Web", "SMS"]
    assert followed[["has_all", "in_order"]].loc[["a", "b", "c"]].values.tolist() == [
        [True, True], [True, False], [False, False]]
    assert "called call" in follow_story(touches, events, won, ["Ad", "call"]).sentence
