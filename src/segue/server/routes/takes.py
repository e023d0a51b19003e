"""Takes: their music and receipts, and the files they can be had as."""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Response

from segue.formats.midi import read_bytes
from segue.server import schemas
from segue.server.app import Service
from segue.server.guard import PREFIX
from segue.server.problems import RefusedError, responses
from segue.server.routes.parts import Parts
from segue.server.sandbox import FILES, Drawing
from segue.server.store import TakeRow

router = APIRouter(prefix=PREFIX, tags=["takes"])

TakeId = Annotated[str, Path(min_length=1, max_length=48, pattern=r"^[0-9a-f]+-[0-9]+$")]
Format = Literal["mid", "wav", "flac", "mp3", "ogg", "musicxml", "abc", "pdf", "svg", "png",
                 "roll", "json"]  # fmt: skip


def take_of(parts: Service, id_: str) -> TakeRow:
    """A take by its id; RefusedError with 404 if there is none."""
    found = parts.store.take(id_)
    if found is None:
        raise RefusedError(
            404, f"there is no take {id_!r}: the oldest are forgotten; make it again."
        )
    return found


@router.get("/takes/{id}", response_model=schemas.Take, responses=responses(404))
def take(parts: Parts, id: TakeId) -> dict[str, Any]:
    """A take: its music, what of it is new, its receipt."""
    found = take_of(parts, id)
    return {**found.facts, **found.whole}


@router.get(
    "/takes/{id}/{format}",
    response_class=Response,
    responses={
        200: {
            "description": "The file.",
            "content": {
                **{media: {"schema": {"type": "string", "format": "binary"}}
                   for _, media in FILES.values()},
                "application/json": {"schema": {"type": "object"}},
            },
        },
        **responses(404, 413),
    },
)  # fmt: skip
async def file(
    parts: Parts,
    id: TakeId,
    format: Format,
    download: Annotated[bool, Query(description="To be saved, not shown.")] = False,
) -> Response:
    """A take as a file: `svg` and `pdf` are sheet music, `png` and `roll` its piano roll, `json`
    its receipt."""
    import asyncio

    found = await asyncio.to_thread(take_of, parts, id)
    name = f"segue-{found.facts['seed']}-{found.id[:6]}"
    kind = "attachment" if download else "inline"
    if format == "json":
        body = json.dumps(found.whole["receipt"], indent=2).encode()
        return _file(body, "application/json", f"{name}.json", kind)
    suffix, media = FILES[format]
    if format == "mid":
        return _file(found.midi, media, f"{name}.mid", kind)
    score = read_bytes(found.midi, name).score
    drawing = Drawing(score, suffix, name, found.facts["prompt_end"], parts.sandbox.memory)
    return _file(await parts.sandbox.run(drawing), media, f"{name}{suffix}", kind)


def _file(body: bytes, media: str, name: str, kind: str) -> Response:
    headers = {"content-disposition": f'{kind}; filename="{name}"'}
    return Response(body, media_type=media, headers=headers)


__all__ = ["RefusedError", "router", "take_of"]
