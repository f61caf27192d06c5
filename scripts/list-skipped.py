#!/usr/bin/env python3
"""list-skipped.py RESULTS.xml...: what the tests of these runs (ctest --output-junit) left out, and why.

A test says "skipped: REASON" and goes on or ends with 77. With MASK_NO_SKIPS set, as in CI, exits 1 when one was skipped for want
of something that can be installed: real data (MASK_SHARED), processors and being root are not.
"""
import collections
import os
import re
import sys
import xml.etree.ElementTree as xml

ALLOWED = re.compile(r"MASK_SHARED is not set|AVX512_BF16|root may write everywhere")
reasons = collections.OrderedDict()
for path in sys.argv[1:]:
    for test in xml.parse(path).getroot().iter("testcase"):
        found = re.findall(r"^skipped: (.*)$", test.findtext("system-out") or "", re.MULTILINE)
        if not found and test.get("status") not in ("run", "fail"):
            found = ["it did not run" if test.get("status") == "notrun" else test.get("status")]
        for reason in found:
            reasons.setdefault(reason, [])
            if test.get("name") not in reasons[reason]:
                reasons[reason].append(test.get("name"))
for reason, names in reasons.items():
    print("skipped: %s: %s" % (", ".join(names), reason))
if not reasons:
    print("no test was skipped")
missed = [reason for reason in reasons if not ALLOWED.search(reason)]
if missed and os.environ.get("MASK_NO_SKIPS"):
    sys.exit("list-skipped: MASK_NO_SKIPS is set, and tests were skipped that this machine should run")
