"""How far a model's credit is from the truth of the world that it was computed in."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.stats import kendalltau

from ..coalitions import lost, shapley_value
from ..world import Game

SCORES = ("share_mae", "share_error", "tau", "overclaim", "claimed", "regret", "shapley_mae")
PER = 100_000  # visitors for whom regret is stated


def score(credit: pd.DataFrame, game: Game, margin: float, visitors: int) -> dict[str, float]:
    """The scores of one model in one world, all against the same world's truth.

    Parameters
    ----------
    credit : DataFrame
        channel | conversions | value, with a row for each of the game's players at least.
    game : Game
        The worlds with every subset of the paid channels on.
    margin : float
        Gross profit as a share of value.
    visitors : int
        People in the world, to whom regret is scaled.

    Returns
    -------
    dict
        share_mae and share_error: mean absolute difference, and half the sum of absolute differences, between the model's and
        the true shares of the paid channels, the true ones by switching each off; shapley_mae: the former against the Shapley
        value of the same game. tau: Kendall's tau-b of credit and truth,
        both rounded to nine decimals. overclaim: credit of all paid channels over the
        conversions that all of them together cause. claimed: their credit over all conversions. regret: profit lost, per
        100,000 visitors and in the world's currency, when every channel whose credited gross profit is below its cost is
        stopped and every other one kept, against the best of all ways to keep and stop. NaN where a score has no meaning,
        as the shares of nothing, or a channel's credit is not known.
    """
    mine = credit.set_index("channel").reindex(game.players)
    claims, caused = mine["conversions"].to_numpy(float), game.conversions[-1] - game.conversions[0]
    true, profit = lost(game.conversions), game.profit(margin)
    value = mine["value"].to_numpy(float)
    regret = profit.max() - profit[game.place(margin * value >= game.spend)] if np.isfinite(value).all() else np.nan
    errors = np.abs(_shares(claims) - _shares(true))
    return {
        "share_mae": errors.mean(), "share_error": errors.sum() / 2, "tau": _tau(claims, true),
        "overclaim": claims.sum() / caused if caused > 0 else np.nan,
        "claimed": claims.sum() / game.conversions[-1],
        "regret": regret * PER / visitors,
        "shapley_mae": np.abs(_shares(claims) - _shares(shapley_value(game.conversions))).mean(),
    }


def _shares(amounts: np.ndarray) -> np.ndarray:
    """Each amount as a share of their sum, or NaN where that is not positive."""
    total = amounts.sum()
    return amounts / total if total > 1e-9 else np.full(len(amounts), np.nan)


def _tau(claims: np.ndarray, true: np.ndarray) -> float:
    claims, true = np.round(claims, 9), np.round(true, 9)  # credit that is equal but for rounding is equal
    return float(kendalltau(claims, true).statistic) if np.ptp(true) > 0 and np.ptp(claims) > 0 else float("nan")
