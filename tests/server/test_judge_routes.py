"""Judging, training and listening over HTTP."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from music import chorale
from segue import bundles
from segue.formats.midi_write import to_bytes
from segue.generation.scoring import likelihood
from segue.server import child, training
from segue.server.wire import Music, of_score
from served import API, MODEL, PIECE, ended, made


def result(client: httpx.Client, way: str, **asked: Any) -> dict[str, Any]:
    answer = client.post(f"{API}/{way}", json=asked)
    assert answer.status_code == 202, answer.text
    job = ended(client, answer.json()["id"])
    assert job["status"] == "done", job["problem"]
    told: dict[str, Any] = job["result"]
    return told


def test_evaluate_says_what_the_bundle_says(client: httpx.Client, run_path: Path) -> None:
    told = result(client, "evaluate", model=MODEL, music=PIECE)
    alone = likelihood(bundles.load(run_path), Music.model_validate(PIECE).score())
    assert told["nats_a_note"] == pytest.approx(alone.a_note)
    assert len(told["nats"]) == told["rows"]


def test_measures_and_findings(client: httpx.Client) -> None:
    measures = {m["name"]: m for m in result(client, "measure", music=PIECE)["measures"]}
    assert measures["n_pitches_used"]["value"] == 10
    looped = {**PIECE, "notes": [
        {"track": 0, "onset": 480 * i, "duration": 480, "pitch": 60, "velocity": 80}
        for i in range(200)
    ]}  # fmt: skip
    found = result(client, "doctor", music=looped)["findings"]
    assert found
    assert {"symptom", "what", "bars"} <= set(found[0])


def test_a_copy_is_found(client: httpx.Client, chorales: Path) -> None:
    import segue

    copied = of_score(segue.read(sorted(chorales.iterdir())[0]))
    told = result(client, "memorisation", model=MODEL, music=copied)
    assert told["training_pieces"] > 0
    assert len(told["takes"]) == 1


def test_drift_is_left_to_the_command_line(
    client: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    called: list[list[str]] = []

    def pretend(arguments: list[str], go_on: object, log: object = None) -> dict[str, Any]:
        called.append(list(arguments))
        assert len(list(Path(arguments[2]).glob("*.mid"))) == 2
        return {"alarm": False}

    monkeypatch.setattr(child, "segue", pretend)
    assert result(client, "drift", model=MODEL, pieces=[PIECE, PIECE])["alarm"] is False
    assert called[0][0] == "drift"


def test_drift_of_what_was_never_learned(client: httpx.Client) -> None:
    low = [
        {"track": 0, "onset": 30 * i, "duration": 20, "pitch": 20 + i % 3, "velocity": 127}
        for i in range(400)
    ]
    told = result(client, "drift", model=MODEL, pieces=[{"notes": low}] * 6)
    assert told["alarm"]
    assert "pitch" in told["alarms"]
    assert (told["pieces"], told["source"]) == (6, "the pieces that were sent")
    pitch = told["measures"]["pitch"]
    assert pitch["alarm"]
    assert pitch["distance"] > pitch["limit"]


def test_drift_from_a_bundle_without_a_profile(
    small: Callable[..., httpx.Client], run_path: Path, tmp_path: Path
) -> None:
    import shutil

    bare = tmp_path / "bare"
    shutil.copytree(run_path / "bundle", bare)
    (bare / "profile.npz").unlink()
    client = small(bundles=(bare,))
    answer = client.post(f"{API}/drift", json={"model": "bare", "pieces": [PIECE]})
    job = ended(client, answer.json()["id"])
    assert job["status"] == "failed"
    assert job["problem"]["detail"].startswith("bare cannot tell drift: ")


def test_a_training_is_a_child_that_can_be_watched(
    small: Callable[..., httpx.Client], monkeypatch: pytest.MonkeyPatch, run_path: Path
) -> None:
    import shutil

    client = small()
    called: list[list[str]] = []

    def pretend(arguments: list[str], go_on: object, log: object = None) -> dict[str, Any]:
        called.append(list(arguments))
        out = Path(arguments[arguments.index("--out") + 1])
        assert len(list(Path(arguments[1]).iterdir())) == 3
        shutil.copytree(run_path, out)
        return {"step": 8}

    monkeypatch.setattr(child, "segue", pretend)
    files = [("files", (f"a folder/{i}.mid", to_bytes(chorale(i)))) for i in range(3)]
    asked = {"name": "mine", "max_steps": "8", "settings": ["train.lr=0.01"]}
    answer = client.post(f"{API}/trainings", files=files, data=asked)
    assert answer.status_code == 202, answer.text
    job = ended(client, answer.json()["id"])
    assert job["status"] == "done", job["problem"]
    assert called[0][-2:] == ["--set", "train.lr=0.01"]
    name = job["result"]["run"]
    run = client.get(f"{API}/runs/{name}").json()
    assert run["job"] == job["id"]
    assert run["has_bundle"]
    assert run["step"] == 8
    curves = client.get(f"{API}/runs/{name}/curves").json()["curves"]
    assert all(len(c["steps"]) == len(c["values"]) for c in curves.values())
    assert "train/nats" in curves or curves
    samples = client.get(f"{API}/runs/{name}/samples").json()["samples"]
    assert [s["step"] for s in samples] == [4, 8]
    for link in samples[-1]["files"].values():
        assert client.get(link).status_code == 200
    assert client.get(f"{API}/runs/{name}/samples/4/nothing.mid").status_code == 404
    assert client.get(f"{API}/runs/nothing").status_code == 404
    # What was trained here can be played here.
    assert name in [m["name"] for m in client.get(f"{API}/models").json()["models"]]


def test_a_training_goes_on_after_a_fall(tmp_path: Path) -> None:
    from segue.server import Settings

    settings = Settings(work=tmp_path)
    asked = {"recipe": "chorale-lstm", "run": "r", "upload": "r", "max_minutes": 2.0}
    run = tmp_path / "runs" / "r"
    assert training.arguments(settings, asked, run)[:2] == ["train", str(tmp_path / "uploads/r")]
    (run / "checkpoints").mkdir(parents=True)
    (run / "checkpoints" / "last.ckpt").touch()
    assert training.arguments(settings, asked, run) == [
        "train", "--resume", str(run), "--max-minutes", "2",
    ]  # fmt: skip


def test_a_training_without_its_recipe_is_refused(client: httpx.Client) -> None:
    files = [("files", ("a.mid", b"x"))]
    answer = client.post(f"{API}/trainings", files=files, data={"recipe": "no-such"})
    assert answer.status_code == 404
    answer = client.post(f"{API}/trainings", files=files, data={"settings": ["train.lrr=1"]})
    assert answer.status_code == 422


def test_a_child_tells_its_error_and_is_ended() -> None:
    from segue.errors import SegueError

    with pytest.raises(SegueError, match="does not exist"):
        child.segue(["inspect", "/no/such/file.mid"], lambda _: None)

    class EnoughError(Exception):
        pass

    def enough(_: int) -> None:
        raise EnoughError

    with pytest.raises(EnoughError):
        child.segue(["recipes", "list"], enough)


def test_a_blind_test_counts_votes_and_tells_no_name(client: httpx.Client) -> None:
    job = made(client, "generate", bars=1, takes=2, seed=1)
    one, other = (take["id"] for take in job["takes"])
    same = client.post(f"{API}/listening", json={"takes": {one: "A", other: "A"}})
    assert same.status_code == 422
    test = client.post(f"{API}/listening", json={"takes": {one: "A", other: "B"}, "seed": 1}).json()
    assert "A" not in str(test["pairs"])
    assert one not in str(test)
    pair = test["pairs"][0]
    for listener, choice in (("x", "second"), ("x", "first"), ("y", "first"), ("z", "neither")):
        vote = {"listener": listener, "pair": 0, "choice": choice}
        assert client.post(test["links"]["votes"], json=vote).status_code == 204
    sound = client.get(test["links"][pair["first"]])
    assert sound.status_code == 200
    assert sound.headers["content-type"] == "audio/mpeg"
    told = client.get(test["links"]["votes"]).json()
    assert (told["votes"], told["listeners"]) == (3, 3)
    assert told["duels"][0]["wins"] + told["duels"][0]["losses"] == 2
    assert told["duels"][0]["draws"] == 1
    assert client.get(f"{API}/listening/abc").status_code == 404


def test_music_that_a_person_sends_is_what_the_program_sees() -> None:
    assert of_score(Music.model_validate(PIECE).score()) == PIECE


def test_music_that_is_too_long_is_not_judged(small: Callable[..., httpx.Client]) -> None:
    client = small({"notes": len(PIECE["notes"]) - 1})
    asked: dict[str, Any] = {"measure": {"music": PIECE}, "drift": {"pieces": [PIECE]}}
    asked["drift"]["model"] = MODEL
    for way, body in asked.items():
        answer = client.post(f"{API}/{way}", json=body)
        assert answer.status_code == 413
        assert "send a part of it" in answer.json()["detail"]
