"""Figures of the study: models in many worlds, errors channel by channel, and what more data does to an error."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator
from numpy.typing import NDArray

from convtrack.gaps import Gap
from convtrack.plots.palette import INK, MARKERS, OTHERS, PAPER, PLAIN, QUIET, STRONG
from convtrack.plots.style import (
    NOTHING, Drawing, Measure, columns, figure, floats, full_name, measure, name_axis, once_each, short_name, tall,
    value_axis, write,
)
from convtrack.plots.times import _apart
from convtrack.texts import fmt, in_words, plain_name, plural

Numbers = NDArray[np.float64]
MEAN, SPACE = "mean", 0.35  # the column of means; between groups of columns, in cells
LOOKS = {True: (PLAIN, "-"), False: (STRONG, (0, (5, 2)))}  # of a line, by whether its error was halved
DARKEST = 0.97  # quantile of the cells at which the shade is darkest: one huge error should not make all others pale

# ----------------------------------------------------------------------------------------------------- scores


@figure
def scores(table: pd.DataFrame, what: str = "error", unit: str = "", groups: Mapping[str, Sequence[str]] | None = None,
           title: str | None = None) -> Drawing | Gap:
    """Nothing; displays how large an error each model makes in each world: a matrix, the best model on average at the top.

    Parameters
    ----------
    table : DataFrame
        Index: the models; columns: the worlds; cells: errors, the smaller the better. A world without a number is left out.
        A model that lacks some of the worlds has no mean, and stands below the others.
    what : str
        What a number is, as a column would be called.
    unit : str
        Its unit.
    groups : mapping of str to sequence of str, optional
        Worlds that belong together, by what to call them; columns are drawn in this order, and only these.
    title : str, optional
        A sentence that says what to take away; who errs least and most on average when left out.

    Examples
    --------
    >>> scores(pd.DataFrame({"easy": [1.0, 2.0], "hard": [4.0, 9.0]}, index=["markov", "linear"]))  # doctest: +ELLIPSIS
    Matrix of error, 2 models by 2 worlds. Markov: mean 2.50, worst 4.00 (hard); Linear: mean 5.50, worst 9.00...
    text: Markov has the smallest mean error: 2.50, Linear the largest: 5.50; Error...
    ...
    """
    order = [world for worlds in (groups or {"": list(table.columns)}).values() for world in worlds]
    there = table.reindex(columns=order).apply(floats)
    cells = there.dropna(axis=1, how="all").dropna(how="all")
    if cells.empty:
        return NOTHING
    means = cells.mean(axis=1, skipna=False).sort_values(kind="stable")
    cells = cells.loc[means.index].assign(**{MEAN: means})
    meant = measure(what, cells, unit, kind="")
    runs = [[world for world in worlds if world in cells] for worlds in (groups or {"": order}).values()]
    draw = partial(_draw_scores, cells=cells, meant=meant, runs=dict(zip(groups or [""], runs, strict=True)))
    note = f"{meant.axis}. Darker is larger; a frame marks the smallest in its world."
    return Drawing(title or _scores_sentence(means, meant), _scores_alt(cells, meant), draw, tall(len(cells), 0.33, 2.2), note)


def _scores_sentence(means: pd.Series, meant: Measure) -> str:
    known = means.dropna()
    if known.empty:
        return f"{plain_name(meant.name)} by model and world"
    ends = [f"{plain_name(known.index[at])} {word}: {meant.full(known.iloc[at])}"
            for at, word in ((0, f"has the smallest mean {meant.words}"), (-1, "the largest"))]
    return ", ".join(ends[:len(known)])


def _scores_alt(cells: pd.DataFrame, meant: Measure) -> str:
    said = [f"{full_name(plain_name(model))}: {_row_words(row, meant)}" for model, row in cells.iterrows()]
    size = f"{plural(len(cells), 'model')} by {plural(cells.shape[1] - 1, 'world')}"
    return f"Matrix of {meant.words}, {size}. {'; '.join(said)}."


def _row_words(row: pd.Series, meant: Measure) -> str:
    worlds = row.drop(MEAN)
    mean = f"mean {meant.text(row[MEAN])}" if np.isfinite(row[MEAN]) else f"{plural(worlds.notna().sum(), 'world')} only"
    return f"{mean}, worst {meant.text(worlds.max())} ({in_words(worlds.idxmax())})"


def _draw_scores(ax: Axes, cells: pd.DataFrame, meant: Measure, runs: dict[str, list[str]]) -> None:
    starts = _column_starts([*runs.values(), [MEAN]])
    settled = cells.map(lambda value: float(f"{value:.10g}"))  # so that no colour hangs on the last digit
    darkest = np.nanquantile(settled.to_numpy(), DARKEST)
    for name, start in starts.items():
        mesh = ax.pcolormesh([start, start + 1], np.arange(len(cells) + 1), settled[[name]].to_numpy(), cmap="Blues",
                             vmin=0, vmax=max(darkest, 1e-12), edgecolor=PAPER, linewidth=1.5)
        mesh.set_label(in_words(name))
        _write_cells(ax, start, settled[name].to_numpy(), darkest, meant, name == MEAN)
        if name != MEAN:
            _frame_smallest(ax, start, settled[name].where(settled[MEAN].notna()).to_numpy())
    _name_columns(ax, starts, runs)
    ax.set_yticks(np.arange(len(cells)) + 0.5, [short_name(plain_name(model)) for model in cells.index])
    ax.set(xlim=(0, max(starts.values()) + 1), ylim=(len(cells), 0))
    ax.spines[:].set_visible(False)
    ax.tick_params(length=0)


def _column_starts(runs: Sequence[Sequence[str]]) -> dict[str, float]:
    """Where each column begins; there is space between the runs.

    >>> _column_starts([["a", "b"], ["c"]])
    {'a': 0.0, 'b': 1.0, 'c': 2.35}
    """
    before = [SPACE * number for number, run in enumerate(run for run in runs if run) for _ in run]
    return {name: place + space for place, (name, space) in
            enumerate(zip((name for run in runs for name in run), map(float, before), strict=True))}


def _write_cells(ax: Axes, start: float, values: Numbers, darkest: float, meant: Measure, bold: bool) -> None:
    for place in np.flatnonzero(np.isfinite(values)):
        ax.text(start + 0.5, place + 0.5, meant.text(values[place]), ha="center", va="center", size=9,
                color=PAPER if values[place] > 0.55 * darkest else INK, weight="bold" if bold else "normal")


def _frame_smallest(ax: Axes, start: float, values: Numbers) -> None:
    """A frame around every cell of the column that has its smallest number; not a number is out of the running."""
    for place in np.flatnonzero(values == np.nanmin(values, initial=np.inf)):
        ax.add_patch(Rectangle((start + 0.06, place + 0.08), 0.88, 0.84, fill=False, edgecolor=INK, linewidth=1.2))


def _name_columns(ax: Axes, starts: dict[str, float], runs: dict[str, list[str]]) -> None:
    ax.xaxis.tick_top()
    ax.set_xticks([start + 0.5 for start in starts.values()], [short_name(in_words(name), 22) for name in starts],
                  color=INK, rotation=45, ha="left", rotation_mode="anchor")
    for words, run in runs.items():
        if words and run:
            left, right = starts[run[0]], starts[run[-1]] + 1
            line = ax.annotate("", (left, -0.02), (right, -0.02), xycoords=("data", "axes fraction"), annotation_clip=False,
                               arrowprops={"arrowstyle": "-", "color": QUIET, "shrinkA": 2, "shrinkB": 2})
            line.set_in_layout(False)
            ax.annotate(words, ((left + right) / 2, -0.03), xycoords=("data", "axes fraction"), ha="center", va="top", size=9.5,
                        color=INK, annotation_clip=False)


# ----------------------------------------------------------------------------------------------------- misses


@figure
def misses(table: pd.DataFrame, by: str = "world", x: str = "channel", y: str = "share_too_much", low: str = "low",
           high: str = "high", title: str | None = None) -> Drawing | Gap:
    """Nothing; displays by how much shares are too large (bars to the right) or too small (to the left), world beside world.

    Parameters
    ----------
    table : DataFrame
        One row a world and channel.
    by, x : str
        Columns of the worlds and of the channels.
    y, low, high : str
        Columns of the share minus the true share, and of the ends of its interval.
    title : str, optional
        A sentence that says what to take away; the largest miss when left out.

    Examples
    --------
    >>> rows = pd.DataFrame({"world": "w", "channel": ["Email", "SMS"], "share_too_much": [0.2, -0.2],
    ...                      "low": [0.1, -0.3], "high": [0.3, -0.1]})
    >>> misses(rows)  # doctest: +ELLIPSIS
    Bars of shares minus true shares, in percentage points, 1 world. W: Email +20.0, SMS -20.0...
    text: W: the share of Email is 20.0 percentage points too large
    ...
    """
    rows = columns(table, [by, x], [y, low, high]).dropna()
    if rows.empty:
        return NOTHING
    once_each(rows, by, x)
    points = rows.assign(**{name: 100 * rows[name] for name in (y, low, high)})
    wide = {name: points.pivot(index=x, columns=by, values=name)[list(dict.fromkeys(rows[by]))].reindex(rows[x].unique())
            for name in (y, low, high)}
    meant = Measure("too_much", "", "points", 1)
    draw = partial(_draw_misses, middle=wide[y], low=wide[low], high=wide[high])
    return Drawing(title or _misses_sentence(wide[y]), _misses_alt(wide[y], meant), draw, tall(len(wide[y]), 0.36, 1.9))


def _points(value: float) -> str:
    """Percentage points with their sign.

    >>> _points(3.14159), _points(-0.01)
    ('+3.1', '0.0')
    """
    return "0.0" if abs(value) < 0.05 else f"{'+' if value > 0 else ''}{fmt(value, decimals=1)}"


def _misses_sentence(wide: pd.DataFrame) -> str:
    world, channel = wide.abs().unstack().idxmax()
    value = wide.loc[channel, world]
    size = f"{fmt(abs(value), decimals=1)} percentage points too {'large' if value > 0 else 'small'}"
    return f"{plain_name(world)}: the share of {short_name(channel, 40)} is {size}"


def _misses_alt(wide: pd.DataFrame, meant: Measure) -> str:
    said = [f"{plain_name(world)}: {', '.join(f'{full_name(name)} {_points(value)}' for name, value in line.dropna().items())}"
            for world, line in wide.items()]
    head = f"Bars of shares minus true shares, in percentage points, {plural(wide.shape[1], 'world')}."
    return f"{head} {'. '.join(said)}."


def _draw_misses(ax: Axes, middle: pd.DataFrame, low: pd.DataFrame, high: pd.DataFrame) -> None:
    """A panel a world, on one scale."""
    fig = ax.figure
    ax.remove()
    reach = 1.45 * max(high.abs().max().max(), low.abs().max().max(), 1.0)
    for panel, world in zip(fig.subplots(1, middle.shape[1], sharey=True, squeeze=False)[0], middle, strict=True):
        _draw_panel(panel, middle[world].dropna(), low[world], high[world])
        panel.set_title(plain_name(world), loc="left", size=10, weight="bold", color=INK)
        panel.set_xlim(-reach, reach)
    name_axis(fig.axes[0], middle.index)
    for panel in fig.axes:
        panel.spines[["left", "bottom"]].set_visible(False)


def _draw_panel(ax: Axes, values: pd.Series, low: pd.Series, high: pd.Series) -> None:
    places, colours = np.arange(len(values)), np.where(values > 0, STRONG, PLAIN)
    ax.barh(places, values, height=0.62, color=colours)
    ax.hlines(places, low[values.index], high[values.index], color=INK, linewidth=1.2)
    ax.axvline(0, color=INK, linewidth=0.8)
    for place, (name, value) in zip(places, values.items(), strict=True):
        tip, gap, side = (max(high[name], 0), 4, "left") if value > 0 else (min(low[name], 0), -4, "right")
        write(ax, _points(value), (tip, place), (gap, 0), ha=side, size=9)
    value_axis(ax, Measure("percentage points", "", "", 0))


# ----------------------------------------------------------------------------------------------------- growth


@figure
def growth(table: pd.DataFrame, y: str = "error", x: str = "visitors", series: str = "model", low: str = "low",
           high: str = "high", unit: str = "", named: Sequence[str] | None = None, title: str | None = None) -> Drawing | Gap:
    """Nothing; displays what more data does to the error of each model, on scales on which halving is a step of one size.

    A line is solid where the error at the largest size is less than half of that at the smallest, and dashed where it is not.

    Parameters
    ----------
    table : DataFrame
        One row a model and size; errors are positive.
    y, x, series : str
        Columns of the errors, the sizes and the models.
    low, high : str
        Columns of the ends of the intervals, drawn as whiskers.
    unit : str
        Unit of the errors.
    named : sequence of str, optional
        Models that are drawn with their names and whiskers, all if not given; the others are thin and grey.
    title : str, optional
        A sentence that says what to take away; how many errors were halved when left out.

    Examples
    --------
    >>> rows = pd.DataFrame({"model": ["a", "a", "b", "b"], "visitors": [100, 10_000] * 2, "error": [8.0, 1.0, 8.0, 7.0]})
    >>> growth(rows.assign(low=rows["error"], high=rows["error"]))  # doctest: +ELLIPSIS
    Lines of error by visitors, 100 to 10,000, both scales logarithmic. More than halved: A 8 to 1. Not halved: B 8 to 7.
    text: More data more than halves the error of 1 of 2 models
    ...
    """
    rows = columns(table, [series], [x, y, low, high]).dropna(subset=[x, y])
    rows = rows[rows[y] > 0].sort_values(x, kind="stable")
    if rows.empty:
        return NOTHING
    once_each(rows, series, x)
    every = {name: part.set_index(x)[[y, low, high]].set_axis(["value", "low", "high"], axis=1)
             for name, part in rows.groupby(series, sort=False)}
    chosen = {name: every[name] for name in (every if named is None else named) if name in every}
    lines = dict(sorted(chosen.items(), key=lambda line: -line[1]["value"].iloc[-1]))
    others = [line["value"] for name, line in every.items() if name not in lines]
    meant = measure(y, rows[y], unit, kind="")
    halved = sum(map(_halved, every.values()))
    takeaway = f"More data more than halves the {meant.words} of {halved} of {plural(len(every), 'model')}"
    return Drawing(title or takeaway, _growth_alt(lines, rows[x], x, meant),
                   partial(_draw_growth, lines=lines, others=others, x=x, meant=meant), 5.6, _others_words(others))


def _halved(line: pd.DataFrame) -> bool:
    return bool(line["value"].iloc[-1] < line["value"].iloc[0] / 2)


def _others_words(others: Sequence[pd.Series]) -> str:
    if not others:
        return ""
    halved = sum(line.iloc[-1] < line.iloc[0] / 2 for line in others)
    return f"Thin grey lines: {plural(len(others), 'other model')}, of which {fmt(halved)} more than halved."


def _growth_alt(lines: dict[Any, pd.DataFrame], sizes: pd.Series, x: str, meant: Measure) -> str:
    said = []
    for wanted, words in ((True, "More than halved"), (False, "Not halved")):
        ends = [f"{full_name(plain_name(name))} {meant.text(line['value'].iloc[0])} to {meant.text(line['value'].iloc[-1])}"
                for name, line in lines.items() if _halved(line) == wanted]
        said += [f"{words}: {', '.join(ends)}."] if ends else []
    span = f"{fmt(sizes.min())} to {fmt(sizes.max())}"
    return f"Lines of {meant.words} by {in_words(x)}, {span}, both scales logarithmic. {' '.join(said)}"


def _draw_growth(ax: Axes, lines: dict[Any, pd.DataFrame], others: Sequence[pd.Series], x: str, meant: Measure) -> None:
    ax.set(xscale="log", yscale="log")
    values = pd.concat([*others, *(line["value"] for line in lines.values())])
    bottom, top = 0.8 * values.min(), 1.25 * values.max()
    for line in others:
        ax.plot(line.index, line, color=OTHERS, linewidth=0.8, zorder=1)
    for place, (name, line) in enumerate(lines.items()):
        colour, dashes = LOOKS[_halved(line)]
        at = line.index.to_numpy() * _nudge(place, len(lines))
        ax.vlines(at, line["low"].clip(lower=bottom), line["high"].clip(upper=top), color=colour, linewidth=0.9, alpha=0.7)
        ax.plot(at, line["value"], color=colour, marker=MARKERS[place % len(MARKERS)], markersize=5.5, linewidth=1.6,
                linestyle=dashes, markeredgecolor=PAPER, markeredgewidth=0.6, label=plain_name(name), zorder=3)
    ax.set_ylim(bottom, top)
    _growth_axes(ax, sorted(set(values.index)), x, meant)
    _name_line_ends(ax, lines)
    _growth_key(ax, lines)


def _nudge(place: int, count: int) -> float:
    """By what factor a line is moved to the right, so that whiskers stand beside each other."""
    return 1.012 ** (place - (count - 1) / 2)


def _growth_axes(ax: Axes, sizes: Sequence[float], x: str, meant: Measure) -> None:
    low, high = ax.get_ylim()
    steps = [digit * 10.0**power for power in range(-9, 10) for digit in (1, 2, 5)]
    ax.set_xlim(sizes[0] / 1.12, sizes[-1] * 1.12)
    steps = [step for step in steps if low <= step <= high]
    for axis, places, name in ((ax.xaxis, sizes, plain_name(x)), (ax.yaxis, steps, meant.axis)):
        axis.set_major_locator(FixedLocator(places))
        axis.set_minor_locator(NullLocator())
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{float(f'{value:.6g}'):,.10g}"))
        axis.set_label_text(name)
        axis.set_tick_params(labelcolor=QUIET, labelsize=9, length=0)
    ax.yaxis.grid(True)


def _name_line_ends(ax: Axes, lines: dict[Any, pd.DataFrame]) -> None:
    """Writes each name right of its line, moved up or down where two would meet."""
    (bottom, top), right = np.log(ax.get_ylim()), ax.get_xlim()[1]
    order = list(lines)[::-1]
    ends = np.log([lines[name]["value"].iloc[-1] for name in order])
    heights = _apart(ends, (top - bottom) * 0.05)
    heights += max(bottom - heights[0], 0) - max(heights[-1] - top, 0)
    for place, (name, end, height) in enumerate(zip(order, ends, heights, strict=True)):
        at, colour = lines[name].index[-1] * _nudge(len(order) - 1 - place, len(order)), LOOKS[_halved(lines[name])][0]
        ax.plot([at, right * 1.03], np.exp([end, height]), color=colour, linewidth=0.8, clip_on=False)
        write(ax, short_name(plain_name(name)), (right * 1.03, np.exp(height)), (4, 0), size=9, color=colour)


def _growth_key(ax: Axes, lines: dict[Any, pd.DataFrame]) -> None:
    there = {_halved(line) for line in lines.values()}
    handles = [Line2D([], [], color=LOOKS[wanted][0], linestyle=LOOKS[wanted][1], linewidth=1.8, label=words)
               for wanted, words in ((True, "more than halved over these sizes"), (False, "not halved")) if wanted in there]
    ax.legend(handles=handles, loc="lower left", bbox_to_anchor=(0, 1), ncols=2, borderaxespad=0.2)
