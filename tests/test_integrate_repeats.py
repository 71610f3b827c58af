"""Rows that agree in everything, and sources that hold duplicates of their own."""

import numpy as np
import pyarrow as pa

from dovetail.integrate.repeats import identical_rows
from dovetail.jobs.merge import dedupe
from dovetail.tasks.records import records_of
from dovetail.types import Table


def _table(**columns):
    rows = len(next(iter(columns.values())))
    return Table("t", pa.table(columns), pa.array([str(i) for i in range(rows)]))


def test_identical_rows_agree_in_what_is_missing_too():
    table = _table(name=["Ada Bell", "Ada Bell", "Ada Bell", None], town=["Ely", "ELY ", None, None])
    found = identical_rows(records_of([table]))
    assert list(zip(found.left.tolist(), found.right.tolist(), strict=True)) == [(0, 1)]


def test_rows_with_one_filled_cell_of_several_are_left_to_the_matcher():
    table = _table(name=["Ada", "Ada"], town=[None, "Ely"], street=[None, None])
    assert not len(identical_rows(records_of([table])))


def test_a_table_of_one_row_repeated_is_one_entity():
    table = _table(name=["Ada Bell"] * 30, town=["Ely"] * 30, phone=["01353 111222"] * 30)
    merged = dedupe(table)
    assert merged.table.num_rows == 1
    assert np.all(np.asarray(merged.clusters["cluster_id"].combine_chunks().dictionary_encode().indices) == 0)
