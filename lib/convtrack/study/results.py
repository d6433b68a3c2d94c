"""The trials put together: means over seeds with intervals, what the truth was, and a verdict for each hypothesis."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import t as student

from ..errors import ConvtrackError
from .runner import TRIALS
from .scores import SCORES

WORLD = ["scenario", "visitors"]


@dataclass(frozen=True, eq=False)
class Results:
    """Scores and credits of all trials, as in `Trial`.

    Examples
    --------
    >>> rows = [("w", 9, seed, "markov", error, 0.1) for seed, error in ((1, 0.02), (2, 0.04))]
    >>> scores = pd.DataFrame(rows, columns=["scenario", "visitors", "seed", "model", "share_mae", "tau"])
    >>> Results(scores, pd.DataFrame()).summary.loc[0, ["mean", "low", "high"]].round(3).tolist()
    [0.03, -0.097, 0.157]
    """

    scores: pd.DataFrame
    credits: pd.DataFrame

    @cached_property
    def summary(self) -> pd.DataFrame:
        """scenario | visitors | model | score | seeds | mean | low | high: means over seeds, with 95 % t-intervals."""
        there = [name for name in SCORES if name in self.scores]
        long = self.scores.melt([*WORLD, "seed", "model"], there, "score").dropna(subset="value")
        groups = long.groupby([*WORLD, "model", "score"], sort=False)["value"]
        table = groups.agg(seeds="count", mean="mean", spread="std").reset_index()
        half = table["spread"] / np.sqrt(table["seeds"]) * student.ppf(0.975, table["seeds"] - 1)
        return table.assign(low=table["mean"] - half, high=table["mean"] + half).drop(columns="spread")

    @cached_property
    def main_size(self) -> dict[str, int]:
        """The size at which each world has the most seeds."""
        seeds = self.scores.groupby(WORLD)["seed"].nunique().reset_index()
        return seeds.sort_values("seed", kind="stable").groupby("scenario").last()["visitors"].to_dict()

    def main(self, table: pd.DataFrame) -> pd.DataFrame:
        """The rows of `table` at each world's main size."""
        return table[table["visitors"] == table["scenario"].map(self.main_size)]

    def wide(self, score: str) -> pd.DataFrame:
        """Means of a score at the main sizes, models down and worlds across."""
        rows = self.main(self.summary)
        return rows[rows["score"] == score].pivot(index="model", columns="scenario", values="mean")

    def by_seed(self, scenario: str, model: str, score: str, visitors: int | None = None) -> pd.Series:
        """A score of a model in a world, by seed; empty where that was not run."""
        size = visitors or self.main_size.get(scenario)
        rows = self.scores[(self.scores["scenario"] == scenario) & (self.scores["visitors"] == size) & (self.scores["model"] == model)]
        return rows.set_index("seed")[score]

    def mean(self, scenario: str, model: str, score: str = "share_mae", visitors: int | None = None) -> float:
        """The mean of a score over seeds."""
        return self.by_seed(scenario, model, score, visitors).mean()

    def credit(self, scenario: str, model: str) -> pd.DataFrame:
        """Credited conversions of a model in a world at its main size, seeds down and channels across."""
        rows = self.main(self.credits)
        rows = rows[(rows["scenario"] == scenario) & (rows["model"] == model)]
        return rows.pivot(index="seed", columns="channel", values="conversions")

    def shares(self, scenario: str, model: str) -> pd.DataFrame:
        """The parts that the channels have in `credit`, by seed."""
        credit = self.credit(scenario, model)
        return credit.div(credit.sum(axis=1), axis=0)

    def coverage(self) -> pd.DataFrame:
        """How often each world's holdout intervals hold the truth: scenario | intervals | covered | share."""
        rows = self.main(self.credits).set_index(["scenario", "seed", "channel"])
        holdout, truth = (rows.loc[rows["model"] == model] for model in ("holdout", "truth"))
        inside = (holdout["low"] <= truth["conversions"]) & (truth["conversions"] <= holdout["high"])
        table = inside.groupby("scenario").agg(intervals="count", covered="sum")
        table.loc["all"] = table.sum()
        return table.assign(share=table["covered"] / table["intervals"]).reset_index()

    def as_json(self, verdicts: pd.DataFrame) -> dict[str, Any]:
        """The study as `convtrack study --format json` prints it; low and high are those of the mean of share_mae."""
        rows = self.main(self.summary)
        means = rows.pivot(index=["scenario", "model"], columns="score", values="mean").reindex(columns=list(SCORES)).reset_index()
        ends = rows[rows["score"] == "share_mae"][["scenario", "model", "low", "high"]]
        cells = means.merge(ends, how="left")
        sizes = {name: {"visitors": size, "seeds": int(self._seeds(name, size))} for name, size in self.main_size.items()}
        return {"scenarios": sizes, "scores": _records(cells), "hypotheses": _records(verdicts)}

    def _seeds(self, scenario: str, size: int) -> int:
        rows = self.scores[(self.scores["scenario"] == scenario) & (self.scores["visitors"] == size)]
        return rows["seed"].nunique()


def _records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows, with None where a number has no meaning."""
    cells = table.astype(object)
    return cells.where(cells.notna(), None).to_dict("records")


def collect(out: Path) -> Results:
    """The results of the trials in a study's folder, in the same order whatever the order in which they were run."""
    folders = sorted(folder for folder in (out / TRIALS).glob("[!.]*"))
    if not folders:
        raise ConvtrackError(f"{out} holds no trial. Run one first: convtrack study --out {out}")
    order = [*WORLD, "seed"]
    tables = [pd.concat([pd.read_parquet(folder / f"{name}.parquet") for folder in folders], ignore_index=True)
              .sort_values(order, kind="stable", ignore_index=True) for name in ("scores", "credits")]
    return Results(*tables)
