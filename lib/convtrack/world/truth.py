"""What each channel is really worth: the world with it, minus the world without it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from convtrack.schema import INTERACTIONS
from convtrack.world.draws import Draws
from convtrack.world.outcome import chances, expected, presence
from convtrack.world.scenario import CLICK, DELIVERY, VIEW

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Game:
    """What happens with every subset of some channels on, all others being on throughout.

    Attributes
    ----------
    players : list of str
        The channels that are switched.
    conversions, value, cost : (2**players,) float arrays
        Expected purchases, their worth, and what the players' touches cost, for tracked people. Place m is the
        world in which player i is on where bit i of m is set.
    spend : (players,) float array
        What each player's touches cost with everything on.
    """

    players: list[str]
    conversions: Floats
    value: Floats
    cost: Floats
    spend: Floats

    def profit(self, margin: float) -> Floats:
        """Gross profit minus the players' cost in each of the worlds; shape (2**players,)."""
        return margin * self.value - self.cost

    @property
    def table(self) -> pd.DataFrame:
        """A world a row: on (the players that are on, in order), conversions, value, cost."""
        on = [[name for bit, name in enumerate(self.players) if mask >> bit & 1] for mask in range(len(self.value))]
        return pd.DataFrame({"on": on, "conversions": self.conversions, "value": self.value, "cost": self.cost}).round(6)

    def place(self, keep: NDArray[np.bool_]) -> int:
        """The place of the world in which these players are kept, given as (players,) bools."""
        return int((np.asarray(keep) << np.arange(len(self.players))).sum())


def game(draws: Draws, players: Sequence[str] | None = None) -> Game:
    """The worlds with every subset of the players on.

    Nobody's touches change another's, and a channel that a person could never meet changes nothing for that person. So each
    person goes through the subsets of those players that they could meet, which are few, and not through all.

    Parameters
    ----------
    draws : Draws
        The people and their potential touches.
    players : names of channels, optional
        The channels that cost money, if not given.

    Examples
    --------
    >>> from convtrack.world import draw, load_scenario
    >>> played = game(draw(load_scenario("larkspur"), seed=1, visitors=300), ["Email", "Display"])
    >>> len(played.value), bool(played.cost[0] == 0 < played.cost[3])
    (4, True)
    """
    players = draws.scenario.paid if players is None else list(players)
    met = _could_meet(draws, players)
    count = met.sum(axis=1)
    sums = sum(_played_by(draws.of(count == many), met[count == many], players) for many in np.unique(count))
    everything, price = presence(draws), _weights(draws, players)[2]
    paid = np.bincount(draws.column["channel"], price * (everything.present & ~everything.swapped), len(draws.scenario.channels))
    return Game(players, *sums.T, paid[[draws.scenario.code(name) for name in players]])


def _could_meet(draws: Draws, players: Sequence[str]) -> NDArray[np.bool_]:
    """Which players a person has a potential touch of, or one that could come by them; shape (people, players)."""
    met = np.zeros((len(draws.people), len(draws.scenario.channels) + 1), bool)  # the last column is "by no other way"
    met[draws.column["visitor"], draws.column["channel"]] = True
    met[draws.column["visitor"], draws.column["anyway"]] = True
    return met[:, [draws.scenario.code(name) for name in players]]


def _played_by(draws: Draws, met: NDArray[np.bool_], players: Sequence[str]) -> Floats:
    """Purchases, worth and cost in each world, of people who could all meet equally many players; shape (2**players, 3)."""
    codes, places = np.array([draws.scenario.code(name) for name in players], int), np.arange(1 << len(players))
    masks, group = np.unique(met @ (1 << np.arange(len(players))), return_inverse=True)
    own = codes[np.nonzero(met)[1]].reshape(len(met), -1)
    on, rows, weights = np.ones((len(met), len(draws.scenario.channels)), bool), np.arange(len(met))[:, None], _weights(draws, players)
    on[:, codes] = False
    sums = []
    for subset in range(1 << own.shape[1]):
        on[rows, own] = subset >> np.arange(own.shape[1]) & 1 == 1
        sums.append(_played(draws, on, weights, group))
    which = [np.unique(places & mask, return_inverse=True)[1] for mask in masks]  # of the subsets of a mask, each world's
    return sum(np.array(sums)[subset, :, at] for at, subset in enumerate(which))


def _played(draws: Draws, on: NDArray[np.bool_], weights: tuple[Floats, Floats, Floats], group: NDArray[np.int64]) -> list[Floats]:
    """Expected purchases and worth, and what the players' touches cost, by group of people."""
    there, (counts, worth, price) = presence(draws, on), weights
    chance, of_touch = chances(draws, there), group[draws.column["visitor"]]
    of_visit = of_touch[draws.visits]
    return [np.bincount(of_visit, chance * counts, group.max() + 1), np.bincount(of_visit, chance * worth, group.max() + 1),
            np.bincount(of_touch, price * (there.present & ~there.swapped), group.max() + 1)]


def _weights(draws: Draws, players: Sequence[str]) -> tuple[Floats, Floats, Floats]:
    """What a purchase at each visit counts and is worth, and what each potential touch costs on average."""
    price, touch = np.zeros((len(draws.scenario.channels), len(INTERACTIONS))), draws.column
    for name in players:
        if cost := draws.scenario.channels[name].cost:
            price[draws.scenario.code(name), [VIEW, CLICK, DELIVERY]] = cost.per_thousand / 1000, cost.per_click, cost.per_send
    tracked = draws.of_person("tracked", touch["visitor"]).astype(float)
    counts = tracked[draws.visits]
    return counts, counts * touch["worth"][draws.visits], tracked * price[touch["channel"], touch["kind"]]


def truth(draws: Draws) -> pd.DataFrame:
    """What each channel really adds, one row a channel.

    Parameters
    ----------
    draws : Draws
        The people and their potential touches.

    Returns
    -------
    DataFrame
        channel | incremental_conversions | incremental_value | shapley_conversions | shapley_value |
        shapley_error. Incremental: with all channels on, minus with this one off. Shapley: its mean marginal
        contribution over all orders of switching on, estimated from random orders; `shapley_error` is the
        standard error of `shapley_conversions`. Conversions are purchases of tracked people, in expectation;
        the sums of the Shapley columns are all expected purchases and all their worth.

    Examples
    --------
    >>> from convtrack.world import draw, load_scenario
    >>> table = truth(draw(load_scenario("larkspur"), seed=1, visitors=500))
    >>> bool((table["incremental_conversions"] > -1e-9).all()), len(table)
    (True, 12)
    """
    names, everything = list(draws.scenario.channels), np.sum(expected(draws), axis=1)
    without = [np.sum(expected(draws, [name for name in names if name != off]), axis=1) for off in names]
    lost, (shapley, error) = everything - np.array(without), _shapley(draws)
    return pd.DataFrame({
        "channel": names,
        "incremental_conversions": lost[:, 0], "incremental_value": lost[:, 1],
        "shapley_conversions": shapley[:, 0], "shapley_value": shapley[:, 1], "shapley_error": error,
    }).round(6)


def worlds(draws: Draws) -> pd.DataFrame:
    """Expected purchases with everything on, with no paid channel, and with nothing on.

    Returns
    -------
    DataFrame
        world | conversions | value, the same measure as in `truth`.
    """
    free = [name for name, channel in draws.scenario.channels.items() if channel.cost is None]
    cases = {"everything on": None, "paid channels off": free, "everything off": []}
    sums = [np.sum(expected(draws, on), axis=1).round(6) for on in cases.values()]
    return pd.DataFrame(sums, columns=["conversions", "value"]).assign(world=[*cases])[["world", "conversions", "value"]]


def _shapley(draws: Draws) -> tuple[np.ndarray, np.ndarray]:
    """(channels, 2) Shapley values of purchases and worth, and the standard error of the first.

    The world's value is a sum over people and nobody's touches change another's, so each person can have an
    order of their own: one pass over the channels averages over as many orders as there are people. Each
    order comes with its reverse (antithetic pairs, Mitchell et al. 2022, JMLR 23(43)).
    """
    rng, rounds = draws.rng("shapley"), draws.scenario.shapley_rounds
    shape = (len(draws.people), len(draws.scenario.channels))
    total, square = np.zeros((2, *shape)), np.zeros(shape)
    for _ in range(rounds):
        order = rng.permuted(np.broadcast_to(np.arange(shape[1]), shape), axis=1)
        pair = (_marginals(draws, order) + _marginals(draws, order[:, ::-1])) / 2
        total, square = total + pair, square + pair[0] ** 2
    spread = np.maximum(square - total[0] ** 2 / rounds, 0).sum(axis=0) / max(rounds - 1, 1)
    error = np.sqrt(spread / rounds) if rounds > 1 else np.full(shape[1], np.nan)
    return total.sum(axis=1).T / rounds, error


def _marginals(draws: Draws, order: np.ndarray) -> np.ndarray:
    """(2, people, channels) what each channel adds when it is switched on in each person's order."""
    people = np.arange(len(order))
    on, gains, before = np.zeros(order.shape, bool), np.zeros((2, *order.shape)), np.zeros((2, len(order)))
    for channel in order.T:
        on[people, channel] = True
        now = np.array(expected(draws, on))
        gains[:, people, channel], before = now - before, now
    return gains
