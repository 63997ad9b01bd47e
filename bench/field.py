"""A fleet of muster-swarm in a folder of its own: CA, broker, gateway, releases, engine. What bench/peak, bench/storm, bench/soak and
the swarm's end-to-end test share.

Everything listens on free ports of 127.0.0.1 and is stopped by its own pid.
"""
import json
import os
import random
import re
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request

SOURCE = os.path.abspath(os.path.join(os.path.dirname(__file__), ".."))


def build_folder():
    return os.environ.get("MUSTER_BUILD", os.path.join(SOURCE, "build", "release"))


def build_release(targets):
    """Unless MUSTER_BUILD names a build folder. From here on SIGTERM ends in order, with what was started."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    if "MUSTER_BUILD" in os.environ:
        return
    for command in (["cmake", "--preset", "release"], ["cmake", "--build", "--preset", "release", "--target", *targets]):
        done = subprocess.run(command, cwd=SOURCE, capture_output=True, text=True)
        if done.returncode != 0:
            sys.exit("the build failed\n" + done.stdout[-3000:] + done.stderr[-1000:])


def free_ports(count):
    """Below those that the kernel gives to outgoing connections: nobody gets one by chance before we listen."""
    socks = []
    while len(socks) < count:
        s = socket.socket()
        try:
            s.bind(("127.0.0.1", random.randrange(20000, 32000)))
            socks.append(s)
        except OSError:
            s.close()
    ports = [s.getsockname()[1] for s in socks]
    for s in socks:
        s.close()
    return ports


def wait_until(what, seconds, probe, every=0.1):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value = probe()
        if value:
            return value
        time.sleep(every)
    raise SystemExit("%s: not within %d s" % (what, seconds))


def listens(port):
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
        return True
    except OSError:
        return False


class Swarm:
    """A running muster-swarm; say() speaks to it by its standard input."""

    def __init__(self, argv, log, seconds):
        self.log = open(log, "a")
        self.process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.log, text=True, bufsize=1)
        self.line("ready", seconds)

    def line(self, what, seconds):
        if not select.select([self.process.stdout], [], [], seconds)[0]:
            raise SystemExit("muster-swarm: no %s within %d s; see %s" % (what, seconds, self.log.name))
        text = self.process.stdout.readline().strip()
        if not text or (what == "ready" and text != "ready"):
            raise SystemExit("muster-swarm ended; see %s" % self.log.name)
        return text

    def say(self, command):
        self.process.stdin.write(command + "\n")
        return self.line("answer to " + command, 120)

    def counts(self):
        return json.loads(self.say("counts"))

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        out, _ = self.process.communicate(timeout=120)
        if self.process.returncode != 0:
            raise SystemExit("muster-swarm: exit %d; see %s" % (self.process.returncode, self.log.name))
        return json.loads(out.strip().splitlines()[-1])

    def close(self):
        for stream in (self.log, self.process.stdin, self.process.stdout):
            stream.close()


class Field:
    def __init__(self, devices, gateway=(), directory=None, settings=()):
        self.build = build_folder()
        self.muster = os.path.join(self.build, "console", "app", "muster")
        self.program = os.path.join(self.build, "firmware", "ports", "swarm", "muster-swarm")
        # In memory where there is room: certificates are written with care, and the disk would be what is measured.
        memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
        self.dir = directory or tempfile.mkdtemp(prefix="muster-swarm.", dir=memory)
        self.keep = directory is not None
        self.profile = os.path.join(self.dir, "profile.ini")
        self.devices = devices
        self.children = {}
        self.swarms = []
        ports = dict(zip(("broker", "operator", "gateway", "metrics"), free_ports(4)))
        self.operator_port = ports["operator"]
        self.metrics_port, self.gateway_port, self.broker_port = ports["metrics"], ports["gateway"], ports["broker"]
        self.run("pki", "init", "--dir", self.dir, "--fleet", "swarm", "--broker-host", "127.0.0.1", "--gateway-host", "127.0.0.1",
                 *["%s=%d" % ("--%s-port" % name, port) for name, port in ports.items()], "-q", profile=False)
        self.gateway_settings(gateway)
        if devices:
            self.make_certificates(devices, settings)

    def make_certificates(self, devices, settings):
        start = time.monotonic()
        sets = [w for s in ("clock=trusted", "interval=3600", "product=weather", "hw=linux", "sensors=bme280", *settings) for w in ("--set", s)]
        self.run("pki", "device", "--count", str(devices), "--out", os.path.join(self.dir, "swarm"), *sets, "-q")
        self.certificates_s = time.monotonic() - start

    def gateway_settings(self, lines):
        """key=value, replacing what the profile has."""
        with open(self.profile) as f:
            text = f.read()
        for line in lines:
            key = line.split("=")[0].strip()
            text = re.sub(r"(?m)^%s *=.*\n" % key, "", text)
            text = text.replace("[gateway]\n", "[gateway]\n%s\n" % line)
        with open(self.profile, "w") as f:
            f.write(text)

    def run(self, *args, profile=True, check=True, timeout=600):
        command = [self.muster, *(["--profile", self.profile] if profile else []), *args]
        done = subprocess.run(command, capture_output=True, text=True, timeout=timeout)
        if check and done.returncode != 0:
            raise SystemExit("muster %s: exit %d\n%s%s" % (" ".join(args), done.returncode, done.stdout, done.stderr))
        return done

    def json(self, *args):
        return json.loads(self.run(*args, "--json").stdout)

    def release(self, version, size=16384, bad=None):
        elf = os.path.join(self.dir, "weather-%s.elf" % version)
        subprocess.run([self.program, "--image", elf, "--version", version, "--size", str(size), *(["--bad", bad] if bad else [])], check=True)
        return self.publish(elf, version)

    def publish(self, elf, version, hw=()):
        """Builds, signs and publishes an image; "weather@VERSION"."""
        base = os.path.join(self.dir, "weather-%s" % version)
        self.run("release", "build", "--elf", elf, "--product", "weather", "--hw", "linux", "--version", version, "-o", base + ".bin", "-q")
        self.run("release", "sign", base + ".bin", *[w for h in hw for w in ("--hw", h)], "-q")
        self.run("release", "publish", base + ".bin", "-q")
        return "weather@" + version

    # ---- processes ----------------------------------------------------------------------------------------------------
    def spawn(self, name, argv):
        with open(os.path.join(self.dir, name + ".log"), "a") as log:
            self.children[name] = subprocess.Popen(argv, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        return self.children[name]

    def end(self, name, sig=signal.SIGTERM):
        child = self.children.pop(name)
        child.send_signal(sig)
        child.wait(120)

    def start_broker(self):
        program = shutil.which("mosquitto", path=os.environ["PATH"] + ":/usr/sbin")
        if not program:
            raise SystemExit("mosquitto is not installed: run scripts/setup")
        self.spawn("mosquitto", [program, "-c", os.path.join(self.dir, "mosquitto", "mosquitto.conf")])
        wait_until("the broker listens", 120, lambda: listens(self.broker_port))

    def start_gateway(self, *args):
        self.spawn("gateway", [self.muster, "--profile", self.profile, "gateway", *args])
        wait_until("the gateway listens", 120, lambda: listens(self.gateway_port))

    def start_serve(self):
        return self.spawn("serve", [self.muster, "--profile", self.profile, "serve"])

    def start_swarm(self, *args, count=None, seconds=300):
        argv = [self.program, "-n", str(count or self.devices), "--profile", self.profile, *map(str, args)]
        swarm = Swarm(argv, os.path.join(self.dir, "swarm.log"), seconds)
        self.swarms.append(swarm)
        return swarm

    def metrics(self):
        with urllib.request.urlopen("http://127.0.0.1:%d/metrics" % self.metrics_port, timeout=60) as answer:
            text = answer.read().decode()
        pairs = (line.rsplit(" ", 1) for line in text.splitlines() if line and not line.startswith("#"))
        return {key: float(value) for key, value in pairs}

    def logs(self):
        out = []
        for name in sorted(os.listdir(self.dir)):
            if name.endswith(".log"):
                with open(os.path.join(self.dir, name), errors="replace") as f:
                    out.append("--- %s\n%s" % (name, "".join(f.readlines()[-15:])))
        return "\n".join(out)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for swarm in self.swarms:
            if swarm.process.poll() is None:
                swarm.stop()
            swarm.close()
        for name in list(self.children):
            self.end(name)
        if not self.keep and not os.environ.get("KEEP"):
            shutil.rmtree(self.dir, ignore_errors=True)
