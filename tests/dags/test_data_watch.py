"""data_watch by `dag.test()`, and what Airflow tells of runs that fail, succeed and are late."""

from __future__ import annotations

import pytest

from conftest import Airflow
from lanecast.alerts import runs
from sandbox_world import StandIn, one, rows

pytestmark = pytest.mark.timeout(240)


def test_the_watch_judges_and_a_world_without_past_raises_nothing(airflow: Airflow, past: str) -> None:
    pulled = airflow.run("carrier_tracking")
    assert pulled.get("state") == "success", (pulled, airflow.log()[-3000:])
    feeds = rows(
        past,
        "SELECT sum(received), sum(loaded), bool_and(followed > 0), count(DISTINCT source) FROM quality.feed_hour",
    )
    received = "SELECT received, loaded FROM quality.reconciliation WHERE run_id = %s AND dataset = 'tracking_event'"
    ((all_received, all_loaded),) = rows(past, received, (pulled["run_id"],))
    assert feeds == [(all_received, all_loaded, True, 4)]
    watched = airflow.run("data_watch")
    assert watched["state"] == "success", airflow.log()[-3000:]
    judged = rows(
        past,
        "SELECT dataset, rule, rows_checked, passed FROM quality.validation_result WHERE run_id = %s ORDER BY 1, 2",
        (watched["run_id"],),
    )
    assert {(dataset, rule) for dataset, rule, _, _ in judged} >= {
        ("carrier_feed", "feed_silent"),
        ("carrier_feed", "pulls_stand_still"),
        ("carrier_feed", "unmapped_share_jumped"),
        ("carrier_feed", "volume_fallen"),
        ("carrier_feed", "volume_risen"),
        ("transit_time_drift", "transit_time_drifted"),
    }
    assert all(passed for *_, passed in judged)
    assert {checked for dataset, _, checked, _ in judged if dataset == "carrier_feed"} == {4}
    assert one(past, "SELECT state FROM ops.run WHERE kind = 'watch'") == "loaded"
    assert rows(past, "SELECT * FROM mart.quality_alert") == []


def test_a_run_that_fails_raises_an_alert_and_the_next_success_ends_it(
    airflow: Airflow, past: str, sandbox: StandIn
) -> None:
    sandbox.fault(carrier="fedex", kind="503", share=1, seconds=0)
    run = airflow.run("carrier_tracking", carrier="fedex")
    assert run["state"] == "failed"
    alerts = "SELECT kind, dataset, severity, is_open, run_id, told_opened_at IS NOT NULL FROM mart.quality_alert "
    alerts += "INNER JOIN quality.alert USING (alert_id, kind, dataset, severity, run_id)"
    assert rows(past, alerts) == [("run_failed", "carrier_tracking", "critical", True, run["run_id"], True)]
    assert "run failed: carrier_tracking" in airflow.log()
    sandbox.calm()
    assert airflow.run("carrier_tracking", carrier="ups")["state"] == "success"
    assert rows(past, alerts) == [("run_failed", "carrier_tracking", "critical", False, run["run_id"], True)]
    assert airflow.run("data_watch")["state"] == "success"
    assert one(past, "SELECT told_resolved_at IS NOT NULL FROM quality.alert") is True


def test_a_run_that_is_late_raises_an_alert_from_the_triggerer(airflow: Airflow, warehouse: str) -> None:
    missed = airflow.miss_deadline("delivery_time")
    assert "error" not in missed, missed
    assert missed["allowed"] == 3600
    assert missed["trigger"] == "airflow.triggers.callback.CallbackTrigger"
    assert [event["state"] for event in missed["events"]] == ["running", "success"], missed
    open_now = "SELECT kind, dataset, run_id, message FROM mart.quality_alert WHERE is_open"
    ((kind, dataset, run_id, message),) = rows(warehouse, open_now)
    assert (kind, dataset, run_id) == ("deadline", "delivery_time", "delivery_time:late")
    assert message.startswith("The run of delivery_time was to end within 60 minutes of being queued, by 20")
    runs.succeeded("delivery_time")
    assert rows(warehouse, open_now) == []
