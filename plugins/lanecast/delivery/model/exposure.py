"""Age cells, and who was at risk in which of them: one row per shipment and cell lived through.

A cell is one calendar day on the destination's clock; it widens with age beyond the 80th day, and where journeys
take months beyond the first week. Cells that
had not ended at the moment of looking are left out, for parcels that arrived in them as for those still under way: to
count arrivals of a day of which only the morning is known would make parcels look fast.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lanecast.delivery.model.shipments import Flags, Floats, Integers, Shipments

LONGEST = 700
"""Days after which nobody waits any more: what arrives later counts as not arrived."""
_SHORTEST = 7
_DAILY = 40
_PARCEL = 30
"""Days up to which a median time to delivery is a parcel's: beyond, cells are of several days."""


@dataclass(frozen=True)
class Exposure:
    """Rows of person-time: `row` in the shipments, `cell` in the edges, the local `day` on which it began, whether the
    parcel was `delivered` within it."""

    row: Integers
    cell: Integers
    day: Integers
    delivered: Flags

    def __len__(self) -> int:
        return len(self.row)

    def take(self, rows: Integers | Flags) -> Exposure:
        return Exposure(self.row[rows], self.cell[rows], self.day[rows], self.delivered[rows])


def edges(known: Shipments) -> Integers:
    """The edges of the age cells in days, from 0 to beyond nearly all deliveries known (a thousandth are later)."""
    took = (known.delivered - known.ordered)[known.sound()]
    took = took[np.isfinite(took)]
    longest = int(np.quantile(took, 0.999)) + 2 if len(took) else _SHORTEST
    longest = min(max(longest, _SHORTEST), LONGEST)
    least = max(1, int(scale(known) // _PARCEL))
    found = [0]
    while found[-1] < longest:
        found.append(found[-1] + max(least if found[-1] >= _SHORTEST else 1, found[-1] // _DAILY))
    return np.array(found, dtype=np.int64)


def scale(known: Shipments) -> float:
    """The median time to delivery known, in days, at least 3: memories are measured by it."""
    took = (known.delivered - known.ordered)[known.sound()]
    took = took[np.isfinite(took)]
    return float(max(3.0, np.median(took))) if len(took) else 10.0


def exposure(known: Shipments, now: float, cells: Integers, since: float) -> Exposure:
    """The cells lived through that began at `since` or later and had ended by `now` (days)."""
    start = known.start_day()
    arrived = known.delivered < now
    age = np.full(len(known), np.inf)
    age[arrived] = np.floor(known.delivered[arrived] + known.offset[arrived]) - start[arrived]
    today = np.floor(now + known.offset)
    first = np.floor(since + known.offset)
    used = np.flatnonzero(known.sound() & (known.ordered < now) & (start + np.minimum(age, cells[-1]) >= first))
    lo, hi = cells[:-1], cells[1:]
    begins = start[used, None] + lo
    at_risk = (lo <= age[used, None]) & (begins >= first[used, None]) & (start[used, None] + hi <= today[used, None])
    at, cell = np.nonzero(at_risk)
    row = used[at]
    delivered = (age[row] >= lo[cell]) & (age[row] < hi[cell])
    return Exposure(row, cell, begins[at, cell], delivered)


def weights(seen: Exposure, now: float, half_life: float) -> Floats:
    """How much each row counts: half as much for every `half_life` days that lie between it and now."""
    found: Floats = np.exp2((seen.day - now) / half_life)
    return found
