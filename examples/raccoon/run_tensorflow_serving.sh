#!/usr/bin/env bash
# Google's TensorFlow Serving instead of Teachbox's own model server. Start this first, then run_train.sh:
# the recipe finds a model server at localhost:8500 and uses it.
set -euo pipefail
cd "$(dirname "$0")"
mkdir -p export_dir
docker run --rm --detach --name raccoon_model_server \
    --publish 8500:8500 \
    --volume "$PWD/export_dir:/tensorflow_servables:ro" \
    --volume "$PWD/serve_models.conf:/serve_models.conf:ro" \
    tensorflow/serving:latest \
    --model_config_file=/serve_models.conf --file_system_poll_wait_seconds=1
