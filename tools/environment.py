"""Makes `.venv`: Python packages by pinned hash, and the project linked into it. Needs nothing but Python with pip.

`python tools/environment.py run` installs what the platform needs, `dev` what tests and checks need on top. An
environment that has `dev` keeps it. What is already as wanted is left alone, so that a second call costs nothing.
"""

from __future__ import annotations

import argparse
import ast
import fcntl
import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
VENV = ROOT / ".venv"
STAMP = VENV / "lanecast-stamp"
REQUIREMENTS = {"run": "requirements.txt", "dev": "requirements-dev.txt"}
BUILD = "requirements-build.txt"
OLDEST, TOO_NEW = (3, 11), (3, 14)

# Which settings of pip uv knows by another name: uv itself does not read pip's configuration.
UV_NAMES = {
    "index-url": ("UV_DEFAULT_INDEX", " "),
    "extra-index-url": ("UV_INDEX", " "),
    "find-links": ("UV_FIND_LINKS", ","),
    "cert": ("SSL_CERT_FILE", " "),
}


class SetupError(Exception):
    """The environment cannot be made; the message names cause and remedy."""


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kind", choices=REQUIREMENTS, help="run: the platform; dev: tests and checks too")
    asked = parser.parse_args(arguments).kind
    try:
        _check_python()
        with (ROOT / ".venv.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # two calls at once would install into each other's feet
            make(asked)
    except SetupError as error:
        sys.stderr.write(f"setup: {error}\n")
        return 1
    return 0


def make(asked: str) -> None:
    """Brings `.venv` to the wanted state. Raises SetupError."""
    stamped = STAMP.read_text().split() if STAMP.exists() else []
    kind = "dev" if "dev" in stamped else asked
    wanted = [kind, fingerprint(kind)]
    if stamped == wanted and (VENV / "bin" / "lanecast").exists() and _usable():
        return
    STAMP.unlink(missing_ok=True)  # an interrupted install is done again
    if not _usable():
        _step("make .venv", _create)
    _step("install uv", _bootstrap)
    _step(f"install {REQUIREMENTS[kind]}", lambda: _install(kind))
    _step("link the project", _link)
    STAMP.write_text(" ".join(wanted))


def fingerprint(kind: str) -> str:
    """What an environment of this kind is made of, as one hash: its place, its pins, the project's own metadata."""
    digest = hashlib.sha256(str(ROOT).encode())
    for name in (BUILD, REQUIREMENTS[kind], "pyproject.toml"):
        digest.update((ROOT / name).read_bytes())
    return digest.hexdigest()


def uv_settings(environment: dict[str, str], pip: dict[str, str]) -> dict[str, str]:
    """The environment for uv: what pip is configured to use, unless uv was told something of its own."""
    told = dict(environment)
    if not any(name in told for name in ("UV_DEFAULT_INDEX", "UV_INDEX_URL", "UV_INDEX", "UV_CONFIG_FILE")):
        for option, (name, separator) in UV_NAMES.items():
            value = separator.join(pip.get(option, "").split())
            if value and name not in told:
                told[name] = value
        # pip looks at all its indexes; the hashes say which file is meant.
        told.setdefault("UV_INDEX_STRATEGY", "unsafe-best-match")
    told["VIRTUAL_ENV"] = str(VENV)
    return told


def _check_python() -> None:
    if not OLDEST <= sys.version_info[:2] < TOO_NEW:
        found = ".".join(map(str, sys.version_info[:3]))
        raise SetupError(f"this is Python {found}; give 3.11, 3.12 or 3.13, for instance: make PYTHON=python3.11 run")


def _usable() -> bool:
    """Whether `.venv` is a working environment that was made here: its scripts name their place."""
    python = VENV / "bin" / "python"
    if not python.exists():
        return False
    ask = f"import sys; sys.exit(not {OLDEST} <= sys.version_info[:2] < {TOO_NEW})"
    works = subprocess.run([python, "-c", ask], capture_output=True, check=False).returncode == 0
    scripts = [VENV / "bin" / name for name in ("pip", "airflow") if (VENV / "bin" / name).exists()]
    return works and all(str(VENV).encode() in script.read_bytes()[:4096] for script in scripts)


def _create() -> None:
    if VENV.exists():
        shutil.rmtree(VENV)
    without = [] if importlib.util.find_spec("ensurepip") else ["--without-pip"]
    _call([sys.executable, "-m", "venv", *without, str(VENV)], "this Python cannot make a virtual environment")


def _pip() -> list[str | Path]:
    """The command that is pip for `.venv`: its own, or this Python's where the system left ensurepip out."""
    python = VENV / "bin" / "python"
    if subprocess.run([python, "-m", "pip", "--version"], capture_output=True, check=False).returncode == 0:
        return [python, "-m", "pip"]
    outer = [sys.executable, "-m", "pip", "--python", str(python)]
    if subprocess.run([*outer, "--version"], capture_output=True, check=False).returncode == 0:
        return outer
    if subprocess.run([python, "-m", "ensurepip"], capture_output=True, check=False).returncode == 0:
        return [python, "-m", "pip"]
    raise SetupError(
        f"{sys.executable} has neither ensurepip nor a pip of 22.3 or newer; install pip for it "
        "(Debian: the packages python3-venv and python3-pip) or name another: make PYTHON=... run"
    )


def _bootstrap() -> None:
    pip_install(BUILD)


def pip_install(requirements: str) -> None:
    """Installs a requirements file by pip, wheels only and by hash. Raises SetupError."""
    options = ["-qq", "--disable-pip-version-check", "--require-hashes", "--no-deps", "--only-binary=:all:"]
    remedy = f"pip could not install {requirements}: see that it reaches your package index (pip config list)"
    _call([*_pip(), "install", *options, "-r", str(ROOT / requirements)], remedy)


def _install(kind: str) -> None:
    files = [str(ROOT / REQUIREMENTS[kind]), str(ROOT / BUILD)]
    command = [VENV / "bin" / "uv", "pip", "sync", "-q", "--require-hashes", "--no-build", *files]
    if subprocess.run(command, cwd=ROOT, env=_uv_environment(), check=False).returncode:
        sys.stdout.write("setup: uv did not succeed; trying pip\n")
        pip_install(REQUIREMENTS[kind])


def _link() -> None:
    command = [VENV / "bin" / "uv", "pip", "install", "-q", "--no-deps", "--no-build-isolation", "--offline"]
    _call([*command, "--editable", str(ROOT)], "the project could not be linked into .venv", _uv_environment())


def _uv_environment() -> dict[str, str]:
    listed = subprocess.run([*_pip(), "config", "list"], capture_output=True, text=True, check=False)
    return uv_settings(dict(os.environ), pip_settings(listed.stdout))


def pip_settings(listed: str) -> dict[str, str]:
    """Option → value out of what `pip config list` prints (`global.index-url='...'`); the nearer scope wins."""
    settings: dict[str, str] = {}
    for scope in ("global.", "install.", ":env:."):
        for line in listed.splitlines():
            name, _, value = line.partition("=")
            if name.startswith(scope):
                settings[name.removeprefix(scope)] = str(ast.literal_eval(value))
    return settings


def _call(command: list[str | Path], failure: str, environment: dict[str, str] | None = None) -> None:
    if subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode:
        raise SetupError(failure)


def _step(name: str, work: Callable[[], None]) -> None:
    started = time.monotonic()
    work()
    sys.stdout.write(f"setup: {name:<32} {time.monotonic() - started:6.1f} s\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
