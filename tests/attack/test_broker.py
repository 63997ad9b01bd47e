#!/usr/bin/env python3
"""What can be done over the broker: replays of what was once good, time that is not to be trusted, and devices that speak for others."""
import json
import os
import socket
import ssl
import subprocess
import time
import unittest

from kit import MUSTER, Cases, compact, tests_of, wait_until
from raw_mqtt import RawMqtt

TAKEN = (0, 16)
NOT_AUTHORISED = 135


@tests_of
class Broker(Cases):
    devices = 5

    @classmethod
    def prepare(cls):
        super().prepare()
        cls.clockless = cls.pool.pop()  # for the cases about time, which come in its own test
        cls.running = cls.fleet.json("release", "show", "weather@1.3.0")
        cls.newer = cls.fleet.json("release", "show", "weather@1.4.0")
        cls.intruder = os.path.join(cls.fleet.dir, "intruder")
        subprocess.run([MUSTER, "pki", "device", "intruder", "--dir", cls.fleet.dir, "--out", cls.intruder, "-q"], check=True, capture_output=True)

    @classmethod
    def tearDownClass(cls):
        cls.pool.append(cls.clockless)
        super().tearDownClass()

    # ---- replay
    def good_order(self, d):
        """One that is really accepted: its release is what runs, so it is `done` at once."""
        release = d.release(version="1.3.0", seq=1, size=self.running["size"], sha256=self.running["image"])
        rollout = "good-%s-%d" % (d.id, d.seq)
        text = d.signed(release, rollout=rollout)
        since = d.send(*text)
        self.assertEqual(d.wait_report(since, 20, state="done", rollout=rollout)["reason"], "none")
        return text, rollout

    def replayed(self, d, text, rollout):
        since = d.send(*text)
        r = d.wait_report(since, 20, rollout=rollout)
        self.assertEqual((r["state"], r["reason"]), ("rejected", "replay"), r)

    def power_cycle(self, d):
        since = time.time()
        d.off()
        d.on()
        return d.wait_online(since)

    def case_replay_of_an_update_order(self, d):
        first, rollout = self.good_order(d)
        self.good_order(d)
        before = d.snapshot()
        self.replayed(d, first, rollout)
        self.assertEqual(d.snapshot(), before)

    def case_replay_of_an_update_order_after_a_power_cut(self, d):
        first, rollout = self.good_order(d)
        self.good_order(d)
        self.power_cycle(d)
        self.replayed(d, first, rollout)

    def case_replay_of_the_latest_update_order_does_nothing(self, d):
        """A retained order comes with each connection: it is known, and no error."""
        text, rollout = self.good_order(d)
        since = d.send(*text)
        time.sleep(1)
        self.assertEqual(d.reports(since), [])
        self.power_cycle(d)
        since = d.send(*text)
        time.sleep(1)
        self.assertEqual([r for r in d.reports(since) if r["state"] != "done"], [])

    def case_replay_of_an_update_order_in_another_envelope(self, d):
        """The same number under a new signature by the same key."""
        _, rollout = self.good_order(d)
        d.seq -= 1
        since = d.send(*d.signed(d.release(), rollout="again"))
        self.assertEqual(d.wait_report(since, 20)["reason"], "replay")

    def case_replay_to_another_device(self, d):
        _, _ = self.good_order(d)
        other = "sensor-099"
        d.seq += 1
        text = d.signed(dev=other)
        since = d.send(*text)
        self.assertEqual(d.wait_report(since, 20)["reason"], "wrong_device")

    def case_replay_of_an_abort(self, d):
        since, body = d.send_verb("abort", rollout="none-1")
        d.wait_report(since, 15, rollout="none-1")
        since, _ = d.send_verb("abort", rollout="none-2")
        d.wait_report(since, 15, rollout="none-2")
        since = d.send_body(body, "abort")
        r = d.wait_report(since, 15, rollout="none-1")
        self.assertEqual((r["state"], r["reason"]), ("rejected", "replay"))

    def config(self, d, interval):
        since, body = d.send_verb("config", set={"interval": interval})
        reply = wait_until("a reply", 15, lambda: d.replies("config", since), every=0.05)[0]
        self.assertTrue(reply["ok"], reply)
        wait_until("status says %d" % interval, 10, lambda: d.status()["interval"] == interval)
        return body

    def case_replay_of_a_config_order(self, d):
        first = self.config(d, 30)
        self.config(d, 40)
        for again in range(2):
            since = d.send_body(first, "config")
            reply = wait_until("a reply", 15, lambda: d.replies("config", since), every=0.05)[0]
            self.assertEqual((reply["ok"], reply["reason"]), (False, "replay"))
            if again == 0:
                self.power_cycle(d)
        self.assertEqual(d.status()["interval"], 40)

    def case_replay_of_a_reboot(self, d):
        """The latest one again gets its first answer and does nothing; an older one is a replay."""
        boot = d.status()["boot"]
        since, body = d.send_verb("reboot")
        wait_until("a new boot", 20, lambda: d.status(since) and d.status()["state"] == "online" and d.status()["boot"] != boot, every=0.05)
        boot = d.status()["boot"]
        since = d.send_body(body, "reboot")
        reply = wait_until("a reply", 15, lambda: d.replies("reboot", since), every=0.05)[0]
        self.assertTrue(reply["ok"], "the first answer, again")
        time.sleep(3)
        self.assertEqual(d.status()["boot"], boot, "and nothing else")

        since, _ = d.send_verb("reboot")
        wait_until("another boot", 20, lambda: d.status(since) and d.status()["state"] == "online" and d.status()["boot"] != boot, every=0.05)
        boot = d.status()["boot"]
        since = d.send_body(body, "reboot")
        reply = wait_until("a reply", 15, lambda: d.replies("reboot", since), every=0.05)[0]
        self.assertEqual((reply["ok"], reply["reason"]), (False, "replay"))
        time.sleep(3)
        self.assertEqual(d.status()["boot"], boot)

    def case_a_number_used_in_one_class_is_free_in_another(self, d):
        self.config(d, 31)
        d.seq -= 1
        since, _ = d.send_verb("abort", rollout="none-3")
        self.assertEqual(d.wait_report(since, 15, rollout="none-3")["reason"], "no_rollout")

    # ---- downgrade
    def case_downgrade_of_a_device_fresh_from_the_factory(self, d):
        """It knows no seq of what it runs: every old signed release would be newer. Version decides."""
        image = os.path.join(self.fleet.dir, "run", "weather-1.4.0.bin")
        d.reflash(image)
        self.assertNotIn("release_seq", d.status())
        before = d.snapshot()
        since = d.send(*d.signed(d.release(version="1.3.0", seq=1, size=self.running["size"], sha256=self.running["image"])))
        self.assertEqual(d.wait_report(since, 20)["reason"], "downgrade")
        self.assertEqual(d.snapshot(), before)
        d.reflash(self.factory_image())

    def case_downgrade_after_a_commit(self, d):
        """Once it was told that what runs is release 7, 6 is a downgrade whatever version it names."""
        text = d.signed(d.release(version="1.3.0", seq=7, size=self.running["size"], sha256=self.running["image"]), rollout="seven-" + d.id)
        since = d.send(*text)
        d.wait_report(since, 20, state="done")
        wait_until("status says 7", 10, lambda: d.status().get("release_seq") == 7)
        since = d.send(*d.signed(d.release(version="9.0.0", seq=6)))
        self.assertEqual(d.wait_report(since, 20)["reason"], "downgrade")
        self.power_cycle(d)
        since = d.send(*d.signed(d.release(version="9.0.0", seq=7)))
        self.assertEqual(d.wait_report(since, 20)["reason"], "downgrade")
        d.reflash(self.factory_image())

    # ---- time
    def test_a_clock_that_is_not_trusted(self):
        """Expiry is not judged then, and nothing older gets in for it."""
        d = self.clockless
        with open(os.path.join(d.home, "board.ini"), "a") as f:
            f.write("\nclock = untrusted\n")
        self.power_cycle(d)
        now = int(time.time())
        old = dict(iat=now - 7200, nbf=now - 7200, exp=now - 3600)
        before = d.snapshot()
        for reason, release, order in (("security_downgrade", dict(security=0), {}), ("downgrade", dict(version="1.2.0", seq=1), {}), ("wrong_device", {}, dict(dev="sensor-099"))):
            since = d.send(*d.signed(d.release(**release), **dict(old, **order)))
            self.assertEqual(d.wait_report(since, 20)["reason"], reason)
        self.assertEqual(d.snapshot(), before)
        release = d.release(version="1.3.0", seq=1, size=self.running["size"], sha256=self.running["image"])
        text = d.signed(release, rollout="late", **old)
        since = d.send(*text)
        r = d.wait_report(since, 20, rollout="late", state={"done", "expired", "rejected"})
        self.assertEqual(r["state"], "done")
        self.assertNotIn("ts", r)
        _, rollout = self.good_order(d)
        self.replayed(d, text, "late")

    # ---- devices that speak for others
    def as_device(self, folder, client_id, **kw):
        pki = os.path.join(self.fleet.dir, "pki")
        return RawMqtt("127.0.0.1", self.fleet.device_port, os.path.join(pki, "ca-bundle.pem"), os.path.join(folder, "device.pem"), os.path.join(folder, "device.key"), client_id, **kw)

    def test_forged_reports_and_status(self):
        """Refused by the broker with reason 135, and heard by nobody."""
        d = self.pool[0]
        since = time.time()
        forged = compact({"rollout": "r-1", "attempt": 1, "state": "done", "reason": "none", "from": "1.3.0", "to": "6.6.6", "boot": "00" * 8, "n": 4000000000})
        raw = self.as_device(self.intruder, "intruder")
        try:
            for topic in ("devices/%s/ota/report", "devices/%s/status", "devices/%s/telemetry/environment", "devices/%s/log", "devices/%s/reply/config",
                          "devices/%s/commands/update", "devices/%s/commands/reboot"):
                self.assertEqual(raw.publish(topic % d.id, forged, retain=True), NOT_AUTHORISED, topic)
            for topic in ("devices/intruder/commands/update", "fleet/rollouts/r-1", "fleet/releases/weather", "$SYS/broker/x", "anything"):
                self.assertEqual(raw.publish(topic, forged), NOT_AUTHORISED, topic)
            self.assertIn(raw.publish("devices/intruder/log", b"info hello"), TAKEN)
        finally:
            raw.close()
        self.ear.caught_up()
        self.assertEqual([t for _, t, b, _ in self.ear.messages("", since) if b"6.6.6" in b], [])

    def test_a_device_hears_no_other_devices_orders(self):
        d = self.pool[1]
        raw = self.as_device(self.intruder, "intruder")
        try:
            for topic in ("#", "devices/#", "devices/%s/commands/#" % d.id):
                raw.subscribe(topic)
            since, _ = d.send_verb("abort", rollout="secret")
            d.wait_report(since, 15, rollout="secret")
            self.assertEqual([t for t in raw.hears(1.5) if not t.startswith("devices/intruder/")], [])
        finally:
            raw.close()

    def test_a_device_cannot_take_anothers_client_id(self):
        """Else it would throw the other one off, or take its session with its orders."""
        d = self.pool[2]
        since, before = time.time(), d.snapshot()
        raw = self.as_device(self.intruder, d.id)
        try:
            raw.publish("devices/intruder/log", b"info hello")
            time.sleep(1)
        finally:
            raw.close()
        self.assertEqual(d.snapshot(), before)
        self.assertEqual([json.loads(b)["state"] for _, _, b, _ in self.ear.messages(d.id + "/status", since)], [])

    def test_a_will_in_anothers_name_is_not_delivered(self):
        d = self.pool[3]
        since = time.time()
        try:
            raw = self.as_device(self.intruder, "intruder", will_topic="devices/%s/status" % d.id)
            raw.close()  # without DISCONNECT: the will is due
        except ConnectionError:
            pass
        time.sleep(1)
        self.ear.caught_up()
        self.assertEqual(self.ear.messages(d.id + "/status", since), [])

    def test_a_device_is_no_operator(self):
        """Its certificate does not open the operators' listener."""
        pki = os.path.join(self.fleet.dir, "pki")
        with self.assertRaises((ConnectionError, ssl.SSLError, OSError)):
            RawMqtt("127.0.0.1", self.fleet.broker_port, os.path.join(pki, "ca-bundle.pem"), os.path.join(self.intruder, "device.pem"),
                    os.path.join(self.intruder, "device.key"), "operator-admin")

    def test_nobody_comes_in_without_a_certificate(self):
        for port in (self.fleet.broker_port, self.fleet.device_port):
            context = ssl.create_default_context(cafile=os.path.join(self.fleet.dir, "pki", "ca-bundle.pem"))
            with self.assertRaises((ConnectionError, ssl.SSLError, OSError)):
                with context.wrap_socket(socket.create_connection(("127.0.0.1", port), 60), server_hostname="127.0.0.1") as s:
                    s.settimeout(60)
                    s.sendall(b"\x10\x10\x00\x04MQTT\x05\x02\x00\x1e\x00\x00\x03abc")
                    if not s.recv(4):
                        raise ConnectionError("closed")


if __name__ == "__main__":
    unittest.main(verbosity=1)
