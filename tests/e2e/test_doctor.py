#!/usr/bin/env python3
"""`muster doctor`: what the profile names and can't be used is told with its path, the system's cause, and what to do."""
import json
import os
import re

from harness import FleetTest, free_port, main


class Doctor(FleetTest):
    devices = 1

    def setUp(self):
        os.makedirs(os.path.join(self.fleet.dir, "folder"), exist_ok=True)
        with open(os.path.join(self.fleet.dir, "text.pem"), "w", encoding="utf-8") as f:
            f.write("this is none\n")

    def findings(self, section, key, value):
        """Of a profile where one setting is another: {check: finding}; the worst of several."""
        with open(self.fleet.profile, encoding="utf-8") as f:
            head, mark, rest = f.read().partition("[%s]" % section)
        text = head + mark + re.sub(r"(?m)^%s *=.*" % key, "%s = %s" % (key, value), rest, count=1)
        path = os.path.join(self.fleet.dir, "other.ini")
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
        done = self.fleet.run("--profile", path, "doctor", "--json", check=False)
        worst = {}
        for finding in json.loads(done.stdout):
            if finding["severity"] != "ok" or finding["check"] not in worst:
                worst[finding["check"]] = finding
        return worst, done.returncode

    def says(self, section, key, value, check, *texts, severity="broken"):
        worst, _ = self.findings(section, key, value)
        finding = worst[check]
        self.assertEqual(finding["severity"], severity, finding)
        for text in texts:
            self.assertIn(text, finding["text"])
        self.assertTrue(finding["do"], "what to do is said: %r" % finding)
        return worst

    def test_nothing_is_wrong_at_first(self):
        worst, code = self.findings("trust", "no_such_key", "")
        self.assertEqual(code, 0, worst)
        self.assertLessEqual({f["severity"] for f in worst.values()}, {"ok", "note"}, worst)

    def test_a_key_has_its_cause(self):
        for value, cause in (("nowhere.key", "No such file or directory"), ("profile.ini/key", "Not a directory"),
                             ("folder", "it is not a file"), ("text.pem", "there is no private key in it")):
            path = os.path.join(self.fleet.dir, value)
            self.says("broker", "key", value, "operator key", path, cause)
            self.says("trust", "rollout_key", value, "rollout key", path, cause)
            self.says("trust", "release_key", value, "release key", path, cause, severity="note")

    def test_so_have_the_other_files(self):
        for value, cause in (("nowhere.pem", "No such file or directory"), ("profile.ini/x", "Not a directory")):
            path = os.path.join(self.fleet.dir, value)
            self.says("broker", "cert", value, "operator", path, cause)
            self.says("broker", "ca", value, "authority", path, cause)
            self.says("trust", "keyset", value, "keyset", path, cause)
            self.says("gateway", "cert", value, "gateway cert", path, cause)
        self.says("store", "dir", "profile.ini/x", "store", "Not a directory")
        self.says("journal", "path", "profile.ini/x", "journal", "Not a directory")
        self.says("journal", "path", "folder", "journal", "Is a directory")

    def test_who_cannot_show_a_certificate_does_not_ask(self):
        worst = self.says("broker", "key", "nowhere.key", "broker", "not asked")
        self.assertIn("not asked", worst["gateway"]["text"])
        self.assertIn("operator key", worst["gateway"]["do"])

    def test_nobody_listens_there(self):
        self.says("broker", "port", str(free_port()), "broker", "Connection refused")

    def test_looking_makes_nothing(self):
        for section, key in (("journal", "path"), ("store", "dir")):
            self.says(section, key, "nowhere", "journal" if section == "journal" else "store", "is not there", severity="note")
            self.assertFalse(os.path.exists(os.path.join(self.fleet.dir, "nowhere")))


if __name__ == "__main__":
    main()
