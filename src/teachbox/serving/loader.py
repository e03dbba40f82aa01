"""Load a SavedModel, run its signatures, and give a loaded graph other weights.

Two engines do the same work. The session engine is what TensorFlow Serving itself uses: it opens every
SavedModel (also TF1 exports that `tf.saved_model.load` rejects), keeps `method_name`, checks no feed against
a static shape, and can restore variables from another folder. It rests on one private method of TensorFlow's
Session; should that disappear, the function engine takes over.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import tensorflow as tf
from google.protobuf.message import DecodeError
from tensorflow.core.protobuf import config_pb2, meta_graph_pb2, saved_model_pb2
from tensorflow.python.client import pywrap_tf_session

from teachbox.serving.status import Code, StatusError

log = logging.getLogger(__name__)

DEFAULT_SIGNATURE = "serving_default"


@dataclass(frozen=True)
class LoadOptions:
    """How models are loaded. Threads: 0 leaves the number to TensorFlow."""

    tags: frozenset[str] = frozenset({"serve"})
    intra_op_threads: int = 0
    inter_op_threads: int = 0
    gpu_memory_fraction: float = 0.0


class Engine(Protocol):
    """A loaded graph."""

    def run(
        self, signature: str, inputs: Mapping[str, np.ndarray], outputs: Sequence[str], timeout_ms: int
    ) -> list[np.ndarray]: ...

    def restore(self, variables_prefix: Path) -> bool: ...

    def close(self) -> None: ...


class SavedModel:
    """One loaded SavedModel: its signatures, and weights that `restore` replaces."""

    def __init__(self, folder: Path, meta_graph: meta_graph_pb2.MetaGraphDef, engine: Engine, digest: str) -> None:
        self.folder = folder
        self.signatures = dict(meta_graph.signature_def)
        self.digest = digest
        self._engine = engine

    def signature(self, name: str) -> meta_graph_pb2.SignatureDef | None:
        """The signature of that name; the empty name means `serving_default`."""
        return self.signatures.get(name or DEFAULT_SIGNATURE)

    def run(
        self, signature: str, inputs: Mapping[str, np.ndarray], outputs: Sequence[str], timeout_ms: int = 0
    ) -> list[np.ndarray]:
        """The outputs named, for these inputs, both by the signature's names. StatusError: refused."""
        try:
            return self._engine.run(signature, inputs, outputs, timeout_ms)
        except tf.errors.OpError as error:
            raise StatusError(Code(error.error_code), error.message) from error

    def restore(self, folder: Path) -> bool:
        """Takes the weights of another version with the same graph; False if this graph cannot.

        No request may be under way. StatusError if the weights cannot be read; then the weights held are
        undefined until another restore succeeds.
        """
        try:
            done = self._engine.restore(folder / "variables" / "variables")
        except tf.errors.OpError as error:
            raise StatusError(Code(error.error_code), error.message) from error
        if done:
            self.folder = folder
        return done

    def close(self) -> None:
        self._engine.close()


def load(folder: Path, options: LoadOptions) -> SavedModel:
    """The SavedModel in `folder`, ready to run. StatusError says why it cannot be loaded."""
    digest = graph_digest(folder)
    meta_graph = _read_meta_graph(folder, options.tags)
    make = SessionEngine if hasattr(tf.compat.v1.Session, "_call_tf_sessionrun") else FunctionEngine
    try:
        engine = make(folder, meta_graph, options)
    except tf.errors.OpError as error:
        raise StatusError(Code(error.error_code), error.message) from error
    except (ValueError, TypeError, KeyError, OSError, RuntimeError) as error:
        # What TensorFlow's Python raises for a graph that it cannot take in.
        raise StatusError(Code.INTERNAL, f"{folder}: {error}") from error
    return SavedModel(folder, meta_graph, engine, digest)


def graph_digest(folder: Path) -> str:
    """A digest of all that the graph is made from: `saved_model.pb` and the assets, not the variables."""
    digest = hashlib.sha256()
    try:
        assets = sorted(p for p in (folder / "assets").rglob("*") if p.is_file())
        for path in [folder / "saved_model.pb", *assets]:
            content = path.read_bytes()
            digest.update(f"{path.relative_to(folder)}\0{len(content)}\0".encode())
            digest.update(content)
    except FileNotFoundError as error:
        raise StatusError(
            Code.NOT_FOUND,
            f"Could not find SavedModel .pb or .pbtxt at supplied export directory path: {folder}",
        ) from error
    except OSError as error:
        raise StatusError(Code.UNKNOWN, f"{error.filename}: {error.strerror}") from error
    return digest.hexdigest()


def _read_meta_graph(folder: Path, tags: frozenset[str]) -> meta_graph_pb2.MetaGraphDef:
    message = saved_model_pb2.SavedModel()
    try:
        message.ParseFromString((folder / "saved_model.pb").read_bytes())
    except (DecodeError, OSError) as error:
        raise StatusError(
            Code.DATA_LOSS, f"Can't parse {folder / 'saved_model.pb'} as binary proto: {error}"
        ) from error
    for meta_graph in message.meta_graphs:
        if set(meta_graph.meta_info_def.tags) == tags:
            return meta_graph
    there = "; ".join("{ " + " ".join(sorted(m.meta_info_def.tags)) + " }" for m in message.meta_graphs)
    raise StatusError(
        Code.NOT_FOUND,
        f"Could not find meta graph def matching supplied tags: {{ {' '.join(sorted(tags))} }}; there is {there}",
    )


class SessionEngine:
    """A graph in a TF1 session of its own, with variables of its own."""

    def __init__(self, folder: Path, meta_graph: meta_graph_pb2.MetaGraphDef, options: LoadOptions) -> None:
        config = config_pb2.ConfigProto(
            intra_op_parallelism_threads=options.intra_op_threads,
            inter_op_parallelism_threads=options.inter_op_threads,
        )
        config.gpu_options.allow_growth = True  # a trainer may share the device
        config.gpu_options.per_process_gpu_memory_fraction = options.gpu_memory_fraction
        graph = tf.Graph()
        self._session = tf.compat.v1.Session(graph=graph, config=config)
        try:
            loaded = tf.compat.v1.saved_model.loader.load(self._session, sorted(options.tags), str(folder))
        except BaseException:
            self._session.close()
            raise
        self._ends = {  # the graph's ends, looked up once
            name: (_ends(graph, signature.inputs), _ends(graph, signature.outputs))
            for name, signature in loaded.signature_def.items()
        }
        saver = loaded.saver_def
        self._restore = None
        if saver.restore_op_name:
            self._restore = (
                graph.get_tensor_by_name(saver.filename_tensor_name)._as_tf_output(),
                graph.get_operation_by_name(saver.restore_op_name)._c_op,
            )

    def run(
        self, signature: str, inputs: Mapping[str, np.ndarray], outputs: Sequence[str], timeout_ms: int
    ) -> list[np.ndarray]:
        sources, sinks = self._ends[signature]
        feeds = {sources[name]: value for name, value in inputs.items()}
        fetches = [sinks[name] for name in outputs]
        if timeout_ms <= 0:
            return self._session._call_tf_sessionrun(None, feeds, fetches, [], None)
        run_options = config_pb2.RunOptions(timeout_in_ms=timeout_ms).SerializeToString()
        buffer = pywrap_tf_session.TF_NewBufferFromString(run_options)
        try:
            return self._session._call_tf_sessionrun(buffer, feeds, fetches, [], None)
        finally:
            pywrap_tf_session.TF_DeleteBuffer(buffer)

    def restore(self, variables_prefix: Path) -> bool:
        if self._restore is None:
            return False
        filename, operation = self._restore
        feeds = {filename: np.array(str(variables_prefix).encode(), object)}
        self._session._call_tf_sessionrun(None, feeds, [], [operation], None)
        return True

    def close(self) -> None:
        self._session.close()


def _ends(graph: tf.Graph, tensors: Mapping[str, meta_graph_pb2.TensorInfo]) -> dict[str, object]:
    """The graph's ends by the signature's names; what is no tensor (an init op, a sparse one) is left out."""
    ends = {}
    for name, info in tensors.items():
        if info.WhichOneof("encoding") == "name" and ":" in info.name:
            ends[name] = graph.get_tensor_by_name(info.name)._as_tf_output()
    return ends


class FunctionEngine:
    """The signature functions of `tf.saved_model.load`. They stop at no deadline and restore nothing."""

    def __init__(self, folder: Path, meta_graph: meta_graph_pb2.MetaGraphDef, options: LoadOptions) -> None:
        self._signatures = meta_graph.signature_def
        self._loaded = tf.saved_model.load(str(folder), tags=sorted(options.tags))

    def run(
        self, signature: str, inputs: Mapping[str, np.ndarray], outputs: Sequence[str], timeout_ms: int
    ) -> list[np.ndarray]:
        tensors = self._signatures[signature].inputs
        feeds = {n: tf.constant(v, tf.as_dtype(tensors[n].dtype)) for n, v in inputs.items()}
        results = self._loaded.signatures[signature](**feeds)
        return [results[name].numpy() for name in outputs]

    def restore(self, variables_prefix: Path) -> bool:
        return False

    def close(self) -> None:
        self._loaded = None
