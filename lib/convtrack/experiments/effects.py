"""Two arms: what the treatment changed, in difference and lift, with intervals; and whether the arms are what was planned.

Intervals of rates and of sums per visitor are Wilson's score intervals of each arm, joined by MOVER: the difference is
Newcombe's (1998, Statistics in Medicine 17, 873-890, method 10), the lift its ratio form (Newcombe 2016, Statistical Methods in
Medical Research 25, 1774-1778). So difference and lift always lie on the same side of zero.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.stats import chisquare, norm, t, ttest_ind
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint

from ..errors import ConvtrackError, nearest
from ..gaps import Gap, passes_gaps
from ..texts import fmt, places

Floats = np.ndarray
Pair = tuple[Floats, Floats]
STRICT = 0.001  # the split is checked in every experiment, and not one in twenty is to be stopped by chance
FEWEST = 5  # visitors to be expected in an arm, below which chi-square is not to be trusted


@dataclass(frozen=True)
class Check:
    """Whether an experiment can be believed in one respect; `status` is passed, failed or cannot tell."""

    name: str
    status: str
    sentence: str


@dataclass(frozen=True)
class Effect:
    """What a test found: `table` has a row for each outcome, `sentence` says it, `checks` say whether to believe it.

    Columns: outcome; visitors, control_visitors; treated, control (rate or mean of the arm); difference, low, high; lift,
    lift_low, lift_high (difference / control; NaN where the control arm is not told apart from 0); incremental,
    incremental_low, incremental_high (difference * visitors: what the treatment brought in its arm); p_value (of no effect).
    """

    table: pd.DataFrame
    sentence: str
    checks: tuple[Check, ...] = ()


class Arm(NamedTuple):
    """The mean of an arm and the interval around it, of one test or of many."""

    mean: Floats
    low: Floats
    high: Floats


def rate_effects(converted: ArrayLike, visitors: ArrayLike, control_converted: ArrayLike, control_visitors: ArrayLike,
                 confidence: float = 0.95) -> pd.DataFrame:
    """The effects of many tests on the conversion rate, a row each: difference and lift with intervals, and p-value.

    Parameters
    ----------
    converted, visitors, control_converted, control_visitors : int or array of int
        Visitors who converted, and of how many, in the treated and in the control arm.
    confidence : float
        Between 0 and 1.

    Returns
    -------
    DataFrame
        The columns of `Effect`, but for outcome. The p-value is that of the pooled z-test.

    Raises
    ------
    ConvtrackError
        If an arm has nobody, or more who converted than visitors.

    Examples
    --------
    >>> rate_effects([60, 50], 1000, [40, 50], 1000)[["difference", "low", "high"]].round(4).values.tolist()
    [[0.02, 0.0008, 0.0395], [0.0, -0.0194, 0.0194]]
    """
    counts = _as_arrays(converted, visitors, control_converted, control_visitors)
    for won, of in (counts[:2], counts[2:]):
        wrong = (won < 0) | (won > of) | (of < 1)
        if wrong.any():
            raise ConvtrackError(f"{won[wrong][0]:.0f} of {of[wrong][0]:.0f} is no rate: count the visitors of each arm, and "
                                 f"of them those who converted.")
    return _score_effects(*counts, np.ones(len(counts[0])), confidence)


def sum_effects(total: ArrayLike, squares: ArrayLike, visitors: ArrayLike, control_total: ArrayLike,
                control_squares: ArrayLike, control_visitors: ArrayLike, confidence: float = 0.95) -> pd.DataFrame:
    """The effects of many tests on what a visitor brings (conversions, some of them repeated, or value), a row each.

    Parameters
    ----------
    total, squares, visitors : number or array
        Of the treated arm: what its visitors brought together (0 or more each), the sum of the squares of what each
        brought, and how many they were, with those who brought nothing.
    control_total, control_squares, control_visitors : number or array
        The same of the control arm.
    confidence : float
        Between 0 and 1.

    Returns
    -------
    DataFrame
        The columns of `Effect`, but for outcome. A total counts as total / s conversions of one size, s = sum of squares / sum
        over both arms, and has the interval of these, times s. For a visitor's 0 or 1 that is `rate_effects`. It keeps the
        skew that a symmetrical interval leaves out, which matters in a holdout, whose control arm is small. It supposes
        that the treatment changes how often visitors convert, and not how conversions differ in size.

    Raises
    ------
    ConvtrackError
        If an arm has nobody, a total is negative, or nobody brought anything.

    Examples
    --------
    >>> table = sum_effects(total=900, squares=27_000, visitors=1000, control_total=600, control_squares=18_000,
    ...                     control_visitors=1000)  # 30 and 20 conversions of 30 each
    >>> table[["treated", "control", "difference", "low", "high"]].round(2).values.tolist()
    [[0.9, 0.6, 0.3, -0.12, 0.73]]
    """
    sums = _as_arrays(total, squares, visitors, control_total, control_squares, control_visitors)
    got, got_squares, of, control_got, control_got_squares, control_of = sums
    usable = (np.minimum(got, control_got) >= 0) & (got + control_got > 0) & (np.minimum(of, control_of) >= 1)
    if not usable.all():
        raise ConvtrackError("Each test needs visitors in both arms, and totals of 0 or more, not both 0. Leave others out.")
    size = (got_squares + control_got_squares) / (got + control_got)
    return _score_effects(got, of, control_got, control_of, size, confidence)


@passes_gaps
def compare_rates(converted: int, visitors: int, control_converted: int, control_visitors: int,
                  confidence: float = 0.95) -> Effect | Gap:
    """Whether two arms convert at different rates: one row as in `rate_effects`, and a sentence.

    Parameters
    ----------
    converted, visitors, control_converted, control_visitors : int
        Visitors who converted, and of how many, in the treated and in the control arm.
    confidence : float
        Between 0 and 1.

    Returns
    -------
    Effect or Gap
        A gap if an arm has no visitors, or nobody converted in either.

    Raises
    ------
    ConvtrackError
        If more converted than there were visitors.

    Examples
    --------
    >>> print(compare_rates(60, 1000, 40, 1000).sentence)
    6.0% with, 4.0% without: a lift of 50.0% (95% interval 1.6% to 121.1%; p = 0.040).
    """
    if not visitors or not control_visitors:
        return Gap("One of the arms has no visitors, so there is nothing to compare.")
    table = rate_effects(converted, visitors, control_converted, control_visitors, confidence)
    if not converted and not control_converted:
        return Gap("Nobody converted in either arm, so there are no rates to compare.", "Wait for conversions.")
    table.insert(0, "outcome", "conversion rate")
    return Effect(table, lift_in_words(table.iloc[0], confidence, "share"))


@passes_gaps
def compare_means(values: ArrayLike, control_values: ArrayLike, confidence: float = 0.95) -> Effect | Gap:
    """Whether two arms differ in a mean per visitor: one row by Welch's test, Fieller's interval for the lift, a sentence.

    Parameters
    ----------
    values, control_values : list of float
        One number for each visitor of the arm, 0 for those who brought nothing.
    confidence : float
        Between 0 and 1.

    Returns
    -------
    Effect or Gap
        A gap with fewer than two visitors in an arm, or where no arm has two different values.

    Raises
    ------
    ConvtrackError
        If a value is missing.

    Examples
    --------
    >>> compare_means([3, 4, 5, 4], [1, 2, 3, 2]).table[["difference", "low", "high"]].round(3).values.tolist()
    [[2.0, 0.587, 3.413]]

    Welch, B. L. (1947), Biometrika 34, 28-35. Fieller, E. C. (1954), Journal of the Royal Statistical Society B 16, 175-185.
    """
    arms = [_known(values, "values"), _known(control_values, "control_values")]
    if min(map(len, arms)) < 2:
        return Gap("A mean per visitor needs at least two visitors in each arm to be compared.")
    if max(map(np.ptp, arms)) == 0:
        return Gap("All values of an arm are the same, so nothing says how much of the difference is chance.")
    table = _welch_effects(*arms, confidence)
    table.insert(0, "outcome", "mean per visitor")
    return Effect(table, lift_in_words(table.iloc[0], confidence))


@passes_gaps
def cuped(values: ArrayLike, before: ArrayLike, control_values: ArrayLike, control_before: ArrayLike,
          confidence: float = 0.95) -> Effect | Gap:
    """Two means compared as measured, and adjusted by what the same visitors did before the experiment.

    Parameters
    ----------
    values, control_values : list of float
        The outcome, one number for each visitor.
    before, control_before : list of float
        The covariate of the same visitors from before they were assigned, 0 for those who were not there yet.
    confidence : float
        Between 0 and 1.

    Returns
    -------
    Effect or Gap
        Rows "as measured" and "adjusted", with a column variance_removed, the squared correlation within arms. Adjusted is
        value - theta * (before - its mean over both arms) with theta the slope within arms, so the difference is that of a
        regression on arm and covariate. A gap if the covariate is the same throughout, and as in `compare_means`.

    Raises
    ------
    ConvtrackError
        If a number is missing, or an arm has not as many covariates as values.

    Examples
    --------
    >>> effect = cuped([3, 5, 7, 8], [1, 2, 3, 4], [1, 3, 4, 7], [1, 2, 3, 4])
    >>> effect.table[["outcome", "difference", "low", "high", "variance_removed"]].round(2).values.tolist()
    [['as measured', 2.0, -2.1, 6.1, 0.0], ['adjusted', 2.0, 1.23, 2.77, 0.97]]

    Deng, Xu, Kohavi, Walker (2013), Improving the sensitivity of online controlled experiments by utilizing pre-experiment
    data, WSDM, 123-132.
    """
    outcome = [_known(values, "values"), _known(control_values, "control_values")]
    covariate = [_known(before, "before"), _known(control_before, "control_before")]
    if [*map(len, outcome)] != [*map(len, covariate)]:
        raise ConvtrackError("An arm has not as many covariates as values. Give both for every visitor, in the same order.")
    plain = compare_means(*outcome, confidence)
    if isinstance(plain, Gap):
        return plain
    if max(map(np.ptp, covariate)) == 0:
        return Gap("The covariate is the same for all visitors of an arm, so it explains nothing.")
    adjusted, removed = _adjust(outcome, covariate)
    rows = pd.concat([plain.table, _welch_effects(*adjusted, confidence)], ignore_index=True)
    rows = rows.assign(outcome=["as measured", "adjusted"], variance_removed=[0.0, removed])
    said = lift_in_words(rows.iloc[1], confidence)
    return Effect(rows, f"The covariate explains {fmt(removed, 'share')} of the variance. With it taken out: {said}")


@passes_gaps
def sample_ratio(visitors: Mapping[str, int], planned: Mapping[str, float]) -> Check:
    """Whether the arms have the visitors that were planned: a chi-square test, passed with a p-value of 0.001 or more.

    Parameters
    ----------
    visitors : mapping from arm to int
        How many were assigned.
    planned : mapping from arm to float
        The planned shares, or anything proportional to them: {"ads": 85, "no_ads": 15}.

    Returns
    -------
    Check
        Failed: something beside chance chose who is in which arm, and may have chosen who converts. Cannot tell: fewer than
        5 visitors were to be expected in an arm.

    Raises
    ------
    ConvtrackError
        If the arms are not the planned ones, or a planned share is not above 0.

    Examples
    --------
    >>> sample_ratio({"ads": 15_346, "no_ads": 2_753}, planned={"ads": 0.85, "no_ads": 0.15}).status
    'passed'
    >>> print(sample_ratio({"ads": 5_300, "no_ads": 4_700}, planned={"ads": 1, "no_ads": 1}).sentence)
    Sample ratio failed (p < 0.0001): ads 5,300 for 5,000 planned, no_ads 4,700 for 5,000 planned. Do not trust the effect.

    Fabijan et al. (2019), Diagnosing sample ratio mismatch in online controlled experiments, KDD, 2156-2164.
    """
    need_arms(visitors, planned)
    counts, shares = (np.array([side[arm] for arm in planned], dtype=float) for side in (visitors, planned))
    expected = shares / shares.sum() * counts.sum()
    found = ", ".join(f"{arm} {count:,.0f} for {plan:,.0f} planned"
                      for arm, count, plan in zip(planned, counts, expected, strict=True))
    if expected.min() < FEWEST:
        return Check("sample ratio", "cannot tell", f"Sample ratio cannot be told with so few visitors: {found}.")
    p_value = chisquare(counts, expected).pvalue
    status, then = ("passed", "") if p_value >= STRICT else ("failed", " Do not trust the effect.")
    return Check("sample ratio", status, f"Sample ratio {status} ({p_in_words(p_value)}): {found}.{then}")


def need_arms(visitors: Mapping[str, int], planned: Mapping[str, float]) -> None:
    """Nothing, if the arms are those that were planned; otherwise the error that names the first one amiss.

    >>> need_arms({"ads": 5}, {"Ads": 1})
    Traceback (most recent call last):
    convtrack.errors.ConvtrackError: The arm 'ads' was not planned. Closest: 'Ads'. Give every arm its share in `planned`.
    """
    for arm in visitors:
        if arm not in planned:
            raise ConvtrackError(f"The arm '{arm}' was not planned.{nearest(arm, planned)} "
                                 f"Give every arm its share in `planned`.")
    for arm, share in planned.items():
        if arm not in visitors:
            raise ConvtrackError(f"Nobody was assigned to the planned arm '{arm}'.{nearest(arm, visitors)} Correct `planned`.")
        if not share > 0:
            raise ConvtrackError(f"The planned share of '{arm}' is {share}. Write a number above 0, or leave the arm out.")


def effect_rows(visitors: Pair, mean: Pair, difference: Pair, lift: Pair, p_value: Floats) -> pd.DataFrame:
    """The columns of `Effect`, but for outcome, from number and mean of (treated, control), and (low, high) of the rest."""
    change, (low, high), of = mean[0] - mean[1], difference, visitors[0]
    known = np.where(np.isnan(lift[0]) | (mean[1] == 0), np.nan, mean[1])
    return pd.DataFrame({
        "visitors": of.astype("int64"), "control_visitors": visitors[1].astype("int64"), "treated": mean[0], "control": mean[1],
        "difference": change, "low": low, "high": high, "lift": change / known, "lift_low": lift[0], "lift_high": lift[1],
        "incremental": change * of, "incremental_low": low * of, "incremental_high": high * of, "p_value": p_value})


def lift_in_words(row: pd.Series, confidence: float, kind: str = "") -> str:
    """What a row of an `Effect` says: both arms, the lift with its interval, and that zero is in it, if it is."""
    digits = places([row["treated"], row["control"]], kind)
    means = f"{fmt(row['treated'], kind, max(digits, 1))} with, {fmt(row['control'], kind, max(digits, 1))} without"
    if np.isnan(row["lift"]):
        return f"{means}: no lift can be given, for what comes without the treatment cannot be told from zero."
    lift, low, high = (fmt(row[name], "share", 1) for name in ("lift", "lift_low", "lift_high"))
    zero = " Zero is in the interval, so no effect has been shown." if row["low"] <= 0 <= row["high"] else ""
    return f"{means}: a lift of {lift} ({confidence:.0%} interval {low} to {high}; {p_in_words(row['p_value'])}).{zero}"


def p_in_words(p_value: float) -> str:
    """The p-value as a sentence has it.

    >>> p_in_words(0.0402), p_in_words(2e-9)
    ('p = 0.040', 'p < 0.0001')
    """
    return "p < 0.0001" if p_value < 0.0001 else f"p = {p_value:#.2g}"


def tail(confidence: float) -> float:
    """The part of the chance on each side of the interval.

    >>> round(tail(0.95), 4)
    0.025
    """
    if not 0 < confidence < 1:
        raise ConvtrackError(f"confidence={confidence} is not between 0 and 1. Write confidence=0.95.")
    return (1 - confidence) / 2


def _as_arrays(*numbers: ArrayLike) -> list[Floats]:
    given = (np.atleast_1d(np.asarray(number, dtype=float)) for number in numbers)
    return [side.copy() for side in np.broadcast_arrays(*given)]


def _known(values: ArrayLike, name: str) -> Floats:
    known = np.asarray(values, dtype=float)
    if np.isnan(known).any():
        raise ConvtrackError(f"{name}: {np.isnan(known).sum()} of {known.size} are missing. Write 0 for who brought nothing, "
                             f"and leave out who is not known.")
    return known


def _score_effects(total: Floats, of: Floats, control_total: Floats, control_of: Floats, size: Floats,
                   confidence: float) -> pd.DataFrame:
    """A row for each test, of totals that are made of conversions of one size."""
    alpha = 2 * tail(confidence)
    won, control_won = np.minimum(total / size, of), np.minimum(control_total / size, control_of)
    low, high = confint_proportions_2indep(won, of, control_won, control_of, method="newcomb", alpha=alpha)
    arm, control = (Arm(count / n, *proportion_confint(count, n, alpha=alpha, method="wilson"))
                    for count, n in ((won, of), (control_won, control_of)))
    pooled = (won + control_won) / (of + control_of)
    error = np.sqrt(pooled * (1 - pooled) * (1 / of + 1 / control_of))
    z = np.divide(arm.mean - control.mean, error, out=np.zeros(len(of)), where=error > 0)
    return effect_rows((of, control_of), (total / of, control_total / control_of), (size * low, size * high),
                       _lift_bounds(arm, control), 2 * norm.sf(np.abs(z)))


def _welch_effects(values: Floats, control_values: Floats, confidence: float) -> pd.DataFrame:
    test = ttest_ind(values, control_values, equal_var=False)
    quantile = t.isf(tail(confidence), test.df)
    arm, control = (Arm(*(np.atleast_1d(side.mean() + way * quantile * side.std(ddof=1) / np.sqrt(len(side)))
                          for way in (0, -1, 1))) for side in (values, control_values))
    return effect_rows((np.array([len(values)]), np.array([len(control_values)])), (arm.mean, control.mean),
                       test.confidence_interval(confidence), _lift_bounds(arm, control), test.pvalue)


def _lift_bounds(arm: Arm, control: Arm) -> Pair:
    """The bounds of treated / control - 1: those r - 1 for which the MOVER interval of treated - r * control ends at 0.

    NaN where the control arm's interval holds 0. With symmetrical intervals this is Fieller's.
    """
    known = control.low > 1e-12
    ratios = []
    for own, base, way in ((arm.low, control.high, -1), (arm.high, control.low, 1)):
        product, constant, square = arm.mean * control.mean, own * (2 * arm.mean - own), base * (2 * control.mean - base)
        root = np.sqrt(np.maximum(product**2 - constant * square, 0))
        direct = np.divide(product + way * root, square, out=np.zeros_like(root), where=square > 0)
        # the other way to write a root of the quadratic equation, for a square that is 0 or less
        ratios.append(np.divide(constant, product - way * root, out=direct, where=(square <= 0) & (product - way * root > 0)))
    low, high = (np.where(known, ratio - 1, np.nan) for ratio in ratios)
    return low, high


def _adjust(outcome: list[Floats], covariate: list[Floats]) -> tuple[list[Floats], float]:
    """The outcomes without what the covariate explains, and the share of the variance within arms that it explains."""
    y, x = (np.concatenate([side - side.mean() for side in sides]) for sides in (outcome, covariate))
    theta, centre = x @ y / (x @ x), np.concatenate(covariate).mean()
    return [side - theta * (seen - centre) for side, seen in zip(outcome, covariate, strict=True)], theta * (x @ y) / (y @ y)
