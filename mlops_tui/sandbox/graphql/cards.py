"""Model cards as HTML."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from markdown_it import MarkdownIt

    from mlops_tui.sandbox.graphql.operations import Operation


@cache
def _markdown() -> MarkdownIt:
    from markdown_it import MarkdownIt

    return MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])


def description_html(row: Any, _operation: Operation) -> str:
    """Resolve `descriptionHtml`; HTML in the Markdown is shown, never passed on."""
    return str(_markdown().render(row["description"] or "")).strip()
