"""Running a plan of trials on all cores: a folder a trial, kept when it is complete, so that an interruption costs little."""

from __future__ import annotations

import contextlib
import hashlib
import json
import multiprocessing
import os
import shutil
import signal
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from tqdm import tqdm

from ..errors import ConvtrackError, Stopped
from ..staging import alone
from ..workers import leave_with_parent
from ..world import load_scenario, scenario_names
from .trials import Trial, run_trial

SEEDS, VISITORS, QUICK = 20, 100_000, 6_000
GROWING = ("independent", "targeted")  # worlds that are also run at other sizes
SIZES = {30_000: 10, 300_000: 5, 1_000_000: 3}  # visitors: seeds
PLAN, TRIALS, MANIFEST = "plan.json", "trials", "manifest.json"
WORKER = {
    **dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"),  # trials already fill the cores
    "MALLOC_MMAP_THRESHOLD_": str(2**30), "MALLOC_TRIM_THRESHOLD_": str(2**31),  # glibc keeps the room of large arrays for the next
}


class Key(NamedTuple):
    """Which world: a scenario, its size and a seed."""

    scenario: str
    visitors: int
    seed: int

    @property
    def folder(self) -> str:
        """The name of the trial's folder."""
        return f"{self.scenario}-{self.visitors}-{self.seed}"


@dataclass(frozen=True)
class Plan:
    """The trials of a study."""

    name: str
    keys: tuple[Key, ...]

    @property
    def digests(self) -> dict[str, str]:
        """A digest of each scenario's numbers: the same digest, the same worlds."""
        dumps = {name: load_scenario(name).model_dump_json() for name in sorted({key.scenario for key in self.keys})}
        return {name: hashlib.sha256(dump.encode()).hexdigest()[:16] for name, dump in dumps.items()}

    def as_json(self) -> dict[str, object]:
        """What identifies the plan."""
        return {"name": self.name, "trials": [list(key) for key in self.keys], "scenarios": self.digests}


def full_plan() -> Plan:
    """Every world with 20 seeds, at 100,000 visitors or the world's own size where that is smaller, and two of them at others.

    >>> len(full_plan().keys) - sum(SIZES.values()) * len(GROWING) == 20 * len(scenario_names())
    True
    """
    sizes = {name: min(load_scenario(name).visitors, VISITORS) for name in scenario_names()}
    keys = [Key(name, size, seed) for seed in range(1, SEEDS + 1) for name, size in sizes.items()]
    keys += [Key(name, size, seed) for name in GROWING for size, seeds in SIZES.items() for seed in range(1, seeds + 1)]
    return Plan("full", tuple(keys))


def quick_plan() -> Plan:
    """Every world, small and with two seeds: enough to see that everything runs, too little to conclude from."""
    return Plan("quick", tuple(Key(name, QUICK, seed) for name in scenario_names() for seed in (1, 2)))


def run_plan(plan: Plan, out: Path, workers: int | None = None) -> int:
    """How many trials were run now; all of them are then in `out`, those from an earlier call included.

    Parameters
    ----------
    plan : Plan
        The trials.
    out : Path
        The study's folder. One that holds trials of the same plan goes on; one with another plan's is refused.
    workers : int, optional
        How many trials run at a time; as many as there are cores if not given.

    Raises
    ------
    ConvtrackError
        If the folder holds another plan, or another study is at work in it.
    """
    out.mkdir(parents=True, exist_ok=True)
    with alone(out, "study"):
        _claim(plan, out)
        return _run_open(plan, out, workers or os.cpu_count() or 1)


def _run_open(plan: Plan, out: Path, workers: int) -> int:
    """Run the trials that are not yet there, and say how many."""
    left = [key for key in plan.keys if not (out / TRIALS / key.folder).exists()]
    open_ones = sorted(left, key=lambda key: key.visitors, reverse=True)  # so that no core waits long for the last one
    there = len(plan.keys) - len(open_ones)
    print(f"{len(plan.keys)} trials, {there} of them done; each is kept in {out} when it is done.", file=sys.stderr)
    try:
        with tqdm(total=len(plan.keys), initial=there, desc="trials", unit="trial", file=sys.stderr,
                  leave=False) as progress, _pool(workers) as pool:
            for job in as_completed([pool.submit(_keep, key, out / TRIALS) for key in open_ones]):
                job.result()
                progress.update()
    except KeyboardInterrupt:
        kept = len([*(out / TRIALS).glob("[!.]*")])
        raise Stopped(f"Stopped. {kept} of {len(plan.keys)} trials are done and kept in {out}; the same command goes on "
                      f"from there.") from None
    return len(open_ones)


def run_again(keys: Sequence[Key], workers: int | None = 1) -> Iterator[Trial]:
    """Those trials, made as a study makes them, in their order; `workers` at a time, or as many as there are cores."""
    with _pool(workers or os.cpu_count() or 1) as pool:
        yield from pool.map(run_trial, *zip(*keys, strict=True))


def _claim(plan: Plan, out: Path) -> None:
    """Write the plan into the folder, or see that it is the one that is there; half-made trials are swept away."""
    written = json.dumps(plan.as_json(), indent=1) + "\n"
    if _holds_another(plan, written, out):
        raise ConvtrackError(f"{out} holds another study: other trials, or worlds with other numbers. "
                             f"Choose another folder with --out, or delete this one.")
    (out / TRIALS).mkdir(parents=True, exist_ok=True)
    (out / PLAN).write_text(written, encoding="utf-8")
    for half in (out / TRIALS).glob(".*"):
        shutil.rmtree(half)


def _holds_another(plan: Plan, written: str, out: Path) -> bool:
    """Whether the folder has trials of another plan, or a published study of one: what was cloned has no plan beside it."""
    if (out / PLAN).exists():
        return (out / PLAN).read_text(encoding="utf-8") != written
    if (out / MANIFEST).exists():
        manifest = json.loads((out / MANIFEST).read_text(encoding="utf-8"))
        return (manifest["plan"], manifest["scenarios"]) != (plan.name, plan.digests)
    return False


@contextlib.contextmanager
def _pool(workers: int) -> Iterator[ProcessPoolExecutor]:
    """Workers that leave Ctrl-C to us; when it comes, trials that have begun are given up."""
    before = {name: os.environ.get(name) for name in WORKER}
    os.environ |= WORKER
    pool = ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn"), initializer=_begin)
    try:
        yield pool
    except BaseException:
        for process in list((pool._processes or {}).values()):  # the executor has no way of its own to give up running work
            process.terminate()
        pool.shutdown(wait=True, cancel_futures=True)
        raise
    finally:
        for name, value in before.items():
            os.environ.pop(name, None) if value is None else os.environ.update({name: value})
    pool.shutdown()


def _begin() -> None:
    leave_with_parent()
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _keep(key: Key, folder: Path) -> None:
    """Run the trial and keep it, whole or not at all."""
    half = folder / f".{key.folder}"
    half.mkdir(exist_ok=True)
    trial = run_trial(*key)
    trial.credits.to_parquet(half / "credits.parquet", index=False)
    trial.scores.to_parquet(half / "scores.parquet", index=False)
    half.rename(folder / key.folder)
