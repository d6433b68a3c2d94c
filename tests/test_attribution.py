"""Laws that attribution models keep, rules by hand, comparison side by side, bad inputs, and files of paths.

Chains are in test_markov, games in test_shapley, platforms in test_platforms, resamples in test_intervals.
"""

from __future__ import annotations

import tempfile
from decimal import Decimal
from itertools import chain
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from convtrack.attribution import (
    MODELS,
    CustomWeights,
    FirstTouch,
    LastNonDirect,
    LastTouch,
    Linear,
    Markov,
    PositionBased,
    TimeDecay,
    as_paths,
    compare,
    get_model,
    model_cards,
    read_paths,
)
from convtrack.gaps import Gap
from convtrack.journeys import build_journeys, count_paths
from convtrack.schema import validate
from hypothesis import given, settings
from hypothesis import strategies as st
from paths import (
    ADD_UP,
    CHANNELS,
    DO_NOT_ADD_UP,
    EIGHT,
    EVERY,
    JOURNEYS,
    OF_SETS,
    PATHS,
    PLATFORMS,
    READINGS,
    RULES,
    TIMELESS,
    credit,
    credited,
    journey,
    models_seeing,
    near,
    paths_of,
    table,
)

TIMELESS_AND_READINGS = models_seeing(CHANNELS, TIMELESS)
# credit below 0 is possible, and said on the card, only where a channel can make others convert less
NEVER_NEGATIVE = [
    *models_seeing(CHANNELS, [*RULES, "participation", *PLATFORMS]),
    *[model for model in READINGS if model.removal in ("to_null", "fail")],
]


# ------------------------------------------------------------------------------------------------ laws


def test_the_laws_below_are_tested_for_every_model():
    assert sorted([*ADD_UP, *DO_NOT_ADD_UP]) == sorted(MODELS) and len(MODELS) == 26
    assert all(model.name == name for name, model in MODELS.items())
    assert all(MODELS[name].adds_up for name in ADD_UP) and not any(
        MODELS[name].adds_up for name in DO_NOT_ADD_UP
    )


@given(JOURNEYS)
def test_credit_adds_up_to_the_credited_conversions_and_to_their_value(journeys):
    paths, won = as_paths(journeys), credited(journeys)
    for model in [MODELS[name] for name in ADD_UP]:
        assert sum(credit(model, paths).values()) == pytest.approx(len(won)), model.name
        assert sum(credit(model, paths, "value").values()) == pytest.approx(won["value"].sum()), model.name


@given(JOURNEYS)
def test_a_removal_reading_adds_up_too_unless_it_says_that_it_is_undefined(journeys):
    paths, won = as_paths(journeys), credited(journeys)
    for model in READINGS:
        for what, total in (("conversions", len(won)), ("value", won["value"].sum())):
            shares = list(credit(model, paths, what).values())
            assert np.isnan(shares).all() or sum(shares) == pytest.approx(total), (model.name, what)
            assert model.removal in ("detour", "refit") or not np.isnan(shares).any(), (model.name, what)


@given(JOURNEYS)
def test_participation_adds_up_to_each_conversion_times_its_different_channels(journeys):
    won = credited(journeys)
    channels = won["path"].map(lambda path: len(set(path)))
    assert sum(credit("participation", journeys).values()) == pytest.approx(channels.sum())
    assert sum(credit("participation", journeys, "value").values()) == pytest.approx(
        (channels * won["value"]).sum()
    )


@given(JOURNEYS)
def test_the_exact_game_adds_up_to_the_conversions_on_paths_with_every_channel(journeys):
    everyone = set(as_paths(journeys).channels)
    with_all = credited(journeys).loc[lambda t: [set(path) == everyone for path in t["path"]]]
    assert sum(credit("shapley_exact", journeys).values()) == pytest.approx(len(with_all))
    assert sum(credit("shapley_exact", journeys, "value").values()) == pytest.approx(with_all["value"].sum())


@given(JOURNEYS)
def test_a_platform_claims_a_conversion_once_or_not_at_all(journeys):
    paths = as_paths(journeys)
    for platform in models_seeing(CHANNELS, PLATFORMS):
        touches = platform.by_touch(paths)
        assert set(touches["share"]) <= {0.0, 1.0}
        assert set(touches.groupby("path")["share"].sum()) <= {0.0, 1.0}, platform.name


@given(JOURNEYS)
def test_credit_is_not_negative_where_the_card_does_not_say_so(journeys):
    paths = as_paths(journeys)
    for model in NEVER_NEGATIVE:
        assert min(credit(model, paths).values()) >= -1e-12, model.name
        assert min(credit(model, paths, "value").values()) >= -1e-12, model.name


@given(JOURNEYS, st.integers(1, 6))
def test_credit_is_the_same_where_long_data_is_worked_out_in_parts(journeys, at_once):
    models = [model for model in EVERY if model.obstacle(as_paths(journeys)) is None]
    whole = [model.credit(as_paths(journeys)) for model in models]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("convtrack.paths.AT_ONCE", at_once)
        for model, expected in zip(models, whole, strict=True):
            pd.testing.assert_frame_equal(model.credit(as_paths(journeys)), expected, rtol=1e-12, atol=1e-12)


@given(JOURNEYS, st.randoms(use_true_random=False))
def test_the_order_of_rows_changes_nothing(journeys, random):
    paths = as_paths(journeys)
    mixed = as_paths(journeys.iloc[random.sample(range(len(journeys)), len(journeys))])
    for model in EVERY:
        for what in ("conversions", "value"):
            assert credit(model, mixed, what) == near(credit(model, paths, what)), model.name


@pytest.mark.parametrize(
    "names",
    [
        {"A": "(start)", "B": "Promo > Email", "C": "<script>", "Direct": "(direct)"},
        {"A": "(conversion)", "B": "null", "C": "START", "Direct": "DIRECT"},
    ],
)
@given(journeys=JOURNEYS)
@settings(max_examples=15)
def test_renaming_channels_changes_only_their_names(names, journeys):
    paths = as_paths(journeys)
    renamed = as_paths(
        journeys.assign(path=[[names[channel] for channel in path] for path in journeys["path"]])
    )
    for model, same in zip(EVERY, models_seeing(list(names.values())), strict=True):
        expected = {names[channel]: share for channel, share in credit(model, paths).items()}
        assert credit(same, renamed) == near(expected), model.name


@pytest.mark.parametrize(
    "name",
    [
        "(start)",
        "(conversion)",
        "(no conversion)",
        "(null)",
        "START",
        "null",
        "nan",
        "a > b",
        "<script>",
        "Email > Promo",
        "Email>Promo",
        " A ",
    ],
)
@pytest.mark.parametrize("model", TIMELESS)
def test_no_channel_name_is_reserved(model, name):
    # with plain names A and B play the same part, and so they must with any name
    played = credit(model, paths_of([(["B", "A"], 2, 1, 20.0), (["A", "B"], 2, 1, 20.0)]))
    renamed = credit(model, paths_of([([name, "A"], 2, 1, 20.0), (["A", name], 2, 1, 20.0)]))
    assert played == near({"A": played["A"], "B": played["A"]})
    assert renamed == near({name: played["B"], "A": played["A"]})


@given(PATHS)
def test_a_path_that_fills_two_rows_is_the_same_as_in_one(paths):
    totals = ["total_conversions", "total_conversion_value", "total_null"]
    half = paths.assign(**{c: paths[c] / 2 for c in totals})
    whole, halves = as_paths(paths), as_paths(pd.concat([half, half]))
    for model in TIMELESS_AND_READINGS:
        for what in ("conversions", "value"):
            assert credit(model, halves, what) == near(credit(model, whole, what)), model.name


@given(JOURNEYS)
def test_journeys_and_their_counted_paths_give_the_same_credit(journeys):
    each, counted = as_paths(journeys), as_paths(count_paths(journeys))
    for model in TIMELESS_AND_READINGS:
        for what in ("conversions", "value"):
            assert credit(model, counted, what) == near(credit(model, each, what)), model.name


@given(JOURNEYS, st.integers(2, 9))
def test_several_times_the_journeys_give_several_times_the_credit(journeys, factor):
    once, often = as_paths(journeys), as_paths(pd.concat([journeys] * factor))
    for model in EVERY:
        expected = {channel: factor * share for channel, share in credit(model, once).items()}
        assert credit(model, often) == near(expected), model.name


@given(JOURNEYS)
def test_a_conversion_without_a_touch_takes_no_credit_from_anyone(journeys):
    stranger = pd.DataFrame([journey([], value=1e6, visitor_id="stranger")])
    without, with_one = as_paths(journeys), as_paths(pd.concat([journeys, stranger]))
    for model in EVERY:
        for what in ("conversions", "value"):
            assert credit(model, with_one, what) == near(credit(model, without, what)), model.name
    assert with_one.unattributed == without.unattributed + 1


@given(JOURNEYS)
def test_a_channel_that_no_conversion_has_met_gets_none(journeys):
    # by detour and refit its failures count against it, and in the exact game that no set with it converts
    alone = pd.DataFrame([journey(["Idle", "Idle"], False)])
    with_others = pd.DataFrame([journey(["Idle", "A"], False), journey(["B", "Idle"], False)])
    apart, among = as_paths(pd.concat([journeys, alone])), as_paths(pd.concat([journeys, alone, with_others]))
    for model in models_seeing([*CHANNELS, "Idle"], [name for name in MODELS if name != "shapley_exact"]):
        if getattr(model, "removal", "fail") in ("to_null", "fail"):
            assert credit(model, apart)["Idle"] == pytest.approx(0, abs=1e-12), model.name
        if (
            getattr(model, "removal", "fail") == "fail"
        ):  # a chain leads from Idle to A, and from A to conversions
            assert credit(model, among)["Idle"] == pytest.approx(0, abs=1e-12), model.name


@given(JOURNEYS)
def test_a_rule_credits_only_channels_on_converting_paths_and_ignores_the_others(journeys):
    on_one = set(chain.from_iterable(credited(journeys)["path"]))
    all_paths, won = as_paths(journeys), as_paths(credited(journeys))
    for model in models_seeing(CHANNELS, [*RULES, "participation", *PLATFORMS]):
        found = credit(model, all_paths)
        assert {channel for channel, share in found.items() if share > 0} <= on_one, model.name
        assert {c: s for c, s in found.items() if c in on_one} == near(credit(model, won)), model.name


@given(JOURNEYS)
def test_channels_that_play_the_same_part_get_the_same_credit(journeys):
    swap = {"A": "B", "B": "A"}
    mirror = journeys.assign(
        path=[[swap.get(channel, channel) for channel in path] for path in journeys["path"]]
    )
    paths = as_paths(pd.concat([journeys, mirror]))
    for model in EVERY:
        for what in ("conversions", "value"):
            found = credit(model, paths, what)
            assert found.get("A", 0) == pytest.approx(found.get("B", 0), abs=1e-8, nan_ok=True), model.name


@given(PATHS, st.randoms(use_true_random=False))
def test_order_and_repeats_do_not_matter_to_models_of_sets(paths, random):
    mixed = paths.assign(path=[random.sample(path * 2, len(path) * 2) for path in paths["path"]])
    whole, shuffled = as_paths(paths), as_paths(mixed)
    for model in [*OF_SETS, *[model for model in READINGS if model.removal != "to_null"]]:
        assert credit(model, shuffled) == near(credit(model, whole)), get_model(model).name


@given(JOURNEYS)
def test_credit_touch_by_touch_adds_up_to_the_credit_of_channels(journeys):
    paths = as_paths(journeys)
    touches = journeys["path"].map(len)
    for model in models_seeing(CHANNELS, [*RULES, "participation", *PLATFORMS]):
        found = model.by_touch(paths)
        assert found["channel"].tolist() == list(chain.from_iterable(journeys["path"]))
        assert found["position"].tolist() == [i + 1 for n in touches for i in range(n)]
        for what in ("conversions", "value"):
            sums = found.groupby("channel")[what].sum().to_dict()
            assert sums == near(credit(model, paths, what)), model.name
        if model.adds_up:
            assert found.groupby("path")["share"].sum().to_numpy() == pytest.approx(1), model.name


# ------------------------------------------------------------------------------------------------ by counting


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
        weights = [2 ** ((min(row.hours) - hours) / 24 / half_life) for hours in row.hours]
        for channel, weight in zip(row.path, weights, strict=True):
            expected[channel] += weight / sum(weights)
    assert credit(TimeDecay(half_life_days=half_life), journeys) == near(expected)


@given(JOURNEYS)
def test_first_last_linear_and_participation_are_what_counting_gives(journeys):
    names = ("first_touch", "last_touch", "linear", "participation")
    expected = {name: dict.fromkeys(as_paths(journeys).channels, 0.0) for name in names}
    for row in credited(journeys).itertuples():
        expected["first_touch"][row.path[0]] += row.value
        expected["last_touch"][row.path[-1]] += row.value
        for channel in row.path:
            expected["linear"][channel] += row.value / len(row.path)
        for channel in set(row.path):
            expected["participation"][channel] += row.value
    for name, shares in expected.items():
        assert credit(name, journeys, "value") == near(shares), name


@given(JOURNEYS)
def test_w_shaped_is_30_30_30_10_of_the_roles_that_a_path_has(journeys):
    expected = dict.fromkeys(as_paths(journeys).channels, 0.0)
    for row in credited(journeys).itertuples():
        n = len(row.path)
        roles = [
            (0.3, [0]),
            (0.3, [n - 1]),
            (0.3, [i for i in range(n) if row.milestones[i]]),
            (0.1, [i for i in range(1, n - 1) if not row.milestones[i]]),
        ]
        there = sum(share for share, touches in roles if touches)
        for share, touches in roles:
            for i in touches:
                expected[row.path[i]] += share / there / len(touches)
    assert credit("w_shaped", journeys) == near(expected)


# ------------------------------------------------------------------------------------------------ by hand


@pytest.mark.parametrize(
    ("model", "conversions", "value"),
    [
        # by the first channel: A leads the paths with 10, 20, 15 and 6 conversions, B 5 and 4, C 2 and 3
        ("first_touch", {"A": 51, "B": 9, "C": 5}, {"A": 100 + 250 + 300 + 90, "B": 60 + 40, "C": 20 + 45}),
        (
            "last_touch",
            {"A": 10 + 4 + 3, "B": 5 + 20 + 6, "C": 15 + 2},
            {"A": 100 + 40 + 45, "B": 60 + 250 + 90, "C": 300 + 20},
        ),
        # A: 10 + 20/2 + 4/2 + 15/3 + 6*2/3 + 3/4
        (
            "linear",
            {"A": 31.75, "B": 5 + 10 + 2 + 5 + 2 + 0.75, "C": 5 + 2 + 1.5},
            {
                "A": 100 + 125 + 20 + 100 + 60 + 11.25,
                "B": 60 + 125 + 20 + 100 + 30 + 11.25,
                "C": 100 + 20 + 22.5,
            },
        ),
        # A is on 58 of the 65 conversions' paths: all but B's 5 and C's 2
        (
            "participation",
            {"A": 58, "B": 65 - 10 - 2, "C": 15 + 2 + 3},
            {"A": 905 - 60 - 20, "B": 905 - 100 - 20, "C": 300 + 20 + 45},
        ),
        # A: 10 + (20 + 4 + 6)/2 + (15 + 3)/3
        (
            "linear_unique",
            {"A": 31, "B": 5 + 15 + 6, "C": 2 + 6},
            {"A": 100 + 380 / 2 + 345 / 3, "B": 60 + 380 / 2 + 345 / 3, "C": 20 + 345 / 3},
        ),
        # 40/20/40; two touches 1/2; C > B > C > A: 0.4, 0.1, 0.1, 0.4
        (
            "position_based",
            {"A": 10 + 10 + 2 + 6 + 3.6 + 1.2, "B": 5 + 10 + 2 + 3 + 2.4 + 0.3, "C": 6 + 2 + 1.5},
            {"A": 100 + 125 + 20 + 120 + 54 + 18, "B": 60 + 125 + 20 + 60 + 36 + 4.5, "C": 120 + 20 + 22.5},
        ),
    ],
)
def test_credit_on_the_eight_paths_is_that_of_pencil_and_paper(model, conversions, value):
    assert credit(model, EIGHT) == near(conversions)
    assert credit(model, EIGHT, "value") == near(value)


@pytest.mark.parametrize(
    ("model", "path", "expected"),
    [
        ("position_based", "A", {"A": 1}),
        ("position_based", "A B", {"A": 0.5, "B": 0.5}),  # 40 and 40 of 80
        ("position_based", "A B C", {"A": 0.4, "B": 0.2, "C": 0.4}),
        ("position_based", "A B C D E", {"A": 0.4, "B": 0.2 / 3, "C": 0.2 / 3, "D": 0.2 / 3, "E": 0.4}),
        ("position_based", "A B A", {"A": 0.8, "B": 0.2}),
        ("position_based", "A A", {"A": 1}),
        # Mixpanel's reading of two touches: 20 and 60 of 80
        ("j_shaped", "A B", {"A": 0.25, "B": 0.75}),
        ("inverse_j", "A B", {"A": 0.75, "B": 0.25}),
        ("j_shaped", "A B C D", {"A": 0.2, "B": 0.1, "C": 0.1, "D": 0.6}),
        ("inverse_j", "A B C D", {"A": 0.6, "B": 0.1, "C": 0.1, "D": 0.2}),
        ("j_shaped", "A", {"A": 1}),
        # Amplitude's: each touch gets half of the middle's 20
        (PositionBased("j", 0.2, 0.6, "split_middle"), "A B", {"A": 0.3, "B": 0.7}),
        (PositionBased("inverse_j", 0.6, 0.2, "split_middle"), "A B", {"A": 0.7, "B": 0.3}),
        (PositionBased("u", 0.4, 0.4, "split_middle"), "A B", {"A": 0.5, "B": 0.5}),
        (PositionBased("j", 0.2, 0.6, "split_middle"), "A", {"A": 1}),
        (PositionBased("j", 0.2, 0.6, "split_middle"), "A B C", {"A": 0.2, "B": 0.2, "C": 0.6}),
        (PositionBased("ends", 0.5, 0.5), "A B C", {"A": 0.5, "B": 0, "C": 0.5}),
        (PositionBased("first", 1, 0), "A B C", {"A": 1, "B": 0, "C": 0}),
        (PositionBased("last", 0, 0.4), "A B", {"A": 0, "B": 1}),
        # touch 1, 2, 3 in proportion to 1, 2, 3, of 6
        ("custom", "A B C", {"A": 1 / 6, "B": 2 / 6, "C": 3 / 6}),
        ("custom", "A B", {"A": 1 / 3, "B": 2 / 3}),
        (CustomWeights("odd", lambda place, n: (place % 2 == 0) * 1), "A B C", {"A": 0.5, "B": 0, "C": 0.5}),
        (
            CustomWeights("by_length", lambda place, n: np.where(place == 0, n, 1)),
            "A B C",
            {"A": 3 / 5, "B": 1 / 5, "C": 1 / 5},
        ),
        ("participation", "A B A", {"A": 1, "B": 1}),
        ("linear", "A B A", {"A": 2 / 3, "B": 1 / 3}),
        ("linear_unique", "A B A", {"A": 0.5, "B": 0.5}),
    ],
)
def test_one_path_by_hand(model, path, expected):
    assert credit(model, table((path, 1, 0))) == near(expected)


@pytest.mark.parametrize(
    ("path", "milestones", "expected"),
    [
        ("A B C D", "B", [0.3, 0.3, 0.1, 0.3]),
        ("A B C D E", "C", [0.3, 0.05, 0.3, 0.05, 0.3]),
        ("A B C", "A", [0.6, 0.1, 0.3]),  # the first touch led to the milestone as well
        ("A B C", "C", [0.3, 0.1, 0.6]),
        ("A B C", "B", [1 / 3, 1 / 3, 1 / 3]),  # no touch between: 30, 30, 30 of 90
        ("A B C", "", [3 / 7, 1 / 7, 3 / 7]),  # no milestone: 30, 10, 30 of 70
        ("A B C D", "B C", [2 / 6, 1 / 6, 1 / 6, 2 / 6]),  # two milestones share: 30, 15, 15, 30 of 90
        ("A B", "", [0.5, 0.5]),
        ("A B", "A", [2 / 3, 1 / 3]),  # 60 and 30 of 90
        ("A", "", [1]),
        ("A", "A", [1]),
    ],
)
def test_w_shaped_by_hand(path, milestones, expected):
    path = path.split()
    row = journey(path, milestones=[channel in milestones.split() for channel in path])
    assert list(credit("w_shaped", pd.DataFrame([row])).values()) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("hours", "half_life", "expected"),
    [
        ([168, 0], 7, [1 / 3, 2 / 3]),  # weights 1/2 and 1
        ([336, 168, 0], 7, [1 / 7, 2 / 7, 4 / 7]),  # 1/4, 1/2, 1
        ([48, 24], 1, [1 / 3, 2 / 3]),  # 1/4 and 1/2: only the difference counts
        ([5, 5], 7, [0.5, 0.5]),
        # long ago, where the weights themselves are too small for a float
        ([24 * 20_000, 24 * 19_993], 7, [1 / 3, 2 / 3]),
    ],
)
def test_time_decay_by_hand(hours, half_life, expected):
    path = ["A", "B", "C"][: len(hours)]
    journeys = pd.DataFrame([journey(path, hours=[float(h) for h in hours])])
    assert list(credit(TimeDecay(half_life_days=half_life), journeys).values()) == pytest.approx(expected)


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


def test_every_model_explains_itself_on_its_card():
    cards = model_cards().set_index("model")["card"]
    assert cards.index.tolist() == list(MODELS)
    for part in ("Rule:", "Repeats:", "Paths without conversion:", "Two touches:", "Direct:"):
        assert cards.str.contains(part, regex=False).all(), part
    assert cards.str.contains("Used by:|Source:").all()


def test_a_model_that_does_not_add_up_or_can_be_negative_says_so_on_its_card():
    cards = model_cards().set_index("model")["card"].str.replace(r"\s+", " ", regex=True)
    sees_all = {"ga4", "matomo"}  # these claim every conversion with a visit in the window
    assert all("add up" in cards[name] or name in sees_all for name in DO_NOT_ADD_UP)
    assert all("can be negative" in cards[name] for name in ("shapley_rate", "shapley_exact", "markov"))


# ------------------------------------------------------------------------------------------------ published

DATA = Path(__file__).parents[2] / "shared" / "data" / "pathdata"
# channel: first, last, linear, 40/20/40, unique, Markov 1 (facts: tracking practice II.4)
PUBLISHED = """
alpha 6308 8447 7574.72 7444.82 7627.94 5344.95
iota 4606 3355 3857.10 3944.95 3505.04 3884.61
eta 3164 4167 3539.95 3618.80 3613.66 3340.85
beta 2831 989 2083.50 1969.77 1982.74 2527.35
lambda 902 1207 1035.26 1046.90 987.78 1282.85
theta 1606 653 1022.80 1092.74 1190.96 1971.91
epsilon 99 531 272.17 301.05 374.68 599.57
kappa 74 230 137.96 147.46 159.06 274.36
zeta 27 107 136.55 88.62 199.99 381.06
gamma 165 92 121.04 125.24 138.19 171.15
mi 2 2 2.22 2.06 2.67 1.72
delta 1 5 1.72 2.59 2.29 4.61
"""
COLUMNS = ["first_touch", "last_touch", "linear", "position_based", "linear_unique", "markov"]


def shared(name: str) -> pd.DataFrame:
    if not (DATA / name).exists():
        pytest.skip(f"{name} is not beside the repository (it may not be redistributed)")
    return read_paths(DATA / name)


@pytest.mark.parametrize("model", COLUMNS)
def test_credit_on_the_public_sample_paths_is_the_published_one(model):
    column = 1 + COLUMNS.index(model)
    published = {line.split()[0]: float(line.split()[column]) for line in PUBLISHED.split("\n") if line}
    assert credit(model, shared("pathdata.csv")) == pytest.approx(published, abs=0.0051)


def test_the_public_sample_paths_have_the_published_totals():
    paths = shared("pathdata.csv")
    assert paths[["total_conversions", "total_null"]].sum().tolist() == [19_785, 68_602]
    assert paths["total_conversion_value"].sum() == pytest.approx(74_802.971587)


def test_the_eight_paths_in_the_file_are_those_of_these_tests():
    found = shared("shared_small.csv")
    assert found["path"].tolist() == EIGHT["path"].tolist()
    totals = ["total_conversions", "total_null", "total_conversion_value"]
    assert (found[totals].to_numpy() == EIGHT[totals].to_numpy()).all()


# ------------------------------------------------------------------------------------------------ comparison


def test_a_comparison_holds_each_model_s_credit_as_it_is_alone():
    both = compare(EIGHT, ["linear", "markov"])
    assert both.models == ["linear", "markov"]
    for name in both.models:
        assert both.wide()[name].to_dict() == near(credit(name, EIGHT))
        assert both.wide("value")[name].to_dict() == near(credit(name, EIGHT, "value"))
    assert both.wide().index[0] == "A"  # the most credited by the first model: 31.75 of 65


def test_share_difference_and_rank_are_those_of_pencil_and_paper():
    # last touch: A 17, B 31, C 17; first touch: A 51, B 9, C 5; participation: A 58, B 53, C 20, together 131
    found = compare(EIGHT, ["last_touch", "first_touch", "participation"]).table.set_index(
        ["model", "channel"]
    )
    assert found["share"].tolist() == pytest.approx(
        [17 / 65, 31 / 65, 17 / 65, 51 / 65, 9 / 65, 5 / 65, 58 / 131, 53 / 131, 20 / 131]
    )
    assert found["difference"].tolist() == [0, 0, 0, 51 - 17, 9 - 31, 5 - 17, 58 - 17, 53 - 31, 20 - 17]
    assert found["rank"].tolist() == [2, 1, 2, 1, 2, 3, 1, 2, 3]  # A and C share the second place


def test_the_difference_from_last_click_is_there_without_last_click_among_the_models():
    found = compare(EIGHT, ["first_touch"]).table.set_index("channel")["difference"]
    assert found.to_dict() == {"A": 34, "B": -22, "C": -12}


@given(JOURNEYS)
@settings(max_examples=15)
def test_shares_of_what_adds_up_add_up_to_one_and_ranks_order_the_credit(journeys):
    found = compare(journeys, models_seeing(CHANNELS)).table
    shares = found.groupby("model")["share"].sum(min_count=1).dropna()
    assert set(ADD_UP) <= set(shares.index)
    assert shares.to_numpy() == pytest.approx(1)
    for _, rows in found.groupby("model"):
        above = [(rows["conversions"] > credit + 1e-9).sum() + 1 for credit in rows["conversions"]]
        assert [a for a, r in zip(above, rows["rank"], strict=True) if not np.isnan(r)] == rows[
            "rank"
        ].dropna().tolist()


def test_credit_that_cancels_out_has_no_shares():
    # no path has all three channels, so that the game of all three is worth 0
    paths = table(("A", 1, 0), ("B", 2, 0), ("A B", 3, 0), ("C", 1, 0))
    found = compare(paths, ["shapley_exact"])
    assert found.table["share"].isna().all() and found.table["rank"].tolist() == [2, 1, 3]
    assert "shapley_exact adds up to 0.0, not to the 7 credited conversions." in found.warnings


def test_credit_that_is_undefined_has_no_rank_and_no_say_in_who_is_first():
    # every journey converts, so taking a channel off the paths changes no rate
    paths = table(("A", 1, 0), ("B", 2, 0), ("A B", 3, 0))
    found = compare(paths, ["linear", Markov("detour", removal="detour")])
    undefined = found.table[found.table["model"] == "detour"]
    assert undefined[["conversions", "share", "difference", "rank"]].isna().all(axis=None)
    assert found.warnings == ["detour is undefined here: its effects cancel each other."]
    assert found.decisions.startswith("B is first by every model")  # A 1 + 1.5, B 2 + 1.5
    assert found.as_json()["models"]["detour"]["A"]["conversions"] is None


def test_of_thousands_of_channels_a_sentence_names_a_few():
    names = [f"c{place:04}" for place in range(3000)]
    paths = pd.DataFrame({"path": [[name, "end"] for name in names], "total_conversions": 1.0})
    said = compare(as_paths(paths), ["last_touch", "first_touch"]).decisions
    assert "c0000, c0001" in said and "more" in said and len(said) < 600



def test_changes_say_what_all_models_say_together_against_last_click():
    found = compare(EIGHT, ["first_touch", "linear", "last_touch"])
    columns = ["lowest", "highest", "best_rank", "worst_rank", "verdict"]
    assert found.changes[columns].to_dict("index") == {  # linear gives A 31.75, B 24.75, C 8.5
        "A": {"lowest": 14.75, "highest": 34, "best_rank": 1, "worst_rank": 2, "verdict": "more"},
        "B": {"lowest": -22, "highest": -6.25, "best_rank": 1, "worst_rank": 2, "verdict": "less"},
        "C": {"lowest": -12, "highest": -8.5, "best_rank": 2, "worst_rank": 3, "verdict": "less"},
    }
    assert found.decisions == (
        "First place depends on the model (A or B); A gets more than by last click whichever other model; "
        "B, C get less than by last click whichever other model; "
        "for 0 of 3 channels more or less depends on the model."
    )


def test_a_channel_on_which_models_differ_is_open():
    # all to the second touch where there is one: A 10 + 4 + 6, B 5 + 20 + 15 + 3, C 2
    second = CustomWeights("second", lambda place, n: (place == np.minimum(n, 2) - 1) * 1)
    found = compare(EIGHT, ["first_touch", second])
    assert found.wide()["second"].to_dict() == {"A": 20, "B": 43, "C": 2}
    assert found.changes["verdict"].to_dict() == {"A": "more", "B": "open", "C": "less"}  # B: -22 and +12
    assert found.decisions == (
        "First place depends on the model (A or B); A gets more than by last click whichever other model; "
        "C gets less than by last click whichever other model; "
        "for 1 of 3 channels more or less depends on the model."
    )


def test_models_that_share_out_other_totals_have_no_say_in_decisions():
    found = compare(EIGHT, ["first_touch", "participation", "shapley_exact"])
    assert found.sharing == ["first_touch"]
    assert found.changes["highest"].to_dict() == {"A": 34, "C": -12, "B": -22}


def test_last_click_alone_changes_nothing():
    found = compare(EIGHT, ["last_touch"])
    assert found.changes["verdict"].tolist() == ["open"] * 3
    assert (
        found.decisions
        == "No model but last click shares out these conversions, so none can change a decision."
    )


def test_a_difference_that_chance_explains_is_open_once_there_are_intervals():
    # first touch gives A 3, last touch 2; the difference is that of 3 and 2 journeys drawn from 25
    paths = table(("A B", 3, 10), ("B A", 2, 10))
    assert compare(paths, ["first_touch"]).changes["verdict"].to_dict() == {"A": "more", "B": "less"}
    sampled = compare(paths, ["first_touch"], 200, np.random.default_rng(1))
    assert sampled.changes["verdict"].to_dict() == {"A": "open", "B": "open"}


def test_warnings_name_negative_credit_and_totals_that_are_not_the_conversions():
    lines = compare(EIGHT, ["linear", "participation", "shapley_exact"]).warnings
    assert lines == [
        "shapley_exact gives C -5.8 conversions: negative, and not corrected.",
        "participation adds up to 131.0, not to the 65 credited conversions.",
        "shapley_exact adds up to 18.0, not to the 65 credited conversions.",
    ]
    assert compare(EIGHT, ["linear", "markov", "shapley_rate"]).warnings == []


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


@pytest.mark.parametrize(
    ("totals", "sentence"),
    [
        ((1.5, 1.0), "2.5 conversions = 1.5 credited + 1 unattributed"),
        ((1234.25, 0), "1,234.25 conversions = 1,234.25 credited + 0 unattributed"),
        ((0.1, 0.2), "0.3 conversions = 0.1 credited + 0.2 unattributed"),
        ((100, 1000), "1,100 conversions = 100 credited + 1,000 unattributed"),
    ],
)
def test_fractions_of_conversions_stand_in_the_sentence_as_they_are(totals, sentence):
    found = compare(pd.DataFrame({"path": [["A"], []], "total_conversions": totals}), "linear")
    assert found.sentence.startswith(sentence + " ")


@given(st.floats(1e-3, 1e9), st.floats(0, 1e9))
def test_the_sentence_of_a_comparison_adds_up_as_it_is_printed(credited, rest):
    paths = pd.DataFrame({"path": [["A"], []], "total_conversions": [credited, rest]})
    printed = compare(paths, "linear").sentence.replace(",", "").split()
    whole, first, second = (Decimal(printed[place]) for place in (0, 3, 6))
    assert whole == first + second
    assert [float(whole), float(first), float(second)] == pytest.approx([credited + rest, credited, rest], rel=1e-9, abs=2e-4)


def test_a_total_that_is_not_the_credited_conversions_is_told_in_the_same_decimals():
    paths = pd.DataFrame({"path": [["A", "B"], []], "total_conversions": [1.5, 1.0], "total_null": [1, 0]})
    assert "participation adds up to 3.0, not to the 1.5 credited conversions." in compare(paths, "participation").warnings


def test_what_the_value_covers_is_said_where_some_conversions_have_none():
    paths = pd.DataFrame({"path": [["A"], ["B"]], "total_conversions": [3, 2], "total_conversion_value": [30.0, None]})
    found = compare(paths, "linear")
    assert (found.value, found.unvalued) == (30, 2)
    assert found.warnings == ["The value of 2 of 5 conversions is not known; value covers the other 3."]
    assert found.as_json()["valued"] == 3
    partly = compare(paths.assign(total_conversion_value=30.0, total_valued=[1, 2]), "linear")
    assert (partly.value, partly.unvalued) == (60, 2)


@pytest.mark.parametrize("wrong", [Markov, 3, None, "markof"])
def test_what_is_no_model_is_refused_by_name(wrong, complaint):
    assert "There is no model" in complaint(compare, EIGHT, ["linear", wrong])


def test_no_model_and_less_than_no_resamples_are_not_taken_for_not_given(complaint):
    assert "No model is named" in complaint(compare, EIGHT, [])
    assert "resamples=-1" in complaint(compare, EIGHT, ["linear"], -1, np.random.default_rng(1))


def test_where_no_value_is_known_none_is_invented():
    found = compare(EIGHT.drop(columns="total_conversion_value"), ["linear", "markov", "shapley_exact"])
    assert np.isnan(found.value) and found.table["value"].isna().all()
    assert found.as_json()["value"] is None


def test_the_json_has_intervals_where_they_were_asked_for():
    found = compare(EIGHT, ["linear"], 10, np.random.default_rng(1)).as_json()
    assert set(found["models"]["linear"]["A"]) == {"conversions", "value", "low", "high"}


def test_left_to_itself_a_comparison_takes_the_usual_models_that_the_table_can_carry():
    by_paths = compare(EIGHT).models
    by_journeys = compare(pd.DataFrame([journey(["A", "B"])])).models
    assert "time_decay" not in by_paths and set(by_paths) | {"time_decay"} == set(by_journeys)


def test_models_with_settings_of_their_own_stand_beside_the_named_ones():
    found = compare(EIGHT, ["position_based", PositionBased("u_shape", 0.5, 0.5), FirstTouch(), LastTouch()])
    assert found.models == ["position_based", "u_shape", "first_touch", "last_touch"]


# ------------------------------------------------------------------------------------------------ bad inputs


@pytest.mark.parametrize(
    ("paths", "says"),
    [
        (paths_of([]), ["no conversion", "main_goal"]),
        (table(("A", 0, 3)), ["no conversion", "main_goal"]),
        (table(("", 3, 3), ("A", 0, 1)), ["lookback_days", "visitor_id"]),
    ],
)
def test_without_a_conversion_that_has_a_touch_there_is_a_named_gap_and_no_credit(paths, says):
    gap = compare(paths, ["linear", "markov"])
    assert isinstance(gap, Gap) and all(words in gap.sentence for words in says)


def rows(**columns: list) -> pd.DataFrame:
    return pd.DataFrame({"path": [["A"]], "total_conversions": [1], **columns})


@pytest.mark.parametrize(
    ("paths", "models", "says"),
    [
        (EIGHT, ["linaer"], ["'linaer'", "Closest: 'linear'", "Write some of: first_touch"]),
        (EIGHT, ["linear", Linear()], ["'linear'", "name="]),
        (EIGHT, ["time_decay"], ["time_decay needs hours for each touch", "a table of paths has no times"]),
        (EIGHT, ["w_shaped"], ["w_shaped needs milestones for each touch", "mark_milestones"]),
        (EIGHT, ["meta"], ["meta needs hours and interactions", "a table of paths has no times"]),
        (
            pd.DataFrame([journey(["A"])]),
            ["meta"],
            ["meta sees none of the", "platforms: {meta: ["],
        ),
        (pd.DataFrame(), ["linear"], ["no column 'path'"]),
        (
            pd.DataFrame({"paths": [["A"]], "total_conversions": [1]}),
            ["linear"],
            ["'path'", "Closest: 'paths'"],
        ),
        (
            pd.DataFrame({"path": [["A"]], "total_conversion": [1]}),
            ["linear"],
            ["'total_conversions'", "Closest: 'total_conversion'"],
        ),
        (rows(path=["A > B"]), ["linear"], ["list", "['Email', 'Direct']"]),
        (
            pd.DataFrame({"path": [["A"], None], "total_conversions": [1, 1]}, index=[7, 8]),
            ["linear"],
            ["row 8", "empty list"],
        ),
        (
            pd.DataFrame({"path": [["A"], float("nan")], "total_conversions": [1, 1]}),
            ["linear"],
            ["row 1", "empty list"],
        ),
        (rows(path=[["A", ""]]), ["linear"], ["empty channel"]),
        (rows(path=[["A", None]]), ["linear"], ["empty channel"]),
        (rows(path=[[1, 2]]), ["linear"], ["list of names"]),
        (rows(total_conversions=[-1]).set_axis([7]), ["linear"], ["row 7", "total_conversions", "-1"]),
        (rows(total_conversions=[np.nan]), ["linear"], ["row 0", "total_conversions", "missing"]),
        (rows(total_conversions=[np.inf]), ["linear"], ["row 0", "total_conversions", "inf"]),
        (rows(total_conversions=["two"]), ["linear"], ["row 0", "total_conversions", "two"]),
        (rows(total_conversion_value=[-5.0]), ["linear"], ["row 0", "total_conversion_value", "-5.0"]),
        (rows(total_conversion_value=["ten"]), ["linear"], ["row 0", "total_conversion_value", "ten"]),
        (rows(total_conversion_value=[np.inf]), ["linear"], ["row 0", "total_conversion_value", "inf"]),
        (rows(total_valued=[10_000]), ["linear"], ["row 0", "total_valued", "10000 of"]),
        (rows(total_valued=[-1]), ["linear"], ["row 0", "total_valued", "-1"]),
        (rows(total_null=[-2]), ["linear"], ["row 0", "total_null"]),
        (
            rows(total_conversions=[0], total_conversion_value=[600.0], total_null=[3]),
            ["linear"],
            ["row 0", "600.0 without a conversion"],
        ),
        (
            pd.DataFrame([journey(["A", "B"], hours=[1.0])]),
            ["time_decay"],
            ["row 0", "hours and path differ in length"],
        ),
        (
            pd.DataFrame([journey(["A", "B"], hours=[1.0, None])]),
            ["time_decay"],
            ["hours", "missing for 1 touch"],
        ),
        (
            pd.DataFrame([journey(["A", "B"], hours=[1.0, np.nan])]),
            ["time_decay"],
            ["hours", "missing for 1 touch"],
        ),
        (pd.DataFrame([journey(["A"])]).assign(value=-3.0), ["linear"], ["row 0", "column value", "-3.0"]),
        (EIGHT, [CustomWeights("mine", lambda place, n: 1.0)], ["mine", "one for each touch", "`weight`"]),
        (EIGHT, [CustomWeights("mine", lambda place, n: place[:1])], ["mine", "one for each touch"]),
        (EIGHT, [CustomWeights("mine", lambda place, n: -1.0 - place)], ["mine", "0 or more"]),
        (EIGHT, [CustomWeights("mine", lambda place, n: 1.0 * place)], ["mine", "not all 0"]),
    ],
)
def test_what_cannot_be_compared_is_refused_in_one_line(paths, models, says, complaint):
    line = complaint(compare, paths, models)
    assert [part for part in says if part not in line] == [], line


def test_a_conversion_without_a_touch_is_counted_and_not_handed_to_the_row_before():
    # what one package does: A gets 10 and B 7
    found = compare(
        table(("A", 8, 0), ("", 2, 0), ("B", 5, 0), ("", 0, 4)), ["first_touch", "last_touch", "linear"]
    )
    assert found.wide().to_dict("list") == {name: [8, 5] for name in ("first_touch", "last_touch", "linear")}
    assert (found.conversions, found.unattributed) == (15, 2)


@pytest.mark.parametrize("model", TIMELESS)
def test_fractions_of_conversions_are_not_cut_off(model):
    paths = paths_of([(["A"], 2.5, 0.5, 25.0), (["A", "B"], 0.25, 1.75, 1.0)])
    tenfold = paths_of([(["A"], 25, 5, 250.0), (["A", "B"], 2.5, 17.5, 10.0)])
    expected = {channel: share / 10 for channel, share in credit(model, tenfold).items()}
    assert credit(model, paths) == near(expected) and max(expected.values()) > 0
    assert credit("last_touch", paths) == {"A": 2.5, "B": 0.25}


def test_one_path_in_two_rows_is_counted_twice():
    found = compare(table(("A B", 2, 0), ("A B", 3, 1)), ["linear"])
    assert (found.conversions, found.wide()["linear"].tolist()) == (5, [2.5, 2.5])


TOUCHES = pd.DataFrame(
    {
        "visitor_id": "v",
        "channel": ["B", "A", "Late"],
        "touch_time": pd.to_datetime(["2026-01-02", "2026-01-01", "2026-01-04"], utc=True),
    }
)
SALES = pd.DataFrame(
    {
        "conversion_id": ["p", "q"],
        "visitor_id": "v",
        "value": [20.0, 7.0],
        "conversion_time": pd.to_datetime(["2026-01-03 00:00", "2026-01-03 12:00"], utc=True),
    }
)


def test_touches_in_any_order_are_put_in_order_of_time():
    found = compare(build_journeys(TOUCHES, SALES.head(1)), ["first_touch", "last_touch"]).wide()
    assert found.loc[["A", "B"]].to_numpy().tolist() == [[1, 0], [0, 1]]


def test_a_touch_after_the_conversion_gets_nothing_for_it():
    found = compare(build_journeys(TOUCHES, SALES), ["last_touch"])
    assert found.wide()["last_touch"].to_dict() == {"B": 2, "A": 0, "Late": 0}


def test_two_conversions_of_one_visitor_are_two_and_each_keeps_its_value():
    found = compare(build_journeys(TOUCHES, SALES), ["linear"])
    assert (found.conversions, found.value) == (2, 27)
    assert found.wide("value")["linear"].to_dict() == {"A": 13.5, "B": 13.5, "Late": 0}


def test_an_event_met_twice_or_without_a_time_is_set_aside_before_there_are_paths():
    times = pd.to_datetime(["2026-01-01", "2026-01-01", None], utc=True)
    events = pd.DataFrame(
        {"event_id": ["e1", "e1", "e2"], "event_name": "visit", "event_time": times, "visitor_id": "v"}
    )
    good, bad = validate(events, "events")
    assert good.index.tolist() == [0]
    assert bad["reason"].to_dict() == {
        1: "event_id: already used in an earlier row",
        2: "event_time: missing",
    }


@pytest.mark.parametrize("settings_", [{"first": 0.6, "last": 0.6}, {"first": -0.1}, {"first": 0, "last": 0}])
def test_shares_that_do_not_add_up_are_refused(settings_, complaint):
    assert "first=0.4, last=0.4" in complaint(PositionBased, **settings_)


def test_a_third_reading_of_two_touches_is_refused(complaint):
    assert "'in_proportion' nor 'split_middle'" in complaint(PositionBased, two_touches="halves")


@pytest.mark.parametrize("half_life", [0, -1, float("nan")])
def test_a_half_life_of_nothing_is_refused(half_life, complaint):
    assert "above 0" in complaint(TimeDecay, half_life_days=half_life)


# ------------------------------------------------------------------------------------------------ files


@settings(max_examples=15)
@given(PATHS)
def test_paths_stored_as_parquet_or_text_give_the_credit_that_they_had(paths):
    with tempfile.TemporaryDirectory() as folder:
        paths.to_parquet(Path(folder) / "paths.parquet")
        stored = read_paths(Path(folder) / "paths.parquet")
        paths.assign(path=paths["path"].str.join(" > ")).to_csv(Path(folder) / "paths.csv", index=False)
        written = read_paths(Path(folder) / "paths.csv", separator=" > ")
    assert stored["path"].tolist() == written["path"].tolist() == paths["path"].tolist()
    for found in (stored, written):
        for what in ("conversions", "value"):
            assert credit("markov", found, what) == near(credit("markov", paths, what))


def test_channels_are_split_at_a_spaced_arrow_only_and_keep_their_spelling(tmp_path):
    text = 'path,total_conversions\n"Email>Promo > null > <b>",2\nA > ,1\n,3\nemail > email  >  Email,1\n'
    (tmp_path / "paths.csv").write_text(text)
    assert read_paths(tmp_path / "paths.csv", separator=" > ")["path"].tolist() == [
        ["Email>Promo", "null", "<b>"],
        ["A"],
        [],
        ["email", "email", "Email"],
    ]


TOTALLED = "path,total_conversions,total_conversion_value\n"


@pytest.mark.parametrize("word", ["Total", "Gesamt", "Total: 2 paths"])
def test_a_total_at_the_end_of_a_table_of_paths_is_no_channel(word, tmp_path):
    (tmp_path / "paths.csv").write_text(f"{TOTALLED}A > B,2,20\nB,3,30\n{word},5,50\n")
    read = read_paths(tmp_path / "paths.csv")
    assert read["total_conversions"].sum() == 5 and "left out: row 4" in read.attrs["read_as"]


@pytest.mark.parametrize(("rows", "said"), [
    (TOTALLED + "A > B,1,€10\nB,1,$20\n", "€ and $ are two currencies"),
    (TOTALLED + '"[""A"",""B""]",2,20\nA > B,1,5\n', "is a list, and other paths are not"),
    ("path;total_conversions\nA > B;1.234\nB;1\n", "is '1.234' more than a thousand, or a little more than 1?")])
def test_what_would_be_a_false_number_of_a_table_of_paths_is_asked_about(rows, said, tmp_path, complaint):
    (tmp_path / "paths.csv").write_text(rows, encoding="utf-8")
    assert said in complaint(read_paths, tmp_path / "paths.csv")


def test_arrows_that_join_nothing_make_no_channel(tmp_path):
    (tmp_path / "paths.csv").write_text("path,total_conversions\nA > B,1\nA >,2\n> B,1\nA > > B,1\n >  > ,1\n>,1\n")
    assert read_paths(tmp_path / "paths.csv")["path"].map(list).tolist() == [["A", "B"], ["A"], ["B"], ["A", "B"], [], []]


def test_columns_of_a_table_of_paths_that_are_not_read_are_named(tmp_path):
    (tmp_path / "paths.csv").write_text("path,total_conversions,valeu\nA > B,1,5\n")
    assert read_paths(tmp_path / "paths.csv").attrs["read_as"] == "columns that say nothing here: valeu"


@pytest.mark.parametrize("other", ["SMS>Display", "SMS >Display", "SMS > Email>Display"])
def test_arrows_with_and_without_blanks_in_one_file_are_asked_about(other, tmp_path, complaint):
    (tmp_path / "paths.csv").write_text(f"path,total_conversions\nSMS > Email,1\n{other},2\n")
    assert f"row 3, column path: does '>' join channels in '{other}'" in complaint(read_paths, tmp_path / "paths.csv")
    assert read_paths(tmp_path / "paths.csv", separator=">")["path"][3][-1] == "Display"
    assert read_paths(tmp_path / "paths.csv", separator=" > ")["path"][3][-1].endswith(">Display")


@pytest.mark.parametrize("sign", [">", "→", " → ", "->", "=>", "|", ";", ", ", "\t", " >", "> ", "»"])
def test_another_sign_between_channels_is_asked_about_and_can_be_either(sign, tmp_path, complaint):
    pd.DataFrame({"path": ["A", f"A{sign}B{sign}C"], "total_conversions": [1, 2]}).to_csv(tmp_path / "paths.csv", index=False)
    line = complaint(read_paths, tmp_path / "paths.csv")
    assert line.startswith("paths.csv, row 3, column path: does '") and "--separator '" in line and "or is it a part" in line
    joined = read_paths(tmp_path / "paths.csv", separator=sign.strip(" ") or sign)
    assert joined["path"].tolist() == [["A"], ["A", "B", "C"]]
    named = read_paths(tmp_path / "paths.csv", separator=" > ")
    assert named["path"].tolist() == [["A"], [f"A{sign}B{sign}C".strip()]]


def test_paths_written_as_json_lists_are_lists(tmp_path):
    (tmp_path / "paths.csv").write_text('path,total_conversions\n"[""A > B"", ""C""]",1\n[],2\n,3\n')
    assert read_paths(tmp_path / "paths.csv")["path"].tolist() == [["A > B", "C"], [], []]


def test_channels_without_any_sign_between_them_are_not_asked_about(tmp_path):
    (tmp_path / "paths.csv").write_text("path,total_conversions\nPaid-Search,1\nE=mail,2\n,1\n")
    assert read_paths(tmp_path / "paths.csv")["path"].tolist() == [["Paid-Search"], ["E=mail"], []]


def test_without_totals_a_row_is_one_conversion_where_each_has_an_order_of_its_own(tmp_path, complaint):
    file = tmp_path / "orders.csv"
    file.write_text("order_id,user_id,path,revenue\nO1,u1,Email > Direct,10\nO2,u2,Paid Search,\n")
    read = read_paths(file)
    assert credit("last_touch", read) == {"Direct": 1.0, "Email": 0.0, "Paid Search": 1.0}
    assert credit("last_touch", read, "value") == {"Direct": 10.0, "Email": 0.0, "Paid Search": 0.0}
    assert read.attrs["read_as"] == "each row is one conversion, because each has its own order_id; its value is revenue"


@pytest.mark.parametrize(("rows", "says"), [
    ("order_id,path,revenue\nO1,Email,10\nO1 ,Direct,10\n", "no number of an order in each row"),
    ("order_id,path,revenue\n(not set),Email,10\nO1,Direct,10\n", "no number of an order in each row"),
    ("order,path,revenue\n120,Email > Direct,1000\n45,Email,500\n", "no number of an order in each row"),  # how many orders
    ("order_id,path,revenue,n\nO1,Email,10,5\nO2,Email,10,7\n", "n may say something else"),
    ("order_id,path,status\nO1,Email,paid\nO2,Email,cancelled\n", "status may say something else"),
    ("order_id,path,revenue,total\nO1,Email,10,12\n", "which column is the value of a conversion, revenue or total?"),
    ("order_id,path,revenue\nO1,Email,€10\nO2,Email,$10\n", "€ and $ are two currencies")])
def test_rows_are_not_taken_for_a_conversion_each_where_something_speaks_against_it(rows, says, tmp_path, complaint):
    (tmp_path / "orders.csv").write_text(rows, encoding="utf-8")
    assert says in complaint(read_paths, tmp_path / "orders.csv")


@pytest.mark.parametrize(("text", "paths"), [
    ("path,total_conversions\nEmail >  > Direct,1\n,3\n > ,2\n", [["Email", "Direct"], [], []]),
    ('path,total_conversions\n"[ ""Email"" , ""SMS""]",1\n"[""Email"", """"]",1\n', [["Email", "SMS"], ["Email"]]),
    ("path,total_conversions\n\"['Email', 'Direct']\",1\n[],3\n", [["Email", "Direct"], []]),
    ("path;total_conversions\nEmail > Direct;2\n", [["Email", "Direct"]]),
    ('"path"\t"total_conversions"\nEmail\t2\n', [["Email"]])])
def test_blank_channels_are_no_touches_and_lists_and_columns_are_read_as_they_are_written(text, paths, tmp_path):
    (tmp_path / "paths.csv").write_text(text)
    found = read_paths(tmp_path / "paths.csv")
    assert found["path"].tolist() == paths
    assert as_paths(found).channels == sorted({name for path in paths for name in path})


def test_a_missing_channel_in_a_json_list_is_refused(tmp_path, complaint):
    (tmp_path / "paths.csv").write_text('path,total_conversions\n"[""Email"", null]",1\n')
    assert "A path holds an empty channel" in complaint(compare, read_paths(tmp_path / "paths.csv"), ["linear"])


def test_channels_in_a_parquet_file_are_trimmed_as_those_in_text_are(tmp_path, complaint):
    pd.DataFrame({"path": [["Email ", "Email"], [" "]], "total_conversions": [1, 2]}).to_parquet(tmp_path / "paths.parquet")
    found = read_paths(tmp_path / "paths.parquet")
    assert found["path"].tolist() == [["Email", "Email"], []]
    found.to_parquet(tmp_path / "again.parquet")
    assert read_paths(tmp_path / "again.parquet")["path"].tolist() == found["path"].tolist()
    pd.DataFrame({"path": [["Email"], None], "total_conversions": [1, 2]}).to_parquet(tmp_path / "paths.parquet")
    assert "row 3, column path: missing" in complaint(lambda: as_paths(read_paths(tmp_path / "paths.parquet")))


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


def test_a_blank_value_in_a_file_of_paths_is_not_known_and_counted_paths_survive_the_file(tmp_path):
    journeys = pd.DataFrame({"path": [["A"], ["A"], ["B"]], "converted": True, "value": [20.0, None, None]})
    counted = count_paths(journeys)
    counted.assign(path=counted["path"].str.join(" > ")).to_csv(tmp_path / "paths.csv", index=False)
    found, expected = compare(read_paths(tmp_path / "paths.csv"), "linear"), compare(journeys, "linear")
    assert (found.value, found.unvalued) == (expected.value, expected.unvalued) == (20, 2)


def test_a_file_of_paths_that_is_not_there_is_answered_with_the_nearest(tmp_path, complaint):
    (tmp_path / "paths.csv").write_text("path,total_conversions\nA,1\n")
    assert "Closest: 'paths.csv'" in complaint(read_paths, tmp_path / "path.csv")


def test_one_model_can_be_asked_for_by_its_bare_name():
    assert compare(EIGHT, "linear").models == ["linear"]


def test_journeys_without_values_have_credit_in_conversions_and_none_in_value():
    table = compare(pd.DataFrame([journey(["A"])]).drop(columns="value"), "linear").table
    assert table["conversions"].tolist() == [1.0] and table["value"].isna().all()
