#!/usr/bin/python3
"""A real Mosquitto with what `muster pki init` wrote: who gets in, and who may write where.

usage: test_broker.py TOOL MOSQUITTO
"""
import json
import os
import pathlib
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import time
import unittest

import paho.mqtt.client as mqtt
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "support"))
from ports import free_port  # noqa: E402

TOOL, MOSQUITTO = sys.argv[1], sys.argv[2]


def tool(*args, want=0):
    done = subprocess.run([TOOL, *map(str, args)], capture_output=True, text=True)
    if done.returncode != want:
        raise AssertionError(f"{args}: exit {done.returncode}, not {want}: {done.stderr}")
    return done.stdout + done.stderr


class Client:
    """An MQTT 5 client by certificate, driven by hand."""

    def __init__(self, ident, cert, key, ca, port):
        self.log = []
        self.c = mqtt.Client(client_id=ident, protocol=mqtt.MQTTv5)
        context = ssl.create_default_context(cafile=ca)
        if cert:
            context.load_cert_chain(cert, key)
        self.c.tls_set_context(context)
        self.c.on_connect = lambda c, u, flags, rc, props: self.log.append(("connect", rc.value))
        self.c.on_publish = lambda c, u, mid: self.log.append(("sent", mid))
        self.c.on_message = lambda c, u, m: self.log.append(("got", m.topic))
        self.c.on_subscribe = lambda c, u, mid, codes, props: self.log.append(("sub", [r.value for r in codes]))
        self.port = port

    def connect(self):
        self.c.connect("127.0.0.1", self.port, clean_start=True)
        return self.wait("connect")

    def wait(self, kind, seconds=60):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            for item in self.log:
                if item[0] == kind:
                    self.log.remove(item)
                    return item[1]
            if self.c.loop(0.05) != mqtt.MQTT_ERR_SUCCESS:
                return None
        return None

    def close(self):
        self.c.disconnect()
        self.c.loop(0.05)


def puback_reason(client, topic):
    """The reason code of the broker's PUBACK: paho 1.x does not hand it on, so read it from its log."""
    reasons = []
    original = client.c._handle_pubackcomp

    def spy(cmd):
        packet = bytes(client.c._in_packet["packet"])
        reasons.append(packet[2] if len(packet) > 2 else 0)
        return original(cmd)

    client.c._handle_pubackcomp = spy
    client.c.publish(topic, b"x", qos=1)
    end = time.monotonic() + 60
    while not reasons and time.monotonic() < end:
        client.c.loop(0.05)
    client.c._handle_pubackcomp = original
    return reasons[0] if reasons else None


class Broker(unittest.TestCase):
    @classmethod
    def make(cls):
        cls.dir = tempfile.mkdtemp(prefix="muster pki ")  # with a space: paths are quoted nowhere
        cls.port = free_port()
        cls.operator_port = free_port()
        tool("pki", "init", "--dir", cls.dir, "--fleet", "test", "--broker-port", cls.port,
             "--operator-port", cls.operator_port, "--source", "sensors/#")
        tool("pki", "device", "sensor-001", "sensor-002", "--dir", cls.dir)

    @classmethod
    def comes_up(cls):
        """By its own word, as what answers on the port may be another's; false when it has ended."""
        with open(cls.dir + "/log", "w") as log:
            cls.broker = subprocess.Popen([MOSQUITTO, "-c", cls.dir + "/mosquitto/mosquitto.conf"],
                                          stdout=subprocess.DEVNULL, stderr=log)
        end = time.monotonic() + 120
        while time.monotonic() < end:
            if " running" in cls.said():
                return True
            if cls.broker.poll() is not None:
                return False
            time.sleep(0.05)
        raise AssertionError("mosquitto neither runs nor ends: " + cls.said())

    @classmethod
    def said(cls):
        return pathlib.Path(cls.dir, "log").read_text()

    @classmethod
    def setUpClass(cls):
        for _ in range(20):
            cls.make()
            if cls.comes_up():
                return
            said = cls.said()
            shutil.rmtree(cls.dir)
            if "Address already in use" not in said:  # else somebody was quicker with a port
                break
        raise AssertionError("mosquitto did not start: " + said)

    @classmethod
    def tearDownClass(cls):
        cls.broker.terminate()
        cls.broker.wait(60)
        shutil.rmtree(cls.dir)

    def device(self, ident, connect_as=None):
        at = f"{self.dir}/devices/{ident}/"
        return Client(connect_as or ident, at + "device.pem", at + "device.key", self.dir + "/pki/root.pem", self.port)

    def operator(self, name="admin"):
        at = f"{self.dir}/pki/operator-{name}"
        return Client("", at + ".pem", at + ".key", self.dir + "/pki/ca-bundle.pem", self.operator_port)

    def test_a_device_connects_and_writes_its_own_topics(self):
        d = self.device("sensor-001")
        self.assertEqual(d.connect(), 0)
        for topic in ("status", "telemetry/env", "log", "ota/report", "reply/reboot"):
            self.assertEqual(puback_reason(d, "devices/sensor-001/" + topic) & 0x80, 0, topic)
        self.assertEqual(puback_reason(d, "sensors") & 0x80, 0)
        d.close()

    def test_a_device_can_not_write_for_another_or_command_itself(self):
        d = self.device("sensor-001")
        self.assertEqual(d.connect(), 0)
        for topic in ("devices/sensor-002/status", "devices/sensor-001/commands/reboot", "fleet/rollouts/r",
                      "devices/sensor-001/other"):
            self.assertEqual(puback_reason(d, topic), 135, topic)
        d.close()

    def test_a_client_without_certificate_is_refused(self):
        with self.assertRaises((ssl.SSLError, OSError)):
            c = Client("sensor-001", None, None, self.dir + "/pki/root.pem", self.port)
            if c.connect() is None:  # TLS 1.3: the alert comes with the first read
                raise OSError("refused")

    def test_a_certificate_of_another_authority_is_refused(self):
        with tempfile.TemporaryDirectory() as other:
            tool("pki", "init", "--dir", other, "--fleet", "test")
            tool("pki", "device", "sensor-001", "--dir", other)
            at = other + "/devices/sensor-001/"
            with self.assertRaises((ssl.SSLError, OSError)):
                c = Client("sensor-001", at + "device.pem", at + "device.key", self.dir + "/pki/root.pem", self.port)
                if c.connect() is None:
                    raise OSError("refused")

    def test_the_certificate_is_the_identity_whatever_the_client_id_says(self):
        d = self.device("sensor-001", connect_as="sensor-002")
        self.assertEqual(d.connect(), 0)
        self.assertEqual(puback_reason(d, "devices/sensor-002/status"), 135)
        self.assertEqual(puback_reason(d, "devices/sensor-001/status") & 0x80, 0)
        d.close()

    def test_an_operator_commands_and_the_device_hears_it(self):
        d, o = self.device("sensor-002"), self.operator()
        self.assertEqual((d.connect(), o.connect()), (0, 0))
        d.c.subscribe("#", 1)
        d.wait("sub")
        self.assertEqual(puback_reason(o, "devices/sensor-002/commands/reboot") & 0x80, 0)
        self.assertEqual(puback_reason(o, "devices/sensor-001/commands/reboot") & 0x80, 0)
        self.assertEqual(puback_reason(o, "devices/sensor-002/status"), 135)
        self.assertEqual(d.wait("got"), "devices/sensor-002/commands/reboot")
        self.assertIsNone(d.wait("got", 0.5))
        d.close()
        o.close()

    def test_an_operator_may_be_connected_twice_and_a_device_not_at_all_there(self):
        a, b = self.operator(), self.operator()
        self.assertEqual((a.connect(), b.connect()), (0, 0))
        self.assertEqual(puback_reason(a, "devices/sensor-001/commands/reboot") & 0x80, 0)
        self.assertEqual(puback_reason(b, "devices/sensor-001/commands/reboot") & 0x80, 0)
        a.close()
        b.close()
        at = f"{self.dir}/devices/sensor-001/"
        with self.assertRaises((ssl.SSLError, OSError)):
            d = Client("x", at + "device.pem", at + "device.key", self.dir + "/pki/root.pem", self.operator_port)
            if d.connect() is None:
                raise OSError("refused")

    def test_a_new_operator_is_let_in_after_a_sighup(self):
        tool("pki", "operator", "eve", "--dir", self.dir)
        self.broker.send_signal(1)
        o, d = self.operator("eve"), self.device("sensor-001")
        self.assertEqual((o.connect(), d.connect()), (0, 0))
        end = time.monotonic() + 60
        while puback_reason(o, "devices/sensor-002/commands/reboot") & 0x80:
            self.assertLess(time.monotonic(), end, "never let in")
            time.sleep(0.1)
        self.assertEqual(puback_reason(d, "devices/sensor-002/status"), 135)
        o.close()
        d.close()

    def test_old_tls_and_cbc_are_refused(self):
        for setting in (["-tls1_1"], ["-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-SHA256"]):
            done = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{self.port}", *setting],
                                  stdin=subprocess.DEVNULL, capture_output=True, text=True)
            self.assertIn("Cipher is (NONE)", done.stdout, setting)

    def test_openssl_accepts_every_chain_and_its_purpose(self):
        pki = pathlib.Path(self.dir, "pki")
        dev = pathlib.Path(self.dir, "devices", "sensor-001")
        good = [("sslserver", pki / "broker.pem"), ("sslserver", pki / "gateway.pem"), ("sslclient", dev / "device.pem")]
        bad = [("sslserver", dev / "device.pem"), ("sslclient", pki / "broker.pem"), ("sslclient", pki / "operator-admin.pem")]
        for want, rows in ((0, good), (2, bad)):
            for purpose, cert in rows:
                rc = subprocess.run(["openssl", "verify", "-x509_strict", "-crl_check_all", "-CRLfile", pki / "crls.pem",
                                     "-CAfile", pki / "root.pem", "-untrusted", pki / "intermediate.pem",
                                     "-purpose", purpose, cert], capture_output=True).returncode
                self.assertEqual(rc, want, (purpose, cert.name))

    def test_the_broker_answers_to_localhost_and_its_addresses(self):
        for name in ("localhost", "127.0.0.1"):
            context = ssl.create_default_context(cafile=self.dir + "/pki/root.pem")
            at = self.dir + "/devices/sensor-001/"
            context.load_cert_chain(at + "device.pem", at + "device.key")
            with context.wrap_socket(socket.create_connection(("127.0.0.1", self.port)), server_hostname=name) as s:
                self.assertIn(s.version(), ("TLSv1.2", "TLSv1.3"))

    def test_show_lists_what_was_issued(self):
        shown = json.loads(subprocess.run([TOOL, "--json", "pki", "show", "--dir", self.dir], capture_output=True,
                                          text=True, check=True).stdout)
        use = {c["cn"]: c["use"] for c in shown}
        self.assertEqual(use["sensor-001"], "device")
        self.assertEqual(use["broker"], "server")
        self.assertEqual(use["operator-admin"], "operator")
        self.assertEqual(use["test root CA"], "authority")
        days = {c["cn"]: c["days_left"] for c in shown}
        self.assertLessEqual(days["sensor-001"], 365)

    def test_private_files_are_private(self):
        for path in pathlib.Path(self.dir).rglob("*"):
            if path.is_file() and (path.suffix == ".key" or path.name == "nvs.csv"):
                self.assertEqual(path.stat().st_mode & 0o777, 0o600, path)
        self.assertEqual(os.stat(self.dir + "/pki/keys").st_mode & 0o777, 0o700)

    def test_the_examples_in_deploy_are_what_init_writes(self):
        deploy = pathlib.Path(__file__).parents[3] / "deploy" / "mosquitto"
        with tempfile.TemporaryDirectory() as made:
            tool("pki", "init", "--dir", made, "--fleet", "home", "--broker-host", "mqtt.example.org",
                 "--gateway-host", "gw.example.org")
            conf = pathlib.Path(made, "mosquitto", "mosquitto.conf").read_text().replace(made, "/etc/muster")
            acl = pathlib.Path(made, "mosquitto", "acl").read_text()
        lines = ["user mosquitto" if line.startswith("user ") else line for line in conf.splitlines()]
        self.assertEqual((deploy / "mosquitto.conf").read_text().splitlines(), lines)
        self.assertEqual((deploy / "acl").read_text(), acl)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
