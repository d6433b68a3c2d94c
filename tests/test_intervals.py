"""Draws of the data and the intervals made from them: what they hold whatever the data, and their width."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd
import pytest
from convtrack.attribution import MODELS, LastTouch, Linear, Markov, as_paths, compare, get_model
from convtrack.attribution.model import Draws
from convtrack.journeys import count_paths
from hypothesis import given, settings
from hypothesis import strategies as st
from paths import (
    ADD_UP,
    CHANNELS,
    EIGHT,
    EVERY,
    JOURNEYS,
    PLATFORMS,
    RULES,
    credit,
    journey,
    models_seeing,
    near,
    table,
)
from scipy import stats

LOOPLESS = [Markov("no loops", 2, loops=False), Markov("no nulls", 2, nulls=False)]


# ------------------------------------------------------------------------------------------------ draws


@given(JOURNEYS)
def test_ones_are_the_data_as_it_is_and_twos_are_twice_as_much(journeys):
    paths = as_paths(journeys)
    once, twice = np.ones((len(journeys), 1)), np.full((len(journeys), 1), 2.0)
    for model in [*EVERY, *LOOPLESS]:
        prepared = model.prepare(paths)
        plain, doubled = prepared(Draws(once, once)), prepared(Draws(twice, twice))
        for i, what in enumerate(("conversions", "value")):
            expected = np.array(list(credit(model, paths, what).values()))
            assert plain[i][:, 0] == pytest.approx(expected, nan_ok=True), model.name
            assert doubled[i][:, 0] == pytest.approx(2 * expected, nan_ok=True), model.name


@given(JOURNEYS, st.integers(0, 10_000))
def test_the_credit_of_a_draw_is_the_credit_of_the_data_drawn(journeys, seed):
    paths = as_paths(journeys)
    rng = np.random.default_rng(seed)
    times = Draws(rng.integers(0, 3, (len(journeys), 3)) * 1.0, rng.integers(0, 3, (len(journeys), 3)) * 1.0)
    for model in [*EVERY, *LOOPLESS]:
        drawn = model.prepare(paths)(times)
        for i in range(3):
            won, lost = times.won[:, i], times.lost[:, i]
            data = replace(
                paths, conversions=paths.conversions * won, value=paths.value * won, nulls=paths.nulls * lost
            )
            for j, what in enumerate(("conversions", "value")):
                expected = list(credit(model, data, what).values())
                assert drawn[j][:, i] == pytest.approx(expected, abs=1e-8, nan_ok=True), model.name


# ------------------------------------------------------------------------------------------------ what holds


@settings(max_examples=8)
@given(JOURNEYS, st.integers(0, 10_000))
def test_low_is_below_high_a_rank_is_a_place_and_last_click_differs_from_itself_by_nothing(journeys, seed):
    models = [LastTouch("last_click"), *models_seeing(CHANNELS)]
    found = compare(journeys, models, 20, np.random.default_rng(seed)).table
    channels = found["channel"].nunique()
    for low, high in (("low", "high"), ("difference_low", "difference_high"), ("rank_low", "rank_high")):
        known = found[[low, high]].dropna()
        assert (known[low] <= known[high] + 1e-12).all()
    assert found["rank_low"].dropna().between(1, channels).all()
    assert found["rank_high"].dropna().between(1, channels).all()
    last = found[found["model"].isin(["last_click", "last_touch"])]
    assert (last[["difference", "difference_low", "difference_high"]] == 0).all(axis=None)


@settings(max_examples=8)
@given(JOURNEYS, st.integers(0, 10_000))
def test_models_that_agree_on_every_path_have_the_same_intervals(journeys, seed):
    # where each path is one touch, every model that adds up gives its channel the whole conversion
    single = journeys[journeys["path"].map(len) == 1]
    if single["converted"].any():
        found = compare(single, [*ADD_UP, Linear("again")], 20, np.random.default_rng(seed)).table
        for _, rows in found.groupby("channel"):
            for column in ("low", "high", "difference_low", "difference_high", "rank_low", "rank_high"):
                assert rows[column].to_numpy() == pytest.approx(rows[column].iloc[0], abs=1e-9), column


def test_intervals_do_not_depend_on_which_models_stand_beside():
    alone = compare(EIGHT, ["linear"], 30, np.random.default_rng(3)).table
    beside = compare(EIGHT, ["markov", "linear"], 30, np.random.default_rng(3)).table
    figures = ["low", "high", "difference_low", "difference_high"]
    assert (
        beside[beside["model"] == "linear"][figures].to_numpy().tolist() == alone[figures].to_numpy().tolist()
    )


def random_journeys(rng: np.random.Generator, visitors: int = 60) -> pd.DataFrame:
    rows = []
    for visitor in range(visitors):
        for _ in range(rng.integers(1, 4)):
            path = rng.choice(["A", "B", "C"], size=rng.integers(1, 4), p=[0.5, 0.3, 0.2]).tolist()
            won = bool(rng.random() < 0.4)
            rows.append(journey(path, won, 1.0 * won, visitor_id=f"v{visitor}"))
    return pd.DataFrame(rows)


def test_the_same_generator_gives_the_same_intervals_and_another_one_others():
    journeys = random_journeys(np.random.default_rng(5))
    tables = [compare(journeys, ["linear", "markov"], 40, np.random.default_rng(s)).table for s in (1, 1, 2)]
    pd.testing.assert_frame_equal(tables[0], tables[1])
    assert not tables[0][["low", "high"]].equals(tables[2][["low", "high"]])


SEEING = {model.name: model for model in models_seeing(CHANNELS)}


@pytest.mark.parametrize("model", MODELS)
def test_the_interval_holds_the_point_and_has_a_width(model):
    journeys = random_journeys(np.random.default_rng(6))
    found = compare(journeys, [SEEING[model]], 100, np.random.default_rng(1)).table
    assert (found["low"] <= found["conversions"]).all() and (found["conversions"] <= found["high"]).all()
    assert (found["low"] < found["high"]).all()
    if model in (*RULES, *PLATFORMS, "participation", "markov", "markov_2"):
        assert (found["low"] >= 0).all()


@pytest.mark.parametrize("model", MODELS)
def test_intervals_have_no_width_where_every_visitor_is_the_same(model):
    same = pd.DataFrame([journey(["A", "B"], value=1.0, visitor_id=f"v{i}") for i in range(20)])
    found = compare(same, [SEEING[model]], 30, np.random.default_rng(1)).table
    assert found["conversions"].abs().sum() > 0
    assert found["low"].to_numpy() == pytest.approx(found["conversions"].to_numpy())
    assert found["high"].to_numpy() == pytest.approx(found["conversions"].to_numpy())


# ------------------------------------------------------------------------------------------------ how wide


def test_intervals_hold_the_expectation_about_as_often_as_they_promise():
    # every visitor has one journey: A or B at even chance, and converts with chance 0.3: A by 0.15
    caught = 0
    for seed in range(40):
        rng = np.random.default_rng(seed)
        journeys = pd.DataFrame(
            {
                "path": [[c] for c in rng.choice(["A", "B"], 150)],
                "converted": rng.random(150) < 0.3,
                "value": 0.0,
                "visitor_id": [f"v{i}" for i in range(150)],
            }
        )
        row = compare(journeys, ["linear"], 120, rng).table.set_index("channel").loc["A"]
        caught += row["low"] <= 150 * 0.15 <= row["high"]
    assert caught >= 33  # at 95 %, fewer than 33 of 40 has a chance below 1 in 1,000


def test_visitors_are_drawn_and_not_their_journeys():
    # v made 10 conversions by A, w made 10 by B. Drawing two visitors gives A 0, 10 or 20 by 1/4, 1/2, 1/4,
    # so the 2.5 % and 97.5 % points are 0 and 20. Drawing 20 journeys gives A Binomial(20, 1/2): 6 to 14.
    rows = [journey([c], value=1.0, visitor_id=v) for c, v in (("A", "v"), ("B", "w")) for _ in range(10)]
    found = compare(pd.DataFrame(rows), ["linear"], 400, np.random.default_rng(1)).table
    assert found[["low", "high"]].values.tolist() == [[0, 20], [0, 20]]
    assert found[["rank_low", "rank_high"]].values.tolist() == [[1, 2], [1, 2]]


def test_in_a_table_of_paths_each_journey_is_drawn_with_its_outcome():
    # 2,000 journeys, 10 of them by A with conversion: A has Binomial(2000, 10/2000) conversions in a resample
    paths = table(("A", 10, 990), ("B", 10, 990))
    found = compare(paths, ["linear"], 2000, np.random.default_rng(1)).table
    low, high = stats.binom(2000, 10 / 2000).ppf([0.025, 0.975])  # 4 and 17
    assert found["low"].to_numpy() == pytest.approx(low, abs=1)
    assert found["high"].to_numpy() == pytest.approx(high, abs=1)


def test_the_interval_of_a_difference_is_that_of_the_same_resamples():
    found = compare(table(("A B", 40, 0), ("C", 60, 0)), ["first_touch"], 400, np.random.default_rng(1)).table
    rows = found.set_index("channel")
    # all that first touch gives A, last touch gives B: the difference is the credit, and for B its negative
    assert (
        rows.loc["A", ["difference_low", "difference_high"]].tolist()
        == rows.loc["A", ["low", "high"]].tolist()
    )
    assert (
        rows.loc["B", ["difference_high", "difference_low"]].tolist()
        == (-rows.loc["A", ["low", "high"]]).tolist()
    )
    assert rows.loc["C", ["difference_low", "difference_high"]].tolist() == [0, 0]


def test_paths_and_journeys_of_one_visitor_each_have_about_the_same_intervals():
    journeys = random_journeys(np.random.default_rng(7), 400)
    journeys["visitor_id"] = [f"v{i}" for i in range(len(journeys))]
    by_journey, by_path = (
        compare(t, ["linear"], 600, np.random.default_rng(1)).table[["low", "high"]].to_numpy()
        for t in (journeys, count_paths(journeys))
    )
    assert by_path == pytest.approx(by_journey, rel=0.06)


@dataclass(frozen=True)
class Recorder(Linear):
    """A model that keeps the draws that it is given: first the data as it is, then the resamples."""

    draws: list = field(default_factory=list)

    def prepare(self, paths):
        credit = super().prepare(paths)
        return lambda draws: self.draws.append(draws) or credit(draws)


def test_a_resample_has_as_many_visitors_and_each_brings_all_journeys_converted_or_not():
    journeys = random_journeys(np.random.default_rng(8), 12)
    recorder = Recorder()
    compare(journeys, [recorder], 25, np.random.default_rng(1))
    won, lost = (np.hstack(kept) for kept in zip(*recorder.draws[1:], strict=True))
    assert won.shape == (len(journeys), 25) and (won == lost).all()
    by_visitor = pd.DataFrame(won).groupby(journeys["visitor_id"].to_numpy())
    assert (by_visitor.nunique() == 1).all(axis=None)
    assert by_visitor.first().sum().tolist() == [12] * 25


def test_a_resample_of_paths_has_as_many_journeys_as_there_are():
    recorder = Recorder()
    compare(EIGHT, [recorder], 25, np.random.default_rng(1))
    won, lost = (np.hstack(kept) for kept in zip(*recorder.draws[1:], strict=True))
    conversions, nulls = EIGHT["total_conversions"].to_numpy(), EIGHT["total_null"].to_numpy()
    assert conversions @ won + nulls @ lost == pytest.approx(np.full(25, 240.0))
    assert len(set((conversions @ won).round(6))) > 1  # how many convert is left to chance


def test_intervals_need_a_random_generator(complaint):
    assert "rng=np.random.default_rng(1)" in complaint(compare, EIGHT, ["linear"], 10)


def test_a_draw_without_a_conversion_has_no_credit_to_give():
    paths = as_paths(table(("A", 3, 2), ("A B", 1, 1)))
    none, once = np.zeros((2, 1)), np.ones((2, 1))
    for name in ("linear", "markov", "markov_3", "shapley", "shapley_rate", "shapley_exact"):
        assert get_model(name).prepare(paths)(Draws(none, once)).conversions.tolist() == [[0], [0]], name
    assert credit("linear", paths) == near({"A": 3.5, "B": 0.5})
