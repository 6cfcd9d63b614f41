"""A real HTTP server on this machine, in a thread, that answers with a Python function."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Route = Callable[[str, Any, dict[str, str]], tuple[int, Any]]
"""``route(path, document, headers) -> (status, document or bytes)``; GET has the document None."""


@contextmanager
def serving(route: Route) -> Iterator[str]:
    """Serve ``route`` on a free loopback port while the block runs, and yield the root URL.

    It keeps connections open, like the servers that people run. What ``route`` raises becomes a
    500 that names it.

    >>> with serving(lambda path, document, headers: (200, {"path": path})) as url:
    ...     url.startswith("http://127.0.0.1:")
    True
    """
    server = _Server(("127.0.0.1", 0), _handler(route))
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def predict_route(predict: Callable[[list[Any]], Any]) -> Route:
    """Return a route that speaks seatrial's own ``POST /predict`` for a batch function."""

    def route(path: str, document: Any, _: dict[str, str]) -> tuple[int, Any]:
        if path != "/predict" or document is None:
            return 404, {"detail": f"there is no {path}"}
        try:
            answers = predict(document["inputs"])
        except Exception as error:  # noqa: BLE001  (edge of the server: any failure is a 500)
            return 500, {"detail": f"{type(error).__name__}: {error}"}
        shaped = [one if isinstance(one, dict) else {"output": one} for one in answers]
        return 200, {"id": "1", "results": shaped}

    return route


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False


def _handler(route: Route) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1  # one segment per response; two would wait for a delayed acknowledgement

        def do_GET(self) -> None:
            self._answer(None)

        def do_POST(self) -> None:
            length = int(self.headers.get("Content-Length", "0"))
            self._answer(json.loads(self.rfile.read(length)))

        def _answer(self, document: Any) -> None:
            try:
                status, found = route(self.path, document, dict(self.headers.items()))
            except Exception as error:  # noqa: BLE001  (edge of the server: any failure is a 500)
                status, found = 500, {"detail": f"{type(error).__name__}: {error}"}
            content = found if isinstance(found, bytes) else json.dumps(found).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            if 300 <= status < 400:  # noqa: PLR2004
                self.send_header("Location", "/elsewhere")
            self.end_headers()
            self.wfile.write(content)
            self.wfile.flush()

        def log_message(self, *_: Any) -> None:
            """Say nothing on standard error."""

    return Handler
