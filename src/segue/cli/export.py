"""`segue export`: a bundle's graphs for other programs, checked against the model."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from segue.cli import naming
from segue.cli.console import Json, emit_json, note
from segue.errors import SegueError, nearest

if TYPE_CHECKING:
    from segue.bundles import Bundle

FORMS = ("onnx", "int8")


def command(
    bundle: naming.OneBundle = None,
    to: Annotated[str, typer.Option(help="onnx (fp32), or int8: a quarter of the bytes.")] = "onnx",
    out: Annotated[Path, typer.Option("-o", "--out", help="The folder to write into.")] = Path(
        "exported"
    ),
    as_json: Json = False,
) -> None:
    """Write a bundle's ONNX graphs, and how far they are from the model in torch.

    Of a bundle that holds none but int8 graphs, those in fp32 are made anew from its weights.
    """
    from segue import bundles
    from segue.bundles.bundle import GRAPHS
    from segue.files import write_json, written_whole
    from segue.generation.parity import parity

    if to not in FORMS:
        raise SegueError(f"--to came as {to!r}; {nearest(to, FORMS)}.")
    loaded = bundles.load(bundle)
    if not loaded.graphs:
        raise SegueError(
            f"{loaded.name} has no ONNX form: it plays where torch is installed, by its weights."
        )
    told: dict[str, Any] = {"bundle": loaded.name, "hash": loaded.hash, "form": to}
    loaded, graphs = _in_form(loaded, to)
    if loaded.plays == "rows":
        found = parity(loaded, _engine(loaded, to, graphs))
        found.check()
        told["parity"] = found.as_dict()
    out.mkdir(parents=True, exist_ok=True)
    for name, content in graphs.items():
        with written_whole(out / name) as beside:
            beside.write_bytes(content)
    told["graphs"] = {name: (out / name).stat().st_size for name in GRAPHS if name in graphs}
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


def _in_form(bundle: Bundle, form: str) -> tuple[Bundle, dict[str, bytes]]:
    """The graphs by file name, in the form asked for, and the bundle as they are to be played."""
    if form == "int8":
        from segue.generation.int8 import quantised

        return bundle, quantised(bundle)
    if bundle.precision == "fp32":
        return bundle, {name: (bundle.path / name).read_bytes() for name in bundle.graphs}
    from segue.recipes.builder import require_torch

    require_torch(f"making the fp32 graphs of {bundle.name} from its weights")
    from segue.generation.torch_engine import trained_model
    from segue.training.export import export

    made = export(trained_model(bundle))
    # A later Segue may lay out the state otherwise than the one that made the bundle.
    as_made = {"precision": "fp32", "state": made.state, "engine": made.engine}
    return replace(bundle, index={**bundle.index, **as_made}), made.onnx


def _engine(bundle: Bundle, form: str, graphs: dict[str, bytes]) -> Any:
    """What plays these very graphs."""
    from segue.generation.onnx_engine import OnnxEngine, session

    name = "int8" if form == "int8" else "onnx"
    return OnnxEngine(bundle, name=name, opened=lambda path: session(path, graph=graphs[path.name]))
