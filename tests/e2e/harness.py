"""What the end-to-end tests share: a private demo fleet, the muster command, and an MQTT ear and mouth.

Everything runs on 127.0.0.1 on free ports and is stopped by its own pid. A test class derives from FleetTest and says how many
devices it wants; the fleet is started once per class.
"""
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import configparser

import paho.mqtt.client as mqtt
from paho.mqtt.properties import Properties
from paho.mqtt.packettypes import PacketTypes

SOURCE = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
BUILD = os.environ.get("MUSTER_BUILD", os.path.join(SOURCE, "build", "dev"))
MUSTER = os.path.join(BUILD, "console", "app", "muster")
DEVICE = os.path.join(BUILD, "firmware", "ports", "linux", "muster-device")
IMAGES = os.path.join(BUILD, "firmware", "ports", "linux")

ENDS = {"done", "rejected", "failed", "aborted", "expired", "rolled_back"}


def wait_until(what, seconds, probe, every=0.2):
    """Waits for probe() to be truthy and returns it; fails with the words of `what` and the last value seen."""
    end = time.monotonic() + seconds
    value = None
    while time.monotonic() < end:
        value = probe()
        if value:
            return value
        time.sleep(every)
    raise AssertionError("%s: not within %d s (last: %r)" % (what, seconds, value))


class Ear:
    """An operator's MQTT connection that keeps every message it hears, with the time it came."""

    def __init__(self, fleet, topics=("devices/#", "fleet/#"), name="operator-admin"):
        self.heard = []
        self.lock = threading.Lock()
        self.client = mqtt.Client(client_id="ear", protocol=mqtt.MQTTv5)
        pki = os.path.join(fleet.dir, "pki")
        self.client.tls_set(os.path.join(pki, "ca-bundle.pem"), os.path.join(pki, name + ".pem"), os.path.join(pki, name + ".key"))
        up = threading.Event()

        def on_connect(client, *_):
            for topic in topics:
                client.subscribe(topic, qos=0)
            up.set()

        def on_message(client, userdata, m):
            with self.lock:
                self.heard.append((time.time(), m.topic, bytes(m.payload), m.retain))

        self.client.on_connect = on_connect
        self.client.on_message = on_message
        self.client.connect(fleet.broker_host, fleet.broker_port, keepalive=30)
        self.client.loop_start()
        if not up.wait(10):
            raise AssertionError("the ear could not connect")

    def messages(self, suffix="", since=0.0):
        with self.lock:
            return [h for h in self.heard if h[1].endswith(suffix) and h[0] >= since]

    def reports(self, device=None):
        """(time heard, device, report) of every OTA report that was not a retained copy."""
        out = []
        for when, topic, body, retain in self.messages("/ota/report"):
            if retain or not body:
                continue
            who = topic.split("/")[1]
            if device in (None, who):
                out.append((when, who, json.loads(body)))
        return out

    def publish(self, topic, body, retain=False, qos=1):
        self.client.publish(topic, body, qos=qos, retain=retain).wait_for_publish(10)

    def close(self):
        self.client.loop_stop()
        self.client.disconnect()


class Fleet:
    """scripts/demo --no-console in a folder of its own."""

    def __init__(self, devices, env=None, directory=None):
        self.dir = directory or tempfile.mkdtemp(prefix="muster-e2e.")
        self.count = devices
        environment = dict(os.environ, MUSTER_BUILD=BUILD, **(env or {}))
        self.process = subprocess.Popen(
            [os.path.join(SOURCE, "scripts", "demo"), "--no-console", "--dir", self.dir, "--devices", str(devices)],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment, text=True)
        self.errors = []
        threading.Thread(target=lambda: self.errors.extend(self.process.stderr), daemon=True).start()
        line = self.process.stdout.readline().strip()
        if line != "ready":
            self.process.wait(30)
            raise AssertionError("the demo did not get ready: %r %s" % (line, "".join(self.errors)))
        self.profile = os.path.join(self.dir, "profile.ini")
        ini = configparser.ConfigParser(inline_comment_prefixes=(";",))
        ini.read(self.profile)
        self.ini = ini
        self.broker_host = ini["broker"]["host"]
        self.broker_port = int(ini["broker"]["port"])  # the operators' listener
        with open(os.path.join(self.dir, "pki", "fleet.json")) as f:
            self.device_port = json.load(f)["broker"]["port"]

    # ---- the command -----------------------------------------------------------------------------------------------
    def run(self, *args, check=True, timeout=60, stdin=None):
        done = subprocess.run([MUSTER, "--profile", self.profile, *args], capture_output=True, text=True, timeout=timeout, input=stdin)
        if check and done.returncode != 0:
            raise AssertionError("muster %s: exit %d\n%s%s" % (" ".join(args), done.returncode, done.stdout, done.stderr))
        return done

    def json(self, *args, **kw):
        return json.loads(self.run(*args, "--json", **kw).stdout)

    def ls(self, text=""):
        return {d["id"]: d for d in self.json(*(["ls", text] if text else ["ls"]))}

    def start(self, release, *args):
        return self.json("rollout", "start", "--release", release, "--yes", *args)["rollout"]

    def show(self, rollout):
        return self.json("rollout", "show", rollout)

    def wait_state(self, rollout, states, seconds=180):
        return wait_until("rollout %s is %s" % (rollout, states), seconds,
                          lambda: (lambda s: s if s["state"] in states else None)(self.show(rollout)), every=0.5)

    # ---- processes -------------------------------------------------------------------------------------------------
    def home(self, device):
        return os.path.join(self.dir, "devices", device)

    def pid(self, device):
        with open(os.path.join(self.home(device), "device.pid")) as f:
            return int(f.read())

    def kill(self, device, sig=signal.SIGKILL):
        os.kill(self.pid(device), sig)

    def power_on(self, device):
        """Start a device again, as its power coming back would."""
        with open(os.path.join(self.home(device), "boot.log"), "a") as log:
            return subprocess.Popen([DEVICE, "--dir", self.home(device)], stdout=log, stderr=log, stdin=subprocess.DEVNULL)

    def service_pid(self, name):
        with open(os.path.join(self.dir, "run", name + ".pid")) as f:
            return int(f.read())

    def spawn_service(self, name, argv):
        with open(os.path.join(self.dir, "run", name + ".log"), "a") as log:
            p = subprocess.Popen(argv, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        with open(os.path.join(self.dir, "run", name + ".pid"), "w") as f:
            f.write(str(p.pid))
        return p

    def start_serve(self):
        return self.spawn_service("serve", [MUSTER, "--profile", self.profile, "serve"])

    def start_gateway(self):
        return self.spawn_service("gateway", [MUSTER, "--profile", self.profile, "gateway"])

    def start_broker(self):
        mosquitto = shutil.which("mosquitto") or "/usr/sbin/mosquitto"
        return self.spawn_service("mosquitto", [mosquitto, "-c", os.path.join(self.dir, "mosquitto", "mosquitto.conf")])

    def metrics(self):
        import urllib.request
        text = urllib.request.urlopen("http://%s/metrics" % self.ini["gateway"]["metrics"], timeout=10).read().decode()
        out = {}
        for line in text.splitlines():
            if line and not line.startswith("#"):
                key, value = line.rsplit(" ", 1)
                out[key] = float(value)
        return out

    def logs(self):
        out = []
        for name in ("serve", "gateway", "mosquitto"):
            path = os.path.join(self.dir, "run", name + ".log")
            if os.path.exists(path):
                with open(path, errors="replace") as f:
                    out.append("--- %s\n%s" % (name, "".join(f.readlines()[-30:])))
        return "\n".join(out)

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise
        if os.environ.get("KEEP"):
            print("kept: " + self.dir, file=sys.stderr)
        else:
            shutil.rmtree(self.dir, ignore_errors=True)


class FleetTest(unittest.TestCase):
    devices = 3
    env = {"DEMO_INTERVAL": "2"}

    @classmethod
    def setUpClass(cls):
        cls.fleet = Fleet(cls.devices, cls.env)
        cls.ear = Ear(cls.fleet)

    @classmethod
    def tearDownClass(cls):
        cls.ear.close()
        cls.fleet.stop()

    def run(self, result=None):
        before = len(result.failures) + len(result.errors) if result else 0
        super().run(result)
        if result and len(result.failures) + len(result.errors) > before:
            print(self.fleet.logs(), file=sys.stderr)


def hash_of(fleet, release):
    """The image digest of product@version in the store."""
    return fleet.json("release", "show", release)["image"]


def main():
    unittest.main(verbosity=2)
