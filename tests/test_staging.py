"""A folder that is being made is whole or not at all, whoever is killed meanwhile, and nothing of it stays."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from convtrack import staging
from convtrack.errors import ConvtrackError
from convtrack.staging import alone, is_at_work, sweep, whole_folder

DEAD = "1 1.5 "  # process 1 began long after 1970


def content(folder: Path) -> dict[str, str]:
    return {str(file.relative_to(folder)): file.read_text() for file in folder.rglob("*") if file.is_file()}


def left_by(owner: str, out: Path, *folders: str) -> None:
    """What another process left beside `out`, or in it: the folders, each with one file called after it."""
    for folder in folders:
        made = out.parent / folder
        made.mkdir(parents=True)
        (made / "file").write_text(folder)
    (out.parent / f".{out.name}-12345678.owner").write_text(owner)


def test_a_folder_comes_whole_and_takes_the_place_of_the_one_before(tmp_path):
    for text in ("old", "new"):
        with whole_folder(tmp_path / "out") as stage:
            (stage / "file").write_text(text)
    assert content(tmp_path) == {"out/file": "new"}


@pytest.mark.parametrize("problem", [KeyboardInterrupt, ValueError])
def test_what_is_stopped_leaves_the_folder_as_it_was_and_nothing_beside_it(problem, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "file").write_text("old")
    with pytest.raises(problem), whole_folder(tmp_path / "out") as stage:
        (stage / "file").write_text("new")
        raise problem
    assert content(tmp_path) == {"out/file": "old"}


@pytest.mark.parametrize(("there", "kept"), [
    (["out", ".out-12345678"], {"out/file": "out"}),  # killed while it was written
    ([".out-12345678-old", ".out-12345678"], {"out/file": ".out-12345678-old"}),  # between the two moves
    (["out", ".out-12345678-old"], {"out/file": "out"}),  # before the old one was deleted
    (["out", "out/.out-12345678-part", ".out-12345678"], {"out/file": "out"}),  # in a place that cannot be moved: while it was copied,
    (["out", "out/.out-12345678", ".out-12345678"], {"out/file": "out/.out-12345678"}),  # and after that
])
def test_what_a_killed_process_left_is_swept_and_one_whole_folder_stays(there, kept, tmp_path):
    left_by(DEAD + staging._machine(), tmp_path / "out", *there)
    sweep(tmp_path / "out")
    assert content(tmp_path) == kept
    assert [path.name for path in tmp_path.iterdir()] == ["out"] and [path.name for path in (tmp_path / "out").iterdir()] == ["file"]


def test_what_another_process_is_making_is_left_alone(tmp_path):
    own = psutil.Process()
    for owner in (f"{own.pid} {own.create_time()!r} {staging._machine()}", DEAD + "another machine"):
        left_by(owner, tmp_path / "out", ".out-12345678")
        before = content(tmp_path)
        sweep(tmp_path / "out")
        sweep(tmp_path / "ou")
        assert content(tmp_path) == before
        staging.shutil.rmtree(tmp_path / ".out-12345678")


@pytest.mark.parametrize("owner", ["", "x", "1", "1 x"])
def test_an_owner_that_cannot_be_read_is_gone(owner, tmp_path):
    (tmp_path / "owner").write_text(owner)
    assert not is_at_work(tmp_path / "owner") and not is_at_work(tmp_path / "nothing")


def test_another_machines_owner_is_gone_after_a_day(tmp_path):
    (tmp_path / "owner").write_text(DEAD + "another machine")
    assert is_at_work(tmp_path / "owner")
    os.utime(tmp_path / "owner", (0, time.time() - 2 * staging.DAY))
    assert not is_at_work(tmp_path / "owner")


def test_one_process_alone_is_at_work_in_a_folder(tmp_path):
    with alone(tmp_path, "study"), pytest.raises(ConvtrackError, match="Another study is at work in"), alone(tmp_path, "study"):
        pass
    with alone(tmp_path, "study"):
        pass
    assert not list(tmp_path.iterdir())


WORKER = """
import multiprocessing, sys, time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from convtrack.workers import leave_with_parent

def work(place):
    Path(place).write_text("")
    time.sleep(120)

if __name__ == "__main__":
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn"), initializer=leave_with_parent) as pool:
        list(pool.map(work, [sys.argv[1] + "/a", sys.argv[1] + "/b"]))
"""


@pytest.mark.skipif(os.name == "nt", reason="sends a POSIX signal")
def test_workers_leave_with_the_process_that_started_them_however_it_ends(tmp_path):
    (tmp_path / "main.py").write_text(WORKER)
    (tmp_path / "at work").mkdir()
    process = subprocess.Popen([sys.executable, "main.py", "at work"], cwd=tmp_path)
    deadline = time.monotonic() + 60
    while len(list((tmp_path / "at work").iterdir())) < 2 and time.monotonic() < deadline:
        time.sleep(0.05)
    children = psutil.Process(process.pid).children(recursive=True)
    assert len(children) >= 2
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    _, alive = psutil.wait_procs(children, timeout=30)
    assert alive == []
