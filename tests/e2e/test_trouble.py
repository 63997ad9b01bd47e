"""Broker restarted in mid-rollout, gateway in mid-download, engine killed with kill -9: the rollout ends as if nothing had happened.
Devices killed at random moments end done or with a reason, and always boot a whole signed image."""
import os
import random
import signal
import time

from harness import ENDS, FleetTest, hash_of, main, wait_until


class Trouble(FleetTest):
    devices = 6
    env = {"DEMO_INTERVAL": "2", "DEMO_RATE": "60000"}  # slow downloads, so that there is a middle to hit

    def test_engine_broker_and_gateway_may_die_in_the_middle(self):
        target = hash_of(self.fleet, "weather@1.4.0")
        rollout = self.fleet.start("weather@1.4.0", "--stages", "2,100%", "--jitter", "4", "--trial", "3", "--soak", "2", "--in-flight", "4")

        def some_state(state):
            return lambda: [r for _, _, r in self.ear.reports() if r["state"] == state]

        wait_until("a download", 60, some_state("downloading"))
        self.fleet.stop_service("serve", signal.SIGKILL)
        time.sleep(2)
        self.fleet.start_serve()

        self.fleet.stop_service("gateway", signal.SIGKILL)
        time.sleep(2)
        self.fleet.start_gateway()

        wait_until("the canary is through", 180, some_state("done"))
        self.fleet.stop_service("mosquitto", signal.SIGTERM)
        time.sleep(2)
        self.fleet.start_broker()

        shown = self.fleet.wait_state(rollout, {"done", "stopped", "aborted"}, 300)
        self.assertEqual(shown["state"], "done", shown)

        def all_new():
            listed = self.fleet.ls("product:weather")
            return listed if all(d["image"] == target and d["fw"] == "1.4.0" for d in listed.values()) else None
        self.assertEqual(len(wait_until("all run the target", 60, all_new, every=1)), 6)


class RandomKills(FleetTest):
    devices = 4
    env = {"DEMO_INTERVAL": "2", "DEMO_RATE": "150000"}
    kills = int(os.environ.get("KILLS", "40"))

    def test_a_device_killed_at_random_moments_ends_done_or_with_a_reason(self):
        rng = random.Random(20261120)
        images = {hash_of(self.fleet, v) for v in ("weather@1.3.0", "weather@1.4.0")}
        names = sorted(self.fleet.ls("product:weather"))
        self.fleet.start("weather@1.4.0", "--stages", "100%", "--jitter", "3", "--trial", "4", "--soak", "2",
                         "--in-flight", "10", "--allowed-failure", "1", "--retries", "3")
        for _ in range(self.kills):
            time.sleep(rng.uniform(0.05, 0.9))
            name = rng.choice(names)
            self.fleet.power_off(name)
            time.sleep(rng.uniform(0.05, 0.4))
            restarted = self.fleet.power_on(name)
            # One that is killed before it is up has not put its pid down yet.
            wait_until("it has begun", 10, lambda: self.fleet.pid(name) == restarted.pid, every=0.01)

        def all_ended():
            listed = self.fleet.ls("product:weather")
            ended = len(listed) == len(names) and all(d.get("ota") and d["ota"]["state"] in ENDS for d in listed.values())
            return listed if ended and all(d["state"] not in ("offline", "stale") for d in listed.values()) else None
        listed = wait_until("every device has ended", 240, all_ended, every=1)
        for name, d in listed.items():
            self.assertIn(d["image"], images, name)
            if d["ota"]["state"] != "done":
                self.assertNotEqual(d["ota"]["reason"], "none", (name, d["ota"]))
        ended = {name: d["ota"]["state"] + "/" + d["ota"]["reason"] for name, d in listed.items()}
        print("%d kills; ends: %s" % (self.kills, ended))


if __name__ == "__main__":
    main()
