"""A channel follows from source, medium, campaign, referrer and click id by a table of rules that a reader can edit."""

from __future__ import annotations

import re

import pandas as pd
import pytest
from convtrack.channels import assign_channels, channel_rules, with_channels
from hypothesis import given, settings
from hypothesis import strategies as st

# Source, medium, campaign and the channel: from the definitions of Google Analytics 4's default channel group, with paid
# search split by the campaign's name and retargeting apart.
BY_HAND = [
    ("(direct)", "(none)", "", "Direct"),
    ("(direct)", "(not set)", "", "Direct"),
    ("google", "organic", "", "Organic Search"),
    ("bing", "organic", "", "Organic Search"),
    ("google", "cpc", "uk_brand", "Paid Search Brand"),
    ("google", "cpc", "green tea", "Paid Search Generic"),
    ("bing", "ppc", "", "Paid Search Generic"),
    ("google", "paid", "BRAND exact", "Paid Search Brand"),
    ("google", "cpc", "shopping feed", "Paid Shopping"),
    ("google", "cpc", "workshop", "Paid Search Generic"),
    ("facebook", "paid_social", "", "Paid Social"),
    ("instagram", "cpc", "", "Paid Social"),
    ("fb", "paid", "", "Paid Social"),
    ("facebook.com", "referral", "", "Organic Social"),
    ("newsletter-tool", "social", "", "Organic Social"),
    ("youtube", "cpc", "", "Paid Video"),
    ("youtube.com", "referral", "", "Organic Video"),
    ("news.example", "display", "", "Display"),
    ("news.example", "cpm", "", "Display"),
    ("adroll", "retargeting", "", "Retargeting"),
    ("news.example", "display", "retargeting_june", "Retargeting"),
    ("partner", "cpc", "", "Paid Other"),
    ("crm", "email", "", "Email"),
    ("e-mail", "anything", "", "Email"),
    ("crm", "e-mail", "", "Email"),
    ("crm", "sms", "", "SMS"),
    ("sms", "", "", "SMS"),
    ("blog.example", "affiliate", "", "Affiliates"),
    ("blog.example", "affiliates", "", "Affiliates"),
    ("blog.example", "referral", "", "Referral"),
    ("blog.example", "link", "", "Referral"),
    ("chatgpt.com", "referral", "", "AI Assistant"),
    ("show", "audio", "", "Audio"),
    ("app", "push", "", "Mobile Push"),
    ("anything", "anything", "cross-network", "Cross-network"),
    ("poster", "leaflet", "", "Unassigned"),
]


def one(**fields: str | None) -> object:
    return assign_channels(
        pd.DataFrame({name: pd.Series([cell], dtype="str") for name, cell in fields.items()})
    ).tolist()[0]


@pytest.mark.parametrize(("source", "medium", "campaign", "channel"), BY_HAND)
def test_tags_give_the_channel_that_the_published_definitions_give(source, medium, campaign, channel):
    assert one(utm_source=source, utm_medium=medium, utm_campaign=campaign) == channel


@pytest.mark.parametrize(
    ("fields", "channel"),
    [
        ({"referrer": "https://www.google.com/search?q=tea"}, "Organic Search"),
        ({"referrer": "https://duckduckgo.com/"}, "Organic Search"),
        ({"referrer": "https://l.facebook.com/l.php"}, "Organic Social"),
        ({"referrer": "https://t.co/abc"}, "Organic Social"),
        ({"referrer": "https://blog.example:8080/tea#top"}, "Referral"),
        ({"referrer": "https://www.google.com/", "click_id": "gclid-1"}, "Paid Search Generic"),
        ({"referrer": "https://www.google.com/", "utm_medium": "email"}, "Email"),
        ({"click_id": "x-1"}, "Paid Other"),
        ({"utm_source": "google", "click_id": "gclid-1", "utm_campaign": "brand"}, "Paid Search Brand"),
    ],
)
def test_a_referrer_is_the_source_and_a_click_id_the_sign_of_payment_where_tags_are_missing(fields, channel):
    assert one(**fields) == channel


@pytest.mark.parametrize(
    "fields",
    [{"utm_source": None}, {"utm_source": " ", "referrer": None}, {"page_url": "https://shop.example/"}],
)
def test_a_row_that_says_nothing_has_no_channel(fields):
    assert pd.isna(one(**fields))


def test_a_page_reached_from_another_page_of_the_same_site_begins_no_touch():
    assert pd.isna(one(referrer="https://www.shop.example/tea", page_url="https://shop.example/basket"))
    assert one(referrer="https://blog.example/tea", page_url="https://shop.example/basket") == "Referral"


FIELDS = st.fixed_dictionaries(
    {
        "utm_source": st.sampled_from([None, "google", "facebook", "crm", "poster"]),
        "utm_medium": st.sampled_from([None, "cpc", "organic", "email", "leaflet"]),
        "utm_campaign": st.sampled_from([None, "brand", "june"]),
        "referrer": st.sampled_from([None, "https://www.bing.com/", "https://blog.example/a"]),
        "click_id": st.sampled_from([None, "abc"]),
    }
)


@settings(max_examples=15)
@given(st.lists(FIELDS, min_size=1, max_size=8), st.randoms(use_true_random=False))
def test_a_row_has_its_channel_whatever_the_other_rows_their_order_and_their_index(rows, random):
    order = random.sample(range(len(rows)), len(rows))
    found = assign_channels(pd.DataFrame(rows, dtype="str").iloc[order])
    alone = [one(**row) for row in rows]
    assert found.index.tolist() == order
    assert [None if pd.isna(c) else c for c in found] == [
        None if pd.isna(alone[i]) else alone[i] for i in order
    ]


@settings(max_examples=25)
@given(FIELDS)
def test_case_and_spaces_around_a_tag_do_not_matter(row):
    loud = {name: None if cell is None else f"  {cell.upper()} " for name, cell in row.items()}
    assert str(one(**loud)) == str(one(**row))


def test_the_first_rule_that_matches_gives_the_channel_and_a_reader_can_write_their_own():
    rules = pd.DataFrame(
        [("Leaflet", "", "leaflet", ""), ("Paper", "poster", "", "")],
        columns=["channel", "source", "medium", "campaign"],
    )
    traffic = pd.DataFrame(
        {"utm_source": ["poster", "poster", "google"], "utm_medium": ["leaflet", "wall", "cpc"]}
    )
    assert assign_channels(traffic, rules).tolist() == ["Leaflet", "Paper", "Unassigned"]


def test_a_rule_matches_in_full_and_not_in_part():
    assert one(utm_source="crm", utm_medium="emails") == "Unassigned"
    assert one(utm_source="sms-gateway", utm_medium="x") == "Unassigned"


def test_every_rule_is_a_regular_expression_and_names_its_channel():
    rules = channel_rules()
    assert rules.columns.tolist() == ["channel", "source", "medium", "campaign"]
    assert (rules["channel"] != "").all() and rules[["source", "medium", "campaign"]].ne("").any(axis=1).all()
    for pattern in rules[["source", "medium", "campaign"]].to_numpy().ravel():
        re.compile(pattern)


def test_every_channel_of_the_shop_can_be_reached_by_a_rule():
    shop = {
        "Direct",
        "Organic Search",
        "Paid Search Brand",
        "Paid Search Generic",
        "Paid Social",
        "Organic Social",
        "Display",
        "Retargeting",
        "Email",
        "SMS",
        "Affiliates",
        "Referral",
    }
    assert shop <= {channel for *_, channel in BY_HAND} & set(channel_rules()["channel"])


def test_a_column_channel_in_the_export_is_kept_as_it_is():
    events = pd.DataFrame({"channel": ["My own", None], "utm_medium": ["email", "email"]})
    assert with_channels(events) is events


def test_channels_of_a_table_without_rows_are_none():
    assert assign_channels(pd.DataFrame({"utm_source": pd.Series([], dtype="str")})).tolist() == []
