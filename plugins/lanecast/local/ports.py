"""Ports on 127.0.0.1: the preferred one if free, else the next; two platforms starting at once never share one."""

from __future__ import annotations

import fcntl
import os
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

TRIES = 200


class NoPort(Exception):
    """No port is free within the range tried."""


@contextmanager
def reserve(preferred: int, kept: int | None = None) -> Iterator[int]:
    """A free port: `kept` (from the last start) if still free, else the first free one from `preferred` upward.

    While the block runs, no other Lanecast on this machine is given it, whether or not a server listens there yet.
    """
    candidates = [*([kept] if kept else []), *range(preferred, min(preferred + TRIES, 65_536))]
    for port in candidates:
        lock = _lock(port)
        if lock is None:
            continue
        try:
            if is_free(port):
                yield port
                return
        finally:
            os.close(lock)
    raise NoPort(f"No free port on 127.0.0.1 from {preferred} to {preferred + TRIES - 1}: end a program that holds one")


def is_free(port: int) -> bool:
    """Whether nothing listens on the port of 127.0.0.1 now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # past connections in TIME_WAIT do not count
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _lock(port: int) -> int | None:
    """A descriptor that holds the machine-wide lock of a port, or None where another process holds it."""
    path = Path(tempfile.gettempdir()) / f"lanecast-port-{port}.lock"
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CREAT, 0o644)
    except OSError:
        try:
            descriptor = os.open(path, os.O_RDONLY)  # another user's file: reading is enough to lock it
        except OSError:
            return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        return None
    return descriptor
