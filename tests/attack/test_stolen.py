#!/usr/bin/env python3
"""A rollout key that was stolen: it uses up all order numbers. Nothing that it or an honest operator signs with it is taken then; a keyset
by the root that drops it brings the devices back, and nothing from before.
"""
import json
import time
import unittest

from kit import Device, Ear, Fleet, Keys, compact, jwk, jws, kid, new_key, wait_until

LAST = 2 ** 32 - 1


class Stolen(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.fleet = Fleet(1, {"DEMO_INTERVAL": "5"})
        cls.ear = Ear(cls.fleet)
        cls.keys = Keys(cls.fleet.dir)
        cls.d = Device(cls.fleet, cls.ear, cls.keys, "sensor-001")

    @classmethod
    def tearDownClass(cls):
        cls.ear.close()
        if cls.d.process:
            cls.d.off(15)
        cls.fleet.stop()

    # ---- what is sent
    def order(self, key, verb, seq, **more):
        now = int(time.time())
        body = {"verb": verb, "fleet": "demo", "dev": self.d.id, "seq": seq, "iat": now, "nbf": now - 5, "exp": now + 3600}
        body.update(more)
        return jws(key, "muster-order", body)

    def answer(self, verb, body):
        since = self.d.send_body(body, verb)
        wait_until("an answer to " + verb, 15, lambda: self.d.replies(verb, since), every=0.1)
        return self.d.replies(verb, since)[-1]

    def config(self, key, seq, interval):
        return self.answer("config", compact({"order": self.order(key, "config", seq, set={"interval": interval})}))

    def keyset(self, key, seq, keyset):
        body = b'{"order":"%s","keyset":%s}' % (self.order(key, "keys", seq).encode(), keyset.encode())
        return self.answer("keys", body)

    def update(self, key, seq):
        """A good one but for its size: so `too_big` says that all was well with the order."""
        text = jws(self.keys.release, "muster-release", self.d.release(size=100000000))
        self.d.seq = seq - 1
        since = self.d.send(jws(key, "muster-order", self.d.order(text)), text)
        return self.d.wait_report(since, 15, state="rejected")["reason"]

    def test_numbers_used_up_by_a_thief_are_free_again(self):
        thief, heir, k = self.keys.rollout, new_key(), self.keys.keyset
        self.assertTrue(self.config(thief, LAST, 40)["ok"])
        self.assertEqual(self.update(thief, LAST), "too_big")
        self.d.seq = LAST - 1
        since, old_abort = self.d.send_verb("abort", rollout="r-none")
        self.d.wait_report(since, 15, state="aborted")
        adds = self.keys.signed_keyset(version=k["version"] + 1, rollout=k["rollout"] + [jwk(heir)])
        self.assertTrue(self.keyset(thief, LAST, adds)["ok"])

        # Nobody is heard any more, with the old key or the new one.
        for key in (thief, heir):
            self.assertEqual(self.config(key, 7000, 41)["reason"], "replay")
            self.assertEqual(self.update(key, 7001), "replay")
            self.assertEqual(self.keyset(key, 7000, self.keys.signed_keyset(version=k["version"] + 2, rollout=[jwk(heir), jwk(thief)]))["reason"], "replay")
        # Nor does a keyset help that the thief makes.
        forged = json.loads(self.keys.signed_keyset(version=k["version"] + 2, rollout=[jwk(thief)]))
        forged["signatures"][0]["signature"] = "A" * 86
        self.assertIn(self.keyset(thief, 7002, json.dumps(forged))["reason"], ("replay", "bad_signature"))

        # The root gives a keyset that knows neither: a third key brings it, whatever numbers were used.
        third = new_key()
        heals = self.keys.signed_keyset(version=k["version"] + 2, rollout=[jwk(third)], revoked=[kid(thief), kid(heir)])
        self.assertTrue(self.keyset(third, 7003, heals)["ok"])

        self.assertEqual(self.config(thief, 7004, 42)["reason"], "revoked_key")
        self.assertEqual(self.update(thief, 7004), "revoked_key")
        since = self.d.send_body(old_abort, "abort")
        self.assertEqual(self.d.wait_report(since, 15, state="rejected")["reason"], "revoked_key")
        self.assertTrue(self.config(third, 7004, 43)["ok"])
        self.assertEqual(self.update(third, 7004), "too_big")
        self.assertEqual(self.config(third, 7004, 44)["reason"], "replay")

        # A power cut brings nothing back.
        since = time.time()
        self.d.off()
        self.d.on()
        self.d.wait_online(since)
        self.assertEqual(self.d.status()["keyset"], k["version"] + 2)
        self.assertEqual(self.config(third, 7004, 45)["reason"], "replay")
        self.assertEqual(self.update(thief, LAST), "revoked_key")
        self.assertTrue(self.config(third, 7005, 46)["ok"])
        self.assertEqual(self.update(third, 7005), "too_big")


if __name__ == "__main__":
    unittest.main(verbosity=1)
