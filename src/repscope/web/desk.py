"""Desk: answers questions one after another in a thread of its own, with progress, and remembers the answers."""

import traceback
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from queue import SimpleQueue
from threading import Lock, Thread
from typing import Any, Literal

from repscope.encoders import available, load
from repscope.errors import RepscopeError, Stopped, UnknownName
from repscope.extract.remembered import Remembered
from repscope.report import Report
from repscope.web.absent import Absent
from repscope.web.library import Library
from repscope.web.question import ANALYSES, Question

Where = Literal["waiting", "loading", "looking", "done", "failed", "stopped"]
OVER = ("done", "failed", "stopped")
KEPT, LOADED = 24, 8


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a question stands; `said` is an encoder's name while loading, the message where it failed."""

    where: Where = "waiting"
    done: int = 0
    total: int = 0
    said: str = ""

    @property
    def over(self) -> bool:
        return self.where in OVER


@dataclass(eq=False)
class Task:
    """A question on its way to its report.

    Attributes:
        photos: Tells whether one of them was changed since.
        error: What a person can mend, where it failed for that.
        waiting: How many wait for it.
    """

    question: Question
    photos: object = None
    progress: Progress = field(default_factory=Progress)
    report: Report | None = None
    error: RepscopeError | None = None
    waiting: int = 0
    unwanted: bool = False

    @property
    def over(self) -> bool:
        return self.progress.over


class Desk:
    """One question at a time: an encoder takes every core as it is.

    Encoders are asked for by name only, but for those that were named when the server was started: a page must not
    choose which files of this machine are read.

    Attributes:
        closed: Nothing is answered any more; who waits need not.
    """

    def __init__(self, library: Library, chosen: Sequence[str] = ()):
        self.library, self.known = library, {*available(), *chosen}
        self.encoders: OrderedDict[str, Remembered] = OrderedDict()
        self.closed = False
        self._tasks: OrderedDict[Question, Task] = OrderedDict()
        self._queue: SimpleQueue[Task | None] = SimpleQueue()
        self._lock = Lock()
        self._thread = Thread(target=self._work, name="desk", daemon=True)
        self._thread.start()

    def ask(self, question: Question) -> Task:
        """The task of a question: a new one, or the one that others wait for or that was answered before.

        Raises UnknownName for an encoder that is not known here, Absent for a photo that is not there.
        """
        for name in question.models:
            if name not in self.known:
                raise UnknownName("encoder", name, self.known)
        photos = self.library.state(question.photos)
        with self._lock:
            task = self._tasks.get(question)
            if task is None or task.photos != photos or task.unwanted or task.progress.where in ("failed", "stopped"):
                task = self._tasks[question] = Task(question, photos)
                self._queue.put(task)
            self._tasks.move_to_end(question)
            while len(self._tasks) > KEPT and next(iter(self._tasks.values())).over:
                self._tasks.popitem(last=False)
            return task

    def asked(self, question: Question) -> Task:
        """The task of a question that was asked; raises Absent."""
        with self._lock:
            task = self._tasks.get(question)
        if task is None:
            raise Absent("That question was not asked, or long ago: ask it again.")
        return task

    def answer(self, question: Question) -> Report | None:
        """The report that was last given to a question, if any is remembered."""
        with self._lock:
            task = self._tasks.get(question)
        return task.report if task else None

    @contextmanager
    def waiting(self, task: Task) -> Iterator[None]:
        """Somebody waits for it meanwhile."""
        with self._lock:
            task.waiting += 1
        try:
            yield
        finally:
            with self._lock:
                task.waiting -= 1

    def stop(self, question: Question) -> bool:
        """One who waited does so no more; whether it stops, which it does not for one of several.

        What runs ends at the next photo.
        """
        with self._lock:
            task = self._tasks.get(question)
            if task is None or task.over or task.waiting > 1:
                return False
            _stop(task)
            return True

    def close(self) -> None:
        """Stop everything, for good."""
        with self._lock:
            self.closed = True
            for task in self._tasks.values():
                _stop(task)
        self._queue.put(None)

    def left(self, patience: float) -> bool:
        """Whether nothing is running any more after so many seconds."""
        self._thread.join(patience)
        return not self._thread.is_alive()

    def _work(self) -> None:
        while (task := self._queue.get()) is not None:
            if task.unwanted:
                self._tell(task, Progress("stopped"))
                continue
            try:
                report = self._answered(task)
                with self._lock:
                    task.report, task.progress = report, Progress("done")
            except Stopped:
                self._tell(task, Progress("stopped"))
            except RepscopeError as error:
                task.error = error
                self._tell(task, Progress("failed", said=str(error)))
            except Exception:  # a bug: its traceback for whoever started the server, a word for the page
                traceback.print_exc()
                self._tell(task, Progress("failed", said="A bug of repscope: the terminal shows its traceback."))

    def _tell(self, task: Task, progress: Progress) -> None:
        with self._lock:
            task.progress = progress

    def _answered(self, task: Task) -> Report:
        question = task.question
        images = self.library.given(question.photos)
        encoders, failed, errors = dict[str, Any](), list[tuple[str, str]](), list[RepscopeError]()
        for place, name in enumerate(question.models):
            self._step(task, Progress("loading", place, len(question.models), name))
            try:
                encoders[name] = self._loaded(name)
            except RepscopeError as error:
                failed.append((name, str(error)))
                errors.append(error)
        if len(encoders) < ANALYSES[question.analysis][1]:
            raise errors[0]

        def progress(done: int, total: int) -> None:
            self._step(task, Progress("looking", done, total))

        progress(0, len(images))
        return question.answer(images, encoders, failed, progress)

    def _step(self, task: Task, progress: Progress) -> None:
        self._tell(task, progress)
        if task.unwanted:
            raise Stopped

    def _loaded(self, name: str) -> Remembered:
        """The encoder of that name, loaded once; the one not asked for longest makes room."""
        if name not in self.encoders:
            self.encoders[name] = Remembered(load(name))
            if len(self.encoders) > LOADED:
                self.encoders.popitem(last=False)
        self.encoders.move_to_end(name)
        return self.encoders[name]


def _stop(task: Task) -> None:
    if not task.over:
        task.unwanted = True
        if task.progress.where == "waiting":
            task.progress = Progress("stopped")


def as_plain(progress: Progress) -> dict[str, Any]:
    """For the page."""
    return {"where": progress.where, "done": progress.done, "total": progress.total, "said": progress.said}
