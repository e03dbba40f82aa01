"""What a recipe does to answers before they are stored."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from teachbox.annotation import Task
from teachbox.errors import DataError

_KEPT = ("_task_hash", "_input_hash", "answer")


@dataclass(frozen=True)
class Hooks:
    """`validate_answer(answer)` refuses one by `ValueError` or a failed `assert`; `before_db(answers)` returns them as
    they are to be stored.
    """

    validate_answer: Callable[[Task], Any] | None = None
    before_db: Callable[[list[Task]], Any] | None = None

    def prepared(self, answers: Sequence[Task]) -> list[Task]:
        """The answers to be stored. Raises `DataError` where one is refused, or where `before_db` returns others."""
        if self.validate_answer is not None:
            for answer in answers:
                try:
                    self.validate_answer(dict(answer))
                except (ValueError, AssertionError) as error:
                    raise DataError(str(error) or "the recipe refuses it") from error
        if self.before_db is None:
            return list(answers)
        stored = self.before_db([dict(answer) for answer in answers])
        if not isinstance(stored, list) or [_kept(one) for one in stored] != [_kept(one) for one in answers]:
            raise DataError(f"the recipe's before_db must return the same answers, {', '.join(_KEPT)} unchanged")
        return stored


def _kept(answer: Any) -> list[Any]:
    return [answer.get(key) for key in _KEPT] if isinstance(answer, dict) else []
