"""review: decide between the answers of several annotators, image by image."""

from __future__ import annotations

from teachbox.annotation import Task
from teachbox.errors import DataError, UsageError
from teachbox.recipes.database import check_dataset
from teachbox.recipes.recipe import Arg, Components, recipe
from teachbox.recipes.versions import asked_views, review_tasks
from teachbox.store import Store


@recipe(
    "review",
    dataset=Arg(help="name of the dataset that the decisions go to"),
    sources=Arg(help="datasets whose answers are decided about, in the same database", many=True),
    label=Arg("--label", "-l", help="labels of boxes to offer, with commas between (default: those of the answers)"),
)
def review(*, dataset: str, sources: list[str], label: list[str] | None = None) -> Components:
    """Decide between the answers of several annotators: each image comes with all versions of its answer.

    The answers are boxes, or of the views choice and classification. Versions of boxes are shown in the colour of who
    drew them. Choose one to begin with, correct it, accept it. Images about which annotators agree least come first.
    """
    if not sources:
        raise UsageError("name at least one dataset to review: teachbox review NEW_DATASET DATASET …")
    if dataset in sources:
        raise UsageError(f"the decisions cannot go to {dataset}, which is reviewed; name a new dataset")

    def stream(store: Store) -> list[Task]:
        for source in sources:
            check_dataset(store, source)
        tasks = review_tasks({source: store.answers_by_session(source) for source in sources})
        if not tasks:
            raise DataError(f"there is no answer to review in {', '.join(sources)}")
        if label and asked_views(tasks):
            told = f"the answers in {', '.join(sources)} are of the view {', '.join(asked_views(tasks))}"
            raise UsageError(f"--label offers labels of boxes, and {told}")
        return tasks

    return {"dataset": dataset, "view_id": "review", "stream": stream, "config": {"labels": label} if label else {}}
