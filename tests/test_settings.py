"""A study file is checked to the last key, and what is wrong with the study is said in one line."""

from __future__ import annotations

import copy
import os
import tempfile
import time
from pathlib import Path
from typing import get_args

import convtrack.settings
import pandas as pd
import pytest
import yaml
from convtrack.attribution import MODELS, Platform
from convtrack.engine import study_paths
from convtrack.channels import ChannelRule, ChannelSettings
from convtrack.clocks import Clocks
from convtrack.errors import ConvtrackError
from convtrack.gaps import Gap
from convtrack.goals import Goal, find_conversions
from convtrack.journeys import journeys_of
from convtrack.passport import describe, make_passport
from convtrack.schema import TABLES
from convtrack.settings import Lookback, PlatformName, Study, StudyFile, open_study, read_study_file
from convtrack.sources import TableSource
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

HEADER = "event_id,event_name,event_time,visitor_id,value,currency\n"
ROW = "e{0},purchase,2026-01-05T10:00:00Z,v{0},{1},{2}\n"
EVENTS = "tables:\n  events: {file: events.csv}"


def test_a_study_is_opened_by_its_file_or_by_its_folder(study_folder):
    folder = study_folder()
    for path in (folder, str(folder), folder / "study.yaml"):
        study = open_study(path)
        assert (study.name, study.title, study.currency, study.time_zone) == (
            "shop",
            "A small shop",
            "GBP",
            "Europe/London",
        )
        assert (study.main_goal, study.touches, study.lookback_days) == ("sale", ("click", "visit"), 30)
        assert study.goal == {"sale": study.goals["sale"]}


def test_a_table_that_a_study_has_is_read_once_and_one_that_it_lacks_is_a_gap_with_its_name(study_folder):
    study = open_study(study_folder())
    assert study.events is study.events
    for name in set(TABLES) - {"events"}:
        gap = study.table(name)
        assert isinstance(gap, Gap) and f"`{name}`" in gap.sentence and "study.yaml" in gap.sentence
    assert isinstance(study.spend["cost"].sum() / 3, Gap)


def test_rows_read_are_rows_used_plus_rows_quarantined_through_the_front_door(study_folder):
    rows = [
        ROW.format(1, 5, "GBP"),
        ROW.format(2, -5, "GBP"),
        ROW.format(1, 5, "GBP"),
        ROW.format(3, '"5,0"', "GBP"),
    ]
    loaded = open_study(study_folder(events=HEADER + "".join(rows))).loaded("events")
    assert (loaded.read, len(loaded.good)) == (4, 1)
    assert loaded.quarantined["reason"].to_dict() == {
        3: "value: negative",
        4: "event_id: already used in an earlier row",
        5: "value: not a number with decimal '.'",
    }


def test_rows_with_a_fault_stop_the_study_where_it_says_so(study_folder, complaint):
    events = HEADER + ROW.format(1, 5, "GBP") + ROW.format(2, '"5,0"', "GBP")
    study = open_study(study_folder(("bad_rows: quarantine", "bad_rows: stop"), events=events))
    line = complaint(lambda: study.events)
    assert line.startswith("events.csv, row 3, column value: not a number with decimal '.'. 1 of 2 rows")
    assert "bad_rows: quarantine" in line


def test_a_study_without_faults_does_not_stop(study_folder):
    assert len(open_study(study_folder(("bad_rows: quarantine", "bad_rows: stop"))).events) == 3


def test_a_table_of_which_no_row_can_be_used_is_an_error_even_under_quarantine(study_folder, complaint):
    study = open_study(
        study_folder(events=HEADER + ROW.format(1, '"5,0"', "GBP") + ROW.format(2, '"6,0"', "GBP"))
    )
    line = complaint(lambda: study.events)
    assert line.startswith("events.csv, row 2, column value: ") and "No row" in line and "2 of 2" in line


# ------------------------------------------------------------------------------------------------ money


def test_a_second_currency_needs_a_rate_and_the_line_shows_where_to_write_it(study_folder, complaint):
    study = open_study(study_folder(events=HEADER + ROW.format(1, 5, "GBP") + ROW.format(2, 10, "EUR")))
    line = complaint(lambda: study.events)
    assert line.startswith("events.csv, row 3, column currency: EUR") and "GBP" in line
    assert "exchange_rates: {EUR: " in line


def test_exchange_rates_turn_money_into_the_currency_of_the_study(study_folder):
    rows = (
        ROW.format(1, "5.00", "GBP")
        + ROW.format(2, "10.01", "EUR")
        + ROW.format(3, "", "USD")
        + ROW.format(4, "7", "")
    )
    folder = study_folder(
        ("lookback_days: 30", "lookback_days: 30\nexchange_rates: {EUR: 0.85}"), events=HEADER + rows
    )
    study = open_study(folder)
    # 10.01 EUR * 0.85 = 8.5085, not rounded before it is added up; no rate is needed for a row without an amount
    assert study.events["value"].fillna(-1).tolist() == pytest.approx([5.0, 8.5085, -1.0, 7.0], abs=1e-12)
    assert study.events["currency"].fillna("?").tolist() == ["GBP", "GBP", "USD", "?"]
    assert find_conversions(study.events, study.goal)["value"].sum() == pytest.approx(5 + 8.5085 + 7)


@pytest.mark.parametrize(("code", "amount"), [("GBP", "0.004"), ("KWD", "3.259"), ("JPY", "12.5"), ("GBP", "0.0000001")])
def test_amounts_below_the_smallest_coin_are_not_lost(code, amount, study_folder):
    lines = "".join(f"2026-01-{day:02d},Email,{amount},{code}\n" for day in range(1, 29))
    for spend in ("date,channel,cost,currency\n" + lines, "date,channel,cost\n" + lines.replace(f",{code}", "")):
        changes = (EVENTS, EVENTS + "\n  spend: {file: spend.csv}"), ("currency: GBP", f"currency: {code}")
        folder = study_folder(*changes, events=HEADER, spend=spend)
        assert open_study(folder).spend["cost"].sum() == pytest.approx(28 * float(amount), rel=1e-12)


@pytest.mark.parametrize(("code", "line"), [("KWD", "value 3.259"), ("GBP", "value 3.26"), ("JPY", "value 3")])
def test_the_passport_tells_a_total_in_the_decimals_of_the_currency(code, line, study_folder):
    rows = "a,session_start,2026-01-05T10:00Z,v,Email,,\nb,purchase,2026-01-05T11:00Z,v,,3.2594," + code + "\n"
    header = "event_id,event_name,event_time,visitor_id,channel,value,currency\n"
    passport = make_passport(open_study(study_folder(("currency: GBP", f"currency: {code}"), events=header + rows)))
    assert f"goal      sale: 1 conversions, {line}\n" in describe(passport)
    assert passport.as_json()["goals"]["sale"]["value"] == float(line.split()[1])


def test_costs_are_converted_as_values_are(study_folder):
    folder = study_folder(
        (EVENTS, EVENTS + "\n  spend: {file: spend.csv}"),
        ("lookback_days: 30", "lookback_days: 30\nexchange_rates: {EUR: 0.5}"),
        spend="date,channel,cost,currency\n2026-01-05,Email,3,EUR\n2026-01-05,Email,4,GBP\n",
    )
    assert open_study(folder).spend["cost"].tolist() == [1.5, 4.0]


@pytest.mark.parametrize(("old", "new", "said"), [
    ("time_zone: Europe/London", "time_zone: ''", "there is no time zone"),
    ("{file: events.csv}", "{file: events.csv, columns: {event_time: []}}", "'tables: events: columns: event_time")])
def test_an_empty_zone_or_list_of_columns_is_one_line(old, new, said, study_folder, complaint):
    assert said in complaint(open_study, study_folder((old, new)))


def test_the_rate_in_the_error_message_is_refused_until_it_is_filled_in(study_folder, complaint):
    for rate in ("0.00", "-1", ".nan", ".inf"):
        folder = study_folder(("lookback_days: 30", f"lookback_days: 30\nexchange_rates: {{EUR: {rate}}}"))
        assert "'exchange_rates: EUR'" in complaint(open_study, folder)


# ------------------------------------------------------------------------------------------------ times


@pytest.mark.parametrize(("said", "repeated"), [("", "2025-10-26T00:30:00Z"), (", repeated_hour: later", "2025-10-26T01:30:00Z")])
def test_local_times_that_the_clock_change_skips_or_repeats_are_read_and_found(said, repeated, study_folder):
    times = ["2026-03-29 00:59:59", "2026-03-29 01:30:00", "2026-03-29 02:00:00", "2025-10-26 01:30:00"]
    rows = "".join(f"e{i},purchase,{time},v,5,GBP\n" for i, time in enumerate(times))
    file = f"{{file: events.csv, time_zone: Europe/London{said}}}"
    study = open_study(study_folder(("{file: events.csv}", file), events=HEADER + rows))
    # 00:59:59 is still GMT; 02:00 is the first instant of summer time, 01:00 UTC: one second later
    read = ["2026-03-29T00:59:59Z", "2026-03-29T01:30:00Z", "2026-03-29T01:00:00Z", repeated]
    assert study.loaded("events").good["event_time"].tolist() == [pd.Timestamp(time) for time in read]
    findings = make_passport(study).findings
    assert any("1 time in an hour that the clocks skip" in finding for finding in findings)
    assert any("taken for the earlier one" in finding for finding in findings) == (not said)


# ------------------------------------------------------------------------------------------------ refusals

GOAL = "{event: purchase, kind: site, value: column, once_per: event}"
REFUSALS = {
    "an unknown key": (
        ("lookback_days: 30", "lookback_day: 30"),
        ["'lookback_day'", "Closest: 'lookback_days'"],
    ),
    "an unknown key of a table": (
        ("{file: events.csv}", "{file: events.csv, colums: {}}"),
        ["'tables: events: colums'", "Closest: 'columns'"],
    ),
    "an unknown key of a goal": (
        ("value: column", "valeu: column"),
        ["'goals: sale: valeu'", "Closest: 'value'"],
    ),
    "a missing key": (("title: A small shop\n", ""), ["'title' is missing", "Add it"]),
    "a missing key of a goal": ((", once_per: event", ""), ["'goals: sale: once_per' is missing"]),
    "a key that is not filled in": (("title: A small shop", "title:"), ["'title' is not filled in"]),
    "a wrong type": (
        ("lookback_days: 30", "lookback_days: a month"),
        ["'lookback_days'", "integer", "'a month'"],
    ),
    "a list for a table": ((EVENTS, "tables: [events.csv]"), ["'tables'", "['events.csv']"]),
    "a window of nothing": (("lookback_days: 30", "lookback_days: 0"), ["'lookback_days'", "it says 0"]),
    "a currency by its name": (("currency: GBP", "currency: pounds"), ["'currency'", "[A-Z]{3}", "'pounds'"]),
    "an unknown way with bad rows": (
        ("bad_rows: quarantine", "bad_rows: ignore"),
        ["'bad_rows'", "'stop' or 'quarantine'", "'ignore'"],
    ),
    "an unknown interaction": (("[click, visit]", "[click, tap]"), ["'touches: 1'", "'visit'", "'tap'"]),
    "no interaction": (("[click, visit]", "[]"), ["'touches'", "at least 1"]),
    "an unknown kind of goal": (("kind: site", "kind: web"), ["'goals: sale: kind'", "'offline'", "'web'"]),
    "a goal with a negative value": (("value: column", "value: -5"), ["goals: sale: value", "-5"]),
    "no goals": ((f"  sale: {GOAL}\n", ""), ["'goals' is not filled in"]),
    "a main goal that is none": (
        ("main_goal: sale", "main_goal: sales"),
        ["main_goal 'sales'", "Closest: 'sale'", "Write one of: sale"],
    ),
    "an unknown table": (
        ("  events:", "  evnts:"),
        ["'evnts'", "Closest: 'events'", "Write one of: events, spend"],
    ),
    "no events": (
        ("  events: {file: events.csv}", "  orders: {file: orders.csv}"),
        ["every study needs 'events'"],
    ),
    "an unknown time zone": (
        ("time_zone: Europe/London", "time_zone: Europe/Lodnon"),
        ["'Europe/Lodnon'", "Europe/London"],
    ),
    "a name that could leave the folder": (("name: shop", "name: ../shop"), ["'name'", "'../shop'"]),
    "a separator of two characters": (
        ("{file: events.csv}", "{file: events.csv, separator: '::'}"),
        ["'tables: events: separator'", "'::'"],
    ),
    "a decimal sign that is none": (
        ("{file: events.csv}", "{file: events.csv, decimal: ';'}"),
        ["'tables: events: decimal'", "';'"],
    ),
    "an unknown key of channels": (
        ("title: A small shop", "title: A small shop\nchannels: {own_site: [shop.example]}"),
        ["'channels: own_site'", "Closest: 'own_sites'"],
    ),
    "an unknown key of a rule": (
        ("title: A small shop", "title: A small shop\nchannels: {rules: [{sorce: x, channel: Press}]}"),
        ["'channels: rules: 0: sorce'", "Closest: 'source'"],
    ),
    "a rule for every row": (
        ("title: A small shop", "title: A small shop\nchannels: {rules: [{channel: Press}]}"),
        ["'channels: rules: 0'", "a source, a medium or a campaign"],
    ),
    "broken YAML": (("title: A small shop", "title: [A small shop"), ["line 3", "not YAML", "quotes"]),
    "a tab in YAML": (("  events:", "\tevents:"), ["line 7", "not YAML"]),
    "a control character": (("title: A small shop", "title: A\x07shop"), ["not YAML"]),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_one_line_names_the_study_file_the_key_and_what_to_type_for(case, study_folder, complaint):
    change, says = REFUSALS[case]
    line = complaint(open_study, study_folder(change))
    assert line.startswith("study.yaml")
    assert [part for part in says if part not in line] == [], line


@pytest.mark.parametrize(
    "tag",
    [
        "!!python/object/apply:pathlib.Path.touch [{0}]",
        "!!python/object/apply:os.system ['touch {0}']",
        "!!python/name:os.system",
        "!!python/object/new:os.system ['touch {0}']",
    ],
)
def test_a_tag_that_would_run_something_is_refused_and_runs_nothing(tag, study_folder, complaint, tmp_path):
    trace = tmp_path / "trace"
    line = complaint(open_study, study_folder(("title: A small shop", f"title: {tag.format(trace)}")))
    assert line.startswith("study.yaml, line 2") and "tag" in line
    assert not trace.exists()


@pytest.mark.parametrize("content", ["just text", "- a\n- b\n", "42"])
def test_a_file_that_is_no_study_file_is_called_so(content, tmp_path, complaint):
    (tmp_path / "study.yaml").write_text(content)
    line = complaint(open_study, tmp_path)
    assert line.startswith("study.yaml: this is not a study file") and "convtrack new" in line


def test_the_data_given_in_place_of_the_study_file_is_called_so(study_folder, complaint, tmp_path):
    study_folder()
    assert "events.csv" in complaint(open_study, tmp_path / "events.csv")
    pd.DataFrame({"a": [1.5]}).to_parquet(tmp_path / "events.parquet")
    assert "events.parquet is not a text file" in complaint(open_study, tmp_path / "events.parquet")


def test_an_empty_study_file_lacks_its_first_key(tmp_path, complaint):
    (tmp_path / "study.yaml").write_text("")
    assert "'name' is missing" in complaint(open_study, tmp_path)


def test_a_path_that_is_not_there_is_answered_with_the_nearest_file(study_folder, complaint):
    folder = study_folder()
    line = complaint(open_study, folder / "studi.yaml")
    assert "studi.yaml" in line and "Closest: 'study.yaml'" in line and "convtrack new" in line
    assert "convtrack new" in complaint(open_study, folder / "nowhere" / "study.yaml")


def test_a_folder_without_a_study_file_says_so(tmp_path, complaint):
    assert "There is no study file" in complaint(open_study, tmp_path)


@given(st.text(max_size=40))
def test_no_text_in_a_study_file_gives_more_than_one_line(text):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "study.yaml"
        path.write_text(text, encoding="utf-8", errors="replace")
        with pytest.raises(ConvtrackError) as caught:
            read_study_file(path)
    assert len(str(caught.value).splitlines()) == 1


# ------------------------------------------------------------------------------------------------ names

# every key of a study file: with a misspelt name in it and what is nearest, or why it names nothing that could be missing
FULL = {
    "name": "shop", "title": "A small shop", "currency": "GBP", "time_zone": "Europe/London", "bad_rows": "quarantine",
    "tables": {"events": {"file": "events.csv", "separator": ",", "encoding": "utf-8", "decimal": ".", "day_first": True,
                          "time_zone": "Europe/Paris", "columns": {"event_id": "event_id"},
                          "values": {"interaction": {"Klick": "click"}}}},
    "goals": {"sale": {"event": "purchase", "kind": "site", "value": "column", "once_per": "event",
                       "where": {"currency": "GBP"}, "why": "it pays"},
              "visit": {"event": "session_start", "kind": "site", "value": "none", "once_per": "session"}},
    "main_goal": "sale", "touches": ["click", "visit"], "lookback_days": 30,
    "lookbacks": [{"days": 7, "channel": "Email", "interaction": "click"}], "milestone": "visit",
    "platforms": {"klaviyo": ["Email"]}, "connection": None, "exchange_rates": {"EUR": 0.85}, "lessons": {"07": {"top": 5}},
}  # fmt: skip
NAMES = {
    "bad_rows": [(("bad_rows",), "quarantin", "quarantine")],
    "time_zone": [(("time_zone",), "Europe/Lodon", "Europe/London")],
    "tables": [(("tables", "evnts"), {"file": "events.csv"}, "events")],
    "tables: file": [(("tables", "events", "file"), "event.csv", "events.csv")],
    "tables: encoding": [(("tables", "events", "encoding"), "utf9", None)],
    "tables: time_zone": [(("tables", "events", "time_zone"), "Europe/Pariss", "Europe/Paris")],
    "tables: columns": [
        (("tables", "events", "columns"), {"campain": "channel"}, "campaign"),
        (("tables", "events", "columns"), {"campaign": "chanel"}, "channel"),
    ],
    "tables: values": [
        (("tables", "events", "values"), {"interacton": {"Klick": "click"}}, "interaction"),
        (("tables", "events", "values"), {"interaction": {"Klick": "clik"}}, "click"),
    ],
    "goals: kind": [(("goals", "sale", "kind"), "sites", "site")],
    "goals: value": [(("goals", "sale", "value"), "colum", "column")],
    "goals: once_per": [(("goals", "sale", "once_per"), "evnt", "event")],
    "goals: refunds": [(("goals", "sale", "refunds"), "substract", "subtract")],
    "goals: where": [
        (("goals", "sale", "where"), {"curency": "GBP"}, "currency"),
        (("goals", "sale", "where"), {"currency": "gbp"}, "GBP"),
    ],
    "main_goal": [(("main_goal",), "sail", "sale")],
    "milestone": [(("milestone",), "visitt", "visit")],
    "touches": [(("touches",), ["click", "vist"], "visit")],
    "lookbacks: channel": [(("lookbacks", 0, "channel"), name, "Email") for name in ("Emial", "email", "E-Mail")],
    "lookbacks: interaction": [(("lookbacks", 0, "interaction"), "clik", "click")],
    "platforms": [
        (("platforms", "klavio"), ["Email"], "klaviyo"),
        (("platforms", "klaviyo"), ["Direct", "Emial"], "Email"),
    ],
    "identity": [(("identity",), "user", None)],
    "connection": [(("connection",), "duckbd://", None)],
    "exchange_rates": [(("exchange_rates",), {"eur": 0.85}, None)],
    "lessons": [(("lessons",), {name: {}}, None) for name in ("7", 7, "007", "seven")],
}
NAMES_NOTHING = {
    "name", "title", "currency", "lookback_days", "placeholders", "clocks: earliest", "clocks: latest", "lookbacks: days", "goals: why", "tables: separator", "tables: decimal",
    "channels: own_sites", "channels: unwanted_referrers", "channels: rules: channel", "channels: rules: source",
    "channels: rules: medium", "channels: rules: campaign",  # a channel and a tag may have any name
    "tables: day_first", "tables: repeated_hour", "goals: event",  # an event that did not happen counts 0, and the passport says so
}  # fmt: skip
PARTS = {"tables": TableSource, "goals": Goal, "lookbacks": Lookback, "channels": ChannelSettings, "channels: rules": ChannelRule,
         "clocks": Clocks}


def all_keys() -> set[str]:
    """The keys of a study file and of its parts; a part that holds another model is looked into."""
    keys = set(StudyFile.model_fields)
    for key, model in PARTS.items():
        keys |= {f"{key}: {name}" for name in model.model_fields}
    return keys


def with_value(where: tuple, value: object) -> dict:
    """The full study file with one value replaced or added."""
    study = copy.deepcopy(FULL)
    place = study
    for step in where[:-1]:
        place = place[step]
    place[where[-1]] = value
    return study


def opened(study: dict, folder: Path) -> Study:
    (folder / "study.yaml").write_text(yaml.safe_dump(study), encoding="utf-8")
    return open_study(folder)


def test_every_key_is_known_to_name_something_or_nothing():
    assert all_keys() - set(PARTS) == (set(NAMES) | NAMES_NOTHING) - set(PARTS)
    models = [model for model in vars(convtrack.settings).values() if isinstance(model, type) and issubclass(model, BaseModel)]
    assert set(models) - {BaseModel, StudyFile} == set(PARTS.values())


def test_the_full_study_file_is_used_as_it_is(study_folder):
    assert len(opened(FULL, study_folder()).events) == 3


@pytest.mark.parametrize(
    ("where", "value", "near"),
    [pytest.param(*trial, id=f"{key} {i}") for key, trials in NAMES.items() for i, trial in enumerate(trials)],
)
def test_a_name_that_does_not_exist_stops_the_study_with_the_nearest_that_does(where, value, near, study_folder, complaint):
    folder = study_folder()
    if where == ("connection",):
        line = complaint(study_paths, opened(with_value(where, value), folder))
    else:
        line = complaint(lambda: opened(with_value(where, value), folder).events)
    assert near is None or f"Closest: '{near}'" in line
    assert line.startswith(("study.yaml", "events.csv", "connection", "There is no file"))


@pytest.mark.parametrize(
    ("where", "value"),
    [
        (("lookbacks", 0, "channel"), "Display"),
        (("platforms", "klaviyo"), ["EMAIL"]),
        (("platforms", "meta"), ["Paid Social"]),
    ],
)
def test_a_channel_that_the_rules_know_may_be_without_an_event(where, value, study_folder):
    assert len(opened(with_value(where, value), study_folder()).events) == 3


def test_a_channel_that_is_paid_for_may_be_without_an_event(study_folder):
    study = with_value(("lookbacks", 0, "channel"), "Zeppelin")
    study["tables"]["spend"] = {"file": "spend.csv"}
    folder = study_folder(spend="date,channel,cost\n2026-01-05,Zeppelin,9\n")
    assert len(opened(study, folder).events) == 3


def test_every_platform_of_the_catalogue_can_have_channels():
    assert set(get_args(PlatformName)) == {name for name, model in MODELS.items() if isinstance(model, Platform)}


@pytest.mark.parametrize(
    ("where", "value"),
    [
        (("lookback_days",), 0), (("lookback_days",), -1), (("lookback_days",), 366), (("lookbacks", 0, "days"), 0),
        (("lookbacks", 0, "days"), -1), (("lookbacks", 0, "days"), float("nan")), (("exchange_rates", "EUR"), 0),
        (("goals", "sale", "value"), -1), (("goals", "sale", "value"), float("inf")), (("platforms", "klaviyo"), []),
        (("touches",), []),
    ],
)  # fmt: skip
def test_zero_and_negative_settings_are_checked_and_not_taken_for_none_given(where, value, study_folder, complaint):
    line = complaint(opened, with_value(where, value), study_folder())
    assert f"'{': '.join(map(str, where))}" in line


def test_a_window_of_no_days_or_without_interactions_is_not_the_windows_of_the_study(study_folder, complaint):
    study = open_study(study_folder())
    assert len(journeys_of(study)) == 2
    for days in (0, -1, float("nan")):
        assert "sees nothing" in complaint(journeys_of, study, lookback_days=days)
    assert "Write some of: view, click" in complaint(journeys_of, study, interactions=())


# ------------------------------------------------------------------------------------------------ hostile files

BOMB = "".join(f"- &a{i} [{','.join([f'*a{i - 1}' if i else 'x'] * 10)}]\n" for i in range(8))
HOSTILE = {
    "aliases of aliases": f"title:\n{BOMB}",
    "aliases of aliases by merging": "a0: &a0 {x: 1}\n" + "".join(
        f"a{i}: &a{i} {{<<: [{','.join([f'*a{i - 1}'] * 10)}]}}\n" for i in range(1, 9)
    ),
    "a list in itself": "title: &a [*a]\n",
    "a mapping in itself": "tables: &a {events: *a}\n",
    "lists without end": "title: " + "[" * 20_000,
    "lists without end that are closed": "title: " + "[" * 5_000 + "]" * 5_000,
    "mappings without end": "title: " + "{a: " * 20_000,
    "sequences without end": "title:\n" + "".join(" " * i + "-\n" for i in range(1_500)),
    "a number of 5,000 digits": "lookback_days: " + "9" * 5_000,
    "a hexadecimal number of 5,000 digits": "lookback_days: 0x" + "f" * 5_000,
    "a number in base 60 of 5,000 digits": "lookback_days: 1" + ":59" * 5_000,
    "a fraction of 5,000 digits": "lookback_days: 0." + "3" * 5_000,
    "a key of 5,000 digits": "9" * 5_000 + ": 1",
    "a text of a million letters": "lookback_days: " + "x" * 1_000_000,
    "a key of a million letters": "? " + "x" * 1_000_000 + "\n: 1",
    "a tag of a million letters": "title: !" + "x" * 1_000_000 + " a",
    "a day that is none": "title: 2026-02-30",
    "a time that is none": "title: 2026-02-03 25:61:00Z",
    "a list for a key": "? [a]\n: 1",
    "an empty number": "lookback_days: 0x",
}  # fmt: skip


@pytest.mark.parametrize("case", HOSTILE)
def test_one_short_line_answers_a_file_with(case, tmp_path, complaint):
    (tmp_path / "study.yaml").write_text(HOSTILE[case], encoding="utf-8")
    began = time.monotonic()
    line = complaint(open_study, tmp_path)
    assert line.startswith("study.yaml") and len(line) < 1_100
    assert time.monotonic() - began < 5


def test_an_encoding_that_is_no_text_is_one_line(study_folder, complaint):
    study = opened(with_value(("tables", "events", "encoding"), "a\0"), study_folder())
    assert "encoding:" in complaint(lambda: study.events)


@pytest.mark.skipif(os.name == "nt", reason="makes a POSIX pipe")
def test_a_pipe_for_a_file_is_refused_and_not_waited_for(study_folder, complaint):
    folder = study_folder()
    os.mkfifo(folder / "pipe.csv")
    study = opened(with_value(("tables", "events", "file"), "pipe.csv"), folder)
    assert "pipe.csv is no file" in complaint(lambda: study.events)
    (folder / "study.yaml").unlink()
    os.mkfifo(folder / "study.yaml")
    assert "study.yaml is no file" in complaint(open_study, folder)


def test_amounts_with_the_sign_of_another_currency_stop_the_study(study_folder):
    header = "event_id,event_name,event_time,visitor_id,channel,value\n"
    rows = "a,session_start,2026-01-05T10:00Z,v,Email,\nb,purchase,2026-01-05T11:00Z,v,,{}10\n"
    for sign, code in (("€", "USD"), ("$", "EUR"), ("£", "EUR")):
        with pytest.raises(ConvtrackError, match=f"amounts with [{sign}], but the study reports in {code}"):
            open_study(study_folder(("currency: GBP", f"currency: {code}"), events=header + rows.format(sign))).events  # noqa: B018
    for sign, code in (("€", "EUR"), ("$", "CAD"), ("", "USD")):
        study = open_study(study_folder(("currency: GBP", f"currency: {code}"), events=header + rows.format(sign)))
        assert study.events["value"].sum() == 10


VISITS = "event_id,event_name,event_time,visitor_id,session_id,referrer,utm_source,utm_medium,page_url,value\n"
SENT = "e1,page_view,2026-01-05T10:00:00Z,v,s1,,news,email,https://shop.example/,\n"
PAID = "{n},{event},2026-01-05T10:{minute}:00Z,v,{session},{referrer},,,https://shop.example/thanks,{value}\n"


@pytest.mark.parametrize(("minute", "referrer", "last", "sessions"), [
    ("05", "https://www.paypal.com/", "Email", 1), ("05", "https://till.example/", "Email", 1),
    ("05", "https://www.google.com/", "Organic Search", 2), ("31", "https://www.paypal.com/", "Direct", 2)])
def test_a_return_from_a_payment_under_a_new_session_goes_on_with_the_visit(study_folder, minute, referrer, last, sessions):
    back = PAID.format(n="e2", event="page_view", minute=minute, session="s2", referrer=referrer, value="")
    sold = PAID.format(n="e3", event="purchase", minute=minute, session="s2", referrer="", value=20)
    folder = study_folder((EVENTS, EVENTS + "\nchannels: {unwanted_referrers: [till.example]}"), events=VISITS + SENT + back + sold)
    study = open_study(folder)
    assert study.events["session_id"].nunique() == sessions
    assert [path[-1] for path in journeys_of(study)["path"]] == [last]


def test_a_return_goes_on_with_the_visit_that_it_came_from_and_not_with_the_one_that_began_last(study_folder):
    # two tabs: A, then B, which buys; then A again, which leaves for the payment and comes back as C
    rows = [("10:00", "A", "page_view", "https://www.google.com/", ""), ("10:01", "B", "page_view", "https://blog.example/", ""),
            ("10:02", "B", "purchase", "", "5"), ("10:25", "A", "page_view", "", ""),
            ("10:30", "C", "page_view", "https://www.paypal.com/", ""), ("10:31", "C", "purchase", "", "10")]
    lines = [f"e{n},{event},2026-01-05T{time}:00Z,v,{session},{referrer},,,https://shop.example/,{value}\n"
             for n, (time, session, event, referrer, value) in enumerate(rows)]
    study = open_study(study_folder(events=VISITS + "".join(lines)))
    assert study.events.sort_values("event_time")["session_id"].tolist() == ["A", "B", "B", "A", "A", "A"]
