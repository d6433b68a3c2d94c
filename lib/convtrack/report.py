"""The report of a run: a page for each lesson, a summary, every result table as CSV, and where it all comes from."""

from __future__ import annotations

import copy
import hashlib
import json
import platform
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import nbformat
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from nbconvert import HTMLExporter
from pygments.formatters import HtmlFormatter
from traitlets.config import Config

from .attribution import compare
from .gaps import Gap
from .journeys import journeys_of
from .passport import Passport
from .settings import Study

LIBRARIES = ("convtrack", "pandas", "numpy", "scipy", "duckdb", "ibis-framework", "matplotlib", "papermill")
SUMMARY_MODELS = ("last_touch", "first_touch", "linear", "markov")


def write_report(study: Study, passport: Passport, runs: Sequence[Any], folder: Path) -> None:
    """Write the report of `runs` into `folder`: index.html, a page a lesson, tables/*.csv, provenance.json."""
    pages = Environment(loader=PackageLoader("convtrack"), autoescape=True, undefined=StrictUndefined,
                        trim_blocks=True, lstrip_blocks=True)
    tables = _write_tables(runs, folder)
    provenance = make_provenance(study, runs)
    (folder / "provenance.json").write_text(json.dumps(provenance, indent=1, sort_keys=True), encoding="utf-8")
    shared = {"study": study, "style": _style(), "runs": runs}
    for i, run in enumerate(runs):
        if run.notebook is not None:
            page = pages.get_template("lesson.html").render(run=run, body=lesson_html(run.notebook), before=_page(runs[:i]),
                                                            after=_page(reversed(runs[i + 1:])), **shared)
            (folder / f"{run.lesson.path.stem}.html").write_text(page, encoding="utf-8")
    summary = pages.get_template("index.html").render(passport=passport, credit=_credit(study), tables=tables,
                                                      gaps=find_gaps(runs), provenance=provenance, **shared)
    (folder / "index.html").write_text(summary, encoding="utf-8")


def _page(runs: Iterable[Any]) -> Any:
    done = [run for run in runs if run.notebook is not None]
    return done[-1] if done else None


def _style() -> Markup:
    own = Path(__file__).with_name("templates").joinpath("style.css").read_text(encoding="utf-8")
    return Markup(own + HtmlFormatter(style="friendly").get_style_defs(".highlight"))


def lesson_html(notebook: nbformat.NotebookNode) -> Markup:
    """An executed notebook as HTML without scripts; cells tagged hide-input show only what they say."""
    settings = Config()
    settings.TagRemovePreprocessor.enabled = True
    settings.TagRemovePreprocessor.remove_input_tags = {"hide-input"}
    settings.HTMLExporter.exclude_input_prompt = settings.HTMLExporter.exclude_output_prompt = True
    body, _ = HTMLExporter(template_name="basic", config=settings).from_notebook_node(_gaps_told_once(notebook))
    return Markup(body)


def _gaps_told_once(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """The notebook with a gap told in full where it first comes up, and in short where it leaves another place empty."""
    notebook, told = copy.deepcopy(notebook), set()
    for output in (output for cell in notebook.cells for output in cell.get("outputs", [])):
        gap = output.get("metadata", {}).get("convtrack", {}).get("gap")
        if gap in told:
            output.data["text/markdown"] = "> *Left out for the same reason.*"
        told |= {gap} - {None}
    return notebook


def find_tables(runs: Iterable[Any]) -> list[tuple[str, str, str]]:
    """Every named table that the lessons show: lesson number, name, and its CSV."""
    return [(run.lesson.number, output.metadata["text/csv"]["name"], output.data["text/csv"])
            for run in runs for output in _outputs(run) if output.metadata.get("text/csv", {}).get("name")]


def find_gaps(runs: Iterable[Any]) -> list[dict[str, str]]:
    """Everything that the lessons had to leave out, once each: lesson number, reason and remedy."""
    found = [(run.lesson.number, output.metadata["convtrack"]["gap"], output.metadata["convtrack"]["remedy"])
             for run in runs for output in _outputs(run) if "gap" in output.metadata.get("convtrack", {})]
    return [dict(zip(("lesson", "gap", "remedy"), gap, strict=True)) for gap in dict.fromkeys(found)]


def _outputs(run: Any) -> Iterable[Any]:
    cells = run.notebook.cells if run.notebook is not None else []
    return [output for cell in cells for output in cell.get("outputs", []) if output.output_type == "display_data"]


def _write_tables(runs: Iterable[Any], folder: Path) -> list[str]:
    (folder / "tables").mkdir()
    names = []
    for number, name, text in find_tables(runs):
        names.append(f"tables/{number}_{name}.csv")
        (folder / names[-1]).write_text(text, encoding="utf-8", newline="")
    return names


@dataclass(frozen=True)
class _Credit:
    """The attribution comparison of the summary page, or why there is none."""

    rows: list[dict[str, Any]]
    models: list[str]
    sentence: str


def _credit(study: Study) -> _Credit:
    comparison = compare(journeys_of(study), SUMMARY_MODELS)
    if isinstance(comparison, Gap):
        return _Credit([], [], comparison.sentence)
    wide = comparison.wide()
    largest = wide.to_numpy().max()
    rows = [{"channel": channel, "credit": [(value, 100 * value / largest) for value in row]}
            for channel, row in zip(wide.index, wide.to_numpy(), strict=True)]
    return _Credit(rows, comparison.models, comparison.sentence)


def make_provenance(study: Study, runs: Iterable[Any]) -> dict[str, Any]:
    """Where the results come from: digests of the study file and its tables, versions, and the lessons' parameters."""
    files = {study.path.name: digest(study.path)}
    files |= {file: digest(study.path.parent / file) for source in study.settings.tables.values() for file in source.files}
    return {"study": study.name, "files_sha256": files, "python": platform.python_version(),
            "versions": {name: version(name) for name in LIBRARIES},
            "lessons": {run.lesson.number: {"status": run.status, "parameters": dict(run.parameters),
                                            "sha256": digest(run.lesson.path)} for run in runs}}


def digest(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
