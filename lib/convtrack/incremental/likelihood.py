"""How likely a log is, by the numbers of the incremental model, with first and second derivatives in all of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np

from ..pairs import Ints
from .exposures import Exposures, Slope
from .newton import Local
from .visits import Floats, VisitLog

LIVES = (1.0, 90.0)  # half-lives that are searched, in days
BENDS = (0.0, 4.0)  # 1 / cap that is searched
APART = 0.5  # deviation of the logarithms of half-lives from their mean that is expected beforehand
SPREAD = 2.5  # deviation of coefficients that is expected beforehand (Gelman and others 2008 take it for the same purpose)
SHARPEST = 2.0  # deviation of 1 / cap from none that is expected beforehand
SMALLEST, LARGEST = 1e-300, 700.0  # hazards beyond which exponentials leave the range of numbers
BEYOND = 300.0  # the log-hazard at which it is cut off, so that a step that is too long stays finite
SERIES = 0.05  # exponents below which differences of exponentials are summed as a series


class Numbers(NamedTuple):
    """What is fitted: coefficients of base and covariates, effects of the terms, half-lives in days, and 1 / cap."""

    coefficients: Floats
    effects: Floats
    half_lives: Floats
    bend: float


class Likelihood:
    """The negative logarithm of likelihood and prior, at places: coefficients, effects, logarithms of half-lives, 1 / cap.

    Visits that stand for others that are left out count for as many as they stand for.
    """

    def __init__(self, log: VisitLog, exposures: Exposures, rows: Ints) -> None:
        self.exposures, self.bought = exposures, log.bought[rows]
        self.constant = np.vstack([np.ones(len(rows)), log.covariates[log.visitor[log.visits[rows]]].T])
        self.stands_for = (~log.bought).sum() / max((~self.bought).sum(), 1)
        terms = len(exposures.kinds) + len(exposures.together)
        widths = [len(self.constant), terms, len(exposures.players), 1]
        self.parts = [slice(end - width, end) for width, end in zip(widths, np.cumsum(widths).tolist(), strict=True)]

    def start(self, days: float, bend: float = 0.0) -> Floats:
        """A place where every visit has the same chance, and every channel the same half-life."""
        sold, others = self.bought.sum(), self.stands_for * (~self.bought).sum()
        place = np.zeros(self.parts[-1].stop)
        place[0] = np.log(-np.log1p(-sold / (sold + others)))
        place[self.parts[2]], place[-1] = np.log(days), bend
        return place

    def bounds(self, half_lives: Mapping[str, float] | None, cap: float | None) -> tuple[Floats, Floats]:
        """The lowest and the highest of each number; the same where it is given."""
        low, high = np.full((2, self.parts[-1].stop), [[-np.inf], [np.inf]])
        low[self.parts[2]], high[self.parts[2]] = np.log(LIVES)
        low[-1], high[-1] = BENDS
        if half_lives is not None:
            given = np.log([half_lives[player] for player in self.exposures.players])
            low[self.parts[2]] = high[self.parts[2]] = given
        if cap is not None:
            low[-1] = high[-1] = 1 / cap
        return low, high

    def numbers(self, place: Floats) -> Numbers:
        """The place in the units of the model."""
        coefficients, effects, lives, bend = (place[part] for part in self.parts)
        return Numbers(coefficients, effects, np.exp(lives), float(bend[0]))

    def log_likelihood(self, log_hazard: Floats) -> float:
        """Of all visits, at those log-hazards; the prior is left out."""
        return -self._negative_log_likelihood(log_hazard)

    def at(self, place: Floats) -> Local:
        """The value and its derivatives."""
        numbers = self.numbers(place)
        terms = self.exposures.at(numbers.half_lives)
        visits = self._visits(numbers, terms.exposures)
        pull, bend = visits.pull, visits.bend
        moves = np.vstack([terms.exposures, self._by_life(terms.first, numbers.effects)])  # of the total, with each number
        gradient = np.concatenate([self.constant @ pull, moves @ (pull * bend.slope), [pull @ bend.by_bend]])
        curvature = self._curvature(moves, visits)
        for row, column, amount in self._mixed(terms.first, terms.second, numbers.effects, pull * bend.slope):
            curvature[row, column] += amount
        prior = self._prior(place)
        return Local(visits.value + prior.value, gradient + prior.gradient, curvature + prior.curvature)

    def with_shape(self, shape: Floats) -> Callable[[Floats], Local]:
        """The value and its derivatives, with half-lives and cap held as they are at that place: there the derivatives are none."""
        exposures, free = self.exposures.at(self.numbers(shape).half_lives).exposures, slice(self.parts[1].stop)

        def at(place: Floats) -> Local:
            visits, prior = self._visits(self.numbers(place), exposures), self._prior(place)
            rows = np.vstack([self.constant, exposures * visits.bend.slope])
            weighted = rows * np.sqrt(visits.stiffness)
            gradient, curvature = np.zeros(len(place)), np.zeros((len(place), len(place)))
            gradient[free] = rows @ visits.pull + prior.gradient[free]
            curvature[free, free] = weighted @ weighted.T + prior.curvature[free, free]
            curvature[self.parts[1], self.parts[1]] += self._by_bending(exposures, visits)
            return Local(visits.value + prior.value, gradient, curvature)

        return at

    def _visits(self, numbers: Numbers, exposures: Floats) -> _Visits:
        """The visits at those numbers, whose half-lives are in the exposures."""
        total = numbers.effects @ exposures
        log_hazard = np.minimum(numbers.coefficients @ self.constant + bent(total, numbers.bend), BEYOND)
        hazard = np.exp(log_hazard)
        return _Visits(self._negative_log_likelihood(log_hazard), self._slopes(hazard), self._curvatures(hazard),
                       _bend_slopes(total, numbers.bend))

    def _by_life(self, slopes: list[Slope], effects: Floats) -> Floats:
        """How the total changes with the logarithm of each half-life; shape (players, visits)."""
        moves = np.zeros((len(self.exposures.players), len(self.bought)))
        for term, (player,), change in slopes:
            moves[player] += effects[term] * change
        return moves

    def _curvature(self, moves: Floats, visits: _Visits) -> Floats:
        """Second derivatives, but for those of the exposures themselves."""
        bend = visits.bend
        weighted = np.vstack([self.constant, moves * bend.slope, bend.by_bend]) * np.sqrt(visits.stiffness)
        curvature = weighted @ weighted.T
        of_total = slice(self.parts[1].start, self.parts[2].stop)
        curvature[of_total, of_total] += self._by_bending(moves, visits)
        across = moves @ (visits.pull * bend.slope_by_bend)
        curvature[of_total, -1] += across
        curvature[-1, of_total] += across
        curvature[-1, -1] += visits.pull @ bend.by_bend_twice
        return curvature

    def _by_bending(self, moves: Floats, visits: _Visits) -> Floats:
        """What the cap adds to the second derivatives in the numbers that move the total."""
        slopes = visits.bend.slope_by_total
        return (moves * (visits.pull * slopes)) @ moves.T if slopes.any() else np.zeros((len(moves), len(moves)))

    def _mixed(self, first: list[Slope], second: list[Slope], effects: Floats, pull: Floats) -> list[tuple[int, int, float]]:
        """(row, column, amount) of what the second derivatives of the exposures add to the curvature."""
        effect_at, life_at = self.parts[1].start, self.parts[2].start
        found = []
        for term, (player,), change in first:
            amount = float(pull @ change)
            row, column = effect_at + term, life_at + player
            found += [(row, column, amount), (column, row, amount)]
        for term, (one, other), change in second:
            found.append((life_at + one, life_at + other, float(effects[term] * (pull @ change))))
        return found

    def _prior(self, place: Floats) -> Local:
        """The negative logarithm of the prior."""
        drawn_to_zero = np.zeros(len(place))
        drawn_to_zero[1:self.parts[1].stop] = 1 / SPREAD**2
        drawn_to_zero[-1] = 1 / SHARPEST**2
        lives = self.parts[2]
        apart = np.zeros(len(place))
        apart[lives] = (place[lives] - place[lives].mean()) / APART**2
        curvature = np.diag(drawn_to_zero)
        players = lives.stop - lives.start
        curvature[lives, lives] = (np.eye(players) - 1 / players) / APART**2
        value = (drawn_to_zero @ place**2 + apart @ apart * APART**2) / 2
        return Local(float(value), drawn_to_zero * place + apart, curvature)

    def _negative_log_likelihood(self, log_hazard: Floats) -> float:
        """The negative log-likelihood; the logarithm of a small chance is that of its hazard."""
        sold, others = log_hazard[self.bought], np.exp(log_hazard[~self.bought])
        hazard = _in_range(np.exp(sold))
        log_chances = np.where(sold < 0, sold + np.log(-np.expm1(-hazard) / hazard), np.log(-np.expm1(-hazard)))
        return float(self.stands_for * others.sum() - log_chances.sum())

    def _slopes(self, hazard: Floats) -> Floats:
        """The derivative of the negative log-likelihood in the log-hazard of each visit."""
        pull = self.stands_for * hazard
        sold = _in_range(hazard[self.bought])
        pull[self.bought] = -sold / np.expm1(sold)
        return pull

    def _curvatures(self, hazard: Floats) -> Floats:
        """The second derivative of the negative log-likelihood in the log-hazard of each visit."""
        stiffness = self.stands_for * hazard
        sold = _in_range(hazard[self.bought])
        stiffness[self.bought] = sold / np.expm1(sold) * (sold / -np.expm1(-sold) - 1)
        return stiffness


def _in_range(hazard: Floats) -> Floats:
    """Hazards of which quotients of exponentials can be taken."""
    return np.clip(hazard, SMALLEST, LARGEST)


def bent(total: Floats, bend: float) -> Floats:
    """What exposures that add up to `total` do to the log-hazard: cap * (1 - exp(-total / cap)) where that is above zero."""
    return np.where(total > 0, -np.expm1(-bend * np.maximum(total, 0)) / bend, total) if bend > 0 else total


class _Visits(NamedTuple):
    """The negative log-likelihood, and its first and second derivative in the log-hazard of each visit, beside the bend there."""

    value: float
    pull: Floats
    stiffness: Floats
    bend: _Bend


class _Bend(NamedTuple):
    """The derivatives of `bent`: in the total and then in either, in the bend, and in the bend twice."""

    slope: Floats
    slope_by_total: Floats
    slope_by_bend: Floats
    by_bend: Floats
    by_bend_twice: Floats


def _bend_slopes(total: Floats, bend: float) -> _Bend:
    above = np.maximum(total, 0)
    slope = np.exp(-bend * above)
    once, twice = _exponential_differences(bend * above)
    return _Bend(slope, np.where(total > 0, -bend * slope, 0.0), -above * slope, above**2 * once, above**3 * twice)


def _exponential_differences(x: Floats) -> tuple[Floats, Floats]:
    """((1 + x) exp(-x) - 1) / x**2 and its derivative; by their series where x is small and the difference would cancel."""
    small = x < SERIES
    large = np.where(small, 1.0, x)
    once = ((1 + large) * np.exp(-large) - 1) / large**2
    twice = -np.exp(-large) / large - 2 * once / large
    near = x * small
    series = np.polyval([1 / 840, -1 / 144, 1 / 30, -1 / 8, 1 / 3, -1 / 2], near)
    slope = np.polyval([5 / 840, -4 / 144, 3 / 30, -2 / 8, 1 / 3], near)
    return np.where(small, series, once), np.where(small, slope, twice)
