"""Without a network: said within seconds, with what to do; and the way out is found where there is one."""

import os
import socket
import subprocess
import sys
import time

import pytest

from repscope.encoders import network


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch):
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


def test_an_encoder_that_must_be_fetched_is_refused_in_seconds(tmp_path):
    code = "from repscope.cli import main; main()"
    command = [sys.executable, "-c", code, "compare", "-m", "mae-vit-b16,tiny-mae"]
    environment = os.environ | {"HF_ENDPOINT": "http://127.0.0.1:1", "HF_HOME": str(tmp_path), "HF_HUB_OFFLINE": "0"}
    said = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=20)  # retries take 23
    assert said.returncode == 1
    assert said.stdout == ""
    assert said.stderr.count("\n") == 1
    for word in ("mae-vit-b16", "http://127.0.0.1:1", "refused", "mae-vit-b16@DIR"):
        assert word in said.stderr


def test_a_door_that_opens():
    with socket.create_server(("127.0.0.1", 0)) as server:
        assert network.knock(f"http://127.0.0.1:{server.getsockname()[1]}") is None


def test_a_door_that_is_shut():
    with pytest.raises(OSError, match="refused"):
        network.knock("http://127.0.0.1:1")


def test_a_door_that_nobody_opens(monkeypatch):
    """Neither a lost packet nor a name that is looked up for ever may keep a person waiting."""

    def silent(*_, **__):
        time.sleep(1)
        raise OSError

    monkeypatch.setattr(socket, "create_connection", silent)
    began = time.monotonic()
    with pytest.raises(TimeoutError, match=r"no answer from somewhere\.invalid:443 within 0\.2 s"):
        network.knock("https://somewhere.invalid", patience=0.2)
    assert time.monotonic() - began < 0.9


@pytest.mark.parametrize(
    ("proxies", "endpoint", "door"),
    [
        ({}, "https://huggingface.co", ("huggingface.co", 443)),
        ({}, "http://mirror.example:8080/hub", ("mirror.example", 8080)),
        ({"https_proxy": "http://user:word@proxy.example:3128"}, "https://huggingface.co", ("proxy.example", 3128)),
        ({"https_proxy": "proxy.example:3128"}, "https://huggingface.co", ("proxy.example", 3128)),
        ({"http_proxy": "http://proxy.example"}, "https://huggingface.co", ("huggingface.co", 443)),
        ({"all_proxy": "socks5://proxy.example"}, "https://huggingface.co", ("proxy.example", 1080)),
        (
            {"https_proxy": "http://proxy.example:3128", "no_proxy": "huggingface.co"},
            "https://huggingface.co",
            ("huggingface.co", 443),
        ),
    ],
)
def test_the_first_machine_on_the_way_is_asked(monkeypatch, proxies, endpoint, door):
    asked = []

    def answers(address, **_):
        asked.append(address)
        return socket.socket()

    for name, value in proxies.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(socket, "create_connection", answers)
    network.knock(endpoint)
    assert asked == [door]
