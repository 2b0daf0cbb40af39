"""The documentation says what is: generated pages are fresh, links lead somewhere, commands exist."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import click
import pytest

from lanecast.cli import cli
from lanecast.warehouse.connection import connect

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
GENERATED = ("data-dictionary.md", "dags.md", "carrier-status-codes.md", "carrier-conformance.md", "commands.md")

_LINK = re.compile(r"!?\[[^\]]*\]\((?P<target>[^()\s]+)\)|<img[^>]*\ssrc=\"(?P<source>[^\"]+)\"")
_FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
_CODE = re.compile(r"^```[a-z]*\n(?P<block>.*?)^```|`(?P<span>[^`\n]+)`", re.MULTILINE | re.DOTALL)
_COMMAND = re.compile(r"(?:^|[\s/])lanecast (?P<words>[a-z]+(?: [a-z]+)?)(?P<rest>[^\n]*)", re.MULTILINE)
_MAKE = re.compile(r"(?:^|\s)make (?P<target>[a-z][a-z-]*)\b", re.MULTILINE)
_HOSTS = re.compile(
    r"pypi\.org|pythonhosted|anaconda\.org|registry\.(?!py\b)|docker\.io|ghcr\.io|quay\.io|\bmirror", re.IGNORECASE
)
_MACHINE = re.compile(r"(?<![\w.~:/])/(?:home|root|Users|work|tmp|mnt|srv)/(?!lanecast\b)\S+")


@cache
def text(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def code(page: Path) -> str:
    return "\n".join(found["block"] or found["span"] for found in _CODE.finditer(text(page)))


def headings(page: Path) -> set[str]:
    """Anchors of a page, as code hosts make them."""
    plain = [re.sub(r"[^\w\- ]", "", line.lstrip("#").strip().lower()) for line in _headings(page)]
    return {line.replace(" ", "-") for line in plain}


def _headings(page: Path) -> list[str]:
    return re.findall(r"^#+ .*$", _FENCE.sub("", text(page)), re.MULTILINE)


def name(page: Path) -> str:
    return str(page.relative_to(ROOT))


def test_generated_pages_are_what_the_code_says(tmp_path: Path) -> None:
    environment = {key: value for key, value in os.environ.items() if not key.startswith("AIRFLOW")}
    done = subprocess.run(
        [sys.executable, ROOT / "tools" / "document.py", "--check"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-4000:]


def test_the_check_sees_a_page_that_differs(tmp_path: Path) -> None:
    """Missing, written, then changed; on one small page, for reading the DAGs takes seconds."""
    sys.path.insert(0, str(ROOT / "tools"))
    try:
        import document
    finally:
        sys.path.remove(str(ROOT / "tools"))
    page = tmp_path / "docs" / "commands.md"
    page.parent.mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(document, "ROOT", tmp_path)
        patch.setattr(document, "PAGES", {"commands.md": lambda: iter(["# Commands"])})
        assert document.main(["--check"]) == 1
        assert not page.exists()
        assert document.main([]) == 0
        assert document.main(["--check"]) == 0
        page.write_text("# Something else\n")
        assert document.main(["--check"]) == 1


def test_there_are_pages() -> None:
    assert {"README.md", "CHANGELOG.md", "docs/architecture.md", "docs/operations.md"} <= {name(page) for page in PAGES}
    assert {f"docs/{page}" for page in GENERATED} <= {name(page) for page in PAGES}


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_links_and_images_lead_somewhere(page: Path) -> None:
    missing = []
    for found in _LINK.finditer(_FENCE.sub("", text(page))):
        target = found["target"] or found["source"]
        if "://" in target or target.startswith("mailto:"):
            continue
        path, _, anchor = target.partition("#")
        there = (page.parent / path).resolve() if path else page
        if not there.exists() or (anchor and there.suffix == ".md" and anchor not in headings(there)):
            missing.append(target)
    assert missing == []


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_commands_that_are_named_exist(page: Path) -> None:
    unknown = []
    for found in _COMMAND.finditer(code(page)):
        words = found["words"].split()
        command: click.Command | None = cli.commands.get(words[0])
        if isinstance(command, click.Group) and len(words) > 1:
            command = command.commands.get(words[1])
        if command is None:
            unknown.append(found.group().strip())
            continue
        options = {option for parameter in command.params for option in parameter.opts} | {"--help"}
        unknown += [option for option in re.findall(r"--[a-z-]+", found["rest"]) if option not in options]
    assert unknown == []


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_make_targets_that_are_named_exist(page: Path) -> None:
    targets = set(re.findall(r"^([a-z][a-z-]*)(?: [a-z-]+)*:", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(_MAKE.findall(code(page))) - targets == set()


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_no_page_knows_a_machine_or_a_package_registry(page: Path) -> None:
    assert _MACHINE.findall(text(page)) == []
    assert _HOSTS.findall(text(page)) == []


@pytest.mark.parametrize("page", ["README.md", "docs/operations.md", "docs/importing-files.md"])
def test_sql_that_is_shown_runs(page: str, warehouse: str) -> None:
    """Every SELECT, against an empty warehouse."""
    blocks = re.findall(r"^ *```sql\n(.*?)^ *```", text(ROOT / page), re.MULTILINE | re.DOTALL)
    statements = [one for block in blocks for one in block.split(";\n") if one.strip().startswith("SELECT")]
    assert statements
    with connect(role="owner", address=warehouse) as link, link.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
            assert cursor.description


def test_the_readme_begins_with_the_two_commands() -> None:
    commands = code(ROOT / "README.md")
    assert "make run" in commands
    assert "make test" in commands


def test_every_page_of_docs_can_be_reached_from_the_readme() -> None:
    reached = {found["target"] for found in _LINK.finditer(text(ROOT / "README.md")) if found["target"]}
    assert {name(page) for page in PAGES if page.parent != ROOT} - reached == set()


def test_every_setting_is_in_the_runbook() -> None:
    package = ROOT / "plugins" / "lanecast"
    told = text(ROOT / "docs" / "operations.md")
    settings = set(re.findall(r"\"(LANECAST_[A-Z_]+)\"", (package / "settings.py").read_text(encoding="utf-8")))
    assert settings
    assert {setting for setting in settings if f"`{setting}`" not in told} == set()
