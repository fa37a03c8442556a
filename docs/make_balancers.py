"""Writes `docs/balancers.md` from the classes of `mtl_keras.balancers`.

Run `python docs/make_balancers.py`; a test fails where the page is not up to date.
"""

import inspect
import re
import sys
from pathlib import Path

from mtl_keras import balancers
from mtl_keras.declaring import registry

PAGE = Path(__file__).with_name("balancers.md")
COST = {
    "losses": "1 backward pass",
    "gramian": "K backward passes, a K × K matrix",
    "halves": "2K backward passes, a K × K matrix",
    "jacobian": "K backward passes, K stored gradients",
}
HEAD = """# Balancers compared

A balancer turns the losses of several tasks into one update. Choose one with `model.compile(..., balancer="nash_mtl")`, `balancer="nash_mtl"` in an experiment, or `kind` under `[balancer]` in a file. Instead of a name from this table, you can pass an object, a mapping such as `{"kind": "cagrad", "c": 0.4}`, or a function. [Choosing a balancer](explanation/choosing_a_balancer.md) says which one to try first.

K is the number of tasks. *Scale-invariant* means that multiplying a loss by a constant does not change the direction of the step. *Non-conflicting* means that no loss rises along a small step. Neither is better in itself: equal weights respect the size that you gave each loss, and well-tuned constant weights are hard to beat.

| name | when to use it | cost per step | scale-invariant | non-conflicting | paper |
|---|---|---|---|---|---|
"""
TAIL = """
## What all balancers have in common

* **Missing labels.** A task without a label in a batch is left out of that batch. A task whose gradient is zero, infinite or NaN is left out of the balancing (if half precision is why, the step is skipped and the loss scale lowered). If a single task remains, it has the weight 1. If a method finds no finite weights, all tasks get equal weights, and `balancer_failures` in the logs counts the step.
* **Scale.** If all tasks have the same gradient and a loss of 1, each has the weight 1, whatever the scale in the paper. A learning rate that suits the plain sum therefore suits every method. Some methods have a step length of their own instead: {exceptions}. `reduction="mean"` divides by the number of tasks. MoCo and DB-MTL use running averages of gradients, not those of the batch.
* **Preferences.** `loss_weights` are a part of the method if it has preferences (Nash-MTL, FairGrad, CAGrad, Aligned-MTL, UPGrad, DualProj, IMTL, ConFIG, DB-MTL, SDMGrad). Otherwise they multiply the losses. A task with the weight 0 is not trained, and left out like one without labels.
* **Parameters.** Methods on gradients balance the *shared* parameters, which are those that reach two outputs or more in the model's graph. Task-specific parameters get the plain gradient of their task; with `scale_heads=True`, it is multiplied by the task's weight.
* **Options.** `gradients="representation"` uses gradients with respect to the tensors where shared layers meet task-specific ones, for about the cost of the plain sum. `update_every=n` keeps the weights for n steps. `clip_norm` clips each task's gradient first.
* **Logs.** Each epoch logs `<task>_weight`. Methods on gradients also log `<task>_gradient_norm`, `conflict` (the share of steps in which two gradients point in opposite directions) and `balancer_failures`. Methods that solve a condition log `balancer_residual`, the distance of the weights from that condition, independent of the scale of the gradients: near 0, or near 1 if no weights fulfil it. `model.balancing` contains all of these and the matrix of mean cosines. `diagnostics=False` switches this off.
* **Special batches.** MoDo and SDMGrad need two independent mini-batches, so each batch is split into its even and its odd rows. CR-MOGM wraps another balancer: `{"kind": "cr_mogm", "balancer": {"kind": "cagrad", "c": 0.4}}`.
* **State.** Running averages, learned weights and counters are saved and restored with the model.
* **Reuse.** `compile` copies the object that you pass, and the copy, `model.balancer`, has its own state. You can therefore pass one object to several models with any number of tasks.

## Write your own balancer

1. If you need neither state nor arguments, write a function: `balancer=lambda losses, present: 1 / (losses + 1)` returns weights from the losses. With a third argument, it also gets the Gramian of the gradients, `(K, K)`.
2. Otherwise, write a class. Extend `Balancer` (define `objective` or `weigh`), `GramianBalancer` (define `weigh(losses, present, gramian)`), `HalvesBalancer` (the same, with inner products between the two halves of a batch) or `JacobianBalancer` (define `combine`). Create state in `build` with `add_state`.
3. Store each argument of the constructor under its own name (`self.strength = strength`), or return it from `get_config`. The model uses it to copy and to save the balancer.
4. Register the class with `@keras.saving.register_keras_serializable("my_package")`, so that the model can be saved, and pass an object to `compile`.
"""


def papers(cls: type) -> str:
    """The papers of a method, in short, each with a link."""
    section = re.search(r"References:\n((?:    .*\n)+)", inspect.getdoc(cls) + "\n")
    text = " ".join(section[1].split())
    shown = []
    for authors, venue, url in re.findall(
        r'([^":]+): "[^"]+", (.*?\d{4}),? ?(https\S+[^\s.,])?', text
    ):
        names = re.split(r"\. |\bof ", authors.strip())[-1].split(", ")
        name = names[0] + (" et al." if len(names) > 2 else f" and {names[1]}" if names[1:] else "")
        shown.append(f"[{name}]({url}), {venue}" if url else f"{name}, {venue}")
    return "; ".join(shown)


def page() -> str:
    """The whole page."""
    rows = []
    yes = {True: "yes", False: "no"}
    for name, cls in sorted(registry.classes(balancers, balancers.Balancer).items()):
        rows.append(
            f"| [`{name}`](reference/balancers.md#mtl_keras.balancers.{cls.__name__}) | {cls.when} "
            f"| {COST[cls.needs]} | {yes[cls.scale_invariant]} | {yes[cls.non_conflicting]} "
            f"| {papers(cls)} |"
        )
    classes = registry.classes(balancers, balancers.Balancer).values()
    exceptions = [f"{c.__name__} ({c.weight_if_alike})" for c in classes if c.weight_if_alike]
    tail = TAIL.replace("{exceptions}", ", ".join(exceptions))
    return HEAD + "\n".join(rows) + "\n" + tail


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    sys.stdout.write(f"wrote {PAGE}\n")
