"""The quality page in a real browser: it fits the screen, wide and narrow, whatever the values in it."""

from __future__ import annotations

import html
import json
import os
import re
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from lanecast import pipeline
from lanecast.desk import pages, quality
from lanecast.follow import due
from lanecast.follow import pull as pulling
from lanecast.follow.pull import CarrierDown
from lanecast.local.server import RunningServer
from lanecast.warehouse import connection as connections
from lanecast.warehouse import runs
from sandbox_world import database, load_past, rows, stand_in

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# The page in a frame of the width in question, for a browser's own window can't be as narrow as a telephone.
FRAME = """<!doctype html><body><iframe id=page style="border:0;width:{width}px;height:900px" srcdoc="{page}"></iframe>
<pre id=told></pre><script>
onload = () => {{
  const seen = document.getElementById("page").contentDocument;
  const wide = [...seen.querySelectorAll("body *")].filter(
    (one) => one.getBoundingClientRect().right > {width} + 0.5 && getComputedStyle(one).position !== "absolute");
  document.getElementById("told").textContent = JSON.stringify({{
    width: seen.documentElement.scrollWidth,
    beyond: wide.map((one) => one.tagName + ": " + one.textContent.slice(0, 40)),
    rows: seen.querySelectorAll("tbody tr").length,
    hidden_heads: [...seen.querySelectorAll("thead")].every((one) => one.getBoundingClientRect().height < 2),
  }});
}};
</script>"""


@pytest.fixture(scope="module")
def browser() -> str:
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        pytest.skip(f"no browser here: none of {', '.join(BROWSERS)}")
    return found


@pytest.fixture(scope="module")
def told(server: RunningServer, template: str, tmp_path_factory: pytest.TempPathFactory) -> quality.Quality:
    """What the page tells of a small world, one carrier of which is down."""
    folder = tmp_path_factory.mktemp("world")
    with (
        stand_in(per_day=6, history_days=25) as carriers,
        database(server, template) as (_, address),
        pytest.MonkeyPatch.context() as patched,
    ):
        patched.setenv("AIRFLOW_CONN_LANECAST_WAREHOUSE", address)
        patched.setenv("LANECAST_SANDBOX_URL", carriers.url)
        patched.setenv("LANECAST_STATE", str(folder))
        load_past(carriers, folder, address)
        carriers.fault(carrier="ups", kind="503", share=1.0, seconds=0.01)
        with connections.connect() as link:
            run = runs.open_run(link, "pull", "pull", "tracking_event", "carriers")
        for shard in due.plan(run):
            try:
                pulling.pull(shard)
            except CarrierDown:
                assert shard.source == "ups"
        pipeline.stage(run)
        pipeline.judge(run)
        pipeline.load(run)
        for code, text in (("Z9", "A scan that nobody has seen before"), ("C" * 300, "t" * 3000), ("text/a b", "a b")):
            rows(
                address,
                "INSERT INTO quality.unmapped_code VALUES ('fedex', %s, %s, now(), now(), 7, NULL)",
                (code, text),
            )
        found = quality.read(connections.dsn)
    assert found.loads
    assert [one.source for one in found.carriers if one.down_since] == ["ups"]
    return found


def rendered(browser: str, page: str, width: int, folder: Path) -> dict[str, object]:
    """What the frame's script saw."""
    file = folder / "frame.html"
    file.write_text(FRAME.format(width=width, page=html.escape(page)), encoding="utf-8")
    options = ["--headless=new", "--disable-gpu", "--no-first-run", "--hide-scrollbars", "--window-size=1600,1000"]
    # As root, in a container, it has no sandbox; what it opens here is a file of ours.
    options += ["--no-sandbox"] if os.geteuid() == 0 else []
    done = subprocess.run(
        [browser, *options, f"--user-data-dir={folder / 'profile'}", "--dump-dom", file.as_uri()],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    found = re.search(r'<pre id="told">(.+?)</pre>', done.stdout)
    assert found, done.stderr[-2000:]
    seen: dict[str, object] = json.loads(html.unescape(found[1]))
    return seen


@pytest.mark.parametrize("width", [390, 820, 1440])
def test_nothing_runs_over_the_edge(browser: str, told: quality.Quality, width: int, tmp_path: Path) -> None:
    seen = rendered(browser, pages.quality_page(told), width, tmp_path)
    assert seen["beyond"] == []
    assert seen["width"] == width
    assert isinstance(seen["rows"], int)
    assert seen["rows"] >= 3 + len(told.carriers) + len(told.days) + len(told.loads)
    assert seen["hidden_heads"] is (width <= 820)


def test_a_problem_fits_too(browser: str, tmp_path: Path) -> None:
    page = pages.problem_page("Not available", "p" * 400, f"{datetime.now(UTC)} " * 40)
    assert rendered(browser, page, 390, tmp_path)["width"] == 390
