"""Airflow's plugin loader leaves the package alone, and the package does without Airflow."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
PLUGINS = ROOT / "plugins"

# Loads the plugins as every part of Airflow does, then tells which modules came out of the folder file by file.
LOAD = """
import json, sys
from airflow import plugins_manager
_, errors = plugins_manager._get_plugins()
folder = sys.argv[1]
loaded = {
    name: str(module.__spec__.origin)
    for name, module in list(sys.modules.items())
    if getattr(module, "__spec__", None) and str(module.__spec__.origin).startswith(folder + "/lanecast/")
}
print("\\n" + json.dumps({"errors": errors, "loaded": loaded}))
"""

# Refuses Airflow, then imports every module of the package but the entry point `__main__` and the migrations' scripts.
IMPORT = """
import importlib, importlib.abc, json, pkgutil, sys

class NoAirflow(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name == "airflow" or name.startswith("airflow."):
            raise ModuleNotFoundError(f"no module named {name!r} (refused by the test)", name=name)

sys.meta_path.insert(0, NoAirflow())
import lanecast

imported, failed = [], {}
for module in pkgutil.walk_packages(lanecast.__path__, "lanecast.", onerror=lambda name: None):
    if module.name.endswith(("__main__", ".env")) or ".versions." in module.name:
        continue
    try:
        importlib.import_module(module.name)
        imported.append(module.name)
    except Exception as error:
        failed[module.name] = repr(error)
print("\\n" + json.dumps({"imported": imported, "failed": failed}))
"""

# Loads the plugins, then asks for the applications as the api-server alone does.
SERVE = """
import json, sys
from airflow import plugins_manager
_, errors = plugins_manager._get_plugins()
early = "fastapi" in sys.modules
(told,) = [one for one in plugins_manager.get_fastapi_plugins()[0] if one["url_prefix"] == "/lanecast"]
from airflow.api_fastapi.core_api.security import get_user
from starlette.testclient import TestClient

def asks(dependant):
    return dependant.call is get_user or any(asks(inner) for inner in dependant.dependencies)

routes = {route.path: asks(route.dependant) for route in told["app"].routes}
answers = {path: TestClient(told["app"]).get(path, follow_redirects=False).status_code for path in routes}
print("\\n" + json.dumps({"errors": errors, "early": early, "routes": routes, "answers": answers}))
"""


def run(code: str, *arguments: str, folder: Path = PLUGINS, home: Path) -> dict[str, Any]:
    """The last line that the code printed, read as JSON, from a fresh Python with `folder` as Airflow's plugins."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW", "PYTEST"))}
    environment |= {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(folder),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home}/airflow.db",
        "PYTHONPATH": str(folder),
    }
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        env=environment,
        cwd=home,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


def load_plugins(folder: Path, home: Path) -> dict[str, Any]:
    home.mkdir()
    return run(LOAD, str(folder), folder=folder, home=home)


def test_the_loader_imports_no_file_of_the_package_by_itself(tmp_path: Path) -> None:
    answer = load_plugins(PLUGINS, tmp_path / "home")
    assert answer["errors"] == {}
    # A plugin may import the package by its own name; never a file under its stem alone.
    assert [name for name in answer["loaded"] if not name.startswith("lanecast")] == []


@pytest.mark.timeout(120)
def test_the_desk_is_made_for_the_api_server_alone_and_lets_nobody_in_unknown(tmp_path: Path) -> None:
    answer = run(SERVE, home=tmp_path)
    assert answer["errors"] == {}
    assert answer["early"] is False, "every part of Airflow loads plugins: none but the api-server needs FastAPI"
    assert {"/", "/quality", "/api/quality", "/api/openapi.json"} <= answer["routes"].keys()
    assert all(answer["routes"].values())
    assert set(answer["answers"].values()) == {401}


def test_without_the_ignore_file_it_would(tmp_path: Path) -> None:
    folder = tmp_path / "plugins"
    shutil.copytree(PLUGINS, folder, ignore=shutil.ignore_patterns(".airflowignore", "__pycache__", "lanecast"))
    package = folder / "lanecast"
    package.mkdir()
    for name in ("__init__.py", "settings.py", "tracking.py"):
        shutil.copy(PLUGINS / "lanecast" / name, package / name)
    # The plugin of the desk needs the whole package; here only the loader's way with files is looked at.
    for plugin in folder.glob("*.py"):
        plugin.unlink()
    answer = load_plugins(folder, tmp_path / "home")
    assert {"settings", "tracking"} <= answer["loaded"].keys()


def test_a_module_named_like_a_standard_one_stays_out_of_its_way(tmp_path: Path) -> None:
    folder = tmp_path / "plugins"
    (folder / "lanecast").mkdir(parents=True)
    (folder / "lanecast" / "queue.py").write_text("raise RuntimeError('imported file by file')\n")
    assert list(load_plugins(folder, tmp_path / "before")["errors"]) == [str(folder / "lanecast" / "queue.py")]
    shutil.copy(PLUGINS / ".airflowignore", folder / ".airflowignore")
    assert load_plugins(folder, tmp_path / "after")["errors"] == {}


@pytest.mark.timeout(120)
def test_the_package_imports_without_airflow(tmp_path: Path) -> None:
    answer = run(IMPORT, home=tmp_path)
    assert answer["failed"] == {}
    assert {"lanecast.settings", "lanecast.tracking"} <= set(answer["imported"])
