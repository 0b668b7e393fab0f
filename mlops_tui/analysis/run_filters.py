"""Filters over columns: what ``domain.filters.matches`` says of one run, said of all at once.

Texts are asked once per distinct text, not once per run.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import reduce
from typing import TYPE_CHECKING, assert_never

import numpy as np

from mlops_tui.analysis.sparse_columns import FloatArray, IndexArray, MaskArray
from mlops_tui.analysis.vocabularies import Vocabulary
from mlops_tui.domain.filter_terms import (
    AgeTerm,
    And,
    Expression,
    Field,
    MetricTerm,
    Not,
    Or,
    PatternTerm,
    StartTerm,
    TextTerm,
)
from mlops_tui.domain.filter_values import Comparator, Matching, Text
from mlops_tui.domain.filters import FieldKind, TextSearch
from mlops_tui.domain.patterns import Pattern

if TYPE_CHECKING:
    from mlops_tui.analysis.run_columns import RunColumns


def mask(columns: RunColumns, expression: Expression, now: datetime) -> MaskArray:
    """For every row whether it fits."""
    match expression:
        case Not(operand):
            return ~mask(columns, operand, now)
        case And(operands):
            return reduce(np.logical_and, (mask(columns, operand, now) for operand in operands))
        case Or(operands):
            return reduce(np.logical_or, (mask(columns, operand, now) for operand in operands))
        case MetricTerm(field):
            column = columns.metrics.get(field.name)
            if column is None:
                return np.zeros(len(columns), np.bool_)
            return _scattered(columns, column.rows[_metric_mask(expression, column.values)])
        case TextTerm() | PatternTerm():
            return _text_mask(columns, expression.field, lambda vocabulary: _text_answers(expression, vocabulary))
        case StartTerm():
            return _start_mask(expression, columns.starts)
        case AgeTerm(_, comparator, duration):
            ages = now.timestamp() - columns.starts
            known: MaskArray = ~np.isnan(ages)
            return known & np.asarray(comparator.function(ages, duration.seconds), np.bool_)
        case _:
            assert_never(expression)


def search_mask(
    columns: RunColumns, search: TextSearch, fields: Sequence[Field], number_text: Callable[[float], str]
) -> MaskArray:
    """For every row whether the pattern is found in any of its cells (or, inverted, in none)."""
    found = np.zeros(len(columns), np.bool_)
    for field in fields:
        if field.kind is FieldKind.METRIC:
            column = columns.metrics.get(field.name)
            if column is not None:
                distinct, codes = np.unique(column.values, return_inverse=True)
                hits = np.array([search.pattern.is_in(number_text(value)) for value in distinct.tolist()], np.bool_)
                found[column.rows[hits[codes]]] = True
        else:
            found |= _text_mask(columns, field, lambda vocabulary: _pattern_answers(search.pattern, vocabulary))
    return ~found if search.is_inverted else found


def _metric_mask(term: MetricTerm, values: FloatArray) -> MaskArray:
    return _number_answers(term.comparator, term.number.value, values)


def _number_answers(comparator: Comparator, number: float, values: FloatArray) -> MaskArray:
    if np.isnan(number) and comparator is Comparator.EQUAL:
        return np.isnan(values)
    return ~np.isnan(values) & np.asarray(comparator.function(values, number), np.bool_)


def _start_mask(term: StartTerm, starts: FloatArray) -> MaskArray:
    low, high = term.bounds
    inside = (low <= starts) & (starts < high)
    return ~inside & ~np.isnan(starts) if term.comparator is Comparator.UNEQUAL else inside


def _text_mask(columns: RunColumns, field: Field, answers: Callable[[Vocabulary], MaskArray]) -> MaskArray:
    column = columns.text_column(field)
    if column is None:
        return np.zeros(len(columns), np.bool_)
    hits = answers(column.vocabulary)
    return _scattered(columns, column.codes.rows[hits[column.codes.values]])


def _text_answers(term: TextTerm | PatternTerm, vocabulary: Vocabulary) -> MaskArray:
    if isinstance(term, PatternTerm):
        found = _pattern_answers(term.pattern, vocabulary)
        return found if term.matching is Matching.FOUND else ~found
    if isinstance(term.operand, Text):
        compare, text = term.comparator.function, term.operand.text
        return np.array([compare(other, text) for other in vocabulary.terms], np.bool_)
    numbers, is_number = vocabulary.numbers()
    answers = _number_answers(term.comparator, term.operand.value, numbers) & is_number
    return answers | ~is_number if term.comparator is Comparator.UNEQUAL else answers


def _pattern_answers(pattern: Pattern, vocabulary: Vocabulary) -> MaskArray:
    # A term is shorter than what a pattern may be asked to search, so nothing has to be cut.
    return np.array([found is not None for found in map(pattern.compiled.search, vocabulary.terms)], np.bool_)


def _scattered(columns: RunColumns, rows: IndexArray) -> MaskArray:
    fits = np.zeros(len(columns), np.bool_)
    fits[rows] = True
    return fits
