"""storefront by `dag.test()`, on a real warehouse and the shops of a small world."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from conftest import Airflow
from sandbox_world import StandIn, one, rows

pytestmark = pytest.mark.timeout(240)


def test_each_source_is_a_run_of_its_own_and_one_that_is_down_leaves_the_others_alone(
    airflow: Airflow, past: str, sandbox: StandIn
) -> None:
    sandbox.fault(carrier="shopify", kind="401", share=1.0)
    run = airflow.run("storefront")
    assert run["state"] == "failed"
    states = {(task["id"], task["map_index"]): task["state"] for task in run["tasks"]}
    assert sorted(states.values()).count("success") == 9, states  # the finding, and four tasks of two sources
    assert rows(
        past,
        "SELECT source, state FROM ops.run WHERE run_id LIKE %s ORDER BY source",
        (f"{run['run_id']}/%",),
    ) == [("behaviour", "loaded"), ("shopify", "failed"), ("woocommerce", "loaded")]
    assert one(past, "SELECT count(*) FROM core.customer_order WHERE source = 'woocommerce'") > 0
    assert one(
        past, "SELECT error LIKE '%%lanecast_shopify%%' FROM ops.run WHERE source = 'shopify' AND kind = 'storefront'"
    )

    httpx.delete(f"{sandbox.url}/sandbox/faults", trust_env=False).raise_for_status()
    run = airflow.run("storefront", source="shopify")
    assert run["state"] == "success", airflow.log()[-3000:]
    told = len(sandbox.sandbox.storefronts.shop.seen("shopify")[0])
    assert (
        one(
            past,
            "SELECT fetched FROM ops.storefront_read WHERE run_id = %s AND stream = 'orders'",
            (f"{run['run_id']}/shopify",),
        )
        == told
        > 0
    )
    page = run["links"]["each.load"]["Quality report"]
    assert parse_qs(urlsplit(page).query)["run"] == [f"{run['run_id']}/shopify"]
    inputs = {
        (found["namespace"], found["name"])
        for event in airflow.lineage(run)
        for found in event["inputs"]
        if found["namespace"] == "lanecast://storefronts"
    }
    assert inputs == {("lanecast://storefronts", "shopify")}


@pytest.mark.parametrize(
    ("conf", "words"), [({"source": "etsy"}, "no source is called 'etsy'"), ({"backfill": True}, "can't be backfilled")]
)
def test_what_can_not_be_is_refused_at_once(airflow: Airflow, past: str, conf: dict[str, object], words: str) -> None:
    before = len(airflow.log())
    run = airflow.run("storefront", **conf)  # type: ignore[arg-type]
    assert run["state"] == "failed"
    assert words in airflow.log()[before:]
