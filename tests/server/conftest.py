"""A service on a tiny bundle, asked in this process, and one that runs in a process of its own."""

from __future__ import annotations

import logging
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from segue.server import Limits, Settings
from segue.server.app import make_app
from segue.server.run import server_of
from served import MODEL, Served


@pytest.fixture(scope="session")
def shelf_path(run_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that holds the tiny run under the name `tiny`."""
    folder = tmp_path_factory.mktemp("shelf")
    (folder / MODEL).symlink_to(run_path)
    return folder / MODEL


@pytest.fixture(scope="session")
def quiet() -> logging.Logger:
    """A logger that keeps to itself."""
    logger = logging.getLogger("segue.server.tests")
    logger.propagate = False
    logger.addHandler(logging.NullHandler())
    return logger


@contextmanager
def listening(settings: Settings, logger: logging.Logger) -> Iterator[httpx.Client]:
    """The service in a thread of this process, and a client of it."""
    app = make_app(settings, logger)
    server = server_of(app, patience=2)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
            while not server.started:
                assert thread.is_alive()
                time.sleep(0.01)
            try:
                yield client
            finally:
                server.handle_exit(signal.SIGTERM, None)
                client.close()
                thread.join(60)


@pytest.fixture(scope="session")
def client(
    shelf_path: Path, quiet: logging.Logger, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[httpx.Client]:
    """A service for all tests that do not change how it is set up."""
    settings = Settings(bundles=(shelf_path,), work=tmp_path_factory.mktemp("work"))
    with listening(settings, quiet) as made:
        yield made


@pytest.fixture
def small(
    shelf_path: Path, quiet: logging.Logger, tmp_path: Path
) -> Iterator[Callable[..., httpx.Client]]:
    """`small(limits={...}, token=...)`: a service of its own for one test."""
    with ExitStack() as opened:

        def make(limits: dict[str, Any] | None = None, **settings: Any) -> httpx.Client:
            asked: dict[str, Any] = {"bundles": (shelf_path,), "work": tmp_path / "work"}
            # Music is made in the same process, which takes no time to start.
            limited = {"stop_seconds": 1.0, "processes": 0, **(limits or {})}
            asked |= {**settings, "limits": Limits(**limited)}
            return opened.enter_context(listening(Settings(**asked), quiet))

        yield make


@pytest.fixture
def served(shelf_path: Path, tmp_path: Path) -> Iterator[Served]:
    """A server that can be killed."""
    server = Served(shelf_path, tmp_path / "work")
    yield server
    if server.process is not None and server.process.poll() is None:
        server.stop(signal.SIGKILL)
