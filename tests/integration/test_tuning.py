"""The choice of half-life and leaning: by weeks that were not fitted on, and used by the next refresh."""

from __future__ import annotations

import io

import numpy
import psycopg2
import pytest
from click.testing import CliRunner
from delivery_rows import START, days, execute, rows

from lanecast.cli import cli
from lanecast.delivery import life_table, tuning
from lanecast.delivery.refresh import refresh
from lanecast.warehouse import connection

pytestmark = pytest.mark.usefixtures("warehouse")
HISTORY_DAYS = 100.0


def put_history(parcels: int, change_day: float) -> None:
    """Parcels to four countries; from a day on, all take eight days more."""
    chance = numpy.random.default_rng(3)
    ordered = numpy.sort(chance.uniform(0, HISTORY_DAYS, parcels))
    took = chance.gamma(6, 1, parcels) + numpy.where(ordered > change_day, 8, 0)
    lines = io.StringIO()
    for number, (start, span) in enumerate(zip(ordered, took, strict=True)):
        arrived = days(start + span).isoformat() if start + span <= HISTORY_DAYS else "\\N"
        country = ("BR", "PT", "MX", "JP")[number % 4]
        lines.write(f"{number}\tunknown\t1\t{country}\t{days(start).isoformat()}\t{arrived}\ttest\t{START}\t{START}\n")
    lines.seek(0)
    with connection.connect() as link, link.cursor() as cursor:
        cursor.copy_expert(
            "COPY core.shipment (shipment_id, carrier, epoch, destination_country, ordered_at, delivered_at, run_id, "
            "ingested_at, changed_at) FROM STDIN",
            lines,
        )
    execute("INSERT INTO ops.shipment_change (shipment_id, run_id) SELECT shipment_id, 'test' FROM core.shipment")


def test_after_a_change_the_young_evidence_is_chosen_and_the_next_refresh_uses_it() -> None:
    put_history(4000, change_day=60)
    refresh(as_of=days(HISTORY_DAYS))
    before = rows("SELECT points FROM serving.delivery_time WHERE specificity = 1")[0]["points"]
    tuned = tuning.tune(as_of=days(HISTORY_DAYS))
    assert tuned.choice is not None
    assert tuned.choice.half_life_days == min(tuning.HALF_LIVES_DAYS)
    assert tuned.score > tuned.default_score
    again = tuning.tune(as_of=days(HISTORY_DAYS))
    assert (again.choice, again.cells) == (tuned.choice, tuned.cells)
    assert (again.score, again.default_score) == pytest.approx((tuned.score, tuned.default_score), abs=1e-12)
    # nothing has changed but the choice: it is taken up all the same
    assert refresh(as_of=days(HISTORY_DAYS)).lanes == 5
    (state,) = rows("SELECT * FROM serving.life_table_state")
    assert state["half_life_days"] == tuned.choice.half_life_days
    after = rows("SELECT points FROM serving.delivery_time WHERE specificity = 1")[0]["points"]
    assert after[3] > before[3], "the median of late is nearer to what it has become"


def test_what_comes_later_than_now_is_not_looked_at() -> None:
    put_history(4000, change_day=60)
    refresh(as_of=days(HISTORY_DAYS))
    with connection.connect(as_of=days(HISTORY_DAYS)) as link, link.cursor() as cursor:
        trial = tuning.Trial(cursor)
        life_table.bounds(cursor, 14)
        week = trial.weeks[0]
        values = {"measure": tuning.MEASURE, "since": trial.since, "week": week, "now": trial.now, "half_life": 14.0}
        cursor.execute(tuning.statement("tuning/evidence"), values)
        cursor.execute("SELECT * FROM evidence ORDER BY leaf_id, bin")
        fitted = cursor.fetchall()
        assert len(fitted) > 50
        cursor.execute(
            "UPDATE serving.journey_span SET ended_at = started_at + (ended_at - started_at) * 2 WHERE ended_at > %s",
            (week,),
        )
        cursor.execute("DELETE FROM serving.journey_span WHERE started_at > %s", (week,))
        cursor.execute("DROP TABLE evidence")
        cursor.execute(tuning.statement("tuning/evidence"), values)
        cursor.execute("SELECT * FROM evidence ORDER BY leaf_id, bin")
        assert cursor.fetchall() == fitted
        link.rollback()


def test_too_few_parcels_choose_nothing(warehouse: str) -> None:
    put_history(300, change_day=60)
    refresh(as_of=days(HISTORY_DAYS))
    assert tuning.tune(as_of=days(HISTORY_DAYS)).choice is None
    assert rows("SELECT 1 FROM serving.life_table_choice") == []
    with psycopg2.connect(warehouse) as link, link.cursor() as cursor:
        cursor.execute("INSERT INTO ops.clock VALUES (true, %s, now(), 0)", (days(HISTORY_DAYS),))
    told = CliRunner().invoke(cli, ["tune"])
    assert told.exit_code == 0
    assert "too few parcels" in told.output
