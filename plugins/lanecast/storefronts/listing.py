"""Whether a source's list of all its products can be believed: one that is broken must not withdraw the catalogue."""

from __future__ import annotations

import logging

from lanecast.storefronts.config import Source
from lanecast.storefronts.ledger import DISBELIEVED
from lanecast.warehouse.connection import Connection, only_row
from lanecast.warehouse.runs import Run
from lanecast.warehouse.statements import statement

log = logging.getLogger(__name__)

FEWEST_KNOWN = 20
"""Of so many known products or more, a list may lack at most half."""


def is_believed(link: Connection, run: Run, source: Source) -> bool:
    """Whether products that the list (the temporary table `listed`) lacks are gone; what is not believed is noted as
    the problem of the read, and the next run asks again. A full read by hand is believed."""
    if run.params.get("full"):
        return True
    with link.cursor() as cursor:
        cursor.execute(statement("storefront/missing"), {"source": source.name})
        known, missing = only_row(cursor)
        if missing == 0 or (missing < known and (known < FEWEST_KNOWN or 2 * missing <= known)):
            return True
        problem = (
            f"{source.name}: {DISBELIEVED} {missing} of the {known} that it is known to have, "
            "which is more than is believed: nothing was withdrawn. Look at what lists them; if they are gone indeed, "
            f"say so by a full read: lanecast storefront pull {source.name} --full"
        )
        log.error(problem)
        cursor.execute(
            "UPDATE ops.storefront_read SET listed = false, problem = %s WHERE run_id = %s AND stream = 'products'",
            (problem, run.run_id),
        )
    return False
