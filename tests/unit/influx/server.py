"""A stand-in for an InfluxDB: prints its port, ends with its stdin. The first part of a path is the list of statuses to answer with, one
after the other, the last for ever: /503,204/api/v2/write. GET /log gives what was written, a JSON object a line."""
import http.server
import json
import os
import sys
import threading

log, counts, lock = [], {}, threading.Lock()
BODY = {400: '{"error":"partial write: field type conflict dropped=1"}', 401: '{"error":"unauthorized"}'}


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, status, body):
        self.send_response(status)
        if status == 429:
            self.send_header("Retry-After", "7")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        with lock:
            self.answer(200, "".join(json.dumps(e) + "\n" for e in log).encode())

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        plan = self.path.strip("/").split("/")[0]
        with lock:
            n = counts[plan] = counts.get(plan, 0) + 1
            statuses = [int(s) for s in plan.split(",")]
            status = statuses[min(n, len(statuses)) - 1]
            log.append({"path": self.path, "authorization": self.headers.get("Authorization", ""), "status": status, "body": body[:1000]})
        self.answer(status, BODY.get(status, "").encode())


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
server.daemon_threads = True
print(server.server_address[1], flush=True)
threading.Thread(target=server.serve_forever, daemon=True).start()
sys.stdin.read()
os._exit(0)
