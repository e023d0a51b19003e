"""Takes of a bundle, many side by side, each kept as soon as it is there."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from typing import Any

from bench.evaluate_default.store import Store

from segue.bundles import Bundle
from segue.generation import continue_, generate
from segue.generation.batching import Ensembles, SharedBundle
from segue.generation.take import Take, receipt_of
from segue.score import Score, slice_ticks

TOGETHER = 32
"""Takes played side by side: more hardly cost less each, and their memory has to be somewhere."""
_TELL_SECONDS = 10

Say = Callable[[str], None]


@dataclass(frozen=True)
class Continued:
    """A take that goes on from a prompt, which ends at tick `begin`; `end` is where it was to."""

    score: Score
    begin: int
    end: int
    settings: dict[str, Any]

    @property
    def new(self) -> Score:
        """The new part."""
        return slice_ticks(self.score, self.begin, self.end)

    def last(self, bars: int) -> Score:
        """The last `bars` bars of what was asked for, from a bar line on.

        A prompt whose last note is short ends a little before one.
        """
        metre = self.score.metre_map
        start = int(metre.ticks(round(float(metre.bars(self.end))) - bars))
        return slice_ticks(self.score, max(self.begin, start), self.end)


@dataclass(frozen=True)
class Players:
    """A bundle and where its takes are kept. They do not depend on how many are played at once."""

    bundle: Bundle
    store: Store
    engine: str = "auto"
    say: Say = lambda _: None

    def from_nothing(self, seeds: Sequence[int], bars: int) -> list[Score]:
        """A take a seed."""
        shared = self._shared()

        def play(i: int) -> Take:
            return generate(shared, takes=1, bars=bars, seed=seeds[i], engine=self.engine)[0]

        asked = [{"way": "generate", "bars": bars, "seed": seed} for seed in seeds]
        return self._all(f"nothing-{bars}", asked, play)

    def continued(
        self, prompts: Sequence[Score], seeds: Sequence[int], bars: int, name: str
    ) -> list[Continued]:
        """A take a prompt and seed."""
        shared = self._shared()

        def play(i: int) -> Take:
            prompt, seed = prompts[i], seeds[i]
            return continue_(shared, prompt, bars=bars, seed=seed, engine=self.engine)[0]

        asked = [
            {"way": "continue", "bars": bars, "seed": seed, "prompt": prompt.content_hash()}
            for seed, prompt in zip(seeds, prompts, strict=True)
        ]
        return [_continued(score, bars) for score in self._all(f"{name}-{bars}", asked, play)]

    def _shared(self) -> SharedBundle:
        return SharedBundle(self.bundle.path, self.bundle.index, Ensembles(TOGETHER))

    def _all(
        self, name: str, asked: list[dict[str, Any]], play: Callable[[int], Take]
    ) -> list[Score]:
        """Every take, played unless it is kept; what is cut short has lost those under way."""
        found = [self.store.take(f"{name}/{each['seed']:03d}", each) for each in asked]
        due = [i for i, score in enumerate(found) if score is None]
        began = told = time.monotonic()

        def make(i: int) -> Score:
            return self.store.keep_take(f"{name}/{asked[i]['seed']:03d}", play(i).score)

        with ThreadPoolExecutor(TOGETHER) as threads:
            at_work = {threads.submit(make, i): i for i in due}
            for done, made in enumerate(as_completed(at_work), 1):
                found[at_work[made]] = made.result()
                now = time.monotonic()
                if now - told > _TELL_SECONDS or done == len(due):
                    told = now
                    self.say(f"{name}: {done} of {len(due)} takes, {now - began:.0f} s")
        if due:
            self.store.spend(name, time.monotonic() - began)
        return [score for score in found if score is not None]


def _continued(score: Score, bars: int) -> Continued:
    receipt = receipt_of(score)
    assert receipt is not None
    settings = receipt["settings"]
    begin = int(settings["prompt_end"])
    metre = score.metre_map
    end = int(metre.ticks(float(metre.bars(begin)) + bars))
    return Continued(score, begin, end, settings)
