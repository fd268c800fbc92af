"""Training by the clock, with what has been rendered so far."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace

from sdedit_core.training import Progress, Run
from sdedit_core.training.files import write_text_line

from .clock import Clock, Pace
from .pictures import Landscapes

FLAT = 1 << 40  # steps in all before the first measurement: the rate is not falling
SLICE = 0.012  # of a run: between two looks at clock and folder
SAVE = 0.2  # of a run: between two saves


@dataclass
class Lesson:
    """One run's training.

    Args:
        run: the trainer and its files.
        source: the trainer's pictures.
        clock: of this run.
        pace: seconds a step, as far as known.
        save: called after the state was saved.
        report: called now and then.
        asked: whether somebody wants it to stop.
        beside: called between slices, for what else is to be looked after.
    """

    run: Run
    source: Landscapes
    clock: Clock
    pace: Pace
    save: Callable[[], None]
    report: Callable[[Progress], None]
    asked: Callable[[], bool]
    beside: Callable[[], None]

    def give(self) -> None:
        """Train until this run's time is over, or asked to stop; the state is saved then.

        Raises:
            ValueError: the run diverged; the last saved state stays.
        """
        trainer, clock, saved = self.run.trainer, self.clock, self.clock.elapsed()
        while clock.training_here() > 0 and not self.asked():
            steps = self.pace.steps(clock.training_left())
            trainer.settings = replace(trainer.settings, steps=FLAT if steps is None else trainer.step + steps)
            first, began = trainer.step, clock.elapsed()
            count = self.pace.steps(min(SLICE * clock.whole, clock.training_here())) or 2
            trainer.run(
                every=count, report=self._note, stop=lambda: clock.training_here() <= 0, until=trainer.step + count
            )
            self.pace.add(trainer.step - first, clock.elapsed() - began)
            self.source.grow()
            self.beside()
            if clock.elapsed() - saved > SAVE * clock.whole:
                self._save()
                saved = clock.elapsed()
        self._save()

    def _note(self, progress: Progress) -> None:
        write_text_line(self.run.log, asdict(progress))
        self.report(progress)

    def _save(self) -> None:
        self.run.save()
        self.save()
