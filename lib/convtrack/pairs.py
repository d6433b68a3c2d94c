"""Touches in order, and pairs of a touch and an earlier one of the same person: what a person has met until then."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]


class Pairs(NamedTuple):
    """(later touch, earlier touch of the same person), as positions in a table of touches."""

    later: Ints
    earlier: Ints


def in_order(*keys: Any) -> Ints:
    """The places of whole numbers, sorted by the last key, then by the one before it; equals stay as they come.

    What `numpy.lexsort` does, several times faster where a number and its place fit into one integer.

    >>> in_order([1, 2, 0], [5, 4, 4]).tolist()
    [2, 1, 0]
    """
    order, count, packed, span = np.arange(len(keys[0])), len(keys[0]), 0, 1
    for column in (np.asarray(key, np.int64) for key in keys):
        least = int(column.min(initial=0))
        wide = int(column.max(initial=0)) - least + 1
        if wide * count >= 2**63:
            return np.lexsort(keys)
        if span * wide * count >= 2**63:  # not all of them fit into one number with a place
            order, packed, span = _resorted(order, packed), 0, 1
        packed, span = packed + (column - least) * span, span * wide
    return _resorted(order, packed)


def _resorted(order: Ints, key: Ints) -> Ints:
    """The places in the order of the key; equals stay as they were."""
    count = max(len(order), 1)
    return order[np.sort(key[order] * count + np.arange(len(order))) % count]


def earlier_pairs(visitor: Ints, later: Ints, earlier: Ints) -> Pairs:
    """All pairs of a `later` and an `earlier` position of the same person, the same position included.

    Parameters
    ----------
    visitor : (touches,) int array
        The person of each touch, from 0 up, sorted.
    later, earlier : sorted int arrays
        Positions to pair.

    Returns
    -------
    Pairs
        In the order of `later`, then `earlier`.

    Examples
    --------
    >>> earlier_pairs(np.array([0, 0, 0, 1]), later=np.array([2, 3]), earlier=np.array([0, 2, 3]))
    Pairs(later=array([2, 2, 3]), earlier=array([0, 2, 3]))
    """
    seen = np.zeros(len(visitor) + 1, np.int64)  # how many of `earlier` come before each position
    seen[earlier + 1] = 1
    np.cumsum(seen, out=seen)
    starts = np.flatnonzero(np.diff(visitor, prepend=-1))
    first = seen[np.repeat(starts, np.diff(starts, append=len(visitor)))[later]]
    count = seen[later + 1] - first
    step = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
    return Pairs(np.repeat(later, count), earlier[np.repeat(first, count) + step])
