"""What customers lived through, and what followed: body in include/sql/migrations/0012_delivery_experience/."""

from lanecast.warehouse.alembic import run_body

revision = "0012_delivery_experience"
down_revision = "0011_recommendations"


def upgrade() -> None:
    run_body(revision, "upgrade")


def downgrade() -> None:
    run_body(revision, "downgrade")
