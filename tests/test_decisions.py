"""Leaks, those who left, and what a decision cost: each found again in a second, slower way."""

from __future__ import annotations

from itertools import chain, combinations

import numpy as np
import pandas as pd
import pytest
from convtrack.budget import audience_lift, audience_of, leaks, regrets, response_curves, weekly
from convtrack.errors import ConvtrackError
from convtrack.gaps import Gap
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.proportion import confint_proportions_2indep

STEPS = ["see", "cart", "buy"]
HOUR = pd.Timedelta(hours=1)
START = pd.Timestamp("2026-01-05", tz="UTC")


def funnel(**counts: list[int]) -> pd.DataFrame:
    """A closed funnel by device."""
    return pd.concat([pd.DataFrame({"device": name, "step": STEPS, "count": row}) for name, row in counts.items()])


def shrinking(most: int) -> st.SearchStrategy[list[int]]:
    return st.lists(st.integers(1, most), min_size=3, max_size=3).map(lambda row: sorted(row, reverse=True))


@settings(max_examples=30, deadline=None)
@given(shrinking(900), shrinking(900), shrinking(900), st.floats(0.05, 1))
def test_closing_a_gap_brings_the_others_rate_to_that_part_of_the_visitors(one, two, three, closed):
    rows = {"one": one, "two": two, "three": three}
    table = leaks(funnel(**rows), "device", closed)
    if isinstance(table, Gap):
        return
    for row in table.itertuples():
        at, own = STEPS.index(row.step), np.array(rows[row.device], dtype=float)
        rest = sum(np.array(other, dtype=float) for name, other in rows.items() if name != row.device)
        gap = rest[at] / rest[at - 1] - own[at] / own[at - 1]
        assert gap > 0
        assert row.more == pytest.approx(closed * gap * own[at - 1] * own[-1] / own[at])
        assert row.low <= row.more <= row.high
    assert table["more"].is_monotonic_decreasing


def test_the_intervals_of_all_cells_hold_together():
    row = leaks(funnel(desktop=[1000, 400, 200], mobile=[2000, 700, 210]), "device", closed=1).iloc[0]
    low, high = confint_proportions_2indep(200, 400, 210, 700, method="newcomb", alpha=0.05 / 4)
    assert (row["device"], row["step"]) == ("mobile", "buy")
    assert [row["low"], row["high"]] == pytest.approx([700 * low, 700 * high])


def test_segments_that_do_equally_well_have_no_leak():
    assert isinstance(leaks(funnel(desktop=[100, 50, 25], mobile=[200, 100, 50]), "device"), Gap)
    assert isinstance(leaks(funnel(desktop=[100, 50, 25]), "device"), Gap)


def test_a_part_of_a_gap_is_between_none_and_all_of_it():
    for closed in (0, 1.5):
        with pytest.raises(ConvtrackError, match="closed=0.5"):
            leaks(funnel(desktop=[100, 50, 25], mobile=[200, 90, 30]), "device", closed)


HOURS = st.lists(st.tuples(st.sampled_from("abcde"), st.sampled_from(["cart", "see"]), st.integers(0, 40 * 24)), max_size=25)
SALES = st.lists(st.tuples(st.sampled_from("abcdef"), st.integers(0, 40 * 24)), max_size=12)


def as_tables(rows: list, sales: list) -> tuple[pd.DataFrame, pd.DataFrame]:
    rows = [*rows, ("z", "see", 40 * 24)]  # until then the events reach
    events = pd.DataFrame({"visitor_id": [v for v, _, _ in rows], "event_name": [name for _, name, _ in rows],
                           "event_time": [START + hour * HOUR for *_, hour in rows]})
    times = pd.to_datetime(pd.Series([START + hour * HOUR for _, hour in sales], dtype="datetime64[ns, UTC]"))
    return events, pd.DataFrame({"visitor_id": pd.Series([v for v, _ in sales], dtype="object"), "conversion_time": times})


@settings(max_examples=30, deadline=None)
@given(HOURS, SALES)
def test_an_audience_is_who_left_and_had_time_to_come_back(rows, sales):
    expected = {}
    for visitor in sorted({v for v, name, _ in rows if name == "cart"}):
        left = min(hour for v, name, hour in rows if (v, name) == (visitor, "cart"))
        waits = sorted(hour - left for v, hour in sales if v == visitor and hour >= left)
        if left <= 26 * 24 and not (waits and waits[0] <= 24):
            expected[visitor] = bool(waits and waits[0] <= 14 * 24)
    found = audience_of(*as_tables(rows, sales), "cart")
    assert isinstance(found, Gap) if not expected else found.set_index("visitor_id")["came_back"].to_dict() == expected


def test_an_audience_that_no_experiment_has_divided_is_a_named_gap():
    left = pd.DataFrame({"visitor_id": ["a", "b"], "left_time": START})
    won = pd.DataFrame({"visitor_id": ["a"], "conversion_time": [START + HOUR], "value": [30.0]})
    arms = pd.DataFrame({"experiment": "test", "visitor_id": ["a", "c"], "arm": ["ads", "none"]})
    assert isinstance(audience_lift(left, won, arms, "test", "ads", "none"), Gap)
    assert isinstance(audience_lift(left, won, arms, "another", "ads", "none"), Gap)


def test_what_was_bought_before_somebody_left_is_no_effect_of_what_followed():
    left = pd.DataFrame({"visitor_id": list("abcd"), "left_time": START})
    won = pd.DataFrame({"visitor_id": list("ab"), "conversion_time": [START - HOUR, START + HOUR], "value": 30.0})
    arms = pd.DataFrame({"experiment": "test", "visitor_id": list("abcd"), "arm": ["ads", "none"] * 2})
    row = audience_lift(left, won, arms, "test", "ads", "none").table.iloc[0]
    assert [row["treated"], row["control"]] == [0, 0.5]


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.floats(0, 100), st.floats(0, 100)), min_size=1, max_size=4), st.data())
def test_where_channels_do_not_meet_a_decision_costs_what_its_wrong_lines_earn_or_lose(lines, data):
    names = [f"c{i}" for i in range(len(lines))]
    subsets = [list(on) for on in chain.from_iterable(combinations(names, size) for size in range(len(names) + 1))]
    sums = [[sum(lines[names.index(name)][part] for name in on) for on in subsets] for part in (0, 1)]
    switches = pd.DataFrame({"on": subsets, "value": np.array(sums[0]) + 50, "cost": sums[1]})
    keep = data.draw(st.lists(st.booleans(), min_size=len(names), max_size=len(names)))
    profits = [0.4 * value - cost for value, cost in lines]
    wrong = sum(abs(profit) for profit, on in zip(profits, keep, strict=True) if (profit > 0) != on)
    table = regrets(switches, pd.DataFrame({"mine": keep}, index=names), margin=0.4).set_index("decision")
    assert table.loc["mine", "regret"] == pytest.approx(wrong, abs=1e-9)
    assert table.loc["the best of all", "profit"] == pytest.approx(20 + sum(max(profit, 0) for profit in profits))
    assert table.loc["mine", "on"] == [name for name, on in zip(names, keep, strict=True) if on]


def test_a_channel_of_which_a_decision_says_nothing_stays_on():
    switches = pd.DataFrame({"on": [[], ["A"], ["B"], ["A", "B"]], "value": [5.0, 9.0, 7.0, 10.0], "cost": 0.0})
    kept = pd.DataFrame({"without B": [False, False]}, index=["B", "a channel of no world"])
    assert regrets(switches, kept, margin=1).loc[0, ["on", "profit"]].tolist() == [["A"], 9.0]


def test_a_decision_that_no_world_has_tried_is_refused():
    switches = pd.DataFrame({"on": [["A"], ["A", "B"]], "value": [9.0, 10.0], "cost": 0.0})
    with pytest.raises(ConvtrackError, match="'nothing' on"):
        regrets(switches, pd.DataFrame({"nothing": [False, False]}, index=["A", "B"]), margin=1)


def test_a_week_without_a_known_value_is_neither_a_crash_nor_a_value():
    days = pd.date_range("2026-01-05", periods=14)
    spend = pd.DataFrame({"date": days, "channel": "Email", "cost": 2.0})
    journeys = pd.DataFrame({"end_time": days[[0, 3, 13]].tz_localize("UTC"), "path": [["Email"], ["Email"], ["SMS"]],
                             "converted": True, "value": [None, 30.0, None]})
    assert weekly(spend, journeys, "last_touch", "UTC")["value"].tolist() == [30.0]  # of the second week nothing is known
    quiet = weekly(spend, journeys.assign(converted=[True, True, False]), "last_touch", "UTC")  # nothing is converted in the second week
    assert quiet.dtypes[["conversions", "value"]].eq(float).all()
    unknown = weekly(spend, journeys.assign(value=np.nan), "last_touch", "UTC")
    assert unknown["value"].isna().all()
    assert isinstance(response_curves(unknown, np.random.default_rng(1)), Gap)
