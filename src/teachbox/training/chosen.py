"""Which variables training changes: `update_trainable_variables` and `freeze_variables` of a `train_config`."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Iterator, Sequence

from teachbox.config.protos.train_pb2 import TrainConfig
from teachbox.detector.detector import Detector
from teachbox.errors import ConfigError

_SHOWN = 3
_BIASES = ("/biases", "/bias")
"""How checkpoints of TensorFlow 1 and 2 end the names of biases."""


def chosen_names(detector: Detector, config: TrainConfig, at: Callable[[str], str]) -> list[str]:
    """Checkpoint names of the variables that are trained, in the order of `detector.trainable_variables`.

    Those that any of `update_trainable_variables` is found in (all, where there are none), less those that any of
    `freeze_variables` is found in: anywhere in the name, as the original's estimator searched. `at` gives the file and
    line of a field for an error. Raises `ConfigError` where a pattern fits no variable, or all are left out.
    """
    names = {id(variable): name for name, variable in detector.checkpoint_variables().items()}
    trainable = [names[id(variable)] for variable in detector.trainable_variables]
    update = list(_patterns("update_trainable_variables", config.update_trainable_variables, names.values(), at))
    freeze = list(_patterns("freeze_variables", config.freeze_variables, names.values(), at))
    found = [
        name for name in trainable if (not update or _found(update, name)) and not (freeze and _found(freeze, name))
    ]
    if not found:
        field = "freeze_variables" if freeze else "update_trainable_variables"
        raise ConfigError(
            f"train_config.{field} leaves none of the {len(trainable)} trainable variables to train, such as "
            f"{', '.join(trainable[-_SHOWN:])}; let some be trained",
            where=at(f"train_config.{field}[0]"),
        )
    return found


def is_bias(name: str) -> bool:
    """Whether a variable with this checkpoint name is what `bias_grad_multiplier` is about."""
    return name.endswith(_BIASES)


def _patterns(
    field: str, given: Sequence[str], names: Iterable[str], at: Callable[[str], str]
) -> Iterator[re.Pattern[str]]:
    names = list(names)
    for row, text in enumerate(given):
        path = f"train_config.{field}[{row}]"
        pattern = re.compile(text)
        if not any(map(pattern.search, names)):
            raise ConfigError(f'{path} "{text}" fits no variable; {_hint(text, names)}', where=at(path))
        yield pattern


def _found(patterns: list[re.Pattern[str]], name: str) -> bool:
    return any(pattern.search(name) for pattern in patterns)


def _hint(text: str, names: list[str]) -> str:
    """Names, and scopes that they stand in, that come near a pattern; else a few names."""
    parts = [name.split("/") for name in names]
    scopes = dict.fromkeys("/".join(part[:depth]) for part in parts for depth in range(1, len(part) + 1))
    near = difflib.get_close_matches(text, scopes, n=_SHOWN)
    return f"did you mean {' or '.join(near)}?" if near else f"names look like {', '.join(names[-_SHOWN:])}"
