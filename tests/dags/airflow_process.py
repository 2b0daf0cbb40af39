"""A process that has Airflow and runs DAGs by `dag.test()`: JSON lines in, JSON lines out. Run by tests/dags.

Airflow reads its settings when it is imported, so it is imported here and not in the tests' own process.
"""

from __future__ import annotations

import json
import os
import sys
from collections import Counter
from datetime import timedelta
from typing import Any


class Watch:
    """Notes what importing a DAG file touches, as an audit hook: addresses, databases, processes."""

    EVENTS = ("socket.connect", "socket.getaddrinfo", "socket.bind", "sqlite3.connect", "subprocess.Popen", "os.system")

    def __init__(self) -> None:
        self.on = False
        self.seen: list[str] = []
        sys.addaudithook(self._hear)

    def _hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        if self.on and event in self.EVENTS:
            self.seen.append(f"{event} {arguments[1:]!r}"[:200])


def main() -> None:
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what Airflow prints is no answer
    watch = Watch()
    from airflow.utils import db

    db.initdb()
    files = describe_files(watch)
    for line in sys.stdin:
        order = json.loads(line)
        os.environ.update(order.get("environment", {}))
        try:
            # Loaded anew for each run, as a worker does: a run leaves its params in the DAG object.
            told = {"files": files, "dags": describe(load())} if order["do"] == "describe" else DOES[order["do"]](order)
        except Exception as error:
            told = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(told, default=str), file=answers, flush=True)


def load() -> dict[str, Any]:
    from airflow.dag_processing.dagbag import DagBag

    bag = DagBag(os.environ["AIRFLOW__CORE__DAGS_FOLDER"])
    assert not bag.import_errors, bag.import_errors
    return dict(bag.dags)


def describe_files(watch: Watch) -> dict[str, Any]:
    """Every DAG file: the error its import raises, if any, and what it touched."""
    import runpy
    from pathlib import Path

    import airflow.sdk
    import psycopg2

    def refuse(*arguments: object, **settings: object) -> None:
        raise AssertionError("a DAG file connects to a database when it is imported")

    connect, psycopg2.connect = psycopg2.connect, refuse
    told = {}
    _ = airflow.sdk.DAG, airflow.sdk.Asset, airflow.sdk.task  # Airflow's own lazy imports are not the files' doing
    for path in sorted(Path(os.environ["AIRFLOW__CORE__DAGS_FOLDER"]).glob("*.py")):
        watch.seen, watch.on, error = [], True, None
        try:
            runpy.run_path(str(path))
        except Exception as raised:
            error = repr(raised)
        watch.on = False
        told[path.name] = {"error": error, "touched": watch.seen}
    psycopg2.connect = connect
    return told


def describe(dags: dict[str, Any]) -> dict[str, Any]:
    return {
        dag_id: {
            "owner": dag.owner,
            "doc_md": dag.doc_md,
            "tags": sorted(dag.tags),
            "start_date": dag.start_date,
            "catchup": dag.catchup,
            "max_active_runs": dag.max_active_runs,
            "schedule": schedule(dag.schedule),
            "params": {name: dag.params.get_param(name).schema for name in dag.params},
            "tasks": [describe_task(task) for task in dag.tasks],
        }
        for dag_id, dag in dags.items()
    }


def schedule(told: Any) -> Any:
    if hasattr(told, "objects"):
        return {type(told).__name__: sorted(asset.uri for asset in told.objects)}
    return told if told is None else str(told)


def describe_task(task: Any) -> dict[str, Any]:
    told = task.partial_kwargs if task.is_mapped else {}
    return {
        "id": task.task_id,
        "after": sorted(task.upstream_task_ids),
        "doc": task.doc_md or getattr(getattr(task, "python_callable", None), "__doc__", None),
        "owner": task.owner,
        "retries": task.retries,
        "timeout": task.execution_timeout.total_seconds() if task.execution_timeout else None,
        "is_mapped": task.is_mapped,
        "mapped_at_once": task.max_active_tis_per_dagrun,
        "outlets": sorted(getattr(outlet, "uri", outlet.name) for outlet in task.outlets),
        **{name: list(told[name] if task.is_mapped else getattr(task, name)) for name in ("reads", "writes")},
    }


def miss_deadline(order: dict[str, Any]) -> dict[str, Any]:
    """A queued run of a DAG misses its deadline: what the scheduler does then, and the triggerer after it."""
    import asyncio

    from airflow.models import DagRun
    from airflow.models.deadline import Deadline
    from airflow.models.serialized_dag import SerializedDagModel
    from airflow.sdk.timezone import utcnow
    from airflow.triggers.callback import CallbackTrigger
    from airflow.utils.session import create_session
    from airflow.utils.state import DagRunState
    from airflow.utils.types import DagRunTriggeredByType, DagRunType

    run(order)  # stores the DAGs, and with them the terms of their deadlines
    dag = load()[order["dag"]]
    with create_session() as session:
        stored = SerializedDagModel.get_dag(dag.dag_id, session=session)
        made = stored.create_dagrun(
            run_id="late",
            run_after=utcnow(),
            run_type=DagRunType.MANUAL,
            triggered_by=DagRunTriggeredByType.TEST,
            state=DagRunState.QUEUED,
            session=session,
        )
        session.flush()
        (deadline,) = session.query(Deadline).filter(Deadline.dagrun_id == made.id).all()
        allowed = (deadline.deadline_time - made.queued_at).total_seconds()
        deadline.handle_miss(session)
        session.flush()
        trigger = deadline.callback.trigger
        class_path, kwargs = trigger.classpath, dict(trigger.kwargs)
        session.query(DagRun).filter(DagRun.id == made.id).update({"state": DagRunState.FAILED})

    async def triggered() -> list[Any]:
        return [event.payload async for event in CallbackTrigger(**kwargs).run()]

    return {"allowed": allowed, "trigger": class_path, "events": asyncio.run(triggered())}


def run(order: dict[str, Any]) -> dict[str, Any]:
    """Runs a DAG; every task with its states, tries and the exceptions that its tries raised."""
    import airflow.models.dagrun as models
    from airflow.sdk.execution_time import task_runner

    dag = load()[order["dag"]]
    impatient(dag)
    raised: list[dict[str, Any]] = []
    original = task_runner._execute_task

    def execute(context: Any, ti: Any, log: Any) -> Any:
        try:
            return original(context, ti, log)
        except BaseException as error:
            raised.append({"task": ti.task_id, "error": type(error).__name__, "message": str(error)})
            raise

    get_or_create = models.get_or_create_dagrun

    def as_backfill(**told: Any) -> Any:
        made = get_or_create(**told)
        if order.get("backfill"):
            made.run_type = "backfill"
            told["session"].commit()
        return made

    task_runner._execute_task, models.get_or_create_dagrun = execute, as_backfill
    try:
        done = dag.test(run_conf=order.get("conf") or {})
    finally:
        task_runner._execute_task, models.get_or_create_dagrun = original, get_or_create
    tasks = [
        {"id": ti.task_id, "map_index": ti.map_index, "state": ti.state, "tries": ti.try_number}
        for ti in done.get_task_instances()
    ]
    return {
        "state": str(done.state),
        "run_id": f"{dag.dag_id}:{done.run_id}",
        "tasks": tasks,
        "raised": raised,
        "mapped": Counter(task["id"] for task in tasks if task["map_index"] >= 0),
        "queued": queued(),
        "links": links(dag, done),
    }


def links(dag: Any, done: Any) -> dict[str, dict[str, str]]:
    """By task: its links as Airflow's pages get them, from the DAG as stored and from what the task left."""
    from airflow.serialization.serialized_objects import DagSerialization

    stored = DagSerialization.from_dict(DagSerialization.to_dict(dag))
    found = {}
    for ti in done.get_task_instances():
        task = stored.get_task(ti.task_id)
        found[ti.task_id] = {name: task.get_extra_links(ti, name) for name in task.extra_links}
    return found


def queued() -> list[str]:
    """The DAGs that an asset event has called since the last run; forgotten then."""
    from airflow.models.asset import AssetDagRunQueue
    from airflow.utils.session import create_session

    with create_session() as session:
        found = session.query(AssetDagRunQueue).all()
        dag_ids = sorted({row.target_dag_id for row in found})
        for row in found:
            session.delete(row)
    return dag_ids


def impatient(dag: Any) -> None:
    """Retries come at once: how long they wait is Airflow's business."""
    for task in dag.tasks:
        if task.is_mapped:
            task.partial_kwargs |= {"retry_delay": timedelta(0), "retry_exponential_backoff": 0}
        else:
            task.retry_delay, task.retry_exponential_backoff = timedelta(0), 0


DOES = {"run": run, "miss_deadline": miss_deadline}

if __name__ == "__main__":
    main()
