"""Where webhooks go: answers as it is told, and hangs up on the path that is called silent."""

from __future__ import annotations

import http.server


class Answering(http.server.BaseHTTPRequestHandler):
    """Answers every delivery with `status`."""

    status = 202

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        if self.path.startswith("/silent/"):
            return
        self.send_response(self.status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name of the base class
        pass
