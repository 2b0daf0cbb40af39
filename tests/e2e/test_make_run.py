"""`make run ONCE=1` in a fresh clone, twice: the whole main job, and then nothing new."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from lanecast.local import control
from lanecast.local.server import running
from sandbox_world import one, rows, until

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]

ROOT = Path(__file__).resolve().parents[2]
LIMIT = 600
# A fresh clone knows nothing of the make, the environment or the platform that run this test.
DROPPED = ("LANECAST", "AIRFLOW", "PYTEST", "MAKE", "MFLAGS", "ONCE", "WORLD", "SEED", "VIRTUAL_ENV", "PYTHONPATH")


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("clone") / "lanecast"
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "-z"], cwd=ROOT, capture_output=True, check=False
    )
    if listed.returncode:
        pytest.skip("this is no git checkout")
    for name in filter(None, listed.stdout.decode().split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    yield folder
    control.down(folder / ".lanecast")
    shutil.rmtree(folder, ignore_errors=True)


def make(clone: Path, *arguments: str) -> tuple[float, str]:
    """Seconds and output of one `make`, which must succeed."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(DROPPED)}
    output = clone.parent / "output.txt"
    began = time.monotonic()
    with output.open("w") as out:
        done = subprocess.run(
            ["make", *arguments], cwd=clone, env=kept, stdout=out, stderr=subprocess.STDOUT, timeout=LIMIT, check=False
        )
    told = output.read_text()
    assert done.returncode == 0, told[-4000:]
    return time.monotonic() - began, told


def counts(clone: Path) -> tuple[int, ...]:
    """Shipments, events, lanes, rows loaded by the runs so far; orders, views and carts, customers with lists."""
    with running(clone / ".lanecast") as server:
        address = server.dsn()
        queries = (
            "SELECT count(*) FROM core.shipment",
            "SELECT count(*) FROM core.tracking_event",
            "SELECT count(*) FROM mart.delivery_time",
            "SELECT sum(loaded) FROM quality.reconciliation",
            "SELECT count(*) FROM core.customer_order",
            "SELECT count(*) FROM core.interaction",
            "SELECT count(DISTINCT customer_id) FROM mart.customer_recommendation",
        )
        found = tuple(int(one(address, query)) for query in queries)
        assert rows(address, "SELECT run_id FROM ops.run WHERE state IN ('stopped', 'failed')") == []
    return found


def desk_answers(clone: Path) -> dict[str, int]:
    """Status codes of the quality page once the platform is up: with Airflow's token, with its cookie, with neither."""

    def serving() -> dict[str, Any] | None:
        status = control.status(clone / ".lanecast")
        return status if status["running"] else None

    told = until(serving, LIMIT)
    token = httpx.post(f"{told['url']}/auth/token", json=told["login"], trust_env=False).json()["access_token"]
    asked = {"token": {"Authorization": f"Bearer {token}"}, "cookie": {"Cookie": f"_token={token}"}, "neither": {}}
    return {
        who: httpx.get(f"{told['url']}/lanecast/quality", headers=headers, trust_env=False, timeout=30).status_code
        for who, headers in asked.items()
    }


def job_seconds(told: str) -> float:
    found = re.search(r"main job: ([\d.]+) s, all of it worked", told)
    assert found, told[-4000:]
    return float(found[1])


def test_make_run_once_in_a_fresh_clone_and_again(clone: Path, record_property: pytest.RecordProperty) -> None:
    described = (clone / "include" / "reference" / "world.yaml").read_text()
    world = clone.parent / "world.yaml"
    # A tenth of the default world's orders: the way is the same, and takes half as long.
    smaller = described.replace("clock: {speed: 1}", "clock: {speed: 0}").replace("per_day: 206", "per_day: 20")
    assert smaller.count("speed: 0") == smaller.count("per_day: 20") == 1
    world.write_text(smaller)

    set_up, _ = make(clone, "setup")
    first, told = make(clone, "run", "ONCE=1", f"WORLD={world}")
    found = counts(clone)
    shipments, events, lanes, _, orders, deeds, customers = found
    assert shipments >= 3_000
    assert events >= 20_000
    assert lanes > 500
    assert orders >= 3_000
    assert deeds >= 6_000
    assert customers >= 1_000
    assert re.search(r"Recommended to customer c[0-9a-f]{32}", told)
    assert "SANDBOX" in told
    assert re.search(r"user\s+admin\s+password\s+\S{8,}", told)
    under_way = sum(
        int(number.replace(",", "")) for number in re.findall(r"(?m)^ *(?:ups|fedex|dhl|usps) +([\d,]+)", told)
    )
    assert under_way >= 400

    with ThreadPoolExecutor(1) as visitor:
        desk = visitor.submit(desk_answers, clone)
        second, again = make(clone, "run", "ONCE=1", f"WORLD={world}")
        assert desk.result() == {"token": 200, "cookie": 200, "neither": 401}
    assert counts(clone) == found
    assert job_seconds(again) < job_seconds(told)
    assert second < first
    for name, value in (("setup", set_up), ("first run", first), ("second run", second)):
        record_property(name, round(value, 1))
        print(f"make {name}: {value:.1f} s")
