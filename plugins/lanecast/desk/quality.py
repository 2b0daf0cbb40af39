"""What the quality page tells: loads, unknown status codes, carriers, alerts.

All loads: the runs of the watch are not among them. What those find stands as alerts.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any, TypeVar

from pydantic import BaseModel, Field

from lanecast import settings
from lanecast.carriers import registry
from lanecast.report.content import Alert
from lanecast.report.reading import MOST_ALERTS
from lanecast.warehouse.snapshot import reading, rows

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
    loads: list[Load] = Field(description="The latest loads; runs of the watch load nothing and are not among them.")


Row = TypeVar("Row", bound=BaseModel)


def read(address: Callable[[], str]) -> Quality:
    """Reads all of the page in one snapshot of the warehouse. Unavailable where it can't be read."""
    with reading(address) as link, link.cursor() as cursor:

        def found(kind: type[Row], name: str, most: int, **values: Any) -> list[Row]:
            return [kind.model_validate(row) for row in rows(cursor, name, most=most, **values)]

        (unmapped,) = rows(cursor, "desk/unmapped_total")
        return Quality(
            read_at=datetime.now(UTC),
            unmapped_open=unmapped["codes"],
            unmapped_events=unmapped["events"],
            unmapped_codes=found(UnmappedCode, "desk/unmapped_open", MOST_CODES),
            mapped_codes=found(UnmappedCode, "desk/unmapped_since_mapped", MOST_MAPPED),
            carriers=found(CarrierPolling, "desk/carriers", MOST_CARRIERS),
            days=found(LoadDay, "desk/days", DAYS * 20, days=DAYS),
            alerts=found(Alert, "alerts/list", MOST_ALERTS, everything=False),
            not_loaded=found(Load, "desk/not_loaded", MOST_STOPPED, days=DAYS),
            loads=found(Load, "desk/loads", MOST_RUNS),
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
