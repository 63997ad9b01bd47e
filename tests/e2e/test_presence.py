"""Devices online in `muster ls --json`; a killed one goes offline by its will; a frozen one goes stale; strangers are welcome."""
import json
import os
import signal
import time

import paho.mqtt.client as mqtt

from harness import FleetTest, client_tls, main, wait_until


class Presence(FleetTest):
    devices = 3

    def stranger(self, name):
        """Somebody else's device: a certificate of its own, none of our firmware."""
        home = os.path.join(self.fleet.dir, "strangers", name)
        self.fleet.run("pki", "device", name, "--out", home)
        c = mqtt.Client(client_id=name, protocol=mqtt.MQTTv5)
        c.tls_set_context(client_tls(os.path.join(self.fleet.dir, "pki", "ca-bundle.pem"), os.path.join(home, "device.pem"), os.path.join(home, "device.key")))
        c.connect(self.fleet.broker_host, self.fleet.device_port)
        c.loop_start()
        self.addCleanup(c.loop_stop)
        self.addCleanup(c.disconnect)  # the first of the two: the last one added
        return c

    def test_1_every_device_is_listed_with_version_readings_and_age(self):
        def settled():
            d = self.fleet.ls()
            ok = [x for x in d.values() if x["state"] == "ok" and "temperature" in x["readings"]]
            return d if len(ok) == 3 else None
        begun = time.time()
        listed = wait_until("three devices with readings", 30, settled, every=0.5)
        for name, d in listed.items():
            self.assertEqual(d["fw"], "1.3.0")
            self.assertEqual(d["product"], "weather")
            self.assertTrue(-40 < d["readings"]["temperature"] < 60, d)
            self.assertTrue(begun - 10 <= d["last_seen"] <= time.time() + 1, d)
        self.assertIn("co2", listed["sensor-001"]["readings"])

    def test_2_a_killed_device_turns_offline_by_its_will(self):
        self.fleet.power_off("sensor-002")
        wait_until("sensor-002 offline", 15, lambda: self.fleet.ls()["sensor-002"]["state"] == "offline")
        self.ear.caught_up()
        body = [b for _, t, b, _ in self.ear.messages("sensor-002/status")][-1]
        self.assertEqual(json.loads(body)["state"], "offline")

        self.fleet.power_on("sensor-002")
        wait_until("sensor-002 back", 30, lambda: self.fleet.ls()["sensor-002"]["state"] == "ok", every=1)

    def test_3_a_frozen_device_turns_stale(self):
        self.fleet.kill("sensor-003", signal.SIGSTOP)
        try:
            def stale():
                watch = self.fleet.run("ls", "state:stale", "--json", "--settle", "8")  # more than 3 x its interval of 2 s
                return [d["id"] for d in json.loads(watch.stdout)]
            wait_until("it is stale, and no other", 30, lambda: stale() == ["sensor-003"])
        finally:
            self.fleet.kill("sensor-003", signal.SIGCONT)
        wait_until("sensor-003 thawed", 30, lambda: self.fleet.ls()["sensor-003"]["state"] == "ok", every=1)

    def test_4_other_peoples_devices_are_rows_too(self):
        # An operator may not write there: a stranger has a certificate of its own.
        c = self.stranger("x")
        c.publish("devices/x/status", "online", qos=1, retain=True).wait_for_publish(60)

        def seen():
            c.publish("devices/x/telemetry/environment", '{"device":"x","temp":22.5,"hum":55.0,"uptime":123}', qos=1)
            d = self.fleet.ls("x").get("x")
            return d if d and d["readings"].get("temperature") == 22.5 else None
        row = wait_until("x with readings", 20, seen, every=1)
        self.assertEqual(row["readings"]["humidity"], 55.0)
        self.assertEqual(row["state"], "ok")

    def test_4b_the_flat_topic_of_firmware_already_in_the_field(self):
        c = self.stranger("field-unit")
        line = "weather,location=outdoor,firmware=0.1.3 temperature=21.53,humidity=44.10,pressure=101325.00"
        quoted = '{"location": "cellar","firmware": "0.1.3", "temperature": "12.50", "humidity": "70.10"}'

        def seen():
            c.publish("sensors", line, qos=1)
            c.publish("sensors", quoted, qos=1)
            c.publish("sensors", quoted.replace("cellar", "attic") + line.replace("outdoor", "attic"), qos=1)
            d = self.fleet.ls()
            return d if {"outdoor", "cellar", "attic"} <= set(d) and d["outdoor"]["readings"] and d["cellar"]["readings"] else None
        rows = wait_until("rows by location", 20, seen, every=1)
        self.assertEqual(rows["outdoor"]["readings"], {"temperature": 21.53, "humidity": 44.1, "pressure": 101325.0})
        self.assertEqual(rows["outdoor"]["fw"], "0.1.3")
        self.assertEqual(rows["cellar"]["readings"]["temperature"], 12.5)

    def test_5_hostile_payloads_neither_crash_nor_reach_the_terminal(self):
        c = self.stranger("hostile")
        evil = [b"\x1b[2J\x1b]0;pwned\x07", b"\xff\xfe\x80" * 100, b"[" * 20000, b'{"a":' * 5000, b"A" * 250000,
                b'{"temp":1e999,"hum":NaN}', b'{"\x1b[31m":1}', b"", b'{"temp":"\x9b2J"}', b"x" * 4097]
        for body in evil:
            for topic in ("status", "telemetry/environment", "log", "ota/report", "reply/config"):
                c.publish("devices/hostile/" + topic, body, qos=1, retain=topic == "status")
        c.publish("devices/hostile/status", '{"state":"online","fw":"\\u001b[31m1.0"}', qos=1, retain=True).wait_for_publish(60)
        out = self.fleet.run("ls")
        self.assertIn("hostile", out.stdout)
        self.assertNotIn("\x1b", self.fleet.run("ls", "--no-color").stdout)
        tail = self.fleet.run("tail", "hostile", "--for", "1", "--no-color")
        self.assertNotIn("\x1b", tail.stdout)
        self.assertTrue(os.path.exists("/proc/%d" % self.fleet.service_pid("serve")))


if __name__ == "__main__":
    main()
