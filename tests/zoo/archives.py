"""Archives like those of the zoo, small."""

from __future__ import annotations

import gzip
import io
import tarfile
from collections.abc import Mapping

NAME = "ssd_mobilenet_v1_coco"
PATH = "/ssd_mobilenet_v1_coco_2018_01_28.tar.gz"
TOP = "ssd_mobilenet_v1_coco_2018_01_28"
FILES = {
    f"{TOP}/checkpoint": b'model_checkpoint_path: "model.ckpt"\n',
    f"{TOP}/model.ckpt.index": b"index",
    f"{TOP}/model.ckpt.data-00000-of-00001": bytes(range(256)) * 300,
    f"{TOP}/model.ckpt.meta": b"meta",
    f"{TOP}/pipeline.config": b"model { ssd { num_classes: 90 } }\n",
    f"{TOP}/saved_model/saved_model.pb": b"graph",
    f"{TOP}/saved_model/variables/variables.index": b"other index",
    f"{TOP}/saved_model/variables/variables.data-00000-of-00001": b"other data",
}


def tar(files: Mapping[str, bytes], *others: tarfile.TarInfo) -> bytes:
    """A tar.gz of `files` and, after them, of members that are no files. The same every time."""
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
        for member in others:
            archive.addfile(member)
    # Stored, not compressed, so that a cut anywhere is a cut of the same share of the files.
    return gzip.compress(plain.getvalue(), compresslevel=0, mtime=0)
