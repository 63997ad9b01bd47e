"""An HTTP server on a free port of 127.0.0.1 for the tests of console/web and console/notify: prints its port, ends with its stdin.

  server.py [FOLDER]     FOLDER: with TLS, certificate and key made there as server.pem, and a second authority as other.pem

What a path does is in PATHS. Every POST is appended to the log that GET /log answers, a JSON object a line."""
import http.server
import json
import os
import ssl
import subprocess
import sys
import threading
import time

log, counts, lock = [], {}, threading.Lock()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, status, body=b"", **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        if "Content_Length" not in headers:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def take(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        with lock:
            counts[self.path] = counts.get(self.path, 0) + 1
            seen = counts[self.path]
            if self.command != "GET":
                log.append({"method": self.command, "path": self.path, "headers": dict(self.headers), "body": body})
        return body, seen

    def do(self):
        body, seen = self.take()
        what, _, arg = self.path.strip("/").partition("/")
        if what == "log":
            self.answer(200, "".join(json.dumps(e) + "\n" for e in log).encode())
        elif what == "echo":
            told = {"method": self.command, "headers": dict(self.headers), "body": body}
            self.answer(200, json.dumps(told).encode())
        elif what == "status":
            self.answer(int(arg), b"no", Retry_After="7")
        elif what == "failing":            # failing/N/…: 503 for the first N, then 200
            self.answer(503 if seen <= int(arg.split("/")[0]) else 200)
        elif what == "big":
            self.answer(200, b"x" * int(arg))
        elif what == "slow":
            time.sleep(30)
        elif what == "cut":
            self.answer(200, b"half", Content_Length="8")
            self.close_connection = True
        elif what == "redirect":
            self.answer(302, Location="/echo")
        elif what.startswith("bot"):
            ok = json.loads(body or "{}").get("chat_id") == "42"
            self.answer(200 if ok else 400, json.dumps({"ok": ok, "description": "Bad Request: chat not found"}).encode())
        else:
            self.answer(200, b"ok")

    do_GET = do_POST = do_PUT = do_DELETE = do


def certificate(folder, name):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj",
                    f"/CN={name}", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", f"{folder}/{name}.key", "-out", f"{folder}/{name}.pem"],
                   check=True, capture_output=True)


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_):            # clients that go away are what is tested
        pass


def main():
    server = Server(("127.0.0.1", 0), Handler)
    if len(sys.argv) > 1:
        certificate(sys.argv[1], "server")
        certificate(sys.argv[1], "other")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(f"{sys.argv[1]}/server.pem", f"{sys.argv[1]}/server.key")
        server.socket = context.wrap_socket(server.socket, server_side=True)
    print(server.server_address[1], flush=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sys.stdin.read()
    os._exit(0)


main()
