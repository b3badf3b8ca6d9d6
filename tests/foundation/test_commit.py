"""Laws of the grouped commit, without a database."""

import asyncio
from collections.abc import Sequence

import pytest

from crossdock.foundation.commit import GroupCommit, OverloadedError


class Ledger:
    """Commits whole batches or nothing; refuses what it is told to refuse."""

    def __init__(self) -> None:
        self.commits: list[list[int]] = []
        self.open = asyncio.Event()
        self.open.set()
        self.refused: set[int] = set()
        self.errors: list[Exception] = []

    async def flush(self, entries: Sequence[int]) -> Sequence[str]:
        await self.open.wait()
        if self.errors:
            raise self.errors.pop(0)
        bad = self.refused & set(entries)
        if bad:
            raise ValueError(bad)
        self.commits.append(list(entries))
        return [f"answer {entry}" for entry in entries]


async def outcomes(group: GroupCommit[int, str], entries: Sequence[int]) -> list[str | BaseException]:
    return await asyncio.gather(*(group.submit(entry) for entry in entries), return_exceptions=True)


async def test_what_arrives_during_a_commit_shares_the_next_one() -> None:
    ledger = Ledger()
    group: GroupCommit[int, str] = GroupCommit(ledger.flush)
    ledger.open.clear()
    first = asyncio.create_task(group.submit(0))
    await asyncio.wait([first], timeout=0.01)
    rest = asyncio.create_task(outcomes(group, range(1, 100)))
    await asyncio.wait([rest], timeout=0.01)
    ledger.open.set()

    assert await first == "answer 0"
    assert await rest == [f"answer {n}" for n in range(1, 100)]
    assert ledger.commits == [[0], list(range(1, 100))]


async def test_a_batch_is_never_larger_than_allowed_and_keeps_the_order_of_arrival() -> None:
    ledger = Ledger()
    group: GroupCommit[int, str] = GroupCommit(ledger.flush, batch_max=8)

    await outcomes(group, range(50))

    assert max(map(len, ledger.commits)) == 8
    assert [entry for batch in ledger.commits for entry in batch] == list(range(50))


@pytest.mark.parametrize("bad", [{0}, {63}, {31, 32}, {5, 6, 7, 40}, set(range(64))])
async def test_only_the_callers_of_bad_entries_see_an_error(bad: set[int]) -> None:
    ledger = Ledger()
    ledger.refused = bad
    group: GroupCommit[int, str] = GroupCommit(ledger.flush)

    told = await outcomes(group, range(64))

    for entry, answer in enumerate(told):
        assert isinstance(answer, ValueError) if entry in bad else answer == f"answer {entry}"
    committed = [entry for batch in ledger.commits for entry in batch]
    assert committed == [entry for entry in range(64) if entry not in bad], "each once, in order"


async def test_a_transient_error_concerns_the_whole_batch_and_is_not_taken_apart() -> None:
    ledger = Ledger()
    ledger.errors = [ConnectionError("gone")]
    group: GroupCommit[int, str] = GroupCommit(ledger.flush, transient=(ConnectionError,))

    told = await outcomes(group, range(16))

    assert all(isinstance(answer, ConnectionError) for answer in told)
    assert ledger.commits == []
    assert await group.submit(1) == "answer 1", "the next batch is tried anew"


async def test_a_lost_race_is_run_again_and_nobody_hears_of_it() -> None:
    ledger = Ledger()
    ledger.errors = [TimeoutError("deadlock"), TimeoutError("deadlock")]
    group: GroupCommit[int, str] = GroupCommit(ledger.flush, again=(TimeoutError,))

    assert await outcomes(group, range(4)) == [f"answer {n}" for n in range(4)]
    assert ledger.commits == [[0, 1, 2, 3]]


async def test_more_than_may_wait_is_refused_at_once_and_never_committed() -> None:
    ledger = Ledger()
    ledger.open.clear()
    group: GroupCommit[int, str] = GroupCommit(ledger.flush, waiting_max=4)
    first = asyncio.create_task(group.submit(0))
    await asyncio.wait([first], timeout=0.01)
    waiting = [asyncio.create_task(group.submit(n)) for n in range(1, 5)]
    await asyncio.wait(waiting, timeout=0.01)

    with pytest.raises(OverloadedError):
        await group.submit(5)

    ledger.open.set()
    await asyncio.gather(first, *waiting)
    assert sorted(entry for batch in ledger.commits for entry in batch) == [0, 1, 2, 3, 4]


async def test_a_caller_who_went_away_is_committed_all_the_same() -> None:
    ledger = Ledger()
    ledger.open.clear()
    group: GroupCommit[int, str] = GroupCommit(ledger.flush)
    gone = asyncio.create_task(group.submit(1))
    stayed = asyncio.create_task(group.submit(2))
    await asyncio.wait([gone, stayed], timeout=0.01)
    gone.cancel()
    ledger.open.set()

    assert await stayed == "answer 2"
    assert [entry for batch in ledger.commits for entry in batch] == [1, 2]


async def test_closing_commits_what_is_waiting() -> None:
    ledger = Ledger()
    ledger.open.clear()
    group: GroupCommit[int, str] = GroupCommit(ledger.flush)
    asked = [asyncio.create_task(group.submit(n)) for n in range(3)]
    await asyncio.wait(asked, timeout=0.01)
    ledger.open.set()

    await group.close()

    assert [entry for batch in ledger.commits for entry in batch] == [0, 1, 2]
    assert await asyncio.gather(*asked) == ["answer 0", "answer 1", "answer 2"]
