#!/usr/bin/env python3
"""A download server that lies, drips, floods, redirects and shows the wrong papers. The old program goes on; the reason names the cause.

The images here are random bytes that the release signs: one that arrives whole and right is then refused as `image_invalid`, which is how
the cases tell that every byte was taken and nothing was booted.
"""
import datetime
import gzip
import hashlib
import ipaddress
import os
import shutil
import socket
import ssl
import time
import unittest

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509.oid import NameOID

from gateway import Gateway, make_certificate
from kit import Cases, load_key, new_key, tests_of, wait_until

SIZE = 100000
OTHER = os.urandom(SIZE)
WINDOW = 4  # s over which the devices of this file want 1 kB/s


def whole(request, body, **headers):
    """What an honest server does, ranges included."""
    at = request.range()
    if at:
        request.head("206 Partial Content", Content_Length=len(body) - at, Content_Range="bytes %d-%d/%d" % (at, len(body) - 1, len(body)), **headers)
    else:
        request.head("200 OK", Content_Length=len(body), **headers)
    request.send(body[at:])


def cut_at(n, body, **headers):
    """An honest head, and then the connection ends after n bytes."""
    def handler(request):
        request.head("200 OK", Content_Length=len(body), **headers)
        request.send(body[:n])
        time.sleep(0.3)
    return handler


def in_turn(*handlers):
    """One after the other; the last one for the rest of the time."""
    left = list(handlers)

    def handler(request):
        (left.pop(0) if len(left) > 1 else left[0])(request)
    return handler


def write_cert(folder, name, key, cert, chain=b""):
    paths = os.path.join(folder, name + ".pem"), os.path.join(folder, name + ".key")
    with open(paths[0], "wb") as f:
        f.write(cert.public_bytes(serialization.Encoding.PEM) + chain)
    with open(paths[1], "wb") as f:
        f.write(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
    return paths


def issue(key, issuer_name, issuer_key, days, names=(x509.IPAddress(ipaddress.ip_address("127.0.0.1")),)):
    """A server certificate, valid until `days` from now."""
    now = datetime.datetime.utcnow()
    first, last = now - datetime.timedelta(days=5), now + datetime.timedelta(days=days)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "gateway")])
    return (x509.CertificateBuilder().subject_name(name).issuer_name(issuer_name or name).public_key(key.public_key()).serial_number(x509.random_serial_number())
            .not_valid_before(first).not_valid_after(last)
            .add_extension(x509.SubjectAlternativeName(names), False)
            .add_extension(x509.BasicConstraints(False, None), True).sign(issuer_key, hashes.SHA256()))


@tests_of
class Download(Cases):
    devices = 6
    factory = {"speed_window": ("u32", str(WINDOW)), "hosts": ("string", "127.0.0.1,gateway.invalid")}

    @classmethod
    def prepare(cls):
        super().prepare()
        cls.pki = os.path.join(cls.fleet.dir, "pki")
        cert, key = make_certificate(cls.fleet, "evil", "127.0.0.1")
        cls.gw = Gateway(cert, key, client_ca=os.path.join(cls.pki, "ca-bundle.pem"))
        cls.bystander = Gateway(cert, key)

    @classmethod
    def tearDownClass(cls):
        cls.gw.close()
        cls.bystander.close()
        super().tearDownClass()

    def __init__(self, *args):
        super().__init__(*args)
        self.image = os.urandom(SIZE)  # of its own: what a case before it has left in the slot must not count

    # ---- how a case is judged
    def order(self, d, url, size=SIZE, sha=None, **order):
        sha = sha or hashlib.sha256(self.image).hexdigest()
        self.before = d.snapshot()
        self.rollout = "dl-%s-%d" % (d.id, d.seq)
        self.since = d.send(*d.signed(d.release(size=size, sha256=sha), url=url, rollout=self.rollout, **order))
        return self.since

    def ends(self, d, state, reason, seconds=40):
        r = d.wait_report(self.since, seconds, state={"failed", "rejected", "done", "expired", "aborted", "rolled_back"}, rollout=self.rollout)
        self.assertEqual((r["state"], r["reason"]), (state, reason), r)
        self.untouched(d)
        return r

    def pauses(self, d, reason, seconds=20):
        """It pauses for this reason, and can be called off then."""
        r = d.wait_report(self.since, seconds, state={"paused", "failed", "rejected", "done"}, rollout=self.rollout)
        self.assertEqual((r["state"], r["reason"]), ("paused", reason), r)
        self.assertEqual(d.abort(self.rollout)["reason"], "aborted_by_operator")
        self.untouched(d)
        return r

    def untouched(self, d):
        self.assertEqual(d.snapshot(), self.before, "the old program must go on, and not have restarted")

    # ---- too much, too little, something else
    def case_honest_server(self, d):
        """That the harness itself is right: all of it is taken, and it is no image."""
        self.order(d, self.gw.serve("honest", lambda r: whole(r, self.image)))
        self.ends(d, "failed", "image_invalid")
        self.assertEqual(len(self.gw.seen("honest")), 1)

    def case_endless_data(self, d):
        def endless(request):
            request.head("200 OK", Connection="close")
            while request.sent < 200 << 20:
                request.send(self.image)
        memory = d.memory_kb()
        self.order(d, self.gw.serve("endless", endless))
        self.ends(d, "failed", "too_long")
        time.sleep(0.2)
        self.assertLess(self.gw.seen("endless")[0].sent, 20 << 20, "it hangs up")
        self.assertLess(d.memory_kb(), memory + 4096)

    def case_one_byte_too_many(self, d):
        def chunked(request):
            request.head("200 OK", Transfer_Encoding="chunked")
            for piece in (self.image[:50000], self.image[50000:] + b"x"):
                request.send(b"%x\r\n%s\r\n" % (len(piece), piece))
            request.send(b"0\r\n\r\n")
        self.order(d, self.gw.serve("onemore", chunked))
        self.ends(d, "failed", "too_long")

    def case_content_length_says_more(self, d):
        self.order(d, self.gw.serve("more", lambda r: whole(r, self.image + b"x")))
        r = self.ends(d, "failed", "too_long")
        self.assertEqual(r.get("got", 0), 0, "refused by the head alone")

    def case_content_length_says_less(self, d):
        self.order(d, self.gw.serve("less", lambda r: whole(r, self.image[:-1])))
        self.ends(d, "failed", "truncated")
        self.assertEqual(len(self.gw.seen("less")), 5)

    def case_content_length_no_number(self, d):
        def odd(request):
            request.head("200 OK", Content_Length="1e9")
            request.send(self.image)
        self.order(d, self.gw.serve("nonumber", odd))
        r = d.wait_report(self.since, 20, state={"paused", "failed"})
        self.assertIn(r["reason"], ("connect", "truncated", "image_invalid"))
        if r["state"] == "paused":
            d.abort(self.rollout)
        self.untouched(d)

    def case_two_content_lengths(self, d):
        def two(request):
            request.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nContent-Length: 5\r\n\r\n" % SIZE)
            request.send(self.image)
        self.order(d, self.gw.serve("two", two))
        r = d.wait_report(self.since, 20, state={"paused", "failed"})
        self.assertNotEqual(r["reason"], "image_invalid", "five bytes are no image")
        if r["state"] == "paused":
            d.abort(self.rollout)
        self.untouched(d)

    def case_truncated(self, d):
        self.order(d, self.gw.serve("truncated", cut_at(30000, self.image)))
        self.pauses(d, "truncated")

    def case_truncated_then_whole(self, d):
        """It goes on where it was: the whole thing is fetched once, not twice."""
        self.order(d, self.gw.serve("resumed", in_turn(cut_at(70000, self.image, ETag='"a"'), lambda r: whole(r, self.image, ETag='"a"'))))
        self.ends(d, "failed", "image_invalid")
        first, second = self.gw.seen("resumed")
        self.assertEqual((first.range(), second.range(), second.header("if-range")), (0, 65536, '"a"'))

    def case_tampered_image(self, d):
        self.order(d, self.gw.serve("tampered", lambda r: whole(r, self.image[:5000] + b"\xff" + self.image[5001:])))
        self.ends(d, "failed", "hash_mismatch")

    def case_another_image_of_the_same_size(self, d):
        self.order(d, self.gw.serve("another", lambda r: whole(r, OTHER)))
        self.ends(d, "failed", "hash_mismatch")

    def case_compressed_body(self, d):
        body = gzip.compress(self.image)

        def packed(request):
            request.head("200 OK", Content_Encoding="gzip", Content_Length=len(body))
            request.send(body)
        self.order(d, self.gw.serve("gzip", packed))
        self.ends(d, "failed", "too_long")

    def case_not_there(self, d):
        self.order(d, self.gw.serve("nothing", lambda r: r.head("404 Not Found", Content_Length=0)))
        self.ends(d, "failed", "http_status")
        self.assertEqual(len(self.gw.seen("nothing")), 5)

    # ---- ranges and files that change
    def case_wrong_range_reply(self, d):
        def wrong(request):
            at = request.range()
            if not at:
                return cut_at(70000, self.image)(request)
            request.head("206 Partial Content", Content_Length=SIZE - at + 4096, Content_Range="bytes %d-%d/%d" % (at - 4096, SIZE - 1, SIZE))
            request.send(self.image[at - 4096:])
        self.order(d, self.gw.serve("range", wrong))
        self.ends(d, "failed", "bad_range")
        self.assertGreaterEqual([r.range() for r in self.gw.seen("range")].count(0), 3, "from zero each time")

    def case_range_of_a_larger_file(self, d):
        def larger(request):
            at = request.range()
            if not at:
                return cut_at(70000, self.image)(request)
            request.head("206 Partial Content", Content_Length=SIZE - at, Content_Range="bytes %d-%d/%d" % (at, SIZE - 1, 10 * SIZE))
            request.send(self.image[at:])
        self.order(d, self.gw.serve("larger", larger))
        self.ends(d, "failed", "bad_range")

    def case_part_that_was_not_asked_for(self, d):
        def part(request):
            request.head("206 Partial Content", Content_Length=10, Content_Range="bytes 0-9/%d" % SIZE)
            request.send(self.image[:10])
        self.order(d, self.gw.serve("unasked", part))
        self.ends(d, "failed", "bad_range")

    def case_range_without_content_range(self, d):
        def bare(request):
            at = request.range()
            if not at:
                return cut_at(70000, self.image)(request)
            request.head("206 Partial Content", Content_Length=SIZE - at)
            request.send(self.image[at:])
        self.order(d, self.gw.serve("bare", bare))
        self.ends(d, "failed", "bad_range")

    def case_range_not_satisfiable(self, d):
        def never(request):
            if not request.range():
                return cut_at(70000, self.image)(request)
            request.head("416 Range Not Satisfiable", Content_Length=0, Content_Range="bytes */10")
        self.order(d, self.gw.serve("416", never))
        self.ends(d, "failed", "bad_range")

    def case_right_range_with_other_bytes(self, d):
        """Head of one file, tail of another: the digest says so, and it starts over."""
        def mixed(request):
            whole(request, OTHER) if request.range() else cut_at(70000, self.image)(request)
        self.order(d, self.gw.serve("mixed", mixed))
        r = d.wait_report(self.since, 40, state={"failed", "done"}, rollout=self.rollout)
        self.assertIn(r["reason"], ("hash_mismatch", "bad_range"))
        self.assertGreaterEqual([q.range() for q in self.gw.seen("mixed")].count(0), 2)
        self.untouched(d)

    def case_file_changed_in_mid_download(self, d):
        """Another ETag and the whole file: from zero, and good in the end."""
        def changed(request):
            request.head("200 OK", Content_Length=SIZE, ETag='"new"')
            request.send(self.image)
        self.order(d, self.gw.serve("changed", in_turn(cut_at(70000, OTHER, ETag='"old"'), changed)))
        self.ends(d, "failed", "image_invalid")
        asked = self.gw.seen("changed")
        self.assertEqual(asked[1].header("if-range"), '"old"')
        self.assertEqual([r.range() for r in asked], [0, 65536, 0])

    def case_file_changed_but_a_part_is_sent(self, d):
        """A server that ignores If-Range: the part's own ETag gives it away."""
        self.order(d, self.gw.serve("ignores", in_turn(cut_at(70000, self.image, ETag='"old"'), lambda r: whole(r, self.image, ETag='"new"'), lambda r: whole(r, self.image, ETag='"new"'))))
        self.ends(d, "failed", "image_invalid")
        self.assertEqual([r.range() for r in self.gw.seen("ignores")], [0, 65536, 0])

    # ---- slow
    def case_slow_retrieval_one_byte_a_second(self, d):
        def slow(request):
            request.head("200 OK", Content_Length=SIZE)
            request.drip(self.image, 1, 1.0)
        self.order(d, self.gw.serve("slow", slow))
        self.pauses(d, "slow_download", WINDOW + 10)
        self.assertLess(self.gw.seen("slow")[0].sent, 200)
        wait_until("the device hung up", 5, lambda: self.gw.seen("slow")[0].gone)

    def case_slow_retrieval_just_too_slow(self, d):
        def slow(request):
            request.head("200 OK", Content_Length=SIZE)
            request.drip(self.image, 90, 0.1)
        self.order(d, self.gw.serve("slowish", slow))
        self.pauses(d, "slow_download", WINDOW + 10)

    def case_fast_enough(self, d):
        def slow(request):
            request.head("200 OK", Content_Length=50000)
            request.drip(self.image[:50000], 500, 0.1)
        self.order(d, self.gw.serve("fastish", slow), size=50000, sha=hashlib.sha256(self.image[:50000]).hexdigest())
        self.ends(d, "failed", "image_invalid")

    def case_a_server_that_never_answers(self, d):
        self.order(d, self.gw.serve("mute", lambda r: time.sleep(80)))
        self.pauses(d, "connect", 75)

    # ---- heads
    def case_endless_head(self, d):
        def flood(request):
            request.send(b"HTTP/1.1 200 OK\r\n")
            for i in range(20000):
                request.send(b"X-%d: %s\r\n" % (i, b"y" * 1000))
        memory = d.memory_kb()
        self.order(d, self.gw.serve("heads", flood))
        r = d.wait_report(self.since, 70, state={"paused", "failed"}, rollout=self.rollout)
        self.assertIn(r["reason"], ("connect", "truncated", "http_status"))
        self.assertLess(d.memory_kb(), memory + 8192)
        d.abort(self.rollout)
        self.untouched(d)

    def case_no_http(self, d):
        self.order(d, self.gw.serve("nohttp", lambda r: r.send(b"\x00\x01\x02 SSH-2.0\r\n\r\n" * 20)))
        r = d.wait_report(self.since, 20, state={"paused", "failed"}, rollout=self.rollout)
        self.assertIn(r["reason"], ("connect", "http_status", "truncated", "too_long"))
        if r["state"] == "paused":
            d.abort(self.rollout)
        self.untouched(d)

    # ---- redirects
    def redirect(self, d, case, to, code="302 Found", whole_way=False):
        self.order(d, self.gw.serve(case, lambda r: r.head(code, Location=to(r) if callable(to) else to, Content_Length=0)))
        if whole_way:
            self.ends(d, "failed", "redirect")
        else:
            self.pauses(d, "redirect")

    def case_redirect_to_http(self, d):
        self.redirect(d, "to-http", self.gw.url("to-http", scheme="http"))

    def case_redirect_to_another_port(self, d):
        before = self.bystander.connections
        self.redirect(d, "to-port", self.bystander.url("x"), whole_way=True)
        self.assertEqual(self.bystander.connections, before, "nobody else is even called")

    def case_redirect_to_another_host(self, d):
        self.redirect(d, "to-host", self.gw.url("x", host="localhost"), "307 Temporary Redirect")

    def case_redirect_to_a_file(self, d):
        self.redirect(d, "to-file", "file:///etc/passwd", "301 Moved Permanently")

    def case_redirect_loop(self, d):
        self.redirect(d, "loop", lambda r: r.path, "308 Permanent Redirect")
        self.assertLessEqual(len(self.gw.seen("loop")), 8, "three in a row at most")

    def case_redirect_without_a_place(self, d):
        self.redirect(d, "nowhere", None)

    def case_redirect_with_an_endless_body(self, d):
        def flood(request):
            request.head("302 Found", Location=self.gw.url("flood2"))
            while request.sent < 200 << 20:
                request.send(self.image)
        self.order(d, self.gw.serve("flood", flood))
        self.pauses(d, "redirect")
        wait_until("the device hung up", 5, lambda: self.gw.seen("flood")[0].gone)
        self.assertLess(self.gw.seen("flood")[0].sent, 20 << 20)

    def case_redirect_on_the_same_server_is_followed(self, d):
        self.gw.serve("here", lambda r: whole(r, self.image))
        self.order(d, self.gw.serve("there", lambda r: r.head("302 Found", Location="/here/x", Content_Length=0)))
        self.ends(d, "failed", "image_invalid")

    # ---- who are you?
    def impostor(self, d, cert, key, reasons=("tls",), **kw):
        gateway = Gateway(cert, key, **kw)
        gateway.serve("x", lambda r: whole(r, self.image))
        self.order(d, gateway.url("x"))
        r = d.wait_report(self.since, 20, state={"paused", "failed"}, rollout=self.rollout)
        self.assertEqual(r["state"], "paused", r)
        self.assertIn(r["reason"], reasons)
        self.assertEqual(gateway.seen("x"), [], "not a word was said to it")
        d.abort(self.rollout)
        gateway.close()
        self.untouched(d)

    def case_self_signed_certificate(self, d):
        key = new_key()
        self.impostor(d, *write_cert(self.fleet.dir, "self", key, issue(key, None, key, 30)))

    def case_certificate_for_another_host(self, d):
        self.impostor(d, *self.by_the_ca("elsewhere", 30, [x509.DNSName("gateway.example")]))

    def case_certificate_of_a_device(self, d):
        """A device that plays gateway: its certificate is the fleet's, but no server's."""
        folder = self.fleet.home("sensor-006")
        self.impostor(d, os.path.join(folder, "device.pem"), os.path.join(folder, "device.key"))

    def case_certificate_of_an_operator(self, d):
        self.impostor(d, os.path.join(self.pki, "operator-admin.pem"), os.path.join(self.pki, "operator-admin.key"))

    def by_the_ca(self, name, days, *names):
        with open(os.path.join(self.pki, "intermediate.pem"), "rb") as f:
            chain = f.read()
        issuer = x509.load_pem_x509_certificate(chain)
        key = new_key()
        return write_cert(self.fleet.dir, name, key, issue(key, issuer.subject, load_key(os.path.join(self.pki, "intermediate.key")), days, *names), chain)

    def case_certificate_that_has_expired(self, d):
        self.impostor(d, *self.by_the_ca("expired", -2))

    def case_tls_1_1(self, d):
        cert, key = os.path.join(self.pki, "evil.pem"), os.path.join(self.pki, "evil.key")
        self.impostor(d, cert, key, version=ssl.TLSVersion.TLSv1_1)

    def case_no_tls(self, d):
        self.impostor(d, None, None, reasons=("tls", "connect"), plain=True)

    # ---- hosts
    def refused(self, d, url):
        seen, connections = len(self.gw.requests), self.bystander.connections
        self.order(d, url)
        self.ends(d, "rejected", "host_not_allowed")
        self.assertEqual(self.bystander.connections, connections, "it was not even called")
        self.assertEqual([r for r in self.gw.requests[seen:] if "/not-allowed/" in r.path], [])

    def case_host_that_is_not_on_the_list(self, d):
        """Its certificate is good for that name, too: only the list says no."""
        self.refused(d, self.bystander.url("not-allowed", host="localhost"))

    def case_host_that_begins_like_one_on_the_list(self, d):
        self.refused(d, "https://127.0.0.1.evil.invalid:%d/not-allowed/" % self.bystander.port)

    def case_settings_that_name_a_host_beyond_the_list(self, d):
        since, _ = d.send_verb("config", set={"url": self.bystander.url("not-allowed", host="localhost")})
        wait_until("an answer", 10, lambda: d.replies("config", since), every=0.1)
        self.assertEqual((d.replies("config", since)[-1]["reason"], d.replies("config", since)[-1]["detail"]), ("host_not_allowed", "url"))

    def case_a_server_that_has_moved(self, d):
        """A config order says where it is now; an order without url, and one with a folder, follow."""
        base = self.gw.url("moved-" + d.id)
        since, _ = d.send_verb("config", set={"url": base})
        wait_until("an answer", 10, lambda: d.replies("config", since), every=0.1)
        self.assertTrue(d.replies("config", since)[-1]["ok"])
        for folder in (None, "beta/"):
            self.gw.serve("moved-" + d.id, lambda r: whole(r, self.image))
            self.order(d, folder)
            self.ends(d, "failed", "image_invalid")
            self.assertEqual(self.gw.seen("moved-" + d.id)[-1].path, "/moved-%s/%s%s" % (d.id, folder or "", hashlib.sha256(self.image).hexdigest()))

    def case_order_with_an_http_url(self, d):
        self.before = d.snapshot()
        since = d.send(*d.signed(d.release(), url="http://127.0.0.1:%d/x/" % self.gw.port))
        self.assertEqual(d.wait_report(since, 15)["reason"], "bad_order")
        self.untouched(d)

    def case_nobody_there(self, d):
        with socket.socket() as s:  # taken, so that nobody else comes to listen there
            s.bind(("127.0.0.1", 0))
            self.order(d, "https://127.0.0.1:%d/x/" % s.getsockname()[1])
            self.pauses(d, "connect")

    def case_a_name_that_does_not_exist(self, d):
        self.order(d, "https://gateway.invalid/firmware/")
        self.pauses(d, "dns", 30)

    # ---- our own gateway
    def case_a_blob_that_was_changed_in_the_store(self, d):
        """The real gateway does not hand it out; the device asks again later."""
        shown = self.fleet.json("release", "show", "weather@1.4.0")
        blob = os.path.join(self.fleet.dir, "store", "blobs", "sha256", shown["image"])
        shutil.copy(blob, blob + ".kept")
        try:
            with open(blob, "r+b") as f:
                f.seek(5000)
                f.write(b"tampered")
            self.order(d, self.fleet.ini["gateway"]["url"], size=shown["size"], sha=shown["image"])
            self.pauses(d, "http_status")
        finally:
            os.replace(blob + ".kept", blob)


if __name__ == "__main__":
    unittest.main(verbosity=1)
