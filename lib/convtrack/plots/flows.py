"""Figures of how visitors move on: a funnel of steps, and the flow from stage to stage."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import partial
from itertools import pairwise

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patheffects import withStroke

from convtrack.errors import ConvtrackError
from convtrack.gaps import Gap
from convtrack.plots.palette import INK, OTHERS, PALE, PAPER, PLAIN, QUIET, STRONG, channel_colours
from convtrack.plots.style import (
    NOTHING, Drawing, Measure, columns, figure, full_name, measure, name_axis, others_note, share_of, short_name,
    tall, write,
)
from convtrack.texts import fmt, in_words, plain_name, plural

_REST = "\N{WORD JOINER}rest of "  # a stage's categories put together; no channel is called like this
_BAR = 0.46
_NODE, _APART = 0.04, 0.04  # of a stage's width, and of all that flows: between two categories

# ----------------------------------------------------------------------------------------------------- funnel


@figure
def funnel(steps: pd.DataFrame, what: str = "visitors", title: str | None = None, top: int = 12) -> Drawing | Gap:
    """Nothing; displays the steps of a funnel as bars, and between them how many go no further.

    Parameters
    ----------
    steps : DataFrame
        One row a step, in order: `step` and `count`.
    what : str
        What is counted, in the plural.
    title : str, optional
        A sentence that says what to take away; the largest loss when left out.
    top : int
        How many steps are drawn.

    Examples
    --------
    >>> funnel(pd.DataFrame({"step": ["view_item", "purchase"], "count": [200, 50]}))  # doctest: +ELLIPSIS
    Funnel of visitors, 2 steps: View item 200, Purchase 50 (25.0% of the first). Largest loss: 150 of 200 ...
    text: Most are lost between View item and Purchase: 150 of 200 visitors (75.0%) go no further
    ...
    """
    rows = columns(steps, ["step"], ["count"]).dropna(subset=["count"]).reset_index(drop=True)
    if rows.empty:
        return NOTHING
    rows = rows.assign(name=rows["step"].map(_step_name), lost=-rows["count"].diff().fillna(0))
    shown = rows.head(top)
    note = f"The first {len(shown)} of {len(rows)} steps." if len(shown) < len(rows) else ""
    return Drawing(title or _funnel_sentence(rows, what), _funnel_alt(rows, what), partial(_draw_funnel, rows=shown),
                   tall(len(shown), 0.72, 0.9), note)


def _step_name(step: object) -> str:
    return plain_name(step) if re.fullmatch(r"[a-z0-9_]*[a-z][a-z0-9_]*", str(step)) else full_name(step)


def _largest_loss(rows: pd.DataFrame, what: str = "") -> tuple[str, int]:
    """The largest loss between two steps, and of how many (nothing if there is none), and at which step it shows."""
    at = int(rows["lost"].argmax())
    lost, before = rows["lost"].iloc[at], rows["count"].iloc[at - 1]
    return f"{fmt(lost)} of {fmt(before)}{what} ({share_of(lost, before)})" if lost > 0 else "", at


def _funnel_sentence(rows: pd.DataFrame, what: str) -> str:
    loss, at = _largest_loss(rows, f" {what}")
    if not loss:
        start = f"{fmt(rows['count'].iloc[0])} {what} at {short_name(rows['name'].iloc[0], 40)}"
        return f"{start}, and none is lost on the way"
    before, after = (short_name(name, 32) for name in rows["name"].iloc[[at - 1, at]])
    return f"Most are lost between {before} and {after}: {loss} go no further"


def _funnel_alt(rows: pd.DataFrame, what: str) -> str:
    first, (loss, at) = rows["count"].iloc[0], _largest_loss(rows)
    steps = [f"{name} {fmt(count)}" + (f" ({share_of(count, first)} of the first)" if i else "")
             for i, (name, count) in enumerate(zip(rows["name"], rows["count"], strict=True))]
    said = f"Funnel of {what}, {plural(len(rows), 'step')}: {', '.join(steps)}."
    return f"{said} Largest loss: {loss} before {rows['name'].iloc[at]}." if loss else said


def _draw_funnel(ax: Axes, rows: pd.DataFrame) -> None:
    counts, lost = rows["count"].to_numpy(), rows["lost"].to_numpy()
    for i in range(1, len(rows)):
        sides = [i - 1 + _BAR / 2] * 2 + [i - _BAR / 2] * 2
        ax.fill([0, counts[i - 1], counts[i], 0], sides, color=PALE, zorder=0)
        _draw_loss(ax, i, lost[i], counts[i - 1], lost[i] == lost.max() > 0)
    ax.barh(range(len(rows)), counts, height=_BAR, color=PLAIN)
    for place, count in enumerate(counts):
        of_first = f"   {share_of(count, counts[0])} of the first" if place else ""
        write(ax, f"{fmt(count)}{of_first}", (count, place), (6, 0), size=10)
    name_axis(ax, rows["name"])
    ax.set(xticks=[], xlim=(0, max(counts.max(), 1) * 1.01), ylim=(len(rows) - 0.6, -0.4))
    ax.tick_params(length=0)


def _draw_loss(ax: Axes, place: int, lost: float, before: float, largest: bool) -> None:
    leave, enter = f"▼ {fmt(lost)} leave ({share_of(lost, before)})", f"▲ {fmt(-lost)} more come in here"
    write(ax, leave if lost >= 0 else enter, (0, place - 0.5), (7, 0), size=9,
          color=STRONG if largest else QUIET, weight="bold" if largest else "normal")


# ------------------------------------------------------------------------------------------------------- flow


@figure
def flow(links: pd.DataFrame, weight: str = "conversions", title: str | None = None, top: int = 7) -> Drawing | Gap:
    """Nothing; displays how much flows from category to category, stage by stage from left to right.

    Parameters
    ----------
    links : DataFrame
        One row per combination of stages, with its weight. The columns of the stages, from left to right, are
        all but the weight. A missing stage: it ended before.
    weight : str
        Column of the amounts.
    title : str, optional
        A sentence that says what to take away; the largest flow when left out.
    top : int
        How many categories are drawn at each stage; the rest are put together.

    Examples
    --------
    >>> flow(pd.DataFrame({"first": ["Email", "SMS"], "last": ["Direct", "SMS"], "conversions": [30, 10]}))
    ... # doctest: +ELLIPSIS
    Flow of conversions from first to last, 40 in all. Largest: Email to Direct 30; smallest: SMS to SMS 10...
    text: The most common way: Email to Direct, 30 of 40 conversions (75.0%)...
    ...
    """
    names = [column for column in links.columns if column != weight]
    if len(names) < 2:
        raise ConvtrackError(f"A flow needs two or more columns of stages beside '{weight}', not {names}.")
    rows = columns(links, names, [weight])
    if (rows[weight] < 0).any():
        raise ConvtrackError(f"A flow cannot be negative; '{weight}' goes down to {fmt(rows[weight].min())}.")
    rows = rows[rows[weight] > 0]
    names = [name for name in names if rows[name].notna().any()]
    if len(names) < 2:
        return NOTHING
    rows = rows.assign(**{names[0]: rows[names[0]].astype(object).where(rows[names[0]].notna(), "(missing)")})
    meant, ways = measure(weight, rows[weight]), _largest_first(rows, names, weight)
    drawn, others = _with_rest(rows, names, weight, top)
    note = " ".join(others_note(top, top + count, stage, instead="put together") for stage, count in others.items() if count)
    draw = partial(_draw_flow, links=drawn, meant=meant, others=others)
    return Drawing(title or _flow_sentence(ways, meant), _flow_alt(ways, names, meant), draw, 5.2, note)


def _largest_first(rows: pd.DataFrame, names: str | list[str], weight: str) -> pd.Series:
    sums = rows.groupby(names, dropna=False, sort=False)[weight].sum()
    return sums.sort_values(ascending=False, kind="stable")


def _with_rest(rows: pd.DataFrame, stages: list[str], weight: str, top: int) -> tuple[pd.DataFrame, dict[str, int]]:
    """The links with the smaller categories of each stage put together, and how many those are."""
    rows, others = rows.copy(), {}
    for stage in stages:
        sizes = _largest_first(rows, stage, weight).loc[lambda size: size.index.notna()]
        small = set(sizes.index[top:]) if len(sizes) > top + 1 else set()
        rows[stage] = [_REST + stage if name in small else None if pd.isna(name) else str(name)
                       for name in rows[stage]]
        others[stage] = len(small)
    return rows.groupby(stages, dropna=False, sort=False)[weight].sum().reset_index(), others


def _draw_flow(ax: Axes, links: pd.DataFrame, meant: Measure, others: Mapping[str, int]) -> None:
    """Each stage as a stack of its categories, and bands in the colour of where they come from: a blend would be no channel's."""
    stages = {stage: _stacked(links, stage, meant.name) for stage in others}
    names = {name for nodes in stages.values() for name in nodes.index}
    rest = {_REST + stage: plural(count, "other") for stage, count in others.items()}
    colours = channel_colours(names - set(rest)) | dict.fromkeys(rest, OTHERS)
    halo = [withStroke(linewidth=2.5, foreground=PAPER, alpha=0.8)]
    for place, (stage, nodes) in enumerate(stages.items()):
        side, ha = (-1, "right") if place == 0 else (1, "left")
        write(ax, plain_name(stage), (place, 0), (0, 12), ha="center", weight="bold")
        for name, (top, size) in nodes.iterrows():
            ax.bar(place, size, _NODE, top, color=colours[name])
            label = f"{rest.get(name) or short_name(name, 22)}  {meant.text(size)}"
            write(ax, label, (place + side * _NODE / 2, top + size / 2), (side * 5, 0), ha=ha, color=INK, path_effects=halo)
    for place, (one, other) in enumerate(pairwise(stages)):
        _draw_bands(ax, place, links.groupby([one, other])[meant.name].sum(), stages[one]["top"], stages[other]["top"], colours)
    lowest = max((nodes["top"] + nodes["size"]).max() for nodes in stages.values())
    ax.set(xlim=(-_NODE, len(stages) - 1 + _NODE), ylim=(lowest, 0))
    ax.set_axis_off()


def _stacked(links: pd.DataFrame, stage: str, weight: str) -> pd.DataFrame:
    """The top and the size of each category of a stage, the largest first and the rest last."""
    sizes = _largest_first(links, stage, weight).loc[lambda size: size.index.notna()]
    sizes = sizes.loc[sorted(sizes.index, key=lambda name: name.startswith(_REST))]
    return pd.DataFrame({"top": sizes.cumsum() - sizes + _APART * links[weight].sum() * np.arange(len(sizes)), "size": sizes})


def _draw_bands(ax: Axes, place: int, flows: pd.Series, left: pd.Series, right: pd.Series, colours: Mapping[str, str]) -> None:
    """The flows between the categories of two stages; `left` and `right` say where the first band of each begins."""
    way = np.linspace(0, 1, 60)
    x, bend = place + _NODE / 2 + way * (1 - _NODE), way**2 * (3 - 2 * way)
    leave, arrive = left.to_dict(), right.to_dict()
    for source, target in ((source, target) for source in leave for target in arrive if (source, target) in flows.index):
        top, size = leave[source] + (arrive[target] - leave[source]) * bend, flows[source, target]
        ax.fill_between(x, top, top + size, color=colours[source], alpha=0.45, linewidth=0)
        leave[source] += size
        arrive[target] += size


def _way(way: tuple[object, ...]) -> str:
    return " to ".join(full_name(name) for name in way if not pd.isna(name))


def _flow_sentence(ways: pd.Series, meant: Measure) -> str:
    largest, total = ways.iloc[0], ways.sum()
    part = f"{meant.text(largest)} of {meant.full(total)} {meant.words} ({share_of(largest, total)})"
    return f"The most common way: {short_name(_way(ways.index[0]), 60)}, {part}"


def _flow_alt(ways: pd.Series, stages: list[str], meant: Measure) -> str:
    head = f"Flow of {meant.words} from {in_words(stages[0])} to {in_words(stages[-1])}, {meant.full(ways.sum())} in all."
    key = f"Largest: {_way(ways.index[0])} {meant.text(ways.iloc[0])}"
    key += f"; smallest: {_way(ways.index[-1])} {meant.text(ways.iloc[-1])}" if len(ways) > 1 else ""
    return f"{head} {key}; {plural(len(ways), 'way')}."
