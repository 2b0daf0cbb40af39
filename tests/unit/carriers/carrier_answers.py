"""Answers of the four carriers, as tests build them."""

from __future__ import annotations

import json
from typing import Any

NUMBERS = {
    "ups": "1Z999AA10123456784",
    "fedex": "449044304137821",
    "dhl": "00340434161094022115",
    "usps": "9400100000000000000000",
}


def ups_activity(**changes: Any) -> dict[str, Any]:
    return {
        "date": "20240305",
        "time": "091500",
        "location": {"address": {"city": "Wayne", "countryCode": "US", "stateProvince": "NJ"}},
        "status": {"type": "I", "code": "OT", "description": "Out For Delivery Today", "statusCode": "021"},
    } | changes


def ups_package(number: str, *activities: Any) -> dict[str, Any]:
    return {
        "trackingNumber": number,
        "activity": list(activities),
        "packageAddress": [
            {"type": "ORIGIN", "address": {"countryCode": "CN"}},
            {"type": "DESTINATION", "address": {"countryCode": "US", "stateProvince": "NJ"}},
        ],
    }


def ups(*packages: Any, inquiry: str = NUMBERS["ups"]) -> bytes:
    return json.dumps({"trackResponse": {"shipment": [{"inquiryNumber": inquiry, "package": list(packages)}]}}).encode()


def fedex_scan(**changes: Any) -> dict[str, Any]:
    return {
        "date": "2024-03-05T09:15:00-05:00",
        "eventType": "OD",
        "eventDescription": "On FedEx vehicle for delivery",
        "exceptionCode": "",
        "scanLocation": {"city": "MEMPHIS", "stateOrProvinceCode": "TN", "countryCode": "US"},
    } | changes


def fedex_result(number: str, *scans: Any, **changes: Any) -> dict[str, Any]:
    return {
        "trackingNumber": number,
        "trackResults": [{"trackingNumberInfo": {"trackingNumber": number}, "scanEvents": list(scans)} | changes],
    }


def fedex(*results: Any) -> bytes:
    return json.dumps({"output": {"completeTrackResults": list(results)}}).encode()


def dhl_event(**changes: Any) -> dict[str, Any]:
    return {
        "timestamp": "2024-03-05T09:15:00",
        "location": {"address": {"countryCode": "DE", "addressLocality": "LEIPZIG - GERMANY"}},
        "statusCode": "transit",
        "status": "Departed Facility",
        "description": "Departed Facility in LEIPZIG - GERMANY",
    } | changes


def dhl(*events: Any, **changes: Any) -> bytes:
    shipment = {
        "id": NUMBERS["dhl"],
        "origin": {"address": {"countryCode": "DE"}},
        "destination": {"address": {"countryCode": "US"}},
        "events": list(events),
    }
    return json.dumps({"shipments": [shipment | changes]}).encode()


def usps_event(**changes: Any) -> dict[str, Any]:
    return {
        "eventType": "Out for Delivery",
        "eventTimestamp": "2024-03-05T09:15:00",
        "GMTTimestamp": "2024-03-05T14:15:40Z",
        "GMTOffset": "-05:00",
        "eventCountry": None,
        "eventCity": "HERNANDO",
        "eventState": "FL",
        "eventZIP": "34442",
        "eventCode": "OF",
    } | changes


def usps(*events: Any, number: str | None = NUMBERS["usps"]) -> bytes:
    return json.dumps({"trackingNumber": number, "destinationState": "FL", "trackingEvents": list(events)}).encode()


ONE_EVENT = {
    "ups": lambda: ups(ups_package(NUMBERS["ups"], ups_activity())),
    "fedex": lambda: fedex(fedex_result(NUMBERS["fedex"], fedex_scan())),
    "dhl": lambda: dhl(dhl_event()),
    "usps": lambda: usps(usps_event()),
}
"""The smallest answer of each carrier that holds one event."""
