"""What each channel is really worth: the world with it, minus the world without it; every set of channels is played."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csr_array

from convtrack.coalitions import dividends, lost, over_subsets, shapley_value, subsets
from convtrack.schema import INTERACTIONS
from convtrack.world.draws import Draws
from convtrack.world.outcome import Presence, chances, presence
from convtrack.world.scenario import CLICK, DELIVERY, VIEW

Floats = NDArray[np.float64]
BITS, CELLS = 64, 2**22  # of a whole number, a world each; and touches times worlds: how much is played in one go


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

    def among(self, players: Sequence[str]) -> Game:
        """The game of these players only, all others being on; the cost stays that of all."""
        own = np.array([self.players.index(name) for name in players], int)
        places = self.place(~np.isin(self.players, players)) + subsets(own)
        return Game(list(players), self.conversions[places], self.value[places], self.cost[places], self.spend[own])


def game(draws: Draws, players: Sequence[str] | None = None) -> Game:
    """The worlds with every subset of the players on.

    Nobody's touches change another's, and a channel that a person could never meet changes nothing for that person. So each
    person goes through the subsets of those players that they could meet, which are few, and not through all. What a set is
    worth beyond its subsets (its dividend) is the sum of what it is so for each person who could meet all of it.

    Parameters
    ----------
    draws : Draws
        The people and their potential touches.
    players : names of channels, optional
        All channels, if not given.

    Raises
    ------
    ConvtrackError
        If a name is not a channel of the scenario.

    Examples
    --------
    >>> from convtrack.world import draw, load_scenario
    >>> played = game(draw(load_scenario("larkspur"), seed=1, visitors=300), ["Email", "Display"])
    >>> len(played.value), bool(played.cost[0] == 0 < played.cost[3])
    (4, True)
    """
    players = list(draws.scenario.channels if players is None else players)
    met = _could_meet(draws, players)
    count = met.sum(axis=1)
    sums = over_subsets(sum(_dividends(draws.of(count == many), met[count == many], players) for many in np.unique(count)))
    paid = _price(draws, players) * presence(draws).own
    spend = np.bincount(draws.column["channel"], paid, len(draws.scenario.channels))
    return Game(players, *sums.T, spend[[draws.scenario.code(name) for name in players]])


def _could_meet(draws: Draws, players: Sequence[str]) -> NDArray[np.bool_]:
    """Which players a person has a potential touch of, or one that could come by them; shape (people, players)."""
    met = np.zeros((len(draws.people), len(draws.scenario.channels) + 1), bool)  # the last column is "by no other way"
    met[draws.column["visitor"], draws.column["channel"]] = True
    met[draws.column["visitor"], draws.column["anyway"]] = True
    return met[:, [draws.scenario.code(name) for name in players]]


def _dividends(draws: Draws, met: NDArray[np.bool_], players: Sequence[str]) -> Floats:
    """Dividends of purchases, worth and cost, of people who could all meet equally many players; shape (2**players, 3)."""
    bits = np.arange(len(players))
    masks, group = np.unique(met @ (1 << bits), return_inverse=True)
    own = np.nonzero(masks[:, None] >> bits & 1)[1].reshape(len(masks), -1)
    found = np.zeros((1 << len(players), 3))
    np.add.at(found, subsets(own), dividends(_own_worlds(draws, met, players, group)))
    return found


def _own_worlds(draws: Draws, met: NDArray[np.bool_], players: Sequence[str], group: NDArray[np.int64]) -> Floats:
    """Purchases, worth and cost with each subset of the players that a person could meet, by group; shape (subsets, groups, 3)."""
    codes, sums = np.array([draws.scenario.code(name) for name in players], int), _sums(draws, players, group)
    own, rows = codes[np.nonzero(met)[1]].reshape(len(met), -1), np.arange(len(met))[:, None]
    on, found = np.full((len(met), len(draws.scenario.channels)), ~np.uint64(0)), []
    on[:, codes] = 0
    worlds, step = np.arange(1 << own.shape[1], dtype=np.uint64), int(np.clip(CELLS // max(len(draws.touches), 1), 1, BITS))
    for sets in np.split(worlds, range(step, len(worlds), step)):
        on[rows, own] = _as_bits(sets, own.shape[1])
        found.append(_played(draws, presence(draws, on).apart(len(sets)), sums))
    return np.concatenate(found)


def _as_bits(sets: NDArray[np.uint64], own: int) -> NDArray[np.uint64]:
    """For each of a person's own players, the number whose bit i says whether it is on in the i-th of the sets."""
    on = sets[:, None] >> np.arange(own, dtype=np.uint64) & np.uint64(1)
    return np.bitwise_or.reduce(on << np.arange(len(sets), dtype=np.uint64)[:, None], axis=0)


def _played(draws: Draws, there: Presence, sums: tuple[csr_array, csr_array, csr_array]) -> Floats:
    """Expected purchases and worth, and what the players' touches cost, by group of people; shape (worlds, groups, 3)."""
    (counts, worth, price), chance = sums, chances(draws, there)
    return np.stack([counts @ chance, worth @ chance, price @ there.own], axis=-1).swapaxes(0, 1)


def _sums(draws: Draws, players: Sequence[str], group: NDArray[np.int64]) -> tuple[csr_array, csr_array, csr_array]:
    """What adds up, by group of people, the purchases of visits, their worth, and the cost of touches."""
    of_touch, tracked = group[draws.column["visitor"]], draws.of_person("tracked", draws.column["visitor"])
    of_visit, counts = of_touch[draws.visits], tracked[draws.visits].astype(float)
    amounts = (of_visit, counts), (of_visit, counts * draws.column["worth"][draws.visits]), (of_touch, _price(draws, players))
    return tuple(_added_up(group.max() + 1, *amount) for amount in amounts)


def _added_up(groups: int, group: NDArray[np.int64], amount: Floats) -> csr_array:
    """(groups, places): times 0 or 1 by place, the sum of the amounts by group."""
    some = np.flatnonzero(amount)
    return csr_array((amount[some], (group[some], some)), shape=(groups, len(amount)))


def _price(draws: Draws, players: Sequence[str]) -> Floats:
    """What each potential touch of the players costs on average; nothing where the person is not tracked."""
    price, touch = np.zeros((len(draws.scenario.channels), len(INTERACTIONS))), draws.column
    for name in players:
        if cost := draws.scenario.channels[name].cost:
            price[draws.scenario.code(name), [VIEW, CLICK, DELIVERY]] = cost.per_thousand / 1000, cost.per_click, cost.per_send
    return price[touch["channel"], touch["kind"]] * draws.of_person("tracked", touch["visitor"])


def truth(played: Game) -> pd.DataFrame:
    """What each channel really adds, one row a channel.

    Parameters
    ----------
    played : Game
        Of all channels.

    Returns
    -------
    DataFrame
        channel | incremental_conversions | incremental_value | shapley_conversions | shapley_value. Incremental: with all
        channels on, minus with this one off. Shapley: its mean marginal contribution over all orders of switching on.
        Conversions are purchases of tracked people, in expectation; the sums of the Shapley columns are all expected
        purchases and all their worth.

    Examples
    --------
    >>> from convtrack.world import draw, load_scenario
    >>> table = truth(game(draw(load_scenario("larkspur"), seed=1, visitors=500)))
    >>> bool((table["incremental_conversions"] > -1e-9).all()), len(table)
    (True, 12)
    """
    return pd.DataFrame({
        "channel": played.players,
        "incremental_conversions": lost(played.conversions), "incremental_value": lost(played.value),
        "shapley_conversions": shapley_value(played.conversions), "shapley_value": shapley_value(played.value),
    }).round(6)


def worlds(played: Game, paid: Sequence[str]) -> pd.DataFrame:
    """Expected purchases with everything on, with no paid channel, and with nothing on.

    Parameters
    ----------
    played : Game
        Of all channels.
    paid : names of channels
        Those that cost money.

    Returns
    -------
    DataFrame
        world | conversions | value, the same measure as in `truth`.
    """
    cases = {"everything on": [], "paid channels off": paid, "everything off": played.players}
    places = [played.place(~np.isin(played.players, off)) for off in cases.values()]
    return pd.DataFrame({"world": [*cases], "conversions": played.conversions[places], "value": played.value[places]}).round(6)
