"""The range to promise for a parcel, asked of the warehouse."""

from __future__ import annotations

from datetime import date, datetime
from typing import TypedDict

import psycopg2.errors

from lanecast.warehouse import connection as warehouse


class Promise(TypedDict):
    """Dates in the destination's main time zone; None for all three where no parcel was delivered yet.

    `n` counts the delivered parcels that the range rests on, `basis` names their lane, and `coverage` is the share
    (0 to 1) of past promises kept, None until it is measured.
    """

    earliest: date | None
    likely: date | None
    latest: date | None
    n: int
    basis: str
    coverage: float | None


class NoPromise(ValueError):
    """The question can't be answered as put: an unknown clock, a confidence out of range, a place that is none."""


def promise(
    origin: str | None = None,
    destination: str | None = None,
    carrier: str | None = None,
    service: str | None = None,
    starts_at: datetime | None = None,
    confidence: float = 0.8,
    clock: str = "order",
    address: str | None = None,
    as_of: datetime | None = None,
) -> Promise:
    """When a parcel will arrive, by mart.delivery_promise(); None stands for any place, carrier, service, and for now.

    `starts_at` needs a zone. Raises NoPromise for a bad question, NoWarehouse where the warehouse can't be reached.
    """
    if starts_at is not None and starts_at.tzinfo is None:
        raise NoPromise(f"starts_at {starts_at.isoformat()} has no zone: give one, such as +00:00")
    with warehouse.connect(role="loader", as_of=as_of, address=address) as link, link.cursor() as cursor:
        try:
            cursor.execute(
                "SELECT earliest, likely, latest, n, basis, coverage "
                "FROM mart.delivery_promise(%s, %s, %s, %s, %s::timestamptz, %s::numeric, %s)",
                (origin, destination, carrier, service, starts_at, repr(float(confidence)), clock),
            )
        except psycopg2.errors.InvalidParameterValue as error:
            told = error.diag
            raise NoPromise(". ".join(filter(None, (told.message_primary, told.message_hint)))) from None
        row = cursor.fetchone()
    if row is None:
        raise NoPromise("the warehouse gave no answer")
    earliest, likely, latest, n, basis, coverage = row
    return Promise(
        earliest=earliest,
        likely=likely,
        latest=latest,
        n=n,
        basis=basis,
        coverage=None if coverage is None else float(coverage),
    )
