"""Laws that every model keeps, brute force for those that have a definition, and figures from papers and by hand."""

from __future__ import annotations

import tempfile
from collections import Counter
from fractions import Fraction
from itertools import chain, combinations
from math import factorial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from convtrack.attribution import (
    MODELS,
    FirstTouch,
    LastNonDirect,
    LastTouch,
    Linear,
    PositionBased,
    TimeDecay,
    as_paths,
    compare,
    fit_chain,
    get_model,
    model_cards,
    read_paths,
)
from convtrack.gaps import Gap
from convtrack.journeys import count_paths
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import stats

RULES = [
    "first_touch",
    "last_touch",
    "last_non_direct",
    "linear",
    "linear_unique",
    "position_based",
    "time_decay",
]
TIMELESS = [name for name in MODELS if name != "time_decay"]  # a table of paths has no times
CHANNELS = ["A", "B", "C", "Direct"]

PATH = st.lists(st.sampled_from(CHANNELS), max_size=5)
JOURNEY = st.tuples(
    PATH,
    st.booleans(),
    st.integers(0, 10_000),
    st.sampled_from("vwxyz"),
    st.tuples(*[st.integers(0, 900)] * 5),
)


def journey_table(journeys: list[tuple]) -> pd.DataFrame:
    rows = [
        {
            "path": path,
            "converted": won,
            "value": pennies / 100,
            "visitor_id": visitor,
            "hours": [float(h) for h in sorted(hours[: len(path)], reverse=True)],
        }
        for path, won, pennies, visitor, hours in journeys
    ]
    return pd.DataFrame(rows)


def table(*rows: tuple[str, int, int]) -> pd.DataFrame:
    """Paths by hand: "A B", conversions, journeys without conversion. Each conversion is worth 10."""
    return pd.DataFrame(
        {
            "path": [path.split() for path, _, _ in rows],
            "total_conversions": [won for _, won, _ in rows],
            "total_conversion_value": [10.0 * won for _, won, _ in rows],
            "total_null": [lost for _, _, lost in rows],
        }
    )


JOURNEYS = (
    st.lists(JOURNEY, min_size=1, max_size=9)
    .filter(lambda journeys: any(path and won for path, won, *_ in journeys))
    .map(journey_table)
)
PATHS = JOURNEYS.map(count_paths)


def credit(model: str, journeys: pd.DataFrame, what: str = "conversions") -> dict[str, float]:
    found = (
        get_model(model).credit(as_paths(journeys))
        if isinstance(model, str)
        else model.credit(as_paths(journeys))
    )
    return dict(zip(found["channel"], found[what], strict=True))


def near(expected: dict[str, float]):
    return pytest.approx(expected, rel=1e-9, abs=1e-9)


def credited(journeys: pd.DataFrame) -> pd.DataFrame:
    return journeys[journeys["converted"] & (journeys["path"].map(len) > 0)]


# ------------------------------------------------------------------------------------------------ laws


def test_the_laws_below_are_tested_for_every_model():
    assert set(RULES) <= set(MODELS) and len(MODELS) >= 9
    assert all(model.name == name for name, model in MODELS.items())


@given(JOURNEYS)
def test_credit_is_never_negative_and_adds_up_to_the_credited_conversions_and_their_value(journeys):
    for model in MODELS:
        conversions, value = credit(model, journeys), credit(model, journeys, "value")
        assert min(conversions.values()) >= -1e-12 and min(value.values()) >= -1e-12, model
        assert sum(conversions.values()) == pytest.approx(len(credited(journeys))), model
        assert sum(value.values()) == pytest.approx(credited(journeys)["value"].sum()), model


@given(JOURNEYS, st.randoms(use_true_random=False))
def test_the_order_of_rows_changes_nothing(journeys, random):
    mixed = journeys.iloc[random.sample(range(len(journeys)), len(journeys))]
    for model in MODELS:
        assert credit(model, mixed) == near(credit(model, journeys)), model
        assert credit(model, mixed, "value") == near(credit(model, journeys, "value")), model


NAMES = {"A": "zebra > crossing", "B": "(start)", "C": "<script>alert(1)</script>", "Direct": "direct"}


@given(JOURNEYS)
def test_renaming_channels_changes_only_their_names(journeys):
    renamed = journeys.assign(path=[[NAMES[channel] for channel in path] for path in journeys["path"]])
    for model in MODELS:
        expected = {NAMES[channel]: share for channel, share in credit(model, journeys).items()}
        assert credit(model, renamed) == near(expected), model


@given(PATHS)
def test_a_path_that_fills_two_rows_is_the_same_as_in_one(paths):
    half = paths.assign(
        **{c: paths[c] / 2 for c in ("total_conversions", "total_conversion_value", "total_null")}
    )
    for model in TIMELESS:
        assert credit(model, pd.concat([half, half])) == near(credit(model, paths)), model


@given(JOURNEYS)
def test_journeys_and_their_counted_paths_give_the_same_credit(journeys):
    paths = count_paths(journeys)
    for model in TIMELESS:
        for what in ("conversions", "value"):
            assert credit(model, paths, what) == near(credit(model, journeys, what)), model


@given(JOURNEYS, st.integers(2, 9))
def test_several_times_the_journeys_give_several_times_the_credit(journeys, factor):
    for model in MODELS:
        expected = {channel: factor * share for channel, share in credit(model, journeys).items()}
        assert credit(model, pd.concat([journeys] * factor)) == near(expected), model


@given(JOURNEYS)
def test_a_conversion_without_a_touch_takes_no_credit_from_anyone(journeys):
    stranger = pd.DataFrame(
        [{"path": [], "converted": True, "value": 1e6, "visitor_id": "stranger", "hours": []}]
    )
    for model in MODELS:
        assert credit(model, pd.concat([journeys, stranger])) == near(credit(model, journeys)), model


@given(JOURNEYS)
def test_a_channel_that_never_led_to_a_conversion_gets_none(journeys):
    idle = pd.DataFrame(
        [{"path": ["Idle", "Idle"], "converted": False, "value": 0.0, "visitor_id": "q", "hours": [2.0, 0.0]}]
    )
    for model in MODELS:
        assert credit(model, pd.concat([journeys, idle, idle]))["Idle"] == 0, model


@given(JOURNEYS)
def test_a_rule_credits_only_channels_on_converting_paths_and_ignores_the_others(journeys):
    on_one = set(chain.from_iterable(credited(journeys)["path"]))
    for model in [*RULES, "shapley"]:
        found = credit(model, journeys)
        assert {channel for channel, share in found.items() if share > 0} <= on_one, model
        assert {c: s for c, s in found.items() if c in on_one} == near(credit(model, credited(journeys))), (
            model
        )


@given(PATHS)
def test_channels_that_play_the_same_part_get_the_same_credit(paths):
    swap = {"A": "B", "B": "A"}
    mirror = paths.assign(path=[[swap.get(channel, channel) for channel in path] for path in paths["path"]])
    for model in TIMELESS:
        found = credit(model, pd.concat([paths, mirror]))
        assert found.get("A", 0) == pytest.approx(found.get("B", 0)), model


@given(JOURNEYS, st.randoms(use_true_random=False))
def test_order_and_repeats_do_not_matter_to_models_of_sets(journeys, random):
    mixed = journeys.assign(path=[random.sample(path * 2, len(path) * 2) for path in journeys["path"]]).drop(
        columns="hours"
    )
    for model in ("linear_unique", "shapley"):
        assert credit(model, mixed) == near(credit(model, journeys)), model


@given(PATHS)
def test_a_channel_twice_in_a_row_changes_nothing_at_order_one(paths):
    collapsed = [[c for i, c in enumerate(path) if i == 0 or path[i - 1] != c] for path in paths["path"]]
    assert credit("markov", paths.assign(path=collapsed)) == near(credit("markov", paths))


@given(PATHS)
def test_the_fitted_chain_converts_at_the_rate_that_was_observed(paths):
    touched = paths[paths["path"].map(len) > 0]
    observed = touched["total_conversions"].sum() / touched[["total_conversions", "total_null"]].sum(
        axis=None
    )
    assert fit_chain(as_paths(paths)).conversion_probability == pytest.approx(observed)


@given(PATHS)
def test_the_transitions_out_of_every_state_that_was_seen_add_up_to_one(paths):
    matrix = fit_chain(as_paths(paths)).transition_matrix()
    sums = matrix.sum(axis=1).to_numpy()
    assert (matrix.to_numpy() >= 0).all()
    assert np.allclose(sums, 1)
    assert matrix.index.tolist() == ["(start)", *matrix.columns[:-2]]


@given(PATHS)
def test_a_removal_effect_is_a_share(paths):
    effects = fit_chain(as_paths(paths)).removal_effects()
    assert effects.between(0, 1 + 1e-12).all()


# ------------------------------------------------------------------------------------------------ brute force


@settings(max_examples=40)
@given(PATHS)
def test_shapley_credit_is_the_shapley_value_over_all_subsets(paths):
    rows = [(set(row.path), row.total_conversions) for row in paths.itertuples() if row.path]
    players = sorted(set(chain.from_iterable(path for path, _ in rows)))

    def worth(coalition: tuple[str, ...]) -> int:
        return sum(won for path, won in rows if path <= set(coalition))

    expected = {}
    for player in players:
        others = [p for p in players if p != player]
        subsets = chain.from_iterable(combinations(others, size) for size in range(len(players)))
        expected[player] = float(
            sum(
                Fraction(factorial(len(s)) * factorial(len(others) - len(s)), factorial(len(players)))
                * (worth((*s, player)) - worth(s))
                for s in subsets
            )
        )
    assert credit("shapley", paths) == near(expected)
    assert credit("linear_unique", paths) == near(expected)


def chance_to_convert(rows: list[tuple[list[str], int, int]], removed: str | None = None) -> float:
    """The chance that a walker on the chain ends in conversion, when every step into `removed` leads to nothing instead."""
    steps = Counter()
    for path, won, lost in rows:
        states = ["(start)", *path]
        for here, there in zip(states, states[1:], strict=False):
            steps[here, "(nothing)" if there == removed else there] += won + lost
        steps[states[-1], "(won)"] += won
        steps[states[-1], "(nothing)"] += lost
    states = sorted({state for step in steps for state in step} | {"(won)", "(nothing)"})
    walk = np.zeros((len(states), len(states)))
    for (here, there), count in steps.items():
        walk[states.index(here), states.index(there)] += (
            count / sum(n for (h, _), n in steps.items() if h == here) if count else 0
        )
    for end in ("(won)", "(nothing)"):
        walk[states.index(end), states.index(end)] = 1
    for _ in range(40):  # 2^40 steps of the walk
        walk = walk @ walk
    return float(walk[states.index("(start)"), states.index("(won)")])


@settings(max_examples=40)
@given(PATHS)
def test_a_removal_effect_is_what_walking_the_chain_without_the_channel_loses(paths):
    rows = [(row.path, row.total_conversions, row.total_null) for row in paths.itertuples() if row.path]
    rate = chance_to_convert(rows)
    chain_of = fit_chain(as_paths(paths))
    expected = {channel: 1 - chance_to_convert(rows, channel) / rate for channel in chain_of.channels}
    assert chain_of.removal_effects().to_dict() == pytest.approx(expected, abs=1e-7)
    total = sum(won for _, won, _ in rows)
    assert credit("markov", paths) == pytest.approx(
        {c: total * e / sum(expected.values()) for c, e in expected.items()}, abs=1e-6
    )


@given(JOURNEYS)
def test_last_non_direct_is_the_last_that_is_not_direct_or_direct_where_all_are(journeys):
    expected = dict.fromkeys(as_paths(journeys).channels, 0.0)
    for path in credited(journeys)["path"]:
        named = [channel for channel in path if channel != "Direct"]
        expected[named[-1] if named else "Direct"] += 1
    assert credit("last_non_direct", journeys) == near(expected)


@given(JOURNEYS, st.floats(0.5, 60))
def test_time_decay_halves_with_every_half_life(journeys, half_life):
    expected = dict.fromkeys(as_paths(journeys).channels, 0.0)
    for row in credited(journeys).itertuples():
        weights = [2 ** (-hours / 24 / half_life) for hours in row.hours]
        for channel, weight in zip(row.path, weights, strict=True):
            expected[channel] += weight / sum(weights)
    assert credit(TimeDecay(half_life_days=half_life), journeys) == near(expected)


@given(JOURNEYS)
def test_rules_of_one_touch_and_of_all_touches_give_what_counting_gives(journeys):
    paths = credited(journeys)["path"]
    expected = {
        name: dict.fromkeys(as_paths(journeys).channels, 0.0)
        for name in ("first_touch", "last_touch", "linear")
    }
    for path in paths:
        expected["first_touch"][path[0]] += 1
        expected["last_touch"][path[-1]] += 1
        for channel in path:
            expected["linear"][channel] += 1 / len(path)
    for name, shares in expected.items():
        assert credit(name, journeys) == near(shares)


# ------------------------------------------------------------------------------------------------ by hand

POSITIONS = [
    ("A", {"A": 1}),
    ("A B", {"A": 0.5, "B": 0.5}),  # 40 and 40 of 80
    ("A B C", {"A": 0.4, "B": 0.2, "C": 0.4}),
    ("A B C D E", {"A": 0.4, "B": 0.2 / 3, "C": 0.2 / 3, "D": 0.2 / 3, "E": 0.4}),
    ("A B A", {"A": 0.8, "B": 0.2}),
    ("A A", {"A": 1}),
]


@pytest.mark.parametrize(("path", "expected"), POSITIONS)
def test_position_based_gives_40_20_40(path, expected):
    assert credit("position_based", table((path, 1, 0))) == near(expected)


@pytest.mark.parametrize(
    ("first", "last", "path", "expected"),
    [
        (0.6, 0.2, "A B", {"A": 0.75, "B": 0.25}),  # 60 and 20 of 80
        (0.6, 0.2, "A B C", {"A": 0.6, "B": 0.2, "C": 0.2}),
        (0.5, 0.5, "A B C", {"A": 0.5, "B": 0, "C": 0.5}),
        (1, 0, "A B C", {"A": 1, "B": 0, "C": 0}),
        (0, 0.4, "A B", {"A": 0, "B": 1}),
    ],
)
def test_position_based_takes_other_shares(first, last, path, expected):
    assert credit(PositionBased(first=first, last=last), table((path, 1, 0))) == near(expected)


@pytest.mark.parametrize(
    ("hours", "half_life", "expected"),
    [
        ([168, 0], 7, [1 / 3, 2 / 3]),  # weights 1/2 and 1
        ([336, 168, 0], 7, [1 / 7, 2 / 7, 4 / 7]),  # 1/4, 1/2, 1
        ([48, 24], 1, [1 / 3, 2 / 3]),  # 1/4 and 1/2: only the difference counts
        ([5, 5], 7, [0.5, 0.5]),
        (
            [24 * 20_000, 24 * 19_993],
            7,
            [1 / 3, 2 / 3],
        ),  # long ago, where the weights themselves are too small for a float
    ],
)
def test_time_decay_by_hand(hours, half_life, expected):
    journey = pd.DataFrame(
        [
            {
                "path": ["A", "B", "C"][: len(hours)],
                "hours": [float(h) for h in hours],
                "converted": True,
                "value": 0.0,
            }
        ]
    )
    assert list(credit(TimeDecay(half_life_days=half_life), journey).values()) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("path", "winner"),
    [
        ("A Direct", "A"),
        ("A B Direct Direct", "B"),
        ("Direct A", "A"),
        ("Direct Direct", "Direct"),
        ("A direct", "A"),
        ("A (direct)", "A"),
        ("A DIRECT", "A"),
        ("Direct", "Direct"),
    ],
)
def test_last_non_direct_by_hand(path, winner):
    found = credit("last_non_direct", table((path, 1, 0)))
    assert {channel for channel, share in found.items() if share} == {winner}


def test_what_counts_as_direct_is_a_setting():
    model = LastNonDirect(direct=("typed in",))
    assert credit(
        model, pd.DataFrame({"path": [["A", "Typed in"], ["A", "Direct"]], "total_conversions": [1, 1]})
    ) == {"A": 1, "Direct": 1, "Typed in": 0}


def test_markov_by_hand():
    # A > B: 2 conversions, 1 not; A: 1 not; B: 1 conversion, 1 not. Six journeys, 3 conversions.
    # start to A 4/6, start to B 2/6; A to B 3/4, A to nothing 1/4; B to conversion 3/5.
    # P = (2/3 * 3/4 + 1/3) * 3/5 = 1/2. Without A: 1/3 * 3/5 = 1/5, effect 3/5. Without B: 0, effect 1.
    # Shares (3/5)/(8/5) = 3/8 and 5/8 of 3 conversions.
    paths = table(("A B", 2, 1), ("A", 0, 1), ("B", 1, 1))
    chain_of = fit_chain(as_paths(paths))
    assert chain_of.conversion_probability == pytest.approx(1 / 2)
    assert chain_of.removal_effects().to_dict() == near({"A": 3 / 5, "B": 1})
    assert credit("markov", paths) == near({"A": 9 / 8, "B": 15 / 8})
    assert credit("markov", paths, "value") == near({"A": 90 / 8, "B": 150 / 8})
    assert chain_of.transition_matrix().loc["A"].to_dict() == near(
        {"A": 0, "B": 0.75, "(conversion)": 0, "(no conversion)": 0.25}
    )


@pytest.mark.parametrize(
    "name", ["(start)", "(conversion)", "(null)", "START", "null", "a > b", "<script>", "Email>Promo", " A "]
)
@pytest.mark.parametrize("model", TIMELESS)
def test_no_channel_name_is_reserved(model, name):
    # the same game with plain names gives A and B half each; so it must with any name
    paths = pd.DataFrame(
        {"path": [[name, "A"], ["A", name]], "total_conversions": [2, 2], "total_null": [1, 1]}
    )
    assert credit(model, paths) == near({name: 2, "A": 2})


def test_every_model_explains_itself_on_its_card():
    cards = model_cards().set_index("model")["card"]
    assert cards.index.tolist() == list(MODELS)
    for part in ("Rule:", "Repeats:", "Paths without conversion:", "Two touches:", "Direct:", "Used by:"):
        assert cards.str.contains(part, regex=False).all(), part


# ------------------------------------------------------------------------------------------------ published figures

DATA = Path(__file__).parents[2] / "shared" / "data" / "pathdata"
# channel: first, last, linear, 40/20/40, unique, Markov 1, removal effect (facts: tracking practice II.4)
PUBLISHED = """
alpha 6308 8447 7574.72 7444.82 7627.94 5344.95 0.5584
iota 4606 3355 3857.10 3944.95 3505.04 3884.61 0.4058
eta 3164 4167 3539.95 3618.80 3613.66 3340.85 0.3490
beta 2831 989 2083.50 1969.77 1982.74 2527.35 0.2640
lambda 902 1207 1035.26 1046.90 987.78 1282.85 0.1340
theta 1606 653 1022.80 1092.74 1190.96 1971.91 0.2060
epsilon 99 531 272.17 301.05 374.68 599.57 0.0626
kappa 74 230 137.96 147.46 159.06 274.36 0.0287
zeta 27 107 136.55 88.62 199.99 381.06 0.0398
gamma 165 92 121.04 125.24 138.19 171.15 0.0179
mi 2 2 2.22 2.06 2.67 1.72 0.0002
delta 1 5 1.72 2.59 2.29 4.61 0.0005
"""
SMALL = table(
    ("A", 10, 40),
    ("B", 5, 45),
    ("A B", 20, 30),
    ("B A", 4, 16),
    ("A B C", 15, 5),
    ("C", 2, 28),
    ("A A B", 6, 4),
    ("C B C A", 3, 7),
)  # the eight paths that the peers were compared on


def shared(name: str) -> pd.DataFrame:
    if not (DATA / name).exists():
        pytest.skip(f"{name} is not beside the repository (it may not be redistributed)")
    return read_paths(DATA / name)


COLUMNS = ["first_touch", "last_touch", "linear", "position_based", "linear_unique", "markov"]


@pytest.mark.parametrize("model", COLUMNS)
def test_credit_on_the_public_sample_paths_is_the_published_one(model):
    published = {
        line.split()[0]: float(line.split()[1 + COLUMNS.index(model)])
        for line in PUBLISHED.split("\n")
        if line
    }
    assert credit(model, shared("pathdata.csv")) == pytest.approx(published, abs=0.0051)


def test_removal_effects_and_totals_on_the_public_sample_paths_are_the_published_ones():
    paths = shared("pathdata.csv")
    assert paths[["total_conversions", "total_null"]].sum().tolist() == [19_785, 68_602]
    assert paths["total_conversion_value"].sum() == pytest.approx(74_802.971587)
    chain_of = fit_chain(as_paths(paths))
    assert chain_of.conversion_probability == pytest.approx(0.223845135597, abs=1e-12)
    published = {line.split()[0]: float(line.split()[-1]) for line in PUBLISHED.split("\n") if line}
    assert chain_of.removal_effects().to_dict() == pytest.approx(published, abs=0.000051)


def test_leaving_out_journeys_without_conversion_changes_the_shares_as_published():
    found = credit("markov", shared("pathdata.csv").drop(columns="total_null"))
    assert [found[c] for c in ("alpha", "beta", "eta", "epsilon", "zeta")] == pytest.approx(
        [5260.1, 2585.4, 3347.8, 604.8, 394.5], abs=0.051
    )


def test_the_small_set_in_the_file_is_the_one_below():
    found = shared("shared_small.csv")
    assert found["path"].tolist() == SMALL["path"].tolist()
    assert (
        found[["total_conversions", "total_null"]].to_numpy()
        == SMALL[["total_conversions", "total_null"]].to_numpy()
    ).all()


@pytest.mark.parametrize(
    ("model", "expected", "rounding"),
    [
        ("first_touch", {"A": 10 + 20 + 15 + 6, "B": 5 + 4, "C": 2 + 3}, 0),
        ("last_touch", {"A": 10 + 4 + 3, "B": 5 + 20 + 6, "C": 15 + 2}, 0),
        ("linear", {"A": 10 + 10 + 2 + 5 + 4 + 0.75, "B": 5 + 10 + 2 + 5 + 2 + 0.75, "C": 5 + 2 + 1.5}, 0),
        ("shapley", {"A": 31, "B": 26, "C": 8}, 0),  # printed so by two packages
        (
            "markov",
            {"A": 24.1, "B": 26.9, "C": 14.0},
            0.051,
        ),  # printed so by two packages that redirect to null
    ],
)
def test_credit_on_the_small_set_is_that_of_the_peers(model, expected, rounding):
    assert sum(expected.values()) == pytest.approx(65)
    assert credit(model, SMALL) == pytest.approx(expected, abs=rounding)


# ------------------------------------------------------------------------------------------------ bootstrap


def random_journeys(rng: np.random.Generator, visitors: int = 60) -> pd.DataFrame:
    rows = []
    for visitor in range(visitors):
        for _ in range(rng.integers(1, 4)):
            path = rng.choice(["A", "B", "C"], size=rng.integers(1, 4), p=[0.5, 0.3, 0.2]).tolist()
            rows.append(
                {
                    "path": path,
                    "converted": rng.random() < 0.4,
                    "value": 1.0,
                    "visitor_id": f"v{visitor}",
                    "hours": [0.0] * len(path),
                }
            )
    return pd.DataFrame(rows)


def test_the_same_generator_gives_the_same_intervals_and_another_one_others():
    journeys = random_journeys(np.random.default_rng(5))
    tables = [
        compare(journeys, ["linear", "markov"], 40, np.random.default_rng(seed)).table for seed in (1, 1, 2)
    ]
    pd.testing.assert_frame_equal(tables[0], tables[1])
    assert not tables[0][["low", "high"]].equals(tables[2][["low", "high"]])


@pytest.mark.parametrize("model", MODELS)
def test_the_interval_holds_the_point_and_lies_above_zero(model):
    found = compare(random_journeys(np.random.default_rng(6)), [model], 200, np.random.default_rng(1)).table
    assert (found["low"] <= found["conversions"]).all() and (found["conversions"] <= found["high"]).all()
    assert (found["low"] >= 0).all() and (found["low"] < found["high"]).all()


def test_intervals_hold_the_expectation_about_as_often_as_they_promise():
    # every visitor has one journey: A or B at even chance, and converts with chance 0.3; so A is expected to have 0.15 of them
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


@pytest.mark.parametrize("model", MODELS)
def test_intervals_have_no_width_where_every_visitor_is_the_same(model):
    same = [
        {"path": ["A", "B"], "converted": True, "value": 1.0, "visitor_id": f"v{i}", "hours": [24.0, 0.0]}
        for i in range(20)
    ]
    found = compare(pd.DataFrame(same), [model], 30, np.random.default_rng(1)).table
    assert found["low"].to_numpy() == pytest.approx(found["conversions"].to_numpy())
    assert found["high"].to_numpy() == pytest.approx(found["conversions"].to_numpy())


def test_visitors_are_drawn_and_not_their_journeys():
    # v made 10 conversions by A, w made 10 by B. Drawing two visitors gives A 0, 10 or 20 with chances 1/4, 1/2, 1/4, so the
    # 2.5 % and 97.5 % points are 0 and 20. Drawing 20 journeys would give A Binomial(20, 1/2): 6 to 14.
    journeys = pd.DataFrame(
        {
            "path": [["A"]] * 10 + [["B"]] * 10,
            "converted": True,
            "value": 1.0,
            "visitor_id": ["v"] * 10 + ["w"] * 10,
        }
    )
    found = compare(journeys, ["linear"], 400, np.random.default_rng(1)).table
    assert found[["low", "high"]].values.tolist() == [[0, 20], [0, 20]]


def test_in_a_table_of_paths_each_journey_is_drawn_with_its_outcome():
    # 2,000 journeys, 10 of them by A with conversion: A has Binomial(2000, 10/2000) conversions in a resample
    paths = table(("A", 10, 990), ("B", 10, 990))
    found = compare(paths, ["linear"], 2000, np.random.default_rng(1)).table
    low, high = stats.binom(2000, 10 / 2000).ppf([0.025, 0.975])  # 4 and 17
    assert found["low"].to_numpy() == pytest.approx(low, abs=1) and found["high"].to_numpy() == pytest.approx(
        high, abs=1
    )


def test_paths_and_journeys_of_one_visitor_each_have_about_the_same_intervals():
    journeys = random_journeys(np.random.default_rng(7), 400)
    journeys["visitor_id"] = [f"v{i}" for i in range(len(journeys))]
    by_journey, by_path = (
        compare(t, ["linear"], 600, np.random.default_rng(1)).table for t in (journeys, count_paths(journeys))
    )
    assert by_path[["low", "high"]].to_numpy() == pytest.approx(
        by_journey[["low", "high"]].to_numpy(), rel=0.06
    )


def test_intervals_need_a_random_generator(complaint):
    assert "rng=np.random.default_rng(1)" in complaint(compare, SMALL, ["linear"], 10)


# ------------------------------------------------------------------------------------------------ comparison


def test_a_comparison_holds_each_model_s_credit_as_it_is_alone():
    both = compare(SMALL, ["linear", "markov"])
    assert both.models == ["linear", "markov"]
    for name in both.models:
        assert both.wide()[name].to_dict() == near(credit(name, SMALL))
    assert both.wide().index[0] == "A"  # the most credited by the first model: 31.75 of 65
    assert both.wide("value").sum().to_list() == pytest.approx([650, 650])


def test_a_comparison_says_what_it_covers_and_what_it_could_not_credit():
    found = compare(table(("A", 3, 0), ("", 2, 0)), ["linear"])
    assert (found.conversions, found.unattributed, found.value) == (5, 2, 50)
    assert found.sentence == "5 conversions = 3 credited + 2 unattributed (no touch in the lookback window)."
    assert found.as_json() == {
        "models": {"linear": {"A": {"conversions": 3.0, "value": 30.0}}},
        "conversions": 5.0,
        "value": 50.0,
        "unattributed": 2.0,
    }


def test_the_json_has_intervals_where_they_were_asked_for():
    found = compare(SMALL, ["linear"], 10, np.random.default_rng(1)).as_json()
    assert set(found["models"]["linear"]["A"]) == {"conversions", "value", "low", "high"}


@pytest.mark.parametrize(
    ("paths", "says"),
    [(table(("A", 0, 3)), ["no conversion", "main_goal"]), (table(("", 3, 3), ("A", 0, 1)), ["lookback_days", "visitor_id"])],
)
def test_without_a_conversion_that_has_a_touch_there_is_a_named_gap_and_no_credit(paths, says):
    gap = compare(paths, ["linear"])
    assert isinstance(gap, Gap) and all(words in gap.sentence for words in says)


def test_models_with_settings_of_their_own_stand_beside_the_named_ones():
    found = compare(
        SMALL,
        ["position_based", PositionBased(name="u_shape", first=0.5, last=0.5), FirstTouch(), LastTouch()],
    )
    assert found.models == ["position_based", "u_shape", "first_touch", "last_touch"]


@pytest.mark.parametrize(
    ("paths", "models", "says"),
    [
        (SMALL, ["linaer"], ["'linaer'", "Closest: 'linear'", "Write some of: first_touch"]),
        (SMALL, ["linear", Linear()], ["'linear'", "name="]),
        (SMALL, ["time_decay"], ["time_decay needs the time of each touch"]),
        (
            pd.DataFrame({"paths": [["A"]], "total_conversions": [1]}),
            ["linear"],
            ["'path'", "Closest: 'paths'"],
        ),
        (
            pd.DataFrame({"path": ["A > B"], "total_conversions": [1]}),
            ["linear"],
            ["list", "['Email', 'Direct']"],
        ),
        (
            pd.DataFrame({"path": [["A"], None], "total_conversions": [1, 1]}, index=[7, 8]),
            ["linear"],
            ["row 8", "empty list"],
        ),
        (pd.DataFrame({"path": [["A", ""]], "total_conversions": [1]}), ["linear"], ["empty channel"]),
        (pd.DataFrame({"path": [["A", None]], "total_conversions": [1]}), ["linear"], ["empty channel"]),
        (pd.DataFrame({"path": [[1, 2]], "total_conversions": [1]}), ["linear"], ["list of names"]),
        (
            pd.DataFrame({"path": [["A"]], "total_conversions": [-1]}, index=[7]),
            ["linear"],
            ["row 7", "total_conversions", "-1"],
        ),
        (
            pd.DataFrame({"path": [["A"]], "total_conversions": [np.nan]}),
            ["linear"],
            ["row 0", "total_conversions", "missing"],
        ),
        (
            pd.DataFrame({"path": [["A"]], "total_conversions": [np.inf]}),
            ["linear"],
            ["row 0", "total_conversions", "inf"],
        ),
        (
            pd.DataFrame({"path": [["A"]], "total_conversions": [1], "total_null": [-2]}),
            ["linear"],
            ["row 0", "total_null"],
        ),
        (
            pd.DataFrame(
                {"path": [["A"], ["B"]], "total_conversions": [0, 1], "total_conversion_value": [5.0, 1.0]}
            ),
            ["linear"],
            ["row 0", "5.0 without a conversion"],
        ),
    ],
)
def test_what_cannot_be_compared_is_refused_in_one_line(paths, models, says, complaint):
    line = complaint(compare, paths, models)
    assert [part for part in says if part not in line] == [], line


@pytest.mark.parametrize("settings_", [{"first": 0.6, "last": 0.6}, {"first": -0.1}, {"first": 0, "last": 0}])
def test_shares_that_do_not_add_up_are_refused(settings_, complaint):
    assert "first=0.4, last=0.4" in complaint(PositionBased, **settings_)


@pytest.mark.parametrize("half_life", [0, -1, float("nan")])
def test_a_half_life_of_nothing_is_refused(half_life, complaint):
    assert "above 0" in complaint(TimeDecay, half_life_days=half_life)


@given(PATHS)
def test_fractions_of_conversions_are_not_cut_off(paths):
    assume(paths["total_conversions"].sum() > 0)
    half = paths.assign(total_conversions=paths["total_conversions"] / 2, total_conversion_value=0.0)
    assert compare(half, ["linear"]).table["conversions"].sum() == pytest.approx(len_credited(paths) / 2)


def len_credited(paths: pd.DataFrame) -> float:
    return float(paths.loc[paths["path"].map(len) > 0, "total_conversions"].sum())


# ------------------------------------------------------------------------------------------------ files of paths


@settings(max_examples=15)
@given(PATHS)
def test_paths_stored_as_parquet_give_the_credit_that_they_had(paths):
    with tempfile.TemporaryDirectory() as folder:
        paths.to_parquet(Path(folder) / "paths.parquet")
        stored = read_paths(Path(folder) / "paths.parquet")
        paths.assign(path=paths["path"].str.join(" > ")).to_csv(Path(folder) / "paths.csv", index=False)
        written = read_paths(Path(folder) / "paths.csv")
    assert stored["path"].tolist() == written["path"].tolist() == paths["path"].tolist()
    for found in (stored, written):
        assert credit("markov", found) == near(credit("markov", paths))


def test_channels_are_split_at_a_spaced_arrow_only_and_keep_their_spelling(tmp_path):
    (tmp_path / "paths.csv").write_text('path,total_conversions\n"Email>Promo > null > <b>",2\nA > ,1\n,3\n')
    assert read_paths(tmp_path / "paths.csv")["path"].tolist() == [["Email>Promo", "null", "<b>"], ["A"], []]


def test_a_parquet_file_keeps_channels_that_a_text_would_break(tmp_path):
    pd.DataFrame({"path": [["a > b", "(start)"]], "total_conversions": [1]}).to_parquet(
        tmp_path / "paths.parquet"
    )
    assert read_paths(tmp_path / "paths.parquet")["path"].tolist() == [["a > b", "(start)"]]


def test_a_missing_channel_in_a_parquet_file_is_not_a_channel_called_none(tmp_path, complaint):
    pd.DataFrame({"path": [["A", None]], "total_conversions": [1]}).to_parquet(tmp_path / "paths.parquet")
    assert "empty channel" in complaint(compare, read_paths(tmp_path / "paths.parquet"), ["linear"])


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("path,total_conversion\nA,1\n", ["paths.csv", "'total_conversions'", "Closest: 'total_conversion'"]),
        ("paths,total_conversions\nA,1\n", ["paths.csv", "'path'", "Closest: 'paths'"]),
        ("path,total_conversions\nA,1\nB,two\n", ["paths.csv, row 3, column total_conversions", "'two'"]),
        ("path,total_conversions\nA,-1\n", ["paths.csv, row 2, column total_conversions", "'-1'"]),
        ("path,total_conversions\nA,\n", ["paths.csv, row 2, column total_conversions"]),
        ("path,total_conversions,total_null\nA,1,x\n", ["paths.csv, row 2, column total_null", "'x'"]),
        (
            'path,total_conversions,total_conversion_value\nA,1,"1,5"\n',
            ["paths.csv, row 2, column total_conversion_value", "'1,5'"],
        ),
        ("", ["paths.csv is empty"]),
        ("path,total_conversions\n", ["paths.csv", "no rows"]),
        ("A > B,1\nA,2\n", ["paths.csv, row 1", "header line"]),
    ],
)
def test_a_file_of_paths_that_cannot_be_used_is_refused_by_row_and_column(text, says, tmp_path, complaint):
    (tmp_path / "paths.csv").write_text(text)
    line = complaint(read_paths, tmp_path / "paths.csv")
    assert [part for part in says if part not in line] == [], line


def test_a_file_of_paths_that_is_not_there_is_answered_with_the_nearest(tmp_path, complaint):
    (tmp_path / "paths.csv").write_text("path,total_conversions\nA,1\n")
    assert "Closest: 'paths.csv'" in complaint(read_paths, tmp_path / "path.csv")
