"""The schema of a recipe: every key, its type and its default; unknown keys are refused."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from segue.errors import RecipeError, nearest


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Named(BaseModel):
    """A table whose `name` picks a class; the other keys are that class's arguments."""

    model_config = ConfigDict(extra="allow", frozen=True)

    name: str

    @property
    def options(self) -> dict[str, Any]:
        """Every key but the name."""
        return dict(self.model_extra or {})


class EncodingTable(_Named):
    """`[encoding]`: the encoding's name and its options."""


class ModelTable(_Named):
    """`[model]`: the model's name and its sizes."""


class FilterTable(_Table):
    """`[data.filter]`: which pieces of a folder are learned from; see `segue.data.Filters`."""

    piano_only: bool = Field(False, description="refuse pieces that are not for piano alone")
    drums: bool = Field(True, description="false leaves the drums out")
    min_notes: int = Field(0, ge=0)
    max_notes: int = Field(0, ge=0, description="0: no limit")
    min_seconds: float = Field(0.0, ge=0)
    max_seconds: float = Field(0.0, ge=0, description="0: no limit")
    min_polyphony: int = Field(0, ge=0, description="notes that sound at once, at 19 of 20 onsets")
    max_polyphony: int = Field(0, ge=0, description="0: no limit")
    mode: Literal["", "major", "minor"] = Field("", description="of the key that fits best")
    metres: tuple[str, ...] = Field((), description='such as ["3/4"]; none: any')


class DataTable(_Table):
    """`[data]`: which music is learned from, and how pieces are cut into windows."""

    window: int = Field(128, ge=2, description="rows in a training window")
    objective: Literal["every", "last", "segment"] = Field(
        "every",
        description="loss at every row of the window, only at the one after it, or, for models "
        "that make whole windows, with the window itself as target",
    )
    align: int = Field(
        1, ge=1, description="windows start at multiples of so many rows, such as those of a bar"
    )
    pack: bool = Field(
        False, description="short pieces share a window, in which the model keeps them apart"
    )
    transpose: tuple[int, int] = Field(
        (0, 0),
        description="training windows are moved by a random number of semitones in this range",
    )
    stretch: tuple[float, float] = Field(
        (1.0, 1.0), description="their time is multiplied by a random factor in this range"
    )
    stretch_factors: int = Field(
        0, ge=0, description="of that range only so many evenly spaced factors; 0: any"
    )
    velocity: tuple[int, int] = Field(
        (0, 0), description="a random number in this range is added to their velocities"
    )
    drop_voices: float = Field(
        0.0, ge=0, le=1, description="how often one to three of the four NES voices are left out"
    )
    swap_pulses: float = Field(
        0.0, ge=0, le=1, description="how often the two NES pulses change places"
    )
    one_track: float = Field(
        0.0, ge=0, le=1, description="how often all their pitched tracks become one"
    )
    forget: float = Field(
        0.0, ge=0, le=1, description="how often each thing said of the piece is left out of them"
    )
    tell_ahead: float = Field(
        0.0, ge=0, le=1, description="how often some of their notes are told ahead"
    )
    near_duplicates: Literal["group", "remove", "ignore"] = Field(
        "group", description="pieces alike: in one split, but one of them kept, or not looked for"
    )
    filter: FilterTable = FilterTable()


class TrainTable(_Table):
    """`[train]`: optimiser, schedule and when to stop."""

    optimiser: Literal["adamw", "adam", "adadelta", "muon", "rmsprop", "sgd"] = "adamw"
    lr: float = Field(1e-3, gt=0)
    weight_decay: float = Field(0.0, ge=0)
    precision: Literal["auto", "fp32", "bf16"] = Field(
        "auto", description="auto: bf16 matrix products where the processor has them, else fp32"
    )
    batch: int = Field(32, ge=1, description="windows a step")
    accumulate: int = Field(
        1, ge=1, description="parts a step is computed in: the same step in less memory"
    )
    ema: float = Field(
        0.0, ge=0, lt=1, description="decay of averaged weights, which are the ones kept; 0: none"
    )
    clip: float = Field(1.0, ge=0, description="largest gradient norm; 0 leaves gradients alone")
    warmup: int = Field(0, ge=0, description="steps over which the learning rate rises")
    schedule: Literal["constant", "linear", "cosine"] = "constant"
    max_steps: int = Field(1000, ge=1)
    validate_every: int = Field(200, ge=1, description="steps between two looks at held-out data")
    patience: int = Field(
        10, ge=0, description="validations without a better loss before stopping; 0 never stops"
    )
    held_out_limit: int | None = Field(
        None, ge=1, description="most windows a validation scores; all without it"
    )
    sample_rows: int = Field(128, ge=0, description="rows of the take written at each validation")


class GenerateTable(_Table):
    """`[generate]`: how the recipe's takes are sampled unless told otherwise."""

    temperature: float = Field(1.0, ge=0, description="0 takes the most likely symbol (argmax)")
    top_k: int = Field(0, ge=0)
    top_p: float = Field(1.0, gt=0, le=1)
    min_p: float = Field(0.0, ge=0, lt=1)
    typical: float = Field(1.0, gt=0, le=1)
    heats: dict[str, float] = Field(
        default_factory=dict,
        description="temperatures of single columns by name, in place of the common one",
    )
    loop_beats: float = Field(
        0.0, ge=0, description="damp exact loops that have gone on for so many beats; 0: do not"
    )
    longest_rest: float = Field(
        0.0, ge=0, description="most beats without a new note in what is generated; 0: any"
    )
    start: Literal["nothing", "opening"] = Field(
        "nothing", description="what a new take starts from: nothing, or a random training opening"
    )
    say: dict[str, str] = Field(
        default_factory=dict,
        description="what new music is said to be like, of models that are told: touch, style",
    )
    walk: float = Field(
        0.0,
        ge=0,
        lt=1,
        description="how much of a segment's latent the next one keeps, of models of segments",
    )


class ReferenceTable(_Table):
    """`[reference]`: the vocabulary the source states its parameter count at, and that count.

    Without sizes they are those of the encoding.
    """

    sizes: tuple[int, ...] = ()
    parameters: int


class Recipe(_Table):
    """A named way to make music: encoding + model + training + generation defaults."""

    name: str
    summary: str
    system: str = Field("", description="the paper or system that this implements")
    family: str = "recurrent"
    notes: str = Field("", description="what was repaired or left as it was, with the reason")
    encoding: EncodingTable
    model: ModelTable
    data: DataTable = DataTable()
    train: TrainTable = TrainTable()
    generate: GenerateTable = GenerateTable()
    reference: ReferenceTable | None = None
    sizes: dict[str, tuple[str, ...]] = Field(
        default_factory=dict,
        description="named sizes, smallest first: the overrides each one stands for",
    )


def parse(values: dict[str, Any], source: str) -> Recipe:
    """A checked Recipe; RecipeError names the first wrong key, what came and what is allowed."""
    try:
        return Recipe.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        if first["type"] == "extra_forbidden":
            known = _keys_at(first["loc"][:-1])
            raise RecipeError(
                f"{source}: unknown key {where!r}; {nearest(str(first['loc'][-1]), known)}."
            ) from None
        if first["type"] == "missing":
            raise RecipeError(f"{source}: the key {where!r} is missing; add it.") from None
        raise RecipeError(
            f"{source}: {where} came as {first['input']!r}: {first['msg']}."
        ) from None


def _keys_at(path: tuple[int | str, ...]) -> list[str]:
    table: Any = Recipe
    for part in path:
        table = table.model_fields[str(part)].annotation
    return list(table.model_fields)
