"""From what a source yields to tasks that can be asked: hashes, size and URL are added; some are left out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence, Sized
from dataclasses import dataclass, field
from pathlib import Path

from teachbox.annotation import Task, input_hash, task_hash
from teachbox.errors import DataError
from teachbox.images import upright
from teachbox.web.images import ImageCache, read_image
from teachbox.web.questions import Question


@dataclass
class Skipped:
    """How many items of the source were not asked, by reason."""

    answered: int = 0
    excluded: int = 0
    duplicate: int = 0
    broken: int = 0


@dataclass
class Completer:
    """Makes tasks complete, one after another. `answered` may grow and shrink meanwhile."""

    question: Question
    labels: Sequence[str]
    images: ImageCache
    answered: set[int] = field(default_factory=set)
    excluded: set[int] = field(default_factory=set)
    seen: set[int] = field(default_factory=set)
    skipped: Skipped = field(default_factory=Skipped)

    def complete(self, task: Task) -> Task | None:
        """The task with all its keys, or None where it is not to be asked. Raises `DataError` for a broken image."""
        path = task.get("path")
        if not isinstance(path, str) or not path:
            raise DataError(f"a task needs `path`, the image file; it has {', '.join(map(str, task)) or 'nothing'}")
        if "://" not in path:
            path = str(Path(path).absolute())
        self.question.check_task(task)
        content = read_image(path)
        hashed = task.get("_input_hash")
        if not isinstance(hashed, int):
            hashed = input_hash(content)
        if self._known(hashed):
            return None
        # Decoded before it is asked: a broken image is found now, and the first view of it is quick.
        image = self.images.put(hashed, upright(content, where=path))
        self.seen.add(hashed)
        asked = task.get("_task_hash")
        words = [*self.labels, *self.question.words(task)]
        return {
            **task,
            "image": f"/image/{hashed}",
            "path": path,
            "width": image.width,
            "height": image.height,
            "spans": list(task.get("spans") or []),
            "meta": {"file": path.rsplit("/", 1)[-1], **(task.get("meta") or {})},
            "_input_hash": hashed,
            "_task_hash": asked if isinstance(asked, int) else task_hash(hashed, self.question.view_id, words),
            "_view_id": self.question.view_id,
        }

    def _known(self, hashed: int) -> bool:
        if hashed in self.seen:
            self.skipped.duplicate += 1
        elif hashed in self.answered:
            self.skipped.answered += 1
        elif hashed in self.excluded:
            self.skipped.excluded += 1
        else:
            return False
        self.seen.add(hashed)
        return True


def length_of(source: Iterable[Task]) -> int | None:
    """How many items the source has, where it knows."""
    return len(source) if isinstance(source, Sized) else None
