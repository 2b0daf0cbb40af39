"""The pins: complete, by hash, without addresses, and the same wherever the platform runs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted(path.name for path in ROOT.glob("requirements*.txt"))
PIN = re.compile(
    r"""^(?P<name>[a-z0-9][a-z0-9._-]*)==(?P<version>[0-9][0-9A-Za-z.+!_-]*)(?P<marker> ; [\w .'"<>=!()-]+)?$"""
)
ASKED = re.compile(r"[a-z0-9][a-z0-9._-]*(?:(?:[<>=!~]=|[<>])[0-9][0-9.]*(?:,(?:[<>=!~]=|[<>])[0-9][0-9.]*)*)?")
ALSO_ASKED = {"", "-c requirements.txt", "-r requirements.in"}
HASH = re.compile(r"^--hash=sha256:[0-9a-f]{64}$")


def pins(name: str) -> dict[str, tuple[str, frozenset[str]]]:
    """Package → (version, hashes). Fails on any line that is neither a pin nor a hash."""
    found: dict[str, tuple[str, frozenset[str]]] = {}
    for requirement in (ROOT / name).read_text().replace("\\\n", "\n").split("\n"):
        text = requirement.strip()
        if not text:
            continue
        if match := PIN.match(text):
            last = match["name"]
            assert last not in found, f"{name} pins {last} twice"
            found[last] = (match["version"], frozenset())
            continue
        assert HASH.match(text), f"{name}: neither a pin nor a hash: {text}"
        found[last] = (found[last][0], found[last][1] | {text})
    return found


def test_there_are_the_four_files() -> None:
    assert FILES == [
        "requirements-build.txt",
        "requirements-dev.txt",
        "requirements-server.txt",
        "requirements.txt",
    ]


@pytest.mark.parametrize("name", FILES)
def test_every_requirement_is_pinned_by_hash(name: str) -> None:
    found = pins(name)
    assert found
    assert [package for package, (_, hashes) in found.items() if not hashes] == []


@pytest.mark.parametrize("name", [name.replace(".txt", ".in") for name in FILES])
def test_what_is_asked_for_are_names_and_bounds_alone(name: str) -> None:
    """No option and no address: what pins() refuses in the pins, this refuses in what they are made from."""
    for line in (ROOT / name).read_text().splitlines():
        assert ASKED.fullmatch(line) or line.startswith("# ") or line in ALSO_ASKED, f"{name}: {line}"


@pytest.mark.parametrize("name", ["requirements-dev.txt", "requirements-server.txt"])
def test_what_the_platform_needs_is_pinned_the_same_everywhere(name: str) -> None:
    runtime, larger = pins("requirements.txt"), pins(name)
    assert {package: larger.get(package) for package in runtime} == runtime


@pytest.mark.parametrize("name", [file for file in FILES if file != "requirements-build.txt"])
def test_the_build_tools_contradict_no_pin(name: str) -> None:
    build, other = pins("requirements-build.txt"), pins(name)
    assert {package: other[package] for package in build.keys() & other.keys()} == {
        package: build[package] for package in build.keys() & other.keys()
    }


@pytest.mark.parametrize("name", FILES)
def test_whatever_is_asked_for_is_pinned(name: str) -> None:
    asked = {
        re.split(r"[<>=~!\[; ]", line)[0].lower().replace("_", "-")
        for line in (ROOT / name.replace(".txt", ".in")).read_text().splitlines()
        if line and not line.startswith(("#", "-"))
    }
    assert asked
    assert asked <= pins(name).keys()
