#!/usr/bin/env python3
"""Orders and releases that must not be taken: each refused with its own reason, and the old program goes on as if nothing had come."""
import os
import time
import unittest

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from kit import Cases, b64, compact, es256, hs256_with_public_key, jwk, jws, kid, new_key, rs256, tests_of, unb64, wait_until

DEEP = b'{"x":' * 40 + b"1" + b"}" * 40


@tests_of
class Orders(Cases):
    devices = 4

    @classmethod
    def prepare(cls):
        """The fleet's keyset with one revoked key for each role, as after a theft."""
        super().prepare()
        cls.stranger, cls.gone_rollout, cls.gone_release = new_key(), new_key(), new_key()
        k = cls.keys.keyset
        keyset = cls.keys.signed_keyset(rollout=k["rollout"] + [jwk(cls.gone_rollout)], release=k["release"] + [jwk(cls.gone_release)],
                                        revoked=[kid(cls.gone_rollout), kid(cls.gone_release)])
        for d in cls.pool:
            d.reflash(cls.factory_image(), keyset=("string", keyset), release_seq=("u32", "100"))

    # ---- how a case is judged
    def refused(self, d, reason, send):
        """`send` makes the attack; the device says no with this reason, and nothing else has changed."""
        before = d.snapshot()
        since = send()
        answer = d.wait_report(since, 20, state={"rejected", "failed", "done", "downloading", "expired"})
        self.assertEqual(answer["state"], "rejected", answer)
        self.assertIn(answer["reason"], (reason,) if isinstance(reason, str) else reason, answer)
        self.untouched(d, before)
        return answer

    def untouched(self, d, before):
        self.assertEqual(d.snapshot(), before, "it must not even have restarted")

    def order_is(self, d, reason, make):
        """`make(release text)` gives the order; the release is a good one."""
        text = jws(self.keys.release, "muster-release", d.release())
        return self.refused(d, reason, lambda: d.send(make(text), text))

    def release_is(self, d, reason, text):
        """The order is a good one for this release."""
        return self.refused(d, reason, lambda: d.send(jws(self.keys.rollout, "muster-order", d.order(text)), text))

    def pair_is(self, d, reason, pair):
        return self.refused(d, reason, lambda: d.send(*pair))

    # ---- where from
    def case_another_host(self, d):
        """Without a list of hosts it is the one of the device's own url."""
        self.order_is(d, "host_not_allowed", lambda t: jws(self.keys.rollout, "muster-order", d.order(t, url="https://elsewhere.invalid/x/")))

    def case_odd_urls(self, d):
        port = self.fleet.ini["gateway"]["url"].split(":")[2].split("/")[0]
        for url in ("../", "/x/", "//elsewhere.invalid/", "a/../../", "x", "https://u@127.0.0.1/", "https://elsewhere.invalid\\@127.0.0.1:%s/" % port,
                    "HTTPS://127.0.0.1/", "https://127.0.0.1#/", "https://127.0.0.1?/"):
            self.order_is(d, "bad_order", lambda t: jws(self.keys.rollout, "muster-order", d.order(t, url=url)))

    # ---- keys and signatures of orders
    def case_order_by_a_stranger(self, d):
        answer = self.order_is(d, "unknown_key", lambda t: jws(self.stranger, "muster-order", d.order(t)))
        self.assertEqual(answer.get("rollout", ""), "", "what was not authentic is not repeated")

    def case_order_by_a_stranger_under_a_known_kid(self, d):
        self.order_is(d, "bad_signature", lambda t: jws(self.stranger, "muster-order", d.order(t), kid=kid(self.keys.rollout)))

    def case_order_by_a_release_key(self, d):
        self.order_is(d, "unknown_key", lambda t: jws(self.keys.release, "muster-order", d.order(t)))

    def case_order_by_the_root_key(self, d):
        self.order_is(d, "unknown_key", lambda t: jws(self.keys.root, "muster-order", d.order(t)))

    def case_order_by_a_revoked_key(self, d):
        self.order_is(d, "revoked_key", lambda t: jws(self.gone_rollout, "muster-order", d.order(t)))

    def case_order_with_one_byte_changed(self, d):
        def spoil(text):
            head, body, signature = jws(self.keys.rollout, "muster-order", d.order(text)).split(".")
            body = b64(unb64(body).replace(b'"jitter":0', b'"jitter":1'))
            return ".".join((head, body, signature))
        self.order_is(d, "bad_signature", spoil)

    def case_order_under_the_header_of_a_release(self, d):
        self.order_is(d, "bad_order", lambda t: jws(self.keys.rollout, "muster-release", d.order(t)))

    def case_alg_none(self, d):
        self.order_is(d, "bad_signature", lambda t: jws(self.keys.rollout, "muster-order", d.order(t), alg="none"))

    def case_alg_none_without_a_signature(self, d):
        self.order_is(d, "bad_signature", lambda t: jws(self.keys.rollout, "muster-order", d.order(t), alg="none", sign=lambda k, x: b""))

    def case_alg_none_in_other_letters(self, d):
        self.order_is(d, "bad_signature", lambda t: jws(self.keys.rollout, "muster-order", d.order(t), alg="NoNe", sign=lambda k, x: b""))

    def case_alg_hs256_with_the_public_key_as_secret(self, d):
        self.order_is(d, "bad_signature", lambda t: jws(self.keys.rollout, "muster-order", d.order(t), alg="HS256", sign=hs256_with_public_key))

    def case_alg_rs256(self, d):
        text = jws(self.keys.release, "muster-release", d.release())
        small = {k: v for k, v in d.order(text).items() if k != "trial"}
        order = jws(self.keys.rollout, "muster-order", small, alg="RS256", sign=rs256)
        # An RSA signature makes it longer than any order: both refusals are right.
        before, since = d.snapshot(), d.send(order, text)
        self.assertIn(d.wait_report(since, 20)["reason"], ("bad_signature", "bad_order"))
        self.untouched(d, before)

    def case_alg_missing(self, d):
        self.order_is(d, "bad_order", lambda t: jws(self.keys.rollout, "muster-order", d.order(t), alg=None))

    def case_es256_with_a_zero_signature(self, d):
        self.order_is(d, "bad_signature", lambda t: jws(self.keys.rollout, "muster-order", d.order(t), sign=lambda k, x: b"\0" * 64))

    def case_es256_with_a_der_signature(self, d):
        self.order_is(d, "bad_signature",
                      lambda t: jws(self.keys.rollout, "muster-order", d.order(t), sign=lambda k, x: k.sign(x.encode(), ec.ECDSA(hashes.SHA256()))))

    def case_kid_missing(self, d):
        self.order_is(d, "bad_order", lambda t: jws(self.keys.rollout, "muster-order", d.order(t), kid=None))

    def case_kid_unknown(self, d):
        self.order_is(d, "unknown_key", lambda t: jws(self.keys.rollout, "muster-order", d.order(t), kid="0123456789abcdef"))

    def case_kid_in_capitals(self, d):
        self.order_is(d, "bad_order", lambda t: jws(self.keys.rollout, "muster-order", d.order(t), kid=kid(self.keys.rollout).upper().replace("0", "A")))

    def case_kid_that_begins_like_a_good_one(self, d):
        self.order_is(d, "bad_order", lambda t: jws(self.keys.rollout, "muster-order", d.order(t), kid=kid(self.keys.rollout)[:15]))

    def case_kid_that_is_a_path(self, d):
        self.order_is(d, "bad_order", lambda t: jws(self.keys.rollout, "muster-order", d.order(t), kid="../../rollout"))

    def case_key_brought_along_in_the_header(self, d):
        self.order_is(d, ("unknown_key", "bad_order"), lambda t: jws(self.stranger, "muster-order", d.order(t), jwk=jwk(self.stranger)))

    def case_crit_in_the_header(self, d):
        self.order_is(d, "bad_order", lambda t: jws(self.keys.rollout, "muster-order", d.order(t), crit=["exp"]))

    def case_duplicate_alg_in_the_header(self, d):
        def twice(text):
            head = b'{"alg":"none","alg":"ES256","kid":"%s","typ":"muster-order"}' % kid(self.keys.rollout).encode()
            signed = b64(head) + "." + b64(compact(d.order(text)))
            return signed + "." + b64(es256(self.keys.rollout, signed))
        self.order_is(d, "bad_order", twice)

    # ---- keys and signatures of releases
    def case_release_by_a_rollout_key(self, d):
        self.release_is(d, "unknown_key", jws(self.keys.rollout, "muster-release", d.release()))

    def case_release_by_a_stranger(self, d):
        self.release_is(d, "unknown_key", jws(self.stranger, "muster-release", d.release()))

    def case_release_by_a_stranger_under_a_known_kid(self, d):
        self.release_is(d, "bad_signature", jws(self.stranger, "muster-release", d.release(), kid=kid(self.keys.release)))

    def case_release_by_a_revoked_key(self, d):
        self.release_is(d, "revoked_key", jws(self.gone_release, "muster-release", d.release()))

    def case_release_unsigned(self, d):
        self.release_is(d, "bad_signature", jws(self.keys.release, "muster-release", d.release(), alg="none", sign=lambda k, x: b""))

    def case_tampered_release(self, d):
        head, body, signature = jws(self.keys.release, "muster-release", d.release()).split(".")
        body = b64(unb64(body).replace(b'"size":100000', b'"size":100001'))
        self.release_is(d, "bad_signature", ".".join((head, body, signature)))

    def case_order_in_the_place_of_a_release(self, d):
        text = jws(self.keys.release, "muster-release", d.release())
        order = jws(self.keys.rollout, "muster-order", d.order(text))
        self.release_is(d, "bad_release", order)

    # ---- whom and when
    def case_order_for_another_device(self, d):
        self.pair_is(d, "wrong_device", d.signed(dev="sensor-999"))

    def case_order_for_a_device_whose_name_begins_alike(self, d):
        self.pair_is(d, "wrong_device", d.signed(dev=d.id + "0"))

    def case_order_of_another_fleet(self, d):
        self.pair_is(d, "wrong_fleet", d.signed(fleet="other"))

    def case_freeze_expired_order(self, d):
        now = int(time.time())
        self.pair_is(d, "expired", d.signed(iat=now - 7200, nbf=now - 7200, exp=now - 3600))
        self.assertEqual(d.status()["release_seq"], 100, "so that the operator sees who stays behind")

    def case_order_of_another_verb_on_the_topic(self, d):
        text = jws(self.keys.release, "muster-release", d.release())
        self.refused(d, "bad_order", lambda: d.send(jws(self.keys.rollout, "muster-order", d.order(text, verb="abort")), text))

    # ---- mix and match
    def case_mix_and_match_order_for_a_with_release_b(self, d):
        a = jws(self.keys.release, "muster-release", d.release())
        b = jws(self.keys.release, "muster-release", d.release(version="9.9.8"))
        self.refused(d, "bad_order", lambda: d.send(jws(self.keys.rollout, "muster-order", d.order(a)), b))

    def case_same_release_signed_twice(self, d):
        """Two signatures of the same release are two texts: the order names one."""
        release = d.release()
        a, b = (jws(self.keys.release, "muster-release", release) for _ in range(2))
        self.refused(d, "bad_order", lambda: d.send(jws(self.keys.rollout, "muster-order", d.order(a)), b))

    # ---- what the release says
    def case_downgrade(self, d):
        """The factory has flashed release 100: neither that nor an older one is taken, whatever version it names."""
        self.pair_is(d, "downgrade", d.signed(d.release(seq=100)))
        self.pair_is(d, "downgrade", d.signed(d.release(seq=99, version="99.0.0")))
        self.pair_is(d, "downgrade", d.signed(d.release(seq=0)))

    def case_security_downgrade(self, d):
        self.pair_is(d, "security_downgrade", d.signed(d.release(security=0)))

    def case_wrong_product(self, d):
        self.pair_is(d, "wrong_product", d.signed(d.release(product="pump")))

    def case_wrong_hardware(self, d):
        self.pair_is(d, "wrong_hw", d.signed(d.release(hw=["esp32", "esp32c3"])))

    def case_precursor(self, d):
        self.pair_is(d, "precursor", d.signed(d.release(min_from="1.3.9")))

    def case_agent_too_old(self, d):
        self.pair_is(d, "agent_too_old", d.signed(d.release(min_agent=99)))

    def case_too_big(self, d):
        self.pair_is(d, "too_big", d.signed(d.release(size=0x1C0001)))
        self.pair_is(d, "too_big", d.signed(d.release(size=0xFFFFFFFF)))

    def case_size_zero(self, d):
        self.pair_is(d, "bad_release", d.signed(d.release(size=0)))

    # ---- parser tricks in the payloads, signed by the right keys
    def payload_is(self, d, change):
        text = jws(self.keys.release, "muster-release", d.release())
        body = compact(d.order(text))
        self.refused(d, "bad_order", lambda: d.send(jws(self.keys.rollout, "muster-order", change(body)), text))
        body = compact(d.release())
        self.release_is(d, "bad_release", jws(self.keys.release, "muster-release", change(body)))

    def case_parser_duplicate_keys(self, d):
        self.payload_is(d, lambda b: b[:-1] + b',"url":"https://x/"}' if b'"url"' in b else b[:-1] + b',"size":1}')

    def case_parser_duplicate_keys_in_disguise(self, d):
        self.payload_is(d, lambda b: b[:-1] + b',"\\u0073eq":1}')

    def case_parser_deep_nesting(self, d):
        self.payload_is(d, lambda b: b[:-1] + b',"x":' + DEEP + b"}")

    def case_parser_many_brackets(self, d):
        self.payload_is(d, lambda b: b[:-1] + b',"x":' + b"[" * 60)

    def case_parser_huge_numbers(self, d):
        self.payload_is(d, lambda b: b.replace(b'"seq":', b'"seq":99999999999999999999'))

    def case_parser_number_just_beyond_32_bits(self, d):
        self.payload_is(d, lambda b: b.replace(b'"seq":', b'"seq":4294967296,"y":'))

    def case_parser_negative_number(self, d):
        self.payload_is(d, lambda b: b.replace(b'"seq":', b'"seq":-'))

    def case_parser_exponent(self, d):
        self.payload_is(d, lambda b: b.replace(b'"seq":', b'"seq":1e'))

    def case_parser_number_as_text(self, d):
        self.payload_is(d, lambda b: b.replace(b'"seq":', b'"seq":"9","y":'))

    def case_parser_nul(self, d):
        self.payload_is(d, lambda b: b[:-1] + b"\0}")

    def case_parser_escaped_nul(self, d):
        self.payload_is(d, lambda b: b.replace(b'"demo"', b'"demo\\u0000x"').replace(b'"weather"', b'"weather\\u0000x"'))

    def case_parser_invalid_utf8(self, d):
        self.payload_is(d, lambda b: b[:-1] + b',"x":"\xc3\x28"}')

    def case_parser_overlong_utf8(self, d):
        self.payload_is(d, lambda b: b[:-1] + b',"x":"\xc0\xaf"}')

    def case_parser_trailing_bytes(self, d):
        self.payload_is(d, lambda b: b + b" x")

    def case_parser_second_object(self, d):
        self.payload_is(d, lambda b: b + b + b"" if len(b) < 200 else b + b"{}")

    def case_parser_crit_names_what_is_unknown(self, d):
        self.payload_is(d, lambda b: b[:-1] + b',"crit":["window"],"window":1}')

    def case_parser_cut_short(self, d):
        self.payload_is(d, lambda b: b[:-1])

    def case_parser_empty(self, d):
        self.payload_is(d, lambda b: b"{}")

    def case_parser_text_too_long(self, d):
        self.payload_is(d, lambda b: b.replace(b'"demo"', b'"' + b"d" * 70 + b'"').replace(b'"weather"', b'"' + b"w" * 70 + b'"'))

    # ---- parser tricks in the body, which nobody needs a key for
    def body_is(self, d, body, reason="bad_order"):
        """What can't even be split is told once in a row, however much of it comes: an order by a stranger in between ends the row."""
        self.order_is(d, "unknown_key", lambda t: jws(self.stranger, "muster-order", d.order(t)))
        self.refused(d, reason, lambda: d.send_body(body))

    def case_body_no_json(self, d):
        self.body_is(d, b"hello")

    def case_body_duplicate_keys(self, d):
        order, release = d.signed()
        self.body_is(d, b'{"order":"x","order":"%s","release":"%s"}' % (order.encode(), release.encode()))

    def case_body_deep(self, d):
        self.body_is(d, DEEP)

    def case_body_nul(self, d):
        order, release = d.signed()
        self.body_is(d, b'{"order":"%s\0","release":"%s"}' % (order.encode(), release.encode()))

    def case_body_invalid_utf8(self, d):
        self.body_is(d, b'{"order":"\xff\xfe"}')

    def case_body_trailing_bytes(self, d):
        self.body_is(d, compact(dict(zip(("order", "release"), d.signed()))) + b"x")

    def case_body_oversize(self, d):
        self.body_is(d, compact(dict(zip(("order", "release"), d.signed()), x="y" * 4096)))

    def case_body_of_12_kB(self, d):
        self.body_is(d, b'{"order":"' + b"A" * 12000 + b'"}')

    def case_body_of_200_kB(self, d):
        """The device told the broker how long a packet may be: this one never reaches it."""
        before, since = d.snapshot(), d.send_body(b'{"order":"' + b"A" * 200000 + b'"}')
        abort, _ = d.send_verb("abort", rollout="none-such")
        d.wait_report(abort, 15, reason="no_rollout")
        self.assertEqual(len(d.reports(since)), 1)
        self.untouched(d, before)

    def case_body_order_longer_than_allowed(self, d):
        text = jws(self.keys.release, "muster-release", d.release())
        order = jws(self.keys.rollout, "muster-order", d.order(text, x="y" * 800))
        self.body_is(d, compact({"order": order, "release": text}))

    def case_body_release_longer_than_allowed(self, d):
        text = jws(self.keys.release, "muster-release", d.release(x="y" * 1400))
        self.assertGreater(len(text), 2048)
        self.body_is(d, compact({"order": jws(self.keys.rollout, "muster-order", d.order(text)), "release": text}), ("bad_release", "bad_order"))

    def case_body_without_release(self, d):
        order, _ = d.signed()
        before, since = d.snapshot(), d.send_body(compact({"order": order}))
        self.assertIn(d.wait_report(since, 20, state="rejected")["reason"], ("bad_release", "bad_order"))
        self.untouched(d, before)

    def case_body_jws_with_padding_and_spaces(self, d):
        for spoil in (lambda o: o + "=", lambda o: o.replace(".", ". ", 1), lambda o: o + ".", lambda o: "." + o, lambda o: o.replace(".", "")):
            order, release = d.signed()
            self.body_is(d, compact({"order": spoil(order), "release": release}), ("bad_order", "bad_signature"))

    def case_body_jws_with_two_spellings_of_one_signature(self, d):
        """base64url leaves unused bits in the last letter: only zeros are right, or one order would have several digests."""
        order, release = d.signed()
        letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
        other = order[:-1] + letters[letters.index(order[-1]) ^ 1]
        self.body_is(d, compact({"order": other, "release": release}), ("bad_order", "bad_signature"))

    # ---- fast-forward
    def case_fast_forward_of_order_numbers_by_a_stranger(self, d):
        """Refused orders use up no numbers."""
        self.order_is(d, "unknown_key", lambda t: jws(self.stranger, "muster-order", d.order(t, seq=4294967295)))
        self.pair_is(d, "wrong_device", d.signed(dev="sensor-999", seq=4294967294))
        now = int(time.time())
        self.pair_is(d, "expired", d.signed(iat=now - 9, nbf=now - 9, exp=now - 5, seq=4294967293))
        since, _ = d.send_verb("abort", rollout="none-such")
        self.assertEqual(d.wait_report(since, 15)["reason"], "no_rollout", "a small number is still taken")

    def case_fast_forward_of_the_floors_by_a_refused_release(self, d):
        """seq and security rise at a commit, not by what was ordered."""
        before = d.status()
        self.pair_is(d, "wrong_product", d.signed(d.release(product="pump", seq=4294967295, security=4294967295)))
        self.pair_is(d, "too_big", d.signed(d.release(size=0x7FFFFFFF, seq=4294967294, security=4294967294)))
        since = time.time()
        d.off()
        d.on()
        after = d.wait_online(since)
        for key in ("release_seq", "security"):
            self.assertEqual(before.get(key), after.get(key))

    # ---- other commands
    def case_unsigned_commands(self, d):
        for verb in ("reboot", "config", "abort", "rollback", "keys", "renew"):
            before = d.snapshot()
            now = int(time.time())
            order = {"verb": verb, "fleet": "demo", "dev": d.id, "seq": 9999, "iat": now, "nbf": now - 5, "exp": now + 60, "rollout": "r-1", "set": {"interval": 1}}
            since = d.send_body(compact({"order": jws(self.stranger, "muster-order", order)}), verb)
            if verb == "abort":
                self.assertEqual(d.wait_report(since, 15)["reason"], "unknown_key")
            else:
                reply = wait_until("a reply to " + verb, 15, lambda: d.replies(verb, since), every=0.05)[0]
                self.assertFalse(reply["ok"])
                self.assertIn(reply["reason"], ("unknown_key", "unsupported"))
            self.untouched(d, before)

    def case_junk_in_a_row(self, d):
        """A thousand bodies of junk: no restart, no growth, and a good order is taken after them."""
        memory, before = d.memory_kb(), d.snapshot()
        for i in range(1000):
            self.ear.client.publish("devices/%s/commands/update" % d.id, os.urandom(i % 700 + 1), qos=0)
        since, _ = d.send_verb("abort", rollout="none-such")
        d.wait_report(since, 30, reason="no_rollout")
        self.assertLess(d.memory_kb(), memory + 4096)
        self.untouched(d, before)


if __name__ == "__main__":
    unittest.main(verbosity=1)
