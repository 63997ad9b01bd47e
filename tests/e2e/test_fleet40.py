"""Forty real devices through the life of a fleet: an abort in mid-download; three stages with a capped group, a window that closes and
opens, and an engine that is killed twice; a release that fails on one hardware revision only. Each end is compared with what the same
reducer makes of the same fleet on a virtual clock (fleet_twin).
"""
import concurrent.futures
import json
import os
import signal
import subprocess
import sys
import time
import unittest

from harness import BUILD, DEVICE, IMAGES, MUSTER, PATIENCE, SOURCE, Ear, wait_until
from test_console import Screen

sys.path.insert(0, os.path.join(SOURCE, "bench"))
import field  # noqa: E402

COUNT = 40
TWIN = os.path.join(BUILD, "tests", "unit", "rollout", "fleet_twin")
IDS = ["sensor-%03d" % (i + 1) for i in range(COUNT)]
HW = {name: "linux-b" if i % 4 == 3 else "linux" for i, name in enumerate(IDS)}  # ten of revision b
SITE = {name: "site:berlin" if i % 3 == 0 else None for i, name in enumerate(IDS)}  # fourteen at one site, the rest anywhere
SLOW = 60000  # bytes per second and download: an image takes some seconds
CREEP = 8000  # and here half a minute, so that there is a middle to hit on a loaded machine, too


class Fleet40(field.Field):
    """The servers of a field, and real device processes instead of a swarm."""

    def __init__(self):
        os.environ["MUSTER_BUILD"] = BUILD
        super().__init__(0, gateway=["max_downloads = 40", "rate = %d" % SLOW])
        self.broker_host = "127.0.0.1"
        self.broker_port, self.device_port = self.operator_port, self.broker_port  # as Ear wants it
        self.processes = {}
        self.serves = []

    def start(self):
        for version, program in (("1.3.0", "1.3.0"), ("1.4.0", "1.4.0"), ("1.6.0", "1.6.0-revb")):
            self.publish(os.path.join(IMAGES, "weather-" + program), version, ("linux", "linux-b"))
        self.spawn("mosquitto", ["/usr/sbin/mosquitto", "-c", os.path.join(self.dir, "mosquitto", "mosquitto.conf")])
        field.wait_until("the broker listens", 20, lambda: field.listens(self.device_port))
        self.start_gateway("--rate", str(CREEP))
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            list(pool.map(self.start_device, IDS))
        self.lead()
        wait_until("all are online", 120, lambda: len(self.ls("not state:offline and product:weather")) == COUNT, every=0.5)

    def start_device(self, name):
        home = os.path.join(self.dir, "devices", name)
        groups = ",".join(g for g in (SITE[name], "outdoor") if g)
        sets = ["clock=trusted", "interval=10", "spread=2", "product=weather", "sensors=bme280", "hw=" + HW[name], "groups=" + groups]
        self.run("pki", "device", name, "--out", home, *[w for s in sets for w in ("--set", s)], "-q")
        with open(os.path.join(home, "board.ini"), "w") as f:
            f.write("seed = %d\nchips = bme280\n" % (IDS.index(name) + 1))
        subprocess.run([DEVICE, "--dir", home, "--flash", "--image", os.path.join(self.dir, "weather-1.3.0.bin"), "--nvs", os.path.join(home, "nvs.csv")],
                       check=True, capture_output=True)
        with open(os.path.join(home, "boot.log"), "a") as log:
            self.processes[name] = subprocess.Popen([DEVICE, "--dir", home], stdout=log, stderr=log, stdin=subprocess.DEVNULL)

    def lead(self):
        """One more `muster serve`: it leads, or waits until nobody does."""
        self.serves.append(self.spawn("serve%d" % len(self.serves), [MUSTER, "--profile", self.profile, "serve"]))

    def ls(self, text):
        return {d["id"]: d for d in self.json("ls", text)}

    def show(self, rollout):
        return self.json("rollout", "show", rollout)

    def states(self, rollout):
        shown = self.show(rollout)
        return {d["id"]: d["state"] for d in shown["devices"]}

    def wait_state(self, rollout, states, seconds):
        return wait_until("rollout %s is %s" % (rollout, states), seconds,
                          lambda: (lambda s: s if s["state"] in states else None)(self.show(rollout)), every=0.5)

    def stop(self):
        for p in self.processes.values():
            p.send_signal(signal.SIGTERM)
        for p in self.processes.values():
            p.wait(PATIENCE)
        for name in list(self.children):
            if self.children[name].poll() is not None:
                del self.children[name]  # killed on purpose
        self.__exit__()


class Fleet(unittest.TestCase):
    """In this order: each finds the fleet as the one before left it."""

    @classmethod
    def setUpClass(cls):
        cls.fleet = Fleet40()
        cls.addClassCleanup(cls.fleet.stop)
        try:
            cls.fleet.start()
            cls.ear = Ear(cls.fleet)
        except BaseException:
            print(cls.fleet.logs(), file=sys.stderr)
            raise
        cls.addClassCleanup(cls.ear.close)

    def run(self, result=None):
        before = len(result.failures) + len(result.errors)
        super().run(result)
        if len(result.failures) + len(result.errors) > before:
            print(self.fleet.logs(), file=sys.stderr)

    def plan(self, release, **more):
        plan = {"release": release, "target": "product:weather", "trial": 2, "max_offline": 0, "retry_after": 1, **more}
        path = os.path.join(self.fleet.dir, "plan-%s.json" % release.split("@")[1])
        with open(path, "w") as f:
            json.dump(plan, f)
        return path

    def begin(self, path):
        return self.fleet.json("rollout", "start", path, "--yes")["rollout"]

    def twin(self, path, rollout, fw, bad=(), *more):
        """What the pure reducer makes of the same: state, stages, and (stage, state, reason) of each device."""
        lines = ["%s %s %s %s %s" % (name, HW[name], fw, ",".join(g for g in (SITE[name], "outdoor") if g), "bad" if name in bad else "good") for name in IDS]
        done = subprocess.run([TWIN, path, rollout, str(int(time.time())), *more], input="\n".join(lines), capture_output=True, text=True, timeout=PATIENCE)
        self.assertEqual(done.returncode, 0, done.stderr)
        words = [line.split() for line in done.stdout.splitlines()]
        return (next(w[1] for w in words if w[0] == "rollout"), [w[1] for w in words if w[0] == "stage"],
                {w[1]: (int(w[2]), w[3], w[4]) for w in words if w[0] == "device"})

    def assert_twins(self, shown, twin):
        state, stages, devices = twin
        self.assertEqual({d["id"]: (d["stage"], d["state"], d["reason"]) for d in shown["devices"]}, devices)
        self.assertEqual([s["state"] for s in shown["stages"]], stages)
        self.assertEqual(shown["state"], state)

    def said(self, state, since):
        return {who for when, who, r in self.ear.reports() if r["state"] == state and when >= since}

    # ---- an abort in mid-download -------------------------------------------------------------------------------------
    def test_1_an_abort_in_mid_download_stops_everybody_before_the_switch(self):
        cap = 15
        path = self.plan("weather@1.4.0", jitter=0, in_flight=cap, stages=[{"name": "all", "percent": 100, "soak": 1}])
        since = time.time()
        rollout = self.begin(path)
        wait_until("as many as may are downloading", 60, lambda: len(self.said("downloading", since)) == cap)

        self.fleet.run("rollout", "abort", rollout, "--yes")
        shown = self.fleet.wait_state(rollout, {"aborted", "done"}, 60)

        self.assert_twins(shown, self.twin(path, rollout, "1.3.0", (), "abort=%d" % cap))
        self.assertEqual(len([d for d in shown["devices"] if d["state"] == "aborted" and d["ota"] == "aborted"]), cap, "all acknowledged")
        self.assertEqual(self.said("rebooting", since), set())
        after = Ear(self.fleet, topics=("devices/+/commands/#",))
        after.caught_up()
        left = [t for _, t, body, _ in after.messages() if body]
        after.close()
        time.sleep(3)
        self.ear.caught_up()
        self.assertEqual(left, [], "no order is left on the broker")
        self.assertEqual(self.said("rebooting", since), set(), "nobody switches afterwards")
        self.assertEqual({d["fw"] for d in self.fleet.ls("product:weather").values()}, {"1.3.0"})
        self.fleet.end("gateway")
        self.fleet.start_gateway()

    # ---- three stages, a capped group, a window, and an engine that dies ------------------------------------------------
    def wait_for_close(self):
        """A window that is closed for exactly one minute: the next one that is far enough, and when it begins."""
        close = (int(time.time()) // 60 + 1) * 60
        if close - time.time() < 22:
            close += 60
        time.sleep(max(0, close - time.time() - 42))
        clock = [time.strftime("%H:%M", time.gmtime(t)) for t in (close + 60, close)]
        return close, {"from": clock[0], "to": clock[1], "tz": "UTC"}

    def kill_leader(self):
        """In the middle of its work; who stands by, or comes next, goes on."""
        leader = self.fleet.serves.pop(0)
        leader.send_signal(signal.SIGKILL)
        leader.wait(PATIENCE)

    def console(self):
        s = Screen("muster-forty-%d" % os.getpid(), "%s --profile %s" % (MUSTER, self.fleet.profile), 120, 40)
        self.addCleanup(s.close)
        s.shows("sensor-001", seconds=30)
        return s

    def most_at_berlin(self, since):
        """The most devices of the capped site under way at a time, by their own reports."""
        under_way, most = set(), 0
        for when, who, r in self.ear.reports():
            if when < since or not SITE[who]:
                continue
            if r["state"] in ("done", "failed", "rolled_back", "expired", "aborted", "rejected"):
                under_way.discard(who)
            else:
                under_way.add(who)
            most = max(most, len(under_way))
        return most

    def test_2_three_stages_a_capped_group_a_window_and_two_engines_killed(self):
        close, window = self.wait_for_close()
        path = self.plan("weather@1.4.0", jitter=2, in_flight=6, window=window, per_group={"by": "site", "max": 2},
                         stages=[{"name": "canary", "count": 4, "soak": 1}, {"name": "half", "percent": 50, "soak": 1},
                                 {"name": "rest", "percent": 100, "soak": 1}])
        since = time.time()
        rollout = self.begin(path)
        wait_until("the canaries are at it", 40, lambda: self.said("downloading", since))
        self.fleet.lead()  # stands by
        time.sleep(1)
        self.kill_leader()

        wait_until("the window has opened again", 150, lambda: time.time() > close + 61, every=1)
        self.ear.caught_up()
        # By the devices' own clocks: that is when they did it.
        said = [(r["ts"] - close, who, r["state"]) for when, who, r in self.ear.reports() if when >= since]
        before = {who for at, who, state in said if at < 0 and state == "downloading"}
        inside = [(at, who) for at, who, state in said if 2 <= at < 59 and state in ("downloading", "rebooting")]
        self.assertEqual(inside, [], "nobody starts or switches while the window is closed")
        self.assertTrue(before and len(before) < COUNT, before)

        wait_until("and the rest starts", 60, lambda: len(self.said("downloading", close + 59)) > 2)
        self.kill_leader()
        self.console()
        shown = self.fleet.wait_state(rollout, {"done", "stopped", "aborted"}, 180)

        self.assert_twins(shown, self.twin(path, rollout, "1.3.0"))
        self.assertEqual(shown["state"], "done")
        self.ear.caught_up()
        self.assertLessEqual(self.most_at_berlin(since), 2)
        wait_until("all run the new one", 30, lambda: {d["fw"] for d in self.fleet.ls("product:weather").values()} == {"1.4.0"})
        self.fleet.lead()

    # ---- a release that fails on one hardware revision only -------------------------------------------------------------
    def test_3_a_release_that_fails_on_one_hardware_stops_and_the_cause_is_named(self):
        before = {d["id"]: d["fw"] for d in self.fleet.ls("product:weather").values()}
        bad = [name for name in IDS if HW[name] == "linux-b"]
        named = [name for name in IDS if HW[name] == "linux"][:4]
        path = self.plan("weather@1.6.0", jitter=0, in_flight=40,
                         stages=[{"name": "canary", "devices": named, "soak": 1}, {"name": "half", "devices": bad, "percent": 50, "soak": 1},  # ranks change with the day: all of them are here
                                 {"name": "rest", "percent": 100, "soak": 1}])
        rollout = self.begin(path)
        shown = self.fleet.wait_state(rollout, {"stopped", "done", "aborted"}, 120)
        self.assertEqual(shown["state"], "stopped")
        settled = ("planned", "done", "failed")
        wait_until("those under way are through", 60, lambda: all(s in settled for s in self.fleet.states(rollout).values()))
        shown = self.fleet.show(rollout)

        self.assert_twins(shown, self.twin(path, rollout, before[IDS[0]], bad))
        failed = [d for d in shown["devices"] if d["state"] == "failed"]
        self.assertGreaterEqual(len(failed), 2)
        self.assertEqual({d["reason"] for d in failed}, {"self_test"})
        self.assertEqual({HW[d["id"]] for d in failed}, {"linux-b"})
        self.assertEqual({d["id"] for d in shown["devices"] if d["stage"] == 2 and d["state"] != "planned"}, set(), "the rest was never told")

        def back():
            fw = {d["id"]: d["fw"] for d in self.fleet.ls("product:weather").values()}
            return all(fw[d["id"]] == before[d["id"]] for d in failed)
        wait_until("each that failed runs what it ran", 30, back)
        s = self.console()
        s.keys("R")
        s.shows(rollout)
        s.keys("Enter")
        s.shows("hw linux-b")


if __name__ == "__main__":
    unittest.main(verbosity=2)
