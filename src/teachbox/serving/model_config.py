"""Which models a server serves: from the flags, or from a file with a ModelServerConfig in protobuf text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from google.protobuf import text_format
from tensorflow_serving.config import model_server_config_pb2

from teachbox.serving.status import invalid
from teachbox.serving.versions import All, Latest, Policy, Specific


@dataclass(frozen=True)
class ModelSettings:
    """One model: where its versions lie, which are served, and labels for versions."""

    name: str
    base_path: Path
    policy: Policy = field(default_factory=Latest)
    labels: Mapping[str, int] = field(default_factory=dict)


def read_model_config(path: Path) -> list[ModelSettings]:
    """The models in a model_config_file. StatusError: it is not there, or is wrong."""
    try:
        text = path.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise invalid(f"Cannot read the model config file {path}: {error}") from error
    config = model_server_config_pb2.ModelServerConfig()
    try:
        text_format.Parse(text, config)
    except text_format.ParseError as error:
        raise invalid(f"Error parsing text-format tensorflow.serving.ModelServerConfig: {path}: {error}") from error
    return models_of(config)


def models_of(config: model_server_config_pb2.ModelServerConfig) -> list[ModelSettings]:
    """The models of a ModelServerConfig. StatusError: it is wrong, or asks for what is not built."""
    if config.WhichOneof("config") == "custom_model_config":
        raise invalid(
            "ServerModelConfig type not supported by HandleReloadConfigRequest. Only ModelConfigList is "
            "currently supported"
        )
    models: dict[str, ModelSettings] = {}
    for entry in config.model_config_list.config:
        if entry.name in models:
            raise invalid(f"Illegal to list model {entry.name} multiple times in config list")
        if not Path(entry.base_path).is_absolute():
            raise invalid(
                f"Expected model {entry.name} to have an absolute path or URI; got base_path()={entry.base_path}"
            )
        if not entry.model_platform and not entry.model_type:
            raise invalid(
                "Illegal setting neither ModelServerConfig::model_type (deprecated) nor "
                "ModelServerConfig::model_platform"
            )
        if entry.model_platform not in ("", "tensorflow"):
            raise invalid(f"Model {entry.name} requests unsupported platform {entry.model_platform}")
        models[entry.name] = ModelSettings(
            entry.name, Path(entry.base_path), _policy(entry), dict(entry.version_labels)
        )
    return list(models.values())


def _policy(entry: model_server_config_pb2.ModelConfig) -> Policy:
    policy = entry.model_version_policy
    match policy.WhichOneof("policy_choice"):
        case "all":
            return All()
        case "specific":
            return Specific(frozenset(policy.specific.versions))
        case "latest":
            return Latest(policy.latest.num_versions or 1)
        case _:
            return Latest()
