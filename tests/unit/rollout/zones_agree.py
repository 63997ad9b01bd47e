#!/usr/bin/python3 -B
"""Zones and windows against Python's zoneinfo, which reads the same files by other code.   zones_agree.py ZONE_SHOW

Every zone of the system: its offset on both sides of each change in its file since 1900 and of those of a random year of its rule,
and at random instants until 2100.
Windows: minute by minute over the days around both changes of the clock, from the wall clock that datetime shows.
"""
import datetime
import os
import random
import struct
import subprocess
import sys
import zoneinfo

ZONES = "/usr/share/zoneinfo"
FIRST, LAST = -2208988800, 4102444800  # 1900, 2100
UTC = datetime.timezone.utc
DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
seed = int(os.environ.get("SEED", "0")) or random.SystemRandom().randrange(1, 10**9)
dice = random.Random(seed)


def wall(zone, t):
    return (datetime.datetime(1970, 1, 1, tzinfo=UTC) + datetime.timedelta(seconds=t)).astimezone(zone)


def offset(zone, t):
    return int(wall(zone, t).utcoffset().total_seconds())


def file_changes(name):
    """The times in the file's 64-bit part."""
    with open(os.path.join(ZONES, name), "rb") as f:
        data = f.read()
    isut, isstd, leap, times, types, chars = struct.unpack(">6l", data[20:44])
    at = 44 + times * 5 + types * 6 + chars + leap * 8 + isstd + isut
    count = struct.unpack(">l", data[at + 32:at + 36])[0]
    return struct.unpack(">%dq" % count, data[at + 44:at + 44 + 8 * count])


def rule_changes(zone, year):
    """Both sides of each change in a year, found by halving between looks of a month."""
    step, found = 30 * 86400, []
    begin = int(datetime.datetime(year, 1, 1, tzinfo=UTC).timestamp())
    for t in range(begin, begin + 366 * 86400, step):
        before = offset(zone, t)
        if before != offset(zone, t + step):
            low, high = t, t + step
            while high - low > 1:
                middle = (low + high) // 2
                low, high = (middle, high) if offset(zone, middle) == before else (low, middle)
            found += [low, high]
    return found


def instants(name, zone):
    found = [dice.randrange(FIRST, LAST) for _ in range(50)]
    found += [t + d for t in file_changes(name) for d in (-1, 0) if t > FIRST]
    return found + rule_changes(zone, dice.randrange(2038, 2100))


def is_open(local, begin, end, days):
    """By the definition in window.h, in minutes and names of days."""
    minute, day = local.hour * 60 + local.minute, local.weekday()
    if begin < end:
        return DAYS[day] in days and begin <= minute < end
    return (minute >= begin and DAYS[day] in days) or (minute < end and DAYS[day - 1] in days)


def minutes(text):
    return int(text[:2]) * 60 + int(text[3:])


class Program:
    def __init__(self, path):
        self.process = subprocess.Popen([path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            sys.exit("zone_show ended at: " + line[:80])
        return answer.split()


def offsets(program):
    wrong = count = 0
    names = {}  # one of the names of each file
    for name in sorted(zoneinfo.available_timezones() - {"localtime"}):
        names.setdefault(os.stat(os.path.join(ZONES, name)).st_ino, name)
    for name in names.values():
        zone = zoneinfo.ZoneInfo(name)
        times = instants(name, zone)
        said = program.ask("offset %s %s" % (name, " ".join(map(str, times))))
        count += len(times)
        for t, is_ in zip(times, map(int, said), strict=True):
            if is_ != offset(zone, t):
                wrong += 1
                print("%s at %d: %d, Python says %d" % (name, t, is_, offset(zone, t)))
    print("%d offsets of %d zones, %d differ" % (count, len(names), wrong))
    return wrong


def windows(program):
    wrong = count = 0
    for name in ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "UTC", "America/Havana", "America/Nuuk"]:
        zone = zoneinfo.ZoneInfo(name)
        for start in [1774400000, 1775000000, 1790700000, 1792700000, 1793300000, 1325000000]:
            for begin, end, days in [("01:00", "05:00", "mon,tue,wed,thu,fri,sat,sun"), ("02:15", "02:45", "sun"), ("23:30", "00:30", "sat"),
                                     ("02:30", "01:30", "fri,sun"), ("00:00", "24:00", "sun")]:
                start -= start % 60
                length = 5 * 1440
                said, *changes = program.ask("window %s %s %s %s %d %d" % (name, begin, end, days, start, length))
                flags = [is_open(wall(zone, start + 60 * m), minutes(begin), minutes(end), days.split(",")) for m in range(length)]
                should = [start + 60 * m for m in range(1, length) if flags[m] != flags[m - 1]]
                count += 1
                if said != "".join("-+"[f] for f in flags) or list(map(int, changes)) != should:
                    wrong += 1
                    print("%s %s-%s %s from %d: differs" % (name, begin, end, days, start))
    print("%d windows, each minute of five days, %d differ" % (count, wrong))
    return wrong


def main():
    zoneinfo.reset_tzpath([ZONES])
    print("seed %d" % seed)
    program = Program(sys.argv[1])
    bad = offsets(program) + windows(program)
    program.process.stdin.close()
    return 1 if bad or program.process.wait(10) else 0


if __name__ == "__main__":
    sys.exit(main())
