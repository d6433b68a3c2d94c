"""What came back of a goal's conversions is said with its totals, whatever way the shop writes it."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
import yaml

from convtrack.goals import find_conversions
from convtrack.refunds import refund_findings
from convtrack.settings import open_study

STUDY = {
    "name": "p", "title": "P", "currency": "EUR", "time_zone": "UTC", "bad_rows": "quarantine", "main_goal": "sale",
    "touches": ["click", "visit"], "lookback_days": 30, "tables": {"events": {"file": "events.csv"}},
    "goals": {"sale": {"event": "purchase", "kind": "site", "value": "column", "once_per": "event"}},
}  # fmt: skip
SALES = [("purchase", "t1", 50.0), ("purchase", "t2", 30.0)]


def said(folder: Path, rows: list[tuple], statuses: dict[str, str] | None = None) -> list[str]:
    events = pd.DataFrame(rows, columns=["event_name", "transaction_id", "value"])
    times = pd.date_range("2026-01-05", periods=len(rows), tz="UTC")
    events.assign(visitor_id="v", event_time=times).to_csv(folder / "events.csv", index=False)
    study = dict(STUDY)
    if statuses:
        orders = pd.DataFrame({"transaction_id": list(statuses), "status": list(statuses.values())})
        orders.assign(value=1.0, order_time="2026-01-05T10:00Z").to_csv(folder / "orders.csv", index=False)
        study["tables"] = STUDY["tables"] | {"orders": {"file": "orders.csv"}}
    (folder / "study.yaml").write_text(yaml.safe_dump(study))
    opened = open_study(folder)
    return refund_findings(opened, find_conversions(opened.events, opened.goals))


@pytest.mark.parametrize("refund", [("refund", "t1", 50.0), ("refund", "t1", None), ("purchase", "t1", -50.0), ("refund", "t1", -50.0)])
def test_a_whole_order_that_came_back_is_taken_off_both_totals(tmp_path: Path, refund: tuple) -> None:
    (line,) = said(tmp_path, [*SALES, refund])
    assert line == ("goal sale: 50.00 EUR came back of 1 of its orders, 1 of them whole. Counted are 2 conversions, 80.00 EUR; "
                    "without what came back it would be 1 and 30.00 EUR")


def test_a_part_that_came_back_leaves_the_conversion(tmp_path: Path) -> None:
    (line,) = said(tmp_path, [*SALES, ("refund", "t1", 20.0), ("refund", "t1", 5.0)])
    assert "25.00 EUR came back of 1 of its orders, 0 of them whole" in line and line.endswith("it would be 2 and 55.00 EUR")


def test_an_order_of_the_books_that_was_cancelled_came_back(tmp_path: Path) -> None:
    (line,) = said(tmp_path, SALES, {"t1": "paid", "t2": "cancelled"})
    assert "30.00 EUR came back of 1 of its orders" in line


def test_no_more_comes_back_than_was_paid_and_nothing_of_orders_that_were_not_counted(tmp_path: Path) -> None:
    (line,) = said(tmp_path, [*SALES, ("refund", "t1", 500.0), ("refund", "t9", 10.0)])
    assert line.startswith("goal sale: 50.00 EUR came back of 1 of its orders")


def test_where_nothing_came_back_nothing_is_said(tmp_path: Path) -> None:
    assert said(tmp_path, SALES, {"t1": "paid", "t2": "test"}) == []
