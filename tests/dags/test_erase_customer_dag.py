"""erase_customer by `dag.test()`: a dry run unless told otherwise, keys alone, and counts in the log."""

from __future__ import annotations

import pytest

from conftest import Airflow
from customer_keys import key
from sandbox_world import rows

pytestmark = pytest.mark.timeout(240)
ANN = "1001"
KNOWN = "SELECT (SELECT count(*) FROM core.customer), (SELECT count(*) FROM ops.erased_customer)"


def test_a_customer_is_erased_when_it_is_no_dry_run(airflow: Airflow, warehouse: str) -> None:
    told = f"INSERT INTO core.customer VALUES ('{key(ANN)}', now(), 'a run', now()) RETURNING 1"
    assert rows(warehouse, told) == [(1,)]
    run = airflow.run("erase_customer", keys=[key(ANN)])
    assert [task["state"] for task in run["tasks"]] == ["skipped"], airflow.log()[-3000:]
    assert rows(warehouse, KNOWN) == [(1, 0)]
    run = airflow.run("erase_customer", keys=[key(ANN)], dry_run=False)
    assert run["state"] == "success", airflow.log()[-3000:]
    assert rows(warehouse, KNOWN) == [(0, 1)]
    assert "1  core.customer deleted" in airflow.log()
    run = airflow.run("erase_customer", dry_run=False)
    assert [found["error"] for found in run["raised"]] == ["RunRefused"]
