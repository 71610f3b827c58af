"""The guard itself: tests reach this machine and nothing else."""

from __future__ import annotations

import socket
import urllib.request

import pytest


def test_a_foreign_address_is_refused() -> None:
    with socket.socket() as plug, pytest.raises(AssertionError, match=r"reach the network at 192\.0\.2\.1"):
        plug.connect(("192.0.2.1", 80))


def test_a_foreign_name_is_refused() -> None:
    with pytest.raises(AssertionError, match=r"network name example\.org"):
        urllib.request.urlopen("http://example.org/", timeout=1)


def test_this_machine_is_reached() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as plug:
        plug.sendall(b"x")
        asked, _ = server.accept()
        with asked:
            assert asked.recv(1) == b"x"
