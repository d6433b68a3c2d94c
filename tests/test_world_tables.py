"""The tables of a simulated world: what a tracker writes down, and under how many names it knows a person."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from convtrack.schema import validate
from convtrack.world import (
    TABLES,
    Draws,
    Outcome,
    Scenario,
    World,
    draw,
    load_scenario,
    outcome,
    simulate,
    touch_log,
    write_world,
)
from convtrack.world.rows import identities, numbered, text, touchpoints
from convtrack.world.scenario import CLICK, VISIT

LARKSPUR = load_scenario("larkspur")
COOKIES = {
    "seven days": {"days": 7}, "refused": {"refused": 0.5}, "two devices": {"second_device": 0.6},
    "everything": {"days": 7, "refused": 0.25, "second_device": 0.4},
}
LIMBO = {"dirt": {"test_orders": 0}, "channels": {name: {"rate": 0.0} for name in LARKSPUR.channels}}
OFF_SITE = ["view", "open", "delivery"]


def with_cookies(**cookies: float) -> Scenario:
    """Larkspur, whose tracker loses sight of people."""
    return LARKSPUR.changed({"cookies": cookies})


def touched(scenario: Scenario, visitors: int = 400, seed: int = 3) -> tuple[Draws, pd.DataFrame]:
    """A world and its touchpoints."""
    draws = draw(scenario, seed, visitors)
    return draws, touchpoints(draws, outcome(draws))


def ran(scenario: Scenario) -> tuple[Draws, Outcome]:
    """What `touch_log` takes, of the world that the fixtures have."""
    draws = draw(scenario, seed=3, visitors=1200)
    return draws, outcome(draws)


def local_dates(times: pd.Series) -> pd.Series:
    """The shop's local date of each time."""
    return times.dt.tz_convert("Europe/London").dt.date


def columns_of(world: World) -> dict[str, dict[str, str]]:
    """The names and dtypes of the columns of every table."""
    return {name: getattr(world, name).dtypes.astype("str").to_dict() for name in TABLES}


@pytest.fixture(scope="module")
def plain() -> World:
    return simulate(with_cookies(), seed=3, visitors=1200)


@pytest.fixture(scope="module")
def worlds() -> dict[str, World]:
    return {name: simulate(with_cookies(**cookies), seed=3, visitors=1200) for name, cookies in COOKIES.items()}


class TestSmallThings:
    @given(st.integers(0, 300), st.integers(1, 4), st.integers(0, 12_000))
    @settings(max_examples=30)
    def test_ids_are_a_letter_and_a_number_with_leading_zeros(self, count: int, digits: int, first: int) -> None:
        expected = [f"v{number:0{digits}d}" for number in range(first, first + count)]
        assert list(numbered("v", count, digits, first)) == expected

    def test_a_code_without_a_label_is_missing_even_where_there_are_no_labels(self) -> None:
        assert pd.isna(text([-1, -1], [])).all()
        assert text([], []).dtype == "str"


class TestIdentities:
    def test_everybody_is_one_visitor_where_nobody_is_lost_sight_of(self, plain: World) -> None:
        ids = plain.events["visitor_id"].drop_duplicates().tolist()
        assert ids == [f"v{number:05d}" for number in range(1, len(ids) + 1)]
        draws, points = touched(LARKSPUR)
        assert identities(points, draws).tolist() == points["visitor"].tolist()
        tracked = points.loc[points["tracked"], "visitor"]
        touches, _, visitors = touch_log(draws, outcome(draws))
        assert len(visitors) == touches["visitor_id"].nunique() == tracked.nunique()

    def test_without_any_memory_every_touch_is_a_visitor_of_its_own(self) -> None:
        _, points = touched(with_cookies(days=1e-9))
        moments = points.groupby(["visitor", "time"], sort=False).ngroup()
        assert points["identity"].nunique() == moments.nunique() > 1000
        assert (points.groupby(moments)["identity"].nunique() == 1).all()

    def test_an_id_is_kept_until_so_many_days_pass_without_a_touch(self) -> None:
        _, points = touched(with_cookies(days=7))
        for _, person in points.groupby("visitor"):
            times, ids = person["time"].tolist(), person["identity"].tolist()
            for before, after, old, new in zip(times, times[1:], ids, ids[1:], strict=False):
                assert (old == new) == (after - before <= 7 * 86_400)
        assert points.groupby("identity")["visitor"].nunique().max() == 1
        assert points["identity"].nunique() > 1.2 * points["visitor"].nunique()

    def test_ids_are_numbered_without_gaps(self) -> None:
        for cookies in COOKIES.values():
            _, points = touched(with_cookies(**cookies), visitors=150)
            assert sorted(points["identity"].unique()) == list(range(points["identity"].nunique()))

    def test_those_who_refuse_are_somebody_else_on_every_local_day_and_are_seen_on_the_site_only(self) -> None:
        world = simulate(with_cookies(refused=1.0), seed=3, visitors=800)
        events = world.events[~world.events["is_test"]]
        assert not events["interaction"].isin(OFF_SITE).any()
        visits = events[events["event_name"] == "session_start"]
        assert (local_dates(visits["event_time"]).groupby(visits["visitor_id"]).nunique() == 1).all()
        assert (events["consent"] == "denied").all()

    def test_those_who_refuse_are_one_visitor_on_one_day(self) -> None:
        draws, points = touched(with_cookies(refused=1.0))
        days = local_dates(pd.Series(draws.clock.times(points["time"]), points.index))
        assert points["identity"].nunique() == len(set(zip(points["visitor"], days, strict=True)))

    def test_the_others_are_seen_as_ever_where_some_refuse(self, plain: World, worlds: dict[str, World]) -> None:
        events = worlds["refused"].events
        away = events[events["interaction"].isin(OFF_SITE)]
        assert (away["consent"] == "granted").all()
        before = plain.events["interaction"].isin(OFF_SITE).sum()
        assert 0.4 < len(away) / before < 0.6

    def test_a_second_device_takes_every_other_visit_and_what_follows_stays_on_its_device(self) -> None:
        _, points = touched(with_cookies(second_device=1.0), visitors=600)
        followers = points[points["own"] & (points["level"] > 0) & (points["origin"] != points.index)]
        assert len(followers) > 100
        assert followers["identity"].tolist() == points.loc[followers["origin"], "identity"].tolist()
        firsts = points[points["origin"] == points.index]
        chosen = firsts.groupby("visitor").agg(first=("identity", "first"), touches=("identity", "size"))
        same = firsts["identity"] == chosen["first"].reindex(firsts["visitor"]).to_numpy()
        again, chance = same.sum() - len(chosen), (chosen["touches"] - 1).sum()
        assert again / chance == pytest.approx(0.5, abs=4 * math.sqrt(0.25 / chance))
        assert points.groupby("visitor")["identity"].nunique().max() == 2

    def test_only_that_share_of_people_has_a_second_device(self) -> None:
        _, points = touched(with_cookies(second_device=0.4), visitors=1500)
        people = points.groupby("visitor")["identity"].agg(["nunique", "size"])
        devices = people.loc[people["size"] > 20, "nunique"]
        assert len(devices) > 100
        assert (devices == 2).mean() == pytest.approx(0.4, abs=4 * math.sqrt(0.24 / len(devices)))

    def test_devices_and_refusal_do_not_depend_on_what_is_switched_on(self) -> None:
        draws, points = touched(with_cookies(refused=0.3, second_device=0.5))
        fewer = touchpoints(draws, outcome(draws, ["Direct", "Organic Search"]))
        both = points.loc[fewer.index]
        assert (both["tracked"] == fewer["tracked"]).all()
        names = pd.DataFrame({"more": both["identity"], "fewer": fewer["identity"]}).drop_duplicates()
        assert names["more"].is_unique
        assert names["fewer"].is_unique


@pytest.mark.parametrize("cookies", COOKIES)
class TestCookies:
    def test_sessions_stay_whole(self, worlds: dict[str, World], cookies: str) -> None:
        sessions = worlds[cookies].events.groupby("session_id")
        assert (sessions["visitor_id"].nunique() == 1).all()
        assert (sessions["event_name"].first() == "session_start").all()

    def test_conversions_and_everything_that_is_not_the_trackers_stay_as_they_are(
        self, plain: World, worlds: dict[str, World], cookies: str
    ) -> None:
        for table in ("spend", "orders", "platform_reports"):
            pd.testing.assert_frame_equal(getattr(worlds[cookies], table), getattr(plain, table))
        goals = ["purchase", *LARKSPUR.goals, *LARKSPUR.by_phone]
        counts = [world.events["event_name"].value_counts().reindex(goals, fill_value=0) for world in (plain, worlds[cookies])]
        assert counts[0].tolist() == counts[1].tolist()
        bought = [touch_log(*ran(with_cookies(**kind)))[1]["value"] for kind in ({}, COOKIES[cookies])]
        assert bought[0].tolist() == bought[1].tolist()

    def test_the_user_id_joins_what_the_tracker_took_apart(
        self, plain: World, worlds: dict[str, World], cookies: str
    ) -> None:
        visitors = worlds[cookies].visitors
        assert set(visitors["user_id"].dropna()) == set(plain.visitors["user_id"].dropna())
        assert visitors["user_id"].dropna().duplicated().any()

    def test_every_table_knows_the_same_visitors(self, worlds: dict[str, World], cookies: str) -> None:
        world = worlds[cookies]
        assert world.visitors["visitor_id"].tolist() == world.events["visitor_id"].drop_duplicates().tolist()
        visits = world.events[(world.events["event_name"] == "session_start") & ~world.events["is_test"]]
        first = visits.groupby("visitor_id")["event_time"].min()
        assigned = world.assignments.set_index("visitor_id")["assigned_time"]
        assert assigned.sort_index().to_dict() == first.to_dict()
        arms = world.assignments.merge(world.visitors, on="visitor_id").groupby("user_id")["arm"].nunique()
        assert (arms == 1).all()
        for table in TABLES:
            assert validate(getattr(world, table), table)[1].empty

    def test_the_staff_are_nobody_else(self, worlds: dict[str, World], cookies: str) -> None:
        events = worlds[cookies].events
        assert events.groupby("visitor_id")["is_test"].nunique().max() == 1
        assert 1 <= events.loc[events["is_test"], "visitor_id"].nunique() <= 2

    def test_the_quick_log_splits_people_as_the_whole_log_does(self, worlds: dict[str, World], cookies: str) -> None:
        touches, _, visitors = touch_log(*ran(with_cookies(**COOKIES[cookies])))
        logged = worlds[cookies].events[~worlds[cookies].events["is_test"]].dropna(subset="interaction")
        assert visitors["visitor_id"].tolist() == touches["visitor_id"].drop_duplicates().tolist()
        counts = [sorted(table["visitor_id"].value_counts()) for table in (touches, logged)]
        assert counts[0] == counts[1]


class TestQuickLog:
    def test_engagement_is_told_where_the_shop_knows_it(self) -> None:
        scenario = LARKSPUR.changed({"intent_seen": 0.5, "cookies": {"second_device": 0.5}})
        draws, result = ran(scenario)
        touches, _, visitors = touch_log(draws, result)
        assert list(visitors) == ["visitor_id", "device", "country", "engagement"]
        points = touchpoints(draws, result)
        points = points[points["tracked"]].sort_values("time", kind="stable")
        told = touches.merge(visitors, on="visitor_id")
        for column in ("device", "country", "engagement"):
            assert told[column].tolist() == draws.of_person(column, points["visitor"]).tolist()
        whole = simulate(scenario, seed=3, visitors=1200).visitors
        assert list(whole) == ["visitor_id", "user_id", "device", "browser", "country", "engagement"]
        assert set(visitors["engagement"]) == set(whole["engagement"].dropna())

    def test_a_purchase_belongs_to_the_visitor_whose_visit_it_was(self) -> None:
        draws, result = ran(with_cookies(**COOKIES["everything"]))
        touches, conversions, _ = touch_log(draws, result)
        began = conversions.assign(touch_time=conversions["conversion_time"] - pd.Timedelta(seconds=1))
        visits = touches[touches["interaction"].isin(["click", "visit"])]
        assert len(began.merge(visits, on=["visitor_id", "touch_time"])) == len(began) > 20
        bought = result.purchased & draws.of_person("tracked", draws.column["visitor"])
        assert len(conversions) == bought.sum()
        assert np.isin(draws.column["kind"][bought], (CLICK, VISIT)).all()


class TestNothingHappens:
    @pytest.mark.parametrize(("changes", "seed", "visitors"), [
        (LIMBO, 1, 1), (LIMBO, 2, 50), *(({"dirt": {"test_orders": 0}}, seed, 1) for seed in range(5)),
        (LIMBO | {"cookies": COOKIES["everything"]}, 1, 1), ({"dirt": {"untracked": 1.0, "test_orders": 0}}, 1, 60),
        ({"platforms": None, "holdout": None}, 1, 20),
    ])
    def test_tables_without_rows_have_their_columns_and_are_written(
        self, plain: World, tmp_path: Path, changes: dict, seed: int, visitors: int
    ) -> None:
        world = simulate(LARKSPUR.changed(changes), seed, visitors)
        assert columns_of(world) == columns_of(plain)
        write_world(world, tmp_path)
        for name in TABLES:
            pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / f"{name}.parquet"), getattr(world, name))

    def test_nothing_is_in_any_table_where_nobody_comes(self) -> None:
        world = simulate(LARKSPUR.changed(LIMBO), seed=1, visitors=10)
        assert all(getattr(world, name).empty for name in TABLES)
        draws = draw(LARKSPUR.changed(LIMBO), seed=1, visitors=10)
        assert all(table.empty for table in touch_log(draws, outcome(draws)))
