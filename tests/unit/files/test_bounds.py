"""Bounds: memory does not grow with the file, and speed does not sink below what years of history need."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from lanecast.files.occurrences import Occurrences

ROWS = 500_000
MEASURE = """
import resource, sys
from lanecast.files.importing import open_rows
from lanecast.carriers.places import country_code
country_code("DE")
with open_rows(sys.argv[1], sys.argv[2]) as rows:
    next(rows)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    count = 1 + sum(1 for _ in rows)
print(count, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""
LINES = {
    "events": (
        "carrier,tracking_number,occurred_at,code,description,country,region,city",
        "ups,1Z{0:016d},2024-03-{1:02d}T{2:02d}:{3:02d}:07+01:00,OR,Origin scan,DE,,Leipzig {0}",
    ),
    "interactions": (
        "customer_id,product_id,kind,occurred_at,quantity,value,order_id",
        "C{0},P{1},view,2024-03-{1:02d}T{2:02d}:{3:02d}:07Z,1,,",
    ),
}


@pytest.mark.parametrize("dataset", sorted(LINES))
def test_half_a_million_rows_take_little_memory(tmp_path: Path, dataset: str) -> None:
    header, line = LINES[dataset]
    file = tmp_path / "large.csv"
    with file.open("w") as out:
        out.write(header + "\n")
        out.writelines(line.format(row, row % 28 + 1, row % 24, row % 60) + "\n" for row in range(ROWS))
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, dataset, str(file)], capture_output=True, text=True, check=True, timeout=300
    )
    count, megabytes = map(int, done.stdout.split())
    assert count == ROWS
    assert megabytes < 60


def test_occurrences_are_counted_through_growth() -> None:
    seen = Occurrences()
    keys = [(key * 0x9E3779B97F4A7C15 + 2**63) % 2**64 - 2**63 for key in range(20_000)] + [0, -1, 2**63 - 1, -(2**63)]
    distinct = list(dict.fromkeys(keys))
    assert [seen.met(key) for key in distinct] == [0] * len(distinct)
    assert [seen.met(key) for key in distinct] == [1] * len(distinct)
