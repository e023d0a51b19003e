"""Blind listening: takes in pairs, under codes, and what the listeners chose."""

from __future__ import annotations

import itertools
import math
import random
import secrets
from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Path, Response

from segue.errors import SegueError
from segue.evaluation.votes import Vote, duels, strengths
from segue.server import schemas
from segue.server.app import Service
from segue.server.guard import PREFIX
from segue.server.problems import RefusedError, responses
from segue.server.routes.parts import Parts, seed_of
from segue.server.routes.takes import take_of
from segue.server.sandbox import FILES, Drawing

router = APIRouter(prefix=PREFIX, tags=["listen"])

TestId = Annotated[str, Path(min_length=1, max_length=40, pattern=r"^[0-9a-f]+$")]
KIND, VOTES = "listening", "votes"
MOST_PAIRS = 64


@router.post(
    "/listening", status_code=201, response_model=schemas.BlindTest, responses=responses(400, 404)
)
def begin(parts: Parts, asked: schemas.Listening, response: Response) -> dict[str, Any]:
    """Make a blind test of takes under two names or more; pairs and order are drawn by chance."""
    if len(set(asked.takes.values())) < 2:
        raise SegueError("all takes came under one name: two are needed to compare.")
    for id_ in asked.takes:
        take_of(parts, id_)
    rng = random.Random(seed_of(asked))
    codes = {id_: secrets.token_hex(6) for id_ in asked.takes}
    pairs = [
        [codes[one], codes[other]]
        for one, other in itertools.combinations(asked.takes, 2)
        if asked.takes[one] != asked.takes[other]
    ]
    rng.shuffle(pairs)
    for pair in pairs:
        rng.shuffle(pair)
    id_ = secrets.token_hex(8)
    key = {code: {"take": take, "name": asked.takes[take]} for take, code in codes.items()}
    parts.store.put_page(id_, KIND, {"pairs": pairs[:MOST_PAIRS], "key": key})
    response.headers["location"] = f"{PREFIX}/listening/{id_}"
    return _told(id_, pairs[:MOST_PAIRS])


def _told(id_: str, pairs: list[list[str]]) -> dict[str, Any]:
    base = f"{PREFIX}/listening/{id_}"
    codes = sorted({code for pair in pairs for code in pair})
    return {
        "id": id_,
        "pairs": [{"number": i, "first": a, "second": b} for i, (a, b) in enumerate(pairs)],
        "links": {
            "self": base,
            "votes": f"{base}/votes",
            **{code: f"{base}/sounds/{code}" for code in codes},
        },
    }


def _test(parts: Service, id_: str) -> dict[str, Any]:
    found = parts.store.page(id_, KIND)
    if found is None:
        raise RefusedError(404, f"there is no listening {id_!r}.")
    return found


@router.get("/listening/{id}", response_model=schemas.BlindTest, responses=responses(404))
def test(parts: Parts, id: TestId) -> dict[str, Any]:
    """A blind test as a listener sees it."""
    return _told(id, _test(parts, id)["pairs"])


@router.get(
    "/listening/{id}/sounds/{code}",
    response_class=Response,
    responses={
        200: {
            "description": "The sound.",
            "content": {"audio/mpeg": {"schema": {"type": "string", "format": "binary"}}},
        },
        **responses(404),
    },
)
async def sound(
    parts: Parts,
    id: TestId,
    code: Annotated[str, Path(min_length=1, max_length=40, pattern=r"^[0-9a-f]+$")],
) -> Response:
    """How a take of the test sounds, all at the same loudness."""
    from segue.formats.midi import read_bytes

    key = _test(parts, id)["key"]
    if code not in key:
        raise RefusedError(404, f"there is no sound {code!r} in this listening.")
    found = take_of(parts, key[code]["take"])
    suffix, media = FILES["mp3"]
    score = read_bytes(found.midi, "take").score
    drawing = Drawing(score, suffix, "take", None, parts.sandbox.memory)
    return Response(await parts.sandbox.run(drawing), media_type=media)


@router.post("/listening/{id}/votes", status_code=204, responses=responses(400, 404))
def vote(parts: Parts, id: TestId, asked: schemas.Vote) -> Response:
    """Choose between the two of a pair; a later choice takes the place of an earlier one."""
    pairs = _test(parts, id)["pairs"]
    if asked.pair >= len(pairs):
        raise SegueError(f"pair {asked.pair} came; there are 0 to {len(pairs) - 1}.")
    parts.store.change_page(
        f"votes-{id}"[:40], VOTES, {f"{asked.listener}/{asked.pair}": asked.choice}
    )
    return Response(status_code=204)


@router.get("/listening/{id}/votes", response_model=schemas.VotesSoFar, responses=responses(404))
def votes(parts: Parts, id: TestId) -> dict[str, Any]:
    """What the listeners chose so far, by name."""
    found = _test(parts, id)
    chosen = parts.store.page(f"votes-{id}"[:40], VOTES) or {}
    said, listeners = [], set()
    for name, choice in chosen.items():
        listener, _, number = name.rpartition("/")
        listeners.add(listener)
        first, second = (found["key"][code]["name"] for code in found["pairs"][int(number)])
        winner = {"first": first, "second": second, "neither": None}[choice]
        said.append(Vote(first, second, winner))
    return {
        "id": id,
        "votes": len(said),
        "listeners": len(listeners),
        "duels": [
            {**asdict(d), "share": _finite(d.share), "interval": [_finite(v) for v in d.interval],
             "p": _finite(d.p)}
            for d in duels(said)
        ],
        "strengths": {
            name: {"chance": _finite(chance), "low": _finite(low), "high": _finite(high)}
            for name, (chance, low, high) in strengths(said).items()
        }
        if said
        else {},
    }  # fmt: skip


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
