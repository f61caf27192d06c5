#!/bin/sh
# analyse.sh BUILD [tidy|cppcheck|analyzer|threads|memory...]: what compilers and checkers say beside warnings; all of them
# when none is named. Prints what is found, and exits 1 then; what is no fault stands in scripts/analyse.txt, with why.
#   tidy       clang-tidy, as `make lint`
#   cppcheck   all of src/ and examples/                     20 seconds
#   analyzer   gcc -fanalyzer over src/                      10 minutes of processor time
#   threads    ThreadSanitizer (clang, with OpenMP's own tool for it) over the tests that have threads,
#              and over the server (tests/serve.py)
#   memory     Valgrind's memcheck over the same
set -eu
cd "$(dirname "$0")/.."
build=$1
shift
[ $# -gt 0 ] || set -- tidy cppcheck analyzer threads memory
threaded="test-matcher test-search test-gallery test-extract"
flags="-Iinclude -Isrc -I$build/generated -D_GNU_SOURCE"
for library in HDF5 LAPACKE VIPS CURL; do flags="$flags -DMASK__${library}_FILE=\"x\""; done
export OMP_WAIT_POLICY=passive # or threads that wait take most of Valgrind's time
found=$build/analyse
mkdir -p "$found/clean"
bad=0

# known WHAT: leaves out the lines that scripts/analyse.txt has, "WHAT FILE ID", and tells whether any is left.
known() {
    grep "^$1 " scripts/analyse.txt | while read -r _ file id _; do echo "$file:[0-9:]* $id:"; done > "$found/known"
    sort -u | grep -v -f "$found/known" && bad=1
    return 0
}

# served BUILD UNDER...: its server, started by that
served() {
    from=$1
    shift
    MASK_UNDER="$*" OMP_NUM_THREADS=2 tests/serve.py "$from/mask" > "$found/serve" 2>&1 && echo "serve: clean" || {
        bad=1
        grep -A 12 -m 3 '^==\|WARNING: Thread\|Error' "$found/serve"
    }
}

for what; do
    echo "== $what"
    case $what in
    tidy)
        scripts/lint.sh "$build" || bad=1
        ;;
    cppcheck)
        cppcheck -j "$(nproc)" $flags --enable=warning,performance,portability --inline-suppr --quiet \
            --suppress=missingIncludeSystem --template='{file}:{line}: {id}: {message}' src examples 2> "$found/cppcheck"
        known cppcheck < "$found/cppcheck"
        ;;
    analyzer)
        # (error.c is what scripts/analyzer.h speaks for; without OpenMP, whose own variables gcc 12 takes for unset ones.)
        git ls-files 'src/*.c' | grep -v base/error.c | xargs -P "$(nproc)" -n 1 sh -c '
            gcc -std=gnu11 -O1 -fanalyzer -S -o /dev/null -include scripts/analyzer.h $1 "$2" 2>&1 | grep -E "^[^ ]*: (fatal )?(error|warning): "
            true' sh "$flags $(pkg-config --cflags hdf5 vips)" > "$found/analyzer"
        sed 's/^\([^ ]*:[0-9]*\):[0-9]*: [a-z ]*: \(.*\) \[\(CWE-[0-9]*\] \[\)\{0,1\}\(-W[a-z-]*\)\]$/\1: \4: \2/' "$found/analyzer" > "$found/lines"
        known analyzer < "$found/lines"
        ;;
    threads)
        cmake -S . -B build-threads -G Ninja -DCMAKE_C_COMPILER=clang -DMASK_NATIVE=ON -DCMAKE_C_FLAGS="-fsanitize=thread -g -O1" \
            -DCMAKE_C_STANDARD_LIBRARIES=-Wl,-z,undefs > "$found/configure" 2>&1 # the run-time is the program's
        ninja -C build-threads --quiet mask $threaded
        OMP_TOOL_LIBRARIES=$(find /usr/lib/llvm-* -name libarcher.so | head -1)
        TSAN_OPTIONS="ignore_noninstrumented_modules=1 exitcode=66"
        export OMP_TOOL_LIBRARIES TSAN_OPTIONS
        for test in $threaded; do
            build-threads/tests/"$test" > "$found/$test" 2>&1 &&
                echo "$test: clean" || { bad=1; grep -A 12 -m 3 'WARNING: Thread\|FAILED' "$found/$test"; }
        done
        served build-threads env
        ;;
    memory)
        cmake -S . -B build-memory -G Ninja -DCMAKE_C_FLAGS="-O1 -g -DSERVE_PATIENCE=5" > "$found/configure" # Valgrind knows no AVX-512
        ninja -C build-memory --quiet mask $threaded
        for test in $threaded; do
            OMP_NUM_THREADS=2 valgrind --quiet --suppressions=scripts/valgrind.supp --error-exitcode=66 build-memory/tests/"$test" > "$found/$test" 2>&1 &&
                echo "$test: clean" || { bad=1; grep -A 12 -m 3 '^==' "$found/$test"; }
        done
        served build-memory valgrind --quiet --suppressions="$PWD/scripts/valgrind.supp" --error-exitcode=66
        ;;
    esac
done
exit $bad
