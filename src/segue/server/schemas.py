"""What goes in and out over `/api/v1`, apart from music itself, which is in `wire`."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, FailFast, Field

from segue.server.problems import Problem
from segue.server.wire import Music, Wire, few

Name = Annotated[str, Field(min_length=1, max_length=200, examples=["chorale-lstm"])]
Seed = Annotated[int | None, Field(ge=0, le=2**53, examples=[1])]
Text = Annotated[str | None, Field(min_length=1, max_length=500)]
Status = Literal["queued", "running", "done", "failed", "cancelled"]


class Sampling(Wire):
    """How symbols are drawn; what is left out is as the bundle's recipe says."""

    temperature: Annotated[
        float | None, Field(ge=0, le=10, description="Over 1 is wilder, 0 the likeliest always.")
    ] = None
    top_k: Annotated[int | None, Field(ge=0, le=100_000)] = None
    top_p: Annotated[float | None, Field(gt=0, le=1)] = None
    min_p: Annotated[float | None, Field(ge=0, lt=1)] = None
    typical: Annotated[float | None, Field(gt=0, le=1)] = None
    heats: Annotated[
        dict[str, Annotated[float, Field(ge=0, le=10)]] | None, Field(max_length=64), few(64)
    ] = None
    loop_beats: Annotated[float | None, Field(ge=0, le=1024)] = None


class Asked(Wire):
    """What the new notes have to keep to; what is left out is free."""

    key: Annotated[Text, Field(examples=["D minor"])] = None
    chords: Annotated[Text, Field(examples=["Dm Gm A7 Dm"])] = None
    chord_bars: Annotated[float | None, Field(ge=1 / 16, le=64)] = None
    lowest: Annotated[Text, Field(examples=["C3"])] = None
    highest: Annotated[Text, Field(examples=["C6"])] = None
    instruments: Annotated[Text, Field(examples=["violin, cello"])] = None
    tempo: Annotated[float | None, Field(ge=4, le=1000, examples=[96])] = None
    metre: Annotated[Text, Field(examples=["3/4"])] = None
    polyphony: Annotated[int | None, Field(ge=0, le=128)] = None
    density: Annotated[
        Text, Field(examples=["2/beat"], description="Notes a beat, or a second: 6/second.")
    ] = None
    ending: Literal["stop", "cadence", "own"] | None = None
    style: Annotated[
        Text, Field(examples=["romantic"], description="Of models that were told of styles.")
    ] = None
    touch: Annotated[
        Text, Field(examples=["pedalled"], description="plain, shaped or pedalled; as style.")
    ] = None


class Making(Wire):
    """What every way of making music takes."""

    model: Name
    takes: Annotated[int, Field(ge=1, le=16)] = 1
    seed: Seed = None
    sampling: Sampling = Sampling()
    wishes: Asked = Asked()
    engine: Literal["auto", "onnx", "int8", "torch"] = "auto"


Bars = Annotated[int, Field(ge=1, le=256)]


class Generate(Making):
    """New music of so many bars."""

    bars: Bars = 8
    seconds: Annotated[
        float | None, Field(gt=0, le=600, description="How long it is, in place of bars.")
    ] = None
    start: Literal["nothing", "opening"] | None = None
    novel: Annotated[
        bool, Field(description="Refuse takes that copy training music, and draw others.")
    ] = False


class Continue(Making):
    """The music, note for note, and so many bars that go on from its end."""

    music: Music
    bars: Bars = 8
    seconds: Annotated[float | None, Field(gt=0, le=600)] = None
    prompt_bars: Annotated[
        float | None, Field(ge=0.25, le=4096, description="Use only the first bars of the music.")
    ] = None


class Infill(Making):
    """The music with bars `first_bar` up to `last_bar` of some tracks anew, the rest locked."""

    music: Music
    first_bar: Annotated[float, Field(ge=0, le=4096, description="Counted from 0.")]
    last_bar: Annotated[float, Field(gt=0, le=4096, description="The first that stays.")]
    tracks: Annotated[
        tuple[Annotated[int, Field(ge=0, le=1023)], ...],
        Field(max_length=1024, description="Counted from 0; none means all.", strict=False),
        few(1024),
    ] = ()


class Accompany(Making):
    """The music, note for note, with the parts it has not."""

    music: Music


class Vary(Wire):
    """Takes like the music, of bundles with a latent."""

    model: Name
    music: Music
    takes: Annotated[int, Field(ge=1, le=16)] = 1
    seed: Seed = None
    amount: Annotated[float, Field(ge=0, le=1)] = 0.3
    engine: Literal["auto", "onnx", "int8", "torch"] = "auto"


class Loop(Making):
    """Music of exactly so many bars whose end leads into its start."""

    bars: Annotated[int, Field(ge=1, le=64)] = 4


class Evaluate(Wire):
    """How likely a bundle finds a piece."""

    model: Name
    music: Music
    engine: Literal["auto", "onnx", "int8", "torch"] = "auto"


class Measure(Wire):
    """Everything that Segue measures of a piece."""

    music: Music


class Doctor(Wire):
    """What is plainly wrong with a piece."""

    music: Music


class Memorisation(Wire):
    """What a piece has of the music a bundle learned from."""

    model: Name
    music: Music
    begin: Annotated[
        int, Field(ge=0, le=1 << 30, description="The tick from which on it is judged.")
    ] = 0


class Drift(Wire):
    """Whether pieces are still like what a bundle was trained on."""

    model: Name
    pieces: Annotated[list[Music], Field(min_length=1, max_length=64), FailFast()]


class Render(Wire):
    """The sound of a span of music."""

    music: Music
    begin: Annotated[float, Field(ge=0, le=86_400, description="Seconds.")] = 0.0
    end: Annotated[
        float | None,
        Field(gt=0, le=86_400, description="Seconds; the end of the music if left out."),
    ] = None
    format: Literal["wav", "flac", "mp3", "ogg"] = "wav"
    sample_rate: Literal[22_050, 44_100, 48_000] = 44_100
    gain: Annotated[
        float | None,
        Field(
            ge=0,
            le=16,
            description="As the header Segue-Gain told of another span of the same music, so that "
            "all spans are equally loud; found anew if left out.",
        ),
    ] = None


class Convert(Wire):
    """Music to be turned into a file."""

    music: Music


class Converted(BaseModel):
    """What a file holds, and what had to be repaired in it."""

    name: str
    music: Music
    repairs: list[str]
    notes: int
    bars: float
    seconds: float


class Links(BaseModel):
    """Where a job is looked at."""

    self: str
    events: str


class TakeSummary(BaseModel):
    """A take without its music."""

    id: str
    job: str
    number: int
    seed: int
    created: float
    notes: int
    new_notes: int
    bars: float
    seconds: float
    prompt_end: Annotated[int | None, Field(description="The tick where its new part begins.")]
    checks: dict[str, Any]
    links: Annotated[dict[str, str], Field(description="The take in each format.")]


class Take(TakeSummary):
    """A take with its music and receipt."""

    music: Music
    locked: Annotated[
        list[int], Field(description="Numbers of those of its notes that were given, not made.")
    ]
    receipt: dict[str, Any]


class Job(BaseModel):
    """Where a job is."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": "0b8d4f5e6a7c4d1f9e2a",
                    "kind": "generate",
                    "status": "queued",
                    "attempt": 0,
                    "ahead": 2,
                    "created": 1795228800.0,
                    "started": None,
                    "finished": None,
                    "seed": 1,
                    "takes": [],
                    "problem": None,
                    "result": None,
                    "links": {
                        "self": "/api/v1/jobs/0b8d4f5e6a7c4d1f9e2a",
                        "events": "/api/v1/jobs/0b8d4f5e6a7c4d1f9e2a/events",
                    },
                }
            ]
        }
    )

    id: str
    kind: str
    status: Status
    attempt: Annotated[int, Field(description="How often it was begun; more than 1 after a fall.")]
    ahead: Annotated[int, Field(description="How many jobs wait before it.")]
    created: float
    started: float | None
    finished: float | None
    seed: int | None
    takes: list[TakeSummary]
    problem: Problem | None
    result: dict[str, Any] | None
    links: Links


class Jobs(BaseModel):
    """The latest jobs, the newest first."""

    jobs: list[Job]


class Model(BaseModel):
    """A bundle that can be played."""

    name: str
    hash: str
    recipe: str
    summary: str
    encoding: str
    plays: Literal["rows", "segments"]
    ways: Annotated[list[str], Field(description="How it can be played.")]
    columns: Annotated[list[str], Field(description="What its rows hold, for `heats`.")]
    tracks: Annotated[list[dict[str, Any]], Field(description="The parts that it was trained on.")]
    sampling: Annotated[dict[str, Any], Field(description="How its recipe samples.")]
    default: Annotated[bool, Field(description="Whether to play it where nothing else is asked.")]
    loses: Annotated[list[str], Field(description="What its encoding cannot hold.")]
    told: Annotated[bool, Field(description="Whether it knows words of style and touch.")] = False
    licence: Annotated[str | None, Field(description="Of the music it learned from.")] = None


class Models(BaseModel):
    """The bundles that can be played."""

    models: list[Model]


class ModelCard(Model):
    """A bundle with its card, in Markdown."""

    card: str
    facts: dict[str, Any]


class Recipe(BaseModel):
    """A recipe that can be trained."""

    name: str
    summary: str
    encoding: str
    toml: str | None = None


class Recipes(BaseModel):
    """The recipes that can be trained."""

    recipes: list[Recipe]


class Health(BaseModel):
    """Whether the service works, and how busy it is."""

    status: Literal["ok", "stopping"]
    version: str
    models: int
    waiting: int
    running: int
    limits: dict[str, int | float]


class RunSummary(BaseModel):
    """A run: a training that is under way or over."""

    name: str
    recipe: str | None
    step: Annotated[int | None, Field(description="The last step that was logged.")]
    max_steps: int | None
    has_bundle: bool
    changed: float
    job: Annotated[str | None, Field(description="The training job that this server has of it.")]


class Runs(BaseModel):
    """The runs of this server, those that changed last first."""

    runs: list[RunSummary]


class Curves(BaseModel):
    """What a training logged, by name: steps and values."""

    name: str
    curves: dict[str, dict[str, list[float | None]]]


class Sample(BaseModel):
    """What a run played when it was validated."""

    step: int
    files: dict[str, str]


class Samples(BaseModel):
    """A run's samples by step."""

    name: str
    samples: list[Sample]


class Listening(Wire):
    """A blind test: which takes are heard against each other, each under whose name."""

    takes: Annotated[
        dict[
            Annotated[str, Field(max_length=48, pattern=r"^[0-9a-f]+-[0-9]+$")],
            Annotated[str, Field(min_length=1, max_length=80)],
        ],
        Field(min_length=2, max_length=64, examples=[{"0b8d-0": "model A", "77aa-0": "model B"}]),
        few(64),
    ]
    seed: Seed = None


class Pair(BaseModel):
    """Two takes to be heard, by code: nobody's name."""

    number: int
    first: str
    second: str


class BlindTest(BaseModel):
    """A blind test as a listener sees it."""

    id: str
    pairs: list[Pair]
    links: dict[str, str]


class Vote(Wire):
    """Which of a pair is better music."""

    listener: Annotated[str, Field(min_length=1, max_length=64)]
    pair: Annotated[int, Field(ge=0, le=4096)]
    choice: Literal["first", "second", "neither"]


class VotesSoFar(BaseModel):
    """What the listeners chose."""

    id: str
    votes: int
    listeners: int
    duels: list[dict[str, Any]]
    strengths: dict[str, dict[str, float | None]]
