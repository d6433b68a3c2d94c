"""The pages that people read say what the code does."""

from __future__ import annotations

import doctest
import re
import sys
from pathlib import Path

import pytest

from convtrack.attribution import MODELS
from convtrack.goals import Goal
from convtrack.lessons import find_lessons
from convtrack.schema import dictionary_page
from convtrack.settings import StudyFile
from convtrack.sources import TableSource

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests" / "benchmarks"))
import study_tables  # noqa: E402

README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_data_dictionary_is_made_from_the_contract():
    assert (ROOT / "docs" / "data_dictionary.md").read_text(encoding="utf-8") == dictionary_page()


def test_every_key_of_a_study_file_is_described():
    page = (ROOT / "docs" / "study_file.md").read_text(encoding="utf-8")
    for model in (StudyFile, TableSource, Goal):
        for key in model.model_fields:
            assert f"| `{key}` |" in page, key


def test_the_readme_lists_every_lesson_with_the_minutes_that_it_says_of_itself():
    for lesson in find_lessons(ROOT / "notebooks"):
        minutes = re.search(r"about (\d+) minutes", lesson.path.read_text(encoding="utf-8")).group(1)
        assert re.search(rf"\| {lesson.number} \| \[[^]]+\]\(notebooks/{lesson.path.name}\) \| {minutes} \|", README), lesson.path.name


def test_every_file_that_a_page_links_to_is_there():
    for page in [ROOT / "README.md", *(ROOT / "docs").glob("*.md"), ROOT / "data" / "README.md"]:
        for target in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


@pytest.mark.parametrize("command", ["python3 course.py run", "python3 course.py test"])
def test_both_commands_are_on_the_first_screen_of_the_readme(command):
    assert command in "\n".join(README.splitlines()[:15])


def test_the_tables_of_the_study_are_made_from_what_is_published():
    page = (ROOT / "docs" / "study.md").read_text(encoding="utf-8")
    made = [study_tables.as_markdown(title, table) for title, table in study_tables.tables()]
    assert page.endswith("\n".join(made))


def test_the_figures_that_are_worked_by_hand_are_those_that_are_computed():
    failed, tried = doctest.testfile(str(ROOT / "docs" / "attribution.md"), module_relative=False)
    assert (failed, tried >= 10) == (0, True)


def test_every_model_named_on_the_page_of_attribution_is_one():
    page = (ROOT / "docs" / "attribution.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`((?:markov|shapley|linear|position|j_|inverse)[a-z_0-9]*)`", page))
    assert named <= set(MODELS) and len(named) >= 8
