"""Where alerts are told: the log always, mail, Slack and a webhook where their connections are configured.

Every channel is asked with a timeout, and what goes wrong is told without the address that it was sent to: the URL of
a Slack webhook is a secret.
"""

from __future__ import annotations

import logging
import smtplib
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from email.message import EmailMessage
from email.utils import make_msgid

import httpx

from lanecast import connections
from lanecast.alerts.message import Message
from lanecast.connections import Connection

log = logging.getLogger(__name__)

TIMEOUT_SECONDS = 10.0
PREFIX = "lanecast_alerts_"
"""A channel's connection is this and its name."""


class ChannelFailed(RuntimeError):
    """A channel could not tell. The message holds no address and no secret."""


def names() -> list[str]:
    """The channels that are configured; `log` always is. A connection that can't be read leaves its channel in."""
    return ["log", *(name for name in _SENDERS if name != "log" and _configured(name))]


def send(name: str, message: Message) -> None:
    """Tells the message on one channel. Raises ChannelFailed, naming the channel and what is wrong."""
    if name not in _SENDERS:
        raise ChannelFailed(f"no alert channel is called {name!r}: there are {', '.join(_SENDERS)}")
    found = None
    if name != "log":
        try:
            found = connections.get(PREFIX + name)
        except connections.ConnectionUnreadableError as unreadable:
            raise ChannelFailed(f"{name}: {unreadable}") from None
        if found is None:
            raise ChannelFailed(f"{name}: give the Airflow connection {PREFIX}{name}")
    try:
        _SENDERS[name](found or Connection(name), message)
    except ChannelFailed:
        raise
    except Exception as failed:
        # `from None`: causes quote addresses, and with them secrets
        raise ChannelFailed(f"{name}: {type(failed).__name__}") from None


def _configured(name: str) -> bool:
    try:
        return connections.get(PREFIX + name) is not None
    except connections.ConnectionUnreadableError:
        return True


def _log(_: Connection, message: Message) -> None:
    log.warning("%s\n%s", message.subject, message.text)


def _smtp(connection: Connection, message: Message) -> None:
    """Extra as in Airflow's SMTP connection: from_email, disable_ssl, disable_tls, timeout; and `to`, one or a list."""
    extra = connection.extra
    told = extra.get("to") or ""
    to = [each.strip() for each in (told if isinstance(told, list) else str(told).split(",")) if each.strip()]
    sender = extra.get("from_email") or connection.login
    if not to or not sender or not connection.host:
        raise ChannelFailed(f"smtp: {PREFIX}smtp needs a host, and in its extra `to` and `from_email`")
    mail = EmailMessage()
    mail["Subject"], mail["From"], mail["To"] = message.subject, str(sender), ", ".join(to)
    mail["Message-ID"] = make_msgid(domain="lanecast")
    mail.set_content(message.text + "\n")
    timeout = float(extra.get("timeout") or TIMEOUT_SECONDS)
    plain = bool(extra.get("disable_ssl"))
    if plain:
        server = smtplib.SMTP(connection.host, connection.port or 587, timeout=timeout)
    else:
        context = ssl.create_default_context()
        server = smtplib.SMTP_SSL(connection.host, connection.port or 465, timeout=timeout, context=context)
    with server:
        if plain and not extra.get("disable_tls"):
            server.starttls(context=ssl.create_default_context())
        if connection.login and connection.password:
            server.login(connection.login, connection.password)
        server.send_message(mail)


def _slack(connection: Connection, message: Message) -> None:
    """Password: the URL of an incoming webhook; or what follows the host in it, as in Airflow's Slack connection."""
    secret = (connection.password or "").strip()
    if "://" in secret:
        url = secret
    elif secret:
        host = connection if connection.host else Connection(connection.name, host="https://hooks.slack.com/services")
        url = f"{host.base_url}/{secret.lstrip('/')}"
    else:
        raise ChannelFailed(f"slack: {PREFIX}slack needs the webhook's URL as its password")
    text = f"{message.subject}\n{message.text}"
    for mark, name in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;")):
        text = text.replace(mark, name)
    _post("slack", url, {"text": text}, {})


def _webhook(connection: Connection, message: Message) -> None:
    """Host, port and schema (the path) are where to; the password goes as a bearer token."""
    if not connection.host:
        raise ChannelFailed(f"webhook: {PREFIX}webhook needs a host")
    headers = {"Authorization": f"Bearer {connection.password}"} if connection.password else {}
    body = {"subject": message.subject, "text": message.text, "alerts": list(message.alerts)}
    _post("webhook", connection.base_url, body, headers)


def _post(channel: str, url: str, body: Mapping[str, object], headers: Mapping[str, str]) -> None:
    address = httpx.URL(url)
    if address.scheme != "https" and not connections.is_loopback(address.host):
        allowed = channel == "webhook" and address.scheme == "http"  # base_url allows it only where it was asked for
        if not allowed:
            raise ChannelFailed(f"{channel}: the address is not https")
    with _addresses_unlogged():
        answer = httpx.post(url, json=body, headers=dict(headers), timeout=TIMEOUT_SECONDS, follow_redirects=False)
    if not answer.is_success:
        raise ChannelFailed(f"{channel}: answered {answer.status_code}")


@contextmanager
def _addresses_unlogged() -> Iterator[None]:
    """httpx logs each address that it asks, and a Slack webhook's is a secret: not what this thread asks here."""
    here = threading.get_ident()

    def elsewhere(record: logging.LogRecord) -> bool:
        return record.thread != here

    logger = logging.getLogger("httpx")
    logger.addFilter(elsewhere)
    try:
        yield
    finally:
        logger.removeFilter(elsewhere)


_SENDERS: Mapping[str, Callable[[Connection, Message], None]] = {
    "log": _log,
    "smtp": _smtp,
    "slack": _slack,
    "webhook": _webhook,
}
