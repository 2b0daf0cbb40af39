"""How many calls the polling plan takes, and how late it learns of news, against asking for all every two hours.

Two weeks of the simulated world pass in ticks of a quarter of an hour, as the DAG runs. At each, the plan's own SQL
(enlist, request, replan, and the curves, once a day) says which parcels are asked for; what has happened to these by
then is told, and nothing else. The plan has learned from the journeys before. The flat schedule asks for the same
parcels, from the same moment on, until it has learned that they ended. News is what somebody waits for: delivered,
something gone wrong, customs. Its delay is the time from when it happened to when it was learned; news of the last day
is left out, for not all of it has been learned by the end.
"""

from __future__ import annotations

import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import psycopg2.extras
from psycopg2.extensions import cursor as Cursor
from rich import box
from rich.console import Console
from rich.table import Table

from lanecast.bench import warehouse as bench
from lanecast.follow import polling as plan
from lanecast.local.server import start_server
from lanecast.sandbox.description import read_description
from lanecast.sandbox.journey import MILESTONE_OF, Scan
from lanecast.sandbox.shipment import Shipment
from lanecast.sandbox.wire import code_and_text
from lanecast.sandbox.world import World
from lanecast.tracking import FINAL_MILESTONES, event_hash
from lanecast.warehouse import connection as warehouse
from lanecast.warehouse import migrations, runs
from lanecast.warehouse.statements import statement

TICK = 900
FLAT = 7200
SETTLING = 86400
"""News this close to the end is left out, for not all of it has been learned by then."""
START = datetime(2026, 5, 20, tzinfo=UTC)
CUSTOMS = frozenset(
    {"export_customs_started", "export_cleared", "import_customs_started", "customs_hold", "import_cleared"}
)
EXCEPTIONS = frozenset(
    {"available_for_pickup", "failed_attempt", "delayed", "damaged", "lost", "returning", "returned", "destroyed"}
)


@dataclass
class Method:
    """Calls, and per kind of news how many pieces were learned and how late, in hours."""

    calls: int = 0
    news: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    waited: dict[str, float] = field(default_factory=lambda: defaultdict(float))

    def learn(self, kind: str, seconds: float) -> None:
        """Notes one piece of news."""
        self.news[kind] += 1
        self.waited[kind] += seconds / 3600

    def mean_delay(self, kind: str | None = None) -> float:
        """Mean delay in hours, of one kind or of all."""
        kinds = [kind] if kind else list(self.news)
        count = sum(self.news[one] for one in kinds)
        return sum(self.waited[one] for one in kinds) / count if count else 0.0


@dataclass
class Figures:
    """What the benchmark found. `calls_vs_flat` compares the calls as made; `calls_vs_flat_at_equal_delay` those of a
    flat schedule that would learn of news as late as the plan does (its calls fall as its delay grows)."""

    parcels: int
    days: float
    planned_calls: int
    flat_calls: int
    planned_delay_hours: float
    flat_delay_hours: float
    calls_vs_flat: float
    calls_vs_flat_at_equal_delay: float
    planned_delay_by_news: dict[str, float]
    flat_delay_by_news: dict[str, float]
    news: dict[str, int]


def as_dict(figures: Figures) -> dict[str, Any]:
    """The figures as plain values."""
    return asdict(figures)


def show(figures: Figures) -> None:
    """Prints both schedules side by side."""
    table = Table(
        title=f"{figures.parcels:,} parcels over {figures.days:g} days", title_justify="left", box=box.SIMPLE_HEAD
    )
    for name in ("", "calls", "mean delay", *(f"{kind} ({count:,})" for kind, count in figures.news.items())):
        table.add_column(name, justify="left" if not name else "right")
    for name, calls, delay, by_news in (
        ("every two hours", figures.flat_calls, figures.flat_delay_hours, figures.flat_delay_by_news),
        ("as planned", figures.planned_calls, figures.planned_delay_hours, figures.planned_delay_by_news),
    ):
        table.add_row(name, f"{calls:,}", f"{delay:.2f} h", *(f"{by_news[kind]:.2f} h" for kind in figures.news))
    console = Console(highlight=False)
    console.print(table)
    console.print(f"calls as planned / every two hours: [bold]{figures.calls_vs_flat}[/bold]")
    console.print(f"the same at equal mean delay: [bold]{figures.calls_vs_flat_at_equal_delay}[/bold]")


def kind_of(milestone: str) -> str | None:
    """Which kind of news a milestone is, if it is any."""
    if milestone in CUSTOMS:
        return "customs"
    if milestone in EXCEPTIONS:
        return "exception"
    return "delivered" if milestone == "delivered" else None


def polling(
    days: float = 14, per_day: float = 60, history_days: int = 90, say: Callable[[str], None] = lambda _: None
) -> Figures:
    """Runs the benchmark on a server of its own in a temporary folder."""
    described = read_description()
    description = msgspec.structs.replace(
        described, orders=msgspec.structs.replace(described.orders, per_day=per_day), history_days=history_days
    )
    world = World(description, START, seed=11)
    with tempfile.TemporaryDirectory(prefix="lanecast-bench-") as folder:
        server = start_server(Path(folder))
        try:
            migrations.migrate(server.dsn())
            return _compare(world, server.dsn(), days, say)
        finally:
            server.stop()


def _compare(world: World, address: str, days: float, say: Callable[[str], None]) -> Figures:
    start, end = int(START.timestamp()), int((START + timedelta(days=days)).timestamp())
    shipments = [*world.history(), *world.ordered_between(START, START + timedelta(days=days))]
    followed = [one for one in shipments if one.finished_at > start]
    say(f"{len(shipments) - len(followed):,} journeys of the past, {len(followed):,} parcels to follow")
    planned, flat = Method(), Method()
    settled = end - SETTLING
    for shipment in followed:
        _ask_flat(shipment, start, end, settled, flat)
    played = _Played(address, shipments, settled)
    played.register([one for one in shipments if one.ordered_at <= start], start)
    played.reveal([one for one in shipments if one.finished_at <= start], start)
    bench.settle(address)
    waiting = sorted((one for one in followed if one.ordered_at > start), key=lambda one: one.ordered_at)
    for number, now in enumerate(range(start, end + 1, TICK)):
        fresh = []
        while waiting and waiting[0].ordered_at <= now:
            fresh.append(waiting.pop(0))
        planned.calls += played.tick(number, now, fresh, planned, first=number == 0)
        if now % 86400 == 0:
            say(
                f"day {(now - start) // 86400}: {planned.calls:,} calls, mean delay {planned.mean_delay():.2f} h "
                f"(every two hours, all days: {flat.calls:,}, {flat.mean_delay():.2f} h)"
            )
    kinds = ("delivered", "exception", "customs")
    return Figures(
        parcels=len(followed),
        days=days,
        planned_calls=planned.calls,
        flat_calls=flat.calls,
        planned_delay_hours=round(planned.mean_delay(), 3),
        flat_delay_hours=round(flat.mean_delay(), 3),
        calls_vs_flat=round(planned.calls / flat.calls, 3),
        calls_vs_flat_at_equal_delay=round(planned.calls * planned.mean_delay() / (flat.calls * flat.mean_delay()), 3),
        planned_delay_by_news={kind: round(planned.mean_delay(kind), 3) for kind in kinds},
        flat_delay_by_news={kind: round(flat.mean_delay(kind), 3) for kind in kinds},
        news={kind: planned.news[kind] for kind in kinds},
    )


def _ask_flat(shipment: Shipment, start: int, end: int, settled: int, flat: Method) -> None:
    """A parcel asked for every two hours, each at its own quarter of an hour, until its end is learned."""
    first = max(start, -(-shipment.ordered_at // TICK) * TICK)
    known = first if first == start else 0
    at = first
    while at <= end:
        flat.calls += 1
        for scan in shipment.scans:
            if known < scan.instant <= min(at, settled) and (kind := kind_of(MILESTONE_OF[scan.kind])):
                flat.learn(kind, at - scan.instant)
        known = at
        if shipment.finished_at <= at:
            return
        # The second call falls on the parcel's own quarter of an hour, so that not all are asked for at once.
        at += FLAT if at > first else (1 + shipment.index % 8) * TICK


class _Played:
    """The warehouse, told of the world's parcels only what was asked for."""

    def __init__(self, address: str, shipments: Iterable[Shipment], settled: int) -> None:
        self._address = address
        self._settled = settled
        self._by_number = {(one.carrier, one.number): one for one in shipments}
        self._ids: dict[tuple[str, str], int] = {}
        self._told: dict[tuple[str, str], int] = {}

    def register(self, shipments: list[Shipment], now: int) -> None:
        """Enters shipments as the shop tells of them."""
        if not shipments:
            return
        with warehouse.connect(address=self._address) as link, link.cursor() as cursor:
            self._register(cursor, shipments, now)

    def _register(self, cursor: Cursor, shipments: list[Shipment], now: int) -> None:
        psycopg2.extras.execute_values(
            cursor,
            "INSERT INTO core.shipment_number (carrier, tracking_number, epoch, opened_at) VALUES %s "
            "RETURNING carrier, tracking_number, shipment_id",
            [(one.carrier, one.number, 1, _moment(one.ordered_at)) for one in shipments],
            page_size=100_000,
        )
        self._ids |= {(carrier, number): shipment_id for carrier, number, shipment_id in cursor.fetchall()}
        psycopg2.extras.execute_values(
            cursor,
            "INSERT INTO core.shipment (shipment_id, carrier, tracking_number, epoch, service, origin_country, "
            "destination_country, ordered_at, run_id, ingested_at, changed_at) VALUES %s",
            [
                (
                    *(self._ids[one.carrier, one.number], one.carrier, one.number, 1, one.service, one.origin.country),
                    *(one.destination.country, _moment(one.ordered_at), "bench", _moment(now), _moment(now)),
                )
                for one in shipments
            ],
            page_size=100_000,
        )

    def reveal(self, shipments: list[Shipment], now: int) -> None:
        """Tells all that has happened to these by now."""
        with warehouse.connect(address=self._address) as link, link.cursor() as cursor:
            scans = [(one, scan) for one in shipments for scan in one.scans if scan.instant <= now]
            first, last = (edge(scan.instant for _, scan in scans) for edge in (min, max))
            cursor.execute(
                "SELECT ops.ensure_event_partitions(%s::timestamp, %s::timestamp)",
                (_moment(first), _moment(last + 90 * 86400)),
            )
            self._tell(cursor, scans, 0, now)

    def tick(self, number: int, now: int, fresh: list[Shipment], planned: Method, first: bool) -> int:
        """One run of the plan at a moment; returns the calls made."""
        as_of = _moment(now)
        with warehouse.connect(as_of=as_of, address=self._address) as link, link.cursor() as cursor:
            run = runs.open_run(link, f"tick-{number}", "pull", "tracking_event", as_of=as_of)
            if fresh:
                self._register(cursor, fresh, now)
            plan.refresh_curves(cursor, as_of)
            carriers = sorted({carrier for carrier, _ in self._ids})
            values = {
                **{"run_id": run.run_id, "as_of": as_of, "carriers": carriers, "sources": carriers, "asked": carriers},
                **{"for_others": None, "carrier": None, "only_source": None, "numbers": None, "force": False},
                "silence": plan.SILENCE,
                **{"shard_sizes": [1_000_000] * len(carriers), "most": [1_000_000] * len(carriers)},
            }
            cursor.execute(statement("follow/enlist"), values)
            cursor.execute(statement("follow/request"), values)
            cursor.execute("SELECT carrier, tracking_number FROM ops.poll_request WHERE run_id = %s", (run.run_id,))
            asked = cursor.fetchall()
            told = []
            outcomes: dict[str, list[int]] = {"answered": [], "not_found": []}
            for key in asked:
                shipment = self._by_number[key]
                known = self._told.get(key, 0)
                news = [scan for scan in shipment.scans if known < scan.instant <= now]
                told += [(shipment, scan) for scan in news]
                self._told[key] = now
                if not first:  # what happened before the start was waiting for both schedules
                    for scan in news:
                        if scan.instant <= self._settled and (kind := kind_of(MILESTONE_OF[scan.kind])):
                            planned.learn(kind, now - scan.instant)
                seen = shipment.scans[0].instant <= now
                outcomes["answered" if seen else "not_found"].append(self._ids[key])
            for outcome, found in outcomes.items():
                cursor.execute(
                    "UPDATE ops.poll_request SET outcome = %s WHERE run_id = %s AND shipment_id = ANY(%s)",
                    (outcome, run.run_id, found),
                )
            self._tell(cursor, told, run.number, now)
            plan.replan(cursor, run)
            cursor.execute("DELETE FROM ops.poll_request WHERE run_id = %s", (run.run_id,))
        return len(asked)

    def _tell(self, cursor: Cursor, scans: list[tuple[Shipment, Scan]], run_number: int, now: int) -> None:
        if not scans:
            return
        told = []
        for shipment, scan in scans:
            offset = scan.place.zone.offset(scan.instant)
            code, text = code_and_text(shipment.carrier, scan)
            told.append(
                (
                    self._ids[shipment.carrier, shipment.number],
                    _moment(scan.instant + offset).replace(tzinfo=None, second=0),
                    event_hash(shipment.carrier, code, text),
                    *(shipment.carrier, code, text, _moment(scan.instant), offset // 60, "offset"),
                    *(MILESTONE_OF[scan.kind], scan.place.country, run_number, _moment(now)),
                )
            )
        psycopg2.extras.execute_values(
            cursor,
            "INSERT INTO core.tracking_event (shipment_id, reported_at, event_hash, source, code, description, "
            "occurred_at, utc_offset_minutes, tz_known, milestone, country, run_number, ingested_at) VALUES %s",
            told,
            page_size=100_000,
        )
        cursor.execute(
            "UPDATE core.shipment_number AS known SET first_event_at = told.first_at, last_event_at = told.last_at, "
            "finished_at = told.finished_at FROM (SELECT shipment_id, min(occurred_at) AS first_at, "
            "max(occurred_at) AS last_at, max(occurred_at) FILTER (WHERE milestone = ANY(%s)) AS finished_at "
            "FROM core.tracking_event WHERE shipment_id = ANY(%s) GROUP BY shipment_id) AS told "
            "WHERE known.shipment_id = told.shipment_id",
            (sorted(FINAL_MILESTONES), list({row[0] for row in told})),
        )


def _moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
