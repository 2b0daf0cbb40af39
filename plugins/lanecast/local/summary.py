"""What a seller wants to know after the main job: parcels, events, quarantine, ranges for some lanes, the address."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

from lanecast.local.main_job import Outcome
from lanecast.warehouse import connection as warehouse
from lanecast.warehouse.statements import statement


@dataclass
class Shops:
    """What the storefronts told, and what is recommended from it."""

    totals: tuple[int, int, int, int, int]
    customer: list[tuple[str, str, int, str, str | None]]
    together: list[tuple[str, str, int, str, str]]
    serving: list[tuple[Any, ...]]


@dataclass
class Summary:
    """Figures of the warehouse after a job."""

    shipments: int
    events: int
    loads: list[tuple[str, str, int, int, int, int]]
    rules: list[tuple[str, str, int]]
    lanes: list[tuple[Any, ...]]
    pulled: list[tuple[str, int, int, int, int]]
    shops: Shops

    @property
    def filled(self) -> bool:
        """Whether the tables that consumers read have rows: those of recommendations, where orders came."""
        orders = self.shops.totals[0]
        return bool(self.shipments and self.events and self.lanes and (self.shops.serving or not orders))


def collect(run_ids: list[str]) -> Summary:
    """Reads the figures of these runs, and of the warehouse as a whole."""
    with warehouse.connect() as link, link.cursor() as cursor:

        def rows(name: str) -> list[tuple[Any, ...]]:
            cursor.execute(statement(f"summary/{name}"), {"runs": run_ids})
            return cursor.fetchall()

        (shipments, events) = rows("totals")[0]
        told = rows("shops")[0]
        totals = (told[0], told[1], told[2], told[3], told[4])
        shops = Shops(totals, rows("customer"), rows("together"), rows("serving"))
        return Summary(shipments, events, rows("loads"), rows("rules"), rows("lanes"), rows("pulled"), shops)


def show_first_ranges(console: Console) -> None:
    """Prints what can be promised already, while storefronts are still read."""
    with warehouse.connect() as link, link.cursor() as cursor:
        cursor.execute(statement("summary/lanes"))
        lanes = [f"{lane} {low} to {high}" for lane, _, _, _, low, _, high in cursor.fetchall()]
    if lanes:
        console.print(f"days that four in five deliveries take: {', '.join(lanes)}")


def show(console: Console, summary: Summary, outcome: Outcome, login: dict[str, str], url: str, sandbox: str) -> None:
    """Prints the summary."""
    console.rule("[bold]Lanecast")
    console.print(sandbox)
    if summary.pulled:
        table = _table("Asked the carriers", "carrier", "parcels", "answered", "not known yet", "failed")
        for row in summary.pulled:
            table.add_row(*_texts(row))
        console.print(table)
    table = _table(
        "Loaded: every row received is one of the three",
        "dataset",
        "from",
        "received",
        "loaded",
        "duplicate",
        "quarantined",
    )
    for load in summary.loads:
        table.add_row(*_texts(load))
    console.print(table)
    if summary.rules:
        table = _table("Quarantined, by rule", "dataset", "rule", "rows")
        for rule in summary.rules:
            table.add_row(*_texts(rule))
        console.print(table)
    table = _table(
        "How long delivery takes, order to door, in days",
        "lane",
        "parcels",
        "delivered",
        "under way",
        "10 %",
        "half",
        "90 %",
    )
    for lane in summary.lanes:
        table.add_row(*_texts(lane))
    console.print(table)
    console.print("[dim]From all parcels, those under way included; of those delivered within the horizon.[/dim]")
    _show_shops(console, summary.shops)
    table = _table("How long it took", "workflow", "step", "seconds")
    for dag, step, seconds in outcome.steps:
        table.add_row(dag, step, f"{seconds:.1f}")
    console.print(table)
    bold = "[bold]{:,}[/bold]".format
    console.print(f"In the warehouse: {bold(summary.shipments)} shipments, {bold(summary.events)} tracking events")
    orders, lines, customers, products, deeds = map(bold, summary.shops.totals)
    console.print(
        f"{orders} orders with {lines} lines, {customers} customers, {products} products, {deeds} views and carts"
    )
    user, password = login["username"], login["password"]
    console.print(f"Airflow: [bold]{url}[/bold]   user [bold]{user}[/bold]   password [bold]{password}[/bold]")


def _show_shops(console: Console, shops: Shops) -> None:
    if shops.serving:
        title = "Which models recommend, and how well (popularity in brackets)"
        table = _table(title, "list", "model", "recall@20", "NDCG@20", "customers")
        for slot, model, recall, popular_recall, ndcg, popular_ndcg, customers, _ in shops.serving:
            table.add_row(slot, model, _beside(recall, popular_recall), _beside(ndcg, popular_ndcg), f"{customers:,}")
        console.print(table)
        for slot, *_, why in shops.serving:
            console.print(f"[dim]{slot}: {why}[/dim]")
        console.print()
    if shops.customer:
        table = _table(f"Recommended to customer {shops.customer[0][0]}", "list", "rank", "product", "reason")
        for _, slot, rank, product, reason in shops.customer:
            table.add_row(slot, str(rank), product, reason or "")
        console.print(table)
    if shops.together:
        table = _table(f"Bought with {shops.together[0][0]}, the best-seller", "product", "rank", "lift", "reason")
        for _, product, rank, lift, reason in shops.together:
            table.add_row(product, str(rank), lift, reason)
        console.print(table)


def _table(title: str, first: str, *others: str) -> Table:
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD)
    table.add_column(first)
    for name in others:
        numeric = name not in {"from", "rule", "step", "model", "product", "reason"}
        table.add_column(name, justify="right" if numeric else "left")
    return table


def _beside(value: float | None, popular: float | None) -> str:
    """A figure and popularity's; nothing where too little is known to ask anybody."""
    return "" if value is None or popular is None else f"{value:.3f} ({popular:.3f})"


def _texts(row: tuple[Any, ...]) -> list[str]:
    return [f"{value:,}" if isinstance(value, int) else "" if value is None else str(value) for value in row]
