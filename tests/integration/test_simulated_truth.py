"""Worlds whose truth is known: times drift, business grows, a strike passes, some parcels never arrive."""

from __future__ import annotations

import io

import numpy
import pytest
from delivery_rows import START, days, execute, put_many_events, rows
from numpy.typing import NDArray

from lanecast.delivery import life_table
from lanecast.delivery.refresh import refresh
from lanecast.warehouse import connection

SEEDS = 20
PARCELS = 4_000
HISTORY_DAYS = 180.0
COHORT_DAYS = 28.0
"""Parcels ordered in the last four weeks: the ones that somebody waits for."""

DRIFT_A_MONTH = 0.03
GROWTH_A_MONTH = 0.15
STRIKE = (HISTORY_DAYS - 21, HISTORY_DAYS - 16)
LOST = 0.015


def world(seed: int) -> dict[str, NDArray[numpy.float64]]:
    """One world: for each parcel the day ordered and the day delivered, and the day lost where it is (else NaN)."""
    chance = numpy.random.default_rng(seed)
    growth = GROWTH_A_MONTH * HISTORY_DAYS / 30
    ordered = HISTORY_DAYS * numpy.log1p(chance.random(PARCELS) * numpy.expm1(growth)) / growth
    took = (4 + chance.gamma(3.5, 2.4, PARCELS)) * (1 + DRIFT_A_MONTH * ordered / 30)
    delivered = ordered + took
    # Seven in ten parcels that were to be delivered during the strike wait for its end, and up to three days more.
    struck = (delivered >= STRIKE[0]) & (delivered < STRIKE[1]) & (chance.random(PARCELS) < 0.7)
    delivered = numpy.where(struck, STRIKE[1] + 3 * chance.random(PARCELS), delivered)
    lost = numpy.where(chance.random(PARCELS) < LOST, ordered + 3 + 27 * chance.random(PARCELS), numpy.nan)
    return {"ordered": ordered, "delivered": numpy.where(numpy.isnan(lost), delivered, numpy.nan), "lost": lost}


def load(worlds: list[dict[str, NDArray[numpy.float64]]]) -> None:
    """As known at the end of the history: each world is a destination of its own."""
    lines = io.StringIO()
    lost = []
    for seed, told in enumerate(worlds):
        for index, (ordered, delivered) in enumerate(zip(told["ordered"], told["delivered"], strict=True)):
            number = seed * PARCELS + index
            arrived = days(delivered).isoformat() if delivered <= HISTORY_DAYS else "\\N"
            lines.write(
                f"{number}\tunknown\t1\t{chr(65 + seed)}{chr(65 + seed)}\t{days(ordered).isoformat()}\t{arrived}\t"
                f"test\t{START.isoformat()}\t{START.isoformat()}\n"
            )
            if told["lost"][index] <= HISTORY_DAYS:
                lost.append({"shipment_id": number, "at": days(told["lost"][index]), "milestone": "lost"})
    lines.seek(0)
    with connection.connect() as link, link.cursor() as cursor:
        cursor.copy_expert(
            "COPY core.shipment (shipment_id, carrier, epoch, destination_country, ordered_at, delivered_at, run_id, "
            "ingested_at, changed_at) FROM STDIN",
            lines,
        )
    put_many_events(lost)
    execute("INSERT INTO ops.shipment_change (shipment_id, run_id) SELECT shipment_id, 'test' FROM core.shipment")


def mean_and_p90(curve: list[float], bounds: list[float]) -> tuple[float, float]:
    """Of a curve that is straight between its bounds, from 0 on."""
    shares, ages = numpy.array([0, *curve]), numpy.array([0, *bounds[: len(curve)]])
    return float((numpy.diff(shares) * (ages[1:] + ages[:-1]) / 2).sum()), float(numpy.interp(0.9, shares, ages))


@pytest.mark.usefixtures("warehouse")
def test_the_estimate_is_near_the_truth_where_the_average_of_delivered_parcels_is_not(
    capsys: pytest.CaptureFixture[str],
) -> None:
    worlds = [world(seed) for seed in range(SEEDS)]
    # Worlds lean on nothing: not on each other.
    execute(
        "INSERT INTO serving.life_table_choice (chosen_at, half_life_days, kappas, mixed, cells) "
        "VALUES (%s, %s, %s, %s, 0)",
        *(START, life_table.HALF_LIFE_DAYS, [0.0] * len(life_table.KAPPAS), list(life_table.MIXED)),
    )
    load(worlds)
    refresh(as_of=days(HISTORY_DAYS))
    found = rows(
        "SELECT curve, serving.age_bounds(measure) AS bounds FROM serving.delivery_time "
        "WHERE specificity = 2 AND measure = 'order_to_door' ORDER BY destination_country"
    )
    estimated = numpy.array([mean_and_p90(row["curve"], row["bounds"]) for row in found])
    truth, delivered_only, under_way = [], [], []
    for told in worlds:
        cohort = told["ordered"] > HISTORY_DAYS - COHORT_DAYS
        took = (told["delivered"] - told["ordered"])[cohort]
        arrived = told["delivered"][cohort] <= HISTORY_DAYS
        truth.append((numpy.nanmean(took), numpy.nanpercentile(took, 90)))
        delivered_only.append((took[arrived].mean(), numpy.percentile(took[arrived], 90)))
        under_way.append(1 - arrived.mean())
    pooled = numpy.mean(truth, axis=0)
    bias = estimated.mean(axis=0) / pooled - 1
    plain = numpy.mean(delivered_only, axis=0) / pooled - 1
    with capsys.disabled():
        print(
            f"\n{SEEDS} worlds, {numpy.mean(under_way):.0%} of the cohort not delivered: truth mean {pooled[0]:.2f}, "
            f"p90 {pooled[1]:.2f} days; bias of the life table {bias[0]:+.1%}, {bias[1]:+.1%}; "
            f"of the delivered alone {plain[0]:+.1%}, {plain[1]:+.1%}"
        )
    assert numpy.mean(under_way) > 0.3
    assert (plain < -0.1).all()
    assert (abs(bias) < 0.02).all(), bias
    never = rows(
        "SELECT avg(p_never_delivered) AS share FROM mart.delivery_time "
        "WHERE level = 'destination_country' AND measure = 'order_to_door'"
    )
    assert float(never[0]["share"]) == pytest.approx(LOST, abs=0.006)
