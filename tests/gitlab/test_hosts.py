"""Addresses of instances as people write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops_tui.domain.errors import ConfigError
from mlops_tui.gitlab.hosts import Host, encoded_query, path_segment


@pytest.mark.parametrize(
    ("url", "origin", "root"),
    [
        ("https://gitlab.com", "https://gitlab.com", ""),
        ("https://GitLab.Example.com/", "https://gitlab.example.com", ""),
        ("https://gl.example:443/gitlab/", "https://gl.example", "/gitlab"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080", ""),
        ("http://[::1]:8080/a/b", "http://[::1]:8080", "/a/b"),
        ("https://gl.example/api/v4", "https://gl.example", ""),
        ("https://gl.example/gitlab/api/v4/", "https://gl.example", "/gitlab"),
    ],
)
def test_an_address_is_read(url: str, origin: str, root: str) -> None:
    assert Host.parse(url) == Host(origin, root)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "gitlab.com",
        "ftp://gitlab.com",
        "https://",
        "https://me:w0rd@gitlab.com",
        "https://gl.example:99999",
        "https://gl.example/?private_token=x",
        "https://gl.example/#x",
        "https://[::1",
    ],
)
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Host.parse(url)
    assert "w0rd" not in str(caught.value)


@given(st.text(max_size=60))
def test_no_text_crashes_the_reader(url: str) -> None:
    try:
        host = Host.parse(url)
    except ConfigError:
        return
    assert Host.parse(host.origin + host.root) == host


@pytest.mark.parametrize(
    ("url", "is_loopback"),
    [
        ("http://127.0.0.1", True),
        ("http://127.8.9.1:80", True),
        ("http://[::1]", True),
        ("http://localhost:3000", True),
        ("http://gl.localhost", True),
        ("http://127.evil.example", False),
        ("http://localhost.evil.example", False),
        ("http://10.0.0.1", False),
        ("http://0.0.0.0", False),
    ],
)
def test_this_machine_is_told_from_others(url: str, is_loopback: bool) -> None:
    assert Host.parse(url).is_loopback is is_loopback


@pytest.mark.parametrize(
    ("url", "owned"),
    [
        ("https://gl.example/gitlab/x?a=b", True),
        ("https://gl.example:443/x#y", True),
        ("https://GL.example/x", True),
        ("http://gl.example/x", False),
        ("https://gl.example:444/x", False),
        ("https://gl.example.evil.example/x", False),
        ("https://gl.example@evil.example/x", False),
        ("//gl.example/x", False),
        ("https://[::1", False),
    ],
)
def test_only_the_same_scheme_host_and_port_are_our_own(url: str, owned: bool) -> None:
    assert Host.parse("https://gl.example/gitlab").owns(url) is owned


def test_the_api_path_of_a_link_is_found_behind_any_root() -> None:
    host = Host.parse("http://127.0.0.1:9/gitlab")
    assert host.local_path("https://gl.example/other/api/v4/projects?page=2") == "/api/v4/projects?page=2"
    assert host.local_path("https://gl.example/users/sign_in") is None
    assert host.local_path("https://[::1") is None


def test_addresses_are_joined_with_their_root() -> None:
    host = Host.parse("https://gl.example/gitlab")
    assert host.url("/api/v4/x", {"a": 1}) == "https://gl.example/gitlab/api/v4/x?a=1"
    assert host.url("/api/v4/x?b=2", {"a": 1}) == "https://gl.example/gitlab/api/v4/x?b=2&a=1"
    assert host.name == "gl.example/gitlab"


@pytest.mark.parametrize("path", ["api/v4/x", "//evil.example/x", "https://evil.example", ""])
def test_a_path_cannot_lead_to_another_host(path: str) -> None:
    with pytest.raises(ValueError, match="one slash"):
        Host.parse("https://gl.example").url(path)


@pytest.mark.parametrize(
    ("value", "segment"), [("acme/fraud", "acme%2Ffraud"), ("..", "%2E%2E"), (7, "7"), ("a b?", "a%20b%3F")]
)
def test_a_segment_stays_one(value: str | int, segment: str) -> None:
    assert path_segment(value) == segment


def test_queries_are_spelled_as_gitlab_reads_them() -> None:
    query = encoded_query({"a": True, "b": None, "c": ["x", "y"], "d": "1+1", "e": 2.5})
    assert query == "a=true&c=x&c=y&d=1%2B1&e=2.5"
