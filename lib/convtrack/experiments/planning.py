"""An experiment before it is run: how many visitors it needs, what it would find, and how often."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import brentq
from statsmodels.stats.power import normal_power_het, normal_sample_size_one_tail

from ..errors import ConvtrackError
from ..gaps import Gap, passes_gaps
from ..texts import fmt

TRIED = 200  # lifts tried in turn: on a small rate a larger lift can have less power


@dataclass(frozen=True)
class Plan:
    """With so many visitors in both arms together, `share` of them treated, this lift on `base` is found with this power.

    `base` is the control arm's rate or mean; `power` the chance to find the lift if it is there, `alpha` to find one if not.
    """

    base: float
    lift: float
    visitors: int
    share: float
    power: float
    alpha: float

    @property
    def sentence(self) -> str:
        """The plan in words."""
        return (f"With {self.visitors:,} visitors, {fmt(self.share, 'share')} of them treated, a lift of "
                f"{fmt(self.lift, 'share')} on {fmt(self.base)} is found {self.power:.0%} of the time.")


@passes_gaps
def find_power(base: float, lift: float, visitors: ArrayLike, share: float = 0.5, sd: float | None = None,
               alpha: float = 0.05) -> Any:
    """The chance that a two-sided test finds the lift, for one number of visitors or for many.

    Parameters
    ----------
    base : float
        The control arm's conversion rate, or with `sd` its mean.
    lift : float
        Relative to it: 0.1 is a tenth more.
    visitors : number or array
        In both arms together.
    share : float
        The part of them that is treated.
    sd : float, optional
        The standard deviation of the outcome over visitors, for a mean. For a rate it follows from the rate.
    alpha : float
        The level of the test.

    Returns
    -------
    float or array
        By the normal approximation: the pooled rate's deviation if there is no effect, each arm's own if there is one.

    Raises
    ------
    ConvtrackError
        If base, base with the lift, share, sd or alpha cannot be what they are said to be.

    Examples
    --------
    >>> float(round(find_power(base=0.5, lift=0.5, visitors=100), 3))  # R: power.prop.test(n = 50, p1 = .50, p2 = .75)
    0.74

    Fleiss, Levin, Paik (2003), Statistical Methods for Rates and Proportions, chapter 4.
    """
    under_none, under_lift = _deviations(base, lift, share, sd, alpha)
    return normal_power_het(abs(base * lift), np.asarray(visitors, dtype=float), alpha, under_none, under_lift)


@passes_gaps
def visitors_needed(base: float, lift: float, share: float = 0.5, sd: float | None = None, power: float = 0.8,
                    alpha: float = 0.05) -> Plan:
    """The plan with the fewest visitors that finds the lift with the power.

    Parameters
    ----------
    power : float
        The chance to find the lift, more than alpha and less than 1.
    base, lift, share, sd, alpha
        As in `find_power`.

    Returns
    -------
    Plan
        `visitors` are those of both arms, each arm rounded up.

    Raises
    ------
    ConvtrackError
        As in `find_power`, and if the lift is 0 or the power is not possible.

    Examples
    --------
    >>> visitors_needed(base=0.10, lift=0.20).visitors
    7682
    >>> print(visitors_needed(base=0.02, lift=0.1, share=0.9).sentence)
    With 454,759 visitors, 90% of them treated, a lift of 10% on 0.0200 is found 80% of the time.
    """
    under_none, under_lift = _deviations(base, lift, share, sd, alpha)
    _need_power(power, alpha)
    if not lift:
        raise ConvtrackError("No number of visitors finds a lift of 0. Write the smallest lift that would matter: lift=0.05.")
    enough = normal_sample_size_one_tail(abs(base * lift), power, alpha / 2, under_none, under_lift)

    def beyond(visitors: float) -> float:
        return float(find_power(base, lift, visitors, share, sd, alpha)) - power

    both = brentq(beyond, 0.0, enough * (1 + 1e-9), xtol=1e-9) if beyond(0.0) < 0 else 0.0
    visitors = sum(max(int(np.ceil(both * part)), 1) for part in (share, 1 - share))
    return Plan(base, lift, visitors, share, power, alpha)


@passes_gaps
def detectable_lift(base: float, visitors: int, share: float = 0.5, sd: float | None = None, power: float = 0.8,
                    alpha: float = 0.05) -> Plan | Gap:
    """The plan with the smallest lift above 0 that so many visitors find with the power: the minimum detectable effect.

    Parameters
    ----------
    visitors : int
        In both arms together.
    power : float
        The chance to find the lift, more than alpha and less than 1.
    base, share, sd, alpha
        As in `find_power`.

    Returns
    -------
    Plan or Gap
        A gap if no lift is found by so few visitors.

    Raises
    ------
    ConvtrackError
        As in `find_power`, and if the power is not possible.

    Examples
    --------
    >>> round(detectable_lift(base=0.10, visitors=7682).lift, 4)
    0.2
    """
    _deviations(base, 0.0, share, sd, alpha)
    _need_power(power, alpha)

    def beyond(lift: float) -> float:
        return float(find_power(base, lift, visitors, share, sd, alpha)) - power

    highest = (1 - 1e-9) / base - 1 if sd is None else 40 * sd / abs(base) / np.sqrt(share * (1 - share) * visitors)
    enough = next((lift for lift in np.linspace(0, highest, TRIED)[1:] if beyond(lift) >= 0), None)
    if enough is None:
        return Gap(f"{visitors:,} visitors are too few to find any lift on {fmt(base)}.", "Plan for more visitors.")
    return Plan(base, float(brentq(beyond, 0.0, enough, xtol=1e-12)), visitors, share, power, alpha)


def _deviations(base: float, lift: float, share: float, sd: float | None, alpha: float) -> tuple[float, float]:
    """The standard deviation of the difference, times the root of all visitors: without an effect, and with the lift."""
    _need(0 < share < 1, f"share={share} is no part of the visitors. Write half as share=0.5.")
    _need(0 < alpha < 1, f"alpha={alpha} is no level. Write alpha=0.05.")
    parts = 1 / share + 1 / (1 - share)
    if sd is not None:
        _need(sd > 0 and base != 0, f"A mean of {base} with sd={sd} has no lift to find. Give the mean and deviation.")
        return sd * parts**0.5, sd * parts**0.5
    raised = base * (1 + lift)
    _need(0 < base < 1, f"base={base} is no conversion rate. Write 2 % as 0.02, or give `sd` for a mean.")
    _need(0 < raised < 1, f"A lift of {lift} on {base} gives {raised:.4g}, which is no rate. Write a tenth more as lift=0.1.")
    pooled = share * raised + (1 - share) * base
    return ((pooled * (1 - pooled) * parts) ** 0.5,
            (raised * (1 - raised) / share + base * (1 - base) / (1 - share)) ** 0.5)


def _need_power(power: float, alpha: float) -> None:
    _need(alpha < power < 1, f"power={power} is not between alpha={alpha} and 1. Write power=0.8.")


def _need(so: bool, otherwise: str) -> None:
    if not so:
        raise ConvtrackError(otherwise)
