"""The labels of one dataset, which may grow and be renamed while people label.

An id is for ever once there is a label map, whose ids are the classes that a detector knows the labels by; before that
it is no more than a place in a list. A name is for ever too: one that a label had once is never given to another, and
the log of answers, drafts and open pages that still say it mean that label (`store.renames` tells what they say
under the names of today).
"""

from __future__ import annotations

import itertools
import re
import time
from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, func, insert, select, update

from teachbox.errors import DataError
from teachbox.labels import Label, LabelMap
from teachbox.store.database import Database
from teachbox.store.records import StoredLabel
from teachbox.store.schema import label_names, labels

LONGEST_NAME = 100
_COLOR = re.compile(r"#[0-9a-f]{6}", re.IGNORECASE)


class GivenLabel(NamedTuple):
    """A label as a label map or an option names it; without an id the name alone says which it is."""

    name: str
    id: int | None = None


class LabelBook:
    """The labels of one dataset; `Store.labels` makes one."""

    def __init__(self, database: Database, dataset_id: int, dataset: str) -> None:
        self._database = database
        self._dataset_id = dataset_id
        self._dataset = dataset

    def all(self) -> list[StoredLabel]:
        """The labels, in the order of their ids."""
        with self._database.read() as connection:
            return read_labels(connection, self._dataset_id)

    def join(self, given: Sequence[GivenLabel]) -> list[StoredLabel]:
        """Take in the labels that a label map or an option names, and return the ids' labels in the order given.

        What was done while labelling stands: a label that the map calls by an older name keeps its new one. A new name
        for a known id renames it, since somebody has edited the map. Raises `DataError` where the two contradict.
        """
        with self._database.read() as connection:
            known, fixed = read_labels(connection, self._dataset_id), self._is_fixed(connection)
        if all(_is_known(label, known) and (label.id is None or fixed) for label in given):
            return [_find(label, known) for label in given]  # the usual start: nothing is written
        return self._database.write(lambda connection: self._join(connection, given), durable=True)

    def add(self, name: str, color: str = "") -> StoredLabel:
        """A new label, under the next free id. Raises `DataError` for a name that is none, or taken."""
        name, color = _check_name(name), _check_color(color)

        def write(connection: Connection) -> StoredLabel:
            self._refuse_taken(connection, name, None)
            return self._insert(connection, name, None, color, added=True)

        return self._database.write(write, durable=True)

    def change(self, id: int, *, name: str | None = None, color: str | None = None) -> StoredLabel:
        """Rename or recolour a label (an empty colour: the one it came with). Raises `DataError`."""
        name = None if name is None else _check_name(name)
        color = None if color is None else _check_color(color)

        def write(connection: Connection) -> StoredLabel:
            if all(label.id != id for label in read_labels(connection, self._dataset_id)):
                raise DataError(f"dataset {self._dataset} has no label with id {id}")
            if name is not None:
                self._refuse_taken(connection, name, id)
                self._rename(connection, id, name)
            if color is not None:
                self._update(connection, id, color=color)
            return next(label for label in read_labels(connection, self._dataset_id) if label.id == id)

        return self._database.write(write, durable=True)

    def _join(self, connection: Connection, given: Sequence[GivenLabel]) -> list[StoredLabel]:
        if any(label.id is not None for label in given):
            self._fix(connection, given)
        for label in given:
            known = read_labels(connection, self._dataset_id)
            owner = _named(label.name, known)
            if label.id is None:
                if owner is None:
                    self._insert(connection, label.name, None, "", added=False)
                continue
            if owner is not None and owner.id != label.id:
                called = f"is {owner.name!r} now" if owner.name != label.name else "is that label"
                raise DataError(
                    f"label {label.name!r} has id {label.id}, but dataset {self._dataset} knows it by id {owner.id}, "
                    f"which {called}; ids never change: give it id {owner.id}, or use another dataset"
                )
            other = next((one for one in known if one.id == label.id), None)
            if other is not None and other.added and owner is None:
                raise DataError(
                    f"label {label.name!r} has id {label.id}, which dataset {self._dataset} gave to {other.name!r} "
                    f"while labelling; give it an id from {max(one.id for one in known) + 1} on"
                )
            if other is None:
                self._insert(connection, label.name, label.id, "", added=False)
            elif owner is None:
                self._rename(connection, label.id, label.name)
        known = read_labels(connection, self._dataset_id)
        return [_find(label, known) for label in given]

    def _fix(self, connection: Connection, given: Sequence[GivenLabel]) -> None:
        """From now on ids are the map's: labels that had only a place in a list take theirs, the others come after."""
        if self._is_fixed(connection):
            return
        known = read_labels(connection, self._dataset_id)
        ids = {label.name: label.id for label in given if label.id is not None}
        found = {
            label.id: next((ids[name] for name in (label.name, *label.was) if name in ids), None) for label in known
        }
        free = itertools.count(max([*ids.values(), *found], default=0) + 1)
        for table in (labels, label_names):
            # Out of the way first: ids are unique at every moment.
            mine = update(table).where(table.c.dataset_id == self._dataset_id)
            connection.execute(mine.values(label_id=-table.c.label_id))
        for before, after in found.items():
            id = after or next(free)
            for table in (labels, label_names):
                place = (table.c.dataset_id == self._dataset_id, table.c.label_id == -before)
                connection.execute(update(table).where(*place).values(label_id=id))
        connection.execute(update(labels).where(labels.c.dataset_id == self._dataset_id).values(fixed=1))

    def _is_fixed(self, connection: Connection) -> bool:
        query = select(labels.c.label_id).where(labels.c.dataset_id == self._dataset_id, labels.c.fixed == 1).limit(1)
        return connection.execute(query).first() is not None

    def _insert(self, connection: Connection, name: str, id: int | None, color: str, *, added: bool) -> StoredLabel:
        fixed = id is not None or self._is_fixed(connection)
        if id is None:
            query = select(func.max(labels.c.label_id)).where(labels.c.dataset_id == self._dataset_id)
            id = (connection.execute(query).scalar() or 0) + 1
        place = {"dataset_id": self._dataset_id, "label_id": id, "name": name, "created": time.time()}
        connection.execute(insert(labels).values(**place, color=color, added=int(added), fixed=int(fixed)))
        connection.execute(insert(label_names).values(**place))
        return StoredLabel(id, name, color, added)

    def _rename(self, connection: Connection, id: int, name: str) -> None:
        place = {"dataset_id": self._dataset_id, "name": name}
        query = select(label_names.c.label_id).filter_by(**place)
        if connection.execute(query).first() is None:
            connection.execute(insert(label_names).values(**place, label_id=id, created=time.time()))
        self._update(connection, id, name=name)

    def _update(self, connection: Connection, id: int, **values: Any) -> None:
        of = (labels.c.dataset_id == self._dataset_id, labels.c.label_id == id)
        connection.execute(update(labels).where(*of).values(**values))

    def _refuse_taken(self, connection: Connection, name: str, id: int | None) -> None:
        for label in read_labels(connection, self._dataset_id):
            if label.id == id:
                continue
            if label.name.casefold() == name.casefold():
                raise DataError(f"there is a label {label.name!r} already (id {label.id}); choose another name")
            if name in label.was:
                raise DataError(
                    f"{name!r} was the name of {label.name!r} (id {label.id}), and older answers mean that by it; "
                    "choose another name"
                )


def read_labels(connection: Connection, dataset_id: int) -> list[StoredLabel]:
    """The labels of a dataset, in the order of their ids."""
    was: dict[int, list[str]] = {}
    query = select(label_names).where(label_names.c.dataset_id == dataset_id).order_by(label_names.c.created)
    for row in connection.execute(query):
        was.setdefault(row.label_id, []).append(row.name)
    rows = connection.execute(select(labels).where(labels.c.dataset_id == dataset_id).order_by(labels.c.label_id))
    return [
        StoredLabel(
            row.label_id,
            row.name,
            row.color,
            bool(row.added),
            tuple(name for name in was.get(row.label_id, ()) if name != row.name),
        )
        for row in rows
    ]


def current_map(known: Sequence[StoredLabel], given: LabelMap | None = None) -> LabelMap:
    """The label map as the store has it now; what only a file knows (`given`), such as display names, is kept."""
    display = given is not None and given.use_display_name
    items = {label.id: label for label in given or ()}
    labels = []
    for stored in known:
        item = items.get(stored.id)
        if item is None:
            labels.append(Label(stored.id, stored.name, "", stored.color))
        elif display:
            same = stored.name == (item.display_name or item.name)
            labels.append(Label(stored.id, item.name, item.display_name if same else stored.name, stored.color))
        else:
            labels.append(Label(stored.id, stored.name, item.display_name, stored.color))
    return LabelMap(labels, where=given.where if given else None, use_display_name=display)


def _named(name: str, known: Sequence[StoredLabel]) -> StoredLabel | None:
    return next((label for label in known if name == label.name or name in label.was), None)


def _is_known(given: GivenLabel, known: Sequence[StoredLabel]) -> bool:
    owner = _named(given.name, known)
    return owner is not None and given.id in (None, owner.id)


def _find(given: GivenLabel, known: Sequence[StoredLabel]) -> StoredLabel:
    found = _named(given.name, known)
    assert found is not None
    return found


def _check_name(name: str) -> str:
    name = name.strip()
    if not name:
        raise DataError("a label needs a name")
    if len(name) > LONGEST_NAME:
        raise DataError(f"the name of a label may have {LONGEST_NAME} characters; this one has {len(name)}")
    if not name.isprintable():
        raise DataError("the name of a label must be of printable characters, on one line")
    return name


def _check_color(color: str) -> str:
    if color and not _COLOR.fullmatch(color):
        raise DataError(f"{color[:40]!r} is no colour; write it as #rrggbb")
    return color.lower()
