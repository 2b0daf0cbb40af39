"""Counts how often each of many hashes was met, in about 24 bytes per distinct hash."""

from __future__ import annotations

from array import array


class Occurrences:
    """An open-addressing table of 64-bit hashes and their counts: a plain dict would take four times the memory."""

    def __init__(self) -> None:
        self._mask = (1 << 12) - 1
        self._keys = array("q", bytes(8 * (self._mask + 1)))
        self._counts = array("L", bytes(array("L").itemsize * (self._mask + 1)))
        self._held = 0

    def met(self, key: int) -> int:
        """How often `key` (a signed 64-bit integer) was met before; counts this time too."""
        slot = self._slot(key)
        before = self._counts[slot]
        self._counts[slot] = before + 1
        if before == 0:
            self._keys[slot] = key
            self._held += 1
            if self._held * 3 > self._mask * 2:
                self._grow()
        return before

    def _slot(self, key: int) -> int:
        keys, counts, mask = self._keys, self._counts, self._mask
        slot = key & mask
        while counts[slot] and keys[slot] != key:
            slot = (slot + 1) & mask
        return slot

    def _grow(self) -> None:
        keys, counts = self._keys, self._counts
        self._mask = (self._mask << 1) | 1
        self._keys = array("q", bytes(8 * (self._mask + 1)))
        self._counts = array("L", bytes(array("L").itemsize * (self._mask + 1)))
        for key, count in zip(keys, counts, strict=True):
            if count:
                slot = self._slot(key)
                self._keys[slot], self._counts[slot] = key, count
