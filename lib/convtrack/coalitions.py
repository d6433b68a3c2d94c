"""Games of channels: what every set of channels is worth, as an array in which bit i of a place says whether channel i is in the set."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def lost(game: Floats) -> Floats:
    """What is lost when each channel alone leaves the set of all; shape (channels,).

    >>> lost(np.array([0.0, 1.0, 2.0, 5.0])).tolist()
    [3.0, 4.0]
    """
    return game[-1] - np.array([game[len(game) - 1 - (1 << channel)] for channel in _channels(game)])


def shapley_value(game: Floats) -> Floats:
    """The Shapley value of each channel; shape (channels,). They add up to what all are worth less what none is.

    >>> shapley_value(np.array([0.0, 1.0, 2.0, 5.0])).tolist()
    [2.0, 3.0]
    """
    return sums_of_dividends(dividends(game))


def _pairs(game: Floats, channel: int) -> Floats:
    """The game as pairs of sets that differ in one channel only: [:, 0] are without it, [:, 1] the same sets with it."""
    return game.reshape(-1, 2, 1 << channel, *game.shape[1:])


def _channels(game: Floats) -> range:
    return range(len(game).bit_length() - 1)


def subsets(channels: NDArray[np.int64]) -> NDArray[np.int64]:
    """The places of all sets of some channels only; channels: (..., some) numbers of channels, places: (2**some, ...).

    >>> subsets(np.array([0, 2])).tolist()
    [0, 1, 4, 5]
    """
    some = channels.shape[-1]
    within = np.arange(1 << some).reshape(-1, *[1] * channels.ndim) >> np.arange(some) & 1
    return (within << channels).sum(axis=-1)


def dividends(game: Floats) -> Floats:
    """Harsanyi's dividends: what each set is worth beyond the sum over its subsets (Moebius transform)."""
    dividends = game.copy()
    for channel in _channels(game):
        pairs = _pairs(dividends, channel)
        pairs[:, 1] -= pairs[:, 0]
    return dividends


def over_subsets(amounts: Floats) -> Floats:
    """For each set, the sum of the amounts over its subsets: of dividends, the game that they are of.

    >>> over_subsets(dividends(np.array([0.0, 1.0, 2.0, 5.0]))).tolist()
    [0.0, 1.0, 2.0, 5.0]
    """
    sums = amounts.copy()
    for channel in _channels(amounts):
        pairs = _pairs(sums, channel)
        pairs[:, 1] += pairs[:, 0]
    return sums


def over_supersets(amounts: Floats) -> Floats:
    """For each set, the sum of the amounts over the sets that contain it (zeta transform)."""
    sums = amounts.copy()
    for channel in _channels(amounts):
        pairs = _pairs(sums, channel)
        pairs[:, 0] += pairs[:, 1]
    return sums


def sums_of_dividends(dividends: Floats) -> Floats:
    """For each channel, the sum over the sets with it of the dividend divided by the size of the set."""
    shares = dividends / np.maximum(np.bitwise_count(np.arange(len(dividends))), 1)
    return np.array([_pairs(shares, channel)[:, 1].sum() for channel in _channels(dividends)])
