#!/usr/bin/env python3
"""clickhouse.py MASK: a gallery in ClickHouse must answer as the gallery does, to the last bit of a score, on one server, on three
and on a current engine (chdb, behind a few lines of HTTP): known and unknown words, negative ones, conditions, ids, pages. A server
or the export itself that is killed while rows are written: the same command again goes on, and nothing is doubled or missing. One
that is killed before a search: a message, no answer. Servers are Debian's clickhouse-server, on loopback.
"""
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../demo"))
sys.dont_write_bytecode = True
from generate import write_npy

mask, here = os.path.abspath(sys.argv[1]), os.path.dirname(os.path.abspath(__file__))
engine = shutil.which("clickhouse-server") or "/usr/sbin/clickhouse-server"
DIM, WORDS, UNKNOWN, IMAGES, REGIONS, QUERIES, KILLS = 24, 40, 12, 1500, 4, 1000, 6
HELD = 6  # of the unknown words: that the background's texts hold, so that they have columns
work = tempfile.TemporaryDirectory(prefix="mask-clickhouse-")
os.chdir(work.name)
rng = random.Random(int(sys.argv[2]) if len(sys.argv) > 2 else 1)
environment = dict(os.environ, OMP_WAIT_POLICY="passive", XDG_CACHE_HOME=work.name + "/cache")


def command(*words):
    return subprocess.run([mask, *words], capture_output=True, text=True, env=environment)


def run(*words):
    done = command(*words)
    if done.returncode:
        sys.exit(f"mask {' '.join(words)}\nexited with {done.returncode}: {done.stderr}")
    return done.stdout


# ---- A gallery of three segments, with metadata and words that are not known ----

def make_gallery():
    names = [f"word{chr(97 + i // 26)}{chr(97 + i % 26)}" for i in range(WORDS + UNKNOWN)]
    names[3], names[5] = "state", "it's"[:2] + "wörd"  # a word like a table's name, and one that is not ASCII
    looks = [[rng.gauss(0, 1) for _ in range(DIM)] for _ in range(WORDS)]
    senses = [[rng.gauss(0, 1) for _ in range(8)] for _ in range(WORDS)]
    senses += [[a + 0.5 * rng.gauss(0, 1) for a in senses[rng.randrange(WORDS)]] for _ in range(UNKNOWN)]
    with open("vectors.txt", "w") as f:
        f.writelines(name + "".join(f" {x:.4f}" for x in sense) + "\n" for name, sense in zip(names, senses))
    run("vectors", "import", "vectors.txt", "-o", "v.mvec")

    def regions(words):
        return [max(0.0, x + rng.gauss(0, 0.7)) for word in words for x in looks[word]]

    os.mkdir("labelled")
    shown = [rng.sample(range(WORDS), 3) for _ in range(400)]
    write_npy("labelled/features.npy", (1200, DIM), [x for words in shown for x in regions(words)])
    with open("labelled/regions.tsv", "w") as table:
        table.write("image\tx1\ty1\tx2\ty2\tlabel\n")
        table.writelines(f"{i}\t0\t0\t{10 + w}\t20\t{names[w]}\n" for i, words in enumerate(shown) for w in words)
    write_npy("back_ims.npy", (60, REGIONS, DIM), regions(rng.randrange(WORDS) for _ in range(60 * REGIONS)))
    with open("back.txt", "w") as f:
        f.writelines(" ".join(rng.sample(names[:WORDS + HELD], 3)) + "\n" for _ in range(300))
    run("learn", "labelled", "--vectors", "v.mvec", "--encoder", "whiten", "-o", "raw.mask")
    run("calibrate", "raw.mask", "--images", "back_ims.npy", "--texts", "back.txt", "-o", "k.mask")
    values = regions(rng.randrange(WORDS) for _ in range(IMAGES * REGIONS))
    for i in range(0, IMAGES, 50):  # equal images, so equal scores: ids decide
        values[i * REGIONS * DIM:(i + 1) * REGIONS * DIM] = values[:REGIONS * DIM]
    for name, first, end in (("first", 0, IMAGES - 100), ("more", IMAGES - 100, IMAGES)):
        write_npy(name + "_ims.npy", (end - first, REGIONS, DIM), values[first * REGIONS * DIM:end * REGIONS * DIM])
        with open(name + "_ids.txt", "w") as f:
            f.writelines(f"i'{i * 7919 % IMAGES}\n" for i in range(first, end))
    with open("meta.tsv", "w") as f:
        f.write("id\tYear\tplace\ttitle\n")
        for i in range(IMAGES - 200):
            f.write(f"i'{i}\t{rng.choice(['', '1998', '2004', '-3.5', '1e3'])}\t{rng.choice(['', 'Rome', 'rome', 'Oslo', 'a%b', 'x_y'])}\t"
                    f"{rng.choice(['Über', 'back' + chr(92) + 'slash', 'it' + chr(39) + 's', '', 'Z'])}\n")
    run("index", "k.mask", "first_ims.npy", "-o", "g.gallery", "--segment-images", "500", "--metadata", "meta.tsv", "--own", "off")
    return names


names = make_gallery()


def some_query():
    words = rng.choices(names[:WORDS], k=rng.randint(1, 5)) + rng.choices(names[WORDS:], k=rng.random() < 0.15)
    text = " ".join(words)
    return text + " -" + rng.choice(names) if rng.random() < 0.2 else text


with open("queries.txt", "w") as f:
    f.writelines(some_query() + "\n" for _ in range(QUERIES))
with open("few.txt", "w") as f:
    f.writelines(some_query() + "\n" for _ in range(20))
with open("ids.txt", "w") as f:
    f.writelines(f"i'{i}\n" for i in range(0, IMAGES, 3))

CONDITIONS = ["year > 2000", "place LIKE 'RO%'", "NOT place LIKE 'ro%' OR year < 1000", "place IS NULL AND year IS NOT NULL",
              "year IN (1998, 1000) AND place NOT IN ('Rome', 'Oslo')", "NOT (place IN ('Rome'))", "place LIKE 'a\\%b' OR title LIKE '%\\%'",
              "title = 'it''s' OR title = 'Über'", "year BETWEEN -4 AND 999 + 1", "year * 2 - 1 = 1999 AND width IS NULL",
              "lower(place) = 'rome' AND length(title) = 4", "coalesce(place, 'none') = 'none'", "id < 'i''5' AND \"Year\" >= 1998",
              "NOT (year > 1998 AND place = 'Rome')", "place <> 'Rome' AND -year <= 0", "title LIKE 'back\\s%'", "id = 'nothing'"]


def some_condition(depth=0):
    """A random tree of comparisons: NULL must be neither true nor false everywhere."""
    if depth == 3 or rng.random() < 0.3:
        return rng.choice(CONDITIONS[:-1])
    joined = f"({some_condition(depth + 1)}) {rng.choice(['AND', 'OR'])} ({some_condition(depth + 1)})"
    return f"NOT ({joined})" if rng.random() < 0.4 else joined


CONDITIONS += [some_condition() for _ in range(6)]


def answers(*where, few=False):
    """What a place answers to everything that is asked, or to a part of it, in JSON."""
    out = [run("search", *where, "--queries", "few.txt" if few else "queries.txt", "-k", "15", "--json")]
    out += [run("search", *where, "--queries", "few.txt", "-k", "15", "--json", *more)
            for more in (["--offset", "1000", "-k", "600"], ["--min-score", "0.5"], ["--ids", "ids.txt"], ["--min-confidence", "0.3"])]
    with open("one.txt", "w") as f:
        f.write(names[0] + "\n" + names[WORDS] + "\n")
    return out + [run("search", *where, "--queries", "one.txt", "-k", "2000", "--json", "--where", c) for c in CONDITIONS[::4 if few else 1]]


def check_same(what, expected, *where, few=False):
    start = time.time()
    got = answers(*where, few=few)
    for i, (a, b) in enumerate(zip(expected, got)):
        for x, y in zip(a.splitlines(), b.splitlines()):
            assert x == y, f"{what}, part {i}:\n{x[:500]}\nis not\n{y[:500]}"
        assert a == b, f"{what}, part {i}"
    print(f"{what}: {sum(a.count(chr(10)) for a in got)} queries, the same ({time.time() - start:.0f} s)", flush=True)


# ---- Servers ----

class Server:
    def __init__(self, number, ports, cluster):
        self.http, self.tcp, self.folder = ports[number][0], ports[number][1], f"{work.name}/server{number}"
        self.url = f"http://127.0.0.1:{self.http}/"
        os.makedirs(self.folder)
        shards = "".join(f"<shard><replica><host>127.0.0.1</host><port>{p[1]}</port></replica></shard>" for p in cluster)
        with open(self.folder + "/config.xml", "w") as f:
            f.write(f"""<yandex><logger><level>error</level><log>{self.folder}/log</log><errorlog>{self.folder}/errors</errorlog></logger>
<http_port>{self.http}</http_port><tcp_port>{self.tcp}</tcp_port><listen_host>127.0.0.1</listen_host><path>{self.folder}/data/</path>
<tmp_path>{self.folder}/tmp/</tmp_path><mark_cache_size>100000000</mark_cache_size><users_config>users.xml</users_config>
<default_profile>default</default_profile><default_database>default</default_database>
<remote_servers><three>{shards}</three></remote_servers></yandex>""")
        with open(self.folder + "/users.xml", "w") as f:
            f.write("""<yandex><profiles><default><max_threads>2</max_threads></default></profiles><users><default><password></password>
<networks><ip>127.0.0.1</ip></networks><profile>default</profile><quota>default</quota></default></users><quotas><default></default></quotas></yandex>""")
        self.process = None
        self.start()

    def start(self):
        self.process = subprocess.Popen([engine, f"--config-file={self.folder}/config.xml"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for _ in range(600):
            try:
                if urllib.request.urlopen(self.url + "?query=SELECT+1", timeout=5).read() == b"1\n":
                    return
            except OSError:
                assert self.process.poll() is None, open(self.folder + "/errors").read()[-2000:]
                time.sleep(0.05)
        sys.exit("the server does not start")

    def kill(self):
        self.process.kill()
        self.process.wait()

    def ask(self, sql):
        return urllib.request.urlopen(self.url, data=sql.encode(), timeout=60).read().decode().split()


def free_ports(count):
    sockets = [socket.socket() for _ in range(2 * count)]
    for s in sockets:
        s.bind(("127.0.0.1", 0))
    ports = [s.getsockname()[1] for s in sockets]
    for s in sockets:
        s.close()
    return list(zip(ports[::2], ports[1::2]))


def check_failure(done, *said):
    assert done.returncode == 1 and done.stderr.count("\n") == 1, (done.returncode, done.stderr)
    assert all(s in done.stderr for s in said), done.stderr


def rows(servers, database):
    """How often each image stands in each table, over all servers: once, everywhere. So do the blocks of pooled, for every word."""
    tables = servers[0].ask(f"SELECT name FROM system.tables WHERE database = '{database}' AND engine = 'MergeTree'")
    counts = {}
    for t in tables:
        if t not in ("state", "segments", "words", "files", "texts"):
            row = "toString(mask_row) || '-' || toString(word)" if t == "pooled" else "mask_row"
            places = [p for s in servers for p in s.ask(f"SELECT {row} FROM {database}.{t}")]
            assert len(places) == len(set(places)), f"{t} holds a row twice"
            if t == "pooled":
                assert len(places) == WORDS * len({p.split("-")[0] for p in places}), "pooled lacks a word's block"
                assert str(len(places) // WORDS) == servers[0].ask(f"SELECT blocks FROM {database}.state ORDER BY written DESC LIMIT 1")[0]
                continue
            counts[t] = len(places)
    assert len(set(counts.values())) == 1, counts
    return counts.popitem()[1]


def check_refusals(server):
    url = ["--clickhouse", server.url]
    for condition, said in (("year = (SELECT max(year) FROM image)", "in ClickHouse"), ("year / 2 = 1", "in ClickHouse"), ("place = 5", "in ClickHouse"),
                            ("nonsense = 1", "no such column"), ("year = 1; DROP TABLE mask.state", "one condition"), ("instr(place, 'R')", "in ClickHouse")):
        done = command("search", *url, names[0], "--where", condition)
        assert done.returncode == 1 and done.stderr.count("\n") == 1, done.stderr
        assert said in done.stderr or "refused" in done.stderr or "statement" in done.stderr, done.stderr
    check_failure(command("search", "--clickhouse", f"http://127.0.0.1:{free_ports(1)[0][0]}/", names[0]), "check that the server runs")
    check_failure(command("search", *url, "--database", "none", names[0]), "holds no gallery")
    check_failure(command("search", *url, "--database", "a'b", names[0]), "letters, digits")
    server.ask("CREATE DATABASE old")
    server.ask("CREATE TABLE old.state (complete UInt8, written UInt64) ENGINE = MergeTree PARTITION BY tuple() ORDER BY written")
    check_failure(command("search", *url, "--database", "old", names[0]), "an earlier mask")
    check_failure(command(*export([server], "--database", "old")), "an earlier mask")
    assert "FROM mask.columns" in run("search", *url, "--sql", names[0])
    held, other = (run("search", *url, "--sql", name) for name in (names[WORDS], names[-1]))
    assert f"`w_{names[WORDS]}`" in held and ".pooled" not in held and ".pooled" in other


def export(servers, *more):
    cluster = ["--cluster", "three"] if len(servers) > 1 else []
    return ["export", "clickhouse", "g.gallery", "--url", ",".join(s.url for s in servers), "--words-per-table", "20", *cluster, *more]


def check_kills(servers, images):
    """Rows are written while a server or the export dies, at moments that go through all of it."""
    start = time.time()
    run(*export(servers, "--database", "timed"))
    takes = time.time() - start
    expected = run("search", "g.gallery", names[0])
    for kill in range(KILLS):
        process = subprocess.Popen([mask, *export(servers, "--database", "killed")], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)
        time.sleep(takes * rng.random())
        victim = rng.choice(servers) if kill % 2 else None
        victim.kill() if victim else process.send_signal(signal.SIGKILL)
        _, said = process.communicate(timeout=60)
        if victim and process.returncode:
            assert process.returncode == 1 and said.count("\n") == 1 and "http://127.0.0.1" in said, said
        if process.returncode:
            done = command("search", "--clickhouse", servers[1].url, "--database", "killed", names[0])
            # It may have been whole before the kill, or just then.
            assert done.returncode == 1 or done.stdout == expected, "a search in half an export answers: " + done.stdout
        if victim:
            victim.start()
        if kill % 3 == 2:
            run(*export(servers, "--database", "killed"))
            assert rows(servers, "killed") == images
            for s in servers:
                s.ask("DROP DATABASE killed")
    run(*export(servers, "--database", "killed"))
    assert rows(servers, "killed") == images


def check_dead_shard(servers):
    expected = answers("g.gallery", few=True)
    url = ["--clickhouse", servers[0].url]
    servers[2].kill()
    check_failure(command("search", *url, names[0]), servers[0].url[:-1])
    servers[2].start()
    check_same("after the third server came back", expected, *url, few=True)
    stop = threading.Timer(rng.random(), servers[1].kill)  # while queries run
    stop.start()
    done = command("search", *url, "--queries", "few.txt", "-k", "15", "--json")
    stop.join()
    assert done.returncode == 0 and done.stdout == expected[0] or done.returncode == 1 and "http://127.0.0.1" in done.stderr, done.stderr
    servers[1].start()
    servers[1].ask("ALTER TABLE mask.columns0 DROP PARTITION 1")  # a shard that lost rows
    check_failure(command("search", *url, names[0]), "export the gallery again")
    run(*export(servers))
    check_same("after a shard lost rows", expected, *url, few=True)


def check_changes(servers):
    """Images come and go, metadata change: the database follows."""
    assert "as it is" in run(*export(servers))
    run("index", "add", "g.gallery", "more_ims.npy")
    run("index", "remove", "g.gallery", *(f"i'{i}" for i in range(0, IMAGES, 11)))
    with open("other.tsv", "w") as f:
        f.write("id\tplace\tnew\n" + "".join(f"i'{i}\t{'Rome' if i % 3 else 'Bonn'}\t{i}\n" for i in range(1000)))
    run("index", "metadata", "g.gallery", "other.tsv")
    run(*export(servers))
    expected = answers("g.gallery", few=True)
    check_same("after changes", expected, "--clickhouse", servers[0].url, few=True)
    run("index", "compact", "g.gallery")
    run(*export(servers))
    assert rows(servers, "mask") == IMAGES - len(range(0, IMAGES, 11))
    check_same("after a compaction", expected, "--clickhouse", servers[0].url, few=True)
    run("index", "k.mask", "more_ims.npy", "-o", "third.gallery", "--own", "off")
    third = ["third.gallery" if word == "g.gallery" else word for word in export(servers)]
    check_failure(command(*third), "another gallery")


# ---- A current engine: chdb, which is in process, behind HTTP ----

def check_current():
    python = os.environ.get("MASK_ORACLES", "")
    if not python or subprocess.run([python, "-c", "import chdb"], capture_output=True).returncode:
        print("skipped: a current engine, for MASK_ORACLES names no Python with chdb")
        return
    os.makedirs("current")
    process = subprocess.Popen([python, "-B", here + "/chdb_http.py", work.name + "/current"], stdout=subprocess.PIPE, text=True)
    url = f"http://127.0.0.1:{process.stdout.readline().strip()}/"
    try:
        run("export", "clickhouse", "g.gallery", "--url", url, "--words-per-table", "20")
        check_same("chdb", answers("g.gallery", few=True), "--clickhouse", url, few=True)
    finally:
        process.kill()


def check_servers(expected):
    if not os.access(engine, os.X_OK):
        print("skipped: there is no clickhouse-server")
        return
    ports = free_ports(3)
    servers = [Server(i, ports, ports) for i in range(3)]
    try:
        run(*export(servers[:1], "--database", "one"))
        check_same("one server", expected, "--clickhouse", servers[0].url, "--database", "one")
        run(*export(servers))
        check_same("three servers", expected, "--clickhouse", servers[1].url)
        check_refusals(servers[0])
        check_kills(servers, IMAGES - 100)
        check_dead_shard(servers)
        check_changes(servers)
    finally:
        for s in servers:
            s.kill()


expected = answers("g.gallery")
check_current()
check_servers(expected)
