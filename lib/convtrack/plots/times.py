"""Figures of time: how a measure moves over days or weeks, and how long a conversion takes."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.ticker import MaxNLocator, StrMethodFormatter
from numpy.typing import NDArray
from scipy.optimize import isotonic_regression

from convtrack.errors import ConvtrackError
from convtrack.gaps import Gap
from convtrack.plots.palette import PALE, PLAIN, QUIET, STRONG, channel_colours, series_colours
from convtrack.plots.style import (
    NOTHING, Drawing, Measure, columns, figure, full_name, measure, once_each, others_note, short_name, value_axis, write,
)
from convtrack.texts import fmt, in_words, plain_name, plural

Numbers = NDArray[np.float64]
COUNTS = 10_000  # numbers on the axis of times from here on are counts and no years
Lines = dict[Any, pd.Series]  # by name; each line's values by time

# ------------------------------------------------------------------------------------------------------ trend


@figure
def trend(table: pd.DataFrame, x: str, y: str, series: str | None = None, immature_from: Any = None,
          unit: str = "", kind: str | None = None, title: str | None = None, top: int = 8) -> Drawing | Gap:
    """Nothing; displays lines over days or weeks, each with its name at its end.

    Parameters
    ----------
    table : DataFrame
        One row per time, or per time and series.
    x : str
        Column of the times: dates, times, periods or numbers.
    y : str
        Column of the numbers.
    series : str, optional
        Column that tells the lines apart (channels keep their colours).
    immature_from : time, optional
        From here on more conversions may still come in; shaded, and said so.
    unit : str
        Unit of `y`.
    kind : {"", "share", "money"}, optional
        What the numbers are, where the name of `y` does not tell.
    title : str, optional
        A sentence that says what to take away.
    top : int
        How many lines are drawn: those with the largest sums.

    Examples
    --------
    >>> weeks = pd.DataFrame({"week": pd.to_datetime(["2026-01-05", "2026-01-12"]), "conversions": [20, 30]})
    >>> trend(weeks, "week", "conversions")  # doctest: +ELLIPSIS
    Line chart of conversions by week, 2026-01-05 to 2026-01-12, 1 line. Conversions: 20 at first...
    text: Conversions from 20 to 30
    ...
    """
    rows = columns(table, [x, series], [y]).dropna(subset=[x, y])
    if rows.empty:
        return NOTHING
    once_each(rows, x, series)
    rows = rows.assign(**{x: _times(rows[x])}).sort_values(x, kind="stable")
    groups = rows.groupby(series, sort=False, dropna=False) if series else [(y, rows)]
    every = {name: part.set_index(x)[y] for name, part in groups}
    lines = dict(sorted(every.items(), key=lambda line: -line[1].abs().sum())[:top])
    limit = None if immature_from is None else _times(pd.Series([immature_from])).iloc[0]
    meant = measure(y, rows[y], unit, kind)
    draw = partial(_draw_trend, lines=lines, x=x, meant=meant, series=series, limit=limit, times=rows[x])
    return Drawing(title or _trend_sentence(lines, x, meant, series, limit), _trend_alt(lines, x, meant, series, limit),
                   draw, note=others_note(len(lines), len(every), str(series)))


def _times(values: pd.Series) -> pd.Series:
    """Times without a zone, as the clock on the wall shows them; numbers as they are."""
    if isinstance(values.dtype, pd.PeriodDtype):
        return values.dt.to_timestamp()
    if pd.api.types.is_numeric_dtype(values):
        return values
    try:
        times = pd.to_datetime(values)
    except (ValueError, TypeError) as error:
        raise ConvtrackError(f"The table to draw has no times in '{values.name}': {error}") from None
    return times.dt.tz_localize(None) if times.dt.tz is not None else times


def _mature(line: pd.Series, limit: Any) -> pd.Series:
    """The values before `limit`, or all if there would be none."""
    early = line if limit is None else line[line.index < limit]
    return early if len(early) else line


def _trend_sentence(lines: Lines, x: str, meant: Measure, series: str | None, limit: Any) -> str:
    moves = {name: _start_and_end(_mature(line, limit)) for name, line in lines.items()}
    name = max(moves, key=lambda line: abs(moves[line][1] - moves[line][0]))
    start, end, points = moves[name]
    who = f"{short_name(name, 40)}: {meant.words}" if series else plain_name(meant.name)
    who = f"{short_name(name, 40)} moves most in {meant.words}:" if series and len(lines) > 1 else who
    times = plural(points, "day" if x == "date" else x)
    times = times if limit is None else times.replace(" ", " complete ", 1)
    average = f" (averages of the first and last {times})" if points > 1 else ""
    first, last = (meant._replace(decimals=meant.decimals + (points > 1)).full(value) for value in (start, end))
    return f"{who} {f'from {first} to {last}' if first != last else f'unchanged at {first}'}{average}"


def _start_and_end(values: pd.Series) -> tuple[float, float, int]:
    """The averages of the first and the last quarter (single days go up and down), and of how many values."""
    points = max(1, len(values) // 4)
    return float(values.head(points).mean()), float(values.tail(points).mean()), points


def _trend_alt(lines: Lines, x: str, meant: Measure, series: str | None, limit: Any) -> str:
    times = np.concatenate([line.index for line in lines.values()])
    span = f"{fmt(times.min())} to {fmt(times.max())}, {plural(len(lines), 'line')}"
    said = [f"{full_name(name) if series else plain_name(name)}: {_line_words(line, meant)}" for name, line in lines.items()]
    later = "" if limit is None else f" Not complete yet from {fmt(limit)}."
    return f"Line chart of {meant.words} by {in_words(x)}, {span}. {'; '.join(said)}.{later}"


def _line_words(line: pd.Series, meant: Measure) -> str:
    ends = f"{meant.full(line.iloc[0])} at first, {meant.full(line.iloc[-1])} at last"
    return f"{ends}, between {meant.text(line.min())} and {meant.text(line.max())}"


def _draw_trend(ax: Axes, lines: Lines, x: str, meant: Measure, series: str | None, limit: Any, times: pd.Series) -> None:
    colours = channel_colours(lines) if series == "channel" else series_colours(lines)
    for name, line in lines.items():
        few = "o" if len(line) <= 20 else ""
        ax.plot(line.index.to_numpy(), line.to_numpy(), color=colours[name], marker=few, markersize=4, label=str(name))
    value_axis(ax, meant, across=False)
    values, (bottom, top) = pd.concat(lines), ax.get_ylim()
    ax.set_ylim(min(0.0, bottom) if values.min() < 0 else 0.0, top if values.any() else 1.0)
    _time_axis(ax, times, x)
    if series:
        _name_ends(ax, lines, colours)
    if limit is not None and limit <= times.max():
        _shade_immature(ax, limit, times)


def _time_axis(ax: Axes, times: pd.Series, x: str) -> None:
    ax.set_xlabel(plain_name(x))
    if pd.api.types.is_numeric_dtype(times):
        ax.xaxis.set_major_locator(MaxNLocator(8, integer=True))
        if times.abs().max() >= COUNTS:
            ax.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    else:
        locator = AutoDateLocator(minticks=3, maxticks=8)
        ax.xaxis.set_major_locator(locator)
        ax.xaxis.set_major_formatter(ConciseDateFormatter(locator))
    ax.margins(x=0.01)
    if not np.ptp(ax.dataLim.intervalx):  # one time only: a step to either side of it
        ax.set_xlim(ax.dataLim.x0 - 1, ax.dataLim.x0 + 1)


def _name_ends(ax: Axes, lines: Lines, colours: dict[Any, str]) -> None:
    """Writes each name right of its line, moved up or down where two would meet; beside the end of a line that stops early."""
    (left, right), (bottom, top) = ax.get_xlim(), ax.get_ylim()
    ends = {name: (float(ax.convert_xunits(line.index[-1])), line.iloc[-1]) for name, line in lines.items()}
    early = [name for name, (at, _) in ends.items() if at < right - (right - left) * 0.12]
    for name in early:
        write(ax, short_name(name, 22), ends[name], (6, 0))
    order = sorted((name for name in ends if name not in early), key=lambda name: ends[name][1])
    beside, least = right + (right - left) * 0.02, (top - bottom) * 0.062
    heights = _apart(np.array([ends[name][1] for name in order]), least)
    heights = np.maximum(heights, bottom + least * np.arange(len(heights)))  # none below the axis
    for name, height in zip(order, heights, strict=True):
        at, value = ends[name]
        ax.plot([at, beside], [value, height], color=colours[name], linewidth=1, clip_on=False)
        write(ax, short_name(name, 22), (beside, height), (4, 0))
    ax.set_xlim(left, right)


def _apart(heights: Numbers, least: float) -> Numbers:
    """Ascending heights moved as little as needed to be at least `least` apart.

    >>> _apart(np.array([1.0, 1.1, 5.0]), 1.0).tolist()
    [0.55, 1.55, 5.0]
    """
    steps = least * np.arange(len(heights))
    return isotonic_regression(heights - steps).x + steps if len(heights) else heights


def _shade_immature(ax: Axes, limit: Any, times: pd.Series) -> None:
    """Shades what is not complete, from halfway between the last complete time and the first that is not."""
    early, late = times[times < limit], times[times >= limit]
    (left, right), first = ax.get_xlim(), float(ax.convert_xunits(late.min()))
    start = (first + float(ax.convert_xunits(early.max()))) / 2 if len(early) else left
    ax.axvspan(start, right, color=PALE, zorder=0)
    write(ax, "not complete yet", (right, ax.get_ylim()[1]), (0, 3), ha="right", va="bottom", size=8.5, color=QUIET)
    ax.set_xlim(left, right)


# -------------------------------------------------------------------------------------------------------- lag


@figure
def lag(table: pd.DataFrame, time: str | None = None, weight: str | None = None, since: str = "first touch",
        what: str = "conversions", title: str | None = None) -> Drawing | Gap:
    """Nothing; displays how large a share of the conversions has come in after so many days.

    Parameters
    ----------
    table : DataFrame
        One row a conversion, or a number of days with a weight.
    time : str, optional
        Column with days, hours or durations; "days" or "hours" when left out. Hours are drawn as days.
    weight : str, optional
        Column that says how many conversions a row stands for.
    since : str
        What the time is counted from.
    what : str
        What came in, in the plural.
    title : str, optional
        A sentence that says what to take away; the median and the 90 % quantile when left out.

    Examples
    --------
    >>> lag(pd.DataFrame({"days": [0, 1, 2, 8]}))  # doctest: +ELLIPSIS
    Cumulative share of 4 conversions by days since first touch. Half within 1 day, 90% within 8 days...
    text: Half of the conversions come within 1 day of first touch, 90% within 8 days...
    ...
    """
    time = time or next((name for name in ("days", "hours") if name in table.columns), "days")
    rows = columns(_in_days(columns(table, [time, weight]), time), [], [time, weight]).dropna()
    rows = rows[rows[weight] > 0] if weight else rows
    if rows.empty:
        return NOTHING
    weights = rows[weight].to_numpy() if weight else np.ones(len(rows))
    days, shares = _cumulative(rows[time].to_numpy(), weights)
    half, most = (float(days[np.searchsorted(shares, part - 1e-9)]) for part in (0.5, 0.9))
    takeaway = title or f"Half of the {what} come within {_days(half)} of {since}, 90% within {_days(most)}"
    alt = (f"Cumulative share of {fmt(weights.sum())} {what} by days since {since}. "
           f"Half within {_days(half)}, 90% within {_days(most)}, all within {_days(days[-1])}.")
    draw = partial(_draw_lag, days=days, shares=shares, marks=(half, most), since=since, what=what)
    return Drawing(takeaway, alt, draw, 4.2)


def _in_days(table: pd.DataFrame, time: str) -> pd.DataFrame:
    if pd.api.types.is_timedelta64_dtype(table[time]):
        return table.assign(**{time: table[time] / pd.Timedelta("1D")})
    hours = str(time).endswith("hours")
    return table.assign(**{time: columns(table, [], [time])[time] / 24}) if hours else table


def _cumulative(days: Numbers, weights: Numbers) -> tuple[Numbers, Numbers]:
    """The distinct numbers of days in order, and the share of the weight that has come in by then."""
    distinct, place = np.unique(days, return_inverse=True)
    return distinct, np.cumsum(np.bincount(place, weights)) / weights.sum()


def _days(days: float) -> str:
    number, unit = (days, "day") if days >= 1 or days == 0 else (days * 24, "hour")
    number = round(number, 1)
    return f"{fmt(number, decimals=int(number % 1 > 0))} {unit}{'' if number == 1 else 's'}"


def _draw_lag(ax: Axes, days: Numbers, shares: Numbers, marks: tuple[float, float], since: str, what: str) -> None:
    start, end = min(0.0, float(days[0])), 1.02 * (float(days[-1]) if days[-1] > 0 else 1.0)
    ax.step([start, *days, end], [0, *shares, 1], where="post", color=PLAIN)
    for day, part, words in zip(marks, (0.5, 0.9), ("Half", "90%"), strict=True):
        ax.plot([day, day], [0, part], color=STRONG, linewidth=1.2, linestyle=(0, (4, 3)))
        ax.plot([day], [part], marker="o", markersize=7, color=STRONG, markeredgecolor="white", clip_on=False, zorder=3)
        write(ax, f"{words} within {_days(day)}", (day, part), (9, -4), va="top", size=10, weight="bold")
    value_axis(ax, Measure("share", "share", "", 0), across=False)
    ax.set(xlabel=f"Time since {since} (days)", ylabel=f"Share of {what} (%)", xlim=(start, end), ylim=(0, 1.03))
