"""The OpenAPI document says what the service does; schemathesis looks for where it does not.

Longer, against a running server (`segue serve RUN`):

    schemathesis --config-file tests/server/schemathesis.toml run \
        http://127.0.0.1:8765/api/v1/openapi.json --max-examples 100
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import httpx
from pydantic import TypeAdapter

from segue.server import schemas
from segue.server.examples import BODIES
from segue.server.making import WAYS
from segue.server.sandbox import FILES
from segue.server.wire import Music
from served import API, ended

CONFIG = Path(__file__).parent / "schemathesis.toml"


def test_every_way_has_a_route_and_an_example(client: httpx.Client) -> None:
    document = client.get(f"{API}/openapi.json").json()
    for way in (*WAYS, "evaluate", "measure", "doctor", "drift"):
        operation = document["paths"][f"{API}/{way}"]["post"]
        assert "202" in operation["responses"]
        assert "429" in operation["responses"]
    example = document["components"]["schemas"]["Music"]["examples"][0]
    assert len(TypeAdapter(Music).validate_python(example).score()) == 8
    job = document["components"]["schemas"]["Job"]["examples"][0]
    blank = dict.fromkeys(("started", "finished", "problem", "result"))
    assert schemas.Job.model_validate({**blank, **job}).status == "queued"


def test_every_example_works_as_it_is(client: httpx.Client) -> None:
    document = client.get(f"{API}/openapi.json").json()
    found = document["components"]["schemas"]
    sent = {}
    for path, operations in document["paths"].items():
        content = operations.get("post", {}).get("requestBody", {}).get("content", {})
        name = content.get("application/json", {}).get("schema", {}).get("$ref", "").split("/")[-1]
        if name and "{id}" not in path and name != "Listening":  # those are of takes that were made
            (body,) = found[name]["examples"]
            answer = client.post(path.replace("{format}", "mid"), json=body)
            sent[name] = answer.status_code
            if answer.status_code == 202 and name != "Drift":
                assert ended(client, answer.json()["id"])["status"] == "done", name
    assert set(sent) == set(BODIES) - {"Vote"}
    assert sent.pop("Vary") == 409, "the tiny bundle has no latent"
    assert set(sent.values()) <= {200, 202, 204}, sent


def test_every_problem_is_documented_in_one_shape(client: httpx.Client) -> None:
    document = client.get(f"{API}/openapi.json").json()
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            for status, answer in operation["responses"].items():
                if status.startswith(("4", "5")):
                    kinds = answer["content"]
                    assert list(kinds) == ["application/problem+json"], (method, path, status)


def test_the_documentation_is_a_page_without_scripts(client: httpx.Client) -> None:
    text = client.get("/docs").text
    assert "<script" not in text
    assert f"POST {API}/continue" in text


def test_files_have_a_media_type_each() -> None:
    assert len(FILES) == 11
    assert all(suffix.startswith(".") and "/" in media for suffix, media in FILES.values())


def test_schemathesis_finds_nothing(client: httpx.Client, tmp_path: Path) -> None:
    command = [
        sys.executable, "-m", "schemathesis.cli", "--config-file", str(CONFIG), "run",
        f"{client.base_url}{API}/openapi.json".replace("//api", "/api"),
        "--max-examples", "1", "--phases", "examples,fuzzing", "--seed", "1",
        "--generation-database", "none",
        "--exclude-path-regex", "trainings|drift|convert/|runs|listening",
    ]  # fmt: skip
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=200, cwd=tmp_path, check=False
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
