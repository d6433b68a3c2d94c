"""A simulated shop whose truth is known.

Method
------
A real shop cannot know how many of its orders would not have come without a channel. Here we know, because
the same people can be sent through the same ninety days again with the channel switched off.

1. *People.* Each has an intent, a standard normal number that no table shows, a device, and some days in
   which tea is on their mind. Channels reach them at a rate exp(targeting * intent): that is what makes a
   channel look good or bad by the company it keeps. A few are looking for a wholesale supplier; a few let
   nothing be tracked.
2. *Potential touches.* All touches that could ever happen are drawn first (`draw`), and with each of them
   every random number it may need: whether it is clicked, whether it sells, what the order is worth, and by
   which channel the visit would have come if its own had been off. An ad that is seen may lead to a visit by
   another channel days later; such a visit has the ad as its parent.
3. *A world.* `outcome` takes the potential touches and a set of channels that are on, and draws nothing. A
   touch comes to be if its channel is on (or it would come anyway, by another channel that is on), if its
   parent is there, and if its gate is open: e-mail needs an opt-in at an earlier visit, retargeting a visit
   in the two weeks before. Only visits that are behind no gate themselves open gates, so there is no circle.
4. *Purchases.* A visit at time t ends in a purchase with p = 1 - exp(-h), h = base * exp(a * intent) *
   exp(G), where G = cap * (1 - exp(-S / cap)) and S adds up effect * 2^(-(t - t_k) / half-life) over the
   person's touches k until then, this visit included. So channels help each other, repeat each other less and
   less, and fade. p does not depend on earlier purchases; the expected number of purchases given the touches
   is therefore simply the sum of p, and the truth has no noise of the coin in it (Rao-Blackwell). The
   purchases that happen are those visits whose uniform number is below p: the same numbers in every world
   (common random numbers).
5. *Truth.* What a channel adds is the expected purchases with everything on, minus those with this channel
   off. These losses overlap, so they do not add up to all purchases; the Shapley value of the same game does.
   Every subset of the channels is played (`game`), so both are exact (`truth`). It is about
   purchases of tracked people, the ones that attribution can see, in the world as it ran, holdout included. For
   Direct and Organic Search, which nobody can switch off, it says what their visits are worth.
6. *Tables.* The tracker, the shop's books and the platforms each write down their own view of the world with
   everything on, with the faults that are usual: purchases that fire twice, orders without an event, test
   orders, late events, and platforms that claim what other platforms claim too. With `cookies` the log knows one
   person under several ids, as trackers do.

The template is Google's simulator DASS (Sapp, Vaver, Shi, Bathia 2016), in which truth is also a channel
switched off. That targeting follows an intent that nobody observes, and that branded search catches people
who would have come anyway, is what field experiments found (Gordon et al. 2019; Blake, Nosko, Tadelis 2015).
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from convtrack.world import books, rows
from convtrack.world.draws import Draws, draw
from convtrack.world.outcome import Outcome, expected, outcome
from convtrack.world.rows import touch_log
from convtrack.world.scenario import Scenario, load_scenario, scenario_names
from convtrack.world.truth import Game, game, truth, worlds

__all__ = [
    "Draws", "Game", "Outcome", "Scenario", "World", "draw", "expected", "game", "load_scenario", "outcome", "scenario_names",
    "simulate", "tables", "touch_log", "truth", "worlds", "write_world",
]

TABLES = ("events", "spend", "orders", "platform_reports", "visitors", "assignments")
ENVELOPE = ("truth", "worlds", "switches")
ROW_GROUP = 100_000
NOT_REPEATED = {"event_id": "DELTA_BYTE_ARRAY", "event_time": "DELTA_BINARY_PACKED",
                "received_time": "DELTA_BINARY_PACKED", "transaction_id": "PLAIN", "click_id": "PLAIN"}
SAMPLE, SAMPLE_BUYERS = 36, 4


@dataclass(frozen=True, eq=False)
class World:
    """Every table of a simulated shop, and the truth beside them.

    Attributes
    ----------
    scenario, seed
        What it was made from.
    events, spend, orders, platform_reports, visitors, assignments : DataFrame
        As in the data dictionary.
    truth : DataFrame
        What each channel really adds; see `truth`.
    worlds : DataFrame
        Expected purchases with everything on, without the paid channels, and with nothing on.
    switches : DataFrame
        Expected purchases, their worth and the cost with every subset of the paid channels on; see `Game.table`.
    """

    scenario: Scenario
    seed: int
    events: pd.DataFrame
    spend: pd.DataFrame
    orders: pd.DataFrame
    platform_reports: pd.DataFrame
    visitors: pd.DataFrame
    assignments: pd.DataFrame
    truth: pd.DataFrame
    worlds: pd.DataFrame
    switches: pd.DataFrame


def simulate(scenario: str | Scenario, seed: int, visitors: int | None = None) -> World:
    """A world: its tables and its truth.

    Parameters
    ----------
    scenario : str or Scenario
        One of `scenario_names()`, or a scenario of your own.
    seed : int
        The same seed gives the same world.
    visitors : int, optional
        People in the market; the scenario's number if not given. Not all of them come in touch with the shop.

    Returns
    -------
    World
        All tables, in memory.

    Raises
    ------
    ConvtrackError
        If there is no scenario of that name.

    Examples
    --------
    >>> world = simulate("larkspur", seed=1, visitors=500)
    >>> world.events["event_name"].iloc[0], world.truth["channel"].iloc[0]
    ('ad_impression', 'Direct')
    """
    draws = draw(load_scenario(scenario) if isinstance(scenario, str) else scenario, seed, visitors)
    with ThreadPoolExecutor(1) as beside:  # on another core
        playing = beside.submit(game, draws)
        written = tables(draws)
    played, paid = playing.result(), draws.scenario.paid
    return World(draws.scenario, seed, **written, truth=truth(played), worlds=worlds(played, paid), switches=played.among(paid).table)


def tables(draws: Draws) -> dict[str, pd.DataFrame]:
    """What the tracker, the shop's books and the platforms write down of the world with everything on, by table.

    Parameters
    ----------
    draws : Draws
        The people and their potential touches.

    Examples
    --------
    >>> list(tables(draw(load_scenario("larkspur"), seed=1, visitors=500)))
    ['events', 'spend', 'orders', 'platform_reports', 'visitors', 'assignments']
    """
    points = rows.touchpoints(draws, outcome(draws))
    table = rows.visits(points, draws)
    steps = rows.steps(table, draws)
    book = books.orders(table, steps, draws)
    events, seen = rows.log(draws, points, table, steps, book["transaction_id"])
    return {
        "events": events, "spend": books.spend(draws, points, table), "orders": book.reset_index(drop=True),
        "platform_reports": books.platform_reports(draws, points, table, steps), "visitors": books.visitors(events, seen),
        "assignments": books.assignments(seen, draws, table),
    }


def write_world(world: World, folder: Path | str) -> list[Path]:
    """The files written: every table, the truth in an envelope of its own, and some visitors for the eye.

    Parameters
    ----------
    world : World
        What `simulate` returns.
    folder : path
        Made if it is not there. The files of an earlier world in it are replaced when all new ones are written.

    Returns
    -------
    list of Path
        `<table>.parquet` for each table, `truth`, `worlds` and `switches` in `envelope/`, `events_sample.csv`.

    Examples
    --------
    >>> import tempfile
    >>> files = write_world(simulate("larkspur", seed=1, visitors=500), tempfile.mkdtemp())
    >>> [file.name for file in files][-3:]
    ['worlds.parquet', 'switches.parquet', 'events_sample.csv']
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=".world-", dir=folder) as beside:
        made = _write_all(world, Path(beside))
        (folder / "envelope").mkdir(exist_ok=True)
        return [file.replace(folder / file.relative_to(beside)) for file in made]


def _write_all(world: World, folder: Path) -> list[Path]:
    files = [folder / f"{name}.parquet" for name in TABLES]
    files += [folder / "envelope" / f"{name}.parquet" for name in ENVELOPE]
    (folder / "envelope").mkdir()
    for file in files:
        _write(getattr(world, file.stem), file)
    sample = folder / "events_sample.csv"
    _sample(world).to_csv(sample, index=False, lineterminator="\n", date_format="%Y-%m-%dT%H:%M:%SZ")
    return [*files, sample]


def _write(table: pd.DataFrame, path: Path) -> None:
    """Write the table as Parquet, without the marks of the libraries that wrote it."""
    plain = {name: code for name, code in NOT_REPEATED.items() if name in table}
    pq.write_table(
        pa.Table.from_pandas(table, preserve_index=False).replace_schema_metadata(None), path,
        compression="zstd", compression_level=15, row_group_size=ROW_GROUP,
        use_dictionary=[name for name in table if name not in plain], column_encoding=plain or None,
    )


def _sample(world: World) -> pd.DataFrame:
    """All events of the first visitors and of the first buyers."""
    events = world.events
    buyers = events.loc[events["event_name"] == "purchase", "visitor_id"].drop_duplicates()
    chosen = {*world.visitors["visitor_id"].head(SAMPLE), *buyers.head(SAMPLE_BUYERS)}
    return events[events["visitor_id"].isin(chosen)]
