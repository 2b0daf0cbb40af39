#!/usr/bin/env bash
# The sandbox carriers on a server: `sandbox.sh PORT`. The world starts once and goes on where it was after a restart.
set -euo pipefail

anchor="$LANECAST_STATE/sandbox-anchor"
if [ ! -s "$anchor" ]; then
  date --utc +%Y-%m-%dT%H:%M:%S+00:00 > "$anchor"
fi
exec python -m lanecast.sandbox --host 0.0.0.0 --port "$1" --anchor "$(cat "$anchor")"
