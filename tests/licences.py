"""The licences of the packages that run with convtrack; as a page: python tests/licences.py > docs/licences.md"""

from __future__ import annotations

import re
import tomllib
from contextlib import suppress
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
BINDING = re.compile(r"(?<!L)(?<!Lesser )\b[AS]?GPL|General Public|Commons Clause|SSPL|BUSL|Proprietary", re.IGNORECASE)
LESSER = re.compile(r"\bLGPL|Lesser General Public", re.IGNORECASE)

HEAD = """\
# Licences

convtrack is under the MIT licence. These packages run with it, and are installed beside it; none is part of it, and none of
their licences binds what uses them. This page is made by `python tests/licences.py > docs/licences.md`.

| package | licence |
|---|---|
"""


def run_time() -> list[str]:
    """The names of all packages that the project needs to run, and of those that these need, as far as they are installed."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    needed, names = [Requirement(line) for line in project["dependencies"]], set()
    while needed:
        one = needed.pop()
        key = (canonicalize_name(one.name), frozenset(one.extras))
        with suppress(metadata.PackageNotFoundError):
            lines = map(Requirement, metadata.requires(one.name) or [])
            needed += [] if key in names else [line for line in lines if is_asked(line, one.extras | {""})]
            names.add(key)
    return sorted({name for name, _ in names})


def is_asked(line: Requirement, extras: set[str]) -> bool:
    """Whether a requirement holds here, for a package of which these extras are wanted."""
    return line.marker is None or any(line.marker.evaluate({"extra": extra}) for extra in extras)


def licence(name: str) -> str:
    """What a package says of its licence: the expression, or the classifiers, or the first line of the text."""
    said = metadata.metadata(name)
    kinds = [line.split(" :: ")[-1] for line in said.get_all("Classifier") or [] if line.startswith("License ::")]
    named = [kind for kind in kinds if kind != "OSI Approved"]
    text = (said.get("License") or "").strip().splitlines() or ["not said"]
    return said.get("License-Expression") or ", ".join(named) or text[0][:60]


def binds(said: str) -> bool:
    """Whether a licence asks something of a program that uses the package; one of several that may be chosen does not."""
    choices = re.split(r"\bOR\b", said)
    return all(BINDING.search(LESSER.sub("", choice)) for choice in choices)


def page() -> str:
    """The page docs/licences.md."""
    return HEAD + "".join(f"| {name} | {licence(name)} |\n" for name in run_time())


if __name__ == "__main__":
    print(page(), end="")
