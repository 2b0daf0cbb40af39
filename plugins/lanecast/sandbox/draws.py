"""Random numbers that depend on nothing but the seed and what they are for."""

from __future__ import annotations

from hashlib import blake2b

import numpy

UNIFORMS = 48
NORMALS = 16


def uniform(seed: int, *about: object) -> float:
    """A number in [0, 1), always the same for the same seed and words."""
    told = "\x1f".join([str(seed), *map(str, about)]).encode()
    return int.from_bytes(blake2b(told, digest_size=8).digest(), "big") / 2.0**64


class DayDraws:
    """The random streams of one day's shipments: row i belongs to shipment i, however many there are."""

    def __init__(self, seed: int, day: int, count: int) -> None:
        """Draw for `count` shipments of day `day` (days since 1970)."""
        self._uniforms = numpy.random.default_rng([seed, day, 0]).random((count, UNIFORMS), dtype=numpy.float32)
        self._normals = numpy.random.default_rng([seed, day, 1]).standard_normal((count, NORMALS), dtype=numpy.float32)

    def row(self, index: int) -> tuple[list[float], list[float]]:
        """The uniform and the normal numbers of shipment `index`."""
        return self._uniforms[index].tolist(), self._normals[index].tolist()
