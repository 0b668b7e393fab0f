"""Which addresses of servers may stand in the settings."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from mlops_tui.domain.contexts import origin_of


def checked_address(url: str) -> str:
    """Let a server's address pass. Raises ValueError for anything else, never repeating a password in it."""
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"}:
        message = "An address starts with https:// (or http:// for this machine)"
        raise ValueError(message)
    if parts.username or parts.password:
        message = "An address holds no user name or password; use token_file or token_command"
        raise ValueError(message)
    if parts.query or parts.fragment or re.search(r"\s", url):
        message = "An address ends with the path of the instance: no spaces, no ? and no #"
        raise ValueError(message)
    origin_of(url)
    return url
