"""The blind listening page, and the page of what listeners preferred."""

from __future__ import annotations

import json
from collections.abc import Sequence
from html import escape
from pathlib import Path

from segue.files import write_text
from segue.judging.compare_samples import Listening, Sample
from segue.judging.listening import Result
from segue.judging.page import (
    Scale,
    between,
    colour,
    dot,
    embedded,
    line,
    page,
    plain,
    short,
    table,
)

VOTES = "votes.html"


def write_votes(folder: Path, result: Result) -> None:
    """Write what listeners said into `folder`."""
    write_text(folder / "votes.json", json.dumps(plain(result.as_dict()), indent=1) + "\n")
    write_text(folder / VOTES, _votes(result))


def listen(samples: Sequence[Sample], listening: Listening) -> str:
    """The blind page: it knows codes and sounds, and nobody's name."""
    wanted = {code for pair in listening.pairs for code in (pair.first, pair.second)}
    sounds = {s.code: embedded(s.sound, "audio/mpeg") for s in samples if s.code in wanted}
    told = listening.as_dict()
    data = {"listening": told["listening"], "pairs": told["pairs"], "sounds": sounds}
    body = f"""
<h1>Which is better music?</h1>
<p class="lead">Two pieces at a time, in an order drawn by chance. Who made them is not in this
page. Choices are kept in this browser until you save them to a file.</p>
<progress id="done" max="{len(listening.pairs)}" value="0"></progress>
<p id="count" class="soft" aria-live="polite"></p>
<section id="pair">
  <div class="two">
    <button class="play" id="play-first">Play A <kbd>a</kbd></button>
    <button class="play" id="play-second">Play B <kbd>b</kbd></button>
  </div>
  <audio id="audio-first" controls preload="auto" aria-label="A"></audio>
  <audio id="audio-second" controls preload="auto" aria-label="B"></audio>
  <div class="row">
    <button data-choice="first">A is better <kbd>1</kbd></button>
    <button data-choice="second">B is better <kbd>2</kbd></button>
    <button data-choice="neither">Neither <kbd>0</kbd></button>
  </div>
</section>
<section id="end" hidden>
  <h2>Thank you</h2>
  <p>Save your choices and send the file to whoever asked you to listen.</p>
  <div class="row"><button id="again">From the start again</button></div>
</section>
<div class="row">
  <button id="back">Back <kbd>Backspace</kbd></button>
  <button class="save">Save choices</button>
</div>"""
    return page("Which is better music?", body, data=data, script="listen.js")


def _votes(result: Result) -> str:
    scale = Scale([0.0, 1.0])
    names = sorted(result.strengths, key=lambda name: -result.strengths[name][0])
    lines = "".join(
        line(
            f"{dot(i)}{escape(name)}",
            scale.bar(low, high, colour(i)) + scale.dot(chance, colour(i)),
            f"{chance:.2f}{between(low, high)}",
        )
        for i, name in enumerate(names)
        for chance, low, high in (result.strengths[name],)
    )
    rows = [
        [
            f"{escape(duel.one)} against {escape(duel.other)}",
            str(duel.wins),
            str(duel.losses),
            str(duel.draws),
            f"{short(duel.share, 2)}{between(*duel.interval)}",
            short(duel.p, 2),
        ]
        for duel in result.duels
    ]
    head = ["", "won", "lost", "neither", "share won", "sign test p"]
    body = (
        "<h1>What listeners preferred</h1>"
        f"<p class='lead'>Choices: {result.votes}. Listeners: {result.listeners}.</p>"
        "<p>The chance of each to be preferred to one of the others (Bradley and Terry).</p>"
        f"<div class='plot'>{lines}</div><h2>One against the other</h2>{table(head, rows)}"
        "<footer>Shares leave out those who preferred neither; intervals are Wilson's of 95 %."
        "</footer>"
    )
    return page("What listeners preferred", body)
