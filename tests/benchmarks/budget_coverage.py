"""How often the intervals of `budget` hold the truth: `.venv/bin/python tests/benchmarks/budget_coverage.py`.

Shops are drawn from known curves, and docs/budget.md quotes the two tables that are printed. Orders of a week are Poisson, each
worth a lognormal amount, so the noise is that of a real shop's counts and baskets.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pandas as pd

from convtrack.budget import Plan, marginal_returns, reallocate, response_curves

TODAY, BASKET = 1000.0, 25.0  # cost of a week; mean value of an order
Function = Callable[[float | np.ndarray], float | np.ndarray]


class Curve(NamedTuple):
    """A true curve and its slope."""

    value: Function
    slope: Function


def power(level: float, elasticity: float) -> Curve:
    """level * (cost / today) ^ elasticity."""
    return Curve(lambda cost: level * (cost / TODAY) ** elasticity,
                 lambda cost: level * elasticity / TODAY * (cost / TODAY) ** (elasticity - 1))


def exponential(ceiling: float, scale: float) -> Curve:
    """ceiling * (1 - exp(-cost / scale))."""
    return Curve(lambda cost: ceiling * -np.expm1(-cost / scale), lambda cost: ceiling / scale * np.exp(-cost / scale))


def hill(ceiling: float, half: float) -> Curve:
    """ceiling * cost / (cost + half)."""
    return Curve(lambda cost: ceiling * cost / (cost + half), lambda cost: ceiling * half / (cost + half) ** 2)


def shop(curves: list[Curve], weeks: int, spread: float, rng: np.random.Generator) -> pd.DataFrame:
    """Weeks of channels with these curves, the logarithm of cost spread so much about today's."""
    parts = []
    for place, curve in enumerate(curves):
        cost = TODAY * np.exp(rng.normal(0, spread, weeks))
        orders = rng.poisson(curve.value(cost) / BASKET)
        value = [rng.lognormal(np.log(BASKET) - 0.32, 0.8, count).sum() for count in orders]
        parts.append(pd.DataFrame({"period": range(weeks), "channel": f"{place:04d}", "cost": cost, "value": value}))
    return pd.concat(parts, ignore_index=True)


def coverage(name: str, curve: Curve, weeks: int, spread: float, runs: int, rng: np.random.Generator) -> dict[str, object]:
    """How often a curve is found, and how often the intervals then hold the true returns; every channel is a run."""
    returns = marginal_returns(response_curves(shop([curve] * runs, weeks, spread, rng), rng))
    marginal, average = curve.slope(returns["cost"]), curve.value(returns["cost"]) / returns["cost"]
    return {"true curve": name, "weeks": weeks, "spread": spread, "found": len(returns) / runs,
            "marginal held": marginal.between(returns["marginal_low"], returns["marginal_high"]).mean(),
            "average held": average.between(returns["average_low"], returns["average_high"]).mean()}


def kept(name: str, curves: list[Curve], runs: int, rng: np.random.Generator) -> dict[str, object]:
    """What plans promise, with and without the optimism, and what they bring by the true curves."""
    plans = [reallocate(response_curves(shop(curves, 12, 0.3, rng), rng, draws=500)) for _ in range(runs)]
    made = [(plan, true_gain(plan, curves)) for plan in plans if isinstance(plan, Plan) and (plan.moves["amount"] > 0).any()]
    promised = [plan.gain.value + plan.optimism for plan, _ in made]
    return {"shop": name, "runs": runs, "moved": len(made) / runs, "promised": np.mean(promised),
            "optimism off": np.mean([plan.gain.value for plan, _ in made]), "true": np.mean([true for _, true in made]),
            "gain held": np.mean([plan.gain.low <= true <= plan.gain.high for plan, true in made]),
            "lost money": np.mean([true < 0 for _, true in made])}


def true_gain(plan: Plan, curves: list[Curve]) -> float:
    """What the plan brings by the true curves."""
    return sum(float(curves[int(row.channel)].value(row.new_cost) - curves[int(row.channel)].value(row.cost))
               for row in plan.budget.itertuples())


def main() -> None:
    """Print both tables."""
    rng = np.random.default_rng(1)
    truths = {"power, 0.5": power(5000, 0.5), "power, 0.9": power(5000, 0.9),
              "exponential": exponential(8000, 1000), "Hill": hill(10000, 1000)}
    found = [coverage(name, curve, weeks, spread, 250, rng) for name, curve in truths.items()
             for weeks, spread in ((12, 0.1), (12, 0.3), (26, 0.3))]
    print(pd.DataFrame(found).to_string(index=False, float_format="{:.2f}".format), "\n")
    shops = {"far apart": ([power(8000, 0.6), power(5000, 0.5), power(3000, 0.3)], 25),
             "close": ([power(6000, 0.5), power(5000, 0.5), power(4000, 0.4)], 60),
             "alike": ([power(5000, 0.5)] * 5, 200)}
    table = pd.DataFrame([kept(name, curves, runs, rng) for name, (curves, runs) in shops.items()])
    print(table.to_string(index=False, float_format="{:.2f}".format))


if __name__ == "__main__":
    main()
