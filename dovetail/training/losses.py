"""What tuning makes small: pure functions of tensors, each a scalar in float32 that gradients flow through.

Vectors need not be of unit length; they are scaled here. Every function reckons in float32, whatever comes in and
whatever automatic precision is switched on, and gives 0 where a batch holds nothing to learn from.

| name | what a label says | function |
|---|---|---|
| `supcon` | which rows belong together | `supervised_contrastive` |
| `multiple-negatives` | one right partner for each row | `multiple_negatives` |
| `triplet`, `batch-hard` | a right and a wrong partner; which rows belong together | `triplet`, `batch_hard` |
| `regression`, `cosent` | how alike two rows are: a share; an order | `regression`, `cosent` |
| `contrastive` | whether two rows are alike | `contrastive` |
| `binary`, `focal` | the probability of yes | `binary_cross_entropy`, `focal` |
| `classes` | one of several classes | `cross_entropy` |
| `listwise`, `margin-mse` | what a teacher thinks of candidates | `listwise`, `margin_mse` |
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING

from dovetail.errors import UnknownName

if TYPE_CHECKING:
    from torch import Tensor

LOSSES = {
    "supcon": "dovetail.training.losses:supervised_contrastive",
    "multiple-negatives": "dovetail.training.losses:multiple_negatives",
    "triplet": "dovetail.training.losses:triplet",
    "batch-hard": "dovetail.training.losses:batch_hard",
    "regression": "dovetail.training.losses:regression",
    "cosent": "dovetail.training.losses:cosent",
    "contrastive": "dovetail.training.losses:contrastive",
    "binary": "dovetail.training.losses:binary_cross_entropy",
    "focal": "dovetail.training.losses:focal",
    "classes": "dovetail.training.losses:cross_entropy",
    "listwise": "dovetail.training.losses:listwise",
    "margin-mse": "dovetail.training.losses:margin_mse",
}

_NEVER = -1e9  # stands for minus infinity, which would turn gradients into "not a number"


def load_loss(name: str) -> Callable[..., Tensor]:
    """A loss of the family by name."""
    if name not in LOSSES:
        raise UnknownName("loss", name, LOSSES)
    module, attribute = LOSSES[name].split(":")
    found: Callable[..., Tensor] = getattr(import_module(module), attribute)
    return found


def supervised_contrastive(vectors: Tensor, groups: Tensor, temperature: float = 0.07) -> Tensor:
    """How far rows (b, d) are from those of their own group (b,), against all others in the batch.

    The mean over rows with at least one partner of −mean over partners p of log softmax(cosine / temperature)[p].
    A row whose group stands once only repels, so a hard negative is a row with a group of its own.
    Source: Khosla et al., Supervised Contrastive Learning, NeurIPS 2020, equation 2 (L_out).
    """
    cosines = _cosines(vectors, vectors) / temperature  # (b, b)
    partner = (groups[:, None] == groups[None, :]).fill_diagonal_(False)  # (b, b)
    itself = (partner & False).fill_diagonal_(True)
    likely = cosines.masked_fill(itself, _NEVER).log_softmax(dim=1)  # (b, b)
    partners = partner.sum(dim=1)  # (b,)
    each = -(likely * partner).sum(dim=1) / partners.clamp(min=1)  # (b,)
    return _mean(each, partners > 0)


def multiple_negatives(
    anchors: Tensor,
    positives: Tensor,
    hard_negatives: Tensor | None = None,
    temperature: float = 0.05,
    groups: Tensor | None = None,
) -> Tensor:
    """How well each anchor (b, d) finds its own positive (b, d) among those of the others.

    `hard_negatives` (b, h, d) are further wrong answers for the anchor they stand with; a row of zeros is filling.
    `groups` (b,) says which anchors mean the same thing: the positive of one is no wrong answer for the other.
    Sources: Henderson et al., Efficient Natural Language Response Suggestion, 2017; InfoNCE of van den Oord et
    al., 2018.
    """
    cosines = _cosines(anchors, positives) / temperature  # (b, b)
    right = cosines.diagonal()  # (b,)
    if groups is not None:
        same = (groups[:, None] == groups[None, :]).fill_diagonal_(False)
        cosines = cosines.masked_fill(same, _NEVER)
    total = cosines.logsumexp(dim=1)  # (b,)
    if hard_negatives is not None and hard_negatives.shape[1]:
        harder = (_unit(anchors)[:, None, :] * _unit(hard_negatives)).sum(dim=2) / temperature  # (b, h)
        filling = hard_negatives.detach().abs().sum(dim=2) == 0
        total = total.logaddexp(harder.masked_fill(filling, _NEVER).logsumexp(dim=1))
    return _mean(total - right)


def both_ways(anchors: Tensor, positives: Tensor, temperature: float = 0.05, groups: Tensor | None = None) -> Tensor:
    """`multiple_negatives` from anchors to positives and back, halved: for sides that are alike, as two tables are.

    Source: Radford et al., Learning Transferable Visual Models (CLIP), 2021.
    """
    there = multiple_negatives(anchors, positives, None, temperature, groups)
    back = multiple_negatives(positives, anchors, None, temperature, groups)
    return (there + back) / 2


def triplet(anchors: Tensor, positives: Tensor, negatives: Tensor, margin: float = 0.3) -> Tensor:
    """How much nearer than `margin` the negative (b, d) comes than the positive, in cosine: mean of max(0, …).

    Source: Schroff et al., FaceNet, CVPR 2015, with 1 − cosine (half the squared distance of unit vectors).
    """
    near = (_unit(anchors) * _unit(positives)).sum(dim=1)  # (b,)
    far = (_unit(anchors) * _unit(negatives)).sum(dim=1)  # (b,)
    return _mean((far - near + margin).clamp(min=0))


def batch_hard(vectors: Tensor, groups: Tensor, margin: float = 0.3) -> Tensor:
    """`triplet` of each row (b, d) with the farthest row of its group (b,) and the nearest of any other group.

    Counts rows that have both. Source: Hermans et al., In Defense of the Triplet Loss, 2017.
    """
    cosines = _cosines(vectors, vectors)  # (b, b)
    same = groups[:, None] == groups[None, :]
    partner = same.clone().fill_diagonal_(False)
    near = cosines.masked_fill(~partner, 2.0).amin(dim=1)  # (b,)
    far = cosines.masked_fill(same, -2.0).amax(dim=1)  # (b,)
    return _mean((far - near + margin).clamp(min=0), partner.any(dim=1) & (~same).any(dim=1))


def cosent(cosines: Tensor, grades: Tensor, scale: float = 20.0, within: Tensor | None = None) -> Tensor:
    """How often, and how far, a pair with the higher grade (n,) has the lower cosine (n,).

    log(1 + Σ exp(scale · (cosine_j − cosine_i))) over i, j with grade_i > grade_j. Only the order of the grades
    counts. With `within` (n,) only pairs of one query are compared. Memory grows with n².
    Source: Su, CoSENT, 2022 (kexue.fm/archives/8847); see also Huang et al., 2024.
    """
    cosines = cosines.float()
    gap = scale * (cosines[None, :] - cosines[:, None])  # (n, n): how far j lies above i
    above = grades[:, None] > grades[None, :]
    if within is not None:
        above = above & (within[:, None] == within[None, :])
    total = gap.masked_fill(~above, _NEVER).flatten()
    return total.logsumexp(dim=0).logaddexp(total.new_zeros(()))


def regression(cosines: Tensor, grades: Tensor) -> Tensor:
    """Mean square of cosines (n,) less grades (n,) in [0, 1].

    All pairs of a batch pull, where `cosent` listens to the worst one above all, which among grades of people is often
    a slip. Source: Reimers and Gurevych, Sentence-BERT, EMNLP 2019.
    """
    return _mean((cosines.float() - grades.float()).square())


def contrastive(cosines: Tensor, labels: Tensor, margin: float = 0.5, weights: Tensor | None = None) -> Tensor:
    """Pulls pairs (n,) of label 1 together, pushes those of label 0 apart until their distance is `margin`.

    Half the mean of y·(1 − cosine)² + (1 − y)·max(0, margin − (1 − cosine))².
    Source: Hadsell et al., Dimensionality Reduction by Learning an Invariant Mapping, CVPR 2006.
    """
    distance, wanted = 1 - cosines.float(), labels.float()
    apart = (margin - distance).clamp(min=0).square()
    return _mean(0.5 * (wanted * distance.square() + (1 - wanted) * apart), weights)


def binary_cross_entropy(
    logits: Tensor, labels: Tensor, weights: Tensor | None = None, smoothing: float = 0.0
) -> Tensor:
    """−mean of y·log p + (1 − y)·log(1 − p), p = σ(logit), for logits and labels (n,).

    Labels in [0, 1] may be soft: a teacher's probability (Hinton et al., Distilling the Knowledge, 2015).
    `smoothing` s moves them to y·(1 − s) + s/2 (Szegedy et al., 2016). `weights` (n,) are relative.
    """
    logits = logits.float()
    wanted = labels.float() * (1 - smoothing) + smoothing / 2
    return _mean(_softplus(logits) - wanted * logits, weights)


def focal(logits: Tensor, labels: Tensor, gamma: float = 2.0, weights: Tensor | None = None) -> Tensor:
    """`binary_cross_entropy` that forgets what is already easy: each pair (n,) times |y − p|^gamma.

    With gamma = 0 it is `binary_cross_entropy`. Source: Lin et al., Focal Loss, ICCV 2017; for soft labels Li et
    al., Generalized Focal Loss, 2020.
    """
    logits, wanted = logits.float(), labels.float()
    wrong = (wanted - logits.sigmoid()).abs()
    hard = wrong.clamp(min=1e-8).pow(gamma) if gamma else 1.0
    return _mean(hard * (_softplus(logits) - wanted * logits), weights)


def cross_entropy(logits: Tensor, labels: Tensor, weights: Tensor | None = None, smoothing: float = 0.0) -> Tensor:
    """−mean of Σ_c y_c · log softmax(logits)_c for logits (n, c).

    Labels are class numbers (n,), −1 for a row to pass over, or probabilities (n, c) from a teacher. `smoothing` s
    spreads that share evenly over all classes (Szegedy et al., 2016). `weights` (n,) are relative.
    """
    likely = logits.float().log_softmax(dim=1)  # (n, c)
    if labels.dim() == 2:
        each = -(labels.float() * likely).sum(dim=1)
    else:
        each = -likely.gather(1, labels.clamp(min=0)[:, None].long())[:, 0]
        known = (labels >= 0).float()
        weights = known if weights is None else weights * known
    return _mean((1 - smoothing) * each - smoothing * likely.mean(dim=1), weights)


def listwise(scores: Tensor, teacher: Tensor, temperature: float = 1.0, known: Tensor | None = None) -> Tensor:
    """How far the order of candidates (q, k) is from the teacher's: KL(softmax teacher ‖ softmax scores), a query.

    Both are divided by `temperature`. `known` (q, k) is False where a candidate is filling. Grades, as a teacher, give
    ListNet. Sources: Cao et al., ListNet, ICML 2007; Santhanam et al., ColBERTv2, 2022.
    """
    scores, teacher = scores.float() / temperature, teacher.float() / temperature
    if known is not None:
        scores, teacher = scores.masked_fill(~known, _NEVER), teacher.masked_fill(~known, _NEVER)
    wanted = teacher.log_softmax(dim=1)
    gap = wanted - scores.log_softmax(dim=1)
    each = (wanted.exp() * gap).sum(dim=1)  # (q,)
    return _mean(each, None if known is None else known.any(dim=1))


def margin_mse(positive: Tensor, negative: Tensor, teacher_positive: Tensor, teacher_negative: Tensor) -> Tensor:
    """Mean square of the student's lead (n,) of the right over the wrong document, less the teacher's.

    Source: Hofstätter et al., Improving Efficient Neural Ranking with Cross-Architecture Distillation, 2020.
    """
    lead = positive.float() - negative.float()
    return _mean((lead - (teacher_positive.float() - teacher_negative.float())).square())


def _unit(vectors: Tensor) -> Tensor:
    """Rows of length 1 in float32; zero stays zero, with a gradient of common size."""
    vectors = vectors.float()
    length = vectors.square().sum(dim=-1, keepdim=True)
    return vectors * length.masked_fill(length == 0, 1.0).rsqrt()


def _cosines(one: Tensor, other: Tensor) -> Tensor:
    """Cosines (a, b) of rows (a, d) and (b, d) in float32, also where automatic bfloat16 is on."""
    import torch

    with torch.autocast(one.device.type, enabled=False):
        found: Tensor = _unit(one) @ _unit(other).T
    return found


def _softplus(logits: Tensor) -> Tensor:
    """log(1 + exp(x)) without overflow."""
    return logits.logaddexp(logits.new_zeros(()))


def _mean(each: Tensor, weights: Tensor | None = None) -> Tensor:
    """The weighted mean of (n,), 0 where no weight is left."""
    if weights is None:
        return each.sum() / max(1, each.shape[0])
    weights = weights.to(each.dtype)
    return (each * weights).sum() / weights.sum().clamp(min=1e-9)
