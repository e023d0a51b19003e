"""`segue.load`: a bundle as Python programs and notebooks use it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segue import bundles, formats
from segue.bundles import Bundle
from segue.errors import SegueError, nearest
from segue.generation import fill, harmony, latent, looping, ways
from segue.generation.density import Density, density
from segue.generation.novel import novel as no_copies
from segue.generation.players import own_sampling
from segue.generation.sampling import Sampling
from segue.generation.scoring import Likelihood, likelihood
from segue.generation.streaming import Heard, stream
from segue.generation.take import Take
from segue.generation.wishes import Wishes
from segue.score import Score
from segue.score.instruments import program

Floats = NDArray[np.float32]
Music = Score | str | Path
"""A Score, or the path of a file that holds one."""

_SAMPLING = ("temperature", "top_k", "top_p", "min_p", "typical", "heats", "loop_beats")
_WISHES = (
    "key", "chords", "chord_bars", "lowest", "highest", "instruments", "tempo", "metre",
    "polyphony", "density", "ending", "style", "touch",
)  # fmt: skip


def load(bundle: str | Path | None = None) -> Playable:
    """The bundle at a path, in the run at that path, or by the name of one that comes with Segue.

    With nothing it is the default one, segue-piano. BundleError if there is none.
    """
    return Playable(bundles.load(bundle))


class Playable:
    """A bundle with every way to play it.

    Methods take, beside their own arguments, those of `Sampling` (temperature=0.9, top_p=0.95,
    heats={"pitch": 0.8}, ...) and of `Wishes` (key="D minor", chords="Am F C G", lowest="C3",
    instruments="violin, cello", metre="3/4", ...), `seed` and `engine`. An unknown one is a
    SegueError that names the nearest.
    """

    def __init__(self, bundle: Bundle) -> None:
        self.bundle = bundle

    def __repr__(self) -> str:
        return f"Playable({self.bundle.name!r}, {self.bundle.hash[:12]})"

    def generate(
        self,
        takes: int = 1,
        *,
        bars: float = 16,
        seconds: float | None = None,
        seed: int = 0,
        engine: str = "auto",
        start: str | None = None,
        latent: Floats | None = None,
        novel: bool = False,
        **how: Any,
    ) -> list[Take]:
        """New music of `bars` bars, or of `seconds`.

        `start` is "nothing" or "opening"; `latent` the numbers that a bundle with a latent makes
        its first segments from, a row each, as a take's receipt holds them under "latent". `novel`
        refuses copies of training music and draws others; fewer takes come if too many are.
        """
        asked = self._how(how)

        def draw(count: int, first: int) -> list[Take]:
            return ways.generate(
                self.bundle, takes=count, bars=bars, seconds=seconds, seed=first, engine=engine,
                start=start, latent=latent, **asked,
            )  # fmt: skip

        return no_copies(self.bundle, draw, takes, seed).takes if novel else draw(takes, seed)

    def continue_(
        self,
        prompt: Music,
        takes: int = 1,
        *,
        bars: float = 8,
        seconds: float | None = None,
        seed: int = 0,
        engine: str = "auto",
        **how: Any,
    ) -> list[Take]:
        """The prompt, note for note, and `bars` bars, or `seconds`, that go on from its end."""
        return ways.continue_(
            self.bundle, _score(prompt), takes=takes, bars=bars, seconds=seconds, seed=seed,
            engine=engine, **self._how(how),
        )  # fmt: skip

    def infill(
        self,
        music: Music,
        first_bar: float,
        last_bar: float,
        takes: int = 1,
        *,
        tracks: tuple[int, ...] = (),
        seed: int = 0,
        engine: str = "auto",
        **how: Any,
    ) -> list[Take]:
        """The music with bars `first_bar` up to `last_bar` (counted from 0) of `tracks` anew."""
        return fill.infill(
            self.bundle,
            _score(music),
            first_bar=first_bar,
            last_bar=last_bar,
            tracks=tracks,
            takes=takes,
            seed=seed,
            engine=engine,
            **self._how(how),
        )

    def accompany(
        self, music: Music, takes: int = 1, *, seed: int = 0, engine: str = "auto", **how: Any
    ) -> list[Take]:
        """The music, note for note, with the parts it has not."""
        return fill.accompany(
            self.bundle, _score(music), takes=takes, seed=seed, engine=engine, **self._how(how)
        )

    def loop(
        self, takes: int = 1, *, bars: int = 4, seed: int = 0, engine: str = "auto", **how: Any
    ) -> list[Take]:
        """Music of exactly `bars` bars whose end leads into its start."""
        return looping.loop(
            self.bundle, takes=takes, bars=bars, seed=seed, engine=engine, **self._how(how)
        )

    def vary(
        self, music: Music, takes: int = 1, *, amount: float = 0.3, seed: int = 0,
        engine: str = "auto",
    ) -> list[Take]:  # fmt: skip
        """Takes like `music`, for bundles with a latent."""
        return latent.vary(
            self.bundle, _score(music), amount=amount, takes=takes, seed=seed, engine=engine
        )

    def reconstruct(self, music: Music, *, seed: int = 0, engine: str = "auto") -> Take:
        """The music as the latent holds it."""
        return latent.reconstruct(self.bundle, _score(music), seed=seed, engine=engine)

    def interpolate(
        self, first: Music, second: Music, *, steps: int = 8, seed: int = 0, engine: str = "auto"
    ) -> Take:
        """Music that leads from the opening of one piece to that of another."""
        return latent.interpolate(
            self.bundle, _score(first), _score(second), steps=steps, seed=seed, engine=engine
        )

    def stream(
        self,
        *,
        bars: float = 16,
        seconds: float | None = None,
        seed: int = 0,
        engine: str = "auto",
        **how: Any,
    ) -> Iterator[Heard]:
        """The notes of one take while it is made."""
        return stream(
            self.bundle, bars=bars, seconds=seconds, seed=seed, engine=engine, **self._how(how)
        )

    def score(self, music: Music, *, engine: str = "auto") -> Likelihood:
        """How likely the bundle finds a piece, in nats a row and a note."""
        return likelihood(self.bundle, _score(music), engine=engine)

    def _how(self, asked: dict[str, Any]) -> dict[str, Any]:
        for name in asked:
            if name not in _SAMPLING and name not in _WISHES:
                known = nearest(name, (*_SAMPLING, *_WISHES))
                raise SegueError(f"there is no argument {name!r}; {known}.")
        told = {k: v for k, v in asked.items() if k in _WISHES}
        return {"sampling": self._sampling(asked), "wishes": wishes(**told)}

    def _sampling(self, asked: dict[str, Any]) -> Sampling:
        own = own_sampling(self.bundle)
        values = {name: asked.get(name, getattr(own, name)) for name in _SAMPLING}
        values["heats"] = tuple(dict(values["heats"]).items())
        return Sampling(**values)


def wishes(**asked: Any) -> Wishes:
    """`Wishes` from words: key="D minor", chords="Am F", lowest="C3", metre="3/4", ..."""
    read: dict[str, Callable[[str], Any]] = {
        "key": harmony.key,
        "chords": harmony.chart,
        "lowest": harmony.pitch,
        "highest": harmony.pitch,
        "instruments": lambda text: tuple(program(n) for n in text.split(",") if n.strip()),
        "metre": _metre,
        "density": density,
    }
    if isinstance(asked.get("density"), int | float):
        asked["density"] = Density(float(asked["density"]))
    values: dict[str, Any] = {
        k: read[k](v) if k in read and isinstance(v, str) else v for k, v in asked.items()
    }
    return Wishes(**values)


def _metre(text: str) -> tuple[int, int]:
    beats, _, unit = text.partition("/")
    try:
        return int(beats), int(unit)
    except ValueError:
        raise SegueError(f"the metre came as {text!r}; write it as 3/4 or 6/8.") from None


def _score(music: Music) -> Score:
    return music if isinstance(music, Score) else formats.read(music)
