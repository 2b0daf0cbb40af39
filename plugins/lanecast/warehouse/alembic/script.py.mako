"""${message}: body in include/sql/migrations/."""

from lanecast.warehouse.alembic import run_body

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}


def upgrade() -> None:
    run_body(revision, "upgrade")


def downgrade() -> None:
    run_body(revision, "downgrade")
