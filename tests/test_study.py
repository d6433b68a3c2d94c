"""The study: scores by hand, trials that are kept and never done twice, verdicts either way, and what is published."""

from __future__ import annotations

import json
import math
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from convtrack import cli
from convtrack.errors import ConvtrackError
from convtrack.study import Plan, Results, collect, describe, full_plan, judge, publish, read_published, run_plan, score, verify
from convtrack.study import runner as runner_room
from convtrack.study.hypotheses import HYPOTHESES, Finding, Hypothesis, _row
from convtrack.study.published import HERE, NOT_ON_TRIAL
from convtrack.study.runner import PLAN, TRIALS, Key
from convtrack.world import Game, load_scenario, scenario_names

TINY = Plan("tiny", (Key("independent", 1200, 1), Key("independent", 1200, 2), Key("placebo", 1200, 1), Key("placebo", 1200, 2)))
# two channels, A and B: nothing on sells 10, A alone 14, B alone 12, both 18; each sale is worth 10 and each channel costs 25
SHOP = Game(["A", "B"], np.array([10.0, 14.0, 12.0, 18.0]), np.array([100.0, 140.0, 120.0, 180.0]), np.array([0.0, 25.0, 25.0, 50.0]),
            np.array([25.0, 25.0]))


def credit(a: float, b: float) -> pd.DataFrame:
    return pd.DataFrame({"channel": ["B", "A"], "conversions": [b, a], "value": [10 * b, 10 * a]})


class TestScore:
    def test_shares_are_compared_with_what_is_lost_without_each_channel(self) -> None:
        found = score(credit(9.0, 3.0), SHOP, margin=1.0, visitors=100_000)  # lost: A 18 - 12 = 6, B 18 - 14 = 4
        assert found["share_mae"] == pytest.approx(abs(9 / 12 - 6 / 10))
        assert found["share_error"] == pytest.approx(0.15)
        assert found["tau"] == 1.0

    def test_credit_that_is_equal_but_for_rounding_is_tied(self) -> None:
        for hair in (1e-13, -1e-13):
            assert math.isnan(score(credit(262.0, 262.0 + hair), SHOP, margin=1.0, visitors=100_000)["tau"])

    def test_over_claim_is_credit_over_what_all_channels_cause_together(self) -> None:
        found = score(credit(9.0, 3.0), SHOP, margin=1.0, visitors=100_000)
        assert found["overclaim"] == pytest.approx(12 / 8)
        assert found["claimed"] == pytest.approx(12 / 18)

    def test_shapley_shares_are_those_of_the_game(self) -> None:
        found = score(credit(5.0, 3.0), SHOP, margin=1.0, visitors=100_000)  # A: (4 + 6) / 2, B: (2 + 4) / 2
        assert found["shapley_mae"] == pytest.approx(0.0)

    @pytest.mark.parametrize(("a", "b", "regret"), [(9.0, 3.0, 0.0), (1.0, 9.0, 35.0), (1.0, 1.0, 30.0), (9.0, 1.0, 15.0)])
    def test_regret_is_the_profit_lost_by_keeping_what_seems_to_pay(self, a: float, b: float, regret: float) -> None:
        # profit: nothing 100, A 115, B 95, both 130
        assert score(credit(a, b), SHOP, margin=1.0, visitors=100_000)["regret"] == pytest.approx(regret)

    def test_regret_is_stated_for_a_hundred_thousand_visitors(self) -> None:
        assert score(credit(1.0, 1.0), SHOP, margin=1.0, visitors=50_000)["regret"] == pytest.approx(60.0)

    def test_shares_of_nothing_are_not_a_number_and_never_zero(self) -> None:
        nothing = replace(SHOP, conversions=np.full(4, 10.0))
        found = score(credit(9.0, 3.0), nothing, margin=1.0, visitors=100_000)
        assert all(math.isnan(found[name]) for name in ("share_mae", "share_error", "tau", "overclaim"))


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("study")
    run_plan(TINY, out, workers=1)
    publish(TINY, out)
    return out


class TestRunner:
    def test_every_world_has_twenty_seeds_at_its_main_size(self) -> None:
        keys = full_plan().keys
        for name in scenario_names():
            size = min(load_scenario(name).visitors, 100_000)
            assert sum(key[:2] == (name, size) for key in keys) == 20
        assert len(set(keys)) == len(keys)

    def test_a_study_goes_on_where_it_was_and_does_no_trial_twice(self, kept: Path) -> None:
        before = collect(kept)
        gone = kept / TRIALS / TINY.keys[1].folder
        for file in gone.iterdir():
            file.unlink()
        gone.rename(gone.with_name("." + gone.name))  # as an interruption leaves it: begun, not kept
        assert run_plan(TINY, kept, workers=1) == 1
        assert run_plan(TINY, kept, workers=1) == 0
        after = collect(kept)
        pd.testing.assert_frame_equal(after.scores, before.scores)
        pd.testing.assert_frame_equal(after.credits, before.credits)

    def test_a_folder_with_another_plan_is_refused_and_stays_as_it_is(self, kept: Path) -> None:
        with pytest.raises(ConvtrackError, match="another study"):
            run_plan(replace(TINY, keys=TINY.keys[:2]), kept)
        assert len([*(kept / TRIALS).iterdir()]) == len(TINY.keys)

    def test_a_published_study_is_not_overwritten_by_another(self, tmp_path: Path) -> None:
        digests = {"plan": "full", "trials": 276, "scenarios": full_plan().digests}
        (tmp_path / "manifest.json").write_text(json.dumps(digests))
        with pytest.raises(ConvtrackError, match="another study"):
            run_plan(TINY, tmp_path)
        assert [file.name for file in tmp_path.iterdir()] == ["manifest.json"]

    @pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
    @pytest.mark.parametrize("stop", [lambda pid: os.killpg(pid, signal.SIGINT), lambda pid: os.kill(pid, signal.SIGTERM)],
                             ids=["Ctrl-C", "a stop from outside"])
    def test_a_stop_is_one_line_that_says_what_is_kept(self, tmp_path: Path, stop: Callable[[int], None]) -> None:
        process = subprocess.Popen([sys.executable, "-m", "convtrack.cli", "study", "--quick", "--out", str(tmp_path / "s")],
                                   stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True)
        for _ in range(1200):
            if any((tmp_path / "s" / TRIALS).glob("[!.]*")):
                break
            time.sleep(0.1)
        stop(process.pid)
        out, err = process.communicate(timeout=60)  # which waits for the workers too: they hold the other ends of the pipes
        assert (process.returncode, out) == (130, "")
        assert "trials are done and kept" in err.splitlines()[-1]
        assert "Traceback" not in err
        for folder in (tmp_path / "s" / TRIALS).glob("[!.]*"):
            assert {file.name for file in folder.iterdir()} == {"credits.parquet", "scores.parquet"}


class TestTrials:
    def test_truth_is_on_trial_too_and_has_no_error(self, kept: Path) -> None:
        truth = collect(kept).by_seed("independent", "truth", "share_mae")
        assert truth.tolist() == [0.0, 0.0]

    def test_every_model_credits_every_paid_channel_in_every_world(self, kept: Path) -> None:
        counts = collect(kept).credits.groupby(["scenario", "seed", "model"]).size()
        assert (counts == len(load_scenario("independent").paid)).all()

    def test_models_that_share_out_everything_credit_no_more_than_everything(self, kept: Path) -> None:
        scores = collect(kept).scores.set_index("model")
        seen = scores.loc[["last_touch", "linear", "markov", "shapley", "markov+views"], "claimed"]
        assert seen.between(0, 1.3).all()  # of what is expected; what happens differs by chance in so small a world

    def test_in_the_placebo_world_nothing_is_lost_and_shares_have_no_error_to_speak_of(self, kept: Path) -> None:
        results = collect(kept)
        assert (results.credit("placebo", "truth") == 0).all(axis=None)
        assert results.by_seed("placebo", "markov", "share_mae").isna().all()
        assert (results.by_seed("placebo", "markov", "regret") >= 0).all()


class TestVerdicts:
    @pytest.mark.parametrize(("ends", "verdict"), [([(1, 3), (2, 5)], "held"), ([(1, 3), (-4, -2)], "failed"),
                                                   ([(1, 3), (-1, 2)], "undecided"), ([], "undecided"),
                                                   ([(float("nan"), float("nan"))], "undecided")])
    def test_held_needs_every_interval_above_zero_and_failed_one_below(self, ends: list[tuple[float, float]], verdict: str) -> None:
        findings = [Finding(str(place), (low + high) / 2, low, high) for place, (low, high) in enumerate(ends)]
        assert _row(Hypothesis("H", "claim", lambda _: []), findings)["verdict"] == verdict

    def test_the_hypotheses_are_those_that_were_written_down(self) -> None:
        text = " ".join((HERE / "hypotheses.md").read_text(encoding="utf-8").replace("**", "").split())
        for one in HYPOTHESES:
            assert f"- {one.id} {one.claim}" in text
        assert text.count("- H") == len(HYPOTHESES)

    def test_a_small_study_leaves_open_what_it_cannot_know(self, kept: Path) -> None:
        verdicts = judge(collect(kept)).set_index("id")["verdict"]
        assert verdicts["H13"] == "undecided"
        assert set(verdicts) <= {"held", "failed", "undecided"}


class TestPublished:
    def test_a_study_that_is_read_again_is_the_one_that_was_written(self, kept: Path) -> None:
        published = read_published(kept)
        pd.testing.assert_frame_equal(published.results.scores, collect(kept).scores)
        assert json.loads((kept / "study.json").read_text())["scenarios"] == {
            "independent": {"visitors": 1200, "seeds": 2}, "placebo": {"visitors": 1200, "seeds": 2}}

    def test_the_answer_has_the_keys_of_the_design_and_no_number_that_is_none(self, kept: Path) -> None:
        answer = json.loads((kept / "study.json").read_text())
        assert set(answer) == {"scenarios", "scores", "hypotheses"}
        asked = {"scenario", "model", "share_mae", "share_error", "tau", "overclaim", "regret", "low", "high"}
        assert all(asked <= set(row) for row in answer["scores"])
        assert all({"id", "verdict"} <= set(row) for row in answer["hypotheses"])

    def test_verify_finds_nothing_where_nothing_moved_and_a_planted_change_where_it_is(self, kept: Path, tmp_path: Path) -> None:
        assert verify(kept, trials=2)["moved"].tolist() == [0, 0]
        scores = pd.read_parquet(kept / "scores.parquet")
        scores.loc[(scores["scenario"] == "independent") & (scores["model"] == "markov"), "tau"] += 0.25
        (tmp_path / "manifest.json").write_text("{}")
        scores.to_parquet(tmp_path / "scores.parquet")
        for name in ("credits.parquet", "verdicts.csv"):
            (tmp_path / name).write_bytes((kept / name).read_bytes())
        assert verify(tmp_path, trials=2)["moved"].tolist() == [1, 0]

    def test_verify_looks_at_every_trial_of_every_size_if_asked(self, tmp_path: Path) -> None:
        plan = Plan("sizes", (Key("placebo", 900, 1), Key("placebo", 900, 2), Key("placebo", 1200, 1)))
        run_plan(plan, tmp_path, workers=2)
        publish(plan, tmp_path)
        assert verify(tmp_path, trials=9)["visitors"].tolist() == [900, 900]
        every = verify(tmp_path, trials=None, workers=2)
        assert every["visitors"].tolist() == [900, 900, 1200] and not every["moved"].any()

    def test_words_name_every_world_and_every_hypothesis(self, kept: Path) -> None:
        words = describe(read_published(kept))
        assert all(name in words for name in ("independent", "placebo", *(one.id for one in HYPOTHESES)))

    def test_without_a_study_the_next_command_is_named(self, tmp_path: Path) -> None:
        with pytest.raises(ConvtrackError, match="convtrack study --out"):
            read_published(tmp_path)
        with pytest.raises(ConvtrackError, match="holds no trial"):
            collect(tmp_path)

    def test_what_is_published_is_of_these_worlds(self) -> None:
        manifest, plan = read_published().manifest, full_plan()
        assert manifest["scenarios"] == plan.digests
        assert manifest["trials"] == len(plan.keys)

    def test_every_credit_of_the_published_study_is_known(self) -> None:
        credits = read_published().results.credits
        assert np.isfinite(credits["conversions"]).all()

    def test_what_lesson_11_says_of_the_study_in_words_is_so(self) -> None:
        """Its numbers are computed where they stand; words such as "all three lose less" are fixed, and are checked here."""
        results = read_published().results
        regret, error = results.wide("regret"), results.wide("share_mae")
        mine = regret.drop(index=NOT_ON_TRIAL).mean(axis=1)
        assert all(mine[f"{model}+views"] < mine[model] for model in ("last_non_direct", "markov", "shapley"))
        assert mine.idxmin() == "last_non_direct+views"
        assert regret.loc["incremental", "targeted"] < 500
        assert (error.loc["oracle_told"] / error.loc["oracle"]).min() < 0.9
        assert error.loc["shapley+views", "independent"] > error.loc["shapley", "independent"]
        assert regret.loc["shapley+views", "independent"] < regret.loc["shapley", "independent"]
        assert regret.loc["shapley+views", "placebo"] > regret.loc["shapley", "placebo"]

    def test_what_lesson_11_says_of_channels_and_sizes_in_words_is_so(self) -> None:
        results = read_published().results
        for world in ("brand_tax", "targeted", "upstream"):
            missed = (results.shares(world, "last_touch") - results.shares(world, "truth")).mean()
            assert (missed[["Display", "Paid Video", "Paid Social"]] < 0).all()
        brand = {model: results.credit("brand_tax", model)["Paid Search Brand"] for model in ("truth", "incremental", "holdout")}
        assert brand["incremental"].min() > 2 * brand["truth"].mean()
        assert abs(brand["holdout"].mean() - brand["truth"].mean()) < 2 * brand["holdout"].sem()
        small, large = (results.mean("targeted", "incremental", visitors=size) for size in (30_000, 1_000_000))
        assert large > small / 2


class TestCommands:
    def test_study_prints_one_object_and_nothing_else(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                                                      capsys: pytest.CaptureFixture[str]) -> None:
        monkeypatch.setattr(runner_room, "scenario_names", lambda: ["placebo"])
        monkeypatch.setattr(runner_room, "QUICK", 1200)
        with pytest.raises(SystemExit) as stop:
            cli.main(["study", "--quick", "--out", str(tmp_path / "s"), "--workers", "1", "--format", "json"])
        assert stop.value.code == 0
        assert list(json.loads(capsys.readouterr().out)["scenarios"]) == ["placebo"]

    def test_verify_says_in_lines_what_came_out(self, kept: Path, capsys: pytest.CaptureFixture[str]) -> None:
        with pytest.raises(SystemExit) as stop:
            cli.main(["verify", str(kept), "--trials", "1"])
        assert stop.value.code == 0
        assert capsys.readouterr().out.strip().endswith("as published")


def test_means_over_seeds_carry_the_t_interval_that_arithmetic_gives() -> None:
    rows = [("w", 9, seed, "m", error) for seed, error in enumerate((0.01, 0.02, 0.06), start=1)]
    table = Results(pd.DataFrame(rows, columns=["scenario", "visitors", "seed", "model", "share_mae"]), pd.DataFrame()).summary
    half = np.std([0.01, 0.02, 0.06], ddof=1) / math.sqrt(3) * 4.302652729749464  # t with 2 degrees of freedom
    assert table[["mean", "low", "high"]].iloc[0].tolist() == pytest.approx([0.03, 0.03 - half, 0.03 + half])
