import os
import sys

from setuptools import setup

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))  # pip does not
import build_ffi  # noqa: E402

setup(version=build_ffi.VERSION, cffi_modules=["build_ffi.py:ffi"], options={"bdist_wheel": {"py_limited_api": "cp39"}})
