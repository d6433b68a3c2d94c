"""Moving money: a budget of the same total that brings more, made of moves that the data can stand for."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import combinations, pairwise

import numpy as np
import pandas as pd
from scipy import stats
from scipy.optimize import linprog
from scipy.sparse.csgraph import breadth_first_order

from ..errors import ConvtrackError
from ..gaps import Gap, passes_gaps
from ..metrics import Estimate
from ..paths import Floats
from .credit import BOUNDS
from .curves import EXACT, Curves, Numbers

SMALL = 1e-6  # of the smaller of two channels: a move below this is rounding
PREFERENCE = 0.01  # of an amount: less than any detour costs, and so no more than a way to settle ties
ROUNDING = 1e-13  # of the cost of the channels that share money: less is no change
SMALLEST = 1e-9  # of its cost: curves are powers, whose slope at nothing is not finite
UNSURE = "cannot tell apart"


@dataclass(frozen=True, eq=False)
class Plan:
    """A budget of the same total that is expected to bring more, made only of moves that the data can stand for.

    Attributes
    ----------
    moves : DataFrame
        A row a pair of channels: from, to, difference (of their marginal returns today), difference_low, difference_high
        (95 % of all pairs together), amount (of cost, a period), gain, low, high (of outcome, a period; the gains of the rows
        add up to `gain`), verdict: "move"; "direction only" where the gain of this amount may be 0; "not needed"; or "cannot
        tell apart", and then nothing moves between the two.
    budget : DataFrame
        channel, cost, new_cost, low, high (95 % of the best new costs over the draws), least, most (the limits).
    gain : Estimate
        Of all moves together, a period, with its 95 % interval, the optimism taken off.
    optimism : float
        What the best of many plans promises beyond what it keeps, because it was chosen for its promise.
    """

    moves: pd.DataFrame
    budget: pd.DataFrame
    gain: Estimate
    optimism: float

    @property
    def sentence(self) -> str:
        """What to move and what it brings, and between which channels nothing is moved because the data cannot tell."""
        rows = self.moves[["from", "to", "amount", "verdict"]].to_numpy()
        moves = [f"{amount:,.2f} from {giver} to {taker}" for giver, taker, amount, _ in rows if amount > 0]
        pairs = [f"{giver} and {taker}" for giver, taker, _, verdict in rows if verdict == UNSURE]
        more = [f"and {len(pairs) - 3} more pairs"] if len(pairs) > 3 else []
        brings = f"{self.gain.value:+,.2f} ({self.gain.low:,.2f} to {self.gain.high:,.2f})"
        first = f"Move {', '.join(moves)} a period: {brings}." if moves else "No move is recommended."
        return f"{first} The data cannot tell apart {', '.join(pairs[:3] + more)}." if pairs else first


@passes_gaps
def reallocate(curves: Curves, low: float = 0.5, high: float = 1.5) -> Plan | Gap:
    """The best budget of the same total, by moves between channels that the data can tell apart, with its gain.

    Two channels are told apart if the interval of the difference of their marginal returns leaves out 0. The intervals of all
    pairs hold together in 95 % of cases, because a plan picks among all of them (Mandel, Betensky 2008). Along those pairs,
    from the lower to the higher return, amounts are found that bring most by the fitted curves. The curves are concave, so there
    is one best budget, and it is found to the last digits (Groenevelt 1991): channels that share money and are not at a limit
    end with equal marginal returns. Of several channels whose curves are flat, so that it does not matter which gives, the
    dearest does. The moves that lead there take the least money in all, and of those that take the same, between the channels
    whose returns differ most.

    A plan chosen for its promise promises too much. The whole procedure, with its decision of who can be told apart, is
    therefore repeated for every draw as if that were the estimate, and judged by the fitted curves; what it loses on average,
    where it moves anything, is the optimism (Efron 1983), and is taken off the gain and its interval.

    Parameters
    ----------
    curves : Curves
        As `response_curves` returns them. Channels without a curve keep their cost.
    low, high : float
        Limits of each channel's new cost, as shares of today's. It also stays between the least and the most that were seen.

    Returns
    -------
    Plan or Gap
        A gap if fewer than two channels have a curve, or no moves were found that lead to the best budget.

    Raises
    ------
    ConvtrackError
        If the limits leave today's budget out.

    Examples
    --------
    >>> table = pd.DataFrame({"channel": ["Email", "SMS"], "cost": 100.0, "least": 50.0, "most": 150.0,
    ...                       "level": [800.0, 200.0], "elasticity": 0.5, "reason": ""})
    >>> sure = Curves(table, Numbers(levels=np.array([[800.0, 200.0]]), elasticities=np.full((1, 2), 0.5)))
    >>> reallocate(sure).sentence
    'Move 50.00 from SMS to Email a period: +121.22 (121.22 to 121.22).'

    Mandel, M., Betensky, R. A. (2008), Simultaneous confidence intervals based on the percentile bootstrap approach,
    Computational Statistics and Data Analysis 52, 2158-2165; Efron, B. (1983), Estimating the error rate of a prediction rule,
    Journal of the American Statistical Association 78, 316-331; Groenevelt, H. (1991), Two algorithms for maximizing a separable
    concave function over a polymatroid feasible region, European Journal of Operational Research 54, 227-236.
    """
    if not 0 <= low <= 1 <= high:
        raise ConvtrackError(f"low={low}, high={high} leave today's budget out. Write low=0.5, high=1.5.")
    rows, fitted, drawn = _dearest_first(curves)
    if len(rows) < 2:
        return Gap("Money moves between two channels with a response curve.", curves.sentence)
    market = _market(rows, low, high)
    differences = market.differences(drawn)
    bounds = _together(differences)
    new = market.best(fitted, _signs(bounds))
    shifted = bounds[:, None] + differences - market.differences(fitted)
    redone = np.array([market.best(Numbers(*draw), signs) for *draw, signs in zip(*drawn, _signs(shifted), strict=True)])
    amounts = _fewest_moves(market, _signs(bounds), new - market.today, np.abs(market.differences(fitted)))
    if np.isnan(amounts).any():
        return Gap("The search for the fewest moves has not arrived.", "Give other limits: low=0.8, high=1.2.")
    optimism = market.optimism(fitted, drawn, redone) if (new != market.today).any() else 0.0
    moves = _moves(market, fitted, drawn, new, amounts, bounds, optimism)
    gain = _estimate(market.changes(fitted, new).sum(), market.changes(drawn, new).sum(axis=1), optimism)
    budget = pd.DataFrame({"channel": market.channels, "cost": market.today, "new_cost": new}, index=rows.index)
    budget[["low", "high"]] = np.quantile(redone, BOUNDS, axis=0).T
    budget = budget.assign(least=market.least, most=market.most).sort_index(ignore_index=True)
    return Plan(moves, budget, gain, optimism)


@dataclass(frozen=True, eq=False)
class _Market:
    """The channels between which money can move: what a period of each costs today, and the limits of what it may cost."""

    channels: list[str]
    today: Floats
    least: Floats
    most: Floats

    @cached_property
    def pairs(self) -> list[tuple[int, int]]:
        """The places of the two channels of each pair."""
        return list(combinations(range(len(self.channels)), 2))

    @cached_property
    def steps(self) -> Floats:
        """What a move along each pair does: -1 to its first channel and 1 to its second; shape (channels, pairs)."""
        first, second = np.transpose(self.pairs)
        each = np.eye(len(self.channels))
        return (each[second] - each[first]).T

    def slopes(self, numbers: Numbers) -> Floats:
        """Marginal returns today."""
        return numbers.levels * numbers.elasticities / self.today

    def differences(self, numbers: Numbers) -> Floats:
        """For each pair, the marginal return of its second channel less that of its first, today; 0 if that is rounding."""
        first, second = (self.slopes(numbers)[..., places] for places in np.transpose(self.pairs))
        return np.where(np.isclose(first, second, rtol=EXACT, atol=0), 0.0, second - first)

    def changes(self, numbers: Numbers, cost: Floats) -> Floats:
        """What each channel brings more at another cost."""
        return numbers.levels * ((cost / self.today) ** numbers.elasticities - 1)

    def optimism(self, fitted: Numbers, drawn: Numbers, redone: Floats) -> float:
        """What budgets made from draws lose on average when judged by the fitted curves, of those that move anything."""
        excess = (self.changes(drawn, redone) - self.changes(fitted, redone)).sum(axis=1)
        moved = (redone != self.today).any(axis=1)
        return float(excess[moved].sum() / max(moved.sum(), 1))

    def best(self, numbers: Numbers, signs: np.ndarray) -> Floats:
        """The costs that bring most, by moves along the pairs with a sign: to the second channel (1) or to the first (-1)."""
        steps = (self.steps * signs)[:, signs != 0]
        gives = np.eye(len(self.today), dtype=bool)
        gives[np.argmin(steps, axis=0), np.argmax(steps, axis=0)] = True
        reach = np.linalg.matrix_power(gives, len(gives))
        return self._settled(numbers, reach, gives.any(axis=0))

    def _settled(self, numbers: Numbers, reach: np.ndarray, inside: np.ndarray) -> Floats:
        """The best costs of the channels inside, 0 for others, where money may go from rows of `reach` to columns.

        It is shared out as if it could go anywhere. Channels that take more than those that may give to them have keep their
        total with them in every best budget, so both sides are settled by themselves (Groenevelt 1991).
        """
        cost = self._levelled(numbers, inside)
        change = np.where(inside, cost - self.today, 0.0)
        rounding = ROUNDING * self.today[inside].sum()
        if (np.abs(change) <= rounding).all():
            return np.where(inside, self.today, 0.0)
        kept = _short(change, reach, rounding) & inside
        if not kept.any():
            return cost
        return self._settled(numbers, reach, kept) + self._settled(numbers, reach, inside & ~kept)

    def _levelled(self, numbers: Numbers, inside: np.ndarray) -> Floats:
        """New costs of the channels inside, 0 for others: those at no limit have one marginal return, found by bisection.

        Flat channels give before all others, each all that it can before the next.
        """
        slopes, bends = self.slopes(numbers)[inside], 1 - numbers.elasticities[inside]
        today, least, most, flat = self.today[inside], self.least[inside], self.most[inside], slopes == 0
        slopes = np.log(np.where(flat, 1.0, slopes))
        last = (slopes - bends * np.log(most / today))[~flat].min(initial=0)
        slopes, bends = np.where(flat, last - np.arange(len(flat), 0, -1), slopes), np.where(flat, 0, bends)
        most = np.where(flat, today, most)

        def costs(level: float) -> Floats:
            with np.errstate(over="ignore"):
                return np.clip(today * np.exp(_divided(slopes - level, bends)), least, most)

        low, high = (slopes - bends * np.log(most / today)).min() - 1, (slopes - bends * np.log(least / today)).max() + 1
        while low < (middle := (low + high) / 2) < high:
            low, high = (middle, high) if costs(middle).sum() > today.sum() else (low, middle)
        less, more = costs(high), costs(low)
        new = np.zeros(len(self.today))
        new[inside] = less + (more - less) * np.clip(_divided(today.sum() - less.sum(), (more - less).sum()), 0, 1)
        return new


def _short(change: Floats, reach: np.ndarray, rounding: float) -> np.ndarray:
    """The channels that are to take more than those that may give to them give, and these; none if all changes can be made.

    Money is led from givers to takers, and led otherwise where that helps, until it has arrived or no way is left
    (Ford, Fulkerson 1956; the shortest way first).
    """
    left, sent, short = change.copy(), np.zeros(reach.shape), np.zeros(len(change), dtype=bool)

    def behind(taker: int) -> tuple[np.ndarray, np.ndarray]:
        return breadth_first_order((reach | (sent.T > 0)).T, taker)

    for taker in np.flatnonzero(change > 0):
        while left[taker] > rounding:
            found, after = behind(taker)
            givers = found[left[found] < 0]
            if not givers.size:
                break
            way = [givers[0]]
            while way[-1] != taker:
                way.append(after[way[-1]])
            steps = list(pairwise(way))
            amount = min(left[taker], -left[way[0]], *(sent[v, u] for u, v in steps if not reach[u, v]))
            for u, v in steps:
                sent[(u, v) if reach[u, v] else (v, u)] += amount if reach[u, v] else -amount
            left[way[0]] += amount
            left[taker] -= amount
    for taker in np.flatnonzero(left > rounding):
        short[behind(taker)[0]] = True
    return short


def _divided(part: Floats, by: Floats) -> Floats:
    """A quotient that is 0 where both are 0."""
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        return np.nan_to_num(np.divide(part, by), nan=0.0, posinf=np.inf, neginf=-np.inf)


def _dearest_first(curves: Curves) -> tuple[pd.DataFrame, Numbers, Numbers]:
    """The channels with a curve, and their fitted and drawn numbers: a plan does not depend on the order of rows, and names settle
    only between equal costs, curves and limits."""
    table = curves.known
    order = np.lexsort([table["channel"].to_numpy(str), *(table[by] for by in ("most", "least", "elasticity", "level")), -table["cost"]])
    fitted, drawn = (Numbers(*(each[..., order] for each in numbers)) for numbers in (curves.fitted, curves.drawn))
    return table.iloc[order], fitted, drawn


def _market(rows: pd.DataFrame, low: float, high: float) -> _Market:
    least = np.maximum(np.maximum(low * rows["cost"], rows["least"]), SMALLEST * rows["cost"])
    most = np.minimum(high * rows["cost"], rows["most"])
    return _Market(rows["channel"].tolist(), rows["cost"].to_numpy(), least.to_numpy(), most.to_numpy())


def _together(draws: Floats) -> Floats:
    """Lower and upper bounds, shape (2, columns), that hold in all columns together in 95 % of the draws (rows)."""
    count, ordered = len(draws), np.sort(draws, axis=0)
    ranks = stats.rankdata(draws, axis=0, method="ordinal")
    most_extreme = np.maximum(ranks, count + 1 - ranks).max(axis=1)
    last = int(np.quantile(most_extreme, BOUNDS[1] - BOUNDS[0], method="higher"))
    return np.array([ordered[count - last], ordered[last - 1]])


def _signs(bounds: Floats) -> np.ndarray:
    """1 where both bounds are above 0, -1 where both are below, else 0; bounds come first: shape (2, ...)."""
    return (bounds[0] > 0) * 1 - (bounds[1] < 0) * 1


def _estimate(value: float, draws: Floats, optimism: float) -> Estimate:
    low, high = np.quantile(draws, BOUNDS) - optimism
    return Estimate(float(value - optimism), float(low), float(high))


def _moves(market: _Market, fitted: Numbers, drawn: Numbers, new: Floats, amounts: Floats, bounds: Floats,
           optimism: float) -> pd.DataFrame:
    """The table of moves, those that are made first."""
    differences, signs = market.differences(fitted), _signs(bounds)
    gains, spread = (_gains(market, numbers, new) @ (market.steps * signs) * amounts for numbers in (fitted, drawn))
    taken_off = optimism * gains / (gains.sum() or 1)
    low, high = np.quantile(spread, BOUNDS, axis=0) - taken_off
    up, (first, second) = differences >= 0, np.array(market.channels, dtype=object)[np.transpose(market.pairs)]
    least, most = np.where(up, bounds, -bounds[::-1])
    verdict = np.select([signs == 0, amounts == 0, low > 0], [UNSURE, "not needed", "move"], "direction only")
    return pd.DataFrame({
        "from": np.where(up, first, second), "to": np.where(up, second, first), "difference": np.abs(differences),
        "difference_low": least, "difference_high": most, "amount": amounts, "gain": gains - taken_off, "low": low,
        "high": high, "verdict": verdict}).sort_values("amount", ascending=False, kind="stable", ignore_index=True)


def _fewest_moves(market: _Market, signs: np.ndarray, change: Floats, differences: Floats) -> Floats:
    """Amounts along the pairs that make these changes of cost and move the least money; NaN where none make them.

    Where several move as little, that which moves it between the most different channels.
    """
    if not change.any():
        return np.zeros(len(signs))
    allowed = signs != 0
    steps, unlike = (market.steps * signs)[:, allowed], differences[allowed] / differences[allowed].max()
    smaller = np.where(steps != 0, market.today[:, None], np.inf).min(axis=0)
    costs = smaller * (1 - PREFERENCE * unlike**2)
    found = linprog(costs / costs.max(), A_eq=steps * smaller / market.today[:, None], b_eq=change / market.today)
    amounts = np.zeros(len(signs))
    amounts[allowed] = np.where(found.x > SMALL, found.x * smaller, 0.0) if found.success else np.nan
    return amounts


def _gains(market: _Market, numbers: Numbers, new: Floats) -> Floats:
    """What each channel brings more, for each pound more; where nothing is added, its marginal return."""
    change = new - market.today
    return np.divide(market.changes(numbers, new), change, out=market.slopes(numbers),
                     where=np.abs(change) > SMALL * market.today)
