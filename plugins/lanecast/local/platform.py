"""`lanecast up`: the platform, the main job, what came out of it, and then serving."""

from __future__ import annotations

import os
import threading
from datetime import datetime
from pathlib import Path

import psycopg2
from rich.console import Console

from lanecast import connections, settings
from lanecast.carriers import registry
from lanecast.local import main_job, summary
from lanecast.local.api import ApiError
from lanecast.local.control import AlreadyRunning
from lanecast.local.host import HostError
from lanecast.local.parts import PartError
from lanecast.local.postgres import PostgresError
from lanecast.local.sandbox import World
from lanecast.local.session import VARIABLE
from lanecast.local.supervisor import Stopped, Supervisor
from lanecast.sandbox.description import read_description
from lanecast.warehouse import clock, migrations
from lanecast.warehouse.connection import NoWarehouse


def up(once: bool, world: Path | None, seed: int | None) -> int:
    """Starts everything, runs the main job and prints its summary; serves until a signal, unless `once`.

    Returns the exit code: 0 where every DAG run succeeded and the tables are filled (and, when serving, a signal
    ended it), 1 where not, 2 where the platform could not be started.
    """
    console = Console(highlight=False)
    chosen = World(world, seed)
    try:
        return _up(console, once, chosen)
    except Stopped:
        console.print("ended")
        return 0 if not once else 1
    except (AlreadyRunning, PartError, PostgresError, HostError, ApiError, NoWarehouse, psycopg2.Error) as error:
        Console(stderr=True, highlight=False).print(f"[bold red]{error}", soft_wrap=True)
        return 2


def _up(console: Console, once: bool, world: World) -> int:
    state = settings.state()
    exports = state / "sandbox" / world.fingerprint()
    fetched = threading.Event()
    sandbox_is_used = _uses_sandbox()

    def on_clock(start: datetime, anchor: datetime, speed: float) -> None:
        clock.set_clock(start, anchor, speed, platform.postgres.dsn())
        url = platform.sandbox_url
        if url is not None:

            def fetch() -> None:
                try:
                    main_job.fetch_history(url, exports)
                finally:
                    fetched.set()

            threading.Thread(target=fetch, daemon=True, name="history export").start()

    def prepare(address: str) -> None:
        migrations.migrate(address)
        if not sandbox_is_used:
            clock.clear_clock(address)

    platform = Supervisor(
        world=world,
        with_sandbox=sandbox_is_used,
        prepare_warehouse=prepare,
        on_clock=on_clock,
        progress=console.print,
    )
    with platform:
        os.environ[VARIABLE] = platform.postgres.dsn()
        if platform.sandbox_url:
            os.environ["LANECAST_SANDBOX_URL"] = platform.sandbox_url

        def history() -> dict[str, Path]:
            fetched.wait(180)
            assert platform.sandbox_url is not None
            return main_job.fetch_history(platform.sandbox_url, exports)

        outcome = main_job.run(
            platform.api,
            history if platform.sandbox_url else None,
            console.print,
            lambda: summary.show_first_ranges(console),
        )
        run_ids = [f"{dag}:{run_id}" for dag, run_id, _ in outcome.runs]
        figures = summary.collect(run_ids)
        summary.show(console, figures, outcome, platform.login, platform.url, _sandbox_notice(platform, world))
        for dag, run_id, run_state in outcome.runs:
            if run_state != "success":
                console.print(f"[bold red]{dag} {run_id} ended as {run_state}: see its log at {platform.url}")
        worked = outcome.succeeded and figures.filled
        console.print(f"main job: {outcome.seconds:.1f} s, {'all of it worked' if worked else 'NOT all of it worked'}")
        if once:
            return 0 if worked else 1
        console.print("serving until Ctrl-C")
        platform.wait()
        console.print("ending")
    return 0


def _uses_sandbox() -> bool:
    """The sandbox plays the carriers as long as the environment names no account of one's own with any of them."""
    return not any(connections.get(f"lanecast_{name}") for name in registry.names())


def _sandbox_notice(platform: Supervisor, world: World) -> str:
    """Which carriers are stand-ins, by the connections of the environment and of Airflow's pages."""
    with platform.api() as api:
        made = api.connections()
    own = [name for name in registry.names() if f"lanecast_{name}" in made or connections.get(f"lanecast_{name}")]
    if platform.sandbox_url is None:
        return f"Your own accounts: {', '.join(own)}."
    stand_ins = [name for name in read_description(world.file).carriers if name not in own]
    real = f" Your own accounts: {', '.join(own)}." if own else ""
    return (
        f"[bold yellow]SANDBOX:[/bold yellow] {', '.join(stand_ins)} are stand-ins at {platform.sandbox_url} with a "
        f"simulated world; no real parcel was asked for.{real}\n"
        "A connection lanecast_<carrier> with your credentials replaces them; `lanecast carrier list` names all."
    )
