"""Metrics: numbers that can be redone by hand, no quiet zeros, intervals that hold what they surround."""

from __future__ import annotations

import doctest
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import brentq

from convtrack import metrics as module
from convtrack.errors import ConvtrackError
from convtrack.gaps import Gap
from convtrack.metrics import (CARDS, METRIC_COLUMNS, ad_metrics, assisted_conversions, cards, cohorts,
                               conversion_rates, engagement, mean_interval, rate, ratio, roas_by_model, segment_rates,
                               step_worth, value_summary, verdicts, winner_again)

quick = settings(max_examples=30, deadline=None)
BESIDE = Path(__file__).resolve().parents[2] / "shared" / "data"  # beside the repository, not in it
PATHDATA = Path(os.environ.get("CONVTRACK_REFERENCE_DATA", BESIDE)) / "pathdata" / "pathdata.csv"

# channel: assisted, last, first, in ChannelAttribution's sample paths; computed by two independent programs
PATHDATA_COUNTS = {
    "alpha": (9517, 8447, 6308), "iota": (5465, 3355, 4606), "eta": (3339, 4167, 3164),
    "beta": (3758, 989, 2831), "lambda": (1277, 1207, 902), "theta": (2924, 653, 1606),
    "epsilon": (704, 531, 99), "kappa": (323, 230, 74), "zeta": (580, 107, 27), "gamma": (274, 92, 165),
    "mi": (2, 2, 2), "delta": (4, 5, 1)}


def utc(*times: str) -> pd.Series:
    return pd.Series(pd.to_datetime(list(times), utc=True, format="ISO8601"))


# Four sessions of three visitors; a buys twice in one session, b on the phone.
SESSIONS = pd.DataFrame({
    "visitor_id": ["a", "a", "b", "c"], "session_id": ["a-1", "a-2", "b-1", "c-1"], "pages": [1, 4, 0, 1],
    "duration_seconds": [0.0, 120.0, 30.0, 0.0], "device": ["tv", "tv", "phone", None], "channel": "Direct",
    "start_time": utc("2026-01-05", "2026-01-12", "2026-01-05", "2026-01-11 23:30")})
CONVERSIONS = pd.DataFrame({
    "visitor_id": ["a", "a", "b"], "session_id": ["a-2", "a-2", None], "value": [10.0, 20.0, None],
    "currency": ["GBP", "GBP", None],
    "conversion_time": utc("2026-01-12 00:01", "2026-01-12 00:02", "2026-01-20")})


def column(table: pd.DataFrame, name: str = "value") -> dict[str, float]:
    return dict(zip(table["metric"], table[name]))


def test_the_examples_in_the_docstrings_are_true():
    assert doctest.testmod(module).failed == 0


# Ratios and rates


def test_a_ratio_has_no_value_where_the_denominator_is_0():
    assert ratio(pd.Series([1.0, 0.0, 3.0]), pd.Series([0.0, 0.0, 2.0])).fillna(-1).tolist() == [-1, -1, 1.5]
    assert np.isnan(ratio(np.array([1, 2]), 0)).all() and ratio(np.array([1, 2]), 2).tolist() == [0.5, 1.0]
    assert ratio(0, 4) == 0.0 and isinstance(ratio(np.int64(1), np.int64(4)), float)
    assert all(isinstance(ratio(*pair), Gap) for pair in [(1, 0), (1, float("nan")), (float("nan"), 2)])


@quick
@given(st.integers(0, 2000), st.integers(1, 2000), st.sampled_from([0.5, 0.9, 0.95]))
def test_wilson_bounds_hold_the_rate_and_stay_between_0_and_1(won: int, lost: int, confidence: float):
    value, low, high = rate(won, won + lost, confidence)
    assert 0 <= low <= value <= high <= 1
    mirrored = rate(lost, won + lost, confidence)
    assert (mirrored.low, mirrored.high) == pytest.approx((1 - high, 1 - low))
    assert rate(won, won + lost, confidence=0.99).high >= high


def test_wilson_bounds_are_the_rates_that_the_score_test_would_just_accept():
    def score(p: float) -> float:
        return (7 / 40 - p) ** 2 - 1.959963984540054**2 * p * (1 - p) / 40

    assert rate(7, 40)[1:] == pytest.approx((brentq(score, 1e-9, 7 / 40), brentq(score, 7 / 40, 1 - 1e-9)))


def test_a_rate_needs_trials_and_no_more_successes_than_trials():
    assert isinstance(rate(0, 0), Gap)
    for wrong in [(3, 2), (-1, 2)]:
        with pytest.raises(ConvtrackError, match="is no rate"):
            rate(*wrong)
    with pytest.raises(ConvtrackError, match="Write confidence=0.95"):
        rate(1, 2, confidence=95)


def test_the_mean_of_known_values_has_an_interval_that_does_not_depend_on_their_order():
    values = [5.0, 1.0, 9.0, None, 2.0]
    first, again = (mean_interval(v, np.random.default_rng(3)) for v in (values, values[::-1]))
    assert first == again and first.value == 4.25 and 1 <= first.low < 4.25 < first.high <= 9
    wider = mean_interval(values, np.random.default_rng(3), confidence=0.99)
    assert wider.low <= first.low and wider.high >= first.high


def test_the_bootstrap_interval_is_about_what_theory_says_for_many_values():
    values = np.random.default_rng(1).normal(100, 10, 1000)
    _, low, high = mean_interval(values, np.random.default_rng(2))
    assert high - low == pytest.approx(2 * 1.96 * 10 / 1000**0.5, rel=0.1)


def test_one_value_has_a_mean_without_an_interval_and_none_has_neither():
    value, low, high = mean_interval([7.0], np.random.default_rng(1))
    assert value == 7 and np.isnan([low, high]).all()
    assert isinstance(mean_interval([None], np.random.default_rng(1)), Gap)


# Conversion rates


def test_the_conversion_rates_differ_by_what_they_count():
    table = conversion_rates(SESSIONS, CONVERSIONS, clicks=8)
    assert column(table, "numerator") == {"conversion rate per visitor": 2, "conversion rate per session": 1,
                                          "conversions per session": 2, "conversions per click": 3}
    assert table["denominator"].tolist() == [3, 4, 4, 8]
    assert table["value"].tolist() == [2 / 3, 0.25, 0.5, 3 / 8]
    assert table.loc[0, ["low", "high"]].tolist() == list(rate(2, 3)[1:])
    assert (table.loc[2, "low"], np.isnan(table.loc[3, "low"])) == (0, True)
    assert conversion_rates(SESSIONS, CONVERSIONS, clicks=8, click_conversions=2)["value"].iloc[-1] == 0.25


def test_conversions_per_session_can_exceed_1_and_a_rate_cannot():
    many = pd.DataFrame({"visitor_id": ["a"] * 9, "session_id": ["a-1"] * 9})
    values = column(conversion_rates(SESSIONS.head(2), many))
    assert values["conversions per session"] == 4.5 and values["conversion rate per session"] == 0.5


def test_conversions_without_session_ids_give_no_rate_per_session_and_none_at_all_give_a_true_0():
    unknown = column(conversion_rates(SESSIONS, CONVERSIONS.assign(session_id=None)))
    assert unknown["conversion rate per visitor"] == 2 / 3
    assert np.isnan([unknown["conversion rate per session"], unknown["conversions per session"]]).all()
    assert set(column(conversion_rates(SESSIONS, CONVERSIONS.head(0))).values()) == {0.0}
    assert np.isnan(conversion_rates(SESSIONS, CONVERSIONS, clicks=0)["value"].iloc[-1])
    assert isinstance(conversion_rates(SESSIONS.head(0), CONVERSIONS), Gap)


@quick
@given(st.lists(st.tuples(st.sampled_from("abcx"), st.sampled_from(["1", "2", None])), max_size=12))
def test_every_rate_lies_between_0_and_1_and_no_visitor_is_counted_twice(won: list[tuple]):
    sessions = pd.DataFrame([(v, s) for v in "abc" for s in "12"], columns=["visitor_id", "session_id"])
    conversions = pd.DataFrame(won, columns=["visitor_id", "session_id"])
    table = conversion_rates(sessions, conversions)
    assert table["numerator"].iloc[0] == len({v for v, _ in won} - {"x"})
    if not won or any(s for _, s in won):
        assert table["numerator"].iloc[1] == len({(v, s) for v, s in won if s and v != "x"})
        assert table["numerator"].iloc[2] == sum(1 for v, s in won if s and v != "x")
        assert table["value"].head(2).between(0, 1).all()
    pd.testing.assert_frame_equal(conversion_rates(sessions[::-1], conversions[::-1]), table)


# Values


def test_the_value_summary_says_how_many_values_it_rests_on():
    table = value_summary(CONVERSIONS, np.random.default_rng(1))
    assert column(table) == {"total conversion value": 30, "value per conversion": 15, "median value": 15,
                             "share with a known value": 2 / 3}
    assert list(table) == METRIC_COLUMNS
    assert column(table, "denominator")["value per conversion"] == 2
    row = table.set_index("metric").loc["value per conversion"]
    assert 10 <= row["low"] < 15 < row["high"] <= 20


def test_values_that_are_unknown_or_in_two_currencies_have_no_sum():
    rng = np.random.default_rng(1)
    assert isinstance(value_summary(CONVERSIONS.assign(value=None), rng), Gap)
    mixed = value_summary(CONVERSIONS.assign(currency=["GBP", "EUR", None]), rng)
    assert mixed.sentence == "The values of the conversions are in EUR and GBP, so they have no sum. " \
                             "Convert them to one currency first."
    assert isinstance(value_summary(CONVERSIONS.assign(currency=["GBP", "GBP", "EUR"]), rng), pd.DataFrame)


def test_engagement_by_hand():
    table = engagement(SESSIONS)
    assert column(table) == {"mean session duration": 37.5, "median session duration": 15.0,
                             "pages per session": 1.5, "single-page share": 2 / 3}
    half = 1.959963984540054 * np.std([0, 120, 30, 0], ddof=1) / 2
    row = table.set_index("metric").loc["mean session duration"]
    assert (row["low"], row["high"]) == pytest.approx((max(37.5 - half, 0), 37.5 + half))
    assert np.isnan(column(engagement(SESSIONS.assign(pages=0)))["pages per session"])
    assert isinstance(engagement(SESSIONS.head(0)), Gap)


# Advertising

SPEND = pd.DataFrame({"channel": ["SMS", "SMS", "Display"], "campaign": ["x", "y", "x"], "currency": "GBP",
                      "impressions": [600, 400, 5000], "clicks": [30, 20, 0], "cost": [60.0, 40.0, 50.0]})
CREDIT = pd.DataFrame({"channel": ["SMS", "Direct"], "conversions": [4.0, 2.0], "value": [300.0, 90.0]})


def test_ad_metrics_by_hand():
    sms = ad_metrics(SPEND, CREDIT, margin=0.5).set_index("channel").loc["SMS"].to_dict()
    assert sms == {"impressions": 1000, "clicks": 50, "cost": 100, "ctr": 0.05, "cpc": 2, "cpm": 100,
                   "conversions": 4, "value": 300, "cpa": 25, "roas": 3, "value_per_click": 6, "roi": 0.5}


def test_spend_without_conversions_has_a_return_of_0_and_no_cost_per_acquisition():
    display = ad_metrics(SPEND, CREDIT, margin=0.5).set_index("channel").loc["Display"]
    assert display[["conversions", "roas", "roi", "ctr"]].tolist() == [0, 0, -1, 0]
    assert display[["cpa", "cpc", "value_per_click"]].isna().all()


def test_a_channel_without_spend_has_its_cost_missing_not_0():
    direct = ad_metrics(SPEND, CREDIT).set_index("channel").loc["Direct"]
    assert direct[["conversions", "value"]].tolist() == [2, 90]
    assert direct[["impressions", "clicks", "cost", "cpa", "roas", "ctr", "value_per_click"]].isna().all()


def test_a_free_channel_costs_0_an_acquisition_and_has_no_return_on_spend():
    free = ad_metrics(SPEND.assign(cost=0.0), CREDIT).set_index("channel").loc["SMS"]
    assert free["cpa"] == 0 and np.isnan(free["roas"])


def test_unknown_values_give_no_return_rather_than_a_return_of_0():
    assert ad_metrics(SPEND, CREDIT.assign(value=np.nan))["roas"].isna().all()


def test_ad_metrics_are_there_only_if_their_parts_are():
    assert list(ad_metrics(SPEND, by="campaign")) == [
        "campaign", "impressions", "clicks", "cost", "ctr", "cpc", "cpm"]
    assert "roi" not in ad_metrics(SPEND, CREDIT)
    uncounted = ad_metrics(SPEND.drop(columns=["impressions", "clicks"]))
    assert uncounted[["ctr", "cpc", "cpm"]].isna().all(axis=None)
    assert isinstance(ad_metrics(SPEND.drop(columns="campaign"), by="campaign"), Gap)
    assert isinstance(ad_metrics(SPEND.assign(currency=["GBP", "EUR", "GBP"])), Gap)


def test_credit_of_two_models_and_a_margin_in_per_cent_are_refused():
    two = pd.concat([CREDIT.assign(model="linear"), CREDIT.assign(model="last_touch")])
    with pytest.raises(ConvtrackError, match=r"Choose one: credit\[credit\['model'\] == 'linear'\]"):
        ad_metrics(SPEND, two)
    with pytest.raises(ConvtrackError, match="Write 35 % as margin=0.35"):
        ad_metrics(SPEND, CREDIT, margin=35)


@quick
@given(st.lists(st.tuples(st.sampled_from("ABC"), st.integers(0, 9), st.integers(0, 99)), min_size=1))
def test_spend_adds_up_and_the_order_of_its_rows_changes_nothing(rows: list[tuple]):
    spend = pd.DataFrame(rows, columns=["channel", "clicks", "cost"])
    table = ad_metrics(spend, CREDIT)
    assert table[["clicks", "cost"]].sum().tolist() == spend[["clicks", "cost"]].sum().tolist()
    assert table[["conversions", "value"]].sum().tolist() == [6, 390]
    pd.testing.assert_frame_equal(ad_metrics(spend[::-1], CREDIT[::-1]), table)


# Assisted conversions


def test_a_channel_assists_a_conversion_once_also_when_it_is_last_too():
    journeys = pd.DataFrame({"path": [["A", "B", "A", "A"], ["B"], [], ["C"]],
                             "converted": [True, True, True, False]})
    assert assisted_conversions(journeys).values.tolist() == [["A", 1, 1, 1, 1.0], ["B", 1, 1, 1, 1.0]]
    never_last = assisted_conversions(journeys.assign(path=[["C", "A"]] * 4)).set_index("channel")
    assert never_last.loc["C", "assisted"] == 3 and np.isnan(never_last.loc["C", "assisted_to_last"])
    assert isinstance(assisted_conversions(journeys.tail(2)), Gap)


@quick
@given(st.lists(st.tuples(st.lists(st.sampled_from(["A", "B", "(start)", "A > B"]), min_size=1, max_size=5),
                          st.integers(1, 5)), min_size=1, max_size=10))
def test_last_and_first_add_up_and_assists_agree_with_a_loop(rows: list[tuple]):
    paths = pd.DataFrame(rows, columns=["path", "total_conversions"])
    table = assisted_conversions(paths).set_index("channel")
    total = sum(weight for _, weight in rows)
    assert table[["last", "first"]].sum().tolist() == [total, total]
    for channel, row in table.iterrows():
        assert row["assisted"] == sum(weight for path, weight in rows if channel in path[:-1])
    single = pd.DataFrame({"path": [path for path, weight in rows for _ in range(weight)], "converted": True})
    pd.testing.assert_frame_equal(assisted_conversions(single).set_index("channel"), table)


@pytest.mark.skipif(not PATHDATA.exists(), reason="needs ChannelAttribution's sample paths (GPL-3, so not in "
                    "this repository): set CONVTRACK_REFERENCE_DATA to the folder with pathdata/pathdata.csv")
def test_the_reference_paths_give_the_published_counts():
    paths = pd.read_csv(PATHDATA)
    paths["path"] = paths["path"].str.split(" > ")
    table = assisted_conversions(paths).set_index("channel")
    assert {channel: tuple(row) for channel, *row in
            table[["assisted", "last", "first"]].astype(int).itertuples()} == PATHDATA_COUNTS
    assert table.loc[["alpha", "iota", "zeta"], "assisted_to_last"].round(2).tolist() == [1.13, 1.63, 5.42]


# Segments and cohorts


def test_segment_rates_add_up_to_the_whole_and_keep_the_sessions_of_no_known_segment():
    table = segment_rates(SESSIONS, CONVERSIONS, "device")
    rows = table.iloc[:, :4].fillna("").values.tolist()
    assert rows == [["phone", 1, 0, 0], ["tv", 2, 1, 0.5], ["", 1, 0, 0]]
    assert table.loc[1, ["low", "high"]].tolist() == list(rate(1, 2)[1:])
    assert table[["sessions", "converting_sessions"]].sum().tolist() == [4, 1]


def test_weeks_begin_on_monday_of_the_time_zone():
    monday = pd.Timestamp("2026-01-05")
    assert segment_rates(SESSIONS, CONVERSIONS, "week")["sessions"].tolist() == [3, 1]
    paris = segment_rates(SESSIONS, CONVERSIONS, "week", time_zone="Europe/Paris")
    assert paris.iloc[:, :3].values.tolist() == [[monday, 2, 0], [monday + pd.Timedelta(days=7), 2, 1]]


def test_a_segment_that_nobody_has_or_conversions_without_sessions_are_gaps():
    assert "Closest: 'device'" in segment_rates(SESSIONS, CONVERSIONS, "devices").sentence
    assert isinstance(segment_rates(SESSIONS.assign(device=None), CONVERSIONS, "device"), Gap)
    assert isinstance(segment_rates(SESSIONS, CONVERSIONS.assign(session_id=None), "device"), Gap)


def test_cohorts_by_hand_with_the_future_missing():
    # first seen on 5 January: a, who converts on day 7, and b, on day 15; on 11 January: c, who never does
    table = cohorts(SESSIONS, CONVERSIONS, end=pd.Timestamp("2026-02-02", tz="UTC"))
    assert table["visitors"].tolist() == [3]
    assert table.loc[0, ["week_1", "week_2", "week_3"]].tolist() == [0, 1 / 3, 2 / 3]
    paris = cohorts(SESSIONS, CONVERSIONS, "Europe/Paris", end=pd.Timestamp("2026-02-02", tz="UTC"))
    assert paris["visitors"].tolist() == [2, 1]  # in Paris c came on Monday the 12th
    assert paris["week_2"].iloc[:].tolist()[0] == 0.5 and np.isnan(paris["week_3"].iloc[1])


def test_cohorts_need_a_week_after_the_first_week():
    last_event_on_20_january = cohorts(SESSIONS, CONVERSIONS)
    assert list(last_event_on_20_january) == ["first_week", "visitors", "week_1"]
    assert isinstance(cohorts(SESSIONS, CONVERSIONS, end=pd.Timestamp("2026-01-18", tz="UTC")), Gap)
    end = pd.Timestamp("2026-01-20", tz="UTC")
    assert cohorts(SESSIONS, CONVERSIONS.head(0), end=end)["week_1"].tolist() == [0]
    assert isinstance(cohorts(SESSIONS.head(0), CONVERSIONS), Gap)


@quick
@given(st.lists(st.tuples(st.sampled_from("abcdef"), st.integers(0, 60)), min_size=1, max_size=12),
       st.lists(st.tuples(st.sampled_from("abcdefx"), st.integers(0, 60)), max_size=12))
def test_cohorts_agree_with_counting_visitor_by_visitor(seen: list[tuple], won: list[tuple]):
    day = pd.Timestamp("2026-01-05", tz="UTC") + pd.to_timedelta(np.arange(61), unit="D")
    sessions = pd.DataFrame({"visitor_id": [v for v, _ in seen], "start_time": [day[n] for _, n in seen]})
    times = pd.to_datetime(pd.Series([day[n] for _, n in won]), utc=True)
    conversions = pd.DataFrame({"visitor_id": [v for v, _ in won], "conversion_time": times})
    table = cohorts(sessions, conversions, end=day[60])
    first = {v: min(n for w, n in seen if w == v) for v, _ in seen}
    lags = {v: min([n - first[v] for w, n in won if w == v and n >= first[v]], default=999) for v in first}
    if isinstance(table, Gap):
        assert min(first.values()) // 7 >= 7
        return
    assert table["visitors"].sum() == len(first)
    for monday, row in table.set_index("first_week").iterrows():
        week = (monday - pd.Timestamp("2026-01-05")).days // 7
        mine = [v for v in first if first[v] // 7 == week]
        for k in range(1, len(row)):
            share = sum(lags[v] < 7 * k for v in mine) / len(mine)
            known = 7 * (week + 1 + k) <= 60
            assert row[f"week_{k}"] == share if known else np.isnan(row[f"week_{k}"])


# Cards and gaps


def test_every_card_is_complete_and_every_metric_of_a_table_has_one():
    table = cards()
    assert list(table) == ["metric", "formula", "numerator", "denominator", "misleads"]
    assert (table[["formula", "misleads"]].map(len) > 0).all(axis=None)
    used = pd.concat([conversion_rates(SESSIONS, CONVERSIONS, clicks=1), engagement(SESSIONS),
                      value_summary(CONVERSIONS, np.random.default_rng(1))])
    for row in used.itertuples():
        assert (row.formula, row.numerator_name, row.denominator_name) == CARDS[row.metric][:3]


def test_gaps_pass_through():
    gap = Gap("There is no spend table.")
    assert ad_metrics(gap) is gap and ratio(gap, 2) is gap and rate(gap, 2) is gap and engagement(gap) is gap
    assert ad_metrics(SPEND, credit=gap) is gap and conversion_rates(SESSIONS, CONVERSIONS, clicks=gap) is gap


def test_a_winner_by_luck_is_not_one_again_and_a_true_one_is() -> None:
    rng = np.random.default_rng(3)
    sessions = pd.DataFrame({"visitor_id": np.arange(8000).astype(str), "session_id": "s",
                             "device": np.repeat([f"d{k}" for k in range(20)], 400)})
    lucky = sessions[rng.random(8000) < 0.05]
    draws = winner_again(sessions, lucky, "device", np.random.default_rng(1), least=400, splits=50)
    assert len(draws) == 50 and draws["rate_when_chosen"].mean() > 0.07
    assert draws["rate_again"].mean() < 0.06
    true = sessions[(sessions["device"] == "d7") | (rng.random(8000) < 0.05)]
    again = winner_again(sessions, true, "device", np.random.default_rng(1), splits=5)
    assert set(again["winner"]) == {"d7"} and set(again["rate_again"]) == {1.0}


def test_winners_need_enough_sessions_and_conversions_in_sessions() -> None:
    sessions = pd.DataFrame({"visitor_id": ["a", "b"], "session_id": ["1", "2"], "device": [None, "tv"]}, dtype="str")
    conversions = pd.DataFrame({"visitor_id": ["b"], "session_id": ["2"]})
    few = winner_again(sessions, conversions, "device", np.random.default_rng(1), least=2)
    assert isinstance(few, Gap) and "No device has 2 sessions" in few.reason
    offline = winner_again(sessions, conversions.assign(session_id=None), "device", np.random.default_rng(1))
    assert isinstance(offline, Gap) and "session_id" in offline.reason


# What is not known stays so


MAYBE = st.none() | st.floats(0, 1e6).map(lambda x: round(x, 2))


@quick
@given(costs=st.lists(st.tuples(st.sampled_from("AB"), MAYBE), min_size=1),
       credits=st.fixed_dictionaries({(m, c): MAYBE for m in ("linear", "markov") for c in "AC"}))
def test_a_return_is_missing_exactly_where_credit_or_cost_is(costs: list, credits: dict):
    spend = pd.DataFrame(costs, columns=["channel", "cost"]).astype({"cost": float})
    credit = pd.DataFrame([(*pair, value) for pair, value in credits.items()], columns=["model", "channel", "value"])
    returns = roas_by_model(spend, credit.astype({"value": float}))
    paid = {c: None if None in (of := [x for d, x in costs if d == c]) else sum(of) for c in {c for c, _ in costs}}
    paid = {channel: cost for channel, cost in paid.items() if cost != 0}
    if all(value is None for value in credits.values()):
        assert isinstance(returns, Gap)
        return
    assert set(returns.index) == set(paid)
    for model in returns:
        any_known = any(value is not None for (m, _), value in credits.items() if m == model)
        for channel, cost in paid.items():
            value = credits.get((model, channel), 0.0 if any_known else None)
            known = cost is not None and value is not None
            assert returns.loc[channel, model] == pytest.approx(value / cost if known else np.nan, nan_ok=True)


def test_a_return_in_two_currencies_is_refused():
    spend = pd.DataFrame({"channel": ["A", "A"], "cost": [1.0, 2.0], "currency": ["GBP", "EUR"]})
    credit = pd.DataFrame({"model": "linear", "channel": ["A"], "value": [5.0]})
    assert "EUR and GBP" in roas_by_model(spend, credit).reason
    assert float(roas_by_model(spend.assign(currency="GBP"), credit).loc["A", "linear"]) == pytest.approx(5 / 3)


def test_a_verdict_is_open_where_a_model_has_no_return_and_the_others_agree():
    returns = pd.DataFrame({"linear": [5.0, 1.0, 5.0, np.nan], "markov": [np.nan, np.nan, 1.0, np.nan],
                            "shapley": [4.0, 0.5, np.nan, np.nan]})
    assert verdicts(returns, 2.0)["verdict"].tolist() == ["not known", "not known", "depends on the model", "not known"]
    assert verdicts(returns[["linear"]], 2.0)["verdict"].tolist()[:2] == ["pays by every model", "pays by no model"]
    for wrong in (0, -1, np.nan):
        with pytest.raises(ConvtrackError, match="1 / margin"):
            verdicts(returns, wrong)


@quick
@given(rows=st.lists(st.tuples(st.sampled_from("AB"), MAYBE, MAYBE, MAYBE), min_size=1))
def test_the_sum_of_a_partly_known_column_is_missing_and_so_are_its_ratios(rows: list):
    names = ["impressions", "clicks", "cost"]
    table = ad_metrics(pd.DataFrame(rows, columns=["channel", *names]).astype(dict.fromkeys(names, float)))
    for row in table.itertuples():
        mine = [amounts for channel, *amounts in rows if channel == row.channel]
        sums = {name: np.nan if None in column else sum(column) for name, column in zip(names, zip(*mine))}
        for name, total in sums.items():
            assert getattr(row, name) == pytest.approx(total, nan_ok=True)
        assert row.cpc == pytest.approx(sums["cost"] / sums["clicks"] if sums["clicks"] else np.nan, nan_ok=True)


def test_clicks_of_one_day_of_two_give_no_cost_per_click():
    spend = pd.DataFrame({"channel": "A", "cost": [10.0, 10.0], "clicks": [5.0, None], "impressions": [100, 100]})
    row = ad_metrics(spend).iloc[0]
    assert (row["cost"], row["impressions"], row["cpm"]) == (20.0, 200, 100.0) and np.isnan([row["clicks"], row["cpc"]]).all()


def test_credit_that_is_undefined_gives_no_cost_per_acquisition_of_a_channel_without_a_path():
    spend = pd.DataFrame({"channel": ["A", "B"], "cost": [10.0, 10.0]})
    credit = pd.DataFrame({"channel": ["A"], "conversions": [np.nan], "value": [np.nan]})
    assert ad_metrics(spend, credit)[["conversions", "cpa", "roas"]].isna().all(axis=None)


def test_sessions_of_unknown_length_have_no_mean_length():
    table = engagement(pd.DataFrame({"duration_seconds": [60.0, None], "pages": [1, 2]}))
    assert column(table)["pages per session"] == 1.5
    assert np.isnan([column(table)[f"{what} session duration"] for what in ("mean", "median")]).all()


def test_the_worth_of_a_step_leaves_out_who_brought_something_of_unknown_value_and_needs_one_currency():
    rows = [("lead", "a", 0, None), ("lead", "b", 0, None), ("deal", "a", 1, 100.0), ("deal", "a", 2, None), ("deal", "b", 1, 50.0)]
    won = pd.DataFrame(rows, columns=["goal", "visitor_id", "day", "value"]).assign(currency=["GBP"] * 4 + ["EUR"])
    won["conversion_time"] = pd.Timestamp("2026-01-05", tz="UTC") + pd.to_timedelta(won["day"], unit="D")
    worth = step_worth(won.drop(columns="currency"), "lead", "deal", np.random.default_rng(1))
    assert worth["value"].tolist() == [1.0, 50.0, 50.0]
    assert "EUR and GBP" in step_worth(won, "lead", "deal", np.random.default_rng(1)).reason


def test_counts_of_nothing_and_less_are_refused_where_they_would_be_taken_for_not_given():
    for setting in ({"clicks": -1}, {"clicks": 5, "click_conversions": -1}):
        with pytest.raises(ConvtrackError, match="is no count"):
            conversion_rates(SESSIONS, CONVERSIONS, **setting)
    assert np.isnan(conversion_rates(SESSIONS, CONVERSIONS, clicks=0)["value"].iloc[-1])
    assert conversion_rates(SESSIONS, CONVERSIONS, clicks=4, click_conversions=0)["value"].iloc[-1] == 0
    for setting in ({"least": 0}, {"splits": 0}, {"splits": -1}):
        with pytest.raises(ConvtrackError, match="1 or more"):
            winner_again(SESSIONS, CONVERSIONS.dropna(), "device", np.random.default_rng(1), **setting)
    with pytest.raises(ConvtrackError, match="row 1, column total_conversions: missing"):
        assisted_conversions(pd.DataFrame({"path": [["A"], ["B"]], "total_conversions": [1, None]}))
