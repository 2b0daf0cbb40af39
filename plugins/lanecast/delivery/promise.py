"""The range to promise for a parcel, asked of the warehouse; kept where it is given to an order or a parcel."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import TypedDict

import psycopg2
import psycopg2.extensions

from lanecast.warehouse import connection as warehouse
from lanecast.warehouse.connection import only_row


class Promise(TypedDict):
    """Dates in the destination's main time zone; None for all three where no parcel was delivered yet.

    `n` counts the delivered parcels of the lane, `basis` names it and what the range rests on, and `coverage` is the
    share (0 to 1) of past promises kept, None until it is measured.
    """

    earliest: date | None
    likely: date | None
    latest: date | None
    n: int
    basis: str
    coverage: float | None


class KeptPromise(Promise):
    """A promise, and its number and time in mart.promise_log: None where it was only asked for."""

    promise_id: int | None
    issued_at: datetime | None


class Choice(TypedDict):
    """What it is worth to promise so many days: money per parcel, higher is better."""

    promised_days: int
    promised_date: date
    p_late: float
    expected_days_late: float
    expected_value: float
    is_best: bool
    optimum_days: float
    n: int
    basis: str


class NoPromise(ValueError):
    """The question can't be answered as put: an unknown clock, a confidence out of range, a place that is none."""


@dataclass(frozen=True)
class Question:
    """What is asked: None stands for any place, carrier, service, and for now. `starts_at` needs a zone."""

    origin: str | None = None
    destination: str | None = None
    carrier: str | None = None
    service: str | None = None
    starts_at: datetime | None = None
    confidence: float = 0.8
    clock: str = "order"

    def check(self) -> None:
        """Raises NoPromise for a time without a zone."""
        if self.starts_at is not None and self.starts_at.tzinfo is None:
            raise NoPromise(f"starts_at {self.starts_at.isoformat()} has no zone: give one, such as +00:00")


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
    """When a parcel will arrive, by mart.delivery_promise(). Nothing is kept of the question.

    Raises NoPromise for a bad question, NoWarehouse where the warehouse can't be reached.
    """
    asked = Question(origin, destination, carrier, service, starts_at, confidence, clock)
    with warehouse.connect(role="loader", as_of=as_of, address=address) as link:
        return ask(link, asked)


def ask(link: warehouse.Connection, asked: Question) -> Promise:
    """The answer to a question, in the caller's transaction. Raises NoPromise for a bad one."""
    asked.check()
    with link.cursor() as cursor, _refusals():
        cursor.execute(
            "SELECT earliest, likely, latest, n, basis, coverage "
            "FROM mart.delivery_promise(%s, %s, %s, %s, %s::timestamptz, %s::numeric, %s)",
            (*_lane(asked), asked.starts_at, repr(float(asked.confidence)), asked.clock),
        )
        earliest, likely, latest, n, basis, coverage = only_row(cursor)
    return Promise(
        earliest=earliest,
        likely=likely,
        latest=latest,
        n=n,
        basis=basis,
        coverage=None if coverage is None else float(coverage),
    )


def issue(
    link: warehouse.Connection, asked: Question, order_id: str | None = None, tracking_number: str | None = None
) -> KeptPromise:
    """The answer to a question, kept as given where it has a reference, by mart.issue_promises(), in the caller's
    transaction. The same promise to the same reference within a minute is the same promise.

    Raises NoPromise for a bad question, or a reference longer than 200 characters.
    """
    asked.check()
    given = asdict(asked) | {"order_id": order_id, "tracking_number": tracking_number}
    given["starts_at"] = asked.starts_at and asked.starts_at.isoformat()
    given["confidence"] = repr(float(asked.confidence))  # as text, for JSON knows no NaN to refuse
    with link.cursor() as cursor, _refusals():
        cursor.execute(
            "SELECT promise_id, issued_at, earliest, likely, latest, n, basis, coverage FROM mart.issue_promises(%s)",
            (json.dumps([given]),),
        )
        promise_id, issued_at, earliest, likely, latest, n, basis, coverage = only_row(cursor)
    return KeptPromise(
        promise_id=promise_id,
        issued_at=issued_at if promise_id is not None else None,
        earliest=earliest,
        likely=likely,
        latest=latest,
        n=n,
        basis=basis,
        coverage=None if coverage is None else float(coverage),
    )


def trade_off(
    link: warehouse.Connection, asked: Question, late_day_cost: float, earlier_day_value: float
) -> list[Choice]:
    """Every day that may be promised, with what it is worth, by mart.promise_trade_off(); none where no parcel was
    delivered yet. Costs are money per parcel and day. Raises NoPromise for a bad question."""
    asked.check()
    with link.cursor() as cursor, _refusals():
        cursor.execute(
            "SELECT promised_days, promised_date, p_late::float, expected_days_late::float, expected_value::float, "
            "is_best, optimum_days::float, n, basis FROM mart.promise_trade_off("
            "%s, %s, %s, %s, %s::numeric, %s::numeric, %s::timestamptz, %s)",
            (*_lane(asked), repr(late_day_cost), repr(earlier_day_value), asked.starts_at, asked.clock),
        )
        return [
            Choice(
                promised_days=days,
                promised_date=day,
                p_late=late,
                expected_days_late=days_late,
                expected_value=value,
                is_best=best,
                optimum_days=optimum,
                n=n,
                basis=basis,
            )
            for days, day, late, days_late, value, best, optimum, n, basis in cursor.fetchall()
        ]


def _lane(asked: Question) -> tuple[str | None, str | None, str | None, str | None]:
    return asked.origin, asked.destination, asked.carrier, asked.service


@contextmanager
def _refusals() -> Iterator[None]:
    """What the warehouse refuses about a question, and what no text of Postgres can hold, as NoPromise."""
    try:
        yield
    except ValueError as error:  # psycopg2: a NUL in a text
        raise NoPromise(f"{error}: leave it out") from None
    except (psycopg2.DataError, psycopg2.IntegrityError) as error:
        told = error.diag
        raise NoPromise(". ".join(filter(None, (told.message_primary, told.message_hint)))) from None
