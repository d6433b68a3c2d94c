"""course.py sets up once, repairs what is broken, says what to do, and hands over. Nothing is installed."""

import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

COURSE = Path(__file__).resolve().parents[1] / "course.py"
PYENV = Path.home() / ".pyenv" / "versions"
OLD = sorted(python for minor in range(6, 11) for python in PYENV.glob(f"3.{minor}.*/bin/python3"))
Capture, Patch = pytest.CaptureFixture[str], pytest.MonkeyPatch
Calls = list[tuple[list[str], str]]
NO_NETWORK = "Retrying after connection broken by 'NewConnectionError'\nERROR: No matching distribution"


def load(folder: Path) -> ModuleType:
    """course.py as a module that takes `folder` for the project."""
    copy = shutil.copy(COURSE, folder / "course.py")
    for group in ("peers", "scale"):
        (folder / "tests" / group).mkdir(parents=True)
    locks = ("tests/peers/requirements.lock", "tests/scale/requirements.lock")
    for name in ("requirements.lock", "pyproject.toml", *locks):
        (folder / name).write_text(name)
    spec = importlib.util.spec_from_file_location("course_copy", copy)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Machine:
    """Stands in for `quiet`: fails where it is told to, does nothing else, and remembers what was asked."""

    def __init__(self, course: ModuleType) -> None:
        self.course, self.ran, self.broken = course, [], {}
        self.pythons = {}  # the version of the Python in each environment, where there is one that runs

    def __call__(self, command: list[str]) -> SimpleNamespace:
        line = " ".join(command)
        broken = next((output for words, output in self.broken.items() if words in line), None)
        if broken is not None:
            return SimpleNamespace(returncode=1, stdout=broken)
        if "import pip" in line:
            python = self.pythons.get(Path(command[0]).parents[1], "")
            return SimpleNamespace(returncode=0 if python else 127, stdout=python + "\n")
        self.ran.append(line)
        if "-m venv" in line:
            self.pythons[Path(command[-1])] = self.course.PYTHON
            Path(command[-1]).mkdir(exist_ok=True)
        return SimpleNamespace(returncode=0, stdout="")

    def did(self, words: str) -> bool:
        """Whether a command with these words was run; what was run is forgotten by `forget`."""
        return any(words in line for line in self.ran)

    def forget(self) -> None:
        self.ran.clear()


@pytest.fixture
def course(tmp_path: Path) -> ModuleType:
    return load(tmp_path)


@pytest.fixture
def machine(course: ModuleType, monkeypatch: Patch) -> Machine:
    fake = Machine(course)
    monkeypatch.setattr(course, "quiet", fake)
    monkeypatch.setattr(shutil, "which", lambda name: None)
    return fake


@pytest.fixture
def set_up(course: ModuleType, machine: Machine) -> Machine:
    """A machine on which `.venv` has been set up."""
    course.VENV.set_up()
    machine.forget()
    return machine


def tree(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


# Setting up


def test_the_first_call_makes_an_environment_and_installs_the_lock_and_the_project(
    course: ModuleType, machine: Machine, capsys: Capture,
) -> None:
    course.VENV.set_up()
    assert f"-m venv --clear {course.VENV.folder}" in machine.ran[0]
    assert machine.did("uv pip install --compile-bytecode --python") and machine.did("--require-hashes -r")
    assert machine.ran[-1].endswith(f"--no-deps --no-build-isolation -e {course.ROOT}")
    lines = capsys.readouterr().err.splitlines()
    assert [line[:5] for line in lines] == ["[1/3]", "[2/3]", "[3/3]", "Set u"]


def test_the_second_call_runs_nothing_and_says_nothing(
    course: ModuleType, set_up: Machine, capsys: Capture,
) -> None:
    capsys.readouterr()
    course.VENV.set_up()
    assert set_up.ran == [] and capsys.readouterr().err == ""


@pytest.mark.parametrize("name", ["requirements.lock", "pyproject.toml"])
def test_a_changed_file_is_installed_into_the_same_environment(
    course: ModuleType, set_up: Machine, name: str,
) -> None:
    (course.ROOT / name).write_text("changed")
    course.VENV.set_up()
    assert set_up.did("--require-hashes") and not set_up.did("-m venv") and not set_up.did("--reinstall")


def test_an_environment_without_a_stamp_is_kept_and_everything_in_it_installed_again(
    course: ModuleType, set_up: Machine,
) -> None:
    course.VENV.stamp_file.unlink()
    course.VENV.set_up()
    assert set_up.did("--reinstall --require-hashes") and not set_up.did("-m venv")


@pytest.mark.parametrize("python", ["", "3.1"])
def test_an_environment_whose_python_does_not_run_or_is_another_is_made_anew(
    course: ModuleType, set_up: Machine, python: str,
) -> None:
    set_up.pythons[course.VENV.folder] = python
    course.VENV.set_up()
    assert set_up.did("-m venv --clear") and not set_up.did("--reinstall")


def test_a_moved_environment_is_made_anew(course: ModuleType, set_up: Machine) -> None:
    course.VENV.stamp_file.write_text(json.dumps(dict(course.VENV.wanted(), root="/elsewhere")))
    course.VENV.set_up()
    assert set_up.did("-m venv --clear")
    assert course.VENV.stamp() == course.VENV.wanted()


@pytest.mark.parametrize("text", ["", "{", "[]", "[1]", "7", "null"])
def test_a_damaged_stamp_counts_as_none(course: ModuleType, set_up: Machine, text: str) -> None:
    course.VENV.stamp_file.write_text(text)
    assert course.VENV.stamp() == {}
    course.VENV.set_up()
    assert set_up.did("--require-hashes") and course.VENV.ready()


@pytest.mark.parametrize("step", ["-m venv", "--require-hashes", "--no-deps"])
def test_the_stamp_is_only_written_when_every_step_worked_and_the_next_call_repairs(
    course: ModuleType, machine: Machine, step: str,
) -> None:
    machine.broken[step] = "no luck"
    with pytest.raises(course.Trouble):
        course.VENV.set_up()
    assert not course.VENV.stamp_file.exists()
    machine.broken.clear()
    course.VENV.set_up()
    assert course.VENV.ready()


def test_an_interrupted_renewal_leaves_no_stamp_behind(
    course: ModuleType, set_up: Machine, monkeypatch: Patch,
) -> None:
    def interrupt(again: bool) -> None:
        raise KeyboardInterrupt

    (course.ROOT / "requirements.lock").write_text("changed")
    monkeypatch.setattr(course.VENV, "install_locks", interrupt)
    assert course.main(["setup"]) == 130
    assert not course.VENV.stamp_file.exists()


def test_a_python_that_is_missing_or_junk_is_seen_as_such(course: ModuleType) -> None:
    assert not course.VENV.usable()
    python = Path(course.VENV.python()[0])
    python.parent.mkdir(parents=True)
    python.write_text("junk")
    python.chmod(0o755)
    assert not course.VENV.usable()


def test_a_python_that_runs_and_has_pip_is_usable(course: ModuleType, monkeypatch: Patch) -> None:
    monkeypatch.setattr(course.VENV, "python", lambda *more: [sys.executable, *more])
    assert course.VENV.usable()
    monkeypatch.setattr(course, "PYTHON", "3.1")
    assert not course.VENV.usable()


def test_set_up_leaves_nothing_beside_the_environment(course: ModuleType, machine: Machine) -> None:
    before = tree(course.ROOT)
    course.VENV.set_up()
    assert tree(course.ROOT) - before == {".venv", os.path.join(".venv", "course-stamp.json")}


# The environment of the peers


def test_peers_gets_an_environment_of_its_own_with_both_locks(course: ModuleType, machine: Machine) -> None:
    course.PEERS.set_up()
    locks = " ".join(f"-r {course.ROOT / name}" for name in course.PEERS.locks)
    assert set(course.VENV.locks) < set(course.PEERS.locks)
    assert f"-m venv --clear {course.ROOT / '.venv-peers'}" in machine.ran[0]
    assert machine.did(f"--require-hashes {locks}") and course.PEERS.ready()
    assert all(line.startswith(str(course.PEERS.folder) + os.sep) for line in machine.ran[1:])
    assert not course.VENV.folder.exists()


@pytest.mark.parametrize(("name", "renewed"), [
    ("requirements.lock", {"VENV", "PEERS"}),
    ("tests/peers/requirements.lock", {"PEERS"}),
])
def test_a_changed_lock_renews_the_environments_that_have_it(
    course: ModuleType, set_up: Machine, name: str, renewed: set[str],
) -> None:
    course.PEERS.set_up()
    (course.ROOT / name).write_text("changed")
    assert {name for name in ("VENV", "PEERS") if not getattr(course, name).ready()} == renewed


def test_a_half_made_environment_of_the_peers_is_repaired_and_then_left_alone(
    course: ModuleType, machine: Machine, capsys: Capture,
) -> None:
    machine.broken["--require-hashes"] = "no luck"
    assert course.main(["peers"]) == 1
    assert "Delete the folder .venv-peers, then" in capsys.readouterr().err
    machine.broken.clear()
    machine.forget()
    course.PEERS.set_up()
    assert machine.did("--reinstall --require-hashes") and not machine.did("-m venv")
    machine.forget()
    course.PEERS.set_up()
    assert machine.ran == []


# uv, pip and what can go wrong


def test_pip_installs_the_lock_where_uv_cannot_be_had(course: ModuleType, machine: Machine) -> None:
    machine.broken = {"-m uv": "", str(course.UV): NO_NETWORK}
    course.VENV.set_up()
    assert machine.did("-m pip install --require-hashes -r") and not machine.did("uv pip")


def test_pip_installs_the_lock_where_uv_fails(course: ModuleType, machine: Machine) -> None:
    machine.broken = {"uv pip install": "error"}
    course.VENV.set_up()
    assert machine.did("-m pip install --require-hashes -r") and course.VENV.ready()


def test_uv_is_tried_from_its_cache_when_the_network_is_gone(
    course: ModuleType, machine: Machine, monkeypatch: Patch,
) -> None:
    ran = machine.ran
    monkeypatch.setattr(course.VENV, "insist", lambda *ways: ran.extend(" ".join(way) for way in ways))
    course.VENV.install_locks(again=False)
    assert [line.endswith("--offline") for line in ran[-3:]] == [False, True, False]


def test_uv_on_the_path_serves_where_pip_cannot_fetch_it(
    course: ModuleType, machine: Machine, monkeypatch: Patch,
) -> None:
    machine.broken = {"-m uv": "", str(course.UV): NO_NETWORK}
    monkeypatch.setattr(shutil, "which", lambda name: "/somewhere/uv")
    assert course.VENV.uv() == ["/somewhere/uv"]


def test_a_failure_prints_its_last_lines_and_what_to_try(
    course: ModuleType, machine: Machine, capsys: Capture,
) -> None:
    machine.broken = {"--require-hashes": "\n".join(f"line {n}" for n in range(100))}
    assert course.main(["setup"]) == 1
    lines = capsys.readouterr().err.splitlines()
    assert lines[-2:] == ["line 99", "Delete the folder .venv, then type the same command again."]
    assert "line 88" in lines and "line 87" not in lines


@pytest.mark.parametrize(("step", "output", "words"), [
    ("--require-hashes", NO_NETWORK, "connect to the internet"),
    ("-m venv", "not created successfully because ensurepip is not\navailable", "apt install python3-venv"),
    ("-m venv", "python3: No module named venv", "apt install python3-venv"),
])
def test_no_network_and_no_venv_module_are_told_in_one_line(
    course: ModuleType, machine: Machine, capsys: Capture, step: str, output: str, words: str,
) -> None:
    machine.broken = {step: output}
    assert course.main(["setup"]) == 1
    said = [line for line in capsys.readouterr().err.splitlines() if not line.startswith("[")]
    assert len(said) == 1 and words in said[0]


@pytest.mark.parametrize(("output", "words"), [
    ("OSError: [Errno 28] No space left on device", "disk is full"),
    ("Error: [Errno 13] Permission denied: '.venv'", "folder that you may write to"),
    ("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM ...", "not the one that was locked"),
    ("connection broken by 'SSLError(CERTIFICATE_VERIFY_FAILED)'", "PIP_CERT"),
])
def test_other_known_causes_get_their_own_advice_after_the_output(
    course: ModuleType, output: str, words: str,
) -> None:
    first, last = course.explanation(output, ".venv").splitlines()
    assert first == output and words in last


# One at a time


def test_only_one_process_gets_the_lock_and_leaving_frees_it(course: ModuleType) -> None:
    with open(course.__file__, "rb") as first, open(course.__file__, "rb") as second:
        assert course.taken(first)
        assert not course.taken(second)
        first.close()
        assert course.taken(second)


def test_a_second_set_up_waits_and_then_finds_nothing_to_do(
    course: ModuleType, machine: Machine, monkeypatch: Patch, capsys: Capture,
) -> None:
    answers = iter([False, False, True])
    monkeypatch.setattr(course, "taken", lambda file: next(answers))
    monkeypatch.setattr(course.time, "sleep", lambda seconds: None if machine.ran else course.VENV.install())
    course.VENV.set_up()
    assert capsys.readouterr().err.startswith("Another set-up is at work in this folder; waiting")
    assert sum("--no-deps" in line for line in machine.ran) == 1


@pytest.mark.parametrize(("error", "got"), [(None, True), (PermissionError(), False), (OSError(), True)])
def test_on_windows_the_lock_lies_behind_the_text(
    course: ModuleType, monkeypatch: Patch, error: OSError | None, got: bool,
) -> None:
    places = []

    def locking(handle: int, mode: int, size: int) -> None:
        places.append(os.lseek(handle, 0, os.SEEK_CUR))
        if error:
            raise error

    monkeypatch.setitem(sys.modules, "msvcrt", SimpleNamespace(LK_NBLCK=2, locking=locking))
    with open(course.__file__, "rb") as file:
        with monkeypatch.context() as windows:
            windows.setattr(course.os, "name", "nt")
            assert course.taken(file) is got
    assert places == [1 << 30]


# Who may run it, and how


@pytest.mark.parametrize("version", [(3, 11, 0), (3, 12, 1), (3, 13, 9)])
def test_the_pythons_of_the_lock_are_welcome(course: ModuleType, version: tuple[int, ...]) -> None:
    assert course.refusal(version) == ""


@pytest.mark.parametrize("version", [(3, 6, 15), (3, 10, 13), (3, 14, 0)])
def test_older_and_newer_pythons_are_turned_away_in_one_line(
    course: ModuleType, machine: Machine, monkeypatch: Patch, capsys: Capture, version: tuple[int, ...],
) -> None:
    monkeypatch.setattr(course, "sys", SimpleNamespace(version_info=version, stderr=sys.stderr))
    assert course.main(["run"]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert "%d.%d" % version[:2] in line and "python3.13 course.py run" in line and machine.ran == []


@pytest.mark.skipif(not OLD, reason="no Python 3.6 to 3.10 under ~/.pyenv/versions to try")
@pytest.mark.parametrize("python", OLD, ids=lambda python: python.parts[-3])
def test_a_real_old_python_prints_one_line_and_no_traceback(python: Path, tmp_path: Path) -> None:
    done = subprocess.run([python, COURSE, "run"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 1 and done.stdout == ""
    assert done.stderr.startswith("The course needs Python 3.11") and done.stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_help_goes_to_standard_output_and_a_wrong_word_to_standard_error(
    course: ModuleType, machine: Machine, capsys: Capture,
) -> None:
    assert course.main(["--help"]) == 0
    assert capsys.readouterr().out.startswith("usage: python3 course.py COMMAND")
    for arguments in ([], ["tset"], [""]):
        assert course.main(arguments) == 2
        assert capsys.readouterr().err.startswith("usage:")
    assert machine.ran == []


def test_the_environment_is_beside_course_py_on_every_system(course: ModuleType, monkeypatch: Patch) -> None:
    assert course.VENV.python() == [str(course.ROOT / ".venv" / "bin" / "python")]
    with monkeypatch.context() as windows:
        windows.setattr(course.os, "name", "nt")
        found = course.VENV.python("-m", "pip")
        line = course.refusal((3, 9))
    assert found == [str(course.ROOT / ".venv" / "Scripts" / "python.exe"), "-m", "pip"]
    assert "py -3.13 course.py" in line


def test_it_works_from_any_folder(tmp_path: Path) -> None:
    project, elsewhere = tmp_path / "a project", tmp_path / "elsewhere"
    project.mkdir()
    elsewhere.mkdir()
    load(project)
    code = ("import sys; sys.path.insert(0, '../a project'); "
            "import course as c; print(c.ROOT, c.VENV.wanted())")
    done = subprocess.run([sys.executable, "-c", code], cwd=elsewhere, capture_output=True, text=True)
    assert done.stdout.startswith(str(project.resolve()) + " {"), done.stderr
    assert list(elsewhere.iterdir()) == []


# Handing over


@pytest.fixture
def handed(course: ModuleType, machine: Machine, monkeypatch: Patch) -> Calls:
    """What was handed over: command lines without the environment's Python, and the folders they start in."""
    calls = []
    monkeypatch.setattr(course, "hand_over", lambda command, folder: calls.append((command[1:], folder)) or 0)
    return calls


@pytest.mark.parametrize(("arguments", "command"), [
    (["run"], ["-m", "convtrack.cli", "run"]),
    (["run", "mine.yaml", "--to", "out"], ["-m", "convtrack.cli", "run", "mine.yaml", "--to", "out"]),
])
def test_run_starts_the_command_line_in_the_folder_it_was_typed_in(
    course: ModuleType, handed: Calls, tmp_path_factory: pytest.TempPathFactory, monkeypatch: Patch,
    arguments: list[str], command: list[str],
) -> None:
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    assert course.main(arguments) == 0
    assert handed == [(command, os.getcwd())]


def test_lab_opens_the_lessons_and_setup_starts_nothing(course: ModuleType, handed: Calls) -> None:
    assert course.main(["setup"]) == 0 and handed == []
    assert course.main(["lab", "--no-browser"]) == 0
    assert handed[0][0] == ["-m", "jupyterlab", str(course.ROOT / "notebooks"), "--no-browser"]


@pytest.fixture
def lessons(course: ModuleType) -> list[str]:
    """Three notebooks: two lessons and an exercise."""
    (course.ROOT / "notebooks" / "exercises").mkdir(parents=True)
    found = [course.ROOT / "notebooks" / name for name in ("01.ipynb", "02.ipynb", "exercises/01.ipynb")]
    for path in found:
        path.write_text("{}")
    return [str(path) for path in found]


def test_test_runs_the_tests_the_doctests_and_then_the_notebooks(
    course: ModuleType, handed: Calls, lessons: list[str],
) -> None:
    assert course.main(["test"]) == 0
    (code, code_folder), (notebooks, notebooks_folder) = handed
    assert code == ["-m", "pytest", "--doctest-modules", "-n", "2", "tests", os.path.join("lib", "convtrack")]
    assert notebooks[2:9] == ["--nbval", "--nbval-sanitize-with", "tests/notebooks/sanitize.cfg",
                              "--nbval-current-env", "-n", "2", "--dist"]
    assert notebooks[10:] == lessons
    assert code_folder == notebooks_folder == str(course.ROOT)


def test_lessons_runs_the_notebooks_alone(course: ModuleType, handed: Calls, lessons: list[str]) -> None:
    course.main(["test"])
    course.main(["lessons", "-x"])
    (_, (with_tests, folder), (alone, same_folder)) = handed
    assert alone == [*with_tests[:-len(lessons)], "-x", *lessons]
    assert folder == same_folder


def test_arguments_for_pytest_leave_the_notebooks_out(
    course: ModuleType, handed: Calls, lessons: list[str],
) -> None:
    course.main(["test", "-k", "lessons", "-x"])
    assert [command[2:] for command, _ in handed] == [
        ["--doctest-modules", "-n", "2", "tests", os.path.join("lib", "convtrack"), "-k", "lessons", "-x"]]


def test_a_named_test_is_run_alone_and_found_from_where_it_was_typed(
    course: ModuleType, handed: Calls, monkeypatch: Patch,
) -> None:
    (course.ROOT / "tests" / "test_a.py").write_text("")
    monkeypatch.chdir(course.ROOT / "tests")
    course.main(["test", "-q", "test_a.py::test_it"])
    place = str(course.ROOT / "tests" / "test_a.py") + "::test_it"
    assert handed[0][0][2:] == ["--doctest-modules", "-n", "2", "-q", place]


@pytest.mark.parametrize("group", ["peers", "scale"])
@pytest.mark.parametrize("arguments", [[], ["-k", "markov"]])
def test_a_group_of_tests_runs_in_its_own_environment(
    course: ModuleType, machine: Machine, monkeypatch: Patch, arguments: list[str], group: str,
) -> None:
    calls = []
    monkeypatch.setattr(course, "hand_over", lambda command, folder: calls.append((command, folder)) or 0)
    assert course.main([group, *arguments]) == 0
    (command, folder), = calls
    pytest_on_group = ["-m", "pytest", "--doctest-modules", os.path.join("tests", group)]
    assert command == course.GROUPS[group].python(*pytest_on_group, *arguments)
    assert folder == str(course.ROOT)


def test_without_notebooks_there_is_one_command(course: ModuleType, machine: Machine) -> None:
    assert len(course.test_commands([])) == 1


@pytest.mark.parametrize(("codes", "code"), [([0, 0], 0), ([1, 0], 1), ([0, 5], 5), ([2, 1], 2)])
def test_both_test_commands_run_and_either_failure_counts(
    course: ModuleType, machine: Machine, lessons: list[str], monkeypatch: Patch, codes: list[int],
    code: int,
) -> None:
    left = list(codes)
    monkeypatch.setattr(course, "hand_over", lambda command, folder: left.pop(0))
    assert course.main(["test"]) == code and left == []


@pytest.fixture
def python(course: ModuleType) -> Callable[[str], int]:
    return lambda code: course.hand_over([sys.executable, "-I", "-c", code], str(course.ROOT))


def test_the_exit_code_is_the_programs_own(python: Callable[[str], int]) -> None:
    assert python("raise SystemExit(7)") == 7


def test_what_is_started_has_the_pins_and_the_callers_other_settings(
    python: Callable[[str], int], monkeypatch: Patch,
) -> None:
    monkeypatch.setenv("MPLBACKEND", "svg")
    monkeypatch.setenv("OMP_NUM_THREADS", "8")
    names = ("PYTHONHASHSEED", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MPLBACKEND")
    assert python(f"import os; assert [os.environ[n] for n in {names}] == ['0', '1', '1', 'svg']") == 0


@pytest.mark.skipif(os.name == "nt", reason="signals are sent otherwise on Windows")
def test_a_killed_program_gives_the_shells_code(python: Callable[[str], int]) -> None:
    assert python("import os; os.kill(os.getpid(), 9)") == 137


INTERRUPTED = """
import importlib.util, sys, time
spec = importlib.util.spec_from_file_location("course", sys.argv[1])
course = importlib.util.module_from_spec(spec)
spec.loader.exec_module(course)
course.VENV.set_up = {set_up}
course.VENV.python = lambda *more: [sys.executable, "-I", "-c", {child!r}]
sys.exit(course.main(["run"]))
"""
WAIT = "import time; print('here', flush=True); time.sleep(20)"
LEAVE_WELL = f"try:\n    {WAIT}\nexcept KeyboardInterrupt:\n    print('saved')"
SLOW_SET_UP = "lambda: (print('here', flush=True), time.sleep(20))"


@pytest.mark.skipif(os.name == "nt", reason="signals are sent otherwise on Windows")
@pytest.mark.parametrize(("set_up", "child", "code", "out"), [
    (SLOW_SET_UP, "", 130, ""),
    ("lambda: None", f"import signal; signal.signal(2, signal.SIG_DFL); {WAIT}", 130, ""),
    ("lambda: None", LEAVE_WELL, 0, "saved\n"),
], ids=["during set-up", "a program that stops", "a program that ends well"])
def test_ctrl_c_ends_in_no_traceback(set_up: str, child: str, code: int, out: str) -> None:
    program = INTERRUPTED.format(set_up=set_up, child=child)
    started = subprocess.Popen([sys.executable, "-c", program, COURSE], start_new_session=True, text=True,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert started.stdout.readline() == "here\n"
    time.sleep(0.05)  # until the sleeping has begun
    os.killpg(started.pid, signal.SIGINT)
    printed, said = started.communicate(timeout=10)
    assert (started.returncode, printed) == (code, out)
    assert said == ("Stopped. Type the same command again to go on.\n" if code else "")
