"""The database: tasks, answers, training runs, metrics and events. Also what passes between the processes."""

from teachbox.store.records import StoredAnswer, StoredEvent, StoredMetrics, StoredRun, StoredVersion
from teachbox.store.store import Store

__all__ = ["Store", "StoredAnswer", "StoredEvent", "StoredMetrics", "StoredRun", "StoredVersion"]
