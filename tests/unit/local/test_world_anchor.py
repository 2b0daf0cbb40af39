from __future__ import annotations

from datetime import datetime
from pathlib import Path

from lanecast.local import sandbox
from lanecast.local.parts import LONGEST_PAUSE, Part

KEPT_AT = "2026-01-02T03:04:05+00:00"


def test_the_worlds_start_is_kept_while_the_world_is_the_same(tmp_path: Path) -> None:
    (tmp_path / "world.yaml").write_text("lanes: 1\n")
    world = sandbox.World(tmp_path / "world.yaml", 7)
    kept = {"anchor": KEPT_AT, "fingerprint": world.fingerprint()}
    assert sandbox.anchor(kept, world) == (KEPT_AT, world.fingerprint())
    assert sandbox.anchor(kept, sandbox.World(world.file, 8))[0] != KEPT_AT
    (tmp_path / "world.yaml").write_text("lanes: 2\n")
    assert sandbox.anchor(kept, world)[0] != KEPT_AT


def test_a_first_start_has_a_zone() -> None:
    anchor, _ = sandbox.anchor({}, sandbox.World())
    assert datetime.fromisoformat(anchor).tzinfo is not None


def test_the_command_names_world_and_seed_only_where_given(tmp_path: Path) -> None:
    plain = sandbox.command(1, sandbox.World(), KEPT_AT)
    assert plain[1:] == ["-m", "lanecast.sandbox", "--port", "1", "--anchor", KEPT_AT]
    full = sandbox.command(1, sandbox.World(tmp_path / "w.yaml", 0), KEPT_AT)
    assert full[-4:] == ["--world", str(tmp_path / "w.yaml"), "--seed", "0"]


class Mayfly(Part):
    def launch(self) -> int:
        return 2**22 + 1  # no process has this number

    def problem(self) -> str | None:
        return None


def test_a_part_that_keeps_dying_is_started_ever_more_slowly(tmp_path: Path) -> None:
    part = Mayfly("mayfly", tmp_path / "log")
    part.start()
    assert part.look() == "not running"
    pauses = [part.pause() for _ in range(12)]
    assert pauses == sorted(pauses)
    assert pauses[0] < 1
    assert pauses[-1] == LONGEST_PAUSE
