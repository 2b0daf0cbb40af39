"""What the rules about just-bought, lasting and returned products cost, and the place that new products have.

Usage: python benchmarks/rules_of_lists.py INTERACTIONS CUT

Lists are made as of CUT as for a shop (purchases are foretold), once with each rule. They are held against what each
customer bought again, or for the first time, in the 7, 14, 30 and 75 days that followed: Recall@20, the mean over
customers who did.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import patch

import numpy as np

from lanecast.recommend import serving, signals
from lanecast.recommend.backtest.history import History, read
from lanecast.recommend.choice import evaluate
from lanecast.recommend.deeds import Kind
from lanecast.recommend.history import Aim, Flags
from lanecast.recommend.lists import BUY_AGAIN, DISCOVER
from lanecast.recommend.signals import Signals

K = 20
DAYS = (7, 14, 30, 75)


def rules() -> dict[str, Any]:
    """By name, what hides a pair of customer and product from `buy_again`."""

    def lasting(fitted: Signals) -> Flags:
        past = fitted.past
        buyers = np.bincount(past.pair_product, minlength=past.products)
        lasts = (fitted.rebought < signals._DURABLE) & (buyers >= signals._DURABLE_BUYERS)
        return np.asarray(lasts[past.pair_product] & (past.times < 2))

    def just_bought(share: float) -> property:
        return property(lambda fitted: np.nan_to_num(fitted.due, nan=1.0) < share)

    return {
        "as it is, all rules": Signals.resting,
        "none": property(lambda fitted: np.zeros(len(fitted.past.times), dtype=bool)),
        "sent back": property(lambda fitted: fitted.past.refused),
        "lasting": property(lasting),
        **{f"bought within {share} of its rhythm": just_bought(share) for share in (0.05, 0.1, 0.3)},
    }


@contextmanager
def resting_by(rule: Any) -> Iterator[None]:
    """Within, `rule` says what rests."""
    with patch.object(Signals, "resting", rule):
        yield


def lists(history: History, chosen: dict[str, Any], now: int, slot: str) -> dict[int, list[int]]:
    """By customer, the products of a slot."""
    found: dict[int, list[int]] = {}
    for made in serving.customer_lists(history.deeds, history.catalogue, chosen, now, K, Aim.PURCHASES):
        if made.slot == slot:
            for customer, row in zip(made.customer.tolist(), made.product.tolist(), strict=True):
                found[customer] = [product for product in row if product >= 0]
    return found


def bought(history: History, before: int, after: int) -> dict[int, set[int]]:
    """By customer, the products bought from one moment to another."""
    deeds, found = history.deeds, defaultdict(set)
    rows = (deeds.at >= before) & (deeds.at < after) & (deeds.kind == Kind.PURCHASE) & (deeds.customer >= 0)
    for customer, product in zip(deeds.customer[rows].tolist(), deeds.product[rows].tolist(), strict=True):
        found[customer].add(product)
    return found


def recall(listed: dict[int, list[int]], wanted: dict[int, set[int]]) -> float:
    """The mean of hits over the smaller of K and what was wanted."""
    shares = [len(set(listed.get(one, ())) & what) / min(K, len(what)) for one, what in wanted.items() if what]
    return float(np.mean(shares)) if shares else float("nan")


def main(path: str, day: str) -> None:
    cut = datetime.fromisoformat(day).replace(tzinfo=UTC)
    now = int(cut.timestamp())
    history, whole = read(path, cut), read(path, cut + timedelta(days=DAYS[-1]))
    number = {name: at for at, name in enumerate(history.deeds.customers)}
    product = {name: at for at, name in enumerate(history.deeds.products)}
    had = bought(history, 0, now)
    chosen = evaluate(history.deeds, history.catalogue, now, aim=Aim.PURCHASES).chosen
    wanted: dict[str, dict[int, dict[int, set[int]]]] = {BUY_AGAIN: {}, DISCOVER: {}}
    for days in DAYS:
        then = {
            number[whole.deeds.customers[one]]: {
                product[name] for name in (whole.deeds.products[at] for at in what) if name in product
            }
            for one, what in bought(whole, now, now + days * 86_400).items()
            if whole.deeds.customers[one] in number
        }
        wanted[BUY_AGAIN][days] = {one: what & had[one] for one, what in then.items() if one in had}
        wanted[DISCOVER][days] = {one: what - had[one] for one, what in then.items() if one in had}

    def row(name: str, slot: str) -> None:
        found = lists(history, chosen, now, slot)
        shown = "  ".join(f"{recall(found, wanted[slot][days]):.3f}" for days in DAYS)
        print(f"{slot:10} {name:36} {shown}", flush=True)

    print(f"{'':10} {'rule':36} " + "  ".join(f"{days:3} d" for days in DAYS))
    for name, rule in rules().items():
        with resting_by(rule):
            row(name, BUY_AGAIN)
    row("with a place for what is new", DISCOVER)
    with patch.object(serving, "_fresh", lambda then: np.zeros(0, dtype=np.int32)):
        row("without", DISCOVER)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
