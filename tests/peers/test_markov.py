"""Markov credit: whose figures are ours, whose are others, and which rule makes them so."""

from __future__ import annotations

from collections import Counter
from functools import cache
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from peers.figures import assert_same, credit, distances, misplaced, standard_errors
from peers.packages import (
    by_channel,
    channelattribution_markov,
    do_markov,
    joined,
    mam,
    mam_credit,
    mam_removal_effects,
    mta,
)
from peers.path_sets import eight_paths, path_sets

from convtrack.attribution import Markov, as_paths, fit_chain

ALL = ("eight", "sample", "random")
SMALL = ("eight", "random")
ORDERS = (1, 2, 3)
RUNS, JOURNEYS = 16, 100_000


def removal_effects(table: pd.DataFrame, **settings: str | int) -> pd.Series:
    """Our removal effects."""
    return by_channel(Markov(**settings).removal_effects(as_paths(table)))


# ChannelAttribution: the same chain, simulated


@cache
def simulations(paths: str, order: int) -> list[tuple[pd.DataFrame, list[pd.DataFrame]]]:
    """Tables of paths, each with what independent simulations on it credit, one a seed."""
    return [(table, [channelattribution_markov(table, order, seed, JOURNEYS) for seed in range(RUNS)])
            for table in path_sets(paths)[:3]]


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("paths", ALL)
@pytest.mark.parametrize("what", ["conversions", "value"])
def test_channelattribution_agrees_within_its_noise(what: str, paths: str, order: int) -> None:
    """16 independent simulations give each figure a standard error, which is under 0.1 % of the total; ours
    lies within 5 of them. By chance that fails for one figure in 6,000 (Student's t with 15 degrees of
    freedom), and there are some 180.
    """
    for table, runs in simulations(paths, order):
        expected = credit(table, Markov(order=order), what)
        assert distances(runs, expected, what).abs().max() < 5
        assert standard_errors(runs, what).max() < 1e-3 * expected.sum()


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("paths", ALL)
def test_its_value_has_removal_effects_of_its_own_as_ours_has(paths: str, order: int) -> None:
    """The other reading, value shared out as conversions are, is far outside the noise."""
    for table, runs in simulations(paths, order):
        conversions = credit(table, Markov(order=order))
        other = conversions / conversions.sum() * table["total_conversion_value"].sum()
        assert distances(runs, other, "value").abs().max() > 20


def test_by_default_it_loses_the_journeys_that_outgrow_the_longest_path() -> None:
    """The longest of the eight paths has four touches. It lets a journey have one more, repeats in a row not
    counted, and takes one that goes on for one that did not convert. A million journeys show the difference.
    """
    table = eight_paths()
    runs = [channelattribution_markov(table, 1, seed, 10 * JOURNEYS, longest=None) for seed in range(RUNS)]
    assert distances(runs, credit_of_short_journeys(table, longest=5)).abs().max() < 5
    assert distances(runs, credit(table, Markov())).abs().max() > 5


def credit_of_short_journeys(table: pd.DataFrame, longest: int) -> pd.Series:
    """Markov credit of order 1 where a journey with more touches than `longest` counts as not converted."""
    matrix = fit_chain(as_paths(table).without_loops()).transition_matrix()
    channels = list(matrix.index[1:])
    base = converting(matrix, channels, longest)
    lost = {gone: base - converting(matrix, [c for c in channels if c != gone], longest) for gone in channels}
    return by_channel(lost) / sum(lost.values()) * table["total_conversions"].sum()


def converting(matrix: pd.DataFrame, channels: list[str], longest: int) -> float:
    """The probability of a conversion after at most so many touches, all of these channels."""
    inner, won = matrix.loc[channels, channels].to_numpy(), matrix.loc[channels, "(conversion)"].to_numpy()
    there, total = matrix.loc["(start)", channels].to_numpy(), 0.0
    for _ in range(longest):
        total, there = total + there @ won, there @ inner
    return total


# do-attribution: the same chain, solved


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("paths", ALL)
def test_do_attribution_redirect_to_null_is_our_default(paths: str, order: int) -> None:
    for table in path_sets(paths):
        assert_same(do_markov(table, order, "redirect_to_null"), removal_effects(table, order=order))


@pytest.mark.parametrize("paths", ALL)
def test_its_other_removals_are_ours_at_order_1(paths: str) -> None:
    """What it reports as the effect of a detour is the rise, and ours is the loss."""
    for table in path_sets(paths):
        assert_same(do_markov(table, 1, "fail"), removal_effects(table, removal="fail"))
        assert_same(do_markov(table, 1, "fail_refit"), removal_effects(table, removal="refit"))
        assert_same(-do_markov(table, 1, "detour"), removal_effects(table, removal="detour"))


@pytest.mark.parametrize("order", [2, 3])
@pytest.mark.parametrize("paths", SMALL)
def test_fail_and_detour_are_ours_at_every_order_as_they_are_rates_of_paths(paths: str, order: int) -> None:
    for table in path_sets(paths):
        assert_same(do_markov(table, order, "fail"), removal_effects(table, order=order, removal="fail"))
        assert_same(-do_markov(table, order, "detour"), removal_effects(table, order=order, removal="detour"))


@pytest.mark.parametrize("order", [2, 3])
@pytest.mark.parametrize("paths", SMALL)
def test_fail_refit_differs_at_higher_orders_as_it_strips_states_not_touches(paths: str, order: int) -> None:
    """A state of order 2 is two touches, and goes if one of them is the channel. So A > B has no state left
    when A is removed and is dropped, where at order 1, and with us at every order, it goes on as B.
    """
    for table in path_sets(paths):
        theirs = do_markov(table, order, "fail_refit")
        assert (theirs - removal_effects(table, order=order, removal="refit")).abs().max() > 0.01
        assert_same(theirs, effects_of_stripped_states(table, order))


def effects_of_stripped_states(table: pd.DataFrame, order: int) -> pd.Series:
    """The share by which the rate falls if paths with the channel fail, and those with no state left go."""
    won, every = table["total_conversions"], table["total_conversions"] + table["total_null"]
    effects = {}
    for channel in set().union(*table["path"]):
        held = table["path"].map(lambda path, c=channel: c in path)
        emptied = table["path"].map(lambda path, c=channel: all(c in state for state in states(path, order)))
        effects[channel] = 1 - won[~held].sum() / every[~emptied].sum() / (won.sum() / every.sum())
    return by_channel(effects)


def states(path: list[str], order: int) -> list[list[str]]:
    """The windows of so many touches that fit on a path; the whole path, where none fits."""
    return [path[place:place + order] for place in range(max(len(path) - order, 0) + 1)]


# MAM: our removal effects, and another way from there to credit


@pytest.mark.parametrize("paths", ALL)
def test_mam_has_our_removal_effects(paths: str) -> None:
    for table in path_sets(paths):
        assert_same(mam_removal_effects(mam(table).run_markov()), removal_effects(table))


@pytest.mark.parametrize("what", ["conversions", "value"])
@pytest.mark.parametrize("paths", ALL)
def test_mam_splits_each_path_by_them_and_we_share_out_the_total(paths: str, what: str) -> None:
    for table in path_sets(paths):
        theirs = mam_credit(mam(table, what).run_markov())
        assert_same(theirs, split_path_by_path(table, removal_effects(table), what))
        assert misplaced(theirs, credit(table, Markov(), what)) > 0.02


def split_path_by_path(table: pd.DataFrame, weights: pd.Series, what: str) -> pd.Series:
    """Each path's outcome divided over its touches in proportion to the weights of their channels."""
    outcome = table["total_conversions" if what == "conversions" else "total_conversion_value"]
    touches = table["path"].reset_index(drop=True).explode()
    weight = touches.map(weights)
    shares = weight / weight.groupby(level=0).sum().reindex(touches.index)
    amounts = shares * outcome.reset_index(drop=True).reindex(touches.index)
    return by_channel(amounts.groupby(touches.to_numpy()).sum())


# mta: no chain


@pytest.mark.parametrize("loops", [True, False])
@pytest.mark.parametrize("paths", ALL)
def test_mta_adds_up_observed_paths_and_does_not_solve_the_chain(paths: str, loops: bool) -> None:
    """It multiplies the chain's probabilities along each different path that was seen to convert, and counts
    the paths without a channel as what is left without it. Journeys that the chain allows and nobody made
    are left out.
    """
    for table in path_sets(paths):
        theirs = mta(table, "markov", loops=loops)
        assert_same(theirs, effects_on_observed_paths(table if loops else without_loops(table)))
        assert misplaced(theirs, credit(table, Markov())) > 0.01


def without_loops(table: pd.DataFrame) -> pd.DataFrame:
    """The table with repeats in a row dropped, and paths that are then the same added up."""
    short = [[channel for channel, before in zip(path, [None, *path], strict=False) if channel != before]
             for path in table["path"]]
    added = joined(table.assign(path=short)).groupby("path", as_index=False).sum()
    return added.assign(path=added["path"].str.split(" > "))


def effects_on_observed_paths(table: pd.DataFrame) -> pd.Series:
    """For each channel, its paths' share of the probabilities that the chain gives the converting paths."""
    taken = Counter()
    for path, won, lost in zip(table["path"], table["total_conversions"], table["total_null"], strict=True):
        for step in pairwise(["start", *path]):
            taken[step] += won + lost
        taken[path[-1], "conversion"] += won
        taken[path[-1], "null"] += lost
    leaving = Counter()
    for (origin, _), count in taken.items():
        leaving[origin] += count
    paths = table.loc[table["total_conversions"] > 0, "path"]
    chance = paths.map(lambda path: np.prod([taken[step] / leaving[step[0]]
                                             for step in pairwise(["start", *path, "conversion"])]))
    return by_channel({channel: chance[paths.map(lambda path, c=channel: c in path)].sum() / chance.sum()
                       for channel in set().union(*table["path"])})
