"""The OpenLineage events of real runs, as a file got them: pairs, names, columns, verdicts, counts. And the links."""

from __future__ import annotations

import re
import uuid
from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from conftest import Airflow
from lanecast import raw, settings
from lanecast.contracts import reader
from lanecast.warehouse.staging import COLUMNS
from sandbox_world import CARRIERS, StandIn, rows

pytestmark = pytest.mark.timeout(240)

Event = dict[str, Any]
FACETS = ("facets", "inputFacets", "outputFacets")


def ended(events: list[Event], task: str) -> list[Event]:
    """The events with which a task's instances ended."""
    return [one for one in events if one["job"]["name"].endswith(f".{task}") and one["eventType"] != "START"]


def names(datasets: list[Event], address: str) -> list[str]:
    """The datasets' names, those of the warehouse without database; every namespace is checked."""
    parts = urlsplit(address)
    told = []
    for dataset in datasets:
        if dataset["namespace"] == f"postgres://{parts.hostname}:{parts.port}":
            database, _, table = dataset["name"].partition(".")
            assert database == parts.path.lstrip("/")
            told.append(table)
        else:
            assert dataset["namespace"] in {"file", "lanecast://carriers"}
            told.append(dataset["name"])
    return told


def columns(dataset: Event) -> list[str]:
    return [column["name"] for column in dataset["facets"]["schema"]["fields"]]


def check_event(event: Event) -> None:
    """What the standard asks of an event and of each facet."""
    assert datetime.fromisoformat(event["eventTime"]).tzinfo
    assert event["eventType"] in {"START", "COMPLETE", "FAIL"}
    assert urlsplit(event["producer"]).scheme == "https"
    assert urlsplit(event["schemaURL"]).netloc == "openlineage.io"
    assert uuid.UUID(event["run"]["runId"])
    assert event["job"]["namespace"] == "lanecast"
    facets = [event["run"]["facets"], event["job"]["facets"]]
    for dataset in [*event["inputs"], *event["outputs"]]:
        assert dataset["namespace"]
        assert dataset["name"]
        facets += [dataset[kind] for kind in FACETS if kind in dataset]
    for one in facets:
        for facet in one.values():
            assert facet["_producer"]
            assert facet["_schemaURL"]


def check_columns(dataset: Event, table: str) -> None:
    """Columns by the contract, the staging table or the raw store's records."""
    schema, _, name = table.partition(".")
    if schema in {"core", "mart"}:
        told = [(field["name"], field["type"]) for field in dataset["facets"]["schema"]["fields"]]
        assert told == [(one.name, one.physical_type) for one in reader.contract(name).table.properties]
    elif schema == "staging":
        assert columns(dataset) == list(COLUMNS[name])
    elif schema in {"quality", "ops"}:
        assert len(columns(dataset)) >= 5
    elif dataset["namespace"] == "file":
        assert columns(dataset) == list(raw.RawAnswer.__struct_fields__)


def verdicts(event: Event) -> dict[tuple[str, str], tuple[str, bool, str, int, int]]:
    """By dataset and rule: expectation, success, severity, rows checked and failed."""
    return {
        (dataset["name"].rpartition(".")[2], told["name"]): (
            told["assertion"],
            told["success"],
            told["params"]["severity"],
            told["params"]["rows_checked"],
            told["params"]["rows_failed"],
        )
        for dataset in event["inputs"]
        if "dataQualityAssertions" in dataset.get("inputFacets", {})
        for told in dataset["inputFacets"]["dataQualityAssertions"]["assertions"]
    }


def judged(address: str, run: Event) -> dict[tuple[str, str], tuple[Any, ...]]:
    found = rows(
        address,
        "SELECT dataset, rule, expectation, passed, severity, rows_checked, rows_failed "
        "FROM quality.validation_result WHERE run_id = %s",
        (run["run_id"],),
    )
    return {row[:2]: row[2:] for row in found}


def test_a_pull_tells_of_every_step(airflow: Airflow, past: str, sandbox: StandIn) -> None:
    run = airflow.run("carrier_tracking")
    assert run["state"] == "success", airflow.log()[-3000:]
    events = airflow.lineage(run)
    for event in events:
        check_event(event)
    pairs = Counter((event["run"]["runId"], event["eventType"]) for event in events)
    assert set(pairs.values()) == {1}
    assert len(pairs) == 2 * len(run["tasks"])
    for event in events:
        for dataset, table in zip(event["inputs"], names(event["inputs"], past), strict=True):
            check_columns(dataset, table) if event["eventType"] == "COMPLETE" else None

    staged = ["staging.shipment", "staging.tracking_event"]
    told = {
        task: (names(event["inputs"], past), names(event["outputs"], past))
        for task in ("find_due", "stage", "validate", "load", "report")
        for event in ended(events, task)
    }
    stores = sorted(f"{settings.raw_root()}/{carrier}" for carrier in CARRIERS)
    assert told["find_due"] == (["core.shipment", "ops.poll_plan"], ["ops.poll_request"])
    assert told["stage"] == ([*stores, "ops.raw_answer"], staged)
    assert told["validate"] == (staged, ["quality.validation_result"])
    assert told["report"] == (["quality.reconciliation"], [])
    reads, writes = told["load"]
    assert reads == [*staged, "quality.validation_result"]
    assert {"core.tracking_event", "core.shipment", "quality.reconciliation", "quality.quarantined_row"} < set(writes)
    assert len(writes) == len(set(writes))
    pulls = [(event["inputs"], event["outputs"]) for event in ended(events, "pull")]
    asked = [(names(inputs, past)[1], names(outputs, past)[0]) for inputs, outputs in pulls]
    assert sorted(asked) == [(carrier, f"{settings.raw_root()}/{carrier}") for carrier in sorted(CARRIERS)]


def test_verdicts_counts_and_columns_are_those_of_the_warehouse(airflow: Airflow, past: str, sandbox: StandIn) -> None:
    run = airflow.run("carrier_tracking", carrier="ups")
    events = airflow.lineage(run)
    (validated,), (loaded,) = ended(events, "validate"), ended(events, "load")
    found = judged(past, run)
    assert len(found) > 20
    assert verdicts(validated) == found
    assert verdicts(loaded) == {}
    for dataset in validated["inputs"]:
        name = dataset["name"].rpartition(".")[2]
        (received,) = {one[3] for (judged_dataset, _), one in found.items() if judged_dataset == name}
        assert dataset["inputFacets"]["dataQualityMetrics"]["rowCount"] == received
        about = {rule.name: rule.implementation.kwargs.get("column") for rule in reader.contract(name).rules}
        told = dataset["inputFacets"]["dataQualityAssertions"]["assertions"]
        assert {one["name"]: one.get("column") for one in told} == {
            rule: about[rule] for judged_dataset, rule in found if judged_dataset == name
        }
        assert {one["severity"] for one in told} <= {"error", "warn"}

    outputs = dict(zip(names(loaded["outputs"], past), loaded["outputs"], strict=True))
    counts = dict(
        rows(past, "SELECT 'core.' || dataset, loaded FROM quality.reconciliation WHERE run_id = %s", (run["run_id"],))
    )
    statistics = {
        table: dataset["outputFacets"]["outputStatistics"]["rowCount"]
        for table, dataset in outputs.items()
        if "outputStatistics" in dataset.get("outputFacets", {})
    }
    assert statistics == counts
    assert statistics["core.tracking_event"] > 100

    origins = outputs["core.tracking_event"]["facets"]["columnLineage"]["fields"]
    table = {column.name for column in reader.contract("tracking_event").table.properties}
    assert set(origins) == table & set(COLUMNS["tracking_event"])
    for column, origin in origins.items():
        (source,) = origin["inputFields"]
        assert source["field"] == column
        assert source["name"].endswith(".staging.tracking_event")


def test_a_stopped_import_tells_why(airflow: Airflow, warehouse: str, sandbox: StandIn, tmp_path: Path) -> None:
    path = tmp_path / "events.csv"
    lines = [f"ups,1Z{number:016d},never,OR,{number},US,US-NY,New York" for number in range(1200)]
    path.write_text("carrier,tracking_number,occurred_at,code,description,country,region,city\n" + "\n".join(lines))
    run = airflow.run("history_import", dataset="events", path=str(path))
    assert run["state"] == "failed"
    events = airflow.lineage(run)
    for event in events:
        check_event(event)
    (staged,), (validated,), (loaded,) = (ended(events, task) for task in ("stage", "validate", "load"))
    (file,) = staged["inputs"]
    assert (file["namespace"], file["name"]) == ("file", str(path))
    assert columns(file) == path.read_text().partition("\n")[0].split(",")
    assert names(staged["outputs"], warehouse) == ["staging.tracking_event"]
    assert not verdicts(validated)["tracking_event", "mostly_bad"][1]
    assert loaded["eventType"] == "FAIL"
    table = next(one for one in loaded["outputs"] if one["name"].endswith("core.tracking_event"))
    assert table["outputFacets"]["outputStatistics"]["rowCount"] == 0

    page = run["links"]["load"]["Quality report"]
    assert page == run["links"]["validate"]["Quality report"]
    assert run["links"]["stage"] == {}
    assert not page.startswith("/")
    assert urlsplit(page).path == "lanecast/quality/run"
    assert parse_qs(urlsplit(page).query) == {"run": [run["run_id"]]}


@pytest.mark.parametrize("dag", ["delivery_time", "maintenance"])
def test_the_other_dags_tell_too(airflow: Airflow, warehouse: str, sandbox: StandIn, dag: str) -> None:
    run = airflow.run(dag)
    assert run["state"] == "success", airflow.log()[-3000:]
    events = airflow.lineage(run)
    assert [event["eventType"] for event in events] == ["START", "COMPLETE"] * (len(events) // 2)
    for event in events:
        check_event(event)
        assert names(event["outputs"], warehouse)
    for completed in events[1::2]:
        for dataset, table in zip(completed["outputs"], names(completed["outputs"], warehouse), strict=True):
            check_columns(dataset, table)


def test_a_watch_tells_what_it_found_in_the_marts(airflow: Airflow, past: str, sandbox: StandIn) -> None:
    run = airflow.run("data_watch")
    assert run["state"] == "success", airflow.log()[-3000:]
    (watched,) = ended(airflow.lineage(run), "watch")
    check_event(watched)
    assert names(watched["inputs"], past) == [
        *("mart.carrier_feed", "mart.disruption", "mart.recommendation_run", "mart.transit_time_drift")
    ]
    for dataset, table in zip(watched["inputs"], names(watched["inputs"], past), strict=True):
        check_columns(dataset, table)
    found = judged(past, run)
    assert found
    assert verdicts(watched) == found


def test_a_quarantine_replay_tells_what_it_released(
    airflow: Airflow, warehouse: str, sandbox: StandIn, tmp_path: Path
) -> None:
    path = tmp_path / "shipments.csv"
    path.write_text(
        "order_id,carrier,tracking_number,destination_country,ordered_at\n"
        "A1,ups,1Z999AA10123456784,US,2026-05-01\nA2,ups,1Z999AA10123456785,ZZ,2026-05-01\n"
    )
    assert airflow.run("history_import", dataset="shipments", path=str(path))["state"] == "success"
    run = airflow.run("quarantine_replay", dataset="shipment")
    assert run["state"] == "success", airflow.log()[-3000:]
    events = airflow.lineage(run)
    (staged,), (validated,), (loaded,) = (ended(events, task) for task in ("stage", "validate", "load"))
    assert names(staged["inputs"], warehouse) == ["quality.quarantined_row"]
    assert names(staged["outputs"], warehouse) == ["staging.shipment"]
    assert verdicts(validated) == judged(warehouse, run)
    assert verdicts(validated)["shipment", "destination_country_unknown"][4] == 1
    assert names(loaded["outputs"], warehouse)[:2] == ["core.shipment", "core.shipment_number"]


def test_lineage_that_fails_fails_no_task(airflow: Airflow, warehouse: str, sandbox: StandIn) -> None:
    rows(warehouse, "ALTER TABLE ops.run RENAME TO run_elsewhere")
    run = airflow.run("delivery_time")
    assert run["state"] == "success", airflow.log()[-3000:]
    completed = airflow.lineage(run)[-1]
    assert completed["eventType"] == "COMPLETE"
    assert completed["outputs"] == []
    assert re.search(r"OpenLineage method failed.*ops\.run", airflow.log())
