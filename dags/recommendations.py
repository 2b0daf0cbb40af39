"""### Recommendations

Nightly: reads what customers bought, viewed and sent back, judges the models on windows of the past that they had not
seen, and makes each customer's lists, what is bought together, and what sells with those that were best. Popularity
serves where nothing is better by more than chance. A run's lists are in use once all of them are there: until then, and
where it fails, those of the run before are. Skipped where nothing was loaded and nobody erased since the run in use,
unless that is a week old; the second task where a run made by hand was put in use meanwhile. The first task takes up
to 2 GB of memory.

By hand: `restore` puts the run before in use again, or another whose lists are kept, until the next night; `force`
makes a run although nothing came.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pendulum
from airflow.sdk import Param, dag, get_current_context

from lanecast import tasks
from lanecast_dags import ALERTS, DEFAULTS, RECOMMENDATIONS, ends_within, lanecast_task, testable


@testable
@dag(
    schedule="45 2 * * *",
    start_date=pendulum.datetime(2026, 1, 1, tz="UTC"),
    catchup=False,
    max_active_runs=1,
    default_args=DEFAULTS,
    tags=["lanecast", "recommendations"],
    doc_md=__doc__,
    params={
        "force": Param(False, type="boolean", title="Make a run although nothing came since the one in use"),
        "restore": Param(
            None,
            type=["null", "string"],
            pattern=r"^(previous|\d{4}-\d{2}-\d{2}\.\d+)$",
            title="Put this run in use again (previous, or one of mart.recommendation_run) instead of making one",
        ),
    },
    deadline=ends_within(timedelta(hours=2)),
    **ALERTS,
)
def recommendations() -> None:
    @lanecast_task(
        reads=["core.customer_order", "core.order_line", "core.interaction", "core.customer", "core.product"],
        writes=["mart.recommendation_run", "mart.recommendation_evaluation"],
    )
    def train() -> dict[str, Any]:
        """Reads, judges, learns, and keeps the lists of a run not in use yet; or names the one to be restored."""
        return tasks.train_recommendations(get_current_context())

    @lanecast_task(
        reads=["mart.recommendation_run"],
        writes=["mart.customer_recommendation", "mart.product_recommendation", "mart.popular_product"],
        outlets=[RECOMMENDATIONS],
    )
    def publish(trained: dict[str, Any]) -> dict[str, Any]:
        """Puts the run in use, and removes the lists of all but the one before, in one transaction."""
        return tasks.publish_recommendations(trained)

    publish(train())


recommendations()
