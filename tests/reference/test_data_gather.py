"""What is done about lines at fault: stop, or skip and report."""

from __future__ import annotations

import pytest

from regard.core.errors import DataError
from regard.data.report import gather
from regard.data.row_parser import RecordError


def found():
    return iter(["a", RecordError("x:2: bad."), "b", RecordError("x:4: worse.")])


def test_it_refuses_lines_at_fault_all_together():
    with pytest.raises(RecordError, match=r"^x:2: bad\. Or set data\.on_bad_line: skip\.$"):
        gather(iter(["a", RecordError("x:2: bad.")]), ["x"], what="things")
    with pytest.raises(RecordError, match=r"^x: .* 2 of 4 .*\n  x:2: bad\.\n  x:4: worse\."):
        gather(found(), ["x"], what="things")


def test_it_skips_and_reports():
    items, report = gather(found(), ["x", "-"], what="things", on_bad_line="skip")
    assert items == ["a", "b"] and (report.lines, report.items) == (4, 2)
    assert report.files == ("x", "<stdin>") and report.skipped == ["x:2: bad.", "x:4: worse."]
    assert "2 bad items were skipped" in str(report) and "x:4: worse." in str(report)


def test_nothing_left_is_an_error():
    with pytest.raises(DataError, match=r"^x \+ y: expected things; received none\. Give a file with data\.$"):
        gather(iter(()), ["x", "y"], what="things")
    with pytest.raises(DataError, match=r"received 1 at fault; the first: x:2: bad"):
        gather(iter([RecordError("x:2: bad.")]), ["x"], what="things", on_bad_line="skip")


def test_what_is_wrong_with_a_whole_file_is_never_skipped():
    def broken():
        yield "a"
        raise DataError("x: not UTF-8")

    with pytest.raises(DataError, match="not UTF-8"):
        gather(broken(), ["x"], what="things", on_bad_line="skip")
