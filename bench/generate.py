"""How fast playing is: steps a second beside eager torch, the bound, masks, and the first note.

    python bench/generate.py [--bundle RUN] [--threads 1] [--write bench/results/generate.json]

One run, medians. A step of the 3 x 512 LSTM of performance-rnn in ONNX Runtime (fp32 and int8)
beside the same net as an eager `nn.LSTM` called step by step and as a loop of `nn.LSTMCell`, one
take and 64 at a time; the share of the bound (bytes of weights a step over the bandwidth measured
by copying them); what sampling and masks cost beside a step. With a bundle: the time from starting
the process to the first note, and music seconds made a second.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import Any

os.environ.setdefault("GOMP_SPINCOUNT", "10000")

import numpy as np
import torch
from torch import Tensor, nn

from segue import recipes
from segue.files import write_json
from segue.generation.int8 import quantised
from segue.generation.onnx_engine import session
from segue.generation.sampling import Sampling, draw, probabilities
from segue.training.export import export

VOCABULARY, HIDDEN, LAYERS = 390, 512, 3


class Eager(nn.Module):
    """The net as most code has it: one `nn.LSTM` called with one row at a time."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(VOCABULARY, HIDDEN, LAYERS, batch_first=True)
        self.out = nn.Linear(HIDDEN, VOCABULARY)

    def forward(self, row: Tensor, state: Any) -> tuple[Tensor, Any]:
        hot = nn.functional.one_hot(row, VOCABULARY).float()
        features, state = self.lstm(hot, state)
        return self.out(features), state


class Cells(nn.Module):
    """The net as a loop of `nn.LSTMCell`."""

    def __init__(self) -> None:
        super().__init__()
        sizes = [VOCABULARY] + [HIDDEN] * (LAYERS - 1)
        self.cells = nn.ModuleList(nn.LSTMCell(size, HIDDEN) for size in sizes)
        self.out = nn.Linear(HIDDEN, VOCABULARY)

    def forward(self, row: Tensor, state: list[Any]) -> tuple[Tensor, list[Any]]:
        x = nn.functional.one_hot(row[:, 0], VOCABULARY).float()
        new = []
        for cell, each in zip(self.cells, state, strict=True):
            h, c = cell(x, each)
            new.append((h, c))
            x = h
        return self.out(x), new


def rate(step: Callable[[], Any], seconds: float = 2.0) -> float:
    """Calls a second, the median of five spells."""
    step()
    spells = []
    for _ in range(5):
        count, began = 0, time.perf_counter()
        while time.perf_counter() - began < seconds / 5:
            step()
            count += 1
        spells.append(count / (time.perf_counter() - began))
    return statistics.median(spells)


def graphs() -> tuple[Path, Path]:
    """The step of the LSTM as an fp32 and an int8 graph."""
    recipe = recipes.load("performance-rnn")
    exported = export(recipes.build_model(recipe, (VOCABULARY,), seed=0))
    folder = Path(tempfile.mkdtemp())
    (folder / "fp32.onnx").write_bytes(exported.onnx["model.onnx"])
    (folder / "int8.onnx").write_bytes(quantised(folder / "fp32.onnx"))
    return folder / "fp32.onnx", folder / "int8.onnx"


def onnx_step(graph: Path, batch: int, threads: int) -> Callable[[], Any]:
    """One step of a graph, its state carried on."""
    runner = session(graph, threads)
    feed = {
        each.name: np.zeros((batch, *each.shape[1:]), np.float32)
        for each in runner.get_inputs()
        if each.name != "row"
    }
    feed["row"] = np.ones((batch, 1), np.int64)
    names = [name for name in feed if name != "row"]

    def step() -> None:
        _, *state = runner.run(None, feed)
        feed.update(zip(names, state, strict=True))

    return step


def bandwidth(size: int) -> float:
    """Bytes a second read by summing an array of that many bytes, again and again."""
    array = np.ones(size // 4, np.float32)
    return rate(array.sum, 1.0) * array.nbytes


def steps(threads: int) -> list[dict[str, Any]]:
    """The LSTM's rows."""
    rows: list[dict[str, Any]] = []
    fp32, int8 = graphs()
    eager, cells = Eager().eval(), Cells().eval()
    for batch in (1, 64):
        row = torch.ones(batch, 1, dtype=torch.long)
        zeros = [(torch.zeros(batch, HIDDEN), torch.zeros(batch, HIDDEN)) for _ in range(LAYERS)]
        state = (torch.zeros(LAYERS, batch, HIDDEN), torch.zeros(LAYERS, batch, HIDDEN))
        with torch.no_grad():
            by_eager = rate(lambda row=row, state=state: eager(row, state)) * batch
            by_cells = rate(lambda row=row, zeros=zeros: cells(row, zeros)) * batch
        for name, graph in (("fp32", fp32), ("int8", int8)):
            own = rate(onnx_step(graph, batch, threads)) * batch
            found = {"what": f"3 x 512 LSTM, {name}, batch {batch}", "rate": own}
            found["ratio"] = f"{own / by_eager:.1f} x nn.LSTM, {own / by_cells:.1f} x LSTMCell"
            if batch == 1:
                bound = bandwidth(graph.stat().st_size) / graph.stat().st_size
                found["ratio"] += f", {100 * own / bound:.0f} % of the bound of reading its weights"
            rows.append(found)
        rows.append({"what": f"eager nn.LSTM, batch {batch}", "rate": by_eager})
        rows.append({"what": f"loop of nn.LSTMCell, batch {batch}", "rate": by_cells})
    rows += sampling(fp32, threads)
    return rows


def sampling(graph: Path, threads: int) -> list[dict[str, Any]]:
    """What choosing a symbol costs beside a step."""
    rows = []
    for batch in (1, 64):
        logits = np.random.default_rng(0).standard_normal((batch, VOCABULARY)).astype(np.float32)
        allowed = np.ones((batch, VOCABULARY), bool)
        uniform = np.full(batch, 0.5)
        how = Sampling(0.9, top_p=0.98)

        def choose(
            logits: Any = logits, allowed: Any = allowed, uniform: Any = uniform, how: Any = how
        ) -> None:
            draw(probabilities(logits, allowed, how), uniform)

        own, step = rate(choose), rate(onnx_step(graph, batch, threads))
        rows.append(
            {
                "what": f"masking and drawing, top-p, batch {batch}",
                "rate": own * batch,
                "ratio": f"{100 * step / own:.0f} % of a fp32 step",
            }
        )
    return rows


def playing(bundle: str) -> list[dict[str, Any]]:
    """The first note of a fresh process, and seconds of music a second."""
    rows = []
    command = [sys.executable, "-m", "segue", "generate", bundle, "--seed", "1", "--bars", "4"]
    waits = []
    for _ in range(5):
        began = time.perf_counter()
        with subprocess.Popen(
            [*command, "--stream"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        ) as process:
            assert process.stdout is not None
            process.stdout.readline()
            waits.append(time.perf_counter() - began)
            process.kill()
    rows.append({"what": "first note, process start included, seconds",
                 "rate": statistics.median(waits)})  # fmt: skip
    import segue

    player = segue.load(bundle)
    for engine in ("onnx", "int8"):
        player.generate(bars=1, seed=1, engine=engine)
        began = time.perf_counter()
        take = player.generate(bars=32, seed=1, engine=engine)[0]
        spent = time.perf_counter() - began
        rows.append({"what": f"seconds of music a second, batch 1, {engine}",
                     "rate": take.score.end_seconds / spent})  # fmt: skip
    return rows


def main() -> None:
    """Print the table, and write it if asked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bundle")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--write", type=Path)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    load = os.getloadavg()[0]
    rows = steps(args.threads) + (playing(args.bundle) if args.bundle else [])
    packages = ("torch", "onnxruntime", "numpy")
    facts = {
        "date": time.strftime("%Y-%m-%d"),
        "machine": platform.machine(),
        "cores": os.cpu_count(),
        "threads": args.threads,
        "load": load,
        "versions": {name: metadata.version(name) for name in packages},
    }
    sys.stdout.write(", ".join(f"{k} {v}" for k, v in facts.items()) + "\n")
    for row in rows:
        sys.stdout.write(f"{row['rate']:12,.2f}  {row['what']}  {row.get('ratio', '')}\n")
    if args.write:
        write_json(args.write, json.loads(json.dumps({**facts, "rows": rows})))


if __name__ == "__main__":
    main()
