"""Airflow notifiers: the alert channels for any DAG, and what Lanecast's own DAGs tell of their runs.

Each works by call (in the dag-processor, for on_failure_callback and on_success_callback) and by await (in the
triggerer, for deadline alerts). Kept at the top of the plugin folder, where all parts of Airflow import it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Any, ClassVar

from airflow.sdk import BaseNotifier

from lanecast import tasks
from lanecast.alerts import channels, runs
from lanecast.alerts.message import Message


class _Notifier(BaseNotifier):
    """One that does its work in a thread when it is awaited: the triggerer's loop must not wait for a server."""

    async def async_notify(self, context: Any) -> None:
        await asyncio.to_thread(self.notify, context)


class _ChannelNotifier(_Notifier):
    """Tells a subject and a text, both templated, on one channel. Raises ChannelFailed, which holds no secrets."""

    template_fields: Sequence[str] = ("subject", "text")
    channel: ClassVar[str]

    def __init__(self, subject: str, text: str = "", **settings: Any) -> None:
        super().__init__(**settings)
        self.subject, self.text = subject, text

    def notify(self, context: Any) -> None:
        channels.send(self.channel, Message(self.subject, self.text))


class LogNotifier(_ChannelNotifier):
    """Writes to the log."""

    channel = "log"


class SmtpNotifier(_ChannelNotifier):
    """Sends a mail, by the connection lanecast_alerts_smtp."""

    channel = "smtp"


class SlackNotifier(_ChannelNotifier):
    """Posts to Slack, by the connection lanecast_alerts_slack."""

    channel = "slack"


class WebhookNotifier(_ChannelNotifier):
    """Posts JSON, by the connection lanecast_alerts_webhook."""

    channel = "webhook"


class _RunNotifier(_Notifier):
    """About a run of the DAG itself. Nothing in it is a template, so that it asks no DAG for how to fill one."""

    def render_template_fields(self, context: Any, jinja_env: Any = None) -> None:
        pass


class RunFailed(_RunNotifier):
    """Raises the alert `run_failed` of the run's DAG, unless its own alert says why, and tells it on every channel."""

    def notify(self, context: Any) -> None:
        dag_id, run_id = _run(context)
        runs.failed(dag_id, tasks.ledger_id(dag_id, run_id))


class RunSucceeded(_RunNotifier):
    """Ends the alerts `run_failed` and `deadline` of the run's DAG."""

    def notify(self, context: Any) -> None:
        runs.succeeded(_run(context)[0])


class RunLate(_RunNotifier):
    """Raises the alert `deadline` of the run's DAG, and tells it on every channel; `minutes` is the time it had."""

    def __init__(self, minutes: float, **settings: Any) -> None:
        super().__init__(**settings)
        self.minutes = minutes

    def notify(self, context: Any) -> None:
        dag_id, run_id = _run(context)
        due_at = context["deadline"]["deadline_time"]
        if isinstance(due_at, str):
            due_at = datetime.fromisoformat(due_at)
        runs.late(dag_id, tasks.ledger_id(dag_id, run_id), due_at, self.minutes)


def _run(context: Any) -> tuple[str, str]:
    """DAG and run, from a callback's context (objects) or a deadline's (the run as a mapping)."""
    run = context.get("dag_run")
    if isinstance(run, dict):
        return run["dag_id"], run.get("dag_run_id") or run["run_id"]
    return context["dag"].dag_id, context["run_id"]
