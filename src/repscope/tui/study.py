"""Study: encoders loaded once, and photos asked of them in a thread of its own."""

import gc
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from threading import Event, Thread, current_thread
from typing import TYPE_CHECKING, Any

from repscope.errors import RepscopeError, Stopped, UnknownName, WrongUsage
from repscope.tui.answers import Answers
from repscope.tui.watched import Watched

if TYPE_CHECKING:
    from repscope.encoders.encoder import Framing
    from repscope.extract.remembered import Remembered
    from repscope.images import Photo

ALONE = "Comparing wants two encoders or more. Name them with -m a,b."


@dataclass(frozen=True, slots=True)
class Progress:
    """What is being done, and the share of all that is done."""

    words: str
    share: float


@dataclass(frozen=True, slots=True)
class Answered:
    """Answers as far as they go; `over` with the last."""

    answers: Answers
    over: bool = False


@dataclass(frozen=True, slots=True)
class Refused:
    """Nothing came of it; `fatal` where no other photo would mend that."""

    error: BaseException
    fatal: bool = False


Heard = Progress | Answered | Refused


class Study:
    """Encoders by name, and one run at a time that asks them; what becomes of it is told to a listener.

    The listener is called from the run's thread. A run that is stopped says nothing any more.
    """

    def __init__(
        self, names: Sequence[str], listener: Callable[[Heard], None], framing: "Framing" = "square", layer: int = -1
    ):
        self.names, self.listener, self.framing, self.layer = tuple(names), listener, framing, layer
        self.encoders: dict[str, Remembered] = {}
        self.failed: dict[str, str] = {}
        self.stop, self.thread = Event(), current_thread()

    def ask(self, photos: Sequence[str]) -> None:
        """Begin anew with these photos; an earlier run is left at its next step."""
        self.stop.set()
        self.stop = Event()
        self.thread = Thread(target=self._run, args=(list(photos), self.stop, self.thread), daemon=True)
        self.thread.start()

    def leave(self, patience: float = 1.0) -> bool:
        """Stop; whether nothing is running any more after so many seconds."""
        self.stop.set()
        if self.thread is not current_thread():
            self.thread.join(patience)
        return self.thread is current_thread() or not self.thread.is_alive()

    @property
    def forwards(self) -> int:
        """Photos that went through an encoder so far."""
        return sum(encoder.forwards for encoder in self.encoders.values())

    def _run(self, given: list[str], stop: Event, before: Thread) -> None:
        if before.daemon:
            before.join()

        def tell(heard: Heard) -> None:
            if not stop.is_set():
                self.listener(heard)

        run = _Run(self, stop, tell)
        try:
            run.all(given)
        except Stopped:
            pass
        except RepscopeError as error:
            tell(Refused(error, run.hopeless))
        except BaseException as error:  # a bug: the screen raises it where it is seen
            tell(Refused(error, fatal=True))


class _Run:
    """One run: load what is not loaded yet, compare, then inspect every encoder."""

    def __init__(self, study: Study, stop: Event, tell: Callable[[Heard], None]):
        self.study, self.stop, self.tell = study, stop, tell
        self.done, self.steps, self.share, self.hopeless = 0, 1, 0.0, False

    def all(self, given: list[str]) -> None:
        from repscope.images import gather

        study = self.study
        self.steps = max(len(study.names) - len(study.encoders), 0) + len(study.names) + 1
        self.say("reading photos")
        photos, skipped = gather(given)
        self.load()
        answers = Answers(
            study.names, refused=dict(study.failed), skipped=tuple((each.source, each.reason) for each in skipped)
        )
        answers = self.compare(photos, answers)
        if answers.compared:
            self.tell(Answered(answers))
        error: RepscopeError | None = None
        for name, encoder in study.encoders.items():
            try:
                report = self.inspect(photos, name, encoder)
                answers = replace(answers, inspected={**answers.inspected, name: report})
                self.tell(Answered(answers))
            except RepscopeError as refusal:
                error = error or refusal
                answers = replace(answers, refused={**answers.refused, name: str(refusal)})
            self.done += 1
        if error and answers.main is None:
            raise error
        gc.freeze()  # else a full collection passes over all that torch imported: .3 s in which no key is heard
        self.tell(Answered(answers, over=True))

    def load(self) -> None:
        """Encoders that are not there yet; one that cannot be loaded is kept with its reason."""
        from repscope.encoders import load
        from repscope.extract.remembered import Remembered

        for name in self.study.names:
            if name not in self.study.encoders and name not in self.study.failed:
                self.say(f"loading {name}")
                try:
                    self.study.encoders[name] = Remembered(Watched(load(name)))
                except (UnknownName, WrongUsage):
                    self.hopeless = True
                    raise
                except RepscopeError as error:
                    self.study.failed[name] = str(error)
                self.done += 1
        if not self.study.encoders and self.study.failed:
            name, reason = next(iter(self.study.failed.items()))
            raise RepscopeError(f"{name}: {reason}")

    def compare(self, photos: Sequence["Photo"], answers: Answers) -> Answers:
        """The comparison, or the reason why there is none."""
        from repscope.analyses.compare import compare

        encoders, failed = list(self.study.encoders.values()), tuple(self.study.failed.items())
        if len(encoders) < 2:
            return replace(answers, reason=ALONE)
        try:
            report = compare(photos, self.watched(encoders, "comparing"), failed=failed, **self.options("comparing"))
            return replace(answers, compared=report)
        except RepscopeError as error:
            return replace(answers, reason=str(error))
        finally:
            self.done += 1

    def inspect(self, photos: Sequence["Photo"], name: str, encoder: "Remembered") -> Any:
        from repscope.analyses.inspect import inspect

        doing = f"inspecting {name}"
        return inspect(photos, *self.watched([encoder], doing), **self.options(doing))

    def watched(self, encoders: Sequence["Remembered"], doing: str) -> Sequence[Any]:
        """The encoders, telling this run what they look at."""

        def looks(name: str, count: int) -> None:
            self.say(f"{doing}: {name}, {count} photo{'s' * (count > 1)}")

        for encoder in encoders:
            assert isinstance(encoder.encoder, Watched)
            encoder.encoder.listener = looks
        return encoders

    def options(self, doing: str) -> dict[str, Any]:
        def progress(done: int, total: int) -> None:
            self.say(f"{doing}: {done} of {total} photo{'s' * (total > 1)}", done / total)

        return {"framing": self.study.framing, "layer": self.study.layer, "progress": progress}

    def say(self, words: str, part: float = 0.0) -> None:
        """Tell how far it is; the place where a run that was stopped ends."""
        if self.stop.is_set():
            raise Stopped
        self.share = max(self.share, min((self.done + part) / self.steps, 1.0))
        self.tell(Progress(words, self.share))
