"""The lessons: which there are, what they need, and which parameters they take."""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nbformat
from papermill import inspect_notebook

from .errors import ConvtrackError, nearest

HERE = Path(__file__).resolve().parents[2] / "notebooks"
TYPES = {"int": int, "float": float, "str": str, "bool": bool}


@dataclass(frozen=True)
class Parameter:
    """One parameter of a lesson: its type, default, and the values that it may have.

    They are read from the lesson's parameters cell, where each line is `name: type = default  # range; meaning`, and a
    range is written "1 to 90" or "one of: a, b".
    """

    name: str
    type: str
    default: Any
    help: str = ""

    @property
    def range(self) -> str:
        """The range as it is written, or nothing."""
        match = re.match(r"(-?[\d.]+ to -?[\d.]+|one of: [^;]+)", self.help)
        return match.group(1).strip() if match else ""

    def parse(self, value: Any, where: str) -> Any:
        """`value` in the parameter's type, checked against its range; text is converted.

        >>> Parameter("days", "int", 30, "1 to 90; days").parse("14", "-p")
        14
        >>> Parameter("days", "int", 30, "1 to 90; days").parse("400", "-p")
        Traceback (most recent call last):
        convtrack.errors.ConvtrackError: -p days=400: days is a whole number, 1 to 90. Write for example days=30
        """
        problem = ConvtrackError(f"{where} {self.name}={value}: {self.name} is {self._expected()}. "
                                 f"Write for example {self.name}={self.default}")
        try:
            converted = self._convert(value)
        except (ValueError, TypeError):
            raise problem from None
        if not self._allows(converted):
            raise problem
        return converted

    def _expected(self) -> str:
        kind = {"int": "a whole number", "float": "a number", "bool": "true or false", "str": "text"}[self.type]
        return f"{kind}, {self.range}" if self.range else kind

    def _convert(self, value: Any) -> Any:
        if self.type == "bool":
            return {"true": True, "false": False}[str(value).casefold()] if str(value).casefold() in ("true", "false") \
                else _refuse(value)
        if self.type == "int" and not re.fullmatch(r"[+-]?\d+", str(value)):
            return _refuse(value)
        converted = TYPES[self.type](value)
        return converted if self.type != "float" or math.isfinite(converted) else _refuse(value)

    def _allows(self, value: Any) -> bool:
        if self.range.startswith("one of: "):
            return str(value) in [choice.strip() for choice in self.range.removeprefix("one of: ").split(",")]
        if " to " in self.range:
            low, high = (float(end) for end in self.range.split(" to "))
            return low <= float(value) <= high
        return True


def _refuse(value: Any) -> Any:
    raise ValueError(value)


@dataclass(frozen=True)
class Lesson:
    """One lesson: its notebook, its title, what it needs and uses, and its parameters."""

    path: Path
    title: str
    needs: Mapping[str, str] = field(default_factory=dict)
    uses: Mapping[str, str] = field(default_factory=dict)
    parameters: Mapping[str, Parameter] = field(default_factory=dict)

    @property
    def number(self) -> str:
        """The two digits that the file's name begins with."""
        return self.path.name[:2]


def find_lessons(folder: Path = HERE) -> list[Lesson]:
    """The lessons in a folder, in order: every notebook whose name begins with two digits.

    Raises
    ------
    ConvtrackError
        If there are none.
    """
    found = [read_lesson(path) for path in sorted(folder.glob("[0-9][0-9]_*.ipynb"))]
    if not found:
        raise ConvtrackError(f"There are no lessons in {folder}. Run this from a clone of the course, or say where they "
                             f"are: --lessons FOLDER")
    return found


def read_lesson(path: Path) -> Lesson:
    """What a lesson says of itself."""
    notebook = nbformat.read(path, as_version=4)
    about = notebook.metadata.get("convtrack", {})
    title = next((line.removeprefix("# ") for cell in notebook.cells if cell.cell_type == "markdown"
                  for line in cell.source.splitlines() if line.startswith("# ")), path.stem)
    return Lesson(path, title, about.get("needs", {}), about.get("uses", {}), _parameters(path))


def _parameters(path: Path) -> dict[str, Parameter]:
    found = {}
    for name, entry in inspect_notebook(path).items():
        default = ast.literal_eval(entry["default"])
        kind = entry["inferred_type_name"] if entry["inferred_type_name"] in TYPES else type(default).__name__
        found[name] = Parameter(name, kind, default, entry["help"])
    return found


def choose_lessons(lessons: list[Lesson], only: str | None) -> list[Lesson]:
    """The lessons that `only` names ("07,08" or "7"), or all.

    Raises
    ------
    ConvtrackError
        If it names one that is not there.
    """
    if only is None:
        return lessons
    numbers = [part.strip().zfill(2) for part in only.split(",") if part.strip()]
    known = {lesson.number: lesson for lesson in lessons}
    if not numbers:
        raise ConvtrackError(f"--only '{only}' names no lesson. There are: {', '.join(known)}")
    for number in numbers:
        if number not in known:
            raise ConvtrackError(f"--only {only}: there is no lesson {number}. There are: {', '.join(known)}")
    return [known[number] for number in dict.fromkeys(numbers)]


def check_settings(lessons: Iterable[Lesson], from_study: Mapping[str, Mapping[str, Any]]) -> None:
    """Nothing, if every lesson and parameter that a study file sets is there, with a value that it may have.

    Parameters
    ----------
    lessons : iterable of Lesson
        All that there are, whether they are going to run or not.
    from_study : mapping of lesson number to {name: value}
        `lessons:` of the study file.

    Raises
    ------
    ConvtrackError
        One line: the lesson or the parameter that is not there, and the nearest that is.
    """
    lessons = list(lessons)
    known = [lesson.number for lesson in lessons]
    for number in from_study:
        if number not in known:
            raise ConvtrackError(f"study.yaml, lessons: there is no lesson {number}.{nearest(number, known)} "
                                 f"There are: {', '.join(known)}")
    settle_parameters(lessons, [], from_study)


def settle_parameters(lessons: Iterable[Lesson], given: Iterable[str],
                      from_study: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """For each lesson, the parameters that differ from its defaults: those of the study file, then those given as name=value.

    Raises
    ------
    ConvtrackError
        If no chosen lesson has a parameter of that name, or its value has the wrong type or is out of range.
    """
    lessons = list(lessons)
    settled: dict[str, dict[str, Any]] = {lesson.number: {} for lesson in lessons}
    for lesson in lessons:
        for name, value in from_study.get(lesson.number, {}).items():
            settled[lesson.number][name] = _settable(lesson, name).parse(value, f"study.yaml, lessons: {lesson.number}:")
    for assignment in given:
        name, value = _split(assignment)
        takers = [lesson for lesson in lessons if name in lesson.parameters and name != "study"]
        if not takers:
            raise ConvtrackError(f"-p {assignment}: no lesson has a parameter '{name}'.{nearest(name, _names(lessons))} "
                                 f"There are: {', '.join(_names(lessons))}")
        for lesson in takers:
            settled[lesson.number][name] = lesson.parameters[name].parse(value, "-p")
    return settled


def _split(assignment: str) -> tuple[str, str]:
    name, equals, value = assignment.partition("=")
    if not equals or not name.strip():
        raise ConvtrackError(f"-p {assignment}: write it as name=value")
    return name.strip(), value.strip()


def _names(lessons: Iterable[Lesson]) -> list[str]:
    return sorted({name for lesson in lessons for name in lesson.parameters if name != "study"})


def _settable(lesson: Lesson, name: str) -> Parameter:
    if name not in lesson.parameters or name == "study":
        raise ConvtrackError(f"study.yaml, lessons: {lesson.number}: there is no parameter '{name}'."
                             f"{nearest(name, _names([lesson]))} There are: {', '.join(_names([lesson])) or 'none'}")
    return lesson.parameters[name]
