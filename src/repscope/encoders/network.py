"""Network: whether the hub can be asked at all, found out in seconds."""

import socket
import threading
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

PATIENCE = 5.0
"""Seconds: time for two lost packets, which are sent again after 1 and 3."""


def knock(endpoint: str, patience: float = PATIENCE) -> None:
    """Open a connection to an address, or to the proxy before it, and close it again.

    The hub's client tries for half a minute before it says that there is no network. Raises OSError
    where nobody answers; a slow answer to anything later is no concern of this.
    """
    host, port = _door(endpoint)
    trouble: list[OSError] = [TimeoutError(f"no answer from {host}:{port} within {patience:g} s")]

    def ask() -> None:
        try:
            socket.create_connection((host, port), timeout=patience).close()
            trouble.clear()
        except OSError as error:
            trouble[:] = [error]

    # A thread, for looking up a name has no time limit of its own.
    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    asking.join(patience)
    if trouble:
        raise trouble[0]


def _door(endpoint: str) -> tuple[str, int]:
    """Host and port of the first machine on the way: the proxy's, where one is set for this address."""
    url, proxies = urlsplit(endpoint), getproxies()
    proxy = proxies.get(url.scheme) or proxies.get("all")
    if proxy and not proxy_bypass(url.netloc.rpartition("@")[2]):
        url = urlsplit(proxy if "://" in proxy else f"http://{proxy}")
    return url.hostname or "", url.port or {"https": 443, "socks5": 1080, "socks5h": 1080}.get(url.scheme, 80)
