"""From the command to the printed credit: ours and ChannelAttribution's process on one file of paths, in turn.

    .venv-peers/bin/python tests/benchmarks/whole_process.py [--paths 1000000] [--times 3]

A row an order of the Markov chain: CPU seconds (user and system) of the process with the median, and their ratio. Both begin with
starting Python and reading the file; theirs reads it by pandas, as its own documents do. At the end, how long ours takes to read alone.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd

ORDERS = (1, 2, 3)
MODELS = {1: "markov", 2: "markov_2", 3: "markov_3"}
THEIRS = """
import sys, pandas
from ChannelAttribution import markov_model
table = pandas.read_csv(sys.argv[1])
print(markov_model(table, "path", "total_conversions", var_value="total_conversion_value", var_null="total_null",
                   order=int(sys.argv[2]), seed=1, verbose=False, flg_pro=False))
"""
READING = """
import sys, time
from pathlib import Path
from convtrack.paths import as_paths, read_paths
start = time.process_time()
as_paths(read_paths(Path(sys.argv[1])))
print(time.process_time() - start)
"""


def write_paths(file: Path, count: int) -> None:
    """So many paths of one to seven touches of ten channels, and what they led to."""
    rng = np.random.default_rng(1)
    lengths = rng.integers(1, 8, count)
    touches = np.array([f"Channel {letter}" for letter in "ABCDEFGHIJ"])[rng.integers(0, 10, lengths.sum())]
    ends = np.cumsum(lengths)
    paths = [" > ".join(touches[end - length:end]) for length, end in zip(lengths, ends, strict=True)]
    won = rng.integers(0, 3, count)
    value = np.where(won > 0, rng.integers(0, 9000, count) / 100, 0)
    table = {"path": paths, "total_conversions": won, "total_conversion_value": value, "total_null": rng.integers(0, 9, count)}
    pd.DataFrame(table).to_csv(file, index=False)


def cpu_of(command: list[str]) -> float:
    """CPU seconds of a process that ends well."""
    before = os.times()
    subprocess.run(command, check=True, capture_output=True, env=os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"})
    after = os.times()
    return after.children_user + after.children_system - before.children_user - before.children_system


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--paths", type=int, default=1_000_000)
    parser.add_argument("--times", type=int, default=3)
    said = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "paths.csv"
        write_paths(file, said.paths)
        for order in ORDERS:
            ours = [sys.executable, "-m", "convtrack.cli", "compare", str(file), "--models", MODELS[order]]
            theirs = [sys.executable, "-c", THEIRS, str(file), str(order)]
            pairs = [(cpu_of(ours), cpu_of(theirs)) for _ in range(said.times)]
            us, them = (statistics.median(side) for side in zip(*pairs, strict=True))
            print(f"order {order}: ours {us:.2f} s, ChannelAttribution {them:.2f} s, ratio {us / them:.2f}", flush=True)
        reads = [float(subprocess.check_output([sys.executable, "-c", READING, str(file)])) for _ in range(said.times)]
        print(f"reading {said.paths:,} paths: {statistics.median(reads):.2f} s of CPU, imports not counted")


if __name__ == "__main__":
    main()
