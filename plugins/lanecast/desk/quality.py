"""What the quality page tells: loads, unknown status codes, carriers, alerts. Read from schema `mart` alone."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any, TypeVar

import psycopg2.extras
from pydantic import BaseModel, Field

from lanecast import settings
from lanecast.carriers import registry
from lanecast.desk.reading import reading
from lanecast.desk.report import MOST_ALERTS, Alert

MOST_CODES = 200
MOST_MAPPED = 20
MOST_RUNS = 40
MOST_STOPPED = 20
MOST_CARRIERS = 200
DAYS = 7
_SLUG = re.compile(r"[a-z0-9_]{1,63}")


class UnmappedCode(BaseModel):
    """A status code that no code table knew, as in `mart.unmapped_code`."""

    source: str
    code: str = Field(description="The code; `text/` and the first words of its text where there is none.")
    description: str | None
    first_seen_at: datetime
    last_seen_at: datetime
    times_seen: int = Field(description="Events.")
    mapped_at: datetime | None = Field(description="None while no table knows it.")


class CarrierPolling(BaseModel):
    """How one carrier or aggregator is asked and answers, as in `mart.carrier_polling`.

    `followed` and `due` count parcels, `..._24h` polls (a parcel asked for once) of the last 24 hours, `calls_...`
    requests.
    """

    source: str
    account: str | None
    followed: int
    due: int
    answered_24h: int
    not_found_24h: int
    failed_24h: int
    not_asked_24h: int
    last_answered_at: datetime | None
    last_problem: str | None
    calls_today: int
    allowed_today: int | None
    calls_this_month: int
    allowed_this_month: int | None
    down_since: datetime | None
    down_until: datetime | None


class Load(BaseModel):
    """What one run received of one dataset, as in `mart.data_quality`. Counts are rows."""

    run_id: str
    dataset: str
    kind: str | None
    source: str | None
    state: str | None
    started_at: datetime | None
    finished_at: datetime | None
    received: int | None = Field(description="loaded + duplicate + quarantined; None where the load was not reached.")
    loaded: int | None
    duplicate: int | None
    quarantined: int | None
    rules: int
    rules_failed: int
    rules_warned: int
    failed_rules: list[str]


class LoadDay(BaseModel):
    """All loads of one dataset that began on one UTC day. Counts are rows, but runs, stopped and failed."""

    day: date
    dataset: str
    runs: int
    received: int
    loaded: int
    duplicate: int
    quarantined: int
    stopped: int = Field(description="Runs that a batch rule stopped.")
    failed: int = Field(description="Runs that failed.")


class Quality(BaseModel):
    """All of the page. Lists are cut at a fixed length; `unmapped_open` and `unmapped_events` count all."""

    read_at: datetime
    unmapped_open: int
    unmapped_events: int
    unmapped_codes: list[UnmappedCode] = Field(description="Unknown still, the most frequent first.")
    mapped_codes: list[UnmappedCode] = Field(description="Mapped by now, the latest first.")
    carriers: list[CarrierPolling]
    days: list[LoadDay] = Field(description=f"The last {DAYS} days, the latest first.")
    alerts: list[Alert] = Field(description="Open ones, the critical first.")
    not_loaded: list[Load] = Field(description=f"Loads of the last {DAYS} days that were stopped or failed.")
    loads: list[Load] = Field(description="The latest loads.")


_OPEN_TOTAL = """
SELECT count(*) AS codes, coalesce(sum(times_seen), 0)::bigint AS events
FROM mart.unmapped_code WHERE mapped_at IS NULL
"""
_OPEN = """
SELECT * FROM mart.unmapped_code WHERE mapped_at IS NULL
ORDER BY times_seen DESC, last_seen_at DESC, source, code LIMIT %(most)s
"""
_MAPPED = """
SELECT * FROM mart.unmapped_code WHERE mapped_at IS NOT NULL ORDER BY mapped_at DESC, source, code LIMIT %(most)s
"""
# Carriers that are down first, then those with most to ask.
_CARRIERS = """
SELECT * FROM mart.carrier_polling
ORDER BY down_since IS NULL, followed DESC, source LIMIT %(most)s
"""
# Runs begin by the wall clock, also in the sandbox, whose world has a clock of its own.
_DAYS = """
SELECT
    (started_at AT TIME ZONE 'UTC')::date AS day,
    dataset,
    count(*) AS runs,
    coalesce(sum(received), 0)::bigint AS received,
    coalesce(sum(loaded), 0)::bigint AS loaded,
    coalesce(sum(duplicate), 0)::bigint AS duplicate,
    coalesce(sum(quarantined), 0)::bigint AS quarantined,
    count(*) FILTER (WHERE state = 'stopped') AS stopped,
    count(*) FILTER (WHERE state = 'failed') AS failed
FROM mart.data_quality
WHERE (started_at AT TIME ZONE 'UTC')::date > (clock_timestamp() AT TIME ZONE 'UTC')::date - %(days)s
GROUP BY 1, 2
ORDER BY 1 DESC, 2 LIMIT %(most)s
"""
_NOT_LOADED = """
SELECT * FROM mart.data_quality
WHERE
    state IN ('stopped', 'failed')
    AND (started_at AT TIME ZONE 'UTC')::date > (clock_timestamp() AT TIME ZONE 'UTC')::date - %(days)s
ORDER BY started_at DESC, run_id, dataset LIMIT %(most)s
"""
_LOADS = """
SELECT * FROM mart.data_quality ORDER BY started_at DESC NULLS LAST, run_id, dataset LIMIT %(most)s
"""
_ALERTS = """
SELECT alert_id, kind, dataset, rule, subject, severity, message, opened_at, times_seen, resolved_at
FROM mart.quality_alert WHERE is_open ORDER BY severity, opened_at DESC, alert_id LIMIT %(most)s
"""
Row = TypeVar("Row", bound=BaseModel)


def read(address: Callable[[], str]) -> Quality:
    """Reads all of the page in one snapshot of the warehouse. Unavailable where it can't be read."""
    with reading(address) as link, link.cursor(cursor_factory=psycopg2.extras.RealDictCursor) as cursor:

        def found(kind: type[Row], query: str, most: int, **values: Any) -> list[Row]:
            cursor.execute(query, {"most": most, **values})
            return [kind.model_validate(row) for row in cursor.fetchall()]

        cursor.execute(_OPEN_TOTAL)
        total: Any = cursor.fetchone()
        return Quality(
            read_at=datetime.now(UTC),
            unmapped_open=total["codes"],
            unmapped_events=total["events"],
            unmapped_codes=found(UnmappedCode, _OPEN, MOST_CODES),
            mapped_codes=found(UnmappedCode, _MAPPED, MOST_MAPPED),
            carriers=found(CarrierPolling, _CARRIERS, MOST_CARRIERS),
            days=found(LoadDay, _DAYS, DAYS * 20, days=DAYS),
            alerts=found(Alert, _ALERTS, MOST_ALERTS),
            not_loaded=found(Load, _NOT_LOADED, MOST_STOPPED, days=DAYS),
            loads=found(Load, _LOADS, MOST_RUNS),
        )


class CodesOfSource(BaseModel):
    """The unknown codes of one source, and how they are mapped."""

    source: str
    title: str
    table: str
    """Path of the code table in the checkout."""
    has_table: bool
    is_asked: bool
    """Whether Lanecast asks it, so that its stored answers can be read again; else its events came from files."""
    codes: list[UnmappedCode]


def by_source(codes: list[UnmappedCode]) -> list[CodesOfSource]:
    """Unknown codes by their source, in the order of the most frequent code of each."""
    groups: dict[str, list[UnmappedCode]] = {}
    for code in codes:
        groups.setdefault(code.source, []).append(code)
    known = registry.rows()
    return [
        CodesOfSource(
            source=source,
            title=title_of(source),
            table=f"include/reference/status_codes/{source}.csv",
            has_table=bool(_SLUG.fullmatch(source))
            and (settings.include() / "reference" / "status_codes" / f"{source}.csv").is_file(),
            is_asked=source in known,
            codes=found,
        )
        for source, found in groups.items()
    ]


def title_of(source: str) -> str:
    """A source's name as it writes it itself; the slug, where it is none of the registry's."""
    row = registry.rows().get(source)
    return row.title if row else source
