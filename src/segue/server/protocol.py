"""HTTP as it comes in: heads that are short and come soon, and faults told as all others are.

uvicorn leaves both to a server in front. Who asks it directly, before any token is looked at, could
send a head without end, which is kept, or one that never ends, which holds a connection.
"""

from __future__ import annotations

import asyncio

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from segue.server.guard import HEADERS
from segue.server.problems import problem

MOST_HEAD = 64 << 10
"""Bytes of a request's line and headers."""
SECONDS = 30.0
"""How long a head may take to come, and a body may stand still."""

TOO_LONG = (
    f"the request's line and headers are longer than {MOST_HEAD >> 10} KiB: send what is long as "
    "its body."
)


class Protocol(HttpToolsProtocol):
    """uvicorn's, with limits for what comes before there is a request to look at."""

    _head = 0
    """Bytes of the head that is coming."""
    _in_head = True
    _timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """There is someone who may ask."""
        super().connection_made(transport)
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """There is nobody any more."""
        self._wait_no_more()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Some bytes of a request, or of several."""
        if self._in_head:
            self._head += len(data)
        elif self._timer is not None:  # the body moves on
            self._wait()
        super().data_received(data)
        if self._in_head and self._head > MOST_HEAD and not self.transport.is_closing():
            self._refuse(431, TOO_LONG)

    def on_message_begin(self) -> None:
        """The first byte of a request."""
        super().on_message_begin()
        self._in_head, self._head = True, 0
        self._wait()

    def on_headers_complete(self) -> None:
        """The head is there, and the body may follow."""
        self._in_head = False
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """All of a request is there; another one may follow whenever it likes."""
        self._wait_no_more()
        self._in_head, self._head = True, 0
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """What came is no HTTP."""
        self._refuse(400, "what came cannot be read as HTTP: send the request anew.")

    def _unsupported_upgrade_warning(self) -> None:
        """Who asks for another protocol is answered in this one, which is nobody's fault."""

    def _refuse(self, status: int, detail: str) -> None:
        """Answer and hang up; a request that was all there before is answered first."""
        self._wait_no_more()
        asked = None if self.cycle is None or self.cycle.response_complete else self.cycle
        if asked is not None and not asked.more_body:
            asked.keep_alive = False
            self.flow.pause_reading()
            return
        if asked is None or not asked.response_started:
            answer = problem(status, detail)
            told = {**HEADERS, "connection": "close"}
            head = [*answer.raw_headers, *((k.encode(), v.encode()) for k, v in told.items())]
            self.transport.write(
                STATUS_LINE[status]
                + b"".join(b"%b: %b\r\n" % each for each in head)
                + b"\r\n"
                + bytes(answer.body)
            )
        self.transport.close()

    # -- time --------------------------------------------------------------------------------

    def _wait(self) -> None:
        self._wait_no_more()
        self._timer = self.loop.call_later(SECONDS, self._late)

    def _wait_no_more(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _late(self) -> None:
        """Nothing came in time."""
        self._timer = None
        if self.flow.read_paused:  # it is us who do not read
            self._wait()
        elif not self.transport.is_closing():
            self.transport.close()
