"""The other packages, each behind functions that take a table of paths and return figures by channel.

They are imported where they are called, so that this file can be read without them.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pandas as pd


def joined(table: pd.DataFrame, separator: str = " > ") -> pd.DataFrame:
    """The table with each path as one text."""
    return table.assign(path=table["path"].map(separator.join))


def by_channel(figures: dict[str, float] | pd.Series) -> pd.Series:
    """Figures in the order of the channels' names."""
    return pd.Series(figures, dtype=float).sort_index()


# ChannelAttribution: totals by path

TOTALS = ("path", "total_conversions", "total_conversion_value", "total_null")


def channelattribution_rules(table: pd.DataFrame) -> pd.DataFrame:
    """Columns first_touch_conversions, first_touch_value, and so for last_touch and linear_touch."""
    from ChannelAttribution import heuristic_models

    credit = heuristic_models(joined(table, ">"), *TOTALS[:3], flg_pro=False)
    return credit.set_index("channel_name").sort_index()


def channelattribution_markov(table: pd.DataFrame, order: int, seed: int, journeys: int,
                              longest: int | None = 10_000) -> pd.DataFrame:
    """Columns conversions and value of one simulation of so many journeys.

    By default it simulates ten times, with seeds that follow each other, and keeps the one run that is
    nearest to the median. nfold=1 is one run, and so seeds give independent runs. A simulated journey that
    outgrows `longest` is lost: None, its default, goes by the longest path observed, and 10,000 touches are
    out of reach.
    """
    from ChannelAttribution import markov_model

    credit = markov_model(joined(table, ">"), *TOTALS, order=order, nsim_start=journeys, max_step=longest,
                          nfold=1, seed=seed, verbose=False, flg_pro=False)
    return credit.set_index("channel_name").set_axis(["conversions", "value"], axis=1).sort_index()


# marketing-attribution-models (MAM): a row a path and outcome, with occurrences


def mam(table: pd.DataFrame, what: str = "conversions") -> Any:
    """MAM on the paths, crediting conversions or value."""
    from mam import MAM

    won = joined(table).assign(occurrences=table["total_conversions"], converted=True,
                               worth=table["total_conversion_value"])
    lost = joined(table).assign(occurrences=table["total_null"], converted=False, worth=0.0)
    rows = pd.concat([won, lost])[["path", "occurrences", "converted", "worth"]]
    return MAM(rows[rows["occurrences"] > 0].reset_index(drop=True), format_type="grouped_journey",
               channels_colname="path", journey_with_conv_colname="converted",
               occurrences_colname="occurrences",
               conversion_value_colname="worth" if what == "value" else None)


def mam_removal_effects(result: Any) -> pd.Series:
    """The removal effects in a Markov result of MAM."""
    return by_channel(result.metadata["removal_effect"]["removal_effect"])


def mam_credit(result: Any) -> pd.Series:
    """The credit in a result of MAM."""
    table = result.to_pandas()
    return by_channel(dict(zip(table["channels"].astype(str), table["attribution"], strict=True)))


# do-attribution: a row a path and outcome, with weights


def do_markov(table: pd.DataFrame, order: int, removal: str) -> pd.Series:
    """Removal effects."""
    from do_attribution import MarkovAttribution

    paths, outcomes = joined(table)["path"].tolist(), np.repeat([1, 0], len(table))
    weights = np.concatenate([table["total_conversions"], table["total_null"]]).astype(float)
    there = weights > 0
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "removal_strategy='fail' now uses", UserWarning)
        fitted = MarkovAttribution(order=order, removal_strategy=removal).fit(
            np.array(paths * 2, dtype=object)[there], outcomes[there], weights=weights[there])
    return by_channel(fitted["removal_effects"])


def do_shapley(table: pd.DataFrame) -> pd.Series:
    """Raw Shapley values; it takes no weights, so that each conversion is a row."""
    from do_attribution import ShapleyAttribution

    paths = joined(table)["path"].repeat(table["total_conversions"]).tolist()
    return by_channel(ShapleyAttribution().fit(paths, [1] * len(paths))["shapley_values"])


# mta: totals by path; conversions only


def mta(table: pd.DataFrame, model: str, loops: bool = True, **settings: Any) -> pd.Series:
    """Credit by one of its models, in conversions; loops=False is its default and drops repeats in a row."""
    from mta import MTA

    attributed = MTA(joined(table), allow_loops=loops, add_timepoints=False)
    getattr(attributed, model)(normalize=False, **settings)
    return by_channel(next(iter(attributed.attribution.values())))
