"""Global ids, cursors and pages, as Shopify's GraphQL has them."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from typing import Any

from graphql import GraphQLError

MOST_NODES = 250


def gid(kind: str, number: int) -> str:
    """A global id, as gid://shopify/Order/1."""
    return f"gid://shopify/{kind}/{number}"


def page_size(first: int | None) -> int:
    """How many nodes are asked for. GraphQLError where Shopify would refuse."""
    if first is None:
        raise GraphQLError("you must provide one of first or last", extensions={"code": "BAD_REQUEST"})
    if not 0 <= first <= MOST_NODES:
        raise GraphQLError(f"first must be between 0 and {MOST_NODES}", extensions={"code": "BAD_REQUEST"})
    return first


def cursor_of(*parts: int) -> str:
    """An opaque cursor."""
    return base64.urlsafe_b64encode("|".join(map(str, parts)).encode()).decode()


def read_cursor(cursor: str | None, length: int) -> tuple[int, ...] | None:
    """What `cursor_of` put into a cursor. GraphQLError for one that is none."""
    if cursor is None:
        return None
    try:
        parts = tuple(map(int, base64.urlsafe_b64decode(cursor).decode().split("|")))
    except (binascii.Error, ValueError):
        parts = ()
    if len(parts) != length:
        raise GraphQLError(f"Invalid cursor for current pagination sort: {cursor}", extensions={"code": "BAD_REQUEST"})
    return parts


class Connection:
    """A page of a list: nodes and the cursor of each."""

    def __init__(self, nodes: Sequence[Any], cursors: Sequence[str], has_next: bool, has_previous: bool) -> None:
        """As many cursors as nodes."""
        self.nodes = nodes
        self._cursors = cursors
        self.pageInfo = {
            "hasNextPage": has_next,
            "hasPreviousPage": has_previous,
            "startCursor": cursors[0] if cursors else None,
            "endCursor": cursors[-1] if cursors else None,
        }

    def edges(self, _info: object) -> list[dict[str, Any]]:
        """Nodes with their cursors."""
        return [{"cursor": cursor, "node": node} for cursor, node in zip(self._cursors, self.nodes, strict=True)]


def connection(nodes: Sequence[Any], first: int | None, after: str | None) -> Connection:
    """The page of a short list."""
    size = page_size(first)
    position = read_cursor(after, 1)
    since = position[0] + 1 if position else 0
    page = nodes[since : since + size]
    cursors = [cursor_of(since + place) for place in range(len(page))]
    return Connection(page, cursors, since + size < len(nodes), since > 0)
