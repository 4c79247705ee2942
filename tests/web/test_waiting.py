"""Who waits for an answer: progress, cancelling, one answer for several, and no second forward."""

import asyncio
import json
import threading

import pytest
from asked import HOST
from starlette.testclient import TestClient

import repscope
from repscope.errors import Stopped
from repscope.web.app import app


def test_a_second_question_about_the_same_photo_costs_no_forward(visitor):
    visitor.client.get(f"/compare.json?{visitor.question('one.png')}")
    encoders = visitor.site.desk.encoders
    assert {name: encoder.forwards for name, encoder in encoders.items()} == {"tiny-mae": 1, "tiny-random": 1}
    visitor.client.get(f"/compare.json?{visitor.question('one.png', query='0.2,0.2')}")
    visitor.client.get(f"/inspect.json?{visitor.question('one.png', models='tiny-mae')}")
    assert encoders["tiny-mae"].forwards == 1
    visitor.client.get(f"/compare.json?{visitor.question('one.png', 'two.png')}")
    assert {name: encoder.forwards for name, encoder in encoders.items()} == {"tiny-mae": 2, "tiny-random": 2}


def test_progress_is_told_until_the_end(visitor):
    question = visitor.question("one.png", "two.png")
    visitor.client.post(f"/ask/compare?{question}")
    with visitor.client.stream("GET", f"/ask/compare/events?{question}") as told:
        assert told.headers["content-type"].startswith("text/event-stream")
        events = [json.loads(line.removeprefix("data: ")) for line in told.iter_lines() if line]
    assert events[-1]["where"] == "done"
    assert [event["where"] for event in events] == sorted(
        (event["where"] for event in events), key=["waiting", "loading", "looking", "done"].index
    )
    assert all(event["done"] <= event["total"] == 2 for event in events if event["where"] in ("loading", "looking"))


def test_telling_where_a_question_stands_asks_none(visitor):
    question = visitor.question("one.png")
    answer = visitor.client.get(f"/ask/compare/events?{question}")
    assert answer.status_code == 404
    assert "ask it again" in answer.json()["error"]
    assert visitor.site.desk._tasks == {}


class Slow:
    """An encoder that waits to be let go before every photo."""

    def __init__(self, encoder):
        self.contract, self.revision, self.encoder = encoder.contract, encoder.revision, encoder
        self.reached, self.go = threading.Event(), threading.Event()

    def __call__(self, photos, layers=(-1,), framing="square"):
        self.reached.set()
        assert self.go.wait(20)
        return self.encoder(photos, layers, framing)


@pytest.fixture
def slow(visitor, monkeypatch):
    encoder = Slow(repscope.load("tiny-random"))
    load = repscope.load
    monkeypatch.setattr("repscope.web.desk.load", lambda name: encoder if name == "tiny-random" else load(name))
    yield encoder
    encoder.go.set()


def test_a_question_can_be_cancelled_and_asked_again(visitor, slow):
    question = visitor.question("one.png", "two.png")
    assert visitor.client.post(f"/ask/compare?{question}").json()["where"] in ("waiting", "loading", "looking")
    assert slow.reached.wait(20)
    other = visitor.question("three.png")
    visitor.client.post(f"/ask/compare?{other}")
    visitor.client.delete(f"/ask/compare?{other}")
    assert visitor.client.post(f"/ask/compare?{other}").json()["where"] == "waiting"  # asked again: a new task
    visitor.client.delete(f"/ask/compare?{question}")
    slow.go.set()
    task = next(task for task in visitor.site.desk._tasks.values() if len(task.question.photos) == 2)
    visitor.until(lambda: task.over)
    assert task.progress.where == "stopped"
    assert task.report is None
    assert visitor.client.get(f"/compare.json?{question}").status_code == 200
    assert issubclass(Stopped, BaseException)
    assert not issubclass(Stopped, Exception)


def test_two_browsers_wait_for_one_answer(visitor, slow):
    question = visitor.question("one.png")
    answers = []
    with TestClient(visitor.client.app, base_url=f"http://{HOST}") as second:
        threads = [
            threading.Thread(target=lambda client=client: answers.append(client.get(f"/compare.json?{question}")))
            for client in (visitor.client, second)
        ]
        for thread in threads:
            thread.start()
        assert slow.reached.wait(20)
        slow.go.set()
        for thread in threads:
            thread.join(30)
    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[0].content == answers[1].content
    assert visitor.site.desk.encoders["tiny-random"].forwards == 1


def waited_for(visitor, question):
    """The task of a question that somebody waits for, who that is, and the answers there will be."""
    answers = []
    visitor.client.post(f"/ask/compare?{question}")
    (task,) = visitor.site.desk._tasks.values()
    waiting = threading.Thread(target=lambda: answers.append(visitor.client.get(f"/compare.json?{question}")))
    waiting.start()
    visitor.until(lambda: task.waiting == 1)
    return task, waiting, answers


def test_one_of_two_who_wait_cannot_end_it_for_the_other(visitor, slow):
    question = visitor.question("one.png")
    task, waiting, answers = waited_for(visitor, question)
    with visitor.site.desk.waiting(task):  # the second one
        assert visitor.client.delete(f"/ask/compare?{question}").json() == {"stopped": False}
        slow.go.set()
        waiting.join(30)
    assert answers[0].status_code == 200
    assert task.waiting == 0


def test_one_who_waits_alone_can(visitor, slow):
    question = visitor.question("one.png", "two.png")
    task, waiting, answers = waited_for(visitor, question)
    assert slow.reached.wait(20)
    assert visitor.client.delete(f"/ask/compare?{question}").json() == {"stopped": True}
    slow.go.set()
    waiting.join(30)
    assert (answers[0].status_code, answers[0].json()["error"]) == (500, "The question was withdrawn.")
    assert task.progress.where == "stopped"


def test_who_goes_away_waits_no_more(visitor, slow):
    """The socket is closed by a client of its own: this one's asks until it is answered."""
    question = visitor.question("one.png")
    visitor.client.post(f"/ask/compare?{question}")
    (task,) = visitor.site.desk._tasks.values()
    asked = app(visitor.site, frozenset({HOST}))
    scope = {
        "type": "http", "method": "GET", "path": "/compare.html", "raw_path": b"/compare.html", "http_version": "1.1",
        "query_string": question.encode(), "scheme": "http", "server": ("127.0.0.1", 8760),
        "headers": [(b"host", HOST.encode())],
    }  # fmt: skip
    sent = []

    async def gone():
        return {"type": "http.disconnect"}

    async def told(message):
        sent.append(message)

    asyncio.run(asyncio.wait_for(asked(scope, gone, told), 20))
    assert task.waiting == 0
    assert not task.over
