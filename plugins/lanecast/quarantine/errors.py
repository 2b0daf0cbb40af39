"""What goes wrong with the quarantine's commands, in one line that a user can act on."""

from __future__ import annotations


class QuarantineError(ValueError):
    """The rows, or the patch, can't be used as asked. Nothing was changed."""


class NothingToReplay(QuarantineError):
    """No open row is chosen."""
