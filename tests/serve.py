#!/usr/bin/env python3
"""serve.py MASK: mask serve, as its users and those who mean it no good meet it: every endpoint and file of the page,
errors, the token, Host and Origin, paths, bodies, and how it ends. Standard library only."""
import concurrent.futures
import http.client
import json
import os
import re
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
import zlib

HERE = os.path.dirname(os.path.abspath(__file__))
SOURCE = os.path.dirname(HERE)
sys.path.insert(0, os.path.join(HERE, "cli"))
import run  # noqa: E402

TOKEN = "a-token-of-some-length"


class Server:
    def __init__(self, env, *words):
        self.process = subprocess.Popen(["mask", "serve", "--port", "0", *words], env=env, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True)
        found = re.match(r"http://127\.0\.0\.1:(\d+)(.*)/$", self.process.stdout.readline().strip())
        assert found, self.process.stderr.read()
        self.port, self.prefix = int(found[1]), found[2]

    def ask(self, method, path, body=None, **headers):
        c = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        c.request(method, self.prefix + path, body, {k.replace("_", "-"): v for k, v in headers.items()})
        answer = c.getresponse()
        data = answer.read()
        c.close()
        return answer, data

    def json(self, status, method, path, body=None, **headers):
        answer, data = self.ask(method, path, json.dumps(body) if body is not None else None, **headers)
        got = json.loads(data)
        assert answer.status == status, (path, body, answer.status, got)
        if status >= 400:
            assert got["error"]["code"] == status and got["error"]["type"] and got["error"]["message"], got
        return got

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        out, err = self.process.communicate(timeout=15)
        assert self.process.returncode == 0, (self.process.returncode, err)
        return err


def png():
    chunk = lambda kind, data: struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    rows = b"".join(b"\0" + bytes([200, y * 5, 90]) * 64 for y in range(48))
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 64, 48, 8, 2, 0, 0, 0)) +
            chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))


def check_api(s, folder):
    assert s.json(200, "GET", "/health") == {"status": "ok"}
    assert re.fullmatch(r"\d+\.\d+\.\d+", s.json(200, "GET", "/version")["version"])
    galleries = s.json(200, "GET", "/v1/galleries")["galleries"]
    assert [g["name"] for g in galleries] == ["G"] and galleries[0]["images"] == 200, galleries
    got = s.json(200, "POST", "/v1/search", {"query": "a dog and a puppy", "limit": 3})
    assert got["total"] == 200 and len(got["items"]) == 3 and got["next_offset"] == 3, got
    kinds = {w["token"]: w for w in got["readings"][0]["words"]}
    assert kinds["dog"]["kind"] == "known" and kinds["a"]["kind"] == "dropped" and kinds["a"]["reason"], kinds
    assert kinds["puppy"]["kind"] == "ood" and kinds["puppy"]["neighbours"], kinds
    assert len(got["items"][0]["words"][0]["box"]) == 4, got["items"][0]
    first = [i["id"] for i in got["items"]]
    cli = json.loads(subprocess.run(["mask", "search", "G.gallery", "a dog and a puppy", "-k", "3", "--json"], cwd=folder,
                                    env=s.env, capture_output=True, check=True).stdout)
    assert [h["id"] for h in cli["results"]] == first, (cli, first)
    page = s.json(200, "POST", "/v1/search", {"query": "a dog and a puppy", "limit": 2, "offset": 1, "explain": False})
    assert [i["id"] for i in page["items"]] == first[1:] and page["items"][0]["words"] == []
    many = s.json(200, "POST", "/v1/search", {"queries": ["dog", "grass", "zzzzqqq"], "limit": 2})["results"]
    assert [len(r["items"]) for r in many] == [2, 2, 0] and many[2]["readings"][0]["words"][0]["kind"] == "unknown", many
    assert s.json(200, "POST", "/v1/search", {"query": "zzzzqqq"})["items"] == []
    like = s.json(200, "POST", "/v1/similar", {"id": "7", "limit": 5})
    assert len(like["items"]) == 5 and "7" not in [i["id"] for i in like["items"]]
    both = s.json(200, "POST", "/v1/search", {"query": "dog", "image": "7", "limit": 5})
    assert len(both["items"]) == 5
    where = s.json(200, "POST", "/v1/search", {"query": "dog", "where": "id = '7'"})
    assert [i["id"] for i in where["items"]] == ["7"], where
    answer, text = s.ask("GET", "/metrics")
    assert answer.status == 200 and b"mask_gallery_images" in text and b"mask_searches_total" in text
    document = s.json(200, "GET", "/openapi.json")
    for path in document["paths"]:
        answer, _ = s.ask("PUT", path.replace("{id}", "7"))
        assert answer.status in (404, 405), (path, answer.status)


def check_errors(s):
    for body in ({}, {"query": 3}, {"query": "dog", "limit": 0}, {"query": "dog", "limit": 10**6}, {"queries": []},
                 {"query": "dog", "offset": -1}, {"query": "dog", "nobody": 1}, {"queries": [1]}, {"query": "dog^x"},
                 {"query": "dog", "min_confidence": 2}, {"query": "dog", "where": "no such ("}, {"query": "d" * 3000},
                 {"query": "dog", "queries": ["dog"]}, [], "dog"):
        s.json(400, "POST", "/v1/search", body)
    for body in (b"", b"{", b"\xff\xfe", b'{"query": "\\u0000"}', b"[" * 5000, b'{"query":"a","query":"b"}'):
        answer, data = s.ask("POST", "/v1/search", body)
        assert answer.status == 400 and json.loads(data)["error"]["type"] == "invalid_json", (body[:20], data)
    s.json(404, "POST", "/v1/search", {"query": "dog", "gallery": "none"})
    s.json(404, "POST", "/v1/similar", {"id": "nobody"})
    s.json(400, "POST", "/v1/similar", {})
    s.json(405, "GET", "/v1/search")
    s.json(405, "POST", "/v1/galleries")
    s.json(405, "DELETE", "/health")
    for path in ("/nothing", "/v1/", "/v1/images/nobody", "/v1/images/nobody/thumbnail", "/../etc/passwd",
                 "/v1/images/..%2f..%2f..%2fetc%2fpasswd", "/%2e%2e/%2e%2e/etc/passwd", "/v1/images//etc/passwd"):
        s.json(404, "GET", path)
    with socket.create_connection(("127.0.0.1", s.port), timeout=10) as c:
        c.sendall(b"POST /v1/search HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999999\r\n\r\n")
        assert b" 413 " in c.recv(4096).split(b"\r\n")[0]
    with socket.create_connection(("127.0.0.1", s.port), timeout=10) as c:  # half a request keeps nobody waiting
        c.sendall(b"POST /v1/search HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{")
        s.json(200, "GET", "/health")


def check_page(s):
    answer, page = s.ask("GET", "/")
    assert answer.status == 200 and answer.getheader("Content-Type").startswith("text/html")
    policy = answer.getheader("Content-Security-Policy")
    assert "default-src 'none'" in policy and "unsafe" not in policy, policy
    names = re.findall(r'(?:src|href)="([^"#]+)"', page.decode())
    assert set(names) == {"style.css", "icon.svg", "app.js"}, names
    for name in names + [""]:
        answer, data = s.ask("GET", "/" + name)
        assert answer.status == 200 and data and answer.getheader("ETag"), name
        again, data = s.ask("GET", "/" + name, If_None_Match=answer.getheader("ETag"))
        assert again.status == 304 and not data, name
        assert not re.search(rb"https?://(?!www\.w3\.org/2000/svg)", page), name


def check_door(s):
    for host in ("evil.example", "127.0.0.1.evil.example", "", "localhost.", "127.0.0.2:80"):
        assert s.ask("GET", "/health", Host=host)[0].status in (400, 403), host
    for host in ("localhost", "127.0.0.1:%d" % s.port, "[::1]:80"):
        assert s.ask("GET", "/health", Host=host)[0].status == 200, host
    own = "127.0.0.1:%d" % s.port
    for origin in ("https://evil.example", "null", "http://127.0.0.1:1"):
        answer, data = s.ask("POST", "/v1/search", b'{"query":"dog"}', Host=own, Origin=origin)
        assert answer.status == 403 and not answer.getheader("Access-Control-Allow-Origin"), origin
    assert s.ask("POST", "/v1/search", b'{"query":"dog"}', Host=own, Origin="http://" + own)[0].status == 200


def check_token(folder, env):
    open(os.path.join(folder, "token"), "w").write(TOKEN + "\n")
    s = Server(env, os.path.join(folder, "G.gallery"), "--token-file", os.path.join(folder, "token"), "--prefix", "/pre",
               "--name", "photos.example", "--access-log")
    s.json(401, "GET", "/v1/galleries")
    s.json(401, "GET", "/metrics")
    s.json(401, "POST", "/v1/search", {"query": "dog"}, Authorization="Bearer " + TOKEN + "x")
    s.json(401, "POST", "/v1/search", {"query": "dog"}, Authorization="Bearer ")
    s.json(200, "POST", "/v1/search", {"query": "dog"}, Authorization="Bearer " + TOKEN)
    s.json(200, "GET", "/health", Host="photos.example")
    assert s.ask("GET", "/")[0].status == 200
    s.prefix = ""
    s.json(404, "GET", "/version", Authorization="Bearer " + TOKEN)
    log = [json.loads(line) for line in s.stop().splitlines()]
    assert log[0]["status"] == 401 and log[-1]["path"] == "/version", log
    refused = lambda words, **more: subprocess.run(["mask", "serve", os.path.join(folder, "G.gallery"), *words], capture_output=True,
                                                   text=True, env=dict(env, **more), timeout=10)
    done = refused(["--host", "0.0.0.0", "--port", "0"])
    assert done.returncode == 1 and "token" in done.stderr, done
    done = refused([], MASK_SERVE_TOKEN="short")
    assert done.returncode == 1 and "16 to 255" in done.stderr, done
    assert refused(["--prefix", "pre"]).returncode == 2


def main(mask):
    home = os.path.dirname(os.path.abspath(mask))
    env = dict(os.environ, PATH=home + ":" + os.environ["PATH"], LC_ALL="C.UTF-8", OMP_WAIT_POLICY="passive")
    env.pop("MASK_SERVE_TOKEN", None)
    with tempfile.TemporaryDirectory() as folder:
        data = os.path.join(folder, "d")
        run.prepare(data, env)
        subprocess.run(["mask", "index", "d/full.mask", "d/demo_precomp", "--split", "dev", "-o", "G.gallery"], cwd=folder,
                       env=env, check=True, capture_output=True)
        s = Server(env, os.path.join(folder, "G.gallery"))
        s.env = env
        try:
            check_api(s, folder)
            check_errors(s)
            check_page(s)
            check_door(s)
            answer, body = s.ask("POST", "/v1/similar", b"no photo at all", Content_Type="image/png")
            assert answer.status in (415, 409, 400), (answer.status, body)
            answer, body = s.ask("POST", "/v1/similar", png(), Content_Type="image/png")  # features of another kind
            assert answer.status == 409 or answer.status == 200, (answer.status, body)
            with concurrent.futures.ThreadPoolExecutor(16) as pool:
                got = list(pool.map(lambda i: s.json(200, "POST", "/v1/search", {"query": "dog"})["items"], range(64)))
            assert all(items == got[0] for items in got)
            subprocess.run(["mask", "index", "remove", "G.gallery", got[0][0]["id"]], cwd=folder, env=env, check=True, capture_output=True)
            time.sleep(1.1)
            assert s.json(200, "POST", "/v1/search", {"query": "dog"})["items"][0]["id"] != got[0][0]["id"]
        finally:
            s.stop()
        check_token(folder, env)
    print("serve: good")


main(sys.argv[1])
