"""The flags of the stand-alone server."""

from __future__ import annotations

from pathlib import Path

import pytest

from teachbox.errors import UsageError
from teachbox.serving.settings import ServerSettings, parse_flags


def test_both_ways_of_writing_a_flag():
    settings = parse_flags(["--model_base_path=/models/m", "--model_name", "m", "--port=1234"])
    assert settings == ServerSettings(model_name="m", base_path=Path("/models/m"), port=1234)


def test_defaults_are_tensorflow_servings():
    settings = parse_flags(["--model_base_path", "/m"])
    assert (settings.model_name, settings.port, settings.rest_api_port) == ("default", 8500, 0)
    assert (settings.poll_seconds, settings.rest_api_timeout_ms, settings.host) == (1.0, 30_000, "0.0.0.0")
    assert settings.warm_up
    assert not settings.outputs_as_content


def test_values():
    settings = parse_flags(
        [
            "--model_base_path=/m",
            "--file_system_poll_wait_seconds=0.2",
            "--enable_model_warmup=false",
            "--enable_serialization_as_tensor_content",
            "--grpc_channel_arguments=grpc.max_connection_age_ms=2000,grpc.primary_user_agent=me",
            "--tensorflow_intra_op_parallelism=1",
            "--saved_model_tags=serve,gpu",
        ]
    )
    assert settings.poll_seconds == 0.2
    assert not settings.warm_up
    assert settings.outputs_as_content
    assert settings.grpc_channel_arguments == {
        "grpc.max_connection_age_ms": 2000,
        "grpc.primary_user_agent": "me",
    }
    assert settings.intra_op_threads == 1
    assert settings.tags == {"serve", "gpu"}


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        ([], "nothing to serve"),
        (["--model_base_path=/m", "--model_config_file=/c"], "exclude each other"),
        (["--model_base_path=/m", "--prot=1"], "unknown flag --prot; did you mean --port?"),
        (
            ["--model_base_path=/m", "--enable_batching=true"],
            "flag --enable_batching is TensorFlow Serving's",
        ),
        (["--model_base_path=/m", "stray"], "unexpected argument 'stray'"),
        (["--model_base_path=/m", "--port=99999"], "--port: '99999' is no port"),
        (["--model_base_path=/m", "--enable_model_warmup=maybe"], "neither true nor false"),
        (["--model_base_path=/m", "--grpc_channel_arguments=x"], "not of the form name=value"),
        (["--model_base_path=/m", "--per_process_gpu_memory_fraction=2"], "no number from 0 to 1"),
        (["--model_base_path=/m", "--grpc_max_threads=0"], "at least 1"),
        (["--model_base_path=/m", "--rest_api_timeout_in_ms=-1"], "no number from 0 on"),
    ],
)
def test_refusals(flags, words):
    with pytest.raises(UsageError, match=words):
        parse_flags(flags)
