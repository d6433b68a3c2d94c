"""Looks on the way: what they do to the error rate, and the bounds that one may look at as often as was planned.

After a part t of the visitors the test statistic is B(t) / sqrt(t), B a Brownian motion. The chance to pass a bound first at
look k comes from integrating over where B was at the look before (Jennison and Turnbull 2000, Group Sequential Methods with
Applications to Clinical Trials, chapter 19).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import pandas as pd
from scipy.optimize import brentq
from scipy.special import roots_legendre
from scipy.stats import norm

from ..errors import ConvtrackError, nearest

Floats = np.ndarray
FAR = 9.0  # standard deviations, beyond which nothing is left to integrate
CLOSEST = 1e-4  # of all visitors, between two looks
SPENDING: dict[str, Callable[[Floats, float], Floats]] = {
    "obrien_fleming": lambda part, alpha: 4 * norm.sf(norm.isf(alpha / 4) / np.sqrt(part)),
    "pocock": lambda part, alpha: alpha * np.log1p((np.e - 1) * part),
}


def peeking_error(looks: int, alpha: float = 0.05) -> float:
    """The chance to find an effect that is not there, if one stops at the first of so many looks with p below alpha.

    Parameters
    ----------
    looks : int
        How often one looks, after equal numbers of visitors.
    alpha : float
        What the p-value of each look is held against.

    Returns
    -------
    float
        alpha for one look, and more with each look.

    Examples
    --------
    >>> [round(peeking_error(looks), 3) for looks in (1, 2, 5, 10)]
    [0.05, 0.083, 0.142, 0.193]

    Armitage, McPherson, Rowe (1969), Repeated significance tests on accumulating data, Journal of the Royal Statistical
    Society A 132, 235-244.
    """
    return error_rate(np.full(looks, norm.isf(alpha / 2)))


def error_rate(z: Sequence[float] | Floats, information: Sequence[float] | None = None) -> float:
    """The chance that a test statistic passes its bound, z on either side, at one of the looks, if there is no effect.

    Parameters
    ----------
    z : list of float
        The bound at each look.
    information : list of float, optional
        The part of the visitors seen at each look, rising to 1. After equal numbers, if not given.

    Returns
    -------
    float
        Over all looks.

    Raises
    ------
    ConvtrackError
        If the parts do not rise to 1, or there are not as many as bounds.

    Examples
    --------
    >>> round(error_rate([2.413] * 5), 4)  # Pocock's constant for five looks
    0.05
    """
    times = _parts(len(z) if information is None else information)
    if len(times) != len(z):
        raise ConvtrackError(f"There are {len(z)} bounds for {len(times)} looks. Give one bound for each look.")
    given = iter(z)
    return float(sum(chance for _, chance in _walk(times, lambda look, passing: next(given))))


def stopping_bounds(looks: int | Sequence[float], spending: str = "obrien_fleming", alpha: float = 0.05) -> pd.DataFrame:
    """The bounds that may be looked at so often, one row a look, and still find what is not there only alpha of the time.

    Parameters
    ----------
    looks : int or list of float
        How many looks after equal numbers of visitors, or the part of the visitors seen at each, rising to 1.
    spending : str
        "obrien_fleming" asks much early and hardly more than a single test at the end; "pocock" stops earlier and asks more at
        the end. Both are Lan and DeMets' spending functions, two-sided: near the classical constants of these names, and
        made for looks at any time.
    alpha : float
        The chance to find an effect that is not there, over all looks.

    Returns
    -------
    DataFrame
        look, information, z (stop if the statistic passes it on either side), p_value (the same: stop below it), spent (the
        part of alpha that is used up by then).

    Raises
    ------
    ConvtrackError
        If there is no such spending function, the parts do not rise to 1, or two are less than 0.01 % apart, which would take
        minutes to integrate.

    Examples
    --------
    >>> stopping_bounds(3)[["z", "p_value"]].round(4).values.tolist()
    [[3.7103, 0.0002], [2.5114, 0.012], [1.993, 0.0463]]

    Lan, DeMets (1983), Discrete sequential boundaries for clinical trials, Biometrika 70, 659-663.
    """
    if spending not in SPENDING:
        raise ConvtrackError(f"There is no spending function '{spending}'.{nearest(spending, SPENDING)} "
                             f"Write one of: {', '.join(SPENDING)}")
    times = _parts(looks)
    spent = SPENDING[spending](times, alpha)
    steps = np.maximum(np.diff(spent, prepend=0.0), 1e-300)  # a first look at almost nothing spends almost nothing

    def bound(look: int, passing: Callable[[float], float]) -> float:
        return float(brentq(lambda z: np.log(max(passing(z), 1e-320) / steps[look]), 0.0, 38.0, xtol=1e-10))

    z = np.array([found for found, _ in _walk(times, bound)])
    look = np.arange(1, len(z) + 1)
    return pd.DataFrame({"look": look, "information": times, "z": z, "p_value": 2 * norm.sf(z), "spent": spent})


def _parts(looks: int | Sequence[float]) -> Floats:
    times = np.arange(1, looks + 1) / looks if isinstance(looks, int) and looks > 0 else np.atleast_1d(looks).astype(float)
    if not (len(times) and times[0] > 0 and times[-1] == 1 and (np.diff(times) > 0).all()):
        raise ConvtrackError(f"looks={looks} are no parts of the visitors that rise to 1. Write looks=5, or [0.2, 0.5, 1].")
    if (np.diff(times) < CLOSEST).any():
        raise ConvtrackError(f"Between two looks lies less than {CLOSEST:.2%} of the visitors. Plan fewer looks.")
    return times


def _walk(times: Floats, bound: Callable[[int, Callable[[float], float]], float]) -> Iterator[tuple[float, float]]:
    """For each look its bound, as `bound` chooses it given the chance to pass it, and that chance."""
    steps = np.sqrt(np.diff(times, prepend=0.0))
    places, mass = np.zeros(1), np.ones(1)  # where B is, and how probable, if no bound was passed so far
    for look, (time, step) in enumerate(zip(times, steps, strict=True)):

        def passing(z: float, where: Floats = places, chance: Floats = mass, part: float = time, by: float = step) -> float:
            edge = z * np.sqrt(part)
            return float(chance @ (norm.sf((edge - where) / by) + norm.cdf((-edge - where) / by)))

        z = bound(look, passing)
        yield z, passing(z)
        nodes, weights = _grid(min(z, FAR) * np.sqrt(time), min(steps[look:look + 2]))
        density = norm.pdf((nodes - places[:, None]) / step) / step
        places, mass = nodes, weights * (mass @ density)


def _grid(edge: float, step: float) -> tuple[Floats, Floats]:
    """Nodes and weights of Gauss and Legendre from -edge to edge, close enough for a normal curve as narrow as the step."""
    nodes, weights = roots_legendre(20 + int(6 * edge / step))
    return edge * nodes, edge * weights
