"""Quality reports of real runs through the real gate: what they tell, what they hide, where they lie."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from urllib.parse import quote

import psycopg2
import pytest
from click.testing import CliRunner
from test_desk import PAGE, PREFIX, client

from lanecast.cli import cli
from lanecast.local.server import RunningServer
from lanecast.report import files, reading, samples
from lanecast.report import page as pages
from lanecast.report.content import Report
from lanecast.report.reading import UnknownRun
from lanecast.warehouse import connection as connections
from lanecast.warehouse import maintenance, runs
from lanecast.warehouse.snapshot import Unavailable
from lanecast.warehouse.statements import statement
from report_world import DEFECTS, START, history, imported, run_id, shipments, stopped, written
from sandbox_world import database, rows

DAYS = 4


@dataclass
class Filled:
    """A warehouse with some days of imports and a stopped one."""

    address: str
    folder: Path
    runs: list[str]
    stopped: str

    def report(self, one: str | None = None) -> Report:
        return reading.read(lambda: self.address, one)


@pytest.fixture(scope="module")
def filled(server: RunningServer, template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Filled]:
    folder = tmp_path_factory.mktemp("files")
    with database(server, template) as (_, address), pytest.MonkeyPatch.context() as patched:
        patched.setenv("AIRFLOW_CONN_LANECAST_WAREHOUSE", address)
        patched.setenv("LANECAST_REPORTS", str(folder / "reports"))
        patched.setenv("LANECAST_RAW", str(folder / "raw"))
        done = history(folder, DAYS, 300)
        yield Filled(address, folder, done, stopped(folder, DAYS))


# ---------------------------------------------------------------------------------------------------- what it tells


def test_the_numbers_are_those_of_the_warehouse(filled: Filled) -> None:
    found = filled.report(filled.runs[-1])
    ((received, loaded, duplicate, quarantined),) = rows(
        filled.address,
        "SELECT received, loaded, duplicate, quarantined FROM quality.reconciliation WHERE run_id = %s",
        (filled.runs[-1],),
    )
    (shipment,) = found.datasets
    assert (shipment.received, shipment.loaded, shipment.duplicate, shipment.quarantined) == (
        *(received, loaded, duplicate, quarantined),
    )
    assert shipment.source_count == received
    assert quarantined == sum(rule.claimed for rule in shipment.rules) > 0
    assert duplicate > 0
    assert found.verdict.level == "warn"
    assert f"{loaded:,} loaded, {duplicate} known already and {quarantined} quarantined" in found.verdict.sentence
    assert [step.name for step in found.steps] == ["stage", "validate", "load"]
    # Broken rules first, all with a description; the trend ends with this run.
    assert [rule.passed for rule in shipment.rules] == sorted(rule.passed for rule in shipment.rules)
    assert all(rule.description for rule in shipment.rules)
    assert [past.run_id for past in shipment.trend] == filled.runs
    for rule in shipment.rules:
        assert len(rule.trend) == DAYS
        assert rule.trend[-1] == pytest.approx(rule.rows_failed / rule.rows_checked)


def test_samples_are_rows_of_that_run_at_their_place(filled: Filled) -> None:
    for number, one in enumerate(filled.runs):
        for rule in filled.report(one).datasets[0].rules:
            assert len(rule.samples) == min(rule.claimed, samples.MOST_SAMPLES)
            lines = (filled.folder / f"shipments-{number:02}.csv").read_text(encoding="utf-8").splitlines()
            for sample in rule.samples:
                file, line = sample.place.split(":")
                assert file == f"shipments-{number:02}.csv"
                assert sample.values["order_id"] == f"…{lines[int(line) - 1].split(',')[0][-4:]}"


def test_a_row_that_came_again_is_shown_by_the_first_run_and_the_last(filled: Filled) -> None:
    told = (filled.folder / "shipments-00.csv").read_text(encoding="utf-8")
    again = filled.folder / "again.csv"
    again.write_text(told, encoding="utf-8")
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("AIRFLOW_CONN_LANECAST_WAREHOUSE", filled.address)
        one = imported(again, "again", START + timedelta(days=60))

    def ids(told: Report) -> set[int]:
        return {sample.quarantined_row_id for rule in told.datasets[0].rules for sample in rule.samples}

    first, last = filled.report(filled.runs[0]), filled.report(one)
    assert ids(first) == ids(last) != set()
    assert {sample.times_seen for rule in last.datasets[0].rules for sample in rule.samples} == {2}
    # A later run is no part of what was before.
    assert [past.run_id for past in first.datasets[0].trend] == filled.runs[:1]


def test_a_stopped_batch_says_why_and_how_to_release_it(filled: Filled) -> None:
    found = filled.report(filled.stopped)
    (shipment,) = found.datasets
    assert found.verdict.level == "bad"
    assert found.verdict.headline == "Stopped: no shipments were loaded"
    assert shipment.stopper is not None
    assert shipment.stopper.rule == "mostly_bad"
    assert shipment.stopper.claimed == shipment.received == shipment.quarantined
    assert "of 1,200 rows" in shipment.stopper.reason
    assert "--waive mostly_bad" in pages.report_page(found)


def test_nothing_that_tells_of_a_person_gets_out(filled: Filled) -> None:
    for one in (*filled.runs, filled.stopped):
        found = filled.report(one)
        path = files.path_of
        text = pages.report_page(found, is_file=True) + found.model_dump_json() + str(path(one))
        assert "Maria Silva" not in text
        assert "ORD-2026-" not in text
        assert not re.search(r"7035\d{8}8472|1Z 999|0123456784|0351144771384E", text)
        assert "…8472" in text or not any(rule.samples for rule in found.datasets[0].rules)
        assert "<script>alert" not in pages.report_page(found)
        assert "\u202e" not in pages.report_page(found)
    assert len(DEFECTS) == 9  # all of them hostile or bad; each is in one of these runs


def test_the_same_run_gives_the_same_bytes_also_after_later_runs(filled: Filled) -> None:
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("LANECAST_REPORTS", str(filled.folder / "reports"))
        path = files.path_of(filled.runs[-1])
    # Written as its load ended; after the runs that came later it reads the same.
    assert path.read_text(encoding="utf-8") == pages.report_page(filled.report(filled.runs[-1]), is_file=True)


def test_the_default_is_the_last_run_that_ended(filled: Filled) -> None:
    ((last,),) = rows(filled.address, "SELECT run_id FROM ops.run ORDER BY finished_at DESC NULLS LAST LIMIT 1")
    assert filled.report().run_id == last


# ----------------------------------------------------------------------------------------------- as runs may be


def test_runs_that_have_not_ended_or_failed_have_a_page_too(warehouse: str, tmp_path: Path) -> None:
    from lanecast import pipeline

    path = written(tmp_path / "a.csv", shipments(0, 30, 0.1))
    with pytest.raises(UnknownRun, match="no run has ended yet"):
        reading.read(connections.dsn)
    run = pipeline.open_import("running/1", "shipments", str(path), as_of=START)
    assert reading.read(connections.dsn, "running/1").verdict.headline == "Still under way"
    pipeline.stage(run)
    found = reading.read(connections.dsn, "running/1")
    assert found.verdict.sentence == "30 shipments are staged and not loaded yet."
    assert found.datasets[0].staged == 30
    pipeline.judge(run)
    found = reading.read(connections.dsn, "running/1")
    assert "30 shipments are judged and not loaded yet." in found.verdict.sentence
    assert found.datasets[0].rules
    with connections.connect() as link:
        runs.finish(link, "running/1", "failed")
    found = reading.read(connections.dsn, "running/1")
    assert (found.verdict.level, found.verdict.headline) == ("bad", "The run failed")
    assert pages.report_page(found)


def test_an_alert_is_told_while_it_is_open(warehouse: str, tmp_path: Path) -> None:
    one = imported(written(tmp_path / "a.csv", shipments(0, 30, 0.0)), "r1", START)
    rows(
        warehouse,
        "INSERT INTO quality.alert (kind, dataset, rule, subject, severity, message, opened_at, last_seen_at, "
        "resolved_at) SELECT 'made up', dataset, 'r', number::text, 'critical', message, %s + age, %s, %s + gone "
        "FROM (VALUES (1, 'shipment', '<b>open</b> s3://k:s3cret@b/a', interval '-1 h', NULL::interval), "
        "(2, 'shipment', 'later', interval '1 h', NULL), (3, 'shipment', 'over', interval '-2 h', interval '-1 h'), "
        "(4, 'interaction', 'of another', interval '-1 h', NULL)) AS told (number, dataset, message, age, gone)",
        (START, START, START),
    )
    found = reading.read(connections.dsn, one)
    assert [alert.message for alert in found.alerts] == ["<b>open</b> s3://b/a"]
    assert found.verdict.level == "warn"
    page = client().get(f"{PREFIX}/quality", headers=PAGE).text
    assert "Open alerts" in page
    assert "&lt;b&gt;open&lt;/b&gt;" in page


# --------------------------------------------------------------------------------------------------- on the desk


def test_the_desk_shows_it_by_the_runs_id(filled: Filled) -> None:
    desk = client(address=lambda: filled.address)
    one = run_id(DAYS - 1)
    assert set("+:/") <= set(one)
    found = filled.report(one)
    for asked in (quote(one, safe=""), quote(one, safe="/:"), one.replace("+", "%20"), one):
        page = desk.get(f"{PREFIX}/quality/run?run={asked}", headers=PAGE)
        assert page.status_code == 200, asked
        assert page.text == pages.report_page(found)
        assert page.headers["content-security-policy"] == pages.content_policy()
        assert page.headers["cache-control"] == "no-store"
    told = desk.get(f"{PREFIX}/api/quality/run", params={"run": one})
    assert Report.model_validate(told.json()) == found
    # The links of the pages lead to each other.
    listed = desk.get(f"{PREFIX}/quality", headers=PAGE).text
    links = re.findall(r'href="(quality/run\?run=[^"]+)"', listed)
    assert len(links) >= DAYS
    assert f"quality/run?run={quote(one)}" in links
    assert desk.get(f"{PREFIX}/{links[0]}", headers=PAGE).status_code == 200
    (data,) = re.findall(r'href="\.\./(api/quality/run\?[^"]+)"', pages.report_page(found))
    assert desk.get(f"{PREFIX}/{data}").json()["run_id"] == one


@pytest.mark.parametrize("asked", ["nothing", "", "a\0b", "%ff%fe", "'; DROP TABLE ops.run; --", "x" * 5000])
def test_an_unknown_run_is_a_problem_page(filled: Filled, asked: str) -> None:
    desk = client(address=lambda: filled.address)
    page = desk.get(f"{PREFIX}/quality/run", params={"run": asked}, headers=PAGE)
    assert page.status_code == 404
    assert "No such run" in page.text
    assert "Choose a run on the quality page." in page.text
    assert 'href="../quality"' in page.text
    assert len(page.text) < 25_000
    told = desk.get(f"{PREFIX}/api/quality/run", params={"run": asked})
    assert told.status_code == 404
    assert told.json().keys() == {"detail", "remedy"}


# --------------------------------------------------------------------------------------------------------- files


def test_each_load_leaves_its_report(filled: Filled) -> None:
    folder = filled.folder / "reports"
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("LANECAST_REPORTS", str(folder))
        for one in (*filled.runs, filled.stopped):
            text = files.path_of(one).read_text(encoding="utf-8")
            assert one in text
            assert f"<h1>{filled.report(one).verdict.headline}</h1>" in text
    assert not [path for path in folder.iterdir() if path.suffix != ".html"]


def test_a_report_that_cannot_be_written_does_not_fail_the_load(
    warehouse: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "in the way").touch()
    monkeypatch.setenv("LANECAST_REPORTS", str(tmp_path / "in the way" / "reports"))
    imported(written(tmp_path / "a.csv", shipments(0, 20, 0.0)), "r1", START)
    assert rows(warehouse, "SELECT state FROM ops.run") == [("loaded",)]
    assert "the quality report of r1 could not be written" in caplog.text
    assert "NotADirectoryError" in caplog.text


def test_the_command_writes_prints_and_refuses(filled: Filled, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_LANECAST_WAREHOUSE", filled.address)
    monkeypatch.setenv("LANECAST_REPORTS", str(tmp_path / "reports"))
    one = filled.runs[0]
    done = CliRunner().invoke(cli, ["report", one])
    assert done.exit_code == 0, done.output
    path = Path(done.output.strip())
    assert path == files.path_of(one)
    assert path.read_text(encoding="utf-8") == pages.report_page(filled.report(one), is_file=True)
    done = CliRunner().invoke(cli, ["report", "-o", str(tmp_path / "here.html")])
    assert done.output.strip() == str(tmp_path / "here.html")
    assert (tmp_path / "here.html").stat().st_mode & 0o777 == 0o644
    done = CliRunner().invoke(cli, ["report", one, "--json"])
    assert Report.model_validate(json.loads(done.output)) == filled.report(one)
    done = CliRunner().invoke(cli, ["report", "no such run"])
    assert done.exit_code == 1
    assert "no run has the id 'no such run'" in done.output
    (tmp_path / "file").touch()
    done = CliRunner().invoke(cli, ["report", one, "-o", str(tmp_path / "file" / "a.html")])
    assert done.exit_code == 1
    assert "can't be written" in done.output


def test_maintenance_removes_old_reports(warehouse: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    monkeypatch.setenv("LANECAST_REPORTS", str(tmp_path / "reports"))
    monkeypatch.setenv("LANECAST_RAW", str(tmp_path / "raw"))
    one = imported(written(tmp_path / "a.csv", shipments(0, 20, 0.0)), "r1", START)
    os.utime(files.path_of(one), (1, 1))
    assert maintenance.maintain()["reports"] == 1
    assert not files.path_of(one).exists()


# --------------------------------------------------------------------------------------------------------- speed


def test_a_report_costs_the_same_in_a_long_history(filled: Filled) -> None:
    """No step of it reads whole tables: seen in the plans, for clocks on shared machines prove nothing."""
    one = filled.runs[-1]
    link = psycopg2.connect(filled.address)
    with link, link.cursor() as cursor:
        cursor.execute("SET enable_seqscan = off")
        for name, values in (
            ("past_runs", {"kind": "import", "dataset": "shipment", "number": 9, "most": 30}),
            ("past_loads", {"runs": [one]}),
            ("past_rules", {"runs": [one]}),
            ("samples", {"run": one, "datasets": ["shipment"], "rules": ["mostly_bad"], "most": 5}),
        ):
            cursor.execute(f"EXPLAIN {statement(f'report/{name}')}", values)
            plan = "\n".join(line for (line,) in cursor.fetchall())
            assert "Seq Scan" not in plan, plan
    link.close()


def test_the_warehouse_may_be_gone(tmp_path: Path) -> None:
    with pytest.raises(Unavailable):
        reading.read(lambda: "postgresql://lanecast:x@127.0.0.1:1/none", "r1")
