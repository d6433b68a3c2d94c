"""Prints the tables of docs/study.md: how the world was validated, and what the published study says.

    .venv/bin/python tests/benchmarks/study_tables.py
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from closed_form import plain_world, purchases

from convtrack.study import Published, read_published
from convtrack.world import draw, expected

PEOPLE = 100_000
SHOWN = ["last_touch", "first_touch", "linear", "time_decay", "position_based", "last_non_direct", "markov", "shapley", "platform_claims",
         "last_non_direct+views", "linear+views", "markov+views", "shapley+views", "incremental", "incremental_shapley",
         "incremental_backward", "doubly_robust", "holdout", "oracle", "oracle_told"]


def validation() -> pd.DataFrame:
    """What a formula expects of a plain world, and what the simulation finds, with its standard error."""
    rows = []
    for effect in (0.0, 0.2, 0.4, 0.6):
        numbers = dict(base=0.01, visits=0.05, ads=0.1, effect=effect, half_life=6.0, days=60)
        people, _ = expected(draw(plain_world(**numbers), seed=1, visitors=PEOPLE))
        error = people.std() / np.sqrt(PEOPLE)
        formula = purchases(**numbers)
        rows.append({"effect of an ad": effect, "formula": 1000 * formula, "simulated": 1000 * people.mean(), "standard error": 1000 * error,
                     "standard errors apart": (people.mean() - formula) / error})
    return pd.DataFrame(rows)


def by_world(published: Published, score: str, decimals: int) -> pd.DataFrame:
    """Means of a score over seeds, models down and worlds across."""
    return published.results.wide(score).reindex(SHOWN).round(decimals).rename_axis("model").reset_index()


def growth(published: Published) -> pd.DataFrame:
    """Share error by number of visitors, in the worlds that were run at several sizes."""
    summary = published.results.summary
    rows = summary[(summary["score"] == "share_mae") & summary["model"].isin(SHOWN)]
    sizes = rows.groupby("scenario")["visitors"].nunique()
    rows = rows[rows["scenario"].isin(sizes[sizes > 1].index)]
    table = rows.pivot(index=["scenario", "model"], columns="visitors", values="mean").round(4)
    return table.rename(columns="{:,}".format).reset_index()


def as_markdown(title: str, table: pd.DataFrame) -> str:
    """A table for a page."""
    cells = table.astype(object).where(table.notna(), "")
    lines = [f"| {' | '.join(map(str, row))} |" for row in [table.columns, ["---"] * len(table.columns), *cells.to_numpy().tolist()]]
    return "\n".join([f"### {title}", "", *lines, ""])


def tables() -> Iterator[tuple[str, pd.DataFrame]]:
    """Every table of the page, with its title."""
    published = read_published()
    yield f"Purchases per 1,000 people in a world with a closed form ({PEOPLE:,} people)", validation().round(3)
    yield "Mean absolute error of the channels' shares", by_world(published, "share_mae", 3)
    yield "Regret: profit lost by deciding so, GBP per 100,000 visitors", by_world(published, "regret", 0)
    yield "Over-claim: credit of the paid channels over what they cause", by_world(published, "overclaim", 2)
    yield "Kendall's tau between credit and truth", by_world(published, "tau", 2)
    yield "Share error by number of visitors", growth(published)
    coverage = published.results.coverage()
    yield "How often a holdout's 95 % interval holds the truth", coverage.assign(share=coverage["share"].map("{:.1%}".format))
    verdicts = published.verdicts
    numbers = verdicts[["estimate", "low", "high"]].round(4).astype(str).replace("nan", "")
    yield "Hypotheses", pd.concat([verdicts[["id", "verdict", "claim", "where"]], numbers], axis=1)


def main() -> None:
    """Print the tables as they stand in the page."""
    for title, table in tables():
        print(as_markdown(title, table))


if __name__ == "__main__":
    main()
