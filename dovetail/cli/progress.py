"""Progress on the console: one bar a step with the time left, on standard error."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from dovetail.types import Progress

_READ = ("align", "plan")  # steps whose outcome a person may want to change: said in full, before the next begins


@contextmanager
def shown(quiet: bool) -> Iterator[Callable[[Progress], None] | None]:
    """A function to hand each `Progress` to, or None where nothing shall be shown."""
    if quiet:
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, TaskID, TextColumn, TimeElapsedColumn, TimeRemainingColumn
    from rich.progress import Progress as Bars
    from rich.table import Column

    columns = (
        TextColumn("{task.description:<8}", table_column=Column(no_wrap=True, min_width=8)),
        BarColumn(bar_width=24),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}", table_column=Column(no_wrap=True, ratio=1)),  # what is too long is cut here
    )
    with Bars(*columns, console=Console(stderr=True), expand=True) as bars:
        tasks: dict[str, TaskID] = {}

        def show(progress: Progress) -> None:
            if progress.step not in tasks:
                tasks[progress.step] = bars.add_task(progress.step, total=progress.total, note="")
            task = tasks[progress.step]
            bars.update(task, completed=progress.done, total=progress.total)
            if progress.note:
                bars.update(task, note=progress.note)
            if progress.step in _READ and progress.done == progress.total > 1 and progress.note:
                line = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in progress.note)
                bars.console.print(f"{progress.step}: {line}", markup=False, highlight=False)

        yield show
