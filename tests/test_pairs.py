"""Touches in order, and pairs of touches: against NumPy's own sort, and against a loop."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from convtrack.pairs import earlier_pairs, in_order

SIZES = [0, 1, 3, 10**6, 2**31, 2**59, 2**62]


@given(st.data(), st.integers(0, 30))
def test_places_are_those_of_lexsort_whatever_the_size_of_the_numbers(data: st.DataObject, rows: int) -> None:
    """Small numbers are packed into one, larger ones are sorted one after the other, and the largest are left to NumPy."""
    sizes = data.draw(st.lists(st.sampled_from(SIZES), min_size=1, max_size=4))
    keys = [np.array(data.draw(st.lists(st.integers(-size, size), min_size=rows, max_size=rows)), np.int64) for size in sizes]
    assert in_order(*keys).tolist() == np.lexsort(keys).tolist()


@pytest.mark.parametrize("dtype", [bool, np.int8, np.int32])
def test_narrow_numbers_do_not_overflow(dtype: type) -> None:
    key, time = np.ones(400, dtype), np.arange(400)[::-1]
    key[::2] = 0
    assert in_order(time, key).tolist() == np.lexsort([time, key]).tolist()


@given(st.lists(st.tuples(st.integers(0, 3), st.booleans(), st.booleans()), max_size=25))
def test_pairs_are_those_of_a_loop(touches: list[tuple[int, bool, bool]]) -> None:
    touches = sorted(touches, key=lambda touch: touch[0])
    visitor = np.array([touch[0] for touch in touches], np.int64)
    later, earlier = (np.array([place for place, touch in enumerate(touches) if touch[part]], np.int64) for part in (1, 2))
    found = earlier_pairs(visitor, later, earlier)
    looped = [(one, other) for one in later for other in earlier if other <= one and visitor[one] == visitor[other]]
    assert list(zip(found.later.tolist(), found.earlier.tolist(), strict=True)) == looped
