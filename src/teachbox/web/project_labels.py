"""The labels of what is served: those that a label map or an option named, and what became of them while labelling."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from teachbox.errors import StoreError
from teachbox.labels import LabelMap
from teachbox.store import Store
from teachbox.store.label_book import GivenLabel, LabelBook, current_map
from teachbox.store.records import StoredLabel

Told = list[dict[str, Any]]


class ProjectLabels:
    """The labels as they are now. The store has them; `refresh` looks whether another page or process changed them.

    May be called from any thread.
    """

    def __init__(self, label_map: LabelMap | None = None) -> None:
        """`label_map`: the classes of the detector, where there is one."""
        self._label_map = label_map
        self._offered: list[dict[str, Any]] = []
        self._listeners: list[Callable[[Told], None]] = []
        self._book: LabelBook | None = None
        self._known: list[StoredLabel] = []
        self._ids: set[int] = set()
        self._told: Told = []
        self.map = label_map or LabelMap([])
        """All labels, under the names of today."""

    def open(self, store: Store, dataset: str, offered: Sequence[Mapping[str, Any]]) -> None:
        """Join what was given with what the store knows. Raises `DataError` where the two contradict.

        `offered`: `name`, and perhaps `color`, of each label that the page is to offer.
        """
        self._offered = [dict(label) for label in offered]
        book = store.labels(dataset)
        if self._label_map is not None:
            book.join([GivenLabel(self._label_map.text(label), label.id) for label in self._label_map])
        self._ids = {label.id for label in book.join([GivenLabel(label["name"]) for label in offered])}
        self._book = book
        self._take(book.all())

    @property
    def first_names(self) -> list[str]:
        """What the labels are called where they are given: the question that a task asks is known by these."""
        return [label["name"] for label in self._offered]

    @property
    def shown(self) -> list[str]:
        """The names that are offered now: those that were, and those added since."""
        return [label["name"] for label in self._told]

    def tell(self) -> Told:
        """What the page is told: `id`, `name`, `color` and, as `was`, the names that each label had before."""
        return self._told

    def listen(self, listener: Callable[[Told], None]) -> None:
        """Call `listener` with what the page is to be told, whenever that has changed."""
        self._listeners.append(listener)

    def add(self, name: str, color: str = "") -> int:
        """Add a label and return its id. Raises `DataError`."""
        id = self._opened.add(name, color).id
        self.refresh()
        return id

    def change(self, id: int, *, name: str | None = None, color: str | None = None) -> None:
        """Rename or recolour a label. Raises `DataError`."""
        self._opened.change(id, name=name, color=color)
        self.refresh()

    def refresh(self) -> None:
        """Look into the store; the listeners are told where something is new."""
        known = self._opened.all()
        if known != self._known:
            self._take(known)
            for listener in self._listeners:
                listener(self._told)

    @property
    def _opened(self) -> LabelBook:
        if self._book is None:
            raise StoreError("the labels of the project are not open yet")
        return self._book

    def _take(self, known: list[StoredLabel]) -> None:
        self._known = known
        self.map = current_map(known, self._label_map)
        colors = {label["name"]: label.get("color") for label in self._offered}
        places = {label["name"]: place for place, label in enumerate(self._offered)}

        def color_of(label: StoredLabel) -> str:
            given = next((colors[name] for name in (label.name, *label.was) if colors.get(name)), None)
            return label.color or given or self.map.color_of(label.name)

        def place_of(label: StoredLabel) -> int:
            return min((places[name] for name in (label.name, *label.was) if name in places), default=len(places))

        offered = [label for label in known if label.id in self._ids or label.added]
        self._told = [
            {"id": label.id, "name": label.name, "color": color_of(label), "was": list(label.was)}
            for label in sorted(offered, key=place_of)
        ]
