"""`fit`: the loop around a compiled training step."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from itertools import islice
from typing import Any, NamedTuple

import wengert as wg
from wengert._core.source import explain
from wengert.errors import ArgumentError, FileError
from wengert.train.checkpoint import Checkpoints
from wengert.train.interrupt import noticed
from wengert.train.progress import board as board_in
from wengert.train.progress import line
from wengert.train.result import Outcome, Result
from wengert.train.run import Run
from wengert.train.step import evaluation, refuse_not_finite, rows_of, training_step


class Plan(NamedTuple):
    """What a training does, besides the steps."""

    batches: Any
    epochs: int
    validation: Any
    functions: dict[str, Callable[..., Any]]  # by name: the loss, and metrics
    patience: int | None
    min_delta: float
    checkpoints: Checkpoints | None
    every: int | None


def fit(
    loss: Callable[..., Any],
    params: Any,
    batches: Any,
    opt: wg.optim.Transformation,
    *,
    state: Any = (),
    epochs: int = 1,
    validation: Iterable[Any] | None = None,
    metrics: Mapping[str, Callable[..., Any]] | None = None,
    patience: int | None = None,
    min_delta: float = 0.0,
    checkpoint: Any = None,
    every: int | None = None,
    resume: bool = True,
    board: Any = None,
    progress: bool | None = None,
) -> Result:
    """Train: steps over batches, epoch after epoch.

    A step, that is the loss, its gradient and the update, is one compiled function.

    Args:
        loss: ``loss(params, state, batch, training) -> (value, state)``; `training` is
            True in a step, False in validation. See `supervised` for models.
        params: A pytree of arrays.
        batches: What an epoch goes over: a list of batches, or any iterable that may be
            gone over again; or a function of the number of the epoch that returns one,
            always the same for the same number. A batch is a pytree of arrays, with a
            row for each sample.
        opt: A transformation of `wengert.optim`, such as ``adam(1e-3)``.
        state: What the loss carries on from step to step, such as averages.
        epochs: How many.
        validation: Batches on which the loss is computed after each epoch; values are
            means over their rows.
        metrics: By name, more functions like `loss`, for validation.
        patience: End when the validation loss has not fallen for so many epochs.
        min_delta: By how much it has to fall to count.
        checkpoint: A folder for checkpoints, written after each epoch.
        every: Also write one after so many steps.
        resume: Go on from the checkpoint in the folder, if there is one, with the same
            results, to the last bit, as without the stop.
        board: A folder for TensorBoard's event files.
        progress: Whether to show a progress bar; None: if the output is a terminal.

    Returns:
        A `Result`. Ctrl-C ends the training after the step, and saves a checkpoint:
        see its `outcome`.

    Raises:
        TrainingError: the loss is NaN or infinite; the message names the step. The
            last checkpoint stays.
        FileError: a checkpoint is damaged or of another model, or cannot be written;
            or `resume` is False, and there is one.
        DTypeError, ShapeError: a batch is no pytree of arrays of numbers, or the loss
            no number.
        ArgumentError: an epoch has no batches, or fewer than were done.
        MissingLibraryError: safetensors (for checkpoints) or tensorboardX (for `board`)
            are not installed: the extra `train`.

    Example:
        >>> import numpy as np, wengert as wg
        >>> def loss(params, state, batch, training):
        ...     x, y = batch
        ...     return np.mean((x @ params["w"] - y) ** 2), state
        >>> x = np.eye(3)
        >>> params = {"w": np.zeros(3)}
        >>> batches = [(x, x @ np.array([1.0, 2.0, 3.0]))]
        >>> found = wg.train.fit(loss, params, batches, wg.optim.adam(0.1), epochs=200)
        >>> found.params["w"].round(2)
        array([1., 2., 3.])
        >>> print(found.outcome)
        all epochs are done
    """
    folder = None if checkpoint is None else Checkpoints(checkpoint)
    functions = {"loss": loss, **(metrics or {})}
    plan = Plan(
        batches, epochs, validation, functions, patience, min_delta, folder, every
    )
    _check(plan)
    run = Run(params, opt.init(params), state)
    if folder is not None and folder.exists():
        if not resume:
            _refuse_to_overwrite(folder)
        folder.restore(run)
    step, evaluate = training_step(loss, opt), evaluation(functions)
    with (
        noticed() as pressed,
        line(progress, epochs) as shown,
        board_in(board, run.progress.steps) as events,
    ):
        while run.progress.epoch < epochs and not _waited_enough(run, plan):
            shown.begin(run.progress.epoch, _length(plan, run.progress.epoch))
            if not _epoch(run, plan, step, pressed, (shown, events)):
                return _result(run, Outcome.INTERRUPTED)
            record = _end_epoch(run, plan, evaluate)
            shown.end(record)
            events.end(record)
    early = run.progress.epoch < epochs
    return _result(run, Outcome.STOPPED_EARLY if early else Outcome.FINISHED)


def _check(plan: Plan) -> None:
    for name, value in (("epochs", plan.epochs), ("patience", plan.patience)):
        if value is not None and value < 1:
            _refuse(f"{name}={value}", "give a number from 1 on")
    if plan.every is not None and (plan.every < 1 or plan.checkpoints is None):
        _refuse(
            f"every={plan.every}, checkpoint="
            f"{plan.checkpoints and str(plan.checkpoints.folder)!r}",
            "give a number of steps from 1 on, and a folder",
        )
    if plan.patience is not None and plan.validation is None:
        _refuse("patience without validation", "give batches for validation")
    if (
        isinstance(plan.validation, Iterable)
        and iter(plan.validation) is plan.validation
    ):
        _refuse("validation can be gone over once only", "give a list of batches")


def _refuse(what: str, fix: str) -> None:
    raise ArgumentError(explain(f"fit: {what}", fix=fix))


def _refuse_to_overwrite(folder: Checkpoints) -> None:
    raise FileError(
        explain(
            f"fit: {folder.folder} has a checkpoint, and resume=False",
            fix="give another folder, remove this one, or go on from it: resume=True",
        )
    )


def _waited_enough(run: Run, plan: Plan) -> bool:
    return plan.patience is not None and run.progress.waited >= plan.patience


def _of_epoch(plan: Plan, epoch: int) -> Any:
    return plan.batches(epoch) if callable(plan.batches) else plan.batches


def _length(plan: Plan, epoch: int) -> int | None:
    batches = plan.batches
    return len(batches) if hasattr(batches, "__len__") else None


def _epoch(
    run: Run, plan: Plan, step: Any, pressed: Callable[[], bool], shows: Any
) -> bool:
    """The steps of an epoch that are left; False where Ctrl-C has ended them."""
    shown, events = shows
    batches = iter(_of_epoch(plan, run.progress.epoch))
    done = sum(1 for _ in islice(batches, run.progress.batch))
    if done < run.progress.batch:
        _refuse(
            f"epoch {run.progress.epoch + 1} has {done} batches, and "
            f"{run.progress.batch} were done before the checkpoint",
            "go on with the data that the training began with",
        )
    for batch in batches:
        value = _step(run, step, batch)
        shown.step(run.progress.batch, value)
        events.step(run.progress.steps, value)
        due = plan.every is not None and run.progress.steps % plan.every == 0
        if plan.checkpoints is not None and (due or pressed()):
            plan.checkpoints.save(run)
        if pressed():
            return False
    if run.progress.batch == 0:
        _refuse(
            f"epoch {run.progress.epoch + 1} has no batches",
            "give a list of batches, or a function of the epoch that makes them: a "
            "generator can be gone over once only",
        )
    return True


def _step(run: Run, step: Any, batch: Any) -> float:
    at, arrays = run.progress, run.arrays
    where = f"epoch {at.epoch + 1}, batch {at.batch + 1} (step {at.steps + 1})"
    rows_of(batch, where)
    try:
        params, opt_state, state, value = step(
            arrays.params, arrays.opt_state, arrays.state, batch
        )
    except Exception as error:
        error.add_note(f"  in {where} of wg.train.fit")
        raise
    refuse_not_finite(value, batch, arrays.params, where)
    run.arrays = arrays._replace(params=params, opt_state=opt_state, state=state)
    run.progress = at.stepped(float(value))
    return float(value)


def _end_epoch(run: Run, plan: Plan, evaluate: Any) -> dict[str, float]:
    """Validation, what is best so far, and a checkpoint."""
    at = run.progress
    record = {
        "epoch": at.epoch + 1,
        "steps": at.steps,
        "loss": at.total / at.batch,
        **_validated(run, plan, evaluate),
    }
    value = record.get("val_loss", record["loss"])
    run.progress = at.ended(record, value, plan.min_delta)
    if run.progress.waited == 0:
        best = {"best_params": run.arrays.params, "best_state": run.arrays.state}
        run.arrays = run.arrays._replace(**best)
    if plan.checkpoints is not None:
        plan.checkpoints.save(run)
    return record


def _validated(run: Run, plan: Plan, evaluate: Any) -> dict[str, float]:
    """The means of loss and metrics over the rows of the validation."""
    if plan.validation is None:
        return {}
    sums, rows = [0.0] * len(plan.functions), 0
    for k, batch in enumerate(plan.validation):
        n = rows_of(batch, f"batch {k + 1} of the validation")
        values = evaluate(run.arrays.params, run.arrays.state, batch)
        sums = [a + n * float(b) for a, b in zip(sums, values, strict=True)]
        rows += n
    if rows == 0:
        _refuse("validation has no batches", "give a list of batches, or None")
    means = [total / rows for total in sums]
    return {f"val_{name}": x for name, x in zip(plan.functions, means, strict=True)}


def _result(run: Run, outcome: Outcome) -> Result:
    arrays, at = run.arrays, run.progress
    return Result(
        arrays.params,
        arrays.state,
        arrays.opt_state,
        arrays.best_params,
        arrays.best_state,
        [dict(record) for record in at.history],
        at.steps,
        outcome,
    )
