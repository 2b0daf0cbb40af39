"""The replay: nothing of the future in it, every order answered, and the command."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from delivery_worlds import MONDAY, needs_lightgbm, rows, world

from lanecast.cli import cli
from lanecast.delivery.backtest import history
from lanecast.delivery.backtest.baselines import BASELINES, mean_sd, recent_quantiles
from lanecast.delivery.backtest.measures import quintiles, score, tolerance
from lanecast.delivery.backtest.replay import replay
from lanecast.delivery.backtest.run import column, levels_of
from lanecast.delivery.model.shipments import Floats, Shipments

LEVELS = (0.1, 0.5, 0.9)


def blanked(whole: Shipments, moment: float) -> Shipments:
    """The same history with all that happened later taken out: orders, handovers, deliveries."""
    kept = whole.take(whole.ordered < moment)
    return replace(
        kept,
        shipped=np.where(kept.shipped < moment, kept.shipped, np.nan),
        delivered=np.where(kept.delivered < moment, kept.delivered, np.nan),
    )


def told(of: Shipments, cut: float, until: float) -> tuple[list[str], Floats]:
    weeks = list(replay(of, cut, until, LEVELS, warm_up=1))
    assert max(week.learned.max() for week in weeks) > 0, "the life table alone is no test of the model"
    return [one for week in weeks for one in week.asked.order_id], np.concatenate([week.days for week in weeks])


def test_the_future_is_not_looked_at_to_the_bit() -> None:
    needs_lightgbm()
    whole = world(2200, 140)
    cut, until = MONDAY + 105, MONDAY + 119
    ids, days = told(whole, cut, until)
    again, same = told(blanked(whole, until), cut, until)
    assert again == ids
    assert np.array_equal(same, days)
    # Nor is what happens after the start of a week used for the orders of that week.
    opened = replace(
        whole,
        shipped=np.where(whole.shipped < cut + 7, whole.shipped, np.nan),
        delivered=np.where(whole.delivered < cut + 7, whole.delivered, np.nan),
    )
    _, second = told(opened, cut, until)
    assert np.array_equal(second, days)


def test_the_future_is_not_looked_at_on_real_orders(shared: Path) -> None:
    needs_lightgbm()
    whole = history.read(shared / "data" / "olist", "olist").shipments
    cut = float(np.datetime64("2017-10-05", "D").astype(int))
    recent = whole.take(whole.ordered > cut - 70)
    ids, days = told(recent, cut, cut + 7)
    again, same = told(blanked(recent, cut + 7), cut, cut + 7)
    assert len(ids) > 200
    assert again == ids
    assert np.array_equal(same, days)


def test_real_orders_are_told_better_than_by_the_others(shared: Path) -> None:
    needs_lightgbm()
    whole = history.read(shared / "data" / "olist", "olist").shipments
    cut = float(np.datetime64("2017-08-03", "D").astype(int))
    weeks = list(replay(whole.take(whole.ordered > cut - 200), cut, cut + 14, LEVELS, warm_up=0))
    asked = whole.take((whole.ordered >= cut) & (whole.ordered < cut + 14))
    took = asked.delivered - asked.ordered
    arrived = np.isfinite(took)
    ours = score(took[arrived], np.concatenate([week.days for week in weeks])[arrived], LEVELS)
    assert ours.n > 400
    assert 0.72 < ours.coverage < 0.88
    for name, method in BASELINES.items():
        days = np.concatenate([method(whole.known_at(one.now), one.asked, one.now, LEVELS) for one in weeks])
        assert ours.pinball_sum < score(took[arrived], days[arrived], LEVELS).pinball_sum, name


def test_scores_by_hand() -> None:
    # 2 within, 1 before, 1 after; at the level 0.5 the loss is half the distance.
    took = np.array([5.0, 6.0, 1.0, 20.0])
    days = np.tile([4.0, 6.0, 10.0], (4, 1))
    one = score(took, days, LEVELS)
    assert (one.n, one.coverage, one.below, one.above, one.width) == (4, 0.5, 0.25, 0.25, 6.0)
    assert one.pinball[1] == pytest.approx((1 + 0 + 5 + 14) / 2 / 4)
    assert one.pinball[0] == pytest.approx((0.1 * 1 + 0.1 * 2 + 0.9 * 3 + 0.1 * 16) / 4)
    assert tolerance(10_000, 0.8) == 0.04
    assert tolerance(50, 0.8) == pytest.approx(2.9 * 0.4 / 50**0.5)
    assert quintiles(np.array([0, 1, 0, 1, 0]), np.array([3, 2])).tolist() == [3, 1, 4, 2, 5]


def test_baselines_by_hand() -> None:
    known = rows([1.0, 2.0, 3.0], [4.0, 6.0, 8.0], destination_region=["BR-SP"] * 3)
    asked = rows([20.0], [np.nan], destination_region=["BR-SP"])
    assert mean_sd(known, asked, 20.0, (0.5,))[0] == pytest.approx([6.0])
    assert mean_sd(known, asked, 20.0, (0.8413447,))[0] == pytest.approx([8.0])
    assert recent_quantiles(known, asked, 20.0, (0.25, 0.5))[0] == pytest.approx([5.0, 6.0])


def test_columns_are_named_by_their_levels() -> None:
    assert [column(level) for level in levels_of(0.8)] == ["p10", "p50", "p90"]
    assert [column(level) for level in levels_of(0.9)] == ["p05", "p50", "p95"]
    assert [column(level) for level in levels_of(0.95)] == ["p02.5", "p50", "p97.5"]


HEADER = (
    "order_id,carrier,origin_country,origin_region,destination_country,destination_region,"
    "ordered_at,shipped_at,delivered_at,weight_g"
)


def hateful(folder: Path) -> Path:
    path = folder / "shipments.csv"
    lines = [HEADER]
    for place in range(60):
        day = 1 + place % 28
        lines.append(f"{place:05},dhl,CN,,BR,BR-SP,2024-01-{day:02}T10:00:00Z,,2024-02-{day:02}T10:00:00Z,12")
    lines += [
        "backwards,dhl,CN,,BR,BR-SP,2024-03-01T10:00:00Z,,2024-02-01T10:00:00Z,1",
        "nowhere,,,,,,2024-03-02T10:00:00Z,,,",
        "unreadable,ü!,,,XX,,2024-03-02T11:00:00Z,yesterday,32.13.2024,heavy",
        "never,dhl,CN,,BR,,2024-03-03T10:00:00Z,,,1e999",
        "undated,dhl,CN,,BR,,soon,,,1",
        "before,dhl,CN,,BR,,2024-02-29T23:59:59Z,,,1",
    ]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def run(*arguments: str | Path) -> tuple[int, str, str]:
    result = CliRunner().invoke(cli, ["backtest", "delivery", *map(str, arguments)])
    return result.exit_code, result.stdout, result.stderr


def test_every_order_from_the_cut_on_has_a_row(tmp_path: Path) -> None:
    out = tmp_path / "new" / "predictions.csv"
    plot = tmp_path / "plot.svg"
    status, stdout, stderr = run(
        *("--shipments", hateful(tmp_path), "--cut", "2024-03-01", "--confidence", "0.9"),
        *("--predictions", out, "--plot", plot, "--json"),
    )
    assert status == 0, stderr
    with out.open(encoding="utf-8") as file:
        found = list(csv.DictReader(file))
    assert [row["shipment_id"] for row in found] == ["backwards", "nowhere", "unreadable", "never"]
    assert list(found[0]) == ["shipment_id", "issued_at", "p05", "p50", "p95"]
    assert found[0]["issued_at"] == "2024-03-01T10:00:00+00:00"
    for row in found:
        assert 0 <= float(row["p05"]) <= float(row["p50"]) <= float(row["p95"])
    outcome = json.loads(stdout)
    assert (outcome["orders"], outcome["undated"]) == (4, 1)
    assert outcome["learned"] == 0
    assert set(outcome["methods"]) >= {"lanecast", "mean ± sd", "recent quantiles"}
    assert plot.read_text(encoding="utf-8").startswith("<?xml")


@pytest.mark.parametrize(
    ("text", "cut", "says"),
    [
        ("order_id,ordered_at,destination_country\na,2024-01-01,BR\n", "2024-01-01", "no column delivered_at"),
        (f"{HEADER}\na,dhl,CN,,BR,,2024-01-01,,,1\n", "2025-01-01", "after the last order"),
        (f"{HEADER}\na,dhl,CN,,BR,,someday,,,1\n", "2024-01-01", "no row has an ordered_at"),
        ("", "2024-01-01", "empty"),
        (f"{HEADER}\na,dhl,CN,,BR,,2024-01-01,,,1\n", "01.02.2024", "not a date like"),
    ],
)
def test_what_cannot_be_replayed_is_said(tmp_path: Path, text: str, cut: str, says: str) -> None:
    path = tmp_path / "shipments.csv"
    path.write_text(text, encoding="utf-8")
    status, _, stderr = run("--shipments", path, "--cut", cut, "--predictions", tmp_path / "p.csv")
    assert status != 0
    assert says in stderr
    assert "Traceback" not in stderr
    assert not (tmp_path / "p.csv").exists()


def test_a_plot_that_cannot_be_drawn_is_said_first(tmp_path: Path) -> None:
    status, _, stderr = run(
        *("--shipments", hateful(tmp_path), "--cut", "2024-03-01", "--predictions", tmp_path / "p.csv"),
        *("--plot", tmp_path / "plot.xls"),
    )
    assert status != 0
    assert ".png" in stderr
    assert not (tmp_path / "p.csv").exists()
