"""What grows among the metrics of this process while something is done."""

from collections.abc import Iterator
from contextlib import contextmanager

from schema.measures import MEASURES


def counted() -> dict[str, float]:
    """Every count and gauge of now, by its name and its labels in the order of their names."""
    return {
        " ".join((sample.name.removeprefix("credits_"), *sample.labels.values())): sample.value
        for metric in MEASURES.collect()
        for sample in metric.samples
        if not sample.name.endswith(("_created", "_bucket", "_sum"))
    }


@contextmanager
def growing(*starts: str) -> Iterator[dict[str, float]]:
    """What has grown by the end of the block, and by how much; only of names that start so."""
    before, grown = counted(), dict[str, float]()
    yield grown
    for name, value in counted().items():
        if name.startswith(starts) and value != before.get(name, 0):
            grown[name] = value - before.get(name, 0)
