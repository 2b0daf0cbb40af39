"""Connections from the environment, in both of Airflow's forms, and never a secret in a message."""

from __future__ import annotations

import sys
import types

import pytest

from lanecast import connections


def read(monkeypatch: pytest.MonkeyPatch, value: str) -> connections.Connection:
    monkeypatch.setenv("AIRFLOW_CONN_SHOP", value)
    found = connections.get("shop")
    assert found is not None
    return found


def test_none_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AIRFLOW_CONN_SHOP", raising=False)
    assert connections.get("shop") is None
    monkeypatch.setenv("AIRFLOW_CONN_SHOP", " ")
    assert connections.get("shop") is None


def test_a_uri(monkeypatch: pytest.MonkeyPatch) -> None:
    found = read(monkeypatch, "postgresql://me:p%40ss%2Fword@db.example:5433/lane%20cast?sslmode=require")
    assert (found.kind, found.host, found.port, found.schema) == ("postgres", "db.example", 5433, "lane cast")
    assert (found.login, found.password, found.extra) == ("me", "p@ss/word", {"sslmode": "require"})


def test_json(monkeypatch: pytest.MonkeyPatch) -> None:
    found = read(
        monkeypatch, '{"conn_type": "http", "host": "h", "port": "8", "password": "s", "extra": "{\\"a\\": 1}"}'
    )
    assert (found.kind, found.host, found.port, found.password, found.extra) == ("http", "h", 8, "s", {"a": 1})


def test_both_forms_say_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    uri = read(monkeypatch, "http://me:hush@127.0.0.1:80/x?__extra__=%7B%22a%22%3A%201%7D")
    json = read(
        monkeypatch,
        '{"conn_type": "http", "login": "me", "password": "hush", "host": "127.0.0.1", "port": 80, "schema": "x",'
        ' "extra": {"a": 1}}',
    )
    assert uri == json


@pytest.mark.parametrize(
    "value",
    [
        "hunter2",
        '{"password": "hunter2"',
        '{"password": ["hunter2"]}',
        '{"password": "hunter2", "port": "x"}',
        "http://me:hunter2@host:port/",
        "http://me:hunter2@host/?__extra__=x",
        "//me:hunter2@host",
    ],
)
def test_an_unreadable_value_is_told_without_its_secret(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_SHOP", value)
    with pytest.raises(connections.ConnectionUnreadableError, match="AIRFLOW_CONN_SHOP is no connection") as caught:
        connections.get("shop")
    assert "hunter2" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_no_secret_is_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    found = read(monkeypatch, '{"host": "h", "password": "hunter2", "extra": {"api_key": "hunter3"}}')
    assert "hunter" not in repr(found)
    assert "api_key" in repr(found)


@pytest.mark.parametrize(
    ("value", "base_url"),
    [
        ('{"host": "apis.example"}', "https://apis.example"),
        ('{"host": "apis.example", "conn_type": "http", "port": 8443}', "https://apis.example:8443"),
        ('{"host": "http://apis.example/"}', "http://apis.example"),
        ('{"host": "apis.example", "schema": "http"}', "http://apis.example"),
        ('{"host": "sandbox", "extra": {"allow_http": true}}', "http://sandbox"),
        ("http://me:pw@127.0.0.1:9000/ups", "http://127.0.0.1:9000/ups"),
        ("http://sandbox:9000/ups?allow_http=true", "http://sandbox:9000/ups"),
        ("https://me:pw@apis.example/v1/", "https://apis.example/v1"),
    ],
)
def test_base_urls(monkeypatch: pytest.MonkeyPatch, value: str, base_url: str) -> None:
    assert read(monkeypatch, value).base_url == base_url


def test_airflow_is_not_imported_outside_a_task(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AIRFLOW_CONN_SHOP", raising=False)
    monkeypatch.setitem(sys.modules, "airflow", types.ModuleType("airflow"))
    monkeypatch.delitem(sys.modules, "airflow.sdk.execution_time.task_runner", raising=False)
    assert connections.get("shop") is None


def test_inside_a_task_airflow_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    class NotFoundError(Exception):
        pass

    class AirflowConnection:
        conn_type, host, login, password, port, schema = "http", "h", "me", "hush", None, None
        extra_dejson = {"a": 1}  # noqa: RUF012

        @classmethod
        def get(cls, name: str) -> AirflowConnection:
            if name != "shop":
                raise NotFoundError
            return cls()

    modules = {
        "airflow": {},
        "airflow.sdk": {"Connection": AirflowConnection},
        "airflow.sdk.exceptions": {"AirflowNotFoundException": NotFoundError},
        "airflow.sdk.execution_time.task_runner": {"SUPERVISOR_COMMS": object()},
    }
    for name, members in modules.items():
        module = types.ModuleType(name)
        module.__dict__.update(members)
        monkeypatch.setitem(sys.modules, name, module)
    found = connections.get("shop")
    assert found is not None
    assert (found.host, found.password, found.extra) == ("h", "hush", {"a": 1})
    monkeypatch.delenv("AIRFLOW_CONN_OTHER", raising=False)
    assert connections.get("other") is None
