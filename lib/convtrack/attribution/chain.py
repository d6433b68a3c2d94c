"""An absorbing Markov chain of journeys: its states are the last `order` touches, its transitions the observed frequencies.

Exact: every figure is the solution of linear equations, none is simulated. Small chains are inverted, many at once; large
ones (a chain of order 4 on 12 channels has up to 22,620 states) are solved by iteration to the last bits of a double.
Notation: Kemeny and Snell (1960), Finite Markov Chains, chapter 3.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy import sparse

from ..errors import ConvtrackError
from ..paths import Floats, Paths, as_paths, stacked
from .model import Draws

DENSE_STATES = 64  # up to here inverting the matrix is faster than iterating
CONVERGED = 1e-16


@dataclass(frozen=True)
class Steps:
    """Where the paths go: the states that were met, and the steps between them. State 0 is the start."""

    channels: list[str]
    codes: np.ndarray  # for each state but the start, its last `order` channels packed into a number
    order: int
    origin: np.ndarray  # for each different step, the state that it leaves
    target: np.ndarray  # and the state that it enters
    taken: sparse.csr_array  # how often each path takes each step; shape (paths, steps)
    end: sparse.csr_array  # the state in which each path ends; shape (paths, states)

    @property
    def size(self) -> int:
        """The number of states, the start among them."""
        return len(self.codes) + 1

    @cached_property
    def holds(self) -> np.ndarray:
        """Which state holds which channel; shape (states, channels). The start holds none."""
        digits = self.codes[:, None] // _base(self.channels) ** np.arange(self.order) % _base(self.channels)
        held = (digits[:, :, None] == np.arange(1, len(self.channels) + 1)).any(axis=1)
        return np.vstack([np.zeros((1, len(self.channels)), dtype=bool), held])

    @property
    def names(self) -> list[str | tuple[str, ...]]:
        """The states' names: a channel at order 1, else the last channels as a tuple, first touch first."""
        digits = self.codes[:, None] // _base(self.channels) ** np.arange(self.order)[::-1] % _base(self.channels)
        if self.order == 1:
            return [self.channels[digit - 1] for digit in digits[:, 0]]
        return [tuple(self.channels[digit - 1] for digit in row if digit) for row in digits]


def _base(channels: list[str]) -> int:
    return len(channels) + 1


def find_steps(paths: Paths, order: int) -> Steps:
    """The states and steps of paths that each have a touch."""
    codes = np.unique(np.concatenate([pd.unique(pack_states(part, order)) for part in paths.parts()]))
    found = [_steps_in(part, order, codes) for part in paths.parts()]
    pairs = np.unique(np.concatenate([part.pairs for part in found]))
    taken = sparse.vstack([part.among(pairs) for part in found], format="csr")
    last, rows = np.concatenate([part.last for part in found]), len(paths.lengths)
    end = sparse.csr_array((np.ones(rows), last, np.arange(rows + 1)), shape=(rows, len(codes) + 1))
    return Steps(paths.channels, codes, order, *np.divmod(pairs, len(codes) + 1), taken, end)


class _Part(NamedTuple):
    """The steps of a part of the paths: the different ones, how often each path takes each of them, and where each path ends."""

    pairs: np.ndarray  # a step as origin * states + target
    taken: sparse.csr_array
    last: np.ndarray

    def among(self, pairs: np.ndarray) -> sparse.csr_array:
        """How often each path takes each of the steps of all parts."""
        place = np.searchsorted(pairs, self.pairs)
        shape = (self.taken.shape[0], len(pairs))
        return sparse.csr_array((self.taken.data, place[self.taken.indices], self.taken.indptr), shape=shape)


def _steps_in(paths: Paths, order: int, codes: np.ndarray) -> _Part:
    place, states = pd.factorize(pack_states(paths, order))
    target = np.searchsorted(codes, states)[place] + 1
    origin = np.concatenate([[0], target[:-1]])
    origin[paths.starts[:-1]] = 0
    step, pairs = pd.factorize(origin * (len(codes) + 1) + target, sort=True)
    taken = stacked([sparse.csr_array((np.ones(len(step)), step, paths.starts), shape=(len(paths.lengths), len(pairs)))])
    return _Part(pairs, taken, target[paths.starts[1:] - 1])


def pack_states(paths: Paths, order: int) -> np.ndarray:
    """For each touch, it and the `order` - 1 touches before it on its path, packed into one number; the touch itself is lowest."""
    base = _base(paths.channels)
    if order * np.log2(base) > 62:
        raise ConvtrackError(f"A chain of order {order} on {len(paths.channels)} channels has too many states to number. "
                             f"Use a lower order, or group the channels.")
    digit = paths.codes.astype(np.int64) + 1
    packed = digit.copy()
    for back in range(1, order):
        reaches = paths.positions >= back
        packed[reaches] += digit[np.flatnonzero(reaches) - back] * base**back
    return packed


@dataclass(frozen=True)
class Chain:
    """The fitted chain, for one or many draws of the data; `probability` has a column a draw, `win` and `worth` too.

    `win` is the probability that a journey in a state ends there with a conversion, `worth` the value expected from that.
    """

    steps: Steps
    probability: Floats  # of each step, shape (steps, draws)
    win: Floats  # shape (states, draws)
    worth: Floats  # shape (states, draws)

    @property
    def channels(self) -> list[str]:
        """The channels, in alphabetical order."""
        return self.steps.channels

    @property
    def conversion_probability(self) -> float:
        """The probability that a journey from the start ends in conversion."""
        return float(self._solved[0][0, 0])

    def removal_effects(self, what: str = "conversions") -> pd.Series:
        """For each channel, the share of conversions (or of value) lost if every step into it led to no conversion."""
        return pd.Series(self.effects(what)[:, 0], index=self.channels)

    def effects(self, what: str = "conversions") -> Floats:
        """Removal effects for every draw; shape (channels, draws)."""
        yields, lost = self._solved
        of = int(what == "value")
        return np.divide(lost[of], yields[of], out=np.zeros_like(lost[of]), where=yields[of] > 0)

    @cached_property
    def _solved(self) -> tuple[Floats, Floats]:
        """What a journey from the start yields, shape (2, draws), and how much of it is lost without each channel.

        The first row is conversions, the second value; losses have shape (2, channels, draws).
        """
        return _solve_dense(self) if self.steps.size <= DENSE_STATES else _solve_by_iteration(self)

    def transition_matrix(self) -> pd.DataFrame:
        """Transition probabilities as a table: from (rows) to (columns); states of a higher order are tuples of channels."""
        size, names = self.steps.size, self.steps.names
        inner = np.zeros((size, size))
        inner[self.steps.origin, self.steps.target] = self.probability[:, 0]
        lost = 1 - inner.sum(axis=1) - self.win[:, 0]
        columns = pd.Index([*names, "(conversion)", "(no conversion)"], tupleize_cols=False)
        table = np.column_stack([inner[:, 1:], self.win[:, 0], np.where(np.abs(lost) < 1e-12, 0.0, lost)])
        return pd.DataFrame(table, index=pd.Index(["(start)", *names], name="from", tupleize_cols=False), columns=columns)


def fit(paths: Paths, steps: Steps, draws: Draws) -> Chain:
    """The chain whose transition probabilities are the frequencies in each draw of the paths."""
    won = paths.conversions[:, None] * draws.won
    every = won + paths.nulls[:, None] * draws.lost
    counts = steps.taken.T @ every
    leaving = sparse.csr_array((np.ones(len(steps.origin)), (steps.origin, np.arange(len(steps.origin)))),
                               shape=(steps.size, len(steps.origin)))
    totals = leaving @ counts + steps.end.T @ every
    totals[totals == 0] = np.inf  # a state that this draw does not have leads nowhere
    worth = steps.end.T @ (paths.value[:, None] * draws.won)
    return Chain(steps, counts / totals[steps.origin], (steps.end.T @ won) / totals, worth / totals)


def fit_chain(paths: pd.DataFrame | Paths, order: int = 1) -> Chain:
    """The chain of an order, fitted to the paths that have a touch.

    >>> from ..paths import as_paths
    >>> paths = as_paths(pd.DataFrame({"path": [["A"], ["A", "B"]], "total_conversions": [1, 2], "total_null": [1, 0]}))
    >>> round(fit_chain(paths).conversion_probability, 6)  # the observed rate, 3 of 4
    0.75
    """
    paths = as_paths(paths)
    touched = paths.only(paths.lengths > 0)
    once = np.ones((len(touched.lengths), 1))
    return fit(touched, find_steps(touched, order), Draws(once, once))


def _solve_dense(chain: Chain) -> tuple[Floats, Floats]:
    """By the fundamental matrix N = (I - Q)^-1: a journey meets a set of states C first in c with probability
    N[start, C] N[C, C]^-1, and what it would have yielded from there is lost with C.
    """
    steps, draws = chain.steps, chain.win.shape[1]
    inner = np.zeros((draws, steps.size, steps.size))
    inner[:, steps.origin, steps.target] = chain.probability.T
    fundamental = np.linalg.inv(np.eye(steps.size) - inner)
    yields = fundamental @ np.stack([chain.win.T, chain.worth.T], axis=-1)
    lost = np.zeros((2, len(chain.channels), draws))
    for channel in range(len(chain.channels)):
        held = np.flatnonzero(steps.holds[:, channel])
        onward = np.linalg.solve(fundamental[:, held[:, None], held], yields[:, held])
        lost[:, channel] = (fundamental[:, :1, held] @ onward)[:, 0].T
    return yields[:, 0].T, lost


def _solve_by_iteration(chain: Chain) -> tuple[Floats, Floats]:
    """Draw by draw: the yield of each state with all channels, and without each, by repeated substitution."""
    solved = [_iterate(chain, draw) for draw in range(chain.win.shape[1])]
    yields = np.stack([found[:, 0] for found in solved], axis=-1)
    left = np.stack([found[:, 1:] for found in solved], axis=-1)
    return yields, np.maximum(yields[:, None] - left, 0.0)


def _iterate(chain: Chain, draw: int) -> Floats:
    """What a journey from the start yields: with all channels (first column), and with each removed; shape (2, 1 + channels).

    x = r + Qx is substituted into itself. After n rounds what is missing is at most the largest yield times the probability that
    a journey has not ended after n more moves, and the rounds go on until that does not reach the last bits of the result.
    A state that leads to itself is divided by the chance to leave it first: 5,000 touches of one channel are one move.
    """
    steps = chain.steps
    moves = steps.origin != steps.target
    leaves = np.ones(steps.size)
    leaves[steps.origin[~moves]] -= chain.probability[~moves, draw]
    onward = (chain.probability[:, draw] / leaves[steps.origin])[moves]
    inner = sparse.csr_array((onward, (steps.origin[moves], steps.target[moves])), shape=(steps.size, steps.size))
    kept = np.tile(np.hstack([np.ones((steps.size, 1)), ~steps.holds]), 2)
    ends = np.repeat(np.stack([chain.win[:, draw], chain.worth[:, draw]], axis=1) / leaves[:, None], 1 + len(chain.channels), axis=1)
    total = term = kept * ends
    going_on = np.ones(steps.size)
    while going_on[0] > CONVERGED:
        term = kept * (inner @ term)
        going_on = inner @ going_on
        total = total + term
    return total[0].reshape(2, -1)
