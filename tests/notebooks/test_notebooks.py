"""The committed notebooks: paired with their scripts, complete, and such that any change in what they say is noticed."""

from __future__ import annotations

import base64
import hashlib
import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("[0-9]*.ipynb")) + sorted((ROOT / "notebooks/exercises").glob("*.ipynb"))
LESSONS = [path for path in NOTEBOOKS if path.parent.name == "notebooks"]
NAMES = [path.stem for path in NOTEBOOKS]

_spec = importlib.util.spec_from_file_location("build", ROOT / "notebooks" / "build.py")
build = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(build)


def read(path: Path) -> nbformat.NotebookNode:
    return nbformat.read(path, as_version=4)


def outputs(notebook: nbformat.NotebookNode) -> list:
    return [output for cell in notebook.cells for output in cell.get("outputs", [])]


def images(notebook: nbformat.NotebookNode) -> list:
    return [output for output in outputs(notebook) if "image/png" in output.get("data", {})]


def prose(notebook: nbformat.NotebookNode, rendered: bool) -> str:
    cells = [cell.source for cell in notebook.cells if cell.cell_type == "markdown"]
    said = [o.data["text/markdown"] for o in outputs(notebook) if "text/markdown" in o.get("data", {})]
    return "\n".join(cells + (said if rendered else []))


def visible_code(notebook: nbformat.NotebookNode) -> list[str]:
    cells = [c for c in notebook.cells if c.cell_type == "code" and "hide-input" not in c.metadata.get("tags", [])]
    return [line for cell in cells for line in cell.source.splitlines() if line.strip() and not line.strip().startswith("#")]


def test_every_script_has_its_notebook_and_every_notebook_its_script():
    assert {build.notebook_path(script) for script in build.scripts([])} == set(NOTEBOOKS)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=NAMES)
def test_a_notebook_is_its_script_cell_by_cell(path):
    script = ROOT / "notebooks" / "src" / path.relative_to(ROOT / "notebooks").with_suffix(".py")
    written, stored = build.read_script(script), read(path)
    assert [(c.cell_type, c.source, c.metadata) for c in written.cells] == [(c.cell_type, c.source, c.metadata) for c in stored.cells]
    assert written.metadata == stored.metadata


@pytest.mark.parametrize("path", NOTEBOOKS, ids=NAMES)
def test_a_notebook_is_stored_with_outputs_and_without_errors_or_machine_paths(path):
    notebook = read(path)
    assert outputs(notebook)
    assert not [o for o in outputs(notebook) if o.output_type in ("error", "stream")]
    for output in images(notebook):
        output.data.pop("image/png")  # its letters may spell anything
    assert not re.search(r"(/root|/home|/tmp|/Users|[A-Z]:\\\\)", nbformat.writes(notebook))
    assert not re.search(r"np\.(float|int)64\(", nbformat.writes(notebook))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=NAMES)
def test_the_stored_image_of_every_figure_is_the_one_that_was_drawn(path):
    for output in images(read(path)):
        png = base64.b64decode(output.data["image/png"])
        assert output.metadata["image/png"]["sha256"] == hashlib.sha256(png).hexdigest()


@pytest.mark.parametrize("path", NOTEBOOKS, ids=NAMES)
def test_every_figure_has_a_description_that_says_what_it_shows(path):
    for output in images(read(path)):
        alt = output.metadata["image/png"]["alt"]
        assert len(alt) > 40 and re.search(r"\d", alt)


@pytest.mark.parametrize("path", LESSONS, ids=[path.stem for path in LESSONS])
def test_a_lesson_has_its_anatomy(path):
    notebook = read(path)
    text = prose(notebook, rendered=False)
    assert notebook.cells[0].source.startswith("# ")
    assert re.search(r"\*Lesson \d\d · about \d+ minutes", text)
    assert "you will be able to" in text and "## You can now" in text and "## Further reading" in text
    assert [text.count(f"**{n}.**") for n in ("One", "Two", "Three")] == [1, 1, 1]
    assert f"exercises/{path.stem}_solutions.ipynb" in text
    assert sum("parameters" in c.metadata.get("tags", []) for c in notebook.cells) == 1
    assert len(text[text.index("you will be able to"):text.index("You need")].split("\n- ")) >= 4


@pytest.mark.parametrize("path", LESSONS, ids=[path.stem for path in LESSONS])
def test_a_lesson_has_fourteen_words_of_prose_or_more_for_each_line_of_code(path):
    notebook = read(path)
    words = len(re.findall(r"\w+", prose(notebook, rendered=True)))
    assert words / len(visible_code(notebook)) >= 14


# Digits that are names, definitions or references, and so may stand in a sentence that is not computed.
NAMED_NUMBERS = re.compile(
    r"GA4|40/20/40|95 %|\b(?:19|20)\d\d\b|[Ll]essons? \d\d(?: and \d\d)?|[Ss]teps? \d(?: of 7| and \d)?|\d\d_\w+|30 minutes|"
    r"`[^`]*`|\| \d\d [A-Z][^\n]*|about \d+ minutes|30 %")


@pytest.mark.parametrize("path", LESSONS, ids=[path.stem for path in LESSONS])
def test_no_number_in_a_lessons_prose_is_typed(path):
    for cell in read(path).cells:
        if cell.cell_type == "markdown":
            assert not re.findall(r"[^\n]*\d[^\n]*", NAMED_NUMBERS.sub("", cell.source)), cell.source


@pytest.mark.parametrize("path", NOTEBOOKS, ids=NAMES)
def test_no_cell_silences_a_warning_ends_in_a_semicolon_or_reads_the_clock(path):
    for cell in (c for c in read(path).cells if c.cell_type == "code"):
        assert not cell.source.rstrip().endswith(";")
        assert not re.search(r"warnings\.|filterwarnings|time\.time|datetime\.now|^[!%]", cell.source, flags=re.M)


def run_nbval(path: Path) -> subprocess.CompletedProcess:
    return subprocess.run([sys.executable, "-m", "pytest", "--nbval", "--nbval-current-env", "-q", "-p", "no:cacheprovider",
                           "--nbval-sanitize-with", str(ROOT / "tests/notebooks/sanitize.cfg"), "--rootdir", str(path.parent),
                           "-c", "/dev/null", str(path)], capture_output=True, text=True, cwd=path.parent)


@pytest.fixture(scope="module")
def small_notebook(tmp_path_factory):
    """A notebook with a table, a sentence and a figure, made and executed as a lesson is."""
    script = tmp_path_factory.mktemp("planted") / "00_small.py"
    script.write_text('''# %%
import pandas as pd
import convtrack as ct
table = pd.DataFrame({"channel": ["Email", "Direct"], "conversions": [12, 30]})
ct.show(table, name="credit")

# %%
ct.say("Email brought {n} conversions.", n=table["conversions"][0])

# %%
ct.plots.bars(table, unit="conversions")
''')
    notebook = build.read_script(script)
    build.NotebookClient(notebook, kernel_name="python3", record_timing=False).execute()
    return notebook


@pytest.mark.parametrize("planted", ["nothing", "number", "sentence", "figure"])
def test_nbval_notices_a_planted_change_in_a_number_a_sentence_and_a_figure(planted, small_notebook, tmp_path):
    text = nbformat.writes(small_notebook)
    change = {"nothing": ("", ""), "number": ("[12, 30]", "[13, 30]"), "sentence": ("Email brought", "E-mail brought"),
              "figure": ('ct.plots.bars(table, unit=', 'ct.plots.bars(table.assign(conversions=[12, 31]), unit=')}[planted]
    notebook = nbformat.reads(text, as_version=4)
    for cell in notebook.cells:
        cell.source = cell.source.replace(*change) if change[0] else cell.source
    path = tmp_path / "planted.ipynb"
    nbformat.write(notebook, path)
    result = run_nbval(path)
    assert (result.returncode == 0) == (planted == "nothing"), result.stdout
    failed = re.findall(r"^FAILED .*Cell (\d+)", result.stdout, flags=re.M)
    assert planted != "figure" or set(failed) == {"2"}


@pytest.mark.parametrize("path", NOTEBOOKS, ids=NAMES)
def test_the_code_that_a_reader_sees_fits_on_a_page(path):
    assert [line for line in visible_code(read(path)) if len(line) > 92] == []
