"""The search for a minimum within bounds: against arithmetic and against another program."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import lsq_linear

from convtrack.incremental import newton
from convtrack.incremental.newton import Local, find_minimum

WIDE = np.full(3, 1e3)


def quadratic(matrix: np.ndarray, goal: np.ndarray):
    """Half the squared length of matrix @ x - goal."""
    def at(place: np.ndarray) -> Local:
        missed = matrix @ place - goal
        return Local(float(missed @ missed / 2), matrix.T @ missed, matrix.T @ matrix)
    return at


@given(st.integers(0, 10_000))
@settings(max_examples=40, deadline=None)
def test_within_bounds_it_is_the_bounded_least_squares_of_scipy(seed: int) -> None:
    rng = np.random.default_rng(seed)
    matrix, goal = rng.normal(size=(6, 3)), rng.normal(size=6)
    low, high = np.sort(rng.normal(size=(2, 3)), axis=0)
    found = find_minimum(quadratic(matrix, goal), [rng.normal(size=3)], low, high)
    peer = lsq_linear(matrix, goal, (low, high), method="bvls", tol=1e-14)
    assert found.arrived
    assert found.place == pytest.approx(peer.x, abs=1e-8)


def test_the_distance_is_in_standard_errors() -> None:
    """10,000 coins with 3,000 heads: a probability of a half, in log-odds, is many standard errors away; the end is not."""
    def at(place: np.ndarray) -> Local:
        chance = 1 / (1 + np.exp(-place[0]))
        value = -3000 * np.log(chance) - 7000 * np.log(1 - chance)
        return Local(value, np.array([10_000 * chance - 3000]), np.array([[10_000 * chance * (1 - chance)]]))
    found = find_minimum(at, [np.zeros(1)], -WIDE[:1], WIDE[:1])
    assert found.place[0] == pytest.approx(np.log(3 / 7), rel=1e-12)
    assert found.distance < 1e-9


def test_of_two_valleys_it_takes_the_lower() -> None:
    """(x^2 - 1)^2 + x / 10 has a minimum on either side of 0; the lower is on the left."""
    def at(place: np.ndarray) -> Local:
        x = place[0]
        value, slope, curve = (x**2 - 1) ** 2 + x / 10, 4 * x * (x**2 - 1) + 0.1, 12 * x**2 - 4
        return Local(value, np.array([slope]), np.array([[curve]]))
    one, both = (find_minimum(at, starts, -WIDE[:1], WIDE[:1]) for starts in ([np.ones(1)], [np.ones(1), -np.ones(1)]))
    assert one.place[0] > 0 > both.place[0]
    assert both.value < one.value


def test_what_has_no_minimum_has_not_arrived() -> None:
    falling = lambda place: Local(float(-place[0]), -np.ones(1), np.zeros((1, 1)))  # noqa: E731
    assert not find_minimum(falling, [np.zeros(1)], np.array([-np.inf]), np.array([np.inf])).arrived


def test_a_coordinate_on_which_nothing_depends_stays_where_it_is() -> None:
    bowl = lambda place: Local(float(place[0] ** 2), np.array([2 * place[0], 0.0]), np.diag([2.0, 0.0]))  # noqa: E731
    found = find_minimum(bowl, [np.array([3.0, 5.0])], -WIDE[:2], WIDE[:2])
    assert found.arrived
    assert found.place == pytest.approx([0, 5], abs=1e-8)


def test_it_arrives_where_the_value_is_too_noisy_to_tell_the_way() -> None:
    """A value that is wrong in its twelfth digit, as a sum of many terms is, says nothing of the last steps."""
    rng = np.random.default_rng(1)

    def at(place: np.ndarray) -> Local:
        bowl = np.cosh(place - 0.3).sum()
        return Local(float((16_000 + bowl) * (1 + 1e-12 * rng.normal())), np.sinh(place - 0.3), np.diag(np.cosh(place - 0.3)))

    for start in range(20):
        assert find_minimum(at, [np.full(3, start / 10)], -WIDE, WIDE).arrived


def test_the_distance_is_that_of_the_place_where_it_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(newton, "LONGEST", 1)
    bowl = quadratic(np.eye(3), np.ones(3))
    found = find_minimum(bowl, [np.zeros(3)], -WIDE, WIDE)
    assert found.distance == pytest.approx(np.linalg.norm(found.place - 1), rel=1e-9)


def test_of_two_ends_that_are_as_low_the_one_that_arrived_counts() -> None:
    """A valley with a flat floor: from one side the search arrives; from the other its derivatives claim a slope without end."""
    def at(place: np.ndarray) -> Local:
        if place[0] < 0:
            return Local(1.0 - 1e-15, np.array([1.0]), np.array([[0.0]]))
        return Local(1.0 + place[0] ** 2, 2 * place, np.array([[2.0]]))
    found = find_minimum(at, [np.full(1, -5.0), np.full(1, 3.0)], np.full(1, -5.0), np.full(1, 5.0))
    assert found.arrived
