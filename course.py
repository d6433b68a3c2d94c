"""The course's front door: sets up what it needs in `.venv`, once, and starts it.

The packages that `peers` compares with have an environment of their own, `.venv-peers`, and so has Spark, `.venv-scale`.

Only Python's own library is used here, and only syntax that Python 3.6 can read, so that
an old Python is told what to do instead of stopping at a SyntaxError.
"""
import contextlib
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

USAGE = """usage: python3 course.py COMMAND [more arguments]     (Windows: py course.py ...)

  run      run a study and write its report; without more arguments, the shop's study
  test     run every test, doctest and notebook; more arguments go to pytest
  lessons  the notebooks alone: execute each and compare its outputs; more arguments go to pytest
  lab      open the lessons in JupyterLab
  peers    compare our attribution with other packages, in `.venv-peers`; more arguments go to pytest
  scale    find the paths on Apache Spark too, in `.venv-scale`; needs Java 17; more arguments go to pytest
  setup    only set up (the others do this too, the first time)"""
ROOT = Path(os.path.realpath(__file__)).parent
PYTHON = "%d.%d" % sys.version_info[:2]
UV = ROOT / ".ci" / "uv-requirements.lock"  # only makes the installation quicker: without it, pip does the same
PIP_SETTINGS = {"PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_NO_INPUT": "1", "PIP_USER": "0"}
# Pinned so that printed numbers and the order of sets agree with those stored in the notebooks.
PINS = {"PYTHONHASHSEED": "0", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}

NO_VENV = "This Python cannot make environments. On Debian or Ubuntu: sudo apt install python3-venv"
OFFLINE = ("No package index could be reached, and not everything is in the cache: "
           "connect to the internet, then type the same command again.")
ADVICE = (
    ("ensurepip is not|No module named ensurepip|No module named venv", NO_VENV),
    ("No space left|not enough space", "The disk is full: free 2 GB, then type the same command again."),
    ("Permission denied|Read-only file", "Copy the course to a folder that you may write to, and go there."),
    ("DO NOT MATCH THE HASHES", "A package is not the one that was locked: use PyPI or another mirror."),
    ("CERTIFICATE_VERIFY_FAILED", "Set PIP_CERT to the certificate file of your network, then try again."),
    ("connection broken by|error sending request", OFFLINE),
    ("", "Delete the folder {}, then type the same command again."),
)


class Trouble(Exception):
    """What went wrong, in words that end with what to type next."""


def say(line: str) -> None:
    """Print on standard error: standard output belongs to the program that is started."""
    print(line, file=sys.stderr, flush=True)


def refusal(version: tuple) -> str:
    """The line that turns this Python away, or an empty string for 3.11, 3.12 and 3.13."""
    if (3, 11) <= version[:2] <= (3, 13):
        return ""
    newer = "py -3.13" if os.name == "nt" else "python3.13"
    return ("The course needs Python 3.11, 3.12 or 3.13, and this is %d.%d: install 3.13 from python.org, "
            "then type: %s course.py run" % (version[0], version[1], newer))


def quiet(command: list) -> subprocess.CompletedProcess:
    """The finished command with all it printed; one that cannot start has return code 127."""
    try:
        return subprocess.run(command, cwd=str(ROOT), env=dict(os.environ, **PIP_SETTINGS),
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              encoding="utf-8", errors="replace")
    except OSError as error:
        return subprocess.CompletedProcess(command, 127, stdout=str(error))


def explanation(output: str, folder: str) -> str:
    """A line that says what to try, after the last lines of a failed command where they tell more."""
    line = next(line for signs, line in ADVICE if any(sign in output for sign in signs.split("|")))
    tail = [] if line in (NO_VENV, OFFLINE) else output.strip().splitlines()[-12:]
    return "\n".join(tail + [line.format(folder)])


def taken(file: object) -> bool:
    """Whether this process got the file's lock, which the system frees at its end, however it ends."""
    try:
        if os.name == "nt":
            import msvcrt
            os.lseek(file.fileno(), 1 << 30, os.SEEK_SET)  # far behind the text, which others must still read
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:  # other errors: a file system without locks, where waiting would never end
        return not isinstance(error, (BlockingIOError, PermissionError))
    return True


class Environment:
    """A folder with a Python of its own, which has the packages of some locks, and this project."""

    def __init__(self, name: str, *locks: str) -> None:
        self.name, self.locks = name, locks
        self.folder, self.stamp_file = ROOT / name, ROOT / name / "course-stamp.json"

    def python(self, *more: str) -> list:
        """A command line of the environment's own Python."""
        inside = ("Scripts", "python.exe") if os.name == "nt" else ("bin", "python")
        return [str(self.folder.joinpath(*inside))] + list(more)

    def insist(self, *ways: list) -> None:
        """Try command lines in turn until one works; raise Trouble with what the last one said."""
        for way in ways:
            done = quiet(way)
            if done.returncode == 0:
                return
        raise Trouble(explanation(done.stdout, self.name))

    def wanted(self) -> dict:
        """The stamp that a finished set-up from these files, by this Python, in this folder leaves."""
        names = self.locks + ("pyproject.toml",)
        digests = {name: hashlib.sha256((ROOT / name).read_bytes()).hexdigest() for name in names}
        return dict(digests, python=PYTHON, root=str(ROOT))

    def stamp(self) -> dict:
        """The stamp in the environment; empty where no set-up was finished."""
        try:
            return dict(json.loads(self.stamp_file.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            return {}

    def usable(self) -> bool:
        """Whether the environment's Python runs, has pip, and is of the version that runs this file."""
        probe = quiet(self.python("-I", "-c", "import pip, sys; print('%d.%d' % sys.version_info[:2])"))
        return probe.returncode == 0 and probe.stdout.strip() == PYTHON

    def ready(self) -> bool:
        """Whether nothing is left to set up."""
        return self.stamp() == self.wanted() and self.usable()

    def uv(self) -> list:
        """A command line that starts uv, which pip fetches where needed; empty where there is none."""
        inside = self.python("-m", "uv")
        fetch = self.python("-m", "pip", "install", "--retries", "1", "--require-hashes", "-r", str(UV))
        if quiet(inside + ["--version"]).returncode == 0 or quiet(fetch).returncode == 0:
            return inside
        return [path for path in [shutil.which("uv")] if path]

    def install_locks(self, again: bool) -> None:
        """Install the locked packages; `again` also those that seem to be there, as after an interruption."""
        fast, locks = self.uv(), ["--require-hashes"]
        for name in self.locks:
            locks += ["-r", str(ROOT / name)]
        by_uv = fast + ["pip", "install", "--compile-bytecode", "--python"] + self.python() + ["--reinstall"] * again + locks
        by_pip = self.python("-m", "pip", "install") + ["--force-reinstall"] * again + locks
        self.insist(*[by_uv, by_uv + ["--offline"], by_pip] if fast else [by_pip])

    def install(self) -> None:
        """Bring the environment up to date; its stamp goes first and comes back last."""
        before = self.stamp()
        # The programs in a moved environment still name its old folder, so that it is of no use here.
        keep = self.usable() and before.get("root", str(ROOT)) == str(ROOT)
        with contextlib.suppress(OSError):
            self.stamp_file.unlink()
        say("[1/3] %s %s, with Python %s ..." % ("keeping" if keep else "making", self.name, PYTHON))
        if not keep:
            base = getattr(sys, "_base_executable", "") or sys.executable
            self.insist([base, "-m", "venv", "--clear", str(self.folder)])
        names = " and ".join(self.locks)
        say("[2/3] installing the packages in %s; the first time this can take minutes ..." % names)
        self.install_locks(again=keep and not before)
        say("[3/3] installing convtrack from this folder ...")
        self.insist(self.python("-m", "pip", "install", "--no-deps", "--no-build-isolation", "-e", str(ROOT)))
        self.stamp_file.write_text(json.dumps(self.wanted(), indent=1), encoding="utf-8")
        say("Set up.")

    def set_up(self) -> None:
        """Set up what is not yet set up, one process at a time."""
        if self.ready():
            return
        with open(str(ROOT / "course.py"), "rb") as turn:
            if not taken(turn):
                say("Another set-up is at work in this folder; waiting for it ...")
                while not taken(turn):
                    time.sleep(0.5)
            if not self.ready():
                self.install()


VENV = Environment(".venv", "requirements.lock")
PEERS = Environment(".venv-peers", "requirements.lock", "tests/peers/requirements.lock")
SCALE = Environment(".venv-scale", "tests/scale/requirements.lock")
GROUPS = {"peers": PEERS, "scale": SCALE}


def from_here(argument: str) -> str:
    """The argument, made absolute where it names a test file or folder that exists."""
    path, colons, name = argument.partition("::")
    looks_so = path.endswith(".py") or "/" in path or os.sep in path
    return os.path.abspath(path) + colons + name if looks_so and os.path.exists(path) else argument


def places(arguments: list, otherwise: list) -> list:
    """Pytest's arguments, with the folders to test otherwise in front where none of them names a place."""
    given = [from_here(argument) for argument in arguments]
    return given if any(map(os.path.isabs, given)) else otherwise + given


def test_commands(arguments: list) -> list:
    """The command lines of all tests; with pytest arguments only the first one, with these."""
    everything = ["tests", os.path.join("lib", "convtrack")]
    code = VENV.python("-m", "pytest", "--doctest-modules", "-n", "2") + places(arguments, everything)
    return [code] if arguments else [code] + lesson_commands([])


def lesson_commands(arguments: list) -> list:
    """The command line that executes every notebook and compares; none where there is no notebook."""
    folders = (ROOT / "notebooks", ROOT / "notebooks" / "exercises")
    notebooks = [str(path) for folder in folders for path in sorted(folder.glob("*.ipynb"))]
    compare = VENV.python("-m", "pytest", "--nbval", "--nbval-sanitize-with", "tests/notebooks/sanitize.cfg",
                          "--nbval-current-env", "-n", "2", "--dist", "loadfile") + arguments + notebooks
    return [compare] if notebooks else []


def group_commands(name: str) -> object:
    """A function that gives the command line of a group of tests with an environment of its own."""
    folder = [os.path.join("tests", name)]
    return lambda arguments: [GROUPS[name].python("-m", "pytest", "--doctest-modules") + places(arguments, folder)]


COMMANDS = {
    "run": lambda arguments: [VENV.python("-m", "convtrack.cli", "run") + arguments],
    "test": test_commands,
    "lessons": lesson_commands,
    "lab": lambda arguments: [VENV.python("-m", "jupyterlab", str(ROOT / "notebooks")) + arguments],
    "peers": group_commands("peers"),
    "scale": group_commands("scale"),
    "setup": lambda arguments: [],
}


def hand_over(command: list, folder: str) -> int:
    """The exit code of a command that has the terminal, and Ctrl-C, to itself."""
    presses = []  # only noted: the command gets them too, and may still be saving or asking
    before = signal.signal(signal.SIGINT, lambda *press: presses.append(press))
    try:
        code = subprocess.call(command, cwd=folder, env=dict(os.environ, **PINS))
    finally:
        signal.signal(signal.SIGINT, before)
    if presses and code:
        raise KeyboardInterrupt
    return code if code >= 0 else 128 - code


def start(name: str, arguments: list) -> int:
    """Set up, run the command lines one after the other, and give the first exit code that is not zero."""
    GROUPS.get(name, VENV).set_up()
    folder = str(ROOT) if name in ("test", "lessons") or name in GROUPS else os.getcwd()
    codes = [hand_over(command, folder) for command in COMMANDS[name](arguments)]
    return next((code for code in codes if code), 0)


def main(arguments: list) -> int:
    """The exit code: the started program's, 1 for trouble, 2 for an unknown command, 130 for Ctrl-C."""
    name, turned_away = (arguments + [""])[0], refusal(sys.version_info)
    if name in ("-h", "--help", "help"):
        print(USAGE)
        return 0
    if turned_away or name not in COMMANDS:
        say(turned_away or USAGE)
        return 1 if turned_away else 2
    try:
        return start(name, arguments[1:])
    except Trouble as trouble:
        say(str(trouble))
        return 1
    except KeyboardInterrupt:
        say("Stopped. Type the same command again to go on.")
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
