"""The velocity LSTM learns a track by heart, which the system it repairs could not."""

import numpy as np
import torch

from segue.evaluation.frames import onsets_found
from segue.models.velocity_lstm import VelocityLSTM

BINS, C = 4, 12


def track(frames: int = 96) -> np.ndarray:
    """Chords and a tune over them, of notes that last one frame to eight, at velocities 1 to 4."""
    rng = np.random.default_rng(3)
    rows = np.zeros((frames, C), np.int64)
    for low, high, longest in ((0, 6, 8), (6, C, 3)):
        at = 0
        while at < frames:
            length = int(rng.integers(1, longest + 1))
            for pitch in rng.choice(np.arange(low, high), 2 if low == 0 else 1, replace=False):
                rows[at : at + length, pitch] = BINS + 1
                rows[at, pitch] = rng.integers(1, BINS + 1)
            at += length
    return rows


def test_one_track_is_learned_by_heart() -> None:
    rows = track()
    torch.manual_seed(0)
    model = VelocityLSTM((BINS + 2,) * C, window=len(rows), hidden=48, units=8, dropout=0.0)
    before, after = torch.from_numpy(rows[None, :-1]), torch.from_numpy(rows[None, 1:])
    optimiser = torch.optim.Adam(model.parameters(), lr=0.01)
    for _ in range(150):
        optimiser.zero_grad()
        loss = model.objective(before, after, torch.ones(after.shape[:2], dtype=torch.bool))
        loss.backward()
        optimiser.step()
    model.eval()
    with torch.no_grad():
        likeliest = model.frame(model.features(before), after)[0].argmax(-1).numpy()
    struck = [(r > 0) & (r <= BINS) for r in (likeliest, rows[1:])]
    assert struck[1].sum() > 50
    assert onsets_found(*struck).f1 >= 0.98
    assert (likeliest == rows[1:]).mean() > 0.98
