"""What a piece of text means, and how meaning is drawn.

Screens and data sources name a meaning; only this table and the palettes know colours. The styles hold variables
that every palette defines.
"""

from __future__ import annotations

from enum import StrEnum


class Token(StrEnum):
    """The meanings that have a look of their own."""

    PLAIN = "plain"
    STRONG = "strong"
    MUTED = "muted"
    OK = "ok"
    WARNING = "warning"
    ERROR = "error"
    RUNNING = "running"
    PRODUCTION = "production"
    PRODUCTION_BADGE = "production-badge"
    REFUSED = "refused"
    BETTER = "better"
    WORSE = "worse"
    KEY = "key"
    TITLE = "title"
    MATCH = "match"
    SERIES_1 = "series-1"
    SERIES_2 = "series-2"
    SERIES_3 = "series-3"
    SERIES_4 = "series-4"
    SERIES_5 = "series-5"
    SERIES_6 = "series-6"


SERIES = (Token.SERIES_1, Token.SERIES_2, Token.SERIES_3, Token.SERIES_4, Token.SERIES_5, Token.SERIES_6)

STYLES: dict[Token, str] = {
    Token.PLAIN: "",
    Token.STRONG: "bold",
    Token.MUTED: "$muted",
    Token.OK: "$ok",
    Token.WARNING: "$warning",
    Token.ERROR: "$error bold",
    Token.RUNNING: "$running",
    Token.PRODUCTION: "$production bold",
    Token.PRODUCTION_BADGE: "$production bold reverse",
    Token.REFUSED: "$muted strike",
    Token.BETTER: "$better",
    Token.WORSE: "$worse",
    Token.KEY: "$key bold",
    Token.TITLE: "$title bold",
    Token.MATCH: "reverse",
    **{series: f"${series.value}" for series in SERIES},
}
