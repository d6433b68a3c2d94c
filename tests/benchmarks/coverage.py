"""Whether the intervals of `convtrack.experiments` hold the truth as often as they say, and its tests err as seldom.

`.venv/bin/python tests/benchmarks/coverage.py --seed 1` prints the tables that `docs/experiments.md` quotes. What can be
summed over every possible outcome is; the rest is simulated, with the number of simulations said.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from itertools import product

import numpy as np
import pandas as pd
from convtrack.experiments import error_rate, find_power, peeking_error, rate_effects, stopping_bounds, sum_effects
from scipy.stats import binom, t, ttest_ind

RATES, SIZES = (0.01, 0.02, 0.05), (1_000, 10_000, 100_000)
SPLITS = {"half and half": 1.0, "85 to 15": 85 / 15}  # treated visitors for each visitor of the control arm
LOOKS = (1, 2, 5, 10, 20, 50)
TESTS = ((10, 5), (10, 3), (20, 10), (20, 4), (40, 20), (40, 8), (68, 34), (68, 14))  # places, and of them treated
WEEKS = 8


def rates() -> pd.DataFrame:
    """Coverage of 95 % intervals for difference and lift: without a lift and with one of 20 %, over all outcomes."""
    rows = []
    for (split, times), size, rate in product(SPLITS.items(), SIZES, RATES):
        found = [coverage_of_rates(rate * (1 + lift), round(times * size), rate, size) for lift in (0.0, 0.2)]
        rows.append((split, f"{size:,}", f"{rate:.0%}", *(f"{share:.2%}" for pair in found for share in pair)))
    return pd.DataFrame(rows, columns=["split", "control visitors", "rate", "difference, no lift", "lift, no lift",
                                       "difference, lift 20%", "lift, lift 20%"])


def coverage_of_rates(rate: float, visitors: int, control_rate: float, control_visitors: int) -> tuple[float, float]:
    """The chance that the interval of the difference, and that of the lift, hold what is true."""
    won, chance = _outcomes(rate, visitors)
    control_won, control_chance = _outcomes(control_rate, control_visitors)
    table = rate_effects(np.repeat(won, len(control_won)), visitors, np.tile(control_won, len(won)), control_visitors)
    weight, lift = np.outer(chance, control_chance).ravel(), rate / control_rate - 1
    held = (table["low"] <= rate - control_rate) & (rate - control_rate <= table["high"])
    lift_held = table["lift_low"].isna() | ((table["lift_low"] <= lift) & (lift <= table["lift_high"]))
    return float(weight @ held), float(weight @ lift_held)


def _outcomes(rate: float, visitors: int) -> tuple[np.ndarray, np.ndarray]:
    """The numbers who may convert, but for a chance of 1 in 5 million at each end, and the chance of each."""
    first, last = binom.ppf([2e-7, 1 - 2e-7], visitors, rate)
    won = np.arange(first, last + 1)
    return won, binom.pmf(won, visitors, rate)


def sums(rng: np.random.Generator, times: int = 10_000) -> pd.DataFrame:
    """Coverage of `sum_effects` and of Welch's interval, if conversions become more by 20 %, and if they become larger."""
    rows = []
    for (what, draw), (split, part), size, rate in product(KINDS.items(), SPLITS.items(), SIZES[:2], RATES):
        visitors, held = round(part * size), []
        for more, larger in ((1.2, 1.0), (1.0, 1.2)):
            arm = _moments(draw, rate * more, larger, visitors, times, rng)
            control = _moments(draw, rate, 1.0, size, times, rng)
            ours, true = sum_effects(*arm, visitors, *control, size), MEANS[what] * rate * (more * larger - 1)
            held += [((low <= true) & (true <= high)).mean()
                     for low, high in ((ours["low"], ours["high"]), _welch(arm, visitors, control, size))]
        rows.append((what, split, f"{size:,}", f"{rate:.0%}", *(f"{share:.1%}" for share in held)))
    return pd.DataFrame(rows, columns=["what", "split", "control visitors", "rate", "more: sum_effects", "more: Welch",
                                       "larger: sum_effects", "larger: Welch"])


KINDS = {"conversions, repeated": lambda rng, n: rng.geometric(0.87, n).astype(float),
         "value, log-normal": lambda rng, n: rng.lognormal(0.0, 1.0, n)}
MEANS = {"conversions, repeated": 1 / 0.87, "value, log-normal": np.exp(0.5)}


def _moments(draw: Callable[..., np.ndarray], rate: float, larger: float, visitors: int, times: int,
             rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Sum, and sum of squares, over the visitors of an arm, many times."""
    won = rng.binomial(visitors, rate, times)
    which, sizes = np.repeat(np.arange(times), won), larger * draw(rng, won.sum())
    return np.bincount(which, sizes, times), np.bincount(which, sizes**2, times)


def _welch(arm: tuple, visitors: int, control: tuple, control_visitors: int) -> tuple[np.ndarray, np.ndarray]:
    sides = [(total / n, (squares - total**2 / n) / (n - 1) / n, n)
             for (total, squares), n in ((arm, visitors), (control, control_visitors))]
    (mean, error, n), (control_mean, control_error, control_n) = sides
    freedom = (error + control_error) ** 2 / (error**2 / (n - 1) + control_error**2 / (control_n - 1))
    half = t.isf(0.025, freedom) * np.sqrt(error + control_error)
    return mean - control_mean - half, mean - control_mean + half


def power(rng: np.random.Generator, times: int = 20_000) -> pd.DataFrame:
    """The power that the formula gives, and how often p was below 0.05 in simulated experiments."""
    rows = []
    for base, lift, visitors, share in [(0.01, 0.2, 85_000, 0.5), (0.02, 0.1, 160_000, 0.5), (0.05, 0.1, 30_000, 0.5),
                                        (0.05, -0.1, 30_000, 0.5), (0.02, 0.2, 60_000, 0.85), (0.02, -0.2, 60_000, 0.85)]:
        treated = round(visitors * share)
        table = rate_effects(rng.binomial(treated, base * (1 + lift), times), treated,
                             rng.binomial(visitors - treated, base, times), visitors - treated)
        formula = float(find_power(base, lift, visitors, share))
        rows.append((f"{base:.0%}", f"{lift:+.0%}", f"{visitors:,}", f"{share:.0%}", f"{formula:.1%}",
                     f"{(table['p_value'] < 0.05).mean():.1%}"))
    return pd.DataFrame(rows, columns=["rate", "lift", "visitors", "treated", "formula", "simulated"])


def looks(rng: np.random.Generator, times: int = 10_000) -> pd.DataFrame:
    """How often an effect is found where there is none: by integration, and in simulated tests of a rate of 2 %."""
    rows = []
    for count in LOOKS:
        p_values = _p_values(count, times, rng)
        bounds = {kind: stopping_bounds(count, kind) for kind in ("obrien_fleming", "pocock")}
        row = [count, f"{peeking_error(count):.1%}", f"{_found(p_values, 0.05):.1%}"]
        for table in bounds.values():
            row += [f"{error_rate(table['z']):.1%}", f"{_found(p_values, table['p_value'].to_numpy()):.1%}",
                    f"{table['p_value'].iloc[-1]:.4f}"]
        rows.append(row)
    names = ["integrated", "simulated", "last look needs p below"]
    return pd.DataFrame(rows, columns=["looks", *(f"peeking at 0.05, {name}" for name in names[:2]),
                                       *(f"{kind}, {name}" for kind in ("O'Brien-Fleming", "Pocock") for name in names)])


def _p_values(count: int, times: int, rng: np.random.Generator) -> np.ndarray:
    """(times, looks): the p-value at each look, when 50,000 visitors have come to each arm at the last."""
    seen = np.round(50_000 * np.arange(1, count + 1) / count)
    arms = [rng.binomial(np.diff(seen, prepend=0).astype(int), 0.02, (times, count)).cumsum(axis=1) for _ in range(2)]
    visitors = np.tile(seen, times)
    return rate_effects(arms[0].ravel(), visitors, arms[1].ravel(), visitors)["p_value"].to_numpy().reshape(times, count)


def _found(p_values: np.ndarray, bound: float | np.ndarray) -> float:
    return float((p_values < bound).any(axis=1).mean())


def geos(rng: np.random.Generator, times: int = 10_000) -> pd.DataFrame:
    """Coverage of 95 % intervals of a lift of 10 % in places taken by chance, and in the smallest; passed placebos."""
    rows = []
    for places, treated in TESTS:
        expected = _expected(places, times, rng)
        by_size = np.argsort(expected[:, :1], axis=2)
        sold, smallest = (_sold(panel, treated, rng) for panel in (expected, np.take_along_axis(expected, by_size, axis=2)))
        low, high = growth_tests(sold[:, :WEEKS // 2], treated, WEEKS // 4)["Welch"]
        held = [f"{((low <= 0.1) & (0.1 <= high)).mean():.1%}" for panel in (sold, smallest)
                for low, high in growth_tests(panel, treated, WEEKS // 2).values()]
        rows.append((places, treated, *held, f"{((low <= 0) & (0 <= high)).mean():.1%}"))
    ways = ("geo_lift (Welch)", "clustered (HC1, G - 1)", "equal variances")
    return pd.DataFrame(rows, columns=["places", "with the campaign", *(f"by chance: {way}" for way in ways),
                                       *(f"smallest: {way}" for way in ways), "placebo passed"])


def _sold(expected: np.ndarray, treated: int, rng: np.random.Generator) -> np.ndarray:
    campaign = np.ones(expected.shape[1:])
    campaign[WEEKS // 2:, :treated] = 1.1
    return rng.poisson(expected * campaign)


def growth_tests(sold: np.ndarray, treated: int, start: int) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Low and high of the lift in many panels (tests, weeks, places), the first places treated, by three ways.

    Welch's is that of `geo_lift`, which a test holds against it.
    """
    growth = np.log(sold[:, start:].mean(axis=1) / sold[:, :start].mean(axis=1))
    arms, places = (growth[:, :treated], growth[:, treated:]), growth.shape[1]
    change = arms[0].mean(axis=1) - arms[1].mean(axis=1)
    squares = [arm.var(axis=1) / arm.shape[1] for arm in arms]
    clusters = t.isf(0.025, places - 1) * np.sqrt(sum(squares) * places / (places - 2))
    tests = {"Welch": ttest_ind(*arms, axis=1, equal_var=False).confidence_interval(),
             "clusters": (change - clusters, change + clusters),
             "equal": ttest_ind(*arms, axis=1).confidence_interval()}
    return {name: (np.expm1(low), np.expm1(high)) for name, (low, high) in tests.items()}


def _expected(places: int, times: int, rng: np.random.Generator) -> np.ndarray:
    """(tests, weeks, places): places small and large, a season that all share, drifts of their own that last for weeks."""
    drift = np.zeros((times, WEEKS, places))
    for week in range(1, WEEKS):
        drift[:, week] = 0.8 * drift[:, week - 1] + rng.normal(0, 0.1, (times, places))
    season = 1 + 0.3 * np.sin(np.arange(WEEKS) / 2)
    return np.maximum(200 * rng.lognormal(0, 1, (times, 1, places)), 20) * season[:, None] * np.exp(drift)


def as_markdown(table: pd.DataFrame) -> str:
    """The table as text that a page can quote."""
    lines = [table.columns, ["---"] * len(table.columns), *table.itertuples(index=False)]
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines)


def tables(seed: int) -> Iterator[tuple[str, pd.DataFrame]]:
    """Every table with what it shows, each from random numbers of its own."""
    streams = map(np.random.default_rng, np.random.SeedSequence(seed).spawn(4))
    yield "Rates: how often a 95 % interval holds the truth (exact)", rates()
    yield "Sums per visitor, raised by 20 %: how often a 95 % interval holds that (10,000 simulations)", sums(next(streams))
    yield "Power at a level of 0.05 (20,000 simulations)", power(next(streams))
    yield "Looks: how often an effect is found where there is none (10,000 simulations)", looks(next(streams))
    yield "Geo tests, a lift of 10 %: how often a 95 % interval holds it (10,000 simulations)", geos(next(streams))


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, required=True, help="of the random numbers")
    for title, table in tables(parser.parse_args().seed):
        print(f"**{title}**\n\n{as_markdown(table)}\n", flush=True)


if __name__ == "__main__":
    main()
