"""What each carrier's adapter can do, measured: run against its stand-in, whose journeys' truth is known.

A check answers "yes", "no: ..." or, where there is no better and worse, in words of its own. It raises AssertionError
where something is told that is not so. Which answers other than "yes" are known and why stands in exceptions.csv.
"""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Literal, NamedTuple
from unittest.mock import patch

import msgspec

import carrier_world
from carrier_world import account, ask, finished, read
from conformance.answers import JOURNEYS, Told, answers, forget, is_xml
from conformance.mutations import MUTATED_ANSWERS, nodes
from conformance.soundness import lost_numbers
from lanecast.carriers import registry
from lanecast.carriers.base import Adapter, Wanted
from lanecast.sandbox.journey import MILESTONE_OF, Scan
from lanecast.sandbox.shipment import Shipment
from lanecast.sandbox.wire import stand_in
from lanecast.tracking import Parcel, TrackingEvent, Unreadable
from lanecast.web import RequestSpec

YES = "yes"
HERE = Path(__file__).parent
UNKNOWN = b"ZQ7Q"
"""A code that no carrier has."""
JOURNEYS_OF_A_KIND = 2
MOST_LEAVES = 60
"""No event is told in more values than that."""
POSTED_IN = re.compile(r"[A-Z]{2}[0-9]{9}([A-Z]{2})")
"""A number of the Universal Postal Union's form (S10), and the country of the post that gave it out."""

TIME_RULES: dict[str, str] = {
    "offset_in_time": "local with offset",
    "utc": "UTC",
    "local_and_offset_field": "local, offset beside it",
    "local_and_gmt_fields": "local, UTC beside it",
    "local_and_zone_name": "local, zone's name beside it",
    "local_by_place": "local, no zone",
}
REASONS_OF: dict[str, set[str]] = {
    "missing_invoice": {"customs_documents"},
    "duties_unpaid": {"customs_duty"},
    "inspection": {"customs_inspection"},
    "wrong_value": {"customs_documents", "customs_duty", "customs_inspection"},
    "bad_address": {"address"},
    "nobody_home": {"recipient_absent"},
    "refused": {"refused"},
    "weather": {"weather"},
    "strike": {"strike"},
}
"""By the true reason of a scan, the reasons that say so."""


class Seen(NamedTuple):
    """A true scan, and what was read of it."""

    shipment: Shipment
    scan: Scan
    event: TrackingEvent


class Capability(NamedTuple):
    """One column: its title, the table that it stands in, its check, and whether "yes" is what is promised."""

    name: str
    title: str
    table: Literal["asked", "way", "end"]
    check: Callable[[str], str]
    is_promised: bool = True


class Sample(NamedTuple):
    """A public sample answer: its place under shared/fixtures/carriers, its origin, and what it holds."""

    carrier: str
    file: str
    repository: str
    path: str
    parcels: int
    events: int


class Exemption(NamedTuple):
    """What a carrier's check answers instead of "yes", and why no better can be read."""

    carrier: str
    capability: str
    says: str
    why: str


@cache
def samples() -> tuple[Sample, ...]:
    """The public sample answers that are read in full."""
    return tuple(
        Sample(row["carrier"], row["file"], row["repository"], row["path"], int(row["parcels"]), int(row["events"]))
        for row in _rows("samples.csv")
    )


@cache
def exemptions() -> dict[tuple[str, str], Exemption]:
    """By carrier and capability."""
    return {(row["carrier"], row["capability"]): Exemption(**row) for row in _rows("exceptions.csv")}


@cache
def measured(carrier: str, name: str) -> str:
    """What a check answers, asked once."""
    return CAPABILITIES[name].check(carrier)


def _rows(name: str) -> Iterator[dict[str, str]]:
    with (HERE / name).open(encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


# ------------------------------------------------------------------------------------------------- how it is asked


def kind(carrier: str) -> str:
    return registry.row(carrier).kind


def numbers_a_request(carrier: str) -> str:
    """As many as the adapter says: that many, asked for at once, are told of in one request."""
    adapter = registry.adapter(carrier)
    most = adapter.numbers_per_request
    wanted = [Wanted(one.number) for one in finished(carrier, JOURNEYS)[:most]]
    assert len(wanted) == most
    adapter.build(account(carrier), wanted, "token")
    return str(most)


def authentication(carrier: str) -> str:
    """How the adapter proves who asks. The stand-in refuses a wrong password, and no secret stands in an address."""
    adapter = registry.adapter(carrier)
    shipment = finished(carrier, JOURNEYS)[0]
    me = account(carrier)
    login = adapter.token_request(me)
    spec = adapter.build(me, [Wanted(shipment.number)], "the-token")
    for one in filter(None, (login, spec)):
        assert me.password not in f"{one.path} {one.params}"
    way = _way_in(adapter, login, spec, me.password)
    wrong = msgspec.structs.replace(me, password="wrong" + me.password[::-1])
    with patch.object(carrier_world, "account", lambda _: wrong):
        refused = ask(carrier, [shipment.number])
    if way == "none":
        assert registry.row(carrier).credentials == "none"
    else:
        assert all(answer.error for answer in refused), "a wrong password is let in"
    return way


def _way_in(adapter: Adapter, login: RequestSpec | None, spec: RequestSpec, password: str) -> str:
    me = account(adapter.name)
    if login is not None:
        told = login.form or login.json
        way = "OAuth2" if isinstance(told, dict) and "grant_type" in told else "login for a token"
        headers = adapter.authorization(me, "the-token")
        return way if any("the-token" in value for value in headers.values()) else f"{way}, in the body"
    headers = dict(adapter.authorization(me, None))
    if spec.basic or any(value.startswith("Basic ") for value in headers.values()):
        return "HTTP Basic"
    keys = [name for name, value in headers.items() if password in value]
    if keys:
        return f"key in `{keys[0]}`"
    return "in the body" if password.encode() in (spec.content or b"") else "none"


def told_time(carrier: str) -> str:
    return TIME_RULES[registry.row(carrier).time_rule]


def known_zone(carrier: str) -> str:
    """How the zone of events is known, the most frequent way first; where it is known, the moment is the true one."""
    ways: Counter[str] = Counter()
    for one in scans_read(carrier):
        ways[one.event.tz_known] += 1
        apart = abs(one.event.occurred_at.timestamp() - one.scan.instant)
        assert apart < (60 if one.event.tz_known != "assumed" else 86400), one
    return ", ".join(way for way, _ in sorted(ways.items(), key=lambda found: (-found[1], found[0])))


def pieces(carrier: str) -> str:
    """What is told of a shipment in several pieces when one number is asked for."""
    shipment = next(one for one in finished(carrier, JOURNEYS) if one.pieces > 1)
    told = _parcels(read(carrier, ask(carrier, [shipment.number])))
    assert told, "nothing is told of a shipment in pieces"
    assert all(len(parcel.events) == len(shipment.scans) for parcel in told)
    if len({parcel.tracking_number for parcel in told}) == shipment.pieces:
        return "told apart"
    if registry.row(carrier).kind == "carrier" and stand_in(carrier).numbers_pieces:
        number = shipment.piece_number(1)
        assert _parcels(read(carrier, ask(carrier, [number])))[0].events
        return "asked one by one"
    return "one timeline"


def service(carrier: str) -> str:
    return YES if all(parcel.service for _, parcel in parcels_read(carrier)) else "no: not told"


def ends(carrier: str) -> str:
    """Whether the countries of both ends are told; those that are, are the true ones."""
    told: dict[str, set[bool]] = {"origin": set(), "destination": set()}
    for shipment, parcel in parcels_read(carrier):
        for end, country, place in (
            ("origin", parcel.origin_country, shipment.origin),
            ("destination", parcel.destination_country, shipment.destination),
        ):
            post = POSTED_IN.fullmatch(shipment.number)  # the sandbox gives every post numbers of its own country
            true = {None, place.country, *(post.groups() if post else ())}
            assert country in true, f"{end} {country} of {shipment.number} is {place.country}"
            told[end].add(country is not None)
    words = {end: "always" if known == {True} else "sometimes" for end, known in told.items() if True in known}
    if len(words) == 2 and set(words.values()) == {"always"}:
        return YES
    return "no: " + (", ".join(f"{end} {often}" for end, often in words.items()).replace(" always", "") or "neither")


def not_found(carrier: str) -> str:
    parsed = read(carrier, ask(carrier, ["NOSUCH0000NUMBER"]))
    assert not [one for one in parsed if isinstance(one, Unreadable)], parsed
    assert [parcel.found for parcel in _parcels(parsed)] == [False]
    return YES


def malformed(carrier: str) -> str:
    """A parcel that cannot be read is told of, and costs no other one anything."""
    shipments = [one for one in finished(carrier, JOURNEYS) if one.pieces == 1][:5]
    numbers = [one.number for one in shipments]
    parsed = read(carrier, ask(carrier, numbers, fault={"kind": "malformed_parcel"}))
    assert any(isinstance(one, Unreadable) for one in parsed), "it is not told of"
    assert not lost_numbers(parsed, numbers)
    whole = [
        one for one in shipments if any(len(timeline(parcel)) == len(one.scans) for parcel in _of(parsed, one.number))
    ]
    assert len(whole) >= len(shipments) - 1, "it costs others something"
    return YES


def unknown_code(carrier: str) -> str:
    """An event of which nothing is known but its time is kept under its new code, as `in_transit` and unmapped.

    Where a carrier has no codes, its words stand for one.
    """
    told = min(answers(carrier), key=lambda one: len(one.body))
    before = _events(carrier, told)
    event = next(one for one in before if one.milestone not in {"delivered", "returned"})
    for body in _with_unknown(carrier, told, event):
        kept = [one for one in _events(carrier, told._replace(body=body)) if not one.mapped]
        if len(kept) == 1:
            assert UNKNOWN.decode() in (kept[0].code or kept[0].description or ""), kept
            assert kept[0].milestone == "in_transit", kept
            return YES
    raise AssertionError(f"no unknown code in the place of {event.code!r}, {event.description!r}, was kept")


def _with_unknown(carrier: str, told: Told, event: TrackingEvent) -> Iterator[bytes]:
    """Bodies in which all that tells what an event is, its time left out, is unknown; of any part that may be it."""
    times = [one.occurred_at for one in _events(carrier, told)]
    found = nodes(told.body)
    unknown = UNKNOWN if is_xml(told.body) else b'"' + UNKNOWN + b'"'
    words = {text.encode() for text in (event.code, event.description) if text}
    words |= {part.encode() for part in (event.code or "").replace(":", "/").split("/") if part}
    parts = sorted((node for node in found if not node.is_leaf), key=lambda node: node.end - node.start)
    for part in parts:
        leaves = [one for one in found if one.is_leaf and part.inner <= one.start and one.end <= part.inner_end]
        told_in_it = {told.body[one.inner : one.inner_end].strip(b'"').lstrip(b"0") for one in leaves}
        if len(leaves) > MOST_LEAVES or not words & told_in_it:
            continue
        body = told.body
        for leaf in sorted(leaves, reverse=True):
            changed = body[: leaf.inner] + unknown + body[leaf.inner_end :]
            if [one.occurred_at for one in _events(carrier, told._replace(body=changed))] == times:
                body = changed
        yield body


def next_pages(carrier: str) -> str:
    """Whether an answer may go on on a further page; if so, it is asked for, and about each parcel not told of yet."""
    adapter = registry.adapter(carrier)
    told = answers(carrier)[0]
    body = told.body.replace(b'"has_more":false', b'"has_more":true')
    body = body.replace(b'"next_cursor":"","has_next_page":false', b'"next_cursor":"2","has_next_page":true')
    if body == told.body:
        return "one page"
    wanted = [Wanted(number) for number in (*told.requested, "another")]
    more = adapter.follow_ups(account(carrier), wanted, adapter.build(account(carrier), wanted, None), body)
    assert {one.spec.method for one in more} == {"GET"}, more
    assert "another" in {one.number for follow in more for one in follow.wanted}
    return "asked for"


def registration(carrier: str) -> str:
    """Whether a number must be registered before it is told of; if so, the same pull does that."""
    forget(carrier)
    number = finished(carrier, JOURNEYS)[0].number
    told = ask(carrier, [number])
    assert _parcels(read(carrier, told))[0].events
    again = ask(carrier, [number])
    assert len(again) == 1
    assert _parcels(read(carrier, again))[0].events
    return "in the same pull" if len(told) > 1 else "not needed"


def public_sample(carrier: str) -> str:
    """The events of the public sample answers, as samples.csv has them: test_conformance.py reads the samples."""
    events = sum(one.events for one in samples() if one.carrier == carrier)
    return f"{events} event{'s' * (events != 1)}" if events else "none known"


def fuzzed(carrier: str) -> str:
    """By tests/unit/carriers/test_carrier_fuzz.py, of every registered carrier."""
    return f"{MUTATED_ANSWERS:,}"


# ---------------------------------------------------------------------------------------------------- what is told


@cache
def journeys(carrier: str) -> tuple[Shipment, ...]:
    """Journeys in one piece in which each kind of scan occurs, for each of its reasons, where the world has them."""
    seen: Counter[tuple[str, str | None]] = Counter()
    chosen = []
    for shipment in finished(carrier, JOURNEYS):
        kinds = {(scan.kind, scan.reason) for scan in shipment.scans}
        if shipment.pieces == 1 and any(seen[one] < JOURNEYS_OF_A_KIND for one in kinds):
            seen.update(kinds)
            chosen.append(shipment)
    assert {scan for scan, _ in seen} == set(MILESTONE_OF)
    return tuple(chosen)


@cache
def parcels_read(carrier: str) -> tuple[tuple[Shipment, Parcel], ...]:
    """The journeys, and what is read of them at their end."""
    parsed = read(carrier, ask(carrier, [one.number for one in journeys(carrier)]))
    assert not [one for one in parsed if isinstance(one, Unreadable)]
    return tuple((shipment, parcel) for shipment in journeys(carrier) for parcel in _of(parsed, shipment.number))


@cache
def scans_read(carrier: str) -> tuple[Seen, ...]:
    """Every scan of the journeys, with its event."""
    found = []
    for shipment, parcel in parcels_read(carrier):
        events = timeline(parcel)
        assert len(events) == len(shipment.scans), shipment.number
        found += [Seen(shipment, scan, event) for scan, event in zip(shipment.scans, events, strict=True)]
    return tuple(found)


def timeline(parcel: Parcel) -> list[TrackingEvent]:
    """A parcel's events, oldest first, told twice or not."""
    told = {
        (event.local_time.replace(second=0, microsecond=0), event.code, event.description): event
        for event in parcel.events
    }
    return sorted(told.values(), key=lambda event: event.occurred_at)


def reads(kind_of_scan: str) -> Callable[[str], str]:
    """A check: whether scans of a kind are read as the milestone that they are."""

    def check(carrier: str) -> str:
        true = MILESTONE_OF[kind_of_scan]
        found = {one.event.milestone for one in scans_read(carrier) if one.scan.kind == kind_of_scan}
        assert found
        return YES if found == {true} else "no: " + ", ".join(f"`{one}`" for one in sorted(found))

    return check


def reasons(kind_of_scan: str) -> Callable[[str], str]:
    """A check: whether the reason is told for which scans of a kind came about, and whether it is the true one."""

    def check(carrier: str) -> str:
        told: dict[str, set[str | None]] = {}
        for one in scans_read(carrier):
            if one.scan.kind == kind_of_scan and one.scan.reason:
                told.setdefault(one.scan.reason, set()).add(one.event.reason)
        assert told
        right = sorted(reason for reason, read_as in told.items() if read_as <= REASONS_OF[reason])
        wrong = [
            f"{reason.replace('_', ' ')} as `{one}`"
            for reason, read_as in sorted(told.items())
            for one in sorted(filter(None, read_as - REASONS_OF[reason]))
        ]
        if len(right) == len(told):
            return YES
        alone = [f"{', '.join(reason.replace('_', ' ') for reason in right)} alone"] if right else []
        return "no: " + ("; ".join(alone + wrong) or "none")

    return check


def _parcels(parsed: Sequence[Parcel | Unreadable]) -> list[Parcel]:
    return [one for one in parsed if isinstance(one, Parcel)]


def _of(parsed: Sequence[Parcel | Unreadable], number: str) -> list[Parcel]:
    return [one for one in _parcels(parsed) if one.requested_number == number]


def _events(carrier: str, told: Told) -> list[TrackingEvent]:
    parsed = registry.adapter(carrier).parse(told.body, told.requested)
    return [event for parcel in _parcels(list(parsed)) for event in parcel.events]


CAPABILITIES: dict[str, Capability] = {
    one.name: one
    for one in (
        Capability("kind", "kind", "asked", kind, False),
        Capability("numbers", "numbers a request", "asked", numbers_a_request, False),
        Capability("authentication", "authentication", "asked", authentication, False),
        Capability("time", "times are printed", "asked", told_time, False),
        Capability("zone", "zone known by", "asked", known_zone, False),
        Capability("pieces", "shipment in pieces", "asked", pieces, False),
        Capability("pages", "next pages", "asked", next_pages, False),
        Capability("registration", "registration", "asked", registration, False),
        Capability("not_found", "unknown number told", "asked", not_found),
        Capability("malformed", "bad parcel costs itself alone", "asked", malformed),
        Capability("unknown_code", "new code kept", "asked", unknown_code),
        Capability("sample", "public sample read in full", "asked", public_sample, False),
        Capability("fuzzed", "mutated answers", "asked", fuzzed, False),
        Capability("service", "service", "way", service),
        Capability("ends", "origin and destination", "way", ends),
        Capability("label_created", "announced", "way", reads("label_created")),
        Capability("picked_up", "picked up", "way", reads("picked_up")),
        Capability("export_cleared", "export cleared", "way", reads("export_cleared")),
        Capability("country_arrived", "destination country reached", "way", reads("country_arrived")),
        Capability("import_started", "import customs", "way", reads("import_started")),
        Capability("import_cleared", "import cleared", "way", reads("import_cleared")),
        Capability("customs_hold", "held by customs", "way", reads("customs_hold")),
        Capability("hold_reason", "reason of a hold", "way", reasons("customs_hold")),
        Capability("out_for_delivery", "out for delivery", "end", reads("out_for_delivery")),
        Capability("failed_attempt", "failed attempt", "end", reads("failed_attempt")),
        Capability("attempt_reason", "reason of a failed attempt", "end", reasons("failed_attempt")),
        Capability("available_for_pickup", "waits for pickup", "end", reads("available_for_pickup")),
        Capability("delivered", "delivered", "end", reads("delivered")),
        Capability("refused", "refused", "end", reads("refused")),
        Capability("refused_reason", "refusal as reason", "end", reasons("refused")),
        Capability("returning", "on its way back", "end", reads("returning")),
        Capability("returned", "returned", "end", reads("returned")),
        Capability("delayed", "delayed", "end", reads("delayed")),
        Capability("damaged", "damaged", "end", reads("damaged")),
        Capability("lost", "lost", "end", reads("lost")),
    )
}
