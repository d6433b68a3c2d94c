"""First, last, linear and 40/20/40 are the same figures in every package that has them."""

from __future__ import annotations

import pytest
from peers.figures import assert_same, credit
from peers.packages import channelattribution_rules, mam, mam_credit, mta
from peers.path_sets import path_sets

from convtrack.attribution import get_model

SETS = ("eight", "sample", "random")


@pytest.mark.parametrize("paths", SETS)
@pytest.mark.parametrize("what", ["conversions", "value"])
@pytest.mark.parametrize(("model", "theirs"), [
    ("first_touch", "first_touch"), ("last_touch", "last_touch"), ("linear", "linear_touch"),
])
def test_channelattribution(paths: str, what: str, model: str, theirs: str) -> None:
    for table in path_sets(paths):
        found = channelattribution_rules(table)[f"{theirs}_{what}"]
        assert_same(found, credit(table, get_model(model), what))


@pytest.mark.parametrize("paths", SETS)
@pytest.mark.parametrize("what", ["conversions", "value"])
@pytest.mark.parametrize(("model", "theirs"), [
    ("first_touch", "run_first_click"), ("last_touch", "run_last_click"), ("linear", "run_linear"),
    ("position_based", "run_position_based"),
])
def test_mam(paths: str, what: str, model: str, theirs: str) -> None:
    for table in path_sets(paths):
        assert_same(mam_credit(getattr(mam(table, what), theirs)()), credit(table, get_model(model), what))


@pytest.mark.parametrize("paths", SETS)
@pytest.mark.parametrize(("model", "theirs", "settings"), [
    ("first_touch", "first_touch", {}), ("last_touch", "last_touch", {}),
    ("position_based", "position_based", {}),
    ("linear", "linear", {"share": "proportional"}),
    ("linear_unique", "linear", {}),  # what mta calls linear is a share a channel, however often it is there
])
def test_mta(paths: str, model: str, theirs: str, settings: dict[str, str]) -> None:
    for table in path_sets(paths):
        assert_same(mta(table, theirs, **settings), credit(table, get_model(model)))
