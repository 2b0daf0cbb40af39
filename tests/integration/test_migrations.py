"""The schema: one head, up and down and up again, re-applied idempotently."""

from __future__ import annotations

import psycopg2
from alembic.script import ScriptDirectory

from lanecast import settings
from lanecast.warehouse import migrations
from lanecast.warehouse.connection import connect


def _shape(address: str) -> list[tuple[str, ...]]:
    with psycopg2.connect(address) as link, link.cursor() as cursor:
        cursor.execute(
            "SELECT table_schema, table_name, column_name, data_type, is_nullable FROM information_schema.columns "
            "WHERE table_schema IN ('core', 'mart', 'ops', 'quality', 'serving', 'staging') ORDER BY 1, 2, 3"
        )
        return cursor.fetchall()


def test_there_is_one_head_and_each_version_has_both_bodies() -> None:
    versions = ScriptDirectory.from_config(migrations.alembic_config())
    assert len(versions.get_heads()) == 1
    known = {version.revision for version in versions.walk_revisions()}
    folders = {path.name for path in (settings.include() / "sql" / "migrations").iterdir()}
    assert known == folders
    for name in folders:
        for body in ("upgrade.sql", "downgrade.sql"):
            assert (settings.include() / "sql" / "migrations" / name / body).read_text().strip()


def test_down_to_nothing_and_up_again_gives_the_same_schema(warehouse: str) -> None:
    before = _shape(warehouse)
    assert len(before) > 100
    migrations.downgrade("base", warehouse)
    assert [row for row in _shape(warehouse) if row[:2] != ("ops", "migration")] == []
    assert migrations.migrate(warehouse) is True
    assert _shape(warehouse) == before


def test_a_second_migrate_finds_nothing_to_do_and_a_changed_file_is_applied(warehouse: str) -> None:
    assert migrations.migrate(warehouse) is False
    with connect(role="owner") as link, link.cursor() as cursor:
        cursor.execute("UPDATE ops.schema_state SET fingerprint = 'older'")
    assert migrations.migrate(warehouse) is True
    assert migrations.is_current(warehouse)


def test_now_is_the_session_s_moment_then_the_world_s_clock_then_the_wall_clock(warehouse: str) -> None:
    with connect() as link, link.cursor() as cursor:
        cursor.execute("SELECT ops.as_of() = now()")
        assert cursor.fetchone() == (True,)
        cursor.execute("INSERT INTO ops.clock VALUES (true, '2026-03-01Z', now() - interval '1 minute', 60)")
        cursor.execute("SELECT ops.as_of()::text")
        assert cursor.fetchone() == ("2026-03-01 01:00:00+00",)
        cursor.execute("UPDATE ops.clock SET speed = 0")
        cursor.execute("SELECT ops.as_of()::text")
        assert cursor.fetchone() == ("2026-03-01 00:00:00+00",)
        cursor.execute("SET lanecast.as_of = '2020-02-02 02:02Z'")
        cursor.execute("SELECT ops.as_of()::text")
        assert cursor.fetchone() == ("2020-02-02 02:02:00+00",)
