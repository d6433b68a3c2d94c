"""Where money goes: moves that keep their laws, refusals that name their reason, figures found in a second way."""

from __future__ import annotations

import warnings
from dataclasses import replace
from itertools import product

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from convtrack.attribution import compare
from convtrack.budget import (
    UNSURE,
    Curves,
    Numbers,
    keep_or_stop,
    marginal_returns,
    reallocate,
    response_curves,
    value_intervals,
    weekly,
)
from convtrack.budget import curves as budget_curves
from convtrack.budget import moves as budget_moves
from convtrack.gaps import Gap
from convtrack.metrics import roas_by_model
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.optimize import brentq, linprog, nnls

NOISE = np.array([1.03, 0.98, 1.01, 0.96, 1.02, 0.99, 1.04, 0.97, 1.0, 1.01, 0.98, 1.01])
COST = np.array([60.0, 140, 90, 110, 75, 125, 100, 85, 130, 70, 115, 100])


def rng(seed: int = 1) -> np.random.Generator:
    return np.random.default_rng(seed)


def weeks(seed: int = 1, noise: float = 0.05, **channels: tuple[float, float]) -> pd.DataFrame:
    """Twelve weeks of channels, each with its value at a cost of 100 and its elasticity, and its own order of COST."""
    draw, parts = rng(seed), []
    for channel, (level, elasticity) in channels.items():
        cost = draw.permutation(COST)
        value = level * (cost / 100) ** elasticity * draw.gamma(1 / noise**2, noise**2, len(cost))
        parts.append(pd.DataFrame({"period": range(12), "channel": channel, "cost": cost, "value": value}))
    return pd.concat(parts, ignore_index=True)


def certain(levels: list[float], elasticities: list[float], costs: list[float], draws: int = 1) -> Curves:
    """Curves that are known without any doubt."""
    cost = np.array(costs)
    table = pd.DataFrame({"channel": [f"c{i}" for i in range(len(cost))], "cost": cost, "least": 0.2 * cost, "most": 3 * cost,
                          "level": levels, "elasticity": elasticities, "reason": ""})
    return Curves(table, Numbers(np.tile(levels, (draws, 1)), np.tile(elasticities, (draws, 1))))


def slopes(levels: list[float], elasticities: list[float], costs: list[float], new: np.ndarray) -> np.ndarray:
    """Marginal returns at the new costs, from the formula."""
    level, elasticity, cost = np.array(levels), np.array(elasticities), np.array(costs)
    return level * elasticity / cost * (new / cost) ** (elasticity - 1)


SHOPS = st.integers(2, 5).flatmap(lambda n: st.tuples(
    st.lists(st.floats(50, 900), min_size=n, max_size=n), st.lists(st.floats(0.05, 0.95), min_size=n, max_size=n),
    st.lists(st.floats(20, 300), min_size=n, max_size=n)))


# ------------------------------------------------------------------------------------------------ laws of a plan


@pytest.mark.parametrize("names", [["a", "b", "c"], ["b", "a", "c"], ["c", "b", "a"]])
def test_of_flat_channels_that_cost_the_same_the_one_with_the_lower_level_gives_whatever_its_name(names):
    curves = certain([10.0, 20.0, 900.0], [0.0, 0.0, 0.9], [100.0, 100.0, 100.0])
    budget = reallocate(replace(curves, table=curves.table.assign(channel=names))).budget.set_index("channel")
    assert budget.loc[names, "new_cost"].tolist() == pytest.approx([50, 100, 150])


def test_a_channel_may_be_let_go_almost_altogether():
    curves = certain([900.0, 100.0], [0.5, 0.3], [100.0, 100.0])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        plan = reallocate(replace(curves, table=curves.table.assign(least=0.0)), 0, 2)
    # marginal returns are level: 450 (x / 100)^-0.5 = 30 (y / 100)^-0.7 where x + y = 200
    first, second = plan.budget["new_cost"]
    assert 450 * (first / 100) ** -0.5 == pytest.approx(30 * (second / 100) ** -0.7, rel=1e-6) and first + second == pytest.approx(200)


@settings(max_examples=30)
@given(SHOPS, st.floats(0.2, 1), st.floats(1, 3))
def test_the_total_is_kept_and_so_are_the_limits_of_every_channel(shop, low, high):
    budget = reallocate(certain(*shop), low, high).budget
    assert budget["new_cost"].sum() == pytest.approx(budget["cost"].sum(), rel=1e-9)
    slack = 1e-6 * budget["cost"].sum()
    assert (budget["new_cost"] >= low * budget["cost"] - slack).all()
    assert (budget["new_cost"] <= high * budget["cost"] + slack).all()


@settings(max_examples=30)
@given(SHOPS)
def test_channels_inside_their_limits_end_with_equal_marginal_returns_and_those_at_a_limit_on_the_right_side(shop):
    budget = reallocate(certain(*shop)).budget
    new, least, most = (budget[c].to_numpy() for c in ("new_cost", "least", "most"))
    after, slack = slopes(*shop, new), 1e-4 * budget["cost"].to_numpy()
    can_give, can_take = new > least + slack, new < most - slack
    if can_give.any() and can_take.any():
        assert after[can_take].max() <= after[can_give].min() * 1.01


@settings(max_examples=30)
@given(SHOPS)
def test_a_channel_with_a_higher_marginal_return_never_loses_money_to_one_with_a_lower(shop):
    plan, today = reallocate(certain(*shop)), slopes(*shop, np.array(shop[2]))
    for row in plan.moves[plan.moves["amount"] > 0].to_dict("records"):
        assert today[int(row["from"][1:])] < today[int(row["to"][1:])]


@settings(max_examples=30)
@given(SHOPS)
def test_moves_are_the_changes_of_the_budget_and_their_gains_are_the_gain(shop):
    plan = reallocate(certain(*shop))
    change = dict.fromkeys(plan.budget["channel"], 0.0)
    for row in plan.moves.to_dict("records"):
        change[row["from"]] -= row["amount"]
        change[row["to"]] += row["amount"]
    new, cost = plan.budget["new_cost"].to_numpy(), np.array(shop[2])
    assert list(change.values()) == pytest.approx((new - cost).tolist(), abs=1e-5 * cost.sum())
    brings = sum(level * ((x / c) ** e - 1) for level, e, c, x in zip(*shop, new, strict=True))
    assert plan.gain.value == pytest.approx(brings, abs=1e-4 * sum(shop[0])) and plan.gain.value >= -1e-9
    assert plan.moves["gain"].sum() == pytest.approx(plan.gain.value, abs=1e-4 * sum(shop[0]))


@settings(max_examples=10)
@given(st.lists(st.tuples(st.floats(50, 900), st.floats(0.1, 0.9), st.floats(20, 300)), min_size=2, max_size=3))
def test_no_budget_on_a_fine_grid_brings_more(channels):
    by_cost = sorted(channels, key=lambda channel: channel[2])  # the last pays for all steps of the grid, so it is the dearest
    shop = [list(numbers) for numbers in zip(*by_cost, strict=True)]
    level, elasticity, cost = (np.array(numbers) for numbers in shop)
    shares = np.array([point for point in product(np.linspace(0.5, 1.5, 201), repeat=len(cost) - 1)])
    last = (cost.sum() - shares @ cost[:-1]) / cost[-1]
    grid = np.column_stack([shares, last])[(last >= 0.5) & (last <= 1.5)]
    best = (level * (grid**elasticity - 1)).sum(axis=1).max()
    found = reallocate(certain(*shop)).gain.value
    assert found >= best - 1e-6 * level.sum()
    assert found <= best + 0.005 * 2 * level.sum()  # and no miracle: a step of the grid is worth no more than that


MARKETS = st.integers(2, 6).flatmap(lambda n: st.tuples(
    st.lists(st.floats(50, 900), min_size=n, max_size=n),
    st.lists(st.one_of(st.sampled_from([0.0, 1.0]), st.floats(0.05, 0.95)), min_size=n, max_size=n),
    st.lists(st.floats(20, 300), min_size=n, max_size=n)))


@settings(max_examples=40)
@given(MARKETS, st.randoms(use_true_random=False))
def test_the_best_budget_is_that_of_equal_returns_in_any_order_of_the_channels(shop, shuffler):
    """By another way: the one marginal return at which the clipped costs of all channels add up to the budget."""
    level, elasticity, cost = (np.array(numbers) for numbers in shop)
    slope = level * elasticity / cost
    assume(np.ptp(np.sort(slope)) > 0 and (np.diff(np.sort(slope)) > 1e-3 * slope.max()).all())
    plan = reallocate(certain(*shop))
    new = plan.budget["new_cost"].to_numpy()
    order = shuffler.sample(range(len(cost)), len(cost))
    other = reallocate(certain(*([numbers[place] for place in order] for numbers in shop)))
    assert new[order] == pytest.approx(other.budget["new_cost"].to_numpy(), rel=1e-6)
    assert new.sum() == pytest.approx(cost.sum(), rel=1e-12)
    final, inside = slopes(*shop, new), (new > cost * (0.5 + 1e-9)) & (new < cost * (1.5 - 1e-9))
    shared = final[inside].mean() if inside.any() else final[new <= cost * (0.5 + 1e-9)].max(initial=0)
    assert final[inside] == pytest.approx(shared, rel=1e-7)
    assert not (final[new >= cost * (1.5 - 1e-9)] < shared * (1 - 1e-7)).any()
    assert not (final[new <= cost * (0.5 + 1e-9)] > shared * (1 + 1e-7)).any()


@pytest.mark.parametrize("names", [["a", "b", "c", "d"], ["d", "b", "c", "a"], ["b", "a", "d", "c"]])
def test_of_moves_that_take_as_little_money_those_between_the_most_different_are_made(names):
    """Best and worst change money, and so do second and third: other pairs would move as much."""
    known = certain([900.0, 700.0, 200.0, 100.0], [0.5] * 4, [100.0] * 4)
    plan = reallocate(replace(known, table=known.table.assign(channel=names)))
    made = plan.moves[plan.moves["amount"] > 0]
    assert {(row["from"], row["to"]): row["amount"] for row in made.to_dict("records")} == pytest.approx(
        {(names[3], names[0]): 50.0, (names[2], names[1]): 50.0})


def test_a_budget_is_found_where_channels_are_nearly_flat():
    """By hand: c1 has room for 70.2 more, which c2 alone may give in the first draw, and c0 in the second."""
    cost = np.array([714.0, 351.0, 29688.0])
    table = pd.DataFrame({"channel": ["c0", "c1", "c2"], "cost": cost, "least": 0.8 * cost, "most": 1.2 * cost, "level": [900.0, 170.0, 36000.0],
                          "elasticity": [5e-5, 0.8, 5e-5], "reason": ""})
    elasticities = np.array([[1e-4, 0.8, 0], [0, 0.8, 1e-4], [5e-5, 0.8, 5e-5]])
    for least, most in ((0.8, 1.2), (0.5, 1.5)):
        plan = reallocate(Curves(table, Numbers(np.tile(table["level"], (3, 1)), elasticities)), least, most)
        new = plan.budget.set_index("channel")["new_cost"]
        assert new["c1"] == pytest.approx(351 * 1.2) and new.sum() == pytest.approx(cost.sum())


HARD = st.integers(2, 7).flatmap(lambda n: st.tuples(
    st.lists(st.floats(50, 900), min_size=n, max_size=n),
    st.lists(st.one_of(st.sampled_from([0.0, 1e-12, 1e-8, 1.0]), st.floats(0.05, 0.95)), min_size=n, max_size=n),
    st.lists(st.one_of(st.floats(20, 300), st.floats(-7, 2).map(lambda digits: 10**digits)), min_size=n, max_size=n)))


@settings(max_examples=60)
@given(HARD, st.sampled_from([0.0, 0.2, 0.8, 1.0]), st.sampled_from([1.0, 1.2, 3.0]), st.randoms(use_true_random=False))
def test_no_budget_that_the_moves_can_reach_brings_more(shop, low, high, shuffler):
    """The curves are concave: along the slopes at the best costs no other costs bring more either (Frank, Wolfe 1956)."""
    level, elasticity, cost = (np.array(numbers) for numbers in shop)
    market = budget_moves._Market(list("abcdefg")[:len(cost)], cost, np.maximum(low, 1e-9) * cost, high * cost)
    numbers = Numbers(level, elasticity)
    signs = np.sign(market.differences(numbers)) * np.array([shuffler.random() < 0.6 for _ in market.pairs])
    steps = (market.steps * signs)[:, signs != 0]
    assume(steps.size)
    new = market.best(numbers, signs)
    assert (new >= market.least).all() and (new <= market.most).all() and new.sum() == pytest.approx(cost.sum(), rel=1e-12)
    # in parts of a channel's cost, since costs differ by many powers of ten
    moves, smaller = steps / cost[:, None], np.where(steps != 0, cost[:, None], np.inf).min(axis=0)
    assert nnls(moves * smaller, new / cost - 1)[1] <= 1e-7
    worth = slopes(*shop, new) * cost / level.sum()
    other = linprog(-worth @ moves * smaller, A_ub=np.vstack([moves, -moves]) * smaller,
                    b_ub=np.append(market.most / cost - 1, 1 - market.least / cost))
    assert -other.fun <= worth @ (new / cost - 1) + 1e-6 * worth.max()


def test_a_channel_that_nothing_may_be_given_to_may_still_give():
    """By hand: a and b would both take from c, which may give to neither; a gives to b, as in the split of two square roots."""
    cost = np.array([200.0, 100.0, 500.0])
    market = budget_moves._Market(list("abc"), cost, 0.2 * cost, 3 * cost)
    numbers = Numbers(np.array([np.sqrt(200.0), 20.0, 50.0]), np.array([0.5, 0.5, 0.0]))
    assert market.best(numbers, np.array([1, 0, 0])).tolist() == pytest.approx([60, 240, 500])


def test_flat_channels_give_along_the_moves_that_are_allowed_and_the_first_of_them_first():
    """By hand: a may give to c alone, which takes 50; b gives the 80 that d takes."""
    market = budget_moves._Market(list("abcd"), np.full(4, 100.0), np.full(4, 20.0), np.array([150.0, 150.0, 150.0, 180.0]))
    allowed = {("a", "c"), ("b", "c"), ("b", "d")}
    signs = np.array([int((market.channels[one], market.channels[other]) in allowed) for one, other in market.pairs])
    numbers = Numbers(np.array([10.0, 10.0, 900.0, 900.0]), np.array([0.0, 0.0, 0.9, 0.9]))
    assert market.best(numbers, signs).tolist() == pytest.approx([50.0, 20.0, 150.0, 180.0])
    anyway = signs * 0 + [int(one < 2 <= other) for one, other in market.pairs]
    assert market.best(numbers, anyway).tolist() == pytest.approx([20.0, 50.0, 150.0, 180.0])


def test_a_channel_that_costs_next_to_nothing_has_its_place_in_a_plan():
    plan = reallocate(certain([900.0, 300.0, 800.0], [0.5, 0.4, 0.9], [1000.0, 1000.0, 0.003]))
    assert plan.budget["new_cost"].iloc[2] == pytest.approx(0.0045)
    to_it = plan.moves.loc[plan.moves["to"] == "c2", "amount"]
    assert to_it.sum() == pytest.approx(0.0015, rel=1e-6)


def test_a_search_for_moves_that_has_not_arrived_is_a_gap(monkeypatch):
    monkeypatch.setattr(budget_moves, "linprog", lambda costs, **conditions: linprog(costs, **conditions, options={"maxiter": 0}))
    plan = reallocate(certain([300.0, 200.0, 250.0, 500.0], [0.5, 0.4, 0.6, 0.2], [100.0, 100.0, 120.0, 90.0]))
    assert isinstance(plan, Gap)
    assert "not arrived" in plan.reason


def test_a_search_for_a_curve_that_has_not_arrived_is_its_reason(monkeypatch):
    monkeypatch.setattr(budget_curves, "brentq", lambda *bounds, **how: brentq(*bounds, **how | {"maxiter": 2}))
    assert "not arrived" in response_curves(weeks(A=(300, 0.5)), rng()).table["reason"].item()


@pytest.mark.parametrize("factor", [1, 0.37, 1e9])
def test_credit_in_proportion_to_cost_is_a_straight_curve_and_no_reason_to_move(factor):
    """As for a partner paid by commission: rounding must not decide whether there is a curve, nor between which channels money moves."""
    for seed in range(15):
        cost = {channel: rng(seed * 2 + place).uniform(100, 1000, 8).round(2) for place, channel in enumerate("AB")}
        periods = pd.concat([pd.DataFrame({"period": rng(seed).permutation(8), "channel": channel, "cost": spent, "value": factor * spent})
                             for channel, spent in cost.items()])
        plan = reallocate(response_curves(periods, rng(), draws=20))
        assert plan.moves["verdict"].tolist() == [UNSURE] and plan.moves["amount"].tolist() == [0]


@pytest.mark.parametrize("outlier", [1e3, 1e5, 1e8])
def test_a_week_out_of_all_proportion_has_a_curve_or_a_reason(outlier):
    value = np.array([outlier, 11, 12, 11, 13, 12, 14, 20])
    periods = pd.DataFrame({"period": range(8), "channel": "A", "cost": [100.0, 110, 120, 130, 140, 150, 160, 300], "value": value})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        row = response_curves(periods, rng()).table.iloc[0]
    assert row["low"] < row["elasticity"] < row["high"] and "its elasticity may be" in row["reason"]


def test_credit_at_one_end_of_spend_alone_shows_one_point_of_a_curve():
    periods = pd.DataFrame({"period": range(6), "channel": "A", "cost": [100.0, 110, 120, 200, 200, 200], "value": [0.0, 0, 0, 9, 10, 11]})
    assert "in the periods of its highest spend" in response_curves(periods, rng()).table["reason"].item()
    assert "in the periods of its lowest spend" in response_curves(periods.assign(cost=1 / periods["cost"]), rng()).table["reason"].item()


def test_two_square_roots_share_the_money_as_the_squares_of_their_levels():
    """By hand: x1 / x2 = (a1 / a2)^2 for a * sqrt(x), so 300 splits into 240 and 60 for levels 2 and 1."""
    plan = reallocate(certain([20.0, np.sqrt(200.0)], [0.5, 0.5], [100.0, 200.0]), low=0.2, high=3)
    assert plan.budget["new_cost"].tolist() == pytest.approx([240, 60], rel=1e-3)


# ------------------------------------------------------------------------------------------------ what cannot be told


@settings(max_examples=8)
@given(st.integers(0, 10_000), st.floats(100, 900), st.floats(0.1, 0.9))
def test_between_identical_channels_nothing_is_moved_and_the_pair_is_named(seed, level, elasticity):
    one = weeks(seed, 0.03, A=(level, elasticity))
    plan = reallocate(response_curves(pd.concat([one, one.assign(channel="B")]), rng(seed), draws=100))
    assert plan.moves["verdict"].tolist() == [UNSURE]
    assert plan.moves["amount"].tolist() == [0] and plan.gain == (0, 0, 0)
    assert plan.budget["new_cost"].tolist() == plan.budget["cost"].tolist()
    assert plan.sentence in [f"No move is recommended. The data cannot tell apart {pair}." for pair in ("A and B", "B and A")]


def test_a_pair_is_refused_while_money_moves_between_others():
    both = weeks(1, 0.02, Poor=(100, 0.3), Rich=(900, 0.7))
    twin = both[both["channel"] == "Rich"].assign(channel="Twin")
    plan = reallocate(response_curves(pd.concat([both, twin]), rng(), draws=200))
    verdicts = {frozenset(pair): verdict for *pair, verdict in plan.moves[["from", "to", "verdict"]].to_numpy()}
    assert verdicts[frozenset(["Rich", "Twin"])] == UNSURE
    assert {verdicts[frozenset(["Poor", other])] for other in ("Rich", "Twin")} == {"move"}
    assert "The data cannot tell apart" in plan.sentence and "from Poor" in plan.sentence


def test_a_plan_stays_within_the_spend_that_was_seen():
    plan = reallocate(response_curves(weeks(1, 0.02, Poor=(100, 0.3), Rich=(900, 0.7)), rng(), draws=50), low=0, high=5)
    assert plan.budget["least"].tolist() == [COST.min()] * 2 and plan.budget["most"].tolist() == [COST.max()] * 2
    assert plan.budget["new_cost"].tolist() == pytest.approx([60, 140])


def test_the_gain_is_what_the_curves_promise_less_the_optimism_and_its_interval_that_of_the_draws():
    curves = response_curves(weeks(2, 0.1, Mean=(200, 0.3), Poor=(300, 0.4), Rich=(600, 0.6)), rng(), draws=300)
    plan = reallocate(curves)
    share = (plan.budget["new_cost"] / plan.budget["cost"]).to_numpy()
    promised = (curves.fitted.levels * (share**curves.fitted.elasticities - 1)).sum()
    drawn = (curves.drawn.levels * (share**curves.drawn.elasticities - 1)).sum(axis=1)
    assert plan.optimism > 0 and plan.gain.value == pytest.approx(promised - plan.optimism)
    assert [plan.gain.low, plan.gain.high] == pytest.approx(np.quantile(drawn, [0.025, 0.975]) - plan.optimism)
    assert plan.moves["gain"].sum() == pytest.approx(plan.gain.value)
    assert (plan.moves["low"] <= plan.moves["gain"]).all() and (plan.moves["gain"] <= plan.moves["high"]).all()


def test_the_intervals_of_all_pairs_hold_together_in_at_least_95_of_100_draws():
    curves = response_curves(weeks(3, 0.1, **{name: (400, 0.5) for name in "ABCDE"}), rng(), draws=1000)
    cost, channels = curves.known["cost"].to_numpy(), curves.known["channel"]
    marginal = pd.DataFrame(curves.drawn.levels * curves.drawn.elasticities / cost, columns=channels)
    inside = [(marginal[row["to"]] - marginal[row["from"]]).between(row["difference_low"], row["difference_high"])
              for row in reallocate(curves).moves.to_dict("records")]
    assert len(inside) == 10
    assert 0.95 <= np.all(inside, axis=0).mean() <= 0.975  # a rank of 1,000 draws is a step of about 0.02
    assert np.mean(inside) > 0.98  # each by itself holds more often


def test_drawn_elasticities_are_those_of_saturating_curves():
    drawn = response_curves(weeks(1, 0.1, Email=(300, 0.95), SMS=(300, 0.05)), rng()).drawn
    assert drawn.elasticities.min() == 0 and drawn.elasticities.max() == 1 and (drawn.levels > 0).all()


@pytest.mark.parametrize(("spread", "word"), [(0.0, "varied by 0%"), (0.01, "one point of the curve")])
def test_spend_that_hardly_varies_gives_no_curve_but_the_reason(spread, word):
    cost = 100 + 100 * spread * np.tile([-1, 1], 6)
    periods = pd.DataFrame({"period": range(12), "channel": "Display", "cost": cost, "value": 50 * NOISE})
    curves = response_curves(periods, rng())
    assert word in curves.table.loc[0, "reason"] and "Display: its spend varied by" in curves.sentence
    for gap in (marginal_returns(curves), reallocate(curves), curves.points()):
        assert isinstance(gap, Gap) and "Display" in gap.sentence


@pytest.mark.parametrize(("value", "word"), [
    (COST**2 * NOISE, "follows demand"), (1e6 / COST**2 * NOISE, "fell as spend rose"), (COST * 0, "credit in 0 of 12"),
    (COST - 61, "negative")])
def test_what_no_saturating_curve_can_be_has_its_reason(value, word):
    periods = pd.DataFrame({"period": range(12), "channel": "Search", "cost": COST, "value": value})
    assert word in response_curves(periods, rng()).table.loc[0, "reason"]


def test_a_channel_that_paused_has_no_curve_and_one_without_any_cost_is_not_in_the_table():
    periods = weeks(1, 0.05, Email=(200, 0.5), SMS=(200, 0.5), Direct=(900, 0.1))
    periods.loc[periods["channel"] == "Direct", "cost"] = 0.0
    periods = periods[(periods["channel"] != "SMS") | (periods["period"] > 2)]
    table = response_curves(periods, rng()).table.set_index("channel")
    assert table.index.tolist() == ["Email", "SMS"] and table.loc["Email", "reason"] == ""
    assert "paused in 3 of 12" in table.loc["SMS", "reason"]


def test_with_one_curve_there_is_nothing_to_move_and_the_others_reasons_are_said():
    lone = reallocate(response_curves(weeks(1, 0.05, Email=(200, 0.5)), rng()))
    assert isinstance(lone, Gap) and "two channels" in lone.reason


def test_without_cost_or_value_there_is_a_gap_and_a_wrong_row_is_an_error(complaint):
    periods = weeks(1, 0.05, Email=(200, 0.5))
    assert "No channel has a cost" in response_curves(periods.assign(cost=0.0), rng()).reason
    assert "No conversion has a value" in response_curves(periods.assign(value=np.nan), rng()).reason
    assert "Email in period 0 stands there twice" in complaint(response_curves, pd.concat([periods, periods[:1]]), rng())
    assert "negative cost" in complaint(response_curves, periods.assign(cost=-periods["cost"]), rng())
    assert "Write 0" in complaint(response_curves, periods.assign(value=periods["value"].where(periods["period"] > 0)), rng())
    assert "low=2" in complaint(reallocate, response_curves(periods, rng()), low=2)
    assert "'sales'" in complaint(response_curves, periods, rng(), "sales")


# ------------------------------------------------------------------------------------------------ curves


def test_the_curve_is_the_maximum_of_the_poisson_likelihood():
    """An independent way: the likelihood on a grid of elasticities, the level solved in closed form at each."""
    periods = weeks(3, 0.1, Email=(300, 0.6))
    found = response_curves(periods, rng()).table.iloc[0]
    cost, value = periods["cost"].to_numpy() / periods["cost"].mean(), periods["value"].to_numpy()
    grid = np.linspace(0, 1, 10_001)
    powers = cost ** grid[:, None]
    level = value.sum() / powers.sum(axis=1)
    fitted = level[:, None] * powers
    best = np.argmax((value * np.log(fitted) - fitted).sum(axis=1))
    assert found["elasticity"] == pytest.approx(grid[best], abs=1e-4)
    assert found["level"] == pytest.approx(level[best], rel=1e-4)


@given(st.integers(0, 10_000), st.integers(4, 40), st.floats(-0.5, 1.5), st.sampled_from([0.05, 0.5, 2.0]))
def test_curve_and_covariance_are_those_of_statsmodels(seed, count, elasticity, width):
    draw = rng(seed)
    log_cost = draw.normal(0, width, count)
    value = draw.poisson(20 * np.exp(elasticity * log_cost)) * draw.uniform(0.5, 2, count)
    assume((value > 0).sum() >= 3 and np.ptp(log_cost[value > 0]) > 0)
    numbers, covariance = budget_curves._likeliest(log_cost, value)
    fitted = sm.GLM(value, sm.add_constant(log_cost), family=sm.families.Poisson()).fit(
        scale="X2", tol=1e-12, tol_criterion="params", maxiter=500)
    assert numbers == pytest.approx(fitted.params, rel=1e-8, abs=1e-8)
    assert covariance.ravel() == pytest.approx(fitted.cov_params().ravel(), rel=1e-6, abs=1e-12)


def test_average_and_marginal_return_follow_from_level_and_elasticity():
    """By hand: 200 from 50 is 4 a pound; with an elasticity of one half the last pound brings 2."""
    row = marginal_returns(certain([200.0], [0.5], [50.0])).iloc[0]
    assert row[["average", "average_low", "average_high"]].tolist() == [4, 4, 4]
    assert row[["marginal", "marginal_low", "marginal_high"]].tolist() == [2, 2, 2]


@settings(max_examples=10)
@given(st.integers(0, 10_000), st.floats(0.2, 0.8))
def test_more_noise_makes_wider_intervals(seed, elasticity):
    def width(noise: float) -> float:
        table = response_curves(weeks(seed, noise, Email=(300, elasticity)), rng(), draws=10).table
        return float((table["high"] - table["low"]).iloc[0])
    assert width(0.2) > width(0.01)


@settings(max_examples=8)
@given(st.integers(0, 10_000), st.sampled_from([0.01, 0.8, 160.0]))
def test_another_currency_changes_the_unit_and_nothing_else(seed, rate):
    periods = weeks(seed, 0.04, A=(150, 0.3), B=(500, 0.6), C=(300, 0.5))
    here, there = (response_curves(table, rng(), draws=60) for table in (
        periods, periods.assign(cost=periods["cost"] * rate, value=periods["value"] * rate)))
    pd.testing.assert_frame_equal(marginal_returns(here).filter(regex="average|marginal"),
                                  marginal_returns(there).filter(regex="average|marginal"))
    one, other = reallocate(here), reallocate(there)
    assert one.moves["verdict"].tolist() == other.moves["verdict"].tolist()
    assert (one.budget["new_cost"] * rate).tolist() == pytest.approx(other.budget["new_cost"].tolist(), rel=1e-3)
    assert one.gain.value * rate == pytest.approx(other.gain.value, rel=1e-3, abs=1e-6 * rate)


@settings(max_examples=8)
@given(st.integers(0, 10_000), st.randoms(use_true_random=False))
def test_the_order_of_rows_and_channels_changes_nothing(seed, shuffler):
    periods = weeks(seed, 0.04, A=(150, 0.3), B=(500, 0.6), C=(300, 0.5))
    order = list(periods.index)
    shuffler.shuffle(order)
    one, other = (reallocate(response_curves(table, rng(), draws=40)) for table in (periods, periods.loc[order]))
    pd.testing.assert_frame_equal(one.budget, other.budget)
    pd.testing.assert_frame_equal(one.moves, other.moves)


def test_the_interval_of_the_marginal_return_holds_the_true_one_in_about_95_of_100_shops():
    """Of 200 channels with known curves; 0.88 is four and a half standard errors below 0.95."""
    channels = {f"c{i:03d}": (400.0, 0.5) for i in range(200)}
    returns = marginal_returns(response_curves(weeks(7, 0.08, **channels), rng()))
    true = 400 * 0.5 / 100 * (returns["cost"] / 100) ** -0.5
    assert len(returns) == 200
    assert 0.88 <= true.between(returns["marginal_low"], returns["marginal_high"]).mean() <= 0.99


def test_the_points_of_a_curve_lie_on_it_within_their_interval_and_within_the_spend_seen():
    curves = response_curves(weeks(1, 0.05, Email=(300, 0.5), SMS=(100, 0.4)), rng(), draws=200)
    points, known = curves.points(5), curves.known.set_index("channel")
    assert points["channel"].value_counts().to_dict() == {"Email": 5, "SMS": 5}
    for row in points.itertuples():
        curve = known.loc[row.channel]
        assert row.value == pytest.approx(curve["level"] * (row.cost / curve["cost"]) ** curve["elasticity"])
        assert row.low <= row.value <= row.high and curve["least"] <= row.cost <= curve["most"]


# ------------------------------------------------------------------------------------------------ weeks


def shop_of_weeks() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Spend from Sunday 4 January to Monday 19 January 2026, and a journey on each day."""
    days = pd.date_range("2026-01-04", "2026-01-19")
    spend = pd.DataFrame({"date": days, "channel": "Email", "cost": np.arange(len(days), dtype=float), "currency": "GBP"})
    ends = days.tz_localize("UTC") + pd.Timedelta(hours=23, minutes=30)
    journeys = pd.DataFrame({"end_time": ends, "path": [["Email"]] * len(days), "converted": True, "value": 10.0})
    return spend, journeys


def test_only_full_weeks_count_and_a_cost_or_conversion_belongs_to_its_week():
    """By hand: the weeks of 5 and 12 January cost 1 + ... + 7 and 8 + ... + 14, with seven orders of 10 each."""
    table = weekly(*shop_of_weeks(), "last_touch", "UTC")
    assert table["period"].dt.day.tolist() == [5, 12]
    assert table[["cost", "conversions", "value"]].to_numpy().tolist() == [[28, 7, 70], [77, 7, 70]]


def test_a_week_before_the_first_journey_is_not_a_week_without_conversions():
    spend, journeys = shop_of_weeks()
    assert weekly(spend, journeys[5:], "last_touch", "UTC")["period"].dt.day.tolist() == [12]
    assert weekly(spend, journeys[:-4], "last_touch", "UTC")["period"].dt.day.tolist() == [5]


def test_a_week_of_unknown_values_is_no_week_of_nothing():
    """By hand: of the weeks of 5 and 12 January the values of the first are not known, or those of its first three days."""
    spend, journeys = shop_of_weeks()
    unknown = journeys.assign(value=journeys["value"].where(journeys["end_time"].dt.day > 11))
    assert weekly(spend, unknown, "last_touch", "UTC")[["cost", "value"]].to_numpy().tolist() == [[77, 70]]
    partly = journeys.assign(value=journeys["value"].where(journeys["end_time"].dt.day > 7))
    assert weekly(spend, partly, "last_touch", "UTC")["value"].tolist() == [40, 70]
    none = weekly(spend, journeys.assign(value=np.nan), "last_touch", "UTC")
    assert none["conversions"].tolist() == [7, 7] and none["value"].isna().all()
    quiet = unknown[unknown["end_time"].dt.day.isin([4, 12, 19])]  # a week without a conversion has no value, and that is known
    assert weekly(spend, quiet, "last_touch", "UTC")["value"].tolist() == [0, 10]
    outside = journeys.assign(value=journeys["value"].where(journeys["end_time"].dt.day == 19))
    assert weekly(spend, outside, "last_touch", "UTC")["value"].isna().all()


def test_a_week_of_partly_unknown_cost_has_no_cost():
    spend, journeys = shop_of_weeks()
    table = weekly(spend.assign(cost=spend["cost"].where(spend["date"].dt.day != 6)), journeys, "last_touch", "UTC")
    assert np.isnan(table["cost"][0]) and table["cost"][1] == 77


@pytest.mark.parametrize("paused", [0, 3])
def test_periods_that_lie_on_a_curve_have_it_without_a_warning(paused):
    cost = np.array([50, 80, 120, 200, 60, 150, 90, 110, 70, 130.0])
    exact = pd.DataFrame({"period": range(10), "channel": "Email", "cost": cost, "value": 30 * cost**0.5})
    other = exact.assign(channel="SMS", cost=np.where(np.arange(10) < paused, 0, cost))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        curves = response_curves(pd.concat([exact, other]), rng(), draws=20)
    assert curves.known["channel"].tolist() == (["Email"] if paused else ["Email", "SMS"])
    row = curves.known.iloc[0]
    assert [row["elasticity"], row["low"], row["high"]] == pytest.approx([0.5] * 3)
    assert not paused or "it was paused in 3 of 10 periods" in curves.sentence


def test_nothing_to_draw_is_refused(complaint):
    periods = weeks(1, 0.05, Email=(300, 0.5))
    for draws in (0, -1):
        assert "1 or more" in complaint(response_curves, periods, rng(), draws=draws)
        assert "1 or more" in complaint(response_curves(periods, rng(), draws=5).points, draws)


def test_days_are_those_of_the_time_zone():
    """At 23:30 UTC it is already the next day in Helsinki, so the first Monday there has an order from Sunday."""
    spend, journeys = shop_of_weeks()
    only = journeys[journeys["end_time"].dt.day.isin([4, 5, 18, 19])]
    assert weekly(spend, only, "last_touch", "Europe/Helsinki")["conversions"].tolist() == [2, 0]
    assert weekly(spend, only, "last_touch", "UTC")["conversions"].tolist() == [1, 1]


def test_without_a_full_week_or_with_two_currencies_there_is_a_gap():
    spend, journeys = shop_of_weeks()
    assert "no full week" in weekly(spend[:5], journeys, "last_touch", "UTC").reason
    assert "GBP" in weekly(spend.assign(currency=["EUR", "GBP"] * 8), journeys, "last_touch", "UTC").reason


# ------------------------------------------------------------------------------------------------ keep or stop


def journeys_of_people(people: int = 60) -> pd.DataFrame:
    """Every second visitor buys, with Email last; SMS stands on the path of every third."""
    path = [["SMS", "Email"] if i % 3 == 0 else ["Email"] for i in range(people)]
    return pd.DataFrame({"visitor_id": [f"v{i}" for i in range(people)], "path": path,
                         "converted": [i % 2 == 0 for i in range(people)], "value": [20.0 + i % 5 for i in range(people)]})


def test_value_intervals_have_the_credit_of_compare_and_hold_it():
    journeys, models = journeys_of_people(), ["last_touch", "linear", "markov"]
    found = value_intervals(journeys, models, 100, rng())
    table = compare(journeys, models).table
    pd.testing.assert_frame_equal(found[["model", "channel", "conversions", "value"]],
                                  table[["model", "channel", "conversions", "value"]], check_dtype=False)
    assert ((found["value_low"] <= found["value"]) & (found["value"] <= found["value_high"])).all()


def test_the_interval_of_value_is_that_of_a_sum_over_visitors():
    """With one touch each the credited value is a sum over visitors, whose bootstrap error is known: sqrt(n) * sd."""
    journeys = journeys_of_people(400).assign(path=[["Email"]] * 400)
    row = value_intervals(journeys, ["last_touch"], 600, rng()).iloc[0]
    each = journeys["value"].where(journeys["converted"], 0.0)
    half = 1.96 * np.sqrt(400) * each.std(ddof=0)
    assert row["value_low"] == pytest.approx(row["value"] - half, abs=0.2 * half)
    assert row["value_high"] == pytest.approx(row["value"] + half, abs=0.2 * half)


@given(st.floats(1, 1000), st.floats(0, 1000), st.floats(0, 500), st.floats(0, 500), st.floats(0.05, 1))
def test_keep_where_the_whole_interval_pays_stop_where_none_of_it_does(cost, low, more, most, margin):
    spend = pd.DataFrame({"channel": ["Email"], "cost": [cost]})
    credit = pd.DataFrame({"model": "linear", "channel": ["Email"], "conversions": 5.0, "value": low + more,
                           "value_low": low, "value_high": low + more + most})
    row = keep_or_stop(spend, credit, margin).iloc[0]
    assert row["profit_low"] <= row["profit"] <= row["profit_high"]
    pays = (margin * low >= cost, margin * (low + more + most) >= cost)
    assert row["verdict"] == {(True, True): "keep", (False, False): "stop"}.get(pays, "cannot tell")


def test_profit_is_the_return_on_ad_spend_of_the_other_room_in_money():
    journeys, spend = journeys_of_people(), pd.DataFrame({"channel": ["Email", "SMS"], "cost": [100.0, 40.0]})
    credit = value_intervals(journeys, ["last_touch", "linear"], 50, rng())
    table = keep_or_stop(spend, credit, 0.4).set_index(["channel", "model"])
    returns = roas_by_model(spend, credit)
    for (channel, model), row in table.iterrows():
        assert row["profit"] == pytest.approx(row["cost"] * (0.4 * returns.loc[channel, model] - 1))


def test_a_channel_without_credit_may_still_have_missed_three_to_four_conversions():
    """By hand: -log(0.025) = 3.689 conversions of 20 are 73.8; at half margin 36.9, which pays for 30 and not for 40."""
    credit = pd.DataFrame({"model": "linear", "channel": ["Email"], "conversions": [10.0], "value": [200.0],
                           "value_low": [150.0], "value_high": [250.0]})
    for cost, verdict in ((30.0, "cannot tell"), (40.0, "stop")):
        spend = pd.DataFrame({"channel": ["Display"], "cost": [cost]})
        row = keep_or_stop(spend, credit, 0.5).iloc[0]
        assert row["verdict"] == verdict and row["profit_high"] == pytest.approx(36.888 - cost, abs=0.01)


def test_what_keep_or_stop_needs_is_named(complaint):
    spend = pd.DataFrame({"channel": ["Email"], "cost": [10.0], "currency": "GBP"})
    credit = value_intervals(journeys_of_people(), ["linear"], 10, rng())
    assert "value_low" in complaint(keep_or_stop, spend, credit.drop(columns="value_low"), 0.5)
    assert "margin=35" in complaint(keep_or_stop, spend, credit, 35)
    assert "No channel has a cost" in keep_or_stop(spend.assign(cost=0.0), credit, 0.5).reason
    two = pd.concat([spend, spend.assign(currency="EUR")])
    assert "EUR and GBP" in keep_or_stop(two, credit, 0.5).reason
    unvalued = journeys_of_people().assign(value=np.nan)
    assert "No conversion has a value" in value_intervals(unvalued, ["linear"], 10, rng()).reason


def test_an_outcome_that_never_changes_has_a_flat_curve():
    periods = pd.DataFrame({"period": range(6), "channel": "Email", "cost": [10.0, 20, 30, 40, 50, 60], "value": 7.0})
    row = response_curves(periods, rng()).table.iloc[0]
    assert row[["level", "elasticity", "low", "high"]].tolist() == [7.0, 0.0, 0.0, 0.0]
