"""The process in which `lanecast bench recommend` makes a run: nothing else, so that its memory is the run's."""

from __future__ import annotations

import json
import resource
import sys
from datetime import datetime

from lanecast.recommend import training


def main() -> None:
    """Makes a run and puts it in use, as of the moment given; prints what came of it, and megabytes, as JSON."""
    trained = training.train_and_publish(as_of=datetime.fromisoformat(sys.argv[1]))
    told = training.as_dict(trained)
    told["memory_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    sys.stdout.write(json.dumps(told) + "\n")


if __name__ == "__main__":
    main()
