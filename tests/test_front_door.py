"""Every function of the front door takes a user's own table: a missing column is one line, and ids may be of any type."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import convtrack as ct
import numpy as np
import pandas as pd
import pytest
from convtrack.ids import ID_COLUMNS, text_ids
from convtrack.schema import TABLES

TIMES = pd.to_datetime(["2026-01-05 10:00", "2026-01-05 10:05", "2026-01-06 09:00"], utc=True).as_unit("us")
EVENTS = pd.DataFrame({
    "event_id": ["1", "2", "3"], "event_name": ["session_start", "purchase", "session_start"], "event_time": TIMES,
    "visitor_id": ["7", "7", "8"], "session_id": ["1", "1", "2"], "channel": ["Email", None, "Direct"],
    "interaction": ["click", None, "visit"], "value": [np.nan, 20.0, np.nan], "transaction_id": [None, "1001", None]})
GOALS = {"sale": ct.Goal(event="purchase", kind="site", value="column", once_per="event")}
TOUCHES = pd.DataFrame({"visitor_id": ["7", "8"], "touch_time": TIMES[[0, 2]], "channel": ["Email", "Direct"]})
WON = pd.DataFrame({"conversion_id": ["2"], "visitor_id": ["7"], "session_id": ["1"], "conversion_time": TIMES[[1]], "value": [20.0]})
JOURNEYS = pd.DataFrame({"visitor_id": ["7", "8"], "converted": [True, False], "end_time": TIMES[[1, 2]], "value": [20.0, 0.0],
                         "path": [["Email"], ["Direct"]], "hours": [[0.1], [0.0]]})
ORDERS = pd.DataFrame({"transaction_id": ["1"], "order_time": TIMES[[0]], "value": [9.5], "status": ["paid"]})
CALLS: dict[str, tuple[Callable[..., Any], list[pd.DataFrame]]] = {
    "validate": (lambda table: ct.validate(table, "orders"), [ORDERS]),
    "assign_channels": (ct.assign_channels, [EVENTS]),
    "assign_sessions": (ct.assign_sessions, [EVENTS.drop(columns="session_id")]),
    "sessionize": (ct.sessionize, [EVENTS]),
    "has_conversion": (ct.has_conversion, [EVENTS, WON]),
    "count_firings": (lambda table: ct.count_firings(table, GOALS), [EVENTS]),
    "find_conversions": (lambda table: ct.find_conversions(table, GOALS), [EVENTS]),
    "mark_conversions": (lambda table: ct.mark_conversions(table, GOALS), [EVENTS]),
    "find_touches": (ct.find_touches, [EVENTS]),
    "build_journeys": (ct.build_journeys, [TOUCHES, WON]),
    "account_for_touches": (ct.account_for_touches, [TOUCHES, WON]),
    "mark_milestones": (ct.mark_milestones, [JOURNEYS, WON]),
    "count_paths": (ct.count_paths, [JOURNEYS]),
    "compare": (ct.compare, [JOURNEYS]),
    "choose_order": (lambda table: ct.choose_order(table, np.random.default_rng(1)), [JOURNEYS]),
    "fit_chain": (ct.fit_chain, [JOURNEYS]),
}  # fmt: skip
NO_TABLES = {"channel_rules", "dictionary", "get_model", "goal_table", "journeys_of", "kind_table", "model_cards",
             "open_study", "say", "show"}  # fmt: skip
EACH = [(name, place, column) for name, (_, tables) in CALLS.items() for place, table in enumerate(tables) for column in table]


def test_every_function_of_the_front_door_is_tried():
    functions = {name for name in ct.__all__ if inspect.isfunction(getattr(ct, name))}
    assert functions - set(CALLS) <= NO_TABLES


def without(name: str, place: int, column: str) -> Any:
    call, tables = CALLS[name]
    return call(*(table.drop(columns=column) if i == place else table for i, table in enumerate(tables)))


@pytest.mark.parametrize(("name", "place", "column"), EACH)
def test_a_table_without_a_column_is_used_or_refused_in_a_line_that_names_it(name, place, column):
    try:
        without(name, place, column)
    except ct.ConvtrackError as error:
        assert f"'{column}'" in str(error) or f"{column} " in str(error)


@pytest.mark.parametrize("name", sorted(set(CALLS) - {"assign_channels", "validate"}))
def test_every_function_needs_some_column(name):
    refused = 0
    for each, place, column in EACH:
        if each == name:
            try:
                without(name, place, column)
            except ct.ConvtrackError:
                refused += 1
    assert refused


def as_type(table: pd.DataFrame, dtype: str) -> pd.DataFrame:
    ids = [column for column in ID_COLUMNS if column in table]
    numbers = {column: pd.to_numeric(table[column]) for column in ids}
    return table.assign(**{c: n.astype(dtype if n.notna().all() else "float64") for c, n in numbers.items()})


@pytest.mark.parametrize("dtype", ["int64", "float64", "Int64", "category"])
@pytest.mark.parametrize("name", sorted(set(CALLS) - {"assign_channels", "validate", "choose_order", "fit_chain"}))
def test_ids_of_any_type_give_what_the_same_ids_as_text_give(name, dtype):
    call, tables = CALLS[name]
    expected = call(*tables)
    for mixed in range(len(tables) + 1):  # one table of several, or all
        found = call(*(as_type(table, dtype) if mixed in (i, len(tables)) else table for i, table in enumerate(tables)))
        if isinstance(expected, pd.DataFrame):
            pd.testing.assert_frame_equal(found, expected)
        elif isinstance(expected, pd.Series):
            pd.testing.assert_series_equal(found, expected)
        else:
            pd.testing.assert_frame_equal(found.table, expected.table)


def test_the_ids_are_those_of_the_contract():
    ids = {column.name for columns in TABLES.values() for column in columns if column.kind == "id"}
    assert set(ID_COLUMNS) == ids | {"conversion_id", "journey_id"}


def test_ids_that_a_float_cannot_hold_are_refused():
    with pytest.raises(ct.ConvtrackError, match="Column transaction_id: .* keeps 15 digits only"):
        text_ids(pd.Series([5e18, None], name="transaction_id"))
    whole = pd.Series([5_000_000_000_000_000_001, 5_000_000_000_000_000_002])
    assert text_ids(whole).tolist() == ["5000000000000000001", "5000000000000000002"]
