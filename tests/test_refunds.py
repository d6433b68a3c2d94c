"""What came back of a goal's conversions is said with its totals, whatever way the shop writes it."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
import yaml

from convtrack import engine
from convtrack.errors import ConvtrackError
from convtrack.goals import count_firings, find_conversions, goal_table
from convtrack.passport import make_passport
from convtrack.settings import Study, open_study

STUDY = {
    "name": "p", "title": "P", "currency": "EUR", "time_zone": "UTC", "bad_rows": "quarantine", "main_goal": "sale",
    "touches": ["click", "visit"], "lookback_days": 30, "tables": {"events": {"file": "events.csv"}},
    "goals": {"sale": {"event": "purchase", "kind": "site", "value": "column", "once_per": "event"}},
}  # fmt: skip
SALES = [("purchase", "t1", 50.0), ("purchase", "t2", 30.0)]


def opened(folder: Path, rows: list[tuple], statuses: dict[str, str] | None = None, **keys: object) -> Study:
    """A study of those events and orders, whose goal has those keys."""
    events = pd.DataFrame(rows, columns=["event_name", "transaction_id", "value"])
    times = pd.date_range("2026-01-05", periods=len(rows), tz="UTC")
    events.assign(visitor_id="v", event_time=times).to_csv(folder / "events.csv", index=False)
    study = STUDY | {"goals": {"sale": STUDY["goals"]["sale"] | keys}}
    if statuses:
        orders = pd.DataFrame({"transaction_id": list(statuses), "status": list(statuses.values())})
        orders.assign(value=1.0, order_time="2026-01-05T10:00Z").to_csv(folder / "orders.csv", index=False)
        study["tables"] = STUDY["tables"] | {"orders": {"file": "orders.csv"}}
    (folder / "study.yaml").write_text(yaml.safe_dump(study))
    return open_study(folder)


def said(*study: object, **keys: object) -> list[str]:
    """What the passport of such a study says of refunds."""
    return findings(opened(*study, **keys))


def findings(study: Study) -> list[str]:
    return [line for line in make_passport(study, []).findings if "came back" in line]


@pytest.mark.parametrize("refund", [("refund", "t1", 50.0), ("refund", "t1", None), ("purchase", "t1", -50.0), ("refund", "t1", -50.0)])
def test_a_whole_order_that_came_back_is_taken_off_both_totals(tmp_path: Path, refund: tuple) -> None:
    (line,) = said(tmp_path, [*SALES, refund])
    assert line == ("goal sale: 1 of its orders came back, 1 of them whole, 50.00 EUR. With them it is 2 conversions, 80.00 EUR; "
                    "without what came back, 1 conversion, 30.00 EUR. The study counts with them (refunds: ignore)")


def test_a_part_that_came_back_leaves_the_conversion(tmp_path: Path) -> None:
    (line,) = said(tmp_path, [*SALES, ("refund", "t1", 20.0), ("refund", "t1", 5.0)])
    assert "1 of its orders came back, 0 of them whole, 25.00 EUR" in line and "came back, 2 conversions, 55.00 EUR" in line


def test_an_order_of_the_books_that_was_cancelled_came_back(tmp_path: Path) -> None:
    (line,) = said(tmp_path, SALES, {"t1": "paid", "t2": "cancelled"})
    assert "1 of its orders came back, 1 of them whole, 30.00 EUR" in line


def test_no_more_comes_back_than_was_paid_and_nothing_of_orders_that_were_not_counted(tmp_path: Path) -> None:
    (line,) = said(tmp_path, [*SALES, ("refund", "t1", 500.0), ("refund", "t9", 10.0)])
    assert line.startswith("goal sale: 1 of its orders came back, 1 of them whole, 50.00 EUR")


def test_where_nothing_came_back_nothing_is_said(tmp_path: Path) -> None:
    assert said(tmp_path, SALES, {"t1": "paid", "t2": "test"}) == []


@pytest.mark.parametrize(("how", "values"), [("ignore", [50.0, 30.0]), ("subtract", [30.0, 30.0]), ("own goal", [50.0, 30.0, 20.0])])
def test_a_goal_says_what_becomes_of_a_part_that_came_back(tmp_path: Path, how: str, values: list[float]) -> None:
    study = opened(tmp_path, [*SALES, ("refund", "t1", 20.0)], refunds=how)
    found = find_conversions(study.events, study.goals)
    assert found["value"].tolist() == values
    assert list(study.goals) == (["sale", "sale_refunds"] if how == "own goal" else ["sale"])
    came = found[found["goal"] == "sale_refunds"]
    of_t1 = found[(found["transaction_id"] == "t1") & (found["goal"] == "sale")]
    assert came["conversion_time"].tolist() == of_t1["conversion_time"].tolist()[:len(came)]


@pytest.mark.parametrize("goal_value", ["column", "none", 40])
def test_what_came_back_whole_does_not_count_where_it_is_subtracted(tmp_path: Path, goal_value: object) -> None:
    study = opened(tmp_path, SALES, {"t1": "paid", "t2": "cancelled"}, refunds="subtract", value=goal_value)
    assert find_conversions(study.events, study.goals)["transaction_id"].tolist() == ["t1"]
    firings = count_firings(study.events, study.goals)
    assert firings.loc["sale", "refunded"] == 1
    assert firings.loc["sale", "fired"] == firings.loc["sale"].drop("fired").sum() == 2
    assert "The study counts without them (refunds: subtract)" in findings(study)[0]
    assert ("EUR" in findings(study)[0].split("With them")[1]) == (goal_value != "none")


def test_what_came_back_of_an_order_in_another_currency_is_converted(tmp_path: Path) -> None:
    opened(tmp_path, [*SALES, ("purchase", "t1", -10.0)], refunds="subtract")
    events = pd.read_csv(tmp_path / "events.csv").assign(currency=["USD", "EUR", "USD"])
    events.to_csv(tmp_path / "events.csv", index=False)
    text = (tmp_path / "study.yaml").read_text() + "exchange_rates: {USD: 0.5}\n"
    (tmp_path / "study.yaml").write_text(text)
    study = open_study(tmp_path)
    assert find_conversions(study.events, study.goals)["value"].tolist() == [20.0, 30.0]
    (tmp_path / "study.yaml").write_text(text.replace("USD: 0.5", "GBP: 0.5"))
    events.assign(currency=["EUR", "EUR", "USD"]).to_csv(tmp_path / "events.csv", index=False)
    with pytest.raises(ConvtrackError, match="exchange_rates: {USD"):
        open_study(tmp_path).events  # noqa: B018


@pytest.mark.parametrize(("rows", "how", "orders"), [
    ([*SALES, ("refund", "t1", None)], "subtract", ["t2"]),
    ([*SALES, ("refund", "t1", None)], "own goal", ["t1"]),
    ([*SALES, ("refund", "t2", None)], "own goal", []),
])
def test_a_visitor_whose_first_order_came_back_has_the_next_one(tmp_path: Path, rows: list[tuple], how: str, orders: list[str]) -> None:
    """The same conversion counts with and without refunds of its own; one that came back whole does not use up the visitor's only one."""
    study = opened(tmp_path, rows, refunds=how, once_per="visitor")
    found = find_conversions(study.events, study.goals)
    assert found.loc[found["goal"] == ("sale" if how == "subtract" else "sale_refunds"), "transaction_id"].tolist() == orders


def test_a_part_of_an_order_of_unknown_value_leaves_the_conversion_and_nothing_is_nothing(tmp_path: Path) -> None:
    study = opened(tmp_path, [("purchase", "t1", None), ("purchase", "t2", 30.0), ("refund", "t1", 5.0), ("refund", "t2", 0.0)], refunds="subtract")
    assert find_conversions(study.events, study.goals)["transaction_id"].tolist() == ["t1", "t2"]
    assert findings(study)[0].startswith("goal sale: 1 of its orders came back, 0 of them whole, 5.00 EUR")


def test_what_came_back_must_be_known_to_be_taken_off(tmp_path: Path) -> None:
    study = opened(tmp_path, SALES, refunds="subtract")
    with pytest.raises(ConvtrackError, match="refunded"):
        find_conversions(study.events.drop(columns="refunded"), study.goals)


@pytest.mark.parametrize("keys", [{"value": "refunded", "refunds": "subtract"}, {"value": "refunded", "refunds": "own goal"}])
def test_a_goal_of_refunds_does_not_take_them_off_again(tmp_path: Path, keys: dict) -> None:
    with pytest.raises(ConvtrackError, match="Leave out one|needs value: column"):
        opened(tmp_path, SALES, **keys)


def test_the_goal_of_what_came_back_needs_its_name(tmp_path: Path) -> None:
    sale = STUDY["goals"]["sale"]
    opened(tmp_path, SALES)
    (tmp_path / "study.yaml").write_text(yaml.safe_dump(STUDY | {"goals": {"sale_refunds": sale, "sale": sale | {"refunds": "own goal"}}}))
    with pytest.raises(ConvtrackError, match="Rename yours"):
        open_study(tmp_path)


def test_an_engine_refuses_to_take_off_what_it_does_not_see(tmp_path: Path) -> None:
    study = opened(tmp_path, SALES, refunds="subtract")
    (tmp_path / "study.yaml").write_text(study.path.read_text() + "connection: 'duckdb://'\n")
    with pytest.raises(ConvtrackError, match="refunds: ignore"):
        engine.study_paths(open_study(tmp_path))


def test_parts_that_add_up_to_the_whole_are_the_whole(tmp_path: Path) -> None:
    study = opened(tmp_path, [("purchase", "t1", 30.30), *[("refund", "t1", 10.10)] * 3], refunds="subtract")
    assert find_conversions(study.events, study.goals).empty


def test_refunds_of_no_order_are_said_and_test_refunds_take_nothing_off(tmp_path: Path) -> None:
    rows = [*SALES, ("refund", None, 5.0), ("refund", "t9", 5.0), ("refund", "t1", 50.0)]
    said = [line for line in make_passport(opened(tmp_path, rows), []).findings if "refunds name" in line]
    assert said == ["2 of 3 refunds name no order that is there, and are taken off nothing"]
    study = opened(tmp_path, rows, refunds="subtract")
    events = pd.read_csv(tmp_path / "events.csv")
    events.assign(is_test=events["event_name"] == "refund").to_csv(tmp_path / "events.csv", index=False)
    assert len(find_conversions(open_study(study.path).events, study.goals)) == 2


def test_a_refund_goal_needs_values_of_its_own(tmp_path: Path) -> None:
    with pytest.raises(ConvtrackError, match="it needs value: column"):
        opened(tmp_path, SALES, refunds="own goal", value=40)


def test_the_table_of_goals_says_what_becomes_of_refunds_where_one_goal_does(tmp_path: Path) -> None:
    assert goal_table(opened(tmp_path, SALES, refunds="subtract").goals).loc["sale", "refunds"] == "subtract"
    assert "refunds" not in goal_table(opened(tmp_path, SALES).goals)
