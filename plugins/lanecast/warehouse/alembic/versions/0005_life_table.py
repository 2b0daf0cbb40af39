"""Parcels not yet delivered count, too: body in include/sql/migrations/0005_life_table/."""

from lanecast.warehouse.alembic import run_body

revision = "0005_life_table"
down_revision = "0004_data_quality"


def upgrade() -> None:
    run_body(revision, "upgrade")


def downgrade() -> None:
    run_body(revision, "downgrade")
