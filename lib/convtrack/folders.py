"""Where a person's data is: the study file, and the files of an export. What is not there is refused before anything slow is loaded."""

from __future__ import annotations

from pathlib import Path

from .errors import ConvtrackError, nearest

SUFFIXES = (".csv", ".tsv", ".parquet", ".txt")  # the last only where it is named itself


def neighbour(path: Path) -> str:
    """" Closest: 'x'." for the file beside `path` whose name is most like it."""
    folder = path.parent
    return nearest(path.name, (p.name for p in folder.iterdir())) if folder.is_dir() else f" (No folder {folder} either.)"


def study_path(path: Path) -> Path:
    """The study file that a path names, itself or the folder that holds it.

    Raises
    ------
    ConvtrackError
        If there is none.

    Examples
    --------
    >>> study_path(Path("studdy.yaml"))  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    convtrack.errors.ConvtrackError: There is no study file studdy.yaml...
    """
    path = path / "study.yaml" if path.is_dir() else path
    if not path.exists():
        raise ConvtrackError(f"There is no study file {path}.{neighbour(path)} "
                             f"Make one from your data: convtrack new YOUR_DATA")
    return path


def new_study_path(folder: Path, overwrite: bool) -> Path:
    """Where the study file of a folder is going to be.

    Raises
    ------
    ConvtrackError
        If there is one already that must not be overwritten.
    """
    path = Path(folder) / "study.yaml"
    if path.exists() and not overwrite:
        raise ConvtrackError(f"{path} is there already. Replace it with --force, or choose another --out DIR")
    return path


def data_files(data: Path) -> list[Path]:
    """The files of an export: the one that is named, or those of the folder.

    Raises
    ------
    ConvtrackError
        If there is no such file or folder, or none in it that can be read.
    """
    if not data.exists():
        raise ConvtrackError(f"There is no file or folder {data}.{neighbour(data)} Correct the path.")
    if data.is_file() and data.suffix.lower() not in SUFFIXES:
        raise ConvtrackError(f"{data.name} is no .csv, .tsv or .parquet file. Save it as one, and name that.")
    files = [data] if data.is_file() else sorted(p for p in data.iterdir() if p.suffix.lower() in SUFFIXES[:3])
    if not files:
        raise ConvtrackError(f"The folder {data} holds no .csv, .tsv or .parquet file. Name the folder of the export.")
    return files
