"""What a trained row is worth: held-out nats a note, and how fast it plays.

`python -m bench.bakeoff.judge RUN CORPUS` judges on the test split and leaves judged.json.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from segue import bundles
from segue.bundles import Bundle
from segue.data import Corpus
from segue.evaluation.bootstrap import interval
from segue.files import write_json
from segue.generation.guides import Steps
from segue.generation.onnx_engine import OnnxEngine, session
from segue.generation.player import Player
from segue.generation.sampling import Sampling
from segue.generation.torch_engine import trained_model
from segue.judging.charging import charged
from segue.judging.material import material
from segue.models.base import SequenceModel

PLAYED_ROWS = 600
"""Of a take from nothing, which is long enough for windows to be full of events."""
TAKES = 3


def playing(bundle: Bundle) -> dict[str, float]:
    """Rows and notes a processor second in ONNX Runtime, one take at a time, one thread.

    The median of takes; opening the graphs is not counted.
    """
    engine = OnnxEngine(bundle, opened=lambda path: session(path, 1))
    sampling = Sampling(1.0, top_p=0.98)
    rows_a_second, notes_a_row = [], []
    for seed in range(TAKES + 1):
        player = Player(engine, sampling, bundle.encoding)
        first = bundle.encoding.opening().astype(np.int64)
        guide = Steps(bundle.encoding, 1, first, most_rows=PLAYED_ROWS)
        state = player.read(first)
        began = time.process_time()
        played = player.play(state, guide, [seed])[0]
        spent = time.process_time() - began
        rows = np.concatenate([first, played]).astype(np.uint16)
        score = bundle.encoding.decode(rows, bundle.index["header"])
        if len(played) and seed:  # the first warms up
            rows_a_second.append(len(played) / spent)
            notes_a_row.append(len(score) / len(played))
    rows = float(np.median(rows_a_second))
    return {"rows_a_second": rows, "notes_a_second": rows * float(np.mean(notes_a_row))}


@torch.no_grad()
def piece_nats(model: SequenceModel, rows: NDArray[np.int64]) -> NDArray[np.float64]:
    """Nats of each column, shape (C,), of a piece's rows, (T, C), but the first, which is given.

    Models with a state read the piece whole. Those that attend over a window read windows of that
    many rows that begin every half of one, and each row is scored where it has most before it: at
    least half a window, as soon as there is so much.
    """
    inputs, targets = torch.from_numpy(rows[:-1]), torch.from_numpy(rows[1:])
    length = len(inputs) if model.endless else model.window
    half = len(inputs) if model.endless else model.window // 2
    sums = torch.zeros(rows.shape[1], dtype=torch.float64)
    for start in range(0, max(len(inputs) - length, 0) + half, half):
        part = slice(start, start + length)
        mask = torch.ones(len(inputs[part]), dtype=torch.bool)
        mask[: length - half if start else 0] = False
        if mask.any():
            sums += model.scores(inputs[None, part], targets[None, part], mask[None]).double()
    return sums.numpy()


def judged(run: Path, corpus: Path) -> dict[str, Any]:
    """Everything of a run that is told beside its training."""
    bundle = bundles.load(run)
    model = trained_model(bundle).eval()
    given = material(bundle, Corpus.open(corpus), split="test").pieces
    nats = np.array([piece_nats(model, piece.rows) for piece in given])
    notes = np.array([piece.notes for piece in given])
    lost = np.array([charged(bundle.encoding, piece) for piece in given], float) * notes
    columns = [column.name for column in bundle.encoding.layout.columns]
    by_column = (nats.sum(axis=0) / notes.sum()).tolist()
    return {
        "pieces": len(given),
        "notes": int(notes.sum()),
        "rows": int(sum(len(piece.rows) - 1 for piece in given)),
        "nats_a_note": _ratio(nats.sum(axis=1), notes),
        "with_loss_a_note": _ratio(nats.sum(axis=1) + lost, notes),
        "nats_a_note_by_column": dict(zip(columns, by_column, strict=True)),
        "keeps": list(bundle.encoding.keeps),
        "loses": list(bundle.encoding.loses),
        "weights_mb": weights_mb(bundle),
        "playing": playing(bundle),
    }


def _ratio(nats: NDArray[np.float64], notes: NDArray[np.int64]) -> dict[str, float]:
    """All nats over all notes, and its interval over pieces."""
    sums = np.stack([nats, notes], axis=1)
    low, high = interval(sums, lambda drawn: drawn[:, 0].sum() / drawn[:, 1].sum())
    return {"nats": float(nats.sum() / notes.sum()), "low": low, "high": high}


def weights_mb(bundle: Bundle) -> float:
    """Millions of bytes of the bundle's float32 weights."""
    return sum(path.stat().st_size for path in bundle.path.glob("*.safetensors")) / 1e6


def main(words: list[str]) -> None:
    """RUN CORPUS, as the bake-off gives them."""
    torch.set_num_threads(1)
    run, corpus = map(Path, words)
    write_json(run / "judged.json", judged(run, corpus))


if __name__ == "__main__":
    main(sys.argv[1:])
