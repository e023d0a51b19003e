"""How fast playing is: steps a second beside eager torch, the bound, masks, and the first note.

    python bench/generate.py [--bundle RUN] [--peer-python PYTHON] [--threads 1 2]
                             [--write bench/results/generate.json]

One run, medians, one take and 64 at a time, each with one thread and with two. A step is the
features of one row and the logits of the next. What is compared takes turns, and with one thread
processor time is counted, so that other work on the machine changes little.

- The 3 x 512 LSTM of performance-rnn in ONNX Runtime (fp32, int8, of one take int4), beside
  the same net as an eager `nn.LSTM` called step by step and as a loop of `nn.LSTMCell`.
- A Transformer of 11 M parameters: 128 rows from the first, the likeliest each time, beside
  `generate` of a GPT-2 of the same size in Hugging Face's transformers, which `--peer-python` has
  in an environment of its own (python3 -m venv V; V/bin/pip install torch==2.13.0 transformers).
- The share of the bound: for one take bytes of weights a step over the bandwidth of reading as many
  bytes again and again; for 64 operations a step over the rate of one product of the same shapes.
- What sampling and masks add to a step: a whole take of the LSTM without what the engine takes.
- With a bundle the time from starting the process to the first note, and seconds of music made a
  second.
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
from collections.abc import Callable, Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

os.environ.setdefault("GOMP_SPINCOUNT", "10000")

import numpy as np
import torch

from generate_peers import Cells, Eager, gpt2
from segue import bundles, encodings, recipes
from segue.bundles import Bundle
from segue.files import write_json
from segue.generation.engine import Engine
from segue.generation.guides import Steps
from segue.generation.int4 import in_four_bits
from segue.generation.int8 import quantised
from segue.generation.onnx_engine import OnnxEngine, session
from segue.generation.onnx_join import with_logits
from segue.generation.player import Player
from segue.generation.sampling import Sampling
from segue.training.export import export

BATCHES = (1, 64)
HIDDEN, LAYERS = 512, 3
GPT = {"width": 384, "layers": 6, "heads": 6, "window": 512}
ROWS, TAKE, TIMES = 128, 200, 5
"""Rows of a Transformer's take, and of the take whose masks are timed; how often each is made."""
SECONDS, SPELLS, CALLS = 2.0, 9, 5
"""Of each rate: seconds in all, spells that they are split into, calls between two looks."""

# What issue 6 asks for: rate beside the peer, share, or seconds.
NN_LSTM, LSTM_CELL, MANY_LSTM = 30, 8, 5
GPT_ONE, GPT_MANY = 6, 3
BOUND, MASKS, FIRST_NOTE, REAL_TIME = 0.5, 0.15, 1.5, 50

Row = dict[str, Any]


def clock(threads: int) -> Callable[[], float]:
    """Processor time of one thread; of more, which wait for one another, time on the wall."""
    return time.process_time if threads == 1 else time.perf_counter


def rates(
    steps: dict[str, Callable[[], Any]], threads: int = 1, seconds: float = SECONDS
) -> dict[str, float]:
    """Calls a second of each, the median of spells in which they take turns."""
    now = clock(threads)
    spells: dict[str, list[float]] = {name: [] for name in steps}
    for _ in range(SPELLS):
        for name, step in steps.items():
            step()
            count, began = 0, now()
            while now() - began < seconds / SPELLS:
                for _ in range(CALLS):
                    step()
                count += CALLS
            spells[name].append(count / (now() - began))
    return {name: statistics.median(each) for name, each in spells.items()}


def row(what: str, value: float, unit: str, **targets: tuple[float, float]) -> Row:
    """A line of the table; `targets` are what is measured and the least, by peer."""
    told = [
        {"beside": k.replace("_", " "), "times": have, "target": want, "kept": have >= want}
        for k, (have, want) in targets.items()
    ]
    return {"what": what, "value": value, "unit": unit, "targets": told}


# -- bundles with random weights ---------------------------------------------------------------


def untrained(folder: Path, recipe: recipes.Recipe) -> Bundle:
    """A bundle of performance events with weights as they are drawn."""
    encoding = encodings.get("performance", marks=True, longest=5)
    model = recipes.build_model(recipe, encoding.layout.sizes, seed=0)
    exported = export(model)
    chance = np.random.default_rng(0)
    size = encoding.layout.sizes[0]
    weights = {name: t.numpy() for name, t in model.state_dict().items()}
    facts = {
        "plays": "rows", "engine": exported.engine, "parameters": 0, "context": None, "header": {},
        "used": [list(range(size))], "corpus": {},
        "held_out": {"unit": "nats", "nats": {}, "rows": 0, "split": "none"},
    }  # fmt: skip
    return bundles.save(
        folder,
        recipe=recipe,
        encoding=encoding,
        weights=weights,
        onnx=exported.onnx,
        state=exported.state,
        openings=[chance.integers(0, size, (96, 1)).astype(np.uint16) for _ in range(8)],
        facts=facts,
    )


def engines(bundle: Bundle, threads: int, batch: int = 64) -> Iterator[tuple[str, OnnxEngine, int]]:
    """The engines, and how many bytes of weights each reads in a step; int4 is for one take."""
    small = quantised(bundle)
    plain = {name: (bundle.path / name).read_bytes() for name in bundle.graphs}
    kinds = [("fp32", plain), ("int8", small)]
    if batch == 1:
        kinds.append(("int4", in_four_bits(bundle)))
    for name, graphs in kinds:
        played = graphs if name == "fp32" else with_logits(graphs)
        opened = {k: session(bundle.path / k, threads, graph) for k, graph in played.items()}
        engine = OnnxEngine(bundle, opened=lambda path, opened=opened: opened[path.name])
        yield name, engine, sum(matrices(graph) for graph in graphs.values())


def matrices(graph: bytes) -> int:
    """Bytes of the matrices that a graph multiplies with."""
    import onnx

    model = onnx.load_from_string(graph)
    products = ("MatMul", "Gemm", "MatMulIntegerToFloat", "MatMulNBits")
    used = {n.input[1] for n in model.graph.node if n.op_type in products}
    held = {each.name: onnx.numpy_helper.to_array(each) for each in model.graph.initializer}
    return sum(held[name].nbytes for name in used if name in held)


# -- the LSTM ----------------------------------------------------------------------------------


def stepping(engine: Engine, batch: int) -> Callable[[], Any]:
    """A step and the logits after it, again and again."""
    state = engine.playing(engine.start(batch), 1)
    some = np.ones((batch, len(engine.sizes)), np.int64)

    def step() -> None:
        nonlocal state
        state = engine.step(some, state)
        engine.logits(state, 0, some)

    return step


def bound(name: str, weights: int, batch: int, threads: int) -> tuple[Callable[[], Any], float]:
    """What memory or arithmetic allow: something to call, and how many steps a call is worth.

    Of one take summing an array of as many bytes as `weights`; of more one layer's product.
    """
    if batch == 1:
        return torch.ones(weights // 4).sum, 1.0
    products = weights if name == "int8" else weights // 4
    return product(batch, threads, int8=name == "int8"), 8 * HIDDEN * HIDDEN / products


def product(batch: int, threads: int, *, int8: bool) -> Callable[[], Any]:
    """One layer's product alone, in ONNX Runtime."""
    from onnx import TensorProto, helper, numpy_helper

    inputs, outputs = 2 * HIDDEN, 4 * HIDDEN
    weight = np.ones((inputs, outputs), np.int8 if int8 else np.float32)
    held = {"w": weight}
    if int8:
        held |= {"s": np.array(0.1, np.float32), "z": np.array(128, np.uint8)}
        node = helper.make_node(
            "MatMulIntegerToFloat", ["x", "w", "s", "s", "z"], ["y"], domain="com.microsoft"
        )
    else:
        node = helper.make_node("MatMul", ["x", "w"], ["y"])
    kind = TensorProto.UINT8 if int8 else TensorProto.FLOAT
    graph = helper.make_graph(
        [node], "product",
        [helper.make_tensor_value_info("x", kind, [batch, inputs])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [batch, outputs])],
        [numpy_helper.from_array(array, name) for name, array in held.items()],
    )  # fmt: skip
    domains = [helper.make_opsetid("", 18), helper.make_opsetid("com.microsoft", 1)]
    model = helper.make_model(graph, opset_imports=domains, ir_version=10)
    alone = session(Path("product.onnx"), threads, model.SerializeToString())
    x = np.ones((batch, inputs), np.uint8 if int8 else np.float32)
    return lambda: alone.run(None, {"x": x})


def lstm(bundle: Bundle, threads: int) -> list[Row]:
    """The LSTM's rows."""
    size = bundle.sizes[0]
    eager, cells = Eager(size, HIDDEN, LAYERS).eval(), Cells(size, HIDDEN, LAYERS).eval()
    rows: list[Row] = []
    for batch in BATCHES:
        some = torch.ones(batch, 1, dtype=torch.long)
        zeros = [(torch.zeros(batch, HIDDEN), torch.zeros(batch, HIDDEN)) for _ in range(LAYERS)]
        both = (torch.zeros(LAYERS, batch, HIDDEN), torch.zeros(LAYERS, batch, HIDDEN))
        played = list(engines(bundle, threads, batch))
        bounds = {name: bound(name, weights, batch, threads) for name, _, weights in played}
        with torch.no_grad():
            measured = rates(
                {
                    "nn.LSTM": lambda some=some, both=both: eager(some, both),
                    "LSTMCell": lambda some=some, zeros=zeros: cells(some, zeros),
                    **{name: stepping(engine, batch) for name, engine, _ in played},
                    **{f"bound of {name}": call for name, (call, _) in bounds.items()},
                },
                threads,
            )
        found = {name: each * batch for name, each in measured.items()}
        rows.append(row(f"eager nn.LSTM, batch {batch}", found["nn.LSTM"], "rows/s"))
        rows.append(row(f"loop of nn.LSTMCell, batch {batch}", found["LSTMCell"], "rows/s"))
        asked = (NN_LSTM, LSTM_CELL) if batch == 1 else (MANY_LSTM, MANY_LSTM)
        for name, *_ in played:
            own, most = found[name], found[f"bound of {name}"] * bounds[name][1]
            beside = {"bound": (own / most, BOUND)}
            if name != "fp32":
                beside |= {"nn.LSTM": (own / found["nn.LSTM"], asked[0]),
                           "LSTMCell": (own / found["LSTMCell"], asked[1])}  # fmt: skip
            rows.append(row(f"3 x 512 LSTM, {name}, batch {batch}", own, "rows/s", **beside))
            rows[-1]["bound"] = most
    return rows


# -- the Transformer ---------------------------------------------------------------------------


def transformer(bundle: Bundle, threads: int, python: str | None) -> list[Row]:
    """The Transformer's rows."""
    peer = {"missing": "no --peer-python"}
    if python:
        peer = gpt2(python, **GPT, vocabulary=bundle.sizes[0], threads=threads,
                    batches=BATCHES, rows=ROWS, times=TIMES)  # fmt: skip
    rows: list[Row] = []
    for batch in BATCHES:
        theirs = peer.get(str(batch))
        if theirs is not None:
            what = f"GPT-2 of transformers {peer['version']}, batch {batch}"
            rows.append(row(what, theirs, "rows/s"))
        now, played = clock(threads), list(engines(bundle, threads, batch))
        spent: dict[str, list[float]] = {name: [] for name, *_ in played}
        for _ in range(TIMES):
            for name, engine, _ in played:
                began = now()
                take(engine, batch)
                spent[name].append(now() - began)
        for name, *_ in played:
            own = batch * ROWS / statistics.median(spent[name][1:])
            asked = GPT_ONE if batch == 1 else GPT_MANY
            beside = {"GPT-2": (own / theirs, asked)} if theirs and name != "fp32" else {}
            rows.append(row(f"11M Transformer, {name}, batch {batch}", own, "rows/s", **beside))
    return rows


def take(engine: Engine, batch: int) -> None:
    """ROWS rows, the likeliest each time."""
    state = engine.playing(engine.start(batch), 1)
    some = np.ones((batch, 1), np.int64)
    for _ in range(ROWS):
        state = engine.step(some, state)
        some = engine.logits(state, 0, some).argmax(axis=1)[:, None]


# -- sampling and masks ------------------------------------------------------------------------


class Timed:
    """An engine, and the seconds spent in it."""

    def __init__(self, engine: Engine, now: Callable[[], float]) -> None:
        self.engine, self.seconds, self._now = engine, 0.0, now
        self.sizes, self.frames, self.window = engine.sizes, engine.frames, engine.window
        self.independent = engine.independent

    def __getattr__(self, name: str) -> Any:
        return getattr(self.engine, name)

    def _timed(self, work: Callable[[], Any]) -> Any:
        began = self._now()
        done = work()
        self.seconds += self._now() - began
        return done

    def step(self, *given: Any) -> Any:
        return self._timed(lambda: self.engine.step(*given))

    def columns(self, state: Any) -> Any:
        ask = self.engine.columns(state)
        return lambda *given: self._timed(lambda: ask(*given))


def sampling(bundle: Bundle, threads: int) -> list[Row]:
    """What masks, top-p and draws add to the steps of a take."""
    rows, now = [], clock(threads)
    for batch in BATCHES:
        played = [each[:2] for each in engines(bundle, threads, batch)]
        shares: dict[str, list[float]] = {name: [] for name, _ in played}
        spent: dict[str, list[float]] = {name: [] for name, _ in played}
        for name, engine in played * TIMES:
            timed = Timed(engine, now)
            player = Player(timed, Sampling(0.9, top_p=0.98), bundle.encoding)
            first = bundle.encoding.opening().astype(np.int64)
            guide = Steps(bundle.encoding, batch, first, most_rows=TAKE)
            state = player.read(first)
            timed.seconds = 0.0
            began = now()
            made = sum(1 for _ in player.each(state, guide, range(batch)))
            beyond = now() - began - timed.seconds
            shares[name].append(beyond / timed.seconds)
            spent[name].append(beyond / made)
        for name, _ in played:
            share = statistics.median(shares[name])
            found = row(f"masks and draws beside a step, {name}, batch {batch}",
                        1e6 * statistics.median(spent[name]), "us/row")  # fmt: skip
            told = {"beside": "step", "share": share, "target": MASKS, "kept": share < MASKS}
            found["targets"].append(told)
            rows.append(found)
    return rows


# -- a bundle ----------------------------------------------------------------------------------


def playing(bundle: str) -> list[Row]:
    """The first note of a fresh process, and seconds of music a second."""
    command = [sys.executable, "-m", "segue", "generate", bundle, "--seed", "1", "--bars", "4"]
    waits = []
    for _ in range(5):
        began = time.perf_counter()
        with subprocess.Popen(
            [*command, "--stream"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        ) as process:
            assert process.stdout is not None
            if not process.stdout.readline():
                raise SystemExit(f"{' '.join(command)} --stream played nothing")
            waits.append(time.perf_counter() - began)
            process.kill()
    wait = statistics.median(waits)
    rows = [row("first note, process start included", wait, "s")]
    rows[0]["targets"] = [{"beside": "", "target": FIRST_NOTE, "kept": wait < FIRST_NOTE}]
    import segue

    player = segue.load(bundle)
    for engine in ("onnx", "int8"):
        made = []
        for _ in range(6):
            began = time.perf_counter()
            score = player.generate(bars=32, seed=1, engine=engine)[0].score
            made.append(score.end_seconds / (time.perf_counter() - began))
        own = statistics.median(made[1:])
        what = f"music a second, batch 1, {engine}, engine start included"
        rows.append(row(what, own, "s/s", real_time=(own, REAL_TIME)))
    return rows


# -- the table ---------------------------------------------------------------------------------


def line(found: Row) -> str:
    """One row as text."""
    told = []
    for each in found["targets"]:
        if "times" in each and each["beside"] == "bound":
            what = f"{100 * each['times']:.0f} % of the bound ({100 * each['target']:.0f} %)"
        elif "times" in each:
            what = f"{each['times']:.1f} x {each['beside']} ({each['target']:g})"
        elif "share" in each:
            what = f"{100 * each['share']:.0f} % of a step (under {100 * each['target']:.0f} %)"
        else:
            what = f"(under {each['target']:g})"
        told.append(f"{what} {'kept' if each['kept'] else 'MISSED'}")
    return f"{found['value']:12,.2f} {found['unit']:7} {found['what']:52} {'; '.join(told)}"


def main() -> None:
    """Print the table, and write it if asked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bundle")
    parser.add_argument("--peer-python")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--write", type=Path)
    args = parser.parse_args()
    facts = {
        "date": time.strftime("%Y-%m-%d"),
        "machine": platform.machine(),
        "cores": os.cpu_count(),
        "versions": {name: metadata.version(name) for name in ("torch", "onnxruntime", "numpy")},
    }
    sys.stdout.write(", ".join(f"{k} {v}" for k, v in facts.items()) + "\n")
    overrides = ["model.width=384", "model.layers=6", "model.heads_per_layer=6"]
    tables: list[Row] = []

    def show(rows: list[Row], threads: int) -> None:
        for found in rows:
            tables.append({"threads": threads, **found})
            sys.stdout.write(line(found) + "\n")
            sys.stdout.flush()

    with tempfile.TemporaryDirectory() as folder:
        net = untrained(Path(folder) / "lstm", recipes.load("performance-rnn"))
        large = untrained(Path(folder) / "gpt", recipes.load("nes-transformer", overrides))
        for threads in args.threads:
            torch.set_num_threads(threads)
            load = os.getloadavg()[0]
            sys.stdout.write(f"-- {threads} thread{'s' * (threads > 1)}, load {load:.1f}\n")
            show(lstm(net, threads), threads)
            show(transformer(large, threads, args.peer_python), threads)
            show(sampling(net, threads), threads)
    if args.bundle:
        sys.stdout.write("-- a bundle as it is played\n")
        show(playing(args.bundle), 1)
    if args.write:
        facts["load"] = os.getloadavg()[0]
        write_json(args.write, json.loads(json.dumps({**facts, "rows": tables})))


if __name__ == "__main__":
    main()
