"""Tasks asked for over HTTP, as many as a test needs."""

from collections.abc import Collection

import httpx


def ask(http: httpx.Client, n: int = 1, *, exclude: Collection[int] = (), **body) -> list[dict]:
    """The next `n` tasks. A feed gives what it has read so far, so it is asked again until all have come or none does.

    `exclude`: task hashes that are held already; `body`: what else the request says.
    """
    tasks = []
    while len(tasks) < n:
        held = [*exclude, *(task["_task_hash"] for task in tasks)]
        response = http.post("/get_session_questions", json={"n": n - len(tasks), "exclude": held, **body})
        assert response.status_code == 200, response.text
        more = response.json()["tasks"]
        if not more:
            break
        tasks += more
    return tasks
