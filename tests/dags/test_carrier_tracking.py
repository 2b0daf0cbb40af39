"""carrier_tracking by `dag.test()`, on a real warehouse and real sandbox carriers over a small world."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

import pytest

from conftest import Airflow
from lanecast import raw
from sandbox_world import CARRIERS, Event, StandIn, content, one, rows

pytestmark = pytest.mark.timeout(240)

TOLD = (
    "SELECT number.carrier, number.tracking_number, event.reported_at, event.code, "
    "date_trunc('minute', event.occurred_at)::timestamp, event.tz_known "
    "FROM core.tracking_event AS event JOIN core.shipment_number AS number USING (shipment_id) "
    "WHERE event.raw_answer_id IS NOT NULL"
)


POINTER = "SELECT file, byte_offset, byte_length FROM ops.raw_answer WHERE raw_answer_id = %s"


def told(address: str) -> dict[Event, datetime | None]:
    """The events that carriers told; the UTC minute of each, None where the zone was a guess."""
    return {row[:4]: None if row[5] == "assumed" else row[4] for row in rows(address, TOLD)}


def truth(sandbox: StandIn, numbers: Iterable[tuple[str, str]]) -> dict[Event, datetime]:
    return {event: at for number in numbers for event, at in sandbox.truth(*number).items()}


def reconciled(address: str, run: dict[str, Any]) -> dict[str, tuple[int, int, int, int]]:
    """received, loaded, duplicate, quarantined by dataset, which add up."""
    found = rows(
        address,
        "SELECT dataset, received, loaded, duplicate, quarantined FROM quality.reconciliation WHERE run_id = %s",
        (run["run_id"],),
    )
    for _, received, loaded, duplicate, quarantined in found:
        assert received == loaded + duplicate + quarantined
    return {row[0]: row[1:] for row in found}


def asked(address: str, run: dict[str, Any]) -> list[tuple[str, str]]:
    return rows(address, "SELECT carrier, tracking_number FROM ops.poll_request WHERE run_id = %s", (run["run_id"],))


def states(run: dict[str, Any], task: str) -> list[str]:
    return sorted(found["state"] for found in run["tasks"] if found["id"] == task)


def test_what_the_carriers_tell_is_loaded_and_adds_up(airflow: Airflow, past: str, sandbox: StandIn) -> None:
    run = airflow.run("carrier_tracking")
    assert run["state"] == "success", airflow.log()[-3000:]
    numbers = asked(past, run)
    assert {carrier for carrier, _ in numbers} == set(CARRIERS)
    assert run["mapped"] == {"pull": len({carrier for carrier, _ in numbers})}

    loaded = told(past)
    known = set(numbers) | {event[:2] for event in loaded}
    assert known > set(numbers)  # the other pieces of a shipment came with it
    expected = truth(sandbox, known)
    assert len(expected) > 500
    assert set(loaded) == set(expected)
    assert [event for event, at in loaded.items() if at not in (None, expected[event])] == []
    assert sum(at is None for at in loaded.values()) < len(loaded) / 20

    received, new, _, quarantined = reconciled(past, run)["tracking_event"]
    assert new == len(loaded)
    assert quarantined == one(
        past, "SELECT sum(times_seen) FROM quality.quarantined_row WHERE first_run_id = %s", (run["run_id"],)
    )
    assert quarantined > 0
    assert received > new
    assert run["queued"] == ["delivery_time"]


def test_the_same_answers_again_load_nothing(airflow: Airflow, past: str, sandbox: StandIn) -> None:
    first = airflow.run("carrier_tracking")
    airflow.run("carrier_tracking")  # asks for the pieces that the first run found
    before = content(past)
    idle = airflow.run("carrier_tracking")
    assert idle["state"] == "success"
    assert asked(past, idle) == []
    again = airflow.run("carrier_tracking", force=True)
    assert again["state"] == "success"
    _, loaded, duplicate, quarantined = reconciled(past, again)["tracking_event"]
    assert loaded == 0
    assert duplicate > 500
    assert quarantined == reconciled(past, first)["tracking_event"][3]
    assert content(past) == before


def test_a_later_pull_brings_the_news_alone(airflow: Airflow, past: str, sandbox: StandIn) -> None:
    airflow.run("carrier_tracking")
    before = set(told(past))
    sandbox.move_on(timedelta(days=2))
    run = airflow.run("carrier_tracking")
    assert run["state"] == "success"
    news = set(told(past)) - before
    expected = set(truth(sandbox, asked(past, run))) - before
    assert len(expected) > 50
    assert {event for event in news if event[:2] in set(asked(past, run))} == expected
    # An event that is now told otherwise (delivered to the sender: returned) counts as loaded, and is no news.
    touched, new = rows(
        past,
        "SELECT count(*), count(*) FILTER (WHERE event.ingested_at = run.as_of) FROM core.tracking_event AS event "
        "JOIN ops.run USING (run_number) WHERE run.run_id = %s",
        (run["run_id"],),
    )[0]
    assert reconciled(past, run)["tracking_event"][1] == touched
    assert len(news) == new <= touched <= new * 1.1
    assert one(past, "SELECT count(*) FROM ops.poll_plan WHERE reason LIKE 'ended %%'", ()) > 0


def test_params_by_hand(airflow: Airflow, past: str, sandbox: StandIn) -> None:
    run = airflow.run("carrier_tracking", carrier="usps")
    assert run["state"] == "success"
    assert {carrier for carrier, _ in asked(past, run)} == {"usps"}

    known = one(past, "SELECT min(tracking_number) FROM ops.poll_request WHERE carrier = 'usps'")
    unknown = next(
        shipment.number
        for shipment in sandbox.world.shipments_ordered_on((sandbox.time + timedelta(days=3)).date())
        if shipment.carrier == "usps"
    )
    run = airflow.run(
        "carrier_tracking", carrier="usps", tracking_numbers=[f" {known[:9]} {known[9:]}".strip(), unknown]
    )
    assert run["state"] == "success"
    assert sorted(asked(past, run)) == sorted([("usps", known), ("usps", unknown)])
    found = rows(past, "SELECT outcome FROM ops.poll_request WHERE run_id = %s ORDER BY 1", (run["run_id"],))
    assert found == [("answered",), ("not_found",)]
    assert one(past, "SELECT count(*) FROM core.shipment WHERE tracking_number = %s", (unknown,)) == 1


@pytest.mark.parametrize(
    ("asked_for", "told"),
    [
        ({"conf": {"tracking_numbers": ["1Z999AA10123456784"]}}, "1Z999AA10123456784: name its carrier"),
        ({"backfill": True}, "history_import"),
    ],
)
def test_what_can_not_be_done_is_refused_without_retry(
    airflow: Airflow, past: str, asked_for: dict[str, Any], told: str
) -> None:
    run = airflow.run("carrier_tracking", backfill=asked_for.get("backfill", False), **asked_for.get("conf", {}))
    assert run["state"] == "failed"
    assert [(found["id"], found["tries"]) for found in run["tasks"] if found["state"] == "failed"] == [("find_due", 1)]
    assert [found["error"] for found in run["raised"]] == ["RunRefused"]
    assert told in run["raised"][0]["message"]
    assert rows(past, "SELECT * FROM ops.poll_request") == []


def test_a_carrier_that_is_down_fails_the_run_but_the_others_load(
    airflow: Airflow, past: str, sandbox: StandIn
) -> None:
    sandbox.fault(carrier="fedex", kind="503", share=1, seconds=0)
    run = airflow.run("carrier_tracking")
    outcomes = set(rows(past, "SELECT carrier, outcome FROM ops.poll_request WHERE run_id = %s", (run["run_id"],)))
    assert {outcome for carrier, outcome in outcomes if carrier == "fedex"} == {"failed"}
    assert {carrier for carrier, outcome in outcomes if outcome == "answered"} == {"ups", "dhl", "usps"}
    numbers = [number for number in asked(past, run) if number[0] != "fedex"]
    loaded = {event for event in told(past) if event[:2] in set(numbers)}
    assert loaded == set(truth(sandbox, numbers))
    assert {event[0] for event in told(past)} == {"ups", "dhl", "usps"}
    reconciled(past, run)
    assert states(run, "load") == ["success"]
    assert run["state"] == "failed"
    assert run["queued"] == ["delivery_time"]


@pytest.mark.parametrize(
    ("kind", "rule", "reason"),
    [
        ("truncated", "unreadable_value", "truncated|not JSON|malformed"),
        ("html", "unreadable_value", "HTML|html|not JSON"),
        ("empty", "unreadable_value", "empty"),
        ("gzip_broken", "unreadable_value", "gzip"),
        ("malformed_parcel", "unreadable_value", "."),
        ("huge", "unreadable_value", "."),
    ],
)
def test_a_broken_answer_is_quarantined_and_the_rest_loads(
    airflow: Airflow, past: str, sandbox: StandIn, kind: str, rule: str, reason: str
) -> None:
    sandbox.fault(carrier="dhl", kind=kind, count=2)
    run = airflow.run("carrier_tracking", carrier="dhl")
    assert run["state"] == "success", airflow.log()[-3000:]
    flawed = [number for _, number in asked(past, run) if sandbox.flaw(sandbox.world.find("dhl", number)[0])]
    bad = rows(
        past,
        "SELECT row_data ->> 'tracking_number', rule, reason, raw_answer_id FROM quality.quarantined_row "
        "WHERE first_run_id = %s AND NOT row_data ->> 'tracking_number' = ANY(%s)",
        (run["run_id"], flawed),
    )
    assert len({number for number, *_ in bad}) == 2
    for number, named, told_why, pointer in bad:
        assert named == rule
        assert re.search(reason, told_why), told_why
        stored = raw.read(*rows(past, POINTER, (pointer,))[0])
        assert stored.status == 200
        assert number in stored.tracking_numbers
        assert len(stored.body) <= 64 * 1024 * 1024
    broken = {number for number, *_ in bad}
    whole = [number for number in asked(past, run) if number[1] not in broken]
    assert {event for event in told(past) if event[:2] in set(whole)} == set(truth(sandbox, whole))
    assert {event[1] for event in told(past)} & broken == set()
    reconciled(past, run)
