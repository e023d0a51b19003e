"""Sound from a SoundFont."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from segue.formats.loudness import Sound
from segue.formats.soundfont import checked_soundfont
from segue.score import Score, sustain

BLOCK_SECONDS = 10.0


def render(score: Score, sample_rate: int, soundfont: str | Path | None) -> Iterator[Sound]:
    """The Score's sound in blocks of shape (frames, 2)."""
    from symusic import Note, Synthesizer, Track
    from symusic import Score as Parsed

    player = Synthesizer(str(checked_soundfont(soundfont)), sample_rate)
    score = sustain(score)
    onset, length = score.onset_seconds(), score.duration_seconds()
    block = np.floor(onset / BLOCK_SECONDS).astype(np.int64)
    size = round(BLOCK_SECONDS * sample_rate)
    over = np.zeros((0, 2), np.float32)
    for b in range(int(block.max()) + 1):
        parsed = Parsed(480, ttype="second")
        for i, t in enumerate(score.tracks):
            mine = (block == b) & (score.notes["track"] == i) & (length > 0)
            if not mine.any():
                continue
            track = Track(t.name, 0 if t.is_drum else t.program, t.is_drum, ttype="second")
            track.notes = Note.from_numpy(
                (onset[mine] - b * BLOCK_SECONDS).astype(np.float32),
                length[mine].astype(np.float32),
                score.notes["pitch"][mine].astype(np.int8),
                score.notes["velocity"][mine].astype(np.int8),
                ttype="second",
            )
            parsed.tracks.append(track)
        sound = player.render(parsed, True).T if len(parsed.tracks) else over[:0]
        total = np.zeros((max(size, len(sound), len(over)), 2), np.float32)
        total[: len(sound)] = sound
        total[: len(over)] += over
        yield total[:size]
        over = total[size:]
    yield over
