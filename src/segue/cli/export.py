"""`segue export`: a bundle's graphs for other programs, checked against the model."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from segue.cli.console import Json, emit_json, note
from segue.errors import SegueError, nearest

FORMS = ("onnx", "int8")


def command(
    bundle: Annotated[Path, typer.Argument(help="A bundle, or the run that made one.")],
    to: Annotated[str, typer.Option(help="onnx (fp32), or int8: a quarter of the bytes.")] = "onnx",
    out: Annotated[Path, typer.Option("-o", "--out", help="The folder to write into.")] = Path(
        "exported"
    ),
    as_json: Json = False,
) -> None:
    """Write a bundle's ONNX graphs, and how far they are from the model in torch."""
    from segue import bundles
    from segue.files import write_json, written_whole
    from segue.generation.int8 import quantised
    from segue.generation.parity import parity

    if to not in FORMS:
        raise SegueError(f"--to came as {to!r}; {nearest(to, FORMS)}.")
    loaded = bundles.load(bundle)
    if not loaded.graphs:
        raise SegueError(
            f"{loaded.name} has no ONNX form: it plays where torch is installed, by its weights."
        )
    told: dict[str, Any] = {"bundle": loaded.name, "hash": loaded.hash, "form": to}
    if loaded.plays == "rows":
        found = parity(loaded, to)
        found.check()
        told["parity"] = found.as_dict()
    out.mkdir(parents=True, exist_ok=True)
    small = quantised(loaded) if to == "int8" else {}
    for name in loaded.graphs:
        content = small[name] if small else (loaded.path / name).read_bytes()
        with written_whole(out / name) as beside:
            beside.write_bytes(content)
    told["graphs"] = {name: (out / name).stat().st_size for name in loaded.graphs}
    columns = [column.name for column in loaded.encoding.layout.columns]
    sizes = dict(zip(columns, loaded.sizes, strict=True))
    facts = {"columns": sizes, "state": loaded.index["state"], "engine": loaded.engine}
    write_json(out / "graphs.json", {**told, **facts})
    if as_json:
        emit_json(told)
        return
    for name, size in told["graphs"].items():
        note(f"{out / name}: {size / 2**20:.1f} MiB")
    if "parity" in told:
        note(
            f"beside torch: {told['parity']['max_logit_difference']:.2g} apart in a logit, greedy "
            f"music {'the same' if told['parity']['greedy_equal'] else 'not the same'} over 500 "
            f"steps, {100 * told['parity']['rise']:+.2f} % nats"
        )
