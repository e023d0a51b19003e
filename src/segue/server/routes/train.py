"""Trainings and runs: begin one on dropped music, watch its curves, hear its samples."""

from __future__ import annotations

import hashlib
import secrets
from typing import Annotated, Any

from fastapi import APIRouter, File, Form, Path, Response, UploadFile

from segue import recipes
from segue.errors import SegueError
from segue.server import schemas
from segue.server.guard import PREFIX
from segue.server.problems import RefusedError, responses
from segue.server.routes.parts import ACCEPTED, IdempotencyKey, Parts, submitted
from segue.server.training import SAMPLES, Runs, drop_upload, keep_upload

router = APIRouter(prefix=PREFIX, tags=["train"])

RunName = Annotated[str, Path(min_length=1, max_length=100, pattern=r"^[A-Za-z0-9._\-]+$")]


@router.post("/trainings", **ACCEPTED)
async def train(
    parts: Parts,
    response: Response,
    files: Annotated[list[UploadFile], File(description="The music to learn from.")],
    recipe: Annotated[str, Form(min_length=1, max_length=100)] = "chorale-lstm",
    name: Annotated[
        str | None, Form(max_length=60, pattern=r"^[A-Za-z0-9][A-Za-z0-9_\-]*$")
    ] = None,
    max_minutes: Annotated[float, Form(gt=0, le=10_080)] = 30.0,
    max_steps: Annotated[int | None, Form(ge=1, le=10_000_000)] = None,
    seed: Annotated[int | None, Form(ge=0, le=2**31 - 1)] = None,
    settings: Annotated[
        list[str], Form(max_length=64, description="As `--set`: train.lr=3e-4.")
    ] = [],  # noqa: B006 - FastAPI copies it
    idempotency_key: IdempotencyKey = None,
) -> schemas.Job:
    """Train a recipe on dropped files; the run is watched at `/runs/{name}`."""
    import asyncio

    if recipe not in recipes.names():
        raise RefusedError(404, f"there is no recipe {recipe!r}: GET {PREFIX}/recipes lists them.")
    await asyncio.to_thread(recipes.load, recipe, settings)
    run = f"{name or recipe}-{secrets.token_hex(3)}"
    given = [(each.filename or "", await each.read()) for each in files]
    if any(len(data) > parts.settings.limits.upload_bytes for _, data in given):
        raise RefusedError(413, "one of the files is larger than any piece of music needs to be.")
    asked = {
        "recipe": recipe, "files": len(given), "max_minutes": max_minutes, "max_steps": max_steps,
        "seed": seed, "settings": settings,
    }  # fmt: skip

    def begin() -> schemas.Job:
        # A request that is sent again is the same by its files, and not by the run's new name.
        sums = [[each, hashlib.sha256(data).hexdigest()] for each, data in given]
        same = {**asked, "name": name, "sums": sums}
        request = {**asked, "run": run, "upload": run}
        used = False
        try:
            keep_upload(parts.settings, run, given)
            job = submitted(parts, "train", request, idempotency_key, response, seed, same)
            kept = parts.store.job(job.id)
            used = kept is not None and kept.request["run"] == run
            return job
        finally:
            if not used:
                drop_upload(parts.settings, run)

    return await asyncio.to_thread(begin)


@router.get("/runs", response_model=schemas.Runs, responses=responses())
def list_runs(parts: Parts) -> dict[str, Any]:
    """The runs of this server, those that changed last first."""
    runs = Runs(parts.settings)
    told = [_with_job(parts, runs.summary(name, path)) for name, path in runs.all().items()]
    return {"runs": sorted(told, key=lambda run: -run["changed"])}


@router.get("/runs/{name}", response_model=schemas.RunSummary, responses=responses(404))
def run(parts: Parts, name: RunName) -> dict[str, Any]:
    """How far a run is."""
    runs = Runs(parts.settings)
    return _with_job(parts, runs.summary(name, runs.get(name)))


def _with_job(parts: Parts, summary: dict[str, Any]) -> dict[str, Any]:
    for job in parts.store.latest(100, kind="train"):
        if job.request.get("run") == summary["name"]:
            return {**summary, "job": job.id}
    return summary


@router.get("/runs/{name}/curves", response_model=schemas.Curves, responses=responses(404))
def curves(parts: Parts, name: RunName) -> dict[str, Any]:
    """What a run logged: losses, learning rate, speed, by step."""
    runs = Runs(parts.settings)
    return {"name": name, "curves": runs.curves(runs.get(name))}


@router.get("/runs/{name}/samples", response_model=schemas.Samples, responses=responses(404))
def samples(parts: Parts, name: RunName) -> dict[str, Any]:
    """What a run played, step by step."""
    runs = Runs(parts.settings)
    told = [
        {
            "step": step,
            "files": {file: f"{PREFIX}/runs/{name}/samples/{step}/{file}" for file in files},
        }
        for step, files in runs.samples(runs.get(name))
    ]
    return {"name": name, "samples": told}


@router.get(
    "/runs/{name}/samples/{step}/{file}",
    response_class=Response,
    responses={
        200: {
            "description": "The file.",
            "content": {
                media: {"schema": {"type": "string", "format": "binary"}}
                for media in SAMPLES.values()
            },
        },
        **responses(404),
    },
)
def sample(
    parts: Parts,
    name: RunName,
    step: Annotated[int, Path(ge=0, le=10**9)],
    file: Annotated[str, Path(min_length=1, max_length=120, pattern=r"^[A-Za-z0-9._\-]+$")],
) -> Response:
    """One file of a run's samples."""
    runs = Runs(parts.settings)
    run_path = runs.get(name)
    if (step, file) not in {(s, f) for s, files in runs.samples(run_path) for f in files}:
        raise RefusedError(404, f"the run {name} has no {file} at step {step}.")
    path = next(p for p in (run_path / "samples").glob("step-*") if _step(p.name) == step) / file
    return Response(path.read_bytes(), media_type=SAMPLES[path.suffix])


def _step(name: str) -> int:
    number = name.removeprefix("step-")
    return int(number) if number.isdigit() else -1


@router.post(
    "/runs/{name}/doctor",
    status_code=202,
    response_model=schemas.Job,
    responses=responses(404, 409, 503),
)
def doctor(
    parts: Parts, name: RunName, response: Response, idempotency_key: IdempotencyKey = None
) -> schemas.Job:
    """What is wrong with a run, why, and what to try: a job."""
    path = Runs(parts.settings).get(name)
    if not (path / "bundle").is_dir():
        raise SegueError(f"the run {name} has no bundle yet: wait until it is over.")
    request = {"run": name, "path": str(path)}
    return submitted(parts, "doctor-run", request, idempotency_key, response)
