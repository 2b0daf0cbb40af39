"""The desk over a real warehouse: what it tells, whom it lets in, and what it says where it can't read."""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import psycopg2
import pytest
from fastapi import FastAPI, HTTPException
from fastapi.routing import APIRoute
from starlette.testclient import TestClient

from lanecast.desk import pages, quality
from lanecast.desk.app import PREFIX, create_app
from lanecast.report import page as shared
from lanecast.warehouse import connection as connections
from lanecast.warehouse import runs
from lanecast.warehouse.statements import statement
from sandbox_world import rows

PAGE = {"Accept": "text/html,application/xhtml+xml"}


def let_in() -> str:
    return "somebody"


def refuse() -> None:
    raise HTTPException(401, "Not authenticated")


def forbid() -> None:
    raise HTTPException(403, "Forbidden")


def client(user: Any = let_in, **options: Any) -> TestClient:
    """A client of the desk mounted as in Airflow."""
    airflow = FastAPI()
    airflow.mount(PREFIX, create_app(user, **options))
    return TestClient(airflow, follow_redirects=False)


@pytest.fixture
def filled(warehouse: str) -> str:
    """A warehouse with one load that went through, one that was stopped, unknown codes and polls."""
    with connections.connect() as link:
        runs.open_run(link, "r1", "pull", "tracking_event", "carriers")
        runs.open_run(link, "r2", "import", "shipment", "shipments.csv")
    rows(
        warehouse,
        """
        UPDATE ops.run SET state = CASE run_id WHEN 'r1' THEN 'loaded' ELSE 'stopped' END;
        INSERT INTO quality.reconciliation VALUES ('r1', 'tracking_event', 10, 6, 3, 1, now(), 10),
            ('r2', 'shipment', 5, 0, 0, 5, now(), 5);
        INSERT INTO quality.validation_result VALUES
            ('r1', 'tracking_event', 'time_not_ahead', 'row', 'made up', 10, 1, false, NULL, now()),
            ('r2', 'shipment', 'keys_are_unique', 'batch', 'made up', 5, 5, false, NULL, now());
        INSERT INTO quality.unmapped_code VALUES
            ('ups', 'A1', 'Seldom', now(), now(), 2, NULL),
            ('fedex', 'ZZ', '<b>Often</b>', now(), now(), 40, NULL),
            ('fedex', 'YY', 'Known now', now(), now(), 3, now());
        INSERT INTO ops.poll_plan (shipment_id, carrier, source, reason, next_poll_at) VALUES
            (1, 'dhl', 'dhl', 'made up', now() - interval '1 hour'),
            (2, 'dhl', 'dhl', 'made up', now() + interval '1 hour'),
            (3, 'dhl', 'dhl', 'finished', NULL),
            (4, 'gls', 'aftership', 'made up', now() + interval '1 hour');
        INSERT INTO ops.poll_request
            (run_id, shipment_id, carrier, source, shard, tracking_number, reason, outcome, detail)
        SELECT 'r1', place, 'dhl', 'dhl', 0, 'n' || place, 'made up', outcome, detail
        FROM (VALUES (1, 'answered', NULL), (2, 'not_found', NULL), (3, 'failed', '503'), (4, 'not_asked', 'spent'))
            AS told (place, outcome, detail);
        INSERT INTO ops.carrier_account VALUES
            ('sandbox:dhl', 'dhl', 5, now() - interval '1 day', NULL, NULL),
            ('lanecast_dhl', 'dhl', 5, now(), now(), now() + interval '1 minute'),
            ('lanecast_ups', 'ups', 5, now(), NULL, NULL);
        INSERT INTO ops.carrier_budget VALUES
            ('lanecast_dhl', 'day', (clock_timestamp() AT TIME ZONE 'UTC')::date, 17, 250),
            ('lanecast_dhl', 'day', (clock_timestamp() AT TIME ZONE 'UTC')::date - 1, 249, 250),
            ('sandbox:dhl', 'day', (clock_timestamp() AT TIME ZONE 'UTC')::date, 999, NULL),
            ('lanecast_dhl', 'month', date_trunc('month', clock_timestamp() AT TIME ZONE 'UTC')::date, 266, NULL);
        """,
    )
    return warehouse


def test_what_the_views_tell(filled: str) -> None:
    told = quality.read(connections.dsn)
    assert [(one.source, one.code, one.times_seen) for one in told.unmapped_codes] == [
        ("fedex", "ZZ", 40),
        ("ups", "A1", 2),
    ]
    assert (told.unmapped_open, told.unmapped_events) == (2, 42)
    assert [one.code for one in told.mapped_codes] == ["YY"]
    dhl, aftership, ups = told.carriers
    assert (dhl.source, dhl.account, dhl.followed, dhl.due) == ("dhl", "lanecast_dhl", 2, 1)
    assert (dhl.answered_24h, dhl.not_found_24h, dhl.failed_24h, dhl.not_asked_24h) == (1, 1, 1, 1)
    assert (dhl.calls_today, dhl.allowed_today, dhl.calls_this_month, dhl.allowed_this_month) == (17, 250, 266, None)
    assert dhl.down_since is not None
    assert dhl.last_problem == "503"
    assert (aftership.source, aftership.account, aftership.followed) == ("aftership", None, 1)
    assert (ups.source, ups.followed, ups.calls_today, ups.allowed_today) == ("ups", 0, 0, None)
    assert [(one.run_id, one.state) for one in told.not_loaded] == [("r2", "stopped")]
    assert {(one.dataset, one.received, one.quarantined, one.stopped) for one in told.days} == {
        ("tracking_event", 10, 1, 0),
        ("shipment", 5, 5, 1),
    }
    assert {one.run_id: one.failed_rules for one in told.loads} == {"r1": ["time_not_ahead"], "r2": ["keys_are_unique"]}


def test_polls_of_before_yesterday_do_not_count(filled: str) -> None:
    rows(filled, "UPDATE ops.run SET as_of = as_of - interval '25 hours'")
    (dhl, *_) = quality.read(connections.dsn).carriers
    assert (dhl.answered_24h, dhl.failed_24h, dhl.last_problem, dhl.last_answered_at) == (0, 0, None, None)


def test_page_and_json_tell_the_same(filled: str) -> None:
    desk = client()
    page = desk.get(f"{PREFIX}/quality", headers=PAGE)
    assert page.status_code == 200
    assert page.headers["content-security-policy"] == shared.content_policy()
    assert page.headers["cache-control"] == "no-store"
    assert "&lt;b&gt;Often&lt;/b&gt;" in page.text
    told = desk.get(f"{PREFIX}/api/quality")
    assert told.status_code == 200
    assert told.headers["cache-control"] == "no-store"
    assert quality.Quality.model_validate(told.json()).unmapped_codes[0].code == "ZZ"
    start = desk.get(f"{PREFIX}/", headers=PAGE)
    assert (start.status_code, start.headers["location"]) == (307, "quality")


def test_an_empty_warehouse_has_a_page(warehouse: str) -> None:
    page = client().get(f"{PREFIX}/quality", headers=PAGE)
    assert page.status_code == 200
    assert "Every code that was seen is mapped." in page.text


def test_lists_are_bounded(warehouse: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quality, "MOST_CODES", 3)
    rows(
        warehouse,
        "INSERT INTO quality.unmapped_code SELECT 'ups', 'C' || n, NULL, now(), now(), n, NULL "
        "FROM generate_series(1, 9) AS n",
    )
    told = quality.read(connections.dsn)
    assert [one.code for one in told.unmapped_codes] == ["C9", "C8", "C7"]
    assert (told.unmapped_open, told.unmapped_events) == (9, 45)
    assert "The 3 most frequent of 9." in pages.quality_page(told)


def test_runs_of_the_watch_do_not_crowd_out_loads(filled: str) -> None:
    """It runs 96 times a day, and judges several datasets each time."""
    rows(
        filled,
        """
        INSERT INTO ops.run (run_id, kind, dataset, state, as_of)
        SELECT 'w' || n, 'watch', 'quality', CASE WHEN n % 2 = 0 THEN 'failed' ELSE 'loaded' END, now()
        FROM generate_series(1, 60) AS n;
        INSERT INTO quality.validation_result
        SELECT 'w' || n, 'carrier_feed', 'volume_is_usual', 'warn', 'made up', 10, 1, false, NULL, now()
        FROM generate_series(1, 60) AS n;
        """,
    )
    told = quality.read(connections.dsn)
    assert {one.run_id for one in told.loads} == {"r1", "r2"}
    assert {one.run_id for one in told.not_loaded} == {"r2"}
    assert {one.dataset for one in told.days} == {"tracking_event", "shipment"}


def test_the_days_add_up_to_what_the_view_tells_run_by_run(filled: str) -> None:
    """Also of runs that have not come to their load, or failed before it; and of no day before the last seven."""
    rows(
        filled,
        """
        INSERT INTO ops.run (run_id, kind, dataset, state, as_of, started_at)
        SELECT state || age, 'import', 'shipment', state, now(), clock_timestamp() - make_interval(days => age)
        FROM unnest(ARRAY['running', 'failed', 'loaded', 'stopped']) AS state, generate_series(0, 9) AS age;
        INSERT INTO quality.validation_result
        SELECT run_id, told, rule, 'row', 'made up', 10, 1, false, NULL, now()
        FROM ops.run, unnest(ARRAY['shipment', 'order_line']) AS told, unnest(ARRAY['a', 'b']) AS rule
        WHERE kind = 'import' AND (state <> 'running' OR started_at > now() - interval '4 days');
        INSERT INTO quality.reconciliation
        SELECT run_id, told, 9, 4, 3, 2, now(), 9
        FROM ops.run, unnest(ARRAY['shipment', 'order_line']) AS told
        WHERE kind = 'import' AND (state = 'loaded' OR (state = 'stopped' AND told = 'shipment'))
        ON CONFLICT DO NOTHING;
        """,
    )
    view = rows(
        filled,
        """
        SELECT (started_at AT TIME ZONE 'UTC')::date, dataset, count(*), coalesce(sum(received), 0),
            coalesce(sum(loaded), 0), coalesce(sum(duplicate), 0), coalesce(sum(quarantined), 0),
            count(*) FILTER (WHERE state = 'stopped'), count(*) FILTER (WHERE state = 'failed')
        FROM mart.data_quality
        WHERE (started_at AT TIME ZONE 'UTC')::date > (clock_timestamp() AT TIME ZONE 'UTC')::date - 7
        GROUP BY 1, 2 ORDER BY 1 DESC, 2
        """,
    )
    told = quality.read(connections.dsn)
    assert [tuple(one.model_dump().values()) for one in told.days] == view
    assert len({one.day for one in told.days}) == quality.DAYS
    oldest = min(one.day for one in told.days)
    assert {one.started_at.date() >= oldest for one in told.not_loaded if one.started_at} == {True}


@pytest.mark.parametrize("name", ["days", "not_loaded", "loads"])
def test_a_long_history_is_not_read_for_the_last_days(filled: str, name: str) -> None:
    """Seen in the plans, for clocks on shared machines prove nothing."""
    link = psycopg2.connect(filled, options="-c timezone=UTC -c enable_seqscan=off -c enable_bitmapscan=off")
    with link, link.cursor() as cursor:
        cursor.execute(f"EXPLAIN {statement(f'desk/{name}')}", {"days": quality.DAYS, "most": 20})
        plan = "\n".join(line for (line,) in cursor.fetchall())
    link.close()
    assert "Scan using run_by_start on run" in plan, plan
    assert "Seq Scan" not in plan, plan
    # The last days are looked up by the index, and not filtered out of all that there is.
    assert name == "loads" or "Index Cond: (started_at >= " in plan, plan


def test_the_desk_changes_nothing(warehouse: str) -> None:
    from lanecast.warehouse.snapshot import Unavailable, reading

    with pytest.raises(Unavailable), reading(connections.dsn) as link, link.cursor() as cursor:
        cursor.execute("INSERT INTO quality.unmapped_code VALUES ('ups', 'X', NULL, now(), now(), 1, NULL)")
    assert rows(warehouse, "SELECT FROM quality.unmapped_code") == []


# ---------------------------------------------------------------------------------------------------- who gets in


def test_every_route_asks_for_the_user_first() -> None:
    app = create_app(refuse)
    assert len(app.routes) >= 4
    for route in app.routes:
        # A mount, or a route of Starlette's own, would be outside FastAPI's dependencies.
        assert isinstance(route, APIRoute), route
        assert refuse in {dependency.call for dependency in route.dependant.dependencies}, route.path


def test_without_a_user_nothing_is_told() -> None:
    def address() -> str:
        raise AssertionError("the warehouse was asked for")

    for user, status in ((refuse, 401), (forbid, 403)):
        desk = client(user, address=address)
        paths = [route.path for route in create_app(user).routes if isinstance(route, APIRoute)]
        assert {"/", "/quality", "/quality/run", "/api/quality", "/api/quality/run", "/api/openapi.json"} <= set(paths)
        for path in paths:
            for method in ("GET", "HEAD", "POST", "OPTIONS"):
                answer = desk.request(method, PREFIX + path)
                assert answer.status_code in ({status} if method == "GET" else {status, 405}), (method, path)
                assert method != "GET" or answer.json() == {"detail": refuse_detail(status)}
        for path in ("/docs", "/redoc", "/openapi.json", "/static/desk.css", "/../quality.html"):
            assert desk.get(PREFIX + path).status_code in {404, status}


def refuse_detail(status: int) -> str:
    return {401: "Not authenticated", 403: "Forbidden"}[status]


def test_a_browser_without_a_user_is_sent_to_sign_in() -> None:
    for path in ("/", "/quality"):
        answer = client(refuse).get(PREFIX + path, headers=PAGE)
        assert answer.status_code == 302
        assert answer.headers["location"] == f"/api/v2/auth/login?next=%2Flanecast{path.replace('/', '%2F')}"
    # Signed in, one comes back to the run that was asked for.
    answer = client(refuse).get(f"{PREFIX}/quality/run?run=a%3Ab%2Bc", headers=PAGE)
    assert parse_qs(urlsplit(answer.headers["location"]).query) == {"next": [f"{PREFIX}/quality/run?run=a%3Ab%2Bc"]}
    assert client(refuse).get(f"{PREFIX}/api/quality", headers=PAGE).status_code == 401
    assert client(forbid).get(f"{PREFIX}/quality", headers=PAGE).status_code == 403


def test_under_a_path_of_its_own_airflow_is_found_too() -> None:
    outer = FastAPI(root_path="/airflow")
    outer.mount(PREFIX, create_app(refuse))

    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(outer, root_path="/airflow")
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as browser:
            return await browser.get("/airflow/lanecast/quality", headers=PAGE)

    assert asyncio.run(ask()).headers["location"] == "/airflow/api/v2/auth/login?next=%2Fairflow%2Flanecast%2Fquality"


def test_the_document_describes_the_json() -> None:
    told = client().get(f"{PREFIX}/api/openapi.json").json()
    assert told["servers"] == [{"url": PREFIX}]
    assert list(told["paths"]) == [
        *("/api/quality", "/api/quality/run", "/api/promise"),
        *(f"/api/recommendations/{of}" for of in ("customer/{key}", "visitor", "product/{product}")),
    ]
    for path in told["paths"].values():
        for way in path.values():
            assert {"401", "403", "503"} <= way["responses"].keys()
    assert [one["name"] for one in told["paths"]["/api/quality/run"]["get"]["parameters"]] == ["run"]
    # A check that FastAPI took for a parameter would stand here.
    assert "parameters" not in told["paths"]["/api/quality"]["get"]


# ------------------------------------------------------------------------------------------------ no warehouse


@pytest.mark.parametrize(
    ("change", "remedy"),
    [
        (lambda address: "", "AIRFLOW_CONN_LANECAST_WAREHOUSE"),
        (lambda address: "postgresql://lanecast:s3cret@127.0.0.1:1/lanecast", "Postgres is up"),
        (lambda address: address.replace("lanecast:", "lanecast:s3cret"), "password"),
        (lambda address: address.rsplit("/", 1)[0] + "/postgres", "lanecast migrate"),
    ],
    ids=["none", "down", "wrong password", "no schema"],
)
def test_where_it_cannot_read_it_says_what_to_do(
    warehouse: str, monkeypatch: pytest.MonkeyPatch, change: Any, remedy: str, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_LANECAST_WAREHOUSE", change(warehouse))
    password = psycopg2.extensions.parse_dsn(warehouse)["password"]
    page = client().get(f"{PREFIX}/quality", headers=PAGE)
    told = client().get(f"{PREFIX}/api/quality")
    assert (page.status_code, told.status_code) == (503, 503)
    assert told.json().keys() == {"detail", "remedy"}
    assert remedy in told.json()["remedy"]
    for text in (page.text, told.text):
        assert "Traceback" not in text
        assert "postgresql://lanecast" not in text
    for secret in ("s3cret", password):
        assert secret not in page.text + told.text + caplog.text
