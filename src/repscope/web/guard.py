"""Guard: who may ask, and what an answer may do in the browser.

The page listens on this machine only, but any site that is open in the same browser can send requests to this
machine. So the Host must be ours (a name rebound to 127.0.0.1 is another), nothing that another site asks for is
answered, and where the server is opened to a network a token is wanted as well.
"""

import hmac
import ipaddress
from dataclasses import dataclass
from hashlib import sha256
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders, QueryParams
from starlette.requests import cookie_parser
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from repscope.render.html import digest

POLICY = (
    f"default-src 'none'; script-src 'self' 'sha256-{digest()}'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}


@dataclass(frozen=True)
class Guard:
    """Around the application.

    Attributes:
        hosts: What the Host header may be.
        token: What must be known, in the address once and in a cookie from then on; empty for none.
    """

    app: ASGIApp
    hosts: frozenset[str]
    token: str = ""

    @property
    def cookie(self) -> str:
        """A name of its own for every start: cookies do not tell the servers of a machine apart."""
        return f"repscope-{sha256(self.token.encode()).hexdigest()[:12]}"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        refused = self._refused(scope)
        answer: ASGIApp = self.app if refused is None else refused

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        await answer(scope, receive, guarded)

    def _refused(self, scope: Scope) -> Response | None:
        """Why this request gets no answer; None where it does."""
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        if host not in self.hosts and not (self.token and _by_number(host)):
            return PlainTextResponse("This server is not known by that name.", 421)
        origin = headers.get("origin")
        if origin is not None and origin not in (f"http://{host}", f"https://{host}"):
            return PlainTextResponse("Another site may not ask here.", 403)
        if headers.get("sec-fetch-site", "none") not in ("none", "same-origin"):
            if not _visits(scope, headers):
                return PlainTextResponse("Another site may not ask here.", 403)
            if scope["query_string"] and not (self.token and self._told(scope)):
                return RedirectResponse("/", 303)  # the page would ask at once what another site wants to know
        return self._unknown(scope, headers) if self.token else None

    def _told(self, scope: Scope) -> bool:
        """Whether the address has the token in it."""
        return _same(QueryParams(scope["query_string"]).get("token", ""), self.token)

    def _unknown(self, scope: Scope, headers: Headers) -> Response | None:
        """A refusal for who does not know the token; a cookie for who says it in the address."""
        if scope["path"] == "/" and self._told(scope):
            # the page goes on by itself: a redirect that began at another site would be sent without the cookie
            answer = HTMLResponse('<!doctype html><meta http-equiv="refresh" content="0; url=/"><a href="/">Open</a>')
            answer.set_cookie(self.cookie, self.token, httponly=True, samesite="strict")
            return answer
        if _same(cookie_parser(headers.get("cookie", "")).get(self.cookie, ""), self.token):
            return None
        return PlainTextResponse("This server wants its token: open the address that it printed.", 401)


def _by_number(host: str) -> bool:
    """Whether a host is an address and no name: only names can be made to mean another machine."""
    try:
        ipaddress.ip_address(urlsplit(f"//{host}").hostname or "")
    except ValueError:
        return False
    return True


def _visits(scope: Scope, headers: Headers) -> bool:
    """Whether somebody only follows a link to the front page."""
    navigates = headers.get("sec-fetch-mode") == "navigate" and headers.get("sec-fetch-dest") == "document"
    return navigates and scope["method"] == "GET" and scope["path"] == "/"


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(), other.encode())
