"""Any models, side by side on the same journeys: credit, what differs, and how sure it is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from ..errors import ConvtrackError, nearest
from ..gaps import Gap, passes_gaps
from ..sources import TableSource, neighbour, read_raw, to_numbers
from .markov import Markov
from .model import Model
from .paths import Floats, Paths, as_paths
from .platforms import GA4, GoogleAds, Klaviyo, KlaviyoLegacy, Matomo, Meta, Platform
from .resample import credit_of_draws
from .rules import (
    CustomWeights,
    FirstTouch,
    LastNonDirect,
    LastTouch,
    Linear,
    LinearUnique,
    Participation,
    PositionBased,
    TimeDecay,
    WShaped,
)
from .shapley import Shapley, ShapleyExact, ShapleyOrdered, ShapleyRate

REFERENCE = LastTouch()  # what the others are compared with: last click
BOUNDS = (0.025, 0.975)
MODELS: dict[str, Model] = {model.name: model for model in (
    FirstTouch(), LastTouch(), LastNonDirect(), Linear(), LinearUnique(), PositionBased(),
    PositionBased("j_shaped", first=0.2, last=0.6), PositionBased("inverse_j", first=0.6, last=0.2), WShaped(), TimeDecay(),
    CustomWeights(), Participation(), Markov(), Markov("markov_2", 2), Markov("markov_3", 3), Markov("markov_4", 4),
    Shapley(), ShapleyRate(), ShapleyExact(), ShapleyOrdered(),
    GoogleAds(), Meta(), KlaviyoLegacy(), Klaviyo(), GA4(), Matomo())}
USUAL = ("first_touch", "last_touch", "last_non_direct", "linear", "linear_unique", "position_based", "time_decay", "markov",
         "shapley")


@dataclass(frozen=True)
class Comparison:
    """Credit of several models on the same journeys; `table` has a row for each model and channel.

    Columns: model, channel, conversions, value, share (of what the model credits), difference (in conversions, from
    last_touch), rank (1 is the most conversions). With resamples also low, high, difference_low, difference_high, rank_low,
    rank_high: the 2.5 % and 97.5 % points.
    """

    table: pd.DataFrame
    conversions: float
    value: float
    unattributed: float

    @property
    def models(self) -> list[str]:
        """The models, in the order asked for."""
        return list(dict.fromkeys(self.table["model"]))

    @property
    def sharing(self) -> list[str]:
        """The models that share out all credited conversions; platform views and others with totals of their own do not."""
        totals = self.table.groupby("model")["conversions"].agg(lambda credit: credit.sum(skipna=False))
        credited = self.conversions - self.unattributed
        return [model for model in self.models if abs(totals[model] - credited) <= 1e-6 * max(credited, 1)]

    def wide(self, what: str = "conversions") -> pd.DataFrame:
        """Credit with a row a channel and a column a model; most credited by the first model first."""
        wide = self.table.pivot(index="channel", columns="model", values=what)[self.models].rename_axis(columns=None)
        return wide.sort_values(self.models[0], ascending=False, kind="stable")

    @property
    def sentence(self) -> str:
        """What the comparison covers: how many conversions were credited, and how many could not be."""
        credited = self.conversions - self.unattributed
        return (f"{self.conversions:,.0f} conversions = {credited:,.0f} credited + {self.unattributed:,.0f} unattributed "
                f"(no touch in the lookback window).")

    def as_text(self) -> str:
        """Conversions with a row a channel and a column a model, and their intervals if there are any."""
        if "low" not in self.table:
            return self.wide().round(1).to_string()
        cells = [f"{row.conversions:,.1f} ({row.low:,.1f} to {row.high:,.1f})" for row in self.table.itertuples()]
        written = replace(self, table=self.table.assign(cell=cells)).wide("cell")
        return written.loc[self.wide().index].to_string()

    @property
    def changes(self) -> pd.DataFrame:
        """For each channel, what the models together say against last click: more, less, or open.

        Index channel; lowest and highest (difference from last_touch over the models that share out the conversions), low and
        high (the same with the models' intervals, where there are resamples), best_rank, worst_rank, verdict: "more" if every
        such model gives it more, "less" if every one gives it less, else "open", as it is where an interval holds 0.
        """
        sharing = self.table[self.table["model"].isin(self.sharing)]
        others = sharing[sharing["model"] != REFERENCE.name]
        sure = [c for c in ("difference_low", "difference_high") if c in others] or ["difference", "difference"]
        grouped = others.assign(down=others[sure[0]], up=others[sure[1]]).groupby("channel")
        ranks = sharing.groupby("channel")["rank"]
        table = pd.DataFrame({"lowest": grouped["difference"].min(), "highest": grouped["difference"].max(),
                              "low": grouped["down"].min(), "high": grouped["up"].max(),
                              "best_rank": ranks.min(), "worst_rank": ranks.max()})
        table["verdict"] = np.select([table["low"] > 1e-9, table["high"] < -1e-9], ["more", "less"], "open")
        return table.sort_values("highest", ascending=False, kind="stable")

    @property
    def decisions(self) -> str:
        """Which decisions would change with the model: the first place, and who would get more or less than by last click."""
        if not set(self.sharing) - {REFERENCE.name}:
            return "No model but last click shares out these conversions, so none can change a decision."
        table = self.table[self.table["model"].isin(self.sharing)]
        firsts = sorted(set(table.loc[table["rank"] == 1, "channel"]))
        place = (f"{firsts[0]} is first by every model" if len(firsts) == 1
                 else f"First place depends on the model ({' or '.join(firsts)})")
        verdicts = self.changes["verdict"]
        parts = [f"{', '.join(names)} {'gets' if len(names) == 1 else 'get'} {verdict} than by last click whichever other model"
                 for verdict in ("more", "less") if (names := sorted(verdicts.index[verdicts == verdict]))]
        still = f"for {int((verdicts == 'open').sum())} of {len(verdicts)} channels more or less depends on the model"
        return f"{place}; {'; '.join([*parts, still + (' or on chance' if 'low' in self.table else '')])}."

    @property
    def warnings(self) -> list[str]:
        """What a reader must know before using a figure: negative credit, credit that is undefined, and totals that differ."""
        rows = self.table.set_index(["model", "channel"])["conversions"]
        lines = [f"{model} gives {channel} {credit:,.1f} conversions: negative, and not corrected."
                 for (model, channel), credit in rows[rows < -1e-9].items()]
        lines += [f"{model} is undefined here: its effects cancel each other." for model in rows[rows.isna()].index.unique("model")]
        for model, total in rows.groupby(level="model", sort=False).sum(min_count=1).items():
            if abs(total - (self.conversions - self.unattributed)) > 1e-6 * max(self.conversions, 1):
                lines.append(f"{model} adds up to {total:z,.1f}, not to the {self.conversions - self.unattributed:,.0f} credited "
                             f"conversions.")
        return lines

    def as_json(self) -> dict[str, Any]:
        """The comparison as the object that `convtrack compare --format json` prints; a value not known is None."""
        columns = [c for c in ("conversions", "value", "low", "high") if c in self.table]
        models = {name: {row.channel: {c: _number(getattr(row, c)) for c in columns} for row in rows.itertuples()}
                  for name, rows in self.table.groupby("model", sort=False)}
        return {"models": models, "conversions": self.conversions, "value": _number(self.value),
                "unattributed": self.unattributed}


def _number(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def get_model(model: str | Model) -> Model:
    """The model of that name, or an error that says which there are.

    >>> get_model("linear")
    Linear(name='linear')
    """
    if not isinstance(model, str):
        return model
    if model not in MODELS:
        raise ConvtrackError(f"There is no model '{model}'.{nearest(model, MODELS)} Write some of: {', '.join(MODELS)}")
    return MODELS[model]


def with_platforms(models: Iterable[str | Model], platforms: Mapping[str, Sequence[str]]) -> list[Model]:
    """The models, with the channels that a study names as a platform's own.

    >>> with_platforms(["meta"], {"meta": ["Instagram ads"]})[0].windows
    {'Instagram ads': {'view': 1.0, 'click': 7.0}}
    """
    chosen = [get_model(model) for model in models]
    return [model.seeing(platforms[model.name]) if isinstance(model, Platform) and model.name in platforms else model
            for model in chosen]


@passes_gaps
def claim_table(views: pd.DataFrame, platforms: Iterable[str | Model]) -> pd.DataFrame | Gap:
    """What each platform claims of the same conversions, and how often they are claimed: by nobody, once, more than once.

    Parameters
    ----------
    views : DataFrame
        Journeys with every kind of touch, as `journeys_of(study, interactions=...)` makes them.
    platforms : iterable of str or Platform
        Those that see no channel of these journeys are left out.

    Returns
    -------
    DataFrame or Gap
        Index claimed_by: each platform; then "together" (the sum of their claims), "nobody", "one", "several" and "all
        conversions". Columns conversions, share (of all conversions).

    Examples
    --------
    >>> views = pd.DataFrame({"path": [["Paid Search", "Paid Social"]], "hours": [[5.0, 2.0]], "converted": [True],
    ...                       "interactions": [["click", "view"]], "value": [9.0]})
    >>> claim_table(views, ["google_ads", "meta"])["conversions"].to_dict()  # doctest: +NORMALIZE_WHITESPACE
    {'google_ads': 1.0, 'meta': 1.0, 'together': 2.0, 'nobody': 0.0, 'one': 0.0, 'several': 1.0, 'all conversions': 1.0}
    """
    paths = as_paths(views)
    seeing = [model for model in map(get_model, platforms) if model.obstacle(paths) is None]
    if not seeing:
        return Gap("No channel of these journeys is a platform's own.", "Say which are: `platforms:` in study.yaml.")
    claimed = np.array([np.bincount(paths.rows, model.shares(paths), minlength=len(paths.lengths)) for model in seeing])
    often = claimed.sum(axis=0)
    counts = {model.name: claims @ paths.conversions for model, claims in zip(seeing, claimed, strict=True)}
    counts |= {"together": often @ paths.conversions, "nobody": paths.conversions[often == 0].sum(),
               "one": paths.conversions[often == 1].sum(), "several": paths.conversions[often > 1].sum(),
               "all conversions": paths.conversions.sum()}
    table = pd.DataFrame({"conversions": counts}, dtype=float).rename_axis("claimed_by")
    return table.assign(share=table["conversions"] / counts["all conversions"])


def model_cards() -> pd.DataFrame:
    """The definition card of every model: one row a model, from its docstring."""
    return pd.DataFrame({"model": list(MODELS), "card": [model.card for model in MODELS.values()]})


@passes_gaps
def compare(journeys: pd.DataFrame | Paths, models: Iterable[str | Model] | str | Model | None = None, resamples: int = 0,
            rng: np.random.Generator | None = None, views: pd.DataFrame | None = None) -> Comparison | Gap:
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
    views : DataFrame
        Journeys with every kind of touch, for the platforms among the models, which see opens, deliveries and views too.
        Left out: platforms look at `journeys`.

    Returns
    -------
    Comparison or Gap
        A gap if no conversion has a touch.

    Raises
    ------
    ConvtrackError
        If a model is unknown or cannot work on these paths, or an outcome is negative or missing.

    Examples
    --------
    >>> paths = pd.DataFrame({"path": [["Social", "Email"], ["Email"]], "total_conversions": [1, 2]})
    >>> compare(paths, ["first_touch", "last_touch"]).wide().loc["Email"].to_dict()
    {'first_touch': 2.0, 'last_touch': 3.0}
    """
    paths = as_paths(journeys)
    if (gap := _nothing_to_credit(paths)) is not None:
        return gap
    wanted = [models] if isinstance(models, str | Model) else models
    chosen = [get_model(model) for model in (wanted or usable_models(paths))]
    _check_names(chosen)
    paths, seen = _with_the_same_visitors(paths, journeys, views)
    table = _side_by_side(paths, seen, chosen)
    if resamples:
        table = table.join(_intervals(paths, seen, chosen, resamples, rng))
    value = float(paths.value.sum()) if paths.valued else float("nan")
    return Comparison(table, float(paths.conversions.sum()), value, paths.unattributed)


def _with_the_same_visitors(paths: Paths, journeys: pd.DataFrame | Paths, views: pd.DataFrame | None) -> tuple[Paths, Paths]:
    """The paths of the journeys and those of the views, with one numbering of visitors, so that resamples are the same."""
    if views is None:
        return paths, paths
    visitors = pd.Index(pd.concat([journeys["visitor_id"], views["visitor_id"]]).unique())
    return (replace(paths, owners=visitors.get_indexer(journeys["visitor_id"])),
            replace(as_paths(views), owners=visitors.get_indexer(views["visitor_id"])))


def usable_models(paths: Paths) -> list[str]:
    """The names of the usual models that can work on these paths: without times, all but time_decay."""
    return [name for name in USUAL if MODELS[name].obstacle(paths) is None]


def _check_names(models: Sequence[Model]) -> None:
    names = [model.name for model in models]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice:
        raise ConvtrackError(f"Two models are called '{twice}'. Give one a name of its own: name=\"{twice}_2\"")


def _nothing_to_credit(paths: Paths) -> Gap | None:
    if paths.conversions.sum() == 0:
        return Gap("There is no conversion to credit.", "Check `main_goal` in study.yaml, and its event's name.")
    if paths.unattributed == paths.conversions.sum():
        return Gap("Not one conversion has a touch before it within the lookback window.",
                   "Raise `lookback_days` in study.yaml, or check that event_time and visitor_id are the right columns.")
    return None


def _side_by_side(paths: Paths, seen: Paths, models: Sequence[Model]) -> pd.DataFrame:
    channels = _channels(paths, seen)
    last = _in_rows(REFERENCE.credit(paths), channels)["conversions"]
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
    pairs = [(model, _paths_for(model, paths, seen)) for model in (REFERENCE, *models)]
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


def read_paths(path: Path) -> pd.DataFrame:
    """A file of paths with totals: CSV with channels joined by " > ", or Parquet with lists.

    Raises
    ------
    ConvtrackError
        If the columns `path` and `total_conversions` are not there, or a number is not one.
    """
    if not path.exists():
        raise ConvtrackError(f"There is no file {path}.{neighbour(path)} Write the path of a study.yaml, or of a table of paths.")
    raw = read_raw(path, TableSource(file=path.name))
    for name in ("path", "total_conversions"):
        if name not in raw:
            raise ConvtrackError(f"{path.name} has no column '{name}'.{nearest(name, raw.columns)} Rename one to it.")
    table = pd.DataFrame({"path": _split(raw["path"])}, index=raw.index)
    for name in (c for c in raw.columns if c in ("total_conversions", "total_conversion_value", "total_null")):
        table[name] = to_numbers(raw[name])
        if (bad := table[name].isna() | (table[name] < 0)).any():
            row = bad.idxmax()
            raise ConvtrackError(f"{path.name}, row {row}, column {name}: '{raw.loc[row, name]}' is not a number of 0 or more. "
                                 f"Correct the row.")
    return table


def _split(column: pd.Series) -> pd.Series:
    """Paths as lists, from lists or from text joined by " > "; an empty text is an empty path."""
    paths = pa.array(column)
    paths = paths.combine_chunks() if isinstance(paths, pa.ChunkedArray) else paths
    if not pa.types.is_list(paths.type):
        paths = _without_blanks(pc.split_pattern(paths.cast(pa.string()).fill_null(""), " > "))
    return pd.Series(paths, index=column.index, dtype=pd.ArrowDtype(pa.list_(pa.string())))


def _without_blanks(paths: pa.ListArray) -> pa.ListArray:
    """The paths with their channels trimmed, and without those that are blank."""
    names = pc.utf8_trim_whitespace(paths.flatten())
    kept = pc.not_equal(names, "").to_numpy(zero_copy_only=False)
    ends = np.concatenate([[0], np.cumsum(kept)])[paths.offsets.to_numpy()]
    return pa.ListArray.from_arrays(pa.array(ends, pa.int32()), names.filter(pa.array(kept)))
