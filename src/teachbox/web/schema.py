"""The bodies of requests: what is not as it should be is refused, by name, before anything is done."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

MOST_TASKS = 100

SessionId = Annotated[str, Field(min_length=1, max_length=200)]
Hash = Annotated[int, Field(strict=True, ge=-(2**63), lt=2**63)]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class SessionQuestions(_Body):
    """`POST /get_session_questions`. `exclude`: task hashes that the page still shows."""

    session_id: SessionId | None = None
    n: Annotated[int, Field(strict=True, ge=1, le=MOST_TASKS)] = 4
    exclude: list[Hash] = []


class GivenAnswers(_Body):
    """`POST /give_answers`. Each answer is a task with `answer`; `_answer_key` makes a resend harmless."""

    answers: list[dict[str, Any]]
    session_id: SessionId | None = None


class UndoAnswer(_Body):
    """`POST /undo_answer`."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    task_hash: Annotated[Hash, Field(alias="_task_hash")]
    session_id: SessionId | None = None
    answer_key: Annotated[str | None, Field(alias="_answer_key", min_length=1, max_length=200)] = None
    """Makes a resend harmless, as the key of an answer does."""


class SkippedTask(_Body):
    """`POST /skip_task`."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    task_hash: Annotated[Hash, Field(alias="_task_hash")]
    session_id: SessionId | None = None


class SavedDraft(_Body):
    """`POST /save_draft`: what was done to a task so far, as the page writes it. `stamp` is the page's clock in ms."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    task_hash: Annotated[Hash, Field(alias="_task_hash")]
    session_id: SessionId | None = None
    draft: dict[str, Any]
    stamp: Annotated[float, Field(ge=0, allow_inf_nan=False)]
    base: Annotated[int, Field(strict=True, ge=0, lt=2**63)] = 0


class AddedLabel(_Body):
    """`POST /add_label`. Without a colour it gets the next of the palette."""

    name: str
    color: str = ""


class ChangedLabel(_Body):
    """`POST /change_label`: what is given is changed; an empty colour is the one that the label came with."""

    id: Annotated[int, Field(strict=True, ge=1, lt=2**31)]
    name: str | None = None
    color: str | None = None


def one_line(errors: Sequence[Any]) -> str:
    """The first thing wrong with a request, in one line: where it is, and what is wrong."""
    if not errors:
        return "the request is not as it should be"
    first = errors[0]
    if first.get("type") == "json_invalid":
        return f"the body is not JSON: {first.get('ctx', {}).get('error', 'it cannot be read')}"
    place = ".".join(str(part) for part in first["loc"] if part != "body")
    more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
    return f"{f'`{place}`' if place else 'the body'}: {first['msg']}{more}"
