"""Who may ask: other sites, other names, other machines."""

import pytest
from asked import HOST, png
from starlette.testclient import TestClient

from repscope.errors import WrongUsage
from repscope.web.app import app
from repscope.web.serve import listening, local, names


@pytest.mark.parametrize("path", ["/", "/choices", "/compare.json?m=tiny-mae,tiny-random", "/reports"])
@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"host": "evil.example"}, 421),
        ({"host": "evil.example:8760"}, 421),
        ({"host": "127.0.0.1:9"}, 421),
        ({"origin": "http://evil.example"}, 403),
        ({"origin": "null"}, 403),
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"sec-fetch-site": "same-site", "sec-fetch-mode": "no-cors", "sec-fetch-dest": "image"}, 403),
    ],
)
def test_other_sites_and_other_names_are_refused(visitor, path, headers, status):
    assert visitor.client.get(path, headers=headers).status_code == status
    assert visitor.client.post("/photos", content=png(), headers=headers).status_code == status
    assert visitor.site.library.dropped == {}


def test_a_link_may_lead_to_the_front_page_only(visitor):
    follows = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}
    assert visitor.client.get("/", headers=follows).status_code == 200
    asks = visitor.client.get("/?photo=x&m=tiny-mae,tiny-random", headers=follows, follow_redirects=False)
    assert (asks.status_code, asks.headers["location"]) == (303, "/")
    assert visitor.client.get("/compare.html?m=tiny-mae,tiny-random", headers=follows).status_code == 403


def test_every_answer_says_what_it_may_do(visitor):
    for path in ("/", "/choices", "/nothing", "/compare.json?m=x"):
        headers = visitor.client.get(path).headers
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
    assert "access-control-allow-origin" not in headers


def test_on_a_network_a_token_is_wanted(visitor):
    guarded = app(visitor.site, frozenset({HOST}), "the token")
    with TestClient(guarded, base_url=f"http://{HOST}", follow_redirects=False) as client:
        assert client.get("/choices").status_code == 401
        assert client.get("/?token=wrong").status_code == 401
        assert client.get("/choices?token=the token").status_code == 401
        known = client.get("/?token=the token")
        assert known.status_code == 200
        assert 'content="0; url=/"' in known.text
        follows = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}
        assert 'content="0; url=/"' in client.get("/?token=the token", headers=follows).text
        assert client.get("/?token=wrong&m=x", headers=follows).status_code == 303
        assert "httponly" in known.headers["set-cookie"].lower()
        assert "samesite=strict" in known.headers["set-cookie"].lower()
        assert client.get("/choices").status_code == 200
        (name,) = client.cookies
    other = app(visitor.site, frozenset({HOST}), "another token")
    with TestClient(other, base_url=f"http://{HOST}", follow_redirects=False) as client:
        client.get("/?token=another token")
        assert name not in client.cookies  # the same host may have two servers


def test_on_a_network_any_address_will_do_but_no_other_name(visitor):
    guarded = app(visitor.site, frozenset({HOST}), "the token")
    with TestClient(guarded, base_url=f"http://{HOST}") as client:
        for host, status in (("192.0.2.7:8760", 401), ("[fd00::2]:8760", 401), ("evil.example:8760", 421), ("", 421)):
            assert client.get("/choices", headers={"host": host}).status_code == status
    assert visitor.client.get("/choices", headers={"host": "192.0.2.7:8760"}).status_code == 421


def test_which_addresses_are_this_machine():
    assert [local(host) for host in ("127.0.0.1", "127.9.9.9", "::1", "localhost", "0.0.0.0", "10.0.0.1", "::")] == [
        True, True, True, True, False, False, False,
    ]  # fmt: skip
    assert names("127.0.0.1", 8760) == {"127.0.0.1:8760", "localhost:8760", "[::1]:8760"}
    assert "10.0.0.1:5" in names("10.0.0.1", 5)
    assert "localhost" in names("localhost", 80)
    assert "127.9.9.9:5" in names("127.9.9.9", 5)
    assert "[::1]:5" in names("0:0:0:0:0:0:0:1", 5)
    with pytest.raises(WrongUsage, match="--host"):
        listening("", 0)
