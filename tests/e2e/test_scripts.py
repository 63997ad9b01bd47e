"""The main flows as key scripts: the real program on a real fleet, without a terminal (muster --script FILE --dump)."""
import csv
import json
import os
import subprocess
import tempfile

from harness import MUSTER, FleetTest, main, wait_until


class Scripts(FleetTest):
    devices = 4

    def script(self, *lines, args=(), code=0):
        """Runs it; the pictures it printed, as one text."""
        with tempfile.NamedTemporaryFile("w", suffix=".keys", delete=False) as f:
            f.write("\n".join(("size 120x40", "wait rtt", "wait sensor-004", "wait 1.3.0") + lines) + "\n")
        self.addCleanup(os.unlink, f.name)
        done = subprocess.run([MUSTER, "--profile", self.fleet.profile, *args, "--script", f.name, "--dump"],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done.stdout + done.stderr

    def test_1_start_and_look_around(self):
        text = self.script("type ?", "wait keys: fleet", "dump", "type <Esc>", "gone keys: fleet", "type S", "wait 1.5.0-bad", "dump",
                           "type <Esc>L", "wait connected")
        self.assertIn("keys: fleet", text)
        self.assertIn("1.4.0", text)

    def test_1_the_picture_alone_needs_no_script(self):
        done = self.fleet.run("--dump", "--ascii")
        self.assertIn("sensor-004", done.stdout)
        self.assertTrue(done.stdout.isascii())
        self.assertEqual(len(done.stdout.splitlines()), 24)

    def test_1_a_tail_opens_with_what_came_before(self):
        text = self.script("type <Enter>", "wait tail", "dump")
        self.assertNotIn("waiting for its next message", text)
        self.assertRegex(text, r"\d\d:\d\d:\d\d\.\d{3}R?.?status +\{", "the status that the broker had, or a newer one")

    def test_2_filter_and_clear(self):
        text = self.script("type /id=sensor-00", "wait sensor-001", "type 3", "wait 1 of 4 devices", "type <Enter>", "dump", "type <Esc>", "wait sensor-001")
        self.assertIn("sensor-003", text)

    def test_2_sort_columns_and_views(self):
        text = self.script("type s", "wait Enter this", "dump", "type <Esc>", "gone ┌", "type o", "wait ┌", "type <Esc>", "gone ┌", "type \\", "wait ┌", "type <Esc>", "gone ┌")
        self.assertIn("┌", text)

    def test_3_marks_survive_the_filter_and_say_so(self):
        self.script("type g<Space><Down><Space>", "wait 2 marked", "type /id=sensor-004<Enter>", "wait hidden", "type <Esc><Esc>")

    def test_3_a_reboot_wants_more_than_enter(self):
        self.script("type /id=sensor-002<Enter>", "wait 1 of 4 devices", "type r", "wait reboot sensor-002", "type <Enter>", "gone ┌", "type L", "wait connected")
        self.assertEqual(self.fleet.json("device", "show", "sensor-002")["boots"], self.boots("sensor-002"))

    def boots(self, device):
        return self.fleet.json("device", "show", device)["boots"]

    def test_4_a_reboot_is_done_and_answered(self):
        before = self.boots("sensor-002")
        text = self.script("type /id=sensor-002<Enter>", "wait 1 of 4 devices", "type r", "wait reboot sensor-002", "type <Tab><Enter>", "wait reboot sent to 1 device")
        self.assertIn("reboot sent to 1 device", text)
        wait_until("it has booted once more", 60, lambda: self.boots("sensor-002") > before)

    def test_4_settings_are_sent_from_the_form(self):
        self.script("type /id=sensor-003<Enter>", "wait 1 of 4 devices", "type c", "wait configure sensor-003", "type 3<PgDn><Right><Enter>", "wait config sent to 1 device")

    def test_5_read_only_says_why(self):
        text = self.script("type r", "wait read-only: started with --read-only", args=("--read-only",))
        self.assertNotIn("┌─ reboot", text)

    def test_5_the_palette_takes_words(self):
        self.script("type :releases<Enter>", "wait 1.5.0-bad", "type :nonsuch<Enter>", "wait nonsuch", "type <Esc><Esc>")

    def test_6_the_device_screen_its_plots_and_its_messages(self):
        self.script("type /id=sensor-001<Enter>", "wait 1 of 4 devices", "type <Enter>", "wait telemetry", "wait temperature", "type ]x", "type <Esc>", "wait fleet")

    def test_6_export_writes_the_rows_that_are_shown(self):
        out = os.path.join(self.fleet.dir, "rows.json")
        self.script("type e", "wait export 4 rows", "type <Tab><^U>" + out + "<Enter>", "wait 4 rows written")
        with open(out) as f:
            self.assertEqual(len(json.load(f)), 4)

    def test_6_other_lists_are_filtered_and_exported_as_their_command_gives_them(self):
        out = os.path.join(self.fleet.dir, "releases.")
        self.script("type S", "wait 1.5.0-bad", "type /version=1.4.0<Enter>", "gone 1.5.0-bad", "type e", "wait export 1 rows",
                    "type <Tab><^U>" + out + "json<Enter>", "wait 1 rows written", "type e", "wait export 1 rows", "type <^U>" + out + "csv<Enter>", "wait 1 rows written")
        with open(out + "json") as f:
            self.assertEqual(json.load(f), self.fleet.json("release", "ls", "--filter", "version=1.4.0"))
        with open(out + "csv", newline="") as f:
            rows = list(csv.DictReader(f))
        self.assertEqual([(r["version"], r["superseded"]) for r in rows], [("1.4.0", "no")])

    def test_6_a_silence_that_mutes_nothing_is_seen_and_ended_from_the_console(self):
        made = self.fleet.json("alerts", "silence", "id=nobody-yet", "--for", "1h", "--reason", "new boards come")
        self.assertEqual([(s["mutes"], s["devices"]) for s in self.fleet.json("alerts", "silences", "--filter", "mutes=0 new")], [(0, 0)])
        text = self.script("type a", "wait silence in force", "type <Tab><Tab>", "wait new boards come", "wait mutes nothing now", "dump", "type M", "wait ended: new boards",
                           "type <Esc>L", "wait alerts unsilence %d" % made["id"], "dump")
        self.assertIn("id=nobody-yet: 0 devices", text)
        self.assertEqual(self.fleet.json("alerts", "silences"), [])

    def test_7_a_rollout_is_started_paused_and_aborted(self):
        self.script("type S", "wait 1.5.0-bad", "type ju", "wait new rollout", "type <Down><Down><Down><^U>1 soak 1h, 100% soak 1h", "type <Down><Down><^U>2s",
                    "type <PgDn>", "wait Type 4 and Enter to start", "type <Enter>", "wait Type 4 and Enter to start", "type 4<Enter>", "wait RUNNING")
        rollout = self.fleet.json("rollout", "ls")[0]["id"]
        self.script("type R", "wait " + rollout, "type <Enter>", "wait RUNNING", "type <Space>", "wait PAUSED", "type <Space>", "wait ┌", "type <Enter>", "gone ┌",
                    "wait PAUSED", "type <Space>", "wait ┌", "type <Tab><Enter>", "wait RUNNING")
        self.script("type R", "wait " + rollout, "type <Enter>", "wait RUNNING", "type X", "wait abort rollout", "type <Enter>", "gone abort rollout", "wait RUNNING",
                    "type X", "wait Type " + rollout, "type " + rollout + "<Enter>", "wait ABORT")
        self.fleet.wait_state(rollout, {"aborted"}, 60)

    def test_8_what_does_not_come_is_said_with_its_line(self):
        with tempfile.NamedTemporaryFile("w", suffix=".keys", delete=False) as f:
            f.write("type j\npress Enter\n")
        self.addCleanup(os.unlink, f.name)
        done = self.fleet.run("--script", f.name, "--dump", check=False)
        self.assertEqual(done.returncode, 2)
        self.assertIn(f.name + ":2: \"press Enter\"", done.stderr)


if __name__ == "__main__":
    main()
