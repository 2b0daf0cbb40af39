"""The supervisor with real Postgres and Airflow, a DAG folder of its own, and a stand-in for the sandbox."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest

from lanecast.local import control, files, ports, processes
from lanecast.local.api import Api

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]

STOP_LIMIT = 15.0

DAGS = """
import time
from pathlib import Path
from airflow.sdk import dag, task

@dag(schedule=None, catchup=False)
def tiny():
    @task
    def answer():
        return 42
    answer()

@dag(schedule=None, catchup=False)
def waits():
    @task
    def until_told(dag_run=None):
        folder = Path({folder!r}) / dag_run.run_id
        folder.mkdir(exist_ok=True)
        (folder / str(time.time_ns())).touch()  # one file a start
        while not (folder / "go").exists():
            time.sleep(0.1)
        return "told"
    until_told()

tiny()
waits()
"""

SANDBOX = """
import http.server, json, sys
class Clock(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps({"start": sys.argv[2], "anchor": sys.argv[2], "speed": 1}).encode())
    def log_message(self, *words):
        pass
http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Clock).serve_forever()
"""

UP = """
import sys
from pathlib import Path
from lanecast.local.supervisor import Supervisor
def say(line):
    print(line, flush=True)
def command(port, world, anchor):
    return [sys.executable, "-c", {sandbox!r}, str(port), anchor]
def clock(start, anchor, speed):
    say(f"clock {{anchor.isoformat()}}")
with Supervisor(Path(sys.argv[1]), Path(sys.argv[2]), sandbox_command=command, on_clock=clock, progress=say) as up:
    up.wait()
say("ended")
"""


@dataclass
class Platform:
    """A state folder whose supervisor is a process of ours."""

    state: Path
    home: Path
    process: subprocess.Popen[bytes] | None = None

    def begin(self) -> None:
        script = UP.format(sandbox=SANDBOX)
        with self.output.open("ab") as output:
            command = [sys.executable, "-c", script, str(self.state), str(self.home)]
            # Where the tests run under nohup, SIGHUP is ignored by inheritance, and the supervisor respects that.
            self.process = subprocess.Popen(
                command,
                stdout=output,
                stderr=output,
                cwd=self.home,
                preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_DFL),
            )

    @property
    def output(self) -> Path:
        return self.state.with_suffix(".out")

    def said(self) -> str:
        return self.output.read_text() if self.output.exists() else ""

    def wait_up(self, limit: float = 120) -> None:
        until(lambda: self.status()["running"], limit, self.said, lambda: not self.runs())

    def runs(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def status(self) -> dict[str, Any]:
        return control.status(self.state)

    def part(self, name: str) -> dict[str, Any]:
        return next((part for part in self.status().get("parts", []) if part["name"] == name), {})

    def api(self) -> Api:
        status = self.status()
        return Api(status["url"], **status["login"])

    def send(self, kind: signal.Signals) -> None:
        assert self.process is not None
        self.process.send_signal(kind)

    def assert_gone(self, began: float, held: list[int]) -> None:
        assert self.process is not None
        self.process.wait(STOP_LIMIT)
        until(lambda: not processes.of_platform(self.state), began + STOP_LIMIT - time.monotonic(), self.said)
        assert [port for port in held if not ports.is_free(port)] == []
        assert self.status()["running"] is False

    def held_ports(self) -> list[int]:
        return list(files.read_json(self.state / control.FILE)["ports"].values())


def until(
    met: Callable[[], Any],
    limit: float,
    told: Callable[[], str] = lambda: "",
    hopeless: Callable[[], bool] = lambda: False,
) -> None:
    end = time.monotonic() + limit
    while not met():
        if time.monotonic() > end or hopeless():
            pytest.fail(f"not met within {limit:.0f} s:\n{told()[-3000:]}")
        time.sleep(0.1)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("home")
    for name in ("dags", "plugins", "runs"):
        (folder / name).mkdir()
    (folder / "dags" / "two.py").write_text(DAGS.format(folder=str(folder / "runs")))
    return folder


@pytest.fixture(scope="module")
def both(home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Platform, Platform]]:
    folder = tmp_path_factory.mktemp("states")
    pair = Platform(folder / "one", home), Platform(folder / "two", home)
    try:
        for platform in pair:
            platform.begin()
        for platform in pair:
            platform.wait_up(180)
        yield pair
    finally:
        for platform in pair:
            if platform.process is not None and platform.runs():
                platform.process.kill()
            control.end_leftovers(platform.state)


@pytest.fixture(scope="module")
def one(both: tuple[Platform, Platform]) -> Platform:
    return both[0]


def healthy(platform: Platform) -> bool:
    parts = platform.status().get("parts", [])
    return len(parts) == 6 and all(part["health"] == "healthy" for part in parts)


def start_waiting_run(platform: Platform, home: Path) -> tuple[str, Path]:
    with platform.api() as api:
        api.wait_for_dags(["waits"], 60)
        run = api.trigger("waits")
    folder = home / "runs" / run
    until(lambda: folder.exists() and any(folder.iterdir()), 60, platform.said)
    return run, folder


def finish_waiting_run(platform: Platform, run: str, folder: Path) -> None:
    (folder / "go").touch()
    with platform.api() as api:
        assert api.wait_for_run("waits", run, 90)["state"] == "success"


def test_two_platforms_run_side_by_side(both: tuple[Platform, Platform]) -> None:
    first, second = both
    assert not set(first.held_ports()) & set(second.held_ports())
    for platform in both:
        until(lambda platform=platform: healthy(platform), 30, platform.said)
        with platform.api() as api:
            api.wait_for_dags(["tiny", "waits"], 60)
            assert api.import_errors() == []
            assert api.wait_for_run("tiny", api.trigger("tiny"), 60)["state"] == "success"
        assert "clock " in platform.said()
        groups = [os.getpgid(part["pid"]) for part in platform.status()["parts"]]
        assert groups == [part["pid"] for part in platform.status()["parts"]]  # each part leads its own
        assert platform.status()["login"]["password"] not in platform.said()


def test_a_second_up_in_the_same_folder_says_where_the_first_is(one: Platform) -> None:
    done = subprocess.run(
        [sys.executable, "-c", UP.format(sandbox=SANDBOX), str(one.state), str(one.home)],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode != 0
    assert f"already running at {one.status()['url']}" in done.stderr
    assert healthy(one)


def test_sigterm_leaves_nothing_and_the_neighbour_alone(both: tuple[Platform, Platform]) -> None:
    first, second = both
    before, held, began = [part["pid"] for part in first.status()["parts"]], second.held_ports(), time.monotonic()
    second.send(signal.SIGTERM)
    second.assert_gone(began, held)
    assert [part["pid"] for part in first.status()["parts"]] == before
    assert healthy(first)


@pytest.mark.parametrize("kind", [signal.SIGHUP, signal.SIGINT])
def test_a_signal_while_starting_leaves_nothing(both: tuple[Platform, Platform], kind: signal.Signals) -> None:
    second = both[1]
    control.down(second.state)
    second.output.unlink(missing_ok=True)
    second.begin()
    until(lambda: "postgres ready" in second.said(), 60, second.said)
    held, began = second.held_ports(), time.monotonic()
    second.send(kind)
    second.assert_gone(began, held)


def test_a_killed_scheduler_is_started_again_and_its_run_goes_on(one: Platform, home: Path) -> None:
    run, folder = start_waiting_run(one, home)
    pid, restarts = one.part("scheduler")["pid"], one.part("scheduler")["restarts"]
    psutil.Process(pid).kill()
    until(lambda: one.part("scheduler")["restarts"] > restarts and healthy(one), 120, one.said)
    assert one.part("scheduler")["pid"] != pid
    until(lambda: len(list(folder.iterdir())) == 2, 60, one.said)  # the task was taken up again
    finish_waiting_run(one, run, folder)


def test_a_killed_postgres_is_started_again_and_runs_go_on(one: Platform) -> None:
    pid, restarts = one.part("postgres")["pid"], one.part("postgres")["restarts"]
    psutil.Process(pid).kill()
    until(lambda: one.part("postgres")["restarts"] > restarts and healthy(one), 150, one.said)
    with one.api() as api:
        assert api.wait_for_run("tiny", api.trigger("tiny"), 90)["state"] == "success"


def test_every_other_part_that_is_killed_is_started_again(one: Platform) -> None:
    names = ("sandbox", "api-server", "dag-processor", "triggerer")
    pids, restarts = (
        {name: one.part(name)["pid"] for name in names},
        {name: one.part(name)["restarts"] for name in names},
    )
    for pid in pids.values():
        psutil.Process(pid).kill()
    until(lambda: all(one.part(name)["restarts"] > restarts[name] for name in names) and healthy(one), 150, one.said)
    assert not set(pids.values()) & {part["pid"] for part in one.status()["parts"]}


def test_a_killed_supervisor_is_cleaned_up_after_and_its_run_goes_on(one: Platform, home: Path) -> None:
    run, folder = start_waiting_run(one, home)
    held, anchor = one.held_ports(), [line for line in one.said().splitlines() if line.startswith("clock ")]
    old = {process.pid for process in processes.of_platform(one.state)}
    one.send(signal.SIGKILL)
    assert one.process is not None
    one.process.wait(10)
    assert one.status()["running"] is False
    one.begin()
    one.wait_up()
    assert not old & {process.pid for process in processes.of_platform(one.state)}
    assert one.held_ports() == held
    until(lambda: len(list(folder.iterdir())) == 2, 60, one.said)
    finish_waiting_run(one, run, folder)
    assert [line for line in one.said().splitlines() if line.startswith("clock ")] == anchor * 2


def test_down_leaves_nothing_even_in_mid_run(one: Platform, home: Path) -> None:
    start_waiting_run(one, home)
    held, began = one.held_ports(), time.monotonic()
    assert control.down(one.state, STOP_LIMIT) is True
    one.assert_gone(began, held)
    assert control.down(one.state) is False
