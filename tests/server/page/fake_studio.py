"""A small stand-in for the service: quick, the same each time, and it can fall and rise again.

Every request is read by the service's own schemas, so that the page is held to the contract.
"""

from __future__ import annotations

import asyncio
import io
import json
import socket
import threading
import time
from collections.abc import AsyncIterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
import soundfile
import uvicorn
from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from segue import formats
from segue.errors import SegueError
from segue.server import schemas
from segue.server.guard import HEADERS
from segue.server.wire import of_score

PAGE = Path(schemas.__file__).parent / "page"
API = "/api/v1"
SCHEMAS = {
    "generate": schemas.Generate,
    "continue": schemas.Continue,
    "infill": schemas.Infill,
    "accompany": schemas.Accompany,
    "vary": schemas.Vary,
    "loop": schemas.Loop,
}
JUDGED: dict[str, tuple[Any, dict[str, Any]]] = {
    "doctor": (
        schemas.Doctor,
        {"findings": [{"symptom": "loop", "what": "a loop goes on and on", "value": 9.0,
                       "limit": 4.0, "unit": "times", "bars": [2, 3]}]},
    ),
    "measure": (
        schemas.Measure,
        {"measures": [{"name": "pitch_range", "value": 12.0, "unit": "semitones",
                       "what": "from lowest to highest pitch"}]},
    ),
    "evaluate": (
        schemas.Evaluate,
        {"nats_a_note": 2.5, "nats_a_row": 2.4, "rows": 4, "positions": [0, 4, 8, 12],
         "nats": [2.0, 3.0, None, 2.0]},
    ),
    "memorisation": (
        schemas.Memorisation,
        {"training_pieces": 3, "limit": 0.2, "takes": [
            {"name": "music", "score": 0.5, "notes": 8, "copied": True, "passages": [
                {"piece": "bwv1", "first_bar": 5, "last_bar": 5, "notes": 4, "length": 4,
                 "begin": 0, "end": 1, "at": 0.0}]}]},
    ),
    "drift": (
        schemas.Drift,
        {"pieces": 1, "alarm": False, "warnings": [],
         "measures": {"likelihood": {"distance": 0.1, "limit": 0.2, "alarm": False}}},
    ),
}  # fmt: skip
MODEL = {
    "name": "tiny", "hash": "0" * 64, "recipe": "chorale-lstm", "summary": "A stand-in.",
    "encoding": "compound", "plays": "rows", "ways": sorted(SCHEMAS), "columns": ["pitch"],
    "tracks": [], "sampling": {"temperature": 1.0}, "default": True, "loses": [],
    "licence": "public domain",
}  # fmt: skip


def problem(status: int, detail: str, **headers: str) -> JSONResponse:
    """An error as the service tells of it."""
    body = {"type": f"/problems/{status}", "title": "No", "status": status, "detail": detail}
    return JSONResponse(body, status, headers, media_type="application/problem+json")


class Fake:
    """Serves the page at `address`; `asked` holds every request by its path below `/api/v1`."""

    def __init__(self) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = int(free.getsockname()[1])
        self.address = f"http://127.0.0.1:{self.port}"
        self.jobs: dict[str, dict[str, Any]] = {}
        self.takes: dict[str, dict[str, Any]] = {}
        self.asked: list[tuple[str, Any]] = []
        self.note_seconds = 0.01
        self.hold_after: int | None = None
        """Notes after which a job goes no further until the server is begun anew."""
        self.falls_after: int | None = None
        """Notes after which what makes music falls, once: the same stream begins the job anew."""
        self.refuse: JSONResponse | None = None
        self.told = False
        """Whether its model knows words of style and touch."""
        self._server: uvicorn.Server | None = None
        self._thread: threading.Thread | None = None

    def bodies(self, path: str) -> list[Any]:
        """What was sent to a path."""
        return [body for asked, body in self.asked if asked == path]

    # -- coming and going --------------------------------------------------------------------

    def start(self) -> None:
        """Serve, and come back once somebody can ask."""
        config = uvicorn.Config(
            self._app(), host="127.0.0.1", port=self.port, log_level="critical", lifespan="off",
            timeout_graceful_shutdown=0,
        )  # fmt: skip
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, daemon=True)
        self._thread.start()
        until = time.monotonic() + 20
        while not self._server.started:
            assert time.monotonic() < until, "the stand-in does not start"
            time.sleep(0.01)

    def stop(self) -> None:
        """Fall: connections are cut, nothing is finished."""
        if self._server is None or self._thread is None:
            return
        self._server.force_exit = self._server.should_exit = True
        self._thread.join(20)
        self._server = None

    def _app(self) -> Starlette:
        routes = [
            Route(f"{API}/health", self._health),
            Route(f"{API}/models", self._models),
            Route(f"{API}/recipes", self._recipes),
            Route(f"{API}/runs", self._runs),
            Route(f"{API}/runs/{{name}}", self._run),
            Route(f"{API}/runs/{{name}}/curves", self._curves),
            Route(f"{API}/runs/{{name}}/samples", self._samples),
            Route(f"{API}/convert", self._read, methods=["POST"]),
            Route(f"{API}/convert/{{format}}", self._write, methods=["POST"]),
            Route(f"{API}/render", self._render, methods=["POST"]),
            Route(f"{API}/jobs/{{id}}", self._job, methods=["GET", "DELETE"]),
            Route(f"{API}/jobs/{{id}}/events", self._events),
            Route(f"{API}/takes/{{id}}", self._take),
            Route(f"{API}/{{way}}", self._make, methods=["POST"]),
            Mount("/", StaticFiles(directory=PAGE, html=True)),
        ]
        app = Starlette(routes=routes)

        async def guarded(scope: Any, receive: Any, send: Any) -> None:
            async def with_headers(message: Any) -> None:
                if message["type"] == "http.response.start":
                    told = [(k.encode(), v.encode()) for k, v in HEADERS.items()]
                    message["headers"] = [*message.get("headers", []), *told]
                await send(message)

            await app(scope, receive, with_headers)

        return guarded  # type: ignore[return-value]

    # -- what there is -----------------------------------------------------------------------

    async def _health(self, _: Request) -> Response:
        return JSONResponse({"status": "ok", "models": 1})

    async def _models(self, _: Request) -> Response:
        model = schemas.Model.model_validate({**MODEL, "told": self.told})
        return JSONResponse({"models": [model.model_dump()]})

    async def _recipes(self, _: Request) -> Response:
        told = {"name": "chorale-lstm", "summary": "Four voices.", "encoding": "compound"}
        return JSONResponse({"recipes": [told]})

    async def _runs(self, _: Request) -> Response:
        return JSONResponse({"runs": [self._told_run()]})

    def _told_run(self) -> dict[str, Any]:
        return schemas.RunSummary(
            name="bach", recipe="chorale-lstm", step=100, max_steps=100, has_bundle=True,
            changed=0.0, job=None,
        ).model_dump()  # fmt: skip

    async def _run(self, _: Request) -> Response:
        return JSONResponse(self._told_run())

    async def _curves(self, _: Request) -> Response:
        curve = {"steps": [10, 20, 30], "values": [3.0, 2.0, 1.5]}
        return JSONResponse({"name": "bach", "curves": {"train/nats": curve, "val/nats": curve}})

    async def _samples(self, _: Request) -> Response:
        return JSONResponse({"name": "bach", "samples": []})

    # -- music -------------------------------------------------------------------------------

    async def _read(self, request: Request) -> Response:
        async with request.form() as form:
            file: Any = form["file"]
            name, data = str(file.filename), await file.read()
        with TemporaryDirectory() as folder:
            path = Path(folder) / name
            path.write_bytes(data)
            try:
                score = formats.read(path)
            except SegueError as error:
                return problem(422, str(error))
        told = {"name": name, "music": of_score(score), "repairs": [], "notes": len(score),
                "bars": score.end_bars, "seconds": score.end_seconds}  # fmt: skip
        return JSONResponse(schemas.Converted.model_validate(told).model_dump())

    async def _write(self, request: Request) -> Response:
        asked = schemas.Convert.model_validate(await request.json())
        suffix = request.path_params["format"]
        self.asked.append((f"convert/{suffix}", asked))
        if suffix == "svg":
            drawn = '<svg xmlns="http://www.w3.org/2000/svg" width="400" height="90"></svg>'
            return Response(drawn, media_type="image/svg+xml")
        return Response(f"{suffix} of {len(asked.music.notes)} notes".encode())

    async def _render(self, request: Request) -> Response:
        try:
            asked = schemas.Render.model_validate(await request.json())
        except ValidationError as error:
            return problem(422, str(error))
        self.asked.append(("render", asked))
        assert asked.end is not None
        frames = round((asked.end - asked.begin) * 44_100)
        tone = 0.1 * np.sin(np.arange(frames) * 2 * np.pi * 330 / 44_100)
        target = io.BytesIO()
        soundfile.write(target, tone.astype(np.float32), 44_100, format="WAV")
        return Response(target.getvalue(), headers={"segue-gain": "0.5"}, media_type="audio/wav")

    # -- making ------------------------------------------------------------------------------

    async def _make(self, request: Request) -> Response:
        way = request.path_params["way"]
        if self.refuse is not None:
            refused, self.refuse = self.refuse, None
            return refused
        schema = SCHEMAS.get(way) or JUDGED[way][0]
        try:
            asked = schema.model_validate(await request.json())
        except ValidationError as error:
            return problem(422, str(error))
        self.asked.append((way, asked))
        id_ = f"{len(self.jobs) + 1:020x}"
        self.jobs[id_] = {"way": way, "asked": asked, "status": "running", "attempt": 0}
        return JSONResponse(self._told(id_), 202)

    def _told(self, id_: str) -> dict[str, Any]:
        job = self.jobs[id_]
        return {
            "id": id_, "kind": job["way"], "status": job["status"], "ahead": 0, "problem": None,
            "result": JUDGED[job["way"]][1] if job["way"] in JUDGED else None,
            "links": {"self": f"{API}/jobs/{id_}", "events": f"{API}/jobs/{id_}/events"},
        }  # fmt: skip

    async def _job(self, request: Request) -> Response:
        id_ = request.path_params["id"]
        if request.method == "DELETE":
            self.jobs[id_]["status"] = "cancelled"
        return JSONResponse(self._told(id_))

    async def _events(self, request: Request) -> Response:
        return StreamingResponse(
            self._stream(request.path_params["id"]), media_type="text/event-stream"
        )

    async def _stream(self, id_: str) -> AsyncIterator[bytes]:
        job = self.jobs[id_]
        job["attempt"] += 1
        base = job["attempt"] * 1_000_000
        yield _event(base + 1, "started", {"attempt": job["attempt"]})
        if job["way"] not in JUDGED:
            made = made_by(job["way"], job["asked"])
            rows = list(zip(*[take["new"] for take in made], strict=True))
            if self.falls_after is not None:
                fallen, self.falls_after = rows[: self.falls_after], None
                for event in _rows(base, fallen):
                    await asyncio.sleep(self.note_seconds)
                    yield event
                job["attempt"] += 1
                base = job["attempt"] * 1_000_000
                yield _event(base + 1, "started", {"attempt": job["attempt"]})
            for number, event in enumerate(_rows(base, rows)):
                while self.hold_after == number and self._server is not None:
                    await asyncio.sleep(0.02)
                if self._server is None:
                    return
                await asyncio.sleep(self.note_seconds)
                yield event
            for take in made:
                yield _event(base + 900_000 + take["number"], "take", self._keep(id_, take))
        job["status"] = "done"
        yield _event(base + 999_999, "done", {})

    def _keep(self, id_: str, made: dict[str, Any]) -> dict[str, Any]:
        name = f"{id_}-{made['number']}"
        facts = {
            "id": name, "job": id_, "number": made["number"], "seed": made["seed"], "created": 0.0,
            "notes": len(made["music"]["notes"]), "new_notes": len(made["new"]), "bars": 4.0,
            "seconds": 8.0, "prompt_end": made["prompt_end"], "checks": {}, "links": {},
        }  # fmt: skip
        receipt = {"bundle": "chorale-lstm", "bundle_hash": "0" * 64, "seed": made["seed"]}
        self.takes[name] = {**facts, "music": made["music"], "locked": [], "receipt": receipt}
        return facts

    async def _take(self, request: Request) -> Response:
        found = self.takes[request.path_params["id"]]
        return JSONResponse(schemas.Take.model_validate(found).model_dump())


def _event(number: int, name: str, data: dict[str, Any]) -> bytes:
    return f"id: {number}\nevent: {name}\ndata: {json.dumps(data)}\n\n".encode()


def _rows(base: int, rows: list[tuple[dict[str, Any], ...]]) -> list[bytes]:
    """What is told of each row: a note of every take."""
    return [
        b"".join(
            _event(base + 10 + number * 16 + take, "note",
                   {"take": take, "ticks_per_quarter": 480, "notes": [note]})
            for take, note in enumerate(notes)
        )
        for number, notes in enumerate(rows)
    ]  # fmt: skip


def made_by(way: str, asked: Any) -> list[dict[str, Any]]:
    """Takes that a reader can follow: each is a run of quarters, one pitch higher a take."""
    music = asked.music.model_dump() if hasattr(asked, "music") else {"ticks_per_quarter": 480}
    given = music.get("notes", [])
    end = max((n["onset"] + n["duration"] for n in given), default=0)
    bar = 4 * int(music["ticks_per_quarter"])
    begin, last, kept, tracks = end, end + 2 * bar, given, [0]
    if way == "infill":
        begin, last = round(asked.first_bar * bar), round(asked.last_bar * bar)
        tracks = asked.tracks or list(range(len(music["tracks"])))
        kept = [n for n in given if n["track"] not in tracks or not begin <= n["onset"] < last]
    if way in ("generate", "loop", "vary"):
        begin, last, kept = 0, 2 * bar, []
    takes = []
    for number in range(asked.takes):
        new = [
            {"track": tracks[0], "onset": at, "duration": bar // 4, "pitch": 60 + number + i % 5,
             "velocity": 80}
            for i, at in enumerate(range(begin, last, bar // 4))
        ]  # fmt: skip
        whole = {**music, "notes": sorted([*kept, *new], key=lambda n: n["onset"])}
        whole.setdefault("tracks", [{"name": "Piano", "program": 0, "drums": False}])
        takes.append(
            {"number": number, "seed": (asked.seed or 0) + number, "new": new, "music": whole,
             "prompt_end": end if way == "continue" else None}
        )  # fmt: skip
    return takes


def skip_or_fail(reason: str) -> None:
    """Skip where something is missing, and say so; never in CI."""
    import os

    if os.environ.get("CI", "") not in ("", "0", "false"):
        pytest.fail(reason)
    pytest.skip(reason)
