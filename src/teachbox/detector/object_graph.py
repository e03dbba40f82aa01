"""The graph of objects in a checkpoint of TensorFlow 2: which value lies at the end of a way, read and written.

`tf.train.Checkpoint` stores a value under a key, and beside all values a graph: objects, their children by name, the
keys of their values. An object that several ways lead to is stored under one of them; the graph knows the others.
"""

from __future__ import annotations

from collections.abc import Iterable

GRAPH_KEY = "_CHECKPOINTABLE_OBJECT_GRAPH"
_ENDING = "/.ATTRIBUTES/VARIABLE_VALUE"
_VALUE = "VARIABLE_VALUE"


def value_key(path: str) -> str:
    """The key of the variable at the end of `path`, such as `model/_box_predictor/…/kernel`."""
    return path + _ENDING


def path_of(key: str) -> str:
    """The way that a key names; other keys stay as they are."""
    return key.removesuffix(_ENDING)


class ObjectGraph:
    """The graph of a checkpoint, to be asked for the keys of values."""

    def __init__(self, written: bytes) -> None:
        """`written`: what stands under `GRAPH_KEY`. Raises `ValueError` where that is no graph."""
        from google.protobuf.message import DecodeError
        from tensorflow.core.protobuf.trackable_object_graph_pb2 import TrackableObjectGraph

        try:
            nodes = TrackableObjectGraph.FromString(written).nodes
        except DecodeError as error:
            raise ValueError("its graph of objects cannot be read") from error
        self._children = [{_escaped(child.local_name): child.node_id for child in node.children} for node in nodes]
        self._keys = [{part.name: part.checkpoint_key for part in node.attributes}.get(_VALUE) for node in nodes]

    def key(self, path: str) -> str | None:
        """The key of the value at the end of `path`; None where the path leads nowhere, or to no variable."""
        place: int | None = 0 if self._children else None
        for name in path.split("/"):
            place = None if place is None else self._children[place].get(name)
        return None if place is None else self._keys[place]


def object_graph(paths: Iterable[str]) -> bytes:
    """The graph, a tree, of the variables at the ends of `paths`, each stored under its `value_key`."""
    from tensorflow.core.protobuf.trackable_object_graph_pb2 import TrackableObjectGraph

    graph = TrackableObjectGraph()
    graph.nodes.add()
    places = {"": 0}
    for path in paths:
        at, way = 0, ""
        for name in path.split("/"):
            way = f"{way}/{name}"
            if way not in places:
                places[way] = len(graph.nodes)
                graph.nodes.add()
                graph.nodes[at].children.add(node_id=places[way], local_name=_unescaped(name))
            at = places[way]
        graph.nodes[at].attributes.add(name=_VALUE, full_name=path, checkpoint_key=value_key(path))
    return bytes(graph.SerializeToString(deterministic=True))


def _escaped(name: str) -> str:
    """A name as a path has it: its own slashes and dots marked by a dot."""
    return name.replace(".", "..").replace("/", ".S")


def _unescaped(name: str) -> str:
    return ".".join(part.replace(".S", "/") for part in name.split(".."))
