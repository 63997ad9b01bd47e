"""Alert rules of the profile: fire once, are in ls, acknowledged and silenced by anybody, and outlive the process that found them."""
import json
import os
import signal

from harness import FleetTest, main, wait_until

RULES = """
[alert hot]
when = temp>-60
for = 1
level = crit
target = id=sensor-001

[alert offline]
for = 2

[notify page]
kind = command
command = cat >> "%s"; echo >> "%s"
on = alert, clear
"""


class Alerts(FleetTest):
    devices = 3

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        with open(cls.fleet.profile, "a") as f:
            f.write(RULES % (cls.pages(), cls.pages()))
        wait_until("serve has opened its journal", 30, lambda: cls.fleet.run("alerts", check=False).returncode == 0)
        cls.restart_serve()

    @classmethod
    def pages(cls):
        return os.path.join(cls.fleet.dir, "pages.log")

    def paged(self, event, subject):
        if not os.path.exists(self.pages()):
            return []
        with open(self.pages()) as f:
            pages = [json.loads(line) for line in f if line.strip()]
        return [p for p in pages if p["event"] == event and subject in p.get("subject", "")]

    @classmethod
    def restart_serve(cls, sig=signal.SIGTERM):
        cls.fleet.stop_service("serve", sig)
        cls.fleet.start_serve()

    def alert(self, rule, subject):
        found = [a for a in self.fleet.json("alerts") if a["rule"] == rule and a["subject"] == subject]
        return found[0] if found else None

    def test_1_a_rule_of_the_profile_fires_and_ls_shows_it(self):
        fired = wait_until("hot fires", 40, lambda: self.alert("hot", "sensor-001"))
        self.assertEqual(fired["level"], "crit")
        self.assertIn("temp>-60", fired["text"])
        self.assertIsNone(self.alert("hot", "sensor-002"))
        d = wait_until("it is in ls, and no other", 30, lambda: (lambda d: d if list(d) == ["sensor-001"] else None)(self.fleet.ls("alerts>0")))
        self.assertEqual(d["sensor-001"]["state"], "crit")
        self.assertIn("temp>-60", d["sensor-001"]["why"])

    def test_2_an_acknowledgement_is_kept_with_its_name(self):
        self.fleet.run("alerts", "ack", "hot", "sensor-001")
        self.assertIn("@", self.alert("hot", "sensor-001")["seen_by"])
        self.assertEqual(self.fleet.run("alerts", "ack", "hot", "sensor-001", check=False).returncode, 1)
        self.assertEqual(self.fleet.run("alerts", "ack", "hot", "nobody", check=False).returncode, 1)

    def test_3_it_does_not_fire_again_when_the_process_that_found_it_is_killed(self):
        before = self.alert("hot", "sensor-001")
        wait_until("somebody is paged", 20, lambda: self.paged("alert", "sensor-001"))
        wait_until("the page is off the list", 20, lambda: [n["queued"] for n in self.fleet.json("notify", "ls")] == [0])
        self.restart_serve(signal.SIGKILL)
        # That another device went away and came back tells that the new one judges, and each device several times by then.
        self.fleet.power_off("sensor-002")
        wait_until("offline fires", 30, lambda: self.alert("offline", "sensor-002"))
        self.fleet.power_on("sensor-002")
        wait_until("offline clears", 40, lambda: not self.alert("offline", "sensor-002"))
        after = self.fleet.json("alerts", "--since", "1h")
        mine = [a for a in after if a["rule"] == "hot" and a["subject"] == "sensor-001"]
        self.assertEqual(mine, [before])
        self.assertEqual(len(self.paged("alert", "sensor-001")), 1)

    def test_4_a_silence_takes_it_out_of_the_state_until_it_is_ended(self):
        self.assertEqual(self.fleet.run("alerts", "silence", "id=sensor-001", check=False).returncode, 2)
        made = self.fleet.json("alerts", "silence", "id=sensor-001", "--rule", "hot", "--for", "10m", "--reason", "oven day")
        self.assertEqual([s["reason"] for s in self.fleet.json("alerts", "silences")], ["oven day"])
        self.assertEqual(self.alert("hot", "sensor-001")["silence"]["reason"], "oven day")
        self.assertIn("oven day", self.fleet.run("alerts").stdout)
        wait_until("it is quiet", 20, lambda: self.fleet.ls()["sensor-001"]["state"] == "ok")
        self.fleet.run("alerts", "unsilence", str(made["id"]))
        wait_until("it is loud again", 20, lambda: self.fleet.ls()["sensor-001"]["state"] == "crit")

    def test_4_what_a_colleague_typed_sends_nothing_to_the_terminal(self):
        made = self.fleet.json("alerts", "silence", "id=nobody", "--for", "10m", "--reason", "red \x1b[31m day")
        self.assertIn("red", self.fleet.run("alerts", "silences").stdout)
        self.assertNotIn("\x1b", self.fleet.run("alerts", "silences").stdout)
        self.fleet.run("alerts", "unsilence", str(made["id"]))

    def test_5_a_device_that_goes_away_and_comes_back_fires_and_clears(self):
        self.fleet.power_off("sensor-003")
        wait_until("offline fires", 30, lambda: self.alert("offline", "sensor-003"))
        wait_until("somebody is paged", 20, lambda: self.paged("alert", "sensor-003"))
        self.fleet.power_on("sensor-003")
        wait_until("offline clears", 40, lambda: not self.alert("offline", "sensor-003"))
        wait_until("and told that it is over", 30, lambda: self.paged("clear", "sensor-003"))
        past = [a for a in self.fleet.json("alerts", "--since", "1h") if a["rule"] == "offline" and a["subject"] == "sensor-003"]
        self.assertEqual(len(past), 1)
        self.assertIsNotNone(past[0]["cleared"])

    def test_6_the_audit_chain_names_who_acknowledged_and_silenced(self):
        self.assertEqual(self.fleet.run("journal", "verify").returncode, 0)

    def test_7_one_device_is_shown_with_its_readings_and_commands(self):
        self.fleet.run("device", "config", "sensor-002", "interval=3", "--yes")

        def answered():
            shown = self.fleet.json("device", "show", "sensor-002")
            return shown if any(c["verb"] == "config" and c["ok"] for c in shown["commands"]) else None
        shown = wait_until("the answer is shown", 20, answered, every=1)
        self.assertEqual(shown["fw"], "1.3.0")
        self.assertIn("temperature", shown["readings"])
        self.assertIn("config", self.fleet.run("device", "show", "sensor-002").stdout)
        self.assertEqual(self.fleet.run("device", "show", "nobody", check=False).returncode, 1)


if __name__ == "__main__":
    main()
