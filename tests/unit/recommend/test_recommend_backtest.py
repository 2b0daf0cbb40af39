"""`lanecast backtest recommend` on files: what it writes, what it makes of dirt, and what it never looks at."""

from __future__ import annotations

import csv
import json
import tracemalloc
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as arrow
import pyarrow.parquet as parquet
import pytest
from click.testing import CliRunner
from recommend_worlds import shop

from lanecast.cli import cli
from lanecast.files.errors import FileError
from lanecast.recommend import signals
from lanecast.recommend.backtest.history import read
from lanecast.recommend.backtest.run import BASELINES

CUT = "2020-12-20"
HEADER = "customer_id,product_id,kind,occurred_at,quantity,value,order_id\n"


def _file(path: Path, rows: list[str], header: str = HEADER) -> Path:
    path.write_text(header + "".join(f"{row}\n" for row in rows), encoding="utf-8")
    return path


def _shop_rows() -> list[str]:
    told = shop(80, 40)
    times = np.datetime_as_string(told.at.astype("datetime64[s]"))
    return [
        f"{told.customers[c]},{told.products[p]},purchase,{at},1,2.50,"
        for c, p, at in zip(told.customer, told.product, times, strict=True)
    ]


def _run(path: Path, out: Path, *more: str) -> tuple[str, list[dict[str, str]]]:
    result = CliRunner().invoke(
        cli, ["backtest", "recommend", "--interactions", str(path), "--cut", CUT, "--predictions", str(out), *more]
    )
    assert result.exit_code == 0, result.output
    with out.open(encoding="utf-8", newline="") as file:
        return result.stdout, list(csv.DictReader(file))


def test_every_customer_known_before_the_cut_has_lists(tmp_path: Path) -> None:
    rows = _shop_rows()
    path = _file(tmp_path / "deeds.csv", rows)
    picture = tmp_path / "picture.png"
    told, listed = _run(path, tmp_path / "out.csv", "--json", "--baselines", "--plot", str(picture))
    before = {row.split(",")[0] for row in rows if row.split(",")[3] < CUT}
    assert {row["customer_id"] for row in listed} == before
    assert {row["slot"] for row in listed} == {"discover", "buy_again", "all"}
    by_list: dict[tuple[str, str], list[int]] = {}
    for row in listed:
        by_list.setdefault((row["customer_id"], row["slot"]), []).append(int(row["rank"]))
    assert all(ranks == list(range(1, len(ranks) + 1)) and len(ranks) <= 20 for ranks in by_list.values())
    outcome = json.loads(told)
    assert outcome["rows"] == len(rows)
    scores = outcome["scores"]["all"]
    assert scores["lanecast"]["recall"] == pytest.approx(_recall(rows, listed), abs=1e-6)
    assert scores["own frequency"]["beyond"] == pytest.approx(
        scores["lanecast"]["recall"] - scores["own frequency"]["recall"], abs=1e-5
    )
    assert picture.stat().st_size > 10_000


def _recall(rows: list[str], listed: list[dict[str, str]]) -> float:
    """Recall@20 of slot `all` by plain sets."""
    split = [row.split(",") for row in rows]
    customers = {row[0] for row in split if row[3] < CUT}
    products = {row[1] for row in split if row[3] < CUT}
    wanted: dict[str, set[str]] = {}
    for customer, product, _, at, *_ in split:
        if at >= CUT and customer in customers and product in products:
            wanted.setdefault(customer, set()).add(product)
    lists: dict[str, set[str]] = {}
    for row in listed:
        if row["slot"] == "all":
            lists.setdefault(row["customer_id"], set()).add(row["product_id"])
    return float(np.mean([len(lists[one] & what) / min(20, len(what)) for one, what in wanted.items()]))


def test_lists_are_held_against_every_method_where_customers_are_many_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(signals, "LEAN", 50)
    told, _ = _run(_file(tmp_path / "deeds.csv", _shop_rows()), tmp_path / "out.csv", "--json", "--baselines")
    outcome = json.loads(told)
    assert set(outcome["scores"]["discover"]) == {"lanecast", *BASELINES["discover"]}
    assert set(outcome["scores"]["all"]) == {"lanecast", *BASELINES["all"]}
    assert "EASE" not in {row["model"] for row in outcome["evaluation"]}


def test_rows_after_the_cut_change_nothing(tmp_path: Path) -> None:
    rows = _shop_rows()
    path = _file(tmp_path / "whole.csv", rows)
    cut = _file(tmp_path / "cut.csv", [row for row in rows if row.split(",")[3] < CUT])
    _, whole = _run(path, tmp_path / "whole_out.csv")
    _, alone = _run(cut, tmp_path / "cut_out.csv")
    assert whole == alone


def test_dirt_is_counted_and_crashes_nothing(tmp_path: Path) -> None:
    rows = [
        "1,a,purchase,2020-12-01T10:00:00,3,1.5,o1",
        " ,a,purchase,2020-12-01 10:00:00,3,1.5,o1",
        "nan,b,VIEW,2020-12-02,,,",
        "2,,purchase,2020-12-01T10:00:00,1,1,o2",
        "2,b,purchase,not a time,1,1,o2",
        "2,b,purchase,0001-01-01T00:00:00+14:00,1,1,o2",
        '2,"b ""q"", c",bought it,2020-12-03T10:00:00+02:00,-5,x,o3',
        "3,b",
        "4,c,return,2021-02-01T10:00:00,1,1,o4",
        "1,c,return,2021-02-01T10:00:00,1,1,o5",
        "1,a,return,2021-02-01T10:00:00,inf,1,o5",
    ]
    path = _file(tmp_path / "dirty.csv", rows)
    found = read(path, datetime.fromisoformat(CUT).replace(tzinfo=UTC))
    assert (found.rows, found.unreadable, found.unusable, found.untimed, found.guests) == (11, 1, 3, 2, 2)
    assert found.problems == [
        "unreadable rows: 1, the first in line 9: 2 fields where the header has 7",
        "unreadable times: 2, the first in line 6: 'not a time' (not a time like 2024-03-05T14:30:00+01:00)",
    ]
    assert found.deeds.customers.tolist() == ["1", "2"]
    assert found.deeds.products.tolist() == ["a", "b", 'b "q", c']
    assert [
        (found.deeds.customers[c], found.deeds.products[p]) for c, p in zip(found.customer, found.product, strict=True)
    ] == [("1", "a")]
    told, listed = _run(path, tmp_path / "out.csv", "--baselines")
    assert {row["customer_id"] for row in listed} == {"1", "2"}
    assert all(problem in " ".join(told.split()) for problem in found.problems)


NAMES = ("customer_id", "product_id", "occurred_at", "description")


@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet"])
def test_what_is_wrong_in_a_column_nobody_asks_for_costs_no_row(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"deeds.{kind}"
    bad = "caf\udce9" if kind == "csv" else "caf\0"  # a byte that is not UTF-8, or a NUL
    rows = [("1", "a", "2020-12-01", bad), ("2", bad, "2020-12-02", ""), ("3", "b", "2020-12-03", "")]
    if kind == "csv":
        told = "".join(f"{','.join(row)}\n" for row in (NAMES, *rows))
        path.write_bytes(told.encode("utf-8", "surrogateescape"))
    elif kind == "jsonl":
        path.write_text("".join(f"{json.dumps(dict(zip(NAMES, row, strict=True)))}\n" for row in rows))
    else:
        parquet.write_table(arrow.table(dict(zip(NAMES, zip(*rows, strict=True), strict=True))), path)
    found = read(path, datetime.fromisoformat(CUT).replace(tzinfo=UTC))
    assert found.deeds.customers.tolist() == ["1", "3"]
    assert found.deeds.products.tolist() == ["a", "b"]
    assert (found.rows, found.unreadable, found.unusable) == (3, 1, 0)
    (problem,) = found.problems
    place = {"csv": "line 3", "jsonl": "line 2", "parquet": "row 2"}[kind]
    assert problem.startswith(f"unreadable rows: 1, the first in {place}: ")
    assert "caf" not in problem  # the line is enough: what stands there may be anything


def test_of_a_file_that_can_not_be_read_the_cause_is_said(tmp_path: Path) -> None:
    path, out = tmp_path / "deeds.csv", str(tmp_path / "out.csv")
    told = ["backtest", "recommend", "--cut", CUT, "--predictions", out, "--interactions", str(path)]
    path.write_bytes(b"customer_id,product_id,occurred_at\n" + b"\xe9,a,2020-12-01\n" * 3)
    result = CliRunner().invoke(cli, told)
    assert "unreadable rows: 3, the first in line 2: it holds bytes that are not valid utf-8: mend the" in result.output
    path.write_bytes(b"customer_id,product_id,occurred_at\n" + b"1,a,12/01/2020 10:00\n" * 3)
    result = CliRunner().invoke(cli, told)
    assert "unreadable times: 3, the first in line 2: '12/01/2020 10:00' (not a" in result.output
    assert "mend the file" in result.output
    assert "later" not in result.output


def test_of_columns_that_mean_the_same_the_one_spelled_as_asked_is_read(tmp_path: Path) -> None:
    cut = datetime.fromisoformat(CUT).replace(tzinfo=UTC)
    rows = ["x,1,a,2020-12-01,y"]
    header = "{},{},product_id,occurred_at,CUSTOMER_ID\n"
    for names in (("Customer ID", "customer_id"), ("customer_id", "Customer ID")):
        found = read(_file(tmp_path / "deeds.csv", rows, header.format(*names)), cut)
        assert found.deeds.customers.tolist() == ["x1"[names.index("customer_id")]]
    path = _file(tmp_path / "deeds.csv", rows, header.format("Customer ID", "customer"))
    with pytest.raises(FileError, match="columns 'Customer ID' and 'CUSTOMER_ID': name the one that is meant customer"):
        read(path, cut)


def test_orders_that_only_some_objects_name_are_read_the_first_of_them_late_too(tmp_path: Path) -> None:
    rows = [{"customer_id": at, "product_id": "a", "occurred_at": "2020-12-01"} for at in range(150)]
    path = tmp_path / "deeds.jsonl"
    for told in ([*rows, rows[0] | {"order_id": "o"}], [*rows[:50], rows[0] | {"Order ID": "o"}, *rows[51:]]):
        path.write_text("".join(f"{json.dumps(row)}\n" for row in told))
        found = read(path, datetime.fromisoformat(CUT).replace(tzinfo=UTC))
        assert sorted(set(found.deeds.basket.tolist())) == [-1, 0]


def test_a_row_costs_no_more_than_its_numbers(tmp_path: Path) -> None:
    count = 20_000
    times = np.datetime_as_string(np.datetime64("2020-12-10T00:00:00") + np.arange(count) * 100)
    path = _file(tmp_path / "deeds.csv", [f"{at % 50},{at % 30},,{time},,,{at % 70}" for at, time in enumerate(times)])
    tracemalloc.start()
    found = read(path, datetime.fromisoformat(CUT).replace(tzinfo=UTC))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(found.deeds) + len(found.customer) == count
    assert peak / count < 60  # a time held as text alone is more


def test_ids_are_the_text_of_the_file_as_pandas_reads_it(tmp_path: Path) -> None:
    ids = ["00123", "13085.0", "1e5", "True", "0x1", " 7", "пр😀", '"q""x,y"', "none", "na", "NONE", "-0", "1_000"]
    blank = ["", "NA", "NaN", "nan", "null", "NULL", "None", "n/a", "N/A", "#N/A", "<NA>"]
    rows = [f"{one},{one},purchase,2020-12-0{1 + at % 9},1,," for at, one in enumerate([*ids, *blank])]
    rows += [f"{one},00123,purchase,2020-12-25,1,," for one in [*ids, *blank]]
    path = _file(tmp_path / "ids.csv", rows)
    frame = pd.read_csv(path, dtype={"customer_id": str, "product_id": str})
    _, listed = _run(path, tmp_path / "out.csv")
    assert {row["customer_id"] for row in listed} == set(frame.customer_id.dropna())
    assert {row["product_id"] for row in listed} == set(frame.product_id.dropna())
    back = pd.read_csv(tmp_path / "out.csv", dtype={"customer_id": str, "product_id": str})
    assert back.customer_id.notna().all()
    assert back.product_id.notna().all()


def test_a_customer_known_by_rows_without_a_product_has_lists(tmp_path: Path) -> None:
    rows = ["1,a,purchase,2020-12-01,1,,", "1,b,purchase,2020-12-01,1,,", "2,,purchase,2020-12-01,1,,"]
    told, listed = _run(_file(tmp_path / "deeds.csv", [*rows, "2,a,purchase,2020-12-25,1,,"]), tmp_path / "out.csv")
    assert [(row["slot"], row["product_id"]) for row in listed if row["customer_id"] == "2"] == [
        (slot, product) for slot in ("discover", "all") for product in "ab"
    ]
    assert "1 no product or no time" in " ".join(told.split())


def test_a_past_that_ended_long_ago_still_tells_what_was_popular(tmp_path: Path) -> None:
    rows = [f"{c},p{p},purchase,1989-03-0{1 + p},1,," for p in range(9) for c in range(p + 1)]
    _, listed = _run(_file(tmp_path / "old.csv", [*rows, "new,p9,purchase,1989-03-01,1,,"]), tmp_path / "out.csv")
    found = [row["product_id"] for row in listed if row["customer_id"] == "new" and row["slot"] == "discover"]
    assert found == [f"p{p}" for p in range(8, -1, -1)]


def test_what_can_not_be_done_is_said(tmp_path: Path) -> None:
    path = _file(tmp_path / "deeds.csv", ["1,a,2021-03-01"], "customer_id,product_id,occurred_at\n")
    told = ["backtest", "recommend", "--cut", CUT, "--predictions", str(tmp_path / "out.csv"), "--interactions"]
    result = CliRunner().invoke(cli, [*told, str(path)])
    assert result.exit_code == 1
    assert "choose a later cut" in result.output
    before = path.read_text()
    same = [*told[:4], "--predictions", str(tmp_path / "." / "deeds.csv"), "--interactions", str(path)]
    result = CliRunner().invoke(cli, [*same[:3], "2022-01-01", *same[4:]])
    assert result.exit_code == 1
    assert "deeds.csv is the interactions file: name another" in result.output
    assert path.read_text() == before
    other = _file(tmp_path / "other.csv", ["1,2"], "customer,product_id\n")
    result = CliRunner().invoke(cli, [*told, str(other)])
    assert result.exit_code == 1
    assert "no column customer_id and no column occurred_at" in result.output
