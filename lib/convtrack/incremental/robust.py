"""A doubly robust estimate of what a channel adds, from visitors with it and alike visitors without it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy.special import expit
from statsmodels.api import OLS

from ..gaps import Gap
from .likelihood import SPREAD
from .newton import Local, find_minimum
from .visits import Floats, VisitLog

SAME = 1e-9  # what is left of a column, squared and relative, that others already tell
LEAST, MOST = 0.01, 0.99  # a propensity beyond these is trimmed: nobody alike is there to compare with


def doubly_robust(log: VisitLog, players: Sequence[str]) -> pd.DataFrame | Gap:
    """Conversions that each channel adds among the visitors whom it reached: channel | conversions | value | low | high.

    For a channel, t says whether it reached a visitor at all, y counts the visitor's conversions, and x is what is known of
    the visitor and which of the other channels reached them. With e(x) the chance of being reached (logistic) and m(x) the
    conversions expected without it (linear, fitted on those not reached), the estimate is the sum over visitors of
    (t - (1 - t) e / (1 - e)) * (y - m): the effect on the reached, right if either e or m is (Robins, Rotnitzky and Zhao
    1994; Moodie, Saarela and Stephens 2018 for the reached). The 95 % interval takes the terms of the sum as independent.

    Parameters
    ----------
    log : VisitLog
        As `read_visits` makes it.
    players : names of channels
        Each is estimated apart. One without touches adds 0. What one adds is not known (NaN) if it reached everybody, or some
        who are like nobody whom it did not reach, as where it reached all that another channel missed.

    Returns
    -------
    DataFrame or Gap
        A gap if the search for the chances of being reached by one of them did not arrive.
    """
    reached = np.zeros((len(log.covariates), len(players) + 1))
    reached[log.visitor, log.among(players)] = 1  # the last column is everything else
    sold = np.bincount(log.visitor[log.visits], log.bought, minlength=len(reached))
    rows = [_on_the_reached(reached[:, place], sold, log.covariates, np.delete(reached, [place, -1], axis=1))
            for place in range(len(players))]
    lost = [player for player, row in zip(players, rows, strict=True) if row is None]
    if lost:
        return Gap(f"The search for the chances of being reached by {', '.join(lost)} did not arrive.",
                   "Leave it out, or take a longer log.")
    table = pd.DataFrame(rows, columns=["conversions", "low", "high"]).assign(channel=list(players))
    return table.assign(value=table["conversions"] * log.mean_value)[["channel", "conversions", "value", "low", "high"]]


def _on_the_reached(treated: Floats, sold: Floats, covariates: Floats, others: Floats) -> tuple[float, float, float] | None:
    """What a channel added with its interval; None where the search for the chances of being reached did not arrive."""
    if treated.min() == treated.max():
        return (0.0, 0.0, 0.0) if treated.max() == 0 else (np.nan, np.nan, np.nan)
    known = _independent(np.column_stack([np.ones(len(treated)), covariates, others]))
    apart = treated == 0
    if np.linalg.matrix_rank(known[apart]) < known.shape[1]:
        return np.nan, np.nan, np.nan
    without = OLS(sold[apart], known[apart]).fit()
    chance = _chances_of_being_reached(treated, known)
    if chance is None:
        return None
    terms = (treated - (1 - treated) * chance / (1 - chance)) * (sold - without.predict(known))
    spread = 1.96 * np.sqrt(len(terms)) * terms.std()
    return terms.sum(), terms.sum() - spread, terms.sum() + spread


def _chances_of_being_reached(treated: Floats, known: Floats) -> Floats | None:
    """By a logistic regression, trimmed; None if its search did not arrive.

    Coefficients but the first have a normal prior of deviation 2.5 around 0, which data soon outweigh: where a column tells the
    reached apart, the likelihood alone would let its coefficient grow without end.
    """
    drawn_to_zero = np.full(known.shape[1], 1 / SPREAD**2)
    drawn_to_zero[0] = 0

    def at(place: Floats) -> Local:
        score = known @ place
        chance = expit(score)
        value = np.logaddexp(0, np.where(treated, -score, score)).sum() + drawn_to_zero @ place**2 / 2
        gradient = (chance - treated) @ known + drawn_to_zero * place
        curvature = known.T @ (known * (chance * (1 - chance))[:, None]) + np.diag(drawn_to_zero)
        return Local(float(value), gradient, curvature)

    anywhere = np.full(known.shape[1], np.inf)
    found = find_minimum(at, [np.zeros(known.shape[1])], -anywhere, anywhere)
    return expit(known @ found.place).clip(LEAST, MOST) if found.arrived else None


def _independent(columns: Floats) -> Floats:
    """The columns that are no sum of others before them."""
    units = columns / np.maximum(np.sqrt((columns**2).sum(axis=0)), 1e-12)
    new = np.abs(np.diag(np.linalg.qr(units.T @ units, mode="r")))
    return columns[:, new > SAME]
