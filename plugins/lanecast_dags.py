"""What all DAG files share: default arguments, the retry policy, the assets that join them, and their tasks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from functools import wraps
from typing import Any, ClassVar
from urllib.parse import urlencode

from airflow.providers.standard.operators.python import PythonOperator
from airflow.sdk import (
    Asset,
    AssetAlias,
    AsyncCallback,
    BaseOperatorLink,
    DeadlineAlert,
    DeadlineReference,
    ExceptionRetryPolicy,
    RetryAction,
    RetryRule,
)
from airflow.sdk.bases.decorator import DecoratedOperator, task_decorator_factory

from lanecast import tasks
from lanecast.customers.keys import CustomerKeyError
from lanecast.lineage import datasets
from lanecast.pipeline import BatchStopped
from lanecast.storefronts.base import ShopRefused, StreamsUnread
from lanecast.tasks import RunRefused
from lanecast_notifiers import RunFailed, RunLate, RunSucceeded

SHIPMENTS = Asset("lanecast://core/shipment", group="lanecast")
# Most reads of a storefront bring no parcel that is not known: they should not refresh the marts of parcels.
NEW_SHIPMENTS = AssetAlias("lanecast-storefront-shipments", group="lanecast")
TRACKING_EVENTS = Asset("lanecast://core/tracking_event", group="lanecast")
ORDERS = Asset("lanecast://core/customer_order", group="lanecast")
DELIVERY_TIME = Asset("lanecast://mart/delivery_time", group="lanecast")
RECOMMENDATIONS = Asset("lanecast://mart/customer_recommendation", group="lanecast")

DEFAULTS: dict[str, Any] = {
    "owner": "lanecast",
    "retries": 3,
    "retry_delay": timedelta(seconds=10),
    "retry_exponential_backoff": 2.0,
    "max_retry_delay": timedelta(minutes=5),
    "execution_timeout": timedelta(hours=2),
    # What was refused stays refused, a stopped batch is in the quarantine, and no secret and no account come by
    # themselves: only the rest is worth another try.
    "retry_policy": ExceptionRetryPolicy(
        rules=[
            RetryRule(
                exception=[RunRefused, BatchStopped, CustomerKeyError, ShopRefused, StreamsUnread],
                action=RetryAction.FAIL,
                reason="not worth a retry",
            )
        ]
    ),
}

# For DAGs that nobody waits for: a run that fails raises an alert, and the next success ends it.
ALERTS: dict[str, Any] = {"on_failure_callback": RunFailed(), "on_success_callback": RunSucceeded()}


def ends_within(time: timedelta) -> DeadlineAlert:
    """A deadline, counted from when the run was queued: a run that is late raises an alert, from the triggerer."""
    minutes = time.total_seconds() / 60
    callback = AsyncCallback(RunLate, kwargs={"minutes": minutes})
    return DeadlineAlert(DeadlineReference.DAGRUN_QUEUED_AT, time, callback, name=f"ends within {minutes:g} minutes")


def testable(factory: Callable[..., Any]) -> Callable[..., Any]:
    """For a DAG with a deadline: `dag.test()` and `airflow dags test` run it without one, for with one Airflow 3.3
    fails when the run has succeeded (apache/airflow#73428)."""

    @wraps(factory)
    def make(*arguments: Any, **named: Any) -> Any:
        made = factory(*arguments, **named)
        original = made.test

        def test(*arguments: Any, **named: Any) -> Any:
            kept, made.deadline = made.deadline, None
            try:
                return original(*arguments, **named)
            finally:
                made.deadline = kept

        made.test = test
        return made

    return make


class QualityReport(BaseOperatorLink):
    """The run's page on the desk. Relative, for Airflow's pages name their root as the base: it may be under a path."""

    name = "Quality report"

    def get_link(self, operator: Any, *, ti_key: Any) -> str:
        """The address of the page; it is stored with the task's results as the task ends."""
        source = getattr(operator, "op_kwargs", {}).get("source")
        query = urlencode({"run": tasks.ledger_id(ti_key.dag_id, ti_key.run_id, source)})
        return f"lanecast/quality/run?{query}"


class LanecastOperator(DecoratedOperator, PythonOperator):
    """A Python task that says what it reads and writes, to people and to OpenLineage.

    Names are tables, or the roles of `lanecast.lineage.datasets`. One that judges or reconciles links to the report.
    """

    custom_operator_name = "@lanecast_task"
    judges: ClassVar[frozenset[str]] = frozenset({"quality.validation_result", "quality.reconciliation"})

    def __init__(self, *, reads: Sequence[str] = (), writes: Sequence[str] = (), **settings: Any) -> None:
        datasets.check([*reads, *writes])
        given = {name: settings[name] for name in ("python_callable", "op_args", "op_kwargs") if name in settings}
        super().__init__(kwargs_to_upstream=given, **settings)
        self.reads, self.writes = tuple(reads), tuple(writes)
        if self.judges & set(writes):
            self.operator_extra_links = (QualityReport(),)

    # What follows is called by Airflow's OpenLineage provider, where one is configured; it logs what goes wrong here.

    def get_openlineage_facets_on_start(self) -> Any:
        """The tables that the task names: what only the run knows is told at its end."""
        from lanecast.lineage import told

        return self._lineage(told.beforehand(self.reads, self.writes))

    def get_openlineage_facets_on_complete(self, task_instance: Any) -> Any:
        """All that the task read and wrote in this run, with what was found in it."""
        from lanecast.lineage import told

        run_id = tasks.ledger_id(task_instance.dag_id, task_instance.run_id, self.op_kwargs.get("source"))
        source = (self.op_kwargs.get("shard") or {}).get("source")
        return self._lineage(told.afterwards(self.reads, self.writes, run_id, source))

    def get_openlineage_facets_on_failure(self, task_instance: Any) -> Any:
        """The same: a stopped batch was judged, too."""
        return self.get_openlineage_facets_on_complete(task_instance)

    @staticmethod
    def _lineage(found: Any) -> Any:
        from airflow.providers.openlineage.extractors import OperatorLineage

        from lanecast.lineage import facets

        return OperatorLineage(inputs=facets.inputs(found), outputs=facets.outputs(found))


def lanecast_task(
    function: Callable[..., Any] | None = None,
    *,
    reads: Sequence[str] = (),
    writes: Sequence[str] = (),
    **settings: Any,
) -> Any:
    """`@task` for a function that reads and writes these datasets (see LanecastOperator)."""
    return task_decorator_factory(
        function, decorated_operator_class=LanecastOperator, reads=reads, writes=writes, **settings
    )
