from __future__ import annotations

from pathlib import Path

import pytest

import customer_keys
from lanecast import settings
from lanecast.customers import keys
from lanecast.local import airflow, credentials
from lanecast.local.postgres import Postgres


@pytest.fixture
def folders(tmp_path: Path) -> airflow.Folders:
    return airflow.Folders(tmp_path / "home", tmp_path / "state")


def environment(folders: airflow.Folders, sandbox: str | None = "http://127.0.0.1:8099") -> dict[str, str]:
    return airflow.environment(folders, Postgres(folders.state, 25_432), 8080, sandbox)


def test_the_shared_settings_hold_no_address_folder_or_secret() -> None:
    shared = airflow.shared_settings(settings.include() / "airflow.env")
    assert shared["AIRFLOW__CORE__EXECUTOR"] == "LocalExecutor"
    assert shared["AIRFLOW__CORE__LOAD_EXAMPLES"] == "False"
    for word in ("SQL_ALCHEMY_CONN", "_CONN_", "SECRET", "FERNET", "PASSWORD", "FOLDER", "URL", "HOST_", "PORT"):
        assert not [name for name in shared if word in name], word


def test_a_line_that_is_no_setting_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.env"
    path.write_text("# words\nA=1\n\nB 2\n")
    with pytest.raises(ValueError, match=r"line 4: 'B 2' is no NAME=value"):
        airflow.shared_settings(path)


def test_another_airflows_settings_stay_outside(folders: airflow.Folders, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__CORE__EXECUTOR", "Other")
    monkeypatch.setenv("AIRFLOW__DATABASE__SQL_ALCHEMY_CONN_CMD", "echo other")
    monkeypatch.setenv("AIRFLOW_HOME", "/other")
    monkeypatch.setenv("AIRFLOW_CONN_LANECAST_UPS", "http://key@ups")
    env = environment(folders)
    assert env["AIRFLOW__CORE__EXECUTOR"] == "LocalExecutor"
    assert "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN_CMD" not in env
    assert env["AIRFLOW_HOME"] == str(folders.state / "airflow")
    assert env["AIRFLOW_CONN_LANECAST_UPS"] == "http://key@ups"


def test_settings_in_the_state_folder_override_the_shared_ones(folders: airflow.Folders) -> None:
    folders.state.mkdir(parents=True)
    (folders.state / "airflow.env").write_text("AIRFLOW__CORE__PARALLELISM=3\n")
    assert environment(folders)["AIRFLOW__CORE__PARALLELISM"] == "3"


def test_tasks_get_the_warehouse_the_sandbox_and_the_mark(folders: airflow.Folders) -> None:
    env = environment(folders)
    word = credentials.load(folders.state)["lanecast"]
    assert env["AIRFLOW_CONN_LANECAST_WAREHOUSE"] == f"postgresql://lanecast:{word}@127.0.0.1:25432/lanecast"
    assert env["LANECAST_SANDBOX_URL"] == "http://127.0.0.1:8099"
    assert env[airflow.MARKER] == str(folders.state)
    assert (env["LANECAST_HOME"], env["LANECAST_STATE"]) == (str(folders.home), str(folders.state))


def test_tasks_get_the_secret_of_customers_keys_or_one_s_own(
    folders: airflow.Folders, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert environment(folders)[customer_keys.VARIABLE] == customer_keys.CONNECTION
    monkeypatch.delenv(customer_keys.VARIABLE)
    monkeypatch.setenv("LANECAST_STATE", str(folders.state))
    own = keys.secret()
    monkeypatch.setenv(customer_keys.VARIABLE, environment(folders)[customer_keys.VARIABLE])
    assert keys.secret() == own, "tasks and commands make the same keys"


def test_no_sandbox_means_no_address(folders: airflow.Folders, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANECAST_SANDBOX_URL", "http://stale")
    assert "LANECAST_SANDBOX_URL" not in environment(folders, None)


def test_the_login_is_kept_private(folders: airflow.Folders) -> None:
    airflow.write_files(folders)
    path = folders.airflow / "passwords.json"
    assert path.stat().st_mode & 0o077 == 0
    assert credentials.load(folders.state)["admin"] in path.read_text()
