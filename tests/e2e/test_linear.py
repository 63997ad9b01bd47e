#!/usr/bin/env python3
"""Commands for a pipe and for a screen reader: whole lines that come while the command runs, and nothing that moves a cursor."""
import json
import os
import pty
import re
import subprocess
import threading
import time

from harness import MUSTER, FleetTest, main, wait_until

COLOUR = re.compile(r"\x1b\[[0-9;]*m")
CLOCK = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ ")


class Running:
    """A muster command whose lines are collected as they come. It is stopped by its own pid."""

    def __init__(self, fleet, *args, terminal=False, env=None):
        self.lines = []
        self.cut = 0  # pieces that ended inside a line: what a full buffer looks like, where a flush ends with one
        mouth = subprocess.PIPE
        if terminal:
            ear, mouth = pty.openpty()
        self.process = subprocess.Popen([MUSTER, "--profile", fleet.profile, *args], stdin=subprocess.DEVNULL, stdout=mouth,
                                        stderr=subprocess.PIPE, env={**os.environ, **(env or {})})
        if terminal:
            os.close(mouth)
        self.out = os.fdopen(ear, "rb", 0) if terminal else self.process.stdout
        self.thread = threading.Thread(target=self.collect, daemon=True)
        self.thread.start()

    def collect(self):
        rest = b""
        while True:
            try:
                got = os.read(self.out.fileno(), 65536)
            except OSError:  # a terminal whose other end is closed
                got = b""
            if not got:
                return
            self.cut += not got.endswith(b"\n")
            *lines, rest = (rest + got).split(b"\n")
            self.lines += [line.decode() for line in lines]

    def close(self):
        if self.process.poll() is None:
            self.process.terminate()
        self.process.wait(30)
        self.thread.join(30)
        self.out.close()
        self.process.stderr.close()


class Lines(FleetTest):
    devices = 3

    def runs(self, *args, **kw):
        run = Running(self.fleet, *args, **kw)
        self.addCleanup(run.close)
        return run

    def plain(self, lines):
        for line in lines:
            self.assertNotRegex(line, r"[\x00-\x08\x0b-\x1f\x7f]", "nothing that moves a cursor or draws")

    def test_watch_and_tail_append_lines_while_they_run(self):
        for args in (("watch",), ("tail", "sensor-001")):
            run = self.runs(*args)
            wait_until("%s says something" % args[0], 60, lambda: len(run.lines) >= 3)
            self.assertIsNone(run.process.poll(), "it still runs: the lines did not wait for its end")
            run.close()
            self.assertEqual(run.cut, 0, "lines are written whole, when they are said")
            self.plain(run.lines)
            for line in run.lines:
                self.assertRegex(line, CLOCK, "a line says when it was")

    def test_with_json_each_object_says_when_it_was(self):
        begun = time.time()
        for args in (("watch", "--json"), ("tail", "sensor-001", "--json")):
            run = self.runs(*args)
            wait_until("%s says something" % args[0], 60, lambda: len(run.lines) >= 3)
            run.close()
            told = [json.loads(line)["ts"] for line in run.lines]
            self.assertEqual(told, sorted(told))
            self.assertTrue(begun - 1 <= told[0] and told[-1] <= time.time() + 1, told)

    def test_states_are_words(self):
        run = self.runs("watch")
        after_time = lambda: [line.split()[2:] for line in run.lines]
        wait_until("each device has a line", 60, lambda: len({words[1] for words in after_time() if len(words) > 1}) >= 3)
        run.close()
        self.assertLessEqual({words[0] for words in after_time()}, {"ok", "warn", "crit", "offline", "stale", "updating"})

    def test_on_a_terminal_there_is_colour_and_nothing_else(self):
        run = self.runs("watch", terminal=True, env={"NO_COLOR": "", "TERM": "xterm"})
        wait_until("it says something", 60, lambda: len(run.lines) >= 3)
        run.close()
        self.assertTrue([line for line in run.lines if COLOUR.search(line)], "states have colours")
        self.plain([COLOUR.sub("", line).rstrip("\r") for line in run.lines])

    def test_with_no_color_not_even_that(self):
        run = self.runs("watch", terminal=True, env={"NO_COLOR": "1", "TERM": "xterm"})
        wait_until("it says something", 60, lambda: len(run.lines) >= 3)
        run.close()
        self.plain([line.rstrip("\r") for line in run.lines])

    def show_done(self, rollout):
        return [d["state"] for d in self.fleet.show(rollout)["devices"]].count("done")

    def test_a_rollout_is_told_line_by_line_to_its_end(self):
        rollout = self.fleet.start("weather@1.4.0", "--stages", "canary:1/2s,rest:100%/2s", "--jitter", "2s", "--trial", "4s",
                                   "--approve", "canary")
        run = self.runs("rollout", "watch", rollout)
        wait_until("it begins", 60, lambda: [line for line in run.lines if "running, stage 1 of 2 canary" in line])
        self.assertIsNone(run.process.poll(), "it still runs: it waits for an approval")
        wait_until("the canary is done", 180, lambda: self.show_done(rollout) == 1)
        held = wait_until("the list says what it waits for", 60, lambda: [line for line in self.fleet.run("rollout", "ls").stdout.splitlines()
                                                                         if "holds: stage canary wants an approval" in line])
        self.assertIn(rollout, held[0])
        self.assertEqual(self.fleet.json("rollout", "ls")[0]["holds"], "holds: stage canary wants an approval")
        self.fleet.run("rollout", "approve", rollout)
        self.assertEqual(run.process.wait(300), 0)
        run.thread.join(30)
        self.plain(run.lines)
        self.assertIn("3 done, 0 failed of 3", " ".join(run.lines))
        shown = self.fleet.run("rollout", "show", rollout).stdout.splitlines()
        self.plain(shown)
        self.assertTrue([line for line in shown if re.match(r"now +2 ", line)],
                        "the stage it is at is told by a word: %r" % shown)

    def test_the_place_of_a_mistake_is_said_and_not_only_pointed_at(self):
        done = self.fleet.run("ls", "temp>20 and fw<<1", check=False)
        self.assertEqual(done.returncode, 2)
        self.assertIn('at "<1"', done.stderr)


if __name__ == "__main__":
    main()
