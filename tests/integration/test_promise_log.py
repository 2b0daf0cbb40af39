"""mart.issue_promises(): what is kept of a promise, who may write it, and that nobody changes it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg2
import psycopg2.errors
import pytest
from delivery_rows import days, execute, rows
from promise_rows import CN_BR, even, put_lane, put_statuses

from lanecast.delivery import promises
from lanecast.delivery.promise import NoPromise, Question, ask, issue
from lanecast.local.server import RunningServer
from lanecast.warehouse import connection, maintenance

LOG = "SELECT * FROM serving.promise_log ORDER BY promise_id"


@pytest.fixture(autouse=True)
def lanes(warehouse: str) -> None:
    put_lane(even(20), n=310)
    put_lane(even(20), CN_BR | {"carrier": "ups"}, n=221)


def issued(at: float, asked: Question | None = None, **reference: str | None) -> dict[str, Any]:
    with connection.connect(as_of=days(at)) as link:
        return dict(issue(link, asked or Question("CN", "BR", "ups"), **reference))


def test_a_promise_with_a_reference_is_kept_as_it_was_given() -> None:
    question = Question("cn", "BR-SP", "UPS", starts_at=days(3))
    told = issued(4, question, order_id=" A-1 ")
    with connection.connect(as_of=days(4)) as link:
        asked = ask(link, question)
    assert {key: told[key] for key in asked} == asked
    (kept,) = rows(LOG)
    assert (
        (kept["promise_id"], kept["issued_at"])
        == (told["promise_id"], days(4))
        == (told["promise_id"], told["issued_at"])
    )
    assert abs(kept.pop("recorded_at") - datetime.now(UTC)) < timedelta(minutes=1)
    expected = {
        "issued_week": date(2026, 3, 2),
        "order_id": "A-1",
        "tracking_number": None,
        "shipment_id": None,
        "origin_country": "CN",
        "origin_region": None,
        "destination_country": "BR",
        "destination_region": "BR-SP",
        "carrier": "ups",
        "service": None,
        "measure": "order_to_door",
        "starts_at": days(3),
        "age_days": 0.0,
        "lane": "CN||BR||ups|",
        "level": "carrier",
        "likely_level": 0.5,
        "earliest": asked["earliest"],
        "likely": asked["likely"],
        "latest": asked["latest"],
        # the end of 23 March in Sao Paulo
        "matures_at": datetime(2026, 3, 24, 3, tzinfo=UTC),
        "n": 221,
        "basis": asked["basis"],
        "coverage": None,
        "model_version": "life table",
    }
    assert {key: kept[key] for key in expected} == expected
    assert float(kept["confidence"]) == 0.8
    assert [kept[f"{limit}_level"] for limit in ("lower", "upper")] == pytest.approx([0.1, 0.9])
    assert [kept[f"{limit}_days"] for limit in ("lower", "likely", "upper")] == pytest.approx([2, 10, 18])
    (shown,) = rows("SELECT * FROM mart.promise_log")
    assert (shown["order_id"], shown["latest"], shown["upper_days"]) == ("A-1", asked["latest"], 18)


def test_questions_without_reference_are_answered_and_not_kept() -> None:
    for reference in ({}, {"order_id": None}, {"order_id": "  "}, {"tracking_number": ""}):
        told = issued(4, **reference)
        assert (told["promise_id"], told["issued_at"]) == (None, None)
        assert told["latest"] is not None
    assert rows(LOG) == []


def test_nothing_to_promise_is_not_kept() -> None:
    execute("DELETE FROM serving.delivery_time")
    told = issued(4, order_id="A-1")
    assert (told["promise_id"], told["latest"], told["basis"]) == (None, None, "no parcel delivered yet")
    assert rows(LOG) == []


def test_each_promise_is_a_row_and_a_repetition_of_the_same_moment_is_not() -> None:
    first = issued(4, order_id="A-1")
    assert issued(4, order_id="A-1") == first
    assert issued(4 + 30 / 86400, order_id="A-1") == first  # a retry within the minute, asked from now on
    others = [
        issued(4, order_id="A-2"),
        issued(4, tracking_number="A-1"),
        issued(4, Question("CN", "BR", "ups", confidence=0.9), order_id="A-1"),
        issued(4, Question("CN", "BR", "ups", clock="handover"), order_id="A-1"),
        issued(4, Question("CN", "BR-SP", "ups"), order_id="A-1"),
        issued(5, order_id="A-1"),
    ]
    put_lane(even(30), CN_BR | {"carrier": "ups"})
    execute("DELETE FROM serving.delivery_time WHERE lane = 'CN||BR||ups|'")
    others.append(issued(4, order_id="A-1"))  # rests on another lane by now
    numbers = [first["promise_id"], *(one["promise_id"] for one in others)]
    assert len(set(numbers)) == len(numbers) == len(rows(LOG))


def test_one_call_answers_many_questions_in_their_order() -> None:
    questions = [
        {"destination": "BR", "order_id": "A-1"},
        {"destination": "JP"},
        {"destination": "BR", "order_id": "A-1"},
        {"destination": "JP", "confidence": 0.5, "clock": "handover", "order_id": "A-2"},
    ]
    told = rows("SELECT * FROM mart.issue_promises(%s)", json.dumps(questions))
    assert [row["question"] for row in told] == [1, 2, 3, 4]
    assert told[0]["promise_id"] == told[2]["promise_id"] is not None
    assert told[1]["promise_id"] is None
    kept = {row["promise_id"]: row for row in rows(LOG)}
    assert len(kept) == 2
    assert kept[told[3]["promise_id"]]["measure"] == "handover_to_door"
    assert rows("SELECT * FROM mart.issue_promises('[]')") == []


REFUSED = (
    ('{"order_id": "A"}', "no array of objects"),
    ('"A"', "no array of objects"),
    ("[1]", "no array of objects"),
    ("[[]]", "no array of objects"),
    ("null", "no array of objects"),
    ('[{"earliest": "2026-01-01", "order_id": "A"}]', "no key 'earliest'"),
    ('[{"destination": "Brazil", "order_id": "A"}]', "neither a country nor a region"),
    ('[{"clock": "sundial", "order_id": "A"}]', "clock 'sundial'"),
    ('[{"starts_at": "soon", "order_id": "A"}]', "invalid input syntax"),
    ('[{"confidence": "NaN", "order_id": "A"}]', "confidence NaN"),
    (json.dumps([{"order_id": "A" * 201}]), "longer than 200"),
    (json.dumps([{}] * 20_001), "too many"),
)


def test_a_bad_question_is_refused_and_none_of_its_call_is_kept() -> None:
    good = json.dumps({"destination": "BR", "order_id": "B"})
    for questions, problem in REFUSED:
        for given in (questions, questions.replace("[", f"[{good}, ", 1) if questions.startswith("[{") else questions):
            with pytest.raises(psycopg2.DataError, match=problem):
                rows("SELECT * FROM mart.issue_promises(%s)", given)
    with pytest.raises(psycopg2.DataError):
        rows("SELECT * FROM mart.issue_promises(NULL)")
    with pytest.raises(NoPromise, match="longer than 200"):
        issued(4, order_id="A" * 201)
    with pytest.raises(NoPromise):
        issued(4, order_id="A\0")
    assert rows(LOG) == []


def test_references_are_values_and_never_code() -> None:
    hateful = "'; DROP TABLE serving.promise_log; --"
    issued(4, Question("CN", "BR", hateful, hateful), order_id=hateful, tracking_number='%s {0} \\ " 🚚')
    (kept,) = rows(LOG)
    assert (kept["order_id"], kept["carrier"], kept["service"]) == (hateful, hateful.lower(), hateful)
    assert kept["tracking_number"] == '%s {0} \\ " 🚚'


# -------------------------------------------------------------------------------------------------- who may do what


WRITES = (
    "INSERT INTO serving.promise_log (promise_hash) VALUES ('')",
    "UPDATE serving.promise_log SET latest = latest + 1",
    "UPDATE serving.promise_log SET order_id = NULL",
    "DELETE FROM serving.promise_log",
    "TRUNCATE serving.promise_log",
    "UPDATE mart.promise_log SET latest = latest + 1",
    "DELETE FROM mart.promise_log",
    "ALTER TABLE serving.promise_log DISABLE TRIGGER kept_as_issued",
    "ALTER TABLE serving.promise_log ADD COLUMN mine text",
    "CREATE OR REPLACE FUNCTION mart.issue_promises(questions jsonb) RETURNS integer LANGUAGE sql AS 'SELECT 1'",
    "SELECT setval('serving.promise_log_promise_id_seq', 1)",
    "COPY serving.promise_log FROM PROGRAM 'cat'",
)


@pytest.fixture
def reader(server: RunningServer, warehouse: str) -> Iterator[psycopg2.extensions.cursor]:
    """A cursor with the rights of lanecast_reader."""
    link = psycopg2.connect(server.dsn("postgres", warehouse.rpartition("/")[2]), options="-c role=lanecast_reader")
    link.autocommit = True
    yield link.cursor()
    link.close()


def test_nobody_writes_the_log_but_the_one_function(reader: psycopg2.extensions.cursor) -> None:
    issued(4, order_id="A-1")
    before = rows(LOG)
    for attempt in WRITES:
        with pytest.raises(psycopg2.errors.InsufficientPrivilege):
            execute(attempt)
        with pytest.raises(psycopg2.errors.InsufficientPrivilege):
            reader.execute(attempt)
    assert rows(LOG) == before


def test_a_reader_sees_the_log_and_promises_nothing(reader: psycopg2.extensions.cursor) -> None:
    issued(4, order_id="A-1")
    reader.execute("SELECT count(*) FROM mart.promise_log")
    assert reader.fetchone() == (1,)
    reader.execute("SELECT promised_days FROM mart.best_promise_day('CN', 'BR', 'ups', NULL, 4, 1)")
    assert reader.fetchone() == (15,)
    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
        reader.execute("SELECT mart.issue_promises('[]')")


def test_a_promise_is_kept_as_issued_by_its_owner_too() -> None:
    issued(4, order_id="A-1", tracking_number="N-1")
    before = rows(LOG)
    for attempt in (
        "latest = latest + 1",
        "upper_days = upper_days + 1",
        "order_id = 'A-2'",
        "order_id = NULL",
        "issued_at = issued_at - interval '1 day'",
        "promise_hash = NULL, order_id = NULL, tracking_number = NULL, shipment_id = NULL, n = 1",
    ):
        with pytest.raises(psycopg2.errors.IntegrityConstraintViolation, match="kept as it was issued"):
            execute(f"UPDATE serving.promise_log SET {attempt}", role="owner")
    assert rows(LOG) == before


def test_one_function_writes_the_log_as_its_owner_and_what_it_calls_is_fixed() -> None:
    writers = rows(
        "SELECT oid::regprocedure::text AS name, prosecdef, proconfig, prosrc, proowner::regrole::text AS owner "
        "FROM pg_proc WHERE prosrc ~* 'insert\\s+into\\s+serving\\.promise_log\\y'"
    )
    assert [row["name"] for row in writers] == ["mart.issue_promises(jsonb)"]
    (writer,) = writers
    assert (writer["prosecdef"], writer["owner"]) == (True, "lanecast_owner")
    assert writer["proconfig"] == ["search_path=pg_catalog, pg_temp"]
    assert "execute" not in writer["prosrc"].lower()
    assert writer["prosrc"].lower().count("insert into") == 1


def test_objects_of_the_caller_do_not_stand_in_for_those_of_the_function() -> None:
    with connection.connect(as_of=days(4)) as link, link.cursor() as cursor:
        cursor.execute(
            "CREATE TEMP TABLE promise_log (promise_id bigint); CREATE TEMP TABLE country (country text, zone text); "
            "CREATE FUNCTION pg_temp.sha256(bytea) RETURNS bytea LANGUAGE sql AS 'SELECT ''\\x00''::bytea'; "
            "CREATE FUNCTION pg_temp.least(double precision, double precision) RETURNS double precision "
            "LANGUAGE sql AS 'SELECT 1::double precision'; SET search_path = pg_temp, public"
        )
        cursor.execute('SELECT promise_id FROM mart.issue_promises(\'[{"order_id": "A"}]\')')
        (number,) = cursor.fetchone() or (None,)
    (kept,) = rows(LOG)
    assert (kept["promise_id"], len(kept["promise_hash"])) == (number, 32)


# ------------------------------------------------------------------------------------------------- by the refresh


def test_open_shipments_get_one_promise_for_each_clock_that_has_begun() -> None:
    lane = CN_BR | {"carrier": "ups"}
    put_statuses(
        {"shipment_id": 1, **lane, "order_id": "A-1", "tracking_number": "N-1"},
        {"shipment_id": 2, **lane, "shipped_at": days(0.5)},
        {"shipment_id": 3, **lane, "delivered_at": days(0.5)},
        {"shipment_id": 4, **lane, "milestone": "lost", "milestone_at": days(0.5)},
        {"shipment_id": 5, **lane, "milestone": "lost"},
        {"shipment_id": 6, **lane, "milestone": "tracking_expired", "milestone_at": days(0.5)},
        {"shipment_id": 7, **lane, "ordered_at": None},
        {"shipment_id": 8, **lane, "ordered_at": days(2)},
        {"shipment_id": 9, **lane, "milestone": "returning", "milestone_at": days(0.5)},
        {"shipment_id": 10, "origin_country": "??", "destination_country": "br", "destination_region": "São Paulo"},
        {"shipment_id": 11, **lane, "destination_region": "BR-SP", "order_id": "A" * 300},
        {"shipment_id": 12, **lane, "ordered_at": days(-30)},
    )
    assert promises.issue(as_of=days(1), most=2) == 5
    kept = rows(LOG)
    assert {(row["shipment_id"], row["measure"]) for row in kept} == {
        (1, "order_to_door"),
        (2, "order_to_door"),
        (2, "handover_to_door"),
        (10, "order_to_door"),
        (11, "order_to_door"),
    }
    one = kept[0]
    assert (one["order_id"], one["tracking_number"], one["starts_at"]) == ("A-1", "N-1", days(0))
    assert (one["issued_at"], one["age_days"], float(one["confidence"])) == (days(1), 1.0, 0.8)
    # A twentieth of 20 days lies behind it: of what remains, evenly from day 1 to day 20, a tenth and nine tenths.
    assert [one["lower_days"], one["likely_days"], one["upper_days"]] == pytest.approx([2.9, 10.5, 18.1])
    assert promises.issue(as_of=days(1)) == 0
    assert promises.issue(as_of=days(3)) == 1  # the order of the second day
    put_statuses({"shipment_id": 1, **lane, "order_id": "A-1", "shipped_at": days(3)})
    assert promises.issue(as_of=days(4)) == 1
    assert rows(LOG)[-1]["measure"] == "handover_to_door"
    assert rows(LOG)[: len(kept)] == kept


def test_a_promise_given_before_counts() -> None:
    issued(0.5, order_id="A-1")
    issued(0.5, tracking_number="N-2")
    put_statuses(
        {"shipment_id": 1, **CN_BR, "order_id": "A-1", "shipped_at": days(0.6)},
        {"shipment_id": 2, **CN_BR, "tracking_number": "N-2", "carrier": "ups"},
        {"shipment_id": 3, **CN_BR, "tracking_number": "N-2", "carrier": "dhl"},
    )
    assert promises.issue(as_of=days(1)) == 2
    kept = {(row["shipment_id"], row["measure"]) for row in rows(LOG) if row["shipment_id"]}
    assert kept == {(1, "handover_to_door"), (3, "order_to_door")}


def test_a_refresh_that_is_cut_off_leaves_whole_promises(monkeypatch: pytest.MonkeyPatch) -> None:
    put_statuses(*({"shipment_id": number, **CN_BR} for number in range(1, 61)))
    rounds = iter([1, 2])

    def alone(cursor: Any) -> None:
        if next(rounds, None) is None:
            raise KeyboardInterrupt

    with monkeypatch.context() as cut:
        cut.setattr(promises, "_alone", alone)
        with pytest.raises(KeyboardInterrupt):
            promises.issue(as_of=days(0.5), most=20)
    assert len(rows(LOG)) == 40
    assert promises.issue(as_of=days(0.6), most=20) == 20
    assert {row["shipment_id"] for row in rows(LOG)} == set(range(1, 61))


# ------------------------------------------------------------------------------------------------------- forgetting


def test_what_is_not_kept_any_more_takes_its_reference_along() -> None:
    core = "INSERT INTO core.shipment (shipment_id, carrier, epoch, order_id, run_id, ingested_at, changed_at) VALUES "
    execute(core + "(1, 'ups', 1, 'A-1', 'test', now(), now()), (2, 'ups', 1, 'A-2', 'test', now(), now())")
    put_statuses(
        {"shipment_id": 1, **CN_BR, "order_id": "A-1"},
        {"shipment_id": 2, **CN_BR, "order_id": "A-2"},
        {"shipment_id": 3, **CN_BR, "order_id": "A-3"},
    )
    promises.issue(as_of=days(0.5))
    issued(0.5, Question("CN", "BR", "ups", confidence=0.9), order_id="A-1")
    issued(0.5, order_id="never seen")
    before = rows(LOG)
    execute("DELETE FROM core.shipment WHERE shipment_id = 2")

    def forgotten(at: float) -> list[str | None]:
        with connection.connect(role="owner") as link, link.cursor() as cursor:
            promises.forget(cursor, days(at), 1825)
        return [row["order_id"] for row in rows(LOG)]

    assert forgotten(1) == ["A-1", None, None, "A-1", "never seen"]
    assert forgotten(100) == ["A-1", None, None, "A-1", None]
    own = {"promise_hash", "order_id", "tracking_number", "shipment_id"}
    for was, row in zip(before, rows(LOG), strict=True):
        assert {key: row[key] for key in row.keys() - own} == {key: was[key] for key in was.keys() - own}
    assert rows(LOG)[1]["promise_hash"] is None
    assert forgotten(1826) == []


def test_the_nightly_maintenance_forgets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for setting in ("LANECAST_REPORTS", "LANECAST_RAW"):
        monkeypatch.setenv(setting, str(tmp_path / setting))
    execute("INSERT INTO ops.clock VALUES (true, %s, now(), 0)", days(1))
    put_statuses({"shipment_id": 1, **CN_BR, "order_id": "A-1"})  # core has no such shipment
    assert promises.issue(as_of=days(0.5)) == 1
    assert maintenance.maintain()["serving.promise_log forgotten"] == 1
    assert [row["order_id"] for row in rows(LOG)] == [None]
