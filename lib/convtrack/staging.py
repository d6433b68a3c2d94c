"""Folders that are whole or not at all: what is new is written beside, and takes the place of the old in one step.

Beside a folder `results` that is being made stand `.results-1a2b3c4d`, the new content, and `.results-1a2b3c4d.owner`, which says
what process makes it. What a killed process left is swept by the next one that writes there.
"""

from __future__ import annotations

import contextlib
import glob
import os
import platform
import shutil
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import psutil

from .errors import ConvtrackError

OLD, PART, OWNER = "-old", "-part", ".owner"
DAY = 86_400  # seconds: what another machine, or a container, began longer ago was left


@contextlib.contextmanager
def whole_folder(out: Path) -> Iterator[Path]:
    """A new folder to write into, which takes the place of `out` when the block ends well, and is gone when it does not.

    Raises
    ------
    ConvtrackError
        If nothing can be written there.
    """
    out = out.resolve()  # where a link leads to; the link stays
    stage = out.parent / f".{out.name}-{uuid.uuid4().hex[:8]}"
    sweep(out)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        _claim(_owner(stage))
        stage.mkdir()
    except OSError as error:
        raise ConvtrackError(f"Cannot write to {out.parent} ({error.strerror}). Choose another folder: --out FOLDER") from None
    try:
        yield stage
        replace_folder(out, stage)
    finally:
        shutil.rmtree(stage, ignore_errors=True)
        _owner(stage).unlink(missing_ok=True)


def replace_folder(out: Path, stage: Path) -> None:
    """The stage takes the place of the folder; one that cannot be moved, as a mount point, keeps its place and gets the content."""
    old = stage.with_name(stage.name + OLD)
    try:
        if out.exists():
            out.rename(old)
    except OSError:
        part = out / (stage.name + PART)
        shutil.copytree(stage, part)
        os.replace(part, out / stage.name)  # from here on the new content is there in full
        _move_in(out / stage.name)
        return
    stage.rename(out)
    shutil.rmtree(old, ignore_errors=True)


def _move_in(new: Path) -> None:
    """The content of the folder that `new` stands in goes, and that of `new` comes."""
    for part in (part for part in new.parent.iterdir() if part != new):
        shutil.rmtree(part) if part.is_dir() and not part.is_symlink() else part.unlink()
    for part in new.iterdir():
        os.replace(part, new.parent / part.name)
    new.rmdir()


def sweep(out: Path) -> None:
    """Put right what processes that are no more left of `out`: finish what was all there, delete what was not."""
    for owner in out.parent.glob(f".{glob.escape(out.name)}-????????{OWNER}"):
        if is_at_work(owner):
            continue
        stage = owner.with_name(owner.name.removesuffix(OWNER))
        old = stage.with_name(stage.name + OLD)
        with contextlib.suppress(OSError):
            if old.exists() and not out.exists():
                old.rename(out)
            if (out / stage.name).is_dir():
                _move_in(out / stage.name)
        for left in (stage, old, out / (stage.name + PART)):
            shutil.rmtree(left, ignore_errors=True)
        owner.unlink(missing_ok=True)


@contextlib.contextmanager
def alone(folder: Path, what: str) -> Iterator[None]:
    """The only process at work in a folder.

    Raises
    ------
    ConvtrackError
        If another one is, with its number.
    """
    owner = folder / OWNER
    if owner.exists() and is_at_work(owner):
        raise ConvtrackError(f"Another {what} is at work in {folder} (process {owner.read_text(encoding='utf-8').split()[0]}). "
                             f"Wait until it is done, or choose another folder: --out FOLDER")
    _claim(owner)
    try:
        yield
    finally:
        owner.unlink(missing_ok=True)


def is_at_work(owner: Path) -> bool:
    """Whether the process that a file names is still there; one on another machine is taken to be, for a day."""
    with contextlib.suppress(OSError, ValueError, psutil.Error):
        number, began, machine = owner.read_text(encoding="utf-8").split(maxsplit=2)
        if machine != _machine():
            return time.time() - owner.stat().st_mtime < DAY
        return psutil.Process(int(number)).create_time() == float(began)
    return False


def _claim(owner: Path) -> None:
    """Write who makes the folder, whole or not at all."""
    beside = owner.with_name(f"{owner.name}-{os.getpid()}")
    beside.write_text(f"{os.getpid()} {psutil.Process().create_time()!r} {_machine()}", encoding="utf-8")
    os.replace(beside, owner)


def _machine() -> str:
    return platform.node() or "unnamed"


def _owner(stage: Path) -> Path:
    return stage.with_name(stage.name + OWNER)
