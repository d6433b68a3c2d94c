"""First, last, linear and 40/20/40 are the same figures in every package that has them."""

from __future__ import annotations

import pandas as pd
import pytest
from peers.packages import by_channel, channelattribution_rules, mam, mam_credit, mta
from peers.path_sets import path_sets

import convtrack as ct

SETS = ("eight", "sample", "random")


def ours(table: pd.DataFrame, model: str, what: str = "conversions") -> pd.Series:
    """Our credit, in conversions or value."""
    return by_channel(ct.compare(table, [model]).wide(what)[model])


def assert_same(theirs: pd.Series, expected: pd.Series) -> None:
    """Every channel's figure agrees to 1e-9 of the largest; a channel that the other package leaves out has 0."""
    assert set(theirs.index) <= set(expected.index)
    assert theirs.reindex(expected.index, fill_value=0.0).to_numpy() == pytest.approx(
        expected.to_numpy(), rel=1e-9, abs=1e-9 * expected.max())


@pytest.mark.parametrize("paths", SETS)
@pytest.mark.parametrize("what", ["conversions", "value"])
@pytest.mark.parametrize(("model", "theirs"), [
    ("first_touch", "first_touch"), ("last_touch", "last_touch"), ("linear", "linear_touch"),
])
def test_channelattribution(paths: str, what: str, model: str, theirs: str) -> None:
    for table in path_sets(paths):
        assert_same(channelattribution_rules(table)[f"{theirs}_{what}"], ours(table, model, what))


@pytest.mark.parametrize("paths", SETS)
@pytest.mark.parametrize("what", ["conversions", "value"])
@pytest.mark.parametrize(("model", "theirs"), [
    ("first_touch", "run_first_click"), ("last_touch", "run_last_click"), ("linear", "run_linear"),
    ("position_based", "run_position_based"),
])
def test_mam(paths: str, what: str, model: str, theirs: str) -> None:
    for table in path_sets(paths):
        assert_same(mam_credit(getattr(mam(table, what), theirs)()), ours(table, model, what))


@pytest.mark.parametrize("paths", SETS)
@pytest.mark.parametrize(("model", "theirs", "settings"), [
    ("first_touch", "first_touch", {}), ("last_touch", "last_touch", {}), ("position_based", "position_based", {}),
    ("linear", "linear", {"share": "proportional"}),
    ("linear_unique", "linear", {}),  # what mta calls linear is a share a channel, however often it is there
])
def test_mta(paths: str, model: str, theirs: str, settings: dict[str, str]) -> None:
    for table in path_sets(paths):
        assert_same(mta(table, theirs, **settings), ours(table, model))
