"""The runner: what it executes, what it refuses, and that its results are complete or not there."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import jupytext
import nbformat
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from convtrack.__main__ import main as first_moment
from convtrack.errors import ConvtrackError
from convtrack.lessons import choose_lessons, find_lessons, read_lesson, settle_parameters
from convtrack.staging import replace_folder

ROOT = Path(__file__).resolve().parents[1]
LESSON = '''# ---
# jupyter:
#   convtrack:
#     needs: {events.event_name: anything}
#     uses: {spend: cost of a conversion}
# ---

# %% [markdown]
# # Two numbers

# %% tags=["parameters"]
study: str = "study.yaml"  # the study file
days: int = 30  # 1 to 90; days that a touch counts
share: float = 0.5  # 0 to 1; a share
kind: str = "click"  # one of: click, view; what to count
loud: bool = False  # whether to say it twice

# %%
import convtrack as ct
shop = ct.open_study(study)
ct.show(shop.events.groupby("event_name").size().rename("rows").reset_index(), name="rows")

# %%
ct.say("{n} rows, {days} days.", n=len(shop.events), days=days)
ct.say("Cost: {cost}.", cost=shop.spend["cost"].sum())
'''
STUDY = '''name: tiny
title: A tiny study
currency: GBP
time_zone: UTC
bad_rows: stop
tables: {events: {file: events.csv}}
goals: {purchase: {event: purchase, kind: site, value: column, once_per: event}}
main_goal: purchase
touches: [click, visit]
lookback_days: 30
'''


@pytest.fixture
def place(tmp_path):
    """A study of three events, and a folder of lessons with one lesson that works and one that fails."""
    (tmp_path / "study.yaml").write_text(STUDY)
    pd.DataFrame({"event_time": ["2026-01-05T10:00:00Z", "2026-01-05T10:05:00Z", "2026-01-06T10:00:00Z"],
                  "event_name": ["session_start", "purchase", "session_start"], "visitor_id": ["v1", "v1", "v2"],
                  "channel": ["Email", None, "=cmd()"], "value": [None, 20.0, None]}).to_csv(tmp_path / "events.csv", index=False)
    lessons = tmp_path / "lessons"
    lessons.mkdir()
    write_lesson(lessons / "00_works.ipynb", LESSON)
    return tmp_path


def write_lesson(path: Path, text: str) -> None:
    notebook = jupytext.reads(text, fmt="py:percent")
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(notebook, path)


def cli(*words: str, cwd: Path, **kwargs) -> subprocess.CompletedProcess:
    return subprocess.run([sys.executable, "-m", "convtrack.cli", *words], cwd=cwd, capture_output=True, text=True, **kwargs)


def run_tiny(place: Path, *words: str) -> subprocess.CompletedProcess:
    return cli("run", "study.yaml", "--lessons", "lessons", *words, cwd=place)


def test_a_run_leaves_notebook_page_summary_tables_and_provenance(place):
    done = run_tiny(place, "-p", "days=14")
    out = place / "results" / "tiny"
    assert done.returncode == 0, done.stderr
    assert "results/tiny/index.html" in done.stdout.replace(os.sep, "/")
    assert {"00_works.ipynb", "00_works.html", "index.html", "provenance.json", "tables"} <= {p.name for p in out.iterdir()}
    assert "3 rows, 14 days." in (out / "00_works.html").read_text()
    provenance = json.loads((out / "provenance.json").read_text())
    assert provenance["lessons"]["00"]["parameters"]["days"] == 14
    assert set(provenance["files_sha256"]) == {"study.yaml", "events.csv"}
    assert pd.read_csv(out / "tables" / "00_rows.csv")["rows"].sum() == 3


def test_a_gap_is_listed_in_the_summary_and_names_from_data_are_escaped(place):
    (place / "events.csv").write_text((place / "events.csv").read_text().replace("=cmd()", "<script>alert(1)</script>"))
    assert run_tiny(place).returncode == 0
    summary = (place / "results" / "tiny" / "index.html").read_text()
    assert "This study has no table" in summary
    assert "<script" not in summary and "&lt;script&gt;" in summary


def test_two_runs_of_the_same_study_write_the_same_bytes(place):
    assert run_tiny(place, "--out", "one").returncode == run_tiny(place, "--out", "two").returncode == 0
    for path in sorted((place / "one").rglob("*")):
        if path.is_file() and path.parent.name != "logs":
            assert path.read_bytes() == (place / "two" / path.relative_to(place / "one")).read_bytes(), path


def test_a_failing_lesson_keeps_its_partial_notebook_and_the_others_run(place):
    write_lesson(place / "lessons" / "01_fails.ipynb", LESSON.replace("# %%\nct.say", "# %%\nraise ValueError('spilt')\n\n# %%\nct.say"))
    done = run_tiny(place)
    out = place / "results" / "tiny"
    assert done.returncode == 1
    assert "01  failed" in done.stdout and "ValueError: spilt" in done.stdout and "00  done" in done.stdout
    partial = nbformat.read(out / "01_fails.ipynb", as_version=4)
    assert any(o.output_type == "error" for c in partial.cells for o in c.get("outputs", []))
    assert "spilt" in (out / "index.html").read_text()


KILLED = "import os, signal; os.kill({0}, signal.SIGKILL)"


@pytest.mark.skipif(os.name == "nt", reason="sends a POSIX signal")
@pytest.mark.parametrize(("victim", "why"), [("os.getpid()", "its kernel died"), ("os.getppid()", "its process went down")])
def test_a_lesson_whose_kernel_or_process_is_killed_is_failed_and_the_others_have_their_report(place, victim, why):
    write_lesson(place / "lessons" / "01_dies.ipynb", LESSON.replace("# %%\nct.say", f"# %%\n{KILLED.format(victim)}\n\n# %%\nct.say"))
    done = run_tiny(place)
    out = place / "results" / "tiny"
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert f"01  failed  Two numbers: {why}" in done.stdout and "00  done" in done.stdout
    assert {"00_works.html", "index.html"} <= {p.name for p in out.iterdir()}
    assert why in (out / "index.html").read_text()


def test_a_lesson_that_the_data_cannot_carry_is_skipped_with_the_reason(place):
    write_lesson(place / "lessons" / "02_orders.ipynb", LESSON.replace("{events.event_name: anything}", "{orders: the books}"))
    done = run_tiny(place)
    assert done.returncode == 0
    assert "02  skipped" in done.stdout and "needs orders for the books" in done.stdout
    assert not (place / "results" / "tiny" / "02_orders.html").exists()


@pytest.mark.parametrize(("words", "said"), [
    (["-p", "dais=14"], "Closest: 'days'"),
    (["-p", "days=thirty"], "a whole number, 1 to 90"),
    (["-p", "days=400"], "a whole number, 1 to 90"),
    (["-p", "share=1.5"], "a number, 0 to 1"),
    (["-p", "kind=clic"], "one of: click, view"),
    (["-p", "loud=perhaps"], "true or false"),
    (["-p", "days"], "name=value"),
    (["-p", "study=other.yaml"], "no lesson has a parameter 'study'"),
    (["--only", "07"], "there is no lesson 07"),
    (["--out", "events.csv"], "is a file"),
    (["--out", "lessons"], "holds something else"),
])
def test_wrong_use_is_one_line_with_exit_code_2_and_nothing_is_written(place, words, said):
    before = sorted(place.rglob("*"))
    done = run_tiny(place, *words)
    assert done.returncode == 2
    assert said in done.stderr and len(done.stderr.strip().splitlines()) == 1
    assert sorted(place.rglob("*")) == before


def test_a_folder_that_cannot_be_written_is_one_line(place):
    (place / "file").write_text("")
    done = run_tiny(place, "--out", "file/results")
    assert done.returncode == 2 and "Cannot write" in done.stderr and len(done.stderr.strip().splitlines()) == 1


def test_debug_shows_the_whole_traceback(place):
    done = run_tiny(place, "--only", "07", "--debug")
    assert "Traceback" in done.stderr and done.returncode == 1


@pytest.mark.skipif(os.name == "nt", reason="sends a POSIX signal")
def test_ctrl_c_is_one_line_and_leaves_the_last_results_as_they_were(place):
    assert run_tiny(place).returncode == 0
    before = {p: p.read_bytes() for p in (place / "results").rglob("*") if p.is_file()}
    write_lesson(place / "lessons" / "01_sleeps.ipynb", LESSON.replace("shop = ct", "import time; time.sleep(60); shop = ct"))
    process = subprocess.Popen([sys.executable, "-m", "convtrack.cli", "run", "study.yaml", "--lessons", "lessons"], cwd=place,
                               stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True)
    deadline = time.monotonic() + 60
    while not list((place / "results").glob(".tiny-*/01_sleeps.ipynb")) and time.monotonic() < deadline:
        time.sleep(0.2)
    os.killpg(process.pid, signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Stopped. Nothing was written." in said and "Traceback" not in said
    assert {p: p.read_bytes() for p in (place / "results").rglob("*") if p.is_file()} == before
    assert [p.name for p in (place / "results").iterdir()] == ["tiny"]


@pytest.mark.skipif(os.name == "nt", reason="sends a POSIX signal")
@pytest.mark.parametrize("seconds", [0, 0.7, 1.4, 2.1])
def test_ctrl_c_is_one_line_while_the_workers_start(place, seconds):
    write_lesson(place / "lessons" / "01_sleeps.ipynb", LESSON.replace("shop = ct", "import time; time.sleep(60); shop = ct"))
    process = subprocess.Popen([sys.executable, "-m", "convtrack.cli", "run", "study.yaml", "--lessons", "lessons"], cwd=place,
                               stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True)
    while process.poll() is None and not list(place.glob("results/.tiny-*")):
        time.sleep(0.02)
    time.sleep(seconds)
    os.killpg(process.pid, signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Stopped. Nothing was written." in said and "Traceback" not in said


def test_ctrl_c_is_one_line_while_the_command_is_still_loading(monkeypatch, capsys):
    class Loading:
        def __getattr__(self, name):
            raise KeyboardInterrupt

    monkeypatch.setitem(sys.modules, "convtrack.cli", Loading())
    with pytest.raises(SystemExit, match="130"):
        first_moment()
    assert capsys.readouterr().err == "convtrack: Stopped. Nothing was written.\n"


def test_parameters_of_the_study_file_come_before_defaults_and_after_the_command_line(place):
    lessons = [read_lesson(place / "lessons" / "00_works.ipynb")]
    assert settle_parameters(lessons, [], {"00": {"days": 7}}) == {"00": {"days": 7}}
    assert settle_parameters(lessons, ["days=9"], {"00": {"days": 7}}) == {"00": {"days": 9}}
    with pytest.raises(ConvtrackError, match="Closest: 'days'"):
        settle_parameters(lessons, [], {"00": {"dayz": 7}})


def test_lessons_are_found_in_order_and_chosen_by_number(place):
    write_lesson(place / "lessons" / "10_later.ipynb", LESSON)
    lessons = find_lessons(place / "lessons")
    assert [lesson.number for lesson in lessons] == ["00", "10"]
    assert [lesson.number for lesson in choose_lessons(lessons, "10")] == ["10"]
    assert [lesson.number for lesson in choose_lessons(lessons, "0, 10")] == ["00", "10"]


def test_check_prints_the_passport_as_the_design_says(place):
    done = cli("check", "study.yaml", "--lessons", "lessons", "--format", "json", cwd=place)
    passport = json.loads(done.stdout)
    assert done.returncode == 0
    assert passport["rows"] == {"read": 3, "used": 3, "quarantined": 0}
    assert passport["span"] == ["2026-01-05", "2026-01-06"] and passport["visitors"] == 2
    assert passport["goals"] == {"purchase": {"conversions": 1, "value": 20.0}}
    assert passport["channels"] == ["=cmd()", "Email"]
    assert passport["lessons"]["00"] == {"status": "limits", "why": "without spend, no cost of a conversion"}


def test_compare_prints_the_json_of_the_design(place):
    done = cli("compare", "study.yaml", "--models", "last_touch,markov", "--bootstrap", "10", "--format", "json", cwd=place)
    answer = json.loads(done.stdout)
    assert answer["models"]["last_touch"]["Email"]["conversions"] == 1
    assert set(answer["models"]["markov"]["Email"]) == {"conversions", "value", "low", "high"}
    assert (answer["conversions"], answer["value"], answer["unattributed"]) == (1, 20, 0)


def test_compare_of_a_table_of_paths_and_of_a_wrong_model(tmp_path):
    (tmp_path / "paths.csv").write_text("path,total_conversions,total_null\nA > B,2,1\nB,1,5\n")
    done = cli("compare", "paths.csv", "--models", "last_touch", "--format", "csv", cwd=tmp_path)
    assert done.stdout == (
        "model,channel,conversions,value,share,difference,rank\nlast_touch,A,0,,0,0,2\nlast_touch,B,3,,1,0,1\n"
    )
    wrong = cli("compare", "paths.csv", "--models", "last_toch", cwd=tmp_path)
    assert wrong.returncode == 2 and "Closest: 'last_touch'" in wrong.stderr


def test_conversions_that_all_come_before_any_touch_are_named_with_file_and_event(place):
    (place / "events.csv").write_text("event_id,event_name,event_time,visitor_id,channel,value\n"
                                      "b,purchase,2026-01-05T10:05:00Z,v,,20\na,session_start,2026-01-06T10:00:00Z,v,Email,\n")
    done = cli("compare", "study.yaml", cwd=place)
    assert done.returncode == 2 and "events.csv, event_id b: no touch in the 30 days before it" in done.stderr
    passport = json.loads(cli("check", "study.yaml", "--lessons", "lessons", "--format", "json", cwd=place).stdout)
    assert any("1 of 1 conversions have no touch" in finding for finding in passport["findings"])


def test_every_command_has_help_with_an_example():
    commands = ("run", "new", "check", "compare", "models", "simulate")
    for command in commands:
        done = cli(command, "--help", cwd=ROOT)
        assert done.returncode == 0 and f"Example: convtrack {command}" in " ".join(done.stdout.split()), command


def test_a_world_that_cannot_be_written_says_where_in_one_line(tmp_path):
    (tmp_path / "file").write_text("in the way")
    done = cli("simulate", "--visitors", "20", "--out", "file/world", cwd=tmp_path)
    assert done.returncode == 2 and done.stderr.count("\n") == 1
    assert "file/world" in done.stderr and "Choose another place" in done.stderr
    assert "Traceback" in cli("--debug", "simulate", "--visitors", "20", "--out", "file/world", cwd=tmp_path).stderr


def test_compare_by_campaign_with_a_platform_and_what_would_change(tmp_path):
    shop = Path(__file__).resolve().parents[1] / "data" / "larkspur"
    done = cli("compare", str(shop), "--models", "last_touch,linear,meta", "--bootstrap", "20", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "first by every model" in done.stdout or "First place depends on the model" in done.stdout
    assert "meta adds up to" in done.stdout
    by_campaign = json.loads(
        cli("compare", str(shop), "--by", "campaign", "--models", "linear", "--format", "json", cwd=tmp_path).stdout
    )
    assert "retarget_basket" in by_campaign["models"]["linear"] and by_campaign["unattributed"] > 0


@pytest.mark.parametrize(("encoding", "form"), [("cp1252", "json"), ("ascii", "table"), ("shift_jis", "csv"), ("utf-8", "csv")])
def test_a_channel_of_any_script_is_written_in_any_encoding_of_the_output(tmp_path, encoding, form):
    name = "検索広告 \N{SNOWMAN} \N{GRINNING FACE}"
    (tmp_path / "paths.csv").write_text(f"path,total_conversions\n{name},2\nB > {name},1\n", encoding="utf-8")
    words = [sys.executable, "-m", "convtrack.cli", "compare", "paths.csv", "--models", "last_touch", "--format", form]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, env=os.environ | {"PYTHONIOENCODING": encoding})
    said = done.stderr.decode()
    assert done.returncode == 0 and "Traceback" not in said
    assert ("set PYTHONUTF8=1" in said) == (encoding in ("cp1252", "shift_jis"))  # Typer turns ASCII into UTF-8
    if form == "json":
        answer = json.loads(done.stdout.decode(encoding))
        assert answer["models"]["last_touch"][name]["conversions"] == 3


@pytest.mark.parametrize(("settings", "said"), [
    ('{"01": {}}', "there is no lesson 01"),
    ('{"7": {}}', 'in quotes, as in "07"'),
    ('{"00": {dais: 7}}', "Closest: 'days'"),
    ('{"00": {days: 400}}', "1 to 90"),
])
@pytest.mark.parametrize("command", ["check", "run"])
def test_settings_of_a_lesson_that_is_not_there_are_refused_whatever_is_run(place, command, settings, said):
    (place / "study.yaml").write_text(STUDY + f"lessons: {settings}\n")
    done = cli(command, "study.yaml", "--lessons", "lessons", cwd=place)
    assert done.returncode == 2 and said in done.stderr and len(done.stderr.strip().splitlines()) == 1


def test_an_empty_choice_is_not_taken_for_none_given(place):
    for words in (["run", "study.yaml", "--lessons", "lessons", "--only", ""], ["compare", "study.yaml", "--models", ""]):
        done = cli(*words, cwd=place)
        assert done.returncode == 2 and len(done.stderr.strip().splitlines()) == 1, done.stderr


def test_a_goal_without_an_event_counts_0_and_check_names_the_nearest(place):
    more = "{purchase: {event: purchase, kind: site, value: column, once_per: event}, " \
           "opt_in: {event: session_strat, kind: site, value: none, once_per: session}}"
    (place / "study.yaml").write_text(re.sub("(?m)^goals: .*$", f"goals: {more}", STUDY))
    passport = json.loads(cli("check", "study.yaml", "--lessons", "lessons", "--format", "json", cwd=place).stdout)
    assert passport["goals"]["opt_in"] == {"conversions": 0, "value": None}
    said = "goal opt_in: no event is called 'session_strat', so it counts 0. Closest: 'session_start'"
    assert said in passport["findings"]
    assert cli("compare", "study.yaml", "--models", "linear", cwd=place).returncode == 0
    done = run_tiny(place)
    assert done.returncode == 0 and "session_strat" in (place / "results" / "tiny" / "index.html").read_text()
    (place / "study.yaml").write_text(STUDY.replace("event: purchase", "event: purchse"))
    done = cli("compare", "study.yaml", cwd=place)
    assert done.returncode == 2 and "so it counts 0. Closest: 'purchase'" in done.stderr
    assert cli("check", "study.yaml", "--lessons", "lessons", cwd=place).returncode == 0


def test_results_go_where_a_link_leads_and_the_link_stays(place):
    (place / "elsewhere").mkdir()
    (place / "link").symlink_to(place / "elsewhere", target_is_directory=True)
    assert run_tiny(place, "--out", "link").returncode == 0
    assert (place / "link").is_symlink() and (place / "elsewhere" / "index.html").exists()


def test_a_folder_that_cannot_be_moved_keeps_its_place_and_holds_the_new_results(tmp_path, monkeypatch):
    """As a mount point cannot."""
    out, stage = tmp_path / "mounted", tmp_path / "stage"
    for folder, text in ((out, "old"), (stage, "new")):
        (folder / "tables").mkdir(parents=True)
        (folder / "tables" / "rows.csv").write_text(text)
    (out / "left.txt").write_text("old")
    (out / "link").symlink_to(tmp_path, target_is_directory=True)
    monkeypatch.setattr(Path, "rename", lambda self, target: (_ for _ in ()).throw(OSError(16, "Device or resource busy")))
    replace_folder(out, stage)
    assert (out / "tables" / "rows.csv").read_text() == "new" 
    assert [part.name for part in out.iterdir()] == ["tables"] and tmp_path.exists()


def test_names_from_the_data_do_not_command_the_terminal(tmp_path):
    (tmp_path / "paths.csv").write_text("path,total_conversions\n\x1b[2JEmail > \x9b31mSMS\u202e,3\nDirect,1\n", encoding="utf-8")
    done = cli("compare", "paths.csv", cwd=tmp_path)
    assert done.returncode == 0 and "?[2JEmail" in done.stdout and "?31mSMS?" in done.stdout
    assert not set("\x1b\x9b\u202e") & set(done.stdout + done.stderr)
    as_json = cli("compare", "paths.csv", "--format", "json", cwd=tmp_path).stdout
    assert not set("\x1b\x9b\u202e") & set(as_json) and "\x9b31mSMS\u202e" in str(json.loads(as_json)).encode().decode("unicode_escape")


def test_parquet_whose_text_is_no_utf_8_is_one_line(place):
    broken = pa.Array.from_buffers(pa.string(), 1, [None, pa.py_buffer(b"\x00\x00\x00\x00\x02\x00\x00\x00"), pa.py_buffer(b"\xff\xfe")])
    pq.write_table(pa.table({"visitor_id": broken}), place / "events.parquet")
    (place / "study.yaml").write_text(STUDY.replace("events.csv", "events.parquet"))
    done = cli("check", "study.yaml", cwd=place)
    assert done.returncode == 2 and len(done.stderr.splitlines()) == 1 and "events.parquet" in done.stderr
