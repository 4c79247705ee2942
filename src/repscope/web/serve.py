"""Serve: the server's socket, who may ask, and its life until Ctrl-C."""

import ipaddress
import os
import secrets
import socket
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from repscope.errors import WrongUsage
from repscope.web.app import Site, app
from repscope.web.desk import Desk
from repscope.web.library import Library
from repscope.web.shelf import Shelf

LONGEST = 1 << 20
"""Bytes of a request's head: a question names every photo in its address."""


def listening(host: str, port: int) -> socket.socket:
    """A socket that listens; raises WrongUsage where it cannot be bound."""
    if not host.strip():
        raise WrongUsage("--host wants an address or a name of this machine; got an empty one.")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((host, port))
        bound.listen()  # who opens the address at once waits, and is not refused
    except (OSError, UnicodeError) as error:
        bound.close()
        reason = getattr(error, "strerror", None) or error
        raise WrongUsage(f"Cannot listen on {host}, port {port}: {reason}. Choose another with --port.") from None
    return bound


def local(host: str) -> bool:
    """Whether only this machine can reach it."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def names(host: str, port: int) -> frozenset[str]:
    """What the Host header may say: this machine's own names, and the address that was asked for."""
    anywhere = host in ("0.0.0.0", "::")
    own = {"127.0.0.1", "localhost", "[::1]"}
    own |= {socket.gethostname(), *_addresses()} if anywhere else {bracketed(host)}
    return frozenset(f"{name}:{port}" for name in own) | (frozenset(own) if port == 80 else frozenset())


def bracketed(host: str) -> str:
    """A host as addresses of pages write it."""
    return f"[{ipaddress.ip_address(host).compressed}]" if ":" in host else host


def _addresses() -> set[str]:
    """The addresses of this machine, as far as its name tells them."""
    try:
        found = {str(each[4][0]) for each in socket.getaddrinfo(socket.gethostname(), None)}
    except OSError:
        return set()
    return {bracketed(each) for each in found if "%" not in each}


def run(
    bound: socket.socket, host: str, photos: Sequence[str], chosen: Sequence[str], saved: Sequence[Path], home: Path
) -> None:
    """Answer until Ctrl-C; what runs then ends with it."""
    import uvicorn

    port = bound.getsockname()[1]
    token = "" if local(host) else secrets.token_urlsafe(24)
    library = Library(photos)
    desk = Desk(library, chosen)
    site = Site(library, desk, Shelf([*saved], home), tuple(chosen))
    reachable = "127.0.0.1" if host in ("0.0.0.0", "::") else host
    sys.stdout.write(f"http://{bracketed(reachable)}:{port}/{f'?token={token}' if token else ''}\nCtrl-C ends it.\n")
    if reachable != host:
        sys.stdout.write("From elsewhere: the same with this machine's address.\n")
    sys.stdout.flush()
    server = app(site, names(host, port), token)
    options = {"log_level": "warning", "access_log": False, "server_header": False, "timeout_graceful_shutdown": 1}
    options |= {"http": "h11", "h11_max_incomplete_event_size": LONGEST}

    class Server(uvicorn.Server):
        def handle_exit(self, sig: int, frame: Any) -> None:
            desk.close()  # who waits for an answer would be waited for, and cut off with a traceback
            super().handle_exit(sig, frame)

    try:
        Server(uvicorn.Config(server, **options)).run(sockets=[bound])
    finally:
        desk.close()
        if not desk.left(1.0):  # inside a forward pass, which nobody waits for and Python cannot end in peace
            sys.stdout.flush()
            os._exit(130)
