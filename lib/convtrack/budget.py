"""Where the next pound goes: what each channel returns, and the moves of the budget that the data can stand for.

What is said of returns starts from credit, so it is as true as the model that gave the credit: a curve fitted to last-touch
credit says how last-touch credit moved with spend. And spend is rarely set by a coin. Where it follows demand, as in paid
search, where more searches mean more clicks to pay for, credit and cost rise together whether or not the advertisement did
anything. Only spend that was varied on purpose makes a curve causal. What the data cannot say is named, and not guessed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import statsmodels.api as sm
from scipy import stats
from scipy.optimize import LinearConstraint, linprog, minimize

from .attribution.catalogue import get_model
from .attribution.model import Draws, Model
from .errors import ConvtrackError
from .experiments import Effect, holdout_lift, rate_effects
from .gaps import Gap, passes_gaps
from .metrics import Estimate, ad_metrics, week_of
from .paths import Floats, as_paths
from .sessions import need_columns

BOUNDS = (0.025, 0.975)  # of the intervals
RULE_OF_THREE = -np.log(BOUNDS[0])  # none were seen: how many there may be, 3.7 at these bounds
LEAST = 3  # periods: a curve has two numbers, and their error is a third
SMALL = 1e-6  # of the budget: a move below this is rounding
ONE_POINT = "the data show one point of the curve."
UNSURE = "cannot tell apart"
NO_VALUE = Gap("No conversion has a value, so there is no return on spend.", "Give the goal a value in study.yaml.")


# ------------------------------------------------------------------------------------------------ keep or stop


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

    Examples
    --------
    >>> journeys = pd.DataFrame({"visitor_id": list("abcd"), "converted": [True, True, False, True],
    ...     "value": [20.0, 30.0, None, 40.0], "path": [["Email"], ["SMS"], ["SMS", "Email"], ["Email"]]})
    >>> credit = value_intervals(journeys, ["last_touch"], 200, np.random.default_rng(1))
    >>> credit[["channel", "value", "value_low", "value_high"]].values.tolist()
    [['Email', 60.0, 0.0, 120.0], ['SMS', 30.0, 0.0, 90.0]]

    Efron, B. (1979), Bootstrap methods: another look at the jackknife, Annals of Statistics 7, 1-26.
    """
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


# ------------------------------------------------------------------------------------------------ response curves


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
        The period is the Monday. A week counts if spend and journeys reach from its first day to its last. Conversions whose
        value is not known add nothing to it; if none is known in any week, the value is missing. A gap if no week counts, or
        spend is in several currencies.

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
    cells = pd.MultiIndex.from_product([mondays, totals.loc[totals["cost"] > 0, "channel"]], names=["period", "channel"])
    cost = spend["cost"].astype(float).groupby([days - pd.to_timedelta(days.dt.day_of_week, unit="D"), spend["channel"]]).sum()
    credit = [_credit(journeys[weeks == monday], get_model(model)).assign(period=monday) for monday in mondays]
    credited = pd.concat(credit).set_index(["period", "channel"])[["conversions", "value"]].astype(float)
    table = credited.fillna(0.0).reindex(cells, fill_value=0.0)
    table["value"] = table["value"] if credited["value"].notna().any() else np.nan
    table.insert(0, "cost", cost.reindex(cells, fill_value=0.0).to_numpy())
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
        How many.

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
        If a channel has a period twice, a cost is negative, or a number is missing.

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
    wide = {what: periods.pivot(index="period", columns="channel", values=what).sort_index(axis=1).fillna(0.0).astype(float)
            for what in ("cost", outcome)}
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
    powers = sm.add_constant(np.log(cost.to_numpy() / row["cost"]))
    result = sm.GLM(outcome.to_numpy() / outcome.mean(), powers, family=sm.families.Poisson()).fit(scale="X2")
    (level, elasticity), covariance = result.params, result.cov_params()
    low, high = elasticity + stats.t.ppf(BOUNDS, len(cost) - 2) * np.sqrt(covariance[1, 1])
    return row | {"level": np.exp(level) * outcome.mean(), "elasticity": elasticity, "low": low, "high": high,
                  "reason": _doubt(row["spread"], low, high)}, covariance


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
        return (f"it was paused in {paused} of {len(cost)} periods, which say nothing of a curve through 0. "
                f"Take longer periods, or those in which it ran.")
    if len(cost) < LEAST or np.ptp(np.log(cost)) < SMALL:
        return f"its spend varied by {cost.std() / cost.mean():.0%} in {len(cost)} periods: {ONE_POINT}"
    if (outcome < 0).any():
        return "its credit is negative in some periods, and a saturating curve is not."
    return "" if paid_off >= LEAST else f"it has credit in {paid_off} of {len(outcome)} periods."


def _doubt(spread: float, low: float, high: float) -> str:
    """Why the curve that was fitted is none, or nothing."""
    where = f"its spend varied by {spread:.0%}, its elasticity may be {low:.1f} to {high:.1f}"
    if low > 1:
        return f"{where}: credit rose faster than spend, as it does where spend follows demand."
    if high < 0:
        return f"{where}: credit fell as spend rose."
    return f"{where}, wider than from flat to straight: {ONE_POINT}" if high - low > 1 else ""


# ------------------------------------------------------------------------------------------------ reallocation


@dataclass(frozen=True, eq=False)
class Plan:
    """A budget of the same total that is expected to bring more, made only of moves that the data can stand for.

    Attributes
    ----------
    moves : DataFrame
        A row a pair of channels: from, to, difference (of their marginal returns today), difference_low, difference_high
        (95 % of all pairs together), amount (of cost, a period), gain, low, high (of outcome, a period; the gains of the rows
        add up to `gain`), verdict: "move"; "direction only" where the gain of this amount may be 0; "not needed"; or "cannot
        tell apart", and then nothing moves between the two.
    budget : DataFrame
        channel, cost, new_cost, low, high (95 % of the best new costs over the draws), least, most (the limits).
    gain : Estimate
        Of all moves together, a period, with its 95 % interval, the optimism taken off.
    optimism : float
        What the best of many plans promises beyond what it keeps, because it was chosen for its promise.
    """

    moves: pd.DataFrame
    budget: pd.DataFrame
    gain: Estimate
    optimism: float

    @property
    def sentence(self) -> str:
        """What to move and what it brings, and between which channels nothing is moved because the data cannot tell."""
        rows = self.moves[["from", "to", "amount", "verdict"]].to_numpy()
        moves = [f"{amount:,.2f} from {giver} to {taker}" for giver, taker, amount, _ in rows if amount > 0]
        pairs = [f"{giver} and {taker}" for giver, taker, _, verdict in rows if verdict == UNSURE]
        more = [f"and {len(pairs) - 3} more pairs"] if len(pairs) > 3 else []
        brings = f"{self.gain.value:+,.2f} ({self.gain.low:,.2f} to {self.gain.high:,.2f})"
        first = f"Move {', '.join(moves)} a period: {brings}." if moves else "No move is recommended."
        return f"{first} The data cannot tell apart {', '.join(pairs[:3] + more)}." if pairs else first


@passes_gaps
def reallocate(curves: Curves, low: float = 0.5, high: float = 1.5) -> Plan | Gap:
    """The best budget of the same total, by moves between channels that the data can tell apart, with its gain.

    Two channels are told apart if the interval of the difference of their marginal returns leaves out 0. The intervals of all
    pairs hold together in 95 % of cases, because a plan picks among all of them (Mandel, Betensky 2008). Along those pairs,
    from the lower to the higher return, amounts are found that bring most by the fitted curves (SciPy, SLSQP). The curves are
    concave, so there is one best budget, and channels that are not at a limit end with equal marginal returns.

    A plan chosen for its promise promises too much. The whole procedure, with its decision of who can be told apart, is
    therefore repeated for every draw as if that were the estimate, and judged by the fitted curves; what it loses on average,
    where it moves anything, is the optimism (Efron 1983), and is taken off the gain and its interval.

    Parameters
    ----------
    curves : Curves
        As `response_curves` returns them. Channels without a curve keep their cost.
    low, high : float
        Limits of each channel's new cost, as shares of today's. It also stays between the least and the most that were seen.

    Returns
    -------
    Plan or Gap
        A gap if fewer than two channels have a curve.

    Raises
    ------
    ConvtrackError
        If the limits leave today's budget out.

    Examples
    --------
    >>> table = pd.DataFrame({"channel": ["Email", "SMS"], "cost": 100.0, "least": 50.0, "most": 150.0,
    ...                       "level": [800.0, 200.0], "elasticity": 0.5, "reason": ""})
    >>> sure = Curves(table, Numbers(levels=np.array([[800.0, 200.0]]), elasticities=np.full((1, 2), 0.5)))
    >>> reallocate(sure).sentence
    'Move 50.00 from SMS to Email a period: +121.22 (121.22 to 121.22).'

    Mandel, M., Betensky, R. A. (2008), Simultaneous confidence intervals based on the percentile bootstrap approach,
    Computational Statistics and Data Analysis 52, 2158-2165; Efron, B. (1983), Estimating the error rate of a prediction rule,
    Journal of the American Statistical Association 78, 316-331.
    """
    if not 0 <= low <= 1 <= high:
        raise ConvtrackError(f"low={low}, high={high} leave today's budget out. Write low=0.5, high=1.5.")
    rows = curves.known
    if len(rows) < 2:
        return Gap("Money moves between two channels with a response curve.", curves.sentence)
    market, fitted, drawn = _market(rows, low, high), curves.fitted, curves.drawn
    differences = market.differences(drawn)
    bounds = _together(differences)
    new = market.best(fitted, _signs(bounds))
    shifted = bounds[:, None] + differences - market.differences(fitted)
    redone = np.array([market.best(Numbers(*draw), signs) for *draw, signs in zip(*drawn, _signs(shifted), strict=True)])
    optimism = market.optimism(fitted, drawn, redone) if (new != market.today).any() else 0.0
    moves = _moves(market, fitted, drawn, new, bounds, optimism)
    gain = _estimate(market.changes(fitted, new).sum(), market.changes(drawn, new).sum(axis=1), optimism)
    budget = pd.DataFrame({"channel": market.channels, "cost": market.today, "new_cost": new})
    budget[["low", "high"]] = np.quantile(redone, BOUNDS, axis=0).T
    return Plan(moves, budget.assign(least=market.least, most=market.most), gain, optimism)


@dataclass(frozen=True, eq=False)
class _Market:
    """The channels between which money can move: what a period of each costs today, and the limits of what it may cost."""

    channels: list[str]
    today: Floats
    least: Floats
    most: Floats

    @cached_property
    def pairs(self) -> list[tuple[int, int]]:
        """The places of the two channels of each pair."""
        return list(combinations(range(len(self.channels)), 2))

    @cached_property
    def steps(self) -> Floats:
        """What a move along each pair does: -1 to its first channel and 1 to its second; shape (channels, pairs)."""
        first, second = np.transpose(self.pairs)
        each = np.eye(len(self.channels))
        return (each[second] - each[first]).T

    def slopes(self, numbers: Numbers) -> Floats:
        """Marginal returns today."""
        return numbers.levels * numbers.elasticities / self.today

    def differences(self, numbers: Numbers) -> Floats:
        """For each pair, the marginal return of its second channel less that of its first, today."""
        return self.slopes(numbers) @ self.steps

    def changes(self, numbers: Numbers, cost: Floats) -> Floats:
        """What each channel brings more at another cost."""
        return numbers.levels * ((cost / self.today) ** numbers.elasticities - 1)

    def optimism(self, fitted: Numbers, drawn: Numbers, redone: Floats) -> float:
        """What budgets made from draws lose on average when judged by the fitted curves, of those that move anything."""
        excess = (self.changes(drawn, redone) - self.changes(fitted, redone)).sum(axis=1)
        moved = (redone != self.today).any(axis=1)
        return float(excess[moved].sum() / max(moved.sum(), 1))

    def best(self, numbers: Numbers, signs: np.ndarray) -> Floats:
        """The costs that bring most, by moves along the pairs with a sign: to the second channel (1) or to the first (-1)."""
        steps, whole = (self.steps * signs)[:, signs != 0], self.today.sum()
        if not steps.size:
            return self.today
        slopes, scale = self.slopes(numbers), numbers.levels.sum() / whole

        def shares(moved: Floats) -> Floats:
            return 1 + steps @ moved * whole / self.today

        found = minimize(lambda moved: -self.changes(numbers, self.today * shares(moved)).sum() / (scale * whole),
                         np.zeros(steps.shape[1]), method="SLSQP", bounds=[(0, None)] * steps.shape[1],
                         jac=lambda moved: -(slopes * shares(moved) ** (numbers.elasticities - 1)) @ steps / scale,
                         constraints=LinearConstraint(steps, self.least / whole - self.today / whole,
                                                      self.most / whole - self.today / whole),
                         options={"ftol": 1e-12, "maxiter": 500})
        return self.today + steps @ np.where(found.x > SMALL, found.x, 0.0) * whole


def _market(rows: pd.DataFrame, low: float, high: float) -> _Market:
    least, most = np.maximum(low * rows["cost"], rows["least"]), np.minimum(high * rows["cost"], rows["most"])
    return _Market(rows["channel"].tolist(), rows["cost"].to_numpy(), least.to_numpy(), most.to_numpy())


def _together(draws: Floats) -> Floats:
    """Lower and upper bounds, shape (2, columns), that hold in all columns together in 95 % of the draws (rows)."""
    count, ordered = len(draws), np.sort(draws, axis=0)
    ranks = stats.rankdata(draws, axis=0, method="ordinal")
    most_extreme = np.maximum(ranks, count + 1 - ranks).max(axis=1)
    last = int(np.quantile(most_extreme, BOUNDS[1] - BOUNDS[0], method="higher"))
    return np.array([ordered[count - last], ordered[last - 1]])


def _signs(bounds: Floats) -> np.ndarray:
    """1 where both bounds are above 0, -1 where both are below, else 0; bounds come first: shape (2, ...)."""
    return (bounds[0] > 0) * 1 - (bounds[1] < 0) * 1


def _estimate(value: float, draws: Floats, optimism: float) -> Estimate:
    low, high = np.quantile(draws, BOUNDS) - optimism
    return Estimate(float(value - optimism), float(low), float(high))


def _moves(market: _Market, fitted: Numbers, drawn: Numbers, new: Floats, bounds: Floats, optimism: float) -> pd.DataFrame:
    """The table of moves, those that are made first."""
    differences, signs = market.differences(fitted), _signs(bounds)
    amounts = _fewest_moves(market.steps * signs, new - market.today)
    gains, spread = (_gains(market, numbers, new) @ (market.steps * signs) * amounts for numbers in (fitted, drawn))
    taken_off = optimism * gains / (gains.sum() or 1)
    low, high = np.quantile(spread, BOUNDS, axis=0) - taken_off
    up, (first, second) = differences >= 0, np.array(market.channels, dtype=object)[np.transpose(market.pairs)]
    least, most = np.where(up, bounds, -bounds[::-1])
    verdict = np.select([signs == 0, amounts == 0, low > 0], [UNSURE, "not needed", "move"], "direction only")
    return pd.DataFrame({
        "from": np.where(up, first, second), "to": np.where(up, second, first), "difference": np.abs(differences),
        "difference_low": least, "difference_high": most, "amount": amounts, "gain": gains - taken_off, "low": low,
        "high": high, "verdict": verdict}).sort_values("amount", ascending=False, kind="stable", ignore_index=True)


def _fewest_moves(steps: Floats, change: Floats) -> Floats:
    """Amounts along the pairs that make these changes of cost and move the least money."""
    whole = np.abs(change).sum()
    if not whole:
        return np.zeros(steps.shape[1])
    amounts = linprog(np.ones(steps.shape[1]), A_eq=steps, b_eq=change / whole).x * whole
    return np.where(amounts > SMALL * whole, amounts, 0.0)


def _gains(market: _Market, numbers: Numbers, new: Floats) -> Floats:
    """What each channel brings more, for each pound more; where nothing is added, its marginal return."""
    change = new - market.today
    return np.divide(market.changes(numbers, new), change, out=market.slopes(numbers),
                     where=np.abs(change) > SMALL * market.today)


# ------------------------------------------------------------------------------------------------ leaks, and who left


@passes_gaps
def leaks(funnel: pd.DataFrame, segment: str, closed: float = 0.5) -> pd.DataFrame | Gap:
    """Where a segment stays behind all others on the way from step to step, and what closing a part of the gap would bring.

    Parameters
    ----------
    funnel : DataFrame
        As `funnels.funnel_by` returns it, closed.
    segment : str
        Its first column. Rows without a segment are left out.
    closed : float
        The part of the gap that a repair closes, above 0 and at most 1.

    Returns
    -------
    DataFrame or Gap
        `segment`, step, reached (the step before), rate (of them who went on), others (the rate of all other segments), more =
        closed * (others - rate) * reached * the segment's own rate from this step to the last, low, high; the largest first.
        The intervals are those of `rate_effects`, wide enough to hold together in 95 % of cases for all the steps of all
        segments (Bonferroni), since the worst of them is looked for. A gap if no segment stays behind.

    Raises
    ------
    ConvtrackError
        If `closed` is no part of a gap.

    Examples
    --------
    >>> funnel = pd.DataFrame({"device": ["desktop", "desktop", "mobile", "mobile"], "step": ["checkout", "buy"] * 2,
    ...                        "count": [100, 60, 200, 80]})
    >>> leaks(funnel, "device")[["device", "step", "rate", "others", "more"]].round(3).values.tolist()
    [['mobile', 'buy', 0.4, 0.6, 20.0]]
    """
    if not 0 < closed <= 1:
        raise ConvtrackError(f"closed={closed} is no part of a gap. Write half of it as closed=0.5.")
    cells = _cells(funnel, segment)
    if cells.empty:
        return Gap(f"There are no two segments by {segment} to compare on the way.")
    effects = rate_effects(*(cells[name] for name in ("others_on", "others_reached", "went_on", "reached")),
                           confidence=1 - 0.05 / len(cells))
    onward = closed * cells["reached"].to_numpy() * cells["onward"].to_numpy()
    table = cells[[segment, "step", "reached"]].assign(rate=effects["control"], others=effects["treated"])
    table[["more", "low", "high"]] = effects[["difference", "low", "high"]].mul(onward, axis=0)
    behind = table[table["more"] > 0].sort_values("more", ascending=False, kind="stable", ignore_index=True)
    return Gap(f"No {segment} stays behind the others at any step.") if behind.empty else behind


@passes_gaps
def audience_of(events: pd.DataFrame, conversions: pd.DataFrame, step: str, wait_hours: float = 24,
             follow_days: float = 14) -> pd.DataFrame | Gap:
    """The visitors who did a step and had not converted some time later, and whether they then came back and did.

    Parameters
    ----------
    events, conversions : DataFrame
        Tables `events` and `conversions` (of one goal).
    step : str
        The event, such as "add_to_cart".
    wait_hours : float
        Who converts within this time of the first such event has not left.
    follow_days : float
        Until when after it they may come back. Those whose time is not over when the events end are left out.

    Returns
    -------
    DataFrame or Gap
        visitor_id, left_time (of their first such event), came_back. A gap if nobody left.

    Examples
    --------
    >>> day = pd.to_datetime(["2026-01-05", "2026-01-05", "2026-01-05", "2026-02-05"], utc=True)
    >>> events = pd.DataFrame({"visitor_id": list("abcd"), "event_name": ["cart", "cart", "cart", "see"], "event_time": day})
    >>> hours = pd.to_timedelta([2, 50], unit="h")
    >>> won = pd.DataFrame({"visitor_id": ["a", "b"], "conversion_time": day[:2] + hours})
    >>> audience_of(events, won, "cart")[["visitor_id", "came_back"]].values.tolist()
    [['b', True], ['c', False]]
    """
    did = events[events["event_name"] == step].groupby("visitor_id")["event_time"].min()
    left = did[did <= events["event_time"].max() - pd.Timedelta(days=follow_days)].rename("left_time").reset_index()
    later = left.merge(conversions[["visitor_id", "conversion_time"]])
    later["days"] = (later["conversion_time"] - later["left_time"]) / pd.Timedelta(days=1)
    days = left["visitor_id"].map(later[later["days"] >= 0].groupby("visitor_id")["days"].min())
    gone = left.assign(came_back=days <= follow_days)[~(days <= wait_hours / 24)].reset_index(drop=True)
    return gone if len(gone) else Gap(f"Nobody did {step} and left {follow_days:g} days or more before the events end.",
                                      "Name an event of this data that shows interest.")


@passes_gaps
def audience_lift(audience: pd.DataFrame, conversions: pd.DataFrame, assignments: pd.DataFrame, experiment: str, treated: str,
                  control: str) -> Effect | Gap:
    """What the advertisements of a holdout brought in an audience after it had left; as `experiments.holdout_lift` returns it.

    Parameters
    ----------
    audience : DataFrame
        As `audience_of` returns it.
    conversions, assignments : DataFrame
        Tables `conversions` (of one goal) and `assignments`.
    experiment, treated, control : str
        The experiment, its arm with the advertisements and its arm without.

    Returns
    -------
    Effect or Gap
        The check "sample ratio" holds the arms of the audience against the arms of everybody: if it fails, the
        advertisements changed who is in the audience, and the arms cannot be compared. A gap if there is no such experiment,
        or nobody of the audience is in one of the arms.

    Examples
    --------
    >>> left = pd.DataFrame({"visitor_id": list("abcd"), "left_time": pd.Timestamp("2026-01-05", tz="UTC")})
    >>> won = pd.DataFrame({"visitor_id": ["a"], "conversion_time": pd.to_datetime(["2026-01-06"], utc=True), "value": 30.0})
    >>> arms = pd.DataFrame({"experiment": "test", "visitor_id": list("abcdef"), "arm": ["ads", "none"] * 3})
    >>> audience_lift(left, won, arms, "test", "ads", "none").table.loc[0, ["treated", "control"]].tolist()
    [0.5, 0.0]
    """
    everybody = assignments[assignments["experiment"] == experiment]
    people = everybody.filter(["experiment", "visitor_id", "arm"]).merge(audience[["visitor_id", "left_time"]])
    if not {treated, control} <= set(people["arm"]):
        return Gap(f"Nobody of this audience is in both arms {treated} and {control} of an experiment {experiment}.",
                   "Hold the advertisements back from a random part of your visitors, as in lesson 09.")
    planned = everybody["arm"].value_counts().to_dict()
    people = people.rename(columns={"left_time": "assigned_time"})
    return holdout_lift(people, conversions, experiment, planned, treated, control)


def _cells(funnel: pd.DataFrame, segment: str) -> pd.DataFrame:
    """For each segment and step, how many reached the step before and went on, here and elsewhere, and the rate from it on."""
    steps = list(funnel["step"].unique())
    counts = funnel.dropna(subset=segment).pivot(index=segment, columns="step", values="count")[steps]
    before, others = counts.shift(axis=1), counts.sum() - counts
    parts = {"reached": before, "went_on": counts, "others_reached": others.shift(axis=1), "others_on": others,
             "onward": counts.rdiv(counts[steps[-1]], axis=0)}
    cells = pd.DataFrame({name: part.stack() for name, part in parts.items()}).dropna().reset_index()
    return cells[(cells["reached"] > 0) & (cells["others_reached"] > 0)].reset_index(drop=True)


# ------------------------------------------------------------------------------------------------ what a decision cost


@passes_gaps
def regrets(switches: pd.DataFrame, kept: pd.DataFrame, margin: float) -> pd.DataFrame:
    """What each decision earns where the outcome of all of them is known, and what it loses against the best of them.

    Parameters
    ----------
    switches : DataFrame
        A world a row, one for each subset of some channels: on (the list of those that are on), value, cost.
    kept : DataFrame
        A row a channel, a column a decision: True where the channel stays on. A channel of which it says nothing stays on.
    margin : float
        The share of value that is left after the cost of goods.

    Returns
    -------
    DataFrame
        decision, on (the channels that stay), profit = margin * value - cost, regret = the highest profit of any world - this
        profit. In the order of `kept`; the last row is the best world.

    Raises
    ------
    ConvtrackError
        If the worlds do not have a decision.

    Examples
    --------
    >>> switches = pd.DataFrame({"on": [[], ["A"], ["B"], ["A", "B"]], "value": [50.0, 90.0, 70.0, 100.0],
    ...                          "cost": [0.0, 10.0, 20.0, 30.0]})
    >>> kept = pd.DataFrame({"as things are": [True, True], "keep B": [False, True]}, index=["A", "B"])
    >>> regrets(switches, kept, margin=0.5).values.tolist()
    [['as things are', ['A', 'B'], 20.0, 15.0], ['keep B', ['B'], 15.0, 20.0], ['the best of all', ['A'], 35.0, 0.0]]
    """
    need_columns(switches, ["on", "value", "cost"], "switches")
    earned = margin * switches["value"] - switches["cost"]
    profits = dict(zip(map(frozenset, switches["on"]), earned, strict=True))
    stays = kept.reindex(sorted(frozenset().union(*profits)), fill_value=True).astype(bool)
    chosen = {name: frozenset(stays.index[stays[name]]) for name in stays} | {"the best of all": max(profits, key=profits.get)}
    untried = next((name for name, on in chosen.items() if on not in profits), None)
    if untried is not None:
        raise ConvtrackError(f"No world has the channels of '{untried}' on and the others off. Give every subset a row.")
    rows = [(name, sorted(on), profits[on], max(profits.values()) - profits[on]) for name, on in chosen.items()]
    return pd.DataFrame(rows, columns=["decision", "on", "profit", "regret"])
