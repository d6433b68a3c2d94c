"""Figures of amounts side by side: bars of one measure, cells of a matrix, points of two measures."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from numpy.typing import NDArray

from convtrack.gaps import Gap
from convtrack.plots.palette import INK, OTHERS, PALE, PAPER, PLAIN, QUIET, channel_colours
from convtrack.plots.style import (
    NOTHING, Drawing, Measure, canvas, columns, figure, floats, full_name, measure, name_axis, numbers,
    once_each, others_note, plural, share_of, short_name, tall, value_axis, write,
)
from convtrack.texts import fmt, plain_name

Box = tuple[float, float, float, float]  # left, bottom, right, top
_AXES_INCHES = (6.9, 3.7)  # of the points figure, about
_AROUND: tuple[tuple[tuple[float, float], str], ...] = (
    ((8, 0), "left"), ((-8, 0), "right"), ((0, 12), "center"), ((0, -12), "center"),
    ((7, 9), "left"), ((7, -9), "left"), ((-7, 9), "right"), ((-7, -9), "right"),
    ((9, 20), "left"), ((9, -20), "left"), ((-9, 20), "right"), ((-9, -20), "right"),
)

# ------------------------------------------------------------------------------------------------------- bars


@figure
def bars(table: pd.DataFrame, x: str = "channel", y: str = "conversions", low: str | None = None,
         high: str | None = None, unit: str = "", title: str | None = None, top: int = 15,
         kind: str | None = None, sort: bool = True) -> Drawing | Gap:
    """Nothing; displays horizontal bars from zero, one a category, the largest first, each with its number.

    Parameters
    ----------
    table : DataFrame
        One row a category.
    x, y : str
        The column of the categories (channels keep their colours) and the column of the numbers.
    low, high : str, optional
        Columns with the ends of an interval, drawn as whiskers.
    unit : str
        Unit of `y`, such as "GBP"; goes to the axis title and the sentence.
    title : str, optional
        A sentence that says what to take away; made from the numbers when left out.
    top : int
        How many categories are drawn; the figure says how many are not.
    kind : {"", "share", "money"}, optional
        What the numbers are, where the name of `y` does not tell.
    sort : bool
        False keeps the order of the table.

    Raises
    ------
    ConvtrackError
        If a column is missing, or a category comes twice.

    Examples
    --------
    >>> bars(pd.DataFrame({"channel": ["Email", "SMS"], "conversions": [30, 10]}))  # doctest: +ELLIPSIS
    Bar chart of conversions by channel, 2 bars. Largest: Email 30; smallest: SMS 10; total 40.
    text: Email has the most conversions: 30 of 40 (75.0%)
    ...
    """
    rows = numbers(columns(table, x, y, low, high), y, low, high).dropna(subset=[y])
    once_each(rows, x)
    if rows.empty:
        return NOTHING
    rows = rows.sort_values(y, ascending=False, kind="stable") if sort else rows
    meant = measure(y, rows[y], unit, kind)
    ends = (low, high) if low and high else None
    takeaway = title or _bars_sentence(rows, x, meant, ends)
    shown = rows.head(top)
    note = others_note(len(shown), len(rows), x) if sort else ""
    fig, ax = canvas(takeaway, tall(len(shown)), note)
    _draw_bars(ax, shown, x, meant, ends)
    return Drawing(fig, _bars_alt(rows, x, meant, ends, note), takeaway)


def _draw_bars(ax: Axes, rows: pd.DataFrame, x: str, meant: Measure, ends: tuple[str, str] | None) -> None:
    names, values = list(rows[x]), rows[meant.name].to_numpy()
    colours = channel_colours(names) if x == "channel" else dict.fromkeys(names, PLAIN)
    places = np.arange(len(names))
    ax.barh(places, values, height=0.68, color=[colours[name] for name in names])
    tips = values
    if ends:
        lows, highs = rows[ends[0]].to_numpy(), rows[ends[1]].to_numpy()
        ax.hlines(places, lows, highs, color=PAPER, linewidth=4, alpha=0.75)
        ax.hlines(places, lows, highs, color=INK, linewidth=1.4)
        tips = np.where(values < 0, np.fmin(values, lows), np.fmax(values, highs))
    for place, value, tip in zip(places, values, tips, strict=True):
        right = value >= 0
        write(ax, meant.text(value), (tip, place), (5 if right else -5, 0), ha="left" if right else "right")
    ax.axvline(0, color=QUIET, linewidth=0.8)
    if tips.min() < 0:  # room for the numbers of the bars to the left
        ax.set_xlim(left=tips.min() - 0.14 * np.ptp(np.append(tips, 0)))
    name_axis(ax, names)
    if len(names) == 1:  # or the one bar would fill the figure
        ax.set_ylim(0.8, -0.8)
    value_axis(ax, meant)


def _bars_sentence(rows: pd.DataFrame, x: str, meant: Measure, ends: tuple[str, str] | None) -> str:
    ranked = rows.sort_values(meant.name, ascending=False, kind="stable")
    values = ranked[meant.name].to_numpy()
    first, most = short_name(ranked[x].iloc[0], 40), meant.full(values[0])
    if len(values) == 1:
        return f"{first}: {most} {meant.words}" if meant.adds_up else f"{first}: {meant.words} {most}"
    if values[0] == values[1]:
        level = int((values == values[0]).sum())
        return f"{plural(level, x)} are level at the top with {most} {meant.words}"
    if meant.adds_up and values.min() >= 0:
        part = f"{most} of {meant.full(values.sum())} ({share_of(values[0], values.sum())})"
        return f"{first} has the most {meant.words}: {part}"
    close = ends and ranked[ends[0]].iloc[0] <= ranked[ends[1]].iloc[1]
    but = f", but its interval overlaps that of {short_name(ranked[x].iloc[1], 40)}" if close else ""
    return f"{first} is highest in {meant.words} with {most}{but}"


def _bars_alt(rows: pd.DataFrame, x: str, meant: Measure, ends: tuple[str, str] | None, note: str) -> str:
    largest, smallest = rows.loc[rows[meant.name].idxmax()], rows.loc[rows[meant.name].idxmin()]
    said = [f"Bar chart of {meant.words} by {x.replace('_', ' ')}, {plural(len(rows), 'bar')}."]
    key = [f"Largest: {_with_interval(largest, x, meant, ends)}"]
    key += [f"smallest: {_with_interval(smallest, x, meant, ends)}"] if len(rows) > 1 else []
    key += [f"total {meant.full(rows[meant.name].sum())}"] if meant.adds_up else []
    return " ".join([*said, "; ".join(key) + ".", note]).strip()


def _with_interval(row: pd.Series, x: str, meant: Measure, ends: tuple[str, str] | None) -> str:
    span = f" (interval {meant.text(row[ends[0]])} to {meant.text(row[ends[1]])})" if ends else ""
    return f"{full_name(row[x])} {meant.full(row[meant.name])}{span}"


# ------------------------------------------------------------------------------------------------------ cells


@figure
def heat(table: pd.DataFrame, title: str | None = None, unit: str = "", kind: str | None = None,
         what: str = "", top: int = 16) -> Drawing | Gap:
    """Nothing; displays a matrix as coloured cells with their numbers, such as transitions or cohorts.

    Parameters
    ----------
    table : DataFrame
        Index: the rows; columns: the columns; cells: numbers. A missing cell stays blank.
    title : str, optional
        A sentence that says what to take away.
    unit : str
        Unit of the numbers.
    kind : {"", "share", "money"}, optional
        What the numbers are; numbers within 0 and 1 that are not all whole are taken for shares.
    what : str
        What a number is, as a column would be called: "transitions"; the unit when left out.
    top : int
        The most rows, and the most columns, to draw: those with the largest totals, in their order.

    Examples
    --------
    >>> heat(pd.DataFrame({"buys": [0.1, 0.3]}, index=["Email", "SMS"]), what="share")  # doctest: +ELLIPSIS
    Heatmap of share, 2 rows by 1 column. Largest: 30% (SMS, buys); smallest: 10% (Email, buys).
    ...
    """
    cells = pd.DataFrame(np.column_stack([floats(table.iloc[:, i]) for i in range(table.shape[1])]),
                         table.index, table.columns)
    if not np.isfinite(cells.to_numpy()).any():
        return NOTHING
    shown, what = _largest_lines(_largest_lines(cells, top).T, top).T, what or unit or "number"
    kind = _cell_kind(shown, what) if kind is None else kind
    meant = measure(what, shown, "" if what == unit else unit, kind)
    note = " ".join(filter(None, [others_note(len(shown), len(cells), "row"),
                                  others_note(shown.shape[1], cells.shape[1], "column")]))
    takeaway = title or f"Highest {meant.words}: {_cell_words(shown, meant, shown.max().max())}"
    fig, ax = canvas(takeaway, tall(len(shown), 0.38, 1.9), note)
    _draw_cells(ax, shown, meant)
    return Drawing(fig, _heat_alt(shown, meant, note), takeaway)


def _cell_kind(cells: pd.DataFrame, what: str) -> str:
    present = cells.to_numpy()[np.isfinite(cells.to_numpy())]
    shares = present.min() >= 0 and present.max() <= 1 and (present % 1 != 0).any()
    return "share" if shares else measure(what, present).kind


def _largest_lines(cells: pd.DataFrame, top: int) -> pd.DataFrame:
    totals = cells.abs().sum(axis=1).to_numpy()
    return cells.iloc[np.sort(np.argsort(-totals, kind="stable")[:top])]


def _draw_cells(ax: Axes, cells: pd.DataFrame, meant: Measure) -> None:
    texts = [["" if np.isnan(value) else meant.text(value) for value in row] for row in cells.to_numpy()]
    settled = cells.map(lambda value: float(f"{value:.10g}"))  # so that no colour hangs on the last digit
    ax.set_facecolor(PALE)
    sns.heatmap(settled.to_numpy(), ax=ax, cmap="Blues", vmin=min(0.0, settled.min().min()), cbar=False,
                annot=np.array(texts), fmt="", annot_kws={"size": _size_in_cell(texts)}, linewidths=1.5,
                linecolor=PAPER, xticklabels=False, yticklabels=False)
    names = [short_name(_name(name), 22) for name in cells.columns]
    slanted = max(map(len, names)) * len(names) > 66
    turn = {"rotation": 45, "ha": "left", "rotation_mode": "anchor"} if slanted else {"rotation": 0}
    ax.xaxis.tick_top()
    ax.xaxis.set_label_position("top")
    ax.set_xticks(np.arange(len(names)) + 0.5, names, color=INK, **turn)
    ax.set_yticks(np.arange(len(cells)) + 0.5, [short_name(_name(name)) for name in cells.index], rotation=0)
    ax.tick_params(length=0)
    ax.set(xlabel=_axis_name(cells.columns), ylabel=_axis_name(cells.index))


def _size_in_cell(texts: list[list[str]]) -> float:
    """The size of type, in points, at which the longest text fits into a cell."""
    longest = max(len(text) for row in texts for text in row)
    return float(np.clip(72 * 5.4 / len(texts[0]) / (0.66 * longest), 5.5, 9.5))


def _axis_name(index: pd.Index) -> str:
    return plain_name(" ".join(str(name) for name in index.names if name is not None))


def _name(name: object) -> str:
    if isinstance(name, tuple):
        return " ".join(_name(part) for part in name)
    number = isinstance(name, int | np.integer)
    return str(name) if number else full_name(name if isinstance(name, str | None) else fmt(name))


def _cell_words(cells: pd.DataFrame, meant: Measure, value: float, length: int = 40) -> str:
    """Where the first cell with `value` is, and the value."""
    at = np.argwhere(cells.to_numpy() == value)[0]
    named = [f"{_axis_name(axis).lower()} {short_name(_name(axis[i]), length)}".strip()
             for axis, i in zip((cells.index, cells.columns), at, strict=True)]
    return f"{meant.full(value)} ({', '.join(named)})"


def _heat_alt(cells: pd.DataFrame, meant: Measure, note: str) -> str:
    high, low = (_cell_words(cells, meant, value, 10_000) for value in (cells.max().max(), cells.min().min()))
    size = f"{plural(len(cells), 'row')} by {plural(cells.shape[1], 'column')}"
    return f"Heatmap of {meant.words}, {size}. Largest: {high}; smallest: {low}. {note}".strip()


# ----------------------------------------------------------------------------------------------------- points


@figure
def scatter(table: pd.DataFrame, x: str, y: str, label: str = "channel", x_unit: str = "", y_unit: str = "",
            title: str | None = None, equal: str = "", top: int = 15) -> Drawing | Gap:
    """Nothing; displays one labelled point a row, two measures against each other.

    Parameters
    ----------
    table : DataFrame
        One row a point.
    x, y : str
        Columns of the two measures.
    label : str
        Column with the names of the points (channels keep their colours).
    x_unit, y_unit : str
        Units, for the axis titles.
    title : str, optional
        A sentence that says what to take away.
    equal : str
        Draws the line on which both are equal, and calls it this, such as "as many assisted as last".
    top : int
        How many points are named, those with the largest sum of both; the others are small dots.

    Examples
    --------
    >>> scatter(pd.DataFrame({"channel": ["Email"], "assisted": [9], "last": [3]}), "last", "assisted")
    ... # doctest: +ELLIPSIS
    Scatter plot of assisted against last, 1 point. Highest assisted: Email 9 (last 3)...
    """
    rows = numbers(columns(table, label, x, y), x, y).dropna(subset=[x, y])
    if rows.empty:
        return NOTHING
    across, up = measure(x, rows[x], x_unit), measure(y, rows[y], y_unit)
    rows = rows.iloc[np.argsort(-(rows[x].abs() + rows[y].abs()).to_numpy(), kind="stable")]
    note = others_note(min(top, len(rows)), len(rows), label, "named", "small dots")
    takeaway = title or _scatter_sentence(rows, label, across, up)
    fig, ax = canvas(takeaway, 5.0, note)
    _draw_points(ax, rows, label, across, up, equal, top)
    return Drawing(fig, _scatter_alt(rows, label, across, up, note), takeaway)


def _draw_points(ax: Axes, rows: pd.DataFrame, label: str, across: Measure, up: Measure, equal: str,
                 top: int) -> None:
    names, points = list(rows[label]), rows[[across.name, up.name]].to_numpy()
    colours = channel_colours(names) if label == "channel" else dict.fromkeys(names, PLAIN)
    low, high = np.minimum(points.min(axis=0), 0), points.max(axis=0)
    room = np.where(high > low, high - low, 1) * 0.09
    ax.set(xlim=(low[0] - room[0] / 3, high[0] + room[0]), ylim=(low[1] - room[1] / 1.5, high[1] + room[1]))
    if equal:
        _draw_equal(ax, equal)
    ax.scatter(*points[top:].T, s=12, color=OTHERS)
    names, points = names[:top], points[:top]
    own = [colours[name] for name in names]
    ax.scatter(*points.T, s=70, color=own, edgecolor=PAPER, linewidth=0.8, zorder=3)
    line = np.linspace(0, min(ax.get_xlim()[1], ax.get_ylim()[1]), 60 if equal else 0)
    spots, beside = _inches(ax, points), _inches(ax, np.column_stack([line, line]))
    for name, point, (offset, side) in zip(names, points, _beside(spots, names, beside), strict=True):
        write(ax, short_name(name), tuple(point), offset, ha=side)
    value_axis(ax, across)
    value_axis(ax, up, across=False)
    ax.tick_params(axis="y", labelcolor=QUIET, labelsize=9)


def _draw_equal(ax: Axes, words: str) -> None:
    end = min(ax.get_xlim()[1], ax.get_ylim()[1])
    ax.plot([0, end], [0, end], color=QUIET, linewidth=1, linestyle=(0, (4, 3)), scalex=False, scaley=False)
    write(ax, words, (end, end), (-14, 2), ha="right", va="bottom", size=8.5, color=QUIET)


def _inches(ax: Axes, points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Where the points are on the page, near enough to keep labels apart."""
    (left, right), (bottom, top) = ax.get_xlim(), ax.get_ylim()
    return (points - [left, bottom]) / [right - left, top - bottom] * _AXES_INCHES


def _beside(spots: NDArray[np.float64], names: Sequence[object],
            line: NDArray[np.float64]) -> list[tuple[tuple[float, float], str]]:
    """For each point the offset and the side of its label, so that few overlap each other or the line."""
    taken = [(*(spot - 0.06), *(spot + 0.06)) for spot in [*spots, *line]]
    chosen = []
    for spot, name in zip(spots, names, strict=True):
        boxes = [(_label_box(spot, short_name(name), offset, side), offset, side) for offset, side in _AROUND]
        box, offset, side = min(boxes, key=lambda option: sum(_overlap(option[0], other) for other in taken))
        taken.append(box)
        chosen.append((offset, side))
    return chosen


def _label_box(spot: NDArray[np.float64], name: str, offset: tuple[float, float], side: str) -> Box:
    width, height = 0.078 * len(name), 0.16
    middle = spot + np.array(offset) / 72
    left = middle[0] - {"left": 0, "center": width / 2, "right": width}[side]
    return (left, middle[1] - height / 2, left + width, middle[1] + height / 2)


def _overlap(one: Box, other: Box) -> float:
    wide, high = min(one[2], other[2]) - max(one[0], other[0]), min(one[3], other[3]) - max(one[1], other[1])
    low, up = np.array(one[:2]), np.array(one[2:])
    beyond = float(np.maximum(-low, 0).sum() + np.maximum(up - _AXES_INCHES, 0).sum())
    return (wide * high if wide > 0 and high > 0 else 0.0) + 1e-3 * beyond


def _scatter_sentence(rows: pd.DataFrame, label: str, across: Measure, up: Measure) -> str:
    highest, furthest = rows.loc[rows[up.name].idxmax()], rows.loc[rows[across.name].idxmax()]
    name = short_name(highest[label], 40)
    if highest[label] == furthest[label]:
        both = [f"{meant.full(highest[meant.name])} {meant.words}" for meant in (up, across)]
        return f"{name} leads in both: {' and '.join(both)}"
    return f"{name} leads in {up.words}, {short_name(furthest[label], 40)} in {across.words}"


def _scatter_alt(rows: pd.DataFrame, label: str, across: Measure, up: Measure, note: str) -> str:
    def said(measured: Measure, other: Measure) -> str:
        row = rows.loc[rows[measured.name].idxmax()]
        value, besides = measured.full(row[measured.name]), other.full(row[other.name])
        return f"Highest {measured.words}: {full_name(row[label])} {value} ({other.words} {besides})"

    head = f"Scatter plot of {up.words} against {across.words}, {plural(len(rows), 'point')}."
    return f"{head} {said(up, across)}. {said(across, up)}. {note}".strip()
