"""A gap never becomes a number, whatever is done with it; an error is one line."""

from __future__ import annotations

import copy
import math
import operator
import pickle

import numpy as np
import pandas as pd
import pytest
from convtrack import attribution, channels, goals, journeys
from convtrack.errors import ConvtrackError, nearest
from convtrack.gaps import GAP_MARK, Gap, gap_of, passes_gaps
from hypothesis import given
from hypothesis import strategies as st

GAP = Gap("There is no spend table.", "Add `spend` to study.yaml.")
BINARY = [
    operator.add,
    operator.sub,
    operator.mul,
    operator.truediv,
    operator.floordiv,
    operator.mod,
    operator.pow,
    operator.lt,
    operator.le,
    operator.gt,
    operator.ge,
    operator.eq,
    operator.ne,
    operator.and_,
    operator.or_,
]
NUMBERS = [
    2,
    2.5,
    True,
    np.float64(3),
    np.int64(3),
    np.array([1.0, 2.0]),
    pd.Series([1.0, 2.0]),
    pd.DataFrame({"a": [1.0]}),
]
LEFT = BINARY[:-2]


@pytest.mark.parametrize("operation", BINARY, ids=lambda f: f.__name__)
def test_a_gap_on_the_left_of_any_operation_stays_the_gap(operation):
    assert operation(GAP, 3) is GAP


@pytest.mark.parametrize("operation", LEFT, ids=lambda f: f.__name__)
@pytest.mark.parametrize("number", NUMBERS, ids=lambda n: type(n).__name__)
def test_a_gap_on_the_right_of_any_number_array_or_table_stays_the_gap(operation, number):
    assert operation(number, GAP) is GAP


@pytest.mark.parametrize(
    "use",
    [
        lambda g: g.cost,
        lambda g: g["cost"],
        lambda g: g[0],
        lambda g: g[1:3],
        lambda g: g(),
        lambda g: g.groupby("a")["b"].sum(),
        lambda g: -g,
        lambda g: abs(g),
        lambda g: round(g, 2),
        lambda g: ~g,
        lambda g: sum([g, 1]),
        lambda g: g.loc["a", "b"] / 2,
    ],
)
def test_whatever_a_lesson_asks_of_a_gap_gives_the_same_gap(use):
    assert use(GAP) is GAP


@pytest.mark.parametrize("number", [float, int, complex, math.floor, operator.index])
def test_a_gap_cannot_be_turned_into_a_number(number):
    with pytest.raises(TypeError):
        number(GAP)


@pytest.mark.parametrize("spec", ["", ",.0f", ".1%", "+.2f", ">10"])
def test_a_gap_in_a_sentence_prints_the_mark_and_never_a_figure(spec):
    assert format(GAP, spec) == str(GAP) == GAP_MARK
    assert not any(sign.isdigit() for sign in GAP_MARK)


def test_a_gap_is_false_so_that_it_can_be_asked_for():
    assert not GAP
    assert not (GAP == GAP)  # a comparison with what is missing is missing too


def test_a_gap_says_what_is_missing_and_then_what_to_do():
    assert GAP.sentence == "There is no spend table. Add `spend` to study.yaml."
    assert Gap("There is no spend table.").sentence == "There is no spend table."


@pytest.mark.parametrize("copied", [copy.copy(GAP), copy.deepcopy(GAP), pickle.loads(pickle.dumps(GAP))])
def test_a_copied_or_stored_gap_still_says_its_sentence(copied):
    assert isinstance(copied, Gap)
    assert copied.sentence == GAP.sentence


def test_a_gap_offers_no_display_of_its_own_to_a_notebook():
    assert getattr(GAP, "_repr_html_", None) is None


@given(st.lists(st.one_of(st.none(), st.integers(), st.just("a table")), max_size=5), st.integers(0, 5))
def test_gap_of_finds_the_first_gap_wherever_it_stands(things, place):
    other = Gap("Another one.")
    assert gap_of(*things) is None
    assert gap_of(*things[:place], GAP, *things[place:], other) is GAP


def test_a_function_that_passes_gaps_does_not_run_on_one():
    @passes_gaps
    def share(part, whole=1):
        """The share."""
        raise AssertionError("ran on a gap")

    assert share(GAP) is GAP
    assert share(1, whole=GAP) is GAP
    assert (share.__name__, share.__doc__) == ("share", "The share.")


TABLE = pd.DataFrame({"visitor_id": ["v"]})
CALLS = [
    lambda: channels.assign_channels(GAP),
    lambda: channels.with_channels(GAP),
    lambda: goals.mark_conversions(GAP, {}),
    lambda: goals.find_conversions(GAP, {}),
    lambda: goals.count_firings(GAP, {}),
    lambda: journeys.find_touches(GAP),
    lambda: journeys.build_journeys(GAP, TABLE),
    lambda: journeys.build_journeys(TABLE, GAP),
    lambda: journeys.count_paths(GAP),
    lambda: journeys.account_for_touches(TABLE, conversions=GAP),
    lambda: attribution.as_paths(GAP),
    lambda: attribution.compare(GAP, ["linear"]),
]


@pytest.mark.parametrize("call", CALLS)
def test_every_stage_hands_a_missing_table_on_as_the_gap(call):
    assert call() is GAP


def test_events_without_channels_give_a_gap_that_names_the_columns_to_map():
    events = pd.DataFrame({"visitor_id": ["v"], "event_time": pd.to_datetime(["2026-01-05"], utc=True)})
    gap = journeys.find_touches(events)
    assert isinstance(gap, Gap)
    assert "channel" in gap.sentence and "utm_source" in gap.sentence
    assert attribution.compare(journeys.count_paths(journeys.build_journeys(gap, TABLE))) is gap


@given(st.text())
def test_an_error_is_one_line_whatever_the_file_holds(text):
    line = str(ConvtrackError(f"events.csv, row 2: '{text}' is not a time."))
    assert len(line.splitlines()) == 1


@pytest.mark.parametrize(
    ("typed", "choices", "offered"),
    [
        ("event_tiem", ["event_time", "visitor_id"], "event_time"),
        ("eventTime", ["event_time", "visitor_id"], "event_time"),
        ("EventTime", ["visitorId", "eventTime"], "eventTime"),
        ("purchse", ["purchase", "page_view"], "purchase"),
    ],
)
def test_the_nearest_name_is_offered_in_its_own_spelling(typed, choices, offered):
    assert nearest(typed, choices) == f" Closest: '{offered}'."


def test_no_name_is_offered_where_none_is_near():
    assert nearest("zzz", ["event_time"]) == nearest("event_time", []) == ""
