"""ClickHouse's HTTP interface over chdb, run by the Python of `.venv-clickhouse`: what comes is executed for real.

It prints one line of JSON with its address and ends when its standard input does.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from chdb import session

_FORMAT = "FORMAT JSONCompact"
_ENGINE: Any = session.Session()
_TURN = threading.Lock()


class Handler(BaseHTTPRequestHandler):
    """Answers a query in the body, as ClickHouse does."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        settings = parse_qs(urlsplit(self.path).query)
        if self.headers.get("X-ClickHouse-Key", "") == "wrong":
            self._answer(403, b"Code: 516. DB::Exception: reader: Authentication failed", "516")
            return
        if settings.get("refuse") or (self.headers.get("X-ClickHouse-User") == "bound" and "readonly" in settings):
            self._answer(500, b"Code: 164. DB::Exception: Cannot modify 'readonly' setting in readonly mode", "164")
            return
        try:
            with _TURN:
                content = _ENGINE.query(body.removesuffix(_FORMAT), "JSONCompact").bytes()
        except RuntimeError as error:
            text = str(error)
            code = text.removeprefix("Code: ").partition(".")[0]
            self._answer(400, text.encode(), code)
        else:
            self._answer(200, content, "")

    def _answer(self, status: int, body: bytes, code: str) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        if code:
            self.send_header("X-ClickHouse-Exception-Code", code)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments: Any) -> None:
        """Stay quiet."""


def main() -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(json.dumps({"url": f"http://127.0.0.1:{server.server_port}"}), flush=True)
    sys.stdin.read()
    # The engine has threads of its own, which nobody waits for.
    os._exit(0)


if __name__ == "__main__":
    main()
