"""The peers' lock can be installed together with the project's."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
LOCK = (HERE / "requirements.lock").read_text(encoding="utf-8")
OURS = (HERE.parents[1] / "requirements.lock").read_text(encoding="utf-8")


@pytest.fixture
def peers() -> None:
    """Replaces the one that skips: these tests need none of the packages."""


def versions(lock: str) -> dict[str, set[str]]:
    """The versions that each package is locked at."""
    found: dict[str, set[str]] = {}
    for name, version in re.findall(r"^([a-z0-9][\w.-]*)==(\S+)", lock, flags=re.M):
        found.setdefault(name, set()).add(version)
    return found


def test_every_package_has_its_hashes_and_there_is_no_address() -> None:
    pinned = re.findall(r"^[a-z0-9][^\n]*", LOCK, flags=re.M)
    hashed = re.findall(r"^[a-z0-9][^\n]* \\\n    --hash=sha256:[0-9a-f]{64}\b", LOCK, flags=re.M)
    assert pinned and len(hashed) == len(pinned)
    assert "://" not in LOCK and "--index" not in LOCK and "--find-links" not in LOCK


def test_a_package_in_both_locks_has_the_same_version_in_both() -> None:
    ours = versions(OURS)
    shared = {name: some for name, some in versions(LOCK).items() if name in ours}
    assert shared and all(some <= ours[name] for name, some in shared.items())


def test_what_is_asked_for_is_locked() -> None:
    asked = re.findall(r"^([\w-]+)", (HERE / "requirements.in").read_text(encoding="utf-8"), flags=re.M)
    assert {name.lower() for name in asked} <= set(versions(LOCK))
