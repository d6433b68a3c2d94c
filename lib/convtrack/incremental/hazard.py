"""An incremental model: the chance that a visit converts, as a function of what the visitor met until then."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.optimize import minimize

from ..coalitions import dividends, over_subsets, shapley_value, subsets
from ..errors import ConvtrackError
from ..pairs import Ints
from ..schema import INTERACTIONS
from .visits import Floats, VisitLog

LIVES, START = (np.log(1.0), np.log(90.0)), 8.0  # half-lives that are searched, in log days, and where that begins, in days
APART = 0.5  # deviation of the logarithms of half-lives from their mean that is expected beforehand
BENDS, LEAST_BEND = (0.0, 4.0), 1e-3  # 1 / cap that is searched, and what is too little to be a cap
SEARCHED = 4  # visits without a conversion, per visit with one, on which half-lives and caps are tried
GRADIENT = 1e-7  # of the log-likelihood, per visit, at which the fit of the coefficients ends
LOWEST, HIGHEST = -30.0, 6.0  # log-hazards beyond which the search does not look
LEAST_TOUCHES = 30  # an interaction of a channel with fewer has no effect of its own


@dataclass(frozen=True, eq=False)
class HazardFit:
    """A fitted model of the visits, and the visits that would be missing without a channel.

    A visit i converts with chance p = 1 - exp(-exp(eta)), eta = base + covariates + G(S), where S adds up, over the
    visitor's touches k until then, effect * 2**(-age / half-life), and G(S) = cap * (1 - exp(-S / cap)), which is S where
    there is no cap, and where S is negative. This is a discrete-time proportional hazard (Prentice and Gloeckler 1978) on
    visits, in the spirit of Shender et al. 2023. Without a channel its own visits are gone, and the others lose what it added.

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

    @cached_property
    def game(self) -> Floats:
        """Expected conversions with every set of players on, by place as in `coalitions`.

        At a visit only those players matter that its visitor has met, so visits are taken together that have met the same.
        """
        bits, beyond = np.arange(len(self.players)), np.zeros(1 << len(self.players))
        met = ((self.terms != 0) @ self.members) | (self.own[:, None] == bits)
        masks = met @ (1 << bits)
        for mask in np.unique(masks):
            rows, places = masks == mask, subsets(bits[mask >> bits & 1 == 1])
            part = replace(self, eta=self.eta[rows], terms=self.terms[rows], own=self.own[rows])
            beyond[places] += dividends(np.array([part.conversions(place >> bits & 1 == 1) for place in places]))
        return over_subsets(beyond)

    def switched_off(self) -> pd.DataFrame:
        """Conversions that would be missing if each channel alone were off: channel | conversions | value."""
        everybody = np.ones(len(self.players), bool)
        without = [self.conversions(row) for row in everybody ^ np.eye(len(self.players), dtype=bool)]
        return self._table(self.conversions(everybody) - np.array(without))

    def shapley(self) -> pd.DataFrame:
        """The Shapley value of each channel in the game of `conversions`: channel | conversions | value."""
        return self._table(shapley_value(self.game))

    def backward(self, log: VisitLog) -> pd.DataFrame:
        """Credit by backward elimination, touch by touch from the last to the first: channel | conversions | value.

        At each visit a touch gets what the chance of a conversion loses when it is taken away after all later ones. A visit by
        a player's own click is gone with that click, which therefore gets all of it. The sum is what all players add together
        (Shender et al. 2023). Pairs that work together are left out.
        """
        player = log.among(self.players)
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
        Fitted with everything else, if not given; one for each player.
    cap : float, optional
        Fitted with everything else, if not given; infinite for none.
    together : pairs of channels
        Pairs whose exposures also work together (a product of both, each at most 1).

    Raises
    ------
    ConvtrackError
        If no player has a touch in the log.
    """
    design = _Design(log, list(players), together, np.arange(len(log.visits)))
    if half_lives is not None and cap is not None:
        return design.fitted(dict(half_lives), cap, design.start)
    return design.fitted(*_Search(_Design(log, list(players), together, _some_visits(log)), half_lives, cap).best())


def _some_visits(log: VisitLog) -> Ints:
    """Every visit with a conversion, and of the others one in so many: enough to tell one half-life from another."""
    others = np.flatnonzero(~log.bought)
    step = max(len(others) // (SEARCHED * int(log.bought.sum())), 1)
    return np.union1d(np.flatnonzero(log.bought), others[::step])


class _Search:
    """The likeliest half-lives and cap, with the coefficients, all at once.

    What is searched is (coefficients, logarithms of half-lives, 1 / cap). Half-lives are drawn together: their logarithms have a
    normal prior of deviation `APART` around their mean, so that a channel with little data borrows the half-life of the others.
    """

    def __init__(self, design: _Design, half_lives: Mapping[str, float] | None, cap: float | None) -> None:
        self.design = design
        spread = design.exposures(dict.fromkeys(design.players, START)).std(axis=0) + 1e-9
        self.scale = np.concatenate([np.ones(design.constant.shape[1]), 1 / spread])
        given = [np.log(half_lives[player]) for player in design.players] if half_lives else []
        self.lives = [(days, days) for days in given] or [LIVES] * len(design.players)
        self.bend = BENDS if cap is None else (1 / cap, 1 / cap)

    def best(self) -> tuple[dict[str, float], float, Floats]:
        """Half-lives, cap and coefficients."""
        free = [(None, None)] * len(self.scale)
        begin = [*(np.mean(ends) for ends in self.lives), min(max(self.bend[0], 0.1), self.bend[1])]
        start = np.concatenate([self.design.start / self.scale, begin])
        found = minimize(self._value, start, jac=True, method="L-BFGS-B", bounds=[*free, *self.lives, self.bend],
                         options={"maxiter": 300, "ftol": 1e-8, "gtol": 1e-2})
        *lives, bend = found.x[len(self.scale):]
        named = dict(zip(self.design.players, np.exp(lives).tolist(), strict=True))
        return named, 1 / bend if bend > LEAST_BEND else np.inf, found.x[:len(self.scale)] * self.scale

    def _value(self, place: Floats) -> tuple[float, Floats]:
        """Minus the logarithm of likelihood and prior, and its gradient."""
        design, width = self.design, self.design.constant.shape[1]
        beta, lives, bend = place[:len(self.scale)] * self.scale, place[len(self.scale):-1], place[-1]
        exposures, slopes = design.with_slopes(dict(zip(design.players, np.exp(lives), strict=True)))
        added = exposures @ beta[width:]
        hazard = np.exp(np.clip(design.constant @ beta[:width] + _bent(added, bend), LOWEST, HIGHEST))
        pull = _pull(hazard, design)
        bent = pull * np.exp(-bend * np.maximum(added, 0))
        apart, (term, owner) = lives - lives.mean(), design.sloped
        gradient = [np.concatenate([pull @ design.constant, bent @ exposures]) * self.scale,
                    (bent @ slopes * beta[width:][term]) @ owner + apart / APART**2, [pull @ _bent_slope(added, bend)]]
        return _surprise(hazard, design) + apart @ apart / APART**2 / 2, np.concatenate(gradient)


class _Design:
    """What the likelihood needs of a log: the constant columns, and the exposures at each visit for any half-lives."""

    def __init__(self, log: VisitLog, players: list[str], together: Sequence[tuple[str, str]], rows: Ints) -> None:
        self.log, self.players, self.together = log, players, together
        self.bought, self.visits = log.bought[rows], log.visits[rows]
        self.weight = np.where(self.bought, 1.0, (~log.bought).sum() / (~self.bought).sum())
        self.others = self.weight * ~self.bought
        self.constant = np.column_stack([np.ones(len(rows)), log.covariates[log.visitor[self.visits]]])
        self._pairs = self._by_kind(len(INTERACTIONS))
        if not self._pairs:
            raise ConvtrackError(f"None of {', '.join(players)} has {LEAST_TOUCHES} touches in the log. Name other channels.")
        self.kinds = [*self._pairs]

    def _by_kind(self, count: int) -> dict[tuple[str, int], tuple[Ints, Floats]]:
        """For each player and interaction with enough touches: (number of a visit, days since one of them until then)."""
        owner = self.log.among(self.players)
        key = np.where(owner < 0, -1, owner * count + self.log.kind)
        often = np.flatnonzero(np.bincount(key[key >= 0]) >= LEAST_TOUCHES)
        pairs, age = self.log.until(self.visits, np.isin(key, often))
        of = key[pairs.earlier]
        return {(self.players[at // count], int(at % count)): (pairs.later[of == at], age[of == at]) for at in often}

    @cached_property
    def sloped(self) -> tuple[Ints, Floats]:
        """Of each derivative, the place of its term, and whose half-life it is for; (slopes,) ints and (slopes, players)."""
        own = [name for name, _ in self.kinds] + [name for pair in self.together for name in pair]
        terms = [*range(len(self.kinds)), *(len(self.kinds) + np.repeat(np.arange(len(self.together)), 2))]
        return np.array(terms), np.array([[name == player for player in self.players] for name in own], float)

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
        return self.with_slopes(half_lives)[0]

    def with_slopes(self, half_lives: Mapping[str, float]) -> tuple[Floats, Floats]:
        """The exposures, and their derivatives in the logarithms of half-lives, of which `sloped` says which is whose."""
        parts = [self._exposure(*key, half_lives[key[0]]) for key in self.kinds]
        columns, slopes = (list(part) for part in zip(*parts, strict=True))
        whole = {player: self._whole(player, parts) for pair in self.together for player in pair}
        for one, other in self.together:
            (left, fall), (right, rise) = whole[one], whole[other]
            columns.append(np.minimum(left, 1) * np.minimum(right, 1))
            slopes += [(left < 1) * fall * np.minimum(right, 1), (right < 1) * rise * np.minimum(left, 1)]
        return np.column_stack(columns), np.column_stack(slopes)

    def _whole(self, player: str, parts: list[tuple[Floats, Floats]]) -> Floats:
        """Exposure to all touches of a player, and its derivative; shape (2, visits)."""
        own = [part for part, key in zip(parts, self.kinds, strict=True) if key[0] == player]
        return np.sum(own, axis=0) if own else np.zeros((2, len(self.visits)))

    def _exposure(self, player: str, kind: int, days: float) -> tuple[Floats, Floats]:
        later, age = self._pairs[player, kind]
        left = np.exp2(-age / days)
        counts = len(self.visits)
        return np.bincount(later, left, counts), np.bincount(later, left * age * np.log(2) / days, counts)

    def fitted(self, half_lives: dict[str, float], cap: float, start: Floats) -> HazardFit:
        """The model with the likeliest coefficients for those half-lives and that cap, searched from `start` on."""
        exposures = self.exposures(half_lives)
        objective = _Objective(self, exposures, cap)
        found = minimize(objective.value, start, method="trust-exact", jac=objective.gradient, hess=objective.information,
                         options={"gtol": GRADIENT * len(self.bought), "maxiter": 100})
        width = self.constant.shape[1]
        effects = dict(zip(self.kinds, found.x[width:].tolist(), strict=False))
        own = self.log.among(self.players)[self.visits]
        return HazardFit(self.players, half_lives, cap, -float(found.fun), self.constant @ found.x[:width], effects,
                         exposures * found.x[width:], self.members, own, self.log.mean_value)


class _Objective:
    """Minus the log-likelihood, its gradient, and its expected second derivative (Fisher information)."""

    def __init__(self, design: _Design, exposures: Floats, cap: float) -> None:
        self.columns = np.hstack([design.constant, exposures])
        self.width, self.cap, self.design = design.constant.shape[1], cap, design
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
            self._last = beta.tobytes(), np.exp(np.clip(total, LOWEST, HIGHEST)), columns
        return self._last[1:]

    def value(self, beta: Floats) -> float:
        return _surprise(self._at(beta)[0], self.design)

    def gradient(self, beta: Floats) -> Floats:
        hazard, columns = self._at(beta)
        return _pull(hazard, self.design) @ columns

    def information(self, beta: Floats) -> Floats:
        hazard, columns = self._at(beta)
        return columns.T @ (columns * (self.design.weight * hazard**2 / np.expm1(hazard))[:, None])


def _running_sum(added: Floats, group: Ints) -> Floats:
    """The sum of `added` until each place within its group; groups are in order."""
    total = np.cumsum(added)
    first = np.flatnonzero(np.diff(group, prepend=-1))
    before = np.concatenate([[0.0], total])[first]
    return total - np.repeat(before, np.diff(first, append=len(group)))


def _surprise(hazard: Floats, design: _Design) -> float:
    """Minus the log-likelihood."""
    return float(design.others @ hazard - np.log(-np.expm1(-hazard[design.bought])).sum())


def _pull(hazard: Floats, design: _Design) -> Floats:
    """The derivative of `_surprise` in the log-hazard of each visit."""
    pull = design.others * hazard
    sold = hazard[design.bought]
    pull[design.bought] -= sold / np.expm1(sold)
    return pull


def _capped(added: Floats, cap: float) -> Floats:
    """What exposures that add up to `added` do to the log-hazard; a cap bends only what is above zero."""
    return added if np.isinf(cap) else np.minimum(added, 0) - cap * np.expm1(-np.maximum(added, 0) / cap)


def _bent(added: Floats, bend: float) -> Floats:
    """`_capped` with 1 / cap, which may be 0."""
    return added if bend < LEAST_BEND else _capped(added, 1 / bend)


def _bent_slope(added: Floats, bend: float) -> Floats:
    """The derivative of `_bent` in the bend."""
    above = np.maximum(added, 0)
    if bend < LEAST_BEND:
        return -(above**2) / 2
    return (above * np.exp(-bend * above) + np.expm1(-bend * above) / bend) / bend


def _chance(log_hazard: Floats) -> Floats:
    """The chance of a conversion at that log-hazard."""
    return -np.expm1(-np.exp(log_hazard))
