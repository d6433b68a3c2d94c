"""What happens in a world with some channels on and others off."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd

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
    there = presence(draws, on)
    probability = np.zeros(len(there.own))
    probability[draws.visits] = chances(draws, there)
    channel = np.where(there.other, draws.column["anyway"], draws.column["channel"])
    return Outcome(there.own | there.other, channel, probability, draws.column["chance"] < probability)


class Presence(NamedTuple):
    """Which touches come to be by their own channel, and which by another; (touches,) bools both, or (touches, worlds) 0 or 1."""

    own: np.ndarray
    other: np.ndarray

    def apart(self, worlds: int) -> Presence:
        """The worlds that were the bits of whole numbers, the lowest first, each in a column of its own."""
        octets = (part.astype("<u8").view(np.uint8).reshape(-1, 8) for part in self)
        return Presence(*(np.unpackbits(octet, axis=1, count=worlds, bitorder="little").astype(float) for octet in octets))


def presence(draws: Draws, on: Iterable[str] | np.ndarray | None = None) -> Presence:
    """Which touches come to be with those channels on; `on` as for `outcome`.

    An array may have whole numbers without sign in it. Each of their bits is then a world, so that 64 worlds take one call.
    """
    on = _switches(draws, on)
    touch, other = draws.column, draws.other_ways
    row = touch["visitor"] * on.shape[-1] if on.ndim == 2 else np.zeros(len(touch["visitor"]), int)
    own = on.ravel()[row + touch["channel"]]
    swapped = np.zeros_like(own)
    swapped[other] = ~own[other] & on.ravel()[row[other] + touch["anyway"][other]]
    possible = ~np.zeros_like(own)
    present = _followed(draws, possible, own | swapped)
    if len(draws.gates.later):
        _close_gates(draws, possible, present)
        present = _followed(draws, possible, own | swapped)
    return Presence(present & ~swapped, present & swapped)


def _switches(draws: Draws, on: Iterable[str] | np.ndarray | None) -> np.ndarray:
    """Who can get which channel, the holdout kept: (people, channels), or (channels,) where it is the same for all."""
    scenario = draws.scenario
    if not isinstance(on, np.ndarray):
        wanted = [scenario.code(name) for name in (scenario.channels if on is None else on)]
        on = np.isin(np.arange(len(scenario.channels)), wanted)
    if scenario.holdout:
        on = np.broadcast_to(on, (len(draws.people), len(scenario.channels))).copy()
        on[draws.people["held_out"].to_numpy(), scenario.code(scenario.holdout.channel)] = 0
    return on


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
    gates, gated = draws.gates, draws.gated
    opened, starts = np.zeros_like(present), np.flatnonzero(np.diff(gates.later, prepend=-1))
    opened[gates.later[starts]] = np.bitwise_or.reduceat(present[gates.earlier], starts)
    possible[gated] &= opened[gated]


def chances(draws: Draws, there: Presence) -> np.ndarray:
    """The chance of a purchase at each visit, 0 where the visit did not come to be; (visits,) or (visits, worlds)."""
    (own, other), cap = draws.effects, draws.scenario.purchase.cap
    total = own @ there.own
    for effect, one, another in draws.together:  # effect * min(1, exposure to one) * min(1, exposure to the other)
        total += effect * np.minimum(one @ there.own, 1) * np.minimum(another @ there.own, 1)
    if there.other.any():
        total += other @ there.other
    hazard = draws.base * np.exp(-cap * np.expm1(-total / cap)).T
    return -np.expm1(-hazard).T * (there.own[draws.visits] + there.other[draws.visits])


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
    visits, chance = draws.visits, chances(draws, presence(draws, on))
    visitor = draws.column["visitor"][visits]
    tracked, count = draws.people["tracked"].to_numpy(), len(draws.people)
    worth = np.bincount(visitor, chance * draws.column["worth"][visits], minlength=count)
    return np.bincount(visitor, chance, minlength=count) * tracked, worth * tracked
