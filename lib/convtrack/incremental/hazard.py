"""An incremental model: the chance that a visit converts, as a function of what the visitor met until then."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import comb
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.optimize import minimize

from ..errors import ConvtrackError
from ..pairs import Ints
from ..schema import INTERACTIONS
from .visits import Floats, VisitLog

HALF_LIVES = (1.5, 3.0, 6.0, 12.0, 24.0, 48.0)  # days that are tried
CAPS = (3.2, 1.6, 0.8, 0.4)  # log-hazard: the most that all exposures together can add, as tried after none
SEARCHED = 6  # visits without a conversion, per visit with one, on which half-lives and caps are tried
HIGHEST = 5.0  # log-hazard beyond which the search does not look
LEAST_TOUCHES = 30  # an interaction of a channel with fewer has no effect of its own


@dataclass(frozen=True, eq=False)
class HazardFit:
    """A fitted model of the visits, and the visits that would be missing without a channel.

    A visit i converts with chance p = 1 - exp(-exp(eta)), eta = base + covariates + G(S), where S adds up, over the
    visitor's touches k until then, effect * 2**(-age / half-life), and G(S) = cap * (1 - exp(-S / cap)), which is S where
    there is no cap, and where S is negative. This is a discrete-time proportional hazard (Prentice and Gloeckler 1978) on visits, in the spirit of
    Shender et al. 2023. Without a channel its own visits are gone, and the other visits lose what it added to S.

    Attributes
    ----------
    players : list of str
        The channels that can be taken away.
    half_lives : dict of str to float
        Days, by channel.
    cap, loglik : float
        As fitted.
    eta : (visits,) float array
        Log-hazard of each visit with no exposure at all.
    effects : dict of (str, int) to float
        What a touch adds to S when it happens, by channel and place of the interaction in `schema.INTERACTIONS`.
    terms, members : (visits, terms) float array, (terms, players) bool array
        What each term adds to S at each visit, and which players it needs.
    own : (visits,) int array
        The player through which the visit came, or -1.
    mean_value : float
        Value of a conversion.
    """

    players: list[str]
    half_lives: dict[str, float]
    cap: float
    loglik: float
    eta: Floats
    effects: dict[tuple[str, int], float]
    terms: Floats
    members: NDArray[np.bool_]
    own: Ints
    mean_value: float

    def conversions(self, on: NDArray[np.bool_]) -> float:
        """Expected conversions with these players on, given as (players,) bools."""
        total = self.terms @ (self.members <= on).all(axis=1)
        there = np.append(on, True)[self.own]
        return float((there * _chance(self.eta + _capped(total, self.cap))).sum())

    def switched_off(self) -> pd.DataFrame:
        """Conversions that would be missing if each channel alone were off: channel | conversions | value."""
        everything = np.ones(len(self.players), bool)
        without = [self.conversions(everything & (np.arange(len(everything)) != player)) for player in range(len(everything))]
        return self._table(self.conversions(everything) - np.array(without))

    def shapley(self) -> pd.DataFrame:
        """The Shapley value of each channel in the game of `conversions`, all subsets: channel | conversions | value."""
        count = len(self.players)
        sets = np.arange(1 << count)[:, None] >> np.arange(count) & 1 == 1
        worth, size = np.array([self.conversions(on) for on in sets]), sets.sum(axis=1)
        weight = np.array([1 / (count * comb(count - 1, others)) for others in range(count)])
        masks = [np.flatnonzero(~sets[:, player]) for player in range(count)]
        return self._table(np.array([((worth[rest | 1 << player] - worth[rest]) * weight[size[rest]]).sum()
                                     for player, rest in enumerate(masks)]))

    def backward(self, log: VisitLog) -> pd.DataFrame:
        """Credit by backward elimination, touch by touch from the last to the first: channel | conversions | value.

        At each visit a touch gets what the chance of a conversion loses when it is taken away after all later ones. A visit by
        a player's own click is gone with that click, which therefore gets all of it. The sum is what all players add together
        (Shender et al. 2023). Pairs that work together are left out.
        """
        code = {log.code(player): place for place, player in enumerate(self.players)}
        player = np.array([code.get(channel, -1) for channel in range(len(log.channels))])[log.channel]
        pairs, days = log.until(log.visits, player >= 0)
        effects = np.array([[self.effects.get((name, kind), 0.0) for kind in range(len(INTERACTIONS))] for name in self.players])
        lives = np.array([self.half_lives[name] for name in self.players])
        added = effects[player[pairs.earlier], log.kind[pairs.earlier]] * np.exp2(-days / lives[player[pairs.earlier]])
        total = _running_sum(added, pairs.later)
        with_it = _chance(self.eta[pairs.later] + _capped(total, self.cap))
        without = _chance(self.eta[pairs.later] + _capped(total - added, self.cap))
        own = self.own[pairs.later] >= 0
        gain = np.where(own, with_it * (pairs.earlier == log.visits[pairs.later]), with_it - without)
        return self._table(np.bincount(player[pairs.earlier], gain, minlength=len(self.players)))

    def _table(self, conversions: Floats) -> pd.DataFrame:
        return pd.DataFrame({"channel": self.players, "conversions": conversions, "value": conversions * self.mean_value})


def fit_hazard(log: VisitLog, players: Sequence[str], half_lives: Mapping[str, float] | None = None,
               cap: float | None = None, together: Sequence[tuple[str, str]] = ()) -> HazardFit:
    """The model with the largest likelihood.

    Parameters
    ----------
    log : VisitLog
        As `read_visits` makes it.
    players : names of channels
        Those that can be taken away; everything else is the baseline.
    half_lives : mapping of channel to days, optional
        Tried from `HALF_LIVES` for each channel in turn, if not given.
    cap : float, optional
        Tried from none and `CAPS`, if not given; infinite for none.
    together : pairs of channels
        Pairs whose exposures also work together (a product of both, each at most 1).

    Raises
    ------
    ConvtrackError
        If no player has a touch in the log.
    """
    names = list(players)
    design = _Design(log, names, together, np.arange(len(log.visits)))
    lives, ceiling = dict(half_lives or dict.fromkeys(names, HALF_LIVES[2])), np.inf if cap is None else cap
    if half_lives is None or cap is None:
        some = _Design(log, names, together, _some_visits(log))
        found = _maximum(some, lives, ceiling)
        if half_lives is None:
            found = _with_half_lives(some, found)
        if cap is None:
            found = _with_cap(some, found)
        lives, ceiling = found.half_lives, found.cap
    return design.fitted(_maximum(design, lives, ceiling))


def _some_visits(log: VisitLog) -> Ints:
    """Every visit with a conversion, and of the others every so manieth: enough to tell one half-life from another."""
    others = np.flatnonzero(~log.bought)
    step = max(len(others) // (SEARCHED * int(log.bought.sum())), 1)
    return np.union1d(np.flatnonzero(log.bought), others[::step])


class _Maximum(NamedTuple):
    """The largest likelihood for given half-lives and cap, and the coefficients there."""

    half_lives: dict[str, float]
    cap: float
    beta: Floats
    loglik: float


def _likelihood(fit: _Maximum) -> float:
    return fit.loglik


def _with_half_lives(design: _Design, best: _Maximum) -> _Maximum:
    """The best half-life for all channels alike, and from there for each channel in turn, a step at a time."""
    alike = [_maximum(design, dict.fromkeys(best.half_lives, days), best.cap, best.beta) for days in HALF_LIVES]
    best = max(alike, key=_likelihood)
    for player in design.players:
        for steps in (HALF_LIVES, HALF_LIVES[::-1]):
            for days in steps[steps.index(best.half_lives[player]) + 1:]:
                tried = _maximum(design, {**best.half_lives, player: days}, best.cap, best.beta)
                if tried.loglik <= best.loglik:
                    break
                best = tried
    return best


def _with_cap(design: _Design, best: _Maximum) -> _Maximum:
    """The best cap, tried from none downwards until it gets worse."""
    for cap in CAPS:
        tried = _maximum(design, best.half_lives, cap, best.beta)
        if tried.loglik <= best.loglik:
            break
        best = tried
    return best


def _maximum(design: _Design, half_lives: dict[str, float], cap: float, start: Floats | None = None) -> _Maximum:
    objective = _Objective(design, half_lives, cap)
    found = minimize(objective.value, design.start if start is None else start, method="trust-exact",
                     jac=objective.gradient, hess=objective.information, options={"gtol": 1e-6 * len(design.bought), "maxiter": 100})
    return _Maximum(half_lives, cap, found.x, -float(found.fun))


class _Design:
    """What the likelihood needs of a log: the constant columns, and the exposures at each visit for any half-lives."""

    def __init__(self, log: VisitLog, players: list[str], together: Sequence[tuple[str, str]], rows: Ints) -> None:
        self.log, self.players, self.together = log, players, together
        self.bought, self.visits = log.bought[rows], log.visits[rows]
        self.weight = np.where(self.bought, 1.0, (~log.bought).sum() / (~self.bought).sum())
        self.constant = np.column_stack([np.ones(len(rows)), log.covariates[log.visitor[self.visits]]])
        self.kinds = [(player, kind) for player in players for kind in range(len(INTERACTIONS))
                      if (self._touches(player, kind)).sum() >= LEAST_TOUCHES]
        if not self.kinds:
            raise ConvtrackError(f"None of {', '.join(players)} has {LEAST_TOUCHES} touches in the log. Name other channels.")
        self._pairs = {key: log.until(self.visits, self._touches(*key)) for key in self.kinds}
        self._cache: dict[tuple[str, int, float], Floats] = {}

    def _touches(self, player: str, kind: int) -> NDArray[np.bool_]:
        return (self.log.channel == self.log.code(player)) & (self.log.kind == kind)

    @property
    def start(self) -> Floats:
        """Coefficients of the model in which every visit has the same chance."""
        rate = self.weight[self.bought].sum() / self.weight.sum()
        zeros = np.zeros(self.constant.shape[1] - 1 + len(self.kinds) + len(self.together))
        return np.concatenate([[np.log(-np.log1p(-rate))], zeros])

    @property
    def members(self) -> NDArray[np.bool_]:
        """Which players each exposure needs; shape (terms, players)."""
        needed = [{player} for player, _ in self.kinds] + [set(pair) for pair in self.together]
        return np.array([[player in names for player in self.players] for names in needed])

    def exposures(self, half_lives: Mapping[str, float]) -> Floats:
        """What is left at each visit of the touches until then; shape (visits, terms)."""
        columns = [self._exposure(player, kind, half_lives[player]) for player, kind in self.kinds]
        total = {player: sum(column for column, (of, _) in zip(columns, self.kinds, strict=True) if of == player)
                 for player in {name for pair in self.together for name in pair}}
        products = [np.minimum(total[one], 1) * np.minimum(total[other], 1) for one, other in self.together]
        return np.column_stack([*columns, *products])

    def _exposure(self, player: str, kind: int, days: float) -> Floats:
        key = player, kind, days
        if key not in self._cache:
            pairs, age = self._pairs[player, kind]
            self._cache[key] = np.bincount(pairs.later, np.exp2(-age / days), minlength=len(self.visits))
        return self._cache[key]

    def fitted(self, best: _Maximum) -> HazardFit:
        """The model with those coefficients."""
        width, code = self.constant.shape[1], {self.log.code(player): place for place, player in enumerate(self.players)}
        own = np.array([code.get(channel, -1) for channel in range(len(self.log.channels))])
        return HazardFit(self.players, best.half_lives, best.cap, best.loglik, self.constant @ best.beta[:width],
                         dict(zip(self.kinds, best.beta[width:].tolist(), strict=False)), self.exposures(best.half_lives) * best.beta[width:], self.members,
                         own[self.log.channel[self.visits]], self.log.mean_value)


class _Objective:
    """Minus the log-likelihood, its gradient, and its expected second derivative (Fisher information)."""

    def __init__(self, design: _Design, half_lives: Mapping[str, float], cap: float) -> None:
        self.columns = np.hstack([design.constant, design.exposures(half_lives)])
        self.width, self.cap, self.bought = design.constant.shape[1], cap, design.bought
        self.weight, self.others = design.weight, design.weight * ~design.bought
        self._last: tuple[bytes, Floats, Floats] = (b"", *np.empty((2, 0)))

    def _at(self, beta: Floats) -> tuple[Floats, Floats]:
        """The hazard of each visit, and its derivative columns: the search asks for both at the same place again and again."""
        if self._last[0] != beta.tobytes():
            columns, added = self.columns, None
            if not np.isinf(self.cap):
                added = columns[:, self.width:] @ beta[self.width:]
                columns = columns.copy()
                columns[:, self.width:] *= np.exp(-np.maximum(added, 0) / self.cap)[:, None]
            total = self.columns @ beta if added is None else columns[:, :self.width] @ beta[:self.width] + _capped(added, self.cap)
            self._last = beta.tobytes(), np.exp(np.minimum(total, HIGHEST)), columns
        return self._last[1:]

    def value(self, beta: Floats) -> float:
        hazard, _ = self._at(beta)
        return float(self.others @ hazard - np.log(-np.expm1(-hazard[self.bought])).sum())

    def gradient(self, beta: Floats) -> Floats:
        hazard, columns = self._at(beta)
        sold = hazard[self.bought]
        return (self.others * hazard) @ columns - (sold / np.expm1(sold)) @ columns[self.bought]

    def information(self, beta: Floats) -> Floats:
        hazard, columns = self._at(beta)
        return columns.T @ (columns * (self.weight * hazard**2 / np.expm1(hazard))[:, None])


def _running_sum(added: Floats, group: Ints) -> Floats:
    """The sum of `added` until each place within its group; groups are in order."""
    total = np.cumsum(added)
    first = np.flatnonzero(np.diff(group, prepend=-1))
    before = np.concatenate([[0.0], total])[first]
    return total - np.repeat(before, np.diff(first, append=len(group)))


def _capped(added: Floats, cap: float) -> Floats:
    """What exposures that add up to `added` do to the log-hazard; a cap bends only what is above zero."""
    return added if np.isinf(cap) else np.minimum(added, 0) - cap * np.expm1(-np.maximum(added, 0) / cap)


def _chance(log_hazard: Floats) -> Floats:
    """The chance of a conversion at that log-hazard."""
    return -np.expm1(-np.exp(log_hazard))
