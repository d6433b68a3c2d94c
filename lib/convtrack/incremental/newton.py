"""The least value of a smooth function within bounds, by Newton's method on its exact second derivatives.

A search that stops early stops at another place on every machine: it depends on the order in which the machine adds. This one
goes on until what is left to go is a billionth of a standard error, which is a distance that no size of data changes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
ARRIVED = 1e-9  # standard errors
LONGEST = 200  # steps
EASIER, HARDER, HARDEST = 1 / 8, 8.0, 1e12  # how damping changes after a step that was taken, and one that was not; its end
ROUNDING = 1e-11  # of the value: a sum of a million terms does not tell less
FLAT = 1e-14  # of the largest curvature in its own units: less is none


class Local(NamedTuple):
    """A function at a place: its value, its (n,) first and its (n, n) second derivatives."""

    value: float
    gradient: Floats
    curvature: Floats


@dataclass(frozen=True, eq=False)
class Minimum:
    """Where a search ended.

    Attributes
    ----------
    place : (n,) float array
    value : float
        Of the function there.
    distance : float
        How far the least value still is, in standard errors if the function is a negative log-likelihood: the square root of
        g' H^-1 g, over the coordinates that no bound holds. Infinite where the function does not curve upwards.
    """

    place: Floats
    value: float
    distance: float

    @property
    def arrived(self) -> bool:
        """Whether nothing is left to go."""
        return self.distance <= ARRIVED


def find_minimum(function: Callable[[Floats], Local], starts: Iterable[Floats], low: Floats, high: Floats,
                 near: float = ARRIVED) -> Minimum:
    """The lowest of the minima that are reached from some starting points.

    Parameters
    ----------
    function : callable
        From a place, an (n,) float array, to a `Local`.
    starts : iterable of (n,) float arrays
        A place outside the bounds is moved to the nearest within.
    low, high : (n,) float arrays
        The bounds, which may be infinite; a coordinate with two equal bounds is held there.
    near : float
        Standard errors from the minimum at which a search ends.

    Examples
    --------
    >>> bowl = lambda x: Local(float(x @ x - 2 * x.sum()), 2 * x - 2, 2 * np.eye(2))
    >>> found = find_minimum(bowl, [np.zeros(2)], low=np.array([-9.0, -9.0]), high=np.array([9.0, 0.5]))
    >>> found.place.round(6).tolist(), found.arrived
    ([1.0, 0.5], True)
    """
    ends = [_descend(function, np.clip(start, low, high), low, high, near) for start in starts]
    least = min(end.value for end in ends)
    lowest = [end for end in ends if end.value <= least + ROUNDING * abs(least)]
    return min(lowest, key=lambda end: (not end.arrived, end.value))


def _descend(function: Callable[[Floats], Local], place: Floats, low: Floats, high: Floats, near: float) -> Minimum:
    """One search: steps are damped as Levenberg and Marquardt do, and cut at the bounds (Bertsekas 1982)."""
    here, damping = function(place), 1e-3
    bowl = _Bowl(here, _free(place, here, low, high))
    for _ in range(LONGEST):
        if bowl.distance <= near:
            break
        place, there, damping = _step(function, place, here, bowl, damping, low, high)
        if there is None:
            break
        here, bowl = there, _Bowl(there, _free(place, there, low, high))
    return Minimum(place, here.value, bowl.distance)


def _free(place: Floats, here: Local, low: Floats, high: Floats) -> NDArray[np.bool_]:
    """The coordinates that no bound holds, and on which the function depends."""
    held = ((place <= low) & (here.gradient >= 0)) | ((place >= high) & (here.gradient <= 0))
    matters = (here.gradient != 0) | (np.diag(here.curvature) != 0)
    return matters & ~held


def _step(function: Callable[[Floats], Local], place: Floats, here: Local, bowl: _Bowl, damping: float, low: Floats,
          high: Floats) -> tuple[Floats, Local | None, float]:
    """The next place, the function there, and the next damping; nothing there if no step, however short, leads down.

    Where rounding is all that the value could still tell, the whole step to the bottom is taken without asking it.
    """
    noise = ROUNDING * abs(here.value)
    if bowl.distance**2 / 2 < noise:
        new = np.clip(place + bowl.step(0.0), low, high)
        return new, function(new), damping
    while damping < HARDEST:
        new = np.clip(place + bowl.step(damping), low, high)
        there = function(new)
        if there.value <= here.value + noise:
            return new, there, damping * EASIER
        damping *= HARDER
    return place, None, damping


class _Bowl:
    """The quadratic that touches a function at a place, over the coordinates that are free, each in units of its own curvature."""

    def __init__(self, here: Local, free: NDArray[np.bool_]) -> None:
        curvature = here.curvature[np.ix_(free, free)]
        own = np.abs(np.diag(curvature))
        self.units = 1 / np.sqrt(np.where(own > 0, own, 1.0))
        self.curves, self.axes = np.linalg.eigh(curvature * self.units * self.units[:, None])
        self.slopes, self.free = self.axes.T @ (here.gradient[free] * self.units), free
        self.steepness = np.maximum(np.abs(self.curves), FLAT * np.abs(self.curves).max(initial=1.0))

    @property
    def distance(self) -> float:
        """To its bottom, in standard errors; infinite if it has none."""
        has_bottom = (self.curves > 0).all()
        return float(np.sqrt((self.slopes**2 / self.steepness).sum())) if has_bottom else np.inf

    def step(self, damping: float) -> Floats:
        """Towards the bottom, and down where it has none; shorter, and more along the gradient, with more damping."""
        step = np.zeros(len(self.free))
        step[self.free] = -self.units * (self.axes @ (self.slopes / (self.steepness + damping)))
        return step
