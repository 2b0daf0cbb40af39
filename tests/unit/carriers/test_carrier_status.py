"""Code tables: every row is sound, known codes mean what the carriers say, unknown ones are in transit at most."""

from __future__ import annotations

import csv
from datetime import UTC, date, datetime
from pathlib import Path

import carrier_answers as answers
import pytest

from lanecast import settings
from lanecast.carriers.events import meaning
from lanecast.carriers.registry import adapter, names
from lanecast.carriers.status import CUSTOMS, resolve_customs, status_table
from lanecast.tracking import MILESTONES, REASONS, Parcel, TrackingEvent

TABLES = sorted((settings.include() / "reference" / "status_codes").glob("*.csv"))


def event_of(carrier: str, body: bytes) -> TrackingEvent:
    parcel = next(iter(adapter(carrier).parse(body, ())))
    assert isinstance(parcel, Parcel)
    return parcel.events[0]


def ups(kind: str, code: str, status_code: str = "", description: str = "") -> TrackingEvent:
    status = {"type": kind, "code": code, "statusCode": status_code, "description": description}
    return event_of("ups", answers.ups(answers.ups_package("1Z1", answers.ups_activity(status=status))))


def fedex(**changes: object) -> TrackingEvent:
    return event_of("fedex", answers.fedex(answers.fedex_result("1", answers.fedex_scan(**changes))))


def dhl(code: str, status: str, description: str = "") -> TrackingEvent:
    event = answers.dhl_event(statusCode=code, status=status, description=description)
    return event_of("dhl", answers.dhl(event))


def usps(code: str, text: str = "") -> TrackingEvent:
    return event_of("usps", answers.usps(answers.usps_event(eventCode=code, eventType=text)))


@pytest.mark.parametrize("carrier", names())
def test_every_carrier_has_a_table_with_the_ends_of_a_journey(carrier: str) -> None:
    table = status_table(carrier)
    milestones = {status.milestone for status in (*table.codes.values(), *(status for _, status in table.texts))}
    assert {"info_received", "delivered"} <= milestones
    assert milestones & {"in_transit", "hub_arrived", "hub_departed"}
    assert milestones <= {*MILESTONES, *CUSTOMS}


@pytest.mark.parametrize("path", TABLES, ids=lambda path: path.stem)
def test_every_row_says_what_it_means_and_where_that_was_read(path: Path) -> None:
    today = datetime.now(UTC).date()
    seen = set()
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file, strict=True):
            code, milestone, reason = row["code"], row["milestone"], row["reason"]
            assert code
            assert (code, milestone == "") not in seen, "a phrase may give a milestone once, and a reason once"
            seen.add((code, milestone == ""))
            assert milestone in {*MILESTONES, *CUSTOMS} or (not milestone and reason), code
            assert not reason or reason in REASONS, code
            assert row["meaning"].strip(), code
            assert row["source"].strip(), code
            assert date.fromisoformat(row["as_of"]) <= today, code


def test_a_row_of_an_unknown_reason_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    folder = tmp_path / "reference" / "status_codes"
    folder.mkdir(parents=True)
    (folder / "nobody.csv").write_text(
        "code,milestone,reason,meaning,source,as_of\nX,delayed,moon,late,nowhere,2024-12-31\n", encoding="utf-8"
    )
    monkeypatch.setattr(settings, "include", lambda: tmp_path)
    with pytest.raises(ValueError, match=r"line 2: 'moon' is no reason"):
        status_table("nobody")


TRUTHS = """
ups    I/OT            Out For Delivery Today                        out_for_delivery     -
ups    X/RS            The package is being returned to the sender.  returning            -
ups    X/zz:034        Returned to Sender                            returned             -
ups    X/zz:064        The receiver refused the package.             failed_attempt       refused
ups    X/zz:068        Sent to Lost and Found                        lost                 -
ups    X/zz:069        Unable to Deliver                             failed_attempt       unclaimed
ups    X/zz:149        Prohibited Contents, Package Destroyed        destroyed            dangerous_goods
ups    I/zz:018        Delivery Change Requested: Hold               in_transit           recipient_request
ups    D/zz:161        Delivered to UPS Access Point                 available_for_pickup -
ups    D/zz:119        Return to Sender Requested                    in_transit           -
ups    D/FS:034        Delivered                                     returned             -
ups    D/FS:068        Delivered                                     lost                 -
ups    D/ZP            Delivered to UPS Access Point                 available_for_pickup -
ups    D/2W            Collected from a UPS Access Point             delivered            -
ups    D/zz            Left with a neighbor                          delivered            -
ups    D/zz            Delivered to a locker                         delivered            -
ups    I/LX            Transferred to the post office                in_transit           -
fedex  OD              On FedEx vehicle for delivery                 out_for_delivery     -
fedex  ED              Enroute to delivery                           out_for_delivery     -
fedex  EP              Enroute to pickup                             info_received        -
fedex  DL              Left with neighbor                            delivered            -
fedex  HL              Held at a FedEx location                      available_for_pickup -
fedex  HP              Ready for recipient pickup                    available_for_pickup -
fedex  HA:A13          Redirected as requested                       in_transit           recipient_request
fedex  DE:07           Refused by recipient                          failed_attempt       refused
fedex  DE:08           Customer not available or business closed     failed_attempt       recipient_absent
fedex  DE:10           Damaged                                       damaged              -
fedex  RS              Returning package to shipper                  returning            -
fedex  RT              Return to shipper requested                   in_transit           -
usps   OF              Out for Delivery                              out_for_delivery     -
usps   01              Delivered, Parcel Locker                      delivered            -
usps   01              Delivered, Neighbor as Requested              delivered            -
usps   01              Delivered, Individual Picked Up at Post Office delivered           -
usps   14              Arrived at the pickup point                   available_for_pickup -
usps   16              Available for Pickup                          available_for_pickup -
usps   04              Refused                                       failed_attempt       refused
usps   05              Undeliverable as Addressed                    failed_attempt       address
usps   21              No Such Number                                returning            address
usps   27              Unclaimed/Being Returned to Sender            returning            unclaimed
usps   09              Return to Sender                              returning            -
usps   11              Sent to Mail Recovery Center                  lost                 -
usps   17              Picked Up by Agent                            in_transit           -
dhl    unknown         Shipment on hold                              in_transit           -
dhl    unknown         -                                             in_transit           -
dhl    transit/WC      Shipment is out with courier for delivery     out_for_delivery     -
dhl    transit/CC      Awaiting collection                           available_for_pickup -
dhl    transit/HP      On hold awaiting for payment                  customs_hold         customs_duty
dhl    transit/CI      Checked in                                    hub_arrived          -
dhl    transit         Shipment is ready for pick-up at the locker   available_for_pickup -
dhl    delivered       Delivered to a neighbour                      delivered            -
dhl    delivered       Delivered to a parcel locker                  delivered            -
dhl    delivered       Delivered to the Packstation                  available_for_pickup -
dhl    delivered       Delivered to a retail outlet                  available_for_pickup -
dhl    transit         The pickup request was cancelled              in_transit           -
dhl    transit         The shipment has been cancelled               cancelled            -
dhl    failure/RD      Delivery not accepted                         failed_attempt       refused
dhl    failure         Delivery not accepted                         failed_attempt       refused
dhl    failure         The shipment could not be delivered           failed_attempt       -
dhl    failure/RT      Returned to shipper                           returned             -
dhl    failure         Will be returned to sender                    returning            -
dhl    failure         Shipment lost; the search is closed           lost                 -
dhl    failure/DS      Destroyed                                     destroyed            -
"""
"""Carrier, code (UPS: `type/code:statusCode`), the carrier's words, milestone, reason."""


def told(carrier: str, code: str, words: str) -> TrackingEvent:
    first, _, rest = code.partition(":" if carrier == "fedex" else "/")
    if carrier == "ups":
        detail, _, status_code = rest.partition(":")
        return ups(first, detail, status_code, words)
    if carrier == "fedex":
        return fedex(eventType=first, exceptionCode=rest, eventDescription=words)
    return dhl(first, rest or words, words) if carrier == "dhl" else usps(code, words)


@pytest.mark.parametrize("row", [row for row in TRUTHS.splitlines() if row], ids=lambda row: " ".join(row.split()))
def test_what_a_carrier_tells_is_what_happened(row: str) -> None:
    carrier, code, *words, milestone, reason = row.split()
    event = told(carrier, code, "" if words == ["-"] else " ".join(words))
    assert (event.milestone, event.reason or "-", event.mapped) == (milestone, reason, True)


@pytest.mark.parametrize(
    ("words", "milestone", "reason"),
    [
        ("Alert, Undeliverable", "failed_attempt", None),
        ("Undeliverable as Addressed", "failed_attempt", "address"),
        ("No Such Number", "failed_attempt", "address"),
        ("Delivery Attempted - No Access to Delivery Location", "failed_attempt", "access"),
        ("Unclaimed/Being Returned to Sender", "returning", None),
        ("Return to Sender Processed", "returning", None),
        ("Delivered, To Original Sender", "returned", None),
        ("Delivered to Agent for Final Delivery", "in_transit", None),
        ("Held at Post Office, At Customer Request", "available_for_pickup", "recipient_request"),
        ("Disposed by Post Office", "destroyed", None),
        ("Sent to Mail Recovery Center", "lost", None),
        ("Delivery Exception, Local Weather Delay", "delayed", "weather"),
        ("Inbound Into Customs", "customs_started", None),
        ("Inbound Out of Customs", "customs_cleared", None),
        ("Held in Customs", "customs_hold", None),
        ("Processed Through Facility", "in_transit", None),
    ],
)
def test_words_of_usps_without_a_known_code(words: str, milestone: str, reason: str | None) -> None:
    assert meaning("usps", "??", words) == (milestone, reason, True)


def test_words_alone_deliver_nothing() -> None:
    assert meaning("usps", "??", "Delivered, Front Door/Porch").mapped is False


@pytest.mark.parametrize(
    ("kind", "code", "status_code", "milestone"),
    [
        ("M", "MP", "003", "info_received"),
        ("P", "PU", "", "picked_up"),
        ("I", "DP", "005", "hub_departed"),
        ("I", "OT", "021", "out_for_delivery"),
        ("X", "48", "060", "failed_attempt"),
        ("X", "RS", "", "returning"),
        ("X", "Q1", "068", "lost"),
        ("D", "Q9", "", "delivered"),
    ],
)
def test_ups_codes(kind: str, code: str, status_code: str, milestone: str) -> None:
    event = ups(kind, code, status_code)
    assert (event.code, event.milestone, event.mapped) == (f"{kind}/{code}", milestone, True)


@pytest.mark.parametrize(
    ("code", "milestone"),
    [
        ("OC", "info_received"),
        ("PU", "picked_up"),
        ("AR", "hub_arrived"),
        ("DP", "hub_departed"),
        ("IT", "in_transit"),
        ("OD", "out_for_delivery"),
        ("DL", "delivered"),
        ("DE", "failed_attempt"),
        ("CD", "customs_hold"),
        ("SE", "delayed"),
        ("RS", "returning"),
        ("HL", "available_for_pickup"),
        ("CA", "cancelled"),
    ],
)
def test_fedex_codes(code: str, milestone: str) -> None:
    assert fedex(eventType=code).milestone == milestone


def test_fedex_reasons() -> None:
    assert fedex(eventType="DE", exceptionCode="08").reason == "recipient_absent"
    assert fedex(eventType="DE", exceptionCode="07").reason == "refused"
    assert fedex(eventType="DE", exceptionCode="07").code == "DE:07"
    assert fedex(eventType="PU", exceptionCode="A25").code == "PU"
    assert fedex(eventType="SE", delayDetail={"type": "WEATHER", "status": "DELAYED"}).reason == "weather"


@pytest.mark.parametrize(
    ("code", "status", "milestone"),
    [
        ("pre-transit", "DELIVERED", "info_received"),
        ("transit", "Processed at LEIPZIG - GERMANY", "in_transit"),
        ("transit", "WC", "out_for_delivery"),
        ("transit", "Delivered soon", "in_transit"),
        ("transit", "Arrived at DHL facility LOST HILLS", "hub_arrived"),
        ("delivered", "Delivered", "delivered"),
        ("failure", "Delivery attempted; recipient not home", "failed_attempt"),
        ("failure", "Returned to sender", "returned"),
        ("unknown", "on hold", "in_transit"),
    ],
)
def test_dhl_codes(code: str, status: str, milestone: str) -> None:
    event = dhl(code, status)
    assert (event.milestone, event.mapped) == (milestone, True)


@pytest.mark.parametrize(
    ("code", "milestone", "reason"),
    [
        ("GX", "info_received", None),
        ("03", "picked_up", None),
        ("T1", "hub_departed", None),
        ("OF", "out_for_delivery", None),
        ("05", "failed_attempt", "address"),
        ("09", "returning", None),
        ("27", "returning", "unclaimed"),
        ("01", "delivered", None),
    ],
)
def test_usps_codes(code: str, milestone: str, reason: str | None) -> None:
    event = usps(code)
    assert (event.code, event.milestone, event.reason) == (code, milestone, reason)


@pytest.mark.parametrize(
    "event",
    [ups("I", "ZZ"), ups("Q", "ZZ", "999"), fedex(eventType="ZZ"), dhl("vanished", "x"), usps("ZZ", "Delivered")],
    ids=lambda event: str(event.code),
)
def test_an_unknown_code_is_kept_and_in_transit_at_most(event: TrackingEvent) -> None:
    assert (event.milestone, event.mapped) == ("in_transit", False)
    assert event.code


@pytest.mark.parametrize(
    ("event", "origin", "destination", "started", "cleared"),
    [
        ("CN", "CN", "US", "export_customs_started", "export_cleared"),
        ("US", "CN", "US", "import_customs_started", "import_cleared"),
        ("DE", "CN", "US", "in_transit", "in_transit"),
        ("DE", None, "US", "import_customs_started", "import_cleared"),
        (None, "CN", "US", "import_customs_started", "import_cleared"),
        ("US", "US", "US", "import_customs_started", "import_cleared"),
        ("BE", "CN", "DE", "import_customs_started", "import_cleared"),
        ("NL", "DE", "US", "export_customs_started", "export_cleared"),
        ("BE", "CN", "GB", "in_transit", "in_transit"),
        ("BE", "FR", "DE", "in_transit", "in_transit"),
        ("CH", "CN", "DE", "in_transit", "in_transit"),
    ],
)
def test_customs_by_country(
    event: str | None, origin: str | None, destination: str | None, started: str, cleared: str
) -> None:
    assert resolve_customs("customs_started", event, origin, destination) == started
    assert resolve_customs("customs_cleared", event, origin, destination) == cleared
    assert resolve_customs("delivered", event, origin, destination) == "delivered"


def test_words_tell_customs_apart_where_the_country_does_not() -> None:
    assert resolve_customs("customs_cleared", None, "CN", "DE", "Export clearance success") == "export_cleared"
    assert resolve_customs("customs_cleared", None, "CN", "DE", "Import clearance success") == "import_cleared"
    assert resolve_customs("customs_cleared", None, "CN", "DE", "Exported for import") == "import_cleared"
    assert resolve_customs("customs_cleared", "KZ", "CN", "DE", "Released by export customs") == "export_cleared"
    assert resolve_customs("customs_cleared", "DE", "CN", "DE", "Export clearance success") == "import_cleared"


def test_customs_read_with_less_known_is_told_apart_again() -> None:
    """An adapter that is not told the ends takes customs for import; the warehouse knows the ends."""
    assert resolve_customs("import_cleared", "CN", "CN", "DE") == "export_cleared"
    assert resolve_customs("export_customs_started", "DE", "CN", "DE") == "import_customs_started"
    assert resolve_customs("export_cleared", "KZ", "CN", "DE") == "export_cleared"
    assert resolve_customs("export_cleared", None, "CN", "DE") == "export_cleared"


def test_customs_of_an_answer_are_told_apart() -> None:
    at_home = {"city": "Shenzhen", "countryCode": "CN"}
    scan = answers.fedex_scan(eventType="CC", scanLocation=at_home)
    ends = {
        "originLocation": {"locationContactAndAddress": {"address": {"countryCode": "CN"}}},
        "recipientInformation": {"address": {"countryCode": "US", "stateOrProvinceCode": "TN"}},
    }
    body = answers.fedex(answers.fedex_result("1", scan, answers.fedex_scan(eventType="CC"), **ends))
    parcel = next(iter(adapter("fedex").parse(body, ())))
    assert isinstance(parcel, Parcel)
    assert [event.milestone for event in parcel.events] == ["export_cleared", "import_cleared"]
    assert parcel.destination_region == "US-TN"


@pytest.mark.parametrize(
    ("carrier", "code", "words", "milestone"),
    [
        ("asendia", "DL", "Delivered", "delivered"),
        ("asendia", "DL", "Item returned to sender", "returned"),
        ("seko", "OP-72", "DELIVERED", "delivered"),
        ("seko", "OP-72", "The parcel has been delivered at the ParcelShop", "available_for_pickup"),
        ("seko", "OP-71", "Delivered in part", "in_transit"),
        ("mydhl", "OK", "Returned to shipper", "returned"),
        ("australia_post", "", "Redirection request cancelled", "in_transit"),
        ("australia_post", "", "Delivered to sender", "returned"),
        ("royal_mail", "EVJEA", "Export authorised", "export_cleared"),
    ],
)
def test_words_take_a_delivery_back_that_was_not_to_the_recipient(
    carrier: str, code: str, words: str, milestone: str
) -> None:
    assert meaning(carrier, code, words).milestone == milestone
