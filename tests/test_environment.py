"""pyproject.toml, requirements.lock and environment.yml tell the same story."""

import ast
import re
import sys
import tomllib
from collections import defaultdict
from collections.abc import Iterable, Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
import yaml
from licences import binds, licence, page, run_time
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name
from rattler import MatchSpec, Version, VersionSpec
from rattler.exceptions import InvalidMatchSpecError

ROOT = Path(__file__).resolve().parents[1]
PROJECT, LOCK, CONDA = ((ROOT / name).read_text(encoding="utf-8")
                        for name in ("pyproject.toml", "requirements.lock", "environment.yml"))

# conda-forge's name -> PyPI's, where they differ
PYPI_NAMES = {"python-duckdb": "duckdb", "ibis-duckdb": "ibis-framework", "python-tzdata": "tzdata"}
NOT_IN_THE_LOCK = {"python", "pip"}


# Readers


def lock_entries(lock: str) -> list[str]:
    """Each requirement of the lock as one line, with its hashes and without comments."""
    joined = re.sub(r"^\s*#.*$", "", lock, flags=re.M).replace("\\\n", " ")
    return [line.strip() for line in joined.splitlines() if line.strip()]


def locked_versions(lock: str) -> dict[str, set[str]]:
    """Every version a package is locked at, for whatever Python or system."""
    versions = defaultdict(set)
    for entry in lock_entries(lock):
        requirement = Requirement(entry.split(" --hash")[0])
        versions[canonicalize_name(requirement.name)] |= {one.version for one in requirement.specifier}
    return dict(versions)


def direct_dependencies(project: str) -> list[Requirement]:
    """What pyproject.toml asks for by name, its extras included."""
    table = tomllib.loads(project)["project"]
    extras = [line for lines in table["optional-dependencies"].values() for line in lines]
    return [Requirement(line) for line in table["dependencies"] + extras]


def conda_lines(conda: str) -> list[str]:
    """The lines that conda itself reads."""
    return [line for line in yaml.safe_load(conda)["dependencies"] if isinstance(line, str)]


def pip_lines(conda: str) -> list[str]:
    """The lines that conda leaves to pip."""
    sections = [line["pip"] for line in yaml.safe_load(conda)["dependencies"] if isinstance(line, dict)]
    return [line for section in sections for line in section]


def pypi_name(spec: MatchSpec) -> str:
    """The name on PyPI of what a conda line asks for."""
    return PYPI_NAMES.get(spec.name.normalized, spec.name.normalized)


# Checkers: each gives one line for each fault it finds


def faults_of_lock(lock: str) -> Iterator[str]:
    for sign in ("://", "file:", "--index", "--extra-index", "--find-links"):
        if sign in lock:
            yield f"the lock holds an address: {sign}"
    for entry in lock_entries(lock):
        if not re.search(r" --hash=sha256:[0-9a-f]{64}", entry) or "==" not in entry:
            yield f"not pinned by version and hash: {entry}"


def faults_of_project(project: str, lock: str) -> Iterator[str]:
    locked = locked_versions(lock)
    for requirement in direct_dependencies(project):
        versions = locked.get(canonicalize_name(requirement.name), set())
        if not versions:
            yield f"{requirement.name} is not locked"
        for version in versions - set(requirement.specifier.filter(versions)):
            yield f"{requirement} shuts out the locked {version}"


def faults_of_conda_line(line: str, locked: dict[str, set[str]]) -> Iterator[str]:
    try:
        spec = MatchSpec(line, strict=True)
    except InvalidMatchSpecError as error:
        yield f"conda cannot read '{line}': {error}"
        return
    versions = locked.get(pypi_name(spec), set())
    if not versions and pypi_name(spec) not in NOT_IN_THE_LOCK:
        yield f"{line}: not in the lock"
    for version in versions:
        if spec.version is None or not VersionSpec(spec.version).matches(Version(version)):
            yield f"{line} shuts out the locked {version}"


def faults_of_pip_line(line: str, locked: dict[str, set[str]]) -> Iterator[str]:
    try:
        requirement = Requirement(line)
    except InvalidRequirement as error:
        yield f"pip cannot read '{line}': {error}"
        return
    versions = locked.get(canonicalize_name(requirement.name), set())
    if not versions or set(requirement.specifier.filter(versions)) != versions:
        yield f"{line} does not admit the locked {versions or 'nothing'}"


def imported(code: str) -> set[str]:
    """The packages that a module imports by their full names, those of Python itself left out."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names.add(node.module)
    return {name.partition(".")[0] for name in names} - sys.stdlib_module_names


def undeclared(packages: Iterable[str], project: str) -> list[str]:
    """The imported packages that no line of pyproject.toml asks for."""
    declared = {canonicalize_name(one.name) for one in direct_dependencies(project)} | {"convtrack"}
    sources = packages_distributions()
    return [name for name in sorted(packages)
            if name in sources and not declared & {canonicalize_name(source) for source in sources[name]}]


def names_in_conda(conda: str) -> set[str]:
    """PyPI's names of everything environment.yml asks for; unreadable lines are left out."""
    words = [re.split(r"[\s<>=!~]", line)[0] for line in conda_lines(conda) + pip_lines(conda)]
    return {PYPI_NAMES.get(word, word) for word in words}


def faults_of_conda(conda: str, project: str, lock: str) -> Iterator[str]:
    locked = locked_versions(lock)
    for line in conda_lines(conda):
        yield from faults_of_conda_line(line, locked)
    for line in pip_lines(conda):
        yield from faults_of_pip_line(line, locked)
    for requirement in direct_dependencies(project):
        if canonicalize_name(requirement.name) not in names_in_conda(conda):
            yield f"environment.yml lacks {requirement.name}"


# The files as they are


def test_the_lock_pins_everything_by_hash_and_names_no_address() -> None:
    assert list(faults_of_lock(LOCK)) == []


def test_the_ranges_of_pyproject_admit_every_locked_version() -> None:
    assert list(faults_of_project(PROJECT, LOCK)) == []


def test_every_package_that_is_imported_is_asked_for_by_name() -> None:
    files = [*(ROOT / "lib").rglob("*.py"), *(ROOT / "notebooks/src").rglob("*.py"), *(ROOT / "tests").glob("*.py")]
    found = set().union(*(imported(path.read_text(encoding="utf-8")) for path in files))
    assert {"IPython", "PIL", "markupsafe", "pandas"} <= found
    assert undeclared(found, PROJECT) == []


def test_environment_yml_can_be_read_lacks_nothing_and_admits_every_locked_version() -> None:
    assert list(faults_of_conda(CONDA, PROJECT, LOCK)) == []


def test_environment_yml_takes_from_conda_forge_only() -> None:
    assert yaml.safe_load(CONDA)["channels"] == ["conda-forge", "nodefaults"]


def test_environment_yml_and_pyproject_ask_for_the_same_pythons() -> None:
    asked = tomllib.loads(PROJECT)["project"]["requires-python"]
    assert f"python {asked}" in conda_lines(CONDA)


def test_environment_yml_has_the_same_range_for_each_package_as_pyproject() -> None:
    asked = {canonicalize_name(one.name): one.specifier for one in direct_dependencies(PROJECT)}
    for line in conda_lines(CONDA):
        spec = MatchSpec(line, strict=True)
        if pypi_name(spec) not in NOT_IN_THE_LOCK:
            assert set(str(spec.version).split(",")) == {str(one) for one in asked[pypi_name(spec)]}, line


def test_the_lock_is_read_for_every_python_it_serves() -> None:
    forks = [entry for entry in lock_entries(LOCK) if entry.startswith("numpy==")]
    assert len(locked_versions(LOCK)["numpy"]) == len(forks) > 1


# The checkers find what is planted


@pytest.mark.parametrize("line", ["pandas>=>3", "pan das =", "pandas 3.1"])
def test_a_line_conda_cannot_read_is_reported(line: str) -> None:
    planted = CONDA.replace("pandas >=3.1,<4", line)
    assert any(f"conda cannot read '{line}'" in fault for fault in faults_of_conda(planted, PROJECT, LOCK))


@pytest.mark.parametrize(("good", "bad"), [
    ("pandas >=3.1,<4", "pandas >=2,<3"),
    ("python-duckdb >=2.0,<3", "python-duckdb >=1,<2"),
    ("scipy >=1.17,<2", "scipy >=1.18,<2"),  # what is locked for Python 3.12, but not for 3.11
])
def test_a_range_that_shuts_out_a_locked_version_is_reported(good: str, bad: str) -> None:
    (fault,) = faults_of_conda(CONDA.replace(good, bad), PROJECT, LOCK)
    assert fault.startswith(f"{bad} shuts out the locked ")


def test_a_package_without_a_range_is_reported() -> None:
    assert list(faults_of_conda(CONDA.replace("tqdm >=4.70,<5", "tqdm"), PROJECT, LOCK))


def test_a_missing_and_a_misspelt_package_are_reported() -> None:
    planted = CONDA.replace("- nbval >=", "- nbvall >=")
    assert list(faults_of_conda(planted, PROJECT, LOCK)) == ["nbvall >=0.11,<0.12: not in the lock",
                                                             "environment.yml lacks nbval"]


@pytest.mark.parametrize("line", ["jupytext>=99", "jupytext=>1", "nonesuch>=1"])
def test_a_wrong_line_for_pip_is_reported(line: str) -> None:
    planted = f"{CONDA}  - pip:\n      - {line}\n"
    assert any(line in fault for fault in faults_of_conda(planted, PROJECT, LOCK))


def test_a_pyproject_range_that_shuts_out_the_lock_is_reported() -> None:
    planted = PROJECT.replace("pandas>=3.1,<4", "pandas>=2,<3").replace("tqdm>=4.70,<5", "nonesuch>=1")
    assert sorted(faults_of_project(planted, LOCK)) == [
        "nonesuch is not locked", f"pandas<3,>=2 shuts out the locked {min(locked_versions(LOCK)['pandas'])}"]


def test_an_import_that_nobody_asked_for_is_reported() -> None:
    planted = PROJECT.replace('    "pillow>=13.0,<14",\n', "")
    assert undeclared(imported("import os, yaml\nfrom PIL import Image\nfrom . import paths"), planted) == ["PIL"]


@pytest.mark.parametrize("entry", ["six==1.17.0\n", "six>=1.17 --hash=sha256:" + "0" * 64 + "\n",
                                   "six @ https://example.org/six.whl --hash=sha256:" + "0" * 64 + "\n",
                                   "--index-url somewhere\n"])
def test_an_address_or_a_loose_requirement_in_the_lock_is_reported(entry: str) -> None:
    assert list(faults_of_lock(LOCK + entry))


# Random numbers


def calls_of_other_streams(code: str) -> list[str]:
    """The draws whose numbers depend on the version of NumPy: from 2.5 on, binomial's stream is another one."""
    return re.findall(r"\.((?:bi|multi)nomial)\(", code)


def test_nothing_is_drawn_that_another_numpy_draws_differently() -> None:
    for folder in ("lib", "notebooks/src"):
        for path in (ROOT / folder).rglob("*.py"):
            assert not calls_of_other_streams(path.read_text(encoding="utf-8")), path.name


def test_a_draw_that_another_numpy_draws_differently_is_found() -> None:
    assert calls_of_other_streams("rng.binomial(10, 0.5); draws.rng('x').multinomial(3, p); rng.negative_binomial(1, 1)") == [
        "binomial", "multinomial"]


# Sorting


def quick_sorts(code: str) -> list[str]:
    """The sorts by one column that leave equal rows in an order of the processor's choice."""
    calls = [node for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "sort_values"]
    return [ast.unparse(call) for call in calls if not any(said.arg == "kind" for said in call.keywords)
            and not (call.args and isinstance(call.args[0], ast.List) and len(call.args[0].elts) > 1)]


def test_every_sort_by_one_column_is_stable() -> None:
    for folder in ("lib", "notebooks/src"):
        for path in (ROOT / folder).rglob("*.py"):
            assert not quick_sorts(path.read_text(encoding="utf-8")), path.name


@pytest.mark.parametrize(("code", "found"), [("t.sort_values('a')", 1), ("t.sort_values(['a'])", 1), ("s.sort_values()", 1),
                                             ("t.sort_values(['a', 'b'])", 0), ("t.sort_values('a', kind='stable')", 0)])
def test_a_sort_that_is_not_stable_is_found(code: str, found: int) -> None:
    assert len(quick_sorts(code)) == found


# ------------------------------------------------------------------------------------------------ licences


def test_no_package_that_runs_with_ours_has_a_licence_that_binds_it() -> None:
    said = {name: licence(name) for name in run_time()}
    assert len(said) > 50 and "pandas" in said and "not said" not in said.values()
    assert [f"{name}: {text}" for name, text in said.items() if binds(text)] == []


@pytest.mark.parametrize(("text", "binding"), [
    ("GPLv3", True), ("GPL-3.0-or-later", True), ("AGPL-3.0-only", True), ("GNU General Public License v3 (GPLv3)", True),
    ("MIT", False), ("BSD-3-Clause AND MIT", False), ("LGPL-2.1-or-later", False), ("MIT OR GPL-2.0-only", False),
    ("GNU Lesser General Public License v3 (LGPLv3)", False), ("MPL-2.0", False), ("MIT AND GPL-2.0-only", True)])
def test_which_licences_bind_is_known(text: str, binding: bool) -> None:
    assert binds(text) is binding


@pytest.mark.skipif(sys.version_info[:2] != (3, 11), reason="the page is made with Python 3.11; newer ones have other versions")
def test_the_page_of_licences_is_what_the_packages_say() -> None:
    assert (ROOT / "docs" / "licences.md").read_text(encoding="utf-8") == page()
