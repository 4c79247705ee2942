"""App: the routes of the page; each parses, asks the desk, the library or the shelf, and shows."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib.resources import files
from json import dumps
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.convertors import Convertor, register_url_convertor
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from repscope.encoders import available, cached
from repscope.errors import RepscopeError, UnfitData, UnknownName, UnreadableImage, Unwritable
from repscope.render.html import MODULES, fragment, html
from repscope.render.json import json
from repscope.report import Report
from repscope.web.absent import Absent
from repscope.web.desk import Desk, Task, as_plain
from repscope.web.guard import Guard
from repscope.web.library import Library
from repscope.web.question import ANALYSES, FRAMES, Question
from repscope.web.shelf import Shelf

LARGEST = 30_000_000
"""Bytes of an upload, at most."""

OWN = ("serve.js", "serve.css")
TYPES = {"js": "text/javascript", "css": "text/css"}
SHOW = {"json": (json, "application/json"), "html": (html, "text/html"), "fragment": (fragment, "text/html")}
EVERY = 0.1
"""Seconds between two looks at where a question stands."""


@dataclass(frozen=True)
class Site:
    """What the routes work with."""

    library: Library
    desk: Desk
    shelf: Shelf
    chosen: tuple[str, ...]

    async def front(self, request: Request) -> Response:  # noqa: ARG002
        return HTMLResponse(_read("web", "static/serve.html"))

    async def static(self, request: Request) -> Response:
        name = request.path_params["name"]
        if name in OWN:
            return Response(_read("web", f"static/{name}"), media_type=TYPES[name.rpartition(".")[2]])
        if folder := MODULES.get(name.removesuffix(".js")):
            return Response(_read("render", f"templates/{folder}/{name}"), media_type=TYPES["js"])
        raise HTTPException(404)

    async def choices(self, request: Request) -> Response:  # noqa: ARG002
        """What can be chosen."""
        entries = await run_in_threadpool(self.library.entries)
        encoders = [
            {"name": name, "here": cached(contract), "parameters": contract.parameters, "licence": contract.licence}
            for name, contract in available().items()
        ]
        named = {each["name"] for each in encoders}
        encoders += [
            {"name": name, "here": True, "parameters": 0, "licence": ""} for name in self.chosen if name not in named
        ]
        return _Json(
            {
                "photos": [{"key": entry.key, "name": entry.name} for entry in entries],
                "encoders": encoders,
                "chosen": self.chosen,
                "analyses": {name: [least, most] for name, (_, least, most) in ANALYSES.items()},
                "frames": FRAMES,
            }
        )

    async def photo(self, request: Request) -> Response:
        return Response(
            await run_in_threadpool(self.library.thumb, request.path_params["key"]), media_type="image/jpeg"
        )

    async def upload(self, request: Request) -> Response:
        """The bytes of one image, its name in the address."""
        if int(request.headers.get("content-length") or 0) > LARGEST:
            return _refusal(f"A photo has at most {LARGEST // 10**6} MB here; make it smaller first.", 413)
        data = bytearray()
        async for part in request.stream():
            data += part
            if len(data) > LARGEST:
                return _refusal(f"A photo has at most {LARGEST // 10**6} MB here; make it smaller first.", 413)
        key = await run_in_threadpool(self.library.add, bytes(data), request.query_params.get("name", "dropped"))
        return _Json({"key": key, "name": self.library.dropped[key].id})

    async def ask(self, request: Request) -> Response:
        """Put a question; its progress is told by `events`."""
        return _Json(as_plain((await self._put(request)).progress))

    async def _put(self, request: Request) -> Task:
        """The task of a request's question, asked where it was not."""
        return await run_in_threadpool(self.desk.ask, _question(request))

    async def stop(self, request: Request) -> Response:
        return _Json({"stopped": self.desk.stop(_question(request))})

    async def events(self, request: Request) -> Response:
        """Where a question that was asked stands, told whenever it changes, until it is answered."""
        task = self.desk.asked(_question(request))

        async def told() -> AsyncIterator[str]:
            last = None
            with self.desk.waiting(task):
                while True:
                    now = task.progress
                    if now != last:
                        yield f"data: {dumps(as_plain(now))}\n\n"
                        last = now
                    if now.over or self.desk.closed:
                        return
                    await asyncio.sleep(EVERY)

        return StreamingResponse(told(), media_type="text/event-stream")

    async def answer(self, request: Request) -> Response:
        """The report of a question in a medium; waits for it."""
        make, kind = SHOW[request.path_params["medium"]]
        report = await _report_of(self.desk, await self._put(request), request)
        return Response(await run_in_threadpool(make, report), media_type=kind)

    async def keep(self, request: Request) -> Response:
        """Save the report of a question as it was shown, though its photos be others by now."""
        report = self.desk.answer(_question(request))
        if report is None:
            report = await _report_of(self.desk, await self._put(request), request)
        return _Json({"folder": str(await run_in_threadpool(self.shelf.keep, report))})

    async def reports(self, request: Request) -> Response:  # noqa: ARG002
        saved = await run_in_threadpool(self.shelf.saved)
        return _Json([{"key": each.key, "title": each.title, "folder": each.folder.name} for each in saved])

    async def picture(self, request: Request) -> Response:
        """What a saved report looks like, small."""
        return Response(await run_in_threadpool(self.shelf.thumb, request.path_params["key"]), media_type="image/jpeg")

    async def report(self, request: Request) -> Response:
        make, kind = SHOW[request.path_params["medium"]]
        report = await run_in_threadpool(self.shelf.open, request.path_params["key"])
        try:
            return Response(await run_in_threadpool(make, report), media_type=kind)
        except (
            ValueError,
            ArithmeticError,
            AttributeError,
            IndexError,
            RecursionError,
        ) as error:  # a stranger's file, valid in form only
            raise UnfitData(f"The saved report cannot be shown ({error!r:.200}). Make the report again.") from None


def app(site: Site, hosts: frozenset[str], token: str = "") -> Starlette:
    """The application, guarded."""

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        site.desk.close()

    routes = [
        Route("/", site.front),
        Route("/static/{name}", site.static),
        Route("/choices", site.choices),
        Route("/photos", site.upload, methods=["POST"]),
        Route("/photos/{key}.jpg", site.photo),
        Route("/ask/{analysis}", site.ask, methods=["POST"]),
        Route("/ask/{analysis}", site.stop, methods=["DELETE"]),
        Route("/ask/{analysis}/events", site.events),
        Route("/reports", site.reports),
        Route("/reports/{analysis}", site.keep, methods=["POST"]),
        Route("/reports/{key}.jpg", site.picture),
        Route("/reports/{key}.{medium:medium}", site.report),
        Route("/{analysis}.{medium:medium}", site.answer),
    ]
    return Starlette(
        routes=routes,
        lifespan=lifespan,
        middleware=[Middleware(Guard, hosts=hosts, token=token)],
        exception_handlers={RepscopeError: _mistake, HTTPException: _absent},
    )


async def _report_of(desk: Desk, task: Task, request: Request) -> Report:
    """The report of a question, once it is there; raises why there is none, and where nobody waits any more."""
    with desk.waiting(task):
        while not task.over:
            await asyncio.sleep(EVERY)
            if desk.closed or await request.is_disconnected():
                raise Unanswered("Nobody waits any more, or the server ends.")
    if task.report is None:
        raise task.error or Unanswered(task.progress.said or "The question was withdrawn.")
    return task.report


class _Medium(Convertor[str]):
    """One of the media that an address may end in."""

    regex = "|".join(SHOW)

    def convert(self, value: str) -> str:
        return value

    def to_string(self, value: str) -> str:
        return value


register_url_convertor("medium", _Medium())


class Unanswered(RepscopeError):
    """A question that ended without a report for no fault of who asked: it was withdrawn, or met a bug."""


def _question(request: Request) -> Question:
    return Question.read(request.path_params["analysis"], request.url.query)


def _read(package: str, name: str) -> str:
    return files(f"repscope.{package}").joinpath(name).read_text(encoding="utf-8")


class _Json(JSONResponse):
    """In ASCII: the name of a file may hold half a surrogate pair, which can only be written as an escape."""

    def render(self, content: Any) -> bytes:
        return dumps(content, separators=(",", ":")).encode()


def _refusal(message: str, status: int) -> Response:
    return _Json({"error": message}, status)


async def _mistake(request: Request, error: Exception) -> Response:  # noqa: ARG001
    """What a person can mend, in words."""
    kinds: dict[type[Any], int] = {
        Absent: 404,
        UnknownName: 404,
        UnreadableImage: 415,
        Unanswered: 500,
        Unwritable: 507,
    }
    status = next((status for kind, status in kinds.items() if isinstance(error, kind)), 400)
    return _refusal(str(error), status)


async def _absent(request: Request, error: Exception) -> Response:  # noqa: ARG001
    return PlainTextResponse("There is nothing here.", getattr(error, "status_code", 404))
