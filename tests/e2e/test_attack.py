"""A tampered image, an unsigned release, an order for another device, a replayed order, a downgrade: each refused with its own reason.

The attacker here holds the operator's broker certificate (it may publish commands) but none of the signing keys, or is given just the
one that the case is about.
"""
import base64
import hashlib
import json
import os
import shutil
import time

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from harness import FleetTest, hash_of, main, wait_until


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def load(path):
    with open(path, "rb") as f:
        return serialization.load_pem_private_key(f.read(), None)


def kid(key):
    der = key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(der).hexdigest()[:16]


def jws(key, typ, payload, alg="ES256", key_id=None):
    header = json.dumps({"alg": alg, "kid": key_id or kid(key), "typ": typ}, separators=(",", ":")).encode()
    body = payload if isinstance(payload, bytes) else json.dumps(payload, separators=(",", ":")).encode()
    text = b64(header) + "." + b64(body)
    r, s = decode_dss_signature(key.sign(text.encode(), ec.ECDSA(hashes.SHA256())))
    return text + "." + b64(r.to_bytes(32, "big") + s.to_bytes(32, "big"))


class Attack(FleetTest):
    devices = 2
    victim = "sensor-001"

    def setUp(self):
        keys = os.path.join(self.fleet.dir, "pki", "keys")
        self.rollout_key = load(os.path.join(keys, "rollout.key"))
        self.release_key = load(os.path.join(keys, "release.key"))
        self.stranger = ec.generate_private_key(ec.SECP256R1())
        self.image_before = self.fleet.ls()[self.victim]["image"]
        self.boot_before = self.fleet.ls()[self.victim]["boot"]

    def release(self, **change):
        shown = self.fleet.json("release", "show", "weather@1.4.0")
        body = {"product": "weather", "hw": ["linux"], "version": "9.9.9", "seq": 900, "security": 1, "size": shown["size"],
                "sha256": shown["image"], "min_agent": 1, "created": int(time.time())}
        body.update(change)
        return body

    serial = [5000]

    def order(self, release_text, **change):
        now = int(time.time())
        self.serial[0] += 1
        body = {"verb": "update", "fleet": "demo", "dev": self.victim, "seq": self.serial[0], "iat": now, "nbf": now - 5, "exp": now + 3600,
                "rollout": "attack-%d" % self.serial[0], "attempt": 1, "jitter": 0, "release": hashlib.sha256(release_text.encode()).hexdigest(),
                "url": self.fleet.ini["gateway"]["url"], "trial": 3}
        body.update(change)
        return body

    def attack(self, order_text, release_text, device=None):
        device = device or self.victim
        start = time.time()
        self.ear.publish("devices/%s/commands/update" % device, json.dumps({"order": order_text, "release": release_text}), retain=True)

        def answer():
            ends = [r for when, who, r in self.ear.reports(device) if when >= start and r["state"] in ("rejected", "failed", "done", "expired", "rolled_back")]
            return ends[-1] if ends else None
        try:
            return wait_until("an answer from " + device, 40, answer)
        finally:
            self.ear.publish("devices/%s/commands/update" % device, b"", retain=True)

    def refused(self, reason, order_text, release_text):
        answer = self.attack(order_text, release_text)
        self.assertEqual(answer["reason"], reason, answer)
        now = wait_until("the victim is listed", 20, lambda: self.fleet.ls().get(self.victim))
        self.assertEqual(now["image"], self.image_before)
        self.assertEqual(now["boot"], self.boot_before, "it must not even have restarted")

    def signed(self, release=None, **order):
        text = jws(self.release_key, "muster-release", release or self.release())
        return jws(self.rollout_key, "muster-order", self.order(text, **order)), text

    def test_order_by_a_stranger(self):
        text = jws(self.release_key, "muster-release", self.release())
        self.refused("unknown_key", jws(self.stranger, "muster-order", self.order(text)), text)

    def test_order_by_a_stranger_under_a_known_kid(self):
        text = jws(self.release_key, "muster-release", self.release())
        self.refused("bad_signature", jws(self.stranger, "muster-order", self.order(text), key_id=kid(self.rollout_key)), text)

    def test_release_that_is_not_signed_by_a_release_key(self):
        text = jws(self.rollout_key, "muster-release", self.release())
        self.refused("unknown_key", jws(self.rollout_key, "muster-order", self.order(text)), text)

    def test_alg_none(self):
        text = jws(self.release_key, "muster-release", self.release())
        self.refused("bad_signature", jws(self.rollout_key, "muster-order", self.order(text), alg="none"), text)

    def test_order_for_another_device(self):
        self.refused("wrong_device", *self.signed(dev="sensor-002"))

    def test_order_for_another_fleet(self):
        self.refused("wrong_fleet", *self.signed(fleet="other"))

    def test_expired_order(self):
        now = int(time.time())
        self.refused("expired", *self.signed(iat=now - 7200, nbf=now - 7200, exp=now - 3600))

    def test_order_for_another_release(self):
        text = jws(self.release_key, "muster-release", self.release())
        other = jws(self.release_key, "muster-release", self.release(version="9.9.8"))
        self.refused("bad_order", jws(self.rollout_key, "muster-order", self.order(other)), text)

    def test_downgrade(self):
        self.refused("downgrade", *self.signed(self.release(seq=0 if False else 1)))

    def test_security_downgrade(self):
        self.refused("security_downgrade", *self.signed(self.release(security=0)))

    def test_wrong_product_and_hardware(self):
        self.refused("wrong_product", *self.signed(self.release(product="pump")))
        self.refused("wrong_hw", *self.signed(self.release(hw=["esp32"])))

    def test_precursor_and_agent(self):
        self.refused("precursor", *self.signed(self.release(min_from="1.3.9")))
        self.refused("agent_too_old", *self.signed(self.release(min_agent=99)))

    def test_an_image_that_does_not_fit(self):
        self.refused("too_big", *self.signed(self.release(size=100 << 20)))

    def test_duplicate_keys_in_an_order(self):
        text = jws(self.release_key, "muster-release", self.release())
        body = json.dumps(self.order(text), separators=(",", ":"))
        self.refused("bad_order", jws(self.rollout_key, "muster-order", (body[:-1] + ',"dev":"%s"}' % self.victim).encode()), text)

    def test_a_tampered_image(self):
        store = os.path.join(self.fleet.dir, "store", "blobs", "sha256")
        shown = self.fleet.json("release", "show", "weather@1.4.0")
        blob = os.path.join(store, shown["image"])
        shutil.copy(blob, blob + ".kept")
        try:
            with open(blob, "r+b") as f:
                f.seek(5000)
                f.write(b"tampered")
            self.refused("hash_mismatch", *self.signed())
        finally:
            shutil.move(blob + ".kept", blob)

    def test_z_a_replayed_order(self):
        order, text = self.signed(self.release(product="pump"))
        self.refused("wrong_product", order, text)
        # Same number, other content: the number is spent.
        self.serial[0] -= 1
        again, text = self.signed(self.release(product="door"))
        self.refused("replay", again, text)


if __name__ == "__main__":
    main()
