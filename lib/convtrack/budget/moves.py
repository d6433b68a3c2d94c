"""Moving money: a budget of the same total that brings more, made of moves that the data can stand for."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import combinations

import numpy as np
import pandas as pd
from scipy import stats
from scipy.optimize import LinearConstraint, linprog, minimize, nnls
from scipy.sparse.csgraph import connected_components

from ..errors import ConvtrackError
from ..gaps import Gap, passes_gaps
from ..metrics import Estimate
from ..paths import Floats
from .credit import BOUNDS
from .curves import Curves, Numbers

SMALL = 1e-6  # of the smaller of two channels: a move below this is rounding
PREFERENCE = 0.01  # of an amount: less than any detour costs, and so no more than a way to settle ties
REACHED = 1e-6  # of today's costs: moves that miss new costs by no more lead there
ARRIVED = 1e-9  # of what all channels bring: a budget that lacks no more is the best
SMALLEST = 1e-9  # of its cost: curves are powers, whose slope at nothing is not finite
NOTHING = 1e-12  # of the largest return: a channel that brings nothing is taken to bring this
BISECTIONS = 100  # more than a number has bits
ROUNDS, PIECES = 8, 24  # of linear programs, and of each curve in one
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
    is one best budget, and channels that are not at a limit end with equal marginal returns; of several channels whose curves are
    flat, so that it does not matter which gives, the dearest does. That no other budget brings more than a billionth more
    is checked each time, by the gap of Frank and Wolfe (1956). The moves that lead there take the least money in all, and of
    those that take the same, between the channels whose returns differ most.

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
        A gap if fewer than two channels have a curve, or the search for the best budget has not arrived.

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
    Journal of the American Statistical Association 78, 316-331; Frank, M., Wolfe, P. (1956), An algorithm for quadratic
    programming, Naval Research Logistics Quarterly 3, 95-110.
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
    if np.isnan(redone).any() or np.isnan(amounts).any():
        return Gap("The search for the best budget has not arrived.", "Give other limits: low=0.8, high=1.2.")
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

    def smaller(self, steps: Floats) -> Floats:
        """What the smaller of the two channels of each step costs."""
        return np.where(steps != 0, self.today[:, None], np.inf).min(axis=0)

    def slopes(self, numbers: Numbers) -> Floats:
        """Marginal returns today."""
        return numbers.levels * numbers.elasticities / self.today

    def differences(self, numbers: Numbers) -> Floats:
        """For each pair, the marginal return of its second channel less that of its first, today."""
        return self.slopes(numbers) @ self.steps

    def changes(self, numbers: Numbers, cost: Floats) -> Floats:
        """What each channel brings more at another cost."""
        return numbers.levels * ((cost / self.today) ** numbers.elasticities - 1)

    def optimism(self, fitted: Numbers, drawn: Numbers, redone: Floats) -> float:
        """What budgets made from draws lose on average when judged by the fitted curves, of those that move anything."""
        excess = (self.changes(drawn, redone) - self.changes(fitted, redone)).sum(axis=1)
        moved = (redone != self.today).any(axis=1)
        return float(excess[moved].sum() / max(moved.sum(), 1))

    def marginals(self, numbers: Numbers, cost: Floats) -> Floats:
        """Marginal returns at another cost."""
        return self.slopes(numbers) * (cost / self.today) ** (numbers.elasticities - 1)

    def best(self, numbers: Numbers, signs: np.ndarray) -> Floats:
        """The costs that bring most, by moves along the pairs with a sign: to the second channel (1) or to the first (-1).

        NaN if they were not found.
        """
        steps = (self.steps * signs)[:, signs != 0]
        if not steps.size:
            return self.today
        for way in (self._by_levels, self._by_pieces):
            found = self._without_flat(numbers, steps, way(numbers, steps))
            if np.isfinite(found).all() and self._is_reached(steps, found) and abs(self._lacks(numbers, steps, found)) <= ARRIVED:
                return found
        return np.full(len(self.today), np.nan)

    def _by_levels(self, numbers: Numbers, steps: Floats) -> Floats:
        """The best costs by a search (SciPy, SLSQP) for the moves that are made: between channels that they connect, returns are
        then made equal. It is exact, unless the search connects channels of which none gives, as where two are nearly flat."""
        made = steps[:, self._search(numbers, steps) > SMALL]
        _, group = connected_components(np.abs(made) @ np.abs(made).T)
        return np.sum([self._levelled(numbers, group == one) for one in np.unique(group)], axis=0)

    def _by_pieces(self, numbers: Numbers, steps: Floats) -> Floats:
        """The best costs by linear programs, with each curve cut into straight pieces, ever finer ones around the best so far."""
        moved, least, most = self.relative(steps), self.least, self.most
        for _ in range(ROUNDS):
            grid = np.linspace(least, most, PIECES + 1)
            rises, widths = np.diff(self.changes(numbers, grid), axis=0).T, np.diff(grid, axis=0).T
            pieces = -np.kron(np.eye(len(widths)), np.ones(PIECES)) * (widths / self.today[:, None]).ravel()
            found = linprog(np.append(np.zeros(steps.shape[1]), -rises / rises.max(initial=1e-300)), A_eq=np.hstack([moved, pieces]),
                            b_eq=least / self.today - 1, bounds=[(0, None)] * steps.shape[1] + [(0, 1)] * rises.size)
            if not found.success:
                return np.full(len(least), np.nan)
            cost = least + (widths * found.x[steps.shape[1]:].reshape(rises.shape)).sum(axis=1)
            near = 2 * widths.max(axis=1)
            least, most = np.maximum(least, cost - near), np.minimum(most, cost + near)
        return cost

    def relative(self, steps: Floats) -> Floats:
        """What moving as much as the smaller of its two channels costs does along each step, as shares of today's costs."""
        return steps * self.smaller(steps) / self.today[:, None]

    def _is_reached(self, steps: Floats, cost: Floats) -> bool:
        """Whether moves along the steps lead to these costs."""
        return bool(nnls(self.relative(steps), cost / self.today - 1)[1] <= REACHED)

    def _lacks(self, numbers: Numbers, steps: Floats, cost: Floats) -> float:
        """What these costs bring less than the best at most, as a share of what all channels bring (Frank, Wolfe 1956)."""
        whole = self.today.sum()
        returns = self.marginals(numbers, cost)
        room = np.concatenate([self.most - self.today, self.today - self.least]) / whole
        found = linprog(-(returns @ steps) / returns.max(), A_ub=np.concatenate([steps, -steps]), b_ub=room)
        if not found.success:
            return np.inf
        return float(returns @ (self.today + steps @ found.x * whole - cost) / numbers.levels.sum())

    def _search(self, numbers: Numbers, steps: Floats) -> Floats:
        """Amounts along the steps, as shares of the smaller of the two channels, to a few digits."""
        changed, scale = self.relative(steps), numbers.levels.sum()

        def cost(moved: Floats) -> Floats:
            return np.maximum(self.today * (1 + changed @ moved), self.least / 2)  # the search may leave the limits on its way

        return minimize(lambda moved: -self.changes(numbers, cost(moved)).sum() / scale,
                        np.zeros(steps.shape[1]), method="SLSQP", bounds=[(0, None)] * steps.shape[1],
                        jac=lambda moved: -self.marginals(numbers, cost(moved)) * self.today @ changed / scale,
                        constraints=LinearConstraint(changed, self.least / self.today - 1, self.most / self.today - 1),
                        options={"ftol": 1e-12, "maxiter": 500}).x

    def _levelled(self, numbers: Numbers, inside: np.ndarray) -> Floats:
        """New costs of the channels inside, 0 for others: those at no limit have one marginal return, found by bisection."""
        if inside.sum() == 1:
            return np.where(inside, self.today, 0.0)
        slopes, bends = self.slopes(numbers)[inside], 1 - numbers.elasticities[inside]
        today, least, most = self.today[inside], self.least[inside], np.where(slopes > 0, self.most[inside], self.today[inside])
        slopes = np.log(np.maximum(slopes, NOTHING * slopes.max()))

        def costs(level: float) -> Floats:
            return np.exp(np.clip(np.log(today) + _divided(slopes - level, bends), np.log(least), np.log(most)))

        low, high = (slopes - bends * np.log(most / today)).min(), (slopes - bends * np.log(least / today)).max()
        for _ in range(BISECTIONS):
            middle = (low + high) / 2
            low, high = (middle, high) if costs(middle).sum() > today.sum() else (low, middle)
        less, more = costs(high), costs(low)
        new = np.zeros(len(self.today))
        new[inside] = less + (more - less) * np.clip(_divided(today.sum() - less.sum(), (more - less).sum()), 0, 1)
        return new

    def _without_flat(self, numbers: Numbers, steps: Floats, cost: Floats) -> Floats:
        """The costs with what flat channels give taken from the first of them that can give it; NaN where none can."""
        flat, whole = self.slopes(numbers) == 0, self.today.sum()
        if (cost == self.today)[flat].all() or not np.isfinite(cost).all():
            return cost
        givers, room = np.argmin(steps, axis=0), (self.today - self.least)[flat]
        found = linprog(1 + PREFERENCE * givers / len(cost), A_eq=steps[~flat], b_eq=(cost - self.today)[~flat] / whole,
                        A_ub=np.concatenate([steps[flat], -steps[flat]]), b_ub=np.append(np.zeros(len(room)), room / whole))
        given = self.today + steps @ found.x * whole if found.success else np.full(len(cost), np.nan)
        return np.where(flat, given, cost)


def _divided(part: Floats, by: Floats) -> Floats:
    """A quotient that is 0 where both are 0."""
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        return np.nan_to_num(np.divide(part, by), nan=0.0, posinf=np.inf, neginf=-np.inf)


def _dearest_first(curves: Curves) -> tuple[pd.DataFrame, Numbers, Numbers]:
    """The channels with a curve, and their fitted and drawn numbers: a plan does not depend on the order of rows, and names settle
    only what is equal in everything else."""
    numbers, names = curves.fitted, curves.known["channel"].to_numpy(str)
    order = np.lexsort([names, numbers.elasticities, numbers.levels, -curves.known["cost"]])
    fitted, drawn = (Numbers(*(each[..., order] for each in numbers)) for numbers in (curves.fitted, curves.drawn))
    return curves.known.iloc[order], fitted, drawn


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
    if not np.isfinite(change).all():
        return np.full(len(signs), np.nan)
    if not change.any():
        return np.zeros(len(signs))
    allowed = signs != 0
    steps, unlike = (market.steps * signs)[:, allowed], differences[allowed] / differences[allowed].max()
    smaller = market.smaller(steps)
    costs = smaller * (1 - PREFERENCE * unlike**2)
    found = linprog(costs / costs.max(), A_eq=market.relative(steps), b_eq=change / market.today)
    amounts = np.zeros(len(signs))
    amounts[allowed] = np.where(found.x > SMALL, found.x * smaller, 0.0) if found.success else np.nan
    return amounts


def _gains(market: _Market, numbers: Numbers, new: Floats) -> Floats:
    """What each channel brings more, for each pound more; where nothing is added, its marginal return."""
    change = new - market.today
    return np.divide(market.changes(numbers, new), change, out=market.slopes(numbers),
                     where=np.abs(change) > SMALL * market.today)
