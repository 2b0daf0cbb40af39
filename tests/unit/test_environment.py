"""`make` and the script that sets the environment up: what they would do, told without doing it."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def environment() -> ModuleType:
    spec = importlib.util.spec_from_file_location("lanecast_environment", ROOT / "tools" / "environment.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def make(*arguments: str) -> subprocess.CompletedProcess[str]:
    """`make` as from a fresh terminal: what the one that runs the tests was told is not passed on."""
    told = {
        "MAKEFLAGS",
        "MAKEOVERRIDES",
        "MFLAGS",
        "MAKELEVEL",
        "ONCE",
        "WORLD",
        "SEED",
        "EVENTS",
        "PYTEST_ARGS",
        "PYTHON",
    }
    kept = {name: value for name, value in os.environ.items() if name not in told}
    return subprocess.run(["make", *arguments], cwd=ROOT, env=kept, capture_output=True, text=True, check=False)


def would(*arguments: str) -> str:
    """The command that `make` would run last."""
    return make("-n", *arguments).stdout.splitlines()[-1].strip()


@pytest.mark.parametrize(
    ("arguments", "command"),
    [
        (["run"], "exec .venv/bin/lanecast up"),
        (["run", "ONCE=0"], "exec .venv/bin/lanecast up"),
        (["run", "ONCE=1"], "exec .venv/bin/lanecast up --once"),
        (
            ["run", "ONCE=1", "WORLD=my world.yaml", "SEED=7"],
            "exec .venv/bin/lanecast up --once --world 'my world.yaml' --seed '7'",
        ),
        (["bench", "EVENTS=1000"], ".venv/bin/lanecast bench recommend"),
        (
            ["test", "PYTEST_ARGS=-k word"],
            "exec .venv/bin/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder -k word",
        ),
    ],
)
def test_make_runs(arguments: list[str], command: str) -> None:
    assert " ".join(would(*arguments).split()) == command


def test_the_number_of_events_reaches_the_benchmark() -> None:
    assert ".venv/bin/lanecast bench ingest --events 1000" in make("-n", "bench", "EVENTS=1000").stdout


def test_make_without_a_word_lists_what_there_is() -> None:
    told = make().stdout
    assert all(f"make {target}" in told for target in ("run", "test", "lint", "bench", "lock", "env", "clean"))


def test_no_python_is_a_clear_message() -> None:
    done = make("setup", "PYTHON=")
    assert done.returncode != 0
    assert "no Python 3.11, 3.12 or 3.13 found" in done.stderr


def test_an_unfit_python_is_a_clear_message(
    environment: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(environment.sys, "version_info", (3, 10, 4))
    assert environment.main(["run"]) == 1
    assert "this is Python 3.10.4; give 3.11, 3.12 or 3.13" in capsys.readouterr().err


def test_no_pip_at_all_is_a_clear_message(
    environment: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(environment, "VENV", tmp_path)
    monkeypatch.setattr(
        environment.subprocess, "run", lambda command, **_: subprocess.CompletedProcess(command, 1, b"", b"")
    )
    with pytest.raises(environment.SetupError, match="neither ensurepip nor a pip"):
        environment._pip()


def test_uv_looks_where_pip_is_told_to(environment: ModuleType) -> None:
    listed = """global.index-url='https://far.example/simple'
global.extra-index-url='https://one.example/simple https://two.example/simple'
:env:.index-url='https://near.example/simple'
global.cert='/certificates.pem'
global.timeout='60'
"""
    told = environment.uv_settings({"PATH": "/bin"}, environment.pip_settings(listed))
    assert told["UV_DEFAULT_INDEX"] == "https://near.example/simple"
    assert told["UV_INDEX"] == "https://one.example/simple https://two.example/simple"
    assert told["SSL_CERT_FILE"] == "/certificates.pem"
    assert told["PATH"] == "/bin"
    assert "UV_FIND_LINKS" not in told


def test_uv_s_own_settings_win(environment: ModuleType) -> None:
    own = {"UV_DEFAULT_INDEX": "https://mine.example/simple"}
    told = environment.uv_settings(own, {"index-url": "https://other.example/simple", "find-links": "/wheels"})
    assert told["UV_DEFAULT_INDEX"] == "https://mine.example/simple"
    assert "UV_FIND_LINKS" not in told


@pytest.mark.parametrize("stamped", ["run", "dev"])
def test_what_is_there_is_not_made_again_and_never_shrinks(
    environment: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, stamped: str
) -> None:
    steps: list[str] = []
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "lanecast").touch()
    monkeypatch.setattr(environment, "VENV", tmp_path)
    monkeypatch.setattr(environment, "STAMP", tmp_path / "stamp")
    monkeypatch.setattr(environment, "_usable", lambda: True)
    monkeypatch.setattr(environment, "_step", lambda name, work: steps.append(name))
    environment.STAMP.write_text(f"{stamped} {environment.fingerprint(stamped)}")
    environment.make("run")
    assert steps == []
    environment.STAMP.write_text(f"{stamped} of-older-pins")
    environment.make("run")
    assert f"install {environment.REQUIREMENTS[stamped]}" in steps
    steps.clear()
    environment.make("dev")
    assert (steps == []) == (stamped == "dev")
    assert environment.STAMP.read_text().startswith("dev ")


def test_another_checkout_is_another_environment(
    environment: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    before = environment.fingerprint("run")
    for name in ("requirements-build.txt", "requirements.txt", "pyproject.toml"):
        (tmp_path / name).write_bytes((ROOT / name).read_bytes())
    monkeypatch.setattr(environment, "ROOT", tmp_path)
    assert environment.fingerprint("run") != before


def test_the_script_needs_the_standard_library_alone() -> None:
    done = subprocess.run(
        [sys.executable, "-I", "-S", str(ROOT / "tools" / "environment.py"), "--help"],
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0
