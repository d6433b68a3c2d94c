"""Whether every fit has arrived: one trial of full size in other orders, and on other kernels of OpenBLAS.

    .venv/bin/python tests/benchmarks/arrival.py [--scenario synergy] [--visitors 100000] [--seed 11]

A row a fitted model: how far its numbers are at most from those of the first fit, as a share of themselves. The kernel is
the part of OpenBLAS that is written for a processor, and it decides in which order sums are added up. A kernel that this
processor cannot run is left out by name.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Iterator

import numpy as np
import pandas as pd

from convtrack.budget import reallocate, response_curves
from convtrack.incremental import doubly_robust, fit_hazard, hazard, read_visits
from convtrack.world import draw, load_scenario, outcome, touch_log

KERNELS = ["Haswell", "Zen", "SkylakeX", "Sandybridge", "Nehalem", "Prescott"]
OTHER_STARTS = ((1.5, 0.5), (5.0, 2.0), (60.0, 0.0), (20.0, 1.5))  # half-lives in days, and 1 / caps
Tables = tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]
Numbers = dict[str, list[float]]


def weeks() -> pd.DataFrame:
    """Half a year of four channels with a response."""
    rng, parts = np.random.default_rng(1), []
    for channel, level, elasticity in [("A", 400, 0.3), ("B", 900, 0.6), ("C", 600, 0.5), ("D", 250, 0.4)]:
        cost = 100 * np.exp(rng.normal(0, 0.4, 26))
        value = level * (cost / 100) ** elasticity * rng.gamma(400, 1 / 400, 26)
        parts.append(pd.DataFrame({"period": range(26), "channel": channel, "cost": cost, "value": value}))
    return pd.concat(parts, ignore_index=True)


def incremental(rows: Tables, players: list[str], pairs: list[tuple[str, str]]) -> Iterator[tuple[str, dict[str, float]]]:
    """Each model's conversions by channel."""
    log = read_visits(*rows)
    fit, with_pairs = fit_hazard(log, players), fit_hazard(log, players, together=pairs)
    yield "incremental", by_channel(fit.switched_off())
    yield "incremental_shapley", by_channel(fit.shapley())
    yield "incremental_backward", by_channel(fit.backward(log))
    yield "incremental, pairs", by_channel(with_pairs.switched_off())
    yield "doubly_robust", by_channel(doubly_robust(log, players))


def by_channel(credit: pd.DataFrame) -> dict[str, float]:
    """Conversions by channel."""
    return dict(zip(credit["channel"], credit["conversions"].tolist(), strict=True))


def budget(periods: pd.DataFrame) -> Iterator[tuple[str, dict[str, float]]]:
    """Each curve's elasticity and each channel's new cost."""
    curves = response_curves(periods, np.random.default_rng(1), draws=100)
    plan = reallocate(curves)
    yield "response_curves", dict(zip(curves.table["channel"], curves.table["elasticity"].tolist(), strict=True))
    yield "reallocate", dict(zip(plan.budget["channel"], plan.budget["new_cost"].tolist(), strict=True))


def numbers(rows: Tables, players: list[str], pairs: list[tuple[str, str]], periods: pd.DataFrame) -> Numbers:
    """What every fitted model says, with the channels in order of their names."""
    said = [*incremental(rows, players, pairs), *budget(periods)]
    return {model: [value for _, value in sorted(of.items())] for model, of in said}


def world(scenario: str, visitors: int, seed: int) -> tuple[Tables, list[str], list[tuple[str, str]]]:
    """The log of a world, its paid channels, and a pair of them."""
    draws = draw(load_scenario(scenario), seed, visitors)
    players = list(draws.scenario.paid)
    return touch_log(draws, outcome(draws)), players, [(players[0], players[1])]


def orders(rows: Tables, players: list[str], pairs: list[tuple[str, str]]) -> Iterator[tuple[str, Numbers]]:
    """The same data as they come, with rows shuffled, with channels turned round, and searched from other places."""
    yield "as it is", numbers(rows, players, pairs, weeks())
    shuffled = tuple(table.sample(frac=1, random_state=5) for table in rows)
    yield "rows shuffled", numbers(shuffled, players, pairs, weeks().sample(frac=1, random_state=5))
    yield "channels turned", numbers(rows, players[::-1], [pair[::-1] for pair in pairs], weeks()[::-1])
    hazard.STARTS = OTHER_STARTS
    yield "other starts", numbers(rows, players, pairs, weeks())


def kernels(where: list[str]) -> Iterator[tuple[str, Numbers]]:
    """The same call in processes of their own, each with another kernel."""
    for kernel in KERNELS:
        done = subprocess.run([sys.executable, __file__, *where, "--numbers"], capture_output=True, text=True,
                              env=os.environ | {"OPENBLAS_CORETYPE": kernel})
        if done.returncode == 0:
            yield kernel, json.loads(done.stdout)
        else:
            print(f"{kernel}: not run here (return code {done.returncode})", file=sys.stderr)


def apart(one: Numbers, other: Numbers) -> dict[str, float]:
    """By model, the largest difference of two numbers as a share of them."""
    return {model: float(np.max(np.abs(np.divide(other[model], one[model]) - 1))) for model in one}


def main() -> None:
    """Print how far the numbers are apart."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--scenario", default="synergy")
    parser.add_argument("--visitors", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=11)
    parser.add_argument("--numbers", action="store_true", help="only print what every model says, as JSON")
    said = parser.parse_args()
    told = world(said.scenario, said.visitors, said.seed)
    if said.numbers:
        print(json.dumps(numbers(*told, weeks())))
        return
    where = ["--scenario", said.scenario, "--visitors", str(said.visitors), "--seed", str(said.seed)]
    (_, first), *others = [*orders(*told), *kernels(where)]
    print(pd.DataFrame({name: apart(first, other) for name, other in others}).map("{:.0e}".format).to_string())


if __name__ == "__main__":
    main()
