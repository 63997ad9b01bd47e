"""`rollout show` says how far each device itself says it is, who drives the rollout, and when nobody hears the devices."""
import os
import signal
import time

from harness import FleetTest, main, wait_until


def kill(pid):
    os.kill(pid, signal.SIGKILL)
    for _ in range(200):
        try:
            with open("/proc/%d/stat" % pid) as f:
                if f.read().split()[2] == "Z":
                    return
        except FileNotFoundError:
            return
        time.sleep(0.05)


class Show(FleetTest):
    devices = 2

    def text(self, rollout):
        return self.fleet.run("rollout", "show", rollout).stdout

    def test_phases_are_the_devices_own_and_what_stands_still_is_said(self):
        # A trial without an end within the test: the phase stays what it is.
        rollout = self.fleet.start("weather@1.4.0", "--stages", "100%", "--jitter", "0", "--trial", "1h", "--silence-after", "2h")
        wait_until("both are on trial", 180, lambda: {d["state"] for d in self.fleet.show(rollout)["devices"]} == {"trial"})
        drive = self.fleet.show(rollout)["drive"]
        self.assertRegex(drive["engine"], "^serve, pid [0-9]+ on host ")
        self.assertIn("  engine: serve, pid ", self.text(rollout))
        wait_until("the engine hears", 60, lambda: not self.fleet.show(rollout)["drive"]["deaf"])

        kill(self.fleet.service_pid("mosquitto"))
        wait_until("the engine is deaf", 120, lambda: self.fleet.show(rollout)["drive"]["deaf"])
        wait_until("it is said", 60, lambda: "no link to the broker since" in self.text(rollout))
        broker = self.fleet.start_broker()
        self.addCleanup(broker.wait)
        self.addCleanup(broker.terminate)
        wait_until("the engine hears again", 120, lambda: not self.fleet.show(rollout)["drive"]["deaf"])

        kill(self.fleet.service_pid("serve"))
        wait_until("nobody drives", 60, lambda: self.fleet.show(rollout)["drive"]["engine"] is None)
        self.assertIn("nobody runs it, so nothing moves", self.text(rollout))


if __name__ == "__main__":
    main()
