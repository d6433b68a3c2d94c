"""Markov attribution, exact: an absorbing chain solved by linear algebra, with no simulation.

Source: Anderl, Becker, von Wangenheim, Schumann (2016), Mapping the customer journey, International Journal of Research in
Marketing 33(3), 457-474. Notation: Kemeny and Snell (1960), Finite Markov Chains, chapter 3.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from .paths import Floats, Paths


@dataclass(frozen=True)
class Chain:
    """The fitted chain: transition probabilities between states, and from them what removing a channel does."""

    channels: list[str]
    matrix: Floats  # rows: start, channels; columns: start, channels, conversion, null; each row of a seen state adds up to 1

    @property
    def conversion_probability(self) -> float:
        """The probability that a journey from the start ends in conversion."""
        return float(self._absorption[0])

    @property
    def _fundamental(self) -> Floats:
        inner = self.matrix[:, :-2]
        return np.linalg.inv(np.eye(len(inner)) - inner)

    @property
    def _absorption(self) -> Floats:
        return self._fundamental @ self.matrix[:, -2]

    def removal_effects(self) -> pd.Series:
        """For each channel, the share of conversions lost if every transition into it led to no conversion.

        A journey converts through a channel if it ever reaches it and converts from there, so the loss is
        P(reach) * P(conversion from it) / P(conversion), and P(reach) is a ratio of two entries of the fundamental matrix.
        """
        fundamental, absorption = self._fundamental, self._absorption
        reach = fundamental[0, 1:] / np.diag(fundamental)[1:]
        lost = reach * absorption[1:]
        return pd.Series(lost / absorption[0] if absorption[0] > 0 else lost, index=self.channels)

    def transition_matrix(self) -> pd.DataFrame:
        """Transition probabilities as a table: from (rows) to (columns)."""
        rows = ["(start)", *self.channels]
        columns = [*self.channels, "(conversion)", "(no conversion)"]
        return pd.DataFrame(self.matrix[:, 1:], index=pd.Index(rows, name="from"), columns=columns)


def fit_chain(paths: Paths) -> Chain:
    """The first-order chain whose transition probabilities are the observed frequencies.

    >>> from .paths import as_paths
    >>> paths = as_paths(pd.DataFrame({"path": [["A"], ["A", "B"]], "total_conversions": [1, 2], "total_null": [1, 0]}))
    >>> round(fit_chain(paths).conversion_probability, 6)  # the observed rate, 3 of 4
    0.75
    """
    counts = _transition_counts(paths)
    totals = counts.sum(axis=1, keepdims=True)
    return Chain(paths.channels, np.divide(counts, totals, out=np.zeros_like(counts), where=totals > 0))


def _transition_counts(paths: Paths) -> Floats:
    k = len(paths.channels)
    every = paths.conversions + paths.nulls
    starts, ends = paths.starts[:-1][paths.lengths > 0], paths.starts[1:][paths.lengths > 0] - 1
    counts = np.zeros((k + 1, k + 3))
    inner = np.flatnonzero(paths.rows[1:] == paths.rows[:-1])
    np.add.at(counts, (0, 1 + paths.codes[starts]), every[paths.rows[starts]])
    np.add.at(counts, (1 + paths.codes[inner], 1 + paths.codes[inner + 1]), every[paths.rows[inner]])
    np.add.at(counts, (1 + paths.codes[ends], k + 1), paths.conversions[paths.rows[ends]])
    np.add.at(counts, (1 + paths.codes[ends], k + 2), paths.nulls[paths.rows[ends]])
    return counts


@dataclass(frozen=True)
class Markov:
    """Credit in proportion to what the chain of journeys would lose without the channel (removal effect), order 1.

    Rule: fit a chain of channels from start to conversion or null; removal effect of a channel = share of conversions lost
    if transitions into it led to null; credit = removal effects scaled to the conversions (and to their value).
    Repeats: a channel twice in a row is a loop, which changes nothing at order 1. Paths without conversion: used.
    Two touches: by the whole data, not by the path. Direct: a channel like any other.
    Shares out a total, so a channel gets credit in proportion over all paths, not path by path.
    Used by: Anderl et al. 2016; ChannelAttribution (which simulates it), do-attribution's `redirect_to_null`.
    """

    name: str = "markov"

    def credit(self, paths: Paths) -> pd.DataFrame:
        """Credit by channel: channel, conversions, value."""
        touched = paths.lengths > 0
        effects = fit_chain(paths).removal_effects().to_numpy()
        shares = effects / effects.sum() if effects.sum() > 0 else effects
        return paths.table(shares * paths.conversions[touched].sum(), shares * paths.value[touched].sum())
