"""The command line: `convtrack COMMAND --help` shows each command with an example.

Exit codes: 0 done, 1 a lesson or check failed, 2 wrong use or unusable data, 130 stopped, as by Ctrl-C.
"""

from __future__ import annotations

import codecs
import json
import re
import signal
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from .errors import ConvtrackError, Stopped
from .folders import data_files, new_study_path, study_path
from .gaps import Gap

app = typer.Typer(add_completion=False, no_args_is_help=True, rich_markup_mode=None, pretty_exceptions_enable=False,
                  help="Conversion tracking, step by step: run the lessons on the shop's data or on your own.")
INTERRUPTED = 130  # what Typer returns after Ctrl-C
SHOP = Path(__file__).resolve().parents[2] / "data" / "larkspur" / "study.yaml"
LONGEST = 183  # days that any platform's preset looks back
# what a terminal does instead of showing it: control characters but tab and new line, and those that turn the direction of text
OBEYED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
Format = StrEnum("Format", ["table", "csv", "json"])
ReportFormat = StrEnum("ReportFormat", ["text", "json"])
StudyArgument = Annotated[Path, typer.Argument(metavar="[STUDY]", help="study.yaml, or its folder", show_default="the shop's")]


@app.callback()
def _options(debug: Annotated[bool, typer.Option("--debug", help="Show the whole traceback of an error.")] = False) -> None:
    """Conversion tracking, step by step."""


@app.command()
def run(study: StudyArgument = SHOP,
        only: Annotated[str | None, typer.Option(help="Lessons to run, as in 07,08")] = None,
        parameter: Annotated[list[str] | None, typer.Option("-p", metavar="NAME=VALUE", help="Set a lesson's parameter")] = None,
        out: Annotated[Path | None, typer.Option(help="Results folder", show_default="results/<study>")] = None,
        lessons: Annotated[Path | None, typer.Option(help="Folder of the lessons", show_default="the course's")] = None) -> None:
    """Execute the lessons on a study and write the report.

    Example: convtrack run my/study.yaml --only 03,07 -p lookback_days=14
    """
    study_path(study)
    from .lessons import HERE, check_settings, choose_lessons, find_lessons, settle_parameters
    from .run import run_lessons
    from .settings import open_study

    opened = open_study(study)
    found = find_lessons(lessons or HERE)
    check_settings(found, opened.settings.lessons)
    chosen = choose_lessons(found, only)
    settled = settle_parameters(chosen, parameter or [], opened.settings.lessons)
    folder = out or Path("results") / opened.name
    runs = run_lessons(opened, chosen, settled, folder)
    for one in runs:
        _say(f"{one.lesson.number}  {one.status:<8}{one.lesson.title}{': ' + one.why if one.why else ''}")
    _say(f"Report: {folder / 'index.html'}")
    raise typer.Exit(1 if any(one.status == "failed" for one in runs) else 0)


@app.command()
def new(data: Annotated[Path, typer.Argument(metavar="DATA", help="an export: a CSV or Parquet file, or a folder of them")],
        out: Annotated[Path, typer.Option(help="Folder for study.yaml")] = Path("."),
        time_zone: Annotated[str | None, typer.Option(help="Zone of the times in the file, as in Europe/Berlin")] = None,
        currency: Annotated[str | None, typer.Option(help="Currency to report in, as in EUR")] = None,
        name: Annotated[str | None, typer.Option(help="A short name for the study")] = None,
        force: Annotated[bool, typer.Option("--force", help="Replace a study.yaml that is there")] = False) -> None:
    """Look at an export, propose how it maps, and write study.yaml for you to confirm.

    Example: convtrack new export.csv --time-zone Europe/Berlin --currency EUR --out my
    """
    data_files(data)
    new_study_path(out, force)
    from .onboarding import propose, write_proposal

    proposal = propose(data, time_zone=time_zone, currency=currency, name=name, folder=out)
    path = write_proposal(proposal, out, overwrite=force)
    for line in proposal.lines:
        _say(line)
    _say(f"Written: {path}. Read it, correct it, then: convtrack check {path}")
    for question in proposal.questions:
        _say(f"To fill in first: {question}")


@app.command()
def check(study: StudyArgument = SHOP,
          lessons: Annotated[Path | None, typer.Option(help="Folder of the lessons", show_default="the course's")] = None,
          format: Annotated[ReportFormat, typer.Option(help="text or json")] = ReportFormat.text) -> None:
    """The data passport: what the data is, which lessons it carries, and what is missing.

    Example: convtrack check my/study.yaml --format json
    """
    study_path(study)
    from .lessons import HERE, check_settings, find_lessons
    from .passport import describe, make_passport
    from .settings import open_study

    opened, found = open_study(study), find_lessons(lessons or HERE)
    check_settings(found, opened.settings.lessons)
    passport = make_passport(opened, found)
    _say(_json(passport.as_json()) if format == ReportFormat.json else describe(passport))


@app.command()
def compare(data: Annotated[Path, typer.Argument(metavar="STUDY|PATHS", help="study.yaml, or a table of paths")] = SHOP,
            models: Annotated[str | None, typer.Option(help="Models, as in last_touch,markov; `convtrack models` has all",
                                                       show_default="the usual ones")] = None,
            by: Annotated[str, typer.Option(help="What the path is made of: channel, campaign, or another column")] = "channel",
            bootstrap: Annotated[int, typer.Option(min=0, max=100_000, help="Resamples for 95 % intervals")] = 0,
            seed: Annotated[int, typer.Option(min=0, help="Seed of the resamples")] = 1,
            separator: Annotated[str | None, typer.Option(help="What joins the channels of a path in a table of paths, as in '>'",
                                                          show_default="' > '")] = None,
            format: Annotated[Format, typer.Option(help="table, csv or json")] = Format.table) -> None:
    """Credit by channel of several attribution models, side by side.

    Example: convtrack compare paths.csv --models last_touch,markov --bootstrap 200 --format json
    """
    if data.suffix not in (".csv", ".parquet"):
        study_path(data)
    import numpy as np

    from .attribution import compare as compare_models
    from .texts import csv_text

    journeys, views, chosen = _comparable(data, _names(models), by, separator)
    result = compare_models(journeys, chosen, bootstrap, np.random.default_rng(seed), views)
    if isinstance(result, Gap):
        raise ConvtrackError(f"{data}: {result.sentence}")
    if format == Format.json:
        _say(_json(result.as_json()))
    elif format == Format.csv:
        table = result.table.assign(channel=result.table["channel"].map(csv_text))
        typer.echo(table.to_csv(index=False, float_format="%.10g", lineterminator="\n"), nl=False)
    else:
        _say("\n".join([result.as_text(), result.sentence, result.decisions, *result.warnings]))


def _say(text: Any, err: bool = False) -> None:
    """A line or several for a person, in which names from the data cannot move the cursor or the title of the terminal."""
    typer.echo(OBEYED.sub("?", str(text)), err=err)


def _names(models: str | None) -> list[str] | None:
    return None if models is None else [name.strip() for name in models.split(",")]


def _comparable(data: Path, models: list[str] | None, by: str, separator: str | None) -> tuple[Any, Any, Any]:
    """The journeys or paths to compare on, journeys of every touch if a platform is asked for, and the models."""
    from .attribution import Platform, read_paths, with_platforms

    if data.suffix in (".csv", ".parquet"):
        if by != "channel":
            raise ConvtrackError(f"The paths of {data.name} are made of channels already. Leave --by out.")
        paths = read_paths(data, separator)
        if "read_as" in paths.attrs:
            _say(f"{data.name}: {paths.attrs['read_as']}", err=True)
        return paths, None, models
    from .goals import missing_events
    from .journeys import journeys_of
    from .schema import INTERACTIONS
    from .settings import open_study

    study = open_study(data)
    chosen = None if models is None else with_platforms(models, study.platforms)
    if study.settings.connection is not None:
        return _paths_in_engine(study, by), None, chosen
    for line in missing_events(study.events, study.goal):
        raise ConvtrackError(f"{data}: {line}. There is nothing to credit.")
    journeys = journeys_of(study, by)
    if any(isinstance(model, Platform) for model in chosen or []):
        return journeys, journeys_of(study, by, INTERACTIONS, LONGEST), chosen
    if not isinstance(journeys, Gap):
        _check_touched(journeys, study)
    return journeys, None, chosen


def _paths_in_engine(study: Any, by: str) -> Any:
    from .engine import study_paths

    if by != "channel":
        raise ConvtrackError("In an engine paths are made of channels. Leave --by out, or map `channel` to that column.")
    found = study_paths(study)
    _say(f"{found.read:,} rows read = {found.used:,} used + {found.read - found.used:,} set aside", err=True)
    for row in found.set_aside.itertuples():
        _say(f"{row.rows:,} rows set aside: {row.reason}", err=True)
    return found.paths


def _check_touched(journeys: Any, study: Any) -> None:
    won = journeys[journeys["converted"]]
    if len(won) and not won["path"].map(len).any():
        first = won["journey_id"].iloc[0].removeprefix(f"conversion {study.main_goal}:")
        raise ConvtrackError(f"{study.loaded('events').files.name}, event_id {first}: no touch in the {study.lookback_days} "
                             f"days before it, and so with every conversion. Raise lookback_days in study.yaml, or check "
                             f"that event_time, visitor_id and channel are the right columns.")


@app.command()
def models() -> None:
    """The definition card of every attribution model.

    Example: convtrack models
    """
    from .attribution import model_cards

    for card in model_cards().itertuples():
        _say(f"{card.model}\n    " + card.card.replace("\n", "\n    ") + "\n")


@app.command()
def simulate(out: Annotated[Path, typer.Option(help="Folder for the tables")],
             scenario: Annotated[str, typer.Option(help="Which world")] = "larkspur",
             seed: Annotated[int, typer.Option(min=0, help="Seed: the same seed gives the same bytes")] = 1,
             visitors: Annotated[int | None, typer.Option(min=1, help="Visitors", show_default="the scenario's")] = None) -> None:
    """Simulate a shop whose truth is known, and write its tables.

    Example: convtrack simulate --scenario larkspur --seed 1 --out data/larkspur
    """
    from .world import simulate as simulate_world
    from .world import write_world

    for path in write_world(simulate_world(scenario, seed, visitors), out):
        _say(path)


@app.command()
def study(quick: Annotated[bool, typer.Option("--quick", help="Small worlds and two seeds: under a minute")] = False,
          out: Annotated[Path | None, typer.Option(help="The study's folder; a call that was interrupted goes on there",
                                                   show_default="results/study or results/study-quick")] = None,
          workers: Annotated[int | None, typer.Option(min=1, help="Trials at a time", show_default="one a core")] = None,
          format: Annotated[ReportFormat, typer.Option(help="text or json")] = ReportFormat.text) -> None:
    """Run the study: simulated worlds, every model on each, and how far each is from the known truth.

    Example: convtrack study --quick
    """
    from .study import describe, full_plan, publish, quick_plan, run_plan

    plan = quick_plan() if quick else full_plan()
    folder = out or Path("results") / ("study-quick" if quick else "study")
    run_plan(plan, folder, workers)
    done = publish(plan, folder)
    _say(_json(done.as_json()) if format == ReportFormat.json else f"{describe(done)}\nWritten: {folder}")


@app.command()
def verify(folder: Annotated[Path | None, typer.Argument(help="A study's folder", show_default="the published study")] = None,
           trials: Annotated[int | None, typer.Option(min=1, help="How many trials to run again", show_default="3")] = None,
           every: Annotated[bool, typer.Option("--all", help="Run every trial again: half an hour on two cores")] = False,
           workers: Annotated[int | None, typer.Option(min=1, help="Trials at a time; one takes up to 6 GiB",
                                                       show_default="one a core")] = None) -> None:
    """Recompute some of what is published here, or all of it, and say what moved: the shop's tables, and trials of the study.

    Example: convtrack verify --trials 5
    """
    from .study import SAME, verify_published

    if every and trials is not None:
        raise ConvtrackError("--all and --trials are two answers to one question. Leave one out.")
    moved = 0
    for line in verify_published(folder, None if every else trials or 3, workers):
        _say(line)
        moved += not line.endswith(SAME)
    raise typer.Exit(1 if moved else 0)


def _json(answer: dict[str, Any]) -> str:
    text = json.dumps(answer, ensure_ascii=False, indent=1, allow_nan=False)
    return OBEYED.sub(lambda found: f"\\u{ord(found[0]):04x}", text)  # the same data, and nothing that a terminal obeys


def main(arguments: list[str] | None = None) -> None:
    """Run a command; an error is one line on standard error and exit code 2."""
    words = sys.argv[1:] if arguments is None else arguments
    escaped = _escape_what_cannot_be_written()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # who is stopped from outside stops its workers too, as with Ctrl-C
    try:
        code = app([word for word in words if word != "--debug"] or ["--help"], standalone_mode=False)
        if code == INTERRUPTED:
            code = _stop("Stopped. Nothing was written.", INTERRUPTED)
    except ConvtrackError as error:
        if "--debug" in words:
            raise
        code = _stop(str(error), INTERRUPTED if isinstance(error, Stopped) else 2)
    except OSError as error:
        if "--debug" in words:
            raise
        code = _stop(f"{error.filename or 'A file'}: {error.strerror or error}. Choose another place, or free it.")
    except typer.TyperException as error:
        code = _stop(f"{_message(error)} See: convtrack --help")
    if escaped:
        _stop(f"{sys.stdout.encoding} cannot hold {', '.join(sorted(escaped))}: so they are written. To have the characters "
              f"themselves, set PYTHONUTF8=1")
    sys.exit(code or 0)


def _escape_what_cannot_be_written() -> set[str]:
    """The characters that the output's encoding lacks, filled in as they come up; each is written as JSON escapes it."""
    lacking: set[str] = set()

    def escape(error: UnicodeEncodeError) -> tuple[str, int]:
        escapes = [json.dumps(letter)[1:-1] for letter in error.object[error.start:error.end]]
        lacking.update(escapes)
        return "".join(escapes), error.end

    codecs.register_error("escape as JSON", escape)
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="escape as JSON")
    return lacking


def _message(error: typer.TyperException) -> str:
    describe = getattr(error, "format_message", None)  # names the option and its choices, where there is one
    return describe() if describe else str(error)


def _stop(line: str, code: int = 2) -> int:
    print("convtrack: " + OBEYED.sub("?", " ".join(line.split())), file=sys.stderr)
    return code


if __name__ == "__main__":
    main()
