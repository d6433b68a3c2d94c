"""The games that go by the name of Shapley, played over all subsets, by hand, and as packages print them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from fractions import Fraction
from itertools import combinations
from math import factorial

import numpy as np
import pandas as pd
import pytest
from convtrack.attribution import MODELS, ShapleyOrdered, as_paths, compare
from hypothesis import given, settings
from hypothesis import strategies as st
from paths import EIGHT, PATHS, credit, near, paths_of, rows_of, table

Worth = Callable[[frozenset], Fraction]


def shapley_values(players: frozenset, worth: Worth) -> dict[str, Fraction]:
    """Each player's mean contribution over all orders of arrival, set by set of those already there."""
    n = len(players)
    values = {}
    for player in players:
        others = sorted(players - {player})
        values[player] = Fraction(0)
        for size in range(n):
            weight = Fraction(factorial(size) * factorial(n - 1 - size), factorial(n))
            for there in combinations(others, size):
                values[player] += weight * (worth(frozenset(there) | {player}) - worth(frozenset(there)))
    return values


def totals_by_set(paths: pd.DataFrame, what: str) -> tuple[Counter, Counter, Counter]:
    """Outcome (value in pennies), conversions and journeys of each exact set of channels."""
    outcome, conversions, journeys = Counter(), Counter(), Counter()
    for path, won, lost, value in rows_of(paths):
        outcome[frozenset(path)] += int(won) if what == "conversions" else round(100 * value)
        conversions[frozenset(path)] += int(won)
        journeys[frozenset(path)] += int(won + lost)
    return outcome, conversions, journeys


def in_units(values: dict[str, Fraction], what: str) -> dict[str, float]:
    return {
        channel: float(value) / (1 if what == "conversions" else 100) for channel, value in values.items()
    }


# --------------------------------------------------------------------------------------- over all subsets


@pytest.mark.parametrize("what", ["conversions", "value"])
@given(paths=PATHS)
def test_the_subset_game_is_the_shapley_value_over_all_subsets(what, paths):
    outcome, _, _ = totals_by_set(paths, what)
    players = frozenset().union(*outcome)
    values = shapley_values(players, lambda s: Fraction(sum(o for path, o in outcome.items() if path <= s)))
    for model in ("shapley", "linear_unique", "shapley_ordered"):
        assert credit(model, paths, what) == near(in_units(values, what)), model


@pytest.mark.parametrize("what", ["conversions", "value"])
@given(paths=PATHS)
def test_the_exact_game_is_the_shapley_value_over_all_subsets(what, paths):
    outcome, _, _ = totals_by_set(paths, what)
    values = shapley_values(frozenset().union(*outcome), lambda s: Fraction(outcome[s]))
    assert credit("shapley_exact", paths, what) == near(in_units(values, what))


@pytest.mark.parametrize("what", ["conversions", "value"])
@given(paths=PATHS)
def test_the_rate_game_is_played_by_each_journey_among_its_own_channels(what, paths):
    outcome, conversions, journeys = totals_by_set(paths, what)
    expected = dict.fromkeys(frozenset().union(*outcome), Fraction(0))

    def rate(there: frozenset) -> Fraction:
        return Fraction(outcome[there], journeys[there]) if conversions[there] else Fraction(0)

    for players in (s for s in outcome if conversions[s]):
        for channel, value in shapley_values(players, rate).items():
            expected[channel] += journeys[players] * value
    assert credit("shapley_rate", paths, what) == near(in_units(expected, what))


@given(PATHS)
def test_by_position_tells_the_subset_game_apart_by_place(paths):
    expected = Counter()
    for path, won, _, _ in rows_of(paths):
        for place, channel in enumerate(path, 1):
            expected[channel, place] += won / len(set(path)) / path.count(channel)
    found = ShapleyOrdered().by_position(as_paths(paths)).stack()
    assert {key: share for key, share in found.to_dict().items() if share} == near(
        {key: share for key, share in expected.items() if share}
    )
    totals = {channel: share for channel, share in credit("shapley", paths).items() if share}
    assert found.groupby(level=0).sum().to_dict() == near(totals)


# ------------------------------------------------------------------------------------------------ by hand

# The eight paths by set: A 10 of 50, B 5 of 50, C 2 of 30, {A, B} 20 + 4 + 6 = 30 of 80, {A, B, C} 18 of 30.


def test_the_subset_game_on_the_eight_paths():
    # alone 10, 5, 2; the 30 of A and B in halves, the 18 of all three in thirds
    assert credit("shapley", EIGHT) == near({"A": 10 + 15 + 6, "B": 5 + 15 + 6, "C": 2 + 6})
    assert credit("shapley", EIGHT, "value") == near(
        {"A": 100 + 190 + 115, "B": 60 + 190 + 115, "C": 20 + 115}
    )


def test_the_exact_game_on_the_eight_paths():
    # v: A 10, B 5, C 2, AB 30, AC 0, BC 0, ABC 18.
    # A channel comes first or last with weight 1/3, second after each of the others with 1/6.
    a = (10 - 0) / 3 + (30 - 5) / 6 + (0 - 2) / 6 + (18 - 0) / 3
    b = (5 - 0) / 3 + (30 - 10) / 6 + (0 - 2) / 6 + (18 - 0) / 3
    c = (2 - 0) / 3 + (0 - 10) / 6 + (0 - 5) / 6 + (18 - 30) / 3
    assert credit("shapley_exact", EIGHT) == near({"A": a, "B": b, "C": c})
    assert [a, b, c] == pytest.approx([13.17, 10.67, -5.83], abs=0.0051)  # printed so by do-attribution


def test_the_rate_game_on_the_eight_paths():
    # rates: A 0.2, B 0.1, C 1/15, AB 0.375, AC and BC none, ABC 0.6. Alone they keep 10, 5 and 2.
    pair_a, pair_b = (
        (0.2 + (0.375 - 0.1)) / 2,
        (0.1 + (0.375 - 0.2)) / 2,
    )  # in each of the 80 journeys of A and B
    all_a = 0.2 / 3 + (0.375 - 0.1) / 6 + (0 - 1 / 15) / 6 + (0.6 - 0) / 3  # in each of the 30 of all three
    all_b = 0.1 / 3 + (0.375 - 0.2) / 6 + (0 - 1 / 15) / 6 + (0.6 - 0) / 3
    all_c = (1 / 15) / 3 + (0 - 0.2) / 6 + (0 - 0.1) / 6 + (0.6 - 0.375) / 3
    expected = {"A": 10 + 80 * pair_a + 30 * all_a, "B": 5 + 80 * pair_b + 30 * all_b, "C": 2 + 30 * all_c}
    assert credit("shapley_rate", EIGHT) == near(expected)
    assert list(expected.values()) == pytest.approx([38.04, 23.54, 3.42], abs=0.0051)  # printed so by MAM


def test_a_channel_with_which_fewer_convert_has_negative_credit_in_the_rate_game():
    # A converts 1 of 2; A with B 1 of 10; B alone never: B gets (0 + 0.1 - 0.5)/2 in each of 10 journeys
    found = credit("shapley_rate", table(("A", 1, 1), ("A B", 1, 9), ("B", 0, 5)))
    assert found == near({"A": 1 + 10 * (0.5 + 0.1) / 2, "B": -2})


def test_by_position_by_hand():
    # A B A: A has 1/2, a quarter at place 1 and a quarter at place 3; two conversions
    found = ShapleyOrdered().by_position(as_paths(table(("A B A", 2, 0), ("B", 1, 4), ("C", 0, 3))))
    assert found.to_dict("index") == {"A": {1: 0.5, 2: 0, 3: 0.5}, "B": {1: 1, 2: 1, 3: 0}}


def test_where_no_path_has_every_channel_the_exact_game_is_worth_nothing():
    found = credit("shapley_exact", table(("A", 4, 0), ("B", 2, 0)))
    assert found == near({"A": 1, "B": -1})  # A: 4/2 + (0 - 2)/2


# ------------------------------------------------------------------------------------------------ size


def test_twenty_channels_are_a_game_that_can_be_played():
    # each converts 1 of 2 alone; the only pair is one of two such, and so shares its 3 conversions equally
    names = [f"c{i:02d}" for i in range(20)]
    paths = paths_of([([name], 1, 1, 2.0) for name in names] + [(names[:2], 3, 1, 8.0)])
    expected = dict.fromkeys(names, 1.0) | {"c00": 1 + 1.5, "c01": 1 + 1.5}
    assert credit("shapley_rate", paths) == near(expected)
    assert credit("shapley_rate", paths, "value")["c00"] == pytest.approx(2 + 4)


@settings(max_examples=5)
@given(st.integers(0, 10_000))
def test_a_game_of_many_channels_adds_up(seed):
    rng = np.random.default_rng(seed)
    names = [f"c{i:02d}" for i in range(12)]
    drawn = [(rng.choice(names, rng.integers(1, 6)).tolist(), *rng.integers(1, 9, 2), 5.0) for _ in range(60)]
    paths = paths_of(drawn)
    assert sum(credit("shapley_rate", paths).values()) == pytest.approx(sum(won for _, won, _, _ in drawn))
    assert sum(credit("shapley_rate", paths, "value").values()) == pytest.approx(300)


@pytest.mark.parametrize("model", ["shapley_rate", "shapley_exact"])
def test_more_than_24_channels_are_refused_by_name_and_shapley_takes_them(model, complaint):
    paths = paths_of(([f"c{i}"], 1, 0, 0.0) for i in range(25))
    line = complaint(compare, paths, [model])
    assert all(part in line for part in (model, "25 channels", "24 is the most", "use shapley"))
    assert compare(paths, ["shapley"]).wide()["shapley"].tolist() == [1.0] * 25


def test_twenty_four_channels_are_not_refused():
    paths = as_paths(paths_of(([f"c{i}"], 1, 0, 0.0) for i in range(24)))
    assert MODELS["shapley_rate"].obstacle(paths) is None


@pytest.mark.parametrize("model", ["shapley", "shapley_rate", "shapley_exact", "shapley_ordered"])
def test_paths_without_a_touch_are_no_player_and_no_game(model):
    assert credit(model, table(("", 3, 3))) == {}
