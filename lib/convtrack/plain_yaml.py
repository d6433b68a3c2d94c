"""A YAML file as plain data, or the one line that says why it cannot be read."""

from __future__ import annotations

from collections.abc import Hashable
from pathlib import Path
from typing import Any

import yaml

from .errors import ConvtrackError

MOST_BYTES = 10_000_000
MOST_VALUES = 100_000  # with every alias written out
LONGEST_NUMBER = 40  # characters; no amount, date or time is longer
NUMBERS = tuple(f"tag:yaml.org,2002:{kind}" for kind in ("int", "float", "timestamp"))


class _PlainLoader(yaml.SafeLoader):
    """YAML's safe loader, which builds plain data only; a key that is written twice, or data without end, is refused."""

    def get_single_node(self) -> yaml.Node | None:
        node = super().get_single_node()
        if node is not None:
            _count_values(node, {})
        return node

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        try:
            return super().construct_object(node, deep)
        except ValueError as error:  # a 30th of February
            raise _refused(f"'{node.value}' is no date or number: {error}", node) from None

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[Any] = set()
        for key in (self.construct_object(key, deep=True) for key, _ in node.value):
            if isinstance(key, Hashable) and key in seen:
                raise _refused(f"the key '{key}' is written twice", node)
            seen |= {key} if isinstance(key, Hashable) else set()
        return super().construct_mapping(node, deep)


def read_yaml(path: Path) -> Any:
    """The file as lists, mappings, texts, numbers and dates; `{}` if it is empty.

    Raises
    ------
    ConvtrackError
        If it is no text file, is not YAML, says a key twice, or would become too large: nested without end, built up from
        aliases, or with a number of thousands of digits.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "study.yaml"
    >>> _ = path.write_text("lookback_days: " + "9" * 5000)
    >>> read_yaml(path)
    Traceback (most recent call last):
    convtrack.errors.ConvtrackError: study.yaml, line 1: a number of 5,000 characters. Correct that line.
    """
    _check_file(path)
    try:
        return yaml.load(path.read_text(encoding="utf-8"), Loader=_PlainLoader) or {}
    except yaml.YAMLError as error:
        raise ConvtrackError(f"{path.name}{_said(error)}") from None
    except UnicodeDecodeError:
        raise ConvtrackError(f"{path.name} is not a text file. Give the study.yaml, not the data.") from None
    except RecursionError:
        raise ConvtrackError(f"{path.name} is nested too deeply. Write it as docs/study_file.md shows.") from None


def _said(error: yaml.YAMLError) -> str:
    mark, problem = getattr(error, "problem_mark", None), getattr(error, "problem", error)
    where = f", line {mark.line + 1}" if mark else ""
    if isinstance(error, yaml.constructor.ConstructorError):
        return f"{where}: {problem}. Correct that line."
    return f"{where}: this is not YAML ({problem}). Check the indentation and the quotes of that line."


def _check_file(path: Path) -> None:
    if not path.is_file():
        raise ConvtrackError(f"{path} is no file. Give the study.yaml, or the folder that it is in.")
    if path.stat().st_size > MOST_BYTES:
        raise ConvtrackError(f"{path.name} is too large for a study file. Give the study.yaml, not the data.")


def _count_values(node: yaml.Node, counts: dict[int, int]) -> int:
    """How many values a node holds, with its aliases written out; `counts` are those of the nodes before, 0 where it began."""
    if id(node) not in counts:
        counts[id(node)] = 0
        counts[id(node)] = 1 + sum(_count_values(child, counts) for child in _children(node))
    size = counts[id(node)]
    if size == 0:
        raise _refused("it holds itself", node)
    if size > MOST_VALUES:
        raise _refused(f"more than {MOST_VALUES:,} values, with every alias written out", node)
    if node.tag in NUMBERS and len(node.value) > LONGEST_NUMBER:
        raise _refused(f"a number of {len(node.value):,} characters", node)
    return size


def _children(node: yaml.Node) -> list[yaml.Node]:
    if isinstance(node, yaml.MappingNode):
        return [part for pair in node.value for part in pair]
    return node.value if isinstance(node, yaml.SequenceNode) else []


def _refused(problem: str, node: yaml.Node) -> yaml.MarkedYAMLError:
    return yaml.constructor.ConstructorError(None, None, problem, node.start_mark)
