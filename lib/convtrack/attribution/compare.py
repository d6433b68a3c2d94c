"""Any models, side by side on the same journeys."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from ..errors import ConvtrackError
from ..gaps import Gap, passes_gaps
from ..paths import Floats, Paths, as_paths
from .catalogue import get_model, usable_models
from .comparison import LAST_CLICK, Comparison
from .model import Model
from .platforms import Platform
from .resample import credit_of_draws

BOUNDS = (0.025, 0.975)  # of the intervals


@passes_gaps
def compare(journeys: pd.DataFrame | Paths, models: Iterable[str | Model] | str | Model | None = None, resamples: int = 0,
            rng: np.random.Generator | None = None, views: pd.DataFrame | Paths | None = None) -> Comparison | Gap:
    """Credit of each model on the same journeys or paths, with 95 % intervals where `resamples` are asked for.

    Parameters
    ----------
    journeys : DataFrame or Paths
        As `build_journeys` returns it, or paths with totals as `count_paths` does.
    models : iterable of str or Model, or one
        Names from `MODELS`, or model objects with settings of their own. Left out: those in `USUAL` that the table can
        carry, which for a table of paths, without times, leaves out time_decay.
    resamples : int
        Bootstrap resamples for the intervals (2.5 % and 97.5 % points). Visitors are drawn, with replacement, not journeys;
        in a table of paths, which knows no visitors, each journey is its own.
    rng : numpy Generator
        Needed for resamples.
    views : DataFrame or Paths
        Journeys with every kind of touch, for the platforms among the models, which see opens, deliveries and views too.
        Left out: platforms look at `journeys`. With resamples both are journeys tables, which name their visitors.

    Returns
    -------
    Comparison or Gap
        A gap if no conversion has a touch, in the journeys or in the views.

    Raises
    ------
    ConvtrackError
        If a model is unknown or cannot work on these paths, none is named, an outcome is negative or missing, or the
        resamples are less than 0 or not to be had.

    Examples
    --------
    >>> paths = pd.DataFrame({"path": [["Social", "Email"], ["Email"]], "total_conversions": [1, 2]})
    >>> compare(paths, ["first_touch", "last_touch"]).wide().loc["Email"].to_dict()
    {'first_touch': 2.0, 'last_touch': 3.0}
    """
    if resamples < 0:
        raise ConvtrackError(f"resamples={resamples} is no count. Give 0, or how many.")
    paths = as_paths(journeys)
    seen = paths if views is None else as_paths(views)
    if (gap := _nothing_to_credit(paths, seen)) is not None:
        return gap
    wanted = [models] if isinstance(models, str | Model) else models
    chosen = [get_model(model) for model in (usable_models(paths) if wanted is None else wanted)]
    _check_names(chosen)
    if resamples and views is not None:
        paths, seen = _with_the_same_visitors(paths, seen, journeys, views)
    table = _side_by_side(paths, seen, chosen)
    if resamples:
        table = table.join(_intervals(paths, seen, chosen, resamples, rng))
    value = float(paths.value.sum()) if paths.valued else float("nan")
    return Comparison(table, float(paths.conversions.sum()), value, paths.unattributed, paths.unvalued)


def _with_the_same_visitors(paths: Paths, seen: Paths, journeys: pd.DataFrame | Paths,
                            views: pd.DataFrame | Paths) -> tuple[Paths, Paths]:
    """The paths of the journeys and those of the views, with one numbering of visitors, so that resamples are the same."""
    for table in (journeys, views):
        if not (isinstance(table, pd.DataFrame) and "visitor_id" in table):
            raise ConvtrackError("Resamples of journeys and views draw the same visitors, and paths name none. Give both as "
                                 "journeys with visitor_id, as build_journeys makes them, or leave the resamples out.")
    visitors = pd.Index(pd.concat([journeys["visitor_id"], views["visitor_id"]]).unique())
    return (replace(paths, owners=visitors.get_indexer(journeys["visitor_id"])),
            replace(seen, owners=visitors.get_indexer(views["visitor_id"])))


def _check_names(models: Sequence[Model]) -> None:
    if not models:
        raise ConvtrackError("No model is named. Name one, or leave models out for the usual ones.")
    names = [model.name for model in models]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice:
        raise ConvtrackError(f"Two models are called '{twice}'. Give one a name of its own: name=\"{twice}_2\"")


def _nothing_to_credit(paths: Paths, seen: Paths) -> Gap | None:
    if paths.conversions.sum() == 0:
        return Gap("There is no conversion to credit.", "Check `main_goal` in study.yaml, and its event's name.")
    if all(given.unattributed == given.conversions.sum() for given in (paths, seen)):
        return Gap("Not one conversion has a touch before it within the lookback window.",
                   "Raise `lookback_days` in study.yaml, or check that event_time and visitor_id are the right columns.")
    return None


def _side_by_side(paths: Paths, seen: Paths, models: Sequence[Model]) -> pd.DataFrame:
    channels = _channels(paths, seen)
    last = _in_rows(LAST_CLICK.credit(paths), channels)["conversions"]
    tables = []
    for model in models:
        credit = _in_rows(model.credit(_paths_for(model, paths, seen)), channels)
        conversions = credit["conversions"]
        tables.append(credit.assign(model=model.name, share=_shares(conversions), difference=conversions - last,
                                    rank=_ranks(conversions.to_numpy()[:, None])[:, 0]))
    table = pd.concat(tables).reset_index(names="channel")
    return table[["model", "channel", "conversions", "value", "share", "difference", "rank"]]


def _paths_for(model: Model, paths: Paths, seen: Paths) -> Paths:
    return seen if isinstance(model, Platform) else paths


def _channels(paths: Paths, seen: Paths) -> list[str]:
    return sorted({*paths.channels, *seen.channels})


def _in_rows(credit: pd.DataFrame, channels: Sequence[str]) -> pd.DataFrame:
    """Credit with a row for each of the channels; one that is on no path of the model's has none."""
    return credit.set_index("channel").reindex(channels, fill_value=0.0)


def _shares(credit: pd.Series) -> pd.Series:
    """Each channel's share of all credit; NaN where there is none, or where negative credit cancels the rest."""
    total = credit.sum()
    return credit / (total if abs(total) > 1e-9 * credit.abs().sum() else np.nan)


def _ranks(credit: Floats) -> np.ndarray:
    """The place of each channel by its credit, 1 the highest, in each column; equal credit shares the better place.

    Whole numbers, unless some credit is undefined: that has no place (NaN).
    """
    rounded = np.round(credit, 9)
    places = np.array([(rounded > row).sum(axis=0) + 1 for row in rounded], dtype=np.int64)
    return np.where(np.isnan(rounded), np.nan, places) if np.isnan(rounded).any() else places


def _intervals(paths: Paths, seen: Paths, models: Sequence[Model], resamples: int,
               rng: np.random.Generator | None) -> pd.DataFrame:
    if rng is None:
        raise ConvtrackError("Intervals need a random generator. Write rng=np.random.default_rng(1)")
    channels = _channels(paths, seen)
    pairs = [(model, _paths_for(model, paths, seen)) for model in (LAST_CLICK, *models)]
    draws = credit_of_draws(pairs, resamples, rng)
    last, *credits = [_placed(found, given.channels, channels) for found, (_, given) in zip(draws, pairs, strict=True)]
    return pd.concat([_bounds(credit, last) for credit in credits], ignore_index=True)


def _placed(credit: Floats, channels: Sequence[str], wanted: Sequence[str]) -> Floats:
    placed = np.zeros((len(wanted), credit.shape[1]))
    placed[[wanted.index(channel) for channel in channels]] = credit
    return placed


def _bounds(credit: Floats, last: Floats) -> pd.DataFrame:
    """Points of credit, of its difference from last click, and of its rank; arrays have shape (channels, resamples)."""
    bounds = {}
    for name, figures in (("", credit), ("difference_", credit - last), ("rank_", _ranks(credit).astype(float))):
        bounds[f"{name}low"], bounds[f"{name}high"] = np.quantile(figures, BOUNDS, axis=1)
    return pd.DataFrame(bounds)
