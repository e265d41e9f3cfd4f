from __future__ import annotations

from typing import Any

from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from jtc.testing import fake_queue


async def test_the_fake_knows_of_what_was_committed_only(
    books: Any, engine: AsyncEngine
) -> None:
    with fake_queue() as fake:
        async with AsyncSession(engine) as session:
            books.outbox.dispatch(session, books.job_class(number=1))
            await session.rollback()
            books.outbox.dispatch(session, books.job_class(number=2))
            await session.commit()
        await books.outbox.drain()

        fake.assert_dispatched(books.job_class, number=2)
        assert len(fake.dispatched()) == 1
        await fake.run_pending()

    assert books.ran == [2]
    assert books.rows() == 0
