"""Keys made, rotated, revoked and retired, on real devices: the old ones are refused, the new ones obeyed, and a power cut at any moment
leaves a keyset that works.
"""
import base64
import hashlib
import json
import os
import random
import subprocess
import time

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from harness import MUSTER, FleetTest, main, wait_until
from test_console import Screen


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def load(path):
    with open(path, "rb") as f:
        return serialization.load_pem_private_key(f.read(), None)


def kid(key):
    der = key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(der).hexdigest()[:16]


def signature(key, text):
    r, s = decode_dss_signature(key.sign(text.encode(), ec.ECDSA(hashes.SHA256())))
    return b64(r.to_bytes(32, "big") + s.to_bytes(32, "big"))


def protected(key, typ):
    return b64(json.dumps({"alg": "ES256", "typ": typ, "kid": kid(key)}, separators=(",", ":")).encode())


def jws(key, typ, payload):
    text = protected(key, typ) + "." + b64(json.dumps(payload, separators=(",", ":")).encode())
    return text + "." + signature(key, text)


def unb64(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def keyset_of(payload, signers):
    """A signed keyset, made by other means than muster's."""
    body = b64(json.dumps(payload, separators=(",", ":")).encode())
    out = []
    for key in signers:
        head = protected(key, "muster-keyset")
        out.append({"protected": head, "signature": signature(key, head + "." + body)})
    return {"payload": body, "signatures": out}


def jwk(key):
    n = key.public_key().public_numbers()
    return {"kty": "EC", "crv": "P-256", "kid": kid(key), "x": b64(n.x.to_bytes(32, "big")), "y": b64(n.y.to_bytes(32, "big"))}


class Keys(FleetTest):
    devices = 3
    serial = [int(time.time()) - 1577836800 + 100]

    def path(self, *parts):
        return os.path.join(self.fleet.dir, "pki", "keys", *parts)

    def shown(self):
        return self.fleet.json("keys", "show")

    def kids(self, role):
        return [k["kid"] for k in self.shown()["keys"] if k["role"] == role and not k["revoked"]]

    def version(self, device):
        return self.fleet.ls().get(device, {}).get("keyset")

    def has(self, device, version, seconds=30):
        wait_until("%s has keyset %d" % (device, version), seconds, lambda: self.version(device) == version, every=0.5)

    def push(self, *args, check=True):
        return self.fleet.run("keys", "push", "--wait", "60s", *args, check=check)

    def payload(self):
        with open(self.path("keyset.json")) as f:
            return json.loads(unb64(json.load(f)["payload"]))

    def order(self, key, verb, device, **more):
        self.serial[0] += 1
        now = int(time.time())
        body = {"verb": verb, "fleet": "demo", "dev": device, "seq": self.serial[0], "iat": now, "nbf": now - 5, "exp": now + 3600}
        body.update(more)
        return jws(key, "muster-order", body)

    def say(self, device, verb, message):
        since = time.time()
        self.ear.publish("devices/%s/commands/%s" % (device, verb), json.dumps(message))
        answers = wait_until("%s answers %s" % (device, verb), 20,
                             lambda: self.ear.messages("%s/reply/%s" % (device, verb), since=since))
        return json.loads(answers[-1][2])

    def send_keyset(self, device, key, keyset):
        return self.say(device, "keys", {"order": self.order(key, "keys", device), "keyset": keyset})

    def obey(self, device, key):
        """A harmless order, of another class than those that muster gives here: their numbers don't meet."""
        return self.say(device, "identify", {"order": self.order(key, "identify", device)})

    def test_1_forged_keysets_are_refused(self):
        rollout, root, stranger = load(self.path("rollout.key")), load(self.path("root.key")), ec.generate_private_key(ec.SECP256R1())
        now = self.payload()
        two = dict(now, version=2, rollout=[jwk(stranger)])

        def reason(payload, *signers, by=rollout):
            return self.send_keyset("sensor-001", by, keyset_of(payload, signers))["reason"]

        jump = self.send_keyset("sensor-001", rollout, keyset_of(dict(now, version=5), [root]))
        self.assertEqual(jump["reason"], "bad_keyset")
        self.assertEqual(jump["detail"], "version 1 in use, not followed by 5")
        self.assertEqual(reason(two, stranger), "bad_signature")
        self.assertEqual(reason(two, rollout), "bad_signature")
        # A root of the attacker's own in the new set, which signs itself: the old root has not agreed.
        taken = dict(two, root={"keys": [jwk(stranger)], "threshold": 1})
        self.assertEqual(reason(taken, stranger), "bad_signature")
        self.assertEqual(reason(dict(two, fleet="other"), root), "wrong_fleet")
        self.assertEqual(reason(two, stranger, by=stranger), "unknown_key")
        self.assertEqual(reason({"fleet": "demo"}, root), "bad_keyset")
        self.assertEqual(self.version("sensor-001"), 1)

    def test_2_a_rollout_key_is_rotated_and_retired(self):
        old = load(self.path("rollout.key"))
        old_kid = self.kids("rollout")[0]
        self.fleet.power_off("sensor-003")
        wait_until("sensor-003 is offline", 20, lambda: self.fleet.ls()["sensor-003"]["state"] != "ok")
        self.fleet.run("keys", "rotate", "rollout", "--yes")
        new = load(self.path("rollout.key"))
        self.assertNotEqual(kid(new), kid(old))
        self.assertTrue(os.path.exists(self.path("old", "rollout-%s.key" % old_kid)))
        self.assertEqual(os.stat(self.path("rollout.key")).st_mode & 0o777, 0o600)
        self.assertEqual(self.obey("sensor-001", new)["reason"], "unknown_key")

        self.push("id=sensor-001,sensor-002")
        self.has("sensor-001", 2)
        self.has("sensor-002", 2)
        self.assertEqual(self.obey("sensor-001", new)["reason"], "none")
        self.assertEqual(self.obey("sensor-001", old)["reason"], "none", "both are good until the old one is retired")

        status = self.fleet.run("keys", "status", "--json", check=False)
        self.assertEqual(status.returncode, 1)
        told = json.loads(status.stdout)
        self.assertEqual((told["have"], told["previous"] + told["unknown"]), (2, 1))
        self.assertEqual([(k["roles"], k["since_version"]) for k in told["keyset"]["keys"] if k["kid"] == kid(new)], [(["rollout"], 2)])
        self.assertEqual(told["operator"]["certificate"]["cn"], "operator-admin")
        self.assertEqual(sorted(o["id"] for o in told["orders"] if o["has"]), ["sensor-001", "sensor-002"])
        refused = self.fleet.run("keys", "retire", old_kid, "--yes", check=False)
        self.assertEqual(refused.returncode, 4, refused.stderr)
        self.assertIn("2 of 3 devices", refused.stderr)

        self.fleet.power_on("sensor-003")
        wait_until("sensor-003 is back", 30, lambda: self.fleet.ls()["sensor-003"]["state"] == "ok")
        self.push()
        self.has("sensor-003", 2)
        self.fleet.run("keys", "retire", old_kid, "--yes")
        self.push()
        for device in ("sensor-001", "sensor-002", "sensor-003"):
            self.has(device, 3)
            self.assertEqual(self.obey(device, old)["reason"], "unknown_key")
        self.assertEqual(self.fleet.json("device", "config", "sensor-002", "interval=2", "--yes")["reason"], "none")

    def test_3_a_stolen_rollout_key_is_revoked(self):
        stolen = load(self.path("rollout.key"))
        before = self.shown()["version"]
        presigned = self.order(stolen, "identify", "sensor-001")
        self.fleet.run("keys", "rotate", "rollout", "--revoke", "--yes")
        self.push()
        self.has("sensor-001", before + 1)
        self.assertEqual(self.obey("sensor-001", stolen)["reason"], "revoked_key")
        self.assertEqual(self.say("sensor-001", "identify", {"order": presigned})["reason"], "revoked_key")
        self.assertEqual(self.fleet.json("device", "config", "sensor-001", "interval=2", "--yes")["reason"], "none")
        new = kid(load(self.path("rollout.key")))
        with open(os.path.join(self.fleet.dir, "run", "serve.log")) as log:
            wait_until("serve signs with the new key", 10, lambda: log.seek(0) or ("signed by key " + new) in log.read())
        # Nor can the thief bring back the keyset that knew the key.
        with open(self.path("chain", "%d.json" % before)) as f:
            self.assertEqual(self.send_keyset("sensor-001", stolen, json.load(f))["reason"], "revoked_key")

    def test_4_a_device_that_was_away_is_walked_up(self):
        before = self.shown()["version"]
        self.fleet.power_off("sensor-002")
        wait_until("sensor-002 is offline", 20, lambda: self.fleet.ls()["sensor-002"]["state"] != "ok")
        for _ in range(2):
            self.fleet.run("keys", "rotate", "rollout", "--revoke", "--yes")
        self.fleet.run("keys", "rotate", "root", "--yes", "--threshold", "2")
        self.fleet.run("keys", "rotate", "release", "--yes")
        self.fleet.power_on("sensor-002")
        wait_until("sensor-002 is back", 30, lambda: self.fleet.ls()["sensor-002"]["state"] == "ok")
        self.push()
        for device in ("sensor-001", "sensor-002", "sensor-003"):
            self.has(device, before + 4)
        self.assertEqual(self.shown()["threshold"], 2)

    def test_5_kill_9_in_the_middle(self):
        random.seed(1)
        for _ in range(6):
            self.fleet.run("keys", "rotate", "release", "--yes")
            version = self.shown()["version"]
            old = self.kids("release")[0]
            boot = self.fleet.ls()["sensor-001"]["boot"]
            push = subprocess.Popen([MUSTER, "--profile", self.fleet.profile, "keys", "push", "id=sensor-001", "--wait", "2s"],
                                    stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            time.sleep(0.2 + random.random() * 0.6)
            self.fleet.power_off("sensor-001")
            push.wait(120)
            self.fleet.power_on("sensor-001")

            def back():
                d = self.fleet.ls()["sensor-001"]
                return d["state"] in ("ok", "warn") and d["boot"] != boot  # many restarts are an alert
            wait_until("sensor-001 is back", 30, back)
            self.assertIn(self.version("sensor-001"), (version - 2, version - 1, version))
            self.push()
            self.has("sensor-001", version)
            self.assertEqual(self.fleet.json("device", "config", "sensor-001", "interval=2", "--yes")["reason"], "none")
            self.fleet.run("keys", "retire", old, "--yes")
        self.push()

    def test_6_the_chain_on_disk_holds_and_the_journal_too(self):
        version = self.shown()["version"]
        for v in range(1, version + 1):
            self.assertTrue(os.path.exists(self.path("chain", "%d.json" % v)), v)
        # Killed between chain/ and keyset.json: the next command carries on.
        with open(self.path("chain", "%d.json" % (version - 1))) as f:
            older = f.read()
        with open(self.path("keyset.json"), "w") as f:
            f.write(older)
        self.assertEqual(self.shown()["version"], version)
        self.assertEqual(self.fleet.run("journal", "verify").returncode, 0)

    def test_7_refused_by_rule(self):
        only = self.kids("rollout")[0]
        no = self.fleet.run("keys", "revoke", only, "--yes", check=False)
        self.assertEqual(no.returncode, 4)
        self.assertIn("keys rotate rollout --revoke", no.stderr)
        os.rename(self.path("root.key"), self.path("root.away"))
        os.rename(self.path("old"), self.path("old.away"))
        try:
            no = self.fleet.run("keys", "rotate", "release", "--yes", check=False)
            self.assertEqual(no.returncode, 4)
            self.assertIn("--root FILE", no.stderr)
        finally:
            os.rename(self.path("root.away"), self.path("root.key"))
            os.rename(self.path("old.away"), self.path("old"))
        self.assertEqual(self.fleet.run("keys", "rotate", "release", check=False, stdin="").returncode, 4, "not without --yes")

    def test_8_the_keys_screen_follows_a_push(self):
        self.fleet.run("keys", "rotate", "release", "--yes")
        version = self.shown()["version"]
        s = Screen("muster-e2e-keys-%d" % os.getpid(), "%s --profile %s" % (MUSTER, self.fleet.profile), 120, 40)
        self.addCleanup(s.close)
        s.shows("sensor-001", "sensor-002", "sensor-003", seconds=60)
        s.keys("K")
        s.shows("operator-admin", "demo root CA", kid(load(self.path("release.key"))), "0 of 3 have keyset %d" % version, "sensor-002", "muster keys push",
                seconds=60)
        s.keys("/")
        s.shows("keyset<%d" % version, "3 of ", seconds=60)
        s.keys("Escape")
        # The next key only then: a console that is slow would read both as Alt and K.
        wait_until("the filter is gone", 60, lambda: "keyset<" not in s.text())
        s.keys("K")
        s.shows("0 of 3 have keyset %d" % version, seconds=60)
        self.push()
        s.shows("3 of 3 have keyset %d" % version, "orders: 3", "3 taken, 0 refused, 0 open", seconds=60)
        self.assertNotIn("muster keys push", s.text())


if __name__ == "__main__":
    main()
