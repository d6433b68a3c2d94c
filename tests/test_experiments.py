"""Experiments: published figures, arithmetic that can be redone, other programs, and intervals that hold what they promise."""

from __future__ import annotations

import os
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from benchmarks import coverage
from convtrack import open_study
from convtrack.experiments import (
    Effect,
    calibrate,
    compare_means,
    compare_rates,
    cuped,
    detectable_lift,
    error_rate,
    find_power,
    geo_lift,
    holdout_lift,
    peeking_error,
    rate_effects,
    sample_ratio,
    stopping_bounds,
    sum_effects,
    visitors_needed,
)
from convtrack.gaps import Gap
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.optimize import brentq
from scipy.stats import multivariate_normal, norm
from statsmodels.stats.power import NormalIndPower
from statsmodels.stats.proportion import confint_proportions_2indep, proportions_ztest
from statsmodels.stats.weightstats import CompareMeans, DescrStatsW

ROOT = Path(__file__).resolve().parents[1]
HILLSTROM = Path(os.environ.get("CONVTRACK_REFERENCE_DATA", ROOT.parent / "shared" / "data")) / "hillstrom" / "hillstrom.csv"
needs_hillstrom = pytest.mark.skipif(
    not HILLSTROM.exists(), reason="needs Hillstrom's e-mail experiment (no licence stated, so not in this repository): set "
                                   "CONVTRACK_REFERENCE_DATA to the folder with hillstrom/hillstrom.csv")

ARM = st.integers(1, 3000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))
VALUES = st.lists(st.integers(0, 50), min_size=2, max_size=12)


def row(effect: Effect, outcome: str) -> pd.Series:
    return effect.table.set_index("outcome").loc[outcome]


# ------------------------------------------------------------------------------------------------- rates


@pytest.mark.parametrize(("counts", "low", "high"), [
    ((56, 70, 48, 80), 0.0524, 0.3339), ((9, 10, 3, 10), 0.1705, 0.8090), ((6, 7, 2, 7), 0.0582, 0.8062),
    ((5, 56, 0, 29), -0.0381, 0.1926), ((0, 10, 0, 20), -0.1611, 0.2775)])
def test_the_interval_of_a_difference_is_that_of_newcombes_table(counts: tuple[int, ...], low: float, high: float):
    """Newcombe (1998), table II, method 10."""
    assert rate_effects(*counts).loc[0, ["low", "high"]].tolist() == pytest.approx([low, high], abs=6e-5)


@given(ARM, ARM)
def test_rates_agree_with_statsmodels_one_by_one(arm: tuple[int, int], control: tuple[int, int]):
    found = rate_effects(*arm, *control).loc[0]
    assert (found["low"], found["high"]) == pytest.approx(confint_proportions_2indep(*arm, *control, method="newcomb"))
    if 0 < arm[0] + control[0] < arm[1] + control[1]:
        p_value = proportions_ztest([arm[0], control[0]], [arm[1], control[1]])[1]
        assert found["p_value"] == pytest.approx(p_value, abs=1e-12)


@given(ARM, ARM)
def test_difference_and_lift_are_in_their_intervals_and_on_the_same_side_of_zero(arm, control):
    found = rate_effects(*arm, *control).loc[0]
    assert found["low"] - 1e-12 <= found["difference"] <= found["high"] + 1e-12
    assert np.isnan(found["lift"]) == (control[0] == 0)
    assume(control[0] > 0)
    assert found["lift_low"] - 1e-9 <= found["lift"] <= found["lift_high"] + 1e-9
    assert found["lift_low"] >= -1 - 1e-9
    for end, lift_end in (("low", "lift_low"), ("high", "lift_high")):
        if abs(found[end]) > 1e-9:
            assert np.sign(found[end]) == np.sign(found[lift_end])


def wilson(won: int, of: int) -> tuple[float, float]:
    """The two rates at which the observed one is 1.96 standard errors away; so the roots of a quadratic equation."""
    z, share = norm.isf(0.025), won / of
    ends = np.roots([1 + z**2 / of, -2 * share - z**2 / of, share**2])
    return min(ends), max(ends)


@pytest.mark.parametrize("counts", [(60, 1000, 40, 1000), (3, 500, 9, 80), (642, 15346, 116, 2753), (30, 40, 2, 300)])
def test_the_bounds_of_a_lift_are_where_the_interval_of_treated_minus_r_times_control_ends_at_zero(counts: tuple[int, ...]):
    won, of, control_won, control_of = counts
    (low, high), (base_low, base_high) = wilson(won, of), wilson(control_won, control_of)
    rate, base = won / of, control_won / control_of

    def lower_end(r: float) -> float:
        return rate - r * base - np.hypot(rate - low, r * (base_high - base))

    def upper_end(r: float) -> float:
        return rate - r * base + np.hypot(high - rate, r * (base - base_low))

    found = rate_effects(*counts).loc[0]
    assert found["lift_low"] + 1 == pytest.approx(brentq(lower_end, 0, rate / base), rel=1e-6)
    assert found["lift_high"] + 1 == pytest.approx(brentq(upper_end, rate / base, 1000), rel=1e-6)


def test_many_tests_at_once_are_the_same_tests():
    counts = np.array([[60, 1000, 40, 1000], [0, 50, 3, 70], [5, 9, 0, 4]])
    together = rate_effects(*counts.T)
    pd.testing.assert_frame_equal(together, pd.concat([rate_effects(*one) for one in counts], ignore_index=True))


def test_what_the_treatment_brought_is_the_difference_for_each_of_its_visitors():
    found = rate_effects(60, 1000, 400, 10_000).loc[0]
    assert found["incremental"] == pytest.approx(60 - 1000 * 400 / 10_000)
    assert found["incremental_low"] == pytest.approx(1000 * found["low"])


def test_the_sentence_says_that_zero_is_in_the_interval_or_does_not():
    assert "a lift of 50.0%" in compare_rates(60, 1000, 40, 1000).sentence
    assert "Zero" not in compare_rates(60, 1000, 40, 1000).sentence
    assert "Zero is in the interval, so no effect has been shown." in compare_rates(50, 1000, 40, 1000).sentence
    assert "no lift can be given" in compare_rates(5, 1000, 0, 1000).sentence


def test_arms_without_visitors_or_conversions_are_gaps_and_impossible_counts_are_refused(complaint):
    assert isinstance(compare_rates(0, 0, 1, 10), Gap)
    assert isinstance(compare_rates(0, 10, 0, 10), Gap)
    assert "11 of 10 is no rate" in complaint(compare_rates, 11, 10, 1, 10)
    assert "confidence=95 is not between 0 and 1" in complaint(compare_rates, 1, 10, 1, 10, confidence=95)
    gap = Gap("There are no assignments.")
    assert compare_rates(gap, 10, 1, 10) is gap


@pytest.mark.parametrize(("treated", "size", "rate"), [(1_000, 1_000, 0.01), (5_667, 1_000, 0.01), (1_000, 1_000, 0.05),
                                                       (10_000, 10_000, 0.02), (100_000, 100_000, 0.01)])
@pytest.mark.parametrize("lift", [0.0, 0.2])
def test_intervals_of_95_per_cent_hold_the_truth_in_94_to_96_of_100_experiments(treated, size, rate, lift):
    """Summed over every outcome that can be, so there is no chance in it."""
    for held in coverage.coverage_of_rates(rate * (1 + lift), treated, rate, size):
        assert 0.94 <= held <= 0.96


# ------------------------------------------------------------------------------------------------- means and sums


@given(VALUES, VALUES)
def test_means_are_compared_as_statsmodels_compares_them(values: list[int], control: list[int]):
    assume(np.ptp(values) > 0 or np.ptp(control) > 0)
    found = compare_means(values, control).table.loc[0]
    peer = CompareMeans(DescrStatsW(values), DescrStatsW(control))
    assert (found["low"], found["high"]) == pytest.approx(peer.tconfint_diff(usevar="unequal"), abs=1e-9)
    assert found["p_value"] == pytest.approx(peer.ttest_ind(usevar="unequal")[1], abs=1e-9)


def test_the_lift_of_a_mean_has_fiellers_interval():
    """r is in it if the mean of treated - r * control is less than t standard errors from zero."""
    rng = np.random.default_rng(1)
    values, control = rng.normal(12, 4, 40), rng.normal(10, 3, 30)
    errors = values.var(ddof=1) / 40, control.var(ddof=1) / 30
    found = compare_means(values, control).table.loc[0]
    quantile = (found["high"] - found["difference"]) / np.sqrt(sum(errors))
    for end in ("lift_low", "lift_high"):
        r = found[end] + 1
        distance = abs(values.mean() - r * control.mean()) / np.sqrt(errors[0] + r**2 * errors[1])
        assert distance == pytest.approx(quantile)


def test_a_control_mean_near_zero_gives_a_difference_and_no_lift():
    effect = compare_means([5.0, 6.0, 7.0], [-1.0, 0.5, 1.0])
    assert np.isnan(effect.table.loc[0, ["lift", "lift_low", "lift_high"]].astype(float)).all()
    assert effect.table.loc[0, "difference"] == pytest.approx(6 - 0.5 / 3) and "no lift can be given" in effect.sentence


def test_means_that_say_nothing_of_chance_are_gaps_and_missing_values_are_refused(complaint):
    assert isinstance(compare_means([1], [1, 2]), Gap)
    assert isinstance(compare_means([1, 1], [0, 0]), Gap)
    assert "values: 1 of 2 are missing" in complaint(compare_means, [1, np.nan], [1, 2])


@given(ARM, ARM)
def test_a_sum_of_ones_is_a_rate(arm: tuple[int, int], control: tuple[int, int]):
    assume(arm[0] + control[0] > 0)
    pd.testing.assert_frame_equal(sum_effects(arm[0], *arm, control[0], *control), rate_effects(*arm, *control))


@given(ARM, ARM, st.floats(0.01, 1000))
def test_a_sum_in_another_currency_has_the_same_lift_and_the_difference_exchanged(arm, control, price: float):
    assume(arm[0] + control[0] > 0)
    ones = rate_effects(*arm, *control)
    prices = sum_effects(price * arm[0], price**2 * arm[0], arm[1], price * control[0], price**2 * control[0], control[1])
    same = ["lift", "lift_low", "lift_high", "p_value"]
    assert prices.loc[0, same].astype(float).tolist() == pytest.approx(ones.loc[0, same].astype(float).tolist(), nan_ok=True)
    exchanged = ["difference", "low", "high", "incremental"]
    assert prices.loc[0, exchanged].tolist() == pytest.approx((price * ones.loc[0, exchanged]).tolist(), abs=1e-9 * price)


def test_sums_of_nothing_or_below_zero_are_refused(complaint):
    assert "not both 0" in complaint(sum_effects, 0, 0, 10, 0, 0, 10)
    assert "totals of 0 or more" in complaint(sum_effects, -1, 1, 10, 5, 5, 10)


# ------------------------------------------------------------------------------------------------- CUPED


@given(st.integers(0, 1000))
def test_cuped_is_the_regression_on_arm_and_covariate(seed: int):
    rng = np.random.default_rng(seed)
    before, arm = rng.gamma(2, 3, 200), np.repeat([1.0, 0.0], [120, 80])
    values = 2 * before + arm + rng.normal(0, 3, 200)
    found = row(cuped(values[:120], before[:120], values[120:], before[120:]), "adjusted")
    fit = sm.OLS(values, sm.add_constant(np.column_stack([arm, before]))).fit()
    assert found["difference"] == pytest.approx(fit.params[1])
    assert 120 * found["treated"] + 80 * found["control"] == pytest.approx(values.sum())
    within = np.concatenate([side - side.mean() for side in (values[:120], values[120:])])
    assert 1 - found["variance_removed"] == pytest.approx(fit.ssr / (within @ within))


def test_cuped_narrows_the_interval_by_the_root_of_the_variance_that_is_left():
    rng = np.random.default_rng(4)
    before = rng.normal(10, 3, (2, 20_000))
    values = before + rng.normal(0, 3, (2, 20_000))  # so half of the variance is the covariate's
    table = cuped(values[0], before[0], values[1], before[1]).table
    width = table["high"] - table["low"]
    assert table.loc[1, "variance_removed"] == pytest.approx(0.5, abs=0.02)
    assert width[1] / width[0] == pytest.approx(0.5**0.5, abs=0.02)


def test_a_covariate_that_is_the_same_for_all_is_a_gap_and_one_of_other_visitors_is_refused(complaint):
    assert isinstance(cuped([1, 2], [5, 5], [2, 3], [5, 5]), Gap)
    assert "as many covariates as values" in complaint(cuped, [1, 2], [5], [2, 3], [5, 5])


# ------------------------------------------------------------------------------------------------- sample ratio


def test_the_sample_ratio_is_the_chi_square_by_hand():
    """Two arms of 10,000: 190 away from 5,000 is z = 3.8 and 160 is 3.2, or p = 0.0014; p = 0.001 is z = 3.29."""
    assert sample_ratio({"a": 5190, "b": 4810}, {"a": 1, "b": 1}).status == "failed"
    passed = sample_ratio({"a": 5160, "b": 4840}, {"a": 0.5, "b": 0.5})
    assert passed.status == "passed" and "p = 0.0014" in passed.sentence


@given(st.lists(st.integers(100, 5000), min_size=2, max_size=4), st.floats(0.1, 1000))
def test_only_the_proportions_of_the_plan_matter_and_not_the_order_of_arms(counts: list[int], scale: float):
    visitors = {f"arm {i}": count for i, count in enumerate(counts)}
    planned = {arm: i + 1.0 for i, arm in enumerate(visitors)}
    check = sample_ratio(visitors, planned)
    scaled = {arm: scale * share for arm, share in planned.items()}
    assert sample_ratio(dict(reversed(visitors.items())), scaled).status == check.status


def test_few_visitors_cannot_tell_and_arms_that_differ_from_the_plan_are_refused(complaint):
    assert sample_ratio({"a": 9, "b": 3}, {"a": 0.7, "b": 0.3}).status == "cannot tell"
    assert "Closest: 'no_ads'" in complaint(sample_ratio, {"ads": 9, "no_adds": 9}, {"ads": 1, "no_ads": 1})
    assert "planned arm 'c'" in complaint(sample_ratio, {"a": 9}, {"a": 1, "c": 1})
    assert "Write a number above 0" in complaint(sample_ratio, {"a": 9}, {"a": 0})


# ------------------------------------------------------------------------------------------------- planning


def test_power_and_visitors_are_those_of_r():
    """The examples of R's power.prop.test: n = 50 has a power of 0.740; a power of 0.90 needs n = 76.7 in each arm."""
    assert find_power(0.5, 0.5, 100) == pytest.approx(0.740, abs=5e-4)
    assert visitors_needed(0.5, 0.5, power=0.9).visitors == 2 * 77


def test_power_with_arms_of_different_size_by_hand():
    """2.2 % of 900 and 2 % of 100: sqrt(0.0218 * 0.9782 / 90) = 0.015393, sqrt(0.021516 / 900 + 0.0196 / 100) = 0.014829; then
    1 - F((1.959964 * 0.015393 - 0.002) / 0.014829) + F(-(1.959964 * 0.015393 + 0.002) / 0.014829)."""
    ends = [(1.959964 * 0.015393 + way * 0.002) / 0.014829 for way in (-1, 1)]
    assert find_power(0.02, 0.1, 1000, share=0.9) == pytest.approx(sum(norm.sf(ends)), abs=2e-5)


def test_visitors_needed_by_hand():
    """10 % and 12 %: (1.959964 * sqrt(2 * 0.11 * 0.89) + 0.841621 * sqrt(0.09 + 0.1056))^2 / 0.02^2 = 3840.8 in each arm."""
    assert visitors_needed(0.10, 0.20).visitors == 2 * 3841


@given(st.floats(0.5, 50), st.floats(0.02, 0.5), st.floats(0.5, 20), st.floats(0.1, 0.9), st.floats(0.3, 0.95))
def test_means_need_what_statsmodels_says(mean: float, lift: float, sd: float, share: float, power: float):
    plan = visitors_needed(mean, lift, share=share, sd=sd, power=power)
    peer = NormalIndPower()
    other = (1 - share) / share
    assert find_power(mean, lift, plan.visitors, share, sd) == pytest.approx(
        peer.power(mean * lift / sd, plan.visitors * share, 0.05, ratio=other), abs=1e-9)


@given(st.floats(0.002, 0.4), st.floats(0.01, 1.0), st.floats(0.1, 0.9), st.floats(0.7, 0.95))
def test_the_visitors_of_a_plan_find_its_lift_and_fewer_do_not(base: float, lift: float, share: float, power: float):
    plan = visitors_needed(base, lift, share=share, power=power)
    assert find_power(base, lift, plan.visitors, share) >= power - 1e-6
    assert find_power(base, lift, 0.99 * plan.visitors - 3, share) < power
    assert detectable_lift(base, plan.visitors, share=share, power=power).lift == pytest.approx(lift, rel=0.05)


def test_the_detectable_lift_of_a_mean_is_that_of_the_formula():
    """2.801585 standard errors: 1.959964 + 0.841621."""
    plan = detectable_lift(20.0, 10_000, sd=100.0)
    assert plan.lift * 20 == pytest.approx(2.801585 * 100 * np.sqrt(4 / 10_000), rel=1e-4)


@given(st.floats(0.01, 0.6), st.floats(-0.8, 0.8), st.floats(0.05, 0.95), st.floats(0.06, 0.95))
def test_no_fewer_visitors_find_the_lift(base: float, lift: float, share: float, power: float):
    assume(abs(lift) > 0.02 and 0 < base * (1 + lift) < 1)
    plan = visitors_needed(base, lift, share=share, power=power)
    assert find_power(base, lift, plan.visitors, share) >= power - 1e-9
    assert plan.visitors <= 3 or find_power(base, lift, plan.visitors - 3, share) < power  # each arm is rounded up


def test_a_lift_that_is_found_counts_though_the_largest_one_is_not():
    plan = detectable_lift(0.05089, 6, 0.0708, power=0.366)
    assert plan.lift == pytest.approx(13.29, abs=0.2)
    assert find_power(0.05089, plan.lift, 6, 0.0708) == pytest.approx(0.366, abs=1e-9)


def test_more_visitors_and_larger_lifts_are_found_more_often():
    assert (np.diff(find_power(0.02, 0.1, np.array([1e3, 1e4, 1e5, 1e6]))) > 0).all()
    assert all(a < b for a, b in pairwise(float(find_power(0.02, lift, 50_000)) for lift in (0.0, 0.1, 0.2)))
    assert find_power(0.02, 0.0, 1000) == pytest.approx(0.05)


def test_too_few_visitors_for_any_lift_are_a_gap_and_impossible_plans_are_refused(complaint):
    assert isinstance(detectable_lift(0.02, 3), Gap)
    assert "Write 2 % as 0.02" in complaint(find_power, 2, 0.1, 1000)
    assert "which is no rate" in complaint(find_power, 0.5, 1.5, 1000)
    assert "Write half as share=0.5" in complaint(find_power, 0.5, 0.1, 1000, share=50)
    assert "Write alpha=0.05" in complaint(find_power, 0.5, 0.1, 1000, alpha=5)
    assert "smallest lift that would matter" in complaint(visitors_needed, 0.02, 0.0)
    assert "Write power=0.8" in complaint(visitors_needed, 0.02, 0.1, power=80)
    assert "mean and deviation" in complaint(visitors_needed, 0.0, 0.1, sd=1.0)


# ------------------------------------------------------------------------------------------------- looks on the way


@pytest.mark.parametrize(("looks", "error"), [(1, 0.05), (2, 0.083), (3, 0.107), (4, 0.126), (5, 0.142), (10, 0.193),
                                              (20, 0.248), (50, 0.320)])
def test_peeking_costs_what_armitage_mcpherson_and_rowe_published(looks: int, error: float):
    assert peeking_error(looks) == pytest.approx(error, abs=5e-4)


@pytest.mark.parametrize(("looks", "pocock", "obrien_fleming"), [(2, 2.178, 1.977), (3, 2.289, 2.004), (4, 2.361, 2.024),
                                                                 (5, 2.413, 2.040), (10, 2.555, 2.087)])
def test_the_classical_constants_keep_the_error_at_5_per_cent(looks: int, pocock: float, obrien_fleming: float):
    """Jennison and Turnbull (2000), tables 2.1 and 2.3: bounds C at every look, and C * sqrt(K / k)."""
    assert error_rate([pocock] * looks) == pytest.approx(0.05, abs=1e-4)
    assert error_rate(obrien_fleming * np.sqrt(looks / np.arange(1, looks + 1))) == pytest.approx(0.05, abs=1e-4)


@pytest.mark.parametrize(("spending", "z"), [("obrien_fleming", [4.877, 3.357, 2.680, 2.290, 2.031]),
                                             ("pocock", [2.438, 2.427, 2.410, 2.397, 2.386])])
def test_the_bounds_are_those_that_lan_and_demets_functions_are_known_for(spending: str, z: list[float]):
    """Five looks, 5 % two-sided, as Lan and DeMets' own program prints them."""
    assert stopping_bounds(5, spending)["z"].tolist() == pytest.approx(z, abs=6e-4)


@pytest.mark.parametrize("times", [[0.3, 0.45, 1.0], [0.5, 0.501, 1.0], [0.001, 0.9, 1.0]])
def test_the_error_of_three_uneven_looks_is_the_multivariate_normals(times: list[float]):
    z = np.array([2.4, 2.3, 2.0])
    correlation = np.sqrt(np.minimum.outer(times, times) / np.maximum.outer(times, times))
    inside = multivariate_normal(cov=correlation).cdf(z, lower_limit=-z, rng=np.random.default_rng(1))
    assert error_rate(z, times) == pytest.approx(1 - inside, abs=2e-5)


@given(st.lists(st.floats(0.02, 0.98), min_size=0, max_size=6, unique=True), st.sampled_from(["obrien_fleming", "pocock"]),
       st.sampled_from([0.01, 0.05, 0.1]))
def test_the_bounds_spend_alpha_whenever_the_looks_are(parts: list[float], spending: str, alpha: float):
    times = [*sorted(parts), 1.0]
    assume(min(np.diff(times, prepend=0)) > 0.005)
    table = stopping_bounds(times, spending, alpha)
    assert error_rate(table["z"], times) == pytest.approx(alpha, abs=1e-6)
    assert table["spent"].is_monotonic_increasing and table["spent"].iloc[-1] == pytest.approx(alpha)
    assert table["z"].iloc[-1] >= norm.isf(alpha / 2) - 1e-6


def test_bounds_hold_in_random_walks():
    steps = np.random.default_rng(2).normal(size=(20_000, 4))
    z = np.abs(steps.cumsum(axis=1) / np.sqrt(np.arange(1, 5)))
    for spending in ("obrien_fleming", "pocock"):
        passed = (z > stopping_bounds(4, spending)["z"].to_numpy()).any(axis=1).mean()
        assert passed == pytest.approx(0.05, abs=4 * np.sqrt(0.05 * 0.95 / 20_000))


def test_looks_that_are_none_are_refused(complaint):
    assert "Write looks=5" in complaint(stopping_bounds, 0)
    assert "Write looks=5" in complaint(stopping_bounds, [0.5, 0.4, 1.0])
    assert "Write looks=5" in complaint(stopping_bounds, [0.5, 0.9])
    assert "Plan fewer looks" in complaint(stopping_bounds, [0.5, 0.500001, 1.0])
    assert "Closest: 'pocock'" in complaint(stopping_bounds, 5, "pocok")
    assert "3 bounds for 2 looks" in complaint(error_rate, [2, 2, 2], [0.5, 1])


# ------------------------------------------------------------------------------------------------- holdouts

DAY = pd.Timestamp("2026-01-05", tz="UTC")
PLANNED = {"ads": 1, "no_ads": 1}


def tables(people: list[tuple[str, int]], won: list[tuple[int, int, float]]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Assignments from (arm, day), visitors numbered; conversions from (visitor, day, value)."""
    assignments = pd.DataFrame({"experiment": "test", "visitor_id": [f"v{i}" for i in range(len(people))],
                                "arm": [arm for arm, _ in people],
                                "assigned_time": [DAY + pd.Timedelta(days=day) for _, day in people]})
    times = pd.to_datetime(pd.Series([DAY + pd.Timedelta(days=day) for _, day, _ in won], dtype="datetime64[us, UTC]"))
    return assignments, pd.DataFrame({"visitor_id": pd.Series([f"v{i}" for i, _, _ in won], dtype="str"),
                                      "conversion_time": times, "value": [value for *_, value in won]})


def lift(assignments: pd.DataFrame, conversions: pd.DataFrame, **changes) -> Effect:
    given = {"experiment": "test", "planned": PLANNED, "treated": "ads", "control": "no_ads", **changes}
    return holdout_lift(assignments, conversions, **given)


# 100 visitors with ads of whom 12 convert, v0 twice; 100 without of whom 5 do; v50 before it was assigned, v999 is in no arm
PEOPLE = [("ads", 1)] * 100 + [("no_ads", 1)] * 100
WON = [*((i, 3, 10.0) for i in range(12)), (0, 4, 30.0), *((100 + i, 2, 20.0) for i in range(5)), (50, 0, 99.0), (51, 1, 99.0),
       (999, 3, 99.0)]


def test_a_holdout_by_hand():
    """12 and 5 visitors, 13 and 5 conversions, worth 12 * 10 + 30 = 150 and 100."""
    effect = lift(*tables(PEOPLE, WON))
    assert effect.table["outcome"].tolist() == ["converted visitors", "conversions", "value"]
    assert effect.table["treated"].tolist() == [0.12, 0.13, 1.5] and effect.table["control"].tolist() == [0.05, 0.05, 1.0]
    assert effect.table["incremental"].tolist() == pytest.approx([7, 8, 50])
    expected = rate_effects(12, 100, 5, 100).loc[0]
    assert effect.table.loc[0, expected.index].tolist() == pytest.approx(expected.tolist())
    assert [check.status for check in effect.checks] == ["passed"]


@given(st.lists(st.tuples(st.sampled_from(["ads", "no_ads"]), st.integers(0, 5)), min_size=2, max_size=12),
       st.lists(st.tuples(st.integers(0, 12), st.integers(0, 9), st.integers(1, 50)), max_size=12), st.randoms())
def test_only_conversions_after_assignment_count_in_whatever_order_the_rows_are(people, won, shuffle):
    assume({arm for arm, _ in people} == {"ads", "no_ads"})
    assignments, conversions = tables(people, won)
    effect = lift(assignments, conversions)
    counts = {arm: [[(day, value) for who, day, value in won if who == i and day > assigned]
                    for i, (mine, assigned) in enumerate(people) if mine == arm] for arm in PLANNED}
    if not any(map(any, counts.values())):
        assert isinstance(effect, Gap)
        return
    for arm, column in (("ads", "treated"), ("no_ads", "control")):
        each = counts[arm]
        assert effect.table[column].tolist() == pytest.approx(
            [np.mean([len(mine) > 0 for mine in each]), np.mean([len(mine) for mine in each]),
             np.mean([sum(value for _, value in mine) for mine in each])])
    order = list(range(len(won)))
    shuffle.shuffle(order)
    again = lift(assignments[::-1], conversions.iloc[order])
    pd.testing.assert_frame_equal(again.table, effect.table)


def test_repeated_conversions_widen_the_interval_of_conversions():
    """Twelve visitors who convert ten times each are 120 conversions, and say no more than twelve."""
    assignments, conversions = tables(PEOPLE, [(i, 3, 1.0) for i in range(12)] + [(100 + i, 3, 1.0) for i in range(12)])
    table = lift(assignments, pd.concat([conversions] * 10)).table.set_index("outcome")
    assert table.loc["conversions", "high"] == pytest.approx(10 * table.loc["converted visitors", "high"])
    assert table.loc["conversions", "lift_high"] == pytest.approx(table.loc["converted visitors", "lift_high"])


def test_a_holdout_too_small_says_so_and_which_lift_it_would_find():
    effect = lift(*tables(PEOPLE, [*((i, 3, 1.0) for i in range(6)), *((100 + i, 3, 1.0) for i in range(5))]))
    assert "Zero is in the interval, so no effect has been shown." in effect.sentence
    found = detectable_lift(0.05, 200).lift
    assert f"A holdout of this size finds a lift of {found:.1%} or more 80% of the time." in effect.sentence


def test_a_split_that_was_not_planned_is_in_the_sentence():
    effect = lift(*tables(PEOPLE, WON), planned={"ads": 0.9, "no_ads": 0.1})
    assert effect.checks[0].status == "failed" and effect.sentence.endswith("Do not trust the effect.")


def test_value_that_is_not_known_has_no_row_and_a_check_that_says_why():
    assignments, conversions = tables(PEOPLE, WON)
    for spoilt, why in ((conversions.assign(value=[None, *conversions["value"][1:]]), "not every conversion has a value"),
                        (conversions.drop(columns="value"), "not every conversion has a value"),
                        (conversions.assign(value=0.0), "have the value 0"),
                        (conversions.assign(currency=["GBP", "EUR"] * 10 + ["GBP"]), "several currencies")):
        effect = lift(assignments, spoilt)
        assert effect.table["outcome"].tolist() == ["converted visitors", "conversions"]
        assert effect.checks[1].status == "cannot tell" and why in effect.checks[1].sentence


def test_a_third_arm_is_checked_and_left_out():
    assignments, conversions = tables([*PEOPLE, *[("less", 1)] * 100], WON)
    effect = lift(assignments, conversions, planned={**PLANNED, "less": 1})
    pd.testing.assert_frame_equal(effect.table, lift(*tables(PEOPLE, WON)).table)
    assert "less 100 for 100 planned" in effect.checks[0].sentence
    only_there = conversions.head(1).assign(visitor_id="v200")
    assert isinstance(lift(assignments, only_there, planned={**PLANNED, "less": 1}), Gap)


def test_assignments_that_cannot_be_used_are_refused_or_a_gap(complaint):
    assignments, conversions = tables(PEOPLE, WON)
    assert "Closest: 'test'" in complaint(lift, assignments, conversions, experiment="tests")
    assert "no arm 'none'" in complaint(lift, assignments, conversions, control="none")
    both = pd.concat([assignments, assignments.head(1).assign(arm="no_ads")])
    assert "1 visitors are in two arms, such as 'v0'" in complaint(lift, both, conversions)
    assert isinstance(lift(assignments.drop(columns="assigned_time"), conversions), Gap)
    assert isinstance(lift(assignments, conversions.head(0)), Gap)
    gap = Gap("This study has no table `assignments`.")
    assert lift(gap, conversions) is gap


def test_larkspurs_holdout_is_too_small_to_find_its_lift():
    study = open_study(ROOT / "data" / "larkspur")
    assignments, conversions = study.assignments, study.conversions_of("purchase")
    effect = holdout_lift(assignments, conversions, "retargeting_holdout", {"ads": 0.85, "no_ads": 0.15}, "ads", "no_ads")
    assert [check.status for check in effect.checks] == ["passed"]
    assert (effect.table["low"] < 0).all() and (effect.table["high"] > 0).all()
    arms = assignments["arm"].value_counts()
    found = detectable_lift(effect.table.loc[0, "control"], len(assignments), share=arms["ads"] / len(assignments)).lift
    assert "Zero is in the interval" in effect.sentence and f"finds a lift of {found:.1%} or more 80%" in effect.sentence
    counts = {}
    for arm in ("ads", "no_ads"):  # the same, one visitor after the other
        when = assignments[assignments["arm"] == arm].set_index("visitor_id")["assigned_time"].to_dict()
        seen = zip(conversions["visitor_id"], conversions["conversion_time"], strict=True)
        later = [who for who, time in seen if who in when and time > when[who]]
        counts[arm] = [len(set(later)) / len(when), len(later) / len(when)]
    assert effect.table["treated"].tolist()[:2] == pytest.approx(counts["ads"])
    assert effect.table["control"].tolist()[:2] == pytest.approx(counts["no_ads"])


# ------------------------------------------------------------------------------------------------- geo tests


def panel(outcome: np.ndarray) -> pd.DataFrame:
    """date | geo | outcome from (days, places)."""
    wide = pd.DataFrame(outcome, index=pd.date_range("2026-01-05", periods=len(outcome))).add_prefix("place ")
    return wide.rename_axis(index="date", columns="geo").stack().rename("outcome").reset_index()


def noisy(places: int, days: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.lognormal(3, 1, places) * rng.lognormal(0, 0.2, (days, places))


TREATED = ["place 0", "place 1", "place 2", "place 3"]
START = "2026-01-15"  # after ten days


def test_a_geo_test_is_the_regression_of_growth_with_errors_that_are_robust_by_place():
    outcome = noisy(12, 20, 1)
    found = geo_lift(panel(outcome), TREATED, START).table.loc[0]
    growth = np.log(outcome[10:].mean(axis=0) / outcome[:10].mean(axis=0))
    fit = sm.OLS(growth, sm.add_constant(1.0 * (np.arange(12) < 4))).fit(cov_type="HC2")
    assert np.log1p(found["lift"]) == pytest.approx(fit.params[1])
    freedom = fit.bse[1] ** 4 / sum((side.var(ddof=1) / len(side)) ** 2 / (len(side) - 1) for side in (growth[:4], growth[4:]))
    half = coverage.t.isf(0.025, freedom) * fit.bse[1]
    assert np.log1p([found["lift_low"], found["lift_high"]]) == pytest.approx([fit.params[1] - half, fit.params[1] + half])


def test_the_measured_method_is_the_method():
    outcome = noisy(10, 20, 2)
    low, high = coverage.growth_tests(outcome[None], 4, 10)["Welch"]
    found = geo_lift(panel(outcome), TREATED, START).table.loc[0]
    assert (found["lift_low"], found["lift_high"]) == pytest.approx((low[0], high[0]))


@given(st.integers(0, 500), st.floats(-0.5, 2.0))
def test_a_lift_of_every_treated_place_is_found_whatever_the_sizes_and_the_season(seed: int, true: float):
    outcome, rng = noisy(9, 20, seed), np.random.default_rng(seed)
    before = geo_lift(panel(outcome), TREATED, START).table.loc[0]
    changed = outcome * rng.lognormal(0, 2, 9) * np.repeat([1.0, 1.7], 10)[:, None]  # sizes, and a season
    changed[10:, :4] *= 1 + true
    after = geo_lift(panel(changed), TREATED, START).table.loc[0]
    for name in ("lift", "lift_low", "lift_high"):
        assert 1 + after[name] == pytest.approx((1 + before[name]) * (1 + true))
    assert after["treated"] == pytest.approx(changed[10:, :4].mean())
    assert after["low"] == pytest.approx(after["treated"] * (1 - 1 / (1 + after["lift_low"])))
    assert after["high"] == pytest.approx(after["treated"] * (1 - 1 / (1 + after["lift_high"])))
    assert after["incremental"] == pytest.approx(changed[10:, :4].sum() * (1 - 1 / (1 + after["lift"])))


def test_a_trend_from_before_the_start_fails_the_placebo():
    outcome = noisy(20, 40, 1)
    assert geo_lift(panel(outcome), TREATED, "2026-01-25").checks[0].status == "passed"
    outcome[:, :4] *= np.linspace(1, 3, 40)[:, None]
    effect = geo_lift(panel(outcome), TREATED, "2026-01-25")
    assert effect.checks[0].status == "failed" and "Placebo failed: a pretended start on 2026-01-15" in effect.sentence
    assert geo_lift(panel(outcome), TREATED, "2026-01-06").checks[0].status == "cannot tell"


def test_panels_that_cannot_be_used_are_refused_or_a_gap(complaint):
    rows = panel(noisy(8, 20, 4))
    assert isinstance(geo_lift(rows, TREATED[:2], START), Gap)
    assert isinstance(geo_lift(panel(np.ones((20, 8))), TREATED, START), Gap)
    assert "panel has no geo 'Bath'" in complaint(geo_lift, rows, ["Bath"], START)
    assert "no outcome for place 0 on 2026-01-05" in complaint(geo_lift, rows.iloc[1:], TREATED, START)
    assert "two rows for place 0 on 2026-01-05" in complaint(geo_lift, pd.concat([rows, rows.head(1)]), TREATED, START)
    assert "no date before the start" in complaint(geo_lift, rows, TREATED, "2026-01-05")
    nothing = rows.assign(outcome=rows["outcome"].where(rows["geo"] != "place 5", 0.0))
    assert "place 5 had no outcome before" in complaint(geo_lift, nothing, TREATED, START)


# ------------------------------------------------------------------------------------------------- calibration

CREDIT = pd.DataFrame({"model": ["last_touch"] * 2 + ["linear"] * 2, "channel": ["Email", "Retargeting"] * 2,
                       "conversions": [8.0, 5.0, 13.0, 0.0], "value": [80.0, 70.0, 150.0, 0.0]})


def test_calibrated_credit_is_what_the_holdout_found_and_the_rest_is_said_to_be_as_it_was():
    """8 conversions by hand (see the holdout): 8 / 5 of what last click credits; the value found is 50 of 70."""
    holdout = lift(*tables(PEOPLE, WON))
    calibrated = calibrate(CREDIT, "Retargeting", holdout)
    table = calibrated.table.set_index(["outcome", "model", "channel"])
    found = table.loc[("conversions", "last_touch", "Retargeting")]
    assert found[["calibrated", "factor"]].tolist() == pytest.approx([8, 8 / 5])
    assert table.loc[("value", "last_touch", "Retargeting"), "factor"] == pytest.approx(50 / 70)
    assert found["low"] == pytest.approx(row(holdout, "conversions")["incremental_low"])
    assert found["factor_high"] * 5 == pytest.approx(row(holdout, "conversions")["incremental_high"])
    others = calibrated.table[calibrated.table["channel"] == "Email"]
    assert others["calibrated"].tolist() == others["credited"].tolist() == [8, 13, 80, 150]
    assert set(others["basis"]) == {"not calibrated"} and others[["low", "high", "factor"]].isna().all(axis=None)
    assert "No experiment has calibrated the other channels (1)" in calibrated.sentence
    assert "5 by last touch, of which that is 160%" in calibrated.sentence


def test_a_channel_without_credit_is_calibrated_all_the_same_and_has_no_factor():
    rows = calibrate(CREDIT, "Retargeting", lift(*tables(PEOPLE, WON))).table.set_index(["outcome", "model", "channel"])
    found = rows.loc[("conversions", "linear", "Retargeting")]
    assert found["calibrated"] == pytest.approx(8) and np.isnan(found["factor"])


def test_a_channel_that_is_not_credited_and_an_effect_that_is_no_holdout_are_refused(complaint):
    assert "Closest: 'Retargeting'" in complaint(calibrate, CREDIT, "retargetting", lift(*tables(PEOPLE, WON)))
    assert "Give what holdout_lift returns" in complaint(calibrate, CREDIT, "Email", compare_rates(6, 10, 3, 10))
    gap = Gap("There is no holdout.")
    assert calibrate(CREDIT, "Email", gap) is gap


# ------------------------------------------------------------------------------------------------- a real experiment


@pytest.fixture(scope="module")
def hillstrom() -> dict[str, pd.DataFrame]:
    return dict(iter(pd.read_csv(HILLSTROM).groupby("segment")))


@needs_hillstrom
def test_hillstroms_e_mails_brought_what_is_known(hillstrom):
    """Conversion 1.253 % for men's, 0.884 % for women's and 0.573 % without an e-mail; known figures of the data."""
    none = hillstrom["No E-Mail"]["conversion"]
    for segment, rate in (("Mens E-Mail", 0.01253), ("Womens E-Mail", 0.00884)):
        arm = hillstrom[segment]["conversion"]
        found = compare_rates(arm.sum(), len(arm), none.sum(), len(none)).table.loc[0]
        assert [found["treated"], found["control"]] == pytest.approx([rate, 0.00573], abs=5e-6)
        (low, high), (base_low, base_high) = wilson(arm.sum(), len(arm)), wilson(none.sum(), len(none))
        assert found["low"] == pytest.approx(found["difference"] - np.hypot(arm.mean() - low, base_high - none.mean()))
        assert found["high"] == pytest.approx(found["difference"] + np.hypot(high - arm.mean(), none.mean() - base_low))
        assert found["low"] > 0


@needs_hillstrom
def test_hillstroms_spend_rose_by_77_cents_with_a_standard_error_of_14_and_a_half(hillstrom):
    mens, none = hillstrom["Mens E-Mail"]["spend"], hillstrom["No E-Mail"]["spend"]
    found = compare_means(mens, none).table.loc[0]
    assert found["difference"] == pytest.approx(0.770, abs=5e-4)
    error = np.sqrt(mens.var() / len(mens) + none.var() / len(none))
    assert error == pytest.approx(0.145, abs=5e-4)
    assert [found["low"], found["high"]] == pytest.approx([0.770 - 1.96 * error, 0.770 + 1.96 * error], abs=1e-3)
    score = sum_effects(mens.sum(), (mens**2).sum(), len(mens), none.sum(), (none**2).sum(), len(none)).loc[0]
    assert [score["low"], score["high"]] == pytest.approx([found["low"], found["high"]], abs=0.03)


@needs_hillstrom
def test_hillstroms_arms_were_drawn_evenly_and_last_years_spend_explains_next_to_nothing(hillstrom):
    visitors = {segment: len(rows) for segment, rows in hillstrom.items()}
    assert sample_ratio(visitors, dict.fromkeys(visitors, 1)).status == "passed"
    mens, none = hillstrom["Mens E-Mail"], hillstrom["No E-Mail"]
    effect = cuped(mens["spend"], mens["history"], none["spend"], none["history"])
    assert row(effect, "adjusted")["variance_removed"] < 0.001
    assert row(effect, "adjusted")["difference"] == pytest.approx(0.770, abs=0.01)


# ------------------------------------------------------------------------------------------------- the page


def test_the_page_quotes_what_the_command_prints():
    """Of the tables, those rows that are quick to compute and have no chance in them."""
    page = (ROOT / "docs" / "experiments.md").read_text(encoding="utf-8")
    held = [f"{share:.2%}" for lift in (0, 0.2) for share in coverage.coverage_of_rates(0.01 * (1 + lift), 1000, 0.01, 1000)]
    assert f"| half and half | 1,000 | 1% | {' | '.join(held)} |" in page
    for looks in coverage.LOOKS:
        assert f"\n| {looks} | {peeking_error(looks):.1%} |" in page
    assert ", ".join(f"{z:.3f}" for z in stopping_bounds(5)["z"]) in " ".join(page.split())
