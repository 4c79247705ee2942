"""Network: whether the hub can be asked at all, found out in seconds."""

import os
import socket
import threading
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from repscope.errors import WrongUsage

PATIENCE = 5.0
"""Seconds: time for two lost packets, which are sent again after 1 and 3."""


def addressed() -> None:
    """Raises WrongUsage where HF_ENDPOINT is no address; the hub's client cannot even be imported then."""
    said = os.environ.get("HF_ENDPOINT")
    if not said:
        return
    try:
        scheme, host = urlsplit(said).scheme, urlsplit(said).hostname
    except ValueError:
        scheme = host = None
    if scheme not in ("http", "https") or not host:
        raise WrongUsage(f"HF_ENDPOINT is {said!r:.200}, no address. Set it to one such as https://HOST, or unset it.")


def knock(endpoint: str, patience: float = PATIENCE) -> None:
    """Open a connection to an address, or to the proxy before it, and close it again.

    The hub's client tries for half a minute before it says that there is no network. Raises OSError
    where nobody answers; a slow answer to anything later is no concern of this.
    """
    host, port = _door(endpoint)
    within(
        patience,
        lambda: socket.create_connection((host, port), timeout=patience).close(),
        f"no answer from {host}:{port}",
    )


def within(patience: float, ask: Callable[[], Any], trouble: str) -> Any:
    """What a question comes to, if it does in so many seconds. Raises what it raises, TimeoutError after that.

    It is asked in a thread, for looking up a name has no time limit of its own.
    """
    said: list[Any] = []
    errors: list[Exception] = []

    def asked() -> None:
        try:
            said.append(ask())
        except Exception as error:
            errors.append(error)

    asking = threading.Thread(target=asked, daemon=True)
    asking.start()
    asking.join(patience)
    if errors:
        raise errors[0]
    if not said:
        raise TimeoutError(f"{trouble} within {patience:g} s")
    return said[0]


def _door(endpoint: str) -> tuple[str, int]:
    """Host and port of the first machine on the way: the proxy's, where one is set for this address."""
    url, proxies = urlsplit(endpoint), getproxies()
    proxy = proxies.get(url.scheme) or proxies.get("all")
    if proxy and not proxy_bypass(url.netloc.rpartition("@")[2]):
        url = urlsplit(proxy if "://" in proxy else f"http://{proxy}")
    return url.hostname or "", url.port or {"https": 443, "socks5": 1080, "socks5h": 1080}.get(url.scheme, 80)
