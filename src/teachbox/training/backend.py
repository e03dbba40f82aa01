"""What training asks of Keras' backend: a function compiled once, and the gradient of a loss. The rest is keras.ops.

TensorFlow compiles for whatever a batch looks like by its spec, JAX anew for each shape (`side_step` makes them few),
PyTorch runs as it goes. State is kept in Keras variables on all of them; on JAX a compiled function takes their values
in and gives them back.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras
import tensorflow as tf

Values = dict[str, Any]
Tensors = dict[str, Any]


def compiled(
    function: Callable[[Tensors], Any],
    spec: Mapping[str, tf.TensorSpec],
    *,
    state: Sequence[keras.Variable],
    changed: Sequence[keras.Variable] = (),
) -> Callable[[Tensors], Any]:
    """`function` of a batch that looks like `spec`, compiled where the backend can.

    It may read the variables of `state` and assign to those of `changed`, which are among them. What it returns is a
    structure of the backend's tensors.
    """
    return _COMPILE[keras.backend.backend()](function, spec, list(state), list(changed))


def with_gradients(
    function: Callable[[], Values], total: str, trained: Sequence[keras.Variable], state: Sequence[keras.Variable]
) -> tuple[Values, list[Any]]:
    """What `function` returns, and the gradient of its value called `total` with respect to the `trained` variables.

    The function may assign to variables of `state`, which `trained` is among, other than the trained ones. A variable
    that the total does not depend on has the gradient 0.
    """
    return _GRADIENTS[keras.backend.backend()](function, total, list(trained), list(state))


def side_step() -> int:
    """What sides that depend on the images are padded to a multiple of: 1 where a function is compiled for all of them.

    On JAX the images of a 600 × 1024 detector, of all proportions, come in about a dozen shapes instead of hundreds, a
    sixth larger than they are.
    """
    return 128 if keras.backend.backend() == "jax" else 1


MEMORY_ERRORS = (MemoryError, RuntimeError, tf.errors.ResourceExhaustedError)
"""What a backend may raise where memory does not suffice; `is_out_of_memory` tells it from what else these are."""


def is_out_of_memory(error: BaseException) -> bool:
    """Whether the backend raised `error` because memory does not suffice."""
    if isinstance(error, MemoryError | tf.errors.ResourceExhaustedError):
        return True
    # JAX and PyTorch say so in words, PyTorch in others on a CPU.
    said = str(error).lower()
    return any(words in said for words in ("resource_exhausted", "out of memory", "can't allocate memory"))


def _compile_tensorflow(function: Any, spec: Any, state: Any, changed: Any) -> Callable[[Tensors], Any]:
    traced = tf.function(function, input_signature=[dict(spec)], autograph=False)
    return lambda batch: traced({name: batch[name] for name in spec})


def _compile_torch(function: Any, spec: Any, state: Any, changed: Any) -> Callable[[Tensors], Any]:
    import torch

    def run(batch: Tensors) -> Any:
        with torch.no_grad():
            return function(_own_tensors(batch, spec))

    return run


def _compile_jax(function: Any, spec: Any, state: Any, changed: Any) -> Callable[[Tensors], Any]:
    import jax

    kept = [variable for variable in state if not any(variable is other for other in changed)]

    def pure(changing: list[Any], constant: list[Any], batch: Tensors) -> Any:
        mapping = [*zip(changed, changing, strict=True), *zip(kept, constant, strict=True)]
        with keras.StatelessScope(state_mapping=mapping) as scope:
            found = function(batch)
        return found, [scope.get_current_value(variable) for variable in changed]

    traced = jax.jit(pure, donate_argnums=0)

    def run(batch: Tensors) -> Any:
        found, values = traced(
            [variable.value for variable in changed], [variable.value for variable in kept], _own_tensors(batch, spec)
        )
        for variable, value in zip(changed, values, strict=True):
            variable.assign(value)
        return found

    return run


def _own_tensors(batch: Tensors, names: Any) -> dict[str, Any]:
    return {name: keras.ops.convert_to_tensor(batch[name].numpy()) for name in names}


def _gradients_tensorflow(function: Any, total: str, trained: Any, state: Any) -> tuple[Values, list[Any]]:
    with tf.GradientTape() as tape:
        values = function()
    wanted = [variable.value for variable in trained]
    return values, tape.gradient(values[total], wanted, unconnected_gradients=tf.UnconnectedGradients.ZERO)


def _gradients_torch(function: Any, total: str, trained: Any, state: Any) -> tuple[Values, list[Any]]:
    import torch

    with torch.enable_grad():
        values = function()
        wanted = [variable.value for variable in trained]
        found = torch.autograd.grad(values[total], wanted, allow_unused=True)
    gradients = [torch.zeros_like(own) if part is None else part for own, part in zip(wanted, found, strict=True)]
    return {name: value.detach() for name, value in values.items()}, gradients


def _gradients_jax(function: Any, total: str, trained: Any, state: Any) -> tuple[Values, list[Any]]:
    import jax

    others = [variable for variable in state if not any(variable is other for other in trained)]
    before = [variable.value for variable in others]

    def pure(values: list[Any]) -> tuple[Any, Any]:
        mapping = [*zip(trained, values, strict=True), *zip(others, before, strict=True)]
        with keras.StatelessScope(state_mapping=mapping) as scope:
            found = function()
        return found[total], (found, [scope.get_current_value(variable) for variable in others])

    (_, (found, after)), gradients = jax.value_and_grad(pure, has_aux=True)([variable.value for variable in trained])
    for variable, old, new in zip(others, before, after, strict=True):
        if new is not old:
            variable.assign(new)
    return found, gradients


_COMPILE = {"tensorflow": _compile_tensorflow, "jax": _compile_jax, "torch": _compile_torch}
_GRADIENTS = {"tensorflow": _gradients_tensorflow, "jax": _gradients_jax, "torch": _gradients_torch}
