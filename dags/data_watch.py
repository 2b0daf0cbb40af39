"""### Data watch

Holds what lies in the warehouse against its contracts: feeds that went silent, fell, rose or brought unknown codes,
lanes whose transit time drifted, steps that stand still. Raises one alert per cause, ends those that are over, and
tells both.

It waits for no other DAG, so that a pull that hangs is noticed too.
"""

from __future__ import annotations

import pendulum
from airflow.sdk import dag, get_current_context

from lanecast import tasks
from lanecast_dags import ALERTS, DEFAULTS, lanecast_task


@dag(
    schedule="*/15 * * * *",
    start_date=pendulum.datetime(2026, 1, 1, tz="UTC"),
    catchup=False,
    max_active_runs=1,
    default_args=DEFAULTS,
    tags=["lanecast", "quality"],
    doc_md=__doc__,
    **ALERTS,
)
def data_watch() -> None:
    @lanecast_task(
        reads=["mart.carrier_feed", "mart.disruption", "mart.recommendation_run", "mart.transit_time_drift"],
        writes=["quality.validation_result", "quality.alert"],
    )
    def watch() -> dict[str, int]:
        """Judges, raises, resolves, tells."""
        return tasks.watch(get_current_context())

    watch()


data_watch()
