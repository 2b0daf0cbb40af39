"""The lane levels at which delivery time is published, from the world to a carrier's service between two regions."""

from __future__ import annotations

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

    def keys(self) -> sql.Composable:
        """The level's columns, each followed by a comma; nothing for the world."""
        return sql.SQL("").join(sql.SQL("{}, ").format(sql.Identifier(column)) for column in self.columns)

    def lane(self) -> sql.Composable:
        """All lane columns for a SELECT list, each followed by a comma; NULL those that it does not tell apart."""
        return sql.SQL("").join(
            (sql.SQL("{}, ") if column in self.columns else sql.SQL("NULL::text AS {}, ")).format(
                sql.Identifier(column)
            )
            for column in LANE_COLUMNS
        )

    def touched(self) -> sql.Composable:
        """The condition that a row's lane at this level is among those touched."""
        if not self.columns:
            return sql.SQL("true")
        columns = sql.SQL(", ").join(map(sql.Identifier, self.columns))
        known = sql.SQL(" AND ").join(
            sql.SQL("{} IS NOT NULL").format(sql.Identifier("touched_lane", column)) for column in self.columns
        )
        wanted = sql.SQL(", ").join(sql.Identifier("touched_lane", column) for column in self.columns)
        return sql.SQL("({}) IN (SELECT DISTINCT {} FROM touched_lane WHERE {})").format(columns, wanted, known)


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
