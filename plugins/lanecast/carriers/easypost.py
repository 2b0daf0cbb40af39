"""EasyPost Trackers (`POST /v2/trackers/batch`, `GET` and `POST /v2/trackers`), as docs.easypost.com describes them.

EasyPost tells of trackers made before. One question reads those of a batch; what it lacks is created, which answers
with what the carrier tells at once. Where a batch's answer has more than it shows, each number that it does not show is
listed on its own, page by page. Until then answers say nothing of a number: the last one tells.

`datetime` is in UTC: EasyPost turns the carriers' local times by their place, and takes them for UTC where it does not
know the place (`geocode_confidence` is then LOW). `datetime_local` is the same moment by EasyPost's guess of the zone,
and is left alone: a better guess must not make another event of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import ClassVar

import msgspec

from lanecast.carriers.answer import (
    Salvageable,
    Text,
    Wire,
    dropped,
    legible,
    opened,
    read,
    same_number,
    text_of,
    unmentioned,
    unreadable,
)
from lanecast.carriers.base import Account, Adapter, FollowUp, Parsed, Wanted
from lanecast.carriers.carrier_keys import carrier_of, key_of
from lanecast.carriers.events import Ends, in_time, make_event, not_to_the_recipient, read_clock
from lanecast.carriers.places import country_code, place_of
from lanecast.carriers.status import UNKNOWN, Status, status_table
from lanecast.tracking import MILESTONES, Parcel, TrackingEvent, Unreadable
from lanecast.web import RequestSpec

TRACKERS = "/v2/trackers"
BATCH = "/v2/trackers/batch"
PAGE_SIZE = "100"
"""The most trackers that a page of the list holds."""

OPEN_STATUSES = frozenset({"in_transit", "unknown", "error"})
"""Statuses that leave open what happened: their detail tells. Of the others it tells at most why."""

_ANY = frozenset({*MILESTONES, "customs_started", "customs_cleared"}) - {"delivered"}
_REFINABLE = {
    "in_transit": _ANY,
    "hub_arrived": frozenset({"picked_up", "destination_country_arrived", "customs_started", "customs_cleared"}),
    "delayed": frozenset({"customs_hold", "damaged", "lost"}),
    "failed_attempt": frozenset({"customs_hold", "damaged", "lost", "returning", "returned"}),
    "returning": frozenset({"returned"}),
}
"""What the words may make of a milestone."""

HOME_OF = {"usps": "US"}
"""Carriers that leave out the country at home."""


class _Location(Wire):
    city: str | None = None
    state: str | None = None
    country: str | None = None


class _Detail(Wire):
    status: Text = None
    status_detail: Text = None
    message: str | None = None
    datetime: Text = None
    tracking_location: _Location | None = None
    geocode_confidence: Text = None


class _CarrierDetail(Wire):
    service: str | None = None
    origin_tracking_location: _Location | None = None
    destination_tracking_location: _Location | None = None


class _Tracker(Salvageable):
    id: Text = None
    tracking_code: Text = None
    carrier: str | None = None
    tracking_details: list[_Detail] | None = None
    carrier_detail: _CarrierDetail | None = None


class _Error(Wire):
    code: Text = None
    message: Text = None


class _Answer(_Tracker):
    """A list of trackers, one tracker, or an error."""

    trackers: list[_Tracker] | None = None
    has_more: bool | None = None
    error: _Error | None = None


_DECODER = msgspec.json.Decoder(_Answer)


class EasyPost(Adapter):
    """EasyPost: an API key as the user of HTTP Basic, twenty numbers a request."""

    name: ClassVar[str] = "easypost"
    numbers_per_request: ClassVar[int] = 20

    def build(self, account: Account, wanted: Sequence[Wanted], token: str | None) -> RequestSpec:
        """A question about the trackers of up to twenty numbers."""
        codes = [one.number.strip() for one in wanted]
        return RequestSpec("POST", BATCH, json={"tracking_codes": codes}, basic=(account.password, ""))

    def follow_ups(self, account: Account, wanted: Sequence[Wanted], spec: RequestSpec, body: bytes) -> list[FollowUp]:
        """The next page of a list, and a tracker for each number that has none."""
        try:
            answer = read(body, _DECODER, _Answer)[0]
        except msgspec.MsgspecError:
            return []
        if answer.trackers is None:  # a tracker that was created, or no list at all
            return []
        shown = {same_number(code) for one in answer.trackers if (code := text_of(one.tracking_code))}
        missing = [one for one in wanted if same_number(one.number) not in shown]
        params = dict(spec.params or {})
        if spec.path == BATCH and answer.has_more:
            return [self._list(account, one, {}) for one in missing]
        last = text_of(answer.trackers[-1].id) if answer.has_more and answer.trackers else None
        if last and last != params.get("before_id"):
            return [self._list(account, one, {"before_id": last}) for one in wanted]
        return [] if "before_id" in params else [self._creation(account, one) for one in missing]

    def _list(self, account: Account, one: Wanted, page: dict[str, str]) -> FollowUp:
        params = {"tracking_code": one.number.strip(), "page_size": PAGE_SIZE}
        if key := key_of(self.name, one.carrier):
            params["carrier"] = key
        return FollowUp(RequestSpec("GET", TRACKERS, params=params | page, basic=(account.password, "")), (one,))

    def _creation(self, account: Account, one: Wanted) -> FollowUp:
        tracker = {"tracking_code": one.number.strip()}
        if key := key_of(self.name, one.carrier):
            tracker["carrier"] = key
        return FollowUp(RequestSpec("POST", TRACKERS, json={"tracker": tracker}, basic=(account.password, "")), (one,))

    def parse(self, body: bytes, requested: Sequence[str]) -> Iterator[Parsed]:
        """One Parcel per tracker: a number may have several, of several carriers or of several uses of the number."""
        answer = yield from opened(body, requested, _DECODER, _Answer)
        if answer is None:
            return
        if answer.error or (answer.trackers is None and answer.tracking_code is None):
            told = f"{answer.error.code} {answer.error.message}" if answer.error else "no tracker in it"
            yield from unreadable(body, told, requested)
            return
        trackers: Sequence[_Tracker] = (answer,)
        if answer.trackers is not None:
            yield from dropped(answer.drops, requested[0] if len(requested) == 1 else None)
            trackers = answer.trackers
        as_asked = {same_number(number): number for number in requested}
        mentioned: set[str] = set()
        for tracker in trackers:
            code = text_of(tracker.tracking_code)
            if code is None:
                yield from dropped(tracker.drops, None)
                yield Unreadable(problem="a tracker without tracking_code")
                continue
            mentioned.add(same_number(code))
            number = as_asked.get(same_number(code), code)
            yield from dropped(tracker.drops, number)
            yield from _parcel(tracker, number)
        if answer.trackers is None:
            yield from unmentioned(requested, mentioned)


def _parcel(tracker: _Tracker, number: str) -> Iterator[Parsed]:
    detail = tracker.carrier_detail or _CarrierDetail()
    ends = Ends(_country(detail.origin_tracking_location), _country(detail.destination_tracking_location))
    carrier = carrier_of(EasyPost.name, tracker.carrier)
    home = HOME_OF.get(carrier or "")
    events = yield from legible((_event(told, ends, home) for told in tracker.tracking_details or ()), number)
    yield Parcel(
        tracking_number=number,
        requested_number=number,
        carrier=carrier,
        found=bool(tracker.tracking_details or tracker.drops),
        service=text_of(detail.service),
        origin_country=ends.origin,
        destination_country=ends.destination,
        events=in_time(events),
    )


def _country(location: _Location | None) -> str | None:
    return country_code(location.country) if location else None


def _event(told: _Detail, ends: Ends, home: str | None) -> TrackingEvent | str:
    """One event, or why it could not be read."""
    location = told.tracking_location or _Location()
    home = home if text_of(location.state) else None
    place = place_of(location.country, location.state, location.city, default_country=home)
    clock = read_clock(told.datetime, place, z_is_utc=True)
    if clock is None:
        return f"tracking detail with unreadable datetime {told.datetime!r}"
    if clock.known == "utc" and told.geocode_confidence == "LOW":
        clock = clock._replace(known="assumed")
    code, status = _meaning(told.status, told.status_detail, told.message)
    return make_event(clock, place, status, code, told.message, ends)


@lru_cache(maxsize=65536)
def _meaning(status: Text, detail: Text, words: str | None) -> tuple[str | None, Status]:
    """The event's code ("in_transit/departed_facility") and its meaning, made finer by the words."""
    status, detail = text_of(status), text_of(detail)
    code = f"{status}/{detail}" if status and detail else status or detail
    table = status_table(EasyPost.name)
    found = table.codes.get(code) if code else None
    if found is None and detail and (status in OPEN_STATUSES or status not in table.codes):
        found = table.codes.get(f"detail/{detail}")
    if found is None and status:
        found = table.codes.get(status)
    finer = table.by_text(words) if words else None
    if found is None:
        found = finer or UNKNOWN
    elif found.milestone == "delivered":
        found = not_to_the_recipient(finer) or found
    elif finer and finer.milestone in _REFINABLE.get(found.milestone, ()):
        found = finer
    return code, table.with_reason(found, words)


ADAPTER = EasyPost
