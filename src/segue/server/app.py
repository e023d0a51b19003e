"""The application: its parts put together, its routes, the page."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Route
from starlette.staticfiles import StaticFiles
from starlette.types import Receive, Scope, Send

import segue
from segue.server import examples, making, problems
from segue.server.guard import PREFIX, Guard
from segue.server.jobs import table
from segue.server.logs import make_logger
from segue.server.metrics import Metrics
from segue.server.performers import Performers
from segue.server.sandbox import Sandbox
from segue.server.settings import Settings
from segue.server.shelf import FEW, Shelf
from segue.server.store import Store
from segue.server.work import Works

PAGE = Path(__file__).parent / "page"

ABOUT = """\
Makes, carries on, fills in, judges and sounds music with bundles that `segue train` made.

Making is a job: a POST answers 202 with its id, `GET /jobs/{id}/events` streams what happens to it,
and the takes stay at `/takes/{id}`. Every error is a problem document (RFC 9457). Times in music
are ticks.
"""


@dataclass
class Service:
    """The parts that routes work with."""

    settings: Settings
    shelf: Shelf
    store: Store
    works: Works
    sandbox: Sandbox
    performers: Performers | None
    metrics: Metrics
    logger: logging.Logger
    document: Callable[[], dict[str, Any]] = dict
    """The OpenAPI document."""

    def close(self) -> None:
        """Let go of all processes and connections; a second time is no harm."""
        if self.performers is not None:
            self.performers.close()
        self.sandbox.close()
        self.store.close()


def make_service(settings: Settings, logger: logging.Logger | None = None) -> Service:
    """All parts of the service, not yet at work. Raises SegueError for a database that fails."""
    limits = settings.limits
    settings.work.mkdir(parents=True, exist_ok=True)
    logger = logger or make_logger()
    shelf = Shelf(_folders(settings), limits.batch)
    store = Store(settings.database_url)
    metrics = Metrics()
    _tell_what_there_is(settings, shelf, logger)
    performers = Performers(limits.processes, limits.batch) if limits.processes else None
    works = Works(store, limits, table(settings, shelf, metrics, performers), logger, metrics)
    sandbox = Sandbox(
        limits.children, limits.convert_seconds, limits.child_bytes, limits.child_queue
    )
    return Service(settings, shelf, store, works, sandbox, performers, metrics, logger)


def _tell_what_there_is(settings: Settings, shelf: Shelf, logger: logging.Logger) -> None:
    """What is served, and which folders hold nothing: one may have been mistyped."""
    names = shelf.names()
    empty = [str(folder) for folder in shelf.empty if folder in settings.bundles]
    told = {"models": len(names), "first": names[:FEW], "folders_without": empty}
    logger.log(logging.WARNING if empty else logging.INFO, "serves", extra=told)


def _folders(settings: Settings) -> tuple[Path, ...]:
    return (*settings.bundles, settings.work / "runs")


def make_app(settings: Settings, logger: logging.Logger | None = None) -> FastAPI:
    """The application, ready to be served."""
    service = make_service(settings, logger)

    @asynccontextmanager
    async def life(_: FastAPI) -> AsyncIterator[None]:
        service.works.start()
        if service.performers is not None and (first := service.shelf.first) is not None:
            # Whoever comes first need not wait for a process to start.
            await asyncio.to_thread(service.performers.prepare, first)
        try:
            yield
        finally:
            await asyncio.to_thread(service.works.stop)
            service.close()

    app = FastAPI(
        title="Segue",
        version=segue.__version__,
        description=ABOUT,
        license_info={"name": "Apache-2.0"},
        lifespan=life,
        docs_url=None,
        redoc_url=None,
        openapi_url=f"{PREFIX}/openapi.json",
        swagger_ui_oauth2_redirect_url=None,
    )
    app.state.service = service
    problems.install(app, service.logger)
    from segue.server.routes import ROUTERS

    for router in ROUTERS:
        app.include_router(router)
    app.add_middleware(Guard, settings=settings, logger=service.logger, metrics=service.metrics)
    _describe(app, settings)
    if settings.page and PAGE.is_dir():
        # A route and not a mount: it would answer for every method and path of the service too.
        page = Route("/{path:path}", Page(directory=PAGE, html=True), methods=["GET", "HEAD"])
        app.router.routes.append(page)
    return app


class Page(StaticFiles):
    """The page's files; browsers ask each time whether they have changed."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One file; paths of the service that were asked for in a wrong way are none."""
        if scope["path"].startswith("/api/"):
            raise HTTPException(405 if problems.methods_at(scope) - {scope["method"]} else 404)
        await super().__call__(scope, receive, send)

    async def get_response(self, path: str, scope: Scope) -> Response:
        """A file, or the page itself for the root."""
        response = await super().get_response(path, scope)
        response.headers["cache-control"] = "no-cache"
        return response


def _describe(app: FastAPI, settings: Settings) -> None:
    """Put what all routes share into the OpenAPI document."""
    made = app.openapi

    def document() -> dict[str, Any]:
        told = made()
        parts = told.setdefault("components", {})
        parts.setdefault("schemas", {})["Problem"] = problems.Problem.model_json_schema(
            ref_template="#/components/schemas/{model}"
        )
        for name in ("HTTPValidationError", "ValidationError"):
            parts["schemas"].pop(name, None)
        names = app.state.service.shelf.names()
        for name, schema in parts["schemas"].items():
            if names and "model" in schema.get("properties", {}):
                schema["properties"]["model"] |= {"enum": names, "examples": names[:1]}
            if found := examples.shown(name, names[0] if names else examples.MODEL):
                schema["examples"] = found
        parts["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
        if settings.token is not None:
            told["security"] = [{"token": []}]
        return told

    app.openapi = document  # type: ignore[method-assign]
    app.state.service.document = document


__all__ = ["Service", "make_app", "make_service", "making"]
