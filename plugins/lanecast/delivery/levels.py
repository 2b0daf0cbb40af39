"""The lane levels at which delivery time is published, from the world to a carrier's service between two regions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from psycopg2 import sql

LANE_COLUMNS: tuple[str, ...] = (
    "origin_country",
    "origin_region",
    "destination_country",
    "destination_region",
    "carrier",
    "service",
)
"""The columns that make a lane; a level leaves empty those that it does not tell apart."""

_COUNTRIES = ("origin_country", "destination_country")
_REGIONS = ("origin_country", "origin_region", "destination_country", "destination_region")


@dataclass(frozen=True)
class Level:
    """A lane level: a shipment that lacks one of `columns` is in none of its lanes."""

    name: str
    columns: tuple[str, ...]

    def lane(self) -> sql.Composable:
        """All lane columns for a SELECT list, each followed by a comma; NULL those that it does not tell apart."""
        return sql.SQL("").join(
            (sql.SQL("{}, ") if column in self.columns else sql.SQL("NULL::text AS {}, ")).format(
                sql.Identifier(column)
            )
            for column in LANE_COLUMNS
        )

    def key(self, table: str) -> sql.Composable:
        """The key of the lane of this level that holds a row of `table`."""
        columns = (
            sql.Identifier(table, column) if column in self.columns else sql.SQL("NULL") for column in LANE_COLUMNS
        )
        return sql.SQL("serving.lane({})").format(sql.SQL(", ").join(columns))

    def known(self, table: str) -> sql.Composable:
        """The condition that a row of `table` is in a lane of this level."""
        if not self.columns:
            return sql.SQL("true")
        return sql.SQL(" AND ").join(
            sql.SQL("{} IS NOT NULL").format(sql.Identifier(table, column)) for column in self.columns
        )


LEVELS: tuple[Level, ...] = (
    Level("world", ()),
    Level("destination_country", ("destination_country",)),
    Level("lane_country", _COUNTRIES),
    Level("destination_region", ("destination_country", "destination_region")),
    Level("carrier", (*_COUNTRIES, "carrier")),
    Level("service", (*_COUNTRIES, "carrier", "service")),
    Level("lane_region", _REGIONS),
    Level("carrier", (*_REGIONS, "carrier")),
    Level("service", (*_REGIONS, "carrier", "service")),
)
"""Widest first; a level's place here, counted from 1, is its specificity: the highest with enough parcels answers."""

PARENTS: Mapping[int, tuple[int, ...]] = {
    2: (1,),
    3: (2,),
    4: (2,),
    5: (3,),
    6: (5,),
    7: (3, 4, 2),
    8: (7, 5, 3),
    9: (8, 6, 5),
}
"""What a level leans on, by specificity: its parent; between regions two parents, and what these have in common."""
