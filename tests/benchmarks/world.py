"""How long a world takes, and how much memory: its tables alone, and with every subset of its channels played beside them.

    .venv/bin/python tests/benchmarks/world.py

A line for each call in one process. The first call of a process also loads what the libraries load late.
"""

from __future__ import annotations

import resource
import sys
from time import perf_counter

from convtrack.world import draw, load_scenario, simulate, tables

VISITORS, CALLS = 100_000, 3


def main() -> None:
    """Print seconds, their ratio, and the most memory that the process has had until then."""
    scenario = load_scenario("larkspur")
    print(f"larkspur, {VISITORS:,} visitors x {scenario.days} days")
    for seed in range(1, CALLS + 1):
        start = perf_counter()
        events = len(tables(draw(scenario, seed, VISITORS))["events"])
        middle = perf_counter()
        simulate(scenario, seed, VISITORS)
        one, other = middle - start, perf_counter() - middle
        gib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**30 if sys.platform == "darwin" else 2**20)
        print(f"seed {seed}: {events:,} events; tables {one:.1f} s, with the truth {other:.1f} s ({other / one:.2f} times), {gib:.2f} GiB")


if __name__ == "__main__":
    main()
