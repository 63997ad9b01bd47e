#!/usr/bin/python3
"""The gateway as a process: what it serves, to whom, and how it bears load, dead clients and changes of its files.

usage: test_gateway.py TOOL
"""
import hashlib
import http.client
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import ssl
import struct
import subprocess
import sys
import tempfile
import threading
import time
import unittest

TOOL = sys.argv[1]


def tool(*args, want=0):
    done = subprocess.run([TOOL, *map(str, args)], capture_output=True, text=True)
    if done.returncode != want:
        raise AssertionError(f"{args}: exit {done.returncode}, not {want}: {done.stderr}")
    return done.stdout


class Fleet:
    """An authority, a device and a store with two releases, made once."""

    def __init__(self):
        self.dir = tempfile.mkdtemp(prefix="muster-gateway-")
        tool("pki", "init", "--dir", self.dir, "--fleet", "test")
        tool("pki", "device", "sensor-001", "sensor-002", "--dir", self.dir)
        self.store = self.dir + "/store"
        self.images = []
        self.publish("1.3.0", 300_000)
        self.publish("1.4.0", 1_500_000)

    def publish(self, version, size):
        elf, image = f"{self.dir}/{version}.elf", f"{self.dir}/{version}.bin"
        pathlib.Path(elf).write_bytes(b"\x7fELF" + os.urandom(size))
        tool("release", "build", "--elf", elf, "--product", "weather", "--version", version, "--out", image)
        tool("release", "sign", image, "--store", self.store, "--key", self.dir + "/pki/keys/release.key")
        tool("release", "publish", image, "--store", self.store, "--keyset", self.dir + "/pki/keys/keyset.json")
        self.images.append(pathlib.Path(image).read_bytes())
        return self.images[-1]

    def context(self, who="sensor-001", version=None):
        context = ssl.create_default_context(cafile=self.dir + "/pki/root.pem")
        if who and who.startswith("operator-"):
            context.load_cert_chain(f"{self.dir}/pki/{who}.pem", f"{self.dir}/pki/{who}.key")
        elif who:
            context.load_cert_chain(f"{self.dir}/devices/{who}/device.pem", f"{self.dir}/devices/{who}/device.key")
        if version:
            context.maximum_version = context.minimum_version = version
        return context


FLEET = None


def setUpModule():
    global FLEET
    FLEET = Fleet()


def tearDownModule():
    shutil.rmtree(FLEET.dir)


def digest(image):
    return hashlib.sha256(image).hexdigest()


class Gateway:
    def __init__(self, *options, fleet=None):
        f = fleet or FLEET
        pki = f.dir + "/pki/"
        self.log = tempfile.TemporaryFile("w+")
        self.p = subprocess.Popen(
            [TOOL, "gateway", "--listen", "127.0.0.1:0", "--metrics", "127.0.0.1:0", "--store", f.store,
             "--cert", pki + "gateway.pem", "--key", pki + "gateway.key", "--ca", pki + "clients.pem",
             "--crl", pki + "crls.pem", *map(str, options)],
            stdout=subprocess.PIPE, stderr=self.log, text=True)
        self.port = self.listening("https")
        self.plain = self.listening("http")
        self.lines = []
        self.reader = threading.Thread(target=self.read)
        self.reader.start()

    def read(self):
        for line in self.p.stdout:
            self.lines.append(line)

    def listening(self, scheme):
        line = self.p.stdout.readline()
        m = re.match(rf"listening on {scheme}://127.0.0.1:(\d+)$", line)
        if not m:
            self.log.seek(0)
            raise AssertionError(line + self.log.read())
        return int(m.group(1))

    def stop(self):
        self.p.terminate()
        code = self.p.wait(120)
        self.reader.join(60)
        self.p.stdout.close()
        if code != 0:
            self.log.seek(0)
            print(self.log.read(), file=sys.stderr)
        self.log.close()
        return code

    def metrics(self):
        c = http.client.HTTPConnection("127.0.0.1", self.plain, timeout=60)
        c.request("GET", "/metrics")
        text = c.getresponse().read().decode()
        c.close()
        return {k: float(v) for k, v in re.findall(r"^(\S+) (\S+)$", text, re.M)}

    def until(self, name, value, seconds=60):
        end = time.monotonic() + seconds
        while self.metrics().get("muster_gateway_" + name) != value:
            if time.monotonic() > end:
                raise AssertionError(f"{name} is {self.metrics().get('muster_gateway_' + name)}, not {value}")
            time.sleep(0.02)


    def logged(self, count):
        """Waits for the lines of so many requests."""
        end = time.monotonic() + 60
        while len(self.lines) < count:
            if time.monotonic() > end:
                raise AssertionError(f"{len(self.lines)} lines, not {count}")
            time.sleep(0.02)


class Served(unittest.TestCase):
    options = ()

    def setUp(self):
        self.g = Gateway(*self.options)
        self.old, self.new = FLEET.images[:2]

    def tearDown(self):
        self.assertEqual(self.g.stop(), 0)

    def connect(self, who="sensor-001"):
        c = http.client.HTTPSConnection("127.0.0.1", self.g.port, context=FLEET.context(who), timeout=60)
        self.addCleanup(c.close)
        return c

    def get(self, path, who="sensor-001", method="GET", connection=None, **headers):
        c = connection or self.connect(who)
        c.request(method, path, headers={k.replace("_", "-"): v for k, v in headers.items()})
        answer = c.getresponse()
        return answer.status, answer.headers, answer.read()

    def raw(self, data, who="sensor-001", version=None, shut=True):
        """All bytes until the server closes; raises when it does so without close_notify."""
        s = FLEET.context(who, version).wrap_socket(socket.create_connection(("127.0.0.1", self.g.port), 60),
                                                    server_hostname="localhost", suppress_ragged_eofs=False)
        self.addCleanup(s.close)
        s.sendall(data)
        out = b""
        while True:
            piece = s.recv(65536)
            if not piece:
                return out
            out += piece


class Downloads(Served):
    def test_an_image_comes_whole_with_its_digest_as_tag(self):
        status, headers, body = self.get("/firmware/" + digest(self.new))
        self.assertEqual(status, 200)
        self.assertEqual(body, self.new)
        self.assertEqual(headers["ETag"], f'"{digest(self.new)}"')
        self.assertEqual(headers["Accept-Ranges"], "bytes")
        self.assertIn("immutable", headers["Cache-Control"])
        self.assertEqual(int(headers["Content-Length"]), len(self.new))

    def test_head_gives_the_same_headers_and_no_body(self):
        status, headers, body = self.get("/firmware/" + digest(self.new), method="HEAD")
        self.assertEqual((status, body, int(headers["Content-Length"])), (200, b"", len(self.new)))
        self.assertEqual(self.g.metrics()["muster_gateway_downloads_peak"], 0)

    def test_a_range_gives_that_part(self):
        path, n = "/firmware/" + digest(self.old), len(self.old)
        for text, part in (("bytes=0-9", (0, 10)), ("bytes=100000-", (100000, n)), ("bytes=-7", (n - 7, n)),
                           (f"bytes={n - 1}-{n + 100}", (n - 1, n))):
            status, headers, body = self.get(path, Range=text)
            self.assertEqual(status, 206, text)
            self.assertEqual(body, self.old[part[0]:part[1]])
            self.assertEqual(headers["Content-Range"], f"bytes {part[0]}-{part[1] - 1}/{n}")

    def test_a_range_past_the_end_is_416_with_the_size(self):
        status, headers, _ = self.get("/firmware/" + digest(self.old), Range=f"bytes={len(self.old)}-")
        self.assertEqual((status, headers["Content-Range"]), (416, f"bytes */{len(self.old)}"))

    def test_if_range_with_another_tag_gives_the_whole(self):
        path = "/firmware/" + digest(self.old)
        tag = f'"{digest(self.old)}"'
        self.assertEqual(self.get(path, Range="bytes=5-", If_Range=tag)[0], 206)
        for other in ('"other"', "W/" + tag, digest(self.old)):
            status, _, body = self.get(path, Range="bytes=5-", If_Range=other)
            self.assertEqual(status, 200)
            self.assertEqual(body, self.old)

    def test_several_ranges_and_malformed_ones_are_ignored(self):
        for text in ("bytes=0-1,4-5", "bytes=5-4", "lines=1-2", "bytes=x-"):
            self.assertEqual(self.get("/firmware/" + digest(self.old), Range=text)[0], 200)

    def test_a_connection_serves_one_request_after_another(self):
        c = self.connect()
        for _ in range(3):
            self.assertEqual(self.get("/firmware/" + digest(self.old), connection=c)[2], self.old)
            self.assertEqual(self.get("/firmware/" + "0" * 64, connection=c)[0], 404)
        self.assertEqual(self.g.metrics()["muster_gateway_connections_active"], 1)

    def test_without_a_client_certificate_there_is_no_firmware(self):
        self.assertEqual(self.get("/firmware/" + digest(self.old), who=None)[0], 403)

    def test_only_images_of_releases_are_served(self):
        store = pathlib.Path(FLEET.store, "blobs", "sha256")
        for blob in os.listdir(store):
            want = 200 if blob in map(digest, FLEET.images) else 404
            self.assertEqual(self.get("/firmware/" + blob, method="HEAD")[0], want)
        for path in ("/firmware/", "/firmware/../../etc/passwd", "/firmware/" + digest(self.old).upper(), "/", "/store"):
            self.assertEqual(self.get(path)[0], 404, path)

    def test_a_damaged_image_is_not_served(self):
        blob = pathlib.Path(FLEET.store, "blobs", "sha256", digest(self.old))
        path = "/firmware/" + digest(self.old)
        self.assertEqual(self.get(path, method="HEAD")[0], 200)
        blob.write_bytes(self.old[:-1] + b"!")
        try:
            self.assertEqual(self.get(path)[0], 500)
        finally:
            blob.write_bytes(self.old)
        self.assertEqual(self.get(path)[0], 200)

    def test_a_new_release_is_served_without_a_restart(self):
        image = FLEET.publish(f"1.5.{int(time.time())}", 1000)
        self.assertEqual(self.get("/firmware/" + digest(image))[2], image)

    def test_curl_resumes(self):
        with tempfile.NamedTemporaryFile() as part:
            part.write(self.new[:700_001])
            part.flush()
            at = FLEET.dir + "/devices/sensor-001/device"
            subprocess.run(["curl", "-sf", "--cacert", FLEET.dir + "/pki/root.pem", "--cert", at + ".pem", "--key",
                            at + ".key", "-C", "-", "-o", part.name,
                            f"https://127.0.0.1:{self.g.port}/firmware/{digest(self.new)}"], check=True)
            self.assertEqual(pathlib.Path(part.name).read_bytes(), self.new)


class Wire(Served):
    def request(self, path="/health", extra="", close=True):
        end = "Connection: close\r\n" if close else ""
        return f"GET {path} HTTP/1.1\r\nHost: gw\r\n{extra}{end}\r\n".encode()

    def test_a_stray_empty_line_before_requests_is_skipped(self):
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            out = self.raw(b"\r\n" + self.request(close=False) + b"\r\n" + self.request(), version=version)
            self.assertEqual(out.count(b"HTTP/1.1 200 OK"), 2)

    def test_close_notify_ends_a_download(self):
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            out = self.raw(self.request("/firmware/" + digest(self.new)), version=version)
            self.assertEqual(out.split(b"\r\n\r\n", 1)[1], self.new)

    def test_requests_sent_ahead_are_answered_in_order(self):
        out = self.raw(self.request(f"/firmware/{digest(self.old)}", close=False) + self.request("/nothing"))
        self.assertIn(b"HTTP/1.1 404", out)
        self.assertLess(out.index(self.old[:64]), out.index(b"HTTP/1.1 404"))

    def test_what_can_not_be_read_is_answered_and_closed(self):
        for data, status in ((b"nonsense\r\n\r\n", 400), (b"GET / HTTP/1.1\r\n\r\n", 400), (b"A" * 9000, 431),
                             (b"POST /provision HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc", 413),
                             (b"DELETE / HTTP/1.1\r\nHost: a\r\n\r\n", 405)):
            self.assertTrue(self.raw(data).startswith(f"HTTP/1.1 {status} ".encode()), data[:20])

    def test_old_tls_cbc_and_strangers_are_refused(self):
        for setting in (["-tls1_1"], ["-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-SHA256"]):
            done = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{self.g.port}", *setting],
                                  stdin=subprocess.DEVNULL, capture_output=True, text=True)
            self.assertIn("Cipher is (NONE)", done.stdout, setting)
        with tempfile.TemporaryDirectory() as other:
            tool("pki", "init", "--dir", other, "--fleet", "other")
            tool("pki", "device", "sensor-001", "--dir", other)
            context = FLEET.context(None)
            context.load_cert_chain(other + "/devices/sensor-001/device.pem", other + "/devices/sensor-001/device.key")
            with self.assertRaises((ssl.SSLError, ConnectionError)):
                with context.wrap_socket(socket.create_connection(("127.0.0.1", self.g.port), 60),
                                         server_hostname="localhost") as s:
                    s.sendall(self.request())
                    if not s.recv(100):
                        raise ConnectionError
        self.g.until("tls_failures_total", 3)

    def test_a_server_certificate_is_no_client(self):
        context = FLEET.context(None)
        context.load_cert_chain(FLEET.dir + "/pki/broker.pem", FLEET.dir + "/pki/broker.key")
        with self.assertRaises((ssl.SSLError, ConnectionError)):
            with context.wrap_socket(socket.create_connection(("127.0.0.1", self.g.port), 60),
                                     server_hostname="localhost") as s:
                s.sendall(self.request())
                if not s.recv(100):
                    raise ConnectionError


class Watching(Served):
    def test_health_and_readiness_need_no_certificate(self):
        for path in ("/health", "/ready"):
            self.assertEqual(self.get(path, who=None)[0], 200)

    def test_metrics_are_for_operators_and_for_the_plain_listener(self):
        self.assertEqual(self.get("/metrics")[0], 403)
        self.assertEqual(self.get("/metrics", who=None)[0], 403)
        status, _, body = self.get("/metrics", who="operator-admin")
        self.assertEqual(status, 200)
        self.assertIn(b"muster_gateway_downloads_peak 0\n", body)

    def test_the_plain_listener_serves_no_firmware(self):
        c = http.client.HTTPConnection("127.0.0.1", self.g.plain, timeout=60)
        c.request("GET", "/firmware/" + digest(self.old))
        self.assertEqual(c.getresponse().status, 404)
        c.close()

    def test_requests_bytes_and_downloads_are_counted(self):
        self.get("/firmware/" + digest(self.old))
        self.g.logged(1)  # the client may know of the end before the gateway does
        self.get("/firmware/" + digest(self.old), Range="bytes=0-99")
        self.g.logged(2)
        self.get("/nothing")
        self.g.logged(3)
        m = self.g.metrics()  # once: it counts itself
        self.assertEqual(m['muster_gateway_requests_total{status="200"}'], 1)
        self.assertEqual(m['muster_gateway_requests_total{status="206"}'], 1)
        self.assertEqual(m['muster_gateway_requests_total{status="404"}'], 1)
        self.assertEqual(m["muster_gateway_bytes_sent_total"], len(self.old) + 100)
        self.assertEqual(m['muster_gateway_downloads_total{result="complete"}'], 2)
        self.assertEqual(m["muster_gateway_downloads_peak"], 1)

    def test_readiness_is_lost_with_the_store_and_comes_back(self):
        index = pathlib.Path(FLEET.store, "index.json")
        whole = index.read_bytes()
        index.write_bytes(b"{")
        try:
            self.assertEqual(self.get("/ready", who=None)[0], 503)
            self.assertEqual(self.get("/health", who=None)[0], 200)
            self.assertEqual(self.get("/firmware/" + digest(self.old), method="HEAD")[0], 200)
        finally:
            index.write_bytes(whole)
        self.assertEqual(self.get("/ready", who=None)[0], 200)

    def test_a_line_per_request_names_the_device(self):
        self.get("/firmware/" + digest(self.old))
        self.g.logged(1)
        self.assertRegex(self.g.lines[0],
                         rf"^127\.0\.0\.1:\d+ sensor-001 GET /firmware/{digest(self.old)} 200 {len(self.old)}/{len(self.old)} done \d+ms$")


class Caps(Served):
    rate = 150000
    options = ("--max-downloads", "2", "--rate", str(rate), "--retry-after", "7")  # the larger image takes ten seconds

    def begin(self):
        """A download that is under way."""
        c = self.connect()
        c.request("GET", "/firmware/" + digest(self.new))
        return c, c.getresponse()

    def test_more_than_the_cap_get_503_and_when_to_come_again(self):
        running = [self.begin() for _ in range(2)]
        for _ in range(3):
            status, headers, _ = self.get("/firmware/" + digest(self.old))
            self.assertEqual((status, headers["Retry-After"]), (503, "7"))
        self.assertEqual(self.get("/firmware/" + digest(self.old), method="HEAD")[0], 200)
        self.assertEqual(self.get("/health")[0], 200)
        m = self.g.metrics()
        self.assertEqual((m["muster_gateway_downloads_active"], m["muster_gateway_downloads_peak"],
                          m["muster_gateway_downloads_rejected_total"]), (2, 2, 3))
        for c, answer in running:
            self.assertEqual(answer.status, 200)
            c.close()
            answer.close()

    def test_a_client_that_goes_away_frees_its_place(self):
        running = [self.begin() for _ in range(2)]
        self.g.until("downloads_active", 2)
        for c, answer in running:  # RST, as a device that lost power and came back
            c.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            answer.close()
            c.close()
        self.g.until("downloads_active", 0)
        self.g.until('downloads_total{result="aborted"}', 2)
        self.assertEqual(self.get("/firmware/" + digest(self.old))[0], 200)

    def test_the_rate_is_kept(self):
        began = time.monotonic()
        self.assertEqual(self.get("/firmware/" + digest(self.old))[2], self.old)
        took = time.monotonic() - began
        self.assertGreater(took, len(self.old) / self.rate * 0.7)
        self.assertLess(took, len(self.old) / self.rate * 2 + 30)

    def test_twenty_at_once_never_exceed_the_cap_and_all_end(self):
        done = []

        def one():
            while True:
                status, _, body = self.get("/firmware/" + digest(self.old), Range="bytes=0-40000")
                if status == 206:
                    done.append(body == self.old[:40001])
                    return
                time.sleep(0.05)

        threads = [threading.Thread(target=one) for _ in range(20)]
        for t in threads:
            t.start()
        for t in threads:
            t.join(120)
        self.assertEqual(done, [True] * 20)
        self.assertEqual(self.g.metrics()["muster_gateway_downloads_peak"], 2)


class Stalls(Served):
    options = ("--stall", "1s", "--max-connections", "6")

    def test_a_client_that_stops_reading_is_cut_off(self):
        c = self.connect()
        c.connect()
        c.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        c.request("GET", "/firmware/" + digest(self.new))
        c.getresponse()
        self.g.until("downloads_active", 1)
        self.g.until('downloads_total{result="stalled"}', 1)
        self.g.until("downloads_active", 0)

    def test_connections_are_bounded(self):
        held = [socket.create_connection(("127.0.0.1", self.g.port)) for _ in range(6)]
        late = socket.create_connection(("127.0.0.1", self.g.port), 60)  # they are taken in order
        self.assertEqual(late.recv(1), b"")
        self.g.until("connections_refused_total", 1)
        for s in held + [late]:
            s.close()
        self.g.until("connections_active", 0)
        self.assertEqual(self.get("/health")[0], 200)


class Life(unittest.TestCase):
    def test_sigterm_lets_a_download_end_and_leaves_with_0(self):
        g = Gateway("--rate", "300000")
        c = http.client.HTTPSConnection("127.0.0.1", g.port, context=FLEET.context(), timeout=60)
        c.request("GET", "/firmware/" + digest(FLEET.images[0]))
        answer = c.getresponse()
        g.p.send_signal(signal.SIGTERM)
        self.assertEqual(answer.read(), FLEET.images[0])
        self.assertEqual(g.p.wait(60), 0)
        c.close()
        g.stop()

    def test_sigterm_with_nobody_there_ends_at_once(self):
        def quick():
            g = Gateway()
            began = time.monotonic()
            self.assertEqual(g.stop(), 0)
            return time.monotonic() - began < 2  # for a download it would wait three seconds
        self.assertTrue(any(quick() for _ in range(3)), "once, however loaded the machine")

    def test_a_port_in_use_and_a_missing_file_are_said_clearly(self):
        pki = FLEET.dir + "/pki/"
        common = ["--store", FLEET.store, "--cert", pki + "gateway.pem", "--ca", pki + "clients.pem"]
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            s.listen()
            done = subprocess.run([TOOL, "gateway", "--listen", "127.0.0.1:%d" % s.getsockname()[1], "--key",
                                   pki + "gateway.key", *common], capture_output=True, text=True)
        self.assertEqual(done.returncode, 3)
        self.assertIn("Address already in use", done.stderr)
        done = subprocess.run([TOOL, "gateway", "--listen", "127.0.0.1:0", "--key", pki + "nothing.key", *common],
                              capture_output=True, text=True)
        self.assertEqual(done.returncode, 2)
        self.assertIn("nothing.key", done.stderr)
        done = subprocess.run([TOOL, "gateway", "--listen", "127.0.0.1:0", "--key", pki + "broker.key", *common],
                              capture_output=True, text=True)
        self.assertEqual(done.returncode, 2)

    def test_ready_is_written_to_the_descriptor(self):
        read, write = os.pipe()
        pki = FLEET.dir + "/pki/"
        p = subprocess.Popen([TOOL, "gateway", "--listen", "127.0.0.1:0", "--store", FLEET.store, "--cert",
                              pki + "gateway.pem", "--key", pki + "gateway.key", "--ca", pki + "clients.pem",
                              "--ready-fd", str(write)], pass_fds=[write], stdout=subprocess.DEVNULL)
        os.close(write)
        self.assertEqual(os.read(read, 100), b"ready\n")
        os.close(read)
        p.terminate()
        self.assertEqual(p.wait(60), 0)

    def test_a_revoked_certificate_is_out_and_a_broken_list_admits_nobody_new(self):
        fleet = Fleet()
        self.addCleanup(shutil.rmtree, fleet.dir)
        g = Gateway(fleet=fleet)
        self.addCleanup(g.stop)
        crls = pathlib.Path(fleet.dir, "pki", "crls.pem")

        def status(who):
            c = http.client.HTTPSConnection("127.0.0.1", g.port, context=fleet.context(who), timeout=60)
            try:
                c.request("HEAD", "/firmware/" + digest(fleet.images[0]))
                return c.getresponse().status
            except (ssl.SSLError, ConnectionError, http.client.HTTPException) as e:
                return type(e).__name__
            finally:
                c.close()

        self.assertEqual((status("sensor-001"), status("sensor-002")), (200, 200))
        self.revoke(fleet, "sensor-001", crls)
        self.assertNotEqual(status("sensor-001"), 200)
        self.assertEqual(status("sensor-002"), 200)
        crls.write_text("garbage")
        self.assertNotEqual(status("sensor-001"), 200)
        self.assertEqual(status("sensor-002"), 200)

    def revoke(self, fleet, who, crls):
        """By another tool: the intermediate's list is replaced, the root's stays."""
        from cryptography import x509
        from cryptography.hazmat.primitives import hashes, serialization
        import datetime
        pki = pathlib.Path(fleet.dir, "pki")
        key = serialization.load_pem_private_key((pki / "intermediate.key").read_bytes(), None)
        issuer = x509.load_pem_x509_certificate((pki / "intermediate.pem").read_bytes())
        cert = x509.load_pem_x509_certificate(pathlib.Path(fleet.dir, "devices", who, "device.pem").read_bytes())
        now = datetime.datetime.utcnow()
        entry = x509.RevokedCertificateBuilder().serial_number(cert.serial_number).revocation_date(now).build()
        crl = (x509.CertificateRevocationListBuilder().issuer_name(issuer.subject)
               .last_update(now - datetime.timedelta(hours=1)).next_update(now + datetime.timedelta(days=1))
               .add_revoked_certificate(entry).sign(key, hashes.SHA256()))
        root = crls.read_text().split("-----BEGIN X509 CRL-----")[2]
        aside = pathlib.Path(str(crls) + ".new")
        aside.write_text(crl.public_bytes(serialization.Encoding.PEM).decode() + "-----BEGIN X509 CRL-----" + root)
        aside.rename(crls)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1] + sys.argv[2:], verbosity=2)
