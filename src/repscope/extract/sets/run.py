"""Run: what is not done yet of a job, shard by shard, so that nothing is lost and nothing is done twice."""

import signal
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from repscope.encoders import Encoder
from repscope.errors import UnfitData, WrongUsage
from repscope.extract.sets.asked import Asked
from repscope.extract.sets.changed import unchanged
from repscope.extract.sets.job import Job
from repscope.extract.sets.plan import Shard, Share
from repscope.extract.sets.remembering import Remembering
from repscope.extract.sets.shard import put_together
from repscope.extract.sets.written import write
from repscope.images.sets import ImageSet
from repscope.store.cache import Cache
from repscope.store.job_folder import JobFolder

Progress = Callable[[int, int], None]
Done = tuple[Shard, Sequence[Mapping[str, str]]]
"""A shard that is written, and the images of it that failed: source and reason."""

Engine = Callable[["Run", Sequence[Shard]], Iterator[Done]]
"""Encodes and writes the shards that are to do, in any order, and says of each when it is there."""


@dataclass(eq=False)
class Run:
    """One run of a job: as far as it comes.

    Attributes:
        share: The shards that are this run's.
        threads: That read and decode.
        cache: Of what encoders have said before.
        max_failures: Images that may fail before it is given up; any number where not given.
        weights: Of the encoders, where the job has been sent without them.
        stopping: Set by whoever wants it to end after the shard it is at.
    """

    job: Job
    folder: JobFolder
    share: Share = field(default_factory=Share)
    threads: int = 2
    cache: Cache = field(default_factory=lambda: Cache(None))
    max_failures: int | None = None
    progress: Progress | None = None
    weights: tuple[str, ...] = ()
    stopping: bool = False
    seen: int = 0
    failed: int = 0

    def told(self, count: int) -> None:
        """So many more images were looked at."""
        self.seen += count
        if self.progress:
            self.progress(self.seen, sum(len(shard) for shard in self.mine))

    @property
    def mine(self) -> list[Shard]:
        return [shard for shard in self.job.shards if self.share.has(shard)]

    def check(self, failures: Sequence[Any]) -> None:
        """Count images that failed; raises UnfitData where there are too many."""
        self.failed += len(failures)
        if self.max_failures is not None and self.failed > self.max_failures:
            first = failures[0] if failures else {}
            raise UnfitData(
                f"{self.failed} images could not be read, and --max-failures is {self.max_failures}. One of them: "
                f"{first['source']}: {first['reason']} What is done is kept; mend them, or allow more."
            )


def begun(images: ImageSet, encoders: Sequence[Encoder], folder: JobFolder, asked: Asked) -> Job:
    """The job, laid down in its folder or found there; nothing is encoded yet.

    Raises WrongUsage and UnknownName for what cannot be kept, Unwritable for the folder of another job.
    """
    if not encoders:
        raise WrongUsage("A set is embedded by one encoder or more; name them with -m.")
    names = [encoder.contract.name for encoder in encoders]
    if len(set(names)) < len(names):
        raise WrongUsage("An encoder is named twice; name encoders that differ.")
    job = Job(images, tuple(encoders), asked.checked(encoders))
    if taken := [name for name in job.extra if name in job.widths or name in job.numbers]:
        raise WrongUsage(
            f"The source has a column {taken[0]!r}, which is what repscope calls one of its own; rename it."
        )
    folder.begin(job.plain())
    return job


def carried_on(run: Run, engine: Engine | None = None, *, verify: bool = False) -> bool:
    """Do what is not done yet of this run's shards; whether all shards of the job are there now.

    A run that is told to stop ends with the shard it is at, and says KeyboardInterrupt.

    Raises UnfitData where a shard that is done was made of other images, or too many images fail.
    """
    job, folder = run.job, run.folder
    done = folder.done()
    for shard in run.mine:
        if entry := done.get(shard.name):
            unchanged(folder, shard, entry, verify=verify)
            run.check(entry["failed"])
            run.told(len(shard))
    todo = [shard for shard in run.mine if shard.name not in done]
    with _interruptible(run):
        for shard, failures in (engine or here)(run, todo):
            done[shard.name] = {}
            run.check(failures)
            if run.stopping and not all(shard.name in done for shard in run.mine):
                raise KeyboardInterrupt
    return all(shard.name in done for shard in job.shards)


def here(run: Run, todo: Sequence[Shard]) -> Iterator[Done]:
    """In this process, one shard after the other."""
    job = run.job
    for shard, rows, failures, said in Remembering(job, run.cache).heard(todo, run.threads, run.told):
        by_name = dict(zip(job.names, said, strict=True))
        write(job, run.folder, put_together(shard, rows, failures, by_name, job.asked, job.pools))
        yield shard, [{"source": each.source, "reason": each.reason} for each in failures]


@contextmanager
def _interruptible(run: Run) -> Iterator[None]:
    """Ctrl-C ends the run after the shard it is at; a second one at once."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.getsignal(signal.SIGINT)

    def asked(number: int, frame: Any) -> None:  # noqa: ARG001
        signal.signal(signal.SIGINT, before)
        run.stopping = True

    signal.signal(signal.SIGINT, asked)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
