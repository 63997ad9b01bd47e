#!/usr/bin/env python3
"""Kills real device processes at random moments of real updates, and looks whether they ever fail to start.

    tests/torture/device/kill_loop.py --kills 1000 --devices 10

A private fleet (broker, gateway, N times muster-device) is updated again and again, to and fro between two good programs that are
signed anew under a rising seq. Each update is struck one to four times by SIGKILL, which to a device is the loss of its power: mostly
while it downloads, checks, installs, restarts or is on trial, some of them while it boots from the kill before. After each kill the
flash must hold a bootable image, and when the power is back the device must come online with one of the two images. Each update must come to an
end. Exit 0 if all that held. The seed is printed; --seed repeats the choices (not the timing, which is the machine's).
"""
import argparse
import collections
import os
import random
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "attack"))

from kit import ENDS, Device, Ear, Fleet, Keys, wait_until  # noqa: E402

# Where to strike: (state reported, share, at most so many seconds later). None: while it boots.
AIMS = [("downloading", 34, 1.6), ("verifying", 8, 0.06), ("installing", 8, 0.06), ("rebooting", 20, 0.8), ("trial", 25, 2.2), ("waiting", 5, 0.3)]
UPDATE_S = 150  # an update that has not ended by then is stuck


class Count:
    """What all the threads have seen."""

    def __init__(self, kills):
        self.lock = threading.Lock()
        self.wanted, self.kills = kills, 0
        self.state, self.reset, self.ends = collections.Counter(), collections.Counter(), collections.Counter()
        self.faults = []

    def take(self):
        """May another kill be made? It counts then."""
        with self.lock:
            if self.kills >= self.wanted or self.faults:
                return False
            self.kills += 1
            return True

    def over(self):
        with self.lock:
            return self.kills >= self.wanted or bool(self.faults)


class Victim:
    def __init__(self, device, images, count, seed):
        self.d, self.images, self.count = device, images, count
        self.rng = random.Random(seed)
        self.release_seq = 100
        self.last_n = 0

    # ---- what it says of the update under way
    def said(self, since):
        return [r for r in self.d.reports(since) if r.get("rollout") == self.rollout]

    def last(self, since):
        said = self.said(since)
        return said[-1] if said else None

    def follow(self, since, states, until):
        """The first report since then in one of the states; None when time is up."""
        while time.monotonic() < until:
            for r in self.said(since):
                if r["state"] in states:
                    return r
            time.sleep(0.01)
        return None

    def ended(self):
        return any(r["state"] in ENDS for r in self.said(self.ordered))

    # ---- one kill
    def strike(self, since, state=None):
        said = self.last(since)
        self.count.state[state or (said["state"] if said else "ordered")] += 1
        self.d.off()
        whole = [line.split() for line in self.d.shown().splitlines() if line.startswith("ota_") and "no image" not in line]
        if not any(words[4] in self.images for words in whole):
            raise AssertionError("%s: no slot holds a whole published image:\n%s" % (self.d.id, self.d.shown()))

    def power_on(self, since):
        """Back on; with luck it loses power again while it boots."""
        while True:
            began = time.time()
            process = self.d.on()
            if self.rng.random() < 0.15 and self.count.take():
                time.sleep(self.rng.uniform(0, 0.5))
                if process.poll() is not None:
                    raise AssertionError("%s: muster-device ended with %d" % (self.d.id, process.returncode))
                self.strike(since, "booting")
                continue
            break

        def up():
            if process.poll() is not None:
                raise AssertionError("%s: muster-device ended with %d" % (self.d.id, process.returncode))
            s = self.d.status(began)
            return s if s and s["state"] == "online" else None
        status = wait_until(self.d.id + " is back", 60, up, every=0.02)
        self.count.reset[status["reset"]] += 1
        if status["image"] not in self.images:
            raise AssertionError("%s runs an image that nobody published: %s" % (self.d.id, status["image"]))

    # ---- one update
    def order(self):
        running = self.d.status()["image"]
        version, size, target = next((v, s, i) for i, (v, s) in self.images.items() if i != running)
        self.release_seq += 1
        release = self.d.release(version=version, size=size, sha256=target, seq=self.release_seq)
        self.rollout = "r-%s-%d" % (self.d.id, self.release_seq)
        text = self.d.signed(release, jitter=1, trial=2, rollout=self.rollout)
        since = self.ordered = time.time()
        self.d.ear.publish("devices/%s/commands/update" % self.d.id, b'{"order":"%s","release":"%s"}' % tuple(t.encode() for t in text), retain=True)
        return since

    def update(self):
        since = self.order()
        until = time.monotonic() + UPDATE_S
        powered = since
        for _ in range(self.rng.randint(1, 4)):
            state, _, span = self.rng.choices(AIMS, [a[1] for a in AIMS])[0]
            r = self.follow(powered, {state} | ENDS, until)
            if r is None or r["state"] in ENDS or not self.count.take():
                break
            time.sleep(self.rng.uniform(0, span))
            self.strike(since)
            powered = time.time()
            self.power_on(since)
            if self.ended():
                break
        end = self.follow(since, ENDS, until)
        if end is None:
            raise AssertionError("%s: no end of its update; last %r" % (self.d.id, self.last(since)))
        self.count.ends[end["state"] + ("" if end["reason"] == "none" else " " + end["reason"])] += 1
        n = [r["n"] for r in self.said(since)]
        if n[0] <= self.last_n or n != sorted(n):
            raise AssertionError("%s: report numbers went back: %d, then %s" % (self.d.id, self.last_n, n))
        self.last_n = n[-1]
        # It must run what it said it runs before it gets the next order.
        wait_until(self.d.id + " is online", 60, lambda: (self.d.status() or {}).get("state") == "online", every=0.05)

    def live(self):
        try:
            while not self.count.over():
                self.update()
        except BaseException as e:
            with self.count.lock:
                self.count.faults.append("%s: %s" % (self.d.id, e))


def run(kills, devices, seed, rate):
    began = time.monotonic()
    fleet = Fleet(devices, {"DEMO_INTERVAL": "10", "DEMO_RATE": str(rate)})
    count = Count(kills)
    victims = []
    try:
        ear = Ear(fleet)
        keys = Keys(fleet.dir)
        images = {}
        for version in ("1.3.0", "1.4.0"):
            shown = fleet.json("release", "show", "weather@" + version)
            images[shown["image"]] = (version, shown["size"])
        victims = [Victim(Device(fleet, ear, keys, "sensor-%03d" % (i + 1)), images, count, seed * 1000 + i) for i in range(devices)]
        threads = [threading.Thread(target=v.live) for v in victims]
        for t in threads:
            t.start()
        told = 0
        while any(t.is_alive() for t in threads):
            time.sleep(1)
            if count.kills >= told + 50:
                told = count.kills
                print("  %4d kills, %d updates ended, %.0f s" % (count.kills, sum(count.ends.values()), time.monotonic() - began), flush=True)
        if count.faults:
            for v in victims:
                if any(f.startswith(v.d.id) for f in count.faults):
                    with open(os.path.join(v.d.home, "log"), errors="replace") as f:
                        print("--- %s\n%s" % (v.d.id, "".join(f.readlines()[-40:])), file=sys.stderr)
        ear.close()
    finally:
        for v in victims:
            if v.d.process and v.d.process.poll() is None:
                v.d.process.terminate()
                v.d.process.wait(15)
        fleet.stop()
    return count, time.monotonic() - began


def main():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("--kills", type=int, default=60)
    p.add_argument("--devices", type=int, default=4)
    p.add_argument("--seed", type=int, default=int(time.time()))
    p.add_argument("--rate", type=int, default=150000, help="bytes per second of each download")
    a = p.parse_args()
    print("%d devices, seed %d" % (a.devices, a.seed), flush=True)
    count, took = run(a.kills, a.devices, a.seed, a.rate)
    print("kills            %d in %.0f s" % (count.kills, took))
    print("  last report    " + ", ".join("%s %d" % c for c in count.state.most_common()))
    print("  reset reasons  " + ", ".join("%s %d" % c for c in count.reset.most_common()))
    print("updates ended    %d" % sum(count.ends.values()))
    print("                 " + ", ".join("%s %d" % c for c in count.ends.most_common()))
    print("unbootable, unsigned, stuck or counted back: %d" % len(count.faults))
    for fault in count.faults:
        print("  " + fault)
    return 1 if count.faults or count.kills < a.kills else 0


if __name__ == "__main__":
    sys.exit(main())
