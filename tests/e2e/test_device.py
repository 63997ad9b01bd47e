"""What one device promises its operator: commands are carried out once and answered, an update can be taken back, a program that keeps
crashing is left for the one before it, and nothing that was measured is lost while the broker is away."""
import json
import os
import signal
import sys
import threading
import time

from harness import BUILD, FleetTest, hash_of, main, read_text, wait_until
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "attack"))

from kit import jws, load_key as load  # noqa: E402


class Stalls(threading.Thread):
    """How long this machine has left a program without a turn, at most."""

    def __init__(self):
        super().__init__(daemon=True)
        self.most, self.over = 0.0, threading.Event()

    def run(self):
        before = time.monotonic()
        while not self.over.wait(0.1):
            now = time.monotonic()
            self.most, before = max(self.most, now - before - 0.1), now

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.join()


class Device(FleetTest):
    devices = 5
    env = {"DEMO_INTERVAL": "2"}

    def child(self, device):
        """The pid of the program that runs on the device now."""
        pid = self.fleet.pid(device)
        with open("/proc/%d/task/%d/children" % (pid, pid)) as f:
            children = f.read().split()
        return int(children[0]) if children else None

    def update(self, *devices, release="weather@1.4.0"):
        rollout = self.fleet.start(release, "--target", " or ".join("id:" + d for d in devices), "--stages", "100%",
                                   "--jitter", "1", "--trial", "3", "--soak", "1")
        shown = self.fleet.wait_state(rollout, {"done", "stopped", "aborted"}, 120)
        self.assertEqual(shown["state"], "done", shown)
        return rollout

    def order(self, device, verb, seq, **change):
        now = int(time.time())
        body = {"verb": verb, "fleet": "demo", "dev": device, "seq": seq, "iat": now, "nbf": now - 5, "exp": now + 3600}
        body.update(change)
        key = load(os.path.join(self.fleet.dir, "pki", "keys", "rollout.key"))
        return json.dumps({"order": jws(key, "muster-order", body)})

    def send(self, device, verb, body):
        since = time.time()
        self.ear.publish("devices/%s/commands/%s" % (device, verb), body)
        heard = wait_until("a reply from " + device, 20, lambda: self.ear.messages("%s/reply/%s" % (device, verb), since))
        return json.loads(heard[-1][2])

    def comes_back(self, device, version, since):
        def there():
            d = self.fleet.ls().get(device)
            return d if d and d["fw"] == version and d["state"] != "offline" else None
        return wait_until("%s runs %s" % (device, version), 90, there, every=0.5)

    def test_a_rollback_order_brings_the_earlier_firmware_back(self):
        device = "sensor-001"
        before = self.fleet.ls()[device]
        self.assertEqual(before["fw"], "1.3.0")
        refused = self.fleet.json("device", "rollback", device, "--yes", "--rollout", "r-20200101-1", check=False)
        self.assertFalse(refused["ok"])
        self.assertEqual(refused["reason"], "no_way_back")

        rollout = self.update(device)
        since = time.time()
        answer = self.fleet.json("device", "rollback", device, "--yes")
        self.assertTrue(answer["ok"], answer)
        self.comes_back(device, "1.3.0", since)

        def end():
            ends = [r for when, _, r in self.ear.reports(device) if when >= since and r["state"] in ("rolled_back", "failed", "done")]
            return ends[-1] if ends else None
        report = wait_until("the end of the rollback", 60, end)
        self.assertEqual((report["state"], report["reason"], report["rollout"]), ("rolled_back", "aborted_by_operator", rollout), report)
        self.assertEqual((report["from"], report["to"]), ("1.4.0", "1.3.0"))
        self.assertEqual(report["image"], before["image"])
        again = self.fleet.json("device", "rollback", device, "--yes", check=False)
        self.assertEqual(again["reason"], "no_way_back")

    def test_a_program_that_keeps_crashing_is_left_for_the_one_before_it(self):
        device = "sensor-002"
        self.update(device)
        since = time.time()
        crashed = 0.0
        for n in range(1, 6):
            # It has taken stock of its start when it says that it is there, and ten minutes of calm are far away.
            wait_until("it is online", 60, lambda: [m for m in self.ear.messages(device + "/status", crashed) if b'"online"' in m[2]])
            program = wait_until("the program runs", 60, lambda: self.child(device))
            crashed = time.time()
            os.kill(program, signal.SIGSEGV)
            wait_until("crash %d" % n, 20, lambda: self.child(device) not in (None, program))
        self.comes_back(device, "1.3.0", since)

        def end():
            ends = [r for when, _, r in self.ear.reports(device) if when >= since and r["state"] == "rolled_back"]
            return ends[-1] if ends else None
        report = wait_until("the device says why", 60, end)
        self.assertEqual(report["reason"], "panic", report)
        self.assertIn("kept crashing", report["detail"])
        self.assertEqual(report["image"], hash_of(self.fleet, "weather@1.3.0"))

    def test_a_program_that_dies_at_its_start_once_it_was_found_good_is_left_too(self):
        """Its agent never hears of it: the bootloader counts, and has the agent go back."""
        device = "sensor-005"  # of its own: after a row of crashes the boot loader takes its time
        before = self.fleet.ls()[device]
        path = os.path.join(self.fleet.dir, "run", "weather-1.7.0.bin")
        self.fleet.run("release", "build", "--elf", os.path.join(BUILD, "firmware/ports/linux/weather-1.7.0-late"), "--product", "weather", "--hw", "linux",
                       "--version", "1.7.0", "--security", "1", "-o", path, "-q")
        self.fleet.run("release", "sign", path, "-o", path + ".jws", "-q")
        self.fleet.run("release", "publish", path, "--jws", path + ".jws", "-q")
        rollout = self.update(device, release="weather@1.7.0")
        since = time.time()
        self.fleet.run("device", "reboot", device, "--yes", check=False)
        self.comes_back(device, before["fw"], since)

        def end():
            ends = [r for when, _, r in self.ear.reports(device) if when >= since and r["state"] == "rolled_back"]
            return ends[-1] if ends else None
        report = wait_until("the device says why", 60, end)
        self.assertEqual((report["reason"], report["detail"]), ("panic", "died before its agent came up"), report)
        self.assertEqual((report["rollout"], report["from"], report["to"]), (rollout, "1.7.0", before["fw"]), report)
        self.assertEqual(report["image"], before["image"])
        log = read_text(os.path.join(self.fleet.home(device), "log"))
        self.assertEqual(log.count("keeps dying before its agent comes up: back to the one before it"), 1)

    def test_commands_are_carried_out_once_and_in_order(self):
        device = "sensor-003"
        newer = self.order(device, "config", 2000000000, set={"interval": 3})
        older = self.order(device, "config", 1999999999, set={"interval": 7})
        self.assertTrue(self.send(device, "config", newer)["ok"])
        self.assertEqual(self.send(device, "config", older)["reason"], "replay")
        self.assertTrue(self.send(device, "config", newer)["ok"], "the first answer again")
        self.assertEqual(self.send(device, "renew", self.order(device, "renew", 1999999990))["reason"], "unsupported")
        late = self.order(device, "config", 2000000005, set={"interval": 9}, nbf=1, exp=int(time.time()) - 60)
        self.assertEqual(self.send(device, "config", late)["reason"], "expired")

        boot = self.fleet.ls()[device]["boot"]
        reboot = self.order(device, "reboot", 1999999995)
        self.assertTrue(self.send(device, "reboot", reboot)["ok"])

        def restarted():
            d = self.fleet.ls().get(device)
            return d if d and d["boot"] != boot and d["state"] != "offline" else None
        boot = wait_until("the restart", 60, restarted)["boot"]
        self.assertTrue(self.send(device, "reboot", reboot)["ok"], "the first answer again, over the restart")
        time.sleep(4)
        self.assertEqual(self.fleet.ls()[device]["boot"], boot, "it must not have restarted twice")

        # And the new interval has survived the restart.
        since = time.time()
        status = json.loads([m for m in self.ear.messages(device + "/status") if b'"online"' in m[2]][-1][2])
        self.assertEqual(status["interval"], 3)

        def gaps():
            stamps = [json.loads(m[2])["ts"] for m in self.ear.messages(device + "/telemetry/environment", since)]
            return [b - a for a, b in zip(stamps, stamps[1:])]
        wait_until("a reading every three seconds, by their own times", 30, lambda: any(pair == (3, 3) for pair in zip(gaps(), gaps()[1:])))

    def test_z_nothing_measured_is_lost_while_the_broker_is_away(self):
        device = "sensor-004"
        name = device + "/telemetry/environment"
        self.fleet.run("device", "config", device, "interval=1s", "--yes")
        wait_until("readings each second", 30, lambda: len(self.ear.messages(name)) > 5)
        connects = self.ear.connects
        self.ear.client.reconnect_delay_set(1, 1)
        with Stalls() as stalls:
            self.fleet.stop_service("mosquitto")
            gone = time.time()
            time.sleep(12)
            # The board is frozen for the moment in which the ear, which nothing is kept for, comes back.
            self.fleet.kill(device, signal.SIGSTOP)
            frozen = time.time()
            self.fleet.start_broker()
            wait_until("the ear is back", 10, lambda: self.ear.connects > connects)
            self.ear.caught_up()
            self.fleet.kill(device, signal.SIGCONT)
            frozen = time.time() - frozen
            end = time.time() + 10

            def stamps():
                return [json.loads(m[2])["ts"] for m in self.ear.messages(name)]
            wait_until("it sends what is new", 90, lambda: stamps()[-1] > end, every=0.5)
        # A reading may come twice, with the same time: the broker died before it could acknowledge.
        seen, fresh = set(), []
        for ts in stamps():
            if ts not in seen:
                fresh.append(ts)
            seen.add(ts)
        self.assertEqual(fresh, sorted(fresh), "in the order in which they were measured")
        away = [ts for ts in fresh if gone - 5 <= ts <= end]
        gaps = sorted(b - a for a, b in zip(away, away[1:]))
        self.assertLessEqual(away[0], gone - 5 + 2 + stalls.most, away)
        self.assertLessEqual(gaps[-1], frozen + 2 + stalls.most, away)
        self.assertLessEqual(gaps[-2], 2 + stalls.most, away)


if __name__ == "__main__":
    main()
