"""Public holidays of whole countries, kept in serving.holiday for SQL."""

from __future__ import annotations

from datetime import datetime, timedelta

import psycopg2.extras
from psycopg2.extensions import cursor as Cursor

from lanecast.calendars import public_holidays
from lanecast.warehouse.statements import statement

_BEFORE = timedelta(days=120)
_AHEAD = timedelta(days=60)


def note(cursor: Cursor, as_of: datetime) -> int:
    """Adds the holidays of countries and years that are new among the shipments; returns how many it added."""
    years = list(range((as_of - _BEFORE).year, (as_of + _AHEAD).year + 1))
    cursor.execute(statement("under_way/holidays_missing"), {"years": years})
    missing = cursor.fetchall()
    if not missing:
        return 0
    rows = [(country, day, name) for country, year in missing for day, name in public_holidays(country, year).items()]
    psycopg2.extras.execute_values(
        cursor,
        "INSERT INTO serving.holiday (country, day, name) VALUES %s ON CONFLICT DO NOTHING",
        rows,
        page_size=1000,
    )
    psycopg2.extras.execute_values(cursor, "INSERT INTO serving.holiday_year (country, year) VALUES %s", missing)
    return len(rows)
