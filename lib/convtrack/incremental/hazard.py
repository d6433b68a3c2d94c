"""An incremental model: the chance that a visit converts, as a function of what the visitor met until then."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import product

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..coalitions import dividends, over_subsets, shapley_value, subsets
from ..errors import ConvtrackError, nearest
from ..gaps import Gap
from ..pairs import Ints
from ..schema import INTERACTIONS
from .exposures import Exposures
from .likelihood import Likelihood, Numbers, bent
from .newton import find_minimum
from .visits import Floats, VisitLog

STARTS = tuple(product((1.5, 4.0, 11.0, 30.0, 80.0), (0.0, 0.7, 1.5, 2.5, 4.0)))  # half-lives in days, 1 / caps: where a search begins
FREED = 8  # places, the likeliest with half-lives and cap held, from which everything is searched on a long log
NEAR = 1e-4  # standard errors from a top at which another search takes over
LEAST_CAP = 0.01  # of log-hazard: below, no touch could do anything
SEARCHED, FEW = 4, 20_000  # visits without a conversion, per visit with one and at least, on which it looks for where to begin

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
        The cap, infinite where there is none, and the logarithm of the likelihood.
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
        return float((there * _chance(self.eta + bent(total, 1 / self.cap))).sum())

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
        with_it = _chance(self.eta[pairs.later] + bent(total, 1 / self.cap))
        without = _chance(self.eta[pairs.later] + bent(total - added, 1 / self.cap))
        own = self.own[pairs.later] >= 0
        gain = np.where(own, with_it * (pairs.earlier == log.visits[pairs.later]), with_it - without)
        return self._table(np.bincount(player[pairs.earlier], gain, minlength=len(self.players)))

    def _table(self, conversions: Floats) -> pd.DataFrame:
        return pd.DataFrame({"channel": self.players, "conversions": conversions, "value": conversions * self.mean_value})


def fit_hazard(log: VisitLog, players: Sequence[str], half_lives: Mapping[str, float] | None = None,
               cap: float | None = None, together: Sequence[tuple[str, str]] = ()) -> HazardFit | Gap:
    """The likeliest model: its coefficients, half-lives and cap, all at once.

    Three things are expected beforehand, so that every log has a likeliest model. Half-lives are drawn together: their logarithms
    have a normal prior of deviation 0.5 around their mean, so that a channel with little data borrows the half-life of the
    others. They lie between a day and 90. Coefficients have a normal prior of deviation 2.5 around 0, and 1 / cap one of deviation
    2, which data soon outweigh: a channel after whose touches nobody bought has an effect of a few units below 0, and not of
    minus infinity.

    A likelihood with half-lives and a cap can have several tops. At each of 25 pairs of them the coefficients are fitted by
    themselves, and from there the search goes on with everything free. On a long log, whose likelihood seldom has several, it does
    so on a part of the visits, from the eight likeliest of the 25, and from where it then is to the end on all visits. The highest
    end counts. It has arrived when the top is less than a billionth of a standard error away (`newton`).

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

    Returns
    -------
    HazardFit or Gap
        A gap if every visit ends with a conversion, or the search did not arrive.

    Raises
    ------
    ConvtrackError
        If no player has a touch in the log, or the players, half-lives, cap or pairs cannot be what they are said to be.
    """
    _check_asked(players, half_lives, cap, together)
    if log.bought.all():
        return Gap("Every visit ends with a conversion, so the log cannot show what makes one more likely.",
                   "Count the visits without a conversion among the `touches` of study.yaml too.")
    every = np.arange(len(log.visits))
    whole, part = (Likelihood(log, Exposures(log, players, together, log.visits[rows]), rows) for rows in (every, _some(log)))
    low, high = whole.bounds(half_lives, cap)
    starts = _distinct([np.clip(part.start(*start), low, high) for start in STARTS])
    held = sorted((find_minimum(part.with_shape(start), [start], low, high, NEAR) for start in starts), key=lambda end: end.value)
    count = len(held) if len(part.bought) == len(every) else FREED
    freed = [find_minimum(part.at, [end.place], low, high, NEAR).place for end in held[:count]]
    found = find_minimum(whole.at, _distinct(freed), low, high)
    if not found.arrived:
        return Gap(f"The incremental model's search ended {found.distance:.1g} standard errors before the top of the likelihood.",
                   "Name fewer channels, or take a longer log.")
    return _fit(log, whole, whole.numbers(found.place))


def _check_asked(players: Sequence[str], half_lives: Mapping[str, float] | None, cap: float | None,
                 together: Sequence[tuple[str, str]]) -> None:
    """Nothing, if a model can be made of what was asked for."""
    for player in (player for place, player in enumerate(players) if player in players[:place]):
        raise ConvtrackError(f"players names '{player}' twice. Name each once.")
    for player in (player for pair in together for player in pair if player not in players):
        raise ConvtrackError(f"together names '{player}', which is no player.{nearest(player, players)} Write one of: {', '.join(players)}")
    for one, other in together:
        if one == other:
            raise ConvtrackError(f"together pairs '{one}' with itself. Name two channels.")
    if cap is not None and not cap >= LEAST_CAP:
        raise ConvtrackError(f"cap={cap} is no cap. Write a number of {LEAST_CAP} or more, or cap=float('inf') for none.")
    for player in players if half_lives is not None else []:
        if player not in half_lives or not 0 < half_lives[player] < np.inf:
            raise ConvtrackError(f"half_lives: '{player}' needs a number of days above 0, as in {{'{player}': 7.0}}.")


def _some(log: VisitLog) -> Ints:
    """Every visit with a conversion, and of the others one in so many by time: enough to tell where the likelihood is large."""
    others = np.flatnonzero(~log.bought)
    others = others[np.argsort(log.time[log.visits[others]], kind="stable")]
    step = max(len(others) // max(SEARCHED * int(log.bought.sum()), FEW), 1)
    return np.union1d(np.flatnonzero(log.bought), others[::step])


def _distinct(places: Sequence[Floats]) -> list[Floats]:
    """The places without those that are another one but for rounding."""
    kept: list[Floats] = []
    for place in places:
        if not any(np.allclose(place, other, rtol=1e-4, atol=1e-4) for other in kept):
            kept.append(place)
    return kept


def _fit(log: VisitLog, likelihood: Likelihood, numbers: Numbers) -> HazardFit:
    exposures = likelihood.exposures
    terms = exposures.at(numbers.half_lives).exposures.T * numbers.effects
    eta = numbers.coefficients @ likelihood.constant
    total = eta + bent(terms.sum(axis=1), numbers.bend)
    return HazardFit(
        players=exposures.players, half_lives=dict(zip(exposures.players, numbers.half_lives.tolist(), strict=True)),
        cap=1 / numbers.bend if numbers.bend > 0 else np.inf, loglik=likelihood.log_likelihood(total), eta=eta,
        effects=dict(zip(exposures.kinds, numbers.effects.tolist(), strict=False)), terms=terms, members=exposures.members,
        own=log.among(exposures.players)[log.visits], mean_value=log.mean_value)


def _running_sum(added: Floats, group: Ints) -> Floats:
    """The sum of `added` until each place within its group; groups are in order."""
    total = np.cumsum(added)
    first = np.flatnonzero(np.diff(group, prepend=-1))
    before = np.concatenate([[0.0], total])[first]
    return total - np.repeat(before, np.diff(first, append=len(group)))


def _chance(log_hazard: Floats) -> Floats:
    """The chance of a conversion at that log-hazard."""
    return -np.expm1(-np.exp(log_hazard))
