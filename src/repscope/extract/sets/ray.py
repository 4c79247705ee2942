"""Ray: the shards of a job over an actor pool, on this machine or on a cluster; every worker writes what it encodes.

A worker that dies costs the shard it was at, which another does again: a shard is there whole or not at all.
"""

import logging
import os
import socket
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from repscope import errors
from repscope.encoders import Encoder, load
from repscope.encoders.load import sought
from repscope.errors import RepscopeError, UnfitData, UnknownName, Unsupported, WrongUsage
from repscope.extract.sets.job import Job, precision_of, weights_of
from repscope.extract.sets.plan import Shard
from repscope.extract.sets.run import Done, Run, here
from repscope.images.sets import image_set
from repscope.threads import take

INSTALL = "--engine ray wants Ray: pip install 'repscope[cluster]'."


@dataclass(frozen=True)
class Pool:
    """How the work is spread.

    Attributes:
        workers: Processes that encode.
        cpus, gpus: Of each; a part of a GPU where several share one.
        encoders: What is sent of each, as `sent` says.
    """

    workers: int
    cpus: int
    gpus: float
    encoders: tuple[Any, ...]

    def __call__(self, run: Run, todo: Sequence[Shard]) -> Iterator[Done]:
        """Each shard when a worker has written it, in no order."""
        if not todo:
            return
        ours = _started(self)
        try:
            yield from self._written(run, todo)
        finally:
            if ours:  # another pool may want more of this machine
                _stopped()

    def _written(self, run: Run, todo: Sequence[Shard]) -> Iterator[Done]:
        from ray.data import ActorPoolStrategy, DataContext, from_items

        context = DataContext.get_current()
        context.enable_progress_bars = False
        context.print_on_execution_start = False
        for name in ("ray", "ray.data"):
            logging.getLogger(name).setLevel(logging.ERROR)
        by_name = {shard.name: shard for shard in todo}
        numbers = from_items([{"shard": name} for name in by_name], override_num_blocks=len(by_name))
        written = numbers.map_batches(
            Worker,
            fn_constructor_args=(_light(run), self),
            batch_size=1,
            compute=ActorPoolStrategy(size=min(self.workers, len(todo))),
            num_cpus=self.cpus,
            num_gpus=self.gpus or None,
        )
        for batch in written.iter_batches(batch_size=1, prefetch_batches=0):
            said: dict[str, Any] = {str(name): values[0] for name, values in dict(batch).items()}
            if said["error"]:
                kind = getattr(errors, str(said["kind"]), UnfitData)
                raise (UnfitData if issubclass(kind, UnknownName) else kind)(str(said["error"]))
            run.told(int(said["images"]))
            yield by_name[str(said["shard"])], _failures(said)


class Worker:
    """An actor: it loads the encoders once, and then encodes and writes one shard after the other."""

    def __init__(self, run: Run, pool: Pool):
        take(pool.cpus)
        self.trouble: RepscopeError | None = None
        try:
            self._begin(run, pool)
        except RepscopeError as error:  # told by the first shard: an actor that does not start is started for ever
            self.trouble = error

    def _begin(self, run: Run, pool: Pool) -> None:
        looked = [_looking(each, pool) for each in pool.encoders]
        for encoder, weights in zip(looked, run.weights, strict=True):
            if weights_of(encoder) != weights:
                raise UnfitData(f"{encoder.contract.name} has other weights on a worker's machine; give all the same.")
        images = image_set(run.job.images.source) if run.job.images.source else run.job.images
        self.run = replace(run, job=Job(images, tuple(looked), run.job.asked), threads=max(pool.cpus, 2))
        self.run.folder.begin(self.run.job.plain())  # other images here than there would be found out

    def __call__(self, batch: dict[str, Any]) -> dict[str, list[Any]]:
        name = str(batch["shard"][0])
        if self.trouble is not None:
            return _row(name, error=str(self.trouble), kind=type(self.trouble).__name__)
        (shard,) = [shard for shard in self.run.job.shards if shard.name == name]
        failed: list[str] = []
        try:
            for _, failures in here(self.run, [shard]):
                failed = [f"{each['source']}\0{each['reason']}" for each in failures]
        except RepscopeError as error:  # a person's mistake: told as one, wherever it came up
            return _row(name, error=str(error), kind=type(error).__name__)
        return _row(name, len(shard), failed)


def _row(
    shard: str, images: int = 0, failed: Sequence[str] = (), error: str = "", kind: str = ""
) -> dict[str, list[Any]]:
    """What a worker says of a shard."""
    told = {"shard": shard, "images": images, "failed": [*failed], "error": error, "kind": kind}
    return {name: [value] for name, value in told.items()}


def sent(encoder: Encoder) -> Any:
    """Its name and precision, where every worker can load it itself; the encoder, where it is somebody's own."""
    name = encoder.contract.name
    try:
        sought(name)
    except RepscopeError:
        return encoder
    return name, precision_of(encoder)


def _looking(encoder: Any, pool: Pool) -> Encoder:
    if not isinstance(encoder, tuple):
        return encoder
    name, precision = encoder
    return load(name, precision=precision, device="cuda" if pool.gpus else "cpu")


def _failures(said: dict[str, Any]) -> list[dict[str, str]]:
    parted = (str(each).partition("\0") for each in said["failed"])
    return [{"source": source, "reason": reason} for source, _, reason in parted]


def _light(run: Run) -> Run:
    """The run as it is sent: without its encoders, which workers load, and without its list, where they can make it."""
    images = replace(run.job.images, parts=()) if run.job.images.source else run.job.images
    bare = Job(images, (), run.job.asked)
    return Run(bare, run.folder, weights=tuple(weights_of(encoder) for encoder in run.job.encoders))


def _knock(address: str) -> None:
    """Raises Unsupported where nobody answers: Ray would try for many minutes, and say nothing."""
    host, _, port = address.rpartition("/")[2].rpartition(":")
    if host and port.isdecimal():
        try:
            socket.create_connection((host, int(port)), timeout=10).close()
        except (OSError, OverflowError) as error:
            raise Unsupported(
                f"No Ray answers at RAY_ADDRESS {address} ({error}); unset it to start one here."
            ) from None


def _stopped() -> None:
    import ray

    ray.shutdown()


def _started(pool: Pool) -> bool:
    """Find Ray at RAY_ADDRESS, or start it here and say so; raises WrongUsage where the pool does not fit."""
    try:
        import ray
    except ImportError:
        raise Unsupported(INSTALL) from None
    wanted = pool.workers * pool.cpus + 1  # one is left for what Ray does itself: a pool that takes all waits for ever
    ours = not ray.is_initialized()
    if ours:
        address = os.environ.get("RAY_ADDRESS")
        _knock(address or "")
        try:
            if address:
                ray.init(address=address, log_to_driver=False, configure_logging=False)
            else:
                ray.init(num_cpus=wanted, include_dashboard=False, log_to_driver=False, configure_logging=False)
        except (ConnectionError, ValueError, RuntimeError, TimeoutError) as error:
            raise Unsupported(f"Ray does not start ({error}). RAY_ADDRESS is {address or 'not set'}.") from None
    there = ray.cluster_resources()
    for what, count in (("CPUs", wanted), ("GPUs", pool.workers * pool.gpus)):
        known = there.get(what[:-1], 0)
        if count > known:
            raise WrongUsage(
                f"{pool.workers} workers of {pool.cpus} CPUs and {pool.gpus:g} GPUs want {count:g} {what}, one CPU "
                f"left for Ray itself; there are {known:g}. Ask for fewer --workers."
            )
    return ours
