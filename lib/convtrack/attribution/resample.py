"""The bootstrap: credit of models on many resamples of the visitors."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from tqdm.auto import tqdm

from .model import Draws, Model
from .paths import Floats, Paths

CELLS = 8_000_000  # numbers held at a time: resamples are taken in blocks of this many paths


def credit_of_draws(paths: Paths, models: Sequence[Model], resamples: int, rng: np.random.Generator) -> list[Floats]:
    """For each model, conversions by channel in every resample; shape (channels, resamples).

    All models are given the same resamples, so that their differences are those of one and the same data.
    """
    prepared = [model.prepare(paths) for model in models]
    blocks: list[list[Floats]] = [[] for _ in models]
    with tqdm(total=resamples, desc="resamples", disable=None, leave=False) as progress:
        for draws in _draws(paths, resamples, rng):
            for block, crediting in zip(blocks, prepared, strict=True):
                block.append(crediting(draws).conversions)
            progress.update(draws.won.shape[1])
    return [np.concatenate(block, axis=1) for block in blocks]


def _draws(paths: Paths, resamples: int, rng: np.random.Generator) -> Iterator[Draws]:
    size = max(CELLS // max(len(paths.lengths), 1), 1)
    for done in range(0, resamples, size):
        count = min(size, resamples - done)
        yield _of_visitors(paths.owners, count, rng) if paths.owners is not None else _of_journeys(paths, count, rng)


def _of_visitors(owners: np.ndarray, count: int, rng: np.random.Generator) -> Draws:
    """As many visitors as there are, drawn with replacement; each brings all of their journeys."""
    people = int(owners.max()) + 1
    drawn = np.stack([np.bincount(rng.integers(people, size=people), minlength=people) for _ in range(count)], axis=1)
    times = drawn[owners].astype(float)
    return Draws(times, times)


def _of_journeys(paths: Paths, count: int, rng: np.random.Generator) -> Draws:
    """As many journeys as there are; one that converted is not drawn as one that did not, although both took one path."""
    size = np.concatenate([paths.conversions, paths.nulls])
    there = size > 0
    times = np.zeros((len(size), count))
    drawn = rng.multinomial(round(size.sum()), size[there] / size.sum(), size=count).T
    times[there] = drawn / size[there, None]
    return Draws(*np.split(times, 2))
