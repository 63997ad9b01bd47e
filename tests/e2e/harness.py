"""What the end-to-end tests share: a private demo fleet, the muster command, and an MQTT ear and mouth.

Everything runs on 127.0.0.1 on free ports and is stopped by its own pid. A test class derives from FleetTest and says how many
devices it wants; the fleet is started once per class.
"""
import json
import os
import shutil
import signal
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import configparser

import paho.mqtt.client as mqtt

SOURCE = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
sys.path.insert(0, os.path.join(SOURCE, "tests", "support"))
from ports import free_port  # noqa: E402

BUILD = os.environ.get("MUSTER_BUILD", os.path.join(SOURCE, "build", "dev"))
MUSTER = os.path.join(BUILD, "console", "app", "muster")
DEVICE = os.path.join(BUILD, "firmware", "ports", "linux", "muster-device")
IMAGES = os.path.join(BUILD, "firmware", "ports", "linux")

ENDS = {"done", "rejected", "failed", "aborted", "expired", "rolled_back"}


PATIENCE = 120  # s: how fast a loaded machine gets there is no test's business, only that it does


def wait_until(what, seconds, probe, every=0.2):
    """Waits for probe() to be truthy and returns it; fails with the words of `what` and the last value seen. `seconds` is how long it
    should take at most on an idle machine: it is given PATIENCE in any case."""
    seconds = max(seconds, PATIENCE)
    end = time.monotonic() + seconds
    while True:
        value = probe()
        if value:
            return value
        if time.monotonic() >= end:
            raise AssertionError("%s: not within %d s (last: %r)" % (what, seconds, value))
        time.sleep(every)


def running(pid):
    """Whether the process is there and no zombie."""
    try:
        with open("/proc/%d/stat" % pid) as f:
            return f.read().rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def wait_gone(pid):
    wait_until("process %d has ended" % pid, 15, lambda: not running(pid), every=0.02)


def read_text(path):
    with open(path, errors="replace") as f:
        return f.read()


def client_tls(ca, cert=None, key=None):
    context = ssl.create_default_context(cafile=ca)
    if cert:
        context.load_cert_chain(cert, key)
    return context


class Ear:
    """An operator's MQTT connection that keeps every message it hears, with the time it came."""

    def __init__(self, fleet, topics=("devices/#", "fleet/#"), name="operator-admin"):
        self.heard = []
        self.lock = threading.Lock()
        self.client = mqtt.Client(client_id="ear", protocol=mqtt.MQTTv5)
        pki = os.path.join(fleet.dir, "pki")
        self.client.tls_set_context(client_tls(*(os.path.join(pki, file) for file in ("ca-bundle.pem", name + ".pem", name + ".key"))))
        self.connects = 0
        self.subscribed = set()

        def on_connect(client, *_):
            for topic in topics:
                client.subscribe(topic, qos=0)
            self.connects += 1

        def on_message(client, userdata, m):
            with self.lock:
                self.heard.append((time.time(), m.topic, bytes(m.payload), m.retain))

        self.client.on_connect = on_connect
        self.client.on_message = on_message
        self.client.on_subscribe = lambda client, userdata, mid, *_: self.subscribed.add(mid)
        self.client.connect(fleet.broker_host, fleet.broker_port, keepalive=30)
        self.client.loop_start()
        wait_until("the ear is connected", 10, lambda: self.connects, every=0.02)

    def caught_up(self):
        """What the broker had for us by now has been heard: it answers a client in order."""
        for _ in range(2):
            mid = self.client.subscribe("fleet/nothing-is-here", qos=0)[1]
            wait_until("the broker has answered", 10, lambda: mid in self.subscribed, every=0.02)

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
        self.client.publish(topic, body, qos=qos, retain=retain).wait_for_publish(PATIENCE)

    def close(self):
        self.client.disconnect()
        self.client.loop_stop()


class Fleet:
    """scripts/demo --no-console in a folder of its own."""

    def __init__(self, devices, env=None, directory=None):
        self.dir = directory or tempfile.mkdtemp(prefix="muster-e2e.")
        self.count = devices
        environment = dict(os.environ, MUSTER_BUILD=BUILD, **(env or {}))
        self.process = subprocess.Popen(
            [os.path.join(SOURCE, "scripts", "demo"), "--no-console", "--dir", self.dir, "--devices", str(devices)],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment, text=True)
        self.children = []  # started by us: devices whose power came back, services
        self.errors = []
        self.listener = threading.Thread(target=lambda: self.errors.extend(self.process.stderr), daemon=True)
        self.listener.start()
        line = self.process.stdout.readline().strip()
        if line != "ready":
            self.process.wait(PATIENCE)
            self.listener.join(PATIENCE)
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
    def run(self, *args, check=True, timeout=3 * PATIENCE, stdin=None):
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
        path = os.path.join(self.home(device), "device.pid")  # empty for the moment in which it is written
        return int(wait_until("%s has put its pid down" % device, 10, lambda: read_text(path).strip(), every=0.01))

    def kill(self, device, sig=signal.SIGKILL):
        os.kill(self.pid(device), sig)

    def power_off(self, device):
        """SIGKILL, and wait until it is gone."""
        pid = self.pid(device)
        os.kill(pid, signal.SIGKILL)
        wait_gone(pid)

    def start_process(self, argv, log):
        """Stopped with the fleet, unless the test does it before."""
        with open(log, "a") as f:
            p = subprocess.Popen(argv, stdout=f, stderr=f, stdin=subprocess.DEVNULL)
        self.children.append(p)
        return p

    def power_on(self, device):
        """Start a device again, as its power coming back would."""
        return self.start_process([DEVICE, "--dir", self.home(device)], os.path.join(self.home(device), "boot.log"))

    def service_pid(self, name):
        with open(os.path.join(self.dir, "run", name + ".pid")) as f:
            return int(f.read())

    def stop_service(self, name, sig=signal.SIGTERM):
        """Signal it, and wait until it has ended."""
        pid = self.service_pid(name)
        if running(pid):
            os.kill(pid, sig)
        wait_gone(pid)

    def spawn_service(self, name, argv):
        p = self.start_process(argv, os.path.join(self.dir, "run", name + ".log"))
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
        with urllib.request.urlopen("http://%s/metrics" % self.ini["gateway"]["metrics"], timeout=PATIENCE) as answer:
            text = answer.read().decode()
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
        for p in self.children:
            if p.poll() is None:
                p.send_signal(signal.SIGCONT)
                p.terminate()
        for p in self.children:
            p.wait(PATIENCE)
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise
        self.process.stdout.close()
        self.listener.join(PATIENCE)
        self.process.stderr.close()
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
        cls.addClassCleanup(cls.fleet.stop)  # also when setting up goes wrong behind this
        cls.ear = Ear(cls.fleet)
        cls.addClassCleanup(cls.ear.close)

    def orders_left(self):
        """Topics of the orders that lie retained on the broker."""
        late = Ear(self.fleet, topics=("devices/+/commands/#",))
        late.caught_up()
        left = [topic for _, topic, body, _ in late.messages() if body]
        late.close()
        return left

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
