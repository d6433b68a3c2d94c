"""Geo tests: what a campaign in some places brought, by difference in differences against the others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.stats import ttest_ind

from ..errors import ConvtrackError, nearest
from ..gaps import Gap, passes_gaps
from ..sessions import need_columns
from ..texts import fmt
from .effects import Check, Effect, effect_rows, lift_in_words, tail


FEWEST = 3  # places a group: two say too little about chance for the interval to hold what it promises


class Growth(NamedTuple):
    """How much more the treated places grew, as a lift, with its interval and p-value."""

    lift: float
    low: float
    high: float
    p_value: float


@passes_gaps
def geo_lift(panel: pd.DataFrame, treated: Sequence[str], start: str | pd.Timestamp, confidence: float = 0.95) -> Effect | Gap:
    """What a campaign brought in the places that had it: how much more these grew than the others did.

    Parameters
    ----------
    panel : DataFrame
        date | geo | outcome: a row for each place and day (or week), from before the start and after it.
    treated : list of str
        The places with the campaign.
    start : date
        Its first day.
    confidence : float
        Between 0 and 1.

    Returns
    -------
    Effect or Gap
        One row: treated is the mean outcome of a place and day with the campaign, control what it would have been without;
        visitors and control_visitors count places times days; incremental is over all treated places and days. A place's
        growth is the log of its mean outcome since the start over that before, and the difference of the groups' mean growth is
        log(1 + lift): a season that raises all places by the same per cent is taken out, and every place counts once. Check
        "placebo": the same with a pretended start in the middle of the time before. A gap with fewer than three places a
        group, or if those of a group all grew alike.

        Days of one place may depend on each other: only places are taken to be independent, as by clustered errors. These are
        HC2 over places with Welch's degrees of freedom, because the usual ones fail where few places have the campaign.

    Raises
    ------
    ConvtrackError
        If a place is unknown, a row is missing or there twice, a place had no outcome on one side of the start, or there is no
        date on one side.

    Examples
    --------
    >>> dates = pd.date_range("2026-01-05", periods=4)
    >>> sold = {"Bath": [10, 10, 22, 22], "York": [20, 20, 44, 46], "Deal": [10, 10, 22, 22],
    ...         "Hull": [10, 10, 20, 20], "Ely": [5, 5, 10, 11], "Wells": [10, 10, 20, 20]}
    >>> panel = pd.DataFrame([(day, geo, n) for geo in sold for day, n in zip(dates, sold[geo])],
    ...                      columns=["date", "geo", "outcome"])
    >>> geo_lift(panel, ["Bath", "York", "Deal"], "2026-01-07").table[["treated", "control", "lift"]].round(3).values.tolist()
    [[29.667, 27.207, 0.09]]

    Bertrand, Duflo, Mullainathan (2004), How much should we trust differences-in-differences estimates?, Quarterly Journal of
    Economics 119, 249-275. Imbens, Kolesar (2016), Robust standard errors in small samples, Review of Economics and
    Statistics 98, 701-712.
    """
    wide, start = _by_place(panel, treated), pd.Timestamp(start)
    if min(len(set(treated)), wide.shape[1] - len(set(treated))) < FEWEST:
        return Gap(f"A geo test needs {FEWEST} or more places with the campaign, and as many without.", "Add places.")
    growth = _difference(_growth(wide, start), treated, confidence)
    if growth is None:
        return Gap("All places of a group grew alike, so nothing says how much of the difference is chance.")
    table = _as_rows(growth, wide.loc[wide.index >= start], treated)
    placebo = _placebo(wide.loc[wide.index < start], treated, confidence)
    said = f"Outcome of a place and day: {lift_in_words(table.iloc[0], confidence)}"
    return Effect(table, f"{said} {placebo.sentence}", (placebo,))


def _by_place(panel: pd.DataFrame, treated: Sequence[str]) -> pd.DataFrame:
    """The outcome with a row a date and a column a place."""
    need_columns(panel, ["date", "geo", "outcome"], "panel")
    for place in treated:
        if place not in set(panel["geo"]):
            raise ConvtrackError(f"panel has no geo '{place}'.{nearest(place, panel['geo'])}")
    rows = panel.assign(date=pd.to_datetime(panel["date"]))
    for _, row in rows[rows.duplicated(["date", "geo"])].head(1).iterrows():
        raise ConvtrackError(f"panel has two rows for {row['geo']} on {row['date']:%Y-%m-%d}. Add them up.")
    wide = rows.pivot(index="date", columns="geo", values="outcome").sort_index().astype(float)
    for date, place in wide.isna().stack().loc[lambda missing: missing].index[:1]:
        raise ConvtrackError(f"panel has no outcome for {place} on {date:%Y-%m-%d}. Write 0 if nothing came, or leave it out.")
    return wide


def _growth(wide: pd.DataFrame, start: pd.Timestamp) -> pd.Series:
    """The growth of each place."""
    sides = {"before": wide.loc[wide.index < start], "from": wide.loc[wide.index >= start]}
    for side, rows in sides.items():
        if rows.empty:
            raise ConvtrackError(f"panel has no date {side} the start, {start:%Y-%m-%d}. Give dates on both sides of it.")
        for place in wide.columns[~(rows.mean() > 0)][:1]:
            raise ConvtrackError(f"{place} had no outcome {side} {start:%Y-%m-%d}, so it has no growth. "
                                 f"Join it with another place.")
    return np.log(sides["from"].mean()) - np.log(sides["before"].mean())


def _difference(growth: pd.Series, treated: Sequence[str], confidence: float) -> Growth | None:
    """The difference of the groups' mean growth; None where the places of a group are all alike."""
    here = growth.index.isin(treated)
    groups = growth[here].to_numpy(), growth[~here].to_numpy()
    if min(map(np.ptp, groups)) < 1e-12:
        return None
    test = ttest_ind(*groups, equal_var=False)
    low, high = test.confidence_interval(1 - 2 * tail(confidence))
    return Growth(*np.expm1([groups[0].mean() - groups[1].mean(), low, high]), test.pvalue)


def _as_rows(growth: Growth, since: pd.DataFrame, treated: Sequence[str]) -> pd.DataFrame:
    here = since.columns.isin(treated)
    seen = since.loc[:, here].to_numpy().mean()
    lifts = np.array([growth[:3]]).T
    without, most_without, least_without = seen / (1 + lifts)  # the lower the lift, the more would have come without
    visitors = np.array([here.sum()]) * len(since), np.array([(~here).sum()]) * len(since)
    table = effect_rows(visitors, (np.array([seen]), without), (seen - most_without, seen - least_without),
                        (lifts[1], lifts[2]), np.array([growth.p_value]))
    table.insert(0, "outcome", "outcome of a place and day")
    return table


def _placebo(before: pd.DataFrame, treated: Sequence[str], confidence: float) -> Check:
    middle = len(before) // 2
    halves = [half.mean().gt(0).all() for half in (before.iloc[:middle], before.iloc[middle:])]
    start = before.index[middle]
    growth = _difference(_growth(before, start), treated, confidence) if middle and all(halves) else None
    if growth is None:
        return Check("placebo", "cannot tell", "Placebo cannot be told: too little happened before the start.")
    status = "passed" if growth.low <= 0 <= growth.high else "failed"
    lift, low, high = (fmt(value, "share", 1) for value in growth[:3])
    return Check("placebo", status, f"Placebo {status}: a pretended start on {start:%Y-%m-%d} gives a lift of {lift} "
                                    f"({low} to {high}).")
