"""Customers' keys: the same for everybody who has the secret, and a secret that is one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import customer_keys
from lanecast import connections
from lanecast.customers import keys
from lanecast.customers.keys import CustomerKeyError, bare_id, customer_key, is_key, secret


@pytest.mark.parametrize(
    ("shop_id", "expected"),
    [
        # printf ID | openssl dgst -sha256 -hmac 'a secret of the tests alone', the first 32 digits
        ("13085", "cb94d50e3570479c5839ad8463c30dd8b"),
        (" 1 ", "c97d3c008d56275661bc0d57ff0b38bc5"),
    ],
)
def test_a_key_is_the_hmac_of_the_shop_s_id(shop_id: str, expected: str) -> None:
    assert customer_key(secret(), shop_id) == customer_keys.key(shop_id) == expected
    assert is_key(expected)
    assert not is_key(shop_id)


@given(st.text(), st.text())
def test_keys_differ_as_ids_do(one: str, other: str) -> None:
    told = customer_key(b"x" * 16, one), customer_key(b"x" * 16, other)
    assert (told[0] == told[1]) == (one.strip() == other.strip())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("13085.0", "13085"),
        (" 13085 ", "13085"),
        ("0013085.000", "0013085"),
        ("7.5", "7.5"),
        (" gid://shopify/Customer/13085 ", "13085"),
        ("gid://shopify/Customer/13085?first=1", "13085"),
        ("v1.0", "v1.0"),
        ("", ""),
    ],
)
def test_an_id_is_as_the_shop_prints_it_however_it_was_kept(text: str, expected: str) -> None:
    assert bare_id(text) == expected


def test_the_connection_s_password_comes_first(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("LANECAST_STATE", str(tmp_path))
    monkeypatch.setenv(customer_keys.VARIABLE, "generic://:0123456789abcdef@privacy")
    assert secret() == b"0123456789abcdef"
    assert list(tmp_path.iterdir()) == []


def test_a_machine_s_own_secret_is_made_once_and_private(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("LANECAST_STATE", str(tmp_path / "state"))
    monkeypatch.delenv(customer_keys.VARIABLE)
    made = secret()
    assert secret() == made
    assert len(made) == 96
    kept = tmp_path / "state" / "credentials.json"
    assert kept.stat().st_mode & 0o077 == 0
    assert json.loads(kept.read_text())["customer_keys"] == made.decode()


@pytest.mark.parametrize("connection", ["generic://privacy", "generic://:short@privacy"])
def test_a_password_that_is_none_is_refused(monkeypatch: pytest.MonkeyPatch, connection: str) -> None:
    monkeypatch.setenv(customer_keys.VARIABLE, connection)
    with pytest.raises(CustomerKeyError, match=r"password.*openssl rand -hex 32") as told:
        secret()
    assert "short@" not in str(told.value)


def test_a_task_has_no_secret_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(customer_keys.VARIABLE)
    monkeypatch.setattr(connections, "in_airflow_task", lambda: True)
    monkeypatch.setattr(connections, "_from_airflow", lambda name: None)
    with pytest.raises(CustomerKeyError, match="add an Airflow connection lanecast_privacy"):
        secret()


def test_a_fingerprint_tells_secrets_apart_and_not_what_they_are() -> None:
    told = keys.fingerprint(b"one secret of many")
    assert told == keys.fingerprint(b"one secret of many") != keys.fingerprint(b"another secret of many")
    assert "secret" not in told
