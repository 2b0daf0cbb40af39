from __future__ import annotations

import socket

import pytest

from lanecast.local import ports

FROM = 26_500  # away from the platform's own


def test_a_busy_port_is_stepped_over() -> None:
    with ports.reserve(FROM) as free, socket.socket() as busy:
        busy.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        busy.bind(("127.0.0.1", free))
        busy.listen()
        assert not ports.is_free(free)
        with ports.reserve(free) as other:
            assert other > free


def test_a_reserved_port_is_given_to_nobody_else_until_released() -> None:
    with ports.reserve(FROM) as one, ports.reserve(FROM) as two:
        assert one != two
    with ports.reserve(FROM, kept=two) as again:
        assert again == two


def test_the_kept_port_comes_first_and_yields_when_busy() -> None:
    with ports.reserve(FROM + 40) as kept:
        pass
    with ports.reserve(FROM, kept=kept) as first:
        assert first == kept
        with ports.reserve(FROM, kept=kept) as second:
            assert second != kept


def test_no_free_port_is_a_clear_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ports, "is_free", lambda port: False)
    with pytest.raises(ports.NoPort, match=r"No free port on 127\.0\.0\.1 from 26500"), ports.reserve(FROM):
        pass
