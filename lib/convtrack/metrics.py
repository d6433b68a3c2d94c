"""Rates and values, each with its formula, its numerator and denominator by name, an interval if sampled.

Every metric has one definition card in `metric_cards.yaml`; the tables, the glossary and the lessons take formula and
names from there.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from importlib import resources
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import yaml
from scipy.stats import norm
from statsmodels.stats.proportion import proportion_confint

from .errors import ConvtrackError, nearest
from .gaps import Gap, mixed_currencies, passes_gaps
from .sessions import SESSION_KEY, has_conversion, need_columns

METRIC_COLUMNS = ["metric", "numerator", "denominator", "numerator_name", "denominator_name", "value", "low", "high", "formula"]

_RESAMPLES = 2000  # of a bootstrap


class Estimate(NamedTuple):
    """A value and the interval around it."""

    value: float
    low: float
    high: float


class Card(NamedTuple):
    """What a metric is: formula, numerator and denominator by name, and what it misleads about."""

    formula: str
    numerator: str
    denominator: str
    misleads: str


_CARDS_TEXT = resources.files("convtrack").joinpath("metric_cards.yaml").read_text(encoding="utf-8")
CARDS = {name: Card(**card) for name, card in yaml.safe_load(_CARDS_TEXT).items()}


@passes_gaps
def cards() -> pd.DataFrame:
    """The definition card of every metric: metric, formula, numerator, denominator, misleads.

    Examples
    --------
    >>> cards().set_index("metric").loc["return on ad spend (ROAS)", "formula"]
    'value / cost'
    """
    return pd.DataFrame([(name, *card) for name, card in CARDS.items()], columns=["metric", *Card._fields])


@passes_gaps
def ratio(a: Any, b: Any) -> Any:
    """a / b, element by element, with NaN where b is 0; of two numbers, the quotient or a gap.

    Parameters
    ----------
    a, b : number, array or Series
        Numerator and denominator.

    Returns
    -------
    float, array, Series or Gap
        NaN in an array or Series, and a gap for two numbers, where b is 0 or a part is missing.

    Examples
    --------
    >>> ratio(pd.Series([1, 2]), pd.Series([4, 0])).tolist(), ratio(1, 4), bool(ratio(1, 0))
    ([0.25, nan], 0.25, False)
    """
    if np.ndim(a) == np.ndim(b) == 0:
        known = b != 0 and pd.notna(a) and pd.notna(b)
        return float(a / b) if known else Gap("The denominator is 0 or a part is missing: there is no ratio.")
    return a / np.where(np.asarray(b, dtype=float) == 0, np.nan, b)


@passes_gaps
def rate(successes: float, trials: float, confidence: float = 0.95) -> Estimate | Gap:
    """successes / trials with its Wilson interval: (value, low, high).

    Parameters
    ----------
    successes, trials : number
        Of how many trials each either did or did not: sessions with a conversion, of sessions.
    confidence : float
        Between 0 and 1.

    Returns
    -------
    Estimate or Gap
        A gap if there are no trials.

    Raises
    ------
    ConvtrackError
        If there are more successes than trials, or less than 0, or the confidence is not between 0 and 1.

    Examples
    --------
    >>> [round(x, 4) for x in rate(5, 100)]
    [0.05, 0.0215, 0.1118]

    Wilson, E. B. (1927), Probable inference, Journal of the American Statistical Association 22, 209-212.
    """
    if not 0 <= successes <= trials:
        raise ConvtrackError(f"{successes} of {trials} is no rate: count the trials with a success.")
    low, high = _wilson([successes], [trials], confidence)
    if not trials:
        return Gap("There are no trials, so there is no rate.")
    return Estimate(float(successes / trials), float(low[0]), float(high[0]))


@passes_gaps
def mean_interval(values: Sequence[float] | pd.Series, rng: np.random.Generator,
                  confidence: float = 0.95) -> Estimate | Gap:
    """The mean of the known values with its bootstrap interval: (value, low, high).

    Parameters
    ----------
    values : list of float
        Missing ones are left out; their order does not matter.
    rng : numpy Generator
        Where the random numbers come from.
    confidence : float
        Between 0 and 1.

    Returns
    -------
    Estimate or Gap
        The bounds are quantiles of the means of 2,000 resamples, drawn with replacement, and missing if there
        is one value only. A gap without values.

    Examples
    --------
    >>> [round(x, 2) for x in mean_interval([10, 20, 30, 40], np.random.default_rng(1))]
    [25.0, 15.0, 35.0]

    Efron, B. (1979), Bootstrap methods: another look at the jackknife, Annals of Statistics 7, 1-26.
    """
    tail = _tail(confidence)
    known = np.sort(pd.Series(values, dtype=float).dropna())
    if not known.size:
        return Gap("No value is known, so there is no mean.")
    if known.size == 1:
        return Estimate(float(known[0]), np.nan, np.nan)
    means = [known[rng.integers(0, known.size, known.size)].mean() for _ in range(_RESAMPLES)]
    low, high = np.quantile(means, [tail, 1 - tail])
    return Estimate(float(known.mean()), float(low), float(high))


@passes_gaps
def conversion_rates(sessions: pd.DataFrame, conversions: pd.DataFrame, clicks: float | None = None,
                     click_conversions: float | None = None) -> pd.DataFrame | Gap:
    """The conversion rates that go by the same name, one row each, with their numerators and denominators.

    Parameters
    ----------
    sessions, conversions : DataFrame
        Tables `sessions` and `conversions` (of one goal, usually).
    clicks : number, optional
        Clicks on advertisements, such as spend["clicks"].sum(). Without it there is no row per click.
    click_conversions : number, optional
        The conversions credited to those clicks; all of them, if not given.

    Returns
    -------
    DataFrame or Gap
        metric, numerator, denominator, numerator_name, denominator_name, value, low, high, formula. Per
        visitor and per session: Wilson intervals, of 95 %. Conversions per session: normal interval of a mean.
        Per click: none, for clicks are not known one by one. NaN: no denominator, or conversions that carry no
        session_id. A gap without sessions.

    Raises
    ------
    ConvtrackError
        If a count is negative.

    Examples
    --------
    >>> sessions = pd.DataFrame({"visitor_id": list("aab"), "session_id": ["a-1", "a-2", "b-1"]})
    >>> conversions = pd.DataFrame({"visitor_id": ["a", "a"], "session_id": ["a-2", "a-2"]})
    >>> conversion_rates(sessions, conversions)[["numerator", "denominator"]].values.tolist()
    [[1, 2], [1, 3], [2, 3]]
    """
    need_columns(sessions, SESSION_KEY, "sessions")
    for name, count in (("clicks", clicks), ("click_conversions", click_conversions)):
        if count is not None and count < 0:
            raise ConvtrackError(f"{name}={count} is no count. Give a number of 0 or more.")
    if sessions.empty:
        return Gap("There are no sessions, so there is no conversion rate.")
    visitors = sessions["visitor_id"].drop_duplicates()
    converted = visitors.isin(conversions["visitor_id"]).sum()
    rows = [_rate_row("conversion rate per visitor", converted, len(visitors)), *_per_session(sessions, conversions)]
    if clicks is not None:
        won = len(conversions) if click_conversions is None else click_conversions
        rows.append(_row("conversions per click", won, clicks))
    return pd.DataFrame(rows, columns=METRIC_COLUMNS)


@passes_gaps
def value_summary(conversions: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame | Gap:
    """What the conversions are worth: total, mean with its bootstrap interval, median, share known.

    Parameters
    ----------
    conversions : DataFrame
        Table `conversions`, of one currency.
    rng : numpy Generator
        For the bootstrap interval, as in `mean_interval`.

    Returns
    -------
    DataFrame or Gap
        Columns as in `conversion_rates`; rows total conversion value, value per conversion (the average order
        value, where conversions are orders), median value, share with a known value. A gap if no value is
        known, or the values are in several currencies.

    Examples
    --------
    >>> conversions = pd.DataFrame({"value": [10.0, 20.0, 60.0, None], "currency": "GBP"})
    >>> value_summary(conversions, np.random.default_rng(1))[["metric", "value"]].values.tolist()[:3]
    [['total conversion value', 90.0], ['value per conversion', 30.0], ['median value', 20.0]]
    """
    need_columns(conversions, ["value"], "conversions")
    known = conversions["value"].dropna()
    if known.empty:
        return Gap("No conversion has a value.", "Give the goal one in study.yaml: a number, or column.")
    mixed = mixed_currencies(conversions[conversions["value"].notna()], "values of the conversions")
    if mixed is not None:
        return mixed
    mean = mean_interval(known, rng)
    rows = [_row("total conversion value", known.sum(), value=known.sum()),
            _row("value per conversion", known.sum(), len(known), mean.low, mean.high),
            _row("median value", value=known.median()),
            _row("share with a known value", len(known), len(conversions))]
    return pd.DataFrame(rows, columns=METRIC_COLUMNS)


@passes_gaps
def engagement(sessions: pd.DataFrame) -> pd.DataFrame | Gap:
    """How long sessions last and how many pages they see, one metric a row.

    Parameters
    ----------
    sessions : DataFrame
        Table `sessions`.

    Returns
    -------
    DataFrame or Gap
        Columns as in `conversion_rates`; rows mean session duration and median session duration (seconds; a
        session of one event lasts 0), pages per session, single-page share. Means have normal intervals, the
        share a Wilson interval, of 95 %, the median none. Without any page view the page rows are NaN, and so is a row
        of which a part is missing. A gap without sessions.

    Examples
    --------
    >>> sessions = pd.DataFrame({"duration_seconds": [0.0, 30.0, 60.0], "pages": [1, 2, 3]})
    >>> engagement(sessions)[["metric", "value"]].round(2).values.tolist()[:3]
    [['mean session duration', 30.0], ['median session duration', 30.0], ['pages per session', 2.0]]
    """
    need_columns(sessions, ["duration_seconds", "pages"], "sessions")
    if sessions.empty:
        return Gap("There are no sessions, so there is nothing to say about their length.")
    seconds, pages = sessions["duration_seconds"], sessions["pages"].astype(float)
    pages = pages if pages.sum() > 0 else pages * np.nan
    rows = [_mean_row("mean session duration", seconds), _row("median session duration", value=seconds.median(skipna=False)),
            _mean_row("pages per session", pages),
            _rate_row("single-page share", (pages == 1).sum(), (pages >= 1).sum())]
    return pd.DataFrame(rows, columns=METRIC_COLUMNS)


@passes_gaps
def ad_metrics(spend: pd.DataFrame, credit: pd.DataFrame | None = None, margin: float | None = None,
               by: str = "channel") -> pd.DataFrame | Gap:
    """One row for each channel: what was paid and, with credit, what came back.

    Parameters
    ----------
    spend : DataFrame
        Table `spend`, of one currency.
    credit : DataFrame, optional
        Columns `by`, conversions, value: the credit of one model. A channel of `spend` that is not in it has
        none.
    margin : float, optional
        The share of value that is left after the cost of goods, as 0.35. Without it there is no ROI.
    by : str
        "channel" or "campaign".

    Returns
    -------
    DataFrame or Gap
        `by`, impressions, clicks, cost, ctr, cpc, cpm; with credit: conversions, value, cpa, roas,
        value_per_click; with margin: roi. Formulas as on the cards. A sum of which a part is missing is missing,
        and so are its ratios. A channel without spend is listed with its cost missing, not 0; a ratio without a
        denominator is NaN, so spend without conversions has no CPA, and a ROAS of 0. A gap if `spend` is in
        several currencies, or names no `by`.

    Raises
    ------
    ConvtrackError
        If credit holds several models, or the margin is not a share above 0.

    Examples
    --------
    >>> spend = pd.DataFrame({"channel": ["SMS"], "impressions": [1000], "clicks": [50], "cost": [100.0]})
    >>> credit = pd.DataFrame({"channel": ["SMS", "Direct"], "conversions": [4, 2], "value": [300.0, 90.0]})
    >>> ad_metrics(spend, credit, margin=0.5)[["channel", "cost", "cpa", "roas", "roi"]].values.tolist()
    [['Direct', nan, nan, nan, nan], ['SMS', 100.0, 25.0, 3.0, 0.5]]
    """
    need_columns(spend, ["cost"], "spend")
    if by not in spend or spend[by].isna().all():
        return Gap(f"The spend names no {by}, so there are no figures by {by}.{nearest(by, spend.columns)}")
    mixed = mixed_currencies(spend, "costs")
    if mixed is not None:
        return mixed
    paid = _sums(spend, by, ["impressions", "clicks", "cost"])
    table = paid if credit is None else paid.join(_credited(credit, by, paid.index), how="outer")
    table = table.assign(ctr=ratio(table["clicks"], table["impressions"]), cpc=ratio(table["cost"], table["clicks"]),
                         cpm=ratio(1000 * table["cost"], table["impressions"]))
    table = table if credit is None else _returns(table, margin)
    return table.rename_axis(by).sort_index().reset_index()


@passes_gaps
def assisted_conversions(journeys: pd.DataFrame) -> pd.DataFrame | Gap:
    """For each channel, the conversions that it assisted, that it closed, and that it began.

    Parameters
    ----------
    journeys : DataFrame
        Table `journeys` (path, converted), or table `paths` (path, total_conversions).

    Returns
    -------
    DataFrame or Gap
        channel, assisted, last, first, assisted_to_last (NaN if it was never last); most assisted first. A
        channel assists a conversion if it is on the path before the last touch, also when it is the last
        touch too, and once however often it is there. Last and first each add up to the conversions with a
        touch; assisted does not. A gap if no conversion has a touch.

    Examples
    --------
    >>> paths = pd.DataFrame({"path": [["A", "B", "A", "B"], ["A"]], "total_conversions": [2, 3]})
    >>> assisted_conversions(paths).values.tolist()
    [['A', 2, 3, 5, 0.6666666666666666], ['B', 2, 2, 0, 1.0]]

    Universal Analytics, Multi-Channel Funnels (support.google.com/analytics/answer/1191204).
    """
    won = _conversion_weights(journeys)
    if won.empty:
        return Gap("No conversion has a touch, so no channel assisted or closed one.")
    paths = [list(path) for path in won["path"]]
    parts = {"assisted": lambda path: set(path[:-1]), "last": lambda path: path[-1:], "first": lambda path: path[:1]}
    table = pd.DataFrame({name: _weigh(map(part, paths), won["weight"]) for name, part in parts.items()}).fillna(0)
    table = table.astype(won["weight"].dtype).assign(assisted_to_last=ratio(table["assisted"], table["last"]))
    table = table.rename_axis("channel").reset_index()
    return table.sort_values(["assisted", "channel"], ascending=[False, True], ignore_index=True)


@passes_gaps
def segment_rates(sessions: pd.DataFrame, conversions: pd.DataFrame, by: str, time_zone: str = "UTC") -> pd.DataFrame | Gap:
    """The conversion rate per session of each segment, with its Wilson interval.

    Parameters
    ----------
    sessions, conversions : DataFrame
        Tables `sessions` and `conversions`.
    by : str
        A column of `sessions`, such as device, country or channel, or "week": the Monday of the week it began
        in.
    time_zone : str
        In which weeks begin.

    Returns
    -------
    DataFrame or Gap
        `by`, sessions, converting_sessions, rate, low, high (of the 95 % interval), in order of the segment; sessions
        of no known segment last. A gap if no session has a segment, or the conversions carry no session_id.

    Examples
    --------
    >>> sessions = pd.DataFrame({"visitor_id": list("aab"), "session_id": list("123"),
    ...                          "device": ["tv", "tv", "phone"]})
    >>> conversions = pd.DataFrame({"visitor_id": ["a"], "session_id": ["2"]})
    >>> segment_rates(sessions, conversions, "device").iloc[:, :4].values.tolist()
    [['phone', 1, 0, 0.0], ['tv', 2, 1, 0.5]]
    """
    table = sessions.assign(week=week_of(sessions["start_time"], time_zone)) if by == "week" else sessions
    if by not in table or table[by].isna().all():
        hint = "" if by in table else nearest(by, [*sessions.columns, "week"])
        return Gap(f"No session has a {by}, so there is no rate by {by}.{hint}")
    converted = has_conversion(table, conversions)
    if isinstance(converted, Gap):
        return converted
    counts = converted.groupby(table[by], dropna=False).agg(sessions="size", converting_sessions="sum")
    return with_rates(counts.reset_index(), "converting_sessions", "sessions")


def with_rates(counts: pd.DataFrame, won: str, of: str) -> pd.DataFrame:
    """`counts` with the columns rate, low, high: the column `won` divided by the column `of`, and its Wilson interval.

    >>> with_rates(pd.DataFrame({"won": [5], "of": [100]}), "won", "of").round(4).values.tolist()
    [[5.0, 100.0, 0.05, 0.0215, 0.1118]]
    """
    low, high = _wilson(counts[won], counts[of])
    return counts.assign(rate=counts[won] / counts[of], low=low, high=high)


@passes_gaps
def cohorts(sessions: pd.DataFrame, conversions: pd.DataFrame, time_zone: str = "UTC",
            end: pd.Timestamp | None = None) -> pd.DataFrame | Gap:
    """Of the visitors first seen in each week, the share converted within 1, 2, ... weeks of the first visit.

    Parameters
    ----------
    sessions, conversions : DataFrame
        Tables `sessions` and `conversions`.
    time_zone : str
        In which weeks begin, on Monday.
    end : Timestamp, optional
        Until when the data reach; the last event, if not given.

    Returns
    -------
    DataFrame or Gap
        first_week (its Monday), visitors, week_1, week_2, ...: the share converted less than so many times 7
        days after the first visit. A cell is missing until every visitor of the row has had that much time;
        so the row only ever rises. A gap if there are no sessions, or no cell can be known yet.

    Examples
    --------
    >>> sessions = pd.DataFrame({"visitor_id": ["a", "b", "c"],
    ...     "start_time": pd.to_datetime(["2026-01-05", "2026-01-06", "2026-01-12"], utc=True)})
    >>> conversions = pd.DataFrame({"visitor_id": ["b"],
    ...                             "conversion_time": pd.to_datetime(["2026-01-15"], utc=True)})
    >>> cohorts(sessions, conversions, end=pd.Timestamp("2026-01-26", tz="UTC")).iloc[:, 1:].values.tolist()
    [[2.0, 0.0, 0.5], [1.0, 0.0, nan]]
    """
    need_columns(sessions, ["visitor_id", "start_time"], "sessions")
    if sessions.empty:
        return Gap("There are no sessions, so there are no cohorts.")
    first = sessions.groupby("visitor_id")["start_time"].min()
    end = _last_moment(sessions, conversions) if end is None else end
    cohort = week_of(first, time_zone).rename("first_week")
    full_weeks = _full_weeks(cohort, time_zone, end)
    if full_weeks.max() < 1:
        return Gap("The data span too little time for cohorts: a week of first visits needs a week after it.")
    return _cohort_table(cohort, _weeks_until(first, conversions), full_weeks)


def week_of(times: pd.Series, time_zone: str) -> pd.Series:
    """The Monday of the week of each moment, in the time zone.

    >>> week_of(pd.Series(pd.to_datetime(["2026-01-04 23:30"], utc=True)), "Europe/Paris").dt.date.tolist()
    [datetime.date(2026, 1, 5)]
    """
    days = times.dt.tz_convert(time_zone).dt.tz_localize(None).dt.normalize()
    return days - pd.to_timedelta(days.dt.day_of_week, unit="D")


@passes_gaps
def step_worth(conversions: pd.DataFrame, step: str, outcome: str, rng: np.random.Generator) -> pd.DataFrame | Gap:
    """What one conversion of a step, such as a lead, is worth by what its visitors went on to bring.

    Parameters
    ----------
    conversions : DataFrame
        Conversions of several goals.
    step, outcome : str
        The goal without a value of its own, and the goal that it leads to, which has one.
    rng : numpy Generator
        For the bootstrap interval over visitors.

    Returns
    -------
    DataFrame or Gap
        Rows "share that reached the outcome", "value of those", "worth of a step" (the product of the two); columns
        metric, visitors, value, low, high. It says what followed the step, not what the step caused. Visitors with an
        outcome of unknown value are left out of the means. A gap if no value is known, or they are in several currencies.

    Examples
    --------
    >>> times = pd.to_datetime(["2026-01-05", "2026-01-05", "2026-01-09"], utc=True)
    >>> conversions = pd.DataFrame({"goal": ["lead", "lead", "deal"], "visitor_id": ["a", "b", "a"],
    ...                             "conversion_time": times, "value": [None, None, 500.0]})
    >>> step_worth(conversions, "lead", "deal", np.random.default_rng(1))["value"].tolist()
    [0.5, 500.0, 250.0]
    """
    first = conversions[conversions["goal"] == step].groupby("visitor_id")["conversion_time"].min()
    deals = conversions[conversions["goal"] == outcome].join(first.rename("step_time"), on="visitor_id")
    later = deals[deals["conversion_time"] > deals["step_time"]]
    if first.empty or not later["value"].notna().any():
        return Gap(f"No visitor is known to have gone from {step} to a {outcome} with a value.",
                   "Define both goals in study.yaml, the second with a value.")
    mixed = mixed_currencies(later[later["value"].notna()], f"values of {outcome}")
    if mixed is not None:
        return mixed
    brought = later.groupby("visitor_id")["value"].sum(skipna=False)  # a visitor with an unknown value stays unknown
    rows = [("share that reached the outcome", len(first), rate(len(brought), len(first))),
            ("value of those", len(brought), mean_interval(brought, rng)),
            ("worth of a step", len(first), mean_interval(brought.reindex(first.index, fill_value=0.0), rng))]
    return pd.DataFrame([(name, visitors, *estimate) for name, visitors, estimate in rows],
                        columns=["metric", "visitors", "value", "low", "high"])


@passes_gaps
def roas_by_model(spend: pd.DataFrame, credit: pd.DataFrame) -> pd.DataFrame | Gap:
    """Return on advertising spend of each paid channel (rows) by each model (columns); highest by the first model first.

    Parameters
    ----------
    spend : DataFrame
        Table `spend`, of one currency.
    credit : DataFrame
        Credit of one or several models, as `compare(...).table`.

    Returns
    -------
    DataFrame or Gap
        NaN where a model's credit or a part of the channel's cost is not known. A channel that a model does not list has a
        return of 0. A gap if no value is known, or `spend` is in several currencies.

    Examples
    --------
    >>> spend = pd.DataFrame({"channel": ["Email"], "cost": [10.0]})
    >>> credit = pd.DataFrame({"model": ["linear"], "channel": ["Email"], "conversions": [2.0], "value": [50.0]})
    >>> float(roas_by_model(spend, credit).loc["Email", "linear"])
    5.0
    """
    need_columns(spend, ["channel", "cost"], "spend")
    need_columns(credit, ["model", "channel", "value"], "credit")
    mixed = mixed_currencies(spend, "costs")
    if mixed is not None:
        return mixed
    if credit["value"].isna().all():
        return Gap("The value of no conversion is known, so there is no return on advertising spend.",
                   "Map a column to `value`, or give the goal a value, in study.yaml.")
    cost = _sums(spend, "channel", ["cost"])["cost"]
    paid = cost.index[~(cost <= 0) & cost.index.notna()]
    models = list(dict.fromkeys(credit["model"]))
    returns = {model: ratio(_value_of(credit[credit["model"] == model], paid), cost[paid]) for model in models}
    return pd.DataFrame(returns, index=paid.rename("channel")).sort_values(models[0], ascending=False, kind="stable")


@passes_gaps
def verdicts(returns: pd.DataFrame, break_even: float) -> pd.DataFrame:
    """For each channel, its lowest and highest return over the models, and whether they agree that it pays.

    Parameters
    ----------
    returns : DataFrame
        A row a channel and a column a model, as `roas_by_model` returns it.
    break_even : float
        The return from which on a channel pays, above 0: 1 / margin.

    Returns
    -------
    DataFrame
        lowest, highest (of the returns that are known), verdict: "pays by every model", "pays by no model", "depends on the
        model", or "not known" where a return is missing and the others agree.

    Raises
    ------
    ConvtrackError
        If break_even is not a number above 0.

    Examples
    --------
    >>> returns = pd.DataFrame({"linear": [5.0, 1.0], "markov": [4.0, 3.0]}, index=["Email", "Display"])
    >>> verdicts(returns, break_even=2.0)["verdict"].tolist()
    ['pays by every model', 'depends on the model']
    """
    if not 0 < break_even < np.inf:
        raise ConvtrackError(f"break_even={break_even} is no return that pays. Write 1 / margin, as in break_even=2.5.")
    low, high = returns.min(axis=1), returns.max(axis=1)
    agree = ~((low < break_even) & (high >= break_even))
    words = np.select([agree & returns.isna().any(axis=1), low >= break_even, high < break_even],
                      ["not known", "pays by every model", "pays by no model"], "depends on the model")
    return pd.DataFrame({"lowest": low, "highest": high, "verdict": words}, index=returns.index)


@passes_gaps
def winner_again(sessions: pd.DataFrame, conversions: pd.DataFrame, by: str, rng: np.random.Generator,
                 least: int = 200, splits: int = 100) -> pd.DataFrame | Gap:
    """The segment with the best rate in one half of the visitors, and its rate in the other half, many times over.

    Parameters
    ----------
    sessions, conversions : DataFrame
        Tables `sessions` and `conversions`.
    by : str
        A column of `sessions`.
    rng : numpy Generator
        Divides the visitors.
    least : int
        How many sessions a segment must have to take part.
    splits : int
        How often the visitors are divided.

    Returns
    -------
    DataFrame or Gap
        One row a division: winner, rate_when_chosen, rate_again (per session; missing if the winner has no session in
        the other half). A gap if no segment has so many sessions, or the conversions carry no session_id.

    Raises
    ------
    ConvtrackError
        If `least` or `splits` is below 1.

    Examples
    --------
    >>> sessions = pd.DataFrame({"visitor_id": list("abcd"), "session_id": list("1234"), "device": "tv"})
    >>> conversions = pd.DataFrame({"visitor_id": ["a"], "session_id": ["1"]})
    >>> draws = winner_again(sessions, conversions, "device", np.random.default_rng(1), least=4, splits=2)
    >>> draws["winner"].tolist()
    ['tv', 'tv']

    Galton, F. (1886), Regression towards mediocrity in hereditary stature, Journal of the Anthropological Institute 15.
    """
    need_columns(sessions, [*SESSION_KEY, by], "sessions")
    converted = has_conversion(sessions, conversions)
    if isinstance(converted, Gap):
        return converted
    for name, count in (("least", least), ("splits", splits)):
        if count < 1:
            raise ConvtrackError(f"{name}={count} leaves nothing to choose from. Give a number of 1 or more.")
    large = sessions.groupby(by)[by].transform("size") >= least
    if not large.any():
        return Gap(f"No {by} has {least} sessions, so there is none to choose.", "Choose a smaller number of sessions.")
    segment, names = pd.factorize(sessions.loc[large, by], sort=True)
    visitor, visitors = pd.factorize(sessions.loc[large, "visitor_id"])
    won = converted[large].to_numpy(dtype=float)
    draws = [_winner(segment, won, rng.random(len(visitors))[visitor] < 0.5) for _ in range(splits)]
    table = pd.DataFrame(draws, columns=["winner", "rate_when_chosen", "rate_again"])
    return table.assign(winner=names[table["winner"]])


def _tail(confidence: float) -> float:
    if not 0 < confidence < 1:
        raise ConvtrackError(f"confidence={confidence} is not between 0 and 1. Write confidence=0.95.")
    return (1 - confidence) / 2


def _wilson(successes: Any, trials: Any, confidence: float = 0.95) -> tuple[np.ndarray, np.ndarray]:
    won, of = np.asarray(successes, dtype=float), np.asarray(trials, dtype=float)
    share = ratio(won, of)
    low, high = proportion_confint(won, np.where(of > 0, of, 1.0), alpha=2 * _tail(confidence), method="wilson")
    # at 0 of n and n of n rounding leaves the bound a hair inside the rate
    return np.minimum(low, share), np.maximum(high, share)


def _row(metric: str, numerator: float = np.nan, denominator: float = np.nan, low: float = np.nan, high: float = np.nan,
         value: float | None = None) -> tuple[Any, ...]:
    card = CARDS[metric]
    value = (numerator / denominator if denominator else np.nan) if value is None else value
    return metric, numerator, denominator, card.numerator, card.denominator, value, low, high, card.formula


def _rate_row(metric: str, successes: float, trials: float) -> tuple[Any, ...]:
    low, high = _wilson([successes], [trials])
    return _row(metric, successes, trials, low[0], high[0])


def _mean_row(metric: str, values: pd.Series) -> tuple[Any, ...]:
    mean, half = values.mean(), norm.ppf(0.975) * values.std() / np.sqrt(len(values))
    return _row(metric, values.sum(skipna=False), len(values), np.maximum(mean - half, 0), mean + half)


def _per_session(sessions: pd.DataFrame, conversions: pd.DataFrame) -> list[tuple[Any, ...]]:
    of_rate, of_count = "conversion rate per session", "conversions per session"
    converted = has_conversion(sessions, conversions)
    if isinstance(converted, Gap):
        return [_row(metric, denominator=len(sessions)) for metric in (of_rate, of_count)]
    keys = pd.MultiIndex.from_frame(sessions[SESSION_KEY])
    counts = conversions.groupby(SESSION_KEY).size().reindex(keys, fill_value=0)
    return [_rate_row(of_rate, converted.sum(), len(sessions)), _mean_row(of_count, counts)]


def _sums(table: pd.DataFrame, by: str, columns: list[str]) -> pd.DataFrame:
    """The sums of the columns, missing where a part is: what is known of some days only is no sum."""
    return table.reindex(columns=[by, *columns]).groupby(by, dropna=False)[columns].sum(skipna=False)


def _value_of(credit: pd.DataFrame, channels: pd.Index) -> pd.Series:
    """The value that one model credits to the channels; to one that it does not list nothing, if it knows any value."""
    value = _sums(credit, "channel", ["value"])["value"]
    return value.reindex(channels, fill_value=0.0 if value.notna().any() else np.nan)


def _credited(credit: pd.DataFrame, by: str, paid: pd.Index) -> pd.DataFrame:
    need_columns(credit, [by, "conversions", "value"], "credit")
    if "model" in credit and credit["model"].nunique() > 1:
        raise ConvtrackError(f"credit holds {credit['model'].nunique()} models. "
                             f"Choose one: credit[credit['model'] == '{credit['model'].iloc[0]}'].")
    sums = _sums(credit, by, ["conversions", "value"])
    nothing = {column: 0.0 if sums.empty or sums[column].notna().any() else np.nan for column in sums}
    unpaid = pd.DataFrame(nothing, index=paid.difference(sums.index))
    return pd.concat([sums, unpaid]) if len(unpaid) else sums


def _returns(table: pd.DataFrame, margin: float | None) -> pd.DataFrame:
    table = table.assign(cpa=ratio(table["cost"], table["conversions"]), roas=ratio(table["value"], table["cost"]),
                         value_per_click=ratio(table["value"], table["clicks"]))
    if margin is None:
        return table
    if not 0 < margin <= 1:
        raise ConvtrackError(f"margin={margin} is no share of the value. Write 35 % as margin=0.35.")
    return table.assign(roi=ratio(table["value"] * margin - table["cost"], table["cost"]))


def _conversion_weights(journeys: pd.DataFrame) -> pd.DataFrame:
    weighted = "total_conversions" in journeys
    need_columns(journeys, ["path"] if weighted else ["path", "converted"], "journeys")
    weight = journeys["total_conversions"] if weighted else journeys["converted"].astype("int64")
    for row in weight.index[weight.isna()]:
        raise ConvtrackError(f"row {row}, column total_conversions: missing. Write 0 if there was none.")
    table = pd.DataFrame({"path": journeys["path"], "weight": weight})
    return table[(weight > 0) & table["path"].map(len).gt(0)]


def _weigh(cells: Iterable[Any], weight: pd.Series) -> pd.Series:
    table = pd.DataFrame({"channel": [list(cell) for cell in cells], "weight": weight.to_numpy()})
    return table.explode("channel").groupby("channel")["weight"].sum()


def _last_moment(sessions: pd.DataFrame, conversions: pd.DataFrame) -> pd.Timestamp:
    last = sessions["end_time" if "end_time" in sessions else "start_time"]
    return pd.concat([last, conversions["conversion_time"]]).max()


def _full_weeks(cohort: pd.Series, time_zone: str, end: pd.Timestamp) -> pd.Series:
    """How many full weeks the last visitor of each cohort has had by the end."""
    begins = pd.DatetimeIndex(sorted(cohort.unique()))
    winter = np.zeros(len(begins), dtype=bool)  # where clocks go back over midnight, the later one is meant
    ends = (begins + pd.Timedelta(days=7)).tz_localize(time_zone, ambiguous=winter, nonexistent="shift_forward")
    return pd.Series((end - ends) // pd.Timedelta(days=7), index=begins).clip(lower=0)


def _weeks_until(first: pd.Series, conversions: pd.DataFrame) -> pd.Series:
    won = conversions.merge(first.rename("first_time").reset_index(), on="visitor_id")
    won["lag"] = won["conversion_time"] - won["first_time"]
    return won[won["lag"] >= pd.Timedelta(0)].groupby("visitor_id")["lag"].min() // pd.Timedelta(days=7) + 1


def _cohort_table(cohort: pd.Series, weeks: pd.Series, full_weeks: pd.Series) -> pd.DataFrame:
    offsets = np.arange(1, full_weeks.max() + 1)
    taken = weeks.reindex(cohort.index).to_numpy(dtype=float)[:, None]
    within = pd.DataFrame(taken <= offsets, index=cohort, columns=[f"week_{k}" for k in offsets])
    share = within.groupby(level=0).mean().where(full_weeks.to_numpy()[:, None] >= offsets)
    share.insert(0, "visitors", cohort.value_counts().sort_index())
    return share.rename_axis("first_week").reset_index()


def _winner(segment: np.ndarray, won: np.ndarray, half: np.ndarray) -> tuple[int, float, float]:
    count = segment.max() + 1
    chosen, again = (ratio(np.bincount(segment[part], won[part], count), np.bincount(segment[part], minlength=count))
                     for part in (half, ~half))
    best = int(np.argmax(np.nan_to_num(chosen, nan=-1.0)))
    return best, float(chosen[best]), float(again[best])
