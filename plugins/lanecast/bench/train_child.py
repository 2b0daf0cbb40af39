"""The process in which `lanecast bench train` trains: it does nothing else, so that its memory is the training's.

Whatever the comparison says, the model serves everywhere, so that all that a night may do is done.
"""

from __future__ import annotations

import json
import resource
import sys

from lanecast.delivery import training
from lanecast.delivery.learned import choice
from lanecast.delivery.model.hazard import library


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    """Trains and publishes; prints seconds, megabytes and counts as JSON."""
    library()
    imports = _peak_mb()
    choice.SURELY = float("-inf")
    trained, published = training.train_and_follow()
    told = {
        "read": trained.shipments,
        "train_seconds": trained.seconds,
        "publish_seconds": published.seconds if published else 0.0,
        "memory_mb": _peak_mb(),
        "import_memory_mb": imports,
        "curves": published.curves if published else 0,
    }
    sys.stdout.write(json.dumps(told) + "\n")


if __name__ == "__main__":
    main()
