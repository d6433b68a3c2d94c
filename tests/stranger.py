"""A stranger's export: a German bicycle-parts shop, as its own shop system would write it.

Nothing here is spelled, dated, separated or encoded as the library likes it, which makes it the test of
`convtrack new`. Run `python tests/stranger.py FOLDER` to have the file.
"""

from __future__ import annotations

import csv
import sys
from pathlib import Path

import numpy as np
import pandas as pd

COLUMNS = ["Datum/Uhrzeit", "Kundennr (Cookie)", "Ereignis", "Seite", "Kanal", "Umsatz", "Bestellnr", "Gerät"]
START, WEEKS = pd.Timestamp("2026-01-05", tz="Europe/Berlin"), 13  # a Monday; the clock changes on 29 March
CHANNELS = {"google organisch": 0.27, "direkt": 0.22, "AdWords Marke": 0.11, "AdWords generisch": 0.13,
            "Newsletter": 0.09, "facebook bezahlt": 0.1, "Preisvergleich": 0.08}
AGAIN = {"direkt": 0.45, "Newsletter": 0.2, "google organisch": 0.15, "AdWords Marke": 0.13,
         "facebook bezahlt": 0.05, "Preisvergleich": 0.02}
DEVICES = {"Smartphone": 0.58, "PC": 0.36, "Tablet": 0.06}
PAGES = ["/", "/bremsen", "/ketten", "/laufräder", "/reifen", "/sättel", "/pedale", "/schaltung", "/akkus"]
HOURS = np.array([1, 1, 1, 1, 1, 2, 4, 7, 9, 10, 10, 10, 12, 10, 9, 9, 10, 12, 15, 18, 20, 18, 12, 5]) / 207
Row = tuple[pd.Timestamp, str, str, str, str, str, str, str]


def write_stranger(folder: Path, seed: int = 7, visitors: int = 1500) -> Path:
    """The path of the export: semicolons, cp1252, local times day first, decimal commas, no currency.

    Parameters
    ----------
    folder : Path
        Where to write it; made if it is not there.
    seed, visitors : int
        The same two numbers give the same file.

    Examples
    --------
    >>> import tempfile
    >>> write_stranger(Path(tempfile.mkdtemp()), visitors=20).read_text(encoding="cp1252")[:31]
    'Datum/Uhrzeit;Kundennr (Cookie)'
    """
    rng = np.random.default_rng(seed)
    rows = sorted(row for number in range(visitors) for row in _visitor(rng, f"k{30211 + 7 * number}"))
    numbers = iter(range(100_481, 10**6, 3))
    path = Path(folder) / "shop_export.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="cp1252", newline="") as file:
        writer = csv.writer(file, delimiter=";")
        writer.writerow(COLUMNS)
        writer.writerows(_written(row, numbers) for row in rows)
    return path


def _pick(rng: np.random.Generator, shares: dict[str, float]) -> str:
    return str(rng.choice(list(shares), p=np.array(list(shares.values())) / sum(shares.values())))


def _visitor(rng: np.random.Generator, visitor: str) -> list[Row]:
    """All rows of one visitor: a first visit on some day, then further ones days apart."""
    rows: list[Row] = []
    day, keenness, device = rng.uniform(0, 7 * WEEKS), rng.gamma(2.0, 0.5), _pick(rng, DEVICES)
    for visit in range(1 + rng.poisson(1.1)):
        channel = _pick(rng, AGAIN if visit else CHANNELS)
        if day < 7 * WEEKS:
            rows += _visit(rng, visitor, _start(rng, int(day)), channel, device, keenness * (1 + 0.4 * visit))
        day += 1 + rng.exponential(6)
    return rows


def _start(rng: np.random.Generator, day: int) -> pd.Timestamp:
    """A moment of a local day, made in UTC, so that it is never in the hour which the clock skips."""
    hour = int(rng.choice(24, p=HOURS))
    midnight = (START + pd.DateOffset(days=day)).tz_convert("UTC")
    return (midnight + pd.Timedelta(hours=hour, seconds=int(rng.integers(3600)))).tz_convert("Europe/Berlin")


def _visit(rng: np.random.Generator, visitor: str, time: pd.Timestamp, channel: str, device: str,
           keenness: float) -> list[Row]:
    rows: list[Row] = []
    for event, page, value in _steps(rng, keenness):
        rows.append((time, visitor, event, page, channel, value, "", device))
        time += pd.Timedelta(seconds=int(5 + rng.exponential(70)))
    return rows


def _steps(rng: np.random.Generator, keenness: float) -> list[tuple[str, str, str]]:
    """What happens in one visit: event, page, value."""
    steps = [("Seitenaufruf", str(page), "") for page in rng.choice(PAGES, size=1 + rng.geometric(0.35))]
    if rng.random() < 0.03:
        steps.append(("Newsletter-Anmeldung", "/newsletter", ""))
    if rng.random() < 0.008:
        steps.append(("Rückruf-Formular", "/rückruf", ""))
    for event, page, chance in (("Warenkorb", "/warenkorb", 0.11 * keenness), ("Kasse", "/kasse", 0.46),
                                ("Kauf", "/danke", 0.4)):
        if rng.random() > chance:
            break
        steps += [("Seitenaufruf", page, ""), (event, page, _price(rng) if event == "Kauf" else "")]
    return steps


def _price(rng: np.random.Generator) -> str:
    """An amount in German, which a third of the orders lack."""
    is_wheelset = rng.random() < 0.1
    euros = rng.uniform(1190, 2990) if is_wheelset else rng.lognormal(4.1, 0.8) + 4.9
    return "" if rng.random() < 1 / 3 else f"{euros:,.2f}".translate(str.maketrans(",.", ".,"))


def _written(row: Row, numbers: object) -> list[str]:
    time, visitor, event, page, channel, value, _, device = row
    order = str(next(numbers)) if event == "Kauf" else ""  # type: ignore[call-overload]
    return [time.strftime("%d.%m.%Y %H:%M"), visitor, event, page, channel, value, order, device]


if __name__ == "__main__":
    print(write_stranger(Path(sys.argv[1])))
