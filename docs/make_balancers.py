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
HEAD = """# Balancers

A balancer turns the losses of several tasks into one update. `model.compile(..., balancer="nash_mtl")` takes a name of this table, an object, a mapping such as `{"kind": "cagrad", "c": 0.4}`, or a function; in an experiment's file it is `[balancer]` with `kind`.

With K tasks. *Scale-invariant*: multiplying a loss by a constant does not change the direction. *Non-conflicting*: no loss rises along a small step. Neither is better in itself: equal weights respect the size that you gave each loss, and well-tuned constant weights are hard to beat.

| name | when | needs | scale-invariant | non-conflicting | paper |
|---|---|---|---|---|---|
"""
TAIL = """
## What all of them share

* A task without a label in a batch takes no part in it. A gradient that is zero, infinite or not a number takes no part in the balancing; if one task is left it has weight 1. If a method finds no finite weights, all tasks get equal ones, and `balancer_failures` counts it in the logs.
* If all tasks have the same gradient and a loss of 1, each has the weight 1, whatever the scale in the paper: a learning rate that suits the plain sum then suits every method. The exceptions take steps of a length of their own: {exceptions}. `reduction="mean"` divides by the number of tasks. MoCo and DB-MTL weigh running averages of gradients, not those of the batch.
* `loss_weights` are preferences: a part of the method where it has them (Nash-MTL, FairGrad, CAGrad, Aligned-MTL, UPGrad, DualProj, IMTL, ConFIG, DB-MTL, SDMGrad), else factors of the losses.
* Methods that look at gradients balance the *shared* parameters, those that reach two outputs or more; the model's graph tells which. Own parameters get their own task's plain gradient; `scale_heads=True` gives them the weights as well.
* `gradients="representation"` takes gradients with respect to the tensors where shared layers meet own ones, for about the cost of the plain sum. `update_every=n` keeps weights for n steps. `clip_norm` shortens each task's gradient first.
* Per epoch the logs have `<task>_weight`, and for gradient-based ones `<task>_gradient_norm`, `conflict` (share of steps in which two gradients pointed apart), `balancer_failures` and `balancer_residual` (how far the weights are from the method's own condition, free of the gradients' scale: near 0, or, where gradients allow no such weights, near 1; only for methods that have one); `model.balancing` has these and the matrix of mean cosines. `diagnostics=False` switches it off.
* MoDo and SDMGrad need two independent mini-batches: each batch is split into its even and its odd rows. CR-MOGM wraps another balancer, `{"kind": "cr_mogm", "balancer": {"kind": "cagrad", "c": 0.4}}`.
* State (running averages, learned weights, counters) is saved with the model and restored with it.
* An object given to `compile` is a declaration: each model makes a copy with a state of its own, `model.balancer`, so one object may be given to several models, of any number of tasks.

## One of your own

1. A function is enough: `balancer=lambda losses, present: 1 / (losses + 1)` returns weights from the losses; with a third argument it gets the Gramian of the gradients, `(K, K)`.
2. For state or arguments, a class: extend `Balancer` (define `objective` or `weigh`), `GramianBalancer` (define `weigh(losses, present, gramian)`), `HalvesBalancer` (likewise, with inner products between the two halves of a batch) or `JacobianBalancer` (define `combine`). State is made in `build` with `add_state`.
3. Keep each argument of the constructor under its own name (`self.strength = strength`), or return it from `get_config`: that is how a model makes its own copy, and how it is saved.
4. Register it, `@keras.saving.register_keras_serializable("my_package")`, so that the model can be saved, and hand an object to `compile`.
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
    for name, cls in registry.classes(balancers, balancers.Balancer).items():
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
