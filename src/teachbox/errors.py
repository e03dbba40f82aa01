"""Every error that Teachbox raises on purpose; the command line prints them as one line, never a traceback.

    TeachboxError
    ├── UsageError          a command line that cannot be carried out
    ├── ConfigError         pipeline.config: does not parse, contradicts itself, or asks for a part we do not build
    ├── LabelMapError       label_map.pbtxt, or a label that it does not hold
    ├── DataError           an image, a task, a record or a CSV row that cannot be read
    │   └── SourceError     a source of images that is missing or empty
    ├── CheckpointError     a checkpoint that does not exist, cannot be read or fits nowhere
    ├── DownloadError       a file that could not be fetched, or is not what it was before
    ├── TrainingError       a round of training that had to be given up
    ├── ExportError         a version that could not be written (disk full, no permission)
    ├── ServingError        a model server that is missing, is none, or refuses
    │   ├── ServerDown      nothing listens there, or it went away
    │   ├── ServerSlow      no answer within the time given
    │   ├── ModelMissing    a model server without that model, or without a loaded version of it
    │   ├── ForeignServer   something answers that does not speak the TensorFlow Serving API
    │   └── RequestRefused  the server understood and said no
    ├── PageError           a module of the page that cannot travel as it is written
    └── StoreError          the database cannot be opened, or refuses

A message says where, what was found, and what would be right.
"""

from __future__ import annotations


class TeachboxError(Exception):
    """Base of all errors raised on purpose. `where` names a file, a line, an address or an option."""

    def __init__(self, message: str, *, where: str | None = None) -> None:
        super().__init__(f"{where}: {message}" if where else message)
        self.message = message
        self.where = where


class UsageError(TeachboxError):
    """A command line that cannot be carried out."""


class ConfigError(TeachboxError):
    """A pipeline.config that does not parse, contradicts itself, or asks for a part we do not build."""


class LabelMapError(TeachboxError):
    """A label_map.pbtxt that cannot be used, or a label that it does not hold."""


class DataError(TeachboxError):
    """An image, a task, a record or a CSV row that cannot be read."""


class SourceError(DataError):
    """A source of images that is missing or empty."""


class CheckpointError(TeachboxError):
    """A checkpoint that does not exist, cannot be read, or fits nowhere."""


class DownloadError(TeachboxError):
    """A file that could not be fetched, cannot be used, or is another than it was before."""


class Unreachable(DownloadError):
    """Nobody answers at the address of a file, and nothing of it has come."""


class TrainingError(TeachboxError):
    """A round of training that had to be given up; the weights are as they were before it."""


class ExportError(TeachboxError):
    """A version that could not be written."""


class ServingError(TeachboxError):
    """A model server that is missing, is none, or refuses."""


class ServerDown(ServingError):
    """Nothing listens at the address, or it went away and did not come back in time."""


class ServerSlow(ServingError):
    """No answer within the time given."""


class ModelMissing(ServingError):
    """A model server without that model, or without a loaded version of it."""


class ForeignServer(ServingError):
    """Something answers at the address, and it does not speak the TensorFlow Serving API."""


class RequestRefused(ServingError):
    """The model server understood the request and said no."""


class PageError(TeachboxError):
    """A module of the page that cannot travel as it is written."""


class StoreError(TeachboxError):
    """The database cannot be opened, or refuses."""
