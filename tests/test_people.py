"""Devices of one signed-in person are one visitor where the study says so, and a finding where it does not."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
import yaml

from convtrack.journeys import journeys_of
from convtrack.passport import make_passport
from convtrack.people import shared_order_finding
from convtrack.settings import Study, open_study

ROWS = [
    ("phone", "2026-01-05T10:00Z", "page_view", "Paid Social", None, None, "1"),
    ("phone", "2026-01-05T10:05Z", "login", None, "ann", None, "1"),
    ("laptop", "2026-01-06T10:00Z", "page_view", "Direct", None, None, "1"),
    ("laptop", "2026-01-06T10:10Z", "purchase", None, "ann", "t1", "1"),
    ("tablet", "2026-01-06T11:00Z", "purchase", None, None, "t2", "1"),
]
STUDY = {
    "name": "p", "title": "P", "currency": "EUR", "time_zone": "UTC", "bad_rows": "quarantine", "main_goal": "sale",
    "touches": ["click", "visit"], "lookback_days": 30, "tables": {"events": {"file": "events.csv"}},
    "goals": {"sale": {"event": "purchase", "kind": "site", "value": 10, "once_per": "event"}},
}  # fmt: skip


def study(folder: Path, rows: list[tuple] = ROWS, **keys: object) -> Study:
    columns = ["visitor_id", "event_time", "event_name", "channel", "user_id", "transaction_id", "session_id"]
    pd.DataFrame(rows, columns=columns).to_csv(folder / "events.csv", index=False)
    (folder / "study.yaml").write_text(yaml.safe_dump(STUDY | keys))
    return open_study(folder)


def finding(of: Study, about: str) -> str:
    """The one finding with that word in it."""
    (found,) = [line for line in make_passport(of).findings if about in line]
    return found


def test_an_ad_on_the_phone_is_on_the_path_to_the_purchase_on_the_laptop(tmp_path: Path) -> None:
    journeys = journeys_of(study(tmp_path, identity="user_id"))
    won = journeys[journeys["converted"]].set_index("visitor_id")["path"]
    assert won["user:ann"] == ["Paid Social", "Direct"]


def test_without_that_key_devices_stay_apart_and_the_passport_says_what_it_would_join(tmp_path: Path) -> None:
    said = finding(study(tmp_path), "by user_id")
    assert said.startswith("by user_id, 2 visitors are the devices of one person; 1 of 2 conversions are theirs.")
    assert "identity: user_id" in said


def test_two_devices_never_share_a_session(tmp_path: Path) -> None:
    events = study(tmp_path, identity="user_id").events
    assert events.groupby(["visitor_id", "session_id"]).ngroups == 3


def test_a_device_of_two_people_is_of_each_only_where_they_are_signed_in(tmp_path: Path) -> None:
    shared = [("pc", f"2026-01-05T1{n}:00Z", "page_view", "Email", user, None, str(n)) for n, user in enumerate(["ann", "bob", None])]
    assert study(tmp_path, ROWS + shared, identity="user_id").events["visitor_id"].tolist()[-3:] == ["user:ann", "user:bob", "pc"]


def test_a_user_id_that_looks_like_a_device_is_not_that_device(tmp_path: Path) -> None:
    rows = [("1", "2026-01-05T10:00Z", "purchase", None, "2", "t1", "1"), ("2", "2026-01-05T10:00Z", "purchase", None, None, "t2", "1")]
    assert study(tmp_path, rows, identity="user_id").events["visitor_id"].nunique() == 2


def test_an_order_number_of_several_visitors_is_a_finding(tmp_path: Path) -> None:
    rows = [(f"v{n}", "2026-01-05T10:00Z", "purchase", "Email", None, "PENDING", "1") for n in range(3)]
    assert "1 order numbers are those of several visitors, such as PENDING (3 visitors)" in finding(study(tmp_path, rows), "PENDING")


def test_a_visitor_with_far_more_rows_than_a_person_has_is_a_finding(tmp_path: Path) -> None:
    crowd = [(f"v{n}", "2026-01-05T10:00Z", "page_view", "Email", None, None, "1") for n in range(300)]
    bot = [("bot", "2026-01-05T10:00Z", "page_view", "Email", None, None, "1")] * 1500
    said = finding(study(tmp_path, crowd + bot + ROWS), "visitor bot")
    assert "1,500 of 1,805 rows (83%)" in said


@pytest.mark.parametrize(("number", "meets"), [("t1", True), ("T-1", False)])
def test_tables_whose_ids_never_meet_are_a_finding(tmp_path: Path, number: str, meets: bool) -> None:
    order = {"transaction_id": [number], "order_time": ["2026-01-05T10:00Z"], "value": [1.0], "status": ["paid"]}
    pd.DataFrame(order).to_csv(tmp_path / "orders.csv", index=False)
    of = study(tmp_path, tables={"events": {"file": "events.csv"}, "orders": {"file": "orders.csv"}})
    assert any("no transaction_id of orders" in line for line in make_passport(of).findings) is not meets


def test_days_without_a_clock_are_a_finding(tmp_path: Path) -> None:
    rows = [(f"v{n}", "2026-01-05T00:00Z", "purchase", "Email", None, f"t{n}", "1") for n in range(5)]
    assert finding(study(tmp_path, rows), "midnight").startswith("100% of events are at midnight")
    assert not [line for line in make_passport(study(tmp_path)).findings if "midnight" in line]


def test_an_order_that_another_visitor_id_gives_back_is_no_order_of_several_visitors(tmp_path: Path) -> None:
    rows = [("2026-01-05T10:00:00Z", "v", "purchase", "t1"), ("2026-01-06T10:00:00Z", "clerk", "refund", "t1")]
    events = pd.DataFrame(rows, columns=["event_time", "visitor_id", "event_name", "transaction_id"])
    assert shared_order_finding(events) == []
    assert len(shared_order_finding(events.assign(event_name="purchase"))) == 1
