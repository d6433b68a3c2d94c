"""A journey is what led to one conversion: the touches of the window before it, in order, and no touch is lost track of."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta

import ibis
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from convtrack.attribution import compare
from convtrack.engine import find_paths
from convtrack.errors import ConvtrackError
from convtrack.gaps import Gap
from convtrack.journeys import account_for_touches, build_journeys, count_paths, find_touches, journeys_of
from convtrack.metrics import roas_by_model
from convtrack.sessions import sessionize
from convtrack.settings import open_study
from hypothesis import given, settings
from hypothesis import strategies as st

START = datetime(2026, 3, 1, tzinfo=UTC)
DAY = 86_400_000_000  # in microseconds, which is what the oracle counts in
WINDOW = 2  # days
ODD_NAMES = [
    "(start)",
    "null",
    "a > b",
    "<script>",
    "Email",
    "(conversion)",
    "\N{LATIN SMALL LETTER E WITH ACUTE}",
]

# Moments that meet each other, and that lie exactly on the window's edge and one microsecond to either side of it.
MOMENTS = st.builds(
    lambda day, step: day * DAY + step, st.integers(0, 5), st.sampled_from([0, 1, -1, 600_000, 3_600_000_000])
)
TOUCHES = st.lists(st.tuples(st.sampled_from("vwx"), MOMENTS, st.sampled_from(ODD_NAMES)), max_size=14)
CONVERSIONS = st.lists(
    st.tuples(st.sampled_from("vwy"), MOMENTS, st.sampled_from([None, 0.0, 12.5])), max_size=6
)


def moments(numbers: list[int]) -> pd.Series:
    return pd.Series([START + timedelta(microseconds=n) for n in numbers], dtype="datetime64[us, UTC]")


def touch_table(touches: list[tuple[str, int, str]]) -> pd.DataFrame:
    visitor, moment, channel = zip(*touches, strict=True) if touches else ([], [], [])
    return pd.DataFrame(
        {
            "visitor_id": pd.Series(visitor, dtype="str"),
            "touch_time": moments(list(moment)),
            "channel": pd.Series(channel, dtype="str"),
        }
    )


def conversion_table(conversions: list[tuple[str, int, float | None]]) -> pd.DataFrame:
    visitor, moment, value = zip(*conversions, strict=True) if conversions else ([], [], [])
    return pd.DataFrame(
        {
            "conversion_id": pd.Series([f"c{i}" for i in range(len(conversions))], dtype="str"),
            "visitor_id": pd.Series(visitor, dtype="str"),
            "conversion_time": moments(list(moment)),
            "value": pd.Series(value, dtype="float64"),
        }
    )


def in_order_of_time(touches: list[tuple]) -> list[tuple]:
    return sorted(touches, key=lambda touch: touch[0])  # of one moment, as they come


def journeys_by_hand(touches, conversions, window: int = WINDOW * DAY) -> dict[str, tuple]:
    """The journeys by going through all pairs: journey_id to (visitor, converted, end, path, microseconds to the end)."""
    found = {}
    for i, (visitor, end, _) in enumerate(conversions):
        seen = in_order_of_time(
            [(t, channel) for who, t, channel in touches if who == visitor and end - window <= t <= end]
        )
        found[f"conversion c{i}"] = (visitor, True, end, [c for _, c in seen], [end - t for t, _ in seen])
    for visitor in {who for who, _, _ in touches}:
        last = max((end for who, end, _ in conversions if who == visitor), default=-(10**20))
        rest = in_order_of_time([(t, channel) for who, t, channel in touches if who == visitor and t > last])
        if rest:
            end = rest[-1][0]
            rest = [(t, channel) for t, channel in rest if t >= end - window]
            found[f"rest of {visitor}"] = (
                visitor,
                False,
                end,
                [c for _, c in rest],
                [end - t for t, _ in rest],
            )
    return found


def as_found(journeys: pd.DataFrame) -> dict[str, tuple]:
    ends = (journeys["end_time"] - pd.Timestamp(START)) // pd.Timedelta(microseconds=1)
    steps = [[round(h * 3_600_000_000) for h in hours] for hours in journeys["hours"]]
    columns = zip(
        journeys["visitor_id"], journeys["converted"].astype(bool), ends, journeys["path"], steps, strict=True
    )
    return dict(zip(journeys["journey_id"], columns, strict=True))


@settings(max_examples=18)
@given(TOUCHES, CONVERSIONS)
def test_journeys_are_those_that_going_through_all_pairs_finds(touches, conversions):
    journeys = build_journeys(touch_table(touches), conversion_table(conversions), WINDOW)
    assert as_found(journeys) == journeys_by_hand(touches, conversions)
    assert journeys["converted"].sum() == len(conversions)
    value = journeys.set_index("journey_id")["value"]
    assert [value[f"conversion c{i}"] for i in range(len(conversions))] == pytest.approx(
        [np.nan if worth is None else worth for _, _, worth in conversions], nan_ok=True
    )
    assert (journeys.loc[~journeys["converted"].astype(bool), "value"] == 0).all()


@settings(max_examples=60)
@given(TOUCHES, CONVERSIONS)
def test_every_touch_is_before_a_conversion_or_on_the_rest_or_outside_and_they_add_up(touches, conversions):
    account = account_for_touches(touch_table(touches), conversion_table(conversions), WINDOW)["touches"]
    before = sum(
        any(who == visitor and 0 <= end - t <= WINDOW * DAY for visitor, end, _ in conversions)
        for who, t, _ in touches
    )
    rest = sum(
        len(path)
        for _, converted, _, path, _ in journeys_by_hand(touches, conversions).values()
        if not converted
    )
    assert account.tolist() == [before, rest, len(touches) - before - rest]


@settings(max_examples=6)
@given(TOUCHES, CONVERSIONS, st.randoms(use_true_random=False))
def test_the_order_of_rows_changes_nothing(touches, conversions, random):
    first, second = touch_table(touches), conversion_table(conversions)
    mixed = [frame.iloc[random.sample(range(len(frame)), len(frame))] for frame in (first, second)]
    pd.testing.assert_frame_equal(build_journeys(*mixed, WINDOW), build_journeys(first, second, WINDOW))
    pd.testing.assert_frame_equal(
        account_for_touches(*mixed, WINDOW), account_for_touches(first, second, WINDOW)
    )


@settings(max_examples=6)
@given(TOUCHES, CONVERSIONS)
def test_renaming_channels_changes_only_names(touches, conversions):
    renamed = [
        (who, t, f"the {channel}") for who, t, channel in touches
    ]  # the same prefix, so ties keep their order
    journeys = build_journeys(touch_table(touches), conversion_table(conversions), WINDOW)
    again = build_journeys(touch_table(renamed), conversion_table(conversions), WINDOW)
    assert again["path"].tolist() == [[f"the {channel}" for channel in path] for path in journeys["path"]]
    pd.testing.assert_frame_equal(again.drop(columns="path"), journeys.drop(columns="path"))


LOG = [("v", 0, "Email"), ("v", 1, "Direct"), ("v", 3 * DAY, "SMS"), ("w", 5, "Email")]
WON = [("v", 2, 9.0), ("w", 2 * DAY + 5, None)]


@pytest.mark.parametrize("unit", ["us", "ns"])
@pytest.mark.parametrize("zone", ["UTC", "Europe/London", "America/New_York"])
@pytest.mark.parametrize("which", ["touches", "conversions"])
def test_the_zone_and_the_unit_of_times_change_nothing(which, zone, unit):
    touches, conversions = touch_table(LOG), conversion_table(WON)
    frame, name = (touches, "touch_time") if which == "touches" else (conversions, "conversion_time")
    frame[name] = frame[name].dt.tz_convert(zone).dt.as_unit(unit)
    assert as_found(build_journeys(touches, conversions, WINDOW)) == journeys_by_hand(LOG, WON)
    assert account_for_touches(touches, conversions, WINDOW)["touches"].tolist() == [3, 1, 0]


def test_a_window_is_counted_in_hours_and_not_in_days_of_the_clock():
    # the night of 29 March 2026 has 23 hours in London: from noon to noon is 23 hours, so a day before is 11:00
    times = pd.Series(
        pd.to_datetime(["2026-03-28 10:59:59.999999", "2026-03-28 11:00:00"], format="ISO8601").tz_localize(
            "Europe/London"
        )
    )
    touches = pd.DataFrame({"visitor_id": "v", "touch_time": times, "channel": ["A", "B"]})
    conversions = pd.DataFrame(
        {
            "conversion_id": ["c"],
            "visitor_id": ["v"],
            "value": [1.0],
            "conversion_time": pd.to_datetime(["2026-03-29 12:00"]).tz_localize("Europe/London"),
        }
    )
    journey = build_journeys(touches, conversions, 1).set_index("journey_id").loc["conversion c"]
    assert (journey["path"], journey["hours"].tolist()) == (["B"], [24.0])


@pytest.mark.parametrize(
    ("touch", "is_on_it"),
    [(0, True), (-1, False), (2 * DAY, True), (2 * DAY + 1, False), (2 * DAY - 400_000, True)],
)
def test_the_window_includes_both_its_ends_and_not_a_microsecond_more(touch, is_on_it):
    journeys = build_journeys(
        touch_table([("v", touch, "A")]), conversion_table([("v", 2 * DAY, 1.0)]), WINDOW
    )
    assert (journeys.set_index("journey_id").loc["conversion c0", "path"] == ["A"]) == is_on_it


@pytest.mark.parametrize(("touch", "path"), [(0, ["A", "B"]), (-1, ["B"])])
def test_the_rest_looks_back_from_the_last_touch_by_the_same_window(touch, path):
    touches = touch_table([("v", touch, "A"), ("v", WINDOW * DAY, "B")])
    assert build_journeys(touches, conversion_table([]), WINDOW)["path"].tolist() == [path]
    assert account_for_touches(touches, conversion_table([]), WINDOW)["touches"].tolist() == [0, len(path), 2 - len(path)]


def test_fractions_of_a_second_count_once():
    # 0.6 s before the hour to 0.1 s after it: 0.7 s = 0.7/3600 hours
    journeys = build_journeys(touch_table([("v", -600_000, "A")]), conversion_table([("v", 100_000, 1.0)]))
    assert [hours.tolist() for hours in journeys["hours"]] == [[pytest.approx(0.7 / 3600, rel=1e-9)]]


@pytest.mark.parametrize("days", [0.7, 1 / 3, 0.1, 29.9])
def test_a_window_of_part_of_a_day_includes_its_limit(days):
    edge = round(days * DAY)
    journeys = build_journeys(touch_table([("v", 0, "A")]), conversion_table([("v", edge, 1.0)]), days)
    assert journeys["path"].tolist() == [["A"]]


def test_touches_of_one_moment_stand_in_the_order_of_their_rows():
    touches = touch_table([("v", 0, "b"), ("v", 0, "a"), ("v", 0, "B"), ("v", 0, "a")])
    assert build_journeys(touches, conversion_table([("v", 0, 1.0)]))["path"].tolist() == [
        ["b", "a", "B", "a"]
    ]


def test_two_conversions_of_a_visitor_each_look_back_on_their_own():
    journeys = build_journeys(
        touch_table([("v", 0, "A"), ("v", 2, "B")]), conversion_table([("v", 1, 5.0), ("v", 3, 7.0)])
    )
    assert journeys[["journey_id", "path", "value"]].values.tolist() == [
        ["conversion c0", ["A"], 5.0],
        ["conversion c1", ["A", "B"], 7.0],
    ]


def test_a_conversion_without_a_touch_has_an_empty_path_and_is_unattributed_and_not_dropped():
    conversions = conversion_table([("v", 5, 10.0), ("stranger", 5, 20.0), ("v", 4 - 3 * DAY, 1.0)])
    journeys = build_journeys(touch_table([("v", 4, "Email")]), conversions, WINDOW)
    without = journeys[journeys["path"].map(len) == 0]
    assert without["journey_id"].tolist() == ["conversion c1", "conversion c2"]
    assert [hours.tolist() for hours in without["hours"]] == [[], []]
    comparison = compare(journeys, ["last_touch"])
    assert (comparison.conversions, comparison.unattributed, comparison.table["conversions"].sum()) == (
        3.0,
        2.0,
        1.0,
    )
    assert comparison.sentence.startswith("3 conversions = 1 credited + 2 unattributed")


def test_conversions_that_all_come_before_any_touch_are_a_gap_that_names_the_window():
    journeys = build_journeys(
        touch_table([("v", 10, "Email")]), conversion_table([("v", 5, 1.0), ("w", 5, 1.0)])
    )
    assert "lookback_days" in compare(journeys, ["last_touch"]).remedy


@pytest.mark.parametrize(("touches", "conversions"), [([], WON), (LOG, []), ([], [])])
def test_no_touches_or_no_conversions_are_journeys_too(touches, conversions):
    journeys = build_journeys(touch_table(touches), conversion_table(conversions), WINDOW)
    assert as_found(journeys) == journeys_by_hand(touches, conversions)
    assert count_paths(journeys)["total_conversions"].sum() == len(conversions)
    assert account_for_touches(touch_table(touches), conversion_table(conversions), WINDOW)[
        "touches"
    ].sum() == len(touches)


def test_an_empty_channel_is_refused_before_it_gets_credit(complaint):
    journeys = build_journeys(touch_table([("v", 0, "")]), conversion_table([("v", 1, 1.0)]))
    assert "empty channel" in complaint(compare, journeys, ["last_touch"])


def test_a_path_can_be_made_of_campaigns_and_touches_without_one_are_left_out():
    touches = touch_table([("v", 0, "Email"), ("v", 1, "Email")]).assign(campaign=["June", None])
    assert build_journeys(touches, conversion_table([("v", 2, 1.0)]), by="campaign")["path"].tolist() == [
        ["June"]
    ]


@pytest.mark.parametrize("days", [0, -1, float("nan"), float("inf")])
def test_a_window_of_nothing_is_refused_wherever_it_can_be_given(days, complaint, study_folder):
    touches, won = touch_table(LOG), conversion_table(WON)
    study = open_study(study_folder())
    in_engine = [ibis.memtable(pa.Table.from_pandas(frame)) for frame in (touches.assign(interaction="click"), won)]
    for call in (
        lambda: build_journeys(touches, won, days),
        lambda: account_for_touches(touches, won, days),
        lambda: find_paths(*in_engine, days),
        lambda: journeys_of(study, lookback_days=days),
    ):
        assert f"{days} days" in (line := complaint(call)) and "above 0" in line


def test_no_kind_of_touch_is_not_taken_for_not_given(complaint, study_folder):
    line = complaint(journeys_of, open_study(study_folder()), interactions=[])
    assert "Without interactions there are no touches" in line and "view, click, visit" in line


def test_values_in_two_currencies_are_not_added_up(complaint):
    won = conversion_table([("v", 5, 1.0), ("w", 5, 2.0), ("x", 5, None)])
    mixed = won.assign(currency=["GBP", "EUR", "USD"])
    assert "EUR and GBP" in complaint(build_journeys, touch_table(LOG), mixed)
    for codes in (["GBP", "GBP", "USD"], ["GBP", None, None]):  # USD stands beside no value
        assert len(build_journeys(touch_table(LOG), won.assign(currency=codes)))


def test_a_column_that_touches_do_not_have_is_answered_with_the_nearest(complaint):
    line = complaint(
        build_journeys, touch_table(LOG).assign(campaign="June"), conversion_table(WON), by="campain"
    )
    assert "'campain'" in line and "Closest: 'campaign'" in line


# ------------------------------------------------------------------------------------------------ paths

JOURNEYS = st.lists(
    st.tuples(st.lists(st.sampled_from(ODD_NAMES), max_size=3), st.booleans(), st.integers(0, 5000)),
    max_size=12,
)


@given(JOURNEYS)
def test_paths_are_counted_as_a_counter_counts_them(journeys):
    table = pd.DataFrame(
        {
            "path": pd.Series([path for path, _, _ in journeys], dtype="object"),
            "converted": pd.Series([won for _, won, _ in journeys], dtype="bool"),
            "value": pd.Series([pennies / 100 for _, _, pennies in journeys], dtype="float64"),
        }
    )
    paths = count_paths(table)
    won = Counter(tuple(path) for path, converted, _ in journeys if converted)
    lost = Counter(tuple(path) for path, converted, _ in journeys if not converted)
    worth = Counter()
    for path, converted, pennies in journeys:
        worth[tuple(path)] += pennies if converted else 0
    rows = {tuple(row.path): row for row in paths.itertuples()}
    assert set(rows) == set(won) | set(lost) and len(rows) == len(paths)
    for path, row in rows.items():
        assert (row.total_conversions, row.total_null, round(100 * row.total_conversion_value)) == (
            won[path],
            lost[path],
            worth[path],
        )
    assert paths["total_conversions"].is_monotonic_decreasing
    assert list(paths) == ["path", "total_conversions", "total_conversion_value", "total_null"]


WORTHS = st.lists(
    st.tuples(st.lists(st.sampled_from("AB"), max_size=2), st.booleans(), st.none() | st.integers(0, 5000)), min_size=1
)


@given(WORTHS.filter(lambda rows: any(path and won for path, won, _ in rows)))
def test_counted_paths_know_a_value_where_the_journeys_do_and_say_how_many_it_covers(rows):
    journeys = pd.DataFrame(rows, columns=["path", "converted", "value"]).astype({"value": "float64"})
    paths = count_paths(journeys)
    for row in paths.itertuples():
        worths = [value for path, won, value in rows if won and path == row.path]
        known = [value for value in worths if value is not None]
        assert row.total_conversion_value == pytest.approx(np.nan if worths and not known else sum(known), nan_ok=True)
        assert getattr(row, "total_valued", None) in (len(known), None)
        assert "total_valued" in paths or not 0 < len(known) < len(worths)
    each, counted = compare(journeys, ["linear"]), compare(paths, ["linear"])
    unknown = sum(won and value is None for _, won, value in rows)
    assert each.unvalued == counted.unvalued == unknown
    assert counted.value == pytest.approx(each.value, nan_ok=True)
    assert np.isnan(each.value) == (unknown == each.conversions)
    values = [found.table.set_index("channel")["value"].to_dict() for found in (each, counted)]
    assert values[1] == pytest.approx(values[0], nan_ok=True)
    partly = 0 < unknown < each.conversions
    assert any("is not known; value covers the other" in line for line in each.warnings) == partly
    assert ("valued" in each.as_json()) == partly and each.warnings == counted.warnings


def test_journeys_without_any_known_value_have_paths_of_unknown_value_and_no_return_of_0():
    journeys = pd.DataFrame({"path": [["A"], ["A"]], "converted": [True, False], "value": [None, None]})
    for paths in (count_paths(journeys), count_paths(journeys.drop(columns="value"))):
        assert paths["total_conversion_value"].isna().all()
        table = compare(paths, ["linear"]).table
        assert isinstance(roas_by_model(pd.DataFrame({"channel": ["A"], "cost": [5.0]}), table), Gap)


# ------------------------------------------------------------------------------------------------ touches


def events_of(rows: list[tuple], columns: list[str]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=["visitor_id", "minute", *columns])
    frame["event_time"] = pd.Timestamp(START) + pd.to_timedelta(frame.pop("minute"), unit="min")
    return frame


def test_touches_are_the_rows_with_one_of_the_interactions_asked_for_in_order_of_time():
    events = events_of(
        [
            ("v", 2, "Email", "click"),
            ("v", 1, "Display", "view"),
            ("v", 3, None, None),
            ("w", 0, "Direct", "visit"),
            ("v", 4, "Email", "open"),
            ("v", 5, None, "click"),
        ],
        ["channel", "interaction"],
    )
    assert find_touches(events)["channel"].tolist() == ["Direct", "Email"]
    assert find_touches(events, ("view", "click"))[["channel", "interaction"]].values.tolist() == [
        ["Display", "view"],
        ["Email", "click"],
    ]
    assert find_touches(events).columns.tolist() == [
        "visitor_id",
        "touch_time",
        "channel",
        "campaign",
        "interaction",
    ]


def test_without_interactions_a_touch_is_a_session_s_first_channel_and_each_change_of_it():
    events = events_of(
        [
            ("v", 0, "A", "s1"),
            ("v", 1, "A", "s1"),
            ("v", 2, "B", "s1"),
            ("v", 3, "A", "s1"),
            ("v", 4, None, "s1"),
            ("v", 5, "A", "s2"),
            ("w", 5, "A", "s3"),
        ],
        ["channel", "session_id"],
    )
    found = find_touches(events)
    assert found[["visitor_id", "channel"]].agg("".join, axis=1).tolist() == ["vA", "vB", "vA", "vA", "wA"]
    assert set(found["interaction"]) == {"visit"}


def test_without_session_ids_half_an_hour_of_silence_begins_a_new_touch():
    # 30 minutes is still the same session, one more is not
    events = events_of([("v", 0, "A"), ("v", 30, "A"), ("v", 61, "A"), ("w", 61, "A")], ["channel"])
    assert find_touches(events)["touch_time"].tolist() == [
        pd.Timestamp(START) + pd.Timedelta(minutes=m) for m in (0, 61, 61)
    ]


def visits_of(rows: list[tuple]) -> pd.DataFrame:
    return events_of(rows, ["event_name", "channel", "value"])


def test_a_visit_that_names_no_channel_is_a_touch_of_direct_exactly_as_it_is_a_session_of_it():
    events = visits_of(
        [
            ("v", 0, "page_view", "Email", 0),
            ("v", 1, "page_view", None, 0),
            ("v", 100, "page_view", None, 0),
            ("v", 101, "purchase", None, 40),
            ("w", 0, "page_view", None, 0),
            ("w", 1, "page_view", "SMS", 0),
        ]
    )
    found = find_touches(events)
    assert found[["visitor_id", "channel"]].values.tolist() == [["v", "Email"], ["w", "SMS"], ["v", "Direct"]]
    assert sessionize(events)["channel"].value_counts().to_dict() == found["channel"].value_counts().to_dict()


def test_a_conversion_that_was_reported_without_a_visit_is_no_touch_of_direct():
    events = visits_of([("v", 0, "ad", "Email", None), ("v", 100, "purchase", None, 40), ("v", 200, "Kauf", None, 40)])
    assert find_touches(events)["channel"].tolist() == ["Email"]
    assert sessionize(events)["channel"].tolist() == ["Email", "Unassigned", "Unassigned"]


def test_columns_for_channels_that_are_empty_are_named_and_not_asked_for_again():
    empty = visits_of([("v", 0, "page_view", None, None)]).assign(utm_source=None, utm_medium=None)
    assert "channel, utm_source, utm_medium are empty in every row" in find_touches(empty).sentence
    assert "Map a column to `channel`" in find_touches(empty[["visitor_id", "event_time", "event_name"]]).sentence


@given(st.randoms(use_true_random=False))
def test_touches_do_not_depend_on_the_order_of_the_events(random):
    events = events_of(
        [
            ("v", 0, "A", None),
            ("v", 1, "B", None),
            ("w", 1, "A", None),
            ("v", 90, "B", None),
            ("w", 2, "B", None),
        ],
        ["channel", "campaign"],
    )
    mixed = events.iloc[random.sample(range(len(events)), len(events))]
    pd.testing.assert_frame_equal(find_touches(mixed), find_touches(events))


def test_an_interaction_that_is_none_is_answered_with_the_nearest(complaint):
    line = complaint(find_touches, events_of([("v", 0, "A", "click")], ["channel", "interaction"]), ("clik",))
    assert "'clik'" in line and "Closest: 'click'" in line and "delivery" in line


def test_touches_with_a_time_and_no_zone_are_not_taken_for_utc():
    naive = touch_table(LOG).assign(touch_time=lambda t: t["touch_time"].dt.tz_localize(None))
    with pytest.raises((TypeError, ConvtrackError)):
        build_journeys(naive, conversion_table(WON))


def test_first_sessions_of_two_visitors_are_two_sessions():
    events = events_of([("v", 0, "Email", "1"), ("w", 1, "Email", "1"), ("w", 2, "Email", "1")], ["channel", "session_id"])
    assert find_touches(events)["visitor_id"].tolist() == ["v", "w"]


def test_one_visitor_with_very_many_touches_and_conversions_is_taken_in_parts(monkeypatch):
    # 60 touches a minute apart and 40 conversions after all of them: 2,400 touches on journeys, here in parts of at most 500
    touches = touch_table([("bot", minute * 60_000_000, "Email" if minute % 3 else "SMS") for minute in range(60)])
    conversions = conversion_table([("bot", DAY // 2 + n * 60_000_000, 1.0) for n in range(40)])
    whole = build_journeys(touches, conversions, WINDOW)
    monkeypatch.setattr("convtrack.journeys.AT_ONCE", 500)
    pd.testing.assert_frame_equal(build_journeys(touches, conversions, WINDOW), whole)
    assert whole.loc[whole["converted"], "path"].map(len).tolist() == [60] * 40
