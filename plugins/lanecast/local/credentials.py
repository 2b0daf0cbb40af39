"""The passwords and keys of one state folder: generated once, kept in one file of mode 600, never printed by us."""

from __future__ import annotations

import base64
import secrets
from pathlib import Path

from lanecast.local import files

FILE = "credentials.json"

_NAMES = (
    "postgres",  # superuser of the embedded Postgres
    "lanecast",  # owner of the warehouse, used by the tasks
    "airflow",  # owner of Airflow's metadata
    "lanecast_reader",  # what people and tools read `mart` with
    "admin",  # login to the pages
    "api_secret_key",
    "jwt_secret",
    "fernet_key",
    "customer_keys",  # what customers' pseudonymous keys are made with
)


def load(state: Path) -> dict[str, str]:
    """Every credential of the state folder by name; those still missing are generated and stored."""
    path = state / FILE
    state.mkdir(parents=True, exist_ok=True, mode=0o700)
    with files.exclusive(state / ".credentials.lock"):
        kept = {name: str(value) for name, value in files.read_json(path).items()}
        missing = [name for name in _NAMES if not kept.get(name)]
        if missing:
            kept.update({name: _generate(name) for name in missing})
            files.write_json(path, kept)
    return kept


def _generate(name: str) -> str:
    if name == "fernet_key":  # Fernet takes exactly 32 bytes in URL-safe base64
        return base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()
    if name in {"api_secret_key", "jwt_secret", "customer_keys"}:
        return secrets.token_hex(48)
    return secrets.token_urlsafe(18)
