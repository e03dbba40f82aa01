"""Labels that grow and are renamed: ids and names are for ever, and older answers are told under the names of today."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from teachbox.errors import DataError
from teachbox.store import Store, transfer
from teachbox.store.history import Filter
from teachbox.store.label_book import GivenLabel
from teachbox.store.records import StoredLabel

MAP = [GivenLabel("raccoon", 1), GivenLabel("cat", 4)]


def test_by_hand(store):
    book = store.labels("boxes")
    assert book.all() == []
    book.join(MAP)
    assert book.add("  zebra ", "#00FF7f") == StoredLabel(5, "zebra", "#00ff7f", True)
    assert book.change(1, name="bandit") == StoredLabel(1, "bandit", was=("raccoon",))
    assert book.change(4, color="#123456") == StoredLabel(4, "cat", "#123456")
    assert book.change(1, name="masked").was == ("raccoon", "bandit")
    # Back to a name of its own.
    assert book.change(1, name="raccoon").was == ("bandit", "masked")
    assert [(label.id, label.name) for label in book.all()] == [(1, "raccoon"), (4, "cat"), (5, "zebra")]
    assert store.labels("others").all() == []


def test_what_is_refused_changes_nothing(store):
    book = store.labels("boxes")
    book.join(MAP)
    book.change(4, name="feline")
    before = book.all()
    for name, said in [
        ("raccoon", "there is a label 'raccoon' already (id 1)"),
        ("Raccoon", "there is a label 'raccoon' already (id 1)"),
        ("cat", "'cat' was the name of 'feline' (id 4), and older answers mean that by it"),
        ("  ", "a label needs a name"),
        ("x" * 101, "may have 100 characters; this one has 101"),
        ("two\nlines", "printable characters, on one line"),
    ]:
        with pytest.raises(DataError) as refused:
            book.add(name)
        assert said in str(refused.value)
    with pytest.raises(DataError, match="there is a label 'raccoon' already"):
        book.change(4, name="raccoon")
    with pytest.raises(DataError, match="no colour; write it as #rrggbb"):
        book.change(4, color="red")
    with pytest.raises(DataError, match="dataset boxes has no label with id 9"):
        book.change(9, name="nine")
    assert book.all() == before
    # Only its case is another: it is its own name still.
    assert book.change(1, name="Raccoon").name == "Raccoon"


def test_a_label_map_is_joined_again_at_every_start(store):
    book = store.labels("boxes")
    book.join(MAP)
    book.change(1, name="bandit")
    book.add("zebra")
    # The file still says raccoon: what was done while labelling stands.
    assert [label.name for label in book.join(MAP)] == ["bandit", "cat"]
    # Somebody has edited the file: another name for cat, a new label, and zebra under its own id.
    edited = [GivenLabel("raccoon", 1), GivenLabel("tom", 4), GivenLabel("zebra", 5), GivenLabel("fox", 6)]
    assert [label.name for label in book.join(edited)] == ["bandit", "tom", "zebra", "fox"]
    with pytest.raises(DataError, match="label 'cat' has id 2, but dataset boxes knows it by id 4, which is 'tom' now"):
        book.join([GivenLabel("cat", 2)])
    with pytest.raises(DataError, match="label 'owl' has id 5, which dataset boxes gave to 'zebra' while labelling"):
        book.join([GivenLabel("owl", 5)])
    assert [label.name for label in book.all()] == ["bandit", "tom", "zebra", "fox"]


def test_a_list_of_names_has_no_ids_until_a_label_map_brings_them(store, answered):
    book = store.labels("boxes")
    assert [label.id for label in book.join([GivenLabel("cat"), GivenLabel("dog"), GivenLabel("raccoon")])] == [1, 2, 3]
    book.add("zebra")
    book.change(2, name="hound")
    assert [label.id for label in book.join([GivenLabel("raccoon"), GivenLabel("dog"), GivenLabel("fox")])] == [3, 2, 5]
    # Now a detector is to learn: its map's ids count from here on.
    book.join([GivenLabel("raccoon", 1), GivenLabel("dog", 2)])
    assert {label.id: label.name for label in book.all()} == {
        1: "raccoon", 2: "hound", 6: "cat", 7: "zebra", 8: "fox"
    }  # fmt: skip
    assert book.add("owl").id == 9
    with pytest.raises(DataError, match="ids never change"):
        book.join([GivenLabel("raccoon", 3)])


def test_older_answers_are_told_under_the_names_of_today(store, answered, tmp_path):
    book = store.labels("boxes")
    book.join(MAP)
    predicted = {"label": "raccoon", "x": 1, "y": 1, "width": 2, "height": 2, "score": 0.5}
    (first,) = store.add_answers("boxes", "ann", [answered(1, replaced=[predicted], version=3)])
    assert store.history("boxes").page(Filter(label="raccoon"))[0][0].labels == {"raccoon": 1}
    book.change(1, name="bandit")
    # A page that has not heard of it yet still says the old name.
    store.add_answers("boxes", "bob", [answered(1), answered(2)])
    assert [answer.task["spans"][0]["label"] for answer in store.effective_answers("boxes")] == ["bandit", "bandit"]
    old = store.history("boxes").answer(first).task
    assert (old["spans"][0]["label"], old["replaced"][0]["label"]) == ("bandit", "bandit")
    assert store.overtaken("boxes", first + 1, 1001).task["spans"][0]["label"] == "bandit"
    for name in ("raccoon", "bandit"):
        assert [facts.labels for facts in store.history("boxes").page(Filter(label=name))[0]] == [{"bandit": 1}] * 2
    assert transfer.stats(store, "boxes").labels == {"bandit": 2}
    assert store.undo_answer("boxes", "bob", 1002).task["spans"][0]["label"] == "bandit"
    with (tmp_path / "out.jsonl").open("w") as file:
        transfer.export(store, "boxes", file)
    assert '"label": "bandit"' in (tmp_path / "out.jsonl").read_text()
    # The log itself is as it was given.
    with store._database.read() as connection:
        logged = connection.exec_driver_sql("SELECT task FROM answers").scalars().all()
    assert all("raccoon" in text and "bandit" not in text for text in logged)


def test_scores_of_older_names_are_those_of_today_s(store, answered):
    book = store.labels("boxes")
    book.join(MAP)
    kept, scored = answered(1), answered(2)
    scored["spans"] = [{**scored["spans"][0], "label": "dog", "class_scores": {"raccoon": 0.25, "dog": 0.75}}]
    store.add_answers("boxes", "ann", [kept, scored])
    book.change(1, name="bandit")
    (span,) = store.effective_answers("boxes")[1].task["spans"]
    assert (span["label"], span["class_scores"]) == ("dog", {"bandit": 0.25, "dog": 0.75})


def test_metrics_of_a_class_stand_under_its_name_of_today(store):
    book = store.labels("boxes")
    book.join([GivenLabel("mAP", 1), GivenLabel("cat", 2)])
    measured = {"P/mAP": 0.5, "P_PerformanceByCategory/mAP/mAP": 0.25, "P_PerformanceByCategory/mAP/cat": 0.75}
    store.add_metrics("boxes", version=1, step=1, metrics=measured)
    assert store.last_metrics("boxes") == measured
    book.change(1, name="map")
    book.change(2, name="tom")
    told = {"P/mAP": 0.5, "P_PerformanceByCategory/mAP/map": 0.25, "P_PerformanceByCategory/mAP/tom": 0.75}
    assert store.last_metrics("boxes") == store.metrics("boxes")[0].metrics == told


names = st.sampled_from(["cat", "dog", "owl", "fox", "bee"])
acts = st.lists(st.tuples(st.integers(0, 4), names), max_size=12)


@settings(max_examples=25, deadline=None)
@given(acts)
def test_ids_and_names_never_get_another_meaning(tmp_path_factory, acts):
    with Store.open(tmp_path_factory.mktemp("labels") / "t.db") as store:
        book = store.labels("boxes")
        book.join([GivenLabel("ant", 1)])
        owners = {"ant": 1}
        for id, name in acts:
            try:
                label = book.add(name) if id == 0 else book.change(id, name=name)
            except DataError:
                assert name in owners or all(one.id != id for one in book.all())
                continue
            assert owners.setdefault(name, label.id) == label.id
        for label in book.all():
            assert all(owners[name] == label.id for name in (label.name, *label.was))
