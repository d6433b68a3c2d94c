"""Our own figures by channel, and what it takes for a figure of another package to be the same."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from peers.packages import by_channel

from convtrack.attribution import Model, as_paths


def credit(table: pd.DataFrame, model: Model, what: str = "conversions") -> pd.Series:
    """Our credit, in conversions or value."""
    return by_channel(model.credit(as_paths(table)).set_index("channel")[what])


def assert_same(theirs: pd.Series, expected: pd.Series, digits: int = 9) -> None:
    """Each figure agrees to so many digits of the largest; a channel that a package leaves out has 0."""
    assert set(theirs.index) <= set(expected.index)
    within = 10.0**-digits * expected.abs().max()
    assert theirs.reindex(expected.index, fill_value=0.0).to_numpy() == pytest.approx(
        expected.to_numpy(), rel=0, abs=within)


def misplaced(theirs: pd.Series, expected: pd.Series) -> float:
    """The share of the credit that would have to move from one channel to another to make both the same.

    >>> misplaced(pd.Series({"A": 3.0, "B": 1.0}), pd.Series({"A": 2.0, "B": 2.0}))
    0.25
    """
    shares = theirs.reindex(expected.index, fill_value=0.0) / theirs.sum()
    return float((shares - expected / expected.sum()).abs().sum() / 2)


def standard_errors(runs: list[pd.DataFrame], what: str = "conversions") -> pd.Series:
    """The standard error of each channel's mean over independent simulations."""
    return pd.concat([run[what] for run in runs], axis=1).std(axis=1, ddof=1) / np.sqrt(len(runs))


def distances(runs: list[pd.DataFrame], expected: pd.Series, what: str = "conversions") -> pd.Series:
    """How many standard errors the mean of independent simulations is from the expected, for each channel."""
    mean = pd.concat([run[what] for run in runs], axis=1).mean(axis=1)
    return (mean - expected) / standard_errors(runs, what)
