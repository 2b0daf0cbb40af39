"""What `lanecast train recommendations` and `lanecast recommend` print."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

from lanecast.customers import agreement, keys
from lanecast.recommend import asking
from lanecast.recommend.evaluation import REPORT
from lanecast.recommend.lists import DISCOVER
from lanecast.recommend.training import Trained
from lanecast.warehouse import connection as warehouse


def ask(
    customer: str | None, product: str | None, slot: str | None, how_many: int, country: str | None
) -> dict[str, list[dict[str, Any]]]:
    """The lists asked for, by slot; `beside` of a product. A customer is named by key or by the shop's id; None is
    somebody new. Raises NoAnswer, and CustomerKeyError where the id can't be made a key."""
    who = customer
    if customer is not None and not keys.is_key(customer):
        who = agreement.keys_of([customer])[0]["key"]
    with warehouse.connect() as link:
        if product is not None:
            return {"beside": asking.beside_product(link, product, how_many)}
        slots = (slot,) if slot else asking.SLOTS if customer is not None else (DISCOVER,)
        return {one: asking.to_customer(link, who, one, how_many, country) for one in slots}


def lines(found: dict[str, list[dict[str, Any]]]) -> Iterator[str]:
    """The lists for people."""
    for slot, rows in found.items():
        yield {"discover": "To discover", "buy_again": "To buy again", "beside": "Bought together"}.get(slot, slot)
        yield from (f"  {line}" for line in asking.lines(rows))
        if not rows:
            yield "  nothing"


def show(trained: Trained) -> None:
    """Prints how the models did, and what serves."""
    table = Table(title=f"run {trained.version}", title_justify="left", box=box.SIMPLE_HEAD)
    for name in ("slot", "model", "recall@20", "ndcg@20", "coverage", "customers", "beyond popularity", "serves"):
        table.add_column(name, justify="left" if name in {"slot", "model", "serves"} else "right")
    for row in trained.evaluation:
        if row["window"] == REPORT:
            table.add_row(
                *(row["slot"], row["model"], f"{row['recall']:.4f}", f"{row['ndcg']:.4f}", f"{row['coverage']:.2f}"),
                *(f"{row['customers']:,}", f"{row['difference']:+.4f} [{row['low']:+.4f}, {row['high']:+.4f}]"),
                "yes" if row["serves"] else "",
            )
    console = Console(highlight=False)
    console.print(table)
    console.print(trained.reason)
    lists = ", ".join(f"{count:,} {name.replace('_', ' ')}" for name, count in trained.lists.items())
    took = ", ".join(f"{step} {seconds:.1f}" for step, seconds in trained.seconds.items())
    console.print(f"{lists}; seconds: {took}")
