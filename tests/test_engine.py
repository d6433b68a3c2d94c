"""Paths found inside an engine are the paths found by going through all pairs, whatever the windows and the engine."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from pathlib import Path

import ibis
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from convtrack.attribution import MODELS, as_paths, claim_table, get_model
from convtrack.engine import DAY, HOUR, connect, find_kinds, find_paths, study_paths
from convtrack.gaps import Gap
from convtrack.journeys import account_for_touches, build_journeys, journeys_of, mark_milestones
from convtrack.paths import Paths
from convtrack.schema import INTERACTIONS
from convtrack.settings import Lookback, open_study
from hypothesis import given, settings
from hypothesis import strategies as st

SHOP = Path(__file__).resolve().parents[1] / "data" / "larkspur"
START = pd.Timestamp("2026-03-01", tz="UTC").as_unit("us")
MOMENTS = st.builds(lambda day, step: day * DAY + step, st.integers(0, 5), st.sampled_from([0, 1, -1, HOUR]))
TOUCHES = st.lists(
    st.tuples(st.sampled_from("vwx"), MOMENTS, st.sampled_from(["Email", "(start)", "a > b"]),
              st.sampled_from(["click", "view", None])),
    max_size=14,
)  # fmt: skip
CONVERSIONS = st.lists(
    st.tuples(st.sampled_from("vwy"), MOMENTS, st.sampled_from([None, 0.0, 12.5])), max_size=5
)
LOOKBACKS = [Lookback(days=1, interaction="view"), Lookback(days=3, channel="Email"),
             Lookback(days=0.5, channel="Email", interaction="click")]  # fmt: skip


def days_by_hand(channel: str, interaction: str | None) -> float:
    """The window of a touch by LOOKBACKS on top of two days: the last line that covers it counts."""
    if channel == "Email":
        return 0.5 if interaction == "click" else 3
    return 1 if interaction == "view" else 2


def moments(numbers: list[int]) -> pd.Series:
    return pd.Series([START + pd.Timedelta(n, unit="us") for n in numbers], dtype="datetime64[us, UTC]")


def touch_table(touches: list[tuple]) -> pd.DataFrame:
    visitor, moment, channel, interaction = zip(*touches, strict=True) if touches else ([], [], [], [])
    names = {"visitor_id": visitor, "channel": channel, "interaction": interaction}
    table = pd.DataFrame({name: pd.Series(values, dtype="str") for name, values in names.items()})
    return table.assign(touch_time=moments(list(moment)))


def conversion_table(conversions: list[tuple]) -> pd.DataFrame:
    visitor, moment, value = zip(*conversions, strict=True) if conversions else ([], [], [])
    return pd.DataFrame(
        {
            "conversion_id": pd.Series([f"c{i}" for i in range(len(conversions))], dtype="str"),
            "visitor_id": pd.Series(visitor, dtype="str"),
            "conversion_time": moments(list(moment)),
            "value": pd.Series(value, dtype="float64"),
        }
    )


def paths_by_hand(touches: list[tuple], conversions: list[tuple]) -> Counter:
    """How often each path with its outcome is taken, found by going through all pairs."""
    found = Counter()

    def path(seen: list[tuple], end: int) -> tuple:
        kept = [t for t in seen if 0 <= end - t[1] <= days_by_hand(t[2], t[3]) * DAY]
        return tuple((t[2], t[3] or "") for t in sorted(kept, key=lambda t: (t[1], t[2], t[3] or "")))

    for visitor, end, value in conversions:
        found[path([t for t in touches if t[0] == visitor], end), True, value or 0.0] += 1
    for visitor in {t[0] for t in touches}:
        last = max((end for v, end, _ in conversions if v == visitor), default=-(10**18))
        rest = [t for t in touches if t[0] == visitor and t[1] > last]
        if rest:
            found[path(rest, max(t[1] for t in rest)), False, 0.0] += 1
    return found


def paths_of(paths: Paths) -> Counter:
    """How often each path with its outcome is taken."""
    found = Counter()
    for p, (a, b) in enumerate(pairwise(paths.starts)):
        kinds = [INTERACTIONS[i] if i >= 0 else "" for i in paths.interactions[a:b]]
        path = tuple(zip([paths.channels[c] for c in paths.codes[a:b]], kinds, strict=True))
        found[path, bool(paths.conversions[p]), paths.value[p]] += int(paths.conversions[p] + paths.nulls[p])
    return found


@settings(max_examples=60)
@given(TOUCHES, CONVERSIONS)
def test_each_touch_counts_for_its_own_window_by_channel_and_interaction(touches, conversions):
    alphabetical = sorted(touches, key=lambda touch: (touch[1], touch[2], touch[3] or ""))  # as in an engine, which has no rows
    journeys = build_journeys(touch_table(alphabetical), conversion_table(conversions), 2, lookbacks=LOOKBACKS)
    found = Counter()
    for row in journeys.itertuples():
        value = row.value if row.converted and row.value == row.value else 0.0
        found[tuple(zip(row.path, row.interactions, strict=True)), row.converted, value] += 1
    assert found == paths_by_hand(touches, conversions)


@settings(max_examples=60)
@given(TOUCHES, CONVERSIONS)
def test_touches_are_accounted_for_by_the_same_windows(touches, conversions):
    counts = account_for_touches(touch_table(touches), conversion_table(conversions), 2, LOOKBACKS)["touches"]
    ends = [[(end, True) for v, end, _ in conversions if v == t[0] and end >= t[1]] for t in touches]
    last = {v: max(t[1] for t in touches if t[0] == v) for v in {t[0] for t in touches}}
    nearest = [min(e) if e else (last[t[0]], False) for e, t in zip(ends, touches, strict=True)]
    inside = Counter(
        won if end - t[1] <= days_by_hand(t[2], t[3]) * DAY else None
        for (end, won), t in zip(nearest, touches, strict=True)
    )
    assert counts.tolist() == [inside[True], inside[False], inside[None]]


@settings(max_examples=40)
@given(TOUCHES, CONVERSIONS)
def test_paths_found_in_an_engine_are_those_of_the_journeys(touches, conversions):
    seen, won = touch_table(touches), conversion_table(conversions)
    tables = (ibis.memtable(pa.Table.from_pandas(t, preserve_index=False)) for t in (seen, won))
    assert paths_of(find_paths(*tables, 2, LOOKBACKS)) == paths_by_hand(touches, conversions)


@pytest.mark.parametrize("most", [2, 3, 10])
@settings(max_examples=15)
@given(TOUCHES, CONVERSIONS)
def test_paths_found_in_parts_are_the_paths_found_at_once(most, touches, conversions):
    tables = [
        ibis.memtable(pa.Table.from_pandas(t, preserve_index=False))
        for t in (touch_table(touches), conversion_table(conversions))
    ]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("convtrack.engine.MOST_TOUCHES", most)
        in_parts = find_paths(*tables, 2, LOOKBACKS)
    assert paths_of(in_parts) == paths_by_hand(touches, conversions)
    lost = [
        (tuple(in_parts.codes[a:b]), tuple(in_parts.interactions[a:b]))
        for (a, b), nulls in zip(pairwise(in_parts.starts), in_parts.nulls, strict=True)
        if nulls
    ]
    assert len(lost) == len(set(lost))  # no path is there twice for being in two parts


@pytest.fixture(scope="module")
def shop():
    return open_study(SHOP)


def in_engine(folder: Path, **changes: object) -> Path:
    """A study file like the shop's whose events are in DuckDB."""
    text = yaml.safe_load((SHOP / "study.yaml").read_text(encoding="utf-8"))
    text["tables"]["events"]["file"] = str(SHOP / "events.parquet")
    (folder / "study.yaml").write_text(yaml.safe_dump({**text, "connection": "duckdb://", **changes}))
    return folder / "study.yaml"


def test_paths_come_in_the_same_order_whatever_the_engines_threads_do():
    channel = np.random.default_rng(1).integers(9, size=300_000)
    touches = touch_table([(f"v{n % 60_000}", n * 1000, f"c{place}", "click") for n, place in enumerate(channel)])
    won = conversion_table([(f"v{n}", DAY, 1.0) for n in range(0, 60_000, 3)])
    con, found = ibis.duckdb.connect(), []
    con.con.register("touches", touches)
    con.con.register("won", won)
    for threads in (1, 2, 8):
        con.raw_sql(f"SET threads = {threads}")
        found.append(find_paths(con.table("touches"), con.table("won")))
    for other in found[1:]:
        assert np.array_equal(found[0].codes, other.codes) and np.array_equal(found[0].nulls, other.nulls)
        assert np.array_equal(found[0].value, other.value) and np.array_equal(found[0].hours, other.hours)


def test_the_shops_credit_is_the_same_from_memory_and_from_an_engine(shop, tmp_path):
    found = study_paths(open_study(in_engine(tmp_path)))
    assert found.read == found.used == len(shop.events)
    memory = as_paths(journeys_of(shop))
    for model in ("first_touch", "last_non_direct", "time_decay", "markov_2", "shapley_rate", "google_ads"):
        expected, got = (get_model(model).credit(paths) for paths in (memory, found.paths))
        assert np.allclose(expected[["conversions", "value"]], got[["conversions", "value"]], rtol=1e-9), model


def test_rows_that_an_engine_cannot_use_are_set_aside_and_counted(tmp_path, complaint):
    events = pd.read_parquet(SHOP / "events.parquet").head(400)
    buyers = events["visitor_id"].mask(events.index < 7)
    one = events.tail(1).assign(event_id="p", event_name="purchase", visitor_id="v", value=9.0)
    table = pd.concat([events.assign(visitor_id=buyers), one]).convert_dtypes()
    table.to_parquet(tmp_path / "events.parquet")
    changes = {"tables": {"events": {"file": str(tmp_path / "events.parquet")}}, "platforms": {}}
    found = study_paths(open_study(in_engine(tmp_path, **changes, bad_rows="quarantine")))
    assert (found.read, found.used) == (401, 394)
    assert found.set_aside.values.tolist() == [["visitor_id: missing", 7]]
    assert "7 rows have a fault, most of them: visitor_id: missing" in complaint(study_paths, open_study(in_engine(tmp_path, **changes)))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"connection": "duckbd://"}, "connection: duckbd:// cannot be opened"),
        ({"tables": {"events": {"file": "x.parquet", "columns": {"channel": "kanal"}}}}, "no column 'kanal'"),
        ({"tables": {"events": {"file": "naive.parquet"}}}, "times have no zone"),
        ({"tables": {"events": {"file": "xx.parquet"}}}, "Closest: 'x.parquet'"),
        ({"tables": {"events": {"file": "broken.parquet"}}}, "broken.parquet cannot be read as Parquet"),
        ({"tables": {"events": {"file": ["x.parquet", "text.parquet"]}}}, "column value is float64 in x.parquet, and string in text.parquet"),
        ({"tables": {"events": {"file": ["x.parquet", "x.parquet"]}}}, "x.parquet holds the same rows as x.parquet"),
        ({"tables": {"events": {"file": ["x.parquet", "same.parquet"]}}}, "same.parquet holds the same rows as x.parquet"),
        ({"tables": {"events": {"file": ["x.parquet", "more.parquet"]}}}, "more.parquet has a column 'note' and x.parquet has not"),
    ],
)
def test_an_engine_that_cannot_answer_says_what_to_correct(tmp_path, complaint, changes, said):
    events = pd.read_parquet(SHOP / "events.parquet").head(50)
    for name in ("x.parquet", "same.parquet"):
        events.to_parquet(tmp_path / name)
    events.assign(event_time=events["event_time"].dt.tz_localize(None)).to_parquet(tmp_path / "naive.parquet")
    events.assign(value=events["value"].astype("str")).to_parquet(tmp_path / "text.parquet")
    events.assign(note="x").to_parquet(tmp_path / "more.parquet")
    (tmp_path / "broken.parquet").write_bytes(b"PAR1 or not")
    assert said in complaint(study_paths, open_study(in_engine(tmp_path, **changes)))


def test_several_files_and_nanoseconds_give_what_one_file_of_microseconds_gives(tmp_path):
    events = pd.read_parquet(SHOP / "events.parquet").head(2000)
    events.to_parquet(tmp_path / "all.parquet")
    for name, part in (("a", events.head(700)), ("b", events.tail(1300))):
        part.assign(event_time=part["event_time"].dt.as_unit("ns")).to_parquet(tmp_path / f"{name}.parquet")
    found = [study_paths(open_study(in_engine(tmp_path, platforms={}, lookbacks=[], tables={"events": {"file": file}})))
             for file in ("all.parquet", ["a.parquet", "b.parquet"])]
    assert found[0].used == found[1].used == 2000
    pd.testing.assert_frame_equal(*(get_model("time_decay").credit(one.paths) for one in found))


def test_the_password_of_an_engine_is_not_shown(complaint):
    line = complaint(connect, "postgres://anna:secret@127.0.0.1:1/shop")
    assert "secret" not in line and "cannot be opened" in line


@pytest.mark.parametrize("empty", ["a", "b"])
def test_a_column_that_is_empty_in_one_file_has_the_type_that_it_has_in_another(empty, tmp_path):
    events = pd.read_parquet(SHOP / "events.parquet").head(2000)
    for name, part in (("a", events.head(700)), ("b", events.tail(1300))):
        known = pa.Table.from_pandas(part, preserve_index=False)
        nothing = {"transaction_id": pa.nulls(len(part)), "value": pa.nulls(len(part)), "is_test": pa.nulls(len(part))}
        columns = {column: known[column] for column in known.column_names} | (nothing if name == empty else {})
        pq.write_table(pa.table(columns), tmp_path / f"{name}.parquet")
    tables = {"events": {"file": ["a.parquet", "b.parquet"]}}
    found = study_paths(open_study(in_engine(tmp_path, platforms={}, lookbacks=[], tables=tables)))
    assert found.used == 2000 and 0 < found.paths.conversions.sum()


def test_ten_thousand_channels_over_ten_years_fit_and_over_thirty_do_not(complaint):
    pairs = pd.DataFrame({"channel": [f"c{i}" for i in range(10_000)], "interaction": "click"})
    assert find_kinds(pairs, 30, end=10 * 365 * DAY).count == 10_000
    assert "10,000 kinds over 30 years" in complaint(find_kinds, pairs, 30, end=30 * 365 * DAY)


@pytest.mark.parametrize("year", [1700, 1969, 1999, 2042, 2262, 9000])
def test_journeys_of_any_year_are_the_same(year):
    then = pd.Timestamp(f"{year}-03-01", tz="UTC").as_unit("us") - START
    touches = touch_table([("v", 0, "A", "click"), ("v", HOUR, "B", "view"), ("w", 0, "A", "click")])
    won = conversion_table([("v", 2 * HOUR, 1.0)])
    expected = build_journeys(touches, won)
    found = build_journeys(touches.assign(touch_time=touches["touch_time"] + then), won.assign(conversion_time=won["conversion_time"] + then))
    pd.testing.assert_frame_equal(found.drop(columns="end_time"), expected.drop(columns="end_time"))
    assert (found["end_time"] - then).tolist() == expected["end_time"].tolist()


def test_a_milestone_is_reached_by_the_last_touch_before_it():
    touches = touch_table([("v", h * HOUR, c, "click") for h, c in ((0, "A"), (10, "B"), (20, "C"))])
    journeys = build_journeys(touches, conversion_table([("v", 30 * HOUR, 1.0)]))
    when = {5: [True, False, False], 10: [False, True, False], 25: [False, False, True], 31: [False] * 3}
    for hour, expected in when.items():
        marked = mark_milestones(journeys, conversion_table([("v", hour * HOUR, None)]))
        assert marked["milestones"].tolist() == [expected], hour
    before_all = mark_milestones(journeys, conversion_table([("v", -HOUR, None), ("w", 5 * HOUR, None)]))
    assert before_all["milestones"].tolist() == [[False] * 3]


def test_w_shaped_uses_the_milestone_that_the_study_names(shop):
    journeys = journeys_of(shop)
    assert journeys["milestones"].map(any).sum() > 100
    credit = MODELS["w_shaped"].credit(as_paths(journeys))
    assert credit["conversions"].sum() == pytest.approx(journeys["converted"].sum())


def test_claims_are_counted_by_platform_and_by_how_often():
    rows = [(["Paid Search", "Paid Social"], ["click", "click"], True), (["Paid Social"], ["view"], True),
            (["Email", "Direct"], ["open", "visit"], True), (["Direct"], ["visit"], True)]  # fmt: skip
    views = pd.DataFrame(
        [{"path": p, "interactions": i, "hours": [5.0] * len(p), "converted": c, "value": 1.0} for p, i, c in rows]
    )
    claims = claim_table(views, ["google_ads", "meta", "klaviyo"])["conversions"].to_dict()
    assert claims == {"google_ads": 1, "meta": 2, "klaviyo": 1, "together": 4, "nobody": 1, "one": 2,
                      "several": 1, "all conversions": 4}  # fmt: skip
    assert isinstance(claim_table(views.tail(1), ["google_ads", "meta"]), Gap)


def test_paths_can_be_made_of_any_column_and_an_unknown_one_is_named(shop, complaint):
    devices = journeys_of(shop, by="device")
    assert set(devices["path"].explode().dropna()) == set(shop.events["device"].dropna())
    assert "Closest: 'device'" in complaint(journeys_of, shop, by="devise")
