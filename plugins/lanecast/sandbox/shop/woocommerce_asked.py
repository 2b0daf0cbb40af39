"""How WooCommerce's REST API is asked: pages, times, fields, and what it refuses."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

MOST_PER_PAGE = 100
_DEFAULT_PER_PAGE = 10


class Refused(ValueError):
    """A request that the API refuses: status, code and message as it words them."""

    def __init__(self, status: int, code: str, message: str, params: Mapping[str, str] | None = None) -> None:
        """`params` says what is wrong with each parameter."""
        super().__init__(message)
        self.status = status
        data: dict[str, Any] = {"status": status} | ({"params": params} if params else {})
        self.body = {"code": code, "message": message, "data": data}


def window(asked: Mapping[str, str]) -> tuple[int, int]:
    """Offset and size of the page that is asked for."""
    size = _number(asked, "per_page", _DEFAULT_PER_PAGE, 1, MOST_PER_PAGE)
    page = _number(asked, "page", 1, 1, None)
    return _number(asked, "offset", (page - 1) * size, 0, None), size


def _number(asked: Mapping[str, str], name: str, default: int, least: int, most: int | None) -> int:
    told = asked.get(name, str(default))
    if told.isdigit() and int(told) >= least and (most is None or int(told) <= most):
        return int(told)
    said = f"{name} must be between {least} (inclusive) and {most} (inclusive)"
    if most is None:
        said = f"{name} must be greater than or equal to {least}"
    raise Refused(400, "rest_invalid_param", f"Invalid parameter(s): {name}", {name: said})


def numbers(asked: Mapping[str, str], name: str) -> list[int] | None:
    """The ids of a list such as 1,2,3; None where there is no list."""
    told = asked.get(name)
    if not told:
        return None
    if not told.replace(",", "").isdigit():
        raise Refused(400, "rest_invalid_param", f"Invalid parameter(s): {name}", {name: f"{name} is no list of ids."})
    return [int(one) for one in told.split(",") if one]


def time(asked: Mapping[str, str], name: str) -> int | None:
    """A time in seconds since 1970; this shop's own time is UTC, so dates_are_gmt changes nothing."""
    told = asked.get(name)
    if not told:
        return None
    try:
        at = datetime.fromisoformat(told.replace(" ", "+"))
    except ValueError:
        raise Refused(400, "rest_invalid_param", f"Invalid parameter(s): {name}", {name: "Invalid date."}) from None
    return int((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp())


def fields(asked: Mapping[str, str]) -> dict[str, Any] | None:
    """The fields asked for, nested as billing.country is; None for all."""
    found: dict[str, Any] = {}
    for path in filter(None, (one.strip() for one in asked.get("_fields", "").split(","))):
        into = found
        *above, last = path.split(".")
        for name in above:
            below = into.setdefault(name, {})
            if below is True:
                break
            into = below
        else:
            into[last] = True
    return found or None


def only(told: dict[str, Any], fields: dict[str, Any] | None) -> dict[str, Any]:
    """What was asked for. As in WordPress, a field within the entries of a list leaves the list empty."""
    if fields is None:
        return told
    kept: dict[str, Any] = {}
    for name, below in fields.items():
        if name in told:
            value = told[name]
            if below is not True and isinstance(value, dict):
                value = only(value, below)
            elif below is not True and isinstance(value, list):
                value = []
            kept[name] = value
    return kept
