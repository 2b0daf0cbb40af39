"""What every DAG owes its operators, and that importing one costs nothing but the import."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from conftest import ROOT, Airflow
from lanecast.contracts.reader import contract, datasets
from lanecast.warehouse import retention

DAGS = (
    "carrier_tracking",
    "data_watch",
    "delivery_model",
    "delivery_time",
    "erase_customer",
    "history_import",
    "maintenance",
    "quarantine_replay",
    "recommendations",
    "storefront",
)
PYTHON_FILES = sorted([*(ROOT / "dags").glob("*.py"), *(ROOT / "plugins").rglob("*.py")])
# What reaches into Airflow's metadata, or reads it at import: workers of Airflow 3 must not.
FORBIDDEN = ("airflow.models", "airflow.settings", "airflow.utils.session", "airflow.jobs")


@pytest.fixture(scope="module")
def described(airflow: Airflow) -> dict[str, Any]:
    return airflow.describe()


@pytest.fixture(params=DAGS)
def dag(request: pytest.FixtureRequest, described: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = described["dags"][request.param]
    return found


def test_the_bag_holds_these_dags_and_no_others(described: dict[str, Any]) -> None:
    assert sorted(described["dags"]) == list(DAGS)


def test_importing_a_dag_file_opens_nothing(described: dict[str, Any]) -> None:
    assert sorted(described["files"]) == [f"{name}.py" for name in DAGS]
    assert described["files"] == {f"{name}.py": {"error": None, "touched": []} for name in DAGS}


def test_a_dag_says_whose_it_is_and_what_it_does(dag: dict[str, Any]) -> None:
    assert dag["owner"] == "lanecast"
    assert "lanecast" in dag["tags"]
    assert len(dag["tags"]) >= 2
    assert dag["doc_md"].startswith("### ")
    assert len(dag["doc_md"]) > 80


def test_a_dag_is_bounded_in_time_and_number(dag: dict[str, Any]) -> None:
    assert dag["start_date"]
    assert dag["catchup"] is False
    assert 1 <= dag["max_active_runs"] <= 4


def test_every_task_is_documented_retried_and_ended(dag: dict[str, Any]) -> None:
    assert dag["tasks"]
    for task in dag["tasks"]:
        assert task["owner"] == "lanecast"
        assert task["doc"], task["id"]
        assert task["retries"] >= 1, task["id"]
        assert 0 < task["timeout"] <= 4 * 3600, task["id"]


def test_every_task_names_the_datasets_that_it_reads_or_writes(dag: dict[str, Any]) -> None:
    for task in dag["tasks"]:
        named = {*task["reads"], *task["writes"]}
        assert named, task["id"]
        tables = {name for name in named if name.startswith(("core.", "mart."))}
        assert tables == {contract(name.partition(".")[2]).table.physical_name for name in tables}, task["id"]


def test_maintenance_names_every_table_that_it_deletes_from(described: dict[str, Any]) -> None:
    (task,) = described["dags"]["maintenance"]["tasks"]
    aged = {name for name in datasets() if name in retention.JOURNEY or retention.is_aged(contract(name))}
    assert aged >= {"shipment", "tracking_event", "customer", "interaction"}
    deleted = {f"core.{name}" for name in aged} | {*retention.BY_RUN, *retention.BY_THEMSELVES}
    assert deleted - {*task["writes"]} == set()


def test_every_mapped_task_is_bounded(described: dict[str, Any]) -> None:
    mapped = [task for dag in described["dags"].values() for task in dag["tasks"] if task["is_mapped"]]
    assert mapped
    for task in mapped:
        assert 1 <= task["mapped_at_once"] <= 8, task["id"]


def test_schedules(described: dict[str, Any]) -> None:
    schedules = {name: dag["schedule"] for name, dag in described["dags"].items()}
    assert schedules == {
        "carrier_tracking": "*/15 * * * *",
        "data_watch": "*/15 * * * *",
        "delivery_model": "15 2 * * *",
        "delivery_time": {"AssetAny": ["lanecast://core/shipment", "lanecast://core/tracking_event"]},
        "erase_customer": None,
        "history_import": None,
        "maintenance": "30 3 * * *",
        "quarantine_replay": None,
        "recommendations": "45 2 * * *",
        "storefront": "@hourly",
    }


def test_loads_tell_which_assets_they_changed(described: dict[str, Any]) -> None:
    outlets = {
        name: {uri for task in dag["tasks"] for uri in task["outlets"]} for name, dag in described["dags"].items()
    }
    loaded = {"lanecast://core/shipment", "lanecast://core/tracking_event"}
    assert outlets["carrier_tracking"] == loaded
    assert outlets["history_import"] == loaded | {"lanecast://core/customer_order"}
    assert outlets["storefront"] == {"lanecast-storefront-shipments", "lanecast://core/customer_order"}
    assert outlets["delivery_model"] == {"lanecast://mart/delivery_time"}
    assert outlets["recommendations"] == {"lanecast://mart/customer_recommendation"}
    assert outlets["delivery_time"] == {"lanecast://mart/delivery_time"}


def test_what_is_told_of_open_shipments_follows_the_refresh(described: dict[str, Any]) -> None:
    after = {task["id"]: task["after"] for task in described["dags"]["delivery_time"]["tasks"]}
    assert after == {
        "refresh": [],
        "learned": ["refresh"],
        "promises": ["learned"],
        "experience": ["promises"],
        "under_way": ["learned"],
    }


@pytest.mark.parametrize(
    ("name", "param", "good", "bad"),
    [
        ("carrier_tracking", "carrier", [None, "ups", "usps"], ["hermes", "", 1, "UPS"]),
        (
            "carrier_tracking",
            "tracking_numbers",
            [None, ["1Z999AA10123456784", "RR 1234 5678 9CN"]],
            ["1Z999AA10123456784", [""], ["💥📦📦"], ["a'; DROP TABLE x"], [5], ["x" * 41], ["1Z9"] * 1001],
        ),
        ("carrier_tracking", "force", [True, False], [None, "yes", 1]),
        ("delivery_model", "force", [True, False], [None, "yes"]),
        ("recommendations", "force", [True, False], [None, "yes"]),
        ("recommendations", "restore", [None, "previous", "2026-06-14.1"], ["", "latest", "2026-06-14", 1]),
        ("delivery_model", "restore", [None, "2026-06-14.1", "2026-06-14.12"], ["", "latest", "2026-06-14", 1]),
        ("history_import", "dataset", ["shipments", "events", "orders", "interactions"], ["parcels", None, ""]),
        ("history_import", "dataset", ["products"], ["product"]),
        ("history_import", "path", ["/data/x.csv"], ["", None, 3]),
        ("history_import", "mapping", [None, "olist"], [3, ["olist"]]),
        ("quarantine_replay", "dataset", [None, "shipment", "tracking_event"], ["shipments", "", 1]),
        ("quarantine_replay", "rule", [None, "mostly_bad"], ["", "Mostly bad", "a'; DROP TABLE x"]),
        ("quarantine_replay", "ids", [None, [1, 2]], [[0], ["1"], [-1], 1]),
        ("quarantine_replay", "waive", [[], ["mostly_bad"]], [None, ["a b"], "mostly_bad"]),
        ("quarantine_replay", "dry_run", [True, False], [None, "yes"]),
        ("erase_customer", "keys", [["c" + "0f" * 16]], [None, ["4711"], ["C" + "0f" * 16], "c" + "0f" * 16]),
        ("erase_customer", "dry_run", [True, False], [None, "yes"]),
        ("storefront", "source", [None, "shopify"], ["", 7, "Shop; DROP TABLE x"]),
        ("storefront", "full", [True, False], [None, "yes"]),
    ],
)
def test_params_are_checked(described: dict[str, Any], name: str, param: str, good: list[Any], bad: list[Any]) -> None:
    checked = jsonschema.Draft7Validator(described["dags"][name]["params"][param])
    assert [value for value in good if not checked.is_valid(value)] == []
    assert [value for value in bad if checked.is_valid(value)] == []


def test_every_param_has_a_schema(dag: dict[str, Any]) -> None:
    for name, schema in dag["params"].items():
        assert "type" in schema, name


@pytest.mark.parametrize(
    ("name", "conf", "told"),
    [
        ("carrier_tracking", {"carrier": "hermes"}, "hermes"),
        ("carrier_tracking", {"tracking_numbers": ["<b>"]}, "<b>"),
        ("delivery_model", {"restore": "yesterday's"}, "yesterday"),
        ("history_import", {"dataset": "parcels", "path": "x.csv"}, "parcels"),
        ("quarantine_replay", {"dataset": "parcels"}, "parcels"),
    ],
)
def test_airflow_refuses_a_run_with_bad_params(airflow: Airflow, name: str, conf: dict[str, Any], told: str) -> None:
    answer = airflow.run(name, **conf)
    assert told in answer["error"]


@pytest.mark.parametrize("path", PYTHON_FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_nothing_reaches_into_airflows_metadata(path: Path) -> None:
    is_local_platform = path.is_relative_to(ROOT / "plugins" / "lanecast" / "local")
    tree = ast.parse(path.read_text())
    imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    imported |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert [name for name in imported if name.startswith(FORBIDDEN) and not is_local_platform] == []
    named = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    named |= {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    assert "create_session" not in named
    attributes = {ast.unparse(node) for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    assert not attributes & {"Variable.get", "models.Variable", "settings.Session"}


def test_dag_files_only_wire() -> None:
    for path in (ROOT / "dags").glob("*.py"):
        tree = ast.parse(path.read_text())
        at_top = [type(node) for node in tree.body]
        assert set(at_top) <= {ast.Expr, ast.Import, ast.ImportFrom, ast.FunctionDef}, path.name
        assert not any(isinstance(node, ast.For | ast.While | ast.With | ast.Try) for node in ast.walk(tree)), path.name
