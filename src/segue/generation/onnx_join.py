"""A step that tells its logits too: one call of ONNX Runtime a row, where two are not needed.

Of models of one column, whose head asks for nothing but the features. Files keep the two apart
(`docs/decisions/two-graphs.md`): such graphs are for playing here and now.
"""

from __future__ import annotations

from collections.abc import Mapping

LOGITS = "logits_0"
"""The step's output, after all that it carries on."""


def with_logits(graphs: Mapping[str, bytes]) -> dict[str, bytes]:
    """The graphs of a bundle by file name, `model.onnx` with the head in it where that can be."""
    import onnx
    from onnx.compose import merge_models

    if set(graphs) != {"model.onnx", "heads.onnx"}:
        return dict(graphs)
    step, head = (onnx.load_from_string(graphs[name]) for name in ("model.onnx", "heads.onnx"))
    read = {name for node in head.graph.node for name in node.input}
    asked = [each for each in head.graph.input if each.name in read]
    if [each.name for each in (*asked, *head.graph.output)] != ["features", LOGITS]:
        return dict(graphs)
    del head.graph.input[:]
    head.graph.input.extend(asked)
    domains = {each.domain: each.version for each in (*head.opset_import, *step.opset_import)}
    for model in (step, head):
        del model.opset_import[:]
        model.opset_import.extend(
            onnx.helper.make_opsetid(domain, version) for domain, version in domains.items()
        )
    one = merge_models(
        step,
        onnx.compose.add_prefix(head, "head.", rename_inputs=False, rename_outputs=False),
        io_map=[("features", "features")],
        outputs=[*(each.name for each in step.graph.output), LOGITS],
    )
    whole: bytes = one.SerializeToString()
    return {**graphs, "model.onnx": whole}
