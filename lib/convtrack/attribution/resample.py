"""The bootstrap: credit of models on many resamples of the visitors."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from tqdm import tqdm

from ..paths import Floats, Paths
from .model import Draws, Model

CELLS = 8_000_000  # numbers held at a time: resamples are taken in blocks of this many paths


def credit_of_draws(pairs: Sequence[tuple[Model, Paths]], resamples: int, rng: np.random.Generator) -> list[Floats]:
    """For each model and its paths, conversions by channel in every resample; shape (channels, resamples).

    All models are given the same resamples, so that their differences are those of one and the same data. Where paths
    differ, their `owners` number the same visitors.
    """
    prepared = [model.prepare(paths) for model, paths in pairs]
    different = list({id(paths): paths for _, paths in pairs}.values())
    blocks: list[list[Floats]] = [[] for _ in pairs]
    with tqdm(total=resamples, desc="resamples", disable=None, leave=False) as progress:
        for draws in _draws(different, resamples, rng):
            for block, crediting, (_, paths) in zip(blocks, prepared, pairs, strict=True):
                block.append(crediting(draws[id(paths)]).conversions)
            progress.update(block[-1].shape[1])
    return [np.concatenate(block, axis=1) for block in blocks]


def _draws(different: Sequence[Paths], resamples: int, rng: np.random.Generator) -> Iterator[dict[int, Draws]]:
    """Blocks of resamples, for each of the paths by its identity."""
    size = max(CELLS // max(*(len(paths.lengths) for paths in different), 1), 1)
    for done in range(0, resamples, size):
        count = min(size, resamples - done)
        if any(paths.owners is None for paths in different):
            yield {id(paths): _of_journeys(paths, count, rng) for paths in different}
        else:
            people = 1 + max(int(paths.owners.max()) for paths in different)
            drawn = _of_visitors(people, count, rng)
            yield {id(paths): Draws(drawn[paths.owners], drawn[paths.owners]) for paths in different}


def _of_visitors(people: int, count: int, rng: np.random.Generator) -> Floats:
    """As many visitors as there are, drawn with replacement; how often each, shape (visitors, draws)."""
    draws = (np.bincount(rng.integers(people, size=people), minlength=people) for _ in range(count))
    return np.stack(list(draws), axis=1).astype(float)


def _of_journeys(paths: Paths, count: int, rng: np.random.Generator) -> Draws:
    """Each journey a number of times that is Poisson with mean 1 (Chamandy and others 2012), scaled to as many as there are.

    One that converted is not drawn as one that did not, although both took one path. Where no journey ended without a
    conversion, the journeys are the conversions, and how many happen is chance as well: their number is not held.
    """
    size = np.concatenate([paths.conversions, paths.nulls])
    drawn = rng.poisson(size, size=(count, len(size))).T
    if paths.nulls.any():
        drawn = drawn * (size.sum() / np.maximum(drawn.sum(axis=0), 1))
    return Draws(*np.split(drawn / np.where(size > 0, size, 1.0)[:, None], 2))
