"""Serving until told to stop, and then finishing or handing back what was accepted."""

from __future__ import annotations

import socket
from collections.abc import Callable
from types import FrameType

import uvicorn
from fastapi import FastAPI

from segue.errors import SegueError
from segue.server.app import make_app
from segue.server.logs import adopt_others
from segue.server.protocol import Protocol
from segue.server.settings import Settings

BACKLOG = 512


class Server(uvicorn.Server):
    """Ends the streams of events when it is told to stop, since it waits for them.

    The first signal lets jobs under way finish, the second one does not.
    """

    def __init__(self, config: uvicorn.Config, app: FastAPI) -> None:
        super().__init__(config)
        self._segue = app

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """The first signal asks, the second one insists."""
        works = self._segue.state.service.works
        if self.should_exit:  # uvicorn's own way to insist hands nothing back
            works.hurry()
            return
        works.close_streams()
        super().handle_exit(sig, frame)


def serve(settings: Settings, ready: Callable[[str], None] | None = None) -> None:
    """Serve until SIGINT or SIGTERM; `ready` is told the address once there is one.

    Raises SegueError for an address that cannot be had, and for a database that fails.
    """
    listener = _listener(settings)
    app = make_app(settings)
    adopt_others()
    server = server_of(app)
    host, port = listener.getsockname()[:2]
    shown = f"[{host}]" if ":" in host else host
    if ready is not None:
        ready(f"http://{shown}:{port}/")
    try:
        server.run(sockets=[listener])
    finally:
        app.state.service.close()


def server_of(app: FastAPI, patience: int = 5) -> Server:
    """What speaks HTTP for an application; told to stop, it gives requests `patience` seconds."""
    config = uvicorn.Config(
        app,
        http=Protocol,
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_keep_alive=30,
        timeout_graceful_shutdown=patience,
        backlog=BACKLOG,
        proxy_headers=False,
    )
    return Server(config, app)


def _listener(settings: Settings) -> socket.socket:
    listener = None
    try:
        family, _, _, _, address = socket.getaddrinfo(
            settings.host, settings.port, type=socket.SOCK_STREAM
        )[0]
        listener = socket.socket(family)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(BACKLOG)
    except OSError as error:
        if listener is not None:
            listener.close()
        raise SegueError(
            f"cannot listen at {settings.host}:{settings.port}: {error.strerror or error}. "
            "Choose another --port, or stop what listens there."
        ) from None
    return listener
