"""The truth of the simulated worlds: every subset of channels, a closed form, and channels that do nothing."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pandas as pd
import pytest
from closed_form import plain_world, purchases

from convtrack.coalitions import lost, shapley_value
from convtrack.errors import ConvtrackError
from convtrack.schema import INTERACTIONS
from convtrack.world import Draws, draw, expected, game, load_scenario, outcome, scenario_names, truth
from convtrack.world.outcome import chances, presence

SMALL = 1500


@pytest.fixture(scope="module")
def draws() -> Draws:
    return draw(load_scenario("synergy"), seed=3, visitors=SMALL)


def test_every_world_of_the_study_is_there_and_says_what_it_stands_for() -> None:
    asked = {"independent", "targeted", "brand_tax", "upstream", "synergy", "saturation", "long_lag", "tracking_loss", "high_baseline",
             "placebo", "larkspur"}
    assert asked <= set(scenario_names())
    assert len({load_scenario(name).about for name in scenario_names()}) == len(scenario_names())


class TestClosedForm:
    @pytest.mark.parametrize("effect", [0.0, 0.3, 0.6])
    def test_expected_purchases_are_those_of_the_formula_within_four_standard_errors(self, effect: float) -> None:
        numbers = dict(base=0.01, visits=0.05, ads=0.1, effect=effect, half_life=6.0, days=60)
        people, _ = expected(draw(plain_world(**numbers), seed=11, visitors=20_000))
        assert people.mean() == pytest.approx(purchases(**numbers), abs=4 * people.std() / math.sqrt(len(people)))

    def test_what_is_lost_without_the_ad_is_the_difference_of_two_formulas(self) -> None:
        numbers = dict(base=0.01, visits=0.05, ads=0.1, effect=0.6, half_life=6.0, days=60)
        drawn = draw(plain_world(**numbers), seed=12, visitors=20_000)
        missing = expected(drawn)[0] - expected(drawn, ["Direct"])[0]
        formula = purchases(**numbers) - purchases(**{**numbers, "effect": 0.0})
        assert missing.mean() == pytest.approx(formula, abs=4 * missing.std() / math.sqrt(len(missing)))


class TestNoEffect:
    @pytest.mark.parametrize("off", load_scenario("placebo").paid)
    def test_switching_off_a_channel_without_effect_changes_nothing_to_the_bit(self, off: str) -> None:
        drawn = draw(load_scenario("placebo"), seed=2, visitors=SMALL)
        rest = [name for name in drawn.scenario.channels if name != off]
        assert np.array_equal(outcome(drawn).probability, outcome(drawn, rest).probability)
        assert np.array_equal(expected(drawn)[0], expected(drawn, rest)[0])

    def test_a_placebo_game_has_one_number_in_every_world(self) -> None:
        drawn = draw(load_scenario("placebo"), seed=2, visitors=SMALL)
        played = game(drawn, drawn.scenario.paid)
        assert np.ptp(played.conversions) == 0
        assert played.cost[-1] > 0


def paid_for(draws: Draws, on: list[str]) -> float:
    """What the touches of tracked people cost in a world, channel by channel."""
    result, total = outcome(draws, on), 0.0
    known = result.present & draws.of_person("tracked", draws.column["visitor"])
    for code, channel in enumerate(draws.scenario.channels.values()):
        own = known & (draws.column["channel"] == code) & (result.channel == code)
        if cost := channel.cost:
            rate = {"view": cost.per_thousand / 1000, "click": cost.per_click, "delivery": cost.per_send}
            total += sum(rate.get(INTERACTIONS[kind], 0.0) for kind in draws.column["kind"][own])
    return total


class TestGame:
    def test_shapley_values_add_up_to_what_all_players_add(self, draws: Draws) -> None:
        played = game(draws, draws.scenario.paid)
        for of in (played.conversions, played.value):
            assert shapley_value(of).sum() == pytest.approx(of[-1] - of[0])

    def test_shapley_values_are_the_mean_over_all_orders(self, draws: Draws) -> None:
        played = game(draws, ["Display", "Paid Video", "Paid Search Generic"])
        gains = np.zeros(3)
        for order in itertools.permutations(range(3)):
            for place, player in enumerate(order):
                before = sum(1 << other for other in order[:place])
                gains[player] += played.conversions[before | 1 << player] - played.conversions[before]
        assert shapley_value(played.conversions) == pytest.approx(gains / 6)

    def test_each_place_is_the_world_with_those_players_on(self, draws: Draws) -> None:
        played = game(draws, ["Display", "Affiliates"])
        others = [name for name in draws.scenario.channels if name not in played.players]
        for place, on in enumerate(played.table["on"]):
            assert played.conversions[place] == pytest.approx(expected(draws, [*others, *on])[0].sum())

    @pytest.mark.parametrize("name", ["larkspur", "brand_tax", "upstream", "saturation"])
    def test_going_through_own_subsets_only_finds_what_playing_every_world_finds(self, name: str) -> None:
        """In worlds with gates, other ways, visits that ads bring, and a holdout; value and cost too."""
        draws = draw(load_scenario(name), seed=5, visitors=600)
        played = game(draws)
        for place in np.random.default_rng(1).choice(len(played.value), 24, replace=False):
            on = played.table["on"][place]
            found = played.conversions[place], played.value[place], played.cost[place]
            assert found == pytest.approx((*np.sum(expected(draws, on), axis=1), paid_for(draws, on)))

    @pytest.mark.parametrize("name", ["larkspur", "brand_tax", "upstream"])
    def test_some_people_of_a_world_do_what_they_do_among_all(self, name: str) -> None:
        draws = draw(load_scenario(name), seed=5, visitors=400)
        some = np.random.default_rng(2).random(400) < 0.3
        for on in (None, [channel for channel in draws.scenario.channels if channel != "Paid Social"]):
            for alone, among in zip(expected(draws.of(some), on), expected(draws, on), strict=True):
                assert np.array_equal(alone, among[some])

    @pytest.mark.parametrize("name", ["larkspur", "brand_tax", "upstream"])
    def test_what_is_lost_is_what_truth_says(self, name: str) -> None:
        draws = draw(load_scenario(name), seed=5, visitors=400)
        table, everything = truth(game(draws)).set_index("channel"), np.sum(expected(draws), axis=1)
        for off in draws.scenario.channels:
            without = np.sum(expected(draws, [channel for channel in draws.scenario.channels if channel != off]), axis=1)
            said = table.loc[off, ["incremental_conversions", "incremental_value"]].to_numpy(float)
            assert said == pytest.approx(everything - without, abs=1e-6)

    @pytest.mark.parametrize("name", ["larkspur", "brand_tax", "upstream"])
    def test_each_bit_of_a_switch_is_a_world_of_its_own(self, name: str) -> None:
        draws = draw(load_scenario(name), seed=5, visitors=400)
        on = np.random.default_rng(3).integers(2**64, size=(400, len(draws.scenario.channels)), dtype=np.uint64)
        together = presence(draws, on).apart(64)
        every = chances(draws, together)
        for bit in (0, 1, 31, 63):
            alone = presence(draws, (on >> np.uint64(bit) & np.uint64(1)).astype(bool))
            assert all(np.array_equal(part[:, bit], one) for part, one in zip(together, alone, strict=True))
            assert 0 < alone.own.sum() < len(draws.touches)
            assert every[:, bit] == pytest.approx(chances(draws, alone), rel=1e-12)

    def test_a_game_among_some_is_the_game_of_those_alone(self) -> None:
        draws = draw(load_scenario("larkspur"), seed=5, visitors=400)
        among, alone = game(draws).among(draws.scenario.paid[::-1]), game(draws, draws.scenario.paid[::-1])
        pd.testing.assert_frame_equal(among.table, alone.table)
        assert among.spend == pytest.approx(alone.spend)

    def test_players_cost_what_their_touches_cost_and_nothing_when_off(self, draws: Draws) -> None:
        played = game(draws, draws.scenario.paid)
        assert played.cost[0] == 0
        assert played.spend.sum() == pytest.approx(played.cost[-1])

    def test_the_place_of_a_set_is_where_its_bits_are(self, draws: Draws) -> None:
        played = game(draws, ["Display", "Affiliates"])
        assert [played.place(np.array(on)) for on in ([False, False], [True, False], [False, True])] == [0, 1, 2]


class TestMechanisms:
    def test_two_channels_together_add_more_than_each_alone_where_there_is_synergy(self) -> None:
        scenario = load_scenario("synergy").changed({"synergies": [{"pair": ["Paid Video", "Paid Social"], "effect": 2.0}]})
        with_it, without = (game(draw(one, 3, SMALL), ["Paid Video", "Paid Social"]).conversions
                            for one in (scenario, scenario.changed({"synergies": []})))
        assert with_it[:3] == pytest.approx(without[:3])
        assert with_it[3] > without[3]

    def test_a_cap_keeps_all_touches_together_below_it(self) -> None:
        drawn = draw(load_scenario("saturation").changed({"purchase": {"cap": 0.5, "intent": 0.0}}), 3, SMALL)
        hazard = -np.log1p(-outcome(drawn).probability[drawn.visits])
        base = drawn.of_person("base", drawn.column["visitor"][drawn.visits])
        assert (hazard <= base * math.exp(0.5) * (1 + 1e-9)).all()

    @pytest.mark.parametrize("share", [0.0, 0.25, 1.0])
    def test_the_shop_sees_the_share_of_intent_that_the_scenario_says(self, share: float) -> None:
        people = draw(load_scenario("targeted").changed({"intent_seen": share}), 3, 20_000).people
        assert np.corrcoef(people["engagement"], people["intent"])[0, 1] == pytest.approx(math.sqrt(share), abs=0.03)

    def test_the_world_in_which_intent_is_seen_is_otherwise_the_same_touch_for_touch(self) -> None:
        seen, hidden = (draw(load_scenario(name), 3, SMALL) for name in ("targeted_seen", "targeted"))
        assert seen.touches.equals(hidden.touches)
        assert "engagement" not in hidden.people

    def test_a_synergy_with_an_unknown_channel_is_named(self) -> None:
        with pytest.raises(ConvtrackError, match="Displai"):
            load_scenario("synergy").changed({"synergies": [{"pair": ["Displai", "Paid Video"], "effect": 1.0}]})
