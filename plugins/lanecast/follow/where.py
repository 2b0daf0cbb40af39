"""Where is parcel X: the answer of `lanecast where`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg2.extras

from lanecast.warehouse import connection as warehouse


def where(number: str) -> list[dict[str, Any]]:
    """The shipments with that tracking number or order id, the latest use of the number first, each with its events."""
    asked = "".join(number.split()).upper()
    with warehouse.connect() as link, link.cursor(cursor_factory=psycopg2.extras.RealDictCursor) as cursor:
        cursor.execute(
            "SELECT * FROM mart.shipment_status WHERE tracking_number = %s "
            "UNION SELECT * FROM mart.shipment_status WHERE order_id IN (%s, %s) ORDER BY epoch DESC, shipment_id",
            (asked, number, asked),
        )
        found = [dict(row) for row in cursor.fetchall()]
        for shipment in found:
            cursor.execute(
                "SELECT occurred_at, milestone, reason, description, city, country FROM mart.shipment_event "
                "WHERE shipment_id = %s ORDER BY occurred_at DESC",
                (shipment["shipment_id"],),
            )
            shipment["events"] = [dict(row) for row in cursor.fetchall()]
    return found


def lines(found: list[dict[str, Any]]) -> Iterator[str]:
    """The answer for people."""
    for shipment in found:
        route = f"{shipment['origin_country'] or '?'} → {shipment['destination_country'] or '?'}"
        yield f"{shipment['tracking_number'] or shipment['order_id']}  {shipment['carrier'] or ''}  {route}"
        place = f" at {shipment['last_place']}" if shipment["last_place"] else ""
        yield f"  {shipment['milestone']}{place}, {shipment['milestone_at'] or 'time unknown'}"
        if shipment["expected_latest"]:
            yield f"  expected {shipment['expected_earliest']} to {shipment['expected_latest']}"
        if shipment["is_stuck"]:
            yield f"  stuck: {shipment['stuck_reason']}"
        for event in shipment["events"]:
            place = ", ".join(filter(None, (event["city"], event["country"])))
            told = event["description"] or ""
            yield f"    {event['occurred_at']:%Y-%m-%d %H:%M} UTC  {event['milestone']:28} {place:30} {told}"
