#!/usr/bin/env python3
"""mask serve under load, against the library in the same run: bench/serve.py [--build build] [--gallery G.gallery --queries FILE]

    MASK_BENCH_IMAGES=100000   made images of 4 regions, 2,000 words (bench/gallery_data.py)
    MASK_BENCH_SECONDS=10      of each run of wrk, six times that of the last one
    MASK_BENCH_SOAK=600        of a soak with everything that can be asked, where --photos FOLDER has photos for it

Requests a second and their 99th percentile by wrk (Debian) on loopback at 1, 8 and 64 connections; the library is bench/gallery, one
process a core, one thread each, on the same queries. Then the same while others misbehave, and what becomes of memory. All share the
machine's cores, wrk too: ratios tell, not numbers."""
import argparse, http.client, json, os, re, resource, shutil, signal, socket, subprocess, sys, threading, time, urllib.parse

HERE = os.path.dirname(os.path.abspath(__file__))
parser = argparse.ArgumentParser()
parser.add_argument('--build', default='build')
parser.add_argument('--gallery')
parser.add_argument('--vectors')
parser.add_argument('--queries')
parser.add_argument('--photos')
options = parser.parse_args()
B = options.build
DATA = B + '/bench-serve'
IMAGES = int(os.environ.get('MASK_BENCH_IMAGES', 100000))
SECONDS = int(os.environ.get('MASK_BENCH_SECONDS', 10))
SOAK = int(os.environ.get('MASK_BENCH_SOAK', 600))
CORES = os.cpu_count()
ENV = dict(os.environ, OMP_WAIT_POLICY='passive')


def run(*words):
    return subprocess.run(words, env=ENV, check=True, stdout=subprocess.PIPE, text=True).stdout


def make():
    """The gallery, its vectors and queries of three words."""
    gallery = '%s/%d.gallery' % (DATA, IMAGES)
    if not os.path.exists(gallery):
        os.makedirs(DATA, exist_ok=True)
        path = DATA + '/images-%d-4_ims.npy' % IMAGES
        run(sys.executable, HERE + '/gallery_data.py', 'words', DATA, '2000')
        run(B + '/mask', 'vectors', 'import', DATA + '/words.bin', '-o', DATA + '/words.mvec', '--quiet')
        run(B + '/mask', 'learn', DATA + '/knowledge', '--vectors', DATA + '/words.mvec', '--encoder', 'none', '-o', DATA + '/raw.mask', '--quiet')
        run(B + '/mask', 'calibrate', DATA + '/raw.mask', '--images', DATA + '/background_ims.npy', '--texts', DATA + '/background_caps.txt',
            '-o', DATA + '/K.mask', '--quiet')
        run(sys.executable, HERE + '/gallery_data.py', 'images', DATA, str(IMAGES), '4')
        run(B + '/mask', 'index', DATA + '/K.mask', path, '-o', gallery, '--quiet')
        os.remove(path)
    return gallery, DATA + '/words.mvec', DATA + '/queries-3.txt'


def library(gallery, vectors, queries, processes):
    """Queries a second of so many processes side by side, and milliseconds of processor time of one query."""
    count = sum(1 for line in open(queries) if line.strip())
    words = [B + '/bench/gallery', gallery, '--queries', queries, '--vectors', vectors, '--threads', '1', '--k', '20']
    once = values(run(*words, '--rounds', '2'))['mean_ms'] / 1e3
    rounds = max(2, int(SECONDS / once / count / processes))
    done = [subprocess.Popen([*words, '--rounds', str(rounds)], env=ENV, stdout=subprocess.PIPE, text=True) for _ in range(processes)]
    rate = sum(1e3 / values(p.stdout.read())['mean_ms'] for p in done)
    spent = [os.wait4(p.pid, 0)[2] for p in done]
    for p in done:
        p.returncode = 0
    return rate, 1e3 * sum(u.ru_utime + u.ru_stime for u in spent) / (count * rounds * processes)


def spent_by(pid):
    """Seconds of processor time until now."""
    return sum(map(int, open('/proc/%d/stat' % pid).read().rsplit(') ', 1)[1].split()[11:13])) / os.sysconf('SC_CLK_TCK')


def values(text):
    """Of the last line that says how long it took."""
    return {k: float(v) for k, v in re.findall(r'(\w+)=([\d.]+)', [l for l in text.splitlines() if l.startswith('again')][-1])}


def wrk(address, queries, connections, seconds):
    script = DATA + '/wrk.lua'
    bodies = [json.dumps({'query': line.strip(), 'limit': 20}) for line in open(queries) if line.strip()]
    with open(script, 'w') as out:
        out.write('local bodies = {%s}\nlocal i = 0\nwrk.method = "POST"\nrequest = function() i = i %% #bodies + 1 return wrk.format(nil, nil, nil, bodies[i]) end\n'
                  % ', '.join('[==[%s]==]' % b for b in bodies))
    text = run('wrk', '-t1', '-c%d' % connections, '-d%ds' % seconds, '--latency', '--timeout', '30s', '-s', script, address + 'v1/search')
    unit = {'us': 1e-3, 'ms': 1, 's': 1e3, 'm': 6e4}
    p50, p99 = (float(m[0]) * unit[m[1]] for m in (re.search(r'%s%%\s+([\d.]+)(us|ms|s|m)\b' % p, text).groups() for p in (50, 99)))
    bad = re.search(r'Non-2xx[^\n]*|Socket errors[^\n]*', text)
    return float(re.search(r'Requests/sec:\s+([\d.]+)', text)[1]), p50, p99, bad[0] if bad else ''


class Misbehave:
    """Idle connections, half requests, slow readers and writers, floods of bad JSON."""

    def __init__(self, port):
        self.port, self.open, self.stop = port, [], False
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 16384), hard))
        for i in range(5000):
            c = socket.create_connection(('127.0.0.1', port), timeout=10)
            if i % 50 == 1:
                c.sendall(b'POST /v1/search HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{')
            if i % 50 == 2:
                c.sendall(b'GET / HT')
            self.open.append(c)
        self.threads = [threading.Thread(target=f) for f in (self.flood, self.slow)]
        for t in self.threads:
            t.start()

    def flood(self):
        body = b'{"query": ' * 50
        while not self.stop:
            try:
                with socket.create_connection(('127.0.0.1', self.port), timeout=10) as c:
                    for _ in range(100):
                        c.sendall(b'POST /v1/search HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n' % len(body) + body)
                        c.recv(4096)
            except OSError:
                pass

    def slow(self):
        c = socket.create_connection(('127.0.0.1', self.port), timeout=10)
        while not self.stop:
            try:
                c.sendall(b'X')
            except OSError:
                c = socket.create_connection(('127.0.0.1', self.port), timeout=10)
            time.sleep(0.5)

    def end(self):
        self.stop = True
        for t in self.threads:
            t.join()
        for c in self.open:
            c.close()


def memory(pid):
    return int(re.search(r'VmRSS:\s+(\d+)', open('/proc/%d/status' % pid).read())[1]) / 1024


def soak(folder):
    """Everything that can be asked, by turns, at a pace that leaves the machine to others; memory and open files each minute."""
    photos, new = DATA + '/photos', DATA + '/photos/new'
    shutil.rmtree(photos, ignore_errors=True)
    shutil.copytree(folder, photos)
    os.makedirs(new)
    names = [os.path.join(f, n) for f, _, files in os.walk(photos) for n in files]
    held = [open(n, 'rb').read() for n in names[:20]]
    others = [b + bytes(1) for b in held]  # the same photos to look at, other files
    server = subprocess.Popen([B + '/mask', 'serve', '--photos', photos, '--upload-dir', new, '--listen', '0', '--quiet'],
                              env=dict(ENV, XDG_CACHE_HOME=DATA + '/cache'), stdout=subprocess.PIPE, text=True)
    port = int(re.search(r':(\d+)/', server.stdout.readline())[1])
    counts = {}

    def ask(method, path, body=None, kind='application/json'):
        c = http.client.HTTPConnection('127.0.0.1', port, timeout=60)
        c.request(method, path, json.dumps(body) if isinstance(body, dict) else body, {'Content-Type': kind})
        answer = c.getresponse()
        data = answer.read()
        c.close()
        counts[answer.status] = counts.get(answer.status, 0) + 1
        return json.loads(data) if data[:1] == b'{' and b'error' not in data[:8] else {}

    ids = [i['id'] for i in ask('POST', '/v1/search', {'query': 'animal', 'limit': 50})['items']]
    began, said, turn = time.time(), 0, 0
    while time.time() - began < SOAK:
        turn += 1
        ask('POST', '/v1/search', {'query': 'a horse on grass -snow', 'metadata': True, 'where': "file > 'c'"})
        ask('GET', '/v1/images/%s/thumbnail?side=%d' % (urllib.parse.quote(ids[turn % len(ids)]), 64 + turn % 400))
        ask('GET', '/')
        ask('GET', '/openapi.json')
        ask('POST', '/v1/search', b'{"query": ')
        if turn % 10 == 0:
            ask('POST', '/v1/similar?limit=5', held[turn // 10 % len(held)], 'image/any')
        if turn % 20 == 0:
            added = ask('POST', '/v1/images', others[turn // 20 % len(others)], 'image/any').get('id')
            if added:
                ask('DELETE', '/v1/images/' + urllib.parse.quote(added))
        if turn % 50 == 0:
            ask('POST', '/v1/annotate', {'id': ids[0], 'texts': ['a cow', 'a dog']})
        if turn % 100 == 0:
            ask('POST', '/v1/reload', {})
        if time.time() - said > 60:
            said = time.time()
            print('soak, %.0f s: %.1f MB, %d open files, answers %s' % (said - began, memory(server.pid), len(os.listdir('/proc/%d/fd' % server.pid)), counts), flush=True)
        time.sleep(0.1)
    server.terminate()
    server.wait(20)


def main():
    os.makedirs(DATA, exist_ok=True)
    gallery, vectors, queries = (options.gallery, options.vectors, options.queries) if options.gallery else make()
    server = subprocess.Popen([B + '/mask', 'serve', gallery, '--vectors', vectors, '--listen', '0'], env=ENV, stdout=subprocess.PIPE, text=True)
    address = server.stdout.readline().strip()
    port = int(re.search(r':(\d+)/', address)[1])
    print('%d cores, load %.1f before' % (CORES, os.getloadavg()[0]))
    wrk(address, queries, 1, 2)
    for connections in (1, 8, 64):  # by turns, and the middle of three: others use the machine too
        ours, theirs = [], []
        for _ in range(3):
            theirs.append(library(gallery, vectors, queries, min(connections, CORES)))
            before = spent_by(server.pid)
            got = wrk(address, queries, connections, SECONDS)
            ours.append((*got, 1e3 * (spent_by(server.pid) - before) / (got[0] * SECONDS)))
        (rate, p50, p99, bad, cpu), (library_rate, library_cpu) = sorted(ours)[1], sorted(theirs)[1]
        print('%2d connections: %7.1f requests/s, p50 %.1f ms, p99 %.1f ms; the library %.1f/s on %d cores: %.0f%%; processor time of one: %.2f ms, '
              'of the library %.2f ms %s' % (connections, rate, p50, p99, library_rate, min(connections, CORES), 100 * rate / library_rate, cpu,
                                             library_cpu, bad), flush=True)
    bad_people = Misbehave(port)
    rate, p50, p99, bad = wrk(address, queries, 8, SECONDS)
    print(' 8 connections beside 5,000 idle ones, half requests, a slow client and a flood of bad JSON: %.1f requests/s, p50 %.1f ms, p99 %.1f ms %s' % (rate, p50, p99, bad))
    began = time.time()
    with socket.create_connection(('127.0.0.1', port), timeout=10) as c:
        c.sendall(b'GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n')
        assert b' 200 ' in c.recv(100)
    print('/health meanwhile: %.1f ms' % (1e3 * (time.time() - began)))
    bad_people.end()
    first = memory(server.pid)
    rate, p50, p99, bad = wrk(address, queries, 8, 6 * SECONDS)
    print('%d s of it: %.1f requests/s, p99 %.1f ms, %.1f MB, %.1f before %s' % (6 * SECONDS, rate, p99, memory(server.pid), first, bad), flush=True)
    server.send_signal(signal.SIGTERM)
    server.wait(20)
    if options.photos:
        soak(options.photos)


main()
