"""The good release in two stages; the bad one that stops itself; commands to a device."""
import json
import subprocess
import time

from harness import MUSTER, FleetTest, hash_of, main, wait_until


class GoodRollout(FleetTest):
    devices = 6

    def test_1_canary_then_all_ends_done_everywhere(self):
        before = self.fleet.ls("product:weather")
        target = hash_of(self.fleet, "weather@1.4.0")
        rollout = self.fleet.start("weather@1.4.0", "--stages", "2,100%", "--jitter", "6", "--trial", "3", "--soak", "2", "--in-flight", "3")

        shown = self.fleet.wait_state(rollout, {"done", "stopped", "aborted"}, 240)

        self.assertEqual(shown["state"], "done", shown)
        self.assertEqual([s["size"] for s in shown["stages"]], [2, 6])
        def told():
            d = self.fleet.ls("product:weather")
            return d if {(x["fw"], x["ota"]["state"], x["image"]) for x in d.values()} == {("1.4.0", "done", target)} else None
        after = wait_until("every device says that it is done", 30, told)
        self.assertEqual(set(after), set(before))
        for name, d in after.items():
            self.assertNotEqual(d["boot"], before[name]["boot"])

    def test_2_no_device_started_before_its_slot(self):
        self.ear.caught_up()
        downloads = [(when, who, r) for when, who, r in self.ear.reports() if r["state"] == "downloading"]
        self.assertEqual({who for _, who, _ in downloads}, set(self.fleet.ls("product:weather")))
        for when, who, r in downloads:
            self.assertGreaterEqual(when + 1, r["slot"], "%s started at %f, slot %d" % (who, when, r["slot"]))

    def test_3_the_canary_was_through_before_the_rest_was_ordered(self):
        canary = [d["id"] for d in self.fleet.show(self.fleet.json("rollout", "ls")[0]["id"])["devices"] if d["stage"] == 0]
        done = max(when for when, who, r in self.ear.reports() if who in canary and r["state"] == "done")
        rest = min(when for when, who, r in self.ear.reports() if who not in canary)
        self.assertEqual(len(canary), 2)
        self.assertLess(done, rest)

    def test_4_downloads_never_overlapped_more_than_the_cap(self):
        self.assertLessEqual(self.fleet.metrics()["muster_gateway_downloads_peak"], 3)
        self.assertGreaterEqual(self.fleet.metrics()["muster_gateway_downloads_peak"], 1)

    def test_5_a_new_release_is_another_program(self):
        wait_until("dew_point in the readings", 30,
                   lambda: "dew_point" in self.fleet.ls()["sensor-001"]["readings"], every=1)

    def test_6_a_config_order_changes_the_interval_at_once(self):
        done = self.fleet.run("device", "config", "sensor-001", "interval=1", "--yes")
        self.assertIn("sensor-001", done.stdout)
        start = time.time()

        def gaps():
            stamps = [json.loads(b)["ts"] for _, _, b, _ in self.ear.messages("sensor-001/telemetry/environment", since=start)]
            return [b - a for a, b in zip(stamps, stamps[1:])]
        # By the readings' own times. They are rounded to seconds: two seconds apart, it would never be one twice in a row.
        wait_until("a reading each second", 20, lambda: any(pair == (1, 1) for pair in zip(gaps(), gaps()[1:])))
        refused = self.fleet.run("device", "config", "sensor-001", "interval=0", "--yes", check=False)
        self.assertEqual(refused.returncode, 2)

    def test_7_a_reboot_gives_a_new_boot_id(self):
        boot = self.fleet.ls()["sensor-002"]["boot"]
        self.fleet.run("device", "reboot", "sensor-002", "--yes")
        d = wait_until("sensor-002 back with a new boot", 30,
                       lambda: (lambda d: d if d["boot"] != boot and d["state"] == "ok" else None)(self.fleet.ls()["sensor-002"]), every=1)
        self.assertEqual(d["reset"], "software")

    def test_8_identify_is_answered(self):
        self.assertIn("sensor-003", self.fleet.run("device", "identify", "sensor-003").stdout)


class BadRollout(FleetTest):
    devices = 4

    def test_the_canary_rolls_back_and_nobody_else_is_ordered(self):
        good = hash_of(self.fleet, "weather@1.3.0")
        rollout = self.fleet.start("weather@1.5.0-bad", "--stages", "1,100%", "--jitter", "2", "--trial", "5", "--soak", "2")

        shown = self.fleet.wait_state(rollout, {"done", "stopped", "aborted"}, 120)

        self.assertEqual(shown["state"], "stopped", shown)
        touched = [d for d in shown["devices"] if d["state"] != "planned"]
        self.assertEqual(len(touched), 1, touched)
        self.assertEqual(touched[0]["reason"], "self_test")
        canary = wait_until("the canary runs its old version", 30,
                            lambda: (lambda d: d if d["fw"] == "1.3.0" and d["ota"]["state"] == "rolled_back" else None)(self.fleet.ls()[touched[0]["id"]]), every=1)
        self.assertEqual(canary["image"], good)
        self.assertEqual(canary["ota"]["reason"], "self_test")
        ordered = {t.split("/")[1] for _, t, b, _ in self.ear.messages("/commands/update") if b}
        self.assertEqual(ordered, {touched[0]["id"]})
        time.sleep(3)
        self.ear.caught_up()
        self.assertEqual({who for _, who, _ in self.ear.reports()}, {touched[0]["id"]})
        watch = self.fleet.run("rollout", "watch", rollout, check=False)
        self.assertEqual(watch.returncode, 1)


class PausedRollout(FleetTest):
    devices = 4

    def test_1_pause_holds_those_that_wait_and_resume_goes_on(self):
        rollout = self.fleet.start("weather@1.4.0", "--stages", "100%", "--jitter", "40", "--trial", "2", "--soak", "1")
        wait_until("all are told", 60, lambda: len({who for _, who, r in self.ear.reports() if r["state"] == "waiting"}) == 4)
        self.assertEqual(self.fleet.run("rollout", "pause", rollout).returncode, 0)
        self.assertEqual(self.fleet.show(rollout)["state"], "paused")
        # Nobody that was still waiting starts now.
        wait_until("those that waited are called back", 20,
                   lambda: not [d for d in self.fleet.show(rollout)["devices"] if d["state"] in ("told", "recalled")])
        self.ear.caught_up()
        begun = {who for _, who, r in self.ear.reports() if r["state"] == "downloading"}
        time.sleep(8)
        self.ear.caught_up()
        self.assertEqual({who for _, who, r in self.ear.reports() if r["state"] == "downloading"}, begun)

        self.fleet.run("rollout", "resume", rollout)
        self.assertEqual(self.fleet.wait_state(rollout, {"done", "stopped", "aborted"}, 240)["state"], "done")
        self.assertEqual({d["fw"] for d in self.fleet.ls("product:weather").values()}, {"1.4.0"})

    def test_2_abort_while_they_wait_changes_no_device_and_leaves_no_order(self):
        # Days: the first seconds, in which somebody would begin at once, are nobody's slot but by a very rare chance.
        rollout = self.fleet.start("weather@1.5.0-bad", "--stages", "100%", "--jitter", "6d", "--deadline", "7d", "--trial", "2", "--soak", "1")

        def said(state):
            return [r for _, _, r in self.ear.reports() if r["rollout"] == rollout and r["state"] == state]
        wait_until("some are told", 20, lambda: said("waiting"))
        refused = self.fleet.run("rollout", "abort", rollout, check=False)
        self.assertEqual(refused.returncode, 4, "without --yes and without a terminal nothing is aborted")
        self.fleet.run("rollout", "abort", rollout, "--yes")
        shown = self.fleet.wait_state(rollout, {"aborted"}, 60)
        self.assertEqual({d["state"] for d in shown["devices"]}, {"aborted"})
        self.ear.caught_up()
        self.assertEqual(said("downloading"), [])
        self.assertEqual(self.orders_left(), [], "no retained order is left")
        self.assertEqual(self.fleet.run("rollout", "watch", rollout, check=False).returncode, 1)

    def test_3_of_four_starts_at_once_one_is_taken(self):
        wish = ["rollout", "start", "--release", "weather@1.5.0-bad", "--stages", "100%", "--jitter", "6d", "--deadline", "7d", "--yes", "--json"]
        all_of_them = [subprocess.Popen([MUSTER, "--profile", self.fleet.profile] + wish, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
                       for _ in range(4)]
        said = [p.communicate(timeout=120) for p in all_of_them]
        self.assertEqual(sorted(p.returncode for p in all_of_them), [0, 4, 4, 4], said)
        rollout = [json.loads(out)["rollout"] for out, _ in said if out][0]
        for out, err in said:
            self.assertTrue(out or "is still in rollout " + rollout in err, said)
        wait_until("no draft is left", 60, lambda: "draft" not in {r["state"] for r in self.fleet.json("rollout", "ls")})
        self.fleet.run("rollout", "abort", rollout, "--yes")
        self.fleet.wait_state(rollout, {"aborted"}, 120)


if __name__ == "__main__":
    main()
