"""`lanecast carrier new`: what it writes works as it stands, and it writes all of it or nothing.

The commands are those of docs/adding-a-carrier.md, run in a copy of the checkout.
"""

from __future__ import annotations

import csv
import json
import os
import re
import resource
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from lanecast import settings
from lanecast.carriers import registry, scaffold

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "adding-a-carrier.md"
NAME = "newly_made"
"""The carrier that is made, in place of the page's: whoever follows the page to the letter may test afterwards."""

SUITES = ("tests/unit/carriers", "tests/unit/sandbox")
"""Where the carriers' tests are, of one and of all."""

# An answer of the stand-in about three parcels, as a file.
ANSWER = """
import sys
from carrier_world import ask, finished
name, path = sys.argv[1:]
(answer,) = ask(name, [one.number for one in finished(name, 3)])
open(path, "wb").write(answer.body)
print(sum(len(one.scans) for one in finished(name, 3)))
"""
# Names whose classes would clash with others, the longest one, and the widest title.
MANY = """
from lanecast.carriers import scaffold
for name, title in {
    "stand__in": None,
    "parcel": "Parcel, Post & Söhne's",
    "none": None,
    "x1": None,
    "a" * 31: "漢" * scaffold.LONGEST_TITLE,
}.items():
    print(*scaffold.new(name, title))
"""


@dataclass
class Checkout:
    """A copy of the checkout, and what the scaffold has written into it."""

    home: Path
    written: list[str]

    def run(self, *command: str | Path) -> subprocess.CompletedProcess[str]:
        """A command in the copy and with its package; AssertionError with its output where it fails."""
        done = subprocess.run(
            command, cwd=self.home, env=environment(self.home), capture_output=True, text=True, timeout=300, check=False
        )
        assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
        return done

    def python(self, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        return self.run(sys.executable, *arguments)

    def code(self) -> list[str]:
        return [path for path in self.written if path.endswith(".py")]


def environment(home: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW", "LANECAST", "PYTEST"))}
    return kept | {
        "LANECAST_HOME": str(home),
        "LANECAST_STATE": str(home / "state"),
        "PYTHONPATH": os.pathsep.join(map(str, (home / "plugins", home / "tests"))),
        "PYTHONDONTWRITEBYTECODE": "1",
    }


def page() -> str:
    return PAGE.read_text(encoding="utf-8").replace("examplepost", NAME)


def documented() -> list[str]:
    """The arguments of `lanecast` by which the page adds a carrier."""
    (command,) = re.findall(r"^\.venv/bin/lanecast (carrier new .*)$", page(), re.MULTILINE)
    return shlex.split(command)


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    home = tmp_path_factory.mktemp("checkout")
    left_out = shutil.ignore_patterns("__pycache__", "*.egg-info", "integration", "e2e", "dags")
    for folder in ("plugins", "include", "tests"):
        shutil.copytree(ROOT / folder, home / folder, ignore=left_out)
    shutil.copy(ROOT / "pyproject.toml", home)
    made = Checkout(home, [])
    told = made.python("-m", "lanecast.cli", *documented(), "--json")
    made.written = json.loads(told.stdout)["written"]
    return made


def test_it_writes_the_five_parts_that_the_page_lists(checkout: Checkout) -> None:
    assert checkout.written == [
        f"plugins/lanecast/carriers/{NAME}.py",
        f"include/reference/status_codes/{NAME}.csv",
        f"plugins/lanecast/sandbox/wire/{NAME}.py",
        "include/reference/carriers.csv",
        f"tests/unit/carriers/test_{NAME}.py",
    ]
    parts = re.findall(r"^\| [^|]*\| `([^`]+)`", page(), re.MULTILINE)
    assert set(checkout.written) <= set(parts)


def test_its_own_tests_and_those_of_all_carriers_pass(checkout: Checkout, tmp_path: Path) -> None:
    # A pytest without a folder of its own closes the one that all share to other users, such as our Postgres's.
    folder = f"--basetemp={tmp_path / 'inner'}"
    told = checkout.python("-m", "pytest", "-q", "-p", "no:cacheprovider", folder, "-k", NAME, *SUITES)
    passed = re.search(r"(\d+) passed", told.stdout)
    assert passed is not None
    assert int(passed[1]) > 60, told.stdout
    assert "skipped" not in told.stdout


def test_an_answer_of_the_stand_in_is_parsed(checkout: Checkout, tmp_path: Path) -> None:
    answer = tmp_path / "answer.json"
    scans = int(checkout.python("-c", ANSWER, NAME, answer).stdout)
    told = checkout.python("-m", "lanecast.cli", "parse", "--carrier", NAME, answer)
    events = [json.loads(line) for line in told.stdout.splitlines()]
    assert len(events) == scans
    assert {event["carrier"] for event in events} == {NAME}
    assert {"info_received", "delivered"} <= {event["milestone"] for event in events}
    assert told.stderr == f"1 files: 3 parcels, {scans} events, 0 unreadable\n"


def test_what_it_writes_is_clean(checkout: Checkout) -> None:
    code = checkout.code()
    checkout.python("-m", "ruff", "check", "--no-cache", *code)
    checkout.python("-m", "ruff", "format", "--no-cache", "--check", *code)
    checkout.python("-m", "mypy", "--follow-imports=silent", "--cache-dir", checkout.home / "mypy", *code)


def test_nothing_is_left_to_guess(checkout: Checkout) -> None:
    table = checkout.home / checkout.written[1]
    with table.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, strict=True))
    days = (datetime.now(UTC).date() - datetime.fromisoformat(row["as_of"]).date() for row in rows)
    assert {row["source"] for row in rows} == {
        "Example Post tracking API: replace by the document and address the code was read from"
    }
    assert {day.days for day in days} <= {0, 1}
    for path in checkout.code():
        text = (checkout.home / path).read_text(encoding="utf-8")
        assert re.search(r"# .*\bReplace\b|\"\"\"Replace\b", text)
        assert "${" not in text


def test_any_name_and_title_make_clean_code(checkout: Checkout) -> None:
    """After the other tests: five more carriers, told in one run. Each can be imported, and is what it says."""
    lines = checkout.python("-c", MANY).stdout.splitlines()
    names = [Path(line.split()[0]).stem for line in lines]
    code = [path for line in lines for path in line.split() if path.endswith(".py")]
    checkout.python("-m", "ruff", "check", "--no-cache", *code)
    checkout.python("-m", "ruff", "format", "--no-cache", "--check", *code)
    told = checkout.python(
        "-c",
        "import sys; from lanecast.carriers import registry; from lanecast.sandbox import wire\n"
        "for name in sys.argv[1:]: print(registry.adapter(name).name, wire.stand_in(name).name)",
        *names,
    )
    assert told.stdout.splitlines() == [f"{name} {name}" for name in names]
    with (checkout.home / scaffold.REGISTRY).open(encoding="utf-8", newline="") as file:
        titles = {row["name"]: row["title"] for row in csv.DictReader(file, strict=True)}
    assert titles["parcel"] == "Parcel, Post & Söhne's"
    assert titles["stand__in"] == "Stand In"


# ---------------------------------------------------------------------------------------------------- refusals


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout with the folders that are written to, and no more."""
    for path in scaffold.FILES:
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
    columns = (ROOT / scaffold.REGISTRY).read_text(encoding="utf-8").splitlines()[0]
    (tmp_path / scaffold.REGISTRY).write_text(columns)  # without a line break behind it
    monkeypatch.setattr(settings, "home", lambda: tmp_path)
    monkeypatch.setattr(scaffold, "PACKAGE", tmp_path / "plugins" / "lanecast")
    monkeypatch.setattr(registry, "rows", lambda: {"ups": None})
    return tmp_path


def files(home: Path) -> dict[str, str]:
    return {str(path.relative_to(home)): path.read_text() for path in home.rglob("*") if path.is_file()}


def test_a_registry_without_a_last_line_break_gets_one(small: Path) -> None:
    scaffold.new("example_post")
    lines = (small / scaffold.REGISTRY).read_text().splitlines()
    assert [line.split(",")[:2] for line in lines] == [["name", "title"], ["example_post", "Example Post"]]


@pytest.mark.parametrize(
    "name",
    ["", "x", "Post", "1post", "_post", "ex-post", "ex post", "a/b", "../up", "é_post", "a" * 32, "class", "post\n"],
)
def test_a_name_that_is_none_is_refused(small: Path, name: str) -> None:
    refused(small, name, "can't be a carrier's name")


@pytest.mark.parametrize("title", [" ", "a" * 41, 'Post "A"', "a\\b", "a\u202eb"])
def test_a_title_that_would_break_the_code_is_refused(small: Path, title: str) -> None:
    refused(small, "example_post", "the title is 1 to 40 characters", title)


def test_a_carrier_that_exists_is_refused(small: Path) -> None:
    refused(small, "ups", "there is a carrier called 'ups'")


@pytest.mark.parametrize("name", ["http", "base", "templates", "stand_in"])
def test_a_name_that_a_part_has_is_refused(small: Path, name: str) -> None:
    """A module or folder of lanecast.carriers, or a function of the stand-ins' package."""
    carriers = small / "plugins" / "lanecast" / "carriers"
    (carriers / "http.py").touch()
    (carriers / "base.py").touch()
    (carriers / "templates").mkdir()
    refused(small, name, "is the name of a part of Lanecast")


@pytest.mark.parametrize(
    "path", [*(path.format(name="example_post") for path in scaffold.FILES), "tests/unit/raw/test_example_post.py"]
)
def test_nothing_is_written_where_a_part_is_there(small: Path, path: str) -> None:
    (small / path).parent.mkdir(exist_ok=True)
    (small / path).write_text("mine\n")
    is_module = path.startswith("plugins/lanecast/carriers/")
    refused(
        small,
        "example_post",
        "is the name of a part of Lanecast" if is_module else f"{path}: there already, so nothing",
    )


def test_an_installation_without_tests_is_told_what_to_do(small: Path) -> None:
    shutil.rmtree(small / "tests")
    refused(small, "example_post", r"has no tests/unit/carriers\): clone the repository, run `make setup-dev`")


def test_a_package_from_elsewhere_is_refused(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scaffold, "PACKAGE", small / "site-packages" / "lanecast")
    refused(small, "example_post", r"the code that runs lies in \S+site-packages/lanecast, not in")


def test_a_checkout_that_cannot_be_written_to_is_refused(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda path, _: Path(path).name != "wire")
    refused(small, "example_post", r"wire can't be written to: run this as the checkout's owner")


def test_a_disk_that_fills_leaves_nothing(small: Path) -> None:
    """The last thing written, the registry's row, finds room for some of its bytes alone."""
    registry = small / scaffold.REGISTRY
    registry.write_text(registry.read_text() + "\n" + "x" * 100_000)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (registry.stat().st_size + 10, limits[1]))
    try:
        refused(small, "example_post", "nothing was written: .*File too large")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


def test_the_command_tells_a_refusal_in_one_line(checkout: Checkout) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "lanecast.cli", "carrier", "new", "ups"],
        cwd=checkout.home,
        env=environment(checkout.home),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("Error: there is a carrier called 'ups'")


def refused(home: Path, name: str, why: str, title: str | None = None) -> None:
    before = files(home)
    with pytest.raises(scaffold.CannotScaffold, match=why):
        scaffold.new(name, title)
    assert files(home) == before
