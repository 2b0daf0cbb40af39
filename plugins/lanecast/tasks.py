"""What the DAGs' tasks do: the step between Airflow's context and the package. Imports without Airflow.

A task gets the DAG run's context as a mapping; all that lasts between tasks lies in the warehouse, under the run's id.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from lanecast import pipeline
from lanecast.carriers.accounts import NoAccountError
from lanecast.customers.keys import CustomerKeyError
from lanecast.delivery import refresh as delivery
from lanecast.files.errors import FileError
from lanecast.follow import due
from lanecast.follow import pull as pulling
from lanecast.follow.due import Shard
from lanecast.warehouse import connection as warehouse
from lanecast.warehouse import migrations, runs
from lanecast.warehouse.runs import Run

log = logging.getLogger(__name__)

Context = Mapping[str, Any]


class RunRefused(ValueError):
    """The run asks for what its DAG can't do; trying again would not help."""


def run_id(context: Context) -> str:
    """The ledger's id of a DAG run: unique over all DAGs."""
    return ledger_id(context["dag"].dag_id, context["run_id"])


def ledger_id(dag_id: str, dag_run_id: str, source: object = None) -> str:
    """The ledger's id of the run of a DAG that Airflow calls `dag_run_id`, or of that of one storefront in it."""
    run_of_all = f"{dag_id}:{dag_run_id}"
    return f"{run_of_all}/{source}" if isinstance(source, str) else run_of_all


def refuse_backfill(context: Context) -> None:
    """Raises RunRefused for a backfill: tracking data is pulled as it stands now, whatever the interval."""
    if str(context["dag_run"].run_type).rpartition(".")[2].lower().startswith("backfill"):
        raise RunRefused(
            f"{context['dag'].dag_id} pulls what is due now and can't be backfilled: carriers answer with the present. "
            "Load the past from files with the DAG history_import or `lanecast import`"
        )


def find_due(context: Context) -> list[dict[str, str | int]]:
    """Brings the schema up to date, opens the run and divides what is due into shards."""
    refuse_backfill(context)
    migrations.migrate()
    params = context["params"]
    with warehouse.connect() as link:
        run = runs.open_run(link, run_id(context), "pull", "tracking_event", "carriers", params=dict(params))
    try:
        shards = due.plan(run, params["carrier"], params["tracking_numbers"], params["force"], params["source"])
    except (ValueError, NoAccountError) as refused:
        raise RunRefused(str(refused)) from None
    log.info("%s parcels are due, in %s shards", sum(shard.parcels for shard in shards), len(shards))
    if not shards:
        with warehouse.connect() as link:
            runs.finish(link, run.run_id, "loaded")
    return [shard.as_dict() for shard in shards]


def pull(shard: dict[str, Any], context: Context) -> dict[str, int]:
    """Pulls one shard; returns the number of answers by HTTP status."""
    with runs.step(run_id(context), f"pull {shard['source']} {shard['shard']}"):
        return pulling.pull(Shard(**shard), attempt=context["ti"].try_number)


def stage(context: Context) -> dict[str, int]:
    """Fills the run's staging tables; returns the rows received per dataset."""
    return pipeline.stage(pipeline.find_run(run_id(context)))


def validate(context: Context) -> None:
    """Holds the staged rows against their contracts."""
    pipeline.judge(pipeline.find_run(run_id(context)))


def load(context: Context) -> list[dict[str, Any]]:
    """Carries out the verdict; returns the reconciliations."""
    return [asdict(result) for result in pipeline.load(pipeline.find_run(run_id(context)))]


def find_storefronts(context: Context) -> list[str]:
    """Brings the schema up to date and opens a run for each source that can be asked; returns the sources' names."""
    from lanecast.storefronts import runs as storefronts
    from lanecast.storefronts.config import ConfigError

    refuse_backfill(context)
    migrations.migrate()
    params = context["params"]
    try:
        opened = storefronts.open_runs(run_id(context), params["source"], params["full"])
    except (ConfigError, storefronts.NothingToRead) as refused:
        raise RunRefused(str(refused)) from None
    return [str(run.source) for run in opened]


def storefront_run(source: str, context: Context) -> Run:
    """The run of one source."""
    return pipeline.find_run(ledger_id(context["dag"].dag_id, context["run_id"], source))


def pull_storefront(source: str, context: Context) -> dict[str, int]:
    """Reads a source; returns how many records came of each stream."""
    from lanecast.storefronts import pull as storefronts

    run = storefront_run(source, context)
    with runs.step(run.run_id, "pull"):
        task = context["ti"]
        return storefronts.pull(run, attempt=task.try_number, is_last=task.try_number > task.max_tries)


def judge_storefront(source: str, context: Context) -> dict[str, int]:
    """Fills a source's staging tables and holds the rows against their contracts; returns the rows per dataset."""
    run = storefront_run(source, context)
    staged = pipeline.stage(run)
    pipeline.judge(run)
    return staged


def load_storefront(source: str, context: Context) -> list[dict[str, Any]]:
    """Carries out the verdict on a source's rows, and moves its watermarks."""
    loaded = [asdict(result) for result in pipeline.load(storefront_run(source, context))]
    report(loaded)
    return loaded


def confirm_storefront(source: str, context: Context) -> None:
    """Fails where a stream of a source could not be read, now that the others are loaded."""
    from lanecast.storefronts import pull as storefronts

    run = storefront_run(source, context)
    with runs.step(run.run_id, "confirm"):
        storefronts.confirm(run)


def are_loaded(dataset: str, loaded: list[dict[str, Any]]) -> bool:
    """Whether any row of a dataset was new or changed."""
    return any(result["dataset"] == dataset and result["loaded"] for result in loaded)


def report(loaded: list[dict[str, Any]]) -> None:
    """Logs what became of the rows."""
    for result in loaded:
        log.info(
            "%(dataset)s: %(received)s received = %(loaded)s loaded + %(duplicate)s duplicate + "
            "%(quarantined)s quarantined",
            result,
        )


def open_import(context: Context) -> None:
    """Brings the schema up to date and opens the run of an import; refuses a file that can't be one."""
    refuse_backfill(context)
    migrations.migrate()
    params = context["params"]
    try:
        pipeline.open_import(run_id(context), params["dataset"], params["path"], params["mapping"])
    except (FileError, CustomerKeyError, OSError) as refused:
        raise RunRefused(str(refused)) from None


def open_quarantine_replay(context: Context) -> None:
    """Brings the schema up to date and opens the run of a replay; refuses rows, patches or rules that can't be used."""
    from lanecast.quarantine.errors import QuarantineError
    from lanecast.quarantine.selection import Selection, open_replay

    refuse_backfill(context)
    migrations.migrate()
    params = context["params"]
    selection = Selection(
        tuple(params["ids"] or ()),
        params["dataset"],
        params["rule"],
        params["run"],
        params["origin"],
        params["patch"],
        tuple(params["waive"]),
    )
    try:
        open_replay(run_id(context), selection)
    except QuarantineError as refused:
        raise RunRefused(str(refused)) from None


def load_quarantine_replay(context: Context) -> list[dict[str, Any]]:
    """Carries the replay out. A dry run logs what would become of the rows, leaves nothing of it and is skipped."""
    from lanecast.quarantine import replay

    if not context["params"]["dry_run"]:
        return load(context)
    from airflow.sdk.exceptions import AirflowSkipException

    try:
        run = pipeline.find_run(run_id(context))
    except LookupError:
        log.info("the dry run was told by an earlier attempt")
    else:
        log.info("a dry run, nothing is changed: %s", replay.outlook(run).as_dict())
        replay.forget(run)
    raise AirflowSkipException("a dry run loads nothing")  # skipped, no asset is told to have changed


def refresh_delivery_time(context: Context) -> dict[str, Any]:
    """Refreshes the marts: statuses of the shipments that changed, and with them the curves of all lanes.

    A run that an asset started is skipped while another load is under way: that one starts the next as it ends, and one
    refresh of both costs little more than one of each.
    """
    from lanecast import marts

    migrations.migrate()
    by_asset = str(context["dag_run"].run_type).rpartition(".")[2].lower().startswith("asset")
    if by_asset and delivery.is_load_to_come():
        from airflow.sdk.exceptions import AirflowSkipException

        raise AirflowSkipException("another load is under way: its end starts the refresh")
    return asdict(marts.refresh_delivery())


def train_delivery_model(context: Context) -> dict[str, Any]:
    """Trains and compares; returns the version, what became of it and why. A run that is to restore a version names it.

    Where nothing became known since the last training, the run is skipped, unless it is forced.
    """
    refuse_backfill(context)
    migrations.migrate()
    params = context["params"]
    if params["restore"] is not None:
        return {"version": params["restore"], "status": "trained", "reason": "restored"}
    from lanecast.delivery import training
    from lanecast.delivery.learned import store

    if not params["force"] and not store.is_anything_new():
        from airflow.sdk.exceptions import AirflowSkipException

        raise AirflowSkipException("nothing became known since the last training")
    trained = training.train()
    return {"version": trained.version, "status": trained.status, "reason": trained.reason}


def publish_delivery_model(trained: Mapping[str, Any]) -> dict[str, Any]:
    """Puts a version in use, or leaves the life table to serve alone; returns what serves."""
    from lanecast.delivery import training
    from lanecast.delivery.learned.store import NoVersion

    try:
        published = training.follow(trained["version"], trained["status"], trained["reason"])
    except NoVersion as refused:
        raise RunRefused(str(refused)) from None
    return {"version": None} if published is None else asdict(published)


def score_open_shipments() -> dict[str, Any]:
    """Gives open shipments curves by their own features, where the version of the model in use says so."""
    from lanecast.delivery.learned import own

    return asdict(own.refresh())


def keep_promises() -> dict[str, Any]:
    """Issues promises for open shipments without one, and settles those that have matured."""
    from lanecast.delivery import promises

    return promises.as_dict(promises.keep())


def refresh_under_way() -> dict[str, Any]:
    """Brings the rest of the way of every open shipment, and the disruption radar, up to date."""
    from lanecast.under_way import refreshing

    return asdict(refreshing.refresh())


def train_recommendations(context: Context) -> dict[str, Any]:
    """Reads, judges, learns and keeps a run that is not in use yet; returns its version and why what serves does. A run
    that is to restore another names that one.

    Skipped where nothing came since the run in use, unless it is forced, and where nothing is there at all.
    """
    refuse_backfill(context)
    migrations.migrate()
    params = context["params"]
    from airflow.sdk.exceptions import AirflowSkipException

    from lanecast.recommend import store, training

    if params["restore"] is not None:
        try:
            return {"version": store.one(params["restore"]), "reason": "restored"}
        except store.NoRun as refused:
            raise RunRefused(str(refused)) from None
    if not params["force"] and not store.is_anything_new():
        raise AirflowSkipException("nothing was loaded, and nobody erased, since the run in use")
    try:
        trained = training.train(run_id=run_id(context))
    except training.NothingToLearnFrom as nothing:
        raise AirflowSkipException(str(nothing)) from None
    return {"version": trained.version, "reason": trained.reason}


def publish_recommendations(trained: Mapping[str, Any]) -> dict[str, Any]:
    """Puts a run in use; returns its version."""
    from lanecast.recommend import training
    from lanecast.recommend.store import NoRun

    try:
        return {"version": training.publish(trained["version"])}
    except NoRun as refused:
        raise RunRefused(str(refused)) from None


def watch(context: Context) -> dict[str, int]:
    """Holds the warehouse against its contracts, raises and resolves alerts, and tells them; returns those seen."""
    from lanecast.alerts import telling
    from lanecast.contracts import watch as watching

    migrations.migrate()
    seen = watching.watch(run_id(context))
    log.info("alerts told: %s", telling.tell())
    return seen


def refresh_delivery_experience() -> dict[str, Any]:
    """Works out what customers experienced of delivery and did after it, where that is due."""
    from lanecast.customers import experience

    return asdict(experience.refresh(at_once=False))


def erase_customers(context: Context) -> dict[str, int]:
    """Erases the customers of these keys; returns rows by table. A dry run logs what would go, and is skipped."""
    from lanecast.customers import erasure

    refuse_backfill(context)
    migrations.migrate()
    params = context["params"]
    try:
        erased = erasure.erase(params["keys"], params["dry_run"])
    except erasure.ErasureError as refused:
        raise RunRefused(str(refused)) from None
    for line in erasure.lines(erased):
        log.info(line)
    if not erased.is_dry_run:
        return erased.rows
    from airflow.sdk.exceptions import AirflowSkipException

    raise AirflowSkipException("a dry run erases nothing")  # skipped, no asset is told to have changed


def maintain() -> dict[str, int]:
    """Drops staging leftovers, applies the retention settings, makes partitions ahead; returns counts."""
    from lanecast.warehouse import maintenance

    migrations.migrate()
    return maintenance.maintain()
