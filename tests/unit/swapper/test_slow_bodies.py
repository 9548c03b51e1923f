"""Bodies that take too long end, and nobody else does."""

from __future__ import annotations

import asyncio

import pytest

from orchestrator.swapper.slow_bodies import SlowBodies


def test_bodies_that_take_too_long_end_and_others_do_not() -> None:
    async def main() -> None:
        bodies = SlowBodies(0.1)

        async def reading(seconds: float) -> str:
            with bodies:
                await asyncio.sleep(seconds)
            # What comes after the body has all the time.
            await asyncio.sleep(0.2)
            return "read"

        found = await asyncio.gather(*(reading(one) for one in (0, 0.01, 30, 0.02, 30)), return_exceptions=True)
        assert [str(one) or type(one).__name__ for one in found] == [
            *["read"] * 2,
            "TimeoutError",
            "read",
            "TimeoutError",
        ]
        # It goes on looking after a time without requests.
        with pytest.raises(TimeoutError):
            await reading(30)

    asyncio.run(asyncio.wait_for(main(), 20))


def test_a_request_that_somebody_else_ends_is_not_called_late() -> None:
    async def main() -> None:
        bodies = SlowBodies(30)

        async def reading() -> None:
            with bodies:
                await asyncio.sleep(30)

        task = asyncio.create_task(reading())
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
