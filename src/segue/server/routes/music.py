"""Music in and out: files into JSON, JSON into files, and the sound of a span."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any, Literal

from fastapi import APIRouter, File, Path, Response, UploadFile

from segue.server import schemas
from segue.server.guard import PREFIX
from segue.server.problems import RefusedError, responses
from segue.server.routes.parts import Parts
from segue.server.sandbox import FILES, Drawing, Span, Upload

router = APIRouter(prefix=PREFIX, tags=["music"])

Written = Literal["mid", "wav", "flac", "mp3", "ogg", "musicxml", "abc", "pdf", "svg", "png",
                  "roll"]  # fmt: skip
_BINARY = {"schema": {"type": "string", "format": "binary"}}


@router.post("/convert", response_model=schemas.Converted, responses=responses(400, 413))
async def read(
    parts: Parts,
    file: Annotated[UploadFile, File(description="MIDI, ABC, MusicXML, **kern or NES text.")],
) -> dict[str, Any]:
    """Turn a file into music."""
    limits = parts.settings.limits
    data = await file.read(limits.upload_bytes + 1)
    if len(data) > limits.upload_bytes:
        raise RefusedError(
            413, f"the file is over {limits.upload_bytes >> 20} MiB, which no piece of music needs."
        )
    name = (file.filename or "music").replace("\\", "/").rsplit("/", 1)[-1][:200]
    told: dict[str, Any] = await parts.sandbox.run(Upload(name, data, parts.sandbox.memory))
    return told


@router.post(
    "/convert/{format}",
    response_class=Response,
    responses={
        200: {
            "description": "The file.",
            "content": {media: _BINARY for _, media in FILES.values()},
        },
        **responses(400, 413),
    },
)
async def write(
    parts: Parts,
    asked: schemas.Convert,
    format: Annotated[Written, Path(description="`svg` and `pdf` are sheet music.")],
) -> Response:
    """Turn music into a file."""
    suffix, media = FILES[format]
    score = await asyncio.to_thread(asked.music.score)
    drawing = Drawing(score, suffix, "music", None, parts.sandbox.memory)
    return Response(
        await parts.sandbox.run(drawing),
        media_type=media,
        headers={"content-disposition": f'inline; filename="music{suffix}"'},
    )


@router.post(
    "/render",
    response_class=Response,
    responses={
        200: {
            "description": "The sound, as long as the span.",
            "content": {FILES[each][1]: _BINARY for each in ("wav", "flac", "mp3", "ogg")},
            "headers": {
                "Segue-Gain": {
                    "description": "To be given for the other spans of this music.",
                    "schema": {"type": "number"},
                }
            },
        },
        **responses(400, 413),
    },
)
async def render(parts: Parts, asked: schemas.Render) -> Response:
    """The sound of a span of music."""
    suffix, media = FILES[asked.format]
    score = await asyncio.to_thread(asked.music.score)
    most = parts.settings.limits.render_seconds
    end = score.end_seconds if asked.end is None else asked.end
    if end - asked.begin > most:
        raise RefusedError(
            413,
            f"the span is {end - asked.begin:.0f} seconds long; {most:g} at once are allowed: ask "
            "for several.",
        )
    told = await parts.sandbox.run(
        Span(score, asked.begin, asked.end, suffix, asked.sample_rate, asked.gain,
             parts.sandbox.memory)
    )  # fmt: skip
    return Response(told["data"], media_type=media, headers={"segue-gain": f"{told['gain']:g}"})
