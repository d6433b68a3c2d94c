"""Ids come through as they were written, and what is no id is missing and counted."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from convtrack.id_cells import PLACEHOLDERS, id_text, is_lost, is_placeholder
from convtrack.sources import Loaded, TableSource, load_table

WHOLE = st.integers(-(2**53) + 1, 2**53 - 1)


def loaded(frame: pd.DataFrame, folder: Path, table: str = "events", suffix: str = "parquet", **options) -> Loaded:
    """A table by way of a file; what every event needs is added."""
    rows = len(frame)
    needed = {"event_name": "purchase", "visitor_id": [f"v{n}" for n in range(rows)],
              "event_time": pd.date_range("2026-01-05", periods=rows, tz="UTC")} if table == "events" else {}
    full = pd.DataFrame({**needed, **frame.to_dict("series")})
    file = folder / f"{table}.{suffix}"
    full.to_parquet(file) if suffix == "parquet" else full.to_csv(file, index=False)
    return load_table(table, TableSource(file=file.name), folder, **options)


@given(st.lists(st.none() | WHOLE, min_size=1))
def test_whole_numbers_in_a_column_with_gaps_are_whole_numbers(numbers: list[int | None]) -> None:
    cells = pd.Series(numbers, dtype="float64")
    assert id_text(cells).tolist() == [np.nan if n is None else str(n) for n in numbers] or cells.isna().any()
    assert [None if pd.isna(text) else text for text in id_text(cells)] == [None if n is None else str(n) for n in numbers]


@given(st.lists(st.text("0123456789abc-", min_size=1, max_size=20), min_size=1))
def test_an_id_that_is_text_stays_as_it_is(ids: list[str]) -> None:
    assert id_text(pd.Series(ids, dtype="str")).tolist() == ids


@pytest.mark.parametrize(("cells", "text"), [
    (["1001.0", "1002.0"], ["1001", "1002"]), (["1001.0", "1002"], ["1001", "1002"]),  # a float column, written as CSV
    (["1.0", "x"], ["1.0", "x"]), (["007", "7"], ["007", "7"]), (["12345678901234567890"], ["12345678901234567890"]),
])  # fmt: skip
def test_the_point_of_a_float_is_taken_off_and_nothing_else(cells: list[str], text: list[str]) -> None:
    assert id_text(pd.Series(cells)).tolist() == text


@pytest.mark.parametrize("suffix", ["parquet", "csv"])
def test_order_numbers_of_nineteen_digits_beside_missing_ones_keep_every_digit(tmp_path: Path, suffix: str) -> None:
    numbers = pd.array([5_000_000_000_000_000_001, None, 5_000_000_000_000_000_002], dtype="Int64")
    found = loaded(pd.DataFrame({"transaction_id": numbers}), tmp_path, suffix=suffix)
    assert found.good["transaction_id"].fillna("").tolist() == ["5000000000000000001", "", "5000000000000000002"]


@pytest.mark.parametrize("suffix", ["parquet", "csv"])
def test_events_and_orders_write_the_same_number_the_same_way(tmp_path: Path, suffix: str) -> None:
    events = loaded(pd.DataFrame({"transaction_id": [1001.0, None, 1003.0]}), tmp_path, suffix=suffix)
    orders = pd.DataFrame({"transaction_id": [1001, 1003], "value": 1.0, "status": "paid",
                           "order_time": pd.to_datetime(["2026-01-05"] * 2, utc=True)})
    assert set(loaded(orders, tmp_path, "orders", suffix).good["transaction_id"]) == set(events.good["transaction_id"].dropna())


@pytest.mark.parametrize("cell", ["1.23457E+19", "1,77e+09", "5E+18"])
def test_a_number_whose_last_digits_are_lost_is_set_aside(tmp_path: Path, cell: str) -> None:
    found = loaded(pd.DataFrame({"transaction_id": [cell, "t1"]}), tmp_path, suffix="csv")
    assert found.quarantined["reason"].tolist() == ["transaction_id: a long number without its last digits; export it as text"]
    assert is_lost(pd.Series([cell])).all() and not is_lost(pd.Series(["12e4", "e+1", "1e-5"])).any()


def test_a_float_that_is_too_long_to_be_exact_is_set_aside(tmp_path: Path) -> None:
    found = loaded(pd.DataFrame({"visitor_id": [1.0, 2.0**60]}), tmp_path)
    assert found.good["visitor_id"].tolist() == ["1"] and len(found.quarantined) == 1


@given(st.sampled_from(PLACEHOLDERS), st.booleans())
def test_a_placeholder_is_one_in_any_case(word: str, shout: bool) -> None:
    assert is_placeholder(pd.Series([word.upper() if shout else word]), "visitor_id").all()


@pytest.mark.parametrize("zeros", ["0", "00", "0-0", "00000000-0000-0000-0000-000000000000"])
def test_zeros_alone_are_nobody_and_no_order_but_may_be_a_session_or_an_event(zeros: str) -> None:
    cells = pd.Series([zeros])
    assert [is_placeholder(cells, column)[0] for column in ("visitor_id", "user_id", "transaction_id")] == [True] * 3
    assert [is_placeholder(cells, column)[0] for column in ("event_id", "session_id")] == [False] * 2


def test_an_id_that_is_none_is_missing_and_counted(tmp_path: Path) -> None:
    events = pd.DataFrame({"transaction_id": ["(not set)", "(not set)", "t1", "NULL"], "visitor_id": ["a", "undefined", "b", "c"]})
    found = loaded(events, tmp_path, suffix="csv")
    assert found.good["transaction_id"].fillna("").tolist() == ["", "t1", ""]
    assert found.quarantined["reason"].tolist() == ["visitor_id: missing"]
    assert found.placeholders.values.tolist() == [["visitor_id", "undefined", 1], ["transaction_id", "(not set)", 2],
                                                  ["transaction_id", "NULL", 1]]


def test_a_study_may_name_its_own_placeholders(tmp_path: Path) -> None:
    found = loaded(pd.DataFrame({"visitor_id": ["guest", "null"]}), tmp_path, placeholders=["Guest"])
    assert found.good["visitor_id"].tolist() == ["null"]
