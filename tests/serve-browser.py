#!/usr/bin/env python3
"""serve-browser.py MASK [FOLDER]: the page of mask serve in headless Chromium, as people use it: type, see, explain, similar, upload,
filter, teach, errors, dark, phone, keyboard alone; axe-core's rules of accessibility on each of these. And the page that
mask search --html writes. Screenshots go to FOLDER. Skips what is not installed, saying so (packages.txt: oracles)."""
import os
import random
import shutil
import struct
import subprocess
import sys
import tarfile
import tempfile
import time
import zlib

HERE = os.path.dirname(os.path.abspath(__file__))
SOURCE = os.path.dirname(HERE)
AXE = "axe-core@4.10.3"
TOKEN = "a-token-of-some-length"


def skip(why):
    print("skipped: the page in a browser: " + why)
    sys.exit(77)


try:
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service
    from selenium.webdriver.common.by import By
    from selenium.webdriver.common.keys import Keys
except ImportError:
    skip("no python3-selenium")
if not shutil.which("chromedriver") or not shutil.which("chromium"):
    skip("no chromium and chromium-driver")


def fetch_axe(build):
    """axe.min.js of its npm package, kept beside the program; None where npm cannot get it."""
    path = os.path.join(build, "axe.min.js")
    if not os.path.exists(path) and shutil.which("npm"):
        with tempfile.TemporaryDirectory() as folder:
            if subprocess.run(["npm", "pack", AXE], cwd=folder, capture_output=True).returncode == 0:
                with tarfile.open(os.path.join(folder, os.listdir(folder)[0])) as archive, open(path + ".new", "wb") as out:
                    out.write(archive.extractfile("package/axe.min.js").read())
                os.rename(path + ".new", path)
    return open(path, encoding="utf8").read() if os.path.exists(path) else None


def wait(what, test, seconds=20):
    end = time.time() + seconds
    while time.time() < end:
        try:
            got = test()
            if got:
                return got
        except Exception:  # the page is being made anew
            pass
        time.sleep(0.05)
    raise AssertionError("waited in vain: " + what)


def make_photos(folder):
    """Those of the demo where they are installed, else made ones."""
    rcc = "/usr/share/gcompris-qt/rcc"
    if os.path.isdir(rcc):
        subprocess.run([sys.executable, os.path.join(SOURCE, "demo", "photos.py"), rcc, folder, "explore_monuments", "explore_world_animals",
                        "explore_farm_animals"], check=True, stdout=subprocess.DEVNULL)
        return
    rng = random.Random(1)
    for i in range(60):
        tiles = [[bytes(rng.randrange(256) for _ in range(3)) for _ in range(8)] for _ in range(6)]
        rows = b"".join(b"\0" + b"".join(tiles[y // 8][x // 8] for x in range(64)) for y in range(48))
        chunk = lambda kind, data: struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        with open(os.path.join(folder, "%s%03d.jpg" % ("az"[i % 2], i)), "wb") as file:  # a PNG; names do not matter
            file.write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 64, 48, 8, 2, 0, 0, 0)) +
                       chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))


class Page:
    def __init__(self, folder, axe, shots):
        options = webdriver.ChromeOptions()
        for word in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--window-size=1280,860", "--hide-scrollbars",
                     "--user-data-dir=" + os.path.join(folder, "profile"), "--disable-background-networking", "--no-first-run"):
            options.add_argument(word)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        options.binary_location = shutil.which("chromium")
        self.d = webdriver.Chrome(service=Service(shutil.which("chromedriver")), options=options)
        self.axe, self.shots = axe, shots

    def all(self, css):
        return self.d.find_elements(By.CSS_SELECTOR, css)

    def one(self, css):
        return self.d.find_element(By.CSS_SELECTOR, css)

    def status(self):
        return self.one("#status").text

    def found(self, query=None):
        """Waits until what was typed is answered."""
        if query is not None:
            box = self.one("#query")
            box.send_keys(Keys.CONTROL, "a")
            box.send_keys(query)
            wait("the address", lambda: ("q=" in self.d.current_url) == bool(query))
        time.sleep(0.25)
        wait("an answer", lambda: "Searching" not in self.status() and self.status())
        return self.all("figure")

    def check(self, name):
        """A picture, and the rules of accessibility."""
        wait("pictures", lambda: all(self.d.execute_script("return [...document.images].filter(i => i.getBoundingClientRect().top < innerHeight).map(i => i.complete)")))
        if self.shots:
            self.d.save_screenshot(os.path.join(self.shots, name + ".png"))
        assert self.d.execute_script("return document.documentElement.scrollWidth <= innerWidth"), name + ": wider than the window"
        if not self.axe:
            return
        self.d.execute_cdp_cmd("Runtime.evaluate", {"expression": self.axe})  # past the page's own policy
        bad = self.d.execute_async_script("const done = arguments[0]; axe.run().then(r => done(r.passes.length < 10 ? ['too few rules ran'] : r.violations.map(v => v.id + ': ' + v.help + ' ' + v.nodes.map(n => n.html).slice(0, 2).join(' '))))")
        assert not bad, (name, bad)

    def media(self, **features):
        self.d.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [{"name": k.replace("_", "-"), "value": v} for k, v in features.items()]})


def walk(p, address, photo):
    d = p.d
    d.get(address)
    wait("the first run", lambda: p.all(".empty"))
    p.check("first-run")
    assert d.switch_to.active_element.get_attribute("id") == "query"
    # Type, see, explain
    figures = p.found("two horses on grass -snow")
    assert len(figures) >= 10 and "of" in p.status(), p.status()
    chips = [c.text for c in p.all("#chips li")]
    assert any("horses" in c and "known" in c for c in chips) and any("not used" in c for c in chips) and any("against" in c for c in chips), chips
    box = p.all("figure svg rect")
    assert box and box[0].get_attribute("stroke").startswith("#")
    webdriver.ActionChains(d).move_to_element(figures[0]).perform()
    wait("boxes on hover", lambda: float(d.execute_script("return getComputedStyle(document.querySelector('figure svg')).opacity")) > 0.9)
    p.check("results")
    # A word that is mistyped
    p.found("elefant")
    suggestion = wait("suggestions", lambda: p.all("#chips li button"))[0]
    word = suggestion.text
    suggestion.click()
    wait("the word put right", lambda: p.one("#query").get_attribute("value") == word)
    # What cannot be used, and an error that says what to do
    p.found("qqqzzz")
    assert "Nothing found" in p.one(".empty").text
    p.check("nothing")
    p.one("#more summary").click()
    p.one("#where").send_keys("no such column > 3")
    p.found("dog")
    assert p.one("#status").get_attribute("class") == "bad", p.status()
    p.check("error")
    # Filters, their chips, and the state in the address
    p.one("#where").clear()
    p.one("#where").send_keys("file > 'm'")
    wait("the filter", lambda: "where=" in d.current_url and p.status().endswith("ms"))
    names = [n.text for n in p.all(".name")]
    assert names and all(n > "m" for n in names), names
    d.refresh()
    wait("the same again", lambda: [n.text for n in p.all(".name")] == names)
    [c for c in p.all("#chips button") if "where" in c.get_attribute("aria-label")][0].click()
    wait("without the filter", lambda: any(n.text < "m" for n in p.all(".name")))
    d.execute_script("scrollTo(0, document.body.scrollHeight)")
    wait("all photos", lambda: len(p.all("figure")) > len(names))
    assert len(p.all(".date:not([hidden])")) == 2
    # Endless, and linked to
    d.get(address + "?q=people")
    wait("a page", lambda: len(p.all("figure")) >= 30)
    d.execute_script("scrollTo(0, document.body.scrollHeight)")
    wait("more", lambda: len(p.all("figure")) > 30 and "n=" in d.current_url)
    count = len(p.all("figure"))
    d.refresh()
    wait("as many", lambda: len(p.all("figure")) >= count)
    # Similar
    d.get(address + "?q=dog")
    wait("dogs", lambda: p.all("figure"))
    name = p.all(".name")[0].text
    p.all("figure .like")[0].click()
    wait("others like it", lambda: p.all("#chips li") and name in p.all("#chips li")[0].text and name not in [n.text for n in p.all(".name")])
    assert "like=" in d.current_url
    # A photo from outside: searched with, described, added
    p.one("#file").send_keys(photo)
    wait("its likes", lambda: "like" in p.one("#chips li").text and len(p.all("figure")) > 10)
    wait("words for it", lambda: "it shows" in p.one("#chips").text)
    p.check("upload")
    [b for b in p.all("#chips button") if "add it" in b.text][0].click()
    wait("added", lambda: "is in the gallery" in p.status())
    # One that is dropped, one that is pasted
    for event in ("new DragEvent('drop', {dataTransfer: t})", "new ClipboardEvent('paste', {clipboardData: t})"):
        d.get(address + "?q=dog")
        wait("dogs", lambda: p.all("figure img"))
        d.execute_async_script("""const done = arguments[0];
            fetch(document.querySelector('figure img').src).then(a => a.blob()).then(b => { const t = new DataTransfer();
            t.items.add(new File([b], 'given.jpg', {type: 'image/jpeg'})); dispatchEvent(%s); done(); })""" % event)
        wait("its likes", lambda: "given.jpg" in p.one("#chips").text and p.all("figure"))
    # Select, teach, remove
    d.get(address + "?q=dog")
    wait("dogs", lambda: len(p.all("figure")) > 3)
    for box in p.all("figure input")[:2]:
        box.click()
    p.one("#word").send_keys("my rex")
    p.check("teach")
    p.one("#teach button").click()
    wait("learned", lambda: "learned" in p.status(), 60)
    wait("found by it", lambda: "my rex" in p.one("#chips").text)
    # Keyboard alone
    d.get(address)
    wait("the start", lambda: p.all(".empty"))
    keys = lambda *k: d.switch_to.active_element.send_keys(*k)
    keys("dog")
    p.found()
    keys(Keys.ARROW_DOWN)
    links = p.all("a.photo")
    assert d.switch_to.active_element == links[0]
    wait("boxes on focus", lambda: float(d.execute_script("return getComputedStyle(document.querySelector('figure svg')).opacity")) > 0.9)
    p.check("keyboard")
    keys(Keys.ARROW_RIGHT)
    assert d.switch_to.active_element == links[1]
    keys("x")
    assert p.one("#count").text == "1 photo selected"
    keys("m")
    wait("more like it", lambda: "like=" in d.current_url and p.status().endswith("ms"))
    keys("/")
    assert d.switch_to.active_element.get_attribute("id") == "query"
    # Dark, and as wide as a phone
    p.media(prefers_color_scheme="dark")
    d.get(address)
    wait("the start", lambda: p.all(".empty"))
    p.found("a castle")
    p.check("dark")
    p.media(prefers_color_scheme="light")
    d.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {"width": 390, "height": 844, "deviceScaleFactor": 2, "mobile": True})
    p.found("a tower by the water")
    p.check("phone")
    d.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    asked = {e["name"] for e in d.execute_script("return performance.getEntriesByType('resource').map(e => ({name: e.name}))")}
    assert all(a.startswith((address, "blob:")) for a in asked), asked
    severe = [e for e in d.get_log("browser") if e["level"] == "SEVERE" and "400" not in e["message"]]
    assert not severe, severe


def with_token(p, address):
    d = p.d
    d.get(address + "?q=dog")
    wait("it asks for the token", lambda: "asks for a token" in p.status())
    p.check("token")
    p.one("#token").send_keys("wrong" * 5, Keys.TAB)
    wait("it asks again", lambda: "asks for a token" in p.status())
    p.one("#token").clear()
    p.one("#token").send_keys(TOKEN, Keys.TAB)
    wait("pictures", lambda: d.execute_script("return document.querySelector('figure img').naturalWidth") > 0)


def main(mask, shots=None):
    mask = os.path.abspath(mask)
    build = os.path.dirname(mask)
    axe = fetch_axe(build)
    if not axe:
        print("skipped: the rules of accessibility: axe-core cannot be fetched by npm")
    with tempfile.TemporaryDirectory() as folder:
        photos = os.path.join(folder, "photos")
        os.makedirs(photos)
        make_photos(photos)
        os.makedirs(os.path.join(photos, "new"))
        photo = os.path.join(folder, "mine.jpg")
        shutil.copy(os.path.join(SOURCE, "docs", "demo-queries.jpg"), photo)
        env = dict(os.environ, XDG_CACHE_HOME=os.path.join(folder, "cache"), OMP_WAIT_POLICY="passive")
        words = [mask, "serve", "--photos", photos, "--listen", "0", "--quiet"]
        server = subprocess.Popen([*words, "--upload-dir", os.path.join(photos, "new"), "--teach", os.path.join(folder, "taught.mask")],
                                  env=env, stdout=subprocess.PIPE, text=True)
        address = server.stdout.readline().strip()
        p = Page(folder, axe, shots)
        try:
            walk(p, address, photo)
            server.terminate()
            server.wait(15)
            p.found("cat")  # nobody there
            assert "still running" in p.status(), p.status()
            server = subprocess.Popen(words, env=dict(env, MASK_SERVE_TOKEN=TOKEN), stdout=subprocess.PIPE, text=True)
            with_token(p, server.stdout.readline().strip())
            subprocess.run([mask, "search", "--photos", photos, "two horses on <b>grass</b>", "-k", "8", "--html", "page.html", "--quiet"], cwd=folder, env=env,
                           check=True, stdout=subprocess.DEVNULL)
            p.d.get("file://" + os.path.join(folder, "page.html"))
            assert len(p.all("figure img")) == 8 and not p.all("main h2 b") and p.all("rect"), p.d.page_source[:500]
            assert "known" in p.one(".chips").text and "of" in p.one("main p").text
            p.check("html")
        finally:
            p.d.quit()
            server.kill()
            server.wait()
    print("serve-browser: good")


main(*sys.argv[1:])
