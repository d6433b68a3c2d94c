"""A stranger's export: what can be told is told, what cannot is asked, and nothing is lost on the way."""

from __future__ import annotations

import csv
import os
import re
from pathlib import Path

import pandas as pd
import pytest
import yaml
from convtrack.channels import channel_rules
from convtrack.errors import ConvtrackError
from convtrack.goals import Goal, find_conversions
from convtrack.journeys import journeys_of
from convtrack.onboarding import Entry, Proposal, propose, write_proposal
from convtrack.recognise import SPELLED, Words
from convtrack.schema import TABLES
from convtrack.settings import Study, open_study
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st
from stranger import COLUMNS, write_stranger

GA4 = """\
event_date,event_timestamp,event_name,user_pseudo_id,user_id,ga_session_id,page_location,page_referrer,\
source,medium,campaign,device.category,geo.country,ecommerce.transaction_id,ecommerce.purchase_revenue
20260305,2026-03-05 14:03:11.123456 UTC,session_start,12.34,,1772,https://a.example/,https://google.com/,\
google,cpc,brand,mobile,Germany,,
20260305,2026-03-05 14:05:11 UTC,purchase,12.34,u1,1772,https://a.example/thanks,,google,cpc,brand,mobile,\
Germany,T1,12.50
20260306,2026-03-06 14:05:11 UTC,first_open,99.1,u2,1773,https://a.example/,,(direct),(none),,mobile,Germany,,
"""
SEGMENT = """\
messageId,type,event,timestamp,originalTimestamp,sentAt,receivedAt,anonymousId,userId,context.page.url,\
context.campaign.source,context.campaign.medium,context.campaign.name,properties.order_id,properties.revenue,\
properties.currency
m1,track,Product Viewed,2026-03-05T14:03:11.123Z,2026-03-05T14:03:11.000Z,2026-03-05T14:03:12.000Z,\
2026-03-05T14:03:12.100Z,a1,,https://shop.example/p,google,cpc,spring,,,
m2,track,Order Completed,2026-03-05T15:03:11.123Z,2026-03-05T15:03:11.000Z,2026-03-05T15:03:12.000Z,\
2026-03-05T15:03:12.100Z,a1,u1,https://shop.example/t,google,cpc,spring,o1,99.5,USD
m3,track,Signed Up,2026-03-06T15:03:11.123Z,2026-03-06T15:03:11.000Z,2026-03-06T15:03:12.000Z,\
2026-03-06T15:03:12.100Z,a2,u2,https://shop.example/t,google,cpc,spring,,,
"""
TOUCHES = """\
Touch Date,Cookie ID,Marketing Channel,Campaign Name,Touch Type,Activity,Revenue
01/05/2026 2:03 PM,c1,Paid Search - Brand,Spring,Click,Visit,
01/13/2026 2:10 PM,c1,E-mail,Spring,Click,Purchase,$12.50
01/14/2026 2:10 PM,c2,Retargeting Display,Spring,Impression,Ad Impression,
01/15/2026 2:10 PM,c2,Podcast Ads,Spring,Click,Purchase,"$1,012.50"
"""
TABLES_COLUMNS = {column.name for column in TABLES["events"]}
SMALL = "visitor,time,event\nv,2026-03-01 10:00,purchase\nv,2026-03-01 11:00,page view\n"


LOG_OF_TWO = """\
event_id,event_name,event_time,visitor_id,channel,value
1,session_start,2026-01-05 10:00Z,v,Email,
2,purchase,2026-01-05 11:00Z,v,,2000
"""


def saved(folder: Path, text: str, name: str = "export.csv", encoding: str = "utf-8") -> Path:
    path = folder / name
    path.write_bytes(text.encode(encoding))
    return path


def settings_of(proposal: Proposal) -> dict:
    return yaml.safe_load(proposal.text)


def events_of(proposal: Proposal) -> dict:
    return settings_of(proposal)["tables"]["events"]


def opened(proposal: Proposal, folder: Path) -> Study:
    """The study, after a check that nothing of its events is set aside."""
    study = open_study(write_proposal(proposal, folder / "study"))
    loaded = study.loaded("events")
    assert len(loaded.good) == loaded.read and loaded.quarantined.empty
    return study


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_stranger(tmp_path_factory.mktemp("stranger"))


@pytest.fixture(scope="module")
def proposal(stranger: Path) -> Proposal:
    return propose(stranger)


# the stranger

def test_the_strangers_columns_are_recognised(proposal: Proposal) -> None:
    assert events_of(proposal)["columns"] == {
        "event_time": "Datum/Uhrzeit", "visitor_id": "Kundennr (Cookie)", "event_name": "Ereignis",
        "page_url": "Seite", "channel": "Kanal", "value": "Umsatz", "transaction_id": "Bestellnr",
        "device": "Gerät"}


def test_the_strangers_spellings_are_recognised_and_an_unknown_channel_is_listed(proposal: Proposal) -> None:
    assert events_of(proposal)["values"] == {
        "event_name": {"Seitenaufruf": "page_view", "Warenkorb": "add_to_cart", "Kasse": "begin_checkout",
                       "Kauf": "purchase", "Newsletter-Anmeldung": "newsletter_opt_in",
                       "Rückruf-Formular": "lead_form"},
        "channel": {"google organisch": "Organic Search", "AdWords Marke": "Paid Search Brand",
                    "AdWords generisch": "Paid Search Generic", "facebook bezahlt": "Paid Social",
                    "direkt": "Direct", "Newsletter": "Email"}}
    assert any("channel, not known and left as they are: Preisvergleich" in line for line in proposal.lines)


def test_the_strangers_file_is_read_as_it_was_written(proposal: Proposal) -> None:
    found = events_of(proposal)
    assert {key: found[key] for key in ("separator", "encoding", "decimal", "day_first")} == {
        "separator": ";", "encoding": "cp1252", "decimal": ",", "day_first": True}


def test_the_strangers_goals_are_proposed_and_the_gaps_in_their_values_named(proposal: Proposal) -> None:
    found, goals = settings_of(proposal), settings_of(proposal)["goals"]
    assert list(goals) == ["purchase", "lead_form", "newsletter_opt_in"] and found["main_goal"] == "purchase"
    assert goals["purchase"] == {"event": "purchase", "kind": "site", "value": "column", "once_per": "event",
                                 "refunds": "ignore"}
    assert goals["newsletter_opt_in"]["once_per"] == "visitor"
    assert re.search(r"value: column  # value known for [67]\d%: totals cover those only", proposal.text)


def test_only_currency_and_time_zone_are_asked(proposal: Proposal) -> None:
    assert [question.split(":")[0] for question in proposal.questions] == ["currency", "time_zone"]


def test_every_guessed_line_says_why(proposal: Proposal) -> None:
    bare = [e.key for e in proposal.entries if e.value is not ... and not e.why]
    assert bare == ["name", "title", "file", "kind", "kind", "kind", "lessons"]


def test_an_unanswered_question_is_refused_by_its_name(proposal: Proposal, tmp_path: Path) -> None:
    path = write_proposal(proposal, tmp_path)
    with pytest.raises(ConvtrackError, match="'currency' is not filled in"):
        open_study(path)
    text = path.read_text("utf-8").replace("currency: null", "currency: EUR")
    path.write_text(text, "utf-8")
    with pytest.raises(ConvtrackError, match="'time_zone' is not filled in"):
        open_study(path)
    path.write_text(text.replace("\ntime_zone: null", "\ntime_zone: Europe/Berlin"), "utf-8")
    with pytest.raises(ConvtrackError, match="time_zone"):
        open_study(path).loaded("events")


@pytest.fixture(scope="module")
def answered(stranger: Path, tmp_path_factory: pytest.TempPathFactory) -> Study:
    folder = tmp_path_factory.mktemp("answered")
    return opened(propose(stranger, "Europe/Berlin", "EUR", "Räder & Co"), folder)


def test_the_answered_study_uses_every_row_and_every_cent(stranger: Path, answered: Study) -> None:
    with stranger.open(encoding="cp1252", newline="") as file:
        rows = list(csv.DictReader(file, delimiter=";"))
    assert len(answered.events) == len(rows)
    cents = sum(int(row["Umsatz"].replace(".", "").replace(",", "")) for row in rows if row["Umsatz"])
    purchases = find_conversions(answered.events, answered.goal)
    assert round(purchases["value"].sum() * 100) == cents
    assert len(purchases) == len({row["Bestellnr"] for row in rows} - {""})
    assert (answered.name, answered.title) == ("R-der-Co", "Räder & Co")


def test_local_times_become_utc_on_both_sides_of_the_clock_change(stranger: Path, answered: Study) -> None:
    with stranger.open(encoding="cp1252", newline="") as file:
        first, *_, last = csv.DictReader(file, delimiter=";")
    local = [pd.to_datetime(row["Datum/Uhrzeit"], format="%d.%m.%Y %H:%M") for row in (first, last)]
    utc = answered.events["event_time"].iloc[[0, -1]].dt.tz_localize(None)
    assert [a - b for a, b in zip(local, utc, strict=True)] == [pd.Timedelta(hours=1), pd.Timedelta(hours=2)]


def test_the_stranger_is_realistic(stranger: Path) -> None:
    rows = pd.read_csv(stranger, sep=";", encoding="cp1252", dtype="str")
    bought = rows[rows["Ereignis"] == "Kauf"]
    assert list(rows.columns) == COLUMNS and rows["Kundennr (Cookie)"].nunique() == 1500
    assert 0.03 < bought["Kundennr (Cookie)"].nunique() / 1500 < 0.055
    assert 0.25 < bought["Umsatz"].isna().mean() < 0.42 and bought["Bestellnr"].is_unique
    assert bought["Umsatz"].str.contains(r"\d\.\d{3},\d\d", na=False).any()


def test_the_order_of_columns_and_rows_is_no_matter(stranger: Path, proposal: Proposal, tmp_path) -> None:
    rows = pd.read_csv(stranger, sep=";", encoding="cp1252", dtype="str")
    mixed = rows[COLUMNS[::-1]].sample(frac=1, random_state=1)
    mixed.to_csv(tmp_path / "mixed.csv", sep=";", index=False, encoding="cp1252")
    found = events_of(propose(tmp_path / "mixed.csv"))
    assert found | {"file": ""} == events_of(proposal) | {"file": ""}


# other exports

def test_a_flattened_ga4_export(tmp_path: Path) -> None:
    found = propose(saved(tmp_path, GA4), currency="EUR")
    assert found.questions == []
    assert events_of(found)["columns"] == {
        "event_name": "event_name", "event_time": "event_timestamp", "visitor_id": "user_pseudo_id",
        "user_id": "user_id", "session_id": "ga_session_id", "page_url": "page_location",
        "referrer": "page_referrer", "utm_source": "source", "utm_medium": "medium",
        "utm_campaign": "campaign", "campaign": "campaign",
        "transaction_id": "ecommerce.transaction_id", "value": "ecommerce.purchase_revenue",
        "device": "device.category", "country": "geo.country"}
    study = opened(found, tmp_path)
    assert study.events["channel"].tolist() == ["Paid Search Brand", "Paid Search Brand", "Direct"]
    assert study.time_zone == "UTC" and list(study.goals) == ["purchase", "app_install"]


@pytest.mark.parametrize(("name", "parts"), [
    ("metrics.cost_micros", "1,000,000"), ("costMicros", "1,000,000"), ("Cost (micros)", "1,000,000"), ("spend_micro", "1,000,000"),
    ("amount_spent_in_cents", "100"), ("Kosten_cent", "100"), ("spend_pence", "100")])
def test_costs_in_micros_or_cents_are_asked_for_in_whole_units_and_not_taken(name: str, parts: str, tmp_path: Path) -> None:
    saved(tmp_path, LOG_OF_TWO, "events.csv")
    saved(tmp_path, f"date,channel,clicks,{name}\n2026-01-05,Email,10,12340000\n2026-01-06,Email,8,9870000\n", "costs.csv")
    proposed = propose(tmp_path, time_zone="UTC", currency="GBP")
    assert settings_of(proposed)["tables"]["spend"]["columns"]["cost"] is None
    (question,) = proposed.questions
    assert question.startswith(f"tables: spend: columns: cost: {name} is in parts of which {parts} make one")


def test_a_cost_in_whole_units_is_taken_before_one_in_micros_beside_it(tmp_path: Path) -> None:
    saved(tmp_path, LOG_OF_TWO, "events.csv")
    saved(tmp_path, "date,channel,cost_micros,spend_gbp\n2026-01-05,Email,12340000,12.34\n", "costs.csv")
    spend = settings_of(propose(tmp_path, time_zone="UTC", currency="GBP"))["tables"]["spend"]
    assert spend["columns"]["cost"] == "spend_gbp"


def test_values_in_cents_are_asked_for_and_the_goal_keeps_a_value(tmp_path: Path) -> None:
    proposed = propose(saved(tmp_path, LOG_OF_TWO.replace("value", "value_cents")), time_zone="UTC", currency="GBP")
    (question,) = proposed.questions
    assert "value_cents is in parts of which 100 make one" in question and question.endswith("or take this line out")
    assert settings_of(proposed)["goals"]["purchase"]["value"] == "column"


def test_a_segment_export(tmp_path: Path) -> None:
    found = propose(saved(tmp_path, SEGMENT))
    columns = events_of(found)["columns"]
    assert found.questions == [] and settings_of(found)["currency"] == "USD"
    assert (columns["event_time"], columns["received_time"]) == ("timestamp", "receivedAt")
    ids = [columns[name] for name in ("visitor_id", "user_id", "event_id")]
    assert ids == ["anonymousId", "userId", "messageId"]
    assert (columns["value"], columns["transaction_id"]) == ("properties.revenue", "properties.order_id")
    assert events_of(found)["values"]["event_name"] == {
        "Product Viewed": "view_item", "Order Completed": "purchase", "Signed Up": "sign_up"}
    assert len(opened(found, tmp_path).events) == 3


def test_an_english_log_of_touches_with_the_month_first(tmp_path: Path) -> None:
    found = propose(saved(tmp_path, TOUCHES), time_zone="America/New_York")
    events = events_of(found)
    assert found.questions == [] and settings_of(found)["currency"] == "USD" and events["day_first"] is False
    assert events["columns"]["event_time"] == "Touch Date" and events["columns"]["event_name"] == "Activity"
    assert events["values"]["channel"] == {"Paid Search - Brand": "Paid Search Brand", "E-mail": "Email",
                                           "Retargeting Display": "Retargeting"}
    assert events["values"]["interaction"] == {"Click": "click", "Impression": "view"}
    assert settings_of(found)["touches"] == ["click"] and "add view" in found.text
    assert opened(found, tmp_path).events["value"].sum() == 1025


def test_a_parquet_file_in_spanish(tmp_path: Path) -> None:
    times = pd.to_datetime(["2026-01-05 10:00", "2026-01-05 10:01"])
    table = {"Fecha": times, "Visitante": [1, 2], "Evento": ["Compra", "Página vista"],
             "Importe": [12.5, None], "Moneda": ["EUR", None], "Canal": ["correo", "directo"],
             "is_test": [True, False]}
    pd.DataFrame(table).to_parquet(tmp_path / "export.parquet")
    found = propose(tmp_path / "export.parquet", time_zone="Europe/Madrid")
    assert found.questions == [] and settings_of(found)["currency"] == "EUR"
    events = opened(found, tmp_path).events
    assert events["event_time"].iloc[0] == pd.Timestamp("2026-01-05 09:00Z")
    assert events["channel"].tolist() == ["Email", "Direct"]


def test_a_folder_is_told_apart_by_columns(tmp_path: Path) -> None:
    saved(tmp_path, SMALL.replace("visitor,", "visitor id,"), "a.csv")
    spend = "Tag;Kanal;Kosten (EUR)\n05.01.2026;AdWords Marke;1.234,50\n31.01.2026;SMS;9,50\n"
    saved(tmp_path, spend, "b.csv")
    saved(tmp_path, "Order ID,Created at,Total,Financial Status\n1,2026-03-01T10:00:00Z,9.5,paid\n"
                    "2,2026-03-01T10:00:00Z,9.5,pending\n", "c.csv")
    saved(tmp_path, "a,b\n1,2\n", "d.csv")
    found = propose(tmp_path, time_zone="Europe/Berlin")
    tables = settings_of(found)["tables"]
    assert {name: Path(table["file"]).name for name, table in tables.items()} == {
        "events": "a.csv", "spend": "b.csv", "orders": "c.csv"}
    assert settings_of(found)["currency"] == "EUR" and tables["spend"]["day_first"] is True
    assert "not used: d.csv: it fits no table" in found.text
    assert found.questions == ["tables: orders: values: status: pending: write which it is: paid, refunded, "
                               "cancelled, test (rows: 1)"]
    text = found.text.replace("pending: null", "pending: cancelled")
    study = open_study(saved(tmp_path, text, "study.yaml"))
    assert study.spend["cost"].tolist() == [1234.5, 9.5]
    assert study.spend["channel"].tolist() == ["Paid Search Brand", "SMS"]
    assert study.orders["status"].tolist() == ["paid", "cancelled"]


def test_an_unknown_interaction_is_asked_and_may_be_none_of_ours(tmp_path: Path) -> None:
    text = SMALL.replace("event\n", "event,interaction\n").replace("purchase\n", "purchase,n/a\n")
    found = propose(saved(tmp_path, text.replace("view\n", "view,Klick\n")), "UTC", "EUR")
    assert found.questions == ["tables: events: values: interaction: n/a: write which it is: view, click, visit, "
                               "open, delivery, or '' for none of them (rows: 1)"]
    study = open_study(saved(tmp_path, found.text.replace("n/a: null", "n/a: ''"), "study.yaml"))
    assert study.events["interaction"].fillna("").tolist() == ["", "click"]


def test_files_with_the_same_columns_are_one_table(tmp_path: Path) -> None:
    saved(tmp_path, SMALL, "january.csv")
    saved(tmp_path, SMALL.splitlines()[0] + "\nw,2026-04-02 11:00,purchase\n", "february.csv")
    found = propose(tmp_path, "UTC", "EUR")
    named = [Path(file).name for file in settings_of(found)["tables"]["events"]["file"]]
    assert found.questions == [] and named == ["february.csv", "january.csv"]
    assert len(opened(found, tmp_path).events) == 3
    saved(tmp_path, (tmp_path / "february.csv").read_text(), "february (1).csv")
    assert "february (1).csv" in propose(tmp_path, "UTC", "EUR").questions[0]


@pytest.mark.parametrize("other", [
    SMALL, SMALL + "w,2026-03-02 11:00,purchase\n",
    SMALL.replace("event\n", "event,note\n").replace("e\n", "e,x\n").replace("w\n", "w,x\n"),
])
def test_a_copy_or_a_file_with_other_columns_that_looks_like_the_same_table_stops_the_study(tmp_path: Path, other: str) -> None:
    saved(tmp_path, SMALL, "january.csv")
    saved(tmp_path, other, "february.csv")
    found = propose(tmp_path, "UTC", "EUR")
    assert len(found.questions) == 1 and "look like events: " in found.questions[0] and "february.csv" in found.questions[0]
    with pytest.raises(ConvtrackError, match="file"):
        opened(found, tmp_path)


@pytest.mark.parametrize(("name", "content", "why"), [
    ("ads.csv", b"Day,Cost\n\"2026-01-05,9\n2026-01-06,9\n", "cannot be read"),
    ("empty.csv", b"", "is empty"),
    ("headless.csv", b"2026-01-05,9\n2026-01-06,9\n", "looks like data"),
    ("broken.parquet", b"PAR1 or not", "cannot be read as Parquet"),
    ("image.csv", b"PK\x03\x04\x00\x00", "is not a text file"),
])
def test_a_file_of_a_folder_that_cannot_be_read_is_not_used_and_the_others_are(tmp_path, name, content, why) -> None:
    saved(tmp_path, SMALL, "events.csv")
    (tmp_path / name).write_bytes(content)
    found = propose(tmp_path, "UTC", "EUR")
    line = next(line for line in found.text.splitlines() if "not used" in line)
    assert f"not used: {name}: " in line and why in line
    assert found.questions == [] and len(opened(found, tmp_path).events) == 2


def test_a_folder_in_which_no_file_can_be_read_says_why_in_one_line(tmp_path) -> None:
    saved(tmp_path, "", "a.csv")
    saved(tmp_path, "", "b.csv")
    with pytest.raises(ConvtrackError, match=r"No file looks like events .*: a.csv, b.csv.*is empty"):
        propose(tmp_path)


def test_titles_sep_and_totals_of_an_ads_report_are_found(tmp_path: Path) -> None:
    saved(tmp_path, SMALL, "events.csv")
    saved(tmp_path, "Campaign report\nJanuary 1, 2026 - January 31, 2026\nDay,Channel,Cost\n2026-01-05,Email,12.30\n"
                    "2026-01-06,Email,1.20\nTotal: Account, --,13.50\n", "ads.csv")
    found = propose(tmp_path, "UTC", "EUR")
    assert "2 lines above its header are skipped" in found.text
    study = open_study(write_proposal(found, tmp_path / "study"))
    assert study.spend["cost"].tolist() == [12.3, 1.2]


@pytest.mark.parametrize("separator", [";", "\t", ",", "|"])
def test_excels_line_that_names_the_separator_is_obeyed(tmp_path: Path, separator: str) -> None:
    text = f"sep={separator}\n" + SMALL.replace(",", separator)
    found = propose(saved(tmp_path, text), "UTC", "EUR")
    assert events_of(found)["separator"] == separator and "1 line above its header is skipped" in found.text
    assert len(opened(found, tmp_path).events) == 2


# what cannot be told is asked

@pytest.mark.parametrize(("column", "cells", "options", "asked"), [
    ("Datum", ["05.03.2026 10:00", "06.03.2026 10:00"], {}, ["tables: events: day_first"]),
    ("Datum", ["13.03.2026 10:00", "03.14.2026 10:00"], {}, ["tables: events: day_first"]),
    ("Betrag", ["1.234", "2.500"], {}, ["tables: events: decimal"]),
    ("Betrag", ["1.234", "2,5"], {}, []),
    ("Betrag", ["12", "13"], {}, []),
    ("Betrag", ["12 €", "13 €"], {"currency": None}, []),
    ("Betrag", ["12", "13"], {"currency": None}, ["currency"]),
    ("Betrag in EUR", ["12", "13"], {"currency": None}, []),
    ("currency", ["EUR", "USD"], {}, ["exchange_rates: USD"]),
    ("currency", ["€", "Euro"], {"currency": None}, []),
    ("received at", ["2026-03-01 10:00", "2026-03-01 10:00"], {"time_zone": None}, ["time_zone"]),
])
def test_what_the_values_cannot_tell_is_asked(tmp_path: Path, column: str, cells: list[str], options: dict,
                                              asked: list[str]) -> None:
    times = cells if column == "Datum" else ["2026-03-01 10:00Z"] * 2
    table = {"visitor": ["v", "w"], "time": times, "event": ["purchase"] * 2}
    if column != "Datum":
        table[column] = cells
    pd.DataFrame(table).to_csv(tmp_path / "export.csv", index=False)
    found = propose(tmp_path / "export.csv", **({"time_zone": "Europe/Berlin", "currency": "EUR"} | options))
    assert [question.split(": write")[0] for question in found.questions] == asked


def test_columns_that_fit_equally_are_asked_and_not_chosen(tmp_path: Path) -> None:
    rows = "".join(f"2026-03-01 1{i}:00Z,2026-03-01 1{i}:30Z,v{i},purchase\n" for i in range(9))
    found = propose(saved(tmp_path, "A,B,visitor,event\n" + rows), currency="EUR")
    assert found.questions == ["tables: events: columns: event_time: write which column it is: A, B"]


def test_a_visitor_is_never_guessed_by_content_alone(tmp_path: Path) -> None:
    rows = "".join(f"2026-03-01 10:00Z,x{i % 40},purchase\n" for i in range(99))
    found = propose(saved(tmp_path, "time,Q,event\n" + rows), currency="EUR")
    assert found.questions == ["tables: events: columns: visitor_id: write which column it is: Q"]


def test_without_a_known_goal_the_events_are_listed_with_their_counts(tmp_path: Path) -> None:
    found = propose(saved(tmp_path, SMALL.replace("purchase", "foo")), "UTC", "EUR")
    asked = "goals: main: event: write which event is a conversion: foo (1), page_view (1)"
    assert found.questions == [asked]
    text = found.text.replace("event: null", "event: foo")
    assert len(open_study(saved(tmp_path, text, "study.yaml")).events) == 2


def test_several_goals_without_value_leave_the_main_one_to_a_person(tmp_path: Path) -> None:
    text = SMALL.replace("purchase", "Anruf").replace("page view", "Abo")
    assert propose(saved(tmp_path, text), "UTC", "EUR").questions == [
        "main_goal: write which one: subscribe (1), phone_call (1)"]


def test_a_goal_whose_values_are_all_zero_has_no_value(tmp_path: Path) -> None:
    text = "visitor,time,event,value\nv,2026-03-01 10:00,lead,0.00\nv,2026-03-01 11:00,purchase,5.00\n"
    goals = settings_of(propose(saved(tmp_path, text), "UTC", "EUR"))["goals"]
    assert (goals["generate_lead"]["value"], goals["purchase"]["value"]) == ("none", "column")


# laws

ODD = ["yes", ": x", "#a", "null", "~", "1e3", "'", '"', "a\nb", "- x", "{a}", "&x", "*y", "!z", "%", "@",
       "`", "? x", "[", "x: y #z", "a\u2028b", "\x85", "=2+2", "<b>", "\ufeffx", "Ж", "日時", "a;b", "a|b",
       "e\u0301", "true", "x" * 300]
TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30)


@settings(max_examples=60, deadline=None)
@given(key=TEXT | st.sampled_from(ODD), value=TEXT | st.sampled_from([*ODD, None, True]), why=TEXT)
@example(key="yes", value=": x", why="a\n: b # c")
def test_any_key_and_value_come_back_whatever_the_comment(key: str, value: object, why: str) -> None:
    assert yaml.safe_load(Entry(0, key, value, why).line()) == {key: value}
    assert len(Entry(0, key, value, why).line().split("\n")) == 1


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(time=st.sampled_from(ODD), other=TEXT, event=TEXT)
@example(time="#a", other="yes", event=": x")
def test_any_column_name_can_be_mapped_and_read(tmp_path: Path, time: str, other: str, event: str) -> None:
    names = [time.strip(), other.strip(), "visitor", "event"]
    assume(other.strip() not in TABLES_COLUMNS)  # a column that is called as one of ours is read as that one
    assume(len(set(names)) == 4 and all(names) and not re.search(r"[\x00-\x1f\x7f]", other + event))
    assume(not any(re.fullmatch(r"[\d.,:/ T+Z-]+", name) for name in names) and event.strip())
    with (tmp_path / "export.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([names, ["2026-03-01 10:00Z", "q", "v", "purchase"],
                                    ["2026-03-01 11:00Z", "q", "v", event]])
    found = propose(tmp_path / "export.csv", currency="EUR")
    assert events_of(found)["columns"]["event_time"] == time.strip()
    path = write_proposal(found, tmp_path, overwrite=True)
    assert len(open_study(path).events) == 2


@pytest.mark.parametrize("change", [str.upper, str.lower, lambda t: t.replace(" ", "-"), lambda t: f" {t} ",
                                    lambda t: t.replace("ae", "ä").replace("ue", "ü").replace(" ", "_")])
def test_spellings_are_known_in_any_case_and_with_any_spaces_hyphens_and_umlauts(change) -> None:
    words = Words()
    for column, text, ours in [("event_name", "in den warenkorb", "add_to_cart"), ("channel", "adwords marke",
                               "Paid Search Brand"), ("event_name", "rueckruf formular", "lead_form"),
                               ("status", "bezahlt", "paid"), ("interaction", "geoeffnet", "open")]:
        assert words.spelled(column, change(text)) == ours


@pytest.mark.parametrize(("text", "ours"), [
    ("E-Mail-Newsletter", "Email"), ("google / organic", "Organic Search"), ("(direct) / (none)", "Direct"),
    ("SEO", "Organic Search"), ("Google Ads Brand", "Paid Search Brand"), ("instagram", None), ("instagram social", "Organic Social"),
    ("SEA non-brand", "Paid Search Generic"), ("Réseaux sociaux payants", "Paid Social"), ("", None),
    ("TikTok Ads", "Paid Social"), ("Google Ads", None), ("Newsletter Partner XY", None), ("google", None),
    ("correo electrónico", "Email"), ("Affiliates", "Affiliates"), ("cross network", "Cross-network")])
def test_a_channel_is_known_only_if_every_word_of_it_is(text: str, ours: str | None) -> None:
    assert Words().spelled("channel", text) == ours


@pytest.mark.parametrize(("column", "kind"), [("fbclid", "fbclid"), ("session_gclid", "gclid"), ("ScCid", "sccid"),
                                             ("Google Click ID", "gclid"), ("click_id", "click_id")])
def test_a_column_of_click_ids_keeps_its_kind(tmp_path: Path, column: str, kind: str) -> None:
    rows = "1,2026-03-01 10:00Z,v,page_view,IwAR0\n2,2026-03-01 11:00Z,w,purchase,\n"
    found = propose(saved(tmp_path, f"event_id,time,visitor_id,event,{column}\n{rows}"), currency="EUR")
    assert events_of(found)["columns"][kind] == column


def test_names_of_one_s_own_that_would_become_one_channel_stay_as_they_are(tmp_path: Path) -> None:
    names = ["Newsletter", "Mailing", "Direkt", "direkt", "SEO"]
    rows = "".join(f"{at},2026-03-01 10:00Z,v,purchase,{name}\n" for at, name in enumerate(names))
    found = propose(saved(tmp_path, f"event_id,time,visitor_id,event,Kanal\n{rows}"), currency="EUR")
    assert events_of(found)["values"]["channel"] == {"Direkt": "Direct", "direkt": "Direct", "SEO": "Organic Search"}
    assert any("left as they are: Newsletter (1), Mailing (1)" in line for line in found.lines)


def test_the_synonyms_speak_of_columns_values_and_goals_that_exist() -> None:
    words, columns = Words(), {c.name: c for table in TABLES if table != "truth" for c in TABLES[table]}
    assert set(words.columns) == set(columns)
    assert set(words.spellings) == set(SPELLED)
    assert set(words.channels.values()) <= set(channel_rules()["channel"])
    for name in ("interaction", "status"):
        assert set(words.spellings[name].values()) == set(columns[name].allowed)
    assert set(words.goals) <= set(words.spellings["event_name"].values())
    assert all(Goal(event=event, value="none", **goal) for event, goal in words.goals.items())


@pytest.mark.parametrize(("unit", "per_second"), [
    ("seconds", 1), ("milliseconds", 1000), ("microseconds", 10**6), ("nanoseconds", 10**9)])
def test_times_counted_from_1970_are_read_and_no_zone_is_asked(tmp_path: Path, unit: str, per_second: int) -> None:
    rows = [f"{(1433221332 + n) * per_second},{1400000000 + n},{event},{5 + n}" for n, event in enumerate(["view", "transaction"])]
    path = saved(tmp_path, "\n".join(["timestamp,visitorid,event,transactionid", *rows, ""]))
    found = propose(path, currency="EUR")
    assert events_of(found)["columns"] == {
        "event_time": "timestamp", "visitor_id": "visitorid", "event_name": "event", "transaction_id": "transactionid"}
    assert any(f"counts {unit} since 1970, in UTC" in line for line in found.lines)
    assert opened(found, tmp_path).events["event_time"].tolist() == pd.to_datetime([1433221332, 1433221333], unit="s", utc=True).tolist()


def test_a_first_time_that_is_no_count_does_not_stop_the_proposal(tmp_path: Path) -> None:
    rows = ["0,v,view", *[f"{1433221332 + n},v,view" for n in range(40)]]
    found = propose(saved(tmp_path, "\n".join(["timestamp,visitor,event", *rows, ""])))
    assert any("counts seconds since 1970" in line for line in found.lines)


# bad input, and writing

@pytest.mark.parametrize(("name", "content", "says"), [
    ("exprot.csv", None, "Closest: 'export.csv'"),
    ("empty.csv", b"", "is empty"),
    ("blank.csv", b"\xef\xbb\xbf\n\n", "is empty"),
    ("header.csv", b"time,visitor,event\n", "has a header but no rows"),
    ("headless.csv", b"v1,2026-01-05 10:00,purchase\nv2,2026-01-05 10:00,purchase\n", "looks like data"),
    ("binary.csv", b"PK\x03\x04\x00\x00", "is not a text file"),
    ("broken.parquet", b"PAR1 or not", "broken.parquet"),
    ("book.xlsx", b"PK", "Save it as one"),
    ("when.csv", b"visitor,event\nv,purchase\n", "no column looks like a time; columns are: visitor, event"),
    ("who.csv", b"time,event\n2026-01-05 10:00,purchase\n", "no column looks like a visitor; columns are:"),
    ("longer.csv", b"time,visitor,event\n2026-01-05 10:00,v,purchase,\n", "longer.csv"),
    ("prose.txt", b"Dear reader,\nthis is a letter, not a table.\n", "no column looks like a time"),
])
def test_bad_input_gives_one_line(tmp_path: Path, name: str, content: bytes | None, says: str) -> None:
    saved(tmp_path, SMALL)
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(ConvtrackError) as error:
        propose(tmp_path / name)
    assert says in str(error.value) and "\n" not in str(error.value)


def test_a_folder_without_tables_or_without_events_gives_one_line(tmp_path: Path) -> None:
    with pytest.raises(ConvtrackError, match="holds no .csv, .tsv or .parquet file"):
        propose(tmp_path)
    saved(tmp_path, "a,b\n1,2\n", "a.csv")
    saved(tmp_path, "a,b\n1,2\n", "b.csv")
    with pytest.raises(ConvtrackError, match="No file looks like events .*: a.csv, b.csv"):
        propose(tmp_path)


def test_a_wrong_zone_or_currency_gives_one_line(tmp_path: Path) -> None:
    path = saved(tmp_path, SMALL)
    with pytest.raises(ConvtrackError, match="Closest: 'Europe/Berlin'"):
        propose(path, time_zone="Europe/Berln")
    with pytest.raises(ConvtrackError, match="three capital letters"):
        propose(path, currency="euro")


@pytest.mark.parametrize(("encoding", "separator"), [
    ("utf-8", ","), ("utf-8-sig", ";"), ("cp1252", ";"), ("utf-16", "\t"), ("cp1252", "|")])
def test_any_usual_encoding_and_separator_is_read(tmp_path: Path, encoding: str, separator: str) -> None:
    text = 'Besucher,Zeit,Ereignis,Gerät\nv,2026-03-01 10:00,Kauf,"a, b; c"\nw,2026-03-01 11:00,Kauf,Händi\n'
    rows = csv.reader(text.splitlines())
    with (tmp_path / "export.csv").open("w", encoding=encoding, newline="") as file:
        csv.writer(file, delimiter=separator).writerows(rows)
    study = opened(propose(tmp_path / "export.csv", "UTC", "EUR"), tmp_path)
    assert study.events["device"].tolist() == ["a, b; c", "Händi"]


def test_a_study_file_is_not_replaced_unasked_and_is_written_whole(tmp_path: Path, monkeypatch) -> None:
    found = propose(saved(tmp_path, SMALL), "UTC", "EUR")
    path = write_proposal(found, tmp_path / "new" / "study")
    assert events_of(Proposal(found.entries, path.parent))["file"] == "../../export.csv" and open_study(path)
    with pytest.raises(ConvtrackError, match="is there already"):
        write_proposal(found, path.parent)
    before = path.read_text("utf-8")

    def fails(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", fails)
    with pytest.raises(ConvtrackError, match="No space left on device"):
        write_proposal(found, path.parent, overwrite=True)
    assert path.read_text("utf-8") == before and os.listdir(path.parent) == ["study.yaml"]


@pytest.mark.parametrize(("clock", "cells", "hours"), [
    ("time", ["09:00:00", "15:05:00"], [9, 15]), ("time", ["9:00 AM", "3:05 PM"], [9, 15]), ("hour", ["9", "15"], [9, 15]),
    ("Uhrzeit", ["09:00", "15:05"], [9, 15]),
])  # fmt: skip
def test_a_day_and_its_clock_in_two_columns_are_one_time(tmp_path, clock, cells, hours):
    rows = {"date": ["2026-01-05", "2026-01-05"], clock: cells, "visitor_id": ["v", "w"], "event_name": ["page_view", "purchase"],
            "channel": ["Email", None], "value": ["", "10"]}
    pd.DataFrame(rows).to_csv(tmp_path / "e.csv", index=False)
    proposal = propose(tmp_path / "e.csv", time_zone="UTC", currency="EUR")
    write_proposal(proposal, tmp_path / "my")
    assert open_study(tmp_path / "my").events["event_time"].dt.hour.tolist() == hours


def test_impressions_are_touches_where_nothing_else_is(tmp_path):
    rows = {"cookie": ["a", "a", "a"], "time": ["2026-01-01T10:00Z", "2026-01-02T10:00Z", "2026-01-03T10:00Z"],
            "interaction": ["impression", "impression", "conversion"], "channel": ["Paid Search", "Online Video", "Facebook"]}
    pd.DataFrame(rows).to_csv(tmp_path / "e.csv", index=False)
    write_proposal(propose(tmp_path / "e.csv", time_zone="UTC", currency="EUR"), tmp_path / "my")
    assert journeys_of(open_study(tmp_path / "my"))["path"].tolist() == [["Paid Search", "Online Video", "Facebook"]]
