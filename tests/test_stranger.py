"""A stranger's export, which the library has never seen, from `new` to the report, by the commands of the README."""

from __future__ import annotations

import csv
import json
import subprocess
import sys

import pytest
import yaml
from stranger import write_stranger


def convtrack(*words: str, cwd) -> subprocess.CompletedProcess:
    return subprocess.run([sys.executable, "-m", "convtrack.cli", *words], cwd=cwd, capture_output=True, text=True)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("stranger")
    write_stranger(folder)
    return folder


@pytest.fixture(scope="module")
def purchases(place):
    """Orders and their known values, counted from the file without the library."""
    (path,) = place.glob("*.csv")
    with path.open(encoding="cp1252", newline="") as file:
        rows = [row for row in csv.DictReader(file, delimiter=";") if row["Ereignis"] == "Kauf"]
    orders = {row["Bestellnr"]: row["Umsatz"].replace(".", "").replace(",", ".") for row in rows}
    return {order: float(value) if value else None for order, value in orders.items()}


def test_what_cannot_be_guessed_is_asked_and_stops_the_study_until_it_is_answered(place):
    (path,) = place.glob("*.csv")
    done = convtrack("new", path.name, "--out", "asked", cwd=place)
    assert done.returncode == 0
    assert [line.split(":")[1].strip() for line in done.stdout.splitlines() if line.startswith("To fill in first")] == ["currency", "time_zone"]
    stopped = convtrack("check", "asked/study.yaml", cwd=place)
    assert stopped.returncode == 2 and "'currency' is not filled in" in stopped.stderr


def test_the_lessons_run_on_it_and_the_numbers_are_those_of_the_file(place, purchases):
    (path,) = place.glob("*.csv")
    made = convtrack("new", path.name, "--out", "my", "--time-zone", "Europe/Berlin", "--currency", "EUR", cwd=place)
    assert made.returncode == 0, made.stderr
    assert yaml.safe_load((place / "my" / "study.yaml").read_text(encoding="utf-8"))["main_goal"] == "purchase"

    checked = json.loads(convtrack("check", "my/study.yaml", "--format", "json", cwd=place).stdout)
    assert checked["rows"]["read"] == checked["rows"]["used"] + checked["rows"]["quarantined"]
    assert checked["goals"]["purchase"]["conversions"] == len(purchases)
    assert checked["goals"]["purchase"]["value"] == pytest.approx(sum(v for v in purchases.values() if v), abs=0.01)
    assert any(f"the value of {sum(v is None for v in purchases.values())} of {len(purchases)}" in f for f in checked["findings"])

    compared = json.loads(convtrack("compare", "my/study.yaml", "--format", "json", cwd=place).stdout)
    for credit in compared["models"].values():
        total = sum(channel["conversions"] for channel in credit.values())
        assert total + compared["unattributed"] == pytest.approx(len(purchases))

    done = convtrack("run", "my/study.yaml", "--out", "out", cwd=place)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "failed" not in done.stdout and done.stdout.count(" done ") == len(checked["lessons"])
    summary = (place / "out" / "index.html").read_text(encoding="utf-8")
    assert "This study has no table" in summary and "Preisvergleich" in summary
    pages = "".join(page.read_text(encoding="utf-8") for page in (place / "out").glob("0*.html"))
    assert "Not in this data." in pages
