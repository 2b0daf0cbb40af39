"""`lanecast quarantine`: what it prints, masked; its JSON; what it refuses, in one line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from quarantine_rows import Quarantine

from customer_keys import key
from lanecast.cli import cli

pytestmark = pytest.mark.timeout(180)
EVENT = "dhl,LC000123456{number},2026-01-02T10:00:00Z,X1,Left with Ada Lovelace,ZZ,,Bremen,"
LINE = "order-000{number},customer-77001,2026-01-02T10:00:00Z,paid,EUR,p1,0,1"


@pytest.fixture
def quarantine(warehouse: str, tmp_path: Path) -> Quarantine:
    """The rows 1 and 2 are events of no country, 3 an order's line of nothing."""
    held = Quarantine(warehouse, tmp_path)
    held.import_("events", *(EVENT.format(number=number) for number in (1, 2)))
    held.import_("orders", LINE.format(number=1))
    return held


def run(*words: str) -> Result:
    return CliRunner().invoke(cli, ["quarantine", *words], env={"COLUMNS": "160"})


def shown(*words: str) -> str:
    done = run(*words)
    assert done.exit_code == 0, done.output
    return done.output


def told(*words: str) -> Any:
    return json.loads(shown(*words, "--json"))


def test_nothing_is_there_at_first(warehouse: str) -> None:
    assert shown("list") == "no row is open\n"
    assert shown("list", "--status", "all") == "no row is in quarantine\n"
    assert told("list") == {"groups": []}
    assert told("list", "--rule", "mostly_bad") == {"groups": [], "rows": []}
    assert "no open row fits" in shown("replay", "--rule", "mostly_bad", "--apply")
    assert told("replay", "--rule", "mostly_bad")["applied"] is False


def test_the_list_tells_groups_and_rows(quarantine: Quarantine) -> None:
    groups = [
        {name: group[name] for name in ("dataset", "rule", "rows", "times_seen")} for group in told("list")["groups"]
    ]
    assert groups == [
        {"dataset": "tracking_event", "rule": "country_unknown", "rows": 2, "times_seen": 2},
        {"dataset": "order_line", "rule": groups[1]["rule"], "rows": 1, "times_seen": 1},
    ]
    assert "1: country ZZ is not an ISO 3166-1 alpha-2 code" in shown("list")
    assert "events-1.csv:2" in shown("list", "--rule", "country_unknown")
    listed = told("list", "--rule", "country_unknown", "--limit", "1")
    assert [row["quarantined_row_id"] for row in listed["rows"]] == [2]
    assert [group["rows"] for group in told("list", "--run", "import-2")["groups"]] == [1]
    assert told("list", "--since", "2100-01-01T00:00Z")["groups"] == []
    assert told("list", "--status", "replayed")["groups"] == []


@pytest.mark.parametrize("words", [(), ("--json",)])
def test_what_tells_of_a_person_is_masked_unless_it_is_asked_for(
    quarantine: Quarantine, words: tuple[str, ...]
) -> None:
    for row_id, values in (("1", ("Ada Lovelace", "LC0001234561")), ("3", (key("customer-77001"),))):
        masked, whole = shown("show", row_id, *words), shown("show", row_id, "--unmasked", *words)
        for value in values:
            assert value not in masked
            assert value in whole
        assert "customer-77001" not in whole, "nobody keeps the shop's id"
    assert "(personal)" in shown("show", "1", *words)
    assert "…4561" in shown("show", "1", *words)
    everything = "".join(shown("list", "--run", run_id, *words) for run_id in ("import-1", "import-2"))
    assert "country ZZ" in everything
    assert "Ada" not in everything
    assert "customer-77001" not in everything


def test_one_row_is_told_whole(quarantine: Quarantine) -> None:
    text = shown("show", "1")
    assert "row 1  tracking_event  country_unknown  open" in text
    assert "seen       1 time" in text
    assert "events-1.csv:2" in text
    assert "lanecast quarantine replay 1" in text
    row = told("show", "1", "--raw")
    assert {"quarantined_row_id", "dataset", "rule", "reason", "status", "row_data", "history", "raw"} <= set(row)
    assert (row["row_data"]["country"], row["history"]) == ("ZZ", [])
    assert "came in a file" in row["raw"]


def test_a_dry_run_tells_and_changes_nothing(quarantine: Quarantine) -> None:
    patch = quarantine.patch({"quarantined_row_id": 1, "country": "DE"})
    before = quarantine.rows()
    text = shown("replay", "--rule", "country_unknown", "--patch", patch, "--dry-run")
    assert "tracking_event: 2 quarantined rows: 1 pass, 1 are put aside again" in text
    assert "country_unknown: 1" in text
    assert "nothing was changed" in text
    outlook = told("replay", "--rule", "country_unknown", "--patch", patch, "--dry-run")
    assert {name: outlook[name] for name in ("applied", "chosen", "received", "rejected", "stopped", "passing")} == {
        **{"applied": False, "chosen": {"tracking_event": 2}, "received": {"tracking_event": 2}},
        **{"rejected": {"tracking_event": {"country_unknown": 1}}, "stopped": [], "passing": 1},
    }
    assert "add --apply to carry it out" in shown("replay", "--patch", patch), "no terminal, nobody to ask"
    assert quarantine.rows() == before
    assert quarantine.asked("SELECT FROM ops.run WHERE kind = 'quarantine'") == []


def test_a_replay_is_carried_out_and_told(quarantine: Quarantine) -> None:
    patch = quarantine.patch({"quarantined_row_id": 1, "country": "DE"})
    text = shown("replay", "1", "2", "--patch", patch, "--apply")
    assert "tracking_event: 2 received = 1 loaded + 0 duplicate + 1 quarantined" in text
    assert [row[2] for row in quarantine.rows()] == ["replayed", "open", "open"]
    assert "passed, mended" in shown("show", "1")
    assert "failed under country_unknown" in shown("show", "2")
    outlook = told("replay", "2", "--patch", quarantine.patch({"quarantined_row_id": 2, "country": "FR"}), "--apply")
    assert (outlook["applied"], outlook["stopped"]) == (True, "")
    assert outlook["loaded"] == {"tracking_event": {"loaded": 1, "duplicate": 0}}
    assert quarantine.asked("SELECT count(*) FROM mart.shipment_event") == [(2,)], "the marts follow"


def test_rows_are_dismissed(quarantine: Quarantine) -> None:
    assert shown("dismiss", "3", "--reason", "a test order") == "1 row dismissed\n"
    assert told("dismiss", "1", "2", "--reason", "a test parcel") == {"dismissed": 2}
    assert shown("list") == "no row is open\n"
    assert "a test order" in shown("show", "3")


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("show", "99"), "no quarantined row has the number 99"),
        (("replay", "99"), "no quarantined row has the number 99"),
        (("replay",), "choose rows"),
        (("replay", "--dataset", "parcels"), "no dataset is called 'parcels'"),
        (("replay", "1", "--waive", "country_unknown"), "country_unknown can't be waived"),
        (("replay", "1", "--apply", "--dry-run"), "contradict each other"),
        (("replay", "--patch", "no-such-patch.csv"), "no-such-patch.csv"),
        (("dismiss", "99", "--reason", "x"), "row 99 is not there"),
        (("dismiss", "--reason", "x"), "choose rows"),
        (("dismiss", "1"), "--reason"),
        (("show", "0"), "0 is not in the range"),
    ],
)
def test_what_can_not_be_done_is_told_in_one_line(quarantine: Quarantine, words: tuple[str, ...], why: str) -> None:
    before = quarantine.rows()
    done = run(*words)
    assert done.exit_code != 0
    assert why in done.output
    assert "Traceback" not in done.output
    assert isinstance(done.exception, SystemExit)
    assert quarantine.rows() == before


@pytest.mark.parametrize(
    "words", [("list",), ("show", "1"), ("replay", "1", "--dry-run"), ("dismiss", "1", "--reason", "x")]
)
def test_without_a_warehouse_it_says_so(monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_LANECAST_WAREHOUSE", "postgresql://lanecast:hush@127.0.0.1:1/nowhere")
    done = run(*words)
    assert done.exit_code == 1
    assert done.output.startswith("Error: ")
    assert "127.0.0.1" in done.output
    assert "hush" not in done.output
    assert isinstance(done.exception, SystemExit)


def test_a_choice_of_rows_is_planned_into_the_query_that_asks(quarantine: Quarantine) -> None:
    """The two functions that all statements share would else be run whole, and filtered after."""
    asked = "EXPLAIN SELECT * FROM ops.free_quarantined_rows(NULL, 'shipment', NULL, 'a run')"
    plan = "\n".join(line for (line,) in quarantine.asked(asked))
    assert "Function Scan" not in plan, plan
    assert "dataset = 'shipment'" in plan, plan
