"""What happens in a world with some channels on and others off, and what each channel is therefore worth."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from convtrack.errors import ConvtrackError, nearest
from convtrack.world.draws import Draws


@dataclass(frozen=True, eq=False)
class Outcome:
    """What became of every potential touch.

    Attributes
    ----------
    present : (touches,) bool array
        Whether the touch came to be.
    channel : (touches,) int array
        The channel by which it came.
    probability : (touches,) float array
        The chance of a purchase at it; 0 where it is no visit or did not come to be.
    purchased : (touches,) bool array
        Whether it ended in a purchase.
    """

    present: np.ndarray
    channel: np.ndarray
    probability: np.ndarray
    purchased: np.ndarray


def outcome(draws: Draws, on: Iterable[str] | np.ndarray | None = None) -> Outcome:
    """The world in which only the channels in `on` are on.

    Parameters
    ----------
    draws : Draws
        The people and their potential touches.
    on : names of channels, or (people, channels) bool array, optional
        All channels if not given. An array sets the switches for each person apart.

    Returns
    -------
    Outcome
        The same every time: nothing is drawn here.

    Raises
    ------
    ConvtrackError
        If a name is not a channel of the scenario.

    Examples
    --------
    >>> from convtrack.world import draw, load_scenario
    >>> draws = draw(load_scenario("larkspur"), seed=1, visitors=500)
    >>> everything, nothing = outcome(draws), outcome(draws, on=[])
    >>> bool(everything.present.sum() > 1000), int(nothing.present.sum())
    (True, 0)
    """
    switches = _switches(draws, on)
    present, channel = _present(draws, switches)
    probability = _probability(draws, present, channel != draws.column["channel"])
    return Outcome(present, channel, probability, draws.column["chance"] < probability)


def _switches(draws: Draws, on: Iterable[str] | np.ndarray | None) -> np.ndarray:
    """(people, channels): who can get which channel, the holdout kept."""
    scenario = draws.scenario
    if not isinstance(on, np.ndarray):
        wanted = set(scenario.channels) if on is None else set(on)
        for name in sorted(wanted - scenario.channels.keys()):
            raise ConvtrackError(f"'{name}' is no channel of '{scenario.name}'.{nearest(name, scenario.channels)}")
        on = np.tile([name in wanted for name in scenario.channels], (len(draws.people), 1))
    if scenario.holdout:
        on = on.copy()
        on[:, scenario.code(scenario.holdout.channel)] &= ~draws.people["held_out"].to_numpy()
    return on


def _present(draws: Draws, on: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Which touches come to be, and by which channel."""
    touch = draws.column
    own = on[touch["visitor"], touch["channel"]]
    swapped = ~own & (touch["anyway"] >= 0) & on[touch["visitor"], touch["anyway"]]
    possible = np.ones(len(own), bool)
    present = _followed(draws, possible, own | swapped)
    _close_gates(draws, possible, present)
    return _followed(draws, possible, own | swapped), np.where(swapped, touch["anyway"], touch["channel"])


def _followed(draws: Draws, possible: np.ndarray, switched: np.ndarray) -> np.ndarray:
    """Which touches come to be; `possible` is narrowed in place to those that lack only a switch.

    A visit that would come anyway needs its own channel's view only to be possible: the ad is off, the wish
    is there. A visit that another channel's ad led to needs that ad to be seen.
    """
    present = possible & switched
    for rows, parent, same in draws.followers:
        possible[rows] &= np.where(same, possible[parent], present[parent])
        present[rows] = possible[rows] & switched[rows]
    return present


def _close_gates(draws: Draws, possible: np.ndarray, present: np.ndarray) -> None:
    """Narrow `possible`, in place, to first touches whose gate something present opens."""
    touch, gates = draws.column, draws.gates
    opened = np.zeros(len(present), bool)
    opened[gates.later[present[gates.earlier]]] = True
    possible &= opened | ~touch["gated"] | (touch["level"] > 0)


def _probability(draws: Draws, present: np.ndarray, swapped: np.ndarray) -> np.ndarray:
    """The chance of a purchase at each touch."""
    pairs, own, other = draws.effects
    effect = np.where(swapped[pairs.earlier], other, own) * present[pairs.earlier]
    total = np.bincount(pairs.later, effect, minlength=len(present))[draws.visits]
    cap, base = draws.scenario.purchase.cap, draws.of_person("base", draws.column["visitor"][draws.visits])
    hazard = base * np.exp(-cap * np.expm1(-total / cap))
    probability = np.zeros(len(present))
    probability[draws.visits] = -np.expm1(-hazard) * present[draws.visits]
    return probability


def expected(draws: Draws, on: Iterable[str] | np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Expected purchases and their expected worth, for each tracked person, with those channels on.

    Given the draws there is no chance left in it: it sums chances and not purchases (Rao-Blackwell).

    Parameters
    ----------
    draws : Draws
        The people and their potential touches.
    on : as for `outcome`

    Returns
    -------
    (people,) float array, (people,) float array
        Purchases, and money in the scenario's currency; 0 for people who are not tracked.
    """
    result, visits = outcome(draws, on), draws.visits
    visitor, chance = draws.column["visitor"][visits], result.probability[visits]
    tracked, count = draws.people["tracked"].to_numpy(), len(draws.people)
    worth = np.bincount(visitor, chance * draws.column["worth"][visits], minlength=count)
    return np.bincount(visitor, chance, minlength=count) * tracked, worth * tracked


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
