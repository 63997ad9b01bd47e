"""What the attack tests share: signed things made by hand (well or badly), and a device as its attacker and its owner see it.

The attacker may publish on the broker as an operator does (it holds that certificate) but holds no signing key, unless a case gives it
one. Keys and releases are used freely here to make things that are right but for the one detail a case is about.
"""
import base64
import csv
import hashlib
import hmac
import json
import os
import queue
import subprocess
import sys
import threading
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))

from cryptography.hazmat.primitives import hashes, serialization  # noqa: E402
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa  # noqa: E402
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature  # noqa: E402

from harness import DEVICE, ENDS, MUSTER, PATIENCE, Ear, Fleet, running, wait_until  # noqa: E402

N_P256 = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


# ---- signed things ---------------------------------------------------------------------------------------------------
def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def load_key(path):
    with open(path, "rb") as f:
        return serialization.load_pem_private_key(f.read(), None)


def new_key():
    return ec.generate_private_key(ec.SECP256R1())


def spki(key):
    return key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


def kid(key):
    return hashlib.sha256(spki(key)).hexdigest()[:16]


def jwk(key):
    n = key.public_key().public_numbers()
    return {"kty": "EC", "crv": "P-256", "kid": kid(key), "x": b64(n.x.to_bytes(32, "big")), "y": b64(n.y.to_bytes(32, "big"))}


def es256(key, text):
    r, s = decode_dss_signature(key.sign(text.encode(), ec.ECDSA(hashes.SHA256())))
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def compact(thing):
    return thing if isinstance(thing, bytes) else json.dumps(thing, separators=(",", ":")).encode()


def jws(key, typ, payload, sign=es256, **header):
    """A compact JWS. `header` replaces or adds fields (None takes one away); `sign` makes the signature."""
    head = {"alg": "ES256", "kid": kid(key), "typ": typ}
    head.update(header)
    text = b64(compact({k: v for k, v in head.items() if v is not None})) + "." + b64(compact(payload))
    return text + "." + b64(sign(key, text))


def hs256_with_public_key(key, text):
    """The classic: the verifier is talked into using its public key as a shared secret."""
    return hmac.new(spki(key), text.encode(), hashlib.sha256).digest()


def rs256(key, text):
    return rsa.generate_private_key(65537, 2048).sign(text.encode(), padding.PKCS1v15(), hashes.SHA256())


def digest(text):
    return hashlib.sha256(text.encode() if isinstance(text, str) else text).hexdigest()


def slot_delay(rollout, device, jitter):
    v = hashlib.sha256(b"muster-jitter-v1\0" + rollout.encode() + b"\0" + device.encode()).digest()[:8]
    return jitter * int.from_bytes(v, "big") >> 64


class Keys:
    def __init__(self, folder):
        keys = os.path.join(folder, "pki", "keys")
        self.root = load_key(os.path.join(keys, "root.key"))
        self.release = load_key(os.path.join(keys, "release.key"))
        self.rollout = load_key(os.path.join(keys, "rollout.key"))
        with open(os.path.join(keys, "keyset.json")) as f:
            self.keyset = json.loads(unb64(json.load(f)["payload"]))

    def signed_keyset(self, **change):
        payload = b64(compact(dict(self.keyset, **change)))
        protected = b64(compact({"alg": "ES256", "typ": "muster-keyset", "kid": kid(self.root)}))
        signature = b64(es256(self.root, protected + "." + payload))
        return json.dumps({"payload": payload, "signatures": [{"protected": protected, "signature": signature}]})


# ---- a device --------------------------------------------------------------------------------------------------------
class Device:
    """One real muster-device process: what it is ordered, what it says, what it runs."""

    def __init__(self, fleet, ear, keys, name):
        self.fleet, self.ear, self.keys, self.id = fleet, ear, keys, name
        self.home = fleet.home(name)
        self.process = None  # ours, once we have power-cycled it
        self.seq = 5000
        self.lock = threading.Lock()
        self.read, self.reported, self.last_status = 0, [], (0.0, None)

    # ---- power
    def off(self, sig=9):
        pid = self.process.pid if self.process else self.fleet.pid(self.id)
        os.kill(pid, sig)
        if self.process:
            self.process.wait(PATIENCE)
        wait_until("%s is off" % self.id, 15, lambda: not running(pid), every=0.02)

    def on(self):
        self.process = self.fleet.power_on(self.id)
        return self.process

    def reflash(self, image, **changes):
        """As from the factory, with other factory settings: key=(encoding, value)."""
        self.off(15)
        path = os.path.join(self.home, "nvs.csv")
        with open(path, newline="") as f:
            rows = list(csv.reader(f))
        with open(path, "w", newline="") as f:
            out = csv.writer(f)
            for row in rows:
                if row and row[0] not in changes:
                    out.writerow(row)
            for key, (encoding, value) in changes.items():
                out.writerow([key, "data", encoding, value])
        since = time.time()
        subprocess.run([DEVICE, "--dir", self.home, "--flash", "--image", image, "--nvs", path], check=True, capture_output=True)
        self.on()
        self.wait_online(since)

    # ---- what it says
    def listen(self):
        """Takes in what the ear has heard since the last time."""
        with self.lock:
            with self.ear.lock:
                news = self.ear.heard[self.read:]
                self.read += len(news)
            for when, topic, body, retain in news:
                if topic == "devices/%s/status" % self.id and body:
                    self.last_status = (when, json.loads(body))
                elif topic == "devices/%s/ota/report" % self.id and body and not retain:
                    self.reported.append((when, json.loads(body)))

    def status(self, since=0.0):
        self.listen()
        when, status = self.last_status
        return status if when >= since else None

    def reports(self, since):
        self.listen()
        with self.lock:
            return [r for when, r in self.reported[-400:] if when >= since]

    def wait_online(self, since, seconds=30):
        def online():
            s = self.status(since)
            return s if s and s["state"] == "online" else None
        return wait_until(self.id + " online", seconds, online, every=0.05)

    def wait_report(self, since, seconds=30, **want):
        """The first report since then with these values; `state` may be a set."""
        def found():
            for r in self.reports(since):
                if all(r.get(k) in v if isinstance(v, (set, frozenset)) else r.get(k) == v for k, v in want.items()):
                    return r
            return None
        try:
            return wait_until("%s reports %s" % (self.id, want), seconds, found, every=0.05)
        except AssertionError as e:
            told = [(r["state"], r.get("reason"), r.get("detail")) for r in self.reports(since)]
            raise AssertionError("%s; it said %s" % (e, told)) from None

    def replies(self, verb, since):
        return [json.loads(b) for _, _, b, _ in self.ear.messages("%s/reply/%s" % (self.id, verb), since)]

    def shown(self):
        return subprocess.run([DEVICE, "--dir", self.home, "--show"], capture_output=True, text=True, check=True).stdout

    def flash_holds(self, offset, data):
        """Whether these bytes are in its flash there."""
        with open(os.path.join(self.home, "flash.bin"), "rb") as f:
            f.seek(offset)
            return f.read(len(data)) == data

    # ---- what runs
    def program(self):
        """pid of the program that the bootloader has started; 0 between two."""
        pid = self.fleet.pid(self.id)
        with open("/proc/%d/task/%d/children" % (pid, pid)) as f:
            return int((f.read().split() or ["0"])[0])

    def memory_kb(self):
        with open("/proc/%d/status" % self.program()) as f:
            return int(next(line for line in f if line.startswith("VmRSS")).split()[1])

    def snapshot(self):
        s = self.status()
        return self.program(), s["image"], s["boot"]

    # ---- what it is told
    def release(self, **change):
        body = {"product": "weather", "hw": ["linux"], "version": "9.9.9", "seq": 900, "security": 1, "size": 100000, "sha256": "11" * 32,
                "min_agent": 1, "created": int(time.time())}
        body.update(change)
        return {k: v for k, v in body.items() if v is not None}

    def order(self, release_text, **change):
        now = int(time.time())
        self.seq += 1
        body = {"verb": "update", "fleet": "demo", "dev": self.id, "seq": self.seq, "iat": now, "nbf": now - 5, "exp": now + 3600,
                "rollout": "attack-%s-%d" % (self.id, self.seq), "attempt": 1, "jitter": 0, "release": digest(release_text),
                "url": self.fleet.ini["gateway"]["url"], "trial": 2}
        body.update(change)
        return {k: v for k, v in body.items() if v is not None}

    def signed(self, release=None, **order):
        """Order and release as the fleet's own keys sign them."""
        text = jws(self.keys.release, "muster-release", release if release is not None else self.release())
        return jws(self.keys.rollout, "muster-order", self.order(text, **order)), text

    def send(self, order_text, release_text):
        return self.send_body(compact({"order": order_text, "release": release_text}))

    def send_body(self, body, verb="update"):
        since = time.time()
        self.ear.publish("devices/%s/commands/%s" % (self.id, verb), body)
        return since

    def send_verb(self, verb, **fields):
        now = int(time.time())
        self.seq += 1
        order = {"verb": verb, "fleet": "demo", "dev": self.id, "seq": self.seq, "iat": now, "nbf": now - 5, "exp": now + 3600}
        order.update(fields)
        body = compact({"order": jws(self.keys.rollout, "muster-order", order)})
        return self.send_body(body, verb), body

    def abort(self, rollout):
        since, _ = self.send_verb("abort", rollout=rollout)
        return self.wait_report(since, 15, state="aborted", rollout=rollout)


# ---- many cases on a few devices -------------------------------------------------------------------------------------
class Cases(unittest.TestCase):
    """Runs every case_… method, several at once, each on a device of its own for the while. A test_… method of the same name then says
    how it went. A case is a method of (self, device). Cases mostly wait, so this is what keeps the suite fast."""

    devices = 4
    env = {"DEMO_INTERVAL": "5"}
    factory = {}  # factory settings that the devices get beside the demo's

    @classmethod
    def setUpClass(cls):
        cls.fleet = Fleet(cls.devices, cls.env)
        try:
            cls.ear = Ear(cls.fleet)
            cls.keys = Keys(cls.fleet.dir)
            cls.prepare()
            cls.results = {}
            cls.run_cases()
        except BaseException:
            cls.fleet.stop()
            raise

    @classmethod
    def tearDownClass(cls):
        cls.ear.close()
        for d in cls.pool:
            if d.process:
                d.off(15)
        cls.fleet.stop()

    @classmethod
    def factory_image(cls):
        return os.path.join(cls.fleet.dir, "run", "weather-1.3.0.bin")

    @classmethod
    def prepare(cls):
        names = ["sensor-%03d" % (i + 1) for i in range(cls.devices)]
        cls.pool = [Device(cls.fleet, cls.ear, cls.keys, name) for name in names]
        if cls.factory:
            for d in cls.pool:
                d.reflash(cls.factory_image(), **cls.factory)

    @classmethod
    def run_cases(cls):
        todo = queue.Queue()
        only = os.environ.get("ONLY", "")
        for name in sorted(n for n in dir(cls) if n.startswith("case_") and only in n):
            todo.put(name)

        def work(device):
            while True:
                try:
                    name = todo.get_nowait()
                except queue.Empty:
                    return
                began = time.monotonic()
                try:
                    getattr(cls(), name)(device)
                    cls.results[name] = None
                except BaseException as e:  # told by the test of that name
                    cls.results[name] = e
                took = time.monotonic() - began
                print("  %-55s %-10s %5.1f s  %s" % (name[5:], device.id, took, "ok" if cls.results[name] is None else "FAILED"), flush=True)

        workers = [threading.Thread(target=work, args=(d,)) for d in cls.pool]
        for w in workers:
            w.start()
        for w in workers:
            w.join()

    def runTest(self):  # so that cls() can be made
        pass


def tests_of(cls):
    """Adds the test_… method for each case_… (a class decorator)."""
    def make(name):
        def test(self):
            if name not in self.results:
                self.skipTest("not chosen")
            if self.results[name] is not None:
                raise self.results[name]
        test.__doc__ = getattr(cls, name).__doc__
        return test
    for name in [n for n in dir(cls) if n.startswith("case_")]:
        setattr(cls, "test_" + name[5:], make(name))
    return cls
