"""Any models, side by side on the same journeys: credit, what differs, and how sure it is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from inspect import cleandoc
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pandas as pd

from ..errors import ConvtrackError, nearest
from ..gaps import Gap, passes_gaps
from ..sources import TableSource, neighbour, read_raw, to_numbers
from .markov import Markov
from .paths import Paths, as_paths
from .rules import FirstTouch, LastNonDirect, LastTouch, Linear, LinearUnique, PositionBased, TimeDecay
from .shapley import Shapley


class Model(Protocol):
    """What every model is: a name, a card (its docstring), and credit for paths."""

    name: str

    def credit(self, paths: Paths) -> pd.DataFrame:
        """Credit by channel: channel, conversions, value."""


MODELS: dict[str, Model] = {model.name: model for model in (
    FirstTouch(), LastTouch(), LastNonDirect(), Linear(), LinearUnique(), PositionBased(), TimeDecay(), Markov(), Shapley())}


@dataclass(frozen=True)
class Comparison:
    """Credit of several models on the same journeys; `table` has a row for each model and channel."""

    table: pd.DataFrame
    conversions: float
    value: float
    unattributed: float

    @property
    def models(self) -> list[str]:
        """The models, in the order asked for."""
        return list(dict.fromkeys(self.table["model"]))

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


def model_cards() -> pd.DataFrame:
    """The definition card of every model: one row a model, from its docstring."""
    return pd.DataFrame({"model": list(MODELS), "card": [cleandoc(m.__doc__ or "") for m in MODELS.values()]})


@passes_gaps
def compare(journeys: pd.DataFrame, models: Iterable[str | Model] | None = None, resamples: int = 0,
            rng: np.random.Generator | None = None) -> Comparison | Gap:
    """Credit of each model on the same journeys or paths, with 95 % intervals where `resamples` are asked for.

    Parameters
    ----------
    journeys : DataFrame
        As `build_journeys` returns it, or paths with totals as `count_paths` does.
    models : iterable of str or Model
        Names from `MODELS`, or model objects with settings of their own. Left out: all that the table can carry, which for a
        table of paths, without times, leaves out time_decay.
    resamples : int
        Bootstrap resamples for `low` and `high` (2.5 % and 97.5 % points of conversions). Visitors are drawn, with
        replacement, not journeys; in a table of paths, which knows no visitors, each journey is its own.
    rng : numpy Generator
        Needed for resamples.

    Returns
    -------
    Comparison or Gap
        A gap if no conversion has a touch.

    Raises
    ------
    ConvtrackError
        If a model is unknown, or an outcome is negative or missing.

    Examples
    --------
    >>> paths = pd.DataFrame({"path": [["Social", "Email"], ["Email"]], "total_conversions": [1, 2]})
    >>> compare(paths, ["first_touch", "last_touch"]).wide().loc["Email"].to_dict()
    {'first_touch': 2.0, 'last_touch': 3.0}
    """
    paths = as_paths(journeys)
    if (gap := _nothing_to_credit(paths)) is not None:
        return gap
    chosen = [get_model(model) for model in (models or usable_models(paths))]
    _check_names(chosen)
    table = pd.concat([model.credit(paths).assign(model=model.name) for model in chosen], ignore_index=True)
    table = table[["model", "channel", "conversions", "value"]]
    if resamples:
        table = table.join(_intervals(paths, chosen, resamples, rng))
    return Comparison(table, float(paths.conversions.sum()), float(paths.value.sum()), paths.unattributed)


def usable_models(paths: Paths) -> list[str]:
    """The names of the models that can work on these paths: without times, all but time_decay."""
    return [name for name in MODELS if paths.hours is not None or name != "time_decay"]


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


def _intervals(paths: Paths, models: Sequence[Model], resamples: int, rng: np.random.Generator | None) -> pd.DataFrame:
    if rng is None:
        raise ConvtrackError("Intervals need a random generator. Write rng=np.random.default_rng(1)")
    draws = [np.concatenate([model.credit(resampled)["conversions"] for model in models])
             for resampled in _resampled(paths, resamples, rng)]
    low, high = np.quantile(draws, [0.025, 0.975], axis=0)
    return pd.DataFrame({"low": low, "high": high})


def _resampled(paths: Paths, resamples: int, rng: np.random.Generator) -> Iterable[Paths]:
    if paths.owners is not None:
        owners = int(paths.owners.max()) + 1
        for _ in range(resamples):
            drawn = rng.multinomial(owners, np.full(owners, 1 / owners))[paths.owners].astype(float)
            yield paths.weighted(drawn, drawn)
        return
    size = np.concatenate([paths.conversions, paths.nulls])  # a journey that converted is not drawn as one that did not
    for _ in range(resamples):
        drawn = rng.multinomial(round(size.sum()), size / size.sum())
        yield paths.weighted(*np.split(np.divide(drawn, size, out=np.zeros_like(size), where=size > 0), 2))


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
    table = pd.DataFrame({"path": raw["path"].map(_split)}, index=raw.index)
    for name in (c for c in raw.columns if c in ("total_conversions", "total_conversion_value", "total_null")):
        table[name] = to_numbers(raw[name])
        if (bad := table[name].isna() | (table[name] < 0)).any():
            row = bad.idxmax()
            raise ConvtrackError(f"{path.name}, row {row}, column {name}: '{raw.loc[row, name]}' is not a number of 0 or more. "
                                 f"Correct the row.")
    return table


def _split(path: Any) -> list[str]:
    if isinstance(path, str):
        return [part.strip() for part in path.split(" > ") if part.strip()]
    return [] if path is None or (isinstance(path, float) and np.isnan(path)) else [part if part is None else str(part) for part in path]
