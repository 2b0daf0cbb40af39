"""What channels tell: many alerts in one message, the critical ones first, in words for people."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from lanecast.words import counted, moment

WIDTH = 78
MOST = 20
"""Alerts that one message spells out; the others are counted, and listed by `lanecast alerts`."""
RUNBOOK = "docs/operations.md"


@dataclass(frozen=True)
class Told:
    """One alert, as a channel is to tell it."""

    alert_id: int
    kind: str
    dataset: str
    rule: str
    subject: str
    severity: str
    message: str
    run_id: str | None
    opened_at: datetime
    resolved_at: datetime | None
    times_seen: int

    @property
    def runbook(self) -> str:
        """Where the runbook tells what to do."""
        return f"{RUNBOOK}#alert-{self.kind}"

    @property
    def title(self) -> str:
        """Rule and subject, in a few words."""
        about = f": {self.subject}" if self.subject else f": {self.dataset}"
        return f"{self.rule.replace('_', ' ')}{about}"

    def as_dict(self) -> dict[str, Any]:
        """For programs that read."""
        return {
            "alert_id": self.alert_id,
            "state": "open" if self.resolved_at is None else "resolved",
            "kind": self.kind,
            "severity": self.severity,
            "dataset": self.dataset,
            "rule": self.rule,
            "subject": self.subject,
            "message": self.message,
            "opened_at": self.opened_at.isoformat(),
            "resolved_at": None if self.resolved_at is None else self.resolved_at.isoformat(),
            "times_seen": self.times_seen,
            "run_id": self.run_id,
            "runbook": self.runbook,
        }


@dataclass(frozen=True)
class Message:
    """One message: a line, the text below it, and the alerts for channels that send data."""

    subject: str
    text: str
    alerts: tuple[dict[str, Any], ...] = field(default=())


def compose(told: Sequence[Told]) -> Message:
    """One message of all these alerts, in their order: first those that opened, then those that ended."""
    opened = [one for one in told if one.resolved_at is None]
    ended = [one for one in told if one.resolved_at is not None]
    if len(told) == 1:
        state = "resolved" if ended else told[0].severity
        subject = f"Lanecast, {state}: {told[0].title}"
    else:
        critical = sum(one.severity == "critical" for one in opened)
        parts = [f"{counted(len(opened), 'alert')} opened" + (f" ({critical} critical)" if critical else "")] * bool(
            opened
        )
        parts += [f"{counted(len(ended), 'alert')} resolved"] * bool(ended)
        subject = f"Lanecast: {', '.join(parts)}"
    shown = told[:MOST]
    paragraphs = [_paragraph(one) for one in shown]
    if len(told) > MOST:
        paragraphs.append(f"And {counted(len(told) - MOST, 'more alert')}: `lanecast alerts --all` lists them.")
    return Message(" ".join(subject.split()), "\n\n".join(paragraphs), tuple(one.as_dict() for one in told))


def lines(entries: Sequence[Mapping[str, Any]]) -> list[str]:
    """The alerts of mart.quality_alert for a terminal: one line each, and its message below."""
    told = []
    for entry in entries:
        about = entry["subject"] or entry["dataset"]
        until = "" if entry["resolved_at"] is None else f" to {moment(entry['resolved_at'])} UTC"
        state = entry["severity"] if entry["is_open"] else "resolved"
        since = f"{'since' if entry['is_open'] else 'from'} {moment(entry['opened_at'])} UTC{until}"
        told.append(f"{state:9} {entry['rule']} ({about}), {since}, seen {counted(entry['times_seen'], 'time')}")
        told += _wrapped(entry["message"], " " * 10)
    return told or ["No alert is open."]


def _paragraph(one: Told) -> str:
    lines = _wrapped(f"{one.severity.upper() if one.resolved_at is None else 'RESOLVED'}  {one.title}")
    lines += _wrapped(one.message, "  ")
    if one.resolved_at is None:
        lines.append(f"  Since {moment(one.opened_at)} UTC.")
        lines += _wrapped(f"What to do: {one.runbook}", "  ")
    else:
        lasted = _duration(one.resolved_at - one.opened_at)
        lines += _wrapped(f"From {moment(one.opened_at)} UTC to {moment(one.resolved_at)} UTC: {lasted}.", "  ")
    if one.run_id:
        lines += _wrapped(f"Run: {one.run_id}", "  ")
    return "\n".join(lines)


def _wrapped(text: str, indent: str = "") -> list[str]:
    return textwrap.wrap(
        text,
        WIDTH,
        initial_indent=indent,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _duration(lasted: timedelta) -> str:
    minutes = max(0, round(lasted.total_seconds() / 60))
    if minutes < 120:
        return counted(minutes, "minute")
    return counted(round(minutes / 60), "hour") if minutes < 48 * 60 else counted(round(minutes / 1440), "day")
