"""Addresses as they may be kept and shown: without what opens a door."""

from __future__ import annotations

import re
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

SECRET = re.compile(
    r"authori[sz]ation|cookie|api[-_]?key|token|secret|password|signature|^sig$|credential", re.IGNORECASE
)
"""What names of headers, of query values and of settings that hold secrets look like."""


def masked(url: str) -> str:
    """A URL without user and password, with `***` for the values of its query that are secret by their name."""
    address = urlsplit(url)
    host = address.netloc.rpartition("@")[2]
    query = [(key, "***" if SECRET.search(key) else value) for key, value in parse_qsl(address.query, True)]
    return urlunsplit((address.scheme, host, address.path, urlencode(query, safe="*"), ""))


def bare(place: str) -> str:
    """An address without user, password and all that follows a `?` or `#`, which may hold a key; a path as it is."""
    if "://" not in place:
        return place
    scheme, _, rest = place.partition("://")
    rest = re.split(r"[?#]", rest, maxsplit=1)[0]
    host, slash, path = rest.partition("/")
    return f"{scheme}://{host.rpartition('@')[2]}{slash}{path}"


def scrubbed(text: str) -> str:
    """A sentence with its addresses bare."""
    return re.sub(r"\S+://\S+", lambda found: bare(found[0]), text)
