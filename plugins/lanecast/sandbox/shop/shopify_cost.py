"""What a query costs: requested beforehand, actual afterwards, out of a bucket of points.

Objects cost 1 and scalars 0, as Shopify publishes. What a connection costs it does not: a page of n grows with the
logarithm of n, which gives the 25 points that product(id) { variants(first: 250) { nodes { inventoryItem } } } costs.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    VariableNode,
)

MOST = 1000
"""The most that a single query may cost."""


class Points:
    """A bucket of points that fills up again with time."""

    def __init__(self, most: float, per_second: float, clock: Callable[[], float] = time.monotonic) -> None:
        """Full at first."""
        self.most = most
        self.per_second = per_second
        self._clock = clock
        self._level = most
        self._at = clock()

    def level(self) -> float:
        """The points available now."""
        now = self._clock()
        self._level = min(self.most, self._level + (now - self._at) * self.per_second)
        self._at = now
        return self._level

    def take(self, points: float) -> None:
        """Take points out; the level may not fall below 0."""
        self._level = max(0.0, self.level() - points)

    def status(self) -> dict[str, float]:
        """`throttleStatus` as it is told."""
        return {
            "maximumAvailable": float(self.most),
            "currentlyAvailable": int(self.level()),
            "restoreRate": float(self.per_second),
        }


def cost(
    schema: GraphQLSchema,
    document: DocumentNode,
    variables: Mapping[str, Any],
    data: Any = None,
    is_actual: bool = False,
) -> int:
    """The points of a document's operation: as requested, or `is_actual`, by what `data` holds."""
    fragments = {
        part.name.value: part.selection_set for part in document.definitions if isinstance(part, FragmentDefinitionNode)
    }
    operation = next(part for part in document.definitions if isinstance(part, OperationDefinitionNode))
    counting = _Counting(fragments, variables, is_actual)
    return math.ceil(counting.selection(operation.selection_set, data))


class _Counting:
    def __init__(
        self, fragments: Mapping[str, SelectionSetNode], variables: Mapping[str, Any], is_actual: bool
    ) -> None:
        self._fragments = fragments
        self._variables = variables
        self._is_actual = is_actual

    def selection(self, selected: SelectionSetNode | None, data: Any) -> float:
        """The sum of the fields below an object."""
        if selected is None or (self._is_actual and data is None):
            return 0.0
        total = 0.0
        for node in selected.selections:
            if isinstance(node, FieldNode):
                total += self._field(node, data)
            elif isinstance(node, InlineFragmentNode):
                total += self.selection(node.selection_set, data)
            elif isinstance(node, FragmentSpreadNode):
                total += self.selection(self._fragments.get(node.name.value), data)
        return total

    def _field(self, node: FieldNode, data: Any) -> float:
        if node.selection_set is None:
            return 0.0
        name = node.alias.value if node.alias else node.name.value
        value = data.get(name) if isinstance(data, dict) else None
        if self._is_actual and value is None:
            return 0.0
        if isinstance(value, list):
            return max((1 + self.selection(node.selection_set, one) for one in value), default=0.0)
        if node.name.value in ("nodes", "edges"):
            return 1 + self.selection(node.selection_set, value)
        if node.name.value in ("pageInfo", "node"):
            return self.selection(node.selection_set, value)
        below = self.selection(node.selection_set, value)
        size = self._size(node, value)
        return 1 + below if size is None else (1 + below) * max(1.0, math.log2(max(1, size)))

    def _size(self, node: FieldNode, value: Any) -> int | None:
        """The number of nodes of a connection: asked for, or told; None for what is none."""
        if node.selection_set is None or not any(
            isinstance(part, FieldNode) and part.name.value in ("nodes", "edges", "pageInfo")
            for part in node.selection_set.selections
        ):
            return None
        if self._is_actual and isinstance(value, dict):
            return max((len(told) for told in value.values() if isinstance(told, list)), default=0)
        first = next((part.value for part in node.arguments or () if part.name.value == "first"), None)
        if isinstance(first, VariableNode):
            return int(self._variables.get(first.name.value) or 1)
        return int(first.value) if isinstance(first, IntValueNode) else 1
