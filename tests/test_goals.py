"""Every firing of a goal's event is counted, or is a test, a repeat, or one more than the goal allows; nothing else."""

from __future__ import annotations

import math

import pandas as pd
import pytest
from convtrack.goals import (
    CONVERSION_COLUMNS,
    KINDS,
    Goal,
    count_firings,
    find_conversions,
    goal_table,
    mark_conversions,
    missing_events,
)
from hypothesis import given, settings
from hypothesis import strategies as st

NAMES = ["purchase", "lead_form", "page_view"]
EVENT = st.fixed_dictionaries(
    {
        "event_name": st.sampled_from(NAMES),
        "minute": st.integers(0, 5),
        "visitor_id": st.sampled_from(["v1", "v2"]),
        "session_id": st.sampled_from([None, "s1", "s2"]),
        "transaction_id": st.sampled_from([None, "t1", "t2"]),
        "is_test": st.sampled_from([None, True, False]),
        "value": st.sampled_from([None, 5.0, 7.25]),
    }
)
SURE = [
    {
        "event_name": name,
        "minute": 0,
        "visitor_id": "v9",
        "session_id": "s9",
        "transaction_id": None,
        "is_test": None,
        "value": 1.0,
    }
    for name in NAMES[:2]
]  # so that no goal is without an event
LOGS = st.lists(EVENT, max_size=15).map(lambda events: SURE + events)
GOALS = st.builds(
    lambda once, worth: {
        "sale": Goal(event="purchase", kind="site", value="column", once_per=once),
        "lead": Goal(event="lead_form", kind="site", value=worth, once_per="visitor"),
    },
    st.sampled_from(["event", "session", "visitor"]),
    st.sampled_from([40.0, "none"]),
)


def table(log: list[dict]) -> pd.DataFrame:
    frame = pd.DataFrame(log).assign(event_id=[f"e{i:02}" for i in range(len(log))])
    frame["event_time"] = pd.Timestamp("2026-01-05T10:00Z") + pd.to_timedelta(frame.pop("minute"), unit="min")
    return frame.astype(
        {"session_id": "str", "transaction_id": "str", "is_test": "boolean", "value": "float64"}
    )


def statuses(log: list[dict], goal: Goal) -> dict[str, str]:
    """What becomes of each firing, found by going through the log in order of time."""
    numbered = sorted(
        (event["minute"], f"e{i:02}", event)
        for i, event in enumerate(log)
        if event["event_name"] == goal.event
    )
    found, orders, keys = {}, set(), set()
    for _, name, event in numbered:
        order, key = event["transaction_id"], event.get(f"{goal.once_per}_id")
        if event["is_test"]:
            found[name] = "test"
        elif order is not None and order in orders:
            found[name] = "repeat"
        elif goal.once_per != "event" and key is not None and key in keys:
            found[name] = "again"
        else:
            found[name] = "counted"
        if found[name] == "counted":
            orders.add(order)
            keys.add(key)
    return found


@given(LOGS, GOALS)
def test_each_firing_has_the_status_that_the_rules_give_one_by_one(log, goals):
    marked = mark_conversions(table(log), goals)
    for name, goal in goals.items():
        rows = marked[marked["goal"] == name]
        assert dict(zip(rows["event_id"], rows["status"], strict=True)) == statuses(log, goal)


@pytest.mark.parametrize(("once", "said"), [
    ("event", ["counted", "counted", "repeat", "repeat"]), ("visitor", ["counted", "again", "counted", "repeat"]),
    ("session", ["counted", "again", "counted", "repeat"])])
def test_an_order_that_did_not_count_is_no_repeat_the_next_time(once, said):
    """By hand: v orders t1 and t2 in one visit, and once a visitor or session only t1 counts; then t2 is w's, and seen again."""
    rows = [("v", "s1", "t1"), ("v", "s1", "t2"), ("w", "s2", "t2"), ("x", "s3", "t2")]
    log = [{"event_name": "purchase", "minute": minute, "visitor_id": visitor, "session_id": session, "transaction_id": order,
            "is_test": False, "value": 1.0} for minute, (visitor, session, order) in enumerate(rows)]
    goals = {"sale": Goal(event="purchase", kind="site", value="column", once_per=once)}
    assert mark_conversions(table(log), goals)["status"].tolist() == said


@pytest.mark.parametrize("kind", ["boolean", "object"])
def test_a_flag_with_gaps_narrows_a_goal_as_a_flag(kind):
    rows = [{"event_name": "purchase", "minute": minute, "visitor_id": "v", "session_id": "s", "transaction_id": None, "is_test": flag,
             "value": 1.0} for minute, flag in enumerate([False, True, None])]
    events = table(rows)
    goals = {"sale": Goal(event="purchase", kind="site", value="column", once_per="event", where={"is_test": "false"})}
    assert find_conversions(events.astype({"is_test": kind}), goals)["event_id"].tolist() == ["e00"]


@settings(max_examples=20)
@given(LOGS, GOALS)
def test_fired_is_counted_plus_test_plus_repeat_plus_again(log, goals):
    counts = count_firings(table(log), goals)
    assert counts.index.tolist() == list(goals)
    assert counts.columns.tolist() == ["fired", "counted", "test", "repeat", "again"]
    for name, goal in goals.items():
        assert counts.loc[name, "fired"] == sum(event["event_name"] == goal.event for event in log)
        assert counts.loc[name, "fired"] == counts.loc[name, ["counted", "test", "repeat", "again"]].sum()
        assert counts.loc[name, "counted"] == (find_conversions(table(log), goals)["goal"] == name).sum()


@settings(max_examples=20)
@given(LOGS, GOALS, st.randoms(use_true_random=False))
def test_the_order_of_rows_changes_nothing(log, goals, random):
    events = table(log)
    shuffled = events.iloc[random.sample(range(len(events)), len(events))]
    pd.testing.assert_frame_equal(find_conversions(shuffled, goals), find_conversions(events, goals))


@given(LOGS, st.sampled_from(["session", "visitor"]))
def test_a_visitor_or_session_converts_once_at_most_where_the_goal_says_so(log, once):
    goal = {"sale": Goal(event="purchase", kind="site", value="none", once_per=once)}
    assert find_conversions(table(log), goal)[f"{once}_id"].dropna().is_unique


@settings(max_examples=12)
@given(LOGS)
def test_each_goal_is_counted_as_if_it_were_the_only_one(log):
    goals = {
        "sale": Goal(event="purchase", kind="site", value="column", once_per="visitor"),
        "sale again": Goal(event="purchase", kind="site", value="column", once_per="event"),
        "lead": Goal(event="lead_form", kind="site", value=3, once_per="session"),
    }
    together = find_conversions(table(log), goals)
    for name, goal in goals.items():
        alone = find_conversions(table(log), {name: goal})
        assert together.loc[together["goal"] == name, "event_id"].tolist() == alone["event_id"].tolist()
    assert together["conversion_id"].is_unique


@given(LOGS)
def test_conversions_keep_who_when_which_order_and_how_much(log):
    events = table(log).set_index("event_id")
    found = find_conversions(
        table(log), {"sale": Goal(event="purchase", kind="site", value="column", once_per="event")}
    )
    assert found.columns.tolist() == CONVERSION_COLUMNS
    for conversion in found.itertuples():
        event = events.loc[conversion.event_id]
        assert (conversion.conversion_time, conversion.visitor_id) == (
            event["event_time"],
            event["visitor_id"],
        )
        assert str(conversion.transaction_id) == str(event["transaction_id"])
        assert conversion.value == event["value"] or (
            math.isnan(conversion.value) and math.isnan(event["value"])
        )


TWO = pd.DataFrame(
    {
        "event_id": ["a", "b"],
        "event_name": "purchase",
        "visitor_id": ["v", "w"],
        "value": [5.0, float("nan")],
        "event_time": pd.to_datetime(["2026-01-05T10:00Z", "2026-01-05T11:00Z"]),
    }
)


@pytest.mark.parametrize(
    ("value", "worth"), [("column", [5.0, None]), (40, [40.0, 40.0]), (0, [0.0, 0.0]), ("none", [None, None])]
)
def test_a_conversion_is_worth_what_the_goal_says_and_unknown_is_not_zero(value, worth):
    found = find_conversions(
        TWO, {"sale": Goal(event="purchase", kind="site", value=value, once_per="event")}
    )
    assert [None if math.isnan(v) else v for v in found["value"]] == worth


def test_a_goal_worth_its_column_is_of_unknown_worth_where_the_events_have_none():
    found = find_conversions(
        TWO.drop(columns="value"),
        {"sale": Goal(event="purchase", kind="site", value="column", once_per="event")},
    )
    assert found["value"].isna().all() and len(found) == 2


def test_a_page_loaded_again_is_a_repeat_and_the_shop_s_own_order_is_a_test():
    # three firings of order t1: the shop tries it first, then a customer buys, then the thank-you page is loaded again
    events = pd.DataFrame(
        {
            "event_id": ["a", "b", "c"],
            "event_name": "purchase",
            "visitor_id": "v",
            "transaction_id": "t1",
            "is_test": [True, False, None],
            "event_time": pd.to_datetime(["2026-01-05"] * 3, utc=True),
        }
    )
    goals = {"sale": Goal(event="purchase", kind="site", value="none", once_per="event")}
    assert mark_conversions(events, goals)["status"].tolist() == ["test", "counted", "repeat"]


def test_a_goal_can_be_narrowed_to_rows_with_a_word_in_a_column():
    events = TWO.assign(country=["GB", "IE"])
    goals = {
        "sale": Goal(event="purchase", kind="site", value="column", once_per="event", where={"country": "IE"})
    }
    assert find_conversions(events, goals)["event_id"].tolist() == ["b"]


def test_a_column_that_a_goal_is_narrowed_by_must_be_there(complaint):
    goals = {
        "sale": Goal(event="purchase", kind="site", value="column", once_per="event", where={"visitor": "v"})
    }
    line = complaint(find_conversions, TWO, goals)
    assert "goals: sale: where" in line and "Closest: 'visitor_id'" in line


def goal(event: str = "purchase", once_per: str = "event", **where: object) -> dict[str, Goal]:
    return {"sale": Goal(event=event, kind="site", value="column", once_per=once_per, where=where)}


@pytest.mark.parametrize("once_per", ["event", "session", "visitor"])
def test_a_goal_whose_event_did_not_happen_counts_0_and_the_others_stand(once_per):
    goals = {**goal(), "sign-up": goal("sign_up", once_per)["sale"]}
    assert find_conversions(TWO, goals)["goal"].tolist() == ["sale", "sale"]
    counts = count_firings(TWO, goals)
    assert counts.loc["sign-up"].tolist() == [0, 0, 0, 0, 0] and counts.loc["sale", "counted"] == 2
    assert missing_events(TWO, goals) == ["goal sign-up: no event is called 'sign_up', so it counts 0"]


def test_where_no_goal_has_an_event_there_are_no_conversions_of_the_same_types():
    none, some = (find_conversions(TWO, goal(event)) for event in ("sign_up", "purchase"))
    assert none.empty and none.columns.tolist() == CONVERSION_COLUMNS
    assert none["value"].dtype == some["value"].dtype and none["conversion_time"].dtype == some["conversion_time"].dtype
    assert count_firings(TWO, goal("sign_up"))["fired"].tolist() == [0]


def test_a_misspelt_event_counts_0_with_the_nearest_name():
    assert missing_events(TWO, goal("purchse")) == [
        "goal sale: no event is called 'purchse', so it counts 0. Closest: 'purchase'"
    ]
    assert missing_events(TWO, goal()) == []


MIXED = TWO.assign(
    channel=["Email", None], interaction=["click", None], is_test=pd.array([True, None], "boolean"), items=[20, 3]
)


@pytest.mark.parametrize(
    ("where", "says"),
    [
        ({"chanel": "Email"}, "the events have no column 'chanel'. Closest: 'channel'."),
        ({"channel": "email"}, "channel: no event has 'email'. Closest: 'Email'."),
        ({"channel": "Emial"}, "channel: no event has 'Emial'. Closest: 'Email'."),
        ({"interaction": "clik"}, "interaction: no event has 'clik'. Closest: 'click'."),
        ({"interaction": "fax"}, "interaction: no event has 'fax'."),
        ({"value": "twenty"}, "value: 'twenty' is not a number"),
        ({"is_test": "perhaps"}, "is_test: 'perhaps' is not true or false"),
    ],
)
def test_a_condition_that_names_nothing_is_refused_with_the_nearest(where, says, complaint):
    for counted in (find_conversions, mark_conversions, count_firings):
        line = complaint(counted, MIXED, goal(**where))
        assert line.startswith("study.yaml, goals: sale: where:") and says in line


@pytest.mark.parametrize(
    ("where", "found"),
    [
        ({"value": "5"}, ["a"]),
        ({"value": 5}, ["a"]),
        ({"items": 20}, ["a"]),
        ({"value": 5.5}, []),
        ({"interaction": "visit"}, []),
        ({"channel": "Direct"}, []),
        ({"channel": "Zeppelin"}, []),
        ({"channel": "Email", "items": "20"}, ["a"]),
    ],
)
def test_a_condition_is_compared_as_its_column_is_and_one_that_did_not_happen_counts_0(where, found):
    events = MIXED.drop(columns="is_test")
    assert find_conversions(events, goal(**where))["event_id"].tolist() == found


def test_a_flag_can_be_a_condition():
    marked = mark_conversions(MIXED, goal(is_test=True))
    assert marked["event_id"].tolist() == ["a"]


def test_once_per_session_needs_sessions(complaint):
    goals = {"sale": Goal(event="purchase", kind="site", value="column", once_per="session")}
    assert "once_per: session needs session_id" in complaint(find_conversions, TWO, goals)


def test_the_table_of_goals_has_a_row_for_each_and_kinds_are_explained():
    goals = {
        "sale": Goal(event="purchase", kind="site", value="column", once_per="event", why="it pays the rent"),
        "lead": Goal(event="lead_form", kind="offline", value=40, once_per="visitor"),
    }
    shown = goal_table(goals)
    assert shown.index.tolist() == ["sale", "lead"]
    assert shown.loc["sale", "why"] == "it pays the rent"
    assert set(shown["kind"]) <= set(KINDS)
    assert set(KINDS) == {"site", "ad", "opt_in", "app", "offline"}  # the five kinds of lesson 01


def test_once_per_session_means_a_session_of_a_visitor_and_not_all_sessions_of_that_number():
    events = pd.DataFrame(
        {
            "event_id": ["a", "b", "c"],
            "event_name": "purchase",
            "event_time": pd.date_range("2026-01-05", periods=3, freq="h", tz="UTC"),
            "visitor_id": ["v", "w", "w"],
            "session_id": "1",
        }
    )
    sale = {"sale": Goal(event="purchase", kind="site", value=1, once_per="session")}
    assert mark_conversions(events, sale)["status"].tolist() == ["counted", "counted", "again"]


@pytest.mark.parametrize(
    ("ids", "kept"),
    [
        pytest.param(["100", "99"], "99", id="numbers"),
        pytest.param(["e100", "e99"], "e99", id="numbers behind the same letters"),
        pytest.param(["b", "a"], "b", id="the row of the file"),
        pytest.param(["b2", "a1"], "b2", id="numbers behind other letters"),
    ],
)
def test_of_two_firings_in_one_moment_the_one_that_came_first_counts(ids, kept):
    events = pd.DataFrame({"event_id": ids, "event_name": "purchase", "visitor_id": "v", "transaction_id": "t1"})
    events["event_time"] = pd.Timestamp("2026-01-05", tz="UTC")
    sale = {"sale": Goal(event="purchase", kind="site", value=1, once_per="event")}
    assert find_conversions(events, sale)["event_id"].tolist() == [kept]
