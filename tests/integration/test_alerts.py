"""The book of alerts on a real Postgres, and telling them to real servers on this machine."""

from __future__ import annotations

import json
import logging
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import psycopg2
import pytest
from click.testing import CliRunner
from watch_world import START, rows, set_now

from lanecast.alerts import book, channels, runs, telling
from lanecast.alerts.book import Cause
from lanecast.alerts.channels import ChannelFailed
from lanecast.alerts.message import Message
from lanecast.cli import cli
from lanecast.warehouse import connection

pytestmark = pytest.mark.timeout(120)
SECRET = "T000-B000-verysecret"
SILENT = Cause("feed", "carrier_feed", "feed_silent", "ups", "ups is silent")
STOPPED = Cause("batch_stopped", "tracking_event", "mostly_bad", "carriers", "stopped", "critical")


def raised(address: str, *causes: Cause, run_id: str = "run-1") -> None:
    with connection.connect(address=address) as link, link.cursor() as cursor:
        book.raise_all(cursor, causes, run_id)


def resolved(address: str, *kinds: str) -> int:
    with connection.connect(address=address) as link, link.cursor() as cursor:
        return book.resolve(cursor, kinds)


def open_alerts(address: str) -> list[tuple[Any, ...]]:
    return rows(address, "SELECT rule, subject, times_seen FROM mart.quality_alert WHERE is_open ORDER BY alert_id")


def test_a_cause_has_one_open_alert_however_often_it_is_seen(warehouse: str) -> None:
    raised(warehouse, SILENT, STOPPED)
    raised(warehouse, SILENT)  # a retry of the same run
    raised(warehouse, SILENT, run_id="run-2")
    assert open_alerts(warehouse) == [("feed_silent", "ups", 2), ("mostly_bad", "carriers", 1)]
    assert resolved(warehouse, "feed") == 1
    raised(warehouse, SILENT, run_id="run-3")  # the same cause anew is another alert
    assert rows(warehouse, "SELECT count(*), count(resolved_at) FROM quality.alert") == [(3, 1)]


def test_many_who_raise_at_once_make_one(warehouse: str) -> None:
    causes = [Cause("feed", "carrier_feed", "feed_silent", str(number), "silent") for number in range(20)]
    start = threading.Barrier(8)

    def one(number: int) -> None:
        start.wait(30)
        raised(warehouse, *(causes if number % 2 else reversed(causes)), run_id=f"run-{number}")

    with ThreadPoolExecutor(8) as workers:
        list(workers.map(one, range(8)))
    assert rows(warehouse, "SELECT count(*), sum(times_seen) FROM quality.alert") == [(20, 160)]


class Web:
    """An HTTP server that keeps what was posted and answers with `status`."""

    def __init__(self) -> None:
        self.got: list[tuple[str, dict[str, str], Any]] = []
        self.status = 200
        web = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                web.got.append((self.path, dict(self.headers), json.loads(body)))
                self.send_response(web.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def web() -> Iterator[Web]:
    running = Web()
    yield running
    running.server.shutdown()
    running.server.server_close()


class Mail:
    """A mail server of a few words: it takes every mail."""

    def __init__(self) -> None:
        self.got: list[str] = []
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                peer, _ = self.socket.accept()
            except OSError:
                return
            with peer, peer.makefile("rwb") as file:
                self._talk(file)

    def _talk(self, file: Any) -> None:
        def say(line: str) -> None:
            file.write(line.encode() + b"\r\n")
            file.flush()

        say("220 ready")
        for line in file:
            word = line.split(b" ")[0].strip().upper()
            if word == b"DATA":
                say("354 go on")
                lines = iter(file.readline, b".\r\n")
                self.got.append(b"".join(lines).decode())
                say("250 taken")
            elif word == b"QUIT":
                say("221 bye")
                return
            else:
                say("250 yes")


@pytest.fixture
def mail() -> Iterator[Mail]:
    running = Mail()
    yield running
    running.socket.close()


def configure(monkeypatch: pytest.MonkeyPatch, name: str, **value: Any) -> None:
    monkeypatch.setenv(f"AIRFLOW_CONN_LANECAST_ALERTS_{name.upper()}", json.dumps(value))


def test_every_channel_tells_each_opening_and_end_once(
    warehouse: str, web: Web, mail: Mail, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    configure(monkeypatch, "slack", password=f"http://127.0.0.1:{web.port}/services/{SECRET}")
    configure(monkeypatch, "webhook", host="127.0.0.1", port=web.port, schema="hook", password=SECRET)
    extra = {"from_email": "lanecast@shop.example", "to": "ops@shop.example, dev@shop.example", "disable_ssl": True}
    configure(monkeypatch, "smtp", host="127.0.0.1", port=mail.port, extra=extra | {"disable_tls": True})
    raised(warehouse, SILENT, STOPPED)
    assert telling.tell() == {"log": 2, "smtp": 2, "slack": 2, "webhook": 2}
    assert telling.tell() == {"log": 0, "smtp": 0, "slack": 0, "webhook": 0}
    bodies = {path: (headers, body) for path, headers, body in web.got}
    assert len(web.got) == 2
    assert bodies[f"/services/{SECRET}"][1]["text"].startswith("Lanecast: 2 alerts opened (1 critical)\nCRITICAL")
    headers, body = bodies["/hook"]
    assert headers["Authorization"] == f"Bearer {SECRET}"
    assert [(alert["rule"], alert["state"]) for alert in body["alerts"]] == [
        ("mostly_bad", "open"),
        ("feed_silent", "open"),
    ]
    (sent,) = mail.got
    assert "Subject: Lanecast: 2 alerts opened (1 critical)" in sent
    assert "To: ops@shop.example, dev@shop.example" in sent
    assert caplog.text.count("Lanecast: 2 alerts opened") == 1
    resolved(warehouse, "feed")
    assert set(telling.tell().values()) == {1}
    assert "Subject: Lanecast, resolved: feed silent: ups" in mail.got[1]
    assert rows(warehouse, "SELECT count(*) FROM quality.alert_notice") == [(0,)]
    assert SECRET not in caplog.text


def test_a_channel_that_fails_is_tried_again_and_stops_no_other(
    warehouse: str, web: Web, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    configure(monkeypatch, "slack", password=f"http://127.0.0.1:{web.port}/services/{SECRET}")
    web.status = 500
    raised(warehouse, SILENT)
    assert telling.tell() == {"log": 1}
    assert "slack: answered 500" in caplog.text
    assert telling.tell() == {"log": 0}
    assert rows(warehouse, "SELECT told_opened_at FROM quality.alert") == [(None,)]
    resolved(warehouse, "feed")
    web.status = 200
    web.got.clear()
    assert telling.tell() == {"log": 1, "slack": 1}  # what ended untold is told as ended
    assert [body["text"].split(":")[0] for _, _, body in web.got] == ["Lanecast, resolved"]
    told = rows(warehouse, "SELECT told_opened_at IS NOT NULL, told_resolved_at IS NOT NULL FROM quality.alert")
    assert told == [(True, True)]
    assert SECRET not in caplog.text


def test_killed_between_sending_and_noting_it_tells_again(
    warehouse: str, web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure(monkeypatch, "webhook", host="127.0.0.1", port=web.port)
    raised(warehouse, SILENT)
    send = channels.send

    def killed(name: str, message: Message) -> None:
        send(name, message)
        if name == "webhook":
            raise KeyboardInterrupt

    monkeypatch.setattr(channels, "send", killed)
    with pytest.raises(KeyboardInterrupt):
        telling.tell()
    monkeypatch.setattr(channels, "send", send)
    assert telling.tell() == {"log": 0, "webhook": 1}
    assert len(web.got) == 2
    assert telling.tell() == {"log": 0, "webhook": 0}


def test_a_slow_channel_outlives_a_server_that_ends_idle_transactions(
    warehouse: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    link = psycopg2.connect(warehouse)
    link.autocommit = True
    with link.cursor() as cursor:
        cursor.execute(f"ALTER DATABASE {link.info.dbname} SET idle_in_transaction_session_timeout = '200ms'")
    raised(warehouse, SILENT)
    sent = []

    def slow(name: str, message: Message) -> None:
        with link.cursor() as cursor:
            cursor.execute("SELECT pg_sleep(0.6)")
            # nobody's snapshot is held meanwhile, which would keep vacuum from its work
            cursor.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND backend_xmin IS NOT NULL "
                "AND pid <> pg_backend_pid()"
            )
            assert cursor.fetchall() == [(0,)]
        sent.append(message.subject)

    monkeypatch.setattr(channels, "names", lambda: ["smtp"])
    monkeypatch.setattr(channels, "send", slow)
    assert telling.tell() == {"smtp": 1}
    assert telling.tell() == {"smtp": 0}
    assert sent == ["Lanecast, warning: feed silent: ups"]
    link.close()


def test_a_warehouse_that_fails_meanwhile_is_logged_and_stops_no_other_channel(
    warehouse: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    raised(warehouse, SILENT)

    def cut_off(name: str, message: Message) -> None:
        if name == "smtp":
            rows(
                warehouse,
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()",
            )

    monkeypatch.setattr(channels, "names", lambda: ["smtp", "log"])
    monkeypatch.setattr(channels, "send", cut_off)
    assert telling.tell()["log"] == 1
    assert "alerts may be told again on the channel smtp by the next watch" in caplog.text


def test_a_secret_address_is_not_logged_and_others_are(
    warehouse: str, web: Web, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="httpx")
    configure(monkeypatch, "slack", password=f"http://127.0.0.1:{web.port}/services/{SECRET}")
    channels.send("slack", Message("subject", "text"))
    assert caplog.text == ""
    httpx.post(f"http://127.0.0.1:{web.port}/elsewhere", json={})
    assert "/elsewhere" in caplog.text


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("slack", {"host": "hooks.slack.com"}, "slack: lanecast_alerts_slack needs the webhook's URL as its password"),
        ("slack", {"password": f"http://slack.example/{SECRET}"}, "slack: the address is not https"),
        ("slack", {"password": f"http://127.0.0.1:9/{SECRET}"}, "slack: ConnectError"),
        (
            "smtp",
            {"host": "127.0.0.1"},
            "smtp: lanecast_alerts_smtp needs a host, and",
        ),
        ("webhook", {"password": SECRET}, "webhook: lanecast_alerts_webhook needs a host"),
    ],
)
def test_what_is_wrong_is_told_without_the_secret(
    name: str, value: dict[str, Any], told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure(monkeypatch, name, **value)
    assert name in channels.names()
    with pytest.raises(ChannelFailed) as failed:
        channels.send(name, Message("subject", "text"))
    assert str(failed.value).startswith(told)
    assert failed.value.__cause__ is None


def test_an_unreadable_connection_names_the_variable_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_LANECAST_ALERTS_SLACK", f"{{{SECRET}")
    with pytest.raises(ChannelFailed, match="AIRFLOW_CONN_LANECAST_ALERTS_SLACK is no connection") as failed:
        channels.send("slack", Message("subject", "text"))
    assert SECRET not in str(failed.value)


def test_a_failed_run_and_a_late_one_end_with_the_next_success(warehouse: str) -> None:
    set_now(warehouse, START)
    runs.failed("carrier_tracking", "carrier_tracking:1")
    runs.failed("carrier_tracking", "carrier_tracking:2")
    runs.late("delivery_time", "delivery_time:1", START + timedelta(hours=1), 60)
    assert open_alerts(warehouse) == [("run_failed", "", 2), ("run_late", "", 1)]
    runs.succeeded("carrier_tracking")
    assert open_alerts(warehouse) == [("run_late", "", 1)]
    runs.succeeded("delivery_time")
    assert open_alerts(warehouse) == []


def test_a_stopped_batch_is_one_alert_not_two(warehouse: str) -> None:
    raised(warehouse, STOPPED, run_id="carrier_tracking:1")
    runs.failed("carrier_tracking", "carrier_tracking:1")
    assert open_alerts(warehouse) == [("mostly_bad", "carriers", 1)]
    assert rows(warehouse, "SELECT told_opened_at IS NOT NULL FROM quality.alert") == [(True,)]


def test_the_command_lists_them(warehouse: str) -> None:
    empty = CliRunner().invoke(cli, ["alerts"])
    assert (empty.exit_code, empty.output) == (0, "No alert is open.\n")
    raised(warehouse, SILENT, STOPPED)
    resolved(warehouse, "feed")
    shown = json.loads(CliRunner().invoke(cli, ["alerts", "--json"]).output)
    assert [alert["rule"] for alert in shown["alerts"]] == ["mostly_bad"]
    shown = CliRunner().invoke(cli, ["alerts", "--all"]).output
    assert "resolved  feed_silent (ups), from" in shown
    assert "critical  mostly_bad (carriers), since" in shown
