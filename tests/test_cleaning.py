"""One contract, whatever holds the events: the same dirty rows, read as a file and in an engine, give the same to the last digit."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from convtrack.attribution import as_paths, get_model
from convtrack.engine import StudyPaths, study_paths
from convtrack.goals import find_conversions
from convtrack.id_cells import PLACEHOLDERS
from convtrack.journeys import journeys_of
from convtrack.settings import Study, open_study

STUDY = {
    "name": "p", "title": "P", "currency": "EUR", "time_zone": "UTC", "bad_rows": "quarantine", "main_goal": "sale",
    "touches": ["click", "visit"], "lookback_days": 30, "exchange_rates": {"GBP": 1.17}, "tables": {"events": {"file": "events.parquet"}},
    "goals": {"sale": {"event": "purchase", "kind": "site", "value": "column", "once_per": "event"}},
}  # fmt: skip
NOW = pd.Timestamp("2026-03-01", tz="UTC").as_unit("us")
BLANKS = ["", " ", "\t", "\u00a0", "\u3000 "]
WORDS = [*PLACEHOLDERS[:6], "NULL", "00", "0-0"]


def around(text: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """The text with blanks of some kind on either side."""
    return st.builds("{}{}{}".format, st.sampled_from(BLANKS), text, st.sampled_from(BLANKS))


def cell(*usual: str) -> st.SearchStrategy[str | None]:
    """One of the usual texts, well or badly written, or none."""
    return st.none() | st.sampled_from(BLANKS) | around(st.sampled_from(usual)) | st.sampled_from(usual)


ROW = st.fixed_dictionaries({
    "event_name": st.one_of(st.just("purchase"), cell("purchase", "page_view")),
    "visitor_id": st.one_of(st.sampled_from(["v", "w"]), cell("v", "w", *WORDS)),
    "event_time": st.one_of(st.integers(0, 40 * 24).map(lambda hour: NOW + pd.Timedelta(hours=hour)), st.none(),
                            st.sampled_from([pd.Timestamp(f"{year}-07-01", tz="UTC") for year in (1970, 2050, 2200)])),
    "channel": cell("Email", "SMS", "email"),
    "interaction": st.one_of(st.sampled_from(["click", "visit"]), cell("click", "view", "tap")),
    "transaction_id": cell("t1", "t2", "1.5E+19", *WORDS),
    "value": st.sampled_from([None, 0.0, 12.5, 7.25, -3.0, np.inf]),
    "currency": cell("EUR", "GBP"),
    "is_test": cell("true", "FALSE", "1", "no", "perhaps"),
})
USUAL = [{"event_name": "purchase", "visitor_id": "v", "event_time": NOW + pd.Timedelta(days=2, hours=n), "channel": None, "interaction": None,
          "transaction_id": f"u{n}", "value": 10.0 + n, "currency": "EUR", "is_test": None} for n in range(3)] + [
         {"event_name": "page_view", "visitor_id": "v", "event_time": NOW, "channel": "Email", "interaction": "click",
          "transaction_id": None, "value": None, "currency": None, "is_test": None}]
EVENTS = st.lists(ROW, max_size=12).map(lambda rows: table([*USUAL, *rows]))


def table(rows: list[dict[str, Any]], **columns: Any) -> pd.DataFrame:
    """Events with running ids, as a Parquet file holds them."""
    frame = pd.DataFrame(rows).assign(event_id=[f"e{n}" for n in range(len(rows))])
    frame["event_time"] = pd.to_datetime(frame["event_time"], utc=True).astype("datetime64[us, UTC]")
    texts = ["event_name", "visitor_id", "channel", "interaction", "transaction_id", "currency", "is_test"]
    return frame.astype(dict.fromkeys(texts, "str") | {"value": "float64"}).assign(**columns)


def both(events: pd.DataFrame, folder: Path, **keys: Any) -> tuple[Study, Study]:
    """The same study on a file and in an engine."""
    events.to_parquet(folder / "events.parquet")
    studies = []
    for name, where in (("file", {}), ("engine", {"connection": "duckdb://"})):
        (folder / f"{name}.yaml").write_text(yaml.safe_dump(STUDY | keys | where), encoding="utf-8")
        studies.append(open_study(folder / f"{name}.yaml"))
    return studies[0], studies[1]


def assert_same(file: Study, engine: Study) -> StudyPaths:
    """The engine's answer, after seeing that it is the file's."""
    found, loaded = study_paths(engine), file.loaded("events")
    assert (found.read, found.used) == (loaded.read, len(loaded.good))
    assert found.set_aside["rows"].sum() == len(loaded.quarantined)
    assert set(found.set_aside["reason"]) == set(loaded.quarantined["reason"])
    expected = as_paths(journeys_of(file))
    assert found.paths.channels == expected.channels
    assert found.paths.value.sum() == expected.value.sum() and found.paths.conversions.sum() == expected.conversions.sum()
    for model in ("first_touch", "last_touch", "linear", "markov"):
        pd.testing.assert_frame_equal(get_model(model).credit(found.paths), get_model(model).credit(expected), rtol=1e-12)
    return found


@settings(max_examples=60, deadline=None)
@given(EVENTS)
def test_dirty_rows_give_in_an_engine_what_they_give_as_a_file(events: pd.DataFrame) -> None:
    with tempfile.TemporaryDirectory() as folder:
        assert_same(*both(events, Path(folder)))


@pytest.mark.parametrize("ids", [
    pytest.param([1001.0, None, 1003.0, 1003.0], id="whole floats"), pytest.param(["1001.0", "1002", None, "7.0"], id="pointed text"),
    pytest.param(["007", "7", "1234567890123456789", None], id="text"), pytest.param(["", "", "(not set)", "undefined"], id="none"),
])  # fmt: skip
def test_order_numbers_are_the_same_ids(tmp_path: Path, ids: list[Any]) -> None:
    events = table([{**USUAL[0], "value": 10.0 * n} for n in range(4)] + USUAL[3:], transaction_id=pd.Series([*ids, None]))
    file, engine = both(events, tmp_path)
    assert_same(file, engine)
    assert len(find_conversions(file.events, file.goal)) == len({i for i in ids if i not in (None, "", "(not set)", "undefined")}) + sum(
        i in (None, "", "(not set)", "undefined") for i in ids)


def test_an_id_that_is_used_again_counts_once_and_the_earliest_stays(tmp_path: Path) -> None:
    events = table([{**USUAL[0], "transaction_id": None, "value": 5.0, "event_time": NOW + pd.Timedelta(days=4)}, *USUAL])
    file, engine = both(events.assign(event_id=["a", "a", "b", "c", "d"]), tmp_path)
    found = assert_same(file, engine)
    assert found.set_aside.values.tolist() == [["event_id: already used in an earlier row", 1]]
    assert found.paths.value.sum() == 10.0 + 11.0 + 12.0


def test_spellings_of_the_study_file_are_ours_in_both(tmp_path: Path) -> None:
    events = table(USUAL).assign(channel=lambda rows: rows["channel"].replace("Email", " E-Mail "))
    tables = {"events": {"file": "events.parquet", "values": {"channel": {"E-Mail": "Email"}}}}
    assert assert_same(*both(events, tmp_path, tables=tables)).paths.channels == ["Email"]


def test_touches_of_one_second_are_in_the_order_of_their_running_ids_in_both(tmp_path: Path) -> None:
    touches = [{**USUAL[3], "channel": name} for name in ("SMS", "Email", "Display", "Affiliates")]
    file, engine = both(table([*touches, USUAL[0]]), tmp_path)
    assert_same(file, engine)
    assert journeys_of(file)["path"].tolist() == [["SMS", "Email", "Display", "Affiliates"]]


@pytest.mark.parametrize(("change", "keys", "said"), [
    (lambda t: t.assign(value=t["value"].astype("str")), {}, "column value is string in the engine, and must be a number"),
    (lambda t: t.assign(event_time=t["event_time"].astype("str")), {}, "column event_time is string in the engine, and must be a timestamp"),
    (lambda t: t.assign(visitor_id=np.arange(len(t)) + 0.5), {}, "column visitor_id has floats that are not whole"),
    (lambda t: t.assign(currency="USD"), {}, "Write the rate in study.yaml: exchange_rates: {USD: 0.00}"),
    (lambda t: t.assign(utm_source="google", channel=None), {}, "have tags or a referrer and no channel"),
    (lambda t: t, {"identity": "user_id"}, "joins devices in files only"),
    (lambda t: t, {"lookbacks": [{"days": 1, "channel": "Emial"}]}, "no event has the channel 'Emial'. Closest: 'Email'."),
    (lambda t: t, {"goals": {"sale": STUDY["goals"]["sale"] | {"where": {"curency": "EUR"}}}}, "Closest: 'currency'"),
    (lambda t: t, {"tables": {"events": {"file": "events.csv"}}}, "007 would become 7"),
])  # fmt: skip
def test_what_an_engine_cannot_do_as_a_file_does_it_is_refused_by_name(
    tmp_path: Path, complaint: Callable, change: Callable, keys: dict[str, Any], said: str,
) -> None:
    engine = both(change(table(USUAL)), tmp_path, **keys)[1]
    assert said in complaint(study_paths, engine)
