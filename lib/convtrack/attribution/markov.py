"""Markov attribution, exact, of order 1 to 4, with every reading of "remove a channel" that packages use.

Source: Anderl, Becker, von Wangenheim, Schumann (2016), Mapping the customer journey, International Journal of Research in
Marketing 33(3), 457-474.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd
from scipy import sparse

from ..errors import ConvtrackError, nearest
from ..gaps import Gap, passes_gaps
from ..paths import Floats, Paths, as_paths
from .chain import find_steps, fit, pack_states
from .model import Credit, Crediting, Draws, Model

Removal = Literal["to_null", "fail", "detour", "refit"]
Effects = Callable[[Draws], tuple[Floats, Floats]]
ORDERS = (1, 2, 3, 4)
PRIOR = 10.0


@dataclass(frozen=True)
class Markov(Model):
    """Credit in proportion to what the chain of journeys would lose without the channel (removal effect).

    Rule: fit a chain whose states are the last `order` touches, from start to conversion or null; removal effect of a
    channel = share of conversions lost without it; credit = removal effects scaled to the conversions. Value has removal
    effects of its own, from the value that journeys are expected to end with.
    Removal: "to_null" (default, Anderl et al.): every step into a state with the channel leads to null. The other readings
    take the channel off the paths and fit again; a fitted chain converts at the observed rate whatever its order, so they are
    rates of paths. "fail": its journeys do not convert; the effect is the share of conversions it took part in. "refit": the
    same, without the journeys that have no other channel. "detour": its journeys keep their outcome, and those that have no
    other channel are left out. By refit and detour the effect can be negative, and so can credit; where all effects together
    are negative, the signs turn round. A channel without which no journey is left has the effect 1.
    Repeats: a channel twice in a row is a loop, which changes nothing at order 1; loops=False drops it at any order.
    Paths without conversion: used; nulls=False leaves them out, and then detour is undefined: every rate is 1.
    Two touches: by the whole data, not by the path. Direct: a channel like any other.
    Shares out a total over all paths, so by to_null a channel that leads to one that converts gets credit without a
    conversion of its own. NaN where effects cancel.
    Used by: Anderl et al. 2016; ChannelAttribution (which simulates it), do-attribution (all four readings; its "fail_refit" drops
    whole states and so differs from refit above order 1, its "detour" effects have the opposite sign).
    """

    name: str = "markov"
    order: int = 1
    removal: Removal = "to_null"
    loops: bool = True
    nulls: bool = True

    def __post_init__(self) -> None:
        if self.order not in ORDERS:
            raise ConvtrackError(f"markov: order={self.order} is not one of 1, 2, 3, 4. Write one of them.")
        if self.removal not in get_args(Removal):
            raise ConvtrackError(f"markov: there is no removal '{self.removal}'.{nearest(self.removal, get_args(Removal))} "
                                 f"Write one of: {', '.join(get_args(Removal))}")

    def prepare(self, paths: Paths) -> Crediting:
        """The function from draws to credit."""
        touched = paths.lengths > 0
        used = self._used(paths.only(touched))
        effects = self._chain_effects(used) if self.removal == "to_null" else self._rate_effects(used)

        def credit(draws: Draws) -> Credit:
            some = Draws(draws.won[touched], draws.lost[touched])
            by_conversions, by_value = effects(some)
            return Credit(_shared_out(by_conversions, used.conversions @ some.won),
                          _shared_out(by_value, used.value @ some.won))

        return credit

    def removal_effects(self, paths: Paths) -> pd.Series:
        """For each channel, the share of conversions lost without it, in this model's reading."""
        used = self._used(paths.only(paths.lengths > 0))
        once = np.ones((len(used.lengths), 1))
        effects = self._chain_effects(used) if self.removal == "to_null" else self._rate_effects(used)
        return pd.Series(effects(Draws(once, once))[0][:, 0], index=paths.channels)

    def _used(self, paths: Paths) -> Paths:
        paths = paths if self.loops else paths.without_loops()
        return paths if self.nulls else replace(paths, nulls=np.zeros_like(paths.nulls))

    def _chain_effects(self, paths: Paths) -> Effects:
        steps = find_steps(paths, self.order)

        def effects(draws: Draws) -> tuple[Floats, Floats]:
            chain = fit(paths, steps, draws)
            return chain.effects("conversions"), chain.effects("value")

        return effects

    def _rate_effects(self, paths: Paths) -> Effects:
        present = paths.presence
        alone = sparse.diags_array((present.sum(axis=1) == 1).astype(float)) @ present

        def effects(draws: Draws) -> tuple[Floats, Floats]:
            won = paths.conversions[:, None] * draws.won
            every = won + paths.nulls[:, None] * draws.lost
            return tuple(self._lost_rate(outcome, every, present, alone) for outcome in (won, paths.value[:, None] * draws.won))

        return effects

    def _lost_rate(self, outcome: Floats, every: Floats, present: sparse.csr_array, alone: sparse.csr_array) -> Floats:
        """The share by which the rate of the outcome falls when each channel is taken off the paths; (channels, draws)."""
        total, journeys = outcome.sum(axis=0), every.sum(axis=0)
        emptied = 0.0 if self.removal == "fail" else alone.T @ every
        gone = (alone if self.removal == "detour" else present).T @ outcome
        with np.errstate(divide="ignore", invalid="ignore"):
            left = (total - gone) / (journeys - emptied) * journeys / total
        return np.where(np.isfinite(left), 1 - left, 1.0)


def _shared_out(effects: Floats, total: Floats) -> Floats:
    """Effects scaled to a total; NaN where they cancel each other, or all are 0 but for rounding: then no scale is right."""
    scale, size = effects.sum(axis=0), np.abs(effects).sum(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        shares = np.where(np.abs(scale) > np.maximum(1e-9 * size, 1e-12), effects / scale, np.nan)
    return np.where(total > 0, shares * total, 0.0)


@passes_gaps
def choose_order(paths: pd.DataFrame | Paths, rng: np.random.Generator, folds: int = 5, prior: float = PRIOR) -> pd.DataFrame | Gap:
    """How well a chain of each order predicts journeys that it has not seen, and which order to use.

    Journeys are dealt into folds at random. Each fold in turn is predicted, step by step, by chains fitted to the others;
    a step's probability is (its count + prior * its probability at the order below) / (steps from the state + prior), so
    that a step not seen before has one. A state that is the only one to lengthen a state of the order below has the same
    steps, and predicts as that one does.

    Parameters
    ----------
    paths : DataFrame or Paths
        Journeys, or paths with totals; those without a touch are left out.
    rng : numpy Generator
        Deals the journeys.
    folds : int
        Parts that the journeys are dealt into.
    prior : float
        How many steps from a state the order below counts for.

    Returns
    -------
    DataFrame or Gap
        Index order; states, held_out (mean log-likelihood of a held-out journey, natural logarithm), behind (how much less
        than the best order), standard_error (of behind, over folds), chosen: the lowest order that is behind by no more than
        one standard error. A gap where there are too few journeys to have some in each part.

    Raises
    ------
    ConvtrackError
        If there are fewer than 2 folds, or `prior` is not above 0.

    Examples
    --------
    >>> from ..paths import as_paths
    >>> paths = as_paths(pd.DataFrame({"path": [["A"], ["A", "B"]], "total_conversions": [40, 20], "total_null": [40, 60]}))
    >>> int(choose_order(paths, np.random.default_rng(1))["chosen"].idxmax())
    1
    """
    if folds < 2 or not prior > 0:
        raise ConvtrackError(f"folds={folds}, prior={prior}: there are 2 folds or more, and the prior is above 0. Write folds=5, "
                             f"prior={PRIOR:.0f}")
    paths = as_paths(paths)
    touched = paths.only(paths.lengths > 0)
    won, lost = _dealt(touched, folds, rng)
    journeys = (won + lost).sum(axis=0)
    if not journeys.all():
        return Gap(f"{journeys.sum():,.0f} journeys with a touch are too few to put a part of them aside {folds} times, so no order "
                   f"can be chosen.", "Take more days, or more visitors.")
    scores, states, below = [], [], {}
    for order in ORDERS:
        state, outcome, counts = _transitions(touched, order, won, lost)
        shorter = [s % (len(touched.channels) + 1) ** (order - 1) for s in state]
        lean = [below.get(step, 1 / (len(touched.channels) + 2)) for step in zip(shorter, outcome, strict=True)]
        lengthened = Counter(short for _, short in set(zip(state, shorter, strict=True)))
        tells_more = np.array([[lengthened[short] > 1] for short in shorter])
        below = dict(zip(zip(state, outcome, strict=True), _predicted(state, counts * tells_more, lean, prior), strict=True))
        scores.append((counts * np.log(list(below.values()))).sum(axis=0) / journeys)
        states.append(len(set(state)))
    return _order_table(np.array(scores), states)


def _dealt(paths: Paths, folds: int, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Conversions and journeys without one by path and fold; a visitor's journeys stay together where visitors are known."""
    if paths.owners is not None:
        fold = rng.integers(folds, size=paths.owners.max(initial=0) + 1)[paths.owners]
        dealt = fold[:, None] == np.arange(folds)
        return paths.conversions[:, None] * dealt, paths.nulls[:, None] * dealt
    return _dealt_singly(paths.conversions, folds, rng), _dealt_singly(paths.nulls, folds, rng)


def _dealt_singly(count: Floats, folds: int, rng: np.random.Generator) -> Floats:
    row = np.repeat(np.arange(len(count)), np.rint(count).astype(int))
    cell = row * folds + rng.integers(folds, size=len(row))
    return np.bincount(cell, minlength=len(count) * folds).reshape(-1, folds).astype(float)


def _transitions(paths: Paths, order: int, won: Floats, lost: Floats) -> tuple[list[int], list[int], Floats]:
    """Each different step: the state it leaves, what comes next (a channel, a conversion, nothing), and how often in each fold."""
    channels = len(paths.channels)
    packed = pack_states(paths, order)
    before = np.concatenate([[0], packed[:-1]])
    before[paths.starts[:-1]] = 0
    last = packed[paths.starts[1:] - 1]
    row = np.arange(len(last))
    state = np.concatenate([before, last, last])
    outcome = np.concatenate([paths.codes, np.full(len(row), channels), np.full(len(row), channels + 1)])
    weight = np.concatenate([(won + lost)[paths.rows], won, lost])
    place, states = pd.factorize(state, sort=True)  # a state's own number may be too large to be multiplied
    step, pairs = pd.factorize(place * (channels + 2) + outcome, sort=True)
    counts = sparse.csr_array((np.ones(len(step)), step, np.arange(len(step) + 1)), shape=(len(step), len(pairs))).T @ weight
    return states[pairs // (channels + 2)].tolist(), (pairs % (channels + 2)).tolist(), counts


def _predicted(state: list[int], counts: Floats, lean: list[Any], prior: float) -> Floats:
    """Each step's probability in each fold by the counts of the other folds, leaning on the order below."""
    known = counts.sum(axis=1, keepdims=True) - counts
    place, states = pd.factorize(np.array(state))
    leaving = np.zeros((len(states), counts.shape[1]))
    np.add.at(leaving, place, known)
    return (known + prior * np.array(lean).reshape(len(state), -1)) / (leaving[place] + prior)


def _order_table(scores: Floats, states: list[int]) -> pd.DataFrame:
    """The evidence for each order; scores has a row an order and a column a fold."""
    held_out = scores.mean(axis=1)
    gaps = scores[held_out.argmax()] - scores
    behind, error = gaps.mean(axis=1), gaps.std(axis=1, ddof=1) / np.sqrt(scores.shape[1])
    table = pd.DataFrame({"states": states, "held_out": held_out, "behind": behind, "standard_error": error},
                         index=pd.Index(ORDERS, name="order"))
    return table.assign(chosen=table.index == int(np.flatnonzero(behind <= error)[0]) + 1)
