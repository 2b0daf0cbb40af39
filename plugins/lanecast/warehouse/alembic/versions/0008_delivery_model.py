"""The learned hazard: versions, and its curves for SQL: body in include/sql/migrations/0008_delivery_model/."""

from lanecast.warehouse.alembic import run_body

revision = "0008_delivery_model"
down_revision = "0007_under_way"


def upgrade() -> None:
    run_body(revision, "upgrade")


def downgrade() -> None:
    run_body(revision, "downgrade")
