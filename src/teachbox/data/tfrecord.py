"""TFRecord files: read in the order of their names, written whole or not at all. TensorFlow is imported on
first use.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from teachbox.errors import DataError

_WILD = "*?["


def record_files(paths_or_globs: str | os.PathLike[str] | Sequence[str | os.PathLike[str]]) -> list[str]:
    """The files that are meant, in the order given, those of a glob (`x.record-?????-of-00010`) by name.

    Raises `DataError` for a file that does not exist or a glob without any. Addresses such as `gs://…` work
    as in TensorFlow.
    """
    import tensorflow as tf

    single = isinstance(paths_or_globs, (str, os.PathLike))
    patterns: list[str] = [os.fspath(p) for p in ([paths_or_globs] if single else paths_or_globs)]  # type: ignore
    if not patterns:
        raise DataError("no TFRecord file given; an input reader needs `input_path`")
    files: list[str] = []
    for pattern in patterns:
        if tf.io.gfile.exists(pattern) and not tf.io.gfile.isdir(pattern):
            files.append(pattern)
            continue
        found = sorted(tf.io.gfile.glob(pattern)) if any(sign in pattern for sign in _WILD) else []
        if not found:
            what = "no file matches this pattern" if any(sign in pattern for sign in _WILD) else "no such TFRecord file"
            raise DataError(what, where=pattern)
        files.extend(found)
    return files


def read_records(
    paths_or_globs: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
) -> Iterator[bytes]:
    """The records of the files, one after the other.

    Files are looked up at once; raises `DataError` as `record_files`, and while reading where a file is
    damaged or cut off.
    """
    return _records(record_files(paths_or_globs))


def _records(files: list[str]) -> Iterator[bytes]:
    import tensorflow as tf

    for file in files:
        count = 0
        try:
            for record in tf.data.TFRecordDataset(file).as_numpy_iterator():
                yield record
                count += 1
        except tf.errors.DataLossError as error:
            raise DataError(f"damaged or no TFRecord file (after {count} good records)", where=file) from error
        except tf.errors.OpError as error:
            raise DataError(f"cannot be read ({error.message})", where=file) from error


def write_records(path: str | os.PathLike[str], records: Iterable[bytes]) -> int:
    """Write the records to a local file and return how many there were.

    The file is written beside, brought to disk and renamed: under its name it is complete or not there.
    Raises `DataError` where it cannot be written; an error raised by `records` leaves what was there before.
    """
    import tensorflow as tf

    target = Path(path)
    beside = target.with_name(f".{target.name}.{os.getpid()}.part")
    count = 0
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tf.io.TFRecordWriter(str(beside)) as writer:
            for record in records:
                writer.write(record)
                count += 1
        with beside.open("rb+") as file:
            os.fsync(file.fileno())
        os.replace(beside, target)
    except OSError as error:
        raise DataError(f"cannot be written ({error.strerror or error})", where=str(target)) from error
    except tf.errors.OpError as error:
        raise DataError(f"cannot be written ({error.message})", where=str(target)) from error
    finally:
        with contextlib.suppress(OSError):  # it was renamed, or could not be made
            beside.unlink()
    return count
