"""A clock that is years off sets its own row aside and touches no other."""

from __future__ import annotations

import datetime
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from convtrack.clocks import Clocks, end_of, outside
from convtrack.sources import TableSource, load_table

DAYS = st.lists(st.integers(0, 300), min_size=3, max_size=30)
START = pd.Timestamp("2026-01-05", tz="UTC").as_unit("us")


def on(*days: str) -> pd.Series:
    return pd.to_datetime(pd.Series(days), utc=True, format="ISO8601")


@given(DAYS, st.lists(st.integers(2028, 9000), max_size=2))
def test_times_years_after_all_others_do_not_move_the_end(days: list[int], years: list[int]) -> None:
    good = pd.Series([START + pd.Timedelta(days=day) for day in days])
    bad = pd.Series([pd.Timestamp(f"{year}-06-01", tz="UTC") for year in years], dtype=good.dtype)
    assert end_of(pd.concat([bad, good], ignore_index=True)) == good.max()


@pytest.mark.parametrize("bad", ["1970-01-01", "1999-12-31", "2042-01-01", "2099-07-01", "2262-05-01"])
def test_a_row_whose_clock_is_off_is_set_aside_with_the_days_that_can_be(tmp_path: Path, bad: str) -> None:
    times = ["2026-01-05T10:00Z", f"{bad}T10:00Z", "2026-01-07T10:00Z"]
    pd.DataFrame({"event_name": "page_view", "visitor_id": "v", "event_time": times}).to_csv(tmp_path / "e.csv", index=False)
    found = load_table("events", TableSource(file="e.csv"), tmp_path)
    assert found.quarantined["reason"].to_dict() == {3: "event_time: not between 2000-01-01 and 2026-01-07"}
    assert len(found.good) == 2


def test_a_row_may_be_a_day_later_than_the_newest_that_was_received_and_no_more() -> None:
    times, received = on("2026-01-05T10:00", "2026-01-06T09:00", "2026-01-06T11:00"), on("2026-01-05T10:00")
    assert outside(times, Clocks(), received)[0].tolist() == [False, False, True]


def test_a_receiver_whose_own_clock_was_off_once_does_not_let_everything_through() -> None:
    received = on("2026-01-05", "2026-01-06", "2099-01-01")
    assert outside(on("2026-01-05", "2050-01-01"), Clocks(), received)[0].tolist() == [False, True]


def test_the_days_that_can_be_are_those_that_the_study_names() -> None:
    clocks = Clocks(earliest=datetime.date(2026, 1, 6), latest=datetime.date(2026, 1, 6))
    times = on("2026-01-05T23:59", "2026-01-06T00:00", "2026-01-06T23:59", "2026-01-07T00:01")
    assert outside(times, clocks)[0].tolist() == [True, False, False, True]


def test_a_day_of_spend_in_another_century_is_set_aside(tmp_path: Path) -> None:
    days = ["2026-01-05", "2026-01-06", "1926-01-06"]
    pd.DataFrame({"date": days, "channel": "Email", "cost": 1.0}).to_csv(tmp_path / "s.csv", index=False)
    found = load_table("spend", TableSource(file="s.csv"), tmp_path)
    assert found.quarantined["reason"].tolist() == ["date: not between 2000-01-01 and 2026-01-06"]


def test_a_table_without_any_time_has_none_outside() -> None:
    assert not outside(pd.Series([pd.NaT, pd.NaT], dtype="datetime64[us, UTC]"), Clocks())[0].any()
