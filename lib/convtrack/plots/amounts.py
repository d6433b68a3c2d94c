"""Figures of amounts side by side: bars of one measure, cells of a matrix, points of two measures."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.transforms import Bbox
from numpy.typing import NDArray

from convtrack.gaps import Gap
from convtrack.plots.palette import INK, OTHERS, PALE, PAPER, PLAIN, QUIET, channel_colours
from convtrack.plots.style import (
    NOTHING, Drawing, Measure, columns, figure, floats, full_name, measure, name_axis, once_each, others_note, share_of,
    short_name, tall, value_axis, write,
)
from convtrack.texts import fmt, plain_name, plural

Numbers = NDArray[np.float64]
_AXES_INCHES = (6.9, 3.7)  # of the points figure, about
_AROUND: tuple[tuple[tuple[float, float], str], ...] = (
    ((8, 0), "left"), ((-8, 0), "right"), ((0, 12), "center"), ((0, -12), "center"),
    ((7, 9), "left"), ((7, -9), "left"), ((-7, 9), "right"), ((-7, -9), "right"),
    ((9, 20), "left"), ((9, -20), "left"), ((-9, 20), "right"), ((-9, -20), "right"),
)

# ------------------------------------------------------------------------------------------------------- bars


@figure
def bars(table: pd.DataFrame, x: str = "channel", y: str = "conversions", low: str | None = None, high: str | None = None,
         unit: str = "", title: str | None = None, top: int = 15, kind: str | None = None) -> Drawing | Gap:
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
    rows = columns(table, [x], [y, low, high]).dropna(subset=[y])
    once_each(rows, x)
    if rows.empty:
        return NOTHING
    meant = measure(y, rows[y], unit, kind)
    rows = rows.rename(columns={x: "name", y: "value", low: "low", high: "high"})
    rows = rows.sort_values("value", ascending=False, kind="stable")
    shown = rows.head(top)
    draw = partial(_draw_bars, rows=shown, meant=meant, channels=x == "channel")
    return Drawing(title or _bars_sentence(rows, x, meant), _bars_alt(rows, x, meant), draw, tall(len(shown)),
                   others_note(len(shown), len(rows), x))


def _has_interval(rows: pd.DataFrame | pd.Series) -> bool:
    return {"low", "high"} <= set(rows.keys())


def _draw_bars(ax: Axes, rows: pd.DataFrame, meant: Measure, channels: bool) -> None:
    colours = [*channel_colours(rows["name"]).values()] if channels else PLAIN
    tips = values = rows["value"].to_numpy()
    ax.barh(range(len(rows)), values, height=0.68, color=colours)
    if _has_interval(rows):
        tips = _draw_whiskers(ax, values, rows["low"].to_numpy(), rows["high"].to_numpy())
    for place, (value, tip) in enumerate(zip(values, tips, strict=True)):
        side, gap = ("left", 5) if value >= 0 else ("right", -5)
        write(ax, meant.text(value), (tip, place), (gap, 0), ha=side)
    ax.axvline(0, color=QUIET, linewidth=0.8)
    if tips.min() < 0:  # room for the numbers of the bars to the left
        ax.set_xlim(left=tips.min() - 0.14 * np.ptp(np.append(tips, 0)))
    name_axis(ax, rows["name"])
    if len(rows) == 1:  # or the one bar would fill the figure
        ax.set_ylim(0.8, -0.8)
    value_axis(ax, meant)


def _draw_whiskers(ax: Axes, values: Numbers, lows: Numbers, highs: Numbers) -> Numbers:
    """Where each bar ends, once it has its whisker."""
    ax.hlines(range(len(values)), lows, highs, color=PAPER, linewidth=4, alpha=0.75)
    ax.hlines(range(len(values)), lows, highs, color=INK, linewidth=1.4)
    return np.where(values < 0, np.fmin(values, lows), np.fmax(values, highs))


def _bars_sentence(rows: pd.DataFrame, x: str, meant: Measure) -> str:
    values, names = rows["value"].to_numpy(), [short_name(name, 40) for name in rows["name"].head(2)]
    most, level = meant.full(values[0]), int((values == values[0]).sum())
    if len(values) == 1:
        return f"{names[0]}: {most} {meant.words}" if _adds_up(x, meant) else f"{names[0]}: {meant.words} {most}"
    if level > 1:
        return f"{plural(level, x)} are level at the top with {most} {meant.words}"
    if _adds_up(x, meant) and values.min() >= 0:
        part = f"{most} of {meant.full(values.sum())} ({share_of(values[0], values.sum())})"
        return f"{names[0]} has the most {meant.words}: {part}"
    close = _has_interval(rows) and rows["low"].iloc[0] <= rows["high"].iloc[1]
    but = f", but its interval overlaps that of {names[1]}" if close else ""
    return f"{names[0]} is highest in {meant.words} with {most}{but}"


def _bars_alt(rows: pd.DataFrame, x: str, meant: Measure) -> str:
    key = [f"Largest: {_with_interval(rows.loc[rows['value'].idxmax()], meant)}"]
    key += [f"smallest: {_with_interval(rows.loc[rows['value'].idxmin()], meant)}"] if len(rows) > 1 else []
    key += [f"total {meant.full(rows['value'].sum())}"] if _adds_up(x, meant) else []
    return f"Bar chart of {meant.words} by {x.replace('_', ' ')}, {plural(len(rows), 'bar')}. {'; '.join(key)}."


def _adds_up(x: str, meant: Measure) -> bool:
    """Whether the bars add up; what several models say of one thing does not."""
    return meant.adds_up and x not in ("model", "decision")


def _with_interval(row: pd.Series, meant: Measure) -> str:
    span = f" (interval {meant.text(row['low'])} to {meant.text(row['high'])})" if _has_interval(row) else ""
    return f"{full_name(row['name'])} {meant.full(row['value'])}{span}"


# ------------------------------------------------------------------------------------------------------ cells


@figure
def heat(table: pd.DataFrame, title: str | None = None, what: str = "number", top: int = 16) -> Drawing | Gap:
    """Nothing; displays a matrix as coloured cells with their numbers, such as transitions or cohorts.

    Parameters
    ----------
    table : DataFrame
        Index: the rows; columns: the columns; cells: numbers. A missing cell stays blank; numbers within 0
        and 1 that are not all whole are taken for shares.
    title : str, optional
        A sentence that says what to take away.
    what : str
        What a number is, as a column would be called: "transitions".
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
    shown = _largest_lines(_largest_lines(cells, top).T, top).T
    meant = measure(what, shown, kind="share" if _are_shares(shown.to_numpy()) else None)
    note = " ".join(filter(None, [others_note(len(shown), len(cells), "row"),
                                  others_note(shown.shape[1], cells.shape[1], "column")]))
    takeaway = title or f"Highest {meant.words}: {_cell_words(shown, meant, shown.max().max())}"
    draw = partial(_draw_cells, cells=shown, meant=meant)
    return Drawing(takeaway, _heat_alt(shown, meant), draw, tall(len(shown), 0.38, 1.9), note)


def _are_shares(cells: Numbers) -> bool:
    present = cells[np.isfinite(cells)]
    return bool(present.min() >= 0 and present.max() <= 1 and (present % 1 != 0).any())


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


def _heat_alt(cells: pd.DataFrame, meant: Measure) -> str:
    high, low = (_cell_words(cells, meant, value, 10_000) for value in (cells.max().max(), cells.min().min()))
    size = f"{plural(len(cells), 'row')} by {plural(cells.shape[1], 'column')}"
    return f"Heatmap of {meant.words}, {size}. Largest: {high}; smallest: {low}."


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
    rows = columns(table, [label], [x, y]).dropna(subset=[x, y])
    if rows.empty:
        return NOTHING
    across, up = measure(x, rows[x], x_unit), measure(y, rows[y], y_unit)
    rows = rows.iloc[np.argsort(-(rows[x].abs() + rows[y].abs()).to_numpy(), kind="stable")]
    takeaway, alt = _scatter_sentence(rows, label, across, up), _scatter_alt(rows, label, across, up)
    draw = partial(_draw_points, rows=rows, label=label, across=across, up=up, equal=equal, top=top)
    return Drawing(title or takeaway, alt, draw, 5.0, others_note(min(top, len(rows)), len(rows), label, "named", "small dots"))


def _draw_points(ax: Axes, rows: pd.DataFrame, label: str, across: Measure, up: Measure, equal: str, top: int) -> None:
    names, points = list(rows[label].head(top)), rows[[across.name, up.name]].to_numpy()
    low, high = np.minimum(points.min(axis=0), 0), points.max(axis=0)
    room = np.where(high > low, high - low, 1) * 0.09
    ax.set(xlim=(low[0] - room[0] / 3, high[0] + room[0]), ylim=(low[1] - room[1] / 1.5, high[1] + room[1]))
    if equal:
        _draw_equal(ax, equal)
    ax.scatter(*points[top:].T, s=12, color=OTHERS)
    own = list(map(channel_colours(names).get, names)) if label == "channel" else [PLAIN] * len(names)
    ax.scatter(*points[:top].T, s=70, color=own, edgecolor=PAPER, linewidth=0.8, zorder=3)
    line = np.linspace(0, min(ax.get_xlim()[1], ax.get_ylim()[1]), 60 if equal else 0)
    spots, beside = _inches(ax, points[:top]), _inches(ax, np.column_stack([line, line]))
    for name, point, (offset, side) in zip(names, points, _beside(spots, names, beside), strict=False):
        write(ax, short_name(name), tuple(point), offset, ha=side)
    value_axis(ax, across)
    value_axis(ax, up, across=False)


def _draw_equal(ax: Axes, words: str) -> None:
    end = min(ax.get_xlim()[1], ax.get_ylim()[1])
    ax.plot([0, end], [0, end], color=QUIET, linewidth=1, linestyle=(0, (4, 3)), scalex=False, scaley=False)
    write(ax, words, (end, end), (-14, 2), ha="right", va="bottom", size=8.5, color=QUIET)


def _inches(ax: Axes, points: Numbers) -> Numbers:
    """Where the points are on the page, near enough to keep labels apart."""
    (left, right), (bottom, top) = ax.get_xlim(), ax.get_ylim()
    return (points - [left, bottom]) / [right - left, top - bottom] * _AXES_INCHES


def _beside(spots: Numbers, names: Sequence[object], line: Numbers) -> list[tuple[tuple[float, float], str]]:
    """For each point the offset and the side of its label, so that few overlap each other or the line."""
    taken = [Bbox([spot - 0.06, spot + 0.06]) for spot in [*spots, *line]]
    chosen = []
    for spot, name in zip(spots, names, strict=True):
        boxes = [(_label_box(spot, short_name(name), offset, side), offset, side) for offset, side in _AROUND]
        box, offset, side = min(boxes, key=lambda option: sum(_overlap(option[0], other) for other in taken))
        taken.append(box)
        chosen.append((offset, side))
    return chosen


def _label_box(spot: Numbers, name: str, offset: tuple[float, float], side: str) -> Bbox:
    width, height = 0.078 * len(name), 0.16
    x, y = spot + np.array(offset) / 72
    left = x - {"left": 0, "center": width / 2, "right": width}[side]
    return Bbox.from_bounds(left, y - height / 2, width, height)


def _overlap(one: Bbox, other: Bbox) -> float:
    """The area that two labels share, and a little for what would stick out of the figure."""
    shared = Bbox.intersection(one, other)
    beyond = np.maximum(-one.min, 0).sum() + np.maximum(one.max - _AXES_INCHES, 0).sum()
    return (shared.width * shared.height if shared is not None else 0.0) + 1e-3 * float(beyond)


def _scatter_sentence(rows: pd.DataFrame, label: str, across: Measure, up: Measure) -> str:
    highest, furthest = rows.loc[rows[up.name].idxmax()], rows.loc[rows[across.name].idxmax()]
    name = short_name(highest[label], 40)
    if highest[label] == furthest[label]:
        both = [f"{meant.full(highest[meant.name])} {meant.words}" for meant in (up, across)]
        return f"{name} leads in both: {' and '.join(both)}"
    return f"{name} leads in {up.words}, {short_name(furthest[label], 40)} in {across.words}"


def _scatter_alt(rows: pd.DataFrame, label: str, across: Measure, up: Measure) -> str:
    head = f"Scatter plot of {up.words} against {across.words}, {plural(len(rows), 'point')}."
    return f"{head} {_highest(rows, label, up, across)} {_highest(rows, label, across, up)}"


def _highest(rows: pd.DataFrame, label: str, of: Measure, besides: Measure) -> str:
    row = rows.loc[rows[of.name].idxmax()]
    also = f"{besides.words} {besides.full(row[besides.name])}"
    return f"Highest {of.words}: {full_name(row[label])} {of.full(row[of.name])} ({also})."
