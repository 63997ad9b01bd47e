"""A download server that misbehaves. Its certificate is a good one of the fleet's CA, so that what is tested is not TLS (but where it is).

Each case has a folder of its own: url(case) goes into the order, and a function given to serve() answers. All requests are kept.
"""
import os
import socket
import ssl
import subprocess
import threading
import time
import warnings

from kit import MUSTER


def make_certificate(fleet, name, host):
    """A server certificate by the fleet's CA. (cert, key)"""
    subprocess.run([MUSTER, "pki", "server", name, "--dir", fleet.dir, "--host", host, "-q"], check=True, capture_output=True)
    base = os.path.join(fleet.dir, "pki", name)
    return base + ".pem", base + ".key"


class Request:
    def __init__(self, sock, path, headers):
        self.sock, self.path, self.headers = sock, path, headers
        self.when = time.time()
        self.sent = 0
        self.gone = None  # when the device closed it

    def header(self, name):
        return self.headers.get(name.lower())

    def range(self):
        text = self.header("range")
        return int(text[len("bytes="):].split("-")[0]) if text else 0

    def send(self, data):
        self.sock.sendall(data)
        self.sent += len(data)

    def head(self, status, **headers):
        lines = ["HTTP/1.1 %s" % status] + ["%s: %s" % (k.replace("_", "-"), v) for k, v in headers.items() if v is not None]
        self.send(("\r\n".join(lines) + "\r\n\r\n").encode())

    def drip(self, data, piece, pause):
        for i in range(0, len(data), piece):
            self.send(data[i:i + piece])
            time.sleep(pause)


class Gateway:
    def __init__(self, cert, key, client_ca=None, plain=False, version=None):
        self.handlers, self.requests, self.connections = {}, [], 0
        self.lock = threading.Lock()
        self.context = None
        if not plain:
            self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.context.load_cert_chain(cert, key)
            if client_ca:
                self.context.load_verify_locations(client_ca)
                self.context.verify_mode = ssl.CERT_REQUIRED
            if version:
                self.context.set_ciphers("ALL:@SECLEVEL=0")
                with warnings.catch_warnings():  # an old one is what is asked for
                    warnings.simplefilter("ignore", DeprecationWarning)
                    self.context.minimum_version = self.context.maximum_version = version
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self.listener.getsockname()[1]
        self.stopping = False
        threading.Thread(target=self.accept, daemon=True).start()

    def url(self, case, host="127.0.0.1", scheme="https"):
        return "%s://%s:%d/%s/" % (scheme, host, self.port, case)

    def serve(self, case, handler):
        self.handlers[case] = handler
        return self.url(case)

    def seen(self, case):
        with self.lock:
            return [r for r in self.requests if r.path.split("/")[1] == case]

    def accept(self):
        while not self.stopping:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            with self.lock:
                self.connections += 1
            threading.Thread(target=self.talk, args=(sock,), daemon=True).start()

    def talk(self, sock):
        request = None
        try:
            sock.settimeout(90)
            if self.context:
                sock = self.context.wrap_socket(sock, server_side=True)  # takes the descriptor over
            request = self.read_request(sock)
            if request:
                with self.lock:
                    self.requests.append(request)
                    handler = self.handlers.get(request.path.split("/")[1])
                if handler:
                    handler(request)
                else:
                    request.head("404 Not Found", Content_Length=0)
        except (OSError, ValueError):
            pass
        finally:
            if request:
                request.gone = time.time()
            try:
                if self.context and isinstance(sock, ssl.SSLSocket):
                    sock.settimeout(2)
                    sock.unwrap()
            except (OSError, ValueError):
                pass
            sock.close()

    @staticmethod
    def read_request(sock):
        text = b""
        while b"\r\n\r\n" not in text:
            piece = sock.recv(4096)
            if not piece or len(text) > 16384:
                return None
            text += piece
        lines = text.split(b"\r\n\r\n")[0].decode("latin-1").split("\r\n")
        headers = dict((k.lower(), v.strip()) for k, _, v in (line.partition(":") for line in lines[1:]))
        return Request(sock, lines[0].split(" ")[1], headers)

    def close(self):
        self.stopping = True
        self.listener.shutdown(socket.SHUT_RDWR)  # wakes accept(), which would serve one more
        self.listener.close()
