"""What the tests of attribution share: generated paths, models by what they promise, eight paths."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import pandas as pd
import pytest
from convtrack.attribution import MODELS, Markov, Model, Paths, Platform, as_paths, get_model
from convtrack.schema import INTERACTIONS
from hypothesis import strategies as st

CHANNELS = ["A", "B", "C", "Direct"]
ORDERS = (1, 2, 3, 4)
REMOVALS = ("to_null", "fail", "detour", "refit")

PLATFORMS = ["google_ads", "meta", "klaviyo_legacy", "klaviyo", "ga4", "matomo"]
CHAINS = ["markov", "markov_2", "markov_3", "markov_4"]
# rules that split every conversion among the touches of its own path
RULES = [
    "first_touch",
    "last_touch",
    "last_non_direct",
    "linear",
    "linear_unique",
    "position_based",
    "j_shaped",
    "inverse_j",
    "w_shaped",
    "time_decay",
    "custom",
    "shapley",
    "shapley_ordered",
]
ADD_UP = [*RULES, *CHAINS, "shapley_rate"]
DO_NOT_ADD_UP = ["participation", "shapley_exact", *PLATFORMS]
# by which channels, whatever their order or number on the path
OF_SETS = ["linear_unique", "shapley", "shapley_ordered", "participation", "shapley_rate", "shapley_exact"]
NEED_TOUCHES = [
    "time_decay",
    "w_shaped",
    *PLATFORMS,
]  # times, milestones, interactions: a table of paths has none
TIMELESS = [name for name in [*ADD_UP, *DO_NOT_ADD_UP] if name not in NEED_TOUCHES]
READINGS = [Markov(f"{removal}_{order}", order, removal) for removal in REMOVALS for order in ORDERS]


def models_seeing(channels: Sequence[str], names: Iterable[str] = tuple(MODELS)) -> list[Model]:
    """The models of those names, and with the chains every removal reading.

    The platforms keep their ways with clicks and Direct, but count every touch of 60 days on any
    of the channels, to have something to see in every table; their own windows are tested in test_platforms.
    """
    windows = {channel: dict.fromkeys(INTERACTIONS, 60.0) for channel in channels}
    chosen = [get_model(name) for name in names]
    chosen = [replace(m, windows=windows, whole_names=True) if isinstance(m, Platform) else m for m in chosen]
    return [*chosen, *READINGS] if set(CHAINS) <= set(names) else chosen


EVERY = models_seeing(CHANNELS)

TOUCH = st.tuples(
    st.sampled_from(CHANNELS), st.integers(0, 4000), st.sampled_from(INTERACTIONS), st.booleans()
)
JOURNEY = st.tuples(
    st.lists(TOUCH, max_size=5), st.booleans(), st.integers(0, 10_000), st.sampled_from("vwxyz")
)


def journey(
    path: Sequence[str], converted: bool = True, value: float = 0.0, **touches: Any
) -> dict[str, Any]:
    """A row of a journeys table; unless said, its touches are clicks, an hour apart, and no milestones."""
    n = len(path)
    known = {
        "hours": [float(n - 1 - i) for i in range(n)],
        "interactions": ["click"] * n,
        "milestones": [False] * n,
    }
    return {"path": list(path), "converted": converted, "value": value, "visitor_id": "v", **known, **touches}


def journeys_of(drawn: list[tuple]) -> pd.DataFrame:
    rows = []
    for touches, won, pennies, visitor in drawn:
        channels, hours, interactions, milestones = (
            (list(c) for c in zip(*touches, strict=True)) if touches else ([], [], [], [])
        )
        hours = sorted((float(h) for h in hours), reverse=True)
        rows.append(
            journey(
                channels,
                won,
                pennies / 100,
                visitor_id=visitor,
                hours=hours,
                interactions=interactions,
                milestones=milestones,
            )
        )
    return pd.DataFrame(rows)


JOURNEYS = (
    st.lists(JOURNEY, min_size=1, max_size=9)
    .filter(lambda drawn: any(touches and won for touches, won, *_ in drawn))
    .map(journeys_of)
)

ROW = st.tuples(
    st.lists(st.sampled_from(CHANNELS), max_size=5),
    st.integers(0, 30),
    st.integers(0, 50),
    st.integers(0, 9_000),
)


def paths_of(rows: Iterable[tuple[Sequence[str], float, float, float]]) -> pd.DataFrame:
    """Paths with totals, from rows of path, conversions, journeys without one, and value."""
    columns = ["path", "total_conversions", "total_null", "total_conversion_value"]
    return pd.DataFrame([[list(path), *totals] for path, *totals in rows], columns=columns)


PATHS = (
    st.lists(ROW, min_size=1, max_size=8)
    .filter(lambda rows: any(path and won for path, won, *_ in rows))
    .map(
        lambda rows: paths_of(
            (path, won, lost, pennies / 100 if won else 0) for path, won, lost, pennies in rows
        )
    )
)


def rows_of(paths: pd.DataFrame) -> list[tuple[list[str], float, float, float]]:
    """Path, conversions, journeys without one, and value of each path that has a touch."""
    return [
        (row.path, row.total_conversions, row.total_null, row.total_conversion_value)
        for row in paths.itertuples()
        if row.path
    ]


def table(*rows: tuple[str, int, int]) -> pd.DataFrame:
    """Paths by hand: "A B", conversions, journeys without conversion. Each conversion is worth 10."""
    return paths_of((path.split(), won, lost, 10.0 * won) for path, won, lost in rows)


# The eight paths on which the peers were compared: 65 conversions worth 905, and 175 journeys without one.
EIGHT = paths_of(
    [
        (["A"], 10, 40, 100.0),
        (["B"], 5, 45, 60.0),
        (["A", "B"], 20, 30, 250.0),
        (["B", "A"], 4, 16, 40.0),
        (["A", "B", "C"], 15, 5, 300.0),
        (["C"], 2, 28, 20.0),
        (["A", "A", "B"], 6, 4, 90.0),
        (["C", "B", "C", "A"], 3, 7, 45.0),
    ]
)


def credit(model: str | Model, data: pd.DataFrame | Paths, what: str = "conversions") -> dict[str, float]:
    found = get_model(model).credit(as_paths(data))
    return dict(zip(found["channel"], found[what], strict=True))


def near(expected: dict[str, float]):
    return pytest.approx(expected, rel=1e-9, abs=1e-8, nan_ok=True)


def credited(journeys: pd.DataFrame) -> pd.DataFrame:
    """The journeys that converted and have a touch."""
    return journeys[journeys["converted"] & (journeys["path"].map(len) > 0)]
