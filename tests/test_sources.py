"""From a stranger's file to a table: nothing is lost, nothing is guessed, and each refusal says what to type next."""

from __future__ import annotations

import csv
import io
import tempfile
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from convtrack.errors import ConvtrackError
from convtrack import sources
from convtrack.clock_changes import SKIPPED, TAKEN, TOLD, utc_of_local
from convtrack.sources import Files, Loaded, TableSource, load_table, to_dates, to_flags, to_numbers, to_utc
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

HEADER = ["event_id", "event_name", "event_time", "visitor_id", "value", "is_test"]
TIME = "2026-01-05T10:00:00Z"


def as_csv(rows: list[list[str]], header: list[str] = HEADER, separator: str = ",") -> str:
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=separator).writerows([header, *rows])
    return text.getvalue()


def load(text: str, table: str = "events", **options) -> Loaded:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "events.csv").write_bytes(text.encode("utf-8"))
        return load_table(table, TableSource(file="events.csv", **options), Path(folder))


def utc(cells: list[str | None], **options) -> list:
    series = pd.Series(cells, name="event_time", dtype="str")
    return to_utc(series, TableSource(file="events.csv", **options), Files((Path("events.csv"),))).tolist()


@pytest.mark.parametrize("digits", ["1767621780", "1767621780123", "1767621780123456", "1767621780123456789"])
@pytest.mark.parametrize("stored", ["str", "int64", "Int64", "object"])
def test_a_time_may_be_counted_from_1970_in_seconds_or_parts_of_them(digits, stored):
    cells = pd.Series([digits if stored == "str" else int(digits)], dtype=stored, name="event_time")
    found = to_utc(cells, TableSource(file="events.csv"), Files((Path("events.csv"),)))
    assert found[0] == pd.Timestamp("2026-01-05 14:03", tz="UTC") + pd.Timedelta(digits[10:].ljust(9, "0") + "ns").floor("us")


@pytest.mark.parametrize("stored", ["float64", "str"])
def test_counts_from_1970_may_have_fractions_and_other_lengths_of_digits_are_none(stored):
    cells = pd.Series([1767621780.5, 1767621780123.0, 1767621782.0, None, 176762178012.0], name="event_time").astype(stored)
    found = to_utc(cells, TableSource(file="events.csv"), Files((Path("events.csv"),)))
    start = pd.Timestamp("2026-01-05 14:03", tz="UTC")
    assert found[:3].tolist() == [start + pd.Timedelta(part, unit="ms") for part in (500, 123, 2000)] and found[3:].isna().all()


def test_counts_from_1970_in_a_column_of_few_digits_are_not_guessed_at():
    cells = pd.Series([1767621780.0], name="event_time", dtype="float32")  # tells times to a minute or two
    assert to_utc(cells, TableSource(file="events.csv"), Files((Path("events.csv"),))).isna().all()


@pytest.mark.parametrize(("cell", "number"), [
    ("1 234.50", 1234.5), ("1 234 567", 1234567.0), ("\u00a5500", 500.0), ("€ 1 234", 1234.0), ("-1 234", -1234.0),
    ("12.50 978", None), ("12.5 100", None), ("1,234 567", None), ("12 34", None), ("-", None), ("1\u0662", None)])
def test_spaces_stand_between_thousands_only_and_signs_at_either_end(cell, number):
    found = to_numbers(pd.Series([cell]))[0]
    assert pd.isna(found) if number is None else found == number


# ------------------------------------------------------------------------------------------------ nothing is lost

CELLS = {
    "event_id": ["e1", "e2", "e3", "e4", "e5", "e6", ""],
    "event_name": ["purchase", "page_view", " ", "a,b", 'say "hi"'],
    "event_time": [
        TIME,
        "2026-01-05 10:00:00+01:00",
        "yesterday",
        "10:30",
        "2026-13-05",
        "2026-02-30T10:00:00Z",
        "",
    ],
    "visitor_id": ["v1", "NA", "null", "", "  "],
    "value": ["", "0", "12.50", "1,234.5", "-1", "12,50", "ten", "1e3", "nan", "€ 3"],
    "is_test": ["", "true", "no", "perhaps"],
}
UNREADABLE = {
    "event_time": {"yesterday", "10:30", "2026-13-05", "2026-02-30T10:00:00Z"},
    "value": {"12,50", "ten", "1e3", "nan"},
    "is_test": {"perhaps"},
}
DIRTY = st.lists(
    st.tuples(*(st.sampled_from(cells) for cells in CELLS.values())).map(list), min_size=1, max_size=15
)


def usable_rows(rows: list[list[str]]) -> list[int]:
    """The rows of the file that can be used, found cell by cell; the header is row 1."""
    usable, ids = [], set()
    for number, row in enumerate(rows, start=2):
        cells = dict(zip(HEADER, row, strict=True))
        if any(cells[name] in bad for name, bad in UNREADABLE.items()):
            continue  # its id is not used up
        is_whole = all(cells[name].strip() for name in ("event_id", "event_name", "event_time", "visitor_id"))
        if is_whole and cells["event_id"] not in ids and cells["value"] != "-1":
            usable.append(number)
        ids.add(cells["event_id"])
    return usable


@given(DIRTY)
def test_every_row_of_a_dirty_file_is_used_or_set_aside_and_exactly_the_right_ones_are_used(rows):
    loaded = load(as_csv(rows))
    assert loaded.read == len(rows)
    assert loaded.good.index.tolist() == usable_rows(rows)
    assert sorted([*loaded.good.index, *loaded.quarantined.index]) == list(range(2, len(rows) + 2))
    assert loaded.quarantined.get("reason", pd.Series(dtype="str")).str.len().gt(0).all()


ANY_TEXT = st.text(st.characters(codec="utf-8"), max_size=8)


@given(
    st.lists(
        st.tuples(
            ANY_TEXT,
            ANY_TEXT,
            st.just(TIME) | ANY_TEXT,
            ANY_TEXT,
            st.just("") | ANY_TEXT,
            st.just("") | ANY_TEXT,
        ),
        min_size=1,
        max_size=8,
    )
)
def test_no_text_whatever_in_a_cell_loses_a_row_or_crashes(rows):
    try:
        loaded = load(as_csv(rows), time_zone="UTC", day_first=True)
    except ConvtrackError:
        return
    assert loaded.read == len(loaded.good) + len(loaded.quarantined) == len(rows)
    assert set(loaded.good.index) | set(loaded.quarantined.index) == set(range(2, len(rows) + 2))
    assert loaded.quarantined.get("reason", pd.Series(dtype="str")).str.len().gt(0).all()


@settings(max_examples=15)
@given(DIRTY)
def test_a_quarantined_row_still_shows_what_the_file_says(rows):
    set_aside = load(as_csv(rows)).quarantined
    for number, row in set_aside.iterrows():
        name = rows[number - 2][1].strip()
        assert (
            (row["event_name"] == rows[number - 2][1])
            or (row["event_name"] == name)
            or (not name and pd.isna(row["event_name"]))
        )


def test_a_blank_line_is_no_row_but_the_rows_after_it_keep_their_numbers():
    loaded = load(f"event_name,event_time,visitor_id\nbuy,{TIME},v\n\nbuy,{TIME},w\n\n")
    assert (loaded.read, loaded.good.index.tolist(), len(loaded.quarantined)) == (2, [2, 4], 0)


def test_a_blank_cell_is_missing_as_an_empty_one_is():
    loaded = load(f"event_name,event_time,visitor_id,value,campaign\nbuy,{TIME},v,  ,  \n")
    assert loaded.good[["value", "campaign"]].isna().all(axis=None)


def test_an_export_without_event_ids_gets_them_from_its_row_numbers():
    loaded = load(f"event_name,event_time,visitor_id\nbuy,{TIME},v\nbuy,{TIME},v\n")
    assert loaded.good["event_id"].tolist() == ["row000000002", "row000000003"]


@pytest.mark.parametrize("name", ["null", "NA", "(start)", "a > b", "<script>", "nan", "None", "=1+1", "-"])
def test_a_channel_may_have_any_name(name):
    loaded = load(f"event_name,event_time,visitor_id,channel\nvisit,{TIME},v,{name}\n")
    assert loaded.good["channel"].tolist() == [name]


@settings(max_examples=12)
@given(DIRTY)
def test_parquet_and_csv_give_the_same_table(rows):
    frame = pd.DataFrame(rows, columns=HEADER, dtype="str").replace("", None)
    with tempfile.TemporaryDirectory() as folder:
        frame.to_parquet(Path(folder) / "events.parquet")
        stored = load_table("events", TableSource(file="events.parquet"), Path(folder))
    pd.testing.assert_frame_equal(stored.good, load(as_csv(rows)).good)


def test_a_parquet_file_keeps_its_own_types_and_its_infinities_are_set_aside(tmp_path):
    frame = pd.DataFrame(
        {
            "event_name": ["buy"] * 4,
            "visitor_id": [1, 2, 3, 4],
            "value": [1.5, np.inf, np.nan, -2.0],
            "event_time": pd.to_datetime([TIME] * 4).astype("datetime64[ns, UTC]"),
            "is_test": [True, False, None, None],
        }
    )
    frame.to_parquet(tmp_path / "events.parquet")
    loaded = load_table("events", TableSource(file="events.parquet"), tmp_path)
    assert loaded.good["visitor_id"].tolist() == ["1", "3"]
    assert loaded.quarantined["reason"].str.split(":").str[0].to_dict() == {3: "value", 5: "value"}
    assert str(loaded.good["event_time"].dtype) == "datetime64[us, UTC]"


# ------------------------------------------------------------------------------------------------ around the header

PLAIN = f"event_name,event_time,visitor_id,value\nbuy,{TIME},v,5\nbuy,{TIME},w,7\n"
TITLES = {
    "a title": "Campaign report\n",
    "a title and a period": "Campaign report\n1 January 2026 - 31 January 2026\n",
    "a period with as many commas as the header": "Campaign report\nJanuary 1, 2026 - January 31, 2026, all,\n",
    "titles and a blank line": "Campaign report\n\n",
    "comments": "# exported by hand\n# 20260101-20260131\n#\n",
    "a comment with commas": "# all users, all events, all days, all\n",
    "a title padded as Excel does": "Campaign report,,,\nJanuary,,,\n",
    "sep=": "sep=,\n",
    "sep= in quotes": '"sep=,"\n',
    "SEP= and a title": "SEP=,\nCampaign report\n",
}


@pytest.mark.parametrize("case", TITLES)
def test_lines_above_the_header_are_skipped_counted_and_keep_their_numbers(case):
    above = TITLES[case].count("\n")
    loaded = load(TITLES[case] + PLAIN + "buy,never,x,9\n")
    assert (loaded.skipped, loaded.read, loaded.good.index.tolist()) == (above, 3, [above + 2, above + 3])
    assert loaded.first_reason().startswith(f"events.csv, row {above + 4}, column event_time")
    pd.testing.assert_frame_equal(loaded.good.reset_index(drop=True), load(PLAIN).good.reset_index(drop=True).assign(
        event_id=[f"row{above + i:09}" for i in (2, 3)])[loaded.good.columns])


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_titles_are_found_whatever_the_separator(separator):
    text = "Bericht: Januar 2026\n" + PLAIN.replace(",", separator)
    assert len(load(text, separator=separator).good) == 2


@pytest.mark.parametrize(
    ("text", "row"),
    [
        ("name,visitor_id\nv,x\nw,y\n", "name"),
        ("#,visitor_id\n1,x\n2,y\n", "#"),
        ("visitor_id\nv\nw\n", "visitor_id"),
        ("visitor_id,name\nv\nw\n", "visitor_id"),
        ("visitor_id,\nv,\nw,\n", "visitor_id"),
    ],
)
def test_a_first_line_that_is_a_header_is_one(text, row):
    columns = {} if "visitor_id" in text.splitlines()[0].split(",")[0] else {"columns": {"visitor_id": "visitor_id"}}
    loaded = load(text, "visitors", **columns)
    assert loaded.skipped == 0 and loaded.read == 2 and (row in loaded.good.columns)


def test_a_wrong_separator_is_not_taken_for_a_title(complaint):
    text = f"event_name;event_time;visitor_id;value\nbuy;{TIME};v;5,5\nbuy;{TIME};w;7,0\n"
    assert "separator:" in complaint(load, text)


def test_a_title_without_a_header_below_it_is_refused(complaint):
    line = complaint(load, f"Report\nbuy,{TIME},v\nbuy,{TIME},w\n")
    assert "events.csv" in line


@pytest.mark.parametrize("total", ["Total", "total:", "Total: Account", "Grand total", "Summe", "Gesamtsumme", "TOTALS"])
@pytest.mark.parametrize("rule", [",{},12.30", "{},,12.30", "{}, --,12.30"])
def test_a_row_of_totals_is_set_aside_and_no_fault(total, rule):
    loaded = load(f"date,channel,cost\n2026-01-05,Email,12.30\n{rule.format(total)}\n", "spend")
    assert loaded.good["cost"].tolist() == [12.30] and loaded.read == 2
    assert loaded.quarantined["reason"].tolist() == ["a total of the rows above it"] and loaded.totals == (3,)


def test_a_channel_that_is_called_total_all_over_the_file_is_a_channel():
    rows = "".join(f"2026-01-0{day},Total,1\n" for day in range(1, 8))
    assert len(load("date,channel,cost\n" + rows, "spend").good) == 7
    assert len(load("date,channel,cost\n2026-01-05,Email,1\n2026-01-06,Total Wine,2\n", "spend").good) == 2


def test_a_row_of_spaces_and_separators_is_a_blank_line():
    loaded = load(f"event_name,event_time,visitor_id\nbuy,{TIME},v\n , ,\nbuy,{TIME},w\n")
    assert (loaded.read, loaded.good.index.tolist()) == (2, [2, 4])


def test_columns_without_a_name_are_left_out():
    loaded = load(f"event_name,event_time,visitor_id,,\nbuy,{TIME},v,a,b\nbuy,never,w,,\n")
    assert (len(loaded.good), len(loaded.quarantined)) == (1, 1) and "" not in loaded.quarantined


# ------------------------------------------------------------------------------------------------ times

OFFSETS = st.sampled_from([-570, -300, 0, 60, 330, 345, 720]).map(
    lambda minutes: timezone(timedelta(minutes=minutes))
)
MOMENTS = st.datetimes(datetime(2015, 1, 1), datetime(2035, 1, 1))


@given(
    st.lists(
        st.tuples(MOMENTS, OFFSETS, st.sampled_from("T "), st.sampled_from(["auto", "seconds", "minutes"])),
        min_size=1,
    )
)
def test_times_with_their_zone_are_the_same_moments_in_utc(moments):
    cells = [time.replace(tzinfo=offset).isoformat(sep, style) for time, offset, sep, style in moments]
    assert utc(cells) == [pd.Timestamp(datetime.fromisoformat(cell).astimezone(UTC)) for cell in cells]


def moment_of(local: datetime, zone: ZoneInfo) -> pd.Timestamp | None:
    """The one moment at which clocks in the zone show `local`, if there is exactly one."""
    moments = {local.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1)}
    shown = {moment for moment in moments if moment.astimezone(zone).replace(tzinfo=None) == local}
    return pd.Timestamp(shown.pop()) if len(shown) == 1 else None


NEAR_CLOCK_CHANGES = st.sampled_from(
    [
        datetime(2026, 3, 29, 1),
        datetime(2026, 10, 25, 1),
        datetime(2026, 3, 8, 2),
        datetime(2026, 11, 1, 1),
        datetime(2026, 4, 5, 2),
        datetime(2026, 10, 4, 2),
    ]
)


@given(
    st.lists(
        st.builds(
            lambda day, minutes: day + timedelta(minutes=minutes), NEAR_CLOCK_CHANGES, st.integers(-150, 150)
        ),
        min_size=1,
        max_size=20,
    ),
    st.sampled_from(["Europe/London", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "UTC"]),
)
def test_local_times_become_utc_as_in_pythons_own_calendar(times, name):
    found = utc([time.isoformat(" ", "minutes") for time in times], time_zone=name, repeated_hour="earlier")
    assert found == [time.replace(tzinfo=ZoneInfo(name), fold=0).astimezone(UTC) for time in times]


@settings(max_examples=40)
@given(st.lists(st.floats(-300, 300), min_size=1, max_size=30, unique=True), st.booleans(), st.integers(1, 3), st.randoms(use_true_random=False))
def test_rows_in_order_tell_which_of_two_hours_they_are_in(minutes, newest_first, visitors, shuffler):
    """Written in local time, and read again: no row is lost, and where a visitor's rows step back, each is where it was."""
    change, london = pd.Timestamp("2026-10-25T01:00Z"), ZoneInfo("Europe/London")
    moments = pd.Series(sorted(change + pd.Timedelta(minutes=m).floor("s") for m in minutes))
    owners = pd.Series([f"v{shuffler.randrange(visitors)}" for _ in moments])
    if newest_first:
        moments = moments[::-1].reset_index(drop=True)
    by_visitor = moments.groupby(owners).apply(list) if visitors > 1 else {"v0": list(moments)}
    rows = pd.DataFrame([(visitor, moment) for visitor, own in by_visitor.items() for moment in own], columns=["visitor", "moment"])
    written = rows["moment"].dt.tz_convert(london).dt.tz_localize(None)
    found, doubts = utc_of_local(written, london, owners=rows["visitor"])
    apart = (rows["moment"] - found) / pd.Timedelta("1h")
    assert apart.isin([0, 1]).all() and (apart != 0).sum() <= doubts[TAKEN]
    repeated = rows["moment"].between(change - pd.Timedelta("1h"), change + pd.Timedelta("1h"), inclusive="left")
    assert doubts[TOLD] + doubts[TAKEN] == repeated.sum()


@pytest.mark.parametrize(("name", "rows", "told"), [
    ("America/St_Johns", ["2010-11-06 23:30", "2010-11-06 23:59", "2010-11-07 00:00", "2010-11-06 23:30", "2010-11-07 00:00",
                          "2010-11-07 00:05"], 5),  # the hour from 23:01 ends the day
    ("Europe/Berlin", ["2025-10-26 02:10", "2025-10-26 02:40", "2025-10-26 02:20", "2025-10-26 02:50"], 0)])
def test_an_hour_that_ends_a_day_is_one_and_another_visitor_is_no_step_back(name, rows, told):
    times, owners = pd.to_datetime(pd.Series(rows)), pd.Series(["v", "v", "w", "w"] if len(rows) == 4 else ["v"] * 6)
    _, doubts = utc_of_local(times, ZoneInfo(name), owners=owners)
    assert doubts[TOLD] == told and doubts[TOLD] + doubts[TAKEN] == (5 if told else 4)


@pytest.mark.parametrize("cell", ["0001-01-01 00:00:00", "9999-12-31 23:59", "9999-12-31 23:59Z"])
def test_days_at_the_ends_of_all_calendars_are_set_aside(cell):
    rows = "".join(f"buy,{time},v\n" for time in [cell] * 3 + ["2026-03-01 10:00"])
    for zone in ("Europe/Berlin", "America/New_York", "Asia/Tokyo"):
        loaded = load(f"event_name,event_time,visitor_id\n{rows}", time_zone=zone)
        assert len(loaded.quarantined) == 3 and loaded.good["event_time"].dt.year.tolist() == [2026]


def test_times_at_zero_do_not_say_when_an_export_ends():
    rows = "".join(f"buy,{time},v\n" for time in ["1970-01-01 00:00"] * 4 + ["2026-03-01 10:00", "2026-03-02 10:00", "2026-03-03 10:00"])
    assert load(f"event_name,event_time,visitor_id\n{rows}", time_zone="UTC").good["event_time"].dt.day.tolist() == [1, 2, 3]


def test_bytes_of_an_id_are_its_hexadecimal_digits(tmp_path):
    ids = pa.array([bytes(range(16)), bytes([255] * 16)], pa.binary(16))
    table = pa.table({"event_name": ["a", "b"], "event_time": ["2026-03-01T10:00Z"] * 2, "visitor_id": ids, "channel": pa.array([b"Email", None])})
    pq.write_table(table, tmp_path / "events.parquet")
    good = load_table("events", TableSource(file="events.parquet"), tmp_path).good
    assert good["visitor_id"].tolist() == [bytes(range(16)).hex(), "f" * 32] and good["channel"].tolist()[0] == "Email"


def test_a_visitors_order_tells_where_the_tables_does_not():
    rows = [("v", "2026-10-25 01:50"), ("v", "2026-10-25 01:10"), ("v", "2026-10-25 03:00"),
            ("w", "2026-10-24 12:00"), ("w", "2026-10-25 01:30")]
    text = "".join(f"buy,{time},{visitor}\n" for visitor, time in rows)
    loaded = load(f"event_name,event_time,visitor_id\n{text}", time_zone="Europe/London")
    assert loaded.good["event_time"].dt.strftime("%d %H:%M").tolist() == ["25 00:50", "25 01:10", "25 03:00", "24 11:00", "25 00:30"]
    assert loaded.clock_changes == {TOLD: 2, TAKEN: 1}


def test_a_skipped_and_a_repeated_hour_lose_no_row_and_are_counted():
    # London: 01:30 does not exist on 29 March 2026, where it is 01:30 UTC, and happens twice on 25 October 2026
    rows = "".join(f"buy,{time},v\n" for time in ("2026-03-29 01:30", "2026-10-25 01:30", "2026-03-29 02:30"))
    loaded = load(f"event_name,event_time,visitor_id\n{rows}", time_zone="Europe/London")
    assert loaded.good["event_time"].tolist() == [pd.Timestamp(f"{time}Z") for time in ("2026-03-29T01:30", "2026-10-25T00:30", "2026-03-29T01:30")]
    assert loaded.clock_changes == {TAKEN: 1, SKIPPED: 1} and loaded.quarantined.empty


@pytest.mark.parametrize(("day_first", "expected"), [(True, "2026-04-03"), (False, "2026-03-04")])
@pytest.mark.parametrize(
    "cell",
    ["03/04/2026 09:05", "3.4.2026 9:05", "03-04-2026, 09:05", "03/04/26 09:05:00", "3/4/2026 9:05 AM"],
)
def test_the_study_file_says_whether_the_day_or_the_month_comes_first(cell, day_first, expected):
    assert utc([cell], day_first=day_first, time_zone="UTC") == [pd.Timestamp(f"{expected}T09:05Z")]


@pytest.mark.parametrize(
    ("cells", "day_first"), [(["03/04/2026", "13/04/2026"], False), (["03/04/2026", "04/13/2026"], True)]
)
def test_a_day_that_contradicts_the_order_given_is_not_turned_round(cells, day_first):
    assert pd.isna(utc(cells, day_first=day_first, time_zone="UTC")[1])


@given(
    st.lists(st.dates(datetime(2000, 1, 1).date(), datetime(2068, 1, 1).date()), min_size=1), st.booleans()
)
def test_dates_written_as_iso_are_read_as_iso_whatever_day_first_says(days, day_first):
    cells = pd.Series([day.isoformat() for day in days], name="date", dtype="str")
    found = to_dates(cells, TableSource(file="spend.csv", day_first=day_first), Files((Path("spend.csv"),)))
    assert [moment.date() for moment in found] == days


@pytest.mark.parametrize(("name", "cell"), [("Europe/Berlin", "2025-10-26 02:30"), ("Europe/Dublin", "2025-10-26 01:30"),
                                            ("America/New_York", "2025-11-02 01:30"), ("Australia/Sydney", "2026-04-05 02:30")])
def test_the_hour_that_comes_twice_is_the_one_that_is_said(name, cell):
    """By Python's own calendar, where fold 0 is the earlier of the two."""
    for fold, said in enumerate(["earlier", "later"]):
        moment = datetime.fromisoformat(cell).replace(tzinfo=ZoneInfo(name), fold=fold).astimezone(UTC)
        assert utc([cell], time_zone=name, repeated_hour=said)[0] == moment


@pytest.mark.parametrize(("cell", "why"), [
    ("2026-03-01 10:00 CET", "abbreviation"), ("46082.41666", "Excel"), ("46082", "Excel"), ("1 March 2026, 10:00 PST", "abbreviation"),
    ("2026-03-01 25:00 PM", "not a time"), ("perhaps", "not a time")])
def test_what_a_cell_is_instead_of_a_time_is_said(cell, why, tmp_path):
    rows = pd.DataFrame({"event_name": "purchase", "event_time": ["2026-03-01T10:00Z", cell], "visitor_id": "v", "event_id": ["e", "f"]})
    rows.to_csv(tmp_path / "events.csv", index=False)
    loaded = load_table("events", TableSource(file="events.csv", time_zone="UTC"), tmp_path)
    assert [why in reason for reason in loaded.quarantined["reason"]] == [True]


def test_days_that_count_from_1970_are_those_of_the_source(complaint):
    """By hand: 1767567600 is 23:00 UTC on 4 January 2026, midnight of the 5th in Berlin; an hour later it is the 5th in both."""
    files = Files((Path("spend.csv"),))
    cells = pd.Series(["1767567600", "1767567600000"], name="date", dtype="str")
    berlin = to_dates(cells, TableSource(file="spend.csv", time_zone="Europe/Berlin"), files)
    assert berlin.tolist() == [pd.Timestamp("2026-01-05")] * 2
    assert "'1767567600' is a moment within a day" in complaint(to_dates, cells, TableSource(file="spend.csv"), files)
    assert to_dates(pd.Series([1767571200, 1767657600]), TableSource(file="spend.csv"), files).dt.day.tolist() == [5, 6]


@pytest.mark.parametrize(
    "cell", ["2026-01-05T00:00:00+05:00", "2026-01-05T23:59:59-08:00", "2026-01-05 00:00:00 UTC", "20260105",
             "20260105T100000Z", "20260105T2359-0800"]
)
def test_a_date_is_the_day_that_the_file_writes_whatever_its_zone(cell):
    cells = pd.Series([cell], name="date", dtype="str")
    assert to_dates(cells, TableSource(file="spend.csv"), Files((Path("spend.csv"),))).tolist() == [
        pd.Timestamp("2026-01-05")
    ]


@pytest.mark.parametrize(
    "cell",
    [
        "10:30",
        "May",
        "5",
        "2026",
        "2026-01",
        "1735689600",
        "1735689600000",
        "2026-13-05",
        "2026-02-30",
        "now",
        "today",
        "2026-01-05 25:00",
        "NaT",
        "2026-01-05 10:00 EST",
    ],
)
def test_what_is_not_a_whole_date_is_set_aside_and_never_completed_from_the_calendar(cell):
    found = utc(["2026-01-05 10:00", cell], time_zone="UTC")
    assert found[0] == pd.Timestamp("2026-01-05T10:00Z") and pd.isna(found[1])


@pytest.mark.parametrize(
    "cell",
    [
        "2026-01-05 10:00:00 UTC",
        "2026-01-05 10:00:00+00",
        "Mon, 05 Jan 2026 10:00:00 GMT",
        "2026-01-05T05:00:00-0500",
        "20260105T100000Z",
        "2026-01-05T10:00:00.000000Z",
    ],
)
def test_a_zone_may_be_written_in_the_usual_ways(cell):
    assert utc([cell]) == [pd.Timestamp("2026-01-05T10:00Z")]


def test_microseconds_survive():
    assert utc(["2026-01-05T10:00:00.000001Z"])[0].microsecond == 1


def test_one_time_without_zone_among_others_is_not_taken_for_utc():
    cells = ["2026-07-05T10:00:00Z", "2026-07-05 10:00:00"]
    with pytest.raises(ConvtrackError, match="row 1.*no time zone"):
        utc(cells)
    # in July, 10:00 in London is 09:00 UTC
    assert utc(cells, time_zone="Europe/London")[1] == pd.Timestamp("2026-07-05T09:00Z")


# ------------------------------------------------------------------------------------------------ numbers and flags

AMOUNTS = st.integers(-(10**9), 10**9)


@given(
    st.lists(
        st.tuples(
            AMOUNTS, st.sampled_from(["{}", " {}", "£{}", "{} €", "{}\N{NO-BREAK SPACE}"]), st.booleans()
        ),
        min_size=1,
    ),
    st.sampled_from([".", ","]),
)
def test_amounts_in_either_notation_are_read_to_the_penny(amounts, decimal):
    def written(pennies: int, frame: str, grouped: bool) -> str:
        text = f"{'-' * (pennies < 0)}{abs(pennies) // 100:{',' if grouped else ''}}.{abs(pennies) % 100:02}"
        return frame.format(text if decimal == "." else text.translate(str.maketrans(".,", ",.")))

    found = to_numbers(pd.Series([written(*a) for a in amounts], dtype="str"), decimal)
    assert found.tolist() == [pennies / 100 for pennies, _, _ in amounts]


@pytest.mark.parametrize(
    ("cell", "decimal"),
    [
        ("12,50", "."),
        ("12.50", ","),
        ("1,23,456", "."),
        ("1.2.3", "."),
        ("12 50", "."),
        ("1e3", "."),
        ("inf", "."),
        ("nan", "."),
        ("five", "."),
        ("5 GBP", "."),
        ("+", "."),
    ],
)
def test_what_is_not_a_number_in_the_given_notation_is_missing_and_not_another_number(cell, decimal):
    assert to_numbers(pd.Series([cell], dtype="str"), decimal).isna().all()


@pytest.mark.parametrize(
    ("cell", "flag"),
    [
        ("true", True),
        ("TRUE ", True),
        ("1", True),
        ("Yes", True),
        ("false", False),
        ("0", False),
        ("no", False),
        ("y", None),
        ("2", None),
        ("", None),
    ],
)
def test_flags_are_true_false_or_missing(cell, flag):
    assert to_flags(pd.Series([cell], dtype="str")).replace({pd.NA: None}).tolist() == [flag]


# ------------------------------------------------------------------------------------------------ mapping


def test_columns_separators_decimals_and_spellings_of_a_strangers_file_are_mapped():
    text = "Zeit;Besucher;Aktion;Betrag;Bestellung\n05.01.2026 14:03;v1;Kauf;1.234,50 €;b1\n"
    good = load(
        text,
        separator=";",
        decimal=",",
        day_first=True,
        time_zone="Europe/Berlin",
        values={"event_name": {"Kauf": "purchase"}},
        columns={
            "event_time": "Zeit",
            "visitor_id": "Besucher",
            "event_name": "Aktion",
            "value": "Betrag",
            "event_id": "Bestellung",
            "transaction_id": "Bestellung",
        },
    ).good
    # Berlin is an hour ahead of UTC in January
    assert good.iloc[0].to_dict() == {
        "event_id": "b1",
        "event_name": "purchase",
        "visitor_id": "v1",
        "value": 1234.5,
        "event_time": pd.Timestamp("2026-01-05T13:03Z"),
        "transaction_id": "b1",
    }


def test_a_mapped_column_wins_over_one_that_has_our_name_already():
    loaded = load(
        f"event_name,event_time,visitor_id,value,net\nbuy,{TIME},v,12,10\n", columns={"value": "net"}
    )
    assert loaded.good["value"].tolist() == [10.0]


def test_a_spelling_can_be_mapped_to_nothing():
    loaded = load(
        f"event_name,event_time,visitor_id,value\nbuy,{TIME},v,NULL\n", values={"value": {"NULL": ""}}
    )
    assert loaded.good["value"].isna().all()


def test_columns_of_their_own_are_dropped_from_events_and_kept_on_visitors():
    assert "mood" not in load(f"event_name,event_time,visitor_id,mood\nbuy,{TIME},v,good\n").good
    assert load("visitor_id,mood\nv,good\n", "visitors").good["mood"].tolist() == ["good"]


# ------------------------------------------------------------------------------------------------ refusals

GOOD_ROW = f"buy,{TIME},v"
REFUSALS = {
    "an empty file": ("", {}, ["empty", "header"]),
    "a file of blank lines": ("\n\n", {}, ["empty"]),
    "a header without rows": ("event_name,event_time,visitor_id\n", {}, ["no rows", "Export it again"]),
    "no header": (f"{GOOD_ROW}\n{GOOD_ROW}\n", {}, ["row 1", TIME, "header line"]),
    "a missing column": (
        f"event_name,eventTime,visitor_id\n{GOOD_ROW}\n",
        {},
        ["'event_time'", "Closest: 'eventTime'", "columns: {event_time: "],
    ),
    "a missing column with nothing near": (
        f"event_name,event_time,zzz\n{GOOD_ROW}\n",
        {},
        ["'visitor_id'", "YOUR_COLUMN"],
    ),
    "a mapped column that is not there": (
        f"event_name,event_time,visitor_id\n{GOOD_ROW}\n",
        {"columns": {"value": "visitorid"}},
        ["'visitorid' (for value)", "Closest: 'visitor_id'"],
    ),
    "a mapping of a column that we do not have": (
        f"event_name,event_time,visitor_id\n{GOOD_ROW}\n",
        {"columns": {"vistor_id": "visitor_id"}},
        ["'vistor_id'", "Closest: 'visitor_id'"],
    ),
    "spellings of a column that is not there": (
        f"event_name,event_time,visitor_id\n{GOOD_ROW}\n",
        {"values": {"eventname": {"a": "b"}}},
        ["values: 'eventname'", "Closest: 'event_name'"],
    ),
    "a column that is there twice": (
        f"event_name,event_time,visitor_id,visitor_id\n{GOOD_ROW},w\n",
        {},
        ["row 1", "'visitor_id'", "Rename"],
    ),
    "a time without a zone": (
        "event_name,event_time,visitor_id\nbuy,2026-01-05 10:00,v\n",
        {},
        ["row 2", "column event_time", "'2026-01-05 10:00'", "time_zone: Europe/London"],
    ),
    "a date alone without a zone": (
        "event_name,event_time,visitor_id\nbuy,05-01-2026,v\n",
        {"day_first": True},
        ["row 2", "column event_time", "time_zone: "],
    ),
    "a time zone that does not exist": (
        "event_name,event_time,visitor_id\nbuy,2026-01-05 10:00,v\n",
        {"time_zone": "Europe/Lodnon"},
        ["'Europe/Lodnon'", "Europe/London"],
    ),
    "an ambiguous day": (
        f"event_name,event_time,visitor_id\n{GOOD_ROW}\nbuy,03/04/2026 10:00,v\n",
        {"time_zone": "UTC"},
        ["row 3", "column event_time", "'03/04/2026 10:00'", "day_first: true"],
    ),
    "a row that is too long": (
        f"event_name,event_time,visitor_id\n{GOOD_ROW}\n{GOOD_ROW},x\n",
        {},
        ["line 3", "separator:"],
    ),
    "rows that are all too long": (
        f"event_name,event_time,visitor_id\n{GOOD_ROW},x\n{GOOD_ROW},x\n",
        {},
        ["line 2", "separator:"],
    ),
    "a quote that is never closed": (
        f'event_name,event_time,visitor_id\n"{GOOD_ROW}\n',
        {},
        ["cannot be read"],
    ),
    "another encoding": (
        f"event_name,event_time,visitor_id\n{GOOD_ROW}ä\n",
        {"encoding": "ascii"},
        ["encoding:"],
    ),
    "an unknown encoding": (
        f"event_name,event_time,visitor_id\n{GOOD_ROW}\n",
        {"encoding": "utf9"},
        ["utf9", "encoding:"],
    ),
    "a line break in a header": (
        f'"event\nname",event_time,visitor_id\n{GOOD_ROW}\n',
        {},
        ["'event_name'", "Closest"],
    ),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_one_line_names_the_file_the_place_and_what_to_type_for(case, complaint):
    text, options, says = REFUSALS[case]
    line = complaint(load, text, **options)
    assert "events.csv" in line or "study.yaml" in line
    assert [part for part in says if part not in line] == [], line


def test_a_file_that_is_not_there_is_answered_with_the_nearest_one(tmp_path, complaint):
    (tmp_path / "events.csv").write_text("x")
    line = complaint(load_table, "events", TableSource(file="event.csv"), tmp_path)
    assert "event.csv" in line and "Closest: 'events.csv'" in line and "`file:`" in line
    assert "No folder" in complaint(load_table, "events", TableSource(file="data/events.csv"), tmp_path)


def test_a_file_of_another_kind_is_refused_by_its_name(tmp_path, complaint):
    (tmp_path / "events.xlsx").write_text("x")
    assert "events.xlsx is neither .csv nor .parquet" in complaint(
        load_table, "events", TableSource(file="events.xlsx"), tmp_path
    )


def test_a_parquet_file_that_is_none_is_refused(tmp_path, complaint):
    (tmp_path / "events.parquet").write_text("event_name,event_time\n")
    assert "events.parquet cannot be read" in complaint(
        load_table, "events", TableSource(file="events.parquet"), tmp_path
    )


FAULTS = [
    (["e1", "buy", "yesterday", "v", "", ""], "event_time: not a time"),
    (["e1", "buy", TIME, "", "", ""], "visitor_id: missing"),
    (["e0", "buy", TIME, "v", "", ""], "event_id: already used in an earlier row"),
    (["e1", "buy", TIME, "v", "-0.01", ""], "value: negative"),
    (["e1", "buy", TIME, "v", "12,50", ""], "value: not a number with decimal '.'"),
    (["e1", "buy", TIME, "v", "", "maybe"], "is_test: not true or false"),
]


@pytest.mark.parametrize(("row", "reason"), FAULTS)
def test_a_row_with_a_fault_is_named_by_file_row_and_column(row, reason):
    loaded = load(as_csv([["e0", "buy", TIME, "v", "1", ""], row]))
    assert loaded.quarantined["reason"].tolist()[0].startswith(reason)
    assert loaded.first_reason().startswith(f"events.csv, row 3, column {reason}")


def test_all_reasons_of_a_row_are_given():
    loaded = load(as_csv([["e0", "buy", "never", "v", "ten", "perhaps"]]))
    assert [reason.split(":")[0] for reason in loaded.quarantined.loc[2, "reason"].split("; ")] == [
        "event_time",
        "value",
        "is_test",
    ]


@settings(max_examples=300)
@given(st.text("ab, \n\r\t'\\é", max_size=60), st.sampled_from(["", '"', '"c,d"', "NA", "\ufeff"]))
def test_a_csv_is_cut_as_pandas_cuts_it(tmp_path_factory: pytest.TempPathFactory, text: str, inserted: str) -> None:
    """Arrow may be the faster one, but not another one."""
    path = tmp_path_factory.getbasetemp() / "cut.csv"
    path.write_text(text[:9] + inserted + text[9:], encoding="utf-8", newline="")
    by_pandas = {"dtype": "str", "keep_default_na": False, "na_values": [""], "skip_blank_lines": False, "header": None}
    found = []
    for cut in (lambda: sources._cut(path, TableSource(file="cut.csv"), 0), lambda: pd.read_csv(path, encoding="utf-8-sig", **by_pandas)):
        try:
            found.append(cut().fillna("missing").values.tolist())
        except (pd.errors.ParserError, pd.errors.EmptyDataError) as error:
            found.append(type(error))
    assert found[0] == found[1]


def test_several_files_are_one_table_whose_rows_keep_their_file_and_number(tmp_path: Path) -> None:
    rows = [["e1", "purchase", TIME, "v", "5", "false"], ["e2", "purchase", TIME, "v", "-1", "false"]]
    (tmp_path / "a.csv").write_text(as_csv(rows[:1]))
    (tmp_path / "b.csv").write_text(as_csv([rows[0], rows[1]]) + "\nTotal,,,,4,\n")
    loaded = load_table("events", TableSource(file=["a.csv", "b.csv"]), tmp_path)
    assert loaded.good["event_id"].tolist() == ["e1"] and loaded.read == 4 and loaded.files.name == "a.csv and 1 more"
    said = {loaded.files.row(number): reason for number, reason in loaded.quarantined["reason"].items()}
    assert said == {"b.csv, row 2": "event_id: already used in an earlier row", "b.csv, row 3": "value: negative",
                    "b.csv, row 5": "a total of the rows above it"}


def test_files_without_ids_number_their_events_through(tmp_path: Path) -> None:
    for name, visitor in (("a.csv", "v"), ("b.csv", "w")):
        (tmp_path / name).write_text(f"event_name,event_time,visitor_id\npurchase,{TIME},{visitor}\n")
    loaded = load_table("events", TableSource(file=["a.csv", "b.csv"]), tmp_path)
    assert loaded.good["event_id"].is_unique and len(loaded.good) == 2


def test_files_with_other_columns_are_refused_by_name(tmp_path: Path, complaint) -> None:
    (tmp_path / "a.csv").write_text(f"event_name,event_time,visitor_id\npurchase,{TIME},v\n")
    (tmp_path / "b.csv").write_text(f"event_name,event_time,visitor_id,value\npurchase,{TIME},v,9\n")
    said = complaint(load_table, "events", TableSource(file=["a.csv", "b.csv"]), tmp_path)
    assert "b.csv has a column 'value' and a.csv has not" in said


def test_amounts_with_two_currency_signs_are_refused_unless_a_column_says_which(tmp_path: Path, complaint) -> None:
    path = tmp_path / "events.csv"
    path.write_text(f"event_name,event_time,visitor_id,value\npurchase,{TIME},v,€10\npurchase,{TIME},v,7\npurchase,{TIME},v,$10\n")
    assert "events.csv, row 4, column value: '$10', but '€10' above it" in complaint(load_table, "events", TableSource(file=path.name), tmp_path)
    path.write_text(f"event_name,event_time,visitor_id,value,currency\npurchase,{TIME},v,€10,EUR\npurchase,{TIME},v,$10,USD\n")
    assert load_table("events", TableSource(file=path.name), tmp_path).good["value"].tolist() == [10.0, 10.0]


def test_a_file_that_is_named_twice_or_copied_is_refused(tmp_path: Path, complaint) -> None:
    for name in ("a.csv", "b.csv"):
        (tmp_path / name).write_text(f"event_name,event_time,visitor_id\npurchase,{TIME},v\n")
    for files in (["a.csv", "a.csv"], ["a.csv", "b.csv"]):
        assert f"{files[1]} holds the same rows as a.csv" in complaint(load_table, "events", TableSource(file=files), tmp_path)


def test_ids_of_several_parquet_files_keep_their_digits(tmp_path: Path) -> None:
    times = pd.to_datetime([TIME, TIME])
    rows = {"event_id": ["a", "b"], "event_name": "purchase", "event_time": times}
    pd.DataFrame(rows | {"visitor_id": [2**53 + 1, 7]}).to_parquet(tmp_path / "a.parquet")
    pd.DataFrame(rows | {"event_id": ["c", "d"], "visitor_id": [7.0, None]}).to_parquet(tmp_path / "b.parquet")
    loaded = load_table("events", TableSource(file=["a.parquet", "b.parquet"]), tmp_path)
    assert loaded.good["visitor_id"].tolist() == [str(2**53 + 1), "7", "7"]


def test_a_separator_that_arrow_does_not_know_is_read_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(f"event_name§event_time§visitor_id\npurchase§{TIME}§v\n", encoding="utf-8")
    assert len(load_table("events", TableSource(file="a.csv", separator="§"), tmp_path).good) == 1


def test_two_currency_signs_are_refused_where_the_column_of_currencies_is_empty(tmp_path: Path, complaint) -> None:
    path = tmp_path / "events.csv"
    path.write_text(f"event_name,event_time,visitor_id,value,currency\npurchase,{TIME},v,€10,\npurchase,{TIME},v,$10, \n")
    assert "two currencies" in complaint(load_table, "events", TableSource(file=path.name), tmp_path)


@pytest.mark.parametrize("said", [5, [], ["a.csv", 3], [""], ""])
def test_what_names_no_file_is_refused(said: object) -> None:
    with pytest.raises(ValidationError, match="write the name of a file"):
        TableSource(file=said)


@pytest.mark.parametrize(("text", "decimal", "found"), [("0.500", ",", None), ("0,500", ".", None), ("1,500", ".", 1500.0), ("10.500", ",", 10500.0),
                                                       ("9" * 310, ".", None), ("00.50", ".", 0.5)])
def test_a_number_is_not_made_a_thousand_times_as_large_nor_endless(text: str, decimal: str, found: float | None) -> None:
    number = to_numbers(pd.Series([text]), decimal)[0]
    assert (number == found) if found is not None else np.isnan(number)


@pytest.mark.parametrize(("text", "hour"), [("20260105T100000+0100", 9), ("2026-01-05T10+01:00", 9), ("2026-01-05T10:00:00+01", 9),
                                            ("2026-01-05 10:00 UTC+01:00", None), ("2026-01-05 10:00+1", 9),
                                            ("9999-12-31 23:59:59", None)])
def test_odd_offsets_and_days_that_never_come_are_read_or_set_aside(tmp_path: Path, text: str, hour: int | None) -> None:
    (tmp_path / "a.csv").write_text(f"event_name,event_time,visitor_id\npurchase,{text},v\npurchase,2026-01-05 12:00,v\n")
    loaded = load_table("events", TableSource(file="a.csv", time_zone="America/New_York"), tmp_path)
    assert len(loaded.good) + len(loaded.quarantined) == 2
    assert loaded.good["event_time"].dt.hour.tolist() == ([17] if hour is None else [hour, 17])


def test_a_title_above_columns_that_are_put_together_is_skipped(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("# export\nevent_name,d,t,visitor_id\npurchase,2026-01-05,10:00,v\npurchase,2026-01-05,11:00,v\n")
    source = TableSource(file="a.csv", time_zone="UTC", columns={"event_time": ["d", "t"]})
    assert load_table("events", source, tmp_path).good["event_time"].dt.hour.tolist() == [10, 11]


def test_blank_lines_above_the_header_are_skipped_and_counted(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(f"\n\nevent_name,event_time,visitor_id\npurchase,{TIME},v\n")
    loaded = load_table("events", TableSource(file="a.csv"), tmp_path)
    assert loaded.good.index.tolist() == [4] and loaded.skipped == 2


def test_codes_of_currencies_are_read_in_any_case(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(f"event_name,event_time,visitor_id,currency\npurchase,{TIME},v, usd\n")
    assert load_table("events", TableSource(file="a.csv"), tmp_path).good["currency"].tolist() == ["USD"]


def test_rows_of_an_earlier_file_do_not_count_again_where_no_id_tells_them_apart(tmp_path: Path) -> None:
    rows = [f"purchase,2026-01-0{day} 10:00Z,v\n" for day in range(1, 6)]
    for name, part in (("a.csv", [rows[0], rows[0], rows[1]]), ("b.csv", rows[1:])):
        (tmp_path / name).write_text("event_name,event_time,visitor_id\n" + "".join(part))
    loaded = load_table("events", TableSource(file=["a.csv", "b.csv"]), tmp_path)
    assert len(loaded.good) == 6 and loaded.read == 7  # the two alike of one file are two
    assert "a row of an earlier file" in loaded.quarantined["reason"].item() and loaded.files.row(loaded.quarantined.index[0]) == "b.csv, row 2"


def test_files_that_are_not_written_alike_are_refused(tmp_path: Path, complaint) -> None:
    rows = {"event_name": "purchase", "event_time": pd.to_datetime([TIME]), "visitor_id": "v"}
    pd.DataFrame(rows | {"value": [1.234]}).to_parquet(tmp_path / "a.parquet")
    pd.DataFrame(rows | {"value": ["1,50"]}).to_parquet(tmp_path / "b.parquet")
    (tmp_path / "c.csv").write_text(f"event_name,event_time,visitor_id,value\npurchase,{TIME},v,9\n")
    assert "some are Parquet and some are text" in complaint(load_table, "events", TableSource(file=["a.parquet", "c.csv"]), tmp_path)
    assert "column value is text in one of them only" in complaint(load_table, "events", TableSource(file=["a.parquet", "b.parquet"]), tmp_path)
