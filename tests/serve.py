#!/usr/bin/env python3
"""serve.py MASK: mask serve, as its users and those who mean it no good meet it: every endpoint and file of the page,
errors, the token, Host and Origin, paths, bodies, uploads, and how it ends. What it answers is held to the OpenAPI document
that it serves. MASK_UNDER="valgrind ...": runs the servers under that, with ten times the patience (MASK_UNDER=env: only that,
for a build with ThreadSanitizer), and without photos, for a network takes minutes there. Standard library only."""
import concurrent.futures
import contextlib
import gzip
import http.client
import io
import json
import os
import re
import shutil
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
UNDER = os.environ.get("MASK_UNDER", "").split()
PATIENCE = 10 if UNDER else 1


def holds(schema, value, all_schemas, where):
    """Whether a value is as a schema says, of those words of JSON Schema that the document uses."""
    if "$ref" in schema:
        return holds(all_schemas[schema["$ref"].rsplit("/", 1)[1]], value, all_schemas, where)
    if "anyOf" in schema:
        with contextlib.redirect_stdout(io.StringIO()):
            return any(holds(s, value, all_schemas, where) for s in schema["anyOf"])
    types = schema.get("type", [])
    kinds = {"string": str, "object": dict, "array": list, "boolean": bool, "null": type(None), "integer": int, "number": (int, float)}
    types = [types] if isinstance(types, str) else types
    if types and not any(isinstance(value, kinds[t]) and not (isinstance(value, bool) and t != "boolean") for t in types):
        return print("%s is %r, not %s" % (where, value, types))
    if "enum" in schema and value not in schema["enum"]:
        return print("%s is %r, not of %s" % (where, value, schema["enum"]))
    if isinstance(value, dict) and "properties" in schema:
        extra = set(value) - set(schema["properties"])
        missing = set(schema.get("required", [])) - set(value)
        if extra or missing:
            return print("%s: not in the document: %s; missing: %s" % (where, extra, missing))
        return all(holds(schema["properties"][k], v, all_schemas, where + "." + k) for k, v in value.items())
    if isinstance(value, list) and "items" in schema:
        return all(holds(schema["items"], v, all_schemas, where + "[]") for v in value)
    return True


class Server:
    document = None
    used = set()  # (path, method) that the tests had a good answer of

    def __init__(self, env, *words, **popen):
        self.env = env
        self.process = subprocess.Popen([*UNDER, "mask", "serve", "--listen", "0", *words], env=env, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True, **popen)
        found = re.match(r"http://127\.0\.0\.1:(\d+)(.*)/$", self.process.stdout.readline().strip())
        assert found, self.process.stderr.read()
        self.port, self.prefix = int(found[1]), found[2]

    def ask(self, method, path, body=None, **headers):
        c = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30 * PATIENCE)
        c.request(method, self.prefix + path, body, {k.replace("_", "-"): v for k, v in headers.items()})
        answer = c.getresponse()
        data = answer.read()
        c.close()
        return answer, data

    def held(self, method, path, status, got):
        """Holds an answer to the document."""
        path = path.split("?")[0]
        fits = [p for p in self.document["paths"] if re.fullmatch(re.sub(r"\{id\}", ".+", p), path)]
        route = self.document["paths"][max(fits, key=len)].get(method.lower()) if fits else None
        schema = {"$ref": "#/components/schemas/Error"}
        if status < 400:
            Server.used.add((max(fits, key=len), method.lower()))
            schema = route["responses"]["200"]["content"]["application/json"]["schema"]
        assert holds(schema, got, self.document["components"]["schemas"], method + " " + path), (path, got)

    def json(self, status, method, path, body=None, **headers):
        raw = isinstance(body, bytes) or body is None
        answer, data = self.ask(method, path, body if raw else json.dumps(body), **headers)
        got = json.loads(data)
        assert answer.status == status, (path, str(body)[:200], answer.status, got)
        if status >= 400:
            assert got["error"]["code"] == status and got["error"]["type"] and got["error"]["message"], got
        if self.document:
            self.held(method, path, status, got)
        return got

    def raw(self, data):
        with socket.create_connection(("127.0.0.1", self.port), timeout=10 * PATIENCE) as c:
            c.sendall(data)
            return c.recv(65536)

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        out, err = self.process.communicate(timeout=15 * PATIENCE)
        assert self.process.returncode == 0, (self.process.returncode, err)
        return err


def png(width=64, height=48, seed=0, rows=None):
    chunk = lambda kind, data: struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    if rows is None:
        rows = b"".join(b"\0" + bytes([200 - seed, y * 5 % 256, 90 + seed]) * width for y in range(height))
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)) +
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
    assert [h["id"] for h in cli] == first, (cli, first)
    page = s.json(200, "POST", "/v1/search", {"query": "a dog and a puppy", "limit": 2, "offset": 1, "explain": False})
    assert [i["id"] for i in page["items"]] == first[1:] and page["items"][0]["words"] == []
    many = s.json(200, "POST", "/v1/search", {"queries": ["dog", "grass", "zzzzqqq"], "limit": 2})["results"]
    assert [len(r["items"]) for r in many] == [2, 2, 0] and many[2]["readings"][0]["words"][0]["kind"] == "unknown", many
    assert s.json(200, "POST", "/v1/search", {"query": "zzzzqqq"})["items"] == []
    like = s.json(200, "POST", "/v1/similar", {"id": "7", "limit": 5})
    assert len(like["items"]) == 5 and "7" not in [i["id"] for i in like["items"]]
    both = s.json(200, "POST", "/v1/search", {"query": "dog", "image": "7", "limit": 5})
    assert len(both["items"]) == 5
    assert s.json(200, "POST", "/v1/search", {"query": "dog", "ids": ["3", "9"]})["total"] == 2
    plus, minus = ({i["id"]: i["score"] for i in s.json(200, "POST", "/v1/search", {"query": q, "limit": 200})["items"]}
                   for q in ("dog -snow", "dog"))
    snow = {i["id"]: i["score"] for i in s.json(200, "POST", "/v1/search", {"query": "snow", "limit": 200})["items"]}
    assert all(abs(plus[i] - minus[i] + snow[i]) < 1e-3 for i in plus), "a negative word"
    half = {i["id"]: i["score"] for i in s.json(200, "POST", "/v1/search", {"query": "dog^0.5", "limit": 200})["items"]}
    assert all(abs(half[i] - minus[i] / 2) < 1e-3 for i in half), "a weight"
    sure = s.json(200, "POST", "/v1/search", {"query": "dog", "min_confidence": 0.5, "limit": 200})["items"]
    assert 0 < len(sure) < 200 and min(i["confidence"] for i in sure) >= 0.5
    texts = s.json(200, "POST", "/v1/annotate", {"id": first[0], "texts": ["snow", "a dog", "zzzzqqq"]})["items"]
    assert sorted(t["text"] for t in texts) == ["a dog", "snow"] and texts[0]["score"] >= texts[1]["score"], texts
    assert len(s.json(200, "POST", "/v1/annotate", {"id": "7", "limit": 3})["items"]) == 3
    s.json(404, "POST", "/v1/annotate", {"id": "nobody"})
    s.json(403, "POST", "/v1/reload", {})
    s.json(403, "DELETE", "/v1/images/7")
    s.json(403, "POST", "/v1/images", png(), Content_Type="image/png")
    s.json(403, "POST", "/v1/words", {"word": "rex", "ids": ["7"]})
    where = s.json(200, "POST", "/v1/search", {"query": "dog", "where": "id = '7'"})
    assert [i["id"] for i in where["items"]] == ["7"], where
    answer, text = s.ask("GET", "/metrics")
    assert answer.status == 200 and b"mask_gallery_images" in text and b"mask_searches_total" in text
    for path, methods in s.document["paths"].items():
        answer, _ = s.ask("PUT", path.replace("{id}", "7"))
        assert answer.status == 405 and answer.getheader("Allow") == ", ".join(m.upper() for m in methods), (path, answer.status)


def check_errors(s):
    for body in ({}, {"query": 3}, {"query": "dog", "limit": 0}, {"query": "dog", "limit": 10**6}, {"queries": []},
                 {"query": "dog", "offset": -1}, {"query": "dog", "nobody": 1}, {"queries": [1]}, {"query": "dog^x"},
                 {"query": "dog", "min_confidence": 2}, {"query": "dog", "where": "no such ("}, {"query": "d" * 3000},
                 {"query": "dog", "queries": ["dog"]}, [], "dog", {"query": "dog", "limit": 1.5}, {"query": "dog", "explain": 1},
                 {"query": "dog", "min_confidence": 1e400}, {"query": "dog", "ids": "7"}):
        s.json(400, "POST", "/v1/search", body)
    for body in (b"", b"{", b"\xff\xfe", b'{"query": "\\u0000"}', b"[" * 5000, b'{"query":"a","query":"b"}'):
        answer, data = s.ask("POST", "/v1/search", body)
        assert answer.status == 400 and json.loads(data)["error"]["type"] == "invalid_json", (body[:20], data)
    s.json(404, "POST", "/v1/search", {"query": "dog", "gallery": "none"})
    s.json(404, "POST", "/v1/similar", {"id": "nobody"})
    s.json(400, "POST", "/v1/similar?offset=-1", {"id": "7"})
    s.json(400, "POST", "/v1/similar?limit=x", {"id": "7"})
    s.json(400, "POST", "/v1/similar", {})
    s.json(405, "GET", "/v1/search")
    s.json(405, "POST", "/v1/galleries")
    s.json(405, "DELETE", "/health")
    for path in ("/nothing", "/v1/", "/v1/images/nobody", "/v1/images/nobody/thumbnail", "/../etc/passwd",
                 "/v1/images/..%2f..%2f..%2fetc%2fpasswd", "/%2e%2e/%2e%2e/etc/passwd", "/v1/images//etc/passwd"):
        s.json(404, "GET", path)
    for line in (b"GET /%0d%0aX-Evil:%201 HTTP/1.1", b"GET /v1/images/a%0d%0aX-Evil:%201 HTTP/1.1"):  # header injection
        assert b"X-Evil" not in s.raw(line + b"\r\nHost: localhost\r\n\r\n").split(b"\r\n\r\n")[0]
    assert b" 4" in s.raw(b"GET /\xff\xfe HTTP/1.1\r\nHost: localhost\r\n\r\n").split(b"\r\n")[0]
    assert b" 431 " in s.raw(b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * 200000).split(b"\r\n")[0]
    began = time.time()  # a condition that would take hours
    s.json(400, "POST", "/v1/search", {"query": "dog", "where": "id IN (SELECT a.id FROM image a, image b, image c, image d, image e)"})
    assert time.time() - began < 20 * PATIENCE
    with socket.create_connection(("127.0.0.1", s.port), timeout=10 * PATIENCE) as c:  # chunks without end
        c.sendall(b"POST /v1/search HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n")
        block = b"100000\r\n" + b" " * 0x100000 + b"\r\n"
        try:
            for _ in range(20):
                c.sendall(block)
            c.sendall(b"0\r\n\r\n")
            assert b" 413 " in c.recv(4096).split(b"\r\n")[0]
        except ConnectionError:
            pass  # cut off
    with socket.create_connection(("127.0.0.1", s.port), timeout=10 * PATIENCE) as c:
        c.sendall(b"POST /v1/search HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999999\r\n\r\n")
        assert b" 413 " in c.recv(4096).split(b"\r\n")[0]
    with socket.create_connection(("127.0.0.1", s.port), timeout=10 * PATIENCE) as c:  # half a request keeps nobody waiting
        c.sendall(b"POST /v1/search HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{")
        s.json(200, "GET", "/health")


def check_page(s):
    answer, page = s.ask("GET", "/")
    assert answer.status == 200 and answer.getheader("Content-Type").startswith("text/html")
    policy = answer.getheader("Content-Security-Policy")
    assert "default-src 'none'" in policy and "unsafe" not in policy, policy
    names = re.findall(r'(?:src|href)="([^"#]+)"', page.decode())
    assert set(names) == {"style.css", "icon.svg", "results.js", "app.js"}, names
    for name in names + [""]:
        answer, data = s.ask("GET", "/" + name)
        assert answer.status == 200 and data and answer.getheader("ETag"), name
        small, packed = s.ask("GET", "/" + name, Accept_Encoding="br, gzip")
        assert small.getheader("Content-Encoding") == "gzip" and gzip.decompress(packed) == data, name
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
    s.ask("GET", "/v1/%ff%22%0d%0a", Authorization="Bearer " + TOKEN)
    s.prefix = ""
    s.json(404, "GET", "/version", Authorization="Bearer " + TOKEN)
    log = [json.loads(line) for line in s.stop().splitlines()]
    assert log[0]["status"] == 401 and log[-1]["status"] == 404 and len(log) == 9, log
    assert set(log[0]) == {"time", "client", "method", "path", "status", "bytes", "seconds"} and TOKEN not in str(log)
    s = Server(dict(env, MASK_SERVE_PREFIX="/other", MASK_SERVE_ACCESS_LOG="1", MASK_SERVE_TOKEN=TOKEN), os.path.join(folder, "G.gallery"))
    assert s.prefix == "/other"
    s.json(401, "GET", "/version")
    assert '"status":401' in s.stop()
    refused = lambda words, **more: subprocess.run(["mask", "serve", os.path.join(folder, "G.gallery"), *words], capture_output=True,
                                                   text=True, env=dict(env, **more), timeout=10 * PATIENCE)
    done = refused(["--listen", "0.0.0.0:0"])
    assert done.returncode == 1 and "token" in done.stderr, done
    done = refused([], MASK_SERVE_TOKEN="short")
    assert done.returncode == 1 and "16 to 255" in done.stderr, done
    assert refused(["--prefix", "pre"]).returncode == 2
    assert refused([], MASK_SERVE_ACCESS_LOG="yes").returncode == 2
    assert refused(["--upload-dir", os.path.join(folder, "nowhere")]).returncode == 1
    listener = socket.create_server(("127.0.0.1", 0))  # systemd's: descriptor 3, and told whose it is
    os.set_inheritable(listener.fileno(), True)
    process = subprocess.Popen(["sh", "-c", 'exec 3<&%d; export LISTEN_FDS=1 LISTEN_PID=$$; exec mask serve "$0"' % listener.fileno(),
                                os.path.join(folder, "G.gallery")], env=env, pass_fds=[listener.fileno()], stdout=subprocess.PIPE, text=True)
    port = listener.getsockname()[1]
    assert process.stdout.readline() == "http://127.0.0.1:%d/\n" % port
    c = http.client.HTTPConnection("127.0.0.1", port, timeout=10 * PATIENCE)
    c.request("GET", "/health")
    assert c.getresponse().status == 200
    process.terminate()
    process.wait(15 * PATIENCE)
    listener.close()


def check_photos(folder, env):
    """A folder of photos: given out, added to, removed from, and what must not get in or out."""
    photos, new, taught = (os.path.join(folder, n) for n in ("photos", "photos/new", "taught.mask"))
    os.makedirs(new)
    for i in range(3):
        open(os.path.join(photos, "%d.png" % i), "wb").write(png(seed=i * 40))
    shutil.copy(os.path.join(SOURCE, "docs", "demo-queries.jpg"), os.path.join(photos, "real photo.jpg"))
    shutil.copy(os.path.join(SOURCE, "docs", "demo-queries.jpg"), os.path.join(folder, "outside.jpg"))
    env = dict(env, XDG_CACHE_HOME=os.path.join(folder, "cache"))
    words = ["--photos", photos, "--upload-dir", new, "--teach", taught]
    s = Server(env, *words)
    try:
        g = s.json(200, "GET", "/v1/galleries")["galleries"][0]
        assert g["images"] == 4 and "date" in g["columns"] and g["can_change"] and g["can_learn"], g
        answer, whole = s.ask("GET", "/v1/images/real%20photo.jpg")
        assert answer.status == 200 and answer.getheader("Content-Type") == "image/jpeg"
        assert whole == open(os.path.join(folder, "outside.jpg"), "rb").read()
        for side in ("", "?side=64"):
            small, data = s.ask("GET", "/v1/images/real%20photo.jpg/thumbnail" + side)
            assert small.status == 200 and data[:3] == b"\xff\xd8\xff" and len(data) < len(whole), side
            assert s.ask("GET", "/v1/images/real%20photo.jpg/thumbnail" + side)[1] == data, "kept"
            again, none = s.ask("GET", "/v1/images/real%20photo.jpg/thumbnail" + side, If_None_Match=small.getheader("ETag"))
            assert again.status == 304 and not none
        s.json(400, "GET", "/v1/images/real%20photo.jpg/thumbnail?side=1")
        item = s.json(200, "POST", "/v1/search", {"query": "dog", "limit": 1, "metadata": True})["items"][0]
        assert item["metadata"]["file"] == item["file"] and item["width"], item
        # Added and removed
        photo = png(seed=77)
        put = lambda body, name="", kind="image/png", status=200: s.json(status, "POST", "/v1/images" + name, body, Content_Type=kind)
        added = put(photo, "?name=dog%20of%20mine")
        assert added == {"id": "new/dog of mine.png", "images": 5} and os.listdir(new) == ["dog of mine.png"], added
        assert s.ask("GET", "/v1/images/new/dog%20of%20mine.png")[1] == photo
        put(photo, "?name=dog%20of%20mine", status=409)
        by_content = put(png(seed=78))["id"]
        like = s.json(200, "POST", "/v1/similar?limit=1", photo, Content_Type="image/png")["items"]
        assert like[0]["id"] in (added["id"], by_content) and like[0]["score"] > 0.99, like
        assert len(s.json(200, "POST", "/v1/annotate?limit=3&texts=a%20dog%0Asnow", photo, Content_Type="image/png")["items"]) == 2
        for name in ("..%2fx", "%2e%2e", ".hidden", "a%2fb", "a%00b", "-x", "a%0ab", "x" * 200):
            answer, data = s.ask("POST", "/v1/images?name=" + name, png(seed=5), Content_Type="image/png")
            assert answer.status in (200, 400), (name, answer.status)
            if answer.status == 200:  # what stands before the zero byte
                s.json(200, "DELETE", "/v1/images/" + json.loads(data)["id"])
        bomb = png(30000, 30000, rows=b"\0" * 1000)
        deep = b"\x89PNG\r\n\x1a\n" + png(6000, 6000, rows=bytes(6000 * 18001))[8:]  # 0.1 MB that would be 108
        for body in (bomb, photo[:60], photo[:-20][:200], b"GIF89a" + bytes(100), b"\xff\xd8\xff" + os.urandom(500), b"", b"<svg/>"):
            for address in ("/v1/images", "/v1/similar", "/v1/annotate"):
                answer, data = s.ask("POST", address, body, Content_Type="image/png")
                assert answer.status in (400, 415), (address, body[:20], answer.status, data)
        assert s.ask("POST", "/v1/similar", deep, Content_Type="image/png")[0].status in (200, 415)
        put(b"{}", kind="application/json", status=415)
        assert sorted(os.listdir(new)) == sorted(["dog of mine.png", by_content[4:]]), os.listdir(new)
        assert s.json(200, "DELETE", "/v1/images/" + by_content)["file_removed"]
        assert not s.json(200, "DELETE", "/v1/images/0.png")["file_removed"] and os.path.exists(os.path.join(photos, "0.png"))
        s.json(404, "DELETE", "/v1/images/0.png")
        # Opened anew while others ask
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            many = [pool.submit(s.json, 200, "POST", "/v1/search", {"query": "dog"}) for _ in range(60)]
            assert s.json(200, "POST", "/v1/reload", {})["images"] == 5
            s.process.send_signal(signal.SIGHUP)
            [m.result() for m in many]
        # A word
        got = s.json(200, "POST", "/v1/words", {"word": "my rex", "ids": [added["id"]]})
        assert got == {"word": "my rex", "photos": 1, "sharpened": False}, got
        assert s.json(200, "POST", "/v1/search", {"query": "my rex"})["readings"][0]["words"][-1]["kind"] == "known"
        s.json(400, "POST", "/v1/words", {"word": "my rex", "ids": []})
        # What is a link out of the folder now is not given out
        os.remove(os.path.join(photos, "1.png"))
        os.symlink(os.path.join(folder, "outside.jpg"), os.path.join(photos, "1.png"))
        s.json(403, "GET", "/v1/images/1.png")
        s.json(403, "GET", "/v1/images/1.png/thumbnail")
        os.remove(os.path.join(photos, "1.png"))
        os.symlink("/etc/passwd", os.path.join(photos, "1.png"))
        s.json(403, "GET", "/v1/images/1.png")
        os.remove(os.path.join(photos, "1.png"))
        s.json(404, "GET", "/v1/images/1.png")
        missing = {(p, m) for p, methods in s.document["paths"].items() for m in methods} - Server.used
        assert missing <= {("/metrics", "get"), ("/v1/images/{id}", "get"), ("/v1/images/{id}/thumbnail", "get")}, missing
        # Killed in the middle of uploads: all that was answered is there
        done = []
        def upload(i):
            try:
                done.append(json.loads(s.ask("POST", "/v1/images?name=k%d" % i, png(seed=i), Content_Type="image/png")[1])["id"])
            except (OSError, http.client.HTTPException, ValueError):
                pass
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            jobs = [pool.submit(upload, i) for i in range(40)]
            while len(done) < 4:
                time.sleep(0.01)
            s.process.kill()
            err = s.process.communicate()[1]
            assert not re.search("^==|ThreadSanitizer", err, re.M), err  # the others say it by how they end
        kept = list(done)
        s = Server(env, *words)
        for image in kept + [added["id"]]:
            assert s.ask("GET", "/v1/images/" + image.replace(" ", "%20"))[0].status == 200, image
        assert s.json(200, "POST", "/v1/search", {"query": "my rex"})["readings"][0]["words"][-1]["kind"] == "known", "remembered"
    finally:
        s.stop()


def main(mask):
    home = os.path.dirname(os.path.abspath(mask))
    env = dict(os.environ, PATH=home + ":" + os.environ["PATH"], LC_ALL="C.UTF-8", OMP_WAIT_POLICY="passive")
    for name in [n for n in env if n.startswith("MASK_SERVE_")]:
        del env[name]
    with tempfile.TemporaryDirectory() as folder:
        data = os.path.join(folder, "d")
        run.prepare(data, env)
        subprocess.run(["mask", "index", "d/full.mask", "d/demo_precomp", "--split", "dev", "-o", "G.gallery"], cwd=folder,
                       env=env, check=True, capture_output=True)
        s = Server(env, os.path.join(folder, "G.gallery"))
        Server.document = s.json(200, "GET", "/openapi.json")
        try:
            s.json(200, "GET", "/openapi.json")
            check_api(s, folder)
            check_errors(s)
            check_page(s)
            check_door(s)
            answer, body = s.ask("POST", "/v1/similar", b"no photo at all", Content_Type="image/png")
            assert answer.status in (415, 409, 400), (answer.status, body)
            answer, body = s.ask("POST", "/v1/similar", png(), Content_Type="image/png")  # features of another kind
            assert answer.status == 409 or answer.status == 200, (answer.status, body)
            flags = subprocess.run(["pkg-config", "--cflags", "--libs", "jansson"], capture_output=True, text=True, check=True).stdout
            example = os.path.join(folder, "ask_server")
            subprocess.run(["cc", os.path.join(SOURCE, "examples", "ask_server.c"), *flags.split(), "-o", example], check=True)
            done = subprocess.run([example, str(s.port), "dog"], capture_output=True, text=True, check=True)
            assert len(done.stdout.splitlines()) == 5, done
            with concurrent.futures.ThreadPoolExecutor(16) as pool:
                got = list(pool.map(lambda i: s.json(200, "POST", "/v1/search", {"query": "dog"})["items"], range(64)))
            assert all(items == got[0] for items in got)
            subprocess.run(["mask", "index", "remove", "G.gallery", got[0][0]["id"]], cwd=folder, env=env, check=True, capture_output=True)
            time.sleep(1.1)
            assert s.json(200, "POST", "/v1/search", {"query": "dog"})["items"][0]["id"] != got[0][0]["id"]
        finally:
            s.stop()
        new = os.path.join(folder, "new")
        os.mkdir(new)
        s = Server(env, os.path.join(folder, "G.gallery"), "--upload-dir", new)
        s.json(409, "POST", "/v1/images", png(), Content_Type="image/png")  # features of another kind: nothing stays
        assert os.listdir(new) == [] and not s.json(200, "DELETE", "/v1/images/3")["file_removed"]
        s.json(404, "POST", "/v1/similar", {"id": "3"})
        s.stop()
        check_token(folder, env)
        if UNDER[:1] != ["valgrind"]:
            check_photos(folder, env)
    print("serve: good")


main(sys.argv[1])
