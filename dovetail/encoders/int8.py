"""A BERT-like network in 8-bit whole numbers, run by onnxruntime: for processors that multiply them fast (VNNI).

Weights are rounded once, with a scale for each output; what flows between the products is rounded as it comes (dynamic
quantisation, Jacob et al. 2018). The products take most of the time; everything else stays in float32.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from dovetail.encoders.onnx_file import HALF, MICROSOFT, Graph
from dovetail.errors import MissingExtra
from dovetail.tables.atomic import replace_file

FORMAT = 1
LEAST = 0.99  # cosine to float32 that every probe must reach
PRODUCTS = ("projected", "attended", "widened", "narrowed")
LADDER: tuple[tuple[str, ...], ...] = ((), ("narrowed",), ("narrowed", "projected"))
"""Which products of each layer stay in float32, tried in this order until the vectors agree. What comes out of the
activation spreads widest, so the product after it loses most."""
PROBES = (
    "sony turntable pslx350h belt drive system built in phono pre amplifier 33 45 rpm black finish",
    "linksys etherfast 8 port 10 100 switch ezxs88w",
    "canon powershot a590 is 8 mp digital camera 2648b001 with 4x optical zoom and image stabilizer",
    "49.99",
    "a",
    "Efficient query processing in distributed databases, J. Smith and M. Müller, VLDB 1998, pages 211-222",
    "arnie morton's of chicago 435 s. la cienega blvd. los angeles american 310-246-1501",
    "How do I change the limit of my card when I am abroad?",
    "the film is a quiet, patient and finally overwhelming portrait of a family that falls apart",
    "Wir suchen eine Lampe für den Schreibtisch, dimmbar, mit Klemme.",
    "ACME GmbH & Co. KG; Hauptstraße 12; 10115 Berlin; +49 30 1234567; info@acme.example",
    "frigidaire 5 000 btu window air conditioner fra052xt7 white finish 115 volts electronic controls with remote "
    "control 24 hour on off timer 3 fan speeds low voltage start up adjustable side panels antibacterial mesh",
)

Vectors = npt.NDArray[np.float32]
Weights = Mapping[str, npt.NDArray[np.float32]]


class Int8Bert:
    """A network, a file or what would stand in it, ready to run in so many threads."""

    def __init__(self, model: Path | bytes, threads: int) -> None:
        try:
            import onnxruntime as ort
        except ImportError:
            raise MissingExtra("an encoder in int8", "int8") from None
        options = ort.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
        options.log_severity_level = 3
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # idle threads leave the processor
        given = model if isinstance(model, bytes) else str(model)
        self._session = ort.InferenceSession(given, options, providers=["CPUExecutionProvider"])

    def states(self, ids: npt.NDArray[np.int64], mask: npt.NDArray[np.int64]) -> Vectors:
        """The last layer's token states (b, t, d) of token numbers (b, t) that are filling where `mask` is 0."""
        given = {"ids": ids, "places": np.arange(ids.shape[1]), "mask": mask.astype(np.int32)}
        found: Vectors = self._session.run(None, given)[0]
        return found


def can_int8() -> bool:
    """Whether the package of the extra [int8] is there."""
    return importlib.util.find_spec("onnxruntime") is not None


class Kept:
    """Networks in int8 in a folder, one for each set of weights: written once, with how far they agree."""

    def __init__(self, folder: Path, fingerprint: str) -> None:
        self.file, self.note = (folder / "int8" / f"{fingerprint}{ending}" for ending in (".onnx", ".json"))

    def agreement(self) -> float | None:
        """The least cosine to float32 over the probes; None where nothing usable was written yet."""
        try:
            note = json.loads(self.note.read_text(encoding="utf-8"))
            whole = note["least"] < LEAST or note["hash"] == _hash(self.file.read_bytes())
            return float(note["least"]) if whole and note["format"] == FORMAT else None
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def write(self, model: bytes, least: float) -> None:
        """Keep a network, or, where it does not agree, only that it does not."""
        if least >= LEAST:
            with replace_file(self.file) as beside:
                beside.write_bytes(model)
        with replace_file(self.note) as beside:
            said = {"format": FORMAT, "least": round(least, 6), "hash": _hash(model)}
            beside.write_text(json.dumps(said) + "\n", encoding="utf-8")


def _hash(content: bytes) -> str:
    return hashlib.blake2b(content, digest_size=16).hexdigest()


def models(config: Any, state: Weights) -> Iterator[bytes]:
    """The network with more and more of its products in float32."""
    layers = range(int(config.num_hidden_layers))
    for floats in LADDER:
        yield graph_of(config, state, [(layer, name) for layer in layers for name in floats])


def least_cosine(exact: Vectors, found: Vectors) -> float:
    """How far the vectors of the probes agree at least."""
    return float((exact * found).sum(axis=1).min())


def graph_of(config: Any, state: Weights, floats: Sequence[tuple[int, str]] = ()) -> bytes:
    """The network as an ONNX file; `floats` names products, (layer, name), that stay in float32."""
    graph = Graph()
    kind = state["embeddings.token_type_embeddings.weight"][0]
    words = graph.constant(state["embeddings.word_embeddings.weight"].astype(HALF))
    places = graph.constant(state["embeddings.position_embeddings.weight"] + kind)
    (word,) = graph.add("Cast", graph.add("Gather", (words, "ids")), to=1)
    (x,) = graph.add("Add", (word, *graph.add("Gather", (places, "places"))))
    first = [graph.constant(state[f"embeddings.LayerNorm.{part}"]) for part in ("weight", "bias")]
    (x,) = graph.add("LayerNormalization", (x, *first), axis=-1, epsilon=float(config.layer_norm_eps))
    for number in range(int(config.num_hidden_layers)):
        layer = _Layer(graph, config, _part(state, f"encoder.layer.{number}."), {n for i, n in floats if i == number})
        x = layer.after(x)
    return graph.model({"ids": ("b", "t"), "places": ("t",), "mask": ("b", "t")}, x)


class _Layer:
    """Adds one layer to a graph."""

    def __init__(self, graph: Graph, config: Any, state: Weights, floats: set[str]) -> None:
        self.graph, self.state, self.floats = graph, state, floats
        self.heads, self.epsilon = int(config.num_attention_heads), float(config.layer_norm_eps)

    def after(self, x: str) -> str:
        """The states after the layer."""
        graph = self.graph
        three = self._product(x, "projected", *(f"attention.self.{name}" for name in ("query", "key", "value")))
        sizes = graph.constant(np.full(3, len(self.state["attention.self.query.bias"]), np.int64))
        parts = graph.add("Split", (three, sizes), 3, axis=-1)
        (met,) = graph.add(f"{MICROSOFT}.MultiHeadAttention", (*parts, "", "mask"), num_heads=self.heads)
        x = self._normed(self._product(met, "attended", "attention.output.dense"), x, "attention.output.LayerNorm")
        (wide,) = graph.add(f"{MICROSOFT}.Gelu", (self._product(x, "widened", "intermediate.dense"),))
        return self._normed(self._product(wide, "narrowed", "output.dense"), x, "output.LayerNorm")

    def _product(self, x: str, role: str, *names: str) -> str:
        weight, bias = (np.concatenate([self.state[f"{n}.{part}"] for n in names]) for part in ("weight", "bias"))
        turned, added = np.ascontiguousarray(weight.T), self.graph.constant(bias)
        if role in self.floats:
            return self.graph.add("Add", (*self.graph.add("MatMul", (x, self.graph.constant(turned))), added))[0]
        scale = np.maximum(np.abs(turned).max(axis=0) / 127, 1e-12).astype(np.float32)
        whole = np.rint(turned / scale).astype(np.int8)
        constants = [self.graph.constant(c) for c in (whole, scale, np.zeros(len(scale), np.int8))]
        return self.graph.add(f"{MICROSOFT}.DynamicQuantizeMatMul", (x, *constants, added))[0]

    def _normed(self, x: str, before: str, name: str) -> str:
        constants = [self.graph.constant(self.state[f"{name}.{part}"]) for part in ("weight", "bias")]
        kind = f"{MICROSOFT}.SkipLayerNormalization"
        return self.graph.add(kind, (x, before, *constants), epsilon=self.epsilon)[0]


def _part(state: Weights, start: str) -> Weights:
    return {name.removeprefix(start): value for name, value in state.items() if name.startswith(start)}
