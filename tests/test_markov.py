"""Chains of order 1 to 4 and every reading of removal, walked step by step; by hand; the choice of order."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from math import log

import numpy as np
import pandas as pd
import pytest
from convtrack.gaps import Gap
from convtrack.attribution import Markov, as_paths, choose_order, fit_chain
from convtrack.attribution import chain as chains
from convtrack.attribution import markov as markov_module
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from paths import (
    CHAINS,
    EIGHT,
    ORDERS,
    PATHS,
    READINGS,
    REMOVALS,
    credit,
    near,
    paths_of,
    rows_of,
    table,
)

Rows = Iterable[tuple[list[str], float, float, float]]  # path, conversions, journeys without one, value
WON, LOST = "won", "lost"  # never equal to a state, which is a tuple


def walk(rows: Rows, order: int, removed: str | None = None) -> tuple[float, float]:
    """Conversions and value that a walker can expect; a step into a state with `removed` ends in nothing."""
    steps, worth = defaultdict(Counter), Counter()
    for path, won, lost, value in rows:
        here = ()
        for touch in path:
            there = (*here, touch)[-order:]
            steps[here][there] += won + lost
            here = there
        steps[here][WON] += won
        steps[here][LOST] += lost
        worth[here] += value
    conversions = value = 0.0
    walkers = {(): 1.0}
    while sum(walkers.values()) > 1e-15:
        moved = Counter()
        for here, walking in walkers.items():
            leaving = sum(steps[here].values())
            if not leaving:
                continue
            value += walking * worth[here] / leaving
            for there, count in steps[here].items():
                if there == WON:
                    conversions += walking * count / leaving
                elif there != LOST and removed not in there:
                    moved[there] += walking * count / leaving
        walkers = moved
    return conversions, value


def without(rows: Rows, channel: str, removal: str) -> list[tuple[list[str], float, float, float]]:
    """The paths with a channel's touches taken off: what became of their journeys is the reading."""
    left = []
    for path, won, lost, value in rows:
        others = [touch for touch in path if touch != channel]
        if len(others) == len(path):
            left.append((path, won, lost, value))
        elif removal == "fail":
            left.append((others, 0, won + lost, 0))  # where nothing is left, from the start to nothing
        elif others and removal == "refit":
            left.append((others, 0, won + lost, 0))
        elif others and removal == "detour":
            left.append((others, won, lost, value))
    return left


def effects_by_walking(rows: Rows, order: int, removal: str) -> dict[str, tuple[float, float]]:
    """For each channel the share of conversions, and of value, that is lost without it."""
    whole = walk(rows, order)
    found = {}
    for channel in sorted({touch for path, *_ in rows for touch in path}):
        if removal == "to_null":
            left = walk(rows, order, channel)
        else:
            left = walk(without(rows, channel, removal), order)
        found[channel] = tuple(
            1 - part / all_ if all_ else 0.0 for part, all_ in zip(left, whole, strict=True)
        )
    return found


def shared_out(effects: dict[str, float], total: float) -> dict[str, float]:
    return {channel: total * effect / sum(effects.values()) for channel, effect in effects.items()}


# ------------------------------------------------------------------------------------------------ brute force


@pytest.mark.parametrize("solver", ["inverting", "iterating"])
@pytest.mark.parametrize("order", ORDERS)
@settings(max_examples=10)
@given(paths=PATHS)
def test_a_removal_effect_is_what_walking_the_chain_without_the_channel_loses(order, solver, paths):
    rows = rows_of(paths)
    expected = effects_by_walking(rows, order, "to_null")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(chains, "DENSE_STATES", 10**6 if solver == "inverting" else 0)
        fitted = fit_chain(as_paths(paths), order)
        for which, what in enumerate(("conversions", "value")):
            effects = {channel: effect[which] for channel, effect in expected.items()}
            total = sum(row[1 if which == 0 else 3] for row in rows)
            if total:
                assert fitted.removal_effects(what).to_dict() == near(effects)
                assert credit(Markov("m", order), paths, what) == near(shared_out(effects, total))
            else:
                assert set(credit(Markov("m", order), paths, what).values()) == {0}


@pytest.mark.parametrize("removal", ["fail", "detour", "refit"])
@pytest.mark.parametrize("order", ORDERS)
@settings(max_examples=8)
@given(paths=PATHS)
def test_the_other_readings_are_what_a_chain_fitted_to_the_changed_paths_loses(removal, order, paths):
    # this proves that the rates of paths in the code are the conversion probabilities of fitted chains
    rows = rows_of(paths)
    effects = {channel: lost for channel, (lost, _) in effects_by_walking(rows, order, removal).items()}
    model = Markov("m", order, removal)
    assert model.removal_effects(as_paths(paths)).to_dict() == near(effects)
    assume(abs(sum(effects.values())) > 1e-4)  # so that scaling them does not magnify the rounding
    assert credit(model, paths) == near(shared_out(effects, sum(won for _, won, _, _ in rows)))


@pytest.mark.parametrize("removal", ["fail", "detour", "refit"])
@settings(max_examples=10)
@given(paths=PATHS)
def test_value_has_removal_effects_of_its_own(removal, paths):
    rows = rows_of(paths)
    effects = {channel: lost for channel, (_, lost) in effects_by_walking(rows, 2, removal).items()}
    assume(sum(row[3] for row in rows) and abs(sum(effects.values())) > 1e-4)
    expected = shared_out(effects, sum(value for *_, value in rows))
    assert credit(Markov("m", 2, removal), paths, "value") == near(expected)


@pytest.mark.parametrize("order", ORDERS)
@settings(max_examples=15)
@given(paths=PATHS)
def test_inverting_and_iterating_find_the_same(order, paths):
    found = []
    for states in (0, 10**6):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(chains, "DENSE_STATES", states)
            fitted = fit_chain(as_paths(paths), order)
            found.append(
                [*fitted.removal_effects(), *fitted.removal_effects("value"), fitted.conversion_probability]
            )
    assert found[0] == pytest.approx(found[1], abs=1e-12)


# ------------------------------------------------------------------------------------------------ laws


@pytest.mark.parametrize("order", ORDERS)
@given(paths=PATHS)
def test_the_fitted_chain_converts_at_the_observed_rate_and_expects_the_mean_value(order, paths):
    rows = rows_of(paths)
    journeys = sum(won + lost for _, won, lost, _ in rows)
    fitted = fit_chain(as_paths(paths), order)
    assert fitted.conversion_probability == pytest.approx(sum(won for _, won, _, _ in rows) / journeys)
    inner = fitted.transition_matrix().to_numpy()[:, :-2]
    visits = np.linalg.solve(
        np.eye(len(inner) - 1) - inner[1:].T, inner[0]
    )  # expected, of each state but the start
    assert visits @ fitted.worth[1:, 0] == pytest.approx(sum(row[3] for row in rows) / journeys)


@pytest.mark.parametrize("order", ORDERS)
@given(paths=PATHS)
def test_the_transitions_out_of_every_state_that_was_seen_add_up_to_one(order, paths):
    seen = paths[paths[["total_conversions", "total_null"]].sum(axis=1) > 0]
    matrix = fit_chain(as_paths(seen), order).transition_matrix()
    assert (matrix.to_numpy() >= 0).all() and np.allclose(matrix.sum(axis=1), 1)
    assert matrix.index.tolist() == ["(start)", *matrix.columns[:-2]]


@given(PATHS)
def test_a_removal_effect_is_a_share_where_no_journey_can_gain(paths):
    for model in READINGS:
        if model.removal in ("to_null", "fail"):
            assert model.removal_effects(as_paths(paths)).between(-1e-12, 1 + 1e-12).all(), model.name


def collapsed(paths: pd.DataFrame) -> pd.DataFrame:
    """The paths without a touch whose channel is that of the touch before it."""
    return paths.assign(
        path=[[c for i, c in enumerate(path) if i == 0 or path[i - 1] != c] for path in paths["path"]]
    )


@given(PATHS)
def test_a_channel_twice_in_a_row_changes_nothing_at_order_one(paths):
    for removal in REMOVALS:
        for what in ("conversions", "value"):
            model = Markov("m", 1, removal)
            assert credit(model, collapsed(paths), what) == near(credit(model, paths, what)), removal


@pytest.mark.parametrize("order", ORDERS)
@given(paths=PATHS)
def test_without_loops_is_what_the_paths_without_them_give(order, paths):
    for removal in REMOVALS:
        kept, dropped = Markov("m", order, removal), Markov("m", order, removal, loops=False)
        assert credit(dropped, paths) == near(credit(kept, collapsed(paths))), removal


def test_loops_matter_from_order_two_on():
    # With loops both paths go through (A, A), which leads to (A, B) by half: P = 1/2, and 1/4 without C.
    # Without loops they are A B and C A, and C leads to nothing. A's effect is 1, B's too.
    paths = table(("A A B", 4, 0), ("C A A", 0, 4))
    assert credit("markov_2", paths) == near({"A": 4 / 2.5, "B": 4 / 2.5, "C": 2 / 2.5})
    assert credit(Markov("m", 2, loops=False), paths) == near({"A": 2, "B": 2, "C": 0})


@given(PATHS)
def test_without_nulls_is_what_a_table_without_them_gives(paths):
    for model in READINGS:
        blind = Markov("m", model.order, model.removal, nulls=False)
        assert credit(blind, paths) == near(credit(model, paths.drop(columns="total_null"))), model.name


def test_without_nulls_detour_is_undefined_and_refit_is_not():
    # 65 conversions, alone A 10, B 5, C 2.
    # Without A 7 of 55 journeys convert, without B 12 of 60, without C 45 of 63.
    undefined = credit(Markov("m", removal="detour", nulls=False), EIGHT)
    assert np.isnan(list(undefined.values())).all()
    effects = Markov("m", removal="refit", nulls=False).removal_effects(as_paths(EIGHT))
    assert effects.to_dict() == near({"A": 1 - 7 / 55, "B": 1 - 12 / 60, "C": 1 - 45 / 63})


# ------------------------------------------------------------------------------------------------ by hand


def test_markov_by_hand():
    # A > B: 2 conversions, 1 not; A: 1 not; B: 1 conversion, 1 not. Six journeys, 3 conversions.
    # start to A 4/6, start to B 2/6; A to B 3/4, A to nothing 1/4; B to conversion 3/5.
    # P = (2/3 * 3/4 + 1/3) * 3/5 = 1/2. Without A: 1/3 * 3/5 = 1/5, effect 3/5. Without B: 0, effect 1.
    # Shares (3/5)/(8/5) = 3/8 and 5/8 of 3 conversions.
    paths = table(("A B", 2, 1), ("A", 0, 1), ("B", 1, 1))
    fitted = fit_chain(as_paths(paths))
    assert fitted.conversion_probability == pytest.approx(1 / 2)
    assert fitted.removal_effects().to_dict() == near({"A": 3 / 5, "B": 1})
    assert credit("markov", paths) == near({"A": 9 / 8, "B": 15 / 8})
    assert credit("markov", paths, "value") == near({"A": 90 / 8, "B": 150 / 8})
    assert fitted.transition_matrix().loc["A"].to_dict() == near(
        {"A": 0, "B": 0.75, "(conversion)": 0, "(no conversion)": 0.25}
    )


def test_order_two_by_hand():
    # The same paths. Order 2 keeps B after A (2 of 3 convert) from B at the start (1 of 2).
    # Without A: 1/3 * 1/2 = 1/6, effect 2/3. Without B: 0, effect 1. Shares 2/5 and 3/5 of 3.
    paths = table(("A B", 2, 1), ("A", 0, 1), ("B", 1, 1))
    assert credit("markov_2", paths) == near({"A": 6 / 5, "B": 9 / 5})
    row = dict(fit_chain(as_paths(paths), 2).transition_matrix().loc[[("A", "B")]].iloc[0])
    assert row["(conversion)"] == pytest.approx(2 / 3) and row["(no conversion)"] == pytest.approx(1 / 3)


# The eight paths: 65 conversions of 240 journeys, worth 905.
BY_HAND = {
    # A is on the path of 58 conversions, B of 53, C of 20; of the value 825, 785, 365
    "fail": ({"A": 58 / 65, "B": 53 / 65, "C": 20 / 65}, {"A": 825 / 905, "B": 785 / 905, "C": 365 / 905}),
    # without A its 50 journeys alone are gone, and 7 conversions (worth 80) of 190 journeys are left
    "refit": (
        {"A": 1 - 7 / 190 * 240 / 65, "B": 1 - 12 / 190 * 240 / 65, "C": 1 - 45 / 210 * 240 / 65},
        {"A": 1 - 80 / 190 * 240 / 905, "B": 1 - 120 / 190 * 240 / 905, "C": 1 - 540 / 210 * 240 / 905},
    ),
    # without A only its 10 conversions alone (worth 100) are lost: 55 of 190 convert, more than 65 of 240
    "detour": (
        {"A": 1 - 55 / 190 * 240 / 65, "B": 1 - 60 / 190 * 240 / 65, "C": 1 - 63 / 210 * 240 / 65},
        {"A": 1 - 805 / 190 * 240 / 905, "B": 1 - 845 / 190 * 240 / 905, "C": 1 - 885 / 210 * 240 / 905},
    ),
}


@pytest.mark.parametrize("removal", BY_HAND)
@pytest.mark.parametrize("order", ORDERS)
def test_removal_on_the_eight_paths_is_that_of_pencil_and_paper_at_every_order(removal, order):
    conversions, value = BY_HAND[removal]
    model = Markov("m", order, removal)
    assert model.removal_effects(as_paths(EIGHT)).to_dict() == near(conversions)
    assert credit(model, EIGHT) == near(shared_out(conversions, 65))
    assert credit(model, EIGHT, "value") == near(shared_out(value, 905))


@pytest.mark.parametrize(
    ("removal", "published"),
    [
        (
            "to_null",
            [24.1, 26.9, 14.0],
        ),  # ChannelAttribution and pychattr by simulation, do-attribution exactly
        ("fail", [28.8, 26.3, 9.9]),  # do-attribution's default
        ("detour", [13.1, 31.5, 20.4]),
        ("refit", [30.5, 27.1, 7.4]),
    ],
)
def test_each_reading_gives_the_figures_of_the_package_that_reads_so(removal, published):
    assert list(credit(Markov("m", removal=removal), EIGHT).values()) == pytest.approx(published, abs=0.0501)


def test_a_channel_that_keeps_journeys_from_converting_has_negative_credit_by_detour_and_refit():
    # A alone 1 of 2, A B 5 of 10, B alone 0 of 88: without B, 6 of 12 convert and not 6 of 100
    paths = table(("A", 1, 1), ("A B", 5, 5), ("B", 0, 88))
    assert Markov("m", removal="detour").removal_effects(as_paths(paths))["B"] == pytest.approx(
        1 - 6 / 12 / (6 / 100)
    )
    # A alone 5 of 10, C A 0 of 2, C alone 0 of 88: without C 5 of 12 convert
    paths = table(("A", 5, 5), ("C A", 0, 2), ("C", 0, 88))
    assert Markov("m", removal="refit").removal_effects(as_paths(paths))["C"] == pytest.approx(
        1 - 5 / 12 / (5 / 100)
    )
    # A's effect is 1, C's 1 - 25/3; scaled to 5 conversions, A gets 5 / (1 + 1 - 25/3)
    assert credit(Markov("m", removal="refit"), paths) == near({"A": -15 / 19, "C": 5 + 15 / 19})


def test_effects_that_are_nothing_but_rounding_are_undefined():
    # A and B are on every path: taking either off changes no rate, and 0 cannot be scaled to 11.37
    values = [(1, 0, 5.81), (1, 1, 5.54), (1, 0, 0.01), (1, 0, 0.01)]
    paths = paths_of([(["A"], 0, 0, 0.0), *[(["A", "B"], *totals) for totals in values]])
    assert np.isnan(list(credit(Markov("m", removal="detour"), paths, "value").values())).all()


def test_a_step_from_a_state_that_a_table_has_without_a_journey_leads_nowhere():
    assert credit("markov", table(("A B", 0, 0), ("A", 2, 2), ("C", 0, 0))) == {"A": 2, "B": 0, "C": 0}


@pytest.mark.parametrize(("setting", "says"), [({"order": 5}, "1, 2, 3, 4"), ({"order": 0}, "1, 2, 3, 4"),
                                               ({"removal": "to_nul"}, "Closest: 'to_null'")])  # fmt: skip
def test_an_order_or_a_reading_that_there_is_not_is_refused(setting, says, complaint):
    assert says in complaint(Markov, **setting)


# ------------------------------------------------------------------------------------------------ size


def test_order_four_on_sixty_channels_adds_up():
    rng = np.random.default_rng(1)
    names = [f"channel {i}" for i in range(60)]
    paths = paths_of((rng.choice(names, rng.integers(1, 7)).tolist(), 1, 2, 10.0) for _ in range(1500))
    found = credit("markov_4", paths)
    assert len(found) == 60 and sum(found.values()) == pytest.approx(1500) and min(found.values()) > 0
    assert sum(credit("markov_4", paths, "value").values()) == pytest.approx(15_000)


def test_a_visitor_who_comes_back_five_thousand_times_does_not_slow_a_large_chain():
    # without its repeats the path is X alone; iterating over them one by one would take 180,000 rounds
    others = [([f"c{i}", f"c{i + 1}"], 1, 1, 1.0) for i in range(70)]
    once, often = paths_of([(["X"], 1, 1, 1.0), *others]), paths_of([(["X"] * 5000, 1, 1, 1.0), *others])
    assert credit("markov", often) == near(credit("markov", once))


def test_more_channels_than_states_can_be_numbered_is_refused(complaint):
    paths = as_paths(paths_of(([f"c{i}"], 1, 0, 0.0) for i in range(60_000)))
    assert "Use a lower order" in complaint(fit_chain, paths, 4)


# --------------------------------------------------------------------------------------- choice of order


def simulated(journeys: int, seed: int, order: int) -> pd.DataFrame:
    """Journeys of a chain of that order on three channels; at order 2 a touch avoids the last but one."""
    rng = np.random.default_rng(seed)
    rows = []
    for visitor in range(journeys):
        path = ["ABC"[rng.integers(3)]]
        while rng.random() < 0.7:
            chances = {"A": [0.1, 0.6, 0.3], "B": [0.5, 0.1, 0.4], "C": [0.3, 0.3, 0.4]}[path[-1]]
            if order == 2 and len(path) > 1:
                chances = np.where(np.array(list("ABC")) == path[-2], 0.02, 0.49)
            path.append(str(rng.choice(list("ABC"), p=chances)))
        won = bool(rng.random() < {"A": 0.1, "B": 0.3, "C": 0.5}[path[-1]])
        rows.append({"path": path, "converted": won, "value": 1.0 * won, "visitor_id": f"v{visitor}"})
    return pd.DataFrame(rows)


@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_journeys_of_a_known_order_choose_it(order, seed):
    found = choose_order(as_paths(simulated(1200, seed, order)), np.random.default_rng(seed))
    assert found.index[found["chosen"]].tolist() == [order]


def steps(path: list[str], won: bool, order: int) -> Iterable[tuple[tuple[str, ...], str]]:
    """Each step of a journey: the touches before it, as many as the order, and what comes next."""
    for i, there in enumerate([*path, WON if won else LOST]):
        yield tuple(path[max(i - order, 0) : i]), there


def counted(rows: list[tuple[list[str], bool, int]], order: int, but: int) -> dict[int, dict[tuple[str, ...], Counter]]:
    """By order and context, how often each next step is taken, in all folds but one."""
    counts = {k: defaultdict(Counter) for k in range(1, order + 1)}
    for path, won, dealt in rows:
        for k in counts if dealt != but else ():
            for here, there in steps(path, won, k):
                counts[k][here][there] += 1
    return counts


def held_out(rows: list[tuple[list[str], bool, int]], order: int, folds: int, prior: float) -> list[float]:
    """Mean log-likelihood of a held-out journey in each fold, one step and one order at a time."""
    channels = sorted({touch for path, *_ in rows for touch in path})
    contexts = {
        k: {here for path, won, _ in rows for here, _ in steps(path, won, k)} for k in range(order + 1)
    }

    def chance(counts, here, there, order):
        if order == 0:
            return 1 / (len(channels) + 2)
        shorter = here[-(order - 1) :] if order > 1 else ()
        below = chance(counts, shorter, there, order - 1)
        if order > 1 and sum(c[-(order - 1) :] == shorter for c in contexts[order]) == 1:
            return below
        leaving = sum(counts[order][here].values())
        return (counts[order][here][there] + prior * below) / (leaving + prior)

    found = []
    for fold in range(folds):
        counts = counted(rows, order, fold)
        tested = [row for row in rows if row[2] == fold]
        logs = [
            log(chance(counts, *step, order)) for path, won, _ in tested for step in steps(path, won, order)
        ]
        found.append(sum(logs) / len(tested))
    return found


@settings(max_examples=15)
@given(
    st.lists(
        st.tuples(st.lists(st.sampled_from("ABC"), min_size=1, max_size=6), st.booleans()),
        min_size=6,
        max_size=25,
    ),
    st.sampled_from([2, 3]),
    st.sampled_from([0.5, 10.0]),
)
def test_the_likelihood_of_held_out_journeys_is_that_of_counting_step_by_step(journeys, folds, prior):
    rows = [(path, won, i % folds) for i, (path, won) in enumerate(journeys)]
    table_ = pd.DataFrame([{"path": path, "converted": won, "value": 0.0} for path, won, _ in rows])
    dealt = np.array([[fold == i for i in range(folds)] for _, _, fold in rows])
    won = np.array([[w] for _, w, _ in rows])
    with pytest.MonkeyPatch.context() as patch:  # the dealing is random; here it is known
        patch.setattr(markov_module, "_dealt", lambda *_: ((dealt & won) * 1.0, (dealt & ~won) * 1.0))
        found = choose_order(as_paths(table_), np.random.default_rng(1), folds, prior)
    scores = np.array([held_out(rows, order, folds, prior) for order in ORDERS])
    assert found["held_out"].to_numpy() == pytest.approx(scores.mean(axis=1))
    gaps = scores[scores.mean(axis=1).argmax()] - scores
    assert found["behind"].to_numpy() == pytest.approx(gaps.mean(axis=1), abs=1e-9)
    assert found["standard_error"].to_numpy() == pytest.approx(
        gaps.std(axis=1, ddof=1) / folds**0.5, abs=1e-7
    )
    states = [len({tuple(p[max(i - k, 0) : i]) for p, *_ in rows for i in range(len(p) + 1)}) for k in ORDERS]
    assert found["states"].tolist() == states


def test_a_longer_memory_that_adds_no_state_is_not_chosen():
    # after A comes B or nothing, and B is only met after A: every order is the same chain
    paths = as_paths(table(("A", 40, 40), ("A B", 20, 60)))
    found = choose_order(paths, np.random.default_rng(1))
    assert found["behind"].to_numpy() == pytest.approx(0, abs=1e-12) and found.index[
        found["chosen"]
    ].tolist() == [1]


def test_every_journey_is_dealt_once_and_those_of_a_visitor_stay_together():
    journeys = as_paths(simulated(30, 1, 1).assign(visitor_id=[f"v{i % 7}" for i in range(30)]))
    for paths in (journeys, as_paths(EIGHT)):
        won, lost = markov_module._dealt(paths, 4, np.random.default_rng(1))
        assert won.sum(axis=1).tolist() == paths.conversions.tolist()
        assert lost.sum(axis=1).tolist() == paths.nulls.tolist()
    won, lost = markov_module._dealt(journeys, 4, np.random.default_rng(1))
    folds = (won + lost).argmax(axis=1)
    assert all(len(set(folds[i::7])) == 1 for i in range(7)) and len(set(folds)) > 1


def test_the_choice_among_thousands_of_campaigns_does_not_overflow():
    paths = paths_of(([f"c{i}", f"c{i + 1}", f"c{i + 2}", f"c{i + 3}"], 3, 2, 0.0) for i in range(7000))
    assert (
        choose_order(as_paths(paths), np.random.default_rng(1))["states"].tolist()[0] == 7004
    )  # 7,003 and the start


@pytest.mark.parametrize("journeys", [0, 1, 2, 4])
def test_too_few_journeys_to_put_some_aside_are_a_gap(journeys):
    gap = choose_order(as_paths(table(("A", journeys, 0))), np.random.default_rng(1))
    assert isinstance(gap, Gap) and gap.reason.startswith(f"{journeys} journeys with a touch are too few")


@pytest.mark.parametrize("settings_", [{"folds": 1}, {"folds": 0}, {"prior": 0}, {"prior": -1}, {"prior": float("nan")}])
def test_settings_that_predict_nothing_are_refused(settings_, complaint):
    paths = as_paths(table(("A", 50, 0)))
    assert "Write folds=5, prior=10" in complaint(choose_order, paths, np.random.default_rng(1), **settings_)


def test_the_four_orders_are_four_models_with_names():
    assert [
        credit(name, EIGHT) == near(credit(Markov("m", k), EIGHT)) for k, name in enumerate(CHAINS, 1)
    ] == [True] * 4
    assert credit("markov_2", EIGHT) != near(credit("markov", EIGHT))


@pytest.mark.parametrize("orders", [(1, 2), (2, 3)])
def test_a_chain_of_a_higher_order_refines_the_lower_ones_states(orders):
    low, high = (fit_chain(as_paths(EIGHT), order).transition_matrix().index.tolist()[1:] for order in orders)
    ends = {state[-orders[0] :] for state in high}
    assert ends == {(s,) if isinstance(s, str) else s for s in low}
