import asyncio

from ringbridge.emulator.crowd import SPREAD_SECONDS, Load, crowd, measured


async def test_a_place_is_taken_again_until_the_time_is_over():
    under_way = most = 0

    async def call():
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(10)
        under_way -= 1
        return asyncio.get_running_loop().time()

    ends = await crowd(call, at_once=4, seconds=25)

    assert most == 4
    assert len(ends) == 4 * 3
    assert ends == sorted(ends)
    assert ends[-1] - ends[0] == 20 + SPREAD_SECONDS * 3 / 4


async def test_each_place_makes_one_call_at_least():
    async def call():
        await asyncio.sleep(10)
        return "over"

    assert await crowd(call, at_once=3, seconds=0) == ["over"] * 3


async def test_what_is_not_given_back_is_noticed():
    async with asyncio.TaskGroup() as tasks:
        async with measured(at_once=1) as load:
            left = [tasks.create_task(asyncio.sleep(3600)) for _ in range(4)]
            servers = [await asyncio.start_server(print, "127.0.0.1", 0) for _ in range(7)]
        for task in left:
            task.cancel()
        for server in servers:
            server.close()

    assert load.leftovers(1) == ["4 tasks were left over", "7 sockets were left open"]
    assert load.leftovers(2) == []


async def test_what_is_about_to_end_may_do_so():
    async with asyncio.TaskGroup() as tasks, measured(at_once=1) as load:
        for _ in range(5):
            tasks.create_task(asyncio.sleep(3))

    assert load.leftovers(1) == []


async def test_a_load_measures_the_time():
    async with measured(at_once=1) as load:
        await asyncio.sleep(1)

    assert load.seconds == 1
    assert 45 <= len(load.late_ms) <= 51
    assert load.late_ms == sorted(load.late_ms)


def test_nothing_is_left_over_where_nothing_is_known():
    assert Load(tasks=(3, 3), files=None).leftovers(0) == []
