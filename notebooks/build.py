"""Make the notebooks from their scripts: `python notebooks/build.py [NN ...]` executes src/*.py and writes the notebooks.

The scripts are the source; a notebook is its script, executed, with its outputs. Nothing else edits a notebook.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import jupytext
import nbformat
from nbclient import NotebookClient

HERE = Path(__file__).resolve().parent
KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}


def scripts(numbers: list[str]) -> list[Path]:
    """The scripts whose name begins with one of `numbers`, or all."""
    found = sorted((HERE / "src").rglob("[0-9][0-9]_*.py"))
    return [path for path in found if not numbers or path.name[:2] in numbers]


def notebook_path(script: Path) -> Path:
    """Where the notebook of a script is."""
    return (HERE / script.relative_to(HERE / "src")).with_suffix(".ipynb")


def read_script(script: Path) -> nbformat.NotebookNode:
    """The notebook that a script stands for, without outputs, and with cell ids that are the same each time."""
    notebook = jupytext.read(script)
    notebook.metadata = {"convtrack": notebook.metadata.get("convtrack", {}), "kernelspec": KERNEL}
    notebook.nbformat_minor = 5
    for i, cell in enumerate(notebook.cells):
        tags = cell.metadata.get("tags", [])
        cell.metadata = {"tags": tags} if tags else {}
        if "hide-input" in tags:
            cell.metadata["jupyter"] = {"source_hidden": True}
        cell["id"] = f"cell-{i:03d}"
    return notebook


def build(script: Path) -> None:
    """Execute a script's notebook and write it."""
    notebook, target = read_script(script), notebook_path(script)
    NotebookClient(notebook, kernel_name="python3", record_timing=False, resources={"metadata": {"path": target.parent}},
                   ).execute()
    target.parent.mkdir(exist_ok=True)
    notebook.metadata.pop("language_info", None)
    nbformat.write(notebook, target)


def main() -> None:
    os.environ.setdefault("PYTHONHASHSEED", "0")
    for script in scripts(sys.argv[1:]):
        print(f"{notebook_path(script).relative_to(HERE)}", flush=True)
        build(script)


if __name__ == "__main__":
    main()
