#!/usr/bin/env bash
# Brings a server's databases and accounts to what this version needs; run before every start, safe to repeat.
set -euo pipefail

airflow db migrate
lanecast migrate
python "$(dirname "${BASH_SOURCE[0]}")/reader.py"

# An account that exists stays as it is: `users create` says so and ends well.
airflow users create --role Admin --username "$LANECAST_ADMIN_NAME" --password "$LANECAST_ADMIN_PASSWORD" \
  --firstname Lanecast --lastname Admin --email "$LANECAST_ADMIN_NAME@localhost"

# Programs sign in at /auth/token with this one: it may read, and start and stop runs, no more. Its password is
# always the one of the environment, so that changing it there is enough.
airflow users create --role User --username "$LANECAST_MACHINE_NAME" --password "$LANECAST_MACHINE_PASSWORD" \
  --firstname Lanecast --lastname Machine --email "$LANECAST_MACHINE_NAME@localhost"
airflow users reset-password --username "$LANECAST_MACHINE_NAME" --password "$LANECAST_MACHINE_PASSWORD"
