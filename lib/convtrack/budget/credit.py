"""Keep or stop: what a channel's credit earned beyond its cost, and how sure that is."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd

from ..attribution.catalogue import get_model
from ..attribution.model import Draws, Model
from ..errors import ConvtrackError
from ..gaps import Gap, passes_gaps
from ..metrics import ad_metrics
from ..paths import as_paths
from ..sessions import need_columns

BOUNDS = (0.025, 0.975)  # of the intervals
RULE_OF_THREE = -np.log(BOUNDS[0])  # none were seen: how many there may be, 3.7 at these bounds
NO_VALUE = Gap("No conversion has a value, so there is no return on spend.", "Give the goal a value in study.yaml.")


@passes_gaps
def value_intervals(journeys: pd.DataFrame, models: Iterable[str | Model], resamples: int,
                    rng: np.random.Generator) -> pd.DataFrame | Gap:
    """Credited conversions and value by model and channel, with the 95 % interval of the value over resampled visitors.

    Parameters
    ----------
    journeys : DataFrame
        As `build_journeys` returns it.
    models : iterable of str or Model
        Names from `MODELS`, or models.
    resamples : int
        How often the visitors are drawn again, with replacement; the same resamples serve all models.
    rng : numpy Generator
        Draws the visitors.

    Returns
    -------
    DataFrame or Gap
        model, channel, conversions, value, value_low, value_high. A gap if no conversion has a value.

    Raises
    ------
    ConvtrackError
        If no resample is asked for.

    Examples
    --------
    >>> journeys = pd.DataFrame({"visitor_id": list("abcd"), "converted": [True, True, False, True],
    ...     "value": [20.0, 30.0, None, 40.0], "path": [["Email"], ["SMS"], ["SMS", "Email"], ["Email"]]})
    >>> credit = value_intervals(journeys, ["last_touch"], 200, np.random.default_rng(1))
    >>> credit[["channel", "value", "value_low", "value_high"]].values.tolist()
    [['Email', 60.0, 0.0, 120.0], ['SMS', 30.0, 0.0, 90.0]]

    Efron, B. (1979), Bootstrap methods: another look at the jackknife, Annals of Statistics 7, 1-26.
    """
    if resamples < 1:
        raise ConvtrackError(f"resamples={resamples}: an interval needs resamples. Give how many, as in 500.")
    need_columns(journeys, ["visitor_id"], "journeys")
    paths, chosen = as_paths(journeys), [get_model(model) for model in models]
    if not paths.valued:
        return NO_VALUE
    drawn = [_resample(paths.owners, rng) for _ in range(resamples)]
    tables = []
    for model in chosen:
        crediting = model.prepare(paths)
        low, high = np.quantile([crediting(draws).value[:, 0] for draws in drawn], BOUNDS, axis=0)
        tables.append(model.credit(paths).assign(model=model.name, value_low=low, value_high=high))
    columns = ["model", "channel", "conversions", "value", "value_low", "value_high"]
    return pd.concat(tables, ignore_index=True)[columns]


@passes_gaps
def keep_or_stop(spend: pd.DataFrame, credit: pd.DataFrame, margin: float) -> pd.DataFrame | Gap:
    """For each model and paid channel, what its credit earned beyond its cost, and whether that is a profit, a loss, or open.

    It speaks of the channel as a whole, all or nothing, and needs no spend that varied. `metrics.verdicts` asks whether the
    models agree; this asks whether the data suffice for one of them.

    Parameters
    ----------
    spend : DataFrame
        Table `spend`, of one currency.
    credit : DataFrame
        As `value_intervals` returns it.
    margin : float
        The share of value that is left after the cost of goods, as 0.35.

    Returns
    -------
    DataFrame or Gap
        model, channel, cost, conversions, value, profit = margin * value - cost, profit_low, profit_high, verdict: "keep"
        where the whole interval is at 0 or above, "stop" where it is below, else "cannot tell". Of a channel without any
        credit resampling knows no more than 0 to 0; it may have missed up to 3.7 conversions of average value (the rule of
        three, at 97.5 %). A gap without costs, or in several currencies.

    Raises
    ------
    ConvtrackError
        If credit has no interval of the value, or the margin is not a share above 0.

    Examples
    --------
    >>> spend = pd.DataFrame({"channel": ["Email", "SMS"], "cost": [10.0, 50.0]})
    >>> credit = pd.DataFrame({"model": "linear", "channel": ["Email", "SMS"], "conversions": [4, 1],
    ...     "value": [90.0, 60.0], "value_low": [60.0, 20.0], "value_high": [130.0, 110.0]})
    >>> keep_or_stop(spend, credit, margin=0.5)[["channel", "profit", "verdict"]].values.tolist()
    [['Email', 35.0, 'keep'], ['SMS', -20.0, 'cannot tell']]

    Hanley, J. A., Lippman-Hand, A. (1983), If nothing goes wrong, is everything all right?, JAMA 249, 1743-1745.
    """
    need_columns(credit, ["model", "channel", "conversions", "value", "value_low", "value_high"], "credit")
    tables = [_profits(spend, rows, margin).assign(model=model) for model, rows in credit.groupby("model", sort=False)]
    gap = next((table for table in tables if isinstance(table, Gap)), None)
    if gap is not None:
        return gap
    table = pd.concat(tables, ignore_index=True)
    table["verdict"] = np.select([table["profit_low"] >= 0, table["profit_high"] < 0], ["keep", "stop"], "cannot tell")
    return table[["model", "channel", "cost", "conversions", "value", "profit", "profit_low", "profit_high", "verdict"]]


def _resample(owners: np.ndarray, rng: np.random.Generator) -> Draws:
    """How often each journey is counted when as many visitors as there are have been drawn with replacement."""
    people = owners.max() + 1
    times = np.bincount(rng.integers(people, size=people), minlength=people)[owners][:, None].astype(float)
    return Draws(times, times)


def _profits(spend: pd.DataFrame, credit: pd.DataFrame, margin: float) -> pd.DataFrame | Gap:
    table = ad_metrics(spend, credit, margin)
    if isinstance(table, Gap):
        return table
    paid = table[table["cost"] > 0]
    if paid.empty:
        return Gap("No channel has a cost, so there is nothing to keep or stop.")
    if not credit["conversions"].sum() > 0:
        return Gap("No conversion is credited, so nothing can be said of what channels earned.")
    bounds = credit.set_index("channel")[["value_low", "value_high"]].reindex(paid["channel"], fill_value=0.0).to_numpy()
    low, high = bounds.T
    unseen = RULE_OF_THREE * credit["value"].sum() / credit["conversions"].sum()
    high = np.where(paid["conversions"] == 0, unseen, high)
    return paid.assign(profit=margin * paid["value"] - paid["cost"], profit_low=margin * low - paid["cost"],
                       profit_high=margin * high - paid["cost"])
