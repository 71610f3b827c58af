"""Losses against values worked out by hand, against torch's own, and one contract for all of the family."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest

torch = pytest.importorskip("torch")
from torch.nn import functional  # noqa: E402

from dovetail.errors import UnknownName  # noqa: E402
from dovetail.training import losses  # noqa: E402
from dovetail.training.losses import LOSSES, load_loss  # noqa: E402

Tensor = torch.Tensor


def noise(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def numbers(*values: float) -> Tensor:
    return torch.tensor(values)


GROUPS = torch.tensor([0, 0, 1, 1, 2, 3])
GRADES = numbers(1, 0, 2, 0, 1, 2)
# What learns in each loss, and the loss as a function of it. A new loss needs a line here, and is then tested.
WAYS: dict[str, tuple[Tensor, Callable[[Tensor], Tensor]]] = {
    "supcon": (noise(6, 8), lambda x: losses.supervised_contrastive(x, GROUPS)),
    "multiple-negatives": (
        noise(6, 8),
        lambda x: losses.multiple_negatives(x, noise(6, 8, seed=1), noise(6, 2, 8, seed=2), groups=GROUPS),
    ),
    "triplet": (noise(6, 8), lambda x: losses.triplet(x, noise(6, 8, seed=1), noise(6, 8, seed=2))),
    "batch-hard": (noise(6, 8), lambda x: losses.batch_hard(x, GROUPS)),
    "regression": (noise(6).tanh(), lambda x: losses.regression(x, GRADES)),
    "cosent": (noise(6).tanh(), lambda x: losses.cosent(x, GRADES)),
    "contrastive": (noise(6).tanh(), lambda x: losses.contrastive(x, GRADES > 0)),
    "binary": (noise(6), lambda x: losses.binary_cross_entropy(x, GRADES / 2, smoothing=0.1)),
    "focal": (noise(6), lambda x: losses.focal(x, GRADES > 0)),
    "classes": (noise(6, 4), lambda x: losses.cross_entropy(x, GROUPS)),
    "listwise": (noise(3, 4), lambda x: losses.listwise(x, noise(3, 4, seed=1))),
    "margin-mse": (noise(6), lambda x: losses.margin_mse(x, noise(6, seed=1), noise(6, seed=2), noise(6, seed=3))),
}


def test_every_loss_is_tried_here() -> None:
    assert set(WAYS) == set(LOSSES)


@pytest.mark.parametrize("name", LOSSES)
def test_contract(name: str) -> None:
    """A finite float32 scalar from 0 up, the same twice, that falls along its gradient; the input stays as it was."""
    given, loss = WAYS[name]
    before = given.clone()
    learning = given.clone().requires_grad_()
    value = loss(learning)
    assert value.shape == ()
    assert value.dtype == torch.float32
    assert float(value.detach()) >= 0
    assert float(value.detach()) == float(loss(given))
    value.backward()
    assert torch.isfinite(learning.grad).all()
    assert float(loss(given - 1e-3 * learning.grad)) < float(value.detach())
    assert torch.equal(given, before)
    assert callable(load_loss(name))


@pytest.mark.parametrize("name", LOSSES)
def test_gradient_is_that_of_the_value(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Finite differences need float64, which the losses turn into float32: here they are made to keep it."""
    monkeypatch.setattr(Tensor, "float", lambda self: self if self.dtype == torch.float64 else self.to(torch.float64))
    given, loss = WAYS[name]
    assert torch.autograd.gradcheck(loss, given.double().requires_grad_(), atol=1e-6)


@pytest.mark.parametrize("name", LOSSES)
def test_bfloat16_is_reckoned_in_float32(name: str) -> None:
    given, loss = WAYS[name]
    short = given.bfloat16()
    expected = loss(short.float())
    torch.testing.assert_close(loss(short), expected)
    learning = short.clone().requires_grad_()
    with torch.autocast("cpu", torch.bfloat16):
        value = loss(learning)
    torch.testing.assert_close(value, expected)
    value.backward()
    assert torch.isfinite(learning.grad).all()


def test_unknown_loss_names_the_near_one() -> None:
    with pytest.raises(UnknownName, match="supcon"):
        load_loss("supkon")


# supervised contrastive


def test_supervised_contrastive_by_hand() -> None:
    """Two equal rows and one at a right angle: each of the two sees cosines 1 and 0."""
    vectors = torch.tensor([[2.0, 0.0], [1.0, 0.0], [0.0, 3.0]])
    found = losses.supervised_contrastive(vectors, torch.tensor([7, 7, 8]), temperature=0.5)
    assert float(found) == pytest.approx(math.log(1 + math.exp(-2)), rel=1e-6)


def test_supervised_contrastive_against_a_slow_double_loop() -> None:
    vectors, groups, temperature = noise(9, 5), torch.tensor([0, 0, 0, 1, 1, 2, 3, 3, 4]), 0.2
    unit = functional.normalize(vectors)
    each = []
    for i in range(9):
        partners = [p for p in range(9) if p != i and groups[p] == groups[i]]
        below = sum(math.exp(float(unit[i] @ unit[a]) / temperature) for a in range(9) if a != i)
        if partners:
            logs = [float(unit[i] @ unit[p]) / temperature - math.log(below) for p in partners]
            each.append(-sum(logs) / len(logs))
    found = losses.supervised_contrastive(vectors, groups, temperature)
    assert float(found) == pytest.approx(sum(each) / len(each), rel=1e-5)


def test_a_batch_without_partners_teaches_nothing() -> None:
    for loss in (losses.supervised_contrastive, losses.batch_hard):
        learning = noise(4, 3).requires_grad_()
        value = loss(learning, torch.arange(4))
        value.backward()
        assert float(value.detach()) == 0
        assert float(learning.grad.abs().sum()) == 0


def test_zero_vectors_do_no_harm() -> None:
    learning = noise(4, 3)
    learning[1] = 0
    learning.requires_grad_()
    losses.supervised_contrastive(learning, torch.tensor([0, 0, 1, 1])).backward()
    assert float(learning.grad.abs().max()) < 100


# multiple negatives


def test_multiple_negatives_is_cross_entropy_over_the_batch() -> None:
    anchors, positives = noise(5, 8), noise(5, 8, seed=1)
    cosines = functional.normalize(anchors) @ functional.normalize(positives).T
    expected = functional.cross_entropy(cosines / 0.05, torch.arange(5))
    torch.testing.assert_close(losses.multiple_negatives(anchors, positives), expected)


def test_hard_negatives_are_further_wrong_answers_and_zeros_are_filling() -> None:
    anchors, positives, hard = noise(4, 8), noise(4, 8, seed=1), noise(4, 2, 8, seed=2)
    hard[1, 1] = 0
    hard[2] = 0
    unit = functional.normalize(anchors)
    cosines = unit @ functional.normalize(positives).T
    harder = torch.einsum("bd,bhd->bh", unit, functional.normalize(hard, dim=2))
    harder[1, 1] = harder[2, 0] = harder[2, 1] = -math.inf
    expected = functional.cross_entropy(torch.cat([cosines, harder], 1) / 0.1, torch.arange(4))
    torch.testing.assert_close(losses.multiple_negatives(anchors, positives, hard, 0.1), expected)


def test_positives_of_one_group_are_no_wrong_answers() -> None:
    """Two anchors of one thing, and nothing else: nothing is wrong, and the loss is 0."""
    same = torch.tensor([[1.0, 0.0], [1.0, 0.0]])
    assert float(losses.multiple_negatives(same, same)) == pytest.approx(math.log(2))
    assert float(losses.multiple_negatives(same, same, groups=torch.tensor([3, 3]))) == pytest.approx(0, abs=1e-7)


def test_both_ways_does_not_care_which_side_is_which() -> None:
    one, other = noise(5, 8), noise(5, 8, seed=1)
    torch.testing.assert_close(losses.both_ways(one, other), losses.both_ways(other, one))
    assert float(losses.multiple_negatives(one, other)) != pytest.approx(float(losses.multiple_negatives(other, one)))


# triplets


def test_triplet_by_hand() -> None:
    """Cosine to the positive 0.6, to the negative 0.8: with margin 0.3 the loss is 0.5; a clear case costs nothing."""
    anchor = torch.tensor([[1.0, 0.0], [1.0, 0.0]])
    positive, negative = torch.tensor([[3.0, 4.0], [1.0, 0.0]]), torch.tensor([[4.0, 3.0], [0.0, 1.0]])
    assert float(losses.triplet(anchor, positive, negative)) == pytest.approx(0.5 / 2)


def test_batch_hard_takes_the_worst_of_each() -> None:
    vectors, groups = noise(8, 4), torch.tensor([0, 0, 0, 1, 1, 2, 2, 3])
    unit = functional.normalize(vectors)
    each = []
    for i in range(7):  # the last row has no partner
        near = min(float(unit[i] @ unit[j]) for j in range(8) if j != i and groups[j] == groups[i])
        far = max(float(unit[i] @ unit[j]) for j in range(8) if groups[j] != groups[i])
        each.append(max(0.0, far - near + 0.3))
    assert float(losses.batch_hard(vectors, groups)) == pytest.approx(sum(each) / 7, rel=1e-5)


# pairs


def test_regression_by_hand() -> None:
    assert float(losses.regression(numbers(0.5, -1, 0.25), numbers(1, 0, 0.25))) == pytest.approx(1.25 / 3)


def test_cosent_by_hand() -> None:
    """One pair in the wrong order by 0.1 and one equal: log(1 + e² + e⁰) at scale 20."""
    found = losses.cosent(numbers(0.5, 0.6, 0.5), numbers(1, 0, 0))
    assert float(found) == pytest.approx(math.log(1 + math.exp(2) + 1), rel=1e-5)


def test_cosent_compares_within_a_query_only() -> None:
    cosines, grades = numbers(0.1, 0.9), numbers(1, 0)
    assert float(losses.cosent(cosines, grades)) == pytest.approx(16, abs=1e-3)
    assert float(losses.cosent(cosines, grades, within=torch.tensor([0, 1]))) == 0


def test_contrastive_by_hand() -> None:
    found = losses.contrastive(numbers(0.8, 0.9, 0.3), numbers(1, 0, 0))
    assert float(found) == pytest.approx(0.5 * (0.2**2 + 0.4**2 + 0) / 3, rel=1e-5)


# decisions


def test_binary_cross_entropy_is_that_of_torch() -> None:
    logits, labels, weights = noise(7), torch.rand(7), torch.rand(7) + 0.1
    expected = functional.binary_cross_entropy_with_logits(logits, labels)
    torch.testing.assert_close(losses.binary_cross_entropy(logits, labels), expected)
    each = functional.binary_cross_entropy_with_logits(logits, labels * 0.8 + 0.1, reduction="none")
    found = losses.binary_cross_entropy(logits, labels, weights, smoothing=0.2)
    torch.testing.assert_close(found, (each * weights).sum() / weights.sum())


def test_binary_cross_entropy_of_certain_logits_is_finite() -> None:
    found = losses.binary_cross_entropy(numbers(1e4, -1e4, 1e4), numbers(1, 0, 0))
    assert float(found) == pytest.approx(1e4 / 3)


def test_focal_by_hand() -> None:
    logits = numbers(math.log(9), math.log(9))  # p = 0.9
    found = losses.focal(logits, numbers(1, 0))
    assert float(found) == pytest.approx((0.1**2 * -math.log(0.9) + 0.9**2 * -math.log(0.1)) / 2, rel=1e-5)
    plain = losses.binary_cross_entropy(logits, numbers(1, 0))
    torch.testing.assert_close(losses.focal(logits, numbers(1, 0), gamma=0), plain)


def test_cross_entropy_is_that_of_torch() -> None:
    logits, labels = noise(6, 4), torch.tensor([0, 3, 1, 2, 2, 0])
    expected = functional.cross_entropy(logits, labels, label_smoothing=0.1)
    torch.testing.assert_close(losses.cross_entropy(logits, labels, smoothing=0.1), expected)
    soft = noise(6, 4, seed=1).softmax(1)
    torch.testing.assert_close(losses.cross_entropy(logits, soft), functional.cross_entropy(logits, soft))


def test_rows_without_a_class_are_passed_over() -> None:
    logits, labels = noise(6, 4), torch.tensor([0, -1, 1, 2, -1, 0])
    expected = functional.cross_entropy(logits, labels, ignore_index=-1)
    torch.testing.assert_close(losses.cross_entropy(logits, labels), expected)
    assert float(losses.cross_entropy(logits, torch.full((6,), -1))) == 0


# teachers


def test_listwise_is_the_divergence_of_torch() -> None:
    scores, teacher = noise(5, 6), noise(5, 6, seed=1)
    given = (scores / 2).log_softmax(1), (teacher / 2).log_softmax(1)
    expected = functional.kl_div(*given, reduction="batchmean", log_target=True)
    torch.testing.assert_close(losses.listwise(scores, teacher, temperature=2), expected)
    assert float(losses.listwise(teacher, teacher)) == pytest.approx(0, abs=1e-7)


def test_listwise_does_not_read_filling() -> None:
    scores, teacher = noise(2, 4), noise(2, 4, seed=1)
    known = torch.tensor([[True, True, True, False], [False] * 4])
    expected = losses.listwise(scores[:1, :3], teacher[:1, :3])
    torch.testing.assert_close(losses.listwise(scores, teacher, known=known), expected)


def test_margin_mse_by_hand() -> None:
    found = losses.margin_mse(numbers(3, 1), numbers(1, 1), numbers(10, 4), numbers(9, 2))
    assert float(found) == pytest.approx(((2 - 1) ** 2 + (0 - 2) ** 2) / 2)
