"""Figures that compare attribution models: the credit of each channel by each model, and what a model would change."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from convtrack.errors import ConvtrackError, nearest
from convtrack.gaps import Gap
from convtrack.plots.palette import INK, MARKERS, OTHERS, PALE, PAPER, PLAIN, RULE, STRONG, series_colours
from convtrack.plots.style import (
    NOTHING, Drawing, Measure, columns, figure, full_name, measure, name_axis, once_each, others_note, short_name, tall,
    value_axis, write,
)
from convtrack.texts import in_words, plain_name, plural

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


# ---------------------------------------------------------------------------------------------------- changes

VERDICTS = {"more": ("more by every other model", PLAIN), "less": ("less by every other model", STRONG),
            "open": ("depends on the model or on chance", OTHERS)}


@figure
def changes(changed: pd.DataFrame, by: str = "channel", title: str | None = None, top: int = 15) -> Drawing | Gap:
    """Nothing; displays what the models together would change against last click, a bar a channel, coloured by verdict.

    Parameters
    ----------
    changed : DataFrame
        As `Comparison.changes` has it: index or column `channel`; lowest, highest (conversions more than by last click),
        low, high (with their intervals), verdict.
    by : str
        The column of the rows.
    title : str, optional
        A sentence that says what to take away; who gets more and who less when left out.
    top : int
        How many rows are drawn: those that change most.

    Examples
    --------
    >>> changed = pd.DataFrame({"channel": ["Email", "SMS"], "lowest": [-9.0, 2.0], "highest": [-4.0, 3.0],
    ...                         "low": [-9.0, 2.0], "high": [-4.0, 3.0], "verdict": ["less", "more"]})
    >>> changes(changed)  # doctest: +ELLIPSIS
    What the models change against last click, 2 channels. SMS: +2 to +3, more; Email: -9 to -4, less.
    text: Against last click, every other model gives more to SMS, and less to Email
    ...
    """
    rows = columns(changed, [by, "verdict"], ["lowest", "highest", "low", "high"]).dropna()
    if rows.empty:
        return NOTHING
    once_each(rows, by)
    size = rows[["low", "high"]].abs().max(axis=1)
    shown = rows.loc[size.sort_values(ascending=False, kind="stable").index].head(top)
    shown = shown.sort_values("highest", ascending=False, kind="stable").set_index(by)
    meant = measure("difference from last click", shown[["low", "high"]], "conversions", kind="")
    said = [f"{full_name(name)}: {_signed(row, meant)}, {row['verdict']}" for name, row in shown.iterrows()]
    alt = f"What the models change against last click, {plural(len(shown), by)}. {'; '.join(said)}."
    return Drawing(title or _changes_sentence(shown), alt, partial(_draw_changes, shown=shown, meant=meant),
                   tall(len(shown), 0.36, 1.7), others_note(len(shown), len(rows), by))


def _signed(row: pd.Series, meant: Measure) -> str:
    low, high = (f"{'+' if row[end] > 0 else ''}{meant.text(row[end])}" for end in ("lowest", "highest"))
    return low if low == high else f"{low} to {high}"


def _changes_sentence(shown: pd.DataFrame) -> str:
    names = {verdict: [short_name(name, 22) for name in shown.index[shown["verdict"] == verdict]] for verdict in VERDICTS}
    parts = [f"{verdict} to {' and '.join(names[verdict])}" for verdict in ("more", "less") if names[verdict]]
    said = ", and ".join(parts) or "neither more nor less to any"
    return f"Against last click, every other model gives {said}"


def _draw_changes(ax: Axes, shown: pd.DataFrame, meant: Measure) -> None:
    places = np.arange(len(shown))
    colours = [VERDICTS[verdict][1] for verdict in shown["verdict"]]
    ax.hlines(places, shown["low"], shown["high"], color=colours, linewidth=1.3, zorder=2)
    ax.barh(places, (shown["highest"] - shown["lowest"]).clip(lower=0.001), left=shown["lowest"], height=0.5, color=colours, zorder=3)
    ax.axvline(0, color=INK, linewidth=1, zorder=4)
    for place, (_, row) in zip(places, shown.iterrows(), strict=True):
        write(ax, _signed(row, meant), (max(row["high"], 0), place), (6, 0), ha="left", size=9)
    handles = [Line2D([], [], color=colour, linewidth=7, label=label) for verdict, (label, colour) in VERDICTS.items()
               if (shown["verdict"] == verdict).any()]
    ax.legend(handles=handles, loc="lower left", bbox_to_anchor=(0, 1), ncols=3, borderaxespad=0.2)
    name_axis(ax, list(shown.index))
    ax.margins(x=0.12)
    value_axis(ax, meant)
