#!/usr/bin/env bash
# Label raccoons and teach a detector meanwhile. RACCOONS names a checkout of github.com/datitran/raccoon_dataset.
set -euo pipefail
cd "$(dirname "$0")"
: "${RACCOONS:?set RACCOONS to the folder of the raccoon dataset, the one that holds images/}"
TEACHBOX_LOGGING=basic exec teachbox image.trainmodel \
    raccoon \
    "$RACCOONS/images" \
    pipeline.config \
    localhost 8500 ssd_raccoon \
    --threshold 0.5 \
    --steps-per-epoch 40 \
    "$@"
