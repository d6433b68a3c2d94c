"""What the study published, and whether it still comes out: tables, parameters, digests and versions in data/study."""

from __future__ import annotations

import json
import platform
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ..errors import ConvtrackError
from ..texts import fmt
from ..world import simulate, write_world
from .hypotheses import judge
from .results import Results, collect
from .runner import MANIFEST, Key, Plan, run_again
from .trials import Trial

HERE = Path(__file__).resolve().parents[3] / "data" / "study"
SHOP = HERE.parent / "larkspur"
NOT_ON_TRIAL = ["truth", "truth_shapley", "oracle", "oracle_told"]  # what is in the tables to compare with
PARTS = ("numpy", "scipy", "pandas", "statsmodels", "duckdb", "ibis-framework")
LONG = 170  # letters of a claim beyond which a table shows its beginning
SAME = "as published"
MOVED = 1e-6  # relative: other versions of a library may round otherwise, and no score depends on more


@dataclass(frozen=True, eq=False)
class Published:
    """The published study: its results, the verdicts, and the file that says how they were made."""

    results: Results
    verdicts: pd.DataFrame
    manifest: dict[str, Any]

    @property
    def findings(self) -> pd.DataFrame:
        """The verdicts to read: id | verdict | claim (its beginning, if long) | margin (the least favourable number, its interval)."""
        rows = [(row.id, row.verdict, row.claim if len(row.claim) <= LONG else row.claim.split(":")[0] + ".",
                 f"{fmt(row.estimate)} ({fmt(row.low)} to {fmt(row.high)})" if pd.notna(row.estimate) else "")
                for row in self.verdicts.itertuples()]
        return pd.DataFrame(rows, columns=["id", "verdict", "claim", "margin"])

    def as_json(self) -> dict[str, Any]:
        """The object that `convtrack study --format json` prints."""
        return self.results.as_json(self.verdicts)


def publish(plan: Plan, out: Path) -> Published:
    """The trials in a study's folder put together, and written as tables beside them.

    Parameters
    ----------
    plan : Plan
        The plan of which every trial is in the folder.
    out : Path
        The study's folder, which gets scores.parquet, credits.parquet, summary.csv, verdicts.csv, coverage.csv, study.json and
        manifest.json.
    """
    results = collect(out)
    verdicts = judge(results)
    results.scores.to_parquet(out / "scores.parquet", index=False, compression="zstd")
    results.credits.to_parquet(out / "credits.parquet", index=False, compression="zstd")
    for name, table in {"summary": results.summary, "verdicts": verdicts, "coverage": results.coverage()}.items():
        table.to_csv(out / f"{name}.csv", index=False, float_format="%.8g", lineterminator="\n")
    versions = {"python": platform.python_version(), **{name: version(name) for name in PARTS}}
    manifest = {"plan": plan.name, "trials": len(plan.keys), "scenarios": plan.digests, "versions": versions}
    _write(out / MANIFEST, manifest)
    published = Published(results, verdicts, manifest)
    _write(out / "study.json", published.as_json())
    return published


def describe(published: Published) -> str:
    """The study in words for a terminal: each world's best and worst model, the noise floor, and the verdicts."""
    errors = published.results.wide("share_mae").reindex(columns=sorted(published.results.main_size))
    floor, errors = errors.reindex(index=["oracle"]), errors.drop(index=NOT_ON_TRIAL, errors="ignore")
    lines = ["Mean absolute error of the channels' shares, by world: nearest and furthest model, and the noise floor"]
    for world in errors:
        known = errors[world].dropna()
        ends = [f"{known.loc[model]:.3f} {model}" for model in (known.idxmin(), known.idxmax())] if len(known) else ["no share is defined"]
        known_floor = f"{floor[world].iloc[0]:.3f}" if floor[world].notna().any() else "not known"
        lines.append(f"  {world:<15}{''.join(f'{end:<30}' for end in ends)}{known_floor}")
    rows = published.verdicts.itertuples()
    return "\n".join([*lines, "Hypotheses", *(f"  {row.id:<4}{row.verdict:<11}{row.claim}" for row in rows)])


def _write(path: Path, content: dict[str, Any]) -> None:
    path.write_text(json.dumps(content, ensure_ascii=False, indent=1, allow_nan=False) + "\n", encoding="utf-8")


def read_published(folder: Path = HERE) -> Published:
    """The study in that folder; the published one if none is given.

    Raises
    ------
    ConvtrackError
        If there is none.
    """
    if not (folder / MANIFEST).exists():
        raise ConvtrackError(f"There is no study in {folder}. Run it: convtrack study --out {folder}")
    results = Results(pd.read_parquet(folder / "scores.parquet"), pd.read_parquet(folder / "credits.parquet"))
    return Published(results, pd.read_csv(folder / "verdicts.csv"), json.loads((folder / MANIFEST).read_text("utf-8")))


def verify_published(folder: Path | None, trials: int | None, workers: int | None = 1) -> Iterator[str]:
    """The lines that `convtrack verify` prints, each as soon as it is known; the shop's tables come first.

    A line ends with "as published" where nothing moved.
    """
    yield from [] if folder else _verify_shop()
    for row in _verified(folder or HERE, trials, workers):
        moved = f"{row['moved']} moved, by up to {row['largest']:.2g} of themselves" if row["moved"] else SAME
        yield f"study {row['scenario']}, {row['visitors']:,} visitors, seed {row['seed']}: {row['compared']:,} numbers, {moved}"


def _verify_shop() -> list[str]:
    """Whether each table of the shop is made again byte for byte."""
    with tempfile.TemporaryDirectory() as folder:
        made = write_world(simulate("larkspur", seed=1), folder)
        pairs = [(file.relative_to(folder), file.read_bytes(), SHOP / file.relative_to(folder)) for file in made]
        return [f"shop {name}: {SAME if there.exists() and there.read_bytes() == new else 'moved'}"
                for name, new, there in pairs]


def verify(folder: Path = HERE, trials: int | None = 3, workers: int | None = 1) -> pd.DataFrame:
    """Some trials of a study run again: scenario | visitors | seed | compared | moved | largest.

    Parameters
    ----------
    folder : Path
        The study's folder; the published one if none is given.
    trials : int or None
        How many; spread evenly over the published ones, other sizes of a world left out. None: every one, of every size.
    workers : int or None
        How many run at a time. None: as many as there are cores.

    Returns
    -------
    DataFrame
        How many numbers were compared, how many moved by more than a millionth of themselves, and by how much the
        largest did, relative to itself.
    """
    return pd.DataFrame(list(_verified(folder, trials, workers)))


def _verified(folder: Path, trials: int | None, workers: int | None) -> Iterator[dict[str, Any]]:
    published = read_published(folder).results
    keys = _sample(published, trials)
    for key, again in zip(keys, run_again(keys, workers), strict=True):
        yield _compared(key, again, published)


def _sample(published: Results, trials: int | None) -> Sequence[Key]:
    rows = published.scores if trials is None else published.main(published.scores)
    keys = rows[["scenario", "visitors", "seed"]].drop_duplicates()
    places = np.linspace(0, len(keys) - 1, trials or len(keys)).round().astype(int)
    return [Key(str(row.scenario), int(row.visitors), int(row.seed)) for row in keys.iloc[np.unique(places)].itertuples()]


def _compared(key: Key, again: Trial, published: Results) -> dict[str, Any]:
    change = np.concatenate([_changes(again.scores, published.scores, key, ["model"]),
                             _changes(again.credits, published.credits, key, ["model", "channel"])])
    return {**key._asdict(), "compared": len(change), "moved": int((change > MOVED).sum()), "largest": float(change.max())}


def _changes(now: pd.DataFrame, before: pd.DataFrame, key: Key, names: list[str]) -> np.ndarray:
    """The relative change of every number of a trial; infinite where a number came or went."""
    of = (before["scenario"] == key.scenario) & (before["visitors"] == key.visitors) & (before["seed"] == key.seed)
    new, old = (table.drop(columns=[*key._fields]).set_index(names) for table in (now, before[of]))
    old, new = old.align(new)
    there, gone = np.abs(old.to_numpy(float)), old.isna().to_numpy() != new.isna().to_numpy()
    change = np.abs(new - old).fillna(0).to_numpy(float) / np.maximum(there, 1e-9, where=~np.isnan(there), out=np.ones_like(there))
    return np.where(gone, np.inf, change).ravel()
