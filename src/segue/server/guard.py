"""What every request passes: who may ask, how much may be sent, what browsers are told."""

from __future__ import annotations

import asyncio
import hmac
import logging
import time
from collections.abc import Iterable
from http.cookies import CookieError, SimpleCookie

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from segue.server.metrics import Metrics
from segue.server.problems import problem
from segue.server.settings import Settings

PREFIX = "/api/v1"
COOKIE = "segue_token"
OPEN_PATHS = (f"{PREFIX}/health", f"{PREFIX}/session")
"""What needs no token: to be seen to be alive, and to show one's token."""

HEADERS = {
    "content-security-policy": (
        "default-src 'self'; img-src 'self' data: blob:; media-src 'self' blob:; "
        "worker-src 'self' blob:; object-src 'none'; base-uri 'none'; form-action 'self'; "
        "frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "midi=(self), microphone=(), camera=(), geolocation=()",
}
_UNSAFE = ("POST", "PUT", "PATCH", "DELETE")
_LOCAL = ("localhost", "127.0.0.1", "[::1]")


class Guard:
    """Checks host, origin, token and size of every request; counts and logs its answer."""

    def __init__(
        self, app: ASGIApp, settings: Settings, logger: logging.Logger, metrics: Metrics
    ) -> None:
        self._app, self._settings, self._logger = app, settings, logger
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.monotonic()
        status: int | None = None
        counted = _Counted(receive, self._most(scope["path"]))

        async def send_safely(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
                if scope["path"].startswith(PREFIX):
                    headers.setdefault("cache-control", "no-store")
            await send(message)

        async def send_unless_over(message: Message) -> None:
            if not counted.is_over:
                await send_safely(message)

        try:
            headers = Headers(scope=scope)
            refusal = self._refusal(scope, headers)
            if refusal is not None:
                await refusal(scope, receive, send_safely)
            else:
                await self._app(scope, counted, send_unless_over)
                if counted.is_over:  # whatever was made of half a body, it is too long
                    await _too_long(scope["path"])(scope, receive, send_safely)
        except asyncio.CancelledError:
            if status is None:
                await _stopping(scope["path"])(scope, receive, send_safely)
            raise
        finally:
            seconds = time.monotonic() - began
            route = getattr(scope.get("route"), "path", "other")
            status = status or 500
            self._metrics.requests.labels(scope["method"], route, str(status)).inc()
            self._metrics.request_seconds.labels(route).observe(seconds)
            if status == 429:
                self._metrics.refused.labels("request").inc()
            self._logger.info(
                "request",
                extra={
                    "method": scope["method"], "path": scope["path"], "status": status,
                    "seconds": round(seconds, 4),
                },
            )  # fmt: skip

    def _most(self, path: str) -> int:
        limits = self._settings.limits
        if path.startswith(f"{PREFIX}/trainings"):
            return limits.training_bytes
        if path == f"{PREFIX}/convert":
            return limits.upload_bytes + (1 << 16)
        return limits.body_bytes

    def _refusal(self, scope: Scope, headers: Headers) -> ASGIApp | None:
        path, method = scope["path"], scope["method"]
        if not self._host_is_known(headers.get("host", "")):
            return problem(
                403, "the server is asked for by a name that is not its own: use the address that "
                "`segue serve` printed, or name it with --name.", instance=path,
            )  # fmt: skip
        origin = headers.get("origin")
        if origin is not None and method in _UNSAFE and not _same(origin, headers.get("host", "")):
            return problem(
                403, "the request comes from another site's page, which this server does not "
                "answer.", instance=path,
            )  # fmt: skip
        if self._needs_token(path) and not self._has_token(headers):
            return problem(
                401, "a token is needed: send `Authorization: Bearer TOKEN` with the one that "
                "`segue serve` was started with.",
                headers={"WWW-Authenticate": "Bearer"}, instance=path,
            )  # fmt: skip
        length = headers.get("content-length", "0")
        most = self._most(path)
        if not length.isdigit():
            return problem(400, "the Content-Length is no number.", instance=path)
        if int(length) > most:
            return problem(
                413, f"the request has {int(length):,} bytes; up to {most:,} are allowed: send "
                "less at once.", instance=path,
            )  # fmt: skip
        return None

    def _host_is_known(self, host: str) -> bool:
        """Whether the server is asked for by one of its names: against DNS rebinding."""
        if not self._settings.is_local and not self._settings.hosts:
            return True
        name = host.rsplit(":", 1)[0] if not host.endswith("]") else host
        return name.lower() in (*_LOCAL, *self._settings.hosts)

    def _needs_token(self, path: str) -> bool:
        if self._settings.token is None or path in OPEN_PATHS:
            return False
        return path.startswith(("/api/", "/metrics"))

    def _has_token(self, headers: Headers) -> bool:
        assert self._settings.token is not None
        return any(
            hmac.compare_digest(given.encode(), self._settings.token.encode())
            for given in _tokens(headers)
        )


def _tokens(headers: Headers) -> Iterable[str]:
    scheme, _, token = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and token:
        yield token.strip()
    cookies: SimpleCookie = SimpleCookie()
    try:
        cookies.load(headers.get("cookie", ""))
    except CookieError:
        return
    if COOKIE in cookies:
        yield cookies[COOKIE].value


def _same(origin: str, host: str) -> bool:
    return origin.partition("://")[2].lower() == host.lower()


def _too_long(path: str) -> ASGIApp:
    return problem(413, "the request is longer than allowed: send less at once.", instance=path)


def _stopping(path: str) -> ASGIApp:
    return problem(
        503, "the server stops before this was done: ask again in a moment.",
        headers={"Retry-After": "5"}, instance=path,
    )  # fmt: skip


class _Counted:
    """A request's body, cut off where it is longer than allowed and did not say so before."""

    def __init__(self, receive: Receive, most: int) -> None:
        self._receive, self._left = receive, most
        self.is_over = False

    async def __call__(self) -> Message:
        message = await self._receive()
        if message["type"] == "http.request":
            self._left -= len(message.get("body", b""))
            if self._left < 0:
                self.is_over = True
                return {"type": "http.disconnect"}
        return message
