"""A maintenance window of one minute: nobody is told before it opens, nobody begins when it has closed, and the close is nobody's fault."""
import time

from harness import FleetTest, main, wait_until

TRIAL = 35  # s: while one is on trial nobody else is told, so the minute is long enough for two


class Window(FleetTest):
    devices = 3

    def first_words(self):
        """When each device said its first word about the order, by its own clock."""
        first = {}
        for _, who, r in self.ear.reports():
            first.setdefault(who, r["ts"])
        return first

    def free_again(self, rollout):
        """The rollout, once nobody is under way."""
        shown = self.fleet.show(rollout)
        return shown if {d["state"] for d in shown["devices"]} <= {"planned", "done", "failed", "silent"} else None

    def test_nobody_is_told_outside_and_the_close_is_nobodys_fault(self):
        opens = (int(time.time()) + 20) // 60 * 60 + 60
        close = opens + 60
        clock = [time.strftime("%H:%M", time.gmtime(t)) for t in (opens, close)]
        rollout = self.fleet.start("weather@1.4.0", "--stages", "100%", "--jitter", "2", "--trial", str(TRIAL), "--in-flight", "1",
                                   "--window", "%s-%s UTC" % tuple(clock))
        waiting = wait_until("it runs", 10, lambda: (lambda s: s if s["state"] == "running" else None)(self.fleet.show(rollout)))
        if time.time() < opens:  # a machine that took its time has nothing to say about that
            self.assertIn("the window opens in", waiting["waits"])
        wait_until("one is told", 130, self.first_words)

        time.sleep(max(0, close + 2 - time.time()))
        shown = wait_until("nobody is under way any more", 60, lambda: self.free_again(rollout), every=1)
        time.sleep(3)
        self.ear.caught_up()
        told = self.first_words()
        for who, ts in told.items():
            self.assertTrue(opens <= ts < close, (who, ts - opens))
        self.assertLess(len(told), 3, "each takes more than %d s of the minute" % TRIAL)
        shown = self.fleet.show(rollout)
        self.assertEqual({d["state"] for d in shown["devices"] if d["id"] not in told}, {"planned"})
        self.assertEqual({d["state"] for d in shown["devices"] if d["id"] in told} & {"failed", "silent"}, set())
        self.assertIn("the window opens in 23 h", shown["waits"])
        self.fleet.run("rollout", "abort", rollout, "--yes")
        self.fleet.wait_state(rollout, {"aborted"}, 60)


if __name__ == "__main__":
    main()
