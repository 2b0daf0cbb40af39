"""Australia Post Shipping and Tracking API (`GET /shipping/v1/track`), as its developer pages describe it.

Events carry a time with offset, words, and perhaps a place; there is no code. The offset is that of Australia's east,
wherever the event was. The words, less a facility's name at their end, stand for the code: they tell two scans apart,
and a facility written otherwise does not make a new one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import ClassVar

import msgspec

from lanecast.carriers.answer import (
    Salvageable,
    Text,
    Wire,
    asked_as,
    dropped,
    legible,
    line_of,
    not_found,
    opened,
    same_number,
    text_of,
    unmentioned,
    unreadable,
)
from lanecast.carriers.base import Account, Adapter, Parsed, Wanted
from lanecast.carriers.events import Ends, in_time, make_event, meaning, read_clock
from lanecast.carriers.places import Place, country_code, place_of
from lanecast.tracking import Parcel, TrackingEvent, Unreadable
from lanecast.web import RequestSpec, basic_auth

NOT_FOUND_CODES = frozenset({"ESB-10001", "ESB-10002", "51104"})
"""Error codes for a number that is not known, or not one that is tracked."""

STATES = frozenset({"ACT", "NSW", "NT", "QLD", "SA", "TAS", "VIC", "WA"})
NO_PLACES = frozenset({"transit scan"})
"""What stands where a place should, folded."""

_FACILITY = re.compile(r" (?:at|in|to) [A-Z0-9][A-Z0-9 '.,&()/-]+$")
_IN_BRACKETS = re.compile(r"(.*?)\s*\(([A-Za-z]{2})\)")
_OFFICE = re.compile(r"([A-Z]{2})-\w+")
_POSTED_IN = re.compile(r"[A-Z]{2}\d{9}([A-Z]{2})")


class _Event(Wire):
    location: str | None = None
    description: str | None = None
    date: Text = None


class _Consignment(Salvageable):
    events: list[_Event] | None = None


class _Article(Salvageable):
    article_id: Text = None
    product_type: Text = None
    events: list[_Event] | None = None


class _Item(_Article):
    """An article, or a consignment that holds articles."""

    items: list[_Article] | None = None


class _Problem(Wire):
    code: Text = None
    error_code: Text = None
    name: str | None = None
    message: str | None = None


class _Result(Salvageable):
    tracking_id: Text = None
    errors: list[_Problem] | None = None
    consignment: _Consignment | None = None
    trackable_items: list[_Item] | None = None


class _Answer(Wire):
    tracking_results: list[_Result] | None = None
    errors: list[_Problem] | None = None


_DECODER = msgspec.json.Decoder(_Answer)


class AustraliaPost(Adapter):
    """Australia Post: HTTP Basic with an API key, the charge account in a header, ten numbers a request."""

    name: ClassVar[str] = "australia_post"
    numbers_per_request: ClassVar[int] = 10

    def authorization(self, account: Account, token: str | None) -> Mapping[str, str]:
        """HTTP Basic, and the number of the charge account (the connection's extra `account_number`)."""
        number = account.extra.get("account_number")
        return basic_auth(account) | ({"Account-Number": str(number)} if number else {})

    def build(self, account: Account, wanted: Sequence[Wanted], token: str | None) -> RequestSpec:
        """A request for up to ten numbers."""
        numbers = ",".join(one.number.strip() for one in wanted)
        return RequestSpec("GET", "/shipping/v1/track", params={"tracking_ids": numbers})

    def parse(self, body: bytes, requested: Sequence[str]) -> Iterator[Parsed]:
        """One Parcel per article: a consignment's number may stand for several."""
        answer = yield from opened(body, requested, _DECODER, _Answer)
        if answer is None:
            return
        if not answer.tracking_results:
            problems = answer.errors or []
            # Told of one of several numbers, it says nothing of the others, nor which one it is.
            if len(requested) == 1 and any(_code(problem) in NOT_FOUND_CODES for problem in problems):
                yield not_found(requested[0])
                return
            yield from unreadable(body, _told(problems) or "no tracking results in it", requested)
            return
        mentioned: set[str] = set()
        for result in answer.tracking_results:
            yield from _parcels(result, requested, mentioned)
        yield from unmentioned(requested, mentioned)


def _parcels(result: _Result, requested: Sequence[str], mentioned: set[str]) -> Iterator[Parsed]:
    number = text_of(result.tracking_id)
    if number is None:
        yield Unreadable(problem="a tracking result without tracking_id")
        return
    mentioned.add(same_number(number))
    number = asked_as(number, requested)
    consignment = result.consignment
    yield from dropped([*result.drops, *(consignment.drops if consignment else ())], number)
    articles: list[_Article] = []
    for item in result.trackable_items or ():
        if item.items:
            yield from dropped(item.drops, number)
            articles.extend(item.items)
        else:
            articles.append(item)
    if result.errors and not articles:
        if any(_code(problem) in NOT_FOUND_CODES for problem in result.errors):
            yield not_found(number)
        else:
            yield Unreadable(problem=_told(result.errors), tracking_number=number)
        return
    shared = (consignment.events if consignment else None) or []
    for article in articles or [_Article()]:
        own = text_of(article.article_id)
        inner = number if len(articles) < 2 or own is None else own
        yield from dropped(article.drops, inner)
        yield from _parcel(article, article.events or shared, inner, number)


def _parcel(article: _Article, told: Sequence[_Event], number: str, requested_number: str) -> Iterator[Parsed]:
    posted = _POSTED_IN.fullmatch(same_number(number))
    ends = Ends(country_code(posted.group(1)) if posted else None)
    events = yield from legible((_event(one, ends) for one in told), number)
    yield Parcel(
        tracking_number=number,
        requested_number=requested_number,
        service=text_of(article.product_type),
        origin_country=ends.origin,
        events=in_time(events),
    )


def _event(told: _Event, ends: Ends) -> TrackingEvent | str:
    """One event, or why it could not be read."""
    place = _place(told.location)
    # An hour without offset is Australia's, as the others are.
    clock = read_clock(told.date, place if place.country == "AU" else place_of("AU", "VIC", None))
    if clock is None:
        return f"event with unreadable date {told.date!r}"
    code = _code_of(told.description)
    return make_event(clock, place, meaning("australia_post", code, told.description), code, told.description, ends)


@lru_cache(maxsize=65536)
def _code_of(description: str | None) -> str | None:
    """The words without the facility's name that Australia Post writes in capitals behind them."""
    text = line_of(description) if description else None
    return (_FACILITY.sub("", text) or text) if text else None


@lru_cache(maxsize=65536)
def _place(location: str | None) -> Place:
    """A place: "KEW VIC", "CHICAGO (US)", "US-60199, UNITED STATES", "NZ", or no place at all ("Transit Scan")."""
    text = line_of(location) if location else None
    if text is None or text.casefold() in NO_PLACES:
        return place_of(None, None, None)
    if country := country_code(text):
        return place_of(country, None, None)
    if found := _IN_BRACKETS.fullmatch(text):
        return place_of(found.group(2), None, found.group(1) or None)
    city, _, tail = (part.strip() for part in text.rpartition(","))
    if city and (country := country_code(tail)):
        return place_of(country, None, None if _OFFICE.fullmatch(city) else city)
    city, _, state = text.replace(",", " ").rpartition(" ")
    if state.upper() in STATES:
        return place_of("AU", state.upper(), city.strip() or None)
    return place_of(None, None, text)


def _code(problem: _Problem) -> str:
    return (text_of(problem.code) or text_of(problem.error_code) or "").upper()


def _told(problems: Sequence[_Problem]) -> str:
    return "; ".join(f"{_code(problem)} {problem.message or problem.name}" for problem in problems)


ADAPTER = AustraliaPost
