"""Connections by name, as Airflow keeps them: inside a task from Airflow, elsewhere from `AIRFLOW_CONN_<NAME>`."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

HIDDEN = "***"


class ConnectionUnreadableError(ValueError):
    """A connection is configured, but its value is neither an Airflow URI nor JSON. Never holds the value."""


@dataclass(frozen=True)
class Connection:
    """Where a system is and who asks it. `schema` is the database, or the path of a URL."""

    name: str
    kind: str = ""
    host: str | None = None
    login: str | None = None
    password: str | None = None
    port: int | None = None
    schema: str | None = None
    extra: dict[str, Any] = field(default_factory=dict)

    def __repr__(self) -> str:
        password = HIDDEN if self.password else None
        return (
            f"Connection(name={self.name!r}, kind={self.kind!r}, host={self.host!r}, login={self.login!r}, "
            f"password={password!r}, port={self.port!r}, schema={self.schema!r}, "
            f"extra={dict.fromkeys(self.extra, HIDDEN)!r})"
        )

    @property
    def base_url(self) -> str:
        """The address as a URL without trailing slash: https, unless the host is this machine or http is written out.

        http is written out by a host that starts with `http://` or by extra `{"allow_http": true}`.
        """
        host = (self.host or "").rstrip("/")
        if "://" not in host:
            scheme = "http" if is_loopback(host) or self.extra.get("allow_http") is True else "https"
            # Airflow's own HTTP connection keeps the scheme in `schema`.
            scheme = self.schema if self.schema in {"http", "https"} else scheme
            scheme = "https" if self.kind == "https" else scheme
            bare = f"[{host}]" if ":" in host and not host.startswith("[") else host
            host = f"{scheme}://{bare}"
        address = urlsplit(host)
        if self.port and address.port is None:
            host = f"{address.scheme}://{address.netloc}:{self.port}{address.path}"
        path = "" if self.schema in {None, "", "http", "https"} else f"/{(self.schema or '').strip('/')}"
        return host.rstrip("/") + path


def refuse_plain_http(found: Connection, base_url: str) -> None:
    """Raises ValueError where secrets would travel as plain text: over http beyond this machine, unless it says so."""
    address = urlsplit(base_url)
    if address.scheme == "http" and not (is_loopback(address.hostname or "") or found.extra.get("allow_http") is True):
        raise ValueError(f'connection {found.name} is plain http: use https, or set its extra {{"allow_http": true}}')


def is_loopback(host: str) -> bool:
    """Whether a host name is this very machine."""
    return host in {"localhost", "::1", "[::1]"} or host.startswith("127.")


def get(name: str) -> Connection | None:
    """The connection of that name, None where there is none. ConnectionUnreadableError if its value is malformed."""
    if in_airflow_task():
        found = _from_airflow(name)
        if found is not None:
            return found
    variable = f"AIRFLOW_CONN_{name.upper()}"
    value = os.environ.get(variable, "").strip()
    return _from_text(name, variable, value) if value else None


def in_airflow_task() -> bool:
    """Whether a task's channel to Airflow is open. Never imports Airflow: that takes seconds."""
    if "airflow" not in sys.modules:
        return False
    runner = sys.modules.get("airflow.sdk.execution_time.task_runner")
    return getattr(runner, "SUPERVISOR_COMMS", None) is not None


def _from_airflow(name: str) -> Connection | None:
    from airflow.sdk import Connection as AirflowConnection
    from airflow.sdk.exceptions import AirflowNotFoundException

    try:
        found = AirflowConnection.get(name)
    except AirflowNotFoundException:
        return None
    return Connection(
        name=name,
        kind=found.conn_type or "",
        host=found.host,
        login=found.login,
        password=found.password,
        port=found.port,
        schema=found.schema,
        extra=dict(found.extra_dejson),
    )


def _from_text(name: str, variable: str, value: str) -> Connection:
    try:
        return _from_json(name, value) if value.startswith("{") else _from_uri(name, value)
    except (ValueError, TypeError, AttributeError):
        # `from None`: the cause's message may quote the value, and with it the secret.
        raise ConnectionUnreadableError(
            f"{variable} is no connection: write it as a URI (kind://login:password@host:port/schema, with special "
            'characters percent-encoded) or as JSON ({"host": ..., "login": ..., "password": ...})'
        ) from None


def _from_json(name: str, value: str) -> Connection:
    told = json.loads(value)
    extra = told.get("extra") or {}
    port = told.get("port")
    return Connection(
        name=name,
        kind=_text(told.get("conn_type")) or "",
        host=_text(told.get("host")),
        login=_text(told.get("login")),
        password=_text(told.get("password")),
        port=int(port) if port not in {None, ""} else None,
        schema=_text(told.get("schema")),
        extra=dict(json.loads(extra) if isinstance(extra, str) else extra),
    )


def _text(value: Any) -> str | None:
    if value is not None and not isinstance(value, str):
        raise TypeError("a member is no text")
    return value or None


def _from_uri(name: str, value: str) -> Connection:
    address = urlsplit(value)
    if not address.scheme or "://" not in value:
        raise ValueError("no scheme")
    query = dict(parse_qsl(address.query, keep_blank_values=True))
    extra = json.loads(query.pop("__extra__", "") or "{}")
    extra |= {key: {"true": True, "false": False}.get(text.lower(), text) for key, text in query.items()}
    host = unquote(address.hostname or "")
    return Connection(
        name=name,
        kind="postgres" if address.scheme == "postgresql" else address.scheme.replace("-", "_"),
        host=host or None,
        login=unquote(address.username) if address.username else None,
        password=unquote(address.password) if address.password else None,
        port=address.port,
        schema=unquote(address.path.lstrip("/")) or None,
        extra=extra,
    )
