"""Four games go by the name Shapley: each package plays one of them, and we have them all."""

from __future__ import annotations

from itertools import combinations

import pandas as pd
import pytest
from peers.figures import assert_same, credit, misplaced
from peers.packages import by_channel, do_shapley, mam, mam_credit, mta
from peers.path_sets import eight_paths, path_sets, sample_paths

from convtrack.attribution import Shapley, ShapleyExact, ShapleyRate

ALL = ("eight", "sample", "random")
SMALL = ("eight", "random")


@pytest.mark.parametrize("paths", ALL)
def test_mta_plays_the_subset_game(paths: str) -> None:
    for table in path_sets(paths):
        assert_same(mta(table, "shapley"), credit(table, Shapley()))


@pytest.mark.parametrize("paths", SMALL)
@pytest.mark.filterwarnings("ignore:Shapley normalization is unavailable")
def test_do_attribution_plays_the_game_of_exact_sets(paths: str) -> None:
    for table in path_sets(paths):
        assert_same(do_shapley(table), credit(table, ShapleyExact()))


@pytest.mark.parametrize("paths", ALL)
def test_mam_of_size_12_plays_the_game_of_conversion_rates(paths: str) -> None:
    for table in path_sets(paths):
        assert_same(mam_credit(mam(table).run_shapley(max_size=12)), credit(table, ShapleyRate()))


def test_mam_of_size_4_keeps_the_four_channels_of_a_path_that_are_last_in_the_alphabet() -> None:
    """Its default size. Channels early in the alphabet lose credit on paths with five channels or more."""
    table = sample_paths()
    theirs = mam_credit(mam(table).run_shapley())
    assert_same(theirs, credit(table.assign(path=table["path"].map(last_four)), ShapleyRate()))
    assert theirs["alpha"] < credit(table, ShapleyRate())["alpha"] - 50


def last_four(path: list[str]) -> list[str]:
    """The touches of the four channels of a path that are last in the alphabet."""
    kept = sorted(set(path))[-4:]
    return [channel for channel in path if channel in kept]


@pytest.mark.parametrize("paths", SMALL)
def test_mam_gives_value_by_the_game_of_conversion_rates_and_we_by_a_game_of_value(paths: str) -> None:
    """It divides the value of each set of channels as the rates divide its conversions; with us value a
    journey is the worth of a set. In conversions both are the same.
    """
    for table in path_sets(paths):
        theirs = mam_credit(mam(table, "value").run_shapley(max_size=12))
        assert_same(theirs, value_divided_by_rates(table))
        assert misplaced(theirs, credit(table, ShapleyRate(), "value")) > 0.02


def value_divided_by_rates(table: pd.DataFrame) -> pd.Series:
    """The value of each set of channels, in proportion to the Shapley values of its conversion rates."""
    totals = table.drop(columns="path").groupby(table["path"].map(frozenset)).sum()
    journeys = totals["total_conversions"] + totals["total_null"]
    rates = (totals["total_conversions"] / journeys).to_dict()
    credited = dict.fromkeys(sorted(frozenset().union(*totals.index)), 0.0)
    for players, value in totals["total_conversion_value"].items():
        values = shapley_values(players, rates)
        for channel in players if value else ():
            credited[channel] += value * values[channel] / sum(values.values())
    return by_channel(credited)


def shapley_values(players: frozenset[str], worth: dict[frozenset[str], float]) -> dict[str, float]:
    """Shapley values by Harsanyi's dividends: what a set is worth beyond its subsets, to all in it alike."""
    sizes = range(1, len(players) + 1)
    sets = [frozenset(some) for size in sizes for some in combinations(sorted(players), size)]
    dividends: dict[frozenset[str], float] = {}
    for chosen in sets:
        below = sum(part for some, part in dividends.items() if some < chosen)
        dividends[chosen] = worth.get(chosen, 0.0) - below
    return {channel: sum(part / len(chosen) for chosen, part in dividends.items() if channel in chosen)
            for channel in players}


def test_the_games_differ_on_the_same_paths() -> None:
    """So that a name alone says nothing: A gets 31, 38 or 13 of the 65 conversions."""
    table = eight_paths()
    figures = [credit(table, model)["A"] for model in (Shapley(), ShapleyRate(), ShapleyExact())]
    assert figures == pytest.approx([31.0, 38.04, 13.17], abs=0.005)
