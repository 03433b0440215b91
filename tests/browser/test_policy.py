"""The content security policy in a real browser: what a page's script asks for elsewhere is not even sent."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

pytest.importorskip("playwright")
from playwright.sync_api import Browser

ASK = """async (address) => {
  const heard = [];
  document.addEventListener("securitypolicyviolation", (event) => heard.push(event.effectiveDirective));
  const image = new Image(); image.src = address + "/image";
  const script = document.createElement("script"); script.src = address + "/script"; document.head.append(script);
  const style = document.createElement("link"); style.rel = "stylesheet"; style.href = address + "/style";
  document.head.append(style);
  navigator.sendBeacon(address + "/beacon", "x");
  let fetched = true;
  try { await fetch(address + "/fetch", { mode: "no-cors" }); } catch { fetched = false; }
  await new Promise((done) => setTimeout(done, 500));
  return { fetched, heard: [...new Set(heard)].sort() };
}"""


@pytest.fixture
def elsewhere() -> Iterator[tuple[str, list[str]]]:
    """A server that is not the app's, and what it was asked for."""
    asked: list[str] = []

    class Listener(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_POST = do_GET

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Listener)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", asked
    server.shutdown()
    server.server_close()


def test_no_script_of_a_page_reaches_another_server(
    browser: Browser, server: str, elsewhere: tuple[str, list[str]]
) -> None:
    address, asked = elsewhere
    page = browser.new_page()
    page.goto(server)
    found = page.evaluate(ASK, address)
    assert asked == []
    page.close()
    free = browser.new_page()
    free.goto(address)
    assert free.evaluate(ASK, address)["fetched"]
    free.close()
    assert {"/fetch", "/image", "/script", "/style", "/beacon"} <= set(asked)  # without the policy all are sent
    assert not found["fetched"]
    assert {"connect-src", "img-src", "script-src-elem", "style-src-elem"} <= set(found["heard"])
