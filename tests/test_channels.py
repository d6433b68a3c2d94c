"""A channel follows from source, medium, campaign, referrer and click id by a table of rules that a reader can edit."""

from __future__ import annotations

import re
from importlib import resources

import pandas as pd
import pytest
from convtrack.channels import (
    ChannelSettings,
    assign_channels,
    channel_rules,
    click_ids,
    find_own_sites,
    name_click_id,
    with_channels,
)
from convtrack.passport import channel_findings
from convtrack.schema import column_names
from convtrack.settings import open_study
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

# As people write them: source/medium, by channel.
AS_WRITTEN = {
    "Direct": [
        "direct/", "Direct/(none)", "(direct)/(none)", "direct/direct", "/direct",
    ],
    "Paid Search Generic": [
        "google/search", "google/ads", "google/ad", "google/adwords", "google/sem", "google/sea",
        "google/paid", "google/paidsearch", "google/paid-search", "google/Paid Search", "google/text_ad",
        "google/search_ads", "adwords/", "adwords/paid_search", "adwords/ppc", "google_ads/cpc",
        "Google Ads/cpc", "googleads/ppc", "google-ads/", "gads/search", "bing_ads/cpc", "bingads/ppc",
        "microsoft/cpc", "microsoft ads/cpc", "yahoo/cpc", "apple_search_ads/cpc", "paid_search/", "sem/",
    ],
    "Paid Social": [
        "facebook_ads/paid_social", "facebook_ads/cpc", "facebook-ads/", "fb_ads/social", "Facebook/Paid",
        "facebook/ads", "facebook/sponsored", "facebook/boosted_post", "facebook/paidsocial",
        "facebook/social_paid", "meta/paid_social", "meta_ads/cpm", "ig/paid", "instagram/ads",
        "linkedin/sponsored_content", "linkedin_ads/cpc", "tiktok/paid-social", "tiktok_ads/",
        "snapchat/cpc", "pinterest_ads/paid", "twitter_ads/promoted", "x_ads/cpc", "agency/paid_social",
        "agency/facebook ads", "threads/cpc",
    ],
    "Organic Social": [
        "facebook/post", "facebook/social", "facebook/organic_social", "instagram/bio", "instagram/story",
        "instagram/linkinbio", "linkedin/organic", "linkedin/post", "twitter/tweet", "buffer/social",
        "hootsuite/social-media", "linktree/social", "facebook.com/referral", "m.facebook.com/referral",
    ],
    "Email": [
        "newsletter/", "newsletter/email", "Newsletter/Newsletter", "klaviyo/flow", "klaviyo/campaign",
        "Klaviyo/email", "hubspot/hs_email", "hs_email/email", "mailchimp/newsletter",
        "sendgrid/transactional", "crm/mailing", "email/", "email/campaign", "weekly_newsletter/",
        "google/email", "facebook/email",
    ],
    "Mobile Push": [
        "braze/push", "onesignal/push", "app/push_notification",
    ],
    "SMS": [
        "klaviyo/sms", "attentive/", "twilio/text message",
    ],
    "Cross-network": [
        "google/pmax", "google/performance_max", "google/cross-network",
    ],
    "Paid Shopping": [
        "google/shopping", "google/pla", "google/shopping_ads", "idealo/cpc",
    ],
    "Display": [
        "google/display", "google/gdn", "google/display_ads", "taboola/native", "taboola/cpc",
        "outbrain/native", "outbrain/", "dv360/programmatic",
    ],
    "Retargeting": [
        "criteo/retargeting", "criteo/cpc", "adroll/display", "facebook/remarketing",
    ],
    "Affiliates": [
        "awin/affiliate", "awin/", "cj/affiliates", "impact/cpa", "blog/affiliate_link",
    ],
    "Organic Video": [
        "youtube/video",
    ],
    "Paid Video": [
        "youtube/cpv", "youtube/video_ads", "google/youtube_ads", "youtube_ads/video",
    ],
    "Audio": [
        "spotify/audio", "spotify/cpm", "podcast/",
    ],
    "Organic Search": [
        "seo/organic", "google/organic_search", "google/seo", "google/gmb", "google/maps", "gmb/organic",
        "bing/organic", "duckduckgo/",
    ],
    "AI Assistant": [
        "chatgpt.com/", "chatgpt.com/referral", "perplexity/ai",
    ],
    "Referral": [
        "partner.example/referral", "partner.example/", "blog/referral",
    ],
    "Organic Shopping": [
        "idealo.de/referral",
    ],
    "Paid Other": [
        "leads/cpc",
    ],
    "Unassigned": [
        "nytimes/", "poster/leaflet", "direct mail/postcard", "crm/direct_mail", "research/report",
    ],
}


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
    assert one(utm_source="crm", utm_medium="linked") == "Unassigned"
    assert one(utm_source="research", utm_medium="report") == "Unassigned"


def test_every_rule_is_a_regular_expression_and_names_its_channel():
    rules = channel_rules()
    conditions = ["kind", "paid", "source", "medium", "campaign"]
    assert rules.columns.tolist() == ["channel", *conditions]
    assert (rules["channel"] != "").all() and rules[conditions].ne("").any(axis=1).all()
    for pattern in rules[conditions].to_numpy().ravel():
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


def test_a_channel_of_the_export_is_kept_and_rows_without_one_fall_back_on_their_tags_one_by_one():
    events = pd.DataFrame(
        {
            "channel": ["My own", None, None, None],
            "utm_source": ["poster", None, "google", None],
            "utm_medium": ["leaflet", "email", "cpc", None],
        }
    )
    assert with_channels(events)["channel"].fillna("").tolist() == ["My own", "Email", "Paid Search Generic", ""]
    full = events.head(1)
    assert with_channels(full) is full


def test_a_row_without_a_channel_takes_the_name_that_the_export_gives_to_the_same_tags():
    events = pd.DataFrame(
        {"channel": ["Google Ads", None], "utm_source": "google", "utm_medium": "cpc", "utm_campaign": "tea"}
    )
    assert with_channels(events)["channel"].tolist() == ["Google Ads", "Google Ads"]


@pytest.mark.parametrize("channel", AS_WRITTEN)
def test_the_spellings_that_people_write_are_known(channel):
    pairs = [pair.rsplit("/", 1) for pair in AS_WRITTEN[channel]]
    found = assign_channels(pd.DataFrame(pairs, columns=["utm_source", "utm_medium"], dtype="str"))
    assert dict(zip(AS_WRITTEN[channel], found, strict=True)) == dict.fromkeys(AS_WRITTEN[channel], channel)


@pytest.mark.parametrize("campaign", ["non-brand tea", "nonbrand", "unbranded_teas", "no brand"])
def test_a_campaign_that_says_it_is_not_about_the_brand_is_generic(campaign):
    assert one(utm_source="google", utm_medium="cpc", utm_campaign=campaign) == "Paid Search Generic"


def test_without_a_medium_the_campaign_may_say_that_the_click_was_paid():
    assert one(utm_source="google", utm_campaign="paid-search") == "Paid Search Generic"
    assert one(utm_source="facebook", utm_campaign="retargetting-ad") == "Retargeting"
    assert one(utm_source="email", utm_campaign="retargetting-campaign") == "Email"


@pytest.mark.parametrize(
    ("host", "channel"),
    [
        ("www.google.com", "Organic Search"),
        ("www.google.co.uk", "Organic Search"),
        ("mail.google.com", "Organic Search"),
        ("accounts.google.com", "Referral"),
        ("docs.google.com", "Referral"),
        ("drive.google.com", "Referral"),
        ("groups.google.com", "Organic Social"),
        ("mail.yahoo.com", "Referral"),
        ("uk.search.yahoo.com", "Organic Search"),
        ("cn.bing.com", "Organic Search"),
        ("html.duckduckgo.com", "Organic Search"),
        ("lnkd.in", "Organic Social"),
        ("de-de.facebook.com", "Organic Social"),
        ("out.reddit.com", "Organic Social"),
        ("news.ycombinator.com", "Organic Social"),
        ("www.pinterest.co.uk", "Organic Social"),
        ("notfacebook.com", "Referral"),
        ("m.youtube.com", "Organic Video"),
        ("www.amazon.nl", "Organic Shopping"),
        ("gemini.google.com", "AI Assistant"),
    ],
)
def test_a_host_is_of_the_kind_that_google_s_list_says_and_not_of_its_owner_s(host, channel):
    assert one(referrer=f"https://{host}/") == channel


@pytest.mark.parametrize(
    ("fields", "channel"),
    [
        ({"referrer": "https://www.facebook.com/", "fbclid": "IwAR0"}, "Organic Social"),
        ({"fbclid": "IwAR0"}, "Organic Social"),
        ({"click_id": "IwAR0xyz"}, "Organic Social"),
        ({"utm_source": "facebook", "utm_medium": "paid_social", "fbclid": "IwAR0"}, "Paid Social"),
        ({"utm_source": "news", "utm_medium": "email", "fbclid": "IwAR0"}, "Email"),
        ({"referrer": "https://l.instagram.com/", "igshid": "a"}, "Organic Social"),
        ({"epik": "dj0y"}, "Organic Social"),
        ({"utm_source": "google", "utm_medium": "organic", "gclid": "Cj0"}, "Paid Search Generic"),
        ({"utm_source": "(direct)", "utm_medium": "(none)", "gclid": "Cj0"}, "Paid Search Generic"),
        ({"wbraid": "a"}, "Paid Search Generic"),
        ({"gbraid": "a", "referrer": "https://www.google.com/"}, "Paid Search Generic"),
        ({"utm_source": "bing", "utm_medium": "organic", "msclkid": "a"}, "Paid Search Generic"),
        ({"dclid": "a"}, "Display"),
        ({"ttclid": "a", "referrer": "https://www.tiktok.com/"}, "Paid Social"),
        ({"li_fat_id": "a"}, "Paid Social"),
        ({"referrer": "https://www.youtube.com/", "gclid": "Cj0"}, "Paid Video"),
        ({"utm_source": "news", "utm_medium": "email", "gclid": "Cj0"}, "Email"),
        ({"utm_source": "google", "utm_medium": "display", "gclid": "Cj0"}, "Display"),
    ],
)
def test_an_id_of_paid_clicks_beats_an_organic_tag_and_one_of_free_links_says_nothing_of_payment(fields, channel):
    assert one(**fields) == channel


@pytest.mark.parametrize(
    ("address", "channel"),
    [
        ("https://shop.example/?utm_source=google&utm_medium=cpc&gclid=abc", "Paid Search Generic"),
        ("/teas?UTM_Medium=email#top", "Email"),
        ("https://shop.example/teas?colour=green&fbclid=IwAR", "Organic Social"),
        ("https://shop.example/#utm_source=spring%20newsletter&utm_medium=", "Email"),
    ],
)
def test_tags_and_ids_in_the_page_s_address_count_where_the_row_has_none_of_its_own(address, channel):
    assert one(page_url=address) == channel
    assert one(page_url=address, utm_source="poster", utm_medium="sms") == "SMS"


@pytest.mark.parametrize(
    ("page", "referrer"),
    [
        ("https://checkout.shop.example/pay", "https://www.shop.example/basket"),
        ("https://shop.co.uk/thanks", "https://pay.shop.co.uk/"),
        ("/basket", "/teas"),
        ("https://shop.example/", "$direct"),
        ("https://shop.example/thanks", "https://www.paypal.com/checkout"),
        ("https://shop.example/thanks", "https://checkout.stripe.com/"),
        ("https://shop.example/thanks", "https://pay.klarna.com/"),
    ],
)
def test_a_return_from_the_own_site_or_from_a_payment_provider_begins_no_touch(page, referrer):
    assert pd.isna(one(page_url=page, referrer=referrer))


def test_sites_that_share_an_ending_are_not_one_site():
    assert one(page_url="https://shop.co.uk/", referrer="https://blog.co.uk/") == "Referral"
    assert one(page_url="https://tea.myshopify.com/", referrer="https://mugs.myshopify.com/") == "Referral"


def test_a_tag_beats_the_referrer_of_a_payment_provider():
    assert one(utm_source="news", utm_medium="email", referrer="https://www.paypal.com/") == "Email"


def events_of(rows: list[tuple]) -> pd.DataFrame:
    events = pd.DataFrame(rows, columns=["visitor_id", "minute", "page_url", "referrer"])
    times = pd.Timestamp("2026-01-05", tz="UTC") + pd.to_timedelta(events.pop("minute"), unit="min")
    return events.assign(event_time=times)


def test_where_pages_are_paths_the_own_site_is_the_one_that_leads_from_page_to_page():
    events = events_of(
        [
            ("v", 0, "/", "https://www.bing.com/"),
            ("v", 1, "/teas", "https://shop.example/"),
            ("v", 2, "/pay", "https://pay.shop.example/teas"),
            ("w", 0, "/teas", "https://blog.example/ten-teas"),
            ("x", 0, "/teas", "https://news.example/"),
        ]
    )
    assert find_own_sites(events) == ("shop.example",)
    channels = with_channels(events)["channel"].fillna("").tolist()
    assert channels == ["Organic Search", "", "", "Referral", "Referral"]


def test_every_site_with_pages_in_the_data_is_the_own_one_but_not_a_rare_copy_of_a_page():
    pages = ["https://shop.example/"] * 150 + ["https://till.example/pay"] * 50 + ["https://copies.example/shop"]
    assert set(find_own_sites(pd.DataFrame({"page_url": pages}))) == {"shop.example", "till.example"}


def test_a_study_s_own_rules_sites_and_unwanted_referrers_go_before_the_tables():
    settings_ = ChannelSettings(
        rules=[
            {"source": "nytimes*", "channel": "Press"},
            {"source": "google", "medium": "", "channel": "Google"},
            {"source": "paypal.com", "channel": "PayPal Deals"},
        ],
        own_sites=["https://www.shop.example/"],
        unwanted_referrers=["till.example"],
    )
    traffic = pd.DataFrame(
        {
            "utm_source": ["NYTimes_print", "google", "google", None, None, None, None],
            "utm_medium": ["x", None, "organic", None, None, None, None],
            "referrer": [None] * 3
            + ["https://www.paypal.com/", "https://a.shop.example/", "https://eu.till.example/", "https://x.example/"],
        }
    )
    found = assign_channels(traffic, settings=settings_).fillna("").tolist()
    assert found == ["Press", "Google", "Organic Search", "PayPal Deals", "", "", "Referral"]


HEAD = "event_id,event_name,event_time,visitor_id,value,page_url,referrer,utm_source,utm_medium,clicked"


def study_of(study_folder, rows: list[str], *changes: tuple[str, str]):
    return open_study(study_folder(*changes, events="\n".join([HEAD, *rows]) + "\n"))


def test_the_check_names_the_pairs_that_no_rule_knows_and_the_key_that_rules_on_them(study_folder):
    rows = [f"{at},purchase,2026-01-05 10:00Z,v{at},1,,,poster,leaflet," for at in range(2)]
    rows += [f"m{at},purchase,2026-01-05 10:00Z,w{at},1,,,news,email," for at in range(8)]
    (finding,) = channel_findings(study_of(study_folder, rows))
    rule = "channels: {rules: [{source: poster, medium: leaflet, channel: YOUR_CHANNEL}]}"
    assert finding.startswith("2 of 10 rows with a channel (20%) are Unassigned: poster / leaflet (2).") and rule in finding
    ruled = ("title: A small shop", f"title: A small shop\n{rule.replace('YOUR_CHANNEL', 'Paper')}")
    study = study_of(study_folder, rows, ruled)
    assert channel_findings(study) == [] and set(study.events["channel"]) == {"Paper", "Email"}


def test_a_tenth_of_the_rows_is_no_finding(study_folder):
    rows = [f"{at},purchase,2026-01-05 10:00Z,v{at},1,,,news,email," for at in range(9)]
    assert channel_findings(study_of(study_folder, [*rows, "x,purchase,2026-01-05 10:00Z,x,1,,,poster,cpc,"])) == []
    (finding,) = channel_findings(study_of(study_folder, [*rows[:8], "x,purchase,2026-01-05 10:00Z,x,1,,,poster,cpc,"]))
    assert finding.startswith("1 of 9 rows with a channel (11%) are Paid Other: poster / cpc (1).")


def test_the_check_says_which_site_it_took_for_one_s_own(study_folder):
    rows = [
        "1,page_view,2026-01-05 10:00Z,v,,/,https://www.bing.com/,,,",
        "2,page_view,2026-01-05 10:01Z,v,,/teas,https://shop.example/,,,",
        "3,purchase,2026-01-05 10:02Z,v,9,/thanks,https://shop.example/teas,,,",
    ]
    study = study_of(study_folder, rows)
    assert study.events["channel"].dropna().tolist() == ["Organic Search"]
    (finding,) = channel_findings(study)
    assert "shop.example leads from one to the next" in finding and "own_sites: [YOUR_SITE]" in finding
    told = ("title: A small shop", "title: A small shop\nchannels: {own_sites: [shop.example]}")
    assert channel_findings(study_of(study_folder, rows, told)) == []


def test_a_click_id_that_a_study_maps_by_hand_keeps_its_kind(study_folder):
    mapped = ("{file: events.csv}", "{file: events.csv, columns: {fbclid: clicked}}")
    row = "1,purchase,2026-01-05 10:00Z,v,9,,https://www.facebook.com/,,,IwAR0"
    assert study_of(study_folder, [row], mapped).events["channel"].tolist() == ["Organic Social"]
    named = HEAD.replace("clicked", "fbclid")
    folder = study_folder(("{file: events.csv}", "{file: events.csv, columns: {click_id: fbclid}}"), events=f"{named}\n{row}x\n")
    assert open_study(folder).events["channel"].tolist() == ["Organic Social"]


def test_every_click_id_is_a_column_of_the_events_and_of_known_sources_each_is_named_once():
    assert {click.name for click in click_ids()} <= set(column_names("events"))
    known = (resources.files("convtrack") / "known_sources.csv").read_text(encoding="utf-8").splitlines()
    named = [line for line in known if not line.startswith(("#", "kind,", "platform,"))]
    assert len({line.partition(",")[2] for line in named}) == len(named)


def test_a_click_id_that_is_mapped_keeps_its_kind():
    events = pd.DataFrame({"click_id": ["a"]})
    assert list(name_click_id(events, "FBCLID")) == ["fbclid"]
    assert list(name_click_id(events, "click")) == list(name_click_id(events, None)) == ["click_id"]


def test_channels_of_a_table_without_rows_are_none():
    assert assign_channels(pd.DataFrame({"utm_source": pd.Series([], dtype="str")})).tolist() == []
