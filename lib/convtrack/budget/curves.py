"""Response curves: what a channel brings at other costs, and what the last pound of it brought."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from scipy import stats
from scipy.optimize import brentq
from scipy.special import logsumexp, softmax

from ..attribution.catalogue import get_model
from ..attribution.model import Model
from ..errors import ConvtrackError
from ..gaps import Gap, passes_gaps
from ..metrics import ad_metrics, week_of
from ..paths import Floats, as_paths
from ..sessions import need_columns
from ..texts import plural
from .credit import BOUNDS, NO_VALUE

LEAST = 3  # periods: a curve has two numbers, and their error is a third
SAME = 1e-6  # of the logarithm of cost: less is no difference
EXACT = 1e-9  # of an elasticity, and of a return: what lies closer cannot be told from rounding
WIDER, FINEST = 2.0 ** np.arange(40), 1e-14  # how far from 0 the elasticity is looked for, and how closely it is found
ONE_POINT = "the data show one point of the curve."


class Numbers(NamedTuple):
    """Levels and elasticities of curves; shape (channels,), or (draws, channels)."""

    levels: Floats
    elasticities: Floats


@dataclass(frozen=True, eq=False)
class Curves:
    """Response curves, value = level * (cost / today's cost) ^ elasticity, and many draws of their two numbers.

    Attributes
    ----------
    table : DataFrame
        A row a channel: channel, periods, cost (today's: the mean of a period), least, most (cost of a period), spread
        (standard deviation of the cost / its mean), level (outcome of a period at today's cost), elasticity, low, high (its
        95 % interval, as estimated), reason (why there is no curve; empty where there is one). NaN where nothing can be fitted.
    drawn : Numbers
        Draws for the channels with a curve, in the order of the table; elasticities are held between 0 and 1.
    """

    table: pd.DataFrame
    drawn: Numbers

    @property
    def known(self) -> pd.DataFrame:
        """The rows of the table with a curve, the elasticity held between 0 and 1."""
        rows = self.table[self.table["reason"] == ""].reset_index(drop=True)
        return rows.assign(elasticity=rows["elasticity"].clip(0, 1))

    @property
    def fitted(self) -> Numbers:
        """The estimates themselves, elasticities held between 0 and 1."""
        return Numbers(self.known["level"].to_numpy(), self.known["elasticity"].to_numpy())

    @property
    def sentence(self) -> str:
        """How many channels have a curve, and why the others have none."""
        rows = self.table[self.table["reason"] != ""]
        why = " ".join(f"{row.channel}: {row.reason}" for row in rows.itertuples())
        return f"{len(self.table) - len(rows)} of {len(self.table)} channels have a response curve. {why}".strip()

    def points(self, count: int = 25) -> pd.DataFrame | Gap:
        """The curves over the costs that were seen, to draw them: channel, cost, value, low, high; a gap if there is none."""
        if count < 1:
            raise ConvtrackError(f"count={count} leaves no point to draw. Give a number of 1 or more.")
        rows = self.known
        if rows.empty:
            return Gap(self.sentence)
        cost = np.linspace(rows["least"], rows["most"], count)
        shares = cost / rows["cost"].to_numpy()
        low, high = np.quantile(self.drawn.levels * shares[:, None] ** self.drawn.elasticities, BOUNDS, axis=1)
        columns = {"cost": cost, "value": self.fitted.levels * shares ** self.fitted.elasticities, "low": low, "high": high}
        names = rows["channel"].repeat(count).reset_index(drop=True)
        return pd.DataFrame({"channel": names} | {name: of.T.ravel() for name, of in columns.items()})


@passes_gaps
def weekly(spend: pd.DataFrame, journeys: pd.DataFrame, model: str | Model, time_zone: str) -> pd.DataFrame | Gap:
    """What each paid channel cost and was credited with in each full week: period, channel, cost, conversions, value.

    Parameters
    ----------
    spend, journeys : DataFrame
        Table `spend`, of one currency; journeys as `build_journeys` returns them.
    model : str or Model
        Gives the credit, to the journeys of each week by themselves. A conversion belongs to the week in which it happened, so
        the part of a touch's effect that takes longer than the week is booked against another week's cost.
    time_zone : str
        In which weeks begin, on Monday.

    Returns
    -------
    DataFrame or Gap
        The period is the Monday. A week counts if spend and journeys reach from its first day to its last, and the value of
        some of its conversions is known; the value covers those. If none is known in any week, the value is missing, and
        every week counts. A cost is missing where a part of it is. A gap if no week counts, or spend is in several currencies.

    Examples
    --------
    >>> days = pd.date_range("2026-01-05", periods=7)
    >>> spend = pd.DataFrame({"date": days, "channel": "Email", "cost": 2.0})
    >>> journeys = pd.DataFrame({"end_time": days[[0, 6]].tz_localize("UTC"), "path": [["Email"], ["SMS"]],
    ...     "converted": True, "value": [30.0, 40.0]})
    >>> weekly(spend, journeys, "last_touch", "UTC").iloc[:, 1:].values.tolist()
    [['Email', 14.0, 1.0, 30.0]]
    """
    need_columns(spend, ["date", "channel", "cost"], "spend")
    need_columns(journeys, ["end_time", "converted"], "journeys")
    totals = ad_metrics(spend)
    if isinstance(totals, Gap):
        return totals
    days, weeks = pd.to_datetime(spend["date"]), week_of(journeys["end_time"], time_zone)
    ends = journeys["end_time"].dt.tz_convert(time_zone).dt.tz_localize(None)
    first, last = max(days.min(), ends.min().normalize()), min(days.max(), ends.max().normalize())
    mondays = pd.date_range(first, last - pd.Timedelta(days=6), freq="W-MON")
    if mondays.empty:
        return Gap("Spend and journeys have no full week in common, from Monday to Sunday.")
    by_week = spend["cost"].astype(float).groupby([days - pd.to_timedelta(days.dt.day_of_week, unit="D"), spend["channel"]])
    credit = [_credit(journeys[weeks == monday], get_model(model)).assign(period=monday) for monday in mondays]
    credited = pd.concat(credit).set_index(["period", "channel"])[["conversions", "value"]].astype(float)
    unvalued = credited.index[credited["value"].isna() & (credited["conversions"] != 0)].unique("period")
    if credited["value"].notna().any():
        mondays = mondays.difference(unvalued)
    if mondays.empty:
        return Gap("No full week has conversions of known value.", NO_VALUE.remedy)
    cells = pd.MultiIndex.from_product([mondays, totals.loc[~(totals["cost"] <= 0), "channel"]], names=["period", "channel"])
    table = credited.fillna({"value": 0.0}).reindex(cells, fill_value=0.0)
    table["value"] = table["value"] if credited["value"].notna().any() else np.nan
    table.insert(0, "cost", by_week.sum(skipna=False).reindex(cells, fill_value=0.0).to_numpy())
    return table.reset_index()


@passes_gaps
def response_curves(periods: pd.DataFrame, rng: np.random.Generator, outcome: str = "value", draws: int = 1000) -> Curves | Gap:
    """For each channel, the outcome of a period as a saturating curve of its cost, or the reason why there is none.

    The curve is a power of cost: outcome = level * (cost / today's cost) ^ elasticity, with an elasticity between 0 (flat) and
    1 (a straight line). It passes through 0, as credit does where nothing is spent. Two numbers are what a dozen weeks can
    carry. A Hill curve has three, and what would tell them apart lies beyond the spend that was seen (Jin and others 2017).
    Within it, any smooth curve is close to a power, and `reallocate` never leaves it. The fit is quasi-Poisson regression on
    the logarithm of cost, which allows for weeks without a conversion (Santos Silva, Tenreyro 2006).

    What the curve means: had spend been higher in a week like these, and for no reason that also moves demand, this much more
    would have been credited. Spend that follows demand breaks the condition, and the curve is then too steep. A test that
    costs nothing: put the value of unpaid channels in place of the channel's own. A curve found there is demand.

    Parameters
    ----------
    periods : DataFrame
        period, channel, cost, and the outcome: a row a channel and week (or day), as `weekly` returns it.
    rng : numpy Generator
        Draws level and elasticity, from the t distribution of their estimates; channels independently of each other.
    outcome : str
        The column: "value" or "conversions".
    draws : int
        How many, 1 or more.

    Returns
    -------
    Curves or Gap
        Its `table` has every channel with a cost, its `sentence` says which have a curve. A channel has none if the 95 %
        interval of its elasticity is wider than 1, the whole way from a flat curve to a straight line: the data then show one
        point of it. Nor if the interval lies outside 0 to 1, if a period passed without spend, or if fewer than 3 periods have
        credit. A gap without any cost, or if no outcome is known.

    Raises
    ------
    ConvtrackError
        If a channel has a period twice, a cost is negative, a number is missing, or nothing is to be drawn.

    Examples
    --------
    >>> cost = np.array([50.0, 80, 120, 200, 60, 150])
    >>> noise = np.array([1.02, 0.97, 1.01, 0.99, 1.03, 0.98])
    >>> periods = pd.DataFrame({"period": range(6), "channel": "Email", "cost": cost, "value": 30 * cost**0.5 * noise})
    >>> curves = response_curves(periods, np.random.default_rng(1))
    >>> curves.table[["channel", "elasticity", "low", "high"]].round(2).values.tolist()
    [['Email', 0.48, 0.43, 0.53]]

    Jin, Y., and others (2017), Bayesian methods for media mix modeling with carryover and shape effects, Google; Santos Silva,
    J. M. C., Tenreyro, S. (2006), The log of gravity, Review of Economics and Statistics 88, 641-658.
    """
    need_columns(periods, ["period", "channel", "cost", outcome], "periods")
    missing = _unusable(periods, outcome)
    if missing is not None:
        return missing
    if draws < 1:
        raise ConvtrackError(f"draws={draws} draws nothing. Give a number of 1 or more.")
    wide = {what: periods.pivot(index="period", columns="channel", values=what).sort_index(axis=1).fillna(0.0).astype(float)
            for what in ("cost", outcome)}  # only what is not listed can be missing here
    channels = wide["cost"].columns[wide["cost"].sum() > 0]
    fits = [_fit(wide["cost"][channel], wide[outcome][channel]) for channel in channels]
    drawn = [_draw(*fit, rng, draws) for fit in fits if not fit[0]["reason"]]
    levels, elasticities = np.reshape(drawn, (-1, 2, draws)).transpose(1, 2, 0)
    return Curves(pd.DataFrame([row for row, _ in fits]), Numbers(levels, elasticities))


@passes_gaps
def marginal_returns(curves: Curves) -> pd.DataFrame | Gap:
    """What a channel returns on all it costs, and what the last pound of it returns, with 95 % intervals.

    Parameters
    ----------
    curves : Curves
        As `response_curves` returns them.

    Returns
    -------
    DataFrame or Gap
        channel, cost, value (of a period, at today's cost), average = value / cost, average_low, average_high, marginal =
        elasticity * average, the slope of the curve, marginal_low, marginal_high. A gap if no channel has a curve.

    Examples
    --------
    >>> table = pd.DataFrame({"channel": ["Email"], "cost": [50.0], "level": [200.0], "elasticity": [0.5], "reason": ""})
    >>> curves = Curves(table, Numbers(levels=np.array([[200.0]]), elasticities=np.array([[0.5]])))
    >>> marginal_returns(curves)[["channel", "average", "marginal"]].values.tolist()
    [['Email', 4.0, 2.0]]
    """
    rows = curves.known
    if rows.empty:
        return Gap(curves.sentence)
    average = curves.drawn.levels / rows["cost"].to_numpy()
    table = rows[["channel", "cost"]].assign(value=rows["level"], average=rows["level"] / rows["cost"])
    table[["average_low", "average_high"]] = np.quantile(average, BOUNDS, axis=0).T
    table["marginal"] = table["average"] * rows["elasticity"]
    table[["marginal_low", "marginal_high"]] = np.quantile(average * curves.drawn.elasticities, BOUNDS, axis=0).T
    return table


def _credit(journeys: pd.DataFrame, model: Model) -> pd.DataFrame:
    won = journeys["converted"].any()
    return model.credit(as_paths(journeys)) if won else pd.DataFrame(columns=["channel", "conversions", "value"])


def _unusable(periods: pd.DataFrame, outcome: str) -> Gap | None:
    """Why no curve at all can be fitted, or None; a row that is wrong is an error."""
    if periods[outcome].isna().all():
        return NO_VALUE
    wrong = {"stands there twice. Add its rows up first.": periods.duplicated(["period", "channel"]),
             "has a negative cost. Correct the row.": periods["cost"] < 0,
             f"lacks its cost or its {outcome}. Write 0 if there was none.": periods[["cost", outcome]].isna().any(axis=1)}
    for what, rows in wrong.items():
        for row in periods[rows].itertuples():
            raise ConvtrackError(f"{row.channel} in period {row.period} {what}")
    return None if periods["cost"].sum() > 0 else Gap("No channel has a cost, so there is no response to it.")


def _fit(cost: pd.Series, outcome: pd.Series) -> tuple[dict[str, Any], Floats]:
    """A row of the table of curves, and the covariance of the level's logarithm and the elasticity."""
    row = {"channel": cost.name, "periods": len(cost), "cost": cost.mean(), "least": cost.min(), "most": cost.max(),
           "spread": cost.std(ddof=0) / cost.mean(), "level": np.nan, "elasticity": np.nan, "low": np.nan, "high": np.nan,
           "reason": _obstacle(cost.to_numpy(), outcome.to_numpy())}
    if row["reason"]:
        return row, np.zeros((2, 2))
    found = _likeliest(np.log(cost.to_numpy() / row["cost"]), outcome.to_numpy() / outcome.mean())
    if found is None:
        return row | {"reason": "the search for its curve has not arrived."}, np.zeros((2, 2))
    (level, elasticity), covariance = found
    low, high = elasticity + stats.t.ppf(BOUNDS, len(cost) - 2) * np.sqrt(covariance[1, 1])
    return row | {"level": np.exp(level) * outcome.mean(), "elasticity": elasticity, "low": low, "high": high,
                  "reason": _doubt(row["spread"], low, high)}, covariance


def _likeliest(log_cost: Floats, outcome: Floats) -> tuple[Floats, Floats] | None:
    """The logarithm of the level and the elasticity, and their covariance; None where the search did not arrive.

    The likeliest curve shares the outcome out among the periods with the same mean of `log_cost` as it has. That mean rises with
    the elasticity, so there is one, between any two at which it is too low and too high.
    """
    if np.ptp(outcome) == 0:
        return np.zeros(2), np.zeros((2, 2))  # flat, without a doubt
    total = outcome.sum()

    def excess(elasticity: float) -> float:
        return (_shares(log_cost, elasticity) - outcome / total) @ log_cost

    reach = next((far for far in WIDER if excess(-far) < 0 < excess(far)), None)
    elasticity, search = brentq(excess, -reach, reach, xtol=FINEST, full_output=True, disp=False) if reach else (np.nan, None)
    if search is None or not search.converged:
        return None
    shares = _shares(log_cost, elasticity)
    fitted, middle = total * shares, shares @ log_cost
    with np.errstate(all="ignore"):  # a period in which the curve brings nothing
        noise = np.nansum((outcome - fitted) ** 2 / fitted) / (len(outcome) - 2)  # Pearson's, of each unit
        error = noise / (fitted @ (log_cost - middle) ** 2)
    level = np.log(total) - logsumexp(elasticity * log_cost)
    return np.array([level, elasticity]), np.array([[noise / total + middle**2 * error, -middle * error], [-middle * error, error]])


def _shares(log_cost: Floats, elasticity: float) -> Floats:
    """Each period's share of the outcome, by a curve of this elasticity."""
    return softmax(elasticity * log_cost)


def _draw(row: dict[str, Any], covariance: Floats, rng: np.random.Generator, count: int) -> Floats:
    """Draws of level and elasticity, shape (2, count)."""
    centre = [np.log(row["level"]), row["elasticity"]]
    estimates = stats.multivariate_t(centre, covariance, row["periods"] - 2, allow_singular=True)
    level, elasticity = estimates.rvs(count, random_state=rng).reshape(count, 2).T
    return np.array([np.exp(level), np.clip(elasticity, 0, 1)])


def _obstacle(cost: Floats, outcome: Floats) -> str:
    """Why no curve can be fitted, or nothing."""
    paused, paid_off = int((cost == 0).sum()), int((outcome > 0).sum())
    if paused:
        return (f"it was paused in {paused} of {plural(len(cost), 'period')}, which say nothing of a curve through 0. "
                f"Take longer periods, or those in which it ran.")
    if len(cost) < LEAST or np.ptp(np.log(cost)) < SAME:
        return f"its spend varied by {cost.std() / cost.mean():.0%} in {plural(len(cost), 'period')}: {ONE_POINT}"
    if (outcome < 0).any():
        return "its credit is negative in some periods, and a saturating curve is not."
    if paid_off < LEAST:
        return f"it has credit in {paid_off} of {plural(len(outcome), 'period')}."
    ends = {"highest": cost == cost.max(), "lowest": cost == cost.min()}
    end = next((end for end, periods in ends.items() if periods[outcome > 0].all()), "")
    return f"all its credit came in the periods of its {end} spend: {ONE_POINT}" if end else ""


def _doubt(spread: float, low: float, high: float) -> str:
    """Why the curve that was fitted is none, or nothing."""
    where = f"its spend varied by {spread:.0%}, its elasticity may be {low:.1f} to {high:.1f}"
    if low > 1 + EXACT:
        return f"{where}: credit rose faster than spend, as it does where spend follows demand."
    if high < -EXACT:
        return f"{where}: credit fell as spend rose."
    return f"{where}, wider than from flat to straight: {ONE_POINT}" if high - low > 1 else ""
