"""chdb_http.py FOLDER: a current ClickHouse, chdb's, as a server for tests/clickhouse.py. Prints its port. An INSERT's rows come as
a file, for the engine in process takes no other input.
"""
import http.server
import os
import sys
import threading
import urllib.parse

from chdb.session import Session

os.chdir(sys.argv[1])
session, lock = Session(os.getcwd() + "/data"), threading.Lock()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        given = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(self.path).query))
        body = self.rfile.read(int(self.headers["Content-Length"]))
        code, reply = 200, b""
        with lock:
            try:
                if "query" in given:
                    with open("body", "wb") as f:
                        f.write(body)
                    into = given["query"].replace("FORMAT RowBinary", "")
                    session.query(f"{into} SELECT * FROM file('{os.getcwd()}/body', 'RowBinary')")
                else:
                    reply = session.query(body.decode(), "TSV").bytes()
            except Exception as error:  # what the engine says
                code, reply = 500, str(error).encode()
        self.send_response(code)
        self.send_header("Content-Length", str(len(reply)))
        self.end_headers()
        self.wfile.write(reply)

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(server.server_port, flush=True)
server.serve_forever()
