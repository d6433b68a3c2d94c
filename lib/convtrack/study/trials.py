"""One trial: a world, its log, every model's credit from that log, and each credit scored against the truth."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import duckdb
import ibis
import numpy as np
import pandas as pd

from ..attribution import MODELS, Platform
from ..coalitions import lost, shapley_value
from ..engine import find_paths
from ..experiments import sum_effects
from ..gaps import Gap
from ..incremental import VisitLog, doubly_robust, fit_hazard, read_visits
from ..paths import Paths
from ..world import Draws, Game, Outcome, Scenario, draw, game, load_scenario, outcome, touch_log
from .scores import score

LOOKBACK = 30  # days
VIEWS = "+views"  # after the name of a model that is also given ads that were seen and messages that were opened
WITHOUT = ("custom",)  # linear with other weights: without weights of one's own it says nothing new
CLAIMS = "platform_claims"
PLATFORMS = {"google_ads": ("Paid Search Brand", "Paid Search Generic", "Display", "Paid Video"),
             "meta": ("Paid Social", "Retargeting")}
ORACLE, TOLD, HOLDOUT = "oracle", "oracle_told", "holdout"


class Trial(NamedTuple):
    """What one world says: credit by model and channel, and scores by model.

    credits: scenario | visitors | seed | model | channel | conversions | value | low | high; the truth is among the models as
    `truth` (each channel switched off alone) and `truth_shapley`. scores: scenario | visitors | seed | model and the scores.
    """

    credits: pd.DataFrame
    scores: pd.DataFrame


def run_trial(scenario: str, visitors: int, seed: int) -> Trial:
    """The trial of that world.

    Parameters
    ----------
    scenario : str
        One of `world.scenario_names()`.
    visitors : int
        People in the market.
    seed : int
        The same seed gives the same trial.

    Examples
    --------
    >>> trial = run_trial("independent", visitors=2_000, seed=1)
    >>> bool(trial.scores.set_index("model").loc["truth", "share_mae"] == 0)
    True
    """
    world = load_scenario(scenario)
    draws = draw(world, seed, visitors)
    result, played = outcome(draws), game(draws, draws.scenario.paid)
    credits = [part.assign(model=model) for model, part in _credits(draws, result, played)]
    scores = [{"model": part["model"].iloc[0], **score(part, played, world.purchase.margin, visitors)} for part in credits]
    names = {"scenario": scenario, "visitors": visitors, "seed": seed}
    columns = [*names, "model", "channel", "conversions", "value", "low", "high"]
    return Trial(pd.concat(credits, ignore_index=True).assign(**names).reindex(columns=columns),
                 pd.DataFrame([{**names, **row} for row in scores]))


def _credits(draws: Draws, result: Outcome, played: Game) -> Iterator[tuple[str, pd.DataFrame]]:
    """(model, channel | conversions | value of the paid channels) of the truth and of everything that is on trial."""
    yield "truth", _table(played, lost(played.conversions), lost(played.value))
    yield "truth_shapley", _table(played, shapley_value(played.conversions), shapley_value(played.value))
    touches, conversions, visitors = touch_log(draws, result)
    on_site = touches[touches["interaction"].isin(["click", "visit"])]
    yield from _attributed(on_site, conversions, "", played)
    yield from _attributed(touches, conversions, VIEWS, played)
    log = read_visits(touches, conversions, visitors)
    yield from _incremental(log, played)
    if is_plain(draws.scenario):
        yield from _oracles(draws, result)
    yield HOLDOUT, _holdouts(draws, result, log.mean_value, played)


def _table(played: Game, conversions: np.ndarray, value: np.ndarray) -> pd.DataFrame:
    return pd.DataFrame({"channel": played.players, "conversions": conversions, "value": value})


def _attributed(touches: pd.DataFrame, conversions: pd.DataFrame, suffix: str, played: Game) -> Iterator[tuple[str, pd.DataFrame]]:
    """The credit of every attribution model that can work on these touches; platforms that see a part are one model together."""
    with duckdb.connect() as own:  # Ibis' default connection would keep every trial's touches as long as the process lives
        own.register("touches", touches)
        paths = find_paths(ibis.duckdb.from_connection(own).table("touches"), ibis.memtable(conversions), LOOKBACK)
    for name, model in MODELS.items():
        if name not in WITHOUT and name not in PLATFORMS and model.obstacle(paths) is None:
            yield name + suffix, _of_players(model.credit(paths), played)
    yield CLAIMS + suffix, _of_players(_claims(paths), played)


def _claims(paths: Paths) -> pd.DataFrame:
    """What the platforms claim, each its own channels."""
    own = {name: [channel for channel in channels if channel in paths.channels] for name, channels in PLATFORMS.items()}
    tables = [MODELS[name].seeing(channels).credit(paths) for name, channels in own.items() if channels]
    return pd.concat(tables).groupby("channel", as_index=False)[["conversions", "value"]].sum()


def _of_players(credit: pd.DataFrame, played: Game) -> pd.DataFrame:
    table = credit.set_index("channel").reindex(played.players, fill_value=0.0)
    return table.rename_axis("channel").reset_index()[["channel", "conversions", "value"]]


def _incremental(log: VisitLog, played: Game) -> Iterator[tuple[str, pd.DataFrame]]:
    fit = fit_hazard(log, played.players)
    yield "incremental", _or_unknown(fit.switched_off(), played.players)
    yield "incremental_shapley", _or_unknown(fit.shapley(), played.players)
    yield "incremental_backward", _or_unknown(fit.backward(log), played.players)
    yield "doubly_robust", _or_unknown(doubly_robust(log, played.players), played.players)


def _or_unknown(credit: pd.DataFrame | Gap, players: Sequence[str]) -> pd.DataFrame:
    """The credit; not a number for each channel where there is a gap in its place."""
    if isinstance(credit, Gap):
        return pd.DataFrame({"channel": players, "conversions": np.nan, "value": np.nan})
    return credit


def is_plain(scenario: Scenario) -> bool:
    """Whether channels only act at visits that come by themselves, so that a hazard of visits is the world's own form."""
    return not any(channel.drives or channel.anyway or channel.gate for channel in scenario.channels.values())


def _oracles(draws: Draws, result: Outcome) -> Iterator[tuple[str, pd.DataFrame]]:
    """The world's own form with its numbers fitted, on a log in which nobody is lost and everybody's intent is known.

    Which pairs work together is the form; half-lives and the cap are numbers. The second oracle is told those too.
    """
    scenario, paid = draws.scenario, draws.scenario.paid
    whole = scenario.changed({"cookies": {"days": float("inf"), "refused": 0.0, "second_device": 0.0}})
    known = replace(draws, scenario=whole, people=draws.people.assign(engagement=draws.people["intent"]))
    log, pairs = read_visits(*touch_log(known, result)), [part.pair for part in scenario.synergies]
    lives = {name: scenario.channels[name].half_life for name in paid}
    yield ORACLE, _or_unknown(fit_hazard(log, paid, together=pairs).switched_off(), paid)
    yield TOLD, _or_unknown(fit_hazard(log, paid, lives, scenario.purchase.cap, pairs).switched_off(), paid)


def _holdouts(draws: Draws, result: Outcome, mean_value: float, played: Game) -> pd.DataFrame:
    """An experiment for each channel: a random half of the people do not get it; what happens, not what is expected, counts."""
    rows = [_holdout(name, draws, result) for name in played.players]
    table = pd.DataFrame(rows, columns=["conversions", "low", "high"]).assign(channel=played.players)
    return table.assign(value=table["conversions"] * mean_value)


def _holdout(name: str, draws: Draws, result: Outcome) -> tuple[float, float, float]:
    """Conversions that the channel adds when everybody gets it, with a 95 % interval, from a random half who did not."""
    held_out = draws.rng(f"study holdout/{draws.scenario.name}/{name}").random(len(draws.people)) < 0.5
    on = np.ones((len(draws.people), len(draws.scenario.channels)), bool)
    on[held_out, draws.scenario.code(name)] = False
    bought = _purchases(draws, outcome(draws, on))
    arms = [number for arm in (bought[~held_out], bought[held_out]) for number in (arm.sum(), (arm**2).sum(), len(arm))]
    effect = sum_effects(*arms).iloc[0]
    return tuple(len(draws.people) * effect[["difference", "low", "high"]])


def _purchases(draws: Draws, result: Outcome) -> np.ndarray:
    """How often each person is seen to buy; 0 for those who are not tracked."""
    bought = np.bincount(draws.column["visitor"], result.purchased, minlength=len(draws.people))
    return bought * draws.people["tracked"].to_numpy()
