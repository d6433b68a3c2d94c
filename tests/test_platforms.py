"""What each platform claims: its windows touch by touch, its reading of ties, its days, its channels."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest
from convtrack.attribution import MODELS, Klaviyo, Markov, Meta, as_paths, claim_table, compare, with_platforms
from convtrack.cli import main
from convtrack.journeys import build_journeys
from convtrack.journeys import journeys_of as journeys_of_study
from convtrack.schema import INTERACTIONS
from convtrack.settings import open_study
from hypothesis import given
from hypothesis import strategies as st
from paths import PLATFORMS, credit, credited, journey, near

# Days that a touch counts, by the beginning of the channel's name and by interaction, as the products' help
# pages say (tracking practice I.2.2, read 2026-11); "" is every channel.
WINDOWS = {
    "google_ads": {
        c: {"click": 30} for c in ("paid search", "paid shopping", "paid video", "display", "cross-network")
    },
    "meta": {"paid social": {"click": 7, "view": 1}},
    "klaviyo_legacy": {
        "email": {"click": 5, "open": 5},
        "sms": {"click": 1},
        "mobile push": {"click": 1, "open": 1},
    },
    "klaviyo": {
        "email": {"click": 5, "open": 5},
        "sms": {"click": 5, "open": 1, "delivery": 0.5},
        "mobile push": {"open": 1},
    },
    "ga4": {"": {"click": 90, "visit": 90}},
    "matomo": {"": {"click": 182.5, "visit": 182.5}},
}
NAMES = ["Paid Search", "paid search brand", "Display", "Paid Social", "Email", "email: news", "SMS"]
NAMES += ["Mobile Push", "Direct", "Organic Search"]
# hours around each limit, the limit included
HOURS = [h + off for h in (0, 12, 24, 120, 168, 720, 2160, 4380) for off in (-0.5, 0, 0.5) if h + off >= 0]
TOUCHES = st.lists(
    st.tuples(st.sampled_from(NAMES), st.sampled_from(INTERACTIONS), st.sampled_from(HOURS)), max_size=5
)


def journeys_of(drawn: list[tuple[list[tuple[str, str, float]], bool, int]]) -> pd.DataFrame:
    # one more journey, which did not convert, has every channel, so that each platform has one of its own
    rows = [journey(NAMES, False)]
    for touches, won, pennies in drawn:
        ordered = sorted(touches, key=lambda touch: -touch[2])
        channels, interactions, hours = ([touch[i] for touch in ordered] for i in range(3))
        rows.append(journey(channels, won, pennies / 100, hours=hours, interactions=interactions))
    return pd.DataFrame(rows)


DRAWN = st.lists(st.tuples(TOUCHES, st.booleans(), st.integers(0, 9999)), min_size=1, max_size=8)
JOURNEYS = DRAWN.filter(lambda drawn: any(won for _, won, _ in drawn)).map(journeys_of)


def claimant(platform: str, channels: list[str], interactions: list[str], hours: list[float]) -> str | None:
    """The channel that has the platform's claim, by going through the touches from the last to the first."""
    seen = []
    for channel, interaction, ago in reversed(list(zip(channels, interactions, hours, strict=True))):
        for beginning, days in WINDOWS[platform].items():
            if channel.casefold().startswith(beginning) and ago <= 24 * days.get(interaction, -1):
                seen.append((channel, interaction))
    if platform == "meta":  # a click beats a view
        seen = [touch for touch in seen if touch[1] == "click"] or seen
    if platform in ("ga4", "matomo"):  # Direct only where all is direct
        seen = [touch for touch in seen if touch[0] != "Direct"] or seen
    return seen[0][0] if seen else None


@pytest.mark.parametrize("platform", PLATFORMS)
@given(journeys=JOURNEYS)
def test_a_platform_claims_what_going_through_the_touches_finds(platform, journeys):
    conversions, value = Counter(), Counter()
    for row in credited(journeys).itertuples():
        channel = claimant(platform, row.path, row.interactions, row.hours)
        conversions[channel] += 1
        value[channel] += row.value
    paths = as_paths(journeys)
    assert credit(platform, paths) == near({name: conversions[name] for name in sorted(NAMES)})
    assert credit(platform, paths, "value") == near({name: value[name] for name in sorted(NAMES)})


@given(JOURNEYS)
def test_a_platform_claims_nothing_on_a_path_without_a_channel_of_its_own(journeys):
    paths = as_paths(journeys)
    touches = {name: MODELS[name].by_touch(paths).groupby("path")["share"].sum() for name in PLATFORMS}
    for row, channels in enumerate(journeys["path"]):
        for name in ("google_ads", "meta", "klaviyo"):
            own = [c for c in channels if any(c.casefold().startswith(begin) for begin in WINDOWS[name])]
            assert own or touches[name].get(row, 0) == 0, name


def one(path: list[str], interactions: list[str], hours: list[float]) -> pd.DataFrame:
    return pd.DataFrame([journey(path, interactions=interactions, hours=[float(h) for h in hours])])


@pytest.mark.parametrize(
    ("platform", "path", "interactions", "hours", "winner"),
    [
        (
            "google_ads",
            ["Paid Search", "Direct"],
            ["click", "visit"],
            [720, 0],
            "Paid Search",
        ),  # 30 days to the hour
        ("google_ads", ["Paid Search", "Direct"], ["click", "visit"], [720.01, 0], None),
        ("google_ads", ["Display", "Direct"], ["view", "visit"], [1, 0], None),  # views are in another column
        (
            "meta",
            ["Paid Social", "paid social: brand"],
            ["click", "view"],
            [100, 1],
            "Paid Social",
        ),  # a click keeps it
        ("meta", ["Paid Social", "paid social: brand"], ["click", "view"], [169, 1], "paid social: brand"),
        ("meta", ["Paid Social"], ["view"], [24.5], None),
        ("klaviyo_legacy", ["SMS"], ["click"], [25], None),
        ("klaviyo", ["SMS"], ["click"], [25], "SMS"),
        ("klaviyo", ["SMS"], ["delivery"], [12], "SMS"),
        ("klaviyo_legacy", ["SMS"], ["delivery"], [1], None),
        ("klaviyo", ["Email", "SMS"], ["click", "delivery"], [100, 13], "Email"),
        ("ga4", ["Email", "Direct"], ["click", "visit"], [2160, 0], "Email"),  # 90 days
        ("ga4", ["Email", "Direct"], ["click", "visit"], [2161, 0], "Direct"),
        ("matomo", ["Email", "Direct"], ["click", "visit"], [2161, 0], "Email"),  # 6 months
        ("ga4", ["Email", "Direct"], ["open", "visit"], [5, 0], "Direct"),  # an open is no visit
        ("ga4", ["Email"], ["view"], [5], None),
    ],
)
def test_a_claim_by_hand(platform, path, interactions, hours, winner):
    clicks = pd.DataFrame([journey(NAMES, False)])  # so that there is something to see
    found = credit(platform, pd.concat([one(path, interactions, hours), clicks]))
    assert {channel for channel, claimed in found.items() if claimed} == ({winner} if winner else set())


def test_claims_of_all_platforms_add_up_to_more_than_the_conversions():
    journeys = one(["Paid Search", "Paid Social", "Email"], ["click"] * 3, [30, 20, 10])
    found = compare(journeys, ["last_touch", "google_ads", "meta", "klaviyo", "ga4"])
    claimed = found.table.groupby("model")["conversions"].sum()
    assert claimed.tolist() == [1] * 5 and found.conversions == 1
    assert found.wide().loc["Email"].to_dict() == {
        "last_touch": 1,
        "google_ads": 0,
        "meta": 0,
        "klaviyo": 1,
        "ga4": 1,
    }


def test_a_touch_whose_interaction_is_not_known_is_not_seen():
    journeys = one(["Paid Social", "Paid Social"], ["click", None], [50, 0])
    assert MODELS["meta"].by_touch(as_paths(journeys))["share"].tolist() == [1, 0]


# ------------------------------------------------------------------------------------------------ days


END = pd.Timestamp("2026-03-01 01:30", tz="UTC")


@pytest.mark.parametrize(
    ("platform", "channel", "time_zone", "day"),
    [
        ("meta", "Paid Social", "UTC", date(2026, 2, 28)),  # the click was 2 hours before
        ("google_ads", "Paid Search", "UTC", date(2026, 2, 28)),
        ("klaviyo", "Email", "UTC", date(2026, 2, 28)),
        ("ga4", "Email", "UTC", date(2026, 3, 1)),  # booked on the day of the conversion
        ("matomo", "Email", "UTC", date(2026, 3, 1)),
        ("ga4", "Email", "America/New_York", date(2026, 2, 28)),
        ("meta", "Paid Social", "Asia/Tokyo", date(2026, 3, 1)),
    ],
)
def test_a_claim_is_booked_on_the_day_that_the_card_says_in_the_time_zone_asked_for(
    platform, channel, time_zone, day
):
    journeys = one([channel], ["click"], [2]).assign(end_time=END, value=12.5)
    claims = MODELS[platform].claims(as_paths(journeys), time_zone)
    assert claims.to_dict("records") == [{"date": day, "channel": channel, "conversions": 1, "value": 12.5}]


@given(JOURNEYS)
def test_the_claims_of_all_days_are_the_claims_and_each_day_is_that_of_one_of_its_touches(journeys):
    dated = journeys.assign(end_time=[END + timedelta(hours=7 * i) for i in range(len(journeys))])
    paths = as_paths(dated)
    zone = ZoneInfo("Europe/London")
    for platform in PLATFORMS:
        claims = MODELS[platform].claims(paths, "Europe/London")
        claimed = claims.groupby("channel")["conversions"].sum().to_dict()
        assert claimed == near({c: n for c, n in credit(platform, paths).items() if n})
        days: set[tuple[date, str]] = set()
        for row in dated.itertuples():
            for channel, ago in zip(row.path, row.hours, strict=True):
                booked: datetime = row.end_time
                if platform not in ("ga4", "matomo"):
                    booked = row.end_time - timedelta(hours=ago)
                days.add((booked.astimezone(zone).date(), channel))
        assert set(zip(claims["date"], claims["channel"], strict=True)) <= days


def test_claims_need_the_time_of_each_conversion(complaint):
    journeys = one(["Paid Social"], ["click"], [1])
    assert "build_journeys" in complaint(MODELS["meta"].claims, as_paths(journeys))


# --------------------------------------------------------------------------------------- which channels


def test_a_study_s_channels_take_the_place_of_the_usual_ones():
    journeys = one(["Instagram", "Paid Social"], ["click", "click"], [20, 10])
    (own,) = with_platforms(["meta"], {"meta": ["Instagram"]})
    assert credit(own, journeys) == {"Instagram": 1, "Paid Social": 0}
    assert credit("meta", journeys) == {"Instagram": 0, "Paid Social": 1}


def test_a_channel_named_for_a_platform_is_that_channel_and_not_all_that_begin_alike():
    journeys = one(["Meta", "Metasearch"], ["click", "click"], [20, 10])
    assert credit(Meta().seeing(["meta"]), journeys) == {"Meta": 1, "Metasearch": 0}
    with_brand = one(["Paid Social: brand"], ["click"], [10])
    assert credit("meta", with_brand) == {"Paid Social: brand": 1}  # the usual ones are beginnings of names


def test_a_named_channel_keeps_the_window_of_its_kind_and_an_unknown_one_has_the_widest():
    own = Klaviyo().seeing(["SMS", "WhatsApp"])
    assert own.windows["SMS"] == {"click": 5, "open": 1, "delivery": 0.5}
    assert own.windows["WhatsApp"] == {"click": 5, "open": 5, "delivery": 0.5}


def test_a_study_s_channels_change_only_the_platforms_that_they_are_for():
    found = with_platforms(["linear", "meta", "ga4"], {"meta": ["Instagram"], "linear": ["Email"]})
    assert [found[0], found[2]] == [MODELS["linear"], MODELS["ga4"]]


@pytest.mark.parametrize("platform", ["google_ads", "meta", "klaviyo_legacy", "klaviyo"])
def test_a_platform_that_sees_no_channel_says_what_to_write(platform, complaint):
    line = complaint(compare, one(["Newsletter"], ["click"], [1]), [platform])
    assert "click of Newsletter" in line and f"platforms: {{{platform}: [...]}}" in line


# ------------------------------------------------------------------------------------ each day's own clicks


HALF_HOUR = 1_800_000_000  # in microseconds
ZONES = ["UTC", "Europe/Berlin", "America/New_York", "Asia/Beirut", "Australia/Lord_Howe", "America/Santiago"]
# two years with their changes of clocks: midnights of every zone, and the microsecond to either side
INSTANTS = st.tuples(st.integers(0, 2 * 366 * 48), st.sampled_from([-1, 0, 1])).map(lambda t: t[0] * HALF_HOUR + t[1])


@given(st.lists(st.tuples(INSTANTS, st.integers(0, 30 * 86_400_000_000)), min_size=1, max_size=60), st.sampled_from(ZONES))
def test_claims_of_clicks_at_any_instant_are_booked_on_each_click_s_own_day(clicks, name):
    zone, start = ZoneInfo(name), datetime(2025, 7, 1, tzinfo=UTC)
    clicked = [start + timedelta(microseconds=at) for at, _ in clicks]
    bought = [start + timedelta(microseconds=at + lag) for at, lag in clicks]
    people = [f"v{i}" for i in range(len(clicks))]
    times = {"touch_time": clicked, "conversion_time": bought}
    at = {c: pd.Series(t, dtype="datetime64[us, UTC]") for c, t in times.items()}
    touches = pd.DataFrame(
        {"visitor_id": people, "touch_time": at["touch_time"], "channel": "Paid Search", "interaction": "click"}
    )
    won = pd.DataFrame(
        {"conversion_id": people, "visitor_id": people, "conversion_time": at["conversion_time"], "value": 1.0}
    )
    claims = MODELS["google_ads"].claims(as_paths(build_journeys(touches, won)), name)
    own = Counter(time.astimezone(zone).date() for time in clicked)
    assert dict(zip(claims["date"], claims["conversions"], strict=True)) == own


def test_a_thousand_clicks_at_midnight_are_of_the_day_that_begins():
    seconds = np.random.default_rng(1).integers(1, 20 * 86_400, 1000)
    rows = [journey(["Paid Search"], hours=[lag / 3600], value=1.0) for lag in seconds]
    ends = pd.Timestamp("2026-03-05", tz="UTC") + pd.to_timedelta(seconds, unit="s")
    journeys = pd.DataFrame(rows).assign(end_time=ends)
    claims = MODELS["google_ads"].claims(as_paths(journeys))
    assert claims[["date", "conversions"]].values.tolist() == [[date(2026, 3, 5), 1000]]


# ------------------------------------------------------------------------------- windows that are their own


EMAILS = """\
event_id,event_name,event_time,visitor_id,channel,interaction,value
1,session_start,2026-01-05 10:00Z,v,Email,click,
2,purchase,2026-01-08 10:05Z,v,,,50
3,session_start,2026-01-08 10:00Z,w,Email,click,
4,purchase,2026-01-08 10:05Z,w,,,20
"""
NARROW = [
    "lookback_days: 30\nlookbacks: [{channel: Email, days: 1}]",
    "lookback_days: 1",
    "lookback_days: 1\nlookbacks: [{days: 1}, {interaction: click, days: 0.001}]",
]


@pytest.mark.parametrize("narrow", NARROW)
def test_a_platform_looks_by_its_own_windows_whatever_the_study_s_are(narrow, study_folder, capsys):
    folder = study_folder(("lookback_days: 30", narrow), events=EMAILS)
    with pytest.raises(SystemExit) as done:
        main(["compare", str(folder), "--models", "klaviyo", "--format", "json"])
    claimed = json.loads(capsys.readouterr().out)["models"]["klaviyo"]["Email"]["conversions"]
    assert (done.value.code, claimed) == (0, 2)
    study = open_study(folder)
    assert journeys_of_study(study)["path"].map(len).sum() < 2
    assert journeys_of_study(study, lookback_days=5)["path"].map(len).sum() == 2


@pytest.mark.parametrize("days", [0, -1, float("nan"), float("inf")])
def test_a_platform_s_window_of_nothing_and_one_of_no_kind_of_touch_are_refused(days, complaint):
    assert "klaviyo: a window of" in complaint(Klaviyo, windows={"email": {"click": days}})
    assert "Closest: 'click'" in complaint(Klaviyo, windows={"email": {"clik": 5.0}})


# --------------------------------------------------------------------------------- what is taken, and not


@pytest.mark.parametrize("wrong", ["markov", Markov("mine"), "metta", Meta, 3])
def test_what_is_no_platform_claims_nothing_and_is_refused_by_name(wrong, complaint):
    line = complaint(claim_table, one(["Paid Social"], ["click"], [1]), ["meta", wrong])
    name = wrong if isinstance(wrong, str) else getattr(wrong, "name", wrong)
    assert "is no platform" in line and "google_ads, meta, klaviyo_legacy" in line
    assert str(name) in line or wrong is Meta


def test_one_platform_can_be_asked_for_by_its_bare_name_and_on_paths():
    views = one(["Paid Social"], ["view"], [1])
    for platform in ("meta", Meta()):
        assert claim_table(as_paths(views), platform).loc["meta", "conversions"] == 1


def test_journeys_and_views_can_be_paths_and_only_resamples_need_their_visitors(complaint):
    journeys, views = one(["Direct"], ["click"], [1]), one(["Paid Social", "Direct"], ["view", "click"], [2, 1])
    expected = compare(journeys, ["linear", "meta"], views=views).table
    unnamed = journeys.drop(columns="visitor_id")
    for given_journeys, given_views in ((as_paths(journeys), views), (journeys, as_paths(views)), (unnamed, views)):
        found = compare(given_journeys, ["linear", "meta"], views=given_views).table
        pd.testing.assert_frame_equal(found, expected)
        line = complaint(compare, given_journeys, ["meta"], 10, np.random.default_rng(1), given_views)
        assert "visitor_id" in line and "leave the resamples out" in line


def test_views_alone_can_have_the_touch_that_a_platform_claims():
    journeys, views = one([], [], []), one(["Paid Social"], ["view"], [1])
    found = compare(journeys, ["last_touch", "meta"], views=views)
    assert found.table.set_index("model")["conversions"].to_dict() == {"last_touch": 0, "meta": 1}
    assert found.sentence.startswith("1 conversions = 0 credited + 1 unattributed")
