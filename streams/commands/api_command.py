"""``vitals api``: the page and the HTTP API, until it is told to stop."""

import click

from streams.settings import Settings, options

__all__ = ["command"]


@click.command("api")
@options(
    "redis",
    "redis_ca_file",
    "prefix",
    "api_host",
    "api_port",
    "api_in_container",
    "log_level",
    "log_format",
)
def command(settings: Settings) -> None:
    """Serve the page and the HTTP API from the view.

    Prints its address on one line when it listens. It needs Redis, but starts
    without: pages and answers say what is missing, and recover by themselves.
    SIGTERM and SIGINT end it within 5 seconds.
    """
    import asyncio

    from streams.logs import set_up

    set_up(settings)
    asyncio.run(_serve(settings))


async def _serve(settings: Settings) -> None:
    import asyncio
    import signal

    from streams.api.server import ApiServer
    from streams.clock import SystemClock
    from streams.views.redis_view import open_view

    view = open_view(settings)
    try:
        server = ApiServer(view, settings, SystemClock())
        address = await server.start()
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for each in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(each, stop.set)
        click.echo(address)
        ended = asyncio.create_task(server.wait())
        stopping = asyncio.create_task(stop.wait())
        await asyncio.wait({ended, stopping}, return_when=asyncio.FIRST_COMPLETED)
        await server.stop()
        stopping.cancel()
    finally:
        await view.close()
