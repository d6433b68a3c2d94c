"""Incremental models: the likelihood against other programs, counterfactuals against a loop, and the truth of a world."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st

from convtrack.coalitions import lost
from convtrack.errors import ConvtrackError
from convtrack.gaps import Gap
from convtrack.incremental import HazardFit, VisitLog, doubly_robust, fit_hazard, newton, read_visits, robust
from convtrack.incremental import hazard as room
from convtrack.incremental.exposures import CORNER, Exposures
from convtrack.incremental.likelihood import Likelihood
from convtrack.schema import INTERACTIONS
from convtrack.world import draw, game, load_scenario, outcome, touch_log

PLAYERS = ["Display", "Paid Search Generic", "Paid Video"]
LIVES = {"Display": 8.0, "Paid Search Generic": 5.0, "Paid Video": 10.0}


def tables(visitors: int = 3000, seed: int = 1, name: str = "independent") -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    draws = draw(load_scenario(name), seed, visitors)
    return touch_log(draws, outcome(draws))


def whole(log: VisitLog, together: list | tuple = ()) -> Likelihood:
    """The likelihood of all visits."""
    return Likelihood(log, Exposures(log, PLAYERS, together, log.visits), np.arange(len(log.visits)))


def credits(fit: HazardFit) -> np.ndarray:
    """Conversions by each channel, switched off and shared out; shape (2, channels)."""
    return np.array([fit.switched_off()["conversions"], fit.shapley()["conversions"]])


@pytest.fixture(scope="module")
def log() -> VisitLog:
    return read_visits(*tables())


class TestVisits:
    def test_a_conversion_happens_in_the_visitors_last_visit_until_then(self) -> None:
        touches, conversions, visitors = tables(400)
        log = read_visits(touches, conversions, visitors)
        on_site = touches[touches["interaction"].isin(["click", "visit"])]
        bought = {(row.visitor_id, on_site.loc[(on_site["visitor_id"] == row.visitor_id)
                                               & (on_site["touch_time"] <= row.conversion_time), "touch_time"].max())
                  for row in conversions.itertuples()}
        positions = log.visits[log.bought]
        assert {(visitors["visitor_id"][log.visitor[at]], pd.Timestamp(log.time[at], unit="us", tz="UTC")) for at in positions} == bought

    def test_the_order_of_rows_changes_nothing(self) -> None:
        touches, conversions, visitors = tables(400)
        one, other = read_visits(touches, conversions, visitors), read_visits(touches[::-1], conversions[::-1], visitors)
        assert np.array_equal(one.bought, other.bought)
        assert np.array_equal(one.channel, other.channel)

    def test_a_conversion_before_every_visit_is_counted_and_not_placed(self) -> None:
        touches, conversions, visitors = tables(400)
        early = conversions.head(1).assign(conversion_time=touches["touch_time"].min() - pd.Timedelta(days=1))
        log = read_visits(touches, pd.concat([conversions, early]), visitors)
        assert (log.placed, log.unplaced) == (len(conversions), 1)

    def test_what_is_known_is_in_standard_units_and_text_is_columns_but_the_most_frequent(self) -> None:
        touches, conversions, visitors = tables(400)
        known = visitors[["visitor_id", "device"]].assign(age=np.arange(len(visitors)), same=1)
        covariates = read_visits(touches, conversions, known).covariates
        assert covariates.shape[1] == known["device"].nunique() - 1 + 1
        assert covariates.mean(axis=0) == pytest.approx(0, abs=1e-9)

    @pytest.mark.parametrize(("column", "value"), [("interaction", None), ("visitor_id", "nobody")])
    def test_a_touch_without_interaction_or_visitor_stops_with_what_to_do(self, column: str, value: str | None) -> None:
        touches, conversions, visitors = tables(200)
        with pytest.raises(ConvtrackError, match="interaction"):
            read_visits(touches.assign(**{column: value}), conversions, visitors)

    def test_flags_and_empty_columns_are_known_too_and_times_are_refused(self, complaint) -> None:
        touches, conversions, visitors = tables(400)
        member = np.arange(len(visitors)) % 3 == 0
        plain = read_visits(touches, conversions, visitors.assign(member=member.astype(float)))
        for flags in (member, pd.array(member, dtype="boolean")):
            found = read_visits(touches, conversions, visitors.assign(member=flags, note=pd.Series(pd.NA, index=visitors.index, dtype="str")))
            np.testing.assert_allclose(found.covariates, plain.covariates)
        joined = visitors.assign(joined=pd.Timestamp("2026-01-01"))
        assert "Column joined of the visitors holds times" in complaint(read_visits, touches, conversions, joined)

    def test_without_a_conversion_in_a_visit_it_stops(self) -> None:
        touches, conversions, visitors = tables(200)
        with pytest.raises(ConvtrackError, match="No conversion"):
            read_visits(touches, conversions[:0], visitors)


class TestHazard:
    def test_with_half_lives_given_it_is_the_complementary_log_log_model_of_statsmodels(self, log: VisitLog) -> None:
        fit = fit_hazard(log, PLAYERS, LIVES, cap=math.inf)
        likelihood = whole(log)
        columns = np.vstack([likelihood.constant, likelihood.exposures.at(np.array([*LIVES.values()])).exposures]).T
        peer = sm.GLM(log.bought, columns, family=sm.families.Binomial(sm.families.links.CLogLog())).fit()
        assert fit.loglik == pytest.approx(peer.llf, rel=1e-5)  # ours has a prior, which draws effects a little to 0
        effects = np.array([*fit.effects.values()])
        errors = peer.bse[len(likelihood.constant):]
        assert np.abs(effects - peer.params[len(likelihood.constant):]) / errors == pytest.approx(0, abs=0.1)

    @pytest.mark.parametrize("bend", [0.0, 1e-4, 0.3, 2.0])
    @pytest.mark.parametrize("together", [(), [("Display", "Paid Video")]])
    @pytest.mark.parametrize("rarer", [0.0, 6.0])
    def test_the_derivatives_are_those_of_the_likelihood(self, log: VisitLog, bend: float, together: list, rarer: float) -> None:
        likelihood = whole(log, together)
        place = likelihood.start(8.0) + 0.05
        place[0] -= rarer  # also where purchases are one in ten thousand visits
        place[likelihood.parts[2]], place[-1] = np.log([4.0, 8.0, 15.0]), bend
        at, step = likelihood.at(place), 1e-6
        free = np.eye(len(place))[: None if bend > step else -1]  # below 0 there is no bend
        sides = [(likelihood.at(place + step * way), likelihood.at(place - step * way)) for way in free]
        slopes = np.array([(up.value - down.value) / (2 * step) for up, down in sides])
        curves = np.array([(up.gradient - down.gradient) / (2 * step) for up, down in sides])
        assert slopes == pytest.approx(at.gradient[:len(free)], rel=1e-4, abs=1e-4 * np.abs(at.gradient).max())
        assert curves == pytest.approx(at.curvature[:len(free)], rel=1e-4, abs=1e-4 * np.abs(at.curvature).max())

    @pytest.mark.parametrize(("cap", "every"), [(math.inf, 5), (1.5, 1)])
    def test_the_fit_ends_where_the_likelihood_is_level(self, log: VisitLog, cap: float, every: int) -> None:
        """Where many visits hardly ever convert too: a search that cuts hazards off stops on the slope."""
        rare = replace(log, bought=log.bought & (np.arange(len(log.bought)) % every == 0))
        fit, likelihood = fit_hazard(rare, PLAYERS, LIVES, cap), whole(rare)
        place = likelihood.start(8.0)
        place[likelihood.parts[0]] = np.linalg.lstsq(likelihood.constant.T, fit.eta)[0]
        place[likelihood.parts[1]] = [*fit.effects.values()]
        place[likelihood.parts[2]], place[-1] = np.log([*LIVES.values()]), 1 / cap
        at, fitted = likelihood.at(place), slice(0, likelihood.parts[1].stop)
        distance = at.gradient[fitted] @ np.linalg.solve(at.curvature[fitted, fitted], at.gradient[fitted])
        assert math.sqrt(distance) < 1e-8  # standard errors

    def test_a_search_that_does_not_arrive_gives_a_gap_and_no_number(self, log: VisitLog, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(newton, "LONGEST", 2)
        fit = fit_hazard(log, PLAYERS)
        assert isinstance(fit, Gap)
        assert "standard errors before the top" in fit.sentence
        assert isinstance(fit.switched_off(), Gap)

    @pytest.mark.parametrize("name", ["independent", "saturation", "tracking_loss", "upstream", "placebo"])
    def test_rows_channels_and_starting_points_in_any_order_give_the_same_answer(self, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
        rows, order = tables(8000, 2, name), [2, 0, 1]
        expected = credits(fit_hazard(read_visits(*rows), PLAYERS))
        shuffled = read_visits(*(table.sample(frac=1, random_state=5) for table in rows))
        assert credits(fit_hazard(shuffled, PLAYERS)) == pytest.approx(expected, rel=1e-6)
        turned = credits(fit_hazard(read_visits(*rows), [PLAYERS[place] for place in order]))
        assert turned == pytest.approx(expected[:, order], rel=1e-6)
        monkeypatch.setattr(room, "STARTS", ((1.5, 0.5), (5.0, 2.0), (60.0, 0.0), (20.0, 1.5)))
        assert credits(fit_hazard(read_visits(*rows), PLAYERS)) == pytest.approx(expected, rel=1e-6)

    def test_touches_of_one_moment_count_the_same_in_any_order_of_rows(self) -> None:
        touches, conversions, visitors = tables(3000, 3, "synergy")
        rows = (touches.assign(touch_time=touches["touch_time"].dt.floor("min")),
                conversions.assign(conversion_time=conversions["conversion_time"].dt.floor("min")), visitors)
        one, other = (read_visits(*(table.sample(frac=1, random_state=seed) for table in rows)) for seed in (1, 2))
        assert (np.diff(one.time)[np.diff(one.visitor) == 0] == 0).any()
        assert credits(fit_hazard(one, PLAYERS)) == pytest.approx(credits(fit_hazard(other, PLAYERS)), rel=1e-6)

    def test_whoever_saw_a_hundred_ads_and_bought_leaves_a_top_to_be_found(self) -> None:
        """Nobody else who saw an ad bought, so its effect is negative, and a hundred of them leave a chance of next to nothing."""
        people, start = 6000, pd.Timestamp("2026-03-01", tz="UTC")
        names, at = np.array([f"v{i}" for i in range(people)]), start + pd.to_timedelta(np.arange(people), unit="min")
        visits = pd.DataFrame({"visitor_id": names, "touch_time": at, "channel": "Direct", "interaction": "visit"})
        seen = visits[people // 2:].assign(channel="Display", interaction="view", touch_time=at[people // 2:] - pd.Timedelta(days=1))
        heavy = pd.DataFrame({"visitor_id": "h", "touch_time": start + pd.to_timedelta(np.arange(101), unit="min"),
                              "channel": ["Display"] * 100 + ["Direct"], "interaction": ["view"] * 100 + ["visit"]})
        sold = pd.DataFrame({"visitor_id": ["h", *names[:people // 2:10]], "value": 1.0,
                             "conversion_time": [heavy["touch_time"].iloc[-1], *at[:people // 2:10]]})
        log = read_visits(pd.concat([visits, seen, heavy]), sold, pd.DataFrame({"visitor_id": ["h", *names]}))
        effect = fit_hazard(log, ["Display"]).effects["Display", INTERACTIONS.index("view")]
        likelihood = Likelihood(log, Exposures(log, ["Display"], (), log.visits), np.arange(len(log.visits)))
        place = likelihood.start(2.0)
        place[1] = -2.0  # a log-hazard of -100 and less at the purchase
        ahead, behind = (likelihood.at(place + step * np.eye(len(place))[1]).value for step in (1e-5, -1e-5))
        assert likelihood.at(place).gradient[1] == pytest.approx((ahead - behind) / 2e-5, rel=1e-6)
        assert -3 < effect < 0

    @pytest.mark.parametrize(("asked", "said"), [
        ({"cap": 0}, "cap=0 is no cap"), ({"cap": -1}, "cap=-1 is no cap"), ({"cap": math.nan}, "cap=nan is no cap"),
        ({"half_lives": {"Display": 8.0}}, "half_lives: 'Paid Search Generic' needs"),
        ({"half_lives": LIVES | {"Display": 0.0}}, "half_lives: 'Display' needs"),
        ({"half_lives": LIVES | {"Display": math.inf}}, "half_lives: 'Display' needs"),
        ({"players": ["Display", "Display"]}, "'Display' twice"), ({"together": [("Display", "Display")]}, "with itself"),
        ({"together": [("Display", "Paid Vdeo")]}, "Closest: 'Paid Video'"),
    ])
    def test_what_no_model_can_be_made_of_is_refused(self, log: VisitLog, asked: dict, said: str, complaint) -> None:
        assert said in complaint(fit_hazard, log, **({"players": PLAYERS} | asked))

    def test_where_every_visit_ends_with_a_conversion_there_is_a_gap(self, log: VisitLog) -> None:
        gap = fit_hazard(replace(log, bought=np.ones_like(log.bought)), PLAYERS)
        assert isinstance(gap, Gap) and "Every visit ends with a conversion" in gap.sentence

    @pytest.mark.parametrize(("scenario", "seed", "cap"), [("synergy", 104, None), ("brand_tax", 102, 0.5), ("long_lag", 101, 0.5)])
    def test_no_other_start_finds_a_higher_top(self, scenario: str, seed: int, cap: float | None, monkeypatch: pytest.MonkeyPatch) -> None:
        """Small worlds whose likelihood has several tops."""
        rows, players = tables(600, seed, scenario), list(load_scenario(scenario).paid)
        found = fit_hazard(read_visits(*rows), players, cap=cap).loglik
        random = np.random.default_rng(3)
        lives, bends = np.exp(random.uniform(0, np.log(90), 12)), random.uniform(0, 4, 12)
        others = []
        for start in zip(lives.tolist(), bends.tolist(), strict=True):
            monkeypatch.setattr(room, "STARTS", (start,))
            others.append(fit_hazard(read_visits(*rows), players, cap=cap).loglik)
        assert found >= max(others) - 1e-3

    def test_a_channel_after_whose_touches_nobody_bought_has_an_effect_all_the_same(self, log: VisitLog) -> None:
        shown = log.visits[np.isin(log.channel[log.visits], [log.channels.index("Paid Search Generic")])]
        never = replace(log, bought=log.bought & ~np.isin(log.visitor[log.visits], log.visitor[shown]))
        effects = fit_hazard(never, PLAYERS).effects
        own = [effect for (name, _), effect in effects.items() if name == "Paid Search Generic"]
        assert all(-15 < effect < 0 for effect in own)

    def test_exposure_is_what_a_loop_over_touches_finds(self, log: VisitLog) -> None:
        design = Exposures(log, PLAYERS, [("Display", "Paid Video")], log.visits)
        exposures = design.at(np.array([*LIVES.values()])).exposures.T
        for row in np.flatnonzero(log.bought)[:20]:
            at, left = log.visits[row], dict.fromkeys(design.kinds, 0.0)
            for touch in np.flatnonzero(log.visitor == log.visitor[at]):
                key = (log.channels[log.channel[touch]], int(log.kind[touch]))
                if touch <= at and key in left:
                    left[key] += 2 ** (-(log.time[at] - log.time[touch]) / 86_400e6 / LIVES[key[0]])
            one, other = (min(sum(left[key] for key in left if key[0] == name), 1) for name in ("Display", "Paid Video"))
            assert exposures[row, :-1] == pytest.approx([*left.values()])
            assert exposures[row, -1] == pytest.approx(one * other, abs=CORNER / 2)  # the corner at 1 is rounded

    def test_without_a_channel_its_visits_are_gone_and_the_others_lose_its_exposure(self, log: VisitLog) -> None:
        fit = fit_hazard(log, PLAYERS, LIVES, cap=1.5)
        left, expected = fit.terms[:, ~fit.members[:, 1]].sum(axis=1), 0.0
        for eta, added, own in zip(fit.eta, left, fit.own, strict=True):
            bent = added if added < 0 else 1.5 * (1 - math.exp(-added / 1.5))
            expected += 0 if own == 1 else 1 - math.exp(-math.exp(eta + bent))
        assert fit.conversions(np.array([True, False, True])) == pytest.approx(expected)

    def test_everything_on_is_about_as_many_conversions_as_happened(self, log: VisitLog) -> None:
        assert fit_hazard(log, PLAYERS).game[-1] == pytest.approx(log.bought.sum(), rel=0.005)

    def test_backward_and_shapley_credit_add_up_to_what_all_players_add(self, log: VisitLog) -> None:
        fit = fit_hazard(log, PLAYERS)
        added = fit.game[-1] - fit.game[0]
        assert fit.backward(log)["conversions"].sum() == pytest.approx(added)
        assert fit.shapley()["conversions"].sum() == pytest.approx(added)
        assert fit.switched_off()["conversions"].to_numpy() == pytest.approx(lost(fit.game))

    def test_backward_elimination_by_hand(self) -> None:
        at = pd.Timestamp("2026-03-01", tz="UTC") + pd.to_timedelta([0, 1, 2], unit="D")
        touches = pd.DataFrame({"visitor_id": "a", "touch_time": at, "channel": ["Display", "Paid Video", "Direct"],
                                "interaction": ["view", "view", "visit"]})
        log = read_visits(touches, pd.DataFrame({"visitor_id": ["a"], "conversion_time": at[2:], "value": [10.0]}),
                          pd.DataFrame({"visitor_id": ["a"]}))
        view = INTERACTIONS.index("view")
        fit = room.HazardFit(["Display", "Paid Video"], {"Display": 2.0, "Paid Video": 1.0}, math.inf, 0.0, np.array([-2.0]),
                             {("Display", view): 0.8, ("Paid Video", view): 0.6}, np.array([[0.4, 0.3]]), np.eye(2, dtype=bool),
                             np.array([-1]), 10.0)
        chance = [1 - math.exp(-math.exp(eta)) for eta in (-2.0, -1.6, -1.3)]
        assert fit.backward(log)["conversions"].tolist() == pytest.approx(np.diff(chance))

    def test_a_channel_that_is_not_there_adds_nothing(self, log: VisitLog) -> None:
        credit = fit_hazard(log, [*PLAYERS, "Radio"]).switched_off().set_index("channel")["conversions"]
        assert credit["Radio"] == 0

    def test_players_without_touches_are_refused_by_name(self, log: VisitLog) -> None:
        with pytest.raises(ConvtrackError, match="None of Radio"):
            fit_hazard(log, ["Radio"])

    @given(shift=st.integers(-1000, 1000))
    @settings(max_examples=3, deadline=None)
    def test_the_calendar_does_not_matter(self, shift: int) -> None:
        touches, conversions, visitors = tables(300)
        days = pd.Timedelta(days=shift)
        moved = read_visits(touches.assign(touch_time=touches["touch_time"] + days),
                            conversions.assign(conversion_time=conversions["conversion_time"] + days), visitors)
        here = fit_hazard(read_visits(touches, conversions, visitors), PLAYERS, LIVES, math.inf)
        assert fit_hazard(moved, PLAYERS, LIVES, math.inf).loglik == pytest.approx(here.loglik)

    def test_in_a_world_where_nothing_is_hidden_it_is_near_the_truth(self) -> None:
        draws = draw(load_scenario("independent"), 4, 30_000)
        played = game(draws, draws.scenario.paid)
        true = lost(played.conversions)
        found = fit_hazard(read_visits(*touch_log(draws, outcome(draws))), played.players).switched_off()["conversions"].to_numpy()
        assert np.abs(found / found.sum() - true / true.sum()).mean() < 0.04


class TestDoublyRobust:
    def randomised(self, size: int, effect: float) -> VisitLog:
        """Half of the visitors see an ad at random; everybody visits once; those who saw it buy more often."""
        rng = np.random.default_rng(5)
        seen = rng.random(size) < 0.5
        bought = rng.random(size) < 0.1 + effect * seen
        at = pd.Timestamp("2026-03-01", tz="UTC")
        names = [f"v{i}" for i in range(size)]
        views = pd.DataFrame({"visitor_id": np.array(names)[seen], "touch_time": at, "channel": "Display", "interaction": "view"})
        visits = pd.DataFrame({"visitor_id": names, "touch_time": at + pd.Timedelta(days=1), "channel": "Direct", "interaction": "visit"})
        sold = pd.DataFrame({"visitor_id": np.array(names)[bought], "conversion_time": at + pd.Timedelta(days=1), "value": 1.0})
        return read_visits(pd.concat([views, visits]), sold, pd.DataFrame({"visitor_id": names}))

    def test_without_covariates_it_is_the_difference_of_two_means_times_those_reached(self) -> None:
        log = self.randomised(4000, 0.05)
        seen = np.isin(np.arange(4000), log.visitor[log.channel == log.channels.index("Display")])
        difference = log.bought[seen].mean() - log.bought[~seen].mean()
        assert doubly_robust(log, ["Display"])["conversions"][0] == pytest.approx(difference * seen.sum(), rel=1e-6)

    def test_its_interval_holds_the_effect_that_was_planted(self) -> None:
        row = doubly_robust(self.randomised(4000, 0.05), ["Display"]).iloc[0]
        assert row["low"] < 0.05 * 2000 < row["high"]

    def test_a_channel_that_is_not_there_adds_nothing_and_one_that_reached_everybody_is_not_known(self) -> None:
        credit = doubly_robust(self.randomised(500, 0.05), ["Display", "Radio", "Direct"]).set_index("channel")["conversions"]
        assert credit["Radio"] == 0
        assert math.isnan(credit["Direct"])
        assert credit["Display"] == pytest.approx(doubly_robust(self.randomised(500, 0.05), ["Display"])["conversions"][0])

    @pytest.mark.parametrize(("size", "seed", "scenario"), [(4000, 2, "tracking_loss"), (4000, 1, "saturation"), (50_000, 2, "saturation")])
    def test_the_order_of_rows_and_of_channels_changes_nothing(self, size: int, seed: int, scenario: str) -> None:
        columns = ["conversions", "low", "high"]
        rows = tables(size, seed, scenario)
        expected = doubly_robust(read_visits(*rows), PLAYERS)[columns].to_numpy()
        assert np.isfinite(expected).all()
        shuffled = read_visits(*(table.sample(frac=1, random_state=5) for table in rows))
        assert doubly_robust(shuffled, PLAYERS)[columns].to_numpy() == pytest.approx(expected, rel=1e-6)
        turned = doubly_robust(read_visits(*rows), PLAYERS[::-1])[columns].to_numpy()
        assert turned == pytest.approx(expected[::-1], rel=1e-6)

    def test_where_nobody_is_alike_what_a_channel_added_is_not_known(self) -> None:
        """Whoever A did not reach, B did: nobody says what those do whom neither reaches."""
        rng, size = np.random.default_rng(1), 2000
        by_a = rng.random(size) < 0.7
        by_b = ~by_a | (rng.random(size) < 0.3)
        names, at = np.array([f"v{i}" for i in range(size)]), pd.Timestamp("2026-03-01", tz="UTC") + pd.to_timedelta(np.arange(size), unit="min")
        parts = [pd.DataFrame({"visitor_id": names[who], "touch_time": at[who], "channel": channel, "interaction": "click"})
                 for who, channel in ((by_a, "A"), (by_b, "B"))]
        sold = pd.DataFrame({"visitor_id": names[::10], "conversion_time": at[::10] + pd.Timedelta(hours=1), "value": 1.0})
        log = read_visits(pd.concat(parts), sold, pd.DataFrame({"visitor_id": names}))
        assert doubly_robust(log, ["A", "B"])["conversions"].isna().all()

    def test_where_a_search_does_not_arrive_there_is_a_gap_and_no_number(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(newton, "LONGEST", 1)
        gap = doubly_robust(self.randomised(500, 0.05), ["Radio", "Display"])
        assert isinstance(gap, Gap) and "reached by Display did not arrive" in gap.sentence

    def test_its_search_arrives_where_one_column_tells_who_was_reached(self) -> None:
        rng = np.random.default_rng(0)
        for _ in range(25):
            kinds = np.eye(3)[rng.choice(3, p=(0.9, 0.07, 0.03), size=20_000)]
            known = np.column_stack([np.ones(len(kinds)), kinds[:, 1:], rng.random(len(kinds)) < 0.2])
            assert robust._chances_of_being_reached(kinds[:, 0], known) is not None

    def test_what_is_known_twice_counts_once(self) -> None:
        log = self.randomised(500, 0.05)
        age = np.random.default_rng(2).random((500, 1))
        once, twice = (doubly_robust(replace(log, covariates=np.hstack([age] * times)), ["Display"]) for times in (1, 2))
        pd.testing.assert_frame_equal(once, twice)
