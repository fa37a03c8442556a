"""A feed: every row once an epoch, in an order that seed, epoch and step alone decide."""

import functools
import itertools
import time

import keras
import numpy as np
import pandas as pd
import pytest

from mtl_keras.errors import ConfigError, DataError
from mtl_keras.feeding import Blocks, Feed
from mtl_keras.feeding.blocks import Share, blocks_of_arrays
from mtl_keras.training import Data, Fitting, Training
from tests.training.test_best_epoch import model

ROWS = [50, 0, 7, 93, 61]  # of each group
FIRST = np.cumsum([0, *ROWS])
TOTAL = sum(ROWS)
X = np.random.default_rng(0).normal(size=(TOTAL, 3)).astype("float32")
Y = {
    "a": (X[:, 0] > 0).astype("float32"),
    "b": np.where(np.arange(TOTAL) % 5 == 0, np.nan, X[:, 1]).astype("float32"),
    "c": X[:, :2].copy(),
}


def chunk(start: int, stop: int):
    rows = slice(start, stop)
    return {"rows": X[rows]}, {task: labels[rows] for task, labels in Y.items()}, {}


def read(group: int, first: int = 0, size: int = 20, wait: bool = False):
    for start in range(FIRST[group] + first, FIRST[group + 1], size):
        time.sleep(0.002 * (group == 3) * wait)  # readers differ in speed
        yield chunk(start, min(start + size, FIRST[group + 1]))


def feed(**options) -> Feed:
    defaults = {"read": read, "rows": ROWS, "like": chunk(0, 2)}
    small = {"buffer_rows": 40, "batches_per_block": 3}
    return Feed(**(defaults | small | options))


def order(feed: Feed, batch_size=8, epochs=1, **start) -> list[int]:
    """The rows in the order in which they are fed, by their numbers."""
    number = {tuple(row): place for place, row in enumerate(X)}
    blocks, rows = feed.blocks(batch_size, **start), []
    wanted = TOTAL * epochs - start.get("first_step", 0) * batch_size
    for x, y, _, ruler in blocks.dataset():
        assert len(y["b"]) == len(x["rows"]) and ruler.shape[1] == batch_size
        assert len(x["rows"]) % batch_size == 0 or (len(rows) + len(x["rows"])) % TOTAL == (
            wanted % TOTAL
        )
        rows += [number[tuple(row)] for row in x["rows"].numpy()]
        if len(rows) >= wanted:
            return rows[:wanted]
    raise AssertionError("the data set ended")


def together(blocks: Blocks, processes: int):
    """The batches that several processes have together, endless; a list of their parts each."""
    streams = [iter(blocks.dataset(Share(k, processes))) for k in range(processes)]
    for of_all in zip(*streams):
        (batches, size, *_), *others = {tuple(block[-1].shape) for block in of_all}
        assert not others
        for number in range(batches):
            rows = slice(number * size, (number + 1) * size)
            cut = functools.partial(keras.tree.map_structure, lambda t, rows=rows: t[rows].numpy())
            yield [cut(block[:3]) for block in of_all]


def union(parts):
    """Parts of a batch as one."""
    return keras.tree.map_structure(lambda *each: np.concatenate(each), *parts)


def numbers(parts) -> list[list[int]]:
    """The rows of each part, by their numbers."""
    number = {tuple(row): place for place, row in enumerate(X)}
    return [[number[tuple(row)] for row in part[0]["rows"]] for part in parts]


def first_batches(count: int, processes: int, batch_size=24, first_step=0, **options):
    blocks = feed(**options).blocks(batch_size, first_step=first_step)
    return [numbers(parts) for parts in itertools.islice(together(blocks, processes), count)]


@pytest.mark.parametrize("processes", [3, 6])  # 4 groups have rows
def test_processes_have_equal_shares_that_are_all_rows(processes):
    steps = -(-TOTAL // 24)
    batches = first_batches(2 * steps, processes)
    for epoch in (batches[:steps], batches[steps:]):
        assert sorted(row for parts in epoch for part in parts for row in part) == list(
            range(TOTAL)
        )
        sizes = np.array([[len(part) for part in parts] for parts in epoch])
        assert (sizes[:-1] == 24 // processes).all() and sizes[-1].sum() == TOTAL % 24 == 19
        assert np.ptp(sizes.sum(axis=0)) <= 1  # the last parts differ by a row
    assert first_batches(4, processes, first_step=3) == batches[3:7]
    slow = first_batches(3, processes, read=lambda *place: read(*place, wait=True))
    assert slow == batches[:3] != first_batches(3, processes, seed=1)


def test_processes_do_not_draw_from_the_same_places():
    fed = feed(
        rows=[100, 100], read=lambda group, first: iter([chunk(100 * group, 100 * group + 100)])
    )
    (parts,) = (numbers(parts) for parts in itertools.islice(together(fed.blocks(80), 2), 1))
    one, two = ([row % 100 for row in part] for part in parts)
    assert len(one) == len(two) == 40 and sum(map(int.__eq__, one, two)) < 10


def test_a_process_divides_its_share_among_its_replicas():
    blocks = feed().blocks(24)
    (whole,) = blocks.dataset(Share(1, 2)).take(1)
    halves = list(blocks.dataset(Share(1, 2, replicas=2)).take(2))
    assert [tuple(block[-1].shape) for block in (whole, *halves)] == [
        (3, 12, 3, 0),
        *[(3, 6, 3, 0)] * 2,
    ]
    each = [block[0]["rows"].numpy().reshape(3, -1, 3) for block in (whole, *halves)]
    assert (each[0] == np.concatenate(each[1:], axis=1)).all()
    with pytest.raises(ConfigError, match="multiple of the 10 replicas that share each batch"):
        blocks.dataset(Share(0, 5, replicas=2))


@pytest.mark.parametrize("share", [Share(), Share(replicas=2)], ids=str)
def test_blocks_are_not_tuned(share):
    """To delete a tuned iterator often takes a second, at the end of an epoch."""
    of_arrays = blocks_of_arrays((np.zeros([8, 1]), {"a": np.zeros(8)}, {}), batch_size=4)
    for blocks in (feed().blocks(24), of_arrays):
        assert blocks.dataset(share).options().autotune.enabled is False


def test_a_last_batch_of_fewer_rows_than_processes_leaves_some_without():
    one = {"read": lambda group, first: iter([chunk(first, 9)]), "rows": [9]}
    sizes = [[len(part) for part in parts] for parts in first_batches(4, 4, batch_size=8, **one)]
    assert sizes[:2] == sizes[2:] == [[2, 2, 2, 2], [0, 0, 0, 1]]
    (parts,) = first_batches(1, 4, batch_size=9, **one)  # all in one step
    assert [len(part) for part in parts] == [2, 2, 2, 3]


def reads(rows: list[int], processes: int) -> list[list[tuple[int, int]]]:
    """The groups that each process reads in an epoch, and from which row on."""
    asked: list[list] = [[] for _ in range(processes)]
    for process, own in enumerate(asked):

        def read(group, first, own=own):
            own.append((group, first))
            return iter([chunk(first, rows[group])])

        list(itertools.islice(feed(read=read, rows=rows)._epoch(0, process, processes, 99), 3))
    return asked


def test_a_process_reads_the_groups_of_its_share_alone():
    assert [len(own) for own in reads([10] * 24, 4)] == [6, 6, 6, 6]
    asked = reads([7] * 24, 5)  # cuts are within groups, which two processes read
    assert all(24 / 5 - 1 <= len(own) <= 24 / 5 + 2 for own in asked)
    assert sum(map(len, asked)) == 24 + 4
    assert reads([40], 4) == [[(0, 0)], [(0, 10)], [(0, 20)], [(0, 30)]]


@pytest.mark.parametrize("wrong", [-1, 1])
def test_a_group_with_another_number_of_rows_is_told_of(wrong):
    fed = feed(rows=[50, 0, 7, 93 + wrong, 61])
    told = rf"read\(3, 0\)` gave 93 rows\. Expected {93 + wrong}, as `rows` says"
    with pytest.raises(DataError, match=told), fed.errors():
        list(itertools.islice(together(fed.blocks(24), 1), 9))


def test_every_row_comes_once_an_epoch_in_an_order_of_its_own():
    rows = order(feed(), epochs=2)
    first, second = rows[:TOTAL], rows[TOTAL:]
    assert sorted(first) == sorted(second) == list(range(TOTAL)) and first != second
    assert feed().blocks(8).steps == -(-TOTAL // 8) == 27
    together = np.abs(np.diff(first)) == 1
    assert together.mean() < 0.1  # rows that were neighbours in a file


def test_seed_epoch_and_step_alone_decide_the_order():
    rows = order(feed(), epochs=2)
    slow = feed(read=lambda group, first: read(group, first, wait=True))
    assert order(slow, epochs=2) == rows
    assert order(feed(), first_epoch=1) == rows[TOTAL:]
    assert order(feed(), first_step=5) == rows[40:TOTAL]
    assert feed().blocks(8, first_step=5).steps == 22
    assert order(feed(seed=1)) != rows[:TOTAL]


def test_a_network_trains_on_blocks_as_on_arrays_in_the_same_order():
    rows = order(feed(), batch_size=16)
    blocks = feed().blocks(16)
    assert blocks.steps == 14  # the last of 3 rows
    streamed, whole = model(), model()
    log = streamed.fit(blocks, epochs=1, verbose=0)
    x, y = {"rows": X[rows]}, {task: labels[rows] for task, labels in Y.items()}
    same = whole.fit(x, y, batch_size=16, shuffle=False, verbose=0)
    assert int(streamed.optimizer.iterations) == int(whole.optimizer.iterations) == 14
    assert log.history["loss"] == pytest.approx(same.history["loss"], rel=1e-4)
    for one, other in zip(streamed.get_weights(), whole.get_weights()):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-6)
    losses = streamed.evaluate(feed().blocks(16), return_dict=True, verbose=0)
    assert losses["loss"] == pytest.approx(
        streamed.evaluate(x, y, return_dict=True, verbose=0)["loss"], rel=1e-4
    )
    with pytest.raises(ConfigError, match="Leave out `steps_per_epoch`"):
        streamed.fit(blocks, steps_per_epoch=3)


def fitting(tmp_path, feed: Feed, **options) -> Fitting:
    x, y, weights = chunk(0, 30)
    data = Data(*({"train": part, "validation": part} for part in (x, y, weights)), feed=feed)
    training = Training(epochs=3, batch_size=8, average=0)
    return Fitting(data, training, tmp_path, "the same", show=lambda line: None, **options)


def test_what_was_trained_is_kept_when_a_file_vanishes_and_goes_on_within_the_epoch(tmp_path):
    reads = []

    def vanishing(group: int, first: int):
        reads.append(group)
        if len(reads) == 6:
            yield next(read(group, first))
            raise DataError("Row group 3 of c.parquet cannot be read.")
        yield from read(group, first)

    small = {"buffer_rows": 16, "batches_per_block": 4}
    whole = fitting(tmp_path / "whole", feed(**small)).fit(model())
    with pytest.raises(DataError, match=r"c\.parquet cannot be read\. The training so far is"):
        fitting(tmp_path / "cut", feed(read=vanishing, **small)).fit(model())
    said = []
    again = fitting(tmp_path / "cut", feed(**small), resume=True)
    resumed = Fitting(**{**vars(again), "show": said.append}).fit(model())
    assert said[0].startswith("resuming after epoch 1 and ") and said[0].endswith("of the next")
    pd.testing.assert_frame_equal(resumed.history, whole.history, rtol=1e-4)
    for one, two in zip(resumed.model.get_weights(), whole.model.get_weights()):
        np.testing.assert_allclose(one, two, rtol=1e-5, atol=1e-7)
