"""Every table has one contract, and validation sorts each row exactly once: good, or quarantined with its reasons."""

from __future__ import annotations

import pandas as pd
import pytest
from convtrack.schema import INTERACTIONS, TABLES, column_names, contract, dictionary, validate
from hypothesis import given, settings
from hypothesis import strategies as st

# The columns as the design lists them; `?` marks those that a row may lack.
DESIGN = {
    "events": "event_id event_name event_time received_time? visitor_id user_id? session_id? page_url? referrer? utm_source? "
    "utm_medium? utm_campaign? utm_content? utm_term? click_id? "
    "gclid? wbraid? gbraid? gad_source? dclid? msclkid? ttclid? twclid? li_fat_id? rdt_cid? sccid? "
    "yclid? fbclid? igshid? epik? ysclid? srsltid? "
    "channel? campaign? interaction? transaction_id? "
    "value? currency? device? browser? country? consent? is_test? user_agent?",
    "platform_reports": "date platform campaign? conversions value?",
    "visitors": "visitor_id user_id?",
    "orders": "transaction_id order_time value currency? status",
}
STATUSES = ("paid", "refunded", "cancelled", "test")
ORDER = st.fixed_dictionaries(
    {
        "transaction_id": st.sampled_from([None, "t1", "t2", "t3", "t4"]),
        "order_time": st.sampled_from([None, "2026-01-05T10:00:00Z"]),
        "value": st.sampled_from([None, -0.01, 0.0, 12.5]),
        "status": st.sampled_from([None, "paid", "refunded", "Paid", "lost"]),
    }
)


def orders_of(rows: list[dict], first_row: int = 2) -> pd.DataFrame:
    frame = pd.DataFrame(
        rows,
        columns=["transaction_id", "order_time", "value", "status"],
        index=range(first_row, first_row + len(rows)),
    )
    return frame.astype({"transaction_id": "str", "value": "float64", "status": "str"}).assign(
        order_time=pd.to_datetime(frame["order_time"], utc=True).astype("datetime64[us, UTC]")
    )


def faults(rows: list[dict]) -> list[set[str]]:
    """What is wrong with each order, found by going through the rows one by one."""
    found, used = [], set()
    for row in rows:
        wrong = {f"{name}: missing" for name, cell in row.items() if cell is None}
        if row["transaction_id"] in used:
            wrong.add("transaction_id: already used in an earlier row")
        used.add(row["transaction_id"])
        used.discard(None)
        if row["value"] is not None and row["value"] < 0:
            wrong.add("value: negative")
        if row["status"] not in (None, *STATUSES):
            wrong.add("status: not one of paid, refunded, cancelled, test")
        found.append(wrong)
    return found


@given(st.lists(ORDER, max_size=12), st.integers(2, 1000))
def test_every_row_is_good_or_quarantined_and_has_exactly_the_reasons_that_it_has(rows, first_row):
    good, bad = validate(orders_of(rows, first_row), "orders")
    expected = dict(enumerate(faults(rows), start=first_row))
    assert good.index.tolist() == [row for row, wrong in expected.items() if not wrong]
    assert {row: set(reason.split("; ")) for row, reason in bad["reason"].items()} == {
        row: wrong for row, wrong in expected.items() if wrong
    }


@settings(max_examples=12)
@given(st.lists(ORDER, min_size=1, max_size=12))
def test_good_rows_are_unchanged_and_are_good_again(rows):
    orders = orders_of(rows)
    good, _ = validate(orders, "orders")
    again, bad = validate(good, "orders")
    pd.testing.assert_frame_equal(good, orders.loc[good.index])
    pd.testing.assert_frame_equal(again, good)
    assert bad.empty


def test_of_two_rows_with_one_id_the_first_is_kept():
    row = {"transaction_id": "t1", "order_time": "2026-01-05T10:00:00Z", "value": 1.0, "status": "paid"}
    good, bad = validate(orders_of([row, row, row]), "orders")
    assert (good.index.tolist(), bad.index.tolist()) == ([2], [3, 4])


def test_a_column_that_may_be_absent_is_not_asked_for():
    events = pd.DataFrame(
        {
            "event_id": ["e1"],
            "event_name": ["purchase"],
            "visitor_id": ["v"],
            "event_time": pd.to_datetime(["2026-01-05"], utc=True),
        }
    )
    good, bad = validate(events, "events")
    assert (len(good), len(bad)) == (1, 0)


@pytest.mark.parametrize("interaction", ["tap", "Click", ""])
def test_an_unknown_interaction_is_quarantined_with_the_words_that_are_known(interaction):
    events = pd.DataFrame(
        {
            "event_id": ["e1", "e2"],
            "event_name": "ad",
            "visitor_id": "v",
            "interaction": [interaction, "view"],
            "event_time": pd.to_datetime(["2026-01-05"] * 2, utc=True),
        }
    )
    good, bad = validate(events, "events")
    assert bad["reason"].tolist() == ["interaction: not one of view, click, visit, open, delivery"]
    assert good["event_id"].tolist() == ["e2"]


@pytest.mark.parametrize("table", DESIGN)
def test_the_contract_has_the_columns_of_the_design_in_its_order(table):
    expected = DESIGN[table].split()
    assert column_names(table) == [name.rstrip("?") for name in expected]
    assert [c.name for c in TABLES[table] if c.required] == [
        name for name in expected if not name.endswith("?")
    ]


@pytest.mark.parametrize("table", TABLES)
def test_the_dictionary_explains_every_column(table):
    explained = dictionary(table)
    assert explained.index.tolist() == column_names(table) == list(contract(table).columns)
    assert (explained["meaning"].str.len() > 2).all()
    assert explained.index.is_unique


def test_the_kinds_of_interaction_are_those_of_the_design():
    assert INTERACTIONS == ("view", "click", "visit", "open", "delivery")
