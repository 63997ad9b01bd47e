"""A rollout that outlives who drives it: handed over, killed, followed; and people told once, whatever happens in between."""
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.request

from harness import MUSTER, PATIENCE, SOURCE, FleetTest, main, read_text, running, wait_until
from test_console import Screen


class Hook:
    """tests/unit/web/server.py, and what was posted to it."""

    def __init__(self):
        self.process = subprocess.Popen([sys.executable, os.path.join(SOURCE, "tests", "unit", "web", "server.py")],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.url = "http://127.0.0.1:%s" % self.process.stdout.readline().strip()

    def events(self):
        with urllib.request.urlopen(self.url + "/log", timeout=10) as answer:
            posts = [json.loads(line) for line in answer.read().decode().splitlines()]
        return [(p["headers"]["Idempotency-Key"], json.loads(p["body"])) for p in posts]

    def close(self):
        self.process.stdin.close()
        self.process.wait(PATIENCE)
        self.process.stdout.close()


class JournalTest(FleetTest):
    devices = 4

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.hook = Hook()
        cls.addClassCleanup(cls.hook.close)
        cls.fleet.stop_service("serve")
        with open(cls.fleet.profile, "a") as f:
            f.write("\n[notify hook]\nkind = webhook\nurl = %s/hook\n" % cls.hook.url)

    def holder(self):
        return read_text(os.path.join(self.fleet.dir, self.fleet.ini["journal"]["path"]) + ".lock")

    def console(self, args="", cols=120, rows=40):
        s = Screen("muster-e2e-%d-%d" % (os.getpid(), time.monotonic_ns()), "%s --profile %s %s" % (MUSTER, self.fleet.profile, args), cols, rows)
        self.addCleanup(s.close)
        return s

    def hand_over(self, screen):
        """By the quit dialog; the pid of the serve that has it."""
        screen.keys("q")
        screen.shows("quit while a rollout runs", "Hand over")
        screen.keys("Down", "Enter")
        text = screen.shows("drives the rollouts on", "exit=0", seconds=30)
        pid = int(text.split("(pid ")[1].split(")")[0])
        self.assertIn("serve, pid %d on" % pid, self.holder())
        return pid

    def all_is_told(self):
        """Whoever is killed from here on leaves nothing that is delivered but not yet crossed off."""
        wait_until("all is told", 20, lambda: [n["queued"] for n in self.fleet.json("notify", "ls") if n["name"] == "hook"] == [0])

    def told(self, rollout):
        return [e["event"] for _, e in self.hook.events() if e.get("rollout") == rollout]


class HandOver(JournalTest):
    def test_1_a_rollout_is_handed_over_twice_killed_once_and_ends_and_is_told_once(self):
        s = self.console()
        s.shows("sensor-001", "sensor-004")
        rollout = self.fleet.start("weather@1.4.0", "--stages", "first:1,second:2,rest:100%", "--approve", "second",
                                   "--jitter", "2", "--trial", "3", "--soak", "1")
        self.fleet.wait_state(rollout, {"running"}, 15)
        first = self.hand_over(s)
        wait_until("the start is told", 20, lambda: "start" in self.told(rollout))
        self.all_is_told()
        os.kill(first, signal.SIGKILL)
        wait_until("the serve is dead", 10, lambda: not running(first))

        s = self.console()
        s.shows("sensor-001", "sensor-004")
        wait_until("the console drives it", 10, lambda: "console, pid" in self.holder())
        second = self.hand_over(s)
        # It can't be over before: the last stage is held until now.
        wait_until("it waits for an approval", 120, lambda: self.fleet.show(rollout)["stages"][1]["state"] == "holding")
        self.fleet.run("rollout", "approve", rollout, "second")

        shown = self.fleet.wait_state(rollout, {"done", "stopped", "aborted"}, 180)
        self.assertEqual(shown["state"], "done", shown)
        self.assertEqual({d["state"] for d in shown["devices"]}, {"done"})
        wait_until("the serve ends by itself", 30, lambda: not running(second))
        self.assertEqual([e for e in self.told(rollout) if e in ("start", "done")], ["start", "done"])
        keys = [k for k, _ in self.hook.events()]
        self.assertEqual(len(keys), len(set(keys)), "nothing is delivered twice")
        row = [r for r in self.fleet.json("notify", "ls") if r["name"] == "hook"][0]
        self.assertEqual((row["queued"], row["dropped"]), (0, 0))
        self.assertIn("whole up to row", self.fleet.run("journal", "verify").stdout)
        lines = [json.loads(line) for line in self.fleet.run("journal", "export", "--rollout", rollout).stdout.splitlines()]
        self.assertEqual({line["kind"] for line in lines}, {"rollout", "act", "event", "order"})
        self.assertEqual(len([line for line in lines if line["kind"] == "order"]), 4, "one order each, whoever drove it")
        self.assertEqual(sorted(a["act"] for a in self.fleet.json("journal", "ls")), ["approve", "start"])
        self.assertEqual(self.fleet.json("journal", "show")["living"], 0)
        self.assertEqual(self.fleet.json("journal", "prune", "--yes")["rollouts"], 0, "it is not a year old")

    def test_2_a_read_only_console_never_drives_and_says_who_does(self):
        s = self.console("--read-only")
        s.shows("READ-ONLY", "engine: nobody")
        time.sleep(3)
        self.assertNotIn("on host", subprocess.run([MUSTER, "--profile", self.fleet.profile, "doctor"], capture_output=True, text=True).stdout)
        self.fleet.start_serve()
        s.shows("engine: serve", seconds=10)
        t = self.console("--read-only", 80, 24)
        t.shows("READ-ONLY", "engine: serve")
        s.keys("r")
        s.shows("started with --read-only")
        s.keys("q")
        s.shows("exit=0")


class Killed(JournalTest):
    def test_1_the_console_dies_and_the_next_one_goes_on_and_tells_the_end_once(self):
        s = self.console()
        s.shows("sensor-001", "sensor-004")
        rollout = self.fleet.start("weather@1.4.0", "--stages", "1,100%", "--jitter", "2", "--trial", "3", "--soak", "2")
        self.fleet.wait_state(rollout, {"running"}, 15)
        os.kill(s.pid(), signal.SIGKILL)
        time.sleep(1)
        self.fleet.start_serve()
        wait_until("the serve drives it", 20, lambda: "serve, pid" in self.holder())
        time.sleep(2)
        self.fleet.stop_service("serve", signal.SIGKILL)
        self.fleet.start_serve()
        shown = self.fleet.wait_state(rollout, {"done", "stopped", "aborted"}, 120)
        self.assertEqual(shown["state"], "done", shown)
        wait_until("the end is told", 20, lambda: "done" in self.told(rollout))
        by_key = {k: e["event"] for k, e in self.hook.events() if e.get("rollout") == rollout}
        self.assertEqual(sorted(by_key.values()), ["done", "start"], "one message each, whatever was repeated under its key")
        done = self.fleet.run("notify", "test", "hook")
        self.assertIn("has taken a test message", done.stdout)
        self.assertEqual(self.hook.events()[-1][1]["event"], "test")

    def test_2_pausing_on_the_way_out_is_seen_through(self):
        self.fleet.stop_service("serve")
        s = self.console()
        s.shows("sensor-001", "sensor-004")
        rollout = self.fleet.start("weather@1.5.0-bad", "--stages", "100%", "--jitter", "6d", "--trial", "5")  # nobody is through before it is paused
        self.fleet.wait_state(rollout, {"running"}, 15)
        s.keys("q")
        s.shows("quit while a rollout runs")
        s.keys("Down", "Down", "Enter")
        s.shows("paused; 'muster rollout resume' goes on", "exit=0", seconds=20)
        self.assertEqual(self.fleet.show(rollout)["state"], "paused")


class TwoHosts(JournalTest):
    """Two journals, one fleet, one broker: as two hosts would have."""

    def serve(self, profile, log):
        return self.fleet.start_process([MUSTER, "--profile", profile, "serve"], log)

    def says(self, log, text, seconds=30):
        return wait_until("%s says %r" % (log, text), seconds, lambda: text in read_text(log))

    def claims(self):
        latest = {}
        for _, topic, body, _ in self.ear.messages():
            if topic.startswith("fleet/engine/"):
                latest[topic] = body.decode()
        return [b for b in latest.values() if b]

    def test_of_two_that_start_at_once_with_copies_of_one_journal_one_drives(self):
        journal = os.path.join(self.fleet.dir, self.fleet.ini["journal"]["path"])
        for tail in ("", "-wal"):
            if os.path.exists(journal + tail):
                shutil.copy(journal + tail, os.path.join(self.fleet.dir, "copy.db" + tail))
        logs = [os.path.join(self.fleet.dir, name) for name in ("one.log", "two.log")]
        both = [self.serve(profile, log) for profile, log in zip((self.fleet.profile, self.profile_of("copy.db")), logs)]

        def who_waits():
            return [i for i in (0, 1) if "run by another journal's engine, serve, pid %d on host" % both[1 - i].pid in read_text(logs[i])]
        waits = wait_until("one of them waits for the other", 60, who_waits)
        self.assertEqual(len(waits), 1, "not each for the other")
        wait_until("one claim is left", 60, lambda: len(self.claims()) == 1)
        self.assertIn("pid %d " % both[1 - waits[0]].pid, self.claims()[0])
        for p in both:
            p.terminate()
            p.wait(PATIENCE)
        wait_until("no claim is left", 60, lambda: not self.claims())

    def profile_of(self, journal):
        """The fleet's profile with a journal of its own."""
        path = os.path.join(self.fleet.dir, journal + ".ini")
        with open(path, "w") as f:
            f.write(read_text(self.fleet.profile).replace("path = " + self.fleet.ini["journal"]["path"], "path = " + journal))
        return path

    def test_the_second_engine_says_who_leads_and_takes_over_when_that_is_gone(self):
        other = self.profile_of("other.db")
        log_a, log_b = os.path.join(self.fleet.dir, "a.log"), os.path.join(self.fleet.dir, "b.log")
        a = self.serve(self.fleet.profile, log_a)
        wait_until("the first claims the fleet", 15, lambda: any("pid %d " % a.pid in c for c in self.claims()))
        b = self.serve(other, log_b)
        self.says(log_b, "run by another journal's engine, serve, pid %d on host" % a.pid)
        self.assertNotIn("stand still", read_text(log_a))

        a.kill()  # its connection breaks: the broker clears its claim
        a.wait(PATIENCE)
        wait_until("the second claims the fleet", 30, lambda: any("pid %d " % b.pid in c for c in self.claims()))
        self.assertEqual(len(self.claims()), 1, self.claims())

        a = self.serve(self.fleet.profile, log_a)
        self.says(log_a, "run by another journal's engine, serve, pid %d on host" % b.pid)
        rollout = self.fleet.start("weather@1.4.0", "--stages", "100%", "--jitter", "1", "--trial", "3")
        time.sleep(3)
        self.assertEqual(self.fleet.show(rollout)["state"], "draft", "nobody moves it: the other journal's engine leads")

        b.terminate()
        b.wait(PATIENCE)
        shown = self.fleet.wait_state(rollout, {"done", "stopped", "aborted"}, 120)
        self.assertEqual(shown["state"], "done", shown)
        self.assertEqual(len(self.claims()), 1, self.claims())


if __name__ == "__main__":
    main()
