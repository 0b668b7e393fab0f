"""Copying through the terminal: OSC 52 also works over SSH, where no other way reaches the reader's clipboard."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass

# xterm and others drop longer sequences; 74,994 bytes of base64 carry 56,244 bytes of text.
LIMIT = 74_994
_SCREEN_CHUNK = 76


@dataclass(frozen=True, slots=True)
class Copy:
    """What to send to the terminal, and what to tell the reader; an empty ``sequence`` sends nothing."""

    sequence: str
    notice: str

    @property
    def was_sent(self) -> bool:
        """Whether the terminal is asked at all; it never answers whether it obeyed."""
        return bool(self.sequence)


def copy_sequence(text: str, environ: Mapping[str, str]) -> Copy:
    """The escape sequence that puts ``text`` on the clipboard, wrapped where tmux or screen stands in between."""
    encoded = base64.b64encode(text.encode("utf-8")).decode("ascii")
    if len(encoded) > LIMIT:
        most = LIMIT // 4 * 3
        return Copy("", f"Not copied: {len(text.encode()):,} bytes are more than the {most:,} that terminals accept")
    count = f"{len(text):,} characters"
    plain = f"\x1b]52;c;{encoded}\x07"
    if "TMUX" in environ:
        wrapped = "\x1bPtmux;" + plain.replace("\x1b", "\x1b\x1b") + "\x1b\\"
        return Copy(wrapped, f"Copied {count} through tmux (OSC 52; tmux needs allow-passthrough on)")
    if "STY" in environ or environ.get("TERM", "").startswith("screen"):
        chunks = [plain[start : start + _SCREEN_CHUNK] for start in range(0, len(plain), _SCREEN_CHUNK)]
        return Copy("".join(f"\x1bP{chunk}\x1b\\" for chunk in chunks), f"Copied {count} through screen (OSC 52)")
    return Copy(plain, f"Copied {count} through the terminal (OSC 52)")
