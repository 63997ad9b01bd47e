"""History: what a console knows of the time before it started, and the same in an InfluxDB."""
import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
import unittest
import urllib.error
import urllib.parse
import urllib.request

from harness import MUSTER, PATIENCE, FleetTest, free_port, main, read_text, wait_until
from test_console import Screen


class History(FleetTest):
    devices = 2
    env = {"DEMO_INTERVAL": "1"}

    def open(self):
        s = Screen("muster-e2e-%d-%d" % (os.getpid(), time.monotonic_ns()), "%s --profile %s" % (MUSTER, self.fleet.profile), 100, 30)
        self.addCleanup(s.close)
        return s

    def rows(self, *args):
        done = self.fleet.run("history", "sensor-001", "temp", "--json", *args, check=False)
        return json.loads(done.stdout) if done.returncode == 0 else []

    def values(self):
        return sum(r["count"] for r in self.rows())

    def test_1_the_command_tells_what_was(self):
        begun = time.time()
        rows = wait_until("a batch is written", 20, lambda: self.rows())
        self.assertTrue(all(r["seconds"] == 60 and r["min"] <= r["avg"] <= r["max"] for r in rows))
        self.assertTrue(begun - 180 <= rows[-1]["t"] <= time.time() + 60, rows[-1])
        listed = self.fleet.json("history", "sensor-001")
        self.assertIn("temperature", [r["reading"] for r in listed])
        csv = self.fleet.run("history", "sensor-001", "temperature", "--csv").stdout.splitlines()
        self.assertEqual(csv[0], "time,seconds,count,min,avg,max")
        self.assertEqual(self.fleet.run("history", "sensor-001", "nothing", check=False).returncode, 1)
        self.assertEqual(self.fleet.run("history", check=False).returncode, 2)

    def test_2_kill_9_loses_no_more_than_a_batch(self):
        before = wait_until("some values", 20, lambda: (lambda n: n if n >= 5 else 0)(self.values()))
        self.fleet.stop_service("serve", signal.SIGKILL)
        after = self.values()
        self.assertGreaterEqual(after, before)
        self.fleet.start_serve()
        wait_until("it goes on", 30, lambda: self.values() > after)

    def test_3_a_plot_begins_before_the_console_started(self):
        """All readings of the device lie before the console's own time: it is silent now."""
        wait_until("some values", 60, lambda: self.values() >= 20)
        self.fleet.kill("sensor-001", signal.SIGSTOP)
        try:
            wait_until("its last batch is written", 30, lambda: (lambda a: a if a and time.sleep(7) is None and a == self.values() else 0)(self.values()))
            s = self.open()
            s.shows("sensor-001")
            s.keys("/")
            s.type("id=sensor-001")
            s.keys("Enter", "Enter")
            s.shows("temperature", "last ", "min ", "max ")
            # The plots are read one after the other.
            text = wait_until("each plot has data", 20, lambda: (lambda t: t if "no data in this span" not in t else None)(s.text()))
            kept = self.rows()
            self.assertIn("max %.1f" % max(r["max"] for r in kept), text)
            s.keys("<", "<")
            s.shows(" to ")
        finally:
            self.fleet.kill("sensor-001", signal.SIGCONT)

    def test_4_answers_to_commands_are_known_to_a_console_that_comes_later(self):
        self.fleet.run("device", "identify", "sensor-002", "--yes")
        s = self.open()
        s.shows("sensor-002")
        s.keys("/")
        s.type("id=sensor-002")
        s.keys("Enter", "Enter", "Tab", "Tab")
        s.shows("commands", "identify", "ack")

    def test_5_a_damaged_history_is_put_aside(self):
        path = os.path.join(self.fleet.dir, "muster.db-history")
        self.fleet.stop_service("serve")
        for tail in ("-wal", "-shm"):  # whole pages that are still in there would mend it
            if os.path.exists(path + tail):
                os.unlink(path + tail)
        with open(path, "r+b") as f:
            f.write(b"x" * 8192)
        self.fleet.start_serve()
        wait_until("a new one is written", 30, lambda: self.rows())
        self.assertTrue([n for n in os.listdir(self.fleet.dir) if n.startswith("muster.db-history.damaged-")])
        self.assertIn("damaged", read_text(os.path.join(self.fleet.dir, "run", "serve.log")))


@unittest.skipUnless(shutil.which("influxd"), "no influxd")
class Influx(FleetTest):
    """Debian's InfluxDB 1.6, private."""
    devices = 2
    env = {"DEMO_INTERVAL": "1"}

    @classmethod
    def start_influx(cls):
        config = os.path.join(cls.dir, "influxdb.conf")
        with open(config, "w") as f:
            f.write("""reporting-disabled = true
bind-address = "127.0.0.1:%d"
[meta]
  dir = "%s/meta"
[data]
  dir = "%s/data"
  wal-dir = "%s/wal"
[http]
  bind-address = "127.0.0.1:%d"
""" % (cls.rpc, cls.dir, cls.dir, cls.dir, cls.port))
        with open(os.path.join(cls.dir, "log"), "a") as log:
            cls.influxd = subprocess.Popen(["influxd", "-config", config], stdout=log, stderr=log, stdin=subprocess.DEVNULL,
                                           env=dict(os.environ, HOME=cls.dir))
        wait_until("influxd listens", 60, lambda: cls.answers())

    @classmethod
    def answers(cls):
        try:
            with urllib.request.urlopen("http://127.0.0.1:%d/ping" % cls.port, timeout=5) as answer:
                return answer.status == 204
        except (urllib.error.URLError, OSError):
            return False

    @classmethod
    def stop_influx(cls):
        cls.influxd.send_signal(signal.SIGTERM)
        cls.influxd.wait(PATIENCE)

    @classmethod
    def setUpClass(cls):
        cls.dir = tempfile.mkdtemp(prefix="muster-e2e-influx.")
        cls.addClassCleanup(shutil.rmtree, cls.dir, ignore_errors=True)
        cls.port, cls.rpc = free_port(), free_port()
        cls.start_influx()
        cls.addClassCleanup(lambda: cls.stop_influx())
        cls.query("CREATE DATABASE fleet")
        super().setUpClass()
        with open(cls.fleet.profile, "a") as f:
            f.write("\n[influx]\nurl = http://127.0.0.1:%d\nversion = 1\ndatabase = fleet\ntags = site=ams\n" % cls.port)
        cls.fleet.stop_service("serve")
        cls.fleet.start_serve()

    @classmethod
    def query(cls, text):
        data = urllib.parse.urlencode({"q": text, "db": "fleet", "epoch": "ms"}).encode()
        with urllib.request.urlopen("http://127.0.0.1:%d/query" % cls.port, data, timeout=PATIENCE) as f:
            answer = json.load(f)
        series = answer["results"][0].get("series", [])
        return series[0]["values"] if series else []

    def count(self):
        rows = self.query("SELECT count(temperature) FROM readings WHERE device='sensor-001' AND site='ams'")
        return rows[0][1] if rows else 0

    def test_1_readings_arrive(self):
        wait_until("readings in InfluxDB", 60, lambda: self.count() >= 5)
        row = self.query("SELECT temperature, humidity FROM readings WHERE device='sensor-001' ORDER BY time DESC LIMIT 1")[0]
        self.assertTrue(5 < row[1] < 40 and 0 <= row[2] <= 100, row)
        self.assertLess(abs(row[0] / 1000 - time.time()), 60)

    def test_2_what_came_while_it_was_down_arrives_later(self):
        wait_until("readings in InfluxDB", 60, lambda: self.count() >= 5)
        self.stop_influx()
        down = time.time()
        waiting = os.path.join(self.fleet.dir, "muster.db-influx")
        wait_until("batches wait on disk", 60, lambda: os.path.isdir(waiting) and os.listdir(waiting))

        def heard():
            return self.ear.messages("sensor-001/telemetry/environment", down)
        wait_until("more wait in memory", 20, lambda: len(heard()) >= 5)
        up = time.time()
        time.sleep(3)  # serve has heard them, too
        os.kill(self.fleet.service_pid("serve"), signal.SIGTERM)
        self.start_influx()
        self.fleet.start_serve()
        wait_until("the queue is empty", 90, lambda: not os.listdir(waiting))
        said = [json.loads(body)["ts"] for when, _, body, _ in heard() if when <= up]
        kept = [row[0] / 1000 for row in self.query("SELECT temperature FROM readings WHERE device='sensor-001'")]
        self.assertGreaterEqual(len(said), 5)
        self.assertEqual([ts for ts in said if ts not in kept], [])


if __name__ == "__main__":
    main()
