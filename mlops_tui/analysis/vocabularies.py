"""Numbered texts, so that a column of a hundred thousand texts is a column of integers."""

from __future__ import annotations

from collections.abc import Iterable
from operator import ne

import numpy as np
from numpy.typing import NDArray

from mlops_tui.domain.filter_values import parse_number
from mlops_tui.domain.text import clean

TERM_LIMIT = 255

_NUMBER_STARTS = frozenset("0123456789+-.iInN")


class Vocabulary:
    """Texts in the order they came; only ever grows, so a code stays good.

    ``terms`` are taken as they are; those that come later are made safe to draw and cut at ``TERM_LIMIT`` characters.
    """

    def __init__(self, terms: Iterable[str] = ()) -> None:
        self.terms = list(terms)
        self._codes: dict[str, int] | None = None
        self._ranks: NDArray[np.float64] = np.empty(0)
        self._numbers: tuple[NDArray[np.float64], NDArray[np.bool_]] = (np.empty(0), np.empty(0, np.bool_))

    def __len__(self) -> int:
        return len(self.terms)

    def code(self, text: str) -> int:
        """The number of a text, a new one if it was never seen."""
        codes = self._codes
        if codes is None:
            codes = self._codes = {term: code for code, term in enumerate(self.terms)}
        code = codes.get(text)
        return self._add(text, codes) if code is None else code

    def append(self, text: str) -> int:
        """A new number for a text, whether it was seen or not: cheap where hardly any text comes twice."""
        self._codes = None
        self.terms.append(clean(text, TERM_LIMIT))
        return len(self.terms) - 1

    def _add(self, text: str, codes: dict[str, int]) -> int:
        term = clean(text, TERM_LIMIT)
        code = codes.get(term)
        if code is None:
            code = codes[term] = len(self.terms)
            self.terms.append(term)
        codes[text] = code
        return code

    def numbers(self) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """For every code the number that its text reads as, and whether it reads as one."""
        if len(self._numbers[0]) != len(self.terms):
            self._numbers = _read_numbers(self.terms[:])
        return self._numbers

    def ranks(self) -> NDArray[np.float64]:
        """For every code its place in sorting order: numbers by value, then other texts; NaN for "nan".

        Texts that read as the same number share a place.
        """
        if len(self._ranks) != len(self.terms):
            self._ranks = _ranked(self.terms[:], *self.numbers())
        return self._ranks


def _read_numbers(terms: list[str]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    numbers = np.full(len(terms), np.nan)
    is_number = np.zeros(len(terms), np.bool_)
    for code, term in enumerate(terms):
        number = parse_number(term) if term[:1] in _NUMBER_STARTS else None
        if number is not None:
            numbers[code] = number
            is_number[code] = True
    return numbers, is_number


def _ranked(terms: list[str], numbers: NDArray[np.float64], is_number: NDArray[np.bool_]) -> NDArray[np.float64]:
    _, places = np.unique(numbers[is_number], return_inverse=True)
    ranks = numbers.copy()
    ranks[is_number] = np.where(np.isnan(numbers[is_number]), np.nan, places)
    ordered = sorted(np.flatnonzero(~is_number).tolist(), key=terms.__getitem__)
    texts = [terms[code] for code in ordered]
    is_new = np.fromiter(map(ne, texts, texts[1:]), np.int64, max(0, len(texts) - 1))
    ranks[ordered] = len(places) + np.concatenate([[0], np.cumsum(is_new)])[: len(ordered)]
    return ranks
