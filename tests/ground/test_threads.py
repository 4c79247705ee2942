"""Threads: cores by affinity and a container's quota, shared by processes that stand beside each other."""

import os

import pytest
import torch

from repscope import threads


@pytest.fixture
def group(tmp_path):
    def limited(text: str):
        (tmp_path / "cpu.max").write_text(text)
        return tmp_path

    return limited


@pytest.mark.parametrize(
    ("text", "wanted"),
    [("max 100000\n", None), ("150000 100000\n", 1.5), ("50000 100000", 0.5), ("", None), ("1 0x", None)],
)
def test_a_containers_quota(group, text, wanted):
    assert threads.quota(group(text)) == wanted


def test_where_there_are_no_control_groups(tmp_path):
    assert threads.quota(tmp_path) is None


def test_processes_share_what_may_be_used(monkeypatch):
    monkeypatch.setattr(threads, "usable", lambda: 8)
    for share, alone, three in ((None, 8, 2), (6.5, 6, 2), (0.3, 1, 1)):
        monkeypatch.setattr(threads, "quota", lambda share=share: share)
        assert (threads.beside(), threads.decoding(), threads.beside(3)) == (alone, alone, three)
    assert threads.beside(100) == 1


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="no affinity on this system")
def test_affinity_counts():
    before = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, {min(before)})
        assert threads.usable() == 1
    finally:
        os.sched_setaffinity(0, before)


def test_products_take_what_they_are_told():
    before = torch.get_num_threads()
    try:
        threads.take(1)
        assert threads.products() == 1
    finally:
        threads.take(before)
