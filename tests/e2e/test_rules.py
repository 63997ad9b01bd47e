"""A rollout's rules and the acts of people, with real devices: four eyes, caps per group, retry, penalty, rollback."""
import os
import subprocess
import time

from harness import MUSTER, PATIENCE, FleetTest, hash_of, main, wait_until


def as_person(fleet, person, *args):
    """The command as somebody else would run it."""
    env = dict(os.environ, USER=person)
    env.pop("SUDO_USER", None)
    return subprocess.run([MUSTER, "--profile", fleet.profile, *args], capture_output=True, text=True, timeout=PATIENCE, env=env)


def at_a_time(ear, devices):
    """Most of these devices that were between their first word about an order and the end of the update."""
    busy, most = set(), 0
    for _, who, r in ear.reports():
        if who not in devices:
            continue
        if r["state"] in ("received", "waiting", "downloading", "verifying", "installing", "rebooting", "trial"):
            busy.add(who)
        else:
            busy.discard(who)
        most = max(most, len(busy))
    return most


class PeopleAndGroups(FleetTest):
    devices = 6
    site = ["sensor-001", "sensor-002", "sensor-003", "sensor-004"]

    def test_1_a_stage_waits_for_another_persons_approval(self):
        for name in self.site:
            self.fleet.run("device", "config", name, "groups=berlin,site:roof", "--yes")
        wait_until("the groups are known", 20, lambda: all("site:roof" in self.fleet.ls()[n]["groups"] for n in self.site))
        self.ear.heard.clear()
        started = as_person(self.fleet, "ann", "rollout", "start", "--release", "weather@1.4.0", "--stages", "canary:2,rest:100%",
                            "--approve", "canary", "--four-eyes", "--per-group", "site=1", "--jitter", "2", "--trial", "3",
                            "--soak", "1", "--yes", "--json")
        self.assertEqual(started.returncode, 0, started.stderr)
        rollout = self.fleet.json("rollout", "ls")[0]["id"]
        held = wait_until("the canary stage holds", 120,
                          lambda: (lambda s: s if s["stages"][0]["state"] == "holding" else None)(self.fleet.show(rollout)), every=0.5)
        self.assertIn("an approval", held["gate"]["missing"])
        time.sleep(3)
        self.assertEqual([d["state"] for d in self.fleet.show(rollout)["devices"] if d["stage"] == 1], ["planned"] * 4)

        own = as_person(self.fleet, "ann", "rollout", "approve", rollout)
        self.assertEqual(own.returncode, 4)
        self.assertIn("four eyes", own.stdout + own.stderr)
        self.assertEqual(as_person(self.fleet, "bob", "rollout", "approve", rollout, "nowhere").returncode, 4)
        other = as_person(self.fleet, "bob", "rollout", "approve", rollout, "canary", "--remark", "looks good")
        self.assertEqual(other.returncode, 0, other.stderr)
        self.assertEqual(self.fleet.run("rollout", "set", rollout, "in-flight=5", "jitter=1").returncode, 0)
        done = self.fleet.wait_state(rollout, {"done", "stopped", "aborted"}, 240)
        self.assertEqual(done["state"], "done", done)

    def test_2_never_two_of_one_site_at_a_time(self):
        self.ear.caught_up()
        self.assertEqual(at_a_time(self.ear, self.site), 1)
        self.assertEqual({d["fw"] for d in self.fleet.ls("product:weather").values()}, {"1.4.0"})

    def test_3_its_short_state_lies_where_others_look(self):
        wait_until("the short state says done", 10,
                   lambda: [b for _, t, b, _ in self.ear.messages() if t.startswith("fleet/rollouts/") and b'"state":"done"' in b])

    def test_4_a_rollback_takes_a_finished_rollout_back(self):
        rollout = self.fleet.json("rollout", "ls")[0]["id"]
        good = hash_of(self.fleet, "weather@1.3.0")
        refused = self.fleet.run("rollout", "rollback", rollout, check=False)
        self.assertEqual(refused.returncode, 4, "without --yes and without a terminal nothing is rolled back")
        self.fleet.run("rollout", "rollback", rollout, "--yes", "--remark", "drift in the readings")
        shown = self.fleet.wait_state(rollout, {"aborted"}, 120)
        self.assertEqual({d["state"] for d in shown["devices"]}, {"returned"})
        self.assertIn("rolled back by", shown["why"])
        back = wait_until("all run the old image", 30,
                          lambda: (lambda all: all if {d["image"] for d in all.values()} == {good} else None)(self.fleet.ls("product:weather")), every=1)
        self.assertEqual(len(back), 6)
        self.assertEqual(self.orders_left(), [], "no retained order is left")
        again = self.fleet.run("rollout", "rollback", rollout, "--yes", check=False)
        self.assertEqual(again.returncode, 0, "asked once more there is nobody left to go back")


class Retry(FleetTest):
    devices = 3

    def test_1_failed_firmware_is_only_tried_again_when_it_is_meant(self):
        rollout = self.fleet.start("weather@1.5.0-bad", "--stages", "1,100%", "--jitter", "1", "--trial", "3", "--soak", "1")
        shown = self.fleet.wait_state(rollout, {"stopped"}, 120)
        failed = [d["id"] for d in shown["devices"] if d["state"] == "failed"]
        self.assertEqual(len(failed), 1)
        no = self.fleet.run("rollout", "retry", rollout, check=False)
        self.assertEqual(no.returncode, 4)
        self.assertIn("firmware failures only when", no.stdout + no.stderr)
        yes = self.fleet.run("rollout", "retry", rollout, "--class", "firmware")
        self.assertIn("1 device will be tried again once it is resumed", yes.stdout)
        self.fleet.run("rollout", "resume", rollout)
        again = wait_until("it has failed again", 120,
                           lambda: (lambda s: s if s["state"] == "stopped" else None)(self.fleet.show(rollout)), every=0.5)
        self.assertEqual([d["attempt"] for d in again["devices"] if d["id"] in failed], [2])
        self.fleet.run("rollout", "abort", rollout, "--yes")
        self.fleet.wait_state(rollout, {"aborted"}, 60)

        # The same release is not offered to it again, but by a person's choice.
        plan = self.fleet.json("rollout", "plan", "--release", "weather@1.5.0-bad")
        self.assertEqual(plan["excluded"], [{"id": failed[0], "why": "its firmware failed on this release before"}])
        plan = self.fleet.json("rollout", "plan", "--release", "weather@1.5.0-bad", "--include-failed")
        self.assertEqual(plan["excluded"], [])


class RolledBackUnderWay(FleetTest):
    devices = 6

    def test_whoever_waits_downloads_or_is_on_trial_ends_on_the_old_image(self):
        good = hash_of(self.fleet, "weather@1.3.0")
        rollout = self.fleet.start("weather@1.4.0", "--stages", "100%", "--jitter", "30", "--trial", "15", "--soak", "60")
        wait_until("one is on trial", 90, lambda: [r for _, _, r in self.ear.reports() if r["state"] == "trial"])
        self.fleet.run("rollout", "abort", rollout, "--roll-back", "--yes")
        shown = self.fleet.wait_state(rollout, {"aborted"}, 120)
        self.assertLessEqual({d["state"] for d in shown["devices"]}, {"returned", "aborted", "planned"}, shown["devices"])
        self.assertGreaterEqual(shown["counts"]["returned"], 1)
        wait_until("all run the old image", 30,
                   lambda: {d["image"] for d in self.fleet.ls("product:weather").values()} == {good}, every=1)
        self.assertEqual(self.orders_left(), [], "no retained order is left")


class LateJoiner(FleetTest):
    devices = 2

    def test_a_device_that_matches_later_joins_and_gets_it(self):
        def take_in(name):
            self.fleet.run("device", "config", name, "groups=chosen", "--yes")
            wait_until("%s is in the group" % name, 20, lambda: self.fleet.ls()[name]["groups"] == ["chosen"])
        take_in("sensor-001")
        rollout = self.fleet.start("weather@1.4.0", "--target", "group:chosen", "--late", "--stages", "100%", "--jitter", "1",
                                   "--trial", "3", "--soak", "1h")  # whoever joins is looked for once a minute
        self.assertEqual([d["id"] for d in self.fleet.show(rollout)["devices"]], ["sensor-001"])
        take_in("sensor-002")
        joined = wait_until("it has joined", 90, lambda: (lambda d: d if len(d) == 2 else None)(self.fleet.show(rollout)["devices"]), every=1)
        self.assertEqual(joined[1]["id"], "sensor-002")
        wait_until("it runs the new image", 60, lambda: self.fleet.ls()["sensor-002"]["fw"] == "1.4.0", every=1)


if __name__ == "__main__":
    main()
