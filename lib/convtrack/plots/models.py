"""Figures that compare attribution models: the credit of each channel by each model, and its rank."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from convtrack.errors import ConvtrackError, nearest
from convtrack.gaps import Gap
from convtrack.plots.palette import INK, MARKERS, PALE, PAPER, QUIET, RULE, channel_colours, ink_on, series_colours
from convtrack.plots.style import (
    NOTHING, Drawing, Measure, columns, figure, full_name, measure, name_axis, once_each, others_note, plural, short_name,
    tall, value_axis, write,
)
from convtrack.texts import in_words, plain_name

# ------------------------------------------------------------------------------------------------------- dots


@figure
def dots(credit: pd.DataFrame, of: str = "conversions", share: bool = False,
         models: Sequence[str] | None = None, interval: str | None = None, unit: str = "",
         by: str = "channel", title: str | None = None, top: int = 15) -> Drawing | Gap:
    """Nothing; displays what each model gives each channel, a row a channel and a marker a model.

    Parameters
    ----------
    credit : DataFrame
        One row per model and channel: `model`, `channel`, the amount, and `low`, `high` for `interval`.
    of : str
        The column of the amounts: "conversions" or "value".
    share : bool
        Draws each model's amounts as shares of its total.
    models : sequence of str, optional
        Which models, in which order; all when left out.
    interval : str, optional
        The model whose `low` and `high` are drawn as whiskers.
    unit : str
        Unit of the amounts.
    by : str
        The column of the rows, "channel" or such as "campaign".
    title : str, optional
        A sentence that says what to take away; the widest disagreement when left out.
    top : int
        How many rows are drawn.

    Examples
    --------
    >>> credit = pd.DataFrame({"model": ["first_touch", "last_touch"] * 2, "conversions": [10, 60, 40, 20],
    ...                        "channel": ["Email", "Email", "SMS", "SMS"]})
    >>> dots(credit)  # doctest: +ELLIPSIS
    Dot plot of conversions by channel, 2 models. Email: first touch 10 to last touch 60; SMS: ...
    text: The models disagree most on Email: 10 conversions by first touch, 60 by last touch
    ...
    """
    wide = _by_model(credit, by, of, models)
    wide = (wide / wide.sum()).dropna(how="all") if share else wide
    if wide.empty:
        return NOTHING
    meant = measure(f"{of} share", wide, kind="share") if share else measure(of, wide, unit)
    shown = wide.loc[wide.mean(axis=1).sort_values(ascending=False, kind="stable").index].head(top)
    whiskers = _whiskers(credit, by, interval, of if share else None).reindex(shown.index) if interval else None
    draw = partial(_draw_dots, wide=shown, meant=meant, interval=interval, whiskers=whiskers)
    return Drawing(title or _dots_sentence(shown, meant), _dots_alt(shown, by, meant), draw, tall(len(shown), 0.42, 2.1),
                   others_note(len(shown), len(wide), by))


def _by_model(credit: pd.DataFrame, by: str, of: str, models: Sequence[str] | None) -> pd.DataFrame:
    """The amounts, one row each `by` and one column a model; missing where a model has no such row."""
    rows = columns(credit, ["model", by], [of])
    once_each(rows, "model", by)
    wanted = list(models or dict.fromkeys(rows["model"]))
    for model in wanted:
        _require(model, rows["model"])
    return rows.pivot(index=by, columns="model", values=of)[wanted].dropna(how="all")


def _require(model: str, known: pd.Series, purpose: str = "") -> None:
    if model not in set(known):
        raise ConvtrackError(f"The credit has no model '{model}'{purpose}.{nearest(model, set(known))}")


def _widest(wide: pd.DataFrame) -> object | None:
    """The row on which the models are furthest apart, or None if they agree."""
    spread = wide.max(axis=1) - wide.min(axis=1)
    return spread.idxmax() if spread.max() > 0 else None


def _ends(row: pd.Series) -> tuple[str, str]:
    """The models that give the least and the most, in words."""
    return in_words(row.idxmin()), in_words(row.idxmax())


def _dots_sentence(wide: pd.DataFrame, meant: Measure) -> str:
    widest = _widest(wide)
    if wide.shape[1] == 1:
        most = f"{short_name(wide.index[0], 40)} gets the most by {in_words(wide.columns[0])}"
        return f"{most}: {meant.full(wide.iloc[0, 0])}"
    if widest is None:
        return f"{plural(wide.shape[1], 'model')}, no disagreement on {meant.words}"
    row, words = wide.loc[widest], "of the credit" if meant.kind == "share" else meant.words
    least, most = _ends(row)
    said = f"{meant.full(row.min())} {words} by {least}, {meant.full(row.max())} by {most}"
    return f"The models disagree most on {short_name(widest, 40)}: {said}"


def _dots_alt(wide: pd.DataFrame, by: str, meant: Measure) -> str:
    said = [f"{full_name(name)}: {_range(row, meant)}" for name, row in wide.iterrows()]
    head = f"Dot plot of {meant.words} by {by.replace('_', ' ')}, {plural(wide.shape[1], 'model')}."
    return f"{head} {'; '.join(said)}."


def _range(row: pd.Series, meant: Measure) -> str:
    least, most = _ends(row)
    low, high = meant.text(row.min()), meant.text(row.max())
    return low if row.min() == row.max() else f"{least} {low} to {most} {high}"


def _whiskers(credit: pd.DataFrame, by: str, model: str, total_of: str | None) -> pd.DataFrame:
    """The low and high that a model gives each `by`, as shares of its total if `total_of` names the amounts."""
    rows = columns(credit, ["model", by], ["low", "high", total_of])
    _require(model, rows["model"], " for the interval")
    mine = rows[rows["model"] == model].set_index(by)
    return mine[["low", "high"]] / (mine[total_of].sum() if total_of else 1)


def _draw_dots(ax: Axes, wide: pd.DataFrame, meant: Measure, interval: str | None, whiskers: pd.DataFrame | None) -> None:
    places, colours, widest = np.arange(len(wide)), series_colours(wide.columns), _widest(wide)
    if widest is not None:
        at = list(wide.index).index(widest)
        ax.axhspan(at - 0.5, at + 0.5, color=PALE, zorder=0)
    ax.hlines(places, wide.min(axis=1), wide.max(axis=1), color=RULE, linewidth=3, zorder=1)
    steps = np.linspace(-0.2, 0.2, wide.shape[1]) if wide.shape[1] > 1 else [0.0]
    for model, step, marker in zip(wide.columns, steps, MARKERS * wide.shape[1], strict=False):
        if model == interval:
            ax.hlines(places + step, whiskers["low"], whiskers["high"], color=colours[model], linewidth=1.3, zorder=2)
        ax.scatter(wide[model], places + step, marker=marker, s=48, color=colours[model], edgecolor=PAPER,
                   linewidth=0.6, zorder=3, clip_on=False, label=str(model))
    _legend(ax, colours)
    name_axis(ax, list(wide.index))
    ax.set_ylim(len(wide) - 0.4, -0.6)
    left, right = ax.get_xlim()
    ax.set_xlim(min(0.0, left) if wide.min().min() < 0 else 0.0, right if wide.any(axis=None) else 1.0)
    value_axis(ax, meant)


def _legend(ax: Axes, colours: dict[object, str]) -> None:
    handles = [Line2D([], [], marker=MARKERS[i % len(MARKERS)], color=colour, linestyle="", markersize=6.5)
               for i, colour in enumerate(colours.values())]
    texts = [short_name(plain_name(model), 22) for model in colours]
    ax.legend(handles, texts, loc="lower left", bbox_to_anchor=(0, 1), ncols=min(len(texts), 5), borderaxespad=0.2,
              handletextpad=0.1, columnspacing=1.4)


# ------------------------------------------------------------------------------------------------------- rank


@figure
def rank(credit: pd.DataFrame, models: Sequence[str] | None = None, of: str = "conversions", unit: str = "",
         by: str = "channel", title: str | None = None, top: int = 12) -> Drawing | Gap:
    """Nothing; displays the rank of each channel by two or more models, and so who climbs and who falls.

    Parameters
    ----------
    credit : DataFrame
        Credit, one row per model and channel: `model`, `channel` and the amount.
    models : sequence of str, optional
        Which models, from left to right; all when left out.
    of : str
        The column of the amounts that are ranked.
    unit : str
        Unit of the amounts.
    by : str
        The column of what is ranked.
    title : str, optional
        A sentence that says what to take away; the widest difference when left out.
    top : int
        How many are drawn: those with the best ranks in the first model.

    Examples
    --------
    >>> credit = pd.DataFrame({"model": ["first_touch", "last_touch"] * 2, "conversions": [10, 30, 40, 20],
    ...                        "channel": ["Email", "Email", "SMS", "SMS"]})
    >>> rank(credit)  # doctest: +ELLIPSIS
    Ranks of 2 channels on conversions. By first touch: 1 SMS 40, 2 Email 10. By last touch: 1 Email 30...
    text: SMS ranks 1 by first touch but 2 by last touch
    ...
    """
    wide = _by_model(credit, by, of, models).dropna()
    if wide.empty:
        return NOTHING
    # equal amounts are put in the order of their names, which is the same in every model
    ranks = wide.sort_index().rank(ascending=False, method="first").astype(int)
    ranks = ranks.sort_values(ranks.columns[0], kind="stable").head(top)
    meant = measure(of, wide, unit)
    draw = partial(_draw_ranks, ranks=ranks, wide=wide, meant=meant, by=by)
    return Drawing(title or _rank_sentence(ranks), _rank_alt(ranks, wide, by, meant), draw,
                   tall(int(ranks.max().max()), 0.36, 1.6), others_note(len(ranks), len(wide), by))


def _rank_sentence(ranks: pd.DataFrame) -> str:
    mover = _widest(ranks)
    if mover is None:
        return f"{plural(ranks.shape[1], 'model')}, one order: all rank alike"
    row = ranks.loc[mover]
    best, worst = _ends(row)
    return f"{short_name(mover, 40)} ranks {row.min()} by {best} but {row.max()} by {worst}"


def _draw_ranks(ax: Axes, ranks: pd.DataFrame, wide: pd.DataFrame, meant: Measure, by: str) -> None:
    colours = channel_colours(ranks.index) if by == "channel" else series_colours(ranks.index)
    stops, mover = np.arange(ranks.shape[1]), _widest(ranks)
    for name, row in ranks.iterrows():
        width, layer = (4.5, 3) if name == mover else (2, 2)
        ax.plot(stops, row, color=colours[name], linewidth=width, zorder=layer, label=str(name))
        ax.scatter(stops, row, s=190, color=colours[name], edgecolor=PAPER, zorder=4)
        for stop, place in zip(stops, row, strict=True):
            ax.text(stop, place, str(place), ha="center", va="center_baseline", size=8, weight="bold",
                    color=ink_on(colours[name]), zorder=5)
        for stop, gap, side in ((0, -13, "right"), (stops[-1], 13, "left")):
            text = f"{short_name(name, 22)}  {meant.text(wide.loc[name].iloc[stop])}"
            write(ax, text, (stop, row.iloc[stop]), (gap, 0), ha=side)
    names = [short_name(plain_name(model), 22) for model in ranks.columns]
    ax.set_xticks(stops, names, color=INK, weight="bold")
    ax.xaxis.tick_top()
    ax.tick_params(length=0)
    ax.set(ylim=(ranks.max().max() + 0.6, 0.4), yticks=[], xlim=(-0.12, stops[-1] + 0.12), ylabel="")
    ax.set_xlabel(f"Rank, and {meant.axis[:1].lower() + meant.axis[1:]}", color=QUIET)
    ax.spines[["left", "bottom"]].set_visible(False)


def _rank_alt(ranks: pd.DataFrame, wide: pd.DataFrame, by: str, meant: Measure) -> str:
    said = [f"Ranks of {plural(len(ranks), by)} on {meant.words}."]
    for model in ranks.columns:
        order = ranks[model].sort_values()
        places = [f"{place} {full_name(name)} {meant.text(wide.loc[name, model])}" for name, place in order.items()]
        said.append(f"By {in_words(model)}: {', '.join(places)}.")
    return " ".join(said)
