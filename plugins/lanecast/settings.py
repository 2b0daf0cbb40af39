"""Where things lie and which limits hold: read from the environment, with defaults that fit one machine."""

from __future__ import annotations

import os
from pathlib import Path


def home() -> Path:
    """The checkout: where `dags/`, `plugins/` and `include/` lie. `LANECAST_HOME` overrides it."""
    return Path(os.environ.get("LANECAST_HOME") or Path(__file__).resolve().parents[2])


def include() -> Path:
    """The folder of SQL, contracts, reference data and mappings."""
    return home() / "include"


def state() -> Path:
    """The folder of this machine's state: database, raw answers, logs. `LANECAST_STATE` overrides it."""
    return Path(os.environ.get("LANECAST_STATE") or home() / ".lanecast")


def raw_root() -> str:
    """Where raw answers are kept: a path or an fsspec URL (`LANECAST_RAW`), such as `s3://bucket/raw`."""
    return os.environ.get("LANECAST_RAW") or str(state() / "raw")


def reports() -> Path:
    """The folder of the quality reports, one file a run. `LANECAST_REPORTS` overrides it."""
    return Path(os.environ.get("LANECAST_REPORTS") or state() / "reports")


def storefronts() -> Path:
    """The file that declares the storefronts read from. `LANECAST_STOREFRONTS` overrides it."""
    return Path(os.environ.get("LANECAST_STOREFRONTS") or include() / "storefronts.yaml")


def sandbox_url() -> str | None:
    """The address of the sandbox carriers (`LANECAST_SANDBOX_URL`), or None where there are none."""
    return os.environ.get("LANECAST_SANDBOX_URL") or None


def raw_retention_days() -> int:
    """Days that raw answers are kept (`LANECAST_RAW_RETENTION_DAYS`)."""
    return _positive("LANECAST_RAW_RETENTION_DAYS", 400)


def quarantine_retention_days() -> int:
    """Days that quarantined rows are kept after they were last seen (`LANECAST_QUARANTINE_RETENTION_DAYS`)."""
    return _positive("LANECAST_QUARANTINE_RETENTION_DAYS", 400)


def history_retention_days() -> int:
    """Days that runs, and what is known of their quality, are kept (`LANECAST_HISTORY_RETENTION_DAYS`)."""
    return _positive("LANECAST_HISTORY_RETENTION_DAYS", 730)


def horizon_days() -> int:
    """Days within which a parcel is delivered, if it ever is (`LANECAST_HORIZON_DAYS`, at most 700): curves of delivery
    time end there. More suits freight."""
    days = _positive("LANECAST_HORIZON_DAYS", 120)
    if days > 700:
        raise ValueError(f"LANECAST_HORIZON_DAYS is {days}: give at most 700")
    return days


def _positive(name: str, default: int) -> int:
    text = os.environ.get(name, "")
    if not text:
        return default
    if not text.isdigit() or int(text) == 0:
        raise ValueError(f"{name} is {text!r}: give a whole number of at least 1")
    return int(text)
