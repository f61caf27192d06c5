import build_ffi
from setuptools import setup

setup(version=build_ffi.VERSION, cffi_modules=["build_ffi.py:ffi"], options={"bdist_wheel": {"py_limited_api": "cp39"}})
