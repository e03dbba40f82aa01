"""What a model server is told: its settings, and TensorFlow Serving's flag names for them."""

from __future__ import annotations

import argparse
import difflib
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

from teachbox.errors import UsageError

# What tensorflow_model_server has too, and this server does not build: refused by name, never ignored.
_NOT_BUILT = {
    "allow_version_labels_for_unavailable_models", "batching_parameters_file", "enable_batching",
    "enable_grpc_healthcheck_service", "enable_per_model_batching_parameters", "enable_profiler",
    "enable_signature_method_name_check", "flush_filesystem_caches", "load_retry_interval_micros",
    "max_num_load_retries", "mixed_precision", "monitoring_config_file", "num_load_threads",
    "num_request_iterations_for_warmup", "num_tflite_interpreters_per_pool", "num_tflite_pools",
    "num_unload_threads", "platform_config_file", "prefer_tflite_model",
    "remove_unused_fields_from_bundle_metagraph", "rest_api_enable_cors_support", "rest_api_num_threads",
    "skip_initialize_tpu", "ssl_config_file", "tensorflow_session_config_file",
    "tensorflow_session_parallelism", "thread_pool_factory_config_file", "use_alts_credentials",
    "xla_cpu_compilation_enabled", "xla_gpu_compilation_enabled",
}  # fmt: skip


@dataclass(frozen=True)
class ServerSettings:
    """One model server. Either `base_path` or `model_config_file` names what it serves.

    Ports: 0 for `rest_api_port` means no REST, 0 for `port` any free port. Poll intervals are seconds: 0
    looks once, a negative one never. Threads and `gpu_memory_fraction`: 0 leaves the choice to TensorFlow.
    """

    model_name: str = "default"
    base_path: Path | None = None
    model_config_file: Path | None = None
    model_config_file_poll_seconds: float = 0.0
    host: str = "0.0.0.0"
    port: int = 8500
    rest_api_port: int = 0
    rest_api_timeout_ms: int = 30_000
    grpc_socket_path: str = ""
    grpc_max_threads: int = 4 * (os.cpu_count() or 1)
    grpc_channel_arguments: dict[str, str | int] = field(default_factory=dict)
    poll_seconds: float = 1.0
    tags: frozenset[str] = frozenset({"serve"})
    intra_op_threads: int = 0
    inter_op_threads: int = 0
    gpu_memory_fraction: float = 0.0
    warm_up: bool = True
    keep_standby: bool = True
    outputs_as_content: bool = False


def parse_flags(arguments: Sequence[str]) -> ServerSettings:
    """The settings that a command line asks for, `--flag=value` or `--flag value`. UsageError: it errs."""
    parser = _parser()
    values, unknown = parser.parse_known_args(list(arguments))
    if unknown:
        raise UsageError(_unknown(unknown[0], parser))
    if not values.model_base_path and not values.model_config_file:
        raise UsageError(
            "nothing to serve: give --model_base_path, a folder with numbered versions, or --model_config_file"
        )
    if values.model_base_path and values.model_config_file:
        raise UsageError("--model_base_path and --model_config_file exclude each other: give one of them")
    return ServerSettings(
        model_name=values.model_name,
        base_path=Path(values.model_base_path).absolute() if values.model_base_path else None,
        model_config_file=Path(values.model_config_file) if values.model_config_file else None,
        model_config_file_poll_seconds=values.model_config_file_poll_wait_seconds,
        host=values.host,
        port=values.port,
        rest_api_port=values.rest_api_port,
        rest_api_timeout_ms=values.rest_api_timeout_in_ms,
        grpc_socket_path=values.grpc_socket_path,
        grpc_max_threads=values.grpc_max_threads,
        grpc_channel_arguments=_channel_arguments(values.grpc_channel_arguments),
        poll_seconds=values.file_system_poll_wait_seconds,
        tags=frozenset(values.saved_model_tags.split(",")),
        intra_op_threads=values.tensorflow_intra_op_parallelism,
        inter_op_threads=values.tensorflow_inter_op_parallelism,
        gpu_memory_fraction=values.per_process_gpu_memory_fraction,
        warm_up=values.enable_model_warmup,
        keep_standby=values.keep_standby,
        outputs_as_content=values.enable_serialization_as_tensor_content,
    )


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise UsageError(message)


def _parser() -> argparse.ArgumentParser:
    defaults = ServerSettings()
    parser = _Parser(
        prog="teachbox.serving",
        allow_abbrev=False,
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
        description="Serve SavedModels over gRPC and REST, as TensorFlow Serving does.",
    )
    add = parser.add_argument
    add("--model_base_path", default="", help="folder with numbered versions")
    add("--model_name", default=defaults.model_name, help="name that requests ask for")
    add("--model_config_file", default="", help="ModelServerConfig in protobuf text, for several models")
    add("--model_config_file_poll_wait_seconds", type=float, default=0.0, help="0: read it only once")
    add("--host", default=defaults.host, help="address to listen on")
    add("--port", type=_port, default=defaults.port, help="for gRPC; 0: any free one")
    add("--rest_api_port", type=_port, default=defaults.rest_api_port, help="for REST; 0: none")
    add(
        "--rest_api_timeout_in_ms",
        type=_count,
        default=defaults.rest_api_timeout_ms,
        help="for one REST request",
    )
    add("--grpc_socket_path", default="", help="UNIX socket to listen on besides the port")
    add("--grpc_max_threads", type=_positive, default=defaults.grpc_max_threads, help="requests at a time")
    add("--grpc_channel_arguments", default="", help="for the gRPC server: name=value,name=value")
    add("--file_system_poll_wait_seconds", type=float, default=defaults.poll_seconds,
        help="between two looks at the base path, fractions too; 0: look once, negative: never")  # fmt: skip
    add("--saved_model_tags", default="serve", help="tags of the graph to load, with commas between")
    add("--tensorflow_intra_op_parallelism", type=_count, default=0, help="threads in one op; 0: all cores")
    add("--tensorflow_inter_op_parallelism", type=_count, default=0, help="ops at a time; 0: as many as cores")
    add("--per_process_gpu_memory_fraction", type=_fraction, default=0.0, help="0: as much as needed")
    add("--enable_model_warmup", default=True, **_SWITCH, help="run requests before a version takes any")
    add("--enable_serialization_as_tensor_content", default=False, **_SWITCH,
        help="answer with tensor_content instead of float_val and its like")  # fmt: skip
    add("--keep_standby", default=True, **_SWITCH,
        help="keep the graph loaded twice, so that new variables are served at once")  # fmt: skip
    return parser


def _switch(text: str) -> bool:
    if text.lower() in ("true", "1", "yes"):
        return True
    if text.lower() in ("false", "0", "no"):
        return False
    raise argparse.ArgumentTypeError(f"{text!r} is neither true nor false")


_SWITCH: dict[str, Any] = {"type": _switch, "nargs": "?", "const": True, "metavar": "true|false"}


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) < 65536):
        raise argparse.ArgumentTypeError(f"{text!r} is no port: a number from 0 to 65535")
    return int(text)


def _count(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 0 on")
    return int(text)


def _positive(text: str) -> int:
    if _count(text) == 0:
        raise argparse.ArgumentTypeError("at least 1")
    return int(text)


def _fraction(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0.0 <= value <= 1.0:
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 0 to 1")
    return value


def _channel_arguments(text: str) -> dict[str, str | int]:
    arguments: dict[str, str | int] = {}
    for part in filter(None, text.split(",")):
        name, equals, value = part.partition("=")
        if not equals:
            raise UsageError(f"argument --grpc_channel_arguments: {part!r} is not of the form name=value")
        arguments[name.strip()] = int(value) if value.lstrip("-").isdigit() else value
    return arguments


def _unknown(argument: str, parser: argparse.ArgumentParser) -> str:
    name = argument.split("=", maxsplit=1)[0]
    if not name.startswith("-"):
        return f"unexpected argument {argument!r}: every setting is a --flag"
    if name.lstrip("-") in _NOT_BUILT:
        return f"flag {name} is TensorFlow Serving's; this server does not build it"
    known = [option for action in parser._actions for option in action.option_strings]
    close = difflib.get_close_matches(name, known, n=1)
    return f"unknown flag {name}" + (f"; did you mean {close[0]}?" if close else "")
