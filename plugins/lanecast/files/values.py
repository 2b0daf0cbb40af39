"""Texts of files as typed values. A converter takes the text as it stands and returns the value, or None for none.

A text that can't be read raises Defect, whose words say why; the caller adds column and text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from functools import lru_cache

from lanecast.customers.keys import bare_id
from lanecast.tracking import MILESTONES

Converter = Callable[[str], object]

_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?", re.ASCII)
_NO_SLUG = re.compile(r"[^a-z0-9]+")
_CACHED = 1 << 14
_MOST_DIGITS = 100
_LONGEST_NUMBER = 64
_LARGEST_PLACE = 1_000_000_000
_TRUTHS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
_MILESTONES = frozenset(MILESTONES)


class Defect(ValueError):
    """A value can't be read; the text says why."""


def plain(text: str) -> str | None:
    """Text without blanks around it."""
    return text.strip() or None


@lru_cache(maxsize=_CACHED)
def customer(text: str) -> str | None:
    """A shop's id of a customer; a number that a table kept as 13085.0 is 13085."""
    return bare_id(text) or None


@lru_cache(maxsize=_CACHED)
def repeated(text: str) -> str | None:
    """`plain`, for texts of which there are few."""
    return text.strip() or None


def tracking_number(text: str) -> str | None:
    """A tracking number: no blanks, upper case, printable ASCII."""
    if not (text.isalnum() and text.isascii()):
        text = "".join(text.split())
        if not text:
            return None
        if not (text.isascii() and text.isprintable()):
            raise Defect("a tracking number holds no emoji, control or other special characters")
    if len(text) > _LONGEST_NUMBER:
        raise Defect(f"a tracking number has at most {_LONGEST_NUMBER} characters")
    return text.upper()


@lru_cache(maxsize=_CACHED)
def carrier(text: str) -> str | None:
    """A carrier as a slug: `Canada Post` is `canada_post`."""
    text = text.strip()
    if not text:
        return None
    if not text.isascii():
        raise Defect("a carrier's name has the letters a to z, digits and _")
    slug = _NO_SLUG.sub("_", text.lower()).strip("_")
    if not slug:
        raise Defect("a carrier's name has the letters a to z, digits and _")
    return slug


@lru_cache(maxsize=_CACHED)
def country(text: str) -> str | None:
    """A country by code or name as ISO 3166-1 alpha-2; one that is unknown stays as given, for the gate to name."""
    from lanecast.carriers.places import country_code

    text = text.strip()
    return country_code(text) or text.upper() or None


@lru_cache(maxsize=_CACHED)
def place_region(country: str | None, region: str | None) -> str | None:
    """A region of a country by code or name as ISO 3166-2; one that is unknown stays as given, for the gate to name."""
    from lanecast.carriers.places import region_code

    return region_code(country, region) or region


@lru_cache(maxsize=_CACHED)
def upper(text: str) -> str | None:
    """Text without blanks around it, in upper case."""
    return text.strip().upper() or None


@lru_cache(maxsize=_CACHED)
def lower(text: str) -> str | None:
    """Text without blanks around it, in lower case."""
    return text.strip().lower() or None


@lru_cache(maxsize=_CACHED)
def milestone(text: str) -> str | None:
    """A canonical milestone, whatever its case."""
    name = text.strip().lower()
    if name and name not in _MILESTONES:
        raise Defect("no milestone; the known ones are in lanecast.tracking")
    return name or None


@lru_cache(maxsize=_CACHED)
def number(text: str) -> str | None:
    """A decimal number in its shortest plain form, so that 1, 1.0 and 1e0 are one."""
    text = text.strip()
    if not text:
        return None
    if not _NUMBER.fullmatch(text):
        raise Defect("not a number with a decimal point")
    try:
        plain_form = f"{Decimal(text).normalize():f}"
    except InvalidOperation:
        raise Defect("not a number with a decimal point") from None
    if len(plain_form) > _MOST_DIGITS:
        raise Defect("too long a number")
    return "0" if plain_form == "-0" else plain_form


@lru_cache(maxsize=_CACHED)
def place(text: str) -> str | None:
    """A place in an order: a whole number above 0."""
    told = number(text)
    if told is not None and (not told.isdigit() or not 0 < int(told) <= _LARGEST_PLACE):
        raise Defect("no whole number from 1 on")
    return told


@lru_cache(maxsize=_CACHED)
def truth(text: str) -> bool | None:
    """Whether something is so: true, yes or 1; false, no or 0."""
    told = text.strip().lower()
    if told and told not in _TRUTHS:
        raise Defect("neither true nor false")
    return _TRUTHS.get(told)


@lru_cache(maxsize=_CACHED)
def json_number(text: str) -> int | float | None:
    """A number for JSON."""
    found = number(text)
    if found is None:
        return None
    return float(found) if "." in found else int(found)


def read_as(
    convert: Converter,
    values: Mapping[str, str],
    sentinels: Sequence[str],
    patterns: Sequence[str],
    value_patterns: Mapping[str, str] | None = None,
) -> Converter:
    """`convert` behind a look at the text: `sentinels` and `patterns` (whole texts) are none, `values` replaces, and so
    does the first of `value_patterns` that fits the whole text."""
    if not (values or sentinels or patterns or value_patterns):
        return convert
    none = frozenset(sentinels)
    forms = [re.compile(pattern) for pattern in patterns]
    kinds = [(re.compile(pattern), value) for pattern, value in (value_patterns or {}).items()]

    @lru_cache(maxsize=_CACHED)
    def read(text: str) -> object:
        bare = text.strip()
        if bare in none or any(form.fullmatch(bare) for form in forms):
            return convert("")
        if bare not in values:
            for kind, value in kinds:
                if kind.fullmatch(bare):
                    return convert(value)
        return convert(values.get(bare, text))

    return read
