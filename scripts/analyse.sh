#!/bin/sh
# analyse.sh BUILD [cppcheck|analyzer|threads|memory...]: what compilers and checkers say beside warnings; all of them but
# analyzer when none is named. Prints what is found, and exits 1 then; what is no fault stands in scripts/analyse.txt, with why.
#   cppcheck   all of src/ and examples/                     20 seconds
#   analyzer   gcc -fanalyzer over src/                      10 minutes; gcc 12 does not see that a failure is no success
#   threads    ThreadSanitizer (clang, with OpenMP's own tool for it) over the tests that have threads
#   memory     Valgrind's memcheck over the same
# (clang-tidy is `make lint`.)
set -eu
cd "$(dirname "$0")/.."
build=$1
shift
[ $# -gt 0 ] || set -- cppcheck threads memory
threaded="test-matcher test-search test-gallery test-extract"
found=$build/analyse
mkdir -p "$found"
bad=0

# known WHAT: leaves out the lines that scripts/analyse.txt has, "WHAT FILE ID", and tells whether any is left.
known() {
    grep "^$1 " scripts/analyse.txt | while read -r _ file id _; do echo "$file:[0-9:]* $id:"; done > "$found/known"
    sort -u | grep -v -f "$found/known" && bad=1
    return 0
}

for what; do
    echo "== $what"
    case $what in
    cppcheck)
        cppcheck -j "$(nproc)" -Iinclude -Isrc -D_GNU_SOURCE -DMASK__HDF5_FILE='"x"' -DMASK__LAPACKE_FILE='"x"' -DMASK__VIPS_FILE='"x"' \
            --enable=warning,performance,portability --inline-suppr --quiet --suppress=missingIncludeSystem \
            --template='{file}:{line}: {id}: {message}' src examples 2> "$found/cppcheck"
        known cppcheck < "$found/cppcheck"
        ;;
    analyzer)
        cmake -S . -B build-analyzer -G Ninja -DCMAKE_BUILD_TYPE=None -DMASK_NATIVE=ON -DMASK_TESTS=OFF -DCMAKE_C_FLAGS="-O1 -fanalyzer" > "$found/configure"
        ninja -C build-analyzer -t clean > "$found/configure"
        ninja -C build-analyzer mask > "$found/analyzer" 2>&1 || { tail -3 "$found/analyzer"; exit 1; }
        sed -n "s|^$PWD/||;"'s/^\([^ ]*\):\([0-9]*\):[0-9]*: warning: \(.*\) \[\(CWE-[0-9]*\] \[\)\{0,1\}\(-W[a-z-]*\)\]/\1:\2: \5: \3/p' "$found/analyzer" > "$found/lines"
        known analyzer < "$found/lines"
        ;;
    threads)
        cmake -S . -B build-threads -G Ninja -DCMAKE_C_COMPILER=clang -DMASK_NATIVE=ON -DCMAKE_C_FLAGS="-fsanitize=thread -g -O1" > "$found/configure" 2>&1
        ninja -C build-threads --quiet $threaded
        archer=$(find /usr/lib/llvm-* -name libarcher.so | head -1)
        for test in $threaded; do
            OMP_TOOL_LIBRARIES=$archer TSAN_OPTIONS="ignore_noninstrumented_modules=1 exitcode=66" build-threads/tests/"$test" > "$found/$test" 2>&1 &&
                echo "$test: clean" || { bad=1; grep -A 12 -m 3 'WARNING: Thread\|FAILED' "$found/$test"; }
        done
        ;;
    memory)
        cmake -S . -B build-memory -G Ninja -DCMAKE_C_FLAGS=-O1 > "$found/configure" # Valgrind knows no AVX-512
        ninja -C build-memory --quiet $threaded
        for test in $threaded; do
            OMP_NUM_THREADS=2 valgrind --quiet --error-exitcode=66 build-memory/tests/"$test" > "$found/$test" 2>&1 &&
                echo "$test: clean" || { bad=1; grep -A 12 -m 3 '^==' "$found/$test"; }
        done
        ;;
    esac
done
exit $bad
