"""A hub on loopback: what the hub's client asks, answered as the hub answers, or wrongly on purpose."""

import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

from huggingface_hub import constants

COMMIT = "0123456789abcdef0123456789abcdef01234567"
PAGE = b"<!DOCTYPE html>\n<html><title>Sign in to the network</title></html>" * 9
SMALL = 4096
"""Below this many bytes a file is named by git's SHA-1, as the hub names what is in git itself."""


@dataclass
class Hub:
    """One repository, `someone/small`, at one commit; and what is to go wrong.

    Attributes:
        files: Name -> bytes.
        gated: Whether a token that may read it is wanted; `token` is the one.
        down: A status that every request gets.
        cut: Bytes after which the connection breaks while a large file is sent, so many times.
        then: A status for whoever asks for a large file after that.
        portal: `head` or `get`: answered by a web page, 200.
        slow: Seconds that a connection which is to break stays silent before.
        lies: Bytes sent in place of a large file, of the right length or a shorter one.
        store: Whether large files are on another host, to which one is sent.
        pieces: Whether these are told as kept in pieces (Xet).
        names: What every file is named instead of its digest.
        asked: Every request: method, file, Range, and the token shown.
    """

    files: dict[str, bytes]
    commit: str = COMMIT
    gated: bool = False
    token: str = ""
    down: int = 0
    cut: int = 0
    times: int = 1
    then: int = 0
    portal: str = ""
    lies: bytes | None = None
    store: str = ""
    names: str = ""
    pieces: bool = False
    slow: float = 0
    asked: list[tuple[str, str, str, str]] = field(default_factory=list)
    address: str = ""

    def got(self, name: str = "model.safetensors") -> list[str]:
        """The ranges in which a file was asked for; an empty one is all of it."""
        return [ranged for method, file, ranged, _ in self.asked if method == "GET" and file == name]


def tag(data: bytes) -> str:
    """The name of a file's bytes, as the hub has it."""
    if len(data) >= SMALL:
        return hashlib.sha256(data).hexdigest()
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


@contextmanager
def serving(hub: Hub) -> Iterator[Hub]:
    """The hub at an address of its own."""
    handler = type("Here", (Handler,), {"hub": hub})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    hub.address = f"http://127.0.0.1:{server.server_address[1]}"
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()


def point(address: str, monkeypatch) -> None:
    """Where the hub's client looks for the hub, in this process."""
    monkeypatch.setattr(constants, "ENDPOINT", address)
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", address + "/{repo_id}/resolve/{revision}/{filename}")


def of(folder: Path, *names: str) -> dict[str, bytes]:
    """Files of a folder as a hub has them."""
    return {name: (folder / name).read_bytes() for name in names or ("config.json", "model.safetensors")}


class Handler(BaseHTTPRequestHandler):
    hub: Hub

    def log_message(self, *_: object) -> None:
        pass

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def do_GET(self) -> None:
        self._answer(body=True)

    def _answer(self, body: bool) -> None:
        hub, parts = self.hub, urlsplit(self.path).path.strip("/").split("/")
        name = parts[-1]
        token = (self.headers.get("Authorization") or "").removeprefix("Bearer ")
        hub.asked.append((self.command, name, self.headers.get("Range") or "", token))
        stored = parts[0] == "store"
        if hub.portal == self.command.lower():
            self._send(200, PAGE, {"Content-Type": "text/html"}, body)
        elif hub.down:
            self._send(hub.down, b"", {}, body)
        elif hub.token and token not in ("", hub.token):
            self._send(401, b"", {"X-Error-Message": "Invalid credentials in Authorization header"}, body)
        elif hub.gated and not stored and token != hub.token:
            self._send(401, b"", {"X-Error-Code": "GatedRepo"}, body)
        elif not stored and parts[:2] != ["someone", "small"]:
            self._send(404, b"", {"X-Error-Code": "RepoNotFound"}, body)
        elif not stored and parts[3] not in ("main", hub.commit):
            self._send(404, b"", {"X-Error-Code": "RevisionNotFound"}, body)
        elif name not in hub.files:
            self._send(404, b"", {"X-Error-Code": "EntryNotFound", "X-Repo-Commit": hub.commit}, body)
        else:
            self._file(name, stored, body)

    def _file(self, name: str, stored: bool, body: bool) -> None:
        hub, data = self.hub, self.hub.files[name]
        large = len(data) >= SMALL
        headers = {"X-Repo-Commit": hub.commit, "ETag": f'"{tag(data)}"', "Accept-Ranges": "bytes"}
        if large:
            headers |= {"X-Linked-ETag": f'"{tag(data)}"', "X-Linked-Size": str(len(data)), "ETag": '"of-the-store"'}
        if hub.pieces and large and not stored:
            headers |= {"X-Xet-Hash": "0" * 64, "X-Xet-Refresh-Route": f"{hub.address}/api/xet-read-token"}
        if hub.names:
            headers |= {"ETag": f'"{hub.names}-{name}"', "X-Linked-ETag": f'"{hub.names}-{name}"'}
        if hub.store and large and not stored:
            self._send(302, b"", headers | {"Location": f"{hub.store}/store/{name}"}, body)
            return
        sent = data if hub.lies is None or not large else hub.lies
        start = int((self.headers.get("Range") or "bytes=0-").removeprefix("bytes=").split("-")[0])
        if start >= len(sent):
            self._send(416, b"", {"Content-Range": f"bytes */{len(sent)}"}, body)
            return
        if start:
            headers["Content-Range"] = f"bytes {start}-{len(sent) - 1}/{len(sent)}"
        breaks = hub.cut if body and large and hub.times > 0 else 0
        if body and large and hub.cut and hub.times <= 0 and hub.then:
            self._send(hub.then, b"", {}, body)
            return
        hub.times -= bool(breaks)
        self._send(206 if start else 200, sent[start:], headers, body, breaks)

    def _send(self, status: int, data: bytes, headers: dict[str, str], body: bool, breaks: int = 0) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(data)), "Connection": "close", **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        if body:
            self.wfile.write(data[:breaks] if breaks else data)
            self.wfile.flush()
        if self.hub.slow and breaks:
            threading.Event().wait(self.hub.slow)
        self.close_connection = True
