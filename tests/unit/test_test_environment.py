"""The guard that keeps tests on this machine."""

from __future__ import annotations

import os
import socket

import pytest

from tests.conftest import clean_environment, is_loopback


def test_connecting_to_another_machine_fails_the_test() -> None:
    with socket.socket() as connection, pytest.raises(pytest.fail.Exception, match="Only loopback is allowed"):
        connection.connect(("192.0.2.1", 443))


def test_looking_up_a_name_fails_the_test() -> None:
    with pytest.raises(pytest.fail.Exception, match="Only loopback is allowed"):
        socket.create_connection(("ecr.us-east-1.amazonaws.com", 443), timeout=1)


def test_loopback_may_be_reached() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.create_connection(server.getsockname(), timeout=5) as connection,
    ):
        assert connection.getpeername() == server.getsockname()


@pytest.mark.parametrize(
    ("host", "allowed"),
    [
        ("127.0.0.1", True),
        ("127.8.9.1", True),
        ("::1", True),
        ("localhost", True),
        (None, True),
        (b"localhost", True),
        ("10.0.0.1", False),
        ("169.254.169.254", False),
        ("localhost.example.com", False),
        ("registry.terraform.io", False),
    ],
)
def test_only_this_machine_counts_as_loopback(host: object, allowed: bool) -> None:
    assert is_loopback(host) is allowed


def test_settings_of_the_developer_are_gone() -> None:
    cleaned = clean_environment(
        {
            "PATH": "/bin",
            "AWS_PROFILE": "work",
            "AWS_CA_BUNDLE": "/nowhere.pem",
            "TF_LOG": "TRACE",
            "TF_CLI_CONFIG_FILE": "/nowhere/.terraformrc",
            "https_proxy": "http://proxy:3128",
            "ORCHESTRATOR_VERBOSE": "1",
        }
    )
    assert cleaned["PATH"] == "/bin"
    assert cleaned["AWS_CONFIG_FILE"] == os.devnull
    assert not {
        "AWS_PROFILE",
        "AWS_CA_BUNDLE",
        "TF_LOG",
        "TF_CLI_CONFIG_FILE",
        "https_proxy",
        "ORCHESTRATOR_VERBOSE",
    } & set(cleaned)


def test_this_very_process_was_cleaned() -> None:
    assert "AWS_PROFILE" not in os.environ
    assert os.environ["AWS_EC2_METADATA_DISABLED"] == "true"
