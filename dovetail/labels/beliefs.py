"""What votes make one believe, and how far each heuristic can be trusted: found in turns until both stand still.

Votes are kept as a net: a line is what all heuristics say of some texts, a pair is a line and a class that somebody
names there. All work is over votes that were cast, never over lines times classes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_array

if TYPE_CHECKING:
    import numpy.typing as npt

    from dovetail.types import Floats

    Votes = npt.NDArray[np.int64]

TRUST, STRENGTH = 0.7, 10.0  # what is believed of a heuristic before it is seen: right 7 times of 10
_ROUNDS, _STILL = 200, 1e-6  # turns at most; change of the log-odds of trust that is none
_PLAIN = 6  # turns before the first leap
_FAR = 600.0  # log-odds within which no power of e leaves the numbers that a computer has


@dataclass(frozen=True)
class Net:
    """Votes of h heuristics on m lines, as p pairs of a line and a class named there, in the order of both."""

    votes: csr_array  # (p, h) 1 where the heuristic says so
    line: Votes  # (p,)
    number: Votes  # (p,) the class
    named: Votes  # (p,) how many heuristics say so
    first: Votes  # (l,) the first pair of each line that has one
    lines: Votes  # (l,) those lines, in order
    hand: Votes  # (m,) hand label, -1 without
    said: npt.NDArray[np.bool_]  # (m,) whether more than one heuristic speaks, or a person

    @property
    def taught(self) -> npt.NDArray[np.bool_]:
        """(p,) pairs of lines with a hand label."""
        return np.asarray(self.hand[self.line] >= 0)


@dataclass(frozen=True)
class Beliefs:
    """How probable each class is for m lines, kept only where somebody names it: elsewhere it is so many times as
    probable as it is frequent."""

    frequency: Floats  # (c,)
    line: Votes  # (p,) in order
    number: Votes  # (p,) the class that is named, in order within a line
    value: Floats  # (p,)
    rest: Floats  # (m,)

    def whole(self) -> Floats:
        """All (m, c)."""
        found: Floats = self.rest[:, None] * self.frequency
        found[self.line, self.number] = self.value
        return found

    def best(self, only: Votes | None = None) -> tuple[Votes, Floats]:
        """The most probable class of each line, the first of equal ones, and its probability; all lines, or some."""
        if only is not None:
            return self._of(only).best()
        m, c = len(self.rest), len(self.frequency)
        keys, best, open_ = self.line * c + self.number, np.full(m, -1), np.arange(m)
        for one in np.argsort(-self.frequency, kind="stable"):  # the most frequent class that nobody names
            asked = open_ * c + one
            at = np.minimum(np.searchsorted(keys, asked), max(len(keys) - 1, 0))
            named = keys[at] == asked if len(keys) else np.zeros(len(asked), np.bool_)
            best[open_[~named]] = one
            open_ = open_[named]
            if not len(open_):
                break
        surest = np.where(best >= 0, self.rest * self.frequency[best], -1.0)
        if not len(keys):
            return best, surest
        first = np.flatnonzero(np.diff(self.line, prepend=-1))
        line, top = self.line[first], np.maximum.reduceat(self.value, first)
        highest = np.flatnonzero(self.value == np.repeat(top, np.diff(first, append=len(keys))))
        number = self.number[highest[np.searchsorted(self.line[highest], line)]]  # the first of equal ones
        better = (top > surest[line]) | ((top == surest[line]) & (number < best[line]))
        best[line[better]], surest[line[better]] = number[better], top[better]
        return best, surest

    def _of(self, lines: Votes) -> Beliefs:
        """The same of some lines, which ascend."""
        kept = np.isin(self.line, lines)
        line = np.searchsorted(lines, self.line[kept])
        return Beliefs(self.frequency, line, self.number[kept], self.value[kept], self.rest[lines])


def net_of(votes: Votes, hand: Votes, c: int) -> Net:
    """The net of the votes (m, h) of c classes and of hand labels (m,), -1 for none of either."""
    m, h = votes.shape
    known, (line, rule) = np.flatnonzero(hand >= 0), np.nonzero(votes >= 0)
    keys = np.concatenate([line * c + votes[line, rule], known * c + hand[known]])
    rules = np.concatenate([rule, np.full(len(known), h)])
    order = np.argsort(keys * (h + 1) + rules, kind="stable")
    keys, rules = keys[order], rules[order]
    begins = np.flatnonzero(np.diff(keys, prepend=-1))
    pair = np.repeat(np.arange(len(begins)), np.diff(begins, append=len(keys)))
    cast = rules < h
    start = np.concatenate([[0], np.cumsum(np.bincount(pair[cast], minlength=len(begins)))]).astype(np.int32)
    said = csr_array((np.ones(int(cast.sum())), rules[cast].astype(np.int32), start), shape=(len(begins), h))
    at, number = np.divmod(keys[begins], c)
    first = np.flatnonzero(np.diff(at, prepend=-1))
    spoken = (np.bincount(line, minlength=m) > 1) | (hand >= 0)
    return Net(said, at, number, np.diff(start), first, at[first], hand, spoken)


def rounds(net: Net, weight: npt.NDArray[np.int64], frequency: Floats) -> tuple[Beliefs, Floats]:
    """Beliefs of the lines and trust (h,); a line stands for so many texts (m,), a class is so frequent (c,).

    A heuristic is judged only on texts that a person labelled or that others speak of, too: where it speaks alone
    nothing can be learned of it, and what was believed before stands. Every third turn leaps ahead in the direction of
    the last two (Varadhan and Roland 2008, SQUAREM), which ends at the same place.
    """
    turn = _Turn(net, np.asarray(weight, np.float64), frequency)
    odds = np.full(net.votes.shape[1], _odds(TRUST))
    done, still = 0, False
    while done < _ROUNDS and not still:
        one = turn.next(odds)
        two = turn.next(one)
        done, still = done + 2, _stands(one, two)
        step, bend = one - odds, (two - one) - (one - odds)
        far = float(np.sqrt((step**2).sum() / max((bend**2).sum(), 1e-300)))
        leap = min(max(far, 1.0), 32.0)
        if still or done < _PLAIN or leap == 1.0:
            odds = two
            continue
        odds = turn.next(odds + 2 * leap * step + leap**2 * bend)
        done += 1
    value, rest = turn.beliefs(odds)
    return Beliefs(frequency, net.line, net.number, value, rest), 1 / (1 + np.exp(-odds))


class _Turn:
    """One turn: beliefs from trust, and trust from beliefs, both as log-odds."""

    def __init__(self, net: Net, weight: Floats, frequency: Floats) -> None:
        self.net, m = net, len(net.hand)
        self.base = frequency[net.number]
        self.fixed = np.log((1 - frequency) / frequency)[net.number] * net.named  # what votes add, whoever casts them
        self.others = np.maximum(1 - np.bincount(net.line, self.base, m), 0)[net.lines]
        self.taught, self.told = net.taught, (net.number == net.hand[net.line]).astype(np.float64)
        self.judged = (weight * net.said)[net.line]
        self.back = net.votes.T.tocsr()
        self.most = self.back @ self.judged
        self.size = np.diff(net.first, append=len(net.line))

    def next(self, odds: Floats) -> Floats:
        """What is believed of the heuristics after this turn."""
        value, _ = self._pairs(odds)
        trust = (self.back @ (self.judged * value) + TRUST * STRENGTH) / (self.most + STRENGTH)
        return np.asarray(np.log(trust / (1 - trust)))

    def beliefs(self, odds: Floats) -> tuple[Floats, Floats]:
        """The belief in each pair (p,), and how many times its frequency any other class has, for each line (m,)."""
        value, rest = self._pairs(odds)
        every = np.ones(len(self.net.hand))
        every[self.net.lines] = rest
        return value, np.where(self.net.hand >= 0, 0.0, every)

    def _pairs(self, odds: Floats) -> tuple[Floats, Floats]:
        if not len(self.base):
            return np.zeros(0), np.zeros(0)
        gain = self.net.votes @ odds + self.fixed
        if np.abs(gain).max() < _FAR:
            share = self.base * np.exp(gain)
            rest = 1 / (np.add.reduceat(share, self.net.first) + self.others)
            value = share * np.repeat(rest, self.size)
        else:
            top = np.maximum(np.maximum.reduceat(gain, self.net.first), 0)
            share = self.base * np.exp(gain - np.repeat(top, self.size))
            small = 1 / (np.add.reduceat(share, self.net.first) + self.others * np.exp(-top))
            value, rest = share * np.repeat(small, self.size), small * np.exp(-top)
        np.copyto(value, self.told, where=self.taught)
        return value, rest


def _odds(trust: float) -> float:
    return float(np.log(trust / (1 - trust)))


def _stands(one: Floats, two: Floats) -> bool:
    return float(np.abs(two - one).max(initial=0)) < _STILL
