"""What is left at each visit of the touches until then, and how that changes with the half-lives."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..errors import ConvtrackError
from ..pairs import Ints
from ..schema import INTERACTIONS
from .visits import Floats, VisitLog

LEAST_TOUCHES = 30  # an interaction of a channel with fewer has no effect of its own
CORNER = 0.05  # how far from 1 the corner of "at most 1" is rounded: a search cannot end on a corner


class Slope(NamedTuple):
    """How a term changes at each visit with the logarithm of a player's half-life, or of two players' in turn."""

    term: int
    players: tuple[int, ...]
    change: Floats


class Terms(NamedTuple):
    """The exposures at each visit, (terms, visits), and their first and second derivatives."""

    exposures: Floats
    first: list[Slope]
    second: list[Slope]


class Curve(NamedTuple):
    """An exposure at each visit, and its first and second derivative in the logarithm of its own half-life."""

    value: Floats
    first: Floats
    second: Floats


class Exposures:
    """The terms of a log: one for each player and interaction with enough touches, and one for each pair that works together.

    A touch leaves 2**(-age / half-life). A pair leaves the product of what is left of all touches of either, each at most 1.

    Attributes
    ----------
    kinds : list of (str, int)
        The player and the place of the interaction in `schema.INTERACTIONS` of each term that is no pair.
    """

    def __init__(self, log: VisitLog, players: Sequence[str], together: Sequence[tuple[str, str]], visits: Ints) -> None:
        self.players, self.count = list(players), len(visits)
        self.together = [(self.players.index(one), self.players.index(other)) for one, other in together]
        self._ages = self._by_kind(log, visits)
        if not self._ages:
            raise ConvtrackError(f"None of {', '.join(players)} has {LEAST_TOUCHES} touches in the log. Name other channels.")
        self.kinds = [(self.players[player], kind) for player, kind in self._ages]

    def _by_kind(self, log: VisitLog, visits: Ints) -> dict[tuple[int, int], tuple[Ints, Floats]]:
        """For each player and interaction with enough touches: (number of a visit, days since one of them until then)."""
        owner, kinds = log.among(self.players), len(INTERACTIONS)
        key = np.where(owner < 0, -1, owner * kinds + log.kind)
        often = np.flatnonzero(np.bincount(key[key >= 0]) >= LEAST_TOUCHES)
        pairs, age = log.until(visits, np.isin(key, often))
        of = key[pairs.earlier]
        return {divmod(int(at), kinds): (pairs.later[of == at], age[of == at]) for at in often}

    @property
    def members(self) -> NDArray[np.bool_]:
        """Which players each term needs; shape (terms, players)."""
        needed = [{player} for player, _ in self._ages] + [set(pair) for pair in self.together]
        return np.array([[player in some for player in range(len(self.players))] for some in needed])

    def at(self, half_lives: Floats) -> Terms:
        """The terms for those half-lives, in days; shape (players,)."""
        curves = [self._curve(*key, half_lives[key[0]]) for key in self._ages]
        values = [curve.value for curve in curves]
        first = [Slope(term, (player,), curves[term].first) for term, (player, _) in enumerate(self._ages)]
        second = [Slope(term, (player, player), curves[term].second) for term, (player, _) in enumerate(self._ages)]
        for pair in self.together:
            left, right = (_at_most_one(self._whole(player, curves)) for player in pair)
            term = len(values)
            values.append(left.value * right.value)
            first += _product_slopes(term, pair, left, right)
            second += _product_curvatures(term, pair, left, right)
        return Terms(np.array(values), first, second)

    def _curve(self, player: int, kind: int, days: float) -> Curve:
        visit, age = self._ages[player, kind]
        lives = age * (np.log(2) / days)
        left = np.exp(-lives)
        falls = left * lives
        return Curve(*(np.bincount(visit, part, self.count) for part in (left, falls, falls * (lives - 1))))

    def _whole(self, player: int, curves: list[Curve]) -> Curve:
        """All touches of a player together."""
        own = [curve for curve, (owner, _) in zip(curves, self._ages, strict=True) if owner == player]
        return Curve(*np.sum(own, axis=0)) if own else Curve(*np.zeros((3, self.count)))


def _at_most_one(curve: Curve) -> Curve:
    """The curve cut off at 1, its corner rounded."""
    over = np.clip((curve.value - 1 + CORNER) / (2 * CORNER), 0, 1)  # 0 below the corner, 1 above it
    value = np.where(over < 1, curve.value - CORNER * over**2, 1.0)
    bend = np.where((over > 0) & (over < 1), -1 / (2 * CORNER), 0.0)
    return Curve(value, (1 - over) * curve.first, (1 - over) * curve.second + bend * curve.first**2)


def _product_slopes(term: int, pair: tuple[int, int], left: Curve, right: Curve) -> list[Slope]:
    one, other = pair
    return [Slope(term, (one,), left.first * right.value), Slope(term, (other,), left.value * right.first)]


def _product_curvatures(term: int, pair: tuple[int, int], left: Curve, right: Curve) -> list[Slope]:
    one, other = pair
    both = left.first * right.first
    return [Slope(term, (one, one), left.second * right.value), Slope(term, (other, other), left.value * right.second),
            Slope(term, (one, other), both), Slope(term, (other, one), both)]
