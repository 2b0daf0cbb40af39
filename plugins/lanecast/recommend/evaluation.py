"""How well models would have done: the rows of a report, and what was chosen by it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

VALIDATION, REPORT = "validation", "report"
"""The windows: models are chosen on the first, and reported on the second, which is later."""


@dataclass(frozen=True)
class EvaluationRow:
    """What one model did in one slot and window, `since` to before `until` (seconds since 1970 UTC).

    Recall@k and NDCG@k are means over `customers`; `coverage` is the share of all products that reached any list;
    `difference` is the Recall@k (in `buy_again` the NDCG@k) beyond popularity's, with its 95 % interval `low` to
    `high` by a paired bootstrap of customers. `serves` is whether this model makes the published lists of this slot,
    and `why` says why, or why not.
    """

    model: str
    slot: str
    window: str
    since: int
    until: int
    k: int
    customers: int
    recall: float
    ndcg: float
    coverage: float
    difference: float
    low: float
    high: float
    serves: bool
    why: str


@dataclass(frozen=True)
class Evaluated:
    """`rows` as above; `chosen` is, by slot, what serves and with which settings: what JSON can hold, to be handed to
    `run.customer_lists`."""

    rows: list[EvaluationRow]
    chosen: dict[str, Any]
