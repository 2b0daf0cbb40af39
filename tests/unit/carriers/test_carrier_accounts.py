"""As whom a carrier is asked: connection before sandbox, and no secret in any text."""

from __future__ import annotations

import pytest

from lanecast.carriers.accounts import NoAccountError, account
from lanecast.carriers.registry import UnknownCarrierError, adapter, names, row


@pytest.fixture(autouse=True)
def _nothing_configured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LANECAST_SANDBOX_URL", raising=False)
    for name in names():
        monkeypatch.delenv(f"AIRFLOW_CONN_LANECAST_{name.upper()}", raising=False)


def test_without_anything_the_remedy_is_named() -> None:
    with pytest.raises(NoAccountError, match=r"connection lanecast_ups .*LANECAST_SANDBOX_URL"):
        account("ups")


def test_the_sandbox_stands_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANECAST_SANDBOX_URL", "http://127.0.0.1:9000/")
    found = account("fedex")
    assert (found.base_url, found.login, found.is_sandbox) == ("http://127.0.0.1:9000/fedex", "sandbox-fedex", True)


def test_a_connection_comes_before_the_sandbox(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANECAST_SANDBOX_URL", "http://127.0.0.1:9000")
    monkeypatch.setenv("AIRFLOW_CONN_LANECAST_UPS", '{"login": "me", "password": "hush"}')
    found = account("ups")
    assert (found.base_url, found.login, found.is_sandbox) == (row("ups").base_url, "me", False)
    assert "hush" not in repr(found)


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ('{"login": "me"}', "no password"),
        ('{"password": "hush"}', "no login"),
        ('{"login": "me", "password": "hush", "host": "http://carrier.example"}', "plain http"),
    ],
)
def test_what_a_connection_lacks_is_named(monkeypatch: pytest.MonkeyPatch, value: str, problem: str) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_LANECAST_UPS", value)
    with pytest.raises(ValueError, match=problem) as caught:
        account("ups")
    assert "hush" not in str(caught.value)


def test_an_api_key_needs_no_login(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_LANECAST_DHL", '{"password": "key"}')
    assert adapter("dhl").authorization(account("dhl"), None) == {"DHL-API-Key": "key"}


def test_an_unknown_carrier_lists_the_known() -> None:
    with pytest.raises(UnknownCarrierError, match="'pigeon': known are ups, fedex, dhl, usps"):
        account("pigeon")
