"""The simulated shop: its laws, its truth, and the files that travel with the repository."""

from __future__ import annotations

import doctest
import hashlib
import itertools
import math
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

import convtrack.world.scenario as scenario_module
import convtrack.world
from convtrack.channels import assign_channels
from convtrack.errors import ConvtrackError
from convtrack.schema import INTERACTIONS, validate
from convtrack.world import (
    TABLES,
    Draws,
    Scenario,
    World,
    draw,
    expected,
    game,
    load_scenario,
    outcome,
    simulate,
    touch_log,
    truth,
    worlds,
    write_world,
)

CLICK, VISIT = INTERACTIONS.index("click"), INTERACTIONS.index("visit")
DATA = Path(__file__).parents[1] / "data"
LARKSPUR = load_scenario("larkspur")
BASE = 0.02  # hazard of a visit without touches, in the small worlds below
ONE_VISIT = 1 - math.exp(-BASE)  # its chance of a purchase
ALIKE = {name: {"purchase_factor": 1.0} for name in LARKSPUR.devices}


def only(*names: str, **channels: dict) -> Scenario:
    """Larkspur with people who are all alike and tracked, and with these channels alone."""
    others = dict.fromkeys(LARKSPUR.channels.keys() - set(names))
    changed = {name.replace("_", " "): part for name, part in channels.items()}
    return LARKSPUR.changed({
        "devices": ALIKE, "purchase": {"intent": 0.0, "base": BASE}, "dirt": {"untracked": 0.0},
        "holdout": None, "platforms": None, "channels": others | changed,
    })


@pytest.fixture(scope="module")
def world() -> World:
    return simulate("larkspur", seed=5, visitors=5000)


@pytest.fixture(scope="module")
def draws() -> Draws:
    return draw(LARKSPUR, seed=5, visitors=5000)


@pytest.fixture(scope="module")
def starts(world: World) -> pd.DataFrame:
    return world.events[world.events["event_name"] == "session_start"]


@pytest.fixture(scope="module")
def tracked_orders(world: World) -> pd.DataFrame:
    bought = world.events[(world.events["event_name"] == "purchase") & ~world.events["is_test"]]
    return bought.drop_duplicates("transaction_id")


class TestTruth:
    def test_one_channel_without_memory_is_worth_its_visits_times_one_chance(self) -> None:
        drawn = draw(only("Direct", Direct={"targeting": 0.0}), seed=3, visitors=400)
        visits = len(drawn.touches)
        assert visits > 100
        assert truth(game(drawn))["incremental_conversions"].item() == pytest.approx(visits * ONE_VISIT, abs=1e-5)

    def test_only_tracked_people_count(self) -> None:
        scenario = only("Direct").changed({"dirt": {"untracked": 0.4}})
        drawn = draw(scenario, seed=3, visitors=400)
        visits = int(drawn.people["tracked"].to_numpy()[drawn.touches["visitor"]].sum())
        assert 0 < visits < len(drawn.touches)
        assert truth(game(drawn))["incremental_conversions"].item() == pytest.approx(visits * ONE_VISIT, abs=1e-5)

    def test_effects_that_never_fade_add_up_under_the_cap(self) -> None:
        lasting = {"effect": {"visit": 0.3}, "half_life": float("inf")}
        drawn = draw(only("Direct", Direct=lasting), seed=3, visitors=400)
        visits_of_person = drawn.touches["visitor"].value_counts()
        cap = LARKSPUR.purchase.cap
        by_hand = sum(
            1 - math.exp(-BASE * math.exp(cap * (1 - math.exp(-0.3 * so_far / cap))))
            for visits in visits_of_person for so_far in range(1, visits + 1)
        )
        assert truth(game(drawn))["incremental_conversions"].item() == pytest.approx(by_hand, abs=1e-5)

    def test_an_effect_halves_in_its_half_life(self) -> None:
        display = {"effect": {"view": 0.4}, "half_life": 5, "clicks": 0, "drives": None}
        scenario = only("Direct", "Display", Display=display)
        drawn = draw(scenario, seed=3, visitors=300)
        views = drawn.touches[drawn.touches["channel"] == list(scenario.channels).index("Display")]
        lost = 0.0
        for visit in drawn.touches.drop(views.index).itertuples():
            before = views[(views["visitor"] == visit.visitor) & (views["time"] <= visit.time)]
            seen = sum(0.4 * 0.5 ** ((visit.time - time) / 86_400 / 5) for time in before["time"])
            lift = math.exp(LARKSPUR.purchase.cap * (1 - math.exp(-seen / LARKSPUR.purchase.cap)))
            lost += math.exp(-BASE) - math.exp(-BASE * lift)
        assert lost > 0.1
        display = truth(game(drawn)).set_index("channel").loc["Display"]
        assert display["incremental_conversions"] == pytest.approx(lost, abs=1e-5)

    def test_visits_that_would_all_have_come_anyway_are_worth_nothing(self) -> None:
        plain = {"effect": None}
        brand = {"effect": None, "anyway": {"Direct": None, "Organic Search": 1.0}}
        names = ("Paid Search Brand", "Organic Search")
        scenario = only(*names, Paid_Search_Brand=brand, Organic_Search=plain)
        table = truth(game(draw(scenario, seed=3, visitors=500))).set_index("channel")
        assert table.loc["Paid Search Brand", "incremental_conversions"] == 0
        assert table.loc["Organic Search", "incremental_conversions"] > 1

    def test_of_visits_that_come_anyway_with_a_chance_the_others_are_the_truth(self) -> None:
        brand = {"effect": None, "anyway": {"Direct": 0.5, "Organic Search": 0.3}}
        scenario = only("Paid Search Brand", "Organic Search", "Direct", Paid_Search_Brand=brand,
                        Organic_Search={"effect": None})
        drawn = draw(scenario, seed=3, visitors=4000)
        visits = int((drawn.touches["channel"] == list(scenario.channels).index("Paid Search Brand")).sum())
        lost = truth(game(drawn)).set_index("channel").loc["Paid Search Brand", "incremental_conversions"]
        noise = ONE_VISIT * math.sqrt(visits * 0.2 * 0.8)
        assert lost == pytest.approx(0.2 * visits * ONE_VISIT, abs=4 * noise)

    def test_an_ad_is_worth_the_visits_that_it_leads_to_by_another_channel(self) -> None:
        drives = {"Paid Search Brand": None, "Organic Search": None, "Direct": 0.3}
        display = {"effect": None, "clicks": 0, "drives": drives}
        drawn = draw(only("Display", "Direct", Display=display), seed=3, visitors=400)
        led = int((drawn.touches["parent"] >= 0).sum())
        table = truth(game(drawn)).set_index("channel")
        assert led > 50
        assert table.loc["Display", "incremental_conversions"] == pytest.approx(led * ONE_VISIT, abs=1e-5)

    def test_a_channel_without_effect_and_visits_changes_nothing_to_the_bit(self) -> None:
        silent = {"effect": None, "clicks": 0.0, "drives": None}
        drawn = draw(LARKSPUR.changed({"channels": {"Display": silent}}), seed=3, visitors=2000)
        others = [name for name in LARKSPUR.channels if name != "Display"]
        everything, without = outcome(drawn), outcome(drawn, others)
        assert everything.present.sum() > without.present.sum()
        assert np.array_equal(everything.probability, without.probability)
        row = truth(game(drawn)).set_index("channel").loc["Display"]
        assert (row == 0).all()

    def test_shapley_values_add_up_to_all_expected_purchases(self, draws: Draws) -> None:
        played = game(draws)
        table, everything = truth(played), worlds(played, draws.scenario.paid).set_index("world")
        everything = everything.loc["everything on"] - everything.loc["everything off"]
        assert table["shapley_conversions"].sum() == pytest.approx(everything["conversions"], abs=1e-4)
        assert table["shapley_value"].sum() == pytest.approx(everything["value"], abs=1e-4)

    def test_shapley_values_agree_with_the_sum_over_all_coalitions(self) -> None:
        names = ("Direct", "Paid Search Generic", "Paid Social", "Retargeting")
        drives = {"drives": {"Paid Search Brand": None, "Organic Search": None}, "effect": {"view": 0.6}}
        scenario = only(*names, Paid_Social=drives, Retargeting={"anyway": {"Organic Search": None}},
                        Paid_Search_Generic={"anyway": None})
        drawn = draw(scenario, seed=3, visitors=3000)
        worth = {
            frozenset(group): expected(drawn, group)[0].sum()
            for size in range(5) for group in itertools.combinations(names, size)
        }
        table = truth(game(drawn)).set_index("channel")
        for name in names:
            weight = {group: math.factorial(len(group)) * math.factorial(3 - len(group)) / 24
                      for group in worth if name not in group}
            exact = sum(share * (worth[group | {name}] - worth[group]) for group, share in weight.items())
            assert table.loc[name, "shapley_conversions"] == pytest.approx(exact, abs=1e-6)

    def test_purchases_that_happen_are_as_many_as_expected(self, draws: Draws) -> None:
        result = outcome(draws)
        noise = math.sqrt((result.probability * (1 - result.probability)).sum())
        assert result.purchased.sum() == pytest.approx(result.probability.sum(), abs=4 * noise)

    def test_larkspur_teaches_what_it_should(self) -> None:
        drawn = draw(LARKSPUR, seed=11, visitors=15_000)
        _, conversions, _ = touch_log(drawn, outcome(drawn))
        table, names = truth(game(drawn)).set_index("channel")["incremental_conversions"], list(LARKSPUR.channels)
        result = outcome(drawn)
        last = pd.Series(result.channel[result.purchased]).map(dict(enumerate(names))).value_counts()
        for flattered in ("Paid Search Brand", "Retargeting"):
            assert last[flattered] > 3 * table[flattered]
        for neglected in ("Display", "Paid Social"):
            assert last.get(neglected, 0) < table[neglected] / 3
        assert 0.025 < conversions["visitor_id"].nunique() / (0.94 * len(drawn.people)) < 0.035


class TestOutcome:
    def test_a_channel_that_does_not_exist_is_named_with_the_nearest_one(self, draws: Draws) -> None:
        for asked in (outcome, game):
            with pytest.raises(ConvtrackError, match="Closest: 'Paid Social'"):
                asked(draws, ["Paid Socail"])

    def test_nothing_on_means_nothing_happens(self, draws: Draws) -> None:
        nothing = outcome(draws, [])
        assert not nothing.present.any()
        assert not nothing.probability.any()

    def test_what_is_present_has_its_parent_and_a_channel_that_is_on(self, draws: Draws) -> None:
        on = ["Display", "Direct", "Organic Search", "Email"]
        names, touch = list(LARKSPUR.channels), draws.column
        result = outcome(draws, on)
        assert {names[code] for code in np.unique(result.channel[result.present])} <= set(on)
        followers = result.present & (touch["parent"] >= 0) & (result.channel == touch["channel"])
        assert result.present[touch["parent"][followers]].all()

    def test_gates_need_what_opens_them_in_every_world(self, draws: Draws) -> None:
        touches = draws.touches.assign(present=outcome(draws, ["Retargeting", "Email", "Referral"]).present)
        here = touches[touches["present"]]
        free = here[~here["gated"] & here["kind"].isin([CLICK, VISIT])]
        readers = free[free["newsletter_opt_in"]]
        for channel, openers, days in (("Retargeting", free, 14), ("Email", readers, 90)):
            code = list(LARKSPUR.channels).index(channel)
            first = here[(here["channel"] == code) & (here["level"] == 0)]
            pairs = first.merge(openers, on="visitor", suffixes=("", "_before"))
            wait = pairs["time"] - pairs["time_before"]
            opened = pairs[(wait > 0) & (wait <= days * 86_400)]
            assert len(first) > 20
            assert len(opened[["visitor", "time"]].drop_duplicates()) == len(first)

    def test_free_visits_do_not_hang_on_channels_behind_a_gate(self, draws: Draws) -> None:
        gated = dict.fromkeys(["Retargeting", "Email", "SMS"])
        without = LARKSPUR.changed({"channels": gated, "holdout": None, "platforms": None})
        alone = draw(without, seed=5, visitors=5000).touches
        free = draws.touches[~draws.touches["gated"]]
        assert free[["visitor", "time"]].to_numpy().tolist() == alone[["visitor", "time"]].to_numpy().tolist()

    def test_switching_more_on_never_takes_a_touch_away(self, draws: Draws) -> None:
        names = list(LARKSPUR.channels)
        present = [outcome(draws, names[:count]).present for count in range(len(names) + 1)]
        assert all((more | ~less).all() for less, more in itertools.pairwise(present))

    def test_the_quick_tables_agree_with_the_log(
        self, draws: Draws, world: World, tracked_orders: pd.DataFrame
    ) -> None:
        touches, conversions, _ = touch_log(draws, outcome(draws))
        logged = world.events[world.events["interaction"].notna() & ~world.events["is_test"]]
        for column in ("channel", "interaction", "campaign"):
            assert touches[column].value_counts().to_dict() == logged[column].value_counts().to_dict()
        assert sorted(conversions["value"]) == sorted(tracked_orders["value"])


class TestEvents:
    @pytest.mark.parametrize("table", TABLES)
    def test_tables_keep_their_contract(self, world: World, table: str) -> None:
        good, quarantined = validate(getattr(world, table), table)
        assert len(good) > 0
        assert len(quarantined) == 0

    def test_events_are_numbered_in_order_of_time_and_end_with_the_last_day(self, world: World) -> None:
        events = world.events
        assert events["event_time"].is_monotonic_increasing
        assert events["event_id"].tolist() == sorted(set(events["event_id"]))
        local = events["event_time"].dt.tz_convert("Europe/London")
        assert local.min() >= pd.Timestamp("2026-01-05", tz="Europe/London")
        assert local.max() < pd.Timestamp("2026-04-05", tz="Europe/London")
        assert (local.dt.microsecond == 0).all()
        assert (events["received_time"] >= events["event_time"]).all()

    def test_every_session_starts_with_session_start_and_belongs_to_one_visitor(self, world: World) -> None:
        sessions = world.events[world.events["session_id"].notna()].groupby("session_id")
        assert (sessions["event_name"].first() == "session_start").all()
        assert sessions.ngroups == (world.events["event_name"] == "session_start").sum()
        assert (sessions["visitor_id"].nunique() == 1).all()

    def test_half_an_hour_of_silence_finds_the_same_sessions(self, world: World) -> None:
        rows = world.events[world.events["session_id"].notna()].sort_values(["visitor_id", "event_id"])
        silence = rows.groupby("visitor_id")["event_time"].diff() > pd.Timedelta(minutes=30)
        changed = rows["session_id"] != rows.groupby("visitor_id")["session_id"].shift()
        first = ~rows["visitor_id"].duplicated()
        assert (changed == (silence | first)).all()

    def test_purchases_have_a_value_a_currency_and_the_whole_funnel_before_them(self, world: World) -> None:
        bought = world.events[world.events["event_name"] == "purchase"]
        assert (bought["value"] > 0).all()
        assert (bought["currency"] == "GBP").all()
        assert bought["transaction_id"].notna().all()
        names = world.events.groupby("session_id")["event_name"].agg(list)
        funnel = ["session_start", "view_item", "add_to_cart", "begin_checkout", "purchase"]
        for session in bought["session_id"].unique():
            places = [names[session].index(step) for step in funnel]
            assert places == sorted(places)

    def test_only_touches_carry_a_channel_and_only_visits_carry_tags(
        self, world: World, starts: pd.DataFrame
    ) -> None:
        events = world.events
        assert (events["channel"].notna() == events["interaction"].notna()).all()
        assert starts["interaction"].isin(["click", "visit"]).all()
        away = events[events["interaction"].isin(["view", "open", "delivery"])]
        assert set(away["event_name"]) == {"ad_impression", "email_delivered", "email_open", "sms_delivered"}
        assert away[["session_id", "page_url", "utm_source", "click_id"]].isna().all(axis=None)

    def test_tags_lead_to_the_channel_by_the_library_rules(self, starts: pd.DataFrame) -> None:
        found = assign_channels(starts.drop(columns="channel")).fillna("Direct")
        assert found.tolist() == starts["channel"].tolist()

    def test_ad_clicks_have_a_click_id_of_their_own(self, starts: pd.DataFrame) -> None:
        ads = starts["channel"].str.startswith("Paid") | starts["channel"].isin(["Display", "Retargeting"])
        assert (starts["click_id"].notna() == ads).all()
        assert starts["click_id"].dropna().is_unique

    def test_messages_follow_an_opt_in(self, world: World) -> None:
        first = world.events.groupby(["visitor_id", "event_name"])["event_time"].min().unstack()
        for message, opt_in in (("email_delivered", "newsletter_opt_in"), ("sms_delivered", "sms_opt_in")):
            wrote = first[first[message].notna()]
            assert len(wrote) > 20
            assert (wrote[message] > wrote[opt_in]).all()

    def test_retargeting_follows_a_visit_within_two_weeks(self, world: World, starts: pd.DataFrame) -> None:
        views = (world.events["channel"] == "Retargeting") & (world.events["interaction"] == "view")
        visits = starts[["visitor_id", "event_time"]].assign(visit=starts["event_time"])
        last = pd.merge_asof(
            world.events.loc[views, ["visitor_id", "event_time"]], visits, on="event_time", by="visitor_id"
        )
        assert len(last) > 100
        assert (last["event_time"] - last["visit"] <= pd.Timedelta(days=14)).all()

    def test_the_user_is_known_from_the_first_purchase_or_opt_in_on(self, world: World) -> None:
        known = world.events["user_id"].notna()
        told = world.events["event_name"].isin(["purchase", "subscribe", "newsletter_opt_in", "sms_opt_in"])
        assert (known == told.groupby(world.events["visitor_id"]).cummax()).all()
        assert (world.events.groupby("visitor_id")["user_id"].nunique() <= 1).all()

    def test_small_goals_are_reached_once_by_a_visitor(self, world: World) -> None:
        reached = world.events[world.events["event_name"].isin([*LARKSPUR.goals, *LARKSPUR.by_phone])]
        assert not reached.duplicated(["visitor_id", "event_name"]).any()

    def test_goals_reached_by_phone_follow_their_goal_and_have_no_session(self, world: World) -> None:
        first = world.events.groupby(["visitor_id", "event_name"])["event_time"].min().unstack()
        calls = world.events[world.events["event_name"].isin(["phone_call", "contract_signed"])]
        assert calls[["session_id", "page_url", "channel"]].isna().all(axis=None)
        for goal, before in (("phone_call", "lead_form"), ("contract_signed", "phone_call")):
            reached = first[first[goal].notna()]
            assert len(reached) > 0
            assert (reached[goal] > reached[before]).all()

    def test_some_purchases_fire_twice_with_one_transaction_id(self) -> None:
        world = simulate(LARKSPUR.changed({"dirt": {"double_purchase": 0.5}}), seed=5, visitors=2000)
        bought = world.events[(world.events["event_name"] == "purchase") & ~world.events["is_test"]]
        fired = bought.groupby("transaction_id").agg(
            times=("event_id", "nunique"), sessions=("session_id", "nunique"), values=("value", "nunique"))
        assert 0.2 < (fired["times"] == 2).mean() < 0.8
        assert (fired[["sessions", "values"]] == 1).all(axis=None)
        assert world.orders["transaction_id"].is_unique


class TestBooks:
    def test_the_order_book_has_every_tracked_order_and_those_that_tracking_missed(
        self, world: World, tracked_orders: pd.DataFrame
    ) -> None:
        book = world.orders.set_index("transaction_id")
        assert set(tracked_orders["transaction_id"]) < set(book.index[book["status"] != "test"])
        both = tracked_orders.set_index("transaction_id").join(book.add_suffix("_book"))
        assert (both["value"] == both["value_book"]).all()
        assert (both["event_time"] == both["order_time_book"]).all()
        assert (book["status"] == "test").sum() == LARKSPUR.dirt.test_orders

    def test_test_orders_are_marked_in_both_places(self, world: World) -> None:
        marked = world.events.loc[world.events["is_test"], "transaction_id"].dropna()
        assert set(marked) == set(world.orders.loc[world.orders["status"] == "test", "transaction_id"])

    def test_platforms_count_at_least_the_clicks_and_views_that_were_tracked(
        self, world: World, starts: pd.DataFrame
    ) -> None:
        keys = ["date", "channel", "campaign"]
        spend = world.spend.set_index(keys)
        away = world.events[world.events["interaction"].isin(["view", "delivery"])]
        for rows, column in ((starts[starts["campaign"].notna()], "clicks"), (away, "impressions")):
            local = rows["event_time"].dt.tz_convert("Europe/London").dt.normalize().dt.tz_localize(None)
            tracked = rows.assign(date=local.astype("datetime64[us]")).groupby(keys).size()
            assert (spend[column].reindex(tracked.index) >= tracked).all()
        assert 1.02 < spend["clicks"].sum() / starts["campaign"].notna().sum() < 1.25

    def test_views_are_billed_as_often_as_they_happened(self, world: World, draws: Draws) -> None:
        display = list(LARKSPUR.channels).index("Display")
        views = outcome(draws).present & (draws.column["channel"] == display) & (draws.column["level"] == 0)
        assert world.spend.loc[world.spend["channel"] == "Display", "impressions"].sum() == views.sum()

    def test_a_platform_claims_the_purchases_in_its_window(
        self, world: World, tracked_orders: pd.DataFrame
    ) -> None:
        own = ["Paid Search Brand", "Paid Search Generic", "Display"]
        clicks = world.events[world.events["channel"].isin(own) & (world.events["interaction"] == "click")]
        pairs = tracked_orders.merge(clicks, on="visitor_id", suffixes=("", "_click"))
        wait = pairs["event_time"] - pairs["event_time_click"]
        pairs = pairs[(wait > pd.Timedelta(0)) & (wait <= pd.Timedelta(days=30))]
        last = pairs.sort_values("event_time_click").drop_duplicates("transaction_id", keep="last")
        report = world.platform_reports[world.platform_reports["platform"] == "Google Ads"]
        claimed = report.groupby("campaign")["conversions"].sum()
        assert claimed.to_dict() == last["campaign_click"].value_counts().to_dict()
        local = last["event_time_click"].dt.tz_convert("Europe/London").dt.strftime("%Y-%m-%d")
        by_day = report.groupby(report["date"].dt.strftime("%Y-%m-%d"))["conversions"].sum()
        assert by_day.to_dict() == local.value_counts().to_dict()

    def test_a_click_in_the_window_beats_a_later_view(
        self, world: World, tracked_orders: pd.DataFrame
    ) -> None:
        touches = world.events[world.events["channel"].isin(["Paid Social", "Retargeting"])]
        pairs = tracked_orders.merge(touches, on="visitor_id", suffixes=("", "_touch"))
        wait = pairs["event_time"] - pairs["event_time_touch"]
        clicked = pairs["interaction_touch"] == "click"
        days = pd.to_timedelta(clicked.map({True: 7, False: 1}), unit="D")
        pairs = pairs.assign(clicked=clicked)[(wait > pd.Timedelta(0)) & (wait <= days)]
        latest = pairs.sort_values("event_time_touch").drop_duplicates("transaction_id", keep="last")
        best = pairs.sort_values(["clicked", "event_time_touch"])
        best = best.drop_duplicates("transaction_id", keep="last")
        report = world.platform_reports[world.platform_reports["platform"] == "Meta"]
        claimed = report.groupby("campaign")["value"].sum().round(2).to_dict()
        assert claimed == best.groupby("campaign_touch")["value"].sum().round(2).to_dict()
        assert claimed != latest.groupby("campaign_touch")["value"].sum().round(2).to_dict()

    def test_messages_are_claimed_on_the_day_they_were_sent(self, world: World) -> None:
        report = world.platform_reports[world.platform_reports["platform"] == "Klaviyo"]
        sends = LARKSPUR.channels["Email"].sends | LARKSPUR.channels["SMS"].sends
        weekday = {name: send.weekday for name, send in sends.items()}
        assert len(report) > 5
        assert (report["date"].dt.day_of_week == report["campaign"].map(weekday)).all()

    def test_nobody_held_out_sees_the_channel(self, world: World, starts: pd.DataFrame) -> None:
        arms = world.assignments.set_index("visitor_id")["arm"]
        seen = world.events.loc[world.events["channel"] == "Retargeting", "visitor_id"].unique()
        assert set(arms[seen]) == {"ads"}
        assert 0.12 < (arms == "no_ads").mean() < 0.18
        visited = starts[~starts["is_test"]].groupby("visitor_id")["event_time"].min()
        assigned = world.assignments.set_index("visitor_id")["assigned_time"]
        assert assigned.sort_index().equals(visited.sort_index().rename("assigned_time"))

    def test_visitors_are_those_of_the_log(self, world: World) -> None:
        assert world.visitors["visitor_id"].tolist() == world.events["visitor_id"].drop_duplicates().tolist()
        assert set(world.visitors["user_id"].dropna()) == set(world.events["user_id"].dropna())


class TestFiles:
    def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(self, tmp_path: Path) -> None:
        prints = []
        for place, seed in (("a", 1), ("b", 1), ("c", 2)):
            files = write_world(simulate("larkspur", seed, visitors=300), tmp_path / place)
            prints.append({file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in files})
        assert prints[0] == prints[1]
        assert all(prints[0][name] != prints[2][name] for name in prints[0])

    def test_what_is_written_is_what_was_simulated(self, tmp_path: Path) -> None:
        world = simulate("larkspur", seed=1, visitors=300)
        write_world(world, tmp_path)
        for name in TABLES:
            pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / f"{name}.parquet"), getattr(world, name))
        pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "envelope" / "truth.parquet"), world.truth)

    def test_a_world_that_is_stopped_while_it_is_written_leaves_the_one_before(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        before = {file: file.read_bytes() for file in write_world(simulate("larkspur", seed=1, visitors=300), tmp_path)}
        world, write, written = simulate("larkspur", seed=2, visitors=300), convtrack.world._write, []

        def stopped(table: pd.DataFrame, path: Path) -> None:
            written.append(path)
            if len(written) == 4:
                raise KeyboardInterrupt
            write(table, path)

        monkeypatch.setattr(convtrack.world, "_write", stopped)
        with pytest.raises(KeyboardInterrupt):
            write_world(world, tmp_path)
        assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before

    def test_one_person_is_enough_for_a_world(self, tmp_path: Path) -> None:
        files = write_world(simulate("larkspur", seed=1, visitors=1), tmp_path)
        assert all(path.stat().st_size for path in files)

    def test_the_files_of_the_repository_are_what_the_command_makes(self) -> None:
        world = simulate("larkspur", seed=1)
        for name in TABLES:
            kept = pd.read_parquet(DATA / "larkspur" / f"{name}.parquet")
            pd.testing.assert_frame_equal(kept, getattr(world, name))
        kept = pd.read_parquet(DATA / "larkspur" / "envelope" / "truth.parquet")
        pd.testing.assert_frame_equal(kept, world.truth)

    def test_the_card_gives_the_rows_that_the_files_have(self) -> None:
        card = (DATA / "README.md").read_text(encoding="utf-8")
        found = re.findall(r"\| `([\w/]+)\.parquet` \| ([\d,]+)", card)
        rows = {name: int(count.replace(",", "")) for name, count in found}
        assert rows.keys() >= set(TABLES)
        for name, count in rows.items():
            assert pq.read_metadata(DATA / "larkspur" / f"{name}.parquet").num_rows == count

    def test_the_figures_on_the_card_are_those_of_the_files(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(DATA.parent)
        assert doctest.testfile(str(DATA / "README.md"), module_relative=False).failed == 0

    def test_the_four_rows_on_the_card_are_in_the_file(self) -> None:
        card = (DATA / "README.md").read_text(encoding="utf-8")
        ids = re.findall(r"row (e\d{6})", card)
        events = pd.read_parquet(DATA / "larkspur" / "events.parquet")
        events = events.set_index("event_id", drop=False).loc[ids]
        events = events.astype({"event_time": "str", "received_time": "str"})
        for column in events:
            line = re.search(rf"^\| `{column}` \| [^|]+ \|(.*)\|$", card, flags=re.MULTILINE)
            shown = [cell.strip(" `") for cell in line.group(1).split("|")]
            kept = ["" if pd.isna(value) else str(value).removesuffix("+00:00") for value in events[column]]
            assert shown == kept


class TestScenario:
    def test_a_wrong_name_is_answered_with_the_nearest_scenario(self) -> None:
        with pytest.raises(ConvtrackError, match="There is no scenario 'larkspurs'. Closest: 'larkspur'."):
            simulate("larkspurs", seed=1)

    @pytest.mark.parametrize(("changes", "message"), [
        ({"visiters": 5}, "visiters: .* Closest: 'visitors'."),
        ({"channels": {"Display": {"targetting": 1}}}, "Display.targetting: .* Closest: 'targeting'."),
        ({"channels": {"Display": {"drives": {"Drect": 0.1}}}}, "the channel 'Drect'. Closest: 'Direct'."),
        ({"channels": {"Email": {"gate": "newsleter_opt_in"}}}, "Email: gate 'newsleter_opt_in' is no goal"),
        ({"days": 2, "dirt": {"test_orders": 3}}, "test_orders: 3 need a weekday each, and there are 2"),
        ({"channels": {"Email": {"sends": None}}}, "Email: `first: delivery` goes with `sends`"),
        ({"days": "many"}, "days: "),
        ({"channels": {f"Blog {number}": {"first": "visit"} for number in range(9)}}, "channels: 21 are too many; .* up to 16 channels"),
    ])
    def test_a_wrong_key_or_value_is_named_in_one_line(self, changes: dict, message: str) -> None:
        with pytest.raises(ConvtrackError, match=message) as caught:
            LARKSPUR.changed(changes)
        assert "\n" not in str(caught.value)

    def test_a_scenario_can_be_based_on_another(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "scenarios").mkdir()
        kept = Path(scenario_module.__file__).parents[1] / "scenarios" / "larkspur.yaml"
        (tmp_path / "scenarios" / "larkspur.yaml").write_bytes(kept.read_bytes())
        changes = "based_on: larkspur\nname: calm\nchannels: {Display: {effect: {view: 0.0}}}\n"
        (tmp_path / "scenarios" / "calm.yaml").write_text(changes, encoding="utf-8")
        monkeypatch.setattr(scenario_module, "files", lambda _package: tmp_path)
        calm = load_scenario("calm")
        assert calm == LARKSPUR.changed({"name": "calm", "channels": {"Display": {"effect": {"view": 0.0}}}})

    def test_a_scenario_cannot_be_changed_in_place(self) -> None:
        with pytest.raises(ValueError, match="frozen"):
            LARKSPUR.days = 3  # type: ignore[misc]


def test_the_committed_shop_is_what_the_command_makes_byte_for_byte(tmp_path: Path) -> None:
    folder = Path(__file__).resolve().parents[1] / "data" / "larkspur"
    for made in write_world(simulate("larkspur", 1), tmp_path):
        assert made.read_bytes() == (folder / made.relative_to(tmp_path)).read_bytes(), made.name
