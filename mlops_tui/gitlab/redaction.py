"""Keeps tokens out of every text that may reach a log, an error or a screen."""

from __future__ import annotations

import logging
import re
from urllib.parse import quote

from mlops_tui.gitlab.authentication import Credential

_STARS = "***"
_PARAMETERS = re.compile(
    r"(?i)\b(private_token|access_token|refresh_token|job_token|client_secret|feed_token|token|password"
    r"|x-amz-signature|x-amz-credential|x-amz-security-token|x-goog-signature|x-goog-credential|signature|sig)"
    r"(=|%3D)[^\s&#\"'<>]+"
)
_HEADERS = re.compile(
    r"(?i)\b((?:proxy-)?authorization|private-token|job-token|cookie|set-cookie)"
    r"([\"']?\s*[:=,]\s*(?:b(?=[\"']))?[\"']?)(?:(bearer|basic)\s+)?[^\s\"',;)\]]+"
)
_BEARER = re.compile(r"(?i)\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{8,}")
_SHAPES = re.compile(r"\b(?:gl[a-z]{2,8}|GR1348941)-?(?<=[-1])[A-Za-z0-9_.=-]{8,}")
_USERINFO = re.compile(r"(?<=://)[^\s/@]+@")
_FOREIGN_LOGGERS = ("httpx", "httpcore.connection", "httpcore.http11", "httpcore.proxy", "httpcore.socks")


def redacted(text: str, credential: Credential | None = None) -> str:
    """The text with every known or token-shaped secret replaced by three stars."""
    if credential is not None:
        token = credential.secret.reveal()
        for form in {token, quote(token, safe="")}:
            text = text.replace(form, _STARS)
    text = _PARAMETERS.sub(rf"\1\2{_STARS}", text)
    text = _HEADERS.sub(rf"\1\2{_STARS}", text)
    text = _BEARER.sub(rf"\1 {_STARS}", text)
    text = _SHAPES.sub(_STARS, text)
    return _USERINFO.sub(f"{_STARS}@", text)


class RedactingFilter(logging.Filter):
    """Rewrites a log record so that what it says, arguments included, holds no secret."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Redact the finished message in place and let the record pass."""
        record.msg = redacted(record.getMessage())
        record.args = None
        return True


def quiet_foreign_loggers() -> None:
    """Redact what the HTTP library logs by itself: it writes full addresses, signed ones included."""
    for name in _FOREIGN_LOGGERS:
        logger = logging.getLogger(name)
        if not any(isinstance(known, RedactingFilter) for known in logger.filters):
            logger.addFilter(RedactingFilter())
