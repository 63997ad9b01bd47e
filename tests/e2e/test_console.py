"""The console in a real terminal (tmux), on a real fleet: what a person sees and presses."""
import json
import os
import signal
import subprocess
import time

from harness import MUSTER, PATIENCE, FleetTest, main, wait_until


class Screen:
    """A tmux server of its own with one window of a fixed size."""

    def __init__(self, name, command, cols=80, rows=24, env=""):
        self.name = name
        self.tmux("-f", "/dev/null", "new-session", "-d", "-x", str(cols), "-y", str(rows),
                  "env LC_ALL=C.UTF-8 TERM=screen-256color %s sh -c '%s; echo exit=$?; stty -a | grep -o -- \"-*icanon\"; sleep 60'" % (env, command))

    def tmux(self, *args, check=True):
        return subprocess.run(["tmux", "-L", self.name, *args], capture_output=True, text=True, check=check, timeout=PATIENCE).stdout

    def text(self):
        return self.tmux("capture-pane", "-p")

    def keys(self, *keys):
        self.tmux("send-keys", *keys)

    def type(self, text):
        self.tmux("send-keys", "-l", text)

    def shows(self, *texts, seconds=15):
        return wait_until("the screen shows %r" % (texts,), seconds, lambda: (lambda t: t if all(x in t for x in texts) else None)(self.text()))

    def pid(self):
        pane = int(self.tmux("list-panes", "-F", "#{pane_pid}").split()[0])
        return int(subprocess.run(["pgrep", "-P", str(pane), "-x", "muster"], capture_output=True, text=True).stdout.split()[0])

    def close(self):
        self.tmux("kill-server", check=False)


class Console(FleetTest):
    devices = 4

    def open(self, cols=80, rows=24, env="", args=""):
        s = Screen("muster-e2e-%d-%d" % (os.getpid(), time.monotonic_ns()), "%s --profile %s %s" % (MUSTER, self.fleet.profile, args), cols, rows, env)
        self.addCleanup(s.close)
        return s

    def test_1_the_fleet_is_on_the_first_screen(self):
        s = self.open()
        text = s.shows("sensor-001", "sensor-002", "sensor-003", "sensor-004", "1.3.0")
        self.assertEqual(max(len(line) for line in text.splitlines()) <= 80, True)

    def test_2_a_filter_narrows_while_it_is_typed_and_escape_clears_it(self):
        s = self.open()
        s.shows("sensor-001", "sensor-004")
        s.keys("/")
        s.type("sensor-003")
        text = wait_until("only sensor-003", 10, lambda: (lambda t: t if "sensor-003" in t and "sensor-004 " not in t else None)(s.text()))
        self.assertIn("1", text)
        s.keys("Enter")
        s.keys("Escape")
        s.shows("sensor-001", "sensor-004")

    def test_3_a_device_opens_with_its_readings_and_messages(self):
        s = self.open(120, 40)
        s.shows("sensor-002")
        s.keys("/")
        s.type("sensor-002")
        s.keys("Enter")
        s.keys("Enter")
        s.shows("sensor-002", "telemetry", "temperature", seconds=20)
        s.keys("Escape")
        s.shows("sensor-002")

    def test_4_a_rollout_is_started_from_the_dialog_and_seen_to_its_end(self):
        # The background engine leads; the console asks through the journal and looks on.
        s = self.open(120, 40)
        s.shows("sensor-001")
        s.keys("S")
        s.shows("1.4.0", "1.5.0-bad")
        s.keys("j", "u")
        s.shows("new rollout", "weather 1.4.0")
        s.keys("Down", "Down", "Down", "C-u")
        s.type("2 soak 1s, 100% soak 1s")
        s.keys("Down", "Down", "C-u")
        s.type("2s")
        s.keys("PageDown")
        s.shows("4 devices of 4 in the target", "Type 4 and Enter to start")
        s.keys("Enter")
        time.sleep(0.5)
        self.assertEqual(self.fleet.json("rollout", "ls"), [], "Enter alone must not start anything")
        s.type("4")
        s.keys("Enter")
        s.shows("RUNNING", "stage 1 of 2")
        s.shows("trial", seconds=60)

    def test_5_it_survives_resizing_and_leaves_a_sane_terminal_when_terminated(self):
        s = self.open(80, 24)
        s.shows("sensor-001")
        for cols, rows in ((40, 10), (200, 60), (61, 16), (20, 5), (120, 40), (80, 24)):
            s.tmux("resize-window", "-x", str(cols), "-y", str(rows))
            time.sleep(0.3)
        s.shows("sensor-001", "sensor-004")
        os.kill(s.pid(), signal.SIGTERM)
        text = s.shows("exit=", "icanon")
        self.assertNotIn("-icanon", text)

    def test_6_ascii_and_no_color_have_no_other_bytes(self):
        s = self.open(env="NO_COLOR=1", args="--ascii")
        s.shows("sensor-001", "sensor-004")
        raw = s.tmux("capture-pane", "-p", "-e")
        self.assertTrue(raw.isascii(), [c for c in raw if not c.isascii()])
        self.assertNotIn("\x1b[3", raw.replace("\x1b[39m", ""))

    def test_7_q_quits_with_code_0(self):
        s = self.open()
        s.shows("sensor-001")
        s.keys("q")
        s.shows("exit=0")

    def test_9_a_rollout_is_aborted_by_typing_its_name(self):
        rollout = self.fleet.json("rollout", "ls")[0]["id"]
        s = self.open(120, 40)
        s.shows("sensor-001")
        s.keys("R")
        s.shows(rollout)
        s.keys("X")
        s.shows("abort rollout")
        s.keys("Enter")
        time.sleep(1)
        self.assertEqual(self.fleet.show(rollout)["state"], "running", "Enter alone must not abort")
        s.keys("X")
        s.shows("Type " + rollout)
        s.type(rollout)
        s.keys("Enter")
        wait_until("the rollout is aborted", 60, lambda: self.fleet.show(rollout)["state"] in ("aborted", "aborting"))

    def test_8_a_lost_broker_is_said_in_words_and_comes_back(self):
        s = self.open()
        s.shows("sensor-001")
        self.fleet.stop_service("mosquitto")
        s.shows("disconnected")
        self.fleet.start_broker()
        wait_until("the link is back", 60, lambda: "disconnected" not in s.text())


class Acts(FleetTest):
    """What a person does to a rollout from its screen, while another process leads."""
    devices = 4

    def test_a_stage_is_approved_caps_are_changed_and_what_has_switched_goes_back(self):
        rollout = self.fleet.start("weather@1.4.0", "--stages", "canary 1 soak 1s approve, rest soak 60s",
                                   "--jitter", "2", "--trial", "2", "--in-flight", "2")
        s = Screen("muster-acts-%d" % os.getpid(), "%s --profile %s" % (MUSTER, self.fleet.profile), 80, 24)
        self.addCleanup(s.close)
        s.shows("sensor-001", "sensor-004")
        s.keys("R")
        s.shows(rollout)
        s.keys("Enter")
        s.shows("holds (A): stage canary wants an approval", "1 done", seconds=60)
        s.keys("A")
        s.shows("approve stage 1", "stage 2, \"rest\", starts")
        s.type("looks good")
        s.keys("Enter", "Enter")  # the harmless button
        time.sleep(1)
        self.assertEqual(self.fleet.show(rollout)["stage"], 0, "Enter alone must not approve")
        s.keys("A")
        s.type("looks good")
        s.keys("Enter", "Tab", "Enter")
        s.shows("stage 2 of 2", seconds=30)

        s.keys("c")
        s.shows("change caps")
        s.keys("C-u")
        s.type("3")
        s.keys("Tab", "Tab", "Tab", "Tab", "Enter")
        s.shows("soaking", seconds=60)
        s.keys("c")
        s.shows("in flight   3")
        s.keys("Escape")

        s.keys("X", "Up", "Right")
        s.shows("go back to what they ran")
        s.keys("Down")
        s.type(rollout)
        s.keys("Enter")
        s.shows("ABORTED", "back", seconds=60)
        wait_until("all run what they ran before", 60, lambda: {d["fw"] for d in self.fleet.ls().values()} == {"1.3.0"})
        watch = self.fleet.run("rollout", "watch", rollout, "--json", check=False)
        self.assertEqual(watch.returncode, 1)
        lines = [json.loads(line) for line in watch.stdout.splitlines()]
        self.assertEqual({line["kind"] for line in lines} - {"progress"}, {"event", "end"})
        self.assertTrue([line for line in lines if "looks good" in line.get("text", "")], "the remark is in the story")


class LeadingConsole(FleetTest):
    """The console itself runs the rollout; kill -9 in mid-stage, start it again, and it ends as if nothing had happened."""
    devices = 4

    def open(self):
        s = Screen("muster-lead-%d-%d" % (os.getpid(), time.monotonic_ns()), "%s --profile %s" % (MUSTER, self.fleet.profile), 100, 30)
        self.addCleanup(s.close)
        s.shows("sensor-001", "sensor-004")
        return s

    def test_killed_in_mid_stage_and_started_again(self):
        # Not before it has made the journal: without one nobody is asked for.
        wait_until("the serve leads", 10, lambda: "serve, pid" in self.fleet.run("doctor", check=False).stdout)
        self.fleet.stop_service("serve")
        wait_until("nobody leads", 10, lambda: "nobody runs it" in self.fleet.run("doctor", check=False).stdout)
        s = self.open()
        rollout = self.fleet.start("weather@1.4.0", "--stages", "1,100%", "--jitter", "3", "--trial", "2", "--soak", "1")
        wait_until("the canary is on its way", 30, lambda: [r for _, _, r in self.ear.reports() if r["state"] == "downloading"])
        os.kill(s.pid(), signal.SIGKILL)
        time.sleep(2)
        self.assertNotEqual(self.fleet.show(rollout)["state"], "done")
        s = self.open()
        s.keys("R")
        shown = self.fleet.wait_state(rollout, {"done", "stopped", "aborted"}, 120)
        self.assertEqual(shown["state"], "done")
        s.shows(rollout, "4/4")
        self.assertEqual({d["attempt"] for d in shown["devices"]}, {1}, "nobody was told twice")


if __name__ == "__main__":
    main()
