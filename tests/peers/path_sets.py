"""Tables of paths on which convtrack and other packages are asked for the same figures."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.metadata import files

import numpy as np
import pandas as pd


def eight_paths() -> pd.DataFrame:
    """Three channels on eight paths: alone, in both orders, repeated in a row, and repeated further on."""
    rows = [("A", 10, 100.0, 40), ("B", 5, 60.0, 45), ("A>B", 20, 250.0, 30), ("B>A", 4, 40.0, 16),
            ("A>B>C", 15, 300.0, 5), ("C", 2, 20.0, 28), ("A>A>B", 6, 90.0, 4), ("C>B>C>A", 3, 45.0, 7)]
    return table_of([(path.split(">"), *totals) for path, *totals in rows])


def sample_paths() -> pd.DataFrame:
    """ChannelAttribution's sample, 10,000 paths of 12 channels, read where it, or mta, is installed."""
    places = (("channelattribution", "Data.csv", ";"), ("mta", "data.csv.gz", ","))
    found = [(file, separator) for package, name, separator in places
             for file in files(package) or () if file.name == name]
    raw = pd.read_csv(found[0][0].locate(), sep=found[0][1])
    return raw.assign(path=raw["path"].str.split(" > "))


def random_paths(seed: int) -> pd.DataFrame:
    """Up to 40 different paths of 3 to 6 channels with up to 7 touches; some of them never convert."""
    rng = np.random.default_rng(seed)
    names = np.array(["Direct", "Email", "Paid search", "Social", "Ünïcode", "it's"])[:rng.integers(3, 7)]
    paths = {tuple(rng.choice(names, size=rng.integers(1, 8)).tolist()) for _ in range(40)}
    conversions = rng.integers(0, 30, size=len(paths)) * (rng.random(len(paths)) < 0.7)
    value = np.where(conversions > 0, rng.uniform(1, 500, size=len(paths)).round(2), 0.0)
    nulls = rng.integers(0, 60, size=len(paths))
    return table_of(zip(map(list, sorted(paths)), conversions, value, nulls, strict=True))


def path_sets(name: str) -> list[pd.DataFrame]:
    """The tables that go by a name: `eight` and `sample` are one table each, `random` is twelve."""
    if name == "random":
        return [random_paths(seed) for seed in range(12)]
    return [eight_paths() if name == "eight" else sample_paths()]


def table_of(rows: Iterable[tuple]) -> pd.DataFrame:
    """Rows of path, conversions, value and journeys without conversion as a table."""
    return pd.DataFrame(rows, columns=["path", "total_conversions", "total_conversion_value", "total_null"])
