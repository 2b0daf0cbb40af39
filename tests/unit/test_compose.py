"""The server's compose file: valid, no secret in it, and the settings of one machine and of many are the same."""

from __future__ import annotations

import base64
import json
import re
import shutil
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import check_jsonschema
import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
COMPOSE = ROOT / "docker-compose.yaml"
SETTINGS = "include/airflow.env"
ONE_SHOT = {"airflow-init"}
AIRFLOW = {"airflow-init", "api-server", "scheduler", "dag-processor", "triggerer", "worker"}
SECRET = re.compile(r"PASSWORD|SECRET|KEY|CONN_LANECAST|CONN$|BROKER_URL|RESULT_BACKEND|TOKEN")
# ${NAME:?message}: compose refuses to start where NAME is missing or empty.
REQUIRED = re.compile(r"\$\{([A-Z_]+):\?[^}]+\}")


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(COMPOSE.read_text())
    return loaded


@pytest.fixture(scope="module")
def services(compose: dict[str, Any]) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = compose["services"]
    return found


def filled_example() -> str:
    """`.env` as `make env` would write it."""
    sys.path.insert(0, str(ROOT / "tools"))
    try:
        import server_secrets
    finally:
        sys.path.remove(str(ROOT / "tools"))
    text: str = server_secrets.filled((ROOT / ".env.example").read_text())
    return text


def values(text: str) -> dict[str, str]:
    """NAME → value of an environment file."""
    lines = (line.strip() for line in text.splitlines())
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def violations(path: Path) -> int:
    """Exit code of the check against the compose schema: 0 where the file keeps to it."""
    command = [sys.executable, "-m", "check_jsonschema", "-q", "--builtin-schema", "vendor.compose-spec", str(path)]
    return subprocess.run(command, capture_output=True, check=False).returncode


def test_keeps_to_the_compose_schema(tmp_path: Path, compose: dict[str, Any]) -> None:
    assert Path(check_jsonschema.__file__ or "").parent.joinpath("builtin_schemas/vendor/compose-spec.json").exists()
    assert violations(COMPOSE) == 0
    compose["services"]["worker"]["restarts"] = "always"
    broken = tmp_path / "docker-compose.yaml"
    broken.write_text(yaml.safe_dump(compose))
    del compose["services"]["worker"]["restarts"]
    assert violations(broken) != 0


def test_has_every_part(services: dict[str, dict[str, Any]]) -> None:
    assert services.keys() == AIRFLOW | {"postgres", "redis", "sandbox"}
    assert services["sandbox"]["profiles"] == ["sandbox"]
    assert [name for name, service in services.items() if "profiles" in service] == ["sandbox"]


def test_every_secret_comes_from_the_environment(services: dict[str, dict[str, Any]]) -> None:
    for name, service in services.items():
        for variable, value in service.get("environment", {}).items():
            if SECRET.search(variable):
                assert REQUIRED.search(value), f"{name}: {variable} does not come from the environment"
                # What is left of an address once the variable is out holds no password of its own.
                assert not re.search(r":[^/@{}:]+@", REQUIRED.sub("", value)), f"{name}: {variable} holds a literal"


def test_the_example_names_every_variable_and_holds_no_secret() -> None:
    named = set(re.findall(r"\$\{([A-Z_]+)", COMPOSE.read_text()))
    example = values((ROOT / ".env.example").read_text())
    optional = {"LANECAST_IMAGE", "LANECAST_SANDBOX_URL"}
    assert named - optional == example.keys()
    required = set(REQUIRED.findall(COMPOSE.read_text()))
    assert required == {name for name, value in example.items() if not value}
    assert {name for name in example if SECRET.search(name)} == required


def test_secrets_are_made_fresh_and_fit_their_place() -> None:
    first, second = values(filled_example()), values(filled_example())
    secret = {name for name in first if SECRET.search(name)}
    assert all(first[name] != second[name] for name in secret)
    assert len({first[name] for name in secret}) == len(secret)
    assert len(base64.urlsafe_b64decode(first["AIRFLOW_FERNET_KEY"])) == 32
    # Passwords stand in addresses.
    assert all(re.fullmatch(r"[0-9a-f]{64}", first[name]) for name in secret - {"AIRFLOW_FERNET_KEY"})


def test_make_env_writes_for_the_owner_alone_and_never_twice(tmp_path: Path) -> None:
    (tmp_path / "tools").mkdir()
    shutil.copy(ROOT / "tools" / "server_secrets.py", tmp_path / "tools")
    shutil.copy(ROOT / ".env.example", tmp_path)
    command = [sys.executable, str(tmp_path / "tools" / "server_secrets.py")]
    assert subprocess.run(command, capture_output=True, check=False).returncode == 0
    written = (tmp_path / ".env").read_text()
    assert stat.S_IMODE((tmp_path / ".env").stat().st_mode) == 0o600
    again = subprocess.run(command, capture_output=True, text=True, check=False)
    assert again.returncode == 1
    assert "stays as it is" in again.stderr
    assert (tmp_path / ".env").read_text() == written


def test_secrets_stay_out_of_git_and_out_of_the_image() -> None:
    assert ".env" in (ROOT / ".gitignore").read_text().splitlines()
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    assert next(line for line in ignored if line and not line.startswith("#")) == "*"
    dockerfile = (ROOT / "Dockerfile").read_text()
    assert not re.search(r"PASSWORD|SECRET|FERNET|^ARG ", dockerfile, re.MULTILINE)
    assert re.search(r"^USER (?!root)", dockerfile, re.MULTILINE)
    assert "--require-hashes" in dockerfile


def test_what_the_image_copies_exists_and_reaches_the_builder() -> None:
    let_through = {
        line[1:].rstrip("/") for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")
    }
    copied = {
        source
        for sources in re.findall(r"^COPY (.+) \S+$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
        for source in sources.split()
    }
    assert copied == let_through
    assert [name for name in copied if not (ROOT / name).exists()] == []


def test_every_lasting_service_is_watched_and_restarted(services: dict[str, dict[str, Any]]) -> None:
    for name, service in services.items():
        if name in ONE_SHOT:
            assert service["restart"] == "no"
            continue
        assert service["restart"] == "unless-stopped", name
        check = service["healthcheck"]
        assert check["test"][0] in {"CMD", "CMD-SHELL"}, name
        assert {"interval", "timeout", "retries", "start_period"} <= check.keys(), name


def test_data_lies_on_volumes(compose: dict[str, Any], services: dict[str, dict[str, Any]]) -> None:
    # From 18 on the image refuses a volume at .../data.
    assert "postgres:/var/lib/postgresql" in services["postgres"]["volumes"]
    assert services["postgres"]["image"].startswith("postgres:18")
    for name in AIRFLOW | {"sandbox"}:
        assert "state:/var/lib/lanecast" in services[name]["volumes"], name
    assert compose["volumes"].keys() == {"postgres", "redis", "state"}
    mounted = [volume.split(":")[0] for volume in services["postgres"]["volumes"] if volume.startswith("./")]
    assert [name for name in mounted if not (ROOT / name).is_file()] == []


def test_one_machine_and_many_read_the_same_settings(services: dict[str, dict[str, Any]]) -> None:
    for name in AIRFLOW | {"sandbox"}:
        assert services[name]["env_file"] == [SETTINGS], name
    supervisor = "".join(path.read_text() for path in (ROOT / "plugins" / "lanecast" / "local").rglob("*.py"))
    assert Path(SETTINGS).name in supervisor
    shared = values((ROOT / SETTINGS).read_text())
    assert shared
    # Compose would put variables into these values, and the supervisor would not.
    assert [name for name, value in shared.items() if "$" in value or SECRET.search(name)] == []


def test_many_machines_differ_in_executor_sign_in_and_addresses_only(services: dict[str, dict[str, Any]]) -> None:
    shared = values((ROOT / SETTINGS).read_text())
    for name in AIRFLOW:
        overridden = {variable for variable in services[name]["environment"] if variable in shared}
        assert overridden <= {
            "AIRFLOW__CORE__EXECUTOR",
            "AIRFLOW__CORE__AUTH_MANAGER",
            "AIRFLOW__SCHEDULER__ENABLE_HEALTH_CHECK",
        }, name
    assert services["worker"]["environment"]["AIRFLOW__CORE__EXECUTOR"] == "CeleryExecutor"
    assert services["api-server"]["environment"]["AIRFLOW__CORE__AUTH_MANAGER"].endswith("FabAuthManager")


def test_nothing_starts_before_what_it_needs(services: dict[str, dict[str, Any]]) -> None:
    assert services["airflow-init"]["depends_on"] == {"postgres": {"condition": "service_healthy"}}
    for name in AIRFLOW - ONE_SHOT | {"sandbox"}:
        needs = services[name]["depends_on"]
        assert needs["airflow-init"] == {"condition": "service_completed_successfully"}, name
        for needed, how in needs.items():
            assert how["condition"] == "service_completed_successfully" or "healthcheck" in services[needed], name


def test_ports_are_open_to_this_machine_alone_unless_told_otherwise(services: dict[str, dict[str, Any]]) -> None:
    ports = [port for service in services.values() for port in service.get("ports", [])]
    assert ports
    assert [port for port in ports if not port.startswith("${LANECAST_ADDRESS:-127.0.0.1}:")] == []


@pytest.mark.parametrize("name", ["databases.sql", "healthy.py", "init.sh", "reader.py", "sandbox.sh"])
def test_the_server_s_scripts_are_there_and_used(name: str) -> None:
    assert (ROOT / "include" / "server" / name).is_file()
    assert name in COMPOSE.read_text() + (ROOT / "include" / "server" / "init.sh").read_text()


def test_docker_compose_understands_it(tmp_path: Path) -> None:
    docker = shutil.which("docker")
    if not docker or subprocess.run([docker, "compose", "version"], capture_output=True, check=False).returncode:
        pytest.skip("`docker compose` is not installed here")
    environment = tmp_path / "server.env"
    environment.write_text(filled_example())
    command = [docker, "compose", "--env-file", str(environment), "--profile", "sandbox", "config", "--format", "json"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "worker" in json.loads(done.stdout)["services"]
    empty = tmp_path / "empty.env"
    empty.touch()
    without = subprocess.run([docker, "compose", "--env-file", str(empty), "config", "-q"], cwd=ROOT, check=False)
    assert without.returncode != 0  # each secret is asked for by name
