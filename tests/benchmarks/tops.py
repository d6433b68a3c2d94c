"""Whether the incremental model's search finds the highest top of its likelihood: small worlds, and many other shapes to begin with.

    .venv/bin/python tests/benchmarks/tops.py [--visitors 1000] [--seeds 3] [--starts 12]

A row a way to begin: in how many worlds a search from a random half-life and cap ends higher, by how much at most (of log-likelihood and
prior), and how many searches did not arrive. "three half-lives" begins with the same saturation everywhere.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from convtrack.incremental import fit_hazard, hazard, newton, read_visits
from convtrack.incremental.visits import VisitLog
from convtrack.world import draw, load_scenario, outcome, scenario_names, touch_log

HIGHER = 1e-6  # less is rounding
Starts = tuple[tuple[float, float], ...]  # half-lives in days, and 1 / caps
WAYS: dict[str, Starts] = {
    "25 shapes": hazard.STARTS,
    "three half-lives": ((2.0, 0.1), (8.0, 0.1), (32.0, 0.1)),
}


def worlds(visitors: int, seeds: int) -> Iterator[tuple[VisitLog, list[str]]]:
    """The log of every world, and its paid channels."""
    for name in scenario_names():
        for seed in range(1, seeds + 1):
            draws = draw(load_scenario(name), seed, visitors)
            yield read_visits(*touch_log(draws, outcome(draws))), list(draws.scenario.paid)


def end_of(log: VisitLog, players: list[str], starts: Starts) -> newton.Minimum:
    """Where a fit that begins so ends."""
    ends = []

    def watched(*search: Any) -> newton.Minimum:
        ends.append(newton.find_minimum(*search))
        return ends[-1]

    hazard.STARTS, hazard.find_minimum = starts, watched
    fit_hazard(log, players)
    return ends[-1]


def random_starts(count: int) -> Starts:
    """Half-lives between one day and 90, and 1 / caps between 0 and 4."""
    rng = np.random.default_rng(1)
    return tuple(zip(np.exp(rng.uniform(0, np.log(90), count)).tolist(), rng.uniform(0, 4, count).tolist(), strict=True))


def main() -> None:
    """Print how often a random start ends higher."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--visitors", type=int, default=1000)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--starts", type=int, default=12)
    said = parser.parse_args()
    rows = []
    for log, players in worlds(said.visitors, said.seeds):
        highest = min(end_of(log, players, (start,)).value for start in random_starts(said.starts))
        ends = {way: end_of(log, players, begins) for way, begins in WAYS.items()}
        rows += [{"way": way, "worlds": 1, "missed": end.value - highest > HIGHER, "by": max(end.value - highest, 0.0),
                  "not arrived": not end.arrived} for way, end in ends.items()]
    print(pd.DataFrame(rows).groupby("way").agg({"worlds": "sum", "missed": "sum", "by": "max", "not arrived": "sum"}).to_string())


if __name__ == "__main__":
    main()
