"""Opening: what makes a database, what is refused in one line, and that migrations and schema agree."""

import sqlite3
from contextlib import closing

import pytest
from sqlalchemy import create_engine, inspect

from teachbox.errors import StoreError
from teachbox.store import Store, migrations, schema
from teachbox.store.database import parse_address


def refusal(address):
    with pytest.raises(StoreError) as refused:
        Store.open(address)
    assert "\n" not in str(refused.value)
    return str(refused.value)


def test_folders_are_made_and_the_database_is_in_wal_mode(tmp_path):
    path = tmp_path / "new" / "folders" / "teachbox.db"
    with Store.open(f"sqlite:///{path}") as store:
        store.add_dataset("boxes")
        assert store.datasets() == ["boxes"]
        with closing(sqlite3.connect(path)) as raw:
            assert raw.execute("PRAGMA journal_mode").fetchone() == ("wal",)
            assert raw.execute("SELECT number, name FROM migrations").fetchall() == [
                (step.number, step.name) for step in migrations.MIGRATIONS
            ]
    # The last to close folds the log into the file.
    assert [file.name for file in path.parent.iterdir()] == ["teachbox.db"]
    with Store.open(path) as store:
        assert store.datasets() == ["boxes"]


def test_answers_are_written_with_a_full_sync_and_foreign_keys_hold(tmp_path):
    with Store.open(tmp_path / "t.db") as store:
        database = store._database

        def pragmas(connection):
            return [connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in ("synchronous", "foreign_keys")]

        assert database.write(pragmas, durable=True) == [2, 1]
        assert database.write(pragmas, durable=False) == [1, 1]
        with pytest.raises(StoreError, match="FOREIGN KEY"):
            database.write(
                lambda connection: connection.exec_driver_sql(
                    "INSERT INTO runs (dataset_id, state, steps, answers, started) VALUES (77, 'running', 1, 1, 0)"
                ),
                durable=True,
            )


def test_the_migrations_make_the_tables_of_the_schema(tmp_path):
    Store.open(tmp_path / "t.db").close()
    engine = create_engine(f"sqlite:///{tmp_path / 't.db'}")
    found = inspect(engine)
    tables = set(found.get_table_names()) - {"sqlite_sequence"}
    assert tables == set(schema.metadata.tables)
    for name, table in schema.metadata.tables.items():
        columns = {column["name"]: column["nullable"] for column in found.get_columns(name)}
        assert set(columns) == {column.name for column in table.columns}, name
        primary = set(found.get_pk_constraint(name)["constrained_columns"])
        assert primary == {column.name for column in table.primary_key}, name
        for column in table.columns:
            if column.name not in primary:
                assert columns[column.name] == column.nullable, (name, column.name)
    engine.dispose()


def test_a_database_from_a_newer_program_is_refused(tmp_path):
    Store.open(tmp_path / "t.db").close()
    with sqlite3.connect(tmp_path / "t.db") as raw:
        raw.execute("INSERT INTO migrations VALUES (?, 'from the future', 0)", (migrations.NEWEST + 1,))
    raw.close()
    assert "was written by a newer Teachbox" in refusal(tmp_path / "t.db")


def test_a_folder(tmp_path):
    assert refusal(tmp_path) == f"{tmp_path}: a folder, not a database file"


def test_a_file_in_the_place_of_a_folder(tmp_path):
    (tmp_path / "file").write_text("")
    assert "its folder cannot be made" in refusal(tmp_path / "file" / "t.db")


def test_no_database(tmp_path):
    (tmp_path / "notes.txt").write_text("These are notes and no database. " * 100)
    assert "file is not a database" in refusal(tmp_path / "notes.txt")
    assert (tmp_path / "notes.txt").read_text().startswith("These are notes")


@pytest.mark.parametrize(
    ("address", "says"),
    [
        ("", "an empty address"),
        ("sqlite://", "in memory"),
        ("sqlite:///:memory:", "in memory"),
        ("mysql://me:secret@host/db", "no database of the kind 'mysql'"),
        ("postgresql://me:secret@127.0.0.1:1/db", "connection"),
    ],
)
def test_addresses_that_cannot_be(address, says):
    message = refusal(address)
    assert says in message
    assert "secret" not in message


def test_addresses():
    assert parse_address("data/t.db").render_as_string() == "sqlite:///data/t.db"
    assert parse_address("postgres://u@h/d").drivername == "postgresql+psycopg"
    assert parse_address("postgresql://u@h/d").drivername == "postgresql+psycopg"
