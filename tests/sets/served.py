"""A real server of S3 on loopback, in a process of its own, with one bucket."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

KEYS = {"AWS_ACCESS_KEY_ID": "someone", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_DEFAULT_REGION": "us-east-1"}


@contextmanager
def served() -> Iterator[str]:
    """host:port of a server that has the bucket `images`."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={**os.environ, **KEYS})
    try:
        _wait(port)
        files(f"127.0.0.1:{port}").create_dir("images")
        yield f"127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait()


def _wait(port: int) -> None:
    end = time.monotonic() + 60
    while True:
        try:
            return socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            assert time.monotonic() < end, "the server did not start"
            time.sleep(0.05)


def files(where: str):
    from pyarrow.fs import S3FileSystem

    key, secret, region = KEYS.values()
    return S3FileSystem(
        access_key=key,
        secret_key=secret,
        region=region,
        endpoint_override=where,
        scheme="http",
        allow_bucket_creation=True,
    )


def address(where: str, path: str) -> str:
    """As a person gives it."""
    return f"s3://images/{path}?endpoint_override={where}&scheme=http"


def uploaded(where: str, folder: Path, to: str) -> None:
    store = files(where)
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            with store.open_output_stream(f"images/{to}/{path.relative_to(folder)}") as file:
                file.write(path.read_bytes())


def downloaded(where: str, path: str) -> dict[str, bytes]:
    from pyarrow.fs import FileSelector, FileType

    store = files(where)
    infos = store.get_file_info(FileSelector(f"images/{path}", recursive=True))
    names = [info.path for info in infos if info.type == FileType.File]
    return {name.removeprefix(f"images/{path}/"): store.open_input_file(name).read() for name in names}
