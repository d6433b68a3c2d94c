"""Run the lessons on a study: execute, collect, write the report; all of it, or nothing.

Everything is written into a folder beside the target, which takes the target's place when it is complete (`staging`). So an
interruption leaves the last complete results as they were.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import shutil
import signal
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nbformat
from tqdm import tqdm

from .errors import ConvtrackError
from .lessons import Lesson
from .passport import Passport, make_passport
from .settings import Study
from .staging import whole_folder
from .workers import leave_with_parent

MARK = "provenance.json"  # the file by which a results folder is known
Jobs = Mapping[str, tuple[Lesson, dict[str, Any]]]  # by the lesson's number, with its parameters
MEMORY = ", as happens when memory runs out"
STOPPED = "stopped"  # the file that tells a worker which is still starting that there is nothing to do any more


@dataclass(frozen=True)
class LessonRun:
    """What became of one lesson: "done", "failed" or "skipped", why, and the executed notebook."""

    lesson: Lesson
    status: str
    why: str = ""
    notebook: nbformat.NotebookNode | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)


def run_lessons(study: Study, lessons: Sequence[Lesson], parameters: Mapping[str, Mapping[str, Any]], out: Path,
                workers: int = 2) -> list[LessonRun]:
    """The outcome of each lesson on a study; the report is then in `out`, complete.

    Parameters
    ----------
    study : Study
        The study to run them on.
    lessons : sequence of Lesson
        Which lessons, in order.
    parameters : mapping of lesson number to {name: value}
        Checked parameters, as `settle_parameters` returns them.
    out : Path
        The results folder; an earlier run's is replaced, any other folder that is not empty is refused.
    workers : int
        How many lessons run at a time.

    Raises
    ------
    ConvtrackError
        If `out` cannot be written, or is a folder of something else.
    """
    from .report import write_report  # nbconvert takes a second to import, and only a complete run needs it

    _check_target(out)
    with whole_folder(out) as stage:
        passport = make_passport(study, lessons)
        runs = _execute_all(study, lessons, parameters, passport, stage, workers)
        write_report(study, passport, runs, stage)
    return runs


def _check_target(out: Path) -> None:
    if out.exists() and not out.is_dir():
        raise ConvtrackError(f"{out} is a file, and the results need a folder. Choose another: --out FOLDER")
    if out.is_dir() and not (out / MARK).exists() and any(not part.name.startswith(f".{out.resolve().name}-") for part in out.iterdir()):
        raise ConvtrackError(f"{out} holds something else than results. Choose an empty or a new folder: --out FOLDER")
    if out.is_dir() and not os.access(out, os.W_OK):
        raise ConvtrackError(f"Cannot write to {out} (permission denied). Choose another folder: --out FOLDER")


def _execute_all(study: Study, lessons: Sequence[Lesson], parameters: Mapping[str, Mapping[str, Any]], passport: Passport,
                 stage: Path, workers: int) -> list[LessonRun]:
    possible = [lesson for lesson in lessons if passport.lessons[lesson.number]["status"] != "cannot"]
    runs = {lesson.number: LessonRun(lesson, "skipped", passport.lessons[lesson.number]["why"])
            for lesson in lessons if lesson not in possible}
    jobs = {lesson.number: (lesson, _injected(study, lesson, parameters)) for lesson in possible}
    with tqdm(total=len(jobs), desc="lessons", unit="lesson", file=sys.stderr, leave=False) as progress:
        done = _in_processes(jobs, stage, workers, progress)
        for lost in jobs.keys() - done:  # each again, alone: one that went down took others with it
            done |= _in_processes({lost: jobs[lost]}, stage, 1, progress)
    for lost in jobs.keys() - done:
        lesson, given = jobs[lost]
        done[lost] = LessonRun(lesson, "failed", f"its process went down{MEMORY}", None, given)
    return [(runs | done)[lesson.number] for lesson in lessons]


def _in_processes(jobs: Jobs, stage: Path, workers: int, progress: tqdm[Any]) -> dict[str, LessonRun]:
    """What became of each lesson, by number, but for those whose process went down, or was in a pool with one that did."""
    done = {}
    pool = ProcessPoolExecutor(min(workers, max(len(jobs), 1)), mp_context=multiprocessing.get_context("spawn"),
                               initializer=leave_with_parent)
    try:
        with _on_interrupt(signal.SIG_IGN):  # which the workers inherit, so that one that is still starting is not torn apart
            futures = {pool.submit(execute_lesson, lesson, given, stage): number for number, (lesson, given) in jobs.items()}
        for future in as_completed(futures):
            with contextlib.suppress(BrokenProcessPool):
                done[futures[future]] = future.result()
                progress.update()
    except BaseException:
        (stage / STOPPED).touch()
        pool.shutdown(wait=True, cancel_futures=True)
        raise
    pool.shutdown()
    return done


def _injected(study: Study, lesson: Lesson, parameters: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    try:
        path = os.path.relpath(study.path.resolve(), lesson.path.parent.resolve())
    except ValueError:  # another drive, on Windows
        path = str(study.path.resolve())
    return {"study": Path(path).as_posix(), **parameters.get(lesson.number, {})}


def execute_lesson(lesson: Lesson, parameters: Mapping[str, Any], stage: Path) -> LessonRun:
    """One lesson executed by papermill into `stage`; if a cell fails, or its kernel, the notebook up to it is kept."""
    target = stage / lesson.path.name
    why = ""
    with _on_interrupt(signal.default_int_handler), _quiet(stage / "logs" / f"{lesson.path.stem}.txt"):
        import papermill
        from nbclient.exceptions import DeadKernelError

        if (stage / STOPPED).exists():
            raise KeyboardInterrupt
        try:
            papermill.execute_notebook(lesson.path, target, dict(parameters), cwd=lesson.path.parent,
                                       kernel_name="python3", progress_bar=False)
        except papermill.PapermillExecutionError as error:
            why = f"{error.ename}: {error.evalue}".splitlines()[0]
        except DeadKernelError:
            why = f"its kernel died{MEMORY}"
        except Exception as error:  # whatever else becomes of a kernel, the other lessons have theirs
            why = f"its kernel failed: {type(error).__name__}: {error}".splitlines()[0]
    if not target.exists():
        shutil.copyfile(lesson.path, target)
    notebook = _without_clock(target)
    return LessonRun(lesson, "failed" if why else "done", why, notebook, parameters)


@contextlib.contextmanager
def _on_interrupt(handler: Any) -> Iterator[None]:
    """Ctrl-C does what `handler` says meanwhile, where this thread may say so."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


@contextlib.contextmanager
def _quiet(log: Path) -> Iterator[None]:
    """Everything that this process and its kernel say on standard error goes to a log file."""
    log.parent.mkdir(exist_ok=True)
    sys.stderr.flush()
    before = os.dup(2)
    with log.open("wb") as file:
        os.dup2(file.fileno(), 2)
        try:
            yield
        finally:
            sys.stderr.flush()
            os.dup2(before, 2)
            os.close(before)


def _without_clock(path: Path) -> nbformat.NotebookNode:
    """The executed notebook, written again without papermill's times and random ids: two runs give the same file."""
    notebook = nbformat.read(path, as_version=4)
    notebook.metadata.pop("papermill", None)
    for cell in notebook.cells:
        cell.metadata.pop("papermill", None)
        cell.metadata.pop("execution", None)
        if "injected-parameters" in cell.metadata.get("tags", []):
            cell["id"] = "injected-parameters"
    nbformat.write(notebook, path)
    return notebook
